//! Whoever reads what the program writes, or does not: it never stops the program.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use nix::sys::signal::Signal::SIGTERM;

use crate::support::{Folder, Gate, serve_deploy};

const ACTIVE: &str = r#"{ status = "active" }"#;

/// More than a pipe holds.
const LONG: usize = 40_000;

/// A deploy that never ends and of which there is much to tell.
fn talkative() -> String {
    let stays = (0..1500).map(|at| format!(r#"{{ status = "{}" }}"#, if at % 2 == 0 { "queued" } else { "executing" }));
    stays.collect::<Vec<_>>().join(", ")
}

#[test]
fn nobody_reading_stdout_holds_up_no_clock() {
    let sim = serve_deploy(&talkative());
    let (reader, writer) = std::io::pipe().unwrap();
    let gate = Gate::wait(&sim).args(["--output", "ndjson", "--timeout", "4s", "--max-interval", "2ms", "-q"]);
    let running = gate.with_stdout(writer).start();
    running.end().exits(124);
    // It was more than the pipe holds, so the program did have to write without a reader.
    let mut told = String::new();
    let _ = { reader }.take(LONG as u64).read_to_string(&mut told);
    assert_eq!(told.len(), LONG);
}

#[test]
fn nobody_reading_stdout_holds_up_no_signal() {
    let sim = serve_deploy(&talkative());
    let (reader, writer) = std::io::pipe().unwrap();
    let gate = Gate::wait(&sim).args(["--output", "ndjson", "--max-interval", "2ms"]);
    let mut running = gate.with_stdout(writer).start();
    // By then far more has been told than the pipe holds.
    while sim.requests().len() < 1000 {
        std::thread::yield_now();
    }
    running.send(SIGTERM);
    running.end().exits(143);
    drop(reader);
}

#[test]
fn a_pipe_that_nobody_reads_is_given_up() {
    let folder = Folder::new();
    let pipe = folder.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let sim = serve_deploy(ACTIVE);
    let mut running = Gate::wait(&sim).args(["--report", &format!("json={}", pipe.display())]).start();
    running.wait_for("passed").send(SIGTERM);
    running.end().exits(143);
}

#[test]
fn a_link_stays_a_link_and_its_target_is_replaced() {
    let folder = Folder::new();
    let (real, link) = (folder.write("real.json", "before"), folder.file("link.json"));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let sim = serve_deploy(ACTIVE);
    let report = format!("json={}", link.display());
    // The same file twice is one file.
    Gate::wait(&sim).args(["--report", &report, "--report", &report]).run().exits(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("\"verdict\": \"passed\""));
    assert_eq!(folder.names(), ["link.json", "real.json"]);
}

#[test]
fn a_device_is_written_to_as_it_is() {
    let sim = serve_deploy(ACTIVE);
    let outcome = Gate::wait(&sim).args(["--report", "json=/dev/stderr"]).run().exits(0);
    assert!(outcome.stderr.contains("\"verdict\": \"passed\""), "{}", outcome.stderr);
}
