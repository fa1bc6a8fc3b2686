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
