//! Settings from the environment and from the Nuon CLI's file: which one counts, and what "unset" means.

use crate::support::{API, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, WORKER, access, component, serve, serve_deploy};

/// Every flag with its variable, as the program declares them.
fn flags_of(subcommand: &str) -> Vec<(String, String)> {
    let command = nuon_gate::parse::command();
    let command = command.find_subcommand(subcommand).unwrap();
    let flags = command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg.get_env()?)));
    flags.map(|(flag, variable)| (flag.to_owned(), variable.to_str().unwrap().to_owned())).collect()
}

/// The flags that pin a deploy, which must never be dropped silently.
const PINS: [&str; 8] = ["deploy", "workflow", "branch-run", "trigger-response", "build", "commit", "after", "since"];

/// The variables of the Nuon CLI.
const NUON: [&str; 6] =
    ["NUON_API_URL", "NUON_API_TOKEN", "NUON_ORG_ID", "NUON_INSTALL_ID", "NUON_COMPONENT_ID", "NUON_CONFIG_FILE"];

#[test]
fn an_empty_variable_is_an_unset_one() {
    let sim = serve_deploy(r#"{ status = "active" }"#);
    for empty in ["", " ", "\n\t "] {
        for (flag, variable) in flags_of("wait").into_iter().filter(|(flag, _)| !PINS.contains(&flag.as_str())) {
            // With targets and connection from flags, it is as if nothing else were set.
            let gate = Gate::wait(&sim).args(["--api-url", &sim.url(), "--org-id", ORG]);
            let gate = gate.without("NUON_GATE_MIN_INTERVAL").without("NUON_GATE_MAX_INTERVAL").env(&variable, empty);
            let outcome = gate.run();
            assert_eq!(outcome.code, 0, "--{flag}, {variable}={empty:?}:\n{}", outcome.stderr);
            assert!(!outcome.stderr.contains("not known"), "{}", outcome.stderr);
        }
    }
    let all = flags_of("wait").into_iter().filter(|(flag, _)| !PINS.contains(&flag.as_str()));
    let all = all.map(|(_, variable)| variable).chain(NUON.map(str::to_owned));
    let nothing = all.fold(Gate::bare("wait"), |gate, variable| gate.env(&variable, ""));
    nothing.run().refused().says("no install");
}

#[test]
fn an_empty_variable_leaves_the_next_best_one() {
    let sim = serve_deploy(PASSING);
    let gate =
        Gate::wait(&sim).env("NUON_GATE_API_URL", "").env("NUON_GATE_ORG_ID", " ").env("NUON_GATE_TOKEN_FILE", "");
    gate.run().exits(0);
    let gate = Gate::at(&sim.url(), "wait").env("NUON_GATE_INSTALL", "").env("NUON_INSTALL_ID", INSTALL);
    gate.env("NUON_GATE_COMPONENT", "\n").env("NUON_COMPONENT_ID", API).run().exits(0);
}

/// It does so for its extensions, whether or not there is one.
#[test]
fn the_nuon_cli_names_its_own_file_by_the_home_directory() {
    let sim = serve_deploy(PASSING);
    let gate = |path: &str| Gate::wait(&sim).env("NUON_CONFIG_FILE", path);
    gate("~/.nuon").run().exits(0);
    gate("~/other").run().refused().says("cannot read");
    for name in [".nuon", "other"] {
        let gate = gate(&format!("~/{name}")).without("NUON_API_TOKEN");
        gate.home().write(name, format!("api_token: {TOKEN}\n"));
        gate.run().exits(0);
    }
}

#[test]
fn a_variable_that_is_not_unicode_is_refused() {
    #[cfg(unix)]
    {
        let value = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"bld\xff");
        Gate::bare("wait").env("NUON_GATE_BUILD", value).run().refused().says("NUON_GATE_BUILD is not Unicode");
    }
}

#[test]
fn every_flag_has_a_variable() {
    let own = nuon_gate::parse::command();
    for command in own.get_subcommands().filter(|command| command.get_name() != "demo") {
        for arg in command.get_arguments().filter_map(clap::Arg::get_long) {
            let flags = flags_of(command.get_name());
            let expected = format!("NUON_GATE_{}", arg.to_uppercase().replace('-', "_"));
            let found = flags.iter().any(|(flag, variable)| flag == arg && *variable == expected);
            let has_none = matches!(arg, "help" | "version");
            assert_eq!(found, !has_none, "{} --{arg} and {expected}", command.get_name());
        }
    }
}

#[test]
fn a_variable_does_what_its_flag_does() {
    let sim = serve(
        &(access() + &component(API, PASSING) + &component(WORKER, r#"{ status = "queued" }, { status = "noop" }"#)),
    );
    let folder = Folder::new();
    let report = format!("json={}", folder.file("a.json").display());
    let both = format!("{report}\n\n json={}\n", folder.file("b, c.json").display());
    let gate = Gate::at(&sim.url(), "wait")
        .env("NUON_GATE_INSTALL", format!("{INSTALL}\n"))
        .env("NUON_GATE_COMPONENT", format!("{API},{WORKER}\n \n"))
        .env("NUON_GATE_PASS_ON", "noop\nhibernating, dreaming")
        .env("NUON_GATE_OUTPUT", "json")
        .env("NUON_GATE_REPORT", both)
        .env("NUON_GATE_QUIET", "yes")
        .env("NUON_GATE_TIMEOUT", "20s")
        .env("NUON_GATE_FAIL_FAST", "1");
    let outcome = gate.run().exits(0);
    assert_eq!(outcome.result()["targets"].as_array().unwrap().len(), 2);
    assert_eq!(folder.names(), ["a.json", "b, c.json"]);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn booleans_are_words_people_use() {
    let quiet = |value: &str| Gate::wait(&serve_deploy(PASSING)).env("NUON_GATE_QUIET", value).run();
    for value in ["true", "1", "yes", "TRUE", "on"] {
        assert_eq!(quiet(value).exits(0).stderr, "", "{value}");
    }
    for value in ["false", "0", "no", "False"] {
        assert_ne!(quiet(value).exits(0).stderr, "", "{value}");
    }
    for value in ["maybe", "2", "-"] {
        quiet(value).refused().says("--quiet").says("NUON_GATE_QUIET");
    }
    let sim = serve_deploy(PASSING);
    let traced = Gate::wait(&sim).env("NUON_GATE_VERBOSE", "1").run().exits(0);
    assert!(traced.stderr.contains("GET"), "{}", traced.stderr);
}

#[test]
fn the_better_source_counts() {
    let sim = serve_deploy(PASSING);
    let wrong = "http://127.0.0.1:9";
    let gate = || Gate::wait(&sim).without("NUON_API_URL").args(["--timeout", "10s"]);
    let file = Folder::new();
    let config = |url: &str| file.write("nuon", format!("api_url: {url}\n"));
    gate().args(["--api-url", &sim.url()]).env("NUON_GATE_API_URL", wrong).env("NUON_API_URL", wrong).run().exits(0);
    gate().env("NUON_GATE_API_URL", sim.url()).env("NUON_API_URL", wrong).run().exits(0);
    gate().env("NUON_API_URL", sim.url()).env("NUON_CONFIG_FILE", config(wrong)).run().exits(0);
    gate().env("NUON_CONFIG_FILE", config(&sim.url())).run().exits(0);
    let worse = gate().env("NUON_GATE_API_URL", wrong).env("NUON_API_URL", sim.url());
    worse.args(["--api-outage", "100ms"]).run().exits(7);
}

#[test]
fn targets_on_the_command_line_replace_those_of_the_environment() {
    let sim = serve(&(access() + &component(API, PASSING) + &component(WORKER, PASSING)));
    let gate = || Gate::at(&sim.url(), "wait").env("NUON_INSTALL_ID", INSTALL).env("NUON_COMPONENT_ID", "cmpnone");
    let waited_for = |gate: Gate<'_>| {
        let result = gate.json().exits(0).result();
        let targets = result["targets"].as_array().unwrap();
        targets.iter().map(|target| target["component"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(waited_for(gate().args(["--component", API])), [API]);
    assert_eq!(waited_for(gate().args(["--target", &format!("{INSTALL}/{WORKER}")])), [WORKER]);
    assert_eq!(waited_for(gate().env("NUON_GATE_COMPONENT", WORKER)), [WORKER]);
    let pair = format!("{INSTALL}/cmpnone");
    assert_eq!(waited_for(gate().args(["--component", API]).env("NUON_GATE_TARGET", pair)), [API]);
}

#[test]
fn an_unknown_variable_of_ours_is_warned_of() {
    let sim = serve_deploy(PASSING);
    let outcome = Gate::wait(&sim).env("NUON_GATE_TIMEOOT", "9s").env("NUON_OTHER", "x").run().exits(0);
    assert!(outcome.stderr.contains("warning: the variable NUON_GATE_TIMEOOT"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("NUON_OTHER") && !outcome.stderr.contains("9s"), "{}", outcome.stderr);
}

#[test]
fn help_shows_names_and_never_values() {
    for command in ["wait", "status", "explain", "sim"] {
        let variables = flags_of(command);
        let gate = variables.iter().fold(Gate::bare(command), |gate, (_, variable)| gate.env(variable, "hunter2"));
        let gate = NUON.iter().fold(gate, |gate, variable| gate.env(variable, "hunter2"));
        let help = gate.args(["--help"]).run().exits(0);
        assert!(!help.stdout.contains("hunter2") && !help.stderr.contains("hunter2"), "{}", help.stdout);
        for (flag, variable) in variables {
            assert!(help.stdout.contains(&format!("--{flag}")) && help.stdout.contains(&variable), "{command}: {flag}");
        }
    }
}

/// `wait` that has to take its connection from the file.
fn logged_in(home: &str, url: &str) -> Gate<'static> {
    let gate = Gate::at(url, "wait").without("NUON_API_URL").without("NUON_API_TOKEN").without("NUON_ORG_ID");
    gate.home().write(".nuon", home);
    gate.args(["--install", INSTALL, "--component", API, "--timeout", "5s"])
}

#[test]
fn who_is_logged_in_needs_no_set_up() {
    let sim = serve_deploy(PASSING);
    let url = sim.url();
    let file = format!(
        "# by nuon login\napi_url: {url}\napi_token: {TOKEN}\norg_id: {ORG}\ninstall_id: inlnone\nmore: {{a: [1]}}\n"
    );
    logged_in(&file, &url).run().exits(0);
    // Any file can be named, and then the usual one does not matter.
    let folder = Folder::new();
    let path = folder.write("other.yaml", &file);
    logged_in("][", &url).args(["--config"]).args([&path]).run().exits(0);
    logged_in("][", &url).env("NUON_CONFIG_FILE", &path).run().exits(0);
    // The file's install is the CLI's current one, not what the pipeline waits for.
    let gate = Gate::bare("wait").env("NUON_CONFIG_FILE", &path).args(["--component", API]);
    gate.run().refused().says("no install");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_and_never_quoted() {
    let url = "http://127.0.0.1:9";
    for content in
        ["][", "hunter2", "- hunter2", "api_token: [hunter2]", "api_token: \"hunter2", "a: b: hunter2", "\thunter2: x"]
    {
        let outcome = logged_in(content, url).run().refused().says(".nuon").says("--config").says("NUON_CONFIG_FILE");
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
    let gate = logged_in("", url);
    gate.home().write(".nuon", b"api_token: \xff\xfe\n");
    gate.run().refused().says(".nuon");
    let gate = logged_in("", url);
    std::fs::remove_file(gate.home().file(".nuon")).unwrap();
    std::fs::create_dir(gate.home().file(".nuon")).unwrap();
    gate.run().refused().says(".nuon");
    // The user is not logged in.
    for content in ["", "# nothing\n", "api_token: ''\n", "null\n"] {
        logged_in(content, url).run().refused().says("no organisation");
    }
    Gate::bare("wait").without("HOME").args(["--install", INSTALL, "--component", API]).run().refused();
}
