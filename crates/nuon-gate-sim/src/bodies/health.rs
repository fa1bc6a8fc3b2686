//! The steps of a health gate.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Observed;
use crate::ids::{id, install_component, name};
use crate::row::Gate;
use crate::script::{Check, Component, Health, Outcome};

/// One step for each attempt that has begun. A step that has not begun does not name its target yet.
pub(super) fn steps(gate: &Gate<'_>, first: usize, group: usize) -> Vec<Value> {
    let begun = gate.entered.min(gate.outcomes.len());
    (0..begun.max(1)).map(|at| step(gate, at, first + at, group)).collect()
}

fn step(gate: &Gate<'_>, at: usize, idx: usize, group: usize) -> Value {
    let component = gate.component;
    let step_name = format!("verify {} health", name(component));
    let mut step = json!({
        "id": id("iws", &format!("{idx}health{}", name(component))), "name": step_name, "idx": idx, "group_idx": group,
        "execution_type": "system", "step_target_type": "install_components", "status": {"status": "pending"},
    });
    if at > 0 {
        step["group_retry_idx"] = json!(at);
    }
    if gate.entered == 0 {
        return step;
    }
    step["step_target_id"] = json!(install_component(component));
    step["status"] = status(gate, at);
    if let Some(outcome) = gate.outcome(at) {
        step["finished"] = json!(true);
        if outcome == Outcome::Error && at + 1 < gate.outcomes.len() {
            step["retried"] = json!(true);
        }
    }
    step
}

fn status(gate: &Gate<'_>, at: usize) -> Value {
    let (health, component) = (gate.health, gate.component);
    let mut metadata = json!({"retry_idx": at, "max_retries": health.tries - 1});
    let says = |health: &str, message: &str| Check {
        health: health.to_owned(),
        message: message.to_owned(),
        ..named(component, &gate.health.check)
    };
    let (status, description, check) = match gate.outcome(at) {
        None => {
            // The server counts down only when a check's health changes.
            let left = match window(health).as_secs() {
                seconds @ 0..60 => format!("{seconds}s"),
                seconds => format!("{}m{}s", seconds / 60, seconds % 60),
            };
            let waiting = format!("waiting for the first health report since the apply — {left} of the window left");
            ("in-progress", waiting, says("unknown", "no report yet"))
        }
        Some(Outcome::Active) => ("success", "held healthy: 1 checks: 1 healthy".to_owned(), says("healthy", "")),
        Some(Outcome::Error) => {
            let is_last = at + 1 == gate.outcomes.len();
            metadata[if is_last { "auto_retries_exhausted" } else { "auto_retried" }] = json!(true);
            let failure = failure(component, health);
            metadata["reason"] = json!(failure);
            ("error", failure, named(component, &health.check))
        }
    };
    metadata["checks"] = json!([check]);
    json!({"status": status, "status_human_description": description, "metadata": metadata})
}

/// How long an attempt takes at most; by default, as on the server.
fn window(health: &Health) -> Duration {
    health.duration.unwrap_or(Duration::from_secs(180))
}

/// The server's word for a component's health.
pub(crate) fn health_status(seen: &Observed<'_>) -> Value {
    let observation = seen.observation;
    json!({
        "status": observation.health, "created_at_ts": seen.since.as_second(), "metadata": {"resources": 1},
        "status_human_description": match observation.health.as_str() {
            "healthy" => "1 resource healthy".to_owned(),
            health if observation.message.is_empty() => format!("{} {} is {health}", observation.kind, seen.name()),
            _ => format!("{} {}: {}", observation.kind, seen.name(), observation.message),
        },
    })
}

/// A resource of a component.
pub(crate) fn resource(seen: &Observed<'_>) -> Value {
    let (component, observation) = (seen.component, seen.observation);
    json!({
        "install_id": component.install, "component_id": component.id, "provider": "kubernetes", "source": "component",
        "install_component_id": install_component(component), "kind": observation.kind, "name": seen.name(),
        "health": observation.health, "message": observation.message, "observed_at": seen.at.to_string(),
    })
}

impl Observed<'_> {
    fn name(&self) -> &str {
        self.observation.name.as_deref().unwrap_or(name(self.component))
    }
}

/// Returns the text of a failed attempt.
pub(crate) fn failure(component: &Component, health: &Health) -> String {
    let check = &health.check;
    let subject = check.name.as_deref().unwrap_or(name(component));
    format!("component is {}: {} {subject}: {}", check.health, check.kind, check.message)
}

/// Returns a check with a name.
fn named(component: &Component, check: &Check) -> Check {
    Check { name: Some(check.name.clone().unwrap_or_else(|| name(component).to_owned())), ..check.clone() }
}
