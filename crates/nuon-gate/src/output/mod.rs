//! What leaves the program: events as they happen, and the result at the end.
//!
//! Outputs are driven by events alone, and never decide anything. stdout is data; stderr is for people. A closed stdout
//! or a full disk changes no exit code.

mod console;
mod describe;
mod file;
mod github;
mod json_events;
mod stream;

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::result::RunResult;
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{Event, Report, Target, WorkflowId};

pub(crate) use self::console::Console;
pub(crate) use self::file::ReportFile;
use self::json_events::ResultEvent;
use self::stream::Stream;
use crate::arguments::Format;
use crate::settings::OutputSettings;
use crate::trouble::Trouble;

/// Everything that is told of a run.
pub(crate) struct Outputs {
    format: Format,
    stdout: Stream,
    console: Console,
    /// Whether GitHub's runner reads what is written.
    github: bool,
    files: Vec<ReportFile>,
    started_at: Timestamp,
    targets: Vec<Target>,
}

impl Outputs {
    /// Makes sure that every file can be written before anything is waited for.
    pub(crate) fn open(settings: &OutputSettings, started_at: Timestamp, secrets: &[String]) -> Result<Self, Trouble> {
        console::log_to_stderr(settings.verbosity);
        let files = report_files(settings)?;
        let unusable = |error| Trouble::new(format!("cannot start: {error}"));
        let console = Console::of_a_run(settings.quiet).map_err(unusable)?;
        let outputs = Self {
            format: settings.format,
            stdout: Stream::open(|| Ok(io::stdout())).map_err(unusable)?,
            console,
            github: settings.github,
            files,
            started_at,
            targets: Vec::new(),
        };
        outputs.mask(secrets);
        Ok(outputs)
    }

    /// Has these secrets hidden, where somebody does that.
    pub(crate) fn mask(&self, secrets: &[String]) {
        if self.github {
            self.console.mask(secrets);
        }
    }

    /// Tells an event.
    pub(crate) fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Started { targets } => self.targets.clone_from(targets),
            EventKind::Joined { is, .. } => self.targets.push(is.clone()),
            _ => {}
        }
        self.console.event(event);
        if let (EventKind::Warned { text, .. }, true) = (&event.kind, self.github) {
            self.console.command(&github::warning("nuon-gate", text));
        }
        if self.format == Format::Ndjson {
            self.stdout.write(json_events::line(event, self.started_at, &self.targets) + "\n");
        }
    }

    /// Tells something that the user should know of the settings.
    pub(crate) fn notice(&self, text: &str) {
        self.console.warning(text);
    }

    /// Tells that a workflow is being cancelled.
    pub(crate) fn cancelling(&self, workflow: &WorkflowId) {
        self.console.warning(&format!("cancelling workflow {workflow}, as --cancel-on says"));
    }

    /// Tells the outcome.
    ///
    /// Each of those who read is waited for up to a share of `patience`, so that all of them together keep to it.
    pub(crate) async fn finish(self, report: &Report, result: &RunResult, patience: Duration) {
        let Self { format, stdout, mut console, files, .. } = self;
        let readers = u32::try_from(files.len()).unwrap_or(u32::MAX).saturating_add(2);
        let patience = patience / readers;
        let pretty = json(result, serde_json::to_string_pretty) + "\n";
        console.finish(report, result);
        for file in files {
            let path = file.path().display().to_string();
            if let Err(error) = file.write(&pretty, patience).await {
                console.warning(&format!("the report {path} could not be written: {error}"));
            }
        }
        // People's lines first, as both may go to one terminal. That nobody reads is no reason to fail a deploy.
        let _ = console.close(patience).await;
        stdout.write(match format {
            Format::Text => describe::verdict_line(report) + "\n",
            Format::Json => pretty,
            Format::Ndjson => json(&ResultEvent::new(result), serde_json::to_string) + "\n",
        });
        match stdout.finish(patience).await {
            // Whoever does not read this may not read stderr either, and must not hold up the end.
            Err(error) if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::TimedOut) => {
                if let Ok(stderr) = Stream::open(|| Ok(io::stderr())) {
                    stderr.write(format!("warning: stdout could not be written: {error}\n"));
                    let _ = stderr.finish(patience).await;
                }
            }
            _ => {}
        }
    }
}

/// Opens the files that the result will be written to, each once.
fn report_files(settings: &OutputSettings) -> Result<Vec<ReportFile>, Trouble> {
    let mut paths: Vec<&Path> = Vec::new();
    for path in &settings.reports {
        if !paths.contains(&path.0.as_path()) {
            paths.push(&path.0);
        }
    }
    let open = |path: &Path| {
        ReportFile::open(path).map_err(|error| {
            Trouble::new(format!("cannot write the report {}: {error}", path.display()))
                .hint("correct --report (NUON_GATE_REPORT): its folder must exist and be writable")
        })
    };
    paths.into_iter().map(open).collect()
}

/// Makes sure that the files that the result will be written to can be written.
pub(crate) fn check_reports(settings: &OutputSettings) -> Result<(), Trouble> {
    report_files(settings).map(drop)
}

/// Writes JSON. It fails only for maps whose keys are no strings, which none of these has.
fn json<T>(value: &T, write: impl FnOnce(&T) -> serde_json::Result<String>) -> String {
    write(value).unwrap_or_default()
}

/// Writes text to stdout as it is. That nobody reads it is no reason to fail.
pub(crate) fn stdout_text(text: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text).and_then(|()| stdout.flush());
}

/// Writes a line to stdout. That nobody reads it is no reason to fail a deploy.
pub(crate) fn stdout_line(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
