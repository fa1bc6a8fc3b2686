//! Polls one thing repeatedly; each poll is one or several requests.

use std::time::Duration;

use super::errors::Streaks;
use crate::Moment;
use crate::api::{ApiError, Request};
use crate::schedule::{Observed, Schedule};

/// A poll: one or several requests that together show the state of one thing.
#[derive(Debug)]
struct Poll {
    /// When it began.
    began: Moment,
    /// The request to be sent, or whose answer is outstanding.
    request: Request,
    /// How many requests it has taken so far.
    requests: u32,
    /// When the request was sent whose answer is handled now.
    sent: Moment,
    /// It follows a hint that something has changed.
    is_hurried: bool,
}

/// The polls of one thing: when the next is due, and the errors so far.
#[derive(Debug)]
pub(super) struct Poller {
    schedule: Schedule,
    due: Moment,
    /// An earlier time at which a poll is worthwhile, because the end is likely.
    end_likely_at: Option<Moment>,
    /// Something seems to have changed: the next poll is due at once, and reads everything.
    is_hurried: bool,
    poll: Option<Poll>,
    polled: Option<Moment>,
    polls: u32,
    streaks: Streaks,
    last_error: Option<ApiError>,
}

impl Poller {
    pub(super) fn new(schedule: Schedule, now: Moment) -> Self {
        Self {
            schedule,
            due: now,
            end_likely_at: None,
            is_hurried: false,
            poll: None,
            polled: None,
            polls: 0,
            streaks: Streaks::default(),
            last_error: None,
        }
    }

    /// Returns how many polls have begun.
    pub(super) fn polls(&self) -> u32 {
        self.polls
    }

    /// Returns when the poll under way began, if there is one.
    pub(super) fn polling_since(&self) -> Option<Moment> {
        self.poll.as_ref().map(|poll| poll.began)
    }

    /// Returns whether a poll may begin: none is in flight, and the last one began at least the shortest interval ago.
    pub(super) fn may_poll(&self, now: Moment) -> bool {
        self.poll.is_none() && self.polled.is_none_or(|polled| polled + self.schedule.shortest() <= now)
    }

    /// Returns the request that the poll under way is about to send, or has sent.
    pub(super) fn request(&self) -> Option<&Request> {
        self.poll.as_ref().map(|poll| &poll.request)
    }

    /// Returns whether a complete poll began at this moment or later.
    pub(super) fn has_polled_since(&self, moment: Moment) -> bool {
        self.polled.is_some_and(|polled| polled >= moment)
    }

    /// Returns when the next poll is due.
    pub(super) fn due(&self) -> Moment {
        self.due
    }

    /// Returns when the next poll is worthwhile, if that is before it is due.
    pub(super) fn end_likely_at(&self) -> Option<Moment> {
        self.end_likely_at
    }

    /// Sets when the next poll is worthwhile, unless something else reports the end.
    pub(super) fn expect(&mut self, now: Moment, gap: impl FnOnce(Duration) -> Duration) {
        self.end_likely_at = Some(now + gap(self.due - now)).filter(|_| !self.is_hurried);
    }

    /// Returns what was wrong with the last poll.
    pub(super) fn last_error(&self) -> Option<&ApiError> {
        self.last_error.as_ref()
    }

    pub(super) fn streaks(&mut self) -> &mut Streaks {
        &mut self.streaks
    }

    /// Begins a poll with this request.
    pub(super) fn begin(&mut self, request: Request, now: Moment) {
        self.polls += 1;
        let is_hurried = std::mem::take(&mut self.is_hurried);
        self.poll = Some(Poll { began: now, request, requests: 1, sent: now, is_hurried });
    }

    /// Something seems to have changed: makes the next poll due at once.
    pub(super) fn hurry(&mut self, now: Moment) {
        (self.is_hurried, self.due) = (true, now);
    }

    /// Postpones the next poll until then, unless it is due later.
    pub(super) fn postpone(&mut self, until: Moment) {
        if self.poll.is_none() && !self.is_hurried {
            (self.due, self.end_likely_at) = (self.due.max(until), None);
        }
    }

    /// Returns whether the current poll, or else the next one, follows such a hint.
    pub(super) fn is_hurried(&self) -> bool {
        self.poll.as_ref().map_or(self.is_hurried, |poll| poll.is_hurried)
    }

    /// The current poll needs this as well.
    pub(super) fn need(&mut self, request: Request) {
        if let Some(poll) = &mut self.poll {
            poll.request = request;
            poll.requests += 1;
        }
    }

    /// Records when the request was sent whose answer is handled now. Another poller may have sent it before this poll began.
    pub(super) fn note_sent(&mut self, sent: Moment) {
        if let Some(poll) = &mut self.poll {
            poll.sent = sent;
        }
    }

    /// Returns when the request was sent whose answer is handled now.
    pub(super) fn sent(&self) -> Option<Moment> {
        self.poll.as_ref().map(|poll| poll.sent)
    }

    /// Returns how many requests the poll under way has taken so far.
    pub(super) fn requests(&self) -> u32 {
        self.poll.as_ref().map_or(0, |poll| poll.requests)
    }

    /// Gives up the poll under way, if any: its answers would come too late.
    pub(super) fn give_up(&mut self) {
        self.poll = None;
    }

    /// Records a timeout of the request in flight, if any.
    pub(super) fn time_out(&mut self, limit: Duration) {
        if self.poll.take().is_some() {
            self.last_error = Some(ApiError::Timeout(limit));
        }
    }

    /// Records a good answer. It does not show that other objects of the same poll exist.
    pub(super) fn good(&mut self, request: &Request) {
        self.streaks.end(request);
        self.last_error = None;
    }

    fn end(&mut self) {
        if let Some(poll) = self.poll.take() {
            self.polled = Some(poll.began);
        }
    }

    /// Ends the poll; the wait goes on. After a hint, the change may only lag for a moment.
    pub(super) fn over(&mut self, now: Moment, observed: Observed) {
        let observed = if self.is_hurried() { Observed::Change } else { observed };
        self.end();
        let due = now + self.schedule.after(observed);
        self.set_due(now, due);
    }

    fn set_due(&mut self, now: Moment, due: Moment) {
        self.end_likely_at = None;
        self.due = if self.is_hurried { now } else { due };
    }

    /// Ends the poll; the next is due at this time, or after the shortest interval.
    pub(super) fn over_until(&mut self, now: Moment, due: Moment) {
        self.end();
        self.set_due(now, due.max(now + self.schedule.shortest()));
    }

    /// The poll failed, and is retried.
    pub(super) fn failed(&mut self, now: Moment, error: ApiError) {
        self.end();
        let due = now + self.schedule.after(Observed::Trouble);
        self.set_due(now, due);
        self.last_error = Some(error);
    }
}
