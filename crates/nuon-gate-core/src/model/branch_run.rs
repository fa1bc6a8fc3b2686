//! Runs of an app's branch, as a workflow names them.

use jiff::Timestamp;
use serde::Deserialize;

use super::Commit;
use super::bounded::text;
use super::open::{identifier, instant, lenient, lenient_object, open_enum};
use crate::{BranchId, RemoteText, RunId, WorkflowId};

open_enum! {
    /// The status of a run.
    RunStatus {
        /// Not begun.
        Pending = "pending",
        /// Running.
        Running = "running",
        /// Succeeded.
        Success = "success",
        /// It failed.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// Its changes were to be ignored, so it did nothing.
        NotAttempted = "not-attempted",
    }
}

impl RunStatus {
    /// Returns whether the run has ended. An unknown status is not an end.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled | Self::NotAttempted)
    }
}

/// A run of a branch, as a workflow names it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AppBranchRun {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<RunId>,
    /// Its status.
    pub status: Option<RunStatus>,
    /// Its workflow.
    #[serde(deserialize_with = "identifier")]
    pub workflow_id: Option<WorkflowId>,
    /// Its branch.
    #[serde(deserialize_with = "identifier")]
    pub app_branch_id: Option<BranchId>,
    /// Whether a human is asked.
    #[serde(deserialize_with = "lenient")]
    pub awaiting_approval: Option<bool>,
    /// Why it failed.
    #[serde(deserialize_with = "text")]
    pub error_message: Option<RemoteText>,
    /// The commit that it releases.
    #[serde(deserialize_with = "lenient_object")]
    pub vcs_connection_commit: Option<Commit>,
    /// The same, on older servers.
    #[serde(deserialize_with = "text")]
    pub commit_sha: Option<RemoteText>,
    /// Whether it only makes plans.
    pub plan_only: Option<bool>,
    /// `git-preview-run` if it only makes plans.
    #[serde(deserialize_with = "text")]
    pub run_type: Option<RemoteText>,
    /// What it previews, if it is only a preview.
    #[serde(deserialize_with = "lenient_object")]
    pub preview: Option<Preview>,
    /// When it was created.
    #[serde(deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
}

/// All that matters is that a run is a preview.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Preview {}
