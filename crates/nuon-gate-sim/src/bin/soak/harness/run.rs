//! Runs the program against a scene, and looks at what it leaves.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nuon_gate_sim::{Script, Sim};

use super::child::{self, Ended, Folder};
use super::scene::{ORG, Place, Scene};
use super::signal::Sent;

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) stdout: String,
    /// Everything it wrote, anywhere.
    pub(crate) written: String,
    pub(crate) requests: usize,
    pub(crate) signals: Sent,
}

/// Runs the program against a scene.
pub(crate) fn run(scene: &Scene, gate: &Path) -> io::Result<Outcome> {
    let script: Script =
        scene.script.parse().map_err(|error| io::Error::other(format!("{error}\n{}", scene.script)))?;
    let sim = Sim::start(script, ([127, 0, 0, 1], 0).into())?;
    let Folder(folder) = &Folder::new(&format!("soak-{}", scene.seed))?;
    let url = match scene.place {
        Place::Sim => sim.url(),
        Place::NoName => "https://api.nuon-gate.invalid".to_owned(),
        Place::NoListener => "http://127.0.0.1:9".to_owned(),
        Place::NoTls => sim.url().replace("http://", "https://"),
    };
    let command = wait(scene, child::command(gate, folder, &url, &scene.token)?, folder);
    let mut signals = Sent::default();
    let ended = child::run(command, Duration::from_millis(scene.expected.longest()), |child, elapsed| {
        scene.signal.map_or(Ok(()), |plan| signals.go_on(plan, child, elapsed, sim.requests().len()))
    })?;
    let stdout = fs::read_to_string(folder.join("stdout"))?;
    Ok(Outcome { ended, stdout, written: written(folder)?, requests: sim.requests().len(), signals })
}

/// Completes the command to wait as the scene says.
fn wait(scene: &Scene, mut command: Command, folder: &Path) -> Command {
    command.arg("wait").args(&scene.arguments).args(["--output", "json"]);
    if !scene.arguments.iter().any(|argument| argument == "--org-id") {
        command.env("NUON_ORG_ID", ORG);
    }
    if scene.in_actions {
        command.env("GITHUB_ACTIONS", "true").env("RUNNER_TEMP", folder);
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")] {
            command.env(name, folder.join(file));
        }
    }
    command
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
