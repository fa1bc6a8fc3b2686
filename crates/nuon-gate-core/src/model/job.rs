//! The runner jobs behind a deploy.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::CompositeError;
use super::bounded::{first, text, texts};
use super::open::{identifier, lenient_object, open_enum};
use crate::{LogStreamId, RemoteText};

open_enum! {
    /// The status of a job.
    JobStatus {
        /// Not handed out yet.
        Queued = "queued",
        /// Offered to the runner.
        Available = "available",
        /// Taken by the runner.
        InProgress = "in-progress",
        /// Done.
        Finished = "finished",
        /// Failed.
        Failed = "failed",
        /// Not done in time.
        TimedOut = "timed-out",
        /// The runner was not able to take it.
        NotAttempted = "not-attempted",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Not known.
        Unknown = "unknown",
    }
}

impl JobStatus {
    /// Returns whether a job with this status did not do its work, and will not.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::NotAttempted | Self::Cancelled | Self::Unknown)
    }
}

/// A unit of work that the install's runner does for a deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunnerJob {
    /// Its status.
    pub status: Option<JobStatus>,
    /// The server's description of it.
    #[serde(deserialize_with = "text")]
    pub status_description: Option<RemoteText>,
    /// Its log stream.
    #[serde(deserialize_with = "identifier")]
    pub log_stream_id: Option<LogStreamId>,
    /// Why it failed, on recent servers.
    #[serde(deserialize_with = "lenient_object")]
    pub composite_error: Option<CompositeError>,
    /// Its executions; many servers leave them out.
    #[serde(deserialize_with = "first")]
    pub executions: Option<Vec<JobExecution>>,
}

/// One try of a job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobExecution {
    /// Its result; some servers keep none for a failure.
    #[serde(deserialize_with = "lenient_object")]
    pub result: Option<ExecutionResult>,
}

/// How an execution ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExecutionResult {
    /// What the runner noted; values may be null.
    #[serde(deserialize_with = "texts")]
    pub error_metadata: Option<BTreeMap<String, Option<RemoteText>>>,
    /// Why it failed, on recent servers.
    #[serde(deserialize_with = "lenient_object")]
    pub composite_error: Option<CompositeError>,
}
