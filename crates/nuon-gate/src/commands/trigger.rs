//! `wait -- COMMAND…`: mark, run what triggers the deploys, and wait for what came after.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use super::mark;
use crate::arguments::Format;
use crate::gate;
use crate::marks::After;
use crate::output::Console;
use crate::settings::Settings;
use crate::targets::TargetSettings;
use crate::trouble::Trouble;

/// What a command that failed makes of the whole.
const FAILED: u8 = 1;

pub(crate) fn run(mut settings: Settings, command: &[OsString]) -> Result<u8, Trouble> {
    if settings.pins.after.is_some() {
        let message = "--after (NUON_GATE_AFTER) and a command cannot be given together";
        return Err(Trouble::new(message).hint("with a command, what came before it is marked by itself"));
    }
    let request_timeout = settings.watch.request_timeout;
    let TargetSettings::Wanted(wanted) = settings.targets else {
        return Err(Trouble::new("no component to mark before the command")
            .hint("give the targets; a workflow alone has no deploys before the command has triggered it"));
    };
    let (targets, marks) = match mark::take(&settings.connection, wanted, request_timeout)? {
        Ok(marked) => marked,
        Err(refused) => return Ok(refused.tell("the command was not run")),
    };
    let console = Console::new();
    let name = command[0].to_string_lossy().into_owned();
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    if settings.output.format != Format::Text {
        // stdout is for the result then.
        child.stdout(Stdio::from(std::io::stderr()));
    }
    let status = child
        .status()
        .map_err(|error| Trouble::new(format!("cannot run {name}: {error}")).hint("correct what stands after `--`"))?;
    if !status.success() {
        console.plain(&format!("error: {name} failed ({status}), so there is nothing to wait for"));
        return Ok(FAILED);
    }
    settings.targets = TargetSettings::Known(targets);
    settings.pins.after = Some(After::Marks(marks));
    gate::run(settings)
}
