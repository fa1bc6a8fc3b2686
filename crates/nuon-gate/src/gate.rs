//! A run: the watch, and what is made of its report.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::result::{RunResult, VerdictName};
use nuon_gate_core::watch::{InvalidSettings, Request};
use nuon_gate_core::{
    Asked, CancelLimits, CancelPlan, Client, Event, Line, Pinning, Refusal, Report, Signal, Verdict, Watch, Wish,
    drive, gather, send,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::connection::{invalid_connection, untrusted};
use crate::exit;
use crate::notify::Audience;
use crate::output::{Ending, Outputs};
use crate::settings::{ExitMapping, Settings};
use crate::signals::{Signals, listen};
use crate::trouble::Trouble;

/// How long reading reasons, logs and links may take after the verdict. After a signal there are five seconds for all that
/// is still to be done; and whoever's deploy passed is in a hurry.
const EVIDENCE: Duration = Duration::from_secs(10);
const EVIDENCE_AFTER_SIGNAL: Duration = Duration::from_millis(400);
const EVIDENCE_OF_PASS: Duration = Duration::from_secs(2);

/// How long everything may take from a signal on, and the watch's last look of that.
const AFTER_SIGNAL: Duration = Duration::from_millis(4900);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long those who read the outputs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long telling may take after a signal.
const NOTIFY_AFTER_SIGNAL: Duration = Duration::from_millis(800);

/// How long it is waited for a cancelled workflow to settle.
const CANCEL: Duration = Duration::from_secs(15);
const CANCEL_AFTER_SIGNAL: Duration = Duration::from_secs(2);
/// The most time between two looks at what is being cancelled.
const LONGEST_PACE: Duration = Duration::from_millis(500);

/// Runs the gate and returns the exit code.
pub(crate) fn run(mut settings: Settings) -> Result<u8, Trouble> {
    #[expect(clippy::disallowed_methods, reason = "what was so long ago is so long before now")]
    let now = Timestamp::now();
    // Before anybody listens for signals: whoever waits for the end of a file, or of stdin, can be ended by one.
    let pinning = std::mem::take(&mut settings.pins).at(now, &settings.targets)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(until_second_signal(settings, pinning));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Makes the runtime: one thread is enough for a request every few seconds, and starts sooner than several.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Trouble::new(format!("cannot start: {error}")))
}

async fn until_second_signal(settings: Settings, pinning: Pinning) -> Result<u8, Trouble> {
    let Signals { first, second } =
        listen().map_err(|error| Trouble::new(format!("cannot listen for signals: {error}")))?;
    let exits = settings.exits.clone();
    tokio::select! {
        outcome = gate(settings, pinning, first) => outcome,
        Ok(signal) = second => Ok(exit_code(Verdict::Interrupted(signal), &exits)),
    }
}

async fn gate(settings: Settings, pinning: Pinning, mut signals: UnboundedReceiver<Signal>) -> Result<u8, Trouble> {
    let Settings { connection, targets, pins: _, watch, cancel_on, exits, notify, output } = settings;
    let client = Client::new(&connection).map_err(|error| invalid_connection(&error))?;
    #[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock that all times count from")]
    let started_at = Timestamp::now();
    let scope = targets.scope(&pinning.shared)?;
    let (pace, request_timeout) = (watch.intervals.min().min(LONGEST_PACE), watch.request_timeout);
    let watch = Watch::new(watch, scope, pinning, started_at).map_err(|error| invalid_settings(&error))?;
    let secrets = notify.as_ref().map(|notify| notify.sinks.secrets()).unwrap_or_default();
    let notices = notify.as_ref().map(|notify| notify.notices.clone()).unwrap_or_default();
    let audience = notify.map(Audience::gather).transpose()?.flatten();
    let mut outputs = Outputs::open(&output, started_at, &secrets)?;
    notices.iter().for_each(|notice| outputs.notice(notice));

    let on_event = |event: &Event, watch: &Watch| {
        outputs.mask(&client.take_secrets());
        outputs.event(event);
        if let Some(audience) = &audience {
            audience.event(event, || published(&watch.report(event.at), &client, &exits, output.ci_url.as_deref()));
        }
    };
    let report = drive(&client, watch, &mut signals, on_event).await;
    let mut report = report.map_err(|refusal| refused(&refusal))?;
    let client = client.within(request_timeout);
    let mut hurry = Hurry::default();
    if is_interrupted(&report) {
        hurry.begin(AFTER_SIGNAL - LAST_LOOK);
    }
    let whole = if is_interrupted(&report) { CANCEL_AFTER_SIGNAL } else { CANCEL };
    let plan = CancelPlan::new(&report, cancel_on, CancelLimits { whole, pace });
    if plan.workflows().len() > 0 {
        plan.workflows().for_each(|workflow| outputs.cancelling(workflow));
        cancel_rest(&client, &mut report, plan, &mut hurry, &mut signals).await;
    }
    find_evidence(&client, &mut report, output.log_lines, &mut hurry, &mut signals).await;
    outputs.mask(&client.take_secrets());

    let usual = exit::code(report.verdict);
    let code = exit_code(report.verdict, &exits);
    if code != usual {
        let words = format!("the exit code is {code} instead of {usual}, because of --map-exit");
        report.warnings.push(Line::new(words));
    }
    let mut result = published(&report, &client, &exits, output.ci_url.as_deref());
    let slack_thread = match audience {
        Some(audience) => tell(audience, &mut report, &mut result, &exits, &mut hurry, &mut signals).await,
        None => None,
    };
    // The last moment at which a signal decides what is written.
    if let Ok(signal) = signals.try_recv() {
        interrupt(&mut report, signal, &mut hurry);
    }
    if is_interrupted(&report) {
        let code = exit_code(report.verdict, &exits);
        result = RunResult { verdict: report.verdict.into(), exit_code: code, reason: report.reason.clone(), ..result };
    }
    let code = result.exit_code;
    let ending = Ending { report: &report, result: &result, slack_thread: slack_thread.as_ref() };
    let written = outputs.finish(ending, hurry.limit(PATIENCE));
    tokio::pin!(written);
    tokio::select! {
        () = &mut written => Ok(code),
        Some(signal) = signals.recv() => {
            hurry.begin(AFTER_SIGNAL);
            // What is half written is finished. Whoever does not read is given up.
            let _ = tokio::time::timeout(hurry.limit(PATIENCE), written).await;
            Ok(exit_code(Verdict::Interrupted(signal), &exits))
        }
    }
}

/// Returns the published form of a report.
fn published(report: &Report, client: &Client, exits: &[ExitMapping], ci_url: Option<&str>) -> RunResult {
    let code = exit_code(report.verdict, exits);
    RunResult { ci_url: ci_url.map(Line::new), ..RunResult::new(report, code, client.stats()) }
}

/// Tells everyone how it ended, and notes what became of that. A signal cuts it short, and decides the verdict of the run.
/// Returns the message in Slack that a later job can go on with.
async fn tell(
    audience: Audience,
    report: &mut Report,
    result: &mut RunResult,
    exits: &[ExitMapping],
    hurry: &mut Hurry,
    signals: &mut UnboundedReceiver<Signal>,
) -> Option<String> {
    let required = audience.required;
    let limit = if is_interrupted(report) { hurry.limit(NOTIFY_AFTER_SIGNAL) } else { Duration::MAX };
    let outcome = {
        let told = audience.finish(result, limit);
        tokio::pin!(told);
        tokio::select! {
            outcome = &mut told => Some(outcome),
            Some(signal) = signals.recv() => {
                interrupt(report, signal, hurry);
                tokio::time::timeout(hurry.limit(NOTIFY_AFTER_SIGNAL), told).await.ok()
            }
        }
    };
    let Some(outcome) = outcome else {
        report.warnings.push(Line::new("it is not known who has been told, because of the signal"));
        result.warnings.clone_from(&report.warnings);
        return None;
    };
    if required && outcome.any_failed() && report.verdict == Verdict::Passed {
        result.verdict = VerdictName::NotifyFailed;
        result.exit_code = mapped(VerdictName::NotifyFailed, exits).unwrap_or(exit::NOTIFY_FAILED);
        result.reason = Some(Line::new("the deploy passed, but not everyone could be told"));
    }
    report.warnings.extend(outcome.warnings);
    result.warnings.clone_from(&report.warnings);
    result.notifications = outcome.results;
    outcome.slack_thread.map(|thread| thread.to_string())
}

/// Cancels what has not ended, if that was asked for. A signal decides the verdict of the run, and shortens the waiting.
async fn cancel_rest(
    client: &Client,
    report: &mut Report,
    plan: CancelPlan,
    hurry: &mut Hurry,
    signals: &mut UnboundedReceiver<Signal>,
) {
    let carried_out = plan.carry_out(asking(client));
    tokio::pin!(carried_out);
    let settlements = tokio::select! {
        settlements = &mut carried_out => Some(settlements),
        Some(signal) = signals.recv() => {
            interrupt(report, signal, hurry);
            tokio::time::timeout(CANCEL_AFTER_SIGNAL, carried_out).await.ok()
        }
    };
    match settlements {
        Some(settlements) => report.settle(settlements),
        None => report.warnings.push(Line::new("it is not known what came of cancelling, because of the signal")),
    }
}

/// Reads why deploys failed and where to look. A signal ends even this, and decides the verdict of the run.
async fn find_evidence(
    client: &Client,
    report: &mut Report,
    log_lines: usize,
    hurry: &mut Hurry,
    signals: &mut UnboundedReceiver<Signal>,
) {
    let wish = match is_interrupted(report) {
        true => Wish { log_lines: 0, limit: hurry.limit(EVIDENCE_AFTER_SIGNAL) },
        false if report.verdict == Verdict::Passed => Wish { log_lines, limit: EVIDENCE_OF_PASS },
        false => Wish { log_lines, limit: EVIDENCE },
    };
    let signal = tokio::select! {
        () = gather(asking(client), report, wish) => return,
        Some(signal) = signals.recv() => signal,
    };
    interrupt(report, signal, hurry);
}

/// How much time is left: after a signal there are five seconds for everything (contract: exit codes).
#[derive(Debug, Clone, Copy, Default)]
struct Hurry(Option<Instant>);

impl Hurry {
    /// A signal has come.
    fn begin(&mut self, left: Duration) {
        self.0.get_or_insert(Instant::now() + left);
    }

    /// Returns how long something may take that usually takes so long at most.
    fn limit(self, usual: Duration) -> Duration {
        self.0.map_or(usual, |end| end.saturating_duration_since(Instant::now()).min(usual))
    }
}

fn asking(client: &Client) -> impl Fn(Request) -> Asked + Clone + Send + Sync + use<> {
    let client = client.clone();
    move |request| send(client.clone(), request)
}

fn is_interrupted(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Interrupted(_))
}

/// The first signal decides.
fn interrupt(report: &mut Report, signal: Signal, hurry: &mut Hurry) {
    hurry.begin(AFTER_SIGNAL);
    if !is_interrupted(report) {
        report.interrupt(signal);
    }
}

fn exit_code(verdict: Verdict, exits: &[ExitMapping]) -> u8 {
    mapped(verdict.into(), exits).unwrap_or_else(|| exit::code(verdict))
}

fn mapped(verdict: VerdictName, exits: &[ExitMapping]) -> Option<u8> {
    exits.iter().rev().find(|mapping| mapping.name == verdict.as_str()).map(|mapping| mapping.code)
}

fn refused(refusal: &Refusal) -> Trouble {
    match refusal {
        Refusal::Untrusted(error) => untrusted(error),
        Refusal::Invalid(error) => invalid_settings(error),
    }
}

pub(crate) fn invalid_settings(error: &InvalidSettings) -> Trouble {
    let hint = match error {
        InvalidSettings::TooManyRequired { .. } => "correct --require (NUON_GATE_REQUIRE) or the targets",
        InvalidSettings::NotMarked(_) => "mark the same targets that are waited for",
        InvalidSettings::NotOfWorkflow(_) => {
            "give the component with --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)"
        }
        InvalidSettings::DeployOfSeveral { .. } => "correct --deploy (NUON_GATE_DEPLOY) or the targets",
        InvalidSettings::TooManyTargets { .. } => {
            "divide them: --targets-file, --target, --install and --component, or their variables"
        }
        _ => "correct --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) or the targets",
    };
    Trouble::new(error).hint(hint)
}
