//! What a human is asked to approve.

use serde_json::{Value, json};

use crate::client::{get, serve};

/// A deploy whose plan waits for two answers, and which ends in this status.
fn asking(end: &str, more: &str) -> String {
    format!(
        "[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n[[component.deploy]]\nid = \"dpl1\"\nworkflow = \"inw1\"\n\
         statuses = [{{ status = \"executing\", polls = 2 }}, {{ status = \"pending-approval\", polls = 2 }}, {{ status = \"{end}\" }}]\n{more}\n"
    )
}

fn shown_step(step: &str) -> Value {
    let script = format!("[[workflow]]\nid = \"inw1\"\nstates = [{{ status = \"in-progress\", steps = [{step}] }}]\n");
    get(&serve(&script), "/v1/workflows/inw1").json()["steps"][0].clone()
}

#[test]
fn the_option_is_what_the_script_says_or_absent() {
    let workflow =
        |option: &str| format!("[[workflow]]\nid = \"inw1\"\n{option}\nstates = [{{ status = \"in-progress\" }}]\n");
    let cases = [
        ("", Some("approve-all")),
        ("approval_option = \"prompt\"", Some("prompt")),
        ("approval_option = \"ask-the-oracle\"", Some("ask-the-oracle")),
        ("approval_option = \"\"", None),
    ];
    for (option, expected) in cases {
        for script in [workflow(option), asking("active", option)] {
            let body = get(&serve(&script), "/v1/workflows/inw1").json();
            assert_eq!(body.get("approval_option").and_then(Value::as_str), expected, "{script}");
        }
    }
}

#[test]
fn a_step_has_an_approval_of_some_type() {
    let asked = shown_step(r#"{ name = "plan", status = "approval-awaiting", deploy = "dpl1" }"#);
    assert_eq!((&asked["approval"]["type"], asked["approval"].get("response")), (&json!("helm_approval"), None));
    assert!(asked["approval"]["id"].as_str().unwrap().starts_with("waa"));
    let planned = shown_step(r#"{ name = "plan", status = "in-progress", approval = "terraform_plan" }"#);
    assert_eq!(planned["approval"]["type"], "terraform_plan");
    assert_eq!(shown_step(r#"{ name = "plan", status = "in-progress" }"#).get("approval"), None);
}

#[test]
fn an_answer_names_the_account_only_by_its_id() {
    let step = shown_step(
        r#"{ name = "plan", status = "approval-denied", answer = "deny", note = "no", answered_by = "acc1" }"#,
    );
    let response = &step["approval"]["response"];
    assert_eq!(response["created_by_id"], "acc1");
    assert_eq!((&response["type"], &response["note"]), (&json!("deny"), &json!("no")));
    assert_eq!(response.get("created_by"), None);
    let usual = shown_step(r#"{ name = "plan", status = "approved", answer = "approve" }"#);
    assert!(usual["approval"]["response"]["created_by_id"].as_str().unwrap().starts_with("acc"));
}

#[test]
fn a_workflow_that_follows_from_its_deploy_asks_and_has_its_answer() {
    let cases = [
        ("active", "", Some("auto-approve")),
        ("active", "approval_option = \"prompt\"\napproval = \"terraform_plan\"", Some("approve")),
        ("approval-denied", "approval_option = \"\"", Some("deny")),
        ("approval-expired", "approval_option = \"prompt\"", None),
    ];
    for (end, more, answer) in cases {
        let sim = serve(&asking(end, more));
        let poll = || get(&sim, "/v1/installs/inlone/deploys/dpl1");
        let own = || {
            poll();
            let step = get(&sim, "/v1/workflows/inw1").json()["steps"][2].clone();
            poll();
            step
        };
        let (before, asked, answered) = (own(), own(), own());
        assert_eq!(before.get("approval"), None);
        assert_eq!(
            (&asked["status"]["status"], &asked["execution_type"]),
            (&json!("approval-awaiting"), &json!("approval"))
        );
        assert_eq!((asked.get("finished"), asked["approval"].get("response")), (None, None));
        let kind = if more.contains("terraform_plan") { "terraform_plan" } else { "helm_approval" };
        assert_eq!((&asked["approval"]["type"], &asked["approval"]["id"]), (&json!(kind), &answered["approval"]["id"]));
        let response = answered["approval"].get("response");
        assert_eq!(response.and_then(|response| response["type"].as_str()), answer, "{end}");
        assert!(response.is_none_or(|response| response.get("created_by").is_none()));
    }
}
