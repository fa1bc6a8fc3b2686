//! What the watches over all targets share.

use std::collections::HashMap;

use jiff::Timestamp;

use super::event::{Event, EventKind};
use super::health::Health;
use super::inquiry::Look;
use super::request::Request;
use super::settings::{InvalidSettings, Mode, WatchSettings};
use crate::model::Workflow;
use crate::{ApiError, Dashboard, InstallId, Moment, RemoteText, WorkflowId};

/// Why nothing was waited for, although the watch had begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The API's certificate is not trusted, and there was no good answer before.
    #[error(transparent)]
    Untrusted(ApiError),
    /// There is nothing that could be waited for.
    #[error(transparent)]
    Invalid(InvalidSettings),
}

/// What all targets share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) settings: WatchSettings,
    pub(super) started_at: Timestamp,
    pub(super) health: Health,
    pub(super) refusal: Option<Refusal>,
    /// Where the dashboard is, once somebody had to know and asked.
    pub(super) dashboard: Option<Dashboard>,
    pub(super) asked_for_dashboard: bool,
    /// The names of installs that somebody has asked for, as far as they came.
    pub(super) install_names: HashMap<InstallId, Option<RemoteText>>,
    /// The workflows behind the deploys, which several targets can share, with when each was read.
    pub(super) workflows: HashMap<WorkflowId, (Moment, Workflow)>,
    pub(super) events: Vec<Event>,
    pub(super) last_event: Moment,
}

impl Context {
    pub(super) fn emit(&mut self, at: Moment, kind: EventKind) {
        self.last_event = at;
        self.events.push(Event { at, kind });
    }

    pub(super) fn wall(&self, moment: Moment) -> Timestamp {
        self.started_at.saturating_add(moment.elapsed()).unwrap_or(self.started_at)
    }

    pub(super) fn is_glance(&self) -> bool {
        self.settings.mode == Mode::Glance
    }

    pub(super) fn deadline(&self) -> Moment {
        Moment::START + self.settings.clocks.total
    }

    pub(super) fn workflow(&self, id: &WorkflowId) -> Option<&Workflow> {
        self.workflows.get(id).map(|(_, workflow)| workflow)
    }

    pub(super) fn has_workflow_since(&self, id: &WorkflowId, moment: Moment) -> bool {
        self.workflows.get(id).is_some_and(|(read, _)| *read >= moment)
    }

    pub(super) fn keep_workflow(&mut self, look: &Look, workflow: Workflow, now: Moment) {
        if let Request::Workflow(id) = &look.request {
            self.workflows.insert(id.clone(), (now, workflow));
        }
    }
}
