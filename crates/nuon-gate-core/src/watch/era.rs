//! When something happened relative to the start of the wait, by the server's own times.

use std::time::Duration;

use jiff::Timestamp;

use crate::Moment;

/// The precision of the server's time.
const SECOND: Duration = Duration::from_secs(1);
/// How far the synchronised clocks of two of the server's machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// The server's clock now, and at the start of the wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    /// At the start of the wait; `None` until an answer has given the time.
    pub(super) started_at: Option<Timestamp>,
    pub(super) now: Moment,
}

/// When something happened, by the server's times. Ordered so that the maximum of several parts is the era of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Era {
    Before,
    /// The server does not say, or not precisely enough.
    Unclear,
    /// Later than the server's clock when it was read, so the clock has been set back since.
    Ahead,
    During,
}

impl Era {
    /// Classifies a time that the server has just sent.
    pub(super) fn of(at: Option<Timestamp>, clock: ServerClock) -> Self {
        let Some((at, started_at)) = at.zip(clock.started_at) else { return Self::Unclear };
        let after_start = |length: Duration| started_at.saturating_add(length).unwrap_or(Timestamp::MAX);
        let elapsed = clock.now.elapsed();
        if at < started_at {
            Self::Before
        } else if at > after_start(elapsed + LEEWAY) {
            Self::Ahead
        } else if (after_start(2 * SECOND)..=after_start(elapsed + SECOND)).contains(&at) {
            Self::During
        } else {
            Self::Unclear
        }
    }
}
