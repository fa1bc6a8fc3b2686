//! What the Slack bot and the Slack webhook send to Slack, and how they handle its answers.

#![cfg(test)]

mod answers;
mod calls;
mod message;
#[path = "../support/mod.rs"]
mod support;
mod webhook;

use self::support::{PATIENCE, Seen, Service, answer, pending, result, sinks};
use httpmock::HttpMockResponse;
use nuon_gate_core::Verdict;
use nuon_gate_notify::{Notifier, Occasion, Options, Outcome, Sinks};
use serde_json::json;

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

/// Runs a wait with some changes in between, each of which is sent before the next.
async fn run(service: &Service, options: Options, changes: &[&str], end: Verdict) -> Outcome {
    let notifier = Notifier::start(&bot(service), options).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    for (number, status) in changes.iter().enumerate() {
        notifier.notify(Occasion::Changed, pending(status));
        service.wait_for(number + 2).await;
    }
    notifier.finish(result(end), PATIENCE).await
}

/// Whether it is in the thread and in the channel, and whether it contains the mention.
fn calls(seen: &Seen, mention: &str) -> (bool, bool) {
    let body = seen.json();
    let blocks = body["blocks"].to_string().contains(mention);
    assert_eq!(blocks, body["text"].as_str().unwrap().contains(mention), "{body}");
    (body["reply_broadcast"] == json!(true), blocks)
}
