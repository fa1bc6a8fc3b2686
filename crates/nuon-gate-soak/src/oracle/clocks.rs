//! Whether a timeout expired (contract: clocks), and whether the end came too late.

use super::answer::{body, rows_of, says, server_time};
use super::ask::Ask;
use super::case::{Case, Seen};
use super::health;
use super::leeway::spare;
use super::pins::pinned;
use super::row::{Kind, Row};
use super::table::{Word, plain, word};
use super::text::text;
use crate::transcript::Exchange;

/// How much later than the total timeout and one request's timeout the end may come.
const LATE_MS: u64 = 1_000;

/// Returns whether a timeout can have expired at the end.
pub(super) fn may_have_timed_out(case: &Case) -> bool {
    let question = case.question;
    let optional =
        [question.start_timeout_ms, question.stall_timeout_ms, question.approval_timeout_ms, question.outage_ms];
    let clocks = optional.into_iter().flatten().chain([question.timeout_ms]);
    clocks.into_iter().any(|clock| case.outcome.at_ms + spare(question) >= clock)
}

/// Reports that no timeout can have expired, or that one expired while `error` was held.
pub(super) fn timed_out(case: &Case) -> Vec<String> {
    let at = case.outcome.at_ms + spare(case.question);
    let question = case.question;
    let start = question.start_timeout_ms.filter(|_| !matched(case));
    let start = start.is_some_and(|clock| at >= clock && !runs(case, clock));
    let rested = || last_change(case).max(health::baked_until(case));
    let stall = question.stall_timeout_ms.is_some_and(|clock| at >= rested().saturating_add(clock));
    let total = at >= question.timeout_ms;
    if !(total || start || stall) {
        return vec![format!("timed_out at {} ms, but no timeout can have expired", case.outcome.at_ms)];
    }
    let held = case.outcome.deploy.as_deref().filter(|deploy| in_error(case, deploy));
    held.map(|deploy| format!("timed_out, but {deploy} was in `error`: failed")).into_iter().collect()
}

/// Returns whether a matching deploy was certainly seen.
fn matched(case: &Case) -> bool {
    let fits =
        |id: &&str| case.kind(id) != Kind::Nothing && case.misses(id).is_none() && case.outruns(id, false).is_none();
    case.question.on_stale == "accept" && case.outcome.deploy.is_some() && case.ids().iter().any(fits)
}

/// Returns whether the pinned workflow was seen running before the start timeout, which stops that, unless it has ended since
/// with a deploy that another pin does not fit.
fn runs(case: &Case, clock: u64) -> bool {
    let workflow = case.question.workflow.as_deref().unwrap_or_default();
    let in_time = case.flow_of(workflow).filter(|seen| seen.done <= clock);
    let was_seen = in_time.into_iter().any(|seen| seen.what.status == "in-progress" && !seen.what.ended());
    let has_ended = case.flow_of(workflow).any(|seen| seen.what.ended());
    let has_other = case.ids().iter().any(|id| case.workflow(id) == workflow && case.misses(id).is_some());
    was_seen && !(has_ended && has_other)
}

/// Returns when the newest status was first requested; outdated answers are no change. If another target may have
/// requested the deploy's detail, or the list of the install's deploys, it returns the earlier of the times with and
/// without them.
fn last_change(case: &Case) -> u64 {
    let Some(deploy) = case.outcome.deploy.as_deref() else { return 0 };
    let among = |counts: &dyn Fn(&Seen<Row>) -> bool| {
        last_change_among(case, deploy, &case.of(deploy).filter(|seen| counts(seen)).collect::<Vec<_>>())
    };
    let is_alone = case.question.targets.len() == 1;
    let is_own = |seen: &Seen<Row>| is_alone || seen.listed || seen.by_id;
    // If the server's clock was set back, only answers without a time show that anything has changed.
    let sooner = among(&|_| true).min(among(&is_own)).min(among(&|seen| !case.is_behind(seen)));
    if !is_shown_to_others(case, deploy) {
        return sooner;
    }
    sooner.min(among(&|seen| !seen.by_id))
}

/// Returns when the newest status among these answers was first requested, be it for another target.
fn last_change_among(case: &Case, deploy: &str, own: &[&Seen<Row>]) -> u64 {
    let overtaken = |one: &Seen<Row>| own.iter().any(|other| other.overtakes(one));
    // A missing status means `unknown`.
    let status = |seen: &Seen<Row>| if seen.what.status.is_empty() { "unknown" } else { &*seen.what.status }.to_owned();
    let newest: Vec<String> = own.iter().filter(|one| !overtaken(one)).map(|one| status(one)).collect();
    let changed = case.of(deploy).filter(|seen| newest.contains(&status(seen))).map(|seen| seen.sent);
    changed.min().unwrap_or_default()
}

/// Returns whether another component of the install was shown the deploy as its own, so that its target may have
/// requested the detail.
pub(super) fn is_shown_to_others(case: &Case, deploy: &str) -> bool {
    let of_another = |own: &&&Exchange| match Ask::of(&own.path) {
        Ask::Latest(i, c) | Ask::List(i, c) => i == case.install && c != case.component,
        _ => false,
    };
    let shows =
        |own: &&Exchange| body(own).is_some_and(|body| rows_of(body).iter().any(|row| text(row, "id") == deploy));
    case.reads.iter().filter(of_another).any(shows)
}

/// Returns whether all newest answers about a matching deploy say `error`, and the question counts that as a failure.
fn in_error(case: &Case, deploy: &str) -> bool {
    let newest = case.newest(deploy);
    let fails = word(case.question, "error", case.kind(deploy)) == Word::Fails;
    // Nothing shows whether a state without a time is newer than another, or one that is behind such a state.
    let is_error = |seen: &Seen<Row>| {
        seen.what.status == "error" && !seen.what.is_timeless() && (newest.len() == 1 || !case.is_behind(seen))
    };
    let all = !newest.is_empty() && newest.iter().all(|seen| is_error(seen));
    // If only a workflow is pinned, finding its deploys also requests details, which no target uses.
    let is_known = !case.question.targets.is_empty() || newest.len() > 1;
    // Only an answer that names the install shows whose it is.
    let is_own = |seen: &Seen<Row>| seen.by_id || seen.what.install == case.install;
    let is_detail = |own: &&Exchange| matches!(Ask::of(&own.path), Ask::Detail(_, _, id) if id == deploy);
    // Nor may the server have said that the install has no such deploy.
    let is_doubted = case.reads.iter().filter(|own| is_detail(own)).any(|own| says(own, 404));
    let is_known = is_known && case.of(deploy).any(is_own) && (!is_doubted || case.of(deploy).any(|seen| seen.by_id));
    // What is newer than a baseline that was never read is not known either.
    let is_known = is_known && case.has_read_baseline(u64::MAX);
    // What was replaced does not go back.
    let was_replaced = case.of(deploy).any(|seen| matches!(seen.what.status.as_str(), "retried" | "discarded"));
    let judged =
        is_known && case.kind(deploy) != Kind::Nothing && case.misses(deploy).is_none() && !is_baseline(case, deploy);
    fails && all && judged && !was_replaced
}

/// Returns whether a deploy had ended when it was first seen, or when the wait began, and so only serves as the baseline for
/// a newer one.
fn is_baseline(case: &Case, deploy: &str) -> bool {
    let had_ended = |row: &Row| plain(&row.status, case.kind(deploy)) != Word::Pending;
    let waits = !pinned(case.question) && case.question.on_stale == "wait";
    let began = case.reads.iter().find_map(|own| server_time(own));
    let is_before = |row: &Row| row.updated.zip(began).is_some_and(|(own, began)| own < began);
    let seen_first = case.of(deploy).next().is_some_and(|seen| had_ended(&seen.what));
    case.outruns(deploy, false).is_some()
        || waits && (seen_first || case.newest(deploy).iter().all(|seen| is_before(&seen.what)))
}

/// Reports an end that came later than the contract ever allows.
pub(super) fn late(case: &Case) -> Vec<String> {
    let question = case.question;
    let end = question.timeout_ms + question.request_timeout_ms + LATE_MS;
    let at = case.outcome.at_ms;
    if at <= end { Vec::new() } else { vec![format!("ended at {at} ms, later than {end} ms")] }
}
