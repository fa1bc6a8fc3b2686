//! Points in time on the watch's own clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: how long after the watch began.
///
/// The watch never reads a clock. Its driver passes the time, so that a test can use any time. Points and spans are
/// different types: a [`Moment`] plus a [`Duration`] is a [`Moment`], and the difference of two is a [`Duration`],
/// which is zero if they are in the wrong order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment the watch begins.
    pub const START: Self = Self(Duration::ZERO);

    /// Returns the moment that is `elapsed` after the start.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Returns the time from the start to this moment.
    pub const fn elapsed(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
