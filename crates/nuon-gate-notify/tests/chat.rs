//! What Discord and Teams are sent, and how their answers are handled.

#![cfg(test)]

mod support;

use httpmock::HttpMockResponse;
use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::Delivery;
use nuon_gate_notify::{Notifier, Occasion, Options, Trigger};
use serde_json::{Value, json};
use support::{PATIENCE, Service, answer, answer_later, only, options, pending, result, sinks};

fn posted(id: &str) -> HttpMockResponse {
    answer(200, json!({"id": id}).to_string())
}

fn title(value: &Value) -> &str {
    value["embeds"][0]["title"].as_str().unwrap()
}

#[tokio::test]
async fn discord_has_one_embed_that_is_edited() {
    let service = Service::start(|number, _| match number {
        0 => posted("42"),
        // Edits can be repeated whatever happened to them.
        1 => answer(500, ""),
        2 => answer_later(429, "0"),
        _ => answer(200, "{}"),
    })
    .await;
    let discord = sinks(&[("NUON_GATE_DISCORD_WEBHOOK_URL", &service.url("/api/webhooks/1/secret?thread_id=7"))]);
    let notifier = Notifier::start(&discord, options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    let outcome = notifier.finish(result(Verdict::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let seen = service.seen();
    let lines: Vec<_> = seen.iter().map(|seen| format!("{} {} {:?}", seen.method, seen.path, seen.query)).collect();
    let edit = r#"PATCH /api/webhooks/1/secret/messages/42 [("thread_id", "7")]"#;
    let post = r#"POST /api/webhooks/1/secret [("thread_id", "7"), ("wait", "true")]"#;
    assert_eq!(lines, [post, edit, edit, edit]);
    for request in &seen {
        assert_eq!(request.json()["allowed_mentions"], json!({"parse": []}));
        assert_eq!(request.json()["embeds"].as_array().unwrap().len(), 1);
    }
    assert_eq!(title(&seen[0].json()), "⏳ deploying api in acme");
    assert_eq!(title(&seen[3].json()), "❌ api in acme failed\\: quota exceeded for pods");
}

#[tokio::test]
async fn a_deleted_embed_is_posted_anew_and_an_unclear_post_is_not_repeated() {
    let service = Service::start(|number, _| match number {
        0 => posted("42"),
        1 => answer(404, r#"{"message": "Unknown Message", "code": 10008}"#),
        _ => posted("43"),
    })
    .await;
    let url = service.url("/api/webhooks/1/secret");
    let discord = sinks(&[("NUON_GATE_DISCORD_WEBHOOK_URL", &url)]);
    let notifier = Notifier::start(&discord, options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let methods: Vec<_> = service.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, ["POST", "PATCH", "POST"]);

    let service = Service::start(|_, _| answer(502, "")).await;
    let discord = sinks(&[("NUON_GATE_DISCORD_WEBHOOK_URL", &service.url("/x"))]);
    let outcome = Notifier::start(&discord, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!((only(&outcome), service.seen().len()), ((Delivery::Failed, "HTTP 502"), 1));
}

#[tokio::test]
async fn teams_gets_a_card_for_the_approval_and_the_end() {
    let service = Service::start(|number, _| if number == 0 { answer_later(429, "0") } else { answer(202, "") }).await;
    let teams = sinks(&[("NUON_GATE_TEAMS_WEBHOOK_URL", &service.url("/invoke?sig=secret"))]);
    let all = Options { notify_on: Some(Trigger::ALL.to_vec()), ..options() };
    let notifier = Notifier::start(&teams, all).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    service.wait_for(2).await;
    let outcome = notifier.finish(result(Verdict::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let seen = service.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[0].query, [("sig".to_owned(), "secret".to_owned())]);
    let body = seen[2].json();
    assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &body["attachments"][0]["content"];
    assert_eq!((&card["type"], &card["body"][0]["inlines"][0]["color"]), (&json!("AdaptiveCard"), &json!("Attention")));
    assert_eq!(
        card["actions"][0],
        json!({"type": "Action.OpenUrl", "title": "Open in Nuon",
        "url": "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1"})
    );
}

#[tokio::test]
async fn teams_can_fail_in_a_200_and_is_not_asked_twice() {
    for (said, reason) in [
        (
            answer(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"),
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
        ),
        (answer(504, ""), "HTTP 504"),
        (answer(413, "too large"), "HTTP 413: too large"),
    ] {
        let service = Service::start(move |_, _| said.clone()).await;
        let teams = sinks(&[("NUON_GATE_TEAMS_WEBHOOK_URL", &service.url("/invoke"))]);
        let outcome = Notifier::start(&teams, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!((only(&outcome), service.seen().len()), ((Delivery::Failed, reason), 1));
    }
}
