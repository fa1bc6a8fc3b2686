//! The verdict is about the requested deploy, and no other.

use crate::support::{API, Gate, INSTALL, WORKER, access, component, serve, serve_deploy};

/// A component of the install with one deploy of this id.
fn with_id(component_id: &str, deploy: &str, status: &str) -> String {
    format!(
        "[[component]]\ninstall = \"{INSTALL}\"\nid = \"{component_id}\"\n\
         [[component.deploy]]\nid = \"{deploy}\"\nstatuses = [{{ status = \"{status}\" }}]\n"
    )
}

#[test]
fn a_pinned_deploy_of_another_component_is_rejected() {
    for generation in ["today", "old"] {
        let script = access() + &format!("generation = \"{generation}\"\n");
        let script = script + &with_id(API, "dplapi", "active") + &with_id(WORKER, "dplworker", "error");
        let sim = serve(&script);
        let gate = || Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", WORKER]);
        let outcome = gate().args(["--deploy", "dplapi"]).json().exits(3);
        let reason = outcome.reason();
        assert!(reason.contains(&format!("deploy dplapi belongs to component {API}, not to {WORKER}")), "{reason}");
        gate().args(["--deploy", "dplworker"]).json().exits(1);
    }
}

#[test]
fn an_older_row_takes_nobodys_place() {
    // The rows have no common workflow, and the remaining one is older than the replaced one.
    let script = access()
        + &format!("[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n")
        + "[[component.deploy]]\nid = \"dplold\"\nworkflow = \"inwold\"\nstatuses = [{ status = \"active\" }]\n"
        + "[[component.deploy]]\nid = \"dplnew\"\nworkflow = \"inwnew\"\nafter = \"1ms\"\n"
        + "statuses = [{ status = \"executing\" }, { status = \"retried\" }]\n";
    let sim = serve(&script);
    let gate = Gate::wait(&sim).args(["--deploy", "dplnew", "--timeout", "300ms"]);
    let outcome = gate.json().exits(124);
    assert_eq!(outcome.target()["deploy"]["id"], "dplnew");
}

#[cfg(unix)]
#[test]
fn a_variable_that_cannot_be_read_is_not_ignored() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let sim = serve_deploy(r#"{ status = "active" }"#);
    for name in ["NUON_GATE_DEPLOY", "NUON_GATE_FAIL_ON", "NUON_API_TOKEN"] {
        let outcome = Gate::wait(&sim).env(name, OsStr::from_bytes(b"dplx\xff")).run().refused();
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    }
}

#[test]
fn our_whole_targets_take_precedence_over_the_nuon_clis_halves() {
    let sim = serve(&(access() + &component(API, r#"{ status = "active" }"#)));
    let gate = || Gate::at(&sim.url(), "wait").env("NUON_INSTALL_ID", "inlelsewhere");
    let target = format!("{INSTALL}/{API}");
    gate().env("NUON_GATE_TARGET", &target).json().exits(0);
    // A variable that a flag overrides need not even be valid.
    gate().env("NUON_GATE_TARGET", "junk").args(["--install", INSTALL, "--component", API]).json().exits(0);
}
