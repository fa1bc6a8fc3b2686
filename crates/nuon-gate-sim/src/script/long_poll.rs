//! Answers that the newest servers hold back until there is something to say.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// How long answers are held back, and which of these endpoints are there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LongPoll {
    /// How the end of a workflow's step can be awaited.
    pub step: StepAwait,
    /// How long that takes at most; a minute if left out.
    #[serde(deserialize_with = "duration")]
    pub step_limit: Option<Duration>,
    /// Whether the end of a log can be followed.
    pub tail: bool,
}

impl Default for LongPoll {
    fn default() -> Self {
        Self { step: StepAwait::default(), step_limit: None, tail: true }
    }
}

/// How the end of a workflow's step can be awaited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAwait {
    /// It can.
    #[default]
    On,
    /// The server does not know of that.
    Off,
    /// Always with a 500, as one version of the server answers.
    Broken,
}
