//! `merge`: makes one result of the results of all shards.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::merge::{Flaw, MergeOptions, Unmergeable, interrupted, merge};
use nuon_gate_core::result::v1::{Named, RunResult, TargetResult};
use nuon_gate_core::watch::{Event, EventKind, OnApproval};
use nuon_gate_core::{Line, Moment, RemoteText, Signal, Target};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::arguments::{MergeArguments, Verbosity};
use crate::connection::setup;
use crate::environment::Environment;
use crate::exit_mapping::ExitCodes;
use crate::gate::{Run, until_second_signal};
use crate::input::Input;
use crate::notify::{Audience, NotifySettings};
use crate::output::{OutputSettings, Outputs};
use crate::reader::Limit;
use crate::runtime;
use crate::sharding::run_name;
use crate::trouble::Trouble;

pub(crate) fn run(arguments: MergeArguments, verbosity: Verbosity, environment: &Environment) -> Result<u8, Trouble> {
    let MergeArguments { results, require, map_exit, run_name: name, ca_file, notify, output } = arguments;
    let exits = ExitCodes::new(map_exit);
    let output = OutputSettings::new(output, verbosity, environment);
    let options = MergeOptions { require: require.0, run: run_name(name, environment) };
    let (texts, notify) = runtime::run(async |reader| {
        let reading = async {
            let mut texts = Vec::new();
            for path in &results {
                texts.push(reader.read(Input::Part, path).await?);
            }
            let setup = setup(reader, ca_file, environment).await?;
            Ok((texts, NotifySettings::read(reader, notify, setup, environment).await?))
        };
        reader.within(Limit::of_files(), reading).await
    })?;
    let merged = merge(&texts, &options).map_err(|error| refused(&error, &results))?;
    let runtime = runtime::runtime()?;
    let reporting = async |signals| report(merged, notify, &output, exits.clone(), signals).await;
    let outcome = runtime.block_on(until_second_signal(&exits, reporting));
    runtime.shutdown_background();
    outcome
}

/// Why the results cannot be merged.
fn refused(error: &Unmergeable, paths: &[PathBuf]) -> Trouble {
    let Unmergeable { part, flaw } = error;
    let at: Option<&Path> = part.and_then(|part| paths.get(part)).map(PathBuf::as_path);
    let trouble = match at {
        Some(path) => Input::Part.wrong(path, flaw),
        None => Trouble::new(flaw).hint("each shard's result has to be there, as the shard wrote it"),
    };
    match flaw {
        Flaw::TooManyRequired { .. } => {
            trouble.hint("correct --require (NUON_GATE_REQUIRE), or the targets of the shards")
        }
        Flaw::OtherName { .. } => trouble
            .hint("merge the results of this run alone, or say with --run-name (NUON_GATE_RUN_NAME) what it is called"),
        Flaw::OtherRun | Flaw::OtherCount { .. } => trouble.hint(
            "give every shard the same targets, pins and flags, and the same N; and merge no results of earlier runs",
        ),
        Flaw::NoShard => trouble.hint("have each job wait with --shard I/N (NUON_GATE_SHARD)"),
        _ => trouble,
    }
}

/// Reports the outcome, as a wait reports its end.
async fn report(
    mut merged: RunResult,
    notify: NotifySettings,
    output: &OutputSettings,
    exits: ExitCodes,
    signals: UnboundedReceiver<Signal>,
) -> Result<u8, Trouble> {
    for target in &mut merged.targets {
        target.log_tail = target.log_excerpt(output.log_lines).to_vec();
    }
    merged.ci_url = output.ci_url.as_ref().map(Line::new);
    let notices = notify.notices.clone();
    // The names come from the results.
    let audience = Audience::gather(notify, None, OnApproval::default())?;
    let mut outputs = Outputs::open(output)?;
    notices.iter().for_each(|notice| outputs.notice(notice));
    outputs.begin(merged.started_at.plain().parse().unwrap_or(Timestamp::UNIX_EPOCH));
    let targets = merged.targets.iter().filter_map(target).collect();
    outputs.event(&Event { at: Moment::START, kind: EventKind::Started { targets } });
    let verdict = merged.verdict;
    let codes = exits.clone();
    let publish = move |signal: Option<Signal>| {
        let result = match signal {
            Some(signal) => interrupted(merged.clone(), signal),
            None => merged.clone(),
        };
        RunResult { exit_code: codes.of(result.verdict), ..result }
    };
    let run = Run { verdict, publish, standing: None, exits, deadline: Deadline::default(), signals };
    run.finish(audience, outputs).await
}

/// Returns a target with its names. Merging has checked that its ids are valid.
fn target(result: &TargetResult) -> Option<Target> {
    let name = |named: &Named| named.name.as_ref().map(|name| RemoteText::new(name.plain()));
    let target = Target::new(result.install.id.plain().parse().ok()?, result.component.id.plain().parse().ok()?);
    Some(target.named(name(&result.install).as_ref(), name(&result.component).as_ref()))
}
