//! How the component of a deploy does after that.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{ComponentHealth, Health, Resource};
use crate::watch::{HealthProof, Proof};
use crate::{Line, Moment, RemoteText};

/// The most checks that a report names.
const MOST_CHECKS: usize = 10;
/// Longest text of a check, in characters.
const LONGEST: usize = 300;

/// A component that is healthy, and has to stay so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bake {
    /// Since when it was seen to be.
    pub(crate) from: Moment,
    /// For how long it has to be.
    pub(crate) length: Duration,
    /// For how long it has been.
    pub(crate) baked: Duration,
    /// Since when the server calls it so.
    pub(crate) began: Timestamp,
    /// When it was last observed before that.
    pub(crate) observed: Timestamp,
}

impl Bake {
    /// Returns until when it has to stay so.
    pub(crate) fn until(&self) -> Moment {
        self.from + self.length
    }
}

/// What was last read of a component's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The server's word.
    pub state: Option<Health>,
    /// What the server says of it.
    pub description: Option<RemoteText>,
    /// Since when the word is the same.
    pub since: Option<Timestamp>,
    /// When anything of it was last observed.
    pub observed_at: Option<Timestamp>,
    /// For how long it has to be healthy.
    pub bake: Duration,
    /// For how long it has been, so that it counts.
    pub baked: Duration,
    /// The things that it is made of, and its checks, those first that are not healthy: ten at most.
    pub checks: Vec<Checked>,
}

/// One of the things that a component is made of, or a check of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What it is called.
    pub name: Line,
    /// The server's word for how it does.
    pub status: Line,
    /// Why.
    pub description: Option<Line>,
}

impl HealthReport {
    pub(crate) fn new(component: &ComponentHealth, resources: &[Resource], bake: Duration, baked: Duration) -> Self {
        let verdict = component.verdict.clone().unwrap_or_default();
        let mut assessed: Vec<&Resource> = resources.iter().filter(|row| row.is_assessed()).collect();
        assessed.sort_by_key(|row| row.health == Some(Health::Healthy));
        Self {
            state: verdict.status,
            description: verdict.description.filter(|text| !text.is_blank()),
            since: verdict.since,
            observed_at: assessed.iter().filter_map(|row| row.observed_at).max(),
            bake,
            baked,
            checks: assessed.into_iter().take(MOST_CHECKS).map(Checked::new).collect(),
        }
    }

    /// With what shows that it was healthy for long enough, if that is so.
    pub(crate) fn proven_by(self, proof: Option<&Proof>) -> Self {
        let baked = proof.and_then(Proof::health).map_or(self.baked, HealthProof::baked);
        Self { baked, ..self }
    }
}

impl Checked {
    fn new(row: &Resource) -> Self {
        let why = row.message.as_ref().map(|text| text.line(LONGEST)).filter(|line| !line.is_empty());
        let status = row.health.as_ref().map_or("unknown", Health::as_str);
        Self { name: Line::new(row.label()), status: Line::new(status), description: why }
    }
}
