//! The files of `--report`.

use std::fs;
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
        let mut known: Vec<(ReportKind, PathBuf)> = Vec::new();
        let mut files = Vec::new();
        for report in paths {
            let file = open(&report.path)?;
            let place = resolved(file.path());
            match known.iter().find(|(_, other)| *other == place) {
                Some((kind, _)) if *kind == report.kind => continue,
                Some(_) => {
                    let path = report.path.display();
                    return Err(Trouble::new(format!("{path} cannot be two reports at once"))
                        .hint("give each --report (NUON_GATE_REPORT) a path of its own"));
                }
                None => known.push((report.kind, place)),
            }
            files.push((report.kind, file));
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

/// Returns the one path of a file, which need not exist yet, however it was written.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn content(kind: ReportKind, result: &RunResult, facts: &Facts) -> String {
    match kind {
        ReportKind::Json => json(result, serde_json::to_string_pretty) + "\n",
        ReportKind::Junit => junit::report(result),
        ReportKind::Dotenv => gitlab::dotenv(facts),
        ReportKind::Markdown => markdown::report(result, MOST_MARKDOWN),
    }
}
