//! What a wait comes to.

use std::time::Duration;

use jiff::Timestamp;

use crate::history::History;
use crate::log_tail::Logged;
use crate::model::Deploy;
use crate::timeline::Stay;
use crate::{Clock, Dashboard, DeployId, Line, MatchedBy, RemoteText, Signal, StepId, Target, Verdict, WorkflowId};

/// The outcome of a run, with its evidence.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the run ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// What the user can do about it, if it is about no target.
    pub hint: Option<Line>,
    /// The target that decided, by its position.
    pub deciding: Option<usize>,
    /// When the watch began.
    pub started_at: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// Every target, in order.
    pub targets: Vec<TargetReport>,
    /// The API asked to be left alone, and still does.
    pub api_paused: bool,
    /// Too many targets had not passed, so the others were not waited for.
    pub failed_fast: bool,
    /// The workflow of which every deploy was waited for, if it has not ended.
    pub open_workflow: Option<WorkflowId>,
    /// Where the dashboard is, if it was asked for.
    pub dashboard: Option<Dashboard>,
    /// What a human should know of the run as a whole.
    pub warnings: Vec<Line>,
    /// A reason that is about no target.
    run_reason: Option<Line>,
}

impl Report {
    pub(crate) fn new(verdict: Verdict, started_at: Timestamp, elapsed: Duration, targets: Vec<TargetReport>) -> Self {
        let decides = |target: &TargetReport| match verdict {
            Verdict::Interrupted(_) => target.verdict != Verdict::Passed,
            verdict => target.verdict == verdict,
        };
        let deciding = targets.iter().position(decides);
        let mut report = Self {
            verdict,
            reason: None,
            hint: None,
            deciding,
            started_at,
            elapsed,
            targets,
            api_paused: false,
            failed_fast: false,
            open_workflow: None,
            dashboard: None,
            warnings: Vec::new(),
            run_reason: None,
        };
        report.tell();
        report
    }

    /// Gives a reason that is about no target, for where no target has one.
    pub(crate) fn or_because(self, reason: &Line, hint: Option<&Line>) -> Self {
        // A target that tells the same has its own hint.
        let hint = hint.filter(|_| self.deciding.is_none()).cloned();
        let mut report = Self { run_reason: Some(reason.clone()), hint, ..self };
        report.tell();
        report
    }

    /// Gives the run the verdict of a signal; every target keeps its own.
    pub fn interrupt(&mut self, signal: Signal) {
        self.verdict = Verdict::Interrupted(signal);
        self.deciding = self.targets.iter().position(|target| target.verdict != Verdict::Passed);
        self.tell();
    }

    /// Adds to the reason that is about no target.
    pub(crate) fn add_reason(&mut self, words: &str) {
        self.run_reason = Some(match self.run_reason.take() {
            Some(reason) => Line::new(format!("{}; {words}", reason.plain())),
            None => Line::new(words),
        });
    }

    /// Says why the run ended as it did, in the words of the target that decided.
    pub(crate) fn tell(&mut self) {
        let told = self.deciding.and_then(|index| self.targets[index].told());
        self.reason = match self.verdict {
            Verdict::Passed => None,
            Verdict::Interrupted(signal) => {
                let open = told.map(|reason| format!("; {reason}")).unwrap_or_default();
                Some(Line::new(format!("interrupted by {signal}{open}")))
            }
            _ => {
                let missed = self.targets.iter().filter(|target| target.verdict != Verdict::Passed).count();
                let count = format!(" ({missed} of {} targets did not pass)", self.targets.len());
                let count = if missed > 1 { count } else { String::new() };
                told.map(|told| Line::new(told + &count)).or_else(|| self.run_reason.clone())
            }
        };
    }

    /// Returns when the run ended. It follows from the start and the time taken, so that a clock that was set in
    /// between cannot make a run end before it began.
    pub fn finished_at(&self) -> Timestamp {
        self.started_at.saturating_add(self.elapsed).unwrap_or(self.started_at)
    }
}

/// The outcome for one target.
#[derive(Debug, Clone)]
pub struct TargetReport {
    /// The target.
    pub target: Target,
    /// The install's name, if it was seen.
    pub install_name: Option<RemoteText>,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// What the user can do about it.
    pub hint: Option<Line>,
    /// Whether the reason is a generic sentence, so that anything specific would be better.
    pub vague: bool,
    /// The clock that rang.
    pub clock: Option<Clock>,
    /// The deploy that matched, as last seen.
    pub deploy: Option<Box<Deploy>>,
    /// What made it the right one.
    pub matched_by: Option<MatchedBy>,
    /// Deploys that it replaced.
    pub replaced: Vec<DeployId>,
    /// A newer deploy that is no replacement.
    pub superseded_by: Option<DeployId>,
    /// Where a human is asked to approve.
    pub approval: Option<ApprovalPlace>,
    /// Where its time went.
    pub timeline: Vec<Stay>,
    /// What the component's earlier deploys say.
    pub history: History,
    /// The last lines of its log, oldest first.
    pub log_tail: Vec<Logged>,
    /// What a human should know.
    pub warnings: Vec<Line>,
}

/// Where an approval can be answered: a workflow, and its step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalPlace {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The step, if it has an id.
    pub step: Option<StepId>,
}

impl TargetReport {
    /// Returns the reason with the target's name before it.
    fn told(&self) -> Option<String> {
        self.reason.as_ref().map(|reason| format!("{}: {}", self.target, reason.plain()))
    }

    /// Returns the component's name, if it was seen.
    pub fn component_name(&self) -> Option<&RemoteText> {
        self.deploy.as_ref()?.component_name.as_ref()
    }
}
