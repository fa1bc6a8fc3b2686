//! Statuses and their history (`docs/nuon-api.md`, "Statuses").

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Deserialize;

use super::Resource;
use super::bounded::{first, last, text};
use super::open::{lenient, lenient_object, open_enum, unix_seconds};
use crate::RemoteText;

open_enum! {
    /// Where a deploy stands.
    ///
    /// Only the values that the gate judges are named. What each means for a verdict is in [`Rules`](crate::Rules).
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
        /// A runner job runs.
        Executing = "executing",
        /// A plan waits for an approval, automatic or human.
        PendingApproval = "pending-approval",
        /// The server does not know.
        Unknown = "unknown",
    }
}

/// A status with when it came, what is said of it, and what was before.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CompositeStatus {
    /// The status itself.
    pub status: Option<Status>,
    /// What the server says of it.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
    /// What the server keeps beside it.
    #[serde(deserialize_with = "lenient_object")]
    pub metadata: Option<Metadata>,
    /// Earlier states, oldest first: the newest hundred. Some transitions wipe it.
    #[serde(deserialize_with = "last")]
    pub history: Option<Vec<EarlierStatus>>,
}

/// What a server keeps beside a status, as far as anything follows from it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Whether a workflow waits for a human to retry it.
    #[serde(deserialize_with = "lenient")]
    pub awaiting_retry: Option<bool>,
    /// How often a step has been retried.
    #[serde(deserialize_with = "lenient")]
    pub retry_idx: Option<i64>,
    /// How often it may be.
    #[serde(deserialize_with = "lenient")]
    pub max_retries: Option<i64>,
    /// Whether it will not be any more.
    #[serde(deserialize_with = "lenient")]
    pub auto_retries_exhausted: Option<bool>,
    /// Why it failed.
    #[serde(deserialize_with = "text")]
    pub reason: Option<RemoteText>,
    /// The same, or what led to it.
    #[serde(deserialize_with = "text")]
    pub err_message: Option<RemoteText>,
    /// What a step that verifies health has seen.
    #[serde(deserialize_with = "first")]
    pub checks: Option<Vec<Resource>>,
}

impl Metadata {
    /// Describes the first few checks that are not healthy, the worst first.
    pub(super) fn troubles(&self) -> impl Iterator<Item = String> {
        const FEW: usize = 3;
        let mut troubled: Vec<&Resource> = self.checks.iter().flatten().filter(|check| check.is_troubled()).collect();
        troubled.sort_by_key(|check| Reverse(check.severity()));
        troubled.into_iter().take(FEW).map(Resource::describe)
    }
}

/// A state that a deploy has left.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EarlierStatus {
    /// The status itself.
    pub status: Option<Status>,
    /// What the server said of it.
    #[serde(rename = "status_human_description", deserialize_with = "text")]
    pub description: Option<RemoteText>,
    /// Since when.
    #[serde(rename = "created_at_ts", deserialize_with = "unix_seconds")]
    pub since: Option<Timestamp>,
}
