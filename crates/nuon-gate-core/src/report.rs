//! What a wait comes to.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Deploy;
use crate::timeline::Stay;
use crate::{Clock, Dashboard, DeployId, MatchedBy, RemoteText, Signal, StepId, Target, Verdict, WorkflowId};

/// The outcome of a run, with its evidence.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the run ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// What the user can do about it, if it is about no target.
    pub hint: Option<String>,
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
    /// Where the dashboard is, if it was asked for.
    pub dashboard: Option<Dashboard>,
    /// What a human should know of the run as a whole.
    pub warnings: Vec<String>,
}

impl Report {
    pub(crate) fn new(verdict: Verdict, started_at: Timestamp, elapsed: Duration, targets: Vec<TargetReport>) -> Self {
        let deciding = targets.iter().position(|target| target.verdict == verdict);
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
            dashboard: None,
            warnings: Vec::new(),
        };
        match verdict {
            Verdict::Interrupted(signal) => report.interrupt(signal),
            Verdict::Passed => {}
            _ => {
                let missed = report.targets.iter().filter(|target| target.verdict != Verdict::Passed).count();
                let count = format!(" ({missed} of {} targets did not pass)", report.targets.len());
                let count = if missed > 1 { count } else { String::new() };
                report.reason = deciding.and_then(|index| report.targets[index].told()).map(|told| told + &count);
            }
        }
        report
    }

    /// Gives a reason that is about no target, where no target has one.
    pub(crate) fn or_because(self, reason: &str, hint: Option<&str>) -> Self {
        match self.reason {
            None if self.verdict != Verdict::Passed => {
                Self { reason: Some(reason.to_owned()), hint: hint.map(str::to_owned), ..self }
            }
            _ => self,
        }
    }

    /// Gives the run the verdict of a signal; every target keeps its own.
    pub fn interrupt(&mut self, signal: Signal) {
        self.verdict = Verdict::Interrupted(signal);
        self.deciding = self.targets.iter().position(|target| target.verdict != Verdict::Passed);
        let open = self.deciding.and_then(|index| self.targets[index].told());
        let open = open.map(|reason| format!("; {reason}")).unwrap_or_default();
        self.reason = Some(format!("interrupted by {signal}{open}"));
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
    pub reason: Option<String>,
    /// What the user can do about it.
    pub hint: Option<String>,
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
    /// What a human should know.
    pub warnings: Vec<String>,
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
        self.reason.as_ref().map(|reason| format!("{}: {reason}", self.target))
    }

    /// Returns the component's name, if it was seen.
    pub fn component_name(&self) -> Option<&RemoteText> {
        self.deploy.as_ref()?.component_name.as_ref()
    }
}
