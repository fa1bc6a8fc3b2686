//! Passes: the right deploy.

use serde_json::json;

use super::*;

#[test]
fn each_pin() {
    let tape = || Tape::default().poll(0, &row("active", 60), &proof());
    let base = with(&with(&row("active", 60), "id", json!("dpl0")), "created_at", json!("2026-08-03T15:00:00Z"));
    let based = tape().ask(300, "/v1/installs/inl1/components/cmp1/deploys", ok(&json!([base])));
    let pass = |name: &'static str, change: &dyn Fn(&mut Question), part| {
        (name, question(change), tape(), end("passed", 250), part)
    };
    let timeless = with(&row("active", 60), "created_at", Value::Null);
    let timeless = Tape::default().poll(0, &timeless, &proof());
    let itself = question(|own| own.after = some("dpl1"));
    let after = question(|own| own.after = some("dpl0"));
    check(vec![
        pass("id", &|own| own.deploy = some("dpl1"), ""),
        pass("another id", &|own| own.deploy = some("dpl2"), "its id"),
        pass("workflow", &|own| own.workflow = some("inw1"), ""),
        pass("another workflow", &|own| own.workflow = some("inw2"), "its workflow"),
        pass("build", &|own| own.build = some("bld1"), ""),
        pass("another build", &|own| own.build = some("bld2"), "its build"),
        pass("commit", &|own| own.commit = some("4be1"), ""),
        pass("another commit", &|own| own.commit = some("4be2"), "its commit"),
        pass("after", &|own| own.after = some("dpl0"), ""),
        pass("the baseline itself", &|own| own.after = some("dpl1"), "the baseline"),
        ("the baseline without a time", itself, timeless, end("passed", 250), "the baseline"),
        ("older than the baseline", after, based, end("passed", 350), "the baseline"),
        pass("since, with leeway", &|own| own.since = some("2026-08-03T14:00:05Z"), ""),
        pass("before", &|own| own.since = some("2026-08-03T14:00:06Z"), "made since"),
        pass("expected", &|own| own.expect = some("apply"), ""),
        pass("not expected", &|own| own.expect = some("teardown"), "--expect"),
    ]);
}

#[test]
fn an_older_deploy_of_the_build() {
    let newer = with(&with(&row("queued", 90), "id", json!("dpl2")), "created_at", json!("2026-08-03T14:01:30Z"));
    let newer = with(&with(&newer, "workflow_id", json!("inw2")), "build_id", json!("bld2"));
    let newest = |row: &Value, second: i64| {
        let latest = "/v1/installs/inl1/components/cmp1/deploys/latest";
        let tape = Tape::default().ask(0, latest, dated(row, second));
        tape.flow(60, &with(&flow("in-progress", &[step("queued", "dpl2")]), "id", json!("inw2")))
    };
    let by_build = || question(|own| own.build = some("bld1"));
    let and_workflow = question(|own| (own.build, own.workflow) = (some("bld1"), some("inw1")));
    let ignored = with(&newer, "build_id", json!("bld1"));
    let plan = with(&newer, "status_v2", json!({"status": "no-drift", "created_at_ts": 1_785_765_690}));
    let over = flow("success", &[step("success", "dpl1")]);
    let over = with(&over, "finished", json!(true));
    let at_work = newest(&newer, 200).poll(100, &row("active", 60), &proof());
    let then = |tape: Tape| tape.poll(100, &row("active", 60), &over);
    let (long_ago, just) = (then(newest(&newer, 200)), then(newest(&newer, 62)));
    check(vec![
        (
            "it had ended before",
            by_build(),
            long_ago.clone(),
            end("passed", 350),
            "dpl2, which does not match, is newer",
        ),
        ("its workflow goes on", by_build(), at_work, end("passed", 350), ""),
        ("it had not, clearly", by_build(), just, end("passed", 350), ""),
        ("its workflow is pinned too", and_workflow, long_ago.clone(), end("passed", 350), ""),
        ("the newer one is of the build", by_build(), then(newest(&ignored, 200)), end("passed", 350), ""),
        ("the newer one was a plan", by_build(), then(newest(&plan, 200)), end("passed", 350), ""),
        ("another is waited for", by_build(), long_ago, end("timed_out", 300_000), ""),
    ]);
}

#[test]
fn replacements() {
    let gone = row("retried", 40);
    let next = with(&with(&row("active", 60), "id", json!("dpl2")), "created_at", json!("2026-08-03T14:00:45Z"));
    let steps = flow("in-progress", &[step("error", "dpl1"), step("success", "dpl2")]);
    let tape = |first: &Value| Tape::default().detail(0, first).latest(100, &next).flow(200, &steps);
    let repeated = with(&step("error", "dpl1"), "retried", json!(true));
    let steps = flow("in-progress", &[repeated, step("success", "dpl2")]);
    let failed = row("error", 40);
    let again = Tape::default().detail(0, &failed).latest(100, &next).flow(200, &steps);
    let pinned = || question(|own| own.deploy = some("dpl1"));
    let moved = with(&gone, "workflow_id", json!("inw2"));
    let passed = || end_of("passed", Some("dpl2"), 250);
    check(vec![
        ("replaced", pinned(), tape(&gone), passed(), ""),
        ("not replaced", pinned(), tape(&row("executing", 40)), passed(), "its id"),
        ("in error, and its step was repeated", pinned(), again, passed(), ""),
        ("in error, and its step was not", pinned(), tape(&failed), passed(), "its id"),
        ("in another workflow", pinned(), tape(&moved), passed(), "its id"),
    ]);
}
