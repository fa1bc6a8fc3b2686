//! How the answers of the Web API are handled.

use httpmock::HttpMockResponse;
use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::Delivery;
use nuon_gate_notify::{Notifier, Occasion, Options, Sinks, Trigger, send_test, slack_check};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Service, answer, answer_later, only, options, pending, result, sinks};
use crate::{bot, header_text, methods, no, ok};

#[tokio::test]
async fn refused_blocks_arrive_as_plain_text() {
    for error in ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"] {
        let service =
            Service::start(move |_, seen| if seen.json()["blocks"] == json!([]) { ok("100.1") } else { no(error) })
                .await;
        let only_end = Options { notify_on: Some(vec![Trigger::Success]), ..options() };
        let notifier = Notifier::start(&bot(&service), only_end).unwrap();
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (Delivery::Sent, ""), "{error}");
        let seen = service.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].json()["text"], seen[1].json()["text"]);
        // The text is parsed only where it is shown itself.
        assert_eq!((seen[0].json().get("mrkdwn"), &seen[1].json()["mrkdwn"]), (None, &json!(false)));
    }
}

#[tokio::test]
async fn a_200_can_be_a_failure_and_says_what_to_do() {
    for (error, hint) in [
        ("not_in_channel", "not_in_channel: invite the bot into the channel: /invite @its-name"),
        ("token_revoked", "token_revoked: the token is no longer valid; install the app again"),
        ("something_new", "something_new"),
    ] {
        let service = Service::start(move |_, _| no(error)).await;
        let notifier = Notifier::start(&bot(&service), options()).unwrap();
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (Delivery::Failed, hint));
        assert!(outcome.any_failed());
        assert_eq!(service.seen().len(), 1, "{error} is not tried again");
    }
}

#[tokio::test]
async fn what_may_have_been_posted_is_not_posted_again() {
    for unclear in [answer(503, "down"), no("internal_error"), answer(200, "{")] {
        let service = Service::start(move |_, _| unclear.clone()).await;
        let notifier = Notifier::start(&bot(&service), options()).unwrap();
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!(only(&outcome).0, Delivery::Failed);
        assert_eq!(service.seen().len(), 1);
    }
}

#[tokio::test]
async fn too_many_requests_and_edits_are_repeated() {
    let service = Service::start(|number, _| match number {
        0 => answer_later(429, "0"),
        1 => no("ratelimited"),
        // The third request is the post. The edits follow.
        3 | 4 => answer(502, "<html>"),
        _ => ok("100.1"),
    })
    .await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(3).await;
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let expected =
        ["chat.postMessage", "chat.postMessage", "chat.postMessage", "chat.update", "chat.update", "chat.update"];
    assert_eq!(methods(&service), expected);
}

#[tokio::test]
async fn a_pause_beyond_the_budget_is_not_waited_for() {
    let service = Service::start(|_, _| answer_later(429, "3600")).await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    let began = tokio::time::Instant::now();
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 429: later"));
    assert!(began.elapsed() < PATIENCE / 2);
    // The start was given up for the end, which was tried once.
    assert_eq!(service.seen().len(), 2);
}

#[tokio::test]
async fn a_bot_without_a_channel_is_refused_before_the_wait() {
    let homeless = sinks(&[("NUON_GATE_SLACK_TOKEN", "xoxb-1")]);
    let error = Notifier::start(&homeless, options()).err().unwrap();
    assert_eq!(error.to_string(), "NUON_GATE_SLACK_TOKEN is set, but NUON_GATE_SLACK_CHANNEL is not");
    let housed = Options { slack_thread: Some("C1:1.1".parse().unwrap()), ..options() };
    assert!(Notifier::start(&homeless, housed).is_ok());
}

#[tokio::test]
async fn a_test_message_is_marked() {
    let service = Service::start(|_, _| ok("100.1")).await;
    let none = Options { notify_on: Some(Vec::new()), ..options() };
    let now = "2026-08-03T14:00:00Z".parse().unwrap();
    let outcome = send_test(&bot(&service), none, now, PATIENCE).await.unwrap();
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(methods(&service), ["chat.postMessage"]);
    assert!(header_text(&service.seen()[0]).starts_with("🔔 test message"));
}

#[tokio::test]
async fn the_doctor_asks_whose_token_it_is_and_whether_the_blocks_are_valid() {
    let service = Service::start(|_, seen| match seen.path.as_str() {
        "/api/auth.test" => HttpMockResponse::builder()
            .status(200)
            .header("x-oauth-scopes", "chat:write, channels:read")
            .body(json!({"ok": true, "team": "Acme", "user": "gate", "url": "https://acme.slack.com/"}).to_string())
            .build(),
        _ => answer(
            200,
            json!({"ok": false, "error": "invalid_blocks", "errors": [{"pointer": "/0/text", "message": "too long"}]})
                .to_string(),
        ),
    })
    .await;
    let check = slack_check(&bot(&service), &options()).await.unwrap().unwrap();
    let identity = check.identity.unwrap();
    assert_eq!((identity.team.as_str(), identity.user.as_str(), identity.can_post()), ("Acme", "gate", Some(true)));
    assert_eq!(check.blocks.unwrap_err().words, "invalid_blocks: please report this as a bug (/0/text too long)");
    let sent: Value = service.seen()[1].json();
    assert!(serde_json::from_str::<Vec<Value>>(sent["blocks"].as_str().unwrap()).unwrap().len() > 2);

    assert_eq!(slack_check(&Sinks::default(), &options()).await, Ok(None));
    let service = Service::start(|_, _| no("invalid_auth")).await;
    let check = slack_check(&bot(&service), &options()).await.unwrap().unwrap();
    assert!(check.identity.unwrap_err().words.starts_with("invalid_auth: the token is not one of Slack's"));
}
