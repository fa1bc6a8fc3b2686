//! `wait -- COMMAND…`: mark, run what triggers the deploys, and wait for what came after.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::Client;
use nuon_gate_core::cause::Cause;
use nuon_gate_core::conclude::Deadline;
use nuon_gate_core::report::Report;
use nuon_gate_core::resolve::{Resolution, Resolver, Wanted};
use nuon_gate_core::{Line, Signal, Targets, Verdict};
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::arguments::Format;
use crate::marking::take;
use crate::marks::Marks;
use crate::settings::Settings;
use crate::targets::TargetSettings;
use crate::trouble::Trouble;

/// How long the command may take to end by itself after a signal, which it has got as well if it came from a terminal.
const GRACE: Duration = Duration::from_secs(2);

/// The command that triggers the deploys, and what has to be marked before it is run.
pub(crate) struct Trigger {
    command: Vec<OsString>,
    wanted: Vec<Wanted>,
    /// Whether stdout is the result's.
    keeps_stdout: bool,
}

/// Why there is nothing to wait for.
pub(crate) struct NotBegun {
    /// What would have been waited for, if that is known.
    pub(crate) targets: Option<Targets>,
    pub(crate) verdict: Verdict,
    pub(crate) cause: Cause,
}

impl NotBegun {
    /// Says that a signal ended it.
    pub(crate) fn interrupted(signal: Signal, why: &str) -> Self {
        let cause = Cause::NotBegun { why: Line::new(why), hint: None };
        Self { targets: None, verdict: Verdict::Interrupted(signal), cause }
    }

    /// Reports that none of these targets was waited for, as far as it is known which they are.
    pub(crate) fn report(self, settings: &TargetSettings, started_at: Timestamp, now: Timestamp) -> Report {
        let Self { targets, verdict, cause } = self;
        let targets = match (targets, settings) {
            (Some(targets), _) => targets.as_slice().to_vec(),
            (None, TargetSettings::Known(targets)) => targets.as_slice().to_vec(),
            (None, TargetSettings::Wanted(wanted)) => match Resolver::new(wanted.clone()).resolve() {
                Resolution::Targets(targets) => targets,
                _ => Vec::new(),
            },
            (None, TargetSettings::OfWorkflow(_)) => Vec::new(),
        };
        Report::not_begun(&targets, verdict, cause, started_at, now)
    }

    fn with(self, targets: Targets) -> Self {
        Self { targets: Some(targets), ..self }
    }
}

impl Trigger {
    /// Takes the command, if the settings allow one.
    pub(crate) fn new(command: Vec<OsString>, settings: &Settings) -> Result<Self, Trouble> {
        if settings.pins.after.is_some() {
            let message = "--after (NUON_GATE_AFTER) and a command cannot be given together";
            return Err(Trouble::new(message).hint("with a command, what came before it is marked by itself"));
        }
        let TargetSettings::Wanted(wanted) = settings.targets.clone() else {
            return Err(Trouble::new("no component to mark before the command")
                .hint("give the targets; a workflow alone has no deploys before the command has triggered it"));
        };
        Ok(Self { command, wanted, keeps_stdout: settings.output.format != Format::Text })
    }

    /// Marks, and runs the command if these targets can be waited for; returns what has to be.
    pub(crate) async fn run(
        self,
        client: &Client,
        check: impl FnOnce(&Targets) -> Result<(), Trouble>,
        signals: &mut UnboundedReceiver<Signal>,
        deadline: &mut Deadline,
    ) -> Result<Result<(Targets, Marks), NotBegun>, Trouble> {
        let taking = take(client, self.wanted.clone());
        let (targets, marks) = match deadline.race(taking, signals, Duration::ZERO).await {
            (_, Some(signal)) => return Ok(Err(NotBegun::interrupted(signal, "the command was not run"))),
            (Some(Ok(taken)), None) => taken,
            (Some(Err(not_marked)), None) => {
                let (why, hint) = (not_marked.reason("the command was not run"), Line::new(&not_marked.hint));
                return match not_marked.verdict {
                    None => Err(Trouble::new(why.plain()).hint(hint.plain())),
                    Some(verdict) => {
                        let cause = Cause::NotBegun { why, hint: Some(hint) };
                        Ok(Err(NotBegun { targets: None, verdict, cause }))
                    }
                };
            }
            // A race that nobody ended has not been run.
            (None, None) => return Err(Trouble::new("the targets could not be marked")),
        };
        check(&targets)?;
        Ok(match self.execute(signals, deadline).await? {
            None => Ok((targets, marks)),
            Some(not_begun) => Err(not_begun.with(targets)),
        })
    }

    /// Runs the command to its end, with its output passed through.
    async fn execute(
        &self,
        signals: &mut UnboundedReceiver<Signal>,
        deadline: &mut Deadline,
    ) -> Result<Option<NotBegun>, Trouble> {
        let name = self.command[0].to_string_lossy();
        let mut child = Command::new(&self.command[0]);
        child.args(&self.command[1..]).kill_on_drop(true);
        if self.keeps_stdout {
            child.stdout(Stdio::from(std::io::stderr()));
        }
        let cannot_run =
            |error| Trouble::new(format!("cannot run {name}: {error}")).hint("correct what stands after `--`");
        let mut child = child.spawn().map_err(cannot_run)?;
        // Whether it ends in time after a signal or not, it is over for us.
        let (status, signal) = deadline.race(child.wait(), signals, GRACE).await;
        if let Some(signal) = signal {
            let why = format!("{name} was running and may have triggered a deploy, which was not waited for");
            return Ok(Some(NotBegun::interrupted(signal, &why)));
        }
        let status: ExitStatus =
            status.ok_or_else(|| cannot_run(std::io::ErrorKind::Interrupted.into()))?.map_err(cannot_run)?;
        let why = || Line::new(format!("{name} failed ({status}), so there is nothing to wait for"));
        let hint = Line::new("what it wrote says why; put that right, then run this again");
        let failed = || NotBegun {
            targets: None,
            verdict: Verdict::Failed,
            cause: Cause::NotBegun { why: why(), hint: Some(hint.clone()) },
        };
        Ok((!status.success()).then(failed))
    }
}
