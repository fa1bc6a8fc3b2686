//! Health gates: the attempts that follow a deploy, and what they write.

use std::time::Duration;

use crate::bodies;
use crate::progress::Lasts;
use crate::row::{Gate, Place};
use crate::script::{Answer, Generation, Health, Outcome, Stay};
use crate::state::State;

impl State {
    /// Returns the gate that verifies a deploy's health. Servers before 2026 have none.
    pub(super) fn health_at(&self, (at, position): Place) -> Option<&Health> {
        let component = &self.script.components[at];
        let health = component.health_of(&component.deploys[position]);
        health.filter(|_| self.script.generation == Generation::New)
    }

    /// Returns the current state of a deploy's gate.
    pub(super) fn gate(&self, place: Place) -> Option<Gate<'_>> {
        let health = self.health_at(place)?;
        let mut entered = self.progress[place.0].deploys[place.1].gate.entered().len();
        if self.light == Some(Answer::Lagging) {
            // Each change of the gate is a change of the deploy.
            entered = entered.saturating_sub(1);
        }
        let component = &self.script.components[place.0];
        Some(Gate { health, component, outcomes: health.outcomes(), entered })
    }

    /// Advances a deploy's gate, and writes its outcomes since then.
    pub(super) fn advance_gate(&mut self, place: Place, now: Duration, polls: u32) {
        let (Some(begins), Some(health)) = (self.applied_at(place), self.health_at(place)) else { return };
        let outcomes = health.outcomes();
        let mut lasts: Vec<Lasts> = outcomes.iter().map(|_| (health.duration, health.polls)).collect();
        lasts.push((None, None));
        let failure = bodies::failure(&self.script.components[place.0], health);
        let progress = &mut self.progress[place.0].deploys[place.1];
        progress.gate.advance(&lasts, begins, now, polls);
        let ended = progress.gate.entered()[1..].iter().copied().zip(outcomes);
        let unwritten: Vec<_> = ended.skip(progress.outcomes).collect();
        progress.outcomes += unwritten.len();
        for (ended_at, outcome) in unwritten {
            self.write_outcome(place, outcome, &failure, ended_at);
        }
    }

    /// Returns when a deploy was applied, if it was.
    pub(super) fn applied_at(&self, place: Place) -> Option<Duration> {
        let (deploy, row) = (self.deploy_at(place), &self.progress[place.0].deploys[place.1].row);
        let is_last = row.entered().len() == deploy.statuses.len() && row.cancelled().is_none();
        let last = deploy.statuses.last().filter(|stay| is_last && stay.status == "active");
        last.and_then(|_| row.entered().last().copied())
    }

    /// Writes an outcome to the component's newest apply, which need not be the deploy that was verified.
    fn write_outcome(&mut self, (at, position): Place, outcome: Outcome, failure: &str, ended_at: Duration) {
        let (status, description) = match outcome {
            Outcome::Active => ("active", "health verified"),
            Outcome::Error => ("error", failure),
        };
        let stay = Stay { status: status.to_owned(), description: Some(description.to_owned()), ..Stay::default() };
        let mut visible = self.visible(at, ended_at);
        visible.retain(|position| self.deploy_at((at, *position)).is_apply());
        let newest = visible.last().copied().unwrap_or(position);
        let begins = self.deploy_at((at, newest)).begins(ended_at);
        let progress = &mut self.progress[at].deploys[newest];
        progress.row.begin(begins);
        progress.written.push((stay, ended_at));
    }
}
