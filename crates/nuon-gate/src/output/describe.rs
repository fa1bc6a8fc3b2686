//! Events and reports in words.

use std::collections::HashMap;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nuon_gate_core::model::{Plan, Status};
use nuon_gate_core::result::v1::{
    GroupResult, PlanResult, RunResult, ShardResult, StayResult, TargetResult, WaitingResult,
};
use nuon_gate_core::timeline::{human, time_in_each_status};
use nuon_gate_core::watch::{EventKind, Pace, Pending, RunEvent};
use nuon_gate_core::{Hold, Line, Target, Verdict, WorkflowId};

use super::outcome;
use crate::words;

/// The tone of a line, which gives its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    Good,
    Bad,
    Warning,
}

impl Tone {
    /// Returns the tone of a verdict.
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Good,
            Verdict::Pending | Verdict::ApprovalNeeded | Verdict::Interrupted(_) => Self::Warning,
            _ => Self::Bad,
        }
    }

    /// Returns its colour.
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
        }
    }
}

/// Returns the shortest labels that distinguish the targets: without the install if all share it, and with an id only where
/// two have the same names.
pub(super) fn labels(targets: &[Target]) -> Vec<Line> {
    let one_install = targets.iter().all(|target| target.install == targets[0].install);
    let label = |target: &Target| if one_install { target.component_label().to_owned() } else { target.to_string() };
    let mut count: HashMap<String, usize> = HashMap::new();
    targets.iter().for_each(|target| *count.entry(label(target)).or_default() += 1);
    let told_apart = |target: &Target| match label(target) {
        label if count[&label] == 1 => label,
        label if one_install => format!("{label} ({})", target.component),
        label => format!("{label} ({})", target.install),
    };
    targets.iter().map(|target| Line::new(told_apart(target))).collect()
}

/// Describes an event: the target, the tone, the words. `None` for an event that is not shown.
pub(super) fn event(kind: &EventKind) -> Option<(Option<usize>, Tone, Line)> {
    let (target, tone, words) = match kind {
        EventKind::Started { .. } => return None,
        EventKind::Joined { target, is } => (*target, Tone::Plain, joined(is)),
        EventKind::NotStarted { target } => (*target, Tone::Plain, "no deploy yet".to_owned()),
        EventKind::Found { target, deploy, status, build, commit, matched_by, replaces, .. } => {
            let build = build.as_ref().map(|build| format!("build {build}"));
            let commit =
                commit.as_ref().map(|commit| format!("commit {}", commit.plain().chars().take(10).collect::<String>()));
            let what: Vec<String> = build.into_iter().chain(commit).collect();
            let what = if what.is_empty() { String::new() } else { format!(" ({})", what.join(", ")) };
            let why = match replaces {
                Some(replaced) => format!("it took the place of {replaced}"),
                None => matched_by.sentence().to_owned(),
            };
            (*target, Tone::Plain, format!("found deploy {deploy}{what}, {why}: status {status}"))
        }
        EventKind::Expected { target, pace, .. } => return Some((Some(*target), Tone::Faint, expected(*pace))),
        EventKind::Changed { target, from, to, spent, description, .. } => {
            let said = description.as_ref().map(|text| format!(": {}", text.plain())).unwrap_or_default();
            (*target, Tone::Plain, format!("{from} → {to} after {}{said}", human(*spent)))
        }
        EventKind::Held { target, status, hold } => (*target, Tone::Plain, held(status, hold)),
        EventKind::ApprovalNeeded { target: None, place, step, url, .. } => {
            let asked = asked_before("it", step.as_ref(), url.as_ref(), &place.workflow);
            let words = format!("workflow {}: {asked}", place.workflow);
            return Some((None, Tone::Warning, Line::new(words)));
        }
        EventKind::ApprovalNeeded { target, place, url, plan, .. } => {
            let words = format!("{}: {}", asked(plan.as_deref()), page(url.as_ref(), &place.workflow));
            return Some((*target, Tone::Warning, Line::new(words)));
        }
        EventKind::Superseded { target, from, to, policy } => {
            (*target, Tone::Warning, format!("deploy {from} is superseded by {to} ({})", policy.as_str()))
        }
        EventKind::Retrying { target, error, next } => {
            let words = format!("no good answer ({error}), asking again in {}", human(*next));
            return Some((*target, Tone::Faint, Line::new(words)));
        }
        EventKind::Queued { target, workflow, place } => {
            return Some((*target, Tone::Plain, Line::new(format!("workflow {workflow}: {place}"))));
        }
        EventKind::Run(event) => {
            let (tone, words) = run(event);
            return Some((None, tone, Line::new(words)));
        }
        EventKind::Waiting { .. } | EventKind::Steps { .. } | EventKind::Logged { .. } | EventKind::LogEnded { .. } => {
            return None;
        }
        EventKind::Warned { target, warning } => {
            return Some((*target, Tone::Warning, Line::new(format!("warning: {}", words::warning(warning)))));
        }
        EventKind::Ended { target, verdict, cause, .. } => {
            let reason = cause.as_ref().map(|cause| format!(": {}", words::sentence(cause))).unwrap_or_default();
            let words = format!("{} {}{reason}", verdict.sign(), outcome::words(*verdict));
            return Some((*target, Tone::of(*verdict), Line::new(words)));
        }
    };
    Some((Some(target), tone, Line::new(words)))
}

fn joined(target: &Target) -> String {
    match target.group() {
        Some(group) => format!("is deployed in group {}", group.plain()),
        None => "is deployed by the workflow".to_owned(),
    }
}

/// Describes an event of a branch's run.
fn run(event: &RunEvent) -> (Tone, String) {
    match event {
        RunEvent::Found { run, status, commit, .. } => {
            let commit = commit
                .as_ref()
                .map(|commit| format!(" (commit {})", commit.plain().chars().take(10).collect::<String>()));
            (Tone::Plain, format!("found run {run}{}: status {}", commit.unwrap_or_default(), status.plain()))
        }
        RunEvent::Changed { from, to, .. } => (Tone::Plain, format!("run: {} → {}", from.plain(), to.plain())),
        RunEvent::Group(group) => {
            let tone = if group.failed > 0 { Tone::Bad } else { Tone::Plain };
            (tone, GroupResult::from(group).standing().plain().to_owned())
        }
        RunEvent::Waiting(waiting) => (Tone::Warning, WaitingResult::from(waiting).standing().plain().to_owned()),
        RunEvent::Superseded { group, install, by, policy } => {
            let (group, install) = (group.plain(), install.plain());
            (Tone::Warning, format!("group {group}: install {install} is superseded by run {by} ({})", policy.as_str()))
        }
        RunEvent::ApprovalNeeded { workflow, step, url, .. } => {
            (Tone::Warning, asked_before("the run", step.as_ref(), url.as_ref(), workflow))
        }
    }
}

/// Says that a human has to approve before something goes on, and where.
fn asked_before(what: &str, step: Option<&Line>, url: Option<&Line>, workflow: &WorkflowId) -> String {
    let step = step.map(|step| format!(" ({})", step.plain())).unwrap_or_default();
    format!("a human has to approve before {what} goes on{step}: {}", page(url, workflow))
}

/// Says where a human can approve.
fn page(url: Option<&Line>, workflow: &WorkflowId) -> String {
    url.map_or_else(|| format!("in workflow {workflow}"), |url| url.plain().to_owned())
}

/// Says what a human has to approve.
pub(super) fn asked(plan: Option<&Plan>) -> String {
    let plan = plan.map(|plan| format!(": {}", PlanResult::from(plan).words().plain()));
    format!("a human has to approve the plan{}", plan.unwrap_or_default())
}

fn held(status: &Status, hold: &Hold) -> String {
    let why = hold.to_string();
    match hold {
        _ if why.is_empty() => status.to_string(),
        // The progress already says that it goes on.
        hold if hold.is_of_health() => format!("{status}, {why}"),
        _ => format!("{status}, {why}: polling again"),
    }
}

/// Says how long such deploys usually take, and when this one is expected to end.
fn expected(pace: Pace) -> Line {
    let rest = match pace.remaining() {
        Duration::ZERO => "it has taken longer already".to_owned(),
        rest => format!("about {} to go", human(rest)),
    };
    Line::new(format!("usually takes {}: {rest}", human(pace.typical)))
}

/// Says that a target is still pending.
pub(super) fn waiting(pending: &Pending) -> Line {
    let spent = human(pending.spent);
    let why = Some(&pending.hold).filter(|hold| hold.keeps_back()).map(|hold| format!(", {hold}")).unwrap_or_default();
    let stands = match (&pending.status, pending.pace) {
        (Some(status), Some(Pace { elapsed, typical })) => {
            format!("still {status}, for {spent} ({} in all, usually {})", human(elapsed), human(typical))
        }
        (Some(status), None) => format!("still {status}, for {spent}"),
        (None, _) => format!("still no deploy, after {spent}"),
    };
    Line::new(stands + &why)
}

/// Returns the last line of a run on stdout: the reason, or the state of a run that has not ended.
pub(super) fn verdict_line(result: &RunResult, standing: Option<&Line>) -> Line {
    let elapsed = human(Duration::from_millis(result.elapsed_ms));
    let verdict = outcome::words(result.verdict);
    if let Some(reason) = result.reason.as_ref().or(standing) {
        return Line::new(format!("{verdict}: {}", reason.plain()));
    }
    Line::new(match (result.targets.as_slice(), &result.shard) {
        ([], Some(ShardResult { index, count, .. })) => {
            format!("{verdict} after {elapsed}: there are no targets in shard {index}/{count}")
        }
        ([only], _) => format!("{verdict} after {elapsed}: {}", subject(only)),
        (several, _) => {
            let passed = several.iter().filter(|target| target.verdict == Verdict::Passed).count();
            format!("{verdict} after {elapsed}: {passed} of {} targets", several.len())
        }
    })
}

fn subject(target: &TargetResult) -> String {
    let deploy = target.deploy.as_ref();
    let id = deploy.and_then(|deploy| deploy.id.as_ref()).map(|id| format!(", deploy {}", id.plain()));
    let status = deploy.map(|deploy| format!(" is {}", deploy.status.plain()));
    let (install, component) = (target.install.label().plain(), target.component.label().plain());
    format!("{install}/{component}{}{}", id.unwrap_or_default(), status.unwrap_or_default())
}

/// Returns the plan that still has to be approved.
pub(super) fn open_plan(result: &TargetResult) -> Option<&PlanResult> {
    let is_open = result.approval_url.is_some() || result.verdict == Verdict::ApprovalNeeded;
    result.plan.as_ref().filter(|_| is_open)
}

/// Returns the details of a target that did not pass, as pairs of a label and a text. The reason is not among them: it has
/// just been shown.
pub(super) fn details(result: &TargetResult) -> Vec<(&'static str, Line)> {
    let mut details = Vec::new();
    if let Some(deploy) = &result.deploy {
        let named = |name: &str, line: &Option<Line>| line.as_ref().map(|line| format!("{name}{}", line.plain()));
        let parts = [
            named("", &deploy.id),
            named("", &deploy.deploy_type),
            named("build ", &deploy.build_id),
            named("commit ", &deploy.commit),
            named("by ", &deploy.created_by),
        ];
        details.push(("deploy", Line::new(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))));
    }
    let spent = time_in_each_status(result.timeline.iter().map(StayResult::spent));
    if !spent.is_empty() {
        details.push(("time", Line::new(spent)));
    }
    if let Some(plan) = open_plan(result) {
        details.push(("plan", plan.words()));
    }
    if let Some(url) = &result.approval_url {
        details.push(("approve", url.clone()));
    }
    if let Some(url) = &result.url {
        details.push(("see", url.clone()));
    }
    if let Some(hint) = &result.hint {
        details.push(("hint", hint.clone()));
    }
    if let Some(good) = &result.last_good {
        let what = good.commit.as_ref().map(|commit| format!(", commit {}", commit.plain())).unwrap_or_default();
        let since = good.at.as_ref().map(|at| format!(", since {}", at.plain())).unwrap_or_default();
        details.push(("last good", Line::new(format!("{}{what}{since}", good.deploy_id.plain()))));
    }
    if let Some(typical) = result.typical_ms.map(Duration::from_millis) {
        details.push(("usual", Line::new(format!("such a deploy takes {}", human(typical)))));
    }
    details.extend(result.log_tail.iter().map(|line| ("log", line.text.clone())));
    details
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::RemoteText;

    use super::*;

    #[test]
    fn labels_tell_targets_apart() {
        let target = |install: &str, component: &str, name: &str| {
            let target = Target::new(install.parse().unwrap(), component.parse().unwrap());
            target.named(Some(&RemoteText::new(name)), Some(&RemoteText::new("api")))
        };
        let table = [
            (vec![target("inl1", "cmp1", "acme")], vec!["api"]),
            (vec![target("inl1", "cmp1", "acme"), target("inl2", "cmp1", "beta")], vec!["acme/api", "beta/api"]),
            (
                vec![target("inl1", "cmp1", "acme"), target("inl2", "cmp1", "beta"), target("inl3", "cmp1", "beta")],
                vec!["acme/api", "beta/api (inl2)", "beta/api (inl3)"],
            ),
            (vec![target("inl1", "cmp1", "acme"), target("inl1", "cmp2", "acme")], vec!["api (cmp1)", "api (cmp2)"]),
        ];
        for (targets, expected) in table {
            assert_eq!(labels(&targets), expected);
        }
    }
}
