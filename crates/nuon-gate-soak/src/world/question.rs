//! Generates the gate's question about a story.

use fastrand::Rng;

use crate::transcript::Question;

use super::clock::Clock;
use super::id::Id;
use super::story::{Age, Row, Story};

/// A question whose times are still the story's.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The question. `since` is filled in once the clock is known.
    pub(super) question: Question,
    /// The time of `--since`.
    pub(super) since: Option<i64>,
    /// Its special features.
    pub(super) notes: Vec<&'static str>,
}

impl Asked {
    /// Returns the question with its durations and times converted by a clock.
    pub(super) fn at(&self, clock: &Clock) -> Question {
        let whole = &self.question;
        let divide = clock.divide.unsigned_abs();
        let less = |ms: u64| if ms == 0 { 0 } else { (ms / divide).max(1) };
        Question {
            since: self.since.map(|since| clock.rfc3339(since)),
            timeout_ms: less(whole.timeout_ms),
            start_timeout_ms: whole.start_timeout_ms.map(less),
            stall_timeout_ms: whole.stall_timeout_ms.map(less),
            approval_timeout_ms: whole.approval_timeout_ms.map(less),
            outage_ms: whole.outage_ms.map(less),
            settle_ms: less(whole.settle_ms),
            min_interval_ms: less(whole.min_interval_ms),
            max_interval_ms: less(whole.max_interval_ms),
            request_timeout_ms: less(whole.request_timeout_ms),
            healthy_for_ms: whole.healthy_for_ms.map(less),
            ..whole.clone()
        }
    }
}

/// Generates a question; about all components of an install if `crowded`.
pub(super) fn make(rng: &mut Rng, story: &Story, fresh: &[usize], crowded: bool) -> Asked {
    let mut targets = targets(rng, story, fresh);
    if crowded && let Some(first) = targets.first() {
        let install = story.components[*first].install;
        targets = (0..story.components.len()).filter(|own| story.components[*own].install == install).collect();
    }
    let ids = targets.iter().map(|target| {
        let component = &story.components[*target];
        (story.installs[component.install].id.to_string(), component.id.to_string())
    });
    let mut asked = Asked { question: numbers(rng, ids.collect()), since: None, notes: Vec::new() };
    pins(rng, story, fresh, &targets, &mut asked);
    policies(rng, story, &mut asked.question);
    asked
}

/// One to four targets, mostly those to which something happens.
fn targets(rng: &mut Rng, story: &Story, fresh: &[usize]) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::with_capacity(4);
    let count = [1, 1, 1, 1, 1, 2, 2, 3, 4][rng.usize(..9)];
    for row in story.rows.iter().filter(|row| fresh.contains(&row.flow)) {
        if chosen.len() < count && !chosen.contains(&row.component) && rng.u8(..10) < 8 {
            chosen.push(row.component);
        }
    }
    for component in 0..story.components.len() {
        if chosen.is_empty() || chosen.len() < count && !chosen.contains(&component) && rng.u8(..10) < 5 {
            chosen.push(component);
        }
    }
    chosen.dedup();
    chosen
}

/// The timeouts and intervals.
fn numbers(rng: &mut Rng, targets: Vec<(String, String)>) -> Question {
    let minutes = [1, 2, 3, 5, 8, 8, 10, 10, 20, 30, 60][rng.usize(..11)];
    let (min, max) = [(2, 10), (2, 10), (2, 10), (1, 5), (5, 15), (3, 30)][rng.usize(..6)];
    // A long wait should not have too many polls.
    let max = if minutes >= 15 { 30 } else { max };
    let mut rare = |one: Option<u64>, other: &[u64]| {
        if rng.u8(..100) < 75 { one } else { Some(other[rng.usize(..other.len())]) }
    };
    Question {
        timeout_ms: minutes * 60_000,
        stall_timeout_ms: rare(None, &[60_000, 120_000, 300_000]),
        approval_timeout_ms: rare(None, &[20_000, 60_000, 300_000]),
        outage_ms: rare(Some(300_000), &[30_000, 60_000, 600_000]),
        settle_ms: rare(Some(0), &[5_000, 15_000, 60_000]).unwrap_or(0),
        request_timeout_ms: rare(Some(30_000), &[5_000, 10_000]).unwrap_or(30_000),
        start_timeout_ms: if rng.u8(..100) < 8 { None } else { Some([30_000, 60_000, 300_000][rng.usize(..3)]) },
        min_interval_ms: min * 1000,
        max_interval_ms: max * 1000,
        ..Question::over(targets)
    }
}

/// The pins.
fn pins(rng: &mut Rng, story: &Story, fresh: &[usize], targets: &[usize], asked: &mut Asked) {
    let single = targets.len() == 1;
    let target = targets.first().copied().unwrap_or(0);
    // The row that the pins mean: usually the first new one.
    let mine = |row: &&Row| row.component == target;
    let new = story.rows.iter().filter(mine).find(|row| fresh.contains(&row.flow));
    let old = story.rows.iter().filter(mine).rfind(|row| !fresh.contains(&row.flow));
    let Some(row) = new.or(old) else {
        if rng.bool() {
            asked.since = Some(rng.i64(-20_000..5_000));
            asked.notes.push("pin-since");
        }
        return;
    };
    let build = &story.builds[row.build];
    let pins = [Pin::Deploy, Pin::Workflow, Pin::Build, Pin::Commit, Pin::After, Pin::Since, Pin::Alone];
    let count = [0, 0, 0, 1, 1, 1, 1, 1, 2][rng.usize(..9)];
    for _ in 0..count {
        let question = &mut asked.question;
        match pins[rng.usize(..pins.len())] {
            Pin::Deploy if single => question.deploy = Some(row.id.to_string()),
            Pin::Workflow if story.age != Age::Old => question.workflow = Some(story.flows[row.flow].id.to_string()),
            Pin::Build if single => question.build = Some(build.id.to_string()),
            Pin::Commit => question.commit = Some(build.sha[..if rng.bool() { 40 } else { 9 }].to_owned()),
            Pin::After if single => question.after = old.map(|old| old.id.to_string()),
            Pin::Since => asked.since = Some(row.created - rng.i64(500..20_000)),
            Pin::Alone if story.age != Age::Old && question.deploy.is_none() && count == 1 => {
                question.workflow = Some(story.flows[row.flow].id.to_string());
                question.targets.clear();
                asked.notes.push("workflow-alone");
            }
            _ => {}
        }
    }
    if rng.u8(..100) < 4 && single && !asked.question.targets.is_empty() {
        wrong(rng, story, target, asked);
    }
    let question = &asked.question;
    let named: [(bool, &'static str); 6] = [
        (question.deploy.is_some(), "pin-deploy"),
        (question.workflow.is_some(), "pin-workflow"),
        (question.build.is_some(), "pin-build"),
        (question.commit.is_some(), "pin-commit"),
        (question.after.is_some(), "pin-after"),
        (asked.since.is_some(), "pin-since"),
    ];
    asked.notes.extend(named.iter().filter(|(given, _)| *given).map(|(_, name)| *name));
}

#[derive(Clone, Copy)]
enum Pin {
    Deploy,
    Workflow,
    Build,
    Commit,
    After,
    Since,
    /// A workflow without any target.
    Alone,
}

/// A pin that names something of another target, or nothing.
fn wrong(rng: &mut Rng, story: &Story, target: usize, asked: &mut Asked) {
    asked.notes.push("wrong-pin");
    let other = story.rows.iter().find(|row| row.component != target).map(|row| row.id.to_string());
    let nobody = |rng: &mut Rng, prefix| Id::new(rng, prefix).to_string();
    let question = &mut asked.question;
    match rng.u8(..5) {
        0 => question.deploy = Some(nobody(rng, "dpl")),
        1 if story.age != Age::Old => question.workflow = Some(nobody(rng, "inw")),
        2 => question.build = Some(nobody(rng, "bld")),
        3 => question.after = other.or_else(|| Some(nobody(rng, "dpl"))),
        _ => question.deploy = other.or_else(|| Some(nobody(rng, "dpl"))),
    }
}

/// The flags that say how to judge what is found.
fn policies(rng: &mut Rng, story: &Story, question: &mut Question) {
    let mut pick =
        |percent: u8, words: &[&str]| (rng.u8(..100) < percent).then(|| words[rng.usize(..words.len())].to_owned());
    question.expect = pick(15, &["apply", "apply", "apply", "teardown"]);
    question.on_superseded = pick(30, &["follow", "ignore", "fail"]);
    question.on_approval = pick(25, &["fail", "pass"]).unwrap_or_else(|| "wait".to_owned());
    question.on_stale = pick(15, &["wait", "wait", "fail"]).unwrap_or_else(|| "accept".to_owned());
    if let Some(word) = pick(3, &["noop", "error", "cancelled", "pending-approval", "inactive"]) {
        question.pass_on.push(word);
    }
    if let Some(word) = pick(3, &["executing", "auto-skipped", "approval-denied", "queued"]) {
        question.fail_on.push(word);
    }
    if let Some(word) = pick(3, &["active", "retried", "failed"]) {
        question.wait_on.push(word);
    }
    if story.age == Age::Old {
        question.on_approval = "wait".to_owned();
    }
}
