//! Where a human is asked to approve (`docs/nuon-api.md`, "Approvals").

use crate::{ApprovalId, StepId, WorkflowId};

/// Where an approval can be answered: a workflow, and its step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalPlace {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The step, if it has an id.
    pub step: Option<StepId>,
    /// The approval that the step asks for, if it has an id.
    pub approval: Option<ApprovalId>,
}

impl ApprovalPlace {
    /// Returns whether it can be the same as another, which may name less.
    pub(crate) fn can_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(own: Option<&T>, other: Option<&T>) -> bool {
            own.zip(other).is_none_or(|(own, other)| own == other)
        }
        self.workflow == other.workflow
            && agree(self.step.as_ref(), other.step.as_ref())
            && agree(self.approval.as_ref(), other.approval.as_ref())
    }
}
