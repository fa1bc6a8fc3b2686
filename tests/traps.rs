//! The server's traps, one test each: misleading answers.

use serde_json::json;

use crate::support::{API, CONTRADICTED, Gate, INSTALL, access, one_deploy, serve, serve_deploy};

/// Two rows of one workflow: the first, and the one that replaces it after this many polls.
fn retried(first: &str, polls: u32, second: &str) -> String {
    format!(
        "{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\nname = \"api\"\n\
         [[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\nstatuses = [{first}]\n\
         [[component.deploy]]\nid = \"dpltwo\"\nworkflow = \"inwone\"\nafter_polls = {polls}\nstatuses = [{second}]\n",
        access()
    )
}

/// One row, with a fully scripted workflow.
fn in_workflow(statuses: &str, option: &str, states: &str) -> String {
    format!(
        "{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\nname = \"api\"\n\
         [[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\nstatuses = [{statuses}]\n\
         [[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"{option}\"\nstates = [{states}]\n",
        access()
    )
}

fn step(name: &str, status: &str, more: &str) -> String {
    format!(r#"{{ name = "{name}", status = "{status}", deploy = "dplone"{more} }}"#)
}

#[test]
fn trap_1_drift_scans_hide_the_newest_deploy() {
    for no_deploy in ["not-found", "empty-object"] {
        let hidden = format!("id = \"{API}\"\ndrift_scans = true\nno_deploy = \"{no_deploy}\"");
        let script = one_deploy(r#"{ status = "active" }"#).replace(&format!("id = \"{API}\""), &hidden);
        let sim = serve(&script);
        Gate::wait(&sim).json().exits(0);
        let asked = sim.requests().into_iter().filter(|seen| seen.target.ends_with("latest?limit=100")).count();
        assert_eq!(asked, 1, "a hundred rows are asked for once");
    }
}

#[test]
fn trap_2_the_latest_answer_lacks_ids_and_details() {
    let sim = serve_deploy(r#"{ status = "error", error = "the reason is in the details" }"#);
    let outcome = Gate::wait(&sim).json().exits(1);
    assert!(outcome.reason().ends_with("the reason is in the details"), "{}", outcome.reason());
    assert_eq!(outcome.target()["component"]["id"], API);
}

#[test]
fn trap_3_an_error_is_not_final_while_the_workflow_can_retry_it() {
    let script = retried(r#"{ status = "error", polls = 6 }, { status = "retried" }"#, 7, r#"{ status = "active" }"#);
    let step = step("apply", "error", ", finished = true, retry = [0, 1]");
    let again = r#"{ name = "apply", status = "success", deploy = "dpltwo", finished = true }"#;
    let states = format!(
        r#"{{ status = "in-progress", polls = 5, steps = [{step}] }},
           {{ status = "success", finished = true, steps = [{step}, {again}] }}"#
    );
    let workflow = format!("[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{states}]\n");
    let sim = serve(&(script + &workflow));
    let target = Gate::wait(&sim).json().exits(0).target();
    assert_eq!((&target["deploy"]["id"], &target["replaced"]), (&json!("dpltwo"), &json!(["dplone"])));
}

#[test]
fn trap_4_active_is_not_final_while_a_health_step_runs() {
    let health = |status: &str, more: &str| {
        format!("[{}, {}]", step("apply", "success", ", finished = true"), step("await healthy", status, more))
    };
    let running = format!(r#"{{ status = "in-progress", polls = 3, steps = {} }}"#, health("in-progress", ""));
    let failed = format!(
        r#"{running}, {{ status = "error", finished = true, steps = {} }}"#,
        health("error", ", finished = true")
    );
    let sick =
        r#"{ status = "active", polls = 5 }, { status = "error", description = "the component is not healthy" }"#;
    let outcome = Gate::wait(&serve(&in_workflow(sick, "approve-all", &failed))).json().exits(1);
    assert!(outcome.reason().contains("the component is not healthy"), "{}", outcome.reason());

    let healthy = format!(
        r#"{running}, {{ status = "success", finished = true, steps = {} }}"#,
        health("success", ", finished = true")
    );
    Gate::wait(&serve(&in_workflow(r#"{ status = "active" }"#, "approve-all", &healthy))).json().exits(0);
}

#[test]
fn trap_5_a_deploy_stays_pending_for_ever_while_its_workflow_has_failed() {
    let steps = r#"[{ name = "generate state", status = "success", finished = true }, { name = "runner health", status = "error", finished = true }]"#;
    let states =
        format!(r#"{{ status = "in-progress", polls = 1 }}, {{ status = "error", finished = true, steps = {steps} }}"#);
    let sim = serve(&in_workflow(r#"{ status = "queued" }"#, "approve-all", &states));
    let reason = Gate::wait(&sim).args(CONTRADICTED).json().exits(1).reason();
    assert!(reason.contains("step 2 of 2, runner health, failed, and"), "{reason}");
    assert!(reason.contains("was never attempted"), "{reason}");
}

#[test]
fn trap_5_a_cancelled_workflow_cancels_its_pending_deploy() {
    let sim = serve(&in_workflow(r#"{ status = "queued" }"#, "approve-all", r#"{ status = "cancelled" }"#));
    Gate::wait(&sim).args(CONTRADICTED).json().exits(4);
}

#[test]
fn trap_6_pending_approval_needs_a_human_only_if_one_is_asked() {
    let asked = format!(r#"{{ status = "in-progress", steps = [{}] }}"#, step("plan", "approval-awaiting", ""));
    let pending = r#"{ status = "pending-approval" }"#;
    let sim = serve(&in_workflow(pending, "prompt", &asked));
    let outcome = Gate::wait(&sim).args(["--on-approval", "fail"]).json().exits(5);
    let page = outcome.target()["approval_url"].as_str().unwrap().to_owned();
    assert!(page.contains("/workflows/inwone?panel=iws"), "{page}");
    assert_eq!(Gate::wait(&sim).args(["--on-approval", "pass"]).json().code, 0);
    let outcome = Gate::wait(&sim).args(["--approval-timeout", "50ms"]).json().exits(5);
    assert_eq!(outcome.target()["clock"], "approval");
    let events = Gate::wait(&sim).args(["--output", "ndjson", "--timeout", "200ms"]).run().exits(124).events();
    assert_eq!(events.iter().filter(|event| event["event"] == "approval_needed").count(), 1);

    // The same status, but the plan approves itself.
    let by_itself = r#"{ status = "pending-approval", polls = 6 }, { status = "active" }"#;
    let states = format!(
        r#"{{ status = "in-progress", polls = 6, steps = [{}] }}, {{ status = "success", finished = true, steps = [{}] }}"#,
        step("plan", "approval-awaiting", ""),
        step("plan", "success", ", finished = true")
    );
    let sim = serve(&in_workflow(by_itself, "approve-all", &states));
    Gate::wait(&sim).args(["--on-approval", "fail"]).json().exits(0);
}

#[test]
fn trap_7_a_parked_workflow_never_finishes() {
    for parked in [r#"status = "failed-pending-retry""#, r#"status = "in-progress", awaiting_retry = true"#] {
        let states =
            format!(r#"{{ {parked}, steps = [{}] }}"#, step("apply", "error", ", finished = true, retry = [0, 3]"));
        let sim = serve(&in_workflow(r#"{ status = "error", error = "out of memory" }"#, "approve-all", &states));
        let reason = Gate::wait(&sim).json().exits(1).reason();
        assert!(reason.ends_with("out of memory"), "{reason}");
    }
}

#[test]
fn trap_8_noop_is_a_failure() {
    let sim = serve_deploy(r#"{ status = "noop", description = "build is not deployable" }"#);
    let reason = Gate::wait(&sim).json().exits(1).reason();
    assert!(reason.ends_with("build is not deployable"), "{reason}");
}

#[test]
fn trap_9_some_ends_have_no_description() {
    for (status, code) in [("auto-skipped", 0), ("approval-denied", 4), ("cancelled", 4)] {
        let sim = serve_deploy(&format!(r#"{{ status = "{status}" }}"#));
        let outcome = Gate::wait(&sim).json().exits(code);
        assert_eq!(code == 0, outcome.reason().is_empty(), "{status}: {}", outcome.reason());
    }
}

#[test]
fn trap_10_denials_and_html_can_pass_by() {
    let fault = |nth: &str, code: u16, body: &str| {
        format!("[[fault]]\non = \"deploy\"\nnth = [{nth}]\nanswer = \"status\"\ncode = {code}\nbody = \"{body}\"\n")
    };
    let faults = fault("1, 2", 401, "json") + &fault("3, 4", 403, "json") + &fault("5", 502, "html");
    let sim = serve(&(one_deploy(r#"{ status = "queued" }, { status = "active" }"#) + &faults));
    let outcome = Gate::wait(&sim).json().exits(0);
    assert_eq!(outcome.errors(), 5);
}
