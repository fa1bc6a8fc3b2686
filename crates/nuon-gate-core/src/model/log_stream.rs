//! Where a deploy's logs are kept (`docs/nuon-api.md`, "Logs").

use serde::Deserialize;

use super::open::identifier;
use crate::LogStreamId;

/// A log stream. Its `write_token` is a credential and has no place in this type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogStream {
    /// The stream's id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<LogStreamId>,
}
