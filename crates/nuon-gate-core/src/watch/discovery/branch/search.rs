//! Which run of a branch is meant: the one that was named, or the newest.

use std::sync::Arc;

use crate::api::{ApiError, Request, Runs};
use crate::model::{BranchRun, RunRow};
use crate::paging::Paged;
use crate::resolve::{Named, UnknownName, unknown};
use crate::{BranchPlace, RemoteText, RunId, WorkflowId};

/// A run that is not found in this many polls in a row does not exist. A single miss may be a lagging replica.
const MISSES: u32 = 3;

/// The search for a run, from poll to poll.
#[derive(Debug)]
pub(super) struct RunSearch {
    place: BranchPlace,
    wanted: Option<RunId>,
    /// Servers that cannot find a run by its id have it in their list.
    by_list: bool,
    listed: Paged<WorkflowId, RunRow>,
    /// It has been read by its id.
    direct: Option<Arc<BranchRun>>,
    /// The number of polls in a row without such a run.
    misses: u32,
    /// A run that had ended before: a newer one is waited for.
    baseline: Option<Arc<BranchRun>>,
    /// Whether this is not the first poll.
    polled: bool,
}

/// What a search needs, or its outcome.
pub(super) enum SearchNext {
    Read(Request),
    /// This one. `at_once`: it was there in the first poll.
    Found {
        run: Arc<BranchRun>,
        at_once: bool,
    },
    /// There is none yet.
    NotYet,
    Unknown(UnknownName),
}

impl RunSearch {
    pub(super) fn new(place: BranchPlace, wanted: Option<RunId>) -> Self {
        Self {
            place,
            wanted,
            by_list: false,
            listed: Paged::default(),
            direct: None,
            misses: 0,
            baseline: None,
            polled: false,
        }
    }

    pub(super) fn place(&self) -> &BranchPlace {
        &self.place
    }

    /// Returns whether a run was named.
    pub(super) fn is_pinned(&self) -> bool {
        self.wanted.is_some()
    }

    /// Begins a poll.
    pub(super) fn begin(&mut self) {
        self.listed = Paged::default();
    }

    /// Waits for one that is newer than this, which had ended before.
    pub(super) fn wait_for_newer(&mut self, run: Arc<BranchRun>) {
        self.baseline = Some(run);
    }

    /// Returns the next request, or the outcome. `once`: there is no other poll.
    pub(super) fn next(&mut self, once: bool) -> Result<SearchNext, ApiError> {
        if let Some(run) = self.direct.clone() {
            return Ok(SearchNext::Found { run, at_once: true });
        }
        let which = match &self.wanted {
            Some(run) if !self.by_list => return Ok(SearchNext::Read(Request::Run(self.place.clone(), run.clone()))),
            Some(_) => Runs::All,
            None => Runs::Deploying,
        };
        let listed = self.find()?;
        if let (None, Some(page)) = (&listed, self.listed.page()) {
            return Ok(SearchNext::Read(Request::Runs(self.place.clone(), which, page)));
        }
        let found = listed.filter(|run| self.baseline.as_ref().is_none_or(|before| is_newer(run, before)));
        let at_once = !std::mem::replace(&mut self.polled, true);
        if let Some(run) = found {
            return Ok(SearchNext::Found { run, at_once });
        }
        self.misses += 1;
        match &self.wanted {
            Some(wanted) if once || self.misses >= MISSES => {
                let runs = self.listed.rows().iter().filter_map(|row| row.run.as_ref());
                let ids: Vec<RemoteText> = runs.map(|run| RemoteText::new(run.id.as_str())).collect();
                let branch = RemoteText::new(self.place.branch.as_str());
                Ok(SearchNext::Unknown(unknown(Named::Run, wanted.as_str(), Some(branch), &ids)))
            }
            Some(_) => {
                // The next poll begins with the run itself.
                self.by_list = false;
                Ok(SearchNext::NotYet)
            }
            None => Ok(SearchNext::NotYet),
        }
    }

    /// Finds the run among those that have been listed.
    fn find(&self) -> Result<Option<Arc<BranchRun>>, ApiError> {
        let rows = self.listed.rows();
        if let Some(wanted) = &self.wanted {
            return Ok(rows.iter().filter_map(|row| row.run.clone()).find(|run| is_it(run, wanted)));
        }
        // A newer one that cannot be identified must not let an older one pass.
        let unclear = rows.iter().position(|row| row.run.is_none());
        let runs = rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.run.as_ref()?)));
        // The list is newest first, unless the times say otherwise.
        let newest = runs.filter(|(_, run)| !run.is_plan_only).reduce(|newest, other| {
            let is_newer = other.1.created_at.zip(newest.1.created_at).is_some_and(|(other, newest)| other > newest);
            if is_newer { other } else { newest }
        });
        match (newest, unclear) {
            (Some((newest, _)), Some(unclear)) if unclear < newest => Err(nameless()),
            (None, Some(_)) => Err(nameless()),
            (newest, _) => Ok(newest.map(|(_, run)| run.clone())),
        }
    }

    /// Accepts a page of the list.
    pub(super) fn accept_listed(&mut self, page: u32, found: crate::api::Page<RunRow>) -> Result<(), ApiError> {
        self.listed.accept(page, found, "runs", |row| row.workflow.as_ref())
    }

    /// Accepts the run that was named.
    pub(super) fn accept_run(&mut self, run: Arc<BranchRun>) {
        self.direct = Some(run);
    }

    /// Records that the run was not found by its id.
    pub(super) fn on_missing(&mut self) {
        self.by_list = true;
    }
}

/// Returns whether a run has this id, or its workflow has.
pub(super) fn is_it(run: &BranchRun, wanted: &RunId) -> bool {
    run.id == *wanted || run.workflow_id.as_str() == wanted.as_str()
}

fn is_newer(run: &BranchRun, before: &BranchRun) -> bool {
    run.id != before.id && run.created_at.zip(before.created_at).is_none_or(|(own, before)| own > before)
}

fn nameless() -> ApiError {
    ApiError::Undecodable("a workflow of the branch does not say which run it carries out".to_owned())
}
