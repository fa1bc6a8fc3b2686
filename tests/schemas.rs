//! The published schemas, compared with the program's output.

use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::{
    API, ENDLESS, Folder, Gate, INSTALL, Outcome, PASSING, WORKER, access, component, one_deploy, serve, serve_deploy,
};

fn schema(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn fits(validator: &Validator, value: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

/// Checks an event against its schema.
#[track_caller]
pub(crate) fn fits_event(event: &Value) {
    fits(&schema("event.v1.schema.json"), event);
}

/// Runs of every kind, as `ndjson`: passed, failed with a hint, rejected, timed out, with errors, replaced, several
/// targets.
fn runs() -> Vec<Outcome> {
    let fault = "[[fault]]\non = \"deploy\"\nnth = [1]\nanswer = \"status\"\ncode = 502\n";
    let failing = r#"{ status = "odd" }, { status = "error", error = "quota", hint = "more" }"#;
    let old = format!("generation = \"old\"\n{}", one_deploy(failing));
    let replaced = one_deploy(r#"{ status = "executing" }, { status = "retried" }"#);
    let late = one_deploy(PASSING).replace("[[component.deploy]]\n", "[[component.deploy]]\nafter_polls = 2\n");
    let several = access() + &component(API, PASSING) + &component(WORKER, failing);
    let approval = one_deploy(r#"{ status = "pending-approval" }"#)
        .replace("[[component.deploy]]\n", "[[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\n")
        + &format!("[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"prompt\"\n")
        + r#"states = [{ status = "in-progress", steps = [{ name = "plan", status = "approval-awaiting", deploy = "dplone" }] }]"#;
    let newer = one_deploy(PASSING) + "[[component.deploy]]\nafter_polls = 1\nstatuses = [{ status = \"error\" }]\n";
    let workflow = one_deploy(PASSING)
        .replace("[[component.deploy]]\n", "[[component.deploy]]\nid = \"dplone\"\nworkflow = \"inwone\"\n");
    let queued = workflow.replace("statuses = [", r#"statuses = [{ status = "queued", ahead = 2, polls = 9 }, "#);
    let groups = format!(
        "groups = [{{ name = \"all\", installs = [{{ install = \"{INSTALL}\", workflow = \"inwone\" }}, \
         {{ install = \"inltwo\", waiting_on = \"run0\" }}, {{ install = \"inlthree\", superseded_by = \"run2\" }}] }}]"
    );
    let release = format!(
        "[[app]]\nid = \"appshop\"\nname = \"shop\"\n[[app.branch]]\nid = \"abrmain\"\nname = \"main\"\n\
         [[app.branch.run]]\nid = \"run1\"\nworkflow = \"inwrun1\"\nstates = [\
         {{ status = \"running\", awaiting_approval = true, polls = 6, {groups} }}, {{ status = \"failed\", {groups} }}]\n"
    );
    let usual = one_deploy(PASSING)
        .replace("[[component.deploy]]\n", "earlier = [\"9s\", \"9s\", \"9s\"]\n[[component.deploy]]\n");
    let run = |script: &str, flags: &[&str]| Gate::wait(&serve(script)).args(["--output", "ndjson"]).args(flags).run();
    let healthy = one_deploy(PASSING).replace("[[component.deploy]]\n", "observed = [{}]\n[[component.deploy]]\n");
    let folder = Folder::new();
    let part = folder.file("part.json");
    vec![
        run(&one_deploy(failing), &["--shard", "1/1", "--report", &format!("json={}", part.display())]),
        Gate::bare("merge").args([part.as_os_str(), "--output".as_ref(), "ndjson".as_ref()]).run(),
        // One of them is empty.
        run(&one_deploy(PASSING), &["--shard", "1/2", "--run-name", "mine"]),
        run(&one_deploy(PASSING), &["--shard", "2/2"]),
        run(&usual, &[]),
        run(&healthy, &["--require-healthy"]),
        run(&(one_deploy(PASSING) + fault), &[]),
        run(&one_deploy(failing), &[]),
        run(&old, &[]),
        run(&late, &[]),
        run(&replaced, &["--timeout", "100ms"]),
        run(&several, &["--component", WORKER]),
        run(&one_deploy(ENDLESS), &["--timeout", "50ms"]),
        run(&one_deploy(ENDLESS), &["--component", "cmpnone", "--timeout", "100ms"]),
        run(&one_deploy(PASSING), &["--org-id", "orgnone"]),
        run(&(one_deploy(PASSING) + "[[fault]]\nanswer = \"reset\"\n"), &["--api-outage", "50ms"]),
        run(&approval, &["--on-approval", "fail"]),
        run(&newer, &["--on-superseded", "fail"]),
        Gate::at(&serve(&workflow).url(), "wait").args(["--workflow", "inwone", "--output", "ndjson"]).run(),
        Gate::at(&serve(&queued).url(), "wait").args(["--workflow", "inwone", "--output", "ndjson"]).run(),
        Gate::at(&serve(&(workflow + &release)).url(), "wait")
            .args(["--branch-run", "shop/main", "--on-superseded", "ignore", "--output", "ndjson"])
            .run(),
        // Both targets are pending at the end.
        Gate::status(&serve_deploy(ENDLESS)).args(["--component", "cmpnone", "--output", "ndjson"]).run(),
    ]
}

#[test]
fn every_event_and_every_result_fits_its_schema() {
    let (events, results) = (schema("event.v1.schema.json"), schema("result.v1.schema.json"));
    let mut kinds = std::collections::BTreeSet::new();
    for run in runs() {
        let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["event"], "started");
        for line in &lines {
            fits(&events, line);
            kinds.insert(line["event"].as_str().unwrap().to_owned());
        }
        let (last, before) = lines.split_last().unwrap();
        assert_eq!(last["event"], "result", "the result comes last");
        assert!(before.iter().all(|line| line["event"] != "result"));
        fits(&results, &last["result"]);
        assert_eq!(last["result"]["exit_code"], run.code);
    }
    let expected = [
        "approval_needed",
        "changed",
        "ended",
        "expected",
        "found",
        "group",
        "held",
        "install_superseded",
        "install_waiting",
        "joined",
        "not_started",
        "queued",
        "result",
        "retrying",
        "run_approval_needed",
        "run_changed",
        "run_found",
        "started",
        "superseded",
        "warning",
    ];
    assert!(kinds.iter().eq(expected.iter()), "all kinds but the heartbeat: {kinds:?}");
}

#[test]
fn what_is_pending_has_no_reason_yet() {
    let (events, results) = (schema("event.v1.schema.json"), schema("result.v1.schema.json"));
    let outcome = Gate::status(&serve_deploy(ENDLESS)).args(["--output", "ndjson"]).run().exits(10);
    let ended: Vec<Value> = outcome.events().into_iter().filter(|event| event["event"] == "ended").collect();
    assert!(!ended.is_empty(), "{}", outcome.stdout);
    for event in &ended {
        let said = (&event["verdict"], &event["reason"], &event["hint"]);
        assert_eq!(said, (&json!("pending"), &json!(null), &json!(null)), "{event}");
        let mut changed = event.clone();
        changed["reason"] = json!("the deploy goes on");
        assert!(!events.is_valid(&changed));
    }
    let result = outcome.result();
    assert_eq!((&result["targets"][0]["reason"], &result["targets"][0]["hint"]), (&json!(null), &json!(null)));
    for place in ["/reason", "/targets/0/reason"] {
        let mut changed = result.clone();
        *changed.pointer_mut(place).unwrap() = json!("the deploy goes on");
        assert!(!results.is_valid(&changed), "{place}");
    }
}

#[test]
fn what_a_webhook_gets_meanwhile_is_a_result_too() {
    let results = schema("result.v1.schema.json");
    let sim = serve_deploy(PASSING);
    let gate = Gate::wait(&sim).env("NUON_GATE_WEBHOOK_URL", sim.webhook_url());
    gate.args(["--notify-on", "start,change,success"]).run().exits(0);
    let bodies: Vec<Value> = sim
        .requests()
        .iter()
        .filter(|seen| seen.target.starts_with("/webhook"))
        .map(|seen| serde_json::from_str(&seen.body).unwrap())
        .collect();
    assert!(bodies.iter().any(|body| body["data"]["verdict"] == "pending"), "{bodies:#?}");
    bodies.iter().for_each(|body| fits(&results, &body["data"]));
}

#[test]
fn a_failure_says_what_can_be_done_in_its_event_too() {
    let failing = r#"{ status = "executing" }, { status = "error", error = "quota", hint = "ask for more" }"#;
    let outcome = Gate::wait(&serve_deploy(failing)).args(["--output", "ndjson"]).run().exits(1);
    let ended = outcome.events().into_iter().find(|event| event["event"] == "ended").unwrap();
    assert_eq!((&ended["reason"], &ended["hint"]), (&json!("quota"), &json!("ask for more")));
    assert_eq!(outcome.result()["targets"][0]["hint"], "ask for more");
}

#[test]
fn the_event_of_an_end_gives_the_same_advice_as_the_result() {
    let asking = r#"{ status = "executing" }, { status = "pending-approval" }"#;
    let asked = one_deploy(asking).replace("statuses", "approval_option = \"prompt\"\nstatuses");
    let cases = [
        (one_deploy(ENDLESS), vec!["--timeout", "1s"], 124, "with --deploy dpl"),
        (asked.clone(), vec!["--on-approval", "fail"], 5, "approve or deny the plan: https://"),
        (asked, vec!["--approval-timeout", "300ms"], 5, "approve or deny the plan: https://"),
    ];
    for (script, flags, code, advice) in cases {
        let outcome = Gate::wait(&serve(&script)).args(["--output", "ndjson"]).args(flags).run().exits(code);
        let ended = outcome.events().into_iter().find(|event| event["event"] == "ended").unwrap();
        assert!(ended["hint"].as_str().unwrap().contains(advice), "{ended}");
        assert_eq!(ended["hint"], outcome.result()["targets"][0]["hint"]);
    }
}

#[test]
fn the_schemas_refuse_what_is_not_so() {
    let (events, results) = (schema("event.v1.schema.json"), schema("result.v1.schema.json"));
    let outcome = Gate::wait(&serve_deploy(PASSING)).args(["--output", "ndjson"]).run().exits(0);
    let result = outcome.result();
    let changes: [(&str, Value); 7] = [
        ("/verdict", json!("fine")),
        ("/exit_code", json!("0")),
        ("/started_at", json!("yesterday")),
        ("/targets/0/deploy/status", json!(null)),
        ("/targets/0/matched_by", json!("luck")),
        ("/targets/0/timeline/0/duration_ms", json!(-1)),
        ("/api", json!(null)),
    ];
    for (place, value) in changes {
        let mut changed = result.clone();
        *changed.pointer_mut(place).unwrap() = value;
        assert!(!results.is_valid(&changed), "{place}");
    }
    // Every key is required, and no other is allowed.
    for place in ["", "/targets/0", "/targets/0/deploy", "/targets/0/install", "/targets/0/timeline/0", "/api"] {
        let object = result.pointer(place).unwrap().as_object().unwrap();
        for key in object.keys() {
            let mut changed = result.clone();
            changed.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!results.is_valid(&changed), "{place}/{key} is not required");
        }
        let mut changed = result.clone();
        changed.pointer_mut(place).unwrap()["surprise"] = json!(1);
        assert!(!results.is_valid(&changed), "{place} allows anything");
    }
    for event in outcome.events() {
        for key in event.as_object().unwrap().keys() {
            let mut changed = event.clone();
            changed.as_object_mut().unwrap().remove(key);
            assert!(!events.is_valid(&changed), "{}: {key} is not required", event["event"]);
        }
    }
}

#[test]
fn what_is_absent_is_null_and_never_missing() {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let full = Gate::wait(&serve_deploy(PASSING)).json().exits(0).result();
    let none = Gate::wait(&serve_deploy(PASSING)).env("NUON_API_TOKEN", "another").json().exits(3).result();
    assert_eq!(keys(&full), keys(&none));
    assert_eq!(keys(&full["targets"][0]), keys(&none["targets"][0]));
    assert_eq!(none["targets"][0]["deploy"], json!(null));
    let target = "install component verdict reason hint clock deploy_verdict health deploy matched_by group queue superseded_by replaced typical_ms \
                  recovered_after last_good timeline url approval_url plan log_tail warnings";
    assert_eq!(keys(&full["targets"][0]), target.split_whitespace().map(str::to_owned).collect());
    let run = "schema verdict exit_code reason hint started_at finished_at elapsed_ms targets branch_run shard api ci_url notifications \
               warnings";
    assert_eq!(keys(&full), run.split_whitespace().map(str::to_owned).collect());
}
