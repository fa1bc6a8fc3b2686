//! Workflows: those that the script tells in full, and those that follow from their deploys.

use std::time::Duration;

use serde_json::Value;

use crate::bodies::{self, Detail};
use crate::http::Reply;
use crate::progress::Lasts;
use crate::script::Generation;
use crate::state::{Place, State};

impl State {
    /// Answers with a workflow.
    pub(crate) fn workflow(&mut self, id: &str, now: Duration) -> Reply {
        self.look_at_cancelling(id, now);
        match self.show_workflow(id, now, 1) {
            Some(workflow) => Reply::ok(&workflow),
            None => bodies::not_found("workflow"),
        }
    }

    /// Returns a workflow as it stands, and counts so many looks at it.
    pub(crate) fn show_workflow(&mut self, id: &str, now: Duration, looks: u32) -> Option<Value> {
        let told = self.script.workflows.iter().position(|workflow| workflow.id == id);
        let mut body = match told {
            Some(at) => self.told_workflow(at, now, looks),
            None => self.implied_workflow(id, now)?,
        };
        if let Some(finished) = self.cancelled_and_finished(id) {
            bodies::cancel_workflow(&mut body, finished);
        }
        Some(body)
    }

    fn told_workflow(&mut self, at: usize, now: Duration, looks: u32) -> Value {
        let workflow = &self.script.workflows[at];
        let lasts: Vec<Lasts> = workflow.states.iter().map(|state| (state.duration, state.looks)).collect();
        let current = self.workflows[at].advance(&lasts, Duration::ZERO, now, looks);
        bodies::workflow(workflow, current)
    }

    fn implied_workflow(&mut self, id: &str, now: Duration) -> Option<Value> {
        if self.script.generation == Generation::Old {
            return None;
        }
        let places = self.places_of_workflow(id);
        let (at, _) = *places.iter().find(|place| self.is_there(**place, now))?;
        let mut rows: Vec<Place> =
            places.into_iter().filter(|place| place.0 == at && self.is_there(*place, now)).collect();
        // The newest row of a workflow says where it stands.
        let newest = rows.pop()?;
        let body = self.show(newest, now, Detail::Short, 0);
        let retried: Vec<&str> = rows.iter().filter_map(|place| self.deploy_at(*place).id.as_deref()).collect();
        Some(bodies::workflow_of(&self.script.components[at], &retried, &body))
    }

    /// Returns where the deploys of a workflow are.
    pub(crate) fn places_of_workflow(&self, id: &str) -> Vec<Place> {
        let components = self.script.components.iter().enumerate();
        let deploys = components.flat_map(|(at, component)| {
            component.deploys.iter().enumerate().map(move |(position, deploy)| ((at, position), deploy))
        });
        deploys.filter(|(_, deploy)| deploy.workflow.as_deref() == Some(id)).map(|(place, _)| place).collect()
    }

    /// Tells whether a deploy's row is there.
    pub(crate) fn is_there(&self, (at, position): Place, now: Duration) -> bool {
        self.visible(at, now).contains(&position)
    }
}
