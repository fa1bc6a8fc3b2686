//! What the polls of all targets share.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::api_health::ApiHealth;
use super::era::ServerClock;
use super::event::{Event, EventKind, Refusal};
use super::install_lists::InstallLists;
use super::logs::Logs;
use super::queues::Queues;
use super::settings::{Mode, WatchSettings};
use super::takeovers::Takeovers;
use crate::api::{ApiError, Reply, Request};
use crate::cause::Warning;
use crate::model::{QueuePosition, StepStanding, Workflow, WorkflowEnd};
use crate::{Dashboard, DeployId, InstallId, Moment, WorkflowId};

/// How often the dashboard's address is requested: no verdict depends on it.
const DASHBOARD_TRIES: u32 = 3;
/// The tolerated difference of clocks.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// What all pollers share.
#[derive(Debug)]
pub(super) struct Shared {
    settings: WatchSettings,
    started_at: Timestamp,
    /// When the watch began by the server's clock, once an answer has said so.
    server_started_at: Option<Timestamp>,
    api_health: ApiHealth,
    /// The last polls have begun: nothing is requested that is only useful later.
    is_ending: bool,
    refusal: Option<Refusal>,
    dashboard: Option<Dashboard>,
    /// 0 once it is known, or failed often enough.
    dashboard_tries_left: u32,
    /// When each workflow last answered any poller: one that has exists.
    workflows: HashMap<WorkflowId, Moment>,
    /// Those that have ended, by the newest answer. One that waits for a retry has not.
    over: HashSet<WorkflowId>,
    /// The workflows of which an answer has said that they do more than plan.
    deploying: HashSet<WorkflowId>,
    /// Whether each belongs to an install, by the last answer that said so.
    owned: HashMap<(WorkflowId, InstallId), Result<(), ApiError>>,
    /// The deploys about which a human is asked, by the newest answer about each workflow.
    asked_about: HashMap<WorkflowId, HashSet<String>>,
    /// Since when every answer about a workflow has asked a human about anything.
    asking_since: HashMap<WorkflowId, Moment>,
    /// The last known states of each one's steps.
    steps: HashMap<WorkflowId, Vec<StepStanding>>,
    install_lists: InstallLists,
    logs: Logs,
    queues: Queues,
    takeovers: Takeovers,
    /// Warnings about the run as a whole.
    warnings: Vec<Warning>,
    events: Vec<Event>,
    last_event: Moment,
    /// The last change of any target.
    last_change: Moment,
}

impl Shared {
    pub(super) fn new(settings: WatchSettings, started_at: Timestamp) -> Self {
        let which = settings.logs.filter(|_| settings.mode == Mode::Wait);
        // Far from the seeds of polls.
        let logs = Logs::new(which, settings.intervals, settings.seed.wrapping_add(u64::MAX / 4));
        Self {
            settings,
            started_at,
            server_started_at: None,
            api_health: ApiHealth::default(),
            is_ending: false,
            refusal: None,
            dashboard: None,
            dashboard_tries_left: DASHBOARD_TRIES,
            workflows: HashMap::new(),
            over: HashSet::new(),
            deploying: HashSet::new(),
            owned: HashMap::new(),
            asked_about: HashMap::new(),
            asking_since: HashMap::new(),
            steps: HashMap::new(),
            install_lists: InstallLists::default(),
            logs,
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

    /// Returns whether the last polls have begun.
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// The last polls begin.
    pub(super) fn begin_end(&mut self) {
        self.is_ending = true;
        self.logs.give_up();
    }

    /// Returns whether the usual duration of such deploys is useful.
    pub(super) fn wants_history(&self) -> bool {
        self.settings.history && !self.is_once()
    }

    pub(super) fn deadline(&self) -> Moment {
        Moment::START + self.settings.clocks.total
    }

    pub(super) fn api_health(&self) -> &ApiHealth {
        &self.api_health
    }

    pub(super) fn api_health_mut(&mut self) -> &mut ApiHealth {
        &mut self.api_health
    }

    pub(super) fn install_lists(&self) -> &InstallLists {
        &self.install_lists
    }

    pub(super) fn install_lists_mut(&mut self) -> &mut InstallLists {
        &mut self.install_lists
    }

    pub(super) fn logs(&self) -> &Logs {
        &self.logs
    }

    pub(super) fn logs_mut(&mut self) -> &mut Logs {
        &mut self.logs
    }

    /// Handles an answer about a log. Returns whether it is one. Its events do not postpone the heartbeat.
    pub(super) fn accept_log(&mut self, now: Moment, serial: u64, reply: &Reply) -> bool {
        let Some(events) = self.logs.accept(now, serial, reply) else { return false };
        self.events.extend(events.into_iter().map(|kind| Event { at: now, kind }));
        true
    }

    /// Records that a workflow has answered a poller.
    pub(super) fn note_workflow(&mut self, id: &WorkflowId, workflow: &Workflow, now: Moment) {
        self.note_existing(id, now);
        self.queues.note_workflow(id, workflow);
        match workflow.end() {
            Some(WorkflowEnd::Succeeded | WorkflowEnd::Failed | WorkflowEnd::Cancelled) => self.over.insert(id.clone()),
            Some(WorkflowEnd::Parked) | None => self.over.remove(id),
        };
        match workflow.asking_steps().next() {
            Some(_) => drop(self.asking_since.entry(id.clone()).or_insert(now)),
            None => drop(self.asking_since.remove(id)),
        }
        let asked_about: HashSet<String> = workflow.asked_about().map(str::to_owned).collect();
        match asked_about.is_empty() {
            true => self.asked_about.remove(id),
            false => self.asked_about.insert(id.clone(), asked_about),
        };
    }

    /// Returns whether every answer about a workflow since then, to any poller, has asked a human.
    pub(super) fn has_asked_since(&self, workflow: &WorkflowId, then: Moment) -> bool {
        self.asking_since.get(workflow).is_some_and(|since| *since <= then)
    }

    /// Returns whether the newest answer about a workflow says that it has ended.
    pub(super) fn is_over(&self, workflow: &WorkflowId) -> bool {
        self.over.contains(workflow)
    }

    /// Returns why an answer about a workflow is no good answer: it contradicts an earlier one. What deploys is no plan later.
    pub(super) fn contradiction(&mut self, workflow: &Workflow) -> Option<ApiError> {
        let id = workflow.id.as_ref()?;
        if workflow.plan_only == Some(false) {
            self.deploying.insert(id.clone());
        }
        let is_contrary = workflow.is_plan_only() && self.deploying.contains(id);
        is_contrary.then(|| ApiError::Undecodable("the workflow only makes plans, unlike before".to_owned()))
    }

    /// Returns whether the newest answer about a workflow says that a human is asked about a deploy.
    pub(super) fn is_asked_about(&self, workflow: &WorkflowId, deploy: &DeployId) -> bool {
        self.asked_about.get(workflow).is_some_and(|deploys| deploys.contains(deploy.as_str()))
    }

    /// Records that an answer was about a workflow of another install: it exists, and may have begun.
    pub(super) fn note_stranger(&mut self, id: &WorkflowId, now: Moment) {
        self.note_existing(id, now);
        self.queues.note_existing(id);
    }

    fn note_existing(&mut self, id: &WorkflowId, now: Moment) {
        self.workflows.insert(id.clone(), now);
    }

    /// Records whether a workflow belongs to the install for which it was requested.
    pub(super) fn note_owned(&mut self, id: &WorkflowId, install: &InstallId, owned: Result<(), ApiError>) {
        self.owned.insert((id.clone(), install.clone()), owned);
    }

    /// Returns whether a workflow belongs to an install, if an answer has said so.
    pub(super) fn workflow_owned(&self, id: &WorkflowId, install: &InstallId) -> Option<&Result<(), ApiError>> {
        self.owned.get(&(id.clone(), install.clone()))
    }

    /// Reports changed steps of a workflow, if requested. This does not postpone the heartbeat.
    pub(super) fn report_steps(&mut self, id: &WorkflowId, workflow: &Workflow, now: Moment) {
        if !self.settings.steps {
            return;
        }
        let steps = workflow.standing();
        if self.steps.get(id) != Some(&steps) {
            self.steps.insert(id.clone(), steps.clone());
            self.events.push(Event { at: now, kind: EventKind::Steps { workflow: id.clone(), steps } });
        }
    }

    /// Returns the request for a workflow's place in its queue, if it waits and was not requested just before.
    pub(super) fn queue_request(&self, id: &WorkflowId, now: Moment) -> Option<Request> {
        let every = self.settings.intervals.max();
        self.queues.is_wanted(id, now, every).then(|| Request::QueuePosition(id.clone()))
    }

    /// Records a workflow's place in its queue, and reports it if it has changed: for the target that requested it, if
    /// any.
    pub(super) fn accept_queue(
        &mut self,
        id: &WorkflowId,
        answer: Option<&QueuePosition>,
        target: Option<usize>,
        now: Moment,
    ) {
        if let Some(place) = self.queues.accept(id, answer, now) {
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

    /// Returns when any poller last had a good answer to a request for a workflow.
    pub(super) fn answered_at(&self, request: &Request) -> Option<Moment> {
        match request {
            Request::Workflow(_, id) => self.workflows.get(id).copied(),
            _ => None,
        }
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

    /// Returns the server's time now, as far as it is known.
    pub(super) fn server_now(&self, now: Moment) -> Timestamp {
        let start = self.server_started_at();
        start.saturating_add(now.elapsed()).unwrap_or(start)
    }

    /// Returns the server's clock, if an answer has given its time.
    pub(super) fn server_clock(&self, now: Moment) -> ServerClock {
        ServerClock { started_at: self.server_started_at, now }
    }

    /// Returns whether an answer has given the server's time.
    pub(super) fn has_server_time(&self) -> bool {
        self.server_started_at.is_some()
    }

    /// Records the server's time. The first answer decides; `timed`: a time has been pinned, so that it matters whether
    /// this machine's clock is right.
    pub(super) fn note_server_time(&mut self, now: Moment, server_time: Option<Timestamp>, timed: bool) {
        let Some(at) = server_time.filter(|_| self.server_started_at.is_none()) else { return };
        self.server_started_at = at.saturating_sub(now.elapsed()).ok();
        let skew = at.duration_since(self.wall(now)).abs();
        if timed && skew > LARGEST_SKEW {
            self.warn(now, Warning::ClockSkew(Duration::try_from(skew).unwrap_or_default()));
        }
    }

    /// Adds a warning about the run as a whole.
    pub(super) fn warn(&mut self, now: Moment, warning: Warning) {
        self.warnings.push(warning.clone());
        self.emit(now, EventKind::Warned { target: None, warning });
    }

    // What no verdict depends on.

    pub(super) fn dashboard(&self) -> Option<&Dashboard> {
        self.dashboard.as_ref()
    }

    pub(super) fn accept_dashboard(&mut self, dashboard: Option<Dashboard>) {
        (self.dashboard, self.dashboard_tries_left) = (dashboard, 0);
    }

    fn dashboard_missed(&mut self) {
        self.dashboard_tries_left = self.dashboard_tries_left.saturating_sub(1);
    }

    /// Records that an optional request had no good answer. Returns whether it is optional.
    pub(super) fn optional_missed(&mut self, request: &Request, now: Moment) -> bool {
        match request {
            Request::QueuePosition(id) => self.queues.missed(id, now),
            Request::Dashboard(_) => self.dashboard_missed(),
            _ => {}
        }
        request.is_optional()
    }

    /// Returns the request for the dashboard's address, while it is useful.
    pub(super) fn dashboard_request(&self) -> Option<Request> {
        let is_wanted = self.dashboard_tries_left > 0 && !self.is_ending;
        self.settings.org.clone().filter(|_| is_wanted).map(Request::Dashboard)
    }
}
