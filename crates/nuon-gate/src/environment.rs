//! The environment, read once. An empty value means unset, everywhere: the optional inputs of a GitHub Action arrive as
//! empty strings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, Resettable};
use clap::{Arg, ArgAction, Command};

use nuon_gate_http::is_of_proxies;

use crate::ci::DOTENV;
use crate::trouble::Trouble;

/// Every flag `--some-flag` has the variable `NUON_GATE_SOME_FLAG`.
const PREFIX: &str = "NUON_GATE_";

/// Variables of the Nuon CLI that stand in for ours, if ours is unset.
const NUON: [(&str, &str); 5] = [
    ("NUON_GATE_API_URL", "NUON_API_URL"),
    ("NUON_GATE_ORG_ID", "NUON_ORG_ID"),
    ("NUON_GATE_CONFIG", "NUON_CONFIG_FILE"),
    ("NUON_GATE_INSTALL", "NUON_INSTALL_ID"),
    ("NUON_GATE_COMPONENT", "NUON_COMPONENT_ID"),
];

/// The variable with the API token. There is no flag for it: a command line is visible to every user of a machine.
pub(crate) const API_TOKEN: &str = "NUON_API_TOKEN";

/// The variables with which the gate signs in if there is no API token: the first that is set says where the identity
/// comes from. The Nuon CLI reads the same.
pub(crate) const OIDC_TOKEN: &str = "NUON_OIDC_TOKEN";
pub(crate) const OIDC_TOKEN_FILE: &str = "NUON_OIDC_TOKEN_FILE";
pub(crate) const OIDC_AUDIENCE: &str = "NUON_OIDC_AUDIENCE";
pub(crate) const GITHUB_ISSUER: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
pub(crate) const GITHUB_REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The same with their meaning, for the documentation.
pub const SIGN_IN: [(&str, &str); 4] = [
    (OIDC_TOKEN, "The identity token itself, a JWT"),
    (OIDC_TOKEN_FILE, "A file with the identity token, read again each time it is needed"),
    (
        GITHUB_ISSUER,
        "Where GitHub issues one, with the right to ask in ACTIONS_ID_TOKEN_REQUEST_TOKEN; GitHub sets both",
    ),
    (OIDC_AUDIENCE, "For whom GitHub is asked to issue it, if not for the API's address"),
];

/// The variables that are set to something.
pub(crate) struct Environment {
    set: BTreeMap<String, String>,
    /// Variables of ours, and those that name a proxy, whose value is not Unicode.
    unreadable: Vec<String>,
}

impl Environment {
    /// Makes an environment of its own, for tests.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let set = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { set, unreadable: Vec::new() }
    }

    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn capture() -> Self {
        let (mut set, mut unreadable) = (BTreeMap::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) if value.trim().is_empty() => {}
                Ok(value) => drop(set.insert(name, value)),
                Err(_) if name.starts_with("NUON_") || is_of_proxies(&name) => unreadable.push(name),
                Err(_) => {}
            }
        }
        Self { set, unreadable }
    }

    /// Refuses variables of ours that cannot be read: a pin that is dropped in silence would let the wrong deploy pass.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        match self.unreadable.first() {
            Some(name) => {
                Err(Trouble::new(format!("the value of {name} is not Unicode")).hint(format!("correct {name}")))
            }
            None => Ok(()),
        }
    }

    /// Returns a variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }

    /// Tells whether the program runs as a step of GitHub Actions.
    pub(crate) fn is_github(&self) -> bool {
        self.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Returns the user's home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// Returns the variables with our prefix that no flag stands behind.
    pub(crate) fn unknown(&self, command: &Command) -> Vec<String> {
        let known: Vec<String> =
            command.get_subcommands().flat_map(Command::get_arguments).filter_map(variable).collect();
        let is_known = |name: &String| {
            let reported = DOTENV.iter().any(|(variable, _)| variable == name);
            known.contains(name) || reported || nuon_gate_notify::VARIABLES.contains(&name.as_str())
        };
        self.set.keys().filter(|name| name.starts_with(PREFIX) && !is_known(name)).cloned().collect()
    }

    /// Connects every flag of a command with its variable, as far as that is set to something.
    ///
    /// clap reads a variable that is empty as a value that is empty, and knows one variable for a flag; both are
    /// settled here. The variables of `replaced` flags do not count.
    pub(crate) fn connect(&self, command: Command, replaced: &[&str]) -> Command {
        let connected = document(command);
        connected.mut_subcommands(|command| {
            command.mut_args(|arg| {
                let Some(own) = variable(&arg).filter(|_| arg.get_env().is_some()) else { return arg };
                let nuon = nuon_variable(&own).map(str::to_owned);
                if arg.get_long().is_some_and(|long| replaced.contains(&long)) {
                    return arg.env(Resettable::Reset);
                }
                // Our own whole targets beat the halves that the Nuon CLI injects.
                let halved = matches!(own.as_str(), "NUON_GATE_INSTALL" | "NUON_GATE_COMPONENT");
                let whole = [("NUON_GATE_TARGET", "target"), ("NUON_GATE_TARGETS_FILE", "targets-file")]
                    .iter()
                    .any(|(name, flag)| self.get(name).is_some() && !replaced.contains(flag));
                let nuon = nuon.filter(|_| !halved || !whole);
                match [Some(own), nuon].into_iter().flatten().find(|name| self.get(name).is_some()) {
                    Some(name) => arg.env(name),
                    None => arg.env(Resettable::Reset),
                }
            })
        })
    }
}

/// Names the variable of every flag, for the help text. The demo takes nothing from the environment.
pub(crate) fn document(command: Command) -> Command {
    command.mut_subcommands(|command| {
        if command.get_name() == "demo" {
            return command;
        }
        command.mut_args(|arg| {
            let Some(name) = variable(&arg) else { return arg };
            let arg = arg.env(name).hide_env_values(true);
            match arg.get_action() {
                ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                ArgAction::Count => arg.value_parser(count),
                _ => arg,
            }
        })
    })
}

/// Reads how often a flag that can be repeated is set: a number, or yes and no.
fn count(text: &str) -> Result<u8, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(1),
        "false" | "no" => Ok(0),
        number => number.parse().map_err(|_| "it is a number, or yes or no".to_owned()),
    }
}

/// Returns the name of a flag's variable.
pub(crate) fn variable(arg: &Arg) -> Option<String> {
    arg.get_long().filter(|long| !matches!(*long, "help" | "version")).map(variable_of)
}

/// Returns the name of the variable of a flag, which is given without its dashes.
pub(crate) fn variable_of(long: &str) -> String {
    format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"))
}

/// Returns the variable of the Nuon CLI that stands in for one of ours.
pub(crate) fn nuon_variable(own: &str) -> Option<&'static str> {
    NUON.iter().find(|(ours, _)| *ours == own).map(|(_, nuon)| *nuon)
}
