//! Slack's Web API.

use serde_json::{Value, json};

use super::{CHANNEL, TOKEN, call, post, said};
use crate::client::{send, serve};

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

#[test]
fn a_post_goes_to_a_channel_by_name_or_id() {
    for channel in ["deploys", "#deploys", CHANNEL] {
        let sim = serve("");
        let answer = said(&sim, "chat.postMessage", &json!({"channel": channel, "text": "hello"}));
        assert_eq!((&answer["ok"], &answer["channel"]), (&true.into(), &CHANNEL.into()), "{channel}");
        assert_eq!((&answer["message"]["text"], &answer["message"]["ts"]), (&"hello".into(), &answer["ts"]));
        let [message] = &sim.slack_messages()[..] else { panic!() };
        assert_eq!(message.ts, answer["ts"]);
        assert_eq!((message.channel.as_str(), message.text.as_str(), message.edits), (CHANNEL, "hello", 0));
        assert_eq!((message.thread_ts.as_ref(), message.by_webhook), (None, false));
    }
    let sim = serve("slack.channel = \"ops-room\"");
    assert_eq!(said(&sim, "chat.postMessage", &json!({"channel": "ops-room", "text": "x"}))["channel"], "C0OPSROOM00");
}

#[test]
fn an_edit_takes_the_place_of_what_was_there_and_keeps_what_it_leaves_out() {
    let sim = serve("");
    let first = json!({"channel": "deploys", "text": "going", "blocks": [section("going on")]});
    let ts = said(&sim, "chat.postMessage", &first)["ts"].clone();
    let other = said(&sim, "chat.postMessage", &json!({"channel": "deploys", "text": "other"}))["ts"].clone();
    assert_ne!(ts, other);
    // The request, and the messages after it.
    let steps = [
        (json!({"text": "done"}), "done", json!([section("going on")])),
        (json!({"blocks": [section("all done")]}), "done", json!([section("all done")])),
        (json!({"text": "plain", "blocks": []}), "plain", json!([])),
    ];
    for (at, (mut body, text, blocks)) in steps.into_iter().enumerate() {
        (body["channel"], body["ts"]) = (CHANNEL.into(), ts.clone());
        let answer = said(&sim, "chat.update", &body);
        assert_eq!((&answer["ok"], &answer["ts"], &answer["text"]), (&true.into(), &ts, &text.into()), "{answer}");
        let messages = sim.slack_messages();
        assert_eq!((messages.len(), messages[1].text.as_str(), messages[1].edits), (2, "other", 0));
        let edited = &messages[0];
        assert_eq!((edited.text.as_str(), json!(edited.blocks)), (text, blocks));
        assert_eq!(edited.edits as usize, at + 1);
    }
}

#[test]
fn an_edit_wants_the_id_and_a_message_of_its_own() {
    let sim = serve("");
    post(&sim.slack_webhook_url(), &json!({"text": "by the webhook"}));
    let of_webhook = sim.slack_messages()[0].ts.clone();
    let ts = said(&sim, "chat.postMessage", &json!({"channel": "deploys", "text": "x"}))["ts"].clone();
    let cases = [
        ("deploys", ts.clone(), "channel_not_found"),
        ("C0ELSEWHERE", ts, "channel_not_found"),
        (CHANNEL, "1.2".into(), "message_not_found"),
        (CHANNEL, Value::Null, "message_not_found"),
        (CHANNEL, of_webhook.into(), "cant_update_message"),
    ];
    for (channel, ts, error) in cases {
        let answer = said(&sim, "chat.update", &json!({"channel": channel, "ts": ts, "text": "y"}));
        assert_eq!(answer, json!({"ok": false, "error": error}), "{channel} {ts}");
    }
    assert!(sim.slack_messages().iter().all(|message| message.edits == 0));
}

#[test]
fn an_answer_hangs_on_its_message_unless_that_is_gone() {
    let sim = serve("");
    let root = said(&sim, "chat.postMessage", &json!({"channel": "deploys", "text": "root"}))["ts"].clone();
    let cases = [(root.clone(), Some(root)), ("1600000000.000100".into(), None), (Value::Null, None)];
    for (thread, expected) in cases {
        let answer = said(&sim, "chat.postMessage", &json!({"channel": CHANNEL, "text": "more", "thread_ts": thread}));
        assert_eq!(answer["message"].get("thread_ts"), expected.as_ref(), "{answer}");
        let messages = sim.slack_messages();
        assert_eq!(messages[messages.len() - 1].thread_ts.as_deref(), expected.as_ref().and_then(Value::as_str));
    }
    for thread in [json!("0"), json!("now"), json!(1.5), json!(".5")] {
        let body = json!({"channel": CHANNEL, "text": "more", "thread_ts": thread});
        assert_eq!(said(&sim, "chat.postMessage", &body)["error"], "invalid_thread_ts", "{thread}");
    }
    assert_eq!(sim.slack_messages().len(), 4);
}

#[test]
fn what_cannot_be_posted_is_refused_with_a_200() {
    let sim = serve("");
    let long: Vec<Value> = (0..6).map(|_| section(&"x".repeat(2500))).collect();
    let cases = [
        (json!({"channel": "elsewhere", "text": "x"}), "channel_not_found"),
        (json!({"text": "x"}), "channel_not_found"),
        (json!({"channel": "deploys"}), "no_text"),
        (json!({"channel": "deploys", "text": "", "blocks": []}), "no_text"),
        (json!({"channel": "deploys", "text": "x", "blocks": {"type": "divider"}}), "invalid_blocks_format"),
        (json!({"channel": "deploys", "text": "x", "blocks": "[{"}), "invalid_blocks_format"),
        (json!({"channel": "deploys", "text": "x", "blocks": long}), "msg_blocks_too_long"),
        (json!({"channel": "deploys", "text": "x", "attachments": vec![json!({}); 101]}), "too_many_attachments"),
        (json!({"channel": "deploys", "attachments": [{"blocks": [section("")]}]}), "invalid_attachments"),
    ];
    for (body, error) in cases {
        let answer = said(&sim, "chat.postMessage", &body);
        assert_eq!((&answer["ok"], &answer["error"]), (&false.into(), &error.into()), "{body}");
    }
    assert_eq!(said(&sim, "chat.delete", &json!({}))["error"], "unknown_method");
    let url = sim.slack_api_url() + "chat.postMessage";
    assert_eq!(send(&url, "POST", TOKEN, "{").json()["error"], "invalid_json");
    assert_eq!(send(&url, "POST", TOKEN, "[]").json()["error"], "invalid_json");
    assert_eq!(send(&url, "GET", TOKEN, "").status, 405);
    assert!(sim.slack_messages().is_empty());
}

#[test]
fn a_long_text_is_cut_and_blocks_may_be_a_text() {
    let sim = serve("");
    let blocks = json!([section("x")]).to_string();
    said(&sim, "chat.postMessage", &json!({"channel": CHANNEL, "text": "é".repeat(40_001), "blocks": blocks}));
    let message = &sim.slack_messages()[0];
    assert_eq!(message.text, "é".repeat(40_000));
    assert_eq!(message.blocks, [section("x")]);
    said(&sim, "chat.postMessage", &json!({"channel": CHANNEL, "text": "x".to_owned() + &"🚀".repeat(20_000)}));
    assert_eq!(sim.slack_messages()[1].text, "x".to_owned() + &"🚀".repeat(19_999), "no half of a character");
}

#[test]
fn every_method_wants_the_token() {
    let sim = serve("slack.token = \"xoxb-mine\"");
    for method in ["chat.postMessage", "chat.update", "auth.test", "blocks.validate", "unknown"] {
        for headers in ["", TOKEN, "Authorization: Bearer simulated-token\r\n", "Authorization: xoxb-mine\r\n"] {
            let answer = send(&(sim.slack_api_url() + method), "POST", headers, r#"{"channel":"deploys","text":"x"}"#);
            assert_eq!((answer.status, answer.header("X-OAuth-Scopes")), (200, None));
            assert_eq!(answer.json(), json!({"ok": false, "error": "invalid_auth"}), "{method} {headers}");
        }
    }
    assert!(sim.slack_messages().is_empty());
    let headers = "Authorization: Bearer xoxb-mine\r\n";
    assert_eq!(send(&(sim.slack_api_url() + "auth.test"), "POST", headers, "").json()["ok"], true);
}

#[test]
fn the_token_shows_its_account_and_its_permissions() {
    for (script, scopes) in
        [("", "chat:write,chat:write.public"), ("slack.scopes = \"incoming-webhook\"", "incoming-webhook")]
    {
        let answer = call(&serve(script), "auth.test", &json!({}));
        assert_eq!(answer.header("x-oauth-scopes"), Some(scopes));
        let body = answer.json();
        for member in ["team", "user", "bot_id"] {
            assert!(body[member].is_string(), "{body}");
        }
    }
}

#[test]
fn the_script_refuses_posts_and_edits() {
    let sim = serve("slack.refuse = \"not_in_channel\"");
    let body = json!({"channel": "deploys", "text": "x"});
    assert_eq!(said(&sim, "chat.postMessage", &body), json!({"ok": false, "error": "not_in_channel"}));
    assert_eq!(said(&sim, "auth.test", &json!({}))["ok"], true);

    let sim = serve("slack.refuse_update = \"edit_window_closed\"");
    let ts = said(&sim, "chat.postMessage", &body)["ts"].clone();
    let answer = said(&sim, "chat.update", &json!({"channel": CHANNEL, "ts": ts, "text": "y"}));
    assert_eq!(answer["error"], "edit_window_closed");
    assert_eq!(sim.slack_messages()[0].text, "x");

    let sim = serve("[slack]\nrefuse = \"missing_scope\"\nscopes = \"users:read\"");
    let answer = said(&sim, "chat.postMessage", &body);
    assert_eq!((&answer["needed"], &answer["provided"]), (&"chat:write".into(), &"users:read".into()));
}

#[test]
fn blocks_that_the_script_refuses_leave_room_for_plain_text() {
    let sim = serve("slack.refuse = \"invalid_blocks\"");
    let with = json!({"channel": "deploys", "text": "x", "blocks": [section("x")]});
    assert_eq!(said(&sim, "chat.postMessage", &with)["error"], "invalid_blocks");
    for without in
        [json!({"channel": "deploys", "text": "x"}), json!({"channel": "deploys", "text": "x", "blocks": []})]
    {
        assert_eq!(said(&sim, "chat.postMessage", &without)["ok"], true);
    }
}

#[test]
fn the_first_posts_can_be_too_many() {
    for (script, after) in [("", "1"), ("retry_after = 0", "0")] {
        let sim = serve(&format!("[slack]\nrate_limit = 2\n{script}"));
        assert_eq!(said(&sim, "auth.test", &json!({}))["ok"], true);
        for status in [429, 429, 200, 200] {
            let answer = call(&sim, "chat.postMessage", &json!({"channel": "deploys", "text": "x"}));
            assert_eq!(answer.status, status);
            let limited = status == 429;
            assert_eq!(answer.header("Retry-After"), limited.then_some(after));
            assert_eq!(answer.json()["error"] == "ratelimited", limited);
        }
        assert_eq!(sim.slack_messages().len(), 2);
    }
}
