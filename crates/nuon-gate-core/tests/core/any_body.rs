//! Reading any body of an answer ends, in time proportional to its length, and never turns a non-passing status into a
//! pass.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::any_json::{Damage, bytes, damages, json, spoil};
use jiff::Timestamp;
use nuon_gate_core::api::{Answer, Fact, LARGEST_BODY, Request, decode, interpret};
use nuon_gate_core::model::{
    Deploy, ErrorBody, Install, InstallComponent, LogRecord, StepState, Workflow, WorkflowEnd, WorkflowStep,
};
use nuon_gate_core::{DeployId, Judgement, Kind, Line, RemoteText, Rules, reason};
use nuon_gate_http::header::HeaderMap;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;

const BODIES: [&str; 10] = [
    r#"{"id":"dpl1","install_deploy_type":"apply","status":"error","status_description":"unable to deploy","status_v2":{"status":"error","status_human_description":"unable to deploy","created_at_ts":1785765841,"history":[{"status":"active"},{"status":"queued"}]},"workflow_id":"inw1","plan_only":false}"#,
    r#"{"id":"dpl2","install_deploy_type":"teardown","status":"executing","runner_jobs":[{"id":"job1","status":"finished","status_description":"active","executions":[{"status":"failed","result":{"success":false,"error_metadata":{"message":"exit status 1","hint":null}}}],"log_stream_id":"log1"}],"outputs":{"status":"active"}}"#,
    r#"{"id":"dpl3","status":"active","component_build":{"vcs_connection_commit":{"sha":"4be1c7d"}},"created_by":{"email":"ci@acme.example"},"created_at":"2026-08-03T14:02:11Z","composite_error":{"message":"m","hints":{"a":"b"}},"policy_reports":[{"deny_count":1,"violations":[{"severity":"deny","message":"no"}]}]}"#,
    r#"{"id":"dpl4","install_deploy_type":"teardown","status":"inactive","status_v2":{"status":"inactive"}}"#,
    r#"[{"id":"dpl5","status":"queued"},{"id":"dpl6","status_v2":{"status":"auto-skipped"}},{"id":"dpl7","status":"noop"}]"#,
    r#"{"id":"inw1","status":{"status":"in-progress","metadata":{"awaiting_retry":false}},"approval_option":"prompt","finished":false,"steps":[{"id":"iws1","name":"deploy","status":{"status":"approval-awaiting"},"step_target_type":"install_deploys","step_target_id":"dpl1","approval":{"id":"waa1"}},{"id":"iws2","status":{"status":"error","metadata":{"reason":"timeout","retry_idx":1,"max_retries":3}}}]}"#,
    r#"[{"timestamp":"2026-08-03T14:02:11.123456789Z","severity_text":"Error","severity_number":17,"body":"\u001b[31mquota\n::error::x"},{"body":"fine"}]"#,
    r#"{"resource_changes":[{"address":"aws_vpc.main","change":{"actions":["delete","create"],"before":{"a":[1]}}},{"name":"b","action":"delete"}]}"#,
    r#"{"op":"apply","plan":"a, b, Job (v1) to be destroyed\nPlan: 0 to add, 0 to change, 1 to destroy.","helm_content_diff":[{"kind":"Job","name":"b","before":"x","after":"","type":2}]}"#,
    r#"{"error":"not found","user_error":true,"description":"no such thing"}"#,
];

/// Parses a body as every type, calls everything that the model offers, and checks what it says of a pass.
fn check(body: &[u8]) {
    if let Some(message) = ErrorBody::read(body).message() {
        is_line(&message.line(500));
    }
    match decode::<Deploy>(body) {
        Ok(deploy) => check_deploy(&deploy, String::from_utf8_lossy(body).as_bytes()),
        Err(error) => is_harmless(&error.to_string()),
    }
    if let Ok(deploys) = decode::<Vec<Deploy>>(body) {
        // Texts that the model skips need not be UTF-8.
        let body = String::from_utf8_lossy(body);
        let rows: Vec<&RawValue> = serde_json::from_str(&body).unwrap();
        assert_eq!(deploys.len(), rows.len());
        deploys.iter().zip(rows).for_each(|(deploy, row)| check_deploy(deploy, row.get().as_bytes()));
    }
    if let Ok(workflow) = decode::<Workflow>(body) {
        check_workflow(&workflow, String::from_utf8_lossy(body).as_bytes());
    }
    if let Ok(records) = decode::<Vec<LogRecord>>(body) {
        records.iter().flat_map(|record| &record.body).flat_map(|text| text.lines(500)).for_each(|line| is_line(&line));
    }
    let asked = Request::Plan("inw1".parse().unwrap(), "iws1".parse().unwrap(), "waa1".parse().unwrap());
    if let Ok(Answer { fact: Fact::Plan(Some(plan)), .. }) =
        interpret(&asked, 200, &HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
    {
        plan.destroyed.iter().for_each(is_line);
        assert!(plan.destroyed.len() <= 10);
    }
    let _ = (decode::<Install>(body), decode::<Vec<InstallComponent>>(body));
}

fn is_line(line: &Line) {
    is_harmless(line.plain());
}

fn is_reported(text: &RemoteText) {
    is_line(&text.line(1000));
}

fn is_harmless(text: &str) {
    assert!(!text.contains(char::is_control) && text.len() < 5000, "{text:?}");
}

/// Returns the members of an object as they are written, without using the model.
fn members(object: &[u8]) -> BTreeMap<String, &RawValue> {
    serde_json::from_slice(object).unwrap_or_default()
}

fn word(members: &BTreeMap<String, &RawValue>, name: &str) -> String {
    members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// Returns a body's status of a deploy: the newer field, or else the older one.
fn status_of(body: &[u8]) -> String {
    let members = members(body);
    let newer = members.get("status_v2").map(|raw| word(&self::members(raw.get().as_bytes()), "status"));
    newer.filter(|word| !word.is_empty()).unwrap_or_else(|| word(&members, "status"))
}

fn check_deploy(deploy: &Deploy, body: &[u8]) {
    let texts = [reason::specific(deploy), reason::generic(deploy), reason::server_hint(deploy)];
    texts.iter().flatten().for_each(is_reported);
    is_harmless(deploy.current_status().as_str());
    let _ = (deploy.status_since(), deploy.log_stream_id(), deploy.commit(), deploy.author());
    let kind = kind_of(&members(body));
    assert_eq!(deploy.kind(), kind, "{}", String::from_utf8_lossy(body));
    let passes = match (status_of(body).as_str(), kind) {
        ("active" | "auto-skipped", Some(_)) => true,
        ("inactive", kind) => kind == Some(Kind::Teardown),
        _ => false,
    };
    let judged = deploy.kind().map(|kind| Rules::default().judge(deploy.current_status(), kind));
    assert_eq!(judged == Some(Judgement::Passed), passes, "{}", String::from_utf8_lossy(body));
}

/// Returns a body's kind of a deploy, if it is one that can be waited for.
fn kind_of(members: &BTreeMap<String, &RawValue>) -> Option<Kind> {
    match word(members, "install_deploy_type").as_str() {
        _ if is_true(members, "plan_only") => None,
        "" | "apply" | "sync-image" | "install" | "release" => Some(Kind::Apply),
        "teardown" => Some(Kind::Teardown),
        _ => None,
    }
}

fn is_true(members: &BTreeMap<String, &RawValue>, name: &str) -> bool {
    members.get(name).is_some_and(|raw| raw.get() == "true")
}

fn check_workflow(workflow: &Workflow, body: &[u8]) {
    let members = members(body);
    let status = members.get("status").map(|raw| word(&self::members(raw.get().as_bytes()), "status"));
    if workflow.end() == Some(WorkflowEnd::Succeeded) {
        let succeeded = is_true(&members, "finished") && status.as_deref() == Some("success");
        assert!(succeeded, "{}", String::from_utf8_lossy(body));
    }
    let deploy: DeployId = "dpl1".parse().unwrap();
    if let Some(step) = workflow.asks_about(&deploy) {
        reason::denial(step).iter().for_each(|denial| is_reported(denial.text()));
    }
    workflow.steps().for_each(|step| check_step(workflow, step));
    workflow.failed_step().iter().for_each(is_reported);
    let _ = (workflow.deploys(), workflow.was_denied(None), workflow.health_steps_of(&deploy, None).count());
}

fn check_step(workflow: &Workflow, step: &WorkflowStep) {
    let good = ["success", "approved", "auto-skipped", "user-skipped", "skipped", "warning"];
    let succeeded = good.contains(&step.word()) && step.retried != Some(true);
    assert!(succeeded || step.state() != StepState::Succeeded, "{step:?}");
    workflow.describe(step).iter().for_each(is_reported);
    step.reason().into_iter().for_each(is_reported);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_safely(body in bytes()) {
        check(&body);
    }

    #[test]
    fn json_of_any_shape_is_read_safely(body in json()) {
        check(body.to_string().as_bytes());
    }

    #[test]
    fn damaged_bodies_are_read_safely(body in select(&BODIES[..]), damages in damages(), spoilt in prop::option::weighted(0.4, spoil())) {
        let mut value = serde_json::from_str(body).unwrap();
        damages.iter().for_each(|damage: &Damage| damage.inflict(&mut value));
        let mut bytes = value.to_string().into_bytes();
        spoilt.iter().for_each(|spoil| spoil.inflict(&mut bytes));
        check(&bytes);
    }
}

/// Bodies of about this many bytes, each of which is hard to parse in its own way.
fn unpleasant(length: usize) -> Vec<String> {
    let list = |item: &str| vec![item; length / (item.len() + 1)].join(",");
    let nested = |open: &str, close: &str| {
        let levels = length / (open.len() + close.len());
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    };
    let many: Vec<String> = (0..length / 16).map(|n| format!("\"k{n}\":{n}")).collect();
    vec![
        format!(r#"{{"status":"queued","outputs":{}}}"#, nested("[", "]")),
        format!(r#"{{"status":"queued","runner_jobs":{}}}"#, nested("[{\"executions\":", "}]")),
        format!(
            r#"{{"status":"queued","runner_jobs":[{}]}}"#,
            list(r#"{"executions":[{"result":{"success":false}}]}"#)
        ),
        format!(r#"{{"status":"queued","status_description":"{}"}}"#, "\\u001b[".repeat(length / 7)),
        format!(r#"{{"status":"queued","status_v2":{{"history":[{}]}}}}"#, list(r#"{"status":"active"}"#)),
        format!(r#"{{"status":"{}"}}"#, ":#".repeat(length / 2)),
        format!("{{{}}}", many.join(",")),
        format!(r#"{{"error":"{}"}}"#, "\\u001b]#".repeat(length / 8)),
        format!("[{}]", list(r#"{"body":"\n","severity_text":"error"}"#)),
        format!("{{\"steps\":[{}]}}", list(r#"{"status":{"status":"error"},"retried":true}"#)),
        " ".repeat(length),
        "{".repeat(length),
        "[".repeat(length),
    ]
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn reading_a_body_takes_linear_time() {
    // Quadratic time would be minutes for this much, so the limit can be generous.
    for body in unpleasant(LARGEST_BODY / 64) {
        let started = Instant::now();
        check(body.as_bytes());
        let spent = started.elapsed();
        assert!(spent < Duration::from_secs(20), "{body:.60}… took {spent:?}");
    }
}
