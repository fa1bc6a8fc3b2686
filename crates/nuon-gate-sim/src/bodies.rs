//! The bodies, in the shapes of real servers. Go leaves out what is empty or false, so these do as well.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::Reply;
use crate::script::{Component, Generation, Script, Stay, Step, Workflow};
use crate::state::Row;

/// How much of a deploy is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// As the latest endpoint does: without component, jobs and log stream, and with an empty install id.
    Short,
    /// As the deploy's own endpoint does.
    Full,
}

/// Makes an id of the usual length from a prefix and any text.
fn id(prefix: &str, text: &str) -> String {
    let tail: String = text.chars().filter(char::is_ascii_alphanumeric).take(23).collect();
    format!("{prefix}{:0<23}", tail.to_ascii_lowercase())
}

pub(crate) fn deploy_id(component: &Component, position: usize) -> String {
    let own = component.deploys.get(position).and_then(|deploy| deploy.id.clone());
    // Both ends of a long name: people know its beginning, and numbered names differ at their end.
    let name: Vec<char> = name(component).chars().filter(char::is_ascii_alphanumeric).collect();
    let split = name.len().min(8);
    let tail = name.len().saturating_sub(12).max(split);
    let name: String = name[..split].iter().chain(&name[tail..]).collect();
    own.unwrap_or_else(|| id("dpl", &format!("{}{name}", position + 1)))
}

fn name(component: &Component) -> &str {
    component.name.as_deref().unwrap_or(component.id.trim_start_matches("cmp"))
}

fn install_name(component: &Component) -> &str {
    component.install_name.as_deref().unwrap_or(&component.install)
}

pub(crate) fn error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "user_error": true, "description": description}))
}

pub(crate) fn not_found(what: &str) -> Reply {
    error(404, &format!("unable to get {what}: record not found"), "not found")
}

pub(crate) fn no_deploy() -> Value {
    json!({"install_id": "", "plan_only": false})
}

pub(crate) fn cli_config(script: &Script) -> Value {
    json!({"auth_domain": "auth.nuon.example", "auth_audience": "api.nuon.example", "dashboard_url": script.dashboard})
}

pub(crate) fn install(component: &Component, script: &Script) -> Value {
    json!({
        "id": component.install, "name": install_name(component), "org_id": script.org,
        "app_id": id("app", "simulated"), "runner_status": "active", "sandbox_status": "active",
    })
}

pub(crate) fn install_component(component: &Component) -> Value {
    json!({
        "id": id("inc", name(component)), "install_id": component.install, "component_id": component.id,
        "component": {"id": component.id, "name": name(component)},
    })
}

pub(crate) fn deploy(row: &Row<'_>, generation: Generation, detail: Detail) -> Value {
    let current = row.entered.len() - 1;
    let stay = &row.deploy.statuses[current];
    let mut body = json!({
        "id": deploy_id(row.component, row.position),
        "created_at": row.entered[0].to_string(),
        "created_by_id": id("acc", "pipeline"),
        "updated_at": row.entered[current].to_string(),
        "build_id": row.deploy.build.clone().unwrap_or_else(|| id("bld", name(row.component))),
        "component_config_version": 7,
        "install_component_id": id("inc", name(row.component)),
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
    if detail == Detail::Full {
        let names = json!({
            "install_id": row.component.install, "component_id": row.component.id, "component_name": name(row.component),
        });
        add(&mut body, names);
        add(&mut body, json!({"log_stream": log_stream(row)}));
    }
    match generation {
        Generation::Old => add(&mut body, json!({"release_id": "", "runner_job": old_job(row, stay)})),
        Generation::Today => {
            add(&mut body, todays_parts(row, current));
            if detail == Detail::Full {
                add(&mut body, json!({"runner_jobs": [todays_job(row, stay)]}));
                if let Some(error) = composite_error(stay) {
                    add(&mut body, json!({"composite_error": error}));
                }
            }
        }
    }
    body
}

fn deploy_type(row: &Row<'_>, generation: Generation) -> String {
    let usual = if generation == Generation::Old { "install" } else { "apply" };
    row.deploy.deploy_type.clone().unwrap_or_else(|| usual.to_owned())
}

fn todays_parts(row: &Row<'_>, current: usize) -> Value {
    let history: Vec<Value> = (0..current).map(|at| composite(&row.deploy.statuses[at], row.entered[at])).collect();
    let mut status = composite(&row.deploy.statuses[current], row.entered[current]);
    if !history.is_empty() {
        status["history"] = Value::Array(history);
    }
    let workflow =
        row.deploy.workflow.clone().unwrap_or_else(|| id("inw", &format!("{}{}", row.position, name(row.component))));
    let commit = row.deploy.commit.as_deref().unwrap_or("4be1c7d09f5a2e63b8d17a40c92e5f6038ab71cd");
    json!({
        "status_v2": status,
        "workflow_id": workflow,
        "install_workflow_id": workflow,
        "plan_only": false,
        "outputs": {},
        "created_by": {"id": id("acc", "pipeline"), "email": "pipeline@vendor.example", "account_type": "service"},
        "component_build": {
            "status": "active", "git_ref": "main",
            "vcs_connection_commit": {"sha": commit, "author_name": "Sam Doe", "message": "raise the replica count"},
        },
    })
}

/// A workflow that a script tells in full.
pub(crate) fn workflow(workflow: &Workflow, current: usize) -> Value {
    let state = &workflow.states[current];
    let mut status = json!({"status": state.status});
    if state.awaiting_retry {
        status["metadata"] = json!({"awaiting_retry": true});
    }
    let mut body = json!({
        "id": workflow.id, "type": "manual_deploy", "approval_option": workflow.approval_option, "status": status,
        "owner_type": "installs", "steps": state.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
    });
    if let Some(install) = &workflow.install {
        body["owner_id"] = json!(install);
    }
    if state.finished {
        body["finished"] = json!(true);
    }
    body
}

fn step((at, step): (usize, &Step)) -> Value {
    let mut metadata = json!({});
    if let Some((done, most)) = step.retry {
        metadata["retry_idx"] = json!(done);
        metadata["max_retries"] = json!(most);
    }
    if let Some(reason) = &step.reason {
        metadata["reason"] = json!(reason);
    }
    let mut body = json!({
        "id": id("iws", &format!("{}{}", at + 1, step.name)), "name": step.name, "idx": at + 1, "group_idx": at + 1,
        "status": {"status": step.status, "metadata": metadata}, "execution_type": "system",
    });
    if let Some(deploy) = &step.deploy {
        body["step_target_id"] = json!(deploy);
        body["step_target_type"] = json!("install_deploys");
    }
    if step.finished {
        body["finished"] = json!(true);
    }
    if step.status == "approval-awaiting" || step.answer.is_some() {
        let mut approval = json!({"id": id("waa", &step.name), "type": "helm_approval"});
        if let Some(answer) = &step.answer {
            approval["response"] = json!({
                "type": answer, "note": step.note.clone().unwrap_or_default(),
                "created_by": {"email": "reviewer@vendor.example"},
            });
        }
        body["approval"] = approval;
        body["execution_type"] = json!("approval");
    }
    body
}

/// The workflow that follows from a deploy's status: it approves by itself, and ends with its deploy.
pub(crate) fn workflow_of(component: &Component, deploy: &Value) -> Value {
    let status = deploy["status"].as_str().unwrap_or_default();
    let (workflow, step, finished) = match status {
        "active" | "auto-skipped" | "inactive" => ("success", "success", true),
        "error" | "noop" | "approval-denied" | "approval-expired" => ("error", "error", true),
        "cancelled" => ("cancelled", "cancelled", true),
        "retried" | "discarded" => ("in-progress", "retried", false),
        _ => ("in-progress", "in-progress", false),
    };
    let system = |at: u32, name: &str| json!({"id": id("iws", &format!("{at}{name}")), "name": name, "idx": at, "status": {"status": "success"}, "finished": true});
    let mut own = json!({
        "id": id("iws", &format!("3{}", name(component))), "name": format!("deploy {}", name(component)), "idx": 3,
        "status": {"status": step}, "step_target_id": deploy["id"], "step_target_type": "install_deploys",
    });
    let mut body = json!({
        "id": deploy["workflow_id"], "type": "manual_deploy", "approval_option": "approve-all",
        "status": {"status": workflow}, "owner_id": component.install, "owner_type": "installs",
    });
    if finished {
        own["finished"] = json!(true);
        body["finished"] = json!(true);
    }
    body["steps"] = json!([system(1, "generate install state"), system(2, "await runner healthy"), own]);
    body
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

fn log_stream(row: &Row<'_>) -> Value {
    json!({
        "id": id("log", &deploy_id(row.component, row.position)), "org_id": "", "owner_type": "install_deploys",
        "owner_id": deploy_id(row.component, row.position), "open": true,
        "runner_api_url": "https://runner.nuon.example", "attrs": {}, "write_token": WRITE_TOKEN,
    })
}

/// A credential that real servers have sent. No client may ever show it.
const WRITE_TOKEN: &str = "simulated-write-token-never-to-be-shown";

fn todays_job(row: &Row<'_>, stay: &Stay) -> Value {
    let mut job = job(row, stay);
    if let Some(error) = composite_error(stay) {
        job["composite_error"] = error;
    }
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
        "id": id("job", &deploy_id(row.component, row.position)), "type": "helm-chart-deploy", "group": "deploy",
        "operation": "apply-plan", "status": status, "status_description": status, "runner_id": id("run", "simulated"),
        "queue_timeout": 86_400_000_000_000_i64, "available_timeout": 30_000_000_000_i64,
        "execution_timeout": 900_000_000_000_i64, "overall_timeout": 87_330_000_000_000_i64,
        "max_executions": 1, "execution_count": 1,
    })
}
