//! Runs the program to its end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// How long it took.
    pub took: Duration,
    /// It had to be killed, because it did not end.
    pub was_killed: bool,
}

/// A temporary folder, removed on drop.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates a folder of this name among the system's temporary files.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn new(name: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("nuon-gate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If it cannot be removed, the system removes its temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Builds a command for the program with an environment that only says where the API is. It runs in a folder, and
/// writes its `stdout` and `stderr` there.
///
/// # Errors
///
/// If nothing can be written into the folder.
pub fn command(gate: &Path, folder: &Path, url: &str) -> io::Result<Command> {
    let mut command = Command::new(gate);
    command.env_clear().env("HOME", folder).env("NUON_API_URL", url).env("NUON_ORG_ID", "orgacme");
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(File::create(folder.join("stdout"))?).stderr(File::create(folder.join("stderr"))?);
    Ok(command)
}

/// Runs it to its end, and kills it at the limit. Calls `meanwhile` every few milliseconds with the time since the
/// start.
///
/// # Errors
///
/// If it cannot be started, or `meanwhile` fails.
#[expect(clippy::disallowed_methods, reason = "the real program runs in real time")]
pub fn run(
    mut command: Command,
    limit: Duration,
    mut meanwhile: impl FnMut(&Child, Duration) -> io::Result<()>,
) -> io::Result<Ended> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended { code: status.code(), took: began.elapsed(), was_killed: false });
        }
        if began.elapsed() >= limit {
            child.kill()?;
            return Ok(Ended { code: child.wait()?.code(), took: began.elapsed(), was_killed: true });
        }
        meanwhile(&child, began.elapsed())?;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Returns the program that the command line names, or the one beside the harness.
///
/// # Errors
///
/// If there is none.
pub fn find(named: Option<PathBuf>) -> Result<PathBuf, String> {
    let beside = || Ok(std::env::current_exe()?.with_file_name(format!("nuon-gate{}", std::env::consts::EXE_SUFFIX)));
    // Each run has its own folder, from which a relative path would lead elsewhere.
    let gate = named.map_or_else(beside, Ok).and_then(std::path::absolute);
    match gate {
        Ok(gate) if gate.is_file() => Ok(gate),
        Ok(gate) => Err(format!("there is no program {}: build it, or name it with --gate", gate.display())),
        Err(error) => Err(error.to_string()),
    }
}
