//! What the arguments, the environment and the Nuon CLI's file mean together.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use nuon_gate_core::api::Connection;
use nuon_gate_core::conclude::CancelOn;
use nuon_gate_core::model::Status;
use nuon_gate_core::pins::{Baseline, Pinning, Pins};
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::schedule::Intervals;
use nuon_gate_core::watch::{Clocks, Mode, WatchSettings};
use nuon_gate_core::{Require, Rules};

use crate::arguments::{
    CancelCase, ConnectionArguments, Format, JudgingArguments, MarkArguments, OutputArguments, PinArguments,
    StatusArguments, TargetArguments, Verbosity, WaitArguments, WaitingArguments,
};
use crate::ci::CiSystem;
use crate::connection::ConnectionParts;
use crate::environment::Environment;
use crate::exit;
use crate::lists::flatten;
use crate::marks::{After, Marks};
use crate::notify::NotifySettings;
use crate::report_path::ReportPath;
use crate::span::Span;
use crate::targets::{self, TargetSettings};
use crate::trigger_response::Triggered;
use crate::trouble::Trouble;
use crate::words;

const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// One poll needs a few requests at most.
const ONCE: Duration = Duration::from_secs(3600);

/// Everything a run goes by.
pub(crate) struct Settings {
    pub(crate) connection: Connection,
    pub(crate) targets: TargetSettings,
    pub(crate) pins: PinArguments,
    pub(crate) watch: WatchSettings,
    pub(crate) cancel_on: CancelOn,
    pub(crate) exits: Vec<ExitMapping>,
    /// Whom to tell; nobody by commands that do not wait.
    pub(crate) notify: Option<NotifySettings>,
    pub(crate) output: OutputSettings,
}

/// What `mark` goes by.
pub(crate) struct MarkSettings {
    pub(crate) connection: Connection,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) request_timeout: Duration,
    pub(crate) file: Option<PathBuf>,
    /// The CI system that the program is a step of.
    pub(crate) ci: Option<CiSystem>,
}

impl MarkSettings {
    pub(crate) fn new(arguments: MarkArguments, environment: &Environment) -> Result<Self, Trouble> {
        let MarkArguments { connection, targets, file } = arguments;
        Ok(Self {
            request_timeout: connection.request_timeout.0,
            wanted: targets::wanted(targets)?,
            connection: ConnectionParts::read(connection, environment)?.whole()?,
            file,
            ci: CiSystem::detect(environment),
        })
    }
}

/// What goes where.
#[derive(Debug, Clone)]
pub(crate) struct OutputSettings {
    pub(crate) format: Format,
    pub(crate) reports: Vec<ReportPath>,
    pub(crate) log_lines: usize,
    /// The CI system that the program is a step of.
    pub(crate) ci: Option<CiSystem>,
    /// The CI run's page.
    pub(crate) ci_url: Option<String>,
    pub(crate) quiet: bool,
}

impl OutputSettings {
    /// Tells whether people read what is written, so that names are better than ids: a report, a CI run's page, a terminal.
    pub(crate) fn is_read_by_people(&self) -> bool {
        !self.reports.is_empty() || self.ci.is_some() || io::stderr().is_terminal()
    }
}

impl Settings {
    pub(crate) fn for_wait(
        arguments: WaitArguments,
        verbosity: Verbosity,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let WaitArguments { connection, targets, pins, judging, waiting, notify, output, command: _ } = arguments;
        let watch = watch(&judging, &pins, &waiting, connection.request_timeout)?;
        let cases = flatten(waiting.cancel_on);
        let cancel_on = CancelOn {
            timeout: cases.contains(&CancelCase::Timeout),
            interrupt: cases.contains(&CancelCase::Interrupt),
            fail_fast: cases.contains(&CancelCase::FailFast),
        };
        let output = OutputSettings::new(output, verbosity, Some(environment));
        let mut settings = Self::resolve(connection, targets, pins, judging, watch, output, environment)?;
        let notify = NotifySettings::new(notify, &settings.connection, environment)?;
        settings.watch.links = !notify.sinks.is_empty();
        Ok(Self { cancel_on, notify: Some(notify), ..settings })
    }

    pub(crate) fn for_status(
        arguments: StatusArguments,
        verbosity: Verbosity,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let StatusArguments { connection, targets, pins, judging, output } = arguments;
        let watch = WatchSettings {
            intervals: intervals(Span(MAX_INTERVAL), None)?,
            clocks: Clocks { total: ONCE, start: None, stall: None, approval: None, outage: None },
            request_timeout: connection.request_timeout.0,
            expect: pins.expect.map(Into::into),
            mode: Mode::Once,
            ..judged(&judging)?
        };
        let output = OutputSettings::new(output, verbosity, Some(environment));
        Self::resolve(connection, targets, pins, judging, watch, output, environment)
    }

    fn resolve(
        connection: ConnectionArguments,
        targets: TargetArguments,
        pins: PinArguments,
        judging: JudgingArguments,
        watch: WatchSettings,
        output: OutputSettings,
        environment: &Environment,
    ) -> Result<Self, Trouble> {
        let targets = TargetSettings::new(targets, &pins)?;
        let connection = ConnectionParts::read(connection, environment)?.whole()?;
        Ok(Self {
            watch: WatchSettings { org: Some(connection.org.clone()), ..watch },
            connection,
            targets,
            pins,
            cancel_on: CancelOn::default(),
            exits: flatten(judging.map_exit),
            notify: None,
            output,
        })
    }
}

impl OutputSettings {
    pub(crate) fn new(arguments: OutputArguments, verbosity: Verbosity, environment: Option<&Environment>) -> Self {
        let OutputArguments { output: format, report, log_lines } = arguments;
        let reports = report.into_iter().flat_map(|lines| lines.0).collect();
        let ci = environment.and_then(CiSystem::detect);
        let variable = |name: &str| environment.and_then(|environment| environment.get(name)).map(str::to_owned);
        let ci_url = nuon_gate_notify::ci_run(&variable).map(|run| run.url);
        Self { format, reports, log_lines: log_lines.into(), ci, ci_url, quiet: verbosity.quiet }
    }
}

/// Returns how statuses are to be judged.
pub(crate) fn rules(judging: &JudgingArguments) -> Result<Rules, Trouble> {
    let statuses =
        |lists: &Vec<crate::lists::List<StatusName>>| flatten(lists.clone()).into_iter().map(|name| name.0).collect();
    Rules::new(statuses(&judging.pass_on), statuses(&judging.fail_on), statuses(&judging.wait_on))
        .map_err(|error| words::contradictory(&error))
}

fn intervals(min: Span, max: Option<Span>) -> Result<Intervals, Trouble> {
    // A minimum above the usual maximum raises it; a maximum that was asked for is not touched.
    let max = max.map_or(MAX_INTERVAL.max(min.0), |max| max.0);
    Intervals::new(min.0, max).map_err(|error| {
        Trouble::new(error)
            .hint("correct --min-interval or --max-interval (NUON_GATE_MIN_INTERVAL, NUON_GATE_MAX_INTERVAL)")
    })
}

/// Refuses a pin beside another one of its kind that a trigger's answer names.
fn one_of<T: PartialEq + fmt::Display>(given: &Option<T>, named: &Option<T>, flag: &str) -> Result<(), Trouble> {
    match (given, named) {
        (Some(given), Some(named)) if given != named => {
            Err(Trouble::new(format!("{flag} names {given}, and the answer of --trigger-response names {named}"))
                .hint("leave one of them out: a variable of an earlier step may still be set"))
        }
        _ => Ok(()),
    }
}

impl PinArguments {
    /// Returns the pins.
    ///
    /// Of what a trigger's answer names, the deploy is the better pin for a component, and only the workflow is one for all
    /// that it deploys.
    pub(crate) fn pinning(self, targets: &TargetSettings) -> Result<Pinning, Trouble> {
        let Self { deploy, workflow, trigger_response, build, commit, after, since, expect: _ } = self;
        let (mut deploy, mut workflow) = (deploy.map(|one| one.0), workflow.map(|one| one.0));
        let (build, commit) = (build.map(|one| one.0), commit.map(|one| one.0));
        if let Some(path) = trigger_response {
            let named = Triggered::read(&path)?;
            // Two pins of one kind: nobody can say which is meant, unless they are the same.
            one_of(&deploy, &named.deploy, "--deploy (NUON_GATE_DEPLOY)")?;
            one_of(&workflow, &named.workflow, "--workflow (NUON_GATE_WORKFLOW)")?;
            match targets {
                TargetSettings::OfWorkflow(_) => workflow = workflow.or(named.workflow),
                _ if named.deploy.is_some() => deploy = deploy.or(named.deploy),
                _ => workflow = workflow.or(named.workflow),
            }
        }
        let since = since.map(|since| since.0);
        let (after, baselines) = match after {
            None => (None, None),
            Some(After::Deploy(id)) => (Some(Baseline::Deploy(id)), None),
            Some(After::File(path)) => (None, Some(Marks::read(&path)?.baselines())),
            Some(After::Marks(marks)) => (None, Some(marks.baselines())),
        };
        Ok(Pinning { shared: Pins { deploy, workflow, build, commit, after, since }, baselines })
    }
}

/// Returns what is common to all that judge.
fn judged(judging: &JudgingArguments) -> Result<WatchSettings, Trouble> {
    Ok(WatchSettings {
        rules: rules(judging)?,
        require: judging.require.0,
        on_superseded: judging.on_superseded.map(Into::into),
        on_approval: judging.on_approval.into(),
        on_stale: judging.on_stale.into(),
        ..WatchSettings::default()
    })
}

fn watch(
    judging: &JudgingArguments,
    pins: &PinArguments,
    waiting: &WaitingArguments,
    request_timeout: Span,
) -> Result<WatchSettings, Trouble> {
    Ok(WatchSettings {
        intervals: intervals(waiting.min_interval, waiting.max_interval)?,
        clocks: Clocks {
            total: waiting.timeout.0,
            start: waiting.start_timeout.0,
            stall: waiting.stall_timeout.0,
            approval: waiting.approval_timeout.0,
            outage: waiting.api_outage.0,
        },
        request_timeout: request_timeout.0,
        fail_fast: waiting.fail_fast,
        expect: pins.expect.map(Into::into),
        settle: waiting.settle.0.unwrap_or_default(),
        // Gates that start together must not poll together.
        seed: RandomState::new().build_hasher().finish(),
        ..judged(judging)?
    })
}

/// How many targets have to pass, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Requirement(pub(crate) Require);

impl Requirement {
    /// Says what it means.
    pub(crate) fn words(self) -> String {
        match self.0 {
            Require::All => "Every target has to pass.".to_owned(),
            Require::Any => "One target has to pass.".to_owned(),
            Require::AtLeast(count) => format!("At least {count} targets have to pass."),
        }
    }
}

impl FromStr for Requirement {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "all" => Ok(Self(Require::All)),
            "any" => Ok(Self(Require::Any)),
            number => {
                let count: Result<NonZeroUsize, _> = number.parse();
                count.map(|count| Self(Require::AtLeast(count))).map_err(|_| "it is all, any or a number from 1 up")
            }
        }
    }
}

/// Another exit code for a verdict, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExitMapping {
    /// The verdict's name.
    pub(crate) name: String,
    /// What to exit with.
    pub(crate) code: u8,
}

impl FromStr for ExitMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, code) = text.split_once('=').ok_or("it is written NAME=CODE, such as timed_out=0")?;
        let name = name.trim().to_owned();
        let names = exit::CODES.iter().map(|(_, name, _)| *name).filter(|name| *name != "usage");
        if !names.clone().any(|known| known == name) {
            return Err(format!("`{name}` is no verdict; there are {}", names.collect::<Vec<_>>().join(", ")));
        }
        let code = code.trim().parse().map_err(|_| "an exit code is a number from 0 to 255".to_owned())?;
        Ok(Self { name, code })
    }
}

/// A status as it is typed: any word, as servers may know more than this version does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusName(pub(crate) Status);

impl FromStr for StatusName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Status::from(text)))
    }
}
