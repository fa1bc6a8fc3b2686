//! Which answer about a deploy is the newer one.

use serde_json::{Value, json};

use super::*;

fn deploy(body: &Value) -> Deploy {
    serde_json::from_str(&body.to_string()).unwrap()
}

/// A row with its own second, its status's second and this many earlier statuses, each if it is not negative.
fn row(status: &str, updated: i64, since: i64, earlier: i64) -> Deploy {
    let mut body = json!({ "id": "dpl1", "status_v2": { "status": status } });
    if updated >= 0 {
        body["updated_at"] = json!(format!("2027-01-15T08:00:{updated:02}Z"));
    }
    if since >= 0 {
        body["status_v2"]["created_at_ts"] = json!(1_800_000_000 + since);
    }
    if earlier >= 0 {
        body["status_v2"]["history"] = (0..earlier).map(|_| json!({ "status": "planning" })).collect();
    }
    deploy(&body)
}

/// A row with its own second, and statuses with their seconds, the last of which is its own; each if it is not negative.
fn with(updated: i64, statuses: &[(&str, i64)]) -> Deploy {
    let entry = |(status, since): &(&str, i64)| {
        let since = (*since >= 0).then_some(1_800_000_000 + since);
        json!({ "status": status, "created_at_ts": since })
    };
    let (last, before) = statuses.split_last().unwrap();
    let mut status = entry(last);
    status["history"] = before.iter().map(entry).collect();
    let updated = (updated >= 0).then(|| format!("2027-01-15T08:00:{updated:02}Z"));
    deploy(&json!({ "id": "dpl1", "updated_at": updated, "status_v2": status }))
}

#[test]
fn what_is_older_is_not_admitted() {
    let cases = [
        ("an earlier time", row("active", 9, 9, 3), row("executing", 8, 8, 2), false),
        ("a later time", row("executing", 8, 8, 2), row("active", 9, 9, 3), true),
        ("the same row", row("executing", 8, 8, 2), row("executing", 8, 8, 2), true),
        ("a later time, with its history wiped", row("executing", 8, 8, 4), row("cancelled", 9, 9, -1), true),
        (
            "an earlier time, with a history that was wiped",
            row("cancelled", 9, 9, -1),
            row("executing", 8, 8, 4),
            false,
        ),
        ("an earlier time, with a longer history", row("executing", 9, 9, 2), row("active", 8, 8, 3), false),
        ("a later time, with a shorter history", row("error", 8, 8, 6), row("active", 9, 9, 3), false),
        ("a later time, with no history to speak of", row("executing", 8, 8, 6), row("error", 9, 9, -1), true),
        ("an earlier time, after an error without a history", row("error", 9, 9, -1), row("active", 8, 8, 3), false),
        ("the same time, an older status", row("active", 9, 9, 3), row("executing", 9, 8, 2), false),
        ("the same time, an older second, as long a history", row("active", 9, 9, 3), row("executing", 9, 8, 3), false),
        ("the same time and second, a shorter history", row("active", 9, 9, 3), row("executing", 9, 9, 2), false),
        ("the same time and second, wiped", row("executing", 9, 9, 3), row("auto-skipped", 9, 9, -1), true),
        ("the same time, the same status without the rest", row("active", 9, 9, 3), row("active", 9, -1, -1), true),
        ("the same time, another status without the rest", row("active", 9, 9, 3), row("executing", 9, -1, -1), false),
        ("the same time, the same status with less before", row("active", 9, 9, 3), row("active", 9, 9, 2), false),
        ("the same status, without a time", row("executing", 9, 9, 3), row("executing", -1, -1, -1), false),
        ("no time, an older status", row("active", -1, 9, 3), row("executing", -1, 8, 2), false),
        ("no times, a shorter history", row("active", -1, -1, 3), row("executing", -1, -1, 2), false),
        ("no times, the same status without its history", row("active", -1, -1, 3), row("active", -1, -1, -1), false),
        ("a time, the same status without its history", row("active", -1, -1, 3), row("active", 9, -1, -1), false),
        ("no times, a longer history", row("executing", -1, -1, 2), row("active", -1, -1, 3), true),
        ("nothing distinguishes them", row("active", -1, -1, -1), row("executing", -1, -1, -1), true),
        ("only one has a time", row("executing", 9, -1, -1), row("active", -1, -1, -1), true),
        ("only what has ended has a time", row("active", 9, -1, -1), row("executing", -1, -1, -1), false),
    ];
    for (what, first, second, expected) in cases {
        let mut freshness = Freshness::default();
        assert!(freshness.admit(Moment::START, &first), "{what}");
        assert_eq!(freshness.admit(Moment::START, &second), expected, "{what}");
    }
}

#[test]
fn what_continues_the_newest_state_is_newer_whatever_the_clocks_say() {
    let seen = || with(50, &[("queued", 40), ("executing", 50)]);
    let error = || with(50, &[("queued", 40), ("error", 50)]);
    let cases = [
        ("the next status", seen(), with(3, &[("queued", 40), ("executing", 50), ("active", 3)]), true),
        ("a later one", seen(), with(3, &[("queued", 40), ("executing", 50), ("x", 2), ("active", 3)]), true),
        ("after a final status", error(), with(3, &[("queued", 40), ("error", 50), ("active", 3)]), true),
        ("the one before it", seen(), with(40, &[("queued", 40)]), false),
        ("another time in its history", seen(), with(3, &[("queued", 40), ("executing", 49), ("active", 3)]), false),
        ("another status in it", seen(), with(3, &[("queued", 40), ("error", 50), ("active", 3)]), false),
        ("another one before it", seen(), with(3, &[("x", 40), ("executing", 50), ("active", 3)]), false),
        ("nothing before it", seen(), with(3, &[("executing", 50), ("active", 3)]), false),
        ("the same state", seen(), with(3, &[("queued", 40), ("executing", 50)]), false),
        (
            "no time of the newest one",
            with(50, &[("queued", 40), ("executing", -1)]),
            with(3, &[("queued", 40), ("executing", -1), ("active", 3)]),
            false,
        ),
    ];
    for (what, first, second, expected) in cases {
        let mut freshness = Freshness::default();
        assert!(freshness.admit(Moment::START, &first), "{what}");
        assert_eq!(freshness.admit(Moment::START, &second), expected, "{what}");
        // Also with less detail, it is the same state.
        let bare = row(second.current_status().as_str(), 3, -1, -1);
        assert!(
            !expected || freshness.admit(Moment::START, &bare) && freshness.admit(Moment::START, &second),
            "{what}"
        );
        // What was admitted is the newest state now, and the one before it is older, however long it is shown.
        let mut late = (0..10).map(|poll| Moment::START + WRONG_CLOCK * poll);
        assert!(!expected || !late.any(|at| freshness.admit(at, &first)), "{what}");
    }
}

#[test]
fn a_state_that_says_no_time_is_continued_as_the_one_before_it() {
    let seen = || with(50, &[("queued", 40), ("planning", 50)]);
    let then = |statuses: &[(&str, i64)]| with(3, &[&[("queued", 40), ("planning", 50)], statuses].concat());
    let cases = [
        ("the same status", &["planning"][..], then(&[("executing", 3)]), true),
        (
            "another, which is in the history since",
            &["planning", "executing"],
            then(&[("executing", 2), ("active", 3)]),
            true,
        ),
        (
            "another, which comes later in it",
            &["planning", "executing"],
            then(&[("x", 1), ("executing", 2), ("active", 3)]),
            true,
        ),
        ("another, which is not in it", &["planning", "error"], then(&[("executing", 2), ("active", 3)]), false),
        ("another, which is in it before", &["planning", "queued"], then(&[("executing", 3)]), false),
        ("another, which it has itself", &["planning", "error"], then(&[("error", 3)]), false),
        ("another history", &["planning"], with(3, &[("queued", 41), ("planning", 50), ("active", 3)]), false),
    ];
    for (what, statuses, next, expected) in cases {
        let timeless: Vec<_> = ["queued"].iter().chain(statuses).map(|status| (*status, -1)).collect();
        let mut freshness = Freshness::default();
        let admitted = [seen(), with(-1, &timeless), next].map(|row| freshness.admit(Moment::START, &row));
        assert_eq!(admitted, [true, true, expected], "{what}");
        let mut late = (0..10).map(|poll| Moment::START + WRONG_CLOCK * poll);
        assert!(!expected || !late.any(|at| freshness.admit(at, &seen())), "{what}");
    }
}

#[test]
fn what_came_before_stays_so_however_often_clocks_are_put_back() {
    let executing = || with(3, &[("queued", 40), ("planning", 50), ("executing", 3)]);
    let wiped = || with(9, &[("error", 9)]);
    let planning = || with(50, &[("queued", 40), ("planning", 50)]);
    let then = || with(1, &[("error", 9), ("active", 1)]);
    let timeless = || with(-1, &[("queued", -1), ("planning", -1), ("executing", -1)]);
    let states = |same: &[Deploy]| -> (Vec<bool>, [bool; 2]) {
        let mut freshness = Freshness::default();
        let mut admit = |state: &Deploy| freshness.admit(Moment::START, state);
        let first = [&[planning(), executing()], same, &[wiped(), then()]].concat();
        (first.iter().map(&mut admit).collect(), [executing(), wiped()].each_ref().map(&mut admit))
    };
    assert_eq!(states(&[]), (vec![true; 4], [false; 2]));
    assert_eq!(states(&[timeless(), executing()]), (vec![true; 6], [false; 2]), "the same, without its times");
}

#[test]
fn a_history_that_was_wiped_begins_anew() {
    let after = |first: &str| {
        let status = json!({ "status": "active", "created_at_ts": 1_800_000_027, "history": [{ "status": first }] });
        deploy(&json!({ "id": "dpl1", "updated_at": "2027-01-15T08:00:27Z", "status_v2": status }))
    };
    for (first, expected) in [("auto-skipped", true), ("error", true), ("queued", false)] {
        let mut freshness = Freshness::default();
        assert!(freshness.admit(Moment::START, &row("executing", 9, 9, 4)));
        assert_eq!(freshness.admit(Moment::START, &after(first)), expected, "{first}");
    }
}

#[test]
fn a_state_with_less_detail_takes_nothing_back() {
    let mut freshness = Freshness::default();
    let rows = [row("active", 9, 9, 3), row("active", 9, -1, -1), row("executing", 9, 9, 2)];
    assert_eq!(rows.map(|row| freshness.admit(Moment::START, &row)), [true, true, false]);
    // A more detailed state adds to it.
    let mut freshness = Freshness::default();
    let rows = [row("active", 9, -1, 2), row("active", 9, -1, 4), row("active", 9, -1, 3)];
    assert_eq!(rows.map(|row| freshness.admit(Moment::START, &row)), [true, true, false]);
}

#[test]
fn a_state_that_says_no_time_takes_no_time_back() {
    let admitted = |rows: [Deploy; 3]| {
        let mut freshness = Freshness::default();
        rows.map(|row| freshness.admit(Moment::START, &row))
    };
    let (bare, error) = (|| row("executing", -1, -1, 3), || row("error", -1, -1, -1));
    let (fresh, stale) = ([true, true, true], [true, true, false]);
    assert_eq!(admitted([row("executing", 9, 9, 3), bare(), row("active", 5, 5, 4)]), stale);
    assert_eq!(admitted([row("executing", 9, 9, 3), bare(), row("active", 9, 9, 4)]), fresh);
    // The state before it is not newer.
    assert_eq!(admitted([row("active", 9, 9, 3), error(), row("active", 9, 9, 3)]), stale);
    assert_eq!(admitted([row("active", 9, 9, 3), error(), row("active", 10, 9, 5)]), fresh);
    assert_eq!(admitted([row("active", 9, 9, 3), error(), row("error", 9, 9, -1)]), fresh);
    assert_eq!(admitted([row("active", -1, 9, 3), error(), row("active", -1, 8, 3)]), stale);
    assert_eq!(admitted([error(), error(), row("active", 9, 9, 3)]), fresh);
    // One of the two times is enough.
    assert_eq!(admitted([row("planning", 9, 9, 3), row("executing", -1, 11, 4), row("active", -1, 10, 5)]), stale);
    let mut freshness = Freshness::default();
    let rows = [row("active", 9, 9, 3), error(), error(), row("active", 9, 9, 3)];
    let admitted = rows.map(|row| freshness.admit(Moment::START, &row));
    assert_eq!(admitted, [true, true, true, false], "however often");
}

#[test]
fn an_answer_that_does_not_count_is_forgotten() {
    let mut freshness = Freshness::default();
    let now = Moment::START;
    let admitted = [5, 9, 7, 8, 9].map(|updated| freshness.admit(now, &row("executing", updated, -1, -1)));
    assert_eq!(admitted, [true, true, false, false, true]);
}

#[test]
fn what_stays_unclear_is_what_is() {
    let admitted = |seen: Deploy, older: Deploy, seconds: &[u64]| {
        let mut freshness = Freshness::default();
        assert!(freshness.admit(Moment::START, &seen));
        let at = |second: &u64| Moment::START + Duration::from_secs(*second);
        seconds.iter().map(|second| freshness.admit(at(second), &older)).collect::<Vec<_>>()
    };
    let pending = || row("executing", 9, -1, 2);
    let steady = [10, 40, 70, 100, 129, 130, 131];
    let (never, at_last) = ([false; 7], [false, false, false, false, false, true, true]);
    // Older by its time alone, or by its history alone.
    assert_eq!(admitted(pending(), row("active", 3, -1, 3), &steady), at_last);
    assert_eq!(admitted(row("executing", 3, -1, 3), row("active", 9, -1, 1), &steady), at_last);
    // Older by both, so it is old. It is compared with the final status.
    assert_eq!(admitted(pending(), row("active", 3, -1, 1), &steady), never);
    assert_eq!(admitted(row("error", 9, -1, -1), row("active", 3, -1, 3), &steady), never);
    // An outage in between shows nothing.
    assert_eq!(
        admitted(pending(), row("active", 3, -1, 3), &[10, 200, 201, 202, 203]),
        [false, false, false, false, true]
    );
}
