//! The lines of a log that explain a failure.

use std::ops::Range;

use jiff::Timestamp;

use crate::Line;
use crate::model::LogRecord;

/// The longest line, in characters.
const LONGEST: usize = 500;
/// How many lines after the last error are reported. Most of these are the runner's clean-up.
pub(crate) const AFTERMATH: usize = 3;
/// How many of the last lines are reported if there is no error.
pub(crate) const UNEVENTFUL: usize = 10;

/// Generic texts that the runner logs for every failure.
const RUNNERS_WORDS: [&str; 2] = ["job execution failed", "exit status"];

/// A harmless log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// The severity, in lower case.
    pub severity: Line,
    /// Whether it is about an error.
    pub is_error: bool,
    /// Its text.
    pub text: Line,
}

/// Returns the lines around the error that explains the failure, oldest first and at most `most`. The records are given
/// newest first. A record with several lines becomes several lines.
///
/// The error's first line is always included, if there is room for one. Later lines are dropped first, then earlier
/// ones. An error that is too long loses its middle: the end of a traceback says what happened.
pub(crate) fn log_tail(newest_first: &[LogRecord], most: usize) -> Vec<Logged> {
    let cause = cause(newest_first);
    // Computed twice rather than stored, as there can be millions.
    let all =
        || newest_first.iter().enumerate().rev().flat_map(|(at, record)| lines(record).map(move |line| (at, line)));
    let (mut count, mut error) = (0, 0..0);
    for (at, _) in all() {
        match cause {
            Some(cause) if at > cause => error = count + 1..count + 1,
            Some(cause) if at == cause => error.end = count + 1,
            _ => {}
        }
        count += 1;
    }
    let [first, last] = match cause {
        Some(_) if error.len() > most => {
            let end = most / 2;
            [error.start..error.start + most - end, error.end - end..error.end]
        }
        Some(_) => [around(error, count, most), 0..0],
        None => [count - count.min(most).min(UNEVENTFUL)..count, 0..0],
    };
    let is_shown = |at: &usize| first.contains(at) || last.contains(at);
    all().enumerate().filter(|(at, _)| is_shown(at)).map(|(_, (_, line))| line).collect()
}

/// Returns which of `count` lines around an error to show, at most `most`.
pub(crate) fn around(error: Range<usize>, count: usize, most: usize) -> Range<usize> {
    let end = count.min(error.end + AFTERMATH.min(most / 4));
    let start = end.saturating_sub(most).min(error.start);
    start..end.min(start + most)
}

/// Returns the text of the last error that explains the failure, as one line. The records are given newest first.
pub(crate) fn last_error(newest_first: &[LogRecord], longest: usize) -> Option<Line> {
    let body = newest_first[cause(newest_first)?].body.as_ref();
    body.map(|body| body.line_around_error(longest)).filter(|line| !line.is_empty())
}

/// Returns which record explains the failure. The runner's own generic error is last in every log, and only counts if
/// there is no other.
fn cause(newest_first: &[LogRecord]) -> Option<usize> {
    let errors = || newest_first.iter().enumerate().filter(|(_, record)| record.is_error() && record.says_something());
    let informative = errors().find(|(_, record)| says_why(record));
    informative.or_else(|| errors().next()).map(|(at, _)| at)
}

/// Returns whether a record is an error with more than a generic text.
pub(crate) fn says_why(record: &LogRecord) -> bool {
    let text = record.body.as_ref().filter(|_| record.is_error()).map(|body| body.line(LONGEST));
    text.is_some_and(|text| !text.is_empty() && !is_runners_word(&text))
}

pub(crate) fn is_runners_word(text: &Line) -> bool {
    RUNNERS_WORDS.iter().any(|words| text.plain().contains(words))
}

/// Returns the lines of a record, each made harmless.
pub(crate) fn lines(record: &LogRecord) -> impl Iterator<Item = Logged> {
    let is_error = record.is_error();
    let word = record
        .severity_text
        .as_ref()
        .map(|word| Line::new(word.line(20).plain().to_lowercase()))
        .filter(|word| !word.is_empty());
    let severity = word.unwrap_or_else(|| Line::new(if is_error { "error" } else { "info" }));
    let lines = record.body.iter().flat_map(|body| body.lines(LONGEST));
    let at = record.timestamp;
    lines.map(move |text| Logged { at, severity: severity.clone(), is_error, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteText;

    fn record(number: i64, body: &str) -> LogRecord {
        LogRecord { severity_number: Some(number), body: Some(RemoteText::new(body)), ..LogRecord::default() }
    }

    fn tail(newest_first: &[LogRecord], most: usize) -> Vec<Line> {
        log_tail(newest_first, most).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn the_lines_around_the_last_error_are_reported() {
        let mut records: Vec<LogRecord> = (0..9).map(|n| record(9, &format!("after {n}"))).rev().collect();
        records.push(record(17, "second error\n  with detail\n\n"));
        records.push(record(9, "between"));
        records.push(record(21, "first error"));
        records.push(record(9, "before"));
        let all = ["before", "first error", "between", "second error", "with detail", "after 0", "after 1", "after 2"];
        assert_eq!(tail(&records, 25), all);
        assert_eq!(tail(&records, 4), ["between", "second error", "with detail", "after 0"]);
        assert_eq!(tail(&records, 1), ["second error"]);
        assert_eq!(tail(&records, 0), [""; 0]);
    }

    #[test]
    fn an_excerpt_never_ends_before_the_error_nor_begins_after_it() {
        let dump = "Error: quota exceeded\n".to_owned() + &"  at some place\n".repeat(60);
        let tidying = (0..40).map(|n| record(9, &format!("tidying up {n}"))).rev();
        let runner = record(17, "job execution failed: exit status 1");
        let records: Vec<LogRecord> =
            std::iter::once(runner).chain(tidying).chain([record(17, &dump), record(9, "before")]).collect();
        for most in [1, 2, 8, 25] {
            let shown = tail(&records, most);
            assert_eq!((shown[0].plain(), shown.len()), ("Error: quota exceeded", most));
        }
        let short = [&records[..41], &[record(17, "Error: quota exceeded"), record(9, "before")]].concat();
        assert_eq!(
            tail(&short, 25),
            ["before", "Error: quota exceeded", "tidying up 0", "tidying up 1", "tidying up 2"]
        );
        assert_eq!(tail(&short, 2), ["before", "Error: quota exceeded"]);
    }

    #[test]
    fn of_an_error_of_many_lines_the_beginning_and_the_end_are_reported() {
        let middle: String = (0..78).map(|n| format!("  File {n}\n")).collect();
        let records = [record(9, "after"), record(17, &format!("Traceback:\n{middle}ValueError: no such chart"))];
        let shown = tail(&records, 25);
        assert_eq!((shown.len(), shown[0].plain(), shown[24].plain()), (25, "Traceback:", "ValueError: no such chart"));
        assert_eq!(shown[12], "File 11");
        assert_eq!(shown[13], "File 67");
        assert_eq!(tail(&records, 1), ["Traceback:"]);
        assert_eq!(tail(&records, 2), ["Traceback:", "ValueError: no such chart"]);
    }

    #[test]
    fn of_a_long_line_what_it_says_is_wrong_is_reported() {
        let long = format!("unable to apply: {} Error: quota exceeded", "x".repeat(3 * Line::LONGEST));
        let records = [record(17, &long)];
        let reason = last_error(&records, 100);
        for line in [&tail(&records, 1)[0], reason.as_ref().unwrap()] {
            let plain = line.plain();
            assert!(plain.starts_with("unable to apply: x") && plain.ends_with("x Error: quota exceeded"), "{plain}");
            assert!(plain.chars().count() <= LONGEST, "{plain}");
        }
    }

    #[test]
    fn without_an_error_the_last_few_lines_are_enough() {
        let records: Vec<LogRecord> = (0..50).map(|n| record(9, &format!("line {n}"))).rev().collect();
        assert_eq!(tail(&records, 25).first().map(Line::plain), Some("line 40"));
        assert_eq!(tail(&records, 2), ["line 48", "line 49"]);
        assert_eq!(tail(&[], 25), [""; 0]);
    }

    #[test]
    fn the_last_error_that_says_what_happened_is_the_reason() {
        let runner = record(17, "job execution failed: unable to apply plan: exit status 1");
        let quota = record(17, "Error: quota exceeded\n  on main.tf");
        let warning = record(13, "deprecated");
        let of = |records: &[LogRecord]| last_error(records, 100).map(|line| line.plain().to_owned());
        assert_eq!(
            of(&[runner.clone(), quota.clone(), warning.clone()]).as_deref(),
            Some("Error: quota exceeded on main.tf")
        );
        assert_eq!(
            of(&[runner, warning.clone()]).as_deref(),
            Some("job execution failed: unable to apply plan: exit status 1")
        );
        assert_eq!(of(&[warning]), None);
    }

    #[test]
    fn severities_are_words_or_numbers() {
        let worded = LogRecord { severity_text: Some(RemoteText::new("FATAL")), ..record(0, "x") };
        let cases = [(worded, "fatal", true), (record(17, "x"), "error", true), (record(13, "x"), "info", false)];
        for (record, severity, is_error) in cases {
            let line = &log_tail(&[record], 1)[0];
            assert_eq!((line.severity.plain(), line.is_error), (severity, is_error));
        }
    }
}
