//! The settings of the outputs.

use std::io::{self, IsTerminal as _};

use crate::arguments::{Format, OutputArguments, Verbosity};
use crate::ci::{CiSystem, is_step};
use crate::environment::Environment;
use crate::report_path::ReportPath;
use crate::terminal::Terminal;

/// The settings of the outputs.
#[derive(Debug, Clone)]
pub(crate) struct OutputSettings {
    pub(crate) format: Format,
    pub(crate) reports: Vec<ReportPath>,
    pub(crate) log_lines: usize,
    /// The CI system that the program is a step of.
    pub(crate) ci: Option<CiSystem>,
    /// The program is a step of some CI system, whose log people read.
    pub(crate) is_step: bool,
    /// The CI run's page.
    pub(crate) ci_url: Option<String>,
    pub(crate) quiet: bool,
    /// The capabilities of stderr, if it is an interactive terminal.
    pub(crate) terminal: Option<Terminal>,
}

impl OutputSettings {
    pub(crate) fn new(arguments: OutputArguments, verbosity: Verbosity, environment: &Environment) -> Self {
        let variable = |name: &str| environment.get(name).map(str::to_owned);
        let ci_url = nuon_gate_notify::ci_run(&variable).map(|run| run.url);
        let ci = CiSystem::detect(environment);
        let terminal = Terminal::detect(environment, ci.as_ref());
        let is_step = ci.is_some() || ci_url.is_some() || is_step(environment);
        Self { ci, is_step, ci_url, ..Self::of_arguments(arguments, verbosity, terminal) }
    }

    /// Reads only the capabilities of the terminal from the environment.
    pub(crate) fn of_no_system(arguments: OutputArguments, verbosity: Verbosity, environment: &Environment) -> Self {
        let terminal = Terminal::detect(environment, CiSystem::detect(environment).as_ref());
        Self::of_arguments(arguments, verbosity, terminal)
    }

    fn of_arguments(arguments: OutputArguments, verbosity: Verbosity, terminal: Option<Terminal>) -> Self {
        let OutputArguments { output: format, report, log_lines } = arguments;
        let reports = report.into_iter().flat_map(|lines| lines.0).collect();
        let (log_lines, quiet) = (log_lines.into(), verbosity.quiet);
        Self { format, reports, log_lines, ci: None, is_step: false, ci_url: None, quiet, terminal }
    }

    /// Returns whether people read the output (a report, the log of a CI job, a terminal), so that names are better than ids.
    pub(crate) fn is_read_by_people(&self) -> bool {
        !self.reports.is_empty() || self.is_step || io::stderr().is_terminal()
    }
}
