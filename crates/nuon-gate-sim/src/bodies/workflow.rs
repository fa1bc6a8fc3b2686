//! A workflow's body.

use serde_json::{Value, json};

use crate::ids::{id, name};
use crate::script::{Component, Step, Workflow};

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
        "id": id("iws", &format!("{}{}", at + 1, step.name)), "name": step.name, "idx": at + 1,
        "group_idx": step.group.unwrap_or(at + 1),
        "status": {"status": step.status, "metadata": metadata}, "execution_type": "system",
    });
    if let Some(deploy) = &step.deploy {
        body["step_target_id"] = json!(deploy);
        body["step_target_type"] = json!(step.target_type.as_deref().unwrap_or("install_deploys"));
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
    if let Some(execution_type) = &step.execution_type {
        body["execution_type"] = json!(execution_type);
    }
    body
}

/// The workflow that follows from its newest deploy's status: it approves by itself, and ends with that deploy. Those
/// before it, by their ids, have been retried.
pub(crate) fn workflow_of(component: &Component, retried: &[&str], deploy: &Value) -> Value {
    let status = deploy["status"].as_str().unwrap_or_default();
    let (workflow, step, finished) = match status {
        "active" | "auto-skipped" | "inactive" => ("success", "success", true),
        "error" | "noop" => ("error", "error", true),
        "approval-denied" | "approval-expired" => ("error", status, true),
        "cancelled" => ("cancelled", "cancelled", true),
        "retried" | "discarded" => ("in-progress", "retried", false),
        _ => ("in-progress", "in-progress", false),
    };
    let system = |at: u32, name: &str| json!({"id": id("iws", &format!("{at}{name}")), "name": name, "idx": at, "status": {"status": "success"}, "finished": true});
    let of = |at: usize, status: &str, deploy: &Value| {
        json!({
            "id": id("iws", &format!("{at}{}", name(component))), "name": format!("deploy {}", name(component)), "idx": at,
            "status": {"status": status}, "step_target_id": deploy, "step_target_type": "install_deploys",
        })
    };
    let mut own = of(3 + retried.len(), step, &deploy["id"]);
    let mut body = json!({
        "id": deploy["workflow_id"], "type": "manual_deploy", "approval_option": "approve-all",
        "status": {"status": workflow}, "owner_id": component.install, "owner_type": "installs",
    });
    if finished {
        own["finished"] = json!(true);
        body["finished"] = json!(true);
    }
    let mut steps = vec![system(1, "generate install state"), system(2, "await runner healthy")];
    for (at, deploy) in (3..).zip(retried) {
        let mut step = of(at, "retried", &json!(deploy));
        step["finished"] = json!(true);
        steps.push(step);
    }
    steps.push(own);
    body["steps"] = json!(steps);
    body
}

/// Makes a workflow, and what it has not finished, a cancelled one.
pub(crate) fn cancel_workflow(workflow: &mut Value, finished: bool) {
    let cancel = |body: &mut Value| {
        body["status"] = json!({"status": "cancelled"});
        if finished {
            body["finished"] = json!(true);
        }
    };
    cancel(workflow);
    let steps = workflow["steps"].as_array_mut().into_iter().flatten();
    steps.filter(|step| step["finished"] != true).for_each(cancel);
}
