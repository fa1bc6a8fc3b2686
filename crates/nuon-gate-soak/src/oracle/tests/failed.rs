//! Failures, and what supports them.

use serde_json::json;

use super::*;

/// A poll of a row and a workflow in a state, with steps.
fn poll(status: &str, state: &str, steps: &[Value]) -> Tape {
    Tape::default().poll(0, &row(status, 60), &flow(state, steps))
}

#[test]
fn failing_statuses() {
    let at_once = question(|own| own.fail_on = vec!["error".to_owned()]);
    let own = question(|own| own.fail_on = vec!["planning".to_owned()]);
    let again = with(&step("retrying", "dpl1"), "finished", json!(true));
    let going = || [step("in-progress", "dpl1")];
    let failed = |name, question, tape, part| (name, question, tape, end("failed", 250), part);
    check(vec![
        failed("error, workflow over", plain(), poll("error", "error", &going()), ""),
        failed("error, workflow parked", plain(), poll("error", "failed-pending-retry", &going()), ""),
        failed("error, step over", plain(), poll("error", "in-progress", &[step("error", "dpl1")]), ""),
        failed(
            "error, workflow goes on",
            plain(),
            poll("error", "in-progress", &going()),
            "is held: its workflow goes on",
        ),
        failed("error, step retries", plain(), poll("error", "in-progress", &[step("retrying", "dpl1")]), "is held"),
        failed("error, all steps over", plain(), poll("error", "in-progress", &[step("success", "dpl1")]), ""),
        failed("error, a step over retries", plain(), poll("error", "in-progress", &[again]), "is held"),
        failed("error, workflow unread", plain(), Tape::default().latest(0, &row("error", 60)), "never read"),
        failed("--fail-on error", at_once, poll("error", "in-progress", &going()), ""),
        failed("--fail-on planning", own, poll("planning", "in-progress", &going()), ""),
        failed("planning", plain(), poll("planning", "in-progress", &going()), "nothing that was read"),
        failed("noop", plain(), poll("noop", "in-progress", &going()), ""),
        failed("inactive", plain(), poll("inactive", "in-progress", &going()), ""),
        failed("active", plain(), poll("active", "in-progress", &going()), "nothing that was read"),
        failed("own step failed", plain(), poll("active", "in-progress", &[step("error", "dpl1")]), ""),
        failed("another's step", plain(), poll("executing", "in-progress", &[step("error", "dpl2")]), "nothing that"),
        failed("denied", plain(), poll("approval-denied", "error", &going()), "nothing that was read"),
    ]);
}

#[test]
fn steps_without_a_certain_deploy() {
    let one = |step: Value| poll("active", "error", &[step]);
    let in_group = |value: &Value| with(value, "group_idx", json!(5));
    let nobodys = |kind: &str| in_group(&with(&step("not-attempted", ""), "step_target_type", json!(kind)));
    let health = nobodys("install_components");
    let beside = |other: Value| poll("active", "error", &[step("success", "dpl1"), other, health.clone()]);
    let failed = |name, tape, part| (name, plain(), tape, end("failed", 250), part);
    check(vec![
        failed("expired, whatever has", one(step("expired", "dpl1")), ""),
        failed("called off", one(step("approval-expired", "dpl1")), "nothing that was read"),
        failed("health, in a group of steps without a deploy", beside(nobodys("install_deploys")), ""),
        failed("health, in a group of another's", beside(in_group(&step("error", "dpl2"))), "nothing that was read"),
    ]);
    let apply = |group: i64| with(&step("not-attempted", ""), "group_idx", json!(group));
    let planned = |group: i64| poll("active", "error", &[in_group(&step("success", "dpl1")), apply(group)]);
    check(vec![
        failed("its plan was not applied", planned(5), ""),
        failed("another's was not, perhaps", planned(6), "nothing that was read"),
    ]);
    let coming = |group: i64| {
        let steps = [in_group(&step("success", "dpl1")), with(&step("pending", ""), "group_idx", json!(group))];
        poll("active", "error", &steps)
    };
    let late = |name, tape, part| (name, plain(), tape, end("failed", 30_250), part);
    check(vec![
        late("its plan is still to be applied", coming(5), ""),
        late("another's is, perhaps", coming(6), "nothing that was read"),
    ]);
    check(vec![("expired", plain(), one(step("expired", "dpl1")), end("cancelled", 250), "")]);
}

#[test]
fn a_clock_that_was_set_back() {
    let alone = |status: &str, second: i64| with(&row(status, second), "workflow_id", Value::Null);
    let shown = |count: u64, apart: u64| {
        let first = Tape::default().latest(0, &alone("executing", 90));
        (1..=count).fold(first, |tape, index| tape.latest(index * apart, &alone("error", 30)))
    };
    let failed = |name, tape, at, part| (name, plain(), tape, end("failed", at), part);
    check(vec![
        failed("for long", shown(5, 30_000), 150_050, ""),
        failed("not for long enough", shown(9, 10_000), 90_050, "nothing that was read"),
        failed("not often enough", shown(4, 50_000), 200_050, "nothing that was read"),
        failed("and then not", shown(5, 30_000).latest(160_000, &alone("executing", 90)), 160_050, "nothing that"),
    ]);
}

#[test]
fn orphans() {
    let over = || poll("queued", "error", &[]);
    let again = over().poll(3_000, &row("queued", 60), &flow("error", &[]));
    let later = over().poll(3_000, &row("active", 70), &flow("in-progress", &[step("in-progress", "dpl1")]));
    let stopped = poll("queued", "cancelled", &[]).poll(3_000, &row("queued", 60), &flow("cancelled", &[]));
    check(vec![
        ("read again", plain(), again, end("failed", 3_250), ""),
        ("read once", plain(), over(), end("failed", 250), "nothing that was read"),
        ("after the window", plain(), over(), end("failed", 31_000), ""),
        ("it came back", plain(), later, end("failed", 3_250), "nothing that was read"),
        ("it was cancelled", plain(), stopped, end("failed", 3_250), "nothing that was read"),
    ]);
}

#[test]
fn other_grounds() {
    let going = poll("executing", "in-progress", &[step("in-progress", "dpl1")]);
    let expect = |kind: &str| question(|own| own.expect = some(kind));
    let torn = with(&with(&row("queued", 90), "id", json!("dpl2")), "install_deploy_type", json!("teardown"));
    let crossed = going.clone().latest(3_000, &torn);
    let ignore = question(|own| own.on_superseded = some("ignore"));
    let held = poll("error", "in-progress", &[step("in-progress", "dpl1")]);
    let pinned = question(|own| own.workflow = some("inw1"));
    let none = |state: &str| Tape::default().flow(0, &flow(state, &[]));
    check(vec![
        ("not expected", expect("teardown"), going.clone(), end("failed", 250), ""),
        ("expected", expect("apply"), going.clone(), end("failed", 250), "nothing that was read"),
        ("crossing", plain(), crossed.clone(), end("failed", 3_050), ""),
        ("crossing, but not followed", ignore, crossed.clone(), end("failed", 3_050), "nothing that was read"),
        ("not crossing", plain(), going, end("failed", 3_050), "nothing that was read"),
        ("a clock while held", plain(), held.clone(), end("failed", 600_000), ""),
        ("no clock while held", plain(), held, end("failed", 200_000), "is held"),
        ("workflow over, no deploy", pinned.clone(), none("error"), end_of("failed", None, 50), ""),
        ("no deploy", pinned, none("in-progress"), end_of("failed", None, 50), "names no deploy"),
    ]);
}
