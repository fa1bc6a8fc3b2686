//! A deploy that has not ended: running, left behind by a workflow that has ended, or waiting for a human.

use super::Means::{Asks, InProgress, Orphan, OrphanBehind};
use crate::model::WorkflowEnd::{Failed, Parked, Succeeded};

use super::{
    APPROVALS, AT_WORK, CANCELLED, FAILED, Flow, JUDGING, Means, PARKED, Row, STATUSES, SUCCEEDED, WORKFLOWS, flow,
    health, other, own, row,
};
use crate::model::WorkflowEnd;
use crate::{Judgement, Verdict};

const ORPHAN: Means = Orphan(Verdict::Failed, Failed);
const CALLED_OFF: Means = Orphan(Verdict::Cancelled, WorkflowEnd::Cancelled);
const SEEN_MORE: Means = OrphanBehind(Verdict::Failed, Failed);
const CALLED_OFF_BUT_SEEN_MORE: Means = OrphanBehind(Verdict::Cancelled, WorkflowEnd::Cancelled);

const fn asking(approval_option: Option<&'static str>) -> Flow {
    AT_WORK.approving(approval_option)
}

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // The workflow goes on.
    row("queued, workflow pending", JUDGING, "queued", flow("pending"), &[own("pending")], InProgress),
    row("executing, at work", JUDGING, "executing", AT_WORK, &[own("in-progress")], InProgress),
    row("executing, `success` unfinished", WORKFLOWS, "executing", flow("success"), &[own("in-progress")], InProgress),
    row("executing, word of work beside finished", WORKFLOWS, "executing", flow("executing").finished(),
        &[own("in-progress")], InProgress),
    row("executing, odd word", JUDGING, "executing", flow("hibernating"), &[own("in-progress")], InProgress),
    row("executing, own step failed, workflow at work", JUDGING, "executing", AT_WORK, &[own("error")], InProgress),
    // The workflow has ended.
    row("queued, a step before it failed", STATUSES, "queued", FAILED, &[own("pending")], ORPHAN),
    row("queued, not attempted", STATUSES, "queued", FAILED, &[own("not-attempted")], ORPHAN),
    row("executing, the step ran into its limit", STATUSES, "executing", FAILED, &[own("error")], ORPHAN),
    row("executing, own step at work", STATUSES, "executing", FAILED, &[own("in-progress")], ORPHAN),
    row("executing, own step retrying", STATUSES, "executing", FAILED, &[own("retrying")], ORPHAN),
    row("executing, `error` without finished", WORKFLOWS, "executing", flow("error"), &[own("error")], ORPHAN),
    row("executing, odd word, finished", JUDGING, "executing", flow("hibernating").finished(), &[own("error")], ORPHAN),
    row("executing, no word, finished", JUDGING, "executing", flow("").finished(), &[own("error")], ORPHAN),
    row("pending-approval, a policy denied it", STATUSES, "pending-approval", FAILED, &[own("error")], ORPHAN),
    row("pending-approval, asks nobody any more", STATUSES, "pending-approval", FAILED,
        &[own("approval-awaiting")], ORPHAN),
    row("pending-approval, denied", STATUSES, "pending-approval", FAILED, &[own("approval-denied")], ORPHAN),
    row("unknown word, workflow failed", STATUSES, "hibernating", FAILED, &[own("error")], ORPHAN),
    row("queued, parked", STATUSES, "queued", PARKED, &[own("pending")], Orphan(Verdict::Failed, Parked)),
    row("queued, parked by metadata", STATUSES, "queued", flow("in-progress").awaiting_retry(), &[own("pending")],
        Orphan(Verdict::Failed, Parked)),
    row("queued, cancelled", JUDGING, "queued", CANCELLED, &[own("pending")], CALLED_OFF),
    row("queued, cancelled, not attempted", JUDGING, "queued", CANCELLED, &[own("not-attempted")], CALLED_OFF),
    row("executing, cancelled", JUDGING, "executing", CANCELLED, &[own("cancelled")], CALLED_OFF),
    row("pending-approval, denied, then cancelled", JUDGING, "pending-approval", CANCELLED, &[own("approval-denied")],
        CALLED_OFF),
    row("pending-approval, not answered, then cancelled", JUDGING, "pending-approval", CANCELLED,
        &[own("approval-expired")], CALLED_OFF),
    row("executing, cancelled at work", JUDGING, "executing", CANCELLED, &[own("in-progress")], CALLED_OFF),
    // The steps show more than the row, or there is none.
    row("executing, failed, no step", JUDGING, "executing", FAILED, &[], SEEN_MORE),
    row("executing, failed, only another's step", JUDGING, "executing", FAILED, &[other("error")], SEEN_MORE),
    row("executing, failed, own step succeeded", JUDGING, "executing", FAILED, &[own("success")], SEEN_MORE),
    row("executing, failed, own step replaced", JUDGING, "executing", FAILED, &[own("retried")], SEEN_MORE),
    row("executing, failed, planned and not begun", JUDGING, "executing", FAILED, &[own("success"), own("pending")],
        ORPHAN),
    row("executing, failed, planned and failed", JUDGING, "executing", FAILED, &[own("success"), own("error")], ORPHAN),
    row("executing, ended well, own step succeeded", JUDGING, "executing", SUCCEEDED, &[own("success")],
        OrphanBehind(Verdict::Failed, Succeeded)),
    row("queued, ended well, own step not begun", JUDGING, "queued", SUCCEEDED, &[own("pending")],
        OrphanBehind(Verdict::Failed, Succeeded)),
    row("executing, ended well, own step at work", JUDGING, "executing", SUCCEEDED,
        &[own("success"), own("in-progress")], OrphanBehind(Verdict::Failed, Succeeded)),
    row("executing, parked, own step succeeded", JUDGING, "executing", PARKED, &[own("success")],
        OrphanBehind(Verdict::Failed, Parked)),
    row("executing, parked by another's step, own step at work", JUDGING, "executing", PARKED,
        &[other("error"), own("in-progress")], OrphanBehind(Verdict::Failed, Parked)),
    row("executing, parked, own step not begun", JUDGING, "executing", PARKED, &[other("error"), own("queued")],
        Orphan(Verdict::Failed, Parked)),
    row("executing, cancelled, own step succeeded", JUDGING, "executing", CANCELLED, &[own("success")],
        CALLED_OFF_BUT_SEEN_MORE),
    row("executing, cancelled, own step had failed", JUDGING, "executing", CANCELLED, &[own("error")],
        CALLED_OFF_BUT_SEEN_MORE),
    row("executing, cancelled, own step had timed out", JUDGING, "executing", CANCELLED, &[own("timed-out")],
        CALLED_OFF_BUT_SEEN_MORE),
    row("queued, failed, only its health has ended well", JUDGING, "queued", FAILED,
        &[own("pending"), health("success", None)], ORPHAN),
    // A human is asked, or is not.
    row("asks, prompt", APPROVALS, "pending-approval", asking(Some("prompt")), &[own("approval-awaiting")],
        Asks("iws-1")),
    row("asks, option absent", APPROVALS, "pending-approval", asking(None), &[own("approval-awaiting")], Asks("iws-1")),
    row("asks, option unknown", APPROVALS, "pending-approval", asking(Some("quorum")), &[own("approval-awaiting")],
        Asks("iws-1")),
    row("asks, option empty", APPROVALS, "pending-approval", asking(Some("")), &[own("approval-awaiting")],
        Asks("iws-1")),
    row("asks nobody, approve-all", APPROVALS, "pending-approval", asking(Some("approve-all")),
        &[own("approval-awaiting")], InProgress),
    row("asks, the second of its steps", APPROVALS, "pending-approval", AT_WORK,
        &[own("success"), own("approval-awaiting")], Asks("iws-2")),
    row("approved", APPROVALS, "pending-approval", AT_WORK,
        &[own("approval-awaiting").answered("approve")], InProgress),
    row("denied", APPROVALS, "pending-approval", AT_WORK, &[own("approval-awaiting").answered("deny")], InProgress),
    row("answered before, asks anew", APPROVALS, "pending-approval", AT_WORK,
        &[own("retried").answered("retry"), own("approval-awaiting")], Asks("iws-2")),
    row("its step does not ask", APPROVALS, "pending-approval", AT_WORK, &[own("in-progress")], InProgress),
    row("its step is done", APPROVALS, "pending-approval", AT_WORK, &[own("approved")], InProgress),
    row("another's step asks", APPROVALS, "pending-approval", AT_WORK,
        &[own("in-progress"), other("approval-awaiting")],
        InProgress),
    row("the step asks, the deploy does not", APPROVALS, "planning", AT_WORK, &[own("approval-awaiting")], InProgress),
    row("asks by an older word", APPROVALS, "pending-approval", AT_WORK, &[own("awaiting-approval")], InProgress),
    // A flag needs no workflow.
    row("a flag says that it is waited for", JUDGING, "active", FAILED, &[own("error")], InProgress)
        .by_rule(Judgement::Pending),
];

#[test]
fn a_deploy_that_has_not_ended() {
    TABLE.iter().for_each(Row::check);
}
