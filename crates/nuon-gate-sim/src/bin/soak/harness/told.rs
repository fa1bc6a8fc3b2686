//! Deploys whose workflow is told step by step, with what only a workflow can say. All in time, so that the two keep step.

use std::fmt::Write as _;

use fastrand::Rng;

use super::story::{INSTALL, Lasts, NEVER, Overrides, Row, Stay, Story, duration, id, last, pick, row, way};

/// Where a workflow stands, and for how many milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) status: &'static str,
    pub(crate) millis: u64,
    pub(crate) finished: bool,
    pub(crate) steps: Vec<Step>,
}

/// A step of it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) status: &'static str,
    pub(crate) deploy: String,
    pub(crate) finished: bool,
    pub(crate) answer: Option<&'static str>,
}

/// A workflow.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) asks: bool,
    pub(crate) states: Vec<State>,
}

impl Workflow {
    /// Writes it as a part of the script.
    pub(crate) fn write(&self, script: &mut String) {
        let option = if self.asks { "prompt" } else { "approve-all" };
        // Writing to a text cannot fail.
        let _ = write!(
            script,
            "[[workflow]]\nid = \"{}\"\ninstall = \"{INSTALL}\"\napproval_option = \"{option}\"\n",
            self.id
        );
        for state in &self.states {
            let steps: Vec<String> = state.steps.iter().enumerate().map(Step::text).collect();
            let _ = write!(
                script,
                "[[workflow.states]]\nstatus = \"{}\"\nfor = \"{}ms\"\nfinished = {}\nsteps = [{}]\n",
                state.status,
                state.millis,
                state.finished,
                steps.join(", ")
            );
        }
    }
}

impl Step {
    pub(crate) fn new(status: &'static str, row: &Row, finished: bool) -> Self {
        Self { status, deploy: row.id.clone(), finished, answer: None }
    }

    fn text((at, step): (usize, &Self)) -> String {
        let answer = step.answer.map(|answer| format!(", answer = \"{answer}\"")).unwrap_or_default();
        format!(
            "{{ name = \"step{at}\", status = \"{}\", deploy = \"{}\", finished = {}{answer} }}",
            step.status, step.deploy, step.finished
        )
    }
}

pub(crate) fn state(status: &'static str, millis: u64, steps: Vec<Step>) -> State {
    State { status, millis, finished: false, steps }
}

/// Returns where a step is once its deploy has ended so.
pub(crate) fn done(last: &'static str, code: u8) -> &'static str {
    match code {
        0 => "success",
        4 => last,
        _ => "error",
    }
}

/// The last state, which stays.
pub(crate) fn ended(status: &'static str, steps: Vec<Step>) -> State {
    let finished = status != "failed-pending-retry";
    State { status, millis: 3_600_000, finished, steps }
}

/// A story with its workflow, and what was chosen for it.
pub(crate) struct Told {
    pub(crate) story: Story,
    pub(crate) workflow: Workflow,
    pub(crate) arguments: Vec<String>,
    /// Deploy and workflow contradict each other, which is given more time than a scene has.
    pub(crate) is_doubtful: bool,
}

impl Told {
    fn new(rows: Vec<Row>, states: Vec<State>, ends: Vec<u8>) -> Self {
        let workflow = Workflow { id: rows[0].workflow.clone(), asks: false, states };
        let may_pass = rows.last().map(|row| row.id.clone()).into_iter().collect();
        let story = Story { component: id("cmp", "c0"), rows, ends, at_a_clock: Vec::new(), may_pass };
        Self { story, workflow, arguments: Vec::new(), is_doubtful: false }
    }
}

fn stay(status: &'static str, millis: u64) -> Stay {
    Stay { status, lasts: Lasts::Millis(millis) }
}

/// One of the shapes.
pub(crate) fn any(rng: &mut Rng) -> (&'static str, Told) {
    match rng.u8(..6) {
        0 => ("health check", health_check(rng)),
        1 => ("automatic retry", retry(rng)),
        2 => ("workflow ends before its deploy", orphan(rng)),
        3 => ("parked workflow", parked(rng)),
        _ => ("approval", approval(rng)),
    }
}

/// A deploy is active, and a later step says whether it stays so.
fn health_check(rng: &mut Rng) -> Told {
    let mut stays = way(rng, "active", true);
    let active_at = duration(&stays);
    let checked_at = active_at + rng.u64(5..60);
    let outcome = rng.u8(..3);
    if outcome == 1 {
        stays.pop();
        stays.extend([stay("active", checked_at - active_at), stay("error", 3_600_000)]);
    }
    let deploy = row(0, "health", 0, stays);
    let step = |status, finished| Step::new(status, &deploy, finished);
    let done = if outcome == 0 { "success" } else { "error" };
    let states = vec![
        state("in-progress", active_at, vec![step("in-progress", false), step("pending", false)]),
        state("success", 3, vec![step("success", true), step("pending", false)]),
        state("in-progress", checked_at + 10 - active_at, vec![step("success", true), step("in-progress", false)]),
        ended(done, vec![step("success", true), step(done, true)]),
    ];
    Told::new(vec![deploy], states, vec![u8::from(outcome != 0)])
}

/// A deploy fails and is tried again under another id.
fn retry(rng: &mut Rng) -> Told {
    let last = last(rng);
    let mut stays = way(rng, "error", true);
    let failed_at = duration(&stays);
    let retried_at = failed_at + rng.u64(5..60);
    stays.pop();
    stays.extend([stay("error", retried_at - failed_at), stay("retried", 3_600_000)]);
    let first = row(0, "first", 0, stays);
    let again = way(rng, last, true);
    let second_at = retried_at + rng.u64(1..20);
    let ends_at = second_at + duration(&again) + rng.u64(1..30);
    let second = row(0, "second", second_at, again);
    let code = Overrides::default().code(last, None);
    let done = done(last, code);
    // A deploy that never ends in a workflow that has ended is a failure.
    let (word, code) = match code {
        0 => ("success", 0),
        4 => ("error", 4),
        _ => ("error", 1),
    };
    let retried = Step::new("retried", &first, true);
    let states = vec![
        state("in-progress", retried_at, vec![Step::new("in-progress", &first, false)]),
        state("in-progress", ends_at - retried_at, vec![retried.clone(), Step::new("in-progress", &second, false)]),
        ended(word, vec![retried, Step::new(done, &second, true)]),
    ];
    let mut told = Told::new(vec![first, second], states, vec![code]);
    // A clock that rings while the error is held makes a failure of it.
    told.story.at_a_clock = vec![1];
    told
}

/// The workflow ends, and the deploy stays where it is.
fn orphan(rng: &mut Rng) -> Told {
    let stuck = pick(rng, &["queued", "executing", "pending-approval", "thawing", "unknown"]);
    let (word, code) = pick(rng, &[("error", 1), ("cancelled", 4), ("success", 1)]);
    let stays = way(rng, stuck, true);
    let ends_at = duration(&stays) + rng.u64(..40);
    let deploy = row(0, "orphan", 0, stays);
    let states = vec![
        state("in-progress", ends_at, vec![Step::new("in-progress", &deploy, false)]),
        ended(word, vec![Step::new(word, &deploy, true)]),
    ];
    let is_doubtful = word == "success";
    Told { is_doubtful, ..Told::new(vec![deploy], states, vec![code]) }
}

/// A deploy fails, and its workflow waits for a human to try again, who never comes.
fn parked(rng: &mut Rng) -> Told {
    let stays = way(rng, "error", true);
    let parks_at = duration(&stays) + rng.u64(1..40);
    let deploy = row(0, "parked", 0, stays);
    let states = vec![
        state("in-progress", parks_at, vec![Step::new("in-progress", &deploy, false)]),
        ended("failed-pending-retry", vec![Step::new("error", &deploy, true)]),
    ];
    Told::new(vec![deploy], states, vec![1])
}

/// A plan waits to be approved: by a human or by itself, who says yes, no, or nothing.
fn approval(rng: &mut Rng) -> Told {
    let (asks, answer) = (rng.bool(), pick(rng, &[Some("approve"), Some("deny"), None]));
    let answered_at = 40 + rng.u64(20..120);
    let mut stays = vec![stay("planning", 20), stay("pending-approval", answered_at - 20)];
    match answer {
        Some("approve") => stays.extend([stay("executing", 15), stay("active", 3_600_000)]),
        Some(_) => stays.push(stay("approval-denied", 3_600_000)),
        None => stays[1] = stay("pending-approval", 3_600_000),
    }
    let deploy = row(0, "asked", 0, stays);
    let step = |status, finished, answer| Step { answer, ..Step::new(status, &deploy, finished) };
    let mut states = vec![
        state("in-progress", 25, vec![step("in-progress", false, None)]),
        state("in-progress", answered_at - 25, vec![step("approval-awaiting", false, None)]),
    ];
    let final_code = match answer {
        Some("approve") => {
            states.push(state("in-progress", 30, vec![step("in-progress", false, answer)]));
            states.push(ended("success", vec![step("success", true, answer)]));
            0
        }
        Some(_) => {
            states.push(ended("error", vec![step("approval-denied", true, answer)]));
            4
        }
        None => {
            states[1].millis = 3_600_000;
            NEVER
        }
    };
    let mut ends = vec![final_code];
    let mut arguments = Vec::new();
    match pick(rng, &[None, Some("--on-approval fail"), Some("--on-approval pass"), Some("--approval-timeout 60ms")]) {
        None => {}
        Some(flag) => {
            arguments.extend(flag.split(' ').map(str::to_owned));
            let asked = if flag.ends_with("pass") { 0 } else { 5 };
            match (asks, answer) {
                (false, _) => {}
                // Nobody ever answers, so the question is certainly seen.
                (true, None) => ends = vec![asked],
                (true, Some(_)) => ends.push(asked),
            }
        }
    }
    let mut told = Told::new(vec![deploy], states, ends);
    told.workflow.asks = asks;
    told.arguments = arguments;
    told
}
