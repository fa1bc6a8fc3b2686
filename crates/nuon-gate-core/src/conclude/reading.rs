//! Reads what people need after the verdict: why a deploy failed, what was live before, and its log. It changes no
//! verdict.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::histories;
use crate::api::{ApiError, Fact, Reply, Request, repeat};
use crate::cause::Warning;
use crate::history::History;
use crate::log_tail::{AFTERMATH, Logged, UNEVENTFUL, last_error, log_tail, says_why};
use crate::model::{Deploy, LogRecord, Plan};
use crate::reason::LONGEST;
use crate::report::{Report, TargetReport};
use crate::timeline::human;
use crate::watch::PLAN_TIMEOUT;
use crate::{Clock, Line, LogStreamId, OrgId, Verdict};

/// How many requests run concurrently.
const AT_ONCE: usize = 8;
/// How many pages of a log are searched for an error.
const MOST_PAGES: u32 = 5;

/// What to read.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// How many lines of the log.
    pub(super) log_lines: usize,
    /// How long it may take altogether.
    pub(super) limit: Duration,
    /// The organisation whose dashboard is linked to.
    pub(super) org: Option<OrgId>,
}

/// One thing to read.
#[derive(Debug, Clone)]
pub(super) enum Task {
    Dashboard(OrgId),
    /// The log of the target at this position: its stream if known, or else the deploy that names it.
    Log(usize, LogSource),
    /// The history of the target at this position.
    History(usize, Request),
    /// The histories of the targets at these positions, from the list of their install's deploys.
    InstallHistories(Vec<usize>, Request),
    /// The plan that a human is asked to approve, of the target at this position.
    Plan(usize, Request),
}

/// How to find a log.
#[derive(Debug, Clone)]
pub(super) enum LogSource {
    Stream(LogStreamId),
    Deploy(Request),
}

/// What was found.
enum Finding {
    Dashboard(Option<crate::Dashboard>),
    Log(usize, LogExcerpt),
    History(usize, Arc<Vec<Deploy>>),
    InstallHistories(Vec<usize>, Arc<Vec<Deploy>>),
    Plan(usize, Option<Arc<Plan>>),
}

/// The useful part of a log.
#[derive(Default)]
struct LogExcerpt {
    tail: Vec<Logged>,
    error: Option<Line>,
}

/// Completes a report with what can be read within the limit. What cannot be read becomes a warning where it matters.
pub(super) async fn gather<F>(
    send: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
    report: &mut Report,
    wanted: Wanted,
) where
    F: Future<Output = Reply> + Send + 'static,
{
    let deadline = Instant::now() + wanted.limit;
    let mut waiting: VecDeque<Task> = tasks(report, &wanted).into();
    let mut under_way: JoinSet<(Task, Result<Finding, ApiError>)> = JoinSet::new();
    let mut open: Vec<Task> = Vec::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(task) = waiting.pop_front()
        {
            let send = send.clone();
            open.push(task.clone());
            under_way.spawn(async move { (task.clone(), find_in_time(&send, task, wanted.log_lines, deadline).await) });
        }
        match timeout_at(deadline, under_way.join_next()).await {
            Ok(None) => break,
            Ok(Some(Ok((task, found)))) => {
                open.retain(|other| !other.is(&task));
                waiting.extend(match found {
                    Ok(finding) => take(report, finding),
                    Err(error) => instead(report, task, &error),
                });
            }
            // The task panicked: its part is missing, like any other late part.
            Ok(Some(Err(_))) => {}
            Err(_) => break,
        }
    }
    let late = format!("not within {}", human(wanted.limit));
    open.iter().chain(&waiting).for_each(|task| miss(report, task, &late));
}

impl Task {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dashboard(_), Self::Dashboard(_)) => true,
            (Self::Log(own, ..), Self::Log(other, ..))
            | (Self::History(own, _), Self::History(other, _))
            | (Self::Plan(own, _), Self::Plan(other, _)) => own == other,
            (Self::InstallHistories(own, _), Self::InstallHistories(other, _)) => own == other,
            _ => false,
        }
    }
}

/// Lists what is worth reading, the most specific first. Returns nothing if the API is silent or asked for a pause.
fn tasks(report: &Report, wanted: &Wanted) -> Vec<Task> {
    let silent = report.api_paused || report.targets.iter().any(|target| target.clock() == Some(Clock::Outage));
    let seen = report.targets.iter().enumerate().filter(|(_, target)| target.deploy.is_some());
    let seen: Vec<(usize, &TargetReport)> = seen.filter(|_| !silent).collect();
    let unknown = !seen.is_empty() && report.dashboard.is_none();
    let dashboard = wanted.org.clone().filter(|_| unknown).map(Task::Dashboard);
    let in_trouble =
        |target: &TargetReport| matches!(target.verdict, Verdict::Failed | Verdict::Cancelled | Verdict::TimedOut);
    let logs = seen.iter().filter(|(_, target)| in_trouble(target) && wanted.log_lines > 0);
    let logs = logs.filter_map(|(index, target)| {
        let deploy = target.deploy.as_deref()?;
        let (install, component) = (target.target.install.clone(), target.target.component.clone());
        deploy.conceal_log_token(true);
        // The short form of a deploy does not name its log.
        let source = match deploy.log_stream_id() {
            Some(stream) => LogSource::Stream(stream.clone()),
            None => LogSource::Deploy(Request::Deploy(install, Some(component), deploy.id.clone()?)),
        };
        Some(Task::Log(*index, source))
    });
    // What its workflow asks is about another plan.
    let plans = seen.iter().filter(|(_, target)| !target.plan_was_asked_for && target.approval.is_some());
    let plans = plans.filter_map(|(index, target)| Some(Task::Plan(*index, Request::plan(target.open_approval()?)?)));
    let (passed, others): (Vec<_>, Vec<_>) =
        seen.iter().copied().partition(|(_, target)| target.verdict == Verdict::Passed);
    // What was read during the wait is not read again, unless it may have changed.
    let is_known = |target: &TargetReport| target.history.as_ref().is_some_and(|history| history.is_settled);
    let unread = others.into_iter().chain(passed).filter(|(_, target)| !is_known(target));
    let unread: Vec<usize> = unread.map(|(index, _)| index).collect();
    dashboard.into_iter().chain(logs).chain(plans).chain(histories::tasks(report, &unread)).collect()
}

/// Reads one thing, and retries transient errors as long as there is time.
async fn find_in_time<F>(
    send: &impl Fn(Request) -> F,
    task: Task,
    log_lines: usize,
    deadline: Instant,
) -> Result<Finding, ApiError>
where
    F: Future<Output = Reply>,
{
    if matches!(task, Task::Plan(..)) {
        // It may be of an unsupported kind.
        let found = timeout(PLAN_TIMEOUT, find(send, task, log_lines)).await;
        return found.unwrap_or(Err(ApiError::Timeout(PLAN_TIMEOUT)));
    }
    repeat(|| find(send, task.clone(), log_lines), deadline, u32::MAX).await
}

async fn find<F>(send: &impl Fn(Request) -> F, task: Task, log_lines: usize) -> Result<Finding, ApiError>
where
    F: Future<Output = Reply>,
{
    let unexpected = || Err(ApiError::unexpected());
    match task {
        Task::Dashboard(org) => match send(Request::Dashboard(org)).await?.fact {
            Fact::Dashboard(dashboard) => Ok(Finding::Dashboard(dashboard)),
            _ => unexpected(),
        },
        Task::History(index, request) => match send(request).await?.fact {
            Fact::Deploys(rows) => Ok(Finding::History(index, rows)),
            _ => unexpected(),
        },
        Task::InstallHistories(indices, request) => match send(request).await?.fact {
            Fact::InstallDeploys(rows) => Ok(Finding::InstallHistories(indices, rows)),
            _ => unexpected(),
        },
        Task::Plan(index, request) => match send(request).await?.fact {
            Fact::Plan(plan) => Ok(Finding::Plan(index, plan)),
            _ => unexpected(),
        },
        Task::Log(index, source) => {
            let stream = match source {
                LogSource::Stream(stream) => stream,
                LogSource::Deploy(request) => match send(request).await?.fact {
                    Fact::Deploy(deploy) => {
                        deploy.conceal_log_token(true);
                        match deploy.log_stream_id() {
                            Some(stream) => stream.clone(),
                            None => return Ok(Finding::Log(index, LogExcerpt::default())),
                        }
                    }
                    _ => return unexpected(),
                },
            };
            // Keep only what will be reported, not whole logs.
            let records = read_log(send, stream, log_lines).await?;
            let excerpt = LogExcerpt { tail: log_tail(&records, log_lines), error: last_error(&records, LONGEST) };
            Ok(Finding::Log(index, excerpt))
        }
    }
}

/// Reads the newest page of a log, and older ones until an error is found. Keeps only what the tail can need.
async fn read_log<F>(
    send: &impl Fn(Request) -> F,
    stream: LogStreamId,
    log_lines: usize,
) -> Result<Vec<LogRecord>, ApiError>
where
    F: Future<Output = Reply>,
{
    let mut records: Vec<LogRecord> = Vec::new();
    let mut before = None;
    for _ in 0..MOST_PAGES {
        let page = match send(Request::Logs(stream.clone(), before)).await.map(|answer| answer.fact) {
            Ok(Fact::Logs(page)) => page,
            Ok(_) => return Err(ApiError::unexpected()),
            // A part of the log is better than nothing.
            Err(_) if !records.is_empty() => break,
            Err(error) => return Err(error),
        };
        records.extend(page.records.into_iter().filter(LogRecord::says_something));
        before = page.next;
        if before.is_none() || records.iter().any(says_why) {
            break;
        }
        // Without an error on older pages, the newest lines or those around the newest error are reported. Otherwise
        // the lines right after the older error are.
        let around_error = records.iter().position(LogRecord::is_error).map(|at| at + 1 + log_lines);
        let newest = around_error.unwrap_or(UNEVENTFUL);
        if records.len() > newest + AFTERMATH {
            records.drain(newest..records.len() - AFTERMATH);
        }
    }
    Ok(records)
}

/// Takes what was found, and returns what is still to be read for it.
fn take(report: &mut Report, finding: Finding) -> Vec<Task> {
    match finding {
        Finding::Dashboard(dashboard) => report.dashboard = dashboard,
        Finding::History(index, rows) => {
            let target = &mut report.targets[index];
            target.history = target.deploy.as_deref().map(|deploy| History::new(rows.as_slice(), deploy));
        }
        Finding::InstallHistories(indices, rows) => return histories::take(report, indices, &rows),
        Finding::Plan(index, plan) => report.targets[index].plan = plan,
        Finding::Log(index, excerpt) => {
            let target = &mut report.targets[index];
            target.log_tail = excerpt.tail;
            // The log is the last source of a reason.
            target.log_error = excerpt.error;
        }
    }
    Vec::new()
}

/// Returns what to read instead of something that could not be read.
fn instead(report: &mut Report, task: Task, error: &ApiError) -> Vec<Task> {
    match task {
        // Older servers lack the list.
        Task::InstallHistories(indices, _) => return histories::each(report, indices),
        task => miss(report, &task, &error.to_string()),
    }
    Vec::new()
}

fn miss(report: &mut Report, task: &Task, why: &str) {
    let why = Line::new(why);
    match task {
        Task::Dashboard(_) => report.warnings.push(Warning::NoLinks(why)),
        Task::Log(index, ..) => report.targets[*index].warnings.push(Warning::NoLog(why)),
        Task::History(index, _) => histories::miss(report, &[*index], &why),
        Task::InstallHistories(indices, _) => histories::miss(report, indices, &why),
        // The approval's page shows it.
        Task::Plan(..) => tracing::debug!(why = why.plain(), "the plan to approve cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::RemoteText;
    use crate::api::LogPage;

    fn record(number: i64, text: &str) -> LogRecord {
        LogRecord { severity_number: Some(number), body: Some(RemoteText::new(text)), ..LogRecord::default() }
    }

    /// Pages of a log, newest first: a hundred records each, of which every third is empty, except those in `texts`.
    fn pages(count: u64, texts: &[(u64, usize, i64, &str)]) -> Vec<Vec<LogRecord>> {
        let text = |page, at| match texts.iter().find(|(own, own_at, ..)| (*own, *own_at) == (page, at)) {
            Some((.., severity, text)) => record(*severity, text),
            None if at % 3 == 0 => record(9, " "),
            None => record(9, &format!("{page}.{at}")),
        };
        (0..count).map(|page| (0..100).map(|at| text(page, at)).collect()).collect()
    }

    #[tokio::test]
    async fn the_kept_part_of_a_log_gives_the_same_excerpt_as_all_of_it() {
        let logs = [
            pages(5, &[]),
            pages(4, &[(3, 99, 17, "the oldest of all")]),
            pages(3, &[(2, 1, 17, "two lines\nof an error"), (1, 99, 9, "right after"), (2, 0, 9, "\n")]),
            pages(2, &[(0, 0, 9, "several\nlines\nat\nthe\nend"), (1, 0, 17, "error")]),
            // The runner's generic error comes pages later, or is the only one.
            pages(4, &[(0, 1, 17, "job execution failed"), (2, 50, 17, "why\nand where"), (3, 0, 17, "before that")]),
            pages(3, &[(0, 1, 17, "job execution failed: exit status 1")]),
        ];
        for log in logs {
            let send = |request| {
                let Request::Logs(_, before) = request else { panic!("{request:?}") };
                let page = before.unwrap_or(0);
                let next = Some(page + 1).filter(|next| (*next as usize) < log.len());
                ready(Ok(Fact::Logs(LogPage { records: log[page as usize].clone(), next }).into()))
            };
            let all = log.concat();
            for most in [0, 1, 8, 25] {
                let kept = read_log(&send, "log1".parse().unwrap(), most).await.unwrap();
                assert_eq!(log_tail(&kept, most), log_tail(&all, most), "{most}");
                assert_eq!(last_error(&kept, LONGEST), last_error(&all, LONGEST));
                assert!(kept.len() <= 100 + UNEVENTFUL.max(most + 2) + AFTERMATH, "{}", kept.len());
            }
        }
    }
}
