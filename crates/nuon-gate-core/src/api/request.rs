//! Requests to the API as values: the path and the query of each.

use nuon_gate_http::Method;

use crate::labels::Labels;
use crate::{
    AppId, ApprovalId, ApprovalPlace, BranchPlace, ComponentId, DeployId, InstallComponentId, InstallId, LogStreamId,
    OrgId, PushedCheck, RunId, StepId, WorkflowId,
};

/// The most rows that a server gives at once.
pub(crate) const MOST_ROWS: u32 = 100;
/// How many earlier deploys are read for the usual duration.
const EARLIER: u32 = 20;

/// How long the server keeps a long poll for log lines open.
const TAIL_WAIT: &str = "20s";

/// A place in a log, in the server's own form: `<nanoseconds since 1970>:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TailCursor(String);

impl TailCursor {
    /// A longer text, in bytes, is not a cursor.
    pub(super) const LONGEST: usize = 200;

    /// Takes a server's cursor, if it is valid.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(':')?;
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_one =
            at.parse::<u64>().is_ok() && !id.is_empty() && id.chars().all(is_id) && text.len() <= Self::LONGEST;
        is_one.then(|| Self(text.to_owned()))
    }

    /// Returns the time in it, in nanoseconds since 1970.
    pub(crate) fn nanoseconds(&self) -> u64 {
        self.0.split_once(':').and_then(|(at, _)| at.parse().ok()).unwrap_or_default()
    }
}

/// How many rows the server reads for the newest deploy. Servers of mid-2025 take plan-only rows out of a page of ten
/// after they have read it, so frequent drift scans hide the real deploys (`docs/nuon-api.md`, "The latest deploy").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// The server's default.
    Usual,
    /// A hundred, the maximum.
    Page,
}

/// Which runs of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runs {
    /// All.
    All,
    /// Those that make more than plans. Some servers return all of them.
    Deploying,
}

/// A request to the API. Equal requests have the same answer, so they are sent once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// The component's newest deploy in an install, found among this many rows.
    LatestDeploy(InstallId, ComponentId, Depth),
    /// The component's newest deploys in an install, newest first, at most a hundred.
    Deploys(InstallId, ComponentId),
    /// A few of them, as the component's history.
    Earlier(InstallId, ComponentId),
    /// The newest deploys of all components in an install, newest first, at most a hundred.
    InstallDeploys(InstallId),
    /// A deploy, with details: of this component, or of any if its component is not known yet.
    Deploy(InstallId, Option<ComponentId>, DeployId),
    /// A workflow of this install, or of any, with its steps.
    Workflow(Option<InstallId>, WorkflowId),
    /// The end of a workflow's step: a long poll, which the server keeps open for a minute.
    Await(WorkflowId, StepId),
    /// An install, by its id or its name.
    Install(InstallId),
    /// The organisation's installs: this page, starting at 1.
    Installs(u32),
    /// The installs with a name like this one: this page, starting at 1.
    NamedInstalls(InstallId, u32),
    /// The installs with these labels: this page, starting at 1. Some servers return all of them.
    LabelledInstalls(Labels, u32),
    /// The components of an install: this page, starting at 1.
    InstallComponents(InstallId, u32),
    /// Whether an install has a component.
    InstallComponent(InstallId, ComponentId),
    /// The health of a component of an install.
    Health(InstallId, ComponentId),
    /// The component's resources, as last observed: this page, starting at 1. Most servers return all of them.
    Resources(InstallId, ComponentId, InstallComponentId, u32),
    /// A workflow's place in its queue.
    QueuePosition(WorkflowId),
    /// The organisation's apps: this page, starting at 1.
    Apps(u32),
    /// The branches of an app: this page, starting at 1.
    Branches(AppId, u32),
    /// The runs of a branch, newest first: all, or those that make more than plans; this page, starting at 1.
    Runs(BranchPlace, Runs, u32),
    /// A run of a branch, by its id or its workflow's.
    Run(BranchPlace, RunId),
    /// The groups of installs that a run has started so far: this page, starting at 1.
    GroupRuns(BranchPlace, RunId, u32),
    /// The address of this organisation's dashboard. The server gives it to anyone.
    Dashboard(OrgId),
    /// What a step of a workflow asks a human to approve.
    Plan(WorkflowId, StepId, ApprovalId),
    /// A part of a log, newest first: the newest, or the one before this time in nanoseconds since 1970.
    Logs(LogStreamId, Option<u64>),
    /// A log after this time in nanoseconds since 1970, or from its start, oldest first.
    LogsAfter(LogStreamId, Option<u64>),
    /// The same after this cursor: a long poll, which the server keeps open until there are lines.
    Tail(LogStreamId, Option<TailCursor>),
    /// Reports a check of a component's health.
    PushCheck(InstallId, ComponentId, PushedCheck),
    /// Cancels a workflow.
    Cancel(WorkflowId),
}

impl Request {
    /// Returns the segments of the path, before they are percent-encoded, and the query.
    pub fn address(&self) -> (Vec<&str>, Vec<(&'static str, String)>) {
        let page = |page: &u32| {
            let page = (*page > 1).then(|| ("page", page.to_string()));
            [("limit", MOST_ROWS.to_string())].into_iter().chain(page).collect::<Vec<_>>()
        };
        match self {
            Self::LatestDeploy(install, component, depth) => {
                let path = ["installs", install.as_str(), "components", component.as_str(), "deploys", "latest"];
                let query = match depth {
                    Depth::Usual => Vec::new(),
                    Depth::Page => page(&1),
                };
                (path.to_vec(), query)
            }
            Self::Deploys(install, component) | Self::Earlier(install, component) => {
                let most = if matches!(self, Self::Earlier(..)) { EARLIER } else { MOST_ROWS };
                let path = vec!["installs", install.as_str(), "components", component.as_str(), "deploys"];
                (path, vec![("limit", most.to_string())])
            }
            Self::InstallDeploys(install) => (vec!["installs", install.as_str(), "components", "deploys"], page(&1)),
            Self::Deploy(install, _, deploy) => {
                (vec!["installs", install.as_str(), "deploys", deploy.as_str()], Vec::new())
            }
            Self::Workflow(_, workflow) => (vec!["workflows", workflow.as_str()], Vec::new()),
            Self::Await(workflow, step) => {
                (vec!["workflows", workflow.as_str(), "steps", step.as_str(), "await"], Vec::new())
            }
            Self::Install(install) => (vec!["installs", install.as_str()], Vec::new()),
            Self::Installs(number) => (vec!["installs"], page(number)),
            Self::NamedInstalls(name, number) => {
                (vec!["installs"], page(number).into_iter().chain([("q", name.to_string())]).collect())
            }
            Self::LabelledInstalls(labels, number) => {
                let query = labels.query().map(|query| ("labels", query));
                (vec!["installs"], page(number).into_iter().chain(query).collect())
            }
            Self::InstallComponents(install, number) => {
                (vec!["installs", install.as_str(), "components"], page(number))
            }
            Self::InstallComponent(install, component) | Self::Health(install, component) => {
                (vec!["installs", install.as_str(), "components", component.as_str()], Vec::new())
            }
            Self::Resources(install, _, component, number) => {
                let own = ("install_component_id", component.as_str().to_owned());
                (vec!["installs", install.as_str(), "resources"], [own].into_iter().chain(page(number)).collect())
            }
            Self::QueuePosition(workflow) => (vec!["workflows", workflow.as_str(), "queue-position"], Vec::new()),
            Self::Apps(number) => (vec!["apps"], page(number)),
            Self::Branches(app, number) => (vec!["apps", app.as_str(), "branches"], page(number)),
            Self::Runs(BranchPlace { app, branch }, which, number) => {
                let deploying = (*which == Runs::Deploying).then(|| ("planonly", "false".to_owned()));
                let path = vec!["apps", app.as_str(), "branches", branch.as_str(), "runs"];
                (path, page(number).into_iter().chain(deploying).collect())
            }
            Self::Run(BranchPlace { app, branch }, run) => {
                (vec!["apps", app.as_str(), "branches", branch.as_str(), "runs", run.as_str()], Vec::new())
            }
            Self::GroupRuns(BranchPlace { app, branch }, run, number) => {
                let run = ["runs", run.as_str(), "install-group-runs"];
                ((["apps", app.as_str(), "branches", branch.as_str()].into_iter().chain(run)).collect(), page(number))
            }
            Self::Dashboard(_) => (vec!["general", "cli-config"], Vec::new()),
            Self::Plan(workflow, step, approval) => {
                let approval = ["approvals", approval.as_str(), "contents"];
                let step = ["workflows", workflow.as_str(), "steps", step.as_str()];
                ([step.as_slice(), &approval].concat(), Vec::new())
            }
            Self::Logs(stream, _) => (vec!["log-streams", stream.as_str(), "logs"], vec![("order", "desc".to_owned())]),
            Self::LogsAfter(stream, _) => {
                (vec!["log-streams", stream.as_str(), "logs"], vec![("order", "asc".to_owned())])
            }
            Self::Tail(stream, since) => {
                let since = since.as_ref().map(|since| ("since", since.0.clone()));
                let wait = ("wait", TAIL_WAIT.to_owned());
                (vec!["log-streams", stream.as_str(), "logs", "tail"], since.into_iter().chain([wait]).collect())
            }
            Self::PushCheck(install, component, check) => {
                let component = ["components", component.as_str(), "health", "checks", check.name.as_str()];
                ([["installs", install.as_str()].as_slice(), &component].concat(), Vec::new())
            }
            Self::Cancel(workflow) => (vec!["workflows", workflow.as_str(), "cancel"], Vec::new()),
        }
    }

    /// Returns its method.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Cancel(_) => Method::POST,
            Self::PushCheck(..) => Method::PUT,
            _ => Method::GET,
        }
    }

    /// Returns its body, as JSON.
    pub(super) fn body(&self) -> Option<String> {
        match self {
            Self::PushCheck(_, _, check) => Some(check.body()),
            _ => None,
        }
    }

    /// Returns the header that names the part of a log, which the server expects there and not in the query.
    pub(crate) fn offset(&self) -> Option<u64> {
        match self {
            Self::Logs(_, offset) | Self::LogsAfter(_, offset) => *offset,
            _ => None,
        }
    }

    /// Returns the request for the plan to approve, if it can be named.
    pub(crate) fn plan(place: &ApprovalPlace) -> Option<Self> {
        let (step, approval) = (place.step.clone()?, place.approval.clone()?);
        Some(Self::Plan(place.workflow.clone(), step, approval))
    }

    /// Returns whether it is optional: no verdict depends on its answer, and neither does the outage timeout.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self, Self::Dashboard(_) | Self::QueuePosition(_) | Self::Earlier(..) | Self::Plan(..))
    }

    /// Returns whether it is about a component's health. Any error then means that the health is not known.
    pub(crate) fn is_of_health(&self) -> bool {
        matches!(self, Self::Health(..) | Self::Resources(..))
    }

    /// Returns whether it continues the list of a component's resources.
    pub(crate) fn is_next_page(&self) -> bool {
        matches!(self, Self::Resources(.., 2..))
    }

    /// Returns whether it names its object by id. The server may not know that object for a moment, because it reads
    /// some objects from a replica.
    pub(crate) fn is_by_id(&self) -> bool {
        matches!(self, Self::Deploy(..) | Self::Workflow(..) | Self::Run(..) | Self::GroupRuns(..))
    }
}
