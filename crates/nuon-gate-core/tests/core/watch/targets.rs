//! Several targets: which one decides, when the run is over, and how many are polled at once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::virtual_time::{
    Run, Scripted, after, at_least, component, deploy, exists, hang, ms, none, row, run, s, settings, soon, status,
    targets, watch,
};
use jiff::Timestamp;
use nuon_gate_core::api::Request;
use nuon_gate_core::pins::{Baseline, Pins};
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::watch::{Clocks, EventKind, InvalidSettings, Mode, Scope, Watch, WatchSettings};
use nuon_gate_core::{MatchedBy, Require, Verdict};

use Require::{All, Any};
use Verdict::{Cancelled, Failed, Inconclusive, Passed, Pending, Rejected, TimedOut};

/// Follows targets that end after this many seconds in the given status; 0 is never.
fn ending(require: Require, fail_fast: bool, ends: &'static [(u64, &'static str)]) -> Run {
    let clocks = Clocks { total: s(600), ..settings().clocks };
    let watch = watch(WatchSettings { require, fail_fast, clocks, ..settings() }, ends.len(), Pins::default());
    run(watch, move |now, request| {
        let index = component(request).unwrap();
        let (at, end) = ends[index];
        let status = if at > 0 && now >= s(at) { end } else { "executing" };
        soon(deploy(&row(&format!("dpl{index}"), status)))
    })
}

fn verdicts(run: &Run) -> Vec<Verdict> {
    run.report.targets.iter().map(|target| target.verdict).collect()
}

#[test]
fn as_many_have_to_pass_as_required() {
    let ends: &[_] = &[(30, "error"), (60, "active"), (90, "active")];
    let cases = [
        (All, Failed, 90, [Failed, Passed, Passed]),
        (Any, Passed, 60, [Failed, Passed, Pending]),
        (at_least(2), Passed, 90, [Failed, Passed, Passed]),
        (at_least(3), Failed, 90, [Failed, Passed, Passed]),
    ];
    for (require, verdict, ended, each) in cases {
        let run = ending(require, false, ends);
        assert_eq!((run.report.verdict, verdicts(&run)), (verdict, each.to_vec()), "{require:?}");
        let elapsed = run.report.elapsed;
        assert!((s(ended)..s(ended + 11)).contains(&elapsed), "{require:?} took {elapsed:?}");
    }
}

#[test]
fn a_single_poll_is_pending_as_long_as_enough_may_still_pass() {
    let cases = [
        (Any, &["error", "executing"][..], Pending),
        (All, &["error", "executing"], Failed),
        (Any, &["active", "executing"], Passed),
        (at_least(2), &["active", "error", "executing"], Pending),
        (at_least(2), &["cancelled", "error", "executing"], Failed),
        (at_least(2), &["error", "active", "active"], Passed),
        (Any, &["error", "cancelled"], Failed),
    ];
    for (require, each, verdict) in cases {
        let watch = watch(WatchSettings { require, mode: Mode::Once, ..settings() }, each.len(), Pins::default());
        let run = run(watch, |_, request| {
            let index = component(request).unwrap();
            soon(deploy(&row(&format!("dpl{index}"), each[index])))
        });
        assert_eq!(run.report.verdict, verdict, "{require:?} of {each:?}");
    }
}

#[test]
fn fail_fast_stops_as_soon_as_it_is_lost() {
    let ends: &[_] = &[(30, "error"), (0, ""), (90, "cancelled")];
    let cases = [(All, 30, [Failed, Pending, Pending]), (at_least(2), 90, [Failed, Pending, Cancelled])];
    for (require, ended, each) in cases {
        let run = ending(require, true, ends);
        assert_eq!((run.report.verdict, verdicts(&run)), (Failed, each.to_vec()), "{require:?}");
        assert!(run.report.elapsed >= s(ended) && run.report.elapsed < s(ended + 11));
        let reason = run.report.targets[1].cause.as_ref().unwrap().to_string();
        assert!(reason.contains("the run was already decided") && reason.contains("`executing`"), "{reason}");
    }
    let patient = ending(All, false, ends);
    assert_eq!(verdicts(&patient), [Failed, TimedOut, Cancelled], "without it every target is waited for");
    assert_eq!(ending(Any, true, &[(30, "error"), (60, "active")]).report.verdict, Passed, "not lost, not stopped");
}

#[test]
fn of_several_verdicts_the_most_severe_decides() {
    let order = [Rejected, Failed, Cancelled, Inconclusive, TimedOut, Pending, Passed];
    assert!(order.is_sorted() && Verdict::Interrupted(nuon_gate_core::Signal::HangUp) < Rejected);

    // All verdicts but inconclusive, which needs the API to be silent for all. The lists lose one end after the other.
    let ends: [&'static [(u64, &str)]; 3] = [
        &[(0, ""), (30, "cancelled"), (20, "error"), (10, "active")],
        &[(0, ""), (30, "cancelled"), (10, "active")],
        &[(0, ""), (10, "active")],
    ];
    for (ends, verdict) in ends.into_iter().zip([Failed, Cancelled, TimedOut]) {
        assert_eq!(ending(All, false, ends).report.verdict, verdict);
    }

    let rejected = run(watch(settings(), 2, Pins::default()), |_, request| {
        soon(match (request, component(request)) {
            (Request::LatestDeploy(..), Some(0)) => deploy(&row("dpl0", "error")),
            (Request::Deploy(..), _) => deploy(&row("dpl0", "error")),
            (Request::InstallComponent(..), _) => status(404),
            (Request::LatestDeploy(..), _) => none(),
            _ => exists(request),
        })
    });
    assert_eq!(verdicts(&rejected), [Failed, Rejected]);
    assert_eq!((rejected.report.verdict, rejected.report.deciding()), (Rejected, Some(1)));
    let reason = rejected.run_reason().unwrap().plain().to_owned();
    assert!(reason.starts_with("inl1/cmp1: there is no component `cmp1`"), "{reason}");
}

#[test]
fn every_target_ends_once() {
    let run = ending(All, false, &[(30, "error"), (60, "active"), (0, "")]);
    let mut ended: Vec<usize> = Vec::new();
    for event in &run.events {
        if let EventKind::Ended { target, verdict, cause, .. } = &event.kind {
            ended.push(target.unwrap());
            assert_eq!(cause.is_none(), *verdict == Passed);
        }
    }
    assert_eq!(ended, [0, 1, 2]);
    assert!(matches!(&run.events[0].kind, EventKind::Started { targets } if targets.len() == 3));
}

#[test]
fn an_impossible_requirement_is_refused_at_the_start() {
    let made = |require, pin| {
        let settings = WatchSettings { require, ..settings() };
        Watch::new(settings, Scope::Targets(targets(3)), pin, "2027-01-15T08:00:00Z".parse().unwrap()).map(|_| ())
    };
    assert_eq!(made(at_least(4), Pins::default()), Err(InvalidSettings::TooManyRequired { needed: 4, targets: 3 }));
    assert_eq!(made(at_least(3), Pins::default()), Ok(()));
    let dpl0 = || "dpl0".parse().unwrap();
    let of_one = [
        (Pins { deploy: Some(dpl0()), ..Pins::default() }, MatchedBy::Deploy),
        (Pins { after: Some(Baseline::Deploy(dpl0())), ..Pins::default() }, MatchedBy::After),
    ];
    for (pins, pin) in of_one {
        assert_eq!(made(All, pins), Err(InvalidSettings::DeployOfSeveral { pin, targets: 3 }));
    }
    let of_all = Pins { after: Some(Baseline::NoneAt(Timestamp::UNIX_EPOCH)), ..Pins::default() };
    assert_eq!(made(All, of_all), Ok(()));
}

#[test]
fn ten_thousand_targets_are_enough() {
    let made =
        |scope| Watch::new(settings(), scope, Pins::default(), "2027-01-15T08:00:00Z".parse().unwrap()).map(|_| ());
    let names = |count: usize| {
        let name = |at| Wanted::Component("acme".parse().unwrap(), format!("c{at}").parse().unwrap());
        Scope::Wanted((0..count).map(name).collect())
    };
    let too_many = Err(InvalidSettings::TooManyTargets { targets: 10_001 });
    assert_eq!(
        (made(Scope::Targets(targets(10_000))), made(Scope::Targets(targets(10_001)))),
        (Ok(()), too_many.clone())
    );
    assert_eq!((made(names(10_000)), made(names(10_001))), (Ok(()), too_many));
}

#[test]
fn at_most_sixteen_requests_are_in_flight() {
    for count in [3, 16, 17, 100] {
        let run = run(watch(settings(), count, Pins::default()), |now, request| {
            let index = component(request).unwrap();
            after(ms(700), deploy(&row(&format!("dpl{index}"), if now < s(60) { "executing" } else { "active" })))
        });
        assert_eq!(run.report.verdict, Passed);
        assert_eq!(run.most_at_once, count.min(16));
    }
}

#[test]
fn several_hundred_targets_are_all_followed() {
    let clocks =
        Clocks { total: s(1800), start: Some(s(600)), stall: None, approval: None, queue: None, outage: Some(s(300)) };
    let fleet = watch(WatchSettings { clocks, max_rps: 1000, ..settings() }, 300, Pins::default());
    let run = run(fleet, |now, request| {
        let answer = |index: usize| {
            let end = s(30 + index as u64 / 3);
            deploy(&row(&format!("dpl{index}"), if now < end { "executing" } else { "active" }))
        };
        after(ms(50), component(request).map_or_else(none, answer))
    });
    assert_eq!(run.report.verdict, Passed);
    // Every end is seen within the longest interval and the queue before it.
    for (index, target) in run.report.targets.iter().enumerate() {
        let ended = run
            .events
            .iter()
            .find(|event| matches!(event.kind, EventKind::Ended { target, .. } if target == Some(index)));
        let late = ended.unwrap().at.elapsed() - s(30 + index as u64 / 3);
        assert!(late < s(13), "{} was seen to end {late:?} late", target.target);
    }
}

#[test]
fn a_poll_is_finished_however_many_others_wait() {
    // Sixteen answers a second for 400 targets: some poll is always overdue.
    let slow = |now: Duration, request: &Request| -> Scripted {
        let index = component(request).unwrap();
        after(s(1), deploy(&row(&format!("dpl{index}"), if index == 7 && now > s(60) { "error" } else { "executing" })))
    };
    let run = run(watch(WatchSettings { fail_fast: true, ..settings() }, 400, Pins::default()), slow);
    assert_eq!(run.report.verdict, Failed);
    assert!(run.report.elapsed < s(120), "{:?}", run.report.elapsed);

    // The first poll sees a failure, whose details need a second request.
    let run = crate::virtual_time::run(
        watch(WatchSettings { fail_fast: true, ..settings() }, 400, Pins::default()),
        |_, request| {
            let index = component(request).unwrap();
            after(s(1), deploy(&row(&format!("dpl{index}"), if index == 7 { "error" } else { "executing" })))
        },
    );
    assert_eq!(run.report.verdict, Failed);
    assert!(run.report.elapsed < s(60), "{:?}", run.report.elapsed);
}

#[test]
fn each_target_has_its_turn_when_the_api_is_slow() {
    let clocks = Clocks { total: s(600), start: None, stall: None, approval: None, queue: None, outage: None };
    let run = run(watch(WatchSettings { clocks, ..settings() }, 100, Pins::default()), |_, request| {
        after(s(5), deploy(&row(&format!("dpl{}", component(request).unwrap()), "executing")))
    });
    assert_eq!(run.report.verdict, TimedOut);
    let mut polls: BTreeMap<usize, usize> = BTreeMap::new();
    // A poll is one request for the deploy, and at every third poll one for the newest deploy.
    for asked in run.asked.iter().filter(|asked| asked.what() == "deploy") {
        *polls.entry(component(&asked.request).unwrap()).or_default() += 1;
    }
    let (fewest, most) = (polls.values().min().unwrap(), polls.values().max().unwrap());
    assert!(polls.len() == 100 && most - fewest <= 2, "between {fewest} and {most} polls");
}

#[test]
fn hundreds_of_hanging_requests_cannot_hold_up_the_end() {
    let run = run(watch(settings(), 400, Pins::default()), |_, _| hang());
    assert_ne!(run.report.verdict, Passed);
    assert!(run.report.elapsed <= s(3630), "{:?}", run.report.elapsed);
}
