//! What Slack's errors mean, and what to do about them.

use crate::deliver::{Fault, Nature};

/// Errors after which an edit has to become a new message.
pub(super) const NOT_EDITABLE: [&str; 3] = ["message_not_found", "cant_update_message", "edit_window_closed"];

/// Errors that plain text avoids.
pub(super) const BLOCK_TROUBLE: [&str; 4] =
    ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"];

/// Errors after which, Slack says, the call may have had an effect.
const UNCLEAR: [&str; 4] = ["fatal_error", "internal_error", "request_timeout", "service_unavailable"];

/// Makes a fault of an error that Slack names.
pub(super) fn fault(word: &str, status: u16, wait: Option<std::time::Duration>) -> Fault {
    let nature = match word {
        "ratelimited" | "rate_limited" => Nature::NotTaken { wait },
        word if UNCLEAR.contains(&word) => Nature::Unclear { wait },
        _ => Nature::Refused { status },
    };
    Fault::named(nature, word, hint(word))
}

/// Returns whether a word is one of Slack's errors.
pub(super) fn is_known(word: &str) -> bool {
    hint(word).is_some() || BLOCK_TROUBLE.contains(&word) || word == "rollup_error"
}

/// Returns what to do about an error.
pub(super) fn hint(word: &str) -> Option<&'static str> {
    Some(match word {
        "not_in_channel" => "invite the bot into the channel: /invite @its-name",
        "channel_not_found" => "there is no such channel, or it is private and the bot is not in it; give its id",
        "is_archived" | "channel_is_archived" => "the channel is archived; give another one",
        "invalid_auth" | "not_authed" => "the token is not one of Slack's, or not one for this workspace",
        "account_inactive" | "token_revoked" | "token_expired" => "the token is no longer valid; install the app again",
        "missing_scope" | "no_permission" => "give the app the scope chat:write and install it again",
        "not_allowed_token_type" => "use a bot token (xoxb-…)",
        "restricted_action" | "action_prohibited" | "posting_to_general_channel_denied" => {
            "an administrator does not let apps post there"
        }
        "ekm_access_denied" | "org_login_required" | "team_access_not_granted" => {
            "an administrator has to let the app into this workspace"
        }
        "no_service" | "no_service_id" | "no_team" | "no_active_hooks" | "invalid_token" | "team_disabled" => {
            "this webhook does not exist any more; make a new one"
        }
        "user_not_found" | "posting_to_dm_denied" => "the webhook's user or channel is gone; make a new one",
        "message_not_found" => "the message was deleted, or it is in another channel",
        "cant_update_message" => "the message was posted by somebody else",
        "edit_window_closed" => "the message is too old to be edited",
        "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long" | "invalid_payload" => {
            "please report this as a bug"
        }
        "msg_too_long" | "too_many_attachments" | "no_text" => "please report this as a bug",
        "thread_not_found" | "invalid_thread_ts" => "the message of --slack-thread does not exist",
        "ratelimited" | "rate_limited" => "too many messages at once",
        word if UNCLEAR.contains(&word) => "Slack has trouble of its own; see slack-status.com",
        _ => return None,
    })
}
