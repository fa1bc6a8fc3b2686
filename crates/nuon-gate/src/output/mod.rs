//! The outputs of the program: events as they happen, and the result at the end.
//!
//! Outputs only consume events, and never decide anything. stdout is data; stderr is for people. A closed stdout or a full
//! disk changes no exit code.

#[cfg(test)]
mod any_output;
#[cfg(test)]
mod any_terminal;
mod append;
mod azure;
mod buildkite;
mod ci;
mod console;
mod describe;
mod diagnostics;
mod escape;
mod facts;
mod file;
mod gantt;
mod github;
mod github_files;
mod gitlab;
mod heartbeat;
mod issues;
mod json_events;
mod junit;
mod live;
mod markdown;
mod outcome;
mod reports;
#[cfg(test)]
mod sample;
mod settings;
mod stdout;
mod stream;
mod table;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::names::Names;
use nuon_gate_core::report::Report;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::watch::{Event, EventKind};
use nuon_gate_core::{Dashboard, Line, Logged, Target, WorkflowId, redact};
use tokio::time::Instant;

use self::ci::Section;
pub(crate) use self::ci::refuse;
pub(crate) use self::console::Console;
pub(crate) use self::diagnostics::log_to_stderr;
use self::facts::Facts;
pub(crate) use self::file::ReportFile;
use self::issues::{Issue, MOST_WARNINGS};
use self::json_events::ResultEvent;
use self::reports::Reports;
pub(crate) use self::settings::OutputSettings;
pub(crate) use self::stdout::{stdout_line, stdout_text, written_to_stdout};
use self::stream::Stream;
use crate::arguments::Format;
use crate::ci::CiSystem;
use crate::trouble::Trouble;
use crate::words;

/// How a run ended.
pub(crate) struct Ending<'a> {
    pub(crate) result: &'a RunResult,
    /// The state of a run that has not ended.
    pub(crate) standing: Option<&'a Line>,
    /// The message in Slack that a later job can continue.
    pub(crate) slack_thread: Option<&'a String>,
}

/// All outputs of a run.
pub(crate) struct Outputs {
    format: Format,
    stdout: Stream,
    console: Console,
    /// The CI system, if there is one.
    ci: Option<CiSystem>,
    reports: Reports,
    started_at: Timestamp,
    targets: Vec<Target>,
    /// How many warnings there were.
    warnings: usize,
    /// How many parts of logs there were.
    parts: u64,
}

impl Outputs {
    /// Opens the outputs, and checks that every file can be written.
    pub(crate) fn open(settings: &OutputSettings) -> Result<Self, Trouble> {
        let reports = Reports::open(&settings.reports)?;
        let unusable = |error| Trouble::new(format!("cannot start: {error}"));
        let console = Console::of_a_run(settings).map_err(unusable)?;
        let outputs = Self {
            format: settings.format,
            stdout: Stream::open(|| Ok(io::stdout())).map_err(unusable)?,
            console,
            ci: settings.ci.clone(),
            reports,
            started_at: Timestamp::UNIX_EPOCH,
            targets: Vec::new(),
            warnings: 0,
            parts: 0,
        };
        outputs.mask();
        Ok(outputs)
    }

    /// Sets the start of the watch, from which event times are counted.
    pub(crate) fn begin(&mut self, started_at: Timestamp) {
        self.started_at = started_at;
    }

    /// Starts the live view. `began` and `limit` are the start and the maximum of the wait.
    pub(crate) fn watch(&mut self, began: Instant, limit: Duration) {
        self.console.begin(began, limit);
    }

    /// Links names to the pages of deploys from now on.
    pub(crate) fn link(&mut self, dashboard: &Dashboard) {
        self.console.link(dashboard);
    }

    /// Returns whether the terminal is interactive.
    pub(crate) fn are_watched(&self) -> bool {
        self.console.is_watched()
    }

    /// Has the CI system mask the secrets that have become known, if it can.
    pub(crate) fn mask(&self) {
        mask(self.ci.as_ref(), &self.console);
    }

    /// Uses these names for the targets from now on.
    pub(crate) fn name(&mut self, names: &Names) {
        self.targets.iter_mut().for_each(|target| names.complete(target));
        self.console.relabel(&self.targets);
    }

    /// Shows an event.
    pub(crate) fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Started { targets } => self.targets.clone_from(targets),
            EventKind::Joined { is, .. } => self.targets.push(is.clone()),
            EventKind::Logged { target, lines } => return self.log(*target, lines),
            EventKind::LogEnded { target, why } => {
                return self.console.log_ended(*target, &Line::new(why.to_string()));
            }
            _ => {}
        }
        self.console.event(event);
        if let EventKind::Warned { warning, .. } = &event.kind {
            self.show_warning(&Line::new(words::warning(warning)));
        }
        if self.format == Format::Ndjson
            && let Some(line) = json_events::line(event, self.started_at, &self.targets)
        {
            self.stdout.write(line + "\n");
        }
    }

    /// Shows a part of a target's log.
    fn log(&mut self, target: usize, lines: &[Logged]) {
        self.parts += 1;
        let section = self.ci.as_ref().map(|ci| ci.section(&Section::log(self.parts)));
        self.console.log(target, lines, section);
    }

    /// Annotates the job with a warning, as long as there is room.
    fn show_warning(&mut self, text: &Line) {
        self.warnings += 1;
        if self.warnings <= MOST_WARNINGS {
            let shown = self.ci.as_ref().and_then(|ci| ci.show(&Issue::warning(text)));
            shown.iter().for_each(|line| self.console.command(line));
        }
    }

    /// Reports a warning about the settings.
    pub(crate) fn notice(&mut self, text: &str) {
        self.console.notice(text);
    }

    /// Reports why the wait did not begin, for which there is no event.
    pub(crate) fn not_begun(&self, report: &Report) {
        if let Some(reason) = words::words().run_reason(report).filter(|_| !self.console.shares_terminal()) {
            self.console.error(&reason);
        }
    }

    /// Reports that a workflow is being cancelled.
    pub(crate) fn cancelling(&self, workflow: &WorkflowId) {
        self.console.warning(&format!("cancelling workflow {workflow}, as --cancel-on says"));
    }

    /// Reports the outcome.
    ///
    /// Each reader gets a share of `patience`, so that all of them together keep to it.
    pub(crate) async fn finish(self, ending: Ending<'_>, patience: Duration) {
        let Self { format, stdout, mut console, ci, reports, .. } = self;
        let Ending { result, standing, .. } = ending;
        let readers = u32::try_from(reports.len()).unwrap_or(u32::MAX).saturating_add(3);
        let patience = patience / readers;
        let verdict = describe::verdict_line(result, standing);
        let section = ci.as_ref().map(|ci| ci.section(&Section::details(result)));
        let has_verdict = console.finish(result, &verdict, section);
        let facts = Facts::new(&ending);
        let as_json = reports.write(result, &facts, patience, &console).await;
        if let Some(ci) = ci {
            ci.finish(result, facts, as_json, &console, patience).await;
        }
        // stderr first, as both may go to one terminal. A closed output is no reason to fail a deploy.
        let _ = console.close(patience).await;
        stdout.write(match format {
            Format::Text if has_verdict => String::new(),
            Format::Text => verdict.plain().to_owned() + "\n",
            Format::Json => json(result, serde_json::to_string_pretty) + "\n",
            Format::Ndjson => json(&ResultEvent::new(result), serde_json::to_string) + "\n",
        });
        match stdout.finish(patience).await {
            // A reader that does not read this may not read stderr either, and must not delay the end.
            Err(error) if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::TimedOut) => {
                say_at_once(&Line::new(format!("warning: stdout could not be written: {error}"))).await;
            }
            _ => {}
        }
    }
}

/// Has the CI system mask the secrets that have become known since the last time, if it can.
pub(crate) fn mask(ci: Option<&CiSystem>, console: &Console) {
    static HIDDEN: AtomicUsize = AtomicUsize::new(0);
    let secrets = redact::protected(HIDDEN.load(Ordering::Relaxed));
    HIDDEN.fetch_add(secrets.len(), Ordering::Relaxed);
    let masks = ci.iter().flat_map(|ci| secrets.iter().filter_map(|secret| ci.mask(secret)));
    masks.for_each(|mask| console.command(&mask));
}

/// Returns an unguessable number.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Writes JSON. It fails only for maps whose keys are not strings, and there are none.
fn json<T>(value: &T, write: impl FnOnce(&T) -> serde_json::Result<String>) -> String {
    write(value).unwrap_or_default()
}

/// How long the exit waits for readers.
const MOMENT: Duration = Duration::from_millis(200);

/// Restores stderr, however the run ended.
pub(crate) fn settle() {
    live::settle(None, MOMENT);
}

/// Writes a line to stderr just before the exit, which a slow reader cannot delay.
pub(crate) async fn say_at_once(words: &Line) {
    if live::settle(Some(words.plain().to_owned()), MOMENT) {
        return;
    }
    if let Ok(stderr) = Stream::open(|| Ok(io::stderr())) {
        stderr.write(format!("{}\n", words.plain()));
        let _ = stderr.finish(MOMENT).await;
    }
}
