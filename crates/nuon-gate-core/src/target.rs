//! What is waited for.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::{ComponentId, InstallId, Line, RemoteText};

/// Longest name that is shown, in characters.
const LONGEST_NAME: usize = 100;

/// Returns a name as it is shown, unless it is blank.
pub(crate) fn shown_name(name: &RemoteText) -> Option<Line> {
    Some(name.line(LONGEST_NAME)).filter(|name| !name.is_empty())
}

/// One component in one install.
#[derive(Debug, Clone)]
pub struct Target {
    /// The customer's install.
    pub install: InstallId,
    /// The component.
    pub component: ComponentId,
    install_name: Option<Line>,
    component_name: Option<Line>,
    group: Option<Line>,
}

impl Target {
    /// Creates a target from its ids.
    pub fn new(install: InstallId, component: ComponentId) -> Self {
        Self { install, component, install_name: None, component_name: None, group: None }
    }

    /// Adds the names of the install and the component, as far as they are known.
    #[must_use]
    pub fn named(self, install: Option<&RemoteText>, component: Option<&RemoteText>) -> Self {
        let mut target = Self { install_name: None, component_name: None, ..self };
        target.add_names(install, component);
        target
    }

    /// Adds the names that are not known yet.
    pub(crate) fn add_names(&mut self, install: Option<&RemoteText>, component: Option<&RemoteText>) {
        self.install_name = self.install_name.take().or_else(|| install.and_then(shown_name));
        self.component_name = self.component_name.take().or_else(|| component.and_then(shown_name));
    }

    /// Adds the group of installs in a branch's run that it belongs to.
    #[must_use]
    pub fn in_group(self, group: Option<Line>) -> Self {
        Self { group, ..self }
    }

    /// Returns the group of installs in a branch's run that it belongs to.
    pub fn group(&self) -> Option<&Line> {
        self.group.as_ref()
    }

    /// Returns the install's name, if it is known.
    pub fn install_name(&self) -> Option<&Line> {
        self.install_name.as_ref()
    }

    /// Returns the component's name, if it is known.
    pub fn component_name(&self) -> Option<&Line> {
        self.component_name.as_ref()
    }

    /// Returns the install's name, or its id as long as the name is not known.
    pub fn install_label(&self) -> &str {
        self.install_name().map_or(self.install.as_str(), Line::plain)
    }

    /// Returns the component's name, or its id as long as the name is not known.
    pub fn component_label(&self) -> &str {
        self.component_name().map_or(self.component.as_str(), Line::plain)
    }

    fn ids(&self) -> (&InstallId, &ComponentId) {
        (&self.install, &self.component)
    }
}

/// Two targets are the same if their ids are.
impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.ids() == other.ids()
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ids().hash(state);
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.install_label(), self.component_label())
    }
}

/// Targets: at least one, each once. Without targets, a wait would pass at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Takes targets in their order, without repetitions; `None` if there are none.
    pub fn new(targets: impl IntoIterator<Item = Target>) -> Option<Self> {
        let mut seen = std::collections::HashSet::new();
        let unique: Vec<Target> = targets.into_iter().filter(|target| seen.insert(target.clone())).collect();
        (!unique.is_empty()).then_some(Self(unique))
    }

    /// Takes one target.
    pub fn one(target: Target) -> Self {
        Self(vec![target])
    }

    /// Returns the targets, which are never none.
    pub fn as_slice(&self) -> &[Target] {
        &self.0
    }
}

/// Why a deploy matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// Its id.
    Deploy,
    /// The run of a branch.
    BranchRun,
    /// Its workflow.
    Workflow,
    /// Its build.
    Build,
    /// Its commit.
    Commit,
    /// That it is newer than a baseline.
    After,
    /// When it was created.
    Since,
    /// It is the newest.
    Latest,
}

impl MatchedBy {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::BranchRun => "branch_run",
            Self::Workflow => "workflow",
            Self::Build => "build",
            Self::Commit => "commit",
            Self::After => "after",
            Self::Since => "since",
            Self::Latest => "latest",
        }
    }

    /// Returns a sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Deploy => "the one that was asked for",
            Self::BranchRun => "the run's for this install",
            Self::Workflow => "the newest of the workflow that was asked for",
            Self::Build => "the newest with the build that was asked for",
            Self::Commit => "the newest with the commit that was asked for",
            Self::After => "the newest after the baseline",
            Self::Since => "the newest since the time that was asked for",
            Self::Latest => "the component's newest, as no pin was given",
        }
    }
}

/// How many of the targets have to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Require {
    /// Every one.
    All,
    /// One.
    Any,
    /// This many.
    AtLeast(std::num::NonZeroUsize),
}

impl Require {
    /// Returns how many of this many targets have to pass.
    pub fn count(self, targets: usize) -> usize {
        match self {
            Self::All => targets,
            Self::Any => 1,
            Self::AtLeast(count) => count.get(),
        }
    }
}
