//! The watch over one target: what to ask about it, and how it ends. Finding its deploy is in `search`, following it in
//! `follow`.

use std::collections::HashSet;
use std::time::Duration;

use super::ending::{self, End};
use super::follow::Asked;
use super::inquiry::{Inquiry, Learned, Look};
use super::request::{Answer, Reply, Request};
use super::{Context, EventKind, Refusal};
use crate::client::{Depth, ErrorClass};
use crate::history::History;
use crate::model::{Deploy, Status, Workflow, WorkflowStep};
use crate::report::TargetReport;
use crate::schedule::{Found, Schedule};
use crate::timeline::{Stay, human, time_in_each_status, timeline};
use crate::{
    ApiError, Clock, DeployId, Judgement, Kind, Moment, Pins, RemoteText, Target, Verdict, WorkflowId, reason,
};

/// The most rows that a server gives at once.
const MOST_ROWS: u32 = 100;

/// How far the watch has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// No deploy matched yet.
    Searching,
    /// One matched, and is followed by its id.
    Locked(DeployId),
    /// The one that matched was replaced; its successor is not there yet.
    Succession(Option<WorkflowId>),
}

/// What has been read in the look under way.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// The component's newest deploy.
    pub(super) newest: bool,
    /// The workflow.
    pub(super) workflow: bool,
    /// The list, for a successor.
    pub(super) succession: bool,
    /// The deploy, or the list if there is none, once more after the workflow was seen to have ended.
    pub(super) again: bool,
    /// Whether the deploy showed another status than in the look before.
    pub(super) changed: bool,
}

/// What is known of the search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The install and the component exist.
    pub(super) preflight_done: bool,
    /// A hundred rows have been looked at, without finding any.
    pub(super) looked_deep: bool,
    /// The newest deploy that did not match.
    pub(super) newest: Option<DeployId>,
    /// The newest deploy when the list was last read: as long as it is the newest, the list has nothing new.
    pub(super) listed: Option<DeployId>,
    /// It has been told that there is none yet.
    pub(super) told: bool,
    /// The pinned workflow has been seen running: it is only a matter of time.
    pub(super) workflow_runs: bool,
}

#[derive(Debug)]
pub(super) struct TargetWatch {
    pub(super) index: usize,
    pub(super) target: Target,
    pub(super) pins: Pins,
    pub(super) stage: Stage,
    pub(super) inquiry: Inquiry,
    pub(super) reads: Reads,
    pub(super) search: Search,
    pub(super) looks: u32,
    /// When the watch over it began.
    began: Moment,
    install_name: Option<RemoteText>,
    pub(super) deploy: Option<Box<Deploy>>,
    /// Whether the deploy was read with its details.
    pub(super) detailed: bool,
    /// The component's newest deploy, as last seen.
    pub(super) newest: Option<Box<Deploy>>,
    /// The workflow cannot be read, and is done without.
    pub(super) without_workflow: bool,
    pub(super) replaced: Vec<DeployId>,
    pub(super) superseded_by: Option<DeployId>,
    pub(super) approval: Option<Asked>,
    pub(super) settling: Option<Moment>,
    pub(super) held: Option<Status>,
    /// It is certain that the deploy failed; only the details for the reason are missing.
    pub(super) failing: Option<Verdict>,
    pub(super) seen: Vec<(Status, Moment)>,
    pub(super) unrecognised: HashSet<Status>,
    warnings: Vec<String>,
    pub(super) end: Option<End>,
}

impl TargetWatch {
    pub(super) fn new(index: usize, target: Target, pins: Pins, schedule: Schedule, now: Moment) -> Self {
        let stage = pins.deploy.clone().map_or(Stage::Searching, Stage::Locked);
        Self {
            index,
            target,
            pins,
            stage,
            inquiry: Inquiry::new(schedule),
            reads: Reads::default(),
            search: Search::default(),
            looks: 0,
            began: now,
            install_name: None,
            deploy: None,
            detailed: false,
            newest: None,
            without_workflow: false,
            replaced: Vec::new(),
            superseded_by: None,
            approval: None,
            settling: None,
            held: None,
            failing: None,
            seen: Vec::new(),
            unrecognised: HashSet::new(),
            warnings: Vec::new(),
            end: None,
        }
    }

    /// Follows this deploy from the beginning, although it was not pinned by its id.
    pub(super) fn follow_from_now(&mut self, deploy: DeployId) {
        self.stage = Stage::Locked(deploy);
    }

    /// Tells whether a deploy is, or was before it was replaced, the one that is followed.
    pub(super) fn has_followed(&self, deploy: &DeployId) -> bool {
        matches!(&self.stage, Stage::Locked(id) if id == deploy)
            || self.replaced.contains(deploy)
            || self.deploy.as_ref().is_some_and(|own| own.id.as_ref() == Some(deploy))
    }

    pub(super) fn has_passed(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.verdict == Verdict::Passed)
    }

    // When and what to ask.

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self) -> bool {
        self.stage == Stage::Searching && !self.search.workflow_runs
    }

    /// Returns when something last changed, for the stall clock.
    pub(super) fn last_change(&self) -> Moment {
        self.seen.last().map_or(self.began, |(_, at)| *at)
    }

    /// Returns since when a human is asked, for the approval clock.
    pub(super) fn asked_since(&self) -> Option<Moment> {
        self.approval.as_ref().filter(|asked| asked.is_certain()).map(|asked| asked.since)
    }

    /// Begins or continues a look: returns the question and its serial number.
    pub(super) fn ask(&mut self, now: Moment) -> (Request, u64) {
        if self.inquiry.mid_look_since().is_none() {
            self.reads = Reads::default();
            self.looks += 1;
        }
        let first = self.first_request();
        self.inquiry.ask(now, || first)
    }

    fn first_request(&self) -> Request {
        match &self.stage {
            Stage::Searching => self.ask_first(),
            Stage::Locked(id) => self.ask_deploy(id.clone()),
            Stage::Succession(_) => self.ask_list(),
        }
    }

    pub(super) fn ask_latest(&self, depth: Depth) -> Request {
        Request::LatestDeploy(self.target.install.clone(), self.target.component.clone(), depth)
    }

    pub(super) fn ask_list(&self) -> Request {
        Request::Deploys(self.target.install.clone(), self.target.component.clone(), MOST_ROWS)
    }

    pub(super) fn ask_deploy(&self, id: DeployId) -> Request {
        Request::Deploy(self.target.install.clone(), id)
    }

    // What the answers mean.

    /// Takes in what came of a question, and returns the error if it has to be asked again. An answer to any but the
    /// newest question is dropped.
    pub(super) fn reply(&mut self, now: Moment, serial: u64, reply: Reply, context: &mut Context) -> Option<ApiError> {
        let look = self.inquiry.take(serial).filter(|_| self.end.is_none())?;
        let learned = match reply {
            Ok(answer) => {
                self.inquiry.good(&look.request);
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

    fn learn(&mut self, now: Moment, look: &Look, answer: Answer, context: &mut Context) -> Learned<End> {
        match answer {
            Answer::Install(install) => {
                self.install_name = install.name;
                let Target { install, component, .. } = &self.target;
                Learned::More(Request::InstallComponent(install.clone(), component.clone()))
            }
            Answer::InstallComponent(_) => {
                self.search.preflight_done = true;
                self.nothing_found(now, context)
            }
            Answer::Workflow(workflow) => {
                context.keep_workflow(look, *workflow, now);
                self.reads.workflow = true;
                self.carry_on(now, look, context)
            }
            Answer::Deploys(deploys) => self.learn_list(now, look, deploys, context),
            Answer::Dashboard(dashboard) => {
                context.dashboard = dashboard;
                self.carry_on(now, look, context)
            }
            Answer::Installs(_) | Answer::InstallComponents(_) | Answer::Logs(_) | Answer::Cancelling => {
                Learned::Failed(ApiError::Undecodable("the answer is about something else".to_owned()))
            }
            Answer::Deploy(found) => match (&self.stage, &look.request) {
                (Stage::Locked(id), Request::LatestDeploy(..)) => {
                    let id = id.clone();
                    self.learn_newest(now, look, &id, found, context)
                }
                (Stage::Locked(id), _) => {
                    let id = id.clone();
                    self.learn_deploy(now, look, &id, found, context)
                }
                (Stage::Searching | Stage::Succession(_), _) => self.learn_latest(now, look, found, context),
            },
        }
    }

    /// Goes on with what is to be read or decided next.
    pub(super) fn carry_on(&mut self, now: Moment, look: &Look, context: &mut Context) -> Learned<End> {
        match self.stage {
            Stage::Locked(_) => self.follow(now, look, context),
            Stage::Searching | Stage::Succession(_) => self.nothing_found(now, context),
        }
    }

    /// Decides what an error leads to.
    fn suffer(&mut self, now: Moment, look: &Look, error: ApiError, context: &mut Context) -> Learned<End> {
        if let (Request::Deploy(..), Some(verdict)) = (&look.request, self.failing) {
            self.warn(now, format!("the deploy's details could not be read: {error}"), context);
            return Learned::Ended(self.failed(verdict, now, context));
        }
        if error.class() == ErrorClass::Untrusted && !context.health.ever_good {
            // Nothing will be waited for, so there is nothing to tell of it.
            context.refusal = Some(Refusal::Untrusted(error));
            return Learned::Over(Found::Nothing);
        }
        if !self.inquiry.is_final(&error, &look.request, context.health.ever_good) {
            // What is newer is good to know, but a weak API must not keep a deploy that has ended from its verdict.
            let beside = matches!((&self.stage, &look.request), (Stage::Locked(_), Request::LatestDeploy(..)));
            if beside && error.class() == ErrorClass::Transient {
                self.reads.newest = true;
                self.newest = None;
                return self.carry_on(now, look, context);
            }
            return Learned::Failed(error);
        }
        // A link is good to have, and nothing more.
        if look.request == Request::Dashboard {
            return self.carry_on(now, look, context);
        }
        // A component that has no deploy yet may have no list either.
        if matches!(look.request, Request::Deploys(..)) && error.class() == ErrorClass::Missing {
            return self.nothing_found(now, context);
        }
        let own_workflow = matches!(look.request, Request::Workflow(_)) && self.pins.workflow.is_none();
        if own_workflow && error.class() != ErrorClass::Denied {
            self.warn(now, format!("the deploy's workflow cannot be read, its status alone counts: {error}"), context);
            self.without_workflow = true;
            return self.carry_on(now, look, context);
        }
        Learned::Ended(ending::rejected(&error, &look.request, now))
    }

    // How it ends.

    /// Forgets what was concluded from the status before.
    pub(super) fn forget_standing(&mut self) {
        self.approval = None;
        self.settling = None;
        self.held = None;
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
        let standing = self.standing(now, context);
        let known = ending::Known { ever_good: context.health.ever_good, seen: self.deploy.is_some() };
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
            true => format!("status `{status}` fails because of --fail-on"),
            false => format!("the deploy ended as `{status}`; the server gives no reason"),
        });
        let hint = deploy.and_then(reason::server_hint);
        End { reason: Some(reason), hint, vague, ..End::new(verdict, now) }
    }

    fn own_workflow<'a>(&self, context: &'a Context) -> Option<&'a Workflow> {
        context.workflow(self.deploy.as_deref()?.workflow_id.as_ref()?)
    }

    /// Says how a human answered, if it was no.
    pub(super) fn answered(&self, context: &Context) -> Option<String> {
        let deploy = self.deploy.as_deref()?.id.as_ref()?;
        self.own_workflow(context)?.steps_of(deploy).find_map(reason::denial)
    }

    /// Returns what a step of this deploy has noted about its failure.
    fn noted_by_step(&self, context: &Context) -> Option<String> {
        let deploy = self.deploy.as_deref()?.id.as_ref()?;
        let mut noted = self.own_workflow(context)?.steps_of(deploy).filter_map(WorkflowStep::reason);
        noted.find(|text| !text.is_blank()).map(|text| text.line(reason::LONGEST))
    }

    pub(super) fn warn(&mut self, now: Moment, text: String, context: &mut Context) {
        self.warnings.push(text.clone());
        context.emit(now, EventKind::Warned { target: Some(self.index), text });
    }

    // What is known.

    /// Says where the deploy stands and where its time went.
    fn standing(&self, now: Moment, context: &Context) -> String {
        let Some(status) = self.status() else { return "no deploy has been seen".to_owned() };
        let stays = self.timeline(now, context);
        let spent = stays.last().and_then(|stay| stay.duration).unwrap_or_default();
        let held = if self.held.is_some() { ", which was not certain yet" } else { "" };
        format!("the last status is `{status}`{held} for {} ({})", human(spent), time_in_each_status(&stays))
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

pub(super) fn kind(deploy: &Deploy) -> Kind {
    Kind::from(deploy.install_deploy_type.as_ref())
}
