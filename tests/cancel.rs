//! `--cancel-on`: what is cancelled, and which side wins.

use nuon_gate_sim::Sim;
use serde_json::json;

use crate::support::{API, ENDLESS, Gate, INSTALL, WORKER, access, component, serve};

/// A deploy that goes on for ever unless it is cancelled, on a server of some generation.
fn endless(generation: &str, cancel: &str) -> Sim {
    let cancel = format!("[[component.deploy]]\ncancel = {{ {cancel} }}\n");
    serve(
        &(format!("generation = \"{generation}\"\n{}", access())
            + &component(API, ENDLESS).replace("[[component.deploy]]\n", &cancel)),
    )
}

fn posts(sim: &Sim) -> usize {
    sim.requests().iter().filter(|seen| seen.method == "POST").count()
}

#[test]
fn nothing_is_cancelled_unless_asked_for() {
    for flags in [&[][..], &["--cancel-on", "interrupt,fail-fast"]] {
        let sim = endless("new", "");
        Gate::wait(&sim).args(["--timeout", "50ms"]).args(flags).json().exits(124);
        assert_eq!(posts(&sim), 0);
    }
    Gate::bare("wait").args(["--cancel-on", "sometimes"]).run().refused().says("timeout, interrupt or fail-fast");
}

#[test]
fn a_deploy_is_cancelled_on_every_server() {
    for generation in ["mid1", "mid", "new"] {
        let sim = endless(generation, "refuse = 2");
        let outcome = Gate::wait(&sim).args(["--timeout", "50ms", "--cancel-on", "timeout"]).json().exits(124);
        assert!(outcome.reason().ends_with("; it was cancelled"), "{generation}: {}", outcome.reason());
        let target = outcome.target();
        assert_eq!((&target["clock"], &target["deploy"]["status"]), (&json!("total"), &json!("cancelled")));
        assert_eq!(target["deploy_verdict"], "cancelled");
        assert_eq!(target["hint"], "find out why it took so long, then deploy again");
        assert_eq!(posts(&sim), 3, "{generation}: two refusals are tried again, and it is posted once");
        outcome.says("cancelling workflow inw");
    }
}

#[test]
fn a_cancel_that_lost_the_race_says_so() {
    let race = r#"{ status = "executing", polls = 12 }, { status = "active" }"#;
    let cancel = "[[component.deploy]]\ncancel = { loses = true }\n";
    let sim = serve(&(access() + &component(API, race).replace("[[component.deploy]]\n", cancel)));
    let outcome = Gate::wait(&sim)
        .args(["--min-interval", "20ms", "--max-interval", "20ms", "--timeout", "60ms", "--cancel-on", "timeout"])
        .json()
        .exits(124);
    let reason = outcome.reason();
    assert!(reason.ends_with("; cancel lost the race: the deploy became `active`"), "{reason}");
    assert_eq!(outcome.target()["deploy"]["status"], "active");
}

#[test]
fn a_forbidden_cancel_is_reported() {
    let sim = endless("new", "forbidden = true");
    let outcome = Gate::wait(&sim).args(["--timeout", "50ms", "--cancel-on", "timeout"]).json().exits(124);
    assert!(outcome.reason().contains("it could not be cancelled (HTTP 403"), "{}", outcome.reason());
    assert_eq!(posts(&sim), 1);
}

/// A deploy in `error` has failed once the time is up, and its workflow would go on with it.
#[test]
fn a_workflow_that_could_still_retry_is_cancelled_and_the_deploy_has_failed() {
    let deploy = "[[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\n";
    let retrying =
        r#"{ status = "in-progress", steps = [{ name = "apply", status = "in-progress", deploy = "dplone" }] }"#;
    let workflow = format!("[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{retrying}]\n");
    let failed = component(API, r#"{ status = "error", denied = ["network: no public address"] }"#)
        .replace("[[component.deploy]]\n", deploy);
    let sim = serve(&(access() + &failed + &workflow));
    Gate::wait(&sim).args(["--timeout", "100ms"]).json().exits(1);
    assert_eq!(posts(&sim), 0);
    let outcome = Gate::wait(&sim).args(["--timeout", "100ms", "--cancel-on", "timeout"]).json().exits(1);
    assert!(outcome.reason().ends_with("no public address; the workflow was cancelled"), "{}", outcome.reason());
    let hint = outcome.target()["hint"].clone();
    assert!(hint.as_str().unwrap().contains("the policy `network`"), "what failed is to be mended: {hint}");
    assert_eq!(posts(&sim), 1);
}

#[test]
fn what_is_stopped_because_others_failed_is_cancelled() {
    let failing = r#"{ status = "executing" }, { status = "error", error = "quota" }"#;
    let sim = serve(&(access() + &component(API, ENDLESS) + &component(WORKER, failing)));
    let gate = Gate::wait(&sim).args(["--component", WORKER, "--fail-fast", "--cancel-on", "fail-fast"]);
    let outcome = gate.json().exits(1);
    let targets = outcome.result()["targets"].clone();
    assert_eq!((&targets[0]["verdict"], &targets[1]["verdict"]), (&json!("pending"), &json!("failed")));
    // A pending target has no reason.
    assert_eq!(targets[0]["reason"], json!(null), "{targets:#}");
    let told = "another target failed, so this one was to be cancelled: it was cancelled";
    assert_eq!(targets[0]["warnings"].as_array().unwrap().last(), Some(&json!(told)), "{targets:#}");
    outcome.says(&format!("warning   {told}"));
    assert_eq!(posts(&sim), 1);
    Gate::wait(&sim).args(["--timeout", "1ms", "--cancel-on", "fail-fast"]).run().says("nothing without --fail-fast");
}

#[cfg(unix)]
#[test]
fn a_signal_cancels_if_asked_for_and_keeps_its_code() {
    let sim = endless("new", "");
    let mut gate = Gate::wait(&sim).args(["--output", "json", "--cancel-on", "interrupt"]).start();
    gate.wait_for("executing").send(nix::sys::signal::Signal::SIGINT);
    let outcome = gate.end().exits(130);
    assert!(outcome.reason().ends_with("; it was cancelled"), "{}", outcome.reason());
    assert_eq!(outcome.target()["verdict"], "pending");
}
