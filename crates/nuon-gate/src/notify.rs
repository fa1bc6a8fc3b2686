//! Notifications of a run: what is sent when, and what follows if one fails.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use nuon_gate_core::names::Names;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::watch::{Event, EventKind, OnApproval, RunEvent};
use nuon_gate_http::Setup;
use nuon_gate_notify::{Hurry, InvalidSetting, InvalidSetup, Notifier, Occasion, Options, Outcome, Parsed, Sinks};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::arguments::NotifyArguments;
use crate::connection::NO_TRUST_STORE;
use crate::environment::Environment;
use crate::lists::flatten;
use crate::reader::{Reader, may_wait};
use crate::trouble::Trouble;
use crate::words;

/// Above this number of targets, changes are put together for a while: there are many, and a snapshot of all targets is
/// costly.
const MANY_TARGETS: usize = 100;

/// How long. A sink sends one message a few seconds at most as well.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_secs(3);

/// The sinks and their options.
pub(crate) struct NotifySettings {
    pub(crate) sinks: Sinks,
    /// What the user should know of the settings.
    pub(crate) notices: Vec<String>,
    pub(crate) options: Options,
    pub(crate) required: bool,
    pub(crate) timeout: Duration,
}

impl NotifySettings {
    pub(crate) async fn read(
        reader: &Reader,
        arguments: NotifyArguments,
        setup: Setup,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let mentions = flatten(arguments.slack_mention_on_failure);
        let mut parsed = sinks(reader, environment).await?;
        parsed.note_slack_flags(arguments.slack_thread.is_some(), !mentions.is_empty());
        let Parsed { mut sinks, notices } = parsed;
        if let Some(name) = &arguments.github_deployment {
            sinks.add_github_deployment(name, &variable(environment)).map_err(|error| invalid_setting(&error))?;
        }
        if let Some(context) = &arguments.github_status {
            sinks.add_github_status(context, &variable(environment)).map_err(|error| invalid_setting(&error))?;
        }
        let listed = flatten(arguments.notify_on);
        let options = Options {
            notify_on: (!listed.is_empty()).then_some(listed),
            slack_mention_on_failure: mentions,
            slack_thread: arguments.slack_thread,
            ..Options::new(setup)
        };
        let (required, timeout) = (arguments.notify_required, arguments.notify_timeout.0);
        Ok(Self { sinks, notices, options, required, timeout })
    }
}

/// Reads the sinks from the environment.
pub(crate) async fn sinks(reader: &Reader, environment: &Environment) -> Result<Parsed, Trouble> {
    // The one setting that is a file.
    const TEMPLATE: &str = "NUON_GATE_WEBHOOK_TEMPLATE";
    let parsed = match environment.get(TEMPLATE).is_some_and(|path| may_wait(Path::new(path))) {
        false => Sinks::from_variables(&variable(environment)),
        true => {
            let environment = environment.clone();
            let read = move || Sinks::from_variables(&variable(&environment));
            let unread = |error| Trouble::new(format!("cannot read the file of {TEMPLATE}: {error}"));
            reader.run(format!("the file of {TEMPLATE}"), read).await.map_err(unread)?
        }
    };
    parsed.map_err(|error| invalid_setting(&error))
}

fn variable(environment: &Environment) -> impl Fn(&str) -> Option<String> {
    |name| environment.get(name).map(str::to_owned)
}

fn invalid_setting(error: &InvalidSetting) -> Trouble {
    Trouble::new(error).hint(error.hint.clone())
}

pub(crate) fn invalid_setup(error: &InvalidSetup) -> Trouble {
    let hint = match error {
        InvalidSetup::NoSlackChannel => "name the channel in NUON_GATE_SLACK_CHANNEL, or a message with --slack-thread",
        InvalidSetup::Http(_) => NO_TRUST_STORE,
    };
    Trouble::new(error).hint(hint)
}

/// The notifications of a run.
pub(crate) struct Audience {
    notifier: Notifier,
    /// The wait ends when a human is asked, so that the final notice asks.
    ends_when_asked: bool,
    pub(crate) required: bool,
    timeout: Duration,
    changes: Changes,
}

/// The changes that are put together.
#[derive(Default)]
struct Changes {
    /// Whether there is one that no snapshot has shown yet.
    any: Cell<bool>,
    until: Cell<Option<Instant>>,
}

impl Changes {
    /// Returns whether a change is left to a later one, which shows it as well.
    fn put_off(&self, now: Instant) -> bool {
        let waits = self.until.get().is_some_and(|until| now < until);
        self.any.set(waits);
        waits
    }

    /// Notes that a snapshot of so many targets has shown them all.
    fn shown(&self, targets: usize, now: Instant) {
        self.any.set(false);
        self.until.set((targets > MANY_TARGETS).then(|| now + BETWEEN_SNAPSHOTS));
    }
}

impl Audience {
    /// Prepares all sinks, so that one that cannot work is known before the wait. Has to be called within a runtime.
    pub(crate) fn gather(
        settings: NotifySettings,
        names: Option<watch::Receiver<Option<Names>>>,
        on_approval: OnApproval,
    ) -> Result<Option<Self>, Trouble> {
        let NotifySettings { sinks, notices, options, required, timeout } = settings;
        let options = Options { names, ..options };
        // A skipped sink is a notice, and is listed in the result.
        if sinks.is_empty() && notices.is_empty() {
            return Ok(None);
        }
        let notifier = Notifier::start(&sinks, options).map_err(|error| invalid_setup(&error))?;
        let ends_when_asked = on_approval == OnApproval::Fail;
        Ok(Some(Self { notifier, ends_when_asked, required, timeout, changes: Changes::default() }))
    }

    /// Sends an event if it is worth a notification. Does not wait.
    pub(crate) fn event(&self, event: &Event, snapshot: impl FnOnce() -> RunResult) {
        // Whatever comes next brings the last of many changes along.
        let put_off = || self.changes.any.get().then_some(Occasion::Changed);
        let Some(occasion) = occasion(&event.kind).or_else(put_off) else { return };
        if occasion == Occasion::Approval && self.ends_when_asked {
            return;
        }
        let now = Instant::now();
        if occasion == Occasion::Changed && self.changes.put_off(now) {
            return;
        }
        let mut snapshot = snapshot();
        self.changes.shown(snapshot.targets.len(), now);
        match &event.kind {
            EventKind::ApprovalNeeded { target, place, step, url, .. } => {
                // Only a target has a link of its own.
                if target.is_none() {
                    snapshot.hint = Some(words::answer_step(step.as_ref(), url.as_ref()));
                }
                self.notifier.ask(*target, place, snapshot);
            }
            _ => self.notifier.notify(occasion, snapshot),
        }
    }

    /// Ends what the sinks show already, because nothing is waited for after all. Returns the outcome.
    pub(crate) async fn refuse(self, trouble: &Trouble) -> Outcome {
        self.notifier.refuse(trouble.reason(), trouble.to_do().cloned(), self.timeout).await
    }

    /// Sends the final notice, and returns the outcome of all notifications.
    pub(crate) async fn finish(self, result: &RunResult) -> Outcome {
        self.notifier.finish(result.clone(), self.timeout).await
    }

    /// Returns what can shorten the time that is left.
    pub(crate) fn hurry(&self) -> Hurry {
        self.notifier.hurry()
    }
}

fn occasion(kind: &EventKind) -> Option<Occasion> {
    match kind {
        EventKind::Started { .. } => Some(Occasion::Started),
        EventKind::ApprovalNeeded { .. } | EventKind::Run(RunEvent::ApprovalNeeded { .. }) => Some(Occasion::Approval),
        EventKind::Joined { .. }
        | EventKind::Found { .. }
        | EventKind::Changed { .. }
        | EventKind::Superseded { .. }
        | EventKind::Ended { .. } => Some(Occasion::Changed),
        EventKind::Run(RunEvent::Changed { .. } | RunEvent::Group(_) | RunEvent::Superseded { .. }) => {
            Some(Occasion::Changed)
        }
        EventKind::Run(RunEvent::Found { .. } | RunEvent::Waiting(_))
        | EventKind::NotStarted { .. }
        | EventKind::Queued { .. }
        | EventKind::Expected { .. }
        | EventKind::Steps { .. }
        | EventKind::Logged { .. }
        | EventKind::LogEnded { .. }
        | EventKind::Held { .. }
        | EventKind::Retrying { .. }
        | EventKind::Waiting { .. }
        | EventKind::Warned { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_many_targets_are_put_together() {
        let (changes, start) = (Changes::default(), Instant::now());
        let soon = start + BETWEEN_SNAPSHOTS / 2;
        assert!(!changes.put_off(start));
        changes.shown(MANY_TARGETS, start);
        assert!(!changes.put_off(soon) && !changes.any.get());
        changes.shown(MANY_TARGETS + 1, start);
        assert!(changes.put_off(soon) && changes.any.get());
        assert!(!changes.put_off(start + BETWEEN_SNAPSHOTS));
        assert!(changes.put_off(soon));
        changes.shown(MANY_TARGETS + 1, soon);
        assert!(!changes.any.get() && changes.put_off(start + BETWEEN_SNAPSHOTS));
    }
}
