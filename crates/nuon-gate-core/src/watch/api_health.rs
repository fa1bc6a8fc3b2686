//! The health of the API: its answers so far, and the pauses that it asks for.

use std::time::Duration;

use crate::Moment;
use crate::api::ApiError;

/// The API's health by its answers so far.
#[derive(Debug, Default)]
pub(super) struct ApiHealth {
    /// The time of the last good answer; the start, if there was none.
    last_good: Moment,
    /// Whether there ever was one.
    ever_good: bool,
    /// Whether the API itself has ever answered, even with an error.
    ever_nuon: bool,
    /// Since when every answer has been an error.
    failing_since: Option<Moment>,
    /// The time of the newest request without a good answer.
    last_bad_sent: Option<Moment>,
    /// No request is sent until then, as the API asked for a pause.
    paused_until: Moment,
    /// The end of that pause as the API asked for it, even if the deadline comes first.
    requested_until: Moment,
}

impl ApiHealth {
    pub(super) fn good(&mut self, now: Moment) {
        self.last_good = now;
        self.ever_good = true;
        self.ever_nuon = true;
        self.failing_since = None;
    }

    /// Records an error.
    pub(super) fn bad(&mut self, now: Moment, sent: Moment, error: &ApiError) {
        self.failing_since.get_or_insert(now);
        self.last_bad_sent = self.last_bad_sent.max(Some(sent));
        self.ever_nuon |= error.is_from_nuon();
    }

    /// Records the pause that an answer asks for. It applies to every request, but never beyond the `deadline`, when
    /// the last poll is due. Returns whether a pause has begun.
    pub(super) fn pause(&mut self, now: Moment, error: &ApiError, deadline: Moment) -> bool {
        let Some(pause) = error.retry_after() else { return false };
        self.requested_until = self.requested_until.max(now + pause);
        self.paused_until = self.paused_until.max((now + pause).min(deadline));
        true
    }

    pub(super) fn ever_good(&self) -> bool {
        self.ever_good
    }

    pub(super) fn ever_nuon(&self) -> bool {
        self.ever_nuon
    }

    pub(super) fn paused_until(&self) -> Moment {
        self.paused_until
    }

    /// Returns whether the pause that the API asked for has not ended, whatever the deadline.
    pub(super) fn wants_pause(&self, now: Moment) -> bool {
        self.requested_until > now
    }

    /// Returns when the outage limit expires unless a good answer comes before; `None` while answers are good. It
    /// counts from the last good answer. A pause between polls is not an outage, so after the first error there is
    /// always time for another poll, an `interval` later.
    pub(super) fn outage_at(&self, limit: Duration, interval: Duration) -> Option<Moment> {
        let another_poll = self.failing_since? + interval;
        Some((self.last_good + limit).max(another_poll))
    }

    /// Returns when it will expire if the requests under way have no good answer.
    pub(super) fn outage_from_now(&self, limit: Duration, interval: Duration) -> Moment {
        self.outage_at(limit, interval).unwrap_or(self.last_good + limit)
    }

    /// Returns whether a request that was sent then or later had no good answer.
    pub(super) fn has_failed_since(&self, moment: Moment) -> bool {
        self.last_bad_sent.is_some_and(|sent| sent >= moment)
    }
}
