//! Requests in flight. The same request of several pollers is sent once, and its answer is given to all of them.

use std::collections::{BTreeSet, HashMap};

use super::poller::Poller;
use crate::Moment;
use crate::api::Request;

/// How many requests may be in flight.
const MOST_AT_ONCE: usize = 16;

/// Identifies a poller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PollerId {
    /// The discovery of targets.
    Discovery,
    /// The target at this position.
    Target(usize),
}

/// A request in flight.
#[derive(Debug)]
struct Flight {
    request: Request,
    sent: Moment,
    pollers: Vec<PollerId>,
}

/// The requests in flight, and the pollers that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// A sequence number for everything that happens here.
    order: u64,
    under_way: HashMap<u64, Flight>,
    serials: HashMap<Request, u64>,
    /// Pollers that need a request that was already in flight: its answer may be older than what they have read.
    waiting: HashMap<Request, Vec<PollerId>>,
    /// Pollers that wait for their turn.
    ready: BTreeSet<Need>,
    /// What they need. May hold pollers that no longer wait.
    wanting: HashMap<Request, Vec<Need>>,
}

/// Since when a poller waits, its id, and the order of arrival.
type Need = (Moment, PollerId, u64);

impl Flights {
    /// Queues a poller that needs a request, due at this time: the longest wait is served first.
    pub(super) fn enqueue(&mut self, poller: PollerId, since: Moment, request: &Request) {
        self.order += 1;
        let need = (since, poller, self.order);
        self.ready.insert(need);
        self.wanting.entry(request.clone()).or_default().push(need);
    }

    /// Returns the next poller whose request has to be sent, if one may be, given what each needs. A list of an install that
    /// is under way will do, unless the poller knows of something newer: discovery needs one that was sent after the success
    /// that it has read.
    pub(super) fn next<'a>(&mut self, poller_of: impl Fn(PollerId) -> &'a Poller) -> Option<PollerId> {
        while let Some(first) = self.ready.pop_first() {
            let (_, poller, _) = first;
            let own = poller_of(poller);
            let Some(request) = own.request() else { continue };
            let serial = self.serials.get(request).copied();
            let full = self.under_way.len() >= MOST_AT_ONCE;
            match serial.and_then(|serial| self.under_way.get_mut(&serial)) {
                Some(flight) if is_list(request) && !own.is_hurried() && poller != PollerId::Discovery => {
                    flight.pollers.push(poller);
                }
                Some(_) => self.waiting.entry(request.clone()).or_default().push(poller),
                None if full => {
                    self.ready.insert(first);
                    return None;
                }
                None => return Some(poller),
            }
        }
        None
    }

    /// Returns a serial number for a request outside of this queue.
    pub(super) fn number(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Records that a request is being sent for a poller and for all others that wait to send it; returns its serial
    /// number.
    pub(super) fn send(&mut self, poller: PollerId, request: Request, now: Moment) -> u64 {
        let serial = self.number();
        self.serials.insert(request.clone(), serial);
        let others = self.wanting.remove(&request).unwrap_or_default().into_iter();
        let waiting = others.filter(|need| self.ready.remove(need)).map(|(_, other, _)| other);
        let pollers = [poller].into_iter().chain(waiting).collect();
        self.under_way.insert(serial, Flight { request, sent: now, pollers });
        serial
    }

    /// Records an answer, and returns the request and the pollers that need it; `None` if the request had been given
    /// up. Pollers that waited to send it again may do so now.
    pub(super) fn land(&mut self, serial: u64, now: Moment) -> Option<(Request, Vec<PollerId>)> {
        let Flight { request, pollers, .. } = self.under_way.remove(&serial)?;
        self.serials.remove(&request);
        for poller in self.waiting.remove(&request).unwrap_or_default() {
            self.enqueue(poller, now, &request);
        }
        Some((request, pollers))
    }

    /// Returns a request and when it was sent, unless it was given up.
    pub(super) fn under_way(&self, serial: u64) -> Option<(&Request, Moment)> {
        self.under_way.get(&serial).map(|flight| (&flight.request, flight.sent))
    }

    /// Returns whether a request of this poller's is under way.
    pub(super) fn is_under_way(&self, poller: PollerId) -> bool {
        self.under_way.values().any(|flight| flight.pollers.contains(&poller))
    }

    /// Returns all pollers that wait for a turn.
    pub(super) fn ready_pollers(&self) -> Vec<PollerId> {
        self.ready.iter().map(|(_, poller, _)| *poller).collect()
    }

    /// Returns whether nothing is in flight and no poller waits.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.ready.is_empty()
    }

    /// Returns whether a poller waits for a turn.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Gives everything up.
    pub(super) fn give_up(&mut self) {
        *self = Self { order: self.order, ..Self::default() };
    }
}

fn is_list(request: &Request) -> bool {
    matches!(request, Request::InstallDeploys(_))
}
