//! Where a deploy's logs are kept (`docs/nuon-api.md`, "Logs").

use std::fmt;

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use super::open::{identifier, lenient};
use crate::LogStreamId;
use crate::redact::{conceal, conceal_one_of_many};

/// A log stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogStream {
    /// The stream's id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<LogStreamId>,
    #[serde(rename = "write_token", deserialize_with = "lenient")]
    writes_with: Option<WriteToken>,
}

impl LogStream {
    /// Conceals the credential that the server sends along: a runner may have logged it. Where a wait has very many deploys, only
    /// those whose log `is_read` have theirs concealed.
    pub(super) fn conceal_token(&self, is_read: bool) {
        match &self.writes_with {
            Some(WriteToken(token)) if is_read => conceal(token),
            Some(WriteToken(token)) => conceal_one_of_many(token),
            None => {}
        }
    }
}

/// What the runner writes its log with. Nothing but its place in a text is ever of use.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
struct WriteToken(Zeroizing<String>);

impl From<String> for WriteToken {
    fn from(token: String) -> Self {
        Self(Zeroizing::new(token))
    }
}

impl fmt::Debug for WriteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
