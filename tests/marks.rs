//! Distinguishing old deploys from new ones: `mark`, `--after`, and `wait -- COMMAND`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{API, Folder, Gate, INSTALL, PASSING, access, component, one_deploy, serve};

/// A component with an old deploy, and a new one after this many polls.
fn old_and_new(polls: u32, status: &str) -> String {
    format!(
        "{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n\
         [[component.deploy]]\nid = \"dplold\"\nworkflow = \"inwold\"\nstatuses = [{{ status = \"active\" }}]\n\
         [[component.deploy]]\nid = \"dplnew\"\nworkflow = \"inwnew\"\nafter_polls = {polls}\n\
         statuses = [{{ status = \"queued\" }}, {{ status = \"{status}\" }}]\n",
        access()
    )
}

/// Marks the one component. Returns the marks.
fn mark(url: &str, path: &std::path::Path) -> Value {
    let gate = Gate::at(url, "mark").args(["--install", INSTALL, "--component", API, "--file"]).args([path]);
    gate.run().exits(0);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn what_is_marked_is_old() {
    let folder = Folder::new();
    let path = folder.file("marks.json");
    for (status, code) in [("active", 0), ("error", 1)] {
        let sim = serve(&old_and_new(4, status));
        let marks = mark(&sim.url(), &path);
        assert_eq!(marks["targets"][0]["deploy_id"], "dplold");
        let outcome = Gate::wait(&sim).args(["--after"]).args([&path]).json().exits(code);
        let target = outcome.target();
        assert_eq!((&target["deploy"]["id"], &target["matched_by"]), (&json!("dplnew"), &json!("after")));
    }
}

#[test]
fn a_baseline_can_be_named_by_its_id() {
    let sim = serve(&old_and_new(4, "active"));
    let target = Gate::wait(&sim).args(["--after", "dplold"]).json().exits(0).target();
    assert_eq!(target["deploy"]["id"], "dplnew");
    let sim = serve(&old_and_new(1000, "active"));
    let gate = Gate::wait(&sim).args(["--after", "dplold", "--start-timeout", "100ms"]);
    assert_eq!(gate.json().exits(124).target()["clock"], "start");
}

#[test]
fn what_came_after_the_baseline_and_does_not_count_is_named() {
    let row = |id: &str, more: &str| format!("[[component.deploy]]\nid = \"{id}\"\nworkflow = \"inwold\"\n{more}\n");
    let old = row("dplold", "statuses = [{ status = \"error\" }, { status = \"retried\" }]");
    for (newer, words) in [
        (
            row("dplnew", "after_polls = 2\nstatuses = [{ status = \"active\" }]"),
            "dplnew, retries the deploy that a newer one is waited for",
        ),
        (row("dplnew", "after_polls = 2\ntype = \"recover\""), "dplnew, deploys nothing that could be waited for"),
    ] {
        let script = format!("{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n{old}{newer}", access());
        let sim = serve(&script);
        let outcome = Gate::wait(&sim).args(["--after", "dplold", "--start-timeout", "200ms"]).json().exits(124);
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
    }
}

#[test]
fn none_yet_is_marked_as_well() {
    let folder = Folder::new();
    let path = folder.file("marks.json");
    let script = access()
        + &format!("[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n")
        + "[[component.deploy]]\nafter_polls = 4\nstatuses = [{ status = \"active\" }]\n";
    let sim = serve(&script);
    assert_eq!(mark(&sim.url(), &path)["targets"][0]["deploy_id"], Value::Null);
    Gate::wait(&sim).args(["--after"]).args([&path]).json().exits(0);
}

#[test]
fn a_mark_fails_on_any_trouble() {
    let folder = Folder::new();
    for (fault, code) in [("code = 500", 7), ("code = 401", 3)] {
        let fault = format!("[[fault]]\non = \"latest\"\nanswer = \"status\"\n{fault}\n");
        let sim = serve(&(old_and_new(4, "active") + &fault));
        let gate = Gate::at(&sim.url(), "mark").args(["--install", INSTALL, "--component", API, "--file", "marks"]);
        gate.run().exits(code).says("could not be marked");
    }
    let sim = serve(&(access() + &component(API, r#"{ status = "active" }"#)));
    let gate = Gate::at(&sim.url(), "mark").args(["--install", INSTALL, "--component", "cmpnone"]);
    gate.run().exits(3);
    let other = folder.write("other", r#"{"schema": 1, "targets": []}"#);
    Gate::wait(&sim).args(["--after"]).args([other]).run().refused().says("does not mention");
    let garbage = folder.write("garbage.json", "{");
    Gate::wait(&sim).args(["--after"]).args([garbage]).run().refused().says("--after");
}

/// What an ingress says while the API cannot be reached.
const OF_INGRESS: [&str; 3] = ["code = 502\nbody = \"html\"", "code = 404\nbody = \"html\"", "code = 429"];

#[test]
fn a_mark_lives_through_what_passes() {
    for fault in OF_INGRESS {
        let script = old_and_new(4, "active") + "[[fault]]\non = \"latest\"\nnth = [1]\nanswer = \"status\"\n" + fault;
        let sim = serve(&script);
        Gate::at(&sim.url(), "mark").args(["--install", INSTALL, "--component", API]).run().exits(0);
    }
}

#[cfg(unix)]
#[test]
fn the_mark_before_a_command_lives_through_what_a_wait_does() {
    for fault in OF_INGRESS {
        let script =
            old_and_new(4, "active") + "[[fault]]\non = \"latest\"\nnth = [1, 2]\nanswer = \"status\"\n" + fault;
        let outcome = Gate::wait(&serve(&script)).json_with(["--", "/bin/true"]).exits(0);
        assert_eq!(outcome.target()["deploy"]["id"], "dplnew", "{fault}");
    }
    let sim = serve(&(old_and_new(4, "active") + "[[fault]]\non = \"latest\"\nanswer = \"status\"\ncode = 500\n"));
    let outage = Gate::wait(&sim).args(["--api-outage", "500ms", "--", "/bin/true"]);
    outage.run().exits(7).says("so the command was not run").says("no answer that marks the targets yet");
    let total = Gate::wait(&sim).args(["--api-outage", "off", "--timeout", "500ms", "--", "/bin/true"]);
    total.run().exits(124).says("so the command was not run");
    let foreign = "[[fault]]\non = \"latest\"\nanswer = \"status\"\ncode = 404\nbody = \"html\"\n";
    let sim = serve(&(old_and_new(4, "active") + foreign));
    Gate::wait(&sim).args(["--", "/bin/true"]).run().exits(3).says("so the command was not run");
    assert_eq!(sim.requests().len(), 3);
}

#[test]
fn marks_that_nobody_gets_are_a_failure() {
    let sim = serve(&old_and_new(4, "active"));
    let mark = || Gate::at(&sim.url(), "mark").args(["--install", INSTALL, "--component", API]);
    // The marks are the purpose of `mark`, as the exit code is the purpose of a wait.
    mark().with_closed_stdout().run().exits(2).says("cannot write the marks");
    #[cfg(target_os = "linux")]
    {
        let null = std::fs::OpenOptions::new();
        let null = |read| null.clone().read(read).write(true).open("/dev/null").unwrap();
        assert_eq!(mark().code_with(null(false), Stdio::null()), Some(0), "nobody wants to see them");
        assert_eq!(mark().code_with(null(true), Stdio::null()), Some(2), "stdout was closed");
    }
    let outcome = mark().args(["--file", "-"]).run().exits(0);
    let marks: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&marks["targets"][0]["deploy_id"], outcome.home), (&json!("dplold"), vec![]));
    #[cfg(target_os = "linux")]
    for path in ["/dev/full", "/proc/marks", "/dev/null/marks"] {
        mark().args(["--file", path]).run().exits(2).says("--file (NUON_GATE_FILE)");
    }
}

#[test]
fn marks_that_name_a_target_twice_are_refused() {
    let sim = serve(&one_deploy(PASSING));
    let folder = Folder::new();
    let mark = |deploy: &str| {
        format!(
            r#"{{"install": "{INSTALL}", "component": "{API}", "deploy_id": {deploy}, "created_at": null, "server_time": "2026-08-03T14:02:11Z"}}"#
        )
    };
    let twice = format!(r#"{{"schema": 1, "targets": [{}, {}]}}"#, mark("\"dpl1\""), mark("null"));
    let file = folder.write("twice", twice);
    Gate::wait(&sim).args(["--after"]).args([file]).run().refused().says("is in it twice");
}

#[test]
fn marks_of_another_form_or_size_are_refused() {
    let folder = Folder::new();
    let sim = serve(&old_and_new(4, "active"));
    let mark = format!(
        r#"{{"install": "{INSTALL}", "component": "{API}", "deploy_id": "dplold", "created_at": null, "server_time": ""}}"#
    );
    let with = |schema: &str| format!(r#"{{"schema": {schema}, "targets": [{mark}]}}"#);
    let cases = [
        (with("2"), "it has schema 2, and this version reads 1"),
        (r#"{"schema": 2, "marks": {}}"#.to_owned(), "it has schema 2, and this version reads 1"),
        (format!(r#"{{"targets": [{mark}]}}"#), "it has no schema, as what `mark` writes has"),
        (String::new(), "it is empty"),
        ("[]".to_owned(), "it is JSON of another form, at line 1"),
        (r#"{"schema": "1"}"#.to_owned(), "it is JSON of another form, at line 1"),
        (r#"{"schema": 1}"#.to_owned(), "it is JSON of another form, at line 1"),
        (r#"{"schema": 1, "targets": ["#.to_owned(), "it breaks off at line 1"),
        ("\nschema: 1".to_owned(), "it is not JSON, from line 2, column 1 on"),
        (with("1") + &" ".repeat(16 << 20), "it is larger than 16 MiB"),
    ];
    for (text, words) in cases {
        let file = folder.write("marks.json", &text);
        Gate::wait(&sim).args(["--after"]).args([file]).run().refused().says(words).says("--after");
    }
    assert_eq!(sim.requests().len(), 0, "nothing was waited for");
    let file = folder.write("marks.json", with("1"));
    Gate::wait(&sim).args(["--after"]).args([file]).json().exits(0);
}

#[cfg(unix)]
#[test]
fn a_command_is_run_between_the_mark_and_the_wait() {
    let sim = serve(&old_and_new(4, "active"));
    let outcome = Gate::wait(&sim).json_with(["--", "/bin/sh", "-c", "echo triggered"]).exits(0);
    assert_eq!(outcome.target()["deploy"]["id"], "dplnew");
    assert!(outcome.stderr.contains("triggered"), "its output is passed through:\n{}", outcome.stderr);

    let sim = serve(&old_and_new(4, "active"));
    let outcome = Gate::wait(&sim).args(["--", "/bin/sh", "-c", "exit 3"]).run().exits(1).says("nothing to wait for");
    assert!(outcome.stdout.starts_with("failed: /bin/sh failed (exit status: 3)"), "{}", outcome.stdout);
    assert_eq!(sim.requests().len(), 1, "nothing was waited for");
    Gate::wait(&sim).args(["--", "/nonexistent"]).run().refused();
    Gate::wait(&sim).args(["--after", "dplold", "--", "/bin/true"]).run().refused().says("--after");
    Gate::wait(&sim).args(["--deploy", "dplold", "--", "/bin/true"]).run().refused().says("--deploy");
    let gate = Gate::wait(&sim).env("NUON_GATE_DEPLOY", "dplold").args(["--", "/bin/true"]);
    gate.run().refused().says("NUON_GATE_DEPLOY");
    // The command's answer names an old deploy.
    let answer = Folder::new();
    let answer = answer.write("answer", r#"{"id": "dplold"}"#);
    let gate = Gate::wait(&sim).args(["--trigger-response"]).args([answer]).args(["--", "/bin/true"]);
    gate.run().exits(3).says("deploy dplold is not newer than what was there before");
}

#[cfg(unix)]
#[test]
fn after_a_command_that_triggers_nothing_nobody_has_pinned_anything() {
    let sim = serve(&old_and_new(100_000, "active"));
    let gate = Gate::wait(&sim).args(["--start-timeout", "100ms"]).json_with(["--", "/bin/true"]);
    let outcome = gate.exits(124).says("no new deploy appeared within 100ms after the command");
    assert_eq!(outcome.reason(), "no new deploy appeared within 100ms after the command");
    assert!(!outcome.stderr.contains("pin"), "{}", outcome.stderr);
    let hint = outcome.target()["hint"].as_str().unwrap().to_owned();
    assert!(hint.starts_with("check that the command triggers a deploy of this component"), "{hint}");
}

#[test]
fn a_triggers_answer_names_the_deploy_or_its_workflow() {
    let folder = Folder::new();
    let answers = [
        ("deploy", "{\"id\": \"dplnew\", \"workflow_id\": \"inwnew\"}"),
        ("workflow", "HTTP/1.1 201 Created\r\nX-Nuon-Install-Workflow-ID: inwnew\r\n\r\n\"ok\""),
    ];
    for (matched_by, answer) in answers {
        let sim = serve(&old_and_new(0, "active"));
        let path = folder.write("answer", answer);
        let target = Gate::wait(&sim).args(["--trigger-response"]).args([path]).json().exits(0).target();
        assert_eq!((&target["deploy"]["id"], &target["matched_by"]), (&json!("dplnew"), &json!(matched_by)));
    }
    let sim = serve(&old_and_new(0, "active"));
    let gate = Gate::wait(&sim).args(["--trigger-response"]).args([folder.write("answer", "\"ok\"")]);
    gate.run().refused().says("names neither a deploy nor a workflow").says("NUON_GATE_TRIGGER_RESPONSE");
}

#[cfg(unix)]
#[test]
fn what_stands_after_two_dashes_is_handed_on_as_it_is() {
    let sim = serve(&old_and_new(2, "active"));
    let folder = Folder::new();
    let file = folder.file("arguments");
    let script = format!("printf '<%s>' \"$@\" > {}", file.display());
    Gate::wait(&sim).args(["--", "sh", "-c", &script, "sh", "--install", "", "--after="]).run().exits(0);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "<--install><><--after=>");
}

#[test]
fn a_command_that_fails_has_a_whole_result() {
    let folder = Folder::new();
    let report = folder.file("result.json");
    let run = |gate: Gate<'_>, command: &[&str]| {
        let reports = ["--report".to_owned(), format!("json={}", report.display())];
        let outcome = gate.args(["--output", "json"]).args(reports).args(["--"]).args(command).run();
        let result: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(std::fs::read_to_string(&report).unwrap(), outcome.stdout);
        assert_eq!(result["exit_code"], outcome.code);
        result
    };
    let sim = serve(&old_and_new(4, "active"));
    let result = run(Gate::wait(&sim), &["/bin/sh", "-c", "exit 3"]);
    assert_eq!((&result["verdict"], &result["exit_code"]), (&json!("failed"), &json!(1)));
    assert_eq!(result["reason"], "/bin/sh failed (exit status: 3), so there is nothing to wait for");
    assert_eq!(result["targets"][0]["verdict"], "pending");
    // An unknown name is reported before anything is triggered.
    let triggered = folder.file("triggered");
    let gate = Gate::at(&sim.url(), "wait").args(["--install", INSTALL, "--component", "nobodys"]);
    let result = run(gate, &["touch", triggered.to_str().unwrap()]);
    assert_eq!((&result["verdict"], &result["exit_code"]), (&json!("rejected"), &json!(3)));
    assert!(result["reason"].as_str().unwrap().ends_with("so the command was not run"), "{}", result["reason"]);
    assert!(!triggered.exists());
    // So is an unreachable API.
    let gate = Gate::at("http://127.0.0.1:9", "wait").args(["--install", INSTALL, "--component", API]);
    let result = run(gate.args(["--api-outage", "300ms"]), &["touch", triggered.to_str().unwrap()]);
    assert_eq!((&result["verdict"], &result["exit_code"]), (&json!("inconclusive"), &json!(7)));
    assert!(!triggered.exists());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_command_and_a_read_after_it() {
    use nix::sys::signal::Signal::{SIGINT, SIGTERM};
    let sim = serve(&old_and_new(4, "active"));
    let gate = || Gate::wait(&sim).args(["--output", "json", "--map-exit", "interrupted=0"]);
    let mut running = gate().args(["--", "sh", "-c", "echo running; exec sleep 60"]).start();
    running.wait_for("running").send(SIGINT);
    let result = running.end().exits(0).result();
    assert_eq!((&result["verdict"], &result["exit_code"]), (&json!("interrupted"), &json!(0)));
    assert!(result["reason"].as_str().unwrap().contains("may have triggered a deploy"), "{}", result["reason"]);

    let folder = Folder::new();
    let pipe = folder.file("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let gate = Gate::wait(&sim).args(["--output", "json", "--trigger-response"]).args([&pipe]);
    let mut running = gate.args(["--", "sh", "-c", "echo triggered"]).start();
    running.wait_for("triggered");
    // Nothing ever writes to the pipe. The reader is in the kernel, or about to be.
    running.send(SIGTERM);
    let result = running.end().exits(143).result();
    assert_eq!(result["verdict"], "interrupted");
}

#[test]
fn a_pin_beside_another_one_in_a_triggers_answer_is_refused() {
    let sim = serve(&old_and_new(0, "error"));
    let folder = Folder::new();
    let answer = folder.write("answer", r#"{"id": "dplnew", "workflow_id": "inwnew"}"#);
    let gate = || Gate::wait(&sim).args(["--trigger-response"]).args([&answer]);
    gate().args(["--deploy", "dplold"]).run().refused().says("dplold").says("dplnew");
    gate().env("NUON_GATE_DEPLOY", "dplold").run().refused().says("NUON_GATE_DEPLOY");
    gate().args(["--workflow", "inwold"]).run().refused().says("inwnew");
    // The same pin twice counts as one.
    gate().args(["--deploy", "dplnew"]).run().exits(1);
}

/// Triggers something at the simulator, as a pipeline would. Returns the answer's body.
fn trigger(sim: &nuon_gate_sim::Sim, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let address = sim.url().replace("http://", "");
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let (token, org) = (crate::support::TOKEN, crate::support::ORG);
    let head = format!(
        "POST /v1/installs/{INSTALL}/components/{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         X-Nuon-Org-ID: {org}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_recipe_can_be_rehearsed_from_its_trigger_to_the_verdict() {
    let failing =
        "[component.triggered]\nstatuses = [{ status = \"executing\" }, { status = \"error\", error = \"quota\" }]\n";
    let script = |more: &str| {
        one_deploy(r#"{ status = "active" }"#).replace("[[component.deploy]]", &format!("{more}[[component.deploy]]"))
    };
    for (path, more, code) in [
        (format!("{API}/deploys"), "", 0),
        (format!("{API}/deploys"), failing, 1),
        ("deploy-all".to_owned(), "", 0),
        ("deploy-all".to_owned(), failing, 1),
        (format!("{API}/teardown"), "", 0),
    ] {
        let sim = serve(&script(more));
        let folder = Folder::new();
        let answer = folder.write("answer.json", trigger(&sim, &path));
        let outcome = Gate::wait(&sim).args(["--trigger-response"]).args([&answer]).json().exits(code);
        assert_ne!(outcome.target()["deploy"]["id"], "dpl1api0000000000000000000", "{path}");
    }
}
