//! `--require-healthy` and `--bake`: the health of the component after its deploy has passed.

use nuon_gate_sim::Sim;
use serde_json::Value;

use crate::support::{API, Gate, INSTALL, WORKER, access, in_parallel, serve};

/// A component whose only deploy passes, and its observations after that.
fn observed(id: &str, observed: &str) -> String {
    let observed = if observed.is_empty() { String::new() } else { format!("observed = [{observed}]\n") };
    format!(
        "[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"acme\"\nid = \"{id}\"\nname = \"api\"\n{observed}\
         [[component.deploy]]\nstatuses = [{{ status = \"executing\", polls = 2 }}, {{ status = \"active\" }}]\n"
    )
}

fn target(result: &Value) -> &Value {
    &result["targets"][0]
}

const BROKEN: &str =
    r#"{ health = "healthy", polls = 2 }, { health = "unhealthy", message = "1 of 3 replicas are ready" }"#;

#[test]
fn a_pass_says_that_the_component_is_healthy() {
    let sim = serve(&(access() + &observed(API, r#"{ health = "progressing", polls = 2 }, { health = "healthy" }"#)));
    let outcome = Gate::wait(&sim).args(["--require-healthy", "--bake", "2s"]).json().exits(0);
    let result = outcome.result();
    assert_eq!(target(&result)["deploy_verdict"], "passed");
    let health = &target(&result)["health"];
    assert_eq!((&health["state"], &health["bake_ms"]), (&Value::from("healthy"), &Value::from(2000)));
    assert!(health["baked_ms"].as_u64().unwrap() >= 2000, "{health}");
    assert_eq!(health["checks"][0]["status"], "healthy");
    assert!(outcome.stderr.contains("active, waiting for health: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("waiting for health: healthy for 0s of 2s"), "{}", outcome.stderr);
}

#[test]
fn a_component_that_breaks_while_it_bakes_fails_with_the_words_of_its_check() {
    let sim = serve(&(access() + &observed(API, BROKEN)));
    let outcome = Gate::wait(&sim).args(["--require-healthy", "--bake", "1m"]).json().exits(1);
    let result = outcome.result();
    let reason = "the deploy passed, but the component is unhealthy: Deployment api: 1 of 3 replicas are ready";
    assert_eq!((&result["verdict"], &result["reason"]), (&Value::from("failed"), &Value::from(reason)));
    assert_eq!(target(&result)["deploy_verdict"], "passed");
    let check = &target(&result)["health"]["checks"][0];
    assert_eq!((&check["name"], &check["status"]), (&Value::from("Deployment api"), &Value::from("unhealthy")));
    assert_eq!(check["description"], "1 of 3 replicas are ready");
    // Without the flag, health is not requested.
    let sim = serve(&(access() + &observed(API, BROKEN)));
    let result = Gate::wait(&sim).json().exits(0);
    assert_eq!(target(&result.result())["health"], Value::Null);
    assert!(!sim.requests().iter().any(|seen| seen.target.contains("/resources")));
}

#[test]
fn a_server_without_component_health_is_inconclusive() {
    let generations =
        [("new", "HTTP 403: component health is not enabled for org"), ("mid", "HTTP 404"), ("old", "HTTP 404")];
    in_parallel(&generations, |(generation, words)| {
        let sim = serve(&format!("{}generation = \"{generation}\"\n{}", access(), observed(API, "")));
        for command in ["wait", "status"] {
            let gate =
                Gate::at(&sim.url(), command).args(["--install", INSTALL, "--component", API, "--require-healthy"]);
            let outcome = gate.json().exits(7);
            let result = outcome.result();
            let said = |field: &str| result[field].as_str().unwrap().to_owned();
            assert!(said("reason").contains(words), "{generation}: {}", said("reason"));
            assert!(said("hint").starts_with("check that component health is turned on"), "{}", said("hint"));
            assert_eq!(
                (&result["verdict"], &target(&result)["deploy_verdict"]),
                (&Value::from("inconclusive"), &Value::from("passed"))
            );
        }
    });
}

#[test]
fn what_was_observed_before_the_deploy_is_waited_for_until_the_time_runs_out() {
    let sim = serve(&(access() + &observed(API, r#"{ health = "healthy", stale = true }"#)));
    let outcome = Gate::wait(&sim).args(["--require-healthy", "--timeout", "3s"]).json().exits(124);
    let result = outcome.result();
    let reason = result["reason"].as_str().unwrap();
    assert!(
        reason.contains(
            "waiting for health: not known yet (nothing of the component was observed since the deploy ended)"
        ),
        "{reason}"
    );
    assert_eq!(target(&result)["deploy_verdict"], "passed");
}

#[test]
fn each_target_has_a_health_of_its_own() {
    // So many that one list of the install's deploys serves all of them.
    let last = "cmpweb00000000000000000000";
    let sim = serve(
        &(access()
            + &observed(API, r#"{ health = "healthy" }"#)
            + &observed(WORKER, r#"{ health = "healthy", polls = 2 }, { health = "degraded" }"#)
            + &observed(last, r#"{ health = "progressing", polls = 3 }, { health = "healthy" }"#)),
    );
    let flags = ["--component", WORKER, "--component", last, "--require-healthy", "--bake", "3s", "--require", "2"];
    let result = Gate::wait(&sim).args(flags).json().exits(0).result();
    let verdicts: Vec<&Value> = result["targets"].as_array().unwrap().iter().map(|own| &own["verdict"]).collect();
    assert_eq!(verdicts, ["passed", "failed", "passed"]);
    let states: Vec<&Value> = result["targets"].as_array().unwrap().iter().map(|own| &own["health"]["state"]).collect();
    assert_eq!(states, ["healthy", "degraded", "healthy"]);
}

/// The deploy had ended so long before.
fn ended(ago: &str, seen: &str) -> Sim {
    let script = access() + &observed(API, seen).replace("{ status = \"executing\", polls = 2 }, ", "");
    serve(&format!("began = \"{ago}\"\n{script}"))
}

#[test]
fn one_poll_says_whether_the_component_is_healthy() {
    let broken = BROKEN.replace("polls = 2", "polls = 3");
    let sim = ended("10m30s", &broken);
    let poll = || Gate::at(&sim.url(), "status").args(["--install", INSTALL, "--component", API, "--require-healthy"]);
    let health = poll().args(["--bake", "9m"]).json().exits(0).result()["targets"][0]["health"].clone();
    assert!((9 * 60_000..11 * 60_000).contains(&health["baked_ms"].as_u64().unwrap()), "{health}");
    poll().args(["--bake", "1h"]).run().exits(10).says("waiting for health: healthy for 10m ").says("of 1h");
    poll().run().exits(0);
    poll().run().exits(1).says("1 of 3 replicas are ready");
    // By another clock, an observation of this moment may have been before the deploy's end.
    let unknown = "waiting for health: not known yet";
    Gate::status(&ended("30s", "{}")).args(["--require-healthy"]).run().exits(10).says(unknown);
    Gate::status(&ended("30s", "{ ahead = \"2m\" }")).args(["--require-healthy"]).run().exits(10).says(unknown);
}

#[test]
fn an_observation_from_after_the_deploy_does_not_count_for_ever() {
    let old = ended("3h", r#"{ health = "healthy", stale = true }"#);
    let words = "nothing of the component was observed since 20";
    for bake in ["0s", "1s", "1h"] {
        let gate =
            || Gate::at(&old.url(), "status").args(["--install", INSTALL, "--component", API, "--require-healthy"]);
        gate().args(["--bake", bake]).run().exits(7).says(words);
    }
    Gate::wait(&old).args(["--require-healthy", "--timeout", "3s"]).run().exits(124).says(words);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let refused = [
        (&["--bake", "5m"][..], "nothing requires it to be"),
        (&["--require-healthy", "--on-approval", "pass"], "before anything is deployed"),
        (&["--require-healthy", "--bake", "60m"], "no component can be healthy for 1h within 1h"),
        (&["--require-healthy", "--bake", "-5m"], "--bake"),
        (&["--require-healthy", "--bake", "soon"], "--bake"),
    ];
    for (flags, words) in refused {
        Gate::bare("wait").args(flags).run().refused().says(words);
    }
    let explained = |flags: &[&str]| Gate::bare("explain").args(flags).run().exits(0).stdout.clone();
    assert!(explained(&[]).contains("--require-healthy off"));
    let text = explained(&["--require-healthy", "--bake", "10m"]);
    assert!(text.contains("an apply passes once its component is healthy, and stays so for 10m"), "{text}");
    assert!(explained(&["--require-healthy", "--bake", "0"]).contains("once its component is healthy;"));
}
