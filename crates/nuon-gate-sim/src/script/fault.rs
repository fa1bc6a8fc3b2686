//! Faults.

use serde::Deserialize;

use super::Change;

/// A fault in the answers to some requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which kind of requests.
    #[serde(default)]
    pub on: Endpoint,
    /// Only those about this component.
    #[serde(default)]
    pub component: Option<String>,
    /// Which of these requests, counting from 1; all if left out.
    #[serde(default)]
    pub nth: Vec<u32>,
    /// What is sent instead of the answer.
    pub answer: Answer,
    /// The status code, for `answer = "status"` and `"redirect"`.
    #[serde(default = "default_code")]
    pub code: u16,
    /// The body, for `answer = "status"`.
    #[serde(default)]
    pub body: Body,
    /// How the answer differs, for `answer = "changed"`.
    #[serde(default)]
    pub change: Option<Change>,
    /// The `Retry-After` header, as it is written.
    #[serde(default)]
    pub retry_after: Option<String>,
    /// Whether the request takes effect all the same, which the client cannot know.
    #[serde(default)]
    pub after_effect: bool,
}

fn default_code() -> u16 {
    503
}

/// A kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Any request to the API. Requests to notification services are not included.
    #[default]
    Any,
    /// A component's latest deploy.
    Latest,
    /// A deploy by its id.
    Deploy,
    /// The installs.
    Installs,
    /// An install.
    Install,
    /// The components of an install.
    Components,
    /// A component in an install.
    Component,
    /// A component's deploys.
    Deploys,
    /// The deploys of an install.
    InstallDeploys,
    /// Triggering deploys and teardowns.
    Trigger,
    /// A workflow.
    Workflow,
    /// The long poll for the end of a workflow's step.
    Await,
    /// A workflow's place in the queue.
    QueuePosition,
    /// The resources of an install's components.
    Resources,
    /// The health checks of a component, and reporting one.
    Checks,
    /// The contents of an approval.
    ApprovalContents,
    /// Cancelling a workflow.
    Cancel,
    /// A deploy's logs.
    Logs,
    /// The long poll for more of a deploy's logs.
    Tail,
    /// The apps.
    Apps,
    /// The branches of an app.
    Branches,
    /// The runs of a branch.
    Runs,
    /// A run.
    Run,
    /// The groups of installs in a run.
    RunGroups,
    /// The public configuration.
    CliConfig,
    /// The exchange of an identity for a token.
    Exchange,
    /// The issuer of identities.
    Issuer,
    /// Slack's Web API.
    Slack,
    /// A Slack incoming webhook.
    SlackWebhook,
    /// A webhook.
    Webhook,
    /// A Teams webhook.
    Teams,
    /// A Discord webhook.
    Discord,
}

impl Endpoint {
    /// Returns whether this kind of requests includes another one.
    pub(crate) fn includes(self, other: Self) -> bool {
        let is_reported =
            matches!(other, Self::Slack | Self::SlackWebhook | Self::Webhook | Self::Teams | Self::Discord);
        self == other || (self == Self::Any && !is_reported)
    }
}

/// What is sent instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A status code with a body.
    Status,
    /// A redirect to another host.
    Redirect,
    /// The connection is reset before a byte is sent.
    Reset,
    /// The connection is reset in the middle of the head.
    ResetInHead,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// More bytes are announced than are sent before the connection is closed.
    LengthTooLong,
    /// Fewer bytes are announced than are sent: the rest is where the next answer should begin.
    LengthTooShort,
    /// The body claims to be chunked, but is not.
    Unchunked,
    /// The body ends too early, although all announced bytes were sent.
    Truncated,
    /// Nothing is ever sent.
    Hang,
    /// The head is sent, and then a byte of the body every 50 ms.
    Drip,
    /// A 200 with a body that is not JSON.
    Undecodable,
    /// A 200 with an HTML body.
    Html,
    /// A 200 with `null`.
    Null,
    /// A 200 with `[]`.
    Array,
    /// A 200 with `{}`.
    EmptyObject,
    /// A 200 about another object, a deploy that nobody knows.
    Another,
    /// A 200 without a body.
    Nothing,
    /// A 200 that claims to be compressed.
    Compressed,
    /// A 200 with a body of more than 16 MiB.
    Huge,
    /// The same, compressed to a few bytes.
    Bomb,
    /// The answer of a replica that lags: each deploy is as it was before its last change.
    Lagging,
    /// The answer if the last change was written by a machine whose clock is an hour behind.
    ClockBehind,
    /// The answer, with a [`Change`].
    Changed,
}

impl Answer {
    /// Returns whether it is a complete answer that shows another state.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Lagging | Self::ClockBehind)
    }
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
