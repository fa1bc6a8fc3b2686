//! A deploy and its workflow that contradict each other. They are read one after the other, and some servers read from a
//! replica that lags, so the deploy may only be behind: that is given a moment before it is believed.

use std::time::Duration;

use super::context::Context;
use super::decide::Decision;
use super::ending::End;
use super::inquiry::Learned;
use super::target::TargetWatch;
use crate::model::{Workflow, WorkflowEnd, WorkflowStep};
use crate::schedule::Found;
use crate::{DeployId, Moment, Verdict};

/// For how long a deploy may be behind its workflow.
const LAG: Duration = Duration::from_secs(30);

/// What is doubted, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    since: Moment,
    /// The deploy is pending, and its workflow has ended so.
    orphan: Option<(Verdict, WorkflowEnd)>,
}

impl TargetWatch {
    /// Looks again if a decision rests on a deploy that its workflow's steps contradict, unless it has been so for long.
    pub(super) fn doubt(
        &mut self,
        now: Moment,
        id: &DeployId,
        decision: &Decision,
        context: &Context,
    ) -> Option<Learned<End>> {
        let workflow = self.workflow_id().and_then(|id| context.workflow(id));
        let orphan = match decision {
            Decision::Orphan(verdict, end) => Some((*verdict, *end)),
            _ => None,
        };
        if orphan.is_some() && !self.reads.again {
            // It is read once more before anything is made of it.
            return None;
        }
        let is_behind = workflow.is_some_and(|workflow| is_behind(decision, workflow, id));
        if !is_behind || context.is_glance() {
            self.doubt = None;
            return None;
        }
        let found = if self.doubt.is_none() { Found::Change } else { Found::Nothing };
        let since = self.doubt.map_or(now, |doubt| doubt.since);
        self.doubt = Some(Doubt { since, orphan });
        (now < since + LAG).then_some(Learned::Over(found))
    }

    /// Returns how a deploy has ended that was taken to be behind its workflow, now that there is no time to see.
    pub(super) fn undoubted(&self, now: Moment, context: &Context) -> Option<End> {
        let (verdict, end) = self.doubt?.orphan?;
        Some(self.orphaned(verdict, end, now, context))
    }
}

/// Tells whether the steps of the workflow have seen more of the deploy than its own status says: that it succeeded, or
/// failed and was not just called off, though it is pending, or that another took its place.
fn is_behind(decision: &Decision, workflow: &Workflow, id: &DeployId) -> bool {
    let mut steps = workflow.steps_of(id).peekable();
    match decision {
        Decision::Orphan(verdict, _) => {
            let has_failed = |step: &WorkflowStep| *verdict == Verdict::Cancelled && step.word() == "error";
            let is_over = |step: &WorkflowStep| step.word() == "success" || step.is_retried() || has_failed(step);
            steps.peek().is_some() && steps.all(is_over)
        }
        Decision::Fail(Verdict::Failed) => steps.any(WorkflowStep::is_retried),
        _ => false,
    }
}
