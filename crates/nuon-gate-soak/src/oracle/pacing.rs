//! Whether the gate sent requests too often (contract: polling, `Retry-After`).

use std::collections::BTreeMap;

use super::answer::{body, good, http, status};
use super::ask::Ask;
use super::leeway::spare;
use crate::transcript::{Exchange, Question};

/// How many reads of one path a poll may have: one for a newer deploy, and one for each status that the poll finds.
const READS: usize = 4;

/// Reports requests that came too often, or in a pause. `targets` is how many targets share the paths, `end` is when
/// the last one ended.
pub(super) fn check(question: &Question, transcript: &[Exchange], targets: usize, end: u64) -> Vec<String> {
    let mut found = paused(question, transcript, end);
    let mut paths: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
    let polls = |own: &&Exchange| own.method == "GET" && own.sent_ms <= end && Ask::of(&own.path).decides();
    for own in transcript.iter().filter(polls) {
        paths.entry(&own.path).or_default().push(own);
    }
    let signs: Vec<u64> =
        transcript.iter().filter(|own| Ask::of(&own.path) == Ask::Sign).map(|own| own.done_ms).collect();
    for (path, mut sends) in paths {
        sends.sort_by_key(|own| own.sent_ms);
        let reads = READS * targets.max(1);
        let hasty = sends
            .windows(reads + 1)
            .find(|window| is_hasty(question, window, targets) && !excused(question, window, &signs, end));
        let times = |window: &[&Exchange]| format!("{:?}", window.iter().map(|own| own.sent_ms).collect::<Vec<_>>());
        found.extend(hasty.map(|window| format!("{path} was asked too often, at {}", times(window))));
    }
    found
}

/// Returns whether reads of one path follow each other more quickly than polls may.
fn is_hasty(question: &Question, window: &[&Exchange], targets: usize) -> bool {
    let short = question.min_interval_ms * 3 / 4;
    let (Some(first), Some(last)) = (window.first(), window.last()) else { return false };
    let each = window.windows(2).all(|pair| pair[1].sent_ms - pair[0].sent_ms < short);
    if targets <= 1 { each } else { last.sent_ms - first.sent_ms < short }
}

/// Returns whether there is a reason to poll sooner: a failed answer, a long poll that ended, a timeout, or answers of
/// one poll that each show another state.
fn excused(question: &Question, window: &[&Exchange], signs: &[u64], end: u64) -> bool {
    let (Some(first), Some(last)) = (window.first(), window.last()) else { return true };
    let bad = window.iter().any(|own| !good(own));
    let margin = question.min_interval_ms;
    let signed = signs.iter().any(|at| at + margin >= first.sent_ms && *at <= last.sent_ms);
    let changes = window.windows(2).filter(|pair| body(pair[0]) != body(pair[1])).count();
    bad || signed || changes + 2 >= window.len() || near_clock(question, last.sent_ms, end)
}

/// Returns whether this can be the time of a last poll at a timeout.
fn near_clock(question: &Question, at: u64, end: u64) -> bool {
    let near = spare(question);
    let at_fixed = |clock: u64| at + near >= clock && at <= clock + question.request_timeout_ms + near;
    let moving = question.stall_timeout_ms.is_some() || question.approval_timeout_ms.is_some();
    let fixed = question.start_timeout_ms.into_iter().chain([question.timeout_ms]);
    fixed.into_iter().any(at_fixed) || moving && at + near + question.request_timeout_ms >= end
}

/// Reports requests that were sent while the server had asked for a pause.
fn paused(question: &Question, transcript: &[Exchange], end: u64) -> Vec<String> {
    let asked = transcript.iter().filter(|own| own.done_ms <= end && !Ask::of(&own.path).is_beside());
    let pauses: Vec<(u64, u64)> = asked.filter_map(pause).collect();
    let polls = transcript.iter().filter(|own| own.method == "GET" && own.sent_ms <= end);
    let sends = polls.map(|own| (own.sent_ms, &own.path)).filter(|(at, _)| !near_clock(question, *at, end));
    let inside = |at: u64| pauses.iter().any(|(from, to)| at > from + 20 && at + 500 < *to);
    let first = sends.into_iter().find(|(at, _)| inside(*at));
    first.map(|(at, path)| format!("{path} was asked at {at} ms, while `Retry-After` held")).into_iter().collect()
}

/// Returns the time for which an answer asks for a pause.
fn pause(exchange: &Exchange) -> Option<(u64, u64)> {
    let answer = http(exchange).filter(|_| matches!(status(exchange), 429 | 503))?;
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some((exchange.done_ms, exchange.done_ms.saturating_add(seconds.saturating_mul(1_000))))
}
