//! A run: the watch, and what is made of its report.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::result::RunResult;
use nuon_gate_core::watch::InvalidSettings;
use nuon_gate_core::{Client, Clock, InvalidConnection, Refusal, Report, Signal, Verdict, Watch, drive};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::exit;
use crate::output::Outputs;
use crate::settings::{ExitMapping, Settings};
use crate::signals::{Signals, listen};
use crate::trouble::Trouble;

/// How long reading what only decorates the report may take.
const DETAILS: Duration = Duration::from_secs(10);

/// Runs the gate and returns the exit code.
pub(crate) fn run(settings: Settings) -> Result<u8, Trouble> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(until_second_signal(settings));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Makes the runtime: one thread is enough for a request every few seconds, and starts sooner than several.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Trouble::new(format!("cannot start: {error}")))
}

async fn until_second_signal(settings: Settings) -> Result<u8, Trouble> {
    let Signals { first, second } =
        listen().map_err(|error| Trouble::new(format!("cannot listen for signals: {error}")))?;
    let exits = settings.exits.clone();
    tokio::select! {
        outcome = gate(settings, first) => outcome,
        Ok(signal) = second => Ok(exit_code(Verdict::Interrupted(signal), &exits)),
    }
}

async fn gate(settings: Settings, mut signals: UnboundedReceiver<Signal>) -> Result<u8, Trouble> {
    let Settings { connection, targets, pins, watch, exits, output } = settings;
    let client = Client::new(&connection).map_err(|error| invalid_connection(&error))?;
    #[expect(clippy::disallowed_methods, reason = "the one reading of the wall clock that all times count from")]
    let started_at = Timestamp::now();
    let pinning = pins.at(started_at)?;
    let scope = targets.scope(&pinning.shared)?;
    let watch = Watch::new(watch, scope, pinning, started_at).map_err(|error| invalid_settings(&error))?;
    let mut outputs = Outputs::open(&output, started_at)?;

    let report = drive(&client, watch, &mut signals, |event| outputs.event(event)).await;
    let mut report = report.map_err(|refusal| refused(&refusal))?;
    find_dashboard(&client, &mut report, &mut signals).await;

    let code = exit_code(report.verdict, &exits);
    let usual = exit::code(report.verdict);
    if code != usual {
        report.warnings.push(format!("the exit code is {code} instead of {usual}, because of --map-exit"));
    }
    let result = RunResult::new(&report, code, client.stats());
    tokio::select! {
        () = outputs.finish(&report, &result) => Ok(code),
        // Somebody does not read, and somebody else has lost patience.
        Some(signal) = signals.recv() => Ok(exit_code(Verdict::Interrupted(signal), &exits)),
    }
}

/// Finds out where the dashboard is, for the links. A signal ends even this, and decides the verdict of the run.
async fn find_dashboard(client: &Client, report: &mut Report, signals: &mut UnboundedReceiver<Signal>) {
    let interrupted = matches!(report.verdict, Verdict::Interrupted(_));
    let silent = report.api_paused || report.targets.iter().any(|target| target.clock == Some(Clock::Outage));
    if silent || report.dashboard.is_some() || report.targets.iter().all(|target| target.deploy.is_none()) {
        return;
    }
    let limit = if interrupted { Duration::from_secs(1) } else { DETAILS };
    let client = client.within(limit);
    tokio::select! {
        found = client.dashboard() => match found {
            Ok(dashboard) => report.dashboard = dashboard,
            Err(error) => {
                report.warnings.push(format!("there are no links, as the dashboard's address could not be read: {error}"));
            }
        },
        Some(signal) = signals.recv() => {
            if !interrupted {
                report.interrupt(signal);
            }
        }
    }
}

fn exit_code(verdict: Verdict, exits: &[ExitMapping]) -> u8 {
    let mapped = exits.iter().rev().find(|mapping| mapping.name == verdict.as_str());
    mapped.map_or_else(|| exit::code(verdict), |mapping| mapping.code)
}

pub(crate) fn invalid_connection(error: &InvalidConnection) -> Trouble {
    let hint = match error {
        InvalidConnection::Org(_) => "correct --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)",
        InvalidConnection::Certificates(_) => "correct --ca-file (NUON_GATE_CA_FILE)",
        _ => {
            "the system may have no trust store: install its CA certificates, or name a file with --ca-file (NUON_GATE_CA_FILE)"
        }
    };
    Trouble::new(error).hint(hint)
}

fn refused(refusal: &Refusal) -> Trouble {
    match refusal {
        Refusal::Untrusted(error) => Trouble::new(error).hint(
            "if the API has a private issuer, name its certificate with --ca-file (NUON_GATE_CA_FILE); \
             else check --api-url (NUON_GATE_API_URL, NUON_API_URL)",
        ),
        Refusal::Invalid(error) => invalid_settings(error),
    }
}

fn invalid_settings(error: &InvalidSettings) -> Trouble {
    let hint = match error {
        InvalidSettings::TooManyRequired { .. } => "correct --require (NUON_GATE_REQUIRE) or the targets",
        InvalidSettings::NotMarked(_) => "mark the same targets that are waited for",
        InvalidSettings::DeployOfSeveral { .. } => "correct --deploy (NUON_GATE_DEPLOY) or the targets",
        _ => "correct --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) or the targets",
    };
    Trouble::new(error).hint(hint)
}
