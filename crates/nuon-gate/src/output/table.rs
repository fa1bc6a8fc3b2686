//! The table of the targets that did not pass, for terminals.

use std::time::Duration;

use nuon_gate_core::result::v1::{RunResult, StayResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use super::describe::Tone;
use super::live::{Row, Span, compact, sign};
use super::outcome::words;

/// On a narrower terminal a row has only the target and its verdict, and the reason is below.
const WIDE: usize = 60;
/// A name takes at most this fraction of the width.
const NAMES: usize = 3;
const GAP: &str = "  ";

/// Returns the table, the worst first; nothing if all passed, or if there is only one target, whose end has been shown.
/// `labels` are the names of the targets.
pub(super) fn table(result: &RunResult, labels: &[Line], columns: usize) -> Vec<Row> {
    let targets = result.targets.iter().zip(labels);
    let mut failed: Vec<_> = targets.filter(|(target, _)| target.verdict != Verdict::Passed).collect();
    if failed.is_empty() || result.targets.len() == 1 {
        return Vec::new();
    }
    failed.sort_by_key(|(target, _)| target.verdict);
    let is_wide = columns >= WIDE;
    let cells = failed.iter().map(|(target, label)| cells(target, label, columns)).collect::<Vec<_>>();
    let width = |of: fn(&Cells) -> &Span| cells.iter().map(|cells| of(cells).cells()).max().unwrap_or(0);
    let (names, verdicts, statuses) = (width(|own| &own.name), width(|own| &own.verdict), width(|own| &own.status));
    let row = |Cells { sign, name, verdict, status, reason }: Cells| {
        let gap = || Span::new(Tone::Plain, GAP);
        let head = Row::of([sign, name.padded(names), gap(), verdict.padded(verdicts), gap()]);
        match (is_wide, reason) {
            (true, reason) => vec![head.and(status.padded(statuses)).and(gap()).and(reason)],
            (false, reason) if reason.cells() == 0 => vec![head],
            (false, reason) => vec![head, Row::of([gap(), reason])],
        }
    };
    let rows = cells.into_iter().flat_map(row).map(|row| row.cut(columns.saturating_sub(1)));
    [heading(failed.len(), result.targets.len())].into_iter().chain(rows).collect()
}

fn heading(failed: usize, all: usize) -> Row {
    Row::of([Span::new(Tone::Bad, format!("{failed} of {all} did not pass"))])
}

struct Cells {
    sign: Span,
    name: Span,
    verdict: Span,
    /// The last status, and the time spent in it.
    status: Span,
    reason: Span,
}

fn cells(target: &TargetResult, label: &Line, columns: usize) -> Cells {
    let (sign, tone) = sign(target.verdict);
    let status = target.deploy.as_ref().map_or("no deploy", |deploy| deploy.status.plain());
    let spent = target.timeline.last().and_then(|stay: &StayResult| stay.duration_ms).map(Duration::from_millis);
    let spent = spent.map(|spent| format!(" {}", compact(spent))).unwrap_or_default();
    Cells {
        sign: Span::new(tone, format!("{sign} ")),
        name: Span::new(Tone::Plain, label.plain()).cut(columns / NAMES).to(target.url.as_ref()),
        verdict: Span::new(tone, words(target.verdict)),
        status: Span::new(Tone::Plain, format!("{status}{spent}")),
        reason: Span::new(Tone::Plain, target.reason.as_ref().map(Line::plain).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::live::Styling;
    use crate::output::sample;

    fn shown(columns: usize) -> Vec<String> {
        let targets = [
            (Verdict::Passed, "api"),
            (Verdict::TimedOut, "日本語の名前"),
            (Verdict::Failed, "a-worker-with-quite-a-long-name"),
        ];
        let result = sample::result(&targets);
        let labels = targets.map(|(_, name)| Line::new(name));
        let rows = table(&result, &labels, columns);
        rows.iter().map(|row| row.write(Styling { colour: false, links: false }).trim_end().to_owned()).collect()
    }

    #[test]
    fn the_worst_comes_first_and_every_row_fits() {
        let heading = "2 of 3 did not pass";
        let wide = [
            heading,
            "✗ a-worker-with-quite-a-long-name  failed     error  quota exceeded for pods",
            "✗ 日本語の名前                     timed out  error  quota exceeded for pods",
        ];
        assert_eq!([shown(120), shown(200)], [wide, wide]);
        let usual = [
            heading,
            "✗ a-worker-with-quite-a-lo…  failed     error  quota exceeded for pods",
            "✗ 日本語の名前               timed out  error  quota exceeded for pods",
        ];
        assert_eq!(shown(80), usual);
        let narrow = [
            heading,
            "✗ a-worker-wi…  failed",
            "  quota exceeded for pods",
            "✗ 日本語の名前  timed out",
            "  quota exceeded for pods",
        ];
        assert_eq!(shown(40), narrow);
    }

    #[test]
    fn there_is_none_of_a_run_that_passed_or_has_one_target() {
        for targets in [&[(Verdict::Passed, "api"), (Verdict::Passed, "worker")][..], &[(Verdict::Failed, "api")]] {
            let labels: Vec<Line> = targets.iter().map(|(_, name)| Line::new(name)).collect();
            assert_eq!(table(&sample::result(targets), &labels, 80), []);
        }
    }
}
