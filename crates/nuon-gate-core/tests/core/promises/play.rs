//! Plays a world: the watch in virtual time, against complete HTTP answers.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, Reply, Request, interpret};
use nuon_gate_core::pins::{Baseline, Pins, Since};
use nuon_gate_core::report::Report;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{
    Clocks, Event, EventKind, Followed, Instruction, OnApproval, OnStale, OnSuperseded, Scope, Ticket, Watch,
    WatchSettings,
};
use nuon_gate_core::{Kind, Moment, Rules, Signal, Target, Targets};
use nuon_gate_http::Url;
use nuon_gate_http::header::{HeaderMap, HeaderName, HeaderValue};
use nuon_gate_soak::transcript::{Answer, Exchange, HttpAnswer, Outcome, Question};
use nuon_gate_soak::world::World;

use super::outcome;

/// A run, and all of its requests and answers.
pub(super) struct Played {
    pub(super) transcript: Vec<Exchange>,
    pub(super) events: Vec<Event>,
    pub(super) report: Report,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) run: Outcome,
}

pub(super) fn play(world: &World) -> Played {
    let mut world = world.clone();
    let question = world.question().clone();
    let started_at = Timestamp::from_second(world.started_at_unix_s()).unwrap();
    let seed = question.timeout_ms ^ question.min_interval_ms;
    let settings = settings(&question, seed);
    let watch = Watch::new(settings.clone(), scope(&question), pins(&question), started_at);
    let Ok(watch) = watch else {
        let watch = Watch::new(settings, scope(&question), Pins::default(), started_at).unwrap();
        let report = watch.report(Moment::START);
        let run = outcome("usage", None, 0);
        return Played { transcript: Vec::new(), events: Vec::new(), report, outcomes: Vec::new(), run };
    };
    drive(watch, &mut world)
}

fn drive(mut watch: Watch, world: &mut World) -> Played {
    let mut now = Moment::START;
    let (mut transcript, mut events) = (Vec::new(), Vec::new());
    let mut under_way: Vec<(Moment, Ticket, Reply)> = Vec::new();
    let signals: Vec<(u64, &str)> = world.signals().to_vec();
    let mut signals = signals.iter().map(|(at, signal)| (at_ms(*at), signal_of(signal))).peekable();
    for _ in 0..1_000_000 {
        let instruction = watch.next(now);
        events.extend(watch.take_events());
        match instruction {
            Instruction::Done => return ended(&watch, now, transcript, events),
            Instruction::Ask(ask) => {
                let (mut exchange, reply) = asked(world, now, &ask.request, ask.timeout);
                let before = transcript.iter().rev().find(|own: &&Exchange| own.path == exchange.path);
                if let (Answer::Http(own), Some(Answer::Http(before))) =
                    (&mut exchange.answer, before.map(|own| &own.answer))
                {
                    own.share_body(before);
                }
                under_way.push((at_ms(exchange.done_ms).max(now), ask.ticket, reply));
                transcript.push(exchange);
                assert!(transcript.len() < 20_000, "the watch asks without pause");
            }
            Instruction::Sleep(until) => {
                assert!(until > now, "the watch spins at {now:?}");
                let signal = signals.peek().map(|(at, _)| (*at).max(now));
                let next = (0..under_way.len()).min_by_key(|index| under_way[*index].0);
                let answered = next.map(|index| under_way[index].0);
                now = [signal, answered].into_iter().flatten().fold(until, Moment::min);
                if signal == Some(now) {
                    watch.interrupt(now, signals.next().unwrap().1);
                } else if let Some(index) = next.filter(|_| answered == Some(now)) {
                    let (_, ticket, reply) = under_way.remove(index);
                    watch.reply(now, ticket, &reply);
                }
            }
        }
    }
    panic!("the watch has not ended after a million steps");
}

fn asked(world: &mut World, now: Moment, request: &Request, timeout: Duration) -> (Exchange, Reply) {
    let (sent_ms, method) = (ms(now), if matches!(request, Request::Cancel(_)) { "POST" } else { "GET" });
    let path = path(request);
    let (delay, answer) = world.answer(sent_ms, method, &path);
    let limit = u64::try_from(timeout.as_millis()).unwrap();
    let answer = if delay > limit { Answer::Silence } else { answer };
    let done_ms = sent_ms + delay.min(limit);
    let reply = match &answer {
        Answer::Http(answer) => read(request, answer),
        Answer::Reset => Err(ApiError::Broken("reset".to_owned())),
        Answer::Silence => Err(ApiError::Timeout(timeout)),
    };
    let done_ms = if matches!(answer, Answer::Silence) { sent_ms + limit } else { done_ms };
    (Exchange { sent_ms, done_ms, method: method.to_owned(), path, answer }, reply)
}

fn path(request: &Request) -> String {
    let (segments, query) = request.address();
    let mut url = Url::parse("http://api.example/v1").unwrap();
    url.path_segments_mut().unwrap().extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url.as_str().strip_prefix("http://api.example").unwrap().to_owned()
}

fn read(request: &Request, answer: &HttpAnswer) -> Reply {
    let header = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
    };
    let headers: HeaderMap = answer.headers.iter().filter_map(header).collect();
    interpret(request, answer.status, &headers, &answer.body, Timestamp::UNIX_EPOCH)
}

fn ended(watch: &Watch, now: Moment, transcript: Vec<Exchange>, events: Vec<Event>) -> Played {
    let report = watch.report(now);
    let at = |index: usize| {
        let end =
            events.iter().find(|event| matches!(event.kind, EventKind::Ended { target, .. } if target == Some(index)));
        ms(end.map_or(now, |event| event.at))
    };
    let verdict = |verdict: nuon_gate_core::Verdict| verdict.as_str();
    let outcomes = report.targets.iter().enumerate().map(|(index, target)| {
        let deploy = target.deploy.as_ref().and_then(|deploy| deploy.id.as_ref()).map(ToString::to_string);
        outcome(verdict(target.verdict), deploy, at(index))
    });
    let mut outcomes: Vec<Outcome> = outcomes.collect();
    let run = match watch.refusal() {
        Some(_) => {
            outcomes.iter_mut().for_each(|own| own.verdict = "usage".to_owned());
            outcome("usage", None, ms(now))
        }
        None => outcome(verdict(report.verdict), None, ms(now)),
    };
    Played { transcript, events, report, outcomes, run }
}

fn settings(question: &Question, seed: u64) -> WatchSettings {
    let list = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
    let duration = Duration::from_millis;
    WatchSettings {
        rules: Rules::new(list(&question.pass_on), list(&question.fail_on), list(&question.wait_on)).unwrap(),
        intervals: Intervals::new(duration(question.min_interval_ms), duration(question.max_interval_ms)).unwrap(),
        clocks: Clocks {
            total: duration(question.timeout_ms),
            start: question.start_timeout_ms.map(duration),
            stall: question.stall_timeout_ms.map(duration),
            approval: question.approval_timeout_ms.map(duration),
            queue: None,
            outage: question.outage_ms.map(duration),
        },
        request_timeout: duration(question.request_timeout_ms),
        expect: question.expect.as_deref().map(|kind| if kind == "teardown" { Kind::Teardown } else { Kind::Apply }),
        on_superseded: question.on_superseded.as_deref().map(|policy| match policy {
            "follow" => OnSuperseded::Follow,
            "ignore" => OnSuperseded::Ignore,
            _ => OnSuperseded::Fail,
        }),
        on_approval: match question.on_approval.as_str() {
            "fail" => OnApproval::Fail,
            "pass" => OnApproval::Pass,
            _ => OnApproval::Wait,
        },
        on_stale: match question.on_stale.as_str() {
            "wait" => OnStale::Wait,
            "fail" => OnStale::Fail,
            _ => OnStale::Accept,
        },
        settle: duration(question.settle_ms),
        healthy_for: question.healthy_for_ms.map(duration),
        // Logs are followed in every second world.
        logs: seed.is_multiple_of(2).then_some(Followed::All),
        seed,
        ..WatchSettings::default()
    }
}

fn scope(question: &Question) -> Scope {
    let target =
        |(install, component): &(String, String)| Target::new(install.parse().unwrap(), component.parse().unwrap());
    match Targets::new(question.targets.iter().map(target)) {
        Some(targets) => Scope::Targets(targets),
        None => Scope::Workflow(question.workflow.as_ref().unwrap().parse().unwrap(), Vec::new()),
    }
}

fn pins(question: &Question) -> Pins {
    Pins {
        deploy: question.deploy.as_ref().map(|id| id.parse().unwrap()),
        workflow: question.workflow.as_ref().map(|id| id.parse().unwrap()),
        build: question.build.as_ref().map(|id| id.parse().unwrap()),
        commit: question.commit.as_ref().map(|commit| commit.parse().unwrap()),
        after: question.after.as_ref().map(|id| Baseline::Deploy(id.parse().unwrap())),
        since: question.since.as_ref().map(|at| Since::At(at.parse().unwrap())),
        branch_run: None,
    }
}

fn ms(moment: Moment) -> u64 {
    u64::try_from(moment.elapsed().as_millis()).unwrap()
}

fn at_ms(ms: u64) -> Moment {
    Moment::after_start(Duration::from_millis(ms))
}

fn signal_of(word: &str) -> Signal {
    match word {
        "term" => Signal::Terminate,
        "hup" => Signal::HangUp,
        _ => Signal::Interrupt,
    }
}
