//! What the server has observed of a component's health, and what that means for a deploy. A pure table:
//! `table/healthy.rs` tests every row.

use std::time::Duration;

use jiff::Timestamp;

use crate::RemoteText;
use crate::model::{ComponentHealth, Health, HealthVerdict, Resource};
use crate::timeline::span;

/// How long bad health from before the deploy may take to recover, by its observations. The server needs three of them
/// before it calls anything bad, about one a minute.
const RECOVERY: Duration = Duration::from_secs(180);

/// How far the runner's clock, which dates observations, may differ from the server's, which dates the end of a deploy.
const SKEW: Duration = Duration::from_secs(60);

/// When a deploy ended, and the last observation by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// By the server's clock.
    pub(super) at: Timestamp,
    /// The last observation at the first poll of the component's health, by the runner's clock.
    pub(super) observed: Option<Timestamp>,
}

impl Ended {
    /// Returns whether an observation was made after the deploy ended. One that came after the first poll was; otherwise the two
    /// clocks have to be far enough apart.
    fn is_before(self, observed: Timestamp) -> bool {
        let came_later = self.observed.is_some_and(|before| observed > before);
        observed > self.at && (came_later || span(self.at, observed) > SKEW)
    }
}

/// The health of a component after a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It is healthy, and was observed to be since the deploy ended.
    Healthy(Sight),
    /// It is degraded or unhealthy, and not only from before.
    Bad(Health, RemoteText),
    /// It is not healthy, but may still become so.
    NotYet(RemoteText),
    /// Nothing is known that would be about this deploy.
    Unseen(RemoteText),
}

/// That a component is healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sight {
    /// Since when the server calls it so.
    pub(super) began: Timestamp,
    /// When it was last observed.
    pub(super) observed: Timestamp,
}

/// Judges a component's health after a deploy that has ended. The server's status alone does not say when anything was
/// last observed: it is not rewritten while it is unchanged. So it only counts together with later observations.
pub(super) fn condition(component: &ComponentHealth, resources: &[Resource], ended: Ended) -> Condition {
    let unseen = |words: &str| Condition::Unseen(RemoteText::new(words));
    let verdict = component.verdict.as_ref();
    let Some((health, verdict)) = verdict.and_then(|own| Some((own.status.as_ref()?, own))) else {
        return unseen("the server reports no health for the component");
    };
    let said = words(health, verdict);
    if matches!(health, Health::Unknown | Health::NotApplicable | Health::Other(_)) {
        return Condition::Unseen(said);
    }
    let Some(began) = verdict.since else { return unseen("the server does not say since when the component is so") };
    let Some(observed) = last_observed(resources) else {
        return unseen("the server has observed nothing of the component");
    };
    if !ended.is_before(observed) {
        return unseen("nothing of the component was observed since the deploy ended");
    }
    let is_fresh = |row: &&Resource| row.is_assessed() && row.observed_at.is_some_and(|at| at > ended.at);
    let worst = resources.iter().filter(is_fresh).filter_map(|row| Some((row.severity()?, row)));
    let worst = worst.max_by_key(|(severity, _)| *severity);
    let is_bad = worst.is_some_and(|(_, row)| row.health.as_ref().is_some_and(Health::is_bad));
    // The server writes this time in whole seconds.
    let is_since = began.as_second() >= ended.at.as_second();
    match (health, worst) {
        (Health::Degraded | Health::Unhealthy, _) if is_bad && is_since || span(ended.at, observed) >= RECOVERY => {
            Condition::Bad(health.clone(), said)
        }
        (Health::Healthy, Some((0, _))) => Condition::Healthy(Sight { began, observed }),
        (Health::Healthy, Some((_, row))) => Condition::NotYet(RemoteText::new(row.describe())),
        (Health::Healthy, None) => unseen("nothing of the component could be assessed since the deploy ended"),
        _ => Condition::NotYet(said),
    }
}

/// Returns when the component was last observed. A pushed check shows nothing about the runner's view, and only counts
/// if there is nothing else.
pub(super) fn last_observed(resources: &[Resource]) -> Option<Timestamp> {
    let assessed = || resources.iter().filter(|row| row.is_assessed());
    let by_runner = assessed().any(|row| !row.is_pushed());
    assessed().filter(|row| !(by_runner && row.is_pushed())).filter_map(|row| row.observed_at).max()
}

/// Returns the server's description, or else its status.
fn words(health: &Health, verdict: &HealthVerdict) -> RemoteText {
    let description = verdict.description.as_ref().filter(|text| !text.is_blank() && !text.is(health.as_str()));
    description.cloned().unwrap_or_else(|| RemoteText::new(format!("the component is {health}")))
}
