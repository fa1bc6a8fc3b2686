//! What a status means for the verdict.

use std::collections::{BTreeMap, HashMap};

use crate::Kind;
use crate::model::{Deploy, Status};

/// What a deploy's status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The deploy succeeded.
    Passed,
    /// It did not, and will not.
    Failed,
    /// It was cancelled, or its approval was denied or expired.
    Cancelled,
    /// Another row took its place.
    Replaced,
    /// Not known to have ended.
    Pending,
}

impl Judgement {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
            Self::Pending => "pending",
        }
    }

    /// Returns whether the deploy has ended and was not replaced.
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Replaced)
    }
}

/// Two of the three override lists name the same status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("status `{status}` cannot mean both {} and {}", .first.as_str(), .second.as_str())]
pub struct ContradictoryRules {
    /// The status.
    pub status: Status,
    /// One judgement it was given.
    pub first: Judgement,
    /// The other.
    pub second: Judgement,
}

/// How statuses are judged: the table, with the user's overrides.
///
/// A status that is not in the table is pending: an unknown word is never a pass.
///
/// ```
/// use nuon_gate_core::model::Status;
/// use nuon_gate_core::{Judgement, Kind, Rules};
///
/// let rules = Rules::default();
/// assert_eq!(rules.judge(&Status::Inactive, Kind::Teardown), Judgement::Passed);
/// assert_eq!(rules.judge(&Status::Inactive, Kind::Apply), Judgement::Failed);
/// assert_eq!(rules.judge(&Status::from("hibernating"), Kind::Apply), Judgement::Pending);
///
/// let lenient = Rules::new(vec![Status::Noop], vec![], vec![]).unwrap();
/// assert_eq!(lenient.judge(&Status::Noop, Kind::Apply), Judgement::Passed);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    overrides: HashMap<Status, Judgement>,
}

impl Rules {
    /// Creates rules from the table and three lists of exceptions.
    ///
    /// # Errors
    ///
    /// If a status is in two of the lists.
    pub fn new(pass_on: Vec<Status>, fail_on: Vec<Status>, wait_on: Vec<Status>) -> Result<Self, ContradictoryRules> {
        let lists = [(pass_on, Judgement::Passed), (fail_on, Judgement::Failed), (wait_on, Judgement::Pending)];
        let mut overrides = HashMap::new();
        for (statuses, judgement) in lists {
            for status in statuses {
                match overrides.insert(status.clone(), judgement) {
                    Some(first) if first != judgement => {
                        return Err(ContradictoryRules { status, first, second: judgement });
                    }
                    _ => {}
                }
            }
        }
        Ok(Self { overrides })
    }

    /// Judges a status of a deploy of this kind.
    pub fn judge(&self, status: &Status, kind: Kind) -> Judgement {
        self.override_of(status).unwrap_or_else(|| table(status, kind))
    }

    /// Judges a deploy's current status. A deploy of unknown kind is judged as an apply, but can never pass.
    pub(crate) fn judge_deploy(&self, deploy: &Deploy) -> Judgement {
        self.judge(deploy.current_status(), deploy.kind().unwrap_or(Kind::Apply))
    }

    /// Returns the user's judgement of a status, if there is one.
    pub fn override_of(&self, status: &Status) -> Option<Judgement> {
        self.overrides.get(status).copied()
    }

    /// Returns which statuses have another judgement than the table's, in a fixed order.
    pub(crate) fn overrides(&self) -> BTreeMap<&str, &'static str> {
        self.overrides.iter().map(|(status, judgement)| (status.as_str(), judgement.as_str())).collect()
    }

    /// Returns whether a status is neither in the table nor in the user's lists, so that it is only assumed to be
    /// pending.
    pub fn is_unrecognised(&self, status: &Status) -> bool {
        matches!(status, Status::Other(_)) && self.override_of(status).is_none()
    }

    /// Returns every status that these rules know: the table's, then the user's own.
    pub fn statuses(&self) -> Vec<Status> {
        let mut own: Vec<Status> =
            self.overrides.keys().filter(|status| matches!(status, Status::Other(_))).cloned().collect();
        own.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Status::KNOWN.iter().cloned().chain(own).collect()
    }
}

fn table(status: &Status, kind: Kind) -> Judgement {
    match (status, kind) {
        (Status::Active | Status::AutoSkipped, _) | (Status::Inactive, Kind::Teardown) => Judgement::Passed,
        (Status::Inactive, Kind::Apply) | (Status::Error | Status::Noop, _) => Judgement::Failed,
        (Status::Cancelled | Status::ApprovalDenied | Status::ApprovalExpired, _) => Judgement::Cancelled,
        (Status::Retried | Status::Discarded, _) => Judgement::Replaced,
        (
            Status::Queued
            | Status::Pending
            | Status::Planning
            | Status::Syncing
            | Status::Executing
            | Status::PendingApproval
            | Status::Unknown
            | Status::Other(_),
            _,
        ) => Judgement::Pending,
    }
}
