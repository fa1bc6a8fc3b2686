//! Text from outside in Markdown and HTML: it is shown, and never acts.

use nuon_gate_core::Line;

/// A character of no width, which breaks up what a machine would recognise.
const NOTHING: &str = "&#8203;";

/// Escapes a line for use within a line of Markdown, a table cell, or HTML text.
///
/// Characters of the syntax become character references, which Markdown (CommonMark 0.31, 2.5), the splitting of table
/// cells and HTML all take as text. What GitHub turns into links in the rendered page (`@name`, `#123`, `GH-123`, bare
/// addresses) is broken by a character of no width, as Renovate does in release notes: character references would be
/// resolved before that step.
pub(super) fn text(line: &Line) -> String {
    let line = line.plain();
    let mut written = String::with_capacity(line.len());
    // At its start a text could also be a list, a rule or the underline of a heading.
    let mut number = true;
    for (at, c) in line.char_indices() {
        let (before, after) = (&line[..at], &line[at + c.len_utf8()..]);
        match c {
            '@' | '#' => written.push_str(&format!("{}{NOTHING}", reference(c))),
            ':' if after.starts_with("//") => written.push_str(&format!("{c}{NOTHING}")),
            '.' if ends_with_ignoring_case(before, "www") => written.push_str(&format!("{c}{NOTHING}")),
            '-' if ends_with_ignoring_case(before, "gh") => written.push_str(&format!("{c}{NOTHING}")),
            '-' | '+' | '=' if at == 0 => written.push_str(&reference(c)),
            '.' if at > 0 && number => written.push_str(&reference(c)),
            '.' | ',' | ':' | ';' | '/' | '?' | '%' | '\'' | '-' | '+' | '=' => written.push(c),
            _ if c.is_ascii_punctuation() => written.push_str(&reference(c)),
            _ => written.push(c),
        }
        number &= c.is_ascii_digit();
    }
    written
}

/// Writes a link, or only its text unless the address is a safe web address.
pub(super) fn link(label: &Line, url: Option<&Line>) -> String {
    match url.and_then(|url| address(url.plain())) {
        Some(url) => format!("[{}]({url})", text(label)),
        None => text(label),
    }
}

/// Escapes a web address so that nothing in it ends a link, a cell or an attribute.
fn address(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !is_web || url.len() > 2000 || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#%=+,@".contains(c);
    let sign = |c: char| match c {
        '&' => "&amp;".to_owned(),
        c if is_plain(c) => c.to_string(),
        c => format!("%{:02X}", u32::from(c)),
    };
    Some(url.chars().map(sign).collect())
}

/// Writes lines as a code block, with a fence that none of them can close.
pub(super) fn code_block<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let lines: Vec<&str> = lines.map(Line::plain).collect();
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}text\n{body}{fence}\n")
}

fn reference(c: char) -> String {
    format!("&#{};", u32::from(c))
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start.and_then(|start| text.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// Returns the parsed events of this Markdown, in order, and its whole text. All extensions are on; bare words that become
    /// links are checked separately.
    fn read(markdown: &str) -> (Vec<String>, String) {
        let (mut kinds, mut all) = (Vec::new(), String::new());
        let no_choice_of_ours = Options::ENABLE_SMART_PUNCTUATION | Options::ENABLE_OLD_FOOTNOTES;
        for event in Parser::new_ext(markdown, Options::all() - no_choice_of_ours) {
            match event {
                Event::Text(text) => all.push_str(&text),
                Event::End(_) => {}
                Event::Start(Tag::CodeBlock(_)) => kinds.push("Code".to_owned()),
                Event::Start(tag) => {
                    let name = format!("{tag:?}");
                    kinds.push(name.split(['(', ' ']).next().unwrap().to_owned());
                }
                other => kinds.push(format!("{other:?}")),
            }
        }
        (kinds, all)
    }

    fn seen(text: &str) -> String {
        text.replace('\u{200b}', "")
    }

    #[track_caller]
    fn is_text_alone(hostile: &str) {
        let line = Line::new(hostile);
        let shown = seen(line.plain());
        let written = text(&line);
        let (kinds, all) = read(&written);
        assert!(kinds.is_empty() || kinds == ["Paragraph"], "{written:?}: {kinds:?}");
        assert_eq!(seen(&all), shown, "{written:?}");
        let (kinds, _) = read(&format!("| a | b |\n|---|---|\n| {written} | x |\n"));
        let row = ["TableRow", "TableCell", "TableCell"];
        assert_eq!(kinds[4..], row, "{written:?}");
        let (kinds, _) = read(&format!("- **Reason:** {written}\n\n### x {written}\n"));
        assert_eq!(kinds, ["List", "Item", "Strong", "Heading"], "{written:?}");
        // What GitHub recognises in the rendered page.
        for mark in ["@", "#", "://", "www.", "GH-"] {
            let broken = all.match_indices(mark).all(|(at, _)| match mark {
                "://" => false,
                _ => all[at + mark.len()..].starts_with('\u{200b}'),
            });
            assert!(broken, "{mark} acts in {written:?}");
        }
        let between_tags = ['<', '>', '"', '`', '|'];
        assert!(!written.contains(between_tags), "{written:?}");
    }

    const HOSTILE: [&str; 28] = [
        "[a](https://evil.example)",
        "![a](https://evil.example/x.png)",
        "<img src=x onerror=alert(1)> &lt;b&gt; &amp;",
        "<https://evil.example> https://evil.example www.evil.example WWW.evil.example ftp://evil.example",
        "someone@evil.example mailto:a@b.example @nuon-gate/all GH-12 gh-1 #12 acme/api#12 acme/api@4be1c7d",
        "a | b || c \\| d",
        "```\n```",
        "`code` ``x`` ~~~",
        "# heading",
        "heading\n===",
        "---",
        "***",
        "- item",
        "+ item",
        "12. item",
        "1) item",
        "> quote",
        "    code",
        "\tcode",
        "[x]: https://evil.example",
        "[^1] [[wiki]] ^up^ ||spoiler|| __under__ **bold** ~~gone~~ $x$ $$y$$",
        "</details><script>",
        "&#60;b&#62; &copy;",
        "\\",
        "a\u{0}b\u{1b}[31m\u{85}c\u{2028}d",
        "%%{init: {}}%%",
        "1.",
        "- [ ] task",
    ];

    #[test]
    fn nothing_hostile_acts() {
        HOSTILE.iter().for_each(|hostile| is_text_alone(hostile));
    }

    #[test]
    fn what_can_be_read_stays_readable() {
        assert_eq!(
            text(&Line::new("api: quota exceeded, 5/5 used; ask for more?")),
            "api: quota exceeded, 5/5 used; ask for more?"
        );
        assert_eq!(text(&Line::new(" pending-approval ")), "pending-approval");
        assert_eq!(text(&Line::new("a|b <c> @d")), "a&#124;b &#60;c&#62; &#64;&#8203;d");
    }

    #[test]
    fn links_lead_where_they_should_or_nowhere() {
        let link = |label: &str, url: &str| link(&Line::new(label), Some(&Line::new(url)));
        assert_eq!(link("x", "https://app.example/a?b=c&d"), "[x](https://app.example/a?b=c&amp;d)");
        assert_eq!(link("a]b", "https://e.example/)|<>\"[`*"), "[a&#93;b](https://e.example/%29%7C%3C%3E%22%5B%60%2A)");
        for url in ["javascript:alert(1)", "data:x", "", "https://a b", "https://a\nb", "//evil.example", "/x"] {
            assert_eq!(link("x", url), "x", "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_anything_else(
            hostile in "\\PC{0,20}|[-+=*_~`\\[\\]()<>!|#@&;:/\\\\.$^{}0-9a-hw \\n\\t]{0,40}",
            which in 0..HOSTILE.len(),
        ) {
            is_text_alone(&hostile);
            is_text_alone(&format!("{hostile}{}", HOSTILE[which]));
            is_text_alone(&format!("{}{hostile}", HOSTILE[which]));
        }

        #[test]
        fn no_line_leaves_its_block(lines in proptest::collection::vec("`{0,6}|[`~ \\na<>#-]{0,12}|\\PC{0,12}", 0..6)) {
            let lines: Vec<Line> = lines.iter().map(Line::new).collect();
            let (kinds, all) = read(&code_block(lines.iter()));
            prop_assert_eq!(kinds, ["Code"]);
            let expected: String = lines.iter().map(|line| line.plain().to_owned() + "\n").collect();
            prop_assert_eq!(all, expected);
        }

        #[test]
        fn no_address_leaves_its_link(url in "https?://[!-~]{0,40}") {
            let (kinds, all) = read(&format!("| a | b |\n|---|---|\n| {} | x |\n", link(&Line::new("see"), Some(&Line::new(&url)))));
            let with_link = ["TableRow", "TableCell", "Link", "TableCell"];
            prop_assert_eq!(&kinds[4..], with_link);
            prop_assert_eq!(all, "abseex");
        }
    }
}
