//! Statuses and their history (`docs/nuon-api.md`, "Statuses").

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Deserialize;

use super::Resource;
use super::bounded::{first, last, text};
use super::open::{lenient_object, open_enum, unix_seconds, written};
use crate::RemoteText;

open_enum! {
    /// The status of a deploy.
    ///
    /// Only the statuses that the gate judges are listed. What each means for a verdict is in [`Rules`](crate::Rules).
    Status {
        /// Finished.
        Active = "active",
        /// The plan showed nothing to change.
        AutoSkipped = "auto-skipped",
        /// Torn down.
        Inactive = "inactive",
        /// A step failed.
        Error = "error",
        /// The build cannot be deployed: a failure, although the word sounds neutral.
        Noop = "noop",
        /// The workflow or the step was cancelled.
        Cancelled = "cancelled",
        /// A human denied the plan.
        ApprovalDenied = "approval-denied",
        /// Nobody answered in time.
        ApprovalExpired = "approval-expired",
        /// Replaced by a new row, by a retry.
        Retried = "retried",
        /// Replaced by a new row, after a human chose to plan again.
        Discarded = "discarded",
        /// Just created.
        Queued = "queued",
        /// Just created.
        Pending = "pending",
        /// A plan is being made.
        Planning = "planning",
        /// The artifact is being copied to the install's registry.
        Syncing = "syncing",
        /// A runner job is running.
        Executing = "executing",
        /// A plan waits for an approval, automatic or human.
        PendingApproval = "pending-approval",
        /// The server does not know.
        Unknown = "unknown",
    }
}

/// A status with its time, its description and its history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CompositeStatus {
    /// The status itself.
    pub status: Option<Status>,
    /// The server's description.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
    /// Further members.
    #[serde(deserialize_with = "lenient_object")]
    pub metadata: Option<Metadata>,
    /// Earlier statuses, oldest first: the newest hundred. Some transitions erase them.
    #[serde(deserialize_with = "last")]
    pub history: Option<Vec<EarlierStatus>>,
}

/// Further members of a status, as far as the gate uses them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Whether a workflow waits for a human to retry it.
    #[serde(deserialize_with = "written")]
    pub awaiting_retry: Option<bool>,
    /// How often a step has been retried.
    #[serde(deserialize_with = "written")]
    pub retry_idx: Option<i64>,
    /// How often it may be retried.
    #[serde(deserialize_with = "written")]
    pub max_retries: Option<i64>,
    /// Whether a step has been retried by another one.
    #[serde(deserialize_with = "written")]
    pub auto_retried: Option<bool>,
    /// Whether it will not be retried again.
    #[serde(deserialize_with = "written")]
    pub auto_retries_exhausted: Option<bool>,
    /// What its workflow does about it: `retry`, `retry-group`, …
    #[serde(deserialize_with = "text")]
    pub directive: Option<RemoteText>,
    /// Why it failed.
    #[serde(deserialize_with = "text")]
    pub reason: Option<RemoteText>,
    /// The same, or what caused it.
    #[serde(deserialize_with = "text")]
    pub err_message: Option<RemoteText>,
    /// The results of a step that verifies health.
    #[serde(deserialize_with = "first")]
    pub checks: Option<Vec<Resource>>,
}

impl Metadata {
    /// Describes the first few checks that are not healthy, the worst first.
    pub(super) fn troubles(&self) -> impl Iterator<Item = String> {
        const FEW: usize = 3;
        let mut troubled: Vec<&Resource> = self.checks.iter().flatten().filter(|check| check.is_troubled()).collect();
        troubled.sort_by_key(|check| Reverse(check.trouble()));
        troubled.into_iter().take(FEW).map(Resource::describe)
    }
}

/// An earlier status of a deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EarlierStatus {
    /// The status itself.
    pub status: Option<Status>,
    /// The server's description.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
}
