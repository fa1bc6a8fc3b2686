//! Sends notifications concurrently with the wait, without ever delaying it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nuon_gate_core::Line;
use nuon_gate_core::names::Names;
use nuon_gate_core::result::v1::{Delivery, NotificationResult, RunResult};
use nuon_gate_core::{ApprovalPlace, Verdict};
use nuon_gate_http::Setup;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::deliver::{Ending, Http, Patience};
use crate::mailbox::{Asked, Mailbox, Notice};
use crate::message::Context;
use crate::secret::SinkUrl;
use crate::settings::{Sink, Skipped};
use crate::sink_task::{Record, SinkTask};
use crate::{InvalidSetup, Mention, Occasion, Pace, Sinks, SlackThread, Trigger};

/// How to notify.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections and User-Agent.
    pub setup: Setup,
    /// The events to send; by default those for which [`Trigger::is_usual`].
    pub notify_on: Option<Vec<Trigger>>,
    /// Whom to mention in Slack when it ends badly.
    pub slack_mention_on_failure: Vec<Mention>,
    /// An earlier Slack message to continue.
    pub slack_thread: Option<SlackThread>,
    /// The names of targets that were given by their ids, as soon as they are known: the first message waits a moment for
    /// them.
    pub names: Option<watch::Receiver<Option<Names>>>,
    /// How quickly.
    pub pace: Pace,
}

impl Options {
    /// Returns the default options for connections of this kind.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            notify_on: None,
            slack_mention_on_failure: Vec::new(),
            slack_thread: None,
            names: None,
            pace: Pace::default(),
        }
    }

    pub(crate) fn http<'a>(&self, urls: impl Iterator<Item = &'a SinkUrl>) -> Result<Http, InvalidSetup> {
        Http::new(urls, &self.setup, self.pace.request_timeout)
    }
}

/// The outcome of the notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One for each sink, in the order of the documentation.
    pub results: Vec<NotificationResult>,
    /// The Slack message, for a later job to continue.
    pub slack_thread: Option<SlackThread>,
    /// What the user should know besides the results, one line each.
    pub warnings: Vec<Line>,
}

impl Outcome {
    /// Returns whether a notification that should have been sent was not.
    pub fn any_failed(&self) -> bool {
        self.failed().next().is_some()
    }

    /// Returns the results of the sinks to which something that should have been sent was not.
    pub fn failed(&self) -> impl Iterator<Item = &NotificationResult> {
        self.results.iter().filter(|result| result.result == Delivery::Failed)
    }
}

/// Notifies every sink. Each sink has a task of its own, so that one that is slow or fails delays neither the wait nor
/// the others.
pub struct Notifier {
    tasks: Vec<RunningTask>,
    skipped: Vec<Skipped>,
    ending: watch::Sender<Option<Ending>>,
    /// The newest notice's result.
    latest: Mutex<Option<Arc<RunResult>>>,
}

/// Takes time away from the notifications of a [`Notifier`].
#[derive(Debug, Clone)]
pub struct Hurry(watch::Sender<Option<Ending>>);

impl Hurry {
    /// Leaves this much time from now on, because a signal came. What is known by then is kept.
    pub fn after_signal(&self, left: Duration) {
        Ending::set(&self.0, left, true);
    }
}

/// The running task of a sink.
struct RunningTask {
    label: String,
    mailbox: Arc<Mailbox>,
    handle: JoinHandle<()>,
    record: Arc<Mutex<Record>>,
}

/// Dropping it without a final notice leaves no task waiting.
impl Drop for RunningTask {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl Notifier {
    /// Starts a task for each sink. Nothing is sent yet. Has to be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// If no request could be sent at all.
    pub fn start(sinks: &Sinks, options: Options) -> Result<Self, InvalidSetup> {
        let homeless = sinks.slack_bot().is_some_and(|bot| bot.channel.is_none()) && options.slack_thread.is_none();
        if homeless {
            return Err(InvalidSetup::NoSlackChannel);
        }
        let http = options.http(sinks.sinks.iter().map(Sink::url))?;
        let (ending, _) = watch::channel(None);
        let context = Arc::new(Context { mentions: options.slack_mention_on_failure });
        let tasks = sinks.sinks.iter().zip(sinks.labels()).map(|(sink, label)| {
            let (mailbox, record) = (Arc::<Mailbox>::default(), Arc::default());
            let task = SinkTask {
                mailbox: Arc::clone(&mailbox),
                notify_on: options.notify_on.clone(),
                names: options.names.clone(),
                context: Arc::clone(&context),
                http: http.clone(),
                patience: Patience::new(options.pace, ending.subscribe()),
                record: Arc::clone(&record),
            };
            let handle = tokio::spawn(task.serve(sink.clone(), options.slack_thread.clone()));
            RunningTask { label, mailbox, handle, record }
        });
        let tasks = tasks.collect();
        Ok(Self { tasks, skipped: sinks.skipped.clone(), ending, latest: Mutex::default() })
    }

    /// Returns what can shorten the time that is left, also while the final notice is sent.
    pub fn hurry(&self) -> Hurry {
        Hurry(self.ending.clone())
    }

    /// Queues a notice and returns at once. The result is the state so far; its verdict is `pending`.
    pub fn notify(&self, occasion: Occasion, result: RunResult) {
        // When all targets have ended, the final notice says so, with what has been read since.
        let is_over = result.targets.iter().all(|target| target.verdict != Verdict::Pending);
        if occasion == Occasion::Changed && is_over && !result.targets.is_empty() {
            return;
        }
        let asked = if occasion == Occasion::Approval { vec![Asked::default()] } else { Vec::new() };
        self.put(occasion, &asked, result, false);
    }

    /// Notifies that a human is asked to approve, in this step: the plan of the target at this position, or else that the
    /// workflow goes on. Every step is sent.
    pub fn ask(&self, target: Option<usize>, place: &ApprovalPlace, result: RunResult) {
        self.put(Occasion::Approval, &[Asked::new(target, place)], result, false);
    }

    fn put(&self, occasion: Occasion, asked: &[Asked], result: RunResult, is_last: bool) {
        let result = Arc::new(result);
        *lock(&self.latest) = Some(Arc::clone(&result));
        for task in &self.tasks {
            let (result, asked) = (Arc::clone(&result), asked.to_vec());
            task.mailbox.put(Notice { occasion, asked, result, is_last, since: Instant::now() });
        }
    }

    /// Sends the final notice, and returns the outcome of all, at the latest when the budget is spent.
    pub async fn finish(self, result: RunResult, budget: Duration) -> Outcome {
        self.conclude(Occasion::Ended, result, budget).await
    }

    /// Ends what is shown already, because nothing is waited for after all. Nothing else is sent, and there is no result:
    /// a sink that shows nothing is left alone.
    pub async fn refuse(self, reason: Line, hint: Option<Line>, budget: Duration) -> Outcome {
        let latest = lock(&self.latest).take();
        let Some(latest) = latest else { return Outcome::default() };
        let result = RunResult { reason: Some(reason), hint, ..Arc::unwrap_or_clone(latest) };
        self.conclude(Occasion::Refused, result, budget).await
    }

    async fn conclude(self, occasion: Occasion, result: RunResult, budget: Duration) -> Outcome {
        self.put(occasion, &[], result, true);
        let Self { tasks, skipped, ending, .. } = self;
        Ending::set(&ending, budget, false);
        let mut ends = ending.subscribe();
        let mut outcome = Outcome::default();
        for mut task in tasks {
            let in_time = Ending::in_time(&mut ends, &mut task.handle).await;
            task.handle.abort();
            let record = std::mem::take(&mut *lock(&task.record));
            outcome.slack_thread = outcome.slack_thread.or(record.slack_thread.clone());
            let warnings = record.warnings.iter().map(|warning| format!("{}: {warning}", task.label));
            outcome.warnings.extend(warnings.map(Line::new));
            outcome.add(task.label.clone(), record.verdict(in_time));
        }
        for Skipped { label, why } in skipped {
            outcome.add(label.to_owned(), (Delivery::Skipped, Some(why)));
        }
        outcome
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outcome {
    fn add(&mut self, sink: String, (result, reason): (Delivery, Option<String>)) {
        self.results.push(NotificationResult { sink: Line::new(sink), result, reason: reason.map(Line::new) });
    }
}

/// Sends a test message, marked as such, to every sink.
///
/// # Errors
///
/// If no request could ever be sent.
pub async fn send_test(
    sinks: &Sinks,
    options: Options,
    now: jiff::Timestamp,
    budget: Duration,
) -> Result<Outcome, InvalidSetup> {
    let notifier = Notifier::start(sinks, options)?;
    Ok(notifier.conclude(Occasion::Test, crate::sample::test(now), budget).await)
}
