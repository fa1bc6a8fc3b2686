//! A deploy at the moment of an answer.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::script::{Component, Deploy, Health, Outcome, Stay};

/// A deploy's place in the script: its component's position, and its own position in that component.
pub(crate) type Place = (usize, usize);

/// A deploy's row.
pub(crate) struct Row<'a> {
    pub(crate) component: &'a Component,
    pub(crate) deploy: &'a Deploy,
    /// Each status up to the current one, and when it was entered.
    pub(crate) stays: Vec<(&'a Stay, Timestamp)>,
    /// Those that come from the deploy itself rather than from a health gate.
    pub(crate) own: Vec<&'a Stay>,
}

impl<'a> Row<'a> {
    /// Returns the current status, and when it was entered.
    pub(crate) fn current(&self) -> (&'a Stay, Timestamp) {
        self.stays[self.stays.len() - 1]
    }

    /// Returns the deploy's own status, without what health gates have written.
    pub(crate) fn own(&self) -> &'a Stay {
        self.own[self.own.len() - 1]
    }
}

/// A deploy's health gate.
pub(crate) struct Gate<'a> {
    pub(crate) health: &'a Health,
    pub(crate) component: &'a Component,
    /// The outcome of each attempt.
    pub(crate) outcomes: Vec<Outcome>,
    /// How many attempts have begun, plus one once the last one has ended.
    pub(crate) entered: usize,
}

impl Gate<'_> {
    /// Returns the outcome of an attempt, if it has ended.
    pub(crate) fn outcome(&self, at: usize) -> Option<Outcome> {
        self.outcomes.get(at).copied().filter(|_| at + 1 < self.entered)
    }

    /// Returns the outcome of the gate, if it has ended.
    pub(crate) fn end(&self) -> Option<Outcome> {
        self.outcomes.len().checked_sub(1).and_then(|last| self.outcome(last))
    }
}

/// The status of a deploy whose workflow has been cancelled.
pub(crate) fn cancelled() -> &'static Stay {
    static CANCELLED: LazyLock<Stay> = LazyLock::new(|| Stay {
        status: "cancelled".to_owned(),
        description: Some("deploy cancelled".to_owned()),
        ..Stay::default()
    });
    &CANCELLED
}
