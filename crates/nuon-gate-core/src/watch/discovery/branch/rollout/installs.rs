//! Which installs a run has, and which run is followed at each: this one, or a later one that took the install.

use std::collections::{BTreeSet, HashMap};

use super::{Placed, Rollout, group_name};
use crate::api::Request;
use crate::model::{GroupInstall, GroupRun};
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
                let superseded_by = row.superseded_by_run_id.clone();
                let row = match (&superseded_by, self.rules.on_superseded) {
                    (Some(by), OnSuperseded::Follow) => self.successor(&install, by.clone())?,
                    _ => row.clone(),
                };
                placed.push(Placed { install, group: group_name(&group), row, superseded_by });
            }
        }
        Ok(placed)
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

    /// Returns the entry of the run that took an install last.
    fn successor(&mut self, install: &InstallId, first: RunId) -> Result<GroupInstall, Request> {
        let (mut run, mut seen) = (first, BTreeSet::new());
        loop {
            let groups = self.groups(&run)?;
            let mut rows = groups.iter().flat_map(GroupRun::rows);
            // It has not reached this install yet.
            let row = rows.rfind(|row| row.install_id.as_ref() == Some(install)).cloned().unwrap_or_default();
            let goes_on = |next: &RunId| *next != run && seen.len() < MOST_SUCCESSORS && seen.insert(next.clone());
            match row.superseded_by_run_id.clone().filter(goes_on) {
                Some(next) => run = next,
                None => return Ok(row),
            }
        }
    }
}
