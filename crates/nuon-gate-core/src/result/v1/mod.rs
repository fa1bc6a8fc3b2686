//! The published result: version 1 of its JSON form.
//!
//! These structs are frozen. Pipelines and receivers of webhooks depend on their names, so the engine's types may
//! change, but these may not. Absent values are `null`, never missing.
//!
//! Every text is a [`Line`], even our own, because a result that is read from a file is as untrusted as the server.

mod excerpt;
mod publish;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::excerpt::around_error;
pub use self::publish::{millis, rfc3339};
pub use crate::shorten::around_error_word;
use crate::text::some_of;
use crate::timeline::span;
pub use crate::verdict::Verdict;
use crate::{Clock, Line, MatchedBy};

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// The version of this form.
    pub schema: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// The process's exit code.
    pub exit_code: u8,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// The hint. Results of earlier versions have none.
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
    /// The run of a branch that was waited for. Results of earlier versions have none.
    #[serde(default)]
    pub branch_run: Option<BranchRunResult>,
    /// The part of the targets that was watched, if it was only one. Results of earlier versions have none.
    #[serde(default)]
    pub shard: Option<ShardResult>,
    /// Statistics about the API.
    pub api: ApiResult,
    /// The CI run.
    pub ci_url: Option<Line>,
    /// The outcome of each notification.
    pub notifications: Vec<NotificationResult>,
    /// Warnings about the run as a whole.
    pub warnings: Vec<Line>,
}

/// The run of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchRunResult {
    /// Its id.
    pub id: Line,
    /// Its status.
    pub status: Line,
    /// The commit that it releases.
    pub commit: Option<Line>,
    /// Whether a human is asked before it goes on.
    pub awaiting_approval: bool,
    /// Its page in Nuon, on which it is also approved.
    pub url: Option<Line>,
    /// Its groups of installs, in order.
    pub groups: Vec<GroupResult>,
    /// The installs that wait behind another run.
    pub waiting: Vec<WaitingResult>,
}

/// A group of installs in a branch's run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupResult {
    /// Its name.
    pub name: Line,
    /// Where it stands.
    pub status: Line,
    /// How many installs it has.
    pub total: usize,
    /// How many of them are done.
    pub done: usize,
    /// How many of them have failed.
    pub failed: usize,
}

/// An install that waits behind another run of its branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingResult {
    /// Its group.
    pub group: Line,
    /// The install.
    pub install: Line,
    /// The run that it waits for.
    pub behind_run_id: Line,
    /// Why, in the server's word.
    pub why: Option<Line>,
}

impl GroupResult {
    /// Describes its progress in a few words.
    pub fn standing(&self) -> Line {
        let Self { name, status, total, done, failed } = self;
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        Line::new(format!("group {}: {}, {done} of {total} installs done{failed}", name.plain(), status.plain()))
    }
}

impl WaitingResult {
    /// Describes what it waits for.
    pub fn standing(&self) -> Line {
        let why = self.why.as_ref().map(|why| format!(" ({})", why.plain())).unwrap_or_default();
        let Self { group, install, behind_run_id, .. } = self;
        let (group, install, run) = (group.plain(), install.plain(), behind_run_id.plain());
        Line::new(format!("group {group}: install {install} waits behind run {run}{why}"))
    }
}

/// The outcome for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetResult {
    /// The install.
    pub install: Named,
    /// The component.
    pub component: Named,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: Option<Line>,
    /// The hint. Results of earlier versions have none.
    #[serde(default)]
    pub hint: Option<Line>,
    /// The clock whose limit expired.
    pub clock: Option<Clock>,
    /// The verdict of the deploy itself once it has ended, whatever its component's health or the time says. Results of earlier
    /// versions have none.
    #[serde(default)]
    pub deploy_verdict: Option<Verdict>,
    /// The health of its component, if that was required. Results of earlier versions have none.
    #[serde(default)]
    pub health: Option<HealthResult>,
    /// The deploy that matched.
    pub deploy: Option<DeployResult>,
    /// The pin that it matched.
    pub matched_by: Option<MatchedBy>,
    /// The group of installs in a branch's run that it belongs to. Results of earlier versions have none.
    #[serde(default)]
    pub group: Option<Line>,
    /// Its workflow's place in the queue, while it waits for others. Results of earlier versions have none.
    #[serde(default)]
    pub queue: Option<QueueResult>,
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
    /// Its page in Nuon.
    pub url: Option<Line>,
    /// The page of the requested approval.
    pub approval_url: Option<Line>,
    /// What a human was asked to approve. Results of earlier versions have none.
    #[serde(default)]
    pub plan: Option<PlanResult>,
    /// The last lines of its log.
    pub log_tail: Vec<LogLine>,
    /// Warnings.
    pub warnings: Vec<Line>,
}

/// The last known health of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthResult {
    /// The server's word for it.
    pub state: Option<Line>,
    /// The server's description of it.
    pub description: Option<Line>,
    /// Since when it has been in this state.
    pub since: Option<Line>,
    /// When Nuon last observed any part of the component.
    pub observed_at: Option<Line>,
    /// How long it has to stay healthy.
    pub bake_ms: u64,
    /// How long it has been healthy, up to the last observation, as far as that counts towards `bake_ms`.
    pub baked_ms: u64,
    /// The component's resources and checks, unhealthy ones first; ten at most.
    pub checks: Vec<CheckResult>,
}

/// A resource of a component, or a check of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// What it is called.
    pub name: Line,
    /// Its state, in the server's word.
    pub status: Line,
    /// Why.
    pub description: Option<Line>,
}

/// The size of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanResult {
    /// How many things it adds. One that is replaced is added and destroyed.
    pub add: u64,
    /// How many it changes.
    pub change: u64,
    /// How many it destroys.
    pub destroy: u64,
    /// The names of the first ten that it destroys or replaces.
    pub destroyed: Vec<Line>,
}

impl PlanResult {
    /// Describes it: `3 to add, 1 to change, 2 to destroy (aws_db_instance.main, …)`.
    pub fn words(&self) -> Line {
        let Self { add, change, destroy, destroyed } = self;
        let names = if destroyed.is_empty() { String::new() } else { format!(" ({})", some_of(*destroy, destroyed)) };
        Line::new(format!("{add} to add, {change} to change, {destroy} to destroy{names}"))
    }
}

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueResult {
    /// The place, starting at 1.
    pub position: u64,
    /// What kinds of workflows are ahead, as far as the server names them.
    pub ahead: Vec<Line>,
}

/// A shard of a run, and what identifies the shards that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardResult {
    /// Its number, starting at 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// The same for all shards of a run; `None` if the targets of the whole run never became known.
    pub run_id: Option<Line>,
    /// The name that whatever started the shards gave to the run.
    pub run_name: Option<Line>,
    /// How many targets all shards have together; `None` if that was not known from the start.
    pub all_targets: Option<usize>,
    /// All targets became known, and the workflow or run whose deploys they are ended well.
    #[serde(default)]
    pub complete: bool,
}

/// Something with an id and perhaps a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The id.
    pub id: Line,
    /// The name, if known.
    pub name: Option<Line>,
}

impl Named {
    /// Returns its name, or its id if no name is known. `None` if both are blank.
    pub fn known(&self) -> Option<&Line> {
        self.name.iter().chain([&self.id]).find(|name| !name.is_empty())
    }
}

/// A deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployResult {
    /// Its id.
    pub id: Option<Line>,
    /// Its type.
    #[serde(rename = "type")]
    pub deploy_type: Option<Line>,
    /// Its status.
    pub status: Line,
    /// The server's description of it.
    pub status_description: Option<Line>,
    /// The build it brings.
    pub build_id: Option<Line>,
    /// The commit that was built.
    pub commit: Option<Line>,
    /// The workflow that runs it.
    pub workflow_id: Option<Line>,
    /// Who triggered it.
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
    /// The severity.
    pub severity: Line,
    /// Its text.
    pub text: Line,
}

/// Statistics about the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiResult {
    /// The server's version.
    pub version: Option<Line>,
    /// How many requests were sent.
    pub requests: u64,
    /// How many had no good answer.
    pub errors: u64,
}

/// The outcome of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationResult {
    /// The sink.
    pub sink: Line,
    /// The outcome.
    pub result: Delivery,
    /// Why, unless it was sent.
    pub reason: Option<Line>,
}

/// Whether a notification arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The service accepted it.
    Sent,
    /// It was not to be sent, or a setting is missing.
    Skipped,
    /// The service did not accept it.
    Failed,
}

impl RunResult {
    /// Returns the position of the target that decided, if one did.
    pub fn deciding(&self) -> Option<usize> {
        self.verdict.decided_by(self.targets.iter().map(|target| target.verdict))
    }
}

impl Named {
    /// Returns the name, or the id as long as the name is not known.
    pub fn label(&self) -> &Line {
        self.name.as_ref().filter(|name| !name.is_empty()).unwrap_or(&self.id)
    }
}

impl StayResult {
    /// Returns the status with the time that was spent in it.
    pub fn spent(&self) -> (&str, Option<Duration>) {
        (self.status.plain(), self.duration_ms.map(Duration::from_millis))
    }
}

impl TargetResult {
    /// Returns how long its deploy took, or has taken so far: by its statuses, or from its creation to its end. The
    /// longer one is right: the gate may have missed statuses, and the server writes their times in whole seconds.
    pub fn took(&self) -> Option<Duration> {
        let stays = self.timeline.iter().filter_map(|stay| stay.duration_ms).reduce(u64::saturating_add);
        let instant = |at: &Option<Line>| at.as_ref()?.plain().parse::<Timestamp>().ok();
        let whole = self.deploy.as_ref().and_then(|deploy| {
            let (created, ended) = (instant(&deploy.created_at)?, instant(&deploy.ended_at)?);
            Some(span(created, ended))
        });
        // Less than the server's unit counts as unknown.
        stays.map(Duration::from_millis).max(whole).filter(|took| !took.is_zero())
    }

    /// Returns the lines of its log around the error that explains the failure, at most `most`. Use these where there
    /// is no room for the whole tail: the last lines alone may be after the error, and the first ones before it.
    pub fn log_excerpt(&self, most: usize) -> &[LogLine] {
        &self.log_tail[around_error(&self.log_tail, most)]
    }
}
