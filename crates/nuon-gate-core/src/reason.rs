//! Extracts why a deploy failed.

use crate::cause::Denial;
use crate::model::{Deploy, JobStatus, PolicySeverity, PolicyViolation, Status, WorkflowStep};
use crate::{Line, RemoteText};

/// Longest reason, in characters; the rest is in Nuon.
pub(crate) const LONGEST: usize = 1000;

/// Generic texts that the server writes for nearly every failure.
const GENERIC: [&str; 8] = [
    "unable to deploy",
    "unable to sync",
    "unable to teardown",
    "unable to execute deploy",
    "deploy failed",
    "failed",
    "finished",
    "error",
];

/// Returns why a deploy ended as it did: the first specific text among the deploy's error, its failing job's error, the
/// policies that denied it, its status, its history, and the metadata of its failing job. Generic texts do not count.
pub fn specific(deploy: &Deploy) -> Option<RemoteText> {
    let history = deploy.status_v2.iter().flat_map(|v2| v2.history.iter().flatten().rev());
    let failed_history = history.filter(|entry| entry.status.as_ref() == Some(deploy.current_status()));
    let descriptions = deploy.description().into_iter();
    let descriptions = descriptions.chain(failed_history.filter_map(|entry| entry.description.as_ref()));
    first_of(deploy, descriptions)
}

/// Returns the server's reason for a deploy that never ended. The description of its current status does not count.
pub(crate) fn of_orphan(deploy: &Deploy) -> Option<RemoteText> {
    first_of(deploy, [].into_iter())
}

/// Returns the first specific text: these descriptions come before the metadata of the failing job.
fn first_of<'a>(deploy: &'a Deploy, descriptions: impl Iterator<Item = &'a RemoteText>) -> Option<RemoteText> {
    let failing = deploy.jobs().find(|job| job.status.as_ref().is_some_and(JobStatus::is_failure));
    let job_error = failing.and_then(|job| job.composite_error.as_ref());
    let job_description = failing.and_then(|job| job.status_description.as_ref());
    let results = || {
        let executions = failing.into_iter().flat_map(|job| job.executions.iter().flatten());
        executions.filter_map(|execution| execution.result.as_ref())
    };
    let noted = results().filter_map(|result| result.error_metadata.as_ref()?.get("message")?.as_ref());
    let result_errors = results().filter_map(|result| result.composite_error.as_ref()?.message.as_ref());
    let errors = [deploy.composite_error.as_ref(), job_error].into_iter().flatten();
    let left_behind = job_description.into_iter().chain(result_errors).chain(noted);
    errors
        .filter_map(|error| error.message.as_ref())
        .find_map(|text| informative(text, deploy))
        .or_else(|| policies(deploy).map(|denial| denial.text().clone()))
        .or_else(|| descriptions.chain(left_behind).find_map(|text| informative(text, deploy)))
}

/// Returns the generic text of a deploy, which is better than nothing.
pub fn generic(deploy: &Deploy) -> Option<RemoteText> {
    deploy.description().filter(|text| text.line(LONGEST) != deploy.current_status().as_str()).cloned()
}

/// Returns the human who denied a step's plan.
pub fn denial(step: &WorkflowStep) -> Option<Denial> {
    let response = step.approval.as_ref()?.response.as_ref()?;
    let answer = response.response_type.as_ref().map(|answer| answer.line(60))?;
    if !answer.plain().starts_with("deny") {
        return None;
    }
    let who = response.created_by_id.as_ref().map(|id| id.line(100)).filter(|id| !id.is_empty());
    let by = who.map(|who| format!(" by {}", who.plain())).unwrap_or_default();
    let note = response.note.as_ref().map(|note| note.line(LONGEST)).filter(|note| !note.is_empty());
    let note = note.map(|note| format!(": {}", note.plain())).unwrap_or_default();
    Some(Denial::Human(RemoteText::new(format!("the plan was denied{by}{note}"))))
}

/// Returns the server's own hint.
pub fn server_hint(deploy: &Deploy) -> Option<RemoteText> {
    let errors = deploy.composite_error.iter().chain(deploy.jobs().filter_map(|job| job.composite_error.as_ref()));
    let mut hints = errors.flat_map(|error| error.hints.iter().flatten().filter_map(|(_, hint)| hint.as_ref()));
    hints.find(|hint| !hint.is_blank()).cloned()
}

/// Returns which policies deny a deploy's plan.
pub(crate) fn policies(deploy: &Deploy) -> Option<Denial> {
    let violations = deploy.policy_reports.iter().flatten().flat_map(|report| report.violations.iter().flatten());
    let denying: Vec<_> = violations.filter(|own| own.severity == Some(PolicySeverity::Deny)).collect();
    let found = |violation: &PolicyViolation| {
        let parts = [&violation.policy_name, &violation.message].into_iter().flatten().map(|text| text.line(300));
        let parts: Vec<Line> = parts.filter(|text| !text.is_empty()).collect();
        parts.iter().map(Line::plain).collect::<Vec<_>>().join(": ")
    };
    let all: Vec<String> = denying.iter().map(|own| found(own)).filter(|found| !found.is_empty()).collect();
    let mut names: Vec<RemoteText> = Vec::new();
    for name in denying.iter().filter_map(|own| own.policy_name.as_ref()).filter(|name| !name.is_blank()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let found = RemoteText::new(format!("denied by policy: {}", all.join("; ")));
    (!all.is_empty()).then_some(Denial::Policies { names, found })
}

fn informative(text: &RemoteText, deploy: &Deploy) -> Option<RemoteText> {
    let line = text.line(LONGEST);
    let plain = line.plain().trim_end_matches('.').to_lowercase();
    let says_nothing = plain.is_empty()
        || GENERIC.contains(&plain.as_str())
        || Status::from(plain.as_str()) == *deploy.current_status();
    (!says_nothing).then(|| text.clone())
}
