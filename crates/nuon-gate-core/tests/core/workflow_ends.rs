//! How a workflow has ended, by its status and `finished`.

use nuon_gate_core::api::decode;
use nuon_gate_core::model::{Workflow, WorkflowEnd};
use serde_json::{Value, json};

const RUNS: Option<WorkflowEnd> = None;
const SUCCEEDED: Option<WorkflowEnd> = Some(WorkflowEnd::Succeeded);
const FAILED: Option<WorkflowEnd> = Some(WorkflowEnd::Failed);
const PARKED: Option<WorkflowEnd> = Some(WorkflowEnd::Parked);
const CANCELLED: Option<WorkflowEnd> = Some(WorkflowEnd::Cancelled);

/// The status; how the workflow has ended without `finished`, and with it.
const TABLE: &[(&str, Option<WorkflowEnd>, Option<WorkflowEnd>)] = &[
    // Final statuses. Some servers also say `success` between two steps.
    ("success", RUNS, SUCCEEDED),
    ("error", FAILED, FAILED),
    ("cancelled", CANCELLED, CANCELLED),
    ("failed-pending-retry", PARKED, PARKED),
    // Running. Together with `finished` this is a contradiction, and not an end.
    ("pending", RUNS, RUNS),
    ("queued", RUNS, RUNS),
    ("in-progress", RUNS, RUNS),
    ("planning", RUNS, RUNS),
    ("executing", RUNS, RUNS),
    ("generating", RUNS, RUNS),
    ("approval-awaiting", RUNS, RUNS),
    ("retrying", RUNS, RUNS),
    ("building", RUNS, RUNS),
    ("provisioning", RUNS, RUNS),
    ("applying", RUNS, RUNS),
    // Any other status with `finished` is a failure: only `success` is a success.
    ("failed", RUNS, FAILED),
    ("timed-out", RUNS, FAILED),
    ("expired", RUNS, FAILED),
    ("not-attempted", RUNS, FAILED),
    ("approval-denied", RUNS, FAILED),
    ("approval-expired", RUNS, FAILED),
    ("approval-retry", RUNS, FAILED),
    ("approved", RUNS, FAILED),
    ("warning", RUNS, FAILED),
    ("auto-skipped", RUNS, FAILED),
    ("user-skipped", RUNS, FAILED),
    ("skipped", RUNS, FAILED),
    ("noop", RUNS, FAILED),
    ("active", RUNS, FAILED),
    ("inactive", RUNS, FAILED),
    ("retried", RUNS, FAILED),
    ("discarded", RUNS, FAILED),
    ("health-failed", RUNS, FAILED),
    ("drifted", RUNS, FAILED),
    ("no-drift", RUNS, FAILED),
    ("drift-detected", RUNS, FAILED),
    ("outdated", RUNS, FAILED),
    ("unknown", RUNS, FAILED),
    ("finished", RUNS, FAILED),
    ("succeeded", RUNS, FAILED),
    ("completed", RUNS, FAILED),
    ("done", RUNS, FAILED),
    ("hibernating", RUNS, FAILED),
    ("", RUNS, FAILED),
    // A status that only resembles `success` is a failure too.
    ("Success", RUNS, FAILED),
    ("SUCCESS", RUNS, FAILED),
    ("success ", RUNS, FAILED),
    ("suc\u{200b}cess", RUNS, FAILED),
    ("\u{feff}success", RUNS, FAILED),
    ("succe\u{455}s", RUNS, FAILED),
];

fn workflow(body: &Value) -> Workflow {
    decode(body.to_string().as_bytes()).unwrap()
}

fn end(body: &Value) -> Option<WorkflowEnd> {
    workflow(body).end()
}

#[test]
fn every_status_with_and_without_finished() {
    for (word, unfinished, finished) in TABLE {
        let status = json!({ "status": word });
        for no in [json!(false), json!(null)] {
            assert_eq!(end(&json!({ "status": status, "finished": no })), *unfinished, "{word:?}, finished {no}");
        }
        assert_eq!(end(&json!({ "status": status })), *unfinished, "{word:?}, finished is absent");
        assert_eq!(end(&json!({ "status": status, "finished": true })), *finished, "{word:?}, finished");
    }
}

#[test]
fn a_workflow_without_a_status_has_not_succeeded() {
    for status in [json!(null), json!({}), json!({ "status": null }), json!({ "status": "" })] {
        assert_eq!(end(&json!({ "status": status })), RUNS, "{status}");
        assert_eq!(end(&json!({ "status": status, "finished": true })), FAILED, "{status}");
    }
    assert_eq!(end(&json!({})), RUNS);
    assert_eq!(end(&json!({ "finished": true })), FAILED);
}

/// Whatever the status, it waits for a human, and is not a success. Only a cancelled one counts as cancelled.
#[test]
fn a_workflow_that_awaits_a_retry_is_parked() {
    for (word, ..) in TABLE {
        let expected = if *word == "cancelled" { CANCELLED } else { PARKED };
        for finished in [true, false] {
            let awaiting = |yes: Value| {
                let status = json!({ "status": word, "metadata": { "awaiting_retry": yes } });
                end(&json!({ "status": status, "finished": finished }))
            };
            let of_itself = |yes: Value| {
                end(
                    &json!({ "status": { "status": word }, "metadata": { "awaiting_retry": yes }, "finished": finished }),
                )
            };
            for yes in [json!(true), json!("true")] {
                assert_eq!(awaiting(yes.clone()), expected, "{word:?}, finished {finished}, awaiting {yes}");
                assert_eq!(of_itself(yes.clone()), expected, "{word:?}, finished {finished}, awaiting {yes} itself");
            }
            let plain = end(&json!({ "status": { "status": word }, "finished": finished }));
            for no in [json!(false), json!(null), json!("false"), json!("yes"), json!(1)] {
                assert_eq!(awaiting(no.clone()), plain, "{word:?}, finished {finished}, awaiting {no}");
            }
        }
    }
}

#[test]
fn a_workflow_of_a_branch_says_so_by_its_owner_or_by_its_runs() {
    let cases = [
        (json!({ "owner_type": "app_branches" }), true),
        (json!({ "owner_type": "app_branches", "app_branch_runs": [] }), true),
        (json!({ "owner_type": "installs", "app_branch_runs": [{ "id": "abr1" }] }), true),
        (json!({ "owner_type": "installs", "app_branch_runs": [] }), false),
        (json!({ "owner_type": "installs" }), false),
        (json!({}), false),
    ];
    for (body, expected) in cases {
        assert_eq!(workflow(&body).is_of_branch(), expected, "{body}");
    }
}

#[test]
fn a_hidden_step_is_not_listed() {
    let step = |name: &str, kind: &str| json!({ "name": name, "execution_type": kind });
    let body = json!({ "steps": [step("plan", "approval"), step("state", "hidden"), step("check", "skipped")] });
    let names: Vec<_> = workflow(&body).standing().iter().map(|step| step.name.plain().to_owned()).collect();
    assert_eq!(names, ["plan"]);
}
