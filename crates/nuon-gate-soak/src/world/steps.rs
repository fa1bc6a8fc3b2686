//! What servers leave in the steps of a workflow.

use fastrand::Rng;

use super::story::{Age, Aim, Flow, Story};

/// Its note, and what it does to a workflow.
type Quirk = (&'static str, fn(&mut Flow));

/// The worlds of smaller seeds stay as they were when they showed faults.
const FIRST: u64 = 4_200_000_000;

/// Gives the steps of some worlds what newer servers leave in them.
pub(super) fn leave(seed: u64, story: &mut Story) {
    let rng = &mut Rng::with_seed(seed ^ 0x7374_6570_735f_6c65);
    if seed < FIRST || story.age != Age::New {
        return;
    }
    let quirks: [Quirk; 3] =
        [("retries-leave-error", leave_error), ("targets-come-late", name_late), ("leftovers-discarded", discard)];
    for (note, change) in quirks {
        if rng.u8(..4) == 0 {
            story.flows.iter_mut().for_each(change);
            story.notes.push(note);
        }
    }
}

/// An automatic retry leaves its step in `error`, and its flag says nothing.
fn leave_error(flow: &mut Flow) {
    for step in flow.steps.iter_mut().filter(|step| step.metadata.contains("auto_retried\":true")) {
        step.retried = None;
    }
}

/// A step names its deploy only once it runs.
fn name_late(flow: &mut Flow) {
    for step in flow.steps.iter_mut().filter(|step| matches!(step.aim, Aim::Deploy)) {
        let began = step.began.unwrap_or(i64::MAX);
        step.row = step.row.map(|(row, from)| (row, from.max(began)));
    }
}

/// After a plan without a change, the rest of its group is discarded.
fn discard(flow: &mut Flow) {
    let is_skipped =
        |flow: &Flow, at: usize| flow.steps[at].changes.last().is_some_and(|own| own.word == "auto-skipped");
    for at in 0..flow.steps.len() {
        let own = &flow.steps[at];
        let of_same = |before: usize| {
            let other = &flow.steps[before];
            let (row, its) = (own.row.map(|(row, _)| row), other.row.map(|(row, _)| row));
            row.is_some() && row == its && (own.group, own.group_retry) == (other.group, other.group_retry)
        };
        let is_left = is_skipped(flow, at) && (0..at).any(|before| of_same(before) && is_skipped(flow, before));
        if let Some(last) = flow.steps[at].changes.last_mut().filter(|_| is_left) {
            last.word = "discarded";
        }
    }
}
