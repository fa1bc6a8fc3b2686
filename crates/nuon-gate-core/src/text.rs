//! Text that the server or one of its users wrote.
//!
//! A status description or a log line can carry terminal escapes, line breaks, workflow commands and bidirectional
//! overrides. [`RemoteText`] is the raw text, and [`Line`] is what may be shown of it: one harmless line of bounded
//! length. Neither implements `Display`, so that every place that shows one has to choose an escape.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::CharIndices;

use serde::{Deserialize, Deserializer, Serialize};

use crate::redact::redacted;
use crate::shorten::around_error_word;

/// Text from outside that has not been made safe to show.
///
/// It has no `Display` and no `Serialize`, so that forgetting to make it safe does not compile.
///
/// ```
/// use nuon_gate_core::RemoteText;
///
/// let text = RemoteText::new("\u{1b}[31mquota\u{1b}[0m exceeded\n::error::gotcha");
/// assert_eq!(text.line(80), "quota exceeded ::error::gotcha");
/// assert_eq!(text.line(6), "quota…");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct RemoteText(String);

impl RemoteText {
    /// Takes raw text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text as one harmless line of at most `max` characters.
    pub fn line(&self, max: usize) -> Line {
        Line::bounded(&self.0, max)
    }

    /// Returns the text as [`RemoteText::line`] does. If it is longer, what it says of an error is kept, and what is around
    /// that goes.
    pub fn line_around_error(&self, max: usize) -> Line {
        Line::around_error(&self.0, max)
    }

    /// Returns the text line by line, each as [`RemoteText::line_around_error`] does. Lines in which nothing can be seen are
    /// left out.
    pub fn lines(&self, max: usize) -> impl Iterator<Item = Line> {
        // A secret can continue in the next line, as long ones in base64 do.
        let whole = redacted(&self.0);
        let lines: Vec<Line> = whole.split(['\n', '\r']).map(|line| Line::around_error(line, max)).collect();
        lines.into_iter().filter(|line| !line.is_empty())
    }

    /// Returns whether it is exactly this text, and does not only resemble it.
    pub fn is(&self, text: &str) -> bool {
        self.0 == text
    }

    /// Returns its characters as they were sent. They are not for showing.
    pub(crate) fn characters(&self) -> impl Iterator<Item = char> {
        self.0.chars()
    }

    /// Returns whether it begins with these lower-case digits, in either case, and is a hexadecimal number.
    pub(crate) fn is_hexadecimal_from(&self, digits: &str) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_hexdigit()) && self.0.to_ascii_lowercase().starts_with(digits)
    }

    /// Returns whether nothing would be left to show.
    pub fn is_blank(&self) -> bool {
        self.line(1).is_empty()
    }
}

impl fmt::Debug for RemoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.line(200).plain())
    }
}

/// One harmless line of text, whoever wrote it: without the secrets of the run ([`redact`](crate::redact)), escape
/// sequences, control characters and characters that reorder or hide others, and of bounded length. White space of any kind is one blank, and a row of `#` one `#`.
///
/// It is harmless where text has no syntax. In Markdown, in a command or in a chat it can still be a link or a mention,
/// so it has no `Display`: every place shows it through the escape for its own syntax. JSON escapes by itself.
///
/// ```
/// use nuon_gate_core::Line;
///
/// let status = Line::new("quota\r\nexceeded\u{202e}");
/// assert_eq!(status.plain(), "quota exceeded");
/// // What is put together is made harmless again.
/// assert_eq!(Line::new(format!("api: {}", status.plain())), "api: quota exceeded");
/// // So is what is read from a file.
/// assert_eq!(serde_json::from_str::<Line>(r#""\u001b[31mred""#)?, "red");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Forgetting the escape does not compile:
///
/// ```compile_fail,E0277
/// use nuon_gate_core::Line;
///
/// let status = Line::new("[click](https://evil.example)");
/// println!("**Status:** {status}");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Line(String);

impl Line {
    /// The most characters of any line. No reported line comes near it, but a line in a file might.
    pub const LONGEST: usize = 10_000;

    /// Turns a text into one line.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self::bounded(text.as_ref(), Self::LONGEST)
    }

    /// Returns the line as it is, for a place without any syntax: a terminal, a plain text, a comparison.
    pub fn plain(&self) -> &str {
        &self.0
    }

    /// Returns whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns as much of the line as fits into `max` characters. What is cut off is marked.
    #[must_use]
    pub fn cut(&self, max: usize) -> Self {
        Self::bounded(&self.0, max)
    }

    fn around_error(text: &str, max: usize) -> Self {
        let whole = Self::harmless(text, usize::MAX).0;
        let pieces: Vec<_> = whole.char_indices().map(|(at, _)| (at, 1)).collect();
        Self(around_error_word(&whole, &pieces, max.min(Self::LONGEST), str::to_owned))
    }

    fn bounded(text: &str, max: usize) -> Self {
        Self::harmless(text, max.min(Self::LONGEST))
    }

    fn harmless(text: &str, max: usize) -> Self {
        // Before anything is cut off, or half a secret could be left.
        let text = redacted(text);
        let mut line = String::new();
        let mut length = 0;
        for (_, word) in visible(&text) {
            let blank = word.is_whitespace();
            // CI runners execute `##[…]` anywhere in a line, so repeated `#` become one.
            let is_first = line.is_empty() || line.ends_with(' ');
            // A selector has no effect without its base character.
            let selects_nothing =
                matches!(word, '\u{fe0e}' | '\u{fe0f}') && line.chars().next_back().is_none_or(|sign| sign.is_ascii());
            if blank && is_first || selects_nothing || word == '#' && line.ends_with('#') {
                continue;
            }
            if length == max {
                truncate_with_ellipsis(&mut line);
                return Self(line);
            }
            line.push(if blank { ' ' } else { word });
            length += 1;
        }
        line.truncate(line.trim_end().len());
        Self(line)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl PartialEq<str> for Line {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Line {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

fn truncate_with_ellipsis(line: &mut String) {
    line.pop();
    line.truncate(line.trim_end().len());
    line.push('…');
}

/// Names some of `count` things.
pub(crate) fn some_of(count: u64, named: &[Line]) -> String {
    let names: Vec<&str> = named.iter().map(Line::plain).collect();
    let more = if count > named.len() as u64 { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

/// Returns a server's word in a form that can be shown: without secrets, bounded, with a mark for each invisible
/// character, and without the doubled characters that CI runners take for commands. Two different words stay different,
/// or both get a mark.
pub(crate) fn shown(word: &str) -> String {
    const LONGEST: usize = 64;
    let marked = redacted(word).replace("##", "#\u{fffd}").replace("::", ":\u{fffd}");
    marked.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).take(LONGEST).collect()
}

/// Returns whether a character is a control character, or one that reorders or hides the text around it.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Unicode's Default_Ignorable_Code_Point, and other invisible characters: the line and paragraph
            // separators, the blank of Braille, and the anchors of interlinear annotations.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Iterates over the characters that a reader may see: escape sequences are skipped as a whole, so that `ESC [31m` does
/// not leave its `[31m` behind, and hidden characters are dropped unless they are white space. Each comes with its
/// position.
pub(crate) fn visible(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut rest = text.char_indices();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = rest.next()?;
            match c {
                // Most characters need no further check.
                ' '..='~' => return Some((at, c)),
                '\u{1b}' => skip_escape(&mut rest),
                '\u{9b}' => skip_control_sequence(&mut rest),
                '\u{2028}' | '\u{2029}' => return Some((at, '\n')),
                _ if c.is_whitespace() => return Some((at, c)),
                // The two selectors that make a character a picture, or not; `Line` checks the character before it.
                '\u{fe0e}' | '\u{fe0f}' => return Some((at, c)),
                _ if is_hidden(c) => {}
                _ => return Some((at, c)),
            }
        }
    })
}

/// Skips the rest of an escape, as a terminal does (ECMA-48, ECMA-35): a control sequence, a string such as an operating
/// system command, or characters between blank and `/` with a final one. What belongs to none is text, or begins the next
/// escape.
fn skip_escape(rest: &mut CharIndices<'_>) {
    match take(rest, '0'..='~') {
        Some('[') => skip_control_sequence(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        Some(_) => {}
        None => {
            if take_all(rest, ' '..='/') {
                take(rest, '0'..='~');
            }
        }
    }
}

fn skip_control_sequence(rest: &mut CharIndices<'_>) {
    take_all(rest, ' '..='?');
    take(rest, '@'..='~');
}

/// Skips a string, which ends with BEL, ST or `ESC \`. No real one continues in the next line.
fn skip_string(rest: &mut CharIndices<'_>) {
    let ends = |c| matches!(c, '\u{7}' | '\u{9c}' | '\u{1b}' | '\n');
    while rest.as_str().chars().next().is_some_and(|c| !ends(c)) {
        rest.next();
    }
    if rest.as_str().starts_with("\u{1b}\\") {
        rest.next();
    }
    if !rest.as_str().starts_with(['\u{1b}', '\n']) {
        rest.next();
    }
}

/// Takes the next character if it is one of these.
fn take(rest: &mut CharIndices<'_>, these: RangeInclusive<char>) -> Option<char> {
    let next = rest.as_str().chars().next().filter(|c| these.contains(c))?;
    rest.next();
    Some(next)
}

/// Takes all these characters that follow, and returns whether there are any.
fn take_all(rest: &mut CharIndices<'_>, these: RangeInclusive<char>) -> bool {
    let length = rest.as_str().len();
    while take(rest, these.clone()).is_some() {}
    rest.as_str().len() < length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_harmless() {
        let cases = [
            ("plain", "plain"),
            ("  two\r\n\tlines \n", "two lines"),
            ("\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{1b}\\ me", "click me"),
            ("\u{9b}2Jgone", "gone"),
            ("a\u{202e}b\u{200b}c\u{0}d", "abcd"),
            ("Ünï ☃", "Ünï ☃"),
            ("\u{1b}[31", ""),
            ("a\u{1b}(Bb\u{1b}%/Gc\u{1b}Md\u{1b}", "abcd"),
            ("a\u{1b}\u{1b}[31mb\u{1b}(\u{1b}[31mc\u{1b}[3\u{1b}[31md", "abcd"),
            ("a\u{1b}[привет мир error", "aпривет мир error"),
            ("a\u{1b}é \u{1b}\nb\u{1b}[1\nc\u{9b}1☃", "aé b c☃"),
            ("a\u{1b}]0;x\u{1b}[31mb\u{1b}Px\nc\u{1b}]x\u{9c}d\u{1b}]x", "ab cd"),
            ("a ##[add-mask]b #\u{200b}#vso[c", "a #[add-mask]b #vso[c"),
        ];
        for (text, line) in cases {
            assert_eq!(RemoteText::new(text).line(100), line, "{text:?}");
        }
    }

    #[test]
    fn several_lines_are_several() {
        let text = RemoteText::new("Error: quota\r\n\r\n  on main.tf\n\u{1b}[0m\n::error::x##[y]");
        assert_eq!(text.lines(100).collect::<Vec<_>>(), ["Error: quota", "on main.tf", "::error::x#[y]"]);
    }

    #[test]
    fn lines_are_bounded() {
        let text = RemoteText::new("x".repeat(1_000_000));
        assert_eq!(text.line(5), "xxxx…");
        assert_eq!(RemoteText::new("12345").line(5), "12345");
        assert!(RemoteText::new("\u{1b}[0m \n").is_blank());
    }
}
