//! The progress of a deploy, its health gate, a workflow or a run.

use std::time::Duration;

use serde_json::Value;

use crate::script::{Component, Stay};

/// The progress of a component.
#[derive(Debug, Default)]
pub(crate) struct ComponentProgress {
    pub(crate) polls: u32,
    pub(crate) deploys: Vec<DeployProgress>,
    /// The health checks that others have reported.
    pub(crate) checks: Vec<Value>,
    /// The progress through its observations since a deploy was applied, and which deploy that is.
    pub(crate) observed: Option<(usize, Progress)>,
}

impl ComponentProgress {
    pub(crate) fn new(component: &Component) -> Self {
        Self {
            polls: 0,
            deploys: component.deploys.iter().map(|_| DeployProgress::default()).collect(),
            checks: Vec::new(),
            observed: None,
        }
    }
}

/// The progress of a deploy.
#[derive(Debug, Default)]
pub(crate) struct DeployProgress {
    /// Through the statuses in the script.
    pub(crate) row: Progress,
    /// Through the attempts of its health gate.
    pub(crate) gate: Progress,
    /// How many outcomes of that gate have been written.
    pub(crate) outcomes: usize,
    /// What health gates have written to its row, its own or an earlier deploy's, and when.
    pub(crate) written: Vec<(Stay, Duration)>,
}

/// When it entered each status, and how often the current one was shown.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    entered: Vec<Duration>,
    polls: u32,
    halted: bool,
    cancelled: Option<Duration>,
}

/// How long a status lasts.
pub(crate) type Lasts = (Option<Duration>, Option<u32>);

impl Progress {
    /// Returns when each status up to the current one was entered.
    pub(crate) fn entered(&self) -> &[Duration] {
        &self.entered
    }

    /// Returns when it was cancelled.
    pub(crate) fn cancelled(&self) -> Option<Duration> {
        self.cancelled
    }

    /// Freezes it: what has not begun never begins.
    pub(crate) fn halt(&mut self) {
        self.halted = true;
    }

    /// Cancels it.
    pub(crate) fn cancel(&mut self, at: Duration) {
        self.halt();
        self.cancelled = Some(at);
    }

    /// Returns whether it can never begin.
    pub(crate) fn is_called_off(&self) -> bool {
        self.halted && self.entered.is_empty()
    }

    /// Returns when its first status was entered. If it was not, it is entered now.
    pub(crate) fn begin(&mut self, then: Duration) -> Duration {
        if self.entered.is_empty() {
            self.entered.push(then);
        }
        self.entered[0]
    }

    /// Advances to the status that an answer at `now` shows, counts that answer as this many polls, and returns the
    /// position of the status.
    pub(crate) fn advance(&mut self, lasts: &[Lasts], begins: Duration, now: Duration, polls: u32) -> usize {
        self.begin(begins);
        while let (false, [.., entered]) = (self.halted, self.entered.as_slice()) {
            let entered = *entered;
            let left_at = match lasts[self.entered.len() - 1] {
                (Some(duration), _) if now >= entered + duration => entered + duration,
                (None, polls) if self.polls >= polls.unwrap_or(1) => now,
                _ => break,
            };
            if self.entered.len() == lasts.len() {
                break;
            }
            self.entered.push(left_at);
            self.polls = 0;
        }
        self.polls += polls;
        self.entered.len() - 1
    }
}

/// The progress of cancelling a workflow.
#[derive(Debug, Default)]
pub(crate) struct Cancelling {
    pub(crate) refused: u32,
    pub(crate) stage: Stage,
}

/// A stage of cancelling a workflow.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not been accepted.
    #[default]
    Open,
    /// It was accepted, and becomes visible after this many further answers.
    Accepted { answers: u32, was_pending: bool },
    /// It is visible.
    Settled { finished: bool },
    /// It was accepted, but came too late.
    Lost,
}
