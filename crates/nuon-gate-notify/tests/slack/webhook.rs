//! The incoming webhook.

use httpmock::HttpMockResponse;
use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::Delivery;
use nuon_gate_notify::{Notifier, Occasion, Options, Trigger};
use serde_json::json;

use crate::header_text;
use crate::support::{PATIENCE, Service, answer, only, options, pending, place, planned, result, sinks};

#[tokio::test]
async fn webhooks_say_the_request_for_approval_once_and_the_end() {
    let service = Service::start(|_, _| answer(200, "ok")).await;
    let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/services/T0/B0/secret"))]);
    let all = Options { notify_on: Some(Trigger::ALL.to_vec()), ..options() };
    let notifier = Notifier::start(&hook, all).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    notifier.notify(Occasion::Changed, pending("planning"));
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    notifier.notify(Occasion::Changed, pending("executing"));
    let outcome = notifier.finish(result(Verdict::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let headlines: Vec<_> = service.seen().iter().map(header_text).collect();
    let end = "❌ api in acme failed: quota exceeded for pods";
    assert_eq!(headlines, ["✋ approval needed for api in acme", end]);
    assert_eq!(service.seen()[0].path, "/services/T0/B0/secret");
}

#[tokio::test]
async fn a_request_names_what_has_passed_on_its_plan() {
    let service = Service::start(|_, _| answer(200, "ok")).await;
    let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/x"))]);
    let notifier = Notifier::start(&hook, options()).unwrap();
    let mut asking = planned();
    asking.verdict = Verdict::Pending;
    notifier.ask(Some(0), &place("inst1"), asking);
    notifier.finish(planned(), PATIENCE).await;
    let headlines: Vec<_> = service.seen().iter().map(header_text).collect();
    assert_eq!(headlines, ["✋ approval needed for api in acme", "✋ api in acme planned, awaiting approval"]);
}

#[tokio::test]
async fn a_webhooks_answers_are_read_as_they_are_meant() {
    let cases: [(HttpMockResponse, usize, Delivery, &str); 10] = [
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
        (answer(307, "ok"), 1, Delivery::Failed, "HTTP 307: a redirect, which is never followed"),
        (answer(403, "forbidden"), 1, Delivery::Failed, "HTTP 403: forbidden"),
        (answer(302, ""), 1, Delivery::Failed, "HTTP 302: a redirect, which is never followed"),
    ];
    for (said, requests, delivery, reason) in cases {
        let service = Service::start(move |_, _| said.clone()).await;
        let hook = sinks(&[("NUON_GATE_SLACK_WEBHOOK_URL", &service.url("/services/T0/B0/secret"))]);
        let notifier = Notifier::start(&hook, options()).unwrap();
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
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
    let outcome = Notifier::start(&hook, options()).unwrap().finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(service.seen()[2].json()["blocks"], json!([]));
}
