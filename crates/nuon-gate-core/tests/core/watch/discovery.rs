//! Discovering targets by following a workflow, in virtual time.

use std::time::Duration;

use crate::virtual_time::{
    Body, Run, STARTED_AT, Scripted, at_least, created, deploy, list, ms, none, row, run, s, settings, soon, status,
    step, with,
};
use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::model::Status;
use nuon_gate_core::pins::{Baseline, Pins};
use nuon_gate_core::watch::{Clocks, EventKind, InvalidSettings, Mode, OnSuperseded, Scope, Watch, WatchSettings};
use nuon_gate_core::{Line, MatchedBy, Require, Rules, Verdict};
use serde_json::{Value, json};

pub(super) fn verdicts(run: &Run) -> Vec<Verdict> {
    run.report.targets.iter().map(|target| target.verdict).collect()
}

/// A server with one workflow, whose state and deploys depend on the time.
pub(super) fn flowing(
    flow: impl Fn(Duration) -> (&'static str, bool, Vec<Value>),
    word: impl Fn(Duration, &str) -> &'static str,
) -> impl FnMut(Duration, &Request) -> Scripted {
    let component = |id: &str| id.replace("dpl", "cmp").replace("New", "");
    let own = move |now: Duration, id: &str| {
        let component = component(id);
        let more = json!({"component_id": component, "component_name": component, "workflow_id": "inw1", "build_id": "bldMine"});
        created(with(row(id, word(now, id)), more), if id.contains("New") { 9 } else { 0 })
    };
    move |now, request| {
        soon(match request {
            Request::Workflow(..) => {
                let (status, finished, steps) = flow(now);
                let body = json!({"id": "inw1", "owner_id": "inl1", "owner_name": "acme", "status": {"status": status},
                    "finished": finished, "steps": steps});
                Body::Json(body)
            }
            Request::Deploy(_, _, id) => deploy(&own(now, id.as_str())),
            Request::Deploys(_, of) => {
                let (.., steps) = flow(now);
                let ids = steps.iter().rev().filter_map(|step| step["step_target_id"].as_str());
                list(&ids.filter(|id| component(id) == of.as_str()).map(|id| own(now, id)).collect::<Vec<_>>())
            }
            Request::LatestDeploy(..) => none(),
            Request::InstallDeploys(_) => {
                let (.., steps) = flow(now);
                let mut ids: Vec<_> = steps.iter().rev().filter_map(|step| step["step_target_id"].as_str()).collect();
                ids.retain(|id| id.starts_with("dpl"));
                ids.dedup();
                list(&ids.into_iter().map(|id| own(now, id)).collect::<Vec<_>>())
            }
            _ => status(404),
        })
    }
}

pub(super) fn of_workflow(settings: WatchSettings) -> Watch {
    let id: nuon_gate_core::WorkflowId = "inw1".parse().unwrap();
    let pins = Pins { workflow: Some(id.clone()), ..Pins::default() };
    Watch::new(settings, Scope::Workflow(id, Vec::new()), pins, Timestamp::from_second(STARTED_AT).unwrap()).unwrap()
}

#[test]
fn deploys_that_appear_later_are_targets_too() {
    let flow = |now: Duration| match now.as_secs() {
        0..30 => ("in-progress", false, vec![]),
        30..60 => ("in-progress", false, vec![step("a", "in-progress", "dplA")]),
        60..90 => ("in-progress", false, vec![step("a", "success", "dplA"), step("b", "in-progress", "dplB")]),
        _ => ("success", true, vec![step("a", "success", "dplA"), step("b", "success", "dplB")]),
    };
    let passing =
        |now: Duration, id: &str| if now > s(if id == "dplA" { 50 } else { 80 }) { "active" } else { "executing" };
    let whole = run(of_workflow(settings()), flowing(flow, passing));
    assert_eq!((whole.report.verdict, verdicts(&whole)), (Verdict::Passed, vec![Verdict::Passed; 2]));
    assert_eq!(whole.count(|kind| matches!(kind, EventKind::Joined { .. })), 2);
    assert_eq!(whole.report.targets[0].matched_by, Some(MatchedBy::Workflow));
    assert!(whole.report.elapsed > s(90), "the workflow has to end as well");

    let failing = run(of_workflow(settings()), flowing(flow, |now, _| if now > s(80) { "error" } else { "executing" }));
    assert_eq!(failing.report.verdict, Verdict::Failed);
}

#[test]
fn a_workflow_that_fails_fails_the_run_although_its_deploys_passed() {
    let flow = |now: Duration| {
        let ended = now > s(60);
        let last = if ended { "error" } else { "pending" };
        (
            if ended { "error" } else { "in-progress" },
            ended,
            vec![step("a", "success", "dplA"), step("tests", last, "")],
        )
    };
    for require in [Require::All, Require::Any] {
        let settings = WatchSettings { require, ..settings() };
        let run = run(of_workflow(settings), flowing(flow, |_, _| "active"));
        assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Failed, vec![Verdict::Passed]));
        assert_eq!(run.run_reason().as_ref().map(Line::plain), Some("the workflow failed: step 2 of 2, tests, failed"));
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Ended { target: None, .. })), 1);
    }
}

/// The deploy cannot be read for minutes. The workflow shows that the plan was approved.
#[test]
fn an_answered_approval_stops_its_timeout_whichever_poller_read_it() {
    let asks = |answered: bool| {
        let waits = with(step("a", "approval-awaiting", "dplA"), json!({"approval": {"id": "waa1"}}));
        if answered { step("a", "in-progress", "dplA") } else { waits }
    };
    let clocks = Clocks { approval: Some(s(120)), ..settings().clocks };
    for (answered_at, verdict) in [(s(60), Verdict::Passed), (s(3000), Verdict::ApprovalNeeded)] {
        let flow = move |now: Duration| match now < s(400) {
            true => ("in-progress", false, vec![asks(now >= answered_at)]),
            false => ("success", true, vec![step("a", "success", "dplA")]),
        };
        let word = |now: Duration, _: &str| if now < s(300) { "pending-approval" } else { "active" };
        let mut server = flowing(flow, word);
        let run = run(of_workflow(WatchSettings { clocks, ..settings() }), move |now, request| match request {
            Request::Deploy(..) if (s(50)..s(300)).contains(&now) => soon(status(500)),
            _ => server(now, request),
        });
        assert_eq!(run.report.verdict, verdict, "{:?}", run.report.targets);
    }
}

#[test]
fn a_deploy_that_is_never_read_is_named() {
    let mut server = flowing(done, |_, _| "active");
    let run = run(of_workflow(settings()), move |now, request| match request {
        Request::Deploy(..) => soon(status(500)),
        _ => server(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    let reason = run.run_reason().unwrap().plain().to_owned();
    assert!(
        reason.contains("workflow inw1 has ended with `success`, but its deploy dplA could not be read"),
        "{reason}"
    );
}

/// The deploy was read when it was found, and never again.
#[test]
fn a_single_poll_of_a_workflow_ends_although_its_deploy_does_not_answer() {
    let mut reads = 0;
    let mut server = flowing(|_| ("success", true, vec![step("a", "success", "dplA")]), |_, _| "active");
    let once = WatchSettings { mode: Mode::Once, ..settings() };
    let run = run(of_workflow(once), move |now, request| {
        reads += u32::from(matches!(request, Request::Deploy(..)));
        if reads > 1 && matches!(request, Request::Deploy(..)) {
            crate::virtual_time::hang()
        } else {
            server(now, request)
        }
    });
    assert_ne!(run.report.verdict, Verdict::Passed);
    assert!(run.report.elapsed <= s(31), "{:?}", run.report.elapsed);
}

#[test]
fn a_workflow_that_never_appears_times_out_or_is_rejected() {
    let silent = run(of_workflow(settings()), |_, _| soon(status(500)));
    assert_eq!(silent.report.verdict, Verdict::Inconclusive);
    assert!(silent.report.targets.is_empty());
    let missing = run(of_workflow(settings()), |_, _| soon(status(404)));
    assert_eq!((missing.report.verdict, missing.asked.len()), (Verdict::Rejected, 3));
    let endless = run(of_workflow(settings()), flowing(|_| ("in-progress", false, vec![]), |_, _| "queued"));
    assert_eq!(endless.report.verdict, Verdict::TimedOut);
    let reason = endless.run_reason().unwrap();
    assert_eq!(reason, "the total timeout of 1h expired: workflow inw1 is `in-progress`");
    let ownerless = run(of_workflow(settings()), |_, request| match request {
        Request::Workflow(_, id) => {
            let steps = [step("a", "in-progress", "dplA")];
            let status = json!({"status": "in-progress"});
            soon(Body::Exactly(json!({"id": id.as_str(), "status": status, "steps": steps})))
        }
        _ => soon(status(404)),
    });
    assert_eq!(ownerless.report.verdict, Verdict::Rejected);
    assert!(ownerless.report.elapsed <= ms(100), "at once");
}

/// A workflow that deployed `dplA` and has succeeded.
pub(super) fn done(_: Duration) -> (&'static str, bool, Vec<Value>) {
    ("success", true, vec![step("a", "success", "dplA")])
}

fn with_pins(settings: WatchSettings, pins: Pins, installs: &[&str]) -> Result<Watch, InvalidSettings> {
    let id: nuon_gate_core::WorkflowId = "inw1".parse().unwrap();
    let installs = installs.iter().map(|install| install.parse().unwrap()).collect();
    let pins = Pins { workflow: Some(id.clone()), ..pins };
    Watch::new(settings, Scope::Workflow(id, installs), pins, Timestamp::from_second(STARTED_AT).unwrap())
}

#[test]
fn the_other_pins_hold_for_every_deploy_of_a_workflow() {
    let wrong = Pins { build: "bldOther".parse().ok(), ..Pins::default() };
    let run = run(with_pins(settings(), wrong, &[]).unwrap(), flowing(done, |_, _| "active"));
    assert_eq!(
        (run.report.verdict, run.reason()),
        (Verdict::Rejected, "deploy dplA does not match the build that was given")
    );
    let one = Pins { deploy: "dplA".parse().ok(), ..Pins::default() };
    assert_eq!(with_pins(settings(), one, &[]).err(), Some(InvalidSettings::NotOfWorkflow(MatchedBy::Deploy)));
    let after = Pins { after: Some(Baseline::Deploy("dplA".parse().unwrap())), ..Pins::default() };
    assert_eq!(with_pins(settings(), after, &[]).err(), Some(InvalidSettings::NotOfWorkflow(MatchedBy::After)));
}

#[test]
fn a_workflow_of_another_install_is_rejected() {
    let of = |installs: &[&str]| {
        run(with_pins(settings(), Pins::default(), installs).unwrap(), flowing(done, |_, _| "active"))
    };
    assert_eq!(
        (of(&["acme"]).report.verdict, of(&["inl1"]).report.verdict, of(&[]).report.verdict),
        (Verdict::Passed, Verdict::Passed, Verdict::Passed)
    );
    let other = of(&["inl2"]);
    assert_eq!(other.report.verdict, Verdict::Rejected);
    assert_eq!(other.run_reason().unwrap(), "workflow inw1 works on install inl1, not on inl2");
}

#[test]
fn an_install_is_read_where_the_workflow_does_not_name_its_own() {
    let of = |installs: &[&str]| {
        let mut server = flowing(done, |_, _| "active");
        run(with_pins(settings(), Pins::default(), installs).unwrap(), move |now, request| match request {
            Request::Install(id) if id.as_str() == "acme" => soon(Body::Json(json!({"id": "inl1", "name": "acme"}))),
            Request::Install(id) => soon(Body::Json(json!({"id": id.as_str(), "name": "globex"}))),
            Request::Workflow(..) => {
                let steps = [step("a", "success", "dplA")];
                let status = json!({"status": "success"});
                soon(Body::Json(
                    json!({"id": "inw1", "owner_id": "inl1", "status": status, "finished": true, "steps": steps}),
                ))
            }
            _ => server(now, request),
        })
    };
    assert_eq!(of(&["acme"]).report.verdict, Verdict::Passed);
    assert_eq!(of(&["inl2", "acme"]).report.verdict, Verdict::Passed);
    assert_eq!(of(&["inl2"]).run_reason().unwrap(), "workflow inw1 works on install inl1, not on inl2");
}

#[test]
fn a_wrong_answer_about_a_workflow_does_not_discredit_good_ones() {
    let mut server = flowing(done, |_, _| "active");
    let whole = run(of_workflow(settings()), move |now, request| match request {
        Request::Workflow(..) if now < s(1) => {
            let odd = json!({"id": "inw1", "owner_id": "inl9", "status": {"status": "in-progress"},
                "steps": [step("a", "in-progress", "dplA")]});
            soon(Body::Exactly(odd))
        }
        Request::Deploy(install, ..) if install.as_str() == "inl9" => soon(status(404)),
        _ => server(now, request),
    });
    assert_eq!((whole.report.verdict, verdicts(&whole)), (Verdict::Passed, vec![Verdict::Passed]));
    assert!(whole.report.elapsed < s(10), "{:?}", whole.report.elapsed);
    // Once a deploy has named the workflow's install, another install's workflow is not a good answer.
    let mut server = flowing(|_| ("in-progress", false, vec![step("a", "in-progress", "dplA")]), |_, _| "queued");
    let odd = run(of_workflow(settings()), move |now, request| match request {
        Request::Workflow(..) if now > s(60) => {
            let failed = json!({"id": "inw1", "owner_id": "inl9", "status": {"status": "error"}, "finished": true});
            soon(Body::Exactly(failed))
        }
        _ => server(now, request),
    });
    assert_eq!((odd.report.verdict, verdicts(&odd)), (Verdict::TimedOut, vec![Verdict::TimedOut]));
}

#[test]
fn a_workflow_that_was_first_seen_at_its_end_stops_the_start_timeout_too() {
    let mut server = flowing(done, |_, _| "active");
    let late = run(of_workflow(settings()), move |now, request| match request {
        Request::Deploy(..) if now < s(400) => soon(status(503)),
        _ => server(now, request),
    });
    assert_eq!((late.report.verdict, verdicts(&late)), (Verdict::Passed, vec![Verdict::Passed]));
}

#[test]
fn a_target_takes_nothing_that_is_older_than_what_was_seen_when_it_joined() {
    let settings = WatchSettings { rules: Rules::new(vec![], vec![Status::Executing], vec![]).unwrap(), ..settings() };
    let at = |second: i64| Timestamp::from_second(STARTED_AT + second).unwrap().to_string();
    let mut server = flowing(|_| ("in-progress", false, vec![step("a", "in-progress", "dplA")]), |_, _| "active");
    let run = run(of_workflow(settings), move |now, request| match request {
        // Discovery reads it first. Then a replica lags behind for a moment.
        Request::Deploy(..) => {
            let (word, second) = match now {
                now if now >= ms(150) && now < s(30) => ("executing", -9),
                now if now < s(60) => ("pending-approval", 0),
                _ => ("executing", 60),
            };
            let own = json!({"component_id": "cmpA", "workflow_id": "inw1", "updated_at": at(second)});
            soon(deploy(&with(row("dplA", word), own)))
        }
        Request::Deploys(..) => soon(none()),
        _ => server(now, request),
    });
    assert_eq!(run.target().verdict, Verdict::Failed);
    let end = run.events.iter().find(|event| matches!(event.kind, EventKind::Ended { target: Some(0), .. })).unwrap();
    assert!(end.at.elapsed() >= s(60), "{:?}", end.at);
}

#[test]
fn a_deploy_becomes_a_target_once_whatever_its_target_goes_on_to_follow() {
    let settings = WatchSettings { on_superseded: Some(OnSuperseded::Follow), ..settings() };
    let flow = |now: Duration| match now < s(300) {
        true => ("in-progress", false, vec![step("a", "success", "dplA")]),
        false => done(now),
    };
    let mut server = flowing(flow, |_, _| "active");
    let run = run(of_workflow(settings), move |now, request| match request {
        Request::LatestDeploy(..) => soon(deploy(&created(row("dplForeign", "active"), 10))),
        Request::Deploy(_, _, id) if id.as_str() == "dplForeign" => {
            soon(deploy(&created(row("dplForeign", "active"), 10)))
        }
        Request::Deploy(_, _, id) if id.as_str() == "dplA" => {
            let more = json!({"component_id": "cmpA", "workflow_id": "inw1"});
            soon(deploy(&with(created(row("dplA", "active"), 0), more)))
        }
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed]));
}

/// The list of the install's deploys shows it, before the deploy of the workflow is a target. The endpoint for the newest
/// lags behind.
#[test]
fn what_supersedes_a_deploy_before_it_is_a_target_is_not_forgotten() {
    for (policy, verdict) in [(OnSuperseded::Fail, Verdict::Superseded), (OnSuperseded::Ignore, Verdict::Passed)] {
        for lists in [true, false] {
            let settings = WatchSettings { on_superseded: Some(policy), ..settings() };
            let (mut server, mut lags) = (flowing(done, |_, _| "active"), !lists);
            let run = run(of_workflow(settings), move |now, request| {
                let of = |id: &str, word: &str, workflow: &str, at: i64| {
                    created(with(row(id, word), json!({"component_id": "cmpA", "workflow_id": workflow})), at)
                };
                let (own, newer) = (of("dplA", "active", "inw1", 0), of("dplNewer", "queued", "inw2", 10));
                match request {
                    Request::InstallDeploys(_) => {
                        let lags = std::mem::take(&mut lags);
                        soon(list(&if lags { vec![newer] } else { vec![newer, own] }))
                    }
                    Request::LatestDeploy(..) => soon(deploy(&own)),
                    Request::Deploy(_, _, id) if id.as_str() == "dplNewer" => soon(deploy(&newer)),
                    Request::Workflow(_, id) if id.as_str() == "inw2" => {
                        let steps = [step("a", "in-progress", "dplNewer")];
                        soon(Body::Json(
                            json!({"id": "inw2", "owner_id": "inl1", "status": {"status": "in-progress"}, "steps": steps}),
                        ))
                    }
                    _ => server(now, request),
                }
            });
            assert_eq!((run.report.verdict, verdicts(&run)), (verdict, vec![verdict]), "{policy:?}, {lists}");
        }
    }
}

#[test]
fn more_targets_than_the_workflow_deploys_cannot_be_required() {
    let settings = WatchSettings { require: at_least(2), ..settings() };
    let run = run(of_workflow(settings), flowing(done, |_, _| "active"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Failed, vec![Verdict::Passed]));
    assert!(run.run_reason().unwrap().plain().contains("2 targets are required to pass"));
}

#[test]
fn one_poll_is_enough_for_a_workflow_that_has_ended() {
    let glance = || WatchSettings { mode: Mode::Once, ..settings() };
    let passed = run(of_workflow(glance()), flowing(done, |_, _| "active"));
    assert_eq!((passed.report.verdict, verdicts(&passed)), (Verdict::Passed, vec![Verdict::Passed]));
    let failed = |_: Duration| ("error", true, vec![step("a", "error", "dplA")]);
    let failed = run(of_workflow(glance()), flowing(failed, |_, _| "active"));
    assert_eq!(failed.report.verdict, Verdict::Failed);
    // A person retries it, which its deploy shows first.
    let parked = |_: Duration| ("failed-pending-retry", false, vec![step("a", "in-progress", "dplA")]);
    let retried = run(of_workflow(glance()), flowing(parked, |_, _| "queued"));
    assert_eq!(retried.report.verdict, Verdict::Pending);
    let running = |_: Duration| ("in-progress", false, vec![step("a", "in-progress", "dplA")]);
    let running = run(of_workflow(glance()), flowing(running, |_, _| "executing"));
    assert_eq!(running.report.verdict, Verdict::Pending);
}

#[test]
fn an_unreadable_deploy_of_the_workflow_delays_no_other() {
    let ended = |word: &'static str, of_step: &'static str| {
        let steps = move || vec![step("a", of_step, "dplA"), step("b", of_step, "dplB")];
        move |_: Duration| (word, true, steps())
    };
    let lost = |request: &Request| matches!(request, Request::Deploy(_, _, id) if id.as_str() == "dplB");
    let others = json!({ "install_id": "inl2", "component_id": "cmpB" });
    let others = || Body::Json(with(row("dplB", "active"), others.clone()));
    let cases: [(&str, &str, &dyn Fn() -> Body, Verdict); 5] = [
        ("success", "success", &|| status(404), Verdict::Rejected),
        ("error", "error", &|| status(404), Verdict::Failed),
        ("cancelled", "cancelled", &|| status(404), Verdict::Cancelled),
        ("success", "success", &others, Verdict::Rejected),
        ("success", "success", &|| status(403), Verdict::Rejected),
    ];
    for (word, of_step, body, verdict) in cases {
        let mut served = flowing(ended(word, of_step), |_, _| "active");
        let run = run(
            of_workflow(settings()),
            |now, request| if lost(request) { soon(body()) } else { served(now, request) },
        );
        assert_eq!(run.report.verdict, verdict, "{word}: {:?}", run.run_reason());
        assert!(run.report.elapsed <= s(60), "{word}: {:?}", run.report.elapsed);
    }
}

#[test]
fn a_workflow_that_moves_does_not_stall() {
    let flow = |now: Duration| {
        let words = ["pending", "in-progress", "success"];
        let at = (now.as_secs() / 40) as usize;
        (
            if at > 5 { "success" } else { "in-progress" },
            at > 5,
            vec![
                step("state", words[at.min(2)], ""),
                step("runner", words[at.saturating_sub(2).min(2)], ""),
                step("a", words[at.saturating_sub(4).min(2)], if at > 4 { "dplA" } else { "" }),
            ],
        )
    };
    let clocks = Clocks { stall: Some(s(60)), ..settings().clocks };
    let run = run(of_workflow(WatchSettings { clocks, ..settings() }), flowing(flow, |_, _| "active"));
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}

#[test]
fn an_expired_approval_cancels() {
    let flow = |now: Duration| {
        let ended = now > s(60);
        let word = if ended { "approval-expired" } else { "approval-awaiting" };
        (if ended { "error" } else { "in-progress" }, ended, vec![step("a", word, "dplA")])
    };
    let run = run(of_workflow(settings()), flowing(flow, |_, _| "pending-approval"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Cancelled, vec![Verdict::Cancelled]));
}

#[test]
fn a_deploy_that_a_later_answer_leaves_out_is_still_a_target() {
    // Its detail lags behind the workflow, whose last answers have no steps.
    let flow = |now: Duration| match now.as_secs() {
        0..10 => ("in-progress", false, vec![step("a", "success", "dplA")]),
        10..30 => ("in-progress", false, vec![step("a", "success", "dplA"), step("b", "in-progress", "dplB")]),
        _ => ("success", true, vec![]),
    };
    let mut server = flowing(flow, |_, id| if id == "dplA" { "active" } else { "error" });
    let run = run(of_workflow(settings()), move |now, request| match request {
        Request::Deploy(_, _, id) if id.as_str() == "dplB" && now < s(60) => soon(status(500)),
        _ => server(now, request),
    });
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Failed, vec![Verdict::Passed, Verdict::Failed]));
}

#[test]
fn a_success_with_fewer_steps_than_before_is_no_end() {
    let whole = || vec![step("a", "success", "dplA"), step("b", "success", "dplB")];
    let flow = move |now: Duration| match now.as_secs() {
        0..30 => ("in-progress", false, vec![step("a", "success", "dplA"), step("b", "pending", "")]),
        30..90 => ("success", true, vec![step("a", "success", "dplA")]),
        _ => ("success", true, whole()),
    };
    let run = run(of_workflow(settings()), flowing(flow, |_, _| "active"));
    assert_eq!((run.report.verdict, verdicts(&run)), (Verdict::Passed, vec![Verdict::Passed; 2]));
    assert!(run.report.elapsed > s(90), "{:?}", run.report.elapsed);
}
