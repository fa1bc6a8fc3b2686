//! What a newcomer tries first: `demo` and `sim`.

use serde_json::json;

use crate::support::{API, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, one_deploy};

#[test]
fn the_demo_passes_whatever_is_set() {
    let hostile = [
        ("NUON_GATE_OUTPUT", "garbage"),
        ("NUON_GATE_TIMEOUT", "1ms"),
        ("NUON_GATE_REPORT", "json=/nonexistent/x.json"),
        ("NUON_GATE_FAIL", "true"),
        ("NUON_GATE_UNKNOWN", "x"),
        ("NUON_GATE_QUIET", "maybe"),
        ("NUON_API_URL", "http://user:pass@elsewhere.example"),
        ("NUON_API_TOKEN", "a\nb"),
        ("NUON_ORG_ID", ".."),
        ("NUON_INSTALL_ID", "../.."),
        ("NUON_CONFIG_FILE", "/nonexistent"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "nonsense"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
    ];
    let gate = hostile.iter().fold(Gate::bare("demo"), |gate, (name, value)| gate.env(name, value));
    #[cfg(unix)]
    let gate = gate.env("NUON_GATE_BUILD", <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff"));
    gate.home().write(".nuon", "][");
    let outcome = gate.run().exits(0);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("3 of 3 targets"), "{}", outcome.stdout);
    assert_eq!(outcome.home, [".nuon"]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    outcome.says("no good answer (HTTP 502)").says("syncing");
}

#[test]
fn the_demo_shows_a_failure_with_its_reason() {
    let outcome = Gate::bare("demo").args(["--fail", "--output", "json"]).run().exits(1);
    let result = outcome.result();
    assert_eq!((&result["verdict"], &result["api"]["errors"]), (&json!("failed"), &json!(0)));
    assert!(outcome.reason().contains("the quota of 100 GiB is exceeded"), "{}", outcome.reason());
    assert_eq!(result["targets"][0]["last_good"]["deploy_id"], "dplmonday00000000000000000");
    outcome.says("log       Error: modifying RDS DB instance").says("last good dplmonday");
}

#[test]
fn the_simulator_serves_a_script() {
    let folder = Folder::new();
    let script = folder.write("script.toml", one_deploy(PASSING));
    let mut sim = Gate::bare("sim").args(["--script"]).args([script]).start();
    let url = sim.first_line();
    Gate::at(&url, "wait").args(["--install", INSTALL, "--component", API]).run().exits(0);
    // Its output can be pasted into another terminal.
    sim.wait_for(&format!("NUON_API_URL={url} NUON_API_TOKEN={TOKEN} NUON_ORG_ID={ORG}"));
    sim.wait_for(&format!("NUON_INSTALL_ID={INSTALL} NUON_COMPONENT_ID={API}"));
}

#[test]
fn the_simulator_serves_the_demo_if_nothing_else_is_said() {
    let mut sim = Gate::bare("sim").env("NUON_GATE_LISTEN", "127.0.0.1:0").start();
    let url = sim.first_line();
    let gate = Gate::at(&url, "status")
        .env("NUON_API_TOKEN", "simulated-token")
        .env("NUON_ORG_ID", "orgsimulated00000000000000");
    let worker = "inlacmeproduction000000000/cmpworker00000000000000000";
    gate.args(["--target", worker]).run().exits(10);
}
