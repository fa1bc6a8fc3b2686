//! What one answer, or a few, made the watch believe is reconsidered when later answers say otherwise.

use std::time::Duration;

use nuon_gate_core::api::{Depth, Request};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Clocks, EventKind, Mode, OnStale, OnSuperseded, WatchSettings};
use nuon_gate_core::{Kind, Verdict};
use serde_json::{Value, json};

use super::discovery::{flowing, of_workflow};
use crate::virtual_time::{
    Body, Driver, Scripted, created, deploy, exists, latest, list, none, pinned, row, run, s, settings, soon, status,
    step, watch, with, workflow,
};

/// The deploy, which runs until a time.
fn own(now: Duration, until: u64) -> Value {
    let word = if now < s(until) { "executing" } else { "active" };
    created(with(row("dpl0", word), json!({ "workflow_id": "inw1" })), 0)
}

/// Its workflow, which runs until a time.
fn running(now: Duration, until: u64) -> Body {
    match now < s(until) {
        true => workflow("in-progress", false, &[step("a", "in-progress", "dpl0")]),
        false => workflow("success", true, &[step("a", "success", "dpl0")]),
    }
}

#[test]
fn a_deploy_that_discovery_has_read_exists() {
    let flow = |_: Duration| ("in-progress", false, vec![step("a", "in-progress", "dplA")]);
    let mut flowing = flowing(flow, |_, _| "executing");
    let clocks = Clocks { total: s(60), ..settings().clocks };
    let run = run(of_workflow(WatchSettings { clocks, ..settings() }), move |now, request| match request {
        Request::Deploy(_, Some(_), _) if now < s(15) => soon(status(404)),
        _ => flowing(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut, "{:?}", run.run_reason());
}

#[test]
fn a_pinned_workflow_that_has_answered_is_not_another_installs() {
    let pins = Pins { workflow: Some("inw1".parse().unwrap()), ..Pins::default() };
    let run = run(watch(settings(), 1, pins), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(30) => none(),
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own(now, 60)),
            Request::Deploys(..) => list(&[own(now, 60)]),
            Request::Workflow(..) if now > s(8) && now < s(16) => Body::Json(json!({
                "id": "inw1", "owner_id": "inl-other", "status": { "status": "in-progress" }, "steps": [],
            })),
            Request::Workflow(..) if now < s(30) => workflow("in-progress", false, &[]),
            Request::Workflow(..) => running(now, 60),
            _ => exists(request),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}

/// The first answer about the deploy names another workflow.
#[test]
fn a_workflow_that_the_detail_does_not_name_is_not_the_deploys() {
    let run = run(latest(settings()), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(1) => deploy(&with(own(now, 30), json!({ "workflow_id": "inw7" }))),
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own(now, 30)),
            Request::Deploys(..) => list(&[own(now, 30)]),
            Request::Workflow(_, id) if id.as_str() == "inw7" => none(),
            Request::Workflow(..) => running(now, 30),
            _ => exists(request),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}

/// A deploy that has ended, with so many plans made since.
fn drifting(scans: usize) -> impl FnMut(Duration, &Request) -> Scripted {
    let own = || created(with(row("dpl0", "active"), json!({ "workflow_id": "inw1" })), -10_000);
    let scan = |at: usize| {
        let scan = with(row(&format!("dpl9{at}"), "no-drift"), json!({ "workflow_id": format!("inw9{at}") }));
        created(scan, i64::try_from(at).unwrap() - 9_000)
    };
    let nothing = || Body::Exactly(json!({ "install_id": "", "plan_only": false }));
    move |_, request| {
        soon(match request {
            Request::LatestDeploy(_, _, Depth::Usual) if scans >= 10 => nothing(),
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own()),
            Request::Deploys(..) => list(&(0..scans).rev().map(scan).chain([own()]).collect::<Vec<_>>()),
            Request::Workflow(_, id) if id.as_str() == "inw1" => {
                workflow("success", true, &[with(step("a", "success", "dpl0"), json!({ "finished": true }))])
            }
            Request::Workflow(..) => {
                Body::Json(json!({ "plan_only": true, "status": { "status": "success" }, "finished": true }))
            }
            _ => exists(request),
        })
    }
}

#[test]
fn a_deploy_behind_many_plans_is_searched_for_again() {
    let mut drift = drifting(12);
    let run = run(latest(settings()), move |now, request| match request {
        Request::LatestDeploy(_, _, Depth::Page) if now < s(1) => soon(none()),
        _ => drift(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}

#[test]
fn however_many_plans_are_newer_the_deploy_is_judged() {
    let fail = WatchSettings { on_superseded: Some(OnSuperseded::Fail), ..settings() };
    for scans in [3, 10, 12, 30] {
        for mode in [Mode::Wait, Mode::Once] {
            let settings = WatchSettings { mode, ..fail.clone() };
            assert_eq!(
                run(pinned(settings, "dpl0"), drifting(scans)).report.verdict,
                Verdict::Passed,
                "{scans} {mode:?}"
            );
        }
        // Their workflows do not exist.
        let mut drift = drifting(scans);
        let alone = run(pinned(fail.clone(), "dpl0"), move |now, request| match request {
            Request::Workflow(..) => soon(status(404)),
            _ => drift(now, request),
        });
        assert_eq!(alone.report.verdict, Verdict::Passed, "{scans}: {:?}", alone.run_reason());
    }
}

/// The newest deploy is an old teardown, and an apply is expected.
#[test]
fn what_had_ended_before_need_not_be_of_the_expected_kind() {
    let outcome = |on_stale| {
        let settings = WatchSettings { on_stale, expect: Some(Kind::Apply), ..settings() };
        let driver = Driver { says_time: true, ..Driver::default() };
        driver.run(latest(settings), |now, request| {
            let old = with(
                row("dpl-old", "inactive"),
                json!({
                    "install_deploy_type": "teardown", "workflow_id": "inw0", "updated_at": "2027-01-15T07:00:00Z",
                }),
            );
            let (old, new) = (created(old, -7200), created(own(now, 60), 20));
            let is_there = now >= s(20);
            soon(match request {
                Request::LatestDeploy(..) => deploy(if is_there { &new } else { &old }),
                Request::Deploys(..) => list(&if is_there { vec![new, old] } else { vec![old] }),
                Request::Deploy(_, _, id) => deploy(if id.as_str() == "dpl0" { &new } else { &old }),
                Request::Workflow(_, id) if id.as_str() == "inw0" => {
                    workflow("success", true, &[step("a", "success", "dpl-old")])
                }
                Request::Workflow(..) => running(now, 60),
                _ => exists(request),
            })
        })
    };
    let (waits, judges) = (outcome(OnStale::Wait), outcome(OnStale::Accept));
    assert_eq!((waits.report.verdict, waits.deploy_id()), (Verdict::Passed, "dpl0"), "{:?}", waits.run_reason());
    assert_eq!(judges.report.verdict, Verdict::Failed);
}

/// The newest row of the first answers is another install's: the install has no such deploy.
#[test]
fn a_deploy_that_the_install_does_not_have_is_not_waited_for() {
    let run = run(latest(settings()), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(50) => deploy(&row("dplTheirs", "cancelled")),
            Request::LatestDeploy(..) => deploy(&own(now, 90)),
            Request::Deploys(..) => list(&[]),
            Request::Deploy(_, _, id) if id.as_str() == "dpl0" => deploy(&own(now, 90)),
            Request::Workflow(..) => running(now, 90),
            _ => none(),
        })
    });
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl0"), "{:?}", run.run_reason());
}

/// The workflow says once that it only makes plans.
#[test]
fn a_workflow_that_deploys_makes_more_than_plans_later_too() {
    for odd in [2, 3] {
        let mut answers = 0;
        let run = run(latest(settings()), move |now, request| {
            let old = with(created(row("dplOld", "active"), -1000), json!({ "workflow_id": "inw2" }));
            soon(match request {
                Request::Deploy(_, _, id) if id.as_str() == "dplOld" => deploy(&old),
                Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own(now, 90)),
                Request::Deploys(..) => list(&[own(now, 90), old]),
                Request::Workflow(_, id) if id.as_str() == "inw1" => {
                    answers += 1;
                    let Body::Json(body) = running(now, 90) else { panic!() };
                    Body::Json(with(body, json!({ "plan_only": answers == odd })))
                }
                Request::Workflow(..) => workflow("success", true, &[step("a", "success", "dplOld")]),
                _ => exists(request),
            })
        });
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl0"), "{odd}");
    }
}

/// The server goes on to show it as the newest.
#[test]
fn no_older_deploy_takes_the_place_of_one_whose_detail_is_missing() {
    let old = || with(created(row("dplOld", "active"), -1000), json!({ "workflow_id": "inw1" }));
    let newest = || created(row("dplNewest", "executing"), -10);
    let clocks = Clocks { total: s(120), ..settings().clocks };
    let run = run(latest(WatchSettings { clocks, ..settings() }), |_, request| {
        soon(match request {
            Request::LatestDeploy(..) => deploy(&newest()),
            Request::Deploys(..) => list(&[newest(), old()]),
            Request::Deploy(_, _, id) if id.as_str() == "dplOld" => deploy(&old()),
            Request::Workflow(..) => workflow("success", true, &[step("a", "success", "dplOld")]),
            _ => none(),
        })
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut);
}

/// The first answer names the workflow that is pinned, the deploy's detail another, and later answers none.
#[test]
fn a_deploy_of_another_workflow_than_the_pinned_one_does_not_pass() {
    let pins = Pins { workflow: Some("inw1".parse().unwrap()), ..Pins::default() };
    let clocks = Clocks { total: s(120), ..settings().clocks };
    let run = run(watch(WatchSettings { clocks, ..settings() }, 1, pins), |now, request| {
        let named = |workflow: &str| with(row("dpl0", "active"), json!({ "workflow_id": workflow }));
        soon(match request {
            Request::LatestDeploy(..) if now < s(1) => deploy(&named("inw1")),
            Request::Deploy(..) if now < s(3) => deploy(&named("inw7")),
            Request::Deploys(..) => list(&[row("dpl0", "active")]),
            Request::Workflow(..) => workflow("success", true, &[step("a", "success", "dpl0")]),
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&row("dpl0", "active")),
            _ => exists(request),
        })
    });
    assert_ne!(run.report.verdict, Verdict::Passed);
}

/// The answer about the newest deploy names it, and its own detail is missing.
#[test]
fn a_deploy_whose_detail_is_missing_for_a_while_is_still_the_one() {
    // From when to when it is missing: from the start, or once it has been read.
    for missing in [0..28, 4..90] {
        let run = run(latest(settings()), |now, request| {
            soon(match request {
                Request::Deploy(..) if missing.contains(&now.as_secs()) => status(404),
                Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own(now, 100)),
                Request::Deploys(..) => list(&[own(now, 100)]),
                Request::Workflow(..) => running(now, 100),
                _ => exists(request),
            })
        });
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl0"), "{missing:?}");
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Found { .. })), 1, "{missing:?}");
    }
}

#[test]
fn an_unknown_deploy_is_rejected_however_rarely_it_is_polled() {
    let intervals = Intervals::new(s(40), s(40)).unwrap();
    let settings = WatchSettings { intervals, ..settings() };
    let run =
        run(watch(settings, 1, Pins { deploy: Some("dpl0".parse().unwrap()), ..Pins::default() }), |_, request| {
            soon(match request {
                Request::Deploy(..) => status(404),
                _ => exists(request),
            })
        });
    assert_eq!(run.report.verdict, Verdict::Rejected, "{:?}", run.run_reason());
}
