//! Cancelling what is not waited for any more, and finding out who won.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::client::ErrorClass;
use crate::model::{Deploy, Workflow, WorkflowEnd};
use crate::timeline::Stay;
use crate::watch::{Answer, Reply, Request};
use crate::{ApiError, DeployId, InstallId, Judgement, Kind, Line, Report, Rules, Verdict, WorkflowId, human};

/// How long a refusal is taken for a passing one. Servers of 2025 refuse between two steps of a workflow, although it can be
/// cancelled (facts, section 6).
const REFUSALS: Duration = Duration::from_secs(3);

/// After what deploys are cancelled that have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CancelOn {
    /// After the total, the start or the stall clock rang.
    pub timeout: bool,
    /// After a signal.
    pub interrupt: bool,
    /// After too many other targets have not passed.
    pub fail_fast: bool,
}

/// How long cancelling may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct CancelLimits {
    /// Altogether.
    pub whole: Duration,
    /// Between two questions.
    pub pace: Duration,
}

/// What came of asking to cancel a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Its deploys have ended, or the workflow has.
    Settled(Option<WorkflowEnd>),
    /// The server accepted it, but nothing had ended in time.
    Open(Duration),
    /// It is not known whether the server accepted it, and nothing had ended in time.
    Unanswered(ApiError, Duration),
    /// The server did not accept it.
    Refused(ApiError),
}

/// A deploy that is to be cancelled, and whose it is.
#[derive(Debug, Clone)]
struct Doomed {
    target: usize,
    install: InstallId,
    deploy: DeployId,
}

/// What is to be cancelled: workflows, as a whole, with those of their deploys that are told of.
#[derive(Debug, Default)]
pub struct CancelPlan {
    workflows: BTreeMap<WorkflowId, Vec<Doomed>>,
    limits: CancelLimits,
}

/// What became of a workflow or a deploy that was to be cancelled.
#[derive(Debug)]
pub struct Settlement {
    /// Whose it was; `None` for a workflow that was waited for as a whole.
    target: Option<usize>,
    outcome: Outcome,
    deploy: Option<Box<Deploy>>,
}

impl CancelPlan {
    /// Finds out what is to be cancelled after a run: the workflows of deploys that have not ended, and the one that was
    /// waited for as a whole.
    pub fn new(report: &Report, on: CancelOn, limits: CancelLimits) -> Self {
        let interrupted = matches!(report.verdict, Verdict::Interrupted(_));
        let is_doomed = |verdict| match verdict {
            Verdict::TimedOut => on.timeout,
            Verdict::Pending => interrupted && on.interrupt || report.failed_fast && !interrupted && on.fail_fast,
            _ => false,
        };
        let mut workflows: BTreeMap<WorkflowId, Vec<Doomed>> = BTreeMap::new();
        for (target, own) in report.targets.iter().enumerate().filter(|(_, own)| is_doomed(own.verdict)) {
            let Some(deploy) = own.deploy.as_deref() else { continue };
            if let (Some(workflow), Some(id)) = (&deploy.workflow_id, &deploy.id) {
                let doomed = Doomed { target, install: own.target.install.clone(), deploy: id.clone() };
                workflows.entry(workflow.clone()).or_default().push(doomed);
            }
        }
        let stopped = match report.verdict {
            Verdict::TimedOut => on.timeout,
            Verdict::Interrupted(_) => on.interrupt,
            _ => report.failed_fast && on.fail_fast,
        };
        if let Some(workflow) = report.open_workflow.as_ref().filter(|_| stopped) {
            workflows.entry(workflow.clone()).or_default();
        }
        Self { workflows, limits }
    }

    /// Returns the workflows that are to be cancelled.
    pub fn workflows(&self) -> impl ExactSizeIterator<Item = &WorkflowId> {
        self.workflows.keys()
    }

    /// Cancels each workflow once, and waits within the limits until its deploys have ended.
    pub async fn carry_out<F>(self, send: impl Fn(Request) -> F + Clone + Send + Sync + 'static) -> Vec<Settlement>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let mut under_way = JoinSet::new();
        for (workflow, doomed) in self.workflows {
            let send = send.clone();
            under_way.spawn(async move { cancel_workflow(&send, workflow, doomed, self.limits).await });
        }
        under_way.join_all().await.into_iter().flatten().collect()
    }
}

async fn cancel_workflow<F>(
    send: &impl Fn(Request) -> F,
    workflow: WorkflowId,
    doomed: Vec<Doomed>,
    limits: CancelLimits,
) -> Vec<Settlement>
where
    F: Future<Output = Reply>,
{
    let deadline = Instant::now() + limits.whole;
    let mut seen: Vec<Option<Box<Deploy>>> = doomed.iter().map(|_| None).collect();
    let outcome = match ask(send, &workflow, deadline, limits).await {
        Err(error) => {
            // Nothing is awaited then, but how the deploys stand is worth a look.
            let _ = timeout_at(deadline, look(send, &doomed, &mut seen)).await;
            Outcome::Refused(error)
        }
        Ok(lost) => {
            let settled = timeout_at(deadline, settle(send, &workflow, &doomed, &mut seen, limits.pace)).await;
            let open = match lost {
                Some(error) => Outcome::Unanswered(error, limits.whole),
                None => Outcome::Open(limits.whole),
            };
            settled.map_or(open, Outcome::Settled)
        }
    };
    if doomed.is_empty() {
        return vec![Settlement { target: None, outcome, deploy: None }];
    }
    let settlement =
        |(doomed, deploy): (Doomed, _)| Settlement { target: Some(doomed.target), outcome: outcome.clone(), deploy };
    doomed.into_iter().zip(seen).map(settlement).collect()
}

/// Asks until the server accepts it, or has refused for too long. An answer that is lost may have been a yes: a refusal
/// after that is taken for "already under way". If no answer ever came, returns what came instead of one.
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
        // Servers of 2026 refuse with a 500, so that alone says nothing of what was done.
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

/// Looks until every deploy has ended, or the workflow has.
async fn settle<F>(
    send: &impl Fn(Request) -> F,
    workflow: &WorkflowId,
    doomed: &[Doomed],
    seen: &mut [Option<Box<Deploy>>],
    pace: Duration,
) -> Option<WorkflowEnd>
where
    F: Future<Output = Reply>,
{
    loop {
        look(send, doomed, seen).await;
        if !seen.is_empty() && seen.iter().all(|deploy| deploy.as_deref().is_some_and(has_ended)) {
            return None;
        }
        let end = match send(Request::Workflow(workflow.clone())).await {
            Ok(Answer::Workflow(workflow)) => Workflow::end(&workflow),
            _ => None,
        };
        if end.is_some() {
            // The deploys may have ended between the two reads.
            look(send, doomed, seen).await;
            return end;
        }
        sleep(pace).await;
    }
}

async fn look<F>(send: &impl Fn(Request) -> F, doomed: &[Doomed], seen: &mut [Option<Box<Deploy>>])
where
    F: Future<Output = Reply>,
{
    for (doomed, seen) in doomed.iter().zip(seen) {
        if !seen.as_deref().is_some_and(has_ended)
            && let Ok(Answer::Deploy(Some(deploy))) =
                send(Request::Deploy(doomed.install.clone(), doomed.deploy.clone())).await
        {
            *seen = Some(deploy);
        }
    }
}

fn judgement(deploy: &Deploy) -> Judgement {
    Rules::default().judge(deploy.current_status(), Kind::from(deploy.install_deploy_type.as_ref()))
}

fn has_ended(deploy: &Deploy) -> bool {
    judgement(deploy) != Judgement::Pending
}

impl Settlement {
    /// Says who won.
    fn words(&self) -> String {
        let status = self.deploy.as_deref().map(|deploy| format!("`{}`", deploy.current_status()));
        let judgement = self.deploy.as_deref().map(judgement);
        match (&self.outcome, judgement, status) {
            (_, Some(Judgement::Cancelled), Some(_)) => "it was cancelled".to_owned(),
            (Outcome::Refused(error), Some(Judgement::Passed), Some(status)) => {
                format!("it could not be cancelled ({error}): the deploy became {status}")
            }
            (Outcome::Refused(error), _, Some(status)) => {
                format!("it could not be cancelled ({error}), and is {status}")
            }
            (Outcome::Refused(error), _, None) => format!("it could not be cancelled ({error})"),
            (_, Some(Judgement::Passed), Some(status)) => {
                format!("cancel lost the race: the deploy became {status}")
            }
            (_, Some(Judgement::Failed | Judgement::Replaced), Some(status)) => {
                format!("it was to be cancelled, and ended as {status}")
            }
            (Outcome::Settled(Some(WorkflowEnd::Cancelled)), _, status) => {
                let stays = status.map(|status| format!(" and the deploy stays {status}")).unwrap_or_default();
                format!("the workflow was cancelled{stays}")
            }
            (Outcome::Settled(Some(end)), _, _) => format!("it was to be cancelled, and the workflow {}", end.as_str()),
            (Outcome::Settled(None), _, _) => "it was to be cancelled, and has ended".to_owned(),
            (Outcome::Open(limit), _, status) => {
                let is = status.map(|status| format!(" and is {status}")).unwrap_or_default();
                format!("cancelling it was accepted, but it has not ended within {}{is}", human(*limit))
            }
            (Outcome::Unanswered(error, limit), _, status) => {
                let is = status.map(|status| format!(" and is {status}")).unwrap_or_default();
                let limit = human(*limit);
                format!(
                    "it is not known whether cancelling it was accepted ({error}): it has not ended within {limit}{is}"
                )
            }
        }
    }
}

impl Report {
    /// Tells how the deploys that were to be cancelled have really ended. No verdict changes by that.
    pub fn settle(&mut self, settlements: Vec<Settlement>) {
        let now = self.finished_at();
        for settlement in settlements {
            let words = settlement.words();
            let Some(target) = settlement.target.map(|index| &mut self.targets[index]) else {
                self.add_reason(&words);
                continue;
            };
            // What it says of a deploy that goes on does not hold for one that has been cancelled.
            target.hint.take_if(|_| !matches!(settlement.outcome, Outcome::Refused(_)));
            target.reason = Some(match target.reason.take() {
                Some(reason) => Line::new(format!("{}; {words}", reason.plain())),
                None => Line::new(words),
            });
            let Some(deploy) = settlement.deploy else { continue };
            let status = deploy.current_status().clone();
            if target.timeline.last().is_none_or(|stay| stay.status != status) {
                let at = deploy.status_since().unwrap_or(now);
                let duration = (!has_ended(&deploy)).then_some(Duration::ZERO);
                target.timeline.push(Stay { status, at, duration });
            }
            target.deploy = Some(deploy);
        }
        self.tell();
    }
}
