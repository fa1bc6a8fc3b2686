//! `--report`, as it is typed.

use std::path::PathBuf;
use std::str::FromStr;

use crate::lists::filled_in;

/// A form in which a run is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// The result.
    Json,
    /// A test case for each target.
    Junit,
    /// For people.
    Markdown,
    /// Variables for later jobs, as GitLab reads them.
    Dotenv,
}

/// A file for a report, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportPath {
    pub(crate) kind: ReportKind,
    pub(crate) path: PathBuf,
}

impl FromStr for ReportPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a report is written json=PATH, junit=PATH, markdown=PATH or dotenv=PATH";
        let (kind, path) = text.trim().split_once('=').ok_or(FORM)?;
        let kind = match kind.trim() {
            "json" => ReportKind::Json,
            "junit" => ReportKind::Junit,
            "dotenv" => ReportKind::Dotenv,
            "markdown" => ReportKind::Markdown,
            _ => return Err(FORM.to_owned()),
        };
        match filled_in(path)? {
            "-" => Err("`-` is no path: what stdout gets is said by --output".to_owned()),
            path => Ok(Self { kind, path: PathBuf::from(path) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_kind_and_a_path() {
        let read = |text: &str| text.parse::<ReportPath>().map(|report| (report.kind, report.path));
        assert_eq!(read("json=a/b.json"), Ok((ReportKind::Json, "a/b.json".into())));
        assert_eq!(read(" junit = a=b.xml "), Ok((ReportKind::Junit, "a=b.xml".into())));
        assert_eq!(read("markdown=x.md"), Ok((ReportKind::Markdown, "x.md".into())));
        assert_eq!(read("dotenv=x.env"), Ok((ReportKind::Dotenv, "x.env".into())));
        for wrong in ["", "json", "json=", "json= ", "yaml=x", "=x", "x.json", "json=-", "junit= - ", "json=$(PATH)"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
