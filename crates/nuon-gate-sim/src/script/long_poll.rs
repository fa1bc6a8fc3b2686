//! Long polls of the newest servers.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// How long requests are held open, and which of the endpoints exist.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LongPoll {
    /// The long poll for the end of a workflow's step.
    pub step: StepAwait,
    /// How long that is held open; a minute if left out.
    #[serde(deserialize_with = "duration")]
    pub step_limit: Option<Duration>,
    /// Whether there is a long poll for more of a log.
    pub tail: bool,
}

impl Default for LongPoll {
    fn default() -> Self {
        Self { step: StepAwait::default(), step_limit: None, tail: true }
    }
}

/// The long poll for the end of a workflow's step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAwait {
    /// It works.
    #[default]
    On,
    /// The server does not have it.
    Off,
    /// It always fails with a 500, as in one version of the server.
    Broken,
}
