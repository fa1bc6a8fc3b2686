//! Turns a report into a result.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::{
    ApiResult, BranchRunResult, CheckResult, DeployResult, GroupResult, HealthResult, LastGood, LogLine, Named,
    PlanResult, QueueResult, RunResult, ShardResult, StayResult, TargetResult, WaitingResult,
};
use crate::api::ApiStats;
use crate::model::Plan;
use crate::report::{Report, TargetReport, Words};
use crate::timeline::Stay;
use crate::{
    Checked, Dashboard, GroupReport, HealthReport, Line, Logged, RemoteText, RunReport, ShardReport, Sharding, Verdict,
    WaitingInstall,
};

/// Longest status description and name, in characters.
const LONGEST: usize = 500;

impl RunResult {
    /// Makes the published form of a report.
    pub fn new(report: &Report, words: &Words, exit_code: u8, api: ApiStats) -> Self {
        Self {
            schema: 1,
            verdict: report.verdict,
            exit_code,
            reason: words.run_reason(report).filter(|_| report.verdict != Verdict::Pending),
            hint: words.run_hint(report).filter(|_| report.verdict != Verdict::Pending),
            started_at: rfc3339(report.started_at),
            finished_at: rfc3339(report.finished_at()),
            elapsed_ms: millis(report.elapsed),
            targets: report
                .targets
                .iter()
                .map(|target| TargetResult::new(target, words, report.dashboard.as_ref()))
                .collect(),
            branch_run: report.branch_run.as_ref().map(|run| BranchRunResult::new(run, report.dashboard.as_ref())),
            shard: report.shard.as_ref().map(ShardResult::from),
            api: ApiResult { version: api.version, requests: api.requests, errors: api.errors },
            ci_url: None,
            notifications: Vec::new(),
            warnings: report.warnings.iter().map(|warning| Line::new((words.warning)(warning))).collect(),
        }
    }
}

impl BranchRunResult {
    fn new(report: &RunReport, dashboard: Option<&Dashboard>) -> Self {
        Self {
            id: Line::new(report.run.as_str()),
            status: report.status.clone(),
            commit: report.commit.clone(),
            awaiting_approval: report.awaits_approval,
            url: dashboard.and_then(|dashboard| dashboard.run(&report.place, &report.workflow)),
            groups: report.groups.iter().map(GroupResult::from).collect(),
            waiting: report.waiting.iter().map(WaitingResult::from).collect(),
        }
    }
}

impl From<&ShardReport> for ShardResult {
    fn from(report: &ShardReport) -> Self {
        let ShardReport { sharding: Sharding { shard, run }, run_id, all_targets, is_complete } = report;
        Self {
            index: shard.index(),
            count: shard.count(),
            run_id: run_id.as_ref().map(|id| Line::new(id.as_str())),
            run_name: run.as_ref().map(Line::new),
            all_targets: *all_targets,
            complete: *is_complete,
        }
    }
}

impl From<&GroupReport> for GroupResult {
    fn from(report: &GroupReport) -> Self {
        let GroupReport { name, status, total, done, failed } = report;
        let (name, status) = (name.clone(), status.clone());
        Self { name, status, total: *total, done: *done, failed: *failed }
    }
}

impl From<&WaitingInstall> for WaitingResult {
    fn from(report: &WaitingInstall) -> Self {
        let WaitingInstall { group, install, behind, why } = report;
        let behind_run_id = Line::new(behind.as_str());
        Self { group: group.clone(), install: install.clone(), behind_run_id, why: why.clone() }
    }
}

impl TargetResult {
    fn new(report: &TargetReport, words: &Words, dashboard: Option<&Dashboard>) -> Self {
        let TargetReport { target, deploy, .. } = report;
        let history = report.history.as_ref();
        let recovered = history.filter(|_| report.verdict == Verdict::Passed).map(|history| history.failures_before);
        let link = |deploy| dashboard?.deploy(target, deploy);
        let asked = |place| dashboard?.approval(&target.install, place);
        Self {
            install: Named { id: Line::new(target.install.as_str()), name: target.install_name().cloned() },
            component: Named {
                id: Line::new(target.component.as_str()),
                name: text(report.component_name()).or_else(|| target.component_name().cloned()),
            },
            verdict: report.verdict,
            reason: words.reason(report).filter(|_| report.verdict != Verdict::Pending),
            hint: words.hint(report, dashboard).filter(|_| report.verdict != Verdict::Pending),
            clock: report.clock(),
            deploy_verdict: report.deploy_verdict(),
            health: report.health.as_ref().map(HealthResult::from),
            deploy: deploy.as_deref().map(|deploy| DeployResult::new(deploy, report)),
            matched_by: report.matched_by,
            group: report.target.group().cloned(),
            queue: report
                .queue
                .as_ref()
                .map(|place| QueueResult { position: place.position, ahead: place.ahead.clone() }),
            superseded_by: report.superseded_by.as_ref().map(|id| Line::new(id.as_str())),
            replaced: report.replaced.iter().map(|id| Line::new(id.as_str())).collect(),
            typical_ms: history.and_then(|history| history.typical).map(millis),
            recovered_after: recovered.filter(|failures| *failures > 0),
            last_good: history.and_then(|history| LastGood::new(history.last_good.as_deref()?)),
            timeline: report.timeline.iter().map(StayResult::new).collect(),
            url: deploy.as_deref().and_then(link),
            approval_url: report.open_approval().and_then(asked),
            plan: report.plan.as_deref().map(PlanResult::from),
            log_tail: report.log_tail.iter().map(LogLine::new).collect(),
            warnings: report.warnings.iter().map(|warning| Line::new((words.warning)(warning))).collect(),
        }
    }
}

impl From<&HealthReport> for HealthResult {
    fn from(report: &HealthReport) -> Self {
        let check = |check: &Checked| {
            let Checked { name, status, description } = check.clone();
            CheckResult { name, status, description }
        };
        Self {
            state: report.state.as_ref().map(|state| Line::new(state.as_str())),
            description: text(report.description.as_ref()),
            since: report.since.map(rfc3339),
            observed_at: report.observed_at.map(rfc3339),
            bake_ms: millis(report.bake),
            baked_ms: millis(report.baked),
            checks: report.checks.iter().map(check).collect(),
        }
    }
}

impl From<&Plan> for PlanResult {
    fn from(plan: &Plan) -> Self {
        let Plan { add, change, destroy, destroyed } = plan;
        Self { add: *add, change: *change, destroy: *destroy, destroyed: destroyed.clone() }
    }
}

impl DeployResult {
    fn new(deploy: &crate::model::Deploy, report: &TargetReport) -> Self {
        let ended = report.timeline.last().filter(|stay| stay.duration.is_none());
        Self {
            id: deploy.id.as_ref().map(|id| Line::new(id.as_str())),
            deploy_type: deploy.install_deploy_type.as_ref().map(|kind| Line::new(kind.as_str())),
            status: Line::new(deploy.current_status().as_str()),
            status_description: text(deploy.description()),
            build_id: deploy.build().map(|id| Line::new(id.as_str())),
            commit: text(deploy.commit()),
            workflow_id: deploy.workflow().map(|id| Line::new(id.as_str())),
            created_by: text(deploy.author()),
            created_at: deploy.created_at.map(rfc3339),
            ended_at: ended.map(|stay| rfc3339(stay.at)),
        }
    }
}

impl LastGood {
    fn new(deploy: &crate::model::Deploy) -> Option<Self> {
        Some(Self {
            deploy_id: Line::new(deploy.id.as_ref()?.as_str()),
            build_id: deploy.build().map(|id| Line::new(id.as_str())),
            commit: text(deploy.commit()),
            at: deploy.status_since().map(rfc3339),
        })
    }
}

impl LogLine {
    fn new(line: &Logged) -> Self {
        Self { at: line.at.map(rfc3339), severity: line.severity.clone(), text: line.text.clone() }
    }
}

impl StayResult {
    fn new(stay: &Stay) -> Self {
        Self { status: Line::new(stay.status.as_str()), at: rfc3339(stay.at), duration_ms: stay.duration.map(millis) }
    }
}

/// Writes an instant to the millisecond.
pub fn rfc3339(at: Timestamp) -> Line {
    let to_millis = TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Trunc);
    Line::new(at.round(to_millis).unwrap_or(at).to_string())
}

/// Returns whole milliseconds.
pub fn millis(duration: std::time::Duration) -> u64 {
    SignedDuration::try_from(duration).ok().and_then(|span| u64::try_from(span.as_millis()).ok()).unwrap_or(u64::MAX)
}

fn text(text: Option<&RemoteText>) -> Option<Line> {
    text.map(|text| text.line_around_error(LONGEST)).filter(|line| !line.is_empty())
}
