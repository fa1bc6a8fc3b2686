//! How a workflow has ended, by the steps that count.

use super::WorkflowTargets;
use crate::cause::Cause;
use crate::model::{StepState, Workflow, WorkflowEnd, WorkflowStep};
use crate::watch::discovery::DiscoveryEnd;
use crate::watch::target::TargetWatch;
use crate::{DeployId, RemoteText, Verdict, reason};

impl WorkflowTargets {
    /// Returns whether all of its steps are there, and have ended. A workflow can report success before its steps have ended.
    pub(super) fn is_done(&self, workflow: &Workflow) -> bool {
        workflow.steps().count() == self.most_steps && !self.steps(workflow).any(|step| is_open(workflow, step))
    }

    /// Returns the steps that count.
    fn steps<'a>(&'a self, workflow: &'a Workflow) -> impl Iterator<Item = &'a WorkflowStep> {
        let is_left = |step: &WorkflowStep| self.left.iter().any(|id| step.deploy() == Some(id.as_str()));
        workflow.steps().filter(move |step| !is_left(step))
    }

    pub(super) fn note_left(&mut self, targets: &[TargetWatch]) {
        let left = |id: &&DeployId| {
            let Some(Some((owner, _))) = self.owners.get(*id) else { return false };
            let target = self.targets.get(owner).map(|index| &targets[*index]).filter(|own| own.has_followed(id));
            let next = target.and_then(TargetWatch::deploy).and_then(|deploy| deploy.id.as_ref());
            next.is_some_and(|next| next != *id && self.deploys.contains(next))
        };
        self.left = self.deploys.iter().filter(left).cloned().collect();
    }

    pub(super) fn open_step(&self, workflow: &Workflow) -> Option<RemoteText> {
        workflow.describe(self.steps(workflow).find(|step| is_open(workflow, step))?)
    }

    /// Returns how a workflow has ended. It succeeded only if it says so and each of its steps did.
    pub(super) fn ended(&self, end: WorkflowEnd, workflow: &Workflow, nothing: bool) -> DiscoveryEnd {
        let failed: Vec<_> = self.steps(workflow).filter(|step| workflow.state_of(step) == StepState::Failed).collect();
        let step = failed.first().and_then(|step| workflow.describe(step));
        let denied = self.steps(workflow).any(WorkflowStep::was_denied);
        if end == WorkflowEnd::Succeeded {
            let called_off = denied || failed.iter().all(|step| step.was_called_off());
            let verdict = if called_off { Verdict::Cancelled } else { Verdict::Failed };
            return match step {
                Some(step) => DiscoveryEnd::Otherwise(verdict, Cause::StepFailed(step)),
                None if nothing => DiscoveryEnd::Otherwise(Verdict::Failed, Cause::NothingDeployed),
                None => DiscoveryEnd::Complete,
            };
        }
        let verdict = if denied { Verdict::Cancelled } else { end.verdict() };
        let denial = self.steps(workflow).find_map(reason::denial);
        DiscoveryEnd::Otherwise(
            verdict,
            Cause::Workflow { end, word: RemoteText::new(workflow.status_word()), step, denial },
        )
    }
}

pub(in crate::watch::discovery) fn is_open(workflow: &Workflow, step: &WorkflowStep) -> bool {
    let state = workflow.state_of(step);
    !step.is_hidden() && matches!(state, StepState::NotBegun | StepState::Running | StepState::Retrying)
}
