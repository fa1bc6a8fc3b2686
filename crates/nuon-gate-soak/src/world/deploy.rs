//! Plays one deploy, from its first step to its last.

use super::play::{Fate, Player, Spot};
use super::story::{Age, Approval, Change, Kind};
use super::ways::{Sort, Way};

/// Reasons that a failed job gives.
const REASONS: &[&str] = &[
    "creating database: StorageQuotaExceeded: storage quota exceeded",
    "unable to execute runner job",
    "helm upgrade failed: timed out waiting for the condition",
    "runner is not in a healthy state",
    "execution timeout",
];

impl Player<'_> {
    /// Plays a deploy in its way. Returns when it is done, and how it ended.
    pub(super) fn deploy(&mut self, flow: usize, spot: &mut Spot, at: i64) -> (i64, Fate) {
        let row = match spot.row {
            Some(row) => row,
            None => {
                let linked = at + if self.chance(30) { self.span(0, 2) } else { 0 };
                self.row(flow, spot, at, linked)
            }
        };
        let at = at + self.span(0, 4);
        self.begin(flow, spot.plan, at);
        if spot.sort == Sort::Recover {
            return self.recover(flow, spot, row, at);
        }
        match spot.way {
            Way::AutoRetry | Way::RetriesExhausted => self.retries(flow, spot, at),
            Way::Noop => {
                let ends = at + self.span(1, 20);
                self.say(row, ends, "noop", "build is not deployable");
                self.end(flow, spot.plan, ends, "error", "build is not deployable");
                (ends, if spot.sort == Sort::Teardown { Fate::Done } else { Fate::Failed })
            }
            Way::BuildFailed => {
                let ends = at + self.span(1, 60);
                self.fail(flow, spot, row, spot.plan, ends, "component build failed");
                (ends, Fate::Failed)
            }
            way => self.attempt(flow, spot, at, way),
        }
    }

    /// Plays it again under a new row after its workflow was parked.
    pub(super) fn again(&mut self, flow: usize, spot: &mut Spot, at: i64) -> (i64, Fate) {
        let at = self.replace(flow, spot, at, 1, if self.story.age == Age::New { "retried" } else { "" });
        self.begin(flow, spot.plan, at);
        let way = if self.chance(75) { Way::Normal } else { Way::FailApply };
        self.attempt(flow, spot, at, way)
    }

    /// Marks the row as replaced, if there is a status for that, and adds a new row with its steps. Returns when that
    /// exists.
    fn replace(&mut self, flow: usize, spot: &mut Spot, at: i64, retry: u32, word: &'static str) -> i64 {
        if let Some(row) = spot.row.filter(|_| !word.is_empty()) {
            self.wipe(row, at, word);
        }
        for step in [Some(spot.plan), spot.apply].into_iter().flatten() {
            let unused = self.story.flows[flow].steps[step].began.is_none() && self.chance(50);
            self.story.flows[flow].steps[step].retried = Some(at);
            if unused {
                self.end(flow, step, at, "not-attempted", "");
            }
        }
        self.lay_out_spot(flow, spot, at, retry);
        let created = at + self.span(0, 3);
        self.row(flow, spot, created, created);
        created
    }

    /// Fails, and lets the server retry it at least once.
    fn retries(&mut self, flow: usize, spot: &mut Spot, mut at: i64) -> (i64, Fate) {
        let tries = self.rng.u32(1..=3);
        for retry in 1..=tries {
            let fails = if spot.apply.is_some() && self.chance(50) { Way::FailApply } else { Way::FailPlan };
            let (failed, _) = self.attempt(flow, spot, at, fails);
            let metadata = r#"{"auto_retried":true,"retry_idx":0,"max_retries":3}"#;
            for step in [Some(spot.plan), spot.apply].into_iter().flatten() {
                let step = &mut self.story.flows[flow].steps[step];
                if step.changes.last().is_some_and(|change| change.word == "error") {
                    step.metadata = metadata;
                }
            }
            at = failed + if retry == 1 { self.span(15, 30) } else { self.span(60, 120) };
            at = self.replace(flow, spot, at, retry, "retried");
            self.begin(flow, spot.plan, at);
        }
        if spot.way == Way::AutoRetry {
            return self.attempt(flow, spot, at, Way::Normal);
        }
        let (failed, _) = self.attempt(flow, spot, at, Way::FailApply);
        let metadata = r#"{"retry_idx":3,"max_retries":3,"auto_retries_exhausted":true}"#;
        let last = spot.apply.unwrap_or(spot.plan);
        self.story.flows[flow].steps[last].metadata = metadata;
        (failed, if self.chance(50) { Fate::Parks } else { Fate::Failed })
    }

    /// One attempt: sync, plan, approval, apply.
    fn attempt(&mut self, flow: usize, spot: &mut Spot, at: i64, way: Way) -> (i64, Fate) {
        let Some(row) = spot.row else { return (at, Fate::Hangs) };
        let Some(apply) = spot.apply else { return self.single(flow, spot, row, at, way) };
        let mut at = self.sync(row, at);
        if way == Way::FailSync {
            self.fail(flow, spot, row, spot.plan, at, "unable to sync");
            return (at, Fate::Failed);
        }
        at += self.span(1, 10);
        self.say(
            row,
            at,
            "planning",
            if spot.sort == Sort::Teardown { "creating teardown plan" } else { "creating deploy plan" },
        );
        at += self.span(1, 5);
        self.say(row, at, "executing", "creating plan");
        at += self.span(3, 60);
        if way == Way::FailPlan {
            self.fail(flow, spot, row, spot.plan, at, "unable to deploy");
            return (at, Fate::Failed);
        }
        if way == Way::CancelledDuring && self.chance(40) {
            return self.cancel(flow, spot.plan, row, at);
        }
        if way == Way::Hangs && self.chance(50) {
            return (at, Fate::Hangs);
        }
        self.say(row, at, "pending-approval", "pending-approval");
        match self.approval(flow, spot, row, &mut at, way) {
            Some(fate) => (at, fate),
            None => self.apply(flow, spot, row, apply, at, way),
        }
    }

    /// Syncs, as far as there is an artifact.
    fn sync(&mut self, row: usize, at: i64) -> i64 {
        let at = at + self.span(1, 20);
        self.say(row, at, "planning", "creating sync plan");
        let at = at + self.span(1, 5);
        self.say(row, at, "syncing", "executing sync plan");
        at + self.span(2, 40)
    }

    /// A deploy with one step: an image, an old server's deploy, or a plan alone.
    fn single(&mut self, flow: usize, spot: &Spot, row: usize, at: i64, way: Way) -> (i64, Fate) {
        let mut at = self.sync(row, at);
        let image = self.story.components[spot.component].kind == Kind::Image;
        if !image {
            at += self.span(1, 5);
            self.say(row, at, "executing", "executing deploy plan");
            at += self.span(5, 200);
        }
        match way {
            Way::FailSync | Way::FailPlan | Way::FailApply | Way::Parked | Way::ParkedRetried => {
                self.fail(flow, spot, row, spot.plan, at, if image { "unable to sync" } else { "unable to deploy" });
                (at, parks(way))
            }
            Way::CancelledDuring => self.cancel(flow, spot.plan, row, at),
            Way::StuckExecuting => {
                self.end(flow, spot.plan, at, "error", "activity timed out");
                (at, Fate::Failed)
            }
            Way::Hangs => (at, Fate::Hangs),
            _ => {
                let (word, text) = match spot.sort {
                    Sort::Teardown => ("inactive", "successfully torn down"),
                    Sort::Drift if self.chance(50) => ("drifted", ""),
                    Sort::Drift => ("no-drift", ""),
                    _ if self.story.age == Age::Old => ("active", "deploy is active"),
                    _ => ("active", "finished"),
                };
                self.say(row, at, word, text);
                let ends = at + self.span(0, 2);
                self.end(flow, spot.plan, ends, "success", "");
                (ends, Fate::Done)
            }
        }
    }

    fn recover(&mut self, flow: usize, spot: &Spot, row: usize, at: i64) -> (i64, Fate) {
        let at = at + self.span(1, 5);
        self.say(row, at, "planning", "");
        let at = at + self.span(1, 5);
        self.say(row, at, "executing", "");
        let at = at + self.span(2, 60);
        self.say(row, at, "active", "helm release recovered");
        self.end(flow, spot.plan, at, "success", "");
        (at, Fate::Done)
    }

    /// Fails it: first with the reason, then with the general status.
    pub(super) fn fail(&mut self, flow: usize, spot: &Spot, row: usize, step: usize, at: i64, text: &'static str) {
        let reason = REASONS[self.rng.usize(..REASONS.len())];
        self.story.rows[row].reason = reason;
        if self.chance(70) {
            self.say(row, at, "error", reason);
        }
        self.say(row, at, "error", text);
        let ends = at + self.span(0, 3);
        self.end(flow, step, ends, "error", text);
        if spot.way == Way::Parked && self.chance(50) {
            self.story.flows[flow].steps[step].metadata = r#"{"reason":"the job failed"}"#;
        }
    }

    fn cancel(&mut self, flow: usize, step: usize, row: usize, at: i64) -> (i64, Fate) {
        if self.chance(50) {
            self.wipe(row, at, "cancelled");
        } else {
            self.say(row, at, "cancelled", "deploy cancelled");
        }
        self.end(flow, step, at, "cancelled", "");
        (at, Fate::Cancelled)
    }

    /// Runs the plan.
    fn apply(&mut self, flow: usize, spot: &mut Spot, row: usize, step: usize, at: i64, way: Way) -> (i64, Fate) {
        let approved = at;
        let at = at + self.span(0, 3);
        if way == Way::StalePlan {
            let at = self.replace(flow, spot, at, 1, "retried");
            self.begin(flow, spot.plan, at);
            return self.attempt(flow, spot, at, Way::Normal);
        }
        if matches!(self.story.age, Age::Mid | Age::Mid1) && self.chance(20) {
            // Between two steps, these servers set the whole workflow to `success`.
            self.turn(flow, Change::new(approved, "success", ""));
            self.turn(flow, Change::new(at, "in-progress", "executing workflow"));
        }
        self.begin(flow, step, at);
        self.say(row, at, "planning", "creating deploy plan");
        let at = at + self.span(1, 3);
        self.say(row, at, "executing", "executing deploy plan");
        let at = at + self.span(5, 300);
        match way {
            Way::FailApply | Way::Parked | Way::ParkedRetried => {
                self.fail(flow, spot, row, step, at, "unable to deploy");
                (at, parks(way))
            }
            Way::CancelledDuring => self.cancel(flow, step, row, at),
            Way::Hangs => (at, Fate::Hangs),
            Way::StuckExecuting => {
                self.end(flow, step, at, "error", "activity timed out");
                (at, Fate::Failed)
            }
            _ => {
                let torn = spot.sort == Sort::Teardown;
                let (word, text) = if torn { ("inactive", "successfully torn down") } else { ("active", "finished") };
                self.say(row, at, word, text);
                let ends = at + self.span(0, 3);
                self.end(flow, step, ends, "success", "");
                self.health(flow, spot, row, ends)
            }
        }
    }

    /// Starts waiting for an approval until a time. Returns since when.
    fn ask_approval(&mut self, flow: usize, step: usize, at: &mut i64, auto: bool, way: Way) -> i64 {
        let asked = *at + self.span(0, 2);
        self.story.flows[flow].steps[step].approval = Some(Approval { at: asked, answer: None });
        let waiting = Change::new(asked, "approval-awaiting", "awaiting approval 1/1");
        self.story.flows[flow].steps[step].changes.push(waiting);
        *at = asked + if auto { self.span(0, 15) } else { self.span(5, 180) };
        if !auto && self.chance(30) {
            self.turn(flow, Change::new(asked, "approval-awaiting", ""));
            if !matches!(way, Way::Unanswered | Way::Hangs) {
                self.turn(flow, Change::new(*at, "in-progress", "executing workflow"));
            }
        }
        asked
    }

    /// Answers the approval, or leaves it open. Returns how it ends if the plan is not to be applied.
    fn approval(&mut self, flow: usize, spot: &mut Spot, row: usize, at: &mut i64, way: Way) -> Option<Fate> {
        let auto = self.story.flows[flow].option == "approve-all";
        let asked = self.ask_approval(flow, spot.plan, at, auto, way);
        let (answer, word) = match way {
            Way::NoChange => {
                self.wipe(row, *at, "auto-skipped");
                self.end(flow, spot.plan, *at, "auto-skipped", "");
                if let Some(apply) = spot.apply {
                    let word = if self.chance(70) { "auto-skipped" } else { "success" };
                    self.end(flow, apply, *at, word, "");
                }
                return Some(Fate::Done);
            }
            Way::Unanswered => return Some(Fate::Hangs),
            Way::Hangs if self.chance(50) => return Some(Fate::Hangs),
            Way::StuckApproval => {
                self.story.rows[row].policy = true;
                self.end(flow, spot.plan, *at, "error", "Policy check failed");
                self.story.flows[flow].steps[spot.plan].metadata = r#"{"deny_violations":1,"warn_violations":0}"#;
                return Some(Fate::Failed);
            }
            Way::Expired => {
                if self.story.age == Age::New {
                    self.wipe(row, *at, "approval-expired");
                }
                self.end(flow, spot.plan, *at, "approval-expired", "");
                return Some(Fate::Failed);
            }
            Way::Denied | Way::DeniedSkip => {
                self.wipe(row, *at, "approval-denied");
                let skips = way == Way::DeniedSkip;
                (if skips { "deny-skip-current" } else { "deny" }, "approval-denied")
            }
            Way::RetryPlan => ("retry", "approval-retry"),
            _ if auto => ("auto-approve", "approved"),
            _ => ("approve", "approved"),
        };
        let asked = Some(Approval { at: asked, answer: Some((*at, answer)) });
        self.story.flows[flow].steps[spot.plan].approval = asked;
        self.end(flow, spot.plan, *at, word, "");
        self.answered(flow, spot, at, way)
    }

    /// Handles any answer but yes.
    fn answered(&mut self, flow: usize, spot: &mut Spot, at: &mut i64, way: Way) -> Option<Fate> {
        match way {
            Way::Denied => Some(Fate::Failed),
            Way::DeniedSkip => {
                if let Some(apply) = spot.apply {
                    let word = if self.chance(50) { "user-skipped" } else { "not-attempted" };
                    self.end(flow, apply, *at, word, "");
                }
                Some(Fate::Done)
            }
            Way::RetryPlan => {
                let word = if self.story.age == Age::New { "retried" } else { "discarded" };
                *at = self.replace(flow, spot, *at, 1, word);
                self.begin(flow, spot.plan, *at);
                let (ends, fate) = self.attempt(flow, spot, *at, Way::Normal);
                *at = ends;
                Some(fate)
            }
            _ => None,
        }
    }
}

fn parks(way: Way) -> Fate {
    match way {
        Way::Parked => Fate::Parks,
        Way::ParkedRetried => Fate::ParksForAWhile,
        _ => Fate::Failed,
    }
}
