//! Workflows: fully scripted ones, and those that follow from their deploys or from a branch's run.

use std::time::Duration;

use serde_json::Value;

use crate::bodies::{self, Implied, Owner};
use crate::message::Reply;
use crate::progress::Lasts;
use crate::row::Place;
use crate::script::{Component, Deploy, Generation, Step};
use crate::state::State;

impl State {
    /// Answers with a workflow.
    pub(crate) fn workflow(&mut self, id: &str, now: Duration) -> Reply {
        self.advance_cancelling(id, now);
        match self.show_workflow(id, now, 1) {
            Some(workflow) => Reply::ok(&workflow),
            None => bodies::not_found("workflow"),
        }
    }

    /// Returns a workflow's current state, and counts this many polls of it.
    pub(super) fn show_workflow(&mut self, id: &str, now: Duration, polls: u32) -> Option<Value> {
        let mut body = match self.scripted(id) {
            Some(at) => self.scripted_workflow(at, now, polls),
            None => self
                .triggered_workflow(id, now)
                .or_else(|| self.implied_workflow(id, now))
                .or_else(|| self.run_workflow(id, now))?,
        };
        self.show_cancelling(id, &mut body);
        Some(body)
    }

    /// Returns a fully scripted workflow. This does not count as a poll.
    pub(super) fn show_scripted_workflow(&mut self, id: &str, now: Duration) -> Option<Value> {
        self.scripted(id).map(|at| self.scripted_workflow(at, now, 0))
    }

    /// Turns a workflow's body into that of a cancelled one, if it was cancelled.
    pub(super) fn show_cancelling(&self, id: &str, body: &mut Value) {
        if let Some(finished) = self.cancelled_and_finished(id) {
            bodies::cancel_workflow(body, finished);
        }
    }

    pub(super) fn scripted(&self, id: &str) -> Option<usize> {
        self.script.workflows.iter().position(|workflow| workflow.id == id)
    }

    fn scripted_workflow(&mut self, at: usize, now: Duration, polls: u32) -> Value {
        let current = self.advance_scripted(at, now, polls);
        let workflow = &self.script.workflows[at];
        let of_install = || {
            let id = workflow.install.as_deref()?;
            Some(Owner { id, kind: "installs", name: self.name_of_install(id) })
        };
        let owner = self.owner_of_run(&workflow.id).or_else(of_install);
        bodies::workflow(workflow, current, owner.as_ref())
    }

    /// Returns the steps of a fully scripted workflow. This does not count as a poll.
    pub(super) fn scripted_steps(&mut self, id: &str, now: Duration) -> Option<&[Step]> {
        let at = self.scripted(id)?;
        let current = self.advance_scripted(at, now, 0);
        Some(&self.script.workflows[at].states[current].steps)
    }

    fn advance_scripted(&mut self, at: usize, now: Duration, polls: u32) -> usize {
        let states = &self.script.workflows[at].states;
        let lasts: Vec<Lasts> = states.iter().map(|state| (state.duration, state.polls)).collect();
        self.workflows[at].advance(&lasts, Duration::ZERO, now, polls)
    }

    fn implied_workflow(&mut self, id: &str, now: Duration) -> Option<Value> {
        let (newest, retried) = self.newest_of_workflow(id, now)?;
        self.advance(newest, now, 0);
        let row = self.row(newest);
        let retried = retried.iter().filter_map(|place| self.deploy_at(*place).id.as_deref()).collect();
        let install = &row.component.install;
        let owner = Owner { id: install, kind: "installs", name: self.name_of_install(install) };
        Some(bodies::implied_workflow(&Implied { row, retried, gate: self.gate(newest), owner }))
    }

    /// Returns the newest row of a workflow, which decides its state, and the earlier ones.
    fn newest_of_workflow(&self, id: &str, now: Duration) -> Option<(Place, Vec<Place>)> {
        if self.script.generation == Generation::Old {
            return None;
        }
        let mut rows = self.places_of_workflow(id);
        rows.retain(|place| self.is_there(*place, now));
        let (at, _) = *rows.first()?;
        rows.retain(|place| place.0 == at);
        Some((rows.pop()?, rows))
    }

    /// Returns the places of a workflow's deploys.
    pub(super) fn places_of_workflow(&self, id: &str) -> Vec<Place> {
        let positions = |(at, component): (usize, &Component)| {
            let is_of = |deploy: &Deploy| deploy.workflow.as_deref() == Some(id);
            let deploys = component.deploys.iter().enumerate().filter(|(_, deploy)| is_of(deploy));
            deploys.map(|(position, _)| (at, position)).collect::<Vec<_>>()
        };
        self.script.components.iter().enumerate().flat_map(positions).collect()
    }

    /// Answers with a workflow's place in the queue.
    pub(crate) fn queue_position(&mut self, id: &str, now: Duration) -> Reply {
        let ahead = match self.scripted(id) {
            Some(at) => {
                let current = self.advance_scripted(at, now, 0);
                self.script.workflows[at].states[current].ahead
            }
            None => self.newest_of_workflow(id, now).and_then(|(newest, _)| {
                self.advance(newest, now, 0);
                self.row(newest).own().ahead
            }),
        };
        let ahead = ahead.filter(|_| self.cancelled_and_finished(id).is_none());
        Reply::ok(&bodies::queue_position(ahead, self.wall(Duration::ZERO)))
    }
}
