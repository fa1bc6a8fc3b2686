//! Lets the gate cancel a workflow.

use super::reply::Reply;
use super::story::{Age, Change, Row, Step, Story, so_far};

/// Statuses in which a deploy can no longer be cancelled.
const OVER: &[&str] = &[
    "active",
    "inactive",
    "error",
    "noop",
    "auto-skipped",
    "approval-denied",
    "approval-expired",
    "cancelled",
    "retried",
];

/// A time that never comes.
const NEVER: i64 = i64::MAX / 4;

impl Story {
    /// Cancels a workflow, if possible.
    pub(super) fn cancel(&mut self, id: &str, at: i64) -> Reply {
        if self.age == Age::Old {
            return Reply::no_route();
        }
        let Some(number) = self.flow(id, at) else { return Reply::none("workflow") };
        let flow = &mut self.flows[number];
        let word = so_far(&flow.changes, at).last().map_or("", |change| change.word);
        let parked = word == "failed-pending-retry" && self.age == Age::New;
        if !parked && !matches!(word, "in-progress" | "pending" | "approval-awaiting") {
            let status = if self.age == Age::New { 500 } else { 400 };
            return Reply::error(
                status,
                "unable to cancel workflow: workflow is not cancelable",
                "workflow is not cancelable",
            );
        }
        flow.changes.retain(|change| change.at <= at);
        let finished = word != "pending";
        flow.changes.push(Change { finished, ..Change::new(at, "cancelled", "workflow cancelled") });
        for step in &mut flow.steps {
            stop(step, at);
        }
        for (place, row) in self.rows.iter_mut().enumerate().filter(|(_, row)| row.flow == number) {
            if row.created > at {
                // Rows are referred to by their index, so this one stays, and never appears.
                row.created = NEVER;
                continue;
            }
            let steps = &self.flows[number].steps;
            let begun = steps.iter().any(|step| step.row.is_some_and(|(own, _)| own == place) && step.began.is_some());
            halt(row, begun, at);
        }
        let body = if self.age == Age::New { "{}" } else { "true" };
        Reply { status: 202, ..Reply::good(body.to_owned()) }
    }
}

/// Removes a step's future, so that it is cancelled.
fn stop(step: &mut Step, at: i64) {
    step.changes.retain(|change| change.at <= at);
    if step.began.is_some_and(|began| began > at) {
        step.began = None;
        step.part_from = i64::MAX;
    }
    step.approval = step.approval.filter(|approval| approval.at <= at);
    if let Some(approval) = &mut step.approval {
        approval.answer = approval.answer.filter(|(answered, _)| *answered <= at);
    }
    if step.changes.last().is_some_and(|change| !change.finished) {
        let word = if step.began.is_some() { "cancelled" } else { "not-attempted" };
        step.changes.push(Change::last(at + 300, word, ""));
    }
}

/// Removes a deploy's future: a running deploy is cancelled, a queued one stays as it is.
fn halt(row: &mut Row, begun: bool, at: i64) {
    let ends = row.changes.iter().filter(|change| change.at > at).count();
    row.changes.retain(|change| change.at <= at);
    let over = row.changes.last().is_some_and(|change| OVER.contains(&change.word));
    if (ends > 0 || !over) && begun {
        row.changes.push(Change { wipes: true, ..Change::new(at + 1_500, "cancelled", "") });
    }
}
