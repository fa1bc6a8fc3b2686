//! The wait as a pure state machine.
//!
//! [`Watch`] is told what time it is and what the API answered; it says what to ask next and when, and what happened.
//! It never sleeps, sends, reads a clock or draws a random number that it was not seeded with, so every rule can be
//! tried out in virtual time. [`drive`](crate::drive) connects it to the world.
//!
//! # Promises
//!
//! 1. A target passes only if the newest answer about its locked deploy, by whichever endpoint, had a passing status.
//! 2. The watch ends by its deadline plus one request's time limit, whatever the API does; after a signal within a second.
//! 3. It never asks about the same target more often than its intervals allow, but for the reads that one look needs and
//!    the last look when a clock rings.
//! 4. The same seed and the same answers at the same times give the same events.
//!
//! `tests/watch_promises.rs` holds it to them over generated answers.

mod context;
mod decide;
mod ending;
mod event;
mod follow;
mod health;
mod inquiry;
mod request;
mod search;
mod settings;
mod target;

use std::time::Duration;

use jiff::Timestamp;

use self::context::Context;
pub use self::event::{Event, EventKind};
use self::health::Health;
pub use self::request::{Answer, Ask, Reply, Request, Ticket};
pub use self::settings::{Clocks, InvalidSettings, Mode, OnApproval, OnSuperseded, WatchSettings};
use self::target::TargetWatch;
use crate::report::Report;
use crate::schedule::Schedule;
use crate::{ApiError, Clock, Moment, Pins, Signal, Targets, Verdict};

/// The most questions under way at once.
const MOST_AT_ONCE: usize = 16;
/// After this long without an event there is one that says so.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How long the last look may take after a signal: the runner that sent it kills the process a few seconds later.
const LAST_LOOK_AFTER_SIGNAL: Duration = Duration::from_secs(1);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this question, then ask for the next step at once.
    Ask(Ask),
    /// Wait until then, or until an answer comes.
    Sleep(Moment),
    /// The wait is over: take the [`Watch::report`].
    Done,
}

/// Why the last look is being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClosedBy {
    Deadline,
    Signal(Signal),
    /// Only one look was asked for.
    Glance,
}

/// The end of the watch: looks that began at `from` or later are the last; none is waited for beyond `until`.
#[derive(Debug, Clone, Copy)]
struct Closing {
    by: ClosedBy,
    from: Moment,
    until: Moment,
}

/// The wait for one or several targets.
#[derive(Debug)]
pub struct Watch {
    context: Context,
    targets: Vec<TargetWatch>,
    needed: usize,
    closing: Option<Closing>,
    signal: Option<Signal>,
    finished: Option<Moment>,
}

impl Watch {
    /// Begins a watch at `started_at` by the wall clock, from which every later time is counted.
    ///
    /// # Errors
    ///
    /// If more targets are required to pass than there are, or one deploy's id is to be that of several targets'.
    pub fn new(
        settings: WatchSettings,
        targets: &Targets,
        pins: &[Pins],
        started_at: Timestamp,
    ) -> Result<Self, InvalidSettings> {
        settings.check(targets, pins)?;
        let started = EventKind::Started { targets: targets.as_slice().to_vec() };
        let watch = |(index, target): (usize, &crate::Target)| {
            let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(index as u64));
            let pins = pins.get(index).or(pins.first()).cloned().unwrap_or_default();
            TargetWatch::new(index, target.clone(), pins, schedule)
        };
        let glance =
            Closing { by: ClosedBy::Glance, from: Moment::START, until: Moment::START + settings.request_timeout };
        Ok(Self {
            targets: targets.as_slice().iter().enumerate().map(watch).collect(),
            needed: settings.require.count(targets),
            closing: (settings.mode == Mode::Glance).then_some(glance),
            signal: None,
            finished: None,
            context: Context {
                settings,
                started_at,
                health: Health::default(),
                untrusted: None,
                workflows: std::collections::HashMap::new(),
                events: vec![Event { at: Moment::START, kind: started }],
                last_event: Moment::START,
            },
        })
    }

    /// Says what to do now.
    pub fn next(&mut self, now: Moment) -> Step {
        self.close_at_deadline(now);
        self.let_clocks_ring(now);
        if self.is_over(now) {
            self.finish(now);
            return Step::Done;
        }
        self.beat(now);
        let asking = self.targets.iter().filter(|target| target.inquiry.is_asking()).count();
        let mut wake = self.next_time_limit();
        let mut chosen: Option<(Moment, usize)> = None;
        for (index, target) in self.targets.iter().enumerate() {
            if target.end.is_some() || target.inquiry.is_asking() {
                continue;
            }
            let due = self.due(target, now);
            if due > now {
                // A pause may last beyond the moment a clock rings.
                let ring = Some(self.first_ring(target)).filter(|ring| *ring > now);
                wake = ring.into_iter().chain([due]).fold(wake, Moment::min);
            } else if asking < MOST_AT_ONCE && chosen.is_none_or(|(first, _)| due < first) {
                chosen = Some((due, index));
            }
        }
        match chosen {
            Some((_, index)) => Step::Ask(self.ask(index, now)),
            None => Step::Sleep(wake),
        }
    }

    /// Takes in what came of a question.
    pub fn reply(&mut self, now: Moment, ticket: Ticket, reply: Reply) {
        match &reply {
            Ok(_) => self.context.health.good(now),
            Err(error) => self.context.health.bad(now, error.retry_after(), self.context.deadline()),
        }
        let trouble = self.targets[ticket.target].reply(now, ticket.serial, reply, &mut self.context);
        let next = self.due(&self.targets[ticket.target], now) - now;
        // After the last look there is no next one; the error stands in the reason then.
        if let Some(error) = trouble.filter(|_| !next.is_zero()) {
            self.context.emit(now, EventKind::Retrying { target: ticket.target, error, next });
        }
    }

    /// Ends the watch because of a signal: one last look, for a second at most. Only the first signal counts.
    pub fn interrupt(&mut self, now: Moment, signal: Signal) {
        if self.signal.is_some() || self.finished.is_some() {
            return;
        }
        self.signal = Some(signal);
        let until = self
            .closing
            .map_or(now + LAST_LOOK_AFTER_SIGNAL, |closing| closing.until.min(now + LAST_LOOK_AFTER_SIGNAL));
        self.closing = Some(Closing { by: ClosedBy::Signal(signal), from: now, until });
        for target in &mut self.targets {
            target.inquiry.give_up_look();
        }
    }

    /// Takes what has happened since it was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.context.events)
    }

    /// Returns the error if the API's certificate was not trusted before there was any good answer: nothing was waited
    /// for then, and there is nothing to report.
    pub fn untrusted(&self) -> Option<&ApiError> {
        self.context.untrusted.as_ref().filter(|_| self.signal.is_none())
    }

    /// Returns what the wait has come to.
    pub fn report(&self, now: Moment) -> Report {
        let now = self.finished.unwrap_or(now);
        let targets: Vec<_> = self.targets.iter().map(|target| target.report(now, &self.context)).collect();
        let report = Report::new(self.verdict(), self.context.started_at, now.elapsed(), targets);
        Report { api_paused: self.context.health.paused_until() > now, ..report }
    }

    // Time.

    /// Returns the next moment at which the whole watch has to do something, whatever the targets do.
    fn next_time_limit(&self) -> Moment {
        let end = self.closing.map_or(self.context.deadline(), |closing| closing.until);
        end.min(self.context.last_event + HEARTBEAT)
    }

    fn close_at_deadline(&mut self, now: Moment) {
        let from = self.context.deadline();
        if self.closing.is_none() && now >= from {
            // Questions from before have timed out by now; a driver that is late must not cost the last look.
            for target in self.targets.iter_mut() {
                target.inquiry.give_up_look();
            }
            let until = from + self.context.settings.request_timeout;
            self.closing = Some(Closing { by: ClosedBy::Deadline, from, until });
        }
    }

    /// Returns the clocks that run for a target and ring before the deadline does, with their limits.
    fn clocks(&self, target: &TargetWatch) -> impl Iterator<Item = (Clock, Duration, Moment)> {
        let Context { settings, health, .. } = &self.context;
        let start = settings.clocks.start.filter(|_| target.awaits_start());
        let start = start.map(|limit| (Clock::Start, limit, Moment::START + limit));
        let stall = settings.clocks.stall.map(|limit| (Clock::Stall, limit, target.last_change() + limit));
        let asked = settings.clocks.approval.zip(target.asked_since());
        let approval = asked.map(|(limit, since)| (Clock::Approval, limit, since + limit));
        let outage = settings.clocks.outage.filter(|_| health.failing());
        let outage = outage.map(|limit| (Clock::Outage, limit, health.outage_at(limit, settings.intervals.min())));
        // An API that does not answer cannot say whether anything happens: its clock comes first.
        [outage, start, approval, stall].into_iter().flatten()
    }

    /// Returns when the first of a target's clocks rings, the total clock included.
    fn first_ring(&self, target: &TargetWatch) -> Moment {
        self.clocks(target).map(|(_, _, at)| at).fold(self.context.deadline(), Moment::min)
    }

    /// Returns when a target's next question is due: as scheduled, but at the moment a clock rings at the latest, and
    /// exactly then if it would be less than the shortest interval before. The first is due at once, however short the
    /// clocks are.
    fn due(&self, target: &TargetWatch, now: Moment) -> Moment {
        let ring = self.first_ring(target);
        let due = match target.inquiry.mid_look_since() {
            // Its turn came then: looks that began later must not keep it waiting, however many there are.
            Some(began) => began,
            None if self.closing.is_some() => now,
            None if !target.inquiry.has_looked_since(Moment::START) => target.inquiry.due(),
            None if target.inquiry.due() + self.context.settings.intervals.min() > ring => ring,
            None => target.inquiry.due(),
        };
        due.max(self.context.health.paused_until())
    }

    /// Returns how long the next question may take: not beyond the next clock's ring, unless it is the last look.
    fn time_limit(&self, target: &TargetWatch, now: Moment) -> Duration {
        let Context { settings, health, .. } = &self.context;
        let outage = settings.clocks.outage.map(|limit| health.outage_at(limit, settings.intervals.min()));
        let rings = [outage, Some(self.first_ring(target))].into_iter().flatten().filter(|at| *at > now);
        let end = self.closing.map_or(self.context.deadline(), |closing| closing.until);
        settings.request_timeout.min(rings.fold(end, Moment::min) - now)
    }

    fn let_clocks_ring(&mut self, now: Moment) {
        let paused = self.context.health.paused_until() > now;
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            // A look that waits for its next question goes on, unless the API wants to be left alone.
            let goes_on = target.inquiry.mid_look_since().is_some() && !paused;
            if target.end.is_some() || target.inquiry.is_asking() || goes_on {
                continue;
            }
            let no_look_left = |since: Moment| paused || target.inquiry.has_looked_since(since);
            if let Some(closing) = self.closing {
                if no_look_left(closing.from) {
                    self.close(index, closing.by, now);
                }
                continue;
            }
            let rung = self.clocks(target).find(|(_, _, at)| *at <= now && no_look_left(*at));
            if let Some((clock, limit, _)) = rung {
                self.targets[index].ring(clock, limit, now, &mut self.context);
            }
        }
    }

    fn close(&mut self, index: usize, by: ClosedBy, now: Moment) {
        let target = &mut self.targets[index];
        let context = &mut self.context;
        match by {
            ClosedBy::Deadline => target.ring(Clock::Total, context.settings.clocks.total, now, context),
            ClosedBy::Signal(signal) => {
                target.stop(&format!("the gate got {signal} before the deploy ended: "), now, context);
            }
            ClosedBy::Glance => target.stop("", now, context),
        }
    }

    fn beat(&mut self, now: Moment) {
        if now >= self.context.last_event + HEARTBEAT {
            let pending = self.targets.iter().filter(|target| target.end.is_none());
            let pending = pending.map(|target| target.pulse(now)).collect();
            self.context.emit(now, EventKind::Waiting { pending });
        }
    }

    // Questions and the end.

    fn ask(&mut self, index: usize, now: Moment) -> Ask {
        let timeout = self.time_limit(&self.targets[index], now);
        let (request, serial) = self.targets[index].ask(now);
        Ask { ticket: Ticket { target: index, serial }, request, timeout }
    }

    fn is_over(&self, now: Moment) -> bool {
        let all_ended = self.targets.iter().all(|target| target.end.is_some());
        let out_of_time = self.closing.is_some_and(|closing| now >= closing.until);
        let lost = self.context.settings.fail_fast && self.can_no_longer_pass();
        self.finished.is_some()
            || self.context.untrusted.is_some()
            || all_ended
            || out_of_time
            || self.has_passed()
            || lost
    }

    fn finish(&mut self, now: Moment) {
        if self.finished.is_some() {
            return;
        }
        self.finished = Some(now);
        if self.untrusted().is_some() {
            return;
        }
        let closing = self.closing.filter(|closing| now >= closing.until);
        for index in 0..self.targets.len() {
            if self.targets[index].end.is_some() {
                continue;
            }
            if let Some(closing) = closing {
                self.targets[index].inquiry.time_out(closing.until - closing.from);
            }
            match closing {
                Some(closing) => self.close(index, closing.by, now),
                None => {
                    let why = "the outcome of the run was clear before this deploy ended: ";
                    self.targets[index].stop(why, now, &mut self.context);
                }
            }
        }
    }

    fn passed(&self) -> usize {
        self.verdicts().filter(|verdict| *verdict == Verdict::Passed).count()
    }

    fn has_passed(&self) -> bool {
        self.passed() >= self.needed
    }

    fn can_no_longer_pass(&self) -> bool {
        let open = self.targets.iter().filter(|target| target.end.is_none()).count();
        self.passed() + open < self.needed
    }

    fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.targets.iter().filter_map(|target| target.end.as_ref()).map(|end| end.verdict)
    }

    /// Returns the verdict of the run: a signal's before all, then a pass if enough targets passed, else the gravest.
    fn verdict(&self) -> Verdict {
        match self.signal {
            Some(signal) => Verdict::Interrupted(signal),
            None if self.has_passed() => Verdict::Passed,
            None => self.verdicts().min().unwrap_or(Verdict::Pending),
        }
    }
}
