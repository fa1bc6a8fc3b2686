//! The command after `--`: signals reach it and its children, and nothing of it is left running.

use nix::errno::Errno;
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM};
use nix::unistd::Pid;

use crate::support::{Folder, Gate, PASSING, serve_deploy};

/// Runs a script as the command, sends signals once it has printed `ready ID`, and returns the output. Checks that the
/// process with that id is gone.
fn ended(script: &str, signals: &[Signal], flags: &[&str], code: i32) -> String {
    let sim = serve_deploy(PASSING);
    let gate = Gate::wait(&sim).args(["--output", "json"]).args(flags).args(["--", "sh", "-c", script]);
    let mut running = gate.start();
    running.wait_for(" is ready");
    for signal in signals {
        running.send(*signal);
    }
    let outcome = running.end().exits(code);
    let id = outcome.stderr.lines().find_map(|line| line.strip_suffix(" is ready")).unwrap();
    let id = Pid::from_raw(id.parse().unwrap());
    // A killed process is gone once the system has removed it.
    for _ in 0..20_000 {
        if nix::sys::signal::kill(id, None) == Err(Errno::ESRCH) {
            return outcome.stderr + &outcome.stdout;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("process {id} is still there, after {script}");
}

#[test]
fn a_signal_is_passed_on_to_all_of_the_command() {
    for (signal, code) in [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] {
        if signal == SIGHUP && crate::signals::hangups_are_ignored() {
            continue;
        }
        let name = signal.as_str().trim_start_matches("SIG");
        let script = format!("trap 'echo received {name}; exit 7' {name}; sleep 60 & echo $! is ready; wait");
        let shown = ended(&script, &[signal], &[], code);
        assert!(shown.contains(&format!("received {name}")), "{shown}");
        assert!(shown.contains("may have triggered a deploy"), "{shown}");
    }
}

#[test]
fn what_does_not_end_is_killed_with_all_that_it_has_started() {
    // The command itself ends at once, but its child does not.
    ended("sh -c 'trap \"\" TERM; echo $$ is ready; sleep 60 & wait' & wait", &[SIGTERM], &[], 143);
    // Neither ends.
    ended(
        "trap '' TERM; (trap '' TERM; sleep 60) & echo $! is ready; while :; do wait; sleep 1; done",
        &[SIGTERM],
        &[],
        143,
    );
}

#[test]
fn a_second_signal_says_what_happened_and_kills_the_command() {
    let stubborn = "trap '' INT TERM; (trap '' INT TERM; sleep 60) & echo $! is ready; while :; do sleep 1; done";
    let shown = ended(stubborn, &[SIGINT, SIGTERM], &["--map-exit", "interrupted=0"], 0);
    assert!(shown.contains("interrupted by SIGINT, and ended at once by a second signal"), "{shown}");
    assert!(shown.contains("the exit code is 0 instead of 130, because of --map-exit"), "{shown}");
}

#[test]
fn what_a_command_leaves_in_the_background_goes_on() {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let (gate, started) = (Gate::wait(&sim), folder.file("started"));
    let script = format!("(sleep 60 >/dev/null 2>&1 & echo $! >'{}')", started.display());
    // Deploys that existed before the command are not its own.
    gate.args(["--start-timeout", "100ms", "--", "sh", "-c", &script]).run().exits(124);
    let id = Pid::from_raw(std::fs::read_to_string(started).unwrap().trim().parse().unwrap());
    nix::sys::signal::kill(id, SIGTERM).unwrap();
}
