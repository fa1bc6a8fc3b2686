//! The rendered report.

use nuon_gate_core::result::v1::{LogLine, NotificationResult};
use proptest::prelude::*;

use super::*;
use crate::output::sample;

const SUMMARY_BYTES: usize = 900 * 1024;

fn several(failed: usize, passed: usize) -> RunResult {
    let failed = (0..failed).map(|_| (Verdict::Failed, "api"));
    let passed = (0..passed).map(|_| (Verdict::Passed, "worker"));
    // The failed targets come last.
    let mut targets: Vec<_> = passed.chain(failed).collect();
    targets.rotate_right(1);
    sample::result(&targets)
}

fn with_log(result: &mut RunResult, lines: usize, length: usize) {
    let line = LogLine { at: None, severity: Line::new("error"), text: Line::new("`".repeat(length)) };
    result.targets.iter_mut().for_each(|target| target.log_tail = vec![line.clone(); lines]);
}

#[track_caller]
fn has_in_order(report: &str, expected: &[&str]) {
    let mut rest = report;
    for part in expected {
        let at = rest.find(part).unwrap_or_else(|| panic!("no `{part}` in\n{rest}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_failure_is_reported_once_and_at_a_glance() {
    let mut result = sample::result(&[(Verdict::Failed, "api")]);
    result.hint = Some(Line::new("ask for more"));
    result.targets[0].hint = result.hint.clone();
    let shown = report(&result, SUMMARY_BYTES);
    let expected = "## ❌ nuon-gate: failed after 3m 7s: api in acme\n\n**Reason:** quota exceeded for pods\n\n\
        **What to do:** ask for more\n\n\
        | Component | Install | Verdict | Deploy | Commit | By | Time | Last good |\n|---|---|---|---|---|---|---|---|\n\
        | api | acme | ❌ failed | [dpl1](https://app.nuon.example/deploys/dpl1) | 4be1c7d09f5a | \
        ci&#64;&#8203;vendor.example | 3m 7s, usually 2m 50s | 0a1b2c3d, since 2026-08-02T09:00:00Z |\n\n\
        - **Status:** error: it is so\n\n```mermaid\n";
    assert!(shown.starts_with(expected), "{shown}");
    let log = "```\n\n<details open><summary>Log: 2 lines</summary>\n\n```text\nline 0: pods are full\n";
    has_in_order(&shown, &[log, "</details>\n\n- **Notification failed:** slack: no&#95;service\n- **Warning:** the"]);
    for said in ["quota exceeded for pods", "ask for more", "api in acme"] {
        assert_eq!(shown.matches(said).count(), 1, "{said} in\n{shown}");
    }
}

#[test]
fn several_are_distinguished() {
    let mut result = sample::result(&[(Verdict::Failed, "api"), (Verdict::TimedOut, "web")]);
    result.targets[1].reason = Some(Line::new("long ".repeat(50)));
    result.targets[1].hint = Some(Line::new("wait again"));
    let shown = report(&result, SUMMARY_BYTES);
    has_in_order(
        &shown,
        &[
            "| Component | Install | Verdict | Deploy | Time | Reason |\n",
            "| api | acme | ❌ failed | [dpl1](https://app.nuon.example/deploys/dpl1) | 3m 7s, usually 2m 50s | quota exceeded for pods |\n",
            "| web | acme | ⏰ timed out |",
            "    section 1. api in acme\n",
            "    section 2. web in acme\n",
            "### ❌ api in acme\n\n- **Deploy:** [dpl1](",
            "), commit 4be1c7d09f5a, by ci&#64;&#8203;vendor.example\n- **Last good:** 0a1b2c3d, since ",
            "<details><summary>Log: 2 lines</summary>",
            "### ⏰ web in acme\n\n- **Reason:** long long",
            "- **What to do:** wait again\n",
        ],
    );
}

#[test]
fn an_approval_is_asked_for_before_anything_else_is_shown() {
    let mut result = sample::result(&[(Verdict::ApprovalNeeded, "api")]);
    result.targets[0].approval_url = Some(Line::new("https://app.nuon.example/workflows/inw1"));
    let shown = report(&result, SUMMARY_BYTES);
    let approval =
        "\n\n**Approval:** [review the plan in Nuon](https://app.nuon.example/workflows/inw1)\n\n| Component |";
    has_in_order(&shown, &["**Reason:** ", approval]);
    assert_eq!(shown.matches("review the plan").count(), 1);

    // A hint that holds the address gets the link.
    let hint = Line::new("approve or deny the plan: https://app.nuon.example/workflows/inw1, then wait again");
    (result.hint, result.targets[0].hint) = (Some(hint.clone()), Some(hint));
    let link = "[review the plan in Nuon](https://app.nuon.example/workflows/inw1)";
    let shown = report(&result, SUMMARY_BYTES);
    has_in_order(
        &shown,
        &[&format!("**What to do:** approve or deny the plan: {link}, then wait again\n\n| Component |")],
    );
    assert_eq!(shown.matches("workflows/inw1").count(), 1, "{shown}");
}

#[test]
fn a_summary_omits_what_went_well() {
    let mut result = sample::result(&[(Verdict::Passed, "api")]);
    result.warnings.clear();
    result.notifications[0].result = Delivery::Sent;
    let skipped = || NotificationResult { result: Delivery::Skipped, ..result.notifications[0].clone() };
    result.notifications.push(skipped());
    let shown = report(&result, SUMMARY_BYTES);
    assert!(!shown.contains("- **") && !shown.contains("Last good") && shown.ends_with("```\n"), "{shown}");
    result.notifications[1].result = Delivery::Failed;
    assert!(report(&result, SUMMARY_BYTES).ends_with("\n\n- **Notification failed:** slack: no&#95;service\n"));
}

#[test]
fn ids_are_shown_only_where_no_name_is_known() {
    let mut result = sample::result(&[(Verdict::Failed, "api"), (Verdict::Failed, "web")]);
    (result.targets[1].install.name, result.targets[1].component.name) = (None, Some(Line::new("")));
    let shown = report(&result, SUMMARY_BYTES);
    has_in_order(&shown, &["| api | acme |", "| cmp1 | inl1 |", "section 1. api in acme", "section 2. cmp1 in inl1"]);
    assert_eq!((shown.matches("inl1").count(), shown.matches("cmp1").count()), (3, 3), "{shown}");
}

#[test]
fn every_verdict_has_a_heading() {
    for (verdict, start) in [
        (Verdict::Passed, "## ✅ nuon-gate: passed after 3m 7s: api in acme\n"),
        (Verdict::TimedOut, "## ⏰ nuon-gate: timed out after 3m 7s"),
        (Verdict::ApprovalNeeded, "## ✋ nuon-gate: approval needed after 3m 7s"),
    ] {
        let report = report(&sample::result(&[(verdict, "api")]), SUMMARY_BYTES);
        assert!(report.starts_with(start), "{report}");
    }
    let nothing = report(&sample::result(&[]), SUMMARY_BYTES);
    assert!(nothing.starts_with("## ❌ nuon-gate: rejected after 3m 7s\n"), "{nothing}");
    assert!(!nothing.contains("mermaid") && !nothing.contains("| Component |"), "{nothing}");
}

#[test]
fn failures_come_first_and_no_list_is_endless() {
    let report = report(&several(12, 50), SUMMARY_BYTES);
    assert!(report.starts_with("## ❌ nuon-gate: failed after 3m 7s: 50 of 62 targets passed\n"), "{report}");
    let rows: Vec<&str> = report.lines().filter(|line| line.contains("| acme |")).collect();
    assert_eq!(rows.len(), 50);
    assert!(rows[..12].iter().all(|row| row.contains("failed")) && rows[12].contains("passed"));
    assert!(report.contains("\n… and 12 more.\n"), "{report}");
    assert_eq!(report.matches("\n### ").count(), 10);
    assert!(report.contains("\n… and 2 more in the result.\n"), "{report}");
}

#[test]
fn what_does_not_fit_goes_in_order() {
    let mut result = several(12, 50);
    with_log(&mut result, 25, 100);
    let whole = report(&result, SUMMARY_BYTES);
    assert!(whole.contains("Log: 25 lines") && whole.contains("mermaid"));
    let less_log = report(&result, whole.len() - 1);
    assert!(less_log.contains("Log: 8 lines") && less_log.contains("mermaid"));
    let no_logs = report(&result, less_log.len() - 1);
    assert!(!no_logs.contains("<details>") && no_logs.contains("mermaid"));
    let no_timelines = report(&result, no_logs.len() - 1);
    assert!(!no_timelines.contains("mermaid") && no_timelines.contains("### "));
    let fewer = report(&result, no_timelines.len() - 1);
    assert!(fewer.contains("… and 37 more.") && fewer.contains("### "), "{fewer}");
    assert!(report(&result, 300).contains("62 targets are left out"));
    assert_eq!(report(&result, 10), "");
    with_log(&mut result, 25, 10_000);
    assert!(!report(&result, SUMMARY_BYTES).contains("<details>"), "a huge log is left out");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn it_always_fits(most in 0usize..20_000, said in "[|`<\n ]{0,400}", failed in 0usize..30) {
        let result = sample::saying(&several(failed, 40), &said);
        prop_assert!(report(&result, most).len() <= most);
    }
}

#[test]
fn nothing_that_is_said_changes_the_form() {
    let forms: Vec<Vec<String>> = ["x", "|", "```", "\n# x\n", "</details>", "[a](b)", "%%{init}%%", "@a #1"]
        .iter()
        .map(|said| {
            let result = sample::saying(&sample::result(&[(Verdict::Failed, "api")]), said);
            let report = report(&result, SUMMARY_BYTES);
            // The start of every line, and its number of cells.
            report.lines().map(|line| format!("{:.2} {}", line, line.matches('|').count())).collect()
        })
        .collect();
    for form in &forms {
        assert_eq!(form.len(), forms[0].len());
    }
    let cells = |form: &Vec<String>| form.iter().filter(|line| line.ends_with(" 9")).count();
    assert!(forms.iter().all(|form| cells(form) == 3));
}
