//! Rows that are not what is waited for, whatever a later answer leaves out of them.

use std::collections::HashSet;

use crate::DeployId;
use crate::model::Deploy;
use crate::pins::{Baseline, Pins};

/// Rows that were read before and are not what is waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct PassedOver {
    /// They deploy nothing, as their workflows say.
    idle: HashSet<DeployId>,
    /// They are older than what is followed, or are what that has to be newer than. One that is shown without its time later
    /// has not become newer.
    older: HashSet<DeployId>,
}

impl PassedOver {
    /// What the pins pass over.
    pub(super) fn by(pins: &Pins) -> Self {
        let baseline = match &pins.after {
            Some(Baseline::Deploy(id) | Baseline::Known(id, _) | Baseline::Seen { deploy: id, .. }) => Some(id.clone()),
            Some(Baseline::NoneAt(_)) | None => None,
        };
        Self { idle: HashSet::new(), older: baseline.into_iter().collect() }
    }

    /// What is still passed over when something else is searched for: not what is older than what was followed.
    pub(super) fn searching_on(self, pins: &Pins) -> Self {
        Self { idle: self.idle, ..Self::by(pins) }
    }

    /// Tells whether a row is a deploy, and not one that was found to be none.
    pub(super) fn is_deploy(&self, row: &Deploy) -> bool {
        row.kind().is_some() && row.id.as_ref().is_some_and(|id| !self.idle.contains(id))
    }

    /// Tells whether a row is known to be older.
    pub(super) fn is_older(&self, row: &Deploy) -> bool {
        row.id.as_ref().is_some_and(|id| self.older.contains(id))
    }

    pub(super) fn note_idle(&mut self, id: DeployId) {
        self.idle.insert(id);
    }

    pub(super) fn note_older(&mut self, row: &Deploy) {
        self.older.extend(row.id.clone());
    }
}
