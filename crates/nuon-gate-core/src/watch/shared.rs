//! What the polls of all targets share.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::event::{Event, EventKind, Refusal};
use super::health::Health;
use super::lists::Lists;
use super::phase::OptionalReads;
use super::queues::Queues;
use super::settings::{Mode, WatchSettings};
use super::takeovers::Takeovers;
use crate::api::Request;
use crate::cause::Warning;
use crate::model::{QueuePlace, Workflow};
use crate::{Dashboard, InstallId, Moment, RemoteText, Target, WorkflowId};

/// How often something on which no verdict depends is requested.
const TRIES: u32 = 3;
/// Clocks that differ by less keep the same time.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// What all pollers share.
#[derive(Debug)]
pub(super) struct Shared {
    settings: WatchSettings,
    started_at: Timestamp,
    /// When the watch began by the server's clock, once an answer has said so.
    server_started_at: Option<Timestamp>,
    health: Health,
    refusal: Option<Refusal>,
    dashboard: Optional<Dashboard>,
    /// When each workflow last answered, whoever asked: one that has exists.
    workflows: HashMap<WorkflowId, Moment>,
    install_names: HashMap<InstallId, Optional<RemoteText>>,
    lists: Lists,
    queues: Queues,
    takeovers: Takeovers,
    /// About the run as a whole.
    warnings: Vec<Warning>,
    events: Vec<Event>,
    last_event: Moment,
    /// When anything last changed, of any target.
    last_change: Moment,
}

/// Something on which no verdict depends.
#[derive(Debug)]
struct Optional<T> {
    value: Option<T>,
    /// It has come, or was asked for in vain often enough.
    tries_left: u32,
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self { value: None, tries_left: TRIES }
    }
}

impl<T> Optional<T> {
    fn come(&mut self, value: Option<T>) {
        *self = Self { value, tries_left: 0 };
    }

    fn missed(&mut self) {
        self.tries_left = self.tries_left.saturating_sub(1);
    }
}

impl Shared {
    pub(super) fn new(settings: WatchSettings, started_at: Timestamp) -> Self {
        Self {
            settings,
            started_at,
            server_started_at: None,
            health: Health::default(),
            refusal: None,
            dashboard: Optional::default(),
            workflows: HashMap::new(),
            install_names: HashMap::new(),
            lists: Lists::default(),
            queues: Queues::default(),
            takeovers: Takeovers::default(),
            warnings: Vec::new(),
            events: Vec::new(),
            last_event: Moment::START,
            last_change: Moment::START,
        }
    }

    pub(super) fn settings(&self) -> &WatchSettings {
        &self.settings
    }

    pub(super) fn is_once(&self) -> bool {
        self.settings.mode == Mode::Once
    }

    pub(super) fn deadline(&self) -> Moment {
        Moment::START + self.settings.clocks.total
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn health_mut(&mut self) -> &mut Health {
        &mut self.health
    }

    pub(super) fn lists(&self) -> &Lists {
        &self.lists
    }

    pub(super) fn lists_mut(&mut self) -> &mut Lists {
        &mut self.lists
    }

    /// Takes note that a workflow has answered, whoever asked for it.
    pub(super) fn note_workflow(&mut self, id: &WorkflowId, workflow: &Workflow, now: Moment) {
        self.workflows.insert(id.clone(), now);
        self.queues.note_workflow(id, workflow);
    }

    /// Returns the request for a workflow's place in its queue, if it waits and has not just been asked about.
    pub(super) fn queue_request(&self, id: &WorkflowId, now: Moment) -> Option<Request> {
        let every = self.settings.intervals.max();
        self.queues.is_wanted(id, now, every).then(|| Request::QueuePosition(id.clone()))
    }

    /// Takes in a workflow's place in its queue, and says so if it is another one: on behalf of a target, if one asked.
    pub(super) fn queue_came(
        &mut self,
        id: &WorkflowId,
        place: Option<QueuePlace>,
        target: Option<usize>,
        now: Moment,
    ) {
        if let Some(place) = self.queues.came(id, place, now) {
            self.emit(now, EventKind::Queued { target, workflow: id.clone(), place });
        }
    }

    pub(super) fn queues(&self) -> &Queues {
        &self.queues
    }

    pub(super) fn takeovers(&self) -> &Takeovers {
        &self.takeovers
    }

    pub(super) fn takeovers_mut(&mut self) -> &mut Takeovers {
        &mut self.takeovers
    }

    /// Returns when somebody last had a good answer to a request for a workflow.
    pub(super) fn answered_at(&self, request: &Request) -> Option<Moment> {
        match request {
            Request::Workflow(_, id) => self.workflows.get(id).copied(),
            _ => None,
        }
    }

    /// Returns the workflows that have answered, and when they last did.
    pub(super) fn answered(&self) -> &HashMap<WorkflowId, Moment> {
        &self.workflows
    }

    // Events.

    pub(super) fn emit(&mut self, at: Moment, kind: EventKind) {
        self.last_event = at;
        self.events.push(Event { at, kind });
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub(super) fn last_event(&self) -> Moment {
        self.last_event
    }

    pub(super) fn note_change(&mut self, now: Moment) {
        self.last_change = now;
    }

    pub(super) fn last_change(&self) -> Moment {
        self.last_change
    }

    /// Ends the whole wait: nothing was waited for.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    // Time.

    /// Returns when the watch began by this machine's clock.
    pub(super) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    pub(super) fn wall(&self, moment: Moment) -> Timestamp {
        self.started_at.saturating_add(moment.elapsed()).unwrap_or(self.started_at)
    }

    /// Returns when the watch began by the server's clock, as far as it is known.
    pub(super) fn server_started_at(&self) -> Timestamp {
        self.server_started_at.unwrap_or(self.started_at)
    }

    /// Tells whether the server has said its time.
    pub(super) fn has_server_time(&self) -> bool {
        self.server_started_at.is_some()
    }

    /// Takes note of the server's time. The first answer decides; `timed`: a time has been pinned, so that it matters whether
    /// this machine's clock is right.
    pub(super) fn note_server_time(&mut self, now: Moment, server_time: Option<Timestamp>, timed: bool) {
        let Some(at) = server_time.filter(|_| self.server_started_at.is_none()) else { return };
        self.server_started_at = at.saturating_sub(now.elapsed()).ok();
        let skew = at.duration_since(self.wall(now)).abs();
        if timed && skew > LARGEST_SKEW {
            self.warn(now, Warning::ClockSkew(Duration::try_from(skew).unwrap_or_default()));
        }
    }

    /// Says something about the run as a whole that a human should know.
    pub(super) fn warn(&mut self, now: Moment, warning: Warning) {
        self.warnings.push(warning.clone());
        self.emit(now, EventKind::Warned { target: None, warning });
    }

    // What no verdict depends on.

    pub(super) fn dashboard(&self) -> Option<&Dashboard> {
        self.dashboard.value.as_ref()
    }

    /// Returns the request for the dashboard's address, as long as that may still come.
    pub(super) fn unread_dashboard(&self) -> Option<Request> {
        self.settings.org.clone().filter(|_| self.dashboard.tries_left > 0).map(Request::Dashboard)
    }

    pub(super) fn install_name(&self, install: &InstallId) -> Option<&RemoteText> {
        self.install_names.get(install).and_then(|name| name.value.as_ref())
    }

    pub(super) fn dashboard_came(&mut self, dashboard: Option<Dashboard>) {
        self.dashboard.come(dashboard);
    }

    pub(super) fn install_name_came(&mut self, install: &InstallId, name: Option<RemoteText>) {
        self.install_names.entry(install.clone()).or_default().come(name);
    }

    /// Takes note that such a request had no good answer, and tells whether it is one.
    pub(super) fn optional_missed(&mut self, request: &Request, now: Moment) -> bool {
        match request {
            Request::QueuePosition(id) => self.queues.missed(id, now),
            Request::Dashboard(_) => self.dashboard.missed(),
            Request::Install(install) if self.settings.links => {
                self.install_names.entry(install.clone()).or_default().missed();
            }
            _ => return false,
        }
        true
    }

    /// Returns what would be good to know of a target.
    pub(super) fn optional_reads(&self, target: &Target) -> OptionalReads {
        let dashboard = self.unread_dashboard();
        let unnamed = target.install_name().is_none()
            && self.install_names.get(&target.install).is_none_or(|name| name.tries_left > 0);
        let name = unnamed.then(|| Request::Install(target.install.clone()));
        let early = dashboard.clone().or(name).filter(|_| self.settings.links);
        OptionalReads { early, dashboard }
    }
}
