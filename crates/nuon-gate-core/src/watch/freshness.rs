//! Which answers about a deploy are current. Some servers read from a replica that lags, so an answer can be older than
//! the one before it (`docs/nuon-api.md`, "Replicas and times").

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Deploy, EarlierStatus, Status};
use crate::{Judgement, Kind};
use crate::{Moment, Rules};

/// For how long, and in how many answers, a state has to seem older before it counts all the same: then it was written after a
/// clock was set back, or by a machine whose clock is behind.
const WRONG_CLOCK: Duration = Duration::from_secs(120);
const ANSWERS: u32 = 5;

/// The newest state of one deploy that was seen, in any endpoint.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    newest: Option<Version>,
    /// A state that has seemed older than that, since when, and how often.
    older: Option<Older>,
    /// The digests of the states before it, once a history has shown that the times do not tell the order.
    before: Vec<u64>,
}

/// A status that seems older than the newest one.
#[derive(Debug)]
struct Older {
    status: Status,
    since: Moment,
    answers: u32,
}

/// When a row was written, by the server's own times. All of it but the status may be absent.
#[derive(Debug)]
struct Version {
    status: Status,
    updated_at: Option<Timestamp>,
    /// Since when it has its status.
    since: Option<Timestamp>,
    /// How many statuses it had before.
    earlier: usize,
    /// The digest of those and its own, with their times; `None` if its own has none.
    digest: Option<u64>,
    /// Whether the transition to its status, or to the first that is left of its history, can erase what was before.
    may_be_wiped: bool,
    /// Whether it has ended or was replaced.
    has_left_pending: bool,
    /// It has no times of its own; these belong to an earlier status.
    is_later: bool,
}

/// The age of an answer, compared with the newest state that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// As new, or newer.
    New,
    /// The same state, with less detail.
    Same,
    /// Older by its times or by its history, but not by both.
    Unclear,
    /// Older.
    Old,
}

/// Returns whether a row shows an earlier state of a deploy than another: then a replica that lags has answered.
pub(super) fn is_earlier(row: &Deploy, than: &Deploy) -> bool {
    let mut freshness = Freshness::default();
    freshness.admit(Moment::START, than);
    !freshness.admit(Moment::START, row)
}

impl Freshness {
    /// Records an answer, unless it is older than an earlier one. Returns whether it counts.
    ///
    /// A state whose history has the newest one in it is newer, whatever the clocks say. Otherwise, after a clock was set
    /// back, the last status can seem older for ever. So a state that seems older by its times or by its history alone
    /// counts after long enough, but never in place of a final status: an old `active` must not undo an `error`.
    pub(super) fn admit(&mut self, now: Moment, deploy: &Deploy) -> bool {
        let version = Version::of(deploy);
        if version.digest.is_some_and(|own| self.before.contains(&own)) {
            return false;
        }
        let continued = self.newest.as_ref().filter(|newest| newest.is_continued_by(deploy));
        let is_contrary = continued.is_some_and(|newest| version.compared_with(newest) != Age::New);
        if let Some(newest) = self.newest.as_ref().filter(|_| continued.is_none()) {
            let age = version.compared_with(newest);
            if age == Age::Same {
                self.older = None;
                return true;
            }
            if age != Age::New {
                let status = deploy.current_status();
                let before = self.older.take().filter(|older| older.status == *status);
                let older = before.unwrap_or_else(|| Older { status: status.clone(), since: now, answers: 0 });
                let older = Older { answers: older.answers + 1, ..older };
                let lasts = now >= older.since + WRONG_CLOCK && older.answers >= ANSWERS;
                self.older = Some(older);
                if age == Age::Old || newest.has_left_pending || !lasts {
                    return false;
                }
            }
        }
        if is_contrary || !self.before.is_empty() {
            self.keep_before(&version, deploy);
        }
        (self.newest, self.older) = (Some(version.after(self.newest.take())), None);
        true
    }

    /// Keeps which states were before this one, whose times do not tell.
    fn keep_before(&mut self, version: &Version, deploy: &Deploy) {
        let is_before = |newest: &&Version| match version.digest {
            Some(own) => newest.digest != Some(own),
            // The same state, without its time.
            None => newest.status != version.status,
        };
        let newest = self.newest.as_ref().filter(is_before).and_then(|newest| newest.digest);
        for digest in digests(history(deploy), None).chain(newest) {
            if !self.before.contains(&digest) {
                self.before.push(digest);
            }
        }
    }
}

impl Version {
    fn of(deploy: &Deploy) -> Self {
        let composite = deploy.status_v2.as_ref();
        let history = history(deploy);
        let since = composite.and_then(|status| status.since);
        let wiping = [
            Status::Cancelled,
            Status::AutoSkipped,
            Status::ApprovalDenied,
            Status::ApprovalExpired,
            // The flow that runs the steps also writes this status, and replaces the whole object.
            Status::Error,
        ];
        let replaced = [Status::Retried, Status::Discarded];
        let status = deploy.current_status();
        // What comes after one of these has it for its first.
        let wipes = |own: &Status| wiping.contains(own) || replaced.contains(own);
        Self {
            status: status.clone(),
            updated_at: deploy.updated_at,
            since,
            earlier: history.len(),
            digest: since.and_then(|_| digests(history, Some((Some(status), since))).last()),
            may_be_wiped: [status]
                .into_iter()
                .chain(history.first().and_then(|first| first.status.as_ref()))
                .any(wipes),
            has_left_pending: Rules::default().judge(status, Kind::Apply) != Judgement::Pending,
            is_later: false,
        }
    }

    /// A state without times came after what was seen before, so whatever is older than that is older than this.
    fn after(self, before: Option<Self>) -> Self {
        match before.filter(|_| self.is_timeless()) {
            Some(Self { status, updated_at, since, is_later, .. }) => {
                Self { updated_at, since, is_later: is_later || status != self.status, ..self }
            }
            None => self,
        }
    }

    fn is_timeless(&self) -> bool {
        self.updated_at.is_none() && self.since.is_none()
    }

    /// Returns whether it is one of the earlier statuses of a state, with all those before it.
    fn is_continued_by(&self, deploy: &Deploy) -> bool {
        self.digest.is_some_and(|own| digests(history(deploy), None).any(|digest| digest == own))
    }

    /// The row's own time shows which is older, or the status's time if the row's is equal or absent. So does the
    /// length of the history, which only grows, except where the server erases it. A missing history shows nothing,
    /// unless there are no times either. A state with neither is not older, nor is the same state without its history.
    fn compared_with(&self, newest: &Self) -> Age {
        let is_before_it = newest.is_later && self.status != newest.status;
        let by =
            |own: Option<Timestamp>, newest: Option<Timestamp>| own.zip(newest).map(|(own, newest)| own.cmp(&newest));
        let by_row = by(self.updated_at, newest.updated_at)
            .map(|order| if is_before_it { order.then(Ordering::Less) } else { order });
        let by_time =
            by_row.filter(|order| order.is_ne()).or_else(|| by(self.since, newest.since).filter(|order| order.is_ne()));
        let is_shorter = self.earlier < newest.earlier && !self.may_be_wiped;
        let by_history = is_shorter && self.earlier > 0;
        let is_same = self.updated_at.is_some() && self.updated_at == newest.updated_at && self.status == newest.status;
        match by_time {
            None if is_same && is_shorter && !by_history => Age::Same,
            None if is_shorter => Age::Old,
            // What has ended goes on only if a time says so.
            None if self.is_timeless()
                && !newest.is_timeless()
                && !self.has_left_pending
                && newest.has_left_pending =>
            {
                Age::Unclear
            }
            None => Age::New,
            Some(order) if order.is_lt() && by_history => Age::Old,
            Some(order) if order.is_lt() || by_history => Age::Unclear,
            Some(_) => Age::New,
        }
    }
}

fn history(deploy: &Deploy) -> &[EarlierStatus] {
    deploy.status_v2.as_ref().and_then(|status| status.history.as_deref()).unwrap_or_default()
}

/// Returns the digest of the first status with its time, of the first two, and so on. A wait can have thousands of targets,
/// and histories are long.
fn digests<'a>(
    history: &'a [EarlierStatus],
    last: Option<(Option<&'a Status>, Option<Timestamp>)>,
) -> impl Iterator<Item = u64> {
    let all = history.iter().map(|earlier| (earlier.status.as_ref(), earlier.since)).chain(last);
    all.scan(DefaultHasher::new(), |hasher, status| {
        status.hash(hasher);
        Some(hasher.finish())
    })
}

#[cfg(test)]
mod tests {
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
            (
                "an earlier time, after an error without a history",
                row("error", 9, 9, -1),
                row("active", 8, 8, 3),
                false,
            ),
            ("the same time, an older status", row("active", 9, 9, 3), row("executing", 9, 8, 2), false),
            (
                "the same time, an older second, as long a history",
                row("active", 9, 9, 3),
                row("executing", 9, 8, 3),
                false,
            ),
            ("the same time and second, a shorter history", row("active", 9, 9, 3), row("executing", 9, 9, 2), false),
            ("the same time and second, wiped", row("executing", 9, 9, 3), row("auto-skipped", 9, 9, -1), true),
            ("the same time, the same status without the rest", row("active", 9, 9, 3), row("active", 9, -1, -1), true),
            (
                "the same time, another status without the rest",
                row("active", 9, 9, 3),
                row("executing", 9, -1, -1),
                false,
            ),
            ("the same time, the same status with less before", row("active", 9, 9, 3), row("active", 9, 9, 2), false),
            ("the same status, without a time", row("executing", 9, 9, 3), row("executing", -1, -1, -1), false),
            ("no time, an older status", row("active", -1, 9, 3), row("executing", -1, 8, 2), false),
            ("no times, a shorter history", row("active", -1, -1, 3), row("executing", -1, -1, 2), false),
            (
                "no times, the same status without its history",
                row("active", -1, -1, 3),
                row("active", -1, -1, -1),
                false,
            ),
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
        /// A row with its own second, and statuses with their seconds, the last of which is its own.
        fn with(updated: i64, statuses: &[(&str, i64)]) -> Deploy {
            let entry = |(status, since): &(&str, i64)| {
                let since = (*since >= 0).then_some(1_800_000_000 + since);
                json!({ "status": status, "created_at_ts": since })
            };
            let (last, before) = statuses.split_last().unwrap();
            let mut status = entry(last);
            status["history"] = before.iter().map(entry).collect();
            let updated = format!("2027-01-15T08:00:{updated:02}Z");
            deploy(&json!({ "id": "dpl1", "updated_at": updated, "status_v2": status }))
        }
        let seen = || with(50, &[("queued", 40), ("executing", 50)]);
        let error = || with(50, &[("queued", 40), ("error", 50)]);
        let cases = [
            ("the next status", seen(), with(3, &[("queued", 40), ("executing", 50), ("active", 3)]), true),
            ("a later one", seen(), with(3, &[("queued", 40), ("executing", 50), ("x", 2), ("active", 3)]), true),
            ("after a final status", error(), with(3, &[("queued", 40), ("error", 50), ("active", 3)]), true),
            ("the one before it", seen(), with(40, &[("queued", 40)]), false),
            (
                "another time in its history",
                seen(),
                with(3, &[("queued", 40), ("executing", 49), ("active", 3)]),
                false,
            ),
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
    fn a_history_that_was_wiped_begins_anew() {
        let after = |first: &str| {
            let status =
                json!({ "status": "active", "created_at_ts": 1_800_000_027, "history": [{ "status": first }] });
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
}
