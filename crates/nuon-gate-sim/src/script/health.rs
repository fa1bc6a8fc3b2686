//! Health gates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// A gate that verifies a component's health after a deploy, on servers from 2026 on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// The most attempts.
    pub tries: u32,
    /// How long each attempt takes…
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// …or for how many answers about the deploy it goes on; for one answer if neither is given.
    pub polls: Option<u32>,
    /// The outcome of each attempt, in order; the last one repeats.
    pub outcomes: Vec<Outcome>,
    /// The check that fails, if one fails.
    pub check: Check,
}

impl Default for Health {
    fn default() -> Self {
        Self { tries: 3, duration: None, polls: None, outcomes: vec![Outcome::Active], check: Check::default() }
    }
}

impl Health {
    /// Returns the outcome of each attempt. The first success is the last attempt.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let last = self.outcomes.last().copied();
        let said = self.outcomes.iter().copied().chain(std::iter::repeat_with(|| last.unwrap_or_default()));
        let mut made = Vec::new();
        for outcome in said.take(self.tries as usize) {
            made.push(outcome);
            if outcome == Outcome::Active {
                break;
            }
        }
        made
    }
}

/// An observation of a component, for a time or for a number of answers about its resources; for one answer if neither
/// is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observation {
    /// Its health.
    pub health: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub polls: Option<u32>,
    /// The kind of the observed resource.
    pub kind: String,
    /// Its name; the component's if left out.
    pub name: Option<String>,
    /// Why.
    pub message: String,
    /// Whether the last observation was before the first request.
    pub stale: bool,
    /// How far the clock of the observing runner is ahead.
    #[serde(deserialize_with = "duration")]
    pub ahead: Option<Duration>,
}

impl Default for Observation {
    fn default() -> Self {
        Self {
            health: "healthy".to_owned(),
            duration: None,
            polls: None,
            kind: "Deployment".to_owned(),
            name: None,
            message: String::new(),
            stale: false,
            ahead: None,
        }
    }
}

/// The outcome of a health gate's attempt: the status that it writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The component stayed healthy.
    #[default]
    Active,
    /// It did not.
    Error,
}

/// A check of a component's health.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The kind of the checked resource.
    pub kind: String,
    /// Its name; the component's if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The check's health.
    pub health: String,
    /// Why.
    pub message: String,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            kind: "Deployment".to_owned(),
            name: None,
            health: "unhealthy".to_owned(),
            message: "0 of 1 replicas are ready".to_owned(),
        }
    }
}
