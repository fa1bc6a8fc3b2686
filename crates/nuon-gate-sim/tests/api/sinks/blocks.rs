//! The limits of Slack's blocks, and where violations are reported.

use serde_json::{Value, json};

use super::{post, said};
use crate::client::serve;

fn text(kind: &str, length: usize) -> Value {
    json!({"type": kind, "text": "é".repeat(length)})
}

fn header(length: usize) -> Value {
    json!({"type": "header", "text": text("plain_text", length)})
}

fn section(length: usize) -> Value {
    json!({"type": "section", "text": text("mrkdwn", length)})
}

fn fields(count: usize, length: usize) -> Value {
    json!({"type": "section", "fields": vec![text("mrkdwn", length); count]})
}

fn context(count: usize) -> Value {
    json!({"type": "context", "elements": vec![text("plain_text", 1); count]})
}

fn button(name: &str, length: usize) -> Value {
    let mut button = json!({"type": "button", "text": text("plain_text", 1), "url": "https://a.example", "value": "v"});
    match name {
        "text" => button["text"] = text("plain_text", length),
        name => button[name] = "x".repeat(length).into(),
    }
    json!({"type": "actions", "elements": [button]})
}

fn buttons(count: usize) -> Value {
    json!({"type": "actions", "elements": vec![json!({"type": "button", "text": text("plain_text", 1)}); count]})
}

fn id(length: usize) -> Value {
    json!({"type": "divider", "block_id": "x".repeat(length)})
}

fn markdown(length: usize) -> Value {
    json!({"type": "markdown", "text": "x".repeat(length)})
}

fn table(rows: usize, cells: usize) -> Value {
    json!({"type": "table", "rows": vec![vec![json!({"type": "raw_text", "text": "x"}); cells]; rows]})
}

fn rich(element: &Value) -> Value {
    json!({"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [element]}]})
}

/// Blocks, and their violation in Slack's words, with its place.
fn cases() -> Vec<(Vec<Value>, &'static str)> {
    let divider = || json!({"type": "divider"});
    vec![
        (vec![divider(); 51], "no more than 50 items allowed [/blocks]"),
        (vec![header(151)], "must be less than 151 characters [/blocks/0/text/text]"),
        (
            vec![json!({"type": "header", "text": {"type": "plain_text", "text": "🚀".repeat(76)}})],
            "must be less than 151 characters [/blocks/0/text/text]",
        ),
        (vec![divider(), header(0)], "must be more than 0 characters [/blocks/1/text/text]"),
        (vec![json!({"type": "header", "text": text("mrkdwn", 1)})], "unsupported type: mrkdwn [/blocks/0/text/type]"),
        (vec![json!({"type": "header", "text": "x"})], "must provide an object [/blocks/0/text]"),
        (vec![divider(), section(3001)], "must be less than 3001 characters [/blocks/1/text/text]"),
        (vec![section(0)], "must be more than 0 characters [/blocks/0/text/text]"),
        (
            vec![json!({"type": "section", "text": {"type": "mrkdwn", "text": " \n"}})],
            "must be more than 0 characters [/blocks/0/text/text]",
        ),
        (
            vec![json!({"type": "section", "text": {"type": "mrkdwn", "text": 1}})],
            "must provide a string [/blocks/0/text/text]",
        ),
        (vec![json!({"type": "section"})], "must define either `text` or `fields` [/blocks/0]"),
        (vec![fields(1, 2001)], "must be less than 2001 characters [/blocks/0/fields/0/text]"),
        (vec![fields(11, 1)], "no more than 10 items allowed [/blocks/0/fields]"),
        (vec![fields(0, 1)], "no less than 1 items allowed [/blocks/0/fields]"),
        (vec![context(11)], "no more than 10 items allowed [/blocks/0/elements]"),
        (vec![context(0)], "no less than 1 items allowed [/blocks/0/elements]"),
        (vec![json!({"type": "context"})], "missing required field: elements [/blocks/0]"),
        (vec![buttons(26)], "no more than 25 items allowed [/blocks/0/elements]"),
        (vec![button("text", 76)], "must be less than 76 characters [/blocks/0/elements/0/text/text]"),
        (vec![button("url", 3001)], "must be less than 3001 characters [/blocks/0/elements/0/url]"),
        (vec![button("value", 2001)], "must be less than 2001 characters [/blocks/0/elements/0/value]"),
        (vec![button("action_id", 256)], "must be less than 256 characters [/blocks/0/elements/0/action_id]"),
        (
            vec![button("action_id", 1), button("action_id", 1)],
            "`action_id` \"x\" already exists [/blocks/1/elements/0/action_id]",
        ),
        (vec![id(256)], "must be less than 256 characters [/blocks/0/block_id]"),
        (vec![id(1), divider(), id(1)], "`block_id` \"x\" already exists [/blocks/2/block_id]"),
        (vec![markdown(12_001)], "must be less than 12001 characters [/blocks/0/text]"),
        (vec![markdown(11_000), markdown(1001)], "must be less than 1001 characters [/blocks/1/text]"),
        (vec![markdown(6000), markdown(5000), markdown(1001)], "must be less than 1001 characters [/blocks/2/text]"),
        (vec![table(101, 1)], "no more than 100 items allowed [/blocks/0/rows]"),
        (vec![table(1, 21)], "no more than 20 items allowed [/blocks/0/rows/0]"),
        (
            vec![rich(&json!({"type": "text", "text": ""}))],
            "must be more than 0 characters [/blocks/0/elements/0/elements/0/text]",
        ),
        (
            vec![json!({"type": "image", "image_url": "https://a.example"})],
            "must provide a string [/blocks/0/alt_text]",
        ),
        (vec![json!({"type": "sectoin"})], "unsupported type: sectoin [/blocks/0/type]"),
        (vec![json!("divider")], "must provide an object [/blocks/0]"),
    ]
}

#[test]
fn what_is_beyond_a_limit_is_refused_and_pointed_at() {
    for (blocks, expected) in cases() {
        let expected = expected.replace('[', "[json-pointer:");
        let sim = serve("");
        let ts = said(&sim, "chat.postMessage", &json!({"channel": "deploys", "text": "x"}))["ts"].clone();
        let refusal = json!({
            "ok": false,
            "error": "invalid_blocks",
            "errors": [expected],
            "response_metadata": {"messages": [format!("[ERROR] {expected}")]},
        });
        let (name, id) = ("deploys", super::CHANNEL);
        let body = json!({"channel": name, "text": "x", "blocks": blocks});
        assert_eq!(said(&sim, "chat.postMessage", &body), refusal);
        let body = json!({"channel": id, "ts": ts, "text": "x", "blocks": blocks});
        assert_eq!(said(&sim, "chat.update", &body), refusal);
        let answer = post(&sim.slack_webhook_url(), &json!({"text": "x", "blocks": blocks}));
        assert_eq!((answer.status, answer.text.as_str()), (400, "invalid_blocks"));
        let body = json!({"channel": name, "text": "x", "attachments": [{}, {"blocks": blocks}]});
        let answer = said(&sim, "chat.postMessage", &body);
        assert_eq!(answer["error"], "invalid_attachments");
        assert_eq!(answer["errors"], json!([expected.replace("/blocks", "/attachments/1/blocks")]));
        assert_eq!(sim.slack_messages().len(), 1, "{expected}");
    }
}

#[test]
fn a_check_points_from_what_it_was_given() {
    let sim = serve("");
    for (blocks, expected) in cases() {
        let (message, pointer) = expected.trim_end_matches(']').split_once(" [").unwrap();
        let short = pointer.strip_prefix("/blocks").unwrap();
        let list = json!(blocks);
        let given = json!({"blocks": blocks});
        let cases = [
            ("blocks", list.clone(), short),
            ("blocks", list.to_string().into(), short),
            ("message", given.clone(), pointer),
            ("message", given.to_string().into(), pointer),
            ("view", given, pointer),
        ];
        for (name, value, pointer) in cases {
            let answer = said(&sim, "blocks.validate", &json!({name: value}));
            let error = json!({"code": "failed_constraint", "message": message, "pointer": pointer});
            let expected = json!({"ok": false, "error": format!("invalid_{name}"), "errors": [error]});
            assert_eq!(answer, expected);
        }
    }
    let empty = json!([]);
    for body in [json!({}), json!({"blocks": empty, "message": {}})] {
        let answer = said(&sim, "blocks.validate", &body);
        assert_eq!(answer["error"], "invalid_arguments");
        assert!(answer["response_metadata"]["messages"][0].as_str().unwrap().contains("exactly one of"));
    }
    assert!(sim.slack_messages().is_empty(), "nothing is posted");
}

#[test]
fn what_is_at_a_limit_is_taken() {
    let lots = vec![json!({"type": "divider"}); 50];
    let all = [
        vec![header(150), header(1)],
        vec![section(3000), section(1)],
        vec![fields(1, 2000), fields(10, 1)],
        vec![context(10), context(1)],
        vec![buttons(25), button("text", 75)],
        vec![button("url", 3000), button("value", 2000), button("action_id", 255)],
        vec![id(255), id(1)],
        vec![markdown(11_000), markdown(1000)],
        vec![table(100, 1), table(1, 20)],
        vec![rich(&json!({"type": "text", "text": " "})), rich(&json!({"type": "link", "url": "https://a.example"}))],
        vec![section(3000), section(3000), section(3000), section(3000), section(1200)],
        vec![json!({"type": "plan", "title": "not looked into"})],
        lots,
    ];
    for blocks in all {
        let sim = serve("");
        let body = json!({"channel": "deploys", "text": "x", "blocks": blocks});
        let answer = said(&sim, "chat.postMessage", &body);
        assert_eq!(answer["ok"], true, "{answer}");
        assert_eq!(answer["message"]["blocks"], json!(blocks));
        assert_eq!(said(&sim, "blocks.validate", &json!({"blocks": blocks})), json!({"ok": true}));
        assert_eq!(post(&sim.slack_webhook_url(), &body).text, "ok");
    }
}
