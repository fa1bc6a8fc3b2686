//! A message as Block Kit, within every limit (docs.slack.dev/reference/block-kit).
//!
//! Text from outside stands in `plain_text` and rich text elements, which Slack does not parse. The fallback text has to
//! be escaped, and is sent with `parse: none`, so that no address in it becomes a link.

use std::borrow::Cow;

use nuon_gate_core::Line;
use serde::Serialize;

use crate::ci_run::WebPage;
use crate::cut::{Bounded, Few, Own, verbatim};
use crate::message::{Message, TargetLine};

/// Longest fallback text. `chat.update` takes no more than 4000.
const LONGEST_TEXT: usize = 3000;

/// What goes to Slack, without the place where it goes.
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    Header { text: Plain<150> },
    Section(Section),
    Context { elements: Few<Markdown<2000>, 10> },
    RichText { elements: Few<RichPart, 1> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Section {
    #[serde(untagged)]
    Plain { text: Plain<3000> },
    #[serde(untagged)]
    Markdown { text: Markdown<3000> },
    #[serde(untagged)]
    Fields { fields: Few<Plain<2000>, 10> },
}

/// Text that Slack shows as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "plain_text")]
pub(crate) struct Plain<const MAX: usize> {
    text: Bounded<MAX>,
    emoji: bool,
}

/// Text in Slack's own syntax. Nothing from outside comes here but addresses that were checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "mrkdwn")]
pub(crate) struct Markdown<const MAX: usize> {
    text: Bounded<MAX>,
    /// Nothing but what is marked as a link or a mention becomes one.
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

impl Payload {
    /// Lays out a message.
    pub(crate) fn new(message: &Message) -> Self {
        Self::of(fallback(message), blocks(message))
    }

    /// Lays out a message that has no thread for the details.
    pub(crate) fn whole(message: &Message) -> Self {
        let mut blocks = blocks(message);
        // The message has the reason already.
        push_detail(&mut blocks, &[("Timeline", message.timeline.as_ref())], &message.log_tail);
        Self::of(fallback(message), blocks)
    }

    /// Lays out what is said of a bad end in the thread.
    pub(crate) fn detail(message: &Message) -> Self {
        let said = [
            ("Reason", message.reason.as_ref()),
            ("What to do", message.hint.as_ref()),
            ("Timeline", message.timeline.as_ref()),
        ];
        let mut blocks = Few::from_iter([]);
        push_detail(&mut blocks, &said, &message.log_tail);
        let mut text = Bounded::build();
        for (label, said) in said.into_iter().filter_map(|(label, said)| Some((label, said?))) {
            text.push_whole(&[Own::Words(label), Own::Words(": ")]);
            text.push(said, 1000, escape);
            text.push_own("\n");
        }
        text.push_log(&message.log_tail, 900, escape);
        Self::of(text.or_dash(), blocks)
    }

    fn of(text: Bounded<LONGEST_TEXT>, blocks: Few<Block, 50>) -> Self {
        Self { text, blocks, parse: "none", link_names: false, unfurl_links: false, unfurl_media: false }
    }

    /// Returns the message as plain text, for when Slack does not take the blocks.
    pub(crate) fn without_blocks(&self) -> Self {
        Self { blocks: Few::from_iter([]), ..self.clone() }
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

/// Puts our own word before a line.
fn labelled<const MAX: usize>(label: &'static str, between: &'static str, line: &Line) -> Plain<MAX> {
    let mut text = Bounded::build();
    text.push_whole(&[Own::Words(label), Own::Words(between)]);
    text.push(line, MAX, verbatim);
    Plain { text, emoji: false }
}

fn blocks(message: &Message) -> Few<Block, 50> {
    let mut blocks = Few::from_iter([Block::Header { text: plain(&message.headline) }]);
    if !message.mentions.is_empty() {
        let mut text = Bounded::build();
        push_mentions(&mut text, message);
        blocks.push(Block::Section(Section::Markdown { text: Markdown { text, verbatim: true } }));
    }
    for line in message.lead() {
        blocks.push(Block::Section(Section::Plain { text: plain(line) }));
    }
    if let Some(summary) = &message.summary {
        blocks.push(Block::Section(Section::Plain { text: plain(summary) }));
    }
    if !message.facts.is_empty() {
        let fields = message.facts.iter().map(|(name, value)| labelled(name, "\n", value));
        blocks.push(Block::Section(Section::Fields { fields: fields.collect() }));
    }
    if !message.targets.is_empty() {
        let elements = Few::from_iter([RichPart::RichTextSection { elements: targets(message) }]);
        blocks.push(Block::RichText { elements });
    }
    let mut text = Bounded::build();
    push_links(&mut text, message);
    if !message.links.is_empty() {
        blocks.push(Block::Context { elements: Few::from_iter([Markdown { text: text.or_dash(), verbatim: true }]) });
    }
    blocks
}

fn push_detail(blocks: &mut Few<Block, 50>, said: &[(&'static str, Option<&Line>)], log_tail: &[Line]) {
    for (label, said) in said.iter().filter_map(|(label, said)| Some((label, (*said)?))) {
        blocks.push(Block::Section(Section::Plain { text: labelled(label, ": ", said) }));
    }
    if !log_tail.is_empty() {
        let mut text = Bounded::build();
        text.push_log(log_tail, 2500, verbatim);
        let elements = Few::from_iter([RichElement::Text { text: text.or_dash() }]);
        blocks.push(Block::RichText { elements: Few::from_iter([RichPart::RichTextPreformatted { elements }]) });
    }
}

fn targets(message: &Message) -> Few<RichElement, 80> {
    let mut elements: Few<RichElement, 80> = Few::from_iter([]);
    for TargetLine { sign, name, state, reason, url } in &message.targets {
        let mut before = Bounded::build();
        before.push_whole(&[Own::Words(sign), Own::Words(" ")]);
        elements.push(RichElement::Text { text: before });
        elements.push(match url {
            Some(url) => RichElement::Link { url: url.clone(), text: Bounded::new(name) },
            None => RichElement::Text { text: name_of(name) },
        });
        let mut said = Bounded::build();
        said.push_own(": ");
        said.push(state, 60, verbatim);
        if let Some(reason) = reason {
            said.push_own(", ");
            said.push(reason, 200, verbatim);
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
    for mention in &message.mentions {
        text.push_whole(&[Own::Mention(mention), Own::Words(" ")]);
    }
}

fn push_links<const MAX: usize>(text: &mut Bounded<MAX>, message: &Message) {
    let mut separator = "";
    for (label, url) in &message.links {
        // The address has no sign left that would end the link, but for the `&` of its query.
        let [before, open, between, label, close] = [separator, "<", "|", label, ">"].map(Own::Words);
        if text.push_whole(&[before, open, Own::Page(url, escape), between, label, close]) {
            separator = " · ";
        }
    }
}

fn fallback(message: &Message) -> Bounded<LONGEST_TEXT> {
    let mut text = Bounded::build();
    push_mentions(&mut text, message);
    text.push(&message.headline, 300, escape);
    for line in message.lead() {
        text.push_own("\n");
        text.push(line, 500, escape);
    }
    if let Some(summary) = &message.summary {
        text.push_own("\n");
        text.push(summary, 300, escape);
    }
    for (name, value) in &message.facts {
        text.push_whole(&[Own::Words("\n"), Own::Words(name), Own::Words(": ")]);
        text.push(value, 60, escape);
    }
    for line in message.targets.iter().take(5) {
        text.push_whole(&[Own::Words("\n"), Own::Words(line.sign), Own::Words(" ")]);
        text.push(&line.standing(), 100, escape);
    }
    let more = message.more + message.targets.len().saturating_sub(5);
    if more > 0 {
        text.push_own("\n");
        text.push(&Line::new(format!("and {more} more")), 40, escape);
    }
    text.push_own("\n");
    push_links(&mut text, message);
    text.or_dash()
}
