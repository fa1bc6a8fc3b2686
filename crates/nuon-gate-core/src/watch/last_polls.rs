//! The end of the watch: every target that has not ended is polled once more.

use std::time::Duration;

use crate::{Moment, Signal};

/// The time limit of the last poll after a signal: the runner that sent it kills the process a few seconds later.
pub(crate) const LAST_POLL_AFTER_SIGNAL: Duration = Duration::from_secs(1);

/// Why the last polls are being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Deadline,
    Signal(Signal),
    /// Only one poll was asked for.
    Once,
}

/// Polls that begin at `from` or later are the last; none may take longer than `until`.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastPolls {
    occasion: Occasion,
    from: Moment,
    until: Moment,
}

impl LastPolls {
    pub(super) fn once(request_timeout: Duration) -> Self {
        Self { occasion: Occasion::Once, from: Moment::START, until: Moment::START + request_timeout }
    }

    /// A late driver, or a process that was suspended, must not lose the last poll.
    pub(super) fn at_deadline(deadline: Moment, now: Moment, request_timeout: Duration) -> Self {
        Self { occasion: Occasion::Deadline, from: deadline, until: deadline.max(now) + request_timeout }
    }

    pub(super) fn by_signal(signal: Signal, now: Moment, before: Option<Self>) -> Self {
        let until = now + LAST_POLL_AFTER_SIGNAL;
        let until = before.map_or(until, |last| last.until.min(until));
        Self { occasion: Occasion::Signal(signal), from: now, until }
    }

    pub(super) fn occasion(self) -> Occasion {
        self.occasion
    }

    pub(super) fn from(self) -> Moment {
        self.from
    }

    pub(super) fn until(self) -> Moment {
        self.until
    }
}
