//! What goes wrong.

use serde::Deserialize;

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
    /// The request has taken effect all the same, which its sender cannot know.
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
    /// Any of the API's. An outage of the API is none of the notification services.
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
    /// The triggering of deploys and teardowns.
    Trigger,
    /// A workflow.
    Workflow,
    /// The awaiting of a workflow's step.
    Await,
    /// A workflow's place in the queue.
    QueuePosition,
    /// What the components of an install are made of.
    Resources,
    /// The checks of a component's health, and the reporting of one.
    Checks,
    /// The contents of an approval.
    ApprovalContents,
    /// The cancelling of a workflow.
    Cancel,
    /// A deploy's logs.
    Logs,
    /// The following of a deploy's logs.
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
    /// The answer to any client.
    CliConfig,
    /// The exchange of an identity for a token.
    Exchange,
    /// Where an identity is issued.
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
    /// Returns whether what is said of this is said of a request to another as well.
    pub(crate) fn includes(self, other: Self) -> bool {
        let is_reported =
            matches!(other, Self::Slack | Self::SlackWebhook | Self::Webhook | Self::Teams | Self::Discord);
        self == other || (self == Self::Any && !is_reported)
    }
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
    /// The connection is reset in the middle of the head.
    ResetInHead,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// More bytes are announced than come before the connection is closed.
    LengthTooLong,
    /// Fewer bytes are announced than come: the rest stands where the next answer should begin.
    LengthTooShort,
    /// The body is said to come in chunks, and what comes is none.
    Unchunked,
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
    /// The same, compressed to a few bytes.
    Bomb,
    /// The answer as a replica gives it that lags: each deploy is where it was before its last change.
    Lagging,
    /// The answer where the last change was written by a machine whose clock is an hour behind.
    ClockBehind,
}

impl Answer {
    /// Returns whether it is an answer like any other, which shows things in another light.
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
