//! The lines of a log that say what went wrong.

use jiff::Timestamp;

use crate::Line;
use crate::model::LogRecord;

/// Longest line, in characters.
const LONGEST: usize = 500;
/// So much of what came after the last error is reported: it is mostly the runner tidying up.
pub(crate) const AFTERMATH: usize = 3;
/// Without any error, so many of the last lines are enough.
pub(crate) const UNEVENTFUL: usize = 10;

/// What the runner says of every failure, whatever it was.
const RUNNERS_WORDS: [&str; 2] = ["job execution failed", "exit status"];

/// Tells whether a text is the runner's own word that something failed, which comes last in every log.
pub fn says_only_that_it_failed(text: &str) -> bool {
    RUNNERS_WORDS.iter().any(|words| text.contains(words))
}

/// A line of a log, made safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// How bad it is, in lower case.
    pub severity: Line,
    /// Whether it is about an error.
    pub is_error: bool,
    /// What it says.
    pub text: Line,
}

/// Returns the lines around the last errors, `most` at most and oldest first, of records that are given newest first. A
/// record of several lines is several lines here.
pub(crate) fn log_tail(newest_first: &[LogRecord], most: usize) -> Vec<Logged> {
    // Made twice rather than kept, as there can be millions.
    let all = || newest_first.iter().rev().flat_map(lines);
    let (mut count, mut last_error) = (0, None);
    for line in all() {
        count += 1;
        if line.is_error {
            last_error = Some(count);
        }
    }
    let (end, most) = match last_error {
        // The error itself comes first, if there is not room for both.
        Some(last) => (count.min(last + AFTERMATH.min(most / 4)), most),
        None => (count, most.min(UNEVENTFUL)),
    };
    all().take(end).skip(end.saturating_sub(most)).collect()
}

/// Returns the text of the last error that says what went wrong, as one line, of records that are given newest first. The
/// runner's own word that something failed comes last in every log, and is taken only if there is no other.
pub(crate) fn last_error(newest_first: &[LogRecord], longest: usize) -> Option<Line> {
    let errors = newest_first.iter().filter(|record| record.is_error());
    let texts = errors.filter_map(|record| record.body.as_ref().map(|body| body.line(longest)));
    let texts: Vec<Line> = texts.filter(|text| !text.is_empty()).collect();
    texts.iter().find(|text| !says_only_that_it_failed(text.plain())).or(texts.first()).cloned()
}

fn lines(record: &LogRecord) -> impl Iterator<Item = Logged> {
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
    fn the_lines_around_the_last_error_are_told() {
        let mut records: Vec<LogRecord> = (0..9).map(|n| record(9, &format!("after {n}"))).rev().collect();
        records.push(record(17, "second error\n  with detail\n\n"));
        records.push(record(9, "between"));
        records.push(record(21, "first error"));
        records.push(record(9, "before"));
        let all = ["before", "first error", "between", "second error", "with detail", "after 0", "after 1", "after 2"];
        assert_eq!(tail(&records, 25), all);
        assert_eq!(tail(&records, 4), ["between", "second error", "with detail", "after 0"]);
        assert_eq!(tail(&records, 1), ["with detail"]);
        assert_eq!(tail(&records, 0), [""; 0]);
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
