//! `mark`: the targets' newest deploys, before a pipeline triggers new ones.

use std::path::Path;
use std::time::Duration;

use crate::arguments::MarkArguments;
use crate::connection::client;
use crate::environment::Environment;
use crate::marking::take;
use crate::marks::Marks;
use crate::output::{Console, ReportFile, mask, written_to_stdout};
use crate::reader::Limit;
use crate::runtime;
use crate::settings::MarkSettings;
use crate::trouble::Trouble;

/// The time limit for the reader of the file, if it is a pipe.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long errors are repeated. One that lasts leaves no mark.
const REPEATS: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: MarkArguments, environment: &Environment) -> Result<u8, Trouble> {
    runtime::run(async |reader| {
        let reading = MarkSettings::read(reader, arguments, environment);
        let settings = reader.within(Limit::of_files(), reading).await?;
        // An unwritable path is found before any request.
        let file = settings.file.as_deref().map(open).transpose()?;
        let client = client(&settings.connection, settings.request_timeout)?;
        let taken = take(&client, settings.wanted, REPEATS).await;
        mask(settings.ci.as_ref(), &Console::new());
        let (_, marks) = taken.map_err(|trouble| trouble.so("nothing was written"))?;
        write(&marks, file).await
    })
}

fn open(path: &Path) -> Result<ReportFile, Trouble> {
    ReportFile::open(path).map_err(|error| {
        Trouble::new(format!("cannot write {}: {error}", path.display())).hint("correct --file (NUON_GATE_FILE)")
    })
}

async fn write(marks: &Marks, file: Option<ReportFile>) -> Result<u8, Trouble> {
    let failed = |error: &dyn std::fmt::Display| Trouble::new(format!("cannot write the marks: {error}"));
    let text = serde_json::to_string_pretty(marks).map_err(|error| failed(&error))?;
    match file {
        // The marks are the purpose of this command: without them a pipeline must not go on and trigger a deploy. So a
        // closed stdout is an error here, unlike in commands whose purpose is the exit code.
        None => {
            written_to_stdout(&text).map_err(|error| failed(&error).hint("see where stdout goes, or use --file"))?;
        }
        Some(file) => {
            let written = file.write(&(text + "\n"), PATIENCE).await;
            written.map_err(|error| failed(&error).hint("correct --file (NUON_GATE_FILE)"))?;
        }
    }
    Ok(0)
}
