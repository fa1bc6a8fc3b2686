//! A run on stderr: lines, and on a terminal a live view of its state below them.
//!
//! A single thread writes to stderr. It receives messages and repaints at intervals: `board` keeps the run's state, `frame`
//! turns it into rows, `screen` paints them. Rows are measured by the widest form in which any terminal draws a character, so
//! none ever wraps, and the height of the live view is known.

mod board;
mod compact;
#[cfg(test)]
mod disturbances;
mod frame;
#[cfg(unix)]
mod job;
mod owner;
mod row;
#[cfg(test)]
mod scene;
mod screen;
#[cfg(test)]
mod screens;
mod steps;

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use nuon_gate_core::watch::Event;
use nuon_gate_core::{Dashboard, Moment, Target};
use tokio::time::Instant;

use self::board::Board;
pub(super) use self::compact::compact;
use self::frame::frame;
pub(super) use self::frame::sign;
pub(super) use self::owner::{disown, own, say, settle};
pub(super) use self::row::{Row, Span, Styling};
use self::screen::Screen;
pub(super) use self::screen::Size;
use super::stream::Stream;

/// The interval of repaints.
const TICK: Duration = Duration::from_millis(500);

/// A message to the writer thread.
pub(super) enum Message {
    /// A line, with its colours.
    Line(String),
    /// The wait has begun, with this limit; the live view starts.
    Watch {
        began: Instant,
        limit: Duration,
    },
    Event(Box<Event>),
    /// The dashboard with the pages of deploys.
    Pages(Box<Dashboard>),
    /// The names of the targets.
    Names(Vec<Target>),
    /// The live view ends; only lines are written.
    Still,
    /// The program is about to be stopped.
    #[cfg(unix)]
    Suspend,
    /// The program was continued; others may have written to the terminal.
    #[cfg(unix)]
    Resume,
    /// The terminal was resized.
    #[cfg(unix)]
    Resized,
    /// A request to write everything before it.
    Written(SyncSender<()>),
    /// The writer ends, even if other senders are still alive.
    End,
}

/// Starts the writer of stderr.
pub(super) fn open<W: Write>(
    open: impl FnOnce() -> io::Result<W> + Send + 'static,
    style: Styling,
    reflows: bool,
) -> io::Result<Stream<Message>> {
    Stream::of(move |messages| {
        let mut live = Live::new(Screen::new(open()?, style, reflows));
        while !live.has_ended {
            let first = live.next(messages);
            if first.as_ref().is_err_and(|none| *none == RecvTimeoutError::Disconnected) {
                break;
            }
            for message in first.into_iter().chain(messages.try_iter()) {
                live.take(message, Size::of_stderr)?;
            }
            live.give_way();
            live.draw(live.now(), Size::of_stderr())?;
        }
        live.take(Message::Still, Size::of_stderr)?;
        live.draw(live.now(), Size::of_stderr())
    })
}

/// Lines, and the live view below them.
struct Live<W> {
    screen: Screen<W>,
    /// Lines that are still to be written.
    lines: String,
    /// The live view, and since when it is shown.
    shown: Option<(Board, Instant)>,
    /// The program is stopped, or about to be: nothing is painted.
    is_away: bool,
    /// The program is in the background of its terminal.
    is_behind: bool,
    has_ended: bool,
}

impl<W: Write> Live<W> {
    fn new(screen: Screen<W>) -> Self {
        Self { screen, lines: String::new(), shown: None, is_away: false, is_behind: false, has_ended: false }
    }

    /// Waits for a message, and while something is shown not for long.
    fn next(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        match self.shown {
            None => messages.recv().map_err(RecvTimeoutError::from),
            Some(_) => messages.recv_timeout(TICK),
        }
    }

    fn now(&self) -> Moment {
        self.shown.as_ref().map_or(Moment::START, |(_, began)| Moment::after_start(began.elapsed()))
    }

    fn take(&mut self, message: Message, size: impl Fn() -> Size) -> io::Result<()> {
        match message {
            Message::Line(line) => {
                self.lines += &line;
                self.lines.push('\n');
                // Several programs may write to one pipe: each line is written as one.
                if self.shown.is_none() {
                    self.draw(Moment::START, size())?;
                }
            }
            Message::Watch { began, limit } => self.shown = Some((Board::new(limit), began)),
            Message::Event(event) => self.change(|board| board.note(&event)),
            Message::Pages(dashboard) => self.change(|board| board.know(*dashboard)),
            Message::Names(targets) => self.change(|board| board.name(&targets)),
            Message::Still => self.shown = None,
            #[cfg(unix)]
            Message::Suspend => {
                self.is_away = true;
                self.draw(self.now(), size())?;
                self.is_away = job::stop();
            }
            #[cfg(unix)]
            Message::Resume => {
                self.is_away = false;
                self.screen.forget();
            }
            // It is repainted after every message.
            #[cfg(unix)]
            Message::Resized => {}
            Message::Written(whoever) => {
                self.draw(self.now(), size())?;
                // The waiting side may have given up.
                let _ = whoever.try_send(());
            }
            Message::End => self.has_ended = true,
        }
        Ok(())
    }

    /// Paints nothing while the program is in the background, where the shell has the terminal.
    fn give_way(&mut self) {
        #[cfg(unix)]
        {
            let was_behind = std::mem::replace(&mut self.is_behind, !job::is_in_front());
            if was_behind != self.is_behind {
                self.screen.forget();
            }
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Board)) {
        if let Some((board, _)) = &mut self.shown {
            change(board);
        }
    }

    /// Writes the pending lines, and repaints.
    fn draw(&mut self, now: Moment, size: Size) -> io::Result<()> {
        let shown = self.shown.as_ref().filter(|_| !self.is_away && !self.is_behind);
        let rows = shown.map(|(board, _)| frame(board, size, now)).unwrap_or_default();
        self.screen.paint(&std::mem::take(&mut self.lines), rows, size.columns)
    }
}

/// Handles job control signals from now on.
pub(super) fn share(stream: &Stream<Message>) {
    #[cfg(unix)]
    job::listen(&stream.sender());
    #[cfg(not(unix))]
    let _ = stream;
}
