//! Runs of an app's branch, as a workflow names them.

use jiff::Timestamp;
use serde::Deserialize;

use super::Commit;
use super::bounded::text;
use super::open::{identifier, instant, lenient, lenient_object, open_enum};
use crate::{BranchId, RemoteText, RunId, WorkflowId};

open_enum! {
    /// Where a run stands.
    RunStatus {
        /// Not begun.
        Pending = "pending",
        /// At work.
        Running = "running",
        /// It did what it was to do.
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
    /// Returns whether the run has ended. A word that is not known is no end.
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
    /// Where it stands.
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
    /// Whether it makes plans only.
    #[serde(deserialize_with = "lenient")]
    pub plan_only: Option<bool>,
    /// `git-preview-run` for one that makes plans only.
    #[serde(deserialize_with = "text")]
    pub run_type: Option<RemoteText>,
    /// What it previews, if it does no more than that.
    #[serde(deserialize_with = "lenient_object")]
    pub preview: Option<Preview>,
    /// When it was created.
    #[serde(deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
}

/// That a run is a preview is all that matters of it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Preview {}
