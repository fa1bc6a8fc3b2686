#![doc = include_str!("../README.md")]
//!
//! # The data flow
//!
//! ```text
//! arguments → settings → watch → report → outputs, sinks → exit code
//! ```
//!
//! One way, no loops back: [`parse`] says what was typed or set in the environment, `settings` what it means,
//! the core's watch emits events to the [`output`] while it runs and ends in a report, which becomes the result, the
//! lines people read and, by one total match in [`exit`], the exit code.

#[cfg(test)]
mod any_arguments;
#[cfg(test)]
mod any_input;
mod arguments;
mod ci;
mod command;
mod commands;
mod connection;
mod credentials;
mod environment;
pub mod exit;
mod exit_mapping;
mod gate;
mod help;
mod input;
mod layers;
mod lists;
mod marking;
mod marks;
mod memory;
mod names;
mod near_miss;
mod notify;
mod nuon_config;
pub mod output;
pub mod parse;
mod policies;
mod reader;
mod report_path;
mod runtime;
mod secrets;
mod settings;
mod sharding;
mod signals;
mod span;
mod status_name;
mod targets;
mod terminal;
mod trigger;
mod trigger_response;
mod trouble;
mod typed;
mod words;

use std::ffi::OsString;

use self::arguments::{Cli, Command, Verbosity};
use self::ci::CiSystem;
use self::environment::Environment;
pub use self::environment::SIGN_IN;
use self::settings::Settings;
use self::trouble::Trouble;

/// Runs the program and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    memory::keep_from_dumps();
    let environment = Environment::capture();
    secrets::protect_all(&environment);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let outcome = match parse::parse(arguments.clone(), &environment) {
        Ok(cli) => execute(cli, &environment),
        Err(parse::NotParsed::Shown(code)) => Ok(code),
        Err(parse::NotParsed::Trouble(trouble)) => Err(trouble),
    };
    outcome.unwrap_or_else(|trouble| {
        // It can be of a time when no file with a secret had been read.
        secrets::protect_files(&arguments, &environment);
        let trouble = trouble.redacted();
        output::refuse(CiSystem::detect(&environment).as_ref(), &trouble);
        trouble.exit_code()
    })
}

fn execute(cli: Cli, environment: &Environment) -> Result<u8, Trouble> {
    let Cli { command, verbosity } = cli;
    // GitHub sets it in a job that is rerun with debug logging.
    let is_debugged = environment.is_github() && environment.get("RUNNER_DEBUG") == Some("1");
    let verbosity = match command {
        Command::Demo(_) => verbosity,
        _ => Verbosity { verbose: verbosity.verbose.max(if is_debugged { 2 } else { 0 }), ..verbosity },
    };
    output::log_to_stderr(verbosity);
    match command {
        Command::Wait(mut arguments) => {
            let command = std::mem::take(&mut arguments.command);
            gate::run(Settings::for_wait(*arguments, verbosity, environment)?, command)
        }
        Command::Status(arguments) => gate::run(Settings::for_status(*arguments, verbosity, environment)?, Vec::new()),
        Command::Mark(arguments) => commands::mark::run(*arguments, environment),
        Command::Check(arguments) => commands::check::run(*arguments, environment),
        Command::Doctor(arguments) => commands::doctor::run(arguments, environment),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Notify(arguments) => commands::notify::run(arguments, environment),
        Command::Completions(arguments) => commands::manual::completions(&arguments),
        Command::Man(arguments) => commands::manual::page(&arguments),
        Command::Merge(arguments) => commands::merge::run(arguments, verbosity, environment),
        Command::Demo(arguments) => commands::demo::run(arguments, verbosity, environment),
        Command::Sim(arguments) => commands::sim::run(&arguments),
    }
}
