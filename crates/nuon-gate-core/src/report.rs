//! The outcome of a wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::ApiError;
use crate::cause::{Cause, StoppedBy, Warning};
use crate::history::History;
use crate::log_tail::Logged;
use crate::model::{Deploy, Plan, QueuePlace};
use crate::timeline::Stay;
use crate::watch::{Basis, Budget, Proof, WatchSettings};
use crate::{
    ApprovalPlace, Cancelled, Clock, Dashboard, DeployId, HealthReport, InstallId, Line, MatchedBy, RemoteText,
    RunReport, ShardReport, Signal, Target, Verdict, WorkflowId,
};

/// The outcome of a run, with its evidence.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the run ended.
    pub verdict: Verdict,
    /// Why discovery, or the workflow that was waited for as a whole, ended badly.
    pub run_cause: Option<Cause>,
    /// When the watch began.
    pub started_at: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// Every target, in order.
    pub targets: Vec<TargetReport>,
    /// The pause that the API asked for has not ended.
    pub api_paused: bool,
    /// Too many targets had not passed, so the others were not waited for.
    pub failed_fast: bool,
    /// The dashboard, if it was read.
    pub dashboard: Option<Dashboard>,
    /// The workflow whose deploys were all waited for, if it has not ended.
    pub open_workflow: Option<WorkflowId>,
    /// The installs that it may belong to, by id or by name. Empty if its install is known, or if any is allowed.
    pub open_workflow_of: Vec<InstallId>,
    /// What stopped the wait for it. A target may have decided the verdict before.
    pub(crate) open_workflow_stopped: Option<Stop>,
    /// The total timeout expired before the wait ended.
    pub(crate) is_out_of_time: bool,
    /// The outcome of cancelling that workflow.
    pub run_cancelled: Option<Cancelled>,
    /// The branch run that was waited for, if it was found.
    pub branch_run: Option<RunReport>,
    /// The shard that was watched, if the run is sharded.
    pub shard: Option<ShardReport>,
    /// Warnings about the run as a whole.
    pub warnings: Vec<Warning>,
    /// What the wait has left of its request rate.
    pub(crate) budget: Budget,
}

impl Report {
    /// Returns the position of the target that decided, if one did.
    pub fn deciding(&self) -> Option<usize> {
        self.verdict.decided_by(self.targets.iter().map(|target| target.verdict))
    }

    /// Returns why the run ended as it did: the cause of the target that decided, or else the run's own.
    pub fn cause(&self) -> Option<&Cause> {
        self.deciding().and_then(|index| self.targets[index].cause.as_ref()).or(self.run_cause.as_ref())
    }

    /// Returns what distinguishes a target from the others: nothing if it is the only one, its component's name if all
    /// are in one install, otherwise the install's name as well.
    fn label(&self, index: usize) -> Option<Line> {
        let target = &self.targets[index];
        let one_install = self.targets.iter().all(|other| other.target.install == target.target.install);
        let label = if one_install { target.component_label().plain().to_owned() } else { target.label() };
        (self.targets.len() > 1).then(|| Line::new(label))
    }

    /// Reports that a wait for these targets did not begin. None of them has ended.
    pub fn not_begun(
        targets: &[Target],
        verdict: Verdict,
        cause: Cause,
        started_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            verdict,
            run_cause: Some(cause),
            started_at,
            elapsed: now.duration_since(started_at).try_into().unwrap_or_default(),
            targets: targets.iter().cloned().map(TargetReport::pending).collect(),
            api_paused: false,
            failed_fast: false,
            dashboard: None,
            open_workflow: None,
            open_workflow_of: Vec::new(),
            open_workflow_stopped: None,
            is_out_of_time: false,
            run_cancelled: None,
            branch_run: None,
            shard: None,
            warnings: Vec::new(),
            budget: Budget::new(WatchSettings::default().max_rps),
        }
    }

    /// Gives the run the verdict of a signal; every target keeps its own.
    pub fn interrupt(&mut self, signal: Signal) {
        self.verdict = Verdict::Interrupted(signal);
    }

    /// Returns when the run ended. It follows from the start and the time taken, so that a clock that was set in
    /// between cannot make a run end before it began.
    pub fn finished_at(&self) -> Timestamp {
        self.started_at.saturating_add(self.elapsed).unwrap_or(self.started_at)
    }
}

/// What stopped the wait for something that had not ended by itself. Its verdict may still be that of its last state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A timeout expired.
    Clock(Clock),
    /// Something else.
    By(StoppedBy),
}

/// The outcome for one target.
#[derive(Debug, Clone)]
pub struct TargetReport {
    /// The target.
    pub target: Target,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub cause: Option<Cause>,
    /// The proof that it passed, if it did.
    pub proof: Option<Proof>,
    /// The last known health of the component, if that was required.
    pub health: Option<HealthReport>,
    /// The deploy that matched, as last seen.
    pub deploy: Option<Arc<Deploy>>,
    /// The workflow that runs it, or should run it.
    pub workflow: Option<WorkflowId>,
    /// Whether that workflow belongs to the target's install, once it has been read. The error names its owner.
    pub workflow_owned: Option<Result<(), ApiError>>,
    /// Whether the last answer about that workflow said that it has ended.
    pub(crate) workflow_is_over: bool,
    /// What stopped the wait for it, unless it ended by itself.
    pub(crate) stopped: Option<Stop>,
    /// That workflow's place in its queue, while it waits for others.
    pub queue: Option<QueuePlace>,
    /// The pin that it matched.
    pub matched_by: Option<MatchedBy>,
    /// Deploys that it replaced.
    pub replaced: Vec<DeployId>,
    /// A newer deploy that is no replacement.
    pub superseded_by: Option<DeployId>,
    /// The approval that a human is asked for.
    pub approval: Option<ApprovalPlace>,
    /// The plan to approve, if it could be read.
    pub plan: Option<Arc<Plan>>,
    /// Whether the plan was requested.
    pub plan_was_asked_for: bool,
    /// Where its time went.
    pub timeline: Vec<Stay>,
    /// What the component's earlier deploys show, if they were read.
    pub history: Option<History>,
    /// The last lines of its log, oldest first.
    pub log_tail: Vec<Logged>,
    /// The last error in its log, which is the reason if nothing else is more specific.
    pub log_error: Option<Line>,
    /// The outcome of cancelling it.
    pub cancelled: Option<Cancelled>,
    /// Warnings.
    pub warnings: Vec<Warning>,
}

impl TargetReport {
    /// A target about which nothing is known.
    fn pending(target: Target) -> Self {
        Self {
            target,
            verdict: Verdict::Pending,
            cause: None,
            proof: None,
            health: None,
            deploy: None,
            workflow: None,
            workflow_owned: None,
            workflow_is_over: false,
            stopped: None,
            queue: None,
            matched_by: None,
            replaced: Vec::new(),
            superseded_by: None,
            approval: None,
            plan: None,
            plan_was_asked_for: false,
            timeline: Vec::new(),
            history: None,
            log_tail: Vec::new(),
            log_error: None,
            cancelled: None,
            warnings: Vec::new(),
        }
    }

    /// Returns the limit on time that expired, if that is how it ended.
    pub fn clock(&self) -> Option<Clock> {
        self.cause.as_ref().and_then(Cause::clock)
    }

    /// Returns the deploy's own verdict once it has ended, whatever its component's health or a timeout says; `None`
    /// until then, or if something else ended the wait.
    pub fn deploy_verdict(&self) -> Option<Verdict> {
        match (&self.proof, &self.cause) {
            (Some(proof), _) if matches!(proof.basis(), Basis::Approval(_)) => None,
            (Some(_), _) => Some(Verdict::Passed),
            (None, Some(Cause::Deploy(_) | Cause::Step { .. } | Cause::Orphaned { .. })) => Some(self.verdict),
            (None, Some(cause)) if cause.is_of_health() => Some(Verdict::Passed),
            (None, _) => self.cancelled.as_ref().and_then(Cancelled::end),
        }
    }

    /// Returns the approval that can still be answered. A deploy that failed or was cancelled no longer has one.
    pub fn open_approval(&self) -> Option<&ApprovalPlace> {
        let is_over = matches!(self.verdict, Verdict::Failed | Verdict::Cancelled | Verdict::Rejected);
        let of_workflow = match &self.cause {
            Some(Cause::WorkflowApproval { place, .. }) => Some(place),
            _ => None,
        };
        of_workflow.or(self.approval.as_ref()).filter(|_| !is_over)
    }

    fn component_label(&self) -> Line {
        let seen = self.component_name().map(|name| name.line(crate::reason::LONGEST)).filter(|name| !name.is_empty());
        seen.unwrap_or_else(|| Line::new(self.target.component_label()))
    }

    /// Names the target, by names as far as they are known.
    fn label(&self) -> String {
        format!("{}/{}", self.target.install_label(), self.component_label().plain())
    }

    /// Returns the component's name, if known.
    pub fn component_name(&self) -> Option<&RemoteText> {
        self.deploy.as_ref()?.component_name.as_ref()
    }
}

/// How causes and warnings are put into words. A program that has flags adds its own advice.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The sentence for a cause.
    pub sentence: fn(&Cause) -> String,
    /// What the user can do about it, given what is known about the deploy.
    pub hint: fn(&Cause, Known<'_>) -> Option<String>,
    /// The sentence for a warning.
    pub warning: fn(&Warning) -> String,
}

/// What a hint can name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The deploy.
    pub deploy: Option<&'a DeployId>,
    /// The page on which its approval can be answered.
    pub approval: Option<&'a Line>,
    /// The outcome of cancelling it, if that was tried.
    pub cancelled: Option<&'a Cancelled>,
}

/// Neutral sentences, and the server's own hints.
impl Default for Words {
    fn default() -> Self {
        Self {
            sentence: Cause::to_string,
            hint: |cause, _| cause.server_hint().map(|hint| hint.line(crate::reason::LONGEST).plain().to_owned()),
            warning: Warning::to_string,
        }
    }
}

impl Words {
    /// Returns why a target did not pass.
    pub fn reason(&self, target: &TargetReport) -> Option<Line> {
        let cause = target.cause.as_ref()?;
        let log_error = target.log_error.as_ref().filter(|_| cause.is_vague() && target.verdict == Verdict::Failed);
        let sentence = log_error.map_or_else(|| (self.sentence)(cause), |error| error.plain().to_owned());
        let place = target.queue.as_ref().filter(|_| cause.clock() == Some(Clock::Queue));
        let place = place.map(|place| format!("; {place}")).unwrap_or_default();
        Some(Line::new(sentence + &place + &after_cancel(target.cancelled.as_ref())))
    }

    /// Returns what can be done about a target that did not pass.
    pub fn hint(&self, target: &TargetReport, dashboard: Option<&Dashboard>) -> Option<Line> {
        let approval = target.open_approval().and_then(|place| dashboard?.approval(&target.target.install, place));
        let deploy = target.deploy.as_ref().and_then(|deploy| deploy.id.as_ref());
        let known = Known { deploy, approval: approval.as_ref(), cancelled: target.cancelled.as_ref() };
        target.cause.as_ref().and_then(|cause| (self.hint)(cause, known)).map(Line::new)
    }

    /// Returns why the run ended as it did, with the target's name before the reason if there are several.
    pub fn run_reason(&self, report: &Report) -> Option<Line> {
        let reason = report.deciding().and_then(|index| {
            let target = &report.targets[index];
            let reason = match (&target.cause, report.verdict) {
                // The signal has been reported already.
                (Some(Cause::Stopped { by: StoppedBy::Signal(_), standing }), Verdict::Interrupted(_)) => {
                    Line::new(standing.to_string() + &after_cancel(target.cancelled.as_ref()))
                }
                _ => self.reason(target)?,
            };
            Some(match report.label(index) {
                Some(label) => format!("{}: {}", label.plain(), reason.plain()),
                None => reason.plain().to_owned(),
            })
        });
        match report.verdict {
            Verdict::Passed => None,
            Verdict::Interrupted(signal) => {
                let reason = reason.or_else(|| report.run_cause.as_ref().map(self.sentence));
                let open = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
                Some(Line::new(format!("interrupted by {signal}{open}{}", after_cancel_of_run(report))))
            }
            _ => {
                let missed = report.targets.iter().filter(|target| target.verdict != Verdict::Passed).count();
                let count = format!(" ({missed} of {} targets did not pass)", report.targets.len());
                let count = if missed > 1 { count } else { String::new() };
                let own = || report.run_cause.as_ref().map(|cause| self.of_run(report, cause));
                reason.map(|reason| Line::new(reason + &count + &after_cancel_of_run(report))).or_else(own)
            }
        }
    }

    fn of_run(&self, report: &Report, cause: &Cause) -> Line {
        Line::new((self.sentence)(cause) + &after_cancel(report.run_cancelled.as_ref()))
    }

    /// Returns what can be done about the end of the run: about the deciding target, or else about the run itself.
    pub fn run_hint(&self, report: &Report) -> Option<Line> {
        let dashboard = report.dashboard.as_ref();
        let of_target = report.deciding().and_then(|index| self.hint(&report.targets[index], dashboard));
        let approval = match &report.run_cause {
            Some(Cause::WorkflowApproval { install: Some(install), place, .. }) => {
                dashboard.and_then(|dashboard| dashboard.approval(install, place))
            }
            _ => None,
        };
        let cancelled = report.run_cancelled.as_ref();
        let known = Known { approval: approval.as_ref(), cancelled, ..Known::default() };
        let of_run = || report.run_cause.as_ref().and_then(|cause| (self.hint)(cause, known)).map(Line::new);
        of_target.or_else(of_run)
    }
}

/// Describes the outcome of cancelling the workflow that was waited for as a whole, beside the reason of a target.
fn after_cancel_of_run(report: &Report) -> String {
    let cancelled = report.open_workflow.as_ref().zip(report.run_cancelled.as_ref());
    cancelled.map(|(workflow, cancelled)| format!("; workflow {workflow}: {cancelled}")).unwrap_or_default()
}

/// Describes the outcome of cancelling, if that was tried.
fn after_cancel(cancelled: Option<&Cancelled>) -> String {
    cancelled.map(|cancelled| format!("; {cancelled}")).unwrap_or_default()
}
