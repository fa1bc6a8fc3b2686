//! What the server has observed of a component's health, and what that means for a deploy. A pure table:
//! `table/healthy.rs` tests every row.

use std::time::Duration;

use jiff::Timestamp;

use crate::RemoteText;
use crate::model::{ComponentHealth, Health, HealthVerdict, Resource, Trouble};
use crate::timeline::span;

/// How long bad health from before the deploy may take to recover, by its observations. The server needs three of them
/// before it calls anything bad, about one a minute.
const RECOVERY: Duration = Duration::from_secs(180);

/// How far the runner's clock, which dates observations, may differ from the server's, which dates the end of a deploy.
const SKEW: Duration = Duration::from_secs(60);

/// How old the last observation of a healthy component may be: there is about one a minute.
const OLDEST_OBSERVATION: Duration = Duration::from_secs(120);

/// The times that decide which observations count, by the server's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// When the deploy got its passing status. A step may still verify it then.
    pub(super) stated: Timestamp,
    /// When the deploy ended.
    pub(super) ended: Timestamp,
    /// The last observation at the first poll of the component's health; this one by the runner's clock.
    pub(super) first: Option<Timestamp>,
    /// When the last observation was first read.
    pub(super) read: Timestamp,
    pub(super) now: Timestamp,
}

impl Times {
    /// Returns whether an observation was made after the deploy ended. One that came after the first poll was. Otherwise
    /// its time has to be so late that clocks do not explain it. A time later than that of reading it proves nothing:
    /// the runner's clock is wrong.
    fn is_since(self, observed: Timestamp) -> bool {
        let came_later = self.first.is_some_and(|before| observed > before);
        let is_late = span(self.ended, observed) > SKEW && span(self.read, observed) <= SKEW;
        observed > self.ended && (came_later || is_late)
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
    /// It was not bad, but has not been observed since then.
    Stale(Timestamp),
}

/// That a component is healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sight {
    /// Since when the server calls it so.
    pub(super) began: Timestamp,
    /// When it was last observed, by the server's clock: not after that was read.
    pub(super) observed: Timestamp,
}

/// Judges a component's health after a deploy that has ended. The server's status alone does not say when anything was
/// last observed: it is not rewritten while it is unchanged. So it only counts together with later observations.
pub(super) fn condition(component: &ComponentHealth, resources: &[Resource], times: Times) -> Condition {
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
    if !times.is_since(observed) {
        return unseen("nothing of the component was observed since the deploy ended");
    }
    let assessed = resources.iter().filter(|row| row.is_assessed()).filter_map(|row| Some((row.trouble()?, row)));
    // Without a time, what is healthy proves nothing, and what is not may be so now. What was not healthy while the deploy
    // was being verified is not healthy until an observation says otherwise.
    let counts = |trouble: Trouble, row: &Resource| match trouble {
        Trouble::Nothing => row.observed_at.is_some_and(|at| at > times.ended),
        _ => row.observed_at.is_none_or(|at| at > times.stated),
    };
    let worst = assessed.filter(|(trouble, row)| counts(*trouble, row)).max_by_key(|(trouble, _)| *trouble);
    let is_bad = worst.is_some_and(|(_, row)| row.health.as_ref().is_some_and(Health::is_bad));
    // The server writes this time in whole seconds.
    let is_since = began.as_second() >= times.ended.as_second();
    let observed = observed.min(times.read);
    match (health, worst) {
        (Health::Degraded | Health::Unhealthy, _) if is_bad && is_since || span(times.ended, observed) >= RECOVERY => {
            Condition::Bad(health.clone(), said)
        }
        _ if span(observed, times.now) > OLDEST_OBSERVATION => Condition::Stale(observed),
        (Health::Healthy, Some((Trouble::Nothing, _))) => Condition::Healthy(Sight { began, observed }),
        (Health::Healthy, Some((Trouble::Unclear, row))) => unseen(&row.describe()),
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
