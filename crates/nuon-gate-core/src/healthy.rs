//! A component's health after its deploy.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{ComponentHealth, Health, Resource};
use crate::watch::{HealthProof, Proof};
use crate::{Line, Moment, RemoteText};

/// The most checks in a report.
const MOST_CHECKS: usize = 10;
/// Longest text of a check, in characters.
const LONGEST: usize = 300;

/// A component that is healthy, and has to stay so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bake {
    /// Since when it was observed healthy.
    pub(crate) from: Moment,
    /// How long it has to stay healthy.
    pub(crate) length: Duration,
    /// How long it has been healthy, up to the last observation.
    pub(crate) baked: Duration,
    /// Since when the server calls it healthy.
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

/// The last known health of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The server's status.
    pub state: Option<Health>,
    /// The server's description.
    pub description: Option<RemoteText>,
    /// Since when the status is unchanged.
    pub since: Option<Timestamp>,
    /// When any part of it was last observed.
    pub observed_at: Option<Timestamp>,
    /// How long it has to be healthy.
    pub bake: Duration,
    /// How long it has been healthy, up to the last observation, as far as that counts.
    pub baked: Duration,
    /// Its resources and checks, unhealthy ones first: at most ten.
    pub checks: Vec<Checked>,
}

/// A resource of a component, or a check of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: Line,
    /// The server's status.
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

    /// Adds the time that proves that it was healthy for long enough, if it was.
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
