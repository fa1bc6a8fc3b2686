//! The state of a workflow's step, by its status, its flags and its metadata.

use StepState::{Failed, NotBegun, Replaced, Retrying, Running, Succeeded};
use nuon_gate_core::api::decode;
use nuon_gate_core::model::{StepState, Workflow, WorkflowStep};
use serde_json::{Value, json};

/// The status, the step's state without `finished`, and with it.
const TABLE: &[(&str, StepState, StepState)] = &[
    // It succeeded.
    ("success", Succeeded, Succeeded),
    ("approved", Succeeded, Succeeded),
    ("auto-skipped", Succeeded, Succeeded),
    ("user-skipped", Succeeded, Succeeded),
    ("skipped", Running, Running),
    ("warning", Succeeded, Succeeded),
    // It ended without success.
    ("error", Failed, Failed),
    ("failed", Failed, Failed),
    ("timed-out", Failed, Failed),
    ("cancelled", Failed, Failed),
    ("expired", Failed, Failed),
    ("not-attempted", Failed, Failed),
    ("approval-denied", Failed, Failed),
    ("approval-expired", Failed, Failed),
    // Another step repeats it, or it repeats itself.
    ("retried", Replaced, Replaced),
    ("discarded", Replaced, Replaced),
    ("retrying", Retrying, Retrying),
    ("approval-retry", Retrying, Retrying),
    // Not begun. Together with `finished` this is a contradiction, and not a success.
    ("", NotBegun, Running),
    ("pending", NotBegun, Running),
    ("queued", NotBegun, Running),
    // Running. Together with `finished` this is a contradiction, and not an end.
    ("in-progress", Running, Running),
    ("planning", Running, Running),
    ("executing", Running, Running),
    ("generating", Running, Running),
    ("approval-awaiting", Running, Running),
    ("building", Running, Running),
    ("provisioning", Running, Running),
    ("applying", Running, Running),
    // Statuses of deploys and workflows, and unknown ones: neither success nor failure, whatever `finished` says.
    ("syncing", Running, Running),
    ("pending-approval", Running, Running),
    ("active", Running, Running),
    ("inactive", Running, Running),
    ("noop", Running, Running),
    ("health-failed", Running, Running),
    ("drifted", Running, Running),
    ("no-drift", Running, Running),
    ("drift-detected", Running, Running),
    ("unknown", Running, Running),
    ("failed-pending-retry", Running, Running),
    ("awaiting-user-run", Running, Running),
    ("checking-plan", Running, Running),
    ("deleting", Running, Running),
    ("outdated", Running, Running),
    ("awaiting-approval", Running, Running),
    ("awaiting-response", Running, Running),
    ("pending-user", Running, Running),
    ("finished", Running, Running),
    ("succeeded", Running, Running),
    ("completed", Running, Running),
    ("hibernating", Running, Running),
    ("Success", Running, Running),
    ("success ", Running, Running),
    ("suc\u{200b}cess", Running, Running),
    ("auto\u{2010}skipped", Running, Running),
];

fn step(body: &Value) -> WorkflowStep {
    let workflow: Workflow = decode(json!({ "steps": [body] }).to_string().as_bytes()).unwrap();
    workflow.steps.unwrap().remove(0)
}

fn state(body: &Value) -> StepState {
    step(body).state()
}

#[test]
fn every_status_with_and_without_finished() {
    for (word, unfinished, finished) in TABLE {
        let status = json!({ "status": word });
        for no in [json!(false), json!(null), json!("true"), json!(1)] {
            assert_eq!(state(&json!({ "status": status, "finished": no })), *unfinished, "{word:?}, finished {no}");
        }
        assert_eq!(state(&json!({ "status": status })), *unfinished, "{word:?}, finished is absent");
        assert_eq!(state(&json!({ "status": status, "finished": true })), *finished, "{word:?}, finished");
    }
}

#[test]
fn a_retried_step_is_replaced_whatever_its_status() {
    for (word, unfinished, finished) in TABLE {
        for (is_finished, expected) in [(false, unfinished), (true, finished)] {
            let retried =
                |yes: Value| state(&json!({ "status": { "status": word }, "finished": is_finished, "retried": yes }));
            assert_eq!(retried(json!(true)), Replaced, "{word:?}, finished {is_finished}");
            for no in [json!(false), json!(null), json!("true")] {
                assert_eq!(retried(no.clone()), *expected, "{word:?}, finished {is_finished}, retried {no}");
            }
        }
    }
}

/// The metadata, and whether a step in `error` has attempts left.
#[test]
fn a_step_in_error_is_retried_while_it_has_attempts_left() {
    let cases = [
        (json!({ "retry_idx": 0, "max_retries": 3 }), true),
        (json!({ "retry_idx": 2, "max_retries": 3 }), true),
        (json!({ "max_retries": 1 }), true),
        (json!({ "retry_idx": 1, "max_retries": 3, "auto_retries_exhausted": false }), true),
        (json!({ "retry_idx": 1, "max_retries": 3, "auto_retries_exhausted": null }), true),
        (json!({ "retry_idx": 3, "max_retries": 3 }), false),
        (json!({ "retry_idx": 4, "max_retries": 3 }), false),
        (json!({ "retry_idx": 0, "max_retries": 0 }), false),
        (json!({ "retry_idx": 0 }), false),
        (json!({ "max_retries": -1 }), false),
        (json!({ "retry_idx": 1, "max_retries": 3, "auto_retries_exhausted": true }), false),
        (json!({ "auto_retries_exhausted": false }), false),
        (json!({ "retry_idx": "1", "max_retries": "3" }), true),
        (json!({ "retry_idx": "1", "max_retries": "3", "auto_retries_exhausted": "true" }), false),
        (json!({ "retry_idx": "first", "max_retries": "3rd" }), false),
        (json!({ "retry_idx": 1, "max_retries": 1e30 }), false),
        (json!({}), false),
        (json!(null), false),
        (json!([0, 1, 3]), false),
        (json!("retrying"), false),
    ];
    for (metadata, has_tries_left) in cases {
        let status = json!({ "status": "error", "metadata": metadata });
        let expected = if has_tries_left { Retrying } else { Failed };
        for finished in [true, false] {
            assert_eq!(state(&json!({ "status": status, "finished": finished })), expected, "{metadata} {finished}");
        }
    }
}

#[test]
fn attempts_that_are_left_only_matter_in_error() {
    for (word, unfinished, finished) in TABLE.iter().filter(|(word, ..)| *word != "error") {
        for (is_finished, expected) in [(false, unfinished), (true, finished)] {
            let status = json!({ "status": word, "metadata": { "retry_idx": 0, "max_retries": 3 } });
            let state = state(&json!({ "status": status, "finished": is_finished }));
            assert_eq!(state, *expected, "{word:?}, finished {is_finished}");
        }
    }
}

#[test]
fn a_step_without_a_status_has_not_begun() {
    for status in [json!(null), json!({}), json!({ "status": null }), json!("success"), json!(["success"])] {
        assert_eq!(state(&json!({ "status": status })), NotBegun, "{status}");
        assert_eq!(state(&json!({ "status": status, "finished": true })), Running, "{status}");
    }
    assert_eq!(state(&json!({})), NotBegun);
}

/// A step that was not attempted has ended without beginning.
#[test]
fn pending_and_not_attempted_steps_have_not_begun() {
    for (word, unfinished, _) in TABLE {
        let begun = *unfinished != NotBegun && *word != "not-attempted";
        assert_eq!(step(&json!({ "status": { "status": word } })).has_begun(), begun, "{word:?}");
    }
}

/// The description of a step that verifies health: its own text, and which checks are missing or failing, worst first.
#[test]
fn a_step_that_verifies_health_is_described_by_its_checks() {
    let window = "waiting on 2 checks — 39s of the 3m0s window left";
    let check = |kind: &str, name: &str, health: &str, message: &str| json!({ "kind": kind, "name": name, "health": health, "message": message });
    let checks = [
        check("ConfigMap", "settings", "not-applicable", ""),
        check("CustomCheck", "smoke", "unknown", "no report yet"),
        check("Deployment", "web", "healthy", ""),
        check("Deployment", "api", "unhealthy", "1 of 3 replicas are ready"),
        json!({ "kind": "HTTPProbe", "name": "old", "health": "unhealthy", "message": "gone", "removed": true }),
        check("Pod", "api-1", "degraded", ""),
        check("Pod", "api-2", "unknown", ""),
        json!({ "kind": "Pod", "name": "api-3" }),
    ];
    let all = "Deployment api is unhealthy: 1 of 3 replicas are ready; Pod api-1 is degraded; \
               CustomCheck smoke is unknown: no report yet";
    let cases = [
        (json!(window), json!(checks), format!(" ({window}; {all})")),
        (json!(window), json!([checks[0], checks[2], checks[4]]), format!(" ({window})")),
        (json!(null), json!([checks[1]]), " (CustomCheck smoke is unknown: no report yet)".to_owned()),
        (json!(null), json!(null), String::new()),
        (json!(""), json!({ "api": "unhealthy" }), String::new()),
    ];
    for (description, checks, noted) in cases {
        let body = json!({ "id": "inw1", "owner_id": "inl1", "steps": [{
            "name": "verify health", "step_target_type": "install_components",
            "status": {
                "status": "in-progress", "status_human_description": description, "metadata": { "checks": checks },
            },
        }] });
        let workflow: Workflow = decode(body.to_string().as_bytes()).unwrap();
        let described = workflow.describe(workflow.steps().next().unwrap()).unwrap();
        let expected = format!("step 1 of 1, verify health, is `in-progress`{noted}");
        assert_eq!(described.line(900).plain(), expected, "{checks}");
    }
}

#[test]
fn a_failed_step_says_why() {
    let said = json!("Policy check failed");
    let cases = [
        ("error", &said, json!(null), "failed (Policy check failed)"),
        ("error", &said, json!({ "reason": "bucket is public" }), "failed (bucket is public)"),
        ("error", &json!(" "), json!(null), "failed"),
        ("in-progress", &said, json!(null), "is `in-progress`"),
    ];
    for (status, description, metadata, expected) in cases {
        let status = json!({ "status": status, "status_human_description": description, "metadata": metadata });
        let body = json!({ "id": "inw1", "owner_id": "inl1", "steps": [{ "name": "plan", "status": status }] });
        let workflow: Workflow = decode(body.to_string().as_bytes()).unwrap();
        let described = workflow.describe(workflow.steps().next().unwrap()).unwrap();
        assert_eq!(described.line(900).plain(), format!("step 1 of 1, plan, {expected}"), "{status}");
    }
}

#[test]
fn a_step_without_a_name_is_known_by_its_place() {
    for name in [json!(null), json!(""), json!("\u{3164}")] {
        let body =
            json!({ "id": "inw1", "owner_id": "inl1", "steps": [{ "name": name, "status": { "status": "error" } }] });
        let workflow: Workflow = decode(body.to_string().as_bytes()).unwrap();
        assert_eq!(workflow.failed_step().unwrap().line(900).plain(), "step 1 of 1 failed", "{name}");
    }
}
