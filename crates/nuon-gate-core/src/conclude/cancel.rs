//! Cancels deploys that are no longer waited for, and polls how they really ended.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::api::{ApiError, ErrorClass, Fact, Reply, Request};
use crate::cancelled::{CancelOutcome, Cancelled};
use crate::cause::{StoppedBy, Warning};
use crate::model::{Deploy, WorkflowEnd};
use crate::report::{Report, Stop, TargetReport};
use crate::timeline::Stay;
use crate::{Clock, ComponentId, DeployId, InstallId, Judgement, Rules, Verdict, WorkflowId};

/// How long a refusal is retried. Servers of 2025 refuse between two steps of a workflow, although it can be cancelled
/// (`docs/nuon-api.md`, "Cancelling").
const REFUSALS: Duration = Duration::from_secs(3);

/// When deploys that have not ended are cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CancelOn {
    /// After the total, the start, the stall or the queue limit expired.
    pub timeout: bool,
    /// After a signal.
    pub interrupt: bool,
    /// After too many other targets have not passed.
    pub fail_fast: bool,
}

impl CancelOn {
    /// Returns whether a target that was stopped so is to be cancelled. What stopped it decides, not its verdict: a
    /// deploy in `error` has failed once the time is up, and its workflow may still retry it.
    fn is_asked_for(self, stop: Stop, report: &Report) -> bool {
        let interrupted = report.is_interrupted();
        match stop {
            Stop::Clock(clock) => self.timeout && gives_up(clock),
            Stop::By(StoppedBy::Signal(_)) => self.interrupt,
            Stop::By(StoppedBy::Decided) if interrupted => self.interrupt,
            // The last poll after a timeout may have shown that the run fails.
            Stop::By(StoppedBy::Decided) => {
                report.failed_fast && (self.fail_fast || self.timeout && report.is_out_of_time)
            }
            Stop::By(StoppedBy::Once) => false,
        }
    }

    /// Returns whether the workflow that was waited for as a whole is to be cancelled. A target that failed before it
    /// was stopped does not end it.
    fn is_asked_for_run(self, report: &Report) -> bool {
        let ran_out = match report.open_workflow_stopped {
            Some(Stop::Clock(clock)) => gives_up(clock),
            Some(Stop::By(StoppedBy::Decided)) => report.is_out_of_time,
            Some(Stop::By(_)) | None => false,
        };
        match report.verdict {
            Verdict::Interrupted(_) => self.interrupt || self.timeout && ran_out,
            Verdict::TimedOut => self.timeout,
            _ => self.timeout && ran_out || self.fail_fast && report.failed_fast,
        }
    }
}

/// Returns whether a clock gives up on the deploy. A human can still approve, and an API that does not answer takes no
/// request.
fn gives_up(clock: Clock) -> bool {
    match clock {
        Clock::Total | Clock::Start | Clock::Stall | Clock::Queue => true,
        Clock::Approval | Clock::Outage => false,
    }
}

/// The limits of cancelling.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CancelLimits {
    /// In total.
    pub(super) whole: Duration,
    /// Between two requests.
    pub(super) pace: Duration,
}

/// A target to cancel. It may have no deploy yet.
#[derive(Debug, Clone)]
struct CancelTarget {
    target: usize,
    install: InstallId,
    component: ComponentId,
    deploy: Option<DeployId>,
    /// The deploy had ended badly before, so that only its workflow is cancelled.
    had_ended: bool,
    /// Whether the workflow is of that install, if it has been read.
    owned: Option<Result<(), ApiError>>,
}

/// What to cancel: whole workflows, with those of their deploys that are in the report.
#[derive(Debug, Default)]
pub(super) struct CancelPlan {
    /// By workflow, and by the install that it presumably belongs to.
    workflows: BTreeMap<(WorkflowId, Option<InstallId>), Open>,
    limits: CancelLimits,
}

/// A workflow to cancel.
#[derive(Debug, Default)]
struct Open {
    /// Its deploys that are reported; none for one that was waited for as a whole.
    targets: Vec<CancelTarget>,
    /// The installs that it may belong to, by id or by name, if the targets do not show that.
    installs: Vec<InstallId>,
}

/// What to cancel, once the owner of each workflow is known.
#[derive(Debug)]
pub(super) struct OwnedPlan {
    /// The error names the owner of a workflow that is not cancelled.
    workflows: Vec<(WorkflowId, Open, Result<(), ApiError>)>,
    limits: CancelLimits,
    deadline: Instant,
}

/// The outcome for each target, or for the workflow as a whole.
#[derive(Debug)]
pub(super) struct CancelReport {
    /// The target; `None` for a workflow that was waited for as a whole.
    target: Option<usize>,
    cancelled: Cancelled,
    deploy: Option<Arc<Deploy>>,
}

impl CancelPlan {
    /// Selects what to cancel after a run: the workflows of targets that have not ended, and the one that was waited
    /// for as a whole.
    pub(super) fn new(report: &Report, on: CancelOn, limits: CancelLimits) -> Self {
        let is_open =
            |own: &TargetReport| !own.workflow_is_over && own.stopped.is_some_and(|stop| on.is_asked_for(stop, report));
        let mut workflows: BTreeMap<(WorkflowId, Option<InstallId>), Open> = BTreeMap::new();
        for (target, own) in report.targets.iter().enumerate().filter(|(_, own)| is_open(own)) {
            let Some(workflow) = own.workflow.clone() else { continue };
            let deploy = own.deploy.as_ref().and_then(|deploy| deploy.id.clone());
            let (install, component) = (own.target.install.clone(), own.target.component.clone());
            let (of, owned) = (Some(install.clone()), own.workflow_owned.clone());
            let had_ended = own.deploy.as_deref().is_some_and(has_ended_badly);
            let target = CancelTarget { target, install, component, deploy, had_ended, owned };
            workflows.entry((workflow, of)).or_default().targets.push(target);
        }
        if let Some(workflow) = report.open_workflow.as_ref().filter(|_| on.is_asked_for_run(report))
            && !workflows.keys().any(|(id, _)| id == workflow)
        {
            let open = Open { targets: Vec::new(), installs: report.open_workflow_of.clone() };
            workflows.insert((workflow.clone(), None), open);
        }
        Self { workflows, limits }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.workflows.is_empty()
    }

    /// Finds the workflows that belong to another install.
    pub(super) async fn owned<F>(self, send: impl Fn(Request) -> F + Clone + Send + Sync + 'static) -> OwnedPlan
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let Self { workflows, limits } = self;
        let deadline = Instant::now() + limits.whole;
        let mut under_way = JoinSet::new();
        for ((workflow, _), open) in workflows {
            let send = send.clone();
            under_way.spawn(async move {
                let owned = belongs(&send, &workflow, &open, limits).await;
                (workflow, open, owned)
            });
        }
        let mut workflows = under_way.join_all().await;
        workflows.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        OwnedPlan { workflows, limits, deadline }
    }
}

impl OwnedPlan {
    /// Returns the workflows to cancel.
    pub(super) fn workflows(&self) -> impl Iterator<Item = &WorkflowId> {
        self.workflows.iter().filter(|(.., owned)| owned.is_ok()).map(|(workflow, ..)| workflow)
    }

    /// Cancels each workflow once, and waits within the limits until its deploys have ended.
    pub(super) async fn carry_out<F>(
        self,
        send: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
    ) -> Vec<CancelReport>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let mut under_way = JoinSet::new();
        let (limits, deadline) = (self.limits, self.deadline);
        for (workflow, open, owned) in self.workflows {
            let send = send.clone();
            under_way.spawn(async move {
                let asked = match owned {
                    Ok(()) => ask(&send, &workflow, deadline, limits).await,
                    Err(elsewhere) => Err(elsewhere),
                };
                reports(&send, &workflow, open.targets, asked, (deadline, limits)).await
            });
        }
        under_way.join_all().await.into_iter().flatten().collect()
    }
}

/// Reports how a workflow and its deploys have ended. Unless the cancel was refused, waits for that.
async fn reports<F>(
    send: &impl Fn(Request) -> F,
    workflow: &WorkflowId,
    open: Vec<CancelTarget>,
    asked: Result<Option<ApiError>, ApiError>,
    (deadline, limits): (Instant, CancelLimits),
) -> Vec<CancelReport>
where
    F: Future<Output = Reply>,
{
    let mut seen: Vec<Option<Arc<Deploy>>> = open.iter().map(|_| None).collect();
    let outcome = match asked {
        Err(error) => {
            // Do not wait, but read the deploys once.
            let _ = timeout_at(deadline, read_deploys(send, &open, &mut seen)).await;
            CancelOutcome::Refused(error)
        }
        Ok(lost) => {
            let settled = timeout_at(deadline, settle(send, workflow, &open, &mut seen, limits.pace)).await;
            let open = match lost {
                Some(error) => CancelOutcome::Unanswered(error, limits.whole),
                None => CancelOutcome::Open(limits.whole),
            };
            settled.map_or(open, CancelOutcome::Settled)
        }
    };
    let reported = |target, had_ended, deploy: Option<Arc<Deploy>>| {
        let last = deploy.as_deref().map(|deploy| (judgement(deploy), deploy.current_status().clone()));
        CancelReport { target, cancelled: Cancelled { outcome: outcome.clone(), last, had_ended }, deploy }
    };
    if open.is_empty() {
        return vec![reported(None, false, None)];
    }
    open.into_iter().zip(seen).map(|(open, deploy)| reported(Some(open.target), open.had_ended, deploy)).collect()
}

/// Checks that a workflow belongs to the install. One that was never read, or that named another owner, is read again.
/// Without an answer, the earlier answer counts, and a workflow that was never read is cancelled anyway.
async fn belongs<F>(
    send: &impl Fn(Request) -> F,
    workflow: &WorkflowId,
    open: &Open,
    limits: CancelLimits,
) -> Result<(), ApiError>
where
    F: Future<Output = Reply>,
{
    let target = open.targets.first().filter(|target| target.owned != Some(Ok(())));
    if target.is_none() && open.installs.is_empty() {
        return Ok(());
    }
    let request = Request::Workflow(target.map(|target| target.install.clone()), workflow.clone());
    match timeout(limits.whole / 4, send(request)).await.map(|reply| reply.map(|answer| answer.fact)) {
        Ok(Ok(Fact::Workflow(read))) if target.is_none() => match read.owner_id.as_ref() {
            Some(owner) if !read.is_of_any(&open.installs) => Err(ApiError::Elsewhere {
                what: format!("workflow {workflow}"),
                owner: format!("install {owner}"),
                expected: open.installs.iter().map(InstallId::as_str).collect::<Vec<_>>().join(" or "),
            }),
            _ => Ok(()),
        },
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.class() == ErrorClass::Elsewhere => Err(error),
        Ok(Err(_)) | Err(_) => target.and_then(|target| target.owned.clone()).unwrap_or(Ok(())),
    }
}

/// Retries until the server accepts, or has refused for too long. A lost answer may have been an acceptance: a refusal
/// after one counts as "already under way". If there never was an answer, returns the error.
async fn ask<F>(
    send: &impl Fn(Request) -> F,
    workflow: &WorkflowId,
    deadline: Instant,
    limits: CancelLimits,
) -> Result<Option<ApiError>, ApiError>
where
    F: Future<Output = Reply>,
{
    let patience = deadline.min(Instant::now() + REFUSALS);
    let mut perhaps_accepted = false;
    loop {
        let one = (deadline - Instant::now()) / 2;
        let error = match timeout(one, send(Request::Cancel(workflow.clone()))).await {
            Ok(Ok(_)) => return Ok(None),
            Ok(Err(error)) => error,
            Err(_) => ApiError::Timeout(one),
        };
        // Servers of 2026 refuse with a 500, so a 500 alone says nothing about the effect.
        let is_lost = error.class() == ErrorClass::Transient && !matches!(error.status(), Some(400..=500));
        match error.class() {
            ErrorClass::Denied | ErrorClass::Missing => return Err(error),
            _ if perhaps_accepted && !is_lost => return Ok(None),
            _ => perhaps_accepted |= is_lost,
        }
        let pause = error.retry_after().unwrap_or_default().max(limits.pace);
        if Instant::now() + pause > patience {
            return if perhaps_accepted { Ok(Some(error)) } else { Err(error) };
        }
        sleep(pause).await;
    }
}

/// Polls until every deploy has ended, or the workflow has. If a deploy had ended before, only the workflow shows
/// whether it was cancelled.
async fn settle<F>(
    send: &impl Fn(Request) -> F,
    workflow: &WorkflowId,
    open: &[CancelTarget],
    seen: &mut [Option<Arc<Deploy>>],
    pace: Duration,
) -> Option<WorkflowEnd>
where
    F: Future<Output = Reply>,
{
    loop {
        read_deploys(send, open, seen).await;
        let has_ended = |(open, deploy): (&CancelTarget, &Option<Arc<Deploy>>)| {
            !open.had_ended && deploy.as_deref().is_some_and(has_ended)
        };
        if !open.is_empty() && open.iter().zip(&*seen).all(has_ended) {
            return None;
        }
        let install = open.first().map(|open| open.install.clone());
        let end = match send(Request::Workflow(install, workflow.clone())).await.map(|answer| answer.fact) {
            Ok(Fact::Workflow(workflow)) => workflow.end(),
            _ => None,
        };
        if end.is_some() {
            // The deploys may have ended between the two reads.
            read_deploys(send, open, seen).await;
            return end;
        }
        sleep(pace).await;
    }
}

async fn read_deploys<F>(send: &impl Fn(Request) -> F, open: &[CancelTarget], seen: &mut [Option<Arc<Deploy>>])
where
    F: Future<Output = Reply>,
{
    for (open, seen) in open.iter().zip(seen) {
        let Some(id) = open.deploy.clone().filter(|_| !seen.as_deref().is_some_and(has_ended)) else { continue };
        let request = Request::Deploy(open.install.clone(), Some(open.component.clone()), id);
        if let Ok(Fact::Deploy(deploy)) = send(request).await.map(|answer| answer.fact) {
            *seen = Some(deploy);
        }
    }
}

fn judgement(deploy: &Deploy) -> Judgement {
    Rules::default().judge_deploy(deploy)
}

fn has_ended(deploy: &Deploy) -> bool {
    judgement(deploy) != Judgement::Pending
}

fn has_ended_badly(deploy: &Deploy) -> bool {
    matches!(judgement(deploy), Judgement::Failed | Judgement::Cancelled)
}

impl Report {
    /// Records how the cancelled deploys really ended. No verdict changes.
    pub(super) fn settle(&mut self, reports: Vec<CancelReport>) {
        let now = self.finished_at();
        for CancelReport { target, cancelled, deploy } in reports {
            let Some(target) = target.map(|index| &mut self.targets[index]) else {
                self.run_cancelled = Some(cancelled);
                continue;
            };
            // A pending target has no reason that could say it.
            if self.failed_fast && target.verdict == Verdict::Pending {
                target.warnings.push(Warning::Cancelled(cancelled.clone()));
            }
            target.cancelled = Some(cancelled);
            let Some(deploy) = deploy else { continue };
            let status = deploy.current_status().clone();
            if target.timeline.last().is_none_or(|stay| stay.status != status) {
                let at = deploy.status_since().unwrap_or(now);
                let duration = (!has_ended(&deploy)).then_some(Duration::ZERO);
                target.timeline.push(Stay { status, at, duration });
            }
            target.deploy = Some(deploy);
        }
    }
}
