//! The workflow behind a deploy: what is held, what never ends by itself, and when a human is asked, in virtual time.

use std::time::Duration;

use crate::virtual_time::{
    Asked, Body, Run, Scripted, created, deploy, exists, latest, list, ms, pinned, row, run, s, settings, soon, status,
    step, with, workflow,
};
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, OnApproval, WatchSettings};
use nuon_gate_core::{Clock, Verdict};
use serde_json::{Value, json};

/// A row of the workflow inw1.
fn of_inw1(id: &str, status: &str) -> Value {
    let second = if id == "dplA" { -60 } else { -30 };
    with(created(row(id, status), second), json!({ "workflow_id": "inw1" }))
}

/// A server with dplA, in the status that `word` returns, and its workflow.
fn dpl_a(
    word: impl Fn(Duration) -> &'static str,
    workflow: impl Fn(Duration) -> Body,
) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        let row = of_inw1("dplA", word(now));
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&row),
            Request::Deploys(..) => list(&[row]),
            Request::Workflow(..) => workflow(now),
            _ => exists(request),
        })
    }
}

/// dplA has one status until this many seconds, and another one from then on.
fn turning(seconds: u64, before: &'static str, then: &'static str) -> impl Fn(Duration) -> &'static str {
    move |now| if now < s(seconds) { before } else { then }
}

fn running(word: &str) -> Body {
    workflow("in-progress", false, &[step("deploy", word, "dplA")])
}

/// A step in error that is retried automatically.
fn to_be_retried() -> Value {
    let status = json!({ "status": "error", "metadata": { "retry_idx": 0, "max_retries": 2 } });
    with(step("deploy", "error", "dplA"), json!({ "status": status }))
}

fn held(run: &Run) -> Vec<&str> {
    let status = |kind: &'_ EventKind| matches!(kind, EventKind::Held { .. });
    let events = run.events.iter().filter(|event| status(&event.kind));
    events
        .filter_map(|event| if let EventKind::Held { status, .. } = &event.kind { Some(status.as_str()) } else { None })
        .collect()
}

fn with_clocks(total: u64, stall: Option<u64>, approval: Option<u64>) -> WatchSettings {
    let clocks = Clocks { total: s(total), stall: stall.map(s), approval: approval.map(s), ..settings().clocks };
    WatchSettings { clocks, ..settings() }
}

#[test]
fn an_error_that_is_retried_is_held_and_the_retry_followed() {
    let a = |now: Duration| match now.as_secs() {
        0..10 => of_inw1("dplA", "executing"),
        10..30 => of_inw1("dplA", "error"),
        _ => of_inw1("dplA", "retried"),
    };
    let b = |now: Duration| of_inw1("dplB", if now < s(60) { "queued" } else { "active" });
    for watch in [latest(settings()), pinned(settings(), "dplA")] {
        let run = run(watch, |now, request| {
            soon(match request {
                Request::Deploy(_, _, id) if id.as_str() == "dplA" => deploy(&a(now)),
                Request::Deploy(..) => deploy(&b(now)),
                Request::LatestDeploy(..) => deploy(&if now < s(30) { a(now) } else { b(now) }),
                Request::Deploys(..) => list(&[b(now), a(now)]),
                Request::Workflow(..) if now < s(10) => running("in-progress"),
                Request::Workflow(..) if now < s(30) => workflow("in-progress", false, &[to_be_retried()]),
                Request::Workflow(..) => {
                    let again = step("deploy", if now < s(60) { "in-progress" } else { "success" }, "dplB");
                    workflow("in-progress", false, &[step("deploy", "retried", "dplA"), again])
                }
                _ => exists(request),
            })
        });
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplB"), "{:?}", run.run_reason());
        assert_eq!(run.target().replaced, ["dplA".parse().unwrap()]);
        assert_eq!(run.target().superseded_by, None);
        assert_eq!(held(&run), ["error"]);
        assert!((s(60)..s(71)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
    }
}

#[test]
fn a_held_error_fails_when_its_workflow_ends_or_parks() {
    let ends =
        [("failed-pending-retry", false), ("error", false), ("error", true), ("cancelled", false), ("success", true)];
    for (word, finished) in ends {
        let run = run(
            latest(settings()),
            dpl_a(turning(10, "executing", "error"), |now| match now.as_secs() {
                0..10 => running("in-progress"),
                10..40 => workflow("in-progress", false, &[to_be_retried()]),
                _ => workflow(word, finished, &[step("deploy", "error", "dplA")]),
            }),
        );
        assert_eq!(run.report.verdict, Verdict::Failed, "{word}");
        assert_eq!(held(&run), ["error"]);
        assert!((s(40)..s(51)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
        assert_eq!(run.reason(), "the deploy ended as `error`; the server gives no reason");
    }
}

#[test]
fn an_error_that_nothing_retries_fails_at_once() {
    // Other components' steps go on.
    let steps = [step("deploy", "error", "dplA"), step("deploy", "in-progress", "dplOther")];
    let run = run(latest(settings()), dpl_a(|_| "error", |_| workflow("in-progress", false, &steps)));
    assert_eq!(run.report.verdict, Verdict::Failed);
    assert_eq!(run.what(), ["latest", "deploy", "workflow"]);
    assert!(held(&run).is_empty());
}

#[test]
fn an_active_deploy_is_held_while_one_of_its_steps_is_unfinished() {
    let health = |now: Duration, word: &str| {
        let word = if now < s(40) { "in-progress" } else { word };
        workflow("in-progress", false, &[step("deploy", "success", "dplA"), step("health", word, "dplA")])
    };
    let passed = run(latest(settings()), dpl_a(turning(10, "executing", "active"), |now| health(now, "success")));
    assert_eq!((passed.report.verdict, held(&passed)), (Verdict::Passed, vec!["active"]));
    assert!((s(40)..s(51)).contains(&passed.report.elapsed), "{:?}", passed.report.elapsed);

    let word = |now: Duration| {
        if now < s(10) {
            "executing"
        } else if now < s(40) {
            "active"
        } else {
            "error"
        }
    };
    let failed = run(latest(settings()), dpl_a(word, |now| health(now, "error")));
    assert_eq!((failed.report.verdict, held(&failed)), (Verdict::Failed, vec!["active"]));
    assert!((s(40)..s(51)).contains(&failed.report.elapsed), "{:?}", failed.report.elapsed);

    let others = workflow("in-progress", false, &[step("deploy", "success", "dplA"), step("deploy", "queued", "dplB")]);
    let at_once = run(latest(settings()), dpl_a(|_| "active", |_| others.clone()));
    assert_eq!((at_once.report.verdict, at_once.what()), (Verdict::Passed, vec!["latest", "deploy", "workflow"]));
}

#[test]
fn a_deploy_that_outlives_its_workflow_is_an_orphan() {
    let steps = [
        step("sync", "success", "dplSync"),
        step("await runner healthy", "error", "dplSync"),
        step("deploy", "not-attempted", "dplA"),
    ];
    let cases = [
        ("queued", "error", true, Verdict::Failed, "the workflow failed", "and the component was never attempted"),
        (
            "pending",
            "failed-pending-retry",
            false,
            Verdict::Failed,
            "the workflow failed and waits for a retry",
            "and the component was never attempted",
        ),
        (
            "queued",
            "cancelled",
            false,
            Verdict::Cancelled,
            "the workflow was cancelled",
            "and the component was never attempted",
        ),
        ("executing", "error", true, Verdict::Failed, "the workflow failed", "but the deploy still says `executing`"),
    ];
    for (word, end, finished, verdict, what, never) in cases {
        let run = run(
            latest(settings()),
            dpl_a(move |_| word, |now| if now < s(40) { running("pending") } else { workflow(end, finished, &steps) }),
        );
        assert_eq!(run.report.verdict, verdict, "{word}, {end}");
        assert_eq!(run.reason(), format!("{what}: step 2 of 3, await runner healthy, failed, {never}"));
        let what = run.what();
        assert_eq!(what[what.len() - 4..], ["deploy", "latest", "workflow", "deploy"], "it might just have ended");
        let polls = run.polls().into_iter().filter(|(_, last)| *last >= s(40)).count();
        assert!(polls <= 3, "the workflow is read at every third poll, but there were {polls}");
    }
}

#[test]
fn an_orphan_that_ends_at_the_second_read_is_none() {
    // The third poll reads the workflow's end before the deploy's.
    let mut ended = None;
    let run = run(latest(settings()), |now, request| {
        if matches!(request, Request::Workflow(..)) {
            ended.get_or_insert(now);
        }
        let word = if ended.is_some_and(|ended| now > ended) { "active" } else { "executing" };
        dpl_a(move |_| word, |_| workflow("success", true, &[step("deploy", "success", "dplA")]))(now, request)
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    assert_eq!(run.what(), ["latest", "deploy", "deploy", "latest", "workflow", "deploy", "latest", "workflow"]);
}

#[test]
fn success_between_two_steps_is_not_the_end() {
    let between = |now: Duration| {
        let word = if now < s(60) { "pending" } else { "success" };
        workflow("success", false, &[step("sync", "success", "dplSync"), step("deploy", word, "dplA")])
    };
    let queued = run(latest(settings()), dpl_a(turning(60, "queued", "active"), between));
    assert_eq!(queued.report.verdict, Verdict::Passed, "{:?}", queued.run_reason());
    assert!(queued.report.elapsed >= s(60));

    let held_active = run(latest(settings()), dpl_a(|_| "active", between));
    assert_eq!((held_active.report.verdict, held(&held_active)), (Verdict::Passed, vec!["active"]));
    assert!(held_active.report.elapsed >= s(60));

    let retrying = run(
        latest(settings()),
        dpl_a(turning(60, "error", "active"), |now| match now.as_secs() {
            0..60 => workflow("success", false, &[to_be_retried()]),
            _ => workflow("success", true, &[step("deploy", "success", "dplA")]),
        }),
    );
    assert_eq!((retrying.report.verdict, held(&retrying)), (Verdict::Passed, vec!["error"]));
}

fn asks(option: &str, response: &Value) -> Body {
    let step = with(step("approve", "approval-awaiting", "dplA"), json!({ "approval": { "response": response } }));
    let body =
        json!({ "status": { "status": "in-progress" }, "finished": false, "approval_option": option, "steps": [step] });
    Body::Json(body)
}

fn approvals(run: &Run) -> usize {
    run.count(|kind| matches!(kind, EventKind::ApprovalNeeded { .. }))
}

#[test]
fn a_human_is_asked_only_if_two_polls_say_so() {
    let word = |now: Duration| {
        if now < s(10) {
            "planning"
        } else if now < s(60) {
            "pending-approval"
        } else {
            "active"
        }
    };
    let asked = run(
        latest(settings()),
        dpl_a(word, |now| if now < s(60) { asks("prompt", &Value::Null) } else { running("success") }),
    );
    assert_eq!((asked.report.verdict, approvals(&asked)), (Verdict::Passed, 1), "reported once");
    assert!(asked.report.targets[0].approval.is_none(), "it has been answered");
    let event = asked.events.iter().find(|event| matches!(event.kind, EventKind::ApprovalNeeded { .. })).unwrap();
    let EventKind::ApprovalNeeded { place, .. } = &event.kind else { unreachable!() };
    assert_eq!((place.workflow.as_str(), place.step.as_ref().unwrap().as_str()), ("inw1", "iws-approve"));
    let reads: Vec<&Asked> =
        asked.asked.iter().filter(|asked| asked.what() == "workflow" && asked.at >= s(10)).collect();
    assert_eq!(event.at.elapsed(), reads[1].at + ms(100), "at the second poll");

    // Plans that approve themselves are also seen waiting: for a moment, with another option, or with an answer.
    let briefly = |now: Duration| {
        if now < ms(11_800) {
            "pending-approval"
        } else if now < s(60) {
            "executing"
        } else {
            "active"
        }
    };
    let silent = [
        run(
            latest(settings()),
            dpl_a(turning(60, "pending-approval", "active"), |_| asks("approve-all", &Value::Null)),
        ),
        run(
            latest(settings()),
            dpl_a(turning(60, "pending-approval", "active"), |_| asks("prompt", &json!({ "type": "approve" }))),
        ),
        run(latest(settings()), dpl_a(turning(60, "pending-approval", "active"), |_| status(404))),
    ];
    for silent in silent {
        assert_eq!(approvals(&silent), 0);
    }
    let once = run(latest(settings()), |now, request| {
        let first_look = now < s(2);
        let word = if first_look { "pending-approval" } else { briefly(now.max(s(12))) };
        let flow = if now < s(60) { asks("prompt", &Value::Null) } else { running("success") };
        dpl_a(move |_| word, |_| flow.clone())(now, request)
    });
    assert_eq!((once.report.verdict, approvals(&once)), (Verdict::Passed, 0));
}

#[test]
fn on_approval_decides_when_a_human_is_asked() {
    let ask = || dpl_a(|_| "pending-approval", |_| asks("prompt", &Value::Null));
    let of = |on_approval| WatchSettings { on_approval, org: "org1".parse().ok(), ..with_clocks(120, None, None) };

    let fail = run(latest(of(OnApproval::Fail)), ask());
    assert_eq!((fail.report.verdict, approvals(&fail)), (Verdict::ApprovalNeeded, 1));
    assert_eq!(fail.what(), ["latest", "workflow", "deploy", "workflow", "dashboard"], "two polls");
    let place = fail.target().approval.as_ref().unwrap();
    assert_eq!((place.workflow.as_str(), place.step.as_ref().unwrap().as_str()), ("inw1", "iws-approve"));

    let pass = run(latest(of(OnApproval::Pass)), ask());
    assert_eq!((pass.report.verdict, approvals(&pass)), (Verdict::Passed, 1));
    // The newest deploy has passed.
    assert_eq!(pass.what(), ["latest", "workflow", "deploy", "latest", "workflow", "dashboard"], "two polls");
    assert!(pass.warnings().iter().any(|text| text.contains("a human still has to approve")), "{:?}", pass.warnings());

    let wait = run(latest(of(OnApproval::Wait)), ask());
    assert_eq!((wait.report.verdict, wait.target().clock()), (Verdict::TimedOut, Some(Clock::Total)));
    assert_eq!(approvals(&wait), 1);
}

#[test]
fn the_approval_timeout_counts_from_the_first_sight() {
    let word = turning(10, "planning", "pending-approval");
    let run = run(latest(with_clocks(3600, None, Some(30))), dpl_a(word, |_| asks("prompt", &Value::Null)));
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::ApprovalNeeded, Some(Clock::Approval)));
    let first = run.asked.iter().find(|asked| asked.what() == "workflow" && asked.at >= s(10)).unwrap().at + ms(100);
    assert_eq!(run.report.elapsed, first + s(30) + ms(200), "the last poll is when the timeout expires");
    assert!(run.reason().starts_with("the approval timeout of 30s expired without an answer"), "{}", run.reason());
    assert!(run.target().approval.is_some());
}

#[test]
fn the_stall_timeout_counts_from_the_last_change() {
    let run = run(
        latest(with_clocks(3600, Some(60), None)),
        dpl_a(turning(50, "queued", "executing"), |_| running("in-progress")),
    );
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(Clock::Stall)));
    let changed = run.events.iter().find(|event| matches!(event.kind, EventKind::Changed { .. })).unwrap().at.elapsed();
    assert!((s(50)..s(61)).contains(&changed));
    assert!(run.report.elapsed >= changed + s(60) && run.report.elapsed <= changed + s(60) + ms(300));
    let reason = run.reason();
    assert!(
        reason.starts_with("the stall timeout of 1m expired, nothing has changed: the last status is `executing`"),
        "{reason}"
    );
}

#[test]
fn a_pass_has_to_settle() {
    let settled = || WatchSettings { settle: s(15), ..settings() };
    let stays = run(latest(settled()), dpl_a(turning(20, "executing", "active"), |_| running("success")));
    assert_eq!(stays.report.verdict, Verdict::Passed);
    let active =
        stays.events.iter().find(|event| matches!(event.kind, EventKind::Changed { .. })).unwrap().at.elapsed();
    assert!(stays.report.elapsed >= active + s(15) && stays.report.elapsed < active + s(16), "one more poll");

    let word = |now: Duration| {
        if now < s(20) {
            "executing"
        } else if now < s(32) {
            "active"
        } else {
            "error"
        }
    };
    let falls =
        run(latest(settled()), dpl_a(word, |now| if now < s(32) { running("success") } else { running("error") }));
    assert_eq!(falls.report.verdict, Verdict::Failed);
}

#[test]
fn without_a_workflow_only_the_status_counts() {
    for (word, verdict) in [("active", Verdict::Passed), ("error", Verdict::Failed)] {
        let run = run(latest(settings()), dpl_a(move |_| word, |_| status(404)));
        assert_eq!(run.report.verdict, verdict);
        assert_eq!(run.what().into_iter().filter(|what| *what == "workflow").count(), 3, "it may lag");
        let said = run.warnings().into_iter().filter(|text| text.contains("workflow cannot be read")).count();
        assert_eq!(said, 1, "{:?}", run.warnings());
    }
}

#[test]
fn a_held_status_does_not_pass_at_the_total_timeout() {
    let error = run(
        latest(with_clocks(60, None, None)),
        dpl_a(|_| "error", |_| workflow("in-progress", false, &[to_be_retried()])),
    );
    assert_eq!((error.report.verdict, held(&error)), (Verdict::Failed, vec!["error"]));
    assert!(error.report.elapsed >= s(60));

    let active = run(latest(with_clocks(60, None, None)), dpl_a(|_| "active", |_| running("in-progress")));
    assert_eq!((active.report.verdict, active.target().clock()), (Verdict::TimedOut, Some(Clock::Total)));
    assert_eq!(held(&active), ["active"]);
    assert!(active.reason().contains("`active`, but step 1 of 1, deploy, is `in-progress`"), "{}", active.reason());
}

#[test]
fn pass_on_and_fail_on_are_not_held() {
    let rules = nuon_gate_core::Rules::new(vec![], vec!["error".into()], vec![]).unwrap();
    let server = dpl_a(|_| "error", |_| workflow("in-progress", false, &[to_be_retried()]));
    let run = run(latest(WatchSettings { rules, ..settings() }), server);
    assert_eq!((run.report.verdict, held(&run)), (Verdict::Failed, vec![]));
    assert!(run.report.elapsed < s(1));
}

#[test]
fn a_workflow_with_fewer_steps_than_before_proves_nothing() {
    let flow = |now: Duration| {
        let plan = step("plan", "approved", "dplA");
        match now.as_secs() {
            20..60 => workflow("in-progress", false, &[plan]),
            0..90 => workflow("in-progress", false, &[plan, step("apply", "in-progress", "dplA")]),
            _ => workflow("error", true, &[plan, step("apply", "error", "dplA")]),
        }
    };
    let run = run(latest(settings()), dpl_a(|_| "active", flow));
    assert_eq!(run.report.verdict, Verdict::Failed, "{}", run.reason());
    assert!(run.report.elapsed > s(90), "{:?}", run.report.elapsed);
}
