//! From the command line and the environment to a command.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::arguments::{Cli, Command};
use crate::environment::{self, Environment};
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

/// Returns the command line as whoever started the program knows it: called as an extension of the Nuon CLI, it is
/// `nuon gate`.
fn command_called(arguments: &[OsString]) -> clap::Command {
    let program = arguments.first().map(std::path::Path::new).and_then(|path| path.file_stem());
    match program.is_some_and(|name| name == EXTENSION) {
        true => Cli::command().name("nuon gate").bin_name("nuon gate"),
        // Or the usage of a command would not say whose command it is.
        false => Cli::command().bin_name("nuon-gate"),
    }
}

/// Parses the arguments and the environment.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Command, NotParsed> {
    let arguments = without_empty_values(arguments, &command());
    if arguments.len() > 2 && arguments.last().is_some_and(|last| last == "--") {
        // Most likely a variable that is empty: without the command, an old deploy would be judged.
        let trouble = Trouble::new("there is no command after `--`").hint("give the command that triggers the deploy");
        return Err(NotParsed::Trouble(trouble));
    }
    environment.check().map_err(NotParsed::Trouble)?;
    // Targets on the command line replace those of the environment, which then need not even be right.
    let typed = Cli::command().ignore_errors(true).try_get_matches_from(&arguments);
    let replaced = typed.map(|matches| replaced_targets(&matches)).unwrap_or_default();
    let command = command_called(&arguments).no_binary_name(true);
    let matches = environment.connect(command, &replaced).try_get_matches_from(arguments.iter().skip(1));
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            warn_of_unknown(&cli.command, environment);
            Ok(cli.command)
        }
        Err(error) if !error.use_stderr() => Err(show(&arguments)),
        Err(error) => Err(NotParsed::Trouble(explain(&error, &arguments))),
    }
}

/// The flags that say which deploy is waited for.
const PINS: [&str; 7] = ["--deploy", "--workflow", "--trigger-response", "--build", "--commit", "--after", "--since"];

/// Takes out flags whose value is empty: that means unset, in a variable as on the command line. A pin that came to
/// nothing is warned of, as it is most likely a step before that gave nothing.
fn without_empty_values(arguments: impl IntoIterator<Item = OsString>, command: &clap::Command) -> Vec<OsString> {
    let takes_value = |flag: &str| {
        let mut all = command.get_subcommands().flat_map(clap::Command::get_arguments);
        all.any(|arg| arg.get_long() == flag.strip_prefix("--") && arg.get_action().takes_values())
    };
    let mut kept: Vec<OsString> = Vec::new();
    let mut arguments = arguments.into_iter();
    for argument in arguments.by_ref() {
        // What comes after that is somebody else's command.
        if argument == "--" {
            kept.push(argument);
            break;
        }
        let text = argument.to_str().map(str::trim);
        let emptied = match (text, kept.last().and_then(|last| last.to_str())) {
            (Some(""), Some(flag)) if takes_value(flag) => Some(flag.to_owned()),
            (Some(text), _) => text.strip_suffix('=').filter(|flag| takes_value(flag)).map(str::to_owned),
            _ => None,
        };
        let Some(flag) = emptied else {
            kept.push(argument);
            continue;
        };
        if text == Some("") {
            kept.pop();
        }
        if PINS.contains(&flag.as_str()) {
            let warning = format!("{flag} is empty, so it pins nothing");
            crate::output::Console::new().warning(&warning);
        }
    }
    kept.extend(arguments);
    kept
}

/// Returns the target flags whose variables must not count, as the command line says otherwise: a whole target replaces
/// everything; half a target replaces its half, and takes the other from the environment.
fn replaced_targets(matches: &clap::ArgMatches) -> Vec<&'static str> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let typed = |id: &str| {
        let known = matches.try_contains_id(id).is_ok();
        known && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    const WHOLE: [&str; 2] = ["target", "targets-file"];
    const HALVES: [&str; 3] = ["install", "component", "all-components"];
    let mut replaced = Vec::new();
    if typed("target") || typed("targets_file") {
        replaced.extend(HALVES);
        replaced.extend(WHOLE.into_iter().filter(|flag| !typed(&flag.replace('-', "_"))));
    } else if typed("install") || typed("component") || typed("all_components") {
        replaced.extend(WHOLE);
        if typed("all_components") {
            replaced.push("component");
        } else if typed("component") {
            replaced.push("all-components");
        }
    }
    replaced
}

/// Shows help or the version, with every flag's own variable, whatever is set.
fn show(arguments: &[OsString]) -> NotParsed {
    let command = environment::document(command_called(arguments)).no_binary_name(true);
    let Err(shown) = command.try_get_matches_from(arguments.iter().skip(1)) else { return NotParsed::Shown(0) };
    // A closed stdout never changes the code.
    let _ = shown.print();
    NotParsed::Shown(0)
}

fn warn_of_unknown(command: &Command, environment: &Environment) {
    if matches!(command, Command::Demo(_)) {
        return;
    }
    let console = crate::output::Console::new();
    for name in environment.unknown(&self::command()) {
        console.warning(&format!("the variable {name} is not known to this version"));
    }
}

/// Puts clap's error into our form, and names the variable of the flag it is about.
fn explain(error: &clap::Error, arguments: &[OsString]) -> Trouble {
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || error.kind() == ErrorKind::MissingSubcommand
    {
        return Trouble::new("no command was given").hint("try `nuon-gate demo`, or `nuon-gate --help`");
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
    let own = environment::variable_of(flag.trim_start_matches('-'));
    let typed = arguments.iter().filter_map(|argument| argument.to_str());
    let mut typed = typed
        .filter(|argument| argument.strip_prefix(&flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
    let variables = match environment::nuon_variable(&own) {
        Some(nuon) => format!("{own} or {nuon}"),
        None => own,
    };
    let place = match typed.next() {
        Some(_) => format!("correct {flag} (its variable is {variables}){values}"),
        None => format!("correct {flag}, whose value comes from {variables}{values}"),
    };
    Trouble::new(message).hint(place)
}

/// Returns where the help is that says what could have been typed.
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
