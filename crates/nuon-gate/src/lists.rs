//! Lists of values: one a line, or separated by commas where no value can hold one.

use std::fmt;
use std::str::FromStr;

use nuon_gate_core::input::lines;
use nuon_gate_notify::is_placeholder;

/// Several ids, statuses or the like in one text. A line may be blank. Both sides of a comma must be non-empty: an
/// empty side is most likely an unset variable, and part of a list would pass for all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T: FromStr<Err: fmt::Display>> FromStr for List<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = lines(text).filter(|line| !line.trim().is_empty());
        let part = |part: &str| filled_in(part)?.parse().map_err(|error: T::Err| error.to_string());
        lines.flat_map(|line| line.split(',')).map(part).collect::<Result<_, _>>().map(Self)
    }
}

/// Returns a part of a value, trimmed, unless it is an unfilled placeholder.
pub(crate) fn filled_in(part: &str) -> Result<&str, String> {
    match part.trim() {
        "" => Err("a part of it is empty: a variable in it is most likely not set".to_owned()),
        part if is_placeholder(part) => Err(format!("`{part}` is a placeholder that was not filled in")),
        part => Ok(part),
    }
}

/// Several values that may hold commas themselves, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines<T>(pub(crate) Vec<T>);

impl<T: FromStr> FromStr for Lines<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        lines(text).map(str::trim).filter(|line| !line.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// One value where several would contradict each other: a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct One<T>(pub(crate) T);

impl<T: FromStr<Err: fmt::Display>> FromStr for One<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        only_one(text)?;
        text.parse().map(Self).map_err(|error: T::Err| error.to_string())
    }
}

/// Refuses several values, written as a list of ids.
pub(crate) fn only_one(text: &str) -> Result<(), String> {
    match text.trim().contains(|c: char| c == ',' || c.is_whitespace()) {
        true => Err("it is several values, and only one can be pinned".to_owned()),
        false => Ok(()),
    }
}

/// Returns the values of several lists.
pub(crate) fn flatten<T>(lists: Vec<List<T>>) -> Vec<T> {
    lists.into_iter().flat_map(|list| list.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_separated_by_commas_and_lines() {
        assert_eq!("1, 2\n3\r\n\n \n".parse(), Ok(List(vec![1, 2, 3])));
        assert_eq!("1\r2\r".parse(), Ok(List(vec![1, 2])));
        assert_eq!("a\rb".parse(), Ok(Lines(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!("".parse::<List<u8>>(), Ok(List(vec![])));
        assert!("1,x".parse::<List<u8>>().is_err());
        for holes in [",", "1,", ",1", "1,,2", "1, ,2", "1\n2,\n3", "1,\r\n"] {
            assert!(holes.parse::<List<u8>>().unwrap_err().contains("empty"), "{holes:?}");
        }
        for placeholder in ["$X", "a, ${X}", "a\n$(X)", "${{ x }},a"] {
            assert!(placeholder.parse::<List<String>>().unwrap_err().contains("placeholder"), "{placeholder:?}");
        }
        assert_eq!("a,b\n\n c".parse(), Ok(Lines(vec!["a,b".to_owned(), "c".to_owned()])));
    }
}
