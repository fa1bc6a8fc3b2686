//! A line of a deploy's log.

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::{record, rows, text};
use super::open::{instant, lenient};
use crate::RemoteText;

/// From this OpenTelemetry severity number on, a record is about an error.
const ERROR: i64 = 17;

/// A log record; its text can have several lines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogRecord {
    /// When.
    #[serde(deserialize_with = "instant")]
    pub timestamp: Option<Timestamp>,
    /// The severity, as a word.
    #[serde(deserialize_with = "text")]
    pub severity_text: Option<RemoteText>,
    /// The severity, as OpenTelemetry's number.
    #[serde(deserialize_with = "lenient")]
    pub severity_number: Option<i64>,
    /// The text.
    #[serde(deserialize_with = "record")]
    pub body: Option<RemoteText>,
}

/// The part of a log after a cursor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogTail {
    /// The records, oldest first.
    #[serde(deserialize_with = "rows")]
    pub logs: Option<Vec<LogRecord>>,
    /// Where the next part begins: `<nanoseconds since 1970>:<id>`.
    #[serde(deserialize_with = "text")]
    pub next: Option<RemoteText>,
    /// Whether there are already more.
    #[serde(deserialize_with = "lenient")]
    pub has_more: Option<bool>,
}

impl LogRecord {
    /// Returns whether any of its text would be shown.
    pub(crate) fn says_something(&self) -> bool {
        self.body.as_ref().is_some_and(|body| !body.is_blank())
    }

    /// Returns when it was written, in nanoseconds since 1970.
    pub(crate) fn nanoseconds(&self) -> Option<u64> {
        u64::try_from(self.timestamp?.as_nanosecond()).ok()
    }

    /// Returns whether the record is about an error.
    pub fn is_error(&self) -> bool {
        let word = self.severity_text.as_ref().map(|word| word.line(10).plain().to_ascii_lowercase());
        self.severity_number.is_some_and(|number| number >= ERROR) || word.is_some_and(|word| is_error_word(&word))
    }
}

/// Returns whether a severity, as a word in lower case, is that of an error.
pub(crate) fn is_error_word(word: &str) -> bool {
    matches!(word, "error" | "fatal")
}
