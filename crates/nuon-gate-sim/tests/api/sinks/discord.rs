//! A Discord webhook.

use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use super::post;
use crate::client::{Answer, send, serve};

/// Posts, and waits for the message.
fn posted(sim: &Sim, body: &Value) -> Answer {
    post(&(sim.discord_webhook_url() + "?wait=true"), body)
}

fn edit(sim: &Sim, id: &str, body: &Value) -> Answer {
    send(&format!("{}/messages/{id}", sim.discord_webhook_url()), "PATCH", "", &body.to_string())
}

#[test]
fn only_who_waits_gets_the_message() {
    let sim = serve("");
    for (query, status) in [("", 204), ("?wait=false", 204), ("?wait=true", 200)] {
        let answer = post(&(sim.discord_webhook_url() + query), &json!({"content": "hello"}));
        assert_eq!(answer.status, status, "{query}");
        let messages = sim.discord_messages();
        let message = &messages[messages.len() - 1];
        assert_eq!(message.content, "hello");
        if status == 200 {
            assert_eq!(
                (&answer.json()["id"], &answer.json()["content"]),
                (&message.id.as_str().into(), &"hello".into())
            );
        } else {
            assert_eq!(answer.text, "");
        }
    }
    let ids: Vec<String> = sim.discord_messages().into_iter().map(|message| message.id).collect();
    assert!(ids[0] < ids[1] && ids[1] < ids[2], "{ids:?}");
}

#[test]
fn an_edit_takes_the_place_of_what_was_there_and_keeps_what_it_leaves_out() {
    let sim = serve("");
    let first = posted(&sim, &json!({"content": "going", "embeds": [{"title": "api"}]})).json();
    let id = first["id"].as_str().unwrap();
    assert_eq!(first["edited_timestamp"], Value::Null);
    posted(&sim, &json!({"content": "other"}));
    let steps = [
        (json!({"content": "done"}), "done", json!([{"title": "api"}])),
        (json!({"embeds": [{"title": "api is live"}]}), "done", json!([{"title": "api is live"}])),
        (json!({"content": null}), "", json!([{"title": "api is live"}])),
    ];
    for (at, (body, content, embeds)) in steps.into_iter().enumerate() {
        let answer = edit(&sim, id, &body);
        assert_eq!((answer.status, &answer.json()["id"]), (200, &id.into()));
        assert!(answer.json()["edited_timestamp"].is_string());
        let messages = sim.discord_messages();
        assert_eq!((messages.len(), messages[1].edits), (2, 0));
        assert_eq!((messages[0].content.as_str(), json!(messages[0].embeds)), (content, embeds));
        assert_eq!(messages[0].edits as usize, at + 1);
    }
    // A message may not become empty.
    let answer = edit(&sim, id, &json!({"embeds": []}));
    assert_eq!((answer.status, &answer.json()["code"]), (400, &50006.into()));
    assert_eq!((sim.discord_messages()[0].embeds.len(), sim.discord_messages()[0].edits), (1, 3));
}

#[test]
fn an_edit_wants_a_message_of_the_same_webhook() {
    let sim = serve("");
    let id = posted(&sim, &json!({"content": "x"})).json()["id"].as_str().unwrap().to_owned();
    let body = json!({"content": "y"});
    let elsewhere = format!("{}x/messages/{id}", sim.discord_webhook_url());
    for answer in [edit(&sim, "1", &body), send(&elsewhere, "PATCH", "", &body.to_string())] {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json(), json!({"message": "Unknown Message", "code": 10008}));
    }
    assert_eq!(sim.discord_messages()[0].edits, 0);
    let message = format!("{}/messages/{id}", sim.discord_webhook_url());
    assert_eq!(send(&message, "POST", "", "{}").status, 405);
    assert_eq!(send(&sim.discord_webhook_url(), "PATCH", "", "{}").status, 405);
}

fn text(length: usize) -> String {
    "é".repeat(length)
}

fn fields(count: usize, name: usize, value: usize) -> Value {
    json!({"fields": vec![json!({"name": text(name), "value": text(value)}); count]})
}

#[test]
fn what_is_beyond_a_limit_is_refused_in_the_messages_own_shape() {
    let too_long = |most: usize| ("BASE_TYPE_MAX_LENGTH", format!("Must be {most} or fewer in length."));
    let missing = ("BASE_TYPE_REQUIRED", "This field is required".to_owned());
    let too_large = ("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000".to_owned());
    let embed = |embed: Value| json!({"embeds": [{"title": "x"}, embed]});
    let cases = [
        (json!({"content": text(2001)}), "/content", too_long(2000)),
        (json!({"content": "🚀".repeat(1001)}), "/content", too_long(2000)),
        (json!({"embeds": vec![json!({"title": "x"}); 11]}), "/embeds", too_long(10)),
        (embed(json!({"title": text(257)})), "/embeds/1/title", too_long(256)),
        (embed(json!({"description": text(4097)})), "/embeds/1/description", too_long(4096)),
        (embed(json!({"footer": {"text": text(2049)}})), "/embeds/1/footer/text", too_long(2048)),
        (embed(json!({"author": {"name": text(257)}})), "/embeds/1/author/name", too_long(256)),
        (embed(fields(26, 1, 1)), "/embeds/1/fields", too_long(25)),
        (embed(fields(1, 257, 1)), "/embeds/1/fields/0/name", too_long(256)),
        (embed(fields(1, 1, 1025)), "/embeds/1/fields/0/value", too_long(1024)),
        (embed(fields(1, 0, 1)), "/embeds/1/fields/0/name", missing.clone()),
        (embed(fields(1, 1, 0)), "/embeds/1/fields/0/value", missing),
        (
            json!({"embeds": vec![json!({"description": text(3001)}), json!({"description": text(3000)})]}),
            "/embeds",
            too_large.clone(),
        ),
        (embed(fields(25, 100, 141)), "/embeds", too_large),
        (json!({"content": 1}), "/content", ("STRING_TYPE_CONVERT", "Could not interpret value as string.".to_owned())),
    ];
    for (body, pointer, (code, message)) in cases {
        let sim = serve("");
        let id = posted(&sim, &json!({"content": "x"})).json()["id"].as_str().unwrap().to_owned();
        for answer in [posted(&sim, &body), post(&sim.discord_webhook_url(), &body), edit(&sim, &id, &body)] {
            assert_eq!(answer.status, 400, "{pointer}");
            let refusal = answer.json();
            assert_eq!((&refusal["code"], &refusal["message"]), (&50035.into(), &"Invalid Form Body".into()));
            let errors = refusal["errors"].pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {refusal}"));
            assert_eq!(errors, &json!({"_errors": [{"code": code, "message": message}]}));
        }
        assert_eq!((sim.discord_messages().len(), sim.discord_messages()[0].edits), (1, 0));
    }
}

#[test]
fn what_is_at_a_limit_is_taken() {
    let full = json!({"title": text(256), "description": text(4096), "footer": {"text": text(1392)}, "author": {"name": text(256)}});
    let bodies = [
        json!({"content": text(2000)}),
        json!({"content": "🚀".repeat(1000)}),
        json!({"embeds": vec![json!({"title": "x"}); 10]}),
        json!({"embeds": [full]}),
        json!({"embeds": [{"footer": {"text": text(2048)}}]}),
        json!({"embeds": [fields(25, 100, 140)]}),
        json!({"embeds": [fields(4, 256, 1024)]}),
    ];
    for body in bodies {
        let answer = posted(&serve(""), &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[test]
fn nothing_is_no_message() {
    let sim = serve("");
    for (body, code) in [("{}", 50006), (r#"{"content": " ", "embeds": []}"#, 50006), ("{", 50109), ("[]", 50109)] {
        let answer = send(&sim.discord_webhook_url(), "POST", "", body);
        assert_eq!((answer.status, &answer.json()["code"]), (400, &code.into()), "{body}");
    }
    assert!(sim.discord_messages().is_empty());
}
