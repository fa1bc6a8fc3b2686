//! Earlier bugs, each as a user would meet it.

use serde_json::json;

use crate::support::{
    API, CONTRADICTED, ENDLESS, Folder, Gate, INSTALL, PASSING, access, component, in_parallel, one_deploy, serve,
    serve_deploy,
};

/// A deploy in a fully scripted workflow.
fn in_workflow(statuses: &str, option: &str, states: &str) -> String {
    let deploy = "[[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\nbuild = \"bldone\"\n";
    access()
        + &component(API, statuses).replace("[[component.deploy]]\n", deploy)
        + &format!(
            "[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"{option}\"\nstates = [{states}]\n"
        )
}

#[test]
fn a_failed_health_check_is_no_pass() {
    let step = |name: &str, status: &str| {
        format!(r#"{{ name = "{name}", status = "{status}", deploy = "dplone", reason = "readiness" }}"#)
    };
    let running = format!(
        r#"{{ status = "in-progress", polls = 2, steps = [{}, {}] }}"#,
        step("deploy", "success"),
        step("health check", "in-progress")
    );
    in_parallel(&["status = \"error\", finished = true", "status = \"in-progress\", awaiting_retry = true"], |end| {
        let failed =
            format!(r#"{{ {end}, steps = [{}, {}] }}"#, step("deploy", "success"), step("health check", "error"));
        let sim = serve(&in_workflow(r#"{ status = "active" }"#, "approve-all", &format!("{running}, {failed}")));
        let reason = Gate::wait(&sim).args(["--deploy", "dplone"]).args(CONTRADICTED).json().exits(1).reason();
        assert!(
            reason.ends_with("step 2 of 2, health check, failed (readiness), although the deploy says `active`"),
            "{reason}"
        );
    });
}

#[test]
fn every_pin_counts_even_if_the_deploy_is_named() {
    let ended =
        r#"{ status = "success", finished = true, steps = [{ name = "a", status = "success", deploy = "dplone" }] }"#;
    let sim = serve(&in_workflow(r#"{ status = "active" }"#, "approve-all", ended));
    let named = |flags: &[&str]| Gate::wait(&sim).args(["--deploy", "dplone"]).args(flags).json();
    named(&["--build", "bldone"]).exits(0);
    named(&["--build", "bldother"]).exits(3).says("deploy dplone does not match --build");
    named(&["--since", "2100-01-01T00:00:00Z"]).exits(3);
    named(&["--commit", "deadbeef123"]).exits(3);
    let whole = |flags: &[&str]| Gate::at(&sim.url(), "wait").args(["--workflow", "inwone"]).args(flags).json();
    whole(&[]).exits(0);
    whole(&["--commit", "deadbeef123"]).exits(3);
    whole(&["--deploy", "dplone"]).exits(2).says("--deploy is about one component");
    whole(&["--install", "acme-other"]).exits(3).says("works on install");
}

#[test]
fn one_poll_says_what_waiting_would() {
    let failed = r#"{ status = "error", finished = true, steps = [{ name = "sandbox", status = "error", reason = "quota", deploy = "dplone" }] }"#;
    let sim = serve(&in_workflow(r#"{ status = "queued" }"#, "approve-all", failed));
    assert!(Gate::status(&sim).json().exits(1).reason().contains("sandbox, failed (quota)"));
    Gate::at(&sim.url(), "status").args(["--workflow", "inwone"]).json().exits(1);
    let asked =
        r#"{ status = "in-progress", steps = [{ name = "plan", status = "approval-awaiting", deploy = "dplone" }] }"#;
    let sim = serve(&in_workflow(r#"{ status = "pending-approval" }"#, "prompt", asked));
    Gate::status(&sim)
        .args(["--on-approval", "fail"])
        .json()
        .exits(5)
        .says("a human has to approve the plan: https://");
    Gate::status(&sim).json().exits(10).says("a human has to approve the plan: https://");
}

#[test]
fn an_approval_that_is_refused_in_the_step_alone_is_cancelled() {
    for word in ["approval-expired", "approval-denied"] {
        let ended = format!(
            r#"{{ status = "error", finished = true, steps = [{{ name = "plan", status = "{word}", deploy = "dplone" }}] }}"#
        );
        let sim = serve(&in_workflow(r#"{ status = "pending-approval" }"#, "prompt", &ended));
        Gate::wait(&sim).json().exits(4);
        Gate::at(&sim.url(), "wait").args(["--workflow", "inwone"]).json().exits(4);
    }
}

#[test]
fn a_name_from_the_server_begins_no_line() {
    let named = |id: &str, name: &str| {
        component(id, r#"{ status = "error" }"#)
            .replace(&format!("id = \"{id}\""), &format!("id = \"{id}\"\nname = \"{name}\""))
    };
    let sim = serve(
        &(access() + &named(API, "::error title=pwned::gotcha") + &named("cmpother000000000000000000", "##[error]x")),
    );
    let outcome = Gate::at(&sim.url(), "wait").args(["--install", "acme", "--all-components"]).run().exits(1);
    for line in outcome.stderr.lines().chain(outcome.stdout.lines()) {
        let line = line.trim_start();
        assert!(!line.starts_with("::") && !line.starts_with("##"), "{line}");
    }
}

#[test]
fn nothing_is_triggered_that_could_not_be_waited_for() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let file = folder.file("ran");
    let trigger = |flags: &[&str]| Gate::wait(&sim).args(flags).args(["--", "touch"]).args([&file]).run();
    trigger(&["--report", "json=/nonexistent/x.json"]).refused();
    trigger(&["--require", "3"]).refused();
    assert!(!file.exists(), "the command was run");
    Gate::wait(&sim).args(["--"]).run().refused().says("there is no command after `--`");
}

#[cfg(unix)]
#[test]
fn a_signal_while_the_command_runs_is_reported() {
    let sim = serve_deploy(PASSING);
    let mut gate = Gate::wait(&sim).args(["--", "sh", "-c", "echo begun >&2; exec sleep 60"]).start();
    gate.wait_for("begun").send(nix::sys::signal::Signal::SIGTERM);
    gate.end().exits(143).says("sh was running and may have triggered a deploy, which was not waited for");
}

#[test]
fn a_trigger_that_was_refused_is_reported_as_it_is() {
    let folder = Folder::new();
    let answer = folder.write("answer", "HTTP/2 403 \r\ncontent-type: application/json\r\n\r\n{\"error\":\"no\"}");
    let outcome = Gate::at("http://127.0.0.1:1", "wait").args(["--install", INSTALL, "--component", API]);
    outcome.args(["--trigger-response"]).args([answer]).run().refused().says("answered with HTTP 403");
}

#[test]
fn a_deploy_that_matches_nothing_is_named() {
    let sim = serve(&one_deploy(r#"{ status = "active" }"#));
    let outcome = Gate::wait(&sim).args(["--build", "bldnope", "--start-timeout", "50ms"]).json().exits(124);
    let reason = outcome.reason();
    assert!(reason.contains("has build bld") && reason.ends_with(", not bldnope (--build)"), "{reason}");
    outcome.says("correct --build (NUON_GATE_BUILD), or check that the pipeline triggered that deploy");
}

#[test]
fn the_workflow_that_is_waited_for_is_cancelled_as_a_whole() {
    let running = r#"{ status = "in-progress", steps = [{ name = "smoke test", status = "in-progress" }] }"#;
    let sim = serve(&in_workflow(ENDLESS, "approve-all", running));
    let gate =
        Gate::at(&sim.url(), "wait").args(["--workflow", "inwone", "--timeout", "100ms", "--cancel-on", "timeout"]);
    let outcome = gate.json().exits(124);
    assert!(outcome.reason().contains("the workflow was cancelled"), "{}", outcome.reason());
    assert_eq!(outcome.result()["targets"], json!([]));
}
