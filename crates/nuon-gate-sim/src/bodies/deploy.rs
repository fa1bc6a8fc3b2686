//! A deploy's body.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::{id, id_of_deploys, install_component, name};
use crate::row::Row;
use crate::script::{Component, Deploy, Generation, Stay};

/// How much of a deploy an answer shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// As the latest endpoint does: without component, jobs and log stream, and with an empty install id.
    Latest,
    /// As lists do: without jobs and log stream.
    Listed,
    /// As the deploy's own endpoint does.
    Full,
}

pub(crate) fn deploy(row: &Row<'_>, generation: Generation, detail: Detail) -> Value {
    let (stay, updated_at) = row.current();
    let mut body = json!({
        "id": row.deploy.id,
        "created_at": row.stays[0].1.to_string(),
        "created_by_id": id("acc", "pipeline"),
        "updated_at": updated_at.to_string(),
        "build_id": row.deploy.build,
        "component_config_version": 7,
        "install_component_id": install_component(row.component),
        "install_deploy_type": deploy_type(row, generation),
        "install_id": "",
        "status": stay.status,
    });
    let add = |body: &mut Value, more: Value| {
        if let (Value::Object(body), Value::Object(more)) = (body, more) {
            body.extend(more);
        }
    };
    if let Some(description) = &stay.description {
        add(&mut body, json!({"status_description": description}));
    }
    if detail != Detail::Latest {
        let names = json!({
            "install_id": row.component.install, "component_id": row.component.id, "component_name": name(row.component),
        });
        add(&mut body, names);
    }
    if detail == Detail::Full {
        add(&mut body, json!({"log_stream": log_stream(row)}));
    }
    match (generation, detail) {
        (Generation::Old, _) => add(&mut body, json!({"release_id": "", "runner_job": old_job(row, stay)})),
        (_, Detail::Latest | Detail::Listed) => add(&mut body, parts_since_2025(row, generation)),
        (_, Detail::Full) => {
            add(&mut body, parts_since_2025(row, generation));
            add(&mut body, json!({"runner_jobs": [job_since_2025(row, stay)]}));
        }
    }
    if (generation, detail) == (Generation::New, Detail::Full) {
        add_parts_since_2026(&mut body, row, stay);
    }
    body
}

/// A deploy that had passed before the first request, as lists show it.
pub(crate) fn earlier(component: &Component, number: usize, ended: Timestamp, generation: Generation) -> Value {
    // A composite status has whole seconds only.
    let ended = Timestamp::from_second(ended.as_second()).unwrap_or(ended);
    let created = ended.saturating_sub(component.earlier[number]).unwrap_or(ended);
    let mut body = json!({
        "id": id("dpl", &format!("earlier{number}{}", name(component))), "created_at": created.to_string(),
        "updated_at": ended.to_string(), "build_id": id("bld", &format!("earlier{number}")),
        "install_component_id": install_component(component), "install_deploy_type": usual_type(generation),
        "install_id": component.install, "component_id": component.id, "component_name": name(component),
        "status": "active",
    });
    if generation != Generation::Old {
        body["status_v2"] = json!({"created_at_ts": ended.as_second(), "status": "active"});
    }
    body
}

fn usual_type(generation: Generation) -> &'static str {
    if generation == Generation::Old { "install" } else { "apply" }
}

fn deploy_type(row: &Row<'_>, generation: Generation) -> String {
    row.deploy.deploy_type.clone().unwrap_or_else(|| usual_type(generation).to_owned())
}

fn parts_since_2025(row: &Row<'_>, generation: Generation) -> Value {
    let earlier = &row.stays[..row.stays.len() - 1];
    let mut history: Vec<Value> = earlier.iter().map(|(stay, entered)| composite(stay, *entered)).collect();
    let (stay, entered) = row.current();
    let mut status = composite(stay, entered);
    if let (Generation::Mid1 | Generation::Mid, Some(error)) = (generation, &stay.error) {
        // The server writes the failure itself first, and replaces it at once with a generic text.
        history.push(composite(&Stay { description: Some(error.clone()), ..stay.clone() }, entered));
    }
    if !history.is_empty() && !is_wiped(stay) {
        status["history"] = Value::Array(history);
    }
    let commit = row.deploy.commit.as_deref().unwrap_or("4be1c7d09f5a2e63b8d17a40c92e5f6038ab71cd");
    json!({
        "status_v2": status,
        "workflow_id": row.deploy.workflow,
        "install_workflow_id": row.deploy.workflow,
        "plan_only": false,
        "outputs": {},
        "created_by": {"id": id("acc", "pipeline"), "email": "pipeline@vendor.example", "account_type": "service"},
        "component_build": {
            "status": "active", "git_ref": "main",
            "vcs_connection_commit": {"sha": commit, "author_name": "Sam Doe", "message": "raise the replica count"},
        },
    })
}

/// Some statuses erase the history.
fn is_wiped(stay: &Stay) -> bool {
    let wiping = ["auto-skipped", "approval-denied", "cancelled", "discarded", "retried"];
    stay.description.is_none() && wiping.contains(&stay.status.as_str())
}

fn add_parts_since_2026(body: &mut Value, row: &Row<'_>, stay: &Stay) {
    if let Some(error) = composite_error(stay) {
        body["runner_jobs"][0]["composite_error"] = error.clone();
        body["composite_error"] = error;
    }
    if !stay.denied.is_empty() {
        body["policy_reports"] = json!([policy_report(row, &stay.denied)]);
    }
}

fn policy_report(row: &Row<'_>, denied: &[String]) -> Value {
    let mut violations = Vec::new();
    for denial in denied {
        let (policy, found) = denial.split_once(": ").unwrap_or(("", denial));
        violations.push(json!({
            "policy_id": id("pol", policy), "policy_name": policy, "severity": "deny", "message": found,
            "input_identity": name(row.component),
        }));
    }
    json!({
        "id": id_of_deploys("prt", row.deploy.id.as_deref().unwrap_or_default()), "owner_id": row.deploy.id,
        "owner_type": "install_deploys", "component_id": row.component.id, "component_name": name(row.component),
        "status": {"status": "error"}, "deny_count": violations.len(), "violations": violations,
    })
}

fn composite(stay: &Stay, entered: Timestamp) -> Value {
    let mut status =
        json!({"created_at_ts": entered.as_second(), "created_by_id": id("acc", "pipeline"), "status": stay.status});
    if let Some(description) = &stay.description {
        status["status_human_description"] = json!(description);
    }
    status
}

fn composite_error(stay: &Stay) -> Option<Value> {
    let message = stay.error.as_ref()?;
    let mut error = json!({"type": "deploy_failed", "version": 1, "severity": "error", "message": message});
    if let Some(hint) = &stay.hint {
        error["hints"] = json!({"advice": hint});
    }
    Some(error)
}

/// Returns the id of the stream that a deploy's logs go to.
pub(crate) fn log_stream_id(deploy: &Deploy) -> String {
    id_of_deploys("log", deploy.id.as_deref().unwrap_or_default())
}

/// Returns the id of a deploy's job.
pub(crate) fn job_id(deploy: &Deploy) -> String {
    id_of_deploys("job", deploy.id.as_deref().unwrap_or_default())
}

fn log_stream(row: &Row<'_>) -> Value {
    json!({
        "id": log_stream_id(row.deploy), "org_id": "", "owner_type": "install_deploys",
        "owner_id": row.deploy.id, "open": true,
        "runner_api_url": "https://runner.nuon.example", "attrs": {}, "write_token": WRITE_TOKEN,
    })
}

/// A credential that real servers have sent. No client may ever show it.
const WRITE_TOKEN: &str = "simulated-write-token-never-to-be-shown";

fn job_since_2025(row: &Row<'_>, stay: &Stay) -> Value {
    let mut job = job(row, stay);
    job["outputs"] = json!({"kubeconfig": "a value that is nobody's business"});
    job
}

fn old_job(row: &Row<'_>, stay: &Stay) -> Value {
    let mut job = job(row, stay);
    job["operation"] = json!("apply");
    let result = match &stay.error {
        Some(error) => json!({"error_code": 1, "error_metadata": {"step": "execute", "message": error, "hint": null}}),
        None => json!({"success": true, "error_metadata": {}}),
    };
    job["executions"] = json!([{"status": job["status"], "result": result}]);
    job
}

fn job(row: &Row<'_>, stay: &Stay) -> Value {
    let status = match stay.status.as_str() {
        "error" => "failed",
        "active" | "inactive" => "finished",
        "cancelled" => "cancelled",
        _ => "in-progress",
    };
    json!({
        "id": job_id(row.deploy), "type": "helm-chart-deploy", "group": "deploy",
        "operation": "apply-plan", "status": status, "status_description": status, "runner_id": id("run", "simulated"),
        "queue_timeout": 86_400_000_000_000_i64, "available_timeout": 30_000_000_000_i64,
        "execution_timeout": 900_000_000_000_i64, "overall_timeout": 87_330_000_000_000_i64,
        "max_executions": 1, "execution_count": 1,
    })
}
