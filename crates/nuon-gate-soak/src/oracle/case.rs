//! What the answers say about one target until its end: rows and workflows, each with the times of its request and
//! answer.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::{body, pause_until, says, server_time};
use super::ask::Ask;
use super::flow::{Flow, steps};
use super::row::{Kind, Row, kind_of};
use super::table::{Word, word};
use super::text::text;
use crate::transcript::{Exchange, Outcome, Question};

/// How many answers in a row, and for how long, have to show a status before it is believed although earlier answers
/// have later times.
const LASTING: usize = 5;
const LASTING_MS: u64 = 100_000;

/// A fact, when it was requested, and when it arrived.
#[derive(Debug, Clone)]
pub(super) struct Seen<T> {
    pub(super) sent: u64,
    pub(super) done: u64,
    pub(super) what: T,
    /// The answer itself names the component, or is from the component's list.
    pub(super) named: bool,
    /// It is from `latest` or the component's list.
    pub(super) listed: bool,
    /// It is from `latest`.
    pub(super) latest: bool,
    /// It is the answer to a request for this id alone.
    pub(super) by_id: bool,
    /// The time of the answer by the server's clock, in microseconds.
    pub(super) server_time: Option<i64>,
}

/// How much later than its answer a row may have been written, in microseconds: clocks differ, and `Date` has whole seconds.
const AHEAD: i64 = 6_000_000;

/// One target, its end, and what was known until then.
pub(super) struct Case<'a> {
    pub(super) question: &'a Question,
    pub(super) outcome: &'a Outcome,
    pub(super) install: String,
    pub(super) component: String,
    /// The reads until the end, in the order of their answers.
    pub(super) reads: Vec<&'a Exchange>,
    /// The same in the order of their requests.
    pub(super) by_sent: Vec<&'a Exchange>,
    /// When answers arrived that ask the client to wait, and until when.
    pub(super) pauses: Vec<(u64, u64)>,
    /// What was read about the target's deploys, in the order of the answers.
    pub(super) rows: Vec<Seen<Row>>,
    /// What was read about deploys that were requested but belong to another target.
    pub(super) strangers: Vec<Seen<Row>>,
    /// What was read about workflows.
    pub(super) flows: Vec<Seen<Flow>>,
    /// The ids of the target's install component, as answers about it gave them.
    pub(super) parts: BTreeSet<String>,
}

impl<'a> Case<'a> {
    /// Collects what was known about a target when it ended.
    pub(super) fn new(
        question: &'a Question,
        transcript: &'a [Exchange],
        outcome: &'a Outcome,
        target: (String, String),
    ) -> Self {
        let known = |own: &&Exchange| own.method == "GET" && own.done_ms <= outcome.at_ms;
        let mut reads: Vec<&Exchange> = transcript.iter().filter(known).collect();
        reads.sort_by_key(|own| (own.done_ms, own.sent_ms));
        let mut by_sent = reads.clone();
        by_sent.sort_by_key(|own| own.sent_ms);
        let pauses = reads.iter().map(|own| (own.done_ms, pause_until(own))).filter(|(_, until)| *until > 0).collect();
        let (install, component) = target;
        let mut case = Self {
            question,
            outcome,
            install,
            component,
            reads,
            by_sent,
            pauses,
            rows: Vec::new(),
            strangers: Vec::new(),
            flows: Vec::new(),
            parts: BTreeSet::new(),
        };
        case.read();
        case
    }

    /// Parses all answers.
    fn read(&mut self) {
        for exchange in self.reads.clone() {
            let Some(value) = body(exchange) else { continue };
            match Ask::of(&exchange.path) {
                Ask::Latest(i, c) if self.is(&i, &c) => self.row(exchange, value, (true, true, true)),
                Ask::List(i, c) if self.is(&i, &c) => each(value, |own| self.row(exchange, own, (true, true, false))),
                Ask::InstallList(i) if i == self.install => each(value, |own| {
                    if text(own, "component_id") == self.component {
                        self.row(exchange, own, (true, false, false));
                    }
                }),
                Ask::Detail(i, c, d) => self.detail(exchange, value, (&i, c.as_deref(), &d)),
                Ask::Component(i, c) if self.is(&i, &c) && text(value, "component_id") == c => {
                    self.parts.insert(text(value, "id"));
                }
                Ask::Flow(w) => self.flow(exchange, value, Some(&w)),
                Ask::Flows => each(value, |own| self.flow(exchange, own, None)),
                Ask::Steps(w) => self.steps(exchange, value, &w),
                _ => (),
            }
        }
        self.part_strangers();
    }

    /// Moves rows that name another install component than the target's to the strangers: `latest` names nothing else.
    fn part_strangers(&mut self) {
        let proves = |own: &Row| own.component == self.component && !own.install_component.is_empty();
        let proven: BTreeSet<String> = self
            .rows
            .iter()
            .map(|seen| &seen.what)
            .filter(|own| proves(own))
            .map(|own| own.install_component.clone())
            .collect();
        let is_strange = |part: &String| !proven.is_empty() && !part.is_empty() && !proven.contains(part);
        self.parts.retain(|part| !is_strange(part));
        self.strangers.extend(self.rows.extract_if(.., |seen| is_strange(&seen.what.install_component)));
    }

    /// Returns whether this is the target.
    fn is(&self, install: &str, component: &str) -> bool {
        self.install == install && self.component == component
    }

    /// Adds a deploy. The flags: whether the path names the component, whether it is a list, and whether it is
    /// `latest`. A deploy that names another install or component is a stranger.
    fn row(&mut self, exchange: &Exchange, value: &Value, (named, listed, latest): (bool, bool, bool)) {
        let Some(what) = Row::of(value) else { return };
        let differs = |own: &str, ours: &str| !own.is_empty() && own != ours;
        let strange = differs(&what.install, &self.install) || differs(&what.component, &self.component);
        let by_id = matches!(Ask::of(&exchange.path), Ask::Detail(..));
        let (sent, done, server_time) = (exchange.sent_ms, exchange.done_ms, server_time(exchange));
        let seen = Seen { sent, done, what, named, listed, latest, by_id, server_time };
        if strange {
            self.strangers.push(seen);
            return;
        }
        if !seen.what.install_component.is_empty() {
            self.parts.insert(seen.what.install_component.clone());
        }
        self.rows.push(seen);
    }

    /// Adds a deploy's own detail, if it is about the target or about the deploy that was requested.
    fn detail(&mut self, exchange: &Exchange, value: &Value, path: (&str, Option<&str>, &str)) {
        let (install, component, id) = path;
        let (own, of) = (text(value, "id"), text(value, "component_id"));
        if own != id || install != self.install || component.is_some_and(|path| path != self.component) {
            return;
        }
        let ours = self.outcome.deploy.as_deref() == Some(id) || self.question.deploy.as_deref() == Some(id);
        let met = self.rows.iter().any(|seen| seen.what.id == id);
        if component.is_some() || of == self.component || ours || met {
            self.row(exchange, value, (component.is_some() || of == self.component, false, false));
        }
    }

    /// Adds a workflow.
    fn flow(&mut self, exchange: &Exchange, value: &Value, asked: Option<&str>) {
        let Some(what) = Flow::of(value).filter(|own| asked.is_none_or(|id| id == own.id)) else { return };
        let (sent, done) = (exchange.sent_ms, exchange.done_ms);
        self.flows.push(Seen {
            sent,
            done,
            what,
            named: true,
            listed: asked.is_none(),
            latest: false,
            by_id: true,
            server_time: None,
        });
    }

    /// Adds the steps of a workflow that was read before.
    fn steps(&mut self, exchange: &Exchange, value: &Value, id: &str) {
        let before = self.flows.iter().rev().find(|seen| seen.what.id == id).map(|seen| seen.what.clone());
        if let Some(mut what) = before.filter(|_| value.is_array()) {
            what.steps = steps(Some(value));
            let (sent, done) = (exchange.sent_ms, exchange.done_ms);
            self.flows.push(Seen {
                sent,
                done,
                what,
                named: true,
                listed: false,
                latest: false,
                by_id: true,
                server_time: None,
            });
        }
    }

    /// Returns everything that was read about one deploy.
    pub(super) fn of(&self, deploy: &str) -> impl DoubleEndedIterator<Item = &Seen<Row>> {
        self.rows.iter().filter(move |seen| seen.what.id == deploy)
    }

    /// Returns everything that was read about one workflow.
    pub(super) fn flow_of(&self, id: &str) -> impl DoubleEndedIterator<Item = &Seen<Flow>> {
        self.flows.iter().filter(move |seen| seen.what.id == id)
    }

    /// Returns the last non-empty value of a deploy's field.
    pub(super) fn said<'s>(&'s self, deploy: &str, what: impl Fn(&'s Row) -> &'s str) -> &'s str {
        let rows = self.rows.iter().rev().filter(|seen| seen.what.id == deploy);
        rows.map(|seen| what(&seen.what)).find(|own| !own.is_empty()).unwrap_or_default()
    }

    /// Returns the workflow that a deploy names; empty if it names none.
    pub(super) fn workflow(&self, deploy: &str) -> &str {
        self.said(deploy, |row| &row.workflow)
    }

    /// Returns the install component that a deploy names.
    pub(super) fn install_component(&self, deploy: &str) -> &str {
        self.said(deploy, |row| &row.install_component)
    }

    /// Returns when a deploy was created.
    pub(super) fn created(&self, deploy: &str) -> Option<i64> {
        self.of(deploy).filter_map(|seen| seen.what.created).next_back()
    }

    /// Returns what a deploy does: nothing, if any answer or its workflow says so (contract: which deploy).
    pub(super) fn kind(&self, deploy: &str) -> Kind {
        let nothing = |seen: &Seen<Row>| seen.what.plan_only || kind_of(&seen.what.kind) == Kind::Nothing;
        if self.of(deploy).any(nothing) || self.flow_of(self.workflow(deploy)).any(|seen| seen.what.plan_only) {
            return Kind::Nothing;
        }
        kind_of(self.said(deploy, |row| &row.kind))
    }

    /// Returns the answers about a deploy that are not outdated by another one.
    pub(super) fn newest(&self, deploy: &str) -> Vec<&Seen<Row>> {
        let all: Vec<&Seen<Row>> = self.of(deploy).collect();
        // What another answer continues is older than that, whatever else its times say.
        let first_after = |one: &Seen<Row>| {
            let next = all.iter().filter(|other| other.what.continues(&one.what));
            next.map(|next| next.sent).min()
        };
        let continued: Vec<(&Seen<Row>, u64)> = all.iter().filter_map(|one| Some((*one, first_after(one)?))).collect();
        // So is what was read before that answer and is older than what it continues.
        let is_over = |one: &Seen<Row>| {
            continued.iter().any(|(own, first)| {
                let is_before = one.done <= *first && one.what.account(&own.what) == Some(Ordering::Less);
                own.what.is_same_state(&one.what) || is_before
            })
        };
        let last: Vec<&Seen<Row>> = all.iter().copied().filter(|one| !is_over(one)).collect();
        let overtaken = |one: &Seen<Row>| last.iter().any(|other| other.overtakes(one));
        last.iter().copied().filter(|one| !overtaken(one)).collect()
    }

    /// Returns the last answers about a deploy, if they have said the same for minutes. Earlier answers with later
    /// times were then written before the server's clock was set back. Otherwise returns nothing.
    pub(super) fn lasting(&self, deploy: &str) -> Vec<&Seen<Row>> {
        let last = self.of(deploy).next_back().map(|seen| seen.what.status.as_str());
        let same: Vec<_> = self.of(deploy).rev().take_while(|seen| last == Some(&*seen.what.status)).collect();
        let from = same.last().map_or(u64::MAX, |seen| seen.done);
        let lasts = same.len() >= LASTING && self.outcome.at_ms >= from.saturating_add(LASTING_MS);
        if lasts { same } else { Vec::new() }
    }

    /// Returns the answers that can show the deploy's state: the newest, and the last if they have lasted.
    pub(super) fn current(&self, deploy: &str) -> Vec<&Seen<Row>> {
        let mut current = self.newest(deploy);
        current.extend(self.lasting(deploy));
        current
    }

    /// Returns whether an earlier answer about the same deploy has a later time: either this one is outdated, or the server's
    /// clock was set back.
    pub(super) fn is_behind(&self, seen: &Seen<Row>) -> bool {
        let later = |before: &Seen<Row>| before.what.updated.zip(seen.what.updated).is_some_and(|(one, two)| one > two);
        let newer = |before: &Seen<Row>| later(before) || before.what.account(&seen.what) == Some(Ordering::Greater);
        let newer = |before: &Seen<Row>| newer(before) && !seen.what.continues(&before.what);
        self.of(&seen.what.id).any(|before| before.done <= seen.sent && newer(before))
    }

    /// Returns the ids of all deploys that were read, each once.
    pub(super) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.rows.iter().map(|seen| seen.what.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Returns how often Nuon itself answered that a workflow does not exist, and when the last of these was requested and
    /// answered.
    pub(super) fn missing(&self, workflow: &str) -> (usize, Option<(u64, u64)>) {
        let about = |own: &&&Exchange| Ask::of(&own.path) == Ask::Flow(workflow.to_owned()) && says(own, 404);
        let mut answers = self.reads.iter().filter(about).map(|own| (own.sent_ms, own.done_ms));
        let last = answers.clone().next_back();
        (answers.by_ref().count(), last)
    }
}

impl Seen<Row> {
    /// Returns whether this answer is newer by the server's times, or, where these say nothing, was requested later.
    pub(super) fn overtakes(&self, other: &Self) -> bool {
        // An answer that was requested later has an earlier time than this state, so the clock was set back since.
        let was_set_back = other.sent >= self.done && self.what.updated.zip(other.server_time).is_some_and(is_later);
        if self.is_ahead() || other.is_ahead() || was_set_back {
            return false;
        }
        match self.what.account(&other.what) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => {
                self.sent >= other.done
                    && self.what.status != other.what.status
                    && !self.what.leaves_an_end(&other.what)
            }
            Some(Ordering::Less) | None => false,
        }
    }

    /// Returns whether its time is later than that of the answer: the server's clock was set back since it was written.
    fn is_ahead(&self) -> bool {
        self.what.updated.zip(self.server_time).is_some_and(is_later)
    }
}

/// Returns whether a time is later than the server's clock shows.
fn is_later((own, now): (i64, i64)) -> bool {
    own > now + AHEAD
}

/// Calls a function for each element of a list.
fn each(value: &Value, call: impl FnMut(&Value)) {
    value.as_array().into_iter().flatten().for_each(call);
}

/// Returns what a row's status means.
pub(super) fn word_of(case: &Case, row: &Row) -> Word {
    word(case.question, &row.status, case.kind(&row.id))
}
