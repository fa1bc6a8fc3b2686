//! Plays a workflow with its deploys. First its steps are planned, then they run, group after group.

use fastrand::Rng;

use super::id::Id;
use super::story::{Age, Aim, Change, Flow, Kind, Row, Step, Story, insert};
use super::ways::{Sort, Way};

/// How a deploy or a workflow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It went well, or was skipped.
    Done,
    /// It failed.
    Failed,
    /// It failed, and the workflow waits for a retry.
    Parks,
    /// The same, and it is retried.
    ParksForAWhile,
    /// It was cancelled.
    Cancelled,
    /// It goes no further.
    Hangs,
}

/// One deploy of a workflow: the component, its row and the steps that work on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) component: usize,
    pub(super) build: usize,
    pub(super) sort: Sort,
    pub(super) way: Way,
    pub(super) row: Option<usize>,
    pub(super) group: u32,
    pub(super) plan: usize,
    pub(super) apply: Option<usize>,
    pub(super) health: Option<usize>,
}

/// What a workflow has to do.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) install: usize,
    /// For each deploy: component, build, purpose, and its way.
    pub(super) members: Vec<(usize, usize, Sort, Way)>,
    pub(super) at: i64,
    pub(super) option: &'static str,
}

/// Writes events into a story.
pub(super) struct Player<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) story: &'a mut Story,
    /// Everything happens within a few seconds.
    pub(super) hurried: bool,
    /// How long everything takes, in hundredths.
    pub(super) pace: i64,
    /// Outcomes of health checks: component, the row that was verified, time, status, text.
    pub(super) verified: Vec<(usize, usize, i64, &'static str, &'static str)>,
}

impl Player<'_> {
    /// Draws a duration between two numbers of seconds, usually a short one, in milliseconds.
    pub(super) fn span(&mut self, from_s: i64, to_s: i64) -> i64 {
        if self.hurried {
            return self.rng.i64(0..300);
        }
        let range = ((to_s - from_s) * 1000).max(1);
        let (one, two) = (self.rng.i64(0..range), self.rng.i64(0..range));
        (from_s * 1000 + one.min(two)) * self.pace / 100
    }

    /// Returns true in this many percent of cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    /// Plays a workflow. Returns its number, and when it has ended.
    pub(super) fn run(&mut self, job: &Job) -> (usize, i64) {
        let flow = self.flow(job);
        let mut spots = self.lay_out(flow, job);
        let mut at = job.at + self.span(0, 5);
        self.story.flows[flow].began = Some(at);
        self.turn(flow, Change::new(at, "in-progress", "executing workflow"));
        let mut fate = Fate::Done;
        if let Some(failed) = self.preludes(flow, &spots, &mut at) {
            fate = failed;
        }
        for (place, spot) in spots.iter_mut().enumerate() {
            if fate != Fate::Done {
                break;
            }
            match spot.way {
                Way::CancelledBefore => fate = Fate::Cancelled,
                Way::StuckQueued => fate = Fate::Failed,
                _ => {}
            }
            if fate != Fate::Done {
                break;
            }
            if place > 0 && matches!(self.story.age, Age::Mid | Age::Mid1) && self.chance(50) {
                self.turn(flow, Change::new(at, "success", ""));
                at += self.span(0, 2);
                self.turn(flow, Change::new(at, "in-progress", "executing workflow"));
            }
            (at, fate) = self.deploy(flow, spot, at);
            if fate == Fate::ParksForAWhile {
                at = self.park(flow, at);
                (at, fate) = self.again(flow, spot, at);
            }
        }
        if fate == Fate::Done && self.chance(25) {
            at = self.epilogue(flow, at);
        }
        (flow, self.close(flow, at, fate))
    }

    fn flow(&mut self, job: &Job) -> usize {
        let id = Id::new(self.rng, "inw");
        let sort = job.members.first().map_or(Sort::Apply, |(_, _, sort, _)| *sort);
        let kind = match sort {
            Sort::Teardown if job.members.len() > 1 => "teardown_components",
            Sort::Teardown => "teardown_component",
            Sort::Recover => "recover_helm_release",
            Sort::Drift => "drift_run",
            _ if job.members.len() > 1 => "deploy_components",
            _ if self.chance(10) => "input_update",
            _ => "manual_deploy",
        };
        self.story.flows.push(Flow {
            id,
            install: job.install,
            kind,
            plan_only: sort == Sort::Drift,
            option: job.option,
            created: job.at,
            began: None,
            changes: vec![Change::new(job.at, "pending", "")],
            steps: Vec::with_capacity(6),
        });
        self.story.flows.len() - 1
    }

    /// Adds the steps. A workflow for one component has its row from the start, others create rows as they go.
    fn lay_out(&mut self, flow: usize, job: &Job) -> Vec<Spot> {
        let before = if self.chance(70) { self.rng.u32(0..3) } else { 0 };
        for number in 0..before {
            let name = ["generate install state", "await runner healthy", "pre-deploy action"][number as usize];
            let aim = if number == 2 { Aim::Action } else { Aim::Nothing };
            self.step(flow, name.to_owned(), number + 1, "system", aim, job.at);
        }
        let mut group = before;
        let mut spots = Vec::with_capacity(job.members.len());
        for (place, (component, build, sort, way)) in job.members.iter().enumerate() {
            if place == 0 || !self.chance(25) {
                group += 1;
            }
            let mut spot = Spot {
                component: *component,
                build: *build,
                sort: *sort,
                way: *way,
                row: None,
                group,
                plan: 0,
                apply: None,
                health: None,
            };
            self.lay_out_spot(flow, &mut spot, job.at, 0);
            if let Some(health) = spot.health
                && self.chance(40)
            {
                group += 1;
                self.story.flows[flow].steps[health].group = group;
            }
            if job.members.len() == 1 && self.story.flows[flow].kind != "input_update" {
                let linked = job.at + self.span(0, 3);
                self.row(flow, &mut spot, job.at - 5, linked);
            }
            spots.push(spot);
        }
        spots
    }

    /// Adds the steps that work on one deploy.
    pub(super) fn lay_out_spot(&mut self, flow: usize, spot: &mut Spot, at: i64, retry: u32) {
        let component = &self.story.components[spot.component];
        let (name, kind, old) = (component.name, component.kind, self.story.age == Age::Old);
        let alone = kind == Kind::Image || old || matches!(spot.sort, Sort::Recover | Sort::Drift);
        let first = match spot.sort {
            Sort::Recover => format!("recover {name}"),
            Sort::Teardown => format!("plan teardown {name}"),
            _ if kind == Kind::Image => format!("sync {name}"),
            _ => format!("sync and plan {name}"),
        };
        spot.plan = self.step(flow, first, spot.group, if alone { "system" } else { "approval" }, Aim::Deploy, at);
        spot.apply = (!alone).then(|| {
            let verb = if spot.sort == Sort::Teardown { "teardown" } else { "apply plan" };
            self.step(flow, format!("{verb} {name}"), spot.group, "system", Aim::Deploy, at)
        });
        spot.health = matches!(spot.way, Way::Healthy | Way::HealthyLate | Way::Unhealthy).then(|| {
            self.step(flow, format!("verify health {name}"), spot.group, "system", Aim::Part(spot.component), at)
        });
        for step in [Some(spot.plan), spot.apply, spot.health].into_iter().flatten() {
            self.story.flows[flow].steps[step].group_retry = retry;
        }
    }

    /// Adds a pending step.
    pub(super) fn step(
        &mut self,
        flow: usize,
        name: String,
        group: u32,
        execution: &'static str,
        aim: Aim,
        at: i64,
    ) -> usize {
        let flow = &mut self.story.flows[flow];
        flow.steps.push(Step {
            id: Id::new(self.rng, "iws"),
            name,
            appears: at,
            group,
            group_retry: 0,
            execution,
            aim,
            row: None,
            part_from: i64::MAX,
            changes: vec![Change::new(at, "pending", "")],
            began: None,
            approval: None,
            retried: None,
            retryable: aim != Aim::Nothing,
            skips_failure: false,
            metadata: "",
        });
        flow.steps.len() - 1
    }

    /// Creates the row of a deploy, and makes its steps name it.
    pub(super) fn row(&mut self, flow: usize, spot: &mut Spot, at: i64, linked: i64) -> usize {
        let id = Id::new(self.rng, "dpl");
        let image = self.story.components[spot.component].kind == Kind::Image;
        let kind = match (spot.sort, self.story.age) {
            (Sort::Teardown, _) => "teardown",
            (Sort::Recover, _) => "recover",
            (Sort::Unknown, _) => ["migrate", "rollback", "import", "Apply"][self.rng.usize(..4)],
            (Sort::Drift, Age::Old) => "plan-only",
            (Sort::Apply, Age::Old) => ["install", "release"][self.rng.usize(..2)],
            // A manual deploy is called an apply even for images.
            _ if image && self.story.flows[flow].kind != "manual_deploy" => "sync-image",
            _ => "apply",
        };
        let number = self.story.rows.len();
        self.story.rows.push(Row {
            id,
            component: spot.component,
            build: spot.build,
            flow,
            kind,
            created: at,
            linked,
            changes: vec![Change::new(at, "queued", "waiting to be deployed to install")],
            reason: "",
            policy: false,
        });
        spot.row = Some(number);
        for step in [Some(spot.plan), spot.apply].into_iter().flatten() {
            self.story.flows[flow].steps[step].row = Some((number, linked));
        }
        number
    }

    /// Gives a workflow another status.
    pub(super) fn turn(&mut self, flow: usize, change: Change) {
        insert(&mut self.story.flows[flow].changes, change);
    }

    /// Gives a deploy another status.
    pub(super) fn say(&mut self, row: usize, at: i64, word: &'static str, text: &'static str) {
        insert(&mut self.story.rows[row].changes, Change::new(at, word, text));
    }

    /// Gives a deploy another status in the way that drops its history.
    pub(super) fn wipe(&mut self, row: usize, at: i64, word: &'static str) {
        insert(&mut self.story.rows[row].changes, Change { wipes: true, ..Change::new(at, word, "") });
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, flow: usize, step: usize, at: i64) {
        let step = &mut self.story.flows[flow].steps[step];
        step.began = Some(at);
        step.part_from = at;
        insert(&mut step.changes, Change::new(at, "in-progress", ""));
    }

    /// Ends a step.
    pub(super) fn end(&mut self, flow: usize, step: usize, at: i64, word: &'static str, text: &'static str) {
        insert(&mut self.story.flows[flow].steps[step].changes, Change::last(at, word, text));
    }
}
