//! `completions` and `man`: shell completions and man pages, generated from the command line itself.

use std::io;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use nuon_gate_core::model::Status;
use nuon_gate_notify::Trigger;

use crate::arguments::{CompletionsArguments, ManArguments};
use crate::environment::{API_TOKEN, SIGN_IN, is_heeded_by};
use crate::exit::CODES;
use crate::help::{examples, judges};
use crate::output::stdout_text;
use crate::parse;
use crate::policies::CancelCase;
use crate::trouble::Trouble;

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<u8, Trouble> {
    /// The generator for bash calls the function of a command by one name and defines it by another, if the program's own
    /// name has a hyphen in it.
    const STAND_IN: &str = "nuon_gate";
    let command = completed(parse::command());
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    match arguments.shell {
        Shell::Bash => {
            let mut command = command.name(STAND_IN).bin_name(STAND_IN);
            clap_complete::generate(Shell::Bash, &mut command, STAND_IN, &mut text);
            let script = String::from_utf8_lossy(&text);
            let registered = format!(" {name}\n");
            text = script.replace(&format!(" {STAND_IN}\n"), &registered).into_bytes();
        }
        shell => {
            let mut command = command;
            clap_complete::generate(shell, &mut command, name, &mut text);
            match shell {
                Shell::Fish => text.extend(fish_positionals(&command).into_bytes()),
                // With two colons, zsh forgets the command and its flags after the first of several values.
                Shell::Zsh => text = String::from_utf8_lossy(&text).replace("\n'*::", "\n'*:").into_bytes(),
                _ => {}
            }
        }
    }
    stdout_text(&text);
    Ok(0)
}

/// Returns the part that the generator for fish lacks: the values of positional arguments.
fn fish_positionals(command: &Command) -> String {
    let line = |sub: &Command| {
        let words = sub.get_positionals().flat_map(Arg::get_possible_values);
        let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
        let of = format!("__fish_nuon_gate_using_subcommand {}", sub.get_name());
        (!words.is_empty()).then(|| format!("complete -c nuon-gate -n \"{of}\" -f -a \"{}\"\n", words.join(" ")))
    };
    command.get_subcommands().filter_map(line).collect()
}

/// Adds hints for shells only: the known values of an argument whose type also accepts others.
fn completed(command: Command) -> Command {
    let commands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    command.mut_subcommands(|sub| {
        let is_man = sub.get_name() == "man";
        sub.mut_args(|arg| match arg.get_id().as_str() {
            "command" if is_man => arg.value_parser(PossibleValuesParser::new(commands.clone())),
            _ => with_words(arg),
        })
    })
}

fn with_words(arg: Arg) -> Arg {
    let words: Vec<&'static str> = match arg.get_id().as_str() {
        "notify_on" => Trigger::ALL.map(Trigger::as_str).into(),
        "cancel_on" => CancelCase::ALL.iter().map(|(word, _)| *word).collect(),
        "require" => vec!["all", "any"],
        "pass_on" | "fail_on" | "wait_on" => Status::KNOWN.iter().map(Status::as_str).collect(),
        // A deploy, or a file.
        "after" => return arg.value_hint(ValueHint::AnyPath),
        _ => {
            let is_unknown = arg.get_action().takes_values()
                && !arg.is_positional()
                && arg.get_value_hint() == ValueHint::Unknown
                && arg.get_possible_values().is_empty();
            // An id or a duration is not a file.
            return if is_unknown { arg.value_hint(ValueHint::Other) } else { arg };
        }
    };
    arg.value_parser(PossibleValuesParser::new(words))
}

pub(crate) fn page(arguments: &ManArguments) -> Result<u8, Trouble> {
    let mut whole = parse::command();
    whole.build();
    let (command, own) = match &arguments.command {
        None => (whole, "nuon-gate"),
        Some(name) => {
            let unknown = || Trouble::new(format!("there is no command `{name}`")).hint("try `nuon-gate --help`");
            let command = whole.find_subcommand(name).ok_or_else(unknown)?.clone();
            let title = format!("{}-{name}", whole.get_name());
            (command.name(title), name.as_str())
        }
    };
    let mut text = Vec::new();
    write_page(&command, own, &mut text).map_err(|error| Trouble::new(format!("cannot make the page: {error}")))?;
    stdout_text(&text);
    Ok(0)
}

/// Writes the page of a command, in the order that manuals have.
fn write_page(command: &Command, own: &str, text: &mut Vec<u8>) -> io::Result<()> {
    let page = Man::new(command.clone());
    page.render_title(text)?;
    page.render_name_section(text)?;
    page.render_synopsis_section(text)?;
    page.render_description_section(text)?;
    page.render_options_section(text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(text)?;
    }
    if judges(own) {
        let codes = CODES.map(|(code, name, meaning)| (code.to_owned(), format!("{name}: {meaning}")));
        list("EXIT STATUS", codes, text)?;
    }
    if is_heeded_by(own) {
        list("ENVIRONMENT", variables(command), text)?;
    }
    list("EXAMPLES", examples(own).iter().map(|(what, typed)| ((*typed).to_owned(), (*what).to_owned())), text)?;
    // The page of a command has no version section.
    if command.get_version().is_some() { page.render_version_section(text) } else { Ok(()) }
}

/// Returns the variables of a command that no flag on its page names: the token, and the sinks.
fn variables(command: &Command) -> Vec<(String, String)> {
    let own = |name: &str, meaning: &str| (name.to_owned(), meaning.to_owned());
    let mut all = Vec::new();
    let has = |flag: &str| command.has_subcommands() || command.get_arguments().any(|arg| arg.get_long() == Some(flag));
    let (asks, notifies) = (has("api-url"), has("notify-timeout"));
    if asks {
        all.push(own(API_TOKEN, "The API token. Without it the gate signs in with an identity."));
        all.extend(SIGN_IN.map(|(name, meaning)| own(name, meaning)));
    }
    if notifies {
        all.extend(nuon_gate_notify::VARIABLES.map(|(name, meaning)| own(name, meaning)));
        all.push(own("GITHUB_TOKEN", "What writes to GitHub, with --github-deployment or --github-status."));
    }
    if asks || notifies {
        let proxies = "The proxy to the API and to sinks; loopback is never proxied.";
        all.push(own("HTTPS_PROXY, ALL_PROXY", proxies));
        all.push(own("NO_PROXY", "Hosts that are reached without it."));
    }
    let but = if command.has_subcommands() { ", but for those of demo" } else { "" };
    all.push(own("NUON_GATE_<FLAG>", &format!("Every flag has a variable{but}; the flag takes precedence.")));
    all
}

/// Writes a section of terms, each with its meaning.
fn list(title: &str, rows: impl IntoIterator<Item = (String, String)>, text: &mut Vec<u8>) -> io::Result<()> {
    let mut section = Roff::new();
    section.control("SH", [title]);
    for (term, meaning) in rows {
        section.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
    section.to_writer(text)
}
