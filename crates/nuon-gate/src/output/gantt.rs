//! Where a deploy's time went, as a gantt chart in Mermaid's language.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::Line;
use nuon_gate_core::result::{StayResult, TargetResult, VerdictName};
use nuon_gate_core::timeline::human;

/// More bars than this nobody reads, and Mermaid draws no text above 50,000 characters (its `maxTextSize`).
const MOST_BARS: usize = 200;
const MOST_OF_ONE: usize = 40;
const LONGEST_LABEL: usize = 60;

/// Draws the timelines of these targets, each with its label. `None` if there is nothing to draw.
pub(super) fn chart<'a>(targets: impl Iterator<Item = (Line, &'a TargetResult)>) -> Option<String> {
    // Times are written without a zone, so that the axis shows them as the rest of the report does: in UTC.
    let mut chart = "gantt\n    dateFormat YYYY-MM-DDTHH:mm:ss.SSS\n    axisFormat %H:%M:%S\n".to_owned();
    let mut left = MOST_BARS;
    for (label, target) in targets {
        let stays = &target.timeline[target.timeline.len().saturating_sub(MOST_OF_ONE.min(left))..];
        let bars: Vec<String> = (1..).zip(stays).filter_map(|(number, stay)| bar(number, stay, target)).collect();
        left -= bars.len();
        if !bars.is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(chart, "    section {}", label_of(&label));
            chart.extend(bars);
        }
    }
    (left < MOST_BARS).then_some(chart)
}

/// Draws a stay: a bar with its status and how long it took, or a milestone for the status that the deploy ended in.
fn bar(number: usize, stay: &StayResult, target: &TargetResult) -> Option<String> {
    let start: Timestamp = stay.at.plain().parse().ok()?;
    let passed = target.verdict == VerdictName::Passed;
    let is_last = target.timeline.last() == Some(stay);
    let (tag, end, spent) = match stay.duration_ms {
        None => (if passed { "done, milestone" } else { "crit, milestone" }, start, String::new()),
        Some(millis) => {
            let spent = Duration::from_millis(millis);
            let tag = if is_last && !passed { "active" } else { "done" };
            (tag, start.checked_add(spent).ok()?, format!(" {}", human(spent)))
        }
    };
    // A number comes first, so that no status is one of Mermaid's own words, such as `click` or `title`.
    let label = label_of(&stay.status);
    Some(format!("    {number}. {label}{spent} :{tag}, {}, {}\n", time(start), time(end)))
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// Returns text in which nothing means anything to Mermaid: no colon, `;` or `#` that would end a label, no `%%` of a
/// comment or directive, no quotes, brackets or HTML (`gantt.jison` in mermaid-js/mermaid).
fn label_of(line: &Line) -> String {
    let harmless = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let label: String = line.plain().chars().map(|c| if harmless(c) { c } else { ' ' }).take(LONGEST_LABEL).collect();
    let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
    if label.is_empty() { "unknown".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::sample;

    fn with_status(status: &str) -> TargetResult {
        let mut target = sample::target(VerdictName::Failed, "api");
        target.timeline[0].status = Line::new(status);
        target
    }

    #[test]
    fn statuses_are_tasks() {
        let target = sample::target(VerdictName::Failed, "api");
        let chart = chart([(Line::new("api in acme"), &target)].into_iter()).unwrap();
        assert_eq!(
            chart,
            "gantt\n    dateFormat YYYY-MM-DDTHH:mm:ss.SSS\n    axisFormat %H:%M:%S\n    section api in acme\n    \
             1. queued 9s :done, 2026-08-03T14:02:11.000, 2026-08-03T14:02:20.000\n    \
             2. executing 2m 58s :done, 2026-08-03T14:02:20.000, 2026-08-03T14:05:18.000\n    \
             3. error :crit, milestone, 2026-08-03T14:05:18.000, 2026-08-03T14:05:18.000\n"
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        let mut target = sample::target(VerdictName::Failed, "api");
        target.timeline.iter_mut().for_each(|stay| stay.at = Line::new("yesterday"));
        assert_eq!(chart([(Line::new("api"), &target)].into_iter()), None);
        target.timeline.clear();
        assert_eq!(chart([(Line::new("api"), &target)].into_iter()), None);
        assert_eq!(chart(std::iter::empty()), None);
        // A deploy that changes all the time.
        let mut target = sample::target(VerdictName::TimedOut, "api");
        target.timeline = target.timeline.iter().cycle().take(10_000).cloned().collect();
        let many = chart((0..50).map(|number| (Line::new(format!("api {number}")), &target))).unwrap();
        assert!(many.lines().count() < 260 && many.len() < 50_000, "{}", many.len());
    }

    proptest! {
        #[test]
        fn no_status_means_anything(status in "\\PC{0,30}|[%{}:;#\\n,a-c ]{0,30}|(click|section|title) [a-z\":]{0,9}") {
            let target = with_status(&status);
            let chart = chart([(Line::new(&status), &target)].into_iter()).unwrap();
            let lines: Vec<&str> = chart.lines().collect();
            prop_assert_eq!(lines.len(), 7, "{}", chart);
            let acts = [':', ';', '#', '%', '{', '}', '"', '<', '>', '&'];
            prop_assert!(lines[3].starts_with("    section ") && !lines[3].contains(acts));
            let (label, data) = lines[4].split_once(':').unwrap();
            prop_assert!(label.starts_with("    1. "), "{}", label);
            prop_assert!(!label.contains(acts), "{}", label);
            prop_assert_eq!(data, "done, 2026-08-03T14:02:11.000, 2026-08-03T14:02:20.000");
        }
    }
}
