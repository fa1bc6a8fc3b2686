//! Buildkite: sections of its log, and an annotation of the build.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::environment::API_TOKEN;

/// The agent calls its server; the end of the run waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the agent is polled.
const PACE: Duration = Duration::from_millis(20);

/// Returns the lines that open a section, and the next one: sections have no end. A failure is shown unfolded.
pub(super) fn section(title: &'static str, passed: bool) -> (String, String) {
    let sign = if passed { "---" } else { "+++" };
    (format!("{sign} {title}"), "--- nuon-gate".to_owned())
}

/// Shows Markdown on the build's page, with the agent's own program.
pub(super) async fn annotate(agent: &Path, style: &str, body: String, limit: Duration) -> io::Result<()> {
    let mut command = Command::new(agent);
    command.args(["annotate", "--style", style, "--context", "nuon-gate"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // It has a token of its own, and must not get ours.
    for name in nuon_gate_notify::VARIABLES.iter().map(|(name, _)| name).chain([&API_TOKEN]) {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // An agent that does not read must not delay the end; one that has ended has given its exit code.
        let write = move || drop(stdin.write_all(body.as_bytes()));
        std::thread::Builder::new().name("nuon-gate-annotation".to_owned()).spawn(write)?;
    }
    let ended = tokio::time::timeout(limit.min(PATIENCE), async {
        loop {
            match child.try_wait()? {
                Some(status) => return Ok::<_, io::Error>(status),
                None => tokio::time::sleep(PACE).await,
            }
        }
    });
    match ended.await {
        Ok(status) => match status? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("buildkite-agent ended with {status}"))),
        },
        Err(_) => {
            child.kill()?;
            child.wait()?;
            Err(io::Error::new(io::ErrorKind::TimedOut, "buildkite-agent did not end"))
        }
    }
}
