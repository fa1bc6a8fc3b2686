//! When something happened, by the server's own account, seen from when the wait began.

use std::time::Duration;

use jiff::Timestamp;

use crate::Moment;

/// How exact the server's time is.
const SECOND: Duration = Duration::from_secs(1);
/// How far apart the clocks of two of the server's machines that keep time may be.
const LEEWAY: Duration = Duration::from_secs(5);

/// What the server's clock says, and said when the wait began.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    /// When the wait began; `None` as long as no answer has said the time.
    pub(super) started_at: Option<Timestamp>,
    pub(super) now: Moment,
}

/// When something happened, by what the server says. What ended in several parts ended with the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Era {
    Before,
    /// The server does not say, or not exactly enough.
    Unclear,
    /// Later than the clock showed when it was read: by one that has been put back since.
    Ahead,
    During,
}

impl Era {
    /// Reads a time that the server has just said.
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
