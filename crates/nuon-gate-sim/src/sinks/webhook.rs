//! A webhook that accepts anything.

use super::WEBHOOK;
use crate::message::Reply;
use crate::script;

/// How often a webhook has refused so far.
#[derive(Debug, Default)]
pub(super) struct Webhook {
    refused: u32,
}

impl Webhook {
    pub(super) fn post(&mut self, script: &script::Webhook) -> Reply {
        let refusal = script.refuse.filter(|_| script.times.is_none_or(|times| self.refused < times));
        let Some(status) = refusal else { return Reply::empty(script.status) };
        self.refused += 1;
        let refusal = Reply::text(status, "refused by the script");
        match status {
            // A client that follows the redirect is recorded.
            300..400 => refusal.with("Location", &format!("{WEBHOOK}/elsewhere")),
            _ => refusal,
        }
    }
}
