//! What each shell completes after loading its script, tested in the shells themselves.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Folder, Gate};

/// The line up to the cursor, some words that must be offered, and some that must not.
const CASES: [(&str, &[&str], &[&str]); 13] = [
    ("nuon-gate ", &["wait", "status", "merge", "completions"], &["--timeout"]),
    ("nuon-gate wa", &["wait"], &["status"]),
    ("nuon-gate wait --on-s", &["--on-stale", "--on-superseded"], &["--on-approval"]),
    ("nuon-gate wait --timeout 5m --all", &["--all-components", "--allow-http"], &["--timeout"]),
    ("nuon-gate wait acme/api --on-s", &["--on-stale", "--on-superseded"], &["--on-approval"]),
    ("nuon-gate check push smoke --status ", &["healthy", "degraded", "unhealthy"], &["push"]),
    ("nuon-gate wait --on-stale ", &["accept", "wait", "fail"], &["follow"]),
    ("nuon-gate wait --notify-on st", &["start"], &["change"]),
    ("nuon-gate wait --fail-on auto", &["auto-skipped"], &["active"]),
    ("nuon-gate status --output n", &["ndjson"], &["text"]),
    ("nuon-gate notify ", &["render", "test"], &["wait"]),
    ("nuon-gate man do", &["doctor"], &["wait"]),
    ("nuon-gate completions z", &["zsh"], &["bash"]),
];

fn script(shell: &str, folder: &Folder) -> String {
    let script = Gate::bare("completions").args([shell]).run().exits(0).stdout;
    folder.write(&format!("completions.{shell}"), script).display().to_string()
}

/// Returns whether a shell is installed. If not, it cannot be tested.
#[expect(clippy::print_stdout, reason = "what a test leaves out should be seen")]
fn is_installed(shell: &str) -> bool {
    let found =
        Command::new(shell).args(["-c", "exit 0"]).stdin(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {shell} is not installed here");
    }
    found
}

/// Runs a script in a shell. Returns the words that it prints, one a line.
fn words(shell: &str, arguments: &[&str], home: &Path) -> Vec<String> {
    let mut command = Command::new(shell);
    command.args(arguments).stdin(Stdio::null()).env("HOME", home).env("TERM", "dumb").current_dir(home);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn check(shell: &str, complete: impl Fn(&str) -> Vec<String>) {
    for (typed, offered, others) in CASES {
        let words = complete(typed);
        let has = |word: &&&str| words.iter().any(|own| own == *word);
        assert!(
            offered.iter().all(|word| has(&word)),
            "{shell} offers {words:?} for {typed:?}, not all of {offered:?}"
        );
        assert!(
            !others.iter().any(|word| has(&word)),
            "{shell} offers {words:?} for {typed:?}, even some of {others:?}"
        );
    }
}

#[test]
fn bash_completes_what_follows_a_command() {
    let folder = Folder::new();
    let path = script("bash", &folder);
    // What bash does when Tab is pressed: it calls the function that is registered for the program.
    let press = r#"
        source "$1"
        registered=$(complete -p nuon-gate) name=${registered#*-F }
        name=${name%% *}
        read -ra COMP_WORDS <<<"$2"
        case $2 in *" ") COMP_WORDS+=("") ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        compopt() { :; }
        "$name" nuon-gate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    check("bash", |typed| words("bash", &["--norc", "-c", press, "bash", &path, typed], folder.path()));
}

#[test]
fn fish_completes_what_follows_a_command() {
    if !is_installed("fish") {
        return;
    }
    let folder = Folder::new();
    let path = script("fish", &folder);
    let press = "source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''";
    check("fish", |typed| words("fish", &["--no-config", "-c", press, &path, typed], folder.path()));
}

#[test]
fn zsh_completes_what_follows_a_command() {
    if !is_installed("zsh") {
        return;
    }
    let folder = Folder::new();
    let path = script("zsh", &folder);
    // Only an interactive shell completes, so one runs in a terminal of its own and prints what it would offer.
    let inner = r#"
        PROMPT= ; RPROMPT= ; unsetopt prompt_cr prompt_sp zle_bracketed_paste
        autoload -Uz compinit; compinit -u -d "$HOME/dump"
        source "$SCRIPT"
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
            typeset -a hits; builtin compadd -A hits "$@"
            [[ -n $hits ]] && print -l -- "${hits[@]}"
            builtin compadd "$@"
        }
        begin() { print -- "{begin}" }
        finish() { print -- "{end}"; exit }
        compprefuncs=(begin); comppostfuncs=(finish)
        bindkey '^I' complete-word
        print -- "{ready}""#;
    let inner = folder.write("inner.zsh", inner).display().to_string();
    let press = r#"
        zmodload zsh/zpty
        export SCRIPT=$1
        zpty shell zsh -f -i
        zpty -w shell "source $3"
        until [[ $line == *'{ready}'* ]]; do zpty -r shell line || exit 1; done
        zpty -w -n shell "$2"$'\t'
        until [[ $line == *'{begin}'* ]]; do zpty -r shell line || exit 1; done
        while zpty -r shell line && [[ $line != *'{end}'* ]]; do print -rn -- "$line"; done"#;
    check("zsh", |typed| words("zsh", &["-f", "-c", press, "zsh", &path, typed, &inner], folder.path()));
}
