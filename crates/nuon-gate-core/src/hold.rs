//! Why a deploy is still waited for.

use std::fmt;

use crate::ApprovalPlace;
use crate::model::WorkflowEnd;
use crate::timeline::human;
use crate::{Bake, Moment, RemoteText, RunId, Verdict};

/// Why nothing can be decided yet, and what the wait depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// No matching deploy exists yet.
    NotStarted,
    /// The deploy that matched was replaced, and its successor does not exist yet.
    NotReplaced,
    /// The deploy is under way.
    InProgress,
    /// The answer is older than an earlier one, as from a lagging replica.
    Outdated,
    /// The deploy says that it passed, but answers of one poll name different workflows, components, installs or kinds for it.
    Contradicted,
    /// The deploy failed, and its workflow can still retry it.
    Retry,
    /// The deploy says that it passed, but this step that works on it has not ended.
    Step(RemoteText),
    /// The deploy says that it passed, but no step of its workflow works on it yet.
    NotBegun,
    /// The deploy and its workflow contradict each other: one of them may lag behind.
    Behind(Behind),
    /// The deploy passed, but its workflow has made a newer one of the component, and none says that it replaces this one.
    NewerTry,
    /// The deploy passed, but the server does not say whether it matches every pin.
    Unmatched,
    /// A human is asked to approve the plan.
    Approval(ApprovalPlace),
    /// The deploy was cancelled, and a later run of its branch has taken the install over, or may have.
    Taken(Option<RunId>),
    /// The deploy passed, and has to stay so until this time.
    Settling(Moment),
    /// The deploy passed, but nothing is known about its component's health yet.
    Unseen(RemoteText),
    /// The deploy passed, but its component is not healthy yet.
    NotHealthy(RemoteText),
    /// The deploy passed, its component is healthy, and has to stay so.
    Baking(Bake),
}

/// How a deploy and its workflow contradict each other, which decides how it ends if neither changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// The workflow has ended, but the deploy has not.
    Orphan(WorkflowEnd),
    /// The deploy says that it passed, but a step that works on it failed, or its workflow has ended without it.
    StepFailed(Verdict, RemoteText),
    /// The deploy failed, but its workflow has not noticed, or has retried it.
    Failure,
    /// The workflow has ended, but the deploy that it names does not exist.
    NoRow(WorkflowEnd),
}

impl Hold {
    /// Returns whether the reason is of the same kind, whatever its details. Another approval is another question.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Approval(own), Self::Approval(other)) => own.can_be(other),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Returns whether something is known to be running, rather than that an answer lags behind or is missing.
    pub(crate) fn is_at_work(&self) -> bool {
        match self {
            Self::NotStarted | Self::NotReplaced | Self::InProgress | Self::Retry => true,
            Self::Step(_) | Self::Approval(_) => true,
            Self::Outdated | Self::NotBegun | Self::Behind(_) | Self::NewerTry | Self::Unmatched => false,
            Self::Contradicted => false,
            Self::Taken(_) | Self::Settling(_) => false,
            Self::Unseen(_) | Self::NotHealthy(_) | Self::Baking(_) => false,
        }
    }

    /// Returns whether something keeps a status back that would end the wait by itself.
    pub fn keeps_back(&self) -> bool {
        self.is_of_health()
            || matches!(self, Self::Retry | Self::Step(_) | Self::NotBegun | Self::Behind(_))
            || matches!(self, Self::NewerTry | Self::Contradicted | Self::Taken(Some(_)))
    }

    /// Returns what it is at a later moment, if it goes on: a component that is healthy has been so for longer.
    #[must_use]
    pub fn later(&self, now: Moment) -> Self {
        match self {
            Self::Baking(bake) => Self::Baking(Bake { baked: bake.baked.max(now - bake.from), ..bake.clone() }),
            other => other.clone(),
        }
    }

    /// Returns whether the deploy itself has passed, and its component's health is awaited.
    pub fn is_of_health(&self) -> bool {
        matches!(self, Self::Unseen(_) | Self::NotHealthy(_) | Self::Baking(_))
    }
}

/// The text after the status; empty if the status says it all.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted | Self::InProgress => Ok(()),
            Self::NotReplaced => f.write_str("and no deploy has replaced it yet"),
            Self::Outdated => f.write_str("and the newest answers are older than that"),
            Self::Contradicted => f.write_str("but the answers about it contradict each other"),
            Self::Retry => f.write_str("which its workflow could still retry"),
            Self::Step(step) => write!(f, "but {}", step.line(400).plain()),
            Self::NotBegun => f.write_str("but no step of its workflow works on it yet"),
            Self::Unmatched => f.write_str("but the server does not say whether it matches every pin"),
            Self::NewerTry => f.write_str("but its workflow has made a newer deploy"),
            Self::Behind(Behind::StepFailed(_, step)) => write!(f, "but {}", step.line(400).plain()),
            Self::Behind(_) => f.write_str("which its workflow contradicts"),
            Self::Approval(_) => f.write_str("and a human has to approve the plan"),
            Self::Taken(Some(run)) => write!(f, "as run {run} took the install, and has to deploy it again"),
            Self::Taken(None) => f.write_str("but whether a later run took the install is not known yet"),
            Self::Settling(_) => f.write_str("which has not lasted for long enough yet"),
            Self::Unseen(words) => write!(f, "waiting for health: not known yet ({})", words.line(300).plain()),
            Self::NotHealthy(words) => write!(f, "waiting for health: {}", words.line(300).plain()),
            Self::Baking(Bake { length, baked, .. }) => {
                write!(f, "waiting for health: healthy for {} of {}", human(*baked), human(*length))
            }
        }
    }
}
