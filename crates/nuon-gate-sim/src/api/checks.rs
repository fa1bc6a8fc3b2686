//! Health checks of a component that others report.

use serde_json::{Value, json};

use crate::bodies;
use crate::message::{Reply, Seen};
use crate::state::State;

/// The statuses of a check.
const WORDS: [&str; 3] = ["healthy", "degraded", "unhealthy"];

impl State {
    /// Records a check.
    pub(crate) fn push_check(&mut self, install: &str, component: &str, name: &str, request: &Seen) -> Reply {
        let Some(at) = self.position(install, component) else { return bodies::not_found("install component") };
        let Ok(Value::Object(mut check)) = serde_json::from_str(&request.body) else {
            return bodies::error(400, "unable to parse request", "the body is no object");
        };
        if !check.get("status").and_then(Value::as_str).is_some_and(|status| WORDS.contains(&status)) {
            return bodies::error(400, "invalid status", "it is healthy, degraded or unhealthy");
        }
        check.insert("name".to_owned(), json!(name));
        let checks = &mut self.progress[at].checks;
        checks.retain(|other| other["name"] != name);
        checks.push(Value::Object(check.clone()));
        Reply::ok(&Value::Object(check))
    }

    /// Answers with the checks that have been reported.
    pub(crate) fn checks(&self, install: &str, component: &str) -> Reply {
        match self.position(install, component) {
            Some(at) => Reply::ok(&json!(self.progress[at].checks)),
            None => bodies::not_found("install component"),
        }
    }
}
