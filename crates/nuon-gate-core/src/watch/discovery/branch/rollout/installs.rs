//! Which installs a run has, and which run is followed at each: this one, or a later one that took the install.

use std::collections::{BTreeSet, HashMap};

use super::{Placed, Rollout, group_name};
use crate::api::Request;
use crate::model::{GroupInstall, GroupRun, RunStatus};
use crate::watch::discovery::branch::decide::{InstallSight, InstallState};
use crate::watch::settings::OnSuperseded;
use crate::watch::takeovers::Takeover;
use crate::{InstallId, RunId};

/// The longest chain of runs that took an install from each other.
const MOST_SUCCESSORS: usize = 20;

impl Rollout {
    /// Returns the groups of a run, or what has to be read of them.
    fn groups(&mut self, run: &RunId) -> Result<Vec<GroupRun>, Request> {
        let groups = self.poll.groups.entry(run.clone()).or_default();
        match groups.page() {
            Some(page) => Err(Request::GroupRuns(self.place.clone(), run.clone(), page)),
            None => Ok(groups.rows().to_vec()),
        }
    }

    /// Returns the installs of the run, each with what the run says of it that is followed there.
    pub(super) fn placed(&mut self) -> Result<Vec<Placed>, Request> {
        let mut placed = Vec::new();
        for group in self.groups(&self.run.id.clone())? {
            for row in group.rows() {
                let Some(install) = row.install_id.clone() else { continue };
                if let Some(by) = row.superseded_by_run_id.clone() {
                    self.taken_by.insert(install.clone(), by);
                }
                let superseded_by = self.taken_by.get(&install).cloned();
                let (followed, row) = match (&superseded_by, self.rules.on_superseded) {
                    (Some(by), OnSuperseded::Follow) => self.successor(&install, by.clone())?,
                    _ => (None, row.clone()),
                };
                placed.push(Placed { install, group: group_name(&group), row, superseded_by, followed });
            }
        }
        Ok(placed)
    }

    /// Returns the request for a later run on which it depends whether an install is still to be deployed to, if this one says that
    /// it succeeded.
    pub(super) fn unread_later(&self) -> Option<Request> {
        let has_nothing = |(_, sight): &(_, &InstallSight)| matches!(sight.state, InstallState::Nothing);
        let installs = self.poll.installs.iter().flatten().zip(&self.poll.sights).filter(has_nothing);
        let mut later = installs.filter_map(|(placed, _)| placed.followed.as_ref());
        let unread = later.find(|run| self.run.status == RunStatus::Success && !self.poll.later.contains_key(*run))?;
        Some(Request::Run(self.place.clone(), unread.clone()))
    }

    /// Returns whether the later run that is followed at an install goes on.
    pub(super) fn is_awaited(&self, placed: &Placed) -> bool {
        placed.followed.as_ref().is_some_and(|run| self.poll.later.get(run) == Some(&true))
    }

    /// Returns the installs that a later run has taken, as this poll shows.
    pub(super) fn taken(&self) -> HashMap<InstallId, Takeover> {
        let placed = self.poll.installs.iter().flatten();
        let taken = placed.filter_map(|placed| {
            let takeover = Takeover { install: self.install_label(placed), by: placed.superseded_by.clone()? };
            Some((placed.install.clone(), takeover))
        });
        taken.collect()
    }

    /// Returns the run that took an install last, and its entry there.
    fn successor(&mut self, install: &InstallId, first: RunId) -> Result<(Option<RunId>, GroupInstall), Request> {
        let (mut run, mut seen) = (first, BTreeSet::new());
        loop {
            let groups = self.groups(&run)?;
            let mut rows = groups.iter().flat_map(GroupRun::rows);
            // It has not reached this install yet.
            let row = rows.rfind(|row| row.install_id.as_ref() == Some(install)).cloned().unwrap_or_default();
            let goes_on = |next: &RunId| *next != run && seen.len() < MOST_SUCCESSORS && seen.insert(next.clone());
            match row.superseded_by_run_id.clone().filter(goes_on) {
                Some(next) => run = next,
                None => return Ok((Some(run), row)),
            }
        }
    }
}
