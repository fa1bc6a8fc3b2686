//! One line of facts: what, by whom, how long, and the last good deploy.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::result::v1::{BranchRunResult, DeployResult, GroupResult, RunResult, TargetResult};
use nuon_gate_core::timeline::human;
use nuon_gate_core::{Line, Verdict};

use super::seen;
use super::targets::{counts, has_ended};

/// The usual length of a short commit.
const COMMIT: usize = 7;
/// How many groups a line has room for, and how much of the name of each.
const MOST_GROUPS: usize = 6;
const LONGEST_GROUP: usize = 40;

/// Returns the line, with durations only of what has ended: they would turn every edit into a change.
pub(super) fn facts(result: &RunResult, is_over: bool) -> Option<Line> {
    let one = match &*result.targets {
        [one] => Some(one),
        _ => None,
    };
    let state = one.filter(|target| !is_over || !has_ended(target)).and_then(|target| state(target.deploy.as_ref()?));
    let usual = one.and_then(|target| target.typical_ms).map(milliseconds);
    let time = if is_over {
        let usual = usual.map(|usual| format!(", usually {usual}")).unwrap_or_default();
        Some(took(result, one) + &usual)
    } else {
        usual.map(|usual| format!("usually {usual}"))
    };
    let newer = one.filter(|target| target.verdict != Verdict::Superseded);
    let newer = newer.and_then(|target| target.superseded_by.as_ref()).and_then(seen);
    let parts = [
        state.filter(|_| !is_over),
        origin(result),
        result.branch_run.as_ref().map(groups),
        one.is_none().then(|| counts(result)),
        time,
        newer.map(|newer| format!("a newer one is {}", newer.plain())),
        one.filter(|_| is_over).and_then(last_good),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| Line::new(parts.join(" · ")))
}

/// Describes how far each group of installs is, and how many installs wait for another run.
fn groups(run: &BranchRunResult) -> String {
    let group = |own: &GroupResult| {
        let failed = if own.failed > 0 { format!(" ({} failed)", own.failed) } else { String::new() };
        format!("{} {}/{}{failed}", own.name.cut(LONGEST_GROUP).plain(), own.done, own.total)
    };
    let mut parts: Vec<String> = run.groups.iter().take(MOST_GROUPS).map(group).collect();
    match run.groups.len().saturating_sub(MOST_GROUPS) {
        0 => {}
        more => parts.push(format!("{more} more groups")),
    }
    parts.extend(run.waiting.first().map(|own| {
        let (install, run) = (own.install.cut(LONGEST_GROUP), own.behind_run_id.plain());
        format!("{} waits behind run {run}", install.plain())
    }));
    match run.waiting.len() {
        0 | 1 => {}
        several => parts.push(format!("{} more wait", several - 1)),
    }
    parts.join(", ")
}

/// Returns when the run's only deploy began, or else the wait.
pub(super) fn since(result: &RunResult) -> Option<Timestamp> {
    let deploy = match &*result.targets {
        [one] => one.deploy.as_ref(),
        _ => None,
    };
    instant(deploy.and_then(|deploy| deploy.created_at.as_ref())).or_else(|| instant(Some(&result.started_at)))
}

pub(super) fn instant(at: Option<&Line>) -> Option<Timestamp> {
    at?.plain().parse().ok()
}

fn state(deploy: &DeployResult) -> Option<String> {
    // The server's description of some statuses is the status.
    let description = deploy.status_description.as_ref().filter(|text| **text != deploy.status);
    let parts = [Some(&deploy.status), description];
    let parts: Vec<&str> = parts.into_iter().flatten().filter_map(seen).map(Line::plain).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

fn short(commit: &Line) -> String {
    commit.plain().chars().take(COMMIT).collect()
}

/// Says what is deployed, and by whom, if that is the same for all.
fn origin(result: &RunResult) -> Option<String> {
    let deploys = || result.targets.iter().filter_map(|target| target.deploy.as_ref());
    let same = |part: fn(&DeployResult) -> Option<&Line>| {
        let first = deploys().find_map(part).and_then(seen)?;
        deploys().filter_map(part).all(|other| other == first).then_some(first)
    };
    let commit = same(|deploy| deploy.commit.as_ref()).map(short);
    let author = same(|deploy| deploy.created_by.as_ref()).map(|author| format!("by {}", author.plain()));
    let parts: Vec<String> = commit.into_iter().chain(author).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A deploy that has not ended has no duration yet.
fn took(result: &RunResult, one: Option<&TargetResult>) -> String {
    let watched = milliseconds(result.elapsed_ms);
    let Some(one) = one else { return watched };
    match one.took().filter(|_| has_ended(one)) {
        Some(whole) => human(whole),
        // Nothing was watched.
        None if one.verdict == Verdict::Rejected && one.deploy.is_none() => String::new(),
        None => format!("watched for {watched}"),
    }
}

fn last_good(target: &TargetResult) -> Option<String> {
    let good = target.last_good.as_ref().filter(|_| target.verdict != Verdict::Passed)?;
    let which =
        good.commit.as_ref().and_then(seen).map(short).or_else(|| Some(seen(&good.deploy_id)?.plain().to_owned()));
    which.map(|which| format!("last good {which}"))
}

fn milliseconds(ms: u64) -> String {
    human(Duration::from_millis(ms))
}
