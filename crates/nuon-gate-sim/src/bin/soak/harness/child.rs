//! Runs the program to its end, and measures it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// `None`: it was ended by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    /// It had to be killed, as it did not end.
    pub(crate) was_killed: bool,
    /// The most memory it had, in KiB, as far as that was seen.
    pub(crate) peak: u64,
}

/// A folder that goes away.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Makes a folder of this name, where such things are kept.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("nuon-gate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is left in the folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a command of the program that knows nothing but where the API is. It works in a folder, and leaves its `stdout` and
/// `stderr` there.
pub(crate) fn command(gate: &Path, folder: &Path, url: &str, token: &str) -> io::Result<Command> {
    let mut command = Command::new(gate);
    command.env_clear().env("HOME", folder).env("NUON_API_URL", url).env("NUON_API_TOKEN", token);
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(File::create(folder.join("stdout"))?).stderr(File::create(folder.join("stderr"))?);
    Ok(command)
}

/// Runs it to its end, and kills what does not come to it within the limit. `meanwhile` is called every few milliseconds,
/// with how long it has run.
#[expect(clippy::disallowed_methods, reason = "the harness measures the real program in real time")]
pub(crate) fn run(
    mut command: Command,
    limit: Duration,
    mut meanwhile: impl FnMut(&Child, Duration) -> io::Result<()>,
) -> io::Result<Ended> {
    let gate = Path::new(command.get_program()).canonicalize()?;
    let began = Instant::now();
    let (mut child, mut peak) = (command.spawn()?, 0);
    loop {
        peak = memory(&child, &gate).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            return Ok(Ended { code: status.code(), took: began.elapsed(), was_killed: false, peak });
        }
        if began.elapsed() >= limit {
            child.kill()?;
            return Ok(Ended { code: child.wait()?.code(), took: began.elapsed(), was_killed: true, peak });
        }
        meanwhile(&child, began.elapsed())?;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Returns the most memory that a process has had so far, in KiB, where the system tells.
fn memory(child: &Child, gate: &Path) -> Option<u64> {
    // For a moment after it was started the child shows the memory of the harness.
    fs::read_link(format!("/proc/{}/exe", child.id())).ok().filter(|running| running == gate)?;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
