//! Several targets: which of them have to pass, and which one decides.

use serde_json::{Value, json};

use crate::support::{API, ENDLESS, Gate, INSTALL, Outcome, PASSING, WORKER, access, component, serve};

const THIRD: &str = "cmpimage000000000000000000";
const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota exceeded" }"#;
/// Passes long after the failing ones have failed.
const LATE: &str = r#"{ status = "executing", polls = 15 }, { status = "active" }"#;
const CANCELLED: &str = r#"{ status = "cancelled" }"#;

/// Waits for three components whose deploys go through these statuses.
fn wait_for(statuses: [&str; 3], flags: &[&str]) -> Outcome {
    let [api, worker, third] = statuses;
    let script = access() + &component(API, api) + &component(WORKER, worker) + &component(THIRD, third);
    let sim = serve(&script);
    Gate::wait(&sim).args(["--component", WORKER, "--component", THIRD]).args(flags).json()
}

fn verdicts(outcome: &Outcome) -> Vec<Value> {
    outcome.result()["targets"].as_array().unwrap().iter().map(|target| target["verdict"].clone()).collect()
}

#[test]
fn by_default_every_target_has_to_pass() {
    let outcome = wait_for([PASSING, PASSING, PASSING], &[]).exits(0);
    assert_eq!(verdicts(&outcome), ["passed", "passed", "passed"]);
    let outcome = wait_for([PASSING, FAILING, PASSING], &[]).exits(1);
    assert_eq!(verdicts(&outcome), ["passed", "failed", "passed"], "without --fail-fast all are waited for");
    // A component is identified by its name.
    assert_eq!(outcome.reason(), format!("{}: quota exceeded", WORKER.trim_start_matches("cmp")));
}

#[test]
fn any_is_enough_if_that_is_said() {
    let outcome = wait_for([FAILING, LATE, ENDLESS], &["--require", "any"]).exits(0);
    assert_eq!(verdicts(&outcome), ["failed", "passed", "pending"]);
    assert_eq!(outcome.result()["reason"], json!(null));
    wait_for([FAILING, CANCELLED, FAILING], &["--require", "any"]).exits(1);
}

#[test]
fn a_number_is_enough_if_that_is_said() {
    wait_for([PASSING, PASSING, ENDLESS], &["--require", "2"]).exits(0);
    wait_for([PASSING, FAILING, FAILING], &["--require", "2"]).exits(1);
    wait_for([PASSING, PASSING, FAILING], &["--require", "3"]).exits(1);
}

#[test]
fn fail_fast_stops_as_soon_as_it_is_lost() {
    let outcome = wait_for([FAILING, ENDLESS, ENDLESS], &["--fail-fast"]).exits(1);
    assert_eq!(verdicts(&outcome), ["failed", "pending", "pending"]);
    let outcome = wait_for([FAILING, LATE, LATE], &["--fail-fast", "--require", "2"]).exits(0);
    assert_eq!(verdicts(&outcome), ["failed", "passed", "passed"], "two can still pass");
}

#[test]
fn the_most_severe_verdict_decides() {
    // Long enough for the others to end on a busy machine.
    let soon = ["--timeout", "1500ms"];
    wait_for([CANCELLED, FAILING, ENDLESS], &soon).exits(1);
    wait_for([CANCELLED, PASSING, ENDLESS], &soon).exits(4);
    wait_for([PASSING, PASSING, ENDLESS], &soon).exits(124);
    let script = access() + &component(API, FAILING) + &component(WORKER, PASSING);
    let unknown = Gate::wait(&serve(&script))
        .args(["--component", "cmpunknown0000000000000000", "--component", WORKER])
        .json()
        .exits(3);
    assert_eq!(verdicts(&unknown), ["failed", "rejected", "passed"]);
}

#[test]
fn a_fault_of_one_component_does_not_disturb_the_others() {
    let fault = format!("[[fault]]\non = \"deploy\"\ncomponent = \"{API}\"\nanswer = \"hang\"\n");
    let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, PASSING) + &fault));
    let outcome = Gate::wait(&sim).args(["--component", WORKER, "--require", "any"]).json().exits(0);
    assert_eq!(verdicts(&outcome), ["pending", "passed"]);
}

#[test]
fn every_pair_is_a_target_and_none_is_two() {
    let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, PASSING)));
    let pair = format!("{INSTALL}/{API}");
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", &format!("{API},{WORKER}")]);
    let outcome = gate.args(["--target", &pair]).json().exits(0);
    assert_eq!(verdicts(&outcome), ["passed", "passed"]);
}

#[test]
fn many_targets_are_waited_for_at_once() {
    let ids: Vec<String> = (0..40).map(|number| format!("cmp{number:023}")).collect();
    let script = ids.iter().fold(access(), |script, id| script + &component(id, PASSING));
    let sim = serve(&script);
    let outcome =
        Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", &ids.join(",")]).json().exits(0);
    assert_eq!(verdicts(&outcome).len(), 40);
    assert_eq!(outcome.errors(), 0);
}
