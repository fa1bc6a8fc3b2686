//! What one poll of a run has read, and what has been reported of the polls before it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::model::{GroupInstall, GroupRun, RunRow, RunStatus};
use crate::paging::Paged;
use crate::watch::discovery::branch::decide::InstallSight;
use crate::{GroupReport, GroupRunId, InstallId, Line, Moment, RunId, WaitingInstall, WorkflowId};

/// What the poll under way has read.
#[derive(Debug)]
pub(super) struct RunPoll {
    pub(super) began: Moment,
    pub(super) is_over: bool,
    pub(super) has_run: bool,
    /// The run is not found by its id, and so looked for in the list.
    pub(super) by_list: bool,
    pub(super) listed: Option<Paged<WorkflowId, RunRow>>,
    /// The groups of the run, and of those that took its place somewhere.
    pub(super) groups: BTreeMap<RunId, Paged<GroupRunId, GroupRun>>,
    /// Whether each of those goes on, where that matters.
    pub(super) later: BTreeMap<RunId, bool>,
    /// The installs of the run, in order, once all groups have been read.
    pub(super) installs: Option<Vec<Placed>>,
    /// How many of them have been read.
    pub(super) cursor: usize,
    /// The workflows that have been read, each for its install.
    pub(super) read: HashSet<(InstallId, WorkflowId)>,
    pub(super) sights: Vec<InstallSight>,
    /// A deploy that it has shown becomes a target.
    pub(super) has_joined: bool,
}

impl RunPoll {
    pub(super) fn new(began: Moment) -> Self {
        Self {
            began,
            is_over: false,
            has_run: false,
            by_list: false,
            listed: None,
            groups: BTreeMap::new(),
            later: BTreeMap::new(),
            installs: None,
            cursor: 0,
            read: HashSet::new(),
            sights: Vec::new(),
            has_joined: false,
        }
    }
}

/// An install in the run.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) install: InstallId,
    pub(super) group: Line,
    pub(super) row: GroupInstall,
    /// The later run that took this one's place, if any.
    pub(super) superseded_by: Option<RunId>,
    /// The last run that took the install, if that is followed there.
    pub(super) followed: Option<RunId>,
}

/// What has been reported already.
#[derive(Debug)]
pub(super) struct Reported {
    pub(super) run: RunStatus,
    pub(super) groups: Vec<(GroupRunId, GroupReport)>,
    /// The installs that wait by the last poll.
    pub(super) waiting: Vec<WaitingInstall>,
    pub(super) superseded: BTreeSet<(InstallId, RunId)>,
    pub(super) asks: bool,
}

impl Reported {
    /// The run itself has been reported.
    pub(super) fn new(run: RunStatus) -> Self {
        Self { run, groups: Vec::new(), waiting: Vec::new(), superseded: BTreeSet::new(), asks: false }
    }
}
