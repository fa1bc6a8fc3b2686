//! The workflow that runs deploys, its steps, and the approvals they ask for.

use std::collections::HashSet;

use serde::Deserialize;

use super::bounded::{rows, text};
use super::open::{identifier, lenient, lenient_object, object, open_enum};
use super::{CompositeStatus, Metadata};
use crate::{DeployId, InstallId, Line, RemoteText, StepId, WorkflowId};

open_enum! {
    /// Whether plans are approved by themselves.
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
    /// Where it stands. Some servers say `success` between two steps: only [`Workflow::end`] tells the end.
    #[serde(deserialize_with = "object")]
    pub status: Option<CompositeStatus>,
    /// Whether it has ended.
    pub finished: Option<bool>,
    /// Whether plans are approved by themselves.
    pub approval_option: Option<ApprovalOption>,
    /// Its steps, in order.
    #[serde(deserialize_with = "rows")]
    pub steps: Option<Vec<WorkflowStep>>,
}

/// How a workflow has ended, for now or for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowEnd {
    /// It did what it was to do.
    Succeeded,
    /// It failed.
    Failed,
    /// It failed, and stays so until a human retries it.
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
}

impl Workflow {
    /// Returns where the workflow stands, as a word.
    pub fn status_word(&self) -> &str {
        self.status.as_ref().and_then(|status| status.status.as_ref()).map_or("", |status| status.as_str())
    }

    /// Returns how the workflow has ended; `None` while it runs. `success` alone is no end: it is also said between two
    /// steps.
    pub fn end(&self) -> Option<WorkflowEnd> {
        match (self.status_word(), self.finished == Some(true)) {
            ("cancelled", _) => Some(WorkflowEnd::Cancelled),
            ("failed-pending-retry", _) => Some(WorkflowEnd::Parked),
            _ if self.awaits_retry() => Some(WorkflowEnd::Parked),
            ("error", _) => Some(WorkflowEnd::Failed),
            ("success", true) => Some(WorkflowEnd::Succeeded),
            (_, true) if self.steps().any(|step| step.word() == "error" && !step.is_retried()) => {
                Some(WorkflowEnd::Failed)
            }
            (_, true) => Some(WorkflowEnd::Succeeded),
            (_, false) => None,
        }
    }

    fn awaits_retry(&self) -> bool {
        let metadata = self.status.as_ref().and_then(|status| status.metadata.as_ref());
        metadata.is_some_and(|metadata| metadata.awaiting_retry == Some(true))
    }

    /// Returns the steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &WorkflowStep> {
        self.steps.iter().flatten()
    }

    /// Returns the deploys that its steps work on, each once, in the order of the steps. Steps that work on anything else
    /// (the sandbox, an action) name no deploy.
    pub fn deploys(&self) -> Vec<&DeployId> {
        let mut seen = HashSet::new();
        let is_deploy = |step: &&WorkflowStep| {
            let kind = step.step_target_type.as_ref().map(|kind| kind.line(40));
            kind.is_none_or(|kind| kind == "install_deploys")
        };
        let named = self.steps().filter(is_deploy).filter_map(|step| step.step_target_id.as_ref());
        named.filter(|id| seen.insert(*id)).collect()
    }

    /// Returns the steps that work on a deploy.
    pub fn steps_of<'a>(&'a self, deploy: &'a DeployId) -> impl Iterator<Item = &'a WorkflowStep> {
        self.steps().filter(move |step| step.step_target_id.as_ref() == Some(deploy))
    }

    /// Returns the step in which a human is asked about a deploy, if one is.
    pub fn asks_about<'a>(&'a self, deploy: &'a DeployId) -> Option<&'a WorkflowStep> {
        if self.approval_option != Some(ApprovalOption::Prompt) {
            return None;
        }
        let mut steps = self.steps_of(deploy);
        steps.find(|step| {
            let unanswered = step.approval.as_ref().is_none_or(|approval| approval.response.is_none());
            step.word() == "approval-awaiting" && unanswered
        })
    }

    /// Says which step failed first and what it has noted, for people: "step 2 of 7, await runner healthy, failed (timeout)".
    pub fn failed_step(&self) -> Option<Line> {
        self.told(|_| true)
    }

    /// Says the same of the steps that work on a deploy and failed with an error.
    pub fn failed_step_of(&self, deploy: &DeployId) -> Option<Line> {
        self.told(|step| step.step_target_id.as_ref() == Some(deploy) && step.word() == "error")
    }

    fn told(&self, is_meant: impl Fn(&WorkflowStep) -> bool) -> Option<Line> {
        let steps: Vec<&WorkflowStep> = self.steps().filter(|step| !step.is_hidden()).collect();
        let position = steps.iter().position(|step| step.has_failed() && !step.is_retried() && is_meant(step))?;
        let step = steps[position];
        let name = step.name.as_ref().map(|name| name.line(100)).unwrap_or_default();
        let noted = step.reason().map(|text| format!(" ({})", text.line(300).plain())).unwrap_or_default();
        let (number, count, name) = (position + 1, steps.len(), name.plain());
        Some(Line::new(format!("step {number} of {count}, {name}, {}{noted}", step.failure_word())))
    }

    /// Tells whether a plan was denied, or nobody answered in time. With `deploy`: that of a step that works on it.
    pub fn was_denied(&self, deploy: Option<&DeployId>) -> bool {
        let denied = |step: &WorkflowStep| matches!(step.word(), "approval-denied" | "approval-expired");
        let is_meant = |step: &WorkflowStep| deploy.is_none() || step.step_target_id.as_ref() == deploy;
        self.steps().any(|step| denied(step) && !step.is_retried() && is_meant(step))
    }
}

/// A step of a workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowStep {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<StepId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// Where it stands.
    #[serde(deserialize_with = "lenient_object")]
    pub status: Option<CompositeStatus>,
    /// What runs it: `system`, `user`, `approval`, `skipped`, `hidden`.
    #[serde(deserialize_with = "text")]
    pub execution_type: Option<RemoteText>,
    /// The kind of thing it works on, such as `install_deploys`.
    #[serde(deserialize_with = "text")]
    pub step_target_type: Option<RemoteText>,
    /// The deploy it works on.
    #[serde(deserialize_with = "identifier")]
    pub step_target_id: Option<DeployId>,
    /// Whether another step does its work again.
    #[serde(deserialize_with = "lenient")]
    pub retried: Option<bool>,
    /// Whether it has ended.
    #[serde(deserialize_with = "lenient")]
    pub finished: Option<bool>,
    /// What it asks a human.
    #[serde(deserialize_with = "lenient_object")]
    pub approval: Option<Approval>,
}

impl WorkflowStep {
    /// Returns where the step stands, as a word.
    pub fn word(&self) -> &str {
        self.status.as_ref().and_then(|status| status.status.as_ref()).map_or("", |status| status.as_str())
    }

    /// Tells whether the step has ended.
    pub fn is_finished(&self) -> bool {
        let ended = [
            "success",
            "approved",
            "error",
            "cancelled",
            "discarded",
            "auto-skipped",
            "user-skipped",
            "skipped",
            "approval-denied",
            "approval-expired",
            "retried",
            "not-attempted",
            "warning",
            "noop",
            "active",
            "expired",
        ];
        self.finished == Some(true) || ended.contains(&self.word())
    }

    /// Tells whether the step has been begun.
    pub fn has_begun(&self) -> bool {
        !matches!(self.word(), "" | "pending" | "queued" | "not-attempted")
    }

    /// Tells whether the step is being done again, or will be: its retries are neither used up nor given up.
    pub fn is_retrying(&self) -> bool {
        let metadata = self.status.as_ref().and_then(|status| status.metadata.as_ref());
        let more_to_come =
            metadata.is_some_and(|Metadata { retry_idx, max_retries, auto_retries_exhausted, .. }| {
                retry_idx.unwrap_or(0) < max_retries.unwrap_or(0) && *auto_retries_exhausted != Some(true)
            });
        matches!(self.word(), "retrying" | "approval-retry") || (self.word() == "error" && more_to_come)
    }

    fn is_hidden(&self) -> bool {
        self.execution_type.as_ref().is_some_and(|kind| kind.line(20) == "hidden")
    }

    /// Tells whether another step does this one's work again.
    pub fn is_retried(&self) -> bool {
        self.retried == Some(true) || matches!(self.word(), "retried" | "discarded")
    }

    fn has_failed(&self) -> bool {
        matches!(self.word(), "error" | "cancelled" | "approval-denied" | "approval-expired" | "not-attempted")
    }

    fn failure_word(&self) -> &'static str {
        match self.word() {
            "cancelled" => "was cancelled",
            "approval-denied" => "was denied",
            "approval-expired" => "was not answered in time",
            "not-attempted" => "was not attempted",
            _ => "failed",
        }
    }

    /// Returns what the server wrote down about a failure.
    pub fn reason(&self) -> Option<&RemoteText> {
        let Metadata { reason, err_message, .. } = self.status.as_ref()?.metadata.as_ref()?;
        [reason, err_message].into_iter().flatten().find(|text| !text.is_blank())
    }
}

/// A question to a human.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// The answer, once there is one.
    #[serde(deserialize_with = "lenient_object")]
    pub response: Option<ApprovalResponse>,
}

/// A human's answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ApprovalResponse {
    /// `approve`, `deny`, …
    #[serde(rename = "type", deserialize_with = "text")]
    pub response_type: Option<RemoteText>,
    /// What they said.
    #[serde(deserialize_with = "text")]
    pub note: Option<RemoteText>,
    /// Who they are.
    #[serde(deserialize_with = "lenient_object")]
    pub created_by: Option<super::Account>,
}
