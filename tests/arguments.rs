//! Arguments and variables, as a table: the input, the exit code, and the message. An empty or unfilled value must
//! never change the effect of another one.

use crate::support::{
    API, Folder, Gate, INSTALL, Outcome, PASSING, TOKEN, WORKER, access, component, serve, serve_deploy,
};

/// The flags that pin a deploy.
const PINS: [&str; 8] = ["deploy", "workflow", "branch-run", "trigger-response", "build", "commit", "after", "since"];

fn variable(flag: &str) -> String {
    format!("NUON_GATE_{}", flag.to_uppercase().replace('-', "_"))
}

/// Runs `wait` with these arguments and variables, where a deploy passes.
fn run(words: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let sim = serve_deploy(PASSING);
    let gate = Gate::wait(&sim).args(["--timeout", "20s"]).args(words);
    variables.iter().fold(gate, |gate, (name, value)| gate.env(name, value)).run()
}

#[track_caller]
fn check(words: &[&str], variables: &[(&str, &str)], code: i32, said: &[&str]) {
    let outcome = run(words, variables);
    assert_eq!(outcome.code, code, "{words:?} {variables:?}:\n{}", outcome.stderr);
    for said in said {
        assert!(outcome.stderr.contains(said), "{words:?} {variables:?} does not say {said:?}:\n{}", outcome.stderr);
    }
}

#[test]
fn an_empty_text_eats_nothing() {
    let empty = "an argument is empty";
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&[""], 2, &[empty]),
        (&[" ", "\t"], 2, &[empty]),
        (&["--fail-fast", ""], 2, &[empty]),
        (&["--deploy", "dplnone", ""], 2, &[empty]),
        (&["--deploy", "dplnone", "", ""], 2, &[empty]),
        (&["--timeout", "5s", ""], 2, &[empty]),
        (&["--fail-on", "active", "", ""], 2, &[empty]),
        (&["--map-exit", "passed=7", ""], 2, &[empty]),
        (&["--install", INSTALL, ""], 2, &[empty]),
        (&["--", ""], 2, &["there is no command after `--`"]),
        (&["--"], 2, &["there is no command after `--`"]),
        (&["--", " \t"], 2, &["there is no command after `--`"]),
        // Its value is the next word, whatever that is.
        (&["--timeout", "", "5s"], 2, &["the value of --timeout is empty, and the word after it"]),
        (&["--token-file", "", "a/b"], 2, &["the value of --token-file is empty, and the word after it"]),
        (&["--deploy", "", "dplnone"], 2, &["--deploy is set, but empty"]),
        // A value may end like a flag.
        (&["--token-file", "tk/a=="], 2, &["cannot read the file of --token-file"]),
        (&["--fail-on", "active="], 0, &[]),
    ];
    for (words, code, said) in cases {
        check(words, &[], *code, said);
    }
}

#[test]
fn where_the_command_should_be_an_empty_text_is_none() {
    let empty = "an argument is empty";
    let unfilled = "the value of the command is a placeholder that was not filled in";
    let cases: &[(&[&str], &str)] = &[
        (&["", "wait", "--install", INSTALL], empty),
        (&["-v", "", "wait"], empty),
        (&[" \t"], empty),
        (&["help", ""], empty),
        (&["man", ""], empty),
        (&["notify", ""], empty),
        (&["$(COMMAND)", "wait"], unfilled),
        (&["wiat"], "unrecognized subcommand 'wiat'"),
    ];
    for (words, said) in cases {
        Gate::bare(words[0]).args(&words[1..]).run().refused().says(&format!("error: {said}"));
    }
}

#[test]
fn an_empty_value_is_none_and_the_next_best_counts() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32);
    let cases: &[Case<'_>] = &[
        (&["--timeout", ""], &[], 0),
        (&["--timeout="], &[], 0),
        (&["--settle", " ", "--map-exit=", "--pass-on", ""], &[], 0),
        (&["--map-exit", ""], &[("NUON_GATE_MAP_EXIT", "passed=9")], 9),
        (&["--map-exit", "passed=8"], &[("NUON_GATE_MAP_EXIT", "passed=9")], 8),
        (&["--install", "", "--install", INSTALL], &[], 2),
        (&["--component", API, "--component="], &[], 2),
        (&["--fail-on", "", "--fail-on", "active"], &[], 1),
        (&[], &[("NUON_GATE_FAIL_ON", "\u{feff} active \r\n")], 1),
        (&["--fail-on", "\u{feff}active\r\n"], &[], 1),
    ];
    for (words, variables, code) in cases {
        check(words, variables, *code, &[]);
    }
}

#[test]
fn an_empty_pin_is_refused() {
    for pin in PINS {
        let (flag, name) = (format!("--{pin}"), variable(pin));
        check(&[&flag, ""], &[], 2, &[&flag, "set, but empty"]);
        check(&[&format!("{flag}=")], &[], 2, &[&flag, "set, but empty"]);
        check(&[&flag, " \r\n"], &[(&name, "dpl1")], 2, &[&flag, "set, but empty"]);
        for blank in ["", " ", "\n", "\u{feff}"] {
            check(&[], &[(&name, blank)], 2, &[&name, "set, but empty"]);
        }
    }
    // A flag takes precedence over a variable, even an empty one.
    check(&["--since", "1h"], &[("NUON_GATE_SINCE", "")], 0, &[]);
    // A command without pins ignores them.
    let sim = serve_deploy(PASSING);
    Gate::at(&sim.url(), "mark").args(["-i", INSTALL, "-c", API]).env("NUON_GATE_DEPLOY", "").run().exits(0);
}

#[test]
fn two_pins_of_one_kind_are_refused() {
    for pin in PINS {
        let flag = format!("--{pin}");
        check(&[&flag, "1h", &flag, "2h"], &[], 2, &[&flag, "multiple times"]);
        check(&[&flag, "1h", &format!("{flag}=1h")], &[], 2, &[&flag, "multiple times"]);
    }
    check(&["-w", "inw1", "--workflow", "inw2"], &[], 2, &["--workflow", "multiple times"]);
    for pin in ["deploy", "workflow", "build", "commit", "after"] {
        for several in ["a,b", "a b", "a\nb"] {
            check(&[&format!("--{pin}"), several], &[], 2, &["only one can be pinned", &format!("--{pin}")]);
            check(&[], &[(&variable(pin), several)], 2, &["only one can be pinned", &variable(pin)]);
        }
    }
    // For all others the last one counts.
    check(&["--map-exit", "passed=3", "--map-exit", "passed=4"], &[], 4, &[]);
    check(&["--require", "9", "--require", "all", "--fail-fast", "--fail-fast"], &[], 0, &[]);
}

#[test]
fn a_placeholder_that_nobody_filled_in_is_refused() {
    let said = "a placeholder that was not filled in";
    for placeholder in ["$(X)", "$X", "${X}", "${{ steps.x.outputs.id }}", " $(Build.Id)\r\n"] {
        for flag in
            PINS.into_iter().chain(["timeout", "install", "component", "fail-on", "api-url", "token-file", "report"])
        {
            check(&[&format!("--{flag}"), placeholder], &[], 2, &[said]);
            check(&[&format!("--{flag}={placeholder}")], &[], 2, &[said]);
        }
        for flag in PINS.into_iter().chain(["settle", "fail-on", "fail-fast", "verbose"]) {
            check(&[], &[(&variable(flag), placeholder)], 2, &[said, &variable(flag)]);
        }
        check(&[placeholder], &[], 2, &[said]);
        for name in ["NUON_API_TOKEN", "NUON_ORG_ID", "NUON_GATE_SLACK_CHANNEL", "NUON_GATE_WEBHOOK_FORMAT"] {
            check(&[], &[(name, placeholder)], 2, &[said, name]);
        }
        for name in ["NUON_GATE_SLACK_WEBHOOK_URL", "NUON_GATE_SLACK_TOKEN", "NUON_GATE_TEAMS_WEBHOOK_URL"] {
            check(&[], &[(name, placeholder)], 0, &[said, name]);
        }
    }
    check(&["--component", &format!("{API},$(OTHER)")], &[], 2, &[said]);
    for pair in ["$I/$C", "$I/api", "acme/${C}", "acme/$(C)", "${{ inputs.install }}/api"] {
        check(&[pair], &[], 2, &[said]);
        check(&["--target", pair], &[], 2, &[said, "--target"]);
        Gate::bare("wait").env("NUON_GATE_TARGET", pair).run().exits(2).says(said).says("NUON_GATE_TARGET");
    }
    check(&["--report", "json=$(REPORT)"], &[], 2, &[said]);
    // A part of a text is not a match.
    check(&["--commit", "a$X"], &[], 2, &["--commit"]);
}

#[test]
fn what_has_a_hole_was_not_filled_in() {
    let hole = "a part of it is empty: a variable in it is most likely not set";
    for list in [",", "a,", ",a", "a,,a", "a, ,a", "a,\na"] {
        let flags =
            ["install", "component", "fail-on", "cancel-on", "map-exit", "notify-on", "slack-mention-on-failure"];
        let parts = ["acme", "api", "error", "timeout", "failed=9", "failure", "<!here>"];
        for (flag, part) in flags.into_iter().zip(parts) {
            let list = list.replace('a', part);
            Gate::bare("wait").args([format!("--{flag}={list}")]).run().exits(2).says(hole).says(flag);
            Gate::bare("wait").env(&variable(flag), &list).run().exits(2).says(hole).says(&variable(flag));
        }
    }
    for pair in ["acme/", "/api", "/", " / ", "acme/api,"] {
        check(&["--target", pair], &[], 2, &["--target"]);
        Gate::bare("wait").env("NUON_GATE_TARGET", pair).run().exits(2).says("NUON_GATE_TARGET");
        let folder = Folder::new();
        let line = folder.write("targets", pair);
        Gate::wait(&serve_deploy(PASSING)).args(["--targets-file"]).args([line]).run().exits(2).says("--targets-file");
    }
    // There may be blank lines, and blanks anywhere.
    let sim = serve_deploy(PASSING);
    let gate = Gate::at(&sim.url(), "wait").env("NUON_GATE_INSTALL", INSTALL);
    gate.env("NUON_GATE_COMPONENT", format!("\n {API} \r\n \n")).run().exits(0);
    check(&["--fail-on", " error , noop \n"], &[], 0, &[]);
}

#[test]
fn a_misspelt_status_is_warned_of_and_another_word_is_not() {
    let outcome = run(&["--fail-on", "eror,hibernating", "--wait-on", "Planning", "--output", "json"], &[]).exits(0);
    let result = outcome.result();
    let warnings: Vec<&str> =
        result["warnings"].as_array().unwrap().iter().filter_map(|warning| warning.as_str()).collect();
    let [first, second] = warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(first, "status `eror` of --fail-on is not known to this version: is it `error`?");
    assert_eq!(second, "status `Planning` of --wait-on is not known to this version: is it `planning`?");
    assert_eq!(outcome.stderr.matches("is it `error`?").count(), 1, "{}", outcome.stderr);
    let explained = Gate::bare("explain").args(["--pass-on", "actve"]).run().exits(0);
    explained.says("is it `active`?");
    assert_eq!(Gate::bare("explain").args(["--pass-on", "hibernating"]).run().exits(0).stderr, "");
}

#[test]
fn a_mistake_says_what_to_write() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--timeout", "5"], &["write 5s or 5m", "--timeout"]),
        (&["--timeout", "0s"], &["must be more than 0, such as 90s"]),
        (&["--since", "0s"], &["must be more than 0, such as 90s", "2026-08-03T14:00:00Z"]),
        (&["--since", "5"], &["write 5s or 5m"]),
        (&["--since", "yesterday"], &["2026-08-03T14:00:00Z", "10m"]),
    ];
    for (words, said) in cases {
        check(words, &[], 2, said);
    }
    check(&[], &[("NUON_GATE_TIMOUT", "9s")], 0, &["NUON_GATE_TIMOUT is not known", "is it NUON_GATE_TIMEOUT?"]);
    check(&[], &[("NUON_GATE_SLACK_WEBHOK_URL", "")], 0, &["is it NUON_GATE_SLACK_WEBHOOK_URL?"]);
    check(&[], &[("NUON_GATE_API_TOKEN", "t")], 0, &["is it NUON_API_TOKEN?"]);
    check(&[], &[("NUON_GATE_OIDC_TOKN_FILE", "f")], 0, &["is it NUON_OIDC_TOKEN_FILE?"]);
    check(&[], &[("NUON_GATE_QQQ", "1")], 0, &["NUON_GATE_QQQ is not known to this version\n"]);
}

#[test]
fn targets_can_be_typed_without_a_flag() {
    let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, PASSING)));
    let (api, worker) = (format!("{INSTALL}/{API}"), format!("{INSTALL}/{WORKER}"));
    let components = |gate: Gate<'_>| -> Vec<String> {
        let result = gate.json().exits(0).result();
        let targets = result["targets"].as_array().unwrap();
        targets.iter().map(|target| target["component"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(components(Gate::at(&sim.url(), "wait").args([&api, &worker])), [API, WORKER]);
    assert_eq!(components(Gate::at(&sim.url(), "wait").args(["-i", INSTALL, "-c", WORKER])), [WORKER]);
    assert_eq!(components(Gate::at(&sim.url(), "wait").args([&api]).env("NUON_GATE_TARGET", &worker)), [API]);
    assert_eq!(components(Gate::at(&sim.url(), "wait").args([&api]).env("NUON_COMPONENT_ID", WORKER)), [API]);
    assert_eq!(components(Gate::at(&sim.url(), "wait").args([&api, "--target", &worker])), [API, WORKER]);
    Gate::at(&sim.url(), "status").args([&api]).run().exits(0);
    Gate::at(&sim.url(), "mark").args([&api]).run().exits(0);
    Gate::bare("wait").args(["api"]).run().refused().says("INSTALL/COMPONENT");
}

#[test]
fn more_is_said_by_every_command_that_is_asked_to() {
    let sim = serve_deploy(PASSING);
    for command in ["wait", "status", "mark"] {
        let target = format!("{INSTALL}/{API}");
        let outcome = Gate::at(&sim.url(), command).args([&target, "-v"]).run();
        assert!(outcome.stderr.contains("GET"), "{command}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains(TOKEN), "{command}: {}", outcome.stderr);
    }
    assert!(Gate::at(&sim.url(), "doctor").args(["-vv"]).run().stderr.contains("GET"));
    for words in [&["explain", "-v"][..], &["completions", "bash", "-v"], &["man", "-v"], &["man", "wait", "-q"]] {
        Gate::bare(words[0]).args(&words[1..]).run().exits(0);
    }
    Gate::bare("-v").args(["explain"]).run().exits(0);
}
