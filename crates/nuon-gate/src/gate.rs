//! A run: what comes before the watch, the watch, and what is made of its report.

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{Client, Connection};
use nuon_gate_core::conclude::{ConcludeOptions, Deadline, conclude};
use nuon_gate_core::pins::Pins;
use nuon_gate_core::report::Report;
use nuon_gate_core::result::{RunResult, VerdictName};
use nuon_gate_core::watch::{Event, EventKind, Scope, Watch, WatchSettings};
use nuon_gate_core::{Line, Signal, Targets, Verdict, drive};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::arguments::PinArguments;
use crate::connection::invalid_connection;
use crate::exit;
use crate::marks::After;
use crate::names::Naming;
use crate::notify::Audience;
use crate::output::{Ending, Outputs};
use crate::runtime::runtime;
use crate::settings::{ExitMapping, Settings};
use crate::signals::{Signals, listen_with_parent};
use crate::targets::TargetSettings;
use crate::trigger::{NotBegun, Trigger};
use crate::trouble::Trouble;
use crate::words::{self, words};

/// How long notifications may take after a signal.
const NOTIFY_AFTER_SIGNAL: Duration = Duration::from_millis(800);

/// How long those who read the outputs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most time between two looks at what is being cancelled.
const LONGEST_PACE: Duration = Duration::from_millis(500);

/// Runs the gate and returns the exit code. With a command, that is run first.
pub(crate) fn run(settings: Settings, command: Vec<OsString>) -> Result<u8, Trouble> {
    let trigger = if command.is_empty() { None } else { Some(Trigger::new(command, &settings)?) };
    let runtime = runtime()?;
    let outcome = runtime.block_on(until_second_signal(settings, trigger));
    // A name that is still being resolved, and a file that is still being read, must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn until_second_signal(settings: Settings, trigger: Option<Trigger>) -> Result<u8, Trouble> {
    let Signals { first, second } =
        listen_with_parent().map_err(|error| Trouble::new(format!("cannot listen for signals: {error}")))?;
    let exits = settings.exits.clone();
    tokio::select! {
        outcome = gate(settings, trigger, first) => outcome,
        Ok(signal) = second => Ok(exit_code(Verdict::Interrupted(signal), &exits)),
    }
}

async fn gate(
    settings: Settings,
    trigger: Option<Trigger>,
    mut signals: UnboundedReceiver<Signal>,
) -> Result<u8, Trouble> {
    let Settings { connection, targets, pins, watch, cancel_on, exits, notify, output } = settings;
    let after = ConcludeOptions {
        cancel_on,
        pace: watch.intervals.min().min(LONGEST_PACE),
        log_lines: output.log_lines,
        org: Some(connection.org.clone()),
    };
    let client = client(&connection, &watch)?;
    let notices = notify.as_ref().map(|notify| notify.notices.clone()).unwrap_or_default();
    let read_by_people = notify.as_ref().is_some_and(|notify| !notify.sinks.is_empty()) || output.is_read_by_people();
    let mut naming = Naming::new(client.clone(), read_by_people);
    let audience = notify.map(|notify| Audience::gather(notify, naming.names())).transpose()?.flatten();
    let mut deadline = Deadline::default();
    let mut outputs = Outputs::open(&output)?;
    notices.iter().for_each(|notice| outputs.notice(notice));
    let start = Start { targets, pins, watch };
    let triggered = trigger.is_some();
    let begun = start.begin(trigger, &client, &mut signals, &mut deadline).await?;
    outputs.mask();
    let publisher = Publisher { client: client.clone(), exits, ci_url: output.ci_url };
    let (watch, started_at) = match begun {
        Ok(begun) => begun,
        Err(report) => {
            outputs.not_begun(&report);
            drop(naming);
            return Run { report, publisher, deadline, signals }.finish(audience, outputs).await;
        }
    };
    outputs.begin(started_at);
    let after_trigger = |report: Report| if triggered { report.after_trigger() } else { report };
    let on_event = |event: &Event, watch: &Watch| {
        outputs.mask();
        if let Some(names) = naming.event(&event.kind) {
            outputs.name(&names);
        }
        let told = if triggered { of_command(event) } else { Cow::Borrowed(event) };
        outputs.event(&told);
        if let Some(audience) = &audience {
            audience.event(event, || publisher.publish(&after_trigger(watch.report(event.at))));
        }
    };
    let report = drive(&client, watch, &mut signals, on_event).await.map_err(|refusal| words::refused(&refusal))?;
    let report = after_trigger(report);
    let cancelling = |workflow: &_| outputs.cancelling(workflow);
    let mut report = conclude(&client, report, &after, &mut signals, &mut deadline, cancelling).await;
    let names = naming.finish(report.is_interrupted()).await;
    names.complete_report(&mut report);
    outputs.name(&names);
    outputs.mask();
    Run { report, publisher, deadline, signals }.finish(audience, outputs).await
}

/// Returns an event of a wait that came after a command, whose baseline nobody has pinned.
fn of_command(event: &Event) -> Cow<'_, Event> {
    let mut event = Cow::Borrowed(event);
    if let EventKind::Ended { cause: Some(_), .. } = &event.kind
        && let EventKind::Ended { cause: Some(cause), .. } = &mut event.to_mut().kind
    {
        cause.after_trigger();
    }
    event
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock that all times count from")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// What the watch is made of.
struct Start {
    targets: TargetSettings,
    pins: PinArguments,
    watch: WatchSettings,
}

impl Start {
    /// Has the deploys triggered, if a command does that, and begins the watch. Returns when that began, or the report of a
    /// wait that could not begin.
    async fn begin(
        mut self,
        trigger: Option<Trigger>,
        client: &Client,
        signals: &mut UnboundedReceiver<Signal>,
        deadline: &mut Deadline,
    ) -> Result<Result<(Watch, Timestamp), Report>, Trouble> {
        let started_at = now();
        if let Some(trigger) = trigger {
            let settings = self.watch.clone();
            let check = |targets: &Targets| {
                let scope = Scope::Targets(targets.clone());
                let watch = Watch::new(settings, scope, Pins::default(), started_at);
                watch.map(drop).map_err(|error| words::invalid(&error))
            };
            match trigger.run(client, check, signals, deadline).await? {
                Err(not_begun) => return Ok(Err(not_begun.report(&self.targets, started_at, now()))),
                Ok((targets, marks)) => {
                    self.targets = TargetSettings::Known(targets);
                    self.pins.after = Some(After::Marks(marks));
                }
            }
        }
        let Self { targets, pins, watch } = self;
        let known = targets.clone();
        // A pipe may have nothing to say yet.
        let reading = tokio::task::spawn_blocking(move || pins.pinning(&known));
        let (pinning, signal) = deadline.race(reading, signals, Duration::ZERO).await;
        if let Some(signal) = signal {
            let not_begun = NotBegun::interrupted(signal, "the pins were being read, and nothing was waited for");
            return Ok(Err(not_begun.report(&targets, started_at, now())));
        }
        let unread = || Trouble::new("the pins could not be read");
        let pinning = pinning.and_then(Result::ok).ok_or_else(unread)??;
        let started_at = now();
        let scope = targets.scope(&pinning.shared)?;
        let watch = Watch::new(watch, scope, pinning, started_at).map_err(|error| words::invalid(&error))?;
        Ok(Ok((watch, started_at)))
    }
}

fn client(connection: &Connection, watch: &WatchSettings) -> Result<Client, Trouble> {
    let client = Client::new(connection).map_err(|error| invalid_connection(&error))?;
    Ok(client.within(watch.request_timeout))
}

/// Makes the published form of reports.
struct Publisher {
    client: Client,
    exits: Vec<ExitMapping>,
    ci_url: Option<String>,
}

impl Publisher {
    fn publish(&self, report: &Report) -> RunResult {
        let code = exit_code(report.verdict, &self.exits);
        let ci_url = self.ci_url.as_ref().map(Line::new);
        RunResult { ci_url, ..RunResult::new(report, &words(), code, self.client.stats()) }
    }
}

/// A run whose deploys have ended, or are not waited for any more.
struct Run {
    report: Report,
    publisher: Publisher,
    deadline: Deadline,
    signals: UnboundedReceiver<Signal>,
}

impl Run {
    /// Tells how it ended: those who are to be notified, then whoever reads the outputs. Returns the exit code.
    async fn finish(mut self, audience: Option<Audience>, outputs: Outputs) -> Result<u8, Trouble> {
        let mut result = self.publisher.publish(&self.report);
        result.warnings.extend(mapping(self.report.verdict, result.exit_code));
        let slack_thread = match audience {
            Some(audience) => self.notify(audience, &mut result).await,
            None => None,
        };
        // The last moment at which a signal decides what is written.
        if let Ok(signal) = self.signals.try_recv() {
            self.deadline.begin();
            self.report.note_signal(Some(signal));
        }
        if self.report.is_interrupted() {
            let RunResult { verdict, exit_code, reason, hint, .. } = self.publisher.publish(&self.report);
            result = RunResult { verdict, exit_code, reason, hint, ..result };
        }
        let Self { report, publisher, mut deadline, mut signals } = self;
        let ending = Ending { report: &report, result: &result, slack_thread: slack_thread.as_ref() };
        let written = outputs.finish(ending, deadline.limit(PATIENCE));
        // What is half written is finished. Whoever does not read is given up.
        let (_, signal) = deadline.race(written, &mut signals, PATIENCE).await;
        let interrupted = signal.map(|signal| exit_code(Verdict::Interrupted(signal), &publisher.exits));
        Ok(interrupted.unwrap_or(result.exit_code))
    }

    /// Tells everyone how it ended, and notes what became of that. A signal cuts it short, and decides the verdict of the
    /// run. Returns the message in Slack that a later job can go on with.
    async fn notify(&mut self, audience: Audience, result: &mut RunResult) -> Option<String> {
        let required = audience.required;
        let interrupted = self.report.is_interrupted();
        let limit = if interrupted { self.deadline.limit(NOTIFY_AFTER_SIGNAL) } else { Duration::MAX };
        let told = audience.finish(result, limit);
        let (outcome, signal) = self.deadline.race(told, &mut self.signals, NOTIFY_AFTER_SIGNAL).await;
        self.report.note_signal(signal);
        let Some(outcome) = outcome else {
            result.warnings.push(Line::new("it is not known who has been told, because of the signal"));
            return None;
        };
        if required && outcome.any_failed() && self.report.verdict == Verdict::Passed {
            result.verdict = VerdictName::NotifyFailed;
            result.exit_code = mapped(VerdictName::NotifyFailed, &self.publisher.exits).unwrap_or(exit::NOTIFY_FAILED);
            result.reason = Some(Line::new("the deploy passed, but not everyone could be told"));
            result.hint = Some(Line::new("see which notification failed, and check the settings of that sink"));
        }
        result.warnings.extend(outcome.warnings);
        result.notifications = outcome.results;
        outcome.slack_thread.map(|thread| thread.to_string())
    }
}

/// Says that an exit code is not the usual one.
fn mapping(verdict: Verdict, code: u8) -> Option<Line> {
    let usual = exit::code(verdict);
    let words = || Line::new(format!("the exit code is {code} instead of {usual}, because of --map-exit"));
    (code != usual).then(words)
}

fn exit_code(verdict: Verdict, exits: &[ExitMapping]) -> u8 {
    mapped(verdict.into(), exits).unwrap_or_else(|| exit::code(verdict))
}

fn mapped(verdict: VerdictName, exits: &[ExitMapping]) -> Option<u8> {
    exits.iter().rev().find(|mapping| mapping.name == verdict.as_str()).map(|mapping| mapping.code)
}
