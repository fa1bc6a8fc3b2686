//! Prints the checks.

use serde::Serialize;

use super::check::{Check, Checks, Health};
use crate::output::stdout_line;

/// Everything, as JSON. The form is frozen, as scripts read it.
#[derive(Serialize)]
struct Whole<'a> {
    schema: u32,
    checks: &'a [Check],
    exit_code: u8,
}

/// Prints a check in one line, and its hint in another.
pub(super) fn text(check: &Check) {
    let result = match check.result {
        Health::Ok => "ok",
        Health::Warning => "warning",
        Health::Failed => "failed",
        Health::Skipped => "skipped",
    };
    stdout_line(&format!("{result:<8} {:<13} {}", check.name, check.detail.plain()));
    if let Some(hint) = &check.hint {
        stdout_line(&format!("{:<22} hint: {}", "", hint.plain()));
    }
}

/// Prints a check as a line of JSON.
pub(super) fn json_line(check: &Check) {
    if let Ok(line) = serde_json::to_string(check) {
        stdout_line(&line);
    }
}

/// Prints all checks as one JSON object.
pub(super) fn json(checks: &Checks) {
    let whole = Whole { schema: 1, checks: checks.as_slice(), exit_code: checks.code() };
    if let Ok(text) = serde_json::to_string_pretty(&whole) {
        stdout_line(&text);
    }
}
