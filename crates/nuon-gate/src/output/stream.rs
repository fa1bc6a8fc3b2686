//! Writing to something that may block: a pipe that nobody reads, a terminal that is held.
//!
//! Each stream has a thread of its own, so that whoever does not read cannot stop the clocks and the signals. Nobody
//! waits for that thread for longer than is said.

use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

/// A stream with its writer, which takes these messages: bytes, if nothing else.
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

    /// Takes a text to be written.
    pub(super) fn write(&self, text: impl Into<Vec<u8>>) {
        self.send(text.into());
    }
}

impl<M: Send + 'static> Stream<M> {
    /// Has messages written in a thread of its own, as long as some can come.
    pub(super) fn of(write: impl FnOnce(&mpsc::Receiver<M>) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = mpsc::channel();
        let (done, written) = oneshot::channel();
        let write = move || {
            let outcome = write(&messages);
            // Whoever waited has given up.
            let _ = done.send(outcome);
        };
        std::thread::Builder::new().name("nuon-gate-output".to_owned()).spawn(write)?;
        Ok(Self { queue, written })
    }

    /// Takes a message.
    pub(super) fn send(&self, message: M) {
        // The writer has ended after an error, such as a closed pipe: nobody reads this any more.
        let _ = self.queue.send(message);
    }

    /// Returns what others can send with.
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
