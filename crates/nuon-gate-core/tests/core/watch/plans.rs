//! The plan that a human is asked to approve, in virtual time: it is reported, and reading it never changes a verdict.

use std::time::Duration;

use crate::virtual_time::{
    Body, Driver, Run, Scripted, after, broken, created, deploy, exists, foreign, hang, latest, list, retry_after, row,
    run, s, settings, soon, status, step, with, workflow,
};
use nuon_gate_core::Verdict;
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, OnApproval, WatchSettings};
use serde_json::json;

/// A human is asked from the start, and approves after a minute.
fn server(plan: impl Fn() -> Scripted) -> impl FnMut(Duration, &Request) -> Scripted {
    let of_workflow = |word| with(created(row("dplA", word), 5), json!({ "workflow_id": "inw1" }));
    move |now, request| {
        let asks = now < s(60);
        let row = of_workflow(if asks { "pending-approval" } else { "active" });
        let asking = with(step("approve", "approval-awaiting", "dplA"), json!({ "approval": { "id": "waa1" } }));
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&row),
            Request::Deploys(..) => list(&[row]),
            Request::Workflow(..) if asks => workflow("in-progress", false, &[asking]),
            Request::Workflow(..) => workflow("success", true, &[step("approve", "success", "dplA")]),
            Request::Plan(..) => return plan(),
            _ => exists(request),
        })
    }
}

fn good() -> Scripted {
    let change = json!({ "address": "aws_vpc.main", "change": { "actions": ["delete"] } });
    soon(Body::Exactly(json!({ "resource_changes": [change] })))
}

/// The reported counts of the plan when a human was asked.
fn reported(run: &Run) -> Vec<Option<u64>> {
    let reported = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::ApprovalNeeded { plan, .. } => Some(plan.as_ref().map(|plan| plan.destroy)),
        _ => None,
    });
    reported.collect()
}

fn asked_for(run: &Run) -> usize {
    run.what().into_iter().filter(|what| *what == "plan").count()
}

/// An outage timeout that expires at any error that counts as an outage.
fn strict() -> WatchSettings {
    let clocks = Clocks { outage: Some(s(1)), ..settings().clocks };
    WatchSettings { clocks, ..settings() }
}

#[test]
fn it_is_read_before_it_is_reported_and_only_once() {
    let read = run(latest(settings()), server(good));
    assert_eq!((read.report.verdict, reported(&read), asked_for(&read)), (Verdict::Passed, vec![Some(1)], 1));
    assert_eq!(read.target().plan.as_ref().unwrap().destroyed[0], "aws_vpc.main", "what was approved is kept");
    let fails = WatchSettings { on_approval: OnApproval::Fail, ..settings() };
    let failed = run(latest(fails), server(good));
    assert_eq!(
        (failed.report.verdict, reported(&failed), asked_for(&failed)),
        (Verdict::ApprovalNeeded, vec![Some(1)], 1)
    );
}

#[test]
fn an_unreadable_plan_is_no_outage_and_is_left_out() {
    type Plan = fn() -> Scripted;
    let bad: [(&str, Plan); 8] = [
        ("hang", hang),
        ("slow", || after(s(20), Body::Exactly(json!({ "resource_changes": [] })))),
        ("none", || soon(status(404))),
        ("denied", || soon(status(403))),
        ("foreign", || soon(foreign(403))),
        ("unwell", || soon(status(500))),
        ("broken", || soon(broken())),
        ("odd", || soon(Body::Exactly(json!({ "installs": [] })))),
    ];
    for (what, plan) in bad {
        let without = run(latest(strict()), server(plan));
        assert_eq!(
            (without.report.verdict, reported(&without), asked_for(&without)),
            (Verdict::Passed, vec![None], 1),
            "{what}"
        );
        let longest = without.asked.iter().filter(|asked| asked.what() == "plan").map(|asked| asked.timeout).max();
        assert!(longest <= Some(s(5)), "{what}: {longest:?}");
    }
    let paused = run(latest(settings()), server(|| soon(retry_after(429, s(30)))));
    assert_eq!((paused.report.verdict, reported(&paused)), (Verdict::Passed, vec![None]));
}

#[test]
fn the_plan_is_not_read_when_the_wait_ends() {
    // Only the last poll makes certain that a human is asked.
    let clocks = Clocks { total: s(10), ..settings().clocks };
    let late =
        run(latest(WatchSettings { clocks, links: true, org: "org1".parse().ok(), ..settings() }), |now, request| {
            let mut server = server(good);
            if now < s(7) { soon(broken()) } else { server(now, request) }
        });
    let optional = ["plan", "earlier", "queue", "dashboard"];
    let asked: Vec<_> = late.what().into_iter().filter(|what| optional.contains(what)).collect();
    assert_eq!((late.report.verdict, asked), (Verdict::TimedOut, Vec::<&str>::new()));
    assert!(!late.target().plan_was_asked_for, "it is read after the end");
    // The same after a signal.
    let driver = Driver::signalled(s(3), nuon_gate_core::Signal::Interrupt);
    let interrupted = driver.run(latest(settings()), |now, request| {
        let mut server = server(good);
        if now < s(3) { soon(broken()) } else { server(now, request) }
    });
    assert_eq!(asked_for(&interrupted), 0);
}

#[test]
fn a_hanging_plan_delays_no_timeout() {
    let total = |seconds| WatchSettings { clocks: Clocks { total: s(seconds), ..settings().clocks }, ..settings() };
    for seconds in 1..12 {
        let with = run(latest(total(seconds)), server(hang));
        let without = run(latest(total(seconds)), server(|| soon(status(404))));
        assert_eq!(with.report.verdict, without.report.verdict, "after {seconds} s");
        assert!(with.report.elapsed < s(seconds) + settings().request_timeout, "{:?}", with.report.elapsed);
        assert_eq!(with.reason().split(':').next(), without.reason().split(':').next(), "after {seconds} s");
    }
}
