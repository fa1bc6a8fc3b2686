//! How new what is known of a deploy is. Some servers read from a replica that lags a moment behind, so an answer can be
//! older than one that came before it.

use jiff::Timestamp;

use crate::model::{Deploy, EarlierStatus, Status};

/// The newest that was seen of one deploy, whichever endpoint showed it.
#[derive(Debug, Default)]
pub(super) struct Freshness(Option<Version>);

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
    /// Takes note of an answer, unless it is older than what was seen before; tells whether it counts.
    pub(super) fn admit(&mut self, deploy: &Deploy) -> bool {
        let version = Version::of(deploy);
        if self.0.as_ref().is_some_and(|newest| version.is_before(newest)) {
            return false;
        }
        self.0 = Some(version);
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
    /// a history only grows, except where the server wipes it. What cannot be told is not older.
    fn is_before(&self, other: &Self) -> bool {
        let by = |own: Option<Timestamp>, other: Option<Timestamp>| {
            own.zip(other).map(|(own, other)| own.cmp(&other)).filter(|order| order.is_ne())
        };
        let by_time = by(self.updated_at, other.updated_at).or_else(|| by(self.since, other.since));
        match by_time {
            Some(order) => order.is_lt(),
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
            ("an earlier time, with a longer history", row("cancelled", 9, 9, -1), row("executing", 8, 8, 4), false),
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
            assert!(freshness.admit(&first), "{what}");
            assert_eq!(freshness.admit(&second), expected, "{what}");
        }
    }

    #[test]
    fn an_answer_that_does_not_count_is_forgotten() {
        let mut freshness = Freshness::default();
        let admitted = [5, 9, 7, 8, 9].map(|updated| freshness.admit(&row("executing", updated, -1, -1)));
        assert_eq!(admitted, [true, true, false, false, true]);
    }
}
