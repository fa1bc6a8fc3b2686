//! The lines of a log around its error: however little of it there is room for, the error is in it.

use std::ops::Range;

use nuon_gate_core::result::LogLine;
use nuon_gate_core::{Line, says_only_that_it_failed};

use crate::cut::{Escape, cut, length};

/// Room for what is said of the lines that are left out.
const MARKERS: usize = 60;

/// Lines of a log, and which of them says what went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excerpt {
    lines: Vec<Line>,
    error: usize,
}

impl Excerpt {
    pub(crate) fn new(log: &[LogLine]) -> Self {
        let says_something = |line: &&LogLine| !line.text.is_empty();
        let log: Vec<LogLine> = log.iter().filter(says_something).cloned().collect();
        Self { error: error(&log), lines: log.into_iter().map(|line| line.text).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns as many lines around the error as are no longer than `max` when they are escaped.
    pub(crate) fn cut(&self, max: usize, escape: Escape) -> String {
        let Some(error) = self.lines.get(self.error) else { return String::new() };
        let whole = self.lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n");
        if length(&escape(&whole)) <= max {
            return escape(&whole).into_owned();
        }
        let long = |at: usize| length(&escape(self.lines[at].plain())) + 1;
        let room = max.saturating_sub(MARKERS);
        if long(self.error) > room {
            return cut(error, max, escape);
        }
        let mut used = 0;
        let shown = around(self.error, self.lines.len(), |at| {
            let fits = used + long(at) <= room;
            used += if fits { long(at) } else { 0 };
            fits
        });
        let before = marker(shown.start, "earlier");
        let after = marker(self.lines.len() - shown.end, "later");
        let kept = self.lines[shown].iter().map(|line| escape(line.plain()).into_owned());
        before.into_iter().chain(kept).chain(after).collect::<Vec<_>>().join("\n")
    }
}

fn marker(count: usize, which: &str) -> Option<String> {
    let noun = if count == 1 { "line" } else { "lines" };
    (count > 0).then(|| format!("… {count} {which} {noun}"))
}

/// Leaves out all but so many lines around the error.
pub(crate) fn keep_around_error(log: &mut Vec<LogLine>, count: usize) {
    let mut kept = 0;
    let shown = around(error(log), log.len(), |_| {
        kept += 1;
        kept <= count
    });
    log.truncate(shown.end);
    log.drain(..shown.start);
}

/// Returns the lines around one, nearest first and what follows it before what leads to it, as long as there is room.
fn around(error: usize, count: usize, mut has_room: impl FnMut(usize) -> bool) -> Range<usize> {
    if error >= count || !has_room(error) {
        return error..error;
    }
    let mut shown = error..error + 1;
    let (mut later, mut earlier) = (true, true);
    while later || earlier {
        later = later && shown.end < count && has_room(shown.end);
        shown.end += usize::from(later);
        earlier = earlier && shown.start > 0 && has_room(shown.start - 1);
        shown.start -= usize::from(earlier);
    }
    shown
}

/// Returns which line says what went wrong: the first of the last error that says more than that something failed; or else of
/// the last error, or else the last line.
fn error(log: &[LogLine]) -> usize {
    let is_error = |line: &LogLine| line.severity == "error" || line.severity == "fatal";
    let telling = |line: &LogLine| is_error(line) && !says_only_that_it_failed(line.text.plain());
    let last = log.iter().rposition(telling).or_else(|| log.iter().rposition(is_error));
    let Some(last) = last else { return log.len().saturating_sub(1) };
    // The lines of one record have its time.
    let same = |line: &&LogLine| line.at.is_some() && line.at == log[last].at && is_error(line);
    last - log[..last].iter().rev().take_while(same).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut::verbatim;

    fn log(lines: &[(&str, &str)]) -> Vec<LogLine> {
        let line = |(severity, text): &(&str, &str)| LogLine {
            at: None,
            severity: Line::new(*severity),
            text: Line::new(*text),
        };
        lines.iter().map(line).collect()
    }

    fn long() -> Vec<LogLine> {
        let before = (0..20).map(|n| format!("before {n:02}"));
        let after = (0..20).map(|n| format!("after {n:02}"));
        let texts: Vec<(&str, String)> = before
            .map(|text| ("info", text))
            .chain([("error", "Error: quota exceeded".to_owned())])
            .chain(after.map(|text| ("info", text)))
            .chain([("error", "job execution failed: exit status 1".to_owned())])
            .collect();
        log(&texts.iter().map(|(severity, text)| (*severity, text.as_str())).collect::<Vec<_>>())
    }

    #[test]
    fn the_error_is_in_it_however_little_room_there_is() {
        let excerpt = Excerpt::new(&long());
        assert_eq!(
            excerpt.cut(125, verbatim),
            "… 18 earlier lines\nbefore 18\nbefore 19\nError: quota exceeded\nafter 00\nafter 01\n… 19 later lines"
        );
        assert_eq!(excerpt.cut(82, verbatim), "… 20 earlier lines\nError: quota exceeded\n… 21 later lines");
        assert_eq!(excerpt.cut(40, verbatim), "Error: quota exceeded");
        for max in 0..900 {
            assert!(length(&excerpt.cut(max, verbatim)) <= max, "{max}");
        }
        assert!(excerpt.cut(900, verbatim).starts_with("before 00\n"), "all of it, if it fits");
        assert_eq!(Excerpt::default().cut(100, verbatim), "");
    }

    #[test]
    fn the_error_is_the_last_that_says_why() {
        let at = |line: LogLine, at: &str| LogLine { at: Some(Line::new(at)), ..line };
        let runner = ("error", "job execution failed");
        let cases: [(Vec<LogLine>, usize); 5] = [
            (log(&[("info", "a"), ("error", "b"), ("info", "c"), runner]), 1),
            (log(&[("info", "a"), runner, ("info", "c")]), 1),
            (log(&[("info", "a"), ("info", "b")]), 1),
            (log(&[]), 0),
            // Three lines of one record.
            (log(&[("error", "a"), ("error", "b"), ("error", "c")]).into_iter().map(|line| at(line, "1")).collect(), 0),
        ];
        for (log, expected) in cases {
            assert_eq!(error(&log), expected, "{log:?}");
        }
    }

    #[test]
    fn so_many_lines_are_kept_around_the_error() {
        for (count, expected) in [
            (0, &[][..]),
            (1, &["Error: quota exceeded"]),
            (3, &["before 19", "Error: quota exceeded", "after 00"]),
            (4, &["before 19", "Error: quota exceeded", "after 00", "after 01"]),
        ] {
            let mut log = long();
            keep_around_error(&mut log, count);
            assert_eq!(log.iter().map(|line| line.text.plain()).collect::<Vec<_>>(), expected);
        }
    }
}
