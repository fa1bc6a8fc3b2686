//! Our own diagnostics on stderr, with `-v`.

use std::io;

use nuon_gate_core::Line;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::live;
use crate::arguments::Verbosity;

/// Writes each diagnostic as one harmless line, since some hold text from a server.
struct Diagnostics;

impl io::Write for Diagnostics {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = Line::new(String::from_utf8_lossy(text));
        // Goes through the writer, so that it cannot split a line or the live view.
        live::say(line.plain())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sends our own diagnostics to stderr, but not those of other crates, which can hold headers. Without `-v` there is no
/// subscriber at all.
pub(crate) fn log_to_stderr(verbosity: Verbosity) {
    if verbosity.verbose == 0 {
        return;
    }
    let level = LevelFilter::DEBUG;
    let ours = Targets::new().with_target("nuon_gate", level).with_target("nuon_gate_core", level);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(|| Diagnostics).with_ansi(false).with_target(false).without_time();
    // Fails if there is a subscriber already, which is then the same one.
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}
