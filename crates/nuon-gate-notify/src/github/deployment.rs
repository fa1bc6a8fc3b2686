//! A Deployment of the commit, and its status. See <https://docs.github.com/en/rest/deployments>.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Github, LONGEST, State, Summary};
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat};

/// Where deployments are, below a repository.
pub(super) const BELOW: &str = "deployments";

/// The status that is written.
#[derive(Debug, Serialize)]
pub(super) struct DeploymentStatus {
    state: &'static str,
    description: Bounded<LONGEST>,
    /// The link of "View deployment": the deploy, or the requested approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_url: Option<WebPage>,
    /// The CI run.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_url: Option<WebPage>,
}

impl From<Summary> for DeploymentStatus {
    fn from(summary: Summary) -> Self {
        let Summary { state, description, page, ci_run } = summary;
        let state = match state {
            State::InProgress => "in_progress",
            State::Asking | State::Planned => "pending",
            State::Passed => "success",
            State::TornDown => "inactive",
            State::Failed => "failure",
            State::Unknown => "error",
        };
        Self { state, description, log_url: ci_run.or_else(|| page.clone()), environment_url: page }
    }
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

/// Creates a deployment whatever the state of the checks, and without merging, unlike GitHub's defaults. Returns its
/// id.
pub(super) async fn create(
    (github, environment): (&Github, &str),
    http: &Http,
    patience: &mut Patience,
) -> Result<String, Fault> {
    let body = json!({
        "ref": github.commit, "environment": environment, "auto_merge": false, "required_contexts": [],
    });
    let body = body.to_string().into_bytes();
    let answer = patience.persist(Repeat::IfNotTaken, || github.post(http, &[BELOW], &body, true)).await?;
    Ok(read::<Created>(&answer)?.id.to_string())
}

/// Returns the id of the deployment that a try without an answer has made: the newest of the commit, if it has no status
/// yet.
pub(super) async fn find(
    (github, environment): (&Github, &str),
    http: &Http,
    patience: &mut Patience,
) -> Result<Option<String>, Fault> {
    const NEWEST: (&str, &str) = ("per_page", "1");
    let query = [("sha", github.commit.as_str()), ("environment", environment), NEWEST];
    let answer = patience.persist(Repeat::Always, || github.get(http, &[BELOW], &query)).await?;
    let Some(Created { id }) = read::<Vec<Created>>(&answer)?.pop() else { return Ok(None) };
    let id = id.to_string();
    let below = [BELOW, &id, "statuses"];
    let answer = patience.persist(Repeat::Always, || github.get(http, &below, &[NEWEST])).await?;
    Ok(read::<Vec<IgnoredAny>>(&answer)?.is_empty().then_some(id))
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Fault> {
    let unnamed =
        |_| Fault::new(Nature::Refused { status: answer.status }, "GitHub did not say which deployment it is");
    serde_json::from_slice(&answer.body).map_err(unnamed)
}
