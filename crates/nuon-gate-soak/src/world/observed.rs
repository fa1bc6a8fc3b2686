//! Plays what a runner observes of the components, the server's word for their health, and who asks for it.
//!
//! It draws from a generator of its own, so that every other world stays the same.

use fastrand::Rng;

use super::fault::Faults;
use super::question::Asked;
use super::story::{Age, Change, Condition, Kind, Report, Story, Thing};

/// How long nothing has to be observed until the server says `unknown`, in milliseconds.
const SILENCE: i64 = 300_000;

/// How long before the start the observations begin.
const BEFORE: i64 = 1_500_000;

/// Words that the server does not document for a component's health.
const WORDS: &[&str] = &["fine", "Healthy", "HEALTHY", "ok", "active", "", "not-applicable", "unknown", "critical"];

/// The true condition of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fine,
    Rolling,
    Partial,
    Down,
    /// Observed, but nothing can be said.
    Blind,
    /// Not observed.
    Silent,
}

use Phase::{Blind, Down, Fine, Partial, Rolling, Silent};

/// Lets one question in some require the component to be healthy, and plays what that reads.
pub(super) fn ask(seed: u64, story: &mut Story, asked: &mut Asked, faults: &mut Faults) {
    let rng = &mut Rng::with_seed(seed ^ 0x6865_616c_7468_7931);
    let percent = if story.age == Age::New { 18 } else { 4 };
    if rng.u8(..100) >= percent {
        return;
    }
    let question = &mut asked.question;
    let bake = [0, 0, 0, 0, 3_000, 15_000, 40_000, 60_000, 120_000, 180_000, 300_000][rng.usize(..11)];
    question.healthy_for_ms = Some(bake);
    // A pass on a plan has no health, so that question is refused.
    if question.on_approval == "pass" {
        question.on_approval = "wait".to_owned();
    }
    question.timeout_ms += bake + [0, 60_000, 300_000, 600_000][rng.usize(..4)];
    asked.notes.push(if bake == 0 { "require-healthy" } else { "bake" });
    let length = i64::try_from(question.timeout_ms).unwrap_or(i64::MAX);
    faults.about_health(rng, length.min(900_000));
    story.health_lag = if rng.u8(..100) < 70 { 0 } else { rng.i64(500..15_000) };
    let off = (rng.u8(..100) < 10).then(|| if rng.u8(..3) < 2 { i64::MIN } else { rng.i64(0..length.max(1)) });
    let ahead = if rng.u8(..100) < 70 { rng.i64(-300..300) } else { rng.i64(-50_000..50_000) };
    for component in 0..story.components.len() {
        let mut condition = Player { rng, story, until: length + 60_000 }.play(component);
        (condition.off_from, condition.ahead, condition.forgets) = (off, ahead, ahead % 2 == 0);
        story.conditions.push(condition);
    }
    if off.is_some() {
        story.notes.push("health-off");
    }
    if story.health_lag > 0 {
        story.notes.push("health-lags");
    }
}

/// Writes the reports and the words of one component.
struct Player<'a> {
    rng: &'a mut Rng,
    story: &'a mut Story,
    until: i64,
}

impl Player<'_> {
    fn play(&mut self, component: usize) -> Condition {
        let anchor = self.anchor(component);
        let phases = self.phases(anchor);
        let mut condition = Condition { reports: self.reports(component, &phases), ..Condition::default() };
        if self.rng.u8(..100) < 15 {
            condition.pushed = self.pushed(anchor);
        }
        condition.words = self.words(&condition);
        condition
    }

    /// When a deploy of the component passes around the start, or the start.
    fn anchor(&mut self, component: usize) -> i64 {
        let rows = self.story.rows.iter().filter(|row| row.component == component);
        let passes = |change: &&Change| change.word == "active" && change.at > -300_000 && change.at < self.until;
        let ends: Vec<i64> = rows.filter_map(|row| row.changes.iter().rfind(passes)).map(|change| change.at).collect();
        if ends.is_empty() { 0 } else { ends[self.rng.usize(..ends.len())] }
    }

    /// Draws a time.
    fn span(&mut self, from: i64, to: i64) -> i64 {
        self.rng.i64(from..to)
    }

    /// Draws a story: since when each phase lasts. The first one is from the beginning.
    fn phases(&mut self, anchor: i64) -> Vec<(i64, Phase)> {
        let bad = if self.rng.bool() { Partial } else { Down };
        let always = i64::MIN;
        let (name, phases) = match self.rng.u8(..100) {
            0..28 => ("healthy-throughout", vec![(always, Fine)]),
            28..42 => {
                let rolls = anchor + self.span(-120_000, 0);
                ("rolls-out", vec![(always, Fine), (rolls, Rolling), (anchor + self.span(0, 150_000), Fine)])
            }
            42..57 => {
                let breaks = anchor + self.span(-60_000, 300_000);
                let ends = breaks + self.span(20_000, 400_000);
                ("breaks", vec![(always, Fine), (breaks, bad), (ends, if self.rng.bool() { Fine } else { bad })])
            }
            57..67 => ("repaired", vec![(always, bad), (anchor + self.span(-30_000, 40_000), Fine)]),
            67..72 => ("bad-throughout", vec![(always, bad)]),
            72..82 => {
                let stops = anchor + self.span(-200_000, 200_000);
                ("goes-silent", vec![(always, Fine), (stops, Silent), (stops + self.span(60_000, 900_000), Fine)])
            }
            82..87 => ("never-observed", vec![(always, Silent)]),
            87..91 => ("not-assessed", vec![(always, Blind)]),
            91..97 => {
                let mut at = anchor + self.span(-200_000, 60_000);
                let mut all = vec![(always, Fine)];
                for place in 0..12 {
                    all.push((at, if place % 2 == 0 { bad } else { Fine }));
                    at += self.span(10_000, 240_000);
                }
                ("flaps", all)
            }
            _ => ("rolls-for-ever", vec![(always, Fine), (anchor + self.span(-60_000, 0), Rolling)]),
        };
        self.story.notes.push(name);
        phases
    }

    fn reports(&mut self, component: usize, phases: &[(i64, Phase)]) -> Vec<Report> {
        let period = [60_000, 60_000, 60_000, 20_000, 5_000, 3_000][self.rng.usize(..6)];
        let kind = self.story.components[component].kind;
        let mut model = objects(kind);
        if self.rng.u8(..100) < 15 {
            model.push(Thing { removed: true, ..thing("probe", "HTTPProbe", "old-endpoint", "unhealthy") });
        }
        let broken = self.rng.usize(..model.iter().filter(|own| own.health.is_empty()).count());
        let late = [200, 2_000, 6_000][self.rng.usize(..3)];
        let from = if period < 20_000 { -60_000 } else { -BEFORE };
        let mut at = from + self.rng.i64(0..period);
        let mut reports = Vec::new();
        while at < self.until {
            let phase = phases.iter().rfind(|(from, _)| *from <= at).map_or(Fine, |(_, phase)| *phase);
            if phase != Silent {
                let things = model.iter().enumerate().map(|(place, own)| seen(*own, phase, place == broken));
                reports.push(Report { at, shown: at + self.rng.i64(0..late), things: things.collect() });
            }
            at += period + self.rng.i64(-period / 10..=period / 10);
        }
        reports
    }

    /// A check that somebody pushes from time to time.
    fn pushed(&mut self, anchor: i64) -> Vec<Report> {
        let healths: &[&str] = &["healthy", "healthy", "healthy", "degraded", "unhealthy", "unknown"];
        let mut at = anchor + self.rng.i64(-600_000..120_000);
        let mut reports = Vec::new();
        for _ in 0..self.rng.u8(1..6) {
            let health = healths[self.rng.usize(..healths.len())];
            reports.push(Report { at, shown: at, things: vec![thing("custom", "Check", "smoke", health)] });
            at += self.rng.i64(5_000..300_000);
        }
        self.story.notes.push("pushed-check");
        reports
    }

    /// The server's words: three bad reports in a row, or two good ones, change it. Some servers are hasty or stuck.
    fn words(&mut self, condition: &Condition) -> Vec<Change> {
        let (bads, goods) = match self.rng.u8(..100) {
            0..75 => (3, 2),
            75..90 => (1, 1),
            90..95 => (i64::MAX, i64::MAX),
            _ => (3, 2),
        };
        let odd = self.rng.u8(..100) < 8;
        let mut words: Vec<Change> = Vec::new();
        let (mut last, mut in_row, mut now) = ("", 0, "");
        let mut before: Option<i64> = None;
        for report in &condition.reports {
            if let Some(before) = before.filter(|before| report.shown - before > SILENCE) {
                words.push(Change::new(before + SILENCE, "unknown", "no fresh observations"));
                (now, last) = ("unknown", "");
            }
            before = Some(report.shown);
            let shows = worst(&report.things);
            in_row = if shows == last { in_row + 1 } else { 1 };
            last = shows;
            let is_first = now.is_empty();
            let needs = match shows {
                "degraded" | "unhealthy" => bads,
                "healthy" if matches!(now, "degraded" | "unhealthy") => goods,
                _ => 1,
            };
            if shows != now && (is_first || in_row >= needs) {
                now = shows;
                let at = report.shown + self.rng.i64(0..1_500);
                words.push(Change::new(at, now, describe(now)));
            }
        }
        if let Some(before) = before.filter(|before| self.until - before > SILENCE) {
            words.push(Change::new(before + SILENCE, "unknown", "no fresh observations"));
        }
        if words.is_empty() {
            words.push(Change::new(-BEFORE, ["not-applicable", "unknown", ""][self.rng.usize(..3)], ""));
        }
        if odd {
            let place = self.rng.usize(..words.len());
            words[place].word = WORDS[self.rng.usize(..WORDS.len())];
            self.story.notes.push("odd-health-word");
        }
        words.sort_by_key(|change| change.at);
        words
    }
}

/// The objects of which a component consists.
fn objects(kind: Kind) -> Vec<Thing> {
    let own = |kind: &'static str, name: &'static str| thing("kubernetes", kind, name, "");
    let plain = thing("kubernetes", "ConfigMap", "api", "not-applicable");
    match kind {
        Kind::Helm => vec![own("Deployment", "api"), own("Service", "api"), own("HelmRelease", "api"), plain],
        Kind::Manifest => vec![own("Job", "migrate"), own("Pod", "jobs-0")],
        Kind::Image => vec![thing("probe", "HTTPProbe", "endpoint", "")],
        Kind::Terraform => {
            vec![thing("probe", "TCPProbe", "database", ""), thing("aws", "aws_db_instance", "main", "unknown")]
        }
    }
}

fn thing(provider: &'static str, kind: &'static str, name: &'static str, health: &'static str) -> Thing {
    Thing { provider, kind, name, health, message: describe(health), removed: false }
}

/// An object in a phase, unless its health is always the same. One of them is broken where the component is.
fn seen(own: Thing, phase: Phase, is_broken: bool) -> Thing {
    if !own.health.is_empty() {
        return own;
    }
    let health = match phase {
        Blind => "unknown",
        Rolling if is_broken => "progressing",
        Partial if is_broken => "degraded",
        Down if is_broken => "unhealthy",
        _ => "healthy",
    };
    Thing { health, message: describe(health), ..own }
}

/// Returns the worst health of what is assessed; `unknown` if nothing is.
pub(super) fn worst(things: &[Thing]) -> &'static str {
    let counts = |own: &&Thing| !own.removed && matches!(own.provider, "kubernetes" | "probe");
    let has = |health: &str| things.iter().filter(counts).any(|own| own.health == health);
    ["unhealthy", "degraded", "progressing", "healthy"].into_iter().find(|health| has(health)).unwrap_or("unknown")
}

fn describe(health: &str) -> &'static str {
    match health {
        "healthy" => "all resources healthy",
        "progressing" => "1 of 3 replicas are updated",
        "degraded" => "1 of 3 replicas are ready",
        "unhealthy" => "connection refused",
        _ => "",
    }
}
