//! What is written to GitHub, and how its answers are handled.

#![cfg(test)]

mod support;

use httpmock::HttpMockResponse;
use nuon_gate_core::result::v1::{Delivery, RunResult};
use nuon_gate_core::{Line, Signal, Verdict};
use nuon_gate_notify::{InvalidSetting, Notifier, Occasion, Options, Sinks, Trigger, render};
use serde_json::{Value, json};
use support::{PATIENCE, Service, answer, only, options, pending, place, planned, result, sinks};

const TOKEN: &str = "ghs_planted-token";

fn set<'a>(api: &'a str, but: (&'a str, &'a str)) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let value = match name {
            _ if name == but.0 => but.1,
            "GITHUB_TOKEN" => TOKEN,
            "GITHUB_REPOSITORY" => "acme/api",
            "GITHUB_SHA" => "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b",
            "GITHUB_API_URL" => api,
            _ => "",
        };
        Some(value.to_owned())
    }
}

fn deployment(service: &Service) -> Sinks {
    let mut sinks = sinks(&[]);
    sinks.add_github_deployment("production", &set(&service.url("/api/v3"), ("", ""))).unwrap();
    sinks
}

fn commit_status(service: &Service) -> Sinks {
    let mut sinks = sinks(&[]);
    sinks.add_github_status("nuon/deploy", &set(&service.url("/api/v3"), ("", ""))).unwrap();
    sinks
}

/// The written states, in order.
fn states(service: &Service) -> Vec<Value> {
    service
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("/statuses"))
        .map(|seen| seen.json()["state"].clone())
        .collect()
}

#[tokio::test]
async fn a_deployment_begins_and_ends_with_the_run() {
    let service = Service::start(|_, _| answer(201, json!({"id": 42}).to_string())).await;
    // `--notify-on` does not leave a deployment without an end.
    let options = Options { notify_on: Some(vec![Trigger::Recovery]), ..options() };
    let notifier = Notifier::start(&deployment(&service), options).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(2).await;
    notifier.notify(Occasion::Changed, pending("executing"));
    let outcome = notifier.finish(result(Verdict::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(outcome.results[0].sink, "github-deployment");
    let seen = service.seen();
    let lines: Vec<_> = seen.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    let (create, status) =
        ("POST /api/v3/repos/acme/api/deployments", "POST /api/v3/repos/acme/api/deployments/42/statuses");
    assert_eq!(lines, [create, status, status]);
    for request in &seen {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
        assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
    }
    let created = json!({
        "ref": "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b", "environment": "production",
        "auto_merge": false, "required_contexts": [],
    });
    assert_eq!(seen[0].json(), created);
    let ended = json!({
        "state": "failure", "description": "❌ api in acme failed: quota exceeded for pods",
        "environment_url": "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1",
        "log_url": "https://github.com/acme/api/actions/runs/7",
    });
    assert_eq!(states(&service)[0], "in_progress");
    assert_eq!(seen[2].json(), ended);
}

#[tokio::test]
async fn a_commit_status_is_pending_and_then_the_end() {
    let service = Service::start(|_, _| answer(201, "{}")).await;
    // `--notify-on` does not leave a status without an end.
    let options = Options { notify_on: Some(vec![Trigger::Recovery]), ..options() };
    let notifier = Notifier::start(&commit_status(&service), options).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(1).await;
    // GitHub keeps every status, so one without news is not written.
    notifier.notify(Occasion::Changed, pending("executing"));
    notifier.ask(Some(0), &place("inst1"), pending("pending-approval"));
    service.wait_for(2).await;
    let outcome = notifier.finish(result(Verdict::Failed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(outcome.results[0].sink, "github-status");
    let seen = service.seen();
    for request in &seen {
        let line = format!("{} {}", request.method, request.path);
        assert_eq!(line, "POST /api/v3/repos/acme/api/statuses/4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b");
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
        assert_eq!(request.json()["context"], "nuon/deploy");
    }
    assert_eq!(states(&service), ["pending", "pending", "failure"]);
    assert_eq!(seen[1].json()["description"], "✋ approval needed for api in acme");
    let ended = json!({
        "state": "failure", "context": "nuon/deploy", "description": "❌ api in acme failed: quota exceeded for pods",
        "target_url": "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1",
    });
    assert_eq!(seen[2].json(), ended);
}

#[tokio::test]
async fn a_commit_status_is_tried_again_and_its_trouble_is_said_without_the_token() {
    let service = Service::start(|number, _| if number < 2 { answer(502, "") } else { answer(201, "{}") }).await;
    let notifier = Notifier::start(&commit_status(&service), options()).unwrap();
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(states(&service), ["success", "success", "success"]);

    let service = Service::start(|_, _| answer(403, format!("Resource not accessible by {TOKEN}"))).await;
    let notifier = Notifier::start(&commit_status(&service), options()).unwrap();
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    let (delivery, why) = only(&outcome);
    assert_eq!(delivery, Delivery::Failed);
    assert!(why.contains("HTTP 403") && why.contains("statuses: write") && !why.contains(TOKEN), "{why}");
}

#[tokio::test]
async fn a_deployment_waits_while_a_human_is_asked() {
    let service = Service::start(|_, _| answer(201, r#"{"id": 7}"#)).await;
    let notifier = Notifier::start(&deployment(&service), options()).unwrap();
    notifier.notify(Occasion::Started, pending("executing"));
    service.wait_for(2).await;
    notifier.ask(Some(0), &place("inst1"), pending("pending-approval"));
    service.wait_for(3).await;
    assert_eq!(service.seen()[2].json()["description"], "✋ approval needed for api in acme");
    notifier.notify(Occasion::Changed, pending("executing"));
    service.wait_for(4).await;
    notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(states(&service), ["in_progress", "pending", "in_progress", "success"]);
}

#[tokio::test]
async fn every_end_has_its_state() {
    let expected = [
        (Verdict::Passed, "success"),
        (Verdict::Failed, "failure"),
        (Verdict::Cancelled, "failure"),
        (Verdict::Superseded, "failure"),
        (Verdict::Rejected, "error"),
        (Verdict::ApprovalNeeded, "error"),
        (Verdict::Inconclusive, "error"),
        (Verdict::TimedOut, "error"),
        (Verdict::Interrupted(Signal::Terminate), "error"),
    ];
    for (verdict, state) in expected {
        let service = Service::start(|_, _| answer(201, r#"{"id": 7}"#)).await;
        let notifier = Notifier::start(&deployment(&service), options()).unwrap();
        notifier.finish(result(verdict), PATIENCE).await;
        assert_eq!(states(&service), [state], "{verdict:?}");
        for sinks in [deployment(&service), commit_status(&service)] {
            let shown: Value = serde_json::from_str(&render(&sinks, &result(verdict), &[])[0].text).unwrap();
            assert_eq!(shown["state"], state);
        }
    }
}

#[test]
fn what_is_only_planned_is_not_deployed() {
    let mut sinks = sinks(&[]);
    let set = set("https://github.example/api/v3", ("", ""));
    sinks.add_github_deployment("production", &set).unwrap();
    sinks.add_github_status("nuon/deploy", &set).unwrap();
    let mut released = result(Verdict::Passed);
    released.branch_run = serde_json::from_value(json!({
        "id": "7", "status": "awaiting-approval", "commit": null, "awaiting_approval": true, "url": null, "groups": [],
        "waiting": [],
    }))
    .unwrap();
    for (result, words) in [
        (planned(), "✋ api in acme planned, awaiting approval"),
        (released, "✋ api in acme deployed; run 7 awaits approval"),
    ] {
        let shown: Vec<Value> =
            render(&sinks, &result, &[]).iter().map(|shown| serde_json::from_str(&shown.text).unwrap()).collect();
        assert_eq!((&shown[0]["state"], &shown[0]["description"]), (&json!("pending"), &json!(words)));
        // A required status that stays pending would block the commit for ever.
        assert_eq!((&shown[1]["state"], &shown[1]["description"]), (&json!("success"), &json!(words)));
    }
}

/// What would be written for a run.
fn shown(result: &RunResult) -> Value {
    let mut sinks = sinks(&[]);
    sinks.add_github_deployment("production", &set("https://github.example/api/v3", ("", ""))).unwrap();
    serde_json::from_str(&render(&sinks, result, &[])[0].text).unwrap()
}

#[test]
fn what_has_been_torn_down_is_inactive() {
    let mut result = result(Verdict::Passed);
    assert_eq!(
        (&shown(&result)["state"], &shown(&result)["description"]),
        (&json!("success"), &json!("✅ api in acme deployed"))
    );
    result.targets[0].deploy.as_mut().unwrap().deploy_type = Some(Line::new("teardown"));
    assert_eq!(
        (&shown(&result)["state"], &shown(&result)["description"]),
        (&json!("inactive"), &json!("✅ api in acme torn down"))
    );
    // If something else is deployed beside it, it is not only a teardown.
    result.targets.push(support::result(Verdict::Passed).targets.remove(0));
    assert_eq!(shown(&result)["state"], "success");
    result.verdict = Verdict::Failed;
    assert_eq!(shown(&result)["state"], "failure");
}

#[test]
fn a_description_has_the_reason_and_fits() {
    let mut result = result(Verdict::TimedOut);
    for (name, reason) in [("api".to_owned(), "late ".repeat(100)), ("n".repeat(300), "🇩🇪".repeat(100))] {
        result.targets[0].component.name = Some(Line::new(&name));
        result.reason = Some(Line::new(&reason));
        let description = shown(&result)["description"].as_str().unwrap().to_owned();
        assert!(description.encode_utf16().count() <= 140, "{description}");
        assert!(description.starts_with("⏰ ") && description.contains(&reason[..4]), "{description}");
    }
    let mut several = support::result(Verdict::Failed);
    several.targets = vec![several.targets[0].clone(); 40];
    let description = shown(&several)["description"].as_str().unwrap().to_owned();
    assert_eq!(description, "❌ api in 40 installs failed: quota exceeded for pods");
    several.targets[3].reason = Some(Line::new("no image"));
    several.reason = Some(Line::new("acme/api: quota exceeded for pods (40 of 40 targets did not pass)"));
    let description = shown(&several)["description"].as_str().unwrap().to_owned();
    assert!(
        description.starts_with("❌ api in 40 installs failed: acme/api: quota exceeded for pods (40"),
        "{description}"
    );
}

#[test]
fn links_lead_to_the_deploy_and_to_the_run() {
    let deploy = "https://app.nuon.co/org1/installs/inl1/components/cmp1/deploys/dpl1";
    let mut result = result(Verdict::ApprovalNeeded);
    let status = shown(&result);
    assert_eq!(status["environment_url"], "https://app.nuon.co/org1/installs/inl1/workflows/inw1?panel=inst1");
    assert_eq!(status["log_url"], "https://github.com/acme/api/actions/runs/7");
    (result.targets[0].approval_url, result.ci_url) = (None, None);
    let status = shown(&result);
    assert_eq!((&status["environment_url"], &status["log_url"]), (&json!(deploy), &json!(deploy)));
    result.targets[0].url = Some(Line::new("javascript:alert(1)"));
    assert_eq!(shown(&result).get("environment_url"), None);
}

#[tokio::test]
async fn a_deployment_is_not_made_twice_and_its_end_is_reported_again() {
    let service = Service::start(|number, _| match number {
        0 => answer(201, r#"{"id": 7}"#),
        1 | 2 => answer(502, ""),
        _ => answer(201, "{}"),
    })
    .await;
    let notifier = Notifier::start(&deployment(&service), options()).unwrap();
    notifier.notify(Occasion::Started, pending("queued"));
    service.wait_for(4).await;
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Sent, ""));
    assert_eq!(states(&service), ["in_progress", "in_progress", "in_progress", "success"]);

    let service = Service::start(|_, _| answer(502, "")).await;
    let outcome = Notifier::start(&deployment(&service), options()).unwrap();
    let outcome = outcome.finish(result(Verdict::Passed), PATIENCE).await;
    assert_eq!(only(&outcome), (Delivery::Failed, "HTTP 502"));
    assert_eq!(service.seen().len(), 1, "it may have been made");
}

#[tokio::test]
async fn a_deployment_that_may_have_been_made_is_looked_for() {
    let made = r#"[{"id": 7}]"#;
    // What the list says, what its statuses say, and whether another one is made.
    for (listed, statuses, is_made_again) in
        [(made, "[]", false), ("[]", "[]", true), (made, r#"[{"state": "success"}]"#, true)]
    {
        let service = Service::start(move |number, seen| match (seen.method.as_str(), seen.path.contains("/7/")) {
            _ if number == 0 => answer(502, ""),
            ("GET", false) => answer(200, listed),
            ("GET", true) => answer(200, statuses),
            _ => answer(201, r#"{"id": 8}"#),
        })
        .await;
        let notifier = Notifier::start(&deployment(&service), options()).unwrap();
        notifier.notify(Occasion::Started, pending("queued"));
        service.wait_for(1).await;
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!(only(&outcome), (Delivery::Sent, ""));
        let seen = service.seen();
        let list = seen.iter().find(|seen| seen.method == "GET").unwrap();
        for (name, value) in [("sha", "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b"), ("environment", "production")] {
            assert!(list.query.contains(&(name.to_owned(), value.to_owned())), "{:?}", list.query);
        }
        let creations = seen.iter().filter(|seen| seen.method == "POST" && seen.path.ends_with("/deployments"));
        assert_eq!(creations.count(), if is_made_again { 2 } else { 1 });
        let (last, id) = (seen.last().unwrap(), if is_made_again { 8 } else { 7 });
        assert!(last.path.ends_with(&format!("/deployments/{id}/statuses")) && last.json()["state"] == "success");
    }
}

#[tokio::test]
async fn what_the_token_may_not_do_is_said_without_it() {
    let service = Service::start(|_, _| answer(403, format!("Resource not accessible by {TOKEN}"))).await;
    let notifier = Notifier::start(&deployment(&service), options()).unwrap();
    let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
    let (delivery, why) = only(&outcome);
    assert_eq!(delivery, Delivery::Failed);
    assert!(why.contains("HTTP 403") && why.contains("deployments: write") && !why.contains(TOKEN), "{why}");
}

#[tokio::test]
async fn too_many_requests_are_no_missing_permission() {
    let limited = |headers: &[(&str, &str)]| {
        let mut limited = HttpMockResponse::builder().status(403);
        for (name, value) in headers {
            limited = limited.header(*name, *value);
        }
        limited.body("You have exceeded a secondary rate limit").build()
    };
    for (limit, requests, delivery) in [
        (limited(&[("Retry-After", "0")]), 2, Delivery::Sent),
        (limited(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "0")]), 2, Delivery::Sent),
        // There is less time than that.
        (limited(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "4102444800")]), 1, Delivery::Failed),
    ] {
        let service =
            Service::start(move |number, _| if number == 0 { limit.clone() } else { answer(201, "{}") }).await;
        let notifier = Notifier::start(&commit_status(&service), options()).unwrap();
        let outcome = notifier.finish(result(Verdict::Passed), PATIENCE).await;
        assert_eq!((only(&outcome).0, service.seen().len()), (delivery, requests));
        assert!(!only(&outcome).1.contains("permission"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_token_of_githubs_is_read_as_the_apis_is() {
    let service = Service::start(|_, _| answer(201, "{}")).await;
    for written in ["\u{feff}ghs_planted-token", "Bearer ghs_planted-token", " bearer  ghs_planted-token\r\n"] {
        let mut sinks = sinks(&[]);
        sinks.add_github_status("nuon", &set(&service.url("/api/v3"), ("GITHUB_TOKEN", written))).unwrap();
        let notifier = Notifier::start(&sinks, options()).unwrap();
        notifier.finish(result(Verdict::Passed), PATIENCE).await;
    }
    let seen = service.seen();
    let sent: Vec<_> = seen.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(sent, [Some("Bearer ghs_planted-token"); 3]);
}

#[test]
fn what_github_did_not_set_is_named() {
    let table = [
        (("GITHUB_TOKEN", ""), "GITHUB_TOKEN cannot be used: it is not set, though --github-deployment is"),
        (
            ("GITHUB_TOKEN", "ghs_planted token"),
            "GITHUB_TOKEN cannot be used: the token holds a blank at character 12, which a header cannot carry",
        ),
        (("GITHUB_SHA", " "), "GITHUB_SHA cannot be used: it is not set, though --github-deployment is"),
        (("GITHUB_REPOSITORY", "api"), "GITHUB_REPOSITORY cannot be used: it is not OWNER/NAME"),
        (("GITHUB_REPOSITORY", "acme/.."), "GITHUB_REPOSITORY cannot be used: it is not OWNER/NAME"),
        (("GITHUB_REPOSITORY", "acme/api/x"), "GITHUB_REPOSITORY cannot be used: it is not OWNER/NAME"),
    ];
    let add = |but| sinks(&[]).add_github_deployment("production", &set("https://github.example/api/v3", but));
    for (but, words) in table {
        assert_eq!(add(but).as_ref().map_err(InvalidSetting::to_string), Err(words.to_owned()));
    }
    let status = sinks(&[]).add_github_status("nuon", &set("https://github.example/api/v3", ("GITHUB_TOKEN", "")));
    let error = status.unwrap_err();
    assert_eq!(error.to_string(), "GITHUB_TOKEN cannot be used: it is not set, though --github-status is");
    assert!(error.hint.contains("statuses: write"), "{}", error.hint);
    let plain = add(("GITHUB_API_URL", "http://github.example/api/v3")).unwrap_err();
    assert_eq!(plain.variable, "GITHUB_API_URL");
    add(("GITHUB_API_URL", "")).unwrap();
}
