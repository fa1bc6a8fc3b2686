//! Files that block: a pipe that nobody writes to, in the place of every input file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal::{SIGINT, SIGTERM};
use nuon_gate_sim::Sim;

use crate::support::{Folder, Gate, PASSING, in_parallel, serve_deploy};

/// What can name a file: flags, and one variable without a flag.
const NAMES: [&str; 7] = [
    "--token-file",
    "--config",
    "--ca-file",
    "--targets-file",
    "--after",
    "--trigger-response",
    "NUON_OIDC_TOKEN_FILE",
];

/// A wait with this input file.
fn wait<'sim>(sim: &'sim Sim, name: &str, file: &Path) -> Gate<'sim> {
    match name.starts_with("--") {
        true => Gate::wait(sim).args([name]).args([file]),
        false => Gate::wait(sim).without("NUON_API_TOKEN").env(name, file),
    }
}

/// A pipe that nobody writes to.
fn pipe(folder: &Folder) -> PathBuf {
    let pipe = folder.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

/// Waits until a process reads from a pipe. Returns the other end, into which nothing is written.
fn until_read(pipe: &Path) -> File {
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    for _ in 0..20_000 {
        match OpenOptions::new().write(true).custom_flags(nonblocking).open(pipe) {
            Ok(writer) => return writer,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("nobody reads from {}", pipe.display());
}

#[test]
fn a_timeout_ends_every_read_with_a_result_that_names_it() {
    let sim = serve_deploy(PASSING);
    let clocks = [("--timeout", "the total limit of 200ms"), ("--start-timeout", "the start limit of 200ms")];
    let cases: Vec<_> = NAMES.iter().flat_map(|name| clocks.map(|clock| (*name, clock))).collect();
    in_parallel(&cases, |(name, (clock, words))| {
        let folder = Folder::new();
        let gate = wait(&sim, name, &pipe(&folder)).args([clock, "200ms", "--output", "json"]);
        let outcome = gate.run().exits(124);
        let reason = outcome.reason();
        assert_eq!(outcome.result()["verdict"], "timed_out");
        assert!(reason.contains(words) && reason.contains("pipe was awaited"), "{name}: {reason}");
        assert!(outcome.result()["hint"].as_str().unwrap().contains(clock), "{:#}", outcome.result());
    });
    let (reader, _writer) = std::io::pipe().unwrap();
    let gate = Gate::at(&sim.url(), "wait").args(["--targets-file", "-", "--timeout", "200ms", "--output", "json"]);
    assert!(gate.with_stdin(reader).run().exits(124).reason().contains("stdin was awaited"));
}

#[test]
fn a_signal_ends_every_read_with_a_result() {
    let sim = serve_deploy(PASSING);
    in_parallel(&NAMES, |name| {
        let folder = Folder::new();
        let pipe = pipe(&folder);
        let mut running = wait(&sim, name, &pipe).args(["--output", "json"]).start();
        let _writer = until_read(&pipe);
        running.send(SIGTERM);
        let outcome = running.end().exits(143);
        assert_eq!(outcome.result()["verdict"], "interrupted", "{name}");
        assert!(outcome.reason().contains("pipe was awaited"), "{name}: {}", outcome.reason());
    });
}

#[test]
fn commands_that_wait_for_nothing_can_be_interrupted_as_well() {
    let commands: [(&str, &[&str]); 4] = [
        ("mark", &["--targets-file"]),
        ("doctor", &["--token-file"]),
        ("notify", &["render", "--result"]),
        ("sim", &["--script"]),
    ];
    in_parallel(&commands, |(command, words)| {
        let folder = Folder::new();
        let pipe = pipe(&folder);
        let gate = Gate::at("http://127.0.0.1:9", command).args(*words).args([&pipe]);
        let gate = gate.env("NUON_GATE_SLACK_WEBHOOK_URL", "https://hooks.slack.example/services/T0/B0/s3cr3ts3cr3t");
        let mut running = gate.start();
        let _writer = until_read(&pipe);
        running.send(SIGINT);
        running.end().exits(130).says("interrupted by SIGINT").says("pipe was awaited");
    });
}
