//! Following the deploys' logs: they are complete, and cost neither time nor a verdict.

use std::time::Duration;

use nuon_gate_core::api::{Request, TailCursor};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{EventKind, Followed, Scope, Watch, WatchSettings};
use nuon_gate_core::{Target, Targets, Verdict};
use serde_json::{Value, json};

use crate::virtual_time::*;

fn following() -> WatchSettings {
    WatchSettings { logs: Some(Followed::All), ..settings() }
}

/// A deploy that ends after a minute. Its log exists after five seconds.
const END: Duration = s(61);

fn own(now: Duration, deploy: &str) -> Value {
    let status = if now >= END { "active" } else { "executing" };
    let stream = if now >= s(5) { json!({ "id": format!("log-{deploy}") }) } else { Value::Null };
    with(created(row(deploy, status), 0), json!({ "log_stream": stream }))
}

fn record(second: u64, text: &str) -> Value {
    json!({ "timestamp": jiff::Timestamp::from_second(second as i64).unwrap().to_string(), "body": text })
}

fn part(texts: &[&str], next: &str, has_more: bool) -> Body {
    let logs: Vec<Value> = texts.iter().map(|text| json!({ "body": text })).collect();
    Body::Json(json!({ "logs": logs, "next": next, "has_more": has_more }))
}

/// A server with its own answers to requests for logs.
fn logging(mut logs: impl FnMut(Duration, &Request) -> Scripted) -> impl FnMut(Duration, &Request) -> Scripted {
    let mut rows = serving(|now| Some(own(now, "dpl0")));
    move |now, request| match request {
        Request::Tail(..) | Request::LogsAfter(..) => logs(now, request),
        _ => rows(now, request),
    }
}

/// No more lines.
fn silent() -> Scripted {
    after(s(20), part(&[], "", false))
}

fn cursor(request: &Request) -> Option<TailCursor> {
    match request {
        Request::Tail(_, since) => since.clone(),
        other => panic!("{other:?} is no long poll"),
    }
}

/// The reported lines of a target, and when each came.
fn lines(run: &Run, of: usize) -> Vec<(Duration, String)> {
    let of_event = |event: &nuon_gate_core::watch::Event| match &event.kind {
        EventKind::Logged { target, lines } if *target == of => {
            lines.iter().map(|line| (event.at.elapsed(), line.text.plain().to_owned())).collect()
        }
        _ => Vec::new(),
    };
    run.events.iter().flat_map(of_event).collect()
}

fn texts(run: &Run) -> Vec<String> {
    lines(run, 0).into_iter().map(|(_, text)| text).collect()
}

fn ends(run: &Run) -> Vec<String> {
    let why = |event: &nuon_gate_core::watch::Event| match &event.kind {
        EventKind::LogEnded { why, .. } => Some(why.to_string()),
        _ => None,
    };
    run.events.iter().filter_map(why).collect()
}

/// The requests for logs, and when each was sent.
fn asked(run: &Run) -> Vec<Duration> {
    run.asked.iter().filter(|asked| asked.what() == "logs").map(|asked| asked.at).collect()
}

/// All other requests, and all events except for log lines.
fn beside(run: &Run) -> (Vec<Asked>, Vec<String>) {
    let others = run.asked.iter().filter(|asked| asked.what() != "logs").cloned().collect();
    let is_logs = |kind: &EventKind| matches!(kind, EventKind::Logged { .. } | EventKind::LogEnded { .. });
    (others, run.events.iter().filter(|event| !is_logs(&event.kind)).map(|event| format!("{event:?}")).collect())
}

#[test]
fn a_log_never_changes_the_wait() {
    let without = run(latest(settings()), logging(|_, _| panic!("nobody wants it")));
    let hour = retry_after(503, s(3600));
    let servers: Vec<(Body, Duration, usize)> = vec![
        (part(&[], "", false), s(20), 0),
        (part(&["again"], "", true), LATENCY, 1),
        (status(401), LATENCY, 1),
        (status(404), LATENCY, 1),
        (status(429), LATENCY, 1),
        (status(500), LATENCY, 1),
        (foreign(403), LATENCY, 1),
        (broken(), LATENCY, 1),
        (Body::Exactly(json!([])), LATENCY, 1),
        (hour, LATENCY, 0),
        (part(&[], "", false), s(3600), 0),
    ];
    assert_eq!(without.report.verdict, Verdict::Passed);
    for (body, latency, most_warnings) in servers {
        let run = run(latest(following()), logging(|_, _| after(latency, body.clone())));
        assert_eq!(beside(&run), beside(&without), "{body:?}");
        assert!(ends(&run).len() <= most_warnings, "{body:?}: {:?}", ends(&run));
        assert!(!asked(&run).is_empty() && asked(&run).len() <= 60, "{body:?}: {:?}", asked(&run));
    }
}

#[test]
fn polls_show_where_the_log_is() {
    let run = run(latest(following()), logging(|_, _| silent()));
    let seen = run.asked.iter().find(|asked| asked.at >= s(5) && asked.what() == "deploy").unwrap();
    assert_eq!(asked(&run)[0], seen.at + LATENCY, "as soon as the detail says it");
    assert!(asked(&run).windows(2).all(|two| two[1] - two[0] == s(20)), "one long poll after the other");
}

#[test]
fn existing_lines_are_read_without_a_pause() {
    let run = run(
        latest(following()),
        logging(|_, request| match cursor(request) {
            None => soon(part(&["a", "b"], "1:x", true)),
            Some(since) if format!("{since:?}").contains("1:x") => soon(part(&["c"], "2:x", false)),
            Some(_) => silent(),
        }),
    );
    assert_eq!(texts(&run), ["a", "b", "c"]);
    let asked = asked(&run);
    assert_eq!(asked[1] - asked[0], LATENCY);
    assert!(asked[2] - asked[1] >= ms(1900), "the shortest interval: {asked:?}");
}

#[test]
fn a_quiet_log_is_read_less_and_less_often() {
    let run = run(latest(following()), logging(|_, _| soon(Body::Json(json!([])))));
    // A page in place of the long poll's answer is not a good answer. From the third one on, pages are read.
    let asked = asked(&run);
    let gaps: Vec<Duration> = asked.windows(2).skip(3).map(|two| two[1] - two[0]).collect();
    assert!(gaps.windows(2).all(|two| two[1] > two[0] * 9 / 10) && gaps.last() > Some(&s(9)), "{gaps:?}");
}

#[test]
fn a_refused_cursor_or_a_failing_long_poll_leads_to_pages() {
    for failing in [status(400), status(404), status(500), status(503), Body::Exactly(Value::Null)] {
        let mut pages = 0;
        let run = run(
            latest(following()),
            logging(|_, request| {
                soon(match request {
                    Request::Tail(_, None) => part(&["a"], "1000000000:x", false),
                    Request::Tail(..) => failing.clone(),
                    Request::LogsAfter(_, since) => {
                        pages += 1;
                        assert_eq!(*since, Some(if pages == 1 { 1_000_000_000 } else { 2_000_000_000 }), "{failing:?}");
                        Body::Json(if pages == 1 { json!([record(2, "b")]) } else { json!([]) })
                    }
                    other => panic!("{other:?}"),
                })
            }),
        );
        assert_eq!((texts(&run), ends(&run)), (vec!["a".to_owned(), "b".to_owned()], vec![]), "{failing:?}");
    }
}

#[test]
fn a_pause_for_polls_applies_to_logs() {
    let mut rows = serving(|now| Some(own(now, "dpl0")));
    let run = run(latest(following()), move |now, request| match request {
        Request::Tail(..) => soon(part(&["x"], &format!("{}:x", now.as_nanos()), false)),
        // The fourth poll.
        Request::Deploy(..) if now > s(10) && now < s(30) => soon(retry_after(503, s(20))),
        _ => rows(now, request),
    });
    let pause = run.asked.iter().find(|asked| asked.at > s(10) && asked.what() == "deploy").unwrap().at + LATENCY;
    let meanwhile = run.asked.iter().filter(|asked| asked.at > pause && asked.at < pause + s(20));
    assert_eq!(meanwhile.count(), 0);
    assert!(asked(&run).iter().any(|at| *at > pause + s(20)));
}

#[test]
fn a_pause_for_a_log_applies_only_to_logs() {
    let run = run(latest(following()), logging(|_, _| soon(retry_after(429, s(15)))));
    let asked = asked(&run);
    assert!(asked.len() >= 3 && asked.windows(2).all(|two| two[1] - two[0] >= s(15)), "{asked:?}");
    assert_eq!(run.report.verdict, Verdict::Passed);
}

/// This many deploys of an install, each with a log that grows all the time.
fn fleet(count: usize, settings: WatchSettings, logs: impl Fn(&str, Duration) -> Scripted) -> Run {
    let target = |index| Target::new("inl-acme".parse().unwrap(), format!("cmp{index}").parse().unwrap());
    let targets = Targets::new((0..count).map(target)).unwrap();
    let started_at = jiff::Timestamp::from_second(STARTED_AT).unwrap();
    let watch = Watch::new(settings, Scope::Targets(targets), Pins::default(), started_at).unwrap();
    let of = |now: Duration, index: usize| {
        // The last one begins when the others have ended.
        let (begins, ends) = if index + 1 == count { (END, END + END) } else { (Duration::ZERO, END) };
        let status = if now < begins {
            "queued"
        } else if now < ends {
            "executing"
        } else {
            "active"
        };
        let more = json!({ "status": status, "install_id": "inl-acme", "component_id": format!("cmp{index}") });
        with(own(now, &format!("dpl{index}")), more)
    };
    let without_log = |mut row: Value| {
        row.as_object_mut().unwrap().remove("log_stream");
        row
    };
    run(watch, move |now, request| match request {
        Request::InstallDeploys(_) => {
            soon(list(&(0..count).map(|index| without_log(of(now, index))).collect::<Vec<_>>()))
        }
        Request::LatestDeploy(..) => soon(deploy(&without_log(of(now, component(request).unwrap())))),
        Request::Deploy(..) => soon(deploy(&of(now, component(request).unwrap()))),
        Request::Tail(stream, _) => logs(stream.as_str(), now),
        _ => soon(none()),
    })
}

fn talkative(_: &str, now: Duration) -> Scripted {
    soon(part(&["x"], &format!("{}:x", now.as_nanos()), true))
}

#[test]
fn eight_logs_are_followed_at_once_and_ended_ones_make_room() {
    let run = fleet(10, following(), talkative);
    assert_eq!(run.report.verdict, Verdict::Passed);
    let reported: Vec<usize> = (0..10).filter(|index| !lines(&run, *index).is_empty()).collect();
    assert_eq!(reported, [0, 1, 2, 3, 4, 5, 6, 7, 9], "one of those that go on at the same time is too many");
    // One that cannot be followed makes room as well.
    let run = fleet(10, following(), |stream, now| {
        if stream == "log-dpl3" { soon(part(&["x"; 5001], "1:x", true)) } else { talkative(stream, now) }
    });
    assert!(!lines(&run, 8).is_empty());
    assert_eq!(ends(&run), ["the log has more than 5000 lines, and the others are not shown"]);
}

#[test]
fn logs_leave_enough_of_the_rate_for_polls() {
    for max_rps in [1, 3, 20] {
        let limited = |logs| WatchSettings { max_rps, logs, ..settings() };
        let (with, without) = (fleet(10, limited(Some(Followed::All)), talkative), fleet(10, limited(None), talkative));
        assert_eq!(with.report.verdict, Verdict::Passed);
        let most = 1 + usize::try_from(max_rps).unwrap() * 2;
        for start in 0..120 {
            let second = with.asked_at().iter().filter(|at| (s(start)..s(start + 1)).contains(*at)).count();
            assert!(second <= most + usize::try_from(max_rps).unwrap(), "{max_rps}: {second} in second {start}");
        }
        let ended = |run: &Run| run.events.last().unwrap().at.elapsed();
        assert!(ended(&with) <= ended(&without) + s(2), "{max_rps}: {:?} {:?}", ended(&with), ended(&without));
        assert!(!asked(&with).is_empty(), "{max_rps}");
    }
}

#[test]
fn logs_that_all_fail_are_given_up() {
    let run = fleet(40, following(), |_, _| soon(status(403)));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!((1..=15).contains(&ends(&run).len()), "{}", ends(&run).len());
}

#[test]
fn no_log_is_read_after_the_end() {
    let clocks = nuon_gate_core::watch::Clocks { total: s(30), ..Default::default() };
    let settings = WatchSettings { clocks, intervals: Intervals::new(ms(500), s(10)).unwrap(), ..following() };
    let run = run(latest(settings), logging(|now, _| soon(part(&["x"], &format!("{}:x", now.as_nanos()), true))));
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert!(asked(&run).iter().all(|at| *at < s(30)) && asked(&run).last() > Some(&s(29)));
}
