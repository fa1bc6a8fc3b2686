//! Checks the watch's promises in generated worlds: complete HTTP answers go in, and an oracle that shares no code with
//! the watch judges the outcome.

#![allow(dead_code, reason = "whoever plays the worlds may leave a part of this")]

mod play;

use nuon_gate_core::Verdict;
use nuon_gate_core::watch::{Event, EventKind};
use nuon_gate_soak::oracle::{judge, judge_refusal, judge_run};
use nuon_gate_soak::transcript::Outcome;
use nuon_gate_soak::world::World;

use self::play::{Played, play};

/// One world in this many is played twice.
const PLAYED_AGAIN: u64 = 8;

/// Plays a world. Returns the promises that were broken.
pub(crate) fn broken(seed: u64) -> Vec<String> {
    let world = World::generate(seed);
    let played = play(&world);
    let mut found = judged(&world, &played);
    found.extend(ends_in_time(&world, &played));
    found.extend(is_consistent(&played));
    if seed.is_multiple_of(PLAYED_AGAIN) {
        found.extend(is_repeated(&world, &played));
    }
    found
}

/// Promise 4: the same seed and the same answers at the same times lead to the same events.
fn is_repeated(world: &World, played: &Played) -> Option<String> {
    let again = play(world);
    let is_same = again.events == played.events && again.transcript == played.transcript;
    (!is_same).then(|| "the same seed gives another run".to_owned())
}

/// Describes a world and its run, for a person.
pub(crate) fn described(seed: u64) -> String {
    let world = World::generate(seed);
    let played = play(&world);
    let mut lines = vec![world.describe(), format!("{:#?}", world.question())];
    lines.extend(played.transcript.iter().map(ToString::to_string));
    lines.extend(played.events.iter().map(|event| format!("{:?} {:?}", event.at, event.kind)));
    lines.push(format!("{:?}: {:?}", played.run, played.outcomes));
    lines.join("\n")
}

/// Promise 1, and all other rules for verdicts.
fn judged(world: &World, played: &Played) -> Vec<String> {
    // A signal decides for every target.
    if played.run.verdict == "interrupted" {
        return Vec::new();
    }
    let question = world.question();
    if played.run.verdict == "usage" {
        return judge_refusal(question, &played.transcript, played.run.at_ms);
    }
    let mut found = judge(question, &played.transcript, &played.outcomes);
    found.extend(judge_run(question, &played.transcript, &played.outcomes, &played.run));
    found
}

/// Promise 2: the watch ends by its deadline plus one request's timeout, and within a second after a signal.
fn ends_in_time(world: &World, played: &Played) -> Vec<String> {
    let question = world.question();
    let latest = question.timeout_ms + question.request_timeout_ms;
    let after_signal = world.signals().first().map_or(u64::MAX, |(at, _)| at + 1000);
    let at = played.run.at_ms;
    if at > latest.min(after_signal.max(1)) { vec![format!("it ended only after {at} ms")] } else { Vec::new() }
}

/// Each target ends once, has no event afterwards, and a pass has a proof.
fn is_consistent(played: &Played) -> Vec<String> {
    let mut found = Vec::new();
    if played.run.verdict == "usage" {
        return found;
    }
    for (index, target) in played.report.targets.iter().enumerate() {
        let own: Vec<&Event> = played.events.iter().filter(|event| about(event) == Some(index)).collect();
        let ended = own.iter().filter(|event| matches!(event.kind, EventKind::Ended { .. })).count();
        let last = own.last().is_some_and(|event| matches!(event.kind, EventKind::Ended { .. }));
        if ended != 1 || !last {
            found.push(format!("target {index} ended {ended} times"));
        }
        let is_passed = target.verdict == Verdict::Passed;
        if is_passed != target.proof.is_some() || is_passed == target.cause.is_some() {
            found.push(format!("target {index}: {:?} with {:?} and {:?}", target.verdict, target.proof, target.cause));
        }
        if target.cause.as_ref().is_some_and(|cause| cause.to_string().is_empty()) {
            found.push(format!("target {index} has a cause without words"));
        }
    }
    found
}

fn about(event: &Event) -> Option<usize> {
    match &event.kind {
        EventKind::Joined { target, .. }
        | EventKind::NotStarted { target }
        | EventKind::Found { target, .. }
        | EventKind::Changed { target, .. }
        | EventKind::Expected { target, .. }
        | EventKind::Held { target, .. }
        | EventKind::Logged { target, .. }
        | EventKind::LogEnded { target, .. }
        | EventKind::Superseded { target, .. } => Some(*target),
        EventKind::Queued { target, .. }
        | EventKind::ApprovalNeeded { target, .. }
        | EventKind::Retrying { target, .. }
        | EventKind::Warned { target, .. }
        | EventKind::Ended { target, .. } => *target,
        EventKind::Started { .. } | EventKind::Steps { .. } | EventKind::Waiting { .. } | EventKind::Run(_) => None,
    }
}

fn outcome(verdict: &str, deploy: Option<String>, at_ms: u64) -> Outcome {
    Outcome { verdict: verdict.to_owned(), deploy, at_ms }
}
