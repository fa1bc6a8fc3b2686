//! The body of a workflow that follows from its deploys.

use serde_json::{Value, json};

use super::health;
use super::workflow::{Owner, approval, say_how};
use crate::ids::{id, id_of_deploys, name};
use crate::row::{Gate, Row};
use crate::script::{Outcome, Stay};

/// The group of the steps before the deploy's own.
const PREPARATION: usize = 1;
/// The group of the deploy's own steps.
const DEPLOY: usize = 2;
/// The group of the health gate's steps.
const HEALTH: usize = 3;

/// What such a workflow follows from.
pub(crate) struct Implied<'a> {
    /// Its newest deploy.
    pub(crate) row: Row<'a>,
    /// The ids of earlier deploys, which were retried.
    pub(crate) retried: Vec<&'a str>,
    pub(crate) gate: Option<Gate<'a>>,
    pub(crate) owner: Owner<'a>,
}

/// The workflow's status, the status of its deploy's step, and whether that has ended.
struct Standing {
    workflow: &'static str,
    step: &'static str,
    ended: bool,
}

/// The workflow. It ends with its newest deploy, or with the gate that verifies that deploy's health.
pub(crate) fn implied_workflow(implied: &Implied<'_>) -> Value {
    let Implied { row, retried, gate, owner } = implied;
    let standing = standing(row);
    let succeeded = standing.ended && standing.workflow == "success";
    // Only an applied deploy is verified.
    let verifies = gate.as_ref().filter(|_| !succeeded || row.own().status == "active");
    let (workflow, finished) = match verifies {
        Some(gate) if succeeded => match gate.end() {
            None => ("in-progress", false),
            Some(Outcome::Active) => ("success", true),
            Some(Outcome::Error) => ("error", true),
        },
        _ => (standing.workflow, standing.ended),
    };
    let mut body = json!({
        "id": row.deploy.workflow, "type": workflow_type(row), "created_at": row.stays[0].1.to_string(),
        "status": {"status": workflow},
    });
    owner.sign(&mut body);
    say_how(&mut body, &row.deploy.approval_option, row.deploy.plan_only);
    if finished {
        body["finished"] = json!(true);
    }
    let mut steps = vec![system(1, "generate install state", workflow), system(2, "await runner healthy", workflow)];
    for deploy in retried {
        let mut step = step_of(row, steps.len() + 1, "retried", deploy);
        step["finished"] = json!(true);
        steps.push(step);
    }
    steps.push(own_step(row, steps.len() + 1, &standing));
    if let Some(gate) = verifies {
        steps.extend(health::steps(gate, steps.len() + 1, HEALTH));
    }
    body["steps"] = json!(steps);
    body
}

fn standing(row: &Row<'_>) -> Standing {
    let own = row.own();
    let (workflow, step, ended) = match own.status.as_str() {
        "active" | "auto-skipped" | "inactive" | "drifted" | "no-drift" => ("success", "success", true),
        "error" | "noop" => ("error", "error", true),
        "approval-denied" => ("error", "approval-denied", true),
        "approval-expired" => ("error", "approval-expired", true),
        "cancelled" => ("cancelled", "cancelled", true),
        "retried" | "discarded" => ("in-progress", "retried", false),
        "queued" | "pending" if own.ahead.is_some() => ("pending", "pending", false),
        "queued" | "pending" => ("in-progress", "pending", false),
        "pending-approval" if asks(own) => ("in-progress", "approval-awaiting", false),
        _ => ("in-progress", "in-progress", false),
    };
    Standing { workflow, step, ended }
}

fn workflow_type(row: &Row<'_>) -> &'static str {
    match row.deploy.deploy_type.as_deref() {
        _ if row.deploy.plan_only => "drift_run",
        Some("recover") => "recover_helm_release",
        Some("teardown") => "teardown_component",
        _ => "manual_deploy",
    }
}

fn system(at: usize, name: &str, workflow: &str) -> Value {
    let mut step = json!({
        "id": id("iws", &format!("{at}{name}")), "name": name, "idx": at, "group_idx": PREPARATION,
        "execution_type": "system", "status": {"status": "pending"},
    });
    if workflow != "pending" {
        step["status"] = json!({"status": "success"});
        step["finished"] = json!(true);
    }
    step
}

fn step_of(row: &Row<'_>, at: usize, status: &str, deploy: &str) -> Value {
    let name = name(row.component);
    let does = match row.deploy.deploy_type.as_deref() {
        Some("recover") => "recover",
        Some("teardown") => "teardown",
        _ => "deploy",
    };
    json!({
        "id": id("iws", &format!("{at}{name}")), "name": format!("{does} {name}"), "idx": at, "group_idx": DEPLOY,
        "status": {"status": status}, "step_target_id": deploy, "step_target_type": "install_deploys",
    })
}

fn own_step(row: &Row<'_>, at: usize, standing: &Standing) -> Value {
    let deploy = row.deploy.id.as_deref().unwrap_or_default();
    let mut step = step_of(row, at, standing.step, deploy);
    step["execution_type"] = json!("system");
    if standing.ended {
        step["finished"] = json!(true);
    }
    if row.own.iter().any(|stay| asks(stay)) {
        let response = answer(row).map(|answer| {
            json!({
                "id": id_of_deploys("waa", &format!("answer{deploy}")), "type": answer,
                "created_by_id": id("acc", "reviewer"),
            })
        });
        step["approval"] = approval(&id_of_deploys("waa", deploy), &row.deploy.approval, response);
        step["execution_type"] = json!("approval");
    }
    step
}

/// Returns whether a status asks for an approval. A plan that a policy denies is not shown to anyone.
fn asks(stay: &Stay) -> bool {
    stay.status == "pending-approval" && stay.denied.is_empty()
}

/// Returns how the approval was answered, which follows from the next status.
fn answer(row: &Row<'_>) -> Option<&'static str> {
    match row.own().status.as_str() {
        "pending-approval" | "approval-expired" | "cancelled" => None,
        "approval-denied" => Some("deny"),
        "discarded" => Some("retry"),
        _ if row.deploy.approval_option == "approve-all" => Some("auto-approve"),
        _ => Some("approve"),
    }
}
