//! What is reported about a target: its events, and its part of the report.

mod earlier;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::earlier::Earlier;
use super::asked_plan::AskedPlan;
use crate::ApprovalPlace;
use crate::cause::{Cause, Standing, Unmatched, Warning};
use crate::history::History;
use crate::model::{Deploy, Status};
use crate::report::{Stop, TargetReport};
use crate::timeline::{Stay, span, time_in_each_status, timeline};
use crate::watch::event::{EventKind, Pending};
use crate::watch::phase::{Basis, End, Note};
use crate::watch::shared::Shared;
use crate::{DeployId, Hold, Line, MatchedBy, Moment, Target, Verdict, WorkflowId};

/// The shortest time between two reports of a hold of which only the text has changed.
const STEP_PACE: Duration = Duration::from_secs(15);

/// What has been seen of a target and reported about it.
#[derive(Debug)]
pub(super) struct Record {
    index: usize,
    target: Target,
    began: Moment,
    deploy: Option<Arc<Deploy>>,
    matched_by: Option<MatchedBy>,
    seen: Vec<(Status, Moment)>,
    /// How long the deploy had been in its status when it was first seen there, as far as the server says.
    seen_late_by: Duration,
    unrecognised: HashSet<Status>,
    earlier: Earlier,
    replaced: Vec<DeployId>,
    superseded_by: Option<DeployId>,
    /// It was reported that there is no deploy yet.
    reported_not_started: bool,
    /// The last reported hold, and when.
    reported_hold: Option<(Hold, Moment)>,
    approval: Option<ApprovalPlace>,
    plan: AskedPlan,
    warnings: Vec<Warning>,
    end: Option<(Moment, End)>,
    /// What stopped the wait, unless it ended by itself.
    stopped: Option<Stop>,
    /// The end has not been counted yet.
    is_ending: bool,
}

impl Record {
    pub(super) fn new(index: usize, target: Target, now: Moment) -> Self {
        Self {
            index,
            target,
            began: now,
            deploy: None,
            matched_by: None,
            seen: Vec::new(),
            seen_late_by: Duration::ZERO,
            unrecognised: HashSet::new(),
            earlier: Earlier::default(),
            replaced: Vec::new(),
            superseded_by: None,
            reported_not_started: false,
            reported_hold: None,
            approval: None,
            plan: AskedPlan::default(),
            warnings: Vec::new(),
            end: None,
            stopped: None,
            is_ending: false,
        }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.end.as_ref().map(|(_, end)| end.verdict())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Records what stops the wait, unless it has ended.
    pub(super) fn note_stop(&mut self, stop: Stop) {
        if self.end.is_none() {
            self.stopped = Some(stop);
        }
    }

    /// Returns whether it ended before its deploy did: a human is asked, or another deploy came.
    pub(super) fn ended_early(&self) -> bool {
        match self.end.as_ref().map(|(_, end)| end) {
            Some(End::Passed(proof)) => matches!(proof.basis(), Basis::Approval(_)),
            Some(End::Otherwise(verdict, _)) => matches!(verdict, Verdict::ApprovalNeeded | Verdict::Superseded),
            Some(End::Refused(_)) | None => false,
        }
    }

    /// Forgets an end that was a refusal, and returns true once if it was.
    pub(super) fn take_refusal(&mut self) -> bool {
        self.end.take_if(|(_, end)| matches!(end, End::Refused(_))).is_some()
    }

    /// Returns true once, when the target has ended.
    pub(super) fn take_ending(&mut self) -> bool {
        std::mem::take(&mut self.is_ending)
    }

    pub(super) fn deploy(&self) -> Option<&Deploy> {
        self.deploy.as_deref()
    }

    /// Returns whether a deploy is the last that was shown, or was replaced.
    pub(super) fn has_followed(&self, deploy: &DeployId) -> bool {
        let is_last = self.deploy.as_ref().is_some_and(|own| own.id.as_ref() == Some(deploy));
        is_last || self.replaced.contains(deploy)
    }

    /// Returns when something last changed.
    pub(super) fn last_change(&self) -> Moment {
        self.seen.last().map_or(self.began, |(_, at)| *at)
    }

    /// Returns how long its deploy has been in its status, or how long there has been none.
    fn spent(&self, now: Moment) -> Duration {
        (now - self.last_change()).saturating_add(self.seen_late_by)
    }

    /// Returns its state, for a heartbeat.
    pub(super) fn pending(&self, hold: Hold, now: Moment, shared: &Shared) -> Pending {
        let (status, spent) = (self.status().cloned(), self.spent(now));
        let pace = self.pace(now, shared).filter(|_| !hold.is_of_health());
        Pending { target: self.index, status, spent, pace, hold }
    }

    /// Reports why the deploy is held, and once, when it is certain, that a human is asked at this `place`.
    pub(super) fn report_hold(&mut self, hold: &Hold, place: Option<&ApprovalPlace>, now: Moment, shared: &mut Shared) {
        let target = self.index;
        if matches!(hold, Hold::NotStarted) && !std::mem::replace(&mut self.reported_not_started, true) {
            shared.emit(now, EventKind::NotStarted { target });
        }
        if *hold == Hold::Outdated {
            return;
        }
        let is_new = self.reported_hold.as_ref().is_none_or(|(before, at)| {
            // A running step's text may change at each poll.
            let says_more = matches!(hold, Hold::Step(_) | Hold::Unseen(_) | Hold::NotHealthy(_));
            !before.is_same(hold) || says_more && before != hold && now >= *at + STEP_PACE
        });
        if is_new {
            self.reported_hold = Some((hold.clone(), now));
        }
        if hold.keeps_back()
            && is_new
            && let Some(status) = self.status().cloned()
        {
            shared.emit(now, EventKind::Held { target, status, hold: hold.clone() });
        }
        match place {
            Some(place) => self.report_approval(place, now, shared),
            None => self.approval = None,
        }
    }

    fn approval_page(&self, place: &ApprovalPlace, shared: &Shared) -> Option<Line> {
        shared.dashboard()?.approval(&self.target.install, place)
    }

    fn report_approval(&mut self, place: &ApprovalPlace, now: Moment, shared: &mut Shared) {
        if self.approval.as_ref() == Some(place) {
            return;
        }
        let (url, plan) = (self.approval_page(place, shared), self.plan.plan().cloned());
        let target = Some(self.index);
        shared.emit(now, EventKind::ApprovalNeeded { target, place: place.clone(), step: None, url, plan });
        self.approval = Some(place.clone());
    }

    pub(super) fn plan_mut(&mut self) -> &mut AskedPlan {
        &mut self.plan
    }

    pub(super) fn report_notes(&mut self, notes: Vec<Note>, now: Moment, shared: &mut Shared) {
        for note in notes {
            match note {
                Note::Found { row, by, replaces } => self.report_found(&row, by, replaces, now, shared),
                Note::Observed(row) => self.report_change(row, now, shared),
                Note::Superseded { from, to, policy } => {
                    self.superseded_by = Some(to.clone());
                    shared.emit(now, EventKind::Superseded { target: self.index, from, to, policy });
                }
                Note::Replaced(id) => {
                    if !self.replaced.contains(&id) {
                        self.replaced.push(id);
                    }
                }
                Note::Lost => {
                    (self.deploy, self.matched_by, self.earlier) = (None, None, Earlier::default());
                    self.seen.clear();
                    self.seen_late_by = Duration::ZERO;
                }
                Note::InstallName(name) => self.target.add_names(name.as_ref(), None),
                Note::Warned(warning) => self.warn(warning, now, shared),
            }
        }
    }

    fn report_found(
        &mut self,
        row: &Arc<Deploy>,
        by: MatchedBy,
        replaces: Option<DeployId>,
        now: Moment,
        shared: &mut Shared,
    ) {
        self.matched_by = Some(by);
        self.deploy = Some(row.clone());
        self.earlier = Earlier::default();
        (self.reported_hold, self.approval, self.plan) = (None, None, AskedPlan::default());
        let status = row.current_status().clone();
        self.seen.push((status.clone(), now));
        self.seen_late_by = row.status_since().map(|at| span(at, shared.server_now(now))).unwrap_or_default();
        shared.note_change(now);
        if let Some(deploy) = row.id.clone() {
            let (build, commit) = (row.build(), row.commit().map(|commit| commit.line(40)));
            let (target, spent) = (self.index, self.seen_late_by);
            let found = EventKind::Found { target, deploy, status, spent, build, commit, matched_by: by, replaces };
            shared.emit(now, found);
        }
        self.warn_of_unknown(row, now, shared);
    }

    fn report_change(&mut self, row: Arc<Deploy>, now: Moment, shared: &mut Shared) {
        let to = row.current_status().clone();
        let before = self.seen.last().cloned().filter(|(from, _)| *from != to);
        if let Some((from, _)) = before {
            let seen_for = self.spent(now);
            self.seen.push((to.clone(), now));
            self.seen_late_by = Duration::ZERO;
            self.deploy = Some(row.clone());
            // As the end of the run will say, by the server's times where it keeps them.
            let stays = self.timeline(now, shared);
            let last = stays.iter().rev().nth(1).filter(|stay| stay.status == from);
            let spent = last.and_then(|stay| stay.duration).unwrap_or(seen_for);
            (self.reported_hold, self.approval) = (None, None);
            shared.note_change(now);
            let description = row.description().map(|text| text.line(200)).filter(|text| text != to.as_str());
            if let Some(deploy) = row.id.clone() {
                let target = self.index;
                shared.emit(now, EventKind::Changed { target, deploy, from, to, spent, description });
            }
        }
        self.warn_of_unknown(&row, now, shared);
        self.deploy = Some(row);
    }

    fn warn_of_unknown(&mut self, row: &Deploy, now: Moment, shared: &mut Shared) {
        let status = row.current_status();
        if shared.settings().rules.is_unrecognised(status) && self.unrecognised.insert(status.clone()) {
            self.warn(Warning::UnknownStatus(status.clone()), now, shared);
        }
    }

    pub(super) fn warn(&mut self, warning: Warning, now: Moment, shared: &mut Shared) {
        self.warnings.push(warning.clone());
        shared.emit(now, EventKind::Warned { target: Some(self.index), warning });
    }

    pub(super) fn status(&self) -> Option<&Status> {
        self.deploy.as_deref().map(Deploy::current_status)
    }

    /// A plan that waits for a human may be what ends the target.
    fn report_last_approval(&mut self, end: &End, now: Moment, shared: &mut Shared) {
        match end {
            End::Otherwise(_, Cause::ApprovalNeeded(place)) => self.report_approval(place, now, shared),
            End::Passed(proof) => {
                if let Basis::Approval(place) = proof.basis() {
                    self.report_approval(place, now, shared);
                    self.warn(Warning::NotApproved, now, shared);
                }
            }
            End::Otherwise(..) | End::Refused(_) => {}
        }
    }

    /// Reports the end, and stores it.
    pub(super) fn report_end(&mut self, end: End, now: Moment, shared: &mut Shared) {
        if let End::Refused(refusal) = &end {
            shared.refuse(refusal.clone());
        } else {
            self.report_last_approval(&end, now, shared);
            let (verdict, cause) = (end.verdict(), end.cause().cloned());
            let deploy = self.deploy.as_ref().and_then(|deploy| deploy.id.clone());
            let approval = self.approval.as_ref().and_then(|place| self.approval_page(place, shared));
            shared.emit(now, EventKind::Ended { target: Some(self.index), deploy, approval, verdict, cause });
        }
        self.end = Some((now, end));
        self.is_ending = true;
    }

    /// Describes the deploy's state and where its time went.
    pub(super) fn standing(&self, hold: Hold, unmatched: Option<&Unmatched>, now: Moment, shared: &Shared) -> Standing {
        let Some(status) = self.status().cloned() else {
            return match unmatched {
                _ if shared.settings().is_triggered => Standing::NothingSinceTrigger,
                Some(newest) => Standing::Unmatched(newest.clone()),
                None => Standing::Nothing,
            };
        };
        let stays = self.timeline(now, shared);
        let spent = stays.last().and_then(|stay| stay.duration);
        let each = (stays.len() > 1).then(|| time_in_each_status(stays.iter().map(Stay::spent)));
        Standing::Deploy { status, spent, each, hold }
    }

    fn timeline(&self, now: Moment, shared: &Shared) -> Vec<Stay> {
        let Some(deploy) = &self.deploy else { return Vec::new() };
        let seen: Vec<(Status, Timestamp)> =
            self.seen.iter().map(|(status, at)| (status.clone(), shared.wall(*at))).collect();
        let judgement = shared.settings().rules.judge_deploy(deploy);
        timeline(deploy, &seen, judgement.is_final(), shared.wall(now))
    }

    pub(super) fn report(&self, pinned: Option<&WorkflowId>, now: Moment, shared: &Shared) -> TargetReport {
        let end = self.end.as_ref();
        let matched_by = self.matched_by.filter(|_| self.deploy.is_some());
        let workflow = self.deploy.as_ref().and_then(|deploy| deploy.workflow().cloned());
        let workflow = workflow.or_else(|| pinned.cloned());
        let queue = workflow.as_ref().and_then(|workflow| shared.queues().place(workflow)).cloned();
        let workflow_owned = workflow.as_ref().and_then(|id| shared.workflow_owned(id, &self.target.install)).cloned();
        let workflow_is_over = workflow.as_ref().is_some_and(|id| shared.is_over(id));
        TargetReport {
            target: self.target.clone(),
            verdict: end.map_or(Verdict::Pending, |(_, end)| end.verdict()),
            cause: end.and_then(|(_, end)| end.cause().cloned()),
            proof: end.and_then(|(_, end)| match end {
                End::Passed(proof) => Some(proof.clone()),
                _ => None,
            }),
            health: None,
            deploy: self.deploy.clone(),
            workflow,
            workflow_owned,
            workflow_is_over,
            stopped: self.stopped,
            queue,
            matched_by,
            replaced: self.replaced.clone(),
            superseded_by: self.superseded_by.clone(),
            approval: self.approval.clone(),
            plan: self.plan.plan().cloned(),
            plan_was_asked_for: self.approval.as_ref().is_some_and(|place| self.plan.was_asked(place)),
            timeline: self.timeline(end.map_or(now, |(at, _)| *at), shared),
            history: self.earlier.history.as_deref().map(History::as_far_as_settled),
            log_tail: Vec::new(),
            log_error: None,
            cancelled: None,
            warnings: self.warnings.clone(),
        }
    }
}
