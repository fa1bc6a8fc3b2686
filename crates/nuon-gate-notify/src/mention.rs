//! Who is mentioned in Slack.

use std::str::FromStr;

/// A mention of a person, a group or a channel in Slack. Mentions come from the configuration and from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention(String);

impl Mention {
    /// Returns the mention in Slack's syntax.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Mention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_id = |id: &str, first: &[char]| {
            id.starts_with(first) && id.len() > 1 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or("");
        let known = matches!(inner, "!here" | "!channel")
            || inner.strip_prefix('@').is_some_and(|id| is_id(id, &['U', 'W']))
            || inner.strip_prefix("!subteam^").is_some_and(|id| is_id(id, &['S']));
        if known && text.len() <= 40 {
            Ok(Self(text.to_owned()))
        } else {
            Err("a mention is <!here>, <!channel>, <@U…> for a person or <!subteam^S…> for a group")
        }
    }
}
