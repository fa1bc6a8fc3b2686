//! Answers become facts here and nowhere else: an answer only counts if it is about what was requested.
//!
//! Servers, replicas, ingresses and firewalls also answer with other objects, with other ids, with error objects under
//! a success, and with `{}`. None of these is a fact. They count as bad answers, like a timeout.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use nuon_gate_http::header::HeaderMap;
use nuon_gate_http::{timestamp, word};

use super::exchange::refusal;
use super::{ApiError, ErrorClass, Expected, MOST_ROWS, Request, TailCursor, Wire, contents, decode, without_mark};
use crate::model::{
    App, Branch, BranchRun, CliConfig, ComponentHealth, Deploy, GroupRun, Install, InstallComponent, LogRecord,
    LogTail, Plan, QueuePosition, Resource, RunRow, Workflow, WorkflowStep,
};
use crate::{BranchPlace, ComponentId, Dashboard, InstallComponentId, InstallId, RunId, WorkflowId};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Whether there are more, if the server says so.
    pub more: Option<bool>,
}

/// A part of a log, newest first.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// Its lines.
    pub records: Vec<LogRecord>,
    /// Where the next part begins, in nanoseconds since 1970, if there is one.
    pub next: Option<u64>,
}

/// The part of a log after a cursor, oldest first.
#[derive(Debug, Clone)]
pub struct TailPage {
    /// Its lines.
    pub records: Vec<LogRecord>,
    /// Where the next part begins, if the server says so.
    pub next: Option<TailCursor>,
    /// Whether there is more already.
    pub has_more: bool,
}

/// What an answer says about what was requested.
#[derive(Debug, Clone)]
pub enum Fact {
    /// The newest row, or "none yet". This endpoint names neither the row's install nor its component.
    Latest(Option<Arc<Deploy>>),
    /// Rows of the component, newest first.
    Deploys(Arc<Vec<Deploy>>),
    /// Rows of all components of the install, newest first.
    InstallDeploys(Arc<Vec<Deploy>>),
    /// The requested deploy, of the requested install and component.
    Deploy(Arc<Deploy>),
    /// The requested workflow, of the requested install.
    Workflow(Arc<Workflow>),
    /// The long poll has ended. Its body is ignored: it only triggers a poll.
    Awaited,
    /// The install exists.
    Install(Install),
    /// Installs.
    Installs(Page<Install>),
    /// Components of an install.
    InstallComponents(Page<InstallComponent>),
    /// The install has the component.
    InstallComponent(InstallComponent),
    /// The health of the requested component, in the requested install.
    Health(Arc<ComponentHealth>),
    /// Resources of the requested component.
    Resources(Page<Resource>),
    /// What the server says of the workflow's place in its queue; `None` if it knows no places.
    Queue(Option<QueuePosition>),
    /// Apps.
    Apps(Page<App>),
    /// Branches of the requested app.
    Branches(Page<Branch>),
    /// Runs of the requested branch, newest first.
    Runs(Page<RunRow>),
    /// The requested run, of the requested branch.
    Run(Arc<BranchRun>),
    /// Groups of the requested run.
    GroupRuns(Page<GroupRun>),
    /// Where the dashboard is, if anywhere.
    Dashboard(Option<Dashboard>),
    /// What a human is asked to approve, if the server says so.
    Plan(Option<Arc<Plan>>),
    /// A part of a log.
    Logs(LogPage),
    /// The next part of a log, if the server has a long poll for it.
    Tail(Option<TailPage>),
    /// It is being cancelled. The body of such a success differs between versions and is ignored.
    Cancelling,
    /// The server has recorded the check.
    Pushed,
}

/// A fact, and the server's time when it gave it, if known.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The fact.
    pub fact: Fact,
    /// The server's `Date`.
    pub server_time: Option<Timestamp>,
}

/// The outcome of a request.
pub type Reply = Result<Answer, ApiError>;

impl From<Fact> for Answer {
    fn from(fact: Fact) -> Self {
        Self { fact, server_time: None }
    }
}

/// Reads a complete answer. `now` is only used for a `Retry-After` date from a server that does not send its own time.
///
/// # Errors
///
/// If it is not a good answer.
pub fn interpret(request: &Request, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Reply {
    let server_time = word(headers, "date").and_then(timestamp);
    let fact = match refusal(status, headers, body, Expected::of(request), None, now) {
        None => read(request, headers, body),
        Some(error) => excuse(request, error),
    };
    Ok(Answer { fact: fact?, server_time })
}

/// Most servers answer "not found" if a component has no deploy yet, and therefore no list.
pub(super) fn excuse(request: &Request, error: ApiError) -> Result<Fact, ApiError> {
    match request {
        Request::LatestDeploy(..) if error.class() == ErrorClass::Missing => Ok(Fact::Latest(None)),
        Request::Deploys(..) | Request::Earlier(..) if error.class() == ErrorClass::Missing => {
            Ok(Fact::Deploys(Arc::default()))
        }
        // Older servers have no queue.
        Request::QueuePosition(_) if error.is_absence() => Ok(Fact::Queue(None)),
        Request::Plan(..) if error.is_absence() => Ok(Fact::Plan(None)),
        // Servers without this endpoint say so in many ways, but never with 429.
        Request::Tail(..)
            if matches!(error.status(), Some(400..=499))
                && error.class() != ErrorClass::Transient
                && error.retry_after().is_none() =>
        {
            Ok(Fact::Tail(None))
        }
        _ => Err(error),
    }
}

/// Reads the body of a success.
pub(super) fn read(request: &Request, headers: &HeaderMap, body: &[u8]) -> Result<Fact, ApiError> {
    Ok(match request {
        Request::LatestDeploy(install, component, _) => Fact::Latest(latest(install, component, body)?),
        Request::Deploys(install, component) | Request::Earlier(install, component) => {
            let rows: Vec<Deploy> = decode(body)?;
            rows.iter().try_for_each(|row| is_not_of_others(row, install, Some(component)))?;
            Fact::Deploys(Arc::new(newest_first(rows)))
        }
        Request::InstallDeploys(install) => {
            let rows: Vec<Deploy> = decode(body)?;
            rows.iter().try_for_each(|row| is_not_of_others(row, install, None))?;
            Fact::InstallDeploys(Arc::new(newest_first(rows)))
        }
        Request::Deploy(install, component, id) => {
            let deploy: Deploy = decode(body)?;
            if deploy.id.as_ref() != Some(id) {
                return Err(about_something_else("another deploy"));
            }
            is_not_of_others(&deploy, install, component.as_ref())?;
            if deploy.install_id.is_none() || deploy.component_id.is_none() {
                return Err(undecodable("the deploy does not say whose it is"));
            }
            deploy.conceal_log_token(false);
            Fact::Deploy(Arc::new(deploy))
        }
        Request::Workflow(install, id) => Fact::Workflow(Arc::new(workflow(install.as_ref(), id, body)?)),
        Request::Await(_, step) => {
            // What it says decides nothing, but a page of a proxy is no answer.
            let own: WorkflowStep = decode(body)?;
            if own.id.is_some_and(|id| id != *step) {
                return Err(about_something_else("another step"));
            }
            Fact::Awaited
        }
        Request::Install(typed) => {
            let install: Install = decode(body)?;
            let named = install.name.as_ref().is_some_and(|name| name.is(typed.as_str()));
            if install.id.is_none() || install.id.as_ref() != Some(typed) && !named {
                return Err(about_something_else("another install"));
            }
            Fact::Install(install)
        }
        Request::Installs(_) | Request::NamedInstalls(..) | Request::LabelledInstalls(..) => {
            Fact::Installs(page(headers, body)?)
        }
        Request::InstallComponents(install, _) => {
            let page = page::<InstallComponent>(headers, body)?;
            Fact::InstallComponents(page.owned_by(install, |row| row.install_id.as_ref(), "another install")?)
        }
        Request::InstallComponent(install, component) => {
            let found: InstallComponent = decode(body)?;
            let is_elsewhere = found.install_id.as_ref().is_some_and(|owner| owner != install);
            if is_elsewhere || found.component_id.as_ref() != Some(component) {
                return Err(about_something_else("another component"));
            }
            Fact::InstallComponent(found)
        }
        Request::Health(install, component) => Fact::Health(Arc::new(health(install, component, body)?)),
        Request::Resources(install, component, own, _) => {
            Fact::Resources(resources(install, component, own, page(headers, body)?)?)
        }
        Request::QueuePosition(_) => Fact::Queue(Some(decode(body)?)),
        Request::Apps(_) => Fact::Apps(page(headers, body)?),
        Request::Branches(app, _) => {
            Fact::Branches(page::<Branch>(headers, body)?.owned_by(app, |row| row.app_id.as_ref(), "another app")?)
        }
        Request::Runs(place, ..) => {
            let Page { rows, more } = page::<Workflow>(headers, body)?;
            let row = |workflow: Workflow| {
                let workflow = Arc::new(workflow);
                let run = BranchRun::of(&workflow, &place.branch, None).map(Arc::new);
                RunRow { workflow: workflow.id.clone(), run }
            };
            Fact::Runs(Page { rows: rows.into_iter().map(row).collect(), more })
        }
        Request::Run(place, id) => Fact::Run(Arc::new(run(place, id, body)?)),
        Request::GroupRuns(_, run, _) => Fact::GroupRuns(groups(run, page(headers, body)?)?),
        Request::Dashboard(org) => Fact::Dashboard(Dashboard::new(&decode::<CliConfig>(body)?, org)),
        Request::Plan(..) => Fact::Plan(Some(Arc::new(contents::plan(body)?))),
        Request::Tail(..) => {
            let LogTail { logs, next, has_more } = decode(body)?;
            let next = next.and_then(|next| TailCursor::new(next.line(TailCursor::LONGEST).plain()));
            let has_more = has_more == Some(true);
            Fact::Tail(Some(TailPage { records: logs.unwrap_or_default(), next, has_more }))
        }
        Request::Logs(..) | Request::LogsAfter(..) => {
            let next = word(headers, "x-nuon-api-next").and_then(|next| next.trim().parse().ok());
            Fact::Logs(LogPage { records: decode(body)?, next })
        }
        Request::Cancel(_) => Fact::Cancelling,
        Request::PushCheck(..) => accepted(body).map(|()| Fact::Pushed)?,
    })
}

/// Checks that a success comes from the API: a proxy answers, too. What it says differs between versions.
fn accepted(body: &[u8]) -> Result<(), ApiError> {
    let body = without_mark(body);
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    let answer: serde_json::Value = serde_json::from_slice(body).map_err(|_| undecodable("it is not JSON"))?;
    match answer.get("error").or_else(|| answer.get("user_error")) {
        Some(_) => Err(about_something_else("an error")),
        None => Ok(()),
    }
}

/// Orders rows by when they were created, as the server does: verdicts depend on which is the newest. A row without a
/// time stays below the one before it.
fn newest_first(rows: Vec<Deploy>) -> Vec<Deploy> {
    let mut above = Timestamp::MAX;
    let dated = rows.into_iter().map(|row| {
        above = row.created_at.unwrap_or(above);
        (above, row)
    });
    let mut dated: Vec<_> = dated.collect();
    dated.sort_by_key(|(created, _)| Reverse(*created));
    dated.into_iter().map(|(_, row)| row).collect()
}

/// Returns whether an object without an id is the server's form of "none", and not an error under a success.
fn is_none(body: &[u8]) -> bool {
    const OF_ERRORS: [&str; 5] = ["error", "user_error", "description", "message", "code"];
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(without_mark(body)).unwrap_or_default();
    !OF_ERRORS.iter().any(|name| fields.contains_key(*name))
}

fn latest(install: &InstallId, component: &ComponentId, body: &[u8]) -> Result<Option<Arc<Deploy>>, ApiError> {
    let deploy: Deploy = decode(body)?;
    if deploy.id.is_none() {
        return if is_none(body) { Ok(None) } else { Err(about_something_else("no deploy")) };
    }
    is_not_of_others(&deploy, install, Some(component))?;
    Ok(Some(Arc::new(deploy)))
}

/// Refuses a deploy that names another owner, or two builds or workflows. Some endpoints do not name the owner.
fn is_not_of_others(deploy: &Deploy, install: &InstallId, component: Option<&ComponentId>) -> Result<(), ApiError> {
    if deploy.contradicts_itself() {
        return Err(about_something_else("two builds or two workflows of one deploy"));
    }
    let what = || deploy.id.as_ref().map_or_else(|| "a deploy".to_owned(), |id| format!("deploy {id}"));
    match (&deploy.install_id, &deploy.component_id, component) {
        (Some(owner), _, _) if owner != install => {
            Err(ApiError::Elsewhere { what: what(), owner: format!("install {owner}"), expected: install.to_string() })
        }
        (_, Some(owner), Some(component)) if owner != component => Err(ApiError::Elsewhere {
            what: what(),
            owner: format!("component {owner}"),
            expected: component.to_string(),
        }),
        _ => Ok(()),
    }
}

fn workflow(install: Option<&InstallId>, id: &WorkflowId, body: &[u8]) -> Result<Workflow, ApiError> {
    let workflow: Workflow = decode(body)?;
    if workflow.id.as_ref() != Some(id) {
        return Err(about_something_else("another workflow"));
    }
    match (install, &workflow.owner_id) {
        (Some(install), Some(owner)) if install != owner => Err(ApiError::Elsewhere {
            what: format!("workflow {id}"),
            owner: format!("install {owner}"),
            expected: install.to_string(),
        }),
        (Some(_), None) => Err(undecodable("the workflow does not say whose it is")),
        _ => Ok(workflow),
    }
}

fn health(install: &InstallId, component: &ComponentId, body: &[u8]) -> Result<ComponentHealth, ApiError> {
    let found: ComponentHealth = decode(body)?;
    if found.component_id.as_ref() != Some(component) {
        return Err(about_something_else("another component"));
    }
    if found.install_id.as_ref() != Some(install) {
        return Err(about_something_else("another install"));
    }
    if found.id.is_none() {
        return Err(undecodable("the component has no id in the install"));
    }
    Ok(found)
}

/// Keeps the rows that name the component and no other owner: some servers may return everything that the install has.
/// If none is left, the answer is about another component, and does not mean that nothing has been observed of this one.
/// A server that does not say whether there are more has no more than a page that is not full.
fn resources(
    install: &InstallId,
    component: &ComponentId,
    own: &InstallComponentId,
    Page { mut rows, more }: Page<Resource>,
) -> Result<Page<Resource>, ApiError> {
    let is_empty = rows.is_empty();
    let more = more.or((rows.len() < MOST_ROWS as usize).then_some(false));
    rows.retain(|row| {
        row.install_component_id.as_ref() == Some(own)
            && row.install_id.as_ref().is_none_or(|owner| owner == install)
            && row.component_id.as_ref().is_none_or(|owner| owner == component)
    });
    if rows.is_empty() && !is_empty { Err(about_something_else("another component")) } else { Ok(Page { rows, more }) }
}

fn run(place: &BranchPlace, id: &RunId, body: &[u8]) -> Result<BranchRun, ApiError> {
    let workflow = Arc::new(decode::<Workflow>(body)?);
    BranchRun::of(&workflow, &place.branch, Some(id)).ok_or_else(|| about_something_else("another run, or none"))
}

/// A group that names an install without its owner could be of any run.
fn groups(run: &RunId, page: Page<GroupRun>) -> Result<Page<GroupRun>, ApiError> {
    let page = page.owned_by(run, |group| group.app_branch_run_id.as_ref(), "another run")?;
    match page.rows.iter().flat_map(|group| group.installs.iter().flatten()).all(|own| own.install_id.is_some()) {
        true => Ok(page),
        false => Err(undecodable("an install of a group has no id")),
    }
}

impl<T> Page<T> {
    /// Refuses a page with a row that names another owner. Some servers leave the owner out.
    fn owned_by<I: PartialEq>(self, owner: &I, of: fn(&T) -> Option<&I>, other: &str) -> Result<Self, ApiError> {
        match self.rows.iter().filter_map(of).all(|own| own == owner) {
            true => Ok(self),
            false => Err(about_something_else(other)),
        }
    }
}

fn page<T: Wire>(headers: &HeaderMap, body: &[u8]) -> Result<Page<T>, ApiError> {
    let more = match word(headers, "x-nuon-page-next") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    Ok(Page { rows: decode(body)?, more })
}

fn about_something_else(what: &str) -> ApiError {
    undecodable(&format!("the answer is about {what}"))
}

fn undecodable(what: &str) -> ApiError {
    ApiError::Undecodable(what.to_owned())
}
