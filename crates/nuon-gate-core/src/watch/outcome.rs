//! How a target ends, and what is known of it then.

use std::time::Duration;

use super::ending::{self, End};
use super::follow::Asked;
use super::target::{Stage, TargetWatch, kind};
use super::{Context, EventKind};
use crate::history::History;
use crate::model::{Deploy, Status, Workflow, WorkflowStep};
use crate::report::TargetReport;
use crate::timeline::{Stay, human, time_in_each_status, timeline};
use crate::{ApiError, Clock, Judgement, Line, Moment, Verdict, reason};

impl TargetWatch {
    /// Forgets what was concluded from the status before.
    pub(super) fn forget_standing(&mut self) {
        self.approval = None;
        self.settling = None;
        self.held = None;
        self.doubt = None;
        self.failing = None;
    }

    /// Returns how the deploy ended if its status says that it failed, whether or not a retry is possible.
    fn apparent_failure(&self, context: &Context) -> Option<Verdict> {
        match self.judgement(context)? {
            Judgement::Failed => Some(Verdict::Failed),
            Judgement::Cancelled => Some(Verdict::Cancelled),
            Judgement::Passed | Judgement::Replaced | Judgement::Pending => None,
        }
    }

    /// Returns what the deploy's status means by itself.
    pub(super) fn judgement(&self, context: &Context) -> Option<Judgement> {
        let deploy = self.deploy.as_deref()?;
        Some(context.settings.rules.judge(deploy.current_status(), kind(deploy)))
    }

    /// Ends the target, once.
    pub(super) fn conclude(&mut self, end: End, context: &mut Context) {
        let (target, verdict, reason) = (self.index, end.verdict, end.reason.clone());
        context.emit(end.at, EventKind::Ended { target: Some(target), verdict, reason });
        self.inquiry.give_up_look();
        self.end = Some(end);
    }

    /// Ends the target because a clock rang. A deploy in error whose retry did not come in time has failed.
    pub(super) fn ring(&mut self, clock: Clock, limit: Duration, now: Moment, context: &mut Context) {
        if let Some(verdict) = self.apparent_failure(context) {
            return self.conclude(self.failed(verdict, now, context), context);
        }
        if let Some(end) = self.undoubted(now, context) {
            return self.conclude(end, context);
        }
        let standing = self.standing(now, context);
        let known = ending::Known {
            ever_good: context.health.ever_good,
            seen: self.deploy.is_some(),
            unmatched: self.search.newest.is_some(),
        };
        let end = ending::clock_rang(
            clock,
            limit,
            &self.target.to_string(),
            &standing,
            known,
            self.inquiry.last_error(),
            now,
        );
        self.conclude(end, context);
    }

    /// Ends the target because the watch stops while it is pending.
    pub(super) fn stop(&mut self, why: &str, now: Moment, context: &mut Context) {
        if let Some(verdict) = self.failing {
            return self.conclude(self.failed(verdict, now, context), context);
        }
        let standing = self.standing(now, context);
        let error = self.inquiry.last_error();
        let unanswered = self.deploy.is_none() && (error.is_some() || !self.search.told);
        let late = ApiError::Timeout(context.settings.request_timeout);
        let error = (unanswered && context.is_glance()).then(|| error.unwrap_or(&late));
        self.conclude(ending::stopped(why, &standing, error, now), context);
    }

    /// The deploy failed or was cancelled, and says so itself.
    pub(super) fn failed(&self, verdict: Verdict, now: Moment, context: &Context) -> End {
        let deploy = self.deploy.as_deref();
        let by_flag = self.status().is_some_and(|status| context.settings.rules.override_of(status).is_some());
        let status = self.status().map(Status::as_str).unwrap_or_default();
        let specific = self.answered(context).or_else(|| deploy.and_then(reason::specific));
        let specific = specific.or_else(|| self.noted_by_step(context));
        let vague = specific.is_none() && !by_flag;
        let reason = specific.or_else(|| deploy.and_then(reason::generic)).unwrap_or_else(|| match by_flag {
            true => Line::new(format!("status `{status}` fails because of --fail-on")),
            false if !self.detailed => Line::new(format!("the deploy ended as `{status}`; its details were not read")),
            false => Line::new(format!("the deploy ended as `{status}`; the server gives no reason")),
        });
        let hint = deploy.and_then(reason::server_hint);
        End { reason: Some(reason), hint, vague, ..End::new(verdict, now) }
    }

    fn own_workflow<'a>(&self, context: &'a Context) -> Option<&'a Workflow> {
        context.workflow(self.deploy.as_deref()?.workflow_id.as_ref()?)
    }

    /// Says how a human answered, if it was no.
    pub(super) fn answered(&self, context: &Context) -> Option<Line> {
        let deploy = self.deploy.as_deref()?.id.as_ref()?;
        self.own_workflow(context)?.steps_of(deploy).find_map(reason::denial)
    }

    /// Returns what a step of this deploy has noted about its failure.
    fn noted_by_step(&self, context: &Context) -> Option<Line> {
        let deploy = self.deploy.as_deref()?.id.as_ref()?;
        let mut noted = self.own_workflow(context)?.steps_of(deploy).filter_map(WorkflowStep::reason);
        noted.find(|text| !text.is_blank()).map(|text| text.line(reason::LONGEST))
    }

    pub(super) fn warn(&mut self, now: Moment, text: impl AsRef<str>, context: &mut Context) {
        let text = Line::new(text);
        self.warnings.push(text.clone());
        context.emit(now, EventKind::Warned { target: Some(self.index), text });
    }

    // What is known.

    /// Says where the deploy stands and where its time went.
    fn standing(&self, now: Moment, context: &Context) -> String {
        let Some(status) = self.status() else {
            return match &self.search.newest {
                Some(newest) => format!("the newest deploy, {newest}, does not match what was pinned"),
                None => "no deploy has been seen".to_owned(),
            };
        };
        let stays = self.timeline(now, context);
        let spent = match (stays.last().and_then(|stay| stay.duration), time_in_each_status(&stays)) {
            (Some(spent), each) if stays.len() > 1 => format!(" for {} ({each})", human(spent)),
            (Some(spent), _) => format!(" for {}", human(spent)),
            (None, _) => String::new(),
        };
        let why = match (&self.stage, self.held.is_some(), self.settling.is_some()) {
            (Stage::Succession(_), ..) => ", and nothing has taken the deploy's place",
            (_, true, _) => ", which a step of its workflow could still change",
            (_, _, true) => ", which had not lasted for --settle yet",
            _ if self.approval.as_ref().is_some_and(Asked::is_certain) => ", and a human has to approve the plan",
            _ => "",
        };
        format!("the last status is `{status}`{why}{spent}")
    }

    /// Returns the deploy's status, as last seen.
    fn status(&self) -> Option<&Status> {
        self.deploy.as_deref().map(Deploy::current_status)
    }

    /// Returns the deploy's status and how long it was seen in it, for a heartbeat.
    pub(super) fn pulse(&self, now: Moment) -> (usize, Option<Status>, Duration) {
        (self.index, self.status().cloned(), now - self.last_change())
    }

    fn timeline(&self, now: Moment, context: &Context) -> Vec<Stay> {
        let Some(deploy) = &self.deploy else { return Vec::new() };
        let seen: Vec<_> = self.seen.iter().map(|(status, at)| (status.clone(), context.wall(*at))).collect();
        let ended = !matches!(self.judgement(context), Some(Judgement::Pending | Judgement::Replaced));
        timeline(deploy, &seen, ended, context.wall(now))
    }

    pub(super) fn report(&self, now: Moment, context: &Context) -> TargetReport {
        let end = self.end.as_ref();
        TargetReport {
            target: self.target.clone(),
            install_name: self.install_name.clone(),
            verdict: end.map_or(Verdict::Pending, |end| end.verdict),
            reason: end.and_then(|end| end.reason.clone()),
            hint: end.and_then(|end| end.hint.clone()),
            vague: end.is_some_and(|end| end.vague),
            clock: end.and_then(|end| end.clock),
            deploy: self.deploy.clone(),
            matched_by: self.deploy.is_some().then(|| self.pins.matched_by()),
            replaced: self.replaced.clone(),
            superseded_by: self.superseded_by.clone(),
            approval: self.approval.as_ref().filter(|asked| asked.is_certain()).map(Asked::place),
            timeline: self.timeline(end.map_or(now, |end| end.at), context),
            history: History::default(),
            log_tail: Vec::new(),
            warnings: self.warnings.clone(),
        }
    }
}
