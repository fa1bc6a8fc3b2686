//! The workflow that runs deploys (`docs/nuon-api.md`, "Steps and workflows").

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::{rows, text};
use super::open::{identifier, lenient_object, object, open_enum};
use super::step::steps;
use super::{AppBranchRun, CompositeStatus, Metadata, StepStanding, StepState, WorkflowStep};
use crate::{DeployId, InstallId, RemoteText, StepTargetId, Verdict, WorkflowId};

open_enum! {
    /// How plans are approved.
    ApprovalOption {
        /// A human is asked.
        Prompt = "prompt",
        /// Every plan is approved.
        ApproveAll = "approve-all",
    }
}

/// A workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Workflow {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<WorkflowId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// The install it works on.
    #[serde(deserialize_with = "identifier")]
    pub owner_id: Option<InstallId>,
    /// The install's name.
    #[serde(deserialize_with = "text")]
    pub owner_name: Option<RemoteText>,
    /// The type of its owner, if it says so: `installs`, `app_branches`.
    #[serde(deserialize_with = "text")]
    pub owner_type: Option<RemoteText>,
    /// The branch run that it belongs to.
    #[serde(deserialize_with = "rows")]
    pub app_branch_runs: Option<Vec<AppBranchRun>>,
    /// Its status. Some servers say `success` between two steps: only [`Workflow::end`] shows whether it has ended.
    #[serde(deserialize_with = "object")]
    pub status: Option<CompositeStatus>,
    /// Further members, as far as the gate uses them.
    #[serde(deserialize_with = "lenient_object")]
    pub metadata: Option<Metadata>,
    /// Whether it has ended.
    pub finished: Option<bool>,
    /// How plans are approved.
    pub approval_option: Option<ApprovalOption>,
    /// Whether its deploys make a plan and stop. A deploy's own field of that name is never filled.
    pub plan_only: Option<bool>,
    /// Its steps, in order.
    #[serde(deserialize_with = "steps")]
    pub steps: Option<Vec<WorkflowStep>>,
}

/// How a workflow has ended, for now or for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowEnd {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// It failed, and waits until a human retries it.
    Parked,
    /// It was cancelled.
    Cancelled,
}

impl WorkflowEnd {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Parked => "failed and waits for a retry",
            Self::Cancelled => "was cancelled",
        }
    }

    /// Returns the verdict on a deploy that had not ended when its workflow did.
    pub(crate) fn verdict(self) -> Verdict {
        if self == Self::Cancelled { Verdict::Cancelled } else { Verdict::Failed }
    }
}

/// Statuses of a workflow or a step that is still running. Together with `finished` they are a contradiction.
pub(super) const AT_WORK: [&str; 19] = [
    "pending",
    "queued",
    "in-progress",
    "planning",
    "executing",
    "generating",
    "approval-awaiting",
    "retrying",
    "building",
    "provisioning",
    "applying",
    "syncing",
    "pending-approval",
    "checking-plan",
    "deleting",
    "awaiting-approval",
    "awaiting-response",
    "awaiting-user-run",
    "pending-user",
];

impl Workflow {
    /// Returns the workflow's status, as a word.
    pub fn status_word(&self) -> &str {
        self.status.as_ref().and_then(|status| status.status.as_ref()).map_or("", |status| status.as_str())
    }

    /// Returns since when it has had its status, if the server says.
    pub fn since(&self) -> Option<Timestamp> {
        self.status.as_ref()?.since
    }

    /// Returns how the workflow has ended; `None` while it is running. `success` alone is not an end: some servers also
    /// say it between two steps. A finished workflow with an unknown status has not succeeded.
    pub fn end(&self) -> Option<WorkflowEnd> {
        match (self.status_word(), self.finished == Some(true)) {
            ("cancelled", _) => Some(WorkflowEnd::Cancelled),
            ("failed-pending-retry", _) => Some(WorkflowEnd::Parked),
            _ if self.awaits_retry() => Some(WorkflowEnd::Parked),
            ("error", _) => Some(WorkflowEnd::Failed),
            ("success", true) => Some(WorkflowEnd::Succeeded),
            (word, true) if !AT_WORK.contains(&word) => Some(WorkflowEnd::Failed),
            _ => None,
        }
    }

    fn awaits_retry(&self) -> bool {
        let of_status = self.status.as_ref().and_then(|status| status.metadata.as_ref());
        of_status.into_iter().chain(&self.metadata).any(|metadata| metadata.awaiting_retry == Some(true))
    }

    /// Returns whether it names one of these installs, which may be given by name, as its owner.
    pub(crate) fn is_of_any(&self, installs: &[InstallId]) -> bool {
        let is_owner = |install: &InstallId| {
            self.owner_id.as_ref() == Some(install)
                || self.owner_name.as_ref().is_some_and(|name| name.is(install.as_str()))
        };
        installs.iter().any(is_owner)
    }

    /// Returns whether it carries out the run of a branch, and so works on groups of installs.
    pub fn is_of_branch(&self) -> bool {
        self.owner_type.as_ref().is_some_and(|kind| kind.is("app_branches"))
            || self.app_branch_runs.as_ref().is_some_and(|runs| !runs.is_empty())
    }

    /// Returns whether its deploys make a plan and stop.
    pub fn is_plan_only(&self) -> bool {
        self.plan_only == Some(true)
    }

    /// Returns the steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &WorkflowStep> {
        self.steps.iter().flatten()
    }

    /// Returns the state of one of its steps. One that failed is not tried again once the workflow has ended.
    pub fn state_of(&self, step: &WorkflowStep) -> StepState {
        match step.state() {
            StepState::Retrying if step.word() == "error" && self.end().is_some() => StepState::Failed,
            // A person had it planned anew, in another step.
            StepState::Retrying if step.word() == "approval-retry" && self.end().is_some() => StepState::Replaced,
            state => state,
        }
    }

    /// Returns whether another step tries anew what this one did: it was retried, or a person had its plan made anew.
    pub(crate) fn was_tried_again(&self, step: &WorkflowStep) -> bool {
        self.state_of(step) == StepState::Replaced || step.word() == "approval-retry"
    }

    /// Returns the deploys that its steps work on, each once, in the order of the steps. Steps with another target (the
    /// sandbox, an action) name no deploy.
    pub fn deploys(&self) -> Vec<DeployId> {
        let mut seen = HashSet::new();
        let named = self.steps().filter_map(WorkflowStep::deploy).filter(|id| seen.insert(*id));
        named.filter_map(|id| id.parse().ok()).collect()
    }

    /// Returns the steps whose target is a deploy.
    pub fn steps_of<'a>(&'a self, deploy: &'a DeployId) -> impl Iterator<Item = &'a WorkflowStep> {
        self.steps().filter(move |step| step.deploy() == Some(deploy.as_str()))
    }

    /// Returns the steps that name a deploy, or its install component, as something else. They may work on it all the same.
    pub(crate) fn odd_steps_of<'a>(
        &'a self,
        deploy: &'a DeployId,
        install_component: Option<&'a RemoteText>,
    ) -> impl Iterator<Item = &'a WorkflowStep> {
        let is_own = move |step: &WorkflowStep, target: &StepTargetId| match target.as_str() == deploy.as_str() {
            true => step.deploy().is_none(),
            false => !step.is_health() && install_component.is_some_and(|own| own.is(target.as_str())),
        };
        self.steps().filter(move |step| step.step_target_id.as_ref().is_some_and(|target| is_own(step, target)))
    }

    /// Returns the steps that verify a deploy's health: those of its install component, and those without a target,
    /// because such a step only gets its target when it runs. A step in a group that only works on other deploys
    /// belongs to these. See `docs/nuon-api.md`, "Verified deploys".
    pub fn health_steps_of<'a>(
        &'a self,
        deploy: &'a DeployId,
        install_component: Option<&'a RemoteText>,
    ) -> impl Iterator<Item = &'a WorkflowStep> {
        self.steps().filter(|step| step.is_health()).filter(move |step| match &step.step_target_id {
            Some(target) => install_component.is_none_or(|own| own.is(target.as_str())),
            None => !self.is_group_of_others(step.group_idx, deploy),
        })
    }

    /// Returns the steps that are to apply the plan of a deploy. Some servers give a step its target only when it runs. They
    /// are in the plan's group, unless that works on other deploys as well, or has an apply step already.
    pub(crate) fn coming_steps_of<'a>(&'a self, deploy: &'a DeployId) -> impl Iterator<Item = &'a WorkflowStep> {
        let lasts = |step: &&WorkflowStep| !self.was_tried_again(step);
        let mut own = self.steps_of(deploy).filter(lasts);
        let plan = own.next().filter(|step| own.next().is_none() && step.is_plan() && step.word() != "auto-skipped");
        let of_others = |group: i64| {
            let of_group = self.steps().filter(move |step| step.group_idx == Some(group)).filter(lasts);
            of_group.filter_map(WorkflowStep::deploy).any(|other| other != deploy.as_str())
        };
        let group = plan.and_then(|plan| plan.group_idx).filter(|group| !of_others(*group));
        let is_coming = move |step: &WorkflowStep| {
            let is_of_group = group.is_some() && step.group_idx == group;
            is_of_group && step.step_target_id.is_none() && step.is_of_deploys() && !step.is_hidden()
        };
        // What had ended before the plan belonged to an earlier one.
        let mut is_after = false;
        self.steps().filter(move |step| {
            is_after |= plan.is_some_and(|plan| std::ptr::eq(plan, *step));
            let is_open = matches!(step.state(), StepState::NotBegun | StepState::Running);
            is_coming(step) && (is_after || is_open)
        })
    }

    fn is_group_of_others(&self, group: Option<i64>, deploy: &DeployId) -> bool {
        let Some(group) = group else { return false };
        let mut deploys = self.steps().filter(|step| step.group_idx == Some(group)).filter_map(WorkflowStep::deploy);
        let first = deploys.next();
        first.is_some_and(|first| first != deploy.as_str()) && deploys.all(|other| other != deploy.as_str())
    }

    /// Returns the step in which a human is asked about a deploy, if there is one. Only `approve-all` asks nobody. With
    /// any other option, even an absent or unknown one, the server waits for a human.
    pub fn asks_about<'a>(&'a self, deploy: &'a DeployId) -> Option<&'a WorkflowStep> {
        self.steps_of(deploy).find(|step| self.asks_in(step))
    }

    /// Returns the steps in which a human is asked about anything.
    pub fn asking_steps(&self) -> impl Iterator<Item = &WorkflowStep> {
        self.steps().filter(|step| self.asks_in(step))
    }

    /// Returns the deploys about which a human is asked.
    pub fn asked_about(&self) -> impl Iterator<Item = &str> {
        self.asking_steps().filter_map(WorkflowStep::deploy)
    }

    fn asks_in(&self, step: &WorkflowStep) -> bool {
        let unanswered = step.approval.as_ref().is_none_or(|approval| approval.response.is_none());
        self.approval_option != Some(ApprovalOption::ApproveAll) && step.word() == "approval-awaiting" && unanswered
    }

    /// Returns the state of each visible step.
    pub fn standing(&self) -> Vec<StepStanding> {
        let seen = self.steps().filter(|step| !step.is_hidden());
        let standing = |step: &WorkflowStep| StepStanding {
            name: step.name.as_ref().map(|name| name.line(100)).unwrap_or_default(),
            state: self.state_of(step),
            asks: self.asks_in(step),
        };
        seen.map(standing).collect()
    }

    /// Describes the first step that failed, and its reason: "step 2 of 7, await runner healthy, failed (timeout)".
    pub fn failed_step(&self) -> Option<RemoteText> {
        self.described(|step| self.state_of(step) == StepState::Failed)
    }

    /// Describes this step in the same way.
    pub fn describe(&self, step: &WorkflowStep) -> Option<RemoteText> {
        self.described(|own| std::ptr::eq(own, step))
    }

    fn described(&self, is_meant: impl Fn(&WorkflowStep) -> bool) -> Option<RemoteText> {
        let steps: Vec<&WorkflowStep> = self.steps().filter(|step| !step.is_hidden() || is_meant(step)).collect();
        let position = steps.iter().position(|step| is_meant(step))?;
        let step = steps[position];
        let name = step.name.as_ref().map(|name| name.line(100)).unwrap_or_default();
        let state = self.state_of(step);
        let said =
            || step.status.as_ref()?.description.as_ref().filter(|text| state == StepState::Failed && !text.is_blank());
        let noted = step.reason().map(|text| text.line(300).plain().to_owned()).or_else(|| step.health_seen());
        let noted = noted.or_else(|| said().map(|text| text.line(300).plain().to_owned()));
        let noted = noted.map(|noted| format!(" ({noted})")).unwrap_or_default();
        let name = if name.is_empty() { String::new() } else { format!(", {},", name.plain()) };
        let (number, count) = (position + 1, steps.len());
        Some(RemoteText::new(format!("step {number} of {count}{name} {}{noted}", step.words_for(state))))
    }

    /// Returns whether a plan was denied, or nobody answered in time. With `deploy`: the plan of a step that works on
    /// it.
    pub fn was_denied(&self, deploy: Option<&DeployId>) -> bool {
        let is_meant = |step: &WorkflowStep| deploy.is_none_or(|deploy| step.deploy() == Some(deploy.as_str()));
        self.steps().any(|step| step.was_denied() && is_meant(step))
    }
}
