//! Cancelled, superseded, approval needed, usage errors.

use serde_json::json;

use super::*;

/// A poll of a row and a workflow in a state, with steps.
fn poll(status: &str, state: &str, steps: &[Value]) -> Tape {
    Tape::default().poll(0, &row(status, 60), &flow(state, steps))
}

#[test]
fn cancelled() {
    let ended = |name, tape, part| (name, plain(), tape, end("cancelled", 250), part);
    let no = "no answer says that";
    check(vec![
        ended("the row", poll("cancelled", "cancelled", &[]), ""),
        ended("denied", poll("approval-denied", "error", &[]), ""),
        ended("expired", poll("approval-expired", "error", &[]), ""),
        ended("its workflow", poll("queued", "cancelled", &[]), ""),
        ended("its step", poll("pending-approval", "error", &[step("approval-denied", "dpl1")]), ""),
        ended("still going", poll("executing", "in-progress", &[]), no),
        ended("in error", poll("error", "cancelled", &[]), no),
        ended("a step of another's", poll("active", "error", &[step("cancelled", "dpl2")]), no),
    ]);
    let wait = question(|own| own.wait_on = vec!["cancelled".to_owned()]);
    check(vec![("overridden", wait, poll("cancelled", "in-progress", &[]), end("cancelled", 250), no)]);
}

#[test]
fn superseded() {
    let newer = with(&with(&row("queued", 90), "id", json!("dpl2")), "created_at", json!("2026-08-03T14:01:00Z"));
    let newer = with(&newer, "workflow_id", json!("inw2"));
    let alone = poll("executing", "in-progress", &[]);
    let both = alone.clone().latest(3_000, &newer);
    let retry = alone.clone().latest(3_000, &with(&newer, "workflow_id", json!("inw1")));
    let fail = question(|own| own.on_superseded = some("fail"));
    let timeless = |row: &Value| with(row, "created_at", Value::Null);
    let behind = alone.clone().latest(3_000, &timeless(&newer));
    let before =
        Tape::default().latest(0, &timeless(&newer)).poll(3_000, &row("executing", 60), &flow("in-progress", &[]));
    let list = "/v1/installs/inl1/components/cmp1/deploys";
    let listed = alone.clone().ask(3_000, list, ok(&json!([timeless(&newer)])));
    let above = |rows: Value| alone.clone().ask(3_000, list, ok(&rows));
    let of_install = "/v1/installs/inl1/components/deploys?limit=100";
    let (own, other) = (timeless(&row("executing", 60)), timeless(&newer));
    let of_install = alone.clone().ask(3_000, of_install, ok(&json!([other, own])));
    let (listed_above, listed_below) = (above(json!([other, own])), above(json!([own, other])));
    let recovers = with(&timeless(&newer), "install_deploy_type", json!("recover"));
    let nothing = alone.clone().latest(3_000, &recovers);
    check(vec![
        ("shown as the newest, without a time", fail.clone(), behind, end("superseded", 3_050), ""),
        ("shown before, without a time", fail.clone(), before, end("superseded", 3_250), "no newer deploy"),
        ("listed, without a time", fail.clone(), listed, end("superseded", 3_050), "no newer deploy"),
        ("listed above, without a time", fail.clone(), listed_above, end("superseded", 3_050), ""),
        ("listed above for the install, without a time", fail.clone(), of_install, end("superseded", 3_050), ""),
        ("listed below, without a time", fail.clone(), listed_below, end("superseded", 3_050), "no newer deploy"),
        ("one that deploys nothing", fail.clone(), nothing, end("superseded", 3_050), "no newer deploy"),
        ("a newer one", fail.clone(), both.clone(), end("superseded", 3_050), ""),
        ("named itself", fail.clone(), both.clone(), end_of("superseded", Some("dpl2"), 3_050), ""),
        ("none", fail.clone(), alone, end("superseded", 250), "no newer deploy"),
        ("of its own workflow", fail, retry, end("superseded", 3_050), "no newer deploy"),
        ("not to be said", plain(), both, end("superseded", 3_050), "is not `fail`"),
    ]);
}

/// After a clock was set back, a later state has an earlier time. Only its history shows the order.
#[test]
fn a_history_that_goes_on() {
    let history = |row: &Value, before: &[&str]| {
        let before: Vec<Value> = before.iter().map(|word| json!({"status": word})).collect();
        let status = with(&row["status_v2"], "history", json!(before));
        with(row, "status_v2", status)
    };
    let queued = history(&row("queued", 90), &[]);
    let (stopped, unrelated) = (row("cancelled", 60), history(&row("cancelled", 60), &["executing"]));
    let stopped = history(&stopped, &["queued", "planning"]);
    let poll = |row: &Value| Tape::default().latest(0, &queued).latest(3_000, row);
    check(vec![
        ("it goes on from that", plain(), poll(&stopped), end("cancelled", 3_050), ""),
        ("it does not", plain(), poll(&unrelated), end("cancelled", 3_050), "no answer says that"),
    ]);
}

#[test]
fn approvals() {
    let asked = flow("in-progress", &[step("approval-awaiting", "dpl1")]);
    let answer = json!({"response": {"id": "waa1", "type": "approve"}});
    let answered = flow("in-progress", &[with(&step("approval-awaiting", "dpl1"), "approval", answer)]);
    let waits = row("pending-approval", 60);
    let once = |flow: &Value| Tape::default().poll(0, &waits, flow);
    let twice = |flow: &Value| once(flow).poll(3_000, &waits, flow);
    let over = twice(&asked).poll(6_000, &waits, &answered);
    let of_others = twice(&asked).poll(6_000, &waits, &with(&answered, "owner_id", json!("inl2")));
    let fail = || question(|own| own.on_approval = "fail".to_owned());
    let clock = question(|own| own.approval_timeout_ms = Some(60_000));
    check(vec![
        ("asked", fail(), twice(&asked), end("approval_needed", 3_250), ""),
        ("asked once", fail(), once(&asked), end("approval_needed", 250), "only once"),
        ("answered", fail(), twice(&answered), end("approval_needed", 3_250), "no human is asked"),
        ("answered, says another install's", fail(), of_others, end("approval_needed", 6_250), ""),
        ("no longer asked", fail(), over, end("approval_needed", 6_250), "no human is asked"),
        ("waited for", plain(), twice(&asked), end("approval_needed", 3_250), "the approval timeout has not expired"),
        ("too long", clock.clone(), twice(&asked), end("approval_needed", 60_000), ""),
        ("not too long", clock, twice(&asked), end("approval_needed", 40_000), "the approval timeout has not expired"),
        ("no deploy", fail(), twice(&asked), end_of("approval_needed", None, 3_250), "without a deploy"),
    ]);
}

#[test]
fn wrong_use_and_no_end() {
    let stale = question(|own| own.on_stale = "fail".to_owned());
    let lists = question(|own| (own.pass_on, own.fail_on) = (vec!["x".to_owned()], vec!["x".to_owned()]));
    let over = poll("active", "success", &[]);
    check(vec![
        ("stale", stale.clone(), over.clone(), end("usage", 250), ""),
        ("not stale", stale, poll("executing", "in-progress", &[]), end("usage", 250), "nothing is wrong"),
        ("in two lists", lists, Tape::default(), end_of("usage", None, 0), ""),
        ("nothing wrong", plain(), over.clone(), end("usage", 250), "nothing is wrong"),
        ("interrupted", plain(), over.clone(), end("interrupted", 250), ""),
        ("pending", plain(), over.clone(), end("pending", 250), "no end of a wait"),
        ("unknown", plain(), over, end("well", 250), "no end of a wait"),
    ]);
}
