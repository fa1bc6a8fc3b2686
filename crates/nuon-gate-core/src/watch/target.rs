//! The watch over one target: what to ask about it, and how it ends. Finding its deploy is in `search`, following it in
//! `follow`, how it ends in `outcome`.

use std::collections::HashSet;

use super::doubt::Doubt;
use super::ending::{self, End};
use super::follow::Asked;
use super::freshness::Freshness;
use super::inquiry::{Inquiry, Learned, Look};
use super::request::{Answer, Reply, Request};
use super::{Context, Refusal};
use crate::client::{Depth, ErrorClass};
use crate::model::{Deploy, Status};
use crate::schedule::{Found, Schedule};
use crate::{ApiError, DeployId, Kind, Line, Moment, Pins, RemoteText, Target, Verdict, WorkflowId};

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
    /// The component's newest deploy was asked for.
    pub(super) newest: bool,
    /// What that is. A look that could not be finished leaves it behind: it is old by the next one.
    pub(super) newest_deploy: Option<Box<Deploy>>,
    /// The workflow.
    pub(super) workflow: bool,
    /// The list, for a successor.
    pub(super) succession: bool,
    /// The deploy, or the list if there is none, once more after the workflow was seen to have ended.
    pub(super) again: bool,
    /// Whether the deploy showed another status than in the look before.
    pub(super) changed: bool,
    /// The deploy's details were asked for because it failed.
    pub(super) details: bool,
    /// The last answer about the deploy was older than one seen before, so that it is not known where it stands now.
    pub(super) outdated: bool,
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
    pub(super) install_name: Option<RemoteText>,
    pub(super) deploy: Option<Box<Deploy>>,
    /// How new that is.
    pub(super) freshness: Freshness,
    /// Whether the deploy was read with its details.
    pub(super) detailed: bool,
    /// The workflow cannot be read, and is done without.
    pub(super) without_workflow: bool,
    pub(super) replaced: Vec<DeployId>,
    pub(super) superseded_by: Option<DeployId>,
    pub(super) approval: Option<Asked>,
    pub(super) settling: Option<Moment>,
    pub(super) held: Option<Status>,
    /// The deploy may be behind its workflow.
    pub(super) doubt: Option<Doubt>,
    /// It is certain that the deploy failed; only the details for the reason are missing.
    pub(super) failing: Option<Verdict>,
    pub(super) seen: Vec<(Status, Moment)>,
    pub(super) unrecognised: HashSet<Status>,
    pub(super) warnings: Vec<Line>,
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
            freshness: Freshness::default(),
            detailed: false,
            without_workflow: false,
            replaced: Vec::new(),
            superseded_by: None,
            approval: None,
            settling: None,
            held: None,
            doubt: None,
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
            Answer::Install(install) if matches!(self.stage, Stage::Locked(_)) => {
                context.install_names.insert(self.target.install.clone(), install.name);
                self.carry_on(now, look, context)
            }
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
        // A link or a name is good to have, and nothing more.
        let is_name = matches!((&look.request, &self.stage), (Request::Install(_), Stage::Locked(_)));
        if look.request == Request::Dashboard || is_name {
            return self.carry_on(now, look, context);
        }
        if let (Request::Deploy(..), Some(verdict)) = (&look.request, self.failing) {
            self.warn(now, format!("the deploy's details could not be read: {error}"), context);
            return Learned::Ended(self.failed(verdict, now, context));
        }
        if error.class() == ErrorClass::Untrusted && !context.health.ever_good {
            // Nothing will be waited for, so there is nothing to tell of it.
            context.refusal = Some(Refusal::Untrusted(error));
            return Learned::Over(Found::Nothing);
        }
        let named = match &look.request {
            Request::Deploy(_, id) => self.pins.deploy.as_ref() == Some(id),
            Request::Workflow(id) => self.pins.workflow.as_ref() == Some(id),
            _ => false,
        };
        if !self.inquiry.is_final(&error, &look.request, named, context) {
            // What is newer is good to know, but a weak API must not keep a deploy that has ended from its verdict.
            let beside = matches!((&self.stage, &look.request), (Stage::Locked(_), Request::LatestDeploy(..)));
            if beside && error.class() == ErrorClass::Transient {
                self.reads.newest = true;
                self.reads.newest_deploy = None;
                return self.carry_on(now, look, context);
            }
            return Learned::Failed(error);
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
}

pub(super) fn kind(deploy: &Deploy) -> Kind {
    Kind::from(deploy.install_deploy_type.as_ref())
}
