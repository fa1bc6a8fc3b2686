//! Why a log is no longer followed, for the events.

use crate::api::ApiError;

/// The most lines of one deploy, and of all together, that are shown.
pub(super) const MOST_LINES: usize = 5_000;
pub(super) const MOST_IN_ALL: usize = 40_000;

/// Why a log is no longer followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfollowed {
    /// The server gives no good answer.
    #[error("the log cannot be followed any more: {0}")]
    NoAnswer(ApiError),
    /// The server repeats the same part.
    #[error("the log cannot be followed any more: the server repeats it")]
    Repeated,
    /// There are too many lines.
    #[error("the log has more than {MOST_LINES} lines, and the others are not shown")]
    TooLong,
    /// All logs together have too many lines.
    #[error("the logs have more than {MOST_IN_ALL} lines, and the others are not shown")]
    TooMany,
}
