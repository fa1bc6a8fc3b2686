//! The component's earlier deploys, which show how long such a deploy takes: when they are read, and that nothing else
//! depends on them.

use std::time::Duration;

use nuon_gate_core::api::Request;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{Clocks, EventKind, Mode, OnApproval, Pace, Scope, Watch, WatchSettings};
use nuon_gate_core::{Target, Targets, Verdict};
use serde_json::{Value, json};

use crate::virtual_time::{status as status_code, *};

fn with_history() -> WatchSettings {
    WatchSettings { history: true, ..settings() }
}

/// An earlier deploy that was created at this second and passed after so many more.
fn earlier(second: i64, took: i64) -> Value {
    let ended = json!({ "status_v2": { "status": "active", "created_at_ts": STARTED_AT + second + took } });
    with(created(row(&format!("dpl{second}"), "active"), second), ended)
}

/// They usually took 170 seconds.
fn usual() -> Vec<Value> {
    [(-1000, 170), (-2000, 60), (-3000, 180)].map(|(second, took)| earlier(second, took)).to_vec()
}

/// It was created 70 seconds before the wait began, and ends after 100.
fn own(now: Duration) -> Value {
    created(row("dplOwn", if now >= s(100) { "active" } else { "executing" }), -70)
}

/// The server, with its own answer to the request for earlier deploys.
fn served(mut earlier: impl FnMut() -> Scripted) -> impl FnMut(Duration, &Request) -> Scripted {
    let mut rows = serving(|now| Some(own(now)));
    move |now, request| match request {
        Request::Earlier(..) => earlier(),
        _ => rows(now, request),
    }
}

fn times_asked(run: &Run) -> usize {
    run.what().into_iter().filter(|what| *what == "earlier").count()
}

fn paces(run: &Run) -> Vec<(Duration, Pace)> {
    let pace = |kind: &EventKind| match kind {
        EventKind::Expected { pace, .. } => Some(*pace),
        EventKind::Waiting { pending } => pending.first().and_then(|pending| pending.pace),
        _ => None,
    };
    run.events.iter().filter_map(|event| Some((event.at.elapsed(), pace(&event.kind)?))).collect()
}

#[test]
fn the_usual_duration_is_read_once_and_reported_with_the_progress() {
    let run = run(latest(with_history()), served(|| soon(list(&usual()))));
    assert_eq!((run.report.verdict, times_asked(&run)), (Verdict::Passed, 1));
    let paces = paces(&run);
    assert_eq!(paces.len(), 2, "when it is known, and after a minute: {paces:?}");
    for (at, pace) in &paces {
        assert_eq!((pace.typical, pace.elapsed), (s(170), s(70) + *at), "it was created before the wait began");
    }
    assert!(paces[0].0 < s(1) && paces[0].1.remaining() > s(99), "at once: {paces:?}");
    assert_eq!(run.target().history.as_ref().unwrap().typical, Some(s(170)));
}

#[test]
fn too_few_earlier_deploys_give_no_duration_and_are_not_read_again() {
    let run = run(latest(with_history()), served(|| soon(list(&usual()[..2]))));
    assert_eq!((run.report.verdict, times_asked(&run), paces(&run)), (Verdict::Passed, 1, Vec::new()));
    assert!(run.target().history.is_some());
}

#[test]
fn a_page_that_may_change_is_read_again() {
    let goes_on = created(row("dplBefore", "executing"), -500);
    let rows: Vec<Value> = [goes_on].into_iter().chain(usual()).collect();
    let run = run(latest(with_history()), served(|| soon(list(&rows))));
    let history = run.target().history.as_ref().unwrap();
    assert_eq!((paces(&run).len(), history.is_settled), (2, false));
    assert!(history.typical == Some(s(170)) && history.last_good.is_none(), "what is usual is known all the same");
}

#[test]
fn the_forecast_pauses_while_a_human_is_asked() {
    let at = |second: i64| json!(STARTED_AT + second);
    let status = move |now: Duration| {
        let asked = json!([{ "status": "executing", "created_at_ts": at(-70) }]);
        let since = json!([{ "status": "executing", "created_at_ts": at(-70) },
                           { "status": "pending-approval", "created_at_ts": at(10) }]);
        match now.as_secs() {
            0..10 => json!({ "status": "executing", "created_at_ts": at(-70) }),
            10..130 => json!({ "status": "pending-approval", "created_at_ts": at(10), "history": asked }),
            _ => json!({ "status": "executing", "created_at_ts": at(130), "history": since }),
        }
    };
    let clocks = Clocks { total: s(260), ..settings().clocks };
    let watch = latest(WatchSettings { clocks, ..with_history() });
    let run = run(watch, |now, request| {
        let own = with(own(Duration::ZERO), json!({ "status_v2": status(now) }));
        soon(if matches!(request, Request::Earlier(..)) { list(&usual()) } else { deploy(&own) })
    });
    let paces: Vec<_> =
        paces(&run).into_iter().skip(1).map(|(at, pace)| (at >= s(130), at + s(70) - pace.elapsed)).collect();
    assert!(!paces.is_empty() && paces.iter().all(|own| *own == (true, s(120))), "{paces:?}");
}

#[test]
fn no_history_is_read_for_a_deploy_that_has_ended_or_does_not_exist() {
    for (pin, status) in [(false, Some("active")), (false, Some("error")), (true, Some("active")), (false, None)] {
        let clocks = Clocks { start: Some(s(30)), ..settings().clocks };
        let settings = WatchSettings { clocks, ..with_history() };
        let watch = if pin { pinned(settings, "dplOwn") } else { latest(settings) };
        let run = run(watch, serving(|_| status.map(|status| created(row("dplOwn", status), -70))));
        assert_eq!(times_asked(&run), 0, "{status:?}");
    }
    let once = latest(WatchSettings { mode: Mode::Once, ..with_history() });
    assert_eq!(times_asked(&run(once, served(|| panic!("there is no wait")))), 0);
}

#[test]
fn the_last_poll_reads_no_history() {
    let clocks = Clocks { total: s(20), ..settings().clocks };
    let watch = latest(WatchSettings { clocks, ..with_history() });
    let run = run(watch, |now, request| match request {
        Request::LatestDeploy(..) if now < s(20) => soon(none()),
        Request::Earlier(..) => panic!("there is no time for it"),
        _ => soon(deploy(&own(Duration::ZERO))),
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut);
}

#[test]
fn a_failed_history_changes_nothing() {
    let clocks = Clocks { outage: Some(s(1)), ..settings().clocks };
    let watched = |history| latest(WatchSettings { history, clocks, ..settings() });
    let without = run(watched(false), served(|| panic!("it is not wanted")));
    let answers: [fn() -> Scripted; 7] = [
        || soon(status_code(500)),
        || soon(status_code(401)),
        || soon(status_code(403)),
        || soon(foreign(404)),
        || soon(broken()),
        || soon(Body::Exactly(json!({ "id": "nonsense" }))),
        hang,
    ];
    for answer in answers {
        let run = run(watched(true), served(answer));
        assert_eq!((run.report.verdict, times_asked(&run)), (Verdict::Passed, 1));
        let kinds = |run: &Run| run.events.iter().map(|event| std::mem::discriminant(&event.kind)).collect::<Vec<_>>();
        assert_eq!(kinds(&run), kinds(&without), "nobody hears of it");
        assert!(run.polls()[1].0 <= without.polls()[1].0 + s(2) + LATENCY, "it holds nothing up: {:?}", run.polls());
    }
}

#[test]
fn another_deploy_has_another_history() {
    let newer = |now: Duration| created(row("dplNew", if now >= s(150) { "active" } else { "executing" }), 50);
    let server = |now: Duration, request: &Request| {
        soon(match request {
            Request::Earlier(..) => list(&usual()),
            Request::Deploy(_, _, id) if id.as_str() == "dplOwn" => deploy(&own(Duration::ZERO)),
            _ if now >= s(50) => deploy(&newer(now)),
            _ => deploy(&own(Duration::ZERO)),
        })
    };
    let run = run(latest(with_history()), server);
    assert_eq!((run.report.verdict, run.deploy_id(), times_asked(&run)), (Verdict::Passed, "dplNew", 2));
}

/// Eight that took about as long as the own one will.
fn regular() -> Vec<Value> {
    [170, 166, 172, 169, 174, 165, 171, 168].iter().zip(1..).map(|(took, at)| earlier(-1000 * at, *took)).collect()
}

/// The pauses between the polls that began in these seconds.
fn pauses(run: &Run, from: u64, to: u64) -> Vec<Duration> {
    let polls: Vec<Duration> = run.polls().iter().map(|(began, _)| *began).collect();
    let pairs = polls.windows(2).filter(|pair| pair[0] >= s(from) && pair[0] < s(to));
    pairs.map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn polls_are_dense_when_the_end_is_likely() {
    let played = |history| run(latest(WatchSettings { history, ..settings() }), served(|| soon(list(&regular()))));
    let (with, without) = (played(true), played(false));
    assert!(pauses(&with, 30, 70).iter().all(|pause| *pause >= s(8)), "{:?}", pauses(&with, 30, 70));
    assert!(pauses(&with, 92, 100).iter().all(|pause| *pause <= s(5)), "{:?}", pauses(&with, 92, 100));
    assert!(pauses(&without, 30, 100).iter().all(|pause| *pause >= s(8)), "{:?}", pauses(&without, 30, 100));
    assert!(pauses(&with, 0, 1000).iter().all(|pause| *pause >= s(2)), "never sooner than the shortest interval");
    let (more, polls) = (with.polls().len() - without.polls().len(), without.polls().len());
    assert!(more * 3 <= polls, "{more} more than {polls}");
}

#[test]
fn a_change_resets_the_intervals_and_errors_back_off() {
    // It moves on shortly before the likely end, and then the server fails for a while.
    let status = |now: Duration| if now >= s(95) { "executing" } else { "planning" };
    let run = run(latest(with_history()), |now, request| match request {
        Request::Earlier(..) => soon(list(&regular())),
        _ if now >= s(110) && now < s(150) => soon(status_code(500)),
        _ if now >= s(200) => soon(deploy(&own(now))),
        _ => soon(deploy(&created(row("dplOwn", status(now)), -70))),
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    let changed = run.events.iter().find(|event| matches!(event.kind, EventKind::Changed { .. })).unwrap().at.elapsed();
    let next = run.polls().iter().find(|(began, _)| *began > changed).unwrap().0;
    assert!(next <= changed + s(2) + LATENCY, "{changed:?} {next:?}");
    let in_trouble = pauses(&run, 125, 145);
    assert!(!in_trouble.is_empty() && in_trouble.iter().all(|pause| *pause >= s(8)), "{in_trouble:?}");
}

#[test]
fn with_a_long_poll_the_likely_end_adds_no_polls() {
    let watched = |long_poll, reports_end: bool| {
        let watch = latest(WatchSettings { long_poll, ..with_history() });
        run(watch, move |now, request| match request {
            Request::Earlier(..) => soon(list(&regular())),
            // One that never reports an end, or that the server does not offer.
            Request::Await(..) if reports_end => after(s(60), status_code(408)),
            Request::Await(..) => soon(status_code(404)),
            Request::Workflow(..) if now >= s(100) => {
                soon(workflow("success", true, &[step("apply", "success", "dplOwn")]))
            }
            Request::Workflow(..) => soon(workflow("in-progress", false, &[step("apply", "in-progress", "dplOwn")])),
            _ => soon(deploy(&with(own(now), json!({ "workflow_id": "inw0" })))),
        })
    };
    let near = |run: &Run| pauses(run, 85, 100);
    let (reported, polled, without) = (watched(true, true), watched(true, false), watched(false, false));
    assert!(near(&reported).iter().all(|pause| *pause >= s(8)), "{:?}", near(&reported));
    for run in [polled, without] {
        assert!(near(&run).iter().any(|pause| *pause <= s(5)), "{:?}", near(&run));
    }
}

#[test]
fn a_list_of_the_whole_install_replaces_each_targets_own() {
    let target = |index: usize| Target::new("inl-acme".parse().unwrap(), format!("cmp{index}").parse().unwrap());
    let whose = |index: usize| json!({ "install_id": "inl-acme", "component_id": format!("cmp{index}") });
    let own = |index: usize, now: Duration| {
        let status = if now >= s(70) { "active" } else { "executing" };
        with(created(row(&format!("dpl{index}"), status), -70), whose(index))
    };
    let scope = Scope::Targets(Targets::new((0..3).map(target)).unwrap());
    let watch = Watch::new(with_history(), scope, Pins::default(), jiff::Timestamp::from_second(STARTED_AT).unwrap());
    let run = run(watch.unwrap(), |now, request| {
        soon(match request {
            // The page goes back far enough for one of them.
            Request::InstallDeploys(_) => {
                let earlier = usual().into_iter().map(|row| with(row, whose(1)));
                list(&[own(0, now), own(1, now), own(2, now)].into_iter().chain(earlier).collect::<Vec<_>>())
            }
            _ => deploy(&own(component(request).unwrap(), now)),
        })
    });
    assert_eq!((run.report.verdict, times_asked(&run)), (Verdict::Passed, 0));
    let expected = |kind: &EventKind| match kind {
        EventKind::Expected { target, pace, .. } => Some((*target, pace.typical)),
        _ => None,
    };
    let reported: Vec<_> = run.events.iter().filter_map(|event| expected(&event.kind)).collect();
    assert_eq!(reported, [(1, s(170))], "once, of the one of which it is known");
    let known = run
        .report
        .targets
        .iter()
        .map(|target| Some((target.history.as_ref()?.typical?, target.history.as_ref()?.is_settled)));
    assert_eq!(known.collect::<Vec<_>>(), [None, Some((s(170), false)), None], "the rest is read in the end");
}

#[test]
fn a_list_leaves_the_forecasts_of_the_remaining_targets() {
    let whose = |index: usize| json!({ "install_id": "inl-acme", "component_id": format!("cmp{index}") });
    let target = |index: usize| Target::new("inl-acme".parse().unwrap(), format!("cmp{index}").parse().unwrap());
    // Only the last of them continues after twenty seconds.
    let own = |index: usize, now: Duration| {
        let ends = if index == 2 { s(300) } else { s(20) };
        with(created(row(&format!("dpl{index}"), if now >= ends { "active" } else { "executing" }), 0), whose(index))
    };
    let scope = Scope::Targets(Targets::new((0..3).map(target)).unwrap());
    let watch = Watch::new(with_history(), scope, Pins::default(), jiff::Timestamp::from_second(STARTED_AT).unwrap());
    let usual = || regular().into_iter().map(|row| with(row, whose(2)));
    let run = run(watch.unwrap(), |now, request| {
        soon(match request {
            Request::InstallDeploys(_) => list(&(0..3).map(|index| own(index, now)).chain(usual()).collect::<Vec<_>>()),
            Request::Earlier(..) => list(&usual().collect::<Vec<_>>()),
            _ => deploy(&own(component(request).unwrap(), now)),
        })
    });
    assert_eq!((run.report.verdict, times_asked(&run)), (Verdict::Passed, 1), "once, when no list serves it any more");
    let likely = pauses(&run, 165, 175);
    assert!(!likely.is_empty() && likely.iter().all(|pause| *pause <= s(5)), "{likely:?}");
}

#[test]
fn a_status_that_changes_within_a_poll_does_not_ask_a_human() {
    let at = |status: &str, second: i64| {
        let since = json!({ "status_v2": { "status": status, "created_at_ts": STARTED_AT + second } });
        with(created(with(row("dplOwn", status), json!({ "workflow_id": "inw1" })), -70), since)
    };
    let asks = json!({ "id": "iws-approve", "name": "deploy", "status": { "status": "approval-awaiting" },
                       "step_target_type": "install_deploys", "step_target_id": "dplOwn", "approval": { "id": "waa1" } });
    let settings = WatchSettings { on_approval: OnApproval::Fail, long_poll: true, ..with_history() };
    let run = run(latest(settings), move |now, request| {
        let is_first = now < s(1);
        soon(match request {
            Request::Earlier(..) => list(&[at("pending-approval", 1)]),
            Request::Workflow(..) if is_first => workflow("in-progress", false, std::slice::from_ref(&asks)),
            Request::Workflow(..) => workflow("success", true, &[step("deploy", "success", "dplOwn")]),
            _ if is_first => deploy(&at("executing", 0)),
            _ => deploy(&at("active", 2)),
        })
    });
    assert_eq!(times_asked(&run), 1);
    assert_eq!(
        (run.report.verdict, run.count(|kind| matches!(kind, EventKind::ApprovalNeeded { .. }))),
        (Verdict::Passed, 0)
    );
}
