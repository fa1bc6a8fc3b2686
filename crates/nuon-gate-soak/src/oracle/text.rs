//! Reads single values from JSON. A value that is absent or of another type is empty.

use serde_json::Value;

/// Returns a member as a text; empty if it is not one.
pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns whether a member is `true`, or the text `true`.
pub(super) fn truth(value: &Value, name: &str) -> bool {
    match value.get(name) {
        Some(Value::Bool(own)) => *own,
        Some(Value::String(own)) => own == "true",
        _ => false,
    }
}

/// Returns a member as an instant in microseconds. The year one, which is how the server writes "never", is `None`.
pub(super) fn instant(value: &Value, name: &str) -> Option<i64> {
    parse_instant(value.get(name)?.as_str()?)
}

/// Reads an instant in RFC 3339, in microseconds.
pub(super) fn parse_instant(text: &str) -> Option<i64> {
    let micros = text.parse::<jiff::Timestamp>().ok()?.as_microsecond();
    (micros > 0).then_some(micros)
}

/// Returns the status of a composite status, or the text itself if it is one.
pub(super) fn status_word(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(own)) => own.clone(),
        Some(own) => text(own, "status"),
        None => String::new(),
    }
}
