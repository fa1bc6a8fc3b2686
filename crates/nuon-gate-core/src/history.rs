//! What a component's earlier deploys show about the current one.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Deploy, Status};
use crate::timeline::{Stay, span, timeline};
use crate::{Judgement, Kind, Rules};

/// The fewest deploys from which a usual duration is derived.
const FEWEST: usize = 3;
/// Deploys shorter than this changed nothing.
const SHORTEST: Duration = Duration::from_secs(1);

/// Facts from the earlier deploys.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How long such deploys usually take: the median of the earlier ones of the same kind that passed, without the time
    /// in which they waited for an approval.
    pub typical: Option<Duration>,
    /// How long each of them took.
    pub durations: Vec<Duration>,
    /// How many had failed in a row just before.
    pub failures_before: u32,
    /// What was live before: the newest that passed, unless the component has been torn down since.
    pub last_good: Option<Box<Deploy>>,
    /// All of them were read, and none is still running, so this will not change.
    pub is_settled: bool,
}

impl History {
    /// Reads the earlier deploys, newest first. They may include the deploy itself and newer ones.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a Deploy>, deploy: &Deploy) -> Self {
        let rules = Rules::default();
        let judged = |row: &Deploy| rules.judge_deploy(row);
        let kind = deploy.kind();
        let is_earlier =
            |row: &&Deploy| row.id != deploy.id && row.kind().is_some() && row.created_at < deploy.created_at;
        let earlier: Vec<&Deploy> = rows.into_iter().filter(is_earlier).collect();
        let earlier = || earlier.iter().copied();
        let alike = || earlier().filter(|row| row.kind() == kind);

        let mut durations: Vec<Duration> = alike().filter_map(duration).collect();
        durations.sort_unstable();
        let typical = (durations.len() >= FEWEST).then(|| durations[durations.len() / 2]);

        // A replaced row counts with its successor, and a cancelled one shows nothing about the component.
        let judgements = alike().map(judged);
        let decided = judgements.filter(|judged| matches!(judged, Judgement::Passed | Judgement::Failed));
        let failures = decided.take_while(|judged| *judged == Judgement::Failed).count();

        let ended_well = earlier().find(|row| judged(row) == Judgement::Passed);
        let last_good = ended_well.filter(|row| row.kind() == Some(Kind::Apply));
        Self {
            typical,
            durations,
            failures_before: u32::try_from(failures).unwrap_or(u32::MAX),
            last_good: last_good.cloned().map(Box::new),
            is_settled: earlier().all(|row| judged(row) != Judgement::Pending),
        }
    }

    /// Returns what remains valid if there are more of them, or if those that are still running change: the usual
    /// duration.
    pub(crate) fn as_far_as_settled(&self) -> Self {
        match self.is_settled {
            true => self.clone(),
            false => Self { typical: self.typical, durations: self.durations.clone(), ..Self::default() },
        }
    }
}

/// Returns the duration of a deploy that changed something and passed.
fn duration(row: &Deploy) -> Option<Duration> {
    let ended = match row.current_status() {
        Status::Active | Status::Inactive => row.applied_at.or(row.status_v2.as_ref().and_then(|v2| v2.since)),
        _ => None,
    };
    let whole = span(row.created_at?, ended.or_else(|| row.updated_at.filter(|_| row.status_v2.is_none()))?);
    let worked = whole.saturating_sub(waited(&timeline(row, &[], true, Timestamp::MIN)));
    (worked >= SHORTEST).then_some(worked)
}

/// Returns how long a deploy has waited for an approval.
pub(crate) fn waited(stays: &[Stay]) -> Duration {
    stays.iter().filter(|stay| stay.status == Status::PendingApproval).filter_map(|stay| stay.duration).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    /// A deploy that was created at this second and took this long.
    fn row(id: &str, created: i64, seconds: i64, status: &str, kind: &str) -> Deploy {
        let at = |second: i64| Timestamp::from_second(START + second).unwrap();
        let body = format!(
            r#"{{"id": "{id}", "created_at": "{}", "install_deploy_type": "{kind}",
                "status_v2": {{"status": "{status}", "created_at_ts": {}}}}}"#,
            at(created),
            START + created + seconds,
        );
        serde_json::from_str(&body).unwrap()
    }

    fn applied(created: i64, seconds: i64, status: &str) -> Deploy {
        row(&format!("dpl{created}"), created, seconds, status, "apply")
    }

    fn own() -> Deploy {
        applied(9_000, 50, "active")
    }

    #[test]
    fn what_is_usual_is_the_median_of_those_that_passed() {
        let history = |rows: Vec<Deploy>| History::new(&rows, &own()).typical.map(|usual| usual.as_secs());
        let passed = |created, seconds| applied(created, seconds, "active");
        let three = vec![own(), passed(300, 60), passed(200, 500), passed(100, 90)];
        assert_eq!(history(three.clone()), Some(90));
        assert_eq!(history(three[..3].to_vec()), None, "two are too few");
        let others = [
            applied(400, 7, "error"),
            applied(500, 1, "auto-skipped"),
            row("t", 600, 5, "inactive", "teardown"),
            applied(9_500, 1, "active"),
        ];
        assert_eq!(history(three.into_iter().chain(others).collect()), Some(90), "others do not count");
    }

    #[test]
    fn the_time_of_humans_does_not_count() {
        let slow = |created: i64| {
            let mut deploy = applied(created, 1000, "active");
            let history = format!(
                r#"[{{"status": "queued", "created_at_ts": {0}}}, {{"status": "pending-approval", "created_at_ts": {1}}},
                    {{"status": "executing", "created_at_ts": {2}}}]"#,
                START + created,
                START + created + 40,
                START + created + 940,
            );
            deploy.status_v2.as_mut().unwrap().history = serde_json::from_str(&history).unwrap();
            deploy
        };
        let history = History::new(&[slow(300), slow(200), slow(100)], &own());
        assert_eq!(history.typical, Some(Duration::from_secs(100)));
    }

    #[test]
    fn failures_count_until_the_last_pass() {
        let failures = |statuses: &[&str]| {
            let rows = statuses.iter().enumerate().map(|(at, status)| applied(1000 - at as i64, 5, status));
            History::new(&rows.collect::<Vec<_>>(), &own()).failures_before
        };
        assert_eq!(failures(&["error", "retried", "error", "cancelled", "noop", "active", "error"]), 3);
        assert_eq!(failures(&["active", "error"]), 0);
        assert_eq!(failures(&[]), 0);
    }

    #[test]
    fn what_was_live_is_the_newest_that_passed_and_was_not_torn_down() {
        let live = |rows: Vec<Deploy>| {
            History::new(&rows, &own()).last_good.and_then(|deploy| deploy.id).map(|id| id.to_string())
        };
        let error = applied(400, 5, "error");
        assert_eq!(
            live(vec![own(), error.clone(), applied(300, 5, "active"), applied(200, 5, "active")]).as_deref(),
            Some("dpl300")
        );
        assert_eq!(live(vec![error, row("t", 350, 5, "inactive", "teardown"), applied(300, 5, "active")]), None);
        assert_eq!(live(vec![applied(9_500, 5, "active")]), None, "a newer one was not live before");
    }

    #[test]
    fn what_still_goes_on_can_say_something_else_later() {
        let is_settled = |rows: &[Deploy]| History::new(rows, &own()).is_settled;
        assert!(is_settled(&[
            applied(9_500, 5, "executing"),
            own(),
            applied(300, 5, "active"),
            applied(200, 5, "error")
        ]));
        assert!(!is_settled(&[own(), applied(300, 5, "active"), applied(200, 5, "executing")]));
    }
}
