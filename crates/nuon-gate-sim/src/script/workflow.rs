//! Workflows that are told in full.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// A workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// The install it works on.
    #[serde(default)]
    pub install: Option<String>,
    /// `prompt` or `approve-all`.
    #[serde(default = "approve_all")]
    pub approval_option: String,
    /// What happens when it is to be cancelled.
    #[serde(default)]
    pub cancel: Option<Cancel>,
    /// Where it stands, one after the other; the last one stays.
    pub states: Vec<WorkflowState>,
}

fn approve_all() -> String {
    "approve-all".to_owned()
}

/// What happens when a workflow is to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cancel {
    /// It is refused so often before it is accepted. A workflow that cannot be cancelled refuses always.
    pub refuse: u32,
    /// Who asks is not allowed to.
    pub forbidden: bool,
    /// After so many further answers about the workflow or its deploys it shows.
    pub settles_after: u32,
    /// It is accepted and comes too late: everything goes on as the script says.
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
    pub looks: Option<u32>,
    /// Whether it has ended.
    pub finished: bool,
    /// Whether it waits for a human to retry it.
    pub awaiting_retry: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: String,
    /// The deploy it works on, or another target.
    pub deploy: Option<String>,
    /// What kind of target that is; `install_deploys` if left out.
    pub target_type: Option<String>,
    /// `system`, `user`, `approval`, `skipped` or `hidden`; follows from its status if left out.
    pub execution_type: Option<String>,
    /// Its group; one of its own if left out.
    pub group: Option<usize>,
    /// Whether it has ended.
    pub finished: bool,
    /// How often it has been retried, and may be.
    pub retry: Option<(u32, u32)>,
    /// Why it failed.
    pub reason: Option<String>,
    /// How a human answered: approve, deny, …
    pub answer: Option<String>,
    /// What they said.
    pub note: Option<String>,
}
