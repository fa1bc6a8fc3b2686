//! Apps, branches and their runs; labels.

use nuon_gate_sim::{Script, Sim};
use serde_json::{Value, json};

use crate::client::{get, serve};

const BRANCH: &str = "/v1/apps/appone/branches/abrmain";

/// Two installs whose deploys have workflows of their own, and a branch with these runs.
fn branch(runs: &str) -> String {
    let install = |id: &str, end: &str| {
        format!(
            "[[component]]\ninstall = \"inl{id}\"\nid = \"cmpapi\"\n[[component.deploy]]\nid = \"dpl{id}\"\nworkflow = \"inw{id}\"\n\
             statuses = [{{ status = \"executing\" }}, {{ status = \"{end}\" }}]\n"
        )
    };
    let app = "[[app]]\nid = \"appone\"\nname = \"acme\"\n[[app.branch]]\nid = \"abrmain\"\nname = \"main\"\n";
    install("canary", "active") + &install("rest", "error") + app + runs
}

/// A run of two groups, with one install each.
fn run(knobs: &str) -> String {
    let group = |name: &str| {
        format!("{{ name = \"{name}\", installs = [{{ install = \"inl{name}\", workflow = \"inw{name}\" }}] }}")
    };
    format!(
        "[[app.branch.run]]\nid = \"run1\"\nworkflow = \"inwrun\"\n{knobs}\nstates = [{{ groups = [{}, {}] }}]\n",
        group("canary"),
        group("rest")
    )
}

fn groups(sim: &Sim) -> Vec<Value> {
    get(sim, &format!("{BRANCH}/runs/run1/install-group-runs")).json().as_array().unwrap().clone()
}

#[test]
fn apps_and_branches_give_ids_for_names() {
    let sim = serve(&branch(""));
    let apps = get(&sim, "/v1/apps");
    assert_eq!((apps.each("id"), apps.each("name")), (vec!["appone".to_owned()], vec!["acme".to_owned()]));
    let branches = get(&sim, "/v1/apps/appone/branches");
    assert_eq!((branches.each("id"), branches.each("name")), (vec!["abrmain".to_owned()], vec!["main".to_owned()]));
    assert_eq!(get(&sim, "/v1/installs").each("app_id"), ["appone", "appone"]);
    for unknown in
        ["/v1/apps/appno/branches", "/v1/apps/appone/branches/abrno/runs", "/v1/apps/appno/branches/abrmain/runs"]
    {
        assert_eq!(get(&sim, unknown).status, 404, "{unknown}");
    }
    assert_eq!(get(&serve(""), "/v1/apps").each("name"), ["simulated"]);
}

#[test]
fn a_run_follows_from_the_workflows_of_its_installs() {
    let sim = serve(&branch(&run("commit = \"abc\"")));
    let target = format!("{BRANCH}/runs/run1");
    let words = |sim: &Sim| {
        let body = get(sim, &target).json();
        let run = body["app_branch_runs"][0].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&run["status"]), text(&body["status"]["status"]), body["finished"] == true)
    };
    assert_eq!(words(&sim), ("running".to_owned(), "in-progress".to_owned(), false));
    for id in ["canary", "rest", "canary", "rest"] {
        get(&sim, &format!("/v1/installs/inl{id}/deploys/dpl{id}"));
    }
    assert_eq!(words(&sim), ("failed".to_owned(), "error".to_owned(), true));
    let scripted: Vec<_> = groups(&sim)
        .iter()
        .map(|group| {
            let install = &group["installs"][0];
            let members = [&group["install_group_name"], &group["status"]["status"], &install["status"]];
            let counts = ["total_installs", "completed_installs", "failed_installs"];
            (members.map(|member| member.as_str().unwrap().to_owned()), counts.map(|count| group[count].as_u64()))
        })
        .collect();
    let expected = [
        (["canary", "success", "success"].map(str::to_owned), [Some(1), Some(1), None]),
        (["rest", "error", "failed"].map(str::to_owned), [Some(1), None, Some(1)]),
    ];
    assert_eq!(scripted, expected);
    assert_eq!(groups(&sim)[1]["installs"][0]["workflow_id"], "inwrest");
}

#[test]
fn a_runs_workflow_is_its_branchs_and_works_on_no_deploy() {
    let sim = serve(&branch(&run("commit = \"abc\"")));
    for target in [format!("{BRANCH}/runs/run1"), format!("{BRANCH}/runs/inwrun"), "/v1/workflows/inwrun".to_owned()] {
        let body = get(&sim, &target).json();
        let owner = ["id", "owner_id", "owner_type", "owner_name"].map(|member| body[member].as_str().unwrap());
        assert_eq!(owner, ["inwrun", "abrmain", "app_branches", "main"], "{target}");
        let steps = body["steps"].as_array().unwrap();
        let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert_eq!(names[..2], ["plan install group: canary", "deploy install group: canary"]);
        assert!(steps.iter().all(|step| step.get("step_target_id").is_none()));
        if target.contains("/runs/") {
            let run = &body["app_branch_runs"][0];
            assert_eq!([&run["id"], &run["workflow_id"], &run["commit_sha"]], ["run1", "inwrun", "abc"]);
        }
    }
    assert_eq!(get(&sim, &format!("{BRANCH}/runs/run2")).status, 404);
    assert_eq!(get(&sim, &format!("{BRANCH}/runs/inwrun/install-group-runs")).status, 404);
}

#[test]
fn runs_come_newest_first_and_are_filtered() {
    let later = |id: &str, knobs: &str| {
        run(knobs).replace("run1", &format!("run{id}")).replace("inwrun", &format!("inwrun{id}"))
    };
    let failed = later("2", "plan_only = true").replace("{ groups", "{ status = \"cancelled\", groups");
    let sim = serve(&branch(&(run("") + &failed + &later("3", "after = \"200ms\""))));
    let ids = |query: &str| get(&sim, &format!("{BRANCH}/runs?{query}")).each("id");
    assert_eq!(ids(""), ["inwrun2", "inwrun"]);
    assert_eq!(ids("planonly=false"), ["inwrun"]);
    assert_eq!(ids("status=cancelled"), ["inwrun2"]);
    assert_eq!(ids("limit=1"), ["inwrun2"]);
    assert_eq!(get(&sim, &format!("{BRANCH}/runs/run3")).status, 404);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(ids(""), ["inwrun3", "inwrun2", "inwrun"]);
    let created_at = get(&sim, &format!("{BRANCH}/runs/run3")).json()["app_branch_runs"][0]["created_at"].clone();
    assert_eq!(ids(&format!("created_at_gte={}", created_at.as_str().unwrap())), ["inwrun3"]);
}

#[test]
fn what_a_script_says_of_a_run_wins() {
    let install = r#"{ install = "inlcanary", workflow = "inwlate", status = "failed", phase = "runbook", waiting_on = "run0", superseded_by = "run9", release_reason = "gave up" }"#;
    let groups_said =
        format!(r#"groups = [{{ name = "canary", status = "approval-awaiting", installs = [{install}] }}]"#);
    let said = format!(
        "[[app.branch.run]]\nid = \"run1\"\nworkflow = \"inwrun\"\nstates = [{{ status = \"pending\" }}, \
         {{ status = \"running\", awaiting_approval = true, error = \"no\", {groups_said} }}]\n\
         [[workflow]]\nid = \"inwrun\"\ntype = \"app_branches_config_sync\"\nstates = [{{ status = \"in-progress\" }}]\n"
    );
    let sim = serve(&branch(&said));
    let poll = || get(&sim, &format!("{BRANCH}/runs/run1")).json();
    assert_eq!(poll()["app_branch_runs"][0]["status"], "pending");
    let second = poll();
    let run = &second["app_branch_runs"][0];
    assert_eq!([&run["status"], &run["error_message"]], ["running", "no"]);
    assert_eq!((&run["awaiting_approval"], &second["owner_type"]), (&json!(true), &json!("app_branches")));
    assert_eq!(second["type"], "app_branches_config_sync");
    let group = &groups(&sim)[0];
    assert_eq!((&group["status"]["status"], &group["failed_installs"]), (&json!("approval-awaiting"), &json!(1)));
    let expected = json!({
        "install_id": "inlcanary", "workflow_id": "inwlate", "status": "failed", "phase": "runbook",
        "waiting_on_run_id": "run0", "superseded_by_run_id": "run9", "release_reason": "gave up",
    });
    assert_eq!(group["installs"][0], expected);
}

#[test]
fn a_workflow_that_is_not_there_yet_is_not_named() {
    let sim = serve(&branch(&run("").replace("inwrest", "inwlate")));
    let install = groups(&sim)[1]["installs"][0].clone();
    assert_eq!((&install["status"], install.get("workflow_id")), (&json!("pending"), None));
}

#[test]
fn older_servers_have_apps_alone() {
    let sim = serve(&("generation = \"mid\"\n".to_owned() + &branch(&run(""))));
    assert_eq!(get(&sim, "/v1/apps").status, 200);
    for target in ["/v1/apps/appone/branches", &format!("{BRANCH}/runs"), &format!("{BRANCH}/runs/run1")] {
        assert_eq!(get(&sim, target).status, 404, "{target}");
    }
    let error = branch("[[app.branch.run]]\nid = \"run1\"\nworkflow = \"inwrun\"\nstates = []\n").parse::<Script>();
    assert_eq!(error.unwrap_err().to_string(), "a run needs at least one state");
}

#[test]
fn installs_are_chosen_by_their_labels() {
    let install = |id: &str, labels: &str| {
        format!("[[component]]\ninstall = \"inl{id}\"\nid = \"cmpapi\"\ninstall_labels = {{ {labels} }}\n")
    };
    let script = install("a", "env = \"prod\", tier = \"1\"") + &install("b", "env = \"prod\"") + &install("c", "");
    let sim = serve(&script);
    let chosen = |sim: &Sim, labels: &str| get(sim, &format!("/v1/installs?limit=100&labels={labels}")).each("id");
    let cases: [(&str, &[&str]); 8] = [
        ("env:prod", &["inla", "inlb"]),
        ("env%3Aprod,tier=1", &["inla"]),
        ("env%3Dprod%2Ctier", &["inla"]),
        ("env", &["inla", "inlb"]),
        ("env:dev", &[]),
        ("env:prod,env:dev", &[]),
        ("zone", &[]),
        ("", &["inla", "inlb", "inlc"]),
    ];
    for (labels, expected) in cases {
        assert_eq!(chosen(&sim, labels), expected, "{labels}");
    }
    assert_eq!(get(&sim, "/v1/installs/inla").json()["labels"], json!({"env": "prod", "tier": "1"}));
    assert_eq!(get(&sim, "/v1/installs/inlc").json().get("labels"), None);
    let older = serve(&("generation = \"mid\"\n".to_owned() + &script));
    assert_eq!(chosen(&older, "env:dev").len(), 3, "older servers ignore it");
}
