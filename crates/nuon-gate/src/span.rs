//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration that is accepted. An approval stays open for 30 days, and no wait needs longer.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// A duration above zero, such as `90s`, `10m`, `1h30m` or `250ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

/// A limit that can be turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptionalSpan(pub(crate) Option<Duration>);

/// A duration that can be zero, which `off` means as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanOrZero(pub(crate) Duration);

/// Why a text is not a valid duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvalidSpan {
    /// Not written as one.
    Syntax,
    /// The same, of a limit that can be turned off.
    SyntaxNorOff,
    /// A bare number, which could mean seconds or minutes.
    NoUnit(String),
    /// Zero or below.
    NotPositive,
    /// The same, of a limit that can be turned off.
    NotPositiveNorOff,
    /// Below zero.
    Negative,
    /// Longer than the maximum.
    TooLong,
}

impl fmt::Display for InvalidSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a duration like 90s, 10m, 1h30m or 250ms",
            Self::SyntaxNorOff => "not a duration like 90s, 10m, 1h30m or 250ms, or `off`",
            Self::NoUnit(number) => return write!(f, "a duration needs a unit: write {number}s or {number}m"),
            Self::NotPositive => "a duration must be more than 0, such as 90s or 10m",
            Self::NotPositiveNorOff => "a duration must be more than 0, such as 90s or 10m, or `off`",
            Self::Negative => "a duration must be 0 or more, such as 90s or 10m",
            Self::TooLong => "a duration can be 31 days (744h) at most",
        })
    }
}

impl std::error::Error for InvalidSpan {}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        match duration(text) {
            Ok(Duration::ZERO) | Err(InvalidSpan::Negative) => Err(InvalidSpan::NotPositive),
            Ok(duration) => Ok(Self(duration)),
            Err(error) => Err(error),
        }
    }
}

/// Reads a duration of zero or more.
fn duration(text: &str) -> Result<Duration, InvalidSpan> {
    let text = text.trim();
    let number = text.trim_start_matches(['-', '+']);
    let is_negative = text[..text.len() - number.len()].contains('-');
    // jiff reads more forms than a flag should have: ISO 8601, `5m ago`, commas. It writes `µs` itself.
    let familiar = number.chars().all(|c| c.is_ascii_digit() || ". dhmsuµn".contains(c));
    if !familiar || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(InvalidSpan::Syntax);
    }
    if is_negative {
        return Err(InvalidSpan::Negative);
    }
    if let Some((days, rest)) = number.split_once('d') {
        return with_days(days, rest.trim_start());
    }
    if number.bytes().all(|b| b == b'0') {
        return Ok(Duration::ZERO);
    }
    if number.len() < 15 && number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(InvalidSpan::NoUnit(number.to_owned()));
    }
    match number.parse::<SignedDuration>().map(Duration::try_from) {
        Ok(Ok(duration)) if duration > LONGEST => Err(InvalidSpan::TooLong),
        Ok(Ok(duration)) => Ok(duration),
        Ok(Err(_)) => Err(InvalidSpan::Negative),
        // The form is valid, so only the size can be wrong.
        Err(_) if number.len() > 15 => Err(InvalidSpan::TooLong),
        Err(_) => Err(InvalidSpan::Syntax),
    }
}

/// Reads days, which jiff does not, as days can differ in length.
fn with_days(days: &str, rest: &str) -> Result<Duration, InvalidSpan> {
    if !days.bytes().all(|b| b.is_ascii_digit()) || rest.contains('d') {
        return Err(InvalidSpan::Syntax);
    }
    let days = days.parse::<u32>().map_err(|_| InvalidSpan::TooLong)?;
    let days = Duration::from_secs(u64::from(days) * 24 * 3600);
    let rest = if rest.is_empty() { Duration::ZERO } else { duration(rest)? };
    let whole = days + rest;
    if whole > LONGEST { Err(InvalidSpan::TooLong) } else { Ok(whole) }
}

impl FromStr for OptionalSpan {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        match text.trim() {
            "off" => Ok(Self(None)),
            text => match text.parse::<Span>() {
                Ok(Span(duration)) => Ok(Self(Some(duration))),
                Err(InvalidSpan::NotPositive) => Err(InvalidSpan::NotPositiveNorOff),
                Err(InvalidSpan::Syntax) => Err(InvalidSpan::SyntaxNorOff),
                Err(error) => Err(error),
            },
        }
    }
}

impl FromStr for SpanOrZero {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        if text.trim() == "off" {
            return Ok(Self(Duration::ZERO));
        }
        duration(text).map(Self)
    }
}

/// A point in time as it is typed: an absolute time, or a duration ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) nuon_gate_core::pins::Since);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = text.trim().parse() {
            return Ok(Self(nuon_gate_core::pins::Since::At(at)));
        }
        text.parse().map(|Span(ago)| Self(nuon_gate_core::pins::Since::Ago(ago))).map_err(|error| match error {
            InvalidSpan::Syntax => "neither a time like 2026-08-03T14:00:00Z nor a duration like 10m".to_owned(),
            error => format!("{error}, or a time like 2026-08-03T14:00:00Z"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("90s", Ok(90_000)),
            ("10m", Ok(600_000)),
            ("1h30m", Ok(5_400_000)),
            ("250ms", Ok(250)),
            (" 1.5h ", Ok(5_400_000)),
            ("744h", Ok(2_678_400_000)),
            ("31d", Ok(2_678_400_000)),
            ("1d", Ok(86_400_000)),
            ("2d 3h 4m", Ok(183_840_000)),
            ("1d12h", Ok(129_600_000)),
            ("0d1s", Ok(1_000)),
            ("1d 0s", Ok(86_400_000)),
            ("0d", Err(InvalidSpan::NotPositive)),
            ("32d", Err(InvalidSpan::TooLong)),
            ("31d 1s", Err(InvalidSpan::TooLong)),
            ("99999999999d", Err(InvalidSpan::TooLong)),
            ("1.5d", Err(InvalidSpan::Syntax)),
            ("1d 2d", Err(InvalidSpan::Syntax)),
            ("1h 2d", Err(InvalidSpan::Syntax)),
            ("1d 2", Err(InvalidSpan::NoUnit("2".to_owned()))),
            ("-1d", Err(InvalidSpan::NotPositive)),
            ("0", Err(InvalidSpan::NotPositive)),
            ("0s", Err(InvalidSpan::NotPositive)),
            ("-5m", Err(InvalidSpan::NotPositive)),
            ("+-5m", Err(InvalidSpan::NotPositive)),
            ("250ms 500µs", Ok(250)),
            ("745h", Err(InvalidSpan::TooLong)),
            ("99999999999999999999h", Err(InvalidSpan::TooLong)),
            ("10", Err(InvalidSpan::NoUnit("10".to_owned()))),
            ("1.5", Err(InvalidSpan::NoUnit("1.5".to_owned()))),
            ("10 parsecs", Err(InvalidSpan::Syntax)),
            ("", Err(InvalidSpan::Syntax)),
            ("5m ago", Err(InvalidSpan::Syntax)),
            ("off", Err(InvalidSpan::Syntax)),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Span>().map(|Span(duration)| duration.as_millis());
            assert_eq!(read, expected, "{text:?}");
        }
        assert_eq!("off".parse(), Ok(OptionalSpan(None)));
        assert_eq!("1s".parse(), Ok(OptionalSpan(Some(Duration::from_secs(1)))));
    }

    #[test]
    fn a_limit_that_can_be_turned_off_says_how() {
        assert_eq!("off".parse(), Ok(OptionalSpan(None)));
        for text in ["0", "0s", "-5m", "none", ""] {
            let error = text.parse::<OptionalSpan>().unwrap_err();
            assert!(error.to_string().ends_with("or `off`"), "{text}: {error}");
        }
    }

    #[test]
    fn a_duration_that_can_be_zero_is_read_as_any_other() {
        let cases = [
            ("0", Ok(0)),
            ("0s", Ok(0)),
            ("0d", Ok(0)),
            ("off", Ok(0)),
            ("30s", Ok(30_000)),
            ("1d 0s", Ok(86_400_000)),
            ("-5m", Err(InvalidSpan::Negative)),
            ("+-5m", Err(InvalidSpan::Negative)),
            ("-1d", Err(InvalidSpan::Negative)),
            ("10", Err(InvalidSpan::NoUnit("10".to_owned()))),
            ("32d", Err(InvalidSpan::TooLong)),
            ("", Err(InvalidSpan::Syntax)),
        ];
        for (text, expected) in cases {
            let read = text.parse::<SpanOrZero>().map(|SpanOrZero(duration)| duration.as_millis());
            assert_eq!(read, expected, "{text:?}");
        }
    }
}
