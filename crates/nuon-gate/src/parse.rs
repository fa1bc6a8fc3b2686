//! From the command line and the environment to a command.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};
use nuon_gate_core::redact::REDACTED;
use nuon_gate_notify::is_secret;

use crate::arguments::Cli;
use crate::environment::{self, Environment};
use crate::help;
use crate::layers::{Layers, Source, loose, no_command, no_word};
use crate::trouble::Trouble;

/// Why there is no command to execute.
pub(crate) enum NotParsed {
    /// Help or a version was asked for and has been shown.
    Shown(u8),
    /// The arguments are wrong.
    Trouble(Trouble),
}

/// The name under which the Nuon CLI starts its extension `gate`.
const EXTENSION: &str = "nuon-ext-gate";

/// Returns the command line, with the variable of each flag named in its help.
pub fn command() -> clap::Command {
    environment::document(Cli::command())
}

/// Returns the command line under the name by which the program was started: as an extension of the Nuon CLI, `nuon
/// gate`.
fn command_called(arguments: &[OsString]) -> clap::Command {
    let program = arguments.first().map(std::path::Path::new).and_then(|path| path.file_stem());
    match program.is_some_and(|name| name == EXTENSION) {
        true => Cli::command().name("nuon gate").bin_name("nuon gate"),
        // Otherwise the usage of a subcommand would lack the name before it.
        false => Cli::command().bin_name("nuon-gate"),
    }
}

/// Parses the arguments and the environment.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Cli, NotParsed> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.len() > 2 && arguments.last().is_some_and(|last| last == "--") {
        return Err(NotParsed::Trouble(no_command()));
    }
    let command = command_called(&arguments).no_binary_name(true);
    let typed = loose(command.clone()).try_get_matches_from(arguments.iter().skip(1));
    let typed = typed.map_err(|error| match error.use_stderr() {
        true => NotParsed::Trouble(explain(&error, &BTreeMap::new(), &arguments)),
        false => show(&arguments),
    })?;
    let heeds = typed.subcommand_name().is_some_and(environment::is_heeded_by);
    if heeds {
        environment.check().map_err(NotParsed::Trouble)?;
    }
    let layers = Layers::new(&typed, &command, environment).map_err(NotParsed::Trouble)?;
    let cli = command.try_get_matches_from(&layers.arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = cli.map_err(|error| NotParsed::Trouble(explain(&error, &layers.sources, &arguments)))?;
    if heeds {
        warn_of_unknown(environment);
    }
    Ok(cli)
}

/// Shows help or the version: what fits a screen, or everything, with every flag's own variable, whatever is set.
fn show(arguments: &[OsString]) -> NotParsed {
    let wants_all = |word: &OsString| word == "--help" || word == "help";
    let command = command_called(arguments).no_binary_name(true);
    let command = if arguments.iter().any(wants_all) { help::whole(command) } else { help::brief(command) };
    let Err(shown) = command.try_get_matches_from(arguments.iter().skip(1)) else { return NotParsed::Shown(0) };
    // A closed stdout never changes the code.
    let _ = shown.print();
    NotParsed::Shown(0)
}

fn warn_of_unknown(environment: &Environment) {
    let console = crate::output::Console::new();
    for (name, nearest) in environment.unknown(&command()) {
        let nearest = nearest.map(|nearest| format!(": is it {nearest}?")).unwrap_or_default();
        console.warning(&format!("the variable {name} is not known to this version{nearest}"));
    }
}

/// Converts clap's error into our form, and names the variable of its flag.
fn explain(error: &clap::Error, sources: &BTreeMap<String, Source>, arguments: &[OsString]) -> Trouble {
    let rendered = error.render().to_string();
    // The value parser's message follows the value, which may span several lines.
    let first = match error.kind() {
        ErrorKind::ValueValidation => rendered.split("\n\nFor more").next(),
        _ => rendered.lines().next(),
    };
    let first = first.unwrap_or_default();
    let message = without_secrets(first.strip_prefix("error: ").unwrap_or(first), error);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || error.kind() == ErrorKind::MissingSubcommand
    {
        return Trouble::new("no command was given").hint("try `nuon-gate demo`, or `nuon-gate --help`");
    }
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some(trouble) = no_word(word)
    {
        return trouble;
    }
    if let Some(ContextValue::Strings(missing)) =
        error.get(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::MissingRequiredArgument)
    {
        return Trouble::new(format!("{} is missing", missing.join(" "))).hint(help_of(arguments));
    }
    let values = rendered.lines().find(|line| line.contains("[possible values"));
    let values = values.map(|line| format!(" {}", line.trim())).unwrap_or_default();
    let Some(flag) = named_flag(error) else {
        let mut tips = rendered.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
        // What stands after `--` is a command to run, not a value to pass.
        let suggestion = tips.find(|tip| !tip.starts_with("to pass "));
        return Trouble::new(message).hint(suggestion.map_or_else(|| help_of(arguments), str::to_owned) + &values);
    };
    let long = flag.trim_start_matches('-');
    let own = environment::variable_of(long);
    let place = match sources.get(long) {
        Some(Source::Variable(name)) => format!("correct {flag}, whose value comes from {name}{values}"),
        _ => match environment::nuon_variable(&own) {
            Some(nuon) => format!("correct {flag} (its variable is {own} or {nuon}){values}"),
            None => format!("correct {flag} (its variable is {own}){values}"),
        },
    };
    Trouble::new(message).hint(place)
}

/// Leaves out of a message what looks like a secret, in the place of something else.
fn without_secrets(message: &str, error: &clap::Error) -> String {
    let quoted = [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let quoted = quoted.into_iter().filter_map(|kind| match error.get(kind) {
        Some(ContextValue::String(text)) if is_secret(text) => Some(text),
        _ => None,
    });
    quoted.fold(message.to_owned(), |message, text| message.replace(text, REDACTED))
}

/// Returns the help command that lists what is accepted.
fn help_of(arguments: &[OsString]) -> String {
    let typed = arguments.get(1).and_then(|name| name.to_str());
    match typed.and_then(|name| command().find_subcommand(name).map(|command| command.get_name().to_owned())) {
        Some(name) => format!("try `nuon-gate {name} --help`"),
        None => "try `nuon-gate --help`".to_owned(),
    }
}

fn named_flag(error: &clap::Error) -> Option<String> {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, _) => None,
        (_, Some(ContextValue::String(argument))) => {
            let flag = argument.split([' ', '=']).next()?.trim_end_matches("...");
            flag.starts_with("--").then(|| flag.to_owned())
        }
        _ => None,
    }
}
