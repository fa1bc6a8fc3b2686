//! Waits for deploys of random length in virtual time, in several ways. Prints how long after its end each was noticed
//! and what that cost, beside the goals.
//!
//! `cargo bench -p nuon-gate-core --bench lag`

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{Answer, ApiError, Fact, Reply, Request, decode};
use nuon_gate_core::model::{Deploy, Workflow};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Clocks, EventKind, Instruction, Scope, Ticket, Watch, WatchSettings};
use nuon_gate_core::{Moment, Target, Targets, Verdict};
use serde_json::{Value, json};

const STARTED_AT: i64 = 1_800_000_000;
/// The time of a request, there and back.
const ROUND_TRIP: Duration = Duration::from_millis(60);
/// How long the server keeps a long poll open.
const HELD_OPEN: Duration = Duration::from_secs(60);
/// How many deploys are waited for in each way.
const DEPLOYS: usize = 200;
/// The goals for long polls: how long after its end a deploy is noticed, beyond a round trip, and how many there are a
/// minute.
const MOST_BEYOND: Duration = Duration::from_millis(100);
const MOST_A_MINUTE: f64 = 1.2;
/// The goals for polls by history: their lag and their requests, compared with an exponential backoff from 1 to 30 s.
const MOST_LAG: f64 = 0.5;
const MOST_REQUESTS: f64 = 1.2;

/// A way to wait.
#[derive(Debug, Clone, Copy)]
enum Way {
    LongPoll,
    History(u64, u64),
    Backoff(u64, u64),
    /// A loop in a shell: the first pause, the longest one, and the growth factor.
    Loop(u64, u64, f64),
}

impl Way {
    const ALL: [Self; 7] = [
        Self::LongPoll,
        Self::History(2, 10),
        Self::Backoff(2, 10),
        Self::History(1, 30),
        Self::Backoff(1, 30),
        Self::Loop(1, 30, 1.5),
        Self::Loop(1, 1, 1.0),
    ];

    fn name(self) -> String {
        match self {
            Self::LongPoll => "long poll, 2→10 s beside it".to_owned(),
            Self::History(min, max) => format!("history, {min}→{max} s"),
            Self::Backoff(min, max) => format!("backoff, {min}→{max} s"),
            Self::Loop(1, 1, _) => "curl | jq every second".to_owned(),
            Self::Loop(min, max, factor) => format!("loop, {min}→{max} s, times {factor}"),
        }
    }
}

/// A deploy that begins with the wait, and how long earlier ones took.
struct Scene {
    took: Duration,
    rows: Arc<Vec<Deploy>>,
    running: (Arc<Deploy>, Arc<Workflow>),
    ended: (Arc<Deploy>, Arc<Workflow>),
}

impl Scene {
    /// Generates one whose length, like that of earlier ones, is about `usual`.
    fn new(random: &mut fastrand::Rng, usual: Duration, spread: f64) -> Option<Self> {
        let mut length = || usual.mul_f64((spread * normal(random)).exp());
        let took = length();
        let rows = (1..=20).map(|at| row(&format!("dpl{at}"), "active", -7200 * at, length()));
        let rows = decode(Value::from_iter(rows).to_string().as_bytes()).ok()?;
        let state = |status: &str, of_step: &str| {
            let step = json!({
                "id": "iws1", "name": "apply", "status": { "status": of_step }, "step_target_type": "install_deploys",
                "step_target_id": "dplOwn",
            });
            let flow = json!({
                "id": "inw1", "owner_id": "inl1", "status": { "status": of_step }, "finished": of_step == "success",
                "steps": [step],
            });
            let own = row("dplOwn", status, 0, took).to_string();
            Some((Arc::new(decode(own.as_bytes()).ok()?), Arc::new(decode(flow.to_string().as_bytes()).ok()?)))
        };
        Some(Self {
            took,
            rows: Arc::new(rows),
            running: state("executing", "in-progress")?,
            ended: state("active", "success")?,
        })
    }

    /// Answers a request, and returns when the answer arrives. The server reads its state half-way.
    fn answer(&self, request: &Request, sent: Moment) -> (Moment, Reply) {
        let seen = sent + ROUND_TRIP / 2;
        let (deploy, workflow) = if seen.elapsed() >= self.took { &self.ended } else { &self.running };
        let fact = match request {
            Request::Await(..) => return self.answer_long_poll(seen),
            Request::Earlier(..) => Fact::Deploys(Arc::clone(&self.rows)),
            Request::LatestDeploy(..) => Fact::Latest(Some(Arc::clone(deploy))),
            Request::Deploy(..) => Fact::Deploy(Arc::clone(deploy)),
            Request::Workflow(..) => Fact::Workflow(Arc::clone(workflow)),
            _ => return (sent + ROUND_TRIP, Err(status(404))),
        };
        (sent + ROUND_TRIP, Ok(Answer { server_time: Timestamp::from_second(STARTED_AT).ok(), fact }))
    }

    fn answer_long_poll(&self, seen: Moment) -> (Moment, Reply) {
        let (held, end) = (seen + HELD_OPEN, Moment::after_start(self.took));
        match end <= held {
            true => (end.max(seen) + ROUND_TRIP / 2, Ok(Answer::from(Fact::Awaited))),
            false => (held + ROUND_TRIP / 2, Err(status(408))),
        }
    }
}

fn status(status: u16) -> ApiError {
    ApiError::Status { status, message: None, retry_after: None, from_nuon: true }
}

fn row(id: &str, status: &str, created: i64, took: Duration) -> Value {
    let created = Timestamp::from_second(STARTED_AT + created).unwrap_or_default();
    let ended = created.saturating_add(took).unwrap_or_default();
    json!({
        "id": id, "status": status, "install_deploy_type": "apply", "install_id": "inl1", "component_id": "cmp1",
        "created_at": created.to_string(), "workflow_id": "inw1",
        "status_v2": { "status": status, "created_at_ts": if status == "active" { ended } else { created }.as_second() },
    })
}

/// A number from the normal distribution, by Box and Muller.
fn normal(random: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// The cost of a wait.
#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    /// From the end until it was noticed, and until the verdict.
    lag: Duration,
    verdict: Duration,
    polls: usize,
    requests: usize,
    long_polls: usize,
}

fn waited(way: Way, scene: &Scene, seed: u64) -> Option<Cost> {
    let (history, long_poll, min, max) = match way {
        Way::LongPoll => (true, true, 2, 10),
        Way::History(min, max) => (true, false, min, max),
        Way::Backoff(min, max) => (false, false, min, max),
        Way::Loop(min, max, factor) => return Some(looped(scene.took, min, max, factor)),
    };
    let day = Duration::from_secs(86_400);
    let settings = WatchSettings {
        history,
        long_poll,
        intervals: Intervals::new(Duration::from_secs(min), Duration::from_secs(max)).ok()?,
        clocks: Clocks { total: day, ..Clocks::default() },
        seed,
        ..WatchSettings::default()
    };
    let target = Target::new("inl1".parse().ok()?, "cmp1".parse().ok()?);
    let scope = Scope::Targets(Targets::new([target])?);
    let mut watch = Watch::new(settings, scope, Pins::default(), Timestamp::from_second(STARTED_AT).ok()?).ok()?;
    watched(&mut watch, scene)
}

fn watched(watch: &mut Watch, scene: &Scene) -> Option<Cost> {
    let (mut now, mut cost) = (Moment::START, Cost::default());
    let mut under_way: Vec<(Moment, Ticket, Reply)> = Vec::new();
    // A poll begins with the first request after a pause.
    let mut answered = None;
    loop {
        let instruction = watch.next(now);
        if watch.take_events().iter().any(|event| matches!(event.kind, EventKind::Changed { .. })) {
            cost.lag = now.elapsed().saturating_sub(scene.took);
        }
        match instruction {
            Instruction::Done => break,
            Instruction::Ask(ask) => {
                if matches!(ask.request, Request::Await(..)) {
                    cost.long_polls += 1;
                } else {
                    cost.requests += 1;
                    cost.polls += usize::from(answered != Some(now));
                }
                let (at, reply) = scene.answer(&ask.request, now);
                under_way.push((at, ask.ticket, reply));
            }
            Instruction::Sleep(until) => {
                let next = (0..under_way.len()).min_by_key(|at| under_way[*at].0);
                match next.filter(|at| under_way[*at].0 <= until) {
                    Some(at) => {
                        let (at, ticket, reply) = under_way.swap_remove(at);
                        now = at;
                        let is_sign = matches!(&reply, Ok(Answer { fact: Fact::Awaited, .. }) | Err(_));
                        answered = Some(now).filter(|_| !is_sign);
                        watch.reply(now, ticket, &reply);
                    }
                    None => now = until,
                }
            }
        }
    }
    assert_eq!(watch.report(now).verdict, Verdict::Passed);
    cost.verdict = now.elapsed().saturating_sub(scene.took);
    Some(cost)
}

/// A loop that requests, pauses, and requests again.
fn looped(took: Duration, min: u64, max: u64, factor: f64) -> Cost {
    let (mut now, mut pause, mut polls) = (Duration::ZERO, min as f64, 1);
    while now + ROUND_TRIP / 2 < took {
        now += ROUND_TRIP + Duration::from_secs_f64(pause);
        pause = (pause * factor).min(max as f64);
        polls += 1;
    }
    let lag = now + ROUND_TRIP - took;
    Cost { lag, verdict: lag, polls, requests: polls, long_polls: 0 }
}

/// The mean costs of the waits.
struct Means {
    lag: f64,
    late: f64,
    verdict: f64,
    polls: f64,
    requests: f64,
    long_polls_a_minute: f64,
}

impl Means {
    /// Even a deploy that is shorter than a minute needs one long poll.
    fn of(costs: &[Cost], took: Duration) -> Self {
        let count = costs.len().max(1) as f64;
        let mean = |of: &dyn Fn(&Cost) -> f64| costs.iter().map(of).sum::<f64>() / count;
        let mut lags: Vec<f64> = costs.iter().map(|cost| cost.lag.as_secs_f64()).collect();
        lags.sort_unstable_by(f64::total_cmp);
        Self {
            lag: mean(&|cost| cost.lag.as_secs_f64()),
            late: lags.get(lags.len() * 95 / 100).copied().unwrap_or_default(),
            verdict: mean(&|cost| cost.verdict.as_secs_f64()),
            polls: mean(&|cost| cost.polls as f64),
            requests: mean(&|cost| cost.requests as f64),
            long_polls_a_minute: mean(&|cost| cost.long_polls as f64) / (took.as_secs_f64() / 60.0).max(1.0),
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
fn compared(usual: Duration, spread: f64) {
    let mut random = fastrand::Rng::with_seed(usual.as_secs());
    let scenes: Vec<Scene> = (0..DEPLOYS).filter_map(|_| Scene::new(&mut random, usual, spread)).collect();
    let took =
        scenes.iter().map(|scene| scene.took).sum::<Duration>() / u32::try_from(scenes.len().max(1)).unwrap_or(1);
    println!("\n{usual:?}, spread {spread}: {} deploys", scenes.len());
    println!("{:32} {:>8} {:>8} {:>8} {:>7} {:>9}", "way", "lag s", "p95 s", "verdict", "polls", "requests");
    let means = Way::ALL.map(|way| {
        let waits = scenes.iter().zip(0..).filter_map(|(scene, seed)| waited(way, scene, seed));
        let own = Means::of(&waits.collect::<Vec<_>>(), took);
        let Means { lag, late, verdict, polls, requests, .. } = own;
        println!("{:32} {lag:8.2} {late:8.2} {verdict:8.2} {polls:7.1} {requests:9.1}", way.name());
        own
    });
    let [long_poll, _, _, history, exponential, shell, _] = &means;
    let most = (ROUND_TRIP + MOST_BEYOND).as_secs_f64();
    println!(
        "long poll: noticed after {:.0} ms (at most {:.0}), {:.2} a minute beside the polls (at most {MOST_A_MINUTE})",
        long_poll.lag * 1e3,
        most * 1e3,
        long_poll.long_polls_a_minute,
    );
    println!(
        "history beside exponential backoff, both 1→30 s: {:.2} of the lag (at most {MOST_LAG}), {:.2} of the requests (at most \
         {MOST_REQUESTS}); beside the loop {:.2} of the lag, {:.2} of the polls",
        history.lag / exponential.lag,
        history.requests / exponential.requests,
        history.lag / shell.lag,
        (history.polls + 1.0) / shell.polls,
    );
}

fn main() {
    // `cargo test --benches` builds and starts benchmarks as well, but needs no measurements.
    if std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|argument| argument == "--bench")
    {
        return;
    }
    for seconds in [30, 300, 1500] {
        for spread in [0.1, 0.15, 0.3] {
            compared(Duration::from_secs(seconds), spread);
        }
    }
}
