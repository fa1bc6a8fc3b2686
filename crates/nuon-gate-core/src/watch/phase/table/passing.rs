//! A passing status: it counts when a step that targets the deploy has begun, and none that works on it is unfinished or
//! failed, whatever the workflow as a whole says.

use super::Means::{NotBegun, Pass, StepFailed, Waits};

use super::{
    AT_WORK, CANCELLED, FAILED, JUDGING, Means, OTHER_COMPONENT, OWN_COMPONENT, PARKED, Row, SUCCEEDED, VERIFIED,
    WORKFLOWS, flow, health, other, own, row, step,
};
use crate::{Judgement, Verdict};

const MINE: Option<&str> = Some(OWN_COMPONENT);
const THEIRS: Option<&str> = Some(OTHER_COMPONENT);

const fn broke(step: &'static str) -> Means {
    StepFailed(Verdict::Failed, step)
}

const fn stopped(step: &'static str) -> Means {
    StepFailed(Verdict::Cancelled, step)
}

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // Its own step, in every state.
    row("no step at all", JUDGING, "active", AT_WORK, &[], NotBegun),
    row("no step at all, ended well", JUDGING, "active", SUCCEEDED, &[], NotBegun),
    row("only another's step", JUDGING, "active", SUCCEEDED, &[other("success")], NotBegun),
    row("own step without a word", JUDGING, "active", AT_WORK, &[own("")], Waits("step 1 of 1, apply, has not begun")),
    row("own step pending", JUDGING, "active", AT_WORK, &[own("pending")], Waits("step 1 of 1, apply, is `pending`")),
    row("own step queued", JUDGING, "active", AT_WORK, &[own("queued")], Waits("step 1 of 1, apply, is `queued`")),
    row("pending, ended well", JUDGING, "active", SUCCEEDED,
        &[own("pending")], Waits("step 1 of 1, apply, is `pending`")),
    row("never meant to be run", JUDGING, "active", AT_WORK, &[own("pending").run_as("skipped")], NotBegun),
    row("one run, one not meant to be", JUDGING, "active", AT_WORK,
        &[own("pending").run_as("skipped"), own("success")], Pass),
    row("hidden, and not begun", JUDGING, "active", AT_WORK, &[own("success"), own("pending").run_as("hidden")],
        Waits("step 2 of 2, apply, is `pending`")),
    row("own step at work", JUDGING, "active", AT_WORK,
        &[own("in-progress")], Waits("step 1 of 1, apply, is `in-progress`")),
    row("at work beside finished", WORKFLOWS, "active", AT_WORK, &[own("in-progress").finished()],
        Waits("step 1 of 1, apply, is `in-progress`")),
    row("own step asks a human", WORKFLOWS, "active", AT_WORK, &[own("approval-awaiting")],
        Waits("step 1 of 1, apply, is `approval-awaiting`")),
    row("own step retrying", JUDGING, "active", AT_WORK,
        &[own("retrying")], Waits("step 1 of 1, apply, is `retrying`")),
    row("own step plans again", JUDGING, "active", AT_WORK, &[own("approval-retry")],
        Waits("step 1 of 1, apply, is `approval-retry`")),
    row("own step failed with tries left", JUDGING, "active", AT_WORK, &[own("error").tries(1, 3)],
        Waits("step 1 of 1, apply, is `error`")),
    row("own step succeeded", JUDGING, "active", AT_WORK, &[own("success")], Pass),
    row("own step approved", JUDGING, "active", AT_WORK, &[own("approved")], Pass),
    row("own step skipped by the plan", JUDGING, "auto-skipped", AT_WORK, &[own("auto-skipped")], Pass),
    row("own step skipped by a human", JUDGING, "active", AT_WORK, &[own("user-skipped")], Pass),
    row("own step skipped", JUDGING, "active", AT_WORK, &[own("skipped")], Pass),
    row("own step with a warning", JUDGING, "active", AT_WORK, &[own("warning")], Pass),
    row("own step replaced by flag, and run again", JUDGING, "active", AT_WORK,
        &[own("error").retried(), own("success")], Pass),
    row("own step retried, and run again", JUDGING, "active", AT_WORK, &[own("retried"), own("success")], Pass),
    row("own step discarded, and running again", JUDGING, "active", AT_WORK, &[own("discarded"), own("in-progress")],
        Waits("step 2 of 2, apply, is `in-progress`")),
    row("own step failed", JUDGING, "active", AT_WORK, &[own("error")], broke("step 1 of 1, apply, failed")),
    row("own step failed, no tries left", JUDGING, "active", AT_WORK, &[own("error").tries(3, 3)],
        broke("step 1 of 1, apply, failed")),
    row("own step failed, tries given up", JUDGING, "active", AT_WORK, &[own("error").tries(1, 3).exhausted()],
        broke("step 1 of 1, apply, failed")),
    row("own step `failed`", JUDGING, "active", AT_WORK, &[own("failed")], broke("step 1 of 1, apply, failed")),
    row("own step timed out", JUDGING, "active", AT_WORK, &[own("timed-out")],
        broke("step 1 of 1, apply, is `timed-out`")),
    row("own step expired", JUDGING, "active", AT_WORK, &[own("expired")], broke("step 1 of 1, apply, is `expired`")),
    row("own step not attempted", JUDGING, "active", AT_WORK, &[own("not-attempted")],
        broke("step 1 of 1, apply, was not attempted")),
    row("not attempted, cancelled", JUDGING, "active", CANCELLED, &[own("not-attempted")],
        stopped("step 1 of 1, apply, was not attempted")),
    row("failed, cancelled", JUDGING, "active", CANCELLED, &[own("error")], broke("step 1 of 1, apply, failed")),
    row("own step cancelled", JUDGING, "active", AT_WORK, &[own("cancelled")],
        stopped("step 1 of 1, apply, was cancelled")),
    row("own plan denied", JUDGING, "active", AT_WORK, &[own("approval-denied")],
        stopped("step 1 of 1, apply, was denied")),
    row("own plan not answered", JUDGING, "active", AT_WORK, &[own("approval-expired")],
        stopped("step 1 of 1, apply, was not answered in time")),
    row("one cancelled, one failed", JUDGING, "active", FAILED, &[own("cancelled"), own("error")],
        broke("step 1 of 2, apply, was cancelled")),
    row("one failed, one still at work", JUDGING, "active", AT_WORK, &[own("error"), own("in-progress")],
        Waits("step 2 of 2, apply, is `in-progress`")),
    row("one failed, one at work in an ended workflow", JUDGING, "active", FAILED, &[own("error"), own("in-progress")],
        broke("step 1 of 2, apply, failed")),
    row("own step with an unknown word", JUDGING, "active", AT_WORK, &[own("hibernating")],
        Waits("step 1 of 1, apply, is `hibernating`")),
    row("unknown word, finished", JUDGING, "active", SUCCEEDED, &[own("hibernating").finished()],
        Waits("step 1 of 1, apply, is `hibernating`")),
    row("no word, finished", JUDGING, "active", SUCCEEDED, &[own("").finished()],
        Waits("step 1 of 1, apply, has not begun")),
    row("a deploy's word for a step", JUDGING, "active", AT_WORK, &[own("active").finished()],
        Waits("step 1 of 1, apply, is `active`")),
    // The workflow's word counts for nothing while the steps are good.
    row("succeeded, pending", JUDGING, "active", flow("pending"), &[own("success")], Pass),
    row("succeeded, `success` unfinished", WORKFLOWS, "active", flow("success"), &[own("success")], Pass),
    row("at work, `success` unfinished", WORKFLOWS, "active", flow("success"), &[own("in-progress")],
        Waits("step 1 of 1, apply, is `in-progress`")),
    row("succeeded, ended well", JUDGING, "active", SUCCEEDED, &[own("success")], Pass),
    row("succeeded, another component failed", JUDGING, "active", FAILED, &[own("success"), other("error")], Pass),
    row("succeeded, parked", JUDGING, "active", PARKED, &[own("success")], Pass),
    row("succeeded, parked by metadata", JUDGING, "active", flow("in-progress").awaiting_retry(),
        &[own("success")], Pass),
    row("succeeded, cancelled", JUDGING, "active", CANCELLED, &[own("success"), other("not-attempted")], Pass),
    row("succeeded, odd word", JUDGING, "active", flow("hibernating"), &[own("success")], Pass),
    row("succeeded, odd word, finished", JUDGING, "active", flow("hibernating").finished(), &[own("success")], Pass),
    // Steps of nobody's deploy, or of none yet.
    row("a deploy's step without an id", VERIFIED, "active", AT_WORK,
        &[own("success"), step("apply", "install_deploys", None, "pending")], Pass),
    row("a step that names the deploy as another thing", VERIFIED, "active", AT_WORK,
        &[step("apply", "install_sandbox_runs", Some(super::OWN), "success")], NotBegun),
    // Verified health.
    row("health of own, not begun", VERIFIED, "active", AT_WORK, &[own("success"), health("pending", MINE)],
        Waits("step 2 of 2, verify health, is `pending`")),
    row("health of own, at work", VERIFIED, "active", AT_WORK, &[own("success"), health("in-progress", MINE)],
        Waits("step 2 of 2, verify health, is `in-progress`")),
    row("health of own, verified", VERIFIED, "active", AT_WORK, &[own("success"), health("success", MINE)], Pass),
    row("health of own, failed", VERIFIED, "active", AT_WORK, &[own("success"), health("error", MINE)],
        broke("step 2 of 2, verify health, failed")),
    row("health of own, failed with tries left", VERIFIED, "active", AT_WORK,
        &[own("success"), health("error", MINE).tries(0, 3)], Waits("step 2 of 2, verify health, is `error`")),
    row("health of own, failed, tried anew", VERIFIED, "active", AT_WORK,
        &[own("success"), health("retried", MINE), health("pending", None)],
        Waits("step 3 of 3, verify health, is `pending`")),
    row("health of own, failed, new try not begun", VERIFIED, "active", AT_WORK,
        &[own("success"), health("error", MINE), health("pending", MINE)],
        Waits("step 3 of 3, verify health, is `pending`")),
    row("health of own, second try verified", VERIFIED, "active", AT_WORK,
        &[own("success"), health("error", MINE).retried(), health("success", MINE)], Pass),
    row("health of own, failed in an ended workflow", VERIFIED, "active", FAILED,
        &[own("success"), health("error", MINE), health("pending", MINE)], broke("step 2 of 3, verify health, failed")),
    row("health of own, failed, second try at work, parked by another", VERIFIED, "active", PARKED,
        &[own("success"), health("error", MINE), health("in-progress", MINE), other("error")],
        Waits("step 3 of 4, verify health, is `in-progress`")),
    row("health of another", VERIFIED, "active", AT_WORK, &[own("success"), health("in-progress", THEIRS)], Pass),
    row("health of another, failed", VERIFIED, "active", AT_WORK, &[own("success"), health("error", THEIRS)], Pass),
    row("health of nobody yet", VERIFIED, "active", AT_WORK, &[own("success"), health("pending", None)],
        Waits("step 2 of 2, verify health, is `pending`")),
    row("health of nobody yet, in a group of another's", VERIFIED, "active", AT_WORK,
        &[own("success").group(1), other("pending").group(2), health("pending", None).group(2)], Pass),
    row("health of nobody yet, in a group of two others'", VERIFIED, "active", AT_WORK,
        &[own("success").group(1), other("pending").group(2), other("pending").group(2),
          health("pending", None).group(2)], Pass),
    row("health of nobody yet, in the deploy's group", VERIFIED, "active", AT_WORK,
        &[own("success").group(1), health("pending", None).group(1)],
        Waits("step 2 of 2, verify health, is `pending`")),
    row("health of nobody yet, in a group of both", VERIFIED, "active", AT_WORK,
        &[other("success").group(1), own("success").group(1), health("pending", None).group(1)],
        Waits("step 3 of 3, verify health, is `pending`")),
    row("health of nobody yet, in a group of both, the deploy first", VERIFIED, "active", AT_WORK,
        &[own("success").group(1), other("success").group(1), health("pending", None).group(1)],
        Waits("step 3 of 3, verify health, is `pending`")),
    row("health of nobody yet, in a group without deploys", VERIFIED, "active", AT_WORK,
        &[own("success").group(1), other("success").group(2), health("pending", None).group(3)],
        Waits("step 3 of 3, verify health, is `pending`")),
    row("health of nobody yet, not meant to be run", VERIFIED, "active", AT_WORK,
        &[own("success"), health("pending", None).run_as("skipped")], Pass),
    row("health alone, without a step of the deploy's", VERIFIED, "active", AT_WORK,
        &[health("success", MINE)], NotBegun),
    row("verified for another workflow's deploy", VERIFIED, "active", flow("pending"), &[own("pending")],
        Waits("step 1 of 1, apply, is `pending`")),
    row("health of any, the deploy names no component", VERIFIED, "active", AT_WORK,
        &[own("success"), health("in-progress", THEIRS)], Waits("step 2 of 2, verify health, is `in-progress`"))
        .without_component(),
    // A flag asks no step.
    row("a flag says that it passed", JUDGING, "frozen", FAILED, &[own("error")], Pass).by_rule(Judgement::Passed),
];

#[test]
fn a_passing_status() {
    TABLE.iter().for_each(Row::check);
}
