//! Whether a failure has a ground (contract: judging; facts: what can be stuck for ever).

use super::case::Case;
use super::clocks::clock_may_have_rung;
use super::flow::{Flow, Step};
use super::passed::word_of;
use super::pins::{on_superseded, pinned};
use super::row::Kind;
use super::table::Word;

/// How long a row and its workflow that contradict each other are asked again at most.
const LAG_MS: u64 = 30_000;

/// Returns that a failure has no ground.
pub(super) fn check(case: &Case) -> Vec<String> {
    let reason = match case.outcome.deploy.as_deref() {
        Some(deploy) => groundless(case, deploy),
        None => without_deploy(case),
    };
    reason.map(|text| format!("failed, but {text}")).into_iter().collect()
}

/// Returns why no deploy that was seen supports the failure of a target that has none.
fn without_deploy(case: &Case) -> Option<String> {
    let workflow = case.question.workflow.as_deref().unwrap_or_default();
    let ended = case.flow_of(workflow).any(|seen| seen.what.ended());
    let supported = case.ids().into_iter().any(|id| groundless(case, id).is_none());
    (!ended && !supported).then(|| "it names no deploy, and no fact supports it".to_owned())
}

/// Returns why nothing that was read supports the failure of a deploy.
fn groundless(case: &Case, deploy: &str) -> Option<String> {
    if case.unexpected(deploy) || crosses(case) || step_failed(case, deploy) || never_came(case, deploy) {
        return None;
    }
    let mut newest = case.newest(deploy);
    newest.extend(case.lasting(deploy));
    let fails = |status: &str| newest.iter().any(|seen| seen.what.status == status);
    let failing = newest.iter().any(|seen| word_of(case, &seen.what) == Word::Fails);
    let held = fails("error") && !case.question.fail_on.iter().any(|own| own == "error");
    let other = newest.iter().any(|seen| seen.what.status != "error" && word_of(case, &seen.what) == Word::Fails);
    if failing && (!held || other) || orphaned(case, deploy) {
        return None;
    }
    if failing {
        return can_retry(case, deploy).map(|why| format!("{deploy} in `error` is held: {why}"));
    }
    let shown: Vec<&str> = newest.iter().map(|seen| seen.what.status.as_str()).collect();
    Some(format!("nothing that was read supports it: the newest status of {deploy} is `{}`", shown.join("` or `")))
}

/// Returns whether a deploy that only a workflow named was never read, and the workflow ended.
fn never_came(case: &Case, deploy: &str) -> bool {
    let workflow = case.question.workflow.as_deref().filter(|_| case.question.targets.is_empty()).unwrap_or_default();
    case.of(deploy).next().is_none() && case.flow_of(workflow).any(|seen| seen.what.ended())
}

/// Returns whether a replacement or a newer deploy is of the other kind, so that following would cross.
fn crosses(case: &Case) -> bool {
    let has = |kind| case.ids().into_iter().any(|id| case.kind(id) == kind);
    let follows = on_superseded(case.question) == "follow" || pinned(case.question);
    follows && has(Kind::Apply) && has(Kind::Teardown)
}

/// Returns whether a step that works on the deploy failed, by the last look at its workflow; also one of which it is doubtful
/// whether it does.
fn step_failed(case: &Case, deploy: &str) -> bool {
    let component = case.install_component(deploy);
    let failed = |flow: &Flow| flow.works_on(deploy, component, true).any(is_failure);
    case.last_flows(case.workflow(deploy)).iter().any(|seen| failed(&seen.what))
}

/// Returns whether a step failed and was not just called off.
pub(super) fn is_failure(step: &Step) -> bool {
    // Of what has expired the facts do not say whether it was an approval.
    step.failed() && (!is_cancel(&step.status) || step.status == "expired")
}

/// Returns whether a word of a step can be one of a cancelled or refused deploy.
pub(super) fn is_cancel(status: &str) -> bool {
    matches!(status, "cancelled" | "approval-denied" | "approval-expired" | "expired")
}

/// Returns whether the workflow ended and the deploy never did, also after one more read.
fn orphaned(case: &Case, deploy: &str) -> bool {
    let workflow = case.workflow(deploy);
    let last = case.last_flows(workflow);
    let ended = |flow: &Flow| flow.ended() && flow.status != "cancelled";
    if !last.iter().any(|seen| ended(&seen.what)) {
        return false;
    }
    let open = |seen: &&super::case::Seen<super::row::Row>| match word_of(case, &seen.what) {
        Word::Pending | Word::Replaced => true,
        Word::Passes => last.iter().any(|flow| !proves(case, deploy, &flow.what)),
        Word::Fails | Word::Cancels => false,
    };
    let newest = case.newest(deploy);
    let mut rows = newest.iter().filter(|seen| open(seen));
    let Some(first) = case.flow_of(workflow).find(|seen| ended(&seen.what)) else { return false };
    let again = case.of(deploy).any(|seen| seen.sent >= first.done);
    rows.any(|_| again || case.outcome.at_ms >= first.done + LAG_MS || clock_may_have_rung(case))
}

/// Returns whether a workflow proves a passing row.
fn proves(case: &Case, deploy: &str, flow: &Flow) -> bool {
    flow.begun(deploy) && flow.works_on(deploy, case.install_component(deploy), false).all(Step::good)
}

/// Returns why `error` can still be retried, as far as that is beyond doubt (contract: `error` is held).
fn can_retry(case: &Case, deploy: &str) -> Option<&'static str> {
    let workflow = case.workflow(deploy);
    if workflow.is_empty() || clock_may_have_rung(case) {
        return None;
    }
    let flows = case.last_flows(workflow);
    if flows.is_empty() {
        return (case.missing(workflow) < 3).then_some("its workflow was never read");
    }
    let over = |flow: &Flow| {
        let mut own = flow.works_on(deploy, case.install_component(deploy), true).peekable();
        let all = own.peek().is_some() && own.all(|step| step.finished && step.status != "retrying");
        let mut any = flow.works_on(deploy, case.install_component(deploy), false);
        all || any.any(Step::failed)
    };
    let ended = flows.iter().any(|seen| seen.what.ended() || over(&seen.what));
    (!ended).then_some("its workflow goes on, and no step of it has failed for good")
}
