//! Runs, and several targets.

use serde_json::json;

use super::*;
use crate::oracle::judge_run;

#[test]
fn a_workflow_alone() {
    let question = question(|own| (own.targets, own.workflow) = (Vec::new(), some("inw1")));
    let over = |status: &str| {
        let own = flow(status, &[step("success", "dpl1"), step("success", "dpl1")]);
        Tape::default().poll(0, &row("active", 60), &with(&own, "finished", json!(true)))
    };
    let going = Tape::default().poll(0, &row("active", 60), &proof());
    let two = Tape::default().flow(0, &with(&flow("success", &[step("success", "dpl2")]), "finished", json!(true)));
    let list = "/v1/installs/inl1/components/deploys?limit=100";
    let second = |kind: &str| with(&with(&row("active", 60), "id", json!("dpl2")), "install_deploy_type", json!(kind));
    let nothing = two.clone().ask(100, list, ok(&json!([second("Apply")])));
    let left = two.clone().ask(100, list, ok(&json!([second("apply")])));
    let again = flow("success", &[with(&step("error", "dpl2"), "retried", json!(true)), step("success", "dpl1")]);
    let repeated = Tape::default().flow(0, &with(&again, "finished", json!(true)));
    let belied = |status: &str| {
        let own = flow("success", &[step("success", "dpl1"), step(status, "")]);
        Tape::default().poll(0, &row("active", 60), &with(&own, "finished", json!(true)))
    };
    let lagging = over("cancelled").flow(280, &proof());
    let passed = || vec![end("passed", 250)];
    let failed = || vec![end("failed", 250)];
    let cases = [
        ("all well", over("success"), passed(), "passed", ""),
        ("not over", going.clone(), passed(), "passed", "ended in success"),
        ("workflow failed", over("error"), passed(), "passed", "ended in success"),
        ("its failure", over("error"), passed(), "failed", ""),
        ("no failure", over("success"), passed(), "failed", "no target did"),
        ("a target's failure", over("error"), failed(), "failed", ""),
        ("a target failed", over("success"), failed(), "passed", "ended as `failed`"),
        ("no targets", over("success"), Vec::new(), "passed", "without a target"),
        ("no targets, over", over("success"), Vec::new(), "failed", ""),
        ("no targets, going", going.clone(), Vec::new(), "failed", "has not ended"),
        ("one left out", two, passed(), "passed", "nobody waited for dpl2"),
        ("one that deploys nothing", nothing, passed(), "passed", ""),
        ("one left out of a list", left, passed(), "passed", "nobody waited for dpl2"),
        ("one repeated", repeated, passed(), "passed", ""),
        ("cancelled", over("cancelled"), passed(), "cancelled", ""),
        ("cancelled, and then a lagging replica", lagging, passed(), "cancelled", ""),
        ("a step failed", belied("error"), passed(), "failed", ""),
        ("a step failed, believed", belied("error"), passed(), "passed", ""),
        ("a step failed, and was not cancelled", belied("error"), passed(), "cancelled", "no target ended so"),
        ("a step was cancelled", belied("cancelled"), passed(), "cancelled", ""),
        ("a step was cancelled, and did not fail", belied("cancelled"), passed(), "failed", "no target did"),
        ("no step was cancelled", belied("success"), passed(), "cancelled", "no target ended so"),
        ("order", going, vec![end("failed", 250), end("cancelled", 250)], "cancelled", "comes first"),
    ];
    for (name, tape, targets, verdict, part) in cases {
        let found = judge_run(&question, &tape.0, &targets, &end_of(verdict, None, 300));
        match part {
            "" => assert!(found.is_empty(), "{name}: {found:?}"),
            _ => assert!(found.iter().any(|text| text.contains(part)), "{name}: {found:?}"),
        }
    }
    assert_eq!(judge(&question, &over("success").0, &passed()), Vec::<String>::new());
    let unread = |state: &str| judge(&question, &Tape::default().flow(0, &flow(state, &[])).0, &failed());
    assert_eq!(unread("error"), Vec::<String>::new());
    assert_eq!(unread("in-progress").len(), 1);
}

#[test]
fn several_targets() {
    let pair = |component: &str| ("inl1".to_owned(), component.to_owned());
    let question = question(|own| own.targets = vec![pair("cmp1"), pair("cmp2")]);
    let tape = Tape::default().poll(0, &row("active", 60), &proof());
    let pending = end_of("pending", None, 250);
    assert_eq!(judge(&question, &tape.0, &[end("passed", 250), pending.clone()]), Vec::<String>::new());
    let run = judge_run(&question, &tape.0, &[end("passed", 250), end("passed", 250)], &end_of("passed", None, 300));
    assert_eq!(run, Vec::<String>::new());
    let swapped = judge(&question, &tape.0, &[pending.clone(), end("passed", 250)]);
    assert!(swapped.iter().any(|text| text.contains("no good answer says")), "{swapped:?}");
    assert_eq!(judge(&question, &tape.0, &[pending]).len(), 1, "one outcome for two targets");
}

#[test]
fn a_workflow_asks_about_none_of_its_deploys() {
    let of_workflow = |on_approval: &str| {
        question(|own| {
            (own.targets, own.workflow, own.on_approval) = (Vec::new(), some("inw1"), on_approval.to_owned());
        })
    };
    let sandbox = with(&step("approval-awaiting", ""), "step_target_type", json!("install_sandbox_runs"));
    let asks = |step: &Value| flow("in-progress", std::slice::from_ref(step));
    let twice = |flow: &Value| Tape::default().flow(0, flow).flow(3_000, flow);
    let cases = [
        ("asked", "fail", twice(&asks(&sandbox)), ""),
        ("asked once", "fail", Tape::default().flow(0, &asks(&sandbox)), "no target ended so"),
        ("waited for", "wait", twice(&asks(&sandbox)), "no target ended so"),
        ("about a deploy", "fail", twice(&asks(&step("approval-awaiting", "dpl1"))), "no target ended so"),
        (
            "no longer asked",
            "fail",
            twice(&asks(&sandbox)).flow(6_000, &asks(&step("success", ""))),
            "no target ended so",
        ),
    ];
    for (name, on_approval, tape, part) in cases {
        let found = judge_run(&of_workflow(on_approval), &tape.0, &[], &end_of("approval_needed", None, 6_300));
        match part {
            "" => assert!(found.is_empty(), "{name}: {found:?}"),
            _ => assert!(found.iter().any(|text| text.contains(part)), "{name}: {found:?}"),
        };
    }
}
