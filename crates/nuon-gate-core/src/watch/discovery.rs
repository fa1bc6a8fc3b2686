//! Finds out which targets there are: by name at the start, or as the workflow that is waited for goes on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::errors::{About, Handling, handle};
use super::event::Refusal;
use super::poller::Poller;
use super::shared::Shared;
use super::target::TargetWatch;
use crate::api::{ErrorClass, Fact, Reply};
use crate::cause::Standing;
use crate::model::{Deploy, StepState, Workflow, WorkflowEnd, WorkflowStep};
use crate::reason;
use crate::resolve::{Resolution, Resolver, UnknownName, Wanted};
use crate::schedule::{Observed, Schedule};
use crate::{ApiError, Cause, DeployId, InstallId, Moment, RemoteText, Request, Target, Verdict, WorkflowId};

/// The search for targets.
#[derive(Debug)]
pub(super) struct Discovery {
    poller: Poller,
    source: Source,
    end: Option<DiscoveryEnd>,
}

/// Where the targets come from.
#[derive(Debug)]
enum Source {
    Known,
    Names(Box<Resolver>),
    Workflow(Box<Followed>),
}

/// A workflow of which every deploy is a target.
#[derive(Debug)]
struct Followed {
    id: WorkflowId,
    /// Whose it has to be; anybody's if there are none.
    installs: Vec<InstallId>,
    /// As last read.
    workflow: Option<Arc<Workflow>>,
    /// It has been seen at work: deploys are only a matter of time.
    runs: bool,
    /// How many steps it has had at most. An answer with fewer is an older one, or cut short.
    most_steps: usize,
    /// The deploys that any of its steps has worked on. An answer that leaves one out has not lost it.
    deploys: Vec<DeployId>,
    /// Whose each of its deploys is; `None` for a row that deploys nothing.
    owners: HashMap<DeployId, Option<Target>>,
    /// The deploys that have become targets. What a target goes on to follow does not make another of them.
    joined: HashSet<DeployId>,
    /// The newest target of each component.
    targets: HashMap<Target, usize>,
    /// Where it and its steps stood when they last changed.
    words: Vec<String>,
    changed: Moment,
}

/// How the search for targets has ended.
#[derive(Debug, Clone)]
pub(super) struct DiscoveryEnd {
    /// Why, unless all targets are known.
    pub(super) failure: Option<(Verdict, Cause)>,
}

/// What an answer led to.
pub(super) enum Discovered {
    /// Nothing that concerns others.
    Nothing,
    /// It has to be asked again.
    Retry(ApiError),
    /// These are the targets.
    Targets(Vec<Target>),
    /// These deploys become targets.
    Joined(Vec<(Target, DeployId)>),
    /// One of the things that are wanted, by its position, does not exist.
    Unknown(usize, UnknownName),
    /// The search is over: all targets are known, or it failed.
    End(Option<(Verdict, Cause)>),
    /// Nothing can be waited for.
    Refused(Refusal),
}

impl Discovery {
    fn new(source: Source, schedule: Schedule) -> Self {
        Self { poller: Poller::new(schedule, Moment::START), source, end: None }
    }

    /// A search that is over, as the targets are known.
    pub(super) fn over(schedule: Schedule) -> Self {
        let end = Some(DiscoveryEnd { failure: None });
        Self { end, ..Self::new(Source::Known, schedule) }
    }

    pub(super) fn of_names(resolver: Resolver, schedule: Schedule) -> Self {
        Self::new(Source::Names(Box::new(resolver)), schedule)
    }

    pub(super) fn of_workflow(id: WorkflowId, installs: Vec<InstallId>, schedule: Schedule) -> Self {
        let followed = Followed {
            id,
            installs,
            workflow: None,
            runs: false,
            most_steps: 0,
            deploys: Vec::new(),
            owners: HashMap::new(),
            joined: HashSet::new(),
            targets: HashMap::new(),
            words: Vec::new(),
            changed: Moment::START,
        };
        Self::new(Source::Workflow(Box::new(followed)), schedule)
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn poller_mut(&mut self) -> &mut Poller {
        &mut self.poller
    }

    pub(super) fn end(&self) -> Option<&DiscoveryEnd> {
        self.end.as_ref()
    }

    pub(super) fn set_end(&mut self, end: DiscoveryEnd) {
        self.end.get_or_insert(end);
        self.poller.give_up();
    }

    /// Tells whether all targets are known.
    pub(super) fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.failure.is_none())
    }

    /// Tells whether nothing can be waited for any more.
    pub(super) fn is_lost(&self) -> bool {
        self.end.is_some() && !self.is_complete() && matches!(self.source, Source::Names(_))
    }

    /// Returns when something last changed.
    pub(super) fn last_change(&self) -> Moment {
        match &self.source {
            Source::Workflow(followed) => followed.changed,
            Source::Names(_) | Source::Known => Moment::START,
        }
    }

    /// Returns the workflow that is waited for, unless it has ended.
    pub(super) fn open_workflow(&self) -> Option<&WorkflowId> {
        match &self.source {
            Source::Workflow(followed) if !self.is_complete() => {
                let has_ended = followed.workflow.as_ref().is_some_and(|workflow| workflow.end().is_some());
                (!has_ended).then_some(&followed.id)
            }
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
            Source::Workflow(followed) => !followed.runs,
            Source::Names(_) | Source::Known => true,
        }
    }

    /// Says what is waited for.
    pub(super) fn subject(&self) -> String {
        match &self.source {
            Source::Workflow(followed) => format!("workflow {}", followed.id),
            Source::Names(_) | Source::Known => {
                self.wanted().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Says how far it has come.
    pub(super) fn standing(&self) -> Standing {
        match &self.source {
            Source::Workflow(followed) => {
                let word = followed.workflow.as_ref().map(|workflow| RemoteText::new(workflow.status_word()));
                Standing::Workflow { id: followed.id.clone(), word }
            }
            Source::Names(_) | Source::Known => Standing::Nothing,
        }
    }

    /// Returns how the workflow has ended, if it has, without waiting for its deploys.
    ///
    /// A success is none as long as one of its deploys has not become a target, or one of its steps has not ended.
    pub(super) fn ended_by_now(&self, targets: &[TargetWatch]) -> Option<Option<(Verdict, Cause)>> {
        let Source::Workflow(followed) = &self.source else { return None };
        let workflow = followed.workflow.as_ref()?;
        let end = workflow.end()?;
        let settled = followed.has_settled(&followed.deploys, targets) && followed.is_done(workflow);
        (end != WorkflowEnd::Succeeded || settled).then(|| ended(end, workflow, targets.is_empty()))
    }

    /// Takes note of the position of a new target.
    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        if let Source::Workflow(followed) = &mut self.source {
            followed.targets.insert(target.clone(), index);
        }
    }

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self, now: Moment) {
        let request = match &mut self.source {
            Source::Workflow(followed) => Some(followed.ask()),
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
        if self.end.is_some() || self.poller.request() != Some(request) {
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
            Err(error) => self.on_error(now, request, error, shared),
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
            (Source::Workflow(followed), Fact::Workflow(workflow)) => {
                followed.take(workflow, now);
                Ok(self.follow(now, targets))
            }
            (Source::Workflow(followed), Fact::Deploy(deploy)) => {
                followed.learn_owner(&deploy)?;
                Ok(self.follow(now, targets))
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

    fn on_error(&mut self, now: Moment, request: &Request, error: ApiError, shared: &Shared) -> Discovered {
        if let Source::Names(resolver) = &mut self.source
            && (error.class() != ErrorClass::Untrusted || shared.health.ever_good())
            && resolver.learn_error(request, error.class() == ErrorClass::Missing)
        {
            return self.resolved();
        }
        let exists = match &self.source {
            Source::Workflow(followed) => followed.workflow.is_some(),
            Source::Names(_) | Source::Known => false,
        };
        let about = About { exists, is_own: exists, named: true, own_workflow: false };
        match handle(&mut self.poller, now, &error, request, about, shared) {
            Handling::Retry | Handling::NoWorkflow => {
                self.poller.failed(now, error.clone());
                Discovered::Retry(error)
            }
            Handling::Reject(cause) => Discovered::End(Some((Verdict::Rejected, cause))),
            Handling::Refuse(refusal) => Discovered::Refused(refusal),
        }
    }

    /// Makes targets of the deploys that nobody follows yet, and ends with the workflow.
    fn follow(&mut self, now: Moment, targets: &[TargetWatch]) -> Discovered {
        let Source::Workflow(followed) = &mut self.source else { return Discovered::Nothing };
        let Some(workflow) = followed.workflow.clone() else { return Discovered::Nothing };
        if let Some(cause) = followed.refusal(&workflow) {
            return Discovered::End(Some((Verdict::Rejected, cause)));
        }
        let deploys = followed.deploys.clone();
        if let Some(unknown) = deploys.iter().find(|id| !followed.owners.contains_key(*id)) {
            return match &workflow.owner_id {
                Some(install) => {
                    self.poller.need(Request::Deploy(install.clone(), None, unknown.clone()));
                    Discovered::Nothing
                }
                None => Discovered::End(Some((Verdict::Rejected, Cause::NoInstall(followed.id.clone())))),
            };
        }
        let joining = followed.joining(&workflow, &deploys, targets);
        let all_followed = joining.is_empty() && followed.has_settled(&deploys, targets);
        let Some(end) = workflow.end() else {
            let observed = if joining.is_empty() { Observed::Nothing } else { Observed::Change };
            self.poller.over(now, observed);
            return Discovered::Joined(joining);
        };
        let gap = end == WorkflowEnd::Succeeded && !followed.is_done(&workflow);
        if all_followed && !gap {
            return Discovered::End(ended(end, &workflow, targets.is_empty()));
        }
        self.poller.over(now, if gap { Observed::Nothing } else { Observed::Change });
        Discovered::Joined(joining)
    }
}

impl Followed {
    fn ask(&self) -> Request {
        let owner = self.workflow.as_ref().and_then(|workflow| workflow.owner_id.clone());
        Request::Workflow(owner, self.id.clone())
    }

    fn take(&mut self, workflow: Arc<Workflow>, now: Moment) {
        let words = [workflow.status_word()].into_iter().chain(workflow.steps().map(WorkflowStep::word));
        let words: Vec<String> = words.map(str::to_owned).collect();
        if words != self.words {
            self.words = words;
            self.changed = now;
        }
        self.runs |= workflow.end().is_none();
        let new: Vec<_> = workflow.deploys().into_iter().filter(|id| !self.deploys.contains(id)).collect();
        self.deploys.extend(new);
        self.most_steps = self.most_steps.max(workflow.steps().count());
        self.workflow = Some(workflow);
    }

    /// Tells whether all of its steps are there, and have ended. One that says that it succeeded may be ahead of itself.
    fn is_done(&self, workflow: &Workflow) -> bool {
        let open = [StepState::NotBegun, StepState::Running, StepState::Retrying];
        let is_open = |step: &WorkflowStep| !step.is_hidden() && open.contains(&step.state());
        workflow.steps().count() == self.most_steps && !workflow.steps().any(is_open)
    }

    /// Refuses a workflow that makes plans only, or works on none of the installs that were named.
    fn refusal(&self, workflow: &Workflow) -> Option<Cause> {
        if workflow.is_plan_only() {
            return Some(Cause::PlanOnlyWorkflow(self.id.clone()));
        }
        let owner = workflow.owner_id.as_ref()?;
        let is_owner = |install: &InstallId| {
            install == owner || workflow.owner_name.as_ref().is_some_and(|name| name.is(install.as_str()))
        };
        if self.installs.is_empty() || self.installs.iter().any(is_owner) {
            return None;
        }
        let (workflow, owner, named) = (self.id.clone(), owner.clone(), self.installs.clone());
        Some(Cause::WorkflowOfOther { workflow, owner, named })
    }

    fn learn_owner(&mut self, deploy: &Deploy) -> Result<(), ApiError> {
        let owner = deploy.id.clone().zip(deploy.install_id.clone().zip(deploy.component_id.clone()));
        let (id, (install, component)) =
            owner.ok_or_else(|| ApiError::Undecodable("the deploy does not say whose it is".to_owned()))?;
        let install_name = self.workflow.as_ref().and_then(|workflow| workflow.owner_name.as_ref());
        let target = Target::new(install, component).named(install_name, deploy.component_name.as_ref());
        self.owners.insert(id, deploy.kind().map(|_| target));
        Ok(())
    }

    /// Returns the deploys that become targets now.
    fn joining(
        &mut self,
        workflow: &Workflow,
        deploys: &[DeployId],
        targets: &[TargetWatch],
    ) -> Vec<(Target, DeployId)> {
        let mut joining: Vec<(Target, DeployId)> = Vec::new();
        for id in deploys {
            let Some(Some(owner)) = self.owners.get(id).cloned() else { continue };
            if self.joined.contains(id) || self.is_followed(id, &owner, targets) {
                continue;
            }
            // A deploy that may take the place of another is for that one's target to follow.
            let expected = self.targets.get(&owner).is_some_and(|index| !targets[*index].has_ended());
            let joins = joining.iter().any(|(joining, _)| *joining == owner);
            // A row that was replaced before it was seen is a part of its successor's story.
            let mut own = workflow.steps_of(id).peekable();
            let was_replaced = own.peek().is_some() && own.all(|step| step.state() == StepState::Replaced);
            if !expected && !joins && !was_replaced {
                self.joined.insert(id.clone());
                joining.push((owner, id.clone()));
            } else if was_replaced && !expected {
                self.owners.insert(id.clone(), None);
            }
        }
        joining
    }

    fn is_followed(&self, id: &DeployId, owner: &Target, targets: &[TargetWatch]) -> bool {
        self.targets.get(owner).is_some_and(|index| targets[*index].has_followed(id))
    }

    /// Tells whether each deploy is a target, or was followed by one.
    fn has_settled(&self, deploys: &[DeployId], targets: &[TargetWatch]) -> bool {
        deploys.iter().all(|id| match self.owners.get(id) {
            Some(Some(owner)) => self.joined.contains(id) || self.is_followed(id, owner, targets),
            Some(None) => true,
            None => false,
        })
    }
}

/// The workflow ended, and what it deployed has been followed. It succeeded only if it says so and each of its steps did.
fn ended(end: WorkflowEnd, workflow: &Workflow, nothing: bool) -> Option<(Verdict, Cause)> {
    let failed = workflow.steps().find(|step| step.state() == StepState::Failed);
    let step = failed.and_then(|step| workflow.describe(step));
    let denied = workflow.was_denied(None);
    if end == WorkflowEnd::Succeeded {
        return match step {
            Some(step) => {
                let mut failed = workflow.steps().filter(|step| step.state() == StepState::Failed);
                let called_off = failed.all(WorkflowStep::was_called_off);
                let verdict = if called_off || denied { Verdict::Cancelled } else { Verdict::Failed };
                Some((verdict, Cause::StepFailed(step)))
            }
            None if nothing => Some((Verdict::Failed, Cause::NothingDeployed)),
            None => None,
        };
    }
    let verdict = if denied { Verdict::Cancelled } else { end.verdict() };
    let denial = workflow.steps().find_map(reason::denial);
    Some((verdict, Cause::Workflow { end, word: RemoteText::new(workflow.status_word()), step, denial }))
}
