//! The outcome of cancelling a deploy.

use std::fmt;
use std::time::Duration;

use crate::api::ApiError;
use crate::model::{Status, WorkflowEnd};
use crate::timeline::human;
use crate::{Judgement, Verdict};

/// The outcome of cancelling a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CancelOutcome {
    /// Its deploys have ended, or the workflow has.
    Settled(Option<WorkflowEnd>),
    /// The server accepted it, but nothing had ended in time.
    Open(Duration),
    /// It is not known whether the server accepted it, and nothing had ended in time.
    Unanswered(ApiError, Duration),
    /// The server did not accept it.
    Refused(ApiError),
}

/// The outcome for a deploy, or for a workflow as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    pub(crate) outcome: CancelOutcome,
    /// How the deploy was judged, and its status, when it was last read.
    pub(crate) last: Option<(Judgement, Status)>,
    /// The deploy had ended before, so that only the workflow was cancelled.
    pub(crate) had_ended: bool,
}

impl Cancelled {
    /// Returns how the deploy has ended, unless it ended well: a pass needs a proof, and there is none here.
    pub fn end(&self) -> Option<Verdict> {
        match (&self.outcome, self.last.as_ref().map(|(judgement, _)| judgement)) {
            (_, Some(Judgement::Cancelled)) => Some(Verdict::Cancelled),
            (_, Some(Judgement::Failed)) => Some(Verdict::Failed),
            (_, Some(Judgement::Passed | Judgement::Replaced)) => None,
            (CancelOutcome::Settled(Some(WorkflowEnd::Cancelled)), _) => Some(Verdict::Cancelled),
            (CancelOutcome::Settled(Some(WorkflowEnd::Failed | WorkflowEnd::Parked)), _) => Some(Verdict::Failed),
            _ => None,
        }
    }

    /// Returns whether the server did not accept it, so that the deploy goes on.
    pub fn was_refused(&self) -> bool {
        matches!(self.outcome, CancelOutcome::Refused(_))
    }
}

/// Says how the deploy really ended, or how its workflow did if the deploy had ended before.
impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.as_ref().filter(|_| !self.had_ended);
        let status = last.map(|(_, status)| format!("`{status}`"));
        let judgement = last.map(|(judgement, _)| *judgement);
        let is = status.as_ref().map(|status| format!(" and is {status}")).unwrap_or_default();
        match (&self.outcome, judgement, &status) {
            (_, Some(Judgement::Cancelled), _) => f.write_str("it was cancelled"),
            (CancelOutcome::Refused(error), Some(Judgement::Passed), Some(status)) => {
                write!(f, "it could not be cancelled ({error}): the deploy became {status}")
            }
            (CancelOutcome::Refused(error), _, Some(status)) => {
                write!(f, "it could not be cancelled ({error}), and is {status}")
            }
            (CancelOutcome::Refused(error), _, None) => write!(f, "it could not be cancelled ({error})"),
            (_, Some(Judgement::Passed), Some(status)) => {
                write!(f, "cancel lost the race: the deploy became {status}")
            }
            (_, Some(Judgement::Failed | Judgement::Replaced), Some(status)) => {
                write!(f, "it was to be cancelled, and ended as {status}")
            }
            (CancelOutcome::Settled(Some(WorkflowEnd::Cancelled)), _, status) => {
                let stays = status.as_ref().map(|status| format!(" and the deploy stays {status}")).unwrap_or_default();
                write!(f, "the workflow was cancelled{stays}")
            }
            (CancelOutcome::Settled(Some(end)), ..) => {
                write!(f, "it was to be cancelled, and the workflow {}", end.as_str())
            }
            (CancelOutcome::Settled(None), ..) => f.write_str("it was to be cancelled, and has ended"),
            (CancelOutcome::Open(limit), ..) => {
                write!(f, "cancelling it was accepted, but it has not ended within {}{is}", human(*limit))
            }
            (CancelOutcome::Unanswered(error, limit), ..) => {
                let limit = human(*limit);
                write!(
                    f,
                    "it is not known whether cancelling it was accepted ({error}): it has not ended within {limit}{is}"
                )
            }
        }
    }
}
