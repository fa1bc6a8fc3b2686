//! `check push`, and what is reported about a deploy whose health is verified.

use serde_json::Value;

use crate::support::{API, Gate, INSTALL, WORKER, component, in_parallel, one_deploy, serve};

fn pushing<'sim>(sim: &'sim nuon_gate_sim::Sim, flags: &[&str]) -> Gate<'sim> {
    Gate::at(&sim.url(), "check").args(["push", "smoke"]).args(flags)
}

const TARGET: [&str; 4] = ["--install", INSTALL, "--component", API];

fn pushed(sim: &nuon_gate_sim::Sim) -> Vec<(String, Value)> {
    let puts = sim.requests().into_iter().filter(|seen| seen.method == "PUT");
    puts.map(|seen| (seen.target.clone(), serde_json::from_str(&seen.body).unwrap())).collect()
}

#[test]
fn a_check_is_reported_for_each_target() {
    let worker = component(WORKER, r#"{ status = "active" }"#);
    let sim = serve(&(one_deploy(r#"{ status = "active" }"#) + &worker));
    let flags = [
        "--status",
        "degraded",
        "--message",
        "2 of 3",
        "--stale-after",
        "10m",
        "--install",
        "acme",
        "--all-components",
    ];
    let outcome = pushing(&sim, &flags).run().exits(0);
    let path = |component: &str| format!("/v1/installs/{INSTALL}/components/{component}/health/checks/smoke");
    let body = serde_json::json!({"status": "degraded", "message": "2 of 3", "stale_after": "600000ms"});
    assert_eq!(pushed(&sim), [(path(API), body.clone()), (path(WORKER), body)]);
    assert_eq!(outcome.stdout.matches("check smoke is degraded").count(), 2, "{}", outcome.stdout);
}

#[test]
fn what_is_passing_is_tried_again_and_what_is_refused_is_not() {
    let script = |fault: &str| one_deploy(r#"{ status = "active" }"#) + "[[fault]]\non = \"checks\"\n" + fault;
    let sim = serve(&script("nth = [1, 2]\nanswer = \"status\"\ncode = 503\n"));
    pushing(&sim, &[&["--status", "healthy"], TARGET.as_slice()].concat()).run().exits(0);
    assert_eq!(pushed(&sim).len(), 3);
    let unnamed = "[[fault]]\non = \"install\"\nnth = [1]\nanswer = \"status\"\ncode = 503\n";
    let sim = serve(&(one_deploy(r#"{ status = "active" }"#) + unnamed));
    pushing(&sim, &["--status", "healthy", "--install", "acme", "--all-components"]).run().exits(0);
    assert_eq!(pushed(&sim).len(), 1);
    // A deploy's status from a dotenv report is not a check's status.
    let pushing_by = |status| {
        let sim = serve(&one_deploy(r#"{ status = "active" }"#));
        pushing(&sim, &TARGET).env("NUON_GATE_STATUS", status).run()
    };
    assert!(pushing_by("unhealthy").exits(0).stdout.contains("check smoke is unhealthy"));
    pushing_by("active").refused().says("NUON_GATE_STATUS");
    let codes = [(401, 3), (403, 3), (404, 3), (400, 3)];
    in_parallel(&codes, |(code, exit)| {
        let sim = serve(&script(&format!("answer = \"status\"\ncode = {code}\n")));
        let outcome = pushing(&sim, &[&["--status", "unhealthy"], TARGET.as_slice()].concat()).run().exits(*exit);
        assert!(
            outcome.stderr.contains("could not be reported") && outcome.stderr.contains("hint: "),
            "{}",
            outcome.stderr
        );
        assert_eq!(pushed(&sim).len(), 1, "{code}");
    });
}

#[test]
fn what_cannot_be_a_check_is_refused() {
    let sim = serve(&one_deploy(r#"{ status = "active" }"#));
    for flags in [["--status", "fine"].as_slice(), &["--status", "healthy", "--stale-after", "61m"], &[]] {
        pushing(&sim, &[flags, TARGET.as_slice()].concat()).run().refused();
    }
    Gate::at(&sim.url(), "check").args(["push", "a/b", "--status", "healthy"]).args(TARGET).run().refused();
    assert!(pushed(&sim).is_empty());
}

#[test]
fn a_wait_for_health_says_what_is_missing() {
    let statuses = r#"{ status = "executing" }, { status = "active" }"#;
    let health = "[component.health]\npolls = 5\noutcomes = [\"active\"]\n[[component.deploy]]\n";
    let sim = serve(
        &one_deploy(statuses).replace("[[component.deploy]]\n", &(health.to_owned() + "workflow = \"inwone\"\n")),
    );
    let outcome = Gate::wait(&sim).run().exits(0);
    let said = "waiting for the first health report since the apply — 3m0s of the window left; Deployment";
    assert!(
        outcome.stderr.contains(said) && outcome.stderr.contains("is unknown: no report yet"),
        "{}",
        outcome.stderr
    );
}
