//! What is written to stdout, stderr and files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{API, ENDLESS, Folder, Gate, INSTALL, PASSING, WORKER, access, component, serve, serve_deploy};

const FAILING: &str =
    r#"{ status = "executing" }, { status = "error", error = "quota exceeded", hint = "ask for more" }"#;

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn text_is_one_line_on_stdout() {
    let outcome = Gate::wait(&serve_deploy(PASSING)).run().exits(0);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    assert!(outcome.stdout.starts_with("passed") && outcome.stdout.contains("active"), "{}", outcome.stdout);
    let outcome = Gate::wait(&serve_deploy(FAILING)).run().exits(1);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    assert!(outcome.stdout.starts_with("failed: ") && outcome.stdout.contains("quota exceeded"), "{}", outcome.stdout);
    let outcome = Gate::wait(&serve_deploy(ENDLESS)).args(["--timeout", "50ms"]).run().exits(124);
    assert!(outcome.stdout.starts_with("timed out: "), "{}", outcome.stdout);
    let several = access() + &component(API, PASSING) + &component(WORKER, PASSING);
    let outcome = Gate::wait(&serve(&several)).args(["--component", WORKER]).run().exits(0);
    assert!(outcome.stdout.ends_with("2 of 2 targets\n"), "{}", outcome.stdout);
}

#[test]
fn people_get_a_line_for_every_change() {
    let outcome = Gate::wait(&serve_deploy(FAILING)).run().exits(1);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(
        lines[0].contains("found deploy dpl1api0000000000000000000") && lines[0].contains("executing"),
        "{lines:?}"
    );
    assert!(lines[1].contains("executing → error after "), "{lines:?}");
    assert!(lines[2].contains("❌ failed: quota exceeded"), "{lines:?}");
    for words in [
        "  deploy    dpl1api",
        "commit 4be1c7d",
        "by pipeline@vendor.example",
        "  time      ",
        "  hint      ask for more",
    ] {
        assert!(outcome.stderr.contains(words), "no `{words}`:\n{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("  see       https://app.nuon.example/orgvendor"), "{}", outcome.stderr);
}

/// This many components that fail, the last of them at once, each with a log.
fn failing(count: usize) -> (String, String) {
    let mut script = access();
    let ids: Vec<String> = (0..count).map(|number| format!("cmp{number:023}")).collect();
    let logs = (0..30).map(|line| format!("{{ severity = \"error\", text = \"line {line} {}\" }}", "x".repeat(400)));
    let logs = format!("[[component.deploy]]\nlogs = [{}]\n", logs.collect::<Vec<_>>().join(", "));
    for id in &ids {
        script.push_str(&component(id, FAILING).replace("[[component.deploy]]\n", &logs));
    }
    (script, ids.join("\n"))
}

#[test]
fn of_very_many_failures_the_worst_ten_are_reported_in_full() {
    for (count, in_full, short) in [(50, 50, 0), (51, 10, 41)] {
        let (script, ids) = failing(count);
        let sim = serve(&script);
        let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", &ids]).args(["-q"]);
        let outcome = gate.run().exits(1);
        let lines = |start: &str| outcome.stderr.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((lines("  deploy    "), lines("  log       ")), (in_full, in_full * 25));
        let short_lines: Vec<&str> =
            outcome.stderr.lines().filter(|line| line.starts_with("target ") && !line.ends_with(':')).collect();
        assert_eq!(short_lines.len(), short);
        assert!(short_lines.iter().all(|line| line.ends_with(": failed: quota exceeded")), "{short_lines:?}");
    }
}

#[test]
fn quiet_keeps_what_matters_and_verbose_adds_requests() {
    let outcome = Gate::wait(&serve_deploy(PASSING)).args(["-q"]).run().exits(0);
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.lines().count()), ("", 1));
    let outcome = Gate::wait(&serve_deploy(FAILING)).args(["--quiet"]).run().exits(1).says("quota exceeded");
    assert!(!outcome.stderr.contains("found deploy"), "{}", outcome.stderr);
    let plain = Gate::wait(&serve_deploy(PASSING)).run().exits(0);
    assert!(!plain.stderr.contains("GET"), "{}", plain.stderr);
    for flag in ["-v", "-vv", "-vvvvv"] {
        let outcome =
            Gate::wait(&serve_deploy(PASSING)).args([flag]).env("RUST_LOG", "trace").run().exits(0).says("GET");
        for others in ["hyper", "reqwest", "rustls", "mio", "authorization"] {
            assert!(!outcome.stderr.to_lowercase().contains(others), "{flag} {others}:\n{}", outcome.stderr);
        }
    }
    // No variable turns on the logs of other crates.
    let traced = Gate::wait(&serve_deploy(PASSING)).env("RUST_LOG", "trace").run().exits(0);
    assert!(!traced.stderr.contains("GET"), "{}", traced.stderr);
}

#[test]
fn colour_is_for_terminals_or_when_forced() {
    let coloured = |variables: &[(&str, &str)]| {
        let sim = serve_deploy(FAILING);
        let gate = variables.iter().fold(Gate::wait(&sim), |gate, (name, value)| gate.env(name, value));
        let outcome = gate.args(["--timeout", "10s"]).run().exits(1);
        assert!(!outcome.stdout.contains('\u{1b}'), "stdout is data: {}", outcome.stdout);
        outcome.stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(!coloured(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
    let usage = Gate::bare("wait").args(["--nonsense"]).run().refused();
    assert!(!usage.stderr.contains('\u{1b}'), "{}", usage.stderr);
}

#[test]
fn a_report_is_what_stdout_gets() {
    let folder = Folder::new();
    for (statuses, code) in [(PASSING, 0), (FAILING, 1)] {
        let path = folder.file("result.json");
        let sim = serve_deploy(statuses);
        let outcome = Gate::wait(&sim).args(["--report", &format!("json={}", path.display())]).json().exits(code);
        assert_eq!(read(&path), outcome.result());
        assert_eq!(folder.names(), ["result.json"], "nothing temporary stays");
    }
    let sim = serve_deploy(PASSING);
    assert_eq!(Gate::wait(&sim).args(["--report", "json=here.json"]).run().exits(0).home, ["here.json"]);
}

#[test]
fn a_report_has_the_form_that_is_asked_for() {
    let folder = Folder::new();
    let sim = serve_deploy(FAILING);
    let reports = ["json=result.json", "junit=result.xml", "markdown=result.md"];
    let reports = reports.map(|report| report.replace("result", &folder.file("result").display().to_string()));
    Gate::wait(&sim).env("NUON_GATE_REPORT", reports.join("\n")).run().exits(1);
    assert_eq!(folder.names(), ["result.json", "result.md", "result.xml"]);
    let page = fs::read_to_string(folder.file("result.md")).unwrap();
    for part in ["## ❌ nuon-gate: failed after ", "**Reason:** ", "quota exceeded", "| ❌ failed |"] {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
    let cases = fs::read_to_string(folder.file("result.xml")).unwrap();
    assert!(cases.contains("failures=\"1\"") && cases.contains("quota exceeded"), "{cases}");
    // They are checked before the wait.
    let twice = ["--report", "json=here", "--report", "junit=here"];
    Gate::wait(&sim).args(twice).run().refused().says("here cannot be two reports at once");
    let twice = ["--report", "json=here", "--report", "junit=./here"];
    Gate::wait(&sim).args(twice).run().refused().says("./here cannot be two reports at once");
    Gate::wait(&sim).args(["--report", "yaml=here"]).run().refused().says("junit=PATH");
    Gate::wait(&sim).args(["--report", "junit=missing/result.xml"]).run().refused().says("cannot write the report");
}

#[test]
fn what_another_run_left_behind_is_no_obstacle() {
    let folder = Folder::new();
    let report = format!("json={}", folder.file("result.json").display());
    let sim = serve_deploy(PASSING);
    // The same file twice: the second one finds the first one's temporary name taken.
    Gate::wait(&sim).args(["--report", &report, "--report", &report]).run().exits(0);
    assert_eq!(folder.names(), ["result.json"]);
}

#[test]
fn a_report_is_written_whatever_the_verdict_and_not_at_all_without_one() {
    let folder = Folder::new();
    let report = format!("json={}", folder.file("result.json").display());
    let sim = serve_deploy(ENDLESS);
    Gate::wait(&sim).args(["--report", &report, "--timeout", "50ms"]).run().exits(124);
    assert_eq!(read(&folder.file("result.json"))["verdict"], "timed_out");
    Gate::wait(&sim).args(["--report", &report]).env("NUON_API_TOKEN", "another").run().exits(3);
    assert_eq!(read(&folder.file("result.json"))["verdict"], "rejected");
    // An existing file stays unchanged if nothing was waited for.
    Gate::wait(&sim).args(["--report", &report, "--require", "2"]).run().exits(2);
    assert_eq!(read(&folder.file("result.json"))["verdict"], "rejected");
    assert_eq!(folder.names(), ["result.json"]);
}

#[cfg(unix)]
#[test]
fn a_report_that_cannot_be_written_in_the_end_is_a_warning() {
    let folder = Folder::new();
    fs::create_dir(folder.file("later")).unwrap();
    let report = format!("json={}", folder.file("later/result.json").display());
    let sim = serve_deploy(ENDLESS);
    let mut running = Gate::wait(&sim).args(["--report", &report]).start();
    running.wait_for("queued → executing");
    fs::remove_dir_all(folder.file("later")).unwrap();
    running.send(nix::sys::signal::SIGTERM);
    running.end().exits(143).says("warning: the report");
    // A device is written to directly.
    let outcome = Gate::wait(&serve_deploy(PASSING)).args(["--report", "json=/dev/stderr", "-q"]).run().exits(0);
    assert_eq!(serde_json::from_str::<Value>(&outcome.stderr).unwrap()["verdict"], "passed");
}

#[test]
fn a_closed_stdout_changes_no_code() {
    for format in ["text", "json", "ndjson"] {
        for (statuses, code) in [(PASSING, 0), (FAILING, 1)] {
            let sim = serve_deploy(statuses);
            let outcome = Gate::wait(&sim).args(["--output", format]).with_closed_stdout().run().exits(code);
            assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        }
    }
    Gate::bare("explain").with_closed_stdout().run().exits(0);
    Gate::bare("wait").args(["--help"]).with_closed_stdout().run().exits(0);
    Gate::bare("--version").with_closed_stdout().run().exits(0);
}

#[test]
fn links_lead_to_the_dashboard() {
    let target = Gate::wait(&serve_deploy(PASSING)).json().exits(0).target();
    let url = target["url"].as_str().unwrap();
    assert!(url.starts_with("https://app.nuon.example/orgvendor"), "{url}");
    assert!(url.ends_with("/deploys/dpl1api0000000000000000000"), "{url}");
    for dashboard in ["javascript:alert(1)", "https://alice:secret@app.example", "", "nonsense"] {
        let script = format!("dashboard = \"{dashboard}\"\n{}", access()) + &component(API, PASSING);
        assert_eq!(Gate::wait(&serve(&script)).json().exits(0).target()["url"], json!(null), "{dashboard}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let outcome = Gate::bare("--version").run().exits(0);
    assert_eq!(outcome.stdout, format!("nuon-gate {}\n", env!("CARGO_PKG_VERSION")));
}
