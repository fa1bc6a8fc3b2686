//! The details of deploys and workflows.

use nuon_gate_sim::Script;
use serde_json::json;

use crate::client::{get, serve};

/// A deploy with this one status.
fn deploy(generation: &str, stay: &str) -> String {
    format!(
        "generation = \"{generation}\"\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n\
         [[component.deploy]]\nid = \"dpl1\"\nstatuses = [{{ {stay} }}]\n"
    )
}

#[test]
fn denials_are_reported_in_the_details_of_the_newest_servers() {
    let denied = r#"status = "pending-approval", denied = ["no-public-buckets: logs is public: yes", "tags: none"]"#;
    let sim = serve(&deploy("new", denied));
    let report = &get(&sim, "/v1/installs/inlone/deploys/dpl1").json()["policy_reports"][0];
    assert_eq!(report["deny_count"], 2);
    let violations = report["violations"].as_array().unwrap();
    let scripted: Vec<_> =
        violations.iter().map(|one| (&one["policy_name"], &one["severity"], &one["message"])).collect();
    let (deny, found) = (json!("deny"), json!("logs is public: yes"));
    assert_eq!(scripted, [(&json!("no-public-buckets"), &deny, &found), (&json!("tags"), &deny, &json!("none"))]);
    assert_ne!(violations[0]["policy_id"], violations[1]["policy_id"]);

    for (generation, stay) in [("new", r#"status = "pending-approval""#), ("mid", denied), ("old", denied)] {
        let sim = serve(&deploy(generation, stay));
        let detail = get(&sim, "/v1/installs/inlone/deploys/dpl1").json();
        assert_eq!(detail.get("policy_reports"), None, "{generation}");
    }
}

#[test]
fn a_denial_names_its_policy() {
    let script = deploy("new", r#"status = "error", denied = ["because"]"#);
    let error = script.parse::<Script>().unwrap_err().to_string();
    assert_eq!(error, "a denial is written `policy name: what was found`");
}

#[test]
fn steps_are_what_the_script_says() {
    let usual = r#"{ name = "plan", status = "approval-awaiting", deploy = "dpl1" }"#;
    let said = r#"{ name = "smoke", status = "pending", deploy = "run1", target_type = "install_action_workflow_runs", execution_type = "hidden", group = 1 }"#;
    let sim = serve(&format!(
        "[[workflow]]\nid = \"inw1\"\ninstall = \"inlone\"\nstates = [{{ status = \"in-progress\", steps = [{usual}, {said}] }}]"
    ));
    let workflow = get(&sim, "/v1/workflows/inw1").json();
    assert_eq!(workflow["owner_id"], "inlone");
    let expected = [
        ["1", "\"approval\"", "\"install_deploys\"", "\"dpl1\""],
        ["1", "\"hidden\"", "\"install_action_workflow_runs\"", "\"run1\""],
    ];
    for (step, expected) in workflow["steps"].as_array().unwrap().iter().zip(expected) {
        let members = ["group_idx", "execution_type", "step_target_type", "step_target_id"];
        assert_eq!(members.map(|member| step[member].to_string()), expected);
    }
}

#[test]
fn a_workflow_that_follows_from_its_deploys_keeps_the_steps_that_were_retried() {
    let row = |id: &str, status: &str| {
        format!("[[component.deploy]]\nid = \"{id}\"\nworkflow = \"inw1\"\nstatuses = [{{ status = \"{status}\" }}]\n")
    };
    let component = "generation = \"new\"\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\n";
    let sim = serve(&format!("{component}{}{}", row("dpl1", "retried"), row("dpl2", "active")));
    let workflow = get(&sim, "/v1/workflows/inw1").json();
    let steps = workflow["steps"].as_array().unwrap();
    let scripted: Vec<_> =
        steps.iter().map(|one| (&one["idx"], &one["status"]["status"], &one["step_target_id"])).collect();
    let [done, none, first, second] = [json!("success"), json!(null), json!("dpl1"), json!("dpl2")];
    let indices = [json!(1), json!(2), json!(3), json!(4)];
    let expected = [(&done, &none), (&done, &none), (&json!("retried"), &first), (&done, &second)];
    let expected: Vec<_> = indices.iter().zip(expected).map(|(idx, (status, target))| (idx, status, target)).collect();
    assert_eq!(scripted, expected);
    assert!(steps.iter().all(|step| step["finished"] == true) && workflow["finished"] == true);
}
