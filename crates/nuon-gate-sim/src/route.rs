//! Routes of requests.

use crate::script::Endpoint;

/// A parsed path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// The public configuration.
    CliConfig,
    /// The exchange of an identity for a token.
    Exchange,
    /// The issuer of identities.
    Issuer,
    /// The installs.
    Installs,
    /// An install, by its id or its name.
    Install(&'a str),
    /// The components of an install.
    Components(&'a str),
    /// A component in an install.
    Component(&'a str, &'a str),
    /// The latest deploy of a component in an install.
    Latest(&'a str, &'a str),
    /// The deploys of a component in an install.
    Deploys(&'a str, &'a str),
    /// The deploys of all components of an install.
    InstallDeploys(&'a str),
    /// A deploy in an install.
    Deploy(&'a str, &'a str),
    /// Triggering a component's deploy.
    Trigger(&'a str, &'a str),
    /// Triggering a deploy of every component of an install.
    DeployAll(&'a str),
    /// Tearing down every component of an install.
    TeardownAll(&'a str),
    /// Tearing down a component.
    Teardown(&'a str, &'a str),
    /// A workflow.
    Workflow(&'a str),
    /// Cancelling a workflow.
    Cancel(&'a str),
    /// The long poll for the end of a workflow's step.
    Await(&'a str, &'a str),
    /// A workflow's place in the queue.
    QueuePosition(&'a str),
    /// The contents of an approval that a workflow's step asks for.
    ApprovalContents(&'a str, &'a str),
    /// The resources of an install's components, as last observed.
    Resources(&'a str),
    /// The reported health checks of a component.
    Checks(&'a str, &'a str),
    /// Reporting a health check.
    PushCheck(&'a str, &'a str, &'a str),
    /// A log stream.
    Logs(&'a str),
    /// The long poll for more of a log stream.
    Tail(&'a str),
    /// The apps.
    Apps,
    /// The branches of an app.
    Branches(&'a str),
    /// The runs of an app's branch.
    Runs(&'a str, &'a str),
    /// A run, by its id or its workflow's.
    Run(&'a str, &'a str, &'a str),
    /// The groups of installs in a run.
    RunGroups(&'a str, &'a str, &'a str),
}

impl<'a> Route<'a> {
    /// Finds the route of a path's segments. Real servers answer a wrong method like an unknown path.
    pub(crate) fn of(method: &str, segments: &'a [String]) -> Option<Self> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let route = match (method, segments.as_slice()) {
            ("GET", ["v1", "general", "cli-config"]) => Self::CliConfig,
            ("POST", ["v1", "oidc", "token"]) => Self::Exchange,
            ("GET", ["github", "oidc"]) => Self::Issuer,
            ("GET", ["v1", "installs"]) => Self::Installs,
            ("GET", ["v1", "installs", install]) => Self::Install(install),
            ("GET", ["v1", "installs", install, "resources"]) => Self::Resources(install),
            ("GET", ["v1", "installs", install, "components"]) => Self::Components(install),
            ("GET", ["v1", "installs", install, "components", "deploys"]) => Self::InstallDeploys(install),
            ("GET", ["v1", "installs", install, "components", id]) => Self::Component(install, id),
            ("GET", ["v1", "installs", install, "components", id, "deploys", "latest"]) => Self::Latest(install, id),
            ("GET", ["v1", "installs", install, "components", id, "deploys"]) => Self::Deploys(install, id),
            ("GET", ["v1", "installs", install, "deploys", id]) => Self::Deploy(install, id),
            ("POST", ["v1", "installs", install, "components", "deploy-all"]) => Self::DeployAll(install),
            ("POST", ["v1", "installs", install, "components", "teardown-all"]) => Self::TeardownAll(install),
            ("POST", ["v1", "installs", install, "components", id, "teardown"]) => Self::Teardown(install, id),
            ("POST", ["v1", "installs", install, "components", id, "deploys"]) => Self::Trigger(install, id),
            ("GET", ["v1", "workflows", id]) => Self::Workflow(id),
            ("POST", ["v1", "workflows", id, "cancel"]) => Self::Cancel(id),
            ("GET", ["v1", "workflows", id, "steps", step, "await"]) => Self::Await(id, step),
            ("GET", ["v1", "workflows", id, "queue-position"]) => Self::QueuePosition(id),
            ("GET", ["v1", "workflows", id, "steps", _, "approvals", approval, "contents"]) => {
                Self::ApprovalContents(id, approval)
            }
            ("GET", ["v1", "installs", install, "components", id, "health", "checks"]) => Self::Checks(install, id),
            ("PUT", ["v1", "installs", install, "components", id, "health", "checks", name]) => {
                Self::PushCheck(install, id, name)
            }
            ("GET", ["v1", "log-streams", id, "logs"]) => Self::Logs(id),
            ("GET", ["v1", "log-streams", id, "logs", "tail"]) => Self::Tail(id),
            ("GET", ["v1", "apps"]) => Self::Apps,
            ("GET", ["v1", "apps", app, "branches"]) => Self::Branches(app),
            ("GET", ["v1", "apps", app, "branches", branch, "runs"]) => Self::Runs(app, branch),
            ("GET", ["v1", "apps", app, "branches", branch, "runs", id]) => Self::Run(app, branch, id),
            ("GET", ["v1", "apps", app, "branches", branch, "runs", id, "install-group-runs"]) => {
                Self::RunGroups(app, branch, id)
            }
            _ => return None,
        };
        Some(route)
    }

    /// Returns whether only servers from 2026 on have it.
    pub(crate) fn is_new(self) -> bool {
        matches!(
            self,
            Self::Await(..)
                | Self::QueuePosition(..)
                | Self::Tail(..)
                | Self::Checks(..)
                | Self::Resources(..)
                | Self::PushCheck(..)
                | Self::Branches(..)
                | Self::Runs(..)
                | Self::Run(..)
                | Self::RunGroups(..)
        )
    }

    /// Returns its name in a script.
    pub(crate) fn endpoint(self) -> Endpoint {
        match self {
            Self::CliConfig => Endpoint::CliConfig,
            Self::Exchange => Endpoint::Exchange,
            Self::Issuer => Endpoint::Issuer,
            Self::Installs => Endpoint::Installs,
            Self::Install(..) => Endpoint::Install,
            Self::Components(..) => Endpoint::Components,
            Self::Component(..) => Endpoint::Component,
            Self::Latest(..) => Endpoint::Latest,
            Self::Deploys(..) => Endpoint::Deploys,
            Self::Deploy(..) => Endpoint::Deploy,
            Self::Trigger(..) | Self::DeployAll(..) | Self::TeardownAll(..) | Self::Teardown(..) => Endpoint::Trigger,
            Self::Workflow(..) => Endpoint::Workflow,
            Self::Cancel(..) => Endpoint::Cancel,
            Self::InstallDeploys(..) => Endpoint::InstallDeploys,
            Self::Await(..) => Endpoint::Await,
            Self::QueuePosition(..) => Endpoint::QueuePosition,
            Self::ApprovalContents(..) => Endpoint::ApprovalContents,
            Self::Checks(..) | Self::PushCheck(..) => Endpoint::Checks,
            Self::Resources(..) => Endpoint::Resources,
            Self::Logs(..) => Endpoint::Logs,
            Self::Tail(..) => Endpoint::Tail,
            Self::Apps => Endpoint::Apps,
            Self::Branches(..) => Endpoint::Branches,
            Self::Runs(..) => Endpoint::Runs,
            Self::Run(..) => Endpoint::Run,
            Self::RunGroups(..) => Endpoint::RunGroups,
        }
    }
}
