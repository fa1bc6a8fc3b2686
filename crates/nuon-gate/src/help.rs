//! What `-h`, `--help` and the manual say beyond the flags themselves.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use clap::{Arg, Command};

use crate::environment;
use crate::exit::CODES;

/// The styles of help on a terminal.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(HEADER)
    .usage(HEADER)
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const HEADER: Style = AnsiColor::Green.on_default().bold();

/// The flags that `-h` shows: what most runs need. `--help` shows the others.
const BRIEF: [&str; 14] = [
    "install",
    "component",
    "deploy",
    "workflow",
    "after",
    "on-approval",
    "timeout",
    "output",
    "report",
    "file",
    "result",
    "script",
    "listen",
    "fail",
];

/// The examples of each command: what to type, and what for.
pub(crate) const EXAMPLES: [(&str, &[(&str, &str)]); 13] = [
    (
        "wait",
        &[
            (
                "Run what triggers the deploy, and wait for what comes of it",
                "exec nuon-gate wait -i acme -c api -- ./deploy.sh",
            ),
            ("Wait for a deploy that has been triggered", "exec nuon-gate wait -i acme -c api --deploy dplmonday"),
        ],
    ),
    ("status", &[("Say what `wait` would decide now", "nuon-gate status acme/api")]),
    ("mark", &[("Note what is there before a deploy is triggered", "nuon-gate mark acme/api --file marks.json")]),
    (
        "check",
        &[(
            "Let a smoke test gate a rollout",
            "nuon-gate check push smoke --status healthy --stale-after 10m acme/api",
        )],
    ),
    ("doctor", &[("Find out why nothing can be waited for", "nuon-gate doctor acme/api")]),
    ("explain", &[("Show what a rule changes", "nuon-gate explain --fail-on inactive")]),
    (
        "notify",
        &[
            ("Show what each sink would be sent", "nuon-gate notify render --result result.json"),
            ("Try out the settings", "nuon-gate notify test"),
        ],
    ),
    ("merge", &[("Make one verdict of all shards", "nuon-gate merge shard-1.json shard-2.json")]),
    ("demo", &[("See how a failure is reported", "nuon-gate demo --fail")]),
    ("completions", &[("Let bash complete", "eval \"$(nuon-gate completions bash)\"")]),
    ("man", &[("Read the manual of a command", "nuon-gate man wait | man -l -")]),
    ("sim", &[("Rehearse a failure", "nuon-gate sim --script failure.toml")]),
    ("nuon-gate", &[("See it work, without an account", "nuon-gate demo")]),
];

/// Commands that exit with the verdict on a deploy.
const JUDGING: [&str; 4] = ["nuon-gate", "wait", "status", "merge"];

/// Returns the examples of a command, or of the program.
pub(crate) fn examples(command: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

/// Returns whether a command exits with the verdict on a deploy.
pub(crate) fn judges(command: &str) -> bool {
    JUDGING.contains(&command)
}

/// Returns the command line as `-h` shows it: on one screen.
pub(crate) fn brief(command: Command) -> Command {
    let all = |name: &str| format!("Every flag, with its variable, an example and the exit codes: {name} --help");
    let command = command.mut_args(shortened).after_help(all("nuon-gate"));
    command.mut_subcommands(|sub| {
        let name = format!("nuon-gate {}", sub.get_name());
        sub.mut_args(shortened).after_help(all(&name))
    })
}

/// Hides a flag that most runs do not need, and keeps only the first clause of another's help.
fn shortened(arg: Arg) -> Arg {
    if arg.get_long().is_some_and(|long| !BRIEF.contains(&long)) {
        return arg.hide_short_help(true);
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let first = help.split([';', '[']).next().unwrap_or_default().trim_end().to_owned();
    // Headings would take more room than what is left below them.
    let takes_value = arg.get_action().takes_values();
    arg.help(first).help_heading(None).hide_possible_values(takes_value)
}

/// Returns the command line as `--help` shows it: with everything.
pub(crate) fn whole(command: Command) -> Command {
    let command = environment::document(command).after_long_help(more("nuon-gate"));
    command.mut_subcommands(|sub| {
        let more = more(sub.get_name());
        sub.after_long_help(more)
    })
}

/// Returns the text below the flags: examples, and the exit codes if they are verdicts.
fn more(command: &str) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format!("{HEADER}Examples:{HEADER:#}"));
    for (what, typed) in examples(command) {
        line(format!("  {what}:"));
        line(format!("    {typed}"));
    }
    if judges(command) {
        line(format!("\n{HEADER}Exit codes:{HEADER:#}"));
        for (code, name, meaning) in CODES {
            // A line that is wrapped keeps its indentation alone, as the flags have it.
            line(format!("  {code} ({name})"));
            line(format!("          {meaning}"));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn every_command_has_an_example_that_can_be_typed() {
        for command in parse::command().get_subcommands() {
            assert!(!examples(command.get_name()).is_empty(), "{} has no example", command.get_name());
        }
        for (_, typed) in EXAMPLES.iter().flat_map(|(_, examples)| *examples) {
            let typed = typed.trim_start_matches("eval \"$(").trim_end_matches(")\"");
            let typed = typed.trim_start_matches("exec ");
            let words = typed.split(" | ").next().unwrap_or_default().split(' ');
            parse::command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{typed}: {error}"));
        }
    }
}
