//! Whether the health was so plain that the wait should have ended, or should not have.

use super::super::answer::{Voice, body, status, voice};
use super::super::ask::Ask;
use super::super::case::Case;
use super::super::leeway::spare;
use super::verdicts::UNKNOWN_MS;
use super::{Health, Look, Told, required};
use crate::transcript::Exchange;

/// How much later than the deploy's end an observation plainly is, in microseconds.
const PLAINLY_APART: i64 = 62_000_000;

/// How far in the future an observation's time may be for the runner's clock to be plainly right, in microseconds.
const AHEAD: i64 = 40_000_000;

/// How old the last observation plainly may be, in microseconds.
const RECENT: i64 = 45_000_000;

/// How much later than the deploy's end a word or an observation plainly is, in microseconds.
const LATER: i64 = 3_000_000;

/// In how many polls something about the health may be plain before it is reported.
const POLLS: usize = 5;

/// Reports that the health was plain for longer than it may be. `polls` are those in which the deploy plainly passed.
pub(in super::super) fn check(case: &Case, deploy: &str, polls: &[(u64, u64)], found: &mut Vec<String>) -> usize {
    let Some(bake) = required(case, deploy) else { return polls.len() };
    let Some(health) = Health::of(case, deploy) else { return 0 };
    let verdict = case.outcome.verdict.as_str();
    if matches!(verdict, "interrupted" | "usage" | "rejected" | "superseded") {
        return 0;
    }
    let bad = polls.iter().filter(|own| health.is_plainly_bad(**own)).count();
    let off = polls.iter().filter(|own| health.is_plainly_off(**own)).count().min(health.refusals_in_row());
    for (what, times, end) in
        [("that it is not healthy", bad, "failed"), ("that there is no component health", off, "inconclusive")]
    {
        if times > POLLS || times > 2 && verdict != end && verdict != "failed" {
            found.push(format!("{what} was plain in {times} polls before `{verdict}` was said"));
        }
    }
    if verdict != "inconclusive" && health.was_unknown(polls) {
        found.push(format!("the health was plainly unknown for too long before `{verdict}` was said"));
    }
    let answers = health.answers();
    polls.iter().filter(|own| health.has_baked(&answers, **own, bake)).count()
}

/// Returns when the component was last seen to be plainly healthy in two polls in a row: until then nothing stalled.
pub(in super::super) fn baked_until(case: &Case) -> u64 {
    let Some(deploy) = case.outcome.deploy.as_deref() else { return 0 };
    let Some(health) = required(case, deploy).and_then(|_| Health::of(case, deploy)) else { return 0 };
    let is_plain = |pair: &&[Look]| pair.iter().all(|look| health.is_plainly_healthy(look.span()));
    health.looks.windows(2).rfind(is_plain).map_or(0, |pair| pair[1].sent)
}

impl Health<'_> {
    /// Returns the words and the observations of a poll.
    fn near(&self, poll: (u64, u64)) -> (Vec<&Told>, Vec<&Look>) {
        (self.around(&self.told, Told::span, poll), self.around(&self.looks, Look::span, poll))
    }

    /// Returns the answers of a poll, from those in the order of their times.
    fn around<'b, T>(&self, all: &'b [T], span: impl Fn(&T) -> (u64, u64), poll: (u64, u64)) -> Vec<&'b T> {
        let is_near = |own: &&T| self.is_near(span(own), poll);
        let (before, after) = all.split_at(all.partition_point(|own| span(own).1 <= poll.1));
        before.iter().rev().take_while(is_near).chain(after.iter().take_while(is_near)).collect()
    }

    /// Returns whether an observation was made since the deploy passed, in every reading of the contract.
    pub(super) fn is_plainly_fresh(&self, look: &Look) -> bool {
        // What was observed before the deploy got its status shows nothing about clocks after that.
        let first = self.looks.iter().find(|own| own.done >= self.ended_ms).and_then(|own| own.newest);
        let later = |by: i64| self.ended_by.zip(look.newest).is_some_and(|(ended, newest)| newest > ended + by);
        let is_newer = first.is_some() && look.newest > first;
        let shown = self.looks.iter().find(|own| own.newest == look.newest);
        let is_dated = shown.and_then(Look::behind).is_none_or(|behind| behind > -AHEAD);
        !self.is_overtaken(look) && (later(PLAINLY_APART) && is_dated || is_newer && later(LATER))
    }

    fn is_plainly_healthy(&self, poll: (u64, u64)) -> bool {
        let (told, looks) = self.near(poll);
        let is_recent = |look: &Look| self.age(look).is_some_and(|age| age < RECENT);
        let says = |told: &&Told| told.word == "healthy" && told.since.is_some() && !self.is_outdated(told);
        let shows = |look: &&Look| look.is_plain && is_recent(look) && self.is_plainly_fresh(look);
        !told.is_empty() && !looks.is_empty() && told.iter().all(says) && looks.iter().all(shows)
    }

    /// Returns the times of all answers about the health, and whether what they and their polls say is plainly healthy.
    fn answers(&self) -> Vec<((u64, u64), bool)> {
        let taken =
            |span| self.told.iter().map(Told::span).chain(self.looks.iter().map(Look::span)).any(|own| own == span);
        let spans = self.case.reads.iter().filter(|own| self.is_read(own)).map(|own| (own.sent_ms, own.done_ms));
        spans.map(|span| (span, taken(span) && self.is_plainly_healthy(span))).collect()
    }

    /// Returns whether every answer about the health for as long as it has to bake was plainly good.
    fn has_baked(&self, answers: &[((u64, u64), bool)], poll: (u64, u64), bake: u64) -> bool {
        // It lasts from one observation to another, and there is one a minute.
        let between = u64::try_from(PLAINLY_APART / 1_000).unwrap_or_default();
        let from = poll.0.saturating_sub(bake + between + spare(self.case.question));
        let mut within = answers.iter().filter(|(span, _)| span.0 >= from && span.1 <= poll.1);
        let began = answers.iter().rfind(|(span, _)| span.1 <= from).is_some_and(|(_, is_good)| *is_good);
        let mut lasts = || began && within.all(|(_, is_good)| *is_good) && self.is_unchanged(from, poll);
        self.is_plainly_healthy(poll) && (bake == 0 || lasts())
    }

    /// Returns whether the server had the same word since the last answer before a time: it may have had another between two
    /// polls.
    fn is_unchanged(&self, from: u64, poll: (u64, u64)) -> bool {
        let until = self.told.iter().rev().skip_while(|own| own.done > poll.1);
        let before = until.clone().position(|own| own.done <= from).unwrap_or(usize::MAX);
        let mut since = until.take(before.saturating_add(1)).map(|own| own.since);
        let last = since.next();
        since.all(|own| Some(own) == last)
    }

    /// Returns whether a request is about the health of the target's component.
    pub(super) fn is_read(&self, exchange: &Exchange) -> bool {
        matches!(Ask::of(&exchange.path), Ask::Observed(..) | Ask::Component(..)) && self.case.concerns(exchange)
    }

    fn is_plainly_bad(&self, poll: (u64, u64)) -> bool {
        let (told, looks) = self.near(poll);
        let is_since = |told: &Told| told.since.zip(self.ended_by).is_some_and(|(since, ended)| since > ended + LATER);
        let says = |told: &&Told| told.is_bad() && is_since(told) && !self.is_outdated(told);
        let shows = |look: &&Look| look.is_bad && self.is_plainly_fresh(look);
        !told.is_empty() && !looks.is_empty() && told.iter().all(says) && looks.iter().all(shows)
    }

    fn is_plainly_off(&self, poll: (u64, u64)) -> bool {
        let is_near = |own: &&&Exchange| self.is_near((own.sent_ms, own.done_ms), poll);
        let mut asked = self.case.reads.iter().filter(|own| self.is_read(own)).filter(is_near).peekable();
        asked.peek().is_some() && asked.all(|own| is_off(own) || body(own).is_some() && !is_observed(own))
    }

    /// Returns how many times in a row it was refused to tell what is observed, while the component was told.
    fn refusals_in_row(&self) -> usize {
        let (mut longest, mut in_row) = (0, 0);
        // Another status in between begins anew.
        for own in self.case.reads.iter().filter(|own| own.done_ms >= self.ended_ms && self.is_read(own)) {
            let is_told = self.told.iter().any(|told| told.span() == (own.sent_ms, own.done_ms));
            match is_observed(own) {
                true if is_off(own) => in_row += 1,
                false if is_told => (),
                _ => in_row = 0,
            }
            longest = longest.max(in_row);
        }
        longest
    }

    fn is_plainly_unknown(&self, poll: (u64, u64)) -> bool {
        let (told, looks) = self.near(poll);
        let says = |told: &&Told| matches!(told.word.as_str(), "unknown" | "not-applicable");
        !told.is_empty()
            && !looks.is_empty()
            && (told.iter().all(says) || looks.iter().all(|look| look.newest.is_none()))
    }

    /// Returns whether the last polls showed nothing for longer than the health may be unknown.
    fn was_unknown(&self, polls: &[(u64, u64)]) -> bool {
        let question = self.case.question;
        let unknown: Vec<&(u64, u64)> = polls.iter().rev().take_while(|own| self.is_plainly_unknown(**own)).collect();
        let limit = UNKNOWN_MS + 2 * question.max_interval_ms + question.request_timeout_ms + spare(question);
        let span = unknown.last().zip(unknown.first()).map(|(first, last)| last.0.saturating_sub(first.0));
        unknown.len() > POLLS && span.is_some_and(|span| span > limit)
    }
}

/// Returns whether a request is about what is observed.
fn is_observed(exchange: &Exchange) -> bool {
    matches!(Ask::of(&exchange.path), Ask::Observed(..))
}

/// Returns whether Nuon says that there is no component health.
fn is_off(exchange: &Exchange) -> bool {
    is_observed(exchange) && voice(exchange) == Voice::Nuon && matches!(status(exchange), 403 | 404)
}
