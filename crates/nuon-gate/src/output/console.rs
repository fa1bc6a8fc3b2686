//! stderr, for people: a line for every change, and at the end the details of what did not pass.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use nuon_gate_core::result::v1::{BranchRunResult, Delivery, RunResult, TargetResult};
use nuon_gate_core::watch::{Event, EventKind};
use nuon_gate_core::{Dashboard, Line, Logged, Moment, Target, Verdict};
use tokio::time::Instant;

use super::describe::{self, Tone};
use super::heartbeat::Standings;
use super::live::{self, Message, Size, Styling};
use super::outcome;
use super::settings::OutputSettings;
use super::stream::Stream;
use super::table::table;
use crate::arguments::Format;
use crate::trouble::Trouble;
use crate::words;

/// If more than `MOST_IN_FULL` targets did not pass, only the `WORST` get all their details; the others' reasons are cut to
/// `SHORT_REASON`.
const MOST_IN_FULL: usize = 50;
const WORST: usize = 10;
const SHORT_REASON: usize = 160;

/// stderr, for people.
pub(crate) struct Console {
    quiet: bool,
    colour: bool,
    labels: Vec<Line>,
    standings: Standings,
    /// The reasons that were shown already, by target.
    shown: HashMap<usize, Line>,
    warned: HashSet<Line>,
    /// The end of the only target, which the last line may repeat.
    kept: Option<Said>,
    /// Where lines go during a run; `None`: straight to stderr.
    run: Option<OfRun>,
}

/// A line about a target, and when it happened.
struct Said {
    at: Moment,
    target: Option<usize>,
    tone: Tone,
    words: Line,
}

/// The stderr of a run.
struct OfRun {
    stream: Stream<Message>,
    style: Styling,
    /// It is an interactive terminal.
    is_terminal: bool,
    /// The live view is shown below the lines.
    is_live: bool,
    /// The live view links to the pages of deploys.
    has_pages: bool,
    /// stdout goes to the same terminal, and shows only the verdict.
    shares_terminal: bool,
}

impl Console {
    /// Makes the console of a command without a run.
    pub(crate) fn new() -> Self {
        let colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        Self {
            quiet: false,
            colour,
            labels: Vec::new(),
            standings: Standings::default(),
            shown: HashMap::new(),
            warned: HashSet::new(),
            kept: None,
            run: None,
        }
    }

    /// Makes the console of a run, which a slow reader cannot block.
    pub(super) fn of_a_run(settings: &OutputSettings) -> io::Result<Self> {
        let terminal = settings.terminal.filter(|_| io::stderr().is_terminal());
        let console = Self { quiet: settings.quiet, ..Self::new() };
        let style = Styling { colour: console.colour, links: terminal.is_some_and(|terminal| terminal.links) };
        let reflows = terminal.is_some_and(|terminal| terminal.reflows);
        // `style` has decided on colours, so nothing must be stripped.
        let stream = live::open(|| Ok(AutoStream::always_ansi(io::stderr())), style, reflows)?;
        live::own(stream.sender());
        let is_terminal = terminal.is_some();
        let shares_terminal = is_terminal && settings.format == Format::Text && io::stdout().is_terminal();
        Ok(Self {
            run: Some(OfRun { stream, style, is_terminal, is_live: false, has_pages: false, shares_terminal }),
            ..console
        })
    }

    /// Makes the console of a run that writes there, in colour.
    #[cfg(test)]
    pub(super) fn on(out: impl io::Write + Send + 'static) -> io::Result<Self> {
        let style = Styling { colour: true, links: false };
        let stream = live::open(move || Ok(out), style, false)?;
        let run = OfRun { stream, style, is_terminal: false, is_live: false, has_pages: false, shares_terminal: false };
        Ok(Self { colour: true, run: Some(run), ..Self::new() })
    }

    /// Starts the live view, if the terminal is interactive. `began` and `limit` are the start and the maximum of the wait.
    pub(super) fn begin(&mut self, began: Instant, limit: Duration) {
        let is_watched = self.is_watched();
        if let Some(run) = self.run.as_mut().filter(|_| is_watched) {
            run.is_live = true;
            run.stream.send(Message::Watch { began, limit });
            live::share(&run.stream);
        }
    }

    /// Returns whether the terminal is interactive.
    pub(super) fn is_watched(&self) -> bool {
        !self.quiet && self.run.as_ref().is_some_and(|run| run.is_terminal)
    }

    /// Returns whether stdout shows the verdict on the same terminal.
    pub(super) fn shares_terminal(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.shares_terminal)
    }

    /// Returns whether the live view is shown.
    fn is_live(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_live)
    }

    fn show(&self, message: impl FnOnce() -> Message) {
        if let Some(run) = self.run.as_ref().filter(|run| run.is_live) {
            run.stream.send(message());
        }
    }

    /// Waits until everything is written, but not beyond the limit.
    pub(super) async fn close(self, limit: Duration) -> io::Result<()> {
        let Some(OfRun { stream, .. }) = self.run else { return Ok(()) };
        live::disown();
        stream.send(Message::End);
        stream.finish(limit).await
    }

    /// Uses these names for the targets from now on.
    pub(super) fn relabel(&mut self, targets: &[Target]) {
        if self.labels.len() == targets.len() && !targets.is_empty() {
            self.labels = describe::labels(targets);
            self.show(|| Message::Names(targets.to_vec()));
        }
    }

    /// Links names to the pages of deploys from now on.
    pub(super) fn link(&mut self, dashboard: &Dashboard) {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_live && !run.has_pages) {
            run.has_pages = true;
            run.stream.send(Message::Pages(Box::new(dashboard.clone())));
        }
    }

    /// Shows an event.
    pub(crate) fn event(&mut self, event: &Event) {
        self.standings.note(&event.kind);
        match &event.kind {
            EventKind::Started { targets } => self.labels = describe::labels(targets),
            // A run of a branch has several installs.
            EventKind::Joined { is, .. } if is.group().is_some() => self.labels.push(Line::new(is.to_string())),
            EventKind::Joined { is, .. } => self.labels.push(Line::new(is.component_label())),
            EventKind::Ended { target: Some(target), cause: Some(cause), .. } => {
                self.shown.insert(*target, Line::new(words::sentence(cause)));
            }
            EventKind::Warned { warning, .. } => drop(self.warned.insert(Line::new(words::warning(warning)))),
            _ => {}
        }
        self.show(|| Message::Event(Box::new(event.clone())));
        if let EventKind::Waiting { pending } = &event.kind {
            // The live view shows this all the time.
            if !self.is_live() && !self.quiet {
                for (target, words) in self.standings.heartbeat(pending) {
                    self.timed(event.at, target, Tone::Faint, &words);
                }
            }
            return;
        }
        let Some((target, tone, words)) = describe::event(&event.kind) else { return };
        self.say_kept();
        let said = Said { at: event.at, target, tone, words };
        let is_last = matches!(event.kind, EventKind::Ended { .. }) && self.labels.len() <= 1;
        if is_last && self.shares_terminal() {
            self.kept = Some(said);
        } else if matches!(tone, Tone::Warning | Tone::Bad) || !self.quiet {
            self.say(&said);
        }
    }

    /// Shows lines of a target's log, in a section of the CI system's log.
    pub(super) fn log(&self, target: usize, lines: &[Logged], section: Option<(String, String)>) {
        if self.quiet {
            return;
        }
        let (open, close) = section.unzip();
        let label = if self.labels.len() > 1 { format!("{}  ", self.label(target)) } else { String::new() };
        open.iter().for_each(|line| self.command(line));
        for line in lines {
            let tone = if line.is_error { Tone::Bad } else { Tone::Faint };
            // CI systems parse the start of a line for commands.
            self.labelled(tone, &format!("   log  {label}"), &line.text);
        }
        close.iter().for_each(|line| self.command(line));
    }

    /// Reports why a target's log ends early.
    pub(super) fn log_ended(&self, target: usize, why: &Line) {
        let label = if self.labels.len() > 1 { format!("{}: ", self.label(target)) } else { String::new() };
        self.labelled(Tone::Warning, &format!("warning: {label}"), why);
    }

    fn say_kept(&mut self) {
        if let Some(said) = self.kept.take() {
            self.say(&said);
        }
    }

    fn say(&self, Said { at, target, tone, words }: &Said) {
        self.timed(*at, *target, *tone, words);
    }

    /// Shows the outcome, with details in a section of the CI system's log. Returns whether it showed the verdict, so that
    /// stdout need not repeat it on the same terminal.
    pub(super) fn finish(&mut self, result: &RunResult, verdict: &Line, section: Option<(String, String)>) -> bool {
        self.show(|| Message::Still);
        let tells_verdict = self.kept.is_some() && result.targets.len() <= 1;
        if let Some(Said { tone, .. }) = self.kept.take_if(|_| tells_verdict) {
            self.labelled(tone, &format!("{} ", result.verdict.sign()), verdict);
            self.shown.extend(result.reason.clone().map(|reason| (0, reason)));
        }
        self.say_kept();
        let of_run = result.branch_run.iter().filter(|_| result.verdict != Verdict::Passed).flat_map(of_run);
        of_run.for_each(|(word, text)| self.labelled(Tone::Plain, &before(word), &text));
        let details = self.details(result);
        let (open, close) = section.filter(|_| !details.is_empty()).unzip();
        open.iter().for_each(|line| self.command(line));
        details.iter().for_each(|(lead, words)| self.labelled(Tone::Plain, lead, words));
        close.iter().for_each(|line| self.command(line));
        // The deciding target has its own hint among its details.
        let has_hint = |at: usize| result.targets[at].hint.is_some();
        if let Some(hint) = result.hint.as_ref().filter(|_| !result.deciding().is_some_and(has_hint)) {
            self.labelled(Tone::Plain, &before("hint"), hint);
        }
        for failed in result.notifications.iter().filter(|sent| sent.result == Delivery::Failed) {
            let why = failed.reason.as_ref().map_or("no reason is known", Line::plain);
            self.warning(&format!("{} was not notified: {why}", failed.sink.plain()));
        }
        for warning in result.warnings.iter().filter(|warning| !self.warned.contains(*warning)) {
            self.warning(warning.plain());
        }
        if let Some(run) = self.run.as_ref().filter(|run| run.is_terminal) {
            let rows = table(result, &self.labels, Size::of_stderr().columns);
            rows.iter().for_each(|row| run.stream.send(Message::Line(row.write(run.style))));
        }
        tells_verdict
    }

    /// Returns the lines about the targets that did not pass, each with its label: all details, or with very many targets
    /// all details of the worst and a line for each of the others.
    fn details(&self, result: &RunResult) -> Vec<(String, Line)> {
        let targets = result.targets.iter().enumerate();
        let mut failed: Vec<_> = targets.filter(|(_, target)| target.verdict != Verdict::Passed).collect();
        let in_full = if failed.len() > MOST_IN_FULL { WORST } else { failed.len() };
        if failed.len() > in_full {
            failed.sort_by_key(|(_, target)| target.verdict);
        }
        let (worst, others) = failed.split_at(in_full);
        let whole = worst.iter().flat_map(|(index, target)| self.whole(*index, target, result.targets.len()));
        let short = others.iter().map(|(index, target)| (String::new(), self.short(*index, target)));
        whole.chain(short).collect()
    }

    /// Returns all details of a target; `count` is the number of targets in the run.
    fn whole(&self, index: usize, result: &TargetResult, count: usize) -> Vec<(String, Line)> {
        // A better reason may have been read since.
        let reason = result.reason.as_ref().filter(|reason| self.shown.get(&index) != Some(*reason));
        let reason = reason.map(|reason| ("reason", reason.clone()));
        let unreported = result.warnings.iter().filter(|text| !self.warned.contains(*text));
        let unreported = unreported.map(|text| ("warning", text.clone()));
        let details: Vec<_> = reason.into_iter().chain(describe::details(result)).chain(unreported).collect();
        // CI systems parse the start of a line for commands.
        let title = (count > 1 && !details.is_empty())
            .then(|| (String::new(), Line::new(format!("target {}:", self.label(index)))));
        title.into_iter().chain(details.into_iter().map(|(word, text)| (before(word), text))).collect()
    }

    /// Returns a line for a target that did not pass.
    fn short(&self, index: usize, result: &TargetResult) -> Line {
        let reason = result.reason.as_ref().map(|reason| format!(": {}", reason.cut(SHORT_REASON).plain()));
        let verdict = outcome::words(result.verdict);
        Line::new(format!("target {}: {verdict}{}", self.label(index), reason.unwrap_or_default()))
    }

    fn label(&self, index: usize) -> &str {
        self.labels.get(index).map_or("?", Line::plain)
    }

    /// Writes a command for the CI system, which recognises it by the start of the line.
    pub(super) fn command(&self, command: &str) {
        self.line(Tone::Plain, command);
    }

    /// Writes a message of our own.
    pub(crate) fn plain(&self, text: &str) {
        self.line(Tone::Plain, text);
    }

    /// Reports an error.
    pub(super) fn error(&self, text: &Line) {
        self.labelled(Tone::Bad, "error: ", text);
    }

    /// Reports a warning, once.
    pub(super) fn notice(&mut self, text: &str) {
        self.warning(text);
        self.warned.insert(Line::new(text));
    }

    /// Reports a warning.
    pub(crate) fn warning(&self, text: &str) {
        self.labelled(Tone::Warning, "warning: ", &Line::new(text));
    }

    /// Reports a mistake of the user.
    pub(crate) fn trouble(&self, trouble: &Trouble) {
        self.line(Tone::Plain, &trouble.to_string());
    }

    fn timed(&self, at: Moment, target: Option<usize>, tone: Tone, words: &Line) {
        let label = target.and_then(|index| self.labels.get(index));
        let label = label.map(|label| format!("{}  ", label.plain())).unwrap_or_default();
        self.labelled(tone, &format!("{:>6}  {label}", stopwatch(at.elapsed())), words);
    }

    fn labelled(&self, tone: Tone, lead: &str, words: &Line) {
        self.line(tone, &format!("{lead}{}", words.plain()));
    }

    fn line(&self, tone: Tone, text: &str) {
        let style = if self.colour { tone.style() } else { Style::new() };
        let text = format!("{style}{text}{style:#}");
        match &self.run {
            Some(run) => run.stream.send(Message::Line(text)),
            // A closed stderr is no reason to fail.
            None => drop(live::say(&text)),
        }
    }
}

/// Returns the label of a detail.
fn before(word: &str) -> String {
    format!("  {word:<9} ")
}

/// Returns the details of a branch run that did not pass: its groups, the waiting installs, and the page of the approval.
fn of_run(run: &BranchRunResult) -> Vec<(&'static str, Line)> {
    let groups = run.groups.iter().take(MOST_IN_FULL).map(|group| ("run", group.standing()));
    let waiting = run.waiting.iter().take(WORST).map(|waiting| ("waits", waiting.standing()));
    let word = if run.awaiting_approval { "approve" } else { "see" };
    groups.chain(waiting).chain(run.url.clone().map(|url| (word, url))).collect()
}

/// Writes a time as a stopwatch shows it.
fn stopwatch(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
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
