//! When the watch has to do something: polls that are due, and limits on time that run out.

use std::time::Duration;

use super::flights::PollerId;
use super::{EventKind, HEARTBEAT, Watch};
use crate::cause::{Limit, StoppedBy};
use crate::{Cause, Clock, Moment, RemoteText, Signal, Verdict};

/// How long the last poll may take after a signal: the runner that sent it kills the process a few seconds later.
pub(crate) const LAST_POLL_AFTER_SIGNAL: Duration = Duration::from_secs(1);

/// Why the last poll is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClosedBy {
    Deadline,
    Signal(Signal),
    /// Only one poll was asked for.
    Once,
}

/// The end of the watch: polls that began at `from` or later are the last; none is waited for beyond `until`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    pub(super) by: ClosedBy,
    pub(super) from: Moment,
    pub(super) until: Moment,
}

impl Closing {
    pub(super) fn once(request_timeout: Duration) -> Self {
        Self { by: ClosedBy::Once, from: Moment::START, until: Moment::START + request_timeout }
    }

    pub(super) fn by_signal(signal: Signal, now: Moment, before: Option<Self>) -> Self {
        let until = now + LAST_POLL_AFTER_SIGNAL;
        let until = before.map_or(until, |closing| closing.until.min(until));
        Self { by: ClosedBy::Signal(signal), from: now, until }
    }
}

impl Watch {
    // What is due.

    /// Returns when something has to be done next if no answer comes.
    pub(super) fn next_wake(&mut self, now: Moment) -> Moment {
        let end = self.closing.map_or(self.shared.deadline(), |closing| closing.until);
        let paused = Some(self.shared.health().paused_until()).filter(|until| *until > now && self.flights.has_ready());
        let outage = self.outage_at().map(|(_, at)| at).filter(|at| *at > now && self.closing.is_none());
        let beat = self.shared.last_event() + HEARTBEAT;
        [self.timers.first(), paused, outage].into_iter().flatten().fold(end.min(beat), Moment::min)
    }

    /// Wakes every poller whose moment has come.
    pub(super) fn wake(&mut self, now: Moment) {
        while let Some(poller) = self.timers.pop(now) {
            self.wake_one(poller, now);
        }
    }

    fn wake_one(&mut self, poller: PollerId, now: Moment) {
        let paused = self.shared.health().paused_until() > now;
        if self.has_ended(poller) {
            return;
        }
        // A poll that waits for its next request goes on, unless the API asked for a pause.
        let is_polling = self.poller(poller).polling_since().is_some();
        if is_polling && (!paused || self.flights.is_under_way(poller)) {
            return;
        }
        let no_poll_left = |since: Moment| paused || self.poller(poller).has_polled_since(since);
        if let Some(closing) = self.closing {
            if no_poll_left(closing.from) {
                return self.close_poller(poller, closing.by, now);
            }
        } else if let Some((clock, limit, _)) = self.clocks(poller).find(|(_, _, at)| *at <= now && no_poll_left(*at)) {
            return self.ring(poller, clock, limit, now);
        }
        if !is_polling && self.due(poller, now) <= now {
            return self.begin_poll(poller, now);
        }
        if !is_polling {
            self.arm(poller, now);
        }
    }

    /// Sees to it that limits run out on time although a pause keeps everyone waiting.
    pub(super) fn look_after_waiting(&mut self) {
        for poller in self.flights.ready_pollers() {
            let ring = self.closing.map_or_else(|| self.first_ring(poller), |closing| closing.from);
            self.timers.set(poller, ring);
        }
    }

    /// Returns the clocks that run for a poller, with their limits and when these run out.
    fn clocks(&self, poller: PollerId) -> impl Iterator<Item = (Clock, Duration, Moment)> + use<> {
        let clocks = self.shared.settings().clocks;
        let (awaits_start, asked_since) = match poller {
            PollerId::Discovery => (self.discovery.awaits_start(), None),
            PollerId::Target(index) => (self.targets[index].awaits_start(), self.targets[index].asked_since()),
        };
        let start = clocks.start.filter(|_| awaits_start);
        let start = start.map(|limit| (Clock::Start, limit, Moment::START + limit));
        let stall = clocks.stall.map(|limit| (Clock::Stall, limit, self.last_change(poller) + limit));
        let asked = clocks.approval.zip(asked_since);
        let approval = asked.map(|(limit, since)| (Clock::Approval, limit, since + limit));
        [start, approval, stall].into_iter().flatten()
    }

    /// Returns when something last changed. As long as a target moves, more targets may come.
    fn last_change(&self, poller: PollerId) -> Moment {
        match poller {
            PollerId::Discovery => self.discovery.last_change().max(self.shared.last_change()),
            PollerId::Target(index) => self.targets[index].last_change(),
        }
    }

    /// Returns when the first of a poller's limits runs out, the total limit included.
    pub(super) fn first_ring(&self, poller: PollerId) -> Moment {
        self.clocks(poller).map(|(_, _, at)| at).fold(self.shared.deadline(), Moment::min)
    }

    /// Returns when the next poll is due: as scheduled, but when a limit runs out at the latest, and exactly then if it would
    /// be less than the shortest interval before. The first is due at once, however short the limits are.
    pub(super) fn due(&self, poller: PollerId, now: Moment) -> Moment {
        let ring = self.first_ring(poller);
        let own = self.poller(poller);
        let due = match self.closing {
            Some(_) => now,
            None if !own.has_polled_since(Moment::START) => own.due(),
            // A limit that has run out already is for the poll that follows.
            None if own.due() + self.shared.settings().intervals.min() > ring => ring.max(now),
            None => own.due(),
        };
        due.max(self.shared.health().paused_until())
    }

    /// Returns how long the next request may take: not beyond the moment when the next limit runs out, unless it is the last
    /// poll's.
    pub(super) fn time_limit(&self, poller: PollerId, now: Moment) -> Duration {
        let settings = self.shared.settings();
        let outage =
            settings.clocks.outage.map(|limit| self.shared.health().outage_from_now(limit, settings.intervals.min()));
        let rings = [outage, Some(self.first_ring(poller))].into_iter().flatten().filter(|at| *at > now);
        let end = self.closing.map_or(self.shared.deadline(), |closing| closing.until);
        settings.request_timeout.min(rings.fold(end, Moment::min) - now)
    }

    pub(super) fn beat(&mut self, now: Moment) {
        if now >= self.shared.last_event() + HEARTBEAT {
            let pending = self.targets.iter().filter(|target| !target.has_ended());
            let pending = pending.map(|target| target.pulse(now)).collect();
            self.shared.emit(now, EventKind::Waiting { pending });
        }
    }

    // What runs out.

    pub(super) fn close_at_deadline(&mut self, now: Moment) {
        let from = self.shared.deadline();
        if self.closing.is_none() && now >= from {
            // A driver that is late, or a process that was stopped, must not cost the last poll.
            let until = from.max(now) + self.shared.settings().request_timeout;
            self.close(Closing { by: ClosedBy::Deadline, from, until }, now);
        }
    }

    /// Begins the end: whatever is under way would come too late, and everyone gets a last poll.
    pub(super) fn close(&mut self, closing: Closing, now: Moment) {
        self.closing = Some(closing);
        self.flights.give_up();
        for poller in self.open_pollers() {
            self.poller_mut(poller).give_up();
            self.timers.set(poller, now);
        }
    }

    /// Returns when the outage limit runs out, while no answer is good.
    fn outage_at(&self) -> Option<(Duration, Moment)> {
        let settings = self.shared.settings();
        let limit = settings.clocks.outage?;
        Some((limit, self.shared.health().outage_at(limit, settings.intervals.min())?))
    }

    /// Ends everything when the outage limit has run out and one more poll since then had no good answer either.
    pub(super) fn check_outage(&mut self, now: Moment) {
        let Some((limit, at)) = self.outage_at().filter(|(_, at)| *at <= now && self.closing.is_none()) else { return };
        let paused = self.shared.health().paused_until() > now;
        if paused || self.shared.health().has_failed_since(at) {
            self.flights.give_up();
            for poller in self.open_pollers() {
                self.poller_mut(poller).give_up();
                self.ring(poller, Clock::Outage, limit, now);
            }
        } else if self.flights.is_idle()
            && let Some(poller) = self.open_pollers().first()
        {
            self.begin_poll(*poller, now);
        }
    }

    /// Ends a target, or the search for targets, because a limit ran out.
    fn ring(&mut self, poller: PollerId, clock: Clock, length: Duration, now: Moment) {
        match poller {
            PollerId::Target(index) => {
                self.targets[index].ring(clock, length, now, &mut self.shared);
                self.settle(index);
            }
            PollerId::Discovery => {
                let verdict = match clock {
                    Clock::Outage => Verdict::Inconclusive,
                    Clock::Total | Clock::Start | Clock::Stall | Clock::Approval => Verdict::TimedOut,
                };
                let limit = Limit {
                    clock,
                    length,
                    subject: RemoteText::new(self.discovery.subject()),
                    standing: self.discovery.standing(),
                    error: self.discovery.poller().last_error().cloned(),
                    ever_answered: self.shared.health().ever_good(),
                };
                self.end_discovery(None, Some((verdict, Cause::Limit(Box::new(limit)))), now);
            }
        }
    }

    /// Ends a target, or the search for targets, because the watch is over.
    pub(super) fn close_poller(&mut self, poller: PollerId, by: ClosedBy, now: Moment) {
        // What the last poll has seen counts, even if it brought more targets.
        if poller == PollerId::Discovery
            && let Some(failure) = self.discovery.end_by_now(&self.targets)
        {
            return self.end_discovery(None, failure, now);
        }
        let by = match by {
            ClosedBy::Deadline => {
                return self.ring(poller, Clock::Total, self.shared.settings().clocks.total, now);
            }
            ClosedBy::Signal(signal) => StoppedBy::Signal(signal),
            ClosedBy::Once => StoppedBy::Once,
        };
        match poller {
            PollerId::Target(index) => {
                self.targets[index].stop(by, now, &mut self.shared);
                self.settle(index);
            }
            PollerId::Discovery => {
                let error = self.discovery.poller().last_error().filter(|_| by == StoppedBy::Once).cloned();
                let failure = match error {
                    Some(error) => (Verdict::Inconclusive, Cause::NoAnswer(error)),
                    None => (Verdict::Pending, Cause::Stopped { by, standing: self.discovery.standing() }),
                };
                self.end_discovery(None, Some(failure), now);
            }
        }
    }
}
