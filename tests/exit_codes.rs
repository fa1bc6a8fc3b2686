//! Every exit code, as a pipeline meets it. Those of signals are in `signals.rs`.

use serde_json::json;

use crate::support::{
    API, Closed, ENDLESS, Gate, INSTALL, PASSING, access, component, one_deploy, serve, serve_deploy,
};

#[test]
fn a_pass_is_0() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).json().exits(0);
    let (result, target) = (outcome.result(), outcome.target());
    assert_eq!(
        (&result["verdict"], &result["exit_code"], &result["reason"]),
        (&json!("passed"), &json!(0), &json!(null))
    );
    assert_eq!(
        (&target["verdict"], &target["clock"], &target["reason"]),
        (&json!("passed"), &json!(null), &json!(null))
    );
    assert_eq!(target["deploy"]["status"], "active");
}

#[test]
fn a_failure_is_1_and_leads_with_the_reason() {
    let error = r#"{ status = "executing" }, { status = "error", description = "unable to deploy", error = "quota exceeded", hint = "ask for more" }"#;
    let outcome = Gate::wait(&serve_deploy(error)).json().exits(1);
    assert_eq!(outcome.target()["reason"], "quota exceeded");
    assert_eq!(outcome.reason(), "quota exceeded");
    assert_eq!(outcome.result()["verdict"], "failed");
    outcome.says("hint      ask for more");
}

#[test]
fn a_token_that_is_not_accepted_is_3_after_one_request() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).env("NUON_API_TOKEN", "another-token").json().exits(3);
    assert_eq!(outcome.result()["verdict"], "rejected");
    assert!(outcome.reason().contains("HTTP 401"), "{}", outcome.reason());
    assert_eq!(sim.requests().len(), 1);
    outcome.says("NUON_API_TOKEN").says("--token-file");
}

#[test]
fn an_organisation_that_is_not_ours_is_3() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).args(["--org-id", "orgother000000000000000000"]).json().exits(3);
    assert!(outcome.reason().contains("HTTP 403"), "{}", outcome.reason());
    assert_eq!(sim.requests().len(), 1);
    outcome.says("--org-id").says("NUON_ORG_ID");
}

#[test]
fn a_refusal_after_a_success_is_3_only_when_it_stays() {
    let faults = |nth: &str| {
        format!("{}[[fault]]\non = \"deploy\"\nnth = {nth}\nanswer = \"status\"\ncode = 403\n", one_deploy(PASSING))
    };
    let sim = serve(&faults("[1, 2, 3, 4]"));
    assert_eq!(Gate::wait(&sim).json().exits(0).errors(), 4);
    let sim = serve(&faults("[2, 3, 4, 5, 6]"));
    assert_eq!(Gate::wait(&sim).json().exits(3).errors(), 5);
}

#[test]
fn an_install_that_does_not_exist_is_3() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::at(&sim.url(), "wait").args(["--install", "inlother", "--component", API]).json().exits(3);
    assert!(outcome.reason().contains("no install `inlother`"), "{}", outcome.reason());
    outcome.says("--install").says("NUON_INSTALL_ID");
}

#[test]
fn a_component_that_does_not_exist_is_3() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", "cmpother"]).json().exits(3);
    assert!(outcome.reason().contains("no component `cmpother`"), "{}", outcome.reason());
    outcome.says("--component").says("NUON_COMPONENT_ID");
}

#[test]
fn a_deploy_that_does_not_exist_is_3_after_three_polls() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).args(["--deploy", "dplother"]).json().exits(3);
    assert!(outcome.reason().contains("no deploy `dplother`"), "{}", outcome.reason());
    assert_eq!(sim.requests().len(), 3);
    outcome.says("--deploy");
}

#[test]
fn a_cancelled_deploy_is_4() {
    for status in ["cancelled", "approval-denied", "approval-expired"] {
        let sim = serve_deploy(&format!("{{ status = \"queued\" }}, {{ status = \"{status}\" }}"));
        assert_eq!(Gate::wait(&sim).json().exits(4).result()["verdict"], "cancelled", "{status}");
    }
}

#[test]
fn an_api_that_is_not_there_is_7() {
    let closed = Closed::new();
    let gate = || Gate::at(&format!("http://{closed}"), "wait").args(["--install", INSTALL, "--component", API]);
    let outcome = gate().args(["--api-outage", "150ms"]).json().exits(7);
    assert_eq!((&outcome.result()["verdict"], &outcome.target()["clock"]), (&json!("inconclusive"), &json!("outage")));
    assert!(outcome.reason().contains("could not connect to 127.0.0.1"), "{}", outcome.reason());
    outcome.says("--api-outage");

    let outcome = gate().args(["--timeout", "150ms"]).json().exits(124);
    assert_eq!(outcome.target()["clock"], "total", "the total clock is 124 even without one good poll");
}

#[test]
fn a_poll_of_a_pending_deploy_is_10() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::status(&sim).json().exits(10);
    assert_eq!(
        (&outcome.result()["verdict"], &outcome.target()["deploy"]["status"]),
        (&json!("pending"), &json!("queued"))
    );
}

#[test]
fn a_poll_of_what_has_ended_exits_as_wait_would() {
    for (status, code) in [("active", 0), ("error", 1), ("cancelled", 4)] {
        let sim = serve_deploy(&format!("{{ status = \"{status}\" }}"));
        Gate::status(&sim).json().exits(code);
        Gate::wait(&sim).json().exits(code);
    }
}

#[test]
fn a_poll_of_nothing_is_10_and_of_no_api_is_7() {
    let none = format!("{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n", access());
    Gate::status(&serve(&none)).json().exits(10);
    let sim = serve_deploy(PASSING);
    for pin in [["--deploy", "dplnobody"], ["--workflow", "inwnobody"]] {
        let reason = Gate::status(&sim).args(pin).json().exits(3).reason();
        assert!(reason.contains(pin[1]), "{reason}");
    }
    // A workflow that does not exist is done without, as `wait` does; one that cannot be read is not.
    for (ended, code) in [(r#"{ status = "active" }"#, 0), (r#"{ status = "error" }"#, 1)] {
        let fault = |code| format!("[[fault]]\non = \"workflow\"\nanswer = \"status\"\ncode = {code}\n");
        let outcome = Gate::status(&serve(&(one_deploy(ended) + &fault(404)))).json().exits(code);
        outcome.says("cannot be read");
        Gate::status(&serve(&(one_deploy(ended) + &fault(500)))).json().exits(7);
    }
    let broken = Gate::status(&sim).env("NUON_API_URL", "http://127.0.0.1:9").json().exits(7);
    assert_eq!(broken.result()["verdict"], "inconclusive");
}

#[test]
fn running_out_of_time_is_124_and_says_where_the_time_went() {
    let sim = serve_deploy(ENDLESS);
    let outcome = Gate::wait(&sim).args(["--timeout", "200ms"]).json().exits(124);
    assert_eq!((&outcome.result()["verdict"], &outcome.target()["clock"]), (&json!("timed_out"), &json!("total")));
    let reason = outcome.reason();
    assert!(reason.starts_with("--timeout 200ms expired: ") && reason.contains("`executing`"), "{reason}");
    assert!(outcome.result()["elapsed_ms"].as_u64().unwrap() >= 200);
    outcome.says("--timeout");
}

#[test]
fn a_deploy_that_never_appears_is_124_by_the_start_timeout() {
    let none = format!("{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n", access());
    let outcome = Gate::wait(&serve(&none)).args(["--start-timeout", "150ms"]).json().exits(124);
    assert_eq!((&outcome.target()["clock"], &outcome.target()["deploy"]), (&json!("start"), &json!(null)));
    assert_eq!(outcome.reason(), "no deploy appeared within 150ms (--start-timeout)");
    let outcome = Gate::wait(&serve(&none)).args(["--start-timeout", "off", "--timeout", "150ms"]).json().exits(124);
    assert_eq!(outcome.target()["clock"], "total");
}

#[test]
fn a_deploy_that_appears_in_time_stops_the_start_timeout() {
    let late = component(API, PASSING).replace("[[component.deploy]]\n", "[[component.deploy]]\nafter_polls = 2\n");
    let sim = serve(&(access() + &late));
    Gate::wait(&sim).args(["--start-timeout", "10s"]).json().exits(0).says("no deploy yet");
}

#[test]
fn a_pin_that_nuon_does_not_find_is_what_a_timeout_is_about() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).args(["--deploy", "dplnobody", "--min-interval", "5s", "--max-interval", "5s"]);
    let outcome = outcome.args(["--timeout", "500ms"]).json().exits(124);
    outcome.says("Nuon does not find it: check --install").says("--deploy, --workflow");
}

#[test]
fn codes_can_be_mapped_and_verdicts_cannot() {
    let sim = serve_deploy(ENDLESS);
    let outcome = Gate::wait(&sim).args(["--timeout", "100ms", "--map-exit", "timed_out=0"]).json().exits(0);
    assert_eq!((&outcome.result()["verdict"], &outcome.result()["exit_code"]), (&json!("timed_out"), &json!(0)));
    let failing = serve_deploy(r#"{ status = "error" }"#);
    Gate::wait(&failing).env("NUON_GATE_MAP_EXIT", "failed=42,timed_out=0").json().exits(42);
}
