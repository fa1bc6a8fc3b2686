//! GitHub: a Deployment of the commit that is built, and its status.
//!
//! A deployment left in progress is shown as running for ever, so its end is always written. See
//! <https://docs.github.com/en/rest/deployments>.

use nuon_gate_core::result::{RunResult, VerdictName};
use nuon_gate_http::Method;
use nuon_gate_http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Occasion;
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::cut::verbatim;
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::{Context, Message, Tone, are_teardowns, page};
use crate::secret::{Secret, SinkUrl};

/// GitHub's limit for a description.
const LONGEST: usize = 140;
/// The share of it for what happened, so that there is room for the reason.
const LONGEST_HEADLINE: usize = 80;

/// The repository, the commit and the token.
#[derive(Debug)]
pub(crate) struct GithubDeployment {
    pub(crate) api: SinkUrl,
    pub(crate) token: Secret,
    pub(crate) owner: String,
    pub(crate) repository: String,
    pub(crate) commit: String,
    pub(crate) environment: String,
}

/// The states of a deployment that a run can have. `queued` is for what has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    InProgress,
    /// A human is asked to approve.
    Pending,
    Success,
    /// Torn down: nothing is deployed there any more.
    Inactive,
    Failure,
    /// The outcome is not known: the gate stopped watching, or could not find out.
    Error,
}

impl State {
    fn new(occasion: Occasion, result: &RunResult, tone: Tone) -> Self {
        match result.verdict {
            _ if occasion != Occasion::Ended && tone == Tone::Asking => Self::Pending,
            _ if occasion != Occasion::Ended => Self::InProgress,
            // With --notify-required, when another sink's notification failed.
            VerdictName::Passed | VerdictName::NotifyFailed => {
                if are_teardowns(&result.targets) {
                    Self::Inactive
                } else {
                    Self::Success
                }
            }
            VerdictName::Failed | VerdictName::Cancelled | VerdictName::Superseded => Self::Failure,
            _ => Self::Error,
        }
    }
}

/// What is written of a run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    state: State,
    description: Bounded<LONGEST>,
    /// Where GitHub's "View deployment" leads: the deploy, or the approval that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_url: Option<WebPage>,
    /// The CI run.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_url: Option<WebPage>,
}

impl Status {
    pub(crate) fn new(occasion: Occasion, result: &RunResult) -> Self {
        let message = Message::new(occasion, result, &Context::default());
        let state = State::new(occasion, result, message.tone);
        let mut description = Bounded::build();
        let reason = result.reason.as_ref().filter(|reason| occasion == Occasion::Ended && !reason.is_empty());
        description.push(&message.title_within(LONGEST_HEADLINE, reason).cut(LONGEST), LONGEST, verbatim);
        let targets = &result.targets;
        let deciding = targets.iter().find(|target| target.verdict == result.verdict).or(targets.first());
        let asking = targets.iter().find_map(|target| target.approval_url.as_ref());
        let of_deploy = || deciding.and_then(|target| target.url.as_ref()).and_then(page);
        let environment_url = asking.and_then(page).or_else(of_deploy);
        let log_url = result.ci_url.as_ref().and_then(page).or_else(|| environment_url.clone());
        Self { state, description: description.or_dash(), environment_url, log_url }
    }
}

/// What has been written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    id: Option<u64>,
    state: Option<State>,
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

impl Written {
    /// Makes the deployment, if there is none yet, and its status. Returns whether there was anything to write.
    pub(crate) async fn show(
        &mut self,
        deployment: &GithubDeployment,
        (http, patience): (&Http, &mut Patience),
        status: &Status,
    ) -> Result<bool, Fault> {
        if self.state == Some(status.state) {
            return Ok(false);
        }
        let id = match self.id {
            Some(id) => id,
            None => *self.id.insert(create(deployment, http, patience).await?),
        };
        let body = serde_json::to_vec(status).unwrap_or_default();
        let id = id.to_string();
        let below = [id.as_str(), "statuses"];
        // Writing a status twice only adds a line to the deployment's history.
        patience.persist(Repeat::Always, || post(deployment, http, &below, &body)).await?;
        self.state = Some(status.state);
        Ok(true)
    }
}

/// Makes a deployment whatever the state of the checks, and without merging; GitHub's defaults do both.
async fn create(deployment: &GithubDeployment, http: &Http, patience: &mut Patience) -> Result<u64, Fault> {
    let body = json!({
        "ref": deployment.commit, "environment": deployment.environment, "auto_merge": false, "required_contexts": [],
    });
    let body = body.to_string().into_bytes();
    let answer = patience.persist(Repeat::IfNotTaken, || post(deployment, http, &[], &body)).await?;
    let created: Result<Created, _> = serde_json::from_slice(&answer.body);
    let unnamed =
        |_| Fault::new(Nature::Refused { status: answer.status }, "GitHub did not say which deployment it is");
    Ok(created.map_err(unnamed)?.id)
}

async fn post(deployment: &GithubDeployment, http: &Http, below: &[&str], body: &[u8]) -> Result<Answer, Fault> {
    let mut headers = HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
    ]);
    headers.extend(deployment.token.header("Bearer ").map(|token| (AUTHORIZATION, token)));
    let GithubDeployment { api: url, owner, repository, .. } = deployment;
    let segments = [&["repos", owner, repository, "deployments"], below].concat();
    let request = Request { method: Method::POST, url, segments: &segments, query: &[], headers, body: body.to_vec() };
    http.send(request).await.map_err(|mut fault| {
        // GitHub answers 404 for what the token may not see.
        if matches!(fault.nature, Nature::Refused { status: 401 | 403 | 404 }) {
            fault.words.push_str(" (may GITHUB_TOKEN do this? the job needs the permission deployments: write)");
        }
        fault
    })
}
