//! What the answers say about a component's health since its deploy passed (contract: requiring health; facts:
//! component health).

mod plain;
mod verdicts;

use serde_json::Value;

use super::answer::{body, server_time};
use super::ask::Ask;
use super::case::word_of;
use super::case::{Case, Seen};
use super::row::{Kind, Row};
use super::table::Word;
use super::text::{instant, status_word, text, truth};
use crate::transcript::Exchange;

pub(super) use self::plain::{baked_until, check as alive};
pub(super) use self::verdicts::{inconclusive, lack, supports_failure};

/// How much newer than the deploy's end an observation has to be to show by its time alone that it was made since then,
/// in microseconds. The status has whole seconds.
const APART: i64 = 59_000_000;

/// The server's word in one answer.
#[derive(Debug)]
struct Told {
    sent: u64,
    done: u64,
    word: String,
    /// Since when it is the same, in microseconds.
    since: Option<i64>,
}

/// What one answer shows as observed.
#[derive(Debug)]
struct Look {
    sent: u64,
    done: u64,
    /// The time of the newest observation, in microseconds.
    newest: Option<i64>,
    /// Something is healthy.
    is_good: bool,
    /// Something is not, and can be so since the deploy's end.
    is_bad: bool,
    /// Everything is healthy, as far as it is anything.
    is_plain: bool,
    server_time: Option<i64>,
}

/// What is known of the health of a deploy's component since the deploy passed.
struct Health<'a> {
    case: &'a Case<'a>,
    /// When the deploy passed, by the server's account, in microseconds.
    ended: Option<i64>,
    /// The latest time at which it can have passed: one clock that was put back makes a later pass the earlier one, and
    /// another the pass earlier than the deploy.
    ended_by: Option<i64>,
    /// When the first answer was requested that showed this, or an earlier pass.
    passed_ms: u64,
    /// When the first answer was requested that showed the last pass.
    ended_ms: u64,
    told: Vec<Told>,
    looks: Vec<Look>,
}

/// Returns for how long the component has to be healthy, if the question asks for that. A teardown needs no health.
fn required(case: &Case, deploy: &str) -> Option<u64> {
    case.question.healthy_for_ms.filter(|_| case.kind(deploy) != Kind::Teardown)
}

/// Returns whether an answer is about a component's health, so that an error in it says nothing else. The component
/// itself may also be read to know whether it exists, while no deploy was seen.
pub(super) fn is_about(case: &Case, exchange: &Exchange) -> bool {
    let passed =
        || case.rows.iter().any(|seen| word_of(case, &seen.what) == Word::Passes && seen.sent <= exchange.sent_ms);
    match Ask::of(&exchange.path) {
        Ask::Observed(..) => true,
        Ask::Component(..) => case.question.healthy_for_ms.is_some() && passed(),
        _ => false,
    }
}

impl<'a> Health<'a> {
    /// Collects it; nothing if the deploy was never seen passing.
    fn of(case: &'a Case<'a>, deploy: &str) -> Option<Self> {
        let passing = |mut rows: Vec<&'a Seen<Row>>| {
            rows.retain(|seen| word_of(case, &seen.what) == Word::Passes);
            rows
        };
        let mut newest = passing(case.newest(deploy));
        if newest.is_empty() {
            newest = passing(case.lasting(deploy));
        }
        let last = newest.last()?;
        // The status has whole seconds. If the row was written in that second, it is its time that says when.
        let time = |seen: &Seen<Row>| match (seen.what.stated, seen.what.updated) {
            (Some(stated), Some(updated)) if updated.div_euclid(1_000_000) == stated => Some(updated),
            (Some(stated), _) => Some(stated * 1_000_000),
            (None, updated) => updated,
        };
        let ended = newest.iter().filter_map(|seen| time(seen)).min();
        let passes = |seen: &&Seen<Row>| word_of(case, &seen.what) == Word::Passes;
        let is_same = |seen: &&Seen<Row>| {
            seen.what.status == last.what.status && (ended.is_none() || time(seen).is_none() || time(seen) >= ended)
        };
        let passed_ms = case.of(deploy).filter(passes).map(|seen| seen.sent).min()?;
        let ended_ms = case.of(deploy).filter(is_same).map(|seen| seen.sent).min()?;
        let created = case.of(deploy).filter_map(|seen| seen.what.created);
        // The outcome of verifying it can be written to a newer row, so that only the step says when that was.
        let flows = case.last_flows(case.workflow(deploy));
        let part = case.install_component(deploy);
        let works = flows.iter().flat_map(|seen| seen.what.works_on(deploy, part, true));
        let steps: Vec<i64> = works.filter_map(|step| step.ended).collect();
        let ended_by = ended.and(created.chain(newest.iter().filter_map(|seen| time(seen))).chain(steps).max());
        let (told, looks) = (Vec::new(), Vec::new());
        let mut own = Self { case, ended, ended_by, passed_ms, ended_ms, told, looks };
        // What was read before the gate knew that the deploy had ended can still be from after it. `Date` has whole
        // seconds.
        let is_since = |own: &&&Exchange| {
            own.done_ms >= ended_ms
                || own.done_ms >= passed_ms
                    && server_time(own).zip(ended).is_some_and(|(at, ended)| at + 1_000_000 > ended)
        };
        for exchange in case.reads.iter().filter(is_since) {
            let Some(value) = body(exchange) else { continue };
            match Ask::of(&exchange.path) {
                Ask::Component(i, c) if i == case.install && c == case.component => own.tell(exchange, value),
                Ask::Observed(i, part) if i == case.install && case.parts.contains(&part) => {
                    own.look(exchange, value, &part);
                }
                _ => (),
            }
        }
        Some(own)
    }

    /// Adds the server's word, unless the answer is about another component.
    fn tell(&mut self, exchange: &Exchange, value: &Value) {
        if !is_own(self.case, value) {
            return;
        }
        let status = value.get("health_status_v2");
        let since = status.and_then(|own| own.get("created_at_ts")).and_then(Value::as_i64).filter(|at| *at > 0);
        self.told.push(Told {
            sent: exchange.sent_ms,
            done: exchange.done_ms,
            word: status_word(value, "health_status_v2"),
            since: since.map(|at| at * 1_000_000),
        });
    }

    /// Adds what is observed, unless all of it is of another component.
    fn look(&mut self, exchange: &Exchange, value: &Value, part: &str) {
        let Some(rows) = value.as_array() else { return };
        let is_ours = |row: &&Value| {
            ["", &self.case.install].contains(&&*text(row, "install_id")) && text(row, "install_component_id") == part
        };
        let own: Vec<&Value> = rows.iter().filter(is_ours).collect();
        if own.is_empty() && !rows.is_empty() {
            return;
        }
        // Facts: an inventory is not assessed, and neither is a probe that is no longer checked.
        let is_inventory = |row: &Value| matches!(&*text(row, "provider"), "aws" | "gcp" | "azure");
        let assessed: Vec<&Value> =
            own.iter().copied().filter(|row| !is_inventory(row) && !truth(row, "removed_from_config")).collect();
        let (pushed, observed): (Vec<&Value>, Vec<&Value>) =
            assessed.iter().partition(|row| text(row, "provider") == "custom");
        // Facts: a pushed check counts as an observation only if there are no others.
        let counted = if observed.is_empty() { &pushed } else { &observed };
        let newest = counted.iter().filter_map(|row| instant(row, "observed_at")).max();
        let health = |row: &&Value| text(row, "health");
        let is_trouble = |row: &&Value| matches!(&*health(row), "progressing" | "degraded" | "unhealthy");
        // A check that was pushed before the deploy ended need not count.
        let is_since =
            |row: &Value| self.ended.is_none_or(|ended| instant(row, "observed_at").is_some_and(|at| at > ended));
        self.looks.push(Look {
            sent: exchange.sent_ms,
            done: exchange.done_ms,
            newest,
            is_good: counted.iter().any(|row| health(row) == "healthy"),
            is_bad: observed.iter().any(is_trouble) || pushed.iter().any(|row| is_trouble(row) && is_since(row)),
            is_plain: own.len() == rows.len()
                && counted.iter().any(|row| health(row) == "healthy")
                && assessed.iter().all(|row| matches!(&*health(row), "healthy" | "not-applicable")),
            server_time: server_time(exchange),
        });
    }

    /// Returns whether an observation was made since the deploy passed, in any reading of the contract: it is newer than
    /// the newest one of the first poll that showed one, or its time is later.
    fn is_fresh(&self, look: &Look) -> bool {
        let Some(newest) = look.newest else { return false };
        let later = |by: i64| self.ended.map(|ended| newest > ended + by);
        let first = self.looks.iter().find(|own| own.newest.is_some());
        let is_first_empty = self.looks.first().is_some_and(|own| own.newest.is_none());
        later(APART) == Some(true)
            || first.is_some_and(|own| own.newest < Some(newest))
            || is_first_empty && later(0) != Some(false)
    }

    /// Returns how old the newest observation is, by the server's time: no younger than when it was first shown, and since
    /// then, whatever the clocks say. A clock that was set back since the first answer makes it no younger.
    fn age(&self, look: &Look) -> Option<i64> {
        let (own, newest) = look.server_time.zip(look.newest)?;
        let since = |done: u64| i64::try_from(look.done.saturating_sub(done)).unwrap_or_default() * 1_000;
        let now = self.case.began().map_or(own, |began| own.max(began + since(0)));
        let first = self.looks.iter().find(|own| own.newest == look.newest)?;
        let shown = first.server_time.unwrap_or(newest);
        Some((now - newest.min(shown)).max(since(first.done) + (shown - newest).max(0)))
    }

    /// Returns whether an earlier answer showed a later word.
    fn is_outdated(&self, told: &Told) -> bool {
        self.told
            .iter()
            .any(|own| own.done <= told.done && own.since.zip(told.since).is_some_and(|(own, its)| own > its))
    }

    /// Returns whether an earlier answer showed a later observation.
    fn is_overtaken(&self, look: &Look) -> bool {
        self.looks.iter().any(|own| own.done <= look.done && look.newest.is_some() && own.newest > look.newest)
    }

    /// Returns whether two answers can be of one poll.
    fn is_near(&self, one: (u64, u64), two: (u64, u64)) -> bool {
        let (first, second) = if one.0 <= two.0 { (one, two) } else { (two, one) };
        self.case.unbroken(first.1.min(second.0), second.0)
    }
}

impl Told {
    fn span(&self) -> (u64, u64) {
        (self.sent, self.done)
    }

    fn is_bad(&self) -> bool {
        matches!(self.word.as_str(), "degraded" | "unhealthy")
    }
}

impl Look {
    /// Returns how far the time of its newest observation is behind the server's.
    fn behind(&self) -> Option<i64> {
        Some(self.server_time? - self.newest?)
    }

    fn span(&self) -> (u64, u64) {
        (self.sent, self.done)
    }
}

/// Returns whether a component's body is about the target, and names no other.
fn is_own(case: &Case, value: &Value) -> bool {
    let (install, component) = (text(value, "install_id"), text(value, "component_id"));
    let names = component == case.component || component.is_empty() && case.parts.contains(&text(value, "id"));
    names && (install.is_empty() || install == case.install)
}
