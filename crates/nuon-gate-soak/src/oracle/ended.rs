//! Whether the answers support `cancelled`, `superseded`, `approval_needed` and `usage`.

use super::case::{Case, Seen, word_of};
use super::clocks::{is_shown_to_others, may_have_timed_out};
use super::failed::is_cancel;
use super::flow::{Flow, Step};
use super::leeway::spare;
use super::pins::{on_superseded, pinned};
use super::row::{Kind, Row};
use super::run::asks_of_none;
use super::table::{Word, plain};

/// Returns whether a human has denied one of the deploy's steps.
fn is_denied(case: &Case, deploy: &str) -> bool {
    let denied = |flow: &Flow| flow.steps.iter().any(|step| step.targets(deploy) && step.denied);
    case.flow_of(case.workflow(deploy)).any(|seen| denied(&seen.what))
}

/// Reports that nothing was cancelled, denied or expired.
pub(super) fn cancelled(case: &Case) -> Vec<String> {
    let workflow = case.question.workflow.as_deref().unwrap_or_default();
    let stopped = case.flow_of(workflow).any(|seen| seen.what.status == "cancelled");
    let ground = match case.outcome.deploy.as_deref() {
        Some(deploy) => is_cancelled(case, deploy) || is_denied(case, deploy),
        None => stopped || case.ids().into_iter().any(|id| is_cancelled(case, id)),
    };
    if ground { Vec::new() } else { vec!["cancelled, but no answer says that the deploy was".to_owned()] }
}

/// Returns whether a deploy was cancelled, by its row, its steps or its workflow (contract: judging).
fn is_cancelled(case: &Case, deploy: &str) -> bool {
    let mut shown = case.current(deploy);
    // Only its detail, which was never answered, would show that it is another install's.
    let has_detail = case.of(deploy).any(|seen| seen.by_id);
    shown.extend(case.strangers.iter().filter(|seen| !has_detail && seen.what.id == deploy));
    // Without a time it may be the newest, whatever was sent later.
    shown.extend(case.of(deploy).filter(|seen| seen.what.is_timeless()));
    let mut words = shown.iter().map(|seen| (word_of(case, &seen.what), seen.what.status.as_str()));
    let component = case.install_component(deploy);
    let by_flow = |flow: &Flow| {
        let step = |step: &Step| step.failed() && is_cancel(&step.status);
        flow.status == "cancelled" || flow.works_on(deploy, component, true).any(step)
    };
    let flows = case.last_flows(case.workflow(deploy));
    let stopped = flows.iter().any(|seen| by_flow(&seen.what));
    words.any(|(word, status)| word == Word::Cancels || stopped && word != Word::Fails && status != "error")
}

/// Reports that no newer deploy supersedes, or that the flags do not ask for this verdict.
pub(super) fn superseded(case: &Case) -> Vec<String> {
    if on_superseded(case.question) != "fail" {
        return vec!["superseded, but --on-superseded is not `fail`".to_owned()];
    }
    let ground = match case.outcome.deploy.as_deref() {
        Some(deploy) => case.superseder(deploy).is_some() || supersedes_other(case, deploy) || is_behind(case, deploy),
        None => case.ids().into_iter().any(|id| case.superseder(id).is_some()),
    };
    if ground { Vec::new() } else { vec!["superseded, but no newer deploy was seen".to_owned()] }
}

/// Returns whether the deploy itself is the newer one. The contract does not say which of the two is reported.
fn supersedes_other(case: &Case, deploy: &str) -> bool {
    let others = case.ids().into_iter().filter(|id| *id != deploy);
    others.into_iter().any(|id| case.superseder(id).is_some() && case.created(id) < case.created(deploy))
}

/// Returns whether `latest` showed another workflow's deploy after this one, or a list showed it before this one, and no answer
/// says when one of the two was created. All that is known then is that the server shows it as the newer one.
fn is_behind(case: &Case, deploy: &str) -> bool {
    let Some(seen) = case.of(deploy).map(|seen| seen.done).min() else { return false };
    let (made, workflow) = (case.created(deploy), case.workflow(deploy));
    let is_listed_below = |place: usize| {
        let other = &case.rows[place];
        let of_list = |own: &&Seen<Row>| !own.by_id && (own.sent, own.done) == (other.sent, other.done);
        case.rows[place..].iter().take_while(of_list).any(|own| own.what.id == deploy)
    };
    let shows = |(place, other): &(usize, &Seen<Row>)| other.latest && other.sent >= seen || is_listed_below(*place);
    case.rows.iter().enumerate().filter(shows).any(|(_, other)| {
        let id = other.what.id.as_str();
        let timeless = made.is_none() || case.created(id).is_none();
        let others = workflow.is_empty() || case.workflow(id) != workflow;
        id != deploy && timeless && others && case.kind(id) != Kind::Nothing
    })
}

/// Reports that no human is asked, or that it is too early to say so.
pub(super) fn approval_needed(case: &Case) -> Vec<String> {
    let question = case.question;
    let Some(deploy) = case.outcome.deploy.as_deref() else {
        return vec!["approval_needed without a deploy".to_owned()];
    };
    // The deploy has not begun, and will not before a human answers the workflow.
    if question.targets.is_empty() && asks_of_none(case, &[]) {
        return Vec::new();
    }
    let asked = case.flows.iter().filter(|seen| seen.what.asks_human(deploy)).count();
    let asks = case.last_own_flows(case.workflow(deploy)).iter().any(|seen| seen.what.asks_human(deploy));
    let waits = |seen: &Seen<Row>| seen.what.status == "pending-approval";
    // What followed may only have been read for another target.
    let pending =
        case.current(deploy).into_iter().any(waits) || is_shown_to_others(case, deploy) && case.of(deploy).any(waits);
    let at = case.outcome.at_ms + spare(question);
    let since = case.of(deploy).find(|seen| seen.what.status == "pending-approval").map_or(u64::MAX, |seen| seen.sent);
    let expired = question.approval_timeout_ms.is_some_and(|clock| at >= since.saturating_add(clock));
    if !pending || !asks {
        vec![format!("approval_needed, but no human is asked about {deploy}")]
    } else if question.on_approval != "fail" && !expired {
        vec!["approval_needed, but it was not asked to fail, and the approval timeout has not expired".to_owned()]
    } else if asked < 2 && !expired && !may_have_timed_out(case) {
        vec!["approval_needed, but it was seen only once".to_owned()]
    } else {
        Vec::new()
    }
}

/// Reports that nothing in the question is invalid.
pub(super) fn usage(case: &Case) -> Vec<String> {
    let question = case.question;
    let lists = [&question.pass_on, &question.fail_on, &question.wait_on];
    let twice = |status: &String| lists.iter().filter(|list| list.contains(status)).count() > 1;
    let wrong = lists.iter().any(|list| list.iter().any(twice))
        || question.min_interval_ms > question.max_interval_ms
        || question.deploy.is_some() && question.targets.len() > 1;
    let stale = question.on_stale == "fail"
        && !pinned(question)
        && (case.rows.iter().any(|seen| plain(&seen.what.status, case.kind(&seen.what.id)) != Word::Pending)
            || case.flows.iter().any(|seen| seen.what.ended()));
    if wrong || stale { Vec::new() } else { vec!["usage, but nothing is wrong with the question".to_owned()] }
}
