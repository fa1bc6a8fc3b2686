//! `wait -- COMMAND…`: mark, run what triggers the deploys, and wait for what came after.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::watch::Scope;
use nuon_gate_core::{Pins, Signal, Targets, Verdict, Watch};
use tokio::process::Command;

use super::mark;
use crate::arguments::Format;
use crate::exit;
use crate::gate::{self, runtime};
use crate::marks::After;
use crate::output::{Console, check_reports, not_started};
use crate::settings::Settings;
use crate::signals::listen;
use crate::targets::TargetSettings;
use crate::trouble::Trouble;
use crate::words;

/// What a command that failed makes of the whole.
const FAILED: u8 = 1;
/// How long the command may take to end by itself after a signal, which it has got as well if it came from a terminal.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn run(mut settings: Settings, command: &[OsString]) -> Result<u8, Trouble> {
    if settings.pins.after.is_some() {
        let message = "--after (NUON_GATE_AFTER) and a command cannot be given together";
        return Err(Trouble::new(message).hint("with a command, what came before it is marked by itself"));
    }
    let request_timeout = settings.watch.request_timeout;
    let TargetSettings::Wanted(wanted) = settings.targets.clone() else {
        return Err(Trouble::new("no component to mark before the command")
            .hint("give the targets; a workflow alone has no deploys before the command has triggered it"));
    };
    let (targets, marks) = match mark::take(&settings.connection, wanted, request_timeout, settings.output.ci.as_ref())?
    {
        Ok(marked) => marked,
        Err(refused) => return Ok(refused.tell(settings.output.ci.as_ref(), "the command was not run")),
    };
    check(&settings, &targets)?;
    let over = |code, reason: String| {
        Console::new().trouble(&Trouble::new(&reason));
        not_started(settings.output.ci.as_ref(), code, &reason);
        Ok(code)
    };
    let name = command[0].to_string_lossy().into_owned();
    match execute(command, settings.output.format)? {
        Ended::Interrupted(signal) => {
            let lost = "it may have triggered a deploy, which was not waited for";
            over(exit::code(Verdict::Interrupted(signal)), format!("interrupted by {signal} while {name} ran: {lost}"))
        }
        Ended::ByItself(status) if !status.success() => {
            over(FAILED, format!("{name} failed ({status}), so there is nothing to wait for"))
        }
        Ended::ByItself(_) => {
            settings.targets = TargetSettings::Known(targets);
            settings.pins.after = Some(After::Marks(marks));
            gate::run(settings)
        }
    }
}

/// Makes sure that the wait can begin, before anything is triggered that could then not be waited for.
fn check(settings: &Settings, targets: &Targets) -> Result<(), Trouble> {
    let scope = Scope::Targets(targets.clone());
    Watch::new(settings.watch.clone(), scope, Pins::default(), Timestamp::UNIX_EPOCH)
        .map_err(|error| words::invalid(&error))?;
    check_reports(&settings.output)
}

/// How the command ended.
enum Ended {
    ByItself(ExitStatus),
    Interrupted(Signal),
}

/// Runs the command to its end, with its output passed through.
fn execute(command: &[OsString], format: Format) -> Result<Ended, Trouble> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut signals = listen().map_err(|error| Trouble::new(format!("cannot listen for signals: {error}")))?;
        let mut child = Command::new(&command[0]);
        child.args(&command[1..]).kill_on_drop(true);
        if format != Format::Text {
            // stdout is for the result then.
            child.stdout(Stdio::from(std::io::stderr()));
        }
        let cannot_run = |error| {
            let name = command[0].to_string_lossy();
            Trouble::new(format!("cannot run {name}: {error}")).hint("correct what stands after `--`")
        };
        let mut child = child.spawn().map_err(cannot_run)?;
        tokio::select! {
            status = child.wait() => status.map(Ended::ByItself).map_err(cannot_run),
            Some(signal) = signals.first.recv() => {
                // Whether it ends in time or not, it is over for us.
                let _ = tokio::time::timeout(GRACE, child.wait()).await;
                Ok(Ended::Interrupted(signal))
            }
        }
    })
}
