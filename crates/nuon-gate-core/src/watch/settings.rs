//! What a watch is given before it begins.

use std::collections::HashSet;
use std::time::Duration;

use crate::pins::{Pinning, Pins};
use crate::resolve::Wanted;
use crate::schedule::Intervals;
use crate::{BranchRef, InstallId, Kind, MatchedBy, OrgId, Require, Rules, Sharding, Target, Targets, WorkflowId};

/// The timeouts of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// In total.
    pub total: Duration,
    /// Until a matching deploy exists.
    pub start: Option<Duration>,
    /// Without any change.
    pub stall: Option<Duration>,
    /// For a human's answer.
    pub approval: Option<Duration>,
    /// For other workflows that are ahead in a queue.
    pub queue: Option<Duration>,
    /// Without one good answer from the API.
    pub outage: Option<Duration>,
}

/// What follows from a newer deploy that is no replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSuperseded {
    /// It is followed from then on.
    Follow,
    /// It is reported.
    Ignore,
    /// The wait ends.
    Fail,
}

impl OnSuperseded {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Ignore => "ignore",
            Self::Fail => "fail",
        }
    }
}

/// What follows from a human being asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnApproval {
    /// The wait goes on.
    #[default]
    Wait,
    /// The wait ends.
    Fail,
    /// The wait ends well.
    Pass,
}

/// What the watch is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These targets.
    Targets(Targets),
    /// What these mean, which has to be found out.
    Wanted(Vec<Wanted>),
    /// Every deploy of a workflow, those that are still to come among them. If installs are named, by id or by name, it has
    /// to be one of theirs.
    Workflow(WorkflowId, Vec<InstallId>),
    /// The deploys of every install in the run of a branch, those that are still to come among them.
    Branch(BranchRef),
}

/// Which lines of logs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Those of records about an error.
    Errors,
    /// All.
    All,
}

/// What follows from a latest deploy that had already ended before the wait began, if nothing was pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnStale {
    /// It is judged, with a warning.
    #[default]
    Accept,
    /// A newer one is waited for.
    Wait,
    /// Nothing is waited for.
    Fail,
}

/// How long to poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Until everything has ended.
    #[default]
    Wait,
    /// Once.
    Once,
}

/// The settings of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchSettings {
    /// What statuses mean.
    pub rules: Rules,
    /// The intervals between polls.
    pub intervals: Intervals,
    /// The timeouts.
    pub clocks: Clocks,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How many targets have to pass.
    pub require: Require,
    /// Whether only a part of the targets is watched.
    pub sharding: Option<Sharding>,
    /// Whether to stop as soon as too many have not.
    pub fail_fast: bool,
    /// What kind of deploy is expected, if only one will do.
    pub expect: Option<Kind>,
    /// What follows from a newer deploy; `None`: it is followed if nothing was pinned, else ignored.
    pub on_superseded: Option<OnSuperseded>,
    /// What follows from a human being asked.
    pub on_approval: OnApproval,
    /// What follows from a latest deploy that had already ended, if nothing was pinned.
    pub on_stale: OnStale,
    /// How long a pass has to last before it is believed.
    pub settle: Duration,
    /// For how long the component has to be healthy after a pass; `None`: its health is not asked about.
    pub healthy_for: Option<Duration>,
    /// The organisation whose dashboard is linked to; without it there are no links.
    pub org: Option<OrgId>,
    /// Whether links are wanted while the wait goes on, so that the dashboard is asked for as soon as a deploy is found.
    pub links: bool,
    /// Whether it is to be told how the steps of workflows move on.
    pub steps: bool,
    /// Which lines of the deploys' logs are shown while the deploys run; `None`: no log is read.
    pub logs: Option<Followed>,
    /// Whether the end of a step at work is awaited by a long poll, where the server offers it.
    pub long_poll: bool,
    /// Whether it is read how long such deploys usually take, so that the end of one is polled for when it is likely.
    pub history: bool,
    /// Whether a command was to trigger the deploys, so that nobody has pinned the baseline that they are newer than.
    pub is_triggered: bool,
    /// How many requests a second are sent at most, for all targets together.
    pub max_rps: u32,
    /// Whether to wait at all.
    pub mode: Mode,
    /// Where the jitter comes from.
    pub seed: u64,
}

/// What the command line gives by default: an hour altogether, five minutes for a deploy to appear and for an outage, two to
/// ten seconds between polls.
impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            intervals: Intervals::default(),
            clocks: Clocks::default(),
            request_timeout: Duration::from_secs(30),
            require: Require::All,
            sharding: None,
            fail_fast: false,
            expect: None,
            on_superseded: None,
            on_approval: OnApproval::Wait,
            on_stale: OnStale::Accept,
            settle: Duration::ZERO,
            healthy_for: None,
            org: None,
            links: false,
            steps: false,
            logs: None,
            long_poll: true,
            history: true,
            is_triggered: false,
            max_rps: 20,
            mode: Mode::Wait,
            seed: 0,
        }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            total: minutes(60),
            start: Some(minutes(5)),
            stall: None,
            approval: None,
            queue: None,
            outage: Some(minutes(5)),
        }
    }
}

/// The most targets: as many as an install can have components.
const MOST_TARGETS: usize = 10_000;

/// Why there is nothing to wait for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// More targets are required to pass than there are.
    #[error("{needed} targets are required to pass, but there are only {targets}")]
    TooManyRequired {
        /// How many should pass.
        needed: usize,
        /// How many there are.
        targets: usize,
    },
    /// More targets than can be watched at once.
    #[error("{targets} targets are too many: at most {MOST_TARGETS} can be waited for")]
    TooManyTargets {
        /// How many there are.
        targets: usize,
    },
    /// A deploy belongs to one target, and so does what is newer than it.
    #[error("one deploy's id cannot pin {targets} targets")]
    DeployOfSeveral {
        /// The pin that names it.
        pin: MatchedBy,
        /// How many there are.
        targets: usize,
    },
    /// Nothing is wanted.
    #[error("there are no targets")]
    NoTargets,
    /// A pin that means one component's deploy.
    #[error("a pin by {} is about one component, and a workflow without a component is about all it deploys", .0.as_str())]
    NotOfWorkflow(MatchedBy),
    /// A target has no baseline.
    #[error("the mark does not mention {0}")]
    NotMarked(Target),
}

impl WatchSettings {
    pub(super) fn check_workflow(pinning: &Pinning) -> Result<(), InvalidSettings> {
        match pinning {
            Pinning { shared: Pins { deploy: Some(_), .. }, .. } => {
                Err(InvalidSettings::NotOfWorkflow(MatchedBy::Deploy))
            }
            Pinning { shared: Pins { after: Some(_), .. }, .. } | Pinning { baselines: Some(_), .. } => {
                Err(InvalidSettings::NotOfWorkflow(MatchedBy::After))
            }
            _ => Ok(()),
        }
    }

    /// Each part can have as many as a whole run.
    fn most_targets(&self) -> usize {
        let parts = self.sharding.as_ref().map_or(1, |sharding| sharding.shard.count());
        MOST_TARGETS.saturating_mul(usize::try_from(parts).unwrap_or(usize::MAX))
    }

    /// Names are resolved before the targets are known, so they are limited as well.
    pub(super) fn check_wanted(&self, wanted: &[Wanted]) -> Result<(), InvalidSettings> {
        let targets = wanted.iter().collect::<HashSet<_>>().len();
        if targets > self.most_targets() { Err(InvalidSettings::TooManyTargets { targets }) } else { Ok(()) }
    }

    pub(super) fn check(&self, targets: &[Target], pinning: &Pinning) -> Result<(), InvalidSettings> {
        if targets.len() > self.most_targets() {
            return Err(InvalidSettings::TooManyTargets { targets: targets.len() });
        }
        let needed = self.require.count(targets.len());
        if needed > targets.len() {
            return Err(InvalidSettings::TooManyRequired { needed, targets: targets.len() });
        }
        if let Some(pin) = pinning.shared.of_one_target()
            && targets.len() > 1
        {
            return Err(InvalidSettings::DeployOfSeveral { pin, targets: targets.len() });
        }
        match targets.iter().find(|target| pinning.of(target).is_none()) {
            Some(target) => Err(InvalidSettings::NotMarked(target.clone())),
            None => Ok(()),
        }
    }
}
