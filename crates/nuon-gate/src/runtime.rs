//! The runtime that everything asynchronous runs in.

use crate::reader::Reader;
use crate::signals::{self, survive_file_limits};
use crate::trouble::Trouble;

/// Runs something until a signal ends it.
pub(crate) fn run<T>(work: impl AsyncFnOnce(&Reader) -> Result<T, Trouble>) -> Result<T, Trouble> {
    let runtime = runtime()?;
    let reader = Reader::default();
    let outcome = runtime.block_on(async {
        let mut signals = signals::listen()?;
        tokio::select! {
            outcome = work(&reader) => outcome,
            Some(signal) = signals.first.recv() => Err(reader.interrupted(signal)),
        }
    });
    // A DNS lookup or a file read in progress must not delay the exit.
    runtime.shutdown_background();
    outcome
}

/// Makes the runtime: one thread is enough for a request every few seconds, and starts sooner than several.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::new(format!("cannot start: {error}")))?;
    runtime.block_on(async { survive_file_limits() });
    Ok(runtime)
}
