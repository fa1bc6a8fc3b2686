//! Which of a component's deploys matches, and what happens if a newer one appears, in virtual time.

use std::time::Duration;

use crate::virtual_time::{
    Run, STARTED_AT, Scripted, created, deploy, exists, latest, list, ms, none, pinned, row, run, s, settings, soon,
    status, step, watch, with, workflow,
};
use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::pins::{Baseline, Pins, Since};
use nuon_gate_core::watch::{Clocks, EventKind, OnSuperseded, Watch, WatchSettings};
use nuon_gate_core::{Clock, Kind, MatchedBy, Verdict};
use serde_json::{Value, json};

/// A row with every field that a pin can match, all derived from one name.
fn full(name: &str, status: &str, second: i64) -> Value {
    let commit = if name == "Mine" { "4be1c7d09f5a2e63" } else { "ffff1c7d09f5a2e6" };
    let more = json!({
        "workflow_id": format!("inw{name}"), "build_id": format!("bld{name}"),
        "component_build": { "vcs_connection_commit": { "sha": commit } },
    });
    with(created(row(&format!("dpl{name}"), status), second), more)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(STARTED_AT + second).unwrap()
}

fn newer_than(id: &str, second: i64) -> Option<Baseline> {
    Some(Baseline::Known(id.parse().unwrap(), at(second)))
}

fn only(pins: Pins) -> Watch {
    watch(settings(), 1, pins)
}

/// A server that returns the list, its first row as the newest, and each row by its id. Workflows are running.
fn rows(at: impl Fn(Duration) -> Vec<Value>) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        let rows = at(now);
        soon(match request {
            Request::LatestDeploy(..) => rows.first().map_or_else(none, deploy),
            Request::Deploys(..) => list(&rows),
            Request::Deploy(_, _, id) => {
                rows.iter().find(|row| row["id"] == id.as_str()).map_or_else(|| status(404), deploy)
            }
            Request::Workflow(_, id) => {
                let deploy = id.as_str().replace("inw", "dpl");
                workflow("in-progress", false, &[step("deploy", "success", &deploy)])
            }
            _ => exists(request),
        })
    }
}

fn superseded(run: &Run) -> Vec<(&str, &str, OnSuperseded)> {
    let to = |kind: &'_ EventKind| matches!(kind, EventKind::Superseded { .. });
    let events = run.events.iter().filter(|event| to(&event.kind));
    events
        .filter_map(|event| match &event.kind {
            EventKind::Superseded { from, to, policy, .. } => Some((from.as_str(), to.as_str(), *policy)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_right_one_is_found_behind_a_newer_one() {
    let none = Pins::default();
    let cases = [
        (Pins { workflow: "inwMine".parse().ok(), ..none.clone() }, MatchedBy::Workflow),
        (Pins { build: "bldMine".parse().ok(), ..none.clone() }, MatchedBy::Build),
        (Pins { commit: "4BE1C7D".parse().ok(), ..none.clone() }, MatchedBy::Commit),
        (Pins { build: "bldMine".parse().ok(), after: newer_than("dplOld", -600), ..none.clone() }, MatchedBy::Build),
        (
            Pins { commit: "4be1c7d09f".parse().ok(), since: Some(Since::At(at(-55))), ..none.clone() },
            MatchedBy::Commit,
        ),
        (
            Pins {
                workflow: "inwMine".parse().ok(),
                after: Some(Baseline::NoneAt(at(-60))),
                since: Some(Since::At(at(-85))),
                ..none
            },
            MatchedBy::Workflow,
        ),
    ];
    for (pins, by) in cases {
        let run = run(
            only(pins.clone()),
            rows(|now| {
                let mine = full("Mine", if now < s(60) { "executing" } else { "active" }, -60);
                vec![full("Other", "active", -30), mine, full("Old", "active", -600)]
            }),
        );
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"), "{pins:?}");
        assert_eq!(run.target().matched_by, Some(by));
        assert_eq!(run.what()[..3], ["latest", "list", "deploy"], "{pins:?}");
        assert!(run.report.elapsed >= s(60));
        assert!(run.warnings().is_empty(), "{:?}", run.warnings());
        // The newer one is reported once, and changes nothing.
        assert_eq!(superseded(&run), [("dplMine", "dplOther", OnSuperseded::Ignore)]);
        assert_eq!(run.target().superseded_by.as_ref().unwrap().as_str(), "dplOther");
    }
}

#[test]
fn an_unreadable_list_is_requested_again() {
    for code in [404, 500] {
        let pins = Pins { build: "bldMine".parse().ok(), ..Pins::default() };
        let mut server = rows(|now| {
            let mine = full("Mine", if now < s(40) { "executing" } else { "active" }, -60);
            vec![full("Other", "active", -30), mine]
        });
        let run = run(only(pins), |now, request| match request {
            Request::Deploys(..) if now < s(20) => soon(status(code)),
            _ => server(now, request),
        });
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"), "{code}");
        assert!((s(40)..s(51)).contains(&run.report.elapsed), "{code}: {:?}", run.report.elapsed);
    }
}

#[test]
fn an_older_one_of_the_build_that_had_ended_is_not_the_one() {
    let pins = || Pins { build: "bldMine".parse().ok(), ..Pins::default() };
    let is_there = |now| now >= s(20);
    let again = run(
        only(pins()),
        rows(move |now| {
            let again = with(
                full("Again", if now < s(60) { "executing" } else { "error" }, 20),
                json!({ "build_id": "bldMine" }),
            );
            let older = vec![full("Other", "active", -30), full("Mine", "active", -60)];
            if is_there(now) { [vec![again], older].concat() } else { older }
        }),
    );
    assert_eq!((again.report.verdict, again.deploy_id()), (Verdict::Failed, "dplAgain"));
    let never = run(only(pins()), rows(|_| vec![full("Other", "active", -30), full("Mine", "active", -60)]));
    assert_eq!(never.report.verdict, Verdict::TimedOut);
    let reason = never.target().cause.as_ref().unwrap().to_string();
    assert!(reason.contains("dplOther") && reason.contains("bldOther"), "{reason}");
    assert!(never.warnings().iter().any(|own| own.contains("dplMine is of what is pinned")), "{:?}", never.warnings());
}

#[test]
fn a_deploy_that_does_not_match_never_passes() {
    let none = Pins::default();
    let cases = [
        (Pins { workflow: "inwMine".parse().ok(), ..none.clone() }, Clock::Total),
        (Pins { build: "bldMine".parse().ok(), ..none.clone() }, Clock::Start),
        (Pins { commit: "4be1c7d".parse().ok(), ..none.clone() }, Clock::Start),
        (Pins { after: newer_than("dplOld", -30), ..none.clone() }, Clock::Start),
        (Pins { after: newer_than("dplOther", -60), ..none.clone() }, Clock::Start),
        (Pins { after: Some(Baseline::NoneAt(at(-29))), ..none.clone() }, Clock::Start),
        (Pins { since: Some(Since::At(at(-24))), ..none.clone() }, Clock::Start),
        // A pin that matches does not make up for one that does not.
        (Pins { build: "bldOther".parse().ok(), since: Some(Since::At(at(-24))), ..none.clone() }, Clock::Start),
        (Pins { commit: "ffff1c7".parse().ok(), build: "bldMine".parse().ok(), ..none }, Clock::Start),
    ];
    for (pins, clock) in cases {
        for word in ["active", "error", "executing", "auto-skipped", "retried"] {
            let server = rows(|_| vec![full("Other", word, -30), full("Old", word, -600)]);
            let run = run(only(pins.clone()), server);
            assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(clock)), "{pins:?}");
            assert_eq!((run.deploy_id(), run.target().matched_by), ("none", None), "{pins:?}");
            // The list can lag, so it is read again, but not in each poll.
            let asked = |what| run.what().into_iter().filter(|asked| *asked == what).count();
            assert!((2..asked("latest") / 2).contains(&asked("list")), "{} lists: {pins:?}", asked("list"));
            assert_eq!(run.count(|kind| matches!(kind, EventKind::NotStarted { .. })), 1);
        }
    }
}

#[test]
fn since_matches_deploys_created_then_or_later() {
    for pins in [
        Pins { since: Some(Since::At(at(-25))), ..Pins::default() },
        Pins { after: Some(Baseline::NoneAt(at(-30))), ..Pins::default() },
        Pins { after: newer_than("dplOld", -31), ..Pins::default() },
    ] {
        // The list shows whether it retries the baseline.
        let has_baseline = matches!(pins.after, Some(Baseline::Known(..) | Baseline::Seen { .. }));
        let run = run(only(pins), rows(|_| vec![full("Mine", "active", -30)]));
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"));
        let asked = ["latest", "list", "deploy", "workflow"].into_iter().filter(|what| has_baseline || *what != "list");
        assert_eq!(run.what(), asked.collect::<Vec<_>>());
    }
}

#[test]
fn the_age_of_the_baseline_is_read_once() {
    let pins = Pins { after: Some(Baseline::Deploy("dplOld".parse().unwrap())), ..Pins::default() };
    let run = run(
        only(pins),
        rows(|now| {
            let mine = full("Mine", if now < s(60) { "executing" } else { "active" }, 30);
            let old = full("Old", "active", -600);
            if now < s(30) { vec![old] } else { vec![mine, old] }
        }),
    );
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"));
    assert_eq!(run.target().matched_by, Some(MatchedBy::After));
    assert_eq!(run.what()[..4], ["deploy", "latest", "list", "latest"]);
    let about_old = |asked: &&crate::virtual_time::Asked| matches!(&asked.request, Request::Deploy(_, _, id) if id.as_str() == "dplOld");
    assert_eq!(run.asked.iter().filter(about_old).count(), 1);
    assert!(run.warnings().is_empty(), "{:?}", run.warnings());
}

#[test]
fn a_baseline_that_does_not_exist_is_rejected() {
    let pins = Pins { after: Some(Baseline::Deploy("dplOld".parse().unwrap())), ..Pins::default() };
    let run = run(only(pins), rows(|_| vec![full("Mine", "active", 30)]));
    assert_eq!((run.report.verdict, run.what()), (Verdict::Rejected, vec!["deploy"; 3]));
    assert!(run.reason().starts_with("there is no deploy `dplOld`"), "{}", run.reason());
}

#[test]
fn a_baseline_of_another_component_is_rejected_also_beside_a_deploy_that_is_named() {
    let after = Some(Baseline::Deploy("dplOld".parse().unwrap()));
    let old = with(full("Old", "active", -600), json!({ "component_id": "cmp9" }));
    for deploy in [None, "dplMine".parse().ok()] {
        let pins = Pins { deploy, after: after.clone(), ..Pins::default() };
        let run = run(only(pins), rows(|_| vec![full("Mine", "executing", 30), old.clone()]));
        assert_eq!(run.report.verdict, Verdict::Rejected);
        assert_eq!(run.reason(), "deploy dplOld belongs to component cmp9, not to cmp0");
        assert!(run.report.elapsed < s(1), "at once");
    }
}

#[test]
fn a_baseline_of_unknown_age_matches_nothing() {
    let pins = Pins { after: Some(Baseline::Deploy("dplOld".parse().unwrap())), ..Pins::default() };
    let run = run(only(pins), rows(|_| vec![full("Mine", "active", 30), row("dplOld", "active")]));
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(Clock::Start)));
    assert!(run.reason().contains("has no time of creation"), "{}", run.reason());
}

fn of_workflow() -> Watch {
    only(Pins { workflow: "inwMine".parse().ok(), ..Pins::default() })
}

#[test]
fn a_running_workflow_stops_the_start_timeout() {
    let run = run(
        of_workflow(),
        rows(|now| {
            let other = full("Other", "active", -30);
            if now < s(1000) { vec![other] } else { vec![full("Mine", "active", 1000), other] }
        }),
    );
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"), "{:?}", run.run_reason());
    assert!(run.report.elapsed >= s(1000));
}

#[test]
fn a_running_workflow_stops_the_start_timeout_of_every_target() {
    let pins = Pins { workflow: "inwMine".parse().ok(), ..Pins::default() };
    let mut answers = rows(|_| vec![full("Other", "active", -30)]);
    let run = run(watch(settings(), 2, pins), move |now, request| match request {
        Request::Deploys(_, component) if component.as_str() == "cmp1" && now < s(1000) => soon(status(503)),
        Request::Deploys(..) | Request::LatestDeploy(..) if now >= s(1000) => {
            let mine = full("Mine", "active", 1000);
            soon(if matches!(request, Request::Deploys(..)) { list(&[mine]) } else { deploy(&mine) })
        }
        Request::Deploy(..) => soon(deploy(&full("Mine", "active", 1000))),
        _ => answers(now, request),
    });
    assert_eq!(run.report.targets.iter().map(|own| own.verdict).collect::<Vec<_>>(), [Verdict::Passed; 2]);
}

#[test]
fn a_workflow_that_ends_without_the_deploy_names_the_step() {
    let cases = [
        ("error", true, Verdict::Failed, "the workflow failed: step 2 of 3, await runner healthy, failed, and "),
        (
            "failed-pending-retry",
            false,
            Verdict::Failed,
            "the workflow failed and waits for a retry: step 2 of 3, await runner healthy, failed, and ",
        ),
        (
            "cancelled",
            false,
            Verdict::Cancelled,
            "the workflow was cancelled: step 2 of 3, await runner healthy, failed, and ",
        ),
    ];
    for (word, finished, verdict, reason) in cases {
        let steps = [
            step("sync", "success", "dplSync"),
            step("await runner healthy", "error", "dplSync"),
            step("deploy cmp0", "not-attempted", "dplNever"),
        ];
        let mut server = rows(|_| vec![full("Other", "active", -30)]);
        let run = run(of_workflow(), |now, request| match request {
            Request::Workflow(..) if now >= s(40) => soon(workflow(word, finished, &steps)),
            _ => server(now, request),
        });
        assert_eq!(run.report.verdict, verdict, "{word}");
        assert_eq!(run.reason(), format!("{reason}the component was never attempted"));
        // A workflow that names deploys may be ahead of the list of rows.
        assert!((s(70)..s(91)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
        assert_eq!(run.what()[run.what().len() - 2..], ["workflow", "list"], "it might just have come");
    }
}

#[test]
fn a_deploy_that_came_with_the_end_of_its_workflow_is_found() {
    // There was nothing to do: the row appeared and ended, and its workflow too, while the workflow was requested.
    let mut server = rows(|now| if now < ms(350) { vec![] } else { vec![full("Mine", "auto-skipped", 0)] });
    let run = run(of_workflow(), |now, request| match request {
        Request::Workflow(..) => soon(workflow("success", true, &[step("deploy", "auto-skipped", "dplMine")])),
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dplMine"), "{:?}", run.run_reason());
    assert_eq!(run.what()[..6], ["latest", "install", "component", "hundred", "workflow", "list"]);
}

#[test]
fn a_workflow_that_does_not_exist_is_rejected() {
    let mut server = rows(|_| vec![full("Other", "active", -30)]);
    let run = run(of_workflow(), |now, request| match request {
        Request::Workflow(..) => soon(status(404)),
        _ => server(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::Rejected);
    assert_eq!(run.what().into_iter().filter(|what| *what == "workflow").count(), 3);
    assert!(run.reason().starts_with("there is no workflow `inwMine`"), "{}", run.reason());
}

/// dplMine runs for a minute. dplOther appears half-way and runs for two.
fn overtaken(watch: Watch, second: &'static str) -> Run {
    let word = |now: Duration, end: u64| if now < s(end) { "executing" } else { "active" };
    run(
        watch,
        rows(move |now| {
            let mine = full("Mine", word(now, 60), -60);
            let other = with(full("Other", word(now, 120), 30), json!({ "install_deploy_type": second }));
            if now < s(30) { vec![mine] } else { vec![other, mine] }
        }),
    )
}

fn policy(policy: Option<OnSuperseded>) -> WatchSettings {
    WatchSettings { on_superseded: policy, ..settings() }
}

#[test]
fn a_newer_deploy_supersedes_as_the_policy_says() {
    let (follow, ignore, fail) = (Some(OnSuperseded::Follow), Some(OnSuperseded::Ignore), Some(OnSuperseded::Fail));
    let cases = [
        (latest(policy(None)), Verdict::Passed, "dplOther", 120, OnSuperseded::Follow),
        (pinned(policy(None), "dplMine"), Verdict::Passed, "dplMine", 60, OnSuperseded::Ignore),
        (pinned(policy(follow), "dplMine"), Verdict::Passed, "dplOther", 120, OnSuperseded::Follow),
        (latest(policy(ignore)), Verdict::Passed, "dplMine", 60, OnSuperseded::Ignore),
        (latest(policy(fail)), Verdict::Superseded, "dplMine", 30, OnSuperseded::Fail),
        (pinned(policy(fail), "dplMine"), Verdict::Superseded, "dplMine", 30, OnSuperseded::Fail),
    ];
    for (watch, verdict, id, seconds, policy) in cases {
        let run = overtaken(watch, "apply");
        assert_eq!((run.report.verdict, run.deploy_id()), (verdict, id), "{policy:?}");
        assert_eq!(superseded(&run), [("dplMine", "dplOther", policy)]);
        assert_eq!(run.target().superseded_by.as_ref().unwrap().as_str(), "dplOther");
        assert!(run.target().replaced.is_empty(), "nothing was replaced");
        assert!((s(seconds)..s(seconds + 31)).contains(&run.report.elapsed), "{:?}", run.report.elapsed);
        if verdict == Verdict::Superseded {
            assert_eq!(run.reason(), "the deploy dplMine was superseded by dplOther");
        }
    }
}

#[test]
fn following_does_not_cross_to_a_teardown() {
    let followed = overtaken(latest(settings()), "teardown");
    assert_eq!(followed.report.verdict, Verdict::Failed);
    assert!(followed.reason().contains("replaced by a teardown (dplOther)"), "{}", followed.reason());
    let ignored = overtaken(latest(policy(Some(OnSuperseded::Ignore))), "teardown");
    assert_eq!(ignored.report.verdict, Verdict::Passed);
}

#[test]
fn another_kind_than_expected_is_refused() {
    let cases = [
        (Kind::Apply, "apply", Verdict::Passed),
        (Kind::Apply, "sync-image", Verdict::Passed),
        (Kind::Apply, "teardown", Verdict::Failed),
        (Kind::Teardown, "teardown", Verdict::Passed),
        (Kind::Teardown, "apply", Verdict::Failed),
    ];
    for (expected, found, verdict) in cases {
        for pinned_too in [false, true] {
            let settings = WatchSettings { expect: Some(expected), ..settings() };
            let watch = if pinned_too { pinned(settings, "dplMine") } else { latest(settings) };
            let mine = with(full("Mine", "active", -60), json!({ "install_deploy_type": found }));
            let run = run(watch, rows(|_| vec![mine.clone()]));
            assert_eq!(run.report.verdict, verdict, "{expected:?}, {found}");
            if verdict == Verdict::Failed {
                let said =
                    run.reason().starts_with("the deploy dplMine is ") && run.reason().ends_with(" was expected");
                assert!(said, "{}", run.reason());
            }
        }
    }
}

#[test]
fn a_deploy_that_is_pinned_by_its_id_has_to_exist() {
    let clocks = Clocks { start: Some(s(60)), ..settings().clocks };
    let run =
        run(pinned(WatchSettings { clocks, ..settings() }, "dplMine"), rows(|_| vec![full("Other", "active", 0)]));
    assert_eq!((run.report.verdict, run.what()), (Verdict::Rejected, vec!["deploy"; 3]));
    assert!(run.reason().starts_with("there is no deploy `dplMine`"), "{}", run.reason());
}

#[test]
fn a_newer_deploy_passes_only_by_its_own_workflow() {
    // It appears in a poll that has already read the earlier one's workflow.
    let run = run(latest(settings()), |now, request| {
        let (one, two) = (full("One", "executing", -60), full("Two", "active", -30));
        let newest = if now < s(3) { &one } else { &two };
        soon(match request {
            Request::LatestDeploy(..) => deploy(newest),
            Request::Deploy(_, _, id) if id.as_str() == "dplTwo" => deploy(&two),
            Request::Deploy(..) => deploy(&one),
            Request::Deploys(..) => list(&[two, one]),
            Request::Workflow(_, id) if id.as_str() == "inwTwo" && now >= s(60) => {
                workflow("success", true, &[step("await healthy", "success", "dplTwo")])
            }
            Request::Workflow(..) => workflow("in-progress", false, &[step("await healthy", "in-progress", "dplTwo")]),
            _ => exists(request),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    assert_eq!(run.target().superseded_by.as_ref().map(ToString::to_string).as_deref(), Some("dplTwo"));
    assert!(run.report.elapsed >= s(60), "passed after {:?}, while its health step ran", run.report.elapsed);
}
