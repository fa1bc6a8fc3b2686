//! What the watch asks, and what it is told.

use std::time::Duration;

use crate::client::{Depth, LogPage, Page};
use crate::model::{Deploy, Install, InstallComponent, Workflow};
use crate::{ApiError, ComponentId, Dashboard, DeployId, InstallId, LogStreamId, WorkflowId};

/// A question to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The component's newest deploy in an install, found among so many rows.
    LatestDeploy(InstallId, ComponentId, Depth),
    /// The component's newest deploys in an install, newest first: so many at most, of a hundred.
    Deploys(InstallId, ComponentId, u32),
    /// A deploy, with details.
    Deploy(InstallId, DeployId),
    /// A workflow, with its steps.
    Workflow(WorkflowId),
    /// An install, by its id or its name.
    Install(InstallId),
    /// The organisation's installs: this page of them, from 1 on.
    Installs(u32),
    /// The components of an install: this page of them, from 1 on.
    InstallComponents(InstallId, u32),
    /// Whether an install has a component.
    InstallComponent(InstallId, ComponentId),
    /// Where the dashboard is.
    Dashboard,
    /// A part of a log, newest first: the newest, or the one before this time in nanoseconds since 1970.
    Logs(LogStreamId, Option<u64>),
    /// That a workflow be cancelled.
    Cancel(WorkflowId),
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
    /// Installs.
    Installs(Page<Install>),
    /// Components of an install.
    InstallComponents(Page<InstallComponent>),
    /// The install has the component.
    InstallComponent(InstallComponent),
    /// Where the dashboard is, if anywhere.
    Dashboard(Option<Dashboard>),
    /// A part of a log.
    Logs(LogPage),
    /// It is being cancelled.
    Cancelling,
}

/// Who asks a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// Whoever finds out which targets there are.
    Roll,
    /// The target at this position.
    Target(usize),
}

/// Ties an answer to its question. An answer to a question that has been given up is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(super) asker: Asker,
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
