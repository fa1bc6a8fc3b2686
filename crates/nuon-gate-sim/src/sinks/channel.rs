//! A Slack channel, as its readers see it.

use serde_json::{Map, Value, json};

use super::blocks::{self, Complaint};
use crate::script;

/// How much of a text is shown.
const LONGEST_TEXT: usize = 40_000;
/// The time of the first message. Times are fixed, so that a script is reproducible.
const FIRST: u64 = 1_754_229_731;

/// A message in a Slack channel, as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    /// The channel's id.
    pub channel: String,
    /// The time that identifies the message in its channel.
    pub ts: String,
    /// The message that it replies to.
    pub thread_ts: Option<String>,
    /// Whether a reply is also shown in the channel.
    pub is_broadcast: bool,
    /// Its text: the notification's text, and what is shown without blocks.
    pub text: String,
    /// Its blocks.
    pub blocks: Vec<Value>,
    /// How often it has been edited.
    pub edits: u32,
    /// Whether it came through the incoming webhook, which cannot edit.
    pub by_webhook: bool,
}

/// The messages of a channel, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) messages: Vec<SlackMessage>,
}

/// The content of a message.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// If left out, it does not change.
    pub(super) text: Option<String>,
    /// If left out, they do not change.
    pub(super) blocks: Option<Vec<Value>>,
    has_attachments: bool,
}

/// Why a message is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) word: String,
    pub(super) messages: Vec<String>,
}

impl Refusal {
    pub(super) fn of(word: &str) -> Self {
        Self { word: word.to_owned(), messages: Vec::new() }
    }

    fn about(word: &str, place: &str, complaints: &[Complaint]) -> Self {
        let message = |Complaint { message, pointer }: &Complaint| format!("{message} [json-pointer:{place}{pointer}]");
        Self { word: word.to_owned(), messages: complaints.iter().map(message).collect() }
    }
}

impl Content {
    /// Parses a message, and checks every limit.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = body.get("text").and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let blocks = list(body, "blocks", "invalid_blocks_format")?;
        let attachments = list(body, "attachments", "invalid_attachments")?.unwrap_or_default();
        let complaints = blocks::complaints(blocks.as_deref().unwrap_or_default());
        if !complaints.is_empty() {
            return Err(Refusal::about("invalid_blocks", "/blocks", &complaints));
        }
        if attachments.len() > 100 {
            return Err(Refusal::of("too_many_attachments"));
        }
        for (at, attachment) in attachments.iter().enumerate() {
            let blocks = attachment["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
            let complaints = blocks::complaints(blocks);
            if !complaints.is_empty() {
                return Err(Refusal::about("invalid_attachments", &format!("/attachments/{at}/blocks"), &complaints));
            }
        }
        if blocks::are_too_long(blocks.as_deref().unwrap_or_default()) {
            return Err(Refusal::of("msg_blocks_too_long"));
        }
        let content = Self { text, blocks, has_attachments: !attachments.is_empty() };
        match content.text.is_some() || content.has_blocks() || content.has_attachments {
            true => Ok(content),
            false => Err(Refusal::of("no_text")),
        }
    }

    pub(super) fn has_blocks(&self) -> bool {
        self.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty())
    }
}

/// Reads a list, written as JSON or as a text with JSON.
pub(super) fn list(body: &Map<String, Value>, name: &str, word: &str) -> Result<Option<Vec<Value>>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list.clone())),
        Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| Refusal::of(word)),
        Some(_) => Err(Refusal::of(word)),
    }
}

/// Returns whether a refusal of the script applies to a message. One about blocks needs blocks.
pub(super) fn strikes(word: &str, content: &Content) -> bool {
    content.has_blocks() || !matches!(word, "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long")
}

impl Channel {
    /// Posts a message, in the thread of another if there is one.
    pub(super) fn post(
        &mut self,
        script: &script::Slack,
        content: Content,
        (thread, is_broadcast): (Option<&Value>, bool),
        by_webhook: bool,
    ) -> Result<&SlackMessage, Refusal> {
        let thread = thread.filter(|thread| !thread.is_null()).map(|thread| (thread, thread.as_str()));
        if let Some((thread, _)) = thread.filter(|(_, ts)| !ts.is_some_and(is_ts)) {
            let messages = vec![format!("{} is not a valid thread_ts", thread.as_str().unwrap_or(&thread.to_string()))];
            return Err(Refusal { messages, ..Refusal::of("invalid_thread_ts") });
        }
        // A reply to a deleted message is not an error: it appears in the channel like any other message.
        let thread_ts =
            thread.and_then(|(_, ts)| ts).filter(|ts| self.messages.iter().any(|message| message.ts == *ts));
        let number = self.messages.len() as u64;
        self.messages.push(SlackMessage {
            channel: id(&script.channel),
            ts: format!("{}.{:06}", FIRST + number, (number + 1) * 100),
            is_broadcast: is_broadcast && thread_ts.is_some(),
            thread_ts: thread_ts.map(str::to_owned),
            text: shown(&content.text.unwrap_or_default()),
            blocks: content.blocks.unwrap_or_default(),
            edits: 0,
            by_webhook,
        });
        Ok(&self.messages[self.messages.len() - 1])
    }

    /// Edits a message. What is left out does not change.
    pub(super) fn edit(&mut self, ts: &str, content: Content) -> Result<&SlackMessage, Refusal> {
        let message = self.messages.iter_mut().find(|message| message.ts == ts);
        let message = message.ok_or_else(|| Refusal::of("message_not_found"))?;
        if message.by_webhook {
            return Err(Refusal::of("cant_update_message"));
        }
        if let Some(text) = content.text {
            message.text = shown(&text);
        }
        if let Some(blocks) = content.blocks {
            message.blocks = blocks;
        }
        message.edits += 1;
        Ok(message)
    }
}

impl SlackMessage {
    /// Returns it as the Web API shows it.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "type": "message",
            "user": "U0SIMULATED",
            "bot_id": "B0SIMULATED",
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
            "team": "T0SIMULATED",
        });
        if let Some(thread_ts) = &self.thread_ts {
            body["thread_ts"] = thread_ts.as_str().into();
        }
        if self.edits > 0 {
            body["edited"] = json!({"user": "U0SIMULATED", "ts": self.ts});
        }
        body
    }
}

/// Returns a channel's id, which is derived from its name.
pub(super) fn id(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
    format!("C0{:0<9}", name.to_ascii_uppercase())
}

fn is_ts(text: &str) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, rest)| is_number(seconds) && is_number(rest))
}

fn shown(text: &str) -> String {
    let mut length = 0;
    let fits = |character: &char| {
        length += character.len_utf16();
        length <= LONGEST_TEXT
    };
    text.chars().take_while(fits).collect()
}
