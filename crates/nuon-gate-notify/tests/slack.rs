//! What the Slack bot and the Slack webhook say to Slack, and what they make of its answers.

#![cfg(test)]

mod support;

use std::time::Duration;

use httpmock::HttpMockResponse;
use nuon_gate_core::Line;
use nuon_gate_core::result::{Delivery, RunResult, VerdictName};
use nuon_gate_notify::{Mention, Notifier, Occasion, Options, Outcome, Pace, Sinks, Trigger, send_test, slack_check};
use serde_json::{Value, json};
use support::{PATIENCE, Seen, Service, answer, answer_later, only, options, pending, place, result, sinks};

fn bot(service: &Service) -> Sinks {
    sinks(&[
        ("NUON_GATE_SLACK_TOKEN", "xoxb-secret-token"),
        ("NUON_GATE_SLACK_CHANNEL", "deploys"),
        ("NUON_GATE_SLACK_API_URL", &service.url("/api/")),
    ])
}

fn ok(ts: &str) -> HttpMockResponse {
    answer(200, json!({"ok": true, "channel": "C0123456789", "ts": ts}).to_string())
}

fn no(error: &str) -> HttpMockResponse {
    answer(200, json!({"ok": false, "error": error}).to_string())
}

fn methods(service: &Service) -> Vec<String> {
    service.seen().iter().map(|seen| seen.path.trim_start_matches("/api/").to_owned()).collect()
}

fn header_text(seen: &Seen) -> String {
    seen.json()["blocks"][0]["text"]["text"].as_str().unwrap_or("no blocks").to_owned()
}

/// Runs a wait with some changes in between, each of which is heard before the next.
async fn run(service: &Service, options: Options, changes: &[&str], end: VerdictName) -> Outcome {
    let notifier = Notifier::start(&bot(service), options).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    for (number, status) in changes.iter().enumerate() {
        notifier.tell(Occasion::Changed, pending(status));
        service.wait_for(number + 2).await;
    }
    notifier.finish(result(end), PATIENCE).await
}

/// Whether it is in the thread and in the channel, and whether it calls the mention.
fn calls(seen: &Seen, mention: &str) -> (bool, bool) {
    let body = seen.json();
    let blocks = body["blocks"].to_string().contains(mention);
    assert_eq!(blocks, body["text"].as_str().unwrap().contains(mention), "{body}");
    (body["reply_broadcast"] == json!(true), blocks)
}

#[tokio::test]
async fn one_message_is_edited_and_a_failure_is_a_reply_that_everyone_sees() {
    let service = Service::start(|number, _| ok(if number == 0 { "100.1" } else { "200.2" })).await;
    let outcome = run(&service, options(), &["planning"], VerdictName::Failed).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(outcome.slack_thread.unwrap().to_string(), "C0123456789:100.1");
    assert_eq!(methods(&service), ["chat.postMessage", "chat.update", "chat.update", "chat.postMessage"]);

    let seen = service.seen();
    let (first, edit, last, reply) = (seen[0].json(), seen[1].json(), seen[2].json(), seen[3].json());
    assert_eq!((&first["channel"], first.get("ts")), (&json!("deploys"), None));
    // The name is good for posting alone.
    assert_eq!((&edit["channel"], &edit["ts"]), (&json!("C0123456789"), &json!("100.1")));
    assert_eq!(header_text(&seen[0]), "⏳ deploying api in acme");
    for told in &seen[2..] {
        assert_eq!(header_text(told), "❌ api in acme failed: quota exceeded for pods");
    }
    assert_eq!((&reply["channel"], &reply["thread_ts"]), (&json!("C0123456789"), &json!("100.1")));
    assert_eq!(reply["reply_broadcast"], true);
    let log = |body: &Value| body["blocks"].to_string().contains("exceeded quota: acme");
    assert_eq!((log(&last), log(&reply)), (false, true));
    for request in [&first, &last, &reply] {
        assert!(!request["text"].as_str().unwrap().is_empty() && request["blocks"].is_array());
        assert_eq!((&request["unfurl_links"], &request["unfurl_media"]), (&json!(false), &json!(false)));
        assert_eq!((&request["parse"], &request["link_names"]), (&json!("none"), &json!(false)));
    }
    assert_eq!(seen[0].header("authorization"), Some("Bearer xoxb-secret-token"));
    assert_eq!(seen[0].header("user-agent"), Some("nuon-gate/0.0.0 (+https://gate.example)"));
}

#[tokio::test]
async fn a_reply_that_fails_is_a_notification_that_failed() {
    let service = Service::start(|_, seen| match seen.json().get("thread_ts") {
        Some(_) => no("restricted_action"),
        None => ok("100.1"),
    })
    .await;
    let outcome = run(&service, options(), &[], VerdictName::Failed).await;
    let (delivery, reason) = only(&outcome);
    assert_eq!(delivery, Delivery::Failed);
    assert!(reason.starts_with("restricted_action"), "{reason}");
}

#[tokio::test]
async fn people_are_called_even_if_the_message_cannot_be_edited_now() {
    let service = Service::start(|number, seen| match number {
        0 => ok("100.1"),
        _ if seen.path.ends_with("update") => no("not_authed"),
        _ => ok("200.2"),
    })
    .await;
    let outcome = run(&service, options(), &[], VerdictName::Failed).await;
    assert_eq!(only(&outcome).0, Delivery::Failed);
    assert_eq!(service.seen().last().unwrap().json()["reply_broadcast"], true);
}

#[tokio::test]
async fn each_step_that_asks_for_an_approval_calls_people() {
    let service = Service::start(|number, _| ok(&format!("{number}00.1"))).await;
    let with = Options { slack_mention_on_failure: vec!["<!here>".parse().unwrap()], ..options() };
    let notifier = Notifier::start(&bot(&service), with).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    // An edit and a reply; the same step asks once; a state that is shown is not edited.
    for (step, requests) in [("inst1", 3), ("inst1", 3), ("inst2", 4)] {
        notifier.ask(0, &place(step), pending("pending-approval"));
        service.wait_for(requests).await;
    }
    let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let expected = ["chat.postMessage", "chat.update", "chat.postMessage", "chat.postMessage", "chat.update"];
    assert_eq!(methods(&service), expected);
    let seen = service.seen();
    let called: Vec<_> = seen.iter().map(|seen| calls(seen, "<!here>")).collect();
    assert_eq!(called, [(false, false), (false, false), (true, true), (true, true), (false, false)]);
    assert_eq!(header_text(&seen[3]), "✋ approval needed for api in acme");
}

#[tokio::test]
async fn approvals_wait_for_no_pace_and_are_not_lost_among_changes() {
    let service = Service::start(|number, _| ok(&format!("{number}00.1"))).await;
    let pace = Pace { between_changes: Duration::from_secs(600), ..options().pace };
    let notifier = Notifier::start(&bot(&service), Options { pace, ..options() }).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    notifier.ask(0, &place("inst1"), pending("pending-approval"));
    notifier.tell(Occasion::Changed, pending("executing"));
    service.wait_for(3).await;
    assert_eq!(methods(&service), ["chat.postMessage", "chat.update", "chat.postMessage"]);
    assert_eq!(header_text(&service.seen()[2]), "✋ approval needed for api in acme");
}

#[tokio::test]
async fn that_all_have_ended_is_told_with_the_end() {
    let service = Service::start(|_, _| ok("100.1")).await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.ask(0, &place("inst1"), pending("pending-approval"));
    service.wait_for(1).await;
    let ended = RunResult { verdict: VerdictName::Pending, ..result(VerdictName::Cancelled) };
    notifier.tell(Occasion::Changed, ended);
    tokio::task::yield_now().await;
    notifier.finish(result(VerdictName::Cancelled), PATIENCE).await;
    let headers: Vec<_> = service.seen().iter().map(header_text).collect();
    let end = "🚫 api in acme cancelled: the deploy ended as `cancelled`; the server gives no reason";
    assert_eq!(headers, ["✋ approval needed for api in acme", end]);
}

#[tokio::test]
async fn edits_in_quick_succession_are_one() {
    let service = Service::start(|_, _| ok("100.1")).await;
    let slow = Options { pace: Pace { between_changes: Duration::from_secs(600), ..options().pace }, ..options() };
    let notifier = Notifier::start(&bot(&service), slow).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    for status in ["planning", "syncing", "executing"] {
        notifier.tell(Occasion::Changed, pending(status));
    }
    // The end does not wait for its turn.
    let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(methods(&service), ["chat.postMessage", "chat.update"]);
    assert_eq!(header_text(&service.seen()[1]), "✅ api in acme deployed");
}

#[tokio::test]
async fn a_message_that_cannot_be_edited_becomes_a_reply_and_then_a_new_one() {
    for (reply_fails, expected) in [
        (false, &["chat.postMessage", "chat.update", "chat.postMessage", "chat.update"][..]),
        (true, &["chat.postMessage", "chat.update", "chat.postMessage", "chat.postMessage", "chat.update"]),
    ] {
        for error in ["message_not_found", "cant_update_message", "edit_window_closed"] {
            let service = Service::start(move |number, seen| match number {
                1 => no(error),
                2 if reply_fails => no("thread_not_found"),
                _ if seen.path.ends_with("postMessage") => ok(&format!("{number}00.1")),
                _ => ok("ignored"),
            })
            .await;
            let notifier = Notifier::start(&bot(&service), options()).unwrap();
            notifier.tell(Occasion::Started, pending("queued"));
            service.wait_for(1).await;
            notifier.tell(Occasion::Changed, pending("executing"));
            service.wait_for(expected.len() - 1).await;
            let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
            assert_eq!(only(&outcome), (Delivery::Sent, ""), "{error}");
            assert_eq!(methods(&service), expected, "{error}");
            let seen = service.seen();
            assert_eq!(seen[2].json()["thread_ts"], "000.1");
            let last = expected.len() - 1;
            assert_eq!(seen[last].json()["ts"], format!("{}00.1", last - 1));
            if reply_fails {
                assert_eq!(seen[3].json().get("thread_ts"), None);
            }
        }
    }
}

#[tokio::test]
async fn an_earlier_message_is_gone_on_with() {
    let service = Service::start(|_, _| ok("9.9")).await;
    let thread = "C777:55.5".parse().unwrap();
    let with_thread = Options { slack_thread: Some(thread), ..options() };
    let outcome = run(&service, with_thread, &[], VerdictName::Failed).await;
    assert_eq!(methods(&service), ["chat.update", "chat.update", "chat.postMessage"]);
    let seen = service.seen();
    assert_eq!((&seen[0].json()["channel"], &seen[0].json()["ts"]), (&json!("C777"), &json!("55.5")));
    assert_eq!(seen[2].json()["thread_ts"], "55.5");
    assert_eq!(outcome.slack_thread.unwrap().to_string(), "C777:55.5");
}

#[tokio::test]
async fn refused_blocks_arrive_as_plain_text() {
    for error in ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"] {
        let service =
            Service::start(move |_, seen| if seen.json()["blocks"] == json!([]) { ok("100.1") } else { no(error) })
                .await;
        let only_end = Options { notify_on: Some(vec![Trigger::Success]), ..options() };
        let notifier = Notifier::start(&bot(&service), only_end).unwrap();
        let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (Delivery::Sent, ""), "{error}");
        let seen = service.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].json()["text"], seen[1].json()["text"]);
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
        let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (Delivery::Failed, hint));
        assert!(outcome.any_failed() && !outcome.any_sent());
        assert_eq!(outcome.warnings, [Line::new(format!("slack was not told: {hint}"))]);
        assert_eq!(service.seen().len(), 1, "{error} is not tried again");
    }
}

#[tokio::test]
async fn what_may_have_been_posted_is_not_posted_again() {
    for unclear in [answer(503, "down"), no("internal_error"), answer(200, "{")] {
        let service = Service::start(move |_, _| unclear.clone()).await;
        let notifier = Notifier::start(&bot(&service), options()).unwrap();
        let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
        assert_eq!(only(&outcome).0, Delivery::Failed);
        assert_eq!(service.seen().len(), 1);
    }
}

#[tokio::test]
async fn too_many_requests_and_edits_are_repeated() {
    let service = Service::start(|number, _| match number {
        0 => answer_later(429, "0"),
        1 => no("ratelimited"),
        // The post is the third; then the edits begin.
        3 | 4 => answer(502, "<html>"),
        _ => ok("100.1"),
    })
    .await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(3).await;
    let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let expected =
        ["chat.postMessage", "chat.postMessage", "chat.postMessage", "chat.update", "chat.update", "chat.update"];
    assert_eq!(methods(&service), expected);
}

#[tokio::test]
async fn a_wish_beyond_the_budget_is_not_waited_for() {
    let service = Service::start(|_, _| answer_later(429, "3600")).await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    let began = tokio::time::Instant::now();
    let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 429: later"));
    assert!(began.elapsed() < PATIENCE / 2);
    // The start was given up for the end, which was tried once.
    assert_eq!(service.seen().len(), 2);
}

#[tokio::test]
async fn a_message_is_posted_at_the_first_listed_event() {
    for (listed, approvals, methods_expected) in [
        (None, 1, &["chat.postMessage", "chat.update", "chat.postMessage", "chat.update"][..]),
        (Some(vec![Trigger::Approval]), 1, &["chat.postMessage", "chat.update"]),
        (Some(vec![Trigger::Failure]), 0, &[]),
    ] {
        let service = Service::start(|_, _| ok("100.1")).await;
        let chosen = Options { notify_on: listed, ..options() };
        let notifier = Notifier::start(&bot(&service), chosen).unwrap();
        notifier.tell(Occasion::Started, pending("queued"));
        if methods_expected.len() == 4 {
            service.wait_for(1).await;
        }
        for _ in 0..approvals {
            notifier.tell(Occasion::Approval, pending("pending-approval"));
            service.wait_for(methods_expected.len() - 1).await;
        }
        let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
        let expected = if methods_expected.is_empty() {
            (Delivery::Skipped, "nothing happened that is to be told")
        } else {
            (Delivery::Sent, "")
        };
        assert_eq!(only(&outcome), expected);
        assert_eq!(methods(&service), methods_expected);
    }
}

#[tokio::test]
async fn mentions_come_from_the_settings_and_only_with_what_people_must_see() {
    let mention: Mention = "<!subteam^S123>".parse().unwrap();
    let recovered = |run: &mut RunResult| run.targets[0].recovered_after = Some(2);
    let status = |status: &'static str| {
        move |run: &mut RunResult| run.targets[0].deploy.as_mut().unwrap().status = Line::new(status)
    };
    // Nobody is called because a person ended the job or the deploy, or answered.
    type Change<'a> = &'a dyn Fn(&mut RunResult);
    let ends: [(VerdictName, Change<'_>, bool); 10] = [
        (VerdictName::Failed, &|_| (), true),
        (VerdictName::TimedOut, &|_| (), true),
        (VerdictName::Inconclusive, &|_| (), true),
        (VerdictName::ApprovalNeeded, &|_| (), true),
        (VerdictName::Passed, &recovered, true),
        (VerdictName::Cancelled, &status("approval-expired"), true),
        (VerdictName::Cancelled, &status("cancelled"), false),
        (VerdictName::Cancelled, &status("approval-denied"), false),
        (VerdictName::Interrupted, &|_| (), false),
        (VerdictName::Passed, &|_| (), false),
    ];
    for (verdict, change, expected) in ends {
        let service = Service::start(|_, _| ok("100.1")).await;
        let with = Options { slack_mention_on_failure: vec![mention.clone()], ..options() };
        let notifier = Notifier::start(&bot(&service), with).unwrap();
        notifier.tell(Occasion::Started, pending("queued"));
        service.wait_for(1).await;
        let mut end = result(verdict);
        change(&mut end);
        notifier.finish(end, PATIENCE).await;
        let seen = service.seen();
        let edits = seen[..2].iter().map(|seen| calls(seen, "<!subteam^S123>")).collect::<Vec<_>>();
        assert_eq!(edits, [(false, false), (false, false)], "{verdict:?}: an edit calls nobody");
        let reply: Vec<_> = seen[2..].iter().map(|seen| calls(seen, "<!subteam^S123>")).collect();
        assert_eq!(reply, if expected { vec![(true, true)] } else { Vec::new() }, "{verdict:?}");
    }
    for text in
        ["<!everyone>", "@here", "<@u1>", "<@U1|x>", "<!subteam^U1>", "<https://evil.example>", "here", "", "<@U>"]
    {
        assert!(text.parse::<Mention>().is_err(), "{text}");
    }
    for text in ["<!here>", "<!channel>", "<@U0123>", "<@W0123>", " <!subteam^S1> "] {
        assert!(text.parse::<Mention>().is_ok(), "{text}");
    }
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
async fn webhooks_say_the_request_for_approval_once_and_the_end() {
    let service = Service::start(|_, _| answer(200, "ok")).await;
    let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/services/T0/B0/secret"))]);
    let all = Options { notify_on: Some(Trigger::ALL.to_vec()), ..options() };
    let notifier = Notifier::start(&hook, all).unwrap();
    notifier.tell(Occasion::Started, pending("queued"));
    notifier.tell(Occasion::Changed, pending("planning"));
    notifier.tell(Occasion::Approval, pending("pending-approval"));
    notifier.tell(Occasion::Approval, pending("pending-approval"));
    notifier.tell(Occasion::Changed, pending("executing"));
    let outcome = notifier.finish(result(VerdictName::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let headlines: Vec<_> = service.seen().iter().map(header_text).collect();
    let end = "❌ api in acme failed: quota exceeded for pods";
    assert_eq!(headlines, ["✋ approval needed for api in acme", end]);
    assert_eq!(service.seen()[0].path, "/services/T0/B0/secret");
}

#[tokio::test]
async fn a_webhooks_answers_are_read_as_they_are_meant() {
    let cases: [(HttpMockResponse, usize, Delivery, &str); 8] = [
        (answer(200, "ok\n"), 1, Delivery::Sent, ""),
        (answer(200, r#"{"ok":true}"#), 1, Delivery::Sent, ""),
        (
            answer(200, r#"{"ok":false,"error":"no_team"}"#),
            1,
            Delivery::Failed,
            "no_team: this webhook does not exist any more; make a new one",
        ),
        (answer(200, "<html>proxy</html>"), 1, Delivery::Failed, "Slack did not answer with `ok`"),
        (
            answer(404, "no_service"),
            1,
            Delivery::Failed,
            "no_service: this webhook does not exist any more; make a new one",
        ),
        (
            answer(410, "channel_is_archived"),
            1,
            Delivery::Failed,
            "channel_is_archived: the channel is archived; give another one",
        ),
        (answer(500, "rollup_error"), 1, Delivery::Failed, "rollup_error"),
        (answer(302, ""), 1, Delivery::Failed, "HTTP 302: a redirect, which is never followed"),
    ];
    for (said, requests, delivery, reason) in cases {
        let service = Service::start(move |_, _| said.clone()).await;
        let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/services/T0/B0/secret"))]);
        let notifier = Notifier::start(&hook, options()).unwrap();
        let outcome = notifier.finish(result(VerdictName::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (delivery, reason));
        assert_eq!(service.seen().len(), requests);
    }
    let service = Service::start(|number, _| match number {
        0 => HttpMockResponse::builder()
            .status(429)
            .header("Retry-After", "0")
            .body(r#"{"ok":false,"error":"rate_limited"}"#)
            .build(),
        1 => answer(400, "invalid_blocks"),
        _ => answer(200, "ok"),
    })
    .await;
    let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/x"))]);
    let outcome = Notifier::start(&hook, options()).unwrap().finish(result(VerdictName::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(service.seen()[2].json()["blocks"], json!([]));
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
    assert_eq!(check.blocks.unwrap_err(), "invalid_blocks: please report this as a bug (/0/text too long)");
    let sent: Value = service.seen()[1].json();
    assert!(serde_json::from_str::<Vec<Value>>(sent["blocks"].as_str().unwrap()).unwrap().len() > 2);

    assert_eq!(slack_check(&Sinks::default(), &options()).await, Ok(None));
    let service = Service::start(|_, _| no("invalid_auth")).await;
    let check = slack_check(&bot(&service), &options()).await.unwrap().unwrap();
    assert!(check.identity.unwrap_err().starts_with("invalid_auth: the token is not one of Slack's"));
}
