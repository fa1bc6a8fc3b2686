//! The judging table that the documentation promises, cell by cell.

use Judgement::{Cancelled, Failed, Passed, Pending, Replaced};
use nuon_gate_core::model::Status;
use nuon_gate_core::{Judgement, Kind, Rules};

/// Status, judgement for an apply, judgement for a teardown.
const TABLE: [(&str, Judgement, Judgement); 17] = [
    ("active", Passed, Passed),
    ("auto-skipped", Passed, Passed),
    ("inactive", Failed, Passed),
    ("error", Failed, Failed),
    ("noop", Failed, Failed),
    ("cancelled", Cancelled, Cancelled),
    ("approval-denied", Cancelled, Cancelled),
    ("approval-expired", Cancelled, Cancelled),
    ("retried", Replaced, Replaced),
    ("discarded", Replaced, Replaced),
    ("queued", Pending, Pending),
    ("pending", Pending, Pending),
    ("planning", Pending, Pending),
    ("syncing", Pending, Pending),
    ("executing", Pending, Pending),
    ("pending-approval", Pending, Pending),
    ("unknown", Pending, Pending),
];

fn statuses(wire: &[&str]) -> Vec<Status> {
    wire.iter().map(|status| Status::from(*status)).collect()
}

#[test]
fn every_status_of_either_kind() {
    let rules = Rules::default();
    for (wire, apply, teardown) in TABLE {
        let status = Status::from(wire);
        assert_eq!(status.as_str(), wire);
        assert!(!matches!(status, Status::Other(_)), "{wire} is not named by the model");
        assert!(!rules.is_unrecognised(&status), "{wire}");
        assert_eq!(rules.judge(&status, Kind::Apply), apply, "{wire} of an apply");
        assert_eq!(rules.judge(&status, Kind::Teardown), teardown, "{wire} of a teardown");
    }
}

#[test]
fn the_table_has_every_status_that_the_model_names() {
    let named: Vec<&str> = Status::KNOWN.iter().map(Status::as_str).collect();
    let mut tabled: Vec<&str> = TABLE.iter().map(|(status, ..)| *status).collect();
    assert_eq!(named.len(), tabled.len());
    tabled.retain(|status| !named.contains(status));
    assert_eq!(tabled, [""; 0]);
    assert_eq!(Rules::default().statuses(), Status::KNOWN);
}

#[test]
fn every_other_string_is_pending_and_unrecognised() {
    let rules = Rules::default();
    // Statuses of builds, steps, workflows and drift scans, and words that sound final.
    let others = [
        "",
        "success",
        "succeeded",
        "finished",
        "done",
        "ok",
        "failed",
        "failure",
        "timed-out",
        "drifted",
        "no-drift",
        "health-failed",
        "failed-pending-retry",
        "in-progress",
        "warning",
        "hibernating",
        "null",
        "0",
        "true",
    ];
    for other in others {
        let status = Status::from(other);
        for kind in [Kind::Apply, Kind::Teardown] {
            assert_eq!(rules.judge(&status, kind), Pending, "{other:?} of {}", kind.words());
        }
        assert!(rules.is_unrecognised(&status), "{other:?}");
    }
}

#[test]
fn a_status_that_resembles_a_known_one_is_unknown() {
    let rules = Rules::default();
    let disguises = |word: &str| {
        let (head, tail) = word.split_at(2);
        [
            word.to_uppercase(),
            format!("{}{tail}", head.to_uppercase()),
            format!("{word} "),
            format!(" {word}"),
            format!("{word}\n"),
            format!("{word}\0"),
            format!("{head}\u{200b}{tail}"),
            format!("\u{feff}{word}"),
            format!("{word}\u{ad}"),
            format!("\u{202e}{word}"),
            format!("{word}\u{2060}"),
            format!("{word}\u{e0041}"),
            word.replace('a', "\u{430}"),
            word.replace('-', "_"),
            word.replace('-', "\u{2010}"),
            format!("{word}ed"),
            format!("{word}{}", "\u{200b}".repeat(200)),
            format!("{}{word}", "\u{200b}".repeat(200)),
        ]
    };
    for word in ["active", "auto-skipped", "inactive"] {
        for disguise in disguises(word).into_iter().filter(|disguise| disguise != word) {
            // Through the decoder, as the server would send it.
            let wire = serde_json::to_string(&disguise).unwrap();
            let status: Status = serde_json::from_str(&wire).unwrap();
            assert_eq!(rules.judge(&status, Kind::Apply), Pending, "{disguise:?}");
            assert_eq!(rules.judge(&status, Kind::Teardown), Pending, "{disguise:?}");
            assert!(rules.is_unrecognised(&status), "{disguise:?}");
            let shown = status.as_str();
            assert_ne!(shown, word, "it must not resemble it either: {disguise:?}");
            assert!(!shown.chars().any(char::is_control) && shown.chars().count() <= 64, "{shown:?}");
        }
    }
}

#[test]
fn overrides_take_precedence_for_both_kinds() {
    let rules = Rules::new(
        statuses(&["noop", "drifted", "error"]),
        statuses(&["active", "pending-approval", "frozen"]),
        statuses(&["inactive", "approval-denied", "retried"]),
    )
    .unwrap();
    let expected = [
        ("noop", Passed),
        ("drifted", Passed),
        ("error", Passed),
        ("active", Failed),
        ("pending-approval", Failed),
        ("frozen", Failed),
        ("inactive", Pending),
        ("approval-denied", Pending),
        ("retried", Pending),
    ];
    for (wire, judgement) in expected {
        let status = Status::from(wire);
        assert_eq!(rules.judge(&status, Kind::Apply), judgement, "{wire}");
        assert_eq!(rules.judge(&status, Kind::Teardown), judgement, "{wire}");
        assert_eq!(rules.override_of(&status), Some(judgement), "{wire}");
        assert!(!rules.is_unrecognised(&status), "{wire} was named by the user");
    }
    for (wire, apply, teardown) in TABLE {
        if expected.iter().all(|(overridden, _)| *overridden != wire) {
            assert_eq!(rules.judge(&Status::from(wire), Kind::Apply), apply, "{wire} is as in the table");
            assert_eq!(rules.judge(&Status::from(wire), Kind::Teardown), teardown, "{wire} is as in the table");
        }
    }
    let own: Vec<String> =
        rules.statuses().iter().skip(Status::KNOWN.len()).map(|status| status.as_str().to_owned()).collect();
    assert_eq!(own, ["drifted", "frozen"], "the user's own follow the table's, in order");
}

#[test]
fn an_override_does_not_match_a_similar_word() {
    let rules = Rules::new(statuses(&["synced"]), vec![], vec![]).unwrap();
    for other in ["Synced", "synced ", "syn\u{200b}ced", "synced\u{fffd}"] {
        assert_eq!(rules.judge(&Status::from(other), Kind::Apply), Pending, "{other:?}");
    }
}

#[test]
fn a_status_in_two_lists_is_a_contradiction() {
    type List = &'static [&'static str];
    let cases: [(List, List, List, &str); 4] = [
        (&["noop"], &["noop"], &[], "status `noop` cannot mean both passed and failed"),
        (&["noop"], &[], &["noop"], "status `noop` cannot mean both passed and pending"),
        (&[], &["thawing"], &["thawing"], "status `thawing` cannot mean both failed and pending"),
        (&["a", "b"], &["c", "b"], &["a"], "status `b` cannot mean both passed and failed"),
    ];
    for (pass, fail, wait, message) in cases {
        let error = Rules::new(statuses(pass), statuses(fail), statuses(wait)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_status_twice_in_one_list_is_allowed() {
    let rules = Rules::new(statuses(&["noop", "noop"]), statuses(&["frozen", "frozen"]), vec![]).unwrap();
    assert_eq!(rules.judge(&Status::Noop, Kind::Apply), Passed);
    assert_eq!(rules.judge(&Status::from("frozen"), Kind::Apply), Failed);
}

#[test]
fn an_override_that_repeats_the_table_changes_nothing() {
    let rules = Rules::new(statuses(&["active"]), statuses(&["error"]), statuses(&["queued"])).unwrap();
    for (wire, apply, teardown) in TABLE {
        assert_eq!(rules.judge(&Status::from(wire), Kind::Apply), apply, "{wire}");
        assert_eq!(rules.judge(&Status::from(wire), Kind::Teardown), teardown, "{wire}");
    }
}
