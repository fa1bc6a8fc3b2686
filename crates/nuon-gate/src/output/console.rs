//! What people see on stderr: a line for every change, and on a terminal a live view of what is pending.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use nuon_gate_core::result::{BranchRunResult, Delivery, RunResult, TargetResult, VerdictName};
use nuon_gate_core::watch::{Event, EventKind};
use nuon_gate_core::{Line, Moment, Target};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::describe::{self, Tone};
use super::heartbeat::Standings;
use super::outcome::{self, gravity};
use super::stream::Stream;
use crate::arguments::Verbosity;
use crate::trouble::Trouble;
use crate::words;

/// More lines than this do not fit a terminal.
const MOST_BARS: usize = 20;
/// Of more targets than this that did not pass, so many are told about in full, and of the others' reasons so much.
const MOST_IN_FULL: usize = 50;
const WORST: usize = 10;
const SHORT_REASON: usize = 160;

/// stderr, for people.
pub(crate) struct Console {
    quiet: bool,
    colour: bool,
    labels: Vec<Line>,
    standings: Standings,
    /// The reasons that have been told already, by target.
    told: HashMap<usize, Line>,
    warned: HashSet<Line>,
    live: Option<Live>,
    /// Where lines go during a run; else straight to stderr.
    stream: Option<Stream>,
}

struct Live {
    screen: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Console {
    /// Makes the console for a few words.
    pub(crate) fn new() -> Self {
        let colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Self {
            quiet: false,
            colour,
            labels: Vec::new(),
            standings: Standings::default(),
            told: HashMap::new(),
            warned: HashSet::new(),
            live: None,
            stream: None,
        }
    }

    /// Makes the console of a run, which no reader can hold up.
    pub(super) fn of_a_run(quiet: bool) -> io::Result<Self> {
        let stream = Stream::open(|| Ok(io::stderr()))?;
        // A terminal that cannot move its cursor would show nothing at all.
        let live = (!quiet && io::stderr().is_terminal()).then(Live::new).filter(|live| !live.screen.is_hidden());
        Ok(Self { quiet, live, stream: Some(stream), ..Self::new() })
    }

    /// Makes the console that writes there, in colour.
    #[cfg(test)]
    pub(super) fn on(stream: Stream) -> Self {
        Self { colour: true, stream: Some(stream), ..Self::new() }
    }

    /// Waits until everything is told, but not beyond the limit.
    pub(super) async fn close(self, limit: Duration) -> io::Result<()> {
        match self.stream {
            Some(stream) => stream.finish(limit).await,
            None => Ok(()),
        }
    }

    /// Shows the targets by these names from now on.
    pub(super) fn relabel(&mut self, targets: &[Target]) {
        if self.labels.len() == targets.len() && !targets.is_empty() {
            self.labels = describe::labels(targets);
        }
    }

    /// Tells an event.
    pub(crate) fn event(&mut self, event: &Event) {
        self.standings.note(&event.kind);
        match &event.kind {
            EventKind::Started { targets } => self.labels = describe::labels(targets),
            // The installs of a run are several.
            EventKind::Joined { is, .. } if is.group().is_some() => self.labels.push(Line::new(is.to_string())),
            EventKind::Joined { is, .. } => self.labels.push(Line::new(is.component_label())),
            EventKind::Ended { target: Some(target), cause: Some(cause), .. } => {
                self.told.insert(*target, Line::new(words::sentence(cause)));
            }
            EventKind::Warned { warning, .. } => drop(self.warned.insert(Line::new(words::warning(warning)))),
            _ => {}
        }
        if let Some(live) = &mut self.live {
            live.update(&event.kind, &self.labels);
        }
        if let EventKind::Waiting { pending } = &event.kind {
            // The live view shows this all the time.
            if self.live.is_none() && !self.quiet {
                for (target, words) in self.standings.heartbeat(pending) {
                    self.timed(event.at, target, Tone::Faint, &words);
                }
            }
            return;
        }
        if let Some((target, tone, words)) = describe::event(&event.kind) {
            let matters = matches!(tone, Tone::Warning | Tone::Bad);
            if matters || !self.quiet {
                self.timed(event.at, target, tone, &words);
            }
        }
    }

    /// Tells what a person wants to know at the end. Some of it stands between two lines for the CI system.
    pub(super) fn finish(&mut self, result: &RunResult, section: Option<(String, String)>) {
        if let Some(live) = self.live.take() {
            live.clear();
        }
        let of_run = result.branch_run.iter().filter(|_| result.verdict != VerdictName::Passed).flat_map(of_run);
        of_run.for_each(|(word, text)| self.tell(Tone::Plain, &format!("  {word:<7} "), &text));
        let details = self.details(result);
        let (open, close) = section.filter(|_| !details.is_empty()).unzip();
        open.iter().for_each(|line| self.command(line));
        details.iter().for_each(|(lead, words)| self.tell(Tone::Plain, lead, words));
        close.iter().for_each(|line| self.command(line));
        // A target that decided has its own hint among its details.
        let is_told = |at: usize| result.targets[at].hint.is_some();
        if let Some(hint) = result.hint.as_ref().filter(|_| !result.deciding().is_some_and(is_told)) {
            self.tell(Tone::Plain, "  hint    ", hint);
        }
        for failed in result.notifications.iter().filter(|told| told.result == Delivery::Failed) {
            let why = failed.reason.as_ref().map_or("no reason is known", Line::plain);
            self.warning(&format!("{} was not told: {why}", failed.sink.plain()));
        }
        for warning in result.warnings.iter().filter(|warning| !self.warned.contains(*warning)) {
            self.warning(warning.plain());
        }
    }

    /// Returns what there is to know of the targets that did not pass, each line with what is before it: everything, or of so
    /// many that nobody reads it all, everything of the worst and a line of each other.
    fn details(&self, result: &RunResult) -> Vec<(String, Line)> {
        let targets = result.targets.iter().enumerate();
        let mut failed: Vec<_> = targets.filter(|(_, target)| target.verdict != VerdictName::Passed).collect();
        let in_full = if failed.len() > MOST_IN_FULL { WORST } else { failed.len() };
        if failed.len() > in_full {
            failed.sort_by_key(|(_, target)| gravity(target.verdict));
        }
        let (worst, others) = failed.split_at(in_full);
        let whole = worst.iter().flat_map(|(index, target)| self.whole(*index, target, result.targets.len()));
        let short = others.iter().map(|(index, target)| (String::new(), self.short(*index, target)));
        whole.chain(short).collect()
    }

    /// Returns everything there is to know of a target, which is one of so many.
    fn whole(&self, index: usize, result: &TargetResult, count: usize) -> Vec<(String, Line)> {
        // What was read since may have given a better one.
        let reason = result.reason.as_ref().filter(|reason| self.told.get(&index) != Some(*reason));
        let reason = reason.map(|reason| ("reason", reason.clone()));
        let untold = result.warnings.iter().filter(|text| !self.warned.contains(*text));
        let untold = untold.map(|text| ("warning", text.clone()));
        let details: Vec<_> = reason.into_iter().chain(describe::details(result)).chain(untold).collect();
        // A name from the server must not stand where CI systems look for commands.
        let title = (count > 1 && !details.is_empty())
            .then(|| (String::new(), Line::new(format!("target {}:", self.label(index)))));
        title.into_iter().chain(details.into_iter().map(|(word, text)| (format!("  {word:<7} "), text))).collect()
    }

    /// Returns a target that did not pass in a line.
    fn short(&self, index: usize, result: &TargetResult) -> Line {
        let reason = result.reason.as_ref().map(|reason| format!(": {}", reason.cut(SHORT_REASON).plain()));
        let verdict = outcome::words(result.verdict);
        Line::new(format!("target {}: {verdict}{}", self.label(index), reason.unwrap_or_default()))
    }

    fn label(&self, index: usize) -> &str {
        self.labels.get(index).map_or("?", Line::plain)
    }

    /// Writes a command for the CI system, which knows it by the beginning of the line.
    pub(super) fn command(&self, command: &str) {
        self.line(Tone::Plain, command);
    }

    /// Tells something of our own.
    pub(crate) fn plain(&self, text: &str) {
        self.line(Tone::Plain, text);
    }

    /// Tells what went wrong.
    pub(super) fn error(&self, text: &Line) {
        self.tell(Tone::Bad, "error: ", text);
    }

    /// Tells of something that a person should know, once.
    pub(super) fn notice(&mut self, text: &str) {
        self.warning(text);
        self.warned.insert(Line::new(text));
    }

    /// Tells of something that a person should know.
    pub(crate) fn warning(&self, text: &str) {
        self.tell(Tone::Warning, "warning: ", &Line::new(text));
    }

    /// Tells what has to be put right.
    pub(crate) fn trouble(&self, trouble: &Trouble) {
        self.line(Tone::Plain, &trouble.to_string());
    }

    fn timed(&self, at: Moment, target: Option<usize>, tone: Tone, words: &Line) {
        let label = target.and_then(|index| self.labels.get(index));
        let label = label.map(|label| format!("{}  ", label.plain())).unwrap_or_default();
        self.tell(tone, &format!("{:>6}  {label}", stopwatch(at.elapsed())), words);
    }

    fn tell(&self, tone: Tone, lead: &str, words: &Line) {
        self.line(tone, &format!("{lead}{}", words.plain()));
    }

    fn line(&self, tone: Tone, text: &str) {
        let style = if self.colour { style(tone) } else { Style::new() };
        let text = format!("{style}{text}{style:#}");
        match (&self.live, &self.stream) {
            // Lines stay above the live view.
            (Some(live), _) => drop(live.screen.println(&text)),
            (None, Some(stream)) => stream.write(text + "\n"),
            // Nobody reading stderr is no reason to fail.
            (None, None) => drop(writeln!(io::stderr().lock(), "{text}")),
        }
    }
}

/// Returns what there is to know of the run of a branch that did not pass: its groups, who waits, and where it is approved.
fn of_run(run: &BranchRunResult) -> Vec<(&'static str, Line)> {
    let groups = run.groups.iter().take(MOST_IN_FULL).map(|group| ("run", group.standing()));
    let waiting = run.waiting.iter().take(WORST).map(|waiting| ("waits", waiting.standing()));
    let word = if run.awaiting_approval { "approve" } else { "see" };
    groups.chain(waiting).chain(run.url.clone().map(|url| (word, url))).collect()
}

impl Live {
    fn new() -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        Self { screen, bars: Vec::new() }
    }

    fn add(&mut self, label: &Line) {
        if self.bars.len() == MOST_BARS {
            return;
        }
        // The template is a constant and has been seen to work; if it should not, indicatif's own will do.
        let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}  {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.screen.add(ProgressBar::new_spinner().with_style(style));
        bar.set_prefix(label.plain().to_owned());
        bar.set_message("looking for the deploy");
        bar.enable_steady_tick(Duration::from_millis(125));
        self.bars.push(bar);
    }

    fn update(&mut self, kind: &EventKind, labels: &[Line]) {
        let known = self.bars.len();
        if let EventKind::Started { .. } | EventKind::Joined { .. } = kind {
            labels.iter().skip(known).for_each(|label| self.add(label));
        }
        let show = |index: usize, message: String| {
            if let Some(bar) = self.bars.get(index) {
                bar.set_message(message);
                bar.reset_elapsed();
            }
        };
        match kind {
            EventKind::NotStarted { target } => show(*target, "waiting for a deploy".to_owned()),
            EventKind::Found { target, status, .. } => show(*target, status.to_string()),
            EventKind::Changed { target, to, .. } => show(*target, to.to_string()),
            EventKind::Ended { target, .. } => {
                if let Some(bar) = target.and_then(|index| self.bars.get(index)) {
                    bar.finish_and_clear();
                }
            }
            EventKind::ApprovalNeeded { target, .. } => show(*target, "waiting for a human's approval".to_owned()),
            EventKind::Started { .. }
            | EventKind::Joined { .. }
            | EventKind::Held { .. }
            | EventKind::Superseded { .. }
            | EventKind::Expected { .. }
            | EventKind::Run(_)
            | EventKind::Queued { .. }
            | EventKind::Retrying { .. }
            | EventKind::Waiting { .. }
            | EventKind::Warned { .. } => {}
        }
    }

    fn clear(self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
        // What cannot be cleared stays on the screen.
        let _ = self.screen.clear();
    }
}

pub(super) fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
    }
}

/// Writes a time as a stopwatch shows it.
fn stopwatch(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Writes each of our own diagnostics as one harmless line, as some hold what a server has sent.
struct Diagnostics;

impl io::Write for Diagnostics {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = Line::new(String::from_utf8_lossy(text));
        writeln!(io::stderr().lock(), "{}", line.plain())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sends our own diagnostics to stderr, and nobody else's: other crates' logs can hold headers. Without `-v` nothing is
/// set up at all.
pub(crate) fn log_to_stderr(verbosity: Verbosity) {
    if verbosity.verbose == 0 {
        return;
    }
    let level = LevelFilter::DEBUG;
    let ours = Targets::new().with_target("nuon_gate", level).with_target("nuon_gate_core", level);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(|| Diagnostics).with_ansi(false).with_target(false).without_time();
    // Fails if there is a subscriber already, which then is the one that was wanted.
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_as_a_stopwatch_does() {
        let shown = |seconds| stopwatch(Duration::from_secs(seconds));
        assert_eq!([shown(7), shown(187), shown(3_661)], ["0:07", "3:07", "1:01:01"]);
    }
}
