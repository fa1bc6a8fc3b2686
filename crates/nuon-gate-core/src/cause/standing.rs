//! Where a deploy stood when the wait for it ended.

use std::time::Duration;

use crate::api::ApiError;
use crate::model::Status;
use crate::{Clock, DeployId, Hold, Line, MatchedBy, RemoteText, RunId, Signal, WorkflowId};

/// A timeout that expired, and what was known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Which one.
    pub clock: Clock,
    /// How long it was.
    pub length: Duration,
    /// What was waited for.
    pub subject: RemoteText,
    /// The last known state.
    pub standing: Standing,
    /// What was wrong with the last poll.
    pub error: Option<ApiError>,
    /// Whether the API ever gave a good answer.
    pub ever_answered: bool,
}

/// The last known state of a deploy when the wait for it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No deploy has been seen.
    Nothing,
    /// There were deploys, but none of them matches.
    Unmatched(Unmatched),
    /// No deploy has followed the trigger.
    NothingSinceTrigger,
    /// A deploy was followed.
    Deploy {
        /// Its last status.
        status: Status,
        /// For how long it had it.
        spent: Option<Duration>,
        /// Where its time went, if it had several: `queued 9s, executing 2m`.
        each: Option<String>,
        /// Why it was still waited for.
        hold: Hold,
    },
    /// The run of a branch was never seen.
    NoRun,
    /// The run of a branch was followed.
    Run {
        /// The run.
        id: RunId,
        /// Its last status.
        word: RemoteText,
        /// The first group of installs that is not done, described.
        group: Option<RemoteText>,
    },
    /// A workflow was followed as a whole.
    Workflow {
        /// The workflow.
        id: WorkflowId,
        /// Its last status; `None` if it was never seen.
        word: Option<RemoteText>,
        /// Whether it has ended, although one of its deploys or steps has not.
        has_ended: bool,
        /// A deploy of it that could not be read, once it has ended.
        unread: Option<DeployId>,
    },
}

/// The newest deploy, and why it does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The deploy.
    pub newest: DeployId,
    /// Why.
    pub why: Mismatch,
}

/// Why a deploy does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It had ended before the wait began, and a newer one is waited for.
    HadEnded,
    /// It deploys nothing that could be waited for.
    Undeployable,
    /// It retries the deploy that a newer one is waited for.
    Retry,
    /// It does not match this pin.
    Pin {
        /// The pin.
        pin: MatchedBy,
        /// Its value.
        wanted: Line,
        /// The deploy's own value, if it has one.
        has: Option<Line>,
    },
}

impl Standing {
    pub(super) fn is_of_health(&self) -> bool {
        matches!(self, Self::Deploy { hold, .. } if hold.is_of_health())
    }
}

/// What stops a wait before the outcome is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedBy {
    /// A signal.
    Signal(Signal),
    /// The outcome of the run was certain without this target.
    Decided,
    /// Only one poll was asked for.
    Once,
}
