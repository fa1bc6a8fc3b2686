//! A Teams workflow that posts cards. It accepts them before it reads them, so an accepted card may never appear.

use serde_json::json;

use super::object;
use crate::message::{Reply, Seen};

/// The largest body.
const LARGEST: usize = 28_000;
const ADAPTIVE_CARD: &str = "application/vnd.microsoft.card.adaptive";

pub(super) fn post(request: &Seen) -> Reply {
    if request.body.len() > LARGEST {
        return refusal(413, "RequestEntityTooLarge", "the request is larger than 28,000 bytes");
    }
    let Some(body) = object(request) else {
        return refusal(400, "InvalidRequestContent", "the request content is not valid and could not be deserialized");
    };
    let first = body.get("attachments").and_then(|attachments| attachments.get(0));
    let is_card = first.is_some_and(|first| {
        first["contentType"] == ADAPTIVE_CARD
            && first["content"]["type"] == "AdaptiveCard"
            && first["content"]["body"].is_array()
    });
    match body.get("type").is_some_and(|kind| kind == "message") && is_card {
        true => Reply::empty(202),
        false => refusal(
            400,
            "TriggerInputSchemaMismatch",
            "the input body for trigger 'manual' of type 'Request' did not match its schema definition",
        ),
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message}}))
}
