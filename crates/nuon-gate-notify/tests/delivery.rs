//! Common rules for sinks: none delays another, the budget is kept, and no secret leaks.

#![cfg(test)]

mod support;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use nuon_gate_core::result::v1::Delivery;
use nuon_gate_core::{Line, Verdict};
use nuon_gate_notify::{Notifier, Occasion, Options, Pace, Sinks, Trigger, render};
use support::{PATIENCE, Service, answer, answer_later, only, options, pending, result, sinks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A server that accepts connections and never answers.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/secret-path", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_slow_sink_holds_up_nobody_and_the_budget_holds() {
    let (_listener, slow) = silent().await;
    let service = Service::start(|_, _| answer(200, "")).await;
    let urls = format!("{slow}\n{}", service.url("/quick"));
    let both = sinks(&[("NUON_GATE_WEBHOOK_URL", &urls), ("NUON_GATE_SLACK_CHANNEL", "deploys")]);
    let notifier = Notifier::start(&both, options()).unwrap();
    let began = Instant::now();
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    assert!(began.elapsed() < Duration::from_secs(1), "telling waits for nobody");
    service.wait_for(1).await;
    let outcome = notifier.finish(result(Verdict::Passed), Duration::from_millis(300)).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let results: Vec<_> = outcome.results.iter().map(|result| (result.sink.plain(), result.result)).collect();
    let expected = [("webhook", Delivery::Failed), ("webhook-2", Delivery::Sent), ("slack", Delivery::Skipped)];
    assert_eq!(results, expected);
    assert_eq!(outcome.results[0].reason, Some(Line::new("not done within --notify-timeout")));
    let skipped = "NUON_GATE_SLACK_TOKEN is not set, though NUON_GATE_SLACK_CHANNEL is";
    assert_eq!(outcome.results[2].reason, Some(Line::new(skipped)));
    assert!(outcome.warnings.is_empty(), "the result says it: {outcome:?}");
    assert!(outcome.any_failed());
}

#[tokio::test]
async fn a_signal_shortens_the_time_and_what_is_known_is_kept() {
    let (_listener, slow) = silent().await;
    let service = Service::start(|_, _| answer(200, "")).await;
    let both = sinks(&[("NUON_GATE_WEBHOOK_URL", &format!("{slow}\n{}", service.url("/quick")))]);
    let notifier = Notifier::start(&both, options()).unwrap();
    let (hurry, began) = (notifier.hurry(), Instant::now());
    let signal = async {
        service.wait_for(1).await;
        hurry.after_signal(Duration::from_millis(200));
        hurry.after_signal(PATIENCE);
    };
    let (outcome, ()) = tokio::join!(notifier.finish(result(Verdict::Passed), PATIENCE), signal);
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    let late = Line::new("not done in the time after the signal");
    let results: Vec<_> = outcome.results.iter().map(|result| (result.result, result.reason.clone())).collect();
    assert_eq!(results, [(Delivery::Failed, Some(late)), (Delivery::Sent, None)]);

    // A retry that would come too late is not waited for.
    let service = Service::start(|_, _| answer_later(429, "20")).await;
    let busy = sinks(&[("NUON_GATE_WEBHOOK_URL", &service.url("/busy"))]);
    let notifier = Notifier::start(&busy, options()).unwrap();
    let (hurry, began) = (notifier.hurry(), Instant::now());
    let signal = async {
        service.wait_for(1).await;
        hurry.after_signal(Duration::from_secs(10));
    };
    let (outcome, ()) = tokio::join!(notifier.finish(result(Verdict::Passed), PATIENCE), signal);
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 429: later"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn connections_that_fail_are_tried_again_and_show_no_address() {
    let (listener, url) = silent().await;
    drop(listener);
    for variable in ["NUON_GATE_WEBHOOK_URL", "NUON_GATE_SLACK_WEBHOOK_URL"] {
        let nobody = sinks(&[(variable, &url)]);
        let outcome = Notifier::start(&nobody, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
        let (delivery, reason) = only(&outcome);
        assert_eq!(delivery, Delivery::Failed);
        assert!(reason.starts_with("could not connect to 127.0.0.1:") && !reason.contains("secret"), "{reason}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_unclear() {
    let (_listener, url) = silent().await;
    let pace = Pace { request_timeout: Duration::from_millis(50), ..options().pace };
    let hasty = Options { pace, ..options() };
    let nobody = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &url)]);
    let outcome = Notifier::start(&nobody, hasty).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Failed, "no answer within 50ms"));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let service = Service::start(|_, _| answer(400, "d3LiveryAa1Bb2Cc3 ".repeat(1_000_000))).await;
    let nobody = sinks(&[("NUON_GATE_WEBHOOK_URL", &service.url("/hooks/d3LiveryAa1Bb2Cc3"))]);
    let outcome = Notifier::start(&nobody, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
    let (delivery, reason) = only(&outcome);
    assert_eq!(delivery, Delivery::Failed);
    assert!(reason.len() < 400 && reason.starts_with("HTTP 400: [redacted] [redacted]"), "{reason}");
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/x", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = connection.read(&mut request).await.unwrap();
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        // The body does not come.
        std::future::pending::<()>().await;
    });
    let hook = sinks(&[("NUON_GATE_WEBHOOK_URL", &url)]);
    let began = Instant::now();
    let outcome = Notifier::start(&hook, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert!(began.elapsed() < options().pace.request_timeout / 2, "{:?}", began.elapsed());
}

/// A service that answers as all of them do, but refuses one request.
async fn refusing(refused: usize) -> Service {
    let said = r#"{"ok":true,"channel":"C1","ts":"1.1","id":"1"}"#;
    Service::start(move |number, _| match number == refused {
        true => answer(400, r#"{"ok":false,"error":"bad_day"}"#),
        false => answer(200, said),
    })
    .await
}

fn one_sink(name: &str, service: &Service) -> Sinks {
    let url = service.url("/api/");
    match name {
        "slack" => sinks(&[
            ("NUON_GATE_SLACK_TOKEN", "xoxb-secret-token"),
            ("NUON_GATE_SLACK_CHANNEL", "deploys"),
            ("NUON_GATE_SLACK_API_URL", &url),
        ]),
        "github-status" => {
            let mut status = sinks(&[]);
            let set = |name: &str| match name {
                "GITHUB_TOKEN" => Some("secret-token".to_owned()),
                "GITHUB_REPOSITORY" => Some("acme/api".to_owned()),
                "GITHUB_SHA" => Some("4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b".to_owned()),
                _ => Some(url.clone()),
            };
            status.add_github_status("nuon/deploy", &set).unwrap();
            status
        }
        name => sinks(&[(&format!("NUON_GATE_{}_URL", name.to_uppercase().replace('-', "_")), &url)]),
    }
}

#[tokio::test]
async fn the_end_makes_up_for_what_came_before_it_but_for_a_request_for_an_approval() {
    const START: Occasion = Occasion::Started;
    const CHANGE: Occasion = Occasion::Changed;
    const APPROVAL: Occasion = Occasion::Approval;
    // Which sink, what happens, how many requests each of it takes, which request is refused, and whether that counts as
    // sent in the end.
    type Row = (&'static str, &'static [(Occasion, usize)], usize, bool);
    let rows: [Row; 15] = [
        ("webhook", &[(START, 1)], 0, true),
        ("webhook", &[(CHANGE, 1)], 0, true),
        ("webhook", &[(APPROVAL, 1)], 0, false),
        ("webhook", &[(APPROVAL, 1), (CHANGE, 1)], 0, false),
        ("webhook", &[(APPROVAL, 1), (CHANGE, 1)], 1, true),
        ("webhook", &[(APPROVAL, 1)], 1, false),
        ("slack-webhook", &[(APPROVAL, 1)], 0, false),
        ("teams-webhook", &[(APPROVAL, 1)], 0, false),
        ("discord-webhook", &[(START, 1)], 0, true),
        ("discord-webhook", &[(START, 1), (APPROVAL, 1)], 1, false),
        ("slack", &[(START, 1)], 0, true),
        // The reply that people see, and the edit.
        ("slack", &[(START, 1), (APPROVAL, 2)], 1, false),
        ("slack", &[(START, 1), (APPROVAL, 2)], 2, true),
        ("github-status", &[(START, 1)], 0, true),
        ("github-status", &[(START, 1), (APPROVAL, 1)], 1, true),
    ];
    for (sink, happens, refused, is_sent) in rows {
        let row = format!("{sink}: {happens:?}, refused {refused}");
        let service = refusing(refused).await;
        let all = Options { notify_on: Some(Trigger::ALL.to_vec()), ..options() };
        let notifier = Notifier::start(&one_sink(sink, &service), all).unwrap();
        let mut requests = 0;
        for (occasion, count) in happens {
            let status = if *occasion == APPROVAL { "pending-approval" } else { "executing" };
            notifier.notify(*occasion, pending(status));
            requests += count;
            service.wait_for(requests).await;
        }
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        let (delivery, reason) = only(&outcome);
        assert_eq!(delivery == Delivery::Sent, is_sent, "{row}: {outcome:?}");
        assert_eq!(outcome.warnings.len(), usize::from(is_sent), "{row}: {outcome:?}");
        assert_eq!(outcome.any_failed(), !is_sent);
        let lost = "a request for an approval did not arrive: ";
        assert_eq!(reason.starts_with(lost), !is_sent && refused < requests, "{row}: {reason}");
    }
}

#[tokio::test]
async fn a_replaced_message_leaves_a_warning() {
    let service = Service::start(|number, _| answer(if number == 0 { 400 } else { 200 }, "no")).await;
    let hook = sinks(&[("NUON_GATE_WEBHOOK_URL", &service.url("/x"))]);
    let starting = Options { notify_on: Some(vec![Trigger::Start, Trigger::Success]), ..options() };
    let notifier = Notifier::start(&hook, starting).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(outcome.warnings, ["webhook: an earlier message did not arrive: HTTP 400: no"]);
}

#[tokio::test]
async fn a_request_for_an_approval_that_had_to_wait_for_a_failing_sink_is_lost() {
    for (refusal, is_sent) in [(429, false), (200, true)] {
        let service = Service::start(move |number, _| match number {
            0 => answer(refusal, r#"{"ok":true,"channel":"C1","ts":"1.1"}"#),
            _ => answer(200, r#"{"ok":true,"channel":"C1","ts":"1.1"}"#),
        })
        .await;
        let slow = Pace { first_retry: Duration::from_secs(60), ..options().pace };
        let notifier = Notifier::start(&one_sink("slack", &service), Options { pace: slow, ..options() }).unwrap();
        notifier.notify(Occasion::Started, pending("queued"));
        service.wait_for(1).await;
        notifier.notify(Occasion::Approval, pending("pending-approval"));
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!(only(&outcome).0 == Delivery::Sent, is_sent, "{outcome:?}");
    }
}

#[tokio::test]
async fn secrets_that_come_back_in_a_log_are_not_passed_on() {
    const PART: &str = "l3akYAa1Bb2Cc3Dd4";
    let service = Service::start(|_, _| answer(200, "")).await;
    let url = service.url(&format!("/hooks/{PART}"));
    let variables =
        ["WEBHOOK", "DISCORD_WEBHOOK", "TEAMS_WEBHOOK", "SLACK_WEBHOOK"].map(|sink| format!("NUON_GATE_{sink}_URL"));
    let hook = sinks(&variables.each_ref().map(|name| (name.as_str(), url.as_str())));
    let encoded = [STANDARD.encode(format!("hook:{PART}")), URL_SAFE_NO_PAD.encode(&url), url.replace('/', "%2f")];
    let mut leaky = result(Verdict::Failed);
    for secret in [url.as_str(), PART].into_iter().chain(encoded.iter().map(String::as_str)) {
        let line = Line::new(format!("curl {secret} failed"));
        leaky.targets[0].log_tail[0].text = line.clone();
        leaky.reason = Some(line);
        for rendered in render(&hook, &leaky, &[]) {
            assert!(!rendered.text.contains(secret) && rendered.text.contains("redacted"), "{secret}: {rendered:?}");
        }
        Notifier::start(&hook, options()).unwrap().finish(leaky.clone(), PATIENCE).await;
    }
    let bodies: Vec<_> = service.seen().iter().map(|seen| String::from_utf8(seen.body.clone()).unwrap()).collect();
    assert_eq!(bodies.len(), 4 * 5);
    for secret in encoded.iter().map(String::as_str).chain([PART]) {
        assert!(bodies.iter().all(|body| !body.contains(secret)), "{secret}: {bodies:?}");
    }
}

#[tokio::test]
async fn no_sinks_are_no_error() {
    let notifier = Notifier::start(&sinks(&[]), options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    let outcome = notifier.finish(result(Verdict::Passed), Duration::ZERO).await;
    assert!(outcome.results.is_empty() && outcome.warnings.is_empty());
}

#[tokio::test]
async fn a_refusal_ends_what_is_shown_and_sends_nothing_else() {
    let all = Some(Trigger::ALL.to_vec());
    // Which sink, what is listed, and how many requests the start and then the refusal take.
    let rows = [
        ("slack", None, 1, 1),
        ("slack", Some(vec![Trigger::Failure]), 0, 0),
        ("discord-webhook", None, 1, 1),
        ("discord-webhook", Some(vec![Trigger::Failure]), 0, 0),
        ("github-status", Some(vec![Trigger::Failure]), 1, 1),
        ("webhook", all.clone(), 1, 0),
        ("slack-webhook", all.clone(), 0, 0),
        ("teams-webhook", all, 0, 0),
    ];
    let (why, hint) = (Line::new("the latest deploy had already ended"), Line::new("pin the deploy"));
    for (sink, notify_on, started, ended) in rows {
        let service = refusing(usize::MAX).await;
        let notifier = Notifier::start(&one_sink(sink, &service), Options { notify_on, ..options() }).unwrap();
        notifier.notify(Occasion::Started, pending("executing"));
        service.wait_for(started).await;
        let outcome = notifier.refuse(why.clone(), Some(hint.clone()), PATIENCE).await;
        assert!(!outcome.any_failed(), "{outcome:?}");
        let seen = service.seen();
        assert_eq!(seen.len(), started + ended, "{sink}: {seen:?}");
        let Some(last) = seen.last().filter(|_| ended > 0) else { continue };
        let body = String::from_utf8(last.body.clone()).unwrap().replace('\\', "");
        assert!(body.contains("api in acme not waited for") && body.contains(why.plain()), "{sink}: {body}");
        match sink {
            "slack" => assert!(last.path.ends_with("/chat.update") && body.contains("pin the deploy"), "{body}"),
            "discord-webhook" => assert!(last.method == "PATCH" && body.contains("pin the deploy"), "{body}"),
            _ => assert_eq!(last.json()["state"], "error"),
        }
    }
}

#[tokio::test]
async fn a_refusal_before_anything_was_sent_is_not_notified() {
    for sink in ["slack", "github-status", "webhook"] {
        let service = refusing(usize::MAX).await;
        // The names of the targets are not known yet, so the start has to wait.
        let (_names, names) = tokio::sync::watch::channel(None);
        let all = Options { names: Some(names), notify_on: Some(Trigger::ALL.to_vec()), ..options() };
        let notifier = Notifier::start(&one_sink(sink, &service), all).unwrap();
        notifier.notify(Occasion::Started, pending("executing"));
        let outcome = notifier.refuse(Line::new("why"), None, PATIENCE).await;
        assert_eq!(only(&outcome).0, Delivery::Skipped);
        assert_eq!(service.seen().len(), 0, "{sink}");
    }
}
