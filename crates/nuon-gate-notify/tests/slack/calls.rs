//! Mentions: who is mentioned, when, and how.

use std::time::Duration;

use nuon_gate_core::result::v1::{Delivery, RunResult};
use nuon_gate_core::{Line, Signal, Verdict};
use nuon_gate_notify::{Mention, Notifier, Occasion, Options, Pace};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Service, answer, only, options, pending, place, planned, result};
use crate::{bot, calls, header_text, methods, no, ok, run};

#[tokio::test]
async fn one_message_is_edited_and_a_failure_is_a_reply_that_everyone_sees() {
    let service = Service::start(|number, _| ok(if number == 0 { "100.1" } else { "200.2" })).await;
    let outcome = run(&service, options(), &["planning"], Verdict::Failed).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(outcome.slack_thread.unwrap().to_string(), "C0123456789:100.1");
    assert_eq!(methods(&service), ["chat.postMessage", "chat.update", "chat.postMessage", "chat.update"]);

    let seen = service.seen();
    let (first, edit, reply, last) = (seen[0].json(), seen[1].json(), seen[2].json(), seen[3].json());
    assert_eq!((&first["channel"], first.get("ts")), (&json!("deploys"), None));
    // Only a post accepts the name.
    assert_eq!((&edit["channel"], &edit["ts"]), (&json!("C0123456789"), &json!("100.1")));
    assert_eq!(header_text(&seen[0]), "⏳ deploying api in acme");
    for edit in &seen[2..] {
        assert_eq!(header_text(edit), "❌ api in acme failed: quota exceeded for pods");
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
    let outcome = run(&service, options(), &[], Verdict::Failed).await;
    let (delivery, reason) = only(&outcome);
    assert_eq!(delivery, Delivery::Failed);
    assert!(reason.starts_with("restricted_action"), "{reason}");
}

#[tokio::test]
async fn people_are_mentioned_even_if_the_message_cannot_be_edited() {
    let service = Service::start(|number, seen| match number {
        0 => ok("100.1"),
        _ if seen.path.ends_with("update") => no("not_authed"),
        _ => ok("200.2"),
    })
    .await;
    let outcome = run(&service, options(), &[], Verdict::Failed).await;
    assert_eq!(only(&outcome).0, Delivery::Failed);
    assert_eq!(service.seen()[1].json()["reply_broadcast"], true);
}

/// The edit's retries would take the time that is left.
#[tokio::test]
async fn people_are_mentioned_before_the_message_is_edited() {
    let service =
        Service::start(|_, seen| if seen.path.ends_with("update") { answer(503, "") } else { ok("100.1") }).await;
    let pace = Pace { first_retry: Duration::from_secs(600), ..options().pace };
    let outcome = run(&service, Options { pace, ..options() }, &[], Verdict::Failed).await;
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 503"));
    assert_eq!(methods(&service), ["chat.postMessage", "chat.postMessage", "chat.update"]);
    assert_eq!(service.seen()[1].json()["reply_broadcast"], true);
}

/// The message is gone, and its thread perhaps not.
#[tokio::test]
async fn a_reply_that_may_have_arrived_is_not_posted_again() {
    for end in [Verdict::Failed, Verdict::Passed] {
        let service = Service::start(|number, seen| match number {
            0 => ok("100.1"),
            _ if seen.path.ends_with("update") => no("message_not_found"),
            _ => answer(502, ""),
        })
        .await;
        let outcome = run(&service, options(), &[], end).await;
        assert_eq!(only(&outcome).0, Delivery::Failed);
        let posts = methods(&service).iter().filter(|method| *method == "chat.postMessage").count();
        assert_eq!(posts, 2, "{:?}", methods(&service));
    }
}

#[tokio::test]
async fn each_step_that_asks_for_an_approval_mentions_people() {
    let service = Service::start(|number, _| ok(&format!("{number}00.1"))).await;
    let with = Options { slack_mention_on_failure: vec!["<!here>".parse().unwrap()], ..options() };
    let notifier = Notifier::start(&bot(&service), with).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    // A reply and an edit. The same step is only reported once, and an unchanged state is not edited.
    for (step, requests) in [("inst1", 3), ("inst1", 3), ("inst2", 4)] {
        notifier.ask(Some(0), &place(step), pending("pending-approval"));
        service.wait_for(requests).await;
    }
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let expected = ["chat.postMessage", "chat.postMessage", "chat.update", "chat.postMessage", "chat.update"];
    assert_eq!(methods(&service), expected);
    let seen = service.seen();
    let called: Vec<_> = seen.iter().map(|seen| calls(seen, "<!here>")).collect();
    assert_eq!(called, [(false, false), (true, true), (false, false), (true, true), (false, false)]);
    assert_eq!(header_text(&seen[3]), "✋ approval needed for api in acme");
}

#[tokio::test]
async fn approvals_wait_for_no_pace_and_are_not_lost_among_changes() {
    let service = Service::start(|number, _| ok(&format!("{number}00.1"))).await;
    let pace = Pace { between_changes: Duration::from_secs(600), ..options().pace };
    let notifier = Notifier::start(&bot(&service), Options { pace, ..options() }).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    notifier.ask(Some(0), &place("inst1"), pending("pending-approval"));
    notifier.notify(Occasion::Changed, pending("executing"));
    service.wait_for(3).await;
    assert_eq!(methods(&service), ["chat.postMessage", "chat.postMessage", "chat.update"]);
    assert_eq!(header_text(&service.seen()[1]), "✋ approval needed for api in acme");
}

#[tokio::test]
async fn a_pass_on_a_plan_asks_and_claims_no_deploy() {
    let service = Service::start(|number, _| ok(&format!("{number}00.1"))).await;
    let with = Options { slack_mention_on_failure: vec!["<!here>".parse().unwrap()], ..options() };
    let notifier = Notifier::start(&bot(&service), with).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    // The request is still queued when the run ends: the target has passed by then.
    let mut asking = planned();
    asking.verdict = Verdict::Pending;
    notifier.ask(Some(0), &place("inst1"), asking);
    let outcome = notifier.finish(planned(), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let seen = service.seen();
    let called: Vec<_> = seen.iter().map(|seen| calls(seen, "<!here>")).collect();
    assert_eq!(called.iter().filter(|called| **called == (true, true)).count(), 1, "{called:?}");
    let reply = seen.iter().find(|seen| seen.json()["reply_broadcast"] == true).unwrap();
    assert_eq!(header_text(reply), "✋ approval needed for api in acme");
    let last = seen.last().unwrap();
    assert_eq!(header_text(last), "✋ api in acme planned, awaiting approval");
    assert!(last.json()["blocks"].to_string().contains("Approve in Nuon"), "{:?}", last.json());
}

#[tokio::test]
async fn mentions_come_from_the_settings_and_only_with_what_people_must_see() {
    let mention: Mention = "<!subteam^S123>".parse().unwrap();
    let recovered = |run: &mut RunResult| run.targets[0].recovered_after = Some(2);
    let status = |status: &'static str| {
        move |run: &mut RunResult| run.targets[0].deploy.as_mut().unwrap().status = Line::new(status)
    };
    // Nobody is mentioned because a person ended the job or the deploy, or answered.
    type Change<'a> = &'a dyn Fn(&mut RunResult);
    let ends: [(Verdict, Change<'_>, bool); 10] = [
        (Verdict::Failed, &|_| (), true),
        (Verdict::TimedOut, &|_| (), true),
        (Verdict::Inconclusive, &|_| (), true),
        (Verdict::ApprovalNeeded, &|_| (), true),
        (Verdict::Passed, &recovered, true),
        (Verdict::Cancelled, &status("approval-expired"), true),
        (Verdict::Cancelled, &status("cancelled"), false),
        (Verdict::Cancelled, &status("approval-denied"), false),
        (Verdict::Interrupted(Signal::Terminate), &|_| (), false),
        (Verdict::Passed, &|_| (), false),
    ];
    for (verdict, change, expected) in ends {
        let service = Service::start(|_, _| ok("100.1")).await;
        let with = Options { slack_mention_on_failure: vec![mention.clone()], ..options() };
        let notifier = Notifier::start(&bot(&service), with).unwrap();
        notifier.notify(Occasion::Started, pending("queued"));
        service.wait_for(1).await;
        let mut end = result(verdict);
        change(&mut end);
        notifier.finish(end, PATIENCE).await;
        let seen = service.seen();
        let called: Vec<_> = seen.iter().map(|seen| calls(seen, "<!subteam^S123>")).collect();
        // An edit calls nobody.
        let reply = if expected { &[(true, true)][..] } else { &[] };
        let sent = [&[(false, false)], reply, &[(false, false)]].concat();
        assert_eq!(called, sent, "{verdict:?}");
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
