//! The bodies, in the shapes of real servers. Go omits what is empty or false, and so do these.

mod deploy;
mod health;
mod implied;
mod plan;
mod run;
mod workflow;

use serde_json::{Value, json};

pub(crate) use self::deploy::{Detail, deploy, earlier, job_id, log_stream_id};
pub(crate) use self::health::{failure, health_status, resource};
pub(crate) use self::implied::{Implied, implied_workflow};
pub(crate) use self::plan::{compressed, contents};
pub(crate) use self::run::{GroupView, InstallView, RunView, group_run, run, run_workflow};
pub(crate) use self::workflow::{Owner, cancel_workflow, queue_position, workflow};
use crate::ids::{id, install_component as install_component_id, install_name, name};
use crate::message::Reply;
use crate::script::{App, Branch, Component, Script};

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

/// An install, described by one of its components.
pub(crate) fn install(component: &Component, script: &Script) -> Value {
    let mut body = json!({
        "id": component.install, "name": install_name(component), "org_id": script.org,
        "app_id": app_id(component, script), "runner_status": "active", "sandbox_status": "active",
    });
    if !component.install_labels.is_empty() {
        body["labels"] = json!(component.install_labels);
    }
    body
}

fn app_id(component: &Component, script: &Script) -> String {
    let first = || script.apps.first().map(|app| app.id.clone());
    component.app.clone().or_else(first).unwrap_or_else(|| id("app", "simulated"))
}

pub(crate) fn install_component(component: &Component) -> Value {
    json!({
        "id": install_component_id(component), "install_id": component.install, "component_id": component.id,
        "component": {"id": component.id, "name": name(component)},
    })
}

/// The installed app, if the script has none.
pub(crate) fn usual_app() -> App {
    App { id: id("app", "simulated"), name: Some("simulated".to_owned()), branches: Vec::new() }
}

pub(crate) fn app(app: &App, script: &Script) -> Value {
    json!({"id": app.id, "name": app.name.as_deref().unwrap_or(&app.id), "org_id": script.org})
}

pub(crate) fn branch(app: &App, branch: &Branch) -> Value {
    json!({"id": branch.id, "name": branch.name, "app_id": app.id})
}
