//! What a pass rests on.

use crate::ApprovalPlace;
use crate::model::Status;
use crate::{DeployId, Kind, WorkflowId};

/// Proof that a deploy passed. Only the watch's decision can make one, and only from the whole list of what a pass needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    deploy: DeployId,
    kind: Kind,
    basis: Basis,
}

/// What showed that the deploy did its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Its status, and every step of this workflow that works on it.
    Steps(WorkflowId),
    /// Its status alone: it names no workflow, as on old servers.
    Status,
    /// Its status alone: the workflow that it names does not exist.
    WithoutWorkflow(WorkflowId),
    /// The user's word that this status is a pass.
    Rule(Status),
    /// The user's word that a plan that waits for a human, here, is a pass.
    Approval(ApprovalPlace),
}

impl Proof {
    pub(super) fn new(deploy: DeployId, kind: Kind, basis: Basis) -> Self {
        Self { deploy, kind, basis }
    }

    /// Returns the deploy that passed.
    pub fn deploy(&self) -> &DeployId {
        &self.deploy
    }

    /// Returns what the deploy did.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what showed that it did.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}
