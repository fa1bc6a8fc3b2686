//! Events and reports in words.

use std::time::Duration;

use nuon_gate_core::model::Status;
use nuon_gate_core::report::{Report, TargetReport};
use nuon_gate_core::result::{TargetResult, VerdictName};
use nuon_gate_core::timeline::{human, time_in_each_status};
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{Hold, Line, Target, Verdict};

use crate::words;

/// How a line is meant, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    Good,
    Bad,
    Warning,
}

/// Returns the shortest names that tell the targets apart: without the install if all share it.
pub(super) fn labels(targets: &[Target]) -> Vec<Line> {
    let one_install = targets.iter().all(|target| target.install == targets[0].install);
    targets
        .iter()
        .map(|target| if one_install { Line::new(target.component_label()) } else { Line::new(target.to_string()) })
        .collect()
}

/// Says what happened: to which target, in what tone, in which words. `None` for what needs no words.
pub(super) fn event(kind: &EventKind) -> Option<(Option<usize>, Tone, Line)> {
    let (target, tone, words) = match kind {
        EventKind::Started { .. } => return None,
        EventKind::Joined { target, .. } => (*target, Tone::Plain, "is deployed by the workflow".to_owned()),
        EventKind::NotStarted { target } => (*target, Tone::Plain, "no deploy yet".to_owned()),
        EventKind::Found { target, deploy, status, build, commit, matched_by, replaces } => {
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
        EventKind::Changed { target, from, to, spent, description, .. } => {
            let said = description.as_ref().map(|text| format!(": {}", text.plain())).unwrap_or_default();
            (*target, Tone::Plain, format!("{from} → {to} after {}{said}", human(*spent)))
        }
        EventKind::Held { target, status, hold } => (*target, Tone::Plain, held(status, hold)),
        EventKind::ApprovalNeeded { target, workflow, url, .. } => {
            let place = url.as_ref().map_or_else(|| format!("in workflow {workflow}"), |url| url.plain().to_owned());
            (*target, Tone::Warning, format!("a human has to approve the plan: {place}"))
        }
        EventKind::Superseded { target, from, to, policy } => {
            (*target, Tone::Warning, format!("deploy {from} is superseded by {to} ({})", policy.as_str()))
        }
        EventKind::Retrying { target, error, next } => {
            let words = format!("no good answer ({error}), asking again in {}", human(*next));
            return Some((*target, Tone::Faint, Line::new(words)));
        }
        EventKind::Waiting { .. } => return None,
        EventKind::Warned { target, warning } => {
            return Some((*target, Tone::Warning, Line::new(format!("warning: {}", words::warning(warning)))));
        }
        EventKind::Ended { target, verdict, cause, .. } => {
            let tone = match verdict {
                Verdict::Passed => Tone::Good,
                Verdict::Pending | Verdict::Interrupted(_) => Tone::Warning,
                _ => Tone::Bad,
            };
            let reason = cause.as_ref().map(|cause| format!(": {}", words::sentence(cause))).unwrap_or_default();
            return Some((
                *target,
                tone,
                Line::new(format!("{} {}{reason}", VerdictName::from(*verdict).sign(), name(*verdict))),
            ));
        }
    };
    Some((Some(target), tone, Line::new(words)))
}

fn held(status: &Status, hold: &Hold) -> String {
    let why = hold.to_string();
    if why.is_empty() { status.to_string() } else { format!("{status}, {why}: polling again") }
}

/// Says that a target is still pending.
pub(super) fn waiting(status: Option<&Status>, spent: Duration) -> Line {
    Line::new(match status {
        Some(status) => format!("still {status}, for {}", human(spent)),
        None => format!("still no deploy, after {}", human(spent)),
    })
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TimedOut => "timed out",
        Verdict::ApprovalNeeded => "approval needed",
        other => other.as_str(),
    }
}

/// Returns the line that ends a run on stdout.
pub(super) fn verdict_line(report: &Report) -> Line {
    let elapsed = human(report.elapsed);
    let verdict = name(report.verdict);
    if let Some(reason) = words::words().run_reason(report) {
        return Line::new(format!("{verdict}: {}", reason.plain()));
    }
    Line::new(match report.targets.as_slice() {
        [only] => format!("{verdict} after {elapsed}: {}", subject(only)),
        several => {
            let passed = several.iter().filter(|target| target.verdict == Verdict::Passed).count();
            format!("{verdict} after {elapsed}: {passed} of {} targets", several.len())
        }
    })
}

fn subject(target: &TargetReport) -> String {
    let deploy = target.deploy.as_deref();
    let id = deploy.and_then(|deploy| deploy.id.as_ref()).map(|id| format!(", deploy {id}")).unwrap_or_default();
    let status = deploy.map(|deploy| format!(" is {}", deploy.current_status())).unwrap_or_default();
    format!("{}{id}{status}", target.target)
}

/// Returns what an on-call person wants to know of a target that did not pass, as pairs of a word and a text. The reason
/// is not among them: it has just been told.
pub(super) fn details(report: &TargetReport, result: &TargetResult) -> Vec<(&'static str, Line)> {
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
    let spent = time_in_each_status(&report.timeline);
    if !spent.is_empty() {
        details.push(("time", Line::new(spent)));
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
    if let Some(live) = &result.last_good {
        let what = live.commit.as_ref().map(|commit| format!(", commit {}", commit.plain())).unwrap_or_default();
        let since = live.at.as_ref().map(|at| format!(", since {}", at.plain())).unwrap_or_default();
        details.push(("live", Line::new(format!("{}{what}{since}", live.deploy_id.plain()))));
    }
    if let Some(typical) = report.history.typical {
        details.push(("usual", Line::new(format!("such a deploy takes {}", human(typical)))));
    }
    details.extend(report.log_tail.iter().map(|line| ("log", line.text.clone())));
    details
}
