//! Polls of a branch's run, in virtual time: what cannot be read for a while, and what is late.

use std::time::Duration;

use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, OnApproval, WatchSettings};
use nuon_gate_core::{Moment, Shard, Sharding, Target, Verdict};
use serde_json::json;

use super::branch::{Shop, deploy, group, member, reason, release, wait_for, workflow};
use crate::virtual_time::{broken, hang, s, settings, soon};

/// Until this second, nothing has ended.
fn goes_on_until(shop: &mut Shop, now: Duration, second: u64) {
    if now >= s(second) {
        return;
    }
    shop.runs = vec![release("run1", "running", 0)];
    let own = |name, group_name, flow| group("run1", group_name, "in-progress", &[member(name, "running", flow)]);
    shop.groups.insert("run1", vec![own("one", "canary", "inwone"), own("two", "customers", "inwtwo")]);
    for (flow, name, id) in [("inwone", "one", "dplone"), ("inwtwo", "two", "dpltwo")] {
        shop.workflows.insert(flow, workflow(flow, name, "in-progress", id));
        shop.deploys.insert(id, deploy(id, name, "executing", flow, 0));
    }
}

/// The workflow of install `two` cannot be read.
fn without_two(shop: &mut Shop) {
    shop.instead = |request| match request {
        Request::Workflow(_, id) if id.as_str() == "inwtwo" => Some(soon(broken())),
        _ => None,
    };
}

#[test]
fn a_deploy_of_a_poll_that_broke_off_becomes_a_target() {
    let run = wait_for("shop/main", settings(), |shop, now| {
        shop.deploys.insert("dplone", deploy("dplone", "one", "error", "inwone", 0));
        goes_on_until(shop, now, 120);
        if now < s(45) {
            without_two(shop);
        }
    });
    assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Failed, 2));
}

#[test]
fn a_deploy_is_watched_although_the_poll_breaks_off() {
    let run = wait_for("shop/main", settings(), |shop, now| {
        goes_on_until(shop, now, 120);
        without_two(shop);
    });
    let joined = run.events.iter().find(|event| matches!(event.kind, EventKind::Joined { .. }));
    assert!(joined.is_some_and(|joined| joined.at < Moment::after_start(s(10))), "{joined:?}");
    assert_eq!(run.report.targets.iter().map(|target| target.verdict).collect::<Vec<_>>(), [Verdict::Passed]);
    assert_ne!(run.report.verdict, Verdict::Passed);
}

#[test]
fn a_run_that_failed_is_known_although_an_install_cannot_be_read() {
    // It gets some time, as its deploys belong to the report.
    for (heals, targets) in [(s(3600), 1), (s(75), 2)] {
        let run = wait_for("shop/main", settings(), |shop, now| {
            goes_on_until(shop, now, 100);
            shop.runs = vec![release("run1", if now < s(60) { "running" } else { "failed" }, 0)];
            if now < heals {
                without_two(shop);
            }
        });
        assert_eq!((run.report.verdict, reason(&run).as_str()), (Verdict::Failed, "run run1 failed"));
        assert_eq!(run.report.targets.len(), targets);
        assert!(run.report.elapsed < s(140), "{:?}", run.report.elapsed);
    }
}

#[test]
fn a_shard_without_targets_passes_with_the_run() {
    let own = Target::new("inlone".parse().unwrap(), "cmpapi".parse().unwrap());
    for index in 1..=2 {
        let shard = Shard::new(index, 2).unwrap();
        let sharding = Some(Sharding { shard, run: Some("ci-7".to_owned()) });
        let shard_settings = WatchSettings { sharding, ..settings() };
        let ended = wait_for("shop/main", shard_settings.clone(), |shop, now| {
            goes_on_until(shop, now, 60);
            shop.groups.get_mut("run1").unwrap().truncate(1);
        });
        let left =
            wait_for("shop/main", WatchSettings { on_approval: OnApproval::Pass, ..shard_settings }, |shop, _| {
                shop.runs = vec![release("run1", "running", 0)];
                shop.runs[0]["app_branch_runs"][0]["awaiting_approval"] = json!(true);
                shop.groups.get_mut("run1").unwrap().truncate(1);
            });
        for run in [ended, left] {
            let (verdict, targets) = (run.report.verdict, run.report.targets.len());
            assert_eq!((verdict, targets), (Verdict::Passed, usize::from(shard.has(&own))), "{}", reason(&run));
        }
    }
}

#[test]
fn a_run_that_was_once_not_found_by_its_id_is_found_by_it_again() {
    let run = wait_for("shop/main", settings(), |shop, now| {
        goes_on_until(shop, now, 120);
        if now >= s(10) {
            shop.instead = |request| matches!(request, Request::Runs(..)).then(|| soon(broken()));
        }
        if (s(20)..s(40)).contains(&now) {
            shop.runs.clear();
        }
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{}", reason(&run));
}

/// A poll is under way when the time is up, and all has ended a second before.
#[test]
fn the_last_poll_reads_the_run_itself() {
    let clocks = Clocks { total: s(30), ..settings().clocks };
    let run = wait_for("shop/main", WatchSettings { clocks, ..settings() }, |shop, now| {
        goes_on_until(shop, now, 29);
        if (s(15)..s(30)).contains(&now) {
            shop.instead = |request| matches!(request, Request::GroupRuns(..)).then(hang);
        }
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{}", reason(&run));
}
