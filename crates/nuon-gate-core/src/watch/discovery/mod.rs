//! Finds out which targets there are: by name at the start, or as the workflow that is waited for goes on.

mod workflow;

use std::sync::Arc;

use self::workflow::{Next, WorkflowTargets};
use super::errors::{About, Handling, handle};
use super::event::Refusal;
use super::poller::Poller;
use super::shared::Shared;
use super::target::TargetWatch;
use crate::api::{ApiError, ErrorClass, Fact, Reply, Request};
use crate::cause::{Cause, Standing};
use crate::model::Deploy;
use crate::resolve::{Resolution, Resolver, UnknownName, Wanted};
use crate::schedule::{Observed, Schedule};
use crate::{InstallId, Moment, Target, Verdict, WorkflowId};

/// The search for targets.
#[derive(Debug)]
pub(super) struct Discovery {
    poller: Poller,
    source: Source,
    state: State,
}

/// Where the targets come from.
#[derive(Debug)]
enum Source {
    Known,
    Names(Box<Resolver>),
    Workflow(Box<WorkflowTargets>),
}

/// How the search for targets stands.
#[derive(Debug)]
enum State {
    Open,
    /// All targets are known.
    Complete,
    Failed(Failure),
}

/// How a search has failed, and why.
pub(super) type Failure = (Verdict, Cause);

/// What an answer led to.
pub(super) enum Discovered {
    /// Nothing that concerns others.
    Nothing,
    /// It has to be asked again.
    Retry(ApiError),
    /// These are the targets.
    Targets(Vec<Target>),
    /// These deploys become targets, of which this has been read.
    Joined(Vec<(Target, Arc<Deploy>)>),
    /// One of the things that are wanted, by its position, does not exist.
    Unknown(usize, UnknownName),
    /// The search is over: all targets are known, or it failed.
    End(Option<Failure>),
    /// Nothing can be waited for.
    Refused(Refusal),
}

impl Discovery {
    fn new(source: Source, schedule: Schedule) -> Self {
        Self { poller: Poller::new(schedule, Moment::START), source, state: State::Open }
    }

    /// A search that is over, as the targets are known.
    pub(super) fn over(schedule: Schedule) -> Self {
        Self { state: State::Complete, ..Self::new(Source::Known, schedule) }
    }

    pub(super) fn of_names(resolver: Resolver, schedule: Schedule) -> Self {
        Self::new(Source::Names(Box::new(resolver)), schedule)
    }

    pub(super) fn of_workflow(id: WorkflowId, installs: Vec<InstallId>, schedule: Schedule) -> Self {
        Self::new(Source::Workflow(Box::new(WorkflowTargets::new(id, installs))), schedule)
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn poller_mut(&mut self) -> &mut Poller {
        &mut self.poller
    }

    pub(super) fn has_ended(&self) -> bool {
        !matches!(self.state, State::Open)
    }

    /// Tells whether all targets are known.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Returns how the search has failed, if it has.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Failed(failure) => Some(failure),
            State::Open | State::Complete => None,
        }
    }

    /// Ends the search, once.
    pub(super) fn end(&mut self, failure: Option<Failure>) {
        if !self.has_ended() {
            self.state = failure.map_or(State::Complete, State::Failed);
        }
        self.poller.give_up();
    }

    /// Tells whether nothing can be waited for any more.
    pub(super) fn is_lost(&self) -> bool {
        self.failure().is_some() && matches!(self.source, Source::Names(_))
    }

    /// Returns when something last changed.
    pub(super) fn last_change(&self) -> Moment {
        match &self.source {
            Source::Workflow(workflow) => workflow.last_change(),
            Source::Names(_) | Source::Known => Moment::START,
        }
    }

    /// Returns the workflow that is waited for, unless it has ended.
    pub(super) fn open_workflow(&self) -> Option<&WorkflowId> {
        match &self.source {
            Source::Workflow(workflow) if !self.is_complete() && !workflow.has_ended() => Some(workflow.id()),
            _ => None,
        }
    }

    /// Tells whether the targets are the deploys of a workflow.
    pub(super) fn follows_workflow(&self) -> bool {
        matches!(self.source, Source::Workflow(_))
    }

    /// Returns what is wanted by name.
    pub(super) fn wanted(&self) -> &[Wanted] {
        match &self.source {
            Source::Names(resolver) => resolver.wanted(),
            Source::Workflow(_) | Source::Known => &[],
        }
    }

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self) -> bool {
        match &self.source {
            Source::Workflow(workflow) => !workflow.has_answered(),
            Source::Names(_) | Source::Known => true,
        }
    }

    /// Says what is waited for.
    pub(super) fn subject(&self) -> String {
        match &self.source {
            Source::Workflow(workflow) => format!("workflow {}", workflow.id()),
            Source::Names(_) | Source::Known => {
                self.wanted().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Says how far it has come.
    pub(super) fn standing(&self) -> Standing {
        match &self.source {
            Source::Workflow(workflow) => workflow.standing(),
            Source::Names(_) | Source::Known => Standing::Nothing,
        }
    }

    /// Returns how the workflow has ended, if it has, without waiting for its deploys.
    ///
    /// A success is none as long as one of its deploys has not become a target, or one of its steps has not ended.
    pub(super) fn end_without_deploys(&self, targets: &[TargetWatch]) -> Option<Option<Failure>> {
        match &self.source {
            Source::Workflow(workflow) => workflow.end_without_deploys(targets),
            Source::Names(_) | Source::Known => None,
        }
    }

    /// Takes note of the position of a new target.
    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        if let Source::Workflow(workflow) = &mut self.source {
            workflow.note_target(target, index);
        }
    }

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self, now: Moment) {
        let request = match &mut self.source {
            Source::Workflow(workflow) => Some(workflow.request()),
            Source::Names(resolver) => match resolver.resolve() {
                Resolution::Ask(request) => Some(request),
                Resolution::Targets(_) | Resolution::Unknown(..) | Resolution::Ambiguous(_) => None,
            },
            Source::Known => None,
        };
        // A search that is not over has something to ask.
        match request {
            Some(request) => self.poller.begin(request, now),
            None => self.poller.over(now, Observed::Nothing),
        }
    }

    /// Takes in what came of a request.
    pub(super) fn reply(
        &mut self,
        now: Moment,
        request: &Request,
        reply: Reply,
        targets: &[TargetWatch],
        shared: &Shared,
    ) -> Discovered {
        if self.has_ended() || self.poller.request() != Some(request) {
            return Discovered::Nothing;
        }
        let outcome = match reply {
            Ok(answer) => {
                self.poller.good(request);
                self.learn(now, request, answer.fact, targets)
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(discovered) => discovered,
            Err(error) => self.on_error(now, request, error, targets, shared),
        }
    }

    fn learn(
        &mut self,
        now: Moment,
        request: &Request,
        fact: Fact,
        targets: &[TargetWatch],
    ) -> Result<Discovered, ApiError> {
        match (&mut self.source, fact) {
            (Source::Names(resolver), fact) => {
                resolver.learn(request, fact)?;
                Ok(self.resolved())
            }
            (Source::Workflow(workflow), Fact::Workflow(read)) => {
                workflow.learn(read, now);
                Ok(self.join(now, targets))
            }
            (Source::Workflow(workflow), Fact::Deploy(deploy)) => {
                workflow.learn_owner(&deploy)?;
                Ok(self.join(now, targets))
            }
            _ => Err(ApiError::unexpected()),
        }
    }

    fn resolved(&mut self) -> Discovered {
        let Source::Names(resolver) = &mut self.source else { return Discovered::Nothing };
        match resolver.resolve() {
            Resolution::Ask(request) => {
                self.poller.need(request);
                Discovered::Nothing
            }
            Resolution::Targets(targets) => Discovered::Targets(targets),
            Resolution::Unknown(wanted, unknown) => Discovered::Unknown(wanted, unknown),
            Resolution::Ambiguous(ambiguous) => Discovered::Refused(Refusal::Ambiguous(ambiguous)),
        }
    }

    fn on_error(
        &mut self,
        now: Moment,
        request: &Request,
        error: ApiError,
        targets: &[TargetWatch],
        shared: &Shared,
    ) -> Discovered {
        if let Source::Names(resolver) = &mut self.source
            && (error.class() != ErrorClass::Untrusted || shared.health().ever_good())
            && resolver.learn_error(request, error.class() == ErrorClass::Missing)
        {
            return self.resolved();
        }
        let exists = match &self.source {
            Source::Workflow(workflow) => workflow.has_answered() && matches!(request, Request::Workflow(..)),
            Source::Names(_) | Source::Known => false,
        };
        let about = About { exists, is_own: exists, named: true, own_workflow: false };
        match handle(self.poller.streaks(), now, &error, request, about, shared) {
            Handling::Retry | Handling::NoWorkflow => {
                self.poller.failed(now, error.clone());
                Discovered::Retry(error)
            }
            // A workflow that has failed says more than that one of its deploys is not to be found.
            Handling::Reject(cause) => {
                let failure = self.end_without_deploys(targets).flatten();
                Discovered::End(Some(failure.unwrap_or((Verdict::Rejected, cause))))
            }
            Handling::Refuse(refusal) => Discovered::Refused(refusal),
        }
    }

    /// Makes targets of the deploys that nobody follows yet, and ends with the workflow.
    fn join(&mut self, now: Moment, targets: &[TargetWatch]) -> Discovered {
        let Source::Workflow(workflow) = &mut self.source else { return Discovered::Nothing };
        match workflow.next(targets) {
            Next::Read(request) => {
                self.poller.need(request);
                Discovered::Nothing
            }
            Next::Join(joining, observed) => {
                self.poller.over(now, observed);
                Discovered::Joined(joining)
            }
            Next::End(failure) => Discovered::End(failure),
        }
    }
}
