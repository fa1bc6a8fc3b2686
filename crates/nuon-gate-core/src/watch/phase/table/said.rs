//! The server's answers in a scene.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::OWN;

/// The server's time at the start of every watch.
pub(super) const STARTED_AT: i64 = 1_800_000_000;

/// The server's answer to the next expected request.
pub(super) struct Said {
    pub(super) asked: String,
    pub(super) body: Body,
}

pub(super) enum Body {
    Json(Value),
    /// An error of the server's own.
    Status(u16),
    /// Not found so often that the poll does without it.
    Lost,
    /// Not an answer.
    Nothing,
}

pub(super) fn install() -> Said {
    said("install", &json!({ "name": "acme" }))
}

pub(super) fn dashboard() -> Said {
    said("dashboard", &json!({ "dashboard_url": "https://app.example" }))
}

pub(super) fn component() -> Said {
    said("component", &json!({}))
}

pub(super) fn newest(row: &Value) -> Said {
    said("latest", row)
}

pub(super) fn no_newest() -> Said {
    missing("latest")
}

pub(super) fn list(rows: &[&Value]) -> Said {
    said("list of 100", &json!(rows))
}

/// The deploy's own detail.
pub(super) fn detail(row: &Value) -> Said {
    said(&format!("deploy {}", row["id"].as_str().unwrap()), row)
}

pub(super) fn said(asked: &str, body: &Value) -> Said {
    Said { asked: asked.to_owned(), body: Body::Json(body.clone()) }
}

pub(super) fn missing(asked: &str) -> Said {
    Said { asked: asked.to_owned(), body: Body::Status(404) }
}

pub(super) fn status(asked: &str, status: u16) -> Said {
    Said { asked: asked.to_owned(), body: Body::Status(status) }
}

pub(super) fn lost(workflow: &str) -> Said {
    Said { asked: format!("workflow {workflow}"), body: Body::Lost }
}

pub(super) fn nothing(asked: &str) -> Said {
    Said { asked: asked.to_owned(), body: Body::Nothing }
}

/// A workflow with one step, of this deploy's.
pub(super) fn workflow(id: &str, word: &str, deploy: &str, step: &str) -> Said {
    let finished = matches!(word, "success" | "error");
    said(
        &format!("workflow {id}"),
        &json!({
            "status": { "status": word, "created_at_ts": STARTED_AT - 60 }, "finished": finished,
            "steps": [{
                "id": "iws-1", "name": "apply", "status": { "status": step },
                "step_target_type": "install_deploys", "step_target_id": deploy, "finished": step == "error",
            }],
        }),
    )
}

/// A workflow that succeeded with the deploy.
pub(super) fn done(id: &str) -> Said {
    workflow(id, "success", OWN, "success")
}

pub(super) fn plans_only(id: &str) -> Said {
    said(&format!("workflow {id}"), &json!({ "plan_only": true, "status": { "status": "in-progress" } }))
}

/// A row of `iwf-1`, created a minute before the watch began.
pub(super) fn row(id: &str, status: &str) -> Value {
    let row = json!({ "id": id, "status": status, "install_deploy_type": "apply", "workflow_id": "iwf-1" });
    created(row, -60)
}

/// The row, created this many seconds after the start of the watch.
pub(super) fn created(row: Value, second: i64) -> Value {
    with(row, &json!({ "created_at": Timestamp::from_second(STARTED_AT + second).unwrap().to_string() }))
}

/// The row, last written this many seconds after the start of the watch.
pub(super) fn written(row: Value, second: u32) -> Value {
    with(row, &json!({ "updated_at": format!("2027-01-15T08:00:{second:02}Z") }))
}

/// The row, of another workflow.
pub(super) fn of(row: Value, workflow: &str) -> Value {
    with(row, &json!({ "workflow_id": workflow }))
}

/// The row, of another type.
pub(super) fn typed(row: Value, deploy_type: &str) -> Value {
    with(row, &json!({ "install_deploy_type": deploy_type }))
}

pub(super) fn with(mut row: Value, more: &Value) -> Value {
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

pub(super) fn without(mut row: Value, field: &str) -> Value {
    row.as_object_mut().unwrap().remove(field).unwrap();
    row
}
