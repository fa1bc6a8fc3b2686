//! The live view at the bottom of a terminal, which is repainted.
//!
//! The cursor rests on an empty line below the last row: what the terminal echoes there, such as `^C`, is erased by the next
//! repaint.

use std::io::{self, Write};

use super::row::{Row, Styling};

const CLEAR_REST: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::output) struct Size {
    pub(in crate::output) columns: usize,
    pub(in crate::output) rows: usize,
}

impl Size {
    /// The default, if the size is not known.
    const USUAL: Self = Self { columns: 80, rows: 24 };

    /// Returns the size of the terminal on stderr.
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

/// A terminal with a live view at its bottom.
pub(super) struct Screen<W> {
    out: W,
    style: Styling,
    reflows: bool,
    painted: Option<Painted>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, style: Styling, reflows: bool) -> Self {
        Self { out, style, reflows, painted: None }
    }

    /// Writes lines above the live view, and repaints it. No row may be wider than the terminal.
    pub(super) fn paint(&mut self, above: &str, rows: Vec<Row>, columns: usize) -> io::Result<()> {
        // It is repainted even if it is the same: something may have been typed into it.
        if above.is_empty() && rows.is_empty() && self.painted.is_none() {
            return Ok(());
        }
        let mut bytes = self.painted.as_ref().map(|painted| self.to_the_top(painted, columns)).unwrap_or_default();
        // Lines can be of any length and can wrap, so they need a clear screen. Without lines the view is painted over the last
        // one, which flickers less.
        if self.painted.as_ref().is_some_and(|painted| !above.is_empty() || painted.columns != columns) {
            bytes.push_str(CLEAR_BELOW);
        }
        bytes.push_str(above);
        for row in &rows {
            bytes.push_str(&row.write(self.style));
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

    /// Forgets what is on the screen: other programs have written to it.
    #[cfg(unix)]
    pub(super) fn forget(&mut self) {
        self.painted = None;
    }

    /// Returns the sequence that moves the cursor to the first row of the live view.
    fn to_the_top(&self, painted: &Painted, columns: usize) -> String {
        let is_broken = self.reflows && columns < painted.columns;
        let lines = |row: &Row| if is_broken { row.height(columns) } else { 1 };
        format!("\r\u{1b}[{}A", painted.rows.iter().map(lines).sum::<usize>())
    }
}
