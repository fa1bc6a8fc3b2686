//! The example pipelines, read as their CI systems would: the program's own parser accepts each command, the action has
//! each input, each variable is documented, and the job's time limit is longer than the gate's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgAction;
use serde_yaml_ng::{Mapping, Value};

use crate::support::pages::{pages, root};

/// The keys with shell scripts, over all systems.
const SHELL: [&str; 6] = ["run", "script", "before_script", "command", "commands", "bash"];
/// The keys with a job's time limit.
const LIMITS: [&str; 4] = ["timeout-minutes", "timeout", "timeout_in_minutes", "timeoutInMinutes"];
/// The fault of an example that is about something else.
const UNUSED: &str = "it does not use the program";
/// How the examples name the action.
const ACTION: &str = "nuon-gate/nuon-gate@";
/// The inputs of the action about its installation, which are not flags.
const INSTALLATION: [&str; 4] = ["install-method", "binary-path", "download-base-url", "install-only"];

fn yaml(text: &str, name: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An example: its name below `examples`, and its text.
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All of them. Files that are not pipelines explain them.
fn examples() -> Vec<Example> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, found),
                false => found.push(path),
            }
        }
    }
    let folder = root().join("examples");
    let mut found = Vec::new();
    collect(&folder, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        // A checkout on Windows may have other line ends.
        Example { text: std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n"), name }
    };
    found.into_iter().map(read).filter(|example| example.name != "README.md").collect()
}

/// A use of the program, and the time limit of its job.
struct Use {
    arguments: Vec<String>,
    limit: Option<Duration>,
}

/// What an example does with the program.
#[derive(Default)]
struct Uses {
    /// Uses by a command.
    commands: Vec<Use>,
    /// Uses by a step with the action: its inputs, as the flags that they stand for.
    steps: Vec<Use>,
    /// Faults.
    wrong: Vec<String>,
}

impl Uses {
    fn of(example: &Example, inputs: &Mapping) -> Self {
        let mut uses = Self::default();
        match example.name.ends_with("Jenkinsfile") {
            true => uses.read_groovy(&example.text),
            false => uses.read(&yaml(&example.text, &example.name), None, inputs),
        }
        uses
    }

    /// Reads YAML of any system. The nearest limit above counts.
    fn read(&mut self, value: &Value, limit: Option<Duration>, inputs: &Mapping) {
        match value {
            Value::Sequence(values) => values.iter().for_each(|value| self.read(value, limit, inputs)),
            Value::Mapping(mapping) => {
                let seconds = mapping.get("activeDeadlineSeconds").and_then(Value::as_u64).map(Duration::from_secs);
                let limit = LIMITS.iter().find_map(|key| minutes(mapping.get(key)?)).or(seconds).or(limit);
                if mapping.get("uses").and_then(Value::as_str).is_some_and(|action| action.starts_with(ACTION)) {
                    self.read_step(mapping, limit, inputs);
                }
                for (key, value) in mapping {
                    if key.as_str().is_some_and(|key| SHELL.contains(&key)) {
                        self.read_shell(value, limit);
                    }
                    self.read(value, limit, inputs);
                }
            }
            _ => {}
        }
    }

    fn read_shell(&mut self, value: &Value, limit: Option<Duration>) {
        match value {
            Value::String(script) => self.add_commands(script, limit),
            Value::Sequence(scripts) => scripts.iter().for_each(|script| self.read_shell(script, limit)),
            _ => {}
        }
    }

    fn add_commands(&mut self, script: &str, limit: Option<Duration>) {
        self.commands.extend(commands(script).into_iter().map(|arguments| Use { arguments, limit }));
    }

    fn read_step(&mut self, step: &Mapping, limit: Option<Duration>, inputs: &Mapping) {
        let mut arguments = vec!["nuon-gate".to_owned(), "wait".to_owned()];
        for (name, value) in step.get("with").and_then(Value::as_mapping).into_iter().flatten() {
            let name = name.as_str().unwrap();
            if inputs.get(name).is_none() {
                self.wrong.push(format!("the action has no input {name}"));
            }
            let value = match value {
                Value::String(text) => expand_expressions(text),
                other => serde_yaml_ng::to_string(other).unwrap(),
            };
            arguments.extend(value.lines().flat_map(|line| flag(name, line.trim())));
        }
        // Such a step waits for nothing.
        if !step.get("with").is_some_and(|inputs| inputs["install-only"] == true) {
            self.steps.push(Use { arguments, limit });
        }
    }

    /// Reads what Jenkins gives to a shell: the quoted text after `sh`.
    fn read_groovy(&mut self, text: &str) {
        let limit = text.split_once("timeout(time: ").map(|(_, rest)| {
            let (number, rest) = rest.split_once(',').unwrap();
            assert!(rest.trim().starts_with("unit: 'MINUTES'"), "another unit than minutes");
            Duration::from_secs(60 * number.parse::<u64>().unwrap())
        });
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("sh '") {
            let quotes = if after.starts_with("''") { "''" } else { "" };
            let (script, after) = after[quotes.len()..].split_once(&format!("'{quotes}")).unwrap();
            self.add_commands(script, limit);
            rest = after;
        }
    }
}

/// Returns the limit of a job: a number of minutes or, with GitLab, something like `45m`.
fn minutes(value: &Value) -> Option<Duration> {
    let number = value.as_u64().or_else(|| value.as_str()?.strip_suffix('m')?.parse().ok())?;
    Some(Duration::from_secs(60 * number))
}

/// Returns a duration of the program's that is a number of minutes or hours.
fn span(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let seconds = [("m", 60), ("h", 3600)].iter().find(|(name, _)| *name == unit).unwrap().1;
    Duration::from_secs(seconds * number.parse::<u64>().unwrap())
}

/// Returns the flag that an input stands for. Inputs without a flag are secrets, which the environment has.
fn flag(input: &str, value: &str) -> Option<String> {
    let command = nuon_gate::parse::command();
    let wait = command.find_subcommand("wait").unwrap();
    let arg = wait.get_arguments().find(|arg| arg.get_long() == Some(input))?;
    match arg.get_action() {
        _ if INSTALLATION.contains(&input) => None,
        ArgAction::SetTrue => (value == "true").then(|| format!("--{input}")),
        _ => Some(format!("--{input}={value}")),
    }
}

/// A value that every flag accepts for which an example uses a variable: an id, a name, a commit or a file.
const VALUE: &str = "4be1c7d";

/// Replaces each `${{ … }}` by a value.
fn expand_expressions(text: &str) -> String {
    let mut parts = text.split("${{");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // Only a number is valid here.
        expanded += if part.trim_start().starts_with("matrix.shard") { "1" } else { VALUE };
        expanded += part.split_once("}}").unwrap_or_else(|| panic!("no end of the expression in {text:?}")).1;
    }
    expanded
}

/// Returns the commands of a script that run the program, each as its words.
fn commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", " ");
    joined.lines().flat_map(simple_commands).filter_map(own_words).collect()
}

/// Returns the words from the program's name on, if a simple command runs it.
fn own_words(words: Vec<String>) -> Option<Vec<String>> {
    let before = ["exec", "if", "then", "else", "while", "until", "!", "time", "{", "do"];
    let is_assignment = |word: &String| word.split_once('=').is_some_and(|(name, _)| !name.contains(['-', '/']));
    let words: Vec<String> =
        words.into_iter().skip_while(|word| before.contains(&word.as_str()) || is_assignment(word)).collect();
    let (name, arguments) = words.split_first()?;
    (name.rsplit('/').next() == Some("nuon-gate")).then(|| {
        let redirected =
            |word: &String| word.trim_start_matches(|sign: char| sign.is_ascii_digit()).starts_with(['<', '>']);
        let kept = arguments.iter().take_while(|word| !redirected(word)).cloned();
        std::iter::once("nuon-gate".to_owned()).chain(kept).collect()
    })
}

/// Splits a line into simple commands, and these into words, as a shell does: quotes, escapes, comments, operators.
/// Replaces each variable by a value.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(signs.next()),
            (None | Some('"'), '$') => {
                // Buildkite doubles it.
                while signs.next_if_eq(&'$').is_some() {}
                let is_sum = signs.clone().take(2).eq(['(', '(']);
                match signs.peek() {
                    // It results in a number.
                    Some('(') if is_sum => {
                        while signs.next_if(|sign| *sign != ')').is_some() {}
                        signs.next_if_eq(&')');
                        signs.next_if_eq(&')');
                        word.get_or_insert_default().push('1');
                    }
                    Some('(') => word.get_or_insert_default().push('$'),
                    Some('{') => {
                        signs.by_ref().find(|sign| *sign == '}');
                        word.get_or_insert_default().push_str(VALUE);
                    }
                    _ => {
                        while signs.next_if(|sign| sign.is_ascii_alphanumeric() || *sign == '_').is_some() {}
                        word.get_or_insert_default().push_str(VALUE);
                    }
                }
            }
            (None, '#') if word.is_none() => break,
            (None, ';' | '|' | '&' | '(' | ')') => {
                commands.last_mut().unwrap().extend(word.take());
                commands.push(Vec::new());
            }
            (None, sign) if sign.is_whitespace() => commands.last_mut().unwrap().extend(word.take()),
            (_, sign) => word.get_or_insert_default().push(sign),
        }
    }
    assert!(quote.is_none(), "a quote without an end in {line:?}");
    commands.last_mut().unwrap().extend(word);
    commands
}

/// Returns how often a text seems to run the program.
fn mentions(text: &str) -> usize {
    let command = nuon_gate::parse::command();
    let is_run = |line: &str| {
        let is_comment = ["#", "//"].iter().any(|sign| line.trim_start().starts_with(sign));
        let names = command.get_subcommands().map(clap::Command::get_name);
        !is_comment && names.into_iter().any(|name| line.contains(&format!("nuon-gate {name}")))
    };
    text.lines().filter(|line| is_run(line)).count()
}

/// Returns the names of our variables and the Nuon CLI's.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words.filter(|word| word.starts_with("NUON_") && !word.ends_with('_')).collect()
}

fn action() -> Value {
    yaml(&std::fs::read_to_string(root().join("action.yml")).unwrap(), "action.yml")
}

/// Checks a use with the program's own parser, and that the gate ends before the job does.
fn check(used: &Use) -> Result<(), String> {
    let said = used.arguments.join(" ");
    let matches = nuon_gate::parse::command().try_get_matches_from(&used.arguments);
    let matches = matches.map_err(|error| format!("`{said}`: {error}"))?;
    let Some(("wait", wait)) = matches.subcommand() else { return Ok(()) };
    if !used.arguments.iter().any(|word| word.starts_with("--timeout")) {
        return Err(format!("`{said}` leaves its timeout to the default, which nobody compares with the job's"));
    }
    let timeout = wait.get_raw("timeout").and_then(|mut values| values.next()).unwrap().to_str().unwrap();
    let timeout = span(timeout);
    match used.limit {
        Some(limit) if limit <= timeout => Err(format!("`{said}` is not over when the job's limit {limit:?} ends it")),
        _ => Ok(()),
    }
}

/// Returns an example's faults.
fn faults(example: &Example) -> Vec<String> {
    let action = action();
    let uses = Uses::of(example, action["inputs"].as_mapping().unwrap());
    let mut wrong = uses.wrong;
    wrong.extend(uses.commands.iter().chain(&uses.steps).filter_map(|used| check(used).err()));
    if uses.commands.is_empty() && uses.steps.is_empty() {
        wrong.push(UNUSED.to_owned());
    }
    if uses.commands.len() != mentions(&example.text) {
        wrong.push(format!("{} commands were read, {} are there", uses.commands.len(), mentions(&example.text)));
    }
    let documentation: String = pages().into_iter().map(|page| page.text).collect();
    let known = variables(&documentation);
    let unknown = variables(&example.text).into_iter().filter(|name| !known.contains(name));
    wrong.extend(unknown.map(|name| format!("the variable {name} is not documented")));
    // Only outputs of the action exist. Its steps are called `gate` in all examples.
    for part in example.text.split("steps.gate.outputs.").skip(1) {
        let name = part.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-').next().unwrap_or_default();
        if action["outputs"].get(name).is_none() {
            wrong.push(format!("the action has no output {name}"));
        }
    }
    wrong
}

/// Returns the faults of a part of a pipeline in the documentation. It need not use the program.
#[cfg(unix)]
pub(crate) fn faults_of_page(example: &Example) -> Vec<String> {
    let mut wrong = faults(example);
    wrong.retain(|fault| fault != UNUSED);
    wrong.into_iter().map(|fault| format!("{}: {fault}", example.name)).collect()
}

#[test]
fn every_example_is_one_that_works() {
    let examples = examples();
    let wrong: Vec<String> = examples
        .iter()
        .flat_map(|example| faults(example).into_iter().map(|fault| format!("{}: {fault}", example.name)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let systems: BTreeSet<&str> = examples.iter().map(|example| example.name.split('/').next().unwrap()).collect();
    assert_eq!(
        systems,
        BTreeSet::from(["azure", "buildkite", "circleci", "github", "gitlab", "jenkins", "kubernetes"])
    );
}

#[test]
fn the_readme_of_the_examples_names_each_and_no_other() {
    let readme = std::fs::read_to_string(root().join("examples/README.md")).unwrap();
    let links = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let named: BTreeSet<&str> = links.filter(|link| !link.starts_with("../")).collect();
    let examples = examples();
    assert_eq!(named, examples.iter().map(|example| example.name.as_str()).collect());
}

/// Each kind of fault is found: a good example is broken in one place after the other.
#[test]
fn a_broken_example_is_found() {
    let examples = examples();
    let broken = |name: &str, right: &str, wrong: &str, fault: &str| {
        let example = examples.iter().find(|example| example.name == name).unwrap();
        assert!(example.text.contains(right), "{name} has no {right:?}");
        let example = Example { name: name.to_owned(), text: example.text.replace(right, wrong) };
        let found = faults(&example);
        assert!(found.iter().any(|found| found.contains(fault)), "{name} with {wrong:?}: {found:#?}");
    };
    for name in [
        "azure/azure-pipelines.yml",
        "buildkite/pipeline.yml",
        "circleci/config.yml",
        "gitlab/.gitlab-ci.yml",
        "jenkins/Jenkinsfile",
    ] {
        broken(name, "--component", "--componant", "--componant");
        broken(name, "--timeout 30m", "--timeout soon", "soon");
        broken(name, "--timeout 30m", "", "leaves its timeout to the default");
        broken(name, "nuon-gate wait", "true", "does not use the program");
        broken(name, "nuon-gate wait", "env nuon-gate wait", "0 commands were read, 1 are there");
    }
    for name in ["azure/azure-pipelines.yml", "buildkite/pipeline.yml", "gitlab/.gitlab-ci.yml", "jenkins/Jenkinsfile"]
    {
        broken(name, "45", "30", "is not over when the job's limit");
    }
    broken("github/around-trigger.yml", "command:", "comand:", "the action has no input comand");
    broken("github/pin-commit.yml", "commit:", "comit:", "the action has no input comit");
    broken("github/pin-commit.yml", "timeout: 45m", "timeout: 60m", "is not over when the job's limit");
    broken("github/pin-commit.yml", "nuon-gate/nuon-gate@", "actions/checkout@", "does not use the program");
    broken("github/approval.yml", "on-approval: wait", "on-approval: ask", "ask");
    broken("github/approval.yml", "outputs.verdict", "outputs.word", "the action has no output word");
    broken("gitlab/.gitlab-ci.yml", "NUON_OIDC_TOKEN:", "NUON_OIDC_TOKN:", "NUON_OIDC_TOKN is not documented");
    broken("gitlab/.gitlab-ci.yml", "junit=gate.xml", "juint=gate.xml", "juint");
    broken("jenkins/Jenkinsfile", "NUON_API_TOKEN", "NUON_GATE_API_TOKEN", "NUON_GATE_API_TOKEN is not documented");
}
