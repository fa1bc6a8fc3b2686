//! `mark`: the targets' newest deploys, before a pipeline triggers new ones.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::{ApiError, Client, Connection, Depth, ErrorClass, Target, Targets, Verdict};

use crate::exit;
use crate::gate::{invalid_connection, runtime};
use crate::marks::{Mark, Marks};
use crate::output::{Console, stdout_line};
use crate::settings::MarkSettings;
use crate::trouble::Trouble;

pub(crate) fn run(settings: &MarkSettings) -> Result<u8, Trouble> {
    match take(&settings.connection, &settings.targets, settings.request_timeout)? {
        Ok(marks) => write(&marks, settings.file.as_ref()),
        Err(refused) => Ok(refused.tell("nothing was written")),
    }
}

/// A target that could not be marked.
pub(crate) struct NotMarked {
    target: Target,
    error: ApiError,
}

impl NotMarked {
    /// Tells what happened, and what did not happen because of that; returns the exit code.
    pub(crate) fn tell(&self, consequence: &str) -> u8 {
        let Self { target, error } = self;
        let console = Console::new(0, false);
        console.plain(&format!("error: {target} could not be marked, so {consequence}: {error}"));
        console.plain(
            "hint: check the ids and the API's address; without a mark nobody can tell old deploys from new ones",
        );
        exit::code(verdict(error))
    }
}

/// Marks every target.
pub(crate) fn take(
    connection: &Connection,
    targets: &Targets,
    request_timeout: Duration,
) -> Result<Result<Marks, NotMarked>, Trouble> {
    let runtime = runtime()?;
    let client = Client::new(connection).map_err(|error| invalid_connection(&error))?.within(request_timeout);
    let outcome = runtime.block_on(async {
        let mut marks = Vec::new();
        for target in targets.as_slice() {
            let marked = mark(&client, target).await;
            marks.push(marked.map_err(|error| NotMarked { target: target.clone(), error })?);
        }
        Ok(Marks::new(marks))
    });
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    Ok(outcome)
}

fn verdict(error: &ApiError) -> Verdict {
    match error.class() {
        ErrorClass::Denied | ErrorClass::Missing | ErrorClass::Refused => Verdict::Rejected,
        ErrorClass::Transient | ErrorClass::Untrusted => Verdict::Inconclusive,
    }
}

/// Marks a target. "None yet" is believed only after a hundred rows, and if install and component exist.
async fn mark(client: &Client, target: &Target) -> Result<Mark, ApiError> {
    let (install, component) = (&target.install, &target.component);
    let mut newest = client.latest_deploy(install, component, Depth::Usual).await?;
    if newest.is_none() {
        newest = client.latest_deploy(install, component, Depth::Page).await?;
    }
    if newest.is_none() {
        client.install(install).await?;
        client.install_component(install, component).await?;
    }
    #[expect(clippy::disallowed_methods, reason = "for a server that does not say its own time")]
    let server_time = client.stats().server_time.unwrap_or_else(Timestamp::now);
    let found = newest.as_ref().and_then(|deploy| Some((deploy.id.as_ref()?, deploy.created_at)));
    Ok(Mark::new(target, found, server_time))
}

fn write(marks: &Marks, file: Option<&PathBuf>) -> Result<u8, Trouble> {
    let text = serde_json::to_string_pretty(marks)
        .map_err(|error| Trouble::new(format!("cannot write the marks: {error}")))?;
    match file {
        None => stdout_line(&text),
        Some(path) => std::fs::write(path, text + "\n").map_err(|error| {
            Trouble::new(format!("cannot write {}: {error}", path.display())).hint("correct --file (NUON_GATE_FILE)")
        })?,
    }
    Ok(0)
}
