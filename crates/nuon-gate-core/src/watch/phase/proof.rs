//! The proof of a pass.

use std::time::Duration;

use jiff::Timestamp;

use crate::ApprovalPlace;
use crate::model::Status;
use crate::{DeployId, Kind, WorkflowId};

/// Proof that a deploy passed. Only the watch's decision can create one, and only from everything that a pass needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    deploy: DeployId,
    kind: Kind,
    basis: Basis,
    health: Option<HealthProof>,
}

/// Proof that the component was healthy for long enough. Only the watch's decision can create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthProof {
    observed: Timestamp,
    baked: Duration,
}

impl HealthProof {
    pub(super) fn new(observed: Timestamp, baked: Duration) -> Self {
        Self { observed, baked }
    }

    /// Returns when the component was last observed.
    pub fn observed_at(&self) -> Timestamp {
        self.observed
    }

    /// Returns for how long it was healthy.
    pub fn baked(&self) -> Duration {
        self.baked
    }
}

/// What proves that the deploy did its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Its status, and every step of this workflow that works on it.
    Steps(WorkflowId),
    /// Its status alone: it names no workflow, as on old servers.
    Status,
    /// Its status alone: the workflow that it names does not exist.
    WithoutWorkflow(WorkflowId),
    /// The user's rule that this status is a pass.
    Rule(Status),
    /// The user's rule that a plan that waits for a human, here, is a pass.
    Approval(ApprovalPlace),
}

impl Proof {
    pub(super) fn new(deploy: DeployId, kind: Kind, basis: Basis, health: Option<HealthProof>) -> Self {
        Self { deploy, kind, basis, health }
    }

    /// Returns the deploy that passed.
    pub fn deploy(&self) -> &DeployId {
        &self.deploy
    }

    /// Returns what the deploy did.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what proves that it did.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Returns what proves that the component is healthy, if that was required.
    pub fn health(&self) -> Option<&HealthProof> {
        self.health.as_ref()
    }
}
