//! Whatever text comes from outside, what is shown of it is harmless, bounded and still tells what it told.

#![cfg(test)]

use nuon_gate_core::model::Status;
use nuon_gate_core::{DeployId, RemoteText};
use proptest::prelude::*;
use proptest::sample::select;

/// Texts made of what acts on terminals and CI runners, and of what only looks as if it did not.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "::",
        ":",
        "::error::",
        "##[",
        "##vso[task.complete]",
        "#",
        "##",
        "\r",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}[31m",
        "\u{1b}]8;;",
        "\u{1b}P",
        "\u{1b}\\",
        "\u{9b}",
        "\u{9d}",
        "\u{9c}",
        "\u{7}",
        "\0",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{61c}",
        "\u{200b}",
        "\u{feff}",
        "\u{ad}",
        "\u{e0041}",
        "e\u{301}",
        "日本",
        "active",
        "a",
    ];
    prop_oneof![4 => prop::collection::vec(select(pieces), 0..30).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

/// Tells whether a character moves the cursor, ends a line or turns the direction of writing.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

fn check_line(line: &str, max: usize) {
    assert!(line.chars().count() <= max, "{line:?} has more than {max}");
    assert_eq!(line.chars().find(|c| acts(*c)), None, "{line:?}");
    assert!(!line.contains("##") && !line.contains("  "), "{line:?}");
    assert_eq!(line.trim(), line, "{line:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_line_is_one_harmless_line(text in hostile(), max in 1_usize..80) {
        let line = RemoteText::new(&text).line(max);
        check_line(line.plain(), max);
        // What is harmless already stays as it is, so that no text has to be followed through the program.
        prop_assert_eq!(RemoteText::new(line.plain()).line(max), line.clone());
        prop_assert_eq!(RemoteText::new(&text).is_blank(), RemoteText::new(&text).line(1000).is_empty());
    }

    #[test]
    fn several_lines_are_so_each(text in hostile(), max in 1_usize..80) {
        for line in RemoteText::new(text).lines(max) {
            check_line(line.plain(), max);
            prop_assert!(!line.is_empty());
        }
    }

    #[test]
    fn what_can_be_read_is_kept(words in prop::collection::vec("[!-\"$-~äß日]{1,12}", 0..8)) {
        let whole = words.join(" ");
        prop_assert_eq!(RemoteText::new(words.join("\r\n\t")).line(200), whole.as_str());
        let coloured: String = words.iter().map(|word| format!(" \u{1b}[1;31m{word}\u{1b}[0m ")).collect();
        prop_assert_eq!(RemoteText::new(coloured).line(200), whole.as_str());
    }

    #[test]
    fn a_status_is_one_harmless_word(word in prop_oneof![hostile(), "(active|inactive|error)[\u{0}\u{200b} A]?"]) {
        let status = Status::from(word.as_str());
        let shown = status.as_str();
        prop_assert!(shown.chars().count() <= 64 && !shown.contains("##") && !shown.contains("::"), "{:?}", shown);
        prop_assert_eq!(shown.chars().find(|c| acts(*c)), None);
        // What only looks like a known word is not that word.
        prop_assert_eq!(Status::KNOWN.contains(&status), Status::KNOWN.iter().any(|known| known.as_str() == word));
    }

    #[test]
    fn an_id_can_be_shown_as_it_is(text in hostile()) {
        if let Ok(id) = text.parse::<DeployId>() {
            let shown = id.as_str();
            prop_assert!((1..=255).contains(&shown.chars().count()), "{:?}", shown);
            prop_assert!(!shown.contains(['/', '\\']) && !shown.contains("##") && !shown.contains(acts), "{:?}", shown);
            prop_assert_eq!(shown.parse::<DeployId>(), Ok(id.clone()));
        }
    }
}
