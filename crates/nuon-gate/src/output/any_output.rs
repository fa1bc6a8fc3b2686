//! Property tests: hostile texts reach every output as text, and nothing else.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;

use nuon_gate_core::{Line, Verdict};
use nuon_gate_soak::HOSTILE;
use proptest::prelude::*;
use proptest::sample::select;
use pulldown_cmark::{Event, Options, Parser};

use super::facts::Facts;
use super::issues::Issue;
use super::{azure, github, github_files, gitlab, markdown, sample};
use crate::environment::DOTENV;

/// Texts that are syntax in one of the outputs.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::collection::vec(select(HOSTILE), 0..20).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

fn facts() -> impl Strategy<Value = Facts> {
    prop::collection::vec(hostile(), 12).prop_map(|values| Facts::of_any(&values))
}

fn pairs(facts: &Facts) -> Vec<(String, String)> {
    facts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Reads a line as GitHub's runner does (`FileCommandManager.cs` in actions/runner), with what ended it.
fn line<'a>(rest: &mut &'a str, windows: bool) -> Option<(&'a str, &'static str)> {
    if rest.is_empty() {
        return None;
    }
    let Some(at) = rest.find('\n') else { return Some((std::mem::take(rest), "")) };
    let (line, more) = (&rest[..at], &rest[at + 1..]);
    *rest = more;
    match line.strip_suffix('\r').filter(|_| windows) {
        Some(line) => Some((line, "\r\n")),
        None => Some((line, "\n")),
    }
}

/// Reads the whole file as the runner does.
fn read_outputs(text: &str, windows: bool) -> Result<Vec<(String, String)>, String> {
    let (mut rest, mut outputs) = (text, Vec::new());
    while let Some((head, _)) = line(&mut rest, windows) {
        if head.is_empty() {
            continue;
        }
        let (equals, heredoc) = (head.find('='), head.find("<<"));
        match (equals, heredoc) {
            (_, Some(at)) if equals.is_none_or(|equals| at < equals) => {
                let (name, delimiter) = (&head[..at], &head[at + 2..]);
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!("invalid format {head:?}"));
                }
                let (value, mut end) = (rest, 0);
                loop {
                    let before = rest.len();
                    match line(&mut rest, windows) {
                        Some((text, _)) if text == delimiter => break,
                        Some((_, "")) | None => return Err(format!("no {delimiter:?}")),
                        Some((_, ending)) => end = value.len() - before + (before - rest.len()) - ending.len(),
                    }
                }
                outputs.push((name.to_owned(), value[..end].to_owned()));
            }
            (Some(at), _) if at > 0 => outputs.push((head[..at].to_owned(), head[at + 1..].to_owned())),
            _ => return Err(format!("invalid format {head:?}")),
        }
    }
    Ok(outputs)
}

/// Writes a file for one test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nuon-gate-{name}-{}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Undoes the escaping of a command's text, in the runner's order.
fn unescape(text: &str, signs: &[(&str, &str)]) -> String {
    signs.iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}

/// Reads a command as GitHub's runner does (`ActionCommand.cs`): its name, its only property, its text.
fn read_github(command: &str) -> (String, String, String) {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
    const PROPERTY: [(&str, &str); 5] = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    let (head, data) = command.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap();
    assert_eq!(properties.split(',').count(), 1, "{command:?}");
    let (property, value) = properties.split_once('=').unwrap();
    (format!("{name} {property}"), unescape(value, &PROPERTY), unescape(data, &DATA))
}

/// Reads a command as the agent of Azure Pipelines does (`Command.cs` in microsoft/azure-pipelines-agent).
fn read_azure(command: &str) -> (String, String) {
    const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%")];
    let (head, data) = command.strip_prefix("##vso[").unwrap().split_once(']').unwrap();
    (head.to_owned(), unescape(data, &DATA))
}

/// Returns the structure of this Markdown, without the text.
fn form(markdown: &str) -> Vec<String> {
    let is_form = |event: &Event<'_>| !matches!(event, Event::Text(_));
    Parser::new_ext(markdown, Options::ENABLE_TABLES).filter(is_form).map(|event| format!("{event:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outputs_are_read_back_as_they_are(
        facts in facts(),
        before in select(vec!["", "a=b", "a=b\n", "a=b\r\n", "a<<X\nv\nX", "a<<X\nv\nX\n", "\n"]),
    ) {
        let file = Temporary::new("outputs", before);
        github_files::set_outputs(&file.0, &facts).unwrap();
        let written = file.read();
        for windows in [false, true] {
            let mut expected = read_outputs(before, windows).unwrap();
            expected.extend(pairs(&facts).into_iter().map(|(name, value)| {
                // A line break there includes a carriage return before it.
                let kept = value.strip_suffix('\r').filter(|_| windows).unwrap_or(&value).to_owned();
                (name, kept)
            }));
            prop_assert_eq!(read_outputs(&written, windows).unwrap(), expected, "{}", written);
        }
    }

    #[test]
    fn variables_are_words_that_fit(values in prop::collection::vec(hostile(), 12), long in "[a-zü\\n]{1,3}") {
        // The longest values that the core allows: a status, ids, an address and a reason.
        let most = |at: usize| match at { 2 => 64, 3..=5 => 255, 6 | 7 => 9000, _ => 20 };
        let values: Vec<String> =
            (0..).zip(&values).map(|(at, value)| (value.clone() + &long.repeat(9000)).chars().take(most(at)).collect()).collect();
        let written = gitlab::dotenv(&Facts::of_any(&values));
        prop_assert!(written.len() <= 5120, "{}", written.len());
        let names: Vec<&str> = written.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        prop_assert_eq!(names, DOTENV.map(|(name, _)| name));
        let acts = |c: char| !(c.is_ascii_alphanumeric() || "-_.:/@%+,=\n".contains(c));
        prop_assert!(!written.contains(acts), "{}", written);
    }

    #[test]
    fn commands_are_read_back_as_they_are(title in hostile(), text in hostile()) {
        let issue = Issue::error(&Line::new(title), text.split('\n').map(Line::new).collect());
        let written = [github::issue(&issue), azure::issue(&issue), github::mask(&text), azure::mask(&text)];
        written.iter().for_each(|line| assert!(!line.contains(['\n', '\r']), "{line:?}"));
        prop_assert_eq!(read_github(&written[0]), ("error title".to_owned(), issue.title.plain().to_owned(), issue.text()));
        let issued = format!("{}: {}", issue.title.plain(), issue.text());
        prop_assert_eq!(read_azure(&written[1]), ("task.logissue type=error".to_owned(), issued));
        prop_assert_eq!(read_azure(&written[3]), ("task.setsecret".to_owned(), text));
    }

    #[test]
    fn azures_variables_are_read_back_as_they_are(facts in facts()) {
        let lines: Vec<String> = azure::variables(&facts).collect();
        prop_assert!(!lines.iter().any(|line| line.contains(['\n', '\r'])), "{:?}", lines);
        let found: Vec<(String, String)> = lines.iter().map(|line| read_azure(line)).collect();
        let named = |name: String| format!("task.setvariable variable={};isOutput=true", name.replace('-', "_"));
        let expected: Vec<(String, String)> = pairs(&facts).into_iter().map(|(name, value)| (named(name), value)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_that_is_said_changes_a_report(said in hostile(), passed in any::<bool>()) {
        let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
        let result = sample::result(&[(verdict, "api"), (Verdict::TimedOut, "web")]);
        let with = |said: &str| markdown::report(&sample::saying(&result, said), 1 << 20);
        let said = format!("x{said}x");
        // Long reasons and short ones are written in different places.
        let (plain, hostile) = (with(&"x".repeat(Line::new(&said).plain().chars().count())), with(&said));
        prop_assert_eq!(form(&hostile), form(&plain), "{}", hostile);
        prop_assert_eq!(hostile.lines().count(), plain.lines().count());
        let acts = |c: char| c.is_control() && c != '\n';
        prop_assert!(!hostile.contains(acts), "{}", hostile);
    }
}
