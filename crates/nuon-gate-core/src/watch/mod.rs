//! The wait as a pure state machine.
//!
//! [`Watch`] is told what time it is and what the API answered; it says what to ask next and when, and what happened.
//! It never sleeps, sends, reads a clock or draws a random number that it was not seeded with, so every rule can be
//! tried out in virtual time. [`drive`](crate::drive) connects it to the world.
//!
//! # Promises
//!
//! 1. A target passes only if the newest answer about its locked deploy, by whichever endpoint, had a passing status. An
//!    answer that is older than one seen before, by the server's own account, is no answer: it changes and decides nothing.
//! 2. The watch ends by its deadline plus one request's time limit, whatever the API does; after a signal within a second.
//! 3. It never asks about the same target more often than its intervals allow, but for the reads that one look needs and
//!    the last look when a clock rings.
//! 4. The same seed and the same answers at the same times give the same events.
//!
//! `tests/watch_promises.rs` holds it to them over generated answers.

mod clocks;
mod context;
mod decide;
mod doubt;
mod ending;
mod enrol;
mod event;
mod follow;
mod freshness;
mod health;
mod inquiry;
mod outcome;
mod request;
mod roll;
mod search;
mod settings;
mod target;

use std::time::Duration;

use jiff::Timestamp;

use self::context::Context;
pub use self::context::Refusal;
use self::ending::End;
pub use self::event::{Event, EventKind};
use self::health::Health;
use self::inquiry::Inquiry;
use self::request::Asker;
pub use self::request::{Answer, Ask, Reply, Request, Ticket};
use self::roll::Roll;
pub use self::settings::{Clocks, InvalidSettings, Mode, OnApproval, OnSuperseded, Scope, WatchSettings};
use self::target::TargetWatch;
use crate::report::Report;
use crate::resolve::{Resolution, Resolver};
use crate::schedule::Schedule;
use crate::{Moment, Pinning, Require, Signal, Verdict};

/// The most questions under way at once.
const MOST_AT_ONCE: usize = 16;
/// How long a link or a name is worth waiting for.
const FOR_A_LINK: Duration = Duration::from_secs(2);
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
    pinning: Pinning,
    /// The search for targets, which may be over at once.
    roll: Roll,
    targets: Vec<TargetWatch>,
    closing: Option<Closing>,
    signal: Option<Signal>,
    finished: Option<Moment>,
}

impl Watch {
    /// Begins a watch at `started_at` by the wall clock, from which every later time is counted.
    ///
    /// # Errors
    ///
    /// If it is known already that nothing can be waited for: if more targets are required to pass than there are, or one
    /// deploy's id is to be that of several targets'.
    pub fn new(
        settings: WatchSettings,
        scope: Scope,
        pinning: impl Into<Pinning>,
        started_at: Timestamp,
    ) -> Result<Self, InvalidSettings> {
        let pinning = pinning.into();
        let glance =
            Closing { by: ClosedBy::Glance, from: Moment::START, until: Moment::START + settings.request_timeout };
        // As far from the targets' own seeds as can be.
        let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(u64::MAX / 2));
        let (roll, known) = match scope {
            Scope::Targets(targets) => (Roll::over(schedule), Some(targets.as_slice().to_vec())),
            Scope::Workflow(id, installs) => {
                WatchSettings::check_workflow(&pinning)?;
                (Roll::of_workflow(id, installs, schedule), None)
            }
            Scope::Wanted(wanted) => {
                WatchSettings::check_wanted(&wanted)?;
                let mut resolver = Resolver::new(wanted);
                match resolver.resolve() {
                    Resolution::Targets(targets) => (Roll::over(schedule), Some(targets)),
                    Resolution::Ask(_) | Resolution::Unknown(_) => (Roll::of_names(resolver, schedule), None),
                }
            }
        };
        let follows_workflow = known.is_none() && roll.wanted().is_empty();
        let mut watch = Self {
            closing: (settings.mode == Mode::Glance).then_some(glance),
            pinning,
            roll,
            targets: Vec::new(),
            signal: None,
            finished: None,
            context: Context {
                settings,
                started_at,
                health: Health::default(),
                refusal: None,
                dashboard: None,
                asked_for_dashboard: false,
                install_names: std::collections::HashMap::new(),
                workflows: std::collections::HashMap::new(),
                events: Vec::new(),
                last_event: Moment::START,
            },
        };
        match known {
            Some(targets) => watch.enrol(Moment::START, targets)?,
            None if follows_workflow => watch.context.emit(Moment::START, EventKind::Started { targets: Vec::new() }),
            None => {}
        }
        Ok(watch)
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
        let asking = self.askers().filter(|asker| self.inquiry(*asker).is_asking()).count();
        let mut wake = self.next_time_limit();
        let mut chosen: Option<(Moment, Asker)> = None;
        for asker in self.askers() {
            if self.has_ended(asker) || self.inquiry(asker).is_asking() {
                continue;
            }
            let due = self.due(asker, now);
            if due > now {
                // A pause may last beyond the moment a clock rings.
                let ring = Some(self.first_ring(asker)).filter(|ring| *ring > now);
                wake = ring.into_iter().chain([due]).fold(wake, Moment::min);
            } else if asking < MOST_AT_ONCE && chosen.is_none_or(|(first, _)| due < first) {
                chosen = Some((due, asker));
            }
        }
        match chosen {
            Some((_, asker)) => Step::Ask(self.ask(asker, now)),
            None => Step::Sleep(wake),
        }
    }

    /// Takes in what came of a question.
    pub fn reply(&mut self, now: Moment, ticket: Ticket, reply: Reply) {
        match &reply {
            Ok(_) => self.context.health.good(now),
            Err(error) => self.context.health.bad(now, error.retry_after(), self.context.deadline()),
        }
        let Ticket { asker, serial } = ticket;
        let (trouble, target) = match asker {
            Asker::Roll => (self.reply_to_roll(now, serial, reply), None),
            Asker::Target(index) => (self.targets[index].reply(now, serial, reply, &mut self.context), Some(index)),
        };
        let Some(error) = trouble else { return };
        let next = self.due(asker, now) - now;
        // After the last look there is no next one; the error stands in the reason then.
        if !next.is_zero() {
            self.context.emit(now, EventKind::Retrying { target, error, next });
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
        self.give_up_looks();
    }

    /// Takes what has happened since it was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.context.events)
    }

    /// Returns why nothing was waited for, if so: then there is nothing to report.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.context.refusal.as_ref().filter(|_| self.signal.is_none())
    }

    /// Returns what the wait has come to, or where it stands.
    pub fn report(&self, now: Moment) -> Report {
        let now = self.finished.unwrap_or(now);
        let targets: Vec<_> = self.targets.iter().map(|target| target.report(now, &self.context)).collect();
        let report = Report::new(self.verdict(), self.context.started_at, now.elapsed(), targets);
        let mut report = match &self.roll.end {
            Some(End { reason: Some(reason), hint, .. }) => report.or_because(reason, hint.as_ref()),
            _ => report,
        };
        report.api_paused = self.context.health.wished_until > now;
        report.failed_fast = self.context.settings.fail_fast && self.can_no_longer_pass();
        report.dashboard.clone_from(&self.context.dashboard);
        report.open_workflow = self.roll.open_workflow().cloned();
        report
    }

    // Who asks.

    /// Returns everyone who asks questions.
    fn askers(&self) -> impl Iterator<Item = Asker> + use<> {
        [Asker::Roll].into_iter().chain((0..self.targets.len()).map(Asker::Target))
    }

    fn inquiry(&self, asker: Asker) -> &Inquiry {
        match asker {
            Asker::Roll => &self.roll.inquiry,
            Asker::Target(index) => &self.targets[index].inquiry,
        }
    }

    fn has_ended(&self, asker: Asker) -> bool {
        match asker {
            Asker::Roll => self.roll.end.is_some(),
            Asker::Target(index) => self.targets[index].end.is_some(),
        }
    }

    fn ask(&mut self, asker: Asker, now: Moment) -> Ask {
        let timeout = self.time_limit(asker, now);
        let (request, serial) = match asker {
            Asker::Roll => self.roll.ask(now),
            Asker::Target(index) => self.targets[index].ask(now),
        };
        let beside = match request {
            Request::Dashboard => true,
            // Without links an install is asked for only to see whether it exists.
            Request::Install(_) => self.context.settings.links,
            _ => false,
        };
        let timeout = if beside { timeout.min(FOR_A_LINK) } else { timeout };
        Ask { ticket: Ticket { asker, serial }, request, timeout }
    }

    fn give_up_looks(&mut self) {
        self.roll.inquiry.give_up_look();
        for target in &mut self.targets {
            target.inquiry.give_up_look();
        }
    }

    // The end.

    fn is_over(&self, now: Moment) -> bool {
        let all_ended = self.askers().all(|asker| self.has_ended(asker));
        let out_of_time = self.closing.is_some_and(|closing| now >= closing.until);
        let lost = self.roll.is_lost() || self.context.settings.fail_fast && self.can_no_longer_pass();
        self.finished.is_some()
            || self.context.refusal.is_some()
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
        if self.refusal().is_some() {
            return;
        }
        let closing = self.closing.filter(|closing| now >= closing.until);
        let open: Vec<Asker> = self.askers().filter(|asker| !self.has_ended(*asker)).collect();
        for asker in open {
            match (closing, asker) {
                (Some(closing), asker) => {
                    self.inquiry_mut(asker).time_out(closing.until - closing.from);
                    self.close(asker, closing.by, now);
                }
                (None, Asker::Target(index)) => {
                    let why = "the outcome of the run was clear before it was certain how this deploy ends: ";
                    self.targets[index].stop(why, now, &mut self.context);
                }
                // A run whose outcome is clear needs no more targets.
                (None, Asker::Roll) => {}
            }
        }
    }

    fn inquiry_mut(&mut self, asker: Asker) -> &mut Inquiry {
        match asker {
            Asker::Roll => &mut self.roll.inquiry,
            Asker::Target(index) => &mut self.targets[index].inquiry,
        }
    }

    fn passed(&self) -> usize {
        self.targets.iter().filter(|target| target.has_passed()).count()
    }

    fn needed(&self) -> usize {
        self.context.settings.require.count(self.targets.len())
    }

    /// Returns whether enough targets have passed. As long as it is not known which there are, none is enough.
    fn has_passed(&self) -> bool {
        self.roll.has_passed() && !self.targets.is_empty() && self.passed() >= self.needed()
    }

    fn can_no_longer_pass(&self) -> bool {
        let open = self.targets.iter().filter(|target| target.end.is_none()).count();
        let more_to_come = self.roll.end.is_none() && self.context.settings.require != Require::All;
        let roll_failed = self.roll.end.is_some() && !self.roll.has_passed();
        roll_failed || !more_to_come && self.passed() + open < self.needed()
    }

    /// Returns the verdict of the run: a signal's before all, then a pass if enough targets passed, else the gravest.
    fn verdict(&self) -> Verdict {
        let ends = self.targets.iter().filter_map(|target| target.end.as_ref()).chain(&self.roll.end);
        let gravest = ends.map(|end| end.verdict).filter(|verdict| *verdict != Verdict::Passed).min();
        match self.signal {
            Some(signal) => Verdict::Interrupted(signal),
            None if self.has_passed() => Verdict::Passed,
            None => gravest.unwrap_or(Verdict::Pending),
        }
    }
}
