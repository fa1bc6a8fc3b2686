//! Runs to report, and a service that receives the messages.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};
use nuon_gate_core::Line;
use nuon_gate_core::result::v1::{Delivery, RunResult, TargetResult};
use nuon_gate_core::{ApprovalPlace, Verdict};
use nuon_gate_notify::{Options, Outcome, Pace, Sinks};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Far longer than any test here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A run with one target that has this verdict.
pub(crate) fn result(verdict: Verdict) -> RunResult {
    let mut value = json!({
        "schema": 1, "verdict": "pending", "exit_code": 1, "reason": null,
        "started_at": "2026-08-03T14:02:11Z", "finished_at": "2026-08-03T14:05:18Z", "elapsed_ms": 187_000,
        "targets": [target("acme", "api")],
        "api": {"version": "0.19.812", "requests": 14, "errors": 0},
        "ci_url": "https://github.com/acme/api/actions/runs/7", "notifications": [], "warnings": [],
    });
    let name = verdict.as_str();
    let again = "still running: wait again with --deploy dpl1, or raise --timeout (NUON_GATE_TIMEOUT)";
    let (status, reason, hint) = match verdict {
        Verdict::Passed | Verdict::NotifyFailed => ("active", None, None),
        Verdict::Failed => {
            ("error", Some("quota exceeded for pods"), Some("ask the platform team to raise the pod quota"))
        }
        Verdict::Rejected => (
            "executing",
            Some("the API does not accept the token: HTTP 401: invalid token"),
            Some("check NUON_API_TOKEN or --token-file (NUON_GATE_TOKEN_FILE); nuon-gate doctor says more"),
        ),
        Verdict::Cancelled => (
            "cancelled",
            Some("the deploy ended as `cancelled`; the server gives no reason"),
            Some("deploy again, unless it was cancelled on purpose"),
        ),
        Verdict::ApprovalNeeded => (
            "pending-approval",
            Some("--approval-timeout 10m expired, nobody has answered"),
            Some("approve or deny it in Nuon, then wait again with --deploy dpl1"),
        ),
        Verdict::Superseded => (
            "executing",
            Some("the deploy dpl1 was superseded by dpl2"),
            Some("wait for the newer one with --deploy dpl2"),
        ),
        Verdict::TimedOut => ("executing", Some("--timeout 1h expired; last seen `executing` for 58m 3s"), Some(again)),
        Verdict::Interrupted(_) => (
            "executing",
            Some("interrupted by SIGTERM; last seen `executing` for 2m 58s"),
            Some("still running: wait again with --deploy dpl1"),
        ),
        Verdict::Inconclusive => (
            "executing",
            Some("no good answer from the API for 5m (--api-outage): HTTP 503"),
            Some("the deploy may be fine: check the API's state, then run this again"),
        ),
        Verdict::Pending => ("executing", None, None),
    };
    let (reason, hint) = (json!(reason), json!(hint));
    value["hint"] = hint.clone();
    value["verdict"] = name.into();
    value["reason"] = reason.clone();
    let target = &mut value["targets"][0];
    target["verdict"] = if matches!(verdict, Verdict::Interrupted(_)) { "pending".into() } else { name.into() };
    if verdict == Verdict::NotifyFailed {
        target["verdict"] = "passed".into();
    }
    // A deploy that has not ended has no reason yet.
    if !matches!(verdict, Verdict::Interrupted(_)) {
        target["reason"] = reason;
        target["hint"] = hint;
    }
    if matches!(verdict, Verdict::Failed | Verdict::TimedOut | Verdict::Cancelled) {
        target["last_good"] = json!({"deploy_id": "dpl0", "build_id": "bld0", "commit": "0a1b2c3d", "at": null});
    }
    target["deploy"]["status"] = status.into();
    target["timeline"][2]["status"] = status.into();
    if matches!(verdict, Verdict::Passed | Verdict::Failed | Verdict::Cancelled) {
        target["deploy"]["ended_at"] = "2026-08-03T14:05:17Z".into();
        target["timeline"][2]["duration_ms"] = Value::Null;
    }
    if verdict == Verdict::ApprovalNeeded {
        target["approval_url"] = "https://app.nuon.co/org1/installs/inl1/workflows/inw1?panel=inst1".into();
    }
    if verdict == Verdict::Failed {
        target["log_tail"] = json!([
            {"at": null, "severity": "info", "text": "helm upgrade --install api ./chart"},
            {"at": null, "severity": "error", "text": "Error: pods \"api-7d9f\" is forbidden: exceeded quota: acme"},
        ]);
    }
    serde_json::from_value(value).unwrap()
}

fn target(install: &str, component: &str) -> Value {
    json!({
        "install": {"id": "inl1", "name": install}, "component": {"id": "cmp1", "name": component},
        "verdict": "pending", "reason": null, "clock": null,
        "deploy": {
            "id": "dpl1", "type": "apply", "status": "executing", "status_description": null, "build_id": "bld1",
            "commit": "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b", "workflow_id": "inw1",
            "created_by": "ada@acme.example", "created_at": "2026-08-03T14:02:20Z", "ended_at": null,
        },
        "matched_by": "build", "superseded_by": null, "replaced": [], "typical_ms": 170_000, "recovered_after": null,
        "last_good": null,
        "timeline": [
            {"status": "queued", "at": "2026-08-03T14:02:20Z", "duration_ms": 9_000},
            {"status": "executing", "at": "2026-08-03T14:02:29Z", "duration_ms": 168_000},
            {"status": "executing", "at": "2026-08-03T14:05:17Z", "duration_ms": 1_000},
        ],
        "url": "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1", "approval_url": null,
        "log_tail": [], "warnings": [],
    })
}

/// A run with several installs, of which `decided` have the verdict, and the others passed.
pub(crate) fn fleet(verdict: Verdict, count: usize, decided: usize) -> RunResult {
    let (mut run, passed) = (result(verdict), result(Verdict::Passed).targets.remove(0));
    let one = run.targets.remove(0);
    let number = |number: usize, mut target: TargetResult| {
        target.install.id = Line::new(format!("inl{number}"));
        target.install.name = Some(Line::new(format!("acme-{number}")));
        let deploy = target.deploy.as_mut().unwrap();
        deploy.id = Some(Line::new(format!("dpl{number}")));
        target.url = Some(Line::new(format!("https://app.nuon.co/org1/installs/inl{number}/deploys/dpl{number}")));
        target
    };
    let every = count / decided;
    let is_decided = |at: usize| at % every == every - 1 && at / every < decided;
    let target = |at: usize| number(at, if is_decided(at) { one.clone() } else { passed.clone() });
    run.targets = (0..count).map(target).collect();
    if let Some(reason) = run.reason.as_ref().filter(|_| !matches!(verdict, Verdict::Interrupted(_))) {
        let more = if decided > 1 { format!(" ({decided} of {count} targets did not pass)") } else { String::new() };
        run.reason = Some(Line::new(format!("acme-{}/api: {}{more}", every - 1, reason.plain())));
    }
    run
}

/// A pending run, in this status.
pub(crate) fn pending(status: &str) -> RunResult {
    let mut result = result(Verdict::Pending);
    result.targets[0].deploy.as_mut().unwrap().status = Line::new(status);
    result
}

/// A run that passed on a plan, which nobody has approved yet.
pub(crate) fn planned() -> RunResult {
    let mut result = result(Verdict::Passed);
    let target = &mut result.targets[0];
    target.approval_url = Some(Line::new("https://app.nuon.co/org1/installs/inl1/workflows/inw1?panel=inst1"));
    let deploy = target.deploy.as_mut().unwrap();
    (deploy.status, deploy.ended_at) = (Line::new("pending-approval"), None);
    result
}

/// A step that asks for an approval.
pub(crate) fn place(step: &str) -> ApprovalPlace {
    ApprovalPlace { workflow: "inw1".parse().unwrap(), step: Some(step.parse().unwrap()), approval: None }
}

/// Reads valid settings.
pub(crate) fn sinks(variables: &[(&str, &str)]) -> Sinks {
    let set = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Sinks::from_variables(&set).unwrap().sinks
}

/// One sink of every kind. Each secret contains `secret`.
pub(crate) fn all_sinks() -> Sinks {
    let mut all = sinks(&[
        ("NUON_GATE_SLACK_TOKEN", "xoxb-secret-token"),
        ("NUON_GATE_SLACK_CHANNEL", "deploys"),
        ("NUON_GATE_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/secret-path"),
        ("NUON_GATE_WEBHOOK_URL", "https://a.example/hooks/secret-path"),
        ("NUON_GATE_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("NUON_GATE_WEBHOOK_HEADERS", "Authorization: Bearer secret-header"),
        ("NUON_GATE_TEAMS_WEBHOOK_URL", "https://x.logic.azure.com/invoke?sig=secret-path"),
        ("NUON_GATE_DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/secret-path"),
    ]);
    let github = |name: &str| match name {
        "GITHUB_TOKEN" => Some("secret-token".to_owned()),
        "GITHUB_REPOSITORY" => Some("acme/api".to_owned()),
        "GITHUB_SHA" => Some("4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b".to_owned()),
        _ => None,
    };
    all.add_github_deployment("production", &github).unwrap();
    all.add_github_status("nuon/deploy", &github).unwrap();
    all
}

/// Options with negligible delays.
pub(crate) fn options() -> Options {
    let pace = Pace {
        between_changes: Duration::ZERO,
        first_retry: Duration::from_millis(1),
        request_timeout: Duration::from_secs(15),
    };
    let user_agent = "nuon-gate/0.0.0 (+https://gate.example)".to_owned();
    Options { pace, ..Options::new(nuon_gate_http::Setup { user_agent, ..Default::default() }) }
}

/// The outcome of the only sink: the result, and the reason or an empty text.
pub(crate) fn only(outcome: &Outcome) -> (Delivery, &str) {
    assert_eq!(outcome.results.len(), 1, "{outcome:?}");
    let result = &outcome.results[0];
    (result.result, result.reason.as_ref().map(Line::plain).unwrap_or_default())
}

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A service that records what it receives, and answers as the test wants.
pub(crate) struct Service {
    server: MockServer,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Receiver<usize>,
}

impl Service {
    /// Starts a service. `answer` gets the number of the request, starting at 0, and the request.
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> HttpMockResponse + Send + Sync + 'static) -> Self {
        let server = MockServer::start_async().await;
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (sender, count) = watch::channel(0);
        let kept = Arc::clone(&seen);
        server
            .mock_async(move |when, then| {
                when.any_request();
                then.respond_with(move |request: &HttpMockRequest| {
                    let request = Seen {
                        method: request.method_str().to_owned(),
                        path: request.uri().path().to_owned(),
                        query: request.query_params(),
                        headers: request.headers_vec().clone(),
                        body: request.body_vec(),
                    };
                    let number = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len()
                    };
                    sender.send_replace(number);
                    answer(number - 1, &request)
                });
            })
            .await;
        Self { server, seen, count }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// Waits until this many requests have come.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut counter = self.count.clone();
        tokio::time::timeout(PATIENCE, counter.wait_for(|seen| *seen >= count)).await.unwrap().unwrap();
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer with a status and a body.
pub(crate) fn answer(status: u16, body: impl Into<String>) -> HttpMockResponse {
    HttpMockResponse::builder().status(status).body(body.into()).build()
}

/// An answer that asks for a pause of some seconds.
pub(crate) fn answer_later(status: u16, seconds: &str) -> HttpMockResponse {
    HttpMockResponse::builder().status(status).header("Retry-After", seconds).body("later").build()
}
