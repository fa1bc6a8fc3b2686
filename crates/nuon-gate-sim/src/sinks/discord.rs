//! A Discord webhook. Its address is enough to edit what was posted through it.

use serde_json::{Map, Value, json};

use super::{embeds, object};
use crate::message::{Reply, Seen};

/// The id before the first message's.
const BEFORE_FIRST: u64 = 1_400_000_000_000_000_000;

/// A message in a Discord channel, as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscordMessage {
    /// Its id.
    pub id: String,
    /// Its text.
    pub content: String,
    /// Its embeds.
    pub embeds: Vec<Value>,
    /// How often it has been edited.
    pub edits: u32,
    /// The id and the token of the webhook that it came through.
    webhook: [String; 2],
}

/// The messages of a channel, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Discord {
    pub(crate) messages: Vec<DiscordMessage>,
}

impl Discord {
    /// Posts a message. The answer has its id only with `wait`.
    pub(super) fn post(&mut self, webhook: [&str; 2], request: &Seen) -> Reply {
        let body = match read(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let mut message = DiscordMessage {
            id: (BEFORE_FIRST + 1 + self.messages.len() as u64).to_string(),
            content: String::new(),
            embeds: Vec::new(),
            edits: 0,
            webhook: webhook.map(str::to_owned),
        };
        message.change(&body);
        if message.is_empty() {
            return empty();
        }
        let answer = message.body();
        self.messages.push(message);
        match request.query("wait").as_deref() {
            Some("true" | "1") => Reply::ok(&answer),
            _ => Reply::empty(204),
        }
    }

    /// Edits a message that came through the same webhook. What is left out does not change.
    pub(super) fn edit(&mut self, webhook: [&str; 2], id: &str, request: &Seen) -> Reply {
        let its = |message: &&mut DiscordMessage| message.id == id && message.webhook == webhook;
        let Some(message) = self.messages.iter_mut().find(its) else {
            return Reply::json(404, &json!({"message": "Unknown Message", "code": 10008}));
        };
        let body = match read(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let before = message.clone();
        message.change(&body);
        if message.is_empty() {
            *message = before;
            return empty();
        }
        message.edits += 1;
        Reply::ok(&message.body())
    }
}

impl DiscordMessage {
    fn change(&mut self, body: &Map<String, Value>) {
        if let Some(content) = body.get("content") {
            self.content = content.as_str().unwrap_or_default().to_owned();
        }
        if let Some(embeds) = body.get("embeds") {
            self.embeds = embeds.as_array().cloned().unwrap_or_default();
        }
    }

    fn is_empty(&self) -> bool {
        self.content.trim().is_empty() && self.embeds.is_empty()
    }

    fn body(&self) -> Value {
        let edited = (self.edits > 0).then_some("2026-01-01T00:00:01.000000+00:00");
        json!({
            "id": self.id,
            "type": 0,
            "content": self.content,
            "embeds": self.embeds,
            "channel_id": "1399999999999999999",
            "webhook_id": self.webhook[0],
            "author": {"id": self.webhook[0], "username": "nuon-gate", "bot": true},
            "mentions": [],
            "mention_everyone": false,
            "timestamp": "2026-01-01T00:00:00.000000+00:00",
            "edited_timestamp": edited,
        })
    }
}

/// Parses a message, and checks every limit.
fn read(request: &Seen) -> Result<Map<String, Value>, Reply> {
    let invalid = json!({"message": "The request body contains invalid JSON.", "code": 50109});
    let body = object(request).ok_or_else(|| Reply::json(400, &invalid))?;
    let errors = embeds::errors(&body);
    match errors == json!({}) {
        true => Ok(body),
        false => Err(Reply::json(400, &json!({"code": 50035, "message": "Invalid Form Body", "errors": errors}))),
    }
}

fn empty() -> Reply {
    Reply::json(400, &json!({"message": "Cannot send an empty message", "code": 50006}))
}
