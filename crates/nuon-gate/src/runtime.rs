//! The runtime that everything asynchronous runs in.

use crate::signals::survive_file_limits;
use crate::trouble::Trouble;

/// Makes the runtime: one thread is enough for a request every few seconds, and starts sooner than several.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::new(format!("cannot start: {error}")))?;
    runtime.block_on(async { survive_file_limits() });
    Ok(runtime)
}
