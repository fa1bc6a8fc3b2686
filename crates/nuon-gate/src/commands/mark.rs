//! `mark`: the targets' newest deploys, before a pipeline triggers new ones.

use std::path::Path;
use std::time::Duration;

use nuon_gate_core::api::Client;

use crate::connection::invalid_connection;
use crate::exit;
use crate::marking::{NotMarked, take};
use crate::marks::Marks;
use crate::output::{Console, ReportFile, mask, not_started, written_to_stdout};
use crate::runtime::runtime;
use crate::settings::MarkSettings;
use crate::trouble::Trouble;

/// How long a reader of the file may take, if it is a pipe.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(settings: &MarkSettings) -> Result<u8, Trouble> {
    // A path that cannot be written is known before anything is asked.
    let file = settings.file.as_deref().map(open).transpose()?;
    let client = Client::new(&settings.connection).map_err(|error| invalid_connection(&error))?;
    let client = client.within(settings.request_timeout);
    let runtime = runtime()?;
    let taken = runtime.block_on(take(&client, settings.wanted.clone()));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    mask(settings.ci.as_ref(), &Console::new());
    match taken {
        Ok((_, marks)) => write(&marks, file),
        Err(not_marked) => refused(settings, &not_marked),
    }
}

/// Says why nothing was marked; returns the exit code.
fn refused(settings: &MarkSettings, not_marked: &NotMarked) -> Result<u8, Trouble> {
    let reason = not_marked.reason("nothing was written");
    let trouble = Trouble::new(reason.plain()).hint(&not_marked.hint);
    let Some(verdict) = not_marked.verdict else { return Err(trouble) };
    Console::new().trouble(&trouble);
    not_started(settings.ci.as_ref(), exit::code(verdict), reason.plain());
    Ok(exit::code(verdict))
}

fn open(path: &Path) -> Result<ReportFile, Trouble> {
    ReportFile::open(path).map_err(|error| {
        Trouble::new(format!("cannot write {}: {error}", path.display())).hint("correct --file (NUON_GATE_FILE)")
    })
}

fn write(marks: &Marks, file: Option<ReportFile>) -> Result<u8, Trouble> {
    let failed = |error: &dyn std::fmt::Display| Trouble::new(format!("cannot write the marks: {error}"));
    let text = serde_json::to_string_pretty(marks).map_err(|error| failed(&error))?;
    match file {
        // The marks are what this is for: whoever cannot have them must not go on and trigger a deploy.
        None => written_to_stdout(&text).map_err(|error| failed(&error))?,
        Some(file) => {
            let written = runtime()?.block_on(file.write(&(text + "\n"), PATIENCE));
            written.map_err(|error| failed(&error).hint("correct --file (NUON_GATE_FILE)"))?;
        }
    }
    Ok(0)
}
