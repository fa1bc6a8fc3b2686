//! A message as Block Kit, within every limit (docs.slack.dev/reference/block-kit).
//!
//! Text from outside stands in `plain_text` and rich text elements, which Slack does not parse. The fallback text has to
//! be escaped, and is sent with `parse: none`, so that no address in it becomes a link.

use std::borrow::Cow;

use nuon_gate_core::Line;
use serde::Serialize;

use crate::bounded::{Bounded, Few, Own};
use crate::ci_run::WebPage;
use crate::cut::verbatim;
use crate::message::{Message, TargetLine};

/// Longest header.
const LONGEST_TITLE: usize = 150;

/// Longest part of a log. The limit for all texts of a message together is not documented, and is less than the sum of
/// their limits.
const LONGEST_LOG: usize = 2500;

/// Longest fallback text. `chat.update` takes no more than 4000.
const LONGEST_TEXT: usize = 3000;

/// The message for Slack, without the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Payload {
    /// The whole message for notifications, for screen readers, and where blocks are refused.
    pub(crate) text: Bounded<LONGEST_TEXT>,
    /// Always sent: an update without any would keep the old ones.
    pub(crate) blocks: Few<Block, 50>,
    parse: &'static str,
    link_names: bool,
    unfurl_links: bool,
    unfurl_media: bool,
    /// Off where the text itself is shown: what comes from outside would be laid out. Links and mentions still work.
    #[serde(skip_serializing_if = "Option::is_none")]
    mrkdwn: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    Header { text: Plain<LONGEST_TITLE> },
    Section(Section),
    Context { elements: Few<Small, 10> },
    RichText { elements: Few<RichPart, 1> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Section {
    #[serde(untagged)]
    Plain { text: Plain<3000> },
    #[serde(untagged)]
    Markdown { text: Markdown<3000> },
}

/// Elements side by side, in small type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Small {
    Plain(Plain<1000>),
    Markdown(Markdown<2000>),
}

/// Text that Slack shows as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "plain_text")]
pub(crate) struct Plain<const MAX: usize> {
    text: Bounded<MAX>,
    emoji: bool,
}

/// Text in Slack's own syntax. From outside it takes only checked addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "mrkdwn")]
pub(crate) struct Markdown<const MAX: usize> {
    text: Bounded<MAX>,
    /// Only explicit links and mentions become one.
    verbatim: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum RichPart {
    RichTextSection { elements: Few<RichElement, 80> },
    RichTextPreformatted { elements: Few<RichElement, 1> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum RichElement {
    Text { text: Bounded<2500> },
    Link { url: WebPage, text: Bounded<200> },
}

/// How much of a message is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The part for a message that is edited, which notifies nobody.
    State,
    /// All of it, with mentions and the log.
    Whole,
}

impl Payload {
    /// Lays out a message that is edited in place.
    pub(crate) fn state(message: &Message) -> Self {
        Self::of(fallback(message, Extent::State), blocks(message, Extent::State))
    }

    /// Lays out a message that notifies people.
    pub(crate) fn whole(message: &Message) -> Self {
        Self::of(fallback(message, Extent::Whole), blocks(message, Extent::Whole))
    }

    fn of(text: Bounded<LONGEST_TEXT>, blocks: Few<Block, 50>) -> Self {
        Self { text, blocks, parse: "none", link_names: false, unfurl_links: false, unfurl_media: false, mrkdwn: None }
    }

    /// Returns the message as plain text, for when Slack does not take the blocks.
    pub(crate) fn without_blocks(&self) -> Self {
        Self { blocks: Few::from_iter([]), mrkdwn: Some(false), ..self.clone() }
    }
}

/// Makes a text harmless where Slack parses it (docs.slack.dev/messaging/formatting-message-text).
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['&', '<', '>']) {
        Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    } else {
        Cow::Borrowed(text)
    }
}

fn plain<const MAX: usize>(line: &Line) -> Plain<MAX> {
    Plain { text: Bounded::new(line), emoji: false }
}

fn blocks(message: &Message, extent: Extent) -> Few<Block, 50> {
    let (title, reason) = message.lead(LONGEST_TITLE, verbatim);
    let mut blocks = Few::from_iter([Block::Header { text: plain(&title) }]);
    if let Some(reason) = reason {
        blocks.push(Block::Section(Section::Plain { text: plain(reason) }));
    }
    if extent == Extent::Whole && !message.mentions.is_empty() {
        let mut text = Bounded::build();
        push_mentions(&mut text, message);
        blocks.push(Block::Section(Section::Markdown { text: Markdown { text, verbatim: true } }));
    }
    if let Some(hint) = &message.hint {
        blocks.push(Block::Section(Section::Plain { text: plain(hint) }));
    }
    let facts = message.facts.iter().map(|facts| Small::Plain(plain(facts)));
    let since = message.since.map(|since| {
        let mut text = Bounded::build();
        text.push_whole(&[Own::Words("since "), Own::SlackTime(since)]);
        Small::Markdown(Markdown { text, verbatim: true })
    });
    let small: Vec<Small> = facts.chain(since).collect();
    if !small.is_empty() {
        blocks.push(Block::Context { elements: small.into_iter().collect() });
    }
    if !message.targets.is_empty() {
        let elements = Few::from_iter([RichPart::RichTextSection { elements: targets(message) }]);
        blocks.push(Block::RichText { elements });
    }
    if !message.links.is_empty() {
        let mut text = Bounded::build();
        push_links(&mut text, message);
        let links = Small::Markdown(Markdown { text: text.or_dash(), verbatim: true });
        blocks.push(Block::Context { elements: Few::from_iter([links]) });
    }
    if extent == Extent::Whole && !message.log.is_empty() {
        let mut text = Bounded::build();
        text.push_log(&message.log, LONGEST_LOG, verbatim);
        let elements = Few::from_iter([RichElement::Text { text: text.or_dash() }]);
        blocks.push(Block::RichText { elements: Few::from_iter([RichPart::RichTextPreformatted { elements }]) });
    }
    blocks
}

fn targets(message: &Message) -> Few<RichElement, 80> {
    let mut elements: Few<RichElement, 80> = Few::from_iter([]);
    for TargetLine { sign, name, state, hint, url } in &message.targets {
        let mut before = Bounded::build();
        before.push_whole(&[Own::Words(sign), Own::Words(" ")]);
        elements.push(RichElement::Text { text: before });
        elements.push(match url {
            Some(url) => RichElement::Link { url: url.clone(), text: Bounded::new(name) },
            None => RichElement::Text { text: name_of(name) },
        });
        let mut said = Bounded::build();
        said.push_own(": ");
        said.push(state, 260, verbatim);
        if let Some(hint) = hint {
            said.push_own(" ");
            said.push(hint, 200, verbatim);
        }
        said.push_own("\n");
        elements.push(RichElement::Text { text: said });
    }
    if message.more > 0 {
        elements.push(RichElement::Text { text: Bounded::new(&Line::new(format!("and {} more", message.more))) });
    }
    elements
}

fn name_of(name: &Line) -> Bounded<2500> {
    let mut text = Bounded::build();
    text.push(name, 200, verbatim);
    text.or_dash()
}

fn push_mentions<const MAX: usize>(text: &mut Bounded<MAX>, message: &Message) {
    let mut separator = "";
    for mention in &message.mentions {
        if text.push_whole(&[Own::Words(separator), Own::Mention(mention)]) {
            separator = " ";
        }
    }
}

fn push_links<const MAX: usize>(text: &mut Bounded<MAX>, message: &Message) {
    let mut separator = "";
    for (label, url) in &message.links {
        // The address has no character left that would end the link, apart from `&` in its query.
        let [before, open, between, label, close] = [separator, "<", "|", label, ">"].map(Own::Words);
        if text.push_whole(&[before, open, Own::Page(url, escape), between, label, close]) {
            separator = " · ";
        }
    }
}

fn fallback(message: &Message, extent: Extent) -> Bounded<LONGEST_TEXT> {
    let mut text = Bounded::build();
    text.push(&message.title(), 800, escape);
    if extent == Extent::Whole && !message.mentions.is_empty() {
        text.push_own(" ");
        push_mentions(&mut text, message);
    }
    for line in [&message.hint, &message.facts].into_iter().flatten() {
        text.push_own("\n");
        text.push(line, 400, escape);
    }
    if let Some(since) = message.since {
        text.push_whole(&[Own::Words("\nsince "), Own::SlackTime(since)]);
    }
    for line in message.targets.iter().take(5) {
        text.push_whole(&[Own::Words("\n"), Own::Words(line.sign), Own::Words(" ")]);
        text.push(&line.standing(), 160, escape);
        if let Some(hint) = &line.hint {
            text.push_own(" ");
            text.push(hint, 120, escape);
        }
    }
    let more = message.more + message.targets.len().saturating_sub(5);
    if more > 0 {
        text.push_own("\n");
        text.push(&Line::new(format!("and {more} more")), 40, escape);
    }
    if !message.links.is_empty() {
        text.push_own("\n");
        push_links(&mut text, message);
    }
    text.or_dash()
}
