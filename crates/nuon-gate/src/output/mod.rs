//! What leaves the program: events as they happen, and the result at the end.
//!
//! Outputs are driven by events alone, and never decide anything. stdout is data; stderr is for people. A closed stdout
//! or a full disk changes no exit code.

mod console;
mod describe;
mod file;
mod json_events;

use std::io::{self, Write as _};

use jiff::Timestamp;
use nuon_gate_core::result::RunResult;
use nuon_gate_core::{Event, Report, Target};

pub(crate) use self::console::Console;
use self::file::ReportFile;
use self::json_events::ResultEvent;
use crate::arguments::Format;
use crate::settings::OutputSettings;
use crate::trouble::Trouble;

/// Everything that is told of a run.
pub(crate) struct Outputs {
    format: Format,
    console: Console,
    files: Vec<ReportFile>,
    started_at: Timestamp,
    targets: Vec<Target>,
}

impl Outputs {
    /// Makes sure that every file can be written before anything is waited for.
    pub(crate) fn open(settings: &OutputSettings, started_at: Timestamp, targets: &[Target]) -> Result<Self, Trouble> {
        console::log_to_stderr(settings.verbosity);
        let files = settings.reports.iter().map(|path| ReportFile::open(path.0.clone())).collect::<Result<_, _>>()?;
        Ok(Self {
            format: settings.format,
            console: Console::new(targets.len(), settings.quiet),
            files,
            started_at,
            targets: targets.to_vec(),
        })
    }

    /// Tells an event.
    pub(crate) fn event(&mut self, event: &Event) {
        self.console.event(event);
        if self.format == Format::Ndjson {
            stdout_line(&json_events::line(event, self.started_at, &self.targets));
        }
    }

    /// Tells the outcome.
    pub(crate) fn finish(mut self, report: &Report, result: &RunResult) {
        self.console.finish(report, result);
        match self.format {
            Format::Text => stdout_line(&describe::verdict_line(report)),
            Format::Json => stdout_line(&json(result, serde_json::to_string_pretty)),
            Format::Ndjson => stdout_line(&json(&ResultEvent::new(result), serde_json::to_string)),
        }
        for file in self.files {
            let path = file.path().display().to_string();
            let content = json(result, serde_json::to_string_pretty) + "\n";
            if let Err(error) = file.write(content.as_bytes()) {
                self.console.warning(&format!("the report {path} could not be written: {error}"));
            }
        }
    }
}

/// Writes JSON. It fails only for maps whose keys are no strings, which none of these has.
fn json<T>(value: &T, write: impl FnOnce(&T) -> serde_json::Result<String>) -> String {
    write(value).unwrap_or_default()
}

/// Writes a line to stdout. That nobody reads it is no reason to fail a deploy.
pub(crate) fn stdout_line(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
