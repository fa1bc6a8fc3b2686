//! Cutting a text so that it fits.
//!
//! Every service counts in its own way and refuses the whole message if one text is too long. A text is cut between
//! graphemes, before it is escaped, so that no escape sequence is cut in two.

use std::borrow::Cow;

use nuon_gate_core::Line;
use nuon_gate_core::result::v1::around_error_word;
use unicode_segmentation::UnicodeSegmentation as _;

/// Makes a piece of text harmless in the syntax of a service.
pub(crate) type Escape = fn(&str) -> Cow<'_, str>;

/// For places whose text is not parsed.
pub(crate) fn verbatim(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Counts UTF-16 units, the strictest count of Slack and Discord.
pub(crate) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns a line that is no longer than `max` when it is escaped. Says how much was cut off.
pub(crate) fn cut(line: &Line, max: usize, escape: Escape) -> String {
    cut_text(line.plain(), max, escape)
}

/// Returns as much as that of a line of a log, and always what it says of an error.
pub(crate) fn cut_around_error(text: &str, max: usize, escape: Escape) -> String {
    let pieces: Vec<_> = text.grapheme_indices(true).map(|(at, piece)| (at, length(&escape(piece)))).collect();
    around_error_word(text, &pieces, max, |part| escape(part).into_owned())
}

fn cut_text(text: &str, max: usize, escape: Escape) -> String {
    let whole = escape(text);
    // Escaping never shortens a text, so the rest of a huge one need not be read.
    if length(&whole) <= max {
        return whole.into_owned();
    }
    let total = text.graphemes(true).count();
    let room = max.saturating_sub(length(&marker(total)));
    let (mut kept, mut used, mut out) = (0, 0, String::new());
    for grapheme in text.graphemes(true) {
        let escaped = escape(grapheme);
        let longer = used + length(&escaped);
        if longer > room {
            break;
        }
        out.push_str(&escaped);
        (kept, used) = (kept + 1, longer);
    }
    let marker = marker(total - kept);
    if length(&marker) <= max - used {
        out.push_str(&marker);
    } else if max > used {
        out.push('…');
    }
    out
}

fn marker(more: usize) -> String {
    let noun = if more == 1 { "character" } else { "characters" };
    format!("… and {more} more {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubled(text: &str) -> Cow<'_, str> {
        Cow::Owned(text.replace('&', "&amp;"))
    }

    #[test]
    fn cuts_fall_between_characters_and_are_counted() {
        let long = "a".repeat(60);
        let cases: [(&str, usize, Escape, &str); 8] = [
            ("short", 5, verbatim, "short"),
            (&long, 30, verbatim, "aaaaaa… and 54 more characters"),
            // A letter with its accent, and a flag, stay whole.
            ("e\u{301}e\u{301}e\u{301} and some thirty more letters", 27, verbatim, "e\u{301}… and 31 more characters"),
            ("🇩🇪🇩🇪🇩🇪 and some thirty more letters", 27, verbatim, "… and 32 more characters"),
            ("&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&", 34, doubled, "&amp;&amp;… and 28 more characters"),
            ("&&", 10, doubled, "&amp;&amp;"),
            ("too long", 1, verbatim, "…"),
            ("too long", 0, verbatim, ""),
        ];
        for (text, max, escape, expected) in cases {
            assert_eq!(cut(&Line::new(text), max, escape), expected, "{text:?} to {max}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_ever_longer(text in "\\PC{0,200}|[&e\u{301}🇩🇪]{0,200}", max in 0usize..120) {
            prop_assert!(length(&cut(&Line::new(text), max, doubled)) <= max);
        }
    }
}
