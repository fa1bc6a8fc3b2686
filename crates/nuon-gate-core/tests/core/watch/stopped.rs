//! What is cancelled follows from what stopped the wait, not from the verdict.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::conclude::CancelOn;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::{Report, Words};
use nuon_gate_core::watch::{Clocks, Scope, Watch, WatchSettings};
use nuon_gate_core::{Line, Signal, Verdict};
use serde_json::{Value, json};

use super::branch::{deploy as of_branch, release, wait_for, workflow as of_install};
use super::discovery::{flowing, of_workflow};
use crate::cancel::{Cancelled, INTERRUPT, TIMEOUT, accepted, cancelled};
use crate::virtual_time::{
    self, Body, Driver, STARTED_AT, component, deploy, exists, latest, list, ms, none, row, s, settings, soon, step,
    watch, with, workflow,
};

const FAIL_FAST: CancelOn = CancelOn { timeout: false, interrupt: false, fail_fast: true };

fn clocks(change: impl FnOnce(&mut Clocks)) -> WatchSettings {
    let mut clocks = Clocks { total: s(600), start: None, stall: None, approval: None, queue: None, outage: None };
    change(&mut clocks);
    WatchSettings { clocks, ..settings() }
}

fn sixty_seconds() -> WatchSettings {
    clocks(|clocks| clocks.total = s(60))
}

/// A server with one deploy whose workflow depends on the time.
fn one(status: &'static str, flow: fn(Duration) -> Body) -> impl Fn(Duration, &Request) -> virtual_time::Scripted {
    let own = move || with(row("dpl0", status), json!({"workflow_id": "inw1"}));
    move |now, request| {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own()),
            Request::Deploys(..) => list(&[own()]),
            Request::Workflow(..) => flow(now),
            other => exists(other),
        })
    }
}

fn retrying(_: Duration) -> Body {
    workflow("in-progress", false, &[step("api", "in-progress", "dpl0")])
}

/// Cancels where the workflow then ends so.
async fn ended(report: Report, on: CancelOn, word: &'static str) -> Cancelled {
    let flow = move |now| workflow(if now < s(2) { "in-progress" } else { word }, false, &[]);
    cancelled(report, on, accepted, |_| "error", flow).await
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_can_retry_a_failed_deploy_is_cancelled() {
    let timed_out = |settings| virtual_time::run(latest(settings), one("error", retrying)).report;
    let total = timed_out(sixty_seconds());
    let stalled = timed_out(clocks(|clocks| clocks.stall = Some(s(60))));
    let interrupted =
        Driver::signalled(s(30), Signal::Interrupt).run(latest(sixty_seconds()), one("error", retrying)).report;
    assert_eq!(
        (total.verdict, stalled.verdict),
        (Verdict::Failed, Verdict::Failed),
        "as a deploy in `error` has failed"
    );
    for (report, on, posts) in [
        (&total, TIMEOUT, 1),
        (&stalled, TIMEOUT, 1),
        (&interrupted, INTERRUPT, 1),
        (&total, INTERRUPT, 0),
        (&total, FAIL_FAST, 0),
        (&interrupted, TIMEOUT, 0),
    ] {
        let done = ended(report.clone(), on, "cancelled").await;
        assert_eq!((done.posts(), done.report.verdict), (posts, report.verdict), "{on:?}");
        if posts > 0 {
            let outcome = done.report.targets[0].cancelled.as_ref().unwrap();
            assert_eq!((outcome.to_string().as_str(), done.took), ("the workflow was cancelled", s(2)));
            assert_eq!(done.report.targets[0].deploy_verdict(), Some(Verdict::Failed));
        }
    }
    assert!(ended(total, TIMEOUT, "cancelled").await.reason().ends_with("; the workflow was cancelled"));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_failed_while_the_api_was_silent_is_not_cancelled() {
    let server = |now: Duration, request: &Request| match now < s(20) {
        true => one("error", retrying)(now, request),
        false => soon(virtual_time::broken()),
    };
    let report = virtual_time::run(latest(clocks(|clocks| clocks.outage = Some(s(60)))), server).report;
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(ended(report, TIMEOUT, "cancelled").await.posts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_has_ended_is_not_cancelled() {
    // The deploy does not say so yet, and is given a moment.
    let flow = |now: Duration| if now < s(45) { retrying(now) } else { workflow("error", true, &[]) };
    let report = virtual_time::run(latest(sixty_seconds()), one("executing", flow)).report;
    assert_eq!(report.verdict, Verdict::TimedOut);
    assert_eq!(ended(report, TIMEOUT, "error").await.posts(), 0);

    // One that waits for a retry has not.
    let flow = |now: Duration| if now < s(45) { retrying(now) } else { workflow("failed-pending-retry", false, &[]) };
    let report = virtual_time::run(latest(sixty_seconds()), one("executing", flow)).report;
    assert_eq!(ended(report, TIMEOUT, "error").await.posts(), 1);
}

/// The first of its deploys has failed for good, and others are to come.
#[tokio::test(start_paused = true)]
async fn a_workflow_with_a_failed_deploy_is_cancelled_as_a_whole() {
    let flow = |_| ("in-progress", false, vec![step("a", "error", "dplA"), step("b", "pending", "")]);
    let report = virtual_time::run(of_workflow(sixty_seconds()), flowing(flow, |_, _| "error")).report;
    assert_eq!((report.verdict, report.targets[0].clock()), (Verdict::Failed, None));
    assert!(report.elapsed >= s(60));
    for (on, posts) in [(TIMEOUT, 1), (INTERRUPT, 0), (FAIL_FAST, 0)] {
        assert_eq!(ended(report.clone(), on, "cancelled").await.posts(), posts, "{on:?}");
    }
    let signalled = Driver::signalled(s(30), Signal::Interrupt);
    let interrupted = signalled.run(of_workflow(sixty_seconds()), flowing(flow, |_, _| "error")).report;
    for (report, on) in [(report, TIMEOUT), (interrupted, INTERRUPT)] {
        let done = ended(report, on, "cancelled").await;
        let reason = Words::default().run_reason(&done.report);
        let reason = reason.as_ref().map(Line::plain).unwrap();
        assert!(reason.ends_with("; workflow inw1: the workflow was cancelled"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_with_a_failed_install_is_cancelled_as_a_whole() {
    let released = |settings| {
        let run = wait_for("shop/main", settings, |shop, _| {
            shop.runs = vec![release("run1", "running", 0)];
            let member = |name: &str, status: &str| super::branch::member(name, status, &format!("inw{name}"));
            let installs = [member("one", "failed"), member("two", "running")];
            shop.groups = [("run1", vec![super::branch::group("run1", "canary", "running", &installs)])].into();
            shop.workflows.insert("inwone", of_install("inwone", "one", "error", "dplone"));
            shop.workflows.insert("inwtwo", of_install("inwtwo", "two", "in-progress", "dpltwo"));
            shop.deploys.insert("dplone", of_branch("dplone", "one", "error", "inwone", 0));
            shop.deploys.insert("dpltwo", of_branch("dpltwo", "two", "executing", "inwtwo", 0));
        });
        run.report
    };
    let report = released(sixty_seconds());
    assert_eq!((report.verdict, report.targets.len()), (Verdict::Failed, 2));
    let done = ended(report, TIMEOUT, "cancelled").await;
    assert_eq!(done.reported, ["inwrun1", "inwtwo"]);

    let stopped = released(WatchSettings { fail_fast: true, ..sixty_seconds() });
    assert!(stopped.elapsed < s(60));
    for (on, posts) in [(FAIL_FAST, 2), (TIMEOUT, 0)] {
        assert_eq!(ended(stopped.clone(), on, "cancelled").await.posts(), posts, "{on:?}");
    }
}

/// The last poll at the deadline shows that one has failed, so the other is not polled to its end.
#[tokio::test(start_paused = true)]
async fn what_the_last_poll_stops_is_stopped_by_the_clock_too() {
    let own = |index: usize, word: &str| {
        with(row(&format!("dpl{index}"), word), json!({"workflow_id": format!("inw{index}")}))
    };
    let server = move |now: Duration, request: &Request| {
        let Some(index) = component(request) else { return soon(none()) };
        let row = own(index, if index == 0 && now >= s(60) { "cancelled" } else { "executing" });
        let latency = if index == 0 { ms(50) } else { s(20) };
        let latency = if now >= s(60) { latency } else { ms(50) };
        virtual_time::after(
            latency,
            match request {
                Request::Deploys(..) => list(&[row]),
                _ => deploy(&row),
            },
        )
    };
    let report =
        virtual_time::run(watch(WatchSettings { fail_fast: true, ..sixty_seconds() }, 2, Pins::default()), server)
            .report;
    let verdicts: Vec<Verdict> = report.targets.iter().map(|target| target.verdict).collect();
    assert_eq!(verdicts, [Verdict::Cancelled, Verdict::Pending]);
    for (on, posts) in [(TIMEOUT, 1), (FAIL_FAST, 1), (INTERRUPT, 0)] {
        assert_eq!(ended(report.clone(), on, "cancelled").await.posts(), posts, "{on:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_turned_out_to_be_another_installs_is_not_cancelled() {
    let flow: Value =
        json!({"id": "inw1", "owner_id": "inl2", "owner_name": "other", "status": {"status": "in-progress"}});
    let scope = Scope::Workflow("inw1".parse().unwrap(), vec!["acme".parse().unwrap()]);
    let started = Timestamp::from_second(STARTED_AT).unwrap();
    let of_other = Watch::new(sixty_seconds(), scope, Pins::default(), started).unwrap();
    let signalled = Driver::signalled(ms(1), Signal::Interrupt);
    let report = signalled.run(of_other, |_, _| soon(Body::Exactly(flow.clone()))).report;
    assert!(matches!(report.verdict, Verdict::Interrupted(_)));
    assert_eq!(ended(report, INTERRUPT, "cancelled").await.posts(), 0);
}
