//! One sink's task: what comes in, what of it goes out, and what became of that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nuon_gate_core::result::{Delivery, RunResult};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::deliver::{Fault, Http, Patience};
use crate::github::GithubDeployment;
use crate::message::{Context, Message, Tone};
use crate::secret::SinkUrl;
use crate::settings::{Sink, SlackBot, WebhookSettings};
use crate::{Occasion, SlackThread, Trigger, discord, github, slack, teams, webhook};

/// Something to tell.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) occasion: Occasion,
    pub(crate) result: Arc<RunResult>,
    pub(crate) is_last: bool,
}

/// What became of a sink's notifications so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Whether anything arrived.
    sent: bool,
    /// Why the latest that should have arrived did not.
    trouble: Option<String>,
    pub(crate) slack_thread: Option<SlackThread>,
    pub(crate) warnings: Vec<String>,
}

impl Record {
    /// Returns what to report of a sink whose task ended in time or was given up.
    pub(crate) fn verdict(self, in_time: bool) -> (Delivery, Option<String>) {
        match (in_time, self.trouble) {
            (true, Some(trouble)) => (Delivery::Failed, Some(trouble)),
            (true, None) if self.sent => (Delivery::Sent, None),
            (true, None) => (Delivery::Skipped, Some("nothing happened that is to be told".to_owned())),
            (false, trouble) => {
                let last = trouble.map(|trouble| format!("; before that: {trouble}")).unwrap_or_default();
                (Delivery::Failed, Some(format!("not done within --notify-timeout{last}")))
            }
        }
    }
}

/// What a sink's task works with.
pub(crate) struct Desk {
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
    pub(crate) notify_on: Option<Vec<Trigger>>,
    pub(crate) context: Arc<Context>,
    pub(crate) http: Http,
    pub(crate) patience: Patience,
    pub(crate) record: Arc<Mutex<Record>>,
}

/// A sink, and what it has been told.
enum Teller {
    SlackBot(Arc<SlackBot>, slack::Bot),
    SlackWebhook(SinkUrl),
    Webhook(SinkUrl, Arc<WebhookSettings>, webhook::Told),
    Teams(SinkUrl),
    Discord(SinkUrl, discord::Post),
    Github(Arc<GithubDeployment>, github::Written),
}

impl Teller {
    fn new(sink: Sink, thread: Option<SlackThread>) -> Self {
        match sink {
            Sink::SlackBot(bot) => Self::SlackBot(bot, slack::Bot::new(thread)),
            Sink::SlackWebhook(url) => Self::SlackWebhook(url),
            Sink::Webhook(url, settings) => Self::Webhook(url, settings, webhook::Told::default()),
            Sink::Teams(url) => Self::Teams(url),
            Sink::Discord(url) => Self::Discord(url, discord::Post::default()),
            Sink::Github(deployment) => Self::Github(deployment, github::Written::default()),
        }
    }

    /// Tells whether there is a message to edit.
    fn has_posted(&self) -> bool {
        match self {
            Self::SlackBot(_, bot) => bot.has_posted(),
            Self::Discord(_, post) => post.has_posted(),
            Self::SlackWebhook(_) | Self::Webhook(..) | Self::Teams(_) | Self::Github(..) => false,
        }
    }

    /// Tells whether it shows a state, which has to be right in the end, whatever is listed.
    fn is_a_state(&self) -> bool {
        matches!(self, Self::Github(..))
    }

    /// Tells whether there is a channel that every message makes longer.
    fn only_adds(&self) -> bool {
        matches!(self, Self::SlackWebhook(_) | Self::Teams(_))
    }
}

impl Desk {
    /// Serves a sink until the last notice.
    pub(crate) async fn serve(mut self, sink: Sink, thread: Option<SlackThread>) {
        let can_edit = sink.can_edit();
        let mut teller = Teller::new(sink, thread);
        let mut asked_for_approval = false;
        let mut next_edit = Instant::now();
        loop {
            let Some((notice, listed)) = self.next(can_edit.then_some(next_edit)).await else { return };
            let approval = notice.occasion == Occasion::Approval;
            // Where nothing can be edited, one request for an approval is enough, and progress is noise.
            let noise =
                (approval && asked_for_approval) || matches!(notice.occasion, Occasion::Started | Occasion::Changed);
            if (listed && !(teller.only_adds() && noise)) || teller.has_posted() || teller.is_a_state() {
                asked_for_approval |= approval;
                self.patience.is_last = notice.is_last;
                let told = self.tell(&mut teller, &notice).await;
                self.note(notice.is_last, told);
                next_edit = Instant::now() + self.patience.pace.between_edits;
            }
            if notice.is_last {
                return;
            }
        }
    }

    /// Returns the next notice and whether one like it is listed. For a sink that edits it is the newest one, when the
    /// time for the next edit has come.
    async fn next(&mut self, next_edit: Option<Instant>) -> Option<(Notice, bool)> {
        let mut notice = self.notices.recv().await?;
        let mut listed = self.is_listed(&notice, next_edit.is_some());
        if let Some(next_edit) = next_edit {
            if !notice.is_last {
                self.patience.pause_until(next_edit).await;
            }
            while let Ok(newer) = self.notices.try_recv() {
                listed |= self.is_listed(&newer, true);
                notice = newer;
            }
        }
        Some((notice, listed))
    }

    fn is_listed(&self, notice: &Notice, can_edit: bool) -> bool {
        let triggers = Trigger::of(notice.occasion, &notice.result);
        triggers.iter().any(|trigger| match &self.notify_on {
            Some(listed) => listed.contains(trigger),
            None => trigger.is_usual(can_edit),
        }) || notice.occasion == Occasion::Test
    }

    /// Tells a sink of something. Returns whether anything was sent.
    async fn tell(&mut self, teller: &mut Teller, notice: &Notice) -> Result<bool, Fault> {
        let Self { context, http, patience, .. } = self;
        let message = Message::new(notice.occasion, &notice.result, context);
        match teller {
            Teller::SlackWebhook(url) => slack::post(url, http, patience, &message).await?,
            Teller::Teams(url) => teams::post(url, http, patience, &message).await?,
            Teller::Discord(url, post) => post.show(url, http, patience, &message).await?,
            Teller::Webhook(url, settings, told) => {
                return told.tell((url, settings), http, patience, (notice.occasion, &notice.result)).await;
            }
            Teller::Github(deployment, written) => {
                let status = github::Status::new(notice.occasion, &notice.result);
                return written.show(deployment, (http, patience), &status).await;
            }
            Teller::SlackBot(slack, bot) => {
                let shown = bot.show(slack, http, patience, &message).await;
                lock(&self.record).slack_thread = bot.thread().cloned();
                shown?;
                let is_bad = notice.is_last && message.tone != Tone::Good && message.has_detail();
                if is_bad && let Err(fault) = bot.explain(slack, http, patience, &message).await {
                    lock(&self.record).warnings.push(format!("the details are missing in the thread: {fault}"));
                }
            }
        }
        Ok(true)
    }

    fn note(&self, is_last: bool, told: Result<bool, Fault>) {
        let mut record = lock(&self.record);
        match told {
            Ok(sent) => {
                record.sent |= sent;
                // What did not arrive earlier is made up for by what did now, but for those who had waited for it.
                if let Some(trouble) = record.trouble.take() {
                    record.warnings.push(format!("an earlier message did not arrive: {trouble}"));
                }
            }
            Err(fault) => {
                let trouble = fault.to_string();
                tracing::debug!(trouble, is_last, "not told");
                record.trouble = Some(trouble);
            }
        }
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
