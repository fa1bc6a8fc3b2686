//! Health gates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// A gate that verifies a component's health once it has been deployed, on servers of 2026.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// How often it is tried at most.
    pub tries: u32,
    /// How long each try takes…
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// …or for how many answers about the deploy it goes on; one answer if neither is said.
    pub polls: Option<u32>,
    /// What comes of each try, one after the other; the last outcome repeats.
    pub outcomes: Vec<Outcome>,
    /// The check that fails, if one does.
    pub check: Check,
}

impl Default for Health {
    fn default() -> Self {
        Self { tries: 3, duration: None, polls: None, outcomes: vec![Outcome::Active], check: Check::default() }
    }
}

impl Health {
    /// Returns what comes of each try that is made: the first success is the last one.
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

/// What is observed of a component for a time, or for a number of answers about what it is made of; one answer if neither is
/// said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observation {
    /// The word for its health.
    pub health: String,
    /// For how long.
    #[serde(rename = "for", deserialize_with = "duration")]
    pub duration: Option<Duration>,
    /// For how many answers.
    pub polls: Option<u32>,
    /// The kind of what is observed.
    pub kind: String,
    /// Its name; the component's if left out.
    pub name: Option<String>,
    /// Why.
    pub message: String,
    /// Nothing was observed since before the first request.
    pub stale: bool,
    /// How far the clock of the runner that observes it is ahead.
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

/// What comes of a try of a health gate: the status that it writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The component held healthy.
    #[default]
    Active,
    /// It did not.
    Error,
}

/// A check of a component's health.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The kind of what is checked.
    pub kind: String,
    /// Its name; the component's if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the check says.
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
