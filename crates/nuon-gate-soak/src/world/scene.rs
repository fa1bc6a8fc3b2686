//! Generates a server: installs, components, its past, and what happens while the gate waits.

use fastrand::Rng;

use super::clock::{Clock, STARTED_AT};
use super::id::Id;
use super::odd;
use super::play::{Job, Player};
use super::story::{Age, Build, Change, Component, Flow, Habits, Install, Kind, Row, Story};
use super::ways::{self, Sort, Way};

/// Ways in which a human is asked, or answers.
const ASKED: &[Way] = &[Way::Unanswered, Way::Denied, Way::DeniedSkip, Way::Expired, Way::RetryPlan];
const INSTALLS: &[&str] = &["acme-production", "globex-eu", "initech"];
const COMPONENTS: &[(&str, Kind)] = &[
    ("api", Kind::Helm),
    ("database", Kind::Terraform),
    ("web-image", Kind::Image),
    ("jobs", Kind::Manifest),
    ("network", Kind::Terraform),
];
/// How a workflow's plans are approved. All but `approve-all` wait for a human.
const OPTIONS: &[&str] =
    &["approve-all", "approve-all", "approve-all", "approve-all", "prompt", "prompt", "", "ask-nicely"];

/// Generates a story. Returns it, and which of its workflows are new.
pub(super) fn make(rng: &mut Rng, crowded: bool) -> (Story, Vec<usize>) {
    let mut story = server(rng);
    inventory(rng, &mut story, crowded);
    let hurried = rng.u8(..100) < 8;
    let mut player = Player { rng, story: &mut story, hurried: false, pace: 100, verified: Vec::new() };
    player.past();
    player.hurried = hurried;
    player.pace = [20, 35, 100][player.rng.usize(..3)];
    let fresh = player.present();
    player.write_verified();
    if hurried {
        player.story.notes.push("same-second-changes");
    }
    odd::words(rng, &mut story, &fresh);
    (story, fresh)
}

fn server(rng: &mut Rng) -> Story {
    let age =
        [Age::Old, Age::Mid1, Age::Mid, Age::Mid, Age::New, Age::New, Age::New, Age::New, Age::New][rng.usize(..9)];
    let version = match age {
        Age::Old => "0.18.412",
        Age::Mid1 => "9bed332",
        Age::Mid => "26e930d",
        Age::New => ["0.19.807", "0.19.1125", "0.19.1147"][rng.usize(..3)],
    };
    let ahead = if rng.u8(..100) < 70 { rng.i64(-300..300) } else { rng.i64(-25_000..25_000) };
    let back = (rng.u8(..100) < 4).then(|| (rng.i64(-60_000..240_000), rng.i64(1_000..90_000)));
    let new = age == Age::New;
    let habits = Habits {
        none_is_empty: age == Age::Mid1 || new && rng.bool(),
        pages: match age {
            Age::Old => false,
            Age::Mid1 => rng.bool(),
            Age::Mid | Age::New => true,
        },
        latest_says_both: rng.u8(..100) < if age == Age::Old { 50 } else { 5 },
        latest_shows_recover: rng.u8(..100) < 80,
        awaits: if new { [0, 1, 1, 1, 2][rng.usize(..5)] } else { 0 },
        tails: new && rng.bool(),
        no_status_v2: age == Age::Old || rng.u8(..100) < 4,
        types_early: rng.bool(),
    };
    let clock = Clock { started_at: STARTED_AT, ahead, back, divide: 1 };
    let mut notes = Vec::with_capacity(8);
    if clock.back.is_some() {
        notes.push("clock-put-back");
    }
    if ahead.abs() > 2_000 {
        notes.push("clock-skewed");
    }
    Story {
        age,
        version,
        clock,
        habits,
        org: Id::new(rng, "org"),
        app: Id::new(rng, "app"),
        account: Id::new(rng, "acc"),
        installs: Vec::with_capacity(2),
        components: Vec::with_capacity(6),
        builds: Vec::with_capacity(16),
        rows: Vec::with_capacity(24),
        flows: Vec::with_capacity(24),
        conditions: Vec::new(),
        health_lag: 0,
        notes,
    }
}

/// Adds installs, components and builds. Installs of one app share their components' ids.
fn inventory(rng: &mut Rng, story: &mut Story, crowded: bool) {
    let installs = if rng.u8(..100) < 70 { 1 } else { 2 };
    let first = rng.usize(..COMPONENTS.len());
    let kinds = if crowded { 3 + rng.usize(..2) } else { [1, 1, 1, 2, 2, 3][rng.usize(..6)] };
    let ids: Vec<Id> = (0..kinds).map(|_| Id::new(rng, "cmp")).collect();
    for name in INSTALLS.iter().take(installs) {
        story.installs.push(Install { id: Id::new(rng, "inl"), name });
    }
    for install in 0..installs {
        for (place, id) in ids.iter().enumerate() {
            let (name, kind) = COMPONENTS[(first + place) % COMPONENTS.len()];
            story.components.push(Component { install, id: *id, part: Id::new(rng, "inc"), name, kind });
        }
    }
    for (place, id) in ids.iter().enumerate() {
        let name = COMPONENTS[(first + place) % COMPONENTS.len()].0;
        for days in [40, 3, 0] {
            let sha = format!("{:016x}{:016x}{:08x}", rng.u64(..), rng.u64(..), rng.u32(..));
            story.builds.push(Build {
                id: Id::new(rng, "bld"),
                component: *id,
                name,
                sha,
                at: -days * 86_400_000 - 300_000,
            });
        }
    }
}

impl Player<'_> {
    /// Returns the newest build of a component, or one before it.
    pub(super) fn build(&mut self, component: usize, newest: bool) -> usize {
        let id = self.story.components[component].id;
        let first = self.story.builds.iter().position(|build| build.component == id).unwrap_or(0);
        first + if newest { 2 } else { self.rng.usize(..2) }
    }

    /// Adds the past: up to four deploys of each component, and sometimes a series of drift scans.
    fn past(&mut self) {
        for component in 0..self.story.components.len() {
            let count = [0, 1, 1, 1, 2, 2, 3, 4][self.rng.usize(..8)];
            let mut at = -86_400_000 * self.rng.i64(1..20);
            let install = self.story.components[component].install;
            let kind = self.story.components[component].kind;
            for left in (0..count).rev() {
                let torn = self.chance(10);
                let sort = if torn { Sort::Teardown } else { Sort::Apply };
                let way = ways::draw_past(self.rng, self.story.age, kind);
                let build = self.build(component, false);
                let job = Job { install, members: vec![(component, build, sort, way)], at, option: "approve-all" };
                let (_, ended) = self.run(&job);
                // Sometimes the last one ends just before the gate starts, or after it.
                let next = at / 3 - self.rng.i64(60_000..600_000);
                at = next.max(ended + 1_000);
                if at > -30_000 || (left > 0 && at > -1_000_000 && self.chance(50)) {
                    break;
                }
            }
            if count == 0 {
                self.story.notes.push("never-deployed");
            }
        }
        if self.story.age != Age::Old && self.chance(8) {
            self.drift_scans();
        }
    }

    /// Eleven plan-only deploys in a row: more than a page.
    fn drift_scans(&mut self) {
        self.story.notes.push("drift-scans");
        let component = self.rng.usize(..self.story.components.len());
        let (install, build) = (self.story.components[component].install, self.build(component, false));
        for hours in (1..=11).rev() {
            let at = -hours * 3_600_000;
            let (word, flow) = (if hours % 3 == 0 { "drifted" } else { "no-drift" }, self.story.flows.len());
            self.story.flows.push(Flow {
                id: Id::new(self.rng, "inw"),
                install,
                kind: "drift_run",
                plan_only: true,
                option: "approve-all",
                created: at,
                began: Some(at),
                changes: vec![Change::new(at, "pending", ""), Change::last(at + 90_000, "success", "")],
                steps: Vec::new(),
            });
            self.story.rows.push(Row {
                id: Id::new(self.rng, "dpl"),
                component,
                build,
                flow,
                kind: "apply",
                created: at,
                linked: at,
                changes: vec![Change::new(at, "queued", ""), Change::new(at + 80_000, word, "")],
                reason: "",
                policy: false,
            });
        }
    }

    /// Adds what happens around the gate's start and after it. Returns the new workflows.
    fn present(&mut self) -> Vec<usize> {
        let count = [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3][self.rng.usize(..12)];
        let mut fresh = Vec::with_capacity(6);
        for install in 0..self.story.installs.len() {
            let mut at = if self.chance(70) { self.rng.i64(-15_000..5_000) } else { self.rng.i64(-300_000..60_000) };
            for number in 0..count {
                let job = self.job(install, at, number);
                let first = self.story.rows.len();
                let (flow, ended) = self.run(&job);
                if number > 0 && self.story.rows.len() > first {
                    self.story.notes.push("second-deploy");
                }
                fresh.push(flow);
                let after = if self.chance(50) { ended } else { at };
                at = after + self.span(2, 200);
            }
        }
        if count == 0 {
            self.story.notes.push("nothing-new");
        }
        fresh
    }

    /// Generates a workflow: usually for one component, otherwise for all of the install's.
    fn job(&mut self, install: usize, at: i64, number: i32) -> Job {
        let own: Vec<usize> =
            (0..self.story.components.len()).filter(|it| self.story.components[*it].install == install).collect();
        let sort = match self.rng.u8(..100) {
            0..86 => Sort::Apply,
            86..91 => Sort::Teardown,
            91..95 => Sort::Drift,
            95..97 => Sort::Unknown,
            _ if self.story.age == Age::New => Sort::Recover,
            _ => Sort::Apply,
        };
        let several = own.len() > 1 && number == 0 && matches!(sort, Sort::Apply | Sort::Teardown) && self.chance(55);
        let chosen = if several { own } else { vec![own[self.rng.usize(..own.len())]] };
        let main = self.rng.usize(..chosen.len());
        let mut members = Vec::with_capacity(chosen.len());
        for (place, component) in chosen.into_iter().enumerate() {
            let kind = self.story.components[component].kind;
            let drawn = ways::draw(self.rng, self.story.age, kind);
            let special = matches!(sort, Sort::Recover | Sort::Drift) || sort == Sort::Unknown && self.chance(70);
            let way = if special || place != main && self.chance(75) { Way::Normal } else { drawn };
            let newest = sort == Sort::Apply && self.chance(80);
            let build = self.build(component, newest);
            self.note(sort, way);
            members.push((component, build, sort, way));
        }
        if members.len() > 1 {
            self.story.notes.push("several-components");
        }
        let asked = members.iter().any(|(_, _, _, way)| ASKED.contains(way));
        let option = OPTIONS[if asked { self.rng.usize(4..8) } else { self.rng.usize(..8) }];
        Job { install, members, at, option }
    }

    fn note(&mut self, sort: Sort, way: Way) {
        self.story.notes.push(ways::name(way));
        self.story.notes.push(match sort {
            Sort::Apply => "apply",
            Sort::Teardown => "teardown",
            Sort::Recover => "recover",
            Sort::Unknown => "unknown-type",
            Sort::Drift => "drift-scan",
        });
    }
}
