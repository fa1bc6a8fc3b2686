//! Timeouts, the last poll when one expires, and pauses that the API asks for, in virtual time.

use std::time::Duration;

use crate::virtual_time::{
    Body, LATENCY, Scripted, after, component, created, deploy, exists, hang, latest, list, ms, none, pinned,
    retry_after, row, run, s, serving, settings, soon, status, step, watch, with, workflow,
};
use nuon_gate_core::api::Request;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Clocks, EventKind, WatchSettings};
use nuon_gate_core::{Clock, Verdict};
use serde_json::json;

fn clocks(total: u64, start: u64, outage: u64) -> WatchSettings {
    let clocks = Clocks {
        total: s(total),
        start: Some(s(start)),
        stall: None,
        approval: None,
        queue: None,
        outage: Some(s(outage)),
    };
    WatchSettings { clocks, ..settings() }
}

#[test]
fn the_start_timeout_expires_if_no_deploy_appears() {
    let run = run(latest(settings()), serving(|_| None));
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert_eq!(run.target().clock(), Some(Clock::Start));
    assert_eq!(run.reason(), "the start timeout of 5m expired: no deploy of inl-acme/cmp0 has appeared");
    assert_eq!(run.asked_at().last(), Some(&s(300)), "the last poll is when the timeout expires");
    assert_eq!(run.report.elapsed, s(300) + LATENCY);
    assert!(run.target().deploy.is_none() && run.target().matched_by.is_none());
}

#[test]
fn the_start_timeout_stops_when_a_deploy_appears() {
    let run = run(
        latest(clocks(3600, 60, 300)),
        serving(|now| (now >= s(60)).then(|| row("dpl0", if now < s(400) { "queued" } else { "active" }))),
    );
    assert_eq!(run.report.verdict, Verdict::Passed, "it appeared at the very last poll");
}

#[test]
fn a_start_timeout_that_is_off_leaves_the_total_timeout() {
    let settings = WatchSettings {
        clocks: Clocks { total: s(900), start: None, stall: None, approval: None, queue: None, outage: None },
        ..settings()
    };
    let run = run(latest(settings), serving(|_| None));
    assert_eq!(run.target().clock(), Some(Clock::Total));
    assert_eq!(run.reason(), "the total timeout of 15m expired: no deploy has been seen");
}

#[test]
fn the_total_timeout_reports_the_status_and_where_the_time_went() {
    let run = run(
        latest(clocks(60, 30, 30)),
        serving(|now| Some(row("dpl0", if now < s(20) { "queued" } else { "executing" }))),
    );
    assert_eq!(run.report.verdict, Verdict::TimedOut);
    assert_eq!(run.target().clock(), Some(Clock::Total));
    let reason = run.reason();
    let parts = ["the total timeout of 1m expired", "the last status is `executing` (queued 2", ", executing 3"];
    for part in parts {
        assert!(reason.contains(part), "`{part}` is not in: {reason}");
    }
    let polls_at_the_deadline: Vec<_> = run.polls().into_iter().filter(|(began, _)| *began >= s(60)).collect();
    let [(began, last_asked)] = polls_at_the_deadline[..] else { panic!("{polls_at_the_deadline:?}") };
    assert_eq!((began, run.report.elapsed), (s(60), last_asked + LATENCY), "exactly one poll is the last");
}

#[test]
fn a_deploy_that_ends_at_the_deadline_passes() {
    for seed in 0..50 {
        let settings = WatchSettings { seed, ..clocks(61, 30, 30) };
        let run =
            run(latest(settings), serving(|now| Some(row("dpl0", if now < s(61) { "executing" } else { "active" }))));
        assert_eq!(run.report.verdict, Verdict::Passed, "with seed {seed}");
        assert_eq!(run.report.elapsed, s(61) + 2 * LATENCY, "the deploy, and what is newer");
    }
}

#[test]
fn a_deploy_that_fails_at_the_deadline_still_gets_its_reason_read() {
    let of_inw1 = |id: &str, status: &str| with(row(id, status), json!({ "workflow_id": "inw1" }));
    let later = |id: &str, status: &str| created(of_inw1(id, status), 1);
    let run = run(latest(clocks(61, 30, 30)), |now, request| {
        let ended = now >= s(61);
        soon(match request {
            Request::Deploy(..) if ended && now == s(61) => deploy(&created(of_inw1("dpl0", "retried"), 0)),
            Request::LatestDeploy(..) if ended => deploy(&later("dpl1", "error")),
            Request::Deploys(..) => list(&[later("dpl1", "error"), created(of_inw1("dpl0", "retried"), 0)]),
            Request::Deploy(..) if ended => {
                let mut row = later("dpl1", "error");
                row["status_description"] = "no capacity".into();
                deploy(&row)
            }
            Request::Workflow(..) => workflow("error", true, &[step("deploy", "error", "dpl1")]),
            _ => deploy(&created(row("dpl0", "executing"), 0)),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Failed);
    assert_eq!(run.reason(), "no capacity");
    assert_eq!(run.what()[run.what().len() - 5..], ["deploy", "list", "deploy", "latest", "workflow"], "one poll");
}

#[test]
fn hanging_requests_cannot_hold_up_the_end() {
    for wakes_first in [false, true] {
        let driver = crate::virtual_time::Driver { wakes_first, ..Default::default() };
        let run = driver.run(latest(clocks(300, 200, 1000)), |_, _| hang());
        assert_eq!(run.report.verdict, Verdict::TimedOut);
        assert_eq!(run.target().clock(), Some(Clock::Start));
        assert!(run.report.elapsed <= s(230), "{:?}", run.report.elapsed);

        let driver = crate::virtual_time::Driver { wakes_first, ..Default::default() };
        let run = driver.run(pinned(clocks(300, 200, 1000), "dpl0"), |_, _| hang());
        assert_eq!(run.target().clock(), Some(Clock::Total));
        assert_eq!(run.asked.last().unwrap().at, s(300), "the last poll has its whole time limit");
        assert_eq!(run.asked.last().unwrap().timeout, s(30));
        assert_eq!(run.report.elapsed, s(330));
    }
}

#[test]
fn no_request_outlasts_a_timeout() {
    let run = run(latest(clocks(50, 25, 1000)), |_, _| hang());
    for asked in &run.asked {
        let crosses = |ring: Duration| asked.at < ring && asked.at + asked.timeout > ring;
        assert!(!crosses(s(25)) && !crosses(s(50)), "{asked:?}");
    }
}

#[test]
fn the_outage_timeout_counts_from_the_last_good_answer() {
    let run = run(latest(clocks(3600, 300, 60)), |now, _| {
        soon(if now < s(100) { deploy(&row("dpl0", "executing")) } else { status(503) })
    });
    assert_eq!(run.report.verdict, Verdict::Inconclusive);
    assert_eq!(run.target().clock(), Some(Clock::Outage));
    let last_good = run.asked_at().into_iter().rfind(|at| *at < s(100)).unwrap() + LATENCY;
    assert_eq!(run.report.elapsed, last_good + s(60) + LATENCY);
    let reason = run.reason();
    let parts = ["no good answer from the API for 1m: ", "`executing`", "; the last error: HTTP 503: said 503"];
    for part in parts {
        assert!(reason.contains(part), "`{part}` is not in: {reason}");
    }
}

#[test]
fn one_good_answer_ends_an_outage() {
    let mut asked = 0;
    let run = run(latest(clocks(3600, 300, 60)), |now, _| {
        asked += 1;
        let status_now = if now < s(600) { "executing" } else { "active" };
        soon(if asked % 5 < 2 { deploy(&row("dpl0", status_now)) } else { status(500) })
    });
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    assert!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })) > 50);
}

#[test]
fn one_bad_answer_after_a_long_pause_is_no_outage() {
    let intervals = Intervals::new(s(2), s(120)).unwrap();
    let mut asked = 0;
    let run = run(latest(WatchSettings { intervals, ..clocks(3600, 300, 60) }), |now, _| {
        asked += 1;
        let bad = asked == 14;
        soon(if bad { status(500) } else { deploy(&row("dpl0", if now < s(2000) { "executing" } else { "active" })) })
    });
    assert!(asked > 14, "only {asked} questions were asked");
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
}

#[test]
fn good_answers_about_one_target_are_good_for_all() {
    let settings = WatchSettings {
        clocks: Clocks { total: s(600), start: None, stall: None, approval: None, queue: None, outage: Some(s(60)) },
        ..settings()
    };
    let run = run(watch(settings, 2, nuon_gate_core::pins::Pins::default()), |now, request| {
        soon(match component(request) {
            Some(0) => status(500),
            _ => deploy(&row("dpl1", if now < s(300) { "executing" } else { "active" })),
        })
    });
    assert_eq!(run.report.targets[1].verdict, Verdict::Passed);
    let first = &run.report.targets[0];
    assert_eq!((first.verdict, first.clock()), (Verdict::Inconclusive, Some(Clock::Outage)));
    assert!(run.report.elapsed > s(350) && run.report.elapsed < s(375), "{:?}", run.report.elapsed);
}

#[test]
fn the_total_timeout_is_reported_even_without_a_good_answer() {
    let run = run(latest(clocks(60, 300, 300)), |_, _| soon(status(502)));
    assert_eq!((run.report.verdict, run.target().clock()), (Verdict::TimedOut, Some(Clock::Total)));
    assert!(run.reason().ends_with("; the last error: HTTP 502: said 502"), "{}", run.reason());
}

#[test]
fn timeouts_expire_on_time_during_a_pause() {
    let outage = run(latest(clocks(3600, 3000, 90)), |now, _| {
        soon(if now < s(5) { deploy(&row("dpl0", "queued")) } else { retry_after(429, s(1000)) })
    });
    assert_eq!((outage.report.verdict, outage.target().clock()), (Verdict::Inconclusive, Some(Clock::Outage)));
    let last_good = outage.asked_at().into_iter().rfind(|at| *at < s(5)).unwrap() + LATENCY;
    assert_eq!(outage.report.elapsed, last_good + s(90));

    let start = run(latest(clocks(3600, 90, 1000)), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(5) => none(),
            Request::LatestDeploy(..) => retry_after(503, s(700)),
            _ => exists(request),
        })
    });
    assert_eq!(start.target().clock(), Some(Clock::Start));
    assert_eq!(start.report.elapsed, s(90));
}

#[test]
fn a_pause_holds_for_every_target() {
    let run = run(watch(settings(), 40, nuon_gate_core::pins::Pins::default()), |now, request| {
        let number = component(request).unwrap();
        let pause = number == 3 && now < s(10);
        after(
            ms(100 + number as u64),
            if pause {
                retry_after(429, s(60))
            } else {
                deploy(&row(&format!("dpl{number}"), if now < s(80) { "queued" } else { "active" }))
            },
        )
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    let paused = ms(103)..ms(60_103);
    let during: Vec<_> = run.asked.iter().filter(|asked| paused.contains(&asked.at) && asked.at > ms(103)).collect();
    assert!(during.is_empty(), "{during:?}");
    assert!(run.asked.iter().any(|asked| asked.at == paused.end), "the pause ends on time");
    let said = |kind: &EventKind| matches!(kind, EventKind::Retrying { next, .. } if *next == s(60));
    assert_eq!(run.count(said), 1, "the event has the length of the pause");
}

#[test]
fn a_pause_ends_at_the_deadline() {
    let server = |now: Duration, _: &Request| -> Scripted {
        soon(match now.as_secs() {
            0..10 => deploy(&row("dpl0", "executing")),
            10..600 => retry_after(503, s(86_400)),
            _ => deploy(&row("dpl0", "active")),
        })
    };
    let settings = WatchSettings {
        clocks: Clocks { total: s(600), start: None, stall: None, approval: None, queue: None, outage: None },
        ..settings()
    };
    let run = run(latest(settings), server);
    assert_eq!(run.report.verdict, Verdict::Passed, "{:?}", run.run_reason());
    let last: Vec<Duration> = run.asked_at().into_iter().filter(|at| *at > s(20)).collect();
    assert_eq!(last, [s(600), s(600) + LATENCY], "the deploy, and what is newer");
}

#[test]
fn a_poll_just_before_a_timeout_is_moved_to_it() {
    let intervals = Intervals::new(s(10), s(10)).unwrap();
    let clocks = Clocks { total: s(45), start: None, stall: None, approval: None, queue: None, outage: None };
    let run = run(latest(WatchSettings { intervals, clocks, ..settings() }), |_, _| {
        after(Duration::ZERO, deploy(&row("dpl0", "executing")))
    });
    let polls: Vec<Duration> = run.polls().into_iter().map(|(began, _)| began).collect();
    assert_eq!(polls, [s(0), s(10), s(20), s(30), s(45)], "40 s would be less than 10 s before the end");
}

#[test]
fn intervals_grow_and_start_over_at_every_change() {
    let run = run(
        latest(settings()),
        serving(|now| {
            Some(row(
                "dpl0",
                if now < s(100) {
                    "queued"
                } else if now < s(200) {
                    "executing"
                } else {
                    "active"
                },
            ))
        }),
    );
    let polls = run.polls();
    let gaps: Vec<Duration> = polls.windows(2).map(|pair| pair[1].0 - pair[0].1 - LATENCY).collect();
    assert!(gaps.iter().all(|gap| (s(2)..=s(10)).contains(gap)), "{gaps:?}");
    assert!(gaps[0] <= s(2) && gaps.iter().any(|gap| *gap >= s(8)), "{gaps:?}");
    let turn = polls.iter().position(|(began, _)| *began >= s(100)).unwrap();
    assert!(gaps[turn - 1] >= s(8) && gaps[turn] == s(2), "{gaps:?}");
}

#[test]
fn a_first_deploy_is_a_change_too() {
    let run = run(
        latest(settings()),
        serving(|now| (now >= s(100)).then(|| row("dpl0", if now < s(130) { "queued" } else { "active" }))),
    );
    let turn = run.asked_at().iter().position(|at| *at >= s(100)).unwrap();
    let gap = run.asked[turn + 1].at - run.asked[turn].at;
    assert!(gap <= s(3), "the next poll came after {gap:?}");
}

/// The server does not know the place at first.
#[test]
fn the_queue_timeout_begins_when_the_place_is_known() {
    let settings = WatchSettings { clocks: Clocks { queue: Some(s(60)), ..settings().clocks }, ..settings() };
    let ended = run(pinned(settings, "dpl0"), |now, request| {
        let own = created(with(row("dpl0", "queued"), json!({"workflow_id": "inw1"})), 0);
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&own),
            Request::Deploys(..) => list(&[own]),
            Request::Workflow(..) => workflow("pending", false, &[step("a", "pending", "dpl0")]),
            Request::QueuePosition(_) => Body::Exactly(json!({"position": if now < s(120) { 0 } else { 2 }})),
            _ => exists(request),
        })
    });
    assert_eq!((ended.report.verdict, ended.target().clock()), (Verdict::TimedOut, Some(Clock::Queue)));
    assert!((s(180)..s(220)).contains(&ended.report.elapsed), "{:?}", ended.report.elapsed);
}
