//! What exists on a server, and what happens to it. All times are milliseconds since the gate's start, before any
//! division. Earlier times are negative.

use super::clock::Clock;
use super::id::Id;

/// The age of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// Late 2024: one runner job, no workflows, no `status_v2`.
    Old,
    /// Mid-2025: plan-only deploys are filtered from a page after it was read.
    Mid1,
    /// December 2025: plan-only deploys are filtered in SQL.
    Mid,
    /// 2026: queues, automatic retries, health gates.
    New,
}

/// What a component is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A container image: synced, never planned.
    Image,
    /// A chart.
    Helm,
    /// Terraform.
    Terraform,
    /// Manifests.
    Manifest,
}

/// An install.
#[derive(Debug, Clone)]
pub(super) struct Install {
    pub(super) id: Id,
    pub(super) name: &'static str,
}

/// A component of one install.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) install: usize,
    /// The component's own id, which other installs may share.
    pub(super) id: Id,
    /// The install component's.
    pub(super) part: Id,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// A build.
#[derive(Debug, Clone)]
pub(super) struct Build {
    pub(super) id: Id,
    pub(super) component: Id,
    pub(super) name: &'static str,
    pub(super) sha: String,
    pub(super) at: i64,
}

/// A status that is set at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) at: i64,
    pub(super) word: &'static str,
    pub(super) text: &'static str,
    /// It erases the history.
    pub(super) wipes: bool,
    /// `finished` is true from then on.
    pub(super) finished: bool,
    /// The workflow waits for a retry.
    pub(super) parked: bool,
}

impl Change {
    /// Creates a change that ends nothing.
    pub(super) fn new(at: i64, word: &'static str, text: &'static str) -> Self {
        Self { at, word, text, wipes: false, finished: false, parked: false }
    }

    /// Creates a change that finishes the object.
    pub(super) fn last(at: i64, word: &'static str, text: &'static str) -> Self {
        Self { finished: true, ..Self::new(at, word, text) }
    }
}

/// Returns the changes up to a time, newest last.
pub(super) fn so_far(changes: &[Change], at: i64) -> &[Change] {
    &changes[..changes.partition_point(|change| change.at <= at)]
}

/// Inserts a change in the order of times.
pub(super) fn insert(changes: &mut Vec<Change>, change: Change) {
    let place = changes.partition_point(|other| other.at <= change.at);
    changes.insert(place, change);
}

/// A deploy.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: Id,
    pub(super) component: usize,
    pub(super) build: usize,
    pub(super) flow: usize,
    /// Its type; empty if it has none.
    pub(super) kind: &'static str,
    pub(super) created: i64,
    /// When its workflow was written into it.
    pub(super) linked: i64,
    pub(super) changes: Vec<Change>,
    /// The reason of its failure, if it fails.
    pub(super) reason: &'static str,
    /// Whether a policy denied it.
    pub(super) policy: bool,
}

/// What a step works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Nothing with a name.
    Nothing,
    /// A deploy; unknown before it exists.
    Deploy,
    /// The install component of this component.
    Part(usize),
    /// An action.
    Action,
}

/// A requested approval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Approval {
    pub(super) at: i64,
    /// When it was answered, and how.
    pub(super) answer: Option<(i64, &'static str)>,
}

/// A step of a workflow.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) id: Id,
    pub(super) name: String,
    /// When it becomes visible.
    pub(super) appears: i64,
    pub(super) group: u32,
    pub(super) group_retry: u32,
    pub(super) execution: &'static str,
    pub(super) aim: Aim,
    /// The deploy that it works on, and since when the step names it.
    pub(super) row: Option<(usize, i64)>,
    /// Since when it names its install component's id.
    pub(super) part_from: i64,
    pub(super) changes: Vec<Change>,
    pub(super) began: Option<i64>,
    pub(super) approval: Option<Approval>,
    pub(super) retried: Option<i64>,
    pub(super) retryable: bool,
    /// The workflow goes on if it fails.
    pub(super) skips_failure: bool,
    /// Further members of its status, as JSON; may be empty.
    pub(super) metadata: &'static str,
}

/// A workflow.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub(super) id: Id,
    pub(super) install: usize,
    pub(super) kind: &'static str,
    pub(super) plan_only: bool,
    /// Empty if it has none.
    pub(super) option: &'static str,
    pub(super) created: i64,
    pub(super) began: Option<i64>,
    pub(super) changes: Vec<Change>,
    pub(super) steps: Vec<Step>,
}

/// Habits of the server that do not change within a world.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    /// `latest` answers an empty object if there is no deploy.
    pub(super) none_is_empty: bool,
    /// Lists are paged: ten items by default, a hundred at most.
    pub(super) pages: bool,
    /// `latest` names install and component.
    pub(super) latest_says_both: bool,
    /// `latest` shows rows of type `recover`.
    pub(super) latest_shows_recover: bool,
    /// The long poll of a step: 0 missing, 1 works, 2 always fails.
    pub(super) awaits: u8,
    /// The log can be followed.
    pub(super) tails: bool,
    /// `status_v2` is always missing.
    pub(super) no_status_v2: bool,
    /// A pending step has its target's type before it has a target.
    pub(super) types_early: bool,
}

/// Everything that exists and happens.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) age: Age,
    pub(super) version: &'static str,
    pub(super) clock: Clock,
    pub(super) habits: Habits,
    pub(super) org: Id,
    pub(super) app: Id,
    pub(super) account: Id,
    pub(super) installs: Vec<Install>,
    pub(super) components: Vec<Component>,
    pub(super) builds: Vec<Build>,
    pub(super) rows: Vec<Row>,
    pub(super) flows: Vec<Flow>,
    /// The condition of each component; empty if nobody asks for it.
    pub(super) conditions: Vec<Condition>,
    /// How far component health can lag behind, in milliseconds.
    pub(super) health_lag: i64,
    /// The kinds of events in it.
    pub(super) notes: Vec<&'static str>,
}

impl Story {
    /// Finds an install by id, or by name.
    pub(super) fn install(&self, text: &str) -> Option<usize> {
        self.installs.iter().position(|install| install.id.is(text) || install.name == text)
    }

    /// Finds an install by id alone.
    pub(super) fn install_id(&self, text: &str) -> Option<usize> {
        self.installs.iter().position(|install| install.id.is(text))
    }

    /// Finds a component of an install by id.
    pub(super) fn component(&self, install: usize, text: &str) -> Option<usize> {
        self.components.iter().position(|component| component.install == install && component.id.is(text))
    }

    /// Finds a deploy that is visible at a time.
    pub(super) fn row(&self, text: &str, at: i64) -> Option<usize> {
        self.rows.iter().position(|row| row.id.is(text) && row.created <= at)
    }

    /// Finds a workflow that is visible at a time.
    pub(super) fn flow(&self, text: &str, at: i64) -> Option<usize> {
        self.flows.iter().position(|flow| flow.id.is(text) && flow.created <= at)
    }

    /// Returns the install of a deploy.
    pub(super) fn install_of(&self, row: &Row) -> usize {
        self.components[row.component].install
    }
}

/// One object or check in a report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing {
    pub(super) provider: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) health: &'static str,
    pub(super) message: &'static str,
    pub(super) removed: bool,
}

/// What was observed of a component at a time.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) at: i64,
    /// Since when the server shows it.
    pub(super) shown: i64,
    pub(super) things: Vec<Thing>,
}

/// What is known about the health of one component.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// The server's words.
    pub(super) words: Vec<Change>,
    pub(super) reports: Vec<Report>,
    /// The reports of a check that is pushed from outside.
    pub(super) pushed: Vec<Report>,
    /// Since when the organisation has disabled component health.
    pub(super) off_from: Option<i64>,
    /// The server forgets the word when the organisation disables it.
    pub(super) forgets: bool,
    /// How far the runner's clock is ahead.
    pub(super) ahead: i64,
}

impl Condition {
    /// Returns whether the organisation has disabled component health at a time.
    pub(super) fn is_off(&self, at: i64) -> bool {
        self.off_from.is_some_and(|from| from <= at)
    }
}
