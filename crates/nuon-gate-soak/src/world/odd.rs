//! Unexpected words in every place that holds a word.

use fastrand::Rng;

use super::story::Story;

/// Statuses of other objects, historic ones, and invented ones.
const WORDS: &[&str] = &[
    "failed",
    "timed-out",
    "expired",
    "not-attempted",
    "warning",
    "outdated",
    "user-skipped",
    "completed",
    "done",
    "Active",
    "SUCCESS",
    "success",
    "active",
    "error",
    "cancelled",
    "rolled-back",
    "calibrating",
    "unknown",
    "applying",
    "provisioning",
    "awaiting-user-run",
    "checking-plan",
    "retrying",
    "awaiting-approval",
    "",
    "approved",
    "health-failed",
    "inactive",
];
const OPTIONS: &[&str] = &["approve-some", "", "APPROVE-ALL", "auto", "deny-all"];
const TYPES: &[&str] = &["", "Apply", "deploy", "sync", "adopt", "plan-only", "destroy"];
const EXECUTIONS: &[&str] = &["skipped", "hidden", "user", "robot", ""];

/// Puts unexpected words into one story in five, mostly into its new workflows.
pub(super) fn words(rng: &mut Rng, story: &mut Story, fresh: &[usize]) {
    if rng.u8(..100) >= 18 {
        return;
    }
    for _ in 0..rng.u8(1..=3) {
        let flow =
            if fresh.is_empty() { rng.usize(0..story.flows.len().max(1)) } else { fresh[rng.usize(..fresh.len())] };
        if flow >= story.flows.len() {
            return;
        }
        let note = match rng.u8(..12) {
            0..3 => row_word(rng, story, flow),
            3..5 => flow_word(rng, story, flow),
            5..9 => step_word(rng, story, flow),
            9 => {
                story.flows[flow].option = OPTIONS[rng.usize(..OPTIONS.len())];
                Some("odd-approval-option")
            }
            10 => row_type(rng, story, flow),
            _ => execution(rng, story, flow),
        };
        story.notes.extend(note);
    }
}

fn row_word(rng: &mut Rng, story: &mut Story, flow: usize) -> Option<&'static str> {
    let row = story.rows.iter_mut().rev().find(|row| row.flow == flow)?;
    let place = if rng.bool() { row.changes.len() - 1 } else { rng.usize(..row.changes.len()) };
    row.changes[place].word = WORDS[rng.usize(..WORDS.len())];
    Some("odd-row-word")
}

fn flow_word(rng: &mut Rng, story: &mut Story, flow: usize) -> Option<&'static str> {
    let change = story.flows[flow].changes.last_mut()?;
    change.word = WORDS[rng.usize(..WORDS.len())];
    if rng.u8(..4) == 0 {
        change.finished = !change.finished;
    }
    Some("odd-workflow-word")
}

fn step_word(rng: &mut Rng, story: &mut Story, flow: usize) -> Option<&'static str> {
    let steps = &mut story.flows[flow].steps;
    if steps.is_empty() {
        return None;
    }
    let place = rng.usize(..steps.len());
    let change = steps[place].changes.last_mut()?;
    change.word = WORDS[rng.usize(..WORDS.len())];
    if rng.u8(..4) == 0 {
        change.finished = !change.finished;
    }
    Some("odd-step-word")
}

fn row_type(rng: &mut Rng, story: &mut Story, flow: usize) -> Option<&'static str> {
    let row = story.rows.iter_mut().rev().find(|row| row.flow == flow)?;
    row.kind = TYPES[rng.usize(..TYPES.len())];
    Some("odd-row-type")
}

fn execution(rng: &mut Rng, story: &mut Story, flow: usize) -> Option<&'static str> {
    let steps = &mut story.flows[flow].steps;
    if steps.is_empty() {
        return None;
    }
    let place = rng.usize(..steps.len());
    steps[place].execution = EXECUTIONS[rng.usize(..EXECUTIONS.len())];
    Some("odd-execution-type")
}
