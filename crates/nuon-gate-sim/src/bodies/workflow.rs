//! A workflow's body.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::id;
use crate::script::{Step, Workflow};

/// How many of the workflows ahead in the queue are named.
const AHEAD: u32 = 20;

/// The owner of a workflow.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) id: &'a str,
    /// `installs` or `app_branches`.
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
}

impl Owner<'_> {
    /// Writes the owner into a workflow's body.
    pub(crate) fn sign(&self, body: &mut Value) {
        body["owner_id"] = json!(self.id);
        body["owner_type"] = json!(self.kind);
        body["owner_name"] = json!(self.name);
    }
}

/// A fully scripted workflow.
pub(crate) fn workflow(workflow: &Workflow, current: usize, owner: Option<&Owner<'_>>) -> Value {
    let state = &workflow.states[current];
    let mut status = json!({"status": state.status});
    if state.awaiting_retry {
        status["metadata"] = json!({"awaiting_retry": true});
    }
    let mut body = json!({
        "id": workflow.id, "type": workflow.workflow_type, "status": status, "owner_type": "installs",
        "steps": state.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
    });
    if let Some(owner) = owner {
        owner.sign(&mut body);
    }
    say_how(&mut body, &workflow.approval_option, workflow.plan_only);
    if state.finished {
        body["finished"] = json!(true);
    }
    body
}

/// Writes a workflow's options. What is empty or false is omitted.
pub(super) fn say_how(body: &mut Value, approval_option: &str, plan_only: bool) {
    if !approval_option.is_empty() {
        body["approval_option"] = json!(approval_option);
    }
    if plan_only {
        body["plan_only"] = json!(true);
    }
}

fn step((at, step): (usize, &Step)) -> Value {
    let made = || id("iws", &format!("{}{}", at + 1, step.name));
    let mut body = json!({
        "id": step.id.clone().unwrap_or_else(made), "name": step.name, "idx": at + 1,
        "group_idx": step.group.unwrap_or(at + 1), "status": status(step), "execution_type": "system",
    });
    if let Some(target) = &step.deploy {
        body["step_target_id"] = json!(target);
    }
    let usual = step.deploy.is_some().then_some("install_deploys");
    if let Some(kind) = step.target_type.as_deref().or(usual) {
        body["step_target_type"] = json!(kind);
    }
    if step.finished {
        body["finished"] = json!(true);
    }
    if step.retried {
        body["retried"] = json!(true);
    }
    if step.status == "approval-awaiting" || step.approval.is_some() || step.answer.is_some() {
        let kind = step.approval.as_deref().unwrap_or("helm_approval");
        let response = step.answer.as_deref().map(|answer| response(answer, step));
        body["approval"] = approval(&id("waa", &step.name), kind, response);
        body["execution_type"] = json!("approval");
    }
    if let Some(execution_type) = &step.execution_type {
        body["execution_type"] = json!(execution_type);
    }
    body
}

fn status(step: &Step) -> Value {
    let mut metadata = json!({});
    if let Some((done, most)) = step.retry {
        metadata["retry_idx"] = json!(done);
        metadata["max_retries"] = json!(most);
    }
    if let Some(reason) = &step.reason {
        metadata["reason"] = json!(reason);
    }
    if !step.checks.is_empty() {
        metadata["checks"] = json!(step.checks);
    }
    let mut status = json!({"status": step.status, "metadata": metadata});
    if let Some(description) = &step.description {
        status["status_human_description"] = json!(description);
    }
    status
}

fn response(answer: &str, step: &Step) -> Value {
    let account = step.answered_by.clone().unwrap_or_else(|| id("acc", "reviewer"));
    let mut response =
        json!({"id": id("waa", &format!("answer{}", step.name)), "type": answer, "created_by_id": account});
    if let Some(note) = &step.note {
        response["note"] = json!(note);
    }
    response
}

/// What a human is asked to approve.
pub(super) fn approval(id: &str, kind: &str, response: Option<Value>) -> Value {
    let mut approval = json!({"id": id, "type": kind});
    if let Some(response) = response {
        approval["response"] = response;
    }
    approval
}

/// A workflow's place in the queue: how many are ahead of it, or that it is not in the queue.
pub(crate) fn queue_position(ahead: Option<u32>, since: Timestamp) -> Value {
    let Some(ahead) = ahead else { return json!({"position": 0}) };
    let signal = |at: u32| {
        json!({
            "workflow_id": id("inw", &format!("ahead{at}")), "workflow_type": "deploy_components",
            "status": if at == 1 { "in-progress" } else { "queued" }, "created_at": since.to_string(), "metadata": {},
        })
    };
    let signals: Vec<Value> = (1..=ahead.min(AHEAD)).map(signal).collect();
    json!({"position": u64::from(ahead) + 1, "queue_depth": u64::from(ahead) + 1, "signals_ahead": signals})
}

/// Marks a workflow and its unfinished parts as cancelled.
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
