//! Cancelling a workflow: refused, accepted and visible a little later, or too late.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bodies::{self, Detail};
use crate::message::Reply;
use crate::progress::Stage;
use crate::script::{Cancel, Generation};
use crate::state::State;

impl State {
    /// Answers a request to cancel a workflow.
    pub(crate) fn cancel(&mut self, id: &str, now: Duration) -> Reply {
        let generation = self.script.generation;
        let workflow = self.show_workflow(id, now, 0).filter(|_| generation != Generation::Old);
        let Some(workflow) = workflow else { return bodies::not_found("workflow") };
        let settings = self.settings(id);
        if settings.forbidden {
            return bodies::error(403, "the role does not allow to cancel a workflow", "ask an admin of the org");
        }
        let cancelling = self.cancellings.entry(id.to_owned()).or_default();
        if cancelling.stage != Stage::Open || !is_cancelable(&workflow, generation) {
            return refusal(generation);
        }
        if cancelling.refused < settings.refuse {
            cancelling.refused += 1;
            return refusal(generation);
        }
        let was_pending = workflow["status"]["status"] == "pending";
        cancelling.stage = match settings.loses {
            true => Stage::Lost,
            false => Stage::Accepted { answers: settings.settles_after, was_pending },
        };
        if settings.settles_after == 0 {
            self.advance_cancelling(id, now);
        }
        acceptance(generation, was_pending)
    }

    /// Returns what the script says about cancelling a workflow.
    fn settings(&self, id: &str) -> Cancel {
        let scripted = self.script.workflows.iter().find(|workflow| workflow.id == id);
        let scripted = scripted.and_then(|workflow| workflow.cancel.as_ref());
        let mut deploys = self.places_of_workflow(id).into_iter().map(|place| self.deploy_at(place).cancel.as_ref());
        scripted.or_else(|| deploys.find_map(|cancel| cancel)).cloned().unwrap_or_default()
    }

    /// Counts an answer about a workflow or one of its deploys, which may be the one that shows it cancelled.
    pub(crate) fn advance_cancelling(&mut self, id: &str, now: Duration) {
        let Some(cancelling) = self.cancellings.get_mut(id) else { return };
        let Stage::Accepted { answers, was_pending } = cancelling.stage else { return };
        if let Some(answers) = answers.checked_sub(1) {
            cancelling.stage = Stage::Accepted { answers, was_pending };
            return;
        }
        let ended = self.show_workflow(id, now, 0).is_none_or(|workflow| has_ended(&workflow));
        if !ended {
            self.settle(id, now);
        }
        // A workflow that has not begun is cancelled without being finished.
        let stage = if ended { Stage::Lost } else { Stage::Settled { finished: !was_pending } };
        self.cancellings.entry(id.to_owned()).or_default().stage = stage;
    }

    /// Stops a workflow: what has not ended is cancelled, and what has not begun never begins.
    fn settle(&mut self, id: &str, now: Duration) {
        let scripted = self.script.workflows.iter().position(|workflow| workflow.id == id);
        if let Some(at) = scripted {
            self.workflows[at].halt();
        }
        for place in self.places_of_workflow(id) {
            let goes_on = self.is_there(place, now) && !is_end(&self.show(place, now, Detail::Latest, 0)["status"]);
            let progress = &mut self.progress[place.0].deploys[place.1];
            progress.gate.halt();
            match goes_on {
                true => progress.row.cancel(now),
                false => progress.row.halt(),
            }
        }
    }

    /// Returns whether a cancelled workflow is finished.
    pub(crate) fn cancelled_and_finished(&self, id: &str) -> Option<bool> {
        match self.cancellings.get(id)?.stage {
            Stage::Settled { finished } => Some(finished),
            Stage::Open | Stage::Accepted { .. } | Stage::Lost => None,
        }
    }
}

fn is_cancelable(workflow: &Value, generation: Generation) -> bool {
    let status = workflow["status"]["status"].as_str().unwrap_or_default();
    let parked = status == "failed-pending-retry" || workflow["status"]["metadata"]["awaiting_retry"] == true;
    let going = matches!(status, "in-progress" | "pending" | "approval-awaiting");
    let may = if parked { generation == Generation::New } else { going };
    may && !has_ended(workflow)
}

fn has_ended(workflow: &Value) -> bool {
    let status = workflow["status"]["status"].as_str().unwrap_or_default();
    workflow["finished"] == true || matches!(status, "cancelled" | "error")
}

/// Returns whether a deploy with this status stays unchanged when its workflow is cancelled.
fn is_end(status: &Value) -> bool {
    const ENDS: [&str; 13] = [
        "active",
        "approval-denied",
        "approval-expired",
        "auto-skipped",
        "cancelled",
        "discarded",
        "drifted",
        "error",
        "health-failed",
        "inactive",
        "no-drift",
        "noop",
        "retried",
    ];
    status.as_str().is_some_and(|status| ENDS.contains(&status))
}

fn acceptance(generation: Generation, was_pending: bool) -> Reply {
    let text = match (generation, was_pending) {
        (Generation::New, _) => "{}",
        // Two handlers answer, one after the other.
        (Generation::Mid, true) => "truetrue",
        (Generation::Old | Generation::Mid1 | Generation::Mid, _) => "true",
    };
    Reply::called_json(202, text)
}

fn refusal(generation: Generation) -> Reply {
    let (error, description) = ("unable to cancel workflow: workflow is not cancelable", "workflow is not cancelable");
    match generation {
        Generation::New => Reply::json(500, &json!({"error": error, "description": error})),
        Generation::Old | Generation::Mid1 | Generation::Mid => bodies::error(400, error, description),
    }
}
