//! The events of a wait.

use std::sync::Arc;
use std::time::Duration;

use super::logs::unfollowed::Unfollowed;
use super::settings::{InvalidSettings, OnSuperseded};
use crate::api::ApiError;
use crate::cause::{Cause, Warning};
use crate::model::{Plan, QueuePlace, Status, StepStanding};
use crate::resolve::{Ambiguous, NoComponents, Unfit};
use crate::timeline::human;
use crate::{
    ApprovalPlace, BuildId, DeployId, GroupReport, Hold, Line, Logged, MatchedBy, Moment, RunId, Target, Verdict,
    WaitingInstall, WorkflowId,
};

/// Something that happened. Targets are named by their position among the run's targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// What.
    pub kind: EventKind,
}

/// How long a deploy has taken so far, and how long such deploys usually take. Time spent waiting for a human's
/// approval counts in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long it has been worked on.
    pub elapsed: Duration,
    /// How long such deploys usually take.
    pub typical: Duration,
}

impl Pace {
    /// Returns the remaining time if it takes as long as usual; zero if it has taken longer.
    pub fn remaining(self) -> Duration {
        self.typical.saturating_sub(self.elapsed)
    }
}

/// A target that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Why it is still waited for.
    pub hold: Hold,
    /// Which.
    pub target: usize,
    /// The status of its deploy; `None`: there is no deploy yet.
    pub status: Option<Status>,
    /// How long it has been in that status.
    pub spent: Duration,
    /// Its progress, if the usual duration is known, it has not passed, and no human is asked.
    pub pace: Option<Pace>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The wait has begun, with the targets that are known.
    Started {
        /// The targets.
        targets: Vec<Target>,
    },
    /// The workflow that is waited for deploys one more component.
    Joined {
        /// The position of the new target.
        target: usize,
        /// The target.
        is: Target,
    },
    /// There is no matching deploy yet.
    NotStarted {
        /// For which target.
        target: usize,
    },
    /// A deploy matched, and is followed from now on.
    Found {
        /// For which target.
        target: usize,
        /// The deploy.
        deploy: DeployId,
        /// Its status.
        status: Status,
        /// How long it has been in that status, as far as the server says.
        spent: Duration,
        /// The build it brings.
        build: Option<BuildId>,
        /// The commit that was built, as a harmless line.
        commit: Option<Line>,
        /// The pin that it matched.
        matched_by: MatchedBy,
        /// The deploy that it replaced.
        replaces: Option<DeployId>,
    },
    /// The usual duration of such deploys is known.
    Expected {
        /// For which target.
        target: usize,
        /// The deploy.
        deploy: DeployId,
        /// Its progress.
        pace: Pace,
    },
    /// Steps of a workflow that deploys targets have changed, if requested.
    Steps {
        /// The workflow.
        workflow: WorkflowId,
        /// The states of its steps.
        steps: Vec<StepStanding>,
    },
    /// The deploy has logged something, if requested.
    Logged {
        /// For which target.
        target: usize,
        /// What, oldest first.
        lines: Vec<Logged>,
    },
    /// Its log is no longer followed, although the deploy goes on.
    LogEnded {
        /// For which target.
        target: usize,
        /// Why.
        why: Unfollowed,
    },
    /// The deploy has another status.
    Changed {
        /// For which target.
        target: usize,
        /// The deploy.
        deploy: DeployId,
        /// The earlier status.
        from: Status,
        /// The new status.
        to: Status,
        /// How long it was in the earlier status.
        spent: Duration,
        /// The server's description, as a harmless line.
        description: Option<Line>,
    },
    /// The status alone would pass or fail, but the workflow can still change it.
    Held {
        /// For which target.
        target: usize,
        /// The status of the deploy.
        status: Status,
        /// What it waits for.
        hold: Hold,
    },
    /// A human is asked to approve.
    ApprovalNeeded {
        /// The target whose plan it is; `None` for a step of the workflow that is waited for as a whole.
        target: Option<usize>,
        /// The step that asks for it.
        place: ApprovalPlace,
        /// The name of that step, if it is about no target.
        step: Option<Line>,
        /// The approval's page, if the dashboard is known.
        url: Option<Line>,
        /// The plan, if it could be read.
        plan: Option<Arc<Plan>>,
    },
    /// There is a newer deploy, which is no replacement.
    Superseded {
        /// For which target.
        target: usize,
        /// The deploy that was followed.
        from: DeployId,
        /// The newer one.
        to: DeployId,
        /// What happens because of that.
        policy: OnSuperseded,
    },
    /// An error; the request will be retried.
    Retrying {
        /// For which target; `None` during discovery.
        target: Option<usize>,
        /// What went wrong.
        error: ApiError,
        /// In how long.
        next: Duration,
    },
    /// A heartbeat: nothing happened for a minute.
    Waiting {
        /// The targets that have not ended.
        pending: Vec<Pending>,
    },
    /// A warning.
    Warned {
        /// About which target, or the whole run.
        target: Option<usize>,
        /// What.
        warning: Warning,
    },
    /// A workflow waits behind others in its queue.
    Queued {
        /// The target that polled it; `None` for a workflow that is waited for as a whole.
        target: Option<usize>,
        /// The workflow.
        workflow: WorkflowId,
        /// Its place.
        place: QueuePlace,
    },
    /// Something happened to the run of a branch that is waited for.
    Run(RunEvent),
    /// A target ended.
    Ended {
        /// Which; `None` for an end of the run that is not about a target.
        target: Option<usize>,
        /// The deploy that was followed, if there was one.
        deploy: Option<DeployId>,
        /// The page of its approval, if the wait ended while that was requested.
        approval: Option<Line>,
        /// How.
        verdict: Verdict,
        /// Why, unless it passed.
        cause: Option<Cause>,
    },
}

/// What happened to the run of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// It was found, and is followed from now on.
    Found {
        /// The run.
        run: RunId,
        /// Its own workflow.
        workflow: WorkflowId,
        /// Its status.
        status: Line,
        /// The commit that it releases.
        commit: Option<Line>,
    },
    /// It has another status.
    Changed {
        /// The run.
        run: RunId,
        /// The earlier status.
        from: Line,
        /// The new status.
        to: Line,
    },
    /// A group of installs was begun, or moved on.
    Group(GroupReport),
    /// An install waits behind another run.
    Waiting(WaitingInstall),
    /// A later run takes this one's place at an install.
    Superseded {
        /// Its group.
        group: Line,
        /// The install.
        install: Line,
        /// The later run.
        by: RunId,
        /// What happens because of that.
        policy: OnSuperseded,
    },
    /// A human is asked before the run goes on.
    ApprovalNeeded {
        /// The run.
        run: RunId,
        /// Its own workflow.
        workflow: WorkflowId,
        /// The step that asks.
        step: Option<Line>,
        /// The run's page, if the dashboard is known.
        url: Option<Line>,
    },
}

/// Why nothing was waited for although the watch had begun: the arguments or the configuration are wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The API's certificate is not trusted, and there was no good answer before.
    #[error(transparent)]
    Untrusted(ApiError),
    /// There is nothing to wait for.
    #[error(transparent)]
    Invalid(InvalidSettings),
    /// Two things have the name that was given.
    #[error(transparent)]
    Ambiguous(Ambiguous),
    /// No install has the labels that were given.
    #[error(transparent)]
    Unfit(Unfit),
    /// One of the installs that were given has no components.
    #[error(transparent)]
    Empty(NoComponents),
    /// No run was named, and the branch's newest had already ended.
    #[error("the branch's newest run, {0}, had already ended, and nothing says which run to wait for")]
    StaleRun(RunId),
    /// Nothing was pinned, and the newest deploy had already ended.
    #[error("the latest deploy, {deploy}, had already ended{}, and nothing says which deploy to wait for",
        .ago.map(|ago| format!(" {} ago", human(ago))).unwrap_or_default())]
    Stale {
        /// The deploy.
        deploy: DeployId,
        /// How long before the wait began it ended, if the server says.
        ago: Option<Duration>,
    },
}
