//! `wait -- COMMAND…`: mark, run what triggers the deploys, and wait for what came after.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nuon_gate_core::api::Client;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::{Signal, Targets, Verdict};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::arguments::Format;
use crate::command::RunningCommand;
use crate::marking::take;
use crate::marks::Marks;
use crate::settings::Settings;
use crate::targets::TargetSettings;
use crate::trouble::Trouble;

/// The grace period of the command after a signal.
const GRACE: Duration = Duration::from_secs(2);

const NOT_RUN: &str = "the command was not run";

/// The command that triggers the deploys.
pub(crate) struct Trigger {
    command: Vec<OsString>,
    /// Whether stdout is the result's.
    keeps_stdout: bool,
    /// For how long the API may give no good answer before the command.
    patience: Duration,
    /// The verdict after that: whether the outage timeout has expired, or the total one.
    late: Verdict,
}

impl Trigger {
    /// Accepts the command, if the settings allow one.
    pub(crate) fn new(command: Vec<OsString>, settings: &Settings) -> Result<Self, Trouble> {
        if settings.pins.after.is_some() {
            let message = "--after (NUON_GATE_AFTER) and a command cannot be given together";
            return Err(Trouble::new(message).hint("with a command, what came before it is marked by itself"));
        }
        if settings.watch.sharding.is_some() {
            let message = "--shard (NUON_GATE_SHARD) and a command cannot be given together: every shard would run it";
            return Err(Trouble::new(message)
                .hint("run it once before the shards: `mark` before it, then each shard with --after and the marks"));
        }
        if settings.pins.deploy.is_some() {
            let message = "--deploy (NUON_GATE_DEPLOY) and a command cannot be given together";
            return Err(Trouble::new(message)
                .hint("a deploy that is known before the command is none that it triggers: leave out one of them"));
        }
        if let TargetSettings::OfBranch(_) = settings.targets {
            return Err(Trouble::new("--branch-run (NUON_GATE_BRANCH_RUN) and a command cannot be given together")
                .hint("run the command first, then wait for the run that it has started, by its id"));
        }
        if let TargetSettings::OfWorkflow(_) = settings.targets {
            return Err(no_targets());
        }
        let clocks = settings.watch.clocks;
        let patience = clocks.outage.unwrap_or(clocks.total).min(clocks.total);
        let late = if clocks.outage == Some(patience) { Verdict::Inconclusive } else { Verdict::TimedOut };
        Ok(Self { command, keeps_stdout: settings.output.format != Format::Text, patience, late })
    }

    /// Marks the newest deploys before the command is run.
    pub(crate) async fn mark(
        &self,
        client: &Client,
        targets: TargetSettings,
        signals: &mut UnboundedReceiver<Signal>,
        deadline: &mut Deadline,
    ) -> Result<(Targets, Marks), Trouble> {
        let TargetSettings::Wanted(typed) = targets else { return Err(no_targets()) };
        let marking = take(client, typed.wanted, self.patience);
        match deadline.race(marking, signals, Duration::ZERO).await {
            (_, Some(signal)) => Err(Trouble::interrupted(signal, "the targets were being marked").so(NOT_RUN)),
            (Some(marked), None) => marked.map_err(|trouble| match trouble.verdict() {
                Some(Verdict::Inconclusive) => trouble.judged(Some(self.late)).so(NOT_RUN),
                _ => trouble.so(NOT_RUN),
            }),
            // A race without a result was never run.
            (None, None) => Err(Trouble::new("the targets could not be marked")),
        }
    }

    /// Runs the command to its end.
    pub(crate) async fn run(
        self,
        signals: &mut UnboundedReceiver<Signal>,
        deadline: &mut Deadline,
    ) -> Result<(), Trouble> {
        let name = self.command[0].to_string_lossy();
        let cannot_run = |error: io::Error| {
            Trouble::new(format!("cannot run {name}: {error}")).hint("correct what stands after `--`")
        };
        let mut command = RunningCommand::start(&self.command, self.keeps_stdout).map_err(cannot_run)?;
        let (status, signal) = deadline.race(command.end(), signals, Duration::ZERO).await;
        if let Some(signal) = signal {
            if status.is_none() {
                command.stop(signal, deadline.limit(GRACE)).await;
            }
            let what = format!("{name} was running and may have triggered a deploy, which was not waited for");
            return Err(Trouble::interrupted(signal, what).hint(
                "check in Nuon whether it triggered a deploy; if so, wait for that one with --deploy and its id, otherwise run this again",
            ));
        }
        let status: ExitStatus =
            status.ok_or_else(|| cannot_run(io::ErrorKind::Interrupted.into()))?.map_err(cannot_run)?;
        match status.success() {
            true => Ok(()),
            false => Err(Trouble::new(format!("{name} failed ({status}), so there is nothing to wait for"))
                .hint("its output says why; fix that, then run this again")
                .judged(Some(Verdict::Failed))),
        }
    }
}

fn no_targets() -> Trouble {
    Trouble::new("no component to mark before the command")
        .hint("give the targets; a workflow alone has no deploys before the command has triggered it")
}
