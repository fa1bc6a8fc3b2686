//! GitHub: what is shown of a run beside the commit that is built: a Deployment, and a commit status.
//!
//! A state left in progress is shown for ever, so the end is always written.

mod commit_status;
mod deployment;

use nuon_gate_core::result::RunResult;
use nuon_gate_http::Method;
use nuon_gate_http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use self::commit_status::CommitStatus;
use self::deployment::DeploymentStatus;
use crate::Occasion;
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::cut::verbatim;
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Request};
use crate::message::{Message, page};
use crate::secret::{Secret, SinkUrl};

/// GitHub takes no longer description, of either.
const LONGEST: usize = 140;
/// So much of it says what happened to what, so that there is room for the reason.
const LONGEST_HEADLINE: usize = 80;

/// Which commit it is about, and who may write.
#[derive(Debug)]
pub(crate) struct Github {
    pub(crate) api: SinkUrl,
    pub(crate) token: Secret,
    pub(crate) owner: String,
    pub(crate) repository: String,
    pub(crate) commit: String,
    pub(crate) shows: Shows,
}

/// What is shown there.
#[derive(Debug)]
pub(crate) enum Shows {
    /// A Deployment to this environment.
    Deployment(String),
    /// A status of the commit, by this name.
    CommitStatus(String),
}

/// What has been written there.
#[derive(Debug, Default)]
pub(crate) struct Written {
    deployment: deployment::Written,
    commit_status: commit_status::Written,
}

impl Github {
    /// Shows how a run stands. Returns whether there was anything to write.
    pub(crate) async fn show(
        &self,
        written: &mut Written,
        (http, patience): (&Http, &mut Patience),
        (occasion, result): (Occasion, &RunResult),
    ) -> Result<bool, Fault> {
        match &self.shows {
            Shows::Deployment(environment) => {
                let status = DeploymentStatus::new(occasion, result);
                written.deployment.show((self, environment), (http, patience), &status).await
            }
            Shows::CommitStatus(context) => {
                let status = CommitStatus::new(context, occasion, result);
                written.commit_status.show(self, (http, patience), &status).await
            }
        }
    }

    /// Returns what would be written of a run.
    pub(crate) fn status(&self, occasion: Occasion, result: &RunResult) -> String {
        let json = match &self.shows {
            Shows::Deployment(_) => serde_json::to_string(&DeploymentStatus::new(occasion, result)),
            Shows::CommitStatus(context) => serde_json::to_string(&CommitStatus::new(context, occasion, result)),
        };
        json.unwrap_or_default()
    }

    /// Sends something to a place below the repository.
    async fn post(&self, http: &Http, below: &[&str], body: &[u8]) -> Result<Answer, Fault> {
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
        ]);
        headers.extend(self.token.header("Bearer ").map(|token| (AUTHORIZATION, token)));
        let Self { api: url, owner, repository, .. } = self;
        let segments = [&["repos", owner, repository], below].concat();
        let request =
            Request { method: Method::POST, url, segments: &segments, query: &[], headers, body: body.to_vec() };
        http.send(request).await.map_err(|mut fault| {
            // GitHub says 404 for what the token may not know of.
            if matches!(fault.nature, Nature::Refused { status: 401 | 403 | 404 }) {
                let permission = self.shows.permission();
                let words = format!(" (may GITHUB_TOKEN do this? the job needs the permission {permission})");
                fault.words.push_str(&words);
            }
            fault
        })
    }
}

impl Shows {
    /// Returns what the job has to be allowed.
    pub(crate) fn permission(&self) -> &'static str {
        match self {
            Self::Deployment(_) => "deployments: write",
            Self::CommitStatus(_) => "statuses: write",
        }
    }
}

/// Says what happened to what, and why, in as much as GitHub takes.
fn description(message: &Message, occasion: Occasion, result: &RunResult) -> Bounded<LONGEST> {
    let mut description = Bounded::build();
    let reason = result.reason.as_ref().filter(|reason| occasion == Occasion::Ended && !reason.is_empty());
    description.push(&message.title_within(LONGEST_HEADLINE, reason).cut(LONGEST), LONGEST, verbatim);
    description.or_dash()
}

/// Returns the page of the deploy that decided, or of the approval that is asked for.
fn page_in_nuon(result: &RunResult) -> Option<WebPage> {
    let targets = &result.targets;
    let deciding = targets.iter().find(|target| target.verdict == result.verdict).or(targets.first());
    let asking = targets.iter().find_map(|target| target.approval_url.as_ref());
    let of_deploy = || deciding.and_then(|target| target.url.as_ref()).and_then(page);
    asking.and_then(page).or_else(of_deploy)
}
