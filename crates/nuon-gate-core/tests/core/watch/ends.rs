//! Signals, the single poll of `status`, heartbeats and late answers.

use std::time::Duration;

use crate::virtual_time::{
    Body, Driver, LATENCY, STARTED_AT, Scripted, after, component, deploy, exists, hang, latest, list, ms, none,
    pinned, retry_after, row, run, s, serving, settings, soon, status, step, watch, with, workflow,
};
use nuon_gate_core::api::Request;
use nuon_gate_core::cause::Warning;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{Ask, Clocks, EventKind, Instruction, Mode, OnStale, Watch, WatchSettings};
use nuon_gate_core::{Moment, Require, Signal, Verdict};
use serde_json::json;

fn glance() -> WatchSettings {
    WatchSettings { mode: Mode::Once, ..settings() }
}

#[test]
fn a_signal_ends_the_watch_with_one_last_poll() {
    for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
        let run =
            Driver::signalled(ms(33_333), signal).run(latest(settings()), serving(|_| Some(row("dpl0", "executing"))));
        assert_eq!(run.report.verdict, Verdict::Interrupted(signal));
        assert_eq!(run.target().verdict, Verdict::Pending);
        assert_eq!(run.asked_at().last(), Some(&ms(33_333)));
        assert_eq!(run.report.elapsed, ms(33_333) + LATENCY);
        let reason = run.run_reason().unwrap().plain().to_owned();
        for part in [format!("interrupted by {signal}"), "`executing`".to_owned()] {
            assert!(reason.contains(&part), "`{part}` is not in: {reason}");
        }
        assert!(!reason.to_lowercase().contains("none"), "{reason}");
    }
}

#[test]
fn the_last_poll_after_a_signal_takes_a_second_at_most() {
    for wakes_first in [false, true] {
        let driver = Driver { wakes_first, ..Driver::signalled(s(33), Signal::Terminate) };
        let run =
            driver.run(
                latest(settings()),
                |now, _| {
                    if now < s(30) { soon(deploy(&row("dpl0", "executing"))) } else { hang() }
                },
            );
        assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Terminate));
        assert_eq!(run.report.elapsed, s(34));
        assert_eq!(run.asked.last().unwrap().timeout, s(1));
    }
}

/// Every answer is good, but the workflow that was pinned has ended without a row of the component.
#[test]
fn a_single_poll_that_finds_nothing_has_been_answered() {
    for (ended_at, verdict) in [(-5, Verdict::Pending), (-60, Verdict::Failed)] {
        let pins = Pins { workflow: "inw1".parse().ok(), ..Pins::default() };
        let status = json!({ "status": "success", "created_at_ts": STARTED_AT + ended_at });
        let body = json!({ "id": "inw1", "owner_id": "inl-acme", "status": status, "finished": true, "steps": [] });
        let run = run(watch(glance(), 1, pins), |_, request| {
            soon(match request {
                Request::Workflow(..) => Body::Exactly(body.clone()),
                Request::LatestDeploy(..) => deploy(&row("dplOld", "active")),
                Request::Deploys(..) => list(&[row("dplOld", "active")]),
                _ => exists(request),
            })
        });
        assert_eq!(run.report.verdict, verdict, "{:?}", run.run_reason());
    }
}

/// A single poll has no other to confirm that the deploy's workflow does not exist, so it asks again.
#[test]
fn a_single_poll_does_without_a_workflow_that_is_missing_three_times() {
    for (misses, warnings) in [(2, 0), (9, 1)] {
        let mut missed = 0;
        let run = run(latest(glance()), |_, request| {
            let active = || with(row("dpl0", "active"), json!({ "workflow_id": "inw1" }));
            soon(match request {
                Request::Workflow(..) if missed < misses => {
                    missed += 1;
                    none()
                }
                Request::Workflow(..) => workflow("success", true, &[step("first", "success", "dpl0")]),
                _ => deploy(&active()),
            })
        });
        let is_missed = |kind: &EventKind| matches!(kind, EventKind::Warned { warning: Warning::NoWorkflow(_), .. });
        assert_eq!((run.report.verdict, missed), (Verdict::Passed, misses.min(3)), "{:?}", run.run_reason());
        assert_eq!(run.count(is_missed), warnings);
    }
}

/// The run would be refused if the signal had not come first.
#[test]
fn a_target_that_is_refused_after_a_signal_has_a_reason() {
    let settings = WatchSettings { on_stale: OnStale::Fail, ..settings() };
    let run =
        Driver::signalled(ms(1), Signal::Terminate).run(latest(settings), serving(|_| Some(row("dpl0", "active"))));
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Terminate));
    let target = run.target();
    assert_eq!(target.verdict, Verdict::Pending);
    let reason = target.cause.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(reason.contains("stopped by SIGTERM") && reason.contains("`active`"), "{reason}");
    assert_eq!(run.count(|kind| matches!(kind, EventKind::Ended { target: Some(0), .. })), 1);
}

#[test]
fn only_the_first_signal_counts() {
    let signals = vec![(s(33), Signal::Interrupt), (ms(33_500), Signal::Terminate), (ms(33_900), Signal::Interrupt)];
    let driver = Driver { signals, ..Driver::default() };
    let run = driver
        .run(latest(settings()), |now, _| if now < s(30) { soon(deploy(&row("dpl0", "executing"))) } else { hang() });
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Interrupt));
    assert_eq!(run.report.elapsed, s(34), "the second does not move the end");
}

#[test]
fn a_signal_during_the_last_poll_at_the_deadline_shortens_it() {
    let clocks = Clocks { total: s(60), start: None, stall: None, approval: None, queue: None, outage: None };
    let driver = Driver::signalled(s(70), Signal::Interrupt);
    let run = driver.run(latest(WatchSettings { clocks, ..settings() }), |now, _| {
        if now < s(60) { soon(deploy(&row("dpl0", "executing"))) } else { hang() }
    });
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Interrupt));
    assert_eq!(run.report.elapsed, s(71));

    let driver = Driver::signalled(ms(89_500), Signal::Interrupt);
    let run = driver.run(latest(WatchSettings { clocks, ..settings() }), |_, _| hang());
    assert_eq!(run.report.elapsed, s(90), "but never prolongs it");
}

#[test]
fn every_target_keeps_its_verdict() {
    let driver = Driver::signalled(s(100), Signal::Interrupt);
    let run = driver.run(watch(settings(), 4, Pins::default()), |now, request| {
        let index = component(request).unwrap();
        let status = match (index, now >= s(50), now >= s(100)) {
            (0, true, _) => "active",
            (1, true, _) => "error",
            (2, _, true) => "active",
            _ => "executing",
        };
        soon(deploy(&row(&format!("dpl{index}"), status)))
    });
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Interrupt));
    let verdicts: Vec<Verdict> = run.report.targets.iter().map(|target| target.verdict).collect();
    let expected = [Verdict::Passed, Verdict::Failed, Verdict::Passed, Verdict::Pending];
    assert_eq!(verdicts, expected, "the third passed in the last poll");
}

#[test]
fn a_signal_decides_even_if_the_last_poll_passes() {
    let driver = Driver::signalled(s(60), Signal::Terminate);
    let run =
        driver.run(latest(settings()), serving(|now| Some(row("dpl0", if now < s(60) { "queued" } else { "active" }))));
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Terminate));
    assert_eq!(run.target().verdict, Verdict::Passed);
}

#[test]
fn a_pause_leaves_no_last_poll() {
    let driver = Driver::signalled(s(20), Signal::Interrupt);
    let run = driver.run(latest(settings()), |now, _| {
        soon(if now < s(5) { deploy(&row("dpl0", "queued")) } else { retry_after(429, s(600)) })
    });
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Interrupt));
    assert_eq!(run.report.elapsed, s(20));
    assert!(run.asked_at().iter().all(|at| *at < s(20)));
}

#[test]
fn status_is_one_poll() {
    let cases = [
        ("active", Verdict::Passed, 2),
        ("executing", Verdict::Pending, 1),
        ("thawing", Verdict::Pending, 1),
        ("error", Verdict::Failed, 2),
        ("approval-denied", Verdict::Cancelled, 2),
    ];
    for (status, verdict, asked) in cases {
        let run = run(latest(glance()), serving(|_| Some(row("dpl0", status))));
        assert_eq!((run.report.verdict, run.asked.len()), (verdict, asked), "{status}");
        assert!(run.report.elapsed < s(1));
        assert_eq!(run.target().clock(), None);
    }
}

#[test]
fn status_without_a_deploy_is_pending() {
    let run = run(latest(glance()), serving(|_| None));
    assert_eq!(run.report.verdict, Verdict::Pending);
    assert_eq!(run.what(), ["latest", "install", "component", "hundred"]);
    assert_eq!(run.reason(), "no deploy has been seen");
}

#[test]
fn status_reports_errors() {
    let rejected = run(latest(glance()), |_, request| {
        soon(match request {
            Request::LatestDeploy(..) => none(),
            _ => status(404),
        })
    });
    assert_eq!(rejected.report.verdict, Verdict::Rejected);

    for reply in [status(503), retry_after(429, s(60)), crate::virtual_time::broken()] {
        let run = run(latest(glance()), |_, _| soon(reply.clone()));
        assert_eq!(run.report.verdict, Verdict::Inconclusive, "{reply:?}");
        assert!(run.reason().starts_with("no good answer from the API: "), "{}", run.reason());
        assert_eq!(run.asked.len(), 1);
    }
}

#[test]
fn status_without_an_answer_is_inconclusive_in_any_order() {
    for wakes_first in [false, true] {
        let driver = Driver { wakes_first, ..Driver::default() };
        let run = driver.run(latest(glance()), |_, _| hang());
        assert_eq!(run.report.verdict, Verdict::Inconclusive, "wakes first: {wakes_first}");
        assert_eq!(run.report.elapsed, s(30));
        assert!(run.reason().starts_with("no good answer from the API"), "{}", run.reason());
    }
    // A pause that another target's answer asked for leaves no time for a poll.
    let run = run(watch(glance(), 20, Pins::default()), |_, request| match component(request) {
        Some(0) => after(ms(10), retry_after(429, s(60))),
        index => soon(deploy(&row(&format!("dpl{}", index.unwrap()), "active"))),
    });
    let not_asked = &run.report.targets[19];
    assert_eq!(not_asked.verdict, Verdict::Inconclusive, "{:?}", not_asked.cause);
}

#[test]
fn there_is_a_heartbeat_a_minute() {
    let intervals = nuon_gate_core::schedule::Intervals::new(s(7), s(7)).unwrap();
    let clocks = Clocks { total: s(400), start: None, stall: None, approval: None, queue: None, outage: None };
    let watch = watch(WatchSettings { intervals, clocks, ..settings() }, 2, Pins::default());
    let run = run(watch, |now, request| {
        let index = component(request).unwrap();
        let status = if index == 0 && now >= s(100) { "active" } else { "executing" };
        soon(deploy(&row(&format!("dpl{index}"), status)))
    });
    let mut last = Moment::START;
    let mut heartbeats = Vec::new();
    for event in &run.events {
        assert!(event.at - last <= s(60), "nothing was said for {:?}", event.at - last);
        if let EventKind::Waiting { pending } = &event.kind {
            assert_eq!(event.at - last, s(60), "a heartbeat comes only after a minute of silence");
            heartbeats.push(pending.iter().map(|pending| pending.target).collect::<Vec<_>>());
            let last = pending.last().unwrap();
            assert_eq!(last.status.as_ref().unwrap().as_str(), "executing");
            assert!(last.spent + s(1) > event.at.elapsed());
        }
        last = event.at;
    }
    assert_eq!(heartbeats, [vec![0, 1], vec![1], vec![1], vec![1], vec![1]]);
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut watch = pinned(settings(), "dpl0");
    let at = |seconds| Moment::after_start(s(seconds));
    let asks = |instruction: Instruction| match instruction {
        Instruction::Ask(ask) => ask,
        other => panic!("{other:?}"),
    };
    let answer = |ask: &Ask, status: &str| (ask.ticket, deploy(&row("dpl0", status)).reply(&ask.request));
    let reply = |watch: &mut Watch, second, ask: &Ask, status: &str| {
        let (ticket, reply) = answer(ask, status);
        watch.reply(at(second), ticket, &reply);
    };
    let first = asks(watch.next(at(0)));
    watch.interrupt(at(1), Signal::Interrupt);
    let second = asks(watch.next(at(1)));
    reply(&mut watch, 1, &first, "error");
    assert!(matches!(watch.next(at(1)), Instruction::Sleep(_)), "the first question has been given up");
    reply(&mut watch, 1, &second, "active");
    reply(&mut watch, 1, &second, "error");
    let newest = asks(watch.next(at(1)));
    reply(&mut watch, 1, &second, "error");
    reply(&mut watch, 1, &newest, "active");
    assert_eq!(watch.next(at(1)), Instruction::Done);
    reply(&mut watch, 2, &first, "error");
    assert_eq!(watch.next(at(2)), Instruction::Done);
    let report = watch.report(at(9));
    assert_eq!((report.targets[0].verdict, report.elapsed), (Verdict::Passed, s(1)));
}

#[test]
fn a_driver_that_is_late_still_gets_the_last_poll() {
    let clocks = Clocks { total: s(60), start: None, stall: None, approval: None, queue: None, outage: None };
    let mut watch = pinned(WatchSettings { clocks, ..settings() }, "dpl0");
    assert!(matches!(watch.next(Moment::START), Instruction::Ask(_)));
    // The request is still open long after its timeout.
    let late = Moment::after_start(s(75));
    let Instruction::Ask(ask) = watch.next(late) else { panic!("no last poll") };
    assert_eq!(ask.timeout, s(30));
    watch.reply(late, ask.ticket, &deploy(&row("dpl0", "active")).reply(&ask.request));
    let Instruction::Ask(newest) = watch.next(late) else { panic!("what is newer is not asked") };
    assert_eq!(newest.timeout, s(30));
    watch.reply(late, newest.ticket, &deploy(&row("dpl0", "active")).reply(&newest.request));
    assert_eq!(watch.next(late), Instruction::Done);
    assert_eq!(watch.report(late).verdict, Verdict::Passed);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let server = |now: Duration, request: &Request| -> Scripted {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => match now.as_secs() {
                0..20 => none(),
                20..40 => status(502),
                40..90 => deploy(&row("dpl0", "queued")),
                _ => deploy(&row("dpl0", "active")),
            },
            _ => exists(request),
        })
    };
    let with = |seed| run(latest(WatchSettings { seed, require: Require::All, ..settings() }), server);
    assert_eq!(with(5).asked, with(5).asked);
    assert_eq!(with(5).events, with(5).events);
    assert_ne!(with(5).asked, with(6).asked);
}
