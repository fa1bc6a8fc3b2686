//! How the watch reads answers that are older than one it has seen, as from a replica that lags.

use std::time::Duration;

use crate::virtual_time::{
    Run, STARTED_AT, Scripted, created, deploy, latest, list, pinned, row, run, s, settings, soon, status, step, with,
    workflow,
};
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, OnApproval, WatchSettings};
use nuon_gate_core::{Clock, Verdict};
use serde_json::{Value, json};

/// A row as it was written this many seconds after the start of the watch, with its history.
fn written(id: &str, status: &str, second: i64, history: &[&str]) -> Value {
    let at = |second: i64| jiff::Timestamp::from_second(STARTED_AT + second).unwrap().to_string();
    let history: Vec<Value> = history.iter().map(|status| json!({ "status": status })).collect();
    let status_v2 = json!({ "status": status, "created_at_ts": STARTED_AT + second, "history": history });
    let row = created(row(id, status), -60);
    with(row, json!({ "updated_at": at(second), "status_v2": status_v2, "workflow_id": "inw1" }))
}

fn executing() -> Value {
    written("dpl0", "executing", 1, &["queued", "planning"])
}

fn running() -> crate::virtual_time::Body {
    workflow("in-progress", false, &[step("deploy", "in-progress", "dpl0")])
}

fn changes(run: &Run) -> Vec<String> {
    let word = |kind: &EventKind| match kind {
        EventKind::Changed { to, .. } => Some(to.to_string()),
        _ => None,
    };
    run.events.iter().filter_map(|event| word(&event.kind)).collect()
}

/// Runs a watch for one pinned deploy. The server's answers by id come from `by_id`, those about the newest deploy from
/// `newest`, and its workflow goes on until `until`.
fn watched(
    settings: WatchSettings,
    until: u64,
    by_id: impl Fn(Duration) -> Value,
    newest: impl Fn(Duration) -> Value,
) -> Run {
    run(pinned(settings, "dpl0"), move |now, request| -> Scripted {
        soon(match request {
            Request::Deploy(..) => deploy(&by_id(now)),
            Request::LatestDeploy(..) => deploy(&newest(now)),
            Request::Deploys(..) => list(&[newest(now)]),
            Request::Workflow(..) if now < s(until) => running(),
            Request::Workflow(..) => workflow("success", true, &[step("deploy", "success", "dpl0")]),
            other => panic!("{other:?} was not expected"),
        })
    })
}

/// The row at a time: `later` from `turn` on, but `executing` again between `from` and `to`.
fn lagging(now: Duration, turn: u64, later: &Value, from: u64, to: u64) -> Value {
    let lags = now >= s(from) && now < s(to);
    if now < s(turn) || lags { executing() } else { later.clone() }
}

#[test]
fn an_older_answer_does_not_undo_a_status_that_is_held() {
    for (word, verdict) in [("active", Verdict::Passed), ("error", Verdict::Failed)] {
        let ended = written("dpl0", word, 8, &["queued", "planning", "executing"]);
        // The step goes on until second 40, so the status is held. From second 12 to 30 the answers are old.
        let by_id = |now| lagging(now, 8, &ended, 12, 30);
        let run = run(pinned(settings(), "dpl0"), |now, request| {
            soon(match request {
                Request::Workflow(..) if now < s(40) => running(),
                Request::Workflow(..) => {
                    let step = step("deploy", if word == "active" { "success" } else { "error" }, "dpl0");
                    workflow(if word == "active" { "success" } else { "error" }, true, &[step])
                }
                _ => deploy(&by_id(now)),
            })
        });
        assert_eq!(run.report.verdict, verdict);
        assert_eq!(changes(&run), [word], "an older answer is no change");
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Held { .. })), 1, "{word} is held all the time");
        assert!(run.report.elapsed >= s(40));
    }
}

#[test]
fn an_older_answer_decides_nothing_by_itself() {
    // A pass is held while the answers by id and about the newest are old, although the workflow ends meanwhile.
    let active = written("dpl0", "active", 8, &["queued", "planning", "executing"]);
    let old = |now| lagging(now, 8, &active, 12, 60);
    let run = watched(settings(), 20, old, old);
    assert_eq!((run.report.verdict, changes(&run)), (Verdict::Passed, vec!["active".to_owned()]));
    assert!(run.report.elapsed >= s(60), "passed at {:?}, when every answer was old", run.report.elapsed);
}

#[test]
fn an_older_answer_neither_fails_nor_asks_for_approval() {
    // An old failure of a deploy that has gone on, and an old approval request that was answered meanwhile.
    for (old, on_approval) in [("error", OnApproval::Wait), ("pending-approval", OnApproval::Fail)] {
        let passed = written("dpl0", "executing", 8, &["queued", "planning", old, "planning"]);
        let active = written("dpl0", "active", 40, &["queued", "planning", old, "planning", "executing"]);
        let before = written("dpl0", old, 5, &["queued", "planning"]);
        let settings = WatchSettings { on_approval, ..settings() };
        let run = run(pinned(settings, "dpl0"), |now, request| {
            soon(match request {
                Request::Workflow(..) if now < s(40) => {
                    workflow("in-progress", false, &[step("deploy", "approval-awaiting", "dpl0")])
                }
                Request::Workflow(..) => workflow("success", true, &[step("deploy", "success", "dpl0")]),
                _ if now >= s(41) => deploy(&active),
                _ if now < s(1) || now.as_secs().is_multiple_of(2) => deploy(&passed),
                _ => deploy(&before),
            })
        });
        assert_eq!((run.report.verdict, changes(&run)), (Verdict::Passed, vec!["active".to_owned()]), "{old}");
    }
}

#[test]
fn a_current_newest_row_confirms_a_held_status() {
    let active = written("dpl0", "active", 8, &["queued", "planning", "executing"]);
    // By id it stays old for ever, but the latest endpoint is current.
    let run = watched(settings(), 20, |now| lagging(now, 8, &active, 12, 9999), |now| lagging(now, 8, &active, 0, 0));
    assert_eq!((run.report.verdict, changes(&run)), (Verdict::Passed, vec!["active".to_owned()]));
    assert!(run.report.elapsed < s(40));
}

#[test]
fn a_replaced_deploy_stays_replaced() {
    let successor = |second| with(created(row("dpl9", "active"), second), json!({ "workflow_id": "inw1" }));
    let retried = written("dpl0", "retried", 8, &["queued", "error"]);
    let run = run(pinned(settings(), "dpl0"), |now, request| {
        let first = lagging(now, 4, &retried, 8, 9999);
        soon(match request {
            Request::Deploy(_, _, id) if id.as_str() == "dpl0" => deploy(&first),
            Request::Deploy(..) => deploy(&successor(9)),
            Request::Deploys(..) if now >= s(30) => list(&[successor(9), first]),
            Request::Deploys(..) => list(&[first]),
            Request::LatestDeploy(..) => deploy(&successor(9)),
            Request::Workflow(..) if now < s(20) => running(),
            Request::Workflow(..) => workflow("in-progress", false, &[step("deploy", "success", "dpl9")]),
            other => panic!("{other:?} was not expected"),
        })
    });
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl9"));
    assert_eq!(changes(&run), ["retried"]);
}

#[test]
fn a_status_whose_history_was_wiped_is_newer_by_its_time() {
    for (word, verdict) in
        [("cancelled", Verdict::Cancelled), ("approval-denied", Verdict::Cancelled), ("auto-skipped", Verdict::Passed)]
    {
        let ended = written("dpl0", word, 8, &[]);
        let run = watched(settings(), 6, |now| lagging(now, 5, &ended, 0, 0), |now| lagging(now, 5, &ended, 0, 0));
        assert_eq!((run.report.verdict, changes(&run)), (verdict, vec![word.to_owned()]));
    }
}

#[test]
fn answers_without_an_order_are_taken_as_they_come() {
    let plain = |word| with(row("dpl0", word), json!({ "workflow_id": "inw1" }));
    let same = |word| with(plain(word), json!({ "updated_at": "2027-01-15T08:00:01Z" }));
    for (queued, active) in [(plain("queued"), plain("active")), (same("queued"), same("active"))] {
        let by_id = |now| if now < s(10) { queued.clone() } else { active.clone() };
        let run = watched(settings(), 12, by_id, by_id);
        assert_eq!(run.report.verdict, Verdict::Passed);
    }
}

#[test]
fn the_details_of_a_failure_are_waited_for_once() {
    let error = written("dpl0", "error", 8, &["queued", "planning", "executing"]);
    let newest = with(error.clone(), json!({ "status_description": "no such subnet" }));
    // By id it is old for this long. The newest row failed at once.
    let failing = |until: u64| {
        let (error, newest) = (error.clone(), newest.clone());
        run(latest(settings()), move |now, request| {
            soon(match request {
                Request::Deploy(..) if now < s(until) => deploy(&executing()),
                Request::Deploy(..) => {
                    deploy(&with(error.clone(), json!({ "composite_error": { "message": "quota exceeded" } })))
                }
                Request::LatestDeploy(..) => deploy(&newest),
                _ => workflow("error", true, &[step("deploy", "error", "dpl0")]),
            })
        })
    };
    let (soon_known, hanging) = (failing(1), failing(9999));
    assert_eq!((soon_known.report.verdict, soon_known.reason()), (Verdict::Failed, "quota exceeded"));
    assert_eq!((hanging.report.verdict, hanging.reason()), (Verdict::Failed, "no such subnet"));
    assert!(hanging.report.elapsed < s(5));
}

/// A deploy that stays `executing` until second `until`, in a workflow that ends at second ten with its step done.
fn behind(settings: WatchSettings, until: u64) -> Run {
    let active = written("dpl0", "active", 8, &["queued", "planning", "executing"]);
    watched(settings, 10, |now| lagging(now, until, &active, 0, 0), |now| lagging(now, until, &active, 0, 0))
}

#[test]
fn a_deploy_that_is_behind_its_own_step_is_given_a_moment() {
    let passes = behind(settings(), 25);
    assert_eq!((passes.report.verdict, changes(&passes)), (Verdict::Passed, vec!["active".to_owned()]));
    let fails = behind(settings(), 9999);
    assert_eq!(fails.report.verdict, Verdict::Failed);
    assert!(fails.reason().contains("the deploy still says `executing`"), "{}", fails.reason());
    assert!(fails.report.elapsed >= s(40) && fails.report.elapsed < s(80), "{:?}", fails.report.elapsed);
    // If a timeout expires meanwhile, there is no time left, and it is unknown which of the two lags.
    let clocks = Clocks { total: s(30), ..settings().clocks };
    let rings = behind(WatchSettings { clocks, ..settings() }, 9999);
    assert_eq!((rings.report.verdict, rings.target().clock()), (Verdict::TimedOut, Some(Clock::Total)));
    assert!(rings.report.elapsed <= s(31));
}

#[test]
fn a_failure_whose_step_was_retried_is_given_a_moment() {
    let successor = || with(created(row("dpl9", "active"), 9), json!({ "workflow_id": "inw1" }));
    // The workflow has succeeded through another row when the first one is still seen in error. The other is listed from a
    // time on.
    let failing = |listed: u64| {
        run(pinned(settings(), "dpl0"), move |now, request| {
            let is_listed = now >= s(listed);
            let failed = || written("dpl0", "error", 8, &["queued"]);
            let newest = || if is_listed { successor() } else { failed() };
            soon(match request {
                Request::Deploy(_, _, id) if id.as_str() == "dpl0" => deploy(&failed()),
                Request::Deploy(..) | Request::LatestDeploy(..) => deploy(&newest()),
                Request::Deploys(..) => list(&[newest()]),
                Request::Workflow(..) => {
                    let steps = [step("first", "retried", "dpl0"), step("second", "success", "dpl9")];
                    workflow("success", true, &steps)
                }
                other => panic!("{other:?} was not expected"),
            })
        })
    };
    let (followed, stays) = (failing(15), failing(9999));
    assert_eq!((followed.report.verdict, followed.deploy_id()), (Verdict::Passed, "dpl9"));
    assert_eq!((stays.report.verdict, stays.deploy_id()), (Verdict::Failed, "dpl0"));
    assert!(stays.report.elapsed >= s(30) && stays.report.elapsed < s(50), "{:?}", stays.report.elapsed);
}

#[test]
fn an_unfinished_poll_does_not_judge_a_newer_deploy() {
    // The newer one is `active` in a poll whose next request is not answered, and then fails.
    let mut seen = false;
    let run = run(latest(settings()), |now, request| {
        let newer = |word: &str| created(row("dpl9", word), 0);
        soon(match request {
            Request::LatestDeploy(..) if now < s(3) => deploy(&executing()),
            Request::LatestDeploy(..) if !std::mem::replace(&mut seen, true) => deploy(&newer("active")),
            Request::LatestDeploy(..) if now < s(60) => status(503),
            Request::Workflow(..) if now < s(60) => status(500),
            Request::Workflow(..) => running(),
            Request::Deploy(_, _, id) if id.as_str() == "dpl0" => deploy(&executing()),
            Request::LatestDeploy(..) | Request::Deploy(..) => deploy(&newer("error")),
            other => panic!("{other:?} was not expected"),
        })
    });
    assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Failed, "dpl9"), "{:?}", run.events);
}

#[test]
fn a_clock_that_was_set_back_delays_the_end_only_briefly() {
    // The machine that wrote the earlier status was an hour ahead of the one that wrote the last.
    let before = ["queued", "planning", "executing"];
    let cases = [
        ("active", Verdict::Passed, &before[..]),
        ("error", Verdict::Failed, &before[..]),
        ("active", Verdict::Passed, &[]),
        ("error", Verdict::Failed, &[]),
    ];
    for (word, verdict, history) in cases {
        let ahead = written("dpl0", "executing", 3601, &history[..history.len().min(2)]);
        let ended = written("dpl0", word, 8, history);
        let row = |now| if now < s(8) { ahead.clone() } else { ended.clone() };
        let run = run(pinned(settings(), "dpl0"), |now, request| {
            let (word, over) = (if word == "active" { "success" } else { "error" }, now >= s(9));
            let step = step("deploy", if over { word } else { "in-progress" }, "dpl0");
            soon(match request {
                Request::Workflow(..) => workflow(if over { word } else { "in-progress" }, over, &[step]),
                _ => deploy(&row(now)),
            })
        });
        assert_eq!((run.report.verdict, changes(&run)), (verdict, vec![word.to_owned()]));
        assert!(run.report.elapsed < s(150), "{:?}", run.report.elapsed);
    }
}

#[test]
fn a_deploy_that_failed_before_its_workflow_was_cancelled_is_given_a_moment_to_say_so() {
    let failing = |until: u64| {
        run(pinned(settings(), "dpl0"), move |now, request| {
            let word = if now < s(until) { "executing" } else { "error" };
            soon(match request {
                Request::Workflow(..) => workflow("cancelled", true, &[step("deploy", "error", "dpl0")]),
                _ => deploy(&written("dpl0", word, 8, &["queued"])),
            })
        })
    };
    let (failed, called_off) = (failing(15), failing(9999));
    assert_eq!((failed.report.verdict, changes(&failed)), (Verdict::Failed, vec!["error".to_owned()]));
    assert_eq!(called_off.report.verdict, Verdict::Cancelled);
    assert!(called_off.report.elapsed < s(50), "{:?}", called_off.report.elapsed);
}
