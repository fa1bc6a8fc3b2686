//! The wait as a pure state machine.
//!
//! [`Watch`] is given the time and the API's answers; it returns what to request next and when, and events. It never
//! sleeps, sends, reads a clock or draws a random number that it was not seeded with, so every rule can be tested in
//! virtual time. [`drive`](crate::drive) connects it to the clock and the network.
//!
//! Read it in this order:
//!
//! 1. This file: what the driver calls. `clocks` says what is due, `requests` what is sent, `replies` what each answer
//!    leads to.
//! 2. `api/fact.rs`, outside this folder: where an answer becomes a fact, or no good answer. `settings` and `event`: what
//!    is asked of the watch, and what it says.
//! 3. `target`: one target, its polls, and the record of them for the report. `phase`: what one poll has read, and the
//!    decision about it.
//! 4. `discovery` finds the targets, `own_shard` says which of them are this shard's, `enrolment` starts to watch them.
//! 5. `last_polls` and `outcome`: the end.
//!
//! Below that is the machinery. One poller each: `poller` (its polls and their requests), `errors` (when to give up). For
//! all of them: `shared`, with `api_health` (outages and pauses), `era` (the server's clock), `install_lists`, `queues` and
//! `takeovers` (what more than one of them needs); `flights` (requests in flight), `budget` (their rate) and `timers`.
//! `freshness` tells a newer answer from an older one. `long_polls` and `logs` send further requests, and decide nothing.
//!
//! # Promises
//!
//! 1. A target passes only with a [`Proof`], which only the decision makes: the deploy's identity by an answer that names its
//!    install and its component, a passing status that is the newest by the server's account, and the steps of its workflow
//!    that work on it, or one of the exceptions in [`Basis`].
//! 2. The watch ends by its deadline plus one request's time limit, whatever the API does; after a signal within a second.
//! 3. It never polls the same target more often than its intervals allow, but for the last poll when a limit expires, and
//!    when a long poll says that a step has ended.
//! 4. The same seed and the same answers at the same times give the same events.
//!
//! `tests/core/promises` checks these promises on generated servers, with an oracle that shares no code with it.

mod api_health;
mod budget;
mod clocks;
mod discovery;
mod enrolment;
mod era;
mod errors;
mod event;
mod flights;
mod freshness;
mod install_lists;
mod last_polls;
mod logs;
mod long_polls;
mod outcome;
mod own_shard;
mod phase;
mod poller;
mod queues;
mod replies;
mod requests;
mod settings;
mod shared;
mod takeovers;
mod target;
mod timers;

use std::time::Duration;

use jiff::Timestamp;

pub(crate) use self::budget::Budget;
use self::discovery::Discovery;
pub use self::event::{Event, EventKind, Pace, Pending, Refusal, RunEvent};
use self::flights::{Flights, PollerId};
pub(crate) use self::install_lists::FEWEST as LIST_SERVES;
pub(crate) use self::last_polls::LAST_POLL_AFTER_SIGNAL;
use self::last_polls::LastPolls;
pub use self::logs::unfollowed::Unfollowed;
use self::long_polls::LongPolls;
use self::own_shard::OwnShard;
pub use self::phase::{Basis, HealthProof, Proof};
pub(crate) use self::phase::{is_cut_off, rows_of};
use self::poller::Poller;
pub(crate) use self::requests::PLAN_TIMEOUT;
pub use self::settings::{
    Clocks, Followed, InvalidSettings, Mode, OnApproval, OnStale, OnSuperseded, Scope, WatchSettings,
};
use self::shared::Shared;
use self::target::TargetWatch;
use self::timers::Timers;
use crate::api::Request;
use crate::pins::Pinning;
use crate::resolve::{Resolution, Resolver};
use crate::schedule::Schedule;
use crate::{Dashboard, Moment, Signal, Verdict};

/// How long a deploy and its workflow, or a run and its installs, may contradict each other. They are read one after
/// the other, and some servers read from a replica that lags, so one of them may only lag behind.
///
/// It is shorter than the two minutes for which a state must seem older by its times before it counts (`freshness`): that
/// happens only where a clock is wrong, and a wrong order of two states is worse than a delay.
const LAG: Duration = Duration::from_secs(30);
/// The interval of heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Send this request, then ask for the next instruction at once.
    Ask(Ask),
    /// Wait until then, or until an answer comes.
    Sleep(Moment),
    /// The wait is over: take the [`Watch::report`].
    Done,
}

/// Ties an answer to its request. The answer to an abandoned request is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// A request to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Returned with the answer.
    pub ticket: Ticket,
    /// The request.
    pub request: Request,
    /// The request's timeout.
    pub timeout: Duration,
}

/// Whether the rate limit delays polls beyond the longest interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stretch {
    None,
    /// It has delayed a poll, which has not been reported.
    Delayed,
    /// That has been reported.
    Reported,
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
    own_shard: OwnShard,
    flights: Flights,
    timers: Timers,
    long_polls: LongPolls,
    budget: Budget,
    stretch: Stretch,
    last_polls: Option<LastPolls>,
    signal: Option<Signal>,
    finished: Option<Moment>,
}

impl Watch {
    /// Creates a watch that starts at `started_at` by the wall clock, from which every later time is counted.
    ///
    /// # Errors
    ///
    /// If the settings leave nothing to wait for: more targets are required than there are, or one deploy's id is a
    /// pin for several targets.
    pub fn new(
        settings: WatchSettings,
        scope: Scope,
        pinning: impl Into<Pinning>,
        started_at: Timestamp,
    ) -> Result<Self, InvalidSettings> {
        let pinning = pinning.into();
        // Far from the targets' own seeds.
        let schedule = Schedule::new(settings.intervals, settings.seed.wrapping_add(u64::MAX / 2));
        let (discovery, known) = match scope {
            Scope::Targets(targets) => (Discovery::over(schedule), Some(targets.as_slice().to_vec())),
            Scope::Workflow(id, installs) => {
                WatchSettings::check_workflow(&pinning)?;
                (Discovery::of_workflow(id, installs, settings.on_approval, schedule), None)
            }
            Scope::Branch(typed) => {
                WatchSettings::check_workflow(&pinning)?;
                (Discovery::of_branch(typed, schedule), None)
            }
            Scope::Wanted(wanted) => {
                settings.check_wanted(&wanted)?;
                let mut resolver = Resolver::new(wanted);
                match resolver.resolve() {
                    Resolution::Targets(targets) => (Discovery::over(schedule), Some(targets)),
                    _ => (Discovery::of_names(resolver, schedule), None),
                }
            }
        };
        let budget = Budget::new(settings.max_rps);
        let are_wanted = settings.long_poll && settings.mode == Mode::Wait;
        let long_polls = LongPolls::new(settings.intervals.min(), are_wanted);
        let once = (settings.mode == Mode::Once).then(|| LastPolls::once(settings.request_timeout));
        let own_shard = OwnShard::new(settings.sharding.clone());
        let mut watch = Self {
            shared: Shared::new(settings, started_at),
            pinning,
            discovery,
            targets: Vec::new(),
            open: 0,
            passed: 0,
            own_shard,
            flights: Flights::default(),
            timers: Timers::default(),
            long_polls,
            budget,
            stretch: Stretch::None,
            last_polls: once,
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
        if !watch.discovery.has_ended() {
            watch.timers.set(PollerId::Discovery, Moment::START);
        }
        Ok(watch)
    }

    /// Returns what to do now.
    pub fn next(&mut self, now: Moment) -> Instruction {
        self.check_deadline(now);
        // Before `wake`, which ends pollers by their own limits: an API that does not answer cannot show any change.
        self.check_outage(now);
        self.wake(now);
        if self.is_over(now) {
            self.finish(now);
            return Instruction::Done;
        }
        self.heartbeat(now);
        match self.next_ask(now).or_else(|| self.next_long_poll(now)).or_else(|| self.next_of_log(now)) {
            Some(ask) => Instruction::Ask(ask),
            None => Instruction::Sleep(self.next_wake(now)),
        }
    }

    /// Ends the watch because of a signal: one last poll, for a second at most. Only the first signal counts.
    pub fn interrupt(&mut self, now: Moment, signal: Signal) {
        if self.signal.is_some() || self.finished.is_some() {
            return;
        }
        self.signal = Some(signal);
        self.begin_last_polls(LastPolls::by_signal(signal, now, self.last_polls), now);
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.shared.take_events()
    }

    /// Returns the dashboard, once it is known.
    pub fn dashboard(&self) -> Option<&Dashboard> {
        self.shared.dashboard()
    }

    /// Returns why nothing was waited for; then there is nothing to report.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.shared.refusal().filter(|_| self.signal.is_none())
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
            PollerId::Discovery => self.discovery.has_ended(),
            PollerId::Target(index) => self.targets[index].has_ended(),
        }
    }

    /// Returns all pollers that have not ended.
    fn open_pollers(&self) -> Vec<PollerId> {
        let all = [PollerId::Discovery].into_iter().chain((0..self.targets.len()).map(PollerId::Target));
        all.filter(|poller| !self.has_ended(*poller)).collect()
    }

    fn begin_poll(&mut self, poller: PollerId, now: Moment) {
        match poller {
            PollerId::Discovery => self.discovery.begin_poll(now, &self.targets, &self.shared),
            PollerId::Target(index) => {
                self.targets[index].begin_poll(now, &mut self.shared);
                self.count_end(index);
            }
        }
        self.arm(poller, now);
    }

    /// Sets a poller's timer: its turn if its poll goes on, else its next poll or the first timeout.
    fn arm(&mut self, poller: PollerId, now: Moment) {
        if self.has_ended(poller) {
            return;
        }
        match self.poller(poller).polling_since() {
            Some(began) => {
                if let Some(request) = self.poller(poller).request().cloned() {
                    self.flights.enqueue(poller, began, &request);
                }
            }
            None => {
                let at = self.due(poller, now).min(self.first_limit(poller));
                self.timers.set(poller, at);
            }
        }
    }

    /// Counts a target that has just ended.
    fn count_end(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if target.take_ending() {
            self.open -= 1;
            self.shared.install_lists_mut().leave(&target.target().install);
            self.long_polls.forget(PollerId::Target(index));
            self.shared.logs_mut().leave(index);
            self.passed += usize::from(target.verdict() == Some(Verdict::Passed));
            if self.open == 0 && self.last_polls.is_some() && !self.discovery.has_ended() {
                // At once: it decides when its last target has ended.
                self.timers.set(PollerId::Discovery, Moment::START);
            }
        }
    }
}
