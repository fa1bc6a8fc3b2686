//! `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Upper bound for a pause, so that adding it to an instant cannot overflow. No wait is as long.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// Reads the value of `Retry-After`. A date is relative to the answer's own `Date`, as it is by the server's clock, or
/// to `now` without one. Anything else counts as no header; a date in the past means no pause.
pub fn retry_after(value: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit mean "very long".
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let until = timestamp(value)?;
    let from = date.and_then(timestamp).unwrap_or(now);
    Some(Duration::try_from(until.duration_since(from)).unwrap_or_default().min(LONGEST))
}

/// Parses an HTTP date.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now: Timestamp = "2026-08-03T14:00:00Z".parse().unwrap();
        let date = Some("Mon, 03 Aug 2026 13:00:00 GMT");
        let cases = [
            ("7", None, Some(7)),
            (" 0 ", None, Some(0)),
            ("Mon, 03 Aug 2026 14:00:30 GMT", None, Some(30)),
            ("Mon, 03 Aug 2026 13:00:30 GMT", date, Some(30)),
            ("Mon, 03 Aug 2026 13:59:00 GMT", None, Some(0)),
            ("Mon, 03 Aug 2026 14:00:05 GMT", Some("nonsense"), Some(5)),
            ("99999999999999999999999", None, Some(u64::from(u32::MAX))),
            ("18446744073709551615", None, Some(u64::from(u32::MAX))),
            ("Thu, 31 Dec 9998 00:00:00 GMT", None, Some(u64::from(u32::MAX))),
            ("-5", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("", None, None),
        ];
        for (value, date, seconds) in cases {
            assert_eq!(retry_after(value, date, now), seconds.map(Duration::from_secs), "{value:?} from {date:?}");
        }
    }
}
