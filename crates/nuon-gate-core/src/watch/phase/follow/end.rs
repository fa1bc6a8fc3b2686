//! How a deploy that is followed has ended.

use jiff::Timestamp;

use super::Follow;
use crate::cause::{Cause, DeployFailure};
use crate::model::{Deploy, Status, Workflow, WorkflowEnd, WorkflowStep};
use crate::watch::phase::End;
use crate::{RemoteText, Verdict, reason};

impl Follow {
    /// The deploy failed or was cancelled, and says so itself.
    pub(super) fn failed(&self, verdict: Verdict, row: &Deploy, by_rule: bool) -> End {
        let own_steps = || self.reads.workflow.iter().flat_map(|workflow| workflow.steps_of(&self.own.id));
        let noted = || own_steps().filter_map(WorkflowStep::reason).find(|text| !text.is_blank()).cloned();
        let human = own_steps().find_map(reason::denial);
        let by_human = human.as_ref().map(|denial| denial.text().clone());
        let specific = by_human.or_else(|| reason::specific(row)).or_else(noted);
        let is_generic = specific.is_none();
        let failure = DeployFailure {
            status: row.current_status().clone(),
            text: specific.or_else(|| reason::generic(row)),
            is_generic,
            denial: human.or_else(|| reason::policies(row)),
            hint: reason::server_hint(row),
            by_rule,
        };
        End::Otherwise(verdict, Cause::Deploy(failure))
    }

    /// Returns when everything else ended that its verdict depends on, as far as the server says: the steps that worked
    /// on it and, unless one of them failed for good, the workflow that could have retried it.
    pub(super) fn ended_with<'a>(&'a self, row: &'a Deploy) -> impl Iterator<Item = Timestamp> + 'a {
        let workflow = self.reads.workflow.as_deref();
        let steps = move || workflow.into_iter().flat_map(move |own| self.own.steps(own, row));
        let is_held = *row.current_status() == Status::Error && !steps().any(WorkflowStep::has_failed_for_good);
        let retrying = workflow.filter(|own| is_held && own.end().is_some()).map(|own| own.status.as_ref());
        let worked = steps().filter(|step| step.has_begun()).map(|step| step.status.as_ref());
        worked.chain(retrying).filter_map(|status| status?.since)
    }

    /// The workflow ended, and the deploy never did.
    pub(super) fn orphaned(&self, end: WorkflowEnd, row: &Deploy) -> End {
        let workflow = self.reads.workflow.as_deref();
        let own_steps: Vec<_> = workflow.into_iter().flat_map(|workflow| workflow.steps_of(&self.own.id)).collect();
        let answered = own_steps.iter().find_map(|step| reason::denial(step));
        let has_begun = own_steps.iter().any(|step| step.has_begun());
        // A plan that was denied ends the workflow, whatever its deploy says.
        let was_denied = workflow.is_some_and(|workflow| workflow.was_denied(Some(&self.own.id)));
        let verdict = if answered.is_some() || was_denied { Verdict::Cancelled } else { end.verdict() };
        let status = match row.current_status() {
            Status::Queued | Status::Pending if !has_begun => None,
            status => Some(status.clone()),
        };
        let step = workflow.and_then(Workflow::failed_step);
        let by_human = answered.as_ref().map(|denial| denial.text().clone());
        let cause = Cause::Orphaned {
            end,
            step,
            status,
            text: by_human.or_else(|| reason::of_orphan(row)),
            denial: answered.or_else(|| reason::policies(row)),
            hint: reason::server_hint(row),
        };
        End::Otherwise(verdict, cause)
    }
}

/// The deploy says that it passed, and a step that works on it failed.
pub(super) fn step_failed(verdict: Verdict, step: RemoteText, row: &Deploy) -> End {
    End::Otherwise(verdict, Cause::Step { step, status: row.current_status().clone() })
}
