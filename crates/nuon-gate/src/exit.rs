//! Exit codes. They come from the verdict alone ([`Verdict::exit_code`]); where there was no watch, from the API's answer.

use nuon_gate_core::Verdict;
use nuon_gate_core::api::{ApiError, ErrorClass};

/// Bad flags or configuration; nothing was waited for.
pub const USAGE: u8 = 2;

/// Every code with its name and meaning, in the order of the documentation.
pub const CODES: [(&str, &str, &str); 12] = [
    ("0", "passed", "every required target passed"),
    ("1", "failed", "a deploy failed"),
    ("2", "usage", "bad flags or configuration; nothing was waited for"),
    ("3", "rejected", "the API refused: 401, 403, or an install, component, deploy or workflow that does not exist"),
    ("4", "cancelled", "a deploy was cancelled, or its approval denied or expired"),
    ("5", "approval_needed", "a human has to approve, with `--on-approval fail` or after `--approval-timeout`"),
    ("6", "superseded", "a newer deploy superseded it, with `--on-superseded fail`"),
    (
        "7",
        "inconclusive",
        "the API gave no good answer for `--api-outage`, or the health that `--require-healthy` asks for is not known",
    ),
    ("8", "notify_failed", "passed, but a notification failed, with `--notify-required`"),
    ("10", "pending", "`status` only: not decided yet"),
    ("124", "timed_out", "the total, start, stall or queue timeout expired"),
    ("130 / 143 / 129", "interrupted", "SIGINT / SIGTERM / SIGHUP"),
];

/// Returns the name of a code.
pub fn name(code: u8) -> &'static str {
    let code = code.to_string();
    CODES.iter().find(|(codes, ..)| codes.split(" / ").any(|one| one == code)).map_or("unknown", |(_, name, _)| name)
}

/// Returns the verdict if this error ends the run before the wait. `None`: it is a mistake in the configuration.
pub fn verdict_of(error: &ApiError) -> Option<Verdict> {
    match error.class() {
        ErrorClass::Denied
        | ErrorClass::Missing
        | ErrorClass::Refused
        | ErrorClass::Foreign
        | ErrorClass::Elsewhere => Some(Verdict::Rejected),
        ErrorClass::Transient => Some(Verdict::Inconclusive),
        ErrorClass::Untrusted => None,
    }
}

/// Returns the exit code if this error ends the run before the wait.
pub fn code_of(error: &ApiError) -> u8 {
    verdict_of(error).map_or(USAGE, Verdict::exit_code)
}
