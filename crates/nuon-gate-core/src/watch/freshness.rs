//! How new what is known of a deploy is. Some servers read from a replica that lags a moment behind, so an answer can be
//! older than one that came before it.

use std::time::Duration;

use jiff::Timestamp;

use crate::Moment;
use crate::model::{Deploy, EarlierStatus, Status};

/// For how long a replica may lag. What is older by the server's account for longer than that was written by a clock that
/// has been put back, or by a machine whose clock is behind another's.
const LONGEST_LAG: Duration = Duration::from_secs(120);

/// The newest that was seen of one deploy, whichever endpoint showed it.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    newest: Option<Version>,
    /// Since when every answer was older than that.
    older_since: Option<Moment>,
}

/// When a row was written, by the server's own account. All of it may be absent.
#[derive(Debug)]
struct Version {
    updated_at: Option<Timestamp>,
    /// Since when it has its status.
    since: Option<Timestamp>,
    /// How many statuses it has had before.
    earlier: usize,
    /// Whether the way to its status can leave no history.
    may_be_wiped: bool,
}

impl Freshness {
    /// Takes note of an answer, unless it is older than what was seen a while ago; tells whether it counts.
    pub(super) fn admit(&mut self, now: Moment, deploy: &Deploy) -> bool {
        let version = Version::of(deploy);
        if self.newest.as_ref().is_some_and(|newest| version.is_before(newest)) {
            let since = *self.older_since.get_or_insert(now);
            if now < since + LONGEST_LAG {
                return false;
            }
        }
        *self = Self { newest: Some(version), older_since: None };
        true
    }
}

impl Version {
    fn of(deploy: &Deploy) -> Self {
        let composite = deploy.status_v2.as_ref();
        let history: &[EarlierStatus] = composite.and_then(|status| status.history.as_deref()).unwrap_or_default();
        let wiping = [Status::Cancelled, Status::AutoSkipped, Status::ApprovalDenied, Status::ApprovalExpired];
        let replaced = [Status::Retried, Status::Discarded];
        Self {
            updated_at: deploy.updated_at,
            since: composite.and_then(|status| status.since),
            earlier: history.len(),
            may_be_wiped: wiping.iter().chain(&replaced).any(|status| status == deploy.current_status()),
        }
    }

    /// The row's own time decides. Where it is the same or absent, the status's time does, and then how much has happened:
    /// a history only grows, except where the server wipes it, so that no clock speaks against a longer one. What cannot
    /// be told is not older.
    fn is_before(&self, other: &Self) -> bool {
        let by = |own: Option<Timestamp>, other: Option<Timestamp>| {
            own.zip(other).map(|(own, other)| own.cmp(&other)).filter(|order| order.is_ne())
        };
        let by_time = by(self.updated_at, other.updated_at).or_else(|| by(self.since, other.since));
        match by_time {
            Some(order) => order.is_lt() && (self.earlier <= other.earlier || other.may_be_wiped),
            None => self.earlier < other.earlier && !self.may_be_wiped,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deploy(body: &Value) -> Deploy {
        serde_json::from_str(&body.to_string()).unwrap()
    }

    /// A row with its own second, its status's second and so many statuses before, each if it is not negative.
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
            ("an earlier time, with a longer history", row("executing", 9, 9, 2), row("active", 8, 8, 3), true),
            ("the same time, an older status", row("active", 9, 9, 3), row("executing", 9, 8, 2), false),
            ("the same time and second, a shorter history", row("active", 9, 9, 3), row("executing", 9, 9, 2), false),
            ("the same time and second, wiped", row("executing", 9, 9, 3), row("auto-skipped", 9, 9, -1), true),
            ("no time, an older status", row("active", -1, 9, 3), row("executing", -1, 8, 2), false),
            ("no times, a shorter history", row("active", -1, -1, 3), row("executing", -1, -1, 2), false),
            ("no times, a longer history", row("executing", -1, -1, 2), row("active", -1, -1, 3), true),
            ("nothing to tell them apart", row("active", -1, -1, -1), row("executing", -1, -1, -1), true),
            ("only one has a time", row("active", 9, -1, -1), row("executing", -1, -1, -1), true),
        ];
        for (what, first, second, expected) in cases {
            let mut freshness = Freshness::default();
            assert!(freshness.admit(Moment::START, &first), "{what}");
            assert_eq!(freshness.admit(Moment::START, &second), expected, "{what}");
        }
    }

    #[test]
    fn an_answer_that_does_not_count_is_forgotten() {
        let mut freshness = Freshness::default();
        let now = Moment::START;
        let admitted = [5, 9, 7, 8, 9].map(|updated| freshness.admit(now, &row("executing", updated, -1, -1)));
        assert_eq!(admitted, [true, true, false, false, true]);
    }

    #[test]
    fn what_stays_older_is_what_is() {
        let mut freshness = Freshness::default();
        // The second, and when the row was written.
        let answers = [(0, 9), (10, 2), (129, 3), (130, 4), (131, 3), (132, 4), (250, 3), (253, 3), (369, 3), (370, 3)];
        let admitted = answers.map(|(second, updated)| {
            freshness.admit(Moment::START + Duration::from_secs(second), &row("executing", updated, -1, -1))
        });
        assert_eq!(admitted, [true, false, false, true, false, true, false, false, false, true]);
    }
}
