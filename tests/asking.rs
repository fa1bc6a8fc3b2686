//! Workflows that ask a human about something that is no deploy.

use serde_json::{Value, json};

use nuon_gate_sim::Sim;

use crate::notifications::{notifying_at, received};
use crate::schemas::fits_event;
use crate::support::{API, Gate, INSTALL, access, component, serve};

const PAGE: &str = "/installs/inlacme0000000000000000000/workflows/inwone?panel=";

/// A workflow that asks about the sandbox's plan for so many answers, and deploys then.
fn asking(polls: &str) -> Sim {
    let sandbox = |status: &str| {
        format!(
            "{{ name = \"plan sandbox\", status = \"{status}\", target_type = \"install_sandbox_runs\", deploy = \"sbrone\" }}"
        )
    };
    let deploy = "[[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\n";
    serve(&format!(
        "{}{}[[workflow]]\nid = \"inwone\"\ntype = \"reprovision\"\ninstall = \"{INSTALL}\"\napproval_option = \"prompt\"\n\
         states = [{{ status = \"in-progress\", {polls}steps = [{}] }}, {{ status = \"success\", finished = true, \
         steps = [{}, {{ name = \"deploy\", status = \"success\", deploy = \"dplone\", finished = true }}] }}]\n",
        access(),
        component(API, r#"{ status = "active" }"#).replace("[[component.deploy]]\n", deploy),
        sandbox("approval-awaiting"),
        sandbox("approved"),
    ))
}

#[test]
fn flags_about_approvals_count_for_the_whole_workflow() {
    for (flags, says, hint) in [
        (
            ["--on-approval", "fail"],
            "a human is asked to approve before workflow inwone goes on: plan sandbox",
            "then wait again with --workflow inwone; or have the gate wait for the answer",
        ),
        (
            ["--approval-timeout", "300ms"],
            "--approval-timeout 300ms expired without an answer",
            "then wait again with --workflow inwone; or raise --approval-timeout",
        ),
    ] {
        let sim = asking("polls = 4000, ");
        let gate = Gate::at(&sim.url(), "wait").args(["--workflow", "inwone", "--output", "ndjson"]);
        let outcome = gate.args(flags).run().exits(5);
        let result = outcome.result();
        assert!(result["reason"].as_str().unwrap().contains(says), "{result}");
        assert!(result["hint"].as_str().unwrap().contains(hint), "{result}");
        let said = "workflow inwone: a human has to approve before it goes on (plan sandbox): https://";
        assert_eq!(outcome.stderr.matches(said).count(), 1, "{}", outcome.stderr);
        let events = outcome.events();
        let asked: Vec<&Value> = events.iter().filter(|event| event["event"] == "approval_needed").collect();
        assert_eq!(asked.len(), 1, "{asked:?}");
        fits_event(asked[0]);
        let (target, step, url) = (&asked[0]["target"], &asked[0]["step"], asked[0]["approval_url"].as_str().unwrap());
        assert_eq!((target, step, url.contains(PAGE)), (&json!(null), &json!("plan sandbox"), true), "{url}");
    }
}

#[test]
fn an_answer_lets_the_workflow_go_on_and_people_are_called_once() {
    let sim = asking("polls = 8, ");
    let gate = notifying_at(Gate::at(&sim.url(), "wait").args(["--workflow", "inwone"]), &sim);
    gate.args(["--slack-mention-on-failure", "<!here>"]).json().exits(0);
    let asked: Vec<Value> =
        received(&sim, "/webhook").iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    let types: Vec<&str> = asked.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["nuon.deploy.approval", "nuon.deploy.passed"]);
    let messages = sim.slack_messages();
    let beginning =
        "✋ approval needed before the workflow goes on <!here>\n→ approve or deny it (plan sandbox): https://";
    // The bot shows the newest state, which may have come since.
    let each = messages.iter().filter(|message| message.by_webhook);
    let calls = each.filter(|message| message.text.starts_with(beginning)).count();
    assert_eq!(calls, 1, "{messages:#?}");
}

#[test]
fn the_last_message_asks_as_well() {
    let sim = asking("polls = 4000, ");
    let gate = notifying_at(Gate::at(&sim.url(), "wait").args(["--workflow", "inwone"]), &sim);
    gate.args(["--on-approval", "fail"]).json().exits(5);
    let messages = sim.slack_messages();
    let last = &messages.last().unwrap().text;
    assert!(last.starts_with("✋ approval needed before the workflow goes on"), "{last}");
    assert!(last.contains("→ approve or deny it: https://"), "{last}");
}
