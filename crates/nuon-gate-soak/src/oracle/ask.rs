//! What a request reads, by its path alone.

/// What a path addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// The newest deploy of a component in an install.
    Latest(String, String),
    /// The deploys of a component in an install.
    List(String, String),
    /// All deploys of an install.
    InstallList(String),
    /// One deploy by its id, and the component if the path names it.
    Detail(String, Option<String>, String),
    /// An install, or its components by name.
    Install(String),
    /// A component of an install, with the server's word for its health.
    Component(String, String),
    /// What is observed of the components of an install, and the install component that the query names.
    Observed(String, String),
    /// A workflow.
    Flow(String),
    /// The steps of a workflow.
    Steps(String),
    /// The workflows of the org.
    Flows,
    /// A long poll. Its answer triggers a poll, and is not a fact itself.
    Sign,
    /// A part of a log, or a long poll for the next part (contract: it decides nothing).
    Log,
    /// Anything else: names, approvals.
    Other,
}

impl Ask {
    /// Parses a path, with or without its query.
    pub(super) fn of(path: &str) -> Self {
        let (bare, query) = path.split_once(['?', '#']).unwrap_or((path, ""));
        let all: Vec<&str> = bare.split('/').filter(|part| !part.is_empty()).collect();
        let parts = all.strip_prefix(&["v1"]).unwrap_or(&all);
        let own = |text: &&str| (*text).to_owned();
        match parts {
            ["installs", i, "components", "deploys"] => Self::InstallList(own(i)),
            ["installs", i, "components", c, "deploys", "latest"] => Self::Latest(own(i), own(c)),
            ["installs", i, "components", c, "deploys"] => Self::List(own(i), own(c)),
            ["installs", i, "components", c, "deploys", d] => Self::Detail(own(i), Some(own(c)), own(d)),
            ["installs", _, "deploys", "latest"] => Self::Other,
            ["installs", i, "deploys", d] => Self::Detail(own(i), None, own(d)),
            ["installs", i, "components", c] => Self::Component(own(i), own(c)),
            ["installs", i, "resources"] => Self::Observed(own(i), part(query)),
            ["installs", i] | ["installs", i, "components"] => Self::Install(own(i)),
            ["workflows"] => Self::Flows,
            ["workflows", "pending-approvals"] => Self::Other,
            ["workflows", w] => Self::Flow(own(w)),
            ["workflows", w, "steps"] => Self::Steps(own(w)),
            ["workflows", _, "steps", _, "await"] => Self::Sign,
            ["log-streams", _, "logs"] | ["log-streams", _, "logs", "tail"] => Self::Log,
            _ => Self::Other,
        }
    }

    /// Returns whether the request is independent of the polls, so that its answers mean nothing to them.
    pub(super) fn is_beside(&self) -> bool {
        matches!(self, Self::Sign | Self::Log)
    }

    /// Returns whether a verdict can depend on the answer: a row, or a workflow.
    pub(super) fn decides(&self) -> bool {
        matches!(
            self,
            Self::Latest(..)
                | Self::List(..)
                | Self::InstallList(_)
                | Self::Detail(..)
                | Self::Flow(_)
                | Self::Steps(_)
                | Self::Flows
        )
    }
}

/// Returns the install component that a query names; empty if it names none.
fn part(query: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| *name == "install_component_id").map(|(_, id)| id.to_owned()).next().unwrap_or_default()
}
