//! What is known about the followed deploy itself.

use std::sync::Arc;

use super::{Origin, Own};
use crate::cause::Cause;
use crate::model::{Deploy, DeployType, Workflow, WorkflowStep};
use crate::pins::Baseline;
use crate::watch::phase::{End, LAG, Policy, wrong_kind};
use crate::{DeployId, Kind, MatchedBy, Moment, RemoteText, Target};

impl Own {
    /// Returns whether a row is of another component, or another install's: the only ids of these that every answer has.
    pub(super) fn is_of_another(&self, row: &Deploy) -> bool {
        self.part.as_ref().zip(part(row)).is_some_and(|(own, its)| own != its)
    }

    /// Accepts a row that proves whose deploy it is, unless it contradicts an earlier one, and keeps what later rows are
    /// compared with.
    pub(super) fn identify(&mut self, row: &Deploy) {
        if !self.is_contradicted_by(row) {
            if !self.identified {
                self.workflow_id = row.workflow().cloned().or_else(|| self.workflow_id.take());
            }
            (self.identified, self.missing_since) = (true, None);
            self.part = self.part.take().or_else(|| part(row).cloned());
            self.kind = self.kind.or_else(|| row.install_deploy_type.as_ref().and(row.kind()));
        }
    }

    /// Returns the row with the type that its detail has shown, if it leaves that out.
    pub(super) fn typed(&self, row: Arc<Deploy>) -> Arc<Deploy> {
        match (&row.install_deploy_type, self.kind) {
            (None, Some(Kind::Teardown)) => {
                Arc::new(Deploy { install_deploy_type: Some(DeployType::Teardown), ..(*row).clone() })
            }
            _ => row,
        }
    }

    /// Returns whether it is known to be the target's: by its detail, or by a row that names the install and the component.
    pub(super) fn is_of(&self, target: &Target) -> bool {
        let is_named = |row: &Arc<Deploy>| {
            row.install_id.as_ref() == Some(&target.install) && row.component_id.as_ref() == Some(&target.component)
        };
        self.identified || self.known.as_ref().is_some_and(is_named)
    }

    /// Returns whether the install has no such deploy, for longer than a replica can lag.
    pub(super) fn is_missing(&self, now: Moment) -> bool {
        self.missing_since.is_some_and(|since| now >= since + LAG)
    }

    /// Returns whether a row contradicts an earlier one: a deploy stays in its component and workflow, and never becomes a
    /// teardown.
    pub(super) fn is_contradicted_by(&self, row: &Deploy) -> bool {
        // What names its workflow before its detail does may be wrong.
        let workflow = self.workflow_id.as_ref().filter(|_| self.identified);
        let names_another_workflow = row.workflow().zip(workflow).is_some_and(|(its, own)| its != own);
        let says_its_kind = row.install_deploy_type.is_some() || row.kind().is_none();
        let is_of_another_kind = says_its_kind && self.kind.is_some_and(|own| row.kind() != Some(own));
        names_another_workflow || self.is_of_another(row) || is_of_another_kind
    }

    /// Returns the steps of its workflow that work on the deploy.
    pub(super) fn steps<'a>(
        &'a self,
        workflow: &'a Workflow,
        row: &'a Deploy,
    ) -> impl Iterator<Item = &'a WorkflowStep> {
        workflow.steps_of(&self.id).chain(workflow.health_steps_of(&self.id, self.part_in(row)))
    }

    /// Returns the install's component that a row of the deploy names, or one before it has named.
    pub(super) fn part_in<'a>(&'a self, row: &'a Deploy) -> Option<&'a RemoteText> {
        part(row).or(self.part.as_ref())
    }

    /// Records which approvals a human has answered.
    pub(super) fn note_answered(&mut self, workflow: &Workflow) {
        let approvals = workflow.steps_of(&self.id).filter_map(|step| step.approval.as_ref());
        let answered = approvals.filter(|approval| approval.response.is_some()).filter_map(|own| own.id.clone());
        for id in answered {
            if !self.answered.contains(&id) {
                self.answered.push(id);
            }
        }
    }

    /// Returns the baseline, which the named deploy has to be newer than, until it has been read.
    pub(super) fn unread_baseline(&self) -> Option<&DeployId> {
        match (&self.pins.after, self.origin) {
            (Some(Baseline::Deploy(id)), Origin::Named) => Some(id),
            _ => None,
        }
    }

    /// Returns whether the deploy is known to exist, so that a list can show it. Only its detail shows that a deploy that the
    /// user named does not.
    pub(super) fn certainly_exists(&self) -> bool {
        self.known.is_some() || self.pins.deploy.is_none()
    }

    /// Returns whether the deploy is not known to match the pins. Then neither it nor its replacement can pass.
    pub(super) fn is_unmatched(&self, row: &Deploy, policy: &Policy<'_>) -> bool {
        let is_contradicted = self.contradicted_pin(row, policy).is_some();
        match self.origin {
            Origin::Named => !self.matches || is_contradicted,
            Origin::Matched => is_contradicted,
            Origin::Successor(_) => is_contradicted || self.pins.lack_build_of(row),
        }
    }

    /// Returns the pin that the deploy contradicts: by the row, or by the workflow that a row before it has named.
    fn contradicted_pin(&self, row: &Deploy, policy: &Policy<'_>) -> Option<MatchedBy> {
        let workflows = self.pins.workflow.as_ref().zip(self.workflow_id.as_ref());
        match workflows.is_some_and(|(pin, own)| pin != own) {
            true => Some(MatchedBy::Workflow),
            false => self.pins.contradicted_by(row, policy.server_started_at),
        }
    }

    /// Returns whether it is not of the kind that is expected. What took a deploy's place is no plan.
    pub(super) fn is_unexpected(&self, row: &Deploy, policy: &Policy<'_>) -> bool {
        let may_be_plan = matches!(self.origin, Origin::Named | Origin::Matched);
        may_be_plan && wrong_kind(row, None, policy.settings.expect).is_some()
    }

    /// Returns why the deploy must not be waited for, if so.
    pub(super) fn mismatch(&self, row: &Deploy, policy: &Policy<'_>) -> Option<End> {
        if row.kind().is_none() {
            let deploy_type = row.install_deploy_type.clone().filter(|_| row.plan_only != Some(true));
            return Some(End::rejected(Cause::Undeployable { deploy: self.id.clone(), deploy_type }));
        }
        let before = match self.origin {
            Origin::Successor(before) => Some(before),
            Origin::Named | Origin::Matched => None,
        };
        if let Some(end) = wrong_kind(row, before, policy.settings.expect) {
            return Some(end);
        }
        // A deploy that was named by its id, or found by its workflow, has not been matched against the other pins yet.
        let pin = self.contradicted_pin(row, policy).filter(|_| self.origin == Origin::Named)?;
        Some(End::rejected(Cause::PinMismatch { deploy: self.id.clone(), pin }))
    }
}

/// Returns the install's component that a row names.
fn part(row: &Deploy) -> Option<&RemoteText> {
    row.install_component_id.as_ref().filter(|id| !id.is_blank())
}
