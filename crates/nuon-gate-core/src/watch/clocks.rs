//! When the watch has to do something: questions that are due, and clocks that ring.

use std::time::Duration;

use super::context::Context;
use super::event::EventKind;
use super::request::Asker;
use super::target::TargetWatch;
use super::{ClosedBy, Closing, HEARTBEAT, Watch, ending};
use crate::{Clock, Moment};

impl Watch {
    /// Returns the next moment at which the whole watch has to do something, whatever the targets do.
    pub(super) fn next_time_limit(&self) -> Moment {
        let end = self.closing.map_or(self.context.deadline(), |closing| closing.until);
        end.min(self.context.last_event + HEARTBEAT)
    }

    pub(super) fn close_at_deadline(&mut self, now: Moment) {
        let from = self.context.deadline();
        if self.closing.is_none() && now >= from {
            // Questions from before have timed out by now; a driver that is late must not cost the last look.
            self.give_up_looks();
            let until = from + self.context.settings.request_timeout;
            self.closing = Some(Closing { by: ClosedBy::Deadline, from, until });
        }
    }

    /// Returns the clocks that run for whoever asks and ring before the deadline does, with their limits.
    fn clocks(&self, asker: Asker) -> impl Iterator<Item = (Clock, Duration, Moment)> + use<> {
        let Context { settings, health, .. } = &self.context;
        let (awaits_start, asked_since) = match asker {
            Asker::Roll => (self.roll.awaits_start(), None),
            Asker::Target(index) => (self.targets[index].awaits_start(), self.targets[index].asked_since()),
        };
        let start = settings.clocks.start.filter(|_| awaits_start);
        let start = start.map(|limit| (Clock::Start, limit, Moment::START + limit));
        let stall = settings.clocks.stall.map(|limit| (Clock::Stall, limit, self.last_change(asker) + limit));
        let asked = settings.clocks.approval.zip(asked_since);
        let approval = asked.map(|(limit, since)| (Clock::Approval, limit, since + limit));
        let outage = settings.clocks.outage.filter(|_| health.failing());
        let outage = outage.map(|limit| (Clock::Outage, limit, health.outage_at(limit, settings.intervals.min())));
        // An API that does not answer cannot say whether anything happens: its clock comes first.
        [outage, start, approval, stall].into_iter().flatten()
    }

    /// Returns when something last changed. As long as a target moves, more targets may come.
    fn last_change(&self, asker: Asker) -> Moment {
        match asker {
            Asker::Roll => {
                let targets = self.targets.iter().map(TargetWatch::last_change);
                targets.fold(self.roll.last_change(), Moment::max)
            }
            Asker::Target(index) => self.targets[index].last_change(),
        }
    }

    /// Returns when the first of the clocks rings, the total clock included.
    pub(super) fn first_ring(&self, asker: Asker) -> Moment {
        self.clocks(asker).map(|(_, _, at)| at).fold(self.context.deadline(), Moment::min)
    }

    /// Returns when the next question is due: as scheduled, but at the moment a clock rings at the latest, and exactly then
    /// if it would be less than the shortest interval before. The first is due at once, however short the clocks are.
    pub(super) fn due(&self, asker: Asker, now: Moment) -> Moment {
        let ring = self.first_ring(asker);
        let inquiry = self.inquiry(asker);
        let due = match inquiry.mid_look_since() {
            // Its turn came then: looks that began later must not keep it waiting, however many there are.
            Some(began) => began,
            None if self.closing.is_some() => now,
            None if !inquiry.has_looked_since(Moment::START) => inquiry.due(),
            None if inquiry.due() + self.context.settings.intervals.min() > ring => ring,
            None => inquiry.due(),
        };
        due.max(self.context.health.paused_until())
    }

    /// Returns how long the next question may take: not beyond the next clock's ring, unless it is the last look.
    pub(super) fn time_limit(&self, asker: Asker, now: Moment) -> Duration {
        let Context { settings, health, .. } = &self.context;
        let outage = settings.clocks.outage.map(|limit| health.outage_at(limit, settings.intervals.min()));
        let rings = [outage, Some(self.first_ring(asker))].into_iter().flatten().filter(|at| *at > now);
        let end = self.closing.map_or(self.context.deadline(), |closing| closing.until);
        settings.request_timeout.min(rings.fold(end, Moment::min) - now)
    }

    pub(super) fn let_clocks_ring(&mut self, now: Moment) {
        let paused = self.context.health.paused_until() > now;
        let open: Vec<Asker> = self.askers().filter(|asker| !self.has_ended(*asker)).collect();
        for asker in open {
            let inquiry = self.inquiry(asker);
            // A look that waits for its next question goes on, unless the API wants to be left alone.
            let goes_on = inquiry.mid_look_since().is_some() && !paused;
            if inquiry.is_asking() || goes_on {
                continue;
            }
            let no_look_left = |since: Moment| paused || inquiry.has_looked_since(since);
            if let Some(closing) = self.closing {
                if no_look_left(closing.from) {
                    self.close(asker, closing.by, now);
                }
                continue;
            }
            let rung = self.clocks(asker).find(|(_, _, at)| *at <= now && no_look_left(*at));
            if let Some((clock, limit, _)) = rung {
                self.ring(asker, clock, limit, now);
            }
        }
    }

    /// Ends a target, or the search for targets, because a clock rang.
    fn ring(&mut self, asker: Asker, clock: Clock, limit: Duration, now: Moment) {
        match asker {
            Asker::Target(index) => self.targets[index].ring(clock, limit, now, &mut self.context),
            Asker::Roll => {
                let (ever_good, seen) = (self.context.health.ever_good, !self.targets.is_empty());
                let known = ending::Known { ever_good, seen, unmatched: false };
                let (subject, standing) = (self.roll.subject(), self.roll.standing(&self.context));
                let error = self.roll.inquiry.last_error();
                let end = ending::clock_rang(clock, limit, &subject, &standing, known, error, now);
                self.end_roll(None, end);
            }
        }
    }

    /// Ends a target, or the search for targets, because the watch is over.
    pub(super) fn close(&mut self, asker: Asker, by: ClosedBy, now: Moment) {
        // What the last look has seen counts, even if it brought more targets.
        if asker == Asker::Roll
            && let Some(end) = self.roll.ended_by_now(self.targets.is_empty(), now, &self.context)
        {
            return self.end_roll(None, end);
        }
        let why = match by {
            ClosedBy::Deadline => return self.ring(asker, Clock::Total, self.context.settings.clocks.total, now),
            ClosedBy::Signal(signal) => format!("the gate got {signal} before the deploy ended: "),
            ClosedBy::Glance => String::new(),
        };
        match asker {
            Asker::Target(index) => self.targets[index].stop(&why, now, &mut self.context),
            Asker::Roll => {
                let error = self.roll.inquiry.last_error().filter(|_| by == ClosedBy::Glance);
                let standing = self.roll.standing(&self.context);
                let end = ending::stopped(&why, &standing, error, now);
                self.end_roll(None, end);
            }
        }
    }

    pub(super) fn beat(&mut self, now: Moment) {
        if now >= self.context.last_event + HEARTBEAT {
            let pending = self.targets.iter().filter(|target| target.end.is_none());
            let pending = pending.map(|target| target.pulse(now)).collect();
            self.context.emit(now, EventKind::Waiting { pending });
        }
    }
}
