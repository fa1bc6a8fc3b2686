//! `--follow-logs`: the deploy's log, shown while it is written. It decides nothing.

use crate::support::{API, Gate, INSTALL, TOKEN, WORKER, access, in_parallel, one_deploy, serve};
use nuon_gate_sim::Sim;

/// A deploy that logs for a while, on a server of this kind.
fn logging(server: &str, logs: &str, more: &str) -> String {
    let statuses = r#"{ status = "executing", for = "1500ms" }, { status = "active" }"#;
    let deploy = format!("[[component.deploy]]\nlogs = [{logs}]\n{more}");
    format!("{server}\n{}", one_deploy(statuses).replace("[[component.deploy]]\n", &deploy))
}

const LOGS: &str = r#"{ text = "plan made" }, { text = "quota is low", severity = "error", after = "100ms" }, { text = "applied", after = "200ms" }"#;

/// The servers: one with the long poll, one that has it off, and one that never had it.
const SERVERS: [&str; 3] = ["", "long_poll = { tail = false }", "generation = \"mid\""];

/// At the short intervals of tests, polls would use up the usual request rate and leave nothing for logs.
fn wait(sim: &Sim) -> Gate<'_> {
    Gate::wait(sim).args(["--max-rps", "1000"])
}

fn shown(stderr: &str) -> Vec<&str> {
    stderr.lines().filter_map(|line| line.strip_prefix("   log  ")).collect()
}

#[test]
fn lines_are_shown_once_each_as_they_are_written_on_any_server() {
    in_parallel(&SERVERS, |server| {
        let sim = serve(&logging(server, LOGS, ""));
        let outcome = wait(&sim).args(["--follow-logs", "all"]).json().exits(0);
        assert_eq!(shown(&outcome.stderr), ["plan made", "quota is low", "applied"], "{server}: {}", outcome.stderr);
        assert_eq!(outcome.errors(), 0, "{server}");
        let outcome = wait(&serve(&logging(server, LOGS, ""))).args(["--follow-logs", "errors"]).run().exits(0);
        assert_eq!(shown(&outcome.stderr), ["quota is low"], "{server}");
        let outcome = wait(&serve(&logging(server, LOGS, ""))).run().exits(0);
        assert!(shown(&outcome.stderr).is_empty(), "off is what nobody asked for");
    });
}

#[test]
fn several_targets_are_distinguished_and_ci_folds() {
    let script =
        logging("", LOGS, "") + &logging("", r#"{ text = "pulled" }"#, "").replace(&access(), "").replace(API, WORKER);
    let sim = serve(&script);
    let gate = wait(&sim).args(["--component", WORKER, "--follow-logs", "all"]);
    let outcome = gate.env("GITHUB_ACTIONS", "true").run().exits(0);
    let lines = shown(&outcome.stderr);
    // The simulator names an object without a name by its id without the prefix.
    let [api, worker] = [API, WORKER].map(|id| &id["cmp".len()..]);
    let shown = [format!("{api}  plan made"), format!("{worker}  pulled")];
    assert!(shown.iter().all(|line| lines.contains(&&**line)), "{lines:?}");
    let mut is_open = false;
    for line in outcome.stderr.lines() {
        match line {
            "::group::Log of the deploy" => assert!(!std::mem::replace(&mut is_open, true)),
            "::endgroup::" => is_open = false,
            line if line.starts_with("   log  ") => assert!(is_open, "{}", outcome.stderr),
            line => assert!(!is_open, "{line}"),
        }
    }
}

#[test]
fn lines_are_harmless_and_repeat_no_secret() {
    let evil = format!(r#"{{ text = "\u001b[31m{TOKEN}\n::error::x\u202e ##[debug]", severity = "error" }}"#);
    let outcome = wait(&serve(&logging("", &evil, ""))).args(["--follow-logs", "all"]).run().exits(0);
    let lines = shown(&outcome.stderr);
    assert_eq!((lines.len(), lines[1]), (2, "::error::x #[debug]"), "{lines:?}");
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\u{202e}'));
}

#[test]
fn a_log_that_cannot_be_followed_costs_a_warning_and_nothing_else() {
    let answers = ["hang", "bomb", "huge", "undecodable", "html", "null", "array", "compressed", "reset", "drip"];
    let faults = answers.map(|answer| format!("answer = \"{answer}\"\n"));
    let codes = [401, 403, 404, 429, 500].map(|code| format!("answer = \"status\"\ncode = {code}\n"));
    let faults: Vec<String> = faults.into_iter().chain(codes).collect();
    in_parallel(&faults, |fault| {
        let on = |endpoint: &str| format!("[[fault]]\non = \"{endpoint}\"\n{fault}");
        let script = logging("", LOGS, "") + &on("tail") + &on("logs");
        let outcome = wait(&serve(&script)).args(["--follow-logs", "all"]).json().exits(0);
        assert!(outcome.result()["elapsed_ms"].as_u64() < Some(20_000), "{fault}");
        let warnings = outcome.stderr.matches("the log cannot be followed any more").count();
        // Slow faults may not have come three times by the end.
        let is_quick = ["status", "reset", "html", "null"].iter().any(|quick| fault.contains(quick));
        assert!(warnings <= 1 && (warnings == 1 || !is_quick), "{fault}: {}", outcome.stderr);
        // A simulator that is busy with a large answer can be late with the others.
        assert!(outcome.errors() == 0 || !is_quick, "{fault}");
        assert_eq!(outcome.target()["install"]["id"], INSTALL);
    });
}

#[test]
fn too_many_requests_are_no_word_that_the_server_keeps_none_open() {
    for code in [408, 429] {
        let fault = format!("[[fault]]\non = \"tail\"\nnth = [1]\nanswer = \"status\"\ncode = {code}\n");
        let sim = serve(&(logging("", LOGS, "") + &fault));
        wait(&sim).args(["--follow-logs", "all"]).run().exits(0);
        let asked: Vec<String> = sim.requests().into_iter().map(|seen| seen.target).collect();
        let count = |part: &str| asked.iter().filter(|target| target.contains(part)).count();
        assert!(count("/logs/tail") > 1 && count("/logs?") == 0, "{code}: {asked:?}");
    }
}

#[test]
fn a_log_without_end_is_cut_off() {
    let sim = serve(&logging("", LOGS, "filler_logs = 6000\n"));
    let outcome = wait(&sim).args(["--follow-logs", "all"]).run().exits(0);
    assert!(shown(&outcome.stderr).len() <= 5000);
}
