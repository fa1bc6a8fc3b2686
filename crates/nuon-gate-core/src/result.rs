//! The result as others read it: version 1 of its JSON form.
//!
//! These structs are frozen. Pipelines and receivers of webhooks depend on their names, so what is inside the engine
//! can change and this cannot. Absent values are `null`, never missing.
//!
//! Every text is a [`Line`], be it our own: a result that is read from a file is as little to be trusted as the server.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::api::ApiStats;
use crate::report::{Report, TargetReport, Words};
use crate::timeline::Stay;
use crate::{Clock, Dashboard, Line, Logged, MatchedBy, RemoteText, Verdict};

/// Longest status description and name, in characters.
const LONGEST: usize = 500;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// The version of this form.
    pub schema: u32,
    /// How it ended.
    pub verdict: VerdictName,
    /// What the process exits with.
    pub exit_code: u8,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// What can be done about it. Results of earlier versions have none.
    #[serde(default)]
    pub hint: Option<Line>,
    /// When the gate began, in RFC 3339.
    pub started_at: Line,
    /// When it ended.
    pub finished_at: Line,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Every target, in order.
    pub targets: Vec<TargetResult>,
    /// How the API did.
    pub api: ApiResult,
    /// The CI run.
    pub ci_url: Option<Line>,
    /// What became of each notification.
    pub notifications: Vec<NotificationResult>,
    /// What a human should know of the run as a whole.
    pub warnings: Vec<Line>,
}

/// The outcome for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetResult {
    /// The install.
    pub install: Named,
    /// The component.
    pub component: Named,
    /// How it ended.
    pub verdict: VerdictName,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// What can be done about it. Results of earlier versions have none.
    #[serde(default)]
    pub hint: Option<Line>,
    /// The clock whose limit ran out.
    pub clock: Option<Clock>,
    /// The deploy that matched.
    pub deploy: Option<DeployResult>,
    /// What made it the right one.
    pub matched_by: Option<MatchedBy>,
    /// A newer deploy that is no replacement.
    pub superseded_by: Option<Line>,
    /// Deploys that it replaced.
    pub replaced: Vec<Line>,
    /// How long such deploys usually take.
    pub typical_ms: Option<u64>,
    /// How many deploys before it had failed.
    pub recovered_after: Option<u32>,
    /// The last deploy that passed.
    pub last_good: Option<LastGood>,
    /// Where its time went.
    pub timeline: Vec<StayResult>,
    /// Its page in the dashboard.
    pub url: Option<Line>,
    /// The page of the approval that is asked for.
    pub approval_url: Option<Line>,
    /// The last lines of its log.
    pub log_tail: Vec<LogLine>,
    /// What a human should know.
    pub warnings: Vec<Line>,
}

/// Something with an id and perhaps a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The id.
    pub id: Line,
    /// The name, if it was seen.
    pub name: Option<Line>,
}

/// A deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployResult {
    /// Its id.
    pub id: Option<Line>,
    /// Its type.
    #[serde(rename = "type")]
    pub deploy_type: Option<Line>,
    /// Where it stands.
    pub status: Line,
    /// What the server says of that.
    pub status_description: Option<Line>,
    /// The build it brings.
    pub build_id: Option<Line>,
    /// The commit that was built.
    pub commit: Option<Line>,
    /// The workflow that runs it.
    pub workflow_id: Option<Line>,
    /// Who asked for it.
    pub created_by: Option<Line>,
    /// When it was created.
    pub created_at: Option<Line>,
    /// When it ended.
    pub ended_at: Option<Line>,
}

/// A deploy that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGood {
    /// Its id.
    pub deploy_id: Line,
    /// Its build.
    pub build_id: Option<Line>,
    /// Its commit.
    pub commit: Option<Line>,
    /// When it ended.
    pub at: Option<Line>,
}

/// A stay in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayResult {
    /// The status.
    pub status: Line,
    /// Since when.
    pub at: Line,
    /// For how long; `null` for a status that the deploy ended in.
    pub duration_ms: Option<u64>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Option<Line>,
    /// How bad it is.
    pub severity: Line,
    /// What it says.
    pub text: Line,
}

/// How the API did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiResult {
    /// The server's version.
    pub version: Option<Line>,
    /// How many requests were sent.
    pub requests: u64,
    /// How many got no good answer.
    pub errors: u64,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationResult {
    /// The sink.
    pub sink: Line,
    /// What became of it.
    pub result: Delivery,
    /// Why, unless it was sent.
    pub reason: Option<Line>,
}

/// Whether a notification arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The service took it.
    Sent,
    /// It was not to be sent, or could not be for want of a setting.
    Skipped,
    /// The service did not take it.
    Failed,
}

/// A verdict's published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictName {
    /// Every required target passed.
    Passed,
    /// A deploy failed.
    Failed,
    /// The API said no.
    Rejected,
    /// A deploy was cancelled, or its approval denied or expired.
    Cancelled,
    /// A human has to approve.
    ApprovalNeeded,
    /// A newer deploy took its place.
    Superseded,
    /// No good answer from the API.
    Inconclusive,
    /// A clock ran out.
    TimedOut,
    /// Not ended yet.
    Pending,
    /// A signal ended the run.
    Interrupted,
    /// Passed, but a notification that was required did not arrive.
    NotifyFailed,
}

impl VerdictName {
    /// Returns the name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::ApprovalNeeded => "approval_needed",
            Self::Superseded => "superseded",
            Self::Inconclusive => "inconclusive",
            Self::TimedOut => "timed_out",
            Self::Pending => "pending",
            Self::Interrupted => "interrupted",
            Self::NotifyFailed => "notify_failed",
        }
    }

    /// Returns the sign that stands for it wherever people read.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✅",
            Self::Failed | Self::Rejected => "❌",
            Self::Cancelled | Self::Superseded => "🚫",
            Self::ApprovalNeeded => "✋",
            Self::TimedOut => "⏰",
            Self::Pending => "⏳",
            Self::Inconclusive | Self::Interrupted | Self::NotifyFailed => "⚠️",
        }
    }
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Interrupted(_) => Self::Interrupted,
            Verdict::Rejected => Self::Rejected,
            Verdict::Failed => Self::Failed,
            Verdict::Cancelled => Self::Cancelled,
            Verdict::Superseded => Self::Superseded,
            Verdict::ApprovalNeeded => Self::ApprovalNeeded,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::Pending => Self::Pending,
            Verdict::Passed => Self::Passed,
        }
    }
}

impl RunResult {
    /// Makes the published form of a report.
    pub fn new(report: &Report, words: &Words, exit_code: u8, api: ApiStats) -> Self {
        Self {
            schema: 1,
            verdict: report.verdict.into(),
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
            api: ApiResult { version: api.version, requests: api.requests, errors: api.errors },
            ci_url: None,
            notifications: Vec::new(),
            warnings: report.warnings.iter().map(|warning| Line::new((words.warning)(warning))).collect(),
        }
    }
}

impl TargetResult {
    fn new(report: &TargetReport, words: &Words, dashboard: Option<&Dashboard>) -> Self {
        let TargetReport { target, deploy, .. } = report;
        let recovered = (report.verdict == Verdict::Passed).then_some(report.history.failures_before);
        let link = |deploy| dashboard?.deploy(target, deploy);
        let asked = |place| dashboard?.approval(target, place);
        let name = |seen: Option<&RemoteText>, known: Option<&Line>| text(seen).or_else(|| known.cloned());
        Self {
            install: Named {
                id: Line::new(target.install.as_str()),
                name: name(report.install_name.as_ref(), target.install_name()),
            },
            component: Named {
                id: Line::new(target.component.as_str()),
                name: name(report.component_name(), target.component_name()),
            },
            verdict: report.verdict.into(),
            reason: words.reason(report).filter(|_| report.verdict != Verdict::Pending),
            hint: words.hint(report, dashboard).filter(|_| report.verdict != Verdict::Pending),
            clock: report.clock(),
            deploy: deploy.as_deref().map(|deploy| DeployResult::new(deploy, report)),
            matched_by: report.matched_by,
            superseded_by: report.superseded_by.as_ref().map(|id| Line::new(id.as_str())),
            replaced: report.replaced.iter().map(|id| Line::new(id.as_str())).collect(),
            typical_ms: report.history.typical.map(millis),
            recovered_after: recovered.filter(|failures| *failures > 0),
            last_good: report.history.last_good.as_deref().and_then(LastGood::new),
            timeline: report.timeline.iter().map(StayResult::new).collect(),
            url: deploy.as_deref().and_then(link),
            approval_url: report.approval.as_ref().and_then(asked),
            log_tail: report.log_tail.iter().map(LogLine::new).collect(),
            warnings: report.warnings.iter().map(|warning| Line::new((words.warning)(warning))).collect(),
        }
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
            build_id: deploy.build_id.as_ref().map(|id| Line::new(id.as_str())),
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
            build_id: deploy.build_id.as_ref().map(|id| Line::new(id.as_str())),
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
    text.map(|text| text.line(LONGEST)).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let names = [
            (VerdictName::Passed, "passed"),
            (VerdictName::Failed, "failed"),
            (VerdictName::Rejected, "rejected"),
            (VerdictName::Cancelled, "cancelled"),
            (VerdictName::ApprovalNeeded, "approval_needed"),
            (VerdictName::Superseded, "superseded"),
            (VerdictName::Inconclusive, "inconclusive"),
            (VerdictName::TimedOut, "timed_out"),
            (VerdictName::Pending, "pending"),
            (VerdictName::Interrupted, "interrupted"),
            (VerdictName::NotifyFailed, "notify_failed"),
        ];
        for (name, text) in names {
            assert_eq!((name.as_str(), serde_json::to_value(name).unwrap()), (text, text.into()));
            assert_eq!(serde_json::from_value::<VerdictName>(text.into()).unwrap(), name);
        }
    }
}
