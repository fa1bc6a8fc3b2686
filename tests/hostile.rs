//! Text from the server is inert wherever it is shown.

use serde_json::Value;

use crate::support::{API, Folder, Gate, INSTALL, Outcome, access, one_deploy, serve, serve_deploy};

/// What a customer could put into a name, or a chart into its output, in TOML's notation.
const EVIL: &str = r"\u001b[31mred\u001b]8;;https://evil.example\u0007link\u009b2J\n::error title=x::gotcha\r::set-output name=a::b\n##[add-mask]deploy ##vso[task.complete]\u202eesrever\u200b\u2028::stop-commands::x\u0000\b end";

fn is_harmless(text: &str) {
    for line in text.lines() {
        let acts = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        assert!(!acts, "a runner would obey: {line:?}");
    }
    assert_eq!(text.chars().find(|c| *c != '\n' && hidden(c)), None, "{text:?}");
}

fn hidden(c: &char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
}

/// Checks the output as it is, and as a reader of its JSON gets it.
fn all_is_harmless(outcome: &Outcome) {
    is_harmless(&outcome.stderr);
    is_harmless(&outcome.stdout);
    if outcome.stdout.starts_with('{') {
        outcome.events().iter().for_each(strings_are_lines);
    }
}

fn strings_are_lines(value: &Value) {
    match value {
        Value::String(text) => assert_eq!(text.chars().find(hidden), None, "{text:?}"),
        Value::Array(values) => values.iter().for_each(strings_are_lines),
        Value::Object(object) => object.values().for_each(strings_are_lines),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn script(generation: &str, last: &str) -> String {
    format!(
        "generation = \"{generation}\"\n{}[[component]]\ninstall = \"{INSTALL}\"\ninstall_name = \"{EVIL}\"\nid = \"{API}\"\n\
         name = \"{EVIL}\"\n[[component.deploy]]\nafter_polls = 1\ncommit = \"{EVIL}\"\nstatuses = [\n\
         {{ status = \"queued\" }}, {{ status = \"executing\", description = \"{EVIL}\" }},\n\
         {{ status = \"{last}\", description = \"{EVIL}\", error = \"{EVIL}\", hint = \"{EVIL}\" }}]\n",
        access()
    )
}

#[test]
fn descriptions_errors_hints_names_and_commits_are_lines_of_text() {
    for generation in ["today", "old"] {
        for (last, code) in [("active", 0), ("error", 1), ("cancelled", 4)] {
            for format in ["text", "json", "ndjson"] {
                let sim = serve(&script(generation, last));
                let folder = Folder::new();
                let path = folder.file("result.json");
                let gate = Gate::wait(&sim).args(["-vvv", "--output", format]);
                let outcome = gate.args(["--report", &format!("json={}", path.display())]).run().exits(code);
                all_is_harmless(&outcome);
                let report = std::fs::read_to_string(path).unwrap();
                is_harmless(&report);
                strings_are_lines(&serde_json::from_str(&report).unwrap());
                // Its readable part is still there.
                assert!(report.contains("redlink"), "{report}");
            }
        }
    }
}

#[test]
fn a_status_is_one_harmless_word() {
    for status in [r"act\u200bive", r"\u001b[2Jactive", r"active\n::error::x", r"::error::x", r"active\u202e"] {
        for format in ["text", "ndjson"] {
            let sim = serve_deploy(&format!("{{ status = \"queued\" }}, {{ status = \"{status}\" }}"));
            let gate = Gate::wait(&sim).args(["--timeout", "60ms", "--output", format]);
            let outcome = gate.run().exits(124);
            all_is_harmless(&outcome);
        }
    }
}

#[test]
fn an_id_that_cannot_be_shown_is_none() {
    let script = one_deploy(r#"{ status = "active" }"#);
    let build = "[[component.deploy]]\nbuild = \"bld\\u001b[31m\\n::error::x\"\n";
    let sim = serve(&script.replace("[[component.deploy]]\n", build));
    let outcome = Gate::wait(&sim).json().exits(0);
    all_is_harmless(&outcome);
    assert_eq!(outcome.target()["deploy"]["build_id"], Value::Null);
}

#[test]
fn what_users_type_is_not_obeyed_either() {
    let values = ["\u{1b}[31mx", "::error::x", "x\n::error::x"];
    for value in values {
        for flag in ["--timeout", "--require", "--output", "--deploy", "--map-exit", "--report", "--api-url"] {
            let gate = Gate::at("http://127.0.0.1:9", "wait").args(["--install", INSTALL, "--component", API]);
            let outcome = gate.args([flag, value, "--api-outage", "20ms"]).run();
            for line in outcome.stderr.lines() {
                assert!(!line.trim_start().starts_with("::") && !line.contains('\u{1b}'), "{flag} {value:?}: {line:?}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_command_is_not_obeyed_either() {
    let sim = serve_deploy("{ status = \"queued\" }");
    let folder = Folder::new();
    let command = folder.file("a\n::error::b\u{1b}[31m##[c]");
    std::os::unix::fs::symlink("/bin/sh", &command).unwrap();
    let gate = Gate::wait(&sim).args(["--"]).args([&command]).args(["-c", "exit 3"]);
    let outcome = gate.run().exits(1).says("nothing to wait for");
    all_is_harmless(&outcome);
}
