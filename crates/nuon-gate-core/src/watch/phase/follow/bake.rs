//! Whether the component is healthy, and stays so for long enough, after its deploy has passed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Follow;
use crate::api::{ApiError, ErrorClass, Fact, Request};
use crate::cause::Cause;
use crate::healthy::{Bake, HealthReport};
use crate::model::{ComponentHealth, Deploy, Resource};
use crate::paging::Paged;
use crate::timeline::span;
use crate::watch::phase::condition::{Condition, Sight, Times, condition, last_observed};
use crate::watch::phase::proof::HealthProof;
use crate::watch::phase::{Decision, End, LAG, Policy};
use crate::watch::settings::Mode;
use crate::{Hold, Kind, Moment, RemoteText, Verdict};

/// How long the health may be unknown. The server itself gives up after five minutes without an observation.
const LONGEST_UNKNOWN: Duration = Duration::from_secs(300);
/// How often in a row the server has to say that it has no health. A single time may be its database.
const REFUSALS: u32 = 3;

/// What is known about the component's health, from poll to poll.
#[derive(Debug, Default)]
pub(super) struct KnownHealth {
    component: Option<Arc<ComponentHealth>>,
    resources: Vec<Resource>,
    /// The latest time at which the server has changed its word, and since when it has only repeated words from before. Those
    /// are a lagging replica's, or the server's clock was set back.
    changed: NewestTime,
    /// The same for the last observation.
    observed: NewestTime,
    /// The time of the last observation at the first poll since the deploy ended, and when that was.
    first: Option<(Timestamp, Moment)>,
    /// The time of the last observation, and when it was first read.
    last: Option<(Timestamp, Moment)>,
    /// How often in a row the server has refused to answer.
    refusals: u32,
    /// Since when it has been healthy. Only an answer that says otherwise ends that, not one that is missing, nor one about
    /// the deploy that holds it.
    bake: Option<Bake>,
    /// Since when its health is unknown. What else holds the deploy meanwhile does not end that.
    unknown_since: Option<Moment>,
}

/// The latest of the times that answers have shown.
#[derive(Debug, Default)]
struct NewestTime {
    time: Option<Timestamp>,
    /// Since when they have shown earlier ones.
    older_since: Option<Moment>,
}

impl NewestTime {
    fn note(&mut self, time: Option<Timestamp>, now: Moment) {
        let is_behind = time.zip(self.time).is_some_and(|(time, newest)| time < newest);
        self.older_since = is_behind.then(|| self.older_since.unwrap_or(now));
        self.time = self.time.max(time);
    }

    /// Returns whether the last answer may come from a replica that lags.
    fn is_outdated(&self, now: Moment) -> bool {
        self.older_since.is_some_and(|since| now < since + LAG)
    }
}

impl KnownHealth {
    fn is_outdated(&self, now: Moment) -> bool {
        self.changed.is_outdated(now) || self.observed.is_outdated(now)
    }

    /// The deploy ended anew: what had been read by then was observed before that, whatever the runner's clock says.
    pub(super) fn end_anew(&mut self, ended: Timestamp, policy: &Policy<'_>) {
        let is_since = |read: Moment| policy.server_time(read).as_second() > ended.as_second();
        self.first = self.first.filter(|(_, read)| is_since(*read));
        self.bake = self.bake.take().filter(|bake| is_since(bake.from));
    }
}

/// What the poll under way has read of it.
#[derive(Debug, Default)]
pub(super) struct HealthReads {
    component: Option<Arc<ComponentHealth>>,
    /// When that was.
    at: Moment,
    /// Rows have no ids.
    resources: Paged<Resource, Resource>,
    error: Option<ApiError>,
}

/// Whether the component is healthy, and has been for long enough.
pub(super) enum Healthy {
    /// That is not required.
    NotRequired,
    /// It is.
    Proven(HealthProof),
    /// It is not, or not yet; this is the decision.
    Unproven(Decision),
}

impl Follow {
    /// Returns whether the component is healthy, if that is required. One that was torn down has no health.
    pub(super) fn healthy(&self, row: &Deploy, policy: &Policy<'_>) -> Healthy {
        let required = policy.settings.healthy_for.filter(|_| row.kind() != Some(Kind::Teardown));
        required.map_or(Healthy::NotRequired, |length| self.healthy_for(length, row, policy))
    }

    fn healthy_for(&self, length: Duration, row: &Deploy, policy: &Policy<'_>) -> Healthy {
        let HealthReads { component, resources, error, .. } = &self.reads.health;
        let target = policy.target;
        if let Some(error) = error {
            return Healthy::Unproven(self.unread(error, row, policy));
        }
        let Some((component, id)) = component.as_deref().and_then(|own| Some((own, own.id.as_ref()?))) else {
            return needs(Request::Health(target.install.clone(), target.component.clone()));
        };
        if let Some(page) = resources.page() {
            let (install, component) = (target.install.clone(), target.component.clone());
            return needs(Request::Resources(install, component, id.clone(), page));
        }
        let Some(ended) = self.ended_at(row) else {
            let words = RemoteText::new("the deploy does not say when it ended");
            return Healthy::Unproven(self.unseen(words, None, policy));
        };
        let read = self.known_health.last.map_or(policy.now, |(_, read)| read);
        let times = Times {
            stated: row.status_since().unwrap_or(ended),
            ended,
            // With a single poll, observations from before and after it cannot be distinguished.
            first: self.known_health.first.filter(|_| policy.settings.mode == Mode::Wait).map(|(observed, _)| observed),
            read: policy.server_time(read),
            now: policy.server_now(),
        };
        Healthy::Unproven(match condition(component, resources.rows(), times) {
            Condition::Healthy(_) if self.known_health.is_outdated(policy.now) => Decision::Hold(Hold::Outdated),
            Condition::Healthy(sight) => return self.baked(&sight, length, ended, policy),
            Condition::Bad(_, text) if self.known_health.is_outdated(policy.now) => {
                Decision::Hold(Hold::NotHealthy(text))
            }
            Condition::Bad(health, text) => {
                Decision::End(End::Otherwise(Verdict::Failed, Cause::Unhealthy { health, text }))
            }
            Condition::NotYet(words) => Decision::Hold(Hold::NotHealthy(words)),
            Condition::Unseen(words) => self.unseen(words, Some(ended), policy),
            Condition::Stale(since) => {
                let second = Timestamp::from_second(since.as_second()).unwrap_or(since);
                let words = format!("nothing of the component was observed since {second}");
                self.unseen(RemoteText::new(words), Some(since), policy)
            }
        })
    }

    /// Returns when the deploy ended: by its status, by the steps that worked on it, and not before it was created or applied.
    /// Several machines write these times, and one whose clock is behind must not make what was observed before look newer.
    fn ended_at(&self, row: &Deploy) -> Option<Timestamp> {
        let since = row.status_since()?;
        Some([row.created_at, row.applied_at].into_iter().flatten().chain(self.ended_with(row)).fold(since, Ord::max))
    }

    /// Decides about a component that is healthy, by how long it has been, up to the last observation. If the server
    /// called it anything else in between, or the deploy ended anew, that time starts over.
    fn baked(&self, sight: &Sight, length: Duration, ended: Timestamp, policy: &Policy<'_>) -> Healthy {
        let Sight { began, observed } = *sight;
        let at = self.reads.health.at;
        let before = self.known_health.bake.as_ref().filter(|bake| bake.began == began && bake.observed > ended);
        let (from, first) = before.map_or((at, observed), |bake| (bake.from, bake.observed));
        let baked = match policy.settings.mode {
            Mode::Wait => span(first, observed).min(at - from),
            // There is no other poll, so the server's times decide how long it has been healthy.
            Mode::Once if policy.has_server_time => span(began.max(ended), observed),
            Mode::Once => Duration::ZERO,
        };
        if baked >= length {
            return Healthy::Proven(HealthProof::new(observed, baked));
        }
        Healthy::Unproven(Decision::Hold(Hold::Baking(Bake { from, length, baked, began, observed: first })))
    }

    /// Decides about a component whose health is unknown since a time, or could have been known since then. That may last
    /// for a while, because it is only observed about once a minute.
    fn unseen(&self, words: RemoteText, since: Option<Timestamp>, policy: &Policy<'_>) -> Decision {
        let has_lasted = match policy.settings.mode {
            Mode::Wait => self.known_health.unknown_since.is_some_and(|since| policy.now >= since + LONGEST_UNKNOWN),
            Mode::Once => since.is_none_or(|since| span(since, policy.server_now()) >= LONGEST_UNKNOWN),
        };
        if has_lasted { inconclusive(words) } else { Decision::Hold(Hold::Unseen(words)) }
    }

    /// Decides about a component whose health could not be read. If it was healthy before, the bake goes on: the next
    /// answer shows whether that has changed.
    fn unread(&self, error: &ApiError, row: &Deploy, policy: &Policy<'_>) -> Decision {
        let words = RemoteText::new(error.to_string());
        if policy.settings.mode == Mode::Once || self.known_health.refusals >= REFUSALS {
            return inconclusive(words);
        }
        match &self.known_health.bake {
            Some(bake) if policy.now < bake.until() && !self.lacks_word() => Decision::Hold(Hold::Baking(bake.clone())),
            _ => self.unseen(words, self.ended_at(row), policy),
        }
    }

    /// Returns whether the server, in this poll, did not report the component's health.
    fn lacks_word(&self) -> bool {
        let component = self.reads.health.component.as_ref();
        component.is_some_and(|own| own.verdict.as_ref().is_none_or(|verdict| verdict.status.is_none()))
    }

    /// Records since when it has been healthy, or unknown, or that it is not any more.
    pub(super) fn note_health(&mut self, hold: &Hold, now: Moment) {
        let keeps_bake = self.reads.health.error.is_some() && !self.lacks_word();
        let known = &mut self.known_health;
        match hold {
            Hold::Baking(bake) => (known.bake, known.unknown_since) = (Some(bake.clone()), None),
            Hold::NotHealthy(_) => (known.bake, known.unknown_since) = (None, None),
            Hold::Unseen(_) => {
                known.bake = known.bake.take().filter(|_| keeps_bake);
                known.unknown_since.get_or_insert(now);
            }
            _ => {}
        }
    }

    /// Accepts an answer about its health.
    ///
    /// # Errors
    ///
    /// If it is an unusable page.
    pub(super) fn accept_health(&mut self, request: &Request, fact: Fact, now: Moment) -> Result<(), ApiError> {
        let (reads, known) = (&mut self.reads.health, &mut self.known_health);
        match (fact, request) {
            (Fact::Health(component), _) => {
                (reads.component, reads.at) = (Some(component.clone()), now);
                known.changed.note(component.verdict.as_ref().and_then(|verdict| verdict.since), now);
                known.component = Some(component);
            }
            (Fact::Resources(found), Request::Resources(.., page)) => {
                reads.resources.accept(*page, found, "objects and checks", |row| Some(row))?;
                if reads.resources.page().is_none() {
                    let rows = reads.resources.rows();
                    let observed = last_observed(rows).unwrap_or(Timestamp::UNIX_EPOCH);
                    known.observed.note(last_observed(rows), now);
                    // Of what is not observed yet, the first observation may be an old one.
                    if observed > Timestamp::UNIX_EPOCH {
                        known.first.get_or_insert((observed, now));
                    }
                    known.last = known.last.filter(|(before, _)| *before == observed).or(Some((observed, now)));
                    (known.resources, known.refusals) = (rows.to_vec(), 0);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Records that its health could not be read.
    pub(in crate::watch) fn miss_health(&mut self, error: &ApiError) {
        let is_denied = matches!(error.class(), ErrorClass::Denied | ErrorClass::Refused);
        let is_refused = error.is_absence() || error.is_from_nuon() && is_denied;
        self.known_health.refusals = if is_refused { self.known_health.refusals + 1 } else { 0 };
        self.reads.health.error = Some(error.clone());
    }

    /// Returns what was last read of the component's health.
    pub(in crate::watch) fn health_report(&self, length: Duration) -> Option<HealthReport> {
        let baked = self.known_health.bake.as_ref().map_or(Duration::ZERO, |bake| bake.baked);
        let component = self.known_health.component.as_deref()?;
        Some(HealthReport::new(component, &self.known_health.resources, length, baked))
    }
}

fn needs(request: Request) -> Healthy {
    Healthy::Unproven(Decision::Need(request))
}

fn inconclusive(words: RemoteText) -> Decision {
    Decision::End(End::Otherwise(Verdict::Inconclusive, Cause::HealthUnknown(words)))
}
