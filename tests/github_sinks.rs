//! What is written to GitHub itself: a Deployment and a commit status.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};

use serde_json::{Value, json};

use crate::github::{FAILING, Step, annotations};
use crate::notifications::received;
use crate::support::{Closed, ENDLESS, Gate, PASSING, one_deploy, serve, serve_deploy};

/// A service that gives every request the same answer, and passes on the first line and the body of each. It ends with
/// the tests.
pub(crate) fn service(answer: &'static str) -> (String, Receiver<(String, String)>) {
    let (shown, requests) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let mut length = 0;
            let mut line = String::new();
            reader.read_line(&mut line).unwrap_or(0);
            let first = std::mem::take(&mut line);
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                let value = line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned);
                length = value.and_then(|value| value.trim().parse().ok()).unwrap_or(length);
                line.clear();
            }
            // The client may have gone.
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let _ = shown.send((first.trim().to_owned(), String::from_utf8_lossy(&body).into_owned()));
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
            let _ = connection.write_all((head + answer).as_bytes());
        }
    });
    (url, requests)
}

/// Returns the requests so far: the first line without the version, and the state if one is written.
fn deployments(requests: &Receiver<(String, String)>) -> Vec<(String, Option<String>)> {
    let state = |body: &str| Some(serde_json::from_str::<Value>(body).unwrap()["state"].as_str()?.to_owned());
    requests.try_iter().map(|(line, body)| (line.replace(" HTTP/1.1", ""), state(&body))).collect()
}

#[test]
fn a_deployment_of_githubs_always_comes_to_an_end() {
    let (create, status) = ("POST /repos/acme/api/deployments", "POST /repos/acme/api/deployments/42/statuses");
    let expected = |end: &str| {
        [(create, None), (status, Some("in_progress")), (status, Some(end))]
            .map(|(line, state)| (line.to_owned(), state.map(str::to_owned)))
    };
    let (api, requests) = service(r#"{"id": 42}"#);
    let start = |sim| {
        let step = Step::new();
        let gate = step.of(Gate::wait(sim)).args(["--github-deployment", "production"]).env("GITHUB_API_URL", &api);
        let gate =
            gate.env("GITHUB_REPOSITORY", "acme/api").env("GITHUB_SHA", "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b");
        gate.env("GITHUB_TOKEN", "ghs_planted-77b1").start()
    };
    let sim = serve_deploy(FAILING);
    start(&sim).end().exits(1).says("::add-mask::ghs_planted-77b1");
    // A deploy that ends at once may leave no time for a state in between.
    let mut seen = deployments(&requests);
    seen.retain(|(_, state)| state.as_deref() != Some("in_progress"));
    assert_eq!(seen, [expected("failure")[0].clone(), expected("failure")[2].clone()]);

    let sim = serve_deploy(ENDLESS);
    let mut running = start(&sim);
    running.wait_for("queued → executing");
    let begun: Vec<_> = requests.iter().take(2).map(|(line, _)| line).collect();
    assert_eq!(begun, [create, status].map(|line| format!("{line} HTTP/1.1")));
    running.send(nix::sys::signal::SIGTERM);
    running.end().exits(143);
    assert_eq!(deployments(&requests), expected("error")[2..]);
}

#[test]
fn a_commit_status_says_pending_and_then_the_end_and_changes_no_verdict() {
    let commit = "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b";
    let place = format!("POST /repos/acme/api/statuses/{commit}");
    let start = |sim, api: &str| {
        let step = Step::new();
        let gate = step.of(Gate::wait(sim)).env("NUON_GATE_GITHUB_STATUS", "nuon/deploy").env("GITHUB_API_URL", api);
        let gate = gate.env("GITHUB_REPOSITORY", "acme/api").env("GITHUB_SHA", commit);
        gate.env("GITHUB_TOKEN", "ghs_planted-77b1").start()
    };
    let (api, requests) = service("{}");
    let (sim, failing, passing) = (serve_deploy(ENDLESS), serve_deploy(FAILING), serve_deploy(PASSING));
    let mut running = start(&sim, &api);
    running.wait_for("queued → executing");
    let (line, body) = requests.recv().unwrap();
    assert_eq!(line, format!("{place} HTTP/1.1"));
    let pending: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&pending["state"], &pending["context"]), (&json!("pending"), &json!("nuon/deploy")));
    running.send(nix::sys::signal::SIGTERM);
    running.end().exits(143);
    assert_eq!(deployments(&requests), [(place.clone(), Some("error".to_owned()))]);

    start(&failing, &api).end().exits(1).says("::add-mask::ghs_planted-77b1");
    assert_eq!(deployments(&requests).pop(), Some((place, Some("failure".to_owned()))));
    let closed = Closed::new();
    let outcome = start(&passing, &format!("http://{closed}")).end().exits(0);
    outcome.says("github-status was not notified: ");
}

/// The deploy that nobody pinned is seen to have ended only after the start was written: names are awaited for less time
/// than the API's pause takes.
#[test]
fn a_refusal_after_the_start_ends_what_was_written_and_stays_2() {
    let pause = "[[fault]]\non = \"latest\"\nnth = [1]\nanswer = \"status\"\ncode = 429\nretry_after = \"4\"\n";
    let sim = serve(&(one_deploy(r#"{ status = "active" }"#) + pause));
    let (api, requests) = service(r#"{"id": 42}"#);
    let step = Step::new();
    let gate = step.of(Gate::wait(&sim)).args(["--on-stale", "fail"]).env("GITHUB_API_URL", &api);
    let gate = gate.env("NUON_GATE_GITHUB_STATUS", "nuon/deploy").env("GITHUB_REPOSITORY", "acme/api");
    let gate =
        gate.env("GITHUB_SHA", "4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b").env("GITHUB_TOKEN", "ghs_planted-77b1");
    let gate = gate.env("NUON_GATE_SLACK_WEBHOOK_URL", sim.slack_webhook_url());
    gate.env("NUON_GATE_WEBHOOK_URL", sim.webhook_url()).run().refused().says("had already ended");
    let written: Vec<Value> = requests.try_iter().map(|(_, body)| serde_json::from_str(&body).unwrap()).collect();
    let states: Vec<&Value> = written.iter().map(|body| &body["state"]).collect();
    assert_eq!(states, ["pending", "error"]);
    let end = written[1]["description"].as_str().unwrap();
    assert!(end.starts_with("❌ api") && end.contains(" not waited for: the latest deploy, dpl1"), "{end}");
    assert!(sim.slack_messages().is_empty(), "a mistake of the user is no news");
    assert!(received(&sim, "/webhook").is_empty());
    step.has(&[("verdict", "usage"), ("exit-code", "2"), ("result", ""), ("notified", "false")]);
}

#[test]
fn a_deployment_of_githubs_without_a_token_is_2() {
    let (step, sim) = (Step::new(), serve_deploy(PASSING));
    let outcome = step.of(Gate::wait(&sim)).env("NUON_GATE_GITHUB_DEPLOYMENT", "production").run().exits(2);
    outcome.says("GITHUB_TOKEN cannot be used: it is not set").says("deployments: write");
    assert_eq!(sim.requests().len(), 0);
}

#[test]
fn a_trigger_that_fails_is_reported_like_any_other_failure() {
    let (step, sim) = (Step::new(), serve_deploy(PASSING));
    let outcome = step.of(Gate::wait(&sim)).args(["--", "/bin/sh", "-c", "exit 3"]).run().exits(1);
    assert_eq!(annotations(&outcome).len(), 1);
    let outputs = step.has(&[("verdict", "failed"), ("exit-code", "1"), ("deploy-id", "")]);
    assert!(outputs["reason"].contains("/bin/sh failed (exit status: 3)"), "{outputs:#?}");
    assert!(fs::read_to_string(&outputs["result"]).unwrap().contains("\"verdict\": \"failed\""), "{outputs:#?}");

    let step = Step::new();
    let nobody = Gate::wait(&sim).args(["--target", "nowhere/api", "--", "/bin/true"]);
    step.of(nobody).run().exits(3).says("the command was not run");
    step.has(&[("verdict", "rejected"), ("exit-code", "3")]);
}

#[test]
fn the_notified_sinks_are_an_output() {
    let (step, sim) = (Step::new(), serve_deploy(PASSING));
    let (url, _) = service(r#"{"ok": true, "channel": "C024BE91L", "ts": "1503435956.000247"}"#);
    let gate = step.of(Gate::wait(&sim)).env("NUON_GATE_SLACK_TOKEN", "xoxb-planted-3f9a");
    let gate = gate.env("NUON_GATE_SLACK_CHANNEL", "C024BE91L").env("NUON_GATE_SLACK_API_URL", format!("{url}/api/"));
    gate.run().exits(0).says("::add-mask::xoxb-planted-3f9a");
    step.has(&[("notified", "true"), ("slack-thread", "C024BE91L:1503435956.000247")]);
    assert!(!step.read("summary").contains("Notification"), "{}", step.read("summary"));

    let (step, closed) = (Step::new(), Closed::new());
    let gate = step.of(Gate::wait(&sim)).env("NUON_GATE_WEBHOOK_URL", format!("http://{closed}/"));
    gate.args(["--notify-timeout", "1s"]).run().exits(0);
    step.has(&[("notified", "false"), ("slack-thread", "")]);
    assert!(step.read("summary").contains("- **Notification failed:** webhook"), "{}", step.read("summary"));
}
