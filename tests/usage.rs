//! The response to bad input: a message that names the flag and the variable, a hint, exit 2, and no result.

use crate::support::{API, Folder, Gate, INSTALL, Outcome, PASSING, TOKEN, WORKER, serve_deploy};

/// A complete command line that is never sent anywhere, because nothing listens at the address.
fn complete() -> Gate<'static> {
    let gate = Gate::at("http://127.0.0.1:9", "wait").env("NUON_GATE_TIMEOUT", "2s");
    gate.args(["--install", INSTALL, "--component", API])
}

/// Checks that a run was refused, that it left no files, and that stderr contains these words.
#[track_caller]
fn refused(gate: Gate<'_>, words: &[&str]) -> Outcome {
    let mut outcome = gate.run().refused();
    for words in words {
        outcome = outcome.says(words);
    }
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(TOKEN), "{}", outcome.stderr);
    outcome
}

#[test]
fn a_missing_setting_is_named_with_flag_and_variable() {
    let missing = [
        (complete().without("NUON_API_TOKEN"), "no API token", ["--token-file", "NUON_API_TOKEN"]),
        (complete().without("NUON_ORG_ID"), "no organisation", ["--org-id", "NUON_ORG_ID"]),
        (Gate::at("http://127.0.0.1:9", "wait"), "no install", ["--install", "NUON_INSTALL_ID"]),
        (
            Gate::at("http://127.0.0.1:9", "wait").args(["--install", INSTALL]),
            "no component",
            ["--component", "NUON_COMPONENT_ID"],
        ),
        (
            Gate::at("http://127.0.0.1:9", "status").args(["--component", API]),
            "no install",
            ["--install", "NUON_INSTALL_ID"],
        ),
    ];
    for (gate, trouble, names) in missing {
        refused(gate, &[trouble, names[0], names[1]]);
    }
}

#[test]
fn an_unknown_flag_or_command_is_refused_with_the_nearest() {
    refused(complete().args(["--componant", "x"]), &["--componant", "--component"]);
    refused(complete().args(["--nonsense"]), &["--nonsense", "--help"]);
    refused(Gate::bare("wiat"), &["wiat", "wait"]);
    refused(Gate::bare("wait").args(["stray"]), &["stray"]);
    refused(Gate::bare("--verbose"), &["no command was given"]);
}

#[test]
fn what_is_missing_or_unexpected_leads_to_the_help_of_its_command() {
    refused(Gate::bare("notify"), &["<ACTION> is missing", "hint: try `nuon-gate notify --help`"]);
    refused(Gate::bare("notify").args(["render"]), &["--result <PATH> is missing"]);
    refused(Gate::bare("wait").args(["--bogus"]), &["--bogus", "hint: try `nuon-gate wait --help`"]);
    refused(Gate::bare("bogus"), &["bogus", "hint: try `nuon-gate --help`"]);
    for (typed, hint) in [("", "try `nuon-gate completions --help`"), ("foo", "powershell, zsh]")] {
        refused(Gate::bare("completions").args(typed.split_whitespace()), &["SHELL", hint]);
    }
    let help = Gate::bare("wait").args(["--help"]).run().exits(0).stdout;
    assert_eq!(Gate::bare("help").args(["wait"]).run().exits(0).stdout, help);
    assert!(help.contains("Usage: nuon-gate wait [OPTIONS] [INSTALL/COMPONENT]... [-- <COMMAND>...]"), "{help}");
}

#[test]
fn a_bad_duration_is_refused() {
    let flags =
        ["--timeout", "--start-timeout", "--api-outage", "--min-interval", "--max-interval", "--request-timeout"];
    for flag in flags {
        let variable = format!("NUON_GATE_{}", flag[2..].to_uppercase().replace('-', "_"));
        let values = [
            "0",
            "0s",
            "-5m",
            "10",
            "ten minutes",
            "5m ago",
            "99999999999999999999h",
            "999999h",
            "1e9s",
            "\u{1b}[31m5m",
            "P1Y",
        ];
        for value in values {
            refused(complete().without(&variable).args([flag, value]), &[flag, &variable]);
            refused(complete().env(&variable, value), &[flag, &variable]);
        }
    }
    for flag in ["--settle", "--bake"] {
        let variable = format!("NUON_GATE_{}", flag[2..].to_uppercase());
        for value in ["-5m", "+-5m", "10", "ten minutes", "999999h"] {
            refused(complete().args([flag, value]), &[flag, &variable]);
            refused(complete().env(&variable, value), &[flag, &variable]);
        }
    }
    for flag in ["--timeout", "--min-interval", "--request-timeout"] {
        let variable = format!("NUON_GATE_{}", flag[2..].to_uppercase().replace('-', "_"));
        refused(complete().without(&variable).args([flag, "off"]), &[flag]);
    }
}

#[test]
fn a_duration_whose_default_is_zero_can_be_given_as_zero() {
    let sim = serve_deploy(PASSING);
    for (flag, variable) in [("--settle", "NUON_GATE_SETTLE"), ("--bake", "NUON_GATE_BAKE")] {
        for value in ["0", "0s", "off"] {
            Gate::wait(&sim).args([flag, value]).run().exits(0);
            Gate::wait(&sim).env(variable, value).run().exits(0);
        }
    }
}

#[test]
fn intervals_the_wrong_way_round_are_refused() {
    let words = ["--min-interval", "--max-interval", "NUON_GATE_MIN_INTERVAL", "NUON_GATE_MAX_INTERVAL"];
    refused(complete().args(["--min-interval", "5s", "--max-interval", "4s"]), &words);
    refused(complete().without("NUON_GATE_MIN_INTERVAL").args(["--max-interval", "0.5ms"]), &words);
    // Of the two, a default gives way to what was given.
    let sim = serve_deploy(r#"{ status = "active" }"#);
    for (flag, value, other) in [
        ("--min-interval", "60s", "NUON_GATE_MAX_INTERVAL"),
        ("--max-interval", "1s", "NUON_GATE_MIN_INTERVAL"),
        ("--max-interval", "1ms", "NUON_GATE_MIN_INTERVAL"),
    ] {
        Gate::wait(&sim).without(other).args([flag, value]).run().exits(0);
    }
}

#[test]
fn a_bad_id_is_refused() {
    let long = "x".repeat(256);
    for id in ["..", ".", "a/b", "a\\b", "a\u{7}b", "a\u{202e}b", long.as_str()] {
        refused(
            Gate::at("http://127.0.0.1:9", "wait").args(["--install", id, "--component", API]),
            &["--install", "NUON_INSTALL_ID"],
        );
        refused(
            Gate::at("http://127.0.0.1:9", "wait").args(["--install", INSTALL, "--component", id]),
            &["--component", "NUON_COMPONENT_ID"],
        );
        refused(complete().args(["--deploy", id]), &["--deploy", "NUON_GATE_DEPLOY"]);
        refused(complete().args(["--org-id", id]), &["--org-id", "NUON_ORG_ID"]);
    }
    for target in ["acme", "acme/", "/api", "acme/../api", "acme/a/b"] {
        refused(complete().args(["--target", target]), &["--target", "NUON_GATE_TARGET"]);
    }
}

#[test]
fn one_deploy_cannot_be_that_of_several_targets() {
    refused(complete().args(["--component", WORKER, "--deploy", "dplone"]), &["--deploy", "NUON_GATE_DEPLOY"]);
    refused(complete().args(["--component", WORKER, "--after", "dplone"]), &["--after", "NUON_GATE_AFTER", "mark"]);
}

#[test]
fn a_requirement_that_cannot_be_met_is_refused() {
    for require in ["0", "-1", "most", "1.5", "18446744073709551616"] {
        refused(complete().args([&format!("--require={require}")]), &["--require", "NUON_GATE_REQUIRE"]);
    }
    refused(complete().args(["--require", "2"]), &["--require", "NUON_GATE_REQUIRE", "only 1"]);
}

#[test]
fn a_status_in_two_lists_is_refused() {
    let lists = ["--pass-on", "--fail-on", "--wait-on", "NUON_GATE_PASS_ON"];
    refused(complete().args(["--pass-on", "noop", "--fail-on", "error,noop"]), &lists);
    refused(complete().args(["--wait-on", "noop"]).env("NUON_GATE_PASS_ON", "noop"), &lists);
    refused(Gate::bare("explain").args(["--wait-on", "hibernating", "--fail-on", "hibernating"]), &lists);
}

#[test]
fn a_bad_exit_mapping_is_refused() {
    for mapping in
        ["timed_out", "timed_out=", "timed_out=256", "timed_out=-1", "usage=0", "nonsense=0", "=0", "failed=0,failed=1"]
    {
        refused(complete().args(["--map-exit", mapping]), &["--map-exit", "NUON_GATE_MAP_EXIT"]);
    }
}

#[test]
fn a_bad_address_is_refused_and_its_secrets_are_not_repeated() {
    let addresses = [
        "https://alice:hunter2@api.example",
        "https://hunter2@api.example",
        "https://api.example/?token=hunter2",
        "https://api.example/#hunter2",
        "ftp://hunter2.example",
        "api.nuon.co",
        "https://",
        "https://[::1",
        "https://$hunter2",
        "https://${hunter2}/api",
        "https://api.$(hunter2).example",
        "//api.example",
    ];
    for address in addresses {
        let outcome = refused(complete().env("NUON_API_URL", address), &["--api-url", "NUON_API_URL"]);
        assert!(!outcome.stderr.contains("hunter2") || address.starts_with("ftp"), "{}", outcome.stderr);
        let outcome = refused(complete().args(["--api-url", address]), &["--api-url", "NUON_API_URL"]);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let outcome = refused(complete().args(["--api-url", "http://api.example"]), &["unencrypted", "--allow-http"]);
    assert!(outcome.stderr.contains("NUON_GATE_ALLOW_HTTP"), "{}", outcome.stderr);
    // A name that cannot exist is requested, which shows that the address was accepted. That is no usage error.
    let gate = complete().args(["--api-url", "http://api.invalid", "--allow-http", "--timeout", "200ms"]);
    gate.json().exits(124);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = Folder::new();
    let absent = folder.file("absent");
    let path = absent.to_str().unwrap();
    let cases = [
        ("--token-file", "NUON_GATE_TOKEN_FILE"),
        ("--ca-file", "NUON_GATE_CA_FILE"),
        ("--config", "NUON_CONFIG_FILE"),
    ];
    for (flag, variable) in cases {
        refused(complete().args([flag, path]), &[flag, variable, path]);
        refused(complete().env(variable, path), &[flag, variable, path]);
        refused(complete().env(variable, folder.path()), &[flag, variable]);
    }
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_and_not_repeated() {
    let folder = Folder::new();
    for token in ["hunter2\nhunter3", "hunt\u{e9}r2", "hunter2 hunter3", "hunter2\u{0}"] {
        let path = folder.write("token", token);
        let outcome = refused(complete().args(["--token-file"]).args([&path]), &["--token-file", "NUON_API_TOKEN"]);
        assert!(!outcome.stderr.contains("hunter") && !outcome.stderr.contains("hunt\u{e9}r"), "{}", outcome.stderr);
    }
    refused(complete().args(["--token-file"]).args([folder.write("token", " \n")]), &["empty", "--token-file"]);
    refused(complete().args(["--token-file"]).args([folder.write("token", b"\xff\xfe")]), &["--token-file"]);
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_wait() {
    let folder = Folder::new();
    let gone = folder.file("gone").join("result.json");
    let gone = format!("json={}", gone.display());
    refused(complete().args(["--report", &gone]), &["--report", "NUON_GATE_REPORT"]);
    refused(complete().env("NUON_GATE_REPORT", &gone), &["--report", "NUON_GATE_REPORT"]);
    let directory = format!("json={}", folder.path().display());
    refused(complete().args(["--report", &directory]), &["--report", "NUON_GATE_REPORT"]);
    for report in [
        "result.json",
        "xml=result.xml",
        "json=",
        "=result.json",
        "json=-",
        "junit=-",
        "json=/proc/x",
        "json=/dev/null/x",
    ] {
        refused(complete().args(["--report", report]), &["--report", "NUON_GATE_REPORT"]);
    }
    // A report that could be written is removed if another one could not.
    let fine = format!("json={}", folder.file("fine.json").display());
    refused(complete().args(["--report", &fine, "--report", &gone]), &["--report"]);
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn an_unknown_choice_is_refused_with_the_known_ones() {
    refused(complete().args(["--output", "yaml"]), &["--output", "NUON_GATE_OUTPUT", "ndjson"]);
    refused(complete().env("NUON_GATE_OUTPUT", "yaml"), &["--output", "NUON_GATE_OUTPUT", "ndjson"]);
}

#[test]
fn no_command_is_refused_with_a_first_step() {
    let outcome = Gate::bare("--").run().refused();
    assert!(outcome.stderr.contains("demo"), "{}", outcome.stderr);
}

#[test]
fn nothing_is_asked_when_the_usage_is_bad() {
    let sim = serve_deploy(PASSING);
    refused(Gate::wait(&sim).args(["--require", "2"]), &[]);
    refused(Gate::wait(&sim).args(["--report", "json=/nonexistent/x.json"]), &[]);
    assert_eq!(sim.requests().len(), 0);
}

#[test]
fn the_simulator_refuses_bad_scripts_and_addresses() {
    let folder = Folder::new();
    let scripts = [
        "not toml [",
        "[[component]]\nid = \"x\"\n",
        "unknown = 1\n",
        "[[component]]\ninstall = \"a\"\nid = \"b\"\n[[component.deploy]]\nstatuses = []\n",
        "[[fault]]\nanswer = \"explode\"\n",
        "[[component]]\ninstall = \"a\"\nid = \"b\"\n[[component.deploy]]\nstatuses = [{ status = \"x\", for = \"soon\" }]\n",
    ];
    for script in scripts {
        let path = folder.write("script.toml", script);
        refused(Gate::bare("sim").args(["--script"]).args([&path]), &["--script", "NUON_GATE_SCRIPT", "script.toml"]);
    }
    refused(Gate::bare("sim").args(["--script", "/nonexistent.toml"]), &["--script", "NUON_GATE_SCRIPT"]);
    refused(Gate::bare("sim").args(["--listen", "nowhere"]), &["--listen", "NUON_GATE_LISTEN"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    refused(Gate::bare("sim").args(["--listen", &address]), &["--listen", "NUON_GATE_LISTEN"]);
}
