//! The report for people who read Markdown: GitHub's job summary, Buildkite's annotation, `--report markdown=PATH`.

use std::time::Duration;

use nuon_gate_core::Line;
use nuon_gate_core::result::{Delivery, RunResult, TargetResult, VerdictName};
use nuon_gate_core::timeline::human;

use super::escape::{code_block, link, text};
use super::gantt;

const MOST_ROWS: usize = 50;
const MOST_DETAILS: usize = 10;
const MOST_WARNINGS: usize = 20;
/// Texts are cut to this many characters: in a row, and elsewhere.
const CELL: usize = 160;
const LONGEST: usize = 2000;

/// How much is told.
#[derive(Debug, Clone, Copy)]
struct Extent {
    logs: bool,
    timelines: bool,
    rows: usize,
}

impl Extent {
    const WHOLE: Self = Self { logs: true, timelines: true, rows: MOST_ROWS };

    /// Returns what is left if something has to go.
    fn less(self) -> Option<Self> {
        match self {
            Self { logs: true, .. } => Some(Self { logs: false, ..self }),
            Self { timelines: true, .. } => Some(Self { timelines: false, ..self }),
            Self { rows: 0, .. } => None,
            Self { rows, .. } => Some(Self { rows: rows / 2, ..self }),
        }
    }
}

/// Writes the report in at most this many bytes: log tails go first, then timelines, then targets.
pub(super) fn report(result: &RunResult, most_bytes: usize) -> String {
    let mut extent = Extent::WHOLE;
    loop {
        let report = with(result, extent);
        if report.len() <= most_bytes {
            return report;
        }
        let Some(less) = extent.less() else { return whole_lines(&report, most_bytes) };
        extent = less;
    }
}

/// Returns as many lines as fit. Of a report without targets each stands for itself.
fn whole_lines(report: &str, most_bytes: usize) -> String {
    let mut kept = 0;
    for line in report.split_inclusive('\n') {
        if kept + line.len() > most_bytes {
            break;
        }
        kept += line.len();
    }
    report[..kept].to_owned()
}

fn with(result: &RunResult, extent: Extent) -> String {
    // Whoever reads this wants to know what failed.
    let mut targets: Vec<&TargetResult> = result.targets.iter().collect();
    targets.sort_by_key(|target| gravity(target.verdict));
    let mut parts = vec![heading(result)];
    if let Some(reason) = &result.reason {
        parts.push(format!("**Reason:** {}\n", text(&reason.cut(LONGEST))));
    }
    if let Some(hint) = &result.hint {
        parts.push(format!("**What to do:** {}\n", text(&hint.cut(LONGEST))));
    }
    parts.extend(table(&targets, extent.rows));
    let detailed: Vec<&TargetResult> = targets.into_iter().filter(|target| has_details(target, result)).collect();
    let shown = &detailed[..detailed.len().min(MOST_DETAILS).min(extent.rows)];
    if extent.timelines {
        let chart = gantt::chart(shown.iter().map(|target| (label(target), *target)));
        parts.extend(chart.map(|chart| format!("```mermaid\n{chart}```\n")));
    }
    parts.extend(shown.iter().map(|target| details(target, extent.logs)));
    if detailed.len() > shown.len() && !shown.is_empty() {
        parts.push(format!("… and {} more that are told about in the result.\n", detailed.len() - shown.len()));
    }
    parts.extend(about_the_run(result));
    parts.join("\n")
}

fn gravity(verdict: VerdictName) -> u8 {
    match verdict {
        VerdictName::Passed => 2,
        VerdictName::Pending => 1,
        _ => 0,
    }
}

/// A single target is always told about, others if there is something to do.
fn has_details(target: &TargetResult, result: &RunResult) -> bool {
    target.verdict != VerdictName::Passed || !target.warnings.is_empty() || result.targets.len() == 1
}

fn heading(result: &RunResult) -> String {
    let took = human(Duration::from_millis(result.elapsed_ms));
    let passed = result.targets.iter().filter(|target| target.verdict == VerdictName::Passed).count();
    let of = match result.targets.as_slice() {
        [] => String::new(),
        [only] => format!(": {}", text(&label(only))),
        several => format!(": {passed} of {} targets passed", several.len()),
    };
    format!("## {} nuon-gate: {} after {took}{of}\n", icon(result.verdict), words(result.verdict))
}

fn table(targets: &[&TargetResult], rows: usize) -> Option<String> {
    let shown = &targets[..targets.len().min(rows)];
    if shown.is_empty() {
        return (!targets.is_empty()).then(|| format!("{} targets are left out for want of room.\n", targets.len()));
    }
    let mut table =
        "| Component | Install | Verdict | Deploy | Time | Reason |\n|---|---|---|---|---|---|\n".to_owned();
    table.extend(shown.iter().map(|target| row(target)));
    if targets.len() > shown.len() {
        table.push_str(&format!("\n… and {} more.\n", targets.len() - shown.len()));
    }
    Some(table)
}

fn row(target: &TargetResult) -> String {
    format!(
        "| {} | {} | {} {} | {} | {} | {} |\n",
        text(&component(target).cut(CELL)),
        text(&install(target).cut(CELL)),
        icon(target.verdict),
        words(target.verdict),
        deploy_link(target),
        spent(target).map(human).unwrap_or_default(),
        target.reason.as_ref().map(|reason| text(&reason.cut(CELL))).unwrap_or_default(),
    )
}

fn details(target: &TargetResult, with_log: bool) -> String {
    let mut lines = vec![format!("### {} {}\n", icon(target.verdict), text(&label(target)))];
    let mut point = |name: &str, what: String| {
        if !what.is_empty() {
            lines.push(format!("- **{name}:** {what}"));
        }
    };
    let said = |said: Option<&Line>| said.map(|said| text(&said.cut(LONGEST))).unwrap_or_default();
    point("Reason", said(target.reason.as_ref()));
    point("Deploy", deploy(target));
    if let Some(deploy) = &target.deploy {
        let description = said(deploy.status_description.as_ref());
        let colon = if description.is_empty() { "" } else { ": " };
        point("Status", format!("{}{colon}{description}", text(&deploy.status.cut(CELL))));
    }
    let page = target.approval_url.as_ref().map(|url| link(&Line::new("a human has to approve the plan"), Some(url)));
    point("Approval", page.unwrap_or_default());
    point("Superseded by", said(target.superseded_by.as_ref()));
    let replaced = target.replaced.iter().map(Line::plain).collect::<Vec<_>>().join(", ");
    point("Took the place of", text(&Line::new(replaced).cut(LONGEST)));
    point("Last good", last_good(target));
    let usual = target.typical_ms.map(|millis| format!("such a deploy takes {}", human(Duration::from_millis(millis))));
    point("Usually", usual.unwrap_or_default());
    let recovered = target.recovered_after.map(|count| format!("after {count} that had failed"));
    point("Recovered", recovered.unwrap_or_default());
    target.warnings.iter().take(MOST_WARNINGS).for_each(|warning| point("Warning", text(&warning.cut(LONGEST))));
    let mut details = lines.join("\n") + "\n";
    if with_log && !target.log_tail.is_empty() {
        // The blank lines make what is between them Markdown again (CommonMark 0.31, 4.6).
        let log = code_block(target.log_tail.iter().map(|line| &line.text));
        let summary = format!("Log: {} lines around the errors", target.log_tail.len());
        details.push_str(&format!("\n<details><summary>{summary}</summary>\n\n{log}\n</details>\n"));
    }
    details
}

fn deploy(target: &TargetResult) -> String {
    let Some(deploy) = &target.deploy else { return String::new() };
    let named = |name: &str, what: Option<&Line>| what.map(|what| format!("{name}{}", text(&what.cut(CELL))));
    let parts = [
        Some(deploy_link(target)).filter(|link| !link.is_empty()),
        named("", deploy.deploy_type.as_ref()),
        named("build ", deploy.build_id.as_ref()),
        named("commit ", deploy.commit.as_ref()),
        named("by ", deploy.created_by.as_ref()),
        target.matched_by.map(|matched_by| text(&Line::new(matched_by.sentence()))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn deploy_link(target: &TargetResult) -> String {
    let Some(deploy) = &target.deploy else { return String::new() };
    let label = deploy.id.as_ref().map_or_else(|| Line::new("deploy"), |id| id.cut(CELL));
    link(&label, target.url.as_ref())
}

fn last_good(target: &TargetResult) -> String {
    let Some(good) = &target.last_good else { return String::new() };
    let commit = good.commit.as_ref().map(|commit| format!(", commit {}", text(&commit.cut(CELL))));
    let since = good.at.as_ref().map(|at| format!(", since {}", text(&at.cut(CELL))));
    format!("{}{}{}", text(&good.deploy_id.cut(CELL)), commit.unwrap_or_default(), since.unwrap_or_default())
}

fn about_the_run(result: &RunResult) -> Option<String> {
    let mut points = Vec::new();
    for told in result.notifications.iter().take(MOST_WARNINGS) {
        let how = match told.result {
            Delivery::Sent => "sent",
            Delivery::Skipped => "skipped",
            Delivery::Failed => "failed",
        };
        let why = told.reason.as_ref().map(|why| format!(": {}", text(&why.cut(CELL)))).unwrap_or_default();
        points.push(format!("- **Notification:** {} {how}{why}\n", text(&told.sink.cut(CELL))));
    }
    for warning in result.warnings.iter().take(MOST_WARNINGS) {
        points.push(format!("- **Warning:** {}\n", text(&warning.cut(LONGEST))));
    }
    (!points.is_empty()).then(|| points.concat())
}

/// Returns how long the deploy was watched or ran, as far as its statuses tell.
pub(super) fn spent(target: &TargetResult) -> Option<Duration> {
    let spent = target.timeline.iter().filter_map(|stay| stay.duration_ms).reduce(u64::saturating_add)?;
    Some(Duration::from_millis(spent))
}

pub(super) fn component(target: &TargetResult) -> &Line {
    target.component.name.as_ref().unwrap_or(&target.component.id)
}

pub(super) fn install(target: &TargetResult) -> &Line {
    target.install.name.as_ref().unwrap_or(&target.install.id)
}

/// Returns the name under which a target is told of.
pub(super) fn label(target: &TargetResult) -> Line {
    let (component, install) = (component(target).cut(CELL), install(target).cut(CELL));
    Line::new(format!("{} in {}", component.plain(), install.plain()))
}

/// Returns a verdict as people write it.
pub(super) fn words(verdict: VerdictName) -> String {
    verdict.as_str().replace('_', " ")
}

fn icon(verdict: VerdictName) -> &'static str {
    match verdict {
        VerdictName::Passed => "✅",
        VerdictName::Failed | VerdictName::Rejected => "❌",
        VerdictName::Cancelled | VerdictName::Superseded => "🚫",
        VerdictName::ApprovalNeeded => "✋",
        VerdictName::TimedOut | VerdictName::Pending => "⏳",
        VerdictName::Inconclusive | VerdictName::Interrupted | VerdictName::NotifyFailed => "⚠️",
    }
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::result::LogLine;
    use proptest::prelude::*;

    use super::*;
    use crate::output::sample;

    const SUMMARY_BYTES: usize = 900 * 1024;

    fn several(failed: usize, passed: usize) -> RunResult {
        let failed = (0..failed).map(|_| (VerdictName::Failed, "api"));
        let passed = (0..passed).map(|_| (VerdictName::Passed, "worker"));
        // The failed ones come last.
        let mut targets: Vec<_> = passed.chain(failed).collect();
        targets.rotate_right(1);
        sample::result(&targets)
    }

    fn with_log(result: &mut RunResult, lines: usize, length: usize) {
        let line = LogLine { at: None, severity: Line::new("error"), text: Line::new("`".repeat(length)) };
        result.targets.iter_mut().for_each(|target| target.log_tail = vec![line.clone(); lines]);
    }

    #[test]
    fn a_failure_is_told_at_a_glance() {
        let report = report(&sample::result(&[(VerdictName::Failed, "api")]), SUMMARY_BYTES);
        let expected = [
            "## ❌ nuon-gate: failed after 3m 7s: api in acme\n\n**Reason:** quota exceeded for pods\n\n| Component |",
            "| api | acme | ❌ failed | [dpl1](https://app.nuon.example/deploys/dpl1) | 3m 7s | quota exceeded for pods |\n",
            "```mermaid\ngantt\n",
            "### ❌ api in acme\n\n- **Reason:** quota exceeded for pods\n- **Deploy:** [dpl1](",
            ", apply, build bld1, commit 4be1c7d09f5a2e63, by ci&#64;&#8203;vendor.example, ",
            "- **Status:** error: it is so\n",
            "- **Last good:** dpl0, commit 0a1b2c3d, since 2026-08-02T09:00:00Z\n- **Usually:** such a deploy takes 2m 50s",
            "<details><summary>Log: 2 lines around the errors</summary>\n\n```text\nline 0: pods are full\n",
            "- **Notification:** slack failed: no&#95;service\n- **Warning:** the clock was set\n",
        ];
        let mut rest = report.as_str();
        for part in expected {
            let at = rest.find(part).unwrap_or_else(|| panic!("no `{part}` in\n{rest}"));
            rest = &rest[at + part.len()..];
        }
    }

    #[test]
    fn every_verdict_has_a_heading() {
        for (verdict, start) in [
            (VerdictName::Passed, "## ✅ nuon-gate: passed after 3m 7s: api in acme\n"),
            (VerdictName::TimedOut, "## ⏳ nuon-gate: timed out after 3m 7s"),
            (VerdictName::ApprovalNeeded, "## ✋ nuon-gate: approval needed after 3m 7s"),
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
        assert!(report.contains("\n… and 2 more that are told about in the result.\n"), "{report}");
    }

    #[test]
    fn what_does_not_fit_goes_in_order() {
        let mut result = several(12, 50);
        with_log(&mut result, 25, 100);
        let whole = report(&result, SUMMARY_BYTES);
        assert!(whole.contains("<details>") && whole.contains("mermaid"));
        let no_logs = report(&result, whole.len() - 1);
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
                let result = sample::saying(&sample::result(&[(VerdictName::Failed, "api")]), said);
                let report = report(&result, SUMMARY_BYTES);
                // What every line begins with, and how many cells it has.
                report.lines().map(|line| format!("{:.2} {}", line, line.matches('|').count())).collect()
            })
            .collect();
        for form in &forms {
            assert_eq!(form.len(), forms[0].len());
        }
        let cells = |form: &Vec<String>| form.iter().filter(|line| line.ends_with(" 7")).count();
        assert!(forms.iter().all(|form| cells(form) == 3));
    }
}
