//! Which answers belong to one poll: requests that follow each other with pauses shorter than the shortest interval.

use std::collections::BTreeSet;

use super::answer::status;
use super::ask::Ask;
use super::case::{Case, Seen};
use super::flow::Flow;
use crate::transcript::Exchange;

/// For how long a 429 reduces the rate of the requests.
const RECOVERED_MS: u64 = 60_000;

/// How far apart the requests of a poll can be while the rate is reduced.
const SLOWED_MS: u64 = 1_000;

impl Case<'_> {
    /// Returns whether two facts can be of one poll (contract: read in the same poll).
    ///
    /// A pause that the server asked for, for any target, does not end a poll.
    pub(super) fn same_poll<A, B>(&self, one: &Seen<A>, two: &Seen<B>) -> bool {
        let (from, to) = if one.sent <= two.sent { (one.done, two.sent) } else { (two.done, one.sent) };
        self.unbroken(from, to)
    }

    /// Returns whether there is no pause as long as an interval between two times.
    pub(super) fn unbroken(&self, from: u64, to: u64) -> bool {
        let is_slowed = self.is_slowed(from, to);
        let pause = if is_slowed { self.pause().max(SLOWED_MS) } else { self.pause() };
        let (mut busy_until, mut asked) = (from, BTreeSet::new());
        let until = self.by_sent.iter().take_while(|own| own.sent_ms <= to);
        for own in until.filter(|own| own.done_ms >= from && (is_slowed || self.concerns(own))) {
            busy_until = self.paused_until(busy_until, pause);
            // No poll asks twice, however long its requests wait.
            let is_next = is_slowed && self.is_of_poll(own) && !asked.insert(&own.path);
            if is_next || own.sent_ms >= busy_until.saturating_add(pause) {
                return false;
            }
            busy_until = busy_until.max(own.done_ms);
        }
        to < self.paused_until(busy_until, pause).saturating_add(pause)
    }

    /// Returns whether a request is one of this target's polls, and of no other's.
    fn is_of_poll(&self, exchange: &Exchange) -> bool {
        matches!(Ask::of(&exchange.path), Ask::Latest(..) | Ask::Detail(..)) && self.concerns(exchange)
    }

    /// Returns until when the server had asked to wait, if that began before a poll would have been over.
    fn paused_until(&self, busy_until: u64, pause: u64) -> u64 {
        let began = self.pauses.iter().filter(|(done, _)| *done < busy_until.saturating_add(pause));
        began.map(|(_, until)| *until).fold(busy_until, u64::max)
    }

    /// Returns whether the rate of the requests can be reduced in this time, so that those of a poll wait for those of
    /// other targets (contract: halved on 429, then recovering).
    fn is_slowed(&self, from: u64, to: u64) -> bool {
        self.reads.iter().any(|own| status(own) == 429 && own.done_ms <= to && from <= own.done_ms + RECOVERED_MS)
    }

    /// Returns the shortest pause between two polls: a part of the interval, and longer than the requests of a fleet
    /// wait for each other.
    fn pause(&self) -> u64 {
        let each = (self.question.min_interval_ms / 10).clamp(1, 100);
        let fleet = each * u64::try_from(self.question.targets.len()).unwrap_or(u64::MAX / each);
        (self.question.min_interval_ms * 3 / 4).max(fleet)
    }

    /// Returns whether a request can belong to this target's polls.
    pub(super) fn concerns(&self, exchange: &Exchange) -> bool {
        match Ask::of(&exchange.path) {
            Ask::Latest(i, c) | Ask::List(i, c) | Ask::Component(i, c) => i == self.install && c == self.component,
            Ask::Detail(i, c, d) => {
                let met = self.rows.iter().chain(&self.strangers).any(|seen| seen.what.id == d);
                let asked = self.question.deploy.as_ref() == Some(&d) || self.outcome.deploy.as_ref() == Some(&d);
                i == self.install && c.is_none_or(|own| own == self.component) && (met || asked)
            }
            Ask::Flow(w) | Ask::Steps(w) => {
                self.question.workflow.as_ref() == Some(&w) || self.rows.iter().any(|seen| seen.what.workflow == w)
            }
            Ask::Install(i) | Ask::InstallList(i) => i == self.install,
            Ask::Observed(i, part) => i == self.install && self.parts.contains(&part),
            Ask::Sign | Ask::Log => false,
            Ask::Flows | Ask::Other => true,
        }
    }

    /// Returns the good answers about a workflow from its last poll.
    pub(super) fn last_flows(&self, workflow: &str) -> Vec<&Seen<Flow>> {
        let Some(last) = self.flow_of(workflow).next_back() else { return Vec::new() };
        self.flow_of(workflow).filter(|seen| self.same_poll(seen, last)).collect()
    }

    /// The same, from the last poll in which one named no other install: an answer that does is no good one.
    pub(super) fn last_own_flows(&self, workflow: &str) -> Vec<&Seen<Flow>> {
        let is_own = |seen: &&Seen<Flow>| seen.what.owner.is_empty() || seen.what.owner == self.install;
        let Some(last) = self.flow_of(workflow).rfind(is_own) else { return Vec::new() };
        self.flow_of(workflow).filter(is_own).filter(|seen| self.same_poll(seen, last)).collect()
    }
}
