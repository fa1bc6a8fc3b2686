//! How the API is doing, over all targets.

use std::time::Duration;

use crate::Moment;

/// What the answers so far say of the API.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// When the last good answer came; the start, as long as there was none.
    last_good: Moment,
    /// Whether there ever was one.
    pub(super) ever_good: bool,
    /// Since when every answer has been a bad one.
    failing_since: Option<Moment>,
    /// No request is sent until then, as the API asked to be left alone.
    paused_until: Moment,
    /// Until when the API really asked for that; the deadline may be sooner.
    pub(super) wished_until: Moment,
}

impl Health {
    pub(super) fn good(&mut self, now: Moment) {
        self.last_good = now;
        self.ever_good = true;
        self.failing_since = None;
    }

    /// Takes note of an answer that was no good one. A pause that the API asked for holds for every request, but never
    /// beyond the `deadline`, where the last look is due.
    pub(super) fn bad(&mut self, now: Moment, retry_after: Option<Duration>, deadline: Moment) {
        self.failing_since.get_or_insert(now);
        if let Some(pause) = retry_after {
            self.wished_until = self.wished_until.max(now + pause);
            self.paused_until = self.paused_until.max((now + pause).min(deadline));
        }
    }

    pub(super) fn paused_until(&self) -> Moment {
        self.paused_until
    }

    /// Returns when the outage clock rings unless a good answer comes before. It counts from the last good answer; but
    /// not asking for a while is no outage, so after the first bad answer there is always time for another look, an
    /// `interval` later.
    pub(super) fn outage_at(&self, limit: Duration, interval: Duration) -> Moment {
        let another_look = self.failing_since.map_or(Moment::START, |since| since + interval);
        (self.last_good + limit).max(another_look)
    }

    /// Tells whether the outage clock runs.
    pub(super) fn failing(&self) -> bool {
        self.failing_since.is_some()
    }
}
