//! Why a log is not followed any more, for the events.

use crate::api::ApiError;

/// More lines of one deploy, and of all together, are not shown.
pub(super) const MOST_LINES: usize = 5_000;
pub(super) const MOST_IN_ALL: usize = 40_000;

/// Why a log is not followed any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfollowed {
    /// The server gives no good answer.
    #[error("the log cannot be followed any more: {0}")]
    NoAnswer(ApiError),
    /// The server gives the same part again and again.
    #[error("the log cannot be followed any more: the server repeats it")]
    Repeated,
    /// There are more lines than anybody reads.
    #[error("the log has more than {MOST_LINES} lines, and the others are not shown")]
    TooLong,
    /// All logs together have.
    #[error("the logs have more than {MOST_IN_ALL} lines, and the others are not shown")]
    TooMany,
}
