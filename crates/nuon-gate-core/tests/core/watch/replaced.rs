//! Replaced rows: which row is followed, and which is not.

use std::time::Duration;

use crate::virtual_time::{
    Run, Scripted, created, deploy, exists, latest, list, none, pinned, row, run, s, serving, settings, soon, step,
    with, workflow,
};
use nuon_gate_core::Verdict;
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::EventKind;
use serde_json::{Value, json};

fn of_workflow(id: &str, status: &str, workflow: &str) -> Value {
    json!({ "id": id, "status": status, "install_deploy_type": "apply", "workflow_id": workflow })
}

/// A server that has one row under its id, dplA's in its list, and perhaps another one as the newest. All but dplA are
/// newer. A workflow is running.
fn two_rows(
    by_id: impl Fn(Duration, &str) -> Value,
    newest: impl Fn(Duration) -> Value,
) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        soon(match request {
            Request::Deploy(_, _, id) => deploy(&aged(by_id(now, id.as_str()))),
            Request::LatestDeploy(..) => deploy(&aged(newest(now))),
            Request::Deploys(..) if newest(now)["id"] == "dplA" => list(&[aged(newest(now))]),
            Request::Deploys(..) => list(&[aged(newest(now)), aged(by_id(now, "dplA"))]),
            Request::Workflow(..) => workflow("in-progress", false, &[step("deploy", "success", "dplB")]),
            _ => none(),
        })
    }
}

fn aged(row: Value) -> Value {
    let second = if row["id"] == "dplA" { -60 } else { -30 };
    let row = if row["workflow_id"].is_null() { with(row, json!({ "workflow_id": "inw1" })) } else { row };
    created(row, second)
}

fn replaced(run: &Run) -> Vec<&str> {
    run.target().replaced.iter().map(nuon_gate_core::DeployId::as_str).collect()
}

#[test]
fn the_successor_is_found_in_the_same_poll_and_followed() {
    for (word, watch) in [("retried", pinned(settings(), "dplA")), ("discarded", latest(settings()))] {
        let a = move |now: Duration| row("dplA", if now < s(10) { "executing" } else { word });
        let run = run(
            watch,
            two_rows(
                move |now, id| {
                    if id == "dplA" { a(now) } else { row("dplB", if now < s(40) { "queued" } else { "active" }) }
                },
                move |now| match now.as_secs() {
                    0..10 => row("dplA", "executing"),
                    10..40 => row("dplB", "queued"),
                    _ => row("dplB", "active"),
                },
            ),
        );
        assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
        assert_eq!((run.deploy_id(), replaced(&run)), ("dplB", vec!["dplA"]));
        let turn = run.asked.iter().rposition(|asked| asked.what() == "list").unwrap();
        let gap = run.asked[turn].at - run.asked[turn - 1].at;
        assert!(turn > 0 && gap < s(1), "the successor is read at once, not after {gap:?}");
        let found: Vec<&str> = run
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Found { deploy, .. } => Some(deploy.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(found, ["dplA", "dplB"]);
    }
}

#[test]
fn a_successor_of_another_workflow_is_none() {
    // Someone else's deploy came later. It passes, but is not the one that was waited for.
    let run = run(
        pinned(settings(), "dplA"),
        two_rows(|_, id| row(id, "retried"), |_| of_workflow("dplB", "active", "inwOther")),
    );
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert_eq!(run.deploy_id(), "dplA");
    assert!(run.reason().contains("the last status is `retried`"), "{}", run.reason());
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let newest = |now: Duration| {
        let place = now.as_secs() / 15;
        let row = row(&format!("dpl{place}"), if place == 5 { "active" } else { "retried" });
        with(created(row, place as i64), json!({ "workflow_id": "inw1" }))
    };
    let done = || workflow("success", true, &[step("deploy", "success", "dpl5")]);
    let run = run(latest(settings()), |now, request| match request {
        Request::Workflow(..) if now < s(75) => soon(workflow("in-progress", false, &[])),
        Request::Workflow(..) => soon(done()),
        _ => serving(|now| Some(newest(now)))(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.deploy_id(), "dpl5");
    let mut ids = replaced(&run);
    ids.dedup();
    assert_eq!(ids, replaced(&run), "each is named once");
    assert!(!ids.contains(&"dpl5"));
}

/// The deploy names no workflow, and the list that could name it cannot be read.
#[test]
fn a_list_that_fails_is_read_once_a_poll() {
    let run = run(pinned(settings(), "dplA"), |_, request| {
        soon(match request {
            Request::Deploys(..) => crate::virtual_time::status(500),
            _ => deploy(&row("dplA", "retried")),
        })
    });
    let what = run.what();
    assert!(!what.windows(2).any(|pair| pair == ["list", "list"]), "{:?}", &what[..12.min(what.len())]);
}

#[test]
fn rows_that_replace_each_other_are_not_polled_without_pause() {
    let run = run(latest(settings()), two_rows(|_, id| row(id, "retried"), |_| row("dplA", "retried")));
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert!(run.asked.len() < 1000, "{} requests in an hour", run.asked.len());
}

#[test]
fn a_replacement_counts_as_a_change() {
    // After minutes of slow polling, the new row is polled again soon.
    let run = run(
        latest(settings()),
        two_rows(
            |now, id| {
                row(
                    id,
                    if id == "dplB" {
                        "queued"
                    } else if now < s(200) {
                        "executing"
                    } else {
                        "retried"
                    },
                )
            },
            |now| row(if now < s(200) { "dplA" } else { "dplB" }, "queued"),
        ),
    );
    let turn = run.asked.iter().rposition(|asked| asked.what() == "list").unwrap();
    let gap = run.asked[turn + 1].at - run.asked[turn].at;
    assert!(gap <= s(3), "the next poll came after {gap:?}");
}

#[test]
fn a_step_that_was_retried_is_seen_before_its_deploy() {
    // The deploy is read in the last moment in which it is in error, the workflow in the first in which it was retried.
    let second = || with(created(row("dpl2", "active"), -1), json!({ "workflow_id": "inw1" }));
    let first = |status| with(created(row("dpl1", status), -9), json!({ "workflow_id": "inw1" }));
    let run = run(pinned(settings(), "dpl1"), |now, request| {
        soon(match request {
            Request::Deploy(_, _, id) if id.as_str() == "dpl2" => deploy(&second()),
            Request::Deploy(..) => deploy(&first(if now < s(1) { "error" } else { "retried" })),
            Request::Deploys(..) => list(&[second(), first("retried")]),
            Request::LatestDeploy(..) => deploy(&second()),
            Request::Workflow(..) => {
                let retried = step("first", "retried", "dpl1");
                workflow("in-progress", false, &[retried, step("second", "success", "dpl2")])
            }
            _ => exists(request),
        })
    });
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl2"));
}
