//! Passes: what the workflow has to prove.

use serde_json::json;

use super::*;

/// A health step of a group, with a target unless that is empty.
fn health(status: &str, target: &str, group: i64) -> Value {
    let own = with(&step(status, target), "step_target_type", json!("install_components"));
    with(&own, "group_idx", json!(group))
}

/// A poll of an active deploy whose workflow has these steps.
fn steps(all: &[Value]) -> Tape {
    Tape::default().poll(0, &row("active", 60), &flow("in-progress", all))
}

#[test]
fn the_same_poll() {
    let active = row("active", 60);
    let early = Tape::default().flow(0, &proof()).latest(100, &active).detail(200, &active);
    let between = Tape::default().latest(0, &active).flow(20, &proof());
    let apart = Tape::default().latest(0, &active).flow(400_000, &proof());
    let mut slow = Tape::default().latest(0, &active);
    slow.0[0].done_ms = 5_000;
    let slow = slow.flow(5_010, &proof());
    let then = Tape::default().poll(0, &row("executing", 30), &proof()).latest(5_000, &active);
    let owned = |name: &str, value: Value| Tape::default().poll(0, &active, &with(&proof(), name, value));
    let unread = Tape::default().poll(0, &active, &proof()).latest(5_000, &active);
    let unread = unread.ask(5_100, "/v1/workflows/inw1", refusal(500));
    let mut pause = refusal(429);
    if let Answer::Http(answer) = &mut pause {
        answer.headers.push(("retry-after".to_owned(), "5".to_owned()));
    }
    let paused = Tape::default().latest(0, &active).ask(100, "/v1/workflows/inw1", pause).flow(5_200, &proof());
    let again = Tape::default().poll(0, &active, &proof()).poll(5_000, &active, &flow("in-progress", &[]));
    check(vec![
        ("beside each other", plain(), between, end("passed", 100), ""),
        ("after a slow answer", plain(), slow, end("passed", 5_060), ""),
        ("after a pause that was asked for", plain(), paused, end("passed", 5_250), ""),
        ("a later poll lacks it", plain(), unread, end("passed", 5_150), "not read in the poll"),
        ("before the row", plain(), early, end("passed", 250), "not read in the poll"),
        ("long after the row", plain(), apart, end("passed", 400_050), ""),
        ("from a poll before", plain(), then, end("passed", 5_050), "not read in the poll"),
        ("a later poll takes it back", plain(), again, end("passed", 5_250), "no step that targets it"),
        ("another owner", plain(), owned("owner_id", json!("inl2")), end("passed", 250), "owned by another"),
        ("plan-only", plain(), owned("plan_only", json!(true)), end("passed", 250), "plan-only"),
        ("another id", plain(), owned("id", json!("inw2")), end("passed", 250), "never answered"),
    ]);
}

#[test]
fn a_workflow_that_never_answers() {
    let active = row("active", 60);
    let path = "/v1/workflows/inw1";
    let missing = |answer: &Answer, times: u64| {
        let poll = |tape: Tape, at: u64| tape.latest(at, &active).ask(at + 100, path, answer.clone());
        (0..times).fold(Tape::default(), |tape, index| poll(tape, index * 3_000))
    };
    let once = Tape::default().poll(0, &row("executing", 30), &proof());
    let gone = (1..4)
        .fold(once, |tape, index| tape.latest(index * 3_000, &active).ask(index * 3_000 + 100, path, refusal(404)));
    let old = with(&active, "workflow_id", Value::Null);
    let foreign = http(404, &json!("not here"), false);
    check(vec![
        ("names none", plain(), Tape::default().latest(0, &old), end("passed", 50), ""),
        ("three times", plain(), missing(&refusal(404), 3), end("passed", 6_150), ""),
        ("twice", plain(), missing(&refusal(404), 2), end("passed", 3_150), "only 2 answers"),
        ("not Nuon's word", plain(), missing(&foreign, 3), end("passed", 6_150), "only 0 answers"),
        ("it answered once", plain(), gone, end("passed", 9_150), "not read in the poll"),
    ]);
}

#[test]
fn the_steps() {
    let done = step("success", "dpl1");
    let other = with(&step("success", "dpl2"), "group_idx", json!(4));
    let repeated = with(&step("error", "dpl1"), "retried", json!(true));
    let word = with(&done, "status", json!({"status": "splendid"}));
    let silent = with(&with(&done, "status", Value::Null), "finished", json!(false));
    let pass = |all: &[Value], part| ("steps", plain(), steps(all), end("passed", 250), part);
    let bad = "unfinished or failed";
    check(vec![
        pass(std::slice::from_ref(&done), ""),
        pass(&[step("pending", "dpl1")], "no step that targets it has begun"),
        pass(std::slice::from_ref(&other), "no step that targets it has begun"),
        pass(&[done.clone(), step("in-progress", "dpl1")], bad),
        pass(&[done.clone(), step("error", "dpl1")], bad),
        pass(&[done.clone(), word], bad),
        pass(&[done.clone(), silent], bad),
        pass(&[repeated.clone(), done.clone()], ""),
        pass(&[done.clone(), repeated], "its repetition is missing"),
        pass(&[done.clone(), step("in-progress", "dpl2")], ""),
        pass(&[done.clone(), health("in-progress", "inc1", 9)], bad),
        pass(&[done.clone(), health("success", "inc1", 9)], ""),
        pass(&[done.clone(), health("in-progress", "inc2", 9)], ""),
        pass(&[done.clone(), health("pending", "", 3)], bad),
        pass(&[done.clone(), health("pending", "", 9)], bad),
        pass(&[done.clone(), other, health("pending", "", 4)], ""),
        pass(&[done, step("pending", "")], ""),
    ]);
}

#[test]
fn on_approval_and_pass_on() {
    let (asked, waits) = (flow("in-progress", &[step("approval-awaiting", "dpl1")]), row("pending-approval", 60));
    let free = with(&asked, "approval_option", json!("approve-all"));
    let twice = |flow: &Value| Tape::default().poll(0, &waits, flow).poll(3_000, &waits, flow);
    let pass = || question(|own| own.on_approval = "pass".to_owned());
    let error = question(|own| own.pass_on = vec!["error".to_owned()]);
    let failed = flow("error", &[step("error", "dpl1")]);
    let failed = Tape::default().poll(0, &row("error", 60), &failed);
    check(vec![
        ("asked", pass(), twice(&asked), end("passed", 3_250), ""),
        ("asked once", pass(), Tape::default().poll(0, &waits, &asked), end("passed", 250), "only once"),
        ("not asked", pass(), twice(&free), end("passed", 3_250), "no human is asked"),
        ("not to pass", plain(), twice(&asked), end("passed", 3_250), "is pending-approval"),
        ("--pass-on error", error, failed, end("passed", 250), ""),
    ]);
}
