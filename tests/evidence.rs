//! What is read after the verdict: why it failed, its log, which deploy is live, and earlier deploys.

use serde_json::{Value, json};

use crate::support::{API, Gate, INSTALL, WORKER, access, component, in_parallel, serve};

const FAILED: &str = r#"{ status = "executing" }, { status = "error", description = "unable to deploy" }"#;

/// A component with one deploy that goes through these statuses, and more members.
fn deploy(statuses: &str, more: &str) -> String {
    access() + &component(API, statuses).replace("[[component.deploy]]\n", &format!("[[component.deploy]]\n{more}\n"))
}

fn texts(target: &Value) -> Vec<String> {
    let lines = target["log_tail"].as_array().unwrap();
    lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

/// Statuses of a failure that only has a generic sentence.
fn vague() -> String {
    let generation = "generation = \"new\"\n";
    let steps = r#"[{ name = "apply", status = "error", deploy = "dplone", finished = true }]"#;
    let workflow = format!(
        "[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{{ status = \"error\", finished = true, steps = {steps} }}]\n"
    );
    let logs = r#"logs = [{ text = "starting" }, { severity = "error", text = "quota of 5 exceeded\u001b[31m" }, { text = "cleaning up" }]"#;
    generation.to_owned() + &deploy(FAILED, &format!("id = \"dplone\"\nworkflow = \"inwone\"\n{logs}")) + &workflow
}

#[test]
fn the_log_says_why_if_nothing_else_does() {
    let outcome = Gate::wait(&serve(&vague())).json().exits(1);
    assert_eq!(outcome.reason(), "quota of 5 exceeded");
    assert_eq!(outcome.target()["reason"], "quota of 5 exceeded");
    assert_eq!(texts(&outcome.target()), ["starting", "quota of 5 exceeded", "cleaning up"]);
    assert_eq!(outcome.target()["log_tail"][1]["severity"], "error");
    outcome.says("  log       quota of 5 exceeded\n");
    let step = vague().replace("finished = true }]", "finished = true, reason = \"policy check failed\" }]");
    let outcome = Gate::wait(&serve(&step)).json().exits(1);
    assert_eq!(outcome.reason(), "policy check failed", "the step's word comes first");
}

#[test]
fn of_a_text_that_is_too_long_what_it_says_is_wrong_is_kept() {
    let long = format!("helm upgrade: {} Error: quota of 5 exceeded", "x".repeat(5000));
    let said = vague().replace("finished = true }]", &format!("finished = true, reason = \"{long}\" }}]"));
    let logged = vague().replace("quota of 5 exceeded\\u001b[31m", &long);
    for script in [&said, &logged] {
        let outcome = Gate::wait(&serve(script)).json().exits(1);
        let reason = outcome.reason();
        assert!(reason.starts_with("helm upgrade: x") && reason.ends_with("x Error: quota of 5 exceeded"), "{reason}");
        assert!(reason.len() <= 1010, "{}", reason.len());
    }
    let outcome = Gate::wait(&serve(&logged)).json().exits(1);
    let line = &texts(&outcome.target())[1];
    assert!(line.ends_with("Error: quota of 5 exceeded") && line.chars().count() <= 500, "{line}");
}

#[test]
fn the_lines_around_the_errors_are_shown_wherever_they_are() {
    let error =
        r#"logs = [{ text = "before" }, { severity = "error", text = "::error::quota\n##[group]second line" }]"#;
    let script = |filler: u32| deploy(FAILED, &format!("{error}\nfiller_logs = {filler}"));
    let expected = ["before", "::error::quota", "#[group]second line", "line 1", "line 2", "line 3"];
    for filler in [50, 250] {
        let sim = serve(&script(filler));
        assert_eq!(texts(&Gate::wait(&sim).json().exits(1).target()), expected, "{filler}");
        let pages = sim.requests().iter().filter(|seen| seen.target.contains("/logs")).count();
        assert_eq!(pages, if filler == 50 { 1 } else { 3 }, "no more pages than it takes");
        let outcome = Gate::wait(&sim).args(["--log-lines", "3"]).json().exits(1);
        assert_eq!(texts(&outcome.target()), expected[..3], "the error itself comes first");
        let before = sim.requests().len();
        let outcome = Gate::wait(&sim).args(["--log-lines", "0"]).json().exits(1);
        assert_eq!(texts(&outcome.target()), [""; 0]);
        assert!(sim.requests()[before..].iter().all(|seen| !seen.target.contains("/logs")));
    }
}

#[test]
fn a_log_that_cannot_be_read_costs_no_verdict() {
    in_parallel(&["status", "reset", "undecodable", "html"], |answer| {
        let fault = format!("[[fault]]\non = \"logs\"\nanswer = \"{answer}\"\n");
        let sim = serve(&(vague() + &fault + "[[fault]]\non = \"deploys\"\nanswer = \"status\"\ncode = 500\n"));
        let outcome = Gate::wait(&sim).json().exits(1);
        let warnings = outcome.target()["warnings"].to_string();
        assert!(warnings.contains("the log could not be read"), "{answer}: {warnings}");
        assert!(warnings.contains("earlier deploys could not be read"), "{answer}: {warnings}");
        assert!(
            outcome.reason().ends_with("unable to deploy; the server gives no reason"),
            "{answer}: {}",
            outcome.reason()
        );
    });
}

/// A component with earlier deploys that took a minute each, followed by this one.
fn with_history(before: &[&str], statuses: &str) -> String {
    let mut script = format!("{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\nname = \"api\"\n", access());
    for (number, status) in before.iter().enumerate() {
        script += &format!("[[component.deploy]]\nid = \"dplold{number}\"\nstatuses = [{{ status = \"{status}\" }}]\n");
    }
    script
        + &format!(
            "[[component.deploy]]\nid = \"dplnew\"\nbuild = \"bldnew\"\nafter_polls = 1\nstatuses = [{statuses}]\n"
        )
}

#[test]
fn what_is_live_and_how_often_it_failed_come_from_earlier_deploys() {
    let passes = r#"{ status = "queued" }, { status = "active" }"#;
    let pinned = |script: &str| Gate::wait(&serve(script)).args(["--build", "bldnew"]).json();
    let outcome = pinned(&with_history(&["active", "error", "error"], passes)).exits(0);
    assert_eq!(outcome.target()["recovered_after"], 2);
    let outcome = pinned(&with_history(&["error", "active"], passes)).exits(0);
    assert_eq!(outcome.target()["recovered_after"], json!(null));
    let outcome = pinned(&with_history(&["active", "error"], FAILED)).exits(1);
    let target = outcome.target();
    assert_eq!((&target["recovered_after"], &target["last_good"]["deploy_id"]), (&json!(null), &json!("dplold0")));
    outcome.says("  last good dplold0, commit 4be1c7d0");
}

#[test]
fn how_long_such_a_deploy_takes_is_reported_while_it_goes_on_and_read_once() {
    let script = deploy(r#"{ status = "executing", polls = 3 }, { status = "active" }"#, "id = \"dplone\"")
        .replace("[[component.deploy]]\n", "earlier = [\"2m 40s\", \"2m 50s\", \"1h\"]\n[[component.deploy]]\n");
    let sim = serve(&script);
    let outcome = Gate::wait(&sim).args(["--output", "ndjson"]).run().exits(0);
    let events = outcome.events();
    let expected = events.iter().find(|event| event["event"] == "expected").unwrap();
    assert_eq!((&expected["typical_ms"], &expected["deploy_id"]), (&json!(170_000), &json!("dplone")));
    let time = |key: &str| expected[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let left = time("expected_end").duration_since(time("at")).as_millis();
    let elapsed = expected["elapsed_ms"].as_i64().unwrap();
    assert!((169_000..=171_000).contains(&(i128::from(elapsed) + left)), "{expected}");
    let outcome = outcome.says("usually takes 2m 50s: about 2m ");
    assert_eq!(outcome.result()["targets"][0]["typical_ms"], 170_000);
    let pages = sim.requests().iter().filter(|request| request.target.ends_with("deploys?limit=20")).count();
    assert_eq!(pages, 1);
}

#[test]
fn reasons_of_several_targets_are_read_side_by_side() {
    let of = |id: &str| {
        component(id, FAILED).replace(
            "[[component.deploy]]\n",
            "[[component.deploy]]\nlogs = [{ severity = \"error\", text = \"quota\" }]\n",
        )
    };
    let sim = serve(&(access() + &of(API) + &of(WORKER)));
    let outcome = Gate::wait(&sim).args(["--component", WORKER]).json().exits(1);
    for target in outcome.result()["targets"].as_array().unwrap() {
        assert_eq!(texts(target), ["quota"]);
    }
}

/// A deploy whose plan a human denied.
fn denied(deploy_status: &str, workflow_status: &str) -> String {
    let step = r#"{ name = "plan", status = "approval-denied", deploy = "dplone", finished = true, answer = "deny", note = "wrong region" }"#;
    deploy(&format!(r#"{{ status = "{deploy_status}" }}"#), "id = \"dplone\"\nworkflow = \"inwone\"")
        + &format!(
            "[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"prompt\"\nstates = [{{ status = \"{workflow_status}\", finished = true, steps = [{step}] }}]\n"
        )
}

#[test]
fn who_denied_a_plan_is_reported_with_their_note() {
    for status in ["approval-denied", "pending-approval"] {
        let outcome = Gate::wait(&serve(&denied(status, "error"))).json().exits(4);
        let reason = outcome.reason();
        assert!(
            reason.contains("the plan was denied by accreviewer000000000000000: wrong region"),
            "{status}: {reason}"
        );
    }
    Gate::wait(&serve(&deploy(r#"{ status = "approval-expired" }"#, ""))).json().exits(4);
}

#[test]
fn policies_that_deny_are_named() {
    let statuses = r#"{ status = "pending-approval", denied = ["network: no public address", "tags: untagged"] }"#;
    let step = r#"{ name = "plan", status = "error", deploy = "dplone", finished = true }"#;
    let script = deploy(statuses, "id = \"dplone\"\nworkflow = \"inwone\"")
        + &format!(
            "[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\nstates = [{{ status = \"error\", finished = true, steps = [{step}] }}]\n"
        );
    let failed = deploy(&statuses.replace("pending-approval", "error"), "");
    for script in [script, failed] {
        let outcome = Gate::wait(&serve(&script)).json().exits(1);
        let reason = outcome.reason();
        assert!(reason.contains("denied by policy: network: no public address; tags: untagged"), "{reason}");
        let to_do = "change what each of the policies `network`, `tags` forbids, or have the policy itself changed, then deploy again";
        assert_eq!(outcome.result()["hint"], to_do);
    }
}

#[test]
fn the_link_to_the_approval_is_in_the_line_that_asks_for_it() {
    let step = r#"{ name = "plan", status = "approval-awaiting", deploy = "dplone" }"#;
    let script = deploy(r#"{ status = "pending-approval" }"#, "id = \"dplone\"\nworkflow = \"inwone\"")
        + &format!(
            "[[workflow]]\nid = \"inwone\"\ninstall = \"{INSTALL}\"\napproval_option = \"prompt\"\nstates = [{{ status = \"in-progress\", steps = [{step}] }}]\n"
        );
    let outcome = Gate::wait(&serve(&script)).args(["--on-approval", "fail"]).json().exits(5);
    let url = outcome.target()["approval_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://app.nuon.example/") && url.contains("?panel=iws"), "{url}");
    outcome.says(&format!("a human has to approve the plan: {url}"));
}

#[test]
fn a_stale_latest_is_an_annotation_under_github_actions() {
    let sim = serve(&(access() + &component(API, r#"{ status = "active" }"#)));
    let outcome = Gate::wait(&sim).env("GITHUB_ACTIONS", "true").run().exits(0);
    outcome.says("\n::warning title=nuon-gate::the latest deploy, dpl");
    let outcome = Gate::wait(&sim).run().exits(0);
    assert!(!outcome.stderr.contains("::warning"), "{}", outcome.stderr);
}
