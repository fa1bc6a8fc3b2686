//! Which of a failed deploy's many texts becomes the reason.

use nuon_gate_core::RemoteText;
use nuon_gate_core::api::decode;
use nuon_gate_core::model::Deploy;
use nuon_gate_core::reason::{generic, server_hint, specific};
use serde_json::{Value, json};

fn read(body: &Value) -> Deploy {
    decode(body.to_string().as_bytes()).unwrap()
}

fn reason_of(body: &Value) -> Option<String> {
    let deploy = read(body);
    specific(&deploy).or_else(|| generic(&deploy)).map(|text| text.line(1000).plain().to_owned())
}

/// The sources, best first: where each text is, and the text.
fn sources() -> Vec<(&'static str, &'static str)> {
    vec![
        ("/composite_error/message", "the deploy's error"),
        ("/runner_jobs/1/composite_error/message", "the job's error"),
        ("/policy_reports/0/violations/1/message", "no public address"),
        ("/status_v2/status_human_description", "the status's description"),
        ("/status_v2/history/1/status_human_description", "the newest earlier description"),
        ("/status_v2/history/0/status_human_description", "the oldest description"),
        ("/runner_jobs/1/status_description", "the job's description"),
        ("/runner_jobs/1/executions/0/result/composite_error/message", "the result's error"),
        ("/runner_jobs/1/executions/0/result/error_metadata/message", "what the runner noted"),
    ]
}

/// A failed deploy with a place for every source. The newest job is not the failing one.
fn failed() -> Value {
    json!({
        "status_v2": { "status": "error", "history": [{ "status": "error" }, { "status": "error" }, { "status": "executing", "status_human_description": "executing deploy plan" }] },
        "composite_error": {},
        "policy_reports": [{ "violations": [{ "severity": "warn", "policy_name": "tags", "message": "untagged" }, { "severity": "deny", "policy_name": "network" }] }],
        "runner_jobs": [
            { "status": "finished", "status_description": "all went well", "composite_error": { "message": "not this one" } },
            { "status": "timed-out", "composite_error": {}, "executions": [{ "result": { "composite_error": {}, "error_metadata": { "step": "x" } } }] },
        ],
    })
}

fn set(body: &mut Value, pointer: &str, text: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = json!(text);
}

#[test]
fn the_first_specific_text_wins() {
    let sources = sources();
    for first in 0..sources.len() {
        let mut body = failed();
        // Without a denial, there is nothing to say about policies.
        if first > 2 {
            body["policy_reports"] = json!([]);
        }
        for (pointer, text) in &sources[first..] {
            set(&mut body, pointer, text);
        }
        let expected = if first == 2 { "denied by policy: network: no public address" } else { sources[first].1 };
        assert_eq!(reason_of(&body).as_deref(), Some(expected));
    }
}

#[test]
fn a_generic_sentence_gives_way_to_a_specific_one() {
    let generic = [
        "unable to deploy",
        "Unable to deploy.",
        " unable to sync ",
        "unable to teardown",
        "unable to execute deploy",
        "deploy failed",
        "failed",
        "Failed.",
        "finished",
        "error",
        "ERROR",
        "",
        "\u{1b}[31merror\u{1b}[0m",
    ];
    let sources = sources();
    for sentence in generic {
        for last in 1..sources.len() {
            let mut body = failed();
            body["policy_reports"] = json!([]);
            for (pointer, _) in sources[..last].iter().filter(|(pointer, _)| !pointer.starts_with("/policy")) {
                set(&mut body, pointer, sentence);
            }
            if sources[last].0.starts_with("/policy") {
                continue;
            }
            set(&mut body, sources[last].0, sources[last].1);
            assert_eq!(reason_of(&body).as_deref(), Some(sources[last].1), "{sentence:?} before it");
        }
    }
}

#[test]
fn a_text_that_repeats_the_status_is_no_reason() {
    for status in ["noop", "cancelled", "approval-denied", "pending-approval"] {
        let body = json!({ "status": status, "status_description": status });
        assert_eq!(reason_of(&body), None, "{status}");
        let body = json!({ "status": status, "status_description": "a step was skipped" });
        assert_eq!(reason_of(&body).as_deref(), Some("a step was skipped"));
    }
}

#[test]
fn a_generic_sentence_is_better_than_none() {
    let body = json!({ "status": "error", "status_description": "unable to deploy" });
    assert_eq!(reason_of(&body).as_deref(), Some("unable to deploy"));
    assert_eq!(reason_of(&json!({ "status": "error", "status_description": "error" })), None);
    assert_eq!(reason_of(&json!({ "status": "error" })), None);
}

#[test]
fn only_a_jobs_failure_counts() {
    for (status, counts) in [
        ("failed", true),
        ("timed-out", true),
        ("not-attempted", true),
        ("cancelled", true),
        ("unknown", true),
        ("queued", false),
        ("available", false),
        ("in-progress", false),
        ("finished", false),
        ("quantum", false),
    ] {
        let body =
            json!({ "status": "error", "runner_jobs": [{ "status": status, "status_description": "no runner" }] });
        assert_eq!(reason_of(&body).as_deref(), counts.then_some("no runner"), "{status}");
        let old = json!({ "status": "error", "runner_job": { "status": status, "status_description": "no runner" } });
        assert_eq!(reason_of(&old).as_deref(), counts.then_some("no runner"), "{status}");
    }
}

#[test]
fn members_that_no_reason_needs_may_have_any_form() {
    let job = ["id", "type", "group", "operation", "runner_id", "execution_count", "queue_timeout", "started_at"];
    let places = [
        ("/runner_jobs/1", &job[..]),
        ("/runner_jobs/1/executions/0", &["status"]),
        ("/runner_jobs/1/executions/0/result", &["success", "error_code"]),
        ("/runner_jobs/1/composite_error", &["type", "severity", "sections"]),
        ("/composite_error", &["type", "severity", "sections"]),
        ("/policy_reports/0", &["deny_count"]),
    ];
    for (pointer, text) in sources().into_iter().filter(|(pointer, _)| !pointer.starts_with("/status")) {
        let mut body = failed();
        if !pointer.starts_with("/policy") {
            body["policy_reports"][0]["violations"] = json!([]);
        }
        set(&mut body, pointer, text);
        let expected = reason_of(&body);
        assert!(expected.as_deref().is_some_and(|reason| reason.ends_with(text)), "{pointer}");
        for (place, members) in places {
            for (member, odd) in
                members.iter().flat_map(|member| [(member, json!("30s")), (member, json!(2.5)), (member, json!([{}]))])
            {
                let mut body = body.clone();
                body.pointer_mut(place).unwrap()[*member] = odd.clone();
                assert_eq!(reason_of(&body), expected, "{pointer}, with {odd} as {place}/{member}");
            }
        }
    }
}

#[test]
fn all_denials_are_named() {
    let violation = |severity: &str, name: &str| json!({ "severity": severity, "policy_name": name, "message": format!("{name} broken") });
    let reports = json!([
        { "violations": [violation("deny", "a"), violation("warn", "b")] },
        { "violations": [violation("deny", "c"), { "severity": "deny", "message": "nameless" }, { "severity": "deny" }] },
    ]);
    let body = json!({ "status": "error", "policy_reports": reports });
    assert_eq!(reason_of(&body).as_deref(), Some("denied by policy: a: a broken; c: c broken; nameless"));
}

#[test]
fn an_empty_denial_does_not_hide_a_reason() {
    let empty = json!([{ "violations": [{ "severity": "deny", "message": null }] }]);
    let body = json!({ "status": "error", "status_description": "no capacity", "policy_reports": empty });
    assert_eq!(reason_of(&body).as_deref(), Some("no capacity"));
}

#[test]
fn a_reason_is_one_harmless_bounded_line() {
    let body = json!({ "status": "error", "status_description": format!("\u{1b}[31mno\r\n::error::quota\u{202e} {}", "x".repeat(5000)) });
    let reason = reason_of(&body).unwrap();
    assert!(reason.starts_with("no ::error::quota xxx") && reason.ends_with('…'));
    assert_eq!(reason.chars().count(), 1000);
}

#[test]
fn a_hint_is_the_servers_own() {
    let body = json!({ "composite_error": { "hints": { "a": " ", "b": null, "c": "Ask for more." } } });
    assert_eq!(server_hint(&read(&body)), Some(RemoteText::new("Ask for more.")));
    let of_job = json!({ "runner_jobs": [{ "composite_error": { "hints": { "a": "Retry." } } }] });
    assert_eq!(server_hint(&read(&of_job)), Some(RemoteText::new("Retry.")));
    assert_eq!(server_hint(&read(&json!({}))), None);
}
