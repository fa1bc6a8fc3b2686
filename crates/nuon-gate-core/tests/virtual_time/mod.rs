//! Drives a [`Watch`] in virtual time: no runtime, no socket, and no waiting.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::num::NonZeroUsize;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::model::{Deploy, Install, InstallComponent};
use nuon_gate_core::watch::{
    Answer, Clocks, EventKind, Mode, OnApproval, Refusal, Reply, Request, Scope, Step, Ticket,
};
use nuon_gate_core::{
    ApiError, Depth, Event, Intervals, Line, Moment, Pins, Report, Require, Rules, Signal, Target, TargetReport,
    Targets, Watch, WatchSettings, decode,
};
use serde_json::{Value, json};

/// The wall clock when every watch begins.
pub(crate) const STARTED_AT: i64 = 1_800_000_000;
/// How long the scripted server takes unless a test says otherwise.
pub(crate) const LATENCY: Duration = ms(100);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The settings that the command line gives by default.
pub(crate) fn settings() -> WatchSettings {
    WatchSettings {
        rules: Rules::default(),
        intervals: Intervals::new(s(2), s(10)).unwrap(),
        clocks: Clocks { total: s(3600), start: Some(s(300)), stall: None, approval: None, outage: Some(s(300)) },
        request_timeout: s(30),
        require: Require::All,
        fail_fast: false,
        expect: None,
        on_superseded: None,
        on_approval: OnApproval::Wait,
        settle: Duration::ZERO,
        links: false,
        mode: Mode::Wait,
        seed: 1,
    }
}

pub(crate) fn at_least(count: usize) -> Require {
    Require::AtLeast(NonZeroUsize::new(count).unwrap())
}

/// `count` components of one install: `cmp0`, `cmp1`, …
pub(crate) fn targets(count: usize) -> Targets {
    let target = |index: usize| Target::new("inl-acme".parse().unwrap(), format!("cmp{index}").parse().unwrap());
    Targets::new((0..count).map(target)).unwrap()
}

#[allow(clippy::needless_pass_by_value, reason = "tests read better so")]
pub(crate) fn watch(settings: WatchSettings, count: usize, pin: Pins) -> Watch {
    let started_at = Timestamp::from_second(STARTED_AT).unwrap();
    Watch::new(settings, Scope::Targets(targets(count)), pin, started_at).unwrap()
}

/// A watch for one target's newest deploy.
pub(crate) fn latest(settings: WatchSettings) -> Watch {
    watch(settings, 1, Pins::default())
}

/// A watch for one deploy.
pub(crate) fn pinned(settings: WatchSettings, deploy: &str) -> Watch {
    watch(settings, 1, Pins { deploy: Some(deploy.parse().unwrap()), ..Pins::default() })
}

/// What the scripted server does with a question.
pub(crate) struct Scripted {
    latency: Option<Duration>,
    reply: Reply,
}

impl Scripted {
    /// Returns when the answer is there, unless never.
    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency
    }
}

pub(crate) fn after(latency: Duration, reply: Reply) -> Scripted {
    Scripted { latency: Some(latency), reply }
}

pub(crate) fn soon(reply: Reply) -> Scripted {
    after(LATENCY, reply)
}

pub(crate) fn hang() -> Scripted {
    Scripted { latency: None, reply: none() }
}

/// A deploy's row; tests add to it what they are about.
pub(crate) fn row(id: &str, status: &str) -> Value {
    json!({ "id": id, "status": status, "install_deploy_type": "apply" })
}

/// The row, created so many seconds after the watch began; below zero: before.
pub(crate) fn created(mut row: Value, second: i64) -> Value {
    row["created_at"] = Timestamp::from_second(STARTED_AT + second).unwrap().to_string().into();
    row
}

/// The row with more fields.
#[allow(clippy::needless_pass_by_value, reason = "tests read better so")]
pub(crate) fn with(mut row: Value, more: Value) -> Value {
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// A workflow's answer: where it stands, whether it has ended, and its steps.
pub(crate) fn workflow(status: &str, finished: bool, steps: &[Value]) -> Reply {
    let body = json!({
        "status": { "status": status }, "finished": finished, "approval_option": "prompt", "steps": steps,
    });
    Ok(Answer::Workflow(Box::new(decode(body.to_string().as_bytes()).unwrap())))
}

/// A step that works on a deploy.
pub(crate) fn step(name: &str, status: &str, deploy: &str) -> Value {
    json!({ "id": format!("iws-{name}"), "name": name, "status": { "status": status }, "step_target_id": deploy })
}

pub(crate) fn deploy(row: &Value) -> Reply {
    Ok(Answer::Deploy(Some(Box::new(decode::<Deploy>(row.to_string().as_bytes()).unwrap()))))
}

/// A list of rows, newest first.
pub(crate) fn list(rows: &[Value]) -> Reply {
    Ok(Answer::Deploys(decode(json!(rows).to_string().as_bytes()).unwrap()))
}

pub(crate) fn none() -> Reply {
    Ok(Answer::Deploy(None))
}

pub(crate) fn status(code: u16) -> Reply {
    Err(ApiError::Status { status: code, message: Some(Line::new(format!("said {code}"))), retry_after: None })
}

pub(crate) fn retry_after(code: u16, pause: Duration) -> Reply {
    Err(ApiError::Status { status: code, message: None, retry_after: Some(pause) })
}

pub(crate) fn certificate() -> Reply {
    Err(ApiError::Certificate { host: "api.example".to_owned(), detail: "its issuer is unknown".to_owned() })
}

/// Answers what is asked beside: install and component exist, and there is no dashboard.
pub(crate) fn exists(request: &Request) -> Reply {
    match request {
        Request::Install(_) => Ok(Answer::Install(Install::default())),
        Request::InstallComponent(..) => Ok(Answer::InstallComponent(InstallComponent::default())),
        Request::Dashboard => Ok(Answer::Dashboard(None)),
        other => panic!("{other:?} was not expected"),
    }
}

/// A server whose every component has the row that `at` gives at that time; `None` is "none yet".
pub(crate) fn serving(mut at: impl FnMut(Duration) -> Option<Value>) -> impl FnMut(Duration, &Request) -> Scripted {
    move |now, request| {
        soon(match request {
            Request::LatestDeploy(..) | Request::Deploy(..) => at(now).map_or_else(none, |row| deploy(&row)),
            Request::Deploys(..) => list(&at(now).into_iter().collect::<Vec<_>>()),
            Request::Install(_) | Request::InstallComponent(..) => exists(request),
            _ => status(404),
        })
    }
}

/// The number of the component that a question is about, where it says so.
pub(crate) fn component(request: &Request) -> Option<usize> {
    match request {
        Request::LatestDeploy(_, component, _)
        | Request::Deploys(_, component, _)
        | Request::InstallComponent(_, component) => component.as_str().strip_prefix("cmp")?.parse().ok(),
        Request::Deploy(_, deploy) => deploy.as_str().strip_prefix("dpl")?.parse().ok(),
        _ => None,
    }
}

/// A question as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) at: Duration,
    pub(crate) request: Request,
    pub(crate) timeout: Duration,
}

impl Asked {
    pub(crate) fn what(&self) -> &'static str {
        match self.request {
            Request::LatestDeploy(_, _, Depth::Usual) => "latest",
            Request::LatestDeploy(_, _, Depth::Page) => "hundred",
            Request::Deploys(..) => "list",
            Request::Workflow(_) => "workflow",
            Request::Deploy(..) => "deploy",
            Request::Install(_) => "install",
            Request::InstallComponent(..) => "component",
            Request::Installs(_) => "installs",
            Request::InstallComponents(..) => "components",
            Request::Dashboard => "dashboard",
            Request::Logs(..) => "logs",
            Request::Cancel(_) => "cancel",
        }
    }
}

/// All that happened in a run.
pub(crate) struct Run {
    pub(crate) asked: Vec<Asked>,
    pub(crate) events: Vec<Event>,
    pub(crate) report: Report,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) most_at_once: usize,
}

impl Run {
    pub(crate) fn what(&self) -> Vec<&'static str> {
        self.asked.iter().map(Asked::what).collect()
    }

    pub(crate) fn asked_at(&self) -> Vec<Duration> {
        self.asked.iter().map(|asked| asked.at).collect()
    }

    /// The looks at the only target: when each began, and when its last question was asked. Questions that follow one
    /// another at once are one look.
    pub(crate) fn looks(&self) -> Vec<(Duration, Duration)> {
        let mut looks: Vec<(Duration, Duration)> = Vec::new();
        for Asked { at, .. } in &self.asked {
            match looks.last_mut() {
                Some((_, last)) if *at <= *last + LATENCY => *last = *at,
                _ => looks.push((*at, *at)),
            }
        }
        looks
    }

    /// The id of the only target's deploy.
    pub(crate) fn deploy_id(&self) -> &str {
        let deploy = self.target().deploy.as_ref();
        deploy.and_then(|deploy| deploy.id.as_ref()).map_or("none", nuon_gate_core::DeployId::as_str)
    }

    /// The only target's outcome.
    pub(crate) fn target(&self) -> &TargetReport {
        assert_eq!(self.report.targets.len(), 1);
        &self.report.targets[0]
    }

    /// The only target's reason.
    pub(crate) fn reason(&self) -> &str {
        self.target().reason.as_ref().map(Line::plain).unwrap_or_default()
    }

    pub(crate) fn count(&self, kind: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|event| kind(&event.kind)).count()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let text = |event: &'_ Event| matches!(event.kind, EventKind::Warned { .. });
        let warned = self.events.iter().filter(|event| text(event));
        warned
            .filter_map(
                |event| if let EventKind::Warned { text, .. } = &event.kind { Some(text.plain()) } else { None },
            )
            .collect()
    }
}

/// Runs a watch to its end against a scripted server.
pub(crate) fn run(watch: Watch, server: impl FnMut(Duration, &Request) -> Scripted) -> Run {
    Driver::default().run(watch, server)
}

/// What a driver may do differently.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    /// When which signals come.
    pub(crate) signals: Vec<(Duration, Signal)>,
    /// Whether an answer that comes at the very moment the watch wanted to be woken is handed over after the waking, as
    /// a real driver may.
    pub(crate) wakes_first: bool,
}

impl Driver {
    pub(crate) fn signalled(at: Duration, signal: Signal) -> Self {
        Self { signals: vec![(at, signal)], ..Self::default() }
    }

    pub(crate) fn run(&self, mut watch: Watch, mut server: impl FnMut(Duration, &Request) -> Scripted) -> Run {
        let mut now = Moment::START;
        let (mut asked, mut events, mut most_at_once) = (Vec::new(), Vec::new(), 0);
        let mut under_way: Vec<(Moment, Ticket, Reply)> = Vec::new();
        let mut signals = self.signals.iter().map(|(at, signal)| (Moment::after_start(*at), *signal)).peekable();
        for _ in 0..1_000_000 {
            let step = watch.next(now);
            events.extend(watch.take_events());
            match step {
                Step::Done => {
                    let (report, refusal) = (watch.report(now), watch.refusal().cloned());
                    return Run { asked, events, report, refusal, most_at_once };
                }
                Step::Ask(ask) => {
                    let Scripted { latency, reply } = server(now.elapsed(), &ask.request);
                    let (latency, reply) = match latency {
                        Some(latency) if latency <= ask.timeout => (latency, reply),
                        _ => (ask.timeout, Err(ApiError::Timeout(ask.timeout))),
                    };
                    under_way.push((now + latency, ask.ticket, reply));
                    most_at_once = most_at_once.max(under_way.len());
                    asked.push(Asked { at: now.elapsed(), request: ask.request, timeout: ask.timeout });
                }
                Step::Sleep(until) => {
                    assert!(until > now, "the watch spins at {now:?}");
                    let signal = signals.peek().map(|(at, _)| (*at).max(now));
                    let reply = (0..under_way.len()).min_by_key(|index| under_way[*index].0);
                    let answered = reply.map(|index| under_way[index].0);
                    now = [signal, answered].into_iter().flatten().fold(until, Moment::min);
                    if signal == Some(now) {
                        watch.interrupt(now, signals.next().unwrap().1);
                    } else if let Some(index) = reply.filter(|_| answered == Some(now)) {
                        let (_, ticket, reply) = under_way.remove(index);
                        if now == until && self.wakes_first {
                            watch.next(now);
                        }
                        watch.reply(now, ticket, reply);
                    }
                }
            }
        }
        panic!("the watch has not ended after a million steps");
    }
}
