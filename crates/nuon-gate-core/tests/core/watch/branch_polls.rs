//! Polls of a branch's run, in virtual time: what cannot be read for a while, and what is late.

use std::time::Duration;

use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, OnApproval, OnSuperseded, WatchSettings};
use nuon_gate_core::{Moment, Shard, Sharding, Target, Verdict};
use serde_json::json;

use super::branch::{Shop, deploy, group, member, reason, release, wait_for, workflow};
use crate::virtual_time::{Run, broken, hang, s, settings, soon};

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

/// A later run took install `two` before this one deployed to it. It reaches it at this second, and is done 20 s later. This
/// run succeeds at 20 s.
fn taken(shop: &mut Shop, now: Duration, reaches: u64) {
    goes_on_until(shop, now, 20);
    let two = json!({"install_id": "inltwo", "status": "cancelled", "superseded_by_run_id": "run2"});
    *shop.customers() = group("run1", "customers", "cancelled", &[two]);
    let is_done = now >= s(reaches + 20);
    let (run, word, own) = match is_done {
        true => ("success", "success", "active"),
        false => ("running", "in-progress", "executing"),
    };
    shop.runs.push(release("run2", run, 5));
    shop.groups.insert("run2", vec![group("run2", "canary", word, &[])]);
    shop.deploys.remove("dpltwo");
    if now >= s(reaches) {
        let reached = group("run2", "customers", word, &[member("two", word, "inwtwo2")]);
        shop.groups.get_mut("run2").unwrap().push(reached);
        shop.workflows.insert("inwtwo2", workflow("inwtwo2", "two", word, "dpltwo2"));
        shop.deploys.insert("dpltwo2", deploy("dpltwo2", "two", own, "inwtwo2", 50));
    }
}

fn follow(change: impl Fn(&mut Shop, Duration)) -> Run {
    let settings = WatchSettings { on_superseded: Some(OnSuperseded::Follow), ..settings() };
    wait_for("shop/main/run1", settings, change)
}

#[test]
fn a_later_run_that_took_an_install_may_take_its_time() {
    for reaches in [25, 200] {
        let run = follow(|shop, now| taken(shop, now, reaches));
        assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Passed, 2), "{}", reason(&run));
    }
    // That it cannot be read is no word against it.
    let run = follow(|shop, now| {
        taken(shop, now, 200);
        shop.instead = |request| match request {
            Request::Run(_, id) if id.as_str() == "run2" => Some(soon(broken())),
            _ => None,
        };
    });
    assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Passed, 2), "{}", reason(&run));
}

#[test]
fn a_later_run_that_ended_before_an_install_that_it_took_deploys_nothing_there() {
    for word in ["success", "failed"] {
        let run = follow(|shop, now| {
            taken(shop, now, 3600);
            if now >= s(100) {
                shop.runs[1] = release("run2", word, 5);
            }
        });
        let expected = "the run says that it succeeded, but nothing was deployed to install inltwo";
        assert_eq!((run.report.verdict, reason(&run).as_str()), (Verdict::Failed, expected));
        assert!((s(130)..s(160)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
    }
}

#[test]
fn a_later_run_may_have_no_groups_yet() {
    let run = follow(|shop, now| {
        taken(shop, now, 60);
        if now < s(60) {
            shop.groups.remove("run2");
        }
    });
    assert_eq!((run.report.verdict, run.report.targets.len()), (Verdict::Passed, 2), "{}", reason(&run));
}
