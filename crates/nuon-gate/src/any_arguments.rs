//! Whatever is typed: an empty text never changes the meaning of another one.

#![cfg(test)]

use std::ffi::OsString;

use proptest::prelude::*;
use proptest::sample::select;

use crate::environment::Environment;
use crate::parse::{NotParsed, parse};

/// The meaning of a command line, or why it has none.
fn meaning(arguments: &[String], environment: &Environment) -> Result<String, String> {
    let arguments = ["nuon-gate".to_owned()].into_iter().chain(arguments.iter().cloned()).map(OsString::from);
    match parse(arguments, environment) {
        Ok(cli) => Ok(format!("{cli:?}")),
        Err(NotParsed::Trouble(trouble)) => Err(trouble.to_string()),
        Err(NotParsed::Shown(_)) => Err("shown".to_owned()),
    }
}

/// A flag with its value, as one word or two, or a positional word.
fn piece() -> impl Strategy<Value = Vec<String>> {
    let flags = [
        ("--deploy", "dpl1"),
        ("--workflow", "inw1"),
        ("-w", "inw2"),
        ("--after", "dpl0"),
        ("--since", "1h"),
        ("--commit", "abcdef1"),
        ("--install", "inl1"),
        ("-c", "cmp1"),
        ("--target", "a/b"),
        ("--timeout", "5m"),
        ("--fail-on", "active"),
        ("--map-exit", "timed_out=0"),
        ("--token-file", "tk/a=="),
        ("--report", "json=a=b="),
    ];
    prop_oneof![
        select(flags.to_vec()).prop_map(|(flag, value)| vec![flag.to_owned(), value.to_owned()]),
        select(flags.to_vec())
            .prop_filter("short flags have no sign", |(flag, _)| flag.starts_with("--"))
            .prop_map(|(flag, value)| vec![format!("{flag}={value}")]),
        select(vec!["--fail-fast", "-v", "-q", "--all-components", "a/b", "c/d"])
            .prop_map(|word| vec![word.to_owned()]),
    ]
}

proptest! {
    #[test]
    fn an_empty_word_is_refused_or_changes_nothing(
        pieces in prop::collection::vec(piece(), 0..6),
        empty in select(vec!["", " ", "\t\n", "\u{feff}"]),
        times in 1_usize..3,
        at in any::<prop::sample::Index>(),
    ) {
        let environment = Environment::of(&[]);
        let whole: Vec<String> = std::iter::once("wait".to_owned()).chain(pieces.concat()).collect();
        let before = meaning(&whole, &environment);
        let place = 1 + at.index(whole.len());
        let mut filled = whole.clone();
        filled.splice(place..place, std::iter::repeat_n(empty.to_owned(), times));
        // It is a positional word, or the value of the flag before it, whose own value then becomes positional.
        let after = meaning(&filled, &environment);
        prop_assert!(after.is_err(), "{filled:?}: {before:?} {after:?}");
    }

    #[test]
    fn an_empty_value_is_that_of_its_own_flag_alone(pieces in prop::collection::vec(piece(), 0..6), at in any::<prop::sample::Index>()) {
        let environment = Environment::of(&[]);
        let command = |pieces: &[Vec<String>]| -> Vec<String> {
            std::iter::once("wait".to_owned()).chain(pieces.concat()).collect()
        };
        // A word after an empty value could be meant as that value, and is refused.
        prop_assume!(pieces.iter().all(|piece| piece[0].starts_with('-')));
        let mut filled = pieces.clone();
        filled.insert(at.index(pieces.len() + 1), vec!["--stall-timeout".to_owned(), String::new()]);
        prop_assert_eq!(meaning(&command(&filled), &environment), meaning(&command(&pieces), &environment));
    }
}
