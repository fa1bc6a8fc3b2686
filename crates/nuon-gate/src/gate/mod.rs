//! A run: what comes before the watch, the watch, and the end.

mod buffered;
mod ending;
mod opening;

use std::cell::RefCell;
use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::conclude::{ConcludeOptions, Deadline, conclude};
use nuon_gate_core::names::Names;
use nuon_gate_core::watch::{Event, Mode, Watch, WatchSettings};
use nuon_gate_core::{Line, Signal, Verdict, drive};
use tokio::sync::mpsc::UnboundedReceiver;

use self::buffered::{BufferedOutputs, beside};
pub(crate) use self::ending::Run;
use self::ending::{Publisher, in_time};
use self::opening::{NotBegun, Opening};
use crate::connection::client;
use crate::exit_mapping::ExitCodes;
use crate::names::Naming;
use crate::notify::Audience;
use crate::output::{Outputs, say_at_once, settle};
use crate::runtime::runtime;
use crate::settings::{Inputs, Settings};
use crate::signals::{Signals, listen_with_parent};
use crate::trigger::Trigger;
use crate::trouble::Trouble;
use crate::words;

/// The longest interval between polls of a cancelled workflow.
const LONGEST_PACE: Duration = Duration::from_millis(500);

/// Runs the gate and returns the exit code. With a command, that is run first.
pub(crate) fn run(settings: Settings, command: Vec<OsString>) -> Result<u8, Trouble> {
    let trigger = if command.is_empty() { None } else { Some(Trigger::new(command, &settings)?) };
    let runtime = runtime()?;
    let exits = settings.exits.clone();
    let outcome = runtime.block_on(until_second_signal(&exits, async |signals| gate(settings, trigger, signals).await));
    // A DNS lookup or a file read in progress must not delay the exit.
    runtime.shutdown_background();
    outcome
}

/// Runs something that a first signal cuts short and a second one ends at once. Returns the exit code.
pub(crate) async fn until_second_signal(
    exits: &ExitCodes,
    run: impl AsyncFnOnce(UnboundedReceiver<Signal>) -> Result<u8, Trouble>,
) -> Result<u8, Trouble> {
    let Signals { first, second } = listen_with_parent()?;
    let outcome = tokio::select! {
        outcome = run(first) => outcome,
        Ok(signal) = second => {
            say_at_once(&last_words(signal, exits)).await;
            Ok(exits.of(Verdict::Interrupted(signal)))
        }
    };
    settle();
    outcome
}

/// The last line when a second signal leaves no time for a report. Without it, a mapped exit code could be taken for a
/// pass.
fn last_words(signal: Signal, exits: &ExitCodes) -> Line {
    let code = exits.words(Verdict::Interrupted(signal)).map(|words| format!("; {}", words.plain()));
    Line::new(format!(
        "interrupted by {signal}, and ended at once by a second signal: there may be no result{}",
        code.unwrap_or_default()
    ))
}

async fn gate(settings: Settings, trigger: Option<Trigger>, signals: UnboundedReceiver<Signal>) -> Result<u8, Trouble> {
    let Settings { unread, targets, pins, watch, cancel_on, exits, warnings, output } = settings;
    let mut outputs = Outputs::open(&output)?;
    warnings.iter().for_each(|warning| outputs.notice(warning));
    let read_by_people = output.is_read_by_people();
    let sharding = watch.sharding.clone();
    let mut publisher = Publisher { client: None, exits, ci_url: output.ci_url, sharding, warnings };
    let mut opening = Opening::new(watch.clocks, watch.mode, signals);
    let Inputs { connection, notify } = match opening.reading(async |reader| unread.read(reader).await).await {
        Ok(inputs) => inputs,
        Err(trouble) => return opening.give_up(trouble.into(), publisher, None, outputs).await,
    };
    let after = ConcludeOptions {
        cancel_on,
        pace: watch.intervals.min().min(LONGEST_PACE),
        log_lines: output.log_lines,
        org: Some(connection.org.clone()),
    };
    let links = notify.as_ref().is_some_and(|notify| !notify.sinks.is_empty());
    let is_triggered = trigger.is_some();
    let is_waited_for = watch.mode == Mode::Wait;
    let limit = watch.clocks.total;
    let watch = WatchSettings {
        org: Some(connection.org.clone()),
        links: links || outputs.are_watched(),
        steps: outputs.are_watched(),
        is_triggered,
        ..watch
    };
    let client = client(&connection, watch.request_timeout)?;
    publisher.client = Some(client.clone());
    let notices = notify.as_ref().map(|notify| notify.notices.clone()).unwrap_or_default();
    let mut naming = Naming::new(client.clone(), links || read_by_people, watch.max_rps);
    let audience = notify.map(|notify| Audience::gather(notify, Some(naming.names()), watch.on_approval));
    let audience = audience.transpose()?.flatten();
    notices.iter().for_each(|notice| outputs.notice(notice));
    let watch = match opening.begin(trigger, &client, targets, pins, watch).await {
        Ok(watch) => watch,
        Err(not_begun) => return opening.give_up(not_begun, publisher, audience, outputs).await,
    };
    let began = opening.began();
    let Opening { started_at, mut signals, mut deadline, .. } = opening;
    outputs.mask();
    outputs.begin(started_at);
    if is_waited_for {
        outputs.watch(began, limit);
    }
    let buffered = RefCell::new(BufferedOutputs::new(outputs, naming.is_wanted()));
    let names = naming.names();
    let on_event = |event: &Event, watch: &Watch, naming: &mut Naming| {
        let mut buffered = buffered.borrow_mut();
        if let Some(dashboard) = watch.dashboard() {
            buffered.outputs().link(dashboard);
        }
        if naming.event(&event.kind) {
            buffered.keep();
        }
        buffered.event(event);
        if let Some(audience) = &audience {
            audience.event(event, || publisher.publish(&watch.report(event.at)));
        }
    };
    let waiting = async {
        let on_event = |event: &Event, watch: &Watch| on_event(event, watch, &mut naming);
        let report = drive(&client, watch, began, &mut signals, on_event).await?;
        let cancelling = |workflow: &_| buffered.borrow_mut().cancelling(workflow);
        let report = conclude(&client, report, &after, &mut signals, &mut deadline, cancelling).await;
        let names = naming.finish(report.verdict).await;
        Ok((report, names))
    };
    let outcome = beside(&buffered, names, waiting).await;
    let buffered = buffered.into_inner();
    let (mut report, names) = match outcome {
        Ok(whole) => whole,
        Err(refusal) => {
            let outputs = buffered.end(&Names::default());
            return Err(refuse(words::refused(&refusal), audience, outputs, deadline, signals).await);
        }
    };
    names.complete_report(&mut report);
    let outputs = buffered.end(&names);
    outputs.mask();
    Run::of_report(report, publisher, deadline, signals).finish(audience, outputs).await
}

/// Ends what notifications show already: it would go on for ever. A mistake of the user is notified nowhere else. Returns
/// why nothing is waited for, as interrupted if a signal comes meanwhile.
async fn refuse(
    trouble: Trouble,
    audience: Option<Audience>,
    mut outputs: Outputs,
    mut deadline: Deadline,
    mut signals: UnboundedReceiver<Signal>,
) -> Trouble {
    let Some(audience) = audience else { return trouble };
    let hurry = audience.hurry();
    let (outcome, signal) = in_time(audience.refuse(&trouble), &hurry, &mut deadline, &mut signals).await;
    for failed in outcome.failed() {
        let why = failed.reason.as_ref().map_or("no reason is known", Line::plain);
        outputs.notice(&format!("{} was not notified: {why}", failed.sink.plain()));
    }
    match signal {
        Some(signal) => trouble.judged(Some(Verdict::Interrupted(signal))),
        None => trouble,
    }
}

impl Opening {
    /// Reports why nothing is waited for. A mistake of the user has no result.
    async fn give_up(
        self,
        not_begun: NotBegun,
        publisher: Publisher,
        audience: Option<Audience>,
        outputs: Outputs,
    ) -> Result<u8, Trouble> {
        let report = not_begun.report(self.started_at, now())?;
        let Self { signals, deadline, .. } = self;
        outputs.mask();
        outputs.not_begun(&report);
        Run::of_report(report, publisher, deadline, signals).finish(audience, outputs).await
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock that all times count from")]
fn now() -> Timestamp {
    Timestamp::now()
}
