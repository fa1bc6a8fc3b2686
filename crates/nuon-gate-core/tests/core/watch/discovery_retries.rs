//! Deploys of a workflow that others take the place of, in virtual time.

use std::time::Duration;

use super::discovery::{flowing, of_workflow, verdicts};
use crate::virtual_time::{Run, Scripted, created, list, row, run, s, settings, soon, step, with};
use nuon_gate_core::Verdict;
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Mode, WatchSettings};
use serde_json::{Value, json};

/// dplA was retried, and dplNewA took its place if it `has_successor`; dplB passed.
fn retried(has_successor: bool) -> impl FnMut(Duration, &Request) -> Scripted {
    let flow = move |_| {
        let mut steps = vec![step("a", "retried", "dplA"), step("b", "success", "dplB")];
        if has_successor {
            steps.push(step("a", "success", "dplNewA"));
        }
        ("success", true, steps)
    };
    flowing(flow, |_, id| if id == "dplA" { "retried" } else { "active" })
}

#[test]
fn a_replaced_deploy_without_a_successor_is_not_left_out() {
    let passed = run(of_workflow(settings()), retried(true));
    assert_eq!((passed.report.verdict, verdicts(&passed)), (Verdict::Passed, vec![Verdict::Passed; 2]));
    let failed = run(of_workflow(settings()), retried(false));
    assert_eq!((failed.report.verdict, verdicts(&failed)), (Verdict::Failed, vec![Verdict::Passed, Verdict::Failed]));
}

/// dplNewA is the newest of its component, and was retried; the step of dplA, which is older, succeeded.
#[test]
fn an_older_deploy_does_not_stand_for_a_newer_one_that_was_replaced() {
    let flow = |_| ("success", true, vec![step("a", "success", "dplA"), step("a", "retried", "dplNewA")]);
    let run = run(of_workflow(settings()), flowing(flow, |_, id| if id == "dplA" { "active" } else { "retried" }));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Failed, vec![Verdict::Passed, Verdict::Failed]));
}

/// The target of dplA moves on to its successor while the workflow has already been polled.
#[test]
fn a_single_poll_waits_for_what_took_a_deploys_place() {
    let steps = |_| {
        let steps = [step("a", "success", "dplA"), step("b", "success", "dplB"), step("a", "success", "dplNewA")];
        ("success", true, steps.to_vec())
    };
    let mut server = flowing(steps, |_, id| if id == "dplA" { "retried" } else { "active" });
    let newer = with(created(row("dplNewA", "active"), 9), json!({"workflow_id": "inw1", "component_id": "cmpA"}));
    let once = WatchSettings { mode: Mode::Once, ..settings() };
    let run = run(of_workflow(once), move |now, request| match request {
        Request::Deploys(..) => soon(list(std::slice::from_ref(&newer))),
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed; 2]));
}

/// Waits for the workflow, whose list shows both deploys of one component.
fn taken_over(
    flow: impl Fn(Duration) -> (&'static str, bool, Vec<Value>) + 'static,
    word: impl Fn(Duration, &str) -> &'static str + Copy + 'static,
) -> Run {
    let mut server = flowing(flow, word);
    run(of_workflow(settings()), move |now, request| match request {
        Request::Deploys(..) => {
            let of_flow = |id, second| {
                let row = created(row(id, word(now, id)), second);
                with(row, json!({"component_id": "cmpA", "workflow_id": "inw1"}))
            };
            soon(list(&[of_flow("dplANew", 9), of_flow("dplA", 1)]))
        }
        _ => server(now, request),
    })
}

#[test]
fn a_failure_of_the_workflow_is_asked_again_while_a_deploy_of_it_goes_on() {
    let before = || vec![step("a", "error", "dplA")];
    let word = |now: Duration, id: &str| match id {
        "dplA" => "retried",
        _ if now > s(40) => "active",
        _ => "executing",
    };
    let after = |word| vec![step("a", "retried", "dplA"), step("a2", word, "dplANew")];
    let noticed = move |now: Duration| match now.as_secs() {
        0..20 => ("failed-pending-retry", false, before()),
        20..40 => ("in-progress", false, after("in-progress")),
        _ => ("success", true, after("success")),
    };
    let run = taken_over(noticed, word);
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed]));
    let run = taken_over(move |_| ("failed-pending-retry", false, vec![step("a", "error", "dplA")]), word);
    assert_eq!(run.report.verdict, Verdict::Failed);
    // The deploy that took its place has to end as well.
    let at = run.report.elapsed;
    assert!(at >= s(70) && at < s(90), "{at:?}");
}

#[test]
fn a_failed_step_of_a_deploy_that_was_replaced_does_not_count() {
    let word = |now: Duration, id: &str| match id {
        "dplA" => "retried",
        _ if now > s(10) => "active",
        _ => "executing",
    };
    for unmarked in ["error", "cancelled", "outdated"] {
        let flow = move |now: Duration| {
            let steps = |word| vec![step("a", unmarked, "dplA"), step("a2", word, "dplANew")];
            if now > s(10) { ("success", true, steps("success")) } else { ("in-progress", false, steps("in-progress")) }
        };
        let run = taken_over(flow, word);
        assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed]), "{unmarked}");
    }
}

#[test]
fn a_retry_within_the_workflow_is_followed_and_no_target_of_its_own() {
    let flow = |now: Duration| match now.as_secs() {
        0..60 => ("in-progress", false, vec![step("a", "in-progress", "dplA")]),
        60..120 => ("in-progress", false, vec![step("a", "retried", "dplA"), step("a2", "in-progress", "dplANew")]),
        _ => ("success", true, vec![step("a", "retried", "dplA"), step("a2", "success", "dplANew")]),
    };
    let word = |now: Duration, id: &str| match (id, now > s(100)) {
        ("dplA", _) if now > s(60) => "retried",
        ("dplANew", true) => "active",
        _ => "executing",
    };
    let mut server = flowing(flow, word);
    let run = run(of_workflow(settings()), move |now, request| match request {
        Request::Deploys(..) => {
            let of_flow = |id| with(row(id, word(now, id)), json!({"component_id": "cmpA", "workflow_id": "inw1"}));
            soon(list(&[of_flow("dplANew"), of_flow("dplA")]))
        }
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed]));
    assert_eq!((run.deploy_id(), run.target().replaced[0].as_str()), ("dplANew", "dplA"));
}
