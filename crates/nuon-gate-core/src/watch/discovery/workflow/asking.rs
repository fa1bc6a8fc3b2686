//! When a human is asked about the workflow as a whole: in a step that is no target's matter, such as the sandbox's plan.

use super::WorkflowTargets;
use crate::api::Request;
use crate::cause::Cause;
use crate::model::{StepState, WorkflowStep};
use crate::watch::discovery::DiscoveryEnd;
use crate::watch::event::EventKind;
use crate::watch::settings::OnApproval;
use crate::watch::shared::Shared;
use crate::watch::target::TargetWatch;
use crate::{ApprovalPlace, DeployId, Moment, RemoteText, Target, Verdict};

/// The longest name of a step that is shown.
const LONGEST_NAME: usize = 100;

/// A step that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    place: ApprovalPlace,
    step: Option<RemoteText>,
}

/// A step that asks, and for how long it has.
#[derive(Debug)]
pub(super) struct Asking {
    question: Question,
    since: Moment,
    /// How many polls in a row have shown it.
    polls: u32,
}

impl WorkflowTargets {
    /// Returns the first step of the running workflow that asks a human, unless a target does so for its deploy.
    pub(super) fn question(&self) -> Option<Question> {
        let workflow = self.workflow.as_ref().filter(|workflow| workflow.end().is_none())?;
        let mut asking = workflow.asking_steps();
        let step = asking.find(|step| step.state() == StepState::Running && self.is_of_no_target(step))?;
        let approval = step.approval.as_ref().and_then(|approval| approval.id.clone());
        let place = ApprovalPlace { workflow: self.id.clone(), step: step.id.clone(), approval };
        Some(Question { place, step: step.name.clone() })
    }

    /// Returns whether a step works on no deploy, or on one that cannot be waited for.
    fn is_of_no_target(&self, step: &WorkflowStep) -> bool {
        let Some(deploy) = step.deploy() else { return true };
        deploy.parse().is_ok_and(|id: DeployId| matches!(self.owners.get(&id), Some(None)))
    }

    /// Returns the request for the dashboard, if a human is about to be sent there.
    pub(in crate::watch::discovery) fn page_request(&self, shared: &Shared) -> Option<Request> {
        let question = self.question()?;
        let before = self.asking.as_ref().filter(|asking| asking.question == question).map_or(0, |asking| asking.polls);
        shared.dashboard_request().filter(|_| before == 1 || shared.is_once())
    }

    /// Records at the end of a poll whether a human is asked, and reports it once. As with a deploy, two polls in a row have to
    /// show it, and no other poller the contrary in between. Returns the end of the wait, if it ends with that. Nothing is
    /// deployed yet that could pass.
    pub(in crate::watch::discovery) fn note_question(
        &mut self,
        now: Moment,
        shared: &mut Shared,
    ) -> Option<DiscoveryEnd> {
        let question = self.question();
        let before = self.asking.take();
        let question = question?;
        let (since, polls) = match before {
            Some(before) if before.question == question && shared.has_asked_since(&self.id, before.since) => {
                (before.since, before.polls + 1)
            }
            _ => (now, 1),
        };
        let Question { place, step } = question.clone();
        self.asking = Some(Asking { question, since, polls });
        let install = self.workflow.as_ref().and_then(|workflow| workflow.owner_id.clone());
        if polls == 2 || shared.is_once() {
            let url = shared.dashboard().zip(install.as_ref());
            let url = url.and_then(|(dashboard, install)| dashboard.approval(install, &place));
            let (place, step) = (place.clone(), step.as_ref().map(|step| step.line(LONGEST_NAME)));
            shared.emit(now, EventKind::ApprovalNeeded { target: None, place, step, url, plan: None });
        }
        let fails = self.on_approval == OnApproval::Fail && (polls >= 2 || shared.is_once());
        let cause = || Cause::WorkflowApproval { install, place, step };
        fails.then(|| DiscoveryEnd::Otherwise(Verdict::ApprovalNeeded, cause()))
    }

    /// Returns since when a human is asked, once that is certain.
    pub(in crate::watch::discovery) fn asked_since(&self) -> Option<Moment> {
        self.asking.as_ref().filter(|asking| asking.polls >= 2).map(|asking| asking.since)
    }

    /// Returns the targets whose deploys have not begun.
    pub(in crate::watch::discovery) fn kept_waiting(&self, targets: &[TargetWatch]) -> Vec<usize> {
        let Some(workflow) = &self.workflow else { return Vec::new() };
        let has_begun = |id: &DeployId| workflow.steps_of(id).any(WorkflowStep::has_begun);
        let waits = |(owner, index): (&Target, &usize)| {
            let followed = targets[*index].deploy().and_then(|deploy| deploy.id.as_ref());
            // One that has just become a target has not been read yet.
            let joined =
                self.joined.iter().filter(|id| matches!(self.owners.get(*id), Some(Some((own, _))) if own == owner));
            let has_begun = followed.map_or_else(|| joined.into_iter().any(has_begun), has_begun);
            (!has_begun && !targets[*index].has_ended()).then_some(*index)
        };
        let mut waiting: Vec<usize> = self.targets.iter().filter_map(waits).collect();
        waiting.sort_unstable();
        waiting
    }
}
