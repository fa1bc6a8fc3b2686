//! The script: what the simulated API has, how it changes, and what goes wrong. Read from TOML.

mod app;
mod change;
mod component;
mod fault;
mod health;
mod long_poll;
mod oidc;
mod plan;
mod sinks;
mod workflow;

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

pub use self::app::{App, Branch, GroupInstall, InstallGroup, Run, RunState};
pub use self::change::Change;
pub use self::component::{Component, Deploy, LogLine, NoDeploy, Severity, Stay};
pub use self::fault::{Answer, Body, Endpoint, Fault};
pub use self::health::{Check, Health, Observation, Outcome};
pub use self::long_poll::{LongPoll, StepAwait};
pub use self::oidc::Oidc;
pub use self::plan::Plan;
pub use self::sinks::{Slack, SlackWebhook, SlackWebhookRefusal, Webhook};
pub use self::workflow::{Cancel, Step, Workflow, WorkflowState};

/// More attempts than any health gate has.
const MOST_TRIES: u32 = 100;

/// Why a text is not a valid script.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidScript(String);

/// A whole script. Times count from the first request, or from before it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The token that is accepted.
    pub token: String,
    /// The organisation that is accepted.
    pub org: String,
    /// The server's generation, which decides the shape of its answers.
    pub generation: Generation,
    /// How long before the first request it begins.
    #[serde(deserialize_with = "duration")]
    pub began: Option<Duration>,
    /// How far its clock is ahead of this machine's; negative if it is behind.
    #[serde(deserialize_with = "offset")]
    pub clock: SignedDuration,
    /// Where its dashboard is said to be.
    pub dashboard: String,
    /// Who can sign in with an identity; if left out, the server does not know of that.
    pub oidc: Option<Oidc>,
    /// The components of its installs.
    #[serde(rename = "component")]
    pub components: Vec<Component>,
    /// Workflows that are scripted in full. A deploy whose workflow is not among them has one that follows from its status.
    #[serde(rename = "workflow")]
    pub workflows: Vec<Workflow>,
    /// Its apps, with the runs of their branches.
    #[serde(rename = "app")]
    pub apps: Vec<App>,
    /// Which answers are held back, and for how long.
    pub long_poll: LongPoll,
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
            began: None,
            clock: SignedDuration::ZERO,
            dashboard: "https://app.nuon.example".to_owned(),
            oidc: None,
            components: Vec::new(),
            workflows: Vec::new(),
            apps: Vec::new(),
            long_poll: LongPoll::default(),
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
        let mut script: Self = toml::from_str(text).map_err(|error| InvalidScript(error.to_string()))?;
        let deploys = script.components.iter_mut().flat_map(|component| &mut component.deploys);
        deploys.for_each(Deploy::complete);
        match script.complaint() {
            Some(complaint) => Err(InvalidScript(complaint.to_owned())),
            None => Ok(script),
        }
    }
}

impl Script {
    /// Returns what makes it impossible to serve.
    fn complaint(&self) -> Option<&'static str> {
        let deploys = || self.components.iter().flat_map(|own| own.deploys.iter().chain(&own.triggered));
        let mut denials = deploys().flat_map(|deploy| &deploy.statuses).flat_map(|stay| &stay.denied);
        let of_components = self.components.iter().filter_map(|component| component.health.as_ref());
        let mut gates = of_components.chain(deploys().filter_map(|deploy| deploy.health.as_ref()));
        let mut runs = self.branches().flat_map(|(_, branch)| &branch.runs);
        let complaint = if deploys().any(|deploy| deploy.statuses.is_empty()) {
            "a deploy needs at least one status"
        } else if self.workflows.iter().any(|workflow| workflow.states.is_empty()) {
            "a workflow needs at least one state"
        } else if runs.any(|run| run.states.is_empty()) {
            "a run needs at least one state"
        } else if gates.any(|health| !(1..=MOST_TRIES).contains(&health.tries) || health.outcomes.is_empty()) {
            "a health gate needs an outcome, and 1 to 100 tries"
        } else if denials.any(|denial| !denial.contains(": ")) {
            "a denial is written `policy name: what was found`"
        } else if self.faults.iter().any(|fault| fault.change.is_some() != (fault.answer == Answer::Changed)) {
            "`change` and `answer = \"changed\"` need each other"
        } else if !self.webhook.is_possible() {
            "a webhook answers with a status of 200 to 299, and refuses with one of 300 to 599"
        } else {
            return None;
        };
        Some(complaint)
    }

    /// Returns every branch, with its app.
    pub(crate) fn branches(&self) -> impl Iterator<Item = (&App, &Branch)> {
        self.apps.iter().flat_map(|app| app.branches.iter().map(move |branch| (app, branch)))
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
    /// 2026: `composite_error`, `policy_reports`, health gates, branches of apps, answers that are held back.
    #[default]
    #[serde(alias = "today")]
    New,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(&String::deserialize(deserializer)?).map(Some)
}

fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a duration like 3s or -1m")))
}

fn durations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| parsed(text)).collect()
}

fn parsed<E: de::Error>(text: &str) -> Result<Duration, E> {
    let invalid = || E::custom(format!("`{text}` is not a duration like 250ms, 3s or 1m"));
    let duration: SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).map_err(|_| invalid())
}
