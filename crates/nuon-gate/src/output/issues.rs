//! Annotations of the job: an error for each target that failed.

use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use super::outcome::{label, words, worst_first};

/// GitHub shows the first ten errors and the first ten warnings of a step, and drops the rest.
const MOST: usize = 10;
/// How many warnings are shown as they occur, which leaves room for the outcome.
pub(super) const MOST_WARNINGS: usize = MOST / 2;
/// How many of those that are not shown are named.
const MOST_NAMES: usize = 20;
const LONGEST_TITLE: usize = 200;

/// The severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
}

/// An annotation of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issue {
    pub(super) severity: Severity,
    pub(super) title: Line,
    lines: Vec<Line>,
}

impl Issue {
    pub(super) fn warning(text: &Line) -> Self {
        Self { severity: Severity::Warning, title: Line::new("nuon-gate"), lines: vec![text.clone()] }
    }

    pub(super) fn error(title: &Line, lines: Vec<Line>) -> Self {
        Self { severity: Severity::Error, title: title.cut(LONGEST_TITLE), lines }
    }

    /// Returns the lines below the title, for a command that escapes line breaks.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n")
    }
}

/// Returns the annotations of a result. If the run passed, a target that did not is no error of the job.
pub(super) fn issues(result: &RunResult) -> Vec<Issue> {
    let has_failed = |target: &&TargetResult| !matches!(target.verdict, Verdict::Passed | Verdict::Pending);
    let failed: Vec<&TargetResult> = worst_first(&result.targets).into_iter().filter(has_failed).collect();
    let most = if result.verdict == Verdict::Passed { MOST_WARNINGS } else { MOST };
    let shown = if failed.len() > most { most - 1 } else { failed.len() };
    let mut issues: Vec<Issue> = failed[..shown].iter().map(|target| issue(target)).collect();
    issues.extend((failed.len() > shown).then(|| others(&failed[shown..])));
    // A signal, an answer from the API or a notification can end a run without ending a target.
    if issues.is_empty() && !matches!(result.verdict, Verdict::Passed | Verdict::Pending) {
        let title = Line::new(format!("nuon-gate: {}", words(result.verdict)));
        let reason = result.reason.clone().unwrap_or_else(|| Line::new("no target passed"));
        issues.push(Issue::error(&title, std::iter::once(reason).chain(result.hint.clone()).collect()));
    }
    if result.verdict == Verdict::Passed {
        issues.iter_mut().for_each(|issue| issue.severity = Severity::Warning);
    }
    issues
}

/// Names the targets without an annotation.
fn others(targets: &[&TargetResult]) -> Issue {
    let title = Line::new(format!("nuon-gate: {} more did not pass", targets.len()));
    let names: Vec<String> = targets.iter().take(MOST_NAMES).map(|target| label(target).plain().to_owned()).collect();
    let unnamed = targets.len() - names.len();
    let rest = if unnamed > 0 { format!(", and {unnamed} more") } else { String::new() };
    Issue::error(&title, vec![Line::new(names.join(", ") + &rest)])
}

fn issue(target: &TargetResult) -> Issue {
    let title = Line::new(format!("nuon-gate: {}: {}", label(target).plain(), words(target.verdict)));
    let reason = target.reason.as_ref().map_or_else(|| Line::new("it did not pass"), |reason| reason.cut(3000));
    let hint = target.hint.as_ref().map(|hint| hint.cut(1000));
    Issue::error(&title, std::iter::once(reason).chain(hint).chain(target.url.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    fn titles(result: &RunResult) -> Vec<Line> {
        issues(result).into_iter().map(|issue| issue.title).collect()
    }

    #[test]
    fn every_failed_target_is_an_error_up_to_ten() {
        let mut targets = vec![(Verdict::Failed, "api"); 10];
        targets.extend([(Verdict::Passed, "web"), (Verdict::Pending, "late")]);
        assert_eq!(titles(&sample::result(&targets)), vec!["nuon-gate: api in acme: failed"; 10]);
        targets.extend([(Verdict::TimedOut, "slow"), (Verdict::Cancelled, "old")]);
        let all = issues(&sample::result(&targets));
        assert_eq!(all.len(), 10);
        assert_eq!(all[9].title, "nuon-gate: 3 more did not pass");
        assert_eq!(all[9].text(), "api in acme, old in acme, slow in acme");
        assert_eq!(all[0].text(), "quota exceeded for pods\nhttps://app.nuon.example/deploys/dpl1");
    }

    #[test]
    fn a_run_that_did_not_pass_says_so_even_without_a_target() {
        assert!(issues(&sample::result(&[(Verdict::Passed, "api")])).is_empty());
        assert_eq!(titles(&sample::result(&[])), ["nuon-gate: rejected"]);
        let mut result = sample::result(&[(Verdict::Pending, "api")]);
        result.verdict = Verdict::Interrupted(nuon_gate_core::Signal::Terminate);
        result.hint = Some(Line::new("wait again"));
        let all = issues(&result);
        assert_eq!((all.len(), all[0].title.plain()), (1, "nuon-gate: interrupted"));
        assert!(all[0].text().ends_with("\nwait again"), "{}", all[0].text());
        // One poll of what goes on has found no error.
        result.verdict = Verdict::Pending;
        assert!(issues(&result).is_empty());
    }

    #[test]
    fn enough_others_make_it_a_warning() {
        let result = sample::result(&[(Verdict::Passed, "api"), (Verdict::Failed, "web")]);
        assert_eq!(issues(&result)[0].severity, Severity::Warning);
        let mut targets = vec![(Verdict::Passed, "api")];
        targets.extend([(Verdict::Failed, "web"); 12]);
        let all = issues(&sample::result(&targets));
        assert_eq!((all.len(), all[4].title.plain()), (5, "nuon-gate: 8 more did not pass"));
    }

    #[test]
    fn the_worst_are_shown_and_no_list_is_endless() {
        let mut targets = vec![(Verdict::TimedOut, "slow"); 300];
        targets[250] = (Verdict::Failed, "api");
        let all = issues(&sample::result(&targets));
        assert_eq!((all.len(), all[0].title.plain()), (10, "nuon-gate: api in acme: failed"));
        let named = all[9].text();
        assert!(named.starts_with("slow in acme, ") && named.ends_with(", slow in acme, and 271 more"), "{named}");
        assert_eq!(named.matches("slow").count(), 20);
    }
}
