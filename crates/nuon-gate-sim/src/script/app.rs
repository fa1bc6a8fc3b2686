//! Apps, their branches, and the runs that release a branch to groups of installs.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// An app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its id.
    pub id: String,
    /// Its name; its id if left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Its branches.
    #[serde(default, rename = "branch")]
    pub branches: Vec<Branch>,
}

/// A branch of an app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its runs, oldest first.
    #[serde(default, rename = "run")]
    pub runs: Vec<Run>,
}

/// A run of a branch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The id of its own workflow, which follows from its groups unless it is fully scripted.
    pub workflow: String,
    /// The commit that it releases.
    #[serde(default)]
    pub commit: Option<String>,
    /// Whether it plans only.
    #[serde(default)]
    pub plan_only: bool,
    /// It exists from the start, or appears this long after the first request.
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// Where it stands, one after the other; the last one stays.
    pub states: Vec<RunState>,
}

/// A state of a run. It lasts as a [`Stay`](super::Stay) does, counting answers about the run itself and about its
/// groups.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunState {
    /// `pending`, `running`, `success`, `failed`, `cancelled`; follows from its groups if left out.
    pub status: Option<String>,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub polls: Option<u32>,
    /// Whether it waits for a human.
    pub awaiting_approval: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// The groups of installs, in the order in which they are released.
    pub groups: Vec<InstallGroup>,
}

/// A group of installs in a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstallGroup {
    /// Its name.
    pub name: String,
    /// `pending`, `in-progress`, `success`, `error`, …; follows from its installs if left out.
    pub status: Option<String>,
    /// Its installs.
    pub installs: Vec<GroupInstall>,
}

/// An install in a group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupInstall {
    /// The install's id.
    pub install: String,
    /// The workflow that deploys to it.
    pub workflow: Option<String>,
    /// `pending`, `running`, `success`, `failed`, `cancelled`; follows from its workflow if left out. Its workflow's id
    /// shows as soon as the workflow exists.
    pub status: Option<String>,
    /// `deploy` or `runbook`.
    pub phase: Option<String>,
    /// The run that it waits for.
    pub waiting_on: Option<String>,
    /// The later run that took its place.
    pub superseded_by: Option<String>,
    /// Why the group no longer waits for it.
    pub release_reason: Option<String>,
}
