//! What webhooks send, how it is signed, and how answers are handled.

#![cfg(test)]

mod support;

use std::time::Duration;

use httpmock::HttpMockResponse;
use nuon_gate_core::result::v1::Delivery;
use nuon_gate_core::{Line, Verdict};
use nuon_gate_notify::{Notifier, Occasion, Options, Outcome, Pace, Sinks, Trigger, send_test};
use serde_json::{Value, json};
use support::{
    PATIENCE, Seen, Service, answer, answer_later, fleet, only, options, pending, place, planned, result, sinks,
};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn hook(service: &Service, more: &[(&str, &str)]) -> Sinks {
    let url = service.url("/hooks/secret-path");
    let mut variables = vec![("NUON_GATE_WEBHOOK_URL", url.as_str())];
    variables.extend(more);
    sinks(&variables)
}

async fn end(sinks: &Sinks, verdict: Verdict) -> Outcome {
    Notifier::start(sinks, options()).unwrap().finish(result(verdict), PATIENCE).await
}

fn verify(seen: &Seen, secret: &str) {
    let mut headers = standardwebhooks_headers();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, seen.header(name).unwrap().parse().unwrap());
    }
    standardwebhooks::Webhook::new(secret).unwrap().verify(&seen.body, &headers).unwrap();
}

/// The type that this crate takes, which `reqwest` shares.
fn standardwebhooks_headers() -> nuon_gate_http::header::HeaderMap {
    nuon_gate_http::header::HeaderMap::new()
}

#[tokio::test]
async fn the_standard_form_is_signed_with_every_secret() {
    let service = Service::start(|_, _| answer(204, "")).await;
    let secrets = format!("{NEW} {OLD}");
    let both = hook(
        &service,
        &[
            ("NUON_GATE_WEBHOOK_SECRET", &secrets),
            ("NUON_GATE_WEBHOOK_HEADERS", "Authorization: Bearer header-secret\nX-Team: api"),
        ],
    );
    let outcome = end(&both, Verdict::Failed).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let seen = &service.seen()[0];
    verify(seen, NEW);
    verify(seen, OLD);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/hooks/secret-path"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("authorization"), Some("Bearer header-secret"));
    assert_eq!(seen.header("x-team"), Some("api"));
    assert_eq!(seen.header("x-hub-signature-256"), None);
    let body = seen.json();
    assert_eq!(body["type"], "nuon.deploy.failed");
    assert_eq!(body["timestamp"], "2026-08-03T14:05:18Z");
    assert_eq!(body["data"], serde_json::to_value(result(Verdict::Failed)).unwrap());
}

#[tokio::test]
async fn a_password_that_comes_back_is_not_shown() {
    let service = Service::start(|_, _| answer(401, "hook may not in with b4sicPassw0rd")).await;
    let basic = ("NUON_GATE_WEBHOOK_HEADERS", "Authorization: Basic aG9vazpiNHNpY1Bhc3N3MHJk");
    let outcome = end(&hook(&service, &[basic]), Verdict::Passed).await;
    assert_eq!(service.seen()[0].header("authorization"), Some("Basic aG9vazpiNHNpY1Bhc3N3MHJk"));
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 401: hook may not in with [redacted]"));
}

#[tokio::test]
async fn headers_of_one_name_are_all_sent_but_one_content_type() {
    let file = Template::new("headers", "{{ verdict }}!");
    let service = Service::start(|_, _| answer(200, "")).await;
    let more = [
        ("NUON_GATE_WEBHOOK_TEMPLATE", file.0.to_str().unwrap()),
        ("NUON_GATE_WEBHOOK_HEADERS", "X-Team: api\nContent-Type: text/plain\nX-Team: web"),
    ];
    end(&hook(&service, &more), Verdict::Passed).await;
    let seen = &service.seen()[0];
    let of = |wanted: &str| -> Vec<_> {
        let same = seen.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        same.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!((of("x-team"), of("content-type")), (vec!["api", "web"], vec!["text/plain"]));
}

#[tokio::test]
async fn githubs_signature_is_made_on_request() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let signed = [("NUON_GATE_WEBHOOK_SECRET", OLD), ("NUON_GATE_WEBHOOK_GITHUB_SIGNATURE", "true")];
    end(&hook(&service, &signed), Verdict::Passed).await;
    let seen = &service.seen()[0];
    // As a receiver computes it that uses the secret as it is written.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, OLD.as_bytes());
    let hex: String = ring::hmac::sign(&key, &seen.body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(seen.header("x-hub-signature-256"), Some(format!("sha256={hex}").as_str()));

    let service = Service::start(|_, _| answer(200, "")).await;
    end(&hook(&service, &[]), Verdict::Passed).await;
    let unsigned = &service.seen()[0];
    assert_eq!((unsigned.header("webhook-signature"), unsigned.header("x-hub-signature-256")), (None, None));
    assert!(unsigned.header("webhook-id").is_some());
}

#[tokio::test]
async fn a_repeated_request_has_the_same_id_and_is_signed_at_its_own_time() {
    let service = Service::start(|number, _| match number {
        0 => answer(500, "oops"),
        1 => answer_later(429, "1"),
        2 => answer(503, ""),
        _ => answer(200, ""),
    })
    .await;
    let outcome = end(&hook(&service, &[("NUON_GATE_WEBHOOK_SECRET", OLD)]), Verdict::Failed).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    let seen = service.seen();
    assert_eq!(seen.len(), 4);
    for request in &seen {
        verify(request, OLD);
        assert_eq!((request.header("webhook-id"), &request.body), (seen[0].header("webhook-id"), &seen[0].body));
    }
    // The service asked for a second in between.
    assert_ne!(seen[0].header("webhook-timestamp"), seen[3].header("webhook-timestamp"));
    assert_ne!(seen[0].header("webhook-signature"), seen[3].header("webhook-signature"));
}

#[tokio::test]
async fn the_same_end_reported_by_another_run_has_the_same_id() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let sinks = hook(&service, &[]);
    end(&sinks, Verdict::Failed).await;
    let mut again = result(Verdict::Failed);
    again.started_at = Line::new("2026-08-03T15:00:00Z");
    again.finished_at = Line::new("2026-08-03T15:00:01Z");
    Notifier::start(&sinks, options()).unwrap().finish(again, PATIENCE).await;
    end(&sinks, Verdict::Passed).await;
    let ids: Vec<_> = service.seen().iter().map(|seen| seen.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn refusals_are_final() {
    for (status, reason) in [
        (400, "HTTP 400: no"),
        (401, "HTTP 401: no"),
        (404, "HTTP 404: no"),
        (410, "HTTP 410: the receiver is gone for good, nothing more is sent"),
        (301, "HTTP 301: a redirect, which is never followed"),
        (307, "HTTP 307: a redirect, which is never followed"),
    ] {
        let elsewhere = Service::start(|_, _| answer(200, "")).await;
        let location = elsewhere.url("/elsewhere");
        let service = Service::start(move |_, _| {
            HttpMockResponse::builder().status(status).header("Location", location.clone()).body("no").build()
        })
        .await;
        let outcome = end(&hook(&service, &[]), Verdict::Passed).await;
        assert_eq!(only(&outcome), (Delivery::Failed, reason));
        assert_eq!((service.seen().len(), elsewhere.seen().len()), (1, 0), "{status}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let service = Service::start(|_, _| answer(410, "")).await;
    let notifier = Notifier::start(&hook(&service, &[]), options()).unwrap();
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    service.wait_for(1).await;
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome).0, Delivery::Failed);
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn every_listed_occasion_has_its_type_and_is_reported_once() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let all = Options { notify_on: Some(Trigger::ALL.to_vec()), ..options() };
    let notifier = Notifier::start(&hook(&service, &[]), all).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    notifier.notify(Occasion::Changed, pending("planning"));
    // The end would make up for it.
    service.wait_for(2).await;
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    notifier.notify(Occasion::Approval, pending("pending-approval"));
    notifier.finish(result(Verdict::TimedOut), PATIENCE).await;
    let types: Vec<_> = service.seen().iter().map(|seen| seen.json()["type"].as_str().unwrap().to_owned()).collect();
    let expected = ["nuon.deploy.started", "nuon.deploy.changed", "nuon.deploy.approval", "nuon.deploy.timed_out"];
    assert_eq!(types, expected);
}

#[tokio::test]
async fn changes_in_quick_succession_are_few_and_the_end_is_not_lost() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let pace = Pace { between_changes: Duration::from_secs(600), ..options().pace };
    let slow = Options { pace, notify_on: Some(Trigger::ALL.to_vec()), ..options() };
    let notifier = Notifier::start(&hook(&service, &[]), slow).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    for number in 0..250 {
        notifier.notify(Occasion::Changed, pending(&format!("status-{number}")));
    }
    // Everything but a change is sent at once.
    notifier.ask(Some(0), &place("inst1"), pending("pending-approval"));
    service.wait_for(2).await;
    notifier.finish(result(Verdict::Passed), PATIENCE).await;
    let seen: Vec<Value> = service.seen().iter().map(Seen::json).collect();
    let types: Vec<&str> = seen.iter().map(|body| body["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["nuon.deploy.started", "nuon.deploy.approval", "nuon.deploy.passed"]);
}

#[tokio::test]
async fn a_change_takes_no_time_from_the_end_unless_only_changes_are_listed() {
    for (listed, expected) in [
        (vec![Trigger::Change, Trigger::Success], ["nuon.deploy.passed"]),
        (vec![Trigger::Change], ["nuon.deploy.changed"]),
    ] {
        let service = Service::start(|_, _| answer(200, "")).await;
        let pace = Pace { between_changes: Duration::from_secs(600), ..options().pace };
        let slow = Options { pace, notify_on: Some(listed), ..options() };
        let notifier = Notifier::start(&hook(&service, &[]), slow).unwrap();
        for number in 0..250 {
            notifier.notify(Occasion::Changed, pending(&format!("status-{number}")));
        }
        notifier.finish(result(Verdict::Passed), PATIENCE).await;
        let seen: Vec<Value> = service.seen().iter().map(Seen::json).collect();
        let types: Vec<&str> = seen.iter().map(|body| body["type"].as_str().unwrap()).collect();
        assert_eq!(types, expected);
        let status = &seen[0]["data"]["targets"][0]["deploy"]["status"];
        assert!(*status == "status-249" || *status == "active", "{status}");
    }
}

#[tokio::test]
async fn each_step_that_asks_for_an_approval_is_an_event() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let notifier = Notifier::start(&hook(&service, &[]), options()).unwrap();
    for (number, step) in ["inst1", "inst1", "inst2"].into_iter().enumerate() {
        notifier.ask(Some(0), &place(step), pending("pending-approval"));
        service.wait_for([1, 1, 2][number]).await;
    }
    notifier.finish(result(Verdict::Passed), PATIENCE).await;
    let seen = service.seen();
    assert_eq!(seen.len(), 3);
    let ids: Vec<_> = seen.iter().map(|seen| seen.header("webhook-id").unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1], "another step of the same deploy");
}

#[tokio::test]
async fn cloudevents_are_structured() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let format = [("NUON_GATE_WEBHOOK_FORMAT", "cloudevents"), ("NUON_GATE_WEBHOOK_SECRET", OLD)];
    end(&hook(&service, &format), Verdict::Cancelled).await;
    let seen = &service.seen()[0];
    verify(seen, OLD);
    assert_eq!(seen.header("content-type"), Some("application/cloudevents+json"));
    let mut body = seen.json();
    assert_eq!(body["data"].take()["verdict"], "cancelled");
    assert_eq!(
        body,
        json!({
            "specversion": "1.0", "id": seen.header("webhook-id").unwrap(), "source": "/nuon/installs/inl1",
            "type": "nuon.deploy.cancelled", "subject": "dpl1", "time": "2026-08-03T14:05:18Z",
            "datacontenttype": "application/json", "data": null,
        })
    );
}

#[tokio::test]
async fn cdevents_report_every_end_and_every_deployed_artifact() {
    let cases = [
        (Verdict::Passed, "success", 2),
        (Verdict::Failed, "failure", 1),
        (Verdict::Cancelled, "cancel", 1),
        (Verdict::TimedOut, "error", 1),
    ];
    for (verdict, outcome, requests) in cases {
        let service = Service::start(|_, _| answer(200, "")).await;
        let sinks = hook(&service, &[("NUON_GATE_WEBHOOK_FORMAT", "cdevents")]);
        let notifier = Notifier::start(&sinks, options()).unwrap();
        notifier.notify(Occasion::Approval, pending("pending-approval"));
        let outcomes = notifier.finish(result(verdict), PATIENCE).await;
        assert_eq!(only(&outcomes), (Delivery::Sent, ""));
        let seen = service.seen();
        assert_eq!(seen.len(), requests, "{verdict:?}");
        let finished = seen[0].json();
        assert_eq!(finished["type"], "dev.cdevents.pipelinerun.finished.0.3.0");
        assert_eq!(finished["data"]["subject"]["id"], "inw1");
        let content = &finished["data"]["subject"]["content"];
        assert_eq!((&content["outcome"], &content["pipelineName"]), (&json!(outcome), &json!("api in acme")));
        assert_eq!(content.get("errors").is_some(), verdict != Verdict::Passed);
        for (request, event) in seen.iter().zip(seen.iter().map(Seen::json)) {
            assert_eq!(request.header("content-type"), Some("application/cloudevents+json"));
            // Both envelopes have the same content.
            let context = &event["data"]["context"];
            assert_eq!(
                (&event["id"], &event["type"], &event["source"]),
                (&context["id"], &context["type"], &context["source"])
            );
            assert_eq!((&event["time"], &context["specversion"]), (&context["timestamp"], &json!("0.5.1")));
            assert_eq!(event["subject"], event["data"]["subject"]["id"]);
        }
        if let Some(deployed) = seen.get(1).map(Seen::json) {
            assert_eq!(deployed["type"], "dev.cdevents.service.deployed.0.3.0");
            assert_ne!(deployed["id"], finished["id"]);
            let artifact = "pkg:generic/api@4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b";
            let content = json!({"environment": {"id": "inl1"}, "artifactId": artifact});
            assert_eq!(deployed["data"]["subject"]["content"], content);
        }
    }
}

#[tokio::test]
async fn cdevents_name_no_service_that_was_not_deployed() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let sinks = hook(&service, &[("NUON_GATE_WEBHOOK_FORMAT", "cdevents")]);
    let mut skipped = result(Verdict::Passed);
    skipped.targets[0].deploy.as_mut().unwrap().status = Line::new("auto-skipped");
    for result in [planned(), skipped] {
        Notifier::start(&sinks, options()).unwrap().finish(result, PATIENCE).await;
    }
    let now = "2026-08-03T14:00:00Z".parse().unwrap();
    send_test(&sinks, options(), now, PATIENCE).await.unwrap();
    let seen: Vec<_> = service.seen().iter().map(Seen::json).collect();
    let types: Vec<_> = seen.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["dev.cdevents.pipelinerun.finished.0.3.0"; 3]);
    let test = &seen[2]["data"]["subject"];
    assert_eq!(test["content"]["pipelineName"], "test message, nothing was deployed");
    assert_eq!(test["id"], seen[2]["id"], "no workflow's");
}

#[tokio::test]
async fn cdevents_name_every_service_of_a_fleet() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let sinks = hook(&service, &[("NUON_GATE_WEBHOOK_FORMAT", "cdevents")]);
    Notifier::start(&sinks, options()).unwrap().finish(fleet(Verdict::Passed, 30, 1), PATIENCE).await;
    let of = |seen: &Seen| seen.json()["data"]["subject"]["content"]["environment"]["id"].as_str().map(str::to_owned);
    let installs: std::collections::HashSet<_> = service.seen().iter().filter_map(of).collect();
    assert_eq!(installs.len(), 30);
}

/// A file that is removed with the test.
struct Template(std::path::PathBuf);

impl Template {
    fn new(name: &str, source: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nuon-gate-{}-{name}.j2", std::process::id()));
        std::fs::write(&path, source).unwrap();
        Self(path)
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_template_makes_the_body() {
    let file = Template::new(
        "body",
        r#"{"summary": {{ verdict ~ ": " ~ reason }}, "deploys": {{ targets|length }}, "id": {{ id }}}"#,
    );
    let service = Service::start(|_, _| answer(200, "")).await;
    let path = file.0.to_str().unwrap();
    let sinks = hook(&service, &[("NUON_GATE_WEBHOOK_TEMPLATE", path), ("NUON_GATE_WEBHOOK_SECRET", OLD)]);
    end(&sinks, Verdict::Failed).await;
    let seen = &service.seen()[0];
    verify(seen, OLD);
    let id = seen.header("webhook-id").unwrap();
    assert_eq!(seen.json(), json!({"summary": "failed: quota exceeded for pods", "deploys": 1, "id": id}));

    let text = Template::new("text", "{{ verdict }}!");
    let service = Service::start(|_, _| answer(200, "")).await;
    let plain = [
        ("NUON_GATE_WEBHOOK_TEMPLATE", text.0.to_str().unwrap()),
        ("NUON_GATE_WEBHOOK_HEADERS", "Content-Type: text/plain"),
    ];
    end(&hook(&service, &plain), Verdict::Passed).await;
    let seen = &service.seen()[0];
    assert_eq!((seen.header("content-type"), seen.body.as_slice()), (Some("text/plain"), b"passed!".as_slice()));
}

#[test]
fn a_template_that_makes_no_json_is_refused_before_the_wait() {
    let file = Template::new("broken", "{\"reason\": \"{{ reason }}\"}");
    let path = file.0.to_str().unwrap().to_owned();
    let set = |name: &str| match name {
        "NUON_GATE_WEBHOOK_URL" => Some("https://a.example/x".to_owned()),
        "NUON_GATE_WEBHOOK_TEMPLATE" => Some(path.clone()),
        _ => None,
    };
    let error = Sinks::from_variables(&set).unwrap_err();
    assert_eq!(error.variable, "NUON_GATE_WEBHOOK_TEMPLATE");
    assert!(error.why.starts_with("what comes of it is not JSON"), "{error}");
}

#[tokio::test]
async fn a_body_is_never_too_large() {
    let service = Service::start(|_, _| answer(200, "")).await;
    let mut huge = result(Verdict::Failed);
    let line = huge.targets[0].log_tail[0].clone();
    huge.targets[0].log_tail = vec![line; 50];
    huge.targets = vec![huge.targets[0].clone(); 200];
    Notifier::start(&hook(&service, &[]), options()).unwrap().finish(huge, PATIENCE).await;
    let seen = &service.seen()[0];
    assert!(seen.body.len() <= 64_000, "{}", seen.body.len());
    let body: Value = seen.json();
    assert_eq!(body["data"]["targets"][0]["log_tail"], json!([]));
}
