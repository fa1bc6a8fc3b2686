//! Passes: identity, kind, the newest status, and the effect of newer and older deploys.

use serde_json::json;

use super::*;

#[test]
fn identity_and_kind() {
    let active = row("active", 60);
    let of = |own: &Value| Tape::default().poll(0, own, &proof());
    let changed = |name: &str, value: Value| of(&with(&active, name, value));
    let unnamed = Tape::default().detail(0, &with(&active, "component_id", json!(""))).flow(100, &proof());
    let foreign = Tape::default().latest(0, &active).detail(100, &with(&active, "component_id", json!("cmp2")));
    let mut packed = ok(&active);
    if let Answer::Http(answer) = &mut packed {
        answer.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    }
    let packed = Tape::default().ask(0, "/v1/installs/inl1/components/cmp1/deploys/latest", packed);
    let pinned = question(|own| own.deploy = some("dpl1"));
    let other_id = Tape::default().ask(0, "/v1/installs/inl1/deploys/dpl1", ok(&with(&active, "id", json!("dpl2"))));
    check(vec![
        ("by detail and row", plain(), of(&active), end("passed", 250), ""),
        ("by the row alone", plain(), Tape::default().latest(0, &active).flow(100, &proof()), end("passed", 150), ""),
        ("packed", plain(), packed, end("passed", 50), "no good answer says"),
        ("no deploy", plain(), of(&active), end_of("passed", None, 250), "without a deploy"),
        ("never read", plain(), Tape::default(), end("passed", 250), "no good answer says"),
        ("read too late", plain(), of(&active), end("passed", 40), "no good answer says"),
        ("component unknown", pinned.clone(), unnamed, end("passed", 150), "no good answer says"),
        ("another component", plain(), foreign.flow(200, &proof()), end("passed", 250), "another install's"),
        ("another install", plain(), changed("install_id", json!("inl2")), end("passed", 250), "no good answer says"),
        ("another id", pinned, other_id.flow(100, &proof()), end("passed", 150), "no good answer says"),
        ("an old type", plain(), changed("install_deploy_type", json!("release")), end("passed", 250), ""),
        ("no type", plain(), changed("install_deploy_type", Value::Null), end("passed", 250), ""),
        ("a recovery", plain(), changed("install_deploy_type", json!("recover")), end("passed", 250), "type `recover`"),
        ("an unknown type", plain(), changed("install_deploy_type", json!("x")), end("passed", 250), "type `x`"),
        ("plan-only", plain(), changed("plan_only", json!(true)), end("passed", 250), "plan-only"),
    ]);
}

#[test]
fn the_newest_status() {
    let (old, new) = (row("executing", 30), row("active", 60));
    let torn = |status: &str| with(&row(status, 60), "install_deploy_type", json!("teardown"));
    let of = |first: &Value, second: &Value| Tape::default().latest(0, first).detail(100, second).flow(200, &proof());
    let grown = with(&new, "status_v2", json!({"status": "active", "history": [{"status": "executing"}]}));
    let bare = |own: &Value| with(own, "updated_at", Value::Null);
    let torn_apart =
        with(&row("executing", 90), "status_v2", json!({"status": "executing", "created_at_ts": 1_785_765_630}));
    let after = |status: &str, second: i64, before: (&str, i64)| {
        let before = json!([{"status": before.0, "created_at_ts": 1_785_765_600 + before.1}]);
        let own = row(status, second);
        with(&own, "status_v2", with(&own["status_v2"], "history", before))
    };
    let put_back = |before: Tape, own: &Value| {
        let next = after("executing", 30, ("syncing", 90));
        before.latest(50, &row("syncing", 90)).latest(100, &next).detail(200, own).flow(300, &proof())
    };
    let lagged = || Tape::default().latest(0, &row("planning", 80));
    let wait = question(|own| own.wait_on = vec!["active".to_owned()]);
    let pass = question(|own| own.pass_on = vec!["noop".to_owned()]);
    check(vec![
        ("in order", plain(), of(&old, &new), end("passed", 250), ""),
        ("a late answer that lags", plain(), of(&new, &old), end("passed", 250), ""),
        (
            "an error that came before",
            plain(),
            of(&row("error", 60), &row("active", 50)),
            end("passed", 250),
            "is error",
        ),
        ("a later error", plain(), of(&row("active", 60), &row("error", 70)), end("passed", 250), "is error"),
        (
            "by history",
            plain(),
            of(&bare(&grown), &with(&bare(&old), "status_v2", json!({"status": "executing"}))),
            end("passed", 250),
            "",
        ),
        (
            "by order, if nothing else",
            plain(),
            of(&json!({"id": "dpl1", "status": "active"}), &json!({"id": "dpl1", "status": "syncing"})),
            end("passed", 250),
            "is syncing",
        ),
        (
            "that continues the last one",
            plain(),
            put_back(Tape::default(), &row("auto-skipped", 40)),
            end("passed", 350),
            "",
        ),
        (
            "that continues what is newer than another",
            plain(),
            put_back(lagged(), &row("auto-skipped", 40)),
            end("passed", 350),
            "",
        ),
        (
            "that does not",
            plain(),
            put_back(Tape::default(), &row("auto-skipped", 20)),
            end("passed", 350),
            "is executing",
        ),
        (
            "one without times that goes on, after an end",
            plain(),
            of(&new, &json!({"id": "dpl1", "status": "syncing"})),
            end("passed", 250),
            "",
        ),
        ("of one second", plain(), of(&bare(&new), &bare(&row("executing", 60))), end("passed", 250), ""),
        ("that contradicts itself", plain(), of(&new, &torn_apart), end("passed", 250), ""),
        ("an unknown word", plain(), of(&row("done", 60), &row("done", 60)), end("passed", 250), "is done"),
        ("skipped", plain(), of(&row("auto-skipped", 60), &row("auto-skipped", 60)), end("passed", 250), ""),
        ("inactive apply", plain(), of(&row("inactive", 60), &row("inactive", 60)), end("passed", 250), "is inactive"),
        ("inactive teardown", plain(), of(&torn("inactive"), &torn("inactive")), end("passed", 250), ""),
        ("--wait-on", wait, of(&new, &new), end("passed", 250), "is active"),
        ("--pass-on", pass, of(&row("noop", 60), &row("noop", 60)), end("passed", 250), ""),
        ("noop", plain(), of(&row("noop", 60), &row("noop", 60)), end("passed", 250), "is noop"),
    ]);
}

#[test]
fn newer_deploys() {
    let active = row("active", 60);
    let newer = with(&with(&row("active", 90), "id", json!("dpl2")), "created_at", json!("2026-08-03T14:01:00Z"));
    let newer = with(&newer, "workflow_id", Value::Null);
    let recovery = with(&newer, "install_deploy_type", json!("recover"));
    let old = Tape::default().poll(0, &active, &proof());
    let both = Tape::default().latest(0, &newer).detail(100, &active).flow(200, &proof());
    let unread = Tape::default().detail(0, &active).flow(100, &proof());
    let other = with(&newer, "workflow_id", json!("inw2"));
    let listed = old.clone().ask(300, "/v1/installs/inl1/components/deploys?limit=100", ok(&json!([other])));
    let its = |plan: bool| ok(&json!({"id": "inw2", "owner_id": "inl1", "plan_only": plan}));
    let read = listed.clone().ask(400, "/v1/workflows/inw2", its(false));
    let plan = listed.clone().ask(400, "/v1/workflows/inw2", its(true));
    let way = |way: &str| question(|own| (own.deploy, own.on_superseded) = (some("dpl1"), some(way)));
    let pinned = question(|own| own.deploy = some("dpl1"));
    let beside = Tape::default().latest(0, &recovery).detail(100, &active).flow(200, &proof());
    check(vec![
        ("ignored with a pin", pinned.clone(), both.clone(), end("passed", 250), ""),
        ("followed without one", plain(), both.clone(), end_of("passed", Some("dpl2"), 250), ""),
        ("not followed", plain(), both.clone(), end("passed", 250), "dpl2 is newer"),
        ("beside a baseline", question(|own| own.on_stale = "wait".to_owned()), both.clone(), end("passed", 250), ""),
        ("followed by a flag", way("follow"), both.clone(), end_of("passed", Some("dpl2"), 250), ""),
        ("followed without the flag", pinned, both.clone(), end_of("passed", Some("dpl2"), 250), "not what was pinned"),
        ("--on-superseded fail", way("fail"), both, end("passed", 250), "dpl2 is newer"),
        ("none is newer", way("fail"), old, end("passed", 250), ""),
        ("not read", way("fail"), unread, end("passed", 150), "was not read"),
        ("a plan, perhaps", plain(), listed, end("passed", 350), ""),
        ("no plan", plain(), read, end("passed", 450), "dpl2 is newer"),
        ("a plan", plain(), plan, end("passed", 450), ""),
        ("a recovery supersedes nothing", plain(), beside, end("passed", 250), ""),
    ]);
}

#[test]
fn old_deploys_and_second_polls() {
    let active = row("active", 60);
    let over = with(&proof(), "finished", json!(true));
    let over = with(&over, "status", json!({"status": "success"}));
    let old = Tape::default().poll(0, &active, &over);
    let fresh = Tape::default().poll(0, &row("executing", 30), &proof()).poll(3_000, &active, &over);
    let stale = |way: &str| question(|own| own.on_stale = way.to_owned());
    let mut slow = old.clone();
    slow.0.iter_mut().for_each(|own| own.done_ms += 5_000);
    let settle = question(|own| own.settle_ms = 5_000);
    let twice = old.clone().poll(6_000, &active, &over);
    check(vec![
        ("accepted", stale("accept"), old.clone(), end("passed", 250), ""),
        ("waited past", stale("wait"), old.clone(), end("passed", 250), "ended before the gate started"),
        ("refused", stale("fail"), old.clone(), end("passed", 250), "ended before the gate started"),
        ("ended while the answer was on its way", stale("wait"), slow, end("passed", 5_250), ""),
        ("not quite ended", stale("wait"), Tape::default().poll(0, &active, &proof()), end("passed", 250), ""),
        ("ended since", stale("wait"), fresh, end("passed", 3_250), ""),
        ("settled", settle.clone(), twice, end("passed", 6_250), ""),
        ("not settled", settle, old, end("passed", 250), "not polled again"),
    ]);
}
