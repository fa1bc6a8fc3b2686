//! Why something ended, or was refused, as values. `Display` is neutral prose without a command line, so a program that
//! has one adds its own advice.

mod display;
mod standing;
mod warning;

pub use self::standing::{Limit, Mismatch, Standing, StoppedBy, Unmatched};
pub use self::warning::Warning;
use crate::ApprovalPlace;
use crate::api::ApiError;
use crate::model::{DeployType, Health, Status, WorkflowEnd};
use crate::resolve::UnknownName;
use crate::{Clock, ComponentId, DeployId, InstallId, Kind, Line, MatchedBy, RemoteText, RunId, WorkflowId};

/// Why a target, or the run as a whole, ended without passing.
///
/// Text from the server is a [`RemoteText`]. `Display` shows it as one harmless line, but escapes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The API accepts neither the token nor the identity, or refuses access to the organisation.
    Denied(ApiError),
    /// An object that was named by its id does not exist.
    NotFound(Thing, ApiError),
    /// An object that was named by its name does not exist.
    NoSuchName(UnknownName),
    /// The API refuses the request.
    Refused(ApiError),
    /// Something that is not the API answers, and the API itself never has.
    NotNuon(ApiError),
    /// The named object belongs to another install or component.
    Elsewhere(ApiError),
    /// The row deploys nothing, so it cannot be waited for.
    Undeployable {
        /// The row.
        deploy: DeployId,
        /// Its type; `None` if only its workflow says that it only makes plans.
        deploy_type: Option<DeployType>,
    },
    /// The workflow only makes plans.
    PlanOnlyWorkflow(WorkflowId),
    /// The run only makes plans.
    PlanOnlyRun(RunId),
    /// The run of a branch did not succeed.
    Run {
        /// The run.
        run: RunId,
        /// Its own final status.
        word: RemoteText,
        /// The server's reason.
        error: Option<RemoteText>,
        /// The step of its workflow that failed first, described.
        step: Option<RemoteText>,
        /// The names of the groups that failed.
        groups: Option<RemoteText>,
    },
    /// The run says that it succeeded, but one of its installs contradicts that.
    InstallOfRun {
        /// The install.
        install: Line,
        /// How.
        trouble: InstallTrouble,
    },
    /// The run says that it succeeded, but one of its groups contradicts that.
    GroupOfRun {
        /// The group.
        group: Line,
        /// How.
        trouble: GroupTrouble,
    },
    /// The run succeeded without deploying anything.
    NothingReleased(RunId),
    /// A later run took this one's place at an install.
    InstallSuperseded {
        /// The install.
        install: Line,
        /// The later run.
        by: RunId,
    },
    /// A human is asked before the run goes on.
    RunApproval {
        /// The run.
        run: RunId,
        /// Its own workflow.
        workflow: WorkflowId,
        /// The step that asks.
        step: Option<RemoteText>,
    },
    /// A human is asked before the workflow that is waited for as a whole goes on.
    WorkflowApproval {
        /// Its install.
        install: Option<InstallId>,
        /// The step that asks.
        place: ApprovalPlace,
        /// The name of that step.
        step: Option<RemoteText>,
    },
    /// The deploy that was named does not match another pin.
    PinMismatch {
        /// The deploy.
        deploy: DeployId,
        /// The pin.
        pin: MatchedBy,
    },
    /// The workflow works on another install than the named ones.
    WorkflowOfOther {
        /// The workflow.
        workflow: WorkflowId,
        /// Its install.
        owner: InstallId,
        /// The named installs.
        named: Vec<InstallId>,
    },
    /// The workflow works on no install.
    NoInstall(WorkflowId),
    /// The deploy failed or was cancelled, and says so itself.
    Deploy(DeployFailure),
    /// The deploy says that it passed, but a step that works on it did not succeed.
    Step {
        /// The step, described.
        step: RemoteText,
        /// What the deploy says.
        status: Status,
    },
    /// The deploy passed, and its component is not healthy.
    Unhealthy {
        /// The server's status of its health.
        health: Health,
        /// The server's description.
        text: RemoteText,
    },
    /// The deploy passed, but its component's health could not be determined, for this reason.
    HealthUnknown(RemoteText),
    /// The workflow ended, but the deploy did not.
    Orphaned {
        /// How the workflow ended.
        end: WorkflowEnd,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// The deploy's status; `None` if none of its steps was begun.
        status: Option<Status>,
        /// The server's reason, if it says more than that.
        text: Option<RemoteText>,
        /// Who denied its plan.
        denial: Option<Denial>,
        /// The server's advice.
        hint: Option<RemoteText>,
    },
    /// The workflow ended without the deploy that should have come from it.
    NeverDeployed {
        /// How the workflow ended.
        end: WorkflowEnd,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// The deploy that should have been replaced, if one was followed.
        replaced: Option<DeployId>,
    },
    /// The workflow that was waited for as a whole did not succeed.
    Workflow {
        /// How it ended.
        end: WorkflowEnd,
        /// Its own final status.
        word: RemoteText,
        /// The step that failed first, described.
        step: Option<RemoteText>,
        /// Who denied a plan.
        denial: Option<Denial>,
    },
    /// The workflow that was waited for as a whole says that it succeeded, but one of its steps did not.
    StepFailed(RemoteText),
    /// The workflow succeeded without deploying anything.
    NothingDeployed,
    /// The workflow deployed fewer targets than have to pass.
    TooFew {
        /// How many have to pass.
        required: usize,
        /// How many there are.
        deployed: usize,
    },
    /// A teardown replaced an apply.
    Crossed(DeployId),
    /// The deploy is not of the expected kind.
    Unexpected {
        /// The deploy.
        deploy: DeployId,
        /// Its kind.
        kind: Kind,
        /// The expected kind.
        expected: Kind,
    },
    /// A newer deploy superseded the one that was waited for.
    Superseded {
        /// The one that was waited for.
        from: DeployId,
        /// The newer one.
        to: DeployId,
    },
    /// A human is asked to approve the plan, here.
    ApprovalNeeded(ApprovalPlace),
    /// A timeout expired.
    Limit(Box<Limit>),
    /// The wait was stopped before the outcome was certain.
    Stopped {
        /// By what.
        by: StoppedBy,
        /// The deploy's last known state.
        standing: Standing,
    },
    /// There was no good answer, and no time for another request.
    NoAnswer(ApiError),
    /// The wait did not begin, because something before it failed.
    NotBegun {
        /// What failed.
        why: Line,
        /// The hint.
        hint: Option<Line>,
    },
}

/// How an install contradicts the success of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallTrouble {
    /// Nothing was ever deployed to it.
    NeverDeployed,
    /// Its group says that it failed.
    SaidFailed,
    /// Its group says that it has not ended.
    SaidUnfinished,
    /// The run has named it before, but no longer does.
    NoLongerNamed,
}

/// How a group of installs contradicts the success of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupTrouble {
    /// It names fewer installs than it has.
    Incomplete {
        /// How many it has.
        total: usize,
        /// How many it names.
        named: usize,
    },
    /// By its own count, fewer of its installs are done than it has.
    Uncompleted {
        /// How many it has.
        total: usize,
        /// How many are done.
        done: usize,
    },
    /// This many of its installs have failed, by its own count.
    Failures(usize),
    /// Its own status is not a success, or is unknown.
    Says(RemoteText),
}

/// An object that is named by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// An install.
    Install(InstallId),
    /// A component of an install.
    Component(InstallId, ComponentId),
    /// A deploy in an install.
    Deploy(InstallId, DeployId),
    /// A workflow.
    Workflow(WorkflowId),
    /// The groups of installs in a branch's run.
    GroupsOfRun(RunId),
}

/// How a deploy failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployFailure {
    /// The status that it ended in.
    pub status: Status,
    /// The server's reason.
    pub text: Option<RemoteText>,
    /// Whether the reason only says that it failed.
    pub is_generic: bool,
    /// Who denied its plan, if that is why.
    pub denial: Option<Denial>,
    /// The server's advice.
    pub hint: Option<RemoteText>,
    /// Whether the user's rules call the status a failure, rather than the table.
    pub by_rule: bool,
}

impl DeployFailure {
    /// Returns whether the server's reason is about a success: the status is a good end, but not of such a deploy, or not by the
    /// user's rules.
    pub fn is_of_success(&self) -> bool {
        matches!(self.status, Status::Active | Status::AutoSkipped | Status::Inactive)
    }
}

/// Who denied a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A human: the account, and the note.
    Human(RemoteText),
    /// Policies of the organisation, which no human's approval overrides.
    Policies {
        /// Their names, as far as they have any.
        names: Vec<RemoteText>,
        /// What they found.
        found: RemoteText,
    },
}

impl Denial {
    /// Describes it.
    pub fn text(&self) -> &RemoteText {
        match self {
            Self::Human(text) | Self::Policies { found: text, .. } => text,
        }
    }
}

impl Cause {
    /// Returns the timeout that expired, if that is why.
    pub fn clock(&self) -> Option<Clock> {
        match self {
            Self::Limit(limit) => Some(limit.clock),
            _ => None,
        }
    }

    /// Returns whether the deploy itself passed, and the health of its component prevented or delayed a pass.
    pub fn is_of_health(&self) -> bool {
        match self {
            Self::Unhealthy { .. } | Self::HealthUnknown(_) => true,
            Self::Limit(limit) => limit.standing.is_of_health(),
            Self::Stopped { standing, .. } => standing.is_of_health(),
            _ => false,
        }
    }

    /// Returns the server's own advice.
    pub fn server_hint(&self) -> Option<&RemoteText> {
        match self {
            Self::Deploy(failure) => failure.hint.as_ref(),
            Self::Orphaned { hint, .. } => hint.as_ref(),
            _ => None,
        }
    }

    /// Returns whether the reason is a generic sentence, so that anything specific would be better.
    pub fn is_vague(&self) -> bool {
        let Self::Deploy(failure) = self else { return false };
        (failure.text.is_none() || failure.is_generic) && !failure.by_rule && !failure.is_of_success()
    }
}
