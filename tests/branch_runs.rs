//! Runs of an app's branch, which release to groups of installs.

use nuon_gate_sim::{Seen, Sim};
use serde_json::{Value, json};

use crate::support::{Folder, Gate, Outcome, PASSING, access, serve};

const FAILING: &str = r#"{ status = "executing", polls = 2 }, { status = "error", error = "quota exceeded" }"#;

/// An install with a component whose deploy has a workflow of its own.
fn install(name: &str, statuses: &str) -> String {
    format!(
        "[[component]]\ninstall = \"inl{name}\"\ninstall_name = \"{name}\"\nid = \"cmpapi\"\nname = \"api\"\n\
         [[component.deploy]]\nid = \"dpl{name}\"\nworkflow = \"inw{name}\"\nstatuses = [{statuses}]\n"
    )
}

fn group(name: &str, install: &str, rest: &str) -> String {
    format!("{{ name = \"{name}\", installs = [{{ install = \"inl{install}\", workflow = \"inw{install}\"{rest} }}] }}")
}

fn run(id: &str, rest: &str, states: &str) -> String {
    format!("[[app.branch.run]]\nid = \"{id}\"\nworkflow = \"inw{id}\"\n{rest}\nstates = [{states}]\n")
}

/// The two groups, with one install each.
fn groups() -> String {
    format!("groups = [{}, {}]", group("canary", "one", ""), group("customers", "two", ""))
}

/// The app `shop` with a branch `main`, which has these runs, and two installs.
fn shop(statuses: [&str; 2], runs: &str) -> Sim {
    let app = "[[app]]\nid = \"appshop\"\nname = \"shop\"\n[[app.branch]]\nid = \"abrmain\"\nname = \"main\"\n";
    serve(&(access() + &install("one", statuses[0]) + &install("two", statuses[1]) + app + runs))
}

fn released(statuses: [&str; 2]) -> Sim {
    shop(statuses, &run("run1", "commit = \"4be1c7d09f\"", &format!("{{ {} }}", groups())))
}

fn gate<'sim>(sim: &'sim Sim, run: &str) -> Gate<'sim> {
    Gate::at(&sim.url(), "wait").args(["--branch-run", run])
}

fn each(outcome: &Outcome, member: &str) -> Vec<Value> {
    outcome.result()["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target.pointer(member).unwrap().clone())
        .collect()
}

#[test]
fn every_deploy_of_the_run_is_a_target() {
    for named in ["shop/main", "appshop/abrmain", "shop/main/run1", "shop/main/inwrun1"] {
        let sim = released([PASSING, PASSING]);
        let outcome = gate(&sim, named).json().exits(0);
        assert_eq!(each(&outcome, "/deploy/id"), [json!("dplone"), json!("dpltwo")], "{named}");
        assert_eq!(each(&outcome, "/group"), [json!("canary"), json!("customers")], "{named}");
        assert_eq!(each(&outcome, "/matched_by"), [json!("branch_run"), json!("branch_run")], "{named}");
        assert_eq!(each(&outcome, "/install/name"), [json!("one"), json!("two")], "{named}");
    }
}

#[test]
fn the_workflow_of_a_run_is_that_run() {
    let sim = released([PASSING, PASSING]);
    let gate = || Gate::at(&sim.url(), "wait").args(["--workflow", "inwrun1"]);
    gate().env("NUON_INSTALL_ID", "inlone").json().exits(0);
    let outcome = gate().json().exits(0);
    assert_eq!(each(&outcome, "/group"), [json!("canary"), json!("customers")]);
}

#[test]
fn groups_are_reported_as_groups() {
    let sim = released([PASSING, PASSING]);
    let outcome = gate(&sim, "shop/main").args(["--output", "ndjson"]).run().exits(0);
    let events = outcome.events();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).cloned().collect::<Vec<_>>();
    assert_eq!(of("run_found")[0]["run_id"], "run1");
    assert_eq!(of("run_found")[0]["commit"], "4be1c7d09f");
    let last = of("group").into_iter().rfind(|event| event["group"] == "customers").unwrap();
    assert_eq!((&last["status"], &last["total"], &last["done"]), (&json!("success"), &json!(1), &json!(1)));
    assert_eq!(of("joined")[0]["group"], "canary");
    assert_eq!(of("run_changed").last().unwrap()["to"], "success");
    assert!(outcome.stderr.contains("group canary: success, 1 of 1 installs done"), "{}", outcome.stderr);
}

#[test]
fn one_deploy_that_fails_fails_the_run() {
    let sim = released([PASSING, FAILING]);
    let outcome = gate(&sim, "shop/main").json().exits(1);
    assert_eq!(outcome.reason(), "two/api: quota exceeded");
    assert_eq!(each(&outcome, "/verdict"), [json!("passed"), json!("failed")]);
    // The run's own status counts, even if every deploy passes.
    let states = format!(
        "{{ status = \"running\", polls = 4, {0} }}, {{ status = \"failed\", error = \"the stack is gone\", {0} }}",
        groups()
    );
    let sim = shop([PASSING, PASSING], &run("run1", "", &states));
    let outcome = gate(&sim, "shop/main").json().exits(1);
    assert_eq!(outcome.reason(), "run run1 failed: the stack is gone");
}

#[test]
fn a_run_that_deploys_nothing_or_only_plans_never_passes() {
    let impatient = ["--timeout", "1s", "--start-timeout", "500ms"];
    let empty = shop([PASSING, PASSING], &run("run1", "", "{ status = \"success\", groups = [] }"));
    let outcome = gate(&empty, "shop/main").args(impatient).json().exits(124);
    assert!(outcome.reason().contains("run run1 is `success`"), "{}", outcome.reason());
    let plan = shop([PASSING, PASSING], &run("run1", "plan_only = true", &format!("{{ {} }}", groups())));
    let outcome = gate(&plan, "shop/main/run1").json().exits(3);
    assert_eq!(outcome.reason(), "run run1 only makes plans, so there is nothing to wait for");
    let outcome = gate(&plan, "shop/main").args(impatient).json().exits(124);
    assert!(outcome.reason().contains("no run of shop/main appeared within 500ms"), "{}", outcome.reason());
}

#[test]
fn what_does_not_exist_is_said_with_what_is_like_it() {
    let sim = released([PASSING, PASSING]);
    let cases = [
        ("shoop/main", "no app `shoop` in this organisation; did you mean `shop`?"),
        ("shop/mian", "no branch `mian` in app `shop`; did you mean `main`?"),
        ("shop/main/run2", "no run `run2` in branch `abrmain`; did you mean `run1`?"),
    ];
    for (named, reason) in cases {
        let outcome = gate(&sim, named).json().exits(3);
        assert_eq!(outcome.reason(), reason);
        assert_eq!(outcome.result()["targets"], json!([]));
    }
}

#[test]
fn a_run_that_does_not_exist_yet_is_awaited() {
    let sim = shop([PASSING, PASSING], "");
    let outcome = gate(&sim, "shop/main").args(["--start-timeout", "200ms"]).json().exits(124);
    assert_eq!(outcome.reason(), "no run of shop/main appeared within 200ms (--start-timeout)");
    let sim = shop([PASSING, PASSING], &run("run1", "after = \"300ms\"", &format!("{{ {} }}", groups())));
    gate(&sim, "shop/main").json().exits(0);
}

#[test]
fn a_newest_run_that_had_ended_follows_the_policy() {
    let ended = |rest: &str| {
        let states = format!("{{ status = \"success\", {} }}", groups());
        let done = r#"{ status = "active" }"#;
        shop([done, done], &(run("run1", "", &states) + rest))
    };
    let outcome = gate(&ended(""), "shop/main").json().exits(0);
    assert!(outcome.stderr.contains("the branch's newest run, run1, had already ended"), "{}", outcome.stderr);
    let outcome = gate(&ended(""), "shop/main").args(["--on-stale", "fail"]).run().exits(2);
    assert!(outcome.stderr.contains("the branch's newest run, run1, had already ended"), "{}", outcome.stderr);
    let newer = run("run2", "after = \"300ms\"", &format!("{{ status = \"failed\", {} }}", groups()));
    let outcome = gate(&ended(&newer), "shop/main").args(["--on-stale", "wait"]).json().exits(1);
    assert!(outcome.reason().contains("run run2 failed"), "{}", outcome.reason());
    gate(&ended(&newer), "shop/main/run1").args(["--on-stale", "fail"]).json().exits(0);
}

#[test]
fn an_install_that_a_later_run_takes_follows_the_policy() {
    let taken = group("customers", "two", ", superseded_by = \"run2\"").replace(", workflow = \"inwtwo\"", "");
    let first = run(
        "run1",
        "",
        &format!(
            "{{ status = \"running\", polls = 6, groups = [{0}] }}, {{ status = \"success\", groups = [{0}, {taken}] }}",
            group("canary", "one", "")
        ),
    );
    let second = run("run2", "", &format!("{{ groups = [{}] }}", group("customers", "two", "")));
    let sim = |statuses| shop([PASSING, statuses], &(first.clone() + &second));
    let policy = |sim: &Sim, policy: &str| {
        gate(sim, "shop/main/run1").args(["--on-superseded", policy, "--output", "ndjson"]).run()
    };
    let outcome = policy(&sim(PASSING), "ignore").exits(0);
    assert!(
        outcome.stderr.contains("group customers: install inltwo is superseded by run run2 (ignore)"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.result()["targets"].as_array().unwrap().len(), 1);
    let outcome = policy(&sim(PASSING), "follow").exits(0);
    assert_eq!(outcome.result()["targets"][1]["deploy"]["id"], "dpltwo");
    policy(&sim(FAILING), "follow").exits(1);
    let outcome = policy(&sim(PASSING), "fail").exits(6);
    assert_eq!(outcome.result()["reason"], "run run2 superseded this one at install inltwo");
}

#[test]
fn an_install_that_waits_behind_another_run_says_so() {
    let waiting = group(
        "customers",
        "two",
        ", waiting_on = \"run0\", release_reason = \"queued_behind_customer\", status = \"queued\"",
    );
    let states = format!("{{ polls = 3, groups = [{0}, {waiting}] }}, {{ {1} }}", group("canary", "one", ""), groups());
    let sim = shop([PASSING, PASSING], &run("run1", "", &states));
    let outcome = gate(&sim, "shop/main").run().exits(0);
    let said = "group customers: install two waits behind run run0 (queued_behind_customer)";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[test]
fn a_human_who_is_asked_follows_the_policy() {
    let asking =
        format!("{{ status = \"running\", awaiting_approval = true, groups = [{}] }}", group("canary", "one", ""));
    let sim = || shop([PASSING, PASSING], &run("run1", "", &asking));
    let outcome = gate(&sim(), "shop/main").args(["--on-approval", "fail"]).json().exits(5);
    assert!(outcome.reason().contains("a human is asked to approve before run run1 goes on"), "{}", outcome.reason());
    let page = "/apps/appshop/branches/abrmain/runs/inwrun1";
    assert!(outcome.stderr.contains(page), "{}", outcome.stderr);
    gate(&sim(), "shop/main").args(["--approval-timeout", "100ms"]).json().exits(5);
    let outcome = gate(&sim(), "shop/main").args(["--on-approval", "pass"]).json().exits(0);
    assert!(outcome.stderr.contains("passed because of --on-approval pass"), "{}", outcome.stderr);
}

/// The job summary, and the text of the messages to Slack.
fn outcome_of(sim: &Sim, args: &[&str], code: i32) -> (Outcome, String, String) {
    let folder = Folder::new();
    let file = folder.file("summary.md");
    let outcome = gate(sim, "shop/main")
        .args(["--report", &format!("markdown={}", file.display())])
        .args(args)
        .env("NUON_GATE_SLACK_WEBHOOK_URL", sim.slack_webhook_url())
        .json()
        .exits(code);
    let requests = sim.requests();
    let is_message = |seen: &&Seen| sim.slack_webhook_url().ends_with(&seen.target);
    let messages: Vec<&str> = requests.iter().filter(is_message).map(|seen| seen.body.as_str()).collect();
    (outcome, std::fs::read_to_string(file).unwrap(), messages.join("\n"))
}

#[test]
fn summaries_and_messages_show_the_groups() {
    let done = r#"{ status = "active" }"#;
    let (outcome, summary, message) = outcome_of(&released([done, FAILING]), &[], 1);
    let run = &outcome.result()["branch_run"];
    assert_eq!((&run["id"], &run["status"], &run["commit"]), (&json!("run1"), &json!("failed"), &json!("4be1c7d09f")));
    assert_eq!(
        run["groups"],
        json!([
            {"name": "canary", "status": "success", "total": 1, "done": 1, "failed": 0},
            {"name": "customers", "status": "error", "total": 1, "done": 0, "failed": 1},
        ])
    );
    assert!(summary.contains("| Group | Status | Installs done | Failed |\n"), "{summary}");
    assert!(summary.contains("| canary | success | 1 of 1 |  |\n| customers | error | 0 of 1 | 1 |\n"), "{summary}");
    assert!(summary.contains("| Group | Component | Install |"), "{summary}");
    assert!(summary.contains("| customers | api | two | ❌ failed |"), "{summary}");
    assert!(
        outcome.stderr.contains("  run       group customers: error, 0 of 1 installs done, 1 failed\n"),
        "{}",
        outcome.stderr
    );
    assert!(message.contains("canary 1/1, customers 0/1 (1 failed)"), "{message}");
    let (outcome, ..) = outcome_of(&released([PASSING, PASSING]), &[], 0);
    assert!(!outcome.stderr.contains("  run       group"), "{}", outcome.stderr);
}

#[test]
fn who_approves_a_run_is_led_to_it() {
    let asking =
        format!("{{ status = \"running\", awaiting_approval = true, groups = [{}] }}", group("canary", "one", ""));
    let sim = shop([PASSING, PASSING], &run("run1", "", &asking));
    let (outcome, summary, messages) = outcome_of(&sim, &["--approval-timeout", "100ms"], 5);
    let page = "/apps/appshop/branches/abrmain/runs/inwrun1";
    let run = &outcome.result()["branch_run"];
    assert_eq!(run["awaiting_approval"], true);
    let url = run["url"].as_str().unwrap();
    assert!(url.ends_with(page), "{url}");
    assert!(summary.contains(&format!("**Approval:** [a human has to approve before it goes on]({url})")), "{summary}");
    assert!(outcome.stderr.contains(&format!("  approve   {url}\n")), "{}", outcome.stderr);
    for said in ["approval needed before run run1 goes on", "approve or reject it", "Approve the run in Nuon", url] {
        assert!(messages.contains(said), "{said}: {messages}");
    }
}

#[test]
fn a_run_behind_another_one_is_in_the_result() {
    let waiting = group("customers", "two", ", waiting_on = \"run0\", status = \"queued\"");
    let states = format!("{{ status = \"running\", groups = [{}, {waiting}] }}", group("canary", "one", ""));
    let sim = shop([PASSING, PASSING], &run("run1", "", &states));
    let (outcome, summary, message) = outcome_of(&sim, &["--timeout", "1s"], 124);
    let behind = "install two waits behind run run0";
    assert!(outcome.reason().contains(behind), "{}", outcome.reason());
    assert_eq!(outcome.result()["branch_run"]["waiting"][0]["behind_run_id"], "run0");
    assert!(summary.contains("- **Waiting:** group customers: install two waits behind run run0\n"), "{summary}");
    assert!(
        outcome.stderr.contains("  waits     group customers: install two waits behind run run0\n"),
        "{}",
        outcome.stderr
    );
    assert!(message.contains("two waits behind run run0"), "{message}");
}

#[test]
fn one_poll_says_where_a_run_stands() {
    let done = r#"{ status = "active" }"#;
    let status = |sim: &Sim| Gate::at(&sim.url(), "status").args(["--branch-run", "shop/main"]).json();
    status(&released([done, done])).exits(0);
    status(&released([done, r#"{ status = "executing" }"#])).exits(10);
    status(&released([done, r#"{ status = "error" }"#])).exits(1);
}

#[test]
fn a_run_is_named_alone_and_in_full() {
    let sim = released([PASSING, PASSING]);
    let cases: &[(&[&str], &str)] = &[
        (&["--branch-run", "shop"], "a run is written APP/BRANCH/RUN"),
        (&["--branch-run", "shop/main/"], "a run is written APP/BRANCH/RUN"),
        (&["--branch-run", "shop/main/${RUN}"], "is a placeholder that was not filled in"),
        (&["--branch-run", ""], "--branch-run is set, but empty"),
        (
            &["--branch-run", "shop/main", "--install", "one"],
            "--branch-run (NUON_GATE_BRANCH_RUN) and --install exclude each other",
        ),
        (&["--branch-run", "shop/main", "-w", "inw1"], "and --workflow exclude each other"),
        (&["--branch-run", "shop/main", "--", "true"], "and a command cannot be given together"),
    ];
    for (words, said) in cases {
        let outcome = Gate::at(&sim.url(), "wait").args(*words).run().exits(2);
        assert!(outcome.stderr.contains(said), "{words:?}: {}", outcome.stderr);
    }
    // An install that the Nuon CLI names is not meant.
    gate(&sim, "shop/main").env("NUON_INSTALL_ID", "inlone").json().exits(0);
    Gate::at(&sim.url(), "wait")
        .env("NUON_GATE_BRANCH_RUN", "shop/main")
        .env("NUON_INSTALL_ID", "inlone")
        .json()
        .exits(0);
}
