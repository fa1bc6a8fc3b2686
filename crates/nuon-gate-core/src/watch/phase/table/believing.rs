//! When an answer is believed: what has to last, what contradicts itself, and what is older than an earlier answer.

use serde_json::{Value, json};

use super::said::{Said, created, detail, done, list, newest, no_newest, row, said, typed, with, without, workflow};
use super::scene::{IN_PROGRESS, Scene, Then, failed, fails_as, latest, own, passes, passes_by, play};
use super::{JUDGING, OTHER, OWN, REPLICAS, RETRIES, STATUSES, VERIFIED};
use crate::cause::{Cause, Denial, DeployFailure};
use crate::hold::Behind;
use crate::model::{Status, WorkflowEnd};
use crate::watch::phase::Basis;
use crate::watch::settings::OnSuperseded;
use crate::{Hold, RemoteText, Rules, Verdict};

pub(super) fn scenes() -> Vec<Scene> {
    [retries(), contradictions(), in_one_poll(), orphans(), ages(), flags()].into_iter().flatten().collect()
}

#[test]
fn what_is_believed() {
    play(scenes());
}

fn step(text: &str) -> RemoteText {
    RemoteText::new(text)
}

/// An error that can be retried.
fn retries() -> Vec<Scene> {
    let error = row(OWN, "error");
    let held = |step: &str| [detail(&error), newest(&error), workflow("iwf-1", "in-progress", OWN, step)];
    let ended = |word: &str, step: &str| [detail(&error), newest(&error), workflow("iwf-1", word, OWN, step)];
    let active = row(OWN, "active");
    let noted = json!({
        "status": { "status": "error" }, "finished": true,
        "steps": [{
            "name": "apply", "step_target_id": OWN,
            "status": { "status": "error", "metadata": { "reason": "no such chart" } },
        }],
    });
    let by_its_step = Cause::Deploy(DeployFailure {
        status: Status::Error,
        text: Some(step("no such chart")),
        is_generic: false,
        denial: None,
        hint: None,
        by_rule: false,
    });
    vec![
        own("an error whose step says why", JUDGING)
            .poll(0, [detail(&error), newest(&error), said("workflow iwf-1", &noted)])
            .then(failed(by_its_step)),
        own("an error is held without a window", JUDGING)
            .poll(0, held("retrying"))
            .then(Then::Holds(Hold::Retry))
            .poll(3000, held("retrying"))
            .then(Then::Holds(Hold::Retry))
            .poll(3002, held("error"))
            .then(fails_as(Status::Error)),
        own("an error becomes a pass", VERIFIED)
            .poll(0, held("in-progress"))
            .then(Then::Holds(Hold::Retry))
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("an error ends when its workflow parks", JUDGING)
            .poll(0, ended("failed-pending-retry", "error"))
            .then(fails_as(Status::Error)),
        own("an error whose workflow was then cancelled has failed", JUDGING)
            .poll(0, ended("cancelled", "cancelled"))
            .then(fails_as(Status::Error)),
        own("an error that names no workflow fails at once", JUDGING)
            .poll(0, [detail(&without(error.clone(), "workflow_id")), newest(&without(error.clone(), "workflow_id"))])
            .then(fails_as(Status::Error)),
    ]
}

/// A deploy and its workflow that contradict each other.
fn contradictions() -> Vec<Scene> {
    let (active, error, executing) = (row(OWN, "active"), row(OWN, "error"), row(OWN, "executing"));
    let passes_but = |word: &str, step: &str| [detail(&active), newest(&active), workflow("iwf-1", word, OWN, step)];
    let fails_but = || [detail(&error), newest(&error), done("iwf-1")];
    let unreplaced = || {
        let executing = row(OWN, "executing");
        [detail(&executing), done("iwf-1"), list(&[&executing])]
    };
    let next = created(row("dpl-new", "queued"), -30);
    let stopped_step = || workflow("iwf-1", "success", OWN, "cancelled");
    let behind = |behind| Then::Holds(Hold::Behind(behind));
    let step_failed = || behind(Behind::StepFailed(Verdict::Failed, step("step 1 of 1, apply, failed")));
    let cause = |text| Cause::Step { step: step(text), status: Status::Active };
    let orphan = || behind(Behind::Orphan(WorkflowEnd::Succeeded));
    let orphaned = || {
        failed(Cause::Orphaned {
            end: WorkflowEnd::Succeeded,
            step: None,
            status: Some(Status::Executing),
            text: None,
            denial: None,
            hint: None,
        })
    };
    let called_off = || behind(Behind::StepFailed(Verdict::Cancelled, step("step 1 of 1, apply, was cancelled")));
    vec![
        own("active, its step failed: asked again for a while", JUDGING)
            .poll(5, passes_but("error", "error"))
            .then(step_failed())
            .poll(34, passes_but("error", "error"))
            .then(step_failed())
            .poll(35, passes_but("error", "error"))
            .then(failed(cause("step 1 of 1, apply, failed"))),
        own("executing, its workflow has ended well: only from then on is it behind", JUDGING)
            .wide_poll(
                0,
                [detail(&executing), newest(&executing), workflow("iwf-1", "in-progress", OWN, "in-progress")],
            )
            .then(IN_PROGRESS)
            .wide_poll(60, [detail(&executing), newest(&executing), done("iwf-1")])
            .then(orphan()),
        own("active, its step was cancelled", JUDGING)
            .poll(0, passes_but("cancelled", "cancelled"))
            .then(called_off())
            .poll(30, passes_but("cancelled", "cancelled"))
            .then(Then::Ends(Verdict::Cancelled, cause("step 1 of 1, apply, was cancelled"))),
        own("active, its step had failed and is done", JUDGING)
            .poll(0, passes_but("error", "error"))
            .then(step_failed())
            .poll(40, passes_but("success", "success"))
            .then(passes_by("iwf-1")),
        own("the wait for certainty begins anew after another state", JUDGING)
            .poll(0, passes_but("error", "error"))
            .then(step_failed())
            .poll(10, fails_but())
            .then(behind(Behind::Failure))
            .poll(39, fails_but())
            .then(behind(Behind::Failure))
            .poll(40, fails_but())
            .then(fails_as(Status::Error)),
        own("error, its workflow succeeded: asked again for a while", JUDGING)
            .poll(0, fails_but())
            .then(behind(Behind::Failure))
            .poll(30, fails_but())
            .then(fails_as(Status::Error)),
        own("executing, its step succeeded: the workflow is asked in each poll from then on", JUDGING)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), done("iwf-1")])
            .then(orphan())
            .poll(29, unreplaced())
            .then(orphan())
            .poll(30, unreplaced())
            .then(orphaned()),
        own("executing, and its workflow has ended well with a newer row", RETRIES)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), done("iwf-1")])
            .then(orphan())
            .poll(2, [detail(&row(OWN, "executing")), done("iwf-1"), list(&[&next, &row(OWN, "executing")])])
            .then(IN_PROGRESS)
            .reports(["found dpl-web by deploy", "dpl-web was replaced", "found dpl-new by deploy for dpl-web"]),
        own("executing, its step cancelled, and its workflow has ended well with a newer row", RETRIES)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), stopped_step()])
            .then(orphan())
            .poll(30, [detail(&row(OWN, "executing")), stopped_step()])
            .then(failed(Cause::Orphaned {
                end: WorkflowEnd::Succeeded,
                step: Some(step("step 1 of 1, apply, was cancelled")),
                status: Some(Status::Executing),
                text: None,
                denial: None,
                hint: None,
            })),
        own("executing, and its workflow has ended well with a newer row of another kind", RETRIES)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), done("iwf-1")])
            .then(orphan())
            .poll(
                2,
                [
                    detail(&row(OWN, "executing")),
                    done("iwf-1"),
                    list(&[&typed(next.clone(), "teardown"), &row(OWN, "executing")]),
                ],
            )
            .then(orphan()),
        own("executing, and it was only behind", JUDGING)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), done("iwf-1")])
            .then(orphan())
            .poll(2, [detail(&active), newest(&active), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// If there is no other poll, the server's times show how long a contradiction has lasted.
fn in_one_poll() -> Vec<Scene> {
    let error = row(OWN, "error");
    let since = |second: i64| {
        let status = json!({ "status": "success", "created_at_ts": 1_800_000_000 + second });
        let steps = json!([{ "name": "apply", "status": { "status": "success" }, "step_target_id": OWN }]);
        said("workflow iwf-1", &json!({ "status": status, "finished": true, "steps": steps }))
    };
    let answers = |flow: Said| [detail(&error), newest(&error), flow];
    let held = || Then::Holds(Hold::Behind(Behind::Failure));
    let timeless = json!({ "status": { "status": "success" }, "finished": true });
    vec![
        own("one poll: it has lasted", JUDGING).once().poll(2, answers(since(-28))).then(fails_as(Status::Error)),
        own("one poll: it has not lasted", JUDGING).once().poll(2, answers(since(-27))).then(held()),
        own("one poll: nobody says since when", JUDGING)
            .once()
            .poll(2, answers(said("workflow iwf-1", &timeless)))
            .then(held()),
    ]
}

/// A deploy that its workflow has left behind.
fn orphans() -> Vec<Scene> {
    let (queued, executing) = (row(OWN, "queued"), row(OWN, "executing"));
    let ends = |row: &Value, word: &str, step: &str| {
        [detail(row), newest(row), workflow("iwf-1", word, OWN, step), detail(row)]
    };
    let orphaned = |end, step: Option<&str>, status| Cause::Orphaned {
        end,
        step: step.map(RemoteText::new),
        status,
        text: None,
        denial: None,
        hint: None,
    };
    let (failed_end, broke) = (WorkflowEnd::Failed, Some("step 1 of 1, apply, failed"));
    let cancelled = Then::Ends(Verdict::Cancelled, orphaned(WorkflowEnd::Cancelled, None, None));
    let denied = orphaned(failed_end, Some("step 1 of 1, apply, was denied"), Some(Status::PendingApproval));
    let answered = json!({
        "status": { "status": "error" }, "finished": true,
        "steps": [{ "name": "apply", "status": { "status": "approval-denied" }, "step_target_id": OWN,
            "approval": { "response": { "type": "deny", "created_by_id": "acc-1", "note": "not today" } } }],
    });
    let asking = row(OWN, "pending-approval");
    let by_whom = Cause::Orphaned {
        end: failed_end,
        step: Some(step("step 1 of 1, apply, was denied")),
        status: Some(Status::PendingApproval),
        text: Some(step("the plan was denied by acc-1: not today")),
        denial: Some(Denial::Human(step("the plan was denied by acc-1: not today"))),
        hint: None,
    };
    let answer = || said("workflow iwf-1", &answered);
    let over_quota = json!({ "message": "quota exceeded", "hints": { "quota": "ask for more" } });
    let said_why = with(executing.clone(), &json!({ "composite_error": over_quota }));
    let by_quota = Cause::Orphaned {
        end: failed_end,
        step: broke.map(RemoteText::new),
        status: Some(Status::Executing),
        text: Some(step("quota exceeded")),
        denial: None,
        hint: Some(step("ask for more")),
    };
    vec![
        own("the server says why, whatever the deploy's status says", STATUSES)
            .wide_poll(0, ends(&said_why, "error", "error"))
            .then(failed(by_quota)),
        own("the deploy is read once more", STATUSES)
            .wide_poll(0, ends(&executing, "error", "error"))
            .then(failed(orphaned(failed_end, broke, Some(Status::Executing)))),
        own("a step of its own was begun, and never ended", STATUSES)
            .wide_poll(0, ends(&queued, "error", "in-progress"))
            .then(failed(orphaned(failed_end, None, Some(Status::Queued)))),
        own("no step of its own was begun", STATUSES)
            .wide_poll(0, ends(&queued, "failed-pending-retry", "pending"))
            .then(failed(orphaned(WorkflowEnd::Parked, None, None))),
        own("its own step was not attempted", STATUSES)
            .wide_poll(0, ends(&queued, "error", "not-attempted"))
            .then(failed(orphaned(failed_end, Some("step 1 of 1, apply, was not attempted"), None))),
        own("its own step failed, and it stays queued", STATUSES)
            .wide_poll(0, ends(&queued, "error", "error"))
            .then(failed(orphaned(failed_end, broke, Some(Status::Queued)))),
        own("cancelled while it was queued", JUDGING)
            .wide_poll(0, ends(&queued, "cancelled", "pending"))
            .then(cancelled),
        own("a plan that was denied is a cancellation", STATUSES)
            .poll(0, [detail(&asking), workflow("iwf-1", "error", OWN, "approval-denied"), detail(&asking)])
            .then(Then::Ends(Verdict::Cancelled, denied)),
        own("it had ended between the two reads", STATUSES)
            .wide_poll(
                0,
                [detail(&executing), newest(&executing), done_with_error(), detail(&row(OWN, "active")), done("iwf-1")],
            )
            .then(passes_by("iwf-1")),
        own("who denied it is reported", STATUSES)
            .poll(0, [detail(&asking), answer(), detail(&asking)])
            .then(Then::Ends(Verdict::Cancelled, by_whom)),
    ]
}

fn done_with_error() -> Said {
    workflow("iwf-1", "error", OWN, "error")
}

/// Answers that are older than earlier ones.
fn ages() -> Vec<Scene> {
    let at = |status: &str, second: u32| {
        with(row(OWN, status), &json!({ "updated_at": format!("2027-01-15T08:00:{second:02}Z") }))
    };
    let (old, new, failed_row) = (at("executing", 10), at("active", 20), at("noop", 30));
    let outdated = || Then::Holds(Hold::Outdated);
    vec![
        own("an older answer is not believed: the newest row is asked", REPLICAS)
            .poll(0, [detail(&at("planning", 15))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&old), newest(&old)])
            .then(outdated())
            .poll(4, [detail(&old), no_newest()])
            .then(outdated()),
        own("an older answer does not give way to a newer deploy", REPLICAS)
            .with(|settings| settings.on_superseded = Some(OnSuperseded::Follow))
            .poll(0, [detail(&at("planning", 15))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&old), newest(&without(created(row(OTHER, "active"), -30), "workflow_id"))])
            .then(outdated())
            .reports(["found dpl-web by deploy"]),
        own("the newest row is ahead, and passes", REPLICAS)
            .poll(0, [detail(&at("planning", 15))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&old), newest(&new), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("the newest row passes, no time says that it is ahead, and the detail says otherwise", REPLICAS)
            .poll(0, [detail(&old)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&at("planning", 5)), newest(&row(OWN, "active")), done("iwf-1"), detail(&old)])
            .then(outdated())
            .poll(4, [detail(&old), newest(&row(OWN, "active")), done("iwf-1"), detail(&old)])
            .then(outdated())
            .poll(6, [detail(&new), newest(&row(OWN, "active")), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("the detail passes, no time says that it is ahead, and the newest row says otherwise", REPLICAS)
            .poll(0, [detail(&old)])
            .then(IN_PROGRESS)
            .poll(2, [detail(&row(OWN, "active")), newest(&old), done("iwf-1"), detail(&old)])
            .then(outdated())
            .poll(4, [detail(&row(OWN, "active")), newest(&old), done("iwf-1"), detail(&row(OWN, "active"))])
            .then(passes_by("iwf-1")),
        own("the newest row is ahead, and fails: its detail is waited for once", REPLICAS)
            .poll(0, [detail(&at("planning", 15))])
            .then(IN_PROGRESS)
            .poll(2, [detail(&old), newest(&failed_row), done("iwf-1")])
            .then(outdated())
            .poll(4, [detail(&old), newest(&failed_row), done("iwf-1")])
            .then(fails_as(Status::Noop)),
        latest("the newest row shows another end than its detail", REPLICAS)
            .poll(
                0,
                [newest(&row(OWN, "error")), detail(&row(OWN, "active")), done("iwf-1"), detail(&row(OWN, "active"))],
            )
            .then(outdated())
            .poll(2, [detail(&row(OWN, "active")), newest(&row(OWN, "active")), done("iwf-1")])
            .then(passes_by("iwf-1")),
        own("two answers of the only poll differ", REPLICAS)
            .once()
            .wide_poll(
                0,
                [
                    detail(&row(OWN, "executing")),
                    newest(&row(OWN, "active")),
                    done("iwf-1"),
                    detail(&row(OWN, "executing")),
                    done("iwf-1"),
                    list(&[&row(OWN, "executing")]),
                ],
            )
            .then(outdated()),
        own("an older answer undoes no failure", REPLICAS)
            .poll(
                0,
                [detail(&at("error", 20)), newest(&at("error", 20)), workflow("iwf-1", "in-progress", OWN, "retrying")],
            )
            .then(Then::Holds(Hold::Retry))
            .poll(2, [detail(&at("active", 10)), newest(&at("active", 10))])
            .then(outdated()),
        own("the newest row shows another status: the workflow is read after it", REPLICAS)
            .poll(0, [detail(&new), newest(&at("auto-skipped", 25)), done("iwf-1")])
            .then(passes_by("iwf-1")),
    ]
}

/// Flags that change the meaning of a status.
fn flags() -> Vec<Scene> {
    let rules = |pass: &[Status], fail: &[Status], wait: &[Status]| {
        Rules::new(pass.to_vec(), fail.to_vec(), wait.to_vec()).unwrap()
    };
    let (noop, error, active) = (row(OWN, "noop"), row(OWN, "error"), row(OWN, "active"));
    let at_work = || workflow("iwf-1", "in-progress", OWN, "retrying");
    let without_steps = || said("workflow iwf-1", &json!({ "status": { "status": "in-progress" }, "steps": [] }));
    let (pass_again, pass_active) = (rules(&[Status::Noop], &[], &[]), rules(&[Status::Active], &[], &[]));
    let by_rule = Cause::Deploy(DeployFailure {
        status: Status::Error,
        text: None,
        is_generic: true,
        denial: None,
        hint: None,
        by_rule: true,
    });
    let unknown = row(OWN, "hibernating");
    let wait_again = rules(&[], &[], &[Status::from("hibernating")]);
    let orphaned = Cause::Orphaned {
        end: WorkflowEnd::Failed,
        step: Some(RemoteText::new("step 1 of 1, apply, failed")),
        status: Some(Status::from("hibernating")),
        text: None,
        denial: None,
        hint: None,
    };
    let (pass, fail, wait) =
        (rules(&[Status::Noop], &[], &[]), rules(&[], &[Status::Error], &[]), rules(&[], &[], &[Status::Active]));
    vec![
        own("pass on noop", JUDGING)
            .with(move |settings| settings.rules = pass)
            .poll(0, [detail(&noop), newest(&noop), at_work()])
            .then(passes(OWN, Basis::Rule(Status::Noop))),
        own("pass on noop, although the workflow shows fewer steps than before", JUDGING)
            .with(move |settings| settings.rules = pass_again)
            .wide_poll(0, [detail(&row(OWN, "executing")), newest(&row(OWN, "executing")), at_work()])
            .then(IN_PROGRESS)
            .poll(2, [detail(&noop), newest(&noop), without_steps()])
            .then(passes(OWN, Basis::Rule(Status::Noop))),
        own("pass on active: its steps are asked all the same", JUDGING)
            .with(move |settings| settings.rules = pass_active)
            .poll(0, [detail(&active), newest(&active), workflow("iwf-1", "in-progress", OTHER, "in-progress")])
            .then(Then::Holds(Hold::NotBegun)),
        own("fail on error, at once", JUDGING)
            .with(move |settings| settings.rules = fail)
            .poll(0, [detail(&error), newest(&error), at_work()])
            .then(failed(by_rule)),
        own("wait on what is pending anyway: its workflow is asked all the same", JUDGING)
            .with(move |settings| settings.rules = wait_again)
            .wide_poll(
                0,
                [detail(&unknown), newest(&unknown), workflow("iwf-1", "error", OWN, "error"), detail(&unknown)],
            )
            .then(failed(orphaned)),
        own("wait on active", JUDGING)
            .with(move |settings| settings.rules = wait)
            .poll(0, [detail(&active)])
            .then(IN_PROGRESS),
    ]
}
