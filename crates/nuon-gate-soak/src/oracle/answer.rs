//! Who sent an answer, and whether it is a good one.

use jiff::fmt::rfc2822;
use serde_json::Value;

use super::ask::Ask;
use super::flow::Flow;
use super::row::Row;
use crate::transcript::{Answer, Exchange, HttpAnswer};

/// Who sent an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// Nuon: it has Nuon's header and shape.
    Nuon,
    /// Someone else: it has neither.
    Foreign,
    /// It has only one of the two. The contract allows either reading.
    Unclear,
}

/// Returns the answer if it is complete.
pub(super) fn http(exchange: &Exchange) -> Option<&HttpAnswer> {
    match &exchange.answer {
        Answer::Http(answer) => Some(answer),
        Answer::Reset | Answer::Silence => None,
    }
}

/// Returns the status of a complete answer, or 0 if there is none.
pub(super) fn status(exchange: &Exchange) -> u16 {
    http(exchange).map_or(0, |answer| answer.status)
}

/// Returns the time that an answer's `Date` says, in microseconds.
pub(super) fn server_time(exchange: &Exchange) -> Option<i64> {
    Some(rfc2822::parse(http(exchange)?.header("date")?).ok()?.timestamp().as_microsecond())
}

/// Returns the JSON of a whole 200.
pub(super) fn body(exchange: &Exchange) -> Option<&Value> {
    let answer = http(exchange).filter(|answer| answer.status == 200)?;
    let packed = answer.header("content-encoding").is_some_and(|own| own != "identity");
    if packed { None } else { answer.json() }
}

/// Returns the rows of a list, or the body itself as the only row.
pub(super) fn rows_of(body: &Value) -> &[Value] {
    body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice)
}

/// Returns who sent an answer (contract: an answer that is not Nuon's says nothing about Nuon).
pub(super) fn voice(exchange: &Exchange) -> Voice {
    let Some(answer) = http(exchange) else { return Voice::Foreign };
    let header = answer.header("x-nuon-api-version").is_some();
    let shape = answer
        .json()
        .is_some_and(|own| ["error", "description"].iter().any(|name| own.get(name).is_some_and(Value::is_string)));
    match (header, shape || answer.status < 300) {
        (true, true) => Voice::Nuon,
        (false, false) => Voice::Foreign,
        _ => Voice::Unclear,
    }
}

/// Returns whether the answer may be Nuon's and has that status.
pub(super) fn says(exchange: &Exchange, code: u16) -> bool {
    status(exchange) == code && voice(exchange) != Voice::Foreign
}

/// Returns whether an answer certainly is a good one about what was requested.
///
/// A 404 for `latest` ("not started yet") is one: the API answered.
pub(super) fn good(exchange: &Exchange) -> bool {
    let ask = Ask::of(&exchange.path);
    if matches!(ask, Ask::Latest(..)) && status(exchange) == 404 {
        return voice(exchange) == Voice::Nuon;
    }
    let Some(value) = body(exchange) else { return false };
    match ask {
        Ask::Latest(..) => value.get("install_id").is_some() || Row::of(value).is_some(),
        Ask::List(..) | Ask::InstallList(_) => value.is_array(),
        Ask::Detail(_, _, id) => Row::of(value).is_some_and(|row| row.id == id),
        Ask::Flow(id) => Flow::of(value).is_some_and(|flow| flow.id == id),
        _ => false,
    }
}

/// Returns until when an answer asks the client to wait, or 0. If it names a date, and does not say what time it is, that is
/// not known.
pub(super) fn pause_until(exchange: &Exchange) -> u64 {
    let Some(asked) = http(exchange).and_then(|answer| answer.header("retry-after")) else { return 0 };
    let by_date = || {
        let until = rfc2822::parse(asked).ok()?.timestamp().as_microsecond();
        // `Date` has whole seconds.
        Some(u64::try_from((until - server_time(exchange)?) / 1_000).unwrap_or_default() + 1_000)
    };
    let length = asked.trim().parse().map(|seconds: u64| seconds.saturating_mul(1_000)).ok().or_else(by_date);
    exchange.done_ms.saturating_add(length.unwrap_or(u64::MAX))
}
