//! Writing to something that may block: a pipe that nobody reads, a terminal that is held.
//!
//! Each stream has a thread of its own, so that a reader that does not read cannot stop timers and signals. Waiting for that
//! thread is always limited.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

/// A stream with its writer thread, which takes these messages: bytes by default.
pub(super) struct Stream<M = Vec<u8>> {
    queue: mpsc::Sender<M>,
    written: oneshot::Receiver<io::Result<()>>,
}

impl Stream {
    /// Opens a stream in its own thread, since opening may block as well.
    pub(super) fn open<W: Write>(open: impl FnOnce() -> io::Result<W> + Send + 'static) -> io::Result<Self> {
        Self::of(|lines| {
            let mut stream = open()?;
            lines.iter().try_for_each(|line| stream.write_all(&line).and_then(|()| stream.flush()))
        })
    }

    /// Writes a text.
    pub(super) fn write(&self, text: impl Into<Vec<u8>>) {
        self.send(text.into());
    }
}

impl<M: Send + 'static> Stream<M> {
    /// Spawns the thread that writes messages, until all senders are gone.
    pub(super) fn of(write: impl FnOnce(&mpsc::Receiver<M>) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = mpsc::channel();
        let (done, written) = oneshot::channel();
        let write = move || {
            let outcome = write(&messages);
            // The waiting side has given up.
            let _ = done.send(outcome);
        };
        std::thread::Builder::new().name("nuon-gate-output".to_owned()).spawn(write)?;
        Ok(Self { queue, written })
    }

    /// Sends a message.
    pub(super) fn send(&self, message: M) {
        // The writer has ended after an error, such as a closed pipe.
        let _ = self.queue.send(message);
    }

    /// Returns a sender for others.
    pub(super) fn sender(&self) -> mpsc::Sender<M> {
        self.queue.clone()
    }

    /// Waits until everything is written, but not beyond the limit.
    pub(super) async fn finish(self, limit: Duration) -> io::Result<()> {
        drop(self.queue);
        match tokio::time::timeout(limit, self.written).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(io::Error::other("its writer is gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")),
        }
    }
}
