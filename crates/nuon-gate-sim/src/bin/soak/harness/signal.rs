//! Signals to the program in the middle of a wait.

use std::io;
use std::process::Child;
use std::time::Duration;

use fastrand::Rng;

use super::story::pick;

/// How long everything after the first signal may take, in milliseconds.
pub(crate) const AFTERWARDS: u64 = 5_000;
/// How long after the first a second one comes.
const SECOND: Duration = Duration::from_millis(8);

/// A signal: its name, its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) name: &'static str,
    pub(crate) code: u8,
}

const SIGNALS: [Signal; 3] = [
    Signal { name: "SIGINT", code: 130 },
    Signal { name: "SIGTERM", code: 143 },
    // Who starts the harness with `nohup` has the program ignore SIGHUP.
    Signal { name: "SIGTERM twice", code: 143 },
];

/// When a signal is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) signal: Signal,
    /// Once the API has been asked so often: by then the program listens.
    requests: usize,
}

impl Plan {
    /// A signal somewhere in a wait.
    pub(crate) fn any(rng: &mut Rng) -> Self {
        Self { signal: pick(rng, &SIGNALS), requests: rng.usize(1..25) }
    }
}

/// What has been sent so far.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// When the first was.
    pub(crate) first: Option<Duration>,
    pub(crate) second: bool,
}

impl Sent {
    /// Sends what is due, `elapsed` after the start and `requests` after the first question.
    pub(crate) fn go_on(&mut self, plan: Plan, child: &Child, elapsed: Duration, requests: usize) -> io::Result<()> {
        match self.first {
            None if requests >= plan.requests => {
                send(child, plan.signal)?;
                self.first = Some(elapsed);
            }
            Some(first) if !self.second && plan.signal.name.ends_with("twice") && elapsed >= first + SECOND => {
                send(child, plan.signal)?;
                self.second = true;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(unix)]
fn send(child: &Child, signal: Signal) -> io::Result<()> {
    use rustix::process::{Pid, Signal as Kind, kill_process};
    let kind = if signal.code == 130 { Kind::INT } else { Kind::TERM };
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // It has not been waited for, so the number is still its own.
    id.map_or(Ok(()), |id| kill_process(id, kind).map_err(io::Error::from))
}

#[cfg(not(unix))]
fn send(_: &Child, _: Signal) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no signals"))
}
