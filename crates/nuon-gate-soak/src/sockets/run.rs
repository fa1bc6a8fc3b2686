//! Runs the program in a world, and collects what it leaves.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::signals::Signals;
use super::start;
use crate::program::{self, Ended, Folder};
use crate::server::Server;
use crate::transcript::{Exchange, Question};
use crate::world::{Pace, World};

/// How long reasons and logs may take after the deadline (contract: clocks).
pub(super) const REASONS: Duration = Duration::from_secs(10);

/// How much longer a run may take on an overloaded machine.
pub(super) const SPARE: Duration = Duration::from_secs(5);

/// A run and its end.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) world: World,
    /// When the program was started.
    pub(super) started_at: Timestamp,
    pub(super) transcript: Vec<Exchange>,
    pub(super) ended: Ended,
    pub(super) signals: Signals,
    pub(super) token: String,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs the program in the world of a seed, `times` as fast as usual.
#[expect(clippy::disallowed_methods, reason = "the real program runs in real time, and the world's time is the same")]
pub(super) fn run(seed: u64, gate: &Path, times: u32) -> io::Result<Run> {
    let Folder(folder) = &Folder::new(&format!("soak-{seed}"))?;
    let (began, started_at) = (Instant::now(), Timestamp::now());
    let world = World::generate_at(seed, Pace::Quick { started_at_us: started_at.as_microsecond(), times });
    let server = Server::start(world.clone(), began)?;
    let token = format!("soak-token-{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let question = world.question();
    let command = start::command((gate, folder), &server.url, question, &token, seed.is_multiple_of(2))?;
    let mut signals = Signals::new(world.signals());
    let ended =
        program::run(command, longest(question), |child, elapsed| signals.go_on(child, elapsed, server.requests()))?;
    let transcript = server.stop()?;
    let read = |name| Ok::<_, io::Error>(String::from_utf8_lossy(&fs::read(folder.join(name))?).into_owned());
    let (stdout, stderr) = (read("stdout")?, read("stderr")?);
    Ok(Run { world, started_at, transcript, ended, signals, token, stdout, stderr })
}

/// Returns how long a run may take.
fn longest(question: &Question) -> Duration {
    Duration::from_millis(question.timeout_ms + question.request_timeout_ms) + REASONS + SPARE
}
