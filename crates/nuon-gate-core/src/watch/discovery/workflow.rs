//! The targets of a workflow: each of its deploys, as it goes on.

mod asking;
mod ending;
mod joining;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::asking::Asking;
pub(in crate::watch::discovery) use self::ending::is_open;
use super::DiscoveryEnd;
use crate::api::{ApiError, Request};
use crate::cause::{Cause, Standing};
use crate::model::{Deploy, Install, Workflow, WorkflowEnd, WorkflowStep};
use crate::schedule::Observed;
use crate::watch::LAG;
use crate::watch::errors::MISSES;
use crate::watch::install_lists::FEWEST;
use crate::watch::settings::OnApproval;
use crate::watch::target::TargetWatch;
use crate::{
    ComponentId, DeployId, InstallId, Judgement, Moment, RemoteText, Require, Rules, Target, Verdict, WorkflowId,
};

/// A workflow of which every deploy is a target.
#[derive(Debug)]
pub(super) struct WorkflowTargets {
    id: WorkflowId,
    /// The installs that it may belong to; any if empty.
    installs: Vec<InstallId>,
    /// How many of these were read, because they may be names.
    resolved: usize,
    /// It is one of several in a run: it may have nothing to deploy.
    is_of_run: bool,
    on_approval: OnApproval,
    /// As last read.
    workflow: Option<Arc<Workflow>>,
    /// The install that it belongs to, once that is certain: one of its deploys has said so, or the user named the
    /// install. A single wrong answer about the workflow must not make all others look foreign.
    owner: Option<InstallId>,
    /// The largest number of steps seen. An answer with fewer is older, or truncated.
    most_steps: usize,
    /// The deploys that any of its steps has worked on. A later answer without one does not remove it.
    deploys: Vec<DeployId>,
    /// The target and the last row of each of its deploys; `None` for a row that deploys nothing.
    owners: HashMap<DeployId, Option<(Target, Arc<Deploy>)>>,
    /// The deploys of the whole install.
    list: InstallList,
    /// A deploy that a step has named, and that the last such list lacks although it is not cut off: the list lags behind.
    unlisted: Option<DeployId>,
    /// The newest deploy of each component that such a list has shown, if another workflow runs it.
    newest: HashMap<ComponentId, Arc<Deploy>>,
    /// How often the server has said that there is no such list, since it last gave one.
    list_missing: u32,
    /// The last deploy of each component that was replaced before it was seen. Its successor becomes the target; if none has
    /// come when the workflow ends, it does itself.
    replaced: HashMap<Target, (DeployId, Arc<Deploy>)>,
    /// The deploys whose target has moved on to another one of this workflow. What their steps say does not count any more.
    left: HashSet<DeployId>,
    /// The deploys that have become targets. A deploy that a target moves on to is not another target.
    joined: HashSet<DeployId>,
    /// The newest target of each component.
    targets: HashMap<Target, usize>,
    /// The states of it and of its steps when they last changed.
    states: Vec<String>,
    changed: Moment,
    /// When it was last read.
    read_at: Moment,
    /// A human is asked about it as a whole.
    asking: Option<Asking>,
}

/// What the poll under way knows of the deploys of the whole install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InstallList {
    Unread,
    /// They could not be read, or what was read lags behind.
    Missed,
    /// They were read, or the server has no such list.
    Read,
}

/// Why the watch stops waiting for a workflow that goes on: a flag has ended one of its targets before the deploy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// This makes the run fail.
    Lost,
    /// Every target has passed, and the workflow waits for a human.
    Passed,
}

/// What follows from what has been read of the workflow.
pub(super) enum WorkflowNext {
    /// This has to be read as well.
    Read(Request),
    /// These deploys become targets, and the poll is over.
    Join(Vec<(Target, Arc<Deploy>)>, Observed),
    /// No more targets come.
    End(DiscoveryEnd),
}

impl WorkflowTargets {
    pub(super) fn new(id: WorkflowId, installs: Vec<InstallId>, on_approval: OnApproval) -> Self {
        Self {
            id,
            installs,
            resolved: 0,
            is_of_run: false,
            on_approval,
            workflow: None,
            owner: None,
            most_steps: 0,
            deploys: Vec::new(),
            owners: HashMap::new(),
            list: InstallList::Unread,
            unlisted: None,
            newest: HashMap::new(),
            list_missing: 0,
            replaced: HashMap::new(),
            left: HashSet::new(),
            joined: HashSet::new(),
            targets: HashMap::new(),
            states: Vec::new(),
            changed: Moment::START,
            read_at: Moment::START,
            asking: None,
        }
    }

    /// The workflow of an install in a branch's run.
    pub(super) fn of_run(id: WorkflowId) -> Self {
        Self { is_of_run: true, ..Self::new(id, Vec::new(), OnApproval::Wait) }
    }

    /// Returns the name of the install that it works on.
    pub(super) fn owner_name(&self) -> Option<&RemoteText> {
        self.workflow.as_ref()?.owner_name.as_ref().filter(|name| !name.is_blank())
    }

    pub(super) fn id(&self) -> &WorkflowId {
        &self.id
    }

    pub(super) fn installs(&self) -> &[InstallId] {
        &self.installs
    }

    /// Returns whether it may belong to a branch's run, because its owner is not known yet.
    pub(super) fn can_be_of_branch(&self) -> bool {
        self.installs.is_empty() && !self.is_of_run
    }

    pub(super) fn has_answered(&self) -> bool {
        self.workflow.is_some()
    }

    /// Returns whether it has never shown a step.
    pub(super) fn is_empty(&self) -> bool {
        self.most_steps == 0
    }

    /// Returns whether any of its deploys has become a target, be it another shard's, or is followed by one.
    pub(super) fn has_deployed(&self) -> bool {
        !self.joined.is_empty() || !self.targets.is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.workflow.as_ref().is_some_and(|workflow| workflow.end().is_some())
    }

    pub(super) fn last_change(&self) -> Moment {
        self.changed
    }

    pub(super) fn standing(&self) -> Standing {
        let word = self.workflow.as_ref().map(|workflow| RemoteText::new(workflow.status_word()));
        let unread = self.deploys.iter().find(|id| !self.owners.contains_key(*id)).or(self.unlisted.as_ref());
        let unread = unread.filter(|_| self.has_ended());
        Standing::Workflow { id: self.id.clone(), word, has_ended: self.has_ended(), unread: unread.cloned() }
    }

    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        self.targets.insert(target.clone(), index);
    }

    pub(super) fn request(&self) -> Request {
        Request::Workflow(self.owner.clone(), self.id.clone())
    }

    pub(super) fn accept(&mut self, workflow: Arc<Workflow>, now: Moment) {
        self.read_at = now;
        let states = [workflow.status_word()].into_iter().chain(workflow.steps().map(WorkflowStep::word));
        let states: Vec<String> = states.map(str::to_owned).collect();
        if states != self.states {
            self.states = states;
            self.changed = now;
        }
        if workflow.is_of_any(&self.installs) {
            self.owner.clone_from(&workflow.owner_id);
        }
        // After it has succeeded no more deploys come.
        let had_succeeded = self.workflow.as_ref().is_some_and(|before| self.has_succeeded(before));
        let new: Vec<_> = workflow.deploys().into_iter().filter(|id| !self.deploys.contains(id)).collect();
        self.deploys.extend(new);
        self.most_steps = self.most_steps.max(workflow.steps().count());
        if !had_succeeded || !self.has_succeeded(&workflow) || self.list != InstallList::Read {
            self.list = InstallList::Unread;
        }
        self.workflow = Some(workflow);
    }

    /// Decides which deploys become targets now, or that no more can come.
    pub(super) fn next(&mut self, targets: &[TargetWatch]) -> WorkflowNext {
        let Some(workflow) = self.workflow.clone() else { return WorkflowNext::Read(self.request()) };
        if let Some(install) = self.unresolved(&workflow) {
            return WorkflowNext::Read(Request::Install(install.clone()));
        }
        if let Some(cause) = self.refusal(&workflow) {
            return WorkflowNext::End(DiscoveryEnd::Otherwise(Verdict::Rejected, cause));
        }
        if let Some(install) = self.needs_list(&workflow).filter(|_| self.list == InstallList::Unread) {
            return WorkflowNext::Read(Request::InstallDeploys(install));
        }
        let mut unknown = self.deploys.iter().filter(|id| !self.owners.contains_key(*id));
        if let Some((unknown, many)) = unknown.next().map(|first| (first, unknown.count() + 1 >= FEWEST)) {
            return match &workflow.owner_id {
                Some(install) if many && self.list == InstallList::Unread => {
                    WorkflowNext::Read(Request::InstallDeploys(install.clone()))
                }
                Some(install) => WorkflowNext::Read(Request::Deploy(install.clone(), None, unknown.clone())),
                None => {
                    WorkflowNext::End(DiscoveryEnd::Otherwise(Verdict::Rejected, Cause::NoInstall(self.id.clone())))
                }
            };
        }
        self.note_left(targets);
        let joining = self.joining(&workflow, targets);
        let all_followed = joining.is_empty() && self.are_all_followed(targets);
        let Some(end) = workflow.end() else {
            let observed = if joining.is_empty() { Observed::Nothing } else { Observed::Change };
            return WorkflowNext::Join(joining, observed);
        };
        let has_succeeded = end == WorkflowEnd::Succeeded;
        let is_going = |index: &usize| !targets[*index].has_ended();
        let gap = match has_succeeded {
            true => !self.is_done(&workflow),
            // A deploy that goes on may show that somebody has retried it.
            false => self.targets.values().any(is_going),
        };
        // One of the two may lag.
        let has_lasted = gap && self.read_at >= self.changed + LAG;
        let open = if has_lasted && has_succeeded { self.open_step(&workflow) } else { None };
        let is_listed = self.needs_list(&workflow).is_none();
        if all_followed && is_listed && (!gap || open.is_some() || has_lasted && !has_succeeded) {
            let ended = self.ended(end, &workflow, self.joined.is_empty() && !self.is_of_run);
            return WorkflowNext::End(match (ended, open) {
                (DiscoveryEnd::Complete, Some(open)) => {
                    DiscoveryEnd::Otherwise(Verdict::Failed, Cause::StepFailed(open))
                }
                (ended, _) => ended,
            });
        }
        WorkflowNext::Join(joining, if gap { Observed::Nothing } else { Observed::Change })
    }

    /// Returns why the workflow is not waited for any more although it goes on, if so: all its targets have ended, and a flag
    /// has ended one of them before its deploy. It is not left with a pass where a step has failed.
    pub(super) fn left(&self, targets: &[TargetWatch], require: Require) -> Option<Left> {
        let workflow = self.workflow.as_ref().filter(|workflow| workflow.end().is_none())?;
        let own = || self.targets.values().map(|index| &targets[*index]);
        let has_passed = |target: &TargetWatch| target.verdict() == Some(Verdict::Passed);
        let is_lost = require == Require::All && own().any(|target| target.ended_early() && !has_passed(target));
        // What it asks about a deploy that is no longer followed, no flag has answered.
        let is_answered = |asked: &str| {
            own().filter(|target| target.ended_early()).any(|target| {
                let deploy = target.deploy().and_then(|deploy| deploy.id.as_ref());
                deploy.is_some_and(|id| id.as_str() == asked)
            })
        };
        let is_passed = own().all(has_passed)
            && workflow.asked_about().next().is_some()
            && workflow.asked_about().all(|asked| is_answered(asked) || self.others().any(|id| id.as_str() == asked))
            && self.question().is_none()
            && self.others_rest(workflow)
            && workflow.failed_step().is_none();
        let left = if is_lost { Some(Left::Lost) } else { is_passed.then_some(Left::Passed) };
        left.filter(|_| self.are_all_followed(targets) && own().all(TargetWatch::has_ended))
    }

    /// Returns the deploys of other shards.
    fn others(&self) -> impl Iterator<Item = &DeployId> {
        let is_own = |owner: &Target| self.targets.contains_key(owner);
        self.joined.iter().filter(move |id| matches!(self.owners.get(*id), Some(Some((owner, _))) if !is_own(owner)))
    }

    /// Returns whether no other shard has anything to wait for in its deploys. After one that is at work, more deploys may come
    /// here as well.
    fn others_rest(&self, workflow: &Workflow) -> bool {
        let asked: HashSet<&str> = workflow.asked_about().collect();
        let mut others = self.others();
        others.all(|id| match asked.contains(id.as_str()) {
            true => self.on_approval == OnApproval::Pass,
            false => !workflow.steps_of(id).any(|step| is_open(workflow, step)),
        })
    }

    /// As [`Discovery::end_without_deploys`](super::Discovery::end_without_deploys).
    pub(super) fn end_without_deploys(&mut self, targets: &[TargetWatch]) -> Option<DiscoveryEnd> {
        self.note_left(targets);
        let workflow = self.workflow.as_ref()?;
        let end = workflow.end()?;
        let is_settled =
            self.are_all_followed(targets) && self.is_done(workflow) && self.needs_list(workflow).is_none();
        // A deploy that goes on, or that has been replaced, may show that somebody has retried it.
        let goes_on =
            |row: &Deploy| matches!(Rules::default().judge_deploy(row), Judgement::Pending | Judgement::Replaced);
        let is_left_going = |index: &usize| {
            let target = &targets[*index];
            target.verdict() == Some(Verdict::Pending) && target.deploy().is_some_and(goes_on)
        };
        let has_ended = match end {
            WorkflowEnd::Succeeded => is_settled,
            _ => !self.targets.values().any(is_left_going),
        };
        has_ended.then(|| self.ended(end, workflow, self.joined.is_empty()))
    }

    /// Returns the install whose deploys have to be listed: a deploy that no step names is the workflow's as well, so a
    /// success is none before.
    fn needs_list(&self, workflow: &Workflow) -> Option<InstallId> {
        workflow.owner_id.clone().filter(|_| self.has_succeeded(workflow) && self.list != InstallList::Read)
    }

    fn has_succeeded(&self, workflow: &Workflow) -> bool {
        workflow.end() == Some(WorkflowEnd::Succeeded) && self.is_done(workflow)
    }

    /// Returns an install that was given, perhaps by its name, where the workflow does not say its own install's.
    fn unresolved(&self, workflow: &Workflow) -> Option<&InstallId> {
        let is_named = workflow.owner_name.as_ref().is_some_and(|name| !name.is_blank());
        let is_open = workflow.owner_id.is_some() && !is_named && !workflow.is_of_any(&self.installs);
        self.installs.get(self.resolved).filter(|_| is_open)
    }

    /// Accepts an install that was given.
    pub(super) fn accept_install(&mut self, install: Install) {
        if let Some((given, id)) = self.installs.get_mut(self.resolved).zip(install.id) {
            *given = id;
        }
        self.resolved += 1;
    }

    /// Refuses a workflow that makes plans only, or works on none of the installs that were named.
    fn refusal(&self, workflow: &Workflow) -> Option<Cause> {
        if workflow.is_plan_only() {
            return Some(Cause::PlanOnlyWorkflow(self.id.clone()));
        }
        let owner = workflow.owner_id.as_ref()?;
        if self.installs.is_empty() || workflow.is_of_any(&self.installs) {
            return None;
        }
        let (workflow, owner, named) = (self.id.clone(), owner.clone(), self.installs.clone());
        Some(Cause::WorkflowOfOther { workflow, owner, named })
    }

    pub(super) fn accept_owner(&mut self, deploy: &Arc<Deploy>) -> Result<(), ApiError> {
        let owner = deploy.id.clone().zip(deploy.install_id.clone().zip(deploy.component_id.clone()));
        let (id, (install, component)) =
            owner.ok_or_else(|| ApiError::Undecodable("the deploy does not say whose it is".to_owned()))?;
        let install_name = self.workflow.as_ref().and_then(|workflow| workflow.owner_name.as_ref());
        self.owner = Some(install.clone());
        let target = Target::new(install, component).named(install_name, deploy.component_name.as_ref());
        self.owners.insert(id, deploy.kind().map(|_| (target, deploy.clone())));
        Ok(())
    }

    /// Accepts the newest deploys of the install: which are the workflow's, and whose each of these is. What is not there, or
    /// does not say whose it is, has to be read by itself.
    pub(super) fn accept_owners(&mut self, rows: &[Deploy]) {
        let mut wanted: HashSet<DeployId> = self.deploys.iter().cloned().collect();
        let is_shown = |id: &&DeployId| rows.iter().any(|row| row.id.as_ref() == Some(id));
        self.unlisted = wanted.iter().find(|id| !is_shown(id)).filter(|_| !is_page(rows)).cloned();
        self.list = if self.unlisted.is_none() { InstallList::Read } else { InstallList::Missed };
        self.list_missing = 0;
        self.note_newest(rows);
        let own = rows.iter().filter(|row| row.workflow() == Some(&self.id)).filter_map(|row| row.id.as_ref());
        self.deploys.extend(own.filter(|id| wanted.insert((*id).clone())).cloned());
        for row in rows.iter().filter(|row| row.id.as_ref().is_some_and(|id| wanted.contains(id))) {
            // A row that does not name its target is read by itself.
            let _unknown = self.accept_owner(&Arc::new(row.clone()));
        }
    }

    /// Records the newest row of each component, if it is another workflow's: it may supersede.
    fn note_newest(&mut self, rows: &[Deploy]) {
        let mut shown = HashSet::new();
        for row in rows.iter().filter(|row| row.kind().is_some()) {
            let Some(component) = row.component_id.as_ref().filter(|id| shown.insert(*id)) else { continue };
            if self.newest.get(component).is_some_and(|before| before.created_at > row.created_at) {
                continue;
            }
            match row.workflow() == Some(&self.id) {
                true => self.newest.remove(component),
                false => self.newest.insert(component.clone(), Arc::new(row.clone())),
            };
        }
    }

    pub(super) fn newest_of(&self, target: &Target) -> Option<Arc<Deploy>> {
        self.newest.get(&target.component).cloned()
    }

    /// Records that the list could not be read. Returns whether the poll goes on without it. `is_missing`: the server says
    /// that there is no such list. `once`: no other poll can confirm that.
    pub(super) fn does_without_list(&mut self, is_missing: bool, once: bool) -> bool {
        let is_needed = self.workflow.as_ref().is_some_and(|workflow| self.needs_list(workflow).is_some());
        self.list_missing += u32::from(is_missing);
        let is_offered = !is_missing || self.list_missing < MISSES && !once;
        self.list = if is_needed && !is_offered { InstallList::Read } else { InstallList::Missed };
        !is_needed || !is_offered
    }
}

/// Returns whether there may be older rows: some servers answer with ten, whatever is asked for (`docs/nuon-api.md`, "Lists").
fn is_page(rows: &[Deploy]) -> bool {
    !rows.is_empty() && rows.len().is_multiple_of(10)
}
