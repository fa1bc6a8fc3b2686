//! Watches many targets in virtual time. Prints the cost of each: requests, processor time and memory, compared with a
//! tenth as many targets.
//!
//! `cargo bench -p nuon-gate-core --bench scale`

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nuon_gate_core::api::{Answer, Fact, Reply, Request, decode};
use nuon_gate_core::model::{Deploy, Workflow};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::watch::{Instruction, Scope, Ticket, Watch, WatchSettings};
use nuon_gate_core::{Moment, Target, Targets, Verdict};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const STARTED_AT: i64 = 1_800_000_000;
const LATENCY: Duration = Duration::from_millis(50);
/// The goals: requests for each target, with ten targets to an install, and with all in one workflow.
const MOST_REQUESTS: f64 = 3.0;
const MOST_OF_WORKFLOW: f64 = 0.5;
/// The goals: the cost of a target among 10,000 compared with one among 1,000, and its memory.
const MOST_GROWTH: f64 = 1.3;
const MOST_KIB: f64 = 10.0;

/// A server whose deploys go through three statuses in a minute.
struct Server {
    /// How many components an install has. Each has one workflow for all of them.
    components: usize,
}

impl Server {
    fn row(install: &str, component: &str, now: Moment) -> Value {
        let word = match now.elapsed().as_secs() {
            0..15 => "queued",
            15..30 => "planning",
            30..50 => "executing",
            _ => "active",
        };
        json!({
            "id": format!("dpl-{install}-{component}"), "status": word, "install_deploy_type": "apply",
            "workflow_id": format!("inw-{install}"), "install_id": install, "component_id": component,
            "created_at": Timestamp::from_second(STARTED_AT - 5).map(|at| at.to_string()).unwrap_or_default(),
        })
    }

    fn workflow(&self, id: &str, now: Moment) -> Value {
        let install = id.trim_start_matches("inw-");
        let word = if now.elapsed().as_secs() < 50 { "in-progress" } else { "success" };
        let step = |index: usize| {
            json!({
                "id": format!("iws{index}"), "name": format!("apply {index}"), "status": { "status": word },
                "step_target_type": "install_deploys", "step_target_id": format!("dpl-{install}-cmp{index}"),
            })
        };
        let steps: Vec<Value> = (0..self.components).map(step).collect();
        json!({ "id": id, "owner_id": install, "status": { "status": word }, "finished": word == "success", "steps": steps })
    }

    fn answer(&self, request: &Request, now: Moment) -> Option<Fact> {
        let deploy = |value: Value| decode::<Deploy>(value.to_string().as_bytes()).ok();
        Some(match request {
            Request::InstallDeploys(install) => {
                let row = |index: usize| deploy(Self::row(install.as_str(), &format!("cmp{index}"), now));
                Fact::InstallDeploys((0..self.components).filter_map(row).collect::<Vec<_>>().into())
            }
            // The usual duration is not known.
            Request::Earlier(..) => Fact::Deploys(Vec::new().into()),
            Request::LatestDeploy(install, component, _) => {
                Fact::Latest(deploy(Self::row(install.as_str(), component.as_str(), now)).map(Into::into))
            }
            Request::Deploy(install, Some(component), _) => {
                Fact::Deploy(deploy(Self::row(install.as_str(), component.as_str(), now))?.into())
            }
            Request::Workflow(_, id) => {
                let body = self.workflow(id.as_str(), now).to_string();
                Fact::Workflow(decode::<Workflow>(body.as_bytes()).ok()?.into())
            }
            _ => return None,
        })
    }
}

/// The cost of a run.
struct Cost {
    targets: usize,
    requests: usize,
    /// The time spent in the watch, without the server's.
    time: Duration,
    memory: usize,
}

impl Cost {
    fn requests(&self) -> f64 {
        self.requests as f64 / self.targets as f64
    }

    fn micros(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.targets as f64
    }

    fn kib(&self) -> f64 {
        self.memory as f64 / 1024.0 / self.targets as f64
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    *spent += began.elapsed();
    result
}

fn watched(scope: Scope, components: usize) -> Option<Cost> {
    let server = Server { components };
    let settings = WatchSettings { links: false, long_poll: false, max_rps: 1_000_000, ..WatchSettings::default() };
    let started_at = Timestamp::from_second(STARTED_AT).ok()?;
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let mut watch = Watch::new(settings, scope, Pins::default(), started_at).ok()?;
    let (mut now, mut requests, mut time) = (Moment::START, 0, Duration::ZERO);
    // Answers by the time of their arrival. Each is made up then, so that none is kept.
    let mut under_way: BinaryHeap<Reverse<(Moment, usize)>> = BinaryHeap::new();
    let mut asked: Vec<Option<(Ticket, Request, Moment)>> = Vec::new();
    loop {
        let instruction = timed(&mut time, || watch.next(now));
        timed(&mut time, || watch.take_events());
        match instruction {
            Instruction::Done => break,
            Instruction::Ask(ask) => {
                requests += 1;
                under_way.push(Reverse((now + LATENCY, asked.len())));
                asked.push(Some((ask.ticket, ask.request, now)));
            }
            Instruction::Sleep(until) => match under_way.peek() {
                Some(Reverse((at, _))) if *at <= until => {
                    let Reverse((at, index)) = under_way.pop()?;
                    let (ticket, request, sent) = asked[index].take()?;
                    now = at;
                    let reply: Reply = Ok(Answer::from(server.answer(&request, sent)?));
                    timed(&mut time, || watch.reply(now, ticket, &reply));
                }
                _ => now = until,
            },
        }
    }
    let memory = MEMORY.peak_usage().saturating_sub(before);
    let report = watch.report(now);
    assert_eq!(report.verdict, Verdict::Passed, "{:?}", report.targets.first());
    Some(Cost { targets: report.targets.len(), requests, time, memory })
}

/// This many targets, ten to an install.
fn fleet(targets: usize) -> Option<Cost> {
    let target = |index: usize| {
        Some(Target::new(format!("inl{}", index / 10).parse().ok()?, format!("cmp{}", index % 10).parse().ok()?))
    };
    watched(Scope::Targets(Targets::new((0..targets).filter_map(target))?), 10)
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
fn main() {
    // `cargo test --benches` builds and starts benchmarks as well, but needs no measurements.
    if std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|argument| argument == "--bench")
    {
        return;
    }
    println!("targets  requests  requests/target  µs/target  KiB/target");
    let mut costs = Vec::new();
    for targets in [100, 300, 1_000, 10_000] {
        let Some(cost) = fleet(targets) else { continue };
        let (each, micros, kib) = (cost.requests(), cost.micros(), cost.kib());
        println!("{targets:>7}  {:>8}  {each:>15.2}  {micros:>9.1}  {kib:>10.1}", cost.requests);
        costs.push(cost);
    }
    if let [_, fleet, thousand, all] = costs.as_slice() {
        let (growth, memory) = (all.micros() / thousand.micros(), all.kib() / thousand.kib());
        println!("300 targets of 30 installs: {:.2} requests a target (at most {MOST_REQUESTS})", fleet.requests());
        println!("10,000 / 1,000: time a target {growth:.2} (at most {MOST_GROWTH}), memory a target {memory:.2}");
        println!("10,000: {:.1} KiB a target (at most {MOST_KIB})", all.kib());
    }
    let workflow = "inw-inl0".parse().ok().and_then(|id| watched(Scope::Workflow(id, Vec::new()), 100));
    if let Some(cost) = workflow {
        let each = cost.requests();
        println!("{} deploys of a workflow: {each:.2} requests a target (at most {MOST_OF_WORKFLOW})", cost.targets);
    }
}
