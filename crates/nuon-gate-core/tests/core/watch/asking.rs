//! A human who is asked by the workflow that is waited for as a whole, in virtual time.

use std::time::Duration;

use super::discovery::{flowing, of_workflow, verdicts};
use crate::virtual_time::{Body, Run, created, deploy, row, run, s, settings, soon, step, with};
use nuon_gate_core::api::Request;
use nuon_gate_core::cause::Cause;
use nuon_gate_core::watch::{Clocks, EventKind, Mode, OnApproval, WatchSettings};
use nuon_gate_core::{ApprovalId, Line, Verdict};
use serde_json::{Value, json};

/// A step that works on the sandbox.
fn sandbox(name: &str, word: &str) -> Value {
    with(step(name, word, "sbr1"), json!({ "step_target_type": "install_sandbox_runs" }))
}

fn asking(name: &str) -> Value {
    with(sandbox(name, "approval-awaiting"), json!({ "approval": { "id": "waa1" } }))
}

fn going(steps: Vec<Value>) -> (&'static str, bool, Vec<Value>) {
    ("in-progress", false, steps)
}

/// The workflow asks about the sandbox's plan until this many seconds, and deploys then.
fn until(seconds: u64) -> impl Fn(Duration) -> (&'static str, bool, Vec<Value>) {
    move |now| match now < s(seconds) {
        true => going(vec![asking("plan sandbox"), step("a", "pending", "dplA")]),
        false => ("success", true, vec![sandbox("plan sandbox", "approved"), step("a", "success", "dplA")]),
    }
}

fn with_policy(on_approval: OnApproval, approval: Option<u64>) -> WatchSettings {
    let clocks = Clocks { approval: approval.map(s), ..settings().clocks };
    WatchSettings { on_approval, clocks, ..settings() }
}

/// The steps that were reported, with their targets.
fn reported(run: &Run) -> Vec<(Option<usize>, Option<&str>)> {
    let asked = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::ApprovalNeeded { target, step, .. } => Some((*target, step.as_ref().map(Line::plain))),
        _ => None,
    });
    asked.collect()
}

const SANDBOX: (Option<usize>, Option<&str>) = (None, Some("plan sandbox"));

#[test]
fn policies_and_the_approval_timeout_count_for_a_step_about_no_deploy() {
    use OnApproval::{Fail, Pass, Wait};
    for (on_approval, clock, answered_at, verdict, ends) in [
        (Fail, None, 9000, Verdict::ApprovalNeeded, 1..20),
        (Fail, Some(60), 9000, Verdict::ApprovalNeeded, 1..20),
        (Wait, Some(60), 9000, Verdict::ApprovalNeeded, 60..62),
        (Pass, Some(60), 9000, Verdict::ApprovalNeeded, 60..62),
        (Wait, None, 9000, Verdict::TimedOut, 3600..3602),
        // Nothing is deployed yet that could pass.
        (Pass, None, 9000, Verdict::TimedOut, 3600..3602),
        (Wait, Some(60), 50, Verdict::Passed, 50..70),
        (Pass, Some(60), 50, Verdict::Passed, 50..70),
    ] {
        let server = flowing(until(answered_at), move |now, _| if now < s(answered_at) { "queued" } else { "active" });
        let run = run(of_workflow(with_policy(on_approval, clock)), server);
        let case = format!("{on_approval:?}, {clock:?}, {answered_at}");
        assert_eq!(run.report.verdict, verdict, "{case}: {:?}", run.run_reason());
        // The deploy is a target, which cannot begin before.
        assert_eq!(verdicts(&run), [verdict], "{case}");
        assert!(ends.contains(&run.report.elapsed.as_secs()), "{case}: {:?}", run.report.elapsed);
        assert_eq!(reported(&run), [SANDBOX], "{case}");
    }
}

#[test]
fn before_the_first_deploy_it_ends_at_once() {
    let ask = |_: Duration| going(vec![asking("plan sandbox"), step("a", "pending", "")]);
    for (on_approval, clock, ends) in [(OnApproval::Fail, None, 1..20), (OnApproval::Wait, Some(60), 60..62)] {
        let run = run(of_workflow(with_policy(on_approval, clock)), flowing(ask, |_, _| "queued"));
        assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::ApprovalNeeded, vec![]));
        assert!(ends.contains(&run.report.elapsed.as_secs()), "{on_approval:?}: {:?}", run.report.elapsed);
        assert_eq!(reported(&run), [SANDBOX]);
        let reason = run.run_reason().unwrap();
        let said = match &run.report.run_cause {
            Some(Cause::WorkflowApproval { place, .. }) => {
                assert_eq!(place.approval.as_ref().map(ApprovalId::as_str), Some("waa1"));
                "a human is asked to approve before workflow inw1 goes on: plan sandbox"
            }
            _ => "the approval timeout of 1m expired without an answer",
        };
        assert!(reason.plain().starts_with(said), "{}", reason.plain());
    }
}

/// The deploy of b goes on beside the question, so its end counts.
#[test]
fn a_deploy_that_goes_on_beside_the_question_is_waited_for() {
    for (word, verdict) in [("active", Verdict::ApprovalNeeded), ("error", Verdict::Failed)] {
        let flow = move |now: Duration| {
            let b = if now < s(300) { "in-progress" } else { "success" };
            let b = if now >= s(300) && word == "error" { "error" } else { b };
            going(vec![asking("plan sandbox"), step("a", "pending", "dplA"), step("b", b, "dplB")])
        };
        let status = move |now: Duration, id: &str| match id {
            "dplA" => "queued",
            _ if now < s(300) => "executing",
            _ => word,
        };
        let run = run(of_workflow(with_policy(OnApproval::Fail, None)), flowing(flow, status));
        let of_b = if word == "active" { Verdict::Passed } else { Verdict::Failed };
        assert_eq!((run.report.verdict, verdicts(&run)), (verdict, vec![Verdict::ApprovalNeeded, of_b]));
        assert!((s(300)..s(320)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
    }
}

#[test]
fn one_poll_alone_shows_nothing_unless_there_is_only_one() {
    // Seen once, then answered.
    let briefly = |now: Duration| match now < s(1) {
        true => going(vec![asking("plan sandbox")]),
        false => ("success", true, vec![sandbox("plan sandbox", "approved"), step("a", "success", "dplA")]),
    };
    let passed = run(of_workflow(with_policy(OnApproval::Fail, Some(60))), flowing(briefly, |_, _| "active"));
    assert_eq!((passed.report.verdict, reported(&passed)), (Verdict::Passed, vec![]));

    for (on_approval, verdict) in [(OnApproval::Fail, Verdict::ApprovalNeeded), (OnApproval::Wait, Verdict::Pending)] {
        let settings = WatchSettings { mode: Mode::Once, ..with_policy(on_approval, None) };
        let once = run(of_workflow(settings), flowing(until(9000), |_, _| "queued"));
        assert_eq!((once.report.verdict, reported(&once)), (verdict, vec![SANDBOX]));
    }
}

#[test]
fn each_question_is_reported_and_timed_anew() {
    let flow = |now: Duration| match now.as_secs() {
        0..50 => going(vec![asking("plan sandbox")]),
        50..70 => going(vec![sandbox("plan sandbox", "approved"), sandbox("apply sandbox", "in-progress")]),
        70..120 => going(vec![sandbox("plan sandbox", "approved"), asking("plan stack")]),
        120..170 => going(vec![sandbox("plan sandbox", "approved"), asking("plan dns")]),
        _ => ("success", true, vec![sandbox("plan sandbox", "approved"), step("a", "success", "dplA")]),
    };
    let run = run(of_workflow(with_policy(OnApproval::Wait, Some(60))), flowing(flow, |_, _| "active"));
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    assert_eq!(reported(&run), [SANDBOX, (None, Some("plan stack")), (None, Some("plan dns"))]);
}

#[test]
fn a_step_that_was_answered_or_repeated_asks_nothing() {
    for answer in [json!({ "approval": { "response": { "type": "approve" } } }), json!({ "retried": true })] {
        let flow = |now: Duration| match now < s(60) {
            true => going(vec![with(asking("plan sandbox"), answer.clone()), sandbox("apply sandbox", "in-progress")]),
            false => ("success", true, vec![sandbox("apply sandbox", "success"), step("a", "success", "dplA")]),
        };
        let run = run(of_workflow(with_policy(OnApproval::Fail, None)), flowing(flow, |_, _| "active"));
        assert_eq!((run.report.verdict, reported(&run)), (Verdict::Passed, vec![]), "{answer}");
    }
}

#[test]
fn a_step_about_a_deploy_is_its_targets_matter_alone() {
    let ask = |_: Duration| {
        let own = with(step("a", "approval-awaiting", "dplA"), json!({ "approval": { "id": "waa1" } }));
        going(vec![own])
    };
    let run = run(of_workflow(with_policy(OnApproval::Fail, None)), flowing(ask, |_, _| "pending-approval"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::ApprovalNeeded, vec![Verdict::ApprovalNeeded]));
    assert_eq!((reported(&run), run.report.run_cause.is_none()), (vec![(Some(0), None)], true));
}

#[test]
fn a_step_about_a_deploy_that_cannot_be_waited_for_is_no_targets_matter() {
    let ask = |_: Duration| going(vec![with(step("recover", "approval-awaiting", "dplA"), json!({}))]);
    let mut server = flowing(ask, |_, _| "pending-approval");
    let recovery = json!({ "component_id": "cmpA", "workflow_id": "inw1", "install_deploy_type": "recover" });
    let recovery = with(created(row("dplA", "pending-approval"), 0), recovery);
    let run = run(of_workflow(with_policy(OnApproval::Fail, None)), move |now, request| match request {
        Request::Deploy(..) => soon(deploy(&recovery)),
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, reported(&run)), (Verdict::ApprovalNeeded, vec![(None, Some("recover"))]));
}

#[test]
fn a_flag_that_passes_on_a_plan_answers_nothing_else() {
    // A plan passes by the flag, but the sandbox's goes on asking.
    let ask = |_: Duration| {
        let own = with(step("a", "approval-awaiting", "dplA"), json!({ "approval": { "id": "waa2" } }));
        going(vec![asking("plan sandbox"), own])
    };
    let run = run(of_workflow(with_policy(OnApproval::Pass, None)), flowing(ask, |_, _| "pending-approval"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::TimedOut, vec![Verdict::Passed]));
}

#[test]
fn the_page_is_linked_and_a_dashboard_that_is_no_answer_is_done_without() {
    let page = "https://app.nuon.example/org1/installs/inl1/workflows/inw1?panel=iws-plan-sandbox";
    for (answers, expected) in [(true, Some(page)), (false, None)] {
        let ask = |_: Duration| going(vec![with(asking("plan-sandbox"), json!({}))]);
        let mut server = flowing(ask, |_, _| "queued");
        let settings = WatchSettings { org: "org1".parse().ok(), ..with_policy(OnApproval::Fail, None) };
        let run = run(of_workflow(settings), move |now, request| match request {
            Request::Dashboard(_) if answers => {
                soon(Body::Json(json!({ "dashboard_url": "https://app.nuon.example" })))
            }
            _ => server(now, request),
        });
        let url = run.events.iter().find_map(|event| match &event.kind {
            EventKind::ApprovalNeeded { url, .. } => Some(url.as_ref().map(Line::plain)),
            _ => None,
        });
        assert_eq!((run.report.verdict, url), (Verdict::ApprovalNeeded, Some(expected)));
    }
}
