//! The places of workflows in their queues, for people and for the queue timeout. Only that timeout's verdict depends
//! on them (`docs/nuon-api.md`, "Queues").

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::model::{QueuePlace, QueuePosition, StepState, Workflow};
use crate::{Moment, WorkflowId};

/// After this many answers that there is no such thing the server counts as not offering it, and is asked seldom.
const MISSES: u32 = 3;
const SELDOM: Duration = Duration::from_secs(60);

/// The queues of workflows that have not begun.
#[derive(Debug, Default)]
pub(super) struct Queues {
    waiting: HashMap<WorkflowId, Waiting>,
    /// The workflows that have begun. A replica that lags does not undo that.
    begun: HashSet<WorkflowId>,
    /// How many answers have said that there is no such thing, and when the last did.
    misses: u32,
    missed: Option<Moment>,
    /// The server has answered otherwise once.
    is_offered: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: Option<Moment>,
    /// Since when it is known to be in a queue.
    since: Option<Moment>,
    place: Option<QueuePlace>,
}

impl Queues {
    /// Records the state of a workflow: one that has begun is not queued.
    pub(super) fn note_workflow(&mut self, id: &WorkflowId, workflow: &Workflow) {
        if is_waiting(workflow) {
            self.waiting.entry(id.clone()).or_default();
        } else {
            self.waiting.remove(id);
            self.begun.insert(id.clone());
        }
    }

    /// Records that a workflow exists, in a state that was not read: it may have begun.
    pub(super) fn note_existing(&mut self, id: &WorkflowId) {
        self.begun.insert(id.clone());
    }

    /// Returns whether a workflow has been seen running, or ended.
    pub(super) fn has_begun(&self, id: &WorkflowId) -> bool {
        self.begun.contains(id)
    }

    /// Returns whether to request the place of a workflow, at most at this interval.
    pub(super) fn is_wanted(&self, id: &WorkflowId, now: Moment, every: Duration) -> bool {
        let is_refused = !self.is_offered && self.misses >= MISSES;
        let is_too_soon = is_refused && self.missed.is_some_and(|missed| now < missed + SELDOM);
        let is_due = |waiting: &Waiting| waiting.asked.is_none_or(|asked| now >= asked + every);
        !is_too_soon && self.waiting.get(id).is_some_and(is_due)
    }

    /// Returns whether the place of a workflow that waits was never requested.
    pub(super) fn is_new(&self, id: &WorkflowId) -> bool {
        self.waiting.get(id).is_some_and(|waiting| waiting.asked.is_none())
    }

    /// Records an answer, and returns the place in it if that has changed. A workflow without a place may get one; a server
    /// that knows no places says so (`None`).
    pub(super) fn accept(
        &mut self,
        id: &WorkflowId,
        answer: Option<&QueuePosition>,
        now: Moment,
    ) -> Option<QueuePlace> {
        self.is_offered |= answer.is_some();
        if answer.is_none() {
            (self.misses, self.missed) = (self.misses.saturating_add(1), Some(now));
        }
        let place = answer.and_then(QueuePosition::place);
        let waiting = self.waiting.get_mut(id)?;
        waiting.asked = Some(now);
        waiting.since = place.as_ref().map(|_| waiting.since.unwrap_or(now));
        let is_other = waiting.place != place;
        waiting.place.clone_from(&place);
        place.filter(|_| is_other)
    }

    /// Records a failed request.
    pub(super) fn missed(&mut self, id: &WorkflowId, now: Moment) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.asked = Some(now);
        }
    }

    /// Returns since when a workflow is known to be in a queue.
    pub(super) fn since(&self, id: &WorkflowId) -> Option<Moment> {
        self.waiting.get(id)?.since
    }

    /// Returns the place of a workflow that is in a queue.
    pub(super) fn place(&self, id: &WorkflowId) -> Option<&QueuePlace> {
        self.waiting.get(id)?.place.as_ref()
    }
}

fn is_waiting(workflow: &Workflow) -> bool {
    let is_idle = matches!(workflow.status_word(), "pending" | "queued") && workflow.finished != Some(true);
    is_idle && workflow.end().is_none() && workflow.steps().all(|step| step.state() == StepState::NotBegun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn workflow(body: &str) -> Workflow {
        serde_json::from_str(body).unwrap()
    }

    fn place(position: u64) -> Option<QueuePlace> {
        Some(QueuePlace { position, ahead: Vec::new() })
    }

    fn accept(queues: &mut Queues, id: &WorkflowId, position: u64, second: u64) -> Option<QueuePlace> {
        let answer = QueuePosition { position: Some(position), ..QueuePosition::default() };
        queues.accept(id, Some(&answer), at(second))
    }

    const EVERY: Duration = Duration::from_secs(10);
    const PENDING: &str = r#"{"status":{"status":"pending"},"steps":[{"status":{"status":"pending"}}]}"#;

    #[test]
    fn only_a_workflow_that_has_not_begun_is_asked_about_and_not_too_often() {
        let id: WorkflowId = "inw1".parse().unwrap();
        let begun = [
            r#"{"status":{"status":"in-progress"}}"#,
            r#"{"status":{"status":"pending"},"steps":[{"status":{"status":"in-progress"}}]}"#,
            r#"{"status":{"status":"pending"},"finished":true}"#,
            "{}",
        ];
        let mut queues = Queues::default();
        assert!(!queues.is_wanted(&id, at(0), EVERY), "nothing is known of it");
        queues.note_workflow(&id, &workflow(PENDING));
        assert!(queues.is_wanted(&id, at(0), EVERY) && queues.is_new(&id));
        assert_eq!(accept(&mut queues, &id, 3, 1), place(3));
        assert!(!queues.is_new(&id));
        assert!(!queues.is_wanted(&id, at(10), EVERY) && queues.is_wanted(&id, at(11), EVERY));
        assert_eq!(accept(&mut queues, &id, 3, 11), None, "it is the same");
        assert_eq!(accept(&mut queues, &id, 2, 21), place(2));
        assert_eq!((queues.since(&id), queues.place(&id).cloned()), (Some(at(1)), place(2)));
        for body in begun {
            queues.note_workflow(&id, &workflow(PENDING));
            accept(&mut queues, &id, 2, 21);
            queues.note_workflow(&id, &workflow(body));
            assert_eq!((queues.since(&id), queues.place(&id)), (None, None), "{body}");
            assert!(!queues.is_wanted(&id, at(99), EVERY), "{body}");
        }
    }

    #[test]
    fn a_server_without_queues_is_asked_seldom() {
        let id: WorkflowId = "inw1".parse().unwrap();
        let mut queues = Queues::default();
        queues.note_workflow(&id, &workflow(PENDING));
        for second in [0, 10, 20] {
            assert!(queues.is_wanted(&id, at(second), EVERY));
            assert_eq!(queues.accept(&id, None, at(second)), None);
        }
        // For whichever workflow.
        let other: WorkflowId = "inw2".parse().unwrap();
        queues.note_workflow(&other, &workflow(PENDING));
        for id in [&id, &other] {
            assert!(!queues.is_wanted(id, at(79), EVERY) && queues.is_wanted(id, at(80), EVERY));
        }
        assert_eq!(queues.since(&id), None);
        assert_eq!(accept(&mut queues, &id, 2, 80), place(2));
        assert!(queues.is_wanted(&other, at(81), EVERY) && queues.is_wanted(&id, at(90), EVERY), "it has come back");
    }

    #[test]
    fn a_workflow_without_a_place_may_get_one() {
        let id: WorkflowId = "inw1".parse().unwrap();
        for before in [0, 1] {
            let mut queues = Queues::default();
            queues.note_workflow(&id, &workflow(PENDING));
            accept(&mut queues, &id, before, 0);
            (1..9).for_each(|second| drop(accept(&mut queues, &id, 0, second)));
            (0..9).for_each(|_| drop(queues.accept(&id, None, at(9))));
            assert_eq!((queues.since(&id), queues.is_wanted(&id, at(19), EVERY)), (None, true), "{before}");
        }
    }
}
