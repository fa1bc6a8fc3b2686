//! Long polls: when one is open, what its end leads to, and that it decides nothing.

use std::time::Duration;

use nuon_gate_core::Verdict;
use nuon_gate_core::api::{ApiError, Request};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{EventKind, Mode, WatchSettings};
use serde_json::{Value, json};

use crate::virtual_time::{status as status_code, *};

fn long_polling() -> WatchSettings {
    WatchSettings { long_poll: true, ..settings() }
}

/// A deploy whose only step ends at 61 seconds.
const END: Duration = Duration::from_secs(61);

fn flow(now: Duration) -> Body {
    let (word, of_step) = if now >= END { ("success", "success") } else { ("in-progress", "in-progress") };
    workflow(word, now >= END, &[step("apply", of_step, "dpl0")])
}

fn own(now: Duration) -> Value {
    let status = if now >= END { "active" } else { "executing" };
    with(created(row("dpl0", status), 0), json!({ "workflow_id": "inw0" }))
}

/// The server, with its own answer to a long poll that was opened at this time.
fn served(mut awaiting: impl FnMut(Duration) -> Scripted) -> impl FnMut(Duration, &Request) -> Scripted {
    let mut rows = serving(|now| Some(own(now)));
    move |now, request| match request {
        Request::Await(..) => awaiting(now),
        Request::Workflow(..) => soon(flow(now)),
        _ => rows(now, request),
    }
}

fn long_polls(run: &Run) -> Vec<Duration> {
    run.asked.iter().filter(|asked| asked.what() == "await").map(|asked| asked.at).collect()
}

/// How long after the deploy's end the verdict came.
fn lag(run: &Run) -> Duration {
    let ended = run.events.iter().find(|event| matches!(event.kind, EventKind::Ended { .. }));
    ended.expect("it ended").at.elapsed() - END
}

/// Open until the step ends, or for a minute.
fn as_nuon_does(now: Duration) -> Scripted {
    match END.checked_sub(now) {
        Some(left) if left <= s(60) => after(left, Body::Json(json!({}))),
        _ => after(s(60), status_code(408)),
    }
}

fn no_answer(code: u16) -> impl FnMut(Duration) -> Scripted {
    move |_| soon(status_code(code))
}

#[test]
fn the_end_of_a_step_is_noticed_at_once() {
    let run = run(latest(long_polling()), served(as_nuon_does));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(lag(&run) <= 4 * LATENCY, "{:?}", lag(&run));
    let opened = long_polls(&run);
    assert_eq!(opened.len(), 2, "one a minute: {opened:?}");
    assert!(opened[0] <= 4 * LATENCY, "as soon as the step is seen at work: {opened:?}");
    assert!(opened[1] - opened[0] >= s(60), "{opened:?}");
}

#[test]
fn only_ordinary_reads_decide() {
    // It answers again and again that the step has ended, with a body that says that it succeeded.
    let well = || Body::Json(json!({ "id": "iws-apply", "status": { "status": "success" }, "finished": true }));
    let run = run(latest(long_polling()), served(move |_| soon(well())));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(lag(&run) <= s(10), "{:?}", lag(&run));
    let opened = long_polls(&run);
    assert!(
        opened.windows(2).all(|two| two[1] - two[0] >= s(2)),
        "no more often than the shortest interval: {opened:?}"
    );
}

#[test]
fn it_is_given_up_after_two_bad_answers() {
    for code in [500, 401, 403, 502] {
        let run = run(latest(long_polling()), served(no_answer(code)));
        assert_eq!((run.report.verdict, long_polls(&run).len()), (Verdict::Passed, 2), "{code}");
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })), 0, "{code}: it counts as no error");
    }
    // A success that is no step, such as a proxy's page.
    let page = || Body::Error(ApiError::Undecodable("it is HTML, not JSON".to_owned()));
    let of_another = || Body::Exactly(json!({ "id": "iws-other", "status": { "status": "success" } }));
    for answer in
        [&page as &dyn Fn() -> Body, &of_another, &|| Body::Exactly(json!([])), &|| Body::Exactly(Value::Null)]
    {
        let run = run(latest(long_polling()), served(move |_| soon(answer())));
        assert_eq!((run.report.verdict, long_polls(&run).len()), (Verdict::Passed, 2));
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })), 0, "it counts as no error");
    }
    // After a good answer in between, it goes on.
    let mut codes = [500, 408, 500, 408].into_iter();
    let run = run(
        latest(long_polling()),
        served(move |now| codes.next().map_or_else(|| as_nuon_does(now), |code| soon(status_code(code)))),
    );
    assert_eq!((run.report.verdict, long_polls(&run).len()), (Verdict::Passed, 5));
}

#[test]
fn an_unknown_step_is_requested_three_times() {
    let run = run(latest(long_polling()), served(no_answer(404)));
    assert_eq!((run.report.verdict, long_polls(&run).len()), (Verdict::Passed, 3));
}

#[test]
fn a_load_balancer_that_closes_it_ends_nothing() {
    for ends in [|| status_code(504), broken] {
        let run = run(
            latest(long_polling()),
            served(move |now| match END.checked_sub(now) {
                Some(left) if left > s(20) => after(s(20), ends()),
                _ => as_nuon_does(now),
            }),
        );
        assert_eq!((run.report.verdict, long_polls(&run).len()), (Verdict::Passed, 4));
        assert!(lag(&run) <= 4 * LATENCY, "{:?}", lag(&run));
    }
}

#[test]
fn a_failing_long_poll_is_no_outage_and_delays_no_deadline() {
    let clocks = |total| nuon_gate_core::watch::Clocks { total: s(total), ..settings().clocks };
    let run = run(latest(WatchSettings { clocks: clocks(20), ..long_polling() }), served(|_| hang()));
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert!(run.report.elapsed <= s(20) + 4 * LATENCY, "{:?}", run.report.elapsed);
    // Nothing else answers: the ordinary requests make it an outage.
    let mut left = 6;
    let run = self::run(latest(long_polling()), move |now, request| match request {
        Request::Await(..) => after(s(1), Body::Json(json!({}))),
        _ if left == 0 => soon(Body::Error(ApiError::Broken("reset".to_owned()))),
        _ => {
            left -= 1;
            served(as_nuon_does)(now, request)
        }
    });
    assert_eq!(run.report.verdict, Verdict::Inconclusive);
    assert!(run.report.elapsed <= s(6 * 60), "{:?}", run.report.elapsed);
}

#[test]
fn deploys_of_one_workflow_share_a_long_poll() {
    let steps: Vec<Value> = (0..10).map(|n| step(&format!("s{n}"), "in-progress", &format!("dpl{n}"))).collect();
    let run = run(watch(long_polling(), 10, Pins::default()), move |now, request| match request {
        Request::Await(..) => as_nuon_does(now),
        Request::Workflow(..) if now < END => soon(workflow("in-progress", false, &steps)),
        Request::Workflow(..) => {
            let done: Vec<Value> = (0..10).map(|n| step(&format!("s{n}"), "success", &format!("dpl{n}"))).collect();
            soon(workflow("success", true, &done))
        }
        Request::LatestDeploy(..) | Request::Deploy(..) => {
            let number = component(request).unwrap();
            let row = with(own(now), json!({ "id": format!("dpl{number}"), "workflow_id": "inw0" }));
            soon(deploy(&with(row, json!({ "component_id": format!("cmp{number}") }))))
        }
        _ => serving(|now| Some(own(now)))(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    let opened = long_polls(&run);
    assert!((2..=3).contains(&opened.iter().filter(|at| **at < END).count()), "{opened:?}");
}

#[test]
fn no_long_poll_without_a_running_step_or_the_setting() {
    for settings in [WatchSettings { mode: Mode::Once, ..long_polling() }, settings()] {
        assert_eq!(long_polls(&run(latest(settings), served(as_nuon_does))), Vec::<Duration>::new());
    }
}

#[test]
fn a_pause_from_a_long_poll_is_kept() {
    let mut first = true;
    let run = run(
        latest(long_polling()),
        served(move |now| match std::mem::take(&mut first) {
            true => soon(retry_after(429, s(30))),
            false => as_nuon_does(now),
        }),
    );
    let asked = run.asked_at();
    assert!(!asked.iter().any(|at| (s(1)..s(30)).contains(at)), "{asked:?}");
    assert_eq!(run.report.verdict, Verdict::Passed);
}

#[test]
fn an_ended_target_has_no_long_poll() {
    let clocks = nuon_gate_core::watch::Clocks { stall: Some(s(70)), ..settings().clocks };
    let run = run(watch(WatchSettings { clocks, ..long_polling() }, 2, Pins::default()), |now, request| {
        // The first one stalls although its step is still running. The second one goes on.
        let status = |number: usize| match (number, now.as_secs() / 40) {
            (0, _) => "executing",
            (_, 0) => "planning",
            (_, 1 | 4) => "syncing",
            (_, 2) => "planning",
            (_, 3) => "executing",
            _ => "active",
        };
        match request {
            Request::Await(..) => after(s(60), status_code(408)),
            Request::Workflow(_, id) => {
                let deploy = id.as_str().replace("inw", "dpl");
                let word = if now >= s(200) { "success" } else { "in-progress" };
                soon(workflow(word, now >= s(200), &[step("apply", word, &deploy)]))
            }
            Request::LatestDeploy(..) | Request::Deploy(..) => {
                let number = component(request).unwrap();
                let row = created(row(&format!("dpl{number}"), status(number)), 0);
                let whose = json!({ "workflow_id": format!("inw{number}"), "component_id": format!("cmp{number}") });
                soon(deploy(&with(row, whose)))
            }
            _ => soon(status_code(404)),
        }
    });
    let of = |workflow: &str| {
        let is_own = |asked: &&Asked| matches!(&asked.request, Request::Await(id, _) if id.as_str() == workflow);
        run.asked.iter().filter(is_own).count()
    };
    let verdicts: Vec<Verdict> = run.report.targets.iter().map(|target| target.verdict).collect();
    assert_eq!(verdicts, [Verdict::TimedOut, Verdict::Passed]);
    assert_eq!((of("inw0"), of("inw1")), (2, 4));
}

#[test]
fn a_long_poll_does_not_shorten_the_settle_time() {
    let slow = s(12);
    let mut rows = serving(|now| Some(own(now)));
    let settings = WatchSettings { settle: s(8), ..long_polling() };
    let run = run(pinned(settings, "dpl0"), move |now, request| match request {
        Request::Await(..) => after((END + s(5)).saturating_sub(now).min(s(60)), Body::Json(json!({}))),
        Request::Workflow(..) => soon(flow(now)),
        Request::LatestDeploy(..) if now > END => after(slow, status_code(503)),
        _ => rows(now, request),
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    let details: Vec<Duration> =
        run.asked.iter().filter(|asked| asked.what() == "deploy" && asked.at >= END).map(|asked| asked.at).collect();
    let lasted = *details.last().unwrap() - details[0];
    assert!(lasted >= slow + s(8), "its status is read again after that: {details:?}");
}
