//! Component health: observations of a component after it was applied.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::bodies;
use crate::ids::install_component;
use crate::message::{Reply, Seen};
use crate::progress::{Lasts, Progress};
use crate::script::{Component, Generation, Observation};
use crate::state::State;

/// How long before the first request stale observations were made.
const HOUR: Duration = Duration::from_secs(3600);

/// An observation of a component.
pub(crate) struct Observed<'a> {
    pub(crate) component: &'a Component,
    pub(crate) observation: &'a Observation,
    /// Since when its health is unchanged.
    pub(crate) since: Timestamp,
    /// When it was last observed.
    pub(crate) at: Timestamp,
}

impl State {
    /// Answers with the resources of an install's components. An organisation without component health is refused.
    pub(crate) fn resources(&mut self, install: &str, now: Duration, request: &Seen) -> Reply {
        let wished = request.query("install_component_id");
        let of_install = |component: &Component| component.install == install;
        let is_wished = |component: &Component| wished.as_deref().is_none_or(|id| id == install_component(component));
        let components = || self.script.components.iter().enumerate().filter(|(_, component)| of_install(component));
        if components().next().is_none() {
            return bodies::not_found("install");
        }
        if components().all(|(_, component)| component.observed.is_empty()) {
            let error = format!("component health is not enabled for org {}", self.script.org);
            return bodies::error(403, &error, "The component health feature is not enabled for this organization.");
        }
        let positions: Vec<usize> = components().filter(|(_, own)| is_wished(own)).map(|(at, _)| at).collect();
        let mut rows: Vec<Value> = Vec::new();
        for at in positions {
            rows.extend(self.observe(at, now, 1).map(|seen| bodies::resource(&seen)));
        }
        Reply::ok(&json!(rows))
    }

    /// Returns the current observation of a component since its newest apply, if there is one. Servers before 2026
    /// observe nothing.
    pub(super) fn observe(&mut self, at: usize, now: Duration, polls: u32) -> Option<Observed<'_>> {
        let applied = self.newest_applied(at, now).filter(|_| self.script.generation == Generation::New);
        let (position, begins) = applied?;
        let component = &self.script.components[at];
        let lasts: Vec<Lasts> = component.observed.iter().map(|own| (own.duration, own.polls)).collect();
        if lasts.is_empty() {
            return None;
        }
        let before = self.progress[at].observed.take().filter(|(of, _)| *of == position);
        let (_, progress) = self.progress[at].observed.insert(before.unwrap_or((position, Progress::default())));
        let current = progress.advance(&lasts, begins, now, polls);
        let entered = progress.entered().to_vec();
        let component = &self.script.components[at];
        let word = |position: usize| component.observed[position].health.as_str();
        let since = (0..current).rev().take_while(|before| word(*before) == word(current)).last().unwrap_or(current);
        let observation = &component.observed[current];
        let first = self.wall(self.script.began.unwrap_or_default());
        let stale = first.saturating_sub(HOUR).unwrap_or(Timestamp::UNIX_EPOCH);
        let at = if observation.stale { stale } else { self.wall(now + observation.ahead.unwrap_or_default()) };
        Some(Observed { component, observation, since: self.wall(entered[since]), at })
    }

    /// Returns the component's newest apply that has ended well, and when it ended.
    fn newest_applied(&mut self, at: usize, now: Duration) -> Option<(usize, Duration)> {
        let visible = self.visible(at, now);
        visible.into_iter().rev().find_map(|position| {
            self.advance((at, position), now, 0);
            let is_apply = self.deploy_at((at, position)).is_apply();
            Some((position, self.applied_at((at, position)).filter(|_| is_apply)?))
        })
    }
}
