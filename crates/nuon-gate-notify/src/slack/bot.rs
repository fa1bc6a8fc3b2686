//! A bot: one message that is edited during the run, and a reply to it in the channel for what people must see.

use std::fmt;
use std::str::FromStr;

use nuon_gate_core::Line;
use nuon_gate_http::Method;
use nuon_gate_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::blocks::Payload;
use super::trouble::{self, BLOCK_TROUBLE, NOT_EDITABLE};
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::Message;
use crate::settings::SlackBot;

/// A message in a channel, as one job passes it to a later one: `CHANNEL:TS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackThread {
    channel: String,
    ts: String,
}

/// Why a text names no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message in Slack is written CHANNEL:TS, such as C0123456789:1754229731.123456")]
pub struct InvalidSlackThread;

impl fmt::Display for SlackThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both come from Slack, and a secret of capital letters and digits can look like a channel.
        f.write_str(Line::new(format!("{}:{}", self.channel, self.ts)).plain())
    }
}

impl FromStr for SlackThread {
    type Err = InvalidSlackThread;

    fn from_str(text: &str) -> Result<Self, InvalidSlackThread> {
        let (channel, ts) = text.trim().split_once(':').ok_or(InvalidSlackThread)?;
        let is_id = |id: &str| id.len() > 1 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let is_ts = ts.split_once('.').is_some_and(|(seconds, rest)| is_number(seconds) && is_number(rest));
        if !is_id(channel) || !is_ts || text.len() > 100 {
            return Err(InvalidSlackThread);
        }
        Ok(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }
}

/// What the bot has posted.
#[derive(Debug)]
pub(crate) struct Bot {
    /// The message that is edited.
    message: Option<SlackThread>,
    /// The parent of its thread, unless that is the message itself.
    root: Option<String>,
    /// What it shows.
    shown: Option<Payload>,
    /// Whether the latest state was also posted as a reply.
    replied: bool,
}

/// What Slack answers to every call.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    channel: Option<String>,
    ts: Option<String>,
    needed: Option<String>,
    response_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    messages: Option<Vec<String>>,
}

impl Bot {
    /// Starts with an earlier message, or with none.
    pub(crate) fn new(message: Option<SlackThread>) -> Self {
        Self { message, root: None, shown: None, replied: false }
    }

    /// Returns the message that is edited.
    pub(crate) fn thread(&self) -> Option<&SlackThread> {
        self.message.as_ref()
    }

    /// Returns whether there is something of this run to edit.
    pub(crate) fn has_posted(&self) -> bool {
        self.shown.is_some()
    }

    /// Returns whether people have seen the latest state in a reply, even if the message could not be edited.
    pub(crate) fn has_replied(&self) -> bool {
        self.replied
    }

    /// Posts or edits the message, unless it is unchanged. If it `notifies` people, it replies in the channel first, because
    /// an edit notifies nobody, and its retries may take all the time that is left.
    pub(crate) async fn show(
        &mut self,
        slack: &SlackBot,
        http: &Http,
        patience: &mut Patience,
        message: &Message,
        notifies: bool,
    ) -> Result<(), Fault> {
        self.replied = false;
        let state = Payload::state(message);
        let loud = if notifies { Payload::whole(message) } else { state.clone() };
        let mut call = Call { slack, http, patience };
        let Some(place) = self.message.clone() else {
            self.post(&mut call, &loud).await?;
            self.shown = Some(state);
            return Ok(());
        };
        let root = self.root.clone().unwrap_or_else(|| place.ts.clone());
        let thread = Thread { root: &root, broadcast: notifies };
        let replied = if notifies { Some(call.post(&loud, &place.channel, Some(thread)).await) } else { None };
        self.replied = matches!(replied, Some(Ok(_)));
        let edited = if self.shown.as_ref() == Some(&state) { Ok(()) } else { call.update(&place, &state).await };
        match edited {
            Err(fault) if fault.is(&NOT_EDITABLE) => {
                let replied = match replied {
                    Some(replied) => replied,
                    None => call.post(&loud, &place.channel, Some(thread)).await,
                };
                match replied {
                    Ok(reply) => (self.message, self.root) = (Some(reply), Some(root)),
                    // If the message is gone, its thread may be as well; the channel is not.
                    Err(Fault { nature: Nature::Refused { .. }, .. }) => self.post(&mut call, &loud).await?,
                    // It may have arrived.
                    Err(fault) => return Err(fault),
                }
                self.shown = Some(state);
                Ok(())
            }
            edited => {
                if edited.is_ok() {
                    self.shown = Some(state);
                }
                replied.map_or(Ok(()), |replied| replied.map(drop)).and(edited)
            }
        }
    }

    /// Posts a message of its own, which is edited from then on.
    async fn post(&mut self, call: &mut Call<'_>, payload: &Payload) -> Result<(), Fault> {
        let earlier = self.message.as_ref().map(|place| place.channel.as_str());
        let channel = call.slack.channel.as_deref().or(earlier).unwrap_or_default().to_owned();
        self.message = Some(call.post(payload, &channel, None).await?);
        self.root = None;
        Ok(())
    }
}

/// Where a reply goes.
#[derive(Debug, Clone, Copy)]
struct Thread<'a> {
    root: &'a str,
    /// Whether it also appears in the channel.
    broadcast: bool,
}

/// What a call to Slack needs.
struct Call<'a> {
    slack: &'a SlackBot,
    http: &'a Http,
    patience: &'a mut Patience,
}

impl Call<'_> {
    async fn post(
        &mut self,
        payload: &Payload,
        channel: &str,
        thread: Option<Thread<'_>>,
    ) -> Result<SlackThread, Fault> {
        let place = match thread {
            Some(Thread { root, broadcast: true, .. }) => {
                json!({"channel": channel, "thread_ts": root, "reply_broadcast": true})
            }
            Some(Thread { root, .. }) => json!({"channel": channel, "thread_ts": root}),
            None => json!({"channel": channel}),
        };
        let said = self.payload("chat.postMessage", place, payload, Repeat::IfNotTaken).await?;
        let place = said.channel.zip(said.ts).and_then(|(channel, ts)| format!("{channel}:{ts}").parse().ok());
        place.ok_or_else(|| Fault::new(Nature::Refused { status: 200 }, "Slack did not say where it put the message"))
    }

    async fn update(&mut self, place: &SlackThread, payload: &Payload) -> Result<(), Fault> {
        let place = json!({"channel": place.channel, "ts": place.ts});
        self.payload("chat.update", place, payload, Repeat::Always).await.map(drop)
    }

    /// Sends a payload, and once more as plain text if Slack does not take its blocks.
    async fn payload(&mut self, method: &str, place: Value, payload: &Payload, repeat: Repeat) -> Result<Said, Fault> {
        match self.call(method, &place, payload, repeat).await {
            Err(fault) if fault.is(&BLOCK_TROUBLE) => {
                tracing::debug!(why = fault.word, "sending plain text");
                self.call(method, &place, &payload.without_blocks(), repeat).await
            }
            said => said,
        }
    }

    async fn call(&mut self, method: &str, place: &Value, payload: &Payload, repeat: Repeat) -> Result<Said, Fault> {
        let mut body = serde_json::to_value(payload).unwrap_or_default();
        if let (Some(body), Some(place)) = (body.as_object_mut(), place.as_object()) {
            body.extend(place.clone());
        }
        let (slack, http) = (self.slack, self.http);
        self.patience.persist(repeat, || async { judge(&ask(slack, http, method, body.to_string()).await?) }).await
    }
}

/// Calls a method of the Web API once.
pub(super) async fn ask(slack: &SlackBot, http: &Http, method: &str, body: String) -> Result<Answer, Fault> {
    let mut headers =
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))]);
    headers.extend(slack.token.header("Bearer ").map(|token| (AUTHORIZATION, token)));
    let segments = &[method];
    let body = body.into_bytes();
    let url = &slack.api;
    http.send(Request { method: Method::POST, url, segments, query: &[], headers, body, reads_answer: true }).await
}

/// A status of 200 proves nothing: the body has to say `ok`.
fn judge(answer: &Answer) -> Result<Said, Fault> {
    let said: Said = serde_json::from_slice(&answer.body)
        .map_err(|_| Fault::new(Nature::Unclear { wait: None }, "Slack's answer cannot be read"))?;
    if said.ok {
        return Ok(said);
    }
    let word = said.error.as_deref().unwrap_or("unknown_error");
    let mut fault = trouble::fault(word, answer.status, answer.retry_after());
    let detail = said.response_metadata.and_then(|metadata| metadata.messages).unwrap_or_default();
    for more in said.needed.iter().chain(detail.iter().take(1)) {
        fault.words = format!("{} ({})", fault.words, crate::deliver::harmless(more));
    }
    Err(fault)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use httpmock::MockServer;
    use nuon_gate_core::{Line, Verdict};
    use tokio::sync::watch;

    use super::*;
    use crate::message::Context;
    use nuon_gate_http::Setup;

    use crate::secret::{Secret, SinkUrl};
    use crate::{Occasion, Pace, sample};

    #[tokio::test]
    async fn what_is_shown_already_is_not_sent_again() {
        let server = MockServer::start_async().await;
        let said = json!({"ok": true, "channel": "C1", "ts": "1.1"});
        let mock = server
            .mock_async(|when, then| {
                when.any_request();
                then.status(200).json_body(said);
            })
            .await;
        let api = SinkUrl::public(&server.url("/api/")).unwrap();
        let http = Http::new(std::iter::once(&api), &Setup::default(), Duration::from_secs(15)).unwrap();
        let slack = SlackBot { api, token: Secret::new("xoxb-1"), channel: Some("deploys".to_owned()) };
        let (_ending, ends) = watch::channel(None);
        let (mut bot, mut patience) = (Bot::new(None), Patience::new(Pace::default(), ends));
        let mut result = sample::result(Verdict::Pending);
        for (requests, status) in [(1, "queued"), (1, "queued"), (2, "executing"), (2, "executing")] {
            result.elapsed_ms += 60_000;
            result.finished_at = Line::new(format!("2026-08-03T14:{:02}:00Z", result.elapsed_ms / 60_000));
            result.targets[0].timeline[2].duration_ms = Some(result.elapsed_ms);
            result.targets[0].deploy.as_mut().unwrap().status = Line::new(status);
            let message = Message::new(Occasion::Changed, &result, &Context::default());
            bot.show(&slack, &http, &mut patience, &message, false).await.unwrap();
            assert_eq!(mock.calls_async().await, requests);
        }
    }

    #[test]
    fn messages_are_named_by_channel_and_time() {
        let thread: SlackThread = " C0123456789:1754229731.123456\n".parse().unwrap();
        assert_eq!(thread.to_string(), "C0123456789:1754229731.123456");
        for text in ["", "C1", "C1:", "deploys:1.2", "C1:1754229731", "C1:a.b", "C1:1.2.3", ":1.2", "C1:1.2\n::error::"]
        {
            assert_eq!(text.parse::<SlackThread>(), Err(InvalidSlackThread), "{text:?}");
        }
    }
}
