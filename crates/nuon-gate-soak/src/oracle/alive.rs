//! Whether a target went on polling although its end was proven (contract: it never hangs).

use super::answer::good;
use super::ask::Ask;
use super::case::word_of;
use super::case::{Case, Seen};
use super::flow::{Flow, Step};
use super::health;
use super::pins::{on_superseded, pinned};
use super::row::{Kind, Row};
use super::table::{Word, plain};
use crate::transcript::Exchange;

/// In how many polls an end may be proven before it is reported: the first of them and the next two.
const POLLS: usize = 3;

/// Whether an answer shows the end.
type Says<'a, T> = &'a dyn Fn(&T) -> bool;

/// Reports a proven end that was not reported in time.
pub(super) fn check(case: &Case) -> Vec<String> {
    let Some(deploy) = case.outcome.deploy.as_deref().filter(|id| is_plain_target(case, id)) else { return Vec::new() };
    let component = case.install_component(deploy);
    let passes =
        |row: &Row| word_of(case, row) == Word::Passes && plain(&row.status, case.kind(deploy)) == Word::Passes;
    let proves = |seen: &Seen<Flow>| {
        let flow = &seen.what;
        let mut own = flow.works_on(deploy, component, true).chain(flow.beside(deploy));
        let known = flow.owner == case.install && !flow.plan_only && (!flow.ended() || flow.succeeded());
        known && flow.begun(deploy) && own.all(Step::plainly_good) && is_whole(case, seen)
    };
    let ends = |row: &Row| matches!(word_of(case, row), Word::Fails | Word::Cancels) && is_end(&row.status);
    let stopped = case.newest(deploy).iter().any(|seen| seen.what.status == "cancelled");
    let fails = |Seen { what: flow, .. }: &Seen<Flow>| {
        let parked = flow.status == "failed-pending-retry";
        let over = match stopped {
            true => flow.status == "cancelled",
            false => parked || flow.finished && matches!(flow.status.as_str(), "error" | "cancelled"),
        };
        // A health step that is tried again may still succeed, whatever the workflow as a whole says.
        let tried = |step: &Step| step.target_type == "install_components" && step.status == "retrying";
        let over = over && !flow.works_on(deploy, component, true).any(tried);
        // A workflow that names another install is not a good answer.
        over && (flow.owner.is_empty() || flow.owner == case.install)
    };
    let mut found = Vec::new();
    let healthy = health::alive(case, deploy, &polls(case, deploy, &passes, &proves), &mut found);
    let pass = said(case, "a pass", healthy, "passed");
    let fail = said(case, "its end", polls(case, deploy, &ends, &fails).len(), "");
    found.into_iter().chain(pass).chain(fail).map(|text| format!("{deploy}: {text}")).collect()
}

/// Returns whether the table calls a status an end.
fn is_end(status: &str) -> bool {
    matches!(status, "error" | "noop" | "cancelled" | "approval-denied" | "approval-expired")
}

/// Reports that an end was proven in too many polls before it was reported, or that another one was reported.
fn said(case: &Case, what: &str, times: usize, verdict: &str) -> Option<String> {
    let own = case.outcome.verdict.as_str();
    let limit = match own {
        "interrupted" | "usage" | "rejected" | "superseded" => return None,
        "timed_out" => 1,
        // If a row and its workflow contradict each other, the gate reads them again for half a minute.
        "failed" => 40,
        _ if !verdict.is_empty() && own != verdict => POLLS - 1,
        // The polls of the install's other targets look like its own, if they read the same list and the same workflow.
        _ => POLLS * case.question.targets.iter().filter(|(install, _)| *install == case.install).count().max(1),
    };
    (times > limit).then(|| format!("{what} was plain in {times} polls before `{own}` was said"))
}

/// Returns whether only the row and its workflow decide about a deploy.
fn is_plain_target(case: &Case, deploy: &str) -> bool {
    let question = case.question;
    let fresh = pinned(question) || question.on_stale == "accept";
    let asked = case.kind(deploy) != Kind::Nothing && case.misses(deploy).is_none() && !case.unexpected(deploy);
    let alone = case.strangers.is_empty() && case.superseder(deploy).is_none();
    // Nothing shows whether a state without a time is newer than another, so the gate takes its time.
    let dated = case.of(deploy).all(|seen| !seen.what.is_timeless());
    // Nor which of two tries is, if the one that took the other's place was created before it: a clock was set back.
    let made = case.created(deploy);
    let is_next = |row: &Row| row.id != deploy && row.workflow == case.workflow(deploy) && row.created > made;
    let dated = dated && !case.rows.iter().any(|seen| is_next(&seen.what));
    // Where a flag says that a replaced row is waited for, the target stays with it.
    let stays =
        |row: &Row| row.id != deploy && row.workflow == case.workflow(deploy) && question.wait_on.contains(&row.status);
    let moves_on = !case.rows.iter().any(|seen| stays(&seen.what));
    fresh && asked && alone && dated && moves_on && question.settle_ms == 0
}

/// Returns the polls in which both a deploy's row and its workflow show the end, and every answer was good.
fn polls(case: &Case, deploy: &str, row: Says<Row>, flow: Says<Seen<Flow>>) -> Vec<(u64, u64)> {
    if !case.newest(deploy).iter().all(|seen| row(&seen.what)) {
        return Vec::new();
    }
    let workflow = case.workflow(deploy);
    let rows = case.of(deploy).filter(|_| workflow.is_empty()).map(|seen| (seen.sent, seen.done));
    let flows = case.flow_of(workflow).filter(|seen| flow(seen)).map(|seen| (seen.sent, seen.done));
    let mut plain: Vec<(u64, u64)> = Vec::new();
    for anchor in rows.chain(flows) {
        let apart = plain.last().is_none_or(|last| !case.unbroken(last.1, anchor.0));
        if apart && is_plain_poll(case, deploy, anchor, (row, flow)) {
            plain.push(anchor);
        }
    }
    plain
}

/// Returns whether no earlier answer had more steps. An answer with fewer steps is older, or incomplete.
fn is_whole(case: &Case, seen: &Seen<Flow>) -> bool {
    let before = case.flow_of(&seen.what.id).filter(|own| own.done <= seen.sent);
    before.into_iter().all(|own| own.what.steps.len() <= seen.what.steps.len())
}

/// Returns whether every request of a poll had a good answer, all its rows agree, and so do all its answers about the
/// workflow. If several targets read the workflow, it is unknown which answer decided for this one.
fn is_plain_poll(case: &Case, deploy: &str, anchor: (u64, u64), (row, flow): (Says<Row>, Says<Seen<Flow>>)) -> bool {
    let near = |sent: u64, done: u64| case.unbroken(done.min(anchor.1), sent.max(anchor.0));
    let decides = |own: &&&Exchange| Ask::of(&own.path).decides() && case.concerns(own);
    let mut asked = case.reads.iter().filter(decides).filter(|own| near(own.sent_ms, own.done_ms));
    let rows: Vec<&Seen<Row>> = case.rows.iter().filter(|seen| near(seen.sent, seen.done)).collect();
    // Only a list with the deploy itself shows that none is newer.
    let shown = |seen: &&Seen<Row>| seen.listed && seen.what.id == deploy;
    let latest = rows.iter().any(shown) || on_superseded(case.question) == "ignore";
    let detail = rows.iter().any(|seen| !seen.listed && seen.named && seen.sent <= anchor.1 && seen.what.id == deploy);
    // A row that does not say what the pin asks for does not show that it matches.
    let matches = |seen: &Seen<Row>| case.question.workflow.is_none() || !seen.what.workflow.is_empty();
    let agree = rows
        .iter()
        .filter(|seen| seen.what.id == deploy)
        .all(|seen| row(&seen.what) && !case.is_behind(seen) && matches(seen));
    // Nor does anything show that it is newer than a baseline that was not read yet.
    let mut flows = case.flow_of(case.workflow(deploy)).filter(|seen| near(seen.sent, seen.done));
    latest && detail && agree && case.has_read_baseline(anchor.1) && flows.all(flow) && asked.all(|own| good(own))
}
