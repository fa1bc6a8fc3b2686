//! The wait as a pure state machine.
//!
//! [`Watch`] is given the time and the API's answers; it says what to request next and when, and what happened. It never
//! sleeps, sends, reads a clock or draws a random number that it was not seeded with, so every rule can be tried in virtual
//! time. [`drive`](crate::drive) connects it to the world.
//!
//! Read it in this order: this file (the loop), `target` (one target: its polls and its story), `phase` (what one poll has
//! read, and the one decision that follows), then `discovery` (which targets there are). `poller`, `flights`, `timers`,
//! `clocks` and `errors` are the machinery below.
//!
//! # Promises
//!
//! 1. A target passes only with a [`Proof`], which only the decision makes: the deploy's identity by its own detail, a passing
//!    status that is the newest by the server's account, and the steps of its workflow that work on it.
//! 2. The watch ends by its deadline plus one request's time limit, whatever the API does; after a signal within a second.
//! 3. It never polls the same target more often than its intervals allow, but for the last poll when a limit runs out.
//! 4. The same seed and the same answers at the same times give the same events.
//!
//! `tests/core/promises` holds it to them over generated servers, with an oracle that shares nothing with it.

mod clocks;
mod discovery;
mod errors;
mod event;
mod flights;
mod freshness;
mod phase;
mod poller;
mod settings;
mod shared;
mod target;
mod timers;

use std::time::Duration;

use jiff::Timestamp;

use self::clocks::Closing;
pub(crate) use self::clocks::LAST_POLL_AFTER_SIGNAL;
use self::discovery::{Discovered, Discovery, DiscoveryEnd};
pub use self::event::{Event, EventKind, Refusal};
use self::flights::{Flights, PollerId};
use self::phase::End;
pub use self::phase::{Basis, Proof};
use self::poller::Poller;
pub use self::settings::{Clocks, InvalidSettings, Mode, OnApproval, OnStale, OnSuperseded, Scope, WatchSettings};
use self::shared::Shared;
use self::target::TargetWatch;
use self::timers::Timers;
use crate::api::Reply;
use crate::cause::StoppedBy;
use crate::report::Report;
use crate::resolve::{Resolution, Resolver, Wanted};
use crate::schedule::Schedule;
use crate::{ApiError, Cause, Moment, Pinning, Pins, Request, Require, Signal, Target, Targets, Verdict};

/// How long a link or a name is worth waiting for.
const FOR_A_LINK: Duration = Duration::from_secs(2);
/// After this long without an event there is one that says so.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this request, then ask for the next step at once.
    Ask(Ask),
    /// Wait until then, or until an answer comes.
    Sleep(Moment),
    /// The wait is over: take the [`Watch::report`].
    Done,
}

/// Ties an answer to its request. An answer to a request that was given up is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// A request to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// To be handed back with the answer.
    pub ticket: Ticket,
    /// The request.
    pub request: Request,
    /// When to give up.
    pub timeout: Duration,
}

/// The wait for one or several targets.
#[derive(Debug)]
pub struct Watch {
    shared: Shared,
    pinning: Pinning,
    discovery: Discovery,
    targets: Vec<TargetWatch>,
    /// How many targets have not ended, and how many have passed.
    open: usize,
    passed: usize,
    flights: Flights,
    timers: Timers,
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
        // As far from the targets' own seeds as can be.
        let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(u64::MAX / 2));
        let (discovery, known) = match scope {
            Scope::Targets(targets) => (Discovery::over(schedule), Some(targets.as_slice().to_vec())),
            Scope::Workflow(id, installs) => {
                WatchSettings::check_workflow(&pinning)?;
                (Discovery::of_workflow(id, installs, schedule), None)
            }
            Scope::Wanted(wanted) => {
                WatchSettings::check_wanted(&wanted)?;
                let mut resolver = Resolver::new(wanted);
                match resolver.resolve() {
                    Resolution::Targets(targets) => (Discovery::over(schedule), Some(targets)),
                    _ => (Discovery::of_names(resolver, schedule), None),
                }
            }
        };
        let once = (settings.mode == Mode::Once).then(|| Closing::once(settings.request_timeout));
        let mut watch = Self {
            shared: Shared::new(settings, started_at),
            pinning,
            discovery,
            targets: Vec::new(),
            open: 0,
            passed: 0,
            flights: Flights::default(),
            timers: Timers::default(),
            closing: once,
            signal: None,
            finished: None,
        };
        match known {
            Some(targets) => watch.enrol(Moment::START, targets)?,
            None if watch.discovery.follows_workflow() => {
                watch.shared.emit(Moment::START, EventKind::Started { targets: Vec::new() });
            }
            None => {}
        }
        if watch.discovery.end().is_none() {
            watch.timers.set(PollerId::Discovery, Moment::START);
        }
        Ok(watch)
    }

    /// Says what to do now.
    pub fn next(&mut self, now: Moment) -> Step {
        self.close_at_deadline(now);
        // An API that does not answer cannot say whether anything happens: that limit comes first.
        self.check_outage(now);
        self.wake(now);
        if self.is_over(now) {
            self.finish(now);
            return Step::Done;
        }
        self.beat(now);
        match self.next_ask(now) {
            Some(ask) => Step::Ask(ask),
            None => Step::Sleep(self.next_wake(now)),
        }
    }

    /// Takes in what came of a request. Whoever needs the answer has it.
    pub fn reply(&mut self, now: Moment, ticket: Ticket, reply: &Reply) {
        let sent = self.flights.sent(ticket.0);
        match reply {
            Ok(answer) => {
                self.shared.health.good(now);
                self.shared.note_server_time(now, answer.server_time, self.pinning.shared.since.is_some());
            }
            Err(error) => {
                let deadline = self.shared.deadline();
                if self.shared.health.bad(now, sent.unwrap_or(now), error, deadline) {
                    self.look_after_waiting();
                }
            }
        }
        let Some(landed) = self.flights.land(ticket.0, now) else { return };
        if let (Ok(_), Request::Workflow(_, id)) = (reply, &landed.request) {
            self.shared.note_workflow(id, now);
        }
        for poller in landed.pollers {
            let error = match poller {
                PollerId::Discovery => self.reply_to_discovery(now, &landed.request, reply.clone()),
                PollerId::Target(index) => self.reply_to_target(index, now, &landed.request, reply.clone()),
            };
            self.arm(poller, now);
            self.tell_retry(poller, error, now);
        }
    }

    fn tell_retry(&mut self, poller: PollerId, error: Option<ApiError>, now: Moment) {
        let Some(error) = error else { return };
        let next = self.due(poller, now) - now;
        let target = match poller {
            PollerId::Discovery => None,
            PollerId::Target(index) => Some(index),
        };
        // After the last poll there is no next one; the error stands in the reason then.
        if !next.is_zero() {
            self.shared.emit(now, EventKind::Retrying { target, error, next });
        }
    }

    /// Ends the watch because of a signal: one last poll, for a second at most. Only the first signal counts.
    pub fn interrupt(&mut self, now: Moment, signal: Signal) {
        if self.signal.is_some() || self.finished.is_some() {
            return;
        }
        self.signal = Some(signal);
        self.close(Closing::by_signal(signal, now, self.closing), now);
    }

    /// Takes what has happened since it was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.shared.take_events()
    }

    /// Returns why nothing was waited for, if so: then there is nothing to report.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.shared.refusal().filter(|_| self.signal.is_none())
    }

    /// Returns what the wait has come to, or where it stands.
    pub fn report(&self, now: Moment) -> Report {
        let now = self.finished.unwrap_or(now);
        let targets = self.targets.iter().map(|target| target.report(now, &self.shared)).collect();
        let failure = self.discovery.end().and_then(|end| end.failure.as_ref());
        Report {
            verdict: self.verdict(),
            run_cause: failure.map(|(_, cause)| cause.clone()),
            started_at: self.shared.started_at(),
            elapsed: now.elapsed(),
            targets,
            api_paused: self.shared.health.wants_peace(now),
            failed_fast: self.shared.settings().fail_fast && self.can_no_longer_pass(),
            dashboard: self.shared.dashboard().cloned(),
            open_workflow: self.discovery.open_workflow().cloned(),
            run_cancelled: None,
            warnings: self.shared.warnings().to_vec(),
        }
    }

    // Polling.

    fn poller(&self, id: PollerId) -> &Poller {
        match id {
            PollerId::Discovery => self.discovery.poller(),
            PollerId::Target(index) => self.targets[index].poller(),
        }
    }

    fn poller_mut(&mut self, id: PollerId) -> &mut Poller {
        match id {
            PollerId::Discovery => self.discovery.poller_mut(),
            PollerId::Target(index) => self.targets[index].poller_mut(),
        }
    }

    fn has_ended(&self, id: PollerId) -> bool {
        match id {
            PollerId::Discovery => self.discovery.end().is_some(),
            PollerId::Target(index) => self.targets[index].has_ended(),
        }
    }

    /// Returns everyone who polls and has not ended.
    fn open_pollers(&self) -> Vec<PollerId> {
        let all = [PollerId::Discovery].into_iter().chain((0..self.targets.len()).map(PollerId::Target));
        all.filter(|poller| !self.has_ended(*poller)).collect()
    }

    fn begin_poll(&mut self, poller: PollerId, now: Moment) {
        match poller {
            PollerId::Discovery => self.discovery.begin_poll(now),
            PollerId::Target(index) => {
                self.targets[index].begin_poll(now, &mut self.shared);
                self.settle(index);
            }
        }
        self.arm(poller, now);
    }

    /// Sets when a poller has something to do: at its turn if its poll goes on, else when its next poll is due or a limit
    /// runs out.
    fn arm(&mut self, poller: PollerId, now: Moment) {
        if self.has_ended(poller) {
            return;
        }
        match self.poller(poller).polling_since() {
            Some(began) => self.flights.enqueue(poller, began),
            None => {
                let at = self.due(poller, now).min(self.first_ring(poller));
                self.timers.set(poller, at);
            }
        }
    }

    fn next_ask(&mut self, now: Moment) -> Option<Ask> {
        if self.shared.health.paused_until() > now {
            return None;
        }
        let (targets, discovery) = (&self.targets, &self.discovery);
        let poller = self.flights.next(|poller| match poller {
            PollerId::Discovery => discovery.poller().request(),
            PollerId::Target(index) => targets[index].poller().request(),
        })?;
        let request = self.poller(poller).request()?.clone();
        let timeout = self.time_limit(poller, now);
        let timeout = match request {
            Request::Dashboard(_) => timeout.min(FOR_A_LINK),
            // Without links an install is asked for only to see whether it exists.
            Request::Install(_) if self.shared.settings().links => timeout.min(FOR_A_LINK),
            _ => timeout,
        };
        let ticket = Ticket(self.flights.send(poller, request.clone(), now));
        Some(Ask { ticket, request, timeout })
    }

    fn reply_to_target(&mut self, index: usize, now: Moment, request: &Request, reply: Reply) -> Option<ApiError> {
        let error = self.targets[index].reply(now, request, reply, &mut self.shared);
        self.settle(index);
        error
    }

    /// Counts a target that has just ended.
    fn settle(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if target.take_ending() {
            self.open -= 1;
            self.passed += usize::from(target.verdict() == Some(Verdict::Passed));
        }
    }

    // Which targets there are.

    fn reply_to_discovery(&mut self, now: Moment, request: &Request, reply: Reply) -> Option<ApiError> {
        match self.discovery.reply(now, request, reply, &self.targets, &self.shared) {
            Discovered::Nothing => {}
            Discovered::Retry(error) => return Some(error),
            Discovered::Joined(joining) => {
                for (target, deploy) in joining {
                    let index = self.targets.len();
                    let (pins, schedule) = (self.pinning.shared.clone(), self.schedule(index));
                    let watch = TargetWatch::following(index, target.clone(), pins, schedule, now, deploy);
                    self.watch(watch, now);
                    self.shared.emit(now, EventKind::Joined { target: index, is: target });
                }
            }
            Discovered::Targets(targets) => match self.enrol(now, targets) {
                Ok(()) => self.end_discovery(None, None, now),
                Err(invalid) => self.shared.refuse(Refusal::Invalid(invalid)),
            },
            Discovered::Unknown(wanted, unknown) => {
                self.end_discovery(Some(wanted), Some((Verdict::Rejected, Cause::NoSuchName(unknown))), now);
            }
            Discovered::End(failure) => self.end_discovery(None, failure, now),
            Discovered::Refused(refusal) => self.shared.refuse(refusal),
        }
        None
    }

    fn schedule(&self, index: usize) -> Schedule {
        let settings = self.shared.settings();
        Schedule::new(settings.intervals, settings.seed.wrapping_add(index as u64))
    }

    fn watch(&mut self, watch: TargetWatch, now: Moment) -> usize {
        let index = self.targets.len();
        self.discovery.note_target(watch.target(), index);
        self.targets.push(watch);
        self.open += 1;
        self.arm(PollerId::Target(index), now);
        index
    }

    /// Begins to watch targets that have been found, all at once.
    fn enrol(&mut self, now: Moment, targets: Vec<Target>) -> Result<(), InvalidSettings> {
        let targets = Targets::new(targets).ok_or_else(|| InvalidSettings::NoTargets(self.discovery.subject()))?;
        self.shared.settings().check(targets.as_slice(), &self.pinning)?;
        for target in targets.as_slice() {
            // That each target has its pins has just been checked.
            let pins = self.pinning.of(target).unwrap_or_default();
            let index = self.targets.len();
            self.watch(TargetWatch::new(index, target.clone(), pins, self.schedule(index), now), now);
        }
        self.shared.emit(now, EventKind::Started { targets: targets.as_slice().to_vec() });
        Ok(())
    }

    /// Ends the search for targets. If it failed, what is wanted is reported as it was typed: the one that is to `blame` with
    /// the failure, or all of them.
    fn end_discovery(&mut self, blame: Option<usize>, failure: Option<(Verdict, Cause)>, now: Moment) {
        let (required, deployed) = (self.needed(), self.targets.len());
        let failure = match failure {
            None if required > deployed => Some((Verdict::Failed, Cause::TooFew { required, deployed })),
            failure => failure,
        };
        if let Some((verdict, cause)) = &failure {
            let mut told = false;
            for (position, index) in self.enrol_as_typed(now) {
                if blame.is_none_or(|blamed| blamed == position) {
                    let end = End::Otherwise(*verdict, cause.clone());
                    self.targets[index].conclude(end, now, &mut self.shared);
                    self.settle(index);
                    told = true;
                }
            }
            if !told {
                let (verdict, cause) = (*verdict, Some(cause.clone()));
                self.shared.emit(now, EventKind::Ended { target: None, verdict, cause });
            }
        }
        self.discovery.set_end(DiscoveryEnd { failure });
    }

    /// Makes a target of each component that is wanted, and returns where it stands in both lists.
    fn enrol_as_typed(&mut self, now: Moment) -> Vec<(usize, usize)> {
        let typed: Vec<(usize, Target)> = self
            .discovery
            .wanted()
            .iter()
            .enumerate()
            .filter_map(|(position, wanted)| match wanted {
                Wanted::Component(install, component) => {
                    Some((position, Target::new(install.clone(), component.clone())))
                }
                Wanted::Install(_) => None,
            })
            .collect();
        if !self.discovery.wanted().is_empty() {
            let targets = typed.iter().map(|(_, target)| target.clone()).collect();
            self.shared.emit(now, EventKind::Started { targets });
        }
        let mut enrolled = Vec::new();
        for (position, target) in typed {
            let index = self.targets.len();
            let watch = TargetWatch::new(index, target, Pins::default(), self.schedule(index), now);
            enrolled.push((position, self.watch(watch, now)));
        }
        enrolled
    }

    // The end.

    fn is_over(&self, now: Moment) -> bool {
        let all_ended = self.open == 0 && self.discovery.end().is_some();
        let out_of_time = self.closing.is_some_and(|closing| now >= closing.until);
        let lost = self.discovery.is_lost() || self.shared.settings().fail_fast && self.can_no_longer_pass();
        self.finished.is_some()
            || self.shared.refusal().is_some()
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
        for poller in self.open_pollers() {
            match (closing, poller) {
                (Some(closing), poller) => {
                    self.poller_mut(poller).time_out(closing.until - closing.from);
                    self.close_poller(poller, closing.by, now);
                }
                (None, PollerId::Target(index)) => {
                    self.targets[index].stop(StoppedBy::Decided, now, &mut self.shared);
                    self.settle(index);
                }
                // A run whose outcome is clear needs no more targets.
                (None, PollerId::Discovery) => {}
            }
        }
    }

    fn needed(&self) -> usize {
        self.shared.settings().require.count(self.targets.len())
    }

    /// Returns whether enough targets have passed. As long as it is not known which there are, none is enough.
    fn has_passed(&self) -> bool {
        self.discovery.is_complete() && !self.targets.is_empty() && self.passed >= self.needed()
    }

    fn can_no_longer_pass(&self) -> bool {
        let found_all = self.discovery.end().is_some();
        let more_to_come = !found_all && self.shared.settings().require != Require::All;
        found_all && !self.discovery.is_complete() || !more_to_come && self.passed + self.open < self.needed()
    }

    /// Returns the verdict of the run: a signal's before all, then a pass if enough targets passed, else the most severe.
    fn verdict(&self) -> Verdict {
        let of_discovery = self.discovery.end().and_then(|end| end.failure.as_ref()).map(|(verdict, _)| *verdict);
        let ends = self.targets.iter().filter_map(TargetWatch::verdict).chain(of_discovery);
        let most_severe = ends.filter(|verdict| *verdict != Verdict::Passed).min();
        match self.signal {
            Some(signal) => Verdict::Interrupted(signal),
            None if self.has_passed() => Verdict::Passed,
            None => most_severe.unwrap_or(Verdict::Pending),
        }
    }
}
