//! GitHub: a Deployment and a commit status, which show the run beside the commit.
//!
//! A state left in progress would be shown for ever, so the end is always written.

mod commit_status;
mod deployment;

use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_http::Method;
use nuon_gate_http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use self::commit_status::CommitStatus;
use self::deployment::DeploymentStatus;
use crate::Occasion;
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::cut::verbatim;
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::{Context, Message, Tone, are_teardowns, has_passed_unapproved, page};
use crate::secret::{Secret, SinkUrl};

/// The longest description that GitHub accepts.
const LONGEST: usize = 140;
/// The longest headline in it, so that there is room for the reason.
const LONGEST_HEADLINE: usize = 80;

/// The commit, and the token.
#[derive(Debug)]
pub(crate) struct Github {
    pub(crate) api: SinkUrl,
    pub(crate) token: Secret,
    pub(crate) owner: String,
    pub(crate) repository: String,
    pub(crate) commit: String,
    pub(crate) shows: Shows,
}

/// What to write.
#[derive(Debug)]
pub(crate) enum Shows {
    /// A Deployment to this environment.
    Deployment(String),
    /// A status of the commit, by this name.
    CommitStatus(String),
}

/// What has been written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The id of the deployment.
    deployment: Option<String>,
    /// Whether one may have been made whose id is not known.
    may_have_made: bool,
    state: Option<State>,
}

impl Written {
    /// Returns whether something is shown, if only a deployment without a status.
    pub(crate) fn has_written(&self) -> bool {
        self.deployment.is_some() || self.state.is_some()
    }
}

impl Github {
    /// Writes the state of a run. Returns whether there was anything to write.
    pub(crate) async fn show(
        &self,
        written: &mut Written,
        (http, patience): (&Http, &mut Patience),
        (occasion, result): (Occasion, &RunResult),
    ) -> Result<bool, Fault> {
        let summary = Summary::new(occasion, result);
        // GitHub keeps every status, up to a thousand for each commit, so only a new state is written.
        let news = Some(summary.state);
        if written.state == news {
            return Ok(false);
        }
        let id;
        let (below, body) = match &self.shows {
            Shows::Deployment(environment) => {
                id = match &written.deployment {
                    Some(id) => id,
                    None => {
                        let id = self.deployment(environment, &mut written.may_have_made, http, patience).await?;
                        written.deployment.insert(id)
                    }
                };
                (vec![deployment::BELOW, id, "statuses"], serde_json::to_vec(&DeploymentStatus::from(summary)))
            }
            Shows::CommitStatus(context) => {
                (vec!["statuses", &self.commit], serde_json::to_vec(&CommitStatus::new(context, summary)))
            }
        };
        let body = body.unwrap_or_default();
        // The newest status counts. Writing it twice only adds a line to the history.
        patience.persist(Repeat::Always, || self.post(http, &below, &body, false)).await?;
        written.state = news;
        Ok(true)
    }

    /// Returns the id of the deployment, which is made unless an earlier try has.
    async fn deployment(
        &self,
        environment: &str,
        may_have_made: &mut bool,
        http: &Http,
        patience: &mut Patience,
    ) -> Result<String, Fault> {
        let found = match *may_have_made {
            true => deployment::find((self, environment), http, patience).await?,
            false => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let made = deployment::create((self, environment), http, patience).await;
        *may_have_made = matches!(made, Err(Fault { nature: Nature::Unclear { .. }, .. }));
        made
    }

    /// Returns what would be written for a run.
    pub(crate) fn status(&self, occasion: Occasion, result: &RunResult) -> String {
        let summary = Summary::new(occasion, result);
        let json = match &self.shows {
            Shows::Deployment(_) => serde_json::to_string(&DeploymentStatus::from(summary)),
            Shows::CommitStatus(context) => serde_json::to_string(&CommitStatus::new(context, summary)),
        };
        json.unwrap_or_default()
    }

    /// Sends something to a place below the repository.
    async fn post(&self, http: &Http, below: &[&str], body: &[u8], reads_answer: bool) -> Result<Answer, Fault> {
        let (segments, method, body) = (self.segments(below), Method::POST, body.to_vec());
        let headers = self.headers();
        let url = &self.api;
        self.send(http, Request { method, url, segments: &segments, query: &[], headers, body, reads_answer }).await
    }

    /// Reads a place below the repository.
    async fn get(&self, http: &Http, below: &[&str], query: &[(&str, &str)]) -> Result<Answer, Fault> {
        let (segments, method, body) = (self.segments(below), Method::GET, Vec::new());
        let headers = self.headers();
        let url = &self.api;
        self.send(http, Request { method, url, segments: &segments, query, headers, body, reads_answer: true }).await
    }

    fn segments<'a>(&'a self, below: &[&'a str]) -> Vec<&'a str> {
        [&["repos", &self.owner, &self.repository], below].concat()
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
        ]);
        headers.extend(self.token.header("Bearer ").map(|token| (AUTHORIZATION, token)));
        headers
    }

    async fn send(&self, http: &Http, request: Request<'_>) -> Result<Answer, Fault> {
        http.send(request).await.map_err(|mut fault| {
            // GitHub answers 404 for what the token may not see.
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
    /// Returns the name of the sink in the result, which is that of its flag.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Deployment(_) => "github-deployment",
            Self::CommitStatus(_) => "github-status",
        }
    }

    /// Returns the permission that the job needs.
    pub(crate) fn permission(&self) -> &'static str {
        match self {
            Self::Deployment(_) => "deployments: write",
            Self::CommitStatus(_) => "statuses: write",
        }
    }
}

/// The state of a run. Each of the two APIs has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InProgress,
    /// A human is asked to approve.
    Asking,
    Passed,
    /// It passed on a plan that nobody has approved yet (`--on-approval pass`): nothing is deployed.
    Planned,
    /// A teardown passed: nothing is deployed there any more.
    TornDown,
    Failed,
    /// The outcome is not known: the gate stopped watching, or could not find out.
    Unknown,
}

impl State {
    fn new(occasion: Occasion, result: &RunResult, tone: Tone) -> Self {
        match result.verdict {
            _ if occasion == Occasion::Refused => Self::Unknown,
            _ if occasion != Occasion::Ended && tone == Tone::Asking => Self::Asking,
            _ if occasion != Occasion::Ended => Self::InProgress,
            _ if has_passed_unapproved(result) => Self::Planned,
            // With --notify-required, when another sink's notification failed.
            Verdict::Passed | Verdict::NotifyFailed if are_teardowns(&result.targets) => Self::TornDown,
            Verdict::Passed | Verdict::NotifyFailed => Self::Passed,
            Verdict::Failed | Verdict::Cancelled | Verdict::Superseded => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// The content of either.
struct Summary {
    state: State,
    /// What happened to what, and why, within GitHub's limit.
    description: Bounded<LONGEST>,
    /// The page of the deciding deploy, or of the requested approval.
    page: Option<WebPage>,
    ci_run: Option<WebPage>,
}

impl Summary {
    fn new(occasion: Occasion, result: &RunResult) -> Self {
        let message = Message::new(occasion, result, &Context::default());
        let reason = result.reason.as_ref().filter(|reason| occasion.is_end() && !reason.is_empty());
        let mut description = Bounded::build();
        description.push(&message.title_within(LONGEST_HEADLINE, reason).cut(LONGEST), LONGEST, verbatim);
        let approval = result.targets.iter().find_map(|target| target.approval_url.as_ref());
        let deciding = result.targets.get(result.deciding().unwrap_or_default());
        let of_deploy = || deciding.and_then(|target| target.url.as_ref()).and_then(page);
        Self {
            state: State::new(occasion, result, message.tone),
            description: description.or_dash(),
            page: approval.and_then(page).or_else(of_deploy),
            ci_run: result.ci_url.as_ref().and_then(page),
        }
    }
}
