//! Reads that may block: any file can be a pipe without a writer, and stdin can be a keyboard.
//!
//! Anything but a plain file is read in a thread of its own, so that timeouts and signals still work. Once one of them
//! has ended the wait, the thread is abandoned.

use std::cell::RefCell;
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use nuon_gate_core::input::Unreadable;
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Clock, Signal, Verdict};
use tokio::time::timeout;

use crate::input::Input;
use crate::trouble::Trouble;
use crate::words::clock_flag;

/// How long files may take where no timeout counts: as long as a wait gives its trigger.
const FILES: Duration = Duration::from_secs(300);
const NOTHING_DONE: &str = "nothing was waited for";
const WRITER: &str = "make sure that its writer starts, and ends";

/// The time limit for reading.
pub(crate) struct Limit {
    left: Duration,
    called: String,
    hint: String,
}

impl Limit {
    /// The limit of a command that has no timeout.
    pub(crate) fn of_files() -> Self {
        Self::fixed(FILES)
    }

    /// A fixed limit.
    pub(crate) fn fixed(length: Duration) -> Self {
        Self { left: length, called: format!("the limit of {}", human(length)), hint: WRITER.to_owned() }
    }

    /// How long that is from now.
    #[cfg(test)]
    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// The rest of a timeout of this length.
    pub(crate) fn of_clock(clock: Clock, length: Duration, left: Duration) -> Self {
        let called = format!("the {} limit of {}", clock.as_str(), human(length));
        Self { left, called, hint: format!("{WRITER}, or raise {}", clock_flag(clock)) }
    }
}

/// Reads files, and remembers what it is waiting for.
#[derive(Default)]
pub(crate) struct Reader {
    awaited: RefCell<Option<String>>,
}

impl Reader {
    /// Reads the text of a file, or of stdin.
    pub(crate) async fn read(&self, input: Input, path: &Path) -> Result<String, Trouble> {
        self.try_read(input, path).await.map_err(|error| input.unreadable(path, &error))
    }

    /// Reads the text of a file, which need not exist.
    pub(crate) async fn try_read(&self, input: Input, path: &Path) -> Result<String, Unreadable> {
        let owned = path.to_owned();
        let read = move || input.read(&owned);
        match input.is_stdin(path) || may_wait(path) {
            true => self.run(input.name(path), read).await.unwrap_or_else(|gone| Err(Unreadable::Io(gone))),
            false => read(),
        }
    }

    /// Runs something that may block, in a thread of its own; `what` names what it waits for.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        *self.awaited.borrow_mut() = Some(name.into());
        let read = tokio::task::spawn_blocking(read).await;
        *self.awaited.borrow_mut() = None;
        Ok(read?)
    }

    /// Waits for what is being read with it, within a limit.
    pub(crate) async fn within<T>(
        &self,
        limit: Limit,
        reading: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let Limit { left, called, hint } = limit;
        let late = |_| {
            let awaited = self.awaited.borrow().clone().unwrap_or_else(|| "a file".to_owned());
            let what = format!("{called} expired while {awaited} was awaited");
            Trouble::new(what).so(NOTHING_DONE).hint(hint).judged(Some(Verdict::TimedOut))
        };
        timeout(left, reading).await.map_err(late)?
    }

    /// The error if a signal came, which names what was being read.
    pub(crate) fn interrupted(&self, signal: Signal) -> Trouble {
        match &*self.awaited.borrow() {
            Some(name) => Trouble::interrupted(signal, format!("{name} was awaited")).so(NOTHING_DONE),
            None => Trouble::interrupted(signal, "it had not finished"),
        }
    }
}

/// Returns whether reading a file can block. A plain or a missing one cannot.
pub(crate) fn may_wait(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir())
}
