//! The lines of a log around its error, which is included however little room there is.

use nuon_gate_core::result::v1::LogLine;
use nuon_gate_core::result::v1::around_error;

use crate::cut::{Escape, cut_around_error, length};

/// Room for the note about omitted lines.
const MARKERS: usize = 60;

/// Non-empty lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excerpt(Vec<LogLine>);

impl Excerpt {
    pub(crate) fn new(log: &[LogLine]) -> Self {
        Self(log.iter().filter(|line| !line.text.is_empty()).cloned().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns as many lines around the error as are no longer than `max` when they are escaped.
    pub(crate) fn cut(&self, max: usize, escape: Escape) -> String {
        let whole = joined(&self.0);
        if length(&escape(&whole)) <= max {
            return escape(&whole).into_owned();
        }
        let room = max.saturating_sub(MARKERS);
        let windows = (1..self.0.len()).map(|most| around_error(&self.0, most));
        let fits = |shown: &std::ops::Range<usize>| length(&escape(&joined(&self.0[shown.clone()]))) <= room;
        let Some(shown) = windows.take_while(fits).last() else {
            let error = &self.0[around_error(&self.0, 1)];
            return cut_around_error(&joined(error), max, escape);
        };
        let before = marker(shown.start, "earlier");
        let after = marker(self.0.len() - shown.end, "later");
        let kept = escape(&joined(&self.0[shown])).into_owned();
        before.into_iter().chain([kept]).chain(after).collect::<Vec<_>>().join("\n")
    }
}

fn joined(lines: &[LogLine]) -> String {
    lines.iter().map(|line| line.text.plain()).collect::<Vec<_>>().join("\n")
}

fn marker(count: usize, which: &str) -> Option<String> {
    let noun = if count == 1 { "line" } else { "lines" };
    (count > 0).then(|| format!("… {count} {which} {noun}"))
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Line;

    use super::*;
    use crate::cut::verbatim;

    fn log() -> Vec<LogLine> {
        let line =
            |severity: &str, text: String| LogLine { at: None, severity: Line::new(severity), text: Line::new(text) };
        let before = (0..20).map(|n| line("info", format!("before {n:02}")));
        let after = (0..20).map(|n| line("info", format!("after {n:02}")));
        let error = line("error", "Error: quota exceeded".to_owned());
        let runner = line("error", "job execution failed: exit status 1".to_owned());
        before.chain([error]).chain(after).chain([runner]).collect()
    }

    #[test]
    fn of_an_error_that_is_too_long_what_it_says_is_kept() {
        let (x, signs) = ("x".repeat(400), "&".repeat(400));
        let doubled: Escape = |text| text.replace('&', "&amp;").into();
        let table: [(String, usize, Escape, String); 3] = [
            (
                format!("{x} Error: quota exceeded"),
                63,
                verbatim,
                format!("{0}…{0}xxxxxxxx Error: quota exceeded", "x".repeat(15)),
            ),
            (format!("{signs} Error: a {signs}"), 31, doubled, "…Error: a &amp;&amp;&amp;…".to_owned()),
            (format!("☃{x} Error: 🇩🇪🇩🇪🇩🇪{x}"), 20, verbatim, "…x Error: 🇩🇪🇩🇪…".to_owned()),
        ];
        for (text, max, escape, shown) in table {
            let mut log = log();
            log[20].text = Line::new(&text);
            assert_eq!(Excerpt::new(&log).cut(max, escape), shown, "{text}");
        }
    }

    #[test]
    fn the_error_is_in_it_however_little_room_there_is() {
        let excerpt = Excerpt::new(&log());
        assert_eq!(
            excerpt.cut(125, verbatim),
            "… 17 earlier lines\nbefore 17\nbefore 18\nbefore 19\nError: quota exceeded\nafter 00\n… 20 later lines"
        );
        assert_eq!(excerpt.cut(82, verbatim), "… 20 earlier lines\nError: quota exceeded\n… 21 later lines");
        assert_eq!(excerpt.cut(40, verbatim), "Error: quota exceeded");
        for max in 0..900 {
            let text = excerpt.cut(max, verbatim);
            assert!(length(&text) <= max, "{max}");
            assert!(max < 21 || text.contains("Error: quota exceeded") || text.contains("… and"), "{max}: {text}");
        }
        assert!(excerpt.cut(900, verbatim).starts_with("before 00\n"), "all of it, if it fits");
        assert_eq!(Excerpt::default().cut(100, verbatim), "");
    }
}
