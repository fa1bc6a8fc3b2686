//! Whether the answers support a failure (contract: judging; facts: what can be stuck for ever).

use super::case::{Case, Seen, word_of};
use super::clocks::may_have_timed_out;
use super::flow::{Flow, Step};
use super::health;
use super::pins::{on_superseded, pinned};
use super::row::{Kind, Row};
use super::table::Word;

/// For how long at most a row and its workflow that contradict each other are read again.
const LAG_MS: u64 = 30_000;

/// Reports a failure that the answers do not support.
pub(super) fn check(case: &Case) -> Vec<String> {
    let reason = match case.outcome.deploy.as_deref() {
        Some(deploy) => groundless(case, deploy),
        None => without_deploy(case),
    };
    reason.map(|text| format!("failed, but {text}")).into_iter().collect()
}

/// Returns why no deploy that was read supports the failure of a target without a deploy.
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
    if health::supports_failure(case, deploy) {
        return None;
    }
    if is_only_shown_as_newest(case, deploy) {
        return None;
    }
    let mut newest = case.current(deploy);
    // Without a time it may be the newest, whatever was sent later.
    newest.extend(case.of(deploy).filter(|seen| seen.what.is_timeless()));
    let fails = |status: &str| newest.iter().any(|seen| seen.what.status == status);
    let failing = newest.iter().any(|seen| word_of(case, &seen.what) == Word::Fails);
    let held = fails("error") && !case.question.fail_on.iter().any(|own| own == "error");
    let other = newest.iter().any(|seen| seen.what.status != "error" && word_of(case, &seen.what) == Word::Fails);
    if failing && (!held || other) || orphaned(case, deploy) || never_replaced(case, deploy) {
        return None;
    }
    if failing {
        return can_retry(case, deploy).map(|why| format!("{deploy} in `error` is held: {why}"));
    }
    let shown: Vec<&str> = newest.iter().map(|seen| seen.what.status.as_str()).collect();
    Some(format!("nothing that was read supports it: the newest status of {deploy} is `{}`", shown.join("` or `")))
}

/// Returns whether a timeout expired, and all that was read of the deploy is that `latest` showed it as the target's, failed.
/// It names no component, and only rows of other deploys show that it is another's.
fn is_only_shown_as_newest(case: &Case, deploy: &str) -> bool {
    let shown = |seen: &&Seen<Row>| seen.what.id == deploy && seen.latest && word_of(case, &seen.what) == Word::Fails;
    may_have_timed_out(case) && case.of(deploy).next().is_none() && case.strangers.iter().any(|seen| shown(&seen))
}

/// Returns whether the deploy was replaced, and its workflow failed without showing what replaced it.
fn never_replaced(case: &Case, deploy: &str) -> bool {
    let replaced = case.newest(deploy).iter().all(|seen| word_of(case, &seen.what) == Word::Replaced);
    let flows = case.last_flows(case.workflow(deploy));
    replaced && flows.iter().any(|seen| seen.what.ended() && !seen.what.succeeded())
}

/// Returns whether only a workflow named the deploy, it was never read, and the workflow ended.
fn never_came(case: &Case, deploy: &str) -> bool {
    let workflow = case.question.workflow.as_deref().filter(|_| case.question.targets.is_empty()).unwrap_or_default();
    case.of(deploy).next().is_none() && case.flow_of(workflow).any(|seen| seen.what.ended())
}

/// Returns whether a replacement or a newer deploy is of the other kind, so that the gate may not follow it.
fn crosses(case: &Case) -> bool {
    let has = |kind| case.ids().into_iter().any(|id| case.kind(id) == kind);
    let follows = on_superseded(case.question) == "follow" || pinned(case.question);
    follows && has(Kind::Apply) && has(Kind::Teardown)
}

/// Returns whether a step that works on the deploy failed, by the last poll of its workflow. Includes steps of which it
/// is not certain that they work on it.
fn step_failed(case: &Case, deploy: &str) -> bool {
    let component = case.install_component(deploy);
    let failed = |flow: &Flow| flow.works_on(deploy, component, true).chain(flow.beside(deploy)).any(is_failure);
    case.last_flows(case.workflow(deploy)).iter().any(|seen| failed(&seen.what))
}

/// Returns whether a step failed rather than being cancelled.
pub(super) fn is_failure(step: &Step) -> bool {
    // The facts do not say whether an expired step was an approval.
    step.failed() && (!is_cancel(&step.status) || step.status == "expired")
}

/// Returns whether a step's status can belong to a cancelled or denied deploy.
pub(super) fn is_cancel(status: &str) -> bool {
    matches!(status, "cancelled" | "approval-denied" | "approval-expired" | "expired")
}

/// Returns whether the workflow ended and the deploy did not, even after one more read.
fn orphaned(case: &Case, deploy: &str) -> bool {
    let workflow = case.workflow(deploy);
    let last = case.last_flows(workflow);
    let ended = |flow: &Flow| flow.ended() && flow.status != "cancelled";
    if !last.iter().any(|seen| ended(&seen.what)) {
        return false;
    }
    let open = |seen: &&Seen<Row>| match word_of(case, &seen.what) {
        Word::Pending | Word::Replaced => true,
        Word::Passes => last.iter().any(|flow| !proves(case, deploy, &flow.what)),
        Word::Fails | Word::Cancels => false,
    };
    let newest = case.current(deploy);
    let mut rows = newest.iter().filter(|seen| open(seen));
    let Some(first) = case.flow_of(workflow).find(|seen| ended(&seen.what)) else { return false };
    let again = case.of(deploy).any(|seen| seen.sent >= first.done);
    rows.any(|_| again || case.outcome.at_ms >= first.done + LAG_MS || may_have_timed_out(case))
}

/// Returns whether a workflow proves a passing row.
fn proves(case: &Case, deploy: &str, flow: &Flow) -> bool {
    let component = case.install_component(deploy);
    let is_complete = !flow.awaits_repetition(deploy, component);
    let mut steps = flow.works_on(deploy, component, true).chain(flow.beside(deploy));
    is_complete && flow.begun(deploy) && steps.all(Step::surely_good)
}

/// Returns why a deploy in `error` can certainly be retried (contract: `error` is held).
fn can_retry(case: &Case, deploy: &str) -> Option<&'static str> {
    let workflow = case.workflow(deploy);
    if workflow.is_empty() || may_have_timed_out(case) {
        return None;
    }
    let flows = case.last_flows(workflow);
    if flows.is_empty() {
        return (case.missing(workflow).0 < 3).then_some("its workflow was never read");
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
