//! The limits of Slack's blocks, and Slack's words for violations.

use std::collections::BTreeSet;

use serde_json::Value;

use super::length;

/// Kinds of blocks that are not checked.
const UNCHECKED: [&str; 12] = [
    "alert",
    "call",
    "card",
    "carousel",
    "container",
    "context_actions",
    "data_table",
    "file",
    "input",
    "plan",
    "task_card",
    "video",
];
/// How Slack counts all texts of a message together is not known. Longer ones than this were refused in every report.
const LONGEST_TOGETHER: usize = 13_200;

/// A violation, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// What is wrong.
    pub(super) message: String,
    /// Its place, starting at the list of blocks.
    pub(super) pointer: String,
}

/// Returns the violations in a message's blocks.
pub(super) fn complaints(blocks: &[Value]) -> Vec<Complaint> {
    let mut found = Found::default();
    found.items("", blocks, 0, 50);
    for (at, block) in blocks.iter().enumerate() {
        found.block(&format!("/{at}"), block);
    }
    found.complaints
}

/// Returns whether the texts of all blocks together are too long.
pub(super) fn are_too_long(blocks: &[Value]) -> bool {
    blocks.iter().map(texts).sum::<usize>() > LONGEST_TOGETHER
}

/// Returns the length of all texts of a block.
fn texts(value: &Value) -> usize {
    let own = value["text"].as_str().map_or(0, length);
    let inner: usize = match value {
        Value::Object(members) => members.values().map(texts).sum(),
        Value::Array(items) => items.iter().map(texts).sum(),
        _ => 0,
    };
    own + inner
}

#[derive(Default)]
struct Found {
    complaints: Vec<Complaint>,
    block_ids: BTreeSet<String>,
    action_ids: BTreeSet<String>,
    /// The length of the Markdown in all blocks.
    markdown: usize,
}

impl Found {
    fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.complaints.push(Complaint { message: message.into(), pointer: pointer.to_owned() });
    }

    fn block(&mut self, at: &str, block: &Value) {
        if !block.is_object() {
            return self.add(at, "must provide an object");
        }
        self.id(at, block, "block_id");
        match block["type"].as_str().unwrap_or_default() {
            "header" => self.text(&format!("{at}/text"), &block["text"], &["plain_text"], 150),
            "section" => self.section(at, block),
            "context" => self.list(at, block, "elements", 10, Self::context_element),
            "actions" => self.list(at, block, "elements", 25, Self::element),
            "rich_text" => self.list(at, block, "elements", usize::MAX, Self::rich_text),
            "table" => self.list(at, block, "rows", 100, |found, at, row| {
                found.items(at, row.as_array().map(Vec::as_slice).unwrap_or_default(), 1, 20);
            }),
            "markdown" => {
                let left = 12_000_usize.saturating_sub(self.markdown);
                self.markdown += block["text"].as_str().map_or(0, length);
                self.string(&format!("{at}/text"), &block["text"], left);
            }
            "image" => {
                self.string(&format!("{at}/image_url"), &block["image_url"], 3000);
                self.string(&format!("{at}/alt_text"), &block["alt_text"], 2000);
            }
            "divider" => {}
            kind if UNCHECKED.contains(&kind) => {}
            kind => self.add(&format!("{at}/type"), format!("unsupported type: {kind}")),
        }
    }

    fn section(&mut self, at: &str, section: &Value) {
        if section.get("text").is_none() && section.get("fields").is_none() {
            return self.add(at, "must define either `text` or `fields`");
        }
        if let Some(text) = section.get("text") {
            self.text(&format!("{at}/text"), text, &["plain_text", "mrkdwn"], 3000);
        }
        if section.get("fields").is_some() {
            self.list(at, section, "fields", 10, |found, at, field| {
                found.text(at, field, &["plain_text", "mrkdwn"], 2000);
            });
        }
        if let Some(accessory) = section.get("accessory") {
            self.element(&format!("{at}/accessory"), accessory);
        }
    }

    fn context_element(&mut self, at: &str, element: &Value) {
        match element["type"].as_str() {
            Some("image") => {}
            _ => self.text(at, element, &["plain_text", "mrkdwn"], 3000),
        }
    }

    fn element(&mut self, at: &str, element: &Value) {
        self.id(at, element, "action_id");
        if element["type"] != "button" {
            return;
        }
        self.text(&format!("{at}/text"), &element["text"], &["plain_text"], 75);
        for (name, most) in [("url", 3000), ("value", 2000)] {
            if let Some(value) = element.get(name) {
                self.string(&format!("{at}/{name}"), value, most);
            }
        }
    }

    fn rich_text(&mut self, at: &str, part: &Value) {
        match part["type"].as_str().unwrap_or_default() {
            "rich_text_section" | "rich_text_preformatted" | "rich_text_quote" => {
                self.list(at, part, "elements", usize::MAX, |found, at, element| match element["type"].as_str() {
                    // A blank between two words is a text.
                    Some("text") if element["text"] != "" => {}
                    Some("text") => found.string(&format!("{at}/text"), &element["text"], usize::MAX),
                    Some("link") => found.string(&format!("{at}/url"), &element["url"], 3000),
                    _ => {}
                });
            }
            "rich_text_list" => self.list(at, part, "elements", usize::MAX, Self::rich_text),
            kind => self.add(&format!("{at}/type"), format!("unsupported type: {kind}")),
        }
    }

    /// Checks each item of a required list.
    fn list(&mut self, at: &str, owner: &Value, name: &str, most: usize, each: impl Fn(&mut Self, &str, &Value)) {
        let Some(items) = owner[name].as_array() else {
            return self.add(at, format!("missing required field: {name}"));
        };
        let at = format!("{at}/{name}");
        self.items(&at, items, 1, most);
        for (position, item) in items.iter().enumerate() {
            each(self, &format!("{at}/{position}"), item);
        }
    }

    fn items(&mut self, at: &str, items: &[Value], least: usize, most: usize) {
        if items.len() < least {
            self.add(at, format!("no less than {least} items allowed"));
        }
        if items.len() > most {
            self.add(at, format!("no more than {most} items allowed"));
        }
    }

    /// Checks a text object.
    fn text(&mut self, at: &str, text: &Value, kinds: &[&str], most: usize) {
        if !text.is_object() {
            return self.add(at, "must provide an object");
        }
        match text["type"].as_str().filter(|kind| kinds.contains(kind)) {
            Some(_) => self.string(&format!("{at}/text"), &text["text"], most),
            None => self
                .add(&format!("{at}/type"), format!("unsupported type: {}", text["type"].as_str().unwrap_or_default())),
        }
    }

    fn string(&mut self, at: &str, value: &Value, most: usize) {
        match value.as_str() {
            None => self.add(at, "must provide a string"),
            // A text of blanks counts as empty.
            Some(text) if text.trim().is_empty() => self.add(at, "must be more than 0 characters"),
            Some(text) if length(text) > most => {
                self.add(at, format!("must be less than {} characters", most.saturating_add(1)));
            }
            Some(_) => {}
        }
    }

    /// Checks an id, which must be unique.
    fn id(&mut self, at: &str, owner: &Value, name: &str) {
        let Some(value) = owner.get(name) else { return };
        let at = format!("{at}/{name}");
        self.string(&at, value, 255);
        let id = value.as_str().unwrap_or_default();
        let ids = if name == "block_id" { &mut self.block_ids } else { &mut self.action_ids };
        if !ids.insert(id.to_owned()) {
            self.add(&at, format!("`{name}` \"{id}\" already exists"));
        }
    }
}
