//! How the watch handles each error, in virtual time.

use crate::virtual_time::{
    Body, STARTED_AT, certificate, deploy, exists, latest, none, pinned, retry_after, row, run, s, settings, soon,
    status, step, with, workflow,
};
use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, Request};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{EventKind, Refusal, Scope, Watch};
use nuon_gate_core::{Target, Targets, Verdict};
use serde_json::json;

/// A server that gives `answer` to its first requests, and then shows a deploy that ends at 300 s.
fn at_first(
    count: usize,
    mut answer: impl FnMut() -> Body,
) -> impl FnMut(std::time::Duration, &Request) -> crate::virtual_time::Scripted {
    let mut asked = 0;
    move |now, _| {
        asked += 1;
        soon(if asked <= count {
            answer()
        } else {
            deploy(&row("dpl0", if now < s(300) { "queued" } else { "active" }))
        })
    }
}

#[test]
fn a_refusal_of_the_first_call_is_final() {
    for (code, reason) in [
        (401, "the API does not accept the token: HTTP 401: said 401"),
        (403, "the API refuses access to the organisation: HTTP 403: said 403"),
    ] {
        let run = run(latest(settings()), at_first(1, || status(code)));
        assert_eq!(run.report.verdict, Verdict::Rejected);
        assert_eq!(run.asked.len(), 1);
        assert_eq!(run.reason(), reason);
    }
}

/// Follows a deploy whose requests number `from`, `from + 1`, … have these codes; 200 is a good answer.
fn with_codes_after_a_success(codes: &[u16]) -> crate::virtual_time::Run {
    let mut asked = 0;
    run(pinned(settings(), "dpl0"), move |now, _| {
        asked += 1;
        soon(match codes.get(usize::max(asked, 2) - 2) {
            _ if asked == 1 => deploy(&row("dpl0", "queued")),
            Some(code) if *code != 200 => status(*code),
            _ => deploy(&row("dpl0", if now < s(300) { "queued" } else { "active" })),
        })
    })
}

#[test]
fn later_refusals_are_final_when_five_come_in_a_row() {
    for codes in [[401, 401, 401, 401, 401], [403, 401, 403, 401, 403]] {
        let run = with_codes_after_a_success(&codes);
        assert_eq!(run.report.verdict, Verdict::Rejected, "{codes:?}");
        assert_eq!(run.asked.len(), 6);
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })), 4);
    }
    for codes in [[401, 401, 401, 401, 200, 401, 401, 401, 401], [403, 403, 403, 403, 500, 403, 403, 403, 403]] {
        assert_eq!(with_codes_after_a_success(&codes).report.verdict, Verdict::Passed, "{codes:?}");
    }
}

#[test]
fn a_refusal_after_errors_is_still_the_first_answer() {
    let mut codes = [500, 503, 401].into_iter();
    let run = run(latest(settings()), at_first(3, move || status(codes.next().unwrap())));
    assert_eq!(run.report.verdict, Verdict::Rejected);
    assert_eq!(run.asked.len(), 3);
}

#[test]
fn a_deploys_id_that_is_not_found_three_times_does_not_exist() {
    let gone = run(pinned(settings(), "dpl0"), |_, _| soon(status(404)));
    assert_eq!(gone.report.verdict, Verdict::Rejected);
    assert_eq!(gone.asked.len(), 3);
    assert!(gone.reason().starts_with("there is no deploy `dpl0` in install `inl-acme`"), "{}", gone.reason());

    let lagging = run(pinned(settings(), "dpl0"), at_first(2, || status(404)));
    assert_eq!(lagging.report.verdict, Verdict::Passed);
    assert_eq!(with_codes_after_a_success(&[404, 404, 200, 404, 404]).report.verdict, Verdict::Passed);
    // What has answered once exists, whatever later answers say.
    assert_eq!(with_codes_after_a_success(&[404, 404, 404, 404]).report.verdict, Verdict::Passed);
}

#[test]
fn another_targets_row_is_only_a_bad_answer_without_a_named_deploy() {
    for whose in [json!({ "component_id": "cmp9" }), json!({ "install_id": "inl-other" })] {
        let other = || Body::Json(with(row("dpl9", "active"), whose.clone()));
        let run = run(latest(settings()), at_first(9, other));
        assert_eq!((run.report.verdict, run.deploy_id()), (Verdict::Passed, "dpl0"), "{whose}");
        assert_eq!(run.count(|kind| matches!(kind, EventKind::Retrying { .. })), 9);
    }
    let other = || Body::Json(with(row("dpl0", "active"), json!({ "component_id": "cmp9" })));
    let named = run(pinned(settings(), "dpl0"), at_first(1, other));
    assert_eq!((named.report.verdict, named.asked.len()), (Verdict::Rejected, 1));
}

#[test]
fn a_deploys_workflow_with_another_owner_is_only_a_bad_answer() {
    let run = run(pinned(settings(), "dpl0"), |now, request| {
        soon(match request {
            Request::Workflow(..) if now < s(20) => {
                Body::Json(json!({ "owner_id": "inl-other", "status": { "status": "success" }, "finished": true }))
            }
            Request::Workflow(..) => workflow("success", true, &[step("apply", "success", "dpl0")]),
            _ => deploy(&with(row("dpl0", "active"), json!({ "workflow_id": "inw1" }))),
        })
    });
    assert_eq!(run.report.verdict, Verdict::Passed);
    assert!(run.report.elapsed >= s(20), "{:?}", run.report.elapsed);
}

#[test]
fn a_workflow_that_was_shown_to_another_installs_target_exists() {
    let target = |install: &str| Target::new(install.parse().unwrap(), "cmp0".parse().unwrap());
    let targets = Targets::new(["inl-acme", "inl-other"].map(target)).unwrap();
    let pins = Pins { workflow: "inw1".parse().ok(), ..Pins::default() };
    let started_at = Timestamp::from_second(STARTED_AT).unwrap();
    let watch = Watch::new(settings(), Scope::Targets(targets), pins, started_at).unwrap();
    let run = run(watch, |now, request| {
        soon(match request {
            Request::Workflow(Some(install), _) if install.as_str() == "inl-other" && now > s(1) => {
                Body::Json(json!({ "owner_id": "inl-acme", "status": { "status": "in-progress" } }))
            }
            Request::Workflow(..) if now < s(60) => status(404),
            Request::Workflow(..) => workflow("success", true, &[step("apply", "success", "dpl0")]),
            Request::LatestDeploy(install, ..) if install.as_str() == "inl-other" || now < s(20) => none(),
            Request::LatestDeploy(..) | Request::Deploy(..) => {
                deploy(&with(row("dpl0", "active"), json!({ "workflow_id": "inw1" })))
            }
            _ => exists(request),
        })
    });
    let verdicts: Vec<Verdict> = run.report.targets.iter().map(|target| target.verdict).collect();
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Rejected]);
}

#[test]
fn any_other_client_error_is_final() {
    for code in [400, 402, 405, 406, 410, 418, 422, 451, 499] {
        let first = run(latest(settings()), at_first(1, || status(code)));
        assert_eq!((first.report.verdict, first.asked.len()), (Verdict::Rejected, 1), "{code}");
        assert_eq!(first.reason(), format!("the API refuses the request: HTTP {code}: said {code}"));
        assert_eq!(with_codes_after_a_success(&[code]).report.verdict, Verdict::Rejected, "{code}");
    }
}

#[test]
fn an_error_leads_to_another_poll() {
    let errors = [
        ApiError::Connect { host: "api.example".to_owned(), detail: "connection refused".to_owned() },
        ApiError::Timeout(s(30)),
        ApiError::Broken("connection reset".to_owned()),
        ApiError::Redirect { status: 302, to: "login.example".to_owned(), retry_after: None },
        ApiError::Undecodable("it is HTML, not JSON".to_owned()),
    ];
    let codes = [408, 409, 425, 429, 500, 501, 502, 503, 504, 520, 599];
    let replies = errors.into_iter().map(Body::Error).chain(codes.into_iter().map(status));
    for reply in replies {
        let run = run(latest(settings()), at_first(10, || reply.clone()));
        assert_eq!(run.report.verdict, Verdict::Passed, "{reply:?}");
        let retries = run.events.iter().filter_map(|event| match &event.kind {
            EventKind::Retrying { error, next, .. } => Some((error.clone(), *next)),
            _ => None,
        });
        let (said, delays): (Vec<_>, Vec<_>) = retries.unzip();
        assert_eq!(said, vec![error(&reply); 10]);
        assert!(delays.iter().all(|delay| (s(2)..=s(10)).contains(delay)), "{delays:?}");
        assert!(delays[0] < delays[3], "trouble backs off: {delays:?}");
    }
}

#[test]
fn an_untrusted_certificate_is_final_at_first_and_retried_later() {
    let first = run(latest(settings()), |_, _| soon(certificate()));
    assert_eq!(first.refusal, Some(Refusal::Untrusted(error(&certificate()))));
    assert_eq!(first.asked.len(), 1);

    let mut asked = 0;
    let later = run(latest(settings()), move |now, _| {
        asked += 1;
        soon(match asked {
            2..=6 => certificate(),
            _ => deploy(&row("dpl0", if now < s(100) { "queued" } else { "active" })),
        })
    });
    assert_eq!((later.report.verdict, later.refusal), (Verdict::Passed, None));
}

#[test]
fn a_certificate_is_not_final_after_a_not_yet() {
    let mut asked = 0;
    let run = run(latest(settings()), move |_, request| {
        asked += 1;
        soon(match (asked, request) {
            (1, _) => none(),
            (2, _) => certificate(),
            (_, Request::LatestDeploy(..) | Request::Deploy(..)) => deploy(&row("dpl0", "active")),
            _ => exists(request),
        })
    });
    assert_eq!((run.report.verdict, run.refusal), (Verdict::Passed, None));
}

#[test]
fn an_unreadable_newest_deploy_delays_nothing() {
    let errors = [status(500), status(429), crate::virtual_time::broken(), retry_after(503, s(2))];
    for (word, verdict) in [("active", Verdict::Passed), ("error", Verdict::Failed)] {
        for error in &errors {
            let run = run(pinned(settings(), "dpl0"), |_, request| {
                soon(if matches!(request, Request::LatestDeploy(..)) {
                    error.clone()
                } else {
                    deploy(&row("dpl0", word))
                })
            });
            assert_eq!(run.report.verdict, verdict, "{error:?}");
            assert_eq!(run.what(), ["deploy", "latest"]);
        }
    }
    // A refusal keeps its own rule: it never justifies going on without an answer, and is final the fifth time,
    // whatever else is answered.
    let run = run(pinned(settings(), "dpl0"), |_, request| {
        soon(if matches!(request, Request::LatestDeploy(..)) { status(403) } else { deploy(&row("dpl0", "active")) })
    });
    assert_eq!(run.report.verdict, Verdict::Rejected);
    assert_eq!(run.what().iter().filter(|what| **what == "latest").count(), 5);
}

#[test]
fn the_newest_row_updates_the_deploy() {
    let aged = |word: &str, at: &str| with(row("dpl0", word), json!({ "updated_at": at }));
    let (sooner, later) = ("2027-01-15T08:00:05Z", "2027-01-15T08:00:09Z");
    let word = |at| {
        run(pinned(settings(), "dpl0"), move |now, request| {
            soon(deploy(&match request {
                Request::LatestDeploy(..) if now < s(1) => aged("executing", at),
                _ => aged("active", if now < s(1) { sooner } else { later }),
            }))
        })
    };
    let newer = word(later);
    assert_eq!((newer.report.verdict, newer.what()), (Verdict::Passed, vec!["deploy", "latest", "deploy", "latest"]));
    let lagging = word("2027-01-15T08:00:04Z");
    assert_eq!((lagging.report.verdict, lagging.what()), (Verdict::Passed, vec!["deploy", "latest"]));
}

fn error(body: &Body) -> ApiError {
    match body {
        Body::Error(error) => error.clone(),
        other => panic!("{other:?}"),
    }
}
