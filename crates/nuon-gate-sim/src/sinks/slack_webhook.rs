//! A Slack incoming webhook. It answers with one word, without the message's id or details of an error.

use super::channel::{Channel, Content, Refusal, strikes};
use super::object;
use crate::message::{Reply, Seen};
use crate::script::{Script, SlackWebhookRefusal};

pub(super) fn post(request: &Seen, script: &Script, channel: &mut Channel) -> Reply {
    let scripted = script.slack_webhook.refuse.map(answer);
    // Only an error about the content needs to read it.
    let refusal = scripted.filter(|(_, word)| *word != "invalid_blocks");
    if let Some((status, word)) = refusal {
        return Reply::text(status, word);
    }
    let Some(body) = object(request) else { return Reply::text(400, "invalid_payload") };
    let posted = Content::of(&body).and_then(|content| match scripted {
        Some((_, word)) if strikes(word, &content) => Err(Refusal::of(word)),
        _ => channel.post(&script.slack, content, (body.get("thread_ts"), false), true).map(drop),
    });
    match posted {
        Ok(()) => Reply::text(200, "ok"),
        Err(refusal) => Reply::text(400, &refusal.word),
    }
}

/// Returns the answer for a refusal.
fn answer(refusal: SlackWebhookRefusal) -> (u16, &'static str) {
    match refusal {
        SlackWebhookRefusal::InvalidBlocks => (400, "invalid_blocks"),
        SlackWebhookRefusal::InvalidPayload => (400, "invalid_payload"),
        SlackWebhookRefusal::UserNotFound => (400, "user_not_found"),
        SlackWebhookRefusal::ActionProhibited => (403, "action_prohibited"),
        SlackWebhookRefusal::InvalidToken => (403, "invalid_token"),
        SlackWebhookRefusal::ChannelNotFound => (404, "channel_not_found"),
        SlackWebhookRefusal::NoService => (404, "no_service"),
        SlackWebhookRefusal::ChannelIsArchived => (410, "channel_is_archived"),
        SlackWebhookRefusal::RollupError => (500, "rollup_error"),
    }
}
