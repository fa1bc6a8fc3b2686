//! The steps of a workflow, in the rows there are.

use nuon_gate_core::Moment;
use nuon_gate_core::model::StepState;

use super::board::Step;
use super::compact::compact;
use super::row::{INDENT, Row, Span};
use crate::output::describe::Tone;

/// Returns the steps in this many rows: all, or those around the first that has not ended.
pub(super) fn steps(steps: &[Step], room: usize, now: Moment) -> Vec<Row> {
    let fit = if steps.len() <= room { steps.len() } else { room.saturating_sub(1) };
    let first = position(steps).saturating_sub(1).min(steps.len() - fit);
    let shown = steps.iter().skip(first).take(fit).map(|step| row(step, now));
    let rest = match (first, steps.len() - first - fit) {
        (0, 0) => None,
        (0, after) => Some(format!("… and {after} more")),
        (before, 0) => Some(format!("… after {before} more")),
        (before, after) => Some(format!("… after {before} more, and {after} more")),
    };
    let rest = rest.map(|rest| Row::of([Span::new(Tone::Faint, format!("{INDENT}{rest}"))]));
    shown.chain(rest).collect()
}

/// Returns the progress of the workflow, in one row.
pub(super) fn in_short(steps: &[Step]) -> Option<Row> {
    let at = position(steps);
    let step = steps.get(at)?;
    let (sign, tone) = sign(step);
    Some(Row::of([
        Span::new(Tone::Plain, INDENT),
        Span::new(tone, format!("{sign} ")),
        Span::new(Tone::Plain, format!("step {} of {}", at + 1, steps.len())),
        Span::new(Tone::Faint, format!("{INDENT}{}", step.standing.name.plain())),
    ]))
}

/// Returns the current step: the first that has not ended well, or else the last.
fn position(steps: &[Step]) -> usize {
    let is_over = |step: &Step| matches!(step.standing.state, StepState::Succeeded | StepState::Replaced);
    steps.iter().position(|step| !is_over(step)).unwrap_or(steps.len().saturating_sub(1))
}

fn row(step: &Step, now: Moment) -> Row {
    let (sign, tone) = sign(step);
    let spent = step.since.map(|since| compact(now - since)).unwrap_or_default();
    let words = match step.standing.state {
        _ if step.standing.asks => format!("a human has to approve {spent}"),
        StepState::Running => spent,
        StepState::Retrying => format!("is tried again {spent}"),
        StepState::Replaced => "was tried again".to_owned(),
        StepState::Failed => "failed".to_owned(),
        StepState::NotBegun | StepState::Succeeded => String::new(),
    };
    let name = if tone == Tone::Faint { tone } else { Tone::Plain };
    Row::of([
        Span::new(Tone::Plain, INDENT),
        Span::new(tone, format!("{sign} ")),
        Span::new(name, step.standing.name.plain()),
        Span::new(tone, if words.is_empty() { words } else { format!("{INDENT}{}", words.trim_end()) }),
    ])
}

fn sign(step: &Step) -> (char, Tone) {
    match step.standing.state {
        _ if step.standing.asks => ('!', Tone::Warning),
        StepState::Running => ('*', Tone::Plain),
        StepState::Retrying => ('!', Tone::Warning),
        StepState::Succeeded => ('✓', Tone::Good),
        StepState::Failed => ('✗', Tone::Bad),
        StepState::NotBegun | StepState::Replaced => ('-', Tone::Faint),
    }
}
