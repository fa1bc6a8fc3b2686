//! The meaning of each status for the exit code, on servers of both generations.

use serde_json::{Value, json};

use crate::support::{API, ENDLESS, Gate, INSTALL, PASSING, access, component, one_deploy, serve, serve_deploy};

/// Each status with its verdict for an apply and for a teardown.
const TABLE: [(&str, &str, &str); 17] = [
    ("active", "passed", "passed"),
    ("auto-skipped", "passed", "passed"),
    ("inactive", "failed", "passed"),
    ("error", "failed", "failed"),
    ("noop", "failed", "failed"),
    ("cancelled", "cancelled", "cancelled"),
    ("approval-denied", "cancelled", "cancelled"),
    ("approval-expired", "cancelled", "cancelled"),
    ("retried", "pending", "pending"),
    ("discarded", "pending", "pending"),
    ("queued", "pending", "pending"),
    ("pending", "pending", "pending"),
    ("planning", "pending", "pending"),
    ("syncing", "pending", "pending"),
    ("executing", "pending", "pending"),
    ("pending-approval", "pending", "pending"),
    ("unknown", "pending", "pending"),
];

fn of_type(deploy_type: &str, status: &str) -> String {
    one_deploy(&format!("{{ status = \"{status}\" }}"))
        .replace("[[component.deploy]]\n", &format!("[[component.deploy]]\ntype = \"{deploy_type}\"\n"))
}

#[test]
fn every_status_is_judged_by_the_table() {
    let generations = [
        ("today", [("apply", false), ("sync-image", false), ("teardown", true)].as_slice()),
        ("old", [("install", false), ("release", false), ("teardown", true), ("", false)].as_slice()),
    ];
    for (generation, types) in generations {
        for (deploy_type, is_teardown) in types {
            for (status, apply, teardown) in TABLE {
                let is_teardown = *is_teardown;
                let sim = serve(&format!("generation = \"{generation}\"\n{}", of_type(deploy_type, status)));
                let outcome = Gate::status(&sim).json();
                let expected = if is_teardown { teardown } else { apply };
                let result = outcome.result();
                assert_eq!(result["verdict"], expected, "{generation} {deploy_type} {status}: {}", outcome.stderr);
                let code = ["passed", "failed", "cancelled", "pending"].iter().position(|name| *name == expected);
                assert_eq!(outcome.code, [0, 1, 4, 10][code.unwrap()], "{generation} {deploy_type} {status}");
            }
        }
    }
}

#[test]
fn a_row_of_another_type_is_no_deploy() {
    for deploy_type in ["recover", "of-tomorrow"] {
        for status in ["active", "error", "cancelled"] {
            let sim = serve(&of_type(deploy_type, status));
            let outcome = Gate::status(&sim).json().exits(10);
            assert_eq!(outcome.target()["deploy"], json!(null), "{deploy_type} {status}");
            let id = "dpl1api0000000000000000000";
            let reason = Gate::status(&sim).args(["--deploy", id]).json().exits(3).reason();
            assert!(reason.contains(&format!("of type `{deploy_type}`")), "{reason}");
        }
    }
}

#[test]
fn a_deploy_that_had_ended_is_judged_waited_past_or_refused() {
    let sim = serve_deploy(r#"{ status = "active" }"#);
    let stale = |command: &str, policy: &str| {
        let gate = if command == "wait" { Gate::wait(&sim) } else { Gate::status(&sim) };
        gate.args(["--on-stale", policy])
    };
    for command in ["wait", "status"] {
        let outcome = stale(command, "accept").json().exits(0);
        // A single poll usually sees a deploy that has ended.
        let warned = outcome.target()["warnings"].to_string().contains("had already ended");
        assert_eq!(warned, command == "wait", "{}", outcome.stderr);
        let refused = stale(command, "fail").run().refused();
        refused.says("the latest deploy, dpl1api0000000000000000000, had already ended").says("--after");
    }
    stale("status", "wait").json().exits(10);
    let outcome = stale("wait", "wait").args(["--start-timeout", "100ms"]).json().exits(124);
    assert_eq!((&outcome.target()["clock"], &outcome.target()["deploy"]), (&json!("start"), &json!(null)));
    // With a pin, that deploy is meant.
    stale("wait", "fail").args(["--deploy", "dpl1api0000000000000000000"]).json().exits(0);
    Gate::wait(&sim).env("NUON_GATE_ON_STALE", "fail").run().refused();
}

#[test]
fn explain_says_what_is_done() {
    let explained = Gate::bare("explain").json().exits(0).events().remove(0);
    assert_eq!(explained["schema"], 1);
    let rows = explained["statuses"].as_array().unwrap();
    for (status, apply, teardown) in TABLE {
        let row = rows.iter().find(|row| row["status"] == status).unwrap_or_else(|| panic!("no row for {status}"));
        // A replaced row is pending in the result: its successor decides.
        let said = |kind: &str| if row[kind] == "replaced" { json!("pending") } else { row[kind].clone() };
        assert_eq!((said("apply"), said("teardown")), (json!(apply), json!(teardown)), "{status}");
    }
    assert_eq!(rows.len(), TABLE.len());
    assert_eq!((&explained["other"]["apply"], &explained["other"]["teardown"]), (&json!("pending"), &json!("pending")));
    let text = Gate::bare("explain").run().exits(0).stdout;
    assert!(text.contains("\nevery other status   pending             pending    with a warning"), "{text}");
}

/// What `explain` prints with these flags.
fn explained(flags: &[&str]) -> (Value, String) {
    let value = Gate::bare("explain").args(flags).json().exits(0).events().remove(0);
    (value, Gate::bare("explain").args(flags).run().exits(0).stdout)
}

/// Every flag of `explain` that changes how a deploy is judged.
const JUDGING: [(&[&str], &str); 16] = [
    (&["--pass-on", "noop"], "\nnoop                 passed              passed     --pass-on says so"),
    (&["--fail-on", "queued"], "\nqueued               failed              failed     --fail-on says so, at once\n"),
    (&["--wait-on", "noop"], "\nnoop                 pending             pending    --wait-on says so\n"),
    (
        &["--on-approval", "fail"],
        "\n--on-approval fail       a human is asked to approve: the wait ends as approval_needed\n",
    ),
    (
        &["--on-approval", "fail"],
        "\npending-approval     pending             pending    if a human is asked: approval_needed\n",
    ),
    (&["--on-approval", "pass"], "\n--on-approval pass       a human is asked to approve: the wait ends as passed\n"),
    (&["--on-superseded", "follow"], "it is waited for instead, also if a deploy is pinned\n"),
    (&["--on-superseded", "ignore"], "\n--on-superseded ignore   a newer deploy: it is only reported\n"),
    (&["--on-superseded", "fail"], "\n--on-superseded fail     a newer deploy: the wait ends as superseded\n"),
    (&["--on-stale", "wait"], "\n--on-stale wait          "),
    (&["--on-stale", "fail"], "\n--on-stale fail          "),
    (&["--require", "any"], "\n--require any            one target has to pass\n"),
    (&["--require", "2"], "\n--require 2              at least 2 targets have to pass\n"),
    (&["--require-healthy"], "\n--require-healthy on     an apply passes once its component is healthy"),
    (&["--bake", "10m", "--require-healthy"], "and stays so for 10m; degraded or unhealthy: failed"),
    (&["--map-exit", "timed_out=0"], "\ntimed_out                0  --map-exit says so\n"),
];

#[test]
fn explain_shows_what_every_flag_changes() {
    let (usual, usual_text) = explained(&[]);
    assert!(usual_text.contains("\ninterrupted              130, 143, 129\n"), "{usual_text}");
    for (flags, shown) in JUDGING {
        let (value, text) = explained(flags);
        assert!(text.contains(shown) && !usual_text.contains(shown), "{flags:?}:\n{text}");
        assert_ne!(value, usual, "{flags:?}");
    }
    // No flag is missing: those that are not listed only change how the output is printed.
    let help = Gate::bare("explain").args(["--help"]).run().exits(0).stdout;
    let flags = help.lines().filter_map(|line| line.trim_start().trim_start_matches("-q, ").split(' ').next());
    let known = |flag: &str| JUDGING.iter().any(|(flags, _)| flags[0] == flag);
    for flag in flags.filter(|flag| flag.starts_with("--") && !["--output", "--quiet"].contains(flag)) {
        assert!(known(flag), "{flag} is not tried");
    }
    let (mapped, _) = explained(&["--map-exit", "timed_out=0"]);
    let codes = mapped["exit_codes"].as_array().unwrap();
    let row = codes.iter().find(|row| row["verdict"] == "timed_out").unwrap();
    assert_eq!((&row["codes"], &row["mapped"]), (&json!([0]), &json!(true)));
}

/// As the wait does, which reads the steps all the same.
#[test]
fn a_flag_that_repeats_the_table_is_explained_as_changing_nothing() {
    let held = "held until the workflow's steps prove it\n";
    let (_, text) = explained(&["--pass-on", "active,auto-skipped"]);
    for status in ["active      ", "auto-skipped"] {
        assert!(text.contains(&format!("\n{status}         passed              passed     {held}")), "{text}");
    }
}

#[test]
fn explain_takes_the_flags_of_wait_and_needs_no_network() {
    let flags = ["--pass-on", "noop,hibernating", "--fail-on", "queued", "--wait-on", "error", "--require", "2"];
    let explained = Gate::bare("explain").args(flags).args(["--output", "ndjson"]).run().exits(0);
    let rows = explained.events();
    for (status, judgement) in
        [("noop", "passed"), ("hibernating", "passed"), ("queued", "failed"), ("error", "pending")]
    {
        let row = rows.iter().find(|row| row["status"] == status).unwrap();
        assert_eq!((&row["apply"], &row["overridden"]), (&json!(judgement), &json!(true)), "{row}");
        let sim = serve_deploy(&format!("{{ status = \"{status}\" }}"));
        let decided = Gate::status(&sim).args(&flags[..6]).json().result();
        assert_eq!(decided["verdict"], judgement, "{status}");
    }
    let text = Gate::bare("explain").args(flags).run().exits(0).stdout;
    assert!(text.contains("at least 2 targets") && text.contains("hibernating"), "{text}");
    assert!(rows.iter().all(|row| row["schema"] == 1), "{rows:?}");
}

#[test]
fn a_wait_passes_on_both_generations() {
    for generation in ["today", "old"] {
        let sim = serve(&format!("generation = \"{generation}\"\n{}", one_deploy(PASSING)));
        let target = Gate::wait(&sim).json().exits(0).target();
        let seen: Vec<&Value> = target["timeline"].as_array().unwrap().iter().map(|stay| &stay["status"]).collect();
        assert_eq!(seen, ["queued", "executing", "active"], "{generation}");
    }
}

#[test]
fn both_generations_give_the_reason() {
    let error =
        r#"{ status = "executing" }, { status = "error", description = "failed", error = "the chart is invalid" }"#;
    for generation in ["today", "old"] {
        let sim = serve(&format!("generation = \"{generation}\"\n{}", one_deploy(error)));
        let outcome = Gate::wait(&sim).json().exits(1);
        assert!(outcome.reason().ends_with("the chart is invalid"), "{generation}: {}", outcome.reason());
    }
}

#[test]
fn an_unknown_status_never_passes_and_is_warned_of_once() {
    for status in ["hibernating", "Active", "active ", "activ\u{435}", "", "passed", "succeeded"] {
        let sim = serve_deploy(&format!("{{ status = \"{status}\" }}"));
        let outcome = Gate::wait(&sim).args(["--timeout", "120ms"]).json().exits(124);
        let target = outcome.target();
        assert_eq!(target["verdict"], "timed_out", "{status:?}");
        let warnings: Vec<&Value> = target["warnings"].as_array().unwrap().iter().collect();
        // An empty status is in the table.
        assert_eq!(warnings.len(), usize::from(!status.is_empty()), "{status:?}: {warnings:?}");
        assert!(sim.requests().len() >= 2, "it polled more than once");
    }
}

#[test]
fn lists_override_the_table() {
    let cases = [
        ("--pass-on", "noop", "noop", 0),
        ("--pass-on", "hibernating,noop", "hibernating", 0),
        ("--fail-on", "pending-approval", "pending-approval", 1),
        ("--fail-on", "active", "active", 1),
        ("--wait-on", "error", "error", 124),
        ("--wait-on", "active", "active", 124),
    ];
    for (flag, statuses, status, code) in cases {
        let sim = serve_deploy(&format!("{{ status = \"queued\" }}, {{ status = \"{status}\" }}"));
        Gate::wait(&sim)
            .args(["--timeout", if code == 124 { "120ms" } else { "20s" }, flag, statuses])
            .run()
            .exits(code);
    }
}

#[test]
fn an_object_without_a_deploy_means_not_yet_just_as_404_does() {
    for no_deploy in ["not-found", "empty-object"] {
        let script = access() + &component(API, PASSING);
        let script = script.replace(
            "[[component.deploy]]",
            &format!("no_deploy = \"{no_deploy}\"\n[[component.deploy]]\nafter_polls = 2"),
        );
        let sim = serve(&script);
        let outcome = Gate::wait(&sim).json().exits(0);
        assert_eq!(outcome.errors(), 0, "{no_deploy}: \"not yet\" is a good answer");
        assert_eq!(outcome.stderr.matches("no deploy yet").count(), 1, "{no_deploy}:\n{}", outcome.stderr);
        // The preflight is made once.
        let paths: Vec<String> = sim.requests().into_iter().map(|seen| seen.target).collect();
        assert_eq!(paths.iter().filter(|path| **path == format!("/v1/installs/{INSTALL}")).count(), 1, "{paths:?}");
    }
}

const REPLACED: &str = r#"
[[component.deploy]]
id = "dplfirst"
workflow = "inwone"
statuses = [{ status = "executing", polls = 2 }, { status = "retried" }]
[[component.deploy]]
id = "dplsecond"
workflow = "inwone"
after_polls = 4
"#;

fn replaced_by(second: &str) -> String {
    format!("{}[[component]]\ninstall = \"{INSTALL}\"\nid = \"{API}\"\n{REPLACED}{second}", access())
}

#[test]
fn a_replaced_deploy_is_followed() {
    let sim = serve(&replaced_by("statuses = [{ status = \"executing\" }, { status = \"active\" }]\n"));
    let target = Gate::wait(&sim).json().exits(0).target();
    assert_eq!((&target["deploy"]["id"], &target["replaced"]), (&json!("dplsecond"), &json!(["dplfirst"])));

    let sim = serve(&replaced_by("statuses = [{ status = \"error\", error = \"again\" }]\n"));
    let outcome = Gate::wait(&sim).args(["--deploy", "dplfirst"]).json().exits(1);
    assert_eq!(
        (&outcome.target()["deploy"]["id"], &outcome.target()["matched_by"]),
        (&json!("dplsecond"), &json!("deploy"))
    );
}

#[test]
fn following_never_crosses_to_a_teardown() {
    let sim = serve(&replaced_by("type = \"teardown\"\nstatuses = [{ status = \"inactive\" }]\n"));
    let outcome = Gate::wait(&sim).json().exits(1);
    assert!(outcome.reason().contains("teardown"), "{}", outcome.reason());
}

#[test]
fn another_workflows_deploy_does_not_take_a_replaced_ones_place() {
    let other = replaced_by("statuses = [{ status = \"active\" }]\n")
        .replace("dplsecond\"\nworkflow = \"inwone", "dplsecond\"\nworkflow = \"inwtwo");
    let gate = |args: &[&str]| Gate::wait(&serve(&other)).args(["--timeout", "2s"]).args(args).json();
    let target = gate(&["--deploy", "dplfirst", "--timeout", "200ms"]).exits(124).target();
    assert_eq!((&target["replaced"], &target["superseded_by"]), (&json!(["dplfirst"]), &json!("dplsecond")));
    assert_eq!(gate(&["--on-superseded", "fail"]).exits(6).target()["superseded_by"], json!("dplsecond"));
    // It supersedes, though, where nothing is pinned.
    let target = gate(&[]).exits(0).target();
    assert_eq!(target["deploy"]["id"], "dplsecond");
    assert!(target["warnings"].to_string().contains("dplsecond"), "{target}");
}

#[test]
fn a_newer_deploy_supersedes_by_policy_and_is_always_reported() {
    let newer = "[[component.deploy]]\nid = \"dplnewer\"\nafter_polls = 1\nstatuses = [{ status = \"error\" }]\n";
    let script =
        one_deploy(PASSING).replace("[[component.deploy]]\n", "[[component.deploy]]\nid = \"dplours\"\n") + newer;
    let cases: [(&[&str], i32, &str); 5] = [
        (&[], 1, "dplnewer"),
        (&["--on-superseded", "follow"], 1, "dplnewer"),
        (&["--on-superseded", "ignore"], 0, "dplours"),
        (&["--on-superseded", "fail"], 6, "dplours"),
        (&["--deploy", "dplours"], 0, "dplours"),
    ];
    for (flags, code, judged) in cases {
        let target = Gate::wait(&serve(&script)).args(flags).json().exits(code).target();
        assert_eq!(target["deploy"]["id"], judged, "{flags:?}");
        assert_eq!(target["superseded_by"], "dplnewer", "{flags:?}");
    }
}

#[test]
fn a_deploy_is_pinned_by_its_id() {
    let newer = "[[component.deploy]]\nid = \"dplnewer\"\nstatuses = [{ status = \"error\" }]\n";
    let script =
        one_deploy(PASSING).replace("[[component.deploy]]\n", "[[component.deploy]]\nid = \"dplours\"\n") + newer;
    let sim = serve(&script);
    let target = Gate::wait(&sim).env("NUON_GATE_DEPLOY", "dplours").json().exits(0).target();
    assert_eq!((&target["deploy"]["id"], &target["matched_by"]), (&json!("dplours"), &json!("deploy")));
    assert!(sim.requests()[0].target.ends_with("/deploys/dplours"), "{:?}", sim.requests()[0]);
    Gate::wait(&sim).json().exits(1);
}

#[test]
fn a_plan_is_never_the_deploy_that_is_waited_for() {
    let sim = serve(&of_type("plan-only", "active"));
    let outcome = Gate::wait(&sim).args(["--start-timeout", "100ms"]).json().exits(124);
    assert_eq!(outcome.target()["clock"], "start");
}

#[test]
fn what_had_ended_before_the_gate_began_is_warned_of() {
    let sim = serve_deploy(r#"{ status = "active" }"#);
    // The simulator's time begins with its first request, so for the second run this deploy is an old one.
    Gate::wait(&sim).run().exits(0);
    let outcome = Gate::wait(&sim).json().exits(0).says("had already ended");
    let warnings = outcome.target()["warnings"].to_string();
    assert!(warnings.contains("dpl1api0000000000000000000") && warnings.contains("--deploy"), "{warnings}");
    let pinned = Gate::wait(&sim).args(["--deploy", "dpl1api0000000000000000000"]).json().exits(0);
    assert_eq!(pinned.target()["warnings"], json!([]));
}

#[test]
fn a_pending_deploy_is_not_passed_for_want_of_time() {
    let outcome = Gate::wait(&serve_deploy(ENDLESS)).args(["--timeout", "1ms"]).json().exits(124);
    assert_eq!(outcome.result()["verdict"], "timed_out");
}
