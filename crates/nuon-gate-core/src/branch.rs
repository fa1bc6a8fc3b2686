//! Branches of apps, and their runs: how Nuon releases to groups of installs.

use std::fmt;
use std::str::FromStr;

use crate::{AppId, BranchId, InvalidId, Line, RunId, WorkflowId};

/// A branch of an app, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BranchPlace {
    /// The app.
    pub app: AppId,
    /// Its branch.
    pub branch: BranchId,
}

/// The state of a branch's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// The branch.
    pub place: BranchPlace,
    /// The run.
    pub run: RunId,
    /// Its own workflow.
    pub workflow: WorkflowId,
    /// Its status.
    pub status: Line,
    /// The commit that it releases.
    pub commit: Option<Line>,
    /// Whether a human is asked before it goes on.
    pub awaits_approval: bool,
    /// Its groups of installs that have started so far, in order.
    pub groups: Vec<GroupReport>,
    /// The installs that wait behind another run.
    pub waiting: Vec<WaitingInstall>,
}

/// The state of a group of installs in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    /// Its name.
    pub name: Line,
    /// Its status.
    pub status: Line,
    /// How many installs it has.
    pub total: usize,
    /// How many of them are done.
    pub done: usize,
    /// How many of them have failed.
    pub failed: usize,
}

/// An install that waits behind another run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingInstall {
    /// Its group.
    pub group: Line,
    /// The install.
    pub install: Line,
    /// The run that it waits for.
    pub behind: RunId,
    /// Why, in the server's word.
    pub why: Option<Line>,
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, status, total, done, failed } = self;
        write!(f, "group {} is `{}` ({done} of {total}", name.plain(), status.cut(60).plain())?;
        if *failed > 0 { write!(f, ", {failed} failed)") } else { f.write_str(")") }
    }
}

impl fmt::Display for WaitingInstall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = self.why.as_ref().map(|why| format!(" ({})", why.plain())).unwrap_or_default();
        write!(f, "install {} waits behind run {}{why}", self.install.plain(), self.behind)
    }
}

/// A branch's run, or its newest one, as it is typed: ids or names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchRef {
    app: String,
    /// The branch, or the branch and the run: a branch's name may contain slashes.
    rest: String,
}

/// Why a text does not name a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBranchRef {
    /// A part is missing, or empty.
    #[error("a run is written APP/BRANCH/RUN, and a branch's newest APP/BRANCH")]
    Form,
    /// A part can be neither a name nor an id.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

impl FromStr for BranchRef {
    type Err = InvalidBranchRef;

    fn from_str(text: &str) -> Result<Self, InvalidBranchRef> {
        let (app, rest) = text.trim().split_once('/').ok_or(InvalidBranchRef::Form)?;
        for part in [app].into_iter().chain(rest.split('/')) {
            if part.trim().is_empty() {
                return Err(InvalidBranchRef::Form);
            }
            part.parse::<RunId>()?;
        }
        Ok(Self { app: app.trim().to_owned(), rest: rest.trim().to_owned() })
    }
}

impl BranchRef {
    /// Returns the app.
    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    /// Returns the possible meanings, the likeliest first: the branch, and its run if one is named.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&str, Option<RunId>)> {
        let whole = (self.rest.as_str(), None);
        let with_run = self.rest.rsplit_once('/').and_then(|(branch, run)| Some((branch, Some(run.parse().ok()?))));
        [Some(whole), with_run].into_iter().flatten()
    }

    /// Returns its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        [self.app.as_str()].into_iter().chain(self.rest.split('/'))
    }
}

impl fmt::Display for BranchRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", crate::redact::redacted(&self.app), crate::redact::redacted(&self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_app_branch_and_id() {
        let readings = |text: &str| -> Result<Vec<(String, Option<String>)>, InvalidBranchRef> {
            let parsed: BranchRef = text.parse()?;
            Ok(parsed.readings().map(|(branch, run)| (branch.to_owned(), run.map(|run| run.to_string()))).collect())
        };
        let named = |branch: &str, run: Option<&str>| (branch.to_owned(), run.map(str::to_owned));
        assert_eq!(readings("shop/main"), Ok(vec![named("main", None)]));
        assert_eq!(readings(" shop/main/abr1 "), Ok(vec![named("main/abr1", None), named("main", Some("abr1"))]));
        assert_eq!(readings("shop/a/b/c"), Ok(vec![named("a/b/c", None), named("a/b", Some("c"))]));
        for wrong in ["", "shop", "shop/", "/main", "shop/main/", "shop//abr1", "shop/ /abr1"] {
            assert_eq!(readings(wrong), Err(InvalidBranchRef::Form), "{wrong}");
        }
        assert!(matches!(readings("shop/../abr1"), Err(InvalidBranchRef::Id(_))));
    }
}
