//! Drives a [`Watch`] in virtual time: no runtime, no socket, and no waiting.

mod scripted;

use std::num::NonZeroUsize;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{Answer, ApiError, Depth, Reply, Request};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::{Report, TargetReport};
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Event, EventKind, Instruction, Refusal, Scope, Ticket, Watch, WatchSettings};
use nuon_gate_core::{Line, Moment, Require, Signal, Target, Targets};

pub(crate) use self::scripted::*;

/// The wall clock at the start of every watch.
pub(crate) const STARTED_AT: i64 = 1_800_000_000;

/// How long the scripted server takes by default.
pub(crate) const LATENCY: Duration = ms(100);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The command line's default settings.
pub(crate) fn settings() -> WatchSettings {
    WatchSettings {
        intervals: Intervals::new(s(2), s(10)).unwrap(),
        seed: 1,
        long_poll: false,
        history: false,
        ..WatchSettings::default()
    }
}

pub(crate) fn at_least(count: usize) -> Require {
    Require::AtLeast(NonZeroUsize::new(count).unwrap())
}

/// `count` targets: `cmp0`, `cmp1`, …
pub(crate) fn targets(count: usize) -> Targets {
    // Each is in its own install, so that no list serves several of them.
    let install = |index: usize| if index == 0 { "inl-acme".to_owned() } else { format!("inl{index}") };
    let target = |index: usize| Target::new(install(index).parse().unwrap(), format!("cmp{index}").parse().unwrap());
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

/// A request as it was sent.
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
            Request::Earlier(..) => "earlier",
            Request::InstallDeploys(_) => "install's list",
            Request::Workflow(..) => "workflow",
            Request::Deploy(..) => "deploy",
            Request::Install(_) => "install",
            Request::InstallComponent(..) => "component",
            Request::Health(..) => "health",
            Request::Resources(..) => "resources",
            Request::Installs(_) | Request::NamedInstalls(..) | Request::LabelledInstalls(..) => "installs",
            Request::InstallComponents(..) => "components",
            Request::Dashboard(_) => "dashboard",
            Request::QueuePosition(_) => "queue",
            Request::Apps(_) => "apps",
            Request::Branches(..) => "branches",
            Request::Runs(..) => "runs",
            Request::Run(..) => "run",
            Request::GroupRuns(..) => "groups",
            Request::Logs(..) | Request::LogsAfter(..) | Request::Tail(..) => "logs",
            Request::Cancel(_) => "cancel",
            Request::PushCheck(..) => "check",
            Request::Plan(..) => "plan",
            Request::Await(..) => "await",
        }
    }
}

/// Everything that happened in a run.
pub(crate) struct Run {
    pub(crate) asked: Vec<Asked>,
    pub(crate) events: Vec<Event>,
    pub(crate) report: Report,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) most_at_once: usize,
    reasons: Vec<String>,
}

impl Run {
    pub(crate) fn what(&self) -> Vec<&'static str> {
        self.asked.iter().map(Asked::what).collect()
    }

    pub(crate) fn asked_at(&self) -> Vec<Duration> {
        self.asked.iter().map(|asked| asked.at).collect()
    }

    /// The polls of the only target: when each began, and when its last request was sent. Requests that follow each
    /// other at once are one poll.
    pub(crate) fn polls(&self) -> Vec<(Duration, Duration)> {
        let mut polls: Vec<(Duration, Duration)> = Vec::new();
        for Asked { at, .. } in &self.asked {
            match polls.last_mut() {
                Some((_, last)) if *at <= *last + LATENCY => *last = *at,
                _ => polls.push((*at, *at)),
            }
        }
        polls
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
        assert_eq!(self.reasons.len(), 1);
        &self.reasons[0]
    }

    /// The run's own reason.
    pub(crate) fn run_reason(&self) -> Option<Line> {
        nuon_gate_core::report::Words::default().run_reason(&self.report)
    }

    pub(crate) fn count(&self, kind: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|event| kind(&event.kind)).count()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let warning = |event: &Event| match &event.kind {
            EventKind::Warned { warning, .. } => Some(warning.to_string()),
            _ => None,
        };
        self.events.iter().filter_map(warning).collect()
    }
}

/// Runs a watch to its end against a scripted server.
pub(crate) fn run(watch: Watch, server: impl FnMut(Duration, &Request) -> Scripted) -> Run {
    Driver::default().run(watch, server)
}

/// How the driver may differ.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    /// When to deliver which signals.
    pub(crate) signals: Vec<(Duration, Signal)>,
    /// Whether an answer that arrives exactly when the watch asked to be woken is delivered after the wake-up, as a
    /// real driver may do.
    pub(crate) wakes_first: bool,
    /// Whether each answer has the server's time.
    pub(crate) says_time: bool,
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
            let instruction = watch.next(now);
            events.extend(watch.take_events());
            match instruction {
                Instruction::Done => {
                    let (report, refusal) = (watch.report(now), watch.refusal().cloned());
                    let reason = |target: &TargetReport| target.cause.as_ref().map(ToString::to_string);
                    let reasons = report.targets.iter().map(|target| reason(target).unwrap_or_default()).collect();
                    return Run { asked, events, report, refusal, most_at_once, reasons };
                }
                Instruction::Ask(ask) => {
                    let Scripted { latency, body } = server(now.elapsed(), &ask.request);
                    let reply = body.reply(&ask.request);
                    let (latency, reply) = match latency {
                        Some(latency) if latency <= ask.timeout => (latency, reply),
                        _ => (ask.timeout, Err(ApiError::Timeout(ask.timeout))),
                    };
                    let server_time = Timestamp::from_second(STARTED_AT).unwrap() + (now + latency).elapsed();
                    let reply = match reply {
                        Ok(answer) if self.says_time => Ok(Answer { server_time: Some(server_time), ..answer }),
                        reply => reply,
                    };
                    under_way.push((now + latency, ask.ticket, reply));
                    most_at_once = most_at_once.max(under_way.len());
                    asked.push(Asked { at: now.elapsed(), request: ask.request, timeout: ask.timeout });
                }
                Instruction::Sleep(until) => {
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
                        watch.reply(now, ticket, &reply);
                    }
                }
            }
        }
        panic!("the watch has not ended after a million steps");
    }
}
