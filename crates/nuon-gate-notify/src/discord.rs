//! Discord: one embed that is edited in place, which the webhook's address alone allows.

use std::borrow::Cow;

use nuon_gate_core::Line;
use nuon_gate_http::Method;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::cut::{Bounded, Few, Own, verbatim};
use crate::deliver::{Answer, Fault, Http, Nature, Patience, Repeat, Request};
use crate::message::{Message, Tone};
use crate::secret::SinkUrl;

/// What goes to Discord. The parts of an embed may have 6000 characters together; these have 5850 at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Payload {
    embeds: Few<Embed, 1>,
    allowed_mentions: AllowedMentions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Embed {
    title: Bounded<250>,
    description: Bounded<3500>,
    color: u32,
    fields: Few<Field, 10>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Field {
    name: Bounded<30>,
    value: Bounded<180>,
    inline: bool,
}

/// Nobody is mentioned, whatever the text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AllowedMentions {
    parse: [&'static str; 0],
}

impl Payload {
    /// Lays out a message.
    pub(crate) fn new(message: &Message) -> Self {
        let mut title = Bounded::build();
        title.push(&message.headline, 250, escape);
        let field = |(name, value): &(&'static str, Line)| {
            let mut text = Bounded::build();
            text.push(value, 180, escape);
            Field { name: Bounded::of(name), value: text.or_dash(), inline: true }
        };
        let fields = message.facts.iter().map(field).collect();
        let color = color(message.tone);
        let embed = Embed { title: title.or_dash(), description: description(message), color, fields };
        Self { embeds: Few::from_iter([embed]), allowed_mentions: AllowedMentions { parse: [] } }
    }
}

fn description(message: &Message) -> Bounded<3500> {
    let mut text = Bounded::build();
    // The links come first, so that a long text cannot push them out.
    for (label, url) in &message.links {
        let [open, label, between, close] = ["[", label, "](", ") "].map(Own::Words);
        text.push_whole(&[open, label, between, Own::Page(url, verbatim), close]);
    }
    for said in message.lead().chain(&message.summary) {
        text.push_own("\n");
        text.push(said, 700, escape);
    }
    for line in &message.targets {
        text.push_whole(&[Own::Words("\n"), Own::Words(line.sign), Own::Words(" ")]);
        text.push(&line.standing(), 100, escape);
    }
    if message.more > 0 {
        text.push_own("\n");
        text.push(&Line::new(format!("and {} more", message.more)), 40, escape);
    }
    if let Some(timeline) = &message.timeline {
        text.push_own("\n");
        text.push(timeline, 300, escape);
    }
    if !message.log_tail.is_empty() {
        let mut block = Bounded::<1000>::build();
        block.push_own("\n```\n");
        block.push_log(&message.log_tail, 990, escape_code);
        block.push_own("\n```");
        text.push_built(&block);
    }
    text.or_dash()
}

/// Makes a text harmless in Discord's Markdown, in which a backslash takes the meaning off any sign: no emphasis, no
/// mention, no link, not even of a bare address.
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

/// Makes a text harmless in a block of code, which nothing but backticks can end.
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
    /// Tells whether there is something to edit.
    pub(crate) fn has_posted(&self) -> bool {
        self.shown.is_some()
    }

    /// Makes the message say something, unless it says so already.
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
            // Without `wait` there is no id, and no word of a message that was not kept.
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
    http.send(Request { method, url, segments, query, headers, body: body.to_vec() }).await
}
