//! How one thing is asked about: look after look, each of one or several questions.

use std::time::Duration;

use super::context::Context;
use super::request::Request;
use crate::client::ErrorClass;
use crate::schedule::{Found, Schedule};
use crate::{ApiError, Moment};

/// 401 and 403 are final only when this many come in a row, once there was a good answer: the server also says so when
/// its database or its identity provider is in trouble (facts: authentication).
const DENIALS: u32 = 5;
/// An id that is not found this many times in a row does not exist. Once may be a lagging replica.
const MISSES: u32 = 3;

/// A look: one or several questions that together say where something stands.
#[derive(Debug)]
pub(super) struct Look {
    /// When it began.
    pub(super) began: Moment,
    /// The question that is asked or to be asked.
    pub(super) request: Request,
    in_flight: Option<u64>,
}

/// How often one thing has been answered in the same bad way, without a better answer in between. Good answers to other
/// questions of the same look do not count: a right that is missing for one of them will not come back by itself.
#[derive(Debug, Default)]
struct Streak(Option<(Request, u32)>);

impl Streak {
    fn count(&mut self, request: &Request) -> u32 {
        let before = self.0.take().filter(|(own, _)| own == request);
        let count = before.map_or(1, |(_, count)| count + 1);
        self.0 = Some((request.clone(), count));
        count
    }

    fn end(&mut self, request: &Request) {
        self.0.take_if(|(own, _)| own == request);
    }
}

/// What an answer led to.
pub(super) enum Learned<E> {
    /// The look needs another answer.
    More(Request),
    /// The look is over, the wait is not.
    Over(Found),
    /// The look is over, and the next is due then, or after the shortest interval.
    Later(Moment),
    /// The look failed and will be repeated.
    Failed(ApiError),
    /// Everything is known.
    Ended(E),
}

/// The looks at one thing: when the next is due, and how the API has treated it so far.
#[derive(Debug)]
pub(super) struct Inquiry {
    schedule: Schedule,
    due: Moment,
    look: Option<Look>,
    looked: Option<Moment>,
    serial: u64,
    /// What was denied.
    denied: Streak,
    /// What was not found.
    missing: Streak,
    last_error: Option<ApiError>,
}

impl Inquiry {
    pub(super) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            due: Moment::START,
            look: None,
            looked: None,
            serial: 0,
            denied: Streak::default(),
            missing: Streak::default(),
            last_error: None,
        }
    }

    /// Returns whether a question is under way.
    pub(super) fn is_asking(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.in_flight.is_some())
    }

    /// Returns when the look began that waits to be continued, if one does.
    pub(super) fn mid_look_since(&self) -> Option<Moment> {
        self.look.as_ref().filter(|look| look.in_flight.is_none()).map(|look| look.began)
    }

    /// Returns whether a whole look began at this moment or later.
    pub(super) fn has_looked_since(&self, moment: Moment) -> bool {
        self.looked.is_some_and(|looked| looked >= moment)
    }

    /// Returns when the next look is due.
    pub(super) fn due(&self) -> Moment {
        self.due
    }

    /// Returns what was wrong with the last look.
    pub(super) fn last_error(&self) -> Option<&ApiError> {
        self.last_error.as_ref()
    }

    /// Gives up the question under way, if any: its answer would come too late.
    pub(super) fn give_up_look(&mut self) {
        self.look = None;
    }

    /// Takes note that the question under way, if any, has not been answered in time.
    pub(super) fn time_out(&mut self, limit: Duration) {
        if self.is_asking() {
            self.look = None;
            self.last_error = Some(ApiError::Timeout(limit));
        }
    }

    /// Begins a look with its first question, or continues one: returns the question and its serial number.
    pub(super) fn ask(&mut self, now: Moment, first: impl FnOnce() -> Request) -> (Request, u64) {
        self.serial += 1;
        let look = self.look.get_or_insert_with(|| Look { began: now, request: first(), in_flight: None });
        look.in_flight = Some(self.serial);
        (look.request.clone(), self.serial)
    }

    /// Takes the look whose question has been answered. An answer to any but the newest question is dropped.
    pub(super) fn take(&mut self, serial: u64) -> Option<Look> {
        self.look.take_if(|look| look.in_flight == Some(serial))
    }

    /// Takes note of a good answer. It says nothing of whether something else exists, which the same look asks for.
    pub(super) fn good(&mut self, request: &Request) {
        self.denied.end(request);
        self.missing.end(request);
        self.last_error = None;
    }

    /// Takes note of an error, and tells whether it is final. Who looks only once does not get to ask again for an id that a
    /// user has named; what has to be known of others is not known then.
    pub(super) fn is_final(&mut self, error: &ApiError, request: &Request, named: bool, context: &Context) -> bool {
        if error.class() != ErrorClass::Denied {
            self.denied.end(request);
        }
        match error.class() {
            ErrorClass::Denied => self.denied.count(request) >= DENIALS || !context.health.ever_good,
            ErrorClass::Missing => {
                self.missing.count(request) >= MISSES || !request.may_lag() || named && context.is_glance()
            }
            ErrorClass::Refused => true,
            ErrorClass::Untrusted | ErrorClass::Transient => false,
        }
    }

    /// Carries on with a look, and returns the error if it has to be repeated, or how it ended.
    pub(super) fn carry_on<E>(
        &mut self,
        now: Moment,
        look: &Look,
        learned: Learned<E>,
    ) -> (Option<ApiError>, Option<E>) {
        match learned {
            Learned::More(request) => {
                self.look = Some(Look { began: look.began, request, in_flight: None });
                (None, None)
            }
            Learned::Over(found) => {
                self.looked = Some(look.began);
                self.due = now + self.schedule.after(found);
                (None, None)
            }
            Learned::Later(due) => {
                self.looked = Some(look.began);
                self.due = due.max(now + self.schedule.shortest());
                (None, None)
            }
            Learned::Failed(error) => {
                self.looked = Some(look.began);
                self.due = now + self.schedule.after(Found::Trouble);
                self.last_error = Some(error.clone());
                (Some(error), None)
            }
            Learned::Ended(end) => (None, Some(end)),
        }
    }
}
