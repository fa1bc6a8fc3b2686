//! Events and reports in words.

use std::time::Duration;

use nuon_gate_core::result::TargetResult;
use nuon_gate_core::watch::EventKind;
use nuon_gate_core::{Report, Target, TargetReport, Verdict, human, time_in_each_status};

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
pub(super) fn labels(targets: &[Target]) -> Vec<String> {
    let one_install = targets.iter().all(|target| target.install == targets[0].install);
    targets
        .iter()
        .map(|target| if one_install { target.component_label().to_owned() } else { target.to_string() })
        .collect()
}

/// Says what happened: to which target, in what tone, in which words. `None` for what needs no words.
pub(super) fn event(kind: &EventKind) -> Option<(Option<usize>, Tone, String)> {
    let (target, tone, words) = match kind {
        EventKind::Started { .. } => return None,
        EventKind::Joined { target, .. } => (*target, Tone::Plain, "is deployed by the workflow".to_owned()),
        EventKind::NotStarted { target } => (*target, Tone::Plain, "no deploy yet".to_owned()),
        EventKind::Found { target, deploy, status, build, commit, matched_by, replaces } => {
            let build = build.as_ref().map(|build| format!("build {build}"));
            let commit =
                commit.as_ref().map(|commit| format!("commit {}", commit.chars().take(10).collect::<String>()));
            let what: Vec<String> = build.into_iter().chain(commit).collect();
            let what = if what.is_empty() { String::new() } else { format!(" ({})", what.join(", ")) };
            let why = match replaces {
                Some(replaced) => format!("it took the place of {replaced}"),
                None => matched_by.sentence().to_owned(),
            };
            (*target, Tone::Plain, format!("found deploy {deploy}{what}, {why}: status {status}"))
        }
        EventKind::Changed { target, from, to, spent, description, .. } => {
            let said = description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            (*target, Tone::Plain, format!("{from} → {to} after {}{said}", human(*spent)))
        }
        EventKind::Held { target, status } => {
            (*target, Tone::Plain, format!("{status}, but its workflow can still change that: looking again"))
        }
        EventKind::ApprovalNeeded { target, workflow, url, .. } => {
            let place = url.clone().unwrap_or_else(|| format!("in workflow {workflow}"));
            (*target, Tone::Warning, format!("a human has to approve the plan: {place}"))
        }
        EventKind::Superseded { target, from, to, policy } => {
            (*target, Tone::Warning, format!("deploy {from} is superseded by {to} ({})", policy.as_str()))
        }
        EventKind::Retrying { target, error, next } => {
            return Some((*target, Tone::Faint, format!("no good answer ({error}), asking again in {}", human(*next))));
        }
        EventKind::Waiting { .. } => return None,
        EventKind::Warned { target, text } => return Some((*target, Tone::Warning, format!("warning: {text}"))),
        EventKind::Ended { target, verdict, reason } => {
            let tone = match verdict {
                Verdict::Passed => Tone::Good,
                Verdict::Pending | Verdict::Interrupted(_) => Tone::Warning,
                _ => Tone::Bad,
            };
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            return Some((*target, tone, format!("{} {}{reason}", mark(*verdict), words(*verdict))));
        }
    };
    Some((Some(target), tone, words))
}

/// Says that a target is still pending.
pub(super) fn waiting(status: Option<&str>, spent: Duration) -> String {
    match status {
        Some(status) => format!("still {status}, for {}", human(spent)),
        None => format!("still no deploy, after {}", human(spent)),
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Pending => "…",
        _ => "✗",
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TimedOut => "timed out",
        Verdict::ApprovalNeeded => "approval needed",
        other => other.as_str(),
    }
}

/// Returns the line that ends a run on stdout.
pub(super) fn verdict_line(report: &Report) -> String {
    let elapsed = human(report.elapsed);
    let verdict = words(report.verdict);
    if let Some(reason) = &report.reason {
        return format!("{verdict}: {reason}");
    }
    match report.targets.as_slice() {
        [only] => format!("{verdict} after {elapsed}: {}", subject(only)),
        several => {
            let passed = several.iter().filter(|target| target.verdict == Verdict::Passed).count();
            format!("{verdict} after {elapsed}: {passed} of {} targets", several.len())
        }
    }
}

fn subject(target: &TargetReport) -> String {
    let deploy = target.deploy.as_deref();
    let id = deploy.and_then(|deploy| deploy.id.as_ref()).map(|id| format!(", deploy {id}")).unwrap_or_default();
    let status = deploy.map(|deploy| format!(" is {}", deploy.current_status())).unwrap_or_default();
    format!("{}{id}{status}", target.target)
}

/// Returns what an on-call person wants to know of a target that did not pass, as pairs of a word and a text. The reason
/// is not among them: it has just been told.
pub(super) fn details(report: &TargetReport, result: &TargetResult) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    if let Some(deploy) = &result.deploy {
        let parts = [
            deploy.id.clone(),
            deploy.deploy_type.clone(),
            deploy.build_id.as_ref().map(|build| format!("build {build}")),
            deploy.commit.as_ref().map(|commit| format!("commit {commit}")),
            deploy.created_by.as_ref().map(|author| format!("by {author}")),
        ];
        details.push(("deploy", parts.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    }
    let spent = time_in_each_status(&report.timeline);
    if !spent.is_empty() {
        details.push(("time", spent));
    }
    if let Some(url) = &result.approval_url {
        details.push(("approve", url.clone()));
    }
    if let Some(url) = &result.url {
        details.push(("see", url.clone()));
    }
    if let Some(hint) = &report.hint {
        details.push(("hint", hint.clone()));
    }
    if let Some(live) = &result.last_good {
        let what = live.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        let since = live.at.as_ref().map(|at| format!(", since {at}")).unwrap_or_default();
        details.push(("live", format!("{}{what}{since}", live.deploy_id)));
    }
    if let Some(typical) = report.history.typical {
        details.push(("usual", format!("such a deploy takes {}", human(typical))));
    }
    details.extend(report.log_tail.iter().map(|line| ("log", line.text.clone())));
    details
}
