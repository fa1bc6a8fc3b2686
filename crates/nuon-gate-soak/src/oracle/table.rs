//! The table of statuses, with the question's own rules (contract: judging).

use super::row::Kind;
use crate::transcript::Question;

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Passes,
    Fails,
    Cancels,
    Replaced,
    Pending,
}

/// Returns what a status means under the question's overrides.
pub(super) fn word(question: &Question, status: &str, kind: Kind) -> Word {
    let in_list = |list: &[String]| list.iter().any(|own| own == status);
    if in_list(&question.pass_on) {
        Word::Passes
    } else if in_list(&question.fail_on) {
        Word::Fails
    } else if in_list(&question.wait_on) {
        Word::Pending
    } else {
        plain(status, kind)
    }
}

/// Returns what a status means by the table alone.
pub(super) fn plain(status: &str, kind: Kind) -> Word {
    match status {
        "active" | "auto-skipped" => Word::Passes,
        "inactive" if kind == Kind::Teardown => Word::Passes,
        "inactive" | "error" | "noop" => Word::Fails,
        "cancelled" | "approval-denied" | "approval-expired" => Word::Cancels,
        "retried" | "discarded" => Word::Replaced,
        _ => Word::Pending,
    }
}
