//! `doctor`: checks everything that a wait needs.
//!
//! Each part adds its checks to the list: reaching the API first, then access. What cannot be checked is reported as
//! skipped, so that every report has the same checks in the same order.

mod access;
mod check;
mod patience;
mod reach;
mod show;
mod sinks;

use std::time::Duration;

use self::check::{Check, Checks};
use self::patience::Patience;
use crate::arguments::{DoctorArguments, Format, TargetArguments};
use crate::connection::ConnectionParts;
use crate::environment::Environment;
use crate::reader::{Limit, Reader};
use crate::runtime;
use crate::targets::TypedTargets;
use crate::trouble::Trouble;

/// The time limit for reading a file.
const LONGEST_READ: Duration = Duration::from_secs(10);

/// Runs all checks; returns the exit code of the first failure.
pub(crate) fn run(arguments: DoctorArguments, environment: &Environment) -> Result<u8, Trouble> {
    let format = arguments.output;
    let mut checks = Checks::new(match format {
        Format::Text => show::text,
        Format::Ndjson => show::json_line,
        Format::Json => |_| {},
    });
    runtime::run(async |reader| {
        examine(reader, &mut checks, arguments, environment).await;
        Ok(())
    })?;
    if format == Format::Json {
        show::json(&checks);
    }
    Ok(checks.code())
}

async fn examine(reader: &Reader, checks: &mut Checks, arguments: DoctorArguments, environment: &Environment) {
    let DoctorArguments { connection, targets, output: _ } = arguments;
    let patience = Patience::new(connection.request_timeout.0);
    let wanted = match wanted(targets) {
        Ok(Some(typed)) => reader.within(Limit::fixed(LONGEST_READ), typed.read(reader)).await.map(Some),
        Ok(None) => Ok(None),
        Err(trouble) => Err(trouble),
    };
    let parts = ConnectionParts::read(reader, connection, environment);
    match reader.within(Limit::fixed(LONGEST_READ), parts).await {
        Err(trouble) => checks.push(Check::misconfigured("configuration", trouble)),
        Ok(parts) => {
            checks.push(configuration(&parts));
            let setup = parts.setup();
            let reached = reach::reach(checks, &parts, &patience).await;
            checks.skip_rest(&reach::NAMES);
            access::access(checks, parts, wanted, reached, &patience).await;
            checks.skip_rest(&access::NAMES);
            // Errors of the set-up have been reported, and no notification could be sent either.
            if let Ok(setup) = setup {
                sinks::examine(reader, checks, setup, environment).await;
            }
        }
    }
    checks.skip_rest(&reach::NAMES);
    checks.skip_rest(&access::NAMES);
    checks.skip_rest(&sinks::NAMES);
    checks.push(Check::skipped("cancel", "not checked: only --cancel-on needs it, with the role org_admin"));
}

fn configuration(parts: &ConnectionParts) -> Check {
    match &parts.file {
        Some(path) => {
            let order = "flags and variables come before what it says";
            Check::ok("configuration", format!("{} has been read; {order}", path.display()))
        }
        None => Check::ok("configuration", "flags and variables alone, as there is no file of the Nuon CLI"),
    }
}

/// Returns the targets, if any are given. An install alone, which the Nuon CLI passes to its extensions, is checked
/// too.
fn wanted(mut arguments: TargetArguments) -> Result<Option<TypedTargets>, Trouble> {
    let TargetArguments { targets, install, install_label, component, all_components, target, targets_file } =
        &arguments;
    let no_component = component.is_empty() && target.is_empty() && targets.is_empty() && targets_file.is_none();
    if no_component && install.is_empty() && install_label.is_empty() && !all_components {
        return Ok(None);
    }
    arguments.all_components |= no_component;
    TypedTargets::new(arguments).map(Some)
}
