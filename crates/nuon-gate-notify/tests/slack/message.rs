//! The one message: when it is posted, edited and replaced.

use std::time::Duration;

use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::{Delivery, RunResult};
use nuon_gate_notify::{Notifier, Occasion, Options, Pace, Trigger};
use serde_json::json;

use crate::support::{PATIENCE, Service, only, options, pending, place, result};
use crate::{bot, header_text, methods, no, ok, run};

#[tokio::test]
async fn that_all_have_ended_is_reported_with_the_end() {
    let service = Service::start(|_, _| ok("100.1")).await;
    let notifier = Notifier::start(&bot(&service), options()).unwrap();
    notifier.ask(Some(0), &place("inst1"), pending("pending-approval"));
    service.wait_for(1).await;
    let ended = RunResult { verdict: Verdict::Pending, ..result(Verdict::Cancelled) };
    notifier.notify(Occasion::Changed, ended);
    tokio::task::yield_now().await;
    notifier.finish(result(Verdict::Cancelled), PATIENCE).await;
    let headers: Vec<_> = service.seen().iter().map(header_text).collect();
    let end = "🚫 api in acme cancelled: the deploy ended as `cancelled`; the server gives no reason";
    assert_eq!(headers, ["✋ approval needed for api in acme", end]);
}

#[tokio::test]
async fn edits_in_quick_succession_are_one() {
    let service = Service::start(|_, _| ok("100.1")).await;
    let slow = Options { pace: Pace { between_changes: Duration::from_secs(600), ..options().pace }, ..options() };
    let notifier = Notifier::start(&bot(&service), slow).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    for status in ["planning", "syncing", "executing"] {
        notifier.notify(Occasion::Changed, pending(status));
    }
    // The end does not wait for the interval.
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
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
            notifier.notify(Occasion::Started, pending("queued"));
            service.wait_for(1).await;
            notifier.notify(Occasion::Changed, pending("executing"));
            service.wait_for(expected.len() - 1).await;
            let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
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
    let outcome = run(&service, with_thread, &[], Verdict::Failed).await;
    assert_eq!(methods(&service), ["chat.update", "chat.postMessage", "chat.update"]);
    let seen = service.seen();
    assert_eq!((&seen[0].json()["channel"], &seen[0].json()["ts"]), (&json!("C777"), &json!("55.5")));
    assert_eq!(seen[1].json()["thread_ts"], "55.5");
    assert_eq!(outcome.slack_thread.unwrap().to_string(), "C777:55.5");
}

#[tokio::test]
async fn a_message_is_posted_at_the_first_listed_event() {
    for (listed, approvals, methods_expected) in [
        (None, 1, &["chat.postMessage", "chat.postMessage", "chat.update", "chat.update"][..]),
        (Some(vec![Trigger::Approval]), 1, &["chat.postMessage", "chat.update"]),
        (Some(vec![Trigger::Failure]), 0, &[]),
    ] {
        let service = Service::start(|_, _| ok("100.1")).await;
        let chosen = Options { notify_on: listed, ..options() };
        let notifier = Notifier::start(&bot(&service), chosen).unwrap();
        notifier.notify(Occasion::Started, pending("queued"));
        if methods_expected.len() == 4 {
            service.wait_for(1).await;
        }
        for _ in 0..approvals {
            notifier.notify(Occasion::Approval, pending("pending-approval"));
            service.wait_for(methods_expected.len() - 1).await;
        }
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        let expected = if methods_expected.is_empty() {
            (Delivery::Skipped, "nothing happened that is notified")
        } else {
            (Delivery::Sent, "")
        };
        assert_eq!(only(&outcome), expected);
        assert_eq!(methods(&service), methods_expected);
    }
}

#[tokio::test]
async fn the_end_makes_up_for_a_change_just_before_it() {
    let service = Service::start(|_, _| ok("1.1")).await;
    let between_changes = Duration::from_millis(50);
    let options = Options { pace: Pace { between_changes, ..options().pace }, ..options() };
    let notifier = Notifier::start(&bot(&service), options).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    // The first edit shows that one is due again.
    notifier.notify(Occasion::Changed, pending("executing"));
    service.wait_for(2).await;
    tokio::time::sleep(between_changes).await;
    notifier.notify(Occasion::Changed, pending("active"));
    tokio::task::yield_now().await;
    notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(methods(&service), ["chat.postMessage", "chat.update", "chat.update"]);
    assert!(header_text(&service.seen()[2]).starts_with("✅ "), "{:?}", service.seen()[2].json());
}
