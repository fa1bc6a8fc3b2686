//! Signals: the first ends the wait with a complete report, the second ends the program at once.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGTERM};
use nuon_gate_sim::Sim;
use serde_json::{Value, json};

use crate::support::{API, ENDLESS, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, one_deploy, serve, serve_deploy};

#[test]
fn a_signal_ends_the_wait_with_a_whole_report() {
    for (signal, code) in [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] {
        if signal == SIGHUP && hangups_are_ignored() {
            continue;
        }
        let sim = serve_deploy(ENDLESS);
        let mut running = Gate::wait(&sim).args(["--output", "json"]).start();
        running.wait_for("queued → executing").send(signal);
        let outcome = running.end().exits(code);
        let result = outcome.result();
        assert_eq!((&result["verdict"], &result["exit_code"]), (&json!("interrupted"), &json!(code)));
        assert!(outcome.reason().contains(signal.as_str()), "{}", outcome.reason());
        let target = outcome.target();
        assert_eq!((&target["verdict"], &target["deploy"]["status"]), (&json!("pending"), &json!("executing")));
    }
}

/// Returns whether these tests were started with `nohup`, which the program inherits.
pub(crate) fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 != 0)
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_started_with_nohup_survives_a_hangup() {
    let sim = serve_deploy(ENDLESS);
    let mut running = Gate::wait(&sim).args(["--output", "json"]).with_nohup().start();
    running.wait_for("queued → executing").send(SIGHUP);
    let asked = sim.requests().len();
    until_asked(&sim, asked + 3);
    running.send(SIGTERM);
    running.end().exits(143);
}

/// Kills a program once it has written a line. Returns whether it left a core dump, which the machine's settings must
/// allow.
#[cfg(target_os = "linux")]
fn dumps_its_memory(arguments: &[&str]) -> bool {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    let folder = Folder::new();
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -c unlimited; exec "$0" "$@""#]).args(arguments).current_dir(folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGQUIT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(3), "it ended by itself, after {line:?}");
    for name in folder.names() {
        std::fs::remove_file(folder.file(&name)).unwrap();
    }
    status.core_dumped()
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_killed_leaves_no_memory_behind() {
    assert!(!dumps_its_memory(&[env!("CARGO_BIN_EXE_nuon-gate"), "sim"]));
    // Checks that core dumps work here, as the test means nothing otherwise.
    if !dumps_its_memory(&["sh", "-c", "echo ready; read -r line"]) {
        eprintln!("nothing leaves its memory behind on this machine");
    }
}

#[test]
fn a_signal_ends_a_wait_whose_api_hangs() {
    let sim = serve(&(one_deploy(ENDLESS) + "[[fault]]\nanswer = \"hang\"\n"));
    let mut running = Gate::wait(&sim).args(["--output", "ndjson"]).start();
    running.wait_for("\"started\"").send(SIGTERM);
    let outcome = running.end().exits(143);
    let elapsed = outcome.result()["elapsed_ms"].as_u64().unwrap();
    assert!(elapsed < 5000, "it took {elapsed} ms, and a runner kills what is not gone after a few seconds");
}

#[test]
fn a_command_that_asks_once_says_that_it_had_not_finished() {
    for command in ["mark", "doctor"] {
        let sim = serve(&(one_deploy(ENDLESS) + "[[fault]]\nanswer = \"hang\"\n"));
        let gate = Gate::at(&sim.url(), command).args(["--install", INSTALL, "--component", API]);
        let mut running = gate.start();
        until_asked(&sim, 1);
        running.send(SIGTERM);
        let outcome = running.end().exits(143).says("interrupted by SIGTERM; it had not finished");
        assert!(!outcome.stderr.contains("awaited"), "{command}: {}", outcome.stderr);
    }
}

#[test]
fn a_second_signal_leaves_at_once_with_the_first_ones_code() {
    let hanging = one_deploy(ENDLESS)
        + "[[fault]]\non = \"deploy\"\nanswer = \"hang\"\n[[fault]]\non = \"cli-config\"\nanswer = \"hang\"\n";
    let sim = serve(&hanging);
    let report = Folder::new();
    let path = format!("json={}", report.file("result.json").display());
    let mut running = Gate::wait(&sim).args(["--output", "json", "--report", &path]).start();
    until_asked(&sim, 2);
    running.send(SIGINT);
    // The last poll is under way.
    until_asked(&sim, 3);
    running.send(SIGTERM);
    let outcome = running.end().exits(130);
    assert_eq!((outcome.stdout.as_str(), report.names()), ("", vec![]), "there was no time for a result");
}

#[test]
fn a_signals_code_can_be_mapped() {
    let sim = serve_deploy(ENDLESS);
    let mut running = Gate::wait(&sim).args(["--map-exit", "interrupted=0"]).start();
    running.wait_for("queued → executing").send(SIGINT);
    running.end().exits(0);
}

#[test]
fn the_simulator_stops_on_a_signal() {
    for signal in [SIGTERM, SIGINT] {
        let mut running = Gate::bare("sim").start();
        assert!(running.first_line().starts_with("http://127.0.0.1:"));
        running.wait_for("nuon-gate wait").send(signal);
        running.end().exits(0);
    }
}

/// Waits until the simulator has had this many requests.
fn until_asked(sim: &Sim, times: usize) {
    for _ in 0..20_000 {
        if sim.requests().len() >= times {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the simulator was asked only {} times", sim.requests().len());
}

#[test]
fn a_gate_whose_parent_is_gone_ends_as_by_a_signal() {
    let sim = serve_deploy(ENDLESS);
    let folder = Folder::new();
    let report = folder.file("result.json");
    let program = env!("CARGO_BIN_EXE_nuon-gate");
    // A CI runner that cancels a job signals only the shell that it started.
    let script =
        format!("'{program}' wait -i {INSTALL} -c {API} --timeout 30s --report json='{}' & wait", report.display());
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("NUON_API_URL", sim.url())
        .envs([("NUON_API_TOKEN", TOKEN), ("NUON_ORG_ID", ORG), ("NUON_GATE_MIN_INTERVAL", "2ms")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until_asked(&sim, 3);
    shell.kill().unwrap();
    shell.wait().unwrap();
    // A process of another parent cannot be waited for.
    for _ in 0..20_000 {
        if report.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let result: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((&result["verdict"], &result["exit_code"]), (&"interrupted".into(), &143.into()));
}

#[test]
fn a_limit_on_the_size_of_files_loses_neither_the_code_nor_half_an_output() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let [outputs, report] = ["outputs", "result.json"].map(|name| folder.file(name));
    std::fs::write(&outputs, "before=1\n").unwrap();
    let program = env!("CARGO_BIN_EXE_nuon-gate");
    let script =
        format!("ulimit -f 1; exec '{program}' wait -i {INSTALL} -c {API} --report json='{}'", report.display());
    let ended = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("NUON_API_URL", sim.url())
        .envs([("NUON_API_TOKEN", TOKEN), ("NUON_ORG_ID", ORG), ("NUON_GATE_MIN_INTERVAL", "2ms")])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &outputs)
        .output()
        .unwrap();
    let shown = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{shown}");
    assert!(shown.contains("the outputs (GITHUB_OUTPUT) could not be written"), "{shown}");
    assert_eq!(std::fs::read_to_string(&outputs).unwrap(), "before=1\n");
    assert!(!report.exists(), "half a report is none");
}
