//! The part of a published log that explains a failure.

use std::ops::Range;

use super::LogLine;
use crate::log_tail::{around, is_runners_word};
use crate::model::is_error_word;

/// Returns which lines of a published log are around the error that explains the failure, at most `most`. The error's
/// first line is included, if there is room for one.
pub fn around_error(lines: &[LogLine], most: usize) -> Range<usize> {
    if lines.len() <= most {
        return 0..lines.len();
    }
    let errors = || lines.iter().enumerate().rev().filter(|(_, line)| is_error_word(line.severity.plain()));
    let informative = errors().find(|(_, line)| !is_runners_word(&line.text)).or_else(|| errors().next());
    let Some((last, cause)) = informative else { return lines.len().saturating_sub(most)..lines.len() };
    // Lines of one record belong to one error.
    let is_same = |line: &&LogLine| (&line.at, &line.severity) == (&cause.at, &cause.severity);
    let first = last - lines[..last].iter().rev().take_while(is_same).count();
    around(first..last + 1, lines.len(), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    #[test]
    fn what_has_been_published_is_cut_around_the_error_too() {
        let line = |at: &str, severity: &str, text: &str| LogLine {
            at: Some(Line::new(at)),
            severity: Line::new(severity),
            text: Line::new(text),
        };
        let mut lines: Vec<LogLine> = (0..9).map(|n| line("1", "info", &format!("before {n}"))).collect();
        lines.extend(["Error: quota exceeded", "  at main", "  at pods"].map(|text| line("2", "error", text)));
        lines.extend((0..9).map(|n| line("3", "info", &format!("after {n}"))));
        lines.push(line("4", "fatal", "job execution failed"));
        let shown = |most| {
            let shown: Vec<&str> = lines[around_error(&lines, most)].iter().map(|line| line.text.plain()).collect();
            shown.join(",")
        };
        assert_eq!(shown(1), "Error: quota exceeded");
        assert_eq!(shown(3), "Error: quota exceeded,at main,at pods");
        assert_eq!(shown(5), "before 8,Error: quota exceeded,at main,at pods,after 0");
        assert_eq!(around_error(&lines, 100), 0..lines.len());
        assert!(around_error(&lines, 0).is_empty());
        assert_eq!(around_error(&lines[..9], 2), 7..9);
        assert!(around_error(&[], 2).is_empty());
    }
}
