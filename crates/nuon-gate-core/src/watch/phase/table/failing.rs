//! `error`: it is held while the workflow can still try again, until it ends or parks, or the deploy's steps have ended.

use super::Means::{Fail, Retry, Unnoticed};

use super::{
    AT_WORK, CANCELLED, FAILED, JUDGING, OTHER_COMPONENT, OWN_COMPONENT, PARKED, RETRIES, Row, SUCCEEDED, VERIFIED,
    WORKFLOWS, flow, health, other, own, row,
};
use crate::Judgement;

const MINE: Option<&str> = Some(OWN_COMPONENT);
const THEIRS: Option<&str> = Some(OTHER_COMPONENT);

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // The workflow goes on.
    row("error, no step yet", JUDGING, "error", AT_WORK, &[], Retry),
    row("error, another's step failed", JUDGING, "error", AT_WORK, &[other("error")], Retry),
    row("error, own step not begun", JUDGING, "error", AT_WORK, &[own("pending")], Retry),
    row("error, own step at work", JUDGING, "error", AT_WORK, &[own("in-progress")], Retry),
    row("error, own step retrying", RETRIES, "error", AT_WORK, &[own("retrying")], Retry),
    row("error, own step with tries left", RETRIES, "error", AT_WORK, &[own("error").tries(0, 3)], Retry),
    row("error, one failed, one with tries left", RETRIES, "error", AT_WORK,
        &[own("error"), own("error").tries(0, 3)], Retry),
    row("error, one failed, one at work", RETRIES, "error", AT_WORK, &[own("error"), own("in-progress")], Retry),
    row("error, one failed for good, one at work", RETRIES, "error", AT_WORK,
        &[own("error").finished(), own("in-progress")], Retry),
    row("error, own step with an unknown word", JUDGING, "error", AT_WORK, &[own("hibernating")], Retry),
    row("error, unknown word, finished", JUDGING, "error", AT_WORK, &[own("hibernating").finished()], Retry),
    row("error, only retried", RETRIES, "error", AT_WORK, &[own("retried")], Retry),
    row("error, only retried by flag", RETRIES, "error", AT_WORK, &[own("error").retried()], Retry),
    row("error, only retried, finished", RETRIES, "error", AT_WORK, &[own("retried").finished()], Retry),
    row("error, retried, the other succeeded", RETRIES, "error", AT_WORK,
        &[own("retried").finished(), own("success").finished()], Retry),
    row("error, failed, and not finished", JUDGING, "error", AT_WORK, &[own("error")], Retry),
    row("error, failed for good", RETRIES, "error", AT_WORK, &[own("error").finished()], Fail),
    row("error, all tries used", RETRIES, "error", AT_WORK, &[own("error").tries(3, 3).finished()],
        Fail),
    row("error, tries given up", RETRIES, "error", AT_WORK, &[own("error").tries(1, 3).exhausted()], Fail),
    row("error, retried, and failed for good", RETRIES, "error", AT_WORK, &[own("retried"), own("error").finished()],
        Fail),
    row("error, planned, and failed for good", RETRIES, "error", AT_WORK, 
        &[own("success"), own("timed-out").finished()], Fail),
    row("error, failed before a step that is not begun", RETRIES, "error", AT_WORK, 
        &[own("error").finished(), own("pending")], Fail),
    row("error, its step says success", JUDGING, "error", AT_WORK, &[own("success")], Retry),
    row("error, its step has ended well", JUDGING, "error", AT_WORK, &[own("success").finished()], Unnoticed),
    row("error, its steps have all ended well", JUDGING, "error", AT_WORK,
        &[own("approved").finished(), own("success").finished()], Unnoticed),
    row("error, one has ended well, one has not begun", JUDGING, "error", AT_WORK,
        &[own("success").finished(), own("pending")], Retry),
    // The workflow's statuses.
    row("error, workflow pending", WORKFLOWS, "error", flow("pending"), &[own("pending")], Retry),
    row("error, `success` unfinished", WORKFLOWS, "error", flow("success"), &[own("pending")], Retry),
    row("error, odd word", JUDGING, "error", flow("hibernating"), &[own("pending")], Retry),
    row("error, odd word, finished", JUDGING, "error", flow("hibernating").finished(), &[own("pending")], Fail),
    row("error, word of work beside finished", WORKFLOWS, "error", flow("in-progress").finished(), &[own("pending")],
        Retry),
    row("error, workflow in error", JUDGING, "error", flow("error"), &[own("error")], Fail),
    row("error, workflow in error, no step", JUDGING, "error", flow("error"), &[], Fail),
    row("error, workflow in error, own at work", JUDGING, "error", FAILED, &[own("in-progress")], Fail),
    row("error, workflow in error, own with tries left", JUDGING, "error", FAILED, &[own("error").tries(0, 3)], Fail),
    row("error, workflow in error, own succeeded", JUDGING, "error", FAILED, &[own("success").finished()], Fail),
    row("error, workflow in error, own retried", JUDGING, "error", FAILED, &[own("retried")], Unnoticed),
    row("error, workflow in error, own retried and failed", JUDGING, "error", FAILED, &[own("retried"), own("error")],
        Fail),
    row("error, parked", JUDGING, "error", PARKED, &[own("error")], Fail),
    row("error, parked by metadata", JUDGING, "error", flow("in-progress").awaiting_retry(), &[own("error")], Fail),
    row("error, parked, own retrying", JUDGING, "error", PARKED, &[own("retrying")], Fail),
    row("error, parked, own retried", JUDGING, "error", PARKED, &[own("retried")], Unnoticed),
    row("error, ended well", JUDGING, "error", SUCCEEDED, &[own("success")], Unnoticed),
    row("error, ended well, no step", JUDGING, "error", SUCCEEDED, &[], Unnoticed),
    row("error, ended well, own failed", JUDGING, "error", SUCCEEDED, &[own("error")], Fail),
    row("error, then cancelled", JUDGING, "error", CANCELLED, &[own("in-progress")], Fail),
    row("error, retried, then cancelled", JUDGING, "error", CANCELLED, &[own("retried")], Fail),
    row("error, cancelled while health is tried", JUDGING, "error", CANCELLED,
        &[own("success"), health("in-progress", MINE)], Fail),
    // A failed attempt of a health check.
    row("health failed, tries left", VERIFIED, "error", AT_WORK, &[own("success"), health("error", MINE).tries(0, 3)],
        Retry),
    row("health failed, retrying", VERIFIED, "error", AT_WORK, &[own("success"), health("retrying", MINE)], Retry),
    row("health failed, another try not begun", VERIFIED, "error", AT_WORK,
        &[own("success"), health("error", MINE), health("pending", MINE)], Retry),
    row("health failed, a try of nobody's yet", VERIFIED, "error", AT_WORK,
        &[own("success"), health("error", MINE), health("pending", None)], Retry),
    row("health failed, another try at work", VERIFIED, "error", AT_WORK,
        &[own("success"), health("error", MINE), health("in-progress", MINE)], Retry),
    row("health retried, no other try there yet", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("retried", MINE)], Retry),
    row("health retried, and failed for good", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("retried", MINE), health("error", MINE)], Fail),
    row("health failed for good", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("error", MINE)], Fail),
    row("health failed, the try of another's goes on", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("error", MINE), health("in-progress", THEIRS)], Fail),
    row("health not begun, own step failed", VERIFIED, "error", AT_WORK,
        &[own("error").finished(), health("pending", MINE)], Fail),
    row("health not begun, own step ended well", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("pending", MINE)], Unnoticed),
    row("health verified, own step ended well", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("success", MINE)], Unnoticed),
    // Another component can fail the workflow while this one's health is still being verified.
    row("health at work, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("error", MINE), health("in-progress", MINE), other("error")], Retry),
    row("health with tries left, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("error", MINE).tries(0, 3), other("error")], Retry),
    row("health at work, workflow in error", VERIFIED, "error", FAILED, &[own("success"), health("in-progress", MINE)],
        Retry),
    row("health with an unknown word, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("health-failed", MINE)], Fail),
    row("health with an unknown word and finished, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("unknown", MINE).finished()], Fail),
    row("health with an unknown word, workflow at work", VERIFIED, "error", AT_WORK,
        &[own("success"), health("health-failed", MINE)], Retry),
    row("health with an unknown word, own step ended well", VERIFIED, "error", AT_WORK,
        &[own("success").finished(), health("checking", MINE)], Retry),
    row("health of another at work, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("error", MINE), health("in-progress", THEIRS)], Fail),
    // A step that has not begun when its workflow parks does not begin.
    row("health not begun, workflow parked", VERIFIED, "error", PARKED,
        &[own("success"), health("error", MINE), health("pending", MINE)], Fail),
    row("health failed for good, workflow parked", VERIFIED, "error", PARKED, &[own("success"), health("error", MINE)],
        Fail),
    // A flag decides at once.
    row("a flag says that error fails", JUDGING, "error", AT_WORK, &[own("retrying")], Fail)
        .by_rule(Judgement::Failed),
    row("a failure that no retry follows", JUDGING, "noop", AT_WORK, &[own("in-progress")], Fail),
];

#[test]
fn an_error() {
    TABLE.iter().for_each(Row::check);
}
