//! Fully scripted workflows.

use std::time::Duration;

use serde::Deserialize;

use super::{Check, Plan, duration};

/// A workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(default = "manual_deploy", rename = "type")]
    pub workflow_type: String,
    /// The install it works on.
    #[serde(default)]
    pub install: Option<String>,
    /// Whether it plans only.
    #[serde(default)]
    pub plan_only: bool,
    /// `prompt`, `approve-all` or any other; an empty one is absent.
    #[serde(default = "approve_all")]
    pub approval_option: String,
    /// What happens when it is cancelled.
    #[serde(default)]
    pub cancel: Option<Cancel>,
    /// Its states, in order; the last one stays.
    pub states: Vec<WorkflowState>,
}

fn manual_deploy() -> String {
    "manual_deploy".to_owned()
}

pub(super) fn approve_all() -> String {
    "approve-all".to_owned()
}

pub(super) fn helm_approval() -> String {
    "helm_approval".to_owned()
}

/// What happens when a workflow is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cancel {
    /// How often it is refused before it is accepted. A workflow that cannot be cancelled always refuses.
    pub refuse: u32,
    /// The client is not allowed to.
    pub forbidden: bool,
    /// After this many further answers about the workflow or its deploys, it is visible.
    pub settles_after: u32,
    /// It is accepted, but too late: everything goes on as the script says.
    pub loses: bool,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { refuse: 0, forbidden: false, settles_after: 1, loses: false }
    }
}

/// A state of a workflow. It lasts as a [`Stay`](super::Stay) does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkflowState {
    /// The status.
    pub status: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub polls: Option<u32>,
    /// Whether it has ended.
    pub finished: bool,
    /// Whether it waits for a human to retry it.
    pub awaiting_retry: bool,
    /// How many workflows are ahead of it in the queue.
    pub ahead: Option<u32>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Its id; made from its name if left out.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// The description of its status.
    pub description: Option<String>,
    /// The deploy it works on, or another target.
    pub deploy: Option<String>,
    /// The kind of that target; `install_deploys` if left out. It can be known before the target is.
    pub target_type: Option<String>,
    /// `system`, `user`, `approval`, `skipped` or `hidden`; follows from its status if left out.
    pub execution_type: Option<String>,
    /// Its group; one of its own if left out.
    pub group: Option<usize>,
    /// Whether it has ended.
    pub finished: bool,
    /// How often it has been retried, and how often it may be.
    pub retry: Option<(u32, u32)>,
    /// Whether another step has replaced it.
    pub retried: bool,
    /// The health checks that it has made.
    pub checks: Vec<Check>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The type of its approval; a Helm chart's if left out. A step has an approval if it names a type, waits for one,
    /// or has an answer.
    pub approval: Option<String>,
    /// The plan to approve; unknown if left out.
    pub plan: Option<Plan>,
    /// How a human answered: approve, deny, …
    pub answer: Option<String>,
    /// The human's note.
    pub note: Option<String>,
    /// The id of the human's account.
    pub answered_by: Option<String>,
}
