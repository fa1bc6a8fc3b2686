//! Long polls for the end of a workflow's step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bodies;
use crate::message::Reply;
use crate::script::StepAwait;
use crate::state::{Moment, State};

/// How long such a request is held open, if the script does not say.
const LIMIT: Duration = Duration::from_secs(60);

impl State {
    /// Answers with a step once it has ended. This does not count as a poll of its workflow.
    pub(crate) fn await_step(&mut self, id: &str, step: &str, moment: Moment) -> Option<Reply> {
        match self.script.long_poll.step {
            StepAwait::On => {}
            StepAwait::Off => return Some(bodies::error(404, "not found", "not found")),
            StepAwait::Broken => return Some(failed("this endpoint is deprecated")),
        }
        let workflow = self.show_workflow(id, moment.now, 0);
        let steps = workflow.as_ref().and_then(|workflow| workflow["steps"].as_array());
        let step = steps.into_iter().flatten().find(|own| own["id"] == step);
        match step.map_or(Stand::NotBegun, stand) {
            Stand::NotBegun => Some(bodies::not_found("workflow step")),
            Stand::Succeeded => step.map(Reply::ok),
            Stand::Failed => Some(failed("the step failed")),
            Stand::GoesOn if moment.is_over(self.script.long_poll.step_limit.unwrap_or(LIMIT)) => {
                Some(Reply::json(408, &json!({"error": "timeout waiting for workflow step completion"})))
            }
            Stand::GoesOn => None,
        }
    }
}

/// The state of a step, as the long poll returns it.
enum Stand {
    NotBegun,
    GoesOn,
    Succeeded,
    Failed,
}

fn stand(step: &Value) -> Stand {
    match step["status"]["status"].as_str().unwrap_or_default() {
        "" | "pending" | "queued" | "not-attempted" => Stand::NotBegun,
        "error" | "cancelled" | "approval-denied" | "approval-expired" | "retried" | "discarded" => Stand::Failed,
        "success" | "approved" | "auto-skipped" | "user-skipped" => Stand::Succeeded,
        _ if step["finished"] == true => Stand::Succeeded,
        _ => Stand::GoesOn,
    }
}

fn failed(why: &str) -> Reply {
    bodies::error(500, &format!("error awaiting workflow step: {why}"), "an unexpected error occurred")
}
