//! The watch's requests, and how it reads the answers, in virtual time.

use crate::virtual_time::{
    Body, STARTED_AT, after, deploy, exists, latest, ms, none, pinned, row, run, s, serving, settings, soon, status,
    with,
};
use nuon_gate_core::api::Request;
use nuon_gate_core::watch::{Clocks, EventKind, WatchSettings};
use nuon_gate_core::{Line, MatchedBy, Rules, Verdict};
use serde_json::{Value, json};

/// A row that got its status before the gate started.
fn ended_before(id: &str, status: &str) -> Value {
    with(row(id, status), json!({ "updated_at": "2027-01-15T07:46:40Z" }))
}

#[test]
fn a_deploy_that_had_ended_passes_with_two_requests_and_a_warning() {
    for status in ["active", "auto-skipped"] {
        let run = run(latest(settings()), serving(|_| Some(ended_before("dplOld", status))));
        assert_eq!(run.report.verdict, Verdict::Passed);
        assert_eq!(run.what(), ["latest", "deploy"], "the latest row does not say whose it is");
        assert_eq!(run.target().matched_by, Some(MatchedBy::Latest));
        assert_eq!((run.run_reason(), &run.target().cause), (None, &None));
        let [warning] = &run.warnings()[..] else { panic!("{:?}", run.warnings()) };
        for part in ["dplOld", "had already ended 13m 20s before the wait began"] {
            assert!(warning.contains(part), "`{part}` is not in: {warning}");
        }
        assert_eq!(run.target().warnings.len(), 1);
    }
}

#[test]
fn a_deploy_that_ends_during_the_wait_needs_no_warning() {
    let fresh = with(row("dpl0", "active"), json!({ "updated_at": "2027-01-15T08:00:05Z" }));
    let run = run(latest(settings()), serving(move |now| (now >= s(4)).then(|| fresh.clone())));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.warnings().is_empty(), "{:?}", run.warnings());
}

#[test]
fn a_pinned_deploy_that_had_ended_needs_no_warning() {
    let run = run(pinned(settings(), "dpl7"), serving(|_| Some(ended_before("dpl7", "active"))));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.what(), ["deploy", "latest"]);
    assert_eq!(run.target().matched_by, Some(MatchedBy::Deploy));
    assert!(run.warnings().is_empty());
}

#[test]
fn a_failed_latest_is_read_once_more_for_its_reason() {
    let run = run(latest(settings()), |_, request| {
        let mut row = ended_before("dpl0", "error");
        if matches!(request, Request::Deploy(..)) {
            row = with(row, json!({ "composite_error": { "message": "quota exceeded" } }));
        }
        soon(deploy(&row))
    });
    assert_eq!(run.report.verdict, Verdict::Failed);
    assert_eq!(run.what(), ["latest", "deploy"]);
    assert_eq!(run.asked_at(), [s(0), ms(100)], "the details are part of the same poll");
    assert_eq!(run.reason(), "quota exceeded");
    assert_eq!(run.run_reason().as_ref().map(Line::plain), Some("quota exceeded"));
}

#[test]
fn a_failure_without_readable_details_is_a_failure() {
    for (wire, verdict) in [("error", Verdict::Failed), ("noop", Verdict::Failed), ("cancelled", Verdict::Cancelled)] {
        for code in [500, 503] {
            let run = run(latest(settings()), move |_, request| {
                let brief = || deploy(&with(row("dpl0", wire), json!({ "status_description": "no such subnet" })));
                soon(if matches!(request, Request::Deploy(..)) { status(code) } else { brief() })
            });
            assert_eq!(run.report.verdict, verdict, "{wire}, then {code}");
            assert_eq!(run.reason(), "no such subnet");
        }
    }
}

/// It may be another install's.
#[test]
fn a_failure_that_the_install_does_not_have_is_none_when_time_is_over() {
    let clocks = Clocks { total: s(20), ..settings().clocks };
    let run = run(latest(WatchSettings { clocks, ..settings() }), |_, request| {
        soon(if matches!(request, Request::Deploy(..)) { status(404) } else { deploy(&row("dpl0", "error")) })
    });
    assert_eq!(run.report.verdict, Verdict::TimedOut);
}

#[test]
fn a_failure_without_a_reason_says_so() {
    let run = run(pinned(settings(), "dpl0"), serving(|_| Some(row("dpl0", "noop"))));
    assert_eq!(run.reason(), "the deploy ended as `noop`; the server gives no reason");
}

#[test]
fn a_pending_deploy_is_followed_by_its_id() {
    let run = run(
        latest(settings()),
        serving(|now| {
            Some(row(
                "dpl0",
                if now < s(5) {
                    "queued"
                } else if now < s(9) {
                    "executing"
                } else {
                    "active"
                },
            ))
        }),
    );
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.what()[0], "latest");
    // The newest deploy is read at every third poll, and before the end.
    assert_eq!(run.what()[1..], ["deploy", "deploy", "latest", "deploy", "deploy", "latest"]);
    let moves = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Found { status, .. } => Some(status.to_string()),
        EventKind::Changed { from, to, .. } => Some(format!("{from} → {to}")),
        _ => None,
    });
    assert_eq!(moves.collect::<Vec<_>>(), ["queued", "queued → executing", "executing → active"]);
}

#[test]
fn the_time_in_a_status_is_the_servers() {
    let since =
        |status: &str, second: i64| json!({ "status_v2": { "status": status, "created_at_ts": STARTED_AT + second } });
    let run = run(
        latest(settings()),
        serving(move |now| {
            Some(match now {
                now if now < s(4) => with(row("dpl0", "queued"), since("queued", -600)),
                now if now < s(9) => with(row("dpl0", "executing"), since("executing", 4)),
                // The server's own history, where it keeps one.
                _ => with(
                    row("dpl0", "active"),
                    json!({ "status_v2": {
                        "status": "active", "created_at_ts": STARTED_AT + 7,
                        "history": [{ "status": "executing", "created_at_ts": STARTED_AT + 4 }],
                    } }),
                ),
            })
        }),
    );
    let times: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Found { spent, .. } | EventKind::Changed { spent, .. } => Some((event.at.elapsed(), *spent)),
            _ => None,
        })
        .collect();
    let [(first, found), (began, queued), (_, executing)] = times[..] else { panic!("{times:?}") };
    assert_eq!((found, queued, executing), (s(600) + first, s(600) + began, s(3)));
}

#[test]
fn an_answer_about_another_deploy_is_no_answer() {
    let run = run(pinned(settings(), "dpl0"), |now, _| {
        soon(deploy(&row(if now < s(20) { "dpl1" } else { "dpl0" }, "active")))
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.asked_at().last().unwrap() >= &s(20));
    assert!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })) >= 2);
    assert_eq!(run.target().deploy.as_ref().unwrap().id.as_ref().unwrap().as_str(), "dpl0");
}

#[test]
fn a_deploy_without_an_id_is_none() {
    let run = run(
        latest(settings()),
        serving(|now| Some(if now < s(9) { json!({ "status": "active" }) } else { row("dpl0", "active") })),
    );
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.asked_at().last().unwrap() >= &s(9));
}

#[test]
fn the_preflight_runs_once_after_a_first_not_yet() {
    let run = run(latest(settings()), serving(|now| (now >= s(20)).then(|| row("dpl0", "active"))));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.what()[..5], ["latest", "install", "component", "hundred", "latest"]);
    let (end, polls) = run.what()[4..].split_last().map(|(end, polls)| (*end, polls.to_vec())).unwrap();
    assert!(polls.iter().all(|what| ["latest", "hundred"].contains(what)) && end == "deploy", "{:?}", run.what());
    assert_eq!(run.count(|kind| matches!(kind, EventKind::NotStarted { .. })), 1);
}

#[test]
fn a_preflight_that_fails_is_tried_again() {
    let run = run(latest(settings()), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(20) => none(),
            Request::LatestDeploy(..) => deploy(&row("dpl0", "active")),
            Request::Install(_) if now < s(1) => status(503),
            Request::Deploy(..) => deploy(&row("dpl0", "active")),
            _ => exists(request),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.what()[..7], ["latest", "install", "latest", "install", "component", "hundred", "latest"]);
}

#[test]
fn a_wrong_install_or_component_is_rejected_with_its_name() {
    let cases = [
        (404, 404, ["latest", "install"].as_slice(), "there is no install `inl-acme`"),
        (200, 404, &["latest", "install", "component"], "there is no component `cmp0` in install `inl-acme`"),
    ];
    for (install, component, asked, reason) in cases {
        let run = run(latest(settings()), |_, request| {
            soon(match request {
                Request::Install(_) if install != 200 => status(install),
                Request::InstallComponent(..) if component != 200 => status(component),
                Request::LatestDeploy(..) => none(),
                _ => exists(request),
            })
        });
        assert_eq!(run.report.verdict, Verdict::Rejected);
        assert_eq!(run.what(), asked);
        assert!(run.reason().starts_with(reason), "{}", run.reason());
    }
}

#[test]
fn the_installs_name_is_kept() {
    let run = run(latest(settings()), |now, request| {
        soon(match request {
            Request::LatestDeploy(..) if now < s(1) => none(),
            Request::Install(_) => Body::Json(json!({"name": "acme-west"})),
            Request::InstallComponent(..) => exists(request),
            _ => deploy(&row("dpl0", "active")),
        })
    });
    assert_eq!(run.target().target.install_name(), Some(&Line::new("acme-west")));
}

#[test]
fn an_unknown_status_is_waited_on_and_warned_of_once() {
    let run = run(
        latest(settings()),
        serving(|now| {
            let odd = if (now.as_secs() / 5).is_multiple_of(2) { "thawing" } else { "freezing" };
            Some(row("dpl0", if now < s(120) { odd } else { "active" }))
        }),
    );
    assert_eq!(run.report.verdict, Verdict::Passed);
    let mut warnings = run.warnings();
    warnings.sort_unstable();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("`freezing` is not known") && warnings[1].contains("`thawing` is not known"));
}

#[test]
fn the_users_lists_of_statuses_take_precedence() {
    let rules = Rules::new(vec!["thawed".into()], vec!["frozen".into()], vec!["error".into()]).unwrap();
    for (end, verdict) in [("thawed", Verdict::Passed), ("frozen", Verdict::Failed)] {
        let watch = pinned(WatchSettings { rules: rules.clone(), ..settings() }, "dpl0");
        let run = run(watch, serving(|now| Some(row("dpl0", if now < s(30) { "error" } else { end }))));
        assert_eq!(run.report.verdict, verdict);
        assert!(run.warnings().is_empty(), "{:?}", run.warnings());
    }
}

#[test]
fn a_plan_only_deploy_never_matches() {
    let drift_scan = with(row("dplPlan", "active"), json!({ "plan_only": true }));
    let old = json!({ "id": "dplPlan", "status": "active", "install_deploy_type": "plan-only" });
    for plan in [drift_scan, old] {
        let latest = run(
            latest(settings()),
            serving(|now| Some(if now < s(20) { plan.clone() } else { row("dpl0", "active") })),
        );
        assert_eq!(latest.report.verdict, Verdict::Passed);
        assert_eq!(latest.target().deploy.as_ref().unwrap().id.as_ref().unwrap().as_str(), "dpl0");

        let pinned = run(pinned(settings(), "dplPlan"), serving(|_| Some(plan.clone())));
        assert_eq!(pinned.report.verdict, Verdict::Rejected);
        assert!(pinned.reason().starts_with("deploy dplPlan "), "{}", pinned.reason());
    }
}

#[test]
fn a_slow_answer_is_waited_for() {
    let run = run(latest(settings()), |_, _| after(ms(29_900), deploy(&row("dpl0", "active"))));
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert_eq!(run.report.elapsed, ms(59_800), "two requests");
}
