//! Cancelling against tokio's paused clock and a scripted server: who wins, and how long it is waited for.

#![cfg(test)]

mod virtual_time;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_core::watch::{Answer, Clocks, Reply, Request};
use nuon_gate_core::{ApiError, CancelLimits, CancelOn, CancelPlan, Line, Report, Signal, Verdict, WatchSettings};
use serde_json::json;
use tokio::time::Instant;
use virtual_time::{Driver, deploy, latest, ms, row, s, serving, settings, status, with, workflow};

const TIMEOUT: CancelOn = CancelOn { timeout: true, interrupt: false, fail_fast: false };
const INTERRUPT: CancelOn = CancelOn { timeout: false, interrupt: true, fail_fast: false };
const LIMITS: CancelLimits = CancelLimits { whole: s(15), pace: ms(500) };

fn executing() -> serde_json::Value {
    with(row("dpl0", "executing"), json!({"workflow_id": "inw1"}))
}

/// A run whose total clock rang while the deploy was executing.
fn timed_out() -> Report {
    let clocks = Clocks { total: s(60), start: None, stall: None, approval: None, outage: None };
    virtual_time::run(latest(WatchSettings { clocks, ..settings() }), serving(|_| Some(executing()))).report
}

struct Cancelled {
    report: Report,
    posts: usize,
    took: Duration,
}

/// Cancels against a server that answers by the time and the number of the post.
async fn cancelled(
    mut report: Report,
    on: CancelOn,
    post: impl Fn(usize) -> Reply + Send + Sync + 'static,
    word: impl Fn(Duration) -> &'static str + Send + Sync + 'static,
    flow: impl Fn(Duration) -> Reply + Send + Sync + 'static,
) -> Cancelled {
    let start = Instant::now();
    let posts = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&posts);
    let server = Arc::new((post, word, flow));
    let send = move |request: Request| {
        let (server, posts) = (Arc::clone(&server), Arc::clone(&counted));
        async move {
            match request {
                Request::Cancel(_) => {
                    let mut posts = posts.lock().unwrap();
                    *posts += 1;
                    server.0(*posts)
                }
                Request::Deploy(..) => deploy(&with(executing(), json!({"status": server.1(start.elapsed())}))),
                Request::Workflow(_) => server.2(start.elapsed()),
                other => panic!("{other:?}"),
            }
        }
    };
    let settlements = CancelPlan::new(&report, on, LIMITS).carry_out(send).await;
    report.settle(settlements);
    let posts = *posts.lock().unwrap();
    Cancelled { report, posts, took: start.elapsed() }
}

fn running(_: Duration) -> Reply {
    workflow("in-progress", false, &[])
}

fn accepted(_: usize) -> Reply {
    Ok(Answer::Cancelling)
}

#[tokio::test(start_paused = true)]
async fn the_report_says_who_won() {
    let after = |word: &'static str| move |now: Duration| if now < s(2) { "executing" } else { word };
    let cases = [
        ("cancelled", "it was cancelled", ms(2000)),
        ("active", "cancel lost the race: the deploy became `active`", ms(2000)),
        ("error", "it was to be cancelled, and ended as `error`", ms(2000)),
        ("executing", "cancelling it was accepted, but it has not ended within 15s and is `executing`", s(15)),
    ];
    for (word, words, took) in cases {
        let done = cancelled(timed_out(), TIMEOUT, accepted, after(word), running).await;
        let target = &done.report.targets[0];
        let reason = target.reason.as_ref().map(Line::plain).unwrap();
        assert!(reason.starts_with("the total clock of 1m ran out") && reason.ends_with(words), "{reason}");
        assert!(done.report.reason.as_ref().map(Line::plain).unwrap().ends_with(words));
        assert_eq!((done.report.verdict, done.posts, done.took), (Verdict::TimedOut, 1, took), "{word}");
        assert_eq!(target.deploy.as_ref().unwrap().current_status().as_str(), word);
        assert_eq!(target.timeline.last().unwrap().status.as_str(), word);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_never_began_is_settled_by_its_workflow() {
    let done = cancelled(timed_out(), TIMEOUT, accepted, |_| "queued", |_| workflow("cancelled", false, &[])).await;
    let reason = done.report.reason.as_ref().map(Line::plain).unwrap();
    assert!(reason.ends_with("the workflow was cancelled and the deploy stays `queued`"), "{reason}");
    assert_eq!(done.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_tried_again_for_three_seconds_and_nothing_is_awaited_then() {
    for code in [400, 500] {
        let late = cancelled(
            timed_out(),
            TIMEOUT,
            move |post| if post < 3 { status(code) } else { accepted(post) },
            |_| "cancelled",
            running,
        )
        .await;
        assert!(late.report.reason.unwrap().plain().ends_with("it was cancelled"), "{code}");
        assert_eq!((late.posts, late.took), (3, s(1)));

        let never = cancelled(timed_out(), TIMEOUT, move |_| status(code), |_| "active", running).await;
        let reason = never.report.reason.as_ref().map(Line::plain).unwrap();
        let words = format!("it could not be cancelled (HTTP {code}: said {code}): the deploy became `active`");
        assert!(reason.ends_with(&words), "{reason}");
        assert_eq!((never.posts, never.took), (7, s(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_cancel_is_told_so_at_once() {
    for code in [401, 403, 404] {
        let done = cancelled(timed_out(), TIMEOUT, move |_| status(code), |_| "executing", running).await;
        let reason = done.report.reason.as_ref().map(Line::plain).unwrap();
        assert!(reason.ends_with(&format!("(HTTP {code}: said {code}), and is `executing`")), "{reason}");
        assert_eq!((done.posts, done.took), (1, Duration::ZERO));
    }
}

#[test]
fn only_what_was_asked_for_is_cancelled() {
    let interrupted =
        Driver::signalled(s(30), Signal::Interrupt).run(latest(settings()), serving(|_| Some(executing()))).report;
    let passed = virtual_time::run(latest(settings()), serving(|_| Some(row("dpl0", "active")))).report;
    let bare = Driver::signalled(s(30), Signal::Interrupt)
        .run(latest(settings()), serving(|_| Some(row("dpl0", "executing"))))
        .report;
    let of = |report: &Report, on| CancelPlan::new(report, on, LIMITS).workflows().len();
    let cases = [
        (&timed_out(), TIMEOUT, 1),
        (&timed_out(), INTERRUPT, 0),
        (&timed_out(), CancelOn::default(), 0),
        (&interrupted, INTERRUPT, 1),
        (&interrupted, TIMEOUT, 0),
        (&interrupted, CancelOn { fail_fast: true, ..TIMEOUT }, 0),
        (&passed, CancelOn { timeout: true, interrupt: true, fail_fast: true }, 0),
        (&bare, INTERRUPT, 0),
    ];
    for (report, on, workflows) in cases {
        assert_eq!(of(report, on), workflows, "{:?} {on:?}", report.verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_may_have_been_a_yes() {
    let lost = [status(502), Err(ApiError::Broken("reset".to_owned())), Err(ApiError::Timeout(s(1)))];
    for lost in lost {
        // The server refuses what it is doing already.
        let post = move |number| if number == 1 { lost.clone() } else { status(400) };
        let word = |now: Duration| if now < s(4) { "executing" } else { "cancelled" };
        let done = cancelled(timed_out(), TIMEOUT, post, word, running).await;
        assert!(
            done.report.reason.as_ref().map(Line::plain).unwrap().ends_with("; it was cancelled"),
            "{:?}",
            done.report.reason
        );
        assert_eq!(done.posts, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_to_be_left_alone_is() {
    let post = |_| virtual_time::retry_after(429, s(60));
    let done = cancelled(timed_out(), TIMEOUT, post, |_| "executing", running).await;
    assert_eq!(done.posts, 1);
}

#[tokio::test(start_paused = true)]
async fn that_no_answer_came_is_not_told_as_a_yes() {
    let broken = |_| Err(ApiError::Broken("reset".to_owned()));
    let cancelled = cancelled(timed_out(), TIMEOUT, broken, |_| "executing", running).await;
    let reason = cancelled.report.targets[0].reason.as_ref().unwrap().plain();
    let told = "it is not known whether cancelling it was accepted (the connection broke off: reset): it has not ended within 15s and is `executing`";
    assert!(reason.ends_with(told), "{reason}");
}
