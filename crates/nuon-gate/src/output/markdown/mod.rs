//! The report for people who read Markdown: GitHub's job summary, Buildkite's annotation, `--report markdown=PATH`.

mod branch_run;
mod table;

use std::time::Duration;

use nuon_gate_core::result::v1::{Delivery, DeployResult, RunResult, TargetResult};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Line, Verdict};

use self::table::{SEVERAL, SINGLE, author, commit, last_good, table};
use super::describe::open_plan;
use super::escape::{code_block, link, text};
use super::gantt;
use super::outcome::{label, words, worst_first};

const MOST_ROWS: usize = 50;
const MOST_DETAILS: usize = 10;
const MOST_WARNINGS: usize = 20;
/// Longest texts, in characters: in a row, and elsewhere.
const CELL: usize = 160;
const LONGEST: usize = 2000;
/// How many lines of each log are kept as room gets scarce, around the error.
const LOG_LINES: [usize; 5] = [usize::MAX, 100, 25, 8, 0];

/// How much of the report is written.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// The position in [`LOG_LINES`].
    log: usize,
    timelines: bool,
    rows: usize,
}

impl Extent {
    const WHOLE: Self = Self { log: 0, timelines: true, rows: MOST_ROWS };

    /// Returns the next smaller amount.
    fn less(self) -> Option<Self> {
        match self {
            Self { log, .. } if log + 1 < LOG_LINES.len() => Some(Self { log: log + 1, ..self }),
            Self { timelines: true, .. } => Some(Self { timelines: false, ..self }),
            Self { rows: 0, .. } => None,
            Self { rows, .. } => Some(Self { rows: rows / 2, ..self }),
        }
    }
}

/// Writes the report in at most this many bytes: log lines are dropped first, then timelines, then targets.
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

/// Returns as many lines as fit. A report without targets can be cut after any line.
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
    let mut parts = vec![heading(result)];
    let mut lead = |name: &str, said: Option<String>| {
        parts.extend(said.map(|said| format!("**{name}:** {said}\n")));
    };
    lead("Reason", result.reason.as_ref().map(|reason| text(&reason.cut(LONGEST))));
    lead("What to do", result.hint.as_ref().map(|said| hint(said, &result.targets)));
    parts.extend(result.branch_run.as_ref().map(|run| branch_run::section(run, extent.rows)));
    match result.targets.as_slice() {
        [only] if extent.rows > 0 => parts.extend(single(only, result, extent)),
        [_] => {}
        _ => parts.extend(several(result, extent)),
    }
    parts.extend(about_the_run(result));
    parts.join("\n")
}

/// Describes the only target, whose reason is already above.
fn single(target: &TargetResult, result: &RunResult, extent: Extent) -> Vec<String> {
    let chart = || gantt::chart(std::iter::once((None, target)));
    let parts = [
        open_plan(target).map(|plan| format!("**Plan:** {}\n", text(&plan.words().cut(LONGEST)))),
        approval(target, result).map(|page| format!("**Approval:** {page}\n")),
        Some(table(&[target], &SINGLE)),
        Some(points(target, result)).filter(|points| !points.is_empty()),
        extent.timelines.then(chart).flatten(),
        log(target, extent, true),
    ];
    parts.into_iter().flatten().collect()
}

/// Describes several targets: all in a table, with details of those that did not pass.
fn several(result: &RunResult, extent: Extent) -> Vec<String> {
    // Failures first.
    let targets = worst_first(&result.targets);
    let listed = &targets[..targets.len().min(extent.rows)];
    let mut parts = Vec::new();
    if !listed.is_empty() {
        parts.push(table(listed, &SEVERAL));
    }
    match (targets.len() - listed.len(), listed.len()) {
        (0, _) => {}
        (left, 0) => parts.push(format!("{left} targets are left out for want of room.\n")),
        (left, _) => parts.push(format!("… and {left} more.\n")),
    }
    let detailed: Vec<&TargetResult> = targets.into_iter().filter(|target| has_details(target)).collect();
    let shown = &detailed[..detailed.len().min(MOST_DETAILS).min(extent.rows)];
    if extent.timelines {
        parts.extend(gantt::chart(shown.iter().map(|target| (Some(label(target)), *target))));
    }
    for target in shown {
        let title = format!("### {} {}\n", target.verdict.sign(), text(&label(target)));
        parts.extend([title, points(target, result)].into_iter().filter(|part| !part.is_empty()));
        parts.extend(log(target, extent, false));
    }
    if detailed.len() > shown.len() && !shown.is_empty() {
        parts.push(format!("… and {} more in the result.\n", detailed.len() - shown.len()));
    }
    parts
}

fn has_details(target: &TargetResult) -> bool {
    target.verdict != Verdict::Passed || !target.warnings.is_empty()
}

fn heading(result: &RunResult) -> String {
    let took = human(Duration::from_millis(result.elapsed_ms));
    let passed = result.targets.iter().filter(|target| target.verdict == Verdict::Passed).count();
    let of = match result.targets.as_slice() {
        [] => String::new(),
        [only] => format!(": {}", text(&label(only))),
        several => format!(": {passed} of {} targets passed", several.len()),
    };
    format!("## {} nuon-gate: {} after {took}{of}\n", result.verdict.sign(), words(result.verdict))
}

/// Lists the details that do not fit into a row.
fn points(target: &TargetResult, result: &RunResult) -> String {
    let mut points = String::new();
    let mut point = |name: &str, what: Option<String>| {
        let what = what.filter(|what| !what.is_empty());
        points.extend(what.map(|what| format!("- **{name}:** {what}\n")));
    };
    let whole = |said: &Line| text(&said.cut(LONGEST));
    let several = result.targets.len() > 1;
    // A short reason is in the table, that of the only target at the top.
    let cut = target.reason.as_ref().filter(|reason| several && reason.cut(CELL) != **reason);
    point("Reason", cut.map(whole));
    let other_hint = target.hint.as_ref().filter(|hint| several && result.hint.as_ref() != Some(*hint));
    point("What to do", other_hint.map(|said| hint(said, std::slice::from_ref(target))));
    if several {
        point("Deploy", target.deploy.as_ref().map(|deploy| origin(deploy, target)));
        point("Last good", Some(last_good(target)));
    }
    point("Status", status(target));
    point("Plan", open_plan(target).filter(|_| several).map(|plan| whole(&plan.words())));
    point("Approval", approval(target, result).filter(|_| several));
    point("Superseded by", target.superseded_by.as_ref().map(whole));
    let replaced = target.replaced.iter().map(Line::plain).collect::<Vec<_>>().join(", ");
    point("Took the place of", Some(whole(&Line::new(replaced))));
    point("Recovered", target.recovered_after.map(|count| format!("after {count} that had failed")));
    target.warnings.iter().take(MOST_WARNINGS).for_each(|warning| point("Warning", Some(whole(warning))));
    points
}

/// Writes the hint, with a link in place of the address of an approval.
fn hint(said: &Line, targets: &[TargetResult]) -> String {
    let said = said.cut(LONGEST);
    let pages = targets.iter().filter_map(|target| target.approval_url.as_ref());
    let parts = pages.filter_map(|page| Some((said.plain().split_once(page.plain())?, page))).next();
    parts.map_or_else(
        || text(&said),
        |((before, after), page)| {
            let text = |part: &str| text(&Line::new(part));
            format!("{} {}{}", text(before), review(page), text(after))
        },
    )
}

/// Links to the approval, unless the hint does.
fn approval(target: &TargetResult, result: &RunResult) -> Option<String> {
    let page = target.approval_url.as_ref()?;
    let has_said = |hint: &Option<Line>| hint.as_ref().is_some_and(|hint| hint.plain().contains(page.plain()));
    (!has_said(&target.hint) && !has_said(&result.hint)).then(|| review(page))
}

fn review(page: &Line) -> String {
    link(&Line::new("review the plan in Nuon"), Some(page))
}

/// Describes a deploy's origin, for a table without columns for it.
fn origin(deploy: &DeployResult, target: &TargetResult) -> String {
    let named = |name: &str, what: String| (!what.is_empty()).then(|| format!("{name}{what}"));
    let parts = [
        named("", table::deploy(target)),
        named("commit ", deploy.commit.as_ref().map(commit).unwrap_or_default()),
        named("by ", author(deploy)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Gives the status of a deploy that did not pass, unless the verdict and the reason say it.
fn status(target: &TargetResult) -> Option<String> {
    let deploy = target.deploy.as_ref().filter(|_| target.verdict != Verdict::Passed)?;
    let has_said = |said: &Line| target.reason.as_ref().is_some_and(|reason| reason.plain().contains(said.plain()));
    let description = deploy.status_description.as_ref().filter(|said| !said.is_empty() && !has_said(said));
    if description.is_none() && target.verdict == Verdict::Failed {
        return None;
    }
    let description = description.map(|said| format!(": {}", text(&said.cut(LONGEST)))).unwrap_or_default();
    Some(text(&deploy.status.cut(CELL)) + &description)
}

fn log(target: &TargetResult, extent: Extent, is_open: bool) -> Option<String> {
    let lines = target.log_excerpt(LOG_LINES[extent.log]);
    if lines.is_empty() {
        return None;
    }
    // The blank lines make what is between them Markdown again (CommonMark 0.31, 4.6).
    let log = code_block(lines.iter().map(|line| &line.text));
    let (open, noun) = (if is_open { " open" } else { "" }, if lines.len() == 1 { "line" } else { "lines" });
    Some(format!("<details{open}><summary>Log: {} {noun}</summary>\n\n{log}\n</details>\n", lines.len()))
}

/// Lists the warnings and the notifications that failed.
fn about_the_run(result: &RunResult) -> Option<String> {
    let failed = result.notifications.iter().filter(|sent| sent.result == Delivery::Failed);
    let notifications = failed.map(|failed| {
        let why = failed.reason.as_ref().map(|why| format!(": {}", text(&why.cut(CELL)))).unwrap_or_default();
        format!("- **Notification failed:** {}{why}\n", text(&failed.sink.cut(CELL)))
    });
    let warnings = result.warnings.iter().map(|warning| format!("- **Warning:** {}\n", text(&warning.cut(LONGEST))));
    let points: String = notifications.take(MOST_WARNINGS).chain(warnings.take(MOST_WARNINGS)).collect();
    (!points.is_empty()).then_some(points)
}

#[cfg(test)]
mod tests;
