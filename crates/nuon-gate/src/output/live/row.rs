//! A row of a terminal: its width, and how it is written.

use nuon_gate_core::Line;
use unicode_width::UnicodeWidthChar;

use crate::output::describe::Tone;

/// The indentation of all but the first row.
pub(super) const INDENT: &str = "  ";

/// How rows are styled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::output) struct Styling {
    pub(in crate::output) colour: bool,
    pub(in crate::output) links: bool,
}

/// A part of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::output) struct Span {
    tone: Tone,
    text: String,
    /// The page that it links to.
    link: Option<Line>,
}

impl Span {
    pub(in crate::output) fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { tone, text: text.as_ref().chars().filter_map(of_one_width).collect(), link: None }
    }

    /// Makes it a link.
    pub(in crate::output) fn to(self, page: Option<&Line>) -> Self {
        // Only ASCII addresses are safe to write.
        let is_address = |page: &&Line| page.plain().bytes().all(|byte| byte.is_ascii_graphic());
        Self { link: page.filter(is_address).cloned(), ..self }
    }

    /// Returns its width in most terminals, in cells.
    pub(in crate::output) fn cells(&self) -> usize {
        self.text.chars().filter_map(UnicodeWidthChar::width).sum()
    }

    /// Cuts it to this many cells on any terminal, and marks the cut.
    #[must_use]
    pub(in crate::output) fn cut(self, cells: usize) -> Self {
        if most_cells(&self.text) <= cells {
            return self;
        }
        let Some(room) = cells.checked_sub(widest('…')) else { return Self { text: String::new(), ..self } };
        let mut used = 0;
        let fits = |c: &char| {
            used += widest(*c);
            used <= room
        };
        let kept: String = self.text.chars().take_while(fits).collect();
        Self { text: kept.trim_end().to_owned() + "…", ..self }
    }

    /// Wraps it at blanks, to this many cells on any terminal. The last of so many parts has all the rest.
    pub(super) fn wrapped(&self, cells: usize, most: usize) -> Vec<Self> {
        let mut parts: Vec<String> = Vec::new();
        for word in self.text.split(' ') {
            let is_last = parts.len() == most;
            match parts.last_mut() {
                Some(part) if is_last || most_cells(part) + 1 + most_cells(word) <= cells => {
                    part.push(' ');
                    part.push_str(word);
                }
                _ => parts.push(word.to_owned()),
            }
        }
        parts.into_iter().map(|text| Self { text, ..self.clone() }).collect()
    }

    /// Adds blanks until it takes this many cells.
    #[must_use]
    pub(in crate::output) fn padded(mut self, cells: usize) -> Self {
        let missing = cells.saturating_sub(self.cells());
        self.text.extend(std::iter::repeat_n(' ', missing));
        self
    }
}

/// Returns a character in a form of known width: terminals differ in how wide they draw flags and modified emoji, so a flag
/// becomes its letters, and a modifier is left out. Control characters are removed.
fn of_one_width(c: char) -> Option<char> {
    const FIRST_LETTER: u32 = 0x1_f1e6;
    match c {
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(u32::from('A') + u32::from(c) - FIRST_LETTER),
        '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => None,
        c => Some(c).filter(|c| !c.is_control()),
    }
}

/// Returns the maximum width of a text on any terminal: with East Asian fonts many characters take two cells that take one
/// elsewhere.
fn most_cells(text: &str) -> usize {
    text.chars().map(widest).sum()
}

fn widest(c: char) -> usize {
    c.width_cjk().unwrap_or(0)
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::output) struct Row(Vec<Span>);

impl Row {
    pub(in crate::output) fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        Self(spans.into_iter().collect())
    }

    #[must_use]
    pub(in crate::output) fn and(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }

    /// Returns its maximum width on any terminal.
    pub(super) fn most_cells(&self) -> usize {
        self.0.iter().map(|span| most_cells(&span.text)).sum()
    }

    /// Returns the number of lines that it takes in a terminal that wraps it.
    pub(super) fn height(&self, columns: usize) -> usize {
        let (mut height, mut used) = (1, 0);
        for c in self.0.iter().flat_map(|span| span.text.chars()) {
            let cells = c.width().unwrap_or(0);
            if used + cells > columns {
                (height, used) = (height + 1, 0);
            }
            used += cells;
        }
        height
    }

    /// Cuts it to this width.
    #[must_use]
    pub(in crate::output) fn cut(self, cells: usize) -> Self {
        let mut room = cells;
        let mut kept = Vec::new();
        for span in self.0 {
            let (wanted, span) = (most_cells(&span.text), span.cut(room));
            room = room.saturating_sub(wanted);
            kept.push(span);
            if room == 0 {
                break;
            }
        }
        Self(kept)
    }

    /// Writes the row, without a line end. Nothing in it acts on the terminal but our own colours and links.
    pub(in crate::output) fn write(&self, style: Styling) -> String {
        self.0.iter().map(|span| span.write(style)).collect()
    }
}

impl Span {
    fn write(&self, style: Styling) -> String {
        let text = match self.link.as_ref().filter(|_| style.links) {
            Some(page) => format!("\u{1b}]8;;{}\u{1b}\\{}\u{1b}]8;;\u{1b}\\", page.plain(), self.text),
            None => self.text.clone(),
        };
        if style.colour {
            let style = self.tone.style();
            format!("{style}{text}{style:#}")
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Styling = Styling { colour: false, links: false };

    fn cut(text: &str, cells: usize) -> String {
        Row::of([Span::new(Tone::Plain, text)]).cut(cells).write(PLAIN)
    }

    #[test]
    fn what_fits_fits_in_every_terminal() {
        let cases = [
            ("api", 3, "api"),
            ("worker", 5, "wor…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日…"),
            ("🇩🇪 api", 6, "DE api"),
            ("☃️x 👩🏽‍🚀", 9, "☃x 👩🚀"),
            ("→→→→→", 10, "→→→→→"),
            ("→→→→→", 9, "→→→…"),
            ("e\u{301}a", 2, "e\u{301}a"),
            ("worker", 1, ""),
        ];
        for (text, cells, shown) in cases {
            assert_eq!(cut(text, cells), shown, "{text} in {cells}");
        }
        let two = Row::of([Span::new(Tone::Plain, "worker "), Span::new(Tone::Bad, "failed: quota")]);
        assert_eq!(two.cut(15).write(PLAIN), "worker failed…");
    }

    #[test]
    fn a_row_is_as_high_as_it_is_broken() {
        let height = |text: &str, columns| Row::of([Span::new(Tone::Plain, text)]).height(columns);
        assert_eq!(
            [height("", 3), height("abc", 3), height("abcd", 3), height("日本語", 3), height("a日b", 3)],
            [1, 1, 2, 3, 2]
        );
    }

    #[test]
    fn a_link_is_written_where_it_is_one() {
        let page = Line::new("https://app.nuon.example/a");
        let row = |page| Row::of([Span::new(Tone::Plain, "api").to(Some(page))]);
        assert_eq!(row(&page).write(PLAIN), "api");
        let linked = row(&page).write(Styling { links: true, ..PLAIN });
        assert_eq!(linked, "\u{1b}]8;;https://app.nuon.example/a\u{1b}\\api\u{1b}]8;;\u{1b}\\");
        assert_eq!(row(&Line::new("https://ä")).write(Styling { links: true, ..PLAIN }), "api");
    }

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(Row::of([Span::new(Tone::Plain, "a\u{1b}[2J\r\nb\u{9b}")]).write(PLAIN), "a[2Jb");
    }
}
