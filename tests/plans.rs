//! The plan that a human is asked to approve is reported by counts and names alone, and changes no verdict.

use serde_json::{Value, json};

use crate::support::{Folder, Gate, PASSING, TOKEN, in_parallel, one_deploy, serve};

/// A deploy that asks a human for a few polls, and passes once the plan is approved.
fn asking(approval: &str, plan: &str) -> String {
    let statuses = r#"{ status = "executing" }, { status = "pending-approval", polls = 9 }, { status = "active" }"#;
    let asks =
        format!("approval_option = \"prompt\"\napproval = \"{approval}\"\nplan = {{ {plan} }}\nworkflow = \"inwone\"");
    let deploy = format!("name = \"api\"\n[[component.deploy]]\n{asks}\n");
    one_deploy(statuses).replace("[[component.deploy]]\n", &deploy)
}

const TERRAFORM: &str = r#"add = ["aws_s3_bucket.logs", "aws_s3_bucket.data"], change = ["aws_vpc.main"], destroy = ["aws_iam_role.old"], replace = ["aws_db_instance.main"]"#;

#[test]
fn the_line_the_result_and_the_summary_say_what_for() {
    let cases = [
        ("terraform_plan", "3 to add, 1 to change, 2 to destroy (aws_iam_role.old, aws_db_instance.main)"),
        ("helm_approval", "2 to add, 2 to change, 1 to destroy (Deployment default/aws_iam_role.old)"),
        ("kubernetes_manifest_approval", "2 to add, 2 to change, 1 to destroy (Deployment default/aws_iam_role.old)"),
    ];
    for (approval, words) in cases {
        let folder = Folder::new();
        let summary = folder.file("summary.md");
        let script = asking(approval, TERRAFORM);
        let sim = serve(&script);
        let gate = Gate::wait(&sim).args(["-v", "--on-approval", "fail", "--output", "ndjson"]);
        let outcome = gate.args(["--report", &format!("markdown={}", summary.display())]).run().exits(5);
        assert!(
            outcome.stderr.contains(&format!("a human has to approve the plan: {words}: https://")),
            "{}",
            outcome.stderr
        );
        let events = outcome.events();
        let asked = events.iter().find(|event| event["event"] == "approval_needed").unwrap();
        let plan = &outcome.target()["plan"];
        assert_eq!(
            (&asked["plan"], &plan["destroyed"][0]),
            (plan, &json!(words.split(['(', ',', ')']).nth(3).unwrap()))
        );
        let summary = std::fs::read_to_string(summary).unwrap();
        let counts = words.split(" (").next().unwrap();
        assert!(summary.contains(&format!("**Plan:** {counts}")), "{summary}");
    }
}

#[test]
fn the_result_keeps_what_was_approved_and_outputs_have_the_counts() {
    let folder = Folder::new();
    let outputs = folder.file("outputs");
    let gate = |script: &str, code| {
        std::fs::write(&outputs, "").unwrap();
        let sim = serve(script);
        let gate = Gate::wait(&sim).env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", &outputs);
        let outcome = gate.json().exits(code);
        (outcome.target()["plan"].clone(), std::fs::read_to_string(&outputs).unwrap())
    };
    let (plan, written) = gate(&asking("terraform_plan", TERRAFORM), 0);
    let destroyed = ["aws_iam_role.old", "aws_db_instance.main"];
    assert_eq!(plan, json!({"add": 3, "change": 1, "destroy": 2, "destroyed": destroyed}));
    for (name, count) in [("plan-add", 3), ("plan-change", 1), ("plan-destroy", 2)] {
        let value = written.split_once(&format!("{name}<<")).unwrap().1.lines().nth(1).unwrap();
        assert_eq!(value, count.to_string(), "{written}");
    }
    let (plan, written) = gate(&one_deploy(PASSING), 0);
    assert_eq!(plan, Value::Null);
    assert!(written.split_once("plan-add<<").unwrap().1.lines().nth(1).unwrap().is_empty(), "{written}");
}

#[test]
fn a_plan_that_cannot_be_read_is_left_out_and_changes_nothing() {
    let answers =
        ["hang", "bomb", "huge", "undecodable", "html", "null", "nothing", "compressed", "reset", "drip", "redirect"];
    let faults = answers.iter().map(|answer| format!("answer = \"{answer}\"\n"));
    let codes = [401, 403, 404, 500, 503].map(|code| format!("answer = \"status\"\ncode = {code}\n"));
    let faults: Vec<String> = faults.chain(codes).collect();
    in_parallel(&faults, |fault| {
        let script = asking("terraform_plan", TERRAFORM) + "[[fault]]\non = \"approval-contents\"\n" + fault;
        let flags = ["-v", "--timeout", "60s", "--request-timeout", "2s"];
        let sim = serve(&script);
        let outcome = Gate::wait(&sim).args(flags).json().exits(0);
        let times = sim.requests().into_iter().filter(|seen| seen.target.ends_with("/contents")).count();
        assert_eq!(times, 1, "{fault}");
        let asked = outcome.stderr.contains("a human has to approve the plan: https://");
        assert!(asked, "{fault}: {}", outcome.stderr);
        assert_eq!(outcome.target()["plan"], Value::Null, "{fault}");
        assert_eq!(outcome.target()["warnings"], json!([]), "{fault}");
        let is_noted = outcome.stderr.contains("no good answer") || fault.contains("404");
        assert!(is_noted, "{fault}: {}", outcome.stderr);
        let status = Gate::status(&serve(&script)).args(["--request-timeout", "2s"]).json();
        assert_eq!(status.result()["verdict"], "pending", "{fault}");
    });
}

#[test]
fn names_in_a_plan_are_harmless_and_repeat_no_secret() {
    let evil = format!(r#"destroy = ["\u001b[31m{TOKEN}\n::error::x\u202e"]"#);
    let sim = serve(&asking("terraform_plan", &evil));
    let outcome = Gate::wait(&sim).args(["-vv", "--on-approval", "fail"]).json().exits(5);
    let name = outcome.target()["plan"]["destroyed"][0].as_str().unwrap().to_owned();
    assert!(name.ends_with(" ::error::x"), "{name}");
    assert!(!name.contains(char::is_control) && !name.contains('\u{202e}'), "{name:?}");
}

#[test]
fn messages_of_an_approval_lead_with_the_plan() {
    let sim = serve(&asking("terraform_plan", TERRAFORM));
    let gate = Gate::wait(&sim).env("NUON_GATE_SLACK_WEBHOOK_URL", sim.slack_webhook_url());
    let gate = gate.env("NUON_GATE_TEAMS_WEBHOOK_URL", sim.teams_webhook_url());
    gate.json().exits(0);
    let plan = "plan: 3 to add, 1 to change, 2 to destroy (aws_iam_role.old, aws_db_instance.main)";
    let message = &sim.slack_messages()[0];
    assert!(message.text.contains(&format!("approval needed for api in acme: {plan}")), "{message:#?}");
    let card = sim.requests().into_iter().find(|seen| seen.target.starts_with("/teams")).unwrap();
    assert!(card.body.contains(plan), "{}", card.body);
}
