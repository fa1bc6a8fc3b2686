//! What the promises of [`Watch`](nuon_gate_core::Watch) are tried on: generated servers, settings, pins and signals, and
//! what comes of them. The promises themselves are in [`kept`].

#![allow(dead_code, reason = "whoever takes the scenes may leave a part of them")]

mod kept;

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::model::Deploy;
use nuon_gate_core::watch::{Answer, Clocks, Mode, OnApproval, Request};
use nuon_gate_core::{ApiError, Baseline, Intervals, Pins, Require, Rules, Signal, WatchSettings, decode};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

pub(crate) use self::kept::all_are_kept;
use crate::virtual_time::{
    Driver, Run, STARTED_AT, Scripted, after, at_least, certificate, component, deploy, exists, hang, list, ms, none,
    retry_after, status, watch,
};

const STATUSES: [&str; 21] = [
    "active",
    "active",
    "auto-skipped",
    "inactive",
    "error",
    "noop",
    "cancelled",
    "approval-denied",
    "retried",
    "retried",
    "discarded",
    "queued",
    "queued",
    "planning",
    "executing",
    "executing",
    "pending-approval",
    "unknown",
    "thawing",
    "Active",
    "active\u{200b}",
];
const PINNED_BUILD: &str = "bldMine";
const PINNED_COMMIT: &str = "4be1c7d";
const TYPES: [&str; 6] = ["apply", "apply", "sync-image", "teardown", "plan-only", "reconcile"];

/// What a server does with one question.
#[derive(Debug, Clone)]
enum Move {
    /// `written`: how many seconds after its creation it was, if the server says so.
    Row {
        status: &'static str,
        kind: &'static str,
        generation: u8,
        plan_only: bool,
        written: Option<u8>,
    },
    NotFound,
    Error(u16),
    Pause(u16, u64),
    Broken,
    Untrusted,
    Hang,
}

/// A server's moves: it makes each for a while, for every target in its own order.
#[derive(Debug, Clone)]
struct Server {
    moves: Vec<(Move, u64)>,
    step: u64,
}

fn moves() -> impl Strategy<Value = Move> {
    let row = (select(&STATUSES[..]), select(&TYPES[..]), 0..4u8, prop::bool::weighted(0.1), prop::option::of(0..4u8));
    prop_oneof![
        12 => row.prop_map(|(status, kind, generation, plan_only, written)| {
            Move::Row { status, kind, generation, plan_only, written }
        }),
        2 => Just(Move::NotFound),
        3 => select(vec![500, 502, 503, 408, 409, 401, 403, 400, 302]).prop_map(Move::Error),
        1 => (select(vec![429, 503]), select(vec![0, 1, 30, 400, 86_400])).prop_map(|(code, s)| Move::Pause(code, s)),
        1 => Just(Move::Broken),
        1 => prop::bool::weighted(0.2).prop_map(|untrusted| if untrusted { Move::Untrusted } else { Move::Broken }),
        1 => Just(Move::Hang),
    ]
}

fn servers() -> impl Strategy<Value = Server> {
    let latency = prop_oneof![5 => 0..500u64, 1 => 500..40_000u64];
    (prop::collection::vec((moves(), latency), 1..12), 500..60_000u64).prop_map(|(moves, step)| Server { moves, step })
}

fn server_settings() -> impl Strategy<Value = WatchSettings> {
    let clocks = (1..900u64, prop::option::of(1..600u64), prop::option::of(1..600u64));
    let intervals = (100..15_000u64, 0..20_000u64);
    let lists = select(vec![(vec![], vec![]), (vec!["noop"], vec!["thawing"]), (vec![], vec!["active"])]);
    (clocks, intervals, 500..40_000u64, 1..=4usize, any::<bool>(), prop::bool::weighted(0.1), any::<u64>(), lists)
        .prop_map(|((total, start, outage), (min, more), timeout, needed, fail_fast, glance, seed, (pass, fail))| {
            let statuses = |list: Vec<&str>| list.into_iter().map(Into::into).collect();
            let seconds = Duration::from_secs;
            WatchSettings {
                rules: Rules::new(statuses(pass), statuses(fail), vec![]).unwrap(),
                intervals: Intervals::new(ms(min), ms(min + more)).unwrap(),
                clocks: Clocks {
                    total: seconds(total),
                    start: start.map(seconds),
                    stall: (seed % 5 == 0).then(|| seconds(total / 2 + 1)),
                    approval: None,
                    outage: outage.map(seconds),
                },
                request_timeout: ms(timeout),
                require: if needed == 4 { Require::All } else { at_least(needed) },
                fail_fast,
                expect: None,
                on_superseded: None,
                on_approval: OnApproval::Wait,
                settle: ms(if seed.is_multiple_of(3) { 2500 } else { 0 }),
                links: seed.is_multiple_of(7),
                mode: if glance { Mode::Glance } else { Mode::Wait },
                seed,
            }
        })
}

/// What the deploys have to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pin {
    None,
    Deploy,
    Build,
    Workflow,
    Commit,
    After,
    Since,
}

impl Pin {
    fn pins(self) -> Pins {
        let none = Pins::default();
        match self {
            Self::None => none,
            Self::Deploy => Pins { deploy: "dpl0-0".parse().ok(), ..none },
            Self::Build => Pins { build: PINNED_BUILD.parse().ok(), ..none },
            Self::Workflow => Pins { workflow: "inw0-1".parse().ok(), ..none },
            Self::Commit => Pins { commit: PINNED_COMMIT.parse().ok(), ..none },
            Self::After => {
                let baseline = Baseline::Known("dpl0-1".parse().unwrap(), created_by(1));
                Pins { after: Some(baseline), ..none }
            }
            Self::Since => Pins { since: Some(created_by(2)), ..none },
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    settings: WatchSettings,
    server: Server,
    targets: usize,
    pin: Pin,
    signals: Vec<(Duration, Signal)>,
    wakes_first: bool,
}

pub(crate) fn scenes() -> impl Strategy<Value = Scene> {
    let signal = (0..1_000_000u64, select(vec![Signal::Interrupt, Signal::Terminate, Signal::HangUp]));
    let signals = prop::collection::vec(signal.prop_map(|(at, signal)| (ms(at), signal)), 0..3);
    let pin = select(vec![
        Pin::None,
        Pin::Deploy,
        Pin::Deploy,
        Pin::Build,
        Pin::Workflow,
        Pin::Commit,
        Pin::After,
        Pin::Since,
    ]);
    (server_settings(), servers(), 1..=4usize, pin, signals, any::<bool>()).prop_map(
        |(mut settings, server, targets, pin, mut signals, wakes_first)| {
            signals.sort_by_key(|(at, _)| *at);
            if let Require::AtLeast(needed) = settings.require {
                settings.require = at_least(needed.get().min(targets));
            }
            // One deploy, and one workflow of this server, is one target's.
            let one = matches!(pin, Pin::Deploy | Pin::Workflow);
            let targets = if one { 1 } else { targets };
            // A question about the dashboard does not say which target asks it.
            settings.links &= targets == 1;
            if one {
                settings.require = Require::All;
            }
            Scene { settings, server, targets, pin, signals, wakes_first }
        },
    )
}

impl Server {
    /// Answers a question as a server without memory would: by the time and what is asked.
    fn answer(&self, now: Duration, request: &Request) -> (Scripted, Option<Deploy>, Option<Duration>) {
        let number = component_number(request);
        let place = now.as_millis() as u64 / self.step + number;
        let (what, latency) = &self.moves[(place % self.moves.len() as u64) as usize];
        let (mut sent, mut pause) = (None, None);
        let reply = match what {
            Move::Hang => return (hang(), None, None),
            Move::Untrusted => certificate(),
            Move::Broken => Err(ApiError::Broken("reset".to_owned())),
            Move::Error(code) => status(*code),
            Move::Pause(code, seconds) => {
                pause = Some(Duration::from_secs(*seconds));
                retry_after(*code, Duration::from_secs(*seconds))
            }
            Move::NotFound if matches!(request, Request::LatestDeploy(..)) => none(),
            Move::NotFound => status(404),
            Move::Row { status, kind, generation, plan_only, written } => match request {
                Request::LatestDeploy(..) | Request::Deploy(..) | Request::Deploys(..) => {
                    let id = match request {
                        Request::Deploy(_, id) if !now.as_millis().is_multiple_of(7) => id.as_str().to_owned(),
                        _ => format!("dpl{number}-{generation}"),
                    };
                    let mut row = json!({
                        "id": id, "status": status, "install_deploy_type": kind, "plan_only": plan_only,
                        "workflow_id": format!("inw{number}-{}", generation_of(&id) / 2), "build_id": build_of(&id),
                        "created_at": created_by(generation_of(&id)).to_string(),
                        "component_build": {"vcs_connection_commit": {"sha": commit_of(&id)}},
                    });
                    if let Some(written) = written {
                        let at = created_by(generation_of(&id)) + Duration::from_secs(u64::from(*written));
                        row["updated_at"] = at.to_string().into();
                    }
                    let reply = deploy(&row);
                    if let Ok(Answer::Deploy(Some(deploy))) = &reply {
                        sent = Some((**deploy).clone());
                    }
                    // A list has the one row there is.
                    if matches!(request, Request::Deploys(..)) { list(&[row]) } else { reply }
                }
                // A workflow runs or has ended as the row has.
                Request::Workflow(_) => {
                    let ended = matches!(*status, "active" | "error");
                    let word = if ended { "error" } else { "in-progress" };
                    let workflow = json!({"status": {"status": word}, "finished": ended, "steps": []});
                    Ok(Answer::Workflow(Box::new(decode(workflow.to_string().as_bytes()).unwrap())))
                }
                _ => exists(request),
            },
        };
        (after(ms(*latency), reply), sent, pause)
    }
}

/// The generation that a deploy's id tells: `dpl2-1` is of generation 1.
fn generation_of(id: &str) -> i64 {
    id.rsplit('-').next().and_then(|generation| generation.parse().ok()).unwrap_or(0)
}

/// A deploy of a later generation is a newer one; the last came after the watch began.
fn created_by(generation: i64) -> Timestamp {
    Timestamp::from_second(STARTED_AT + 10 * (generation - 2)).unwrap()
}

/// Every second deploy brings the build that may be pinned.
fn build_of(id: &str) -> &'static str {
    if generation_of(id) % 2 == 1 { PINNED_BUILD } else { "bldOther" }
}

/// So does every second one the commit, in other pairs.
fn commit_of(id: &str) -> &'static str {
    if generation_of(id) >= 2 { "4be1c7d09f5a2e63" } else { "5be1c7d09f5a2e63" }
}

/// The target's number, which the ids of deploys and workflows tell as well: `dpl2-1` is the third target's.
fn component_number(request: &Request) -> u64 {
    let in_id = |id: &str| id.get(3..)?.split('-').next()?.parse().ok();
    match request {
        Request::Deploy(_, id) => in_id(id.as_str()).unwrap_or(0),
        Request::Workflow(id) => in_id(id.as_str()).unwrap_or(0),
        Request::Install(_) => 0,
        _ => component(request).unwrap_or(0) as u64,
    }
}

/// Whether the question is about the target with this number. An install is asked about for any of them.
fn is_about(request: &Request, number: u64) -> bool {
    !matches!(request, Request::Install(_)) && component_number(request) == number
}

/// A run, and what came of every question, in the order in which they were asked.
struct Played {
    run: Run,
    answers: Vec<Answered>,
}

struct Answered {
    /// When it was there, or given up.
    at: Duration,
    /// The deploy that was sent in time.
    sent: Option<Deploy>,
    /// When the pause ends that was asked for.
    paused_until: Option<Duration>,
}

fn play(scene: &Scene) -> Played {
    let pin = scene.pin.pins();
    let mut sent = Vec::new();
    let driver = Driver { signals: scene.signals.clone(), wakes_first: scene.wakes_first };
    let run = driver.run(watch(scene.settings.clone(), scene.targets, pin), |now, request| {
        let (scripted, deploy, pause) = scene.server.answer(now, request);
        sent.push((scripted.latency(), deploy, pause));
        scripted
    });
    let answers = run.asked.iter().zip(sent).map(|(asked, (latency, sent, pause))| {
        let in_time = latency.filter(|latency| *latency <= asked.timeout);
        let at = asked.at + in_time.unwrap_or(asked.timeout);
        Answered { at, sent: sent.filter(|_| in_time.is_some()), paused_until: pause.map(|pause| at + pause) }
    });
    let answers = answers.collect();
    Played { run, answers }
}
