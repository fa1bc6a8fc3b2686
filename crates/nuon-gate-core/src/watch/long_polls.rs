//! Long polls: the server keeps a request open while a step is running. Its end triggers a poll at once, and nothing
//! else: a verdict always comes from ordinary reads. See `docs/nuon-api.md`, "Waiting for a step".
//!
//! There is at most one for each workflow, however many targets follow its deploys. No answer to it counts as an error
//! or an outage.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::flights::PollerId;
use crate::api::{ApiError, Reply, Request};
use crate::{Moment, StepId, WorkflowId};

/// Longer than the minute after which the server answers, for a server that does not answer at all.
pub(super) const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(75);
/// The most open long polls. Other workflows are only polled.
const MOST_OPEN: usize = 16;
/// After this many failures in a row, a workflow's steps are only polled.
const MOST_BAD: u32 = 2;
/// After this many 404s, the server does not offer it, or does not know the step.
const MOST_MISSING: u32 = 3;

/// The long polls of a watch.
#[derive(Debug)]
pub(super) struct LongPolls {
    is_wanted: bool,
    /// The shortest time between two for the same workflow.
    pace: Duration,
    workflows: HashMap<WorkflowId, Awaited>,
    /// Workflows with a running step and no open long poll, by the time from which one may be opened.
    ready: BTreeSet<(Moment, WorkflowId)>,
    open: HashMap<u64, WorkflowId>,
    /// The workflow of each target that waits for a step.
    waiting: HashMap<PollerId, WorkflowId>,
}

/// What is known about a workflow.
#[derive(Debug, Default)]
struct Awaited {
    /// Which target waits for which running step.
    steps: BTreeMap<PollerId, StepId>,
    /// The step whose end is awaited.
    open: Option<StepId>,
    /// When the next one may be opened.
    not_before: Moment,
    bad: u32,
    missing: u32,
}

impl Awaited {
    fn is_given_up(&self) -> bool {
        self.bad >= MOST_BAD || self.missing >= MOST_MISSING
    }
}

/// The meaning of an answer.
enum Sign {
    /// The step has ended, according to the server.
    Ended,
    /// Not yet: open another. Load balancers also end an idle connection after a minute.
    NotYet,
    /// The step is not known, or has not begun.
    Missing,
    /// A failure. Some servers send it for a step that failed.
    Bad,
}

impl Sign {
    fn of(reply: &Reply, is_quick: bool) -> Self {
        match reply {
            Ok(_) => Self::Ended,
            Err(ApiError::Status { status: 408, .. }) => Self::NotYet,
            Err(ApiError::Status { status: 504, .. } | ApiError::Timeout(_) | ApiError::Broken(_)) if !is_quick => {
                Self::NotYet
            }
            Err(error) if error.is_absence() => Self::Missing,
            Err(_) => Self::Bad,
        }
    }
}

impl LongPolls {
    /// Opens none if they are not wanted.
    pub(super) fn new(pace: Duration, is_wanted: bool) -> Self {
        Self {
            is_wanted,
            pace,
            workflows: HashMap::new(),
            ready: BTreeSet::new(),
            open: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// Records the running step that a target waits for, if any, as the workflow has just shown.
    pub(super) fn note(&mut self, poller: PollerId, id: &WorkflowId, step: Option<StepId>) {
        self.forget(poller);
        let Some(step) = step.filter(|_| self.is_wanted) else { return };
        self.waiting.insert(poller, id.clone());
        self.workflows.entry(id.clone()).or_default().steps.insert(poller, step);
        self.rank(id);
    }

    /// Removes a target that no longer waits.
    pub(super) fn forget(&mut self, poller: PollerId) {
        let Some(id) = self.waiting.remove(&poller) else { return };
        if let Some(workflow) = self.workflows.get_mut(&id) {
            workflow.steps.remove(&poller);
        }
        self.rank(&id);
    }

    /// Updates the schedule for a workflow.
    fn rank(&mut self, id: &WorkflowId) {
        let Some(workflow) = self.workflows.get(id) else { return };
        let entry = (workflow.not_before, id.clone());
        if workflow.open.is_none() && !workflow.steps.is_empty() && !workflow.is_given_up() {
            self.ready.insert(entry);
        } else {
            self.ready.remove(&entry);
        }
    }

    /// Returns whether an open long poll will report the end of this poller's running step.
    pub(super) fn reports_end_to(&self, poller: PollerId) -> bool {
        let workflow = self.waiting.get(&poller).and_then(|id| self.workflows.get(id));
        workflow.is_some_and(|own| own.open.is_some() && own.open.as_ref() == own.steps.get(&poller))
    }

    /// Returns when the next may be opened.
    pub(super) fn due(&self) -> Option<Moment> {
        self.ready.first().map(|(at, _)| *at).filter(|_| self.open.len() < MOST_OPEN)
    }

    /// Opens one, if one is due.
    pub(super) fn open(&mut self, now: Moment, serial: u64) -> Option<Request> {
        self.due().filter(|at| *at <= now)?;
        let (_, id) = self.ready.pop_first()?;
        let workflow = self.workflows.get_mut(&id)?;
        let step = workflow.steps.values().next()?.clone();
        workflow.open = Some(step.clone());
        workflow.not_before = now + self.pace;
        self.open.insert(serial, id.clone());
        Some(Request::Await(id, step))
    }

    /// Records an answer, and returns the targets that should poll at once; `None` if it belongs to no long poll.
    pub(super) fn accept(&mut self, now: Moment, serial: u64, reply: &Reply) -> Option<Vec<PollerId>> {
        let id = self.open.remove(&serial)?;
        let Some(workflow) = self.workflows.get_mut(&id) else { return Some(Vec::new()) };
        let step = workflow.open.take();
        let sign = Sign::of(reply, now < workflow.not_before);
        match sign {
            Sign::Ended | Sign::NotYet => (workflow.bad, workflow.missing) = (0, 0),
            Sign::Missing => workflow.missing += 1,
            Sign::Bad => workflow.bad += 1,
        }
        let over = |own: &StepId| step.as_ref() == Some(own) && !matches!(sign, Sign::NotYet);
        let over: Vec<PollerId> = workflow.steps.iter().filter(|(_, own)| over(own)).map(|(who, _)| *who).collect();
        // A target whose next read shows that the step is still running waits for it again.
        over.iter().for_each(|poller| self.forget(*poller));
        self.rank(&id);
        Some(if matches!(sign, Sign::Missing) { Vec::new() } else { over })
    }

    /// Gives up all of them: there is no time left.
    pub(super) fn give_up(&mut self) {
        *self = Self::new(self.pace, false);
    }
}
