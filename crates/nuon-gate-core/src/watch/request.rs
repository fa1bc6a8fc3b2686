//! What the watch asks, and what it is told.

use std::time::Duration;

use crate::client::Depth;
use crate::model::{Deploy, Install, InstallComponent, Workflow};
use crate::{ApiError, ComponentId, DeployId, InstallId, WorkflowId};

/// A question to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The component's newest deploy in an install, found among so many rows.
    LatestDeploy(InstallId, ComponentId, Depth),
    /// The component's newest deploys in an install, newest first.
    Deploys(InstallId, ComponentId),
    /// A deploy, with details.
    Deploy(InstallId, DeployId),
    /// A workflow, with its steps.
    Workflow(WorkflowId),
    /// Whether an install exists.
    Install(InstallId),
    /// Whether an install has a component.
    InstallComponent(InstallId, ComponentId),
}

impl Request {
    /// Tells whether the server may not know yet what it will know in a moment: it reads some things from a replica.
    pub(super) fn may_lag(&self) -> bool {
        matches!(self, Self::Deploy(..) | Self::Workflow(_))
    }
}

/// A good answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A deploy, or "none yet".
    Deploy(Option<Box<Deploy>>),
    /// Deploys, newest first.
    Deploys(Vec<Deploy>),
    /// A workflow.
    Workflow(Box<Workflow>),
    /// The install exists.
    Install(Install),
    /// The install has the component.
    InstallComponent(InstallComponent),
}

/// Ties an answer to its question. An answer to a question that has been given up is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(super) target: usize,
    pub(super) serial: u64,
}

/// A question to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// To be handed back with the answer.
    pub ticket: Ticket,
    /// The question.
    pub request: Request,
    /// When to give up.
    pub timeout: Duration,
}

/// What came of a question.
pub type Reply = Result<Answer, ApiError>;
