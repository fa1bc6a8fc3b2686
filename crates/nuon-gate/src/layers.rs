//! The value of each flag: from the command line, or else from its variable.
//!
//! Every value that a user gives passes through here under the same rules: surrounding blanks and a byte order mark
//! are removed, empty means unset, and an empty pin or an unfilled placeholder is refused. clap decides on the
//! unmodified command line which text belongs to which flag, so an empty text never shifts its neighbours.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser as _};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use nuon_gate_core::input::trim;
use nuon_gate_notify::is_placeholder;

use crate::environment::{Environment, is_heeded_by, nuon_variable, variable};
use crate::trouble::Trouble;

/// The flags that say which deploy is waited for. An empty one most likely comes from an earlier step that produced
/// nothing; without it another deploy would be judged.
const PINS: [&str; 8] = ["deploy", "workflow", "branch-run", "trigger-response", "build", "commit", "after", "since"];

/// The flags that say what is waited for.
const TARGETS: [&str; 5] = ["install", "install-label", "component", "target", "targets-file"];

/// Upper bound for a flag that is counted, such as `-v`.
const MOST_REPEATED: u8 = 9;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line.
    Typed,
    /// This variable.
    Variable(String),
}

/// A command line in which every flag has its value, whatever the source.
pub(crate) struct Layers {
    /// The name of the command, its flags, and what follows them.
    pub(crate) arguments: Vec<OsString>,
    /// Where the value of each flag comes from, by its name without dashes.
    pub(crate) sources: BTreeMap<String, Source>,
}

/// Returns a command line that accepts any text as a value, and so decides only which text belongs to which flag.
pub(crate) fn loose(command: Command) -> Command {
    command.mut_subcommands(|command| command.mut_args(loosened)).mut_args(loosened)
}

fn loosened(arg: Arg) -> Arg {
    let takes_value = arg.get_action().takes_values();
    let is_pin = arg.get_long().is_some_and(|long| PINS.contains(&long));
    let id = arg.get_id().clone();
    let arg = if takes_value { arg.value_parser(OsStringValueParser::new()) } else { arg };
    // Its variable may have it.
    let arg = if arg.get_long().is_some() { arg.required(false) } else { arg };
    match arg.get_action() {
        // Two pins of one kind are ambiguous.
        _ if is_pin || arg.is_positional() => arg,
        // The last of several wins, as in most programs, but each is checked, an empty one too.
        ArgAction::Set => arg.action(ArgAction::Append),
        ArgAction::SetTrue => arg.overrides_with(id),
        _ => arg,
    }
}

impl Layers {
    /// Merges what was typed, as a [`loose`] command line has read it, with the environment.
    pub(crate) fn new(typed: &ArgMatches, command: &Command, environment: &Environment) -> Result<Self, Trouble> {
        let Some((name, typed)) = typed.subcommand() else {
            return Ok(Self { arguments: Vec::new(), sources: BTreeMap::new() });
        };
        let own = command.find_subcommand(name).into_iter().flat_map(Command::get_arguments);
        let all: Vec<&Arg> = own.chain(command.get_arguments()).collect();
        let replaced = replaced_targets(typed);
        let mut reader = Reader {
            environment,
            typed,
            replaced,
            arguments: vec![name.into()],
            sources: BTreeMap::new(),
            empty: BTreeMap::new(),
        };
        let heeds_variables = is_heeded_by(name);
        for arg in all.iter().filter(|arg| arg.get_long().is_some_and(|long| !matches!(long, "help" | "version"))) {
            if !reader.take_typed(arg)? && heeds_variables {
                reader.take_variable(arg)?;
            }
        }
        for arg in all.iter().filter(|arg| arg.is_positional() && !arg.is_last_set()) {
            reader.take_words(arg)?;
        }
        if let Some(arg) = all.iter().find(|arg| arg.is_last_set()) {
            reader.take_command(arg)?;
        }
        Ok(Self { arguments: reader.arguments, sources: reader.sources })
    }
}

/// Says what is wrong with a word where a command's name should be, if that is not just its name.
pub(crate) fn no_word(text: &str) -> Option<Trouble> {
    match taken(OsStr::new(text), "the command") {
        Ok(word) => word.is_none().then(empty_word),
        Err(trouble) => Some(trouble),
    }
}

/// Says that a word is empty.
fn empty_word() -> Trouble {
    Trouble::new("an argument is empty")
        .hint("a variable in the command is most likely not set: leave it out, or set it")
}

/// The error for `--` without a command.
pub(crate) fn no_command() -> Trouble {
    // Most likely an empty variable: without the command, an old deploy would be judged.
    Trouble::new("there is no command after `--`").hint("give the command that triggers the deploy")
}

struct Reader<'a> {
    environment: &'a Environment,
    typed: &'a ArgMatches,
    /// The target flags whose variables do not count.
    replaced: Vec<&'static str>,
    arguments: Vec<OsString>,
    sources: BTreeMap<String, Source>,
    /// Which flags were typed with an empty value, by the place of that value on the command line.
    empty: BTreeMap<usize, String>,
}

impl Reader<'_> {
    /// Takes a flag's value from the command line; returns whether there is one.
    fn take_typed(&mut self, arg: &Arg) -> Result<bool, Trouble> {
        let long = arg.get_long().unwrap_or_default();
        if !is_typed(self.typed, arg.get_id().as_str()) {
            return Ok(false);
        }
        match arg.get_action() {
            ArgAction::SetTrue => self.set(long, Source::Typed),
            ArgAction::Count => {
                let count = self.typed.get_count(arg.get_id().as_str());
                (0..count.min(MOST_REPEATED)).for_each(|_| self.set(long, Source::Typed));
            }
            _ => {
                let places = self.typed.indices_of(arg.get_id().as_str()).into_iter().flatten();
                let mut values = Vec::new();
                for (text, place) in raw(self.typed, arg).iter().zip(places) {
                    match taken(text, &format!("--{long}"))? {
                        Some(value) => values.push(value),
                        None if PINS.contains(&long) => return Err(empty_pin(&format!("--{long}"))),
                        None => drop(self.empty.insert(place, long.to_owned())),
                    }
                }
                let only_last = matches!(arg.get_action(), ArgAction::Set).then(|| values.len().saturating_sub(1));
                values.iter().skip(only_last.unwrap_or(0)).for_each(|value| self.set_to(long, value, Source::Typed));
                // Part of a fleet must not pass for all of it.
                let is_half = self.empty.values().any(|empty| empty == long) && self.sources.contains_key(long);
                if is_half && TARGETS.contains(&long) {
                    return Err(half_empty(long));
                }
            }
        }
        Ok(self.sources.contains_key(long))
    }

    /// Takes what a flag's variable holds.
    fn take_variable(&mut self, arg: &Arg) -> Result<(), Trouble> {
        let (Some(own), Some(long)) = (variable(arg), arg.get_long()) else { return Ok(()) };
        // A malformed pin is an error even if it is overridden.
        let is_pin = PINS.contains(&long);
        if is_pin && self.environment.is_blank(&own) {
            return Err(empty_pin(&own));
        }
        if is_pin && self.environment.get(&own).is_some_and(is_placeholder) {
            return Err(placeholder(&own));
        }
        if self.replaced.contains(&long) {
            return Ok(());
        }
        let nuon = nuon_variable(&own).filter(|_| !self.is_halved(long));
        let names = [Some(own.as_str()), nuon];
        let found = names.into_iter().flatten().find_map(|name| Some((name, self.environment.get(name)?)));
        let Some((name, text)) = found else { return Ok(()) };
        if is_placeholder(text) {
            return Err(placeholder(name));
        }
        let source = Source::Variable(name.to_owned());
        match arg.get_action() {
            ArgAction::SetTrue => {
                if boolean(text).ok_or_else(|| no_boolean(long, name))? {
                    self.set(long, source);
                }
            }
            ArgAction::Count => {
                let count = boolean(text).map(u8::from).or_else(|| text.parse().ok());
                let count = count.ok_or_else(|| no_boolean(long, name))?;
                (0..count.min(MOST_REPEATED)).for_each(|_| self.set(long, source.clone()));
            }
            _ => self.set_to(long, OsStr::new(text), source),
        }
        Ok(())
    }

    /// Takes positional arguments: targets.
    fn take_words(&mut self, arg: &Arg) -> Result<(), Trouble> {
        let mut places = self.typed.indices_of(arg.get_id().as_str()).into_iter().flatten();
        if let Some(flag) = places.find_map(|place| self.empty.get(&(place.wrapping_sub(1)))) {
            return Err(empty_before_word(flag));
        }
        let words = words(self.typed, arg)?;
        let whole = self.empty.values().find(|flag| matches!(flag.as_str(), "target" | "targets-file"));
        if let Some(flag) = whole.filter(|_| !words.is_empty()) {
            return Err(half_empty(flag));
        }
        self.arguments.extend(words);
        Ok(())
    }

    /// Takes the command after `--`, unchanged.
    fn take_command(&mut self, arg: &Arg) -> Result<(), Trouble> {
        let words = raw(self.typed, arg);
        if words.first().is_some_and(|word| trimmed(word).is_empty()) {
            return Err(no_command());
        }
        self.arguments.extend((!words.is_empty()).then(|| "--".into()));
        self.arguments.extend(words);
        Ok(())
    }

    fn set(&mut self, long: &str, source: Source) {
        self.arguments.push(format!("--{long}").into());
        self.sources.insert(long.to_owned(), source);
    }

    fn set_to(&mut self, long: &str, value: &OsStr, source: Source) {
        let mut flag = OsString::from(format!("--{long}="));
        flag.push(value);
        self.arguments.push(flag);
        self.sources.insert(long.to_owned(), source);
    }

    /// Returns whether a workflow is given, and nothing names a component: then all that it deploys is waited for, in whichever
    /// installs that is.
    fn is_whole_workflow(&self) -> bool {
        let given = |flag: &str, names: &[&str]| {
            let texts = || self.typed.get_raw(flag).into_iter().flatten();
            is_typed(self.typed, flag) && texts().any(|text| !trimmed(text).is_empty())
                || names.iter().any(|name| self.environment.get(name).is_some())
        };
        given("workflow", &["NUON_GATE_WORKFLOW"])
            && !given("component", &["NUON_GATE_COMPONENT", "NUON_COMPONENT_ID"])
            && !is_typed(self.typed, "all_components")
            && !self.has_all_components()
    }

    fn has_all_components(&self) -> bool {
        self.environment.get("NUON_GATE_ALL_COMPONENTS").is_some_and(|text| boolean(text) == Some(true))
    }

    /// Returns whether a variable of the Nuon CLI names half a target and is overridden by ours, which name whole
    /// targets or other installs.
    fn is_halved(&self, long: &str) -> bool {
        let whole = [
            ("target", "NUON_GATE_TARGET"),
            ("targets-file", "NUON_GATE_TARGETS_FILE"),
            ("branch-run", "NUON_GATE_BRANCH_RUN"),
        ];
        let counts = |(flag, name)| !self.replaced.contains(&flag) && self.environment.get(name).is_some();
        let is_other = match long {
            "install" => counts(("install-label", "NUON_GATE_INSTALL_LABEL")) || self.is_whole_workflow(),
            "component" => !self.replaced.contains(&"all-components") && self.has_all_components(),
            _ => false,
        };
        matches!(long, "install" | "component") && whole.into_iter().any(counts) || is_other
    }
}

/// Returns the target flags whose variables must not count, as the command line says otherwise: a whole target replaces
/// everything; half a target replaces its half, and takes the other from the environment.
fn replaced_targets(matches: &ArgMatches) -> Vec<&'static str> {
    const WHOLE: [&str; 3] = ["target", "targets-file", "branch-run"];
    const HALVES: [&str; 4] = ["install", "install-label", "component", "all-components"];
    let typed = |flag: &str| -> bool {
        let id = flag.replace('-', "_");
        let texts = || matches.get_raw(&id).into_iter().flatten();
        is_typed(matches, &id) && (flag == "all-components" || texts().any(|text| !trimmed(text).is_empty()))
    };
    if typed("targets") || WHOLE.into_iter().any(typed) {
        return HALVES.into_iter().chain(WHOLE).collect();
    }
    let mut replaced = Vec::new();
    if HALVES.into_iter().any(typed) {
        replaced.extend(WHOLE);
        for (one, other) in [("all-components", "component"), ("install-label", "install")] {
            if typed(one) {
                replaced.push(other);
            } else if typed(other) {
                replaced.push(one);
            }
        }
    }
    replaced
}

fn is_typed(typed: &ArgMatches, id: &str) -> bool {
    typed.try_contains_id(id).is_ok() && typed.value_source(id) == Some(ValueSource::CommandLine)
}

/// Returns the typed values of an argument.
fn raw(typed: &ArgMatches, arg: &Arg) -> Vec<OsString> {
    let id = arg.get_id().as_str();
    match is_typed(typed, id) {
        true => typed.get_raw(id).into_iter().flatten().map(OsStr::to_owned).collect(),
        false => Vec::new(),
    }
}

/// Returns the words that were typed without a flag. An empty one is an error: it could have been meant for any of
/// them.
fn words(typed: &ArgMatches, arg: &Arg) -> Result<Vec<OsString>, Trouble> {
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("an argument", |name| name.as_str());
    raw(typed, arg).iter().map(|text| taken(text, name)?.ok_or_else(empty_word)).collect()
}

/// Normalises a text; `None` if it is empty.
fn taken(text: &OsStr, name: &str) -> Result<Option<OsString>, Trouble> {
    let value = trimmed(text);
    if value.to_str().is_some_and(is_placeholder) {
        return Err(placeholder(name));
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// Trims a text. A path that is not Unicode stays as it is.
fn trimmed(text: &OsStr) -> &OsStr {
    text.to_str().map_or(text, |text| OsStr::new(trim(text)))
}

/// Reads yes and no, in the words that clap knows.
fn boolean(text: &str) -> Option<bool> {
    BoolishValueParser::new().parse_ref(&Command::new(""), None, OsStr::new(text)).ok()
}

fn half_empty(flag: &str) -> Trouble {
    Trouble::new(format!("one value of --{flag} is empty beside others"))
        .hint("the step that should have named that target most likely gave nothing: fix that step, or leave it out")
}

/// A word after an empty value is a target, or the value itself, if the empty word before it came from a variable.
fn empty_before_word(flag: &str) -> Trouble {
    Trouble::new(format!("the value of --{flag} is empty, and the word after it could be meant as its value"))
        .hint(format!("leave out --{flag}, or put the targets before it"))
}

fn no_boolean(long: &str, name: &str) -> Trouble {
    Trouble::new(format!("the value of {name} is neither true nor false"))
        .hint(format!("set {name}, the variable of --{long}, to true or false"))
}

fn empty_pin(name: &str) -> Trouble {
    let leave = "leave it out to judge the component's latest deploy";
    Trouble::new(format!("{name} is set, but empty"))
        .hint(format!("the step that should have set it most likely gave nothing: fix that step, or {leave}"))
}

/// The error for a reference to a variable in place of its value.
pub(crate) fn placeholder(name: &str) -> Trouble {
    Trouble::new(format!("the value of {name} is a placeholder that was not filled in"))
        .hint(format!("set the variable that {name} refers to, or correct its name"))
}
