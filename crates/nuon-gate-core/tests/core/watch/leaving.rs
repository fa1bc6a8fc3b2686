//! When a workflow is no longer followed, in virtual time.

use std::time::Duration;

use super::discovery::{flowing, of_workflow, verdicts};
use crate::virtual_time::{run, s, settings, step, with};
use nuon_gate_core::watch::{Clocks, OnApproval, WatchSettings};
use nuon_gate_core::{Require, Verdict};
use serde_json::json;

#[test]
fn a_success_of_the_workflow_is_read_once_more_after_the_settle_time() {
    let settled = |later: &'static str| {
        let flow = move |now: Duration| {
            let (word, ended) = if now < s(5) { ("success", true) } else { (later, later != "in-progress") };
            (word, ended, vec![step("a", "success", "dplA")])
        };
        run(of_workflow(WatchSettings { settle: s(20), ..settings() }), flowing(flow, |_, _| "active")).report
    };
    for (later, verdict) in [
        ("success", Verdict::Passed),
        ("error", Verdict::Failed),
        ("cancelled", Verdict::Cancelled),
        ("in-progress", Verdict::TimedOut),
    ] {
        let report = settled(later);
        assert_eq!(report.verdict, verdict, "{later}");
        assert!(verdict != Verdict::Passed || report.elapsed >= s(20), "{:?}", report.elapsed);
    }
}

#[test]
fn a_workflow_is_left_if_a_flag_ends_its_only_deploy_while_a_human_is_asked() {
    let clocks = Clocks { approval: Some(s(60)), ..settings().clocks };
    for (on_approval, clocks, verdict) in [
        (OnApproval::Fail, settings().clocks, Verdict::ApprovalNeeded),
        (OnApproval::Wait, clocks, Verdict::ApprovalNeeded),
        (OnApproval::Pass, settings().clocks, Verdict::Passed),
    ] {
        let flow = |_: Duration| {
            let waits = with(step("a", "approval-awaiting", "dplA"), json!({"approval": {"id": "waa1"}}));
            ("in-progress", false, vec![waits, step("b", "pending", "")])
        };
        let settings = WatchSettings { on_approval, clocks, ..settings() };
        let report = run(of_workflow(settings), flowing(flow, |_, _| "pending-approval")).report;
        assert_eq!(report.verdict, verdict);
        assert!(report.elapsed < s(120), "{on_approval:?}: {:?}", report.elapsed);
    }
}

#[test]
fn a_workflow_with_another_deploy_at_work_is_not_left() {
    let flow = |now: Duration| {
        let waits = with(step("a", "approval-awaiting", "dplA"), json!({"approval": {"id": "waa1"}}));
        let word = if now < s(300) { "in-progress" } else { "success" };
        ("in-progress", false, vec![waits, step("b", word, "dplB")])
    };
    let word = |now: Duration, id: &str| match id {
        "dplA" => "pending-approval",
        _ if now < s(300) => "executing",
        _ => "active",
    };
    let settings = WatchSettings { on_approval: OnApproval::Pass, ..settings() };
    let run = run(of_workflow(settings), flowing(flow, word));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed; 2]));
    assert!(run.report.elapsed >= s(300), "{:?}", run.report.elapsed);
}

/// Enough targets have passed, and a flag ended another one. The workflow fails later.
#[test]
fn a_workflow_that_may_still_fail_is_not_left() {
    let flow = |now: Duration| {
        let asked = with(step("b", "approval-awaiting", "dplB"), json!({"approval": {"id": "waa1"}}));
        let (word, ended) = if now < s(300) { ("in-progress", false) } else { ("error", true) };
        (word, ended, vec![step("a", "success", "dplA"), asked, step("tests", "pending", "")])
    };
    let word = |_: Duration, id: &str| if id == "dplA" { "active" } else { "pending-approval" };
    for on_approval in [OnApproval::Fail, OnApproval::Wait] {
        let clocks = Clocks { approval: Some(s(60)), ..settings().clocks };
        let settings = WatchSettings { require: Require::Any, on_approval, clocks, ..settings() };
        let run = run(of_workflow(settings), flowing(flow, word));
        assert_eq!((run.report.verdict, run.report.targets[0].verdict), (Verdict::Failed, Verdict::Passed));
        assert!(run.report.elapsed >= s(300), "{on_approval:?}: {:?}", run.report.elapsed);
    }
}

#[test]
fn a_step_that_failed_is_no_reason_to_pass_while_a_human_is_asked() {
    let flow = |_: Duration| {
        let asked = with(step("a", "approval-awaiting", "dplA"), json!({"approval": {"id": "waa1"}}));
        ("in-progress", false, vec![step("sandbox", "error", ""), asked])
    };
    let settings = WatchSettings { on_approval: OnApproval::Pass, ..settings() };
    let run = run(of_workflow(settings), flowing(flow, |_, _| "pending-approval"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::TimedOut, vec![Verdict::Passed]));
}

#[test]
fn a_success_that_the_last_poll_shows_first_has_not_lasted() {
    let flow = |now: Duration| {
        let (word, ended) = if now < s(59) { ("in-progress", false) } else { ("success", true) };
        (word, ended, vec![step("a", "success", "dplA")])
    };
    for (settle, verdict) in [(s(0), Verdict::Passed), (s(20), Verdict::TimedOut)] {
        let clocks = Clocks { total: s(60), ..settings().clocks };
        let run = run(of_workflow(WatchSettings { settle, clocks, ..settings() }), flowing(flow, |_, _| "active"));
        assert_eq!((run.report.verdict, verdicts(&run)), (verdict, vec![Verdict::Passed]), "{settle:?}");
    }
}
