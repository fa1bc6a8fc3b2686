//! The ways in which a deploy can go.

use fastrand::Rng;

use super::story::{Age, Kind};

/// How one deploy goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Planned, approved and applied; an image is synced.
    Normal,
    /// The plan changes nothing: skipped.
    NoChange,
    /// A human denies the plan.
    Denied,
    /// A human denies it, and the workflow goes on without it.
    DeniedSkip,
    /// Nobody answers.
    Unanswered,
    /// Nobody answers, and the approval expires.
    Expired,
    /// A human asks for another plan, under a new row.
    RetryPlan,
    /// Cancelled before its own step begins, so it stays queued.
    CancelledBefore,
    /// Cancelled while it is running.
    CancelledDuring,
    /// The sync fails.
    FailSync,
    /// The plan fails.
    FailPlan,
    /// The apply fails.
    FailApply,
    /// It fails, is retried under new rows, and passes.
    AutoRetry,
    /// It fails, is retried, and fails for good.
    RetriesExhausted,
    /// The plan is too old to be applied: planned again under a new row.
    StalePlan,
    /// It passes and its health is verified.
    Healthy,
    /// Its first health check fails, a later one passes, on the same row.
    HealthyLate,
    /// It never becomes healthy.
    Unhealthy,
    /// The build cannot be deployed.
    Noop,
    /// The build failed.
    BuildFailed,
    /// A step before it fails, so it stays queued.
    StuckQueued,
    /// Its step is given up while the row says that it is running.
    StuckExecuting,
    /// A policy denies the plan, and the row keeps waiting for an approval.
    StuckApproval,
    /// It fails, the workflow parks, and nobody retries.
    Parked,
    /// It fails, the workflow parks, and a human retries later.
    ParkedRetried,
    /// It hangs.
    Hangs,
}

/// The purpose of a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// An apply or the sync of an image.
    Apply,
    /// A teardown.
    Teardown,
    /// Rolls a chart back, and deploys nothing.
    Recover,
    /// An unknown type.
    Unknown,
    /// Only plans, which only its workflow says.
    Drift,
}

use Way::{
    AutoRetry, BuildFailed, CancelledBefore, CancelledDuring, Denied, DeniedSkip, Expired, FailApply, FailPlan,
    FailSync, Hangs, Healthy, HealthyLate, NoChange, Noop, Normal, Parked, ParkedRetried, RetriesExhausted, RetryPlan,
    StalePlan, StuckApproval, StuckExecuting, StuckQueued, Unanswered, Unhealthy,
};

/// All ways with their names and weights.
pub(super) const WAYS: &[(Way, &str, u32)] = &[
    (Normal, "normal", 40),
    (NoChange, "no-change", 8),
    (Denied, "denied", 4),
    (DeniedSkip, "denied-and-skipped", 3),
    (Unanswered, "approval-unanswered", 5),
    (Expired, "approval-expired", 3),
    (RetryPlan, "plan-retried-by-a-human", 4),
    (CancelledBefore, "cancelled-before-its-step", 3),
    (CancelledDuring, "cancelled-during-its-step", 4),
    (FailSync, "sync-fails", 3),
    (FailPlan, "plan-fails", 4),
    (FailApply, "apply-fails", 7),
    (AutoRetry, "retried-and-passes", 7),
    (RetriesExhausted, "retries-exhausted", 5),
    (StalePlan, "stale-plan", 3),
    (Healthy, "health-verified", 14),
    (HealthyLate, "health-verified-late", 16),
    (Unhealthy, "unhealthy", 12),
    (Noop, "noop", 3),
    (BuildFailed, "build-failed", 3),
    (StuckQueued, "stuck-queued", 3),
    (StuckExecuting, "stuck-executing", 3),
    (StuckApproval, "stuck-pending-approval", 3),
    (Parked, "parked", 4),
    (ParkedRetried, "parked-and-retried", 5),
    (Hangs, "hangs", 2),
];

/// Returns the name of a way.
pub(super) fn name(way: Way) -> &'static str {
    WAYS.iter().find(|(own, _, _)| *own == way).map_or("?", |(_, name, _)| name)
}

/// Returns whether a deploy of such a component can go this way on a server of this age.
fn fits(way: Way, age: Age, kind: Kind) -> bool {
    let planned = kind != Kind::Image && age != Age::Old;
    match way {
        Normal | FailSync | Noop | BuildFailed | StuckQueued | StuckExecuting | Hangs => true,
        FailApply => kind != Kind::Image,
        CancelledBefore | CancelledDuring => age != Age::Old,
        NoChange | Denied | DeniedSkip | Unanswered | Expired | RetryPlan | FailPlan => planned,
        ParkedRetried => age >= Age::Mid,
        AutoRetry | RetriesExhausted | Parked => age == Age::New,
        StalePlan | StuckApproval => planned && age == Age::New,
        Healthy | HealthyLate | Unhealthy => age == Age::New && matches!(kind, Kind::Helm | Kind::Manifest),
    }
}

/// Draws a way.
pub(super) fn draw(rng: &mut Rng, age: Age, kind: Kind) -> Way {
    let total: u32 = WAYS.iter().filter(|(way, _, _)| fits(*way, age, kind)).map(|(_, _, weight)| weight).sum();
    let mut left = rng.u32(..total);
    for (way, _, weight) in WAYS {
        if fits(*way, age, kind) {
            if left < *weight {
                return *way;
            }
            left -= weight;
        }
    }
    Normal
}

/// Draws a way of an earlier deploy: one of a few, mostly good ones.
pub(super) fn draw_past(rng: &mut Rng, age: Age, kind: Kind) -> Way {
    const PAST: &[Way] = &[
        FailApply,
        FailSync,
        CancelledDuring,
        CancelledBefore,
        NoChange,
        Noop,
        StuckQueued,
        StuckApproval,
        Denied,
        Parked,
    ];
    let way = PAST[rng.usize(..PAST.len())];
    if rng.u8(..10) < 6 || !fits(way, age, kind) { Normal } else { way }
}
