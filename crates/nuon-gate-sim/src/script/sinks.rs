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
    /// The error that a post gets, such as `not_in_channel`. One about blocks is for posts that have some.
    pub refuse: Option<String>,
    /// The error that an edit gets, such as `edit_window_closed`. One about blocks is for edits that have some.
    pub refuse_update: Option<String>,
    /// So many posts at first are too many.
    pub rate_limit: u32,
    /// After so many seconds they would not be.
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
    /// The error that a post gets. One about blocks is for posts that have some.
    pub refuse: Option<SlackWebhookRefusal>,
}

/// Why a Slack incoming webhook takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackWebhookRefusal {
    /// The blocks break a rule; it does not say which.
    InvalidBlocks,
    /// The body cannot be read.
    InvalidPayload,
    /// There is nobody to tell.
    UserNotFound,
    /// An administrator does not let apps post there.
    ActionProhibited,
    /// The webhook's token is none.
    InvalidToken,
    /// The channel is gone.
    ChannelNotFound,
    /// The webhook is gone.
    NoService,
    /// The channel is archived.
    ChannelIsArchived,
    /// Slack has trouble of its own.
    RollupError,
}

/// A webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// The status with which it takes what is sent to it.
    pub status: u16,
    /// The status with which it refuses; one of 300 to 399 leads to another path of its own.
    pub refuse: Option<u16>,
    /// How often it does so before it takes something; always if left out.
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
