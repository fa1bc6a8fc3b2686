//! Where a deploy's time went.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Deploy, Status};

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// A stay in one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The status.
    pub status: Status,
    /// Since when.
    pub at: Timestamp,
    /// For how long; `None` for a status that the deploy ended in.
    pub duration: Option<Duration>,
}

impl Stay {
    /// Returns the status with the time that was spent in it.
    pub fn spent(&self) -> (&Status, Option<Duration>) {
        (&self.status, self.duration)
    }
}

/// Returns the stays of a deploy, oldest first: from the server's own history if it keeps one, otherwise as the gate
/// saw them, all by one clock. The last stay lasts until `now`, unless the deploy `ended` in it. Successive stays in the same status are
/// merged.
pub(crate) fn timeline(deploy: &Deploy, observed: &[(Status, Timestamp)], ended: bool, now: Timestamp) -> Vec<Stay> {
    let mut points = history(deploy);
    // What cancels a deploy wipes its history, and only the final status is left.
    if points.is_empty() || ended && points.len() == 1 && observed.len() > 1 {
        points = observed.to_vec();
    }
    points.dedup_by(|later, earlier| later.0 == earlier.0);
    let ends = points.iter().skip(1).map(|(_, at)| Some(*at)).chain([(!ended).then_some(now)]);
    let stays = points.iter().zip(ends);
    stays
        .map(|((status, at), end)| Stay { status: status.clone(), at: *at, duration: end.map(|end| span(*at, end)) })
        .collect()
}

fn history(deploy: &Deploy) -> Vec<(Status, Timestamp)> {
    let Some(v2) = &deploy.status_v2 else { return Vec::new() };
    let earlier = v2.history.iter().flatten().filter_map(|entry| Some((entry.status.clone()?, entry.since?)));
    let current = v2.status.clone().zip(v2.since);
    earlier.chain(current).collect()
}

/// Returns the time between two instants; zero if they are in the wrong order, which happens if two machines' clocks
/// differ.
pub fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Formats a duration for people: whole seconds from one second up, milliseconds below. From a day up, seconds are left
/// out.
///
/// ```
/// use std::time::Duration;
/// use nuon_gate_core::timeline::human;
///
/// assert_eq!(human(Duration::from_millis(187_400)), "3m 7s");
/// assert_eq!(human(Duration::from_millis(250)), "250ms");
/// assert_eq!(human(Duration::from_secs(183_845)), "2d 3h 4m");
/// ```
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let shown = match seconds {
        0 => Duration::from_millis(u64::from(duration.subsec_millis())),
        1..DAY => Duration::from_secs(seconds),
        _ => Duration::from_secs(seconds - seconds % 60),
    };
    exact(shown)
}

/// Formats a duration that a user has set, exactly.
pub fn exact(duration: Duration) -> String {
    let days = duration.as_secs() / DAY;
    let rest = duration.saturating_sub(Duration::from_secs(days * DAY));
    // Less than a day always fits.
    let rest = format!("{:#}", SignedDuration::try_from(rest).unwrap_or(SignedDuration::MAX));
    match (days, duration.as_secs().is_multiple_of(DAY) && duration.subsec_nanos() == 0) {
        (0, _) => rest,
        (_, true) => format!("{days}d"),
        (_, false) => format!("{days}d {rest}"),
    }
}

/// Formats how long a deploy was in each status, in the order in which it first entered them.
pub fn time_in_each_status<S: PartialEq + fmt::Display>(
    stays: impl IntoIterator<Item = (S, Option<Duration>)>,
) -> String {
    let mut sums: Vec<(S, Duration)> = Vec::new();
    for (status, duration) in stays {
        let Some(duration) = duration else { continue };
        match sums.iter_mut().find(|(known, _)| *known == status) {
            Some((_, sum)) => *sum = sum.saturating_add(duration),
            None => sums.push((status, duration)),
        }
    }
    sums.iter().map(|(status, sum)| format!("{status} {}", human(*sum))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn deploy(json: &str) -> Deploy {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_servers_history_comes_first() {
        let deploy = deploy(
            r#"{"status_v2": {"status": "executing", "created_at_ts": 1800000030, "history": [
                {"status": "queued", "created_at_ts": 1800000000},
                {"status": "planning", "created_at_ts": 1800000010, "status_human_description": "creating sync plan"},
                {"status": "planning", "created_at_ts": 1800000020, "status_human_description": "creating deploy plan"}]}}"#,
        );
        let stays = timeline(&deploy, &[(Status::Queued, at(999))], false, at(75));
        assert_eq!(time_in_each_status(stays.iter().map(Stay::spent)), "queued 10s, planning 20s, executing 45s");
        assert_eq!(timeline(&deploy, &[], true, at(75)).last().unwrap().duration, None);
    }

    #[test]
    fn without_a_history_it_is_what_was_seen() {
        let seen = [(Status::Queued, at(0)), (Status::Executing, at(5)), (Status::Queued, at(7))];
        let stays = timeline(&deploy(r#"{"status": "queued"}"#), &seen, false, at(9));
        assert_eq!(time_in_each_status(stays.iter().map(Stay::spent)), "queued 7s, executing 2s");
    }

    #[test]
    fn a_wiped_history_is_what_was_seen() {
        let wiped = deploy(r#"{"status_v2": {"status": "cancelled", "created_at_ts": 1800000031}}"#);
        let seen = [(Status::Queued, 0), (Status::Planning, 10), (Status::Executing, 15), (Status::Cancelled, 32)];
        let seen = seen.map(|(status, second)| (status, at(second)));
        let stays = timeline(&wiped, &seen, true, at(40));
        assert_eq!(time_in_each_status(stays.iter().map(Stay::spent)), "queued 10s, planning 5s, executing 17s");
        assert_eq!(stays.last().map(Stay::spent), Some((&Status::Cancelled, None)));
        // Of a status that it did not see begin, the server knows more.
        assert_eq!(timeline(&wiped, &seen[3..], true, at(40))[0].at, at(31));
        assert_eq!(timeline(&wiped, &seen, false, at(40))[0].at, at(31));
    }

    #[test]
    fn durations_are_written_from_milliseconds_to_days() {
        let cases = [
            (0, "0s", "0s"),
            (999, "999ms", "999ms"),
            (1_500, "1s", "1s 500ms"),
            (86_399_999, "23h 59m 59s", "23h 59m 59s 999ms"),
            (86_400_000, "1d", "1d"),
            (86_459_000, "1d", "1d 59s"),
            (90_000_000, "1d 1h", "1d 1h"),
            (31 * 86_400_000, "31d", "31d"),
        ];
        for (millis, shown, whole) in cases {
            let duration = Duration::from_millis(millis);
            assert_eq!((human(duration).as_str(), exact(duration).as_str()), (shown, whole));
        }
        assert_eq!(human(Duration::MAX), "213503982334601d 7h");
    }

    #[test]
    fn clocks_that_disagree_give_no_negative_time() {
        let stays = timeline(&deploy(r#"{"status": "queued"}"#), &[(Status::Queued, at(10))], false, at(0));
        assert_eq!(stays[0].duration, Some(Duration::ZERO));
    }
}
