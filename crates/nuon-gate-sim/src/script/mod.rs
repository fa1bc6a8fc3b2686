//! The script: what the simulated API has, how it changes, and what goes wrong. Read from TOML.

mod component;
mod fault;
mod sinks;
mod workflow;

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

use crate::oidc::Oidc;

pub use self::component::{Component, Deploy, LogLine, NoDeploy, Severity, Stay};
pub use self::fault::{Answer, Body, Endpoint, Fault};
pub use self::sinks::{Slack, SlackWebhook, SlackWebhookRefusal, Webhook};
pub use self::workflow::{Cancel, Step, Workflow, WorkflowState};

/// Why a text is no script.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidScript(String);

/// A whole script. Times count from the first request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The token that is accepted.
    pub token: String,
    /// The organisation that is accepted.
    pub org: String,
    /// The server's generation, which decides the shape of its answers.
    pub generation: Generation,
    /// Where its dashboard is said to be.
    pub dashboard: String,
    /// Who can sign in with an identity; if left out, the server does not know of that.
    pub oidc: Option<Oidc>,
    /// The components of its installs.
    #[serde(rename = "component")]
    pub components: Vec<Component>,
    /// Workflows that are told in full. A deploy whose workflow is not among them has one that follows from its status.
    #[serde(rename = "workflow")]
    pub workflows: Vec<Workflow>,
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
    /// The Slack workspace.
    pub slack: Slack,
    /// The Slack incoming webhook.
    pub slack_webhook: SlackWebhook,
    /// The webhook.
    pub webhook: Webhook,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            token: "simulated-token".to_owned(),
            org: "orgsimulated00000000000000".to_owned(),
            generation: Generation::default(),
            dashboard: "https://app.nuon.example".to_owned(),
            oidc: None,
            components: Vec::new(),
            workflows: Vec::new(),
            faults: Vec::new(),
            slack: Slack::default(),
            slack_webhook: SlackWebhook::default(),
            webhook: Webhook::default(),
        }
    }
}

impl FromStr for Script {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let script: Self = toml::from_str(text).map_err(|error| InvalidScript(error.to_string()))?;
        let deploys = || script.components.iter().flat_map(|component| &component.deploys);
        let mut denials = deploys().flat_map(|deploy| &deploy.statuses).flat_map(|stay| &stay.denied);
        let complaint = if deploys().any(|deploy| deploy.statuses.is_empty()) {
            "a deploy needs at least one status"
        } else if script.workflows.iter().any(|workflow| workflow.states.is_empty()) {
            "a workflow needs at least one state"
        } else if denials.any(|denial| !denial.contains(": ")) {
            "a denial is written `policy name: what was found`"
        } else if !script.webhook.is_possible() {
            "a webhook answers with a status of 200 to 299, and refuses with one of 300 to 599"
        } else {
            return Ok(script);
        };
        Err(InvalidScript(complaint.to_owned()))
    }
}

/// A server's generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// 2024: one `runner_job`, deploy types install and teardown, no workflows, lists in one piece.
    Old,
    /// Mid-2025: `status_v2`, `runner_jobs`, workflows. "No deploy" is an object without an id, and lists come in
    /// pages to those who ask for that.
    Mid1,
    /// Late 2025: "no deploy" is a 404, and lists always come in pages.
    Mid,
    /// 2026: `composite_error`, `policy_reports`.
    #[default]
    #[serde(alias = "today")]
    New,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let invalid = || de::Error::custom(format!("`{text}` is not a duration like 250ms, 3s or 1m"));
    let duration: SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).map(Some).map_err(|_| invalid())
}
