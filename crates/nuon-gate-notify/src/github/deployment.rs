//! A Deployment of the commit, and its status. See <https://docs.github.com/en/rest/deployments>.

use nuon_gate_core::Verdict;
use nuon_gate_core::result::RunResult;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Github, LONGEST, description, page_in_nuon};
use crate::Occasion;
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::deliver::{Fault, Http, Nature, Patience, Repeat};
use crate::message::{Context, Message, Tone, are_teardowns, page};

/// Where deployments are, below a repository.
const BELOW: &str = "deployments";

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
            Verdict::Passed | Verdict::NotifyFailed => {
                if are_teardowns(&result.targets) {
                    Self::Inactive
                } else {
                    Self::Success
                }
            }
            Verdict::Failed | Verdict::Cancelled | Verdict::Superseded => Self::Failure,
            _ => Self::Error,
        }
    }
}

/// What is written of a run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct DeploymentStatus {
    state: State,
    description: Bounded<LONGEST>,
    /// Where GitHub's "View deployment" leads: the deploy, or the approval that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_url: Option<WebPage>,
    /// The CI run.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_url: Option<WebPage>,
}

impl DeploymentStatus {
    pub(super) fn new(occasion: Occasion, result: &RunResult) -> Self {
        let message = Message::new(occasion, result, &Context::default());
        let state = State::new(occasion, result, message.tone);
        let environment_url = page_in_nuon(result);
        let log_url = result.ci_url.as_ref().and_then(page).or_else(|| environment_url.clone());
        Self { state, description: description(&message, occasion, result), environment_url, log_url }
    }
}

/// What has been written.
#[derive(Debug, Default)]
pub(super) struct Written {
    id: Option<u64>,
    state: Option<State>,
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

impl Written {
    /// Makes the deployment, if there is none yet, and its status. Returns whether there was anything to write.
    pub(super) async fn show(
        &mut self,
        (github, environment): (&Github, &str),
        (http, patience): (&Http, &mut Patience),
        status: &DeploymentStatus,
    ) -> Result<bool, Fault> {
        if self.state == Some(status.state) {
            return Ok(false);
        }
        let id = match self.id {
            Some(id) => id,
            None => *self.id.insert(create((github, environment), http, patience).await?),
        };
        let body = serde_json::to_vec(status).unwrap_or_default();
        let id = id.to_string();
        let below = [BELOW, &id, "statuses"];
        // Writing a status twice only adds a line to the deployment's history.
        patience.persist(Repeat::Always, || github.post(http, &below, &body)).await?;
        self.state = Some(status.state);
        Ok(true)
    }
}

/// Makes a deployment whatever the state of the checks, and without merging; GitHub's defaults do both.
async fn create((github, environment): (&Github, &str), http: &Http, patience: &mut Patience) -> Result<u64, Fault> {
    let body = json!({
        "ref": github.commit, "environment": environment, "auto_merge": false, "required_contexts": [],
    });
    let body = body.to_string().into_bytes();
    let answer = patience.persist(Repeat::IfNotTaken, || github.post(http, &[BELOW], &body)).await?;
    let created: Result<Created, _> = serde_json::from_slice(&answer.body);
    let unnamed =
        |_| Fault::new(Nature::Refused { status: answer.status }, "GitHub did not say which deployment it is");
    Ok(created.map_err(unnamed)?.id)
}
