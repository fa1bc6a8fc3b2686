//! Rows that deploy nothing, and the owners of rows and workflows.

use serde_json::{Value, json};

use crate::client::{get, serve};

const COMPONENT: &str =
    "[[component]]\ninstall = \"inlone\"\ninstall_name = \"acme\"\nid = \"cmpapi\"\nname = \"api\"\n";
const LATEST: &str = "/v1/installs/inlone/components/cmpapi/deploys/latest";
const LIST: &str = "/v1/installs/inlone/components/cmpapi/deploys";

fn row(id: &str, status: &str, more: &str) -> String {
    format!(
        "[[component.deploy]]\nid = \"dpl{id}\"\nworkflow = \"inw{id}\"\nstatuses = [{{ status = \"{status}\" }}]\n{more}\n"
    )
}

fn workflow(script: &str, id: &str) -> Value {
    get(&serve(script), &format!("/v1/workflows/inw{id}")).json()
}

#[test]
fn a_recovery_follows_the_build_that_is_there() {
    let recovery = "[[component.deploy]]\nid = \"dpl2\"\nworkflow = \"inw2\"\ntype = \"recover\"\n";
    let sim = serve(&(COMPONENT.to_owned() + &row("1", "active", "build = \"bldone\"") + recovery));
    let polls: Vec<Value> = (0..5).map(|_| get(&sim, LATEST).json()).collect();
    let statuses: Vec<_> = polls.iter().map(|body| body["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["queued", "planning", "executing", "active", "active"]);
    let last = &polls[4];
    assert_eq!([&last["install_deploy_type"], &last["build_id"]], ["recover", "bldone"]);
    assert_eq!(last["status_description"], "helm release recovered");
    assert_eq!(get(&sim, "/v1/workflows/inw2").json()["type"], "recover_helm_release");
    assert_eq!(get(&sim, "/v1/workflows/inw1").json()["type"], "manual_deploy");
}

#[test]
fn a_row_has_any_type_and_its_workflow_one_that_fits() {
    let cases = [("teardown", "teardown_component"), ("sync-image", "manual_deploy"), ("rewind", "manual_deploy")];
    for (kind, of_workflow) in cases {
        let script = COMPONENT.to_owned() + &row("1", "active", &format!("type = \"{kind}\""));
        assert_eq!(get(&serve(&script), LATEST).json()["install_deploy_type"], kind);
        assert_eq!(workflow(&script, "1")["type"], of_workflow, "{kind}");
    }
}

#[test]
fn the_workflow_alone_says_that_it_plans_only() {
    for status in ["drifted", "no-drift"] {
        let script = COMPONENT.to_owned() + &row("1", "active", "") + &row("2", status, "plan_only = true");
        let sim = serve(&script);
        assert_eq!(get(&sim, LATEST).json()["id"], "dpl1");
        assert_eq!(get(&sim, LIST).each("id"), ["dpl2", "dpl1"]);
        let detail = get(&sim, "/v1/installs/inlone/deploys/dpl2").json();
        assert_eq!((&detail["status"], &detail["plan_only"]), (&json!(status), &json!(false)));
        let planning = workflow(&script, "2");
        assert_eq!(
            [&planning["plan_only"], &planning["finished"], &planning["type"]],
            [&json!(true), &json!(true), &json!("drift_run")]
        );
        assert_eq!(workflow(&script, "1").get("plan_only"), None);
    }
    let scripted =
        "[[workflow]]\nid = \"inw2\"\ntype = \"drift_run\"\nplan_only = true\nstates = [{ status = \"success\" }]\n";
    let script = COMPONENT.to_owned() + &row("1", "active", "") + &row("2", "drifted", "") + scripted;
    assert_eq!(workflow(&script, "2")["plan_only"], true);
    assert_eq!(get(&serve(&script), LATEST).json()["id"], "dpl1");
}

#[test]
fn the_latest_answer_does_not_say_whose_it_is_and_all_name_the_install_component() {
    for generation in ["old", "mid1", "mid", "new"] {
        let sim = serve(&format!("generation = \"{generation}\"\n{COMPONENT}{}", row("1", "active", "")));
        let latest = get(&sim, LATEST).json();
        assert_eq!((&latest["install_id"], latest.get("component_id")), (&json!(""), None), "{generation}");
        let detail = get(&sim, "/v1/installs/inlone/deploys/dpl1").json();
        let listed = get(&sim, LIST).json()[0].clone();
        let component = get(&sim, "/v1/installs/inlone/components/cmpapi").json();
        for body in [&detail, &listed] {
            let whose = ["install_id", "component_id", "component_name"].map(|member| body[member].as_str());
            assert_eq!(whose, [Some("inlone"), Some("cmpapi"), Some("api")], "{generation}");
        }
        for body in [&latest, &detail, &listed] {
            assert_eq!(body["install_component_id"], component["id"], "{generation}");
        }
        assert!(listed.get("log_stream").is_none() && detail.get("log_stream").is_some(), "{generation}");
    }
}

#[test]
fn install_components_are_distinguished() {
    let other = COMPONENT.replace("inlone", "inltwo");
    let named = COMPONENT.replace("inlone", "inlsix") + "install_component = \"incsix\"\n";
    let sim = serve(&(COMPONENT.to_owned() + &other + &named));
    let ids = ["inlone", "inltwo", "inlsix"].map(|install| {
        get(&sim, &format!("/v1/installs/{install}/components/cmpapi")).json()["id"].as_str().unwrap().to_owned()
    });
    assert_eq!(ids[2], "incsix");
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_workflow_says_whose_it_is() {
    let scripted = "[[workflow]]\nid = \"inw9\"\ninstall = \"inlone\"\nstates = [{ status = \"pending\" }]\n";
    let script = COMPONENT.to_owned() + &row("1", "active", "") + scripted;
    for id in ["1", "9"] {
        let body = workflow(&script, id);
        let scripted = ["id", "owner_id", "owner_type", "owner_name"].map(|member| body[member].as_str().unwrap());
        assert_eq!(scripted, [&*format!("inw{id}"), "inlone", "installs", "acme"]);
    }
}

#[test]
fn all_deploys_of_an_install_come_newest_first() {
    let other = COMPONENT.replace("cmpapi", "cmpdb").replace("\"api\"", "\"db\"");
    let elsewhere = COMPONENT.replace("inlone", "inltwo");
    let first = COMPONENT.to_owned() + &row("1", "active", "") + &row("3", "queued", "after = \"100ms\"");
    let script = first + &other + &row("2", "active", "after = \"50ms\"") + &elsewhere + &row("4", "active", "");
    let sim = serve(&script);
    let target = "/v1/installs/inlone/components/deploys";
    assert_eq!(get(&sim, target).each("id"), ["dpl1"]);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let answer = get(&sim, &format!("{target}?limit=100"));
    assert_eq!(answer.each("id"), ["dpl3", "dpl2", "dpl1"]);
    assert_eq!(answer.each("component_id"), ["cmpapi", "cmpdb", "cmpapi"]);
    assert_eq!(answer.header("X-Nuon-Page-Next"), Some("false"));
    assert_eq!(get(&sim, &format!("{target}?limit=1&offset=1")).each("id"), ["dpl2"]);
    assert_eq!(get(&sim, &target.replace("inlone", "inlnone")).status, 404);
}
