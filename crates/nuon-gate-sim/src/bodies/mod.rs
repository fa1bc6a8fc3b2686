//! The bodies, in the shapes of real servers. Go leaves out what is empty or false, so these do as well.

mod deploy;
mod workflow;

use serde_json::{Value, json};

pub(crate) use self::deploy::{Detail, deploy, job_id, log_stream_id};
pub(crate) use self::workflow::{cancel_workflow, workflow, workflow_of};
use crate::http::Reply;
use crate::ids::{id, install_name, name};
use crate::script::{Component, Script};

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
