//! Discord: one embed, edited in place; the webhook's address is enough to edit.

use std::borrow::Cow;

use nuon_gate_core::Line;
use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::bounded::{Bounded, Few, Own};
use crate::cut::verbatim;
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::{Message, TargetLine, Tone};
use crate::secret::SinkUrl;

/// What goes to Discord. The parts of an embed may have 6000 characters together; these have 4250 at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Payload {
    embeds: Few<Embed, 1>,
    allowed_mentions: AllowedMentions,
}

/// Longest title.
const LONGEST_TITLE: usize = 250;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Embed {
    title: Bounded<LONGEST_TITLE>,
    description: Bounded<4000>,
    color: u32,
}

/// No mentions, whatever the text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AllowedMentions {
    parse: [&'static str; 0],
}

impl Payload {
    /// Lays out a message.
    pub(crate) fn new(message: &Message) -> Self {
        let (title, reason) = message.lead(LONGEST_TITLE, escape);
        let mut text = Bounded::build();
        text.push(&title, LONGEST_TITLE, escape);
        let description = description(message, reason);
        let embed = Embed { title: text.or_dash(), description, color: color(message.tone) };
        Self { embeds: Few::from_iter([embed]), allowed_mentions: AllowedMentions { parse: [] } }
    }
}

fn description(message: &Message, reason: Option<&Line>) -> Bounded<4000> {
    let mut text = Bounded::build();
    for (said, longest) in [(reason, 900), (message.hint.as_ref(), 500), (message.facts.as_ref(), 300)] {
        if let Some(said) = said {
            text.push(said, longest, escape);
            text.push_own("\n");
        }
    }
    if let Some(since) = message.since {
        text.push_whole(&[Own::Words("since "), Own::DiscordTime(since), Own::Words("\n")]);
    }
    // As many as leave room for links and log.
    let mut lines = Bounded::<1800>::build();
    let listed = message.targets.iter().take_while(|line| lines.push_built(&target(line))).count();
    text.push_built(&lines);
    let more = message.more + message.targets.len() - listed;
    if more > 0 {
        text.push(&Line::new(format!("and {more} more")), 40, escape);
        text.push_own("\n");
    }
    for (label, url) in &message.links {
        let [open, label, between, close] = ["[", label, "](", ") "].map(Own::Words);
        text.push_whole(&[open, label, between, Own::Page(url, verbatim), close]);
    }
    if !message.log.is_empty() {
        let mut block = Bounded::<1000>::build();
        block.push_own("\n```\n");
        block.push_log(&message.log, 980, escape_code);
        block.push_own("\n```");
        text.push_built(&block);
    }
    text.or_dash()
}

/// Lays out a line about a target, whose name leads to its page.
fn target(line: &TargetLine) -> Bounded<1500> {
    let mut text = Bounded::build();
    text.push_whole(&[Own::Words(line.sign), Own::Words(" ")]);
    let open = line.url.as_ref().is_some_and(|_| text.push_own("["));
    text.push(&line.name, 100, escape);
    if let Some(url) = line.url.as_ref().filter(|_| open) {
        text.push_whole(&[Own::Words("]("), Own::Page(url, verbatim), Own::Words(")")]);
    }
    text.push_own("\\: ");
    text.push(&line.state, 200, escape);
    if let Some(hint) = &line.hint {
        text.push_own(" ");
        text.push(hint, 150, escape);
    }
    text.push_own("\n");
    text
}

/// Escapes a text for Discord's Markdown, in which a backslash disables any symbol: no emphasis, no mention, no link,
/// not even a bare address.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_ascii_punctuation()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Cow::Owned(escaped)
}

/// Escapes a text for a code block, which only backticks can end.
fn escape_code(text: &str) -> Cow<'_, str> {
    if text.contains('`') { Cow::Owned(text.replace('`', "ˋ")) } else { verbatim(text) }
}

fn color(tone: Tone) -> u32 {
    match tone {
        Tone::Good => 0x2E_B6_7D,
        Tone::Bad => 0xE0_1E_5A,
        Tone::Warning | Tone::Asking => 0xEC_B2_2E,
        Tone::Busy | Tone::Test => 0x36_C5_F0,
    }
}

/// What has been posted.
#[derive(Debug, Default)]
pub(crate) struct Post {
    id: Option<String>,
    shown: Option<Payload>,
}

impl Post {
    /// Returns whether there is something to edit.
    pub(crate) fn has_posted(&self) -> bool {
        self.shown.is_some()
    }

    /// Posts or edits the message, unless it says the same already.
    pub(crate) async fn show(
        &mut self,
        url: &SinkUrl,
        http: &Http,
        patience: &mut Patience,
        message: &Message,
    ) -> Result<(), Fault> {
        let payload = Payload::new(message);
        if self.shown.as_ref() == Some(&payload) {
            return Ok(());
        }
        let body = serde_json::to_vec(&payload).unwrap_or_default();
        let edited = match self.id.clone() {
            None => false,
            Some(id) => match edit(url, http, patience, &id, &body).await {
                Ok(()) => true,
                // Somebody deleted it.
                Err(Fault { nature: Nature::Refused { status: 404 }, .. }) => false,
                Err(fault) => return Err(fault),
            },
        };
        if !edited {
            self.id = Some(post(url, http, patience, &body).await?);
        }
        self.shown = Some(payload);
        Ok(())
    }
}

async fn post(url: &SinkUrl, http: &Http, patience: &mut Patience, body: &[u8]) -> Result<String, Fault> {
    #[derive(Deserialize)]
    struct Posted {
        id: String,
    }
    let answer = patience
        .persist(Repeat::IfNotTaken, || async {
            // Without `wait` the answer has no id, and a message that was dropped is not reported.
            send(http, Method::POST, url, &[], &[("wait", "true")], body).await
        })
        .await?;
    let posted: Posted = serde_json::from_slice(&answer.body)
        .map_err(|_| Fault::new(Nature::Refused { status: answer.status }, "Discord did not name the message"))?;
    Ok(posted.id)
}

async fn edit(url: &SinkUrl, http: &Http, patience: &mut Patience, id: &str, body: &[u8]) -> Result<(), Fault> {
    patience
        .persist(Repeat::Always, || async { send(http, Method::PATCH, url, &["messages", id], &[], body).await })
        .await
        .map(drop)
}

async fn send(
    http: &Http,
    method: Method,
    url: &SinkUrl,
    segments: &[&str],
    query: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, Fault> {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    // Only a post names the message.
    let reads_answer = method == Method::POST;
    http.send(Request { method, url, segments, query, headers, body: body.to_vec(), reads_answer }).await
}
