//! Plays health checks after a deploy is active.

use super::play::{Fate, Player, Spot};
use super::story::{Age, Aim, Change, insert};
use super::ways::Way;

impl Player<'_> {
    /// Verifies the health of what was applied, if the component has health checks.
    pub(super) fn health(&mut self, flow: usize, spot: &Spot, row: usize, at: i64) -> (i64, Fate) {
        let Some(mut step) = spot.health else { return (at, Fate::Done) };
        let bad = match spot.way {
            Way::Healthy => 0,
            Way::HealthyLate => self.rng.u32(1..3),
            _ => self.rng.u32(1..=3),
        };
        let anew = self.chance(50);
        let mut at = at + self.span(0, 4);
        self.begin(flow, step, at);
        for number in 1..=bad {
            at += self.span(20, 180);
            self.verified.push((spot.component, row, at, "error", "component did not become healthy"));
            let last = number == bad && spot.way == Way::Unhealthy;
            if last {
                self.end(flow, step, at, "error", "component did not become healthy");
                self.story.flows[flow].steps[step].metadata =
                    r#"{"kind":"Deployment","name":"web","health":"unhealthy"}"#;
                return (at, if self.chance(50) { Fate::Parks } else { Fate::Failed });
            }
            let pause = self.span(0, 20);
            if anew {
                step = self.another_try(flow, spot, step, at, number, pause);
            } else {
                let steps = &mut self.story.flows[flow].steps[step];
                insert(&mut steps.changes, Change::new(at, "retrying", "not healthy yet"));
                insert(&mut steps.changes, Change::new(at + pause, "in-progress", "waiting for 1 of 2 checks"));
            }
            at += pause;
        }
        at += self.span(10, 120);
        self.verified.push((spot.component, row, at, "active", "health verified"));
        let ends = at + self.span(0, 3);
        self.end(flow, step, ends, "success", "");
        (ends, Fate::Done)
    }

    /// Ends an attempt, and starts another one as a step of its own.
    fn another_try(&mut self, flow: usize, spot: &Spot, step: usize, at: i64, number: u32, pause: i64) -> usize {
        self.end(flow, step, at, "error", "component did not become healthy");
        let old = &mut self.story.flows[flow].steps[step];
        old.retried = Some(at);
        old.metadata = r#"{"auto_retried":true,"retry_idx":0,"max_retries":3}"#;
        let (name, group) = (old.name.clone(), old.group);
        let step = self.step(flow, name, group, "system", Aim::Part(spot.component), at);
        self.story.flows[flow].steps[step].group_retry = number;
        self.begin(flow, step, at + pause);
        step
    }

    /// Writes the outcomes of health checks, each into the component's newest apply at that time.
    pub(super) fn write_verified(&mut self) {
        debug_assert!(self.story.age == Age::New || self.verified.is_empty());
        let mut astray = false;
        for (component, verified, at, word, text) in std::mem::take(&mut self.verified) {
            let newest = self
                .story
                .rows
                .iter()
                .enumerate()
                .filter(|(_, row)| row.component == component && row.created <= at && row.kind == "apply")
                .max_by_key(|(_, row)| row.created);
            let target = newest.map_or(verified, |(number, _)| number);
            astray |= target != verified;
            insert(&mut self.story.rows[target].changes, Change::new(at, word, text));
        }
        if astray {
            self.story.notes.push("health-written-to-a-newer-row");
        }
    }
}
