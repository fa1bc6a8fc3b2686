//! Whatever text comes from outside, what is shown of it is harmless, bounded, and still has its content.

use nuon_gate_core::model::Status;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::{DeployId, Line, RemoteText};
use nuon_gate_soak::HOSTILE;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Texts of characters that have an effect on terminals and CI runners, or resemble such characters.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::collection::vec(select(HOSTILE), 0..30).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

/// Returns whether a character moves the cursor, ends a line or changes the direction of writing.
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

/// A result whose free texts come from `text`.
fn saved<'a>(mut text: impl FnMut() -> &'a str) -> Value {
    let mut named = || json!({"id": text(), "name": text()});
    let [install, component] = [named(), named()];
    json!({
        "schema": 1, "verdict": "failed", "exit_code": 1, "reason": text(), "hint": text(), "started_at": text(), "finished_at": text(),
        "elapsed_ms": 1,
        "targets": [{
            "install": install, "component": component, "verdict": "failed", "reason": text(), "hint": text(), "clock": "total",
            "deploy_verdict": "passed",
            "health": {
                "state": text(), "description": text(), "since": text(), "observed_at": text(), "bake_ms": 3, "baked_ms": 1,
                "checks": [{"name": text(), "status": text(), "description": text()}],
            },
            "deploy": {
                "id": text(), "type": text(), "status": text(), "status_description": text(), "build_id": text(),
                "commit": text(), "workflow_id": text(), "created_by": text(), "created_at": text(), "ended_at": text(),
            },
            "matched_by": "build", "group": text(), "queue": {"position": 2, "ahead": [text(), text()]}, "superseded_by": text(), "replaced": [text(), text()], "typical_ms": null,
            "recovered_after": null,
            "last_good": {"deploy_id": text(), "build_id": text(), "commit": text(), "at": text()},
            "timeline": [{"status": text(), "at": text(), "duration_ms": null}],
            "url": text(), "approval_url": text(),
            "plan": {"add": 3, "change": 1, "destroy": 2, "destroyed": [text(), text()]},
            "log_tail": [{"at": text(), "severity": text(), "text": text()}], "warnings": [text()],
        }],
        "branch_run": {
            "id": text(), "status": text(), "commit": text(), "awaiting_approval": true, "url": text(),
            "groups": [{"name": text(), "status": text(), "total": 3, "done": 1, "failed": 1}],
            "waiting": [{"group": text(), "install": text(), "behind_run_id": text(), "why": text()}],
        },
        "shard": {"index": 1, "count": 2, "run_id": text(), "run_name": text(), "all_targets": 2, "complete": true},
        "api": {"version": text(), "requests": 1, "errors": 0}, "ci_url": text(),
        "notifications": [{"sink": text(), "result": "failed", "reason": text()}], "warnings": [text()],
    })
}

/// Checks that only texts have changed, and only into lines.
fn check_lines(saved: &Value, shown: &Value) {
    match (saved, shown) {
        (Value::String(saved), Value::String(shown)) => {
            check_line(shown, Line::LONGEST);
            assert_eq!(Line::new(saved), shown.as_str());
        }
        (Value::Array(saved), Value::Array(shown)) => {
            assert_eq!(saved.len(), shown.len());
            saved.iter().zip(shown).for_each(|(saved, shown)| check_lines(saved, shown));
        }
        (Value::Object(saved), Value::Object(shown)) => {
            assert_eq!(saved.keys().collect::<Vec<_>>(), shown.keys().collect::<Vec<_>>());
            saved.iter().for_each(|(name, saved)| check_lines(saved, &shown[name]));
        }
        _ => assert_eq!(saved, shown),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_line_is_one_harmless_line(text in hostile(), max in 1_usize..80) {
        let line = RemoteText::new(&text).line(max);
        check_line(line.plain(), max);
        // A text that is already harmless stays unchanged, so texts need not be tracked through the program.
        prop_assert_eq!(RemoteText::new(line.plain()).line(max), line.clone());
        prop_assert_eq!(RemoteText::new(&text).is_blank(), RemoteText::new(&text).line(1000).is_empty());
    }

    #[test]
    fn each_of_several_lines_is_one_harmless_line(text in hostile(), max in 1_usize..80) {
        for line in RemoteText::new(text).lines(max) {
            check_line(line.plain(), max);
            prop_assert!(!line.is_empty());
        }
    }

    #[test]
    fn a_joined_line_is_a_line(texts in prop::collection::vec(hostile(), 3), max in 1_usize..80) {
        let [first, second, third] = [0, 1, 2].map(|at| Line::new(&texts[at]));
        let whole = Line::new(format!("{}{}{}", first.plain(), second.plain(), third.plain()));
        check_line(whole.plain(), Line::LONGEST);
        check_line(whole.cut(max).plain(), max);
        prop_assert_eq!(whole.cut(max), RemoteText::new(whole.plain()).line(max));
    }

    #[test]
    fn every_text_of_a_saved_result_is_a_line(texts in prop::collection::vec(hostile(), 7)) {
        let mut turn = (0..).map(|at| texts[at % texts.len()].as_str());
        let saved = saved(|| turn.next().unwrap());
        let read: RunResult = serde_json::from_value(saved.clone()).unwrap();
        let shown = serde_json::to_value(&read).unwrap();
        check_lines(&saved, &shown);
    }

    #[test]
    fn readable_text_is_kept(words in prop::collection::vec("[!-\"$-~äß日]{1,12}", 0..8)) {
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
        // A text that only resembles a known word is not that word.
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
