//! Deploys of a workflow that no step names, so that only the install's list shows them, in virtual time.

use std::time::Duration;

use nuon_gate_core::Verdict;
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, Mode, WatchSettings};
use serde_json::{Value, json};

use super::discovery::{flowing, of_workflow, verdicts};
use crate::virtual_time::{Body, after, foreign, list, no_endpoint, row, run, s, settings, soon, status, step, with};

/// Nothing proves that it has passed, as no step has worked on it.
#[test]
fn a_row_that_no_step_names_is_the_workflows_too() {
    for word in ["active", "error"] {
        let flow = |_| ("success", true, vec![step("a", "success", "dplA"), step("b", "success", "")]);
        let mut server = flowing(flow, move |_, id| if id == "dplA" { "active" } else { word });
        let of = |id: &str, workflow: &str| with(row(id, "active"), json!({"workflow_id": workflow}));
        let run = run(of_workflow(settings()), move |now, request| match request {
            Request::InstallDeploys(_) => soon(list(&[of("dplB", "inw1"), of("dplC", "inw2")])),
            _ => server(now, request),
        });
        assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Failed, 2), "{:?}", verdicts(&run));
        // One of the two answers may only lag.
        assert!(run.report.elapsed >= s(30), "{word}: {:?}", run.report.elapsed);
    }
}

/// Waits for a workflow that succeeded, one of whose deploys failed and is only in the list. `listed`: what the first
/// requests of the list give instead, by their number; `None` gives the list.
fn of_unnamed(settings: WatchSettings, listed: impl Fn(u32) -> Option<Body>) -> Verdict {
    let flow = |_| ("success", true, vec![step("a", "success", "dplA")]);
    let mut server = flowing(flow, |_, id| if id == "dplA" { "active" } else { "error" });
    let mut requests = 0;
    let run = run(of_workflow(settings), move |now, request| match request {
        Request::InstallDeploys(_) => {
            requests += 1;
            let of = |id: &str, word: &str| with(row(id, word), json!({"workflow_id": "inw1"}));
            soon(listed(requests).unwrap_or_else(|| list(&[of("dplB", "error"), of("dplA", "active")])))
        }
        _ => server(now, request),
    });
    run.report.verdict
}

#[test]
fn a_list_that_cannot_be_read_proves_no_success() {
    let bad = || [status(503), status(404), foreign(404), status(403), status(400), Body::Exactly(json!(null))];
    for first in 0..bad().len() {
        let listed = |request| if request == 1 { bad().into_iter().nth(first) } else { None };
        assert_eq!(of_unnamed(settings(), listed), Verdict::Failed, "{first}");
    }
    assert_eq!(of_unnamed(settings(), |_| Some(status(503))), Verdict::TimedOut);
    // A server that has no such list says so, again and again.
    assert_eq!(of_unnamed(settings(), |_| Some(status(404))), Verdict::Passed);
    assert_eq!(of_unnamed(settings(), |_| Some(no_endpoint())), Verdict::Passed);
    assert_eq!(of_unnamed(settings(), |_| Some(foreign(404))), Verdict::TimedOut);
    let once = || WatchSettings { mode: Mode::Once, ..settings() };
    assert_eq!(of_unnamed(once(), |_| None), Verdict::Pending);
    assert_eq!(of_unnamed(once(), |_| Some(status(404))), Verdict::Passed);
    assert_eq!(of_unnamed(once(), |_| Some(status(503))), Verdict::Inconclusive);
}

/// Whenever three deploys are new, the list is read. It was not there twice, but once it was.
#[test]
fn a_list_that_was_read_once_is_needed_although_it_is_missing_now_and_then() {
    let flow = |now: Duration| {
        let deploys = if now < s(20) {
            3
        } else if now < s(40) {
            6
        } else {
            9
        };
        let steps = (0..deploys).map(|at| step(&format!("s{at}"), "success", &format!("dpl{at}"))).collect();
        let (word, ended) = if now < s(60) { ("in-progress", false) } else { ("success", true) };
        (word, ended, steps)
    };
    let mut server = flowing(flow, |_, id| if id == "dplB" { "error" } else { "active" });
    let mut last_missed = false;
    let run = run(of_workflow(settings()), move |now, request| match request {
        Request::InstallDeploys(_) => soon(match now.as_secs() {
            0..40 => status(404),
            40..60 => list(&[]),
            _ if !std::mem::replace(&mut last_missed, true) => status(404),
            _ => list(&[with(row("dplB", "error"), json!({"workflow_id": "inw1"}))]),
        }),
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Failed, 10));
}

/// A list that lacks a deploy which a step names lags behind, unless it is cut off: it does not show that there is no other.
#[test]
fn a_list_that_lags_proves_no_success() {
    let of = |id: &str, workflow: &str| with(row(id, "active"), json!({"workflow_id": workflow}));
    let own = || of("dplA", "inw1");
    let another = |index: u32| of(&format!("dplOther{index}"), "inw2");
    let outcomes = [
        (vec![], Verdict::TimedOut),
        (vec![another(0)], Verdict::TimedOut),
        (vec![own()], Verdict::Passed),
        (vec![another(0), own()], Verdict::Passed),
        ((0..10).map(another).collect(), Verdict::Passed),
    ];
    for (rows, verdict) in outcomes {
        assert_eq!(of_unnamed(settings(), |_| Some(list(&rows))), verdict, "{rows:?}");
    }
    let later = |request| (request < 4).then(|| list(&[another(0)]));
    assert_eq!(of_unnamed(settings(), later), Verdict::Failed);
}

/// The targets have requested the list before the workflow succeeded, and get it after that.
#[test]
fn a_list_that_was_requested_before_the_success_does_not_prove_it() {
    for latency in 4..16 {
        let flow = |now: Duration| {
            let (word, ended) = if now < s(30) { ("in-progress", false) } else { ("success", true) };
            let word_of_step = if now < s(30) { "in-progress" } else { "success" };
            (word, ended, (0..3).map(|at| step(&format!("s{at}"), word_of_step, &format!("dpl{at}"))).collect())
        };
        let word = |now: Duration, id: &str| match id {
            "dplB" => "error",
            _ if now < s(30) => "executing",
            _ => "active",
        };
        let mut server = flowing(flow, word);
        let run = run(of_workflow(settings()), move |now, request| match request {
            Request::InstallDeploys(_) => {
                let ids = ["dpl0", "dpl1", "dpl2", "dplB"].into_iter().take(if now < s(30) { 3 } else { 4 });
                let rows: Vec<_> = ids
                    .map(|id| {
                        with(
                            row(id, word(now, id)),
                            json!({"component_id": id.replace("dpl", "cmp"), "workflow_id": "inw1"}),
                        )
                    })
                    .collect();
                after(s(latency), list(&rows))
            }
            _ => server(now, request),
        });
        assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Failed, 4), "{latency}");
    }
}

/// What else a workflow leaves behind that says that it succeeded: the outcome, and from when on it is certain.
#[test]
fn the_steps_that_a_successful_workflow_leaves_behind() {
    let odd = |status: &str, more: Value| with(step("b", status, ""), more);
    let cases = [
        // An automatic retry leaves its step in `error`.
        (odd("error", json!({"group_idx": 1, "metadata": {"auto_retried": true}})), true, Verdict::Passed),
        (odd("error", json!({"group_idx": 1, "metadata": {"auto_retried": true}})), false, Verdict::Failed),
        (odd("error", json!({"group_idx": 1, "metadata": {"retry_idx": 0, "max_retries": 5}})), true, Verdict::Failed),
        (odd("error", json!({"skip_on_failure": true})), false, Verdict::Passed),
        (odd("error", json!({})), false, Verdict::Failed),
        (odd("pending", json!({})), false, Verdict::Failed),
        (odd("approval-retry", json!({})), false, Verdict::Passed),
        (odd("hibernating", json!({})), false, Verdict::Failed),
    ];
    for (left, is_repeated, verdict) in cases {
        let open = matches!(left["status"]["status"].as_str(), Some("pending" | "hibernating"));
        let own = left.clone();
        let flow = move |_| {
            let again = with(step("b", "success", ""), json!({"group_idx": 1}));
            let steps = [Some(step("a", "success", "dplA")), Some(own.clone()), is_repeated.then_some(again)];
            ("success", true, steps.into_iter().flatten().collect())
        };
        let run = run(of_workflow(settings()), flowing(flow, |_, _| "active"));
        assert_eq!(run.report.verdict, verdict, "{left}");
        let elapsed = run.report.elapsed;
        assert_eq!(elapsed >= s(30), open, "{left}: {elapsed:?}");
        assert!(elapsed < s(60), "{left}: {elapsed:?}");
    }
}

#[test]
fn a_workflow_that_has_not_begun_does_not_stop_the_start_timeout() {
    let clocks = Clocks { start: Some(s(60)), ..settings().clocks };
    let settings = || WatchSettings { clocks, ..settings() };
    let flow = |begins: u64| {
        move |now: Duration| match now < s(begins) {
            true => ("pending", false, vec![step("a", "pending", "")]),
            false => ("in-progress", false, vec![step("a", "in-progress", "")]),
        }
    };
    let ended = |begins| run(of_workflow(settings()), flowing(flow(begins), |_, _| "queued"));
    let never = ended(7200);
    assert_eq!(never.report.verdict, Verdict::TimedOut);
    assert!((s(60)..s(62)).contains(&never.report.elapsed), "{:?}", never.report.elapsed);
    assert!(
        never.run_reason().unwrap().plain().contains("the start timeout of 1m expired"),
        "{:?}",
        never.run_reason()
    );
    assert!(ended(50).report.elapsed > s(60), "it has begun");
}

/// An answer about a deploy may lag behind the workflow that names it.
#[test]
fn a_deploy_that_a_step_names_may_be_missing_for_a_while() {
    let ended = |shown: u64| {
        let flow = |_| ("success", true, vec![step("a", "success", "dplA")]);
        let mut server = flowing(flow, |_, _| "active");
        run(of_workflow(settings()), move |now, request| match request {
            Request::Deploy(..) if now < s(shown) => soon(status(404)),
            _ => server(now, request),
        })
    };
    assert_eq!(ended(20).report.verdict, Verdict::Passed);
    let never = ended(7200);
    assert_eq!(never.report.verdict, Verdict::Rejected);
    assert!(never.report.elapsed >= s(30), "{:?}", never.report.elapsed);
}
