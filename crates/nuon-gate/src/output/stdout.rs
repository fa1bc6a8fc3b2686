//! stdout outside of a run. A closed stdout is an error only for commands whose purpose is their output.

use std::io::{self, Write as _};

/// Writes text as it is.
pub(crate) fn stdout_text(text: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text).and_then(|()| stdout.flush());
}

/// Writes a line.
pub(crate) fn stdout_line(line: &str) {
    let _ = written_to_stdout(line);
}

/// Writes a line, and returns whether that succeeded.
pub(crate) fn written_to_stdout(line: &str) -> io::Result<()> {
    if was_closed() {
        return Err(io::Error::new(io::ErrorKind::BrokenPipe, "stdout is closed"));
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush())
}

/// Returns whether the program was started without stdout. Rust's runtime then opens the null device in its place, for
/// reading as well, which a redirection to the null device does not.
#[cfg(unix)]
fn was_closed() -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};
    let is_null =
        stat("/dev/null").is_ok_and(|null| fstat(io::stdout()).is_ok_and(|stdout| stdout.st_rdev == null.st_rdev));
    is_null && fcntl_getfl(io::stdout()).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Elsewhere a missing stdout is not replaced.
#[cfg(not(unix))]
fn was_closed() -> bool {
    false
}
