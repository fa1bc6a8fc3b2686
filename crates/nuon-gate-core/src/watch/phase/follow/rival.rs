//! A newer deploy of the component: whether it supersedes the one that is followed.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Follow, Newest, ShownBy};
use crate::model::{Deploy, Status, StepState};
use crate::watch::phase::Policy;
use crate::watch::settings::OnSuperseded;
use crate::{DeployId, WorkflowId};

impl Follow {
    /// Returns the newest row if it supersedes: it is newer, and does not replace the one that is followed. A row without a
    /// time is not older than any other.
    pub(super) fn rival(&self) -> Option<&Arc<Deploy>> {
        let (Newest::Row(newest), Some(_)) = (&self.reads.newest, &self.known) else { return None };
        let workflow = self.read_rows.workflow_of(newest);
        let replaces = workflow.is_some() && workflow == self.own_workflow();
        let was_followed = newest.id.as_ref().is_some_and(|id| *id == self.id || self.replaced.contains(id));
        let order = newest.created_at.zip(self.created).map(|(newest, own)| newest.cmp(&own));
        let supersedes = match order {
            Some(Ordering::Less) => false,
            // It was left for a row without a time, so it may turn out to be newer after all.
            Some(Ordering::Greater) => !replaces && newest.id.as_ref() != Some(&self.id),
            Some(Ordering::Equal) => !replaces && !was_followed,
            None => !replaces && !was_followed && !self.read_rows.is_older(newest),
        };
        supersedes.then_some(newest)
    }

    /// Returns whether the deploy is in `error` and every try of it was replaced. On some servers a human's retry leaves the
    /// row as it is (`docs/nuon-api.md`, "Retries").
    pub(super) fn was_tried_again(&self, row: &Deploy, policy: &Policy<'_>) -> bool {
        let mut tries = self.reads.workflow.iter().flat_map(|own| own.steps_of(&self.id)).peekable();
        let is_error = *row.current_status() == Status::Error && !policy.is_by_rule(row);
        is_error && tries.peek().is_some() && tries.all(|step| step.state() == StepState::Replaced)
    }

    /// Returns whether the component's list shows a newer row of the same workflow.
    pub(super) fn has_another_row(&self) -> bool {
        let is_next = |other: &Deploy| {
            let is_newer = other.created_at.zip(self.created).is_some_and(|(its, own)| its > own);
            let workflow = self.read_rows.workflow_of(other);
            is_newer && workflow.is_some() && workflow == self.own_workflow() && self.read_rows.is_deploy(other)
        };
        self.reads.rows.iter().flat_map(|rows| rows.iter()).any(is_next)
    }

    pub(super) fn is_rival(&self, id: &DeployId) -> bool {
        self.rival().is_some_and(|row| row.id.as_ref() == Some(id))
    }

    /// Returns whether a workflow is that of the newest row. Another row may have become the newest since the request.
    pub(super) fn is_of_rival(&self, workflow: &WorkflowId) -> bool {
        self.rival().is_some_and(|row| self.read_rows.workflow_of(row) == Some(workflow))
    }

    /// Records that the newest row deploys something, as far as can be known.
    pub(super) fn note_rival_deploys(&mut self) {
        self.reads.rival_deploys = self.rival().and_then(|row| row.id.clone());
    }

    pub(super) fn on_superseded(&self, policy: &Policy<'_>) -> OnSuperseded {
        policy.settings.on_superseded.unwrap_or(match self.is_pinned {
            true => OnSuperseded::Ignore,
            false => OnSuperseded::Follow,
        })
    }

    /// Returns the newest row if it certainly supersedes the followed deploy. If that has no creation time, not even in its
    /// detail, a list without it may just be out of date.
    pub(super) fn superseding(&self) -> Option<&Arc<Deploy>> {
        if self.created.is_none() && (self.newest_by == ShownBy::default() || !self.identified) {
            return None;
        }
        let is_newer = |row: &&Arc<Deploy>| row.created_at.is_some() || self.reads.rival_detailed == row.id;
        let deploys =
            |row: &&Arc<Deploy>| self.read_rows.workflow_of(row).is_none() || self.reads.rival_deploys == row.id;
        self.rival().filter(is_newer).filter(deploys)
    }

    /// Records that the newer row deploys nothing, or that its workflow does not exist, and takes the newest of the others.
    pub(super) fn pass_over_rival(&mut self, lost: Option<&WorkflowId>) {
        if let Some(rival) = self.rival().and_then(|row| row.id.clone()) {
            match lost {
                Some(workflow) => self.read_rows.note_lost(rival, workflow.clone()),
                None => self.read_rows.note_idle(rival),
            }
            let rows = self.reads.rows.clone();
            self.reads.newest = rows.map_or(Newest::Hidden, |rows| self.newest_among(&rows));
        }
    }
}
