//! The state of a run, from the events so far.

use std::cmp::Reverse;
use std::time::Duration;

use nuon_gate_core::model::{Status, StepStanding};
use nuon_gate_core::watch::{Event, EventKind, Pace, Pending};
use nuon_gate_core::{Dashboard, DeployId, Hold, Line, Moment, Target, Verdict, WorkflowId};

use crate::output::describe;
use crate::output::heartbeat::Standings;
use crate::words;

/// The state of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing has been read yet.
    Searching,
    /// There is no deploy yet.
    NotStarted,
    At(Status),
    Ended(Verdict, Option<Line>),
}

/// How long such deploys usually take, and how long this one had taken at a given moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    pace: Pace,
    at: Moment,
}

impl Usual {
    pub(super) fn typical(self) -> Duration {
        self.pace.typical
    }

    pub(super) fn elapsed(self, now: Moment) -> Duration {
        self.pace.elapsed.saturating_add(now - self.at)
    }
}

/// What stands beside a state.
#[derive(Debug)]
pub(super) enum Note {
    /// What holds a verdict back.
    Held(Hold),
    /// The place of its workflow in a queue.
    Queued(Line),
}

impl Note {
    /// Returns the words at a moment; empty if the status says it all.
    pub(super) fn words(&self, now: Moment) -> Line {
        match self {
            Self::Held(hold) => Line::new(hold.later(now).to_string()),
            Self::Queued(place) => place.clone(),
        }
    }
}

/// The urgency of a target, the most urgent first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    NeedsAttention,
    NotPassed,
    Going,
    Passed,
}

/// A target.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// Since when it is in this state, and for how long it had been when it was found.
    pub(super) since: Moment,
    before: Duration,
    pub(super) usual: Option<Usual>,
    /// A human is asked for this approval, on this page if it is known.
    pub(super) asked: Option<(Line, Option<Line>)>,
    pub(super) note: Option<Note>,
    deploy: Option<DeployId>,
}

impl Entry {
    fn new(at: Moment) -> Self {
        Self {
            place: Place::Searching,
            since: at,
            before: Duration::ZERO,
            usual: None,
            asked: None,
            note: None,
            deploy: None,
        }
    }

    fn go(&mut self, place: Place, at: Moment) {
        (self.place, self.since, self.before) = (place, at, Duration::ZERO);
        (self.asked, self.note) = (None, None);
    }

    /// Returns how long it has been in this state.
    pub(super) fn spent(&self, now: Moment) -> Duration {
        (now - self.since).saturating_add(self.before)
    }

    fn urgency(&self) -> Urgency {
        match &self.place {
            Place::Ended(Verdict::Passed, _) => Urgency::Passed,
            Place::Ended(..) => Urgency::NotPassed,
            Place::At(status) if *status == Status::Error => Urgency::NeedsAttention,
            _ if self.asked.is_some() => Urgency::NeedsAttention,
            _ => Urgency::Going,
        }
    }
}

/// A step of a workflow, and since when it has its status, unless it had it before the workflow was read.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) standing: StepStanding,
    pub(super) since: Option<Moment>,
}

/// The workflow that deploys the targets.
#[derive(Debug)]
enum Steps {
    Unread,
    Of(WorkflowId, Vec<Step>),
    /// There are several, which are not shown.
    Several,
}

/// The whole run.
#[derive(Debug)]
pub(super) struct Board {
    /// The maximum of the wait.
    pub(super) limit: Duration,
    targets: Vec<Target>,
    labels: Vec<Line>,
    entries: Vec<Entry>,
    standings: Standings,
    steps: Steps,
    dashboard: Option<Dashboard>,
}

impl Board {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            targets: Vec::new(),
            labels: Vec::new(),
            entries: Vec::new(),
            standings: Standings::default(),
            steps: Steps::Unread,
            dashboard: None,
        }
    }

    /// Uses these names for the targets from now on.
    pub(super) fn name(&mut self, targets: &[Target]) {
        self.targets = targets.to_vec();
        self.labels = describe::labels(targets);
    }

    /// Links names to the pages of deploys from now on.
    pub(super) fn know(&mut self, dashboard: Dashboard) {
        self.dashboard = Some(dashboard);
    }

    pub(super) fn note(&mut self, Event { at, kind }: &Event) {
        self.standings.note(kind);
        let at = *at;
        match kind {
            EventKind::Started { targets } => {
                self.name(targets);
                self.entries = targets.iter().map(|_| Entry::new(at)).collect();
            }
            EventKind::Joined { is, .. } => {
                self.targets.push(is.clone());
                self.labels = describe::labels(&self.targets);
                self.entries.push(Entry::new(at));
            }
            EventKind::Found { target, deploy, status, spent, .. } => self.change(*target, |entry| {
                entry.go(Place::At(status.clone()), at);
                (entry.before, entry.deploy, entry.usual) = (*spent, Some(deploy.clone()), None);
            }),
            EventKind::Expected { target, pace, .. } => {
                self.change(*target, |entry| entry.usual = Some(Usual { pace: *pace, at }));
            }
            EventKind::Steps { workflow, steps } => self.step(workflow, steps, at),
            EventKind::Waiting { pending } => {
                for Pending { target, pace, hold, .. } in pending {
                    self.change(*target, |entry| {
                        entry.usual = pace.map(|pace| Usual { pace, at });
                        if hold.keeps_back() {
                            entry.note = Some(Note::Held(hold.clone()));
                        }
                    });
                }
            }
            EventKind::NotStarted { target } => self.change(*target, |entry| entry.place = Place::NotStarted),
            EventKind::Changed { target, to, .. } => {
                self.change(*target, |entry| entry.go(Place::At(to.clone()), at));
            }
            EventKind::Held { target, hold, .. } => self.change(*target, |entry| {
                entry.note = Some(Note::Held(hold.clone()));
                // The deploy itself has ended, so it has no expected end.
                entry.usual = entry.usual.take().filter(|_| !hold.is_of_health());
            }),
            EventKind::ApprovalNeeded { target: Some(target), url, plan, .. } => {
                let asked = Line::new(describe::asked(plan.as_deref()));
                self.change(*target, |entry| (entry.asked, entry.note) = (Some((asked, url.clone())), None));
            }
            EventKind::Queued { target: Some(target), place, .. } => {
                self.change(*target, |entry| entry.note = Some(Note::Queued(Line::new(place.to_string()))));
            }
            EventKind::Ended { target: Some(target), verdict, cause, .. } => {
                let reason = cause.as_ref().map(|cause| Line::new(words::sentence(cause)));
                self.change(*target, |entry| entry.go(Place::Ended(*verdict, reason), at));
            }
            EventKind::Queued { target: None, .. }
            | EventKind::ApprovalNeeded { target: None, .. }
            | EventKind::Superseded { .. }
            | EventKind::Retrying { .. }
            | EventKind::Warned { .. }
            | EventKind::Logged { .. }
            | EventKind::LogEnded { .. }
            | EventKind::Run(_)
            | EventKind::Ended { target: None, .. } => {}
        }
    }

    fn step(&mut self, workflow: &WorkflowId, standings: &[StepStanding], at: Moment) {
        let before = match std::mem::replace(&mut self.steps, Steps::Several) {
            Steps::Of(own, steps) if own == *workflow => steps,
            Steps::Of(..) | Steps::Several if self.entries.len() > 1 => return,
            _ => Vec::new(),
        };
        let step = |(number, standing): (usize, &StepStanding)| {
            let since = match before.get(number) {
                Some(same) if same.standing == *standing => same.since,
                None if before.is_empty() => None,
                Some(_) | None => Some(at),
            };
            Step { standing: standing.clone(), since }
        };
        self.steps = Steps::Of(workflow.clone(), standings.iter().enumerate().map(step).collect());
    }

    /// Returns the steps of the workflow that deploys the targets, if there is only one.
    pub(super) fn steps(&self) -> &[Step] {
        match &self.steps {
            Steps::Of(_, steps) => steps,
            Steps::Unread | Steps::Several => &[],
        }
    }

    fn change(&mut self, target: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(target) {
            change(entry);
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn label(&self, target: usize) -> &str {
        self.labels.get(target).map_or("?", Line::plain)
    }

    /// Returns the page of a target's deploy, if it is known.
    pub(super) fn page(&self, target: usize) -> Option<Line> {
        let deploy = self.entries.get(target)?.deploy.as_ref()?;
        self.dashboard.as_ref()?.deploy_page(self.targets.get(target)?, deploy)
    }

    /// Counts the states of the targets.
    pub(super) fn totals(&self) -> Line {
        let ended = self.entries.iter().filter(|entry| matches!(entry.place, Place::Ended(..))).count();
        self.standings.totals(self.entries.len() - ended)
    }

    /// Returns the targets, the most urgent first, and among equals the most recently changed.
    pub(super) fn by_urgency(&self) -> Vec<usize> {
        let mut targets: Vec<usize> = (0..self.entries.len()).collect();
        targets.sort_by_key(|target| {
            let entry = &self.entries[*target];
            (entry.urgency(), Reverse(entry.since))
        });
        targets
    }
}
