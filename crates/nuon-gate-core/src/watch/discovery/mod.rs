//! Finds out which targets there are: by name at the start, or as the workflow that is waited for goes on.

mod answers;
mod branch;
mod workflow;

use std::collections::HashMap;
use std::sync::Arc;

use self::branch::{BranchNext, BranchTargets};
use self::workflow::WorkflowTargets;
use super::event::{Refusal, RunEvent};
use super::poller::Poller;
use super::settings::OnApproval;
use super::shared::Shared;
use super::takeovers::Takeover;
use super::target::TargetWatch;
use crate::api::ApiError;
use crate::cause::{Cause, Standing, StoppedBy, Warning};
use crate::model::Deploy;
use crate::pins::RunPin;
use crate::report::Stop;
use crate::resolve::{Resolution, Resolver, UnknownName, Wanted};
use crate::schedule::{Observed, Schedule};
use crate::{BranchRef, InstallId, Moment, RunReport, Target, Verdict, WorkflowId};

/// The search for targets.
#[derive(Debug)]
pub(super) struct Discovery {
    poller: Poller,
    source: Source,
    /// The deploys that have been found and are not targets yet.
    joining: Vec<Joining>,
    /// How the search has ended, once it has.
    end: Option<DiscoveryEnd>,
    /// Until when the success of what is waited for has to last, once it was read.
    settles_until: Option<Moment>,
}

/// Where the targets come from.
#[derive(Debug)]
enum Source {
    Known,
    Names(Box<Resolver>),
    Workflow(Box<WorkflowTargets>),
    Branch(Box<BranchTargets>),
}

/// How a run, or the workflow of an install, has failed, and why.
pub(super) type Failure = (Verdict, Cause);

/// How the search for targets ends.
#[derive(Debug, Clone)]
pub(super) enum DiscoveryEnd {
    /// All targets are known, and what they belong to has succeeded.
    Complete,
    /// It ends in any other way: it failed, or the wait is stopped before it is over.
    Otherwise(Verdict, Cause),
}

impl From<Failure> for DiscoveryEnd {
    fn from((verdict, cause): Failure) -> Self {
        Self::Otherwise(verdict, cause)
    }
}

/// A deploy that becomes a target.
#[derive(Debug)]
pub(super) struct Joining {
    pub(super) target: Target,
    /// As it was read.
    pub(super) deploy: Arc<Deploy>,
    /// The newest row of its component, if that was shown.
    pub(super) newest: Option<Arc<Deploy>>,
    /// How the branch's run was pinned that it is part of, and that run's workflow for the install.
    pub(super) of_run: Option<(RunPin, WorkflowId)>,
}

/// What an answer led to.
pub(super) enum Discovered {
    /// Nothing for others to do.
    Nothing,
    /// It has to be asked again.
    Retry(ApiError),
    /// These are the targets.
    Targets(Vec<Target>),
    /// The poll is over.
    Over,
    /// One of the things that are wanted, by its position, does not exist.
    Unknown(usize, UnknownName),
    /// The search is over.
    End(DiscoveryEnd),
    /// Nothing can be waited for.
    Refused(Refusal),
}

impl Discovery {
    fn new(source: Source, schedule: Schedule) -> Self {
        Self {
            poller: Poller::new(schedule, Moment::START),
            source,
            joining: Vec::new(),
            end: None,
            settles_until: None,
        }
    }

    /// A search that is over from the start, because the targets are known.
    pub(super) fn over(schedule: Schedule) -> Self {
        Self { end: Some(DiscoveryEnd::Complete), ..Self::new(Source::Known, schedule) }
    }

    pub(super) fn of_names(resolver: Resolver, schedule: Schedule) -> Self {
        Self::new(Source::Names(Box::new(resolver)), schedule)
    }

    pub(super) fn of_workflow(
        id: WorkflowId,
        installs: Vec<InstallId>,
        on_approval: OnApproval,
        schedule: Schedule,
    ) -> Self {
        Self::new(Source::Workflow(Box::new(WorkflowTargets::new(id, installs, on_approval))), schedule)
    }

    pub(super) fn of_branch(typed: BranchRef, schedule: Schedule) -> Self {
        Self::new(Source::Branch(Box::new(BranchTargets::named(typed))), schedule)
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn poller_mut(&mut self) -> &mut Poller {
        &mut self.poller
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Returns whether all targets are known.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.end, Some(DiscoveryEnd::Complete))
    }

    /// Returns how the search has ended, if not by finding all targets.
    pub(super) fn ended_otherwise(&self) -> Option<(Verdict, &Cause)> {
        match &self.end {
            Some(DiscoveryEnd::Otherwise(verdict, cause)) => Some((*verdict, cause)),
            Some(DiscoveryEnd::Complete) | None => None,
        }
    }

    /// Ends the search, once.
    pub(super) fn end(&mut self, end: DiscoveryEnd) {
        self.end.get_or_insert(end);
        self.poller.give_up();
    }

    /// Returns whether nothing can be waited for any more.
    pub(super) fn is_lost(&self) -> bool {
        self.ended_otherwise().is_some() && matches!(self.source, Source::Names(_))
    }

    /// Returns when something last changed.
    pub(super) fn last_change(&self) -> Moment {
        match &self.source {
            Source::Workflow(workflow) => workflow.last_change(),
            Source::Branch(branch) => branch.last_change(),
            Source::Names(_) | Source::Known => Moment::START,
        }
    }

    /// Returns the workflow that is waited for, unless it has ended, or turned out to be none to wait for.
    pub(super) fn open_workflow(&self) -> Option<&WorkflowId> {
        let is_rejected = matches!(self.end, Some(DiscoveryEnd::Otherwise(Verdict::Rejected, _)));
        self.running_workflow().filter(|_| !self.is_complete() && !is_rejected)
    }

    /// Returns what has stopped the search, or will, unless it ended by itself.
    pub(super) fn stopped(&self) -> Option<Stop> {
        match &self.end {
            Some(DiscoveryEnd::Otherwise(_, Cause::Limit(limit))) => Some(Stop::Clock(limit.clock)),
            Some(DiscoveryEnd::Otherwise(_, Cause::Stopped { by, .. })) => Some(Stop::By(*by)),
            Some(DiscoveryEnd::Complete | DiscoveryEnd::Otherwise(..)) => None,
            None => Some(Stop::By(StoppedBy::Decided)),
        }
    }

    /// Returns whether all targets are known although the workflow or run goes on.
    pub(super) fn was_left(&self) -> bool {
        self.is_complete() && self.running_workflow().is_some()
    }

    fn running_workflow(&self) -> Option<&WorkflowId> {
        match &self.source {
            Source::Workflow(workflow) => Some(workflow.id()).filter(|_| !workflow.has_ended()),
            Source::Branch(branch) => branch.open_workflow(),
            Source::Names(_) | Source::Known => None,
        }
    }

    /// Returns the installs that the workflow may belong to, as long as it has not said whose it is.
    pub(super) fn unproven_owners(&self) -> &[InstallId] {
        match &self.source {
            Source::Workflow(workflow) if !workflow.has_answered() => workflow.installs(),
            _ => &[],
        }
    }

    /// Identifies the workflow or run whose deploys are the targets, where they are found one by one.
    pub(super) fn whole(&self) -> Option<String> {
        match &self.source {
            Source::Workflow(workflow) => Some(format!("workflow {}", workflow.id().as_str())),
            Source::Branch(branch) => branch.report().map(|report| format!("branch run {}", report.run.as_str())),
            Source::Names(_) | Source::Known => None,
        }
    }

    /// Returns whether the targets are the deploys of a workflow, or of several.
    pub(super) fn follows_workflow(&self) -> bool {
        matches!(self.source, Source::Workflow(_) | Source::Branch(_))
    }

    /// Returns since when the workflow that is waited for is known to wait behind others.
    pub(super) fn queued_since(&self, shared: &Shared) -> Option<Moment> {
        self.open_workflow().and_then(|workflow| shared.queues().since(workflow))
    }

    /// Returns since when a human is asked about it as a whole.
    pub(super) fn asked_since(&self) -> Option<Moment> {
        match &self.source {
            Source::Workflow(workflow) if !self.has_ended() => workflow.asked_since(),
            Source::Branch(branch) if !self.has_ended() => branch.asked_since(),
            _ => None,
        }
    }

    /// Returns the targets whose deploys only begin once a human has answered the workflow.
    pub(super) fn kept_waiting(&self, targets: &[TargetWatch]) -> Vec<usize> {
        match &self.source {
            Source::Workflow(workflow) => workflow.kept_waiting(targets),
            Source::Branch(_) | Source::Names(_) | Source::Known => Vec::new(),
        }
    }

    /// Returns what the run of a branch has come to, if that is waited for and was found.
    pub(super) fn branch_run(&self) -> Option<RunReport> {
        match &self.source {
            Source::Branch(branch) => branch.report(),
            Source::Names(_) | Source::Workflow(_) | Source::Known => None,
        }
    }

    /// Takes what has happened to a branch's run since it was last asked.
    pub(super) fn take_events(&mut self) -> Vec<RunEvent> {
        match &mut self.source {
            Source::Branch(branch) => branch.take_events(),
            _ => Vec::new(),
        }
    }

    /// Takes what a whole poll of a branch's run has shown of its installs, and when it began.
    pub(super) fn take_takeovers(&mut self) -> Option<(Moment, HashMap<InstallId, Takeover>)> {
        match &mut self.source {
            Source::Branch(branch) => branch.take_takeovers(),
            Source::Names(_) | Source::Workflow(_) | Source::Known => None,
        }
    }

    /// Takes the deploys that become targets, whether or not their poll has come to its end.
    pub(super) fn take_joining(&mut self) -> Vec<Joining> {
        std::mem::take(&mut self.joining)
    }

    /// Takes warnings about how the targets were found.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        match &mut self.source {
            Source::Names(resolver) => resolver.take_warnings(),
            Source::Branch(branch) => branch.take_warnings(),
            Source::Workflow(_) | Source::Known => Vec::new(),
        }
    }

    /// Returns what is wanted by name.
    pub(super) fn wanted(&self) -> &[Wanted] {
        match &self.source {
            Source::Names(resolver) => resolver.wanted(),
            Source::Workflow(_) | Source::Branch(_) | Source::Known => &[],
        }
    }

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self, shared: &Shared) -> bool {
        match &self.source {
            Source::Workflow(workflow) => !shared.queues().has_begun(workflow.id()),
            Source::Branch(branch) => !branch.has_run(),
            Source::Names(_) | Source::Known => true,
        }
    }

    /// Says what is waited for.
    pub(super) fn subject(&self) -> String {
        match &self.source {
            Source::Workflow(workflow) => format!("workflow {}", workflow.id()),
            Source::Branch(branch) => branch.subject().to_owned(),
            Source::Names(_) | Source::Known => {
                self.wanted().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Says how far it has come.
    pub(super) fn standing(&self) -> Standing {
        match &self.source {
            Source::Workflow(workflow) => workflow.standing(),
            Source::Branch(branch) => branch.standing(),
            Source::Names(_) | Source::Known => Standing::Nothing,
        }
    }

    /// Returns how the workflow has ended, if it has, without waiting for its deploys.
    ///
    /// A success is none as long as one of its deploys has not become a target, one of its steps has not ended, or it has not
    /// lasted for as long as it has to.
    pub(super) fn end_without_deploys(&mut self, targets: &[TargetWatch]) -> Option<DiscoveryEnd> {
        let end = match &mut self.source {
            Source::Workflow(workflow) => workflow.end_without_deploys(targets),
            Source::Branch(branch) => branch.decided(),
            Source::Names(_) | Source::Known => None,
        };
        end.filter(|end| !matches!(end, DiscoveryEnd::Complete) || self.settles_until.is_none())
    }

    /// Records the position of a new target.
    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        match &mut self.source {
            Source::Workflow(workflow) => workflow.note_target(target, index),
            Source::Branch(branch) => branch.note_target(target, index),
            Source::Names(_) | Source::Known => {}
        }
    }

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self, now: Moment, targets: &[TargetWatch], shared: &Shared) {
        let request = match &mut self.source {
            Source::Branch(branch) => {
                branch.begin(now, shared.is_ending());
                // A poll that has read nothing yet has something to read.
                match branch.next(targets, now, shared) {
                    Ok(BranchNext::Read(request)) => Some(request),
                    _ => None,
                }
            }
            Source::Workflow(workflow) => Some(workflow.request()),
            Source::Names(resolver) => match resolver.resolve() {
                Resolution::Ask(request) => Some(request),
                _ => None,
            },
            Source::Known => None,
        };
        // A search that is not over has something to ask.
        match request {
            Some(request) => self.poller.begin(request, now),
            None => self.poller.over(now, Observed::Nothing),
        }
    }
}
