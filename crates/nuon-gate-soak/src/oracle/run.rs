//! Whether the outcome of a whole run follows from its targets and its workflow (contract: exit codes, workflow alone).

use serde_json::Value;

use super::answer::{body, rows_of};
use super::case::{Case, Seen};
use super::clocks::late;
use super::failed::{is_cancel, is_failure};
use super::flow::{Flow, Step};
use super::refused::{inconclusive, rejected};
use super::row::{Kind, kind_of};
use super::text::{status_word, text};
use crate::transcript::Outcome;

/// Reports what the run's outcome lacks.
pub(super) fn check(case: &Case, targets: &[Outcome]) -> Vec<String> {
    let alone = case.question.targets.is_empty();
    let mut found = late(case);
    let verdict = case.outcome.verdict.as_str();
    match verdict {
        "passed" => found.extend(passed(case, targets, alone)),
        "interrupted" => (),
        "failed" if targets.is_empty() && alone => found.extend(empty(case)),
        _ if targets.iter().any(|own| own.verdict == verdict) => found.extend(order(case, targets)),
        "failed" if alone && (ended(case, false) || belied(case, is_failure)) => (),
        "failed" if alone && stays_open(case) => (),
        "failed" => found.push("failed, but no target did, and no workflow".to_owned()),
        "cancelled" if stopped(case) || alone && belied(case, |step| step.failed() && is_cancel(&step.status)) => (),
        "rejected" if alone => found.extend(rejected(case)),
        "inconclusive" if alone => found.extend(inconclusive(case)),
        "approval_needed" if alone && asks_of_none(case, targets) => (),
        "timed_out" if alone => found.extend(super::clocks::timed_out(case)),
        other => found.push(format!("`{other}`, but no target ended so")),
    }
    found
}

/// Returns the pinned workflow's id.
fn workflow<'a>(case: &'a Case) -> &'a str {
    case.question.workflow.as_deref().unwrap_or_default()
}

/// Returns whether the workflow was seen ended: with success if `well`, otherwise without.
fn ended(case: &Case, well: bool) -> bool {
    // A replica that lags behind does not revoke an end that was seen.
    case.flow_of(workflow(case)).any(|seen| seen.what.ended() && seen.what.succeeded() == well)
}

/// Returns whether the workflow says that it succeeded, but one of its steps that no other step repeats did not. The
/// contract requires a proof for a pass, and does not say which of the two to believe.
fn belied(case: &Case, by: impl Fn(&Step) -> bool) -> bool {
    case.flow_of(workflow(case)).any(|seen| seen.what.succeeded() && seen.what.steps.iter().any(&by))
}

/// Returns whether the workflow says that it succeeded, and for as long as an answer can lag one of its steps says that it
/// has not ended.
fn stays_open(case: &Case) -> bool {
    let open = |seen: &&Seen<Flow>| seen.what.succeeded() && !seen.what.steps.iter().all(Step::surely_good);
    let mut seen = case.flow_of(workflow(case)).filter(open).map(|seen| seen.done);
    seen.next().is_some_and(|first| seen.next_back().is_some_and(|last| last >= first + 30_000))
}

/// Returns whether the workflow was cancelled.
fn stopped(case: &Case) -> bool {
    let denied = |seen: &Seen<Flow>| {
        seen.what.steps.iter().any(|step| matches!(step.status.as_str(), "approval-denied" | "approval-expired"))
    };
    // A replica that lags behind does not revoke this.
    case.flow_of(workflow(case)).any(|seen| seen.what.status == "cancelled" || denied(seen))
}

/// Reports what a pass lacks: targets, the pass of each target, the workflow's success, or a deploy that was not waited
/// for.
fn passed(case: &Case, targets: &[Outcome], alone: bool) -> Vec<String> {
    let mut found = Vec::new();
    if targets.is_empty() {
        found.push("passed without a target".to_owned());
    }
    let others = targets.iter().filter(|own| own.verdict != "passed");
    found.extend(others.map(|own| format!("passed, but a target ended as `{}`", own.verdict)));
    // `--on-approval pass` ends the wait while a human is asked. The workflow cannot end before the answer.
    let asks = |target: &Outcome| {
        let flows = case.last_flows(workflow(case));
        target.deploy.as_ref().is_some_and(|id| flows.iter().any(|seen| seen.what.asks_human(id)))
    };
    let is_left = case.question.on_approval == "pass" && targets.iter().any(asks);
    if alone && !ended(case, true) && !is_left {
        found.push("passed, but the last poll does not show that the workflow ended in success".to_owned());
    }
    if alone && case.flow_of(workflow(case)).any(|seen| seen.what.plan_only) {
        found.push("passed, but the workflow is plan-only".to_owned());
    }
    // If a newer deploy is followed, the one that it supersedes is not.
    let follows = case.question.on_superseded.as_deref() == Some("follow");
    found.extend(
        left_out(case, targets).filter(|_| alone && !follows).map(|id| format!("passed, but nobody waited for {id}")),
    );
    found
}

/// Returns the deploys that the workflow's steps worked on and that are no targets. Replaced deploys do not count.
fn left_out(case: &Case, targets: &[Outcome]) -> impl Iterator<Item = String> {
    let flows = case.last_flows(workflow(case));
    let steps = flows.last().map(|seen| seen.what.steps.clone()).unwrap_or_default();
    let of_deploys = |step: &&Step| step.target_type == "install_deploys" && !step.target.is_empty();
    let mut ids: Vec<String> = steps.iter().filter(of_deploys).map(|step| step.target.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let replaced = |id: &String| {
        let says =
            |own: &Value| text(own, "id") == *id && matches!(&*status_word(own, "status_v2"), "retried" | "discarded");
        case.reads.iter().filter_map(|own| body(own)).flat_map(rows_of).any(says)
    };
    let over =
        |id: &String| steps.iter().any(|step| step.targets(id) && (step.repeated || step.failed())) || replaced(id);
    ids.retain(|id| {
        !over(id) && !deploys_nothing(case, id) && targets.iter().all(|own| own.deploy.as_ref() != Some(id))
    });
    ids.into_iter()
}

/// Returns whether an answer says that a deploy is of a type that cannot be waited for.
fn deploys_nothing(case: &Case, id: &str) -> bool {
    let answers = case.reads.iter().filter_map(|own| body(own));
    answers
        .flat_map(rows_of)
        .filter(|row| text(row, "id") == id)
        .any(|row| kind_of(&text(row, "install_deploy_type")) == Kind::Nothing)
}

/// Returns whether two answers in a row about the workflow ask a human in a step that is no target's: about no deploy, or one
/// that cannot be waited for; and a flag ends the wait with that.
pub(super) fn asks_of_none(case: &Case, targets: &[Outcome]) -> bool {
    let of_none = |step: &&Step| {
        step.target_type != "install_deploys" || step.target.is_empty() || deploys_nothing(case, &step.target)
    };
    let asks =
        |seen: &Seen<Flow>| !seen.what.approves_all && seen.what.steps.iter().any(|step| step.asks && of_none(&step));
    let ends = case.question.on_approval == "fail" || case.question.approval_timeout_ms.is_some();
    // A target that something holds goes on reading the workflow after the run has ended.
    let seen: Vec<_> = case.flow_of(workflow(case)).collect();
    let last = if targets.is_empty() { seen.len().saturating_sub(2) } else { 0 };
    ends && seen[last..].windows(2).any(|two| two.iter().copied().all(asks))
}

/// Reports that a run without deploys failed before its workflow ended.
fn empty(case: &Case) -> Option<String> {
    let over = ended(case, true) || ended(case, false);
    (!over).then(|| "failed without a deploy, but its workflow has not ended".to_owned())
}

/// Reports that a target has a more severe verdict (contract: the first in this order that occurs).
fn order(case: &Case, targets: &[Outcome]) -> Option<String> {
    const ORDER: [&str; 9] = [
        "interrupted",
        "rejected",
        "failed",
        "cancelled",
        "superseded",
        "approval_needed",
        "inconclusive",
        "timed_out",
        "pending",
    ];
    let first = ORDER.into_iter().find(|name| targets.iter().any(|own| own.verdict == *name))?;
    (first != case.outcome.verdict && first != "interrupted")
        .then(|| format!("`{}`, but a target ended as `{first}`, which comes first", case.outcome.verdict))
}
