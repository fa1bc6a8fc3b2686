//! Servers that answer almost as they should: each change that a script can make, by what the gate makes of it.

use serde_json::json;

use crate::support::{API, Gate, INSTALL, access, one_deploy, serve};

const DONE: &str = r#"{ status = "active" }"#;
const STRANGER: &str = "inlsomebody000000000000000";

/// A script whose answers to some requests are changed.
fn changed(script: &str, on: &str, change: &str) -> String {
    format!("{script}[[fault]]\non = \"{on}\"\nanswer = \"changed\"\nchange = {{ {change} }}\n")
}

/// Two deploys of one component, both there from the start.
fn two(older: &str, newer: &str) -> String {
    let row = |id: &str, status: &str| {
        format!(
            "[[component.deploy]]\nid = \"{id}\"\nworkflow = \"inw{id}\"\nstatuses = [{{ status = \"{status}\" }}]\n"
        )
    };
    let component = format!("[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\nname = \"api\"\n");
    access() + &component + &row("dplold", older) + &row("dplnew", newer)
}

#[test]
fn a_deploy_of_another_install_is_rejected() {
    let another = format!("set = {{ install_id = \"{STRANGER}\" }}");
    let sim = serve(&changed(&two("active", "active"), "deploy", &another));
    let outcome = Gate::wait(&sim).args(["--deploy", "dplold"]).json().exits(3);
    assert!(outcome.reason().contains(STRANGER), "{}", outcome.reason());
}

#[test]
fn a_change_can_be_of_one_row() {
    for (row, code) in [("dplnew", 0), ("dplold", 124)] {
        let script = ["latest", "deploy", "deploys"].iter().fold(two("active", "active"), |script, on| {
            changed(&script, on, &format!("set = {{ build_id = \"bldother\" }}, row = \"{row}\""))
        });
        // The older one had ended before, so it is not what was pinned.
        Gate::wait(&serve(&script)).args(["--build", "bldother", "--timeout", "200ms"]).json().exits(code);
    }
}

#[test]
fn a_newer_row_without_a_creation_time_is_not_older() {
    let script = two("active", "executing");
    let script = ["latest", "deploys", "install-deploys"]
        .iter()
        .fold(script, |script, on| changed(&script, on, r#"unset = ["created_at"], row = "dplnew""#));
    let sim = serve(&script);
    let gate = Gate::wait(&sim).args(["--deploy", "dplold", "--on-superseded", "fail", "--timeout", "300ms"]);
    gate.json().exits(6);
}

#[test]
fn a_list_that_lacks_a_row_of_the_workflow_is_no_proof() {
    let script = two("active", "active");
    let gate = |script: &str| {
        let sim = serve(script);
        Gate::at(&sim.url(), "wait")
            .args(["--install", INSTALL, "--workflow", "inwdplold", "--timeout", "300ms"])
            .json()
    };
    assert_eq!(gate(&script).code, 0);
    assert_eq!(gate(&changed(&script, "install-deploys", r#"row = "dplold", hide = true"#)).code, 124);
}

#[test]
fn an_error_whose_history_is_missing_is_believed() {
    let error = r#"{ status = "executing", polls = 2 }, { status = "error", error = "out of quota" }"#;
    let script = one_deploy(error);
    let script =
        ["latest", "deploy"].iter().fold(script, |script, on| changed(&script, on, r#"unset = ["status_v2.history"]"#));
    let outcome = Gate::wait(&serve(&script)).json().exits(1);
    assert!(outcome.reason().contains("out of quota"), "{}", outcome.reason());
}

#[test]
fn the_servers_clock_can_be_wrong() {
    for clock in ["10m", "-10m"] {
        let sim = serve(&format!("clock = \"{clock}\"\n{}", one_deploy(DONE)));
        // By the server's clock, it was deployed a moment ago.
        let outcome = Gate::wait(&sim).args(["--since", "1m"]).json().exits(0);
        assert!(outcome.stderr.contains("clock and the server's differ by"), "{clock}: {}", outcome.stderr);
    }
}

#[test]
fn a_header_can_be_left_out() {
    let script = one_deploy(DONE);
    let version = |script: &str| Gate::wait(&serve(script)).json().exits(0).result()["api"]["version"].take();
    assert_eq!(version(&script), json!("simulated"));
    assert_eq!(version(&changed(&script, "any", r#"unset_headers = ["x-nuon-api-version"]"#)), json!(null));
}

#[test]
fn a_change_needs_its_answer() {
    for fault in ["answer = \"changed\"", "answer = \"html\"\nchange = { hide = true }"] {
        let script: Result<nuon_gate_sim::Script, _> = format!("[[fault]]\n{fault}\n").parse();
        assert!(script.is_err_and(|error| error.to_string().contains("need each other")), "{fault}");
    }
}
