//! Whether the answers about its health support a deploy's verdict.

use super::super::answer::{Voice, body, status, voice};
use super::super::ask::Ask;
use super::super::case::Case;
use super::super::leeway::spare;
use super::{Health, Look, Told, required};
use crate::transcript::Exchange;

/// For how long a component may be unhealthy as before.
const REPAIR_MS: u64 = 180_000;

/// For how long the health may be unknown.
pub(super) const UNKNOWN_MS: u64 = 300_000;

/// How old an observation may be for a pass, in microseconds, with half a minute by which an answer may lag behind.
const LAST: i64 = 150_000_000;

/// How old an observation may plainly be, in microseconds.
const CURRENT: i64 = 110_000_000;

/// How much of the bake the observations need not cover, in microseconds, because clocks may differ.
const UNCOVERED: i64 = 60_000_000;

/// After how many refusals there is no component health.
const REFUSALS: usize = 3;

/// In how many polls the health has to be known: in a single one, an answer about the deploy may lack its time.
const KNOWN: usize = 3;

/// How many answers in a row, and for how long, have to say the same to be believed although an earlier answer has a
/// later time: the server's clock was set back.
const LASTING: usize = 2;
const LASTING_MS: u64 = 30_000;

/// Returns what a pass lacks in health.
pub(in super::super) fn lack(case: &Case, deploy: &str) -> Option<String> {
    let bake = required(case, deploy)?;
    let Some(health) = Health::of(case, deploy) else { return Some("it was not seen passing".to_owned()) };
    let row = case.of(deploy).next_back().map(|seen| (seen.sent, seen.done))?;
    let (Some(told), Some(look)) = (health.told.last(), health.looks.last()) else {
        return Some("the health of its component was not read".to_owned());
    };
    if !health.is_near(told.span(), row) || !health.is_near(look.span(), row) {
        return Some("the health of its component was not read in the last poll".to_owned());
    }
    let otherwise = health.otherwise();
    let is_later = |own: &(&Told, &Look)| otherwise.is_none_or(|at| own.0.sent > at && own.1.sent > at);
    let starts = health.pairs().filter(is_later);
    let baking: Vec<(&Told, &Look)> = starts.collect();
    let start = baking.iter().map(|(told, look)| told.sent.min(look.sent)).min();
    let lasted = start.map(|start| case.outcome.at_ms.saturating_sub(start) + spare(case.question));
    match lasted {
        None => Some(format!("no answer shows a healthy component since it ended; the last word is `{}`", told.word)),
        Some(lasted) if lasted < bake => Some(format!("its component was healthy for {lasted} ms of {bake}")),
        Some(_) if health.is_old(look) => Some("the last observation of its component is too old".to_owned()),
        Some(_) => uncovered(&baking, bake),
    }
}

/// Returns how much of the bake the observations cover, if that is too little.
fn uncovered(baking: &[(&Told, &Look)], bake: u64) -> Option<String> {
    let times = || baking.iter().filter_map(|(_, look)| look.newest);
    let covered = times().max().zip(times().min()).map_or(0, |(last, first)| last - first);
    let needed = i64::try_from(bake).unwrap_or(i64::MAX / 1_000) * 1_000 - UNCOVERED;
    (covered < needed).then(|| format!("the observations of its component cover {covered} us of its bake"))
}

/// Returns whether an answer says that the component is bad since the deploy passed, or for so long that the deploy has
/// not repaired it.
pub(in super::super) fn supports_failure(case: &Case, deploy: &str) -> bool {
    let Some(health) = required(case, deploy).and_then(|_| Health::of(case, deploy)) else { return false };
    let Some(last) = health.told.last().filter(|told| told.is_bad()) else { return false };
    let is_known = health.looks.iter().any(|look| health.is_fresh(look));
    let before = health.told.iter().any(|own| own.done <= last.done && !own.is_bad());
    let is_new = last.since.zip(health.ended).is_none_or(|(since, ended)| since + 1_000_000 >= ended) || before;
    // The observations of three minutes may be less of the gate's or the server's time.
    let now = health.looks.last().and_then(|look| look.server_time.max(look.newest));
    let by_server = now.zip(health.ended).is_some_and(|(now, ended)| now - ended >= 179_000_000);
    let stays = by_server || case.outcome.at_ms + spare(case.question) >= health.passed_ms + REPAIR_MS;
    is_known && (is_new || stays) && health.is_current(last)
}

/// Returns whether the answers show that the health cannot be known: refused three times, or unknown for five minutes.
pub(in super::super) fn inconclusive(case: &Case, deploy: &str) -> bool {
    let Some(health) = required(case, deploy).and_then(|_| Health::of(case, deploy)) else { return false };
    if health.refusals() >= REFUSALS {
        return true;
    }
    let until = case.outcome.at_ms + spare(case.question);
    let from = until.saturating_sub(UNKNOWN_MS);
    let is_known = |own: (&Told, &Look)| {
        let (told, look) = own;
        let is_current = health.age(look).is_some_and(|age| age < CURRENT);
        let is_fresh = is_current && health.is_plainly_fresh(look);
        told.is_known() && is_fresh && told.sent.min(look.sent) > from + 2 * spare(case.question)
    };
    until >= health.passed_ms + UNKNOWN_MS && health.polls().filter(|own| is_known(*own)).count() < KNOWN
}

/// Returns whether an answer may say that there is no component health.
fn is_refusal(exchange: &Exchange) -> bool {
    let code = status(exchange);
    let is_final = (400..500).contains(&code) && !matches!(code, 408 | 409 | 425 | 429);
    is_final && voice(exchange) != Voice::Foreign && body(exchange).is_none()
}

impl Health<'_> {
    /// Returns how many answers in a row refused, apart from words and from answers that say nothing.
    fn refusals(&self) -> usize {
        let reads = self.case.reads.iter().filter(|own| self.is_read(own));
        let is_good = |own: &&&Exchange| matches!(Ask::of(&own.path), Ask::Observed(..)) && body(own).is_some();
        reads.rev().take_while(|own| !is_good(own)).filter(|own| is_refusal(own)).count()
    }

    /// Returns the word and the observations of each poll that has both.
    pub(super) fn polls(&self) -> impl Iterator<Item = (&Told, &Look)> {
        let beside = |look: &Look| {
            let next = self.told.partition_point(|told| told.done <= look.done);
            self.told[next.saturating_sub(1)..(next + 1).min(self.told.len())].iter()
        };
        let pairs = self.looks.iter().flat_map(move |look| beside(look).map(move |told| (told, look)));
        pairs.filter(|(told, look)| self.is_near(told.span(), look.span()))
    }

    /// Returns the polls that show a healthy component, observed since the deploy passed.
    fn pairs(&self) -> impl Iterator<Item = (&Told, &Look)> {
        // If the server's clock was set back, only later answers show that a word is current.
        let last = self.told.last().filter(|last| self.is_current(last)).map(|last| (&last.word, last.since));
        self.polls().filter(move |(told, look)| {
            let is_current = self.is_current(told) || last == Some((&told.word, told.since));
            told.word == "healthy" && self.is_fresh(look) && look.is_good && !look.is_bad && is_current
        })
    }

    /// Returns when the last answer was requested that says otherwise.
    fn otherwise(&self) -> Option<u64> {
        let told = self.told.iter().filter(|told| told.word != "healthy" && !self.is_outdated(told));
        let is_other = |look: &&Look| look.is_bad || !self.is_fresh(look);
        let looks = self.looks.iter().filter(is_other).filter(|look| !self.is_overtaken(look));
        told.map(|own| own.sent).chain(looks.map(|own| own.sent)).max()
    }

    /// Returns whether no answer before it showed a later word, or those since then have said the same for long.
    fn is_current(&self, told: &Told) -> bool {
        let until = self.told.iter().rev().skip_while(|own| own.sent > told.sent);
        let same: Vec<&Told> = until.take_while(|own| own.word == told.word).collect();
        let lasts = same.last().is_some_and(|first| told.done >= first.sent + LASTING_MS);
        !self.is_outdated(told) || same.len() >= LASTING && lasts
    }

    /// Returns whether the last observation is too old for a pass, by the server's time and by when it was first shown.
    fn is_old(&self, last: &Look) -> bool {
        let newest = self.looks.iter().filter_map(|look| look.newest).max();
        let age = last.server_time.zip(newest).map(|(now, newest)| now - newest);
        let first = self.looks.iter().position(|look| look.newest == newest);
        let shown = first.filter(|place| *place > 0).and_then(|place| self.looks.get(place));
        let limit = u64::try_from(LAST / 1_000).unwrap_or_default();
        age.is_some_and(|age| age > LAST) && shown.is_none_or(|look| last.sent > look.done + limit)
    }
}

impl Told {
    /// Returns whether it is a word for a known state.
    fn is_known(&self) -> bool {
        self.since.is_some() && (self.is_bad() || matches!(self.word.as_str(), "healthy" | "progressing"))
    }
}
