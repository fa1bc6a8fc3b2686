//! The documentation matches the program: its tables are generated from it, and its links lead somewhere.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that cannot go on fails")]

mod links;
#[path = "../support/pages.rs"]
mod pages;
mod samples;
mod schemas;
mod tables;

use std::fmt::Write as _;
use std::sync::Mutex;

use clap::{Arg, ArgAction, Command};
use nuon_gate::{exit, parse};

use crate::pages::root;

/// The reference page.
const REFERENCE: &str = "docs/reference.md";

/// Checks the text between two marks of a page. `BLESS=1 cargo test` writes it instead.
fn check_page(page: &str, mark: &str, expected: &str) {
    // Two tests that write at once would undo each other's changes.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock();
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("{page} has no {open}"));
    let (found, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{page} has no {close}"));
    if std::env::vars().any(|(name, _)| name == "BLESS") {
        // Other tests read the page meanwhile, and must not see half of it.
        let new = root().join(format!("{page}.new"));
        std::fs::write(&new, format!("{before}{open}{expected}{close}{after}")).unwrap();
        std::fs::rename(new, root().join(page)).unwrap();
        return;
    }
    assert_eq!(found, expected, "the part `{mark}` of {page} differs from the program; BLESS=1 corrects it");
}

fn subcommand(name: &str) -> Command {
    parse::command().find_subcommand(name).unwrap_or_else(|| panic!("there is no {name}")).clone()
}

fn commands_with(flag: &str) -> String {
    let command = parse::command();
    if command.get_arguments().any(|arg| arg.get_long() == Some(flag)) {
        return "every command".to_owned();
    }
    let having = command.get_subcommands().filter(|sub| sub.get_arguments().any(|arg| arg.get_long() == Some(flag)));
    having.map(|sub| format!("`{}`", sub.get_name())).collect::<Vec<_>>().join(", ")
}

fn row(table: &mut String, arg: &Arg) {
    let long = arg.get_long().unwrap();
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let value = arg
        .get_value_names()
        .filter(|_| takes_value)
        .map(|names| format!(" {}", names[0].replace('|', "\\|")))
        .unwrap_or_default();
    let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let default = default.filter(|_| takes_value).map(|value| format!("`{value}`")).unwrap_or_default();
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let help = arg.get_help().unwrap().to_string().replace('|', "\\|");
    writeln!(table, "| {short}`--{long}{value}` | {variable} | {default} | {help} | {} |", commands_with(long))
        .unwrap();
}

#[test]
fn the_flags_are_those_of_the_program() {
    let mut table = "| flag | variable | default | meaning | of |\n|---|---|---|---|---|\n".to_owned();
    let mut seen = Vec::new();
    let commands = ["wait", "mark", "check", "notify", "sim", "demo"].map(subcommand);
    for command in commands.iter().chain([&parse::command()]) {
        // The demo lists its own version of the flags that all commands have.
        let is_own = |arg: &&Arg| arg.get_long().is_some() && (!arg.is_global_set() || command.has_subcommands());
        for arg in command.get_arguments().filter(is_own) {
            let long = arg.get_long().unwrap().to_owned();
            if long != "help" && !seen.contains(&long) {
                row(&mut table, arg);
                seen.push(long);
            }
        }
    }
    for command in parse::command().get_subcommands() {
        for long in command.get_arguments().filter_map(Arg::get_long) {
            assert!(long == "help" || seen.iter().any(|known| known == long), "--{long} is in no table");
        }
    }
    check_page(REFERENCE, "flags", &table);
}

#[test]
fn the_commands_are_those_of_the_program() {
    let mut table = "| command | does |\n|---|---|\n".to_owned();
    for command in parse::command().get_subcommands() {
        writeln!(table, "| `{}` | {} |", command.get_name(), command.get_about().unwrap()).unwrap();
    }
    check_page(REFERENCE, "commands", &table);
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let mut table = "| code | name | meaning |\n|---|---|---|\n".to_owned();
    for (code, name, meaning) in exit::CODES {
        writeln!(table, "| {code} | `{name}` | {meaning} |").unwrap();
    }
    check_page(REFERENCE, "exit codes", &table);
    check_page("README.md", "exit codes", &table);
}

#[test]
fn the_variables_of_signing_in_are_those_of_the_program() {
    let mut table = "| variable | what it is |\n|---|---|\n".to_owned();
    for (variable, meaning) in nuon_gate::SIGN_IN {
        writeln!(table, "| `{variable}` | {meaning} |").unwrap();
    }
    check_page("docs/ci-systems.md", "sign in", &table);
}

#[test]
fn every_variable_of_notifications_is_explained() {
    let reference = std::fs::read_to_string(root().join(REFERENCE)).unwrap();
    for (variable, meaning) in nuon_gate_notify::VARIABLES {
        let row = format!("\n| `{variable}` | {meaning} |\n");
        assert!(reference.contains(&row), "{REFERENCE} does not explain {variable} as the manual does");
    }
}

#[test]
fn the_inputs_and_outputs_are_those_of_the_action() {
    let action = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let action: serde_yaml_ng::Value = serde_yaml_ng::from_str(&action).unwrap();
    for (mark, singular) in [("inputs", "input"), ("outputs", "output")] {
        let mut table = format!("| {singular} | meaning |\n|---|---|\n");
        for (name, value) in action[mark].as_mapping().unwrap() {
            let description = value["description"].as_str().unwrap().replace('|', "\\|");
            writeln!(table, "| `{}` | {description} |", name.as_str().unwrap()).unwrap();
        }
        check_page(REFERENCE, mark, &table);
    }
}

#[test]
fn the_readme_is_short_and_starts_with_two_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 180, "{} lines: what is longer belongs into docs", readme.lines().count());
    for command in ["cargo run --release -- demo", "cargo test --workspace"] {
        assert!(readme.contains(command), "README.md does not name `{command}`");
    }
}

/// Returns the names of all tests.
fn tests() -> String {
    let mut folders = vec![root().join("tests"), root().join("crates")];
    let mut tests = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(path).unwrap();
                let names = source.lines().filter_map(|line| line.trim_start().split("fn ").nth(1)?.split('(').next());
                names.for_each(|name| writeln!(tests, "{name}").unwrap());
            }
        }
    }
    tests
}

#[test]
fn every_threat_has_a_test_that_is_there() {
    let page = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let tests = tests();
    let tests: Vec<&str> = tests.lines().collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 10, "{rows:#?}");
    for row in rows {
        let named: Vec<&str> = row.trim_end_matches(" |").rsplit(" | ").next().unwrap().split(", ").collect();
        for name in named {
            let name = name.trim_matches('`');
            assert!(tests.contains(&name), "there is no test {name}, which SECURITY.md names in\n{row}");
        }
    }
}

#[test]
fn every_test_that_contributors_are_led_to_is_there() {
    let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let tests = tests();
    let tests: Vec<&str> = tests.lines().collect();
    // Test names are sentences.
    let named = page.split('`').skip(1).step_by(2).filter(|code| code.matches('_').count() > 2 && !code.contains(' '));
    let named: Vec<&str> = named.filter(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    assert!(named.len() > 3, "{named:?}");
    for name in named {
        assert!(tests.contains(&name), "there is no test {name}, which CONTRIBUTING.md names");
    }
}

/// Flags of `wait` that a workflow does not need.
const NO_INPUT: [&str; 5] = ["help", "quiet", "verbose", "output", "config"];

#[test]
fn the_actions_inputs_are_the_flags_of_wait() {
    let action = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let action: serde_yaml_ng::Value = serde_yaml_ng::from_str(&action).unwrap();
    let inputs: Vec<&str> = action["inputs"].as_mapping().unwrap().keys().map(|name| name.as_str().unwrap()).collect();
    let steps = action["runs"]["steps"].as_sequence().unwrap();
    let environment = &steps.last().unwrap()["env"];
    for arg in subcommand("wait").get_arguments() {
        let Some(long) = arg.get_long().filter(|long| !NO_INPUT.contains(long)) else { continue };
        assert!(inputs.contains(&long), "action.yml has no input for --{long}");
        let variable = arg.get_env().unwrap().to_string_lossy();
        // A variable of the job counts if the input is not set. For a pin, `wait.sh` takes care of that.
        let is_pin = action["inputs"][long].get("default").is_some();
        let (name, value) = match variable.strip_prefix("NUON_").filter(|_| is_pin) {
            Some(own) => (own, format!("inputs.{long}")),
            None => (&*variable, format!("inputs.{long} || env.{variable}")),
        };
        assert_eq!(environment[name].as_str(), Some(&*format!("${{{{ {value} }}}}")), "{name} in action.yml");
    }
    for (variable, _) in nuon_gate_notify::VARIABLES {
        let input = variable.trim_start_matches("NUON_GATE_").to_lowercase().replace('_', "-");
        assert!(inputs.contains(&input.as_str()), "action.yml has no input for {variable}");
        assert_eq!(environment[variable].as_str(), Some(&*format!("${{{{ inputs.{input} || env.{variable} }}}}")));
    }
    for step in steps {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "an input is pasted into a script");
    }
}
