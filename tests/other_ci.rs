//! What the program gives to GitLab, Buildkite and Azure Pipelines.

use std::fs;

use crate::support::{API, ENDLESS, Folder, Gate, PASSING, WORKER, access, component, serve, serve_deploy};

const FAILING: &str =
    r#"{ status = "executing" }, { status = "error", error = "quota \"of\" $(x)\n##vso[task.complete]\n+++ y" }"#;

/// Checks that the output has no other system's syntax.
fn is_nobody_elses(stderr: &str, foreign: &[&str]) {
    for line in stderr.lines() {
        assert!(foreign.iter().all(|sign| !line.starts_with(sign)), "{line:?} in\n{stderr}");
    }
}

#[test]
fn gitlab_folds_details_and_later_jobs_get_variables() {
    let (folder, sim) = (Folder::new(), serve_deploy(FAILING));
    let gate = Gate::wait(&sim).env("GITLAB_CI", "true");
    let outcome = gate.args(["--report", &format!("dotenv={}", folder.file("gate.env").display())]).run().exits(1);
    let (before, rest) = outcome.stderr.split_once("\u{1b}[0Ksection_start:").unwrap();
    let (section, after) = rest.split_once("\u{1b}[0Ksection_end:").unwrap();
    assert!(before.contains("❌ failed: quota") && section.contains("  deploy    dpl1api"), "{}", outcome.stderr);
    assert_eq!(section.split_once(':').unwrap().0, after.split_once(':').unwrap().0, "both have a time");
    assert!(section.contains(":nuon_gate_details[collapsed=true]\r\u{1b}[0KDetails"), "{section:?}");
    is_nobody_elses(&outcome.stderr, &["::", "##", "+++", "---"]);
    let written = fs::read_to_string(folder.file("gate.env")).unwrap();
    assert_eq!(written.lines().count(), 10, "{written}");
    assert!(
        written.starts_with("NUON_GATE_VERDICT=failed\nNUON_GATE_EXIT_CODE=1\nNUON_GATE_STATUS=error\n"),
        "{written}"
    );
    assert!(!written.contains(['"', '\'', '$', ' ', '#', '(']) && written.contains("quota__of_"), "{written}");
    // The next job can read all of them.
    let variables = written.lines().map(|line| line.split_once('=').unwrap());
    let sim = serve_deploy(PASSING);
    let next = variables.fold(Gate::wait(&sim), |gate, (name, value)| gate.env(name, value));
    let outcome = next.run().exits(0);
    assert!(!outcome.stderr.contains("not known to this version"), "{}", outcome.stderr);
}

#[test]
fn azure_gets_issues_variables_and_a_summary() {
    let folder = Folder::new();
    let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, FAILING)));
    let gate = Gate::wait(&sim).args(["--component", WORKER]).env("TF_BUILD", "True");
    let outcome = gate.env("AGENT_TEMPDIRECTORY", folder.path()).run().exits(1);
    let commands: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("##vso[")).collect();
    let of = |start: &str| -> Vec<&str> { commands.iter().filter_map(|line| line.strip_prefix(start)).collect() };
    let errors = of("##vso[task.logissue type=error]nuon-gate: ");
    assert_eq!(errors.len(), 1, "{commands:#?}");
    assert!(errors[0].contains(": failed: quota ") && errors[0].contains("%0Ahttps://"), "{errors:#?}");
    let variables = of("##vso[task.setvariable variable=");
    assert_eq!(variables.len(), 17, "{commands:#?}");
    assert_eq!(
        variables[..3],
        ["verdict;isOutput=true]failed", "exit_code;isOutput=true]1", "status;isOutput=true]error"]
    );
    let files = folder.names();
    assert!(files.len() == 2 && files[0].ends_with(".json") && files[1].ends_with(".md"), "{files:?}");
    assert!(variables[9].ends_with(&files[0]), "{variables:#?}");
    assert!(of("##vso[task.uploadsummary]")[0].ends_with(&files[1]), "{commands:#?}");
    assert!(outcome.stderr.contains("\n##[group]Details") && outcome.stderr.contains("\n##[endgroup]\n"));
    is_nobody_elses(&outcome.stderr, &["::", "+++", "---", "\u{1b}"]);
    // A wait that did not begin is reported as well.
    let outcome = Gate::wait(&sim).args(["--timeout", "soon"]).env("TF_BUILD", "True").run().refused();
    assert!(outcome.stderr.contains("variable=verdict;isOutput=true]usage\n"), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.matches("type=error]").count(), 1, "{}", outcome.stderr);
}

#[test]
fn buildkite_without_an_agent_gets_sections() {
    let sim = serve_deploy(FAILING);
    let outcome = Gate::wait(&sim).env("BUILDKITE", "true").env("PATH", "relative:/no/such").run().exits(1);
    assert!(outcome.stderr.contains("\n+++ Details of the deploy\n  deploy    dpl1api"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("annotated"), "{}", outcome.stderr);
    is_nobody_elses(&outcome.stderr, &["::", "##", "\u{1b}", "+++ y"]);
    Gate::wait(&serve_deploy(ENDLESS)).env("BUILDKITE", "true").args(["--timeout", "50ms"]).run().exits(124);
}

#[cfg(unix)]
#[test]
fn buildkites_agent_annotates_the_build_and_holds_up_nothing() {
    use std::time::Instant;
    let (folder, sim) = (Folder::new(), serve_deploy(FAILING));
    let agent = |script: &str| {
        // In a process of its own: a file that another test's child holds open for writing cannot be run.
        let write = "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let program = folder.file("buildkite-agent");
        let status = std::process::Command::new("sh").args(["-c", write]).arg(program).arg(script).status();
        assert!(status.unwrap().success());
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        Gate::wait(&sim).env("BUILDKITE", "true").env("PATH", path).env("OUT", folder.path())
    };
    let gate = agent("#!/bin/sh\necho \"$@\" >\"$OUT/called\"\nenv >\"$OUT/env\"\ncat >\"$OUT/page\"\n");
    gate.env("NUON_GATE_WEBHOOK_SECRET", "whsec_cGxhbnRlZC1wbGFudGVkLXBsYW50ZWQtMTIz").run().exits(1);
    let read = |name: &str| fs::read_to_string(folder.file(name)).unwrap();
    assert_eq!(read("called"), "annotate --style error --context nuon-gate\n");
    assert!(read("page").starts_with("## ❌ nuon-gate: failed after "), "{}", read("page"));
    assert!(!read("env").contains("NUON_API_TOKEN") && !read("env").contains("whsec_"), "{}", read("env"));
    agent("#!/bin/sh\nexit 3\n")
        .run()
        .exits(1)
        .says("warning: the build could not be annotated: buildkite-agent ended with");
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let began = Instant::now();
    agent("#!/bin/sh\nexec sleep 60\n").run().exits(1).says("buildkite-agent did not end");
    assert!(began.elapsed().as_secs() < 15);
}
