//! The code blocks in the documentation: each one is run, or parsed, or says why not.

use std::process::Command;

use nuon_gate_sim::{Script, Sim};

use crate::examples::{Example, faults_of_page};
use crate::recipes::program;
use crate::support::pages::pages;
use crate::support::{Folder, ORG, TOKEN, in_parallel};

/// A block of code.
pub(crate) struct Block {
    /// The page and the line where it begins.
    pub(crate) place: String,
    pub(crate) language: String,
    pub(crate) text: String,
    /// Why it is not run.
    pub(crate) not_run: Option<String>,
}

/// How a block says in the line before it why it is not run.
const NOT_RUN: &str = "<!-- not run: ";

/// Returns the blocks of all pages.
pub(crate) fn blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks_of(&page.name, &page.text)).collect()
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let Some(language) = lines[at].trim_start().strip_prefix("```") else {
            at += 1;
            continue;
        };
        let before = at.checked_sub(1).map_or("", |before| lines[before]);
        let not_run = before.strip_prefix(NOT_RUN).map(|why| why.trim_end_matches(" -->").to_owned());
        let place = format!("{page}:{}", at + 1);
        let body = lines[at + 1..].iter().take_while(|line| !line.trim_start().starts_with("```"));
        let body: Vec<&str> = body.copied().collect();
        at += body.len() + 2;
        // The part after a comma is for rustdoc.
        let language = language.split(',').next().unwrap_or_default().to_owned();
        blocks.push(Block { place, language, text: body.join("\n") + "\n", not_run });
    }
    blocks
}

impl Block {
    /// Returns the typed text: all of it, or the lines after a prompt.
    pub(crate) fn typed(&self) -> String {
        let typed: Vec<&str> = self.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        if typed.is_empty() { self.text.clone() } else { typed.join("\n") }
    }
}

#[test]
fn every_block_says_what_it_is() {
    let blocks = blocks();
    assert!(blocks.len() > 20, "{}", blocks.len());
    for Block { place, language, not_run, .. } in &blocks {
        match language.as_str() {
            "console" => assert!(not_run.as_ref().is_none_or(|why| why.len() > 5), "{place} does not say why not"),
            // Rust is compiled by rustdoc.
            "yaml" | "toml" | "json" | "text" | "rust" => {
                assert!(not_run.is_none(), "{place} is {language}, which nobody runs");
            }
            _ => panic!("{place} is no known language: `{language}`"),
        }
    }
}

/// The files that the commands of a block need: a trigger, a list of targets.
fn folder() -> Folder {
    let folder = Folder::new();
    let trigger = "#!/bin/sh\nprintf '%s' '{\"id\": \"dpl1api0000000000000000000\"}'\n";
    for name in ["bin/your-trigger", "bin/curl", "trigger"] {
        program(&folder.file(name), trigger);
    }
    folder
}

#[test]
fn every_block_of_commands_works() {
    let script = include_str!("fixtures/pages.toml");
    let blocks: Vec<Block> =
        blocks().into_iter().filter(|block| block.language == "console" && block.not_run.is_none()).collect();
    assert!(blocks.len() > 8, "{}", blocks.len());
    in_parallel(&blocks, |block| {
        let sim = Sim::start(script.parse::<Script>().unwrap(), ([127, 0, 0, 1], 0).into()).unwrap();
        let folder = folder();
        let gate = std::path::Path::new(env!("CARGO_BIN_EXE_nuon-gate")).parent().unwrap();
        let path = format!("{}:{}:/usr/bin:/bin", folder.file("bin").display(), gate.display());
        let typed = block.typed().replace("inw…", "inwapi00000000000000000000").replace('…', "");
        let mut command = Command::new("bash");
        command.args(["-e", "-c", &typed]).current_dir(folder.path()).env_clear().env("PATH", path);
        command.envs([("NUON_API_URL", sim.url().as_str()), ("NUON_API_TOKEN", TOKEN), ("NUON_ORG_ID", ORG)]);
        command.envs([("NUON_GATE_MIN_INTERVAL", "20ms"), ("GITHUB_SHA", "4be1c7d09f5a2e63b8d17a40c92e5f6038ab71cd")]);
        let ended = command.env("HOME", folder.path()).output().unwrap();
        let shown = [ended.stderr, ended.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(ended.status.success(), "{}: {}\n{}\n{shown}", block.place, ended.status, block.text);
    });
}

#[test]
fn every_pipeline_is_one_that_works() {
    let blocks = blocks();
    let pipelines = blocks.iter().filter(|block| block.language == "yaml");
    let examples = pipelines.map(|block| Example { name: block.place.clone(), text: block.text.clone() });
    let wrong: Vec<String> = examples.flat_map(|example| faults_of_page(&example)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_script_and_every_json_can_be_read() {
    for Block { place, language, text, .. } in blocks() {
        match language.as_str() {
            "toml" => drop(text.parse::<Script>().unwrap_or_else(|error| panic!("{place}: {error}"))),
            "json" => drop(serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|e| panic!("{place}: {e}"))),
            _ => {}
        }
    }
}

/// Tests the parsing that the other tests rely on: a broken block is found.
#[test]
fn a_block_is_read_as_it_is_written() {
    let page =
        "a\n<!-- not run: needs a network -->\n```console\n$ one\nwhat it prints\n$ two\n```\n```yaml\nk: v\n```\n";
    let blocks = blocks_of("page.md", page);
    let [commands, pipeline] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    assert_eq!(commands.place, "page.md:3");
    assert_eq!(commands.not_run.as_deref(), Some("needs a network"));
    assert_eq!(commands.typed(), "one\ntwo");
    assert_eq!((pipeline.language.as_str(), pipeline.text.as_str(), &pipeline.not_run), ("yaml", "k: v\n", &None));
}
