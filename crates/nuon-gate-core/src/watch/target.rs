//! The watch over one target: what to ask about it, and what the answers mean.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Duration;

use super::ending::{self, End};
use super::inquiry::{Inquiry, Learned, Look};
use super::request::{Answer, Reply, Request};
use super::{Context, EventKind};
use crate::client::ErrorClass;
use crate::model::{Deploy, Status};
use crate::report::TargetReport;
use crate::schedule::{Found, Schedule};
use crate::timeline::{human, span, time_in_each_status, timeline};
use crate::{
    ApiError, Clock, DeployId, Judgement, Kind, MatchedBy, Moment, Pin, RemoteText, Target, Verdict, WorkflowId, reason,
};

/// How far the watch has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// No deploy matched yet.
    Searching,
    /// One matched, and is followed by its id.
    Locked(DeployId),
    /// The one that matched was replaced; its successor is not there yet.
    Succession(Option<WorkflowId>),
}

/// Whether the install and the component are known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preflight {
    Open,
    Done,
}

#[derive(Debug)]
pub(super) struct TargetWatch {
    index: usize,
    target: Target,
    pin: Pin,
    stage: Stage,
    pub(super) inquiry: Inquiry,
    preflight: Preflight,
    told_not_started: bool,
    install_name: Option<RemoteText>,
    deploy: Option<Box<Deploy>>,
    matched_by: Option<MatchedBy>,
    replaced: Vec<DeployId>,
    seen: Vec<(Status, Moment)>,
    unrecognised: HashSet<Status>,
    warnings: Vec<String>,
    pub(super) end: Option<End>,
}

impl TargetWatch {
    pub(super) fn new(index: usize, target: Target, pin: Pin, schedule: Schedule) -> Self {
        let (stage, matched_by) = match &pin {
            Pin::Latest => (Stage::Searching, None),
            Pin::Deploy(id) => (Stage::Locked(id.clone()), Some(MatchedBy::Deploy)),
        };
        Self {
            index,
            target,
            pin,
            stage,
            inquiry: Inquiry::new(schedule),
            preflight: Preflight::Open,
            told_not_started: false,
            install_name: None,
            deploy: None,
            matched_by,
            replaced: Vec::new(),
            seen: Vec::new(),
            unrecognised: HashSet::new(),
            warnings: Vec::new(),
            end: None,
        }
    }

    // When to ask.

    /// Returns whether the start clock runs.
    pub(super) fn is_searching(&self) -> bool {
        self.stage == Stage::Searching
    }

    /// Begins or continues a look: returns the question and its serial number.
    pub(super) fn ask(&mut self, now: Moment) -> (Request, u64) {
        let first = self.first_request();
        self.inquiry.ask(now, || first)
    }

    fn first_request(&self) -> Request {
        match &self.stage {
            Stage::Searching | Stage::Succession(_) => self.ask_latest(),
            Stage::Locked(id) => Request::Deploy(self.target.install.clone(), id.clone()),
        }
    }

    fn ask_latest(&self) -> Request {
        Request::LatestDeploy(self.target.install.clone(), self.target.component.clone())
    }

    // What the answers mean.

    /// Takes in what came of a question, and returns the error if it has to be asked again. An answer to any but the
    /// newest question is dropped.
    pub(super) fn reply(&mut self, now: Moment, serial: u64, reply: Reply, context: &mut Context) -> Option<ApiError> {
        let look = self.inquiry.take(serial).filter(|_| self.end.is_none())?;
        let learned = match reply {
            Ok(answer) => {
                self.inquiry.good();
                self.learn(now, &look, answer, context)
            }
            Err(error) => self.suffer(now, &look, error, context),
        };
        let (trouble, end) = self.inquiry.carry_on(now, &look, learned);
        if let Some(end) = end {
            self.conclude(end, context);
        }
        trouble
    }

    /// Returns how the deploy ended if it is known to have failed and only the details for the reason are being read.
    fn known_failure(&self, context: &Context) -> Option<Verdict> {
        let deploy = self.deploy.as_deref()?;
        match context.settings.rules.judge(deploy.current_status(), kind(deploy)) {
            Judgement::Failed => Some(Verdict::Failed),
            Judgement::Cancelled => Some(Verdict::Cancelled),
            Judgement::Passed | Judgement::Replaced | Judgement::Pending => None,
        }
    }

    fn learn(&mut self, now: Moment, look: &Look, answer: Answer, context: &mut Context) -> Learned<End> {
        match answer {
            Answer::Deploy(Some(deploy)) if !deploy.is_plan_only() => self.learn_deploy(now, look, deploy, context),
            Answer::Deploy(Some(_)) if self.pin != Pin::Latest => {
                let reason = "the deploy only makes a plan, so there is nothing to wait for".to_owned();
                Learned::Ended(End { reason: Some(reason), ..End::new(Verdict::Rejected, now) })
            }
            Answer::Deploy(None) if self.stage == Stage::Searching && self.preflight == Preflight::Open => {
                Learned::More(Request::Install(self.target.install.clone()))
            }
            Answer::Install(install) => {
                self.install_name = install.name;
                Learned::More(Request::InstallComponent(self.target.install.clone(), self.target.component.clone()))
            }
            Answer::InstallComponent(_) => {
                self.preflight = Preflight::Done;
                self.not_started(now, context)
            }
            Answer::Deploy(_) => self.not_started(now, context),
        }
    }

    fn not_started(&mut self, now: Moment, context: &mut Context) -> Learned<End> {
        if self.stage == Stage::Searching && !std::mem::replace(&mut self.told_not_started, true) {
            context.emit(now, EventKind::NotStarted { target: self.index });
        }
        Learned::Over(Found::Nothing)
    }

    fn learn_deploy(&mut self, now: Moment, look: &Look, deploy: Box<Deploy>, context: &mut Context) -> Learned<End> {
        // The client gives no deploy without an id; if another transport does, it is as good as none.
        let Some(id) = deploy.id.clone() else { return self.not_started(now, context) };
        // The endpoint finds a deploy by its id alone: that it is the target's has to be seen here.
        if let Some(other) = deploy.component_id.as_ref().filter(|own| **own != self.target.component) {
            return Learned::Ended(ending::of_another_component(&self.target, &id, other, now));
        }
        let first = self.deploy.is_none();
        match &self.stage {
            Stage::Locked(locked) if *locked != id => {
                return Learned::Failed(ApiError::Undecodable("the answer is about another deploy".to_owned()));
            }
            Stage::Locked(_) if !first => {}
            Stage::Succession(_) if !self.is_successor(&id, &deploy) => return self.not_started(now, context),
            Stage::Searching | Stage::Locked(_) | Stage::Succession(_) => {
                if let Some(end) = self.lock(now, id.clone(), &deploy, context) {
                    return Learned::Ended(end);
                }
            }
        }
        self.judge(now, look, id, deploy, first, context)
    }

    /// Tells whether a deploy can have taken the place of the one that was replaced: a newer row of the same workflow. If
    /// the workflow is not known, it has to be certain that the row is newer, as a lagging replica may give an old one.
    fn is_successor(&self, id: &DeployId, deploy: &Deploy) -> bool {
        let Stage::Succession(workflow) = &self.stage else { return false };
        let before = self.deploy.as_ref().and_then(|deploy| deploy.created_at);
        let age = before.zip(deploy.created_at).map(|(before, own)| own.cmp(&before));
        let fits = match workflow {
            Some(_) => *workflow == deploy.workflow_id && age != Some(Ordering::Less),
            None => age == Some(Ordering::Greater),
        };
        fits && !self.replaced.contains(id)
    }

    /// Follows a deploy from now on, unless it does the opposite of what the one before was to do.
    fn lock(&mut self, now: Moment, id: DeployId, deploy: &Deploy, context: &mut Context) -> Option<End> {
        let matched_by = *self.matched_by.get_or_insert(MatchedBy::Latest);
        let crossing =
            self.deploy.as_ref().is_some_and(|before| kind(before) == Kind::Apply && kind(deploy) == Kind::Teardown);
        self.stage = Stage::Locked(id.clone());
        self.preflight = Preflight::Done;
        if crossing {
            let reason = format!("the deploy was replaced by a teardown ({id})");
            return Some(End { reason: Some(reason), ..End::new(Verdict::Failed, now) });
        }
        let status = deploy.current_status().clone();
        self.seen.push((status.clone(), now));
        let (build, commit) = (deploy.build_id.clone(), deploy.commit().map(|commit| commit.line(40)));
        let (target, replaces) = (self.index, self.replaced.last().cloned());
        context.emit(now, EventKind::Found { target, deploy: id, status, build, commit, matched_by, replaces });
        None
    }

    fn judge(
        &mut self,
        now: Moment,
        look: &Look,
        id: DeployId,
        deploy: Box<Deploy>,
        first: bool,
        context: &mut Context,
    ) -> Learned<End> {
        let status = deploy.current_status().clone();
        self.note_change(now, &id, &deploy, context);
        let judgement = context.settings.rules.judge(&status, kind(&deploy));
        // A deploy that appeared while the gate waited cannot have ended before.
        if judgement != Judgement::Pending
            && first
            && self.pin == Pin::Latest
            && !self.told_not_started
            && !context.is_glance()
        {
            self.warn_ended_before(now, &id, &deploy, context);
        }
        if context.settings.rules.is_unrecognised(&status) && self.unrecognised.insert(status.clone()) {
            let text = format!("status `{status}` is not known to this version; it is taken for not ended");
            self.warn(now, text, context);
        }
        let detailed = matches!(look.request, Request::Deploy(..));
        let workflow = deploy.workflow_id.clone();
        self.deploy = Some(deploy);
        match judgement {
            Judgement::Pending => {
                let is_new = self.seen.last().is_some_and(|(_, since)| *since == now);
                Learned::Over(if is_new { Found::Change } else { Found::Nothing })
            }
            Judgement::Passed => Learned::Ended(End::new(Verdict::Passed, now)),
            Judgement::Replaced => {
                self.replaced.push(id);
                self.stage = Stage::Succession(workflow);
                // A row that replaced one that was replaced in turn is looked for at the next look: a server that
                // answers in circles must not be asked without pause.
                if detailed { Learned::More(self.ask_latest()) } else { Learned::Over(Found::Change) }
            }
            // The short form lacks what a reason is made of.
            Judgement::Failed | Judgement::Cancelled if !detailed => Learned::More(self.first_request()),
            Judgement::Failed => Learned::Ended(self.failed(Verdict::Failed, now, context)),
            Judgement::Cancelled => Learned::Ended(self.failed(Verdict::Cancelled, now, context)),
        }
    }

    /// Takes note of the deploy's status if it is a new one.
    fn note_change(&mut self, now: Moment, id: &DeployId, deploy: &Deploy, context: &mut Context) {
        let to = deploy.current_status().clone();
        let Some((from, since)) = self.seen.last().cloned().filter(|(from, _)| *from != to) else { return };
        self.seen.push((to.clone(), now));
        let description = deploy.description().map(|text| text.line(200)).filter(|text| text != to.as_str());
        let (target, deploy) = (self.index, id.clone());
        context.emit(now, EventKind::Changed { target, deploy, from, to, spent: now - since, description });
    }

    fn warn_ended_before(&mut self, now: Moment, id: &DeployId, deploy: &Deploy, context: &mut Context) {
        // Whether it had ended was seen; only how long ago is a question of the two machines' clocks.
        let age = deploy.status_since().map(|ended| span(ended, context.started_at)).filter(|age| !age.is_zero());
        let age = age.map(|age| format!(" {} ago", human(age))).unwrap_or_default();
        let text = format!(
            "the latest deploy, {id}, had already ended{age}, before the gate began: if you have just triggered one, \
             this is not it; pass its id with --deploy"
        );
        self.warn(now, text, context);
    }

    fn warn(&mut self, now: Moment, text: String, context: &mut Context) {
        self.warnings.push(text.clone());
        context.emit(now, EventKind::Warned { target: Some(self.index), text });
    }

    fn failed(&self, verdict: Verdict, now: Moment, context: &Context) -> End {
        let reason = self.deploy.as_deref().and_then(reason::reason);
        let status = self.status().map(Status::as_str).unwrap_or_default();
        let by_flag = self.status().is_some_and(|status| context.settings.rules.override_of(status).is_some());
        let reason = reason.unwrap_or_else(|| match by_flag {
            true => format!("status `{status}` fails because of --fail-on"),
            false => format!("the deploy ended as `{status}`; the server gives no reason"),
        });
        let hint = self.deploy.as_deref().and_then(reason::server_hint);
        End { reason: Some(reason), hint, ..End::new(verdict, now) }
    }

    /// Decides what an error leads to.
    fn suffer(&mut self, now: Moment, look: &Look, error: ApiError, context: &mut Context) -> Learned<End> {
        if let Some(verdict) = self.known_failure(context) {
            self.warn(now, format!("the deploy's details could not be read: {error}"), context);
            return Learned::Ended(self.failed(verdict, now, context));
        }
        if error.class() == ErrorClass::Untrusted && !context.health.ever_good {
            // Nothing will be waited for, so there is nothing to tell of it.
            context.untrusted = Some(error);
            return Learned::Over(Found::Nothing);
        }
        if self.inquiry.is_final(&error, &look.request, context.health.ever_good) {
            return Learned::Ended(ending::rejected(&self.target, &error, &look.request, now));
        }
        Learned::Failed(error)
    }

    // How it ends.

    /// Ends the target, once.
    pub(super) fn conclude(&mut self, end: End, context: &mut Context) {
        let (target, verdict, reason) = (self.index, end.verdict, end.reason.clone());
        context.emit(end.at, EventKind::Ended { target, verdict, reason });
        self.inquiry.give_up_look();
        self.end = Some(end);
    }

    /// Ends the target because a clock rang.
    pub(super) fn ring(&mut self, clock: Clock, limit: Duration, now: Moment, context: &mut Context) {
        if let Some(verdict) = self.known_failure(context) {
            let end = self.failed(verdict, now, context);
            return self.conclude(end, context);
        }
        let standing = self.standing(now, context);
        let known = ending::Known { ever_good: context.health.ever_good, seen: self.deploy.is_some() };
        let end = ending::clock_rang(clock, limit, &self.target, &standing, known, self.inquiry.last_error(), now);
        self.conclude(end, context);
    }

    /// Ends the target because the watch stops while it is pending.
    pub(super) fn stop(&mut self, why: &str, now: Moment, context: &mut Context) {
        if let Some(verdict) = self.known_failure(context) {
            let end = self.failed(verdict, now, context);
            return self.conclude(end, context);
        }
        let standing = self.standing(now, context);
        let error = self.inquiry.last_error();
        let unanswered = self.deploy.is_none() && (error.is_some() || !self.told_not_started);
        let (verdict, reason) = if unanswered && context.is_glance() {
            let error = error.map_or("none came in time".to_owned(), ToString::to_string);
            (Verdict::Inconclusive, format!("no good answer from the API: {error}"))
        } else {
            (Verdict::Pending, format!("{why}{standing}"))
        };
        self.conclude(End { reason: Some(reason), ..End::new(verdict, now) }, context);
    }

    /// Says where the deploy stands and where its time went.
    fn standing(&self, now: Moment, context: &Context) -> String {
        let Some(status) = self.status() else { return "no deploy has been seen".to_owned() };
        let stays = self.timeline(now, context);
        let spent = stays.last().and_then(|stay| stay.duration).unwrap_or_default();
        format!("the last status is `{status}` for {} ({})", human(spent), time_in_each_status(&stays))
    }

    /// Returns the deploy's status, as last seen.
    fn status(&self) -> Option<&Status> {
        self.deploy.as_deref().map(Deploy::current_status)
    }

    /// Returns the deploy's status and how long it was seen in it, for a heartbeat.
    pub(super) fn pulse(&self, now: Moment) -> (usize, Option<Status>, Duration) {
        let since = self.seen.last().map_or(Moment::START, |(_, since)| *since);
        (self.index, self.status().cloned(), now - since)
    }

    fn timeline(&self, now: Moment, context: &Context) -> Vec<crate::timeline::Stay> {
        let Some(deploy) = &self.deploy else { return Vec::new() };
        let seen: Vec<_> = self.seen.iter().map(|(status, at)| (status.clone(), context.wall(*at))).collect();
        let judgement = context.settings.rules.judge(deploy.current_status(), kind(deploy));
        let ended = !matches!(judgement, Judgement::Pending | Judgement::Replaced);
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
            clock: end.and_then(|end| end.clock),
            deploy: self.deploy.clone(),
            matched_by: self.matched_by.filter(|_| self.deploy.is_some()),
            replaced: self.replaced.clone(),
            timeline: self.timeline(end.map_or(now, |end| end.at), context),
            warnings: self.warnings.clone(),
        }
    }
}

fn kind(deploy: &Deploy) -> Kind {
    Kind::from(deploy.install_deploy_type.as_ref())
}
