//! `completions` and `man`, generated from the command line.

use crate::arguments::{CompletionsArguments, ManArguments};
use crate::output::stdout_text;
use crate::parse;
use crate::trouble::Trouble;

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<u8, Trouble> {
    let mut command = parse::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut text);
    stdout_text(&text);
    Ok(0)
}

pub(crate) fn page(arguments: &ManArguments) -> Result<u8, Trouble> {
    let mut whole = parse::command();
    whole.build();
    let command = match &arguments.command {
        None => whole,
        Some(name) => {
            let unknown = || Trouble::new(format!("there is no command `{name}`")).hint("try `nuon-gate --help`");
            let command = whole.find_subcommand(name).ok_or_else(unknown)?.clone();
            let title = format!("{}-{name}", whole.get_name());
            command.name(title)
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| Trouble::new(format!("cannot make the page: {error}")))?;
    stdout_text(&text);
    Ok(0)
}
