//! Slow or missing readers of the program's output never stop it.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use nix::sys::signal::Signal::SIGTERM;

use crate::support::{API, Folder, Gate, INSTALL, serve_deploy};

const ACTIVE: &str = r#"{ status = "active" }"#;

/// More than a pipe holds.
const LONG: usize = 40_000;

/// A deploy that never ends and prints many lines.
fn talkative() -> String {
    let stays = (0..1500).map(|at| format!(r#"{{ status = "{}" }}"#, if at % 2 == 0 { "queued" } else { "executing" }));
    stays.collect::<Vec<_>>().join(", ")
}

#[test]
fn an_unread_stdout_delays_no_timeout() {
    let sim = serve_deploy(&talkative());
    let (reader, writer) = std::io::pipe().unwrap();
    let gate = Gate::wait(&sim).args([
        "--output",
        "ndjson",
        "--timeout",
        "4s",
        "--max-interval",
        "2ms",
        "--max-rps",
        "1000",
        "-q",
    ]);
    let running = gate.with_stdout(writer).start();
    running.end().exits(124);
    // It is more than the pipe holds, so the program did write without a reader.
    let mut shown = String::new();
    let _ = { reader }.take(LONG as u64).read_to_string(&mut shown);
    assert_eq!(shown.len(), LONG);
}

#[test]
fn an_unread_stdout_delays_no_signal() {
    let sim = serve_deploy(&talkative());
    let (reader, writer) = std::io::pipe().unwrap();
    let gate = Gate::wait(&sim).args(["--output", "ndjson", "--max-interval", "2ms", "--max-rps", "1000"]);
    let mut running = gate.with_stdout(writer).start();
    // By then, far more was written than the pipe holds.
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
    let file = folder.file("result.json");
    let reports = [format!("json={}", file.display()), format!("junit={}", pipe.display())];
    let gate = Gate::wait(&sim).args(["--report", &reports[0], "--report", &reports[1], "--output", "json"]);
    let mut running = gate.start();
    // By then it waits for a reader of the pipe.
    while !file.exists() {
        std::thread::yield_now();
    }
    running.send(SIGTERM);
    // All other readers get everything.
    let outcome = running.end().exits(143);
    let written: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(written, outcome.result());
    assert_eq!(written["targets"][0]["verdict"], "passed");
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
    // The link's target need not exist yet.
    fs::remove_file(&real).unwrap();
    Gate::wait(&sim).args(["--report", &report]).run().exits(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && real.is_file());
}

#[test]
fn a_device_is_written_to_as_it_is() {
    let sim = serve_deploy(ACTIVE);
    let outcome = Gate::wait(&sim).args(["--report", "json=/dev/stderr"]).run().exits(0);
    assert!(outcome.stderr.contains("\"verdict\": \"passed\""), "{}", outcome.stderr);
}

#[test]
fn a_link_of_another_user_is_not_followed() {
    let folder = Folder::new();
    let (real, link, chain) =
        (folder.write("real.json", "before"), folder.file("link.json"), folder.file("chain.json"));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    std::os::unix::fs::symlink("link.json", &chain).unwrap();
    // Only a user who may give files away can set this up.
    if std::os::unix::fs::lchown(&link, Some(65_533), None).is_err() {
        return;
    }
    let sim = serve_deploy(ACTIVE);
    for path in [&link, &chain] {
        let refused = Gate::wait(&sim).args(["--report", &format!("json={}", path.display())]).run().refused();
        refused.says("it is a link that another user has made");
    }
    assert_eq!((fs::read_to_string(&real).unwrap(), sim.requests().len()), ("before".to_owned(), 0));
    assert_eq!(folder.names(), ["chain.json", "link.json", "real.json"]);
}

#[test]
fn who_may_not_read_the_old_report_may_not_read_the_new_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let sim = serve_deploy(ACTIVE);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for before in [0o600, 0o644] {
        let path = folder.write("result.json", "before");
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        Gate::wait(&sim).args(["--report", &format!("json={}", path.display())]).run().exits(0);
        assert_eq!(mode(&path), before);
        assert!(fs::read_to_string(&path).unwrap().contains("\"passed\""));
    }
}

/// As a container's file is with `docker run -v`.
#[cfg(target_os = "linux")]
#[test]
fn a_report_onto_a_mounted_file_is_written() {
    let folder = Folder::new();
    let path = folder.write("result.json", "before, and longer than what follows".repeat(1000));
    let mounted = |then: &str| {
        let mut command = Command::new("unshare");
        let script = format!("mount --bind \"$1\" \"$1\" && {then}");
        command.args(["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_nuon-gate")]).arg(&path).output()
    };
    if !mounted("true").is_ok_and(|output| output.status.success()) {
        eprintln!("nothing can be mounted on this machine");
        return;
    }
    let output = mounted("exec \"$0\" demo -q --report \"json=$1\"").unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).unwrap()["verdict"], "passed");
    assert_eq!(folder.names(), ["result.json"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_changes_no_code() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for format in ["text", "json", "ndjson"] {
        for (statuses, code) in [(ACTIVE, 0), (r#"{ status = "error" }"#, 1)] {
            let sim = serve_deploy(statuses);
            let gate = Gate::wait(&sim).args(["--output", format, "--report", "junit=/dev/full"]).with_stdout(full());
            gate.run().exits(code).says("warning: the report /dev/full could not be written: No space left on device");
        }
    }
    // But without the marks, nothing must be triggered.
    let sim = serve_deploy(ACTIVE);
    let mark = Gate::at(&sim.url(), "mark").args(["--target", &format!("{INSTALL}/{API}")]);
    mark.with_stdout(full()).run().exits(2).says("cannot write the marks: No space left on device");
    // Not even if that cannot be reported.
    let sim = serve_deploy(r#"{ status = "error" }"#);
    assert_eq!(Gate::wait(&sim).code_with(full(), full()), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_the_ci_system_that_are_read_only_change_no_code() {
    let folder = Folder::new();
    let sim = serve_deploy(ACTIVE);
    // Not even root can write to it.
    let gate = Gate::wait(&sim).env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", folder.path());
    let gate = gate.env("GITHUB_OUTPUT", "/proc/version").env("GITHUB_STEP_SUMMARY", "/proc/version");
    let outcome = gate.run().exits(0);
    for file in ["the outputs (GITHUB_OUTPUT)", "the summary (GITHUB_STEP_SUMMARY)"] {
        assert!(
            outcome.stderr.contains(&format!("warning: {file} could not be written to /proc/version: ")),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_file_that_does_not_end_can_be_interrupted() {
    for flag in ["--after", "--trigger-response"] {
        let folder = Folder::new();
        let pipe = folder.file("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nuon-gate"));
        command.args(["wait", "--target", "inlone/cmpapi", flag]).arg(&pipe).env_clear().env("HOME", folder.path());
        command.env("NUON_API_TOKEN", "planted").env("NUON_ORG_ID", "org").env("NUON_API_URL", "http://127.0.0.1:9");
        let mut child = command.spawn().unwrap();
        // Opens as soon as the program reads it.
        let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(id, SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{flag}");
        drop(writer);
    }
}

#[test]
fn stdin_is_left_to_whoever_comes_next() {
    use std::io::Write as _;
    let sim = serve_deploy(ACTIVE);
    let target = format!("{INSTALL}/{API}");
    for command in ["wait", "status", "mark", "explain"] {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"the next step's").unwrap();
        drop(writer);
        let gate = Gate::at(&sim.url(), command).with_stdin(reader.try_clone().unwrap());
        let gate = if command == "explain" { gate } else { gate.args(["--target", &target]) };
        gate.run().exits(0);
        let mut left = String::new();
        reader.read_to_string(&mut left).unwrap();
        assert_eq!(left, "the next step's", "{command}");
    }
}
