//! Checks a run.

use std::time::Duration;

use super::result::{Reported, read};
use super::run::{REASONS, Run, SPARE};
use super::signals::AFTERWARDS;
use crate::oracle::{judge, judge_refusal, judge_run};

/// The verdicts of a wait that ends by itself, with their exit codes.
const CODES: [(&str, i32); 8] = [
    ("passed", 0),
    ("failed", 1),
    ("rejected", 3),
    ("cancelled", 4),
    ("approval_needed", 5),
    ("superseded", 6),
    ("inconclusive", 7),
    ("timed_out", 124),
];

/// The exit code of a run that refused to wait.
const USAGE: i32 = 2;

/// Returns the verdict, and everything that is wrong with the run.
pub(super) fn check(run: &Run) -> (String, Vec<String>) {
    let mut found = Vec::new();
    if run.stdout.contains(&run.token) || run.stderr.contains(&run.token) {
        found.push("the token is in what was written".to_owned());
    }
    if run.ended.code == Some(101) || run.stderr.contains("panicked") {
        found.push("it panicked".to_owned());
    }
    if run.ended.was_killed {
        found.push(format!("it had not ended after {:?}", run.ended.took));
        return ("killed".to_owned(), found);
    }
    let code = run.ended.code.unwrap_or(-1);
    let verdict = if run.signals.codes().any(|own| own == code) {
        found.extend(after_signal(run));
        "interrupted".to_owned()
    } else if code == USAGE {
        found.extend(usage(run));
        "usage".to_owned()
    } else {
        match read(run) {
            Ok(reported) => {
                found.extend(agrees(run, code, &reported));
                found.extend(late(run, &reported));
                found.extend(judged(run, &reported));
                reported.run.verdict
            }
            Err(trouble) => {
                found.push(format!("exit {code}, and {trouble}"));
                "none".to_owned()
            }
        }
    };
    (verdict, found)
}

/// Lets the oracle judge the outcomes. They are allowed if they are at one of the moments at which they may have
/// happened.
fn judged(run: &Run, reported: &Reported) -> Vec<String> {
    let question = run.world.question();
    let mut found = Vec::new();
    for (targets, whole) in reported.moments() {
        // For answers within the last millisecond, it is unknown which of them came before the end.
        let before = run.transcript.partition_point(|own| own.done_ms < whole.at_ms);
        let until = run.transcript.partition_point(|own| own.done_ms <= whole.at_ms);
        for known in before..=until {
            let known = &run.transcript[..known];
            found = judge(question, known, &targets);
            found.extend(judge_run(question, known, &targets, &whole));
            if found.is_empty() {
                return found;
            }
        }
    }
    found
}

/// Checks the end after a signal: it comes soon, with a complete result, or with none if there was no time for it.
fn after_signal(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let first = run.signals.sent.first().map_or(Duration::ZERO, |(at, _)| *at);
    let after = run.ended.took.saturating_sub(first);
    if after > AFTERWARDS + SPARE {
        found.push(format!("it ended {after:?} after a signal"));
    }
    let at_once = run.signals.sent.len() > 1;
    match read(run) {
        Ok(_) => {}
        Err(_) if at_once => {}
        Err(trouble) => found.push(format!("interrupted, and {trouble}")),
    }
    found
}

/// Checks that the question cannot be waited for, that no result is printed, and that stderr gives a reason.
fn usage(run: &Run) -> Vec<String> {
    // Nothing is read after it.
    let end = run.transcript.iter().map(|own| own.done_ms).max().unwrap_or_default();
    let mut found = judge_refusal(run.world.question(), &run.transcript, end);
    if !run.stdout.trim().is_empty() && !run.stdout.lines().all(|line| line.starts_with("{\"at\"")) {
        found.push("exit 2 prints a result".to_owned());
    }
    if run.stderr.trim().is_empty() {
        found.push("exit 2 without a word".to_owned());
    }
    found
}

/// Checks that the exit code, the result and stderr agree.
fn agrees(run: &Run, code: i32, reported: &Reported) -> Vec<String> {
    let mut found = Vec::new();
    let verdict = reported.run.verdict.as_str();
    if !CODES.contains(&(verdict, code)) || reported.result["exit_code"] != code {
        let written = &reported.result["exit_code"];
        found.push(format!("exit {code}, but the result says `{verdict}` and {written}"));
    }
    let targets = reported.result["targets"].as_array().into_iter().flatten();
    let reasons =
        || targets.chain([&reported.result]).filter_map(|own| own["reason"].as_str()).filter(|own| !own.is_empty());
    let reason = reported.result["reason"].as_str();
    if (verdict == "passed") != reason.is_none() {
        found.push(format!("`{verdict}` with the reason {reason:?}"));
    } else if verdict != "passed" && !reasons().any(|reason| run.stderr.contains(reason)) {
        found.push(format!("stderr does not say why: {reason:?}"));
    }
    found
}

/// Checks that after the verdict the program took no longer than it may for what it adds to a report.
fn late(run: &Run, reported: &Reported) -> Option<String> {
    let verdict = Duration::from_millis(reported.run.at_ms);
    let after = run.ended.took.saturating_sub(verdict);
    (after > REASONS + SPARE).then(|| format!("it ended {after:?} after the verdict"))
}
