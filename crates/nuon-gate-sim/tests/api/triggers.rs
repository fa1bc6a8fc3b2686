//! Requests that trigger deploys, and what follows.

use nuon_gate_sim::Sim;
use serde_json::Value;

use crate::client::{Answer, get, post, serve};

const INSTALL: &str = "/v1/installs/inlacme0000000000000000000";

fn component(id: &str, more: &str) -> String {
    format!(
        "[[component]]\ninstall = \"inlacme0000000000000000000\"\nid = \"{id}\"\n{more}\n\
         [[component.deploy]]\nstatuses = [{{ status = \"active\" }}]\n"
    )
}

fn api(more: &str) -> String {
    component("cmpapi00000000000000000000", more)
}

fn latest(sim: &Sim) -> Value {
    get(sim, &format!("{INSTALL}/components/cmpapi00000000000000000000/deploys/latest")).json()
}

fn workflow_of(answer: &Answer) -> String {
    answer.header("x-nuon-install-workflow-id").unwrap().to_owned()
}

/// Polls until a workflow has ended.
fn ended(sim: &Sim, id: &str) -> Value {
    for _ in 0..2000 {
        let workflow = get(sim, &format!("/v1/workflows/{id}")).json();
        if workflow["finished"] == true {
            return workflow;
        }
        assert_eq!(workflow["status"]["status"], "in-progress", "{workflow}");
        // Each poll advances the rows.
        get(sim, &format!("{INSTALL}/components/deploys"));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("workflow {id} does not end");
}

#[test]
fn a_deploy_that_is_posted_is_the_latest_at_once() {
    let sim = serve(&api(""));
    let before = latest(&sim)["id"].clone();
    let answer = post(&sim, &format!("{INSTALL}/components/cmpapi00000000000000000000/deploys"));
    let row = answer.json();
    assert_eq!((answer.status, &row["status"]), (201, &"queued".into()));
    assert_ne!(row["id"], before);
    assert_eq!(row["workflow_id"], workflow_of(&answer));
    let newest = latest(&sim);
    assert_eq!((&newest["id"], &newest["workflow_id"]), (&row["id"], &row["workflow_id"]));
    let statuses: Vec<Value> = (0..4).map(|_| latest(&sim)["status"].clone()).collect();
    assert_eq!(statuses.last(), Some(&"active".into()), "{statuses:?}");
    let another = post(&sim, &format!("{INSTALL}/components/cmpapi00000000000000000000/deploys")).json();
    assert!(another["id"] != row["id"] && another["workflow_id"] != row["workflow_id"], "{another}");
}

#[test]
fn older_servers_name_the_workflow_in_a_header_alone() {
    for generation in ["mid", "mid1"] {
        let sim = serve(&(format!("generation = \"{generation}\"\n") + &api("")));
        let answer = post(&sim, &format!("{INSTALL}/components/cmpapi00000000000000000000/deploys"));
        assert_eq!(answer.json().get("workflow_id"), None);
        assert_eq!(latest(&sim)["workflow_id"], workflow_of(&answer));
        let all = post(&sim, &format!("{INSTALL}/components/deploy-all"));
        assert_eq!((all.status, all.json()), (201, "ok".into()));
    }
}

#[test]
fn a_script_says_what_becomes_of_what_is_triggered() {
    let fails =
        "[component.triggered]\nstatuses = [{ status = \"executing\" }, { status = \"error\", error = \"quota\" }]";
    let sim = serve(&api(fails));
    post(&sim, &format!("{INSTALL}/components/cmpapi00000000000000000000/deploys"));
    let statuses: Vec<Value> = (0..3).map(|_| latest(&sim)["status"].clone()).collect();
    assert_eq!(statuses.last(), Some(&"error".into()), "{statuses:?}");
}

#[test]
fn the_rows_of_a_workflow_come_after_it() {
    let worker = component("cmpworker00000000000000000", "");
    for (path, end) in [("deploy-all", "active"), ("teardown-all", "inactive")] {
        let sim = serve(&(api("") + &worker));
        let before = latest(&sim)["id"].clone();
        let answer = post(&sim, &format!("{INSTALL}/components/{path}"));
        let id = workflow_of(&answer);
        assert_eq!(answer.json()["workflow_id"], id);
        assert_eq!(latest(&sim)["id"], before, "none is there yet");
        let workflow = ended(&sim, &id);
        assert_eq!(workflow["status"]["status"], "success");
        let targets: Vec<&Value> =
            workflow["steps"].as_array().unwrap().iter().map(|step| &step["step_target_id"]).collect();
        assert_eq!(targets.len(), 2, "{workflow}");
        assert_eq!(&latest(&sim)["status"], end);
        assert_eq!(&&latest(&sim)["id"], &targets[0]);
    }
}

#[test]
fn what_is_not_there_cannot_be_triggered() {
    let sim = serve(&api(""));
    for path in ["components/cmpother/deploys", "components/cmpother/teardown"] {
        assert_eq!(post(&sim, &format!("{INSTALL}/{path}")).status, 404);
    }
    assert_eq!(post(&sim, "/v1/installs/inlother/components/deploy-all").status, 404);
}
