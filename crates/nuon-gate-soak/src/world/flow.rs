//! Plays the parts of a workflow around its deploys: what precedes and follows them, and its end.

use super::play::{Fate, Player, Spot};
use super::story::{Age, Aim, Change};
use super::ways::Way;

impl Player<'_> {
    /// Runs the steps before the first deploy. Returns how the workflow ends if it stops there.
    pub(super) fn preludes(&mut self, flow: usize, spots: &[Spot], at: &mut i64) -> Option<Fate> {
        let first = spots.first().map_or(0, |spot| spot.plan);
        let stuck = spots.first().is_some_and(|spot| spot.way == Way::StuckQueued);
        let cancelled = spots.first().is_some_and(|spot| spot.way == Way::CancelledBefore);
        for step in 0..first {
            self.begin(flow, step, *at);
            *at += self.span(1, 8);
            if stuck && step + 1 == first {
                self.end(flow, step, *at, "error", "runner is not in a healthy state");
                return Some(Fate::Failed);
            }
            self.through(flow, step, *at);
            *at += self.span(0, 2);
        }
        if stuck {
            // There is no step before it, so the workflow itself fails.
            *at += self.span(1, 10);
            return Some(Fate::Failed);
        }
        if cancelled {
            *at += self.span(1, 20);
            return Some(Fate::Cancelled);
        }
        None
    }

    /// Runs something after the last deploy.
    pub(super) fn epilogue(&mut self, flow: usize, at: i64) -> i64 {
        let group = self.story.flows[flow].steps.last().map_or(1, |step| step.group + 1);
        let created = self.story.flows[flow].created;
        let step = self.step(flow, "post-deploy action: smoke test".to_owned(), group, "system", Aim::Action, created);
        let begins = at + self.span(0, 3);
        self.begin(flow, step, begins);
        let ends = begins + self.span(2, 60);
        self.through(flow, step, ends);
        ends
    }

    /// Ends a step that works on no deploy so that the workflow goes on: it succeeds, or its failure may be skipped.
    fn through(&mut self, flow: usize, step: usize, at: i64) {
        if self.story.age == Age::New && self.chance(5) {
            self.story.flows[flow].steps[step].skips_failure = true;
            self.story.notes.push("skipped-failure");
            self.end(flow, step, at, "error", "action failed");
        } else {
            self.end(flow, step, at, "success", "");
        }
    }

    /// Parks a workflow, and lets a human retry it.
    pub(super) fn park(&mut self, flow: usize, at: i64) -> i64 {
        let parks = at + self.span(0, 3);
        let text = "workflow failed, awaiting retry";
        if self.story.age == Age::New {
            self.turn(flow, Change { parked: true, ..Change::new(parks, "failed-pending-retry", text) });
        } else {
            self.turn(flow, Change::last(parks, "error", "workflow failed"));
        }
        let retried = parks + self.span(5, 180);
        self.turn(flow, Change::new(retried, "retrying", ""));
        self.turn(flow, Change::new(retried + 1500, "in-progress", "executing workflow"));
        retried + 1500
    }

    /// Ends a workflow. Returns when.
    pub(super) fn close(&mut self, flow: usize, at: i64, fate: Fate) -> i64 {
        let ends = at + self.span(0, 6);
        let unfinished = self.chance(10);
        match fate {
            Fate::Done => self.turn(flow, Change::last(ends, "success", "")),
            Fate::Failed if unfinished => self.turn(flow, Change::new(ends, "error", "workflow failed")),
            Fate::Failed => self.turn(flow, Change::last(ends, "error", "workflow failed")),
            Fate::Parks | Fate::ParksForAWhile => {
                let text = "workflow failed, awaiting retry";
                let word = if unfinished { "error" } else { "failed-pending-retry" };
                self.turn(flow, Change { parked: true, ..Change::new(ends, word, text) });
            }
            Fate::Cancelled if unfinished => self.turn(flow, Change::new(ends, "cancelled", "")),
            Fate::Cancelled => self.turn(flow, Change::last(ends, "cancelled", "workflow cancelled")),
            Fate::Hangs => return at,
        }
        if fate != Fate::Done {
            self.leave(flow, ends, fate);
        }
        ends
    }

    /// Sets the status of the steps that were never begun.
    fn leave(&mut self, flow: usize, at: i64, fate: Fate) {
        let marks = self.chance(70);
        let word = if fate == Fate::Cancelled && self.chance(50) { "cancelled" } else { "not-attempted" };
        let old = self.story.age != Age::New;
        for step in &mut self.story.flows[flow].steps {
            let waits = step.began.is_none() && step.changes.last().is_some_and(|change| !change.finished);
            if waits && marks {
                let change = if old { Change::last(at, word, "") } else { Change::new(at, word, "") };
                step.changes.push(change);
            }
        }
    }
}
