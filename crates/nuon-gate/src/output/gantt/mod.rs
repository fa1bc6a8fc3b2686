//! A deploy's timeline as a gantt chart in Mermaid's language.
//!
//! Mermaid's `ganttRenderer.js` decides how it is drawn: a section's title is left of the bars and never shortened, a label
//! that does not fit its bar is written beside it, and sections of the same name are merged.

#[cfg(test)]
mod grammar;

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use nuon_gate_core::result::v1::{StayResult, TargetResult};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Line, Verdict};

/// Maximum number of bars. Mermaid refuses a text above 50,000 characters (`maxTextSize`).
const MOST_BARS: usize = 200;
const MOST_OF_ONE: usize = 40;
/// Maximum length of a bar's label, so that it fits beside a short bar.
const LONGEST_LABEL: usize = 30;
/// Maximum length of a section's title, so that the bars keep most of the width.
const LONGEST_TITLE: usize = 32;
/// How wide a character of a title is at most, in pixels: titles are 11 pixels high.
const TITLE_CHARACTER: usize = 7;
/// Mermaid's default padding at the left.
const USUAL_PADDING: usize = 75;
/// Servers send a time of the year 1 for none, which would stretch the chart over two thousand years.
const YEARS: RangeInclusive<i16> = 2000..=2999;

/// Draws the timelines of these targets, each with its title if there are several. `None` if there is nothing to draw, or if
/// it begins and ends within the same second of the server's.
pub(super) fn chart<'a>(targets: impl Iterator<Item = (Option<Line>, &'a TargetResult)>) -> Option<String> {
    let mut left = MOST_BARS;
    let mut sections = Vec::new();
    for (number, (title, target)) in (1..).zip(targets) {
        let stays = &target.timeline[target.timeline.len().saturating_sub(MOST_OF_ONE.min(left))..];
        let bars: Vec<Bar> = stays.iter().filter_map(|stay| Bar::new(stay, target)).collect();
        left -= bars.len();
        if !bars.is_empty() {
            // The number keeps sections apart whose titles are cut to the same text.
            let title = title.map(|title| format!("{number}. {}", label_of(&title, LONGEST_TITLE)));
            sections.push((title, bars));
        }
    }
    let bars = || sections.iter().flat_map(|(_, bars)| bars);
    let start = bars().map(|bar| bar.start).min()?;
    let end = bars().map(|bar| bar.end).max().filter(|end| *end > start)?;
    let longest = sections.iter().filter_map(|(title, _)| title.as_ref()).map(|title| title.chars().count()).max();
    let padding = USUAL_PADDING.max(longest.unwrap_or(0) * TITLE_CHARACTER + 20);
    let axis = axis(Duration::try_from(end.duration_since(start)).unwrap_or_default());
    // Times have no zone, so that the axis shows UTC, as the rest of the report does.
    let head = format!(
        "%%{{init: {{\"gantt\": {{\"leftPadding\": {padding}}}}}}}%%\ngantt\n    dateFormat YYYY-MM-DDTHH:mm:ss.SSS\n    \
         axisFormat {axis}\n    todayMarker off\n"
    );
    let drawn = sections.iter().flat_map(|(title, bars)| {
        let title = title.iter().map(|title| format!("    section {title}\n"));
        title.chain((1..).zip(bars).map(|(number, bar)| bar.drawn(number)))
    });
    Some(format!("```mermaid\n{head}{}```\n", drawn.collect::<String>()))
}

/// Returns the time format of the axis: precise enough for ten distinct labels, and short enough to fit side by side.
fn axis(whole: Duration) -> &'static str {
    match whole.as_secs() {
        0..10 => "%M:%S.%L",
        10..3_600 => "%H:%M:%S",
        3_600..86_400 => "%H:%M",
        86_400..864_000 => "%b %d %H:%M",
        _ => "%b %d",
    }
}

/// A stay: a bar with its status and how long it took, or a milestone for the status that the deploy ended in.
struct Bar {
    label: String,
    tag: &'static str,
    start: Timestamp,
    end: Timestamp,
}

impl Bar {
    fn new(stay: &StayResult, target: &TargetResult) -> Option<Self> {
        let start: Timestamp = stay.at.plain().parse().ok()?;
        let passed = target.verdict == Verdict::Passed;
        let is_last = target.timeline.last() == Some(stay);
        let status = label_of(&stay.status, LONGEST_LABEL);
        let (tag, end, label) = match stay.duration_ms {
            None => (if passed { "done, milestone" } else { "crit, milestone" }, start, status),
            Some(millis) => {
                let spent = Duration::from_millis(millis);
                let tag = if is_last && !passed { "active" } else { "done" };
                (tag, start.checked_add(spent).ok()?, format!("{status} {}", human(spent)))
            }
        };
        [start, end].iter().all(|at| YEARS.contains(&day(*at).year())).then_some(Self { label, tag, start, end })
    }

    /// A number comes first, so that no status can be a keyword of Mermaid's, such as `click` or `title`.
    fn drawn(&self, number: usize) -> String {
        let Self { label, tag, start, end } = self;
        format!("    {number}. {label} :{tag}, {}, {}\n", time(*start), time(*end))
    }
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// Returns text without any of Mermaid's syntax: no colon, `;` or `#` that would end a label, no `%%` of a
/// comment or directive, no quotes, brackets or HTML (`gantt.jison` in mermaid-js/mermaid).
fn label_of(line: &Line, longest: usize) -> String {
    let harmless = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let label: String = line.plain().chars().map(|c| if harmless(c) { c } else { ' ' }).collect();
    let label = Line::new(label).cut(longest);
    if label.is_empty() { "unknown".to_owned() } else { label.plain().to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::sample;

    fn with_status(status: &str) -> TargetResult {
        let mut target = sample::target(Verdict::Failed, "api");
        target.timeline[0].status = Line::new(status);
        target
    }

    fn drawn(target: &TargetResult) -> String {
        chart([(None, target)].into_iter()).unwrap()
    }

    #[test]
    fn statuses_are_tasks() {
        let target = sample::target(Verdict::Failed, "api");
        let expected = |padding: usize, section: &str| {
            format!(
                "```mermaid\n%%{{init: {{\"gantt\": {{\"leftPadding\": {padding}}}}}}}%%\ngantt\n    \
                 dateFormat YYYY-MM-DDTHH:mm:ss.SSS\n    axisFormat %H:%M:%S\n    todayMarker off\n{section}    \
                 1. queued 9s :done, 2026-08-03T14:02:11.000, 2026-08-03T14:02:20.000\n    \
                 2. executing 2m 58s :done, 2026-08-03T14:02:20.000, 2026-08-03T14:05:18.000\n    \
                 3. error :crit, milestone, 2026-08-03T14:05:18.000, 2026-08-03T14:05:18.000\n```\n"
            )
        };
        assert_eq!(drawn(&target), expected(75, ""));
        let titled = chart([(Some(Line::new("api in acme")), &target)].into_iter()).unwrap();
        assert_eq!(titled, expected(118, "    section 1. api in acme\n"));
    }

    #[test]
    fn the_axis_fits_from_milliseconds_to_days() {
        const HOUR: u64 = 3_600_000;
        let cases = [
            (3, "%M:%S.%L", "queued 3ms"),
            (9_999, "%M:%S.%L", "queued 9s"),
            (10_000, "%H:%M:%S", "queued 10s"),
            (HOUR - 1, "%H:%M:%S", "queued 59m 59s"),
            (HOUR, "%H:%M", "queued 1h"),
            (24 * HOUR, "%b %d %H:%M", "queued 1d"),
            (51 * HOUR + 245_000, "%b %d %H:%M", "queued 2d 3h 4m"),
            (240 * HOUR, "%b %d", "queued 10d"),
        ];
        for (millis, axis, label) in cases {
            let mut target = sample::target(Verdict::TimedOut, "api");
            target.timeline.truncate(1);
            target.timeline[0].duration_ms = Some(millis);
            let chart = drawn(&target);
            assert!(chart.contains(&format!("    axisFormat {axis}\n")), "{millis}: {chart}");
            assert!(chart.contains(&format!("    1. {label} :active, ")), "{millis}: {chart}");
        }
    }

    #[test]
    fn titles_never_reach_the_bars() {
        let target = sample::target(Verdict::Failed, "api");
        let title = || Some(Line::new("a-component-with-a-long-name in an-install-with-a-longer-one"));
        let chart = chart([(title(), &target), (title(), &target)].into_iter()).unwrap();
        let sections: Vec<&str> = chart.lines().filter_map(|line| line.strip_prefix("    section ")).collect();
        assert_eq!(sections.len(), 2);
        assert_ne!(sections[0], sections[1], "sections of one name are one");
        let longest = sections.iter().map(|title| title.chars().count()).max().unwrap();
        let padding = chart.split("\"leftPadding\": ").nth(1).unwrap().split('}').next().unwrap();
        assert!(padding.parse::<usize>().unwrap() >= longest * 7 + 10 && longest <= 40, "{chart}");
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        let mut target = sample::target(Verdict::Failed, "api");
        target.timeline.iter_mut().for_each(|stay| stay.at = Line::new("yesterday"));
        assert_eq!(chart([(None, &target)].into_iter()), None);
        target.timeline.clear();
        assert_eq!(chart([(None, &target)].into_iter()), None);
        assert_eq!(chart(std::iter::empty()), None);
        // A stay without a duration.
        let mut target = sample::target(Verdict::Failed, "api");
        target.timeline.truncate(1);
        target.timeline[0].duration_ms = Some(0);
        assert_eq!(chart([(None, &target)].into_iter()), None);
        // An invalid time.
        let mut target = sample::target(Verdict::Failed, "api");
        target.timeline[0].at = Line::new("0001-01-01T00:00:00Z");
        assert_eq!(drawn(&target).matches(" :").count(), 2);
        target.timeline[0].at = Line::new("2026-08-03T14:02:11Z");
        target.timeline[1].duration_ms = Some(u64::MAX);
        assert_eq!(drawn(&target).matches(" :").count(), 2);
        // A deploy that changes very often.
        let mut target = sample::target(Verdict::TimedOut, "api");
        target.timeline = target.timeline.iter().cycle().take(10_000).cloned().collect();
        let many = chart((0..50).map(|number| (Some(Line::new(format!("api {number}"))), &target))).unwrap();
        assert!(many.lines().count() < 260 && many.len() < 50_000, "{}", many.len());
    }

    proptest! {
        #[test]
        fn no_text_means_anything(text in "\\PC{0,30}|[%{}:;#\\n,\"'\\[\\]()<>&`a-c ]{0,30}|(click|section|title|gantt|%%) [a-z\":]{0,9}|2026-08-0[1-9]") {
            let target = with_status(&text);
            let drawn = chart([(Some(Line::new(&text)), &target)].into_iter()).unwrap();
            let read = grammar::read(&drawn).map_err(TestCaseError::fail)?;
            prop_assert_eq!(read.settings.len(), 3, "{}", drawn);
            prop_assert!(read.sections.len() == 1 && read.sections[0].starts_with("1. "), "{}", drawn);
            let tags: Vec<String> = read.tasks.iter().map(|task| task.tags.join(" ")).collect();
            prop_assert_eq!(tags, ["done", "done", "crit milestone"]);
            let time = |text: &str| text.parse::<jiff::civil::DateTime>().unwrap();
            prop_assert_eq!(read.tasks[0].start, time("2026-08-03T14:02:11"));
            prop_assert_eq!(read.tasks[0].end, time("2026-08-03T14:02:20"));
            // No HTML and no Markdown either.
            let acts = ['"', '<', '>', '&', '{', '}', '[', ']', '(', ')'];
            let shown = read.sections.iter().chain(read.tasks.iter().map(|task| &task.name));
            prop_assert!(shown.clone().all(|shown| !shown.contains(acts)), "{}", drawn);
        }
    }
}
