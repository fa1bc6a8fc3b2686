//! A check and its result, and the list of them.

use nuon_gate_core::Line;
use nuon_gate_core::api::ApiError;
use serde::Serialize;

use crate::exit;
use crate::trouble::Trouble;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// It succeeded.
    Ok,
    /// A wait would work, but with less information.
    Warning,
    /// A wait would end here.
    Failed,
    /// It could not be checked, or need not be.
    Skipped,
}

/// One thing that was checked.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) result: Health,
    pub(super) detail: Line,
    /// The hint, unless it is ok or skipped.
    pub(super) hint: Option<Line>,
    /// The exit code if this is the first failure.
    #[serde(skip)]
    code: u8,
}

impl Check {
    pub(super) fn ok(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self { name, result: Health::Ok, detail: Line::new(detail), hint: None, code: 0 }
    }

    pub(super) fn warning(name: &'static str, detail: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self { result: Health::Warning, hint: Some(Line::new(hint)), ..Self::ok(name, detail) }
    }

    pub(super) fn skipped(name: &'static str, why: impl AsRef<str>) -> Self {
        Self { result: Health::Skipped, ..Self::ok(name, why) }
    }

    pub(super) fn failed(name: &'static str, code: u8, detail: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self { result: Health::Failed, hint: Some(Line::new(hint)), code, ..Self::ok(name, detail) }
    }

    /// The result of a check that ended in an error of the API.
    pub(super) fn unanswered(name: &'static str, error: &ApiError, hint: impl AsRef<str>) -> Self {
        Self::failed(name, exit::code_of(error), error.to_string(), hint)
    }

    /// The result of a check that found a mistake in flags, variables or files.
    pub(super) fn misconfigured(name: &'static str, trouble: Trouble) -> Self {
        let code = trouble.exit_code();
        let (detail, hint) = trouble.into_parts();
        Self { result: Health::Failed, hint, code, ..Self::ok(name, detail.plain()) }
    }
}

/// What a check found that later ones need, or why they are skipped.
pub(super) type Step<T> = Result<(T, Check), Check>;

/// The checks so far. Each is shown at once, as the next one may take long.
pub(super) struct Checks {
    list: Vec<Check>,
    show: fn(&Check),
}

impl Checks {
    pub(super) fn new(show: fn(&Check)) -> Self {
        Self { list: Vec::new(), show }
    }

    pub(super) fn as_slice(&self) -> &[Check] {
        &self.list
    }

    pub(super) fn push(&mut self, check: Check) {
        (self.show)(&check);
        self.list.push(check);
    }

    /// Adds a check, and returns what it found.
    pub(super) fn step<T>(&mut self, step: Step<T>) -> Option<T> {
        let (found, check) = match step {
            Ok((found, check)) => (Some(found), check),
            Err(check) => (None, check),
        };
        self.push(check);
        found
    }

    /// Marks the remaining checks as skipped because of the first failure.
    pub(super) fn skip_rest(&mut self, names: &[&'static str]) {
        for name in names {
            if !self.list.iter().any(|check| check.name == *name) {
                self.push(Check::skipped(name, self.why()));
            }
        }
    }

    /// Returns the exit code.
    pub(super) fn code(&self) -> u8 {
        self.first_failure().map_or(0, |check| check.code)
    }

    fn why(&self) -> String {
        let failed = self.first_failure().map_or("it", |check| check.name);
        format!("it cannot be checked, as {failed} failed")
    }

    fn first_failure(&self) -> Option<&Check> {
        self.list.iter().find(|check| check.result == Health::Failed)
    }
}
