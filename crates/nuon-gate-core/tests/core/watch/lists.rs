//! Several targets of an install share one list, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::virtual_time::{Body, Run, Scripted, after, component, created, list, run, s, settings, soon, status, with};
use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::Report;
use nuon_gate_core::watch::{EventKind, Followed, Scope, Watch, WatchSettings};
use nuon_gate_core::{Target, Targets, Verdict};
use serde_json::{Value, json};

const WHEN: i64 = 1_800_000_000;

/// This many components of one install.
fn watch(count: usize) -> Watch {
    watch_by(settings(), count)
}

fn watch_by(settings: WatchSettings, count: usize) -> Watch {
    let target = |index: usize| Target::new("inl-acme".parse().unwrap(), format!("cmp{index}").parse().unwrap());
    let targets = Targets::new((0..count).map(target)).unwrap();
    Watch::new(settings, Scope::Targets(targets), Pins::default(), Timestamp::from_second(WHEN).unwrap()).unwrap()
}

/// A component's deploy, as in the list and its detail. It goes through three statuses in a minute.
fn deploy(index: usize, now: Duration) -> Value {
    let word = match now.as_secs() {
        0..15 => "queued",
        15..30 => "planning",
        30..50 => "executing",
        _ => "active",
    };
    let row = json!({
        "id": format!("dpl{index}"), "status": word, "install_deploy_type": "apply", "workflow_id": "inw1",
        "install_id": "inl-acme", "component_id": format!("cmp{index}"),
    });
    created(row, -5)
}

fn workflow(count: usize, now: Duration) -> Body {
    let word = if now < s(50) { "in-progress" } else { "success" };
    let step = |index: usize| {
        json!({
            "id": format!("iws{index}"), "name": format!("apply {index}"), "status": { "status": word },
            "step_target_type": "install_deploys", "step_target_id": format!("dpl{index}"),
        })
    };
    let steps: Vec<Value> = (0..count).map(step).collect();
    Body::Json(json!({ "status": { "status": word }, "finished": now >= s(50), "steps": steps }))
}

/// The report of a wait for this many components of one install, all of which passed.
pub(crate) fn ended(settings: WatchSettings, count: usize) -> Report {
    run(watch_by(settings, count), move |now, request| -> Scripted {
        soon(match request {
            Request::InstallDeploys(_) => list(&(0..count).map(|index| deploy(index, now)).collect::<Vec<_>>()),
            Request::Workflow(..) => workflow(count, now),
            _ => Body::Json(deploy(component(request).unwrap(), now)),
        })
    })
    .report
}

/// A server with this many components, whose list `listed` returns.
fn served(count: usize, mut listed: impl FnMut(Vec<Value>) -> Body) -> Run {
    run(watch(count), move |now, request| -> Scripted {
        soon(match request {
            Request::InstallDeploys(_) => listed((0..count).map(|index| deploy(index, now)).collect()),
            Request::Workflow(..) => workflow(count, now),
            Request::LatestDeploy(..) | Request::Deploy(..) => Body::Json(deploy(component(request).unwrap(), now)),
            other => panic!("{other:?} was not expected"),
        })
    })
}

fn counted(run: &Run) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    run.asked.iter().for_each(|asked| *counted.entry(asked.what()).or_default() += 1);
    counted
}

#[test]
fn ten_targets_of_an_install_share_their_polls() {
    let run = served(10, |rows| list(&rows));
    assert_eq!(run.report.verdict, Verdict::Passed);
    let counted = counted(&run);
    let kinds: Vec<&str> = counted.keys().copied().collect();
    assert_eq!(kinds, ["install's list", "workflow"], "{counted:?}");
    assert!(run.asked.len() <= 30, "at most three requests for each target: {counted:?}");
    let lists: Vec<Duration> =
        run.asked.iter().filter(|asked| asked.what() == "install's list").map(|asked| asked.at).collect();
    assert!(lists.windows(2).all(|two| two[1] - two[0] >= s(2) * 9 / 10), "never sooner than polls: {lists:?}");
}

#[test]
fn two_targets_are_polled_individually() {
    let counted = counted(&served(2, |rows| list(&rows)));
    assert!(!counted.contains_key("install's list") && counted["deploy"] > 4, "{counted:?}");
}

/// Only a detail says where a log is, and for long none can be read.
#[test]
fn following_logs_does_not_keep_a_list_from_serving() {
    let settings = WatchSettings { logs: Some(Followed::All), ..settings() };
    let run = run(watch_by(settings, 3), |now, request| -> Scripted {
        soon(match request {
            Request::InstallDeploys(_) => list(&(0..3).map(|index| deploy(index, now)).collect::<Vec<_>>()),
            Request::Workflow(..) => workflow(3, now),
            Request::Deploy(..) if now < s(100) => status(500),
            _ => Body::Json(deploy(component(request).unwrap(), now)),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    let first = run.events.iter().find(|event| matches!(event.kind, EventKind::Ended { .. })).unwrap();
    assert!(first.at.elapsed() < s(75), "{:?}", first.at);
}

#[test]
fn a_missing_list_is_requested_twice() {
    let run = served(10, |_| status(404));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(counted(&run)["install's list"], 2);
}

#[test]
fn a_list_with_less_than_the_detail_proves_nothing() {
    let bare = |rows: Vec<Value>| {
        let bare = |row: Value| with(row, json!({ "status": "active", "install_id": "" }));
        list(&rows.into_iter().map(bare).collect::<Vec<_>>())
    };
    let run = served(10, bare);
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.report.elapsed >= s(50), "not before the details say so: {:?}", run.report.elapsed);
}

#[test]
fn a_list_without_installs_still_shows_changes() {
    let unsaid = |rows: Vec<Value>| {
        list(&rows.into_iter().map(|row| with(row, json!({ "install_id": "" }))).collect::<Vec<_>>())
    };
    let run = served(10, unsaid);
    assert_eq!(run.report.verdict, Verdict::Passed);
    let counted = counted(&run);
    assert_eq!(counted["deploy"], 10, "only a verdict needs a detail: {counted:?}");
}

#[test]
fn a_list_without_components_is_requested_once() {
    let run = served(10, |rows| {
        let unsaid = |row: Value| with(row, json!({ "component_id": "" }));
        list(&rows.into_iter().map(unsaid).collect::<Vec<_>>())
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(counted(&run)["install's list"], 1);
}

#[test]
fn a_list_that_arrives_during_a_poll_counts_in_it() {
    let of = |row: Value, workflow: &str| with(row, json!({ "workflow_id": workflow }));
    let run = run(watch(3), move |now, request| {
        let active = of(with(deploy(1, s(60)), json!({ "id": "dpl1" })), "inw-old");
        let newer = created(of(with(active.clone(), json!({ "id": "dpl-new", "status": "queued" })), "inw-new"), 1);
        let rows = match now < s(1) {
            true => vec![deploy(0, now), active.clone(), deploy(2, now)],
            false => vec![newer.clone(), deploy(0, now), active.clone(), deploy(2, now)],
        };
        match request {
            Request::InstallDeploys(_) => soon(list(&rows)),
            Request::Workflow(_, id) if id.as_str() == "inw-old" => after(s(4), steps_of("success", "dpl1")),
            Request::Workflow(_, id) if id.as_str() == "inw-new" => soon(steps_of("in-progress", "dpl-new")),
            Request::Workflow(..) => soon(workflow(3, now)),
            Request::Deploy(_, _, id) if id.as_str() == "dpl-new" => soon(Body::Json(newer)),
            Request::Deploy(_, _, id) if id.as_str() == "dpl1" => soon(Body::Json(active)),
            Request::LatestDeploy(..) if component(request) == Some(1) => soon(Body::Json(newer)),
            Request::LatestDeploy(..) | Request::Deploy(..) => {
                soon(Body::Json(deploy(component(request).unwrap(), now)))
            }
            other => panic!("{other:?} was not expected"),
        }
    });
    let followed = run.report.targets[1].deploy.as_ref().and_then(|row| row.id.as_ref());
    assert_eq!((run.report.targets[1].verdict, followed.unwrap().as_str()), (Verdict::TimedOut, "dpl-new"));
}

fn followed_beside_a_plan(is_newest: bool) -> (Verdict, String) {
    let of = |row: Value, workflow: &str| with(row, json!({ "workflow_id": workflow }));
    let run = run(watch(3), move |now, request| {
        let word = if now < s(1) { "executing" } else { "active" };
        let active = of(with(deploy(1, s(60)), json!({ "id": "dpl1", "status": word })), "inw-old");
        let newer = |id: &str, workflow: &str, second| {
            created(of(with(active.clone(), json!({ "id": id, "status": "queued" })), workflow), second)
        };
        let (plan, new) =
            (newer("dpl-plan", "inw-plan", 1), newer("dpl-new", "inw-new", if is_newest { 2 } else { 0 }));
        let own = [deploy(0, now), active.clone(), deploy(2, now)];
        // The plan appears, and the other row while its workflow is requested.
        let two = if is_newest { [&new, &plan] } else { [&plan, &new] };
        let more: &[&Value] = match now.as_secs() {
            0 => &[],
            1..3 => &[&plan],
            _ => &two,
        };
        let rows: Vec<Value> = more.iter().copied().chain(&own).cloned().collect();
        match request {
            Request::InstallDeploys(_) => soon(list(&rows)),
            Request::Workflow(_, id) if id.as_str() == "inw-plan" => {
                after(s(4), Body::Json(json!({ "status": { "status": "in-progress" }, "plan_only": true })))
            }
            Request::Workflow(_, id) if id.as_str() == "inw-old" => soon(steps_of("success", "dpl1")),
            Request::Workflow(_, id) if id.as_str() == "inw-new" => soon(steps_of("in-progress", "dpl-new")),
            Request::Workflow(..) => soon(workflow(3, now)),
            Request::Deploy(_, _, id) if id.as_str() == "dpl-new" => soon(Body::Json(new)),
            Request::Deploy(_, _, id) if id.as_str() == "dpl1" => soon(Body::Json(active)),
            Request::LatestDeploy(..) if component(request) == Some(1) => soon(Body::Json(active)),
            Request::LatestDeploy(..) | Request::Deploy(..) => {
                soon(Body::Json(deploy(component(request).unwrap(), now)))
            }
            other => panic!("{other:?} was not expected"),
        }
    });
    let target = &run.report.targets[1];
    (target.verdict, target.deploy.as_ref().and_then(|row| row.id.as_ref()).unwrap().to_string())
}

#[test]
fn the_workflow_of_one_newer_row_proves_nothing_about_another() {
    // Whether the other one is newer than the plan, or older and only shown late.
    for is_newest in [true, false] {
        assert_eq!(followed_beside_a_plan(is_newest), (Verdict::TimedOut, "dpl-new".to_owned()), "{is_newest}");
    }
}

#[test]
fn a_lists_row_of_the_deploy_counts_in_the_next_poll() {
    let settings = WatchSettings { long_poll: true, ..settings() };
    let own = |now: Duration| {
        let word = if now < s(1) { "queued" } else { "active" };
        with(deploy(1, now), json!({ "status": word, "workflow_id": "inw-slow" }))
    };
    let run = run(watch_by(settings, 3), move |now, request| match request {
        Request::InstallDeploys(_) => soon(list(&[deploy(0, now), own(now), deploy(2, now)])),
        // Requested before the deploy is seen to pass, and answered later.
        Request::Workflow(_, id) if id.as_str() == "inw-slow" => after(s(4), steps_of("success", "dpl1")),
        Request::Workflow(..) => soon(workflow(3, now)),
        Request::Await(..) => soon(status(404)),
        Request::LatestDeploy(..) | Request::Deploy(..) if component(request) == Some(1) => soon(Body::Json(own(now))),
        Request::LatestDeploy(..) | Request::Deploy(..) => soon(Body::Json(deploy(component(request).unwrap(), now))),
        other => panic!("{other:?} was not expected"),
    });
    assert_eq!(run.report.targets[1].verdict, Verdict::Passed);
    let slow = run
        .asked
        .iter()
        .filter(|asked| matches!(&asked.request, Request::Workflow(_, id) if id.as_str() == "inw-slow"));
    let asked: Vec<Duration> = slow.map(|asked| asked.at).collect();
    assert!(asked[0] < s(1) && asked.iter().any(|at| *at > s(1)), "read after it: {asked:?}");
}

/// A workflow with one step, for this deploy.
fn steps_of(word: &str, deploy: &str) -> Body {
    let step = json!({
        "id": "iws1", "name": "apply", "status": { "status": word }, "step_target_type": "install_deploys",
        "step_target_id": deploy,
    });
    Body::Json(json!({ "status": { "status": word }, "finished": word == "success", "steps": [step] }))
}

#[test]
fn a_list_of_another_install_proves_nothing() {
    let run = served(10, |rows| {
        let other = |row: Value| with(row, json!({ "status": "active", "install_id": "inl-other" }));
        list(&rows.into_iter().map(other).collect::<Vec<_>>())
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.report.elapsed >= s(50), "{:?}", run.report.elapsed);
}
