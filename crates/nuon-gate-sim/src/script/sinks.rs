//! The notification services.

use serde::Deserialize;

/// A Slack workspace with one channel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    /// The bot's token.
    pub token: String,
    /// The channel's name.
    pub channel: String,
    /// What the bot may do.
    pub scopes: String,
    /// The error for a post, such as `not_in_channel`. One about blocks only applies to posts with blocks.
    pub refuse: Option<String>,
    /// The error for an edit, such as `edit_window_closed`. One about blocks only applies to edits with blocks.
    pub refuse_update: Option<String>,
    /// How many posts at first exceed the rate limit.
    pub rate_limit: u32,
    /// The `Retry-After` of those, in seconds.
    pub retry_after: u32,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            token: "xoxb-simulated-token".to_owned(),
            channel: "deploys".to_owned(),
            scopes: "chat:write,chat:write.public".to_owned(),
            refuse: None,
            refuse_update: None,
            rate_limit: 0,
            retry_after: 1,
        }
    }
}

/// A Slack incoming webhook, for the same channel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlackWebhook {
    /// The error for a post. One about blocks only applies to posts with blocks.
    pub refuse: Option<SlackWebhookRefusal>,
}

/// Why a Slack incoming webhook refuses a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackWebhookRefusal {
    /// The blocks violate a rule; it does not say which.
    InvalidBlocks,
    /// The body cannot be read.
    InvalidPayload,
    /// There is no such user.
    UserNotFound,
    /// An administrator forbids posts by apps.
    ActionProhibited,
    /// The webhook's token is invalid.
    InvalidToken,
    /// The channel is gone.
    ChannelNotFound,
    /// The webhook is gone.
    NoService,
    /// The channel is archived.
    ChannelIsArchived,
    /// Slack has an internal error.
    RollupError,
}

/// A webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// The status with which it accepts requests.
    pub status: u16,
    /// The status with which it refuses; one of 300 to 399 redirects to another path of its own.
    pub refuse: Option<u16>,
    /// How often it refuses before it accepts; always if left out.
    pub times: Option<u32>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self { status: 200, refuse: None, times: None }
    }
}

impl Webhook {
    pub(super) fn is_possible(&self) -> bool {
        (200..300).contains(&self.status) && self.refuse.is_none_or(|status| (300..600).contains(&status))
    }
}
