//! A later run of the branch takes over an install.

use std::time::Duration;

use nuon_gate_core::Verdict;
use nuon_gate_core::watch::{OnSuperseded, WatchSettings};
use serde_json::json;

use crate::virtual_time::{s, settings, with};

use super::branch::{Shop, deploy, group, member, reason, release, wait_for, workflow};

/// The first run's deploy to `two` is cancelled at 10 s. At 14 s the run says that another run took the install. That
/// run's deploy appears at 18 s and ends in `ends` at 30 s.
fn takeover(shop: &mut Shop, now: Duration, ends: &str) {
    let running = |yes: bool| if yes { "running" } else { "success" };
    shop.runs = vec![release("run1", running(now < s(32)), 0)];
    let (status, step) = if now < s(10) { ("executing", "in-progress") } else { ("cancelled", "cancelled") };
    shop.deploys.insert("dpltwo", deploy("dpltwo", "two", status, "inwtwo", 0));
    shop.workflows.insert("inwtwo", workflow("inwtwo", "two", step, "dpltwo"));
    let own = member("two", if now < s(14) { "running" } else { "cancelled" }, "inwtwo");
    let own = if now < s(14) { own } else { with(own, json!({"superseded_by_run_id": "run2"})) };
    *shop.customers() = group("run1", "customers", if now < s(32) { "in-progress" } else { "cancelled" }, &[own]);
    if now >= s(14) {
        shop.runs.insert(0, release("run2", "running", 14));
        shop.groups
            .insert("run2", vec![group("run2", "customers", "in-progress", &[member("two", "running", "inwtwo2")])]);
        shop.workflows.insert("inwtwo2", with(workflow("inwtwo2", "two", "in-progress", ""), json!({"steps": []})));
    }
    if now >= s(18) {
        let (status, step) = match now < s(30) {
            true => ("executing", "in-progress"),
            false => (ends, if ends == "active" { "success" } else { "error" }),
        };
        shop.deploys.insert("dpltwo2", deploy("dpltwo2", "two", status, "inwtwo2", 18));
        shop.workflows.insert("inwtwo2", workflow("inwtwo2", "two", step, "dpltwo2"));
    }
}

#[test]
fn a_deploy_that_was_cancelled_for_a_later_run_follows_the_policy() {
    use OnSuperseded::{Fail, Follow, Ignore};
    let ends = |named, way, ends| {
        let run = wait_for(named, WatchSettings { on_superseded: way, ..settings() }, |shop, now| {
            takeover(shop, now, ends);
        });
        let deploy = run.report.targets[1].deploy.as_ref().and_then(|deploy| deploy.id.clone()).unwrap();
        (run.report.verdict, run.report.targets.len(), deploy.to_string())
    };
    let (first, second) = (|| "dpltwo".to_owned(), || "dpltwo2".to_owned());
    assert_eq!(ends("shop/main/run1", Some(Follow), "active"), (Verdict::Passed, 2, second()));
    assert_eq!(ends("shop/main/run1", Some(Follow), "error"), (Verdict::Failed, 2, second()));
    assert_eq!(ends("shop/main/run1", Some(Ignore), "active"), (Verdict::Cancelled, 2, first()));
    assert_eq!(ends("shop/main/run1", None, "active"), (Verdict::Cancelled, 2, first()));
    assert_eq!(ends("shop/main", None, "active"), (Verdict::Passed, 2, second()));
    let (verdict, ..) = ends("shop/main/run1", Some(Fail), "active");
    assert_eq!(verdict, Verdict::Superseded);
}

/// Only the first poll shows that a later run has taken the install.
#[test]
fn an_install_that_was_taken_is_not_given_back() {
    let ends = |shown: bool| {
        let fail = WatchSettings { on_superseded: Some(OnSuperseded::Fail), ..settings() };
        let run = wait_for("shop/main/run1", fail, |shop, now| {
            let (run, group_word) = if now < s(20) { ("running", "in-progress") } else { ("success", "success") };
            let own = member("two", "success", "inwtwo");
            let own = if shown && now < s(1) { with(own, json!({"superseded_by_run_id": "run2"})) } else { own };
            *shop.customers() = group("run1", "customers", group_word, &[own]);
            shop.runs = vec![release("run1", run, 0)];
        });
        run.report.verdict
    };
    assert_eq!([ends(true), ends(false)], [Verdict::Superseded, Verdict::Passed]);
}

#[test]
fn a_deploy_that_a_person_cancelled_is_cancelled() {
    let run = wait_for("shop/main", settings(), |shop, now| {
        takeover(shop, now.min(s(13)), "active");
    });
    let [_, two] = run.report.targets.as_slice() else { panic!("{:?}", run.report.targets) };
    assert_eq!(two.verdict, Verdict::Cancelled);
    assert_eq!(two.cause.as_ref().unwrap().to_string(), "the deploy ended as `cancelled`; the server gives no reason");
}

/// A later run takes an install before this one has deployed to it, and tears it down.
#[test]
fn following_never_crosses_from_an_apply_to_a_teardown() {
    let torn_down = |shop: &mut Shop, _: Duration| {
        shop.runs.insert(0, release("run2", "success", 5));
        *shop.customers() = group(
            "run1",
            "customers",
            "success",
            &[with(member("two", "success", "inwtwo"), json!({"superseded_by_run_id": "run2"}))],
        );
        let kind = json!({"install_deploy_type": "teardown"});
        shop.deploys.insert("dpltwo", with(deploy("dpltwo", "two", "inactive", "inwtwo", 0), kind));
        shop.groups.insert("run2", vec![group("run2", "customers", "success", &[member("two", "success", "inwtwo")])]);
    };
    let settings = WatchSettings { on_superseded: Some(OnSuperseded::Follow), ..settings() };
    let run = wait_for("shop/main/run1", settings, torn_down);
    assert_eq!(run.report.verdict, Verdict::Failed);
    assert!(reason(&run).contains("teardown"), "{}", reason(&run));
}
