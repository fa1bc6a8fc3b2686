//! Cancelling against tokio's paused clock and a scripted server: which side wins, and how long the gate waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, Request};
use nuon_gate_core::cause::Cause;
use nuon_gate_core::conclude::{CancelOn, ConcludeOptions, Deadline, conclude_with};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::{Report, Words};
use nuon_gate_core::watch::{Clocks, Scope, Watch, WatchSettings};
use nuon_gate_core::{Line, Signal, Verdict};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::virtual_time::{
    self, Body, Driver, broken, deploy, foreign, latest, list, ms, none, retry_after, row, s, serving, settings, soon,
    status, watch, with, workflow,
};

pub(crate) const TIMEOUT: CancelOn = CancelOn { timeout: true, interrupt: false, fail_fast: false };
pub(crate) const INTERRUPT: CancelOn = CancelOn { timeout: false, interrupt: true, fail_fast: false };

fn options(cancel_on: CancelOn) -> ConcludeOptions {
    ConcludeOptions { cancel_on, pace: ms(500), log_lines: 0, org: None }
}

fn executing() -> serde_json::Value {
    with(row("dpl0", "executing"), json!({"workflow_id": "inw1"}))
}

fn sixty_seconds() -> WatchSettings {
    let clocks = Clocks { total: s(60), start: None, stall: None, approval: None, queue: None, outage: None };
    WatchSettings { clocks, ..settings() }
}

/// A run whose total timeout expired while the deploy was executing.
fn timed_out() -> Report {
    virtual_time::run(latest(sixty_seconds()), serving(|_| Some(executing()))).report
}

pub(crate) struct Cancelled {
    pub(crate) report: Report,
    asked: Vec<Request>,
    pub(crate) reported: Vec<String>,
    pub(crate) took: Duration,
}

impl Cancelled {
    /// The only target's reason.
    pub(crate) fn reason(&self) -> String {
        Words::default().reason(&self.report.targets[0]).as_ref().map(Line::plain).unwrap().to_owned()
    }

    /// How many cancel requests the server received.
    pub(crate) fn posts(&self) -> usize {
        self.asked.iter().filter(|request| matches!(request, Request::Cancel(_))).count()
    }
}

/// Cancels against a server that answers by the time and the number of the POST.
pub(crate) async fn cancelled(
    report: Report,
    on: CancelOn,
    post: impl Fn(usize) -> Body + Send + Sync + 'static,
    word: impl Fn(Duration) -> &'static str + Send + Sync + 'static,
    flow: impl Fn(Duration) -> Body + Send + Sync + 'static,
) -> Cancelled {
    let start = Instant::now();
    let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let server = Arc::new((post, word, flow));
    let send = move |request: Request| {
        let (server, asked) = (Arc::clone(&server), Arc::clone(&noted));
        async move {
            asked.lock().unwrap().push(request.clone());
            let posts =
                |asked: &[Request]| asked.iter().filter(|request| matches!(request, Request::Cancel(_))).count();
            let body = match &request {
                Request::Cancel(_) => server.0(posts(&asked.lock().unwrap())),
                Request::Deploy(..) => deploy(&with(executing(), json!({"status": server.1(start.elapsed())}))),
                Request::Workflow(..) => server.2(start.elapsed()),
                Request::Deploys(..) | Request::Earlier(..) | Request::InstallDeploys(_) => list(&[]),
                other => panic!("{other:?}"),
            };
            body.reply(&request)
        }
    };
    let (_sender, mut signals) = mpsc::unbounded_channel();
    let mut reported = Vec::new();
    let on_cancel = |workflow: &nuon_gate_core::WorkflowId| reported.push(workflow.to_string());
    let report = conclude_with(send, report, &options(on), &mut signals, &mut Deadline::default(), on_cancel).await;
    let asked = asked.lock().unwrap().clone();
    Cancelled { report, asked, reported, took: start.elapsed() }
}

fn running(_: Duration) -> Body {
    workflow("in-progress", false, &[])
}

/// The body of a success is ignored.
pub(crate) fn accepted(_: usize) -> Body {
    Body::Exactly(json!(true))
}

#[tokio::test(start_paused = true)]
async fn the_report_says_who_won() {
    let after = |word: &'static str| move |now: Duration| if now < s(2) { "executing" } else { word };
    let cases = [
        ("cancelled", "it was cancelled", ms(2000), Some(Verdict::Cancelled)),
        // Only a proven pass counts.
        ("active", "cancel lost the race: the deploy became `active`", ms(2000), None),
        ("error", "it was to be cancelled, and ended as `error`", ms(2000), Some(Verdict::Failed)),
        ("executing", "cancelling it was accepted, but it has not ended within 15s and is `executing`", s(15), None),
    ];
    for (word, words, took, ended) in cases {
        let done = cancelled(timed_out(), TIMEOUT, accepted, after(word), running).await;
        let reason = done.reason();
        assert!(reason.starts_with("the total timeout of 1m expired") && reason.ends_with(words), "{reason}");
        let target = &done.report.targets[0];
        assert_eq!(target.cancelled.as_ref().unwrap().to_string(), words);
        assert_eq!(target.deploy_verdict(), ended, "{word}");
        let of_run = Words::default().run_reason(&done.report);
        assert!(of_run.as_ref().map(Line::plain).unwrap().ends_with(words));
        assert_eq!((done.report.verdict, done.posts(), done.took), (Verdict::TimedOut, 1, took), "{word}");
        assert!(matches!(target.cause, Some(Cause::Limit(_))), "cancelling is not why it ended");
        assert_eq!(target.deploy.as_ref().unwrap().current_status().as_str(), word);
        assert_eq!(target.timeline.last().unwrap().status.as_str(), word);
        assert_eq!(done.reported, ["inw1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_never_began_is_settled_by_its_workflow() {
    let cases = [
        ("cancelled", false, "the workflow was cancelled and the deploy stays `queued`"),
        ("error", false, "it was to be cancelled, and the workflow failed"),
        ("success", true, "it was to be cancelled, and the workflow succeeded"),
    ];
    for (word, finished, words) in cases {
        let flow = move |_| workflow(word, finished, &[]);
        let done = cancelled(timed_out(), TIMEOUT, accepted, |_| "queued", flow).await;
        assert!(done.reason().ends_with(words), "{}", done.reason());
        assert_eq!(done.took, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_cancel_is_retried_for_three_seconds_and_not_waited_for() {
    for code in [400, 500] {
        let post = move |post| if post < 3 { status(code) } else { accepted(post) };
        let late = cancelled(timed_out(), TIMEOUT, post, |_| "cancelled", running).await;
        assert!(late.reason().ends_with("it was cancelled"), "{code}");
        assert_eq!((late.posts(), late.took), (3, s(1)));

        let never = cancelled(timed_out(), TIMEOUT, move |_| status(code), |_| "active", running).await;
        let words = format!("it could not be cancelled (HTTP {code}: said {code}): the deploy became `active`");
        assert!(never.reason().ends_with(&words), "{}", never.reason());
        assert_eq!((never.posts(), never.took), (7, s(3)));
        assert!(never.report.targets[0].cancelled.as_ref().unwrap().was_refused());
    }
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_cancel_is_reported_at_once() {
    for code in [401, 403, 404] {
        let done = cancelled(timed_out(), TIMEOUT, move |_| status(code), |_| "executing", running).await;
        let words = format!("(HTTP {code}: said {code}), and is `executing`");
        assert!(done.reason().ends_with(&words), "{}", done.reason());
        assert_eq!((done.posts(), done.took), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_the_servers_is_retried() {
    let post = |post| if post < 3 { foreign(403) } else { accepted(post) };
    let done = cancelled(timed_out(), TIMEOUT, post, |_| "cancelled", running).await;
    assert!(done.reason().ends_with("it was cancelled"), "{}", done.reason());
    assert_eq!(done.posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_the_selected_verdicts_cancel() {
    let interrupted = |row: serde_json::Value| {
        let signalled = Driver::signalled(s(30), Signal::Interrupt);
        signalled.run(latest(settings()), serving(move |_| Some(row.clone()))).report
    };
    let passed = virtual_time::run(latest(settings()), serving(|_| Some(row("dpl0", "active")))).report;
    let (bare, interrupted) = (interrupted(row("dpl0", "executing")), interrupted(executing()));
    let everything = CancelOn { timeout: true, interrupt: true, fail_fast: true };
    let cases = [
        (&timed_out(), TIMEOUT, 1),
        (&timed_out(), INTERRUPT, 0),
        (&timed_out(), CancelOn::default(), 0),
        (&interrupted, INTERRUPT, 1),
        (&interrupted, TIMEOUT, 0),
        (&interrupted, CancelOn { fail_fast: true, ..TIMEOUT }, 0),
        (&passed, everything, 0),
        (&bare, INTERRUPT, 0),
    ];
    for (report, on, workflows) in cases {
        let done = cancelled(report.clone(), on, accepted, |_| "cancelled", running).await;
        assert_eq!((done.reported.len(), done.posts()), (workflows, workflows), "{:?} {on:?}", report.verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pinned_workflow_without_a_row_is_cancelled_too() {
    let pins = Pins { workflow: "inw1".parse().ok(), ..Pins::default() };
    let report = virtual_time::run(watch(sixty_seconds(), 1, pins), |_, request| {
        soon(match request {
            Request::Workflow(..) => running(Duration::ZERO),
            Request::LatestDeploy(..) => none(),
            Request::Deploys(..) => list(&[]),
            other => virtual_time::exists(other),
        })
    })
    .report;
    assert_eq!(report.verdict, Verdict::TimedOut);
    assert!(report.targets[0].deploy.is_none());
    let flow = |now| workflow(if now < s(2) { "in-progress" } else { "cancelled" }, false, &[]);
    let done = cancelled(report, TIMEOUT, accepted, |word| panic!("{word:?}"), flow).await;
    assert!(done.reason().ends_with("; the workflow was cancelled"), "{}", done.reason());
    assert_eq!((done.reported.len(), done.posts(), done.took), (1, 1, s(2)));
}

/// A run that timed out while its deploy's workflow had this answer; without one, the workflow never answers.
fn timed_out_beside(flow: Option<serde_json::Value>) -> Report {
    virtual_time::run(latest(sixty_seconds()), move |_, request| {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&executing()),
            Request::Workflow(..) => flow.clone().map_or_else(broken, Body::Exactly),
            Request::Deploys(..) => list(&[executing()]),
            other => virtual_time::exists(other),
        })
    })
    .report
}

#[tokio::test(start_paused = true)]
async fn a_workflow_of_another_install_is_not_cancelled() {
    let of = |owner: &str| json!({"id": "inw1", "owner_id": owner, "status": {"status": "in-progress"}});
    let (own, other) = (Some(of("inl-acme")), Some(of("inl-other")));
    // The workflow as read during the wait, the workflow as read before cancelling, and whether the gate then cancels
    // it.
    let cases = [
        ("never read", None, None, 1),
        ("never read, and it is another's", None, other.clone(), 0),
        ("never read, and it is its own", None, own.clone(), 1),
        ("another's", other.clone(), other.clone(), 0),
        ("another's, and nothing says otherwise", other.clone(), None, 0),
        ("another's by an answer that was wrong", other.clone(), own.clone(), 1),
        ("its own", own, other, 1),
    ];
    for (name, read, reads, posts) in cases {
        let flow = move |_| reads.clone().map_or_else(broken, Body::Exactly);
        let done = cancelled(timed_out_beside(read), TIMEOUT, accepted, |_| "cancelled", flow).await;
        assert_eq!(
            (done.report.verdict, done.posts(), done.reported.len()),
            (Verdict::TimedOut, posts, posts),
            "{name}"
        );
        let refused = done.report.targets[0].cancelled.as_ref().unwrap().was_refused();
        assert_eq!(refused, posts == 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_workflow_that_was_not_read_is_cancelled_unless_it_is_of_another_install() {
    let of = |owner: &str, name: &str| json!({"id": "inw1", "owner_id": owner, "owner_name": name, "status": {"status": "in-progress"}});
    let ended = json!({"id": "inw1", "owner_id": "inl1", "status": {"status": "cancelled"}, "finished": true});
    let (own, other) = (of("inl1", "acme"), of("inl2", "other"));
    // The installs that were named, what is read before it is cancelled, and whether it is cancelled then.
    let cases = [
        (vec![], Some(other.clone()), 1),
        (vec!["inl1"], Some(own.clone()), 1),
        (vec!["x", "acme"], Some(own), 1),
        (vec!["inl1"], Some(other.clone()), 0),
        (vec!["acme"], Some(other), 0),
        (vec!["acme"], None, 1),
    ];
    for (named, read, posts) in cases {
        let installs = named.iter().map(|install| install.parse().unwrap()).collect();
        let scope = Scope::Workflow("inw1".parse().unwrap(), installs);
        let started = Timestamp::from_second(virtual_time::STARTED_AT).unwrap();
        let silent = Watch::new(sixty_seconds(), scope, Pins::default(), started).unwrap();
        let report = virtual_time::run(silent, |_, _| soon(broken())).report;
        let after = ended.clone();
        let flow = move |now: Duration| {
            let read = if now < ms(1) { read.clone() } else { Some(after.clone()) };
            read.map_or_else(broken, Body::Exactly)
        };
        let done = cancelled(report, TIMEOUT, accepted, |word| panic!("{word:?}"), flow).await;
        assert_eq!((done.posts(), done.reported.len()), (posts, posts), "{named:?}");
        assert_eq!(done.report.run_cancelled.unwrap().was_refused(), posts == 0, "{named:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_may_have_been_a_yes() {
    let lost = [status(502), broken(), Body::Error(ApiError::Timeout(s(1)))];
    for lost in lost {
        // The server refuses what it is already doing.
        let post = move |number| if number == 1 { lost.clone() } else { status(400) };
        let word = |now: Duration| if now < s(4) { "executing" } else { "cancelled" };
        let done = cancelled(timed_out(), TIMEOUT, post, word, running).await;
        assert!(done.reason().ends_with("; it was cancelled"), "{}", done.reason());
        assert_eq!(done.posts(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_server_is_kept_while_cancelling() {
    let done = cancelled(timed_out(), TIMEOUT, |_| retry_after(429, s(60)), |_| "executing", running).await;
    assert_eq!(done.posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_without_an_answer_is_not_reported_as_accepted() {
    let done = cancelled(timed_out(), TIMEOUT, |_| broken(), |_| "executing", running).await;
    let reported = "it is not known whether cancelling it was accepted (the connection broke off: reset): it has not ended within 15s and is `executing`";
    assert!(done.reason().ends_with(reported), "{}", done.reason());
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_workflow_does_not_count() {
    let other = |_| Body::Exactly(json!({"id": "inw2", "owner_id": "inl-acme", "status": {"status": "cancelled"}}));
    let done = cancelled(timed_out(), TIMEOUT, accepted, |_| "queued", other).await;
    assert!(done.reason().ends_with("it has not ended within 15s and is `queued`"), "{}", done.reason());
}
