//! From a report to the result, the notifications and the exit code.

use std::pin::pin;
use std::time::Duration;

use nuon_gate_core::api::Client;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::report::Report;
use nuon_gate_core::result::v1::{RunResult, ShardResult};
use nuon_gate_core::{Line, ShardReport, Sharding, Signal, Verdict};
use nuon_gate_notify::Hurry;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::exit_mapping::ExitCodes;
use crate::notify::Audience;
use crate::output::{Ending, Outputs};
use crate::trouble::Trouble;
use crate::words::words;

/// What notifications leave of the time after a signal, for the outputs.
const FOR_OUTPUTS: Duration = Duration::from_millis(500);

/// How long to wait for slow readers of the outputs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the published form of reports.
pub(super) struct Publisher {
    /// `None` until the connection is known.
    pub(super) client: Option<Client>,
    pub(super) exits: ExitCodes,
    pub(super) ci_url: Option<String>,
    /// The shard that is watched, if there are several.
    pub(super) sharding: Option<Sharding>,
    /// What the user should know of the settings.
    pub(super) warnings: Vec<String>,
}

impl Publisher {
    pub(super) fn publish(&self, report: &Report) -> RunResult {
        let ci_url = self.ci_url.as_ref().map(Line::new);
        let stats = self.client.as_ref().map(Client::stats).unwrap_or_default();
        let mut result = RunResult { ci_url, ..RunResult::new(report, &words(), self.exits.of(report.verdict), stats) };
        result.warnings.extend(self.warnings.iter().map(Line::new));
        // A wait that did not begin does not know its shard.
        let sharding = self.sharding.clone().filter(|_| result.shard.is_none());
        result.shard = sharding.map(|sharding| ShardResult::from(&ShardReport::from(sharding))).or(result.shard);
        result
    }
}

/// A run that has ended, or that the gate no longer waits for.
pub(crate) struct Run<P> {
    pub(crate) verdict: Verdict,
    /// Makes its published form, as it is or as interrupted by a signal.
    pub(crate) publish: P,
    /// Its state, if it has not ended.
    pub(crate) standing: Option<Line>,
    pub(crate) exits: ExitCodes,
    pub(crate) deadline: Deadline,
    pub(crate) signals: UnboundedReceiver<Signal>,
}

impl Run<()> {
    /// A run whose deploys have ended, or that the gate no longer waits for.
    pub(super) fn of_report(
        report: Report,
        publisher: Publisher,
        deadline: Deadline,
        signals: UnboundedReceiver<Signal>,
    ) -> Run<impl Fn(Option<Signal>) -> RunResult> {
        let verdict = report.verdict;
        let standing = words().run_reason(&report).filter(|_| verdict == Verdict::Pending);
        let exits = publisher.exits.clone();
        let publish = move |signal: Option<Signal>| {
            let Some(signal) = signal else { return publisher.publish(&report) };
            let mut interrupted = report.clone();
            interrupted.interrupt(signal);
            publisher.publish(&interrupted)
        };
        Run { verdict, publish, standing, exits, deadline, signals }
    }
}

impl<P: Fn(Option<Signal>) -> RunResult> Run<P> {
    /// Reports the end: to notifications, then to the outputs. Returns the exit code.
    pub(crate) async fn finish(mut self, audience: Option<Audience>, outputs: Outputs) -> Result<u8, Trouble> {
        let mut result = (self.publish)(None);
        let mapped = self.exits.words(self.verdict);
        result.warnings.extend(mapped.clone());
        let (mut signal, mut slack_thread) = (None, None);
        if let Some(audience) = audience {
            (slack_thread, signal) = self.notify(audience, &mut result).await;
        }
        // From here on a signal no longer changes what is written.
        if let Ok(last) = self.signals.try_recv() {
            self.deadline.begin();
            signal = signal.or(Some(last));
        }
        if let Some(signal) = signal.filter(|_| !self.is_interrupted()) {
            let RunResult { verdict, exit_code, reason, hint, .. } = (self.publish)(Some(signal));
            result = RunResult { verdict, exit_code, reason, hint, ..result };
        }
        // A notification or a signal may have changed the verdict since.
        if result.verdict != self.verdict {
            result.warnings.retain(|warning| mapped.as_ref() != Some(warning));
            result.warnings.extend(self.exits.words(result.verdict));
        }
        let Self { standing, exits, mut deadline, mut signals, .. } = self;
        let standing = standing.as_ref().filter(|_| result.verdict == Verdict::Pending);
        let ending = Ending { result: &result, standing, slack_thread: slack_thread.as_ref() };
        let written = outputs.finish(ending, deadline.limit(PATIENCE));
        // Finish what is half written, and give up on readers that do not read.
        let (_, signal) = deadline.race(written, &mut signals, PATIENCE).await;
        let interrupted = signal.map(|signal| exits.of(Verdict::Interrupted(signal)));
        Ok(interrupted.unwrap_or(result.exit_code))
    }

    fn is_interrupted(&self) -> bool {
        matches!(self.verdict, Verdict::Interrupted(_))
    }

    /// Sends the final notifications and records their outcome. Returns the Slack message that
    /// a later job can continue, and the signal.
    async fn notify(&mut self, audience: Audience, result: &mut RunResult) -> (Option<String>, Option<Signal>) {
        let required = audience.required;
        let hurry = audience.hurry();
        let sending = audience.finish(result);
        let (outcome, signal) = in_time(sending, &hurry, &mut self.deadline, &mut self.signals).await;
        if required && outcome.any_failed() && result.verdict == Verdict::Passed {
            result.verdict = Verdict::NotifyFailed;
            result.exit_code = self.exits.of(result.verdict);
            result.reason = Some(Line::new("the deploy passed, but a notification failed"));
            result.hint = Some(Line::new("see which notification failed, and check the settings of that sink"));
        }
        result.warnings.extend(outcome.warnings);
        result.notifications = outcome.results;
        (outcome.slack_thread.map(|thread| thread.to_string()), signal)
    }
}

/// Awaits notifications. A signal, an earlier one as well, leaves them less time, and not nothing: what is known of them
/// is kept. Returns the signal that came meanwhile.
pub(super) async fn in_time<T>(
    sending: impl Future<Output = T>,
    hurry: &Hurry,
    deadline: &mut Deadline,
    signals: &mut UnboundedReceiver<Signal>,
) -> (T, Option<Signal>) {
    let shorten = |deadline: &Deadline| {
        if let Some(left) = deadline.left() {
            hurry.after_signal(left.saturating_sub(FOR_OUTPUTS));
        }
    };
    shorten(deadline);
    let mut sending = pin!(sending);
    let signal = tokio::select! {
        outcome = &mut sending => return (outcome, None),
        Some(signal) = signals.recv() => signal,
    };
    deadline.begin();
    shorten(deadline);
    (sending.await, Some(signal))
}
