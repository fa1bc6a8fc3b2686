//! Output in the formats of CI systems.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::{Line, Verdict};

use super::facts::Facts;
use super::file::ReportFile;
use super::github_files::Room;
use super::issues::{Issue, issues};
use super::{Console, azure, buildkite, github, github_files, gitlab, json, markdown};
use crate::ci::{CiSystem, GitHubFiles};
use crate::trouble::Trouble;

/// Buildkite's limit (its agent's `annotate`), used for Azure's page as well.
const MOST_PAGE: usize = 900 * 1024;

const FULL_SUMMARY: &str = "the summary (GITHUB_STEP_SUMMARY) is full, as GitHub drops one of more than 1 MiB: the report is \
    not in it; --report markdown=PATH writes it to a file";

/// A section of the log that is folded, where the CI system supports that.
pub(super) struct Section {
    title: &'static str,
    /// A unique name.
    name: String,
    /// When it was written, in seconds since 1970.
    second: i64,
    is_folded: bool,
}

impl Section {
    /// The details of a run.
    pub(super) fn details(result: &RunResult) -> Self {
        Self {
            title: "Details of the deploy",
            name: "nuon_gate_details".to_owned(),
            second: result.finished_at.plain().parse().map_or(0, Timestamp::as_second),
            is_folded: result.verdict == Verdict::Passed,
        }
    }

    /// The section of this part of the deploys' logs.
    pub(super) fn log(number: u64) -> Self {
        Self { title: "Log of the deploy", name: format!("nuon_gate_log_{number}"), second: 0, is_folded: true }
    }
}

/// Reports why the wait did not begin.
pub(crate) fn refuse(ci: Option<&CiSystem>, trouble: &Trouble) {
    let console = Console::new();
    console.trouble(trouble);
    let Some(ci) = ci else { return };
    let (reason, hint) = (trouble.reason(), trouble.to_do());
    ci.set(&Facts::not_started(trouble.exit_code(), reason.plain(), hint.map_or("", Line::plain)), &console);
    let lines = [reason].into_iter().chain(hint.map(|hint| Line::new(format!("hint: {}", hint.plain()))));
    let issue = Issue::error(&Line::new("nuon-gate: not started"), lines.collect());
    ci.show(&issue).iter().for_each(|line| console.command(line));
}

impl CiSystem {
    /// Returns the command that masks a secret in all later output.
    pub(super) fn mask(&self, secret: &str) -> Option<String> {
        match self {
            Self::GitHub(_) => Some(github::mask(secret)),
            Self::Azure { .. } => Some(azure::mask(secret)),
            Self::GitLab | Self::Buildkite { .. } => None,
        }
    }

    /// Returns the command that annotates the job.
    pub(super) fn show(&self, issue: &Issue) -> Option<String> {
        match self {
            Self::GitHub(_) => Some(github::issue(issue)),
            Self::Azure { .. } => Some(azure::issue(issue)),
            Self::GitLab | Self::Buildkite { .. } => None,
        }
    }

    /// Returns the lines that open and close a folded section.
    pub(super) fn section(&self, section: &Section) -> (String, String) {
        let Section { title, name, second, is_folded } = section;
        match self {
            Self::GitHub(_) => github::group(title),
            Self::GitLab => gitlab::section(title, name, *second),
            Self::Buildkite { .. } => buildkite::section(title, *is_folded),
            Self::Azure { .. } => azure::group(title),
        }
    }

    /// Reports the outcome. Errors while doing so become warnings.
    pub(super) async fn finish(
        &self,
        result: &RunResult,
        facts: Facts,
        as_json: Option<PathBuf>,
        console: &Console,
        patience: Duration,
    ) {
        issues(result).iter().filter_map(|issue| self.show(issue)).for_each(|line| console.command(&line));
        let mut kept = as_json;
        if let (None, Some(folder)) = (&kept, self.temp()) {
            let content = json(result, serde_json::to_string_pretty) + "\n";
            match keep(folder, "result", "json", &content, patience).await {
                Ok(path) => kept = Some(path),
                Err(error) => unwritten(console, "the result", folder, &error),
            }
        }
        let facts = match kept {
            Some(path) => facts.with_result(&path),
            None => facts,
        };
        self.set(&facts, console);
        self.summarise(result, console, patience).await;
    }

    /// Sets the outputs for later steps.
    fn set(&self, facts: &Facts, console: &Console) {
        match self {
            Self::GitHub(GitHubFiles { output: Some(path), .. }) => {
                if let Err(error) = github_files::set_outputs(path, facts) {
                    unwritten(console, "the outputs (GITHUB_OUTPUT)", path, &error);
                }
            }
            Self::Azure { .. } => azure::variables(facts).for_each(|line| console.command(&line)),
            Self::GitHub(_) | Self::GitLab | Self::Buildkite { .. } => {}
        }
    }

    /// Shows the report on the run's page.
    async fn summarise(&self, result: &RunResult, console: &Console, patience: Duration) {
        match self {
            Self::GitHub(GitHubFiles { summary: Some(path), .. }) => match github_files::summarise(path, result) {
                Ok(Room::Enough) => {}
                Ok(Room::None) => console.warning(FULL_SUMMARY),
                Err(error) => unwritten(console, "the summary (GITHUB_STEP_SUMMARY)", path, &error),
            },
            Self::Buildkite { agent: Some(agent) } => {
                let style = if result.verdict == Verdict::Passed { "success" } else { "error" };
                let page = markdown::report(result, MOST_PAGE);
                if let Err(error) = buildkite::annotate(agent, style, page, patience).await {
                    console.warning(&format!("the build could not be annotated: {error}"));
                }
            }
            Self::Azure { temp: Some(folder) } => {
                let page = markdown::report(result, MOST_PAGE);
                match keep(folder, "summary", "md", &page, patience).await {
                    Ok(path) => console.command(&azure::summary(&path)),
                    Err(error) => unwritten(console, "the summary", folder, &error),
                }
            }
            Self::GitHub(_) | Self::GitLab | Self::Buildkite { agent: None } | Self::Azure { temp: None } => {}
        }
    }

    /// Returns the folder for the result file that the outputs name.
    fn temp(&self) -> Option<&Path> {
        match self {
            Self::GitHub(GitHubFiles { output: Some(_), temp, .. }) | Self::Azure { temp } => temp.as_deref(),
            Self::GitHub(_) | Self::GitLab | Self::Buildkite { .. } => None,
        }
    }
}

/// Writes a new file.
async fn keep(folder: &Path, what: &str, form: &str, content: &str, patience: Duration) -> io::Result<PathBuf> {
    let path = folder.join(format!("nuon-gate-{what}-{:016x}.{form}", super::random()));
    ReportFile::open(&path)?.write(content, patience).await?;
    Ok(path)
}

fn unwritten(console: &Console, what: &str, path: &Path, error: &io::Error) {
    console.warning(&format!("{what} could not be written to {}: {error}", path.display()));
}
