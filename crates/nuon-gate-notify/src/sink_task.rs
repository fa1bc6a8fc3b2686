//! One sink's task: it takes notices, sends messages, and records the outcome.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nuon_gate_core::names::Names;
use nuon_gate_core::result::v1::{Delivery, RunResult};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::deliver::{Ending, Fault, Http, Patience};
use crate::github::Github;
use crate::mailbox::{Asked, Mailbox, Notice};
use crate::message::{Context, Message};
use crate::secret::SinkUrl;
use crate::settings::{Sink, SlackBot};
use crate::webhook::WebhookSettings;
use crate::webhook::event::Event;
use crate::{Occasion, SlackThread, Trigger, discord, github, slack, teams, webhook};

/// How long the first message waits for the names of the targets.
const NAMING: Duration = Duration::from_secs(3);

/// The outcome of a sink's notifications so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Whether anything arrived.
    sent: bool,
    /// Why the latest notification failed. What is sent later makes up for it.
    trouble: Option<String>,
    /// Why a request for an approval did not arrive. Nothing makes up for that: people were to act on it in time.
    unasked: Option<String>,
    pub(crate) slack_thread: Option<SlackThread>,
    pub(crate) warnings: Vec<String>,
}

impl Record {
    /// Returns the outcome of a sink whose task ended in time or was given up.
    pub(crate) fn verdict(self, in_time: Result<(), Ending>) -> (Delivery, Option<String>) {
        let unasked = self.unasked.map(|trouble| format!("a request for an approval did not arrive: {trouble}"));
        let troubles: Vec<String> = self.trouble.into_iter().chain(unasked).collect();
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        match (in_time, trouble) {
            (Ok(()), Some(trouble)) => (Delivery::Failed, Some(trouble)),
            (Ok(()), None) if self.sent => (Delivery::Sent, None),
            (Ok(()), None) => (Delivery::Skipped, Some("nothing happened that is notified".to_owned())),
            (Err(Ending { after_signal, .. }), trouble) => {
                let late = if after_signal { "in the time after the signal" } else { "within --notify-timeout" };
                let last = trouble.map(|trouble| format!("; before that: {trouble}")).unwrap_or_default();
                (Delivery::Failed, Some(format!("not done {late}{last}")))
            }
        }
    }

    /// Notes what became of a message. It `asks` people for an approval, or replaces a request that was not sent.
    fn note(&mut self, occasion: Occasion, asks: bool, sent: Result<bool, Fault>) {
        let is_request = asks && occasion == Occasion::Approval;
        match sent {
            Err(fault) if is_request => _ = self.unasked.get_or_insert(fault.to_string()),
            Err(fault) => self.trouble = Some(fault.to_string()),
            Ok(sent) => {
                self.sent |= sent;
                match self.trouble.take() {
                    // The request could not be sent in time because of it.
                    Some(trouble) if asks && !is_request => _ = self.unasked.get_or_insert(trouble),
                    Some(trouble) => self.warnings.push(format!("an earlier message did not arrive: {trouble}")),
                    None => {}
                }
            }
        }
    }
}

/// A sink's task.
pub(crate) struct SinkTask {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) notify_on: Option<Vec<Trigger>>,
    pub(crate) names: Option<watch::Receiver<Option<Names>>>,
    pub(crate) context: Arc<Context>,
    pub(crate) http: Http,
    pub(crate) patience: Patience,
    pub(crate) record: Arc<Mutex<Record>>,
}

/// A sink, and what it has been sent.
enum SinkState {
    SlackBot(Arc<SlackBot>, slack::Bot),
    SlackWebhook(SinkUrl),
    Webhook(SinkUrl, Arc<WebhookSettings>, webhook::Sent),
    Teams(SinkUrl),
    Discord(SinkUrl, discord::Post),
    Github(Arc<Github>, github::Written),
}

impl SinkState {
    fn new(sink: Sink, thread: Option<SlackThread>) -> Self {
        match sink {
            Sink::SlackBot(bot) => Self::SlackBot(bot, slack::Bot::new(thread)),
            Sink::SlackWebhook(url) => Self::SlackWebhook(url),
            Sink::Webhook(url, settings) => Self::Webhook(url, settings, webhook::Sent::default()),
            Sink::Teams(url) => Self::Teams(url),
            Sink::Discord(url) => Self::Discord(url, discord::Post::default()),
            Sink::Github(github) => Self::Github(github, github::Written::default()),
        }
    }

    /// Returns whether there is a message to edit, or a state to end.
    fn has_posted(&self) -> bool {
        match self {
            Self::SlackBot(_, bot) => bot.has_posted(),
            Self::Discord(_, post) => post.has_posted(),
            Self::Github(_, written) => written.has_written(),
            Self::SlackWebhook(_) | Self::Webhook(..) | Self::Teams(_) => false,
        }
    }

    /// Returns whether people have seen the latest message, although it was not shown everywhere.
    fn has_reached_people(&self) -> bool {
        matches!(self, Self::SlackBot(_, bot) if bot.has_replied())
    }

    /// Returns whether it shows a state, which has to be right at the end, whatever `--notify-on` lists.
    fn shows_a_state(&self) -> bool {
        matches!(self, Self::Github(..))
    }

    /// Returns whether the newest notice replaces those that were not sent.
    fn shows_the_newest(&self) -> bool {
        matches!(self, Self::SlackBot(..) | Self::Discord(..) | Self::Github(..))
    }

    /// Returns whether progress is noise to it, because every notice is another message.
    fn ignores(&self, occasion: Occasion) -> bool {
        matches!(self, Self::SlackWebhook(_) | Self::Teams(_))
            && matches!(occasion, Occasion::Started | Occasion::Changed)
    }
}

impl SinkTask {
    /// Serves a sink until the last notice.
    pub(crate) async fn serve(mut self, sink: Sink, thread: Option<SlackThread>) {
        let can_edit = sink.can_edit();
        let mut state = SinkState::new(sink, thread);
        self.await_names().await;
        let mut next_change = Instant::now();
        let mut answered: Vec<Asked> = Vec::new();
        loop {
            let notices = self.next(state.shows_the_newest(), next_change).await;
            let any_listed = notices.iter().any(|notice| self.is_listed(notice, can_edit));
            let calls = |notice: &Notice| notice.occasion == Occasion::Approval && self.is_listed(notice, can_edit);
            let asks = !state.shows_a_state() && notices.iter().any(calls);
            let Some(mut notice) = notices.into_iter().next_back() else { continue };
            self.name(&mut notice.result);
            let is_news =
                notice.occasion != Occasion::Approval || notice.asked.iter().any(|own| !answered.contains(own));
            let begins = any_listed || state.shows_a_state() && notice.occasion != Occasion::Refused;
            let is_wanted = begins || state.has_posted();
            if is_news && is_wanted && !state.ignores(notice.occasion) && !self.is_obsolete(&notice, can_edit) {
                answered.extend(notice.asked.iter().cloned());
                self.patience.is_last = notice.is_last;
                let notifies = self.is_listed(&notice, can_edit);
                let sent = self.send(&mut state, &notice, notifies).await;
                if let Err(fault) = &sent {
                    tracing::debug!(trouble = %fault, notice.is_last, "not sent");
                }
                let asks = asks && (sent.is_ok() || !state.has_reached_people());
                lock(&self.record).note(notice.occasion, asks, sent);
                next_change = Instant::now() + self.patience.pace.between_changes;
            }
            if notice.is_last {
                return;
            }
        }
    }

    /// Waits for the names of the targets, but not for long.
    async fn await_names(&mut self) {
        let Some(names) = &mut self.names else { return };
        let named = names.wait_for(Option::is_some);
        // The task that reads them may be gone.
        self.patience.wait_for(named, NAMING).await;
    }

    fn name(&self, result: &mut Arc<RunResult>) {
        if let Some(names) = self.names.as_ref().and_then(|names| names.borrow().clone()) {
            names.complete_result(Arc::make_mut(result));
        }
    }

    /// Returns the next notices, the newest last: a change only when one is due. It also waits a moment for what often
    /// follows at once and replaces it: an approval, or the end.
    async fn next(&mut self, newest: bool, next_change: Instant) -> Vec<Notice> {
        loop {
            let next_change = next_change.max(self.settled().unwrap_or(next_change));
            let due = Instant::now() >= next_change;
            let taken = if newest { self.mailbox.take_newest(due) } else { self.mailbox.take_next(due) };
            if !taken.is_empty() {
                return taken;
            }
            tokio::select! {
                () = self.mailbox.came() => {}
                () = sleep_until(next_change), if !due => {}
            }
        }
    }

    /// Returns when the queued change has waited long enough.
    fn settled(&self) -> Option<Instant> {
        Some(self.mailbox.changed_since()? + self.patience.pace.between_changes)
    }

    fn is_listed(&self, notice: &Notice, can_edit: bool) -> bool {
        let triggers = Trigger::of(notice.occasion, &notice.result);
        triggers.iter().any(|trigger| match &self.notify_on {
            Some(listed) => listed.contains(trigger),
            None => trigger.is_usual(can_edit),
        }) || notice.occasion == Occasion::Test
    }

    /// Returns whether the end is about to say it, and has little time for that.
    fn is_obsolete(&self, notice: &Notice, can_edit: bool) -> bool {
        notice.occasion == Occasion::Changed && self.mailbox.end().is_some_and(|end| self.is_listed(&end, can_edit))
    }

    /// Sends to a sink, and mentions people if the event is listed and they must see it. Returns whether anything was
    /// sent.
    async fn send(&mut self, state: &mut SinkState, notice: &Notice, notifies: bool) -> Result<bool, Fault> {
        let Self { context, http, patience, .. } = self;
        let message = Message::new(notice.occasion, &notice.result, context);
        match state {
            SinkState::SlackWebhook(url) => slack::post(url, http, patience, &message).await?,
            SinkState::Teams(url) => teams::post(url, http, patience, &message).await?,
            SinkState::Discord(url, post) => post.show(url, http, patience, &message).await?,
            SinkState::Webhook(url, settings, sent) => {
                let event = Event::new(notice.occasion, &notice.asked, &notice.result);
                return sent.send_new((url, settings), http, patience, (&event, &notice.result)).await;
            }
            SinkState::Github(github, written) => {
                return github.show(written, (http, patience), (notice.occasion, &notice.result)).await;
            }
            SinkState::SlackBot(slack, bot) => {
                let sent = bot.show(slack, http, patience, &message, notifies && message.notifies).await;
                lock(&self.record).slack_thread = bot.thread().cloned();
                sent?;
            }
        }
        Ok(true)
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
