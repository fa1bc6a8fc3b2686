//! What the program says of itself: completions, manual pages, and its name as an extension of the Nuon CLI.

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
fn as_an_extension_it_goes_by_the_name_that_users_type() {
    let folder = Folder::new();
    // A copy that was just written may still be held open by a process that another test has forked.
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
