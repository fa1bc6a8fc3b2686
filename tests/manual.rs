//! What the program says about itself: completions, manual pages, and its name as an extension of the Nuon CLI.

use std::process::Command;

use crate::support::{Folder, Gate};

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = Gate::bare("completions").args([shell]).run().exits(0);
        assert!(outcome.stdout.contains("on-superseded"), "{shell}");
    }
    Gate::bare("completions").args(["csh"]).run().refused();
}

#[test]
fn the_manual_has_a_page_for_the_program_and_for_each_command() {
    let whole = Gate::bare("man").run().exits(0).stdout;
    assert!(whole.contains(".TH nuon-gate 1") && whole.contains("explain"), "{whole}");
    let wait = Gate::bare("man").args(["wait"]).run().exits(0).stdout;
    assert!(wait.contains(".TH nuon-gate-wait 1") && wait.contains("NUON_GATE_TIMEOUT"), "{wait}");
    Gate::bare("man").args(["bogus"]).run().refused().says("there is no command `bogus`");
}

#[test]
fn a_page_has_the_sections_that_manuals_have() {
    let page = |words: &[&str]| Gate::bare("man").args(words).run().exits(0).stdout.replace("\\-", "-");
    let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"];
    for text in [page(&[]), page(&["wait"])] {
        let found: Vec<usize> = sections
            .iter()
            .map(|name| {
                text.find(&format!(".SH {name}"))
                    .or(text.find(&format!(".SH \"{name}\"")))
                    .unwrap_or_else(|| panic!("no {name}:\n{text}"))
            })
            .collect();
        assert!(found.is_sorted(), "{found:?}");
        for words in
            ["124", "timed_out", "NUON_API_TOKEN", "NUON_OIDC_TOKEN", "NUON_GATE_SLACK_WEBHOOK_URL", "HTTPS_PROXY"]
        {
            assert!(text.contains(words), "no {words}:\n{text}");
        }
    }
    assert!(page(&["wait"]).contains("nuon-gate wait -i acme -c api -- ./deploy.sh"));
    let demo = page(&["demo"]);
    let help = Gate::bare("demo").args(["--help"]).run().exits(0).stdout;
    assert!(!demo.contains("ENVIRONMENT") && !(demo + &help).contains("NUON_GATE_"), "the demo heeds none");
    assert!(!page(&["explain"]).contains("NUON_GATE_SLACK_TOKEN"), "explain notifies no sink");
    for command in ["explain", "completions", "man", "sim"] {
        assert!(!page(&[command]).contains("PROXY"), "{command} connects to nobody");
    }
    for command in ["status", "mark", "check", "doctor", "notify", "merge"] {
        assert!(page(&[command]).contains("PROXY"), "{command}");
    }
}

/// The commands, as the program's help lists them.
fn commands() -> Vec<String> {
    let help = Gate::bare("--help").run().exits(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with("  "));
    let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn short_help_fits_a_screen_and_long_help_has_everything() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands.iter().map(String::as_str) {
        let short = Gate::bare(command).args(["-h"]).run();
        if command != "help" {
            let short = short.exits(0).stdout;
            assert!(short.lines().count() <= 24, "{command} -h:\n{short}");
            assert!(short.contains(&format!("nuon-gate {command} --help")), "{short}");
            let long = Gate::bare(command).args(["--help"]).run().exits(0).stdout;
            assert!(
                long.contains("Examples:\n")
                    && ["", "exec "].iter().any(|exec| long.contains(&format!("    {exec}nuon-gate {command}")))
                    || command == "completions",
                "{command}:\n{long}"
            );
        }
    }
    let short = Gate::bare("wait").args(["-h"]).run().exits(0).stdout;
    assert!(short.contains("--timeout") && !short.contains("--max-rps") && !short.contains("NUON_GATE_"), "{short}");
    let long = Gate::bare("wait").args(["--help"]).run().exits(0).stdout;
    for words in ["--max-rps", "[env: NUON_GATE_TIMEOUT]", "Judging:", "Waiting:", "Exit codes:\n", "124 ", "timed_out"]
    {
        assert!(long.contains(words), "no {words}:\n{long}");
    }
    // What is wrapped stays below its code.
    let (_, codes) = long.split_once("Exit codes:\n").unwrap();
    let is_code = |line: &str| line.starts_with("  ") && line[2..].starts_with(|first: char| first.is_ascii_digit());
    assert!(codes.lines().all(|line| is_code(line) || line.starts_with("          ")), "{codes}");
    assert_eq!(Gate::bare("help").args(["wait"]).run().exits(0).stdout, long);
    let whole = Gate::bare("--help").run().exits(0).stdout;
    assert!(whole.contains("Exit codes:\n") && whole.contains("nuon-gate demo"), "{whole}");
    let coloured = Gate::bare("wait").args(["-h"]).env("CLICOLOR_FORCE", "1").run().exits(0).stdout;
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32mUsage:"), "{coloured}");
}

#[test]
fn as_an_extension_it_goes_by_the_name_that_users_type() {
    let folder = Folder::new();
    // A process that another test has forked may still hold a fresh copy open.
    let name = format!("nuon-ext-gate{}", std::env::consts::EXE_SUFFIX);
    let program = folder.link(&name, env!("CARGO_BIN_EXE_nuon-gate"));
    let shown = |argument: &str| {
        let output = Command::new(&program).args(["wait", argument]).env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, help) = shown("--help");
    assert_eq!(code, Some(0));
    assert!(help.contains("Usage: nuon gate wait"), "{help}");
    assert_eq!(shown("--bogus").0, Some(2));
}
