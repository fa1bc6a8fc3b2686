//! Workflows that wait behind others.

use nuon_gate_sim::Sim;
use serde_json::json;

use crate::support::{API, Gate, INSTALL, access, serve};

/// A deploy whose workflow first waits behind two others.
fn queued(head: &str, rest: &str) -> Sim {
    let states = format!("{{ status = \"queued\", ahead = 2, polls = 40 }}{rest}");
    serve(&format!(
        "{head}{}[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{API}\"\n\
         [[component.deploy]]\nid = \"dplq\"\nworkflow = \"inwq\"\nstatuses = [{states}]\n",
        access()
    ))
}

const THEN_PASSES: &str = r#", { status = "executing", polls = 3 }, { status = "active" }"#;
const SAID: &str = "waiting behind 2: deploy_components, deploy_components";

#[test]
fn a_wait_behind_others_is_reported() {
    for wanted in [vec!["--install", INSTALL, "--component", API], vec!["--workflow", "inwq"]] {
        let sim = queued("", THEN_PASSES);
        let outcome = Gate::at(&sim.url(), "wait").args(&wanted).args(["--output", "ndjson"]).run().exits(0);
        assert!(outcome.stderr.contains(&format!("workflow inwq: {SAID}")), "{wanted:?}: {}", outcome.stderr);
        let events = outcome.events();
        let shown: Vec<_> = events.iter().filter(|event| event["event"] == "queued").collect();
        assert_eq!(shown.len(), 1, "it is reported when it changes: {shown:?}");
        let ahead = json!(["deploy_components", "deploy_components"]);
        assert_eq!((&shown[0]["position"], &shown[0]["ahead"]), (&json!(3), &ahead));
        assert_eq!(outcome.result()["targets"][0]["queue"], json!(null), "it has left the queue");
    }
}

#[test]
fn waiting_behind_others_has_a_timeout_of_its_own() {
    for wanted in [vec!["--install", INSTALL, "--component", API], vec!["--workflow", "inwq"]] {
        let sim = queued("", "");
        let outcome = Gate::at(&sim.url(), "wait").args(&wanted).args(["--queue-timeout", "100ms"]).json().exits(124);
        let said = "--queue-timeout 100ms expired, the workflow still waits behind others";
        assert!(outcome.reason().contains(said), "{wanted:?}: {}", outcome.reason());
        let target = outcome.target();
        assert_eq!((&target["clock"], &target["queue"]["position"]), (&json!("queue"), &json!(3)), "{wanted:?}");
    }
    // A running workflow waits for no other.
    let sim = serve(&crate::support::one_deploy(
        r#"{ status = "queued", polls = 5 }, { status = "executing", for = "400ms" }, { status = "active" }"#,
    ));
    Gate::wait(&sim).args(["--queue-timeout", "50ms"]).json().exits(0);
}

#[test]
fn the_place_is_requested_as_soon_as_the_workflow_is_seen_to_wait() {
    let sim = queued("", "");
    let once = ["--min-interval", "30s", "--max-interval", "30s", "--timeout", "1s", "--output", "ndjson"];
    let outcome = Gate::wait(&sim).args(once).run().exits(124);
    assert_eq!(outcome.events().iter().filter(|event| event["event"] == "queued").count(), 1, "{}", outcome.stderr);
}

#[test]
fn a_server_without_queues_is_no_trouble() {
    let sim = queued("generation = \"mid\"\n", THEN_PASSES);
    let outcome = Gate::wait(&sim).args(["--queue-timeout", "10ms"]).json().exits(0);
    assert_eq!(outcome.errors(), 0);
    let asked = sim.requests().into_iter().filter(|seen| seen.target.ends_with("/queue-position")).count();
    assert!((1..=3).contains(&asked), "{asked}");
}

#[test]
fn one_poll_names_the_place() {
    let outcome = Gate::status(&queued("", "")).json().exits(10);
    assert_eq!(outcome.target()["queue"]["position"], 3);
}
