//! The environment, read once. An empty value means unset, everywhere: the optional inputs of a GitHub Action arrive as
//! empty strings.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Command};

use nuon_gate_core::input::trim;
use nuon_gate_http::is_of_proxies;

use crate::near_miss::nearest;
use crate::trouble::Trouble;

/// The variables of a dotenv report, and the fact that each holds. A later job that runs the program has them in its
/// environment, so none may be a flag's variable, unless nothing that it holds is a value of that flag. GitLab accepts 20 on
/// some plans.
pub(crate) const DOTENV: [(&str, &str); 10] = [
    ("NUON_GATE_VERDICT", "verdict"),
    ("NUON_GATE_EXIT_CODE", "exit-code"),
    ("NUON_GATE_STATUS", "status"),
    ("NUON_GATE_DEPLOY_ID", "deploy-id"),
    ("NUON_GATE_BUILD_ID", "build-id"),
    ("NUON_GATE_WORKFLOW_ID", "workflow-id"),
    ("NUON_GATE_URL", "url"),
    ("NUON_GATE_REASON", "reason"),
    ("NUON_GATE_ELAPSED_SECONDS", "elapsed-seconds"),
    ("NUON_GATE_NOTIFIED", "notified"),
];

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

/// The same, with their meaning, for the documentation.
pub const SIGN_IN: [(&str, &str); 4] = [
    (OIDC_TOKEN, "The identity token itself, a JWT"),
    (OIDC_TOKEN_FILE, "A file with the identity token, read again each time it is needed"),
    (
        GITHUB_ISSUER,
        "GitHub's address for requesting one, authorized by ACTIONS_ID_TOKEN_REQUEST_TOKEN; GitHub sets both",
    ),
    (OIDC_AUDIENCE, "The audience of the token that GitHub issues, if not the API's address"),
];

/// The prefix of the Nuon CLI's variables.
const NUON_PREFIX: &str = "NUON_";

/// Variables of the Nuon CLI that have no counterpart of ours, though one might expect one.
const NUON_OWN: [&str; 4] = [API_TOKEN, OIDC_TOKEN, OIDC_TOKEN_FILE, OIDC_AUDIENCE];

/// The variables that are set.
#[derive(Clone)]
pub(crate) struct Environment {
    /// Non-empty variables.
    set: BTreeMap<String, String>,
    /// Empty variables.
    blank: BTreeSet<String>,
    /// Variables of ours, and those that name a proxy, whose value is not Unicode.
    unreadable: Vec<String>,
}

impl Environment {
    /// Makes an environment of its own, for tests.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn capture() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    fn from_variables(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self { set: BTreeMap::new(), blank: BTreeSet::new(), unreadable: Vec::new() };
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.to_str().map(trim) {
                Some("") => drop(environment.blank.insert(name)),
                Some(value) => drop(environment.set.insert(name, value.to_owned())),
                None if name.starts_with("NUON_") || is_of_proxies(&name) => environment.unreadable.push(name),
                None => {}
            }
        }
        environment
    }

    /// Refuses variables of ours that are not Unicode: a pin that is silently dropped would let the wrong deploy pass.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        match self.unreadable.first() {
            Some(name) => {
                Err(Trouble::new(format!("the value of {name} is not Unicode")).hint(format!("correct {name}")))
            }
            None => Ok(()),
        }
    }

    /// Returns a variable that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }

    /// Returns whether a variable is set and empty.
    pub(crate) fn is_blank(&self, name: &str) -> bool {
        self.blank.contains(name)
    }

    /// Returns whether the program runs as a step of GitHub Actions.
    pub(crate) fn is_github(&self) -> bool {
        self.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Returns the user's home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// Returns whether a dotenv report was loaded: one of its variables alone is most likely meant for a flag.
    fn has_report(&self) -> bool {
        // No report lacks them or has them empty.
        ["NUON_GATE_VERDICT", "NUON_GATE_EXIT_CODE"].iter().all(|name| self.set.contains_key(*name))
    }

    /// Returns the variables with our prefix that belong to no flag, each with the closest known one.
    pub(crate) fn unknown(&self, command: &Command) -> Vec<(&str, Option<String>)> {
        let flags = command.get_subcommands().flat_map(Command::get_arguments).chain(command.get_arguments());
        let known: Vec<String> =
            flags.filter_map(variable).chain(nuon_gate_notify::VARIABLES.map(|(name, _)| name.to_owned())).collect();
        let is_known = |name: &String| known.contains(name) || self.has_report() && is_of_report(name);
        let names = self.set.keys().chain(&self.blank);
        let unknown = names.filter(|name| name.starts_with(PREFIX) && !is_known(name));
        // The common prefix must not count as similarity.
        let rest = |name: &'_ str| name.strip_prefix(PREFIX).unwrap_or(&name[NUON_PREFIX.len()..]).to_owned();
        let known: Vec<&str> = known.iter().map(String::as_str).chain(NUON_OWN).collect();
        let rests: Vec<String> = known.iter().map(|name| rest(name)).collect();
        let nearest = |name: &str| {
            let word = rest(name);
            let ends = format!("_{word}");
            let longer =
                || rests.iter().map(String::as_str).filter(|rest| rest.ends_with(&ends)).min_by_key(|rest| rest.len());
            let nearest = nearest(&word, rests.iter().map(String::as_str)).or_else(longer)?;
            let place = rests.iter().position(|rest| rest == nearest)?;
            Some(known[place].to_owned())
        };
        unknown.map(|name| (name.as_str(), nearest(name))).collect()
    }
}

fn is_of_report(name: &str) -> bool {
    DOTENV.iter().any(|(variable, _)| *variable == name)
}

/// Returns whether a command reads the environment. The demo is the same for everyone.
pub(crate) fn is_heeded_by(command: &str) -> bool {
    command != "demo"
}

/// Names the variable of every flag, for the help text.
pub(crate) fn document(command: Command) -> Command {
    let named = |arg: Arg| match variable(&arg) {
        Some(name) => arg.env(name).hide_env_values(true),
        None => arg,
    };
    let of_all: Vec<Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    command.mut_args(named).mut_subcommands(|command| match is_heeded_by(command.get_name()) {
        true => command.mut_args(named),
        // Its own, or it would have the program's with their variables.
        false => command.args(&of_all),
    })
}

/// Returns the name of a flag's variable, which every flag has that affects a run.
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

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use nuon_gate_core::model::Status;

    use super::*;
    use crate::typed::TypedStatus;

    #[test]
    fn a_variable_of_a_report_is_known_only_with_the_others() {
        let command = crate::parse::command();
        let unknown = |names: &[&str]| {
            let variables: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
            let environment = Environment::of(&variables);
            let unknown = environment.unknown(&command).into_iter();
            unknown.map(|(name, nearest)| (name.to_owned(), nearest)).collect::<Vec<_>>()
        };
        let rows = [
            ("NUON_GATE_DEPLOY_ID", Some("NUON_GATE_DEPLOY")),
            ("NUON_GATE_BUILD_ID", Some("NUON_GATE_BUILD")),
            ("NUON_GATE_WORKFLOW_ID", Some("NUON_GATE_WORKFLOW")),
            ("NUON_GATE_URL", Some("NUON_GATE_API_URL")),
            ("NUON_GATE_VERDICT", None),
            ("NUON_GATE_EXIT_CODE", None),
        ];
        for (name, nearest) in rows {
            assert_eq!(unknown(&[name]), [(name.to_owned(), nearest.map(str::to_owned))]);
        }
        assert_eq!(unknown(&DOTENV.map(|(name, _)| name)), []);
    }

    #[test]
    fn no_variable_of_a_report_is_a_flags() {
        let command = crate::parse::command();
        let flags = command.get_subcommands().flat_map(Command::get_arguments);
        // No status of a check is also a deploy's status.
        let says = |status: &Status| TypedStatus::from_str(status.as_str(), true).is_ok();
        assert!(!Status::KNOWN.iter().any(says));
        for own in flags.filter_map(variable).filter(|own| own != "NUON_GATE_STATUS") {
            assert!(DOTENV.iter().all(|(variable, _)| *variable != own), "{own}");
        }
    }
}
