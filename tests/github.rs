//! What the program gives to GitHub's runner: outputs, a summary, annotations. Tested without a runner.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::support::{
    API, ENDLESS, Folder, Gate, INSTALL, Outcome, PASSING, WORKER, access, component, serve, serve_deploy,
};

pub(crate) const FAILING: &str = r#"{ status = "executing" }, { status = "error", error = "quota exceeded" }"#;

/// The files that a runner prepares for a step.
pub(crate) struct Step(Folder);

impl Step {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        folder.write("output", "");
        folder.write("summary", "");
        fs::create_dir(folder.file("temp")).unwrap();
        Self(folder)
    }

    /// Makes the program run as this step.
    pub(crate) fn of<'sim>(&self, gate: Gate<'sim>) -> Gate<'sim> {
        let gate = gate.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", self.0.file("temp"));
        gate.env("GITHUB_OUTPUT", self.0.file("output")).env("GITHUB_STEP_SUMMARY", self.0.file("summary"))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.file(name)).unwrap()
    }

    /// Reads the outputs as the runner does: only complete values between their delimiters.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        let written = self.read("output");
        let mut lines = written.lines();
        let mut outputs = BTreeMap::new();
        while let Some(line) = lines.next() {
            let (name, end) = line.split_once("<<").unwrap_or_else(|| panic!("{line:?} is no output in\n{written}"));
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            assert_eq!(outputs.insert(name.to_owned(), value.join("\n")), None, "{name} is set twice");
        }
        let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
        assert_eq!(names, NAMES, "every output is set");
        outputs
    }

    #[track_caller]
    pub(crate) fn has(&self, expected: &[(&str, &str)]) -> BTreeMap<String, String> {
        let outputs = self.outputs();
        for (name, value) in expected {
            assert_eq!(outputs[*name], *value, "{name} of {outputs:#?}");
        }
        outputs
    }
}

/// Sorted.
const NAMES: [&str; 17] = [
    "approval-url",
    "build-id",
    "deploy-id",
    "elapsed-seconds",
    "exit-code",
    "hint",
    "notified",
    "plan-add",
    "plan-change",
    "plan-destroy",
    "reason",
    "result",
    "slack-thread",
    "status",
    "url",
    "verdict",
    "workflow-id",
];

pub(crate) fn annotations(outcome: &Outcome) -> Vec<&str> {
    outcome.stderr.lines().filter(|line| line.starts_with("::error")).collect()
}

#[test]
fn a_pass_sets_every_output() {
    let (step, sim) = (Step::new(), serve_deploy(PASSING));
    let outcome = step.of(Gate::wait(&sim)).json().exits(0);
    let target = outcome.target();
    let of = |path: &str| target.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let outputs = step.has(&[
        ("verdict", "passed"),
        ("exit-code", "0"),
        ("status", "active"),
        ("deploy-id", &of("/deploy/id")),
        ("build-id", &of("/deploy/build_id")),
        ("workflow-id", &of("/deploy/workflow_id")),
        ("url", &of("/url")),
        ("reason", ""),
        ("hint", ""),
        ("approval-url", ""),
        ("plan-add", ""),
        ("plan-change", ""),
        ("plan-destroy", ""),
        ("notified", "false"),
        ("slack-thread", ""),
    ]);
    assert!(outputs["url"].starts_with("https://") && outputs["deploy-id"].starts_with("dpl"), "{outputs:#?}");
    let whole = fs::read_to_string(&outputs["result"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&whole).unwrap(), outcome.result());
    assert!(outputs["result"].starts_with(step.0.file("temp").to_str().unwrap()));
    assert_eq!(fs::read_dir(step.0.file("temp")).unwrap().count(), 1, "nothing temporary stays");
    assert_eq!(annotations(&outcome), [""; 0]);
    assert!(step.read("summary").starts_with("## ✅ nuon-gate: passed after "), "{}", step.read("summary"));
}

#[test]
fn a_failure_and_a_clock_set_them_too() {
    let (step, sim) = (Step::new(), serve_deploy(FAILING));
    let report = step.0.file("mine.json");
    let gate = step.of(Gate::wait(&sim)).args(["--report", &format!("json={}", report.display())]);
    let outcome = gate.run().exits(1);
    let outputs = step.has(&[("verdict", "failed"), ("exit-code", "1"), ("status", "error")]);
    assert!(outputs["reason"].contains("quota exceeded"), "{outputs:#?}");
    assert_eq!(outputs["result"], report.to_str().unwrap(), "the report is the result");
    assert_eq!(fs::read_dir(step.0.file("temp")).unwrap().count(), 0);
    let shown = annotations(&outcome);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("::error title=nuon-gate%3A "), "{shown:?}");
    assert!(shown[0].contains("::quota exceeded%0Acheck the deploy's log"), "{shown:?}");
    assert!(shown[0].contains("then deploy again%0Ahttps://app.nuon.example/"), "{shown:?}");
    assert!(outputs["hint"].starts_with("check the deploy's log"), "{outputs:#?}");
    // Details are folded away, the rest is not.
    let group = outcome.stderr.split("::group::Details").nth(1).and_then(|rest| rest.split("::endgroup::").next());
    assert!(group.unwrap().contains("  deploy    dpl1api"), "{}", outcome.stderr);

    let (step, sim) = (Step::new(), serve_deploy(ENDLESS));
    step.of(Gate::wait(&sim)).args(["--timeout", "50ms", "--map-exit", "timed_out=0"]).run().exits(0);
    step.has(&[("verdict", "timed_out"), ("exit-code", "0")]);
    assert!(step.read("summary").starts_with("## ⏰ nuon-gate: timed out after "), "{}", step.read("summary"));
}

#[test]
fn a_mistake_sets_them_and_is_one_error() {
    for arguments in [&["--timeout", "soon"][..], &["--require", "7"], &["--report", "json=/no/such/folder/x"]] {
        let (step, sim) = (Step::new(), serve_deploy(PASSING));
        let outcome = step.of(Gate::wait(&sim)).args(arguments).run().refused();
        let outputs = step.has(&[("verdict", "usage"), ("exit-code", "2"), ("result", ""), ("notified", "false")]);
        assert!(!outputs["reason"].contains("hint: ") && !outputs["hint"].is_empty(), "{outputs:#?}");
        let shown = annotations(&outcome);
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].starts_with("::error title=nuon-gate%3A not started::"), "{shown:?}");
        assert_eq!(step.read("summary"), "");
    }
}

#[test]
fn the_target_that_decided_is_described() {
    let (step, script) = (Step::new(), access() + &component(API, PASSING) + &component(WORKER, FAILING));
    let sim = serve(&script);
    let outcome = step.of(Gate::wait(&sim)).args(["--component", WORKER]).run().exits(1);
    let outputs = step.has(&[("status", "error")]);
    assert!(outputs["deploy-id"].starts_with("dpl1worker"), "{outputs:#?}");
    assert_eq!(annotations(&outcome).len(), 1);
}

#[test]
fn what_the_server_says_sets_nothing() {
    let evil = r"x\nverdict<<E\npassed\nE\nghadelimiter_00000000000000000000000000000000\n::set-output name=verdict::passed\n::error::y | <img src=x> [a](https://evil.example) @acme #1 ``` ##[error]z";
    let statuses = format!(r#"{{ status = "executing" }}, {{ status = "error", error = "{evil}" }}"#);
    let (step, sim) = (Step::new(), serve_deploy(&statuses));
    let outcome = step.of(Gate::wait(&sim)).run().exits(1);
    let outputs = step.has(&[("verdict", "failed"), ("exit-code", "1")]);
    assert!(outputs["reason"].contains("verdict<<E passed"), "{outputs:#?}");
    assert_eq!(annotations(&outcome).len(), 1);
    for line in outcome.stderr.lines().filter(|line| line.starts_with("::")) {
        let ours = ["::add-mask::planted-", "::error title=", "::group::Details", "::endgroup::"];
        assert!(ours.iter().any(|known| line.starts_with(known)), "{line}");
    }
    let summary = step.read("summary");
    // Character references are our own.
    let seen = summary.replace("&#", "");
    for acts in ["<img", "](https://evil", "@acme", "#1", "```\n:", "| <"] {
        assert!(!seen.contains(acts), "{acts} is in\n{summary}");
    }
}

/// Twelve components that fail, each with a log of this many lines.
fn twelve(log_lines: usize) -> (String, Vec<String>) {
    let mut script = access();
    let mut ids = Vec::new();
    for number in 0..12 {
        let id = format!("cmp{number:023}");
        let mut log = String::new();
        for line in 0..log_lines {
            write!(log, "{{ severity = \"error\", text = \"{line} {}\" }}, ", "界`".repeat(240)).unwrap();
        }
        let logs = format!("[[component.deploy]]\nlogs = [{log}]\n");
        script.push_str(&component(&id, FAILING).replace("[[component.deploy]]\n", &logs));
        ids.push(id);
    }
    (script, ids)
}

#[test]
fn no_more_is_shown_than_github_shows() {
    let (script, ids) = twelve(0);
    let (step, sim) = (Step::new(), serve(&script));
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", &ids.join("\n")]);
    let outcome = step.of(gate).run().exits(1);
    let shown = annotations(&outcome);
    assert_eq!(shown.len(), 10, "{shown:#?}");
    assert!(shown.iter().all(|line| line.chars().count() < 4300));
    assert!(shown[9].starts_with("::error title=nuon-gate%3A 3 more did not pass::"), "{}", shown[9]);
    let summary = step.read("summary");
    assert_eq!(summary.lines().filter(|line| line.contains("| ❌ failed |")).count(), 12, "{summary}");
    assert_eq!(summary.matches("\n### ").count(), 10, "{summary}");
}

#[test]
fn a_summary_stays_below_what_is_dropped() {
    let (script, ids) = twelve(240);
    let (step, sim) = (Step::new(), serve(&script));
    let run = |step: &Step, lines: &str| {
        let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", &ids.join("\n")]);
        step.of(gate).args(["--log-lines", lines, "-q"]).run().exits(1);
        step.read("summary")
    };
    let usual = run(&step, "40");
    assert!(usual.contains("Log: 40 lines") && usual.len() > 350_000, "{}", usual.len());
    // Earlier content counts as well.
    let earlier = "x\n".repeat(400_000);
    fs::write(step.0.file("summary"), &earlier).unwrap();
    let both = run(&step, "40");
    assert!(both.starts_with(&earlier) && both.len() < 1024 * 1024, "{}", both.len());
    assert!(both[earlier.len()..].starts_with("\n## ❌") && both.contains("Log: 8 lines"));
    let step = Step::new();
    let huge = run(&step, "10000");
    assert!(huge.contains("Log: 25 lines"), "{}", huge.len());
}

#[test]
fn a_summary_that_is_full_is_said_in_a_line() {
    let sim = serve_deploy(FAILING);
    let fill = |left: usize| {
        let step = Step::new();
        let earlier = "x".repeat(1024 * 1024 - left);
        fs::write(step.0.file("summary"), &earlier).unwrap();
        let outcome = step.of(Gate::wait(&sim)).run().exits(1);
        let said = outcome.stderr.matches("warning: the summary (GITHUB_STEP_SUMMARY) is full").count();
        (step.read("summary").strip_prefix(&earlier).unwrap().to_owned(), said)
    };
    assert_eq!(fill(40), (String::new(), 1));
    assert_eq!(fill(0), (String::new(), 1));
    let (least, said) = fill(150);
    assert!(least.starts_with("\n## ❌ nuon-gate: failed after ") && least.len() <= 150 && said == 0, "{least}");
}

#[test]
fn outside_of_github_actions_none_of_this_is_written() {
    let sim = serve_deploy(FAILING);
    for actions in [None, Some("false"), Some("")] {
        let step = Step::new();
        let gate = step.of(Gate::wait(&sim)).env("RUNNER_DEBUG", "1").without("GITHUB_ACTIONS");
        let gate = actions.into_iter().fold(gate, |gate, value| gate.env("GITHUB_ACTIONS", value));
        let outcome = gate.run().exits(1);
        assert!(!outcome.stderr.contains("::error") && !outcome.stderr.contains("::group"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("GET"), "{}", outcome.stderr);
        assert_eq!((step.read("output"), step.read("summary")), (String::new(), String::new()));
        assert_eq!(fs::read_dir(step.0.file("temp")).unwrap().count(), 0);
    }
    // The demo gates nothing.
    let step = Step::new();
    step.of(Gate::bare("demo")).args(["--fail", "-q"]).run().exits(1);
    assert_eq!((step.read("output"), step.read("summary")), (String::new(), String::new()));
}

#[test]
fn a_debug_run_says_more() {
    let (step, sim) = (Step::new(), serve_deploy(PASSING));
    step.of(Gate::wait(&sim)).env("RUNNER_DEBUG", "1").run().exits(0).says("GET");
}

#[test]
fn files_that_cannot_be_written_are_warnings() {
    let sim = serve_deploy(FAILING);
    let step = Step::new();
    let gate = step.of(Gate::wait(&sim));
    let gate = gate.env("GITHUB_OUTPUT", step.0.file("temp")).env("GITHUB_STEP_SUMMARY", step.0.file("no/such/folder"));
    let outcome = gate.env("RUNNER_TEMP", step.0.file("missing")).run().exits(1);
    for what in ["the outputs (GITHUB_OUTPUT)", "the summary (GITHUB_STEP_SUMMARY)", "the result"] {
        assert!(outcome.stderr.contains(&format!("warning: {what} could not be written")), "{}", outcome.stderr);
    }
    // Without the variables there are no files to write.
    let gate = step.of(Gate::wait(&sim)).without("GITHUB_OUTPUT").without("GITHUB_STEP_SUMMARY").without("RUNNER_TEMP");
    let outcome = gate.run().exits(1);
    assert!(!outcome.stderr.contains("could not be written"), "{}", outcome.stderr);
    // A missing file is created.
    fs::remove_file(step.0.file("output")).unwrap();
    step.of(Gate::wait(&sim)).run().exits(1);
    step.has(&[("verdict", "failed")]);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_opened() {
    use std::os::unix::fs::symlink;
    let sim = serve_deploy(PASSING);
    let step = Step::new();
    let precious = step.0.write("precious", "precious");
    for target in [precious.clone(), step.0.file("not there")] {
        fs::remove_file(step.0.file("output")).unwrap();
        symlink(&target, step.0.file("output")).unwrap();
        step.of(Gate::wait(&sim)).run().exits(0).says("warning: the outputs (GITHUB_OUTPUT) could not be written");
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    assert!(!step.0.file("not there").exists());
    // Nothing reads the pipe.
    fs::remove_file(step.0.file("summary")).unwrap();
    nix::unistd::mkfifo(&step.0.file("summary"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    step.of(Gate::wait(&sim)).run().exits(0).says("warning: the summary (GITHUB_STEP_SUMMARY) could not be written");
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_everything_written() {
    let (step, sim) = (Step::new(), serve_deploy(ENDLESS));
    let mut running = step.of(Gate::wait(&sim)).start();
    running.wait_for("queued → executing").send(nix::sys::signal::SIGINT);
    let outcome = running.end().exits(130);
    let outputs = step.has(&[("verdict", "interrupted"), ("exit-code", "130"), ("status", "executing")]);
    assert!(outputs["reason"].contains("SIGINT"), "{outputs:#?}");
    assert!(fs::read_to_string(&outputs["result"]).unwrap().contains("\"interrupted\""));
    assert_eq!(annotations(&outcome).len(), 1);
    assert!(step.read("summary").contains("nuon-gate: interrupted after "), "{}", step.read("summary"));
}
