//! Every status, of either kind, with every workflow that its deploy may have.

use super::Means::{
    Cancelled, Fail, InProgress, Orphan, OrphanBehind, Pass, Replaced, Retry, StepFailed, Unnoticed, Waits,
};
use crate::model::WorkflowEnd::{Failed, Parked, Succeeded};

use super::{AT_WORK, CANCELLED, FAILED, Flow, JUDGING, Means, PARKED, Row, STATUSES, SUCCEEDED, Step, own};
use crate::model::{Status, WorkflowEnd};
use crate::{Judgement, Kind, Verdict};

/// The columns: a workflow with one step of the deploy's.
const COLUMNS: [(&str, Option<Flow>, &[Step]); 8] = [
    ("no workflow", None, &[]),
    ("at work on it", Some(AT_WORK), &[own("in-progress")]),
    ("its step is done", Some(AT_WORK), &[own("success")]),
    ("its step is done and finished", Some(AT_WORK), &[own("success").finished()]),
    ("ended well", Some(SUCCEEDED), &[own("success").finished()]),
    ("failed", Some(FAILED), &[own("error").finished()]),
    ("parked", Some(PARKED), &[own("error").finished()]),
    ("cancelled", Some(CANCELLED), &[own("cancelled").finished()]),
];

const RUNS: &str = "step 1 of 1, apply, is `in-progress`";
const BROKE: Means = StepFailed(Verdict::Failed, "step 1 of 1, apply, failed");
const STOPPED: Means = StepFailed(Verdict::Cancelled, "step 1 of 1, apply, was cancelled");

const PASSES: [Means; 8] = [Pass, Waits(RUNS), Pass, Pass, Pass, BROKE, BROKE, STOPPED];
const FAILS: [Means; 8] = [Fail; 8];
const NOOP: [Means; 8] = [Fail, Unnoticed, Fail, Fail, Fail, Fail, Fail, Fail];
const ERROR: [Means; 8] = [Fail, Retry, Retry, Unnoticed, Unnoticed, Fail, Fail, Fail];
const CALLED_OFF: [Means; 8] = [Cancelled; 8];
const REPLACED: [Means; 8] = [Replaced; 8];
const PENDING: [Means; 8] = [
    InProgress,
    InProgress,
    InProgress,
    InProgress,
    OrphanBehind(Verdict::Failed, Succeeded),
    Orphan(Verdict::Failed, Failed),
    Orphan(Verdict::Failed, Parked),
    Orphan(Verdict::Cancelled, WorkflowEnd::Cancelled),
];

/// The status, its meaning for an apply in each column, and for a teardown.
const TABLE: [(&str, &str, [Means; 8], [Means; 8]); 27] = [
    ("active", STATUSES, PASSES, PASSES),
    ("auto-skipped", STATUSES, PASSES, PASSES),
    ("inactive", STATUSES, FAILS, PASSES),
    ("error", STATUSES, ERROR, ERROR),
    ("noop", JUDGING, NOOP, NOOP),
    ("cancelled", STATUSES, CALLED_OFF, CALLED_OFF),
    ("approval-denied", STATUSES, CALLED_OFF, CALLED_OFF),
    ("approval-expired", STATUSES, CALLED_OFF, CALLED_OFF),
    ("retried", STATUSES, REPLACED, REPLACED),
    ("discarded", STATUSES, REPLACED, REPLACED),
    ("queued", STATUSES, PENDING, PENDING),
    ("pending", STATUSES, PENDING, PENDING),
    ("planning", STATUSES, PENDING, PENDING),
    ("syncing", STATUSES, PENDING, PENDING),
    ("executing", STATUSES, PENDING, PENDING),
    ("pending-approval", STATUSES, PENDING, PENDING),
    ("unknown", STATUSES, PENDING, PENDING),
    ("", JUDGING, PENDING, PENDING),
    ("drifted", JUDGING, PENDING, PENDING),
    ("no-drift", JUDGING, PENDING, PENDING),
    ("health-failed", JUDGING, PENDING, PENDING),
    ("success", JUDGING, PENDING, PENDING),
    ("finished", JUDGING, PENDING, PENDING),
    ("failed", JUDGING, PENDING, PENDING),
    ("Active", JUDGING, PENDING, PENDING),
    ("active ", JUDGING, PENDING, PENDING),
    ("hibernating", JUDGING, PENDING, PENDING),
];

/// A flag's judgement needs no step: the user has decided.
const BY_RULE: [(&str, Judgement, Means); 5] = [
    ("noop", Judgement::Passed, Pass),
    ("drifted", Judgement::Passed, Pass),
    ("active", Judgement::Failed, Fail),
    ("error", Judgement::Failed, Fail),
    ("active", Judgement::Pending, InProgress),
];

fn cell(status: &'static str, section: &'static str, kind: Kind, column: usize, means: Means) -> Row {
    let (name, flow, steps) = COLUMNS[column];
    Row { name, section, status, kind, rule: None, has_component: true, flow, steps, means }
}

#[test]
fn every_status_of_either_kind_beside_every_workflow() {
    for (status, section, apply, teardown) in TABLE {
        for (kind, cells) in [(Kind::Apply, apply), (Kind::Teardown, teardown)] {
            for (column, means) in cells.into_iter().enumerate() {
                cell(status, section, kind, column, means).check();
            }
        }
    }
}

#[test]
fn the_table_has_every_status_that_the_model_names() {
    for status in Status::KNOWN {
        assert!(TABLE.iter().any(|(word, ..)| *word == status.as_str()), "{status:?}");
    }
}

#[test]
fn a_flag_decides_beside_every_workflow() {
    for (status, judgement, means) in BY_RULE {
        for kind in [Kind::Apply, Kind::Teardown] {
            for column in 0..COLUMNS.len() {
                cell(status, JUDGING, kind, column, means).by_rule(judgement).check();
            }
        }
    }
}
