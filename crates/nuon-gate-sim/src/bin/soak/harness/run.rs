//! Runs the program against a scene, and looks at what it leaves.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nuon_gate_sim::{Script, Sim};

use super::scene::{ORG, Place, Scene};

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None`: it was ended by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    /// It had to be killed, as it did not end.
    pub(crate) was_killed: bool,
    /// The most memory it had, in KiB, as far as that was seen.
    pub(crate) peak: u64,
    pub(crate) stdout: String,
    /// Everything it wrote, anywhere.
    pub(crate) written: String,
    pub(crate) requests: usize,
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is left in the folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the program against a scene.
pub(crate) fn run(scene: &Scene, gate: &Path) -> io::Result<Outcome> {
    let script: Script =
        scene.script.parse().map_err(|error| io::Error::other(format!("{error}\n{}", scene.script)))?;
    let sim = Sim::start(script, ([127, 0, 0, 1], 0).into())?;
    let folder = Folder(std::env::temp_dir().join(format!("nuon-gate-soak-{}-{}", std::process::id(), scene.seed)));
    fs::create_dir_all(&folder.0)?;
    let url = match scene.place {
        Place::Sim => sim.url(),
        Place::NoName => "https://api.nuon-gate.invalid".to_owned(),
        Place::NoListener => "http://127.0.0.1:9".to_owned(),
        Place::NoTls => sim.url().replace("http://", "https://"),
    };
    let (began, child) = start(scene, gate, &folder.0, &url)?;
    let limit = Duration::from_millis(scene.expected.longest());
    let (code, was_killed, peak) = watch(child, gate, began + limit)?;
    let took = began.elapsed();
    let stdout = fs::read_to_string(folder.0.join("stdout"))?;
    Ok(Outcome { code, took, was_killed, peak, stdout, written: written(&folder.0)?, requests: sim.requests().len() })
}

#[expect(clippy::disallowed_methods, reason = "the harness measures the real program in real time")]
fn start(scene: &Scene, gate: &Path, folder: &Path, url: &str) -> io::Result<(Instant, Child)> {
    let mut command = Command::new(gate);
    command.arg("wait").args(&scene.arguments).args(["--output", "json"]);
    command.env_clear().env("HOME", folder).env("NUON_API_URL", url);
    command.env("NUON_API_TOKEN", &scene.token);
    if !scene.arguments.iter().any(|argument| argument == "--org-id") {
        command.env("NUON_ORG_ID", ORG);
    }
    if scene.in_actions {
        command.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", folder);
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            command.env(name, folder.join(file));
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(File::create(folder.join("stdout"))?).stderr(File::create(folder.join("stderr"))?);
    Ok((Instant::now(), command.spawn()?))
}

/// Waits for the end, and kills what does not come to it.
#[expect(clippy::disallowed_methods, reason = "the harness measures the real program in real time")]
fn watch(mut child: Child, gate: &Path, end: Instant) -> io::Result<(Option<i32>, bool, u64)> {
    let (mut peak, gate) = (0, gate.canonicalize()?);
    loop {
        peak = memory(&child, &gate).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            return Ok((status.code(), false, peak));
        }
        if Instant::now() >= end {
            child.kill()?;
            return Ok((child.wait()?.code(), true, peak));
        }
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

/// Returns everything in the files of a folder.
fn written(folder: &Path) -> io::Result<String> {
    let mut all = String::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            all += &String::from_utf8_lossy(&fs::read(path)?);
            all.push('\n');
        }
    }
    Ok(all)
}
