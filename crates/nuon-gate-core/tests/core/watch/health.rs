//! The health of a component after its deploy has passed, in virtual time.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::report::{Report, TargetReport};
use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::watch::{Clocks, EventKind, Mode, OnSuperseded, WatchSettings};
use nuon_gate_core::{Clock, Require, Signal, Verdict};
use serde_json::{Value, json};

use crate::virtual_time::{
    Body, Driver, Run, STARTED_AT, Scripted, at_least, created, deploy, exists, latest, list, ms, row, run, s,
    settings, soon, status, watch, with,
};

/// The deploy ends this many seconds after the start of the watch.
const ENDS: u64 = 20;

/// The component's health and since when; the last observation and its time.
type Seen = (&'static str, i64, &'static str, i64);

fn second(second: i64) -> String {
    Timestamp::from_second(STARTED_AT + second).unwrap().to_string()
}

fn seconds(now: Duration) -> i64 {
    i64::try_from(now.as_secs()).unwrap()
}

fn health((word, since, ..): Seen) -> Body {
    let verdict = json!({
        "status": word, "status_human_description": format!("Deployment acme/api: {word}"), "created_at_ts": STARTED_AT + since,
    });
    Body::Json(json!({ "id": "inc0", "install_id": "inl-acme", "component_id": "cmp0", "health_status_v2": verdict }))
}

fn resources((_, _, word, at): Seen) -> Body {
    Body::Json(json!([{
        "install_component_id": "inc0", "install_id": "inl-acme", "provider": "kubernetes", "kind": "Deployment",
        "name": "api", "health": word, "message": format!("it is {word}"), "observed_at": second(at),
    }]))
}

/// The only deploy, which passes after a while.
fn dpl_a(now: Duration) -> Value {
    let stood = if now < s(ENDS) { ("executing", -60) } else { ("active", i64::try_from(ENDS).unwrap()) };
    let status = json!({ "status": stood.0, "created_at_ts": STARTED_AT + stood.1 });
    with(created(row("dplA", stood.0), -60), json!({ "status_v2": status }))
}

/// A server with a deploy that passes, and a component whose health is as `seen` returns.
fn server(seen: impl Fn(Duration) -> Seen) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&dpl_a(now)),
            Request::Deploys(..) => list(&[dpl_a(now)]),
            Request::Health(..) => health(seen(now)),
            Request::Resources(..) => resources(seen(now)),
            _ => exists(request),
        })
    }
}

/// Healthy for long, and observed every minute.
fn healthy(now: Duration) -> Seen {
    ("healthy", -9_000, "healthy", seconds(now) / 60 * 60)
}

fn requiring(bake: u64) -> WatchSettings {
    WatchSettings { healthy_for: Some(s(bake)), ..settings() }
}

/// Returns the text of each reported hold, and in which second.
fn reported_holds(run: &Run) -> Vec<(u64, String)> {
    let hold = |kind: &EventKind| match kind {
        EventKind::Held { hold, .. } => Some(hold.to_string()),
        _ => None,
    };
    run.events.iter().filter_map(|event| Some((event.at.elapsed().as_secs(), hold(&event.kind)?))).collect()
}

fn result(report: &Report) -> TargetResult {
    let stats = nuon_gate_core::api::ApiStats::default();
    RunResult::new(report, &nuon_gate_core::report::Words::default(), 0, stats).targets.remove(0)
}

#[test]
fn a_pass_waits_until_the_component_was_observed_and_has_been_healthy_for_long_enough() {
    let run = run(latest(requiring(600)), server(healthy));
    assert_eq!(run.report.verdict, Verdict::Passed);
    let proof = run.target().proof.as_ref().unwrap();
    let health = proof.health().expect("a proof of health");
    // The first observation after the deploy is at 60 s.
    assert!(run.report.elapsed >= s(660) && run.report.elapsed < s(672), "{:?}", run.report.elapsed);
    assert!(health.baked() >= s(600) && health.observed_at().to_string() == second(660), "{health:?}");
    let reported = reported_holds(&run);
    assert_eq!(
        reported[0].1,
        "waiting for health: not known yet (nothing of the component was observed since the deploy ended)"
    );
    assert_eq!(reported[1].1, "waiting for health: healthy for 0s of 10m");
    assert_eq!(reported.len(), 2, "{reported:?}");
    // The heartbeat reports the progress of the bake.
    let heartbeats = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Waiting { pending } => Some(pending[0].hold.to_string()),
        _ => None,
    });
    let heartbeats: Vec<String> = heartbeats.collect();
    assert!((9..=11).contains(&heartbeats.len()), "{heartbeats:?}");
    assert!(heartbeats[2].starts_with("waiting for health: healthy for 2m"), "{heartbeats:?}");
    let result = result(&run.report);
    assert_eq!(result.deploy_verdict, Some(Verdict::Passed));
    let health = result.health.unwrap();
    assert_eq!((health.state.unwrap().plain(), health.bake_ms), ("healthy", 600_000));
    assert!(health.baked_ms >= 600_000 && health.checks.len() == 1);
    assert_eq!(health.since.unwrap().plain(), second(-9_000));
    assert_eq!(health.observed_at.unwrap().plain(), second(660));
}

#[test]
fn without_the_flag_health_is_neither_read_nor_reported() {
    let run = run(latest(settings()), server(|_| panic!("nobody asks")));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.target().proof.as_ref().unwrap().health().is_none() && run.target().health.is_none());
    assert_eq!(result(&run.report).deploy_verdict, Some(Verdict::Passed));
}

#[test]
fn an_unhealthy_component_fails_with_the_servers_words() {
    let run = run(
        latest(requiring(600)),
        server(|now| if now < s(200) { healthy(now) } else { ("unhealthy", 195, "unhealthy", 190) }),
    );
    assert_eq!(
        (run.report.verdict, run.reason()),
        (Verdict::Failed, "the deploy passed, but the component is unhealthy: Deployment acme/api: unhealthy")
    );
    assert!(run.report.elapsed >= s(200) && run.report.elapsed < s(212), "{:?}", run.report.elapsed);
    let result = result(&run.report);
    assert_eq!((result.verdict, result.deploy_verdict), (Verdict::Failed, Some(Verdict::Passed)));
    let health = result.health.unwrap();
    let check = &health.checks[0];
    let description = check.description.as_ref().unwrap();
    assert_eq!(
        (health.state.unwrap().plain(), check.name.plain(), check.status.plain(), description.plain()),
        ("unhealthy", "Deployment api", "unhealthy", "it is unhealthy")
    );
}

#[test]
fn health_from_before_the_deploy_does_not_count_and_unknown_health_becomes_inconclusive() {
    let run = run(latest(requiring(0)), server(|_| ("healthy", -9_000, "healthy", 19)));
    assert_eq!(run.report.verdict, Verdict::Inconclusive);
    assert!(
        run.reason().ends_with("is not known: nothing of the component was observed since the deploy ended"),
        "{}",
        run.reason()
    );
    assert!(run.report.elapsed >= s(320) && run.report.elapsed < s(340), "{:?}", run.report.elapsed);
    assert_eq!(result(&run.report).deploy_verdict, Some(Verdict::Passed));
    assert_eq!(run.target().clock(), None);
}

#[test]
fn observations_that_stop_while_it_bakes_become_inconclusive() {
    let run = run(latest(requiring(600)), server(|now| ("healthy", -9_000, "healthy", seconds(now).min(150))));
    let text = format!("nothing of the component was observed since {}", second(150));
    assert_eq!(run.report.verdict, Verdict::Inconclusive);
    assert!(run.reason().ends_with(&format!("is not known: {text}")), "{}", run.reason());
    // Two minutes, and then five.
    assert!(run.report.elapsed >= s(570) && run.report.elapsed < s(590), "{:?}", run.report.elapsed);
    let reported: Vec<String> = reported_holds(&run).into_iter().map(|(_, text)| text).collect();
    assert_eq!(reported.last().unwrap(), &format!("waiting for health: not known yet ({text})"), "{reported:?}");
    assert_eq!(result(&run.report).health.unwrap().baked_ms, 0);
}

#[test]
fn an_object_on_a_later_page_counts() {
    let of = |pages: u32| {
        let mut server = server(healthy);
        run(latest(requiring(0)), move |now, request| match request {
            Request::Resources(.., page) => {
                let (count, word) = match *page < pages {
                    true => (100, "healthy"),
                    false if now < s(200) => (1, "unhealthy"),
                    false => (1, "healthy"),
                };
                let Body::Json(rows) = resources(("", 0, word, healthy(now).3)) else { unreachable!() };
                let named = |nth: u32| with(rows[0].clone(), json!({ "name": format!("api-{page}-{nth}") }));
                soon(Body::Json((0..count).map(named).collect()))
            }
            _ => server(now, request),
        })
    };
    for pages in [1, 2, 30] {
        let run = of(pages);
        assert_eq!(run.report.verdict, Verdict::Passed, "{pages}");
        assert!(run.report.elapsed >= s(200), "{pages}: {:?}", run.report.elapsed);
    }
}

#[test]
fn a_list_without_an_end_is_no_answer() {
    let mut server = server(healthy);
    let clocks = Clocks { total: s(40), ..settings().clocks };
    let run = run(latest(WatchSettings { clocks, ..requiring(0) }), move |now, request| match request {
        Request::Resources(.., page) => {
            let Body::Json(rows) = resources(healthy(now)) else { unreachable!() };
            let named = |nth: u32| with(rows[0].clone(), json!({ "name": format!("api-{page}-{nth}") }));
            soon(Body::Json((0..100).map(named).collect()))
        }
        _ => server(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert!(run.reason().contains("there are more than 10000 objects and checks"), "{}", run.reason());
}

#[test]
fn a_server_without_health_is_inconclusive_after_three_polls() {
    for code in [400, 401, 403, 404] {
        let mut server = server(healthy);
        let run = run(latest(requiring(0)), |now, request| match request {
            Request::Resources(..) => soon(status(code)),
            _ => server(now, request),
        });
        assert_eq!(run.report.verdict, Verdict::Inconclusive, "{code}");
        assert!(run.reason().contains(&format!("HTTP {code}: said {code}")), "{}", run.reason());
        assert_eq!(run.what().iter().filter(|what| **what == "resources").count(), 3);
        assert!(run.report.elapsed < s(ENDS + 30));
    }
}

#[test]
fn a_server_that_fails_to_say_the_health_for_a_minute_is_polled_again() {
    for code in [408, 429, 500, 503] {
        let mut server = server(healthy);
        let run = run(latest(requiring(0)), |now, request| match request {
            Request::Resources(..) if now < s(ENDS + 60) => soon(status(code)),
            _ => server(now, request),
        });
        assert_eq!(run.report.verdict, Verdict::Passed, "{code}: {:?}", run.run_reason());
    }
}

#[test]
fn health_that_cannot_be_read_is_inconclusive_after_five_minutes() {
    for body in [json!({}), json!({ "id": "inc0", "install_id": "inl2", "component_id": "cmp0" }), json!([])] {
        let mut server = server(healthy);
        let run = run(latest(requiring(0)), |now, request| match request {
            Request::Health(..) => soon(Body::Exactly(body.clone())),
            _ => server(now, request),
        });
        assert_eq!(run.report.verdict, Verdict::Inconclusive, "{body}");
        assert!(run.reason().contains("undecodable answer"), "{}", run.reason());
        assert!(run.report.elapsed >= s(320) && run.report.elapsed < s(340), "{:?}", run.report.elapsed);
    }
}

#[test]
fn timeouts_apply_during_the_bake_and_the_deploys_own_verdict_is_reported() {
    let clocks = Clocks { total: s(300), stall: Some(s(60)), ..settings().clocks };
    let run = run(latest(WatchSettings { clocks, ..requiring(600) }), server(healthy));
    // Nothing changes during the bake, as it should.
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(Clock::Total)));
    assert!(
        run.reason().contains("waiting for health: healthy for 4m of 10m")
            || run.reason().contains("waiting for health: healthy for 3m"),
        "{}",
        run.reason()
    );
    assert_eq!(result(&run.report).deploy_verdict, Some(Verdict::Passed));
}

#[test]
fn the_stall_timeout_does_not_count_a_bake_that_ends_in_vain() {
    let clocks = Clocks { stall: Some(s(60)), ..settings().clocks };
    let ends = |now| if now < s(250) { healthy(now) } else { ("progressing", 245, "progressing", seconds(now)) };
    let run = run(latest(WatchSettings { clocks, ..requiring(600) }), server(ends));
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(Clock::Stall)));
    assert!(run.report.elapsed >= s(310) && run.report.elapsed < s(322), "{:?}", run.report.elapsed);
}

#[test]
fn a_signal_while_it_bakes_leaves_it_pending() {
    let driver = Driver::signalled(s(200), Signal::Terminate);
    let run = driver.run(latest(requiring(600)), server(healthy));
    assert_eq!(run.target().verdict, Verdict::Pending);
    assert_eq!(result(&run.report).deploy_verdict, Some(Verdict::Passed));
    assert!(run.target().health.is_some());
}

#[test]
fn a_newer_deploy_while_it_bakes_follows_the_policy() {
    let newer = |now: Duration| {
        let status = if now < s(200) { "executing" } else { "active" };
        let stands = json!({ "status": status, "created_at_ts": STARTED_AT + if now < s(200) { 100 } else { 200 } });
        with(created(row("dplB", status), 100), json!({ "status_v2": stands }))
    };
    for (policy, verdict) in [
        (OnSuperseded::Fail, Verdict::Superseded),
        (OnSuperseded::Follow, Verdict::Passed),
        (OnSuperseded::Ignore, Verdict::Passed),
    ] {
        let mut server = server(healthy);
        let run = run(latest(WatchSettings { on_superseded: Some(policy), ..requiring(300) }), |now, request| {
            let is_there = now >= s(100);
            match request {
                Request::LatestDeploy(..) if is_there => soon(deploy(&newer(now))),
                Request::Deploys(..) if is_there => soon(list(&[newer(now), dpl_a(now)])),
                Request::Deploy(_, _, id) if id.as_str() == "dplB" => soon(deploy(&newer(now))),
                _ => server(now, request),
            }
        });
        assert_eq!(run.report.verdict, verdict, "{policy:?}");
        let (deploy, at_least) = match policy {
            OnSuperseded::Fail => ("dplA", s(100)),
            OnSuperseded::Ignore => ("dplA", s(360)),
            // The newer one is healthy for as long in its own right.
            OnSuperseded::Follow => ("dplB", s(540)),
        };
        assert_eq!(run.deploy_id(), deploy);
        assert!(
            run.report.elapsed >= at_least && run.report.elapsed < at_least + s(30),
            "{policy:?} {:?}",
            run.report.elapsed
        );
    }
}

#[test]
fn require_counts_healthy_targets() {
    let of = |require: Require, fail_fast: bool| {
        let settings = WatchSettings { require, fail_fast, ..requiring(300) };
        run(watch(settings, 2, nuon_gate_core::pins::Pins::default()), |now, request| {
            let (install, component) = match request {
                Request::LatestDeploy(install, component, _)
                | Request::Health(install, component)
                | Request::Deploys(install, component) => (install.clone(), Some(component.clone())),
                Request::Deploy(install, component, _) => (install.clone(), component.clone()),
                Request::Resources(install, component, ..) => (install.clone(), Some(component.clone())),
                _ => return soon(exists(request)),
            };
            let is_second = install.as_str() == "inl1";
            let seen = if is_second && now >= s(90) { ("degraded", 85, "degraded", 80) } else { healthy(now) };
            let named = |mut body: Value| {
                body["install_id"] = install.as_str().into();
                component.iter().for_each(|component| body["component_id"] = component.as_str().into());
                body
            };
            soon(match (request, health(seen), resources(seen)) {
                (Request::Health(..), Body::Json(body), _) => Body::Json(named(body)),
                (Request::Resources(..), _, Body::Json(rows)) => Body::Json(json!([named(rows[0].clone())])),
                (Request::Deploys(..), ..) => list(&[named(dpl_a(now))]),
                _ => Body::Json(named(dpl_a(now))),
            })
        })
    };
    let verdicts =
        |run: &Run| run.report.targets.iter().map(|target: &TargetReport| target.verdict).collect::<Vec<_>>();
    let all = of(Require::All, false);
    assert_eq!((all.report.verdict, verdicts(&all)), (Verdict::Failed, vec![Verdict::Passed, Verdict::Failed]));
    let any = of(at_least(1), false);
    assert_eq!((any.report.verdict, verdicts(&any)), (Verdict::Passed, vec![Verdict::Passed, Verdict::Failed]));
    let fast = of(Require::All, true);
    assert_eq!((fast.report.verdict, verdicts(&fast)), (Verdict::Failed, vec![Verdict::Pending, Verdict::Failed]));
    assert!(fast.report.elapsed < s(110), "{:?}", fast.report.elapsed);
}

#[test]
fn status_trusts_the_servers_health() {
    let poll = |bake: u64, seen: fn(Duration) -> Seen| {
        let mut server = server(seen);
        let once = WatchSettings { mode: Mode::Once, ..requiring(bake) };
        // The deploy ended ten minutes ago.
        run(latest(once), move |now, request| match request {
            Request::LatestDeploy(..) | Request::Deploy(..) | Request::Deploys(..) => {
                let stands = json!({ "status": "active", "created_at_ts": STARTED_AT - 600 });
                let row = with(created(row("dplA", "active"), -700), json!({ "status_v2": stands }));
                soon(if matches!(request, Request::Deploys(..)) { list(&[row]) } else { deploy(&row) })
            }
            _ => server(now, request),
        })
    };
    let recent: fn(Duration) -> Seen = |_| ("healthy", -300, "healthy", -5);
    // Without the server's time, it is not known for how long.
    for (bake, verdict) in [(0, Verdict::Passed), (1, Verdict::Pending)] {
        let run = poll(bake, recent);
        assert_eq!(run.report.verdict, verdict, "{bake}");
        assert_eq!(result(&run.report).deploy_verdict, Some(Verdict::Passed));
        assert!(run.report.elapsed < s(2));
    }
    assert_eq!(poll(0, |_| ("unhealthy", -300, "unhealthy", -5)).report.verdict, Verdict::Failed);
    assert_eq!(poll(0, |_| ("unknown", -300, "healthy", -500)).report.verdict, Verdict::Inconclusive);
}

#[test]
fn the_end_of_the_bake_is_polled_on_time() {
    let run = run(latest(requiring(61)), server(|now| ("healthy", -9_000, "healthy", seconds(now))));
    let first = run.events.iter().find(|event| match &event.kind {
        EventKind::Held { hold, .. } => hold.to_string().ends_with("healthy for 0s of 1m 1s"),
        _ => false,
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    let took = run.report.elapsed - first.unwrap().at.elapsed();
    assert!(took >= s(61) - ms(200) && took < s(62), "{took:?}");
}
