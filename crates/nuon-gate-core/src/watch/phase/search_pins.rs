//! What is searched for, which outlasts what is found.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Move, Policy, ReadRows};
use crate::DeployId;
use crate::model::Deploy;
use crate::pins::{Baseline, Pins};
use crate::watch::settings::OnSuperseded;

/// What is searched for.
#[derive(Debug, Clone)]
pub(super) struct SearchPins {
    pins: Pins,
    /// The pins are not the user's: what is waited for is what is newer than a deploy that had ended.
    is_implicit: bool,
    /// Nothing was searched for: the deploy's id was known.
    is_named: bool,
}

impl SearchPins {
    pub(super) fn by(pins: Pins) -> Self {
        Self { pins, is_implicit: false, is_named: false }
    }

    /// What a deploy has to match whose id is known.
    pub(super) fn of_named(pins: Pins) -> Self {
        Self { is_named: true, ..Self::by(pins) }
    }

    /// What is newer than a deploy that had ended.
    pub(super) fn newer_than(id: DeployId, created: Timestamp) -> Self {
        let pins = Pins { after: Some(Baseline::Known(id, created)), ..Pins::default() };
        Self { is_implicit: true, ..Self::by(pins) }
    }

    pub(super) fn pins(&self) -> &Pins {
        &self.pins
    }

    pub(super) fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    pub(super) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Records when the baseline was created.
    pub(super) fn note_baseline(&mut self, baseline: Baseline) {
        self.pins.after = Some(baseline);
    }

    /// Returns whether the user has pinned anything.
    pub(super) fn is_pinned(&self) -> bool {
        !self.is_implicit && self.pins.is_pinned()
    }

    /// Returns what to do about a newer deploy that replaces nothing.
    pub(super) fn on_superseded(&self, policy: &Policy<'_>) -> OnSuperseded {
        policy.settings.on_superseded.unwrap_or(match self.is_pinned() {
            true => OnSuperseded::Ignore,
            false => OnSuperseded::Follow,
        })
    }

    /// Goes on without a deploy that had ended before the wait began.
    pub(super) fn without_past(
        self,
        (id, row): (DeployId, &Deploy),
        mut read_rows: ReadRows,
        newest: Option<Arc<Deploy>>,
        policy: &Policy<'_>,
    ) -> Move {
        if self.is_pinned() {
            read_rows.leave_out(id);
            return Move::SearchOn { search_pins: self, read_rows, newest, at_once: false };
        }
        let created = row.created_at.unwrap_or(policy.server_started_at);
        Move::SearchNewer { than: id, created }
    }
}
