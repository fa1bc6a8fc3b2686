//! Sends a world's signals to the program.

use std::io;
use std::process::Child;
use std::time::Duration;

/// How long the program may take after the first signal.
pub(super) const AFTERWARDS: Duration = Duration::from_secs(5);

/// Signals to send, and those that were sent.
#[derive(Debug)]
pub(super) struct Signals {
    planned: Vec<(u64, &'static str)>,
    /// When each was sent, with its name.
    pub(super) sent: Vec<(Duration, &'static str)>,
}

impl Signals {
    pub(super) fn new(planned: &[(u64, &'static str)]) -> Self {
        Self { planned: planned.to_vec(), sent: Vec::new() }
    }

    /// Sends the signals that are due. The first one waits for a request, which shows that the program handles signals.
    pub(super) fn go_on(&mut self, child: &Child, elapsed: Duration, requests: usize) -> io::Result<()> {
        let Some((at, name)) = self.planned.get(self.sent.len()) else { return Ok(()) };
        if requests > 0 && elapsed >= Duration::from_millis(*at) {
            send(child, name)?;
            self.sent.push((elapsed, name));
        }
        Ok(())
    }

    /// Returns the exit codes of the signals that were sent.
    pub(super) fn codes(&self) -> impl Iterator<Item = i32> {
        self.sent.iter().map(|(_, name)| match *name {
            "term" => 143,
            "hup" => 129,
            _ => 130,
        })
    }
}

#[cfg(unix)]
fn send(child: &Child, name: &str) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match name {
        "term" => Signal::TERM,
        "hup" => Signal::HUP,
        _ => Signal::INT,
    };
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // It has not been waited for, so the process id is still its own.
    id.map_or(Ok(()), |id| kill_process(id, signal).map_err(io::Error::from))
}

#[cfg(not(unix))]
fn send(_: &Child, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no signals"))
}
