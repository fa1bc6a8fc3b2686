//! The limits of a Discord message, and Discord's words for violations.

use serde_json::{Map, Value, json};

use super::length;

/// The tree of violations, shaped like the message; empty if there are none.
pub(super) fn errors(message: &Map<String, Value>) -> Value {
    let mut errors = Errors(json!({}));
    let content = message.get("content").unwrap_or(&Value::Null);
    errors.text(&["content"], content, 2000, false);
    let embeds = message.get("embeds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if embeds.len() > 10 {
        errors.add(&["embeds"], "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    for (at, embed) in embeds.iter().enumerate() {
        errors.embed(&at.to_string(), embed);
    }
    // The total size is only checked if every part fits.
    if errors.0 == json!({}) && embeds.iter().map(size).sum::<usize>() > 6000 {
        errors.add(&["embeds"], "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    errors.0
}

/// Returns the size of an embed.
fn size(embed: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, length);
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields: usize = fields.iter().map(|field| text(&field["name"]) + text(&field["value"])).sum();
    let own = [&embed["title"], &embed["description"], &embed["footer"]["text"], &embed["author"]["name"]];
    own.into_iter().map(text).sum::<usize>() + fields
}

struct Errors(Value);

impl Errors {
    fn add(&mut self, path: &[&str], code: &str, message: &str) {
        let mut place = &mut self.0;
        for name in path {
            if place[*name].is_null() {
                place[*name] = json!({});
            }
            place = &mut place[*name];
        }
        place["_errors"] = json!([{"code": code, "message": message}]);
    }

    fn embed(&mut self, at: &str, embed: &Value) {
        self.text(&["embeds", at, "title"], &embed["title"], 256, false);
        self.text(&["embeds", at, "description"], &embed["description"], 4096, false);
        self.text(&["embeds", at, "footer", "text"], &embed["footer"]["text"], 2048, false);
        self.text(&["embeds", at, "author", "name"], &embed["author"]["name"], 256, false);
        let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        if fields.len() > 25 {
            self.add(&["embeds", at, "fields"], "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
        }
        for (position, field) in fields.iter().enumerate() {
            let position = position.to_string();
            self.text(&["embeds", at, "fields", &position, "name"], &field["name"], 256, true);
            self.text(&["embeds", at, "fields", &position, "value"], &field["value"], 1024, true);
        }
    }

    fn text(&mut self, path: &[&str], value: &Value, most: usize, required: bool) {
        let text = value.as_str().unwrap_or_default();
        if !value.is_string() && !value.is_null() {
            self.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.");
        } else if required && text.trim().is_empty() {
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
        } else if length(text) > most {
            self.add(path, "BASE_TYPE_MAX_LENGTH", &format!("Must be {most} or fewer in length."));
        }
    }
}
