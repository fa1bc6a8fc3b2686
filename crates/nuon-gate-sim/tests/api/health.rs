//! Health gates.

use nuon_gate_sim::{Script, Sim};
use serde_json::{Value, json};

use crate::client::{get, post, serve};

const DEPLOY: &str = "/v1/installs/inlone/deploys/dpl1";

/// A component with this gate, and one deploy that is active at its second answer.
fn gated(generation: &str, health: &str) -> String {
    format!(
        "generation = \"{generation}\"\n[[component]]\ninstall = \"inlone\"\nid = \"cmpapi\"\nname = \"api\"\nhealth = {health}\n\
         [[component.deploy]]\nid = \"dpl1\"\nworkflow = \"inw1\"\n\
         statuses = [{{ status = \"executing\" }}, {{ status = \"active\", description = \"finished\" }}]\n"
    )
}

/// Returns a deploy's status and its description.
fn read(sim: &Sim, target: &str) -> (String, String) {
    let body = get(sim, target).json();
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    (text("status"), text("status_description"))
}

fn workflow(sim: &Sim) -> Value {
    get(sim, "/v1/workflows/inw1").json()
}

/// Returns the steps that verify health.
fn verifying(workflow: &Value) -> Vec<Value> {
    let steps = workflow["steps"].as_array().unwrap().iter();
    steps.filter(|step| step["step_target_type"] == "install_components").cloned().collect()
}

#[test]
fn a_gate_says_what_it_works_on_only_once_it_runs() {
    let sim = serve(&gated("new", "{ polls = 2 }"));
    let before = verifying(&workflow(&sim));
    assert_eq!((before.len(), &before[0]["status"]["status"]), (1, &json!("pending")));
    assert_eq!((before[0].get("step_target_id"), before[0].get("finished")), (None, None));

    assert_eq!(read(&sim, DEPLOY).0, "executing");
    assert_eq!(read(&sim, DEPLOY), ("active".to_owned(), "finished".to_owned()));
    let detail = get(&sim, "/v1/installs/inlone/components/cmpapi/deploys").json()[0].clone();
    let running = workflow(&sim);
    let step = &verifying(&running)[0];
    assert_eq!(step["step_target_id"], detail["install_component_id"]);
    assert_eq!((&step["status"]["status"], step.get("finished")), (&json!("in-progress"), None));
    assert_eq!(step["status"]["metadata"]["checks"][0]["name"], "api");
    assert_eq!((&running["status"]["status"], running.get("finished")), (&json!("in-progress"), None));
    assert_eq!(running["steps"][2]["finished"], true, "the deploy's own step is done");

    assert_eq!(read(&sim, DEPLOY), ("active".to_owned(), "finished".to_owned()));
    assert_eq!(read(&sim, DEPLOY), ("active".to_owned(), "health verified".to_owned()));
    let ended = workflow(&sim);
    assert_eq!((&ended["status"]["status"], &ended["finished"]), (&json!("success"), &json!(true)));
    let step = &verifying(&ended)[0];
    assert_eq!((&step["status"]["status"], &step["finished"]), (&json!("success"), &json!(true)));
}

#[test]
fn tries_write_to_the_same_row_and_leave_their_steps() {
    let check = r#"{ kind = "StatefulSet", name = "api-db", health = "degraded", message = "1 of 3 ready" }"#;
    let sim = serve(&gated("new", &format!("{{ polls = 2, outcomes = [\"error\", \"active\"], check = {check} }}")));
    let failure = "component is degraded: StatefulSet api-db: 1 of 3 ready";
    let expected =
        [("executing", "", 1), ("active", "finished", 2), ("error", failure, 2), ("active", "health verified", 1)];
    for (status, description, polls) in expected {
        assert_eq!(read(&sim, DEPLOY), (status.to_owned(), description.to_owned()));
        if status == "error" {
            let steps = verifying(&workflow(&sim));
            let scripted: Vec<_> = steps.iter().map(|step| (&step["status"]["status"], &step["retried"])).collect();
            assert_eq!(scripted, [(&json!("error"), &json!(true)), (&json!("in-progress"), &json!(null))]);
            let metadata = &steps[0]["status"]["metadata"];
            assert_eq!([&metadata["retry_idx"], &metadata["max_retries"]], [0, 2]);
            assert_eq!([&metadata["auto_retried"], &metadata["reason"]], [&json!(true), &json!(failure)]);
            let check = &metadata["checks"][0];
            let scripted = ["kind", "name", "health", "message"].map(|member| check[member].as_str().unwrap());
            assert_eq!(scripted, ["StatefulSet", "api-db", "degraded", "1 of 3 ready"]);
            assert_ne!(steps[0]["id"], steps[1]["id"]);
            assert_eq!(
                [&steps[0]["step_target_id"], &steps[1]["group_retry_idx"]],
                [&steps[1]["step_target_id"], &json!(1)]
            );
        }
        for _ in 1..polls {
            read(&sim, DEPLOY);
        }
    }
    assert_eq!(workflow(&sim)["status"]["status"], "success");
    let history = get(&sim, DEPLOY).json()["status_v2"]["history"].clone();
    assert_eq!(
        (&history[2]["status"], history[2]["status_human_description"].as_str()),
        (&json!("error"), Some(failure))
    );
}

#[test]
fn a_gate_that_fails_so_often_fails_its_workflow() {
    for (tries, errors) in [(1, 1), (3, 3)] {
        let sim = serve(&gated("new", &format!("{{ tries = {tries}, outcomes = [\"error\"] }}")));
        for _ in 0..2 + errors {
            read(&sim, DEPLOY);
        }
        assert_eq!(read(&sim, DEPLOY).0, "error");
        let workflow = workflow(&sim);
        assert_eq!((&workflow["status"]["status"], &workflow["finished"]), (&json!("error"), &json!(true)));
        let steps = verifying(&workflow);
        assert_eq!(steps.len(), errors);
        let last = steps.last().unwrap();
        assert_eq!((&last["status"]["metadata"]["auto_retries_exhausted"], last.get("retried")), (&json!(true), None));
    }
}

#[test]
fn a_try_takes_its_time() {
    let sim = serve(&gated("new", "{ for = \"200ms\", outcomes = [\"error\", \"active\"] }"));
    for _ in 0..9 {
        read(&sim, DEPLOY);
    }
    assert_eq!(read(&sim, DEPLOY).1, "finished");
    std::thread::sleep(std::time::Duration::from_millis(200));
    // Polls of the workflow alone advance it as well.
    assert_eq!(verifying(&workflow(&sim)).len(), 2);
    assert_eq!(read(&sim, DEPLOY).0, "error");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(read(&sim, DEPLOY).1, "health verified");
}

#[test]
fn an_outcome_goes_to_the_newest_apply() {
    let newer = "[[component.deploy]]\nid = \"dpl2\"\nworkflow = \"inw2\"\nafter_polls = 2\n\
                 statuses = [{ status = \"queued\", polls = 100, ahead = 1 }]\n\
                 [[component.deploy]]\nid = \"dpl3\"\ntype = \"recover\"\nafter_polls = 2\n";
    let sim = serve(&(gated("new", "{}") + newer));
    for _ in 0..3 {
        read(&sim, DEPLOY);
    }
    assert_eq!(read(&sim, DEPLOY).1, "finished", "the row that was verified stays as it was");
    assert_eq!(read(&sim, "/v1/installs/inlone/deploys/dpl2").1, "health verified");
    let other = get(&sim, "/v1/workflows/inw2").json();
    assert_eq!(other["status"]["status"], "pending");
    let steps = other["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["status"]["status"] == "pending" && step.get("finished").is_none()));
    assert_eq!(workflow(&sim)["status"]["status"], "success");
}

#[test]
fn what_asks_for_no_gate_has_none() {
    let without = gated("new", "{}").replace("health = {}\n", "");
    let own = gated("new", "{}").replace("health = {}\n", "") + "health = { outcomes = [\"error\"] }\n";
    let teardown = gated("new", "{}") + "type = \"teardown\"\n";
    let cases = [(gated("mid", "{}"), 0), (without, 0), (teardown, 0), (own, 1), (gated("new", "{}"), 1)];
    for (script, gates) in cases {
        assert_eq!(verifying(&workflow(&serve(&script))).len(), gates, "{script}");
    }
}

#[test]
fn what_was_not_applied_is_not_verified() {
    for (status, gates) in [("auto-skipped", 0), ("error", 1), ("noop", 1)] {
        let sim = serve(&gated("new", "{}").replace("\"active\"", &format!("\"{status}\"")));
        for _ in 0..4 {
            read(&sim, DEPLOY);
        }
        assert_eq!(read(&sim, DEPLOY).0, status);
        let workflow = workflow(&sim);
        assert_eq!((verifying(&workflow).len(), &workflow["finished"]), (gates, &json!(true)), "{status}");
    }
}

#[test]
fn a_cancelled_workflow_ends_its_gate() {
    let sim = serve(&(gated("new", "{ polls = 100 }") + "cancel = { settles_after = 0 }\n"));
    read(&sim, DEPLOY);
    read(&sim, DEPLOY);
    assert_eq!(post(&sim, "/v1/workflows/inw1/cancel").status, 202);
    assert_eq!(verifying(&workflow(&sim))[0]["status"]["status"], "cancelled");
    assert_eq!(read(&sim, DEPLOY), ("active".to_owned(), "finished".to_owned()));
}

#[test]
fn a_lagging_replica_knows_as_little_of_the_gate_as_of_the_deploy() {
    let fault = "[[fault]]\non = \"workflow\"\nanswer = \"lagging\"\n";
    let sim = serve(&(gated("new", "{ polls = 5 }") + fault));
    read(&sim, DEPLOY);
    read(&sim, DEPLOY);
    let workflow = workflow(&sim);
    assert_eq!(workflow["steps"][2]["status"]["status"], "in-progress");
    assert_eq!(verifying(&workflow)[0].get("step_target_id"), None);
}

#[test]
fn a_gate_has_a_try_and_an_outcome() {
    for health in ["{ tries = 0 }", "{ tries = 101 }", "{ outcomes = [] }"] {
        let error = gated("new", health).parse::<Script>().unwrap_err().to_string();
        assert_eq!(error, "a health gate needs an outcome, and 1 to 100 tries");
    }
}
