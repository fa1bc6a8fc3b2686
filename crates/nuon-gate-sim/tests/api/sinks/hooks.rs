//! Incoming webhooks of Slack and Teams, and a generic webhook.

use nuon_gate_sim::Script;
use serde_json::{Value, json};

use super::post;
use crate::client::{send, serve};

#[test]
fn a_slack_webhook_takes_a_message_and_says_no_more_than_ok() {
    let sim = serve("");
    let answer = post(&sim.slack_webhook_url(), &json!({"text": "hello"}));
    assert_eq!((answer.status, answer.text.as_str()), (200, "ok"));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    let ts = sim.slack_messages()[0].ts.clone();
    post(&(sim.url() + "/slack/hooks/another"), &json!({"text": "more", "thread_ts": ts}));
    let messages = sim.slack_messages();
    assert_eq!((messages[0].text.as_str(), messages[1].text.as_str()), ("hello", "more"));
    assert_eq!((&messages[0].thread_ts, &messages[1].thread_ts), (&None, &Some(ts)));
    assert!(messages.iter().all(|message| message.by_webhook));
}

#[test]
fn a_slack_webhook_refuses_in_words() {
    let blocks = json!({"text": "x", "blocks": [{"type": "divider"}]});
    let plain = json!({"text": "x"});
    let cases = [
        ("invalid_blocks", &blocks, 400),
        ("invalid_payload", &plain, 400),
        ("user_not_found", &plain, 400),
        ("action_prohibited", &plain, 403),
        ("invalid_token", &plain, 403),
        ("channel_not_found", &plain, 404),
        ("no_service", &plain, 404),
        ("channel_is_archived", &plain, 410),
        ("rollup_error", &plain, 500),
    ];
    for (word, body, status) in cases {
        let sim = serve(&format!("slack_webhook.refuse = \"{word}\""));
        let answer = post(&sim.slack_webhook_url(), body);
        assert_eq!((answer.status, answer.text.as_str()), (status, word));
        assert!(sim.slack_messages().is_empty());
        // If blocks are refused, plain text is still accepted.
        let expected = if word == "invalid_blocks" { 200 } else { status };
        assert_eq!(post(&sim.slack_webhook_url(), &plain).status, expected, "{word}");
    }
    assert!("slack_webhook.refuse = \"no_servise\"".parse::<Script>().is_err());
    let sim = serve("");
    for (body, word) in [("{", "invalid_payload"), ("{}", "no_text")] {
        let answer = send(&sim.slack_webhook_url(), "POST", "", body);
        assert_eq!((answer.status, answer.text.as_str()), (400, word));
    }
    assert_eq!(send(&sim.slack_webhook_url(), "GET", "", "").status, 405);
}

#[test]
fn a_webhook_keeps_what_it_receives() {
    for (script, status) in [("", 200), ("webhook.status = 204", 204)] {
        let sim = serve(script);
        for target in [sim.webhook_url(), sim.webhook_url() + "/below/it?key=1"] {
            let answer = send(&target, "POST", "Webhook-Id: msg_1\r\n", r#"{"type": "née"}"#);
            assert_eq!((answer.status, answer.text.as_str()), (status, ""));
            // An answer without a body must not have a content length.
            assert_eq!(answer.header("content-length").is_some(), status == 200);
        }
        let requests = sim.requests();
        assert_eq!(requests[1].target, "/webhook/below/it?key=1");
        for seen in requests {
            assert_eq!((seen.header("webhook-id"), seen.body.as_str()), (Some("msg_1"), r#"{"type": "née"}"#));
        }
    }
}

#[test]
fn a_webhook_refuses_with_any_status_and_so_often() {
    let cases = [
        ("refuse = 410", [410, 410, 410]),
        ("refuse = 500\ntimes = 2", [500, 500, 200]),
        ("refuse = 302\ntimes = 1\nstatus = 202", [302, 202, 202]),
    ];
    for (script, expected) in cases {
        let sim = serve(&format!("[webhook]\n{script}"));
        for status in expected {
            let answer = post(&sim.webhook_url(), &json!({}));
            let leads_on = (status == 302).then_some("/webhook/elsewhere");
            assert_eq!((answer.status, answer.header("location")), (status, leads_on), "{script}");
        }
    }
    for script in ["refuse = 200", "refuse = 600", "status = 302", "status = 99"] {
        let error = format!("[webhook]\n{script}").parse::<Script>().unwrap_err().to_string();
        assert!(error.contains("a webhook answers with a status of 200 to 299"), "{script}: {error}");
    }
}

fn card(text: &str) -> Value {
    let content = json!({"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": text}]});
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": content});
    json!({"type": "message", "attachments": [attachment]})
}

#[test]
fn teams_takes_a_card_of_so_many_bytes() {
    let sim = serve("");
    let room = 28_000 - card("").to_string().len();
    for (length, status) in [(1, 202), (room, 202), (room + 1, 413)] {
        let answer = post(&sim.teams_webhook_url(), &card(&"x".repeat(length)));
        assert_eq!(answer.status, status);
        assert_eq!(answer.text.is_empty(), status == 202);
    }
    // It counts bytes.
    assert_eq!(post(&sim.teams_webhook_url(), &card(&"é".repeat(room / 2 + 1))).status, 413);
}

#[test]
fn teams_refuses_what_is_no_card_in_an_envelope() {
    let sim = serve("");
    let change = |pointer: &str, value: Value| {
        let mut card = card("x");
        *card.pointer_mut(pointer).unwrap() = value;
        card
    };
    let cases = [
        (json!({"text": "hello"}), "TriggerInputSchemaMismatch"),
        (card("x")["attachments"][0]["content"].clone(), "TriggerInputSchemaMismatch"),
        (change("/type", "AdaptiveCard".into()), "TriggerInputSchemaMismatch"),
        (change("/attachments", json!([])), "TriggerInputSchemaMismatch"),
        (change("/attachments/0/contentType", "application/json".into()), "TriggerInputSchemaMismatch"),
        (change("/attachments/0/content/type", "MessageCard".into()), "TriggerInputSchemaMismatch"),
        (change("/attachments/0/content/body", Value::Null), "TriggerInputSchemaMismatch"),
        (json!([card("x")]), "InvalidRequestContent"),
    ];
    for (body, code) in cases {
        let answer = post(&sim.teams_webhook_url(), &body);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &code.into()), "{body}");
    }
}
