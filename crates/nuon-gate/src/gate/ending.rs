//! From a report to the result, the notifications and the exit code.

use std::time::Duration;

use nuon_gate_core::api::Client;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::report::Report;
use nuon_gate_core::result::{RunResult, VerdictName};
use nuon_gate_core::{Line, Signal, Verdict};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::exit_mapping::ExitCodes;
use crate::notify::Audience;
use crate::output::{Ending, Outputs};
use crate::trouble::Trouble;
use crate::words::words;

/// How long notifications may take after a signal.
const NOTIFY_AFTER_SIGNAL: Duration = Duration::from_millis(800);

/// How long those who read the outputs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the published form of reports.
pub(super) struct Publisher {
    /// `None` until it is known who is asked.
    pub(super) client: Option<Client>,
    pub(super) exits: ExitCodes,
    pub(super) ci_url: Option<String>,
    /// What the user should know of the settings.
    pub(super) warnings: Vec<String>,
}

impl Publisher {
    pub(super) fn publish(&self, report: &Report) -> RunResult {
        let ci_url = self.ci_url.as_ref().map(Line::new);
        let stats = self.client.as_ref().map(Client::stats).unwrap_or_default();
        let mut result = RunResult { ci_url, ..RunResult::new(report, &words(), self.exits.of(report.verdict), stats) };
        result.warnings.extend(self.warnings.iter().map(Line::new));
        result
    }
}

/// A run whose deploys have ended, or are not waited for any more.
pub(super) struct Run {
    pub(super) report: Report,
    pub(super) publisher: Publisher,
    pub(super) deadline: Deadline,
    pub(super) signals: UnboundedReceiver<Signal>,
}

impl Run {
    /// Tells how it ended: those who are to be notified, then whoever reads the outputs. Returns the exit code.
    pub(super) async fn finish(mut self, audience: Option<Audience>, outputs: Outputs) -> Result<u8, Trouble> {
        let mut result = self.publisher.publish(&self.report);
        result.warnings.extend(self.publisher.exits.words(self.report.verdict));
        let slack_thread = match audience {
            Some(audience) => self.notify(audience, &mut result).await,
            None => None,
        };
        // The last moment at which a signal decides what is written.
        if let Ok(signal) = self.signals.try_recv() {
            self.deadline.begin();
            self.report.note_signal(Some(signal));
        }
        if self.report.is_interrupted() {
            let RunResult { verdict, exit_code, reason, hint, .. } = self.publisher.publish(&self.report);
            result = RunResult { verdict, exit_code, reason, hint, ..result };
        }
        let Self { report, publisher, mut deadline, mut signals } = self;
        let ending = Ending { report: &report, result: &result, slack_thread: slack_thread.as_ref() };
        let written = outputs.finish(ending, deadline.limit(PATIENCE));
        // What is half written is finished. Whoever does not read is given up.
        let (_, signal) = deadline.race(written, &mut signals, PATIENCE).await;
        let interrupted = signal.map(|signal| publisher.exits.of(Verdict::Interrupted(signal)));
        Ok(interrupted.unwrap_or(result.exit_code))
    }

    /// Tells everyone how it ended, and notes what became of that. A signal cuts it short, and decides the verdict of the
    /// run. Returns the message in Slack that a later job can go on with.
    async fn notify(&mut self, audience: Audience, result: &mut RunResult) -> Option<String> {
        let required = audience.required;
        let interrupted = self.report.is_interrupted();
        let limit = if interrupted { self.deadline.limit(NOTIFY_AFTER_SIGNAL) } else { Duration::MAX };
        let told = audience.finish(result, limit);
        let (outcome, signal) = self.deadline.race(told, &mut self.signals, NOTIFY_AFTER_SIGNAL).await;
        self.report.note_signal(signal);
        let Some(outcome) = outcome else {
            result.warnings.push(Line::new("it is not known who has been told, because of the signal"));
            return None;
        };
        if required && outcome.any_failed() && self.report.verdict == Verdict::Passed {
            result.verdict = VerdictName::NotifyFailed;
            result.exit_code = self.publisher.exits.of_failed_notification();
            result.reason = Some(Line::new("the deploy passed, but not everyone could be told"));
            result.hint = Some(Line::new("see which notification failed, and check the settings of that sink"));
        }
        result.warnings.extend(outcome.warnings);
        result.notifications = outcome.results;
        outcome.slack_thread.map(|thread| thread.to_string())
    }
}
