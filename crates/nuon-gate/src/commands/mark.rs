//! `mark`: the targets' newest deploys, before a pipeline triggers new ones.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::{Answer, ErrorClass, Fact};
use nuon_gate_core::resolve::{Resolver, Wanted};
use nuon_gate_core::{ApiError, Client, Connection, Depth, Line, Request, Target, Targets, Verdict};

use crate::ci::CiSystem;
use crate::connection::invalid_connection;
use crate::exit;
use crate::gate::runtime;
use crate::marks::{Mark, Marks};
use crate::output::{Console, ReportFile, mask, not_started, written_to_stdout};
use crate::settings::MarkSettings;
use crate::targets::{self, Unresolved};
use crate::trouble::Trouble;
use crate::words::{if_ambiguous, if_not_signed_in, if_unanswered, if_unknown};

/// How long a reader of the file may take, if it is a pipe.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(settings: &MarkSettings) -> Result<u8, Trouble> {
    // A path that cannot be written is known before anything is asked.
    let file = settings.file.as_deref().map(open).transpose()?;
    match take(&settings.connection, settings.wanted.clone(), settings.request_timeout, settings.ci.as_ref())? {
        Ok((_, marks)) => write(&marks, file),
        Err(refused) => Ok(refused.tell(settings.ci.as_ref(), "nothing was written")),
    }
}

fn open(path: &Path) -> Result<ReportFile, Trouble> {
    ReportFile::open(path).map_err(|error| {
        Trouble::new(format!("cannot write {}: {error}", path.display())).hint("correct --file (NUON_GATE_FILE)")
    })
}

/// Why nothing could be marked.
pub(crate) struct NotMarked {
    message: Line,
    hint: String,
    code: u8,
}

impl NotMarked {
    fn by_api(what: &dyn std::fmt::Display, error: &ApiError) -> Self {
        let hint = match error {
            ApiError::SignIn(error) => if_not_signed_in(error).to_owned(),
            _ if matches!(error.class(), ErrorClass::Untrusted | ErrorClass::Foreign) => if_unanswered(error),
            _ => "check the ids and the API's address; without a mark nobody can tell old deploys from new ones"
                .to_owned(),
        };
        Self { message: Line::new(format!("{what} could not be marked ({error})")), hint, code: exit::code_of(error) }
    }

    /// Tells what happened, and what did not happen because of that; returns the exit code.
    pub(crate) fn tell(&self, ci: Option<&CiSystem>, consequence: &str) -> u8 {
        let reason = Line::new(format!("{}, so {consequence}", self.message.plain()));
        Console::new().trouble(&Trouble::new(reason.plain()).hint(&self.hint));
        not_started(ci, self.code, reason.plain());
        self.code
    }
}

/// Finds out which targets are meant, and marks every one.
pub(crate) fn take(
    connection: &Connection,
    wanted: Vec<Wanted>,
    request_timeout: Duration,
    ci: Option<&CiSystem>,
) -> Result<Result<(Targets, Marks), NotMarked>, Trouble> {
    let runtime = runtime()?;
    let client = Client::new(connection).map_err(|error| invalid_connection(&error))?.within(request_timeout);
    let outcome = runtime.block_on(async {
        let targets = match resolve(&client, wanted).await {
            Ok(targets) => Targets::new(targets),
            Err(refused) => return Ok(Err(refused)),
        };
        let targets = targets.ok_or_else(|| Trouble::new("there are no targets: the install has no components"))?;
        let mut marks = Vec::new();
        for target in targets.as_slice() {
            match mark(&client, target).await {
                Ok(mark) => marks.push(mark),
                Err(error) => return Ok(Err(NotMarked::by_api(target, &error))),
            }
        }
        Ok(Ok((targets, Marks::new(marks))))
    });
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    mask(ci, &client.take_secrets(), &Console::new());
    outcome
}

/// Finds out which targets are meant. Nothing is asked twice: what cannot be known now cannot be marked.
async fn resolve(client: &Client, wanted: Vec<Wanted>) -> Result<Vec<Target>, NotMarked> {
    let what = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let ask = async |request| client.request(&request).await;
    targets::resolve(ask, Resolver::new(wanted)).await.map_err(|error| match error {
        Unresolved::Unknown(unknown) => NotMarked {
            message: Line::new(unknown.to_string()),
            hint: if_unknown(&unknown).to_owned(),
            code: exit::code(Verdict::Rejected),
        },
        Unresolved::Ambiguous(ambiguous) => {
            NotMarked { message: Line::new(ambiguous.to_string()), hint: if_ambiguous().to_owned(), code: exit::USAGE }
        }
        Unresolved::Unanswered(error) => NotMarked::by_api(&what, &error),
    })
}

/// Marks a target. "None yet" is believed only after a hundred rows, and if install and component exist.
async fn mark(client: &Client, target: &Target) -> Result<Mark, ApiError> {
    let (install, component) = (target.install.clone(), target.component.clone());
    let latest = |depth| Request::LatestDeploy(install.clone(), component.clone(), depth);
    let mut answer = client.request(&latest(Depth::Usual)).await?;
    if matches!(answer.fact, Fact::Latest(None)) {
        answer = client.request(&latest(Depth::Page)).await?;
    }
    if matches!(answer.fact, Fact::Latest(None)) {
        client.request(&Request::Install(install.clone())).await?;
        client.request(&Request::InstallComponent(install.clone(), component.clone())).await?;
    }
    // What is created after this answer is new, so its time counts, and not that of a later one.
    let Answer { fact, server_time } = answer;
    #[expect(clippy::disallowed_methods, reason = "for a server that does not say its own time")]
    let server_time = server_time.or_else(|| client.stats().server_time).unwrap_or_else(Timestamp::now);
    let Fact::Latest(newest) = fact else {
        return Err(ApiError::unexpected());
    };
    let found = newest.as_ref().and_then(|deploy| Some((deploy.id.as_ref()?, deploy.created_at)));
    Ok(Mark::new(target, found, server_time))
}

fn write(marks: &Marks, file: Option<ReportFile>) -> Result<u8, Trouble> {
    let failed = |error: &dyn std::fmt::Display| Trouble::new(format!("cannot write the marks: {error}"));
    let text = serde_json::to_string_pretty(marks).map_err(|error| failed(&error))?;
    match file {
        // The marks are what this is for: whoever cannot have them must not go on and trigger a deploy.
        None => written_to_stdout(&text).map_err(|error| failed(&error))?,
        Some(file) => {
            let written = runtime()?.block_on(file.write(&(text + "\n"), PATIENCE));
            written.map_err(|error| failed(&error).hint("correct --file (NUON_GATE_FILE)"))?;
        }
    }
    Ok(0)
}
