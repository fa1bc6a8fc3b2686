//! Signals: the first ends the wait with a whole report, the second ends everything.

use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGTERM};
use nuon_gate_sim::Sim;
use serde_json::json;

use crate::support::{ENDLESS, Gate, one_deploy, serve, serve_deploy};

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

/// Tells whether these tests were started with `nohup`, which the program then goes by as well.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 != 0)
}

#[cfg(target_os = "linux")]
#[test]
fn who_was_started_with_nohup_lives_on() {
    let sim = serve_deploy(ENDLESS);
    let mut running = Gate::wait(&sim).args(["--output", "json"]).with_nohup().start();
    running.wait_for("queued → executing").send(SIGHUP);
    let asked = sim.requests().len();
    until_asked(&sim, asked + 3);
    running.send(SIGTERM);
    running.end().exits(143);
}

/// Kills a program once it has written a line, and tells whether it left its memory behind in a file. Whatever the
/// machine is set to, it may do so.
#[cfg(target_os = "linux")]
fn dumps_its_memory(arguments: &[&str]) -> bool {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    let folder = crate::support::Folder::new();
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
    // So that it is known whether this means anything.
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
fn a_second_signal_leaves_at_once_with_the_first_ones_code() {
    let hanging = one_deploy(ENDLESS)
        + "[[fault]]\non = \"deploy\"\nanswer = \"hang\"\n[[fault]]\non = \"cli-config\"\nanswer = \"hang\"\n";
    let sim = serve(&hanging);
    let report = crate::support::Folder::new();
    let path = format!("json={}", report.file("result.json").display());
    let mut running = Gate::wait(&sim).args(["--output", "json", "--report", &path]).start();
    until_asked(&sim, 2);
    running.send(SIGINT);
    // The last look is under way.
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

/// Waits until the simulator has been asked so often.
fn until_asked(sim: &Sim, times: usize) {
    for _ in 0..20_000 {
        if sim.requests().len() >= times {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the simulator was asked only {} times", sim.requests().len());
}
