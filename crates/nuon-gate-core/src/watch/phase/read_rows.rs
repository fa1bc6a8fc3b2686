//! What was read of rows, whatever a later answer leaves out of them.

use std::collections::{HashMap, HashSet};

use crate::model::Deploy;
use crate::pins::{Baseline, Pins};
use crate::{DeployId, WorkflowId};

/// What was read of rows before.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadRows {
    /// They deploy nothing, as their workflows say.
    idle: HashSet<DeployId>,
    /// They are older than what is followed, or are what that has to be newer than. One that is shown without its time later
    /// has not become newer.
    older: HashSet<DeployId>,
    /// The workflows that they named. One that names none later has not lost it.
    workflows: HashMap<DeployId, WorkflowId>,
}

impl ReadRows {
    /// What the pins say of a row.
    pub(super) fn by(pins: &Pins) -> Self {
        let baseline = match &pins.after {
            Some(Baseline::Deploy(id) | Baseline::Known(id, _) | Baseline::Seen { deploy: id, .. }) => Some(id.clone()),
            Some(Baseline::NoneAt(_)) | None => None,
        };
        Self { older: baseline.into_iter().collect(), ..Self::default() }
    }

    /// What still counts when something else is searched for: not what is older than what was followed.
    pub(super) fn searching_on(self, pins: &Pins) -> Self {
        Self { idle: self.idle, workflows: self.workflows, ..Self::by(pins) }
    }

    /// Returns whether a row is a deploy, and not one that was found to be none.
    pub(super) fn is_deploy(&self, row: &Deploy) -> bool {
        row.kind().is_some() && row.id.as_ref().is_some_and(|id| !self.idle.contains(id))
    }

    /// Returns whether a row is known to be older.
    pub(super) fn is_older(&self, row: &Deploy) -> bool {
        row.id.as_ref().is_some_and(|id| self.older.contains(id))
    }

    /// Returns the workflow that a row names, or named before.
    pub(super) fn workflow_of<'a>(&'a self, row: &'a Deploy) -> Option<&'a WorkflowId> {
        row.workflow().or_else(|| self.workflows.get(row.id.as_ref()?))
    }

    pub(super) fn note_idle(&mut self, id: DeployId) {
        self.idle.insert(id);
    }

    pub(super) fn note_older(&mut self, row: &Deploy) {
        self.older.extend(row.id.clone());
    }

    pub(super) fn note_workflows<'a>(&mut self, rows: impl IntoIterator<Item = &'a Deploy>) {
        for (id, workflow) in rows.into_iter().filter_map(|row| row.id.as_ref().zip(row.workflow())) {
            if !self.workflows.contains_key(id) {
                self.workflows.insert(id.clone(), workflow.clone());
            }
        }
    }
}
