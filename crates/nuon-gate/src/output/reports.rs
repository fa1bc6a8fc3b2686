//! The files of `--report`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nuon_gate_core::result::v1::RunResult;

use super::facts::Facts;
use super::{Console, ReportFile, gitlab, json, junit, markdown};
use crate::report_path::{ReportKind, ReportPath};
use crate::trouble::Trouble;

/// A file is not limited as a summary is, but nobody can use a report of 100 MB.
const MOST_MARKDOWN: usize = 16 * 1024 * 1024;

/// The report files of a run.
pub(super) struct Reports(Vec<(ReportKind, ReportFile)>);

impl Reports {
    /// Checks that every file can be written, before the wait.
    pub(super) fn open(paths: &[ReportPath]) -> Result<Self, Trouble> {
        let mut known: Vec<&ReportPath> = Vec::new();
        let mut files = Vec::new();
        for report in paths {
            match known.iter().find(|other| other.path == report.path) {
                Some(other) if other.kind == report.kind => continue,
                Some(_) => {
                    let path = report.path.display();
                    return Err(Trouble::new(format!("{path} cannot be two reports at once"))
                        .hint("give each --report (NUON_GATE_REPORT) a path of its own"));
                }
                None => known.push(report),
            }
            files.push((report.kind, open(&report.path)?));
        }
        Ok(Self(files))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes every file, and returns the path of the JSON result.
    pub(super) async fn write(
        self,
        result: &RunResult,
        facts: &Facts,
        patience: Duration,
        console: &Console,
    ) -> Option<PathBuf> {
        let mut as_json = None;
        for (kind, file) in self.0 {
            let path = file.path().to_owned();
            let stays = file.is_regular();
            match file.write(&content(kind, result, facts), patience).await {
                Ok(()) if kind == ReportKind::Json && stays => as_json = as_json.or(Some(path)),
                Ok(()) => {}
                Err(error) => {
                    console.warning(&format!("the report {} could not be written: {error}", path.display()));
                }
            }
        }
        as_json
    }
}

fn open(path: &Path) -> Result<ReportFile, Trouble> {
    ReportFile::open(path).map_err(|error| {
        Trouble::new(format!("cannot write the report {}: {error}", path.display()))
            .hint("correct --report (NUON_GATE_REPORT): its folder must exist and be writable")
    })
}

fn content(kind: ReportKind, result: &RunResult, facts: &Facts) -> String {
    match kind {
        ReportKind::Json => json(result, serde_json::to_string_pretty) + "\n",
        ReportKind::Junit => junit::report(result),
        ReportKind::Dotenv => gitlab::dotenv(facts),
        ReportKind::Markdown => markdown::report(result, MOST_MARKDOWN),
    }
}
