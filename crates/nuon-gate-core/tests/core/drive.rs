//! The driver against tokio's paused clock and a scripted transport: it sleeps, gives up and handles signals on time.

use std::cell::RefCell;
use std::time::Duration;

use crate::virtual_time::{Body, certificate, component, deploy, latest, ms, row, s, settings, status, watch};
use nuon_gate_core::api::ErrorClass;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::Report;
use nuon_gate_core::watch::{Ask, Clocks, Event, EventKind, Refusal, WatchSettings};
use nuon_gate_core::{Clock, Signal, Verdict, drive_with};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

fn total(seconds: u64) -> WatchSettings {
    WatchSettings {
        clocks: Clocks { total: s(seconds), start: None, stall: None, approval: None, queue: None, outage: None },
        ..settings()
    }
}

/// How a run ended, when, and when requests were sent.
struct Driven {
    report: Report,
    took: Duration,
    asked: Vec<Duration>,
    events: Vec<Event>,
}

/// Drives a watch. The transport takes as long as `answer` says; `None` is for ever.
async fn driven(
    watch: nuon_gate_core::watch::Watch,
    signals: &[(Duration, Signal)],
    answer: impl Fn(Duration, &Ask) -> (Option<Duration>, Body),
) -> Driven {
    let start = Instant::now();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for (at, signal) in signals.iter().copied() {
        let sender = sender.clone();
        tokio::spawn(async move {
            sleep(at).await;
            let _ = sender.send(signal);
        });
    }
    drop(sender);
    let (asked, mut events) = (RefCell::new(Vec::new()), Vec::new());
    let send = |ask: Ask| {
        asked.borrow_mut().push(start.elapsed());
        let (latency, body) = answer(start.elapsed(), &ask);
        async move {
            match latency {
                Some(latency) => sleep(latency).await,
                None => std::future::pending().await,
            }
            body.reply(&ask.request)
        }
    };
    let report =
        drive_with(send, watch, Instant::now(), &mut receiver, |event, _| events.push(event.clone())).await.unwrap();
    Driven { report, took: start.elapsed(), asked: asked.into_inner(), events }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_is_followed_to_its_end() {
    let run = driven(latest(settings()), &[], |now, _| {
        (Some(ms(100)), deploy(&row("dpl0", if now < s(30) { "executing" } else { "active" })))
    })
    .await;
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.took >= s(30) && run.took < s(41), "{:?}", run.took);
    // A paused clock may round up to the timer's millisecond.
    assert!(run.took - run.report.elapsed < ms(2), "{:?} and {:?}", run.took, run.report.elapsed);
    let kinds: Vec<&EventKind> = run.events.iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds[0], EventKind::Started { .. }));
    assert!(matches!(kinds[kinds.len() - 1], EventKind::Ended { .. }), "the last event is handed over too");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_can_come_during_a_sleep() {
    let run = driven(latest(total(60)), &[], |_, _| (Some(ms(10)), deploy(&row("dpl0", "executing")))).await;
    assert_eq!(run.report.targets[0].clock(), Some(Clock::Total));
    let late = run.took - s(60);
    assert!(late < ms(20), "{late:?} late");
    assert!(*run.asked.last().unwrap() - s(60) < ms(2), "{:?}", run.asked);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_is_given_up() {
    let run = driven(latest(total(600)), &[], |now, _| {
        let hangs = now < s(100);
        ((!hangs).then_some(ms(10)), deploy(&row("dpl0", "active")))
    })
    .await;
    assert_eq!(run.report.verdict, Verdict::Passed);
    let retries = run.events.iter().filter(|event| matches!(event.kind, EventKind::Retrying { .. })).count();
    assert!(retries >= 3, "{retries}");

    let never = driven(latest(total(60)), &[], |_, _| (None, status(500))).await;
    assert_eq!(never.report.verdict, Verdict::TimedOut);
    assert!(never.took >= s(90) && never.took < s(91), "{:?}", never.took);
}

#[tokio::test(start_paused = true)]
async fn a_signal_wakes_the_sleeper() {
    let signals = [(ms(33_300), Signal::Terminate), (ms(33_305), Signal::Interrupt)];
    let run = driven(latest(settings()), &signals, |_, _| (Some(ms(10)), deploy(&row("dpl0", "executing")))).await;
    assert_eq!(run.report.verdict, Verdict::Interrupted(Signal::Terminate));
    assert!(run.took >= ms(33_300) && run.took < ms(33_330), "{:?}", run.took);

    let hanging = driven(latest(settings()), &signals, |_, _| (None, status(500))).await;
    assert_eq!(hanging.report.verdict, Verdict::Interrupted(Signal::Terminate));
    assert!(hanging.took < ms(34_310), "{:?}", hanging.took);
}

#[tokio::test(start_paused = true)]
async fn without_a_signal_source_it_runs_on() {
    let run = driven(latest(total(30)), &[], |_, _| (Some(ms(10)), status(503))).await;
    assert_eq!(run.report.verdict, Verdict::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn requests_run_in_parallel() {
    let run = driven(watch(settings(), 16, Pins::default()), &[], |_, ask| {
        let id = format!("dpl{}", component(&ask.request).unwrap());
        (Some(s(5)), deploy(&row(&id, "active")))
    })
    .await;
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.took < s(11), "two questions, one after the other: {:?}", run.took);
}

#[tokio::test(start_paused = true)]
async fn an_untrusted_certificate_is_an_error_without_a_report() {
    let (_sender, mut receiver) = mpsc::unbounded_channel();
    let send = |ask: Ask| async move { certificate().reply(&ask.request) };
    let refusal = drive_with(send, latest(settings()), Instant::now(), &mut receiver, |_, _| {})
        .await
        .map(|report| report.verdict);
    assert!(
        matches!(&refusal, Err(Refusal::Untrusted(error)) if error.class() == ErrorClass::Untrusted),
        "{refusal:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_panics_does_not_hang_the_wait() {
    let (_sender, mut receiver) = mpsc::unbounded_channel();
    let start = Instant::now();
    let send = |ask: Ask| async move {
        assert!(ask.timeout.is_zero(), "a transport gone wrong");
        status(500).reply(&ask.request)
    };
    let report = drive_with(send, latest(total(60)), Instant::now(), &mut receiver, |_, _| {}).await.unwrap();
    assert_eq!(report.verdict, Verdict::TimedOut);
    assert!(start.elapsed() <= s(91), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn time_before_the_wait_counts_against_the_timeouts() {
    let (_sender, mut receiver) = mpsc::unbounded_channel();
    let began = Instant::now();
    sleep(s(45)).await;
    let send = |ask: Ask| async move { status(500).reply(&ask.request) };
    let report = drive_with(send, latest(total(60)), began, &mut receiver, |_, _| {}).await.unwrap();
    assert_eq!((report.verdict, report.elapsed), (Verdict::TimedOut, s(60)));
    assert_eq!(began.elapsed(), s(60));
}
