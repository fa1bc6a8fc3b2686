//! The script: what the simulated API has, how it changes, and what goes wrong. Read from TOML.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

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
    /// The components of its installs.
    #[serde(rename = "component")]
    pub components: Vec<Component>,
    /// Workflows that are told in full. A deploy whose workflow is not among them has one that follows from its status.
    #[serde(rename = "workflow")]
    pub workflows: Vec<Workflow>,
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            token: "simulated-token".to_owned(),
            org: "orgsimulated00000000000000".to_owned(),
            generation: Generation::default(),
            dashboard: "https://app.nuon.example".to_owned(),
            components: Vec::new(),
            workflows: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl FromStr for Script {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let script: Self = toml::from_str(text).map_err(|error| InvalidScript(error.to_string()))?;
        let mut deploys = script.components.iter().flat_map(|component| &component.deploys);
        if deploys.any(|deploy| deploy.statuses.is_empty()) {
            return Err(InvalidScript("a deploy needs at least one status".to_owned()));
        }
        if script.workflows.iter().any(|workflow| workflow.states.is_empty()) {
            return Err(InvalidScript("a workflow needs at least one state".to_owned()));
        }
        Ok(script)
    }
}

/// A server's generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// Since 2025: `status_v2`, `runner_jobs`, workflows.
    #[default]
    Today,
    /// 2024: one `runner_job`, deploy types install and teardown.
    Old,
}

/// A component in an install.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The install's id.
    pub install: String,
    /// The install's name.
    #[serde(default)]
    pub install_name: Option<String>,
    /// The component's id.
    pub id: String,
    /// The component's name.
    #[serde(default)]
    pub name: Option<String>,
    /// How "no deploy yet" is said.
    #[serde(default)]
    pub no_deploy: NoDeploy,
    /// Frequent drift scans hide its deploys, as on servers of mid-2025, unless a hundred rows are asked for.
    #[serde(default)]
    pub drift_scans: bool,
    /// Its deploys, oldest first.
    #[serde(default, rename = "deploy")]
    pub deploys: Vec<Deploy>,
}

/// How a server says that there is no deploy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoDeploy {
    /// With a 404.
    #[default]
    NotFound,
    /// With a 200 and an object without an id.
    EmptyObject,
}

/// A deploy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Its id; made from the component's if left out.
    #[serde(default)]
    pub id: Option<String>,
    /// Its type, as the generation writes it; an apply if left out.
    #[serde(default, rename = "type")]
    pub deploy_type: Option<String>,
    /// Its build's id.
    #[serde(default)]
    pub build: Option<String>,
    /// The commit that was built.
    #[serde(default)]
    pub commit: Option<String>,
    /// The workflow's id.
    #[serde(default)]
    pub workflow: Option<String>,
    /// The row is there from the beginning, or appears so long after the first request…
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// …or after so many looks at the component.
    #[serde(default)]
    pub after_looks: u32,
    /// Where it stands, one after the other; the last one stays.
    pub statuses: Vec<Stay>,
}

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
    /// Where it stands, one after the other; the last one stays.
    pub states: Vec<WorkflowState>,
}

fn approve_all() -> String {
    "approve-all".to_owned()
}

/// A state of a workflow. It lasts as a [`Stay`] does.
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
    /// The deploy it works on.
    pub deploy: Option<String>,
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

/// A stay in a status. It lasts for a time or for a number of answers that showed it; one answer if neither is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stay {
    /// The status.
    pub status: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub looks: Option<u32>,
    /// What the server says of it.
    pub description: Option<String>,
    /// A failure in full (`composite_error`; old servers: the job's error metadata).
    pub error: Option<String>,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests can be struck.
    #[serde(default)]
    pub on: Endpoint,
    /// Only those about this component.
    #[serde(default)]
    pub component: Option<String>,
    /// Which of them are, counting from 1; all if left out.
    #[serde(default)]
    pub nth: Vec<u32>,
    /// What comes instead of the answer.
    pub answer: Answer,
    /// The status code, for `answer = "status"` and `"redirect"`.
    #[serde(default = "default_code")]
    pub code: u16,
    /// The body, for `answer = "status"`.
    #[serde(default)]
    pub body: Body,
    /// The `Retry-After` header, as it is written.
    #[serde(default)]
    pub retry_after: Option<String>,
}

fn default_code() -> u16 {
    503
}

/// A kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Any.
    #[default]
    Any,
    /// A component's latest deploy.
    Latest,
    /// A deploy by its id.
    Deploy,
    /// An install.
    Install,
    /// A component in an install.
    Component,
    /// A component's deploys.
    Deploys,
    /// A workflow.
    Workflow,
    /// What any client is told.
    CliConfig,
}

/// What comes instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A status code with a body.
    Status,
    /// A redirect to another host.
    Redirect,
    /// The connection is reset before a byte is sent.
    Reset,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The body ends too early, although all announced bytes came.
    Truncated,
    /// Nothing comes, ever.
    Hang,
    /// The head comes, and a byte of the body each 50 ms.
    Drip,
    /// A 200 with a body that is no JSON.
    Undecodable,
    /// A 200 with an HTML body.
    Html,
    /// A 200 with `null`.
    Null,
    /// A 200 with `[]`.
    Array,
    /// A 200 with nothing.
    Nothing,
    /// A 200 that says it is compressed.
    Compressed,
    /// A 200 with a body of more than 16 MiB.
    Huge,
}

/// The body of an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// `{"error", "user_error", "description"}`.
    #[default]
    Json,
    /// The same with capitalised keys, as some of the server's parts write it.
    Capitalised,
    /// A load balancer's page.
    Html,
    /// Nothing.
    Empty,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let invalid = || de::Error::custom(format!("`{text}` is not a duration like 250ms, 3s or 1m"));
    let duration: SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).map(Some).map_err(|_| invalid())
}
