//! The notification services: what they accept, what they refuse, and what their readers see.
//!
//! They need no API token, and requests to them do not move the simulated deploys.

mod blocks;
mod channel;
mod discord;
mod embeds;
mod slack;
mod slack_webhook;
mod teams;
mod webhook;

use serde_json::{Map, Value};

pub use self::channel::SlackMessage;
pub use self::discord::DiscordMessage;
use crate::message::{Reply, Seen};
use crate::script::{Endpoint, Script};

pub(crate) const SLACK_API: &str = "/slack/api/";
pub(crate) const SLACK_WEBHOOK: &str = "/slack/hooks/T0SIMULATED/B0SIMULATED/simulated-hook";
pub(crate) const WEBHOOK: &str = "/webhook";
pub(crate) const TEAMS_WEBHOOK: &str =
    "/teams/workflows/simulated/triggers/manual/paths/invoke?sig=simulated-signature";
pub(crate) const DISCORD_WEBHOOK: &str = "/discord/api/webhooks/1400000000000000000/simulated-hook";

/// A service, from its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink<'a> {
    /// A method of Slack's Web API.
    Slack(&'a str),
    SlackWebhook,
    Webhook,
    Teams,
    /// A Discord webhook, by its id and token, and the rest of the path.
    Discord([&'a str; 2], Below<'a>),
}

/// The rest of the path of a Discord webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below<'a> {
    Nothing,
    Message(&'a str),
}

impl<'a> Sink<'a> {
    /// Finds the service of a path's segments.
    pub(crate) fn of(segments: &'a [String]) -> Option<Self> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Some(match segments.as_slice() {
            ["slack", "api", method] => Self::Slack(method),
            ["slack", "hooks", _, ..] => Self::SlackWebhook,
            ["webhook", ..] => Self::Webhook,
            ["teams", _, ..] => Self::Teams,
            ["discord", "api", "webhooks", id, token] => Self::Discord([id, token], Below::Nothing),
            ["discord", "api", "webhooks", id, token, "messages", message] => {
                Self::Discord([id, token], Below::Message(message))
            }
            _ => return None,
        })
    }

    /// Returns its name in a script.
    pub(crate) fn endpoint(self) -> Endpoint {
        match self {
            Self::Slack(_) => Endpoint::Slack,
            Self::SlackWebhook => Endpoint::SlackWebhook,
            Self::Webhook => Endpoint::Webhook,
            Self::Teams => Endpoint::Teams,
            Self::Discord(..) => Endpoint::Discord,
        }
    }

    fn takes(self, method: &str) -> bool {
        let edits = matches!(self, Self::Discord(_, Below::Message(_)));
        method == if edits { "PATCH" } else { "POST" }
    }
}

/// The state of all services.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    pub(crate) channel: channel::Channel,
    pub(crate) discord: discord::Discord,
    slack: slack::Slack,
    webhook: webhook::Webhook,
}

impl Sinks {
    /// Handles a request to a service.
    pub(crate) fn handle(&mut self, sink: Sink<'_>, request: &Seen, script: &Script) -> Reply {
        if !sink.takes(&request.method) {
            return Reply::empty(405);
        }
        match sink {
            Sink::Slack(method) => self.slack.call(method, request, &script.slack, &mut self.channel),
            Sink::SlackWebhook => slack_webhook::post(request, script, &mut self.channel),
            Sink::Webhook => self.webhook.post(&script.webhook),
            Sink::Teams => teams::post(request),
            Sink::Discord(webhook, Below::Nothing) => self.discord.post(webhook, request),
            Sink::Discord(webhook, Below::Message(id)) => self.discord.edit(webhook, id, request),
        }
    }
}

/// Returns a request's body as an object, if it is sent as JSON.
fn object(request: &Seen) -> Option<Map<String, Value>> {
    let says_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    says_json.then(|| serde_json::from_str(&request.body).ok())?
}

/// Counts UTF-16 units, as the services do.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
