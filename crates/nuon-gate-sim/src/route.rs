//! What a request asks for.

use crate::script::Endpoint;

/// A request's path, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// What any client is told.
    CliConfig,
    /// The exchange of an identity for a token.
    Exchange,
    /// Where an identity is issued.
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
    /// A deploy in an install.
    Deploy(&'a str, &'a str),
    /// A workflow.
    Workflow(&'a str),
    /// The cancelling of a workflow.
    Cancel(&'a str),
    /// A log stream.
    Logs(&'a str),
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
            ("GET", ["v1", "installs", install, "components"]) => Self::Components(install),
            ("GET", ["v1", "installs", install, "components", id]) => Self::Component(install, id),
            ("GET", ["v1", "installs", install, "components", id, "deploys", "latest"]) => Self::Latest(install, id),
            ("GET", ["v1", "installs", install, "components", id, "deploys"]) => Self::Deploys(install, id),
            ("GET", ["v1", "installs", install, "deploys", id]) => Self::Deploy(install, id),
            ("GET", ["v1", "workflows", id]) => Self::Workflow(id),
            ("POST", ["v1", "workflows", id, "cancel"]) => Self::Cancel(id),
            ("GET", ["v1", "log-streams", id, "logs"]) => Self::Logs(id),
            _ => return None,
        };
        Some(route)
    }

    /// Returns what a script calls it.
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
            Self::Workflow(..) => Endpoint::Workflow,
            Self::Cancel(..) => Endpoint::Cancel,
            Self::Logs(..) => Endpoint::Logs,
        }
    }
}
