//! Reading after the verdict, against tokio's paused clock: temporary errors are retried, within the limit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_core::Verdict;
use nuon_gate_core::api::Request;
use nuon_gate_core::conclude::{CancelOn, ConcludeOptions, Deadline, conclude_with};
use nuon_gate_core::report::{Report, TargetReport, Words};
use nuon_gate_core::watch::WatchSettings;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::virtual_time::{
    self, Body, broken, created, foreign, latest, list, ms, pinned, retry_after, row, s, serving, settings, status,
    with,
};
use crate::watch::lists::ended;

struct Concluded {
    report: Report,
    asked: Vec<(Duration, &'static str)>,
    took: Duration,
}

impl Concluded {
    fn target(&self) -> &TargetReport {
        &self.report.targets[0]
    }

    fn warnings(&self) -> Vec<String> {
        let all = self.report.warnings.iter().chain(&self.target().warnings);
        all.map(ToString::to_string).filter(|warning| !warning.contains("already ended")).collect()
    }

    fn count(&self, what: &str) -> usize {
        self.asked.iter().filter(|(_, asked)| *asked == what).count()
    }
}

/// A run that failed without a reason.
fn failed() -> Report {
    virtual_time::run(pinned(settings(), "dpl0"), serving(|_| Some(created(row("dpl0", "error"), 0)))).report
}

fn passed() -> Report {
    virtual_time::run(pinned(settings(), "dpl0"), serving(|_| Some(created(row("dpl0", "active"), 0)))).report
}

/// The answer of a good server.
fn good(request: &Request) -> Body {
    match request {
        Request::Dashboard(_) => Body::Json(json!({ "dashboard_url": "https://app.nuon.example" })),
        Request::Deploy(..) => Body::Json(with(row("dpl0", "error"), json!({ "log_stream": { "id": "log1" } }))),
        Request::Logs(..) => Body::Json(json!([{ "severity_number": 17, "body": "Error: quota exceeded" }])),
        Request::Earlier(..) => list(&[row("dpl0", "error"), created(row("dplOld", "active"), -100)]),
        Request::InstallDeploys(_) => status(404),
        other => panic!("{other:?}"),
    }
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Dashboard(_) => "dashboard",
        Request::Deploy(..) => "deploy",
        Request::Logs(..) => "logs",
        Request::Earlier(..) => "history",
        Request::InstallDeploys(_) => "list",
        other => panic!("{other:?}"),
    }
}

/// Concludes a report against a server. `bad` may replace the good answer, by the time and by how often this was
/// requested before.
async fn concluded(
    report: Report,
    bad: impl Fn(&str, Duration, usize) -> Option<Body> + Send + Sync + 'static,
) -> Concluded {
    let start = Instant::now();
    let asked: Arc<Mutex<Vec<(Duration, &'static str)>>> = Arc::default();
    let (noted, bad) = (Arc::clone(&asked), Arc::new(bad));
    let send = move |request: Request| {
        let (asked, bad) = (Arc::clone(&noted), Arc::clone(&bad));
        async move {
            let (now, what) = (start.elapsed(), name(&request));
            let times = asked.lock().unwrap().iter().filter(|(_, own)| *own == what).count();
            asked.lock().unwrap().push((now, what));
            sleep(ms(10)).await;
            bad(what, now, times).unwrap_or_else(|| good(&request)).reply(&request)
        }
    };
    let options =
        ConcludeOptions { cancel_on: CancelOn::default(), pace: ms(500), log_lines: 25, org: "org1".parse().ok() };
    let (_sender, mut signals) = mpsc::unbounded_channel();
    let report = conclude_with(send, report, &options, &mut signals, &mut Deadline::default(), |_| {}).await;
    let asked = asked.lock().unwrap().clone();
    Concluded { report, asked, took: start.elapsed() }
}

#[tokio::test(start_paused = true)]
async fn a_good_server_gets_each_request_once() {
    let done = concluded(failed(), |_, _, _| None).await;
    for what in ["dashboard", "deploy", "logs", "history"] {
        assert_eq!(done.count(what), 1, "{what}");
    }
    is_complete(&done);
    assert!(done.took < ms(50), "{:?}", done.took);
}

/// Checks that everything was read.
fn is_complete(done: &Concluded) {
    assert!(done.report.dashboard.is_some());
    assert_eq!(Words::default().reason(done.target()).unwrap(), "Error: quota exceeded");
    assert_eq!(done.target().log_tail.len(), 1);
    let last_good = done.target().history.as_ref().unwrap().last_good.as_ref().unwrap();
    assert_eq!(last_good.id.as_ref().map(ToString::to_string).as_deref(), Some("dplOld"));
    assert_eq!(done.warnings(), [""; 0]);
    assert_eq!(done.report.verdict, Verdict::Failed);
}

/// The error, whether it is temporary, and how many of them precede a good answer.
#[tokio::test(start_paused = true)]
async fn temporary_errors_are_retried() {
    let errors: [(fn() -> Body, usize); 8] = [
        (|| status(500), 4),
        (|| status(503), 1),
        (|| status(429), 2),
        (|| status(408), 2),
        (|| foreign(403), 2),
        (|| foreign(401), 3),
        (broken, 3),
        (|| Body::Exactly(json!("nonsense")), 2),
    ];
    for (error, count) in errors {
        for what in ["dashboard", "deploy", "logs", "history"] {
            let done = concluded(failed(), move |own, _, times| (own == what && times < count).then(error)).await;
            // A log that cannot be read is requested from its start.
            assert_eq!(done.count(what), count + 1, "{what}: {:?}", error());
            is_complete(&done);
            assert!(done.took < s(10), "{what}: {:?} took {:?}", error(), done.took);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_are_not_retried_and_are_reported() {
    let warnings = [
        ("dashboard", "there are no links to Nuon, as the address of its pages could not be read: HTTP "),
        ("deploy", "the log could not be read: HTTP "),
        ("logs", "the log could not be read: HTTP "),
        ("history", "earlier deploys could not be read: HTTP "),
    ];
    for code in [400, 401, 403, 404] {
        for (what, words) in warnings {
            // A 404 for the list of deploys is a good answer.
            if (code, what) == (404, "history") {
                continue;
            }
            let done = concluded(failed(), move |own, _, _| (own == what).then(|| status(code))).await;
            assert_eq!(done.count(what), 1, "{what} {code}");
            let [warning] = &done.warnings()[..] else { panic!("{what} {code}: {:?}", done.warnings()) };
            assert!(warning.starts_with(words), "{warning}");
            assert!(done.took < s(1), "{:?}", done.took);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_holds_whatever_goes_wrong() {
    for what in ["dashboard", "deploy", "logs", "history"] {
        let done = concluded(failed(), move |own, _, _| (own == what).then(|| status(503))).await;
        assert_eq!(done.warnings().len(), 1, "{what}: {:?}", done.warnings());
        assert!(done.count(what) >= 4, "{what}: {:?}", done.asked);
        assert!(done.took <= s(10), "{what} took {:?}", done.took);
        // A pass does not need its history.
        if ["dashboard", "history"].contains(&what) {
            let done = concluded(passed(), move |own, _, _| (own == what).then(|| status(503))).await;
            assert!(done.took <= s(10), "{what} took {:?}", done.took);
            assert!(what != "dashboard" || done.count(what) >= 4, "{what}: {:?}", done.asked);
            assert_eq!(done.warnings().len(), usize::from(what == "dashboard"), "{what}: {:?}", done.warnings());
            assert_eq!(done.report.verdict, Verdict::Passed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_pause_is_longer_and_the_servers_own_is_kept() {
    let done = concluded(failed(), |what, _, _| (what == "history").then(|| status(503))).await;
    let times: Vec<Duration> = done.asked.iter().filter(|(_, what)| *what == "history").map(|(at, _)| *at).collect();
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]), "{pauses:?}");

    let answer = move |what: &str, _, times| (what == "history" && times == 0).then(|| retry_after(503, s(4)));
    let done = concluded(failed(), answer).await;
    let times: Vec<Duration> = done.asked.iter().filter(|(_, what)| *what == "history").map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 2);
    assert!(times[1] >= s(4), "{times:?}");
    is_complete(&done);

    // A retry that would end after the limit is not sent.
    let done = concluded(failed(), |what, _, _| (what == "history").then(|| retry_after(503, s(60)))).await;
    assert_eq!(done.count("history"), 1);
    assert!(done.took < s(1), "{:?}", done.took);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_during_a_pause_of_the_api() {
    let mut report = failed();
    report.api_paused = true;
    let done = concluded(report, |what, _, _| panic!("{what}")).await;
    assert_eq!((done.asked.len(), done.took), (0, Duration::ZERO));
    let nothing = virtual_time::run(latest(settings()), |_, _| virtual_time::hang()).report;
    assert_eq!(concluded(nothing, |what, _, _| panic!("{what}")).await.asked, []);
}

/// The row of a component, with an earlier one.
fn rows(index: usize) -> [Value; 2] {
    let of = |id: &str, second: i64| {
        let ids = json!({ "component_id": format!("cmp{index}") });
        with(created(row(&format!("{id}{index}"), "active"), second), ids)
    };
    [of("dpl", -5), of("old", -100)]
}

#[tokio::test(start_paused = true)]
async fn one_list_shows_what_was_live_before_in_all_of_an_install() {
    let others =
        || (0..100).map(|index| with(rows(0)[1].clone(), json!({ "id": index.to_string(), "component_id": "o" })));
    let all: Vec<Value> = (0..4).flat_map(rows).collect();
    let cut_off: Vec<Value> = all.iter().filter(|row| row["id"] != "old2").cloned().chain(others()).collect();
    let nameless = || all.iter().map(|row| with(row.clone(), json!({ "component_id": null })));
    let nameless: Vec<Value> = nameless().collect();
    let cases = [
        ("all rows", list(&all), 0),
        ("cut off", list(&cut_off), 1),
        ("nameless", list(&nameless), 4),
        ("no list", status(404), 4),
    ];
    for (words, answer, singly) in cases {
        let answer = Mutex::new(Some(answer));
        let done = concluded(ended(settings(), 4), move |what, _, _| {
            (what == "list").then(|| answer.lock().unwrap().take().expect("it is requested once"))
        })
        .await;
        assert_eq!((done.count("list"), done.count("history")), (1, singly), "{words}");
        assert!(done.report.targets.iter().all(|target| target.history.is_some()), "{words}");
        let shown = |target: &TargetReport| target.history.as_ref().unwrap().last_good.is_some();
        assert_eq!(done.report.targets.iter().filter(|target| shown(target)).count(), 4, "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_after_the_wait_keeps_to_the_request_rate() {
    let settings = WatchSettings { max_rps: 5, ..settings() };
    let done = concluded(ended(settings, 30), |_, _, _| None).await;
    for (count, (at, _)) in done.asked.iter().enumerate() {
        let most = 10.0 + 5.0 * at.as_secs_f64();
        assert!((count as f64) <= most, "{} requests after {at:?}", count + 1);
    }
    assert!(done.asked.len() > 10 && done.took <= s(10), "{} in {:?}", done.asked.len(), done.took);
}
