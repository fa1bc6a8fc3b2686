//! Follows the deploys' logs, for people. Logs decide nothing: they use requests that the polls do not need, their
//! errors count neither as errors nor as an outage, and nothing waits for them.

mod position;
pub(super) mod unfollowed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use self::position::{Part, Position, Useless};
use self::unfollowed::{MOST_IN_ALL, MOST_LINES, Unfollowed};
use super::event::EventKind;
use super::settings::Followed;
use crate::api::{ApiError, Reply, Request};
use crate::log_tail::{Logged, lines};
use crate::model::{Deploy, LogRecord, Status};
use crate::schedule::{Intervals, Observed, Schedule};
use crate::{DeployId, LogStreamId, Moment};

/// The most logs that are followed at once. People cannot read more.
const MOST_AT_ONCE: usize = 8;
/// After this many logs that could not be followed, no other one is begun.
const MOST_FAILED: usize = 8;
/// How long a request may take. The server keeps a long poll open for as long as requested.
const TIMEOUT: Duration = Duration::from_secs(10);
const TAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// After this many bad answers in a row, a way of reading is given up.
const MOST_ERRORS: u32 = 3;
/// The longest pause that is kept.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The upper bound of the shortest time between two requests for a log without new lines.
const LONGEST_PACE: Duration = Duration::from_secs(2);
/// After this many parts without a pause, there is one anyway.
const MOST_PARTS: u32 = 50;
/// The most lines of one record that are shown.
const MOST_OF_RECORD: usize = 100;

/// The logs of a watch.
#[derive(Debug)]
pub(super) struct Logs {
    /// `None`: no log is wanted.
    which: Option<Followed>,
    intervals: Intervals,
    seed: u64,
    /// By the target's position.
    followed: BTreeMap<usize, Log>,
    /// The requests under way.
    open: HashMap<u64, (usize, DeployId)>,
    /// Deploys whose log is no longer followed.
    over: HashSet<DeployId>,
    failed: usize,
    /// The number of reported lines.
    shown: usize,
    paused_until: Moment,
}

/// A log that is followed, once its stream is known.
#[derive(Debug)]
struct Log {
    deploy: DeployId,
    stream: Option<LogStreamId>,
    schedule: Schedule,
    /// When it is requested next.
    due: Moment,
    /// When it was requested, if the answer is outstanding.
    asked: Option<Moment>,
    position: Position,
    errors: u32,
    /// How many parts have been read without a pause.
    parts: u32,
    shown: usize,
}

impl Logs {
    pub(super) fn new(which: Option<Followed>, intervals: Intervals, seed: u64) -> Self {
        let pace = intervals.min().min(LONGEST_PACE);
        Self {
            which,
            intervals: Intervals::new(pace, intervals.max()).unwrap_or(intervals),
            seed,
            followed: BTreeMap::new(),
            open: HashMap::new(),
            over: HashSet::new(),
            failed: 0,
            shown: 0,
            paused_until: Moment::START,
        }
    }

    /// Records the deploy that a target waits for now, if any. A log begins with its deploy.
    pub(super) fn note(&mut self, target: usize, deploy: Option<&Deploy>, now: Moment) {
        let Some((deploy, id)) = deploy.and_then(|deploy| Some((deploy, deploy.id.as_ref()?))) else {
            return self.leave(target);
        };
        if self.followed.get(&target).is_some_and(|log| log.deploy != *id) {
            self.leave(target);
        }
        let has_begun = !matches!(deploy.current_status(), Status::Queued | Status::Pending);
        if !self.followed.contains_key(&target) && has_begun && self.has_room(id) {
            self.followed
                .insert(target, Log::new(id.clone(), self.intervals, self.seed.wrapping_add(target as u64), now));
        }
        if let Some(log) = self.followed.get_mut(&target).filter(|log| log.stream.is_none()) {
            log.stream = deploy.log_stream_id().cloned();
            deploy.conceal_log_token(true);
        }
    }

    /// The target no longer waits, or not for that deploy.
    pub(super) fn leave(&mut self, target: usize) {
        self.followed.remove(&target);
    }

    fn has_room(&self, deploy: &DeployId) -> bool {
        self.which.is_some()
            && self.followed.len() < MOST_AT_ONCE
            && self.failed < MOST_FAILED
            && self.shown < MOST_IN_ALL
            && !self.over.contains(deploy)
    }

    /// Returns whether the log stream of a target's deploy is still needed, which only its detail names.
    pub(super) fn wants_stream(&self, target: usize) -> bool {
        self.followed.get(&target).is_some_and(|log| log.stream.is_none())
    }

    /// Returns when the next request may be sent.
    pub(super) fn due(&self) -> Option<Moment> {
        self.next().map(|(_, log)| log.due.max(self.paused_until))
    }

    fn next(&self) -> Option<(usize, &Log)> {
        let ready = self.followed.iter().filter(|(_, log)| log.stream.is_some() && log.asked.is_none());
        ready.min_by_key(|(_, log)| log.due).map(|(target, log)| (*target, log))
    }

    /// Returns the next request and its time limit, if one is due.
    pub(super) fn open(&mut self, now: Moment, serial: u64) -> Option<(Request, Duration)> {
        self.due().filter(|due| *due <= now)?;
        let (target, _) = self.next()?;
        let log = self.followed.get_mut(&target)?;
        let request = log.position.request(log.stream.as_ref()?);
        log.asked = Some(now);
        self.open.insert(serial, (target, log.deploy.clone()));
        Some((request, if log.position.is_in_pages() { TIMEOUT } else { TAIL_TIMEOUT }))
    }

    /// Handles an answer, and returns the events; `None` if it is not about a log.
    pub(super) fn accept(&mut self, now: Moment, serial: u64, reply: &Reply) -> Option<Vec<EventKind>> {
        let (target, deploy) = self.open.remove(&serial)?;
        // Polls go on, whatever a server asks for here: a log must not delay them.
        if let Err(error) = reply {
            let pause = error.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
            self.paused_until = self.paused_until.max(now + pause);
        }
        let mut events = Vec::new();
        let Some((log, which)) = self.followed.get_mut(&target).filter(|log| log.deploy == deploy).zip(self.which)
        else {
            return Some(events);
        };
        let outcome = log.accept(now, reply).and_then(|records| {
            let wanted = records.iter().filter(|record| which == Followed::All || record.is_error());
            let mut new: Vec<Logged> = wanted.flat_map(|record| lines(record).take(MOST_OF_RECORD)).collect();
            let (room, in_all) = (MOST_LINES - log.shown, MOST_IN_ALL - self.shown);
            let has_room = match new.len() {
                count if count > room => Err(Unfollowed::TooLong),
                count if count > in_all => Err(Unfollowed::TooMany),
                _ => Ok(()),
            };
            new.truncate(room.min(in_all));
            (log.shown, self.shown) = (log.shown + new.len(), self.shown + new.len());
            if !new.is_empty() {
                events.push(EventKind::Logged { target, lines: new });
            }
            has_room
        });
        if let Err(why) = outcome {
            self.end(target, deploy, &why);
            events.push(EventKind::LogEnded { target, why });
        }
        Some(events)
    }

    /// Gives up a log, so that another one can be followed.
    fn end(&mut self, target: usize, deploy: DeployId, why: &Unfollowed) {
        self.followed.remove(&target);
        self.over.insert(deploy);
        match why {
            Unfollowed::NoAnswer(_) | Unfollowed::Repeated => self.failed += 1,
            Unfollowed::TooLong => {}
            // The others have ended as well, which was reported.
            Unfollowed::TooMany => self.give_up(),
        }
    }

    /// Gives up all of them: there is no time left, or there are too many lines.
    pub(super) fn give_up(&mut self) {
        self.which = None;
        self.followed.clear();
    }
}

impl Log {
    fn new(deploy: DeployId, intervals: Intervals, seed: u64, now: Moment) -> Self {
        Self {
            deploy,
            stream: None,
            schedule: Schedule::new(intervals, seed),
            due: now,
            asked: None,
            position: Position::default(),
            errors: 0,
            parts: 0,
            shown: 0,
        }
    }

    /// Handles an answer, and returns its records.
    fn accept<'a>(&mut self, now: Moment, reply: &'a Reply) -> Result<&'a [LogRecord], Unfollowed> {
        let asked = self.asked.take().unwrap_or(now);
        let answer = match reply {
            Ok(answer) => answer,
            Err(error) => {
                self.on_error(now, error)?;
                return Ok(&[]);
            }
        };
        let is_in_pages = self.position.is_in_pages();
        let Part { records, has_more } = self.position.accept(&answer.fact).map_err(|Useless| Unfollowed::Repeated)?;
        self.errors = 0;
        let pause = self.schedule.after(if records.is_empty() { Observed::Nothing } else { Observed::Change });
        self.parts = if has_more && self.parts < MOST_PARTS { self.parts + 1 } else { 0 };
        self.due = match is_in_pages {
            _ if self.parts > 0 => now,
            true => now + pause,
            // The server has waited already.
            false => (asked + pause).max(now),
        };
        Ok(records)
    }

    /// A bad answer: requested again, then in the other way, and then given up.
    fn on_error(&mut self, now: Moment, error: &ApiError) -> Result<(), Unfollowed> {
        self.errors += 1;
        self.due = now + self.schedule.after(Observed::Trouble);
        if self.errors < MOST_ERRORS {
            return Ok(());
        }
        self.errors = 0;
        if self.position.turn_to_pages() { Ok(()) } else { Err(Unfollowed::NoAnswer(error.clone())) }
    }
}
