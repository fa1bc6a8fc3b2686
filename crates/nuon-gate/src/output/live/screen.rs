//! The lower end of a terminal, which is painted again and again.
//!
//! The cursor rests below the last row, in a line of its own: what the terminal itself echoes, such as `^C`, stands there
//! and is gone with the next picture.

use std::io::{self, Write};

use super::row::{Look, Row};

const CLEAR_REST: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::output) struct Size {
    pub(in crate::output) columns: usize,
    pub(in crate::output) rows: usize,
}

impl Size {
    /// Where nobody says how large it is.
    const USUAL: Self = Self { columns: 80, rows: 24 };

    /// Asks the terminal that stderr is.
    pub(in crate::output) fn of_stderr() -> Self {
        let size = terminal_size::terminal_size_of(io::stderr());
        size.map_or(Self::USUAL, |(columns, rows)| Self { columns: columns.0.into(), rows: rows.0.into() })
    }
}

/// What is on the screen.
struct Painted {
    rows: Vec<Row>,
    columns: usize,
}

/// A terminal with a picture at its lower end.
pub(super) struct Screen<W> {
    out: W,
    look: Look,
    reflows: bool,
    painted: Option<Painted>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, look: Look, reflows: bool) -> Self {
        Self { out, look, reflows, painted: None }
    }

    /// Writes lines above the picture, and paints it: no row may be wider than the terminal.
    pub(super) fn paint(&mut self, above: &str, rows: Vec<Row>, columns: usize) -> io::Result<()> {
        // The same picture is painted again: something may have been typed into it.
        if above.is_empty() && rows.is_empty() && self.painted.is_none() {
            return Ok(());
        }
        let mut bytes = self.painted.as_ref().map(|painted| self.to_the_top(painted, columns)).unwrap_or_default();
        // Lines may be as long as they like, and what was broken is somewhere else. A picture alone is painted over the last
        // one, which flickers less.
        if self.painted.as_ref().is_some_and(|painted| !above.is_empty() || painted.columns != columns) {
            bytes.push_str(CLEAR_BELOW);
        }
        bytes.push_str(above);
        for row in &rows {
            bytes.push_str(&row.write(self.look));
            bytes.push_str(CLEAR_REST);
            bytes.push('\n');
        }
        if self.painted.is_some() {
            bytes.push_str(CLEAR_BELOW);
        }
        self.painted = (!rows.is_empty()).then_some(Painted { rows, columns });
        self.out.write_all(bytes.as_bytes())?;
        self.out.flush()
    }

    /// Forgets what is on the screen: somebody else has written since.
    pub(super) fn forget(&mut self) {
        self.painted = None;
    }

    /// Returns what moves the cursor to the first row of the picture.
    fn to_the_top(&self, painted: &Painted, columns: usize) -> String {
        let is_broken = self.reflows && columns < painted.columns;
        let lines = |row: &Row| if is_broken { row.height(columns) } else { 1 };
        format!("\r\u{1b}[{}A", painted.rows.iter().map(lines).sum::<usize>())
    }
}
