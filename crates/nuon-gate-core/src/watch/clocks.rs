//! Due times: the next poll, and the timeouts.

use std::time::Duration;

use super::discovery::DiscoveryEnd;
use super::flights::PollerId;
use super::last_polls::LastPolls;
use super::{EventKind, HEARTBEAT, Watch};
use crate::cause::{Cause, Limit};
use crate::{Clock, Moment, RemoteText};

impl Watch {
    // What is due.

    /// Returns when the watch has to act next if no answer comes.
    pub(super) fn next_wake(&mut self, now: Moment) -> Moment {
        let paused =
            Some(self.shared.api_health().paused_until()).filter(|until| *until > now && self.flights.has_ready());
        let outage = self.outage_at().map(|(_, at)| at).filter(|at| *at > now && self.last_polls.is_none());
        let heartbeat = self.shared.last_event() + HEARTBEAT;
        let empty = self.budget_empty_until(now);
        let long_poll =
            self.long_polls.due().map(|due| due.max(self.shared.api_health().paused_until()).max(empty.unwrap_or(due)));
        let empty = empty.filter(|_| self.flights.has_ready());
        let log = self.shared.logs().due().map(|due| due.max(self.shared.api_health().paused_until()));
        let log = log.map(|due| due.max(self.budget.spare_until(now).unwrap_or(due)));
        [self.timers.first(), paused, outage, long_poll, log, empty]
            .into_iter()
            .flatten()
            .fold(self.end().min(heartbeat), Moment::min)
    }

    /// Returns when the watch ends at the latest, or when its last polls begin.
    fn end(&self) -> Moment {
        self.last_polls.map_or(self.shared.deadline(), LastPolls::until)
    }

    /// Wakes every poller that is due.
    pub(super) fn wake(&mut self, now: Moment) {
        while let Some(poller) = self.timers.pop(now) {
            self.wake_one(poller, now);
        }
    }

    fn wake_one(&mut self, poller: PollerId, now: Moment) {
        let paused = self.shared.api_health().paused_until() > now;
        if self.has_ended(poller) {
            return;
        }
        // A poll that waits for its next request goes on, unless the API asked for a pause.
        let is_polling = self.poller(poller).polling_since().is_some();
        if is_polling && (!paused || self.flights.is_under_way(poller)) {
            return;
        }
        let cannot_poll_before_end = |since: Moment| paused || self.poller(poller).has_polled_since(since);
        if let Some(last) = self.last_polls {
            if cannot_poll_before_end(last.from()) {
                // What its deploys have come to, and what took their place, decides about a workflow.
                let awaits_targets = poller == PollerId::Discovery && self.open > 0 && now < last.until();
                if awaits_targets && self.discovery.follows_workflow() {
                    return self.timers.set(poller, last.until());
                }
                return self.stop_poller(poller, last.occasion(), now);
            }
        } else if let Some((clock, limit, _)) =
            self.clocks(poller).find(|(_, _, at)| *at <= now && cannot_poll_before_end(*at))
        {
            return self.on_limit(poller, clock, limit, now);
        }
        if !is_polling && self.due(poller, now) <= now {
            return self.begin_poll(poller, now);
        }
        if !is_polling {
            self.arm(poller, now);
        }
    }

    /// Sets the timers of queued polls to their timeouts, which a pause of the API's must not delay.
    pub(super) fn arm_queued(&mut self) {
        for poller in self.flights.ready_pollers() {
            let at = self.last_polls.map_or_else(|| self.first_limit(poller), LastPolls::from);
            self.timers.set(poller, at);
        }
    }

    /// Returns the running timeouts of a poller, with their lengths and when these expire.
    fn clocks(&self, poller: PollerId) -> impl Iterator<Item = (Clock, Duration, Moment)> + use<> {
        let clocks = self.shared.settings().clocks;
        let shared = &self.shared;
        let (awaits_start, approval_since, queued_since, may_stall) = match poller {
            PollerId::Discovery => {
                let discovery = &self.discovery;
                (discovery.awaits_start(shared), discovery.asked_since(), discovery.queued_since(shared), true)
            }
            PollerId::Target(index) => {
                let target = &self.targets[index];
                let approval_since = target.approval_since(shared);
                (target.awaits_start(shared), approval_since, target.queued_since(shared), !target.is_baking())
            }
        };
        let queued = clocks.queue.zip(queued_since);
        let queue = queued.map(|(limit, since)| (Clock::Queue, limit, since + limit));
        let start = clocks.start.filter(|_| awaits_start);
        let start = start.map(|limit| (Clock::Start, limit, Moment::START + limit));
        let stall = clocks.stall.filter(|_| may_stall);
        let stall = stall.map(|limit| (Clock::Stall, limit, self.last_change(poller) + limit));
        let asked = clocks.approval.zip(approval_since);
        let approval = asked.map(|(limit, since)| (Clock::Approval, limit, since + limit));
        [start, approval, queue, stall].into_iter().flatten()
    }

    /// Returns when something last changed. For discovery, a change of any target counts too: more targets may follow.
    fn last_change(&self, poller: PollerId) -> Moment {
        match poller {
            PollerId::Discovery => self.discovery.last_change().max(self.shared.last_change()),
            PollerId::Target(index) => self.targets[index].last_change(),
        }
    }

    /// Returns when the first of a poller's limits expires, the total limit included.
    pub(super) fn first_limit(&self, poller: PollerId) -> Moment {
        self.clocks(poller).map(|(_, _, at)| at).fold(self.shared.deadline(), Moment::min)
    }

    /// Returns when the next poll is due: as scheduled, or sooner if the end is likely and no long poll reports it. A
    /// poll less than the shortest interval before a timeout is postponed until then. The first one is due at once,
    /// however short the timeouts are.
    pub(super) fn due(&self, poller: PollerId, now: Moment) -> Moment {
        let limit = self.first_limit(poller);
        let own = self.poller(poller);
        let likely = own.end_likely_at().filter(|_| !self.long_polls.reports_end_to(poller));
        let scheduled = likely.map_or(own.due(), |likely| likely.min(own.due()));
        let due = match self.last_polls {
            Some(_) => now,
            None if !own.has_polled_since(Moment::START) => scheduled,
            // A timeout that has already expired is handled by the following poll.
            None if scheduled + self.shared.settings().intervals.min() > limit => limit.max(now),
            None => scheduled,
        };
        due.max(self.shared.api_health().paused_until())
    }

    /// Returns how long the next request may take: not beyond the moment when the next limit expires, unless it is the last
    /// poll's.
    pub(super) fn time_limit(&self, poller: PollerId, now: Moment) -> Duration {
        let settings = self.shared.settings();
        let outage = settings
            .clocks
            .outage
            .map(|limit| self.shared.api_health().outage_from_now(limit, settings.intervals.min()));
        let limits = [outage, Some(self.first_limit(poller))].into_iter().flatten().filter(|at| *at > now);
        settings.request_timeout.min(limits.fold(self.end(), Moment::min) - now)
    }

    pub(super) fn heartbeat(&mut self, now: Moment) {
        if now >= self.shared.last_event() + HEARTBEAT {
            let pending = self.targets.iter().filter(|target| !target.has_ended());
            let pending = pending.map(|target| target.pending(now, &self.shared)).collect();
            self.shared.emit(now, EventKind::Waiting { pending });
        }
    }

    // What expires.

    /// Returns when the outage limit expires, while no answer is good.
    fn outage_at(&self) -> Option<(Duration, Moment)> {
        let settings = self.shared.settings();
        let limit = settings.clocks.outage?;
        Some((limit, self.shared.api_health().outage_at(limit, settings.intervals.min())?))
    }

    /// Ends everything when the outage limit has expired and one more poll since then had no good answer either.
    pub(super) fn check_outage(&mut self, now: Moment) {
        let Some((limit, at)) = self.outage_at().filter(|(_, at)| *at <= now && self.last_polls.is_none()) else {
            return;
        };
        let paused = self.shared.api_health().paused_until() > now;
        if paused || self.shared.api_health().has_failed_since(at) {
            self.flights.give_up();
            for poller in self.open_pollers() {
                self.poller_mut(poller).give_up();
                self.on_limit(poller, Clock::Outage, limit, now);
            }
        } else if self.flights.is_idle()
            && let Some(poller) = self.open_pollers().first()
        {
            self.begin_poll(*poller, now);
        }
    }

    /// Ends a target, or discovery, because a timeout expired.
    pub(super) fn on_limit(&mut self, poller: PollerId, clock: Clock, length: Duration, now: Moment) {
        match poller {
            PollerId::Target(index) => {
                self.targets[index].on_limit(clock, length, now, &mut self.shared);
                self.count_end(index);
            }
            PollerId::Discovery => {
                let limit = Limit {
                    clock,
                    length,
                    subject: RemoteText::new(self.discovery.subject()),
                    standing: self.discovery.standing(),
                    error: self.discovery.poller().last_error().cloned(),
                    ever_answered: self.shared.api_health().ever_good(),
                };
                self.end_discovery(None, DiscoveryEnd::Otherwise(clock.verdict(), Cause::Limit(Box::new(limit))), now);
            }
        }
    }
}
