//! Events as JSON lines. The form is frozen, like the result's.

use jiff::Timestamp;
use nuon_gate_core::model::Status;
use nuon_gate_core::report::Known;
use nuon_gate_core::result::v1::{PlanResult, RunResult, WaitingResult, millis, rfc3339};
use nuon_gate_core::watch::{Event, EventKind, Pace, Pending, RunEvent};
use nuon_gate_core::{GroupReport, Line, Target, Verdict};
use serde::Serialize;
use serde_json::{Value, json};

use crate::words;

/// Returns an event as a line; `None` for events that only people read.
pub(super) fn line(event: &Event, started_at: Timestamp, targets: &[Target]) -> Option<String> {
    let at = started_at.saturating_add(event.at.elapsed()).unwrap_or(started_at);
    let (name, mut body) = body(&event.kind, at, targets)?;
    body["event"] = json!(name);
    body["at"] = json!(rfc3339(at));
    Some(body.to_string())
}

/// Returns when a deploy is expected to end; in the past, if it has taken longer than usual.
fn expected_end(pace: Pace, now: Timestamp) -> Line {
    let began = now.saturating_sub(pace.elapsed).unwrap_or(now);
    rfc3339(began.saturating_add(pace.typical).unwrap_or(now))
}

/// The last line.
#[derive(Serialize)]
pub(super) struct ResultEvent<'a> {
    event: &'static str,
    at: &'a Line,
    result: &'a RunResult,
}

impl<'a> ResultEvent<'a> {
    pub(super) fn new(result: &'a RunResult) -> Self {
        Self { event: "result", at: &result.finished_at, result }
    }
}

fn body(kind: &EventKind, at: Timestamp, targets: &[Target]) -> Option<(&'static str, Value)> {
    let named = |index: &usize| targets.get(*index).map(target);
    Some(match kind {
        EventKind::Steps { .. } | EventKind::Logged { .. } | EventKind::LogEnded { .. } => return None,
        EventKind::Started { targets } => {
            ("started", json!({"targets": targets.iter().map(target).collect::<Vec<_>>()}))
        }
        EventKind::Joined { is, .. } => ("joined", json!({"target": target(is), "group": is.group()})),
        EventKind::NotStarted { target } => ("not_started", json!({"target": named(target)})),
        EventKind::Found { target, deploy, status, build, commit, matched_by, replaces, .. } => (
            "found",
            json!({
                "target": named(target), "deploy_id": deploy.to_string(), "status": status.as_str(),
                "build_id": build.as_ref().map(ToString::to_string), "commit": commit,
                "matched_by": matched_by.as_str(), "because": matched_by.sentence(),
                "replaces": replaces.as_ref().map(ToString::to_string),
            }),
        ),
        EventKind::Expected { target, deploy, pace } => (
            "expected",
            json!({
                "target": named(target), "deploy_id": deploy.to_string(), "elapsed_ms": millis(pace.elapsed),
                "typical_ms": millis(pace.typical), "expected_end": expected_end(*pace, at),
            }),
        ),
        EventKind::Changed { target, deploy, from, to, spent, description } => (
            "changed",
            json!({
                "target": named(target), "deploy_id": deploy.to_string(), "from": from.as_str(), "to": to.as_str(),
                "spent_ms": millis(*spent), "status_description": description,
            }),
        ),
        EventKind::Held { target, status, hold } => {
            ("held", json!({"target": named(target), "status": status.as_str(), "why": Line::new(hold.to_string())}))
        }
        EventKind::ApprovalNeeded { target, place, step, url, plan } => (
            "approval_needed",
            json!({
                "target": target.as_ref().and_then(named), "workflow_id": place.workflow.to_string(),
                "step_id": place.step.as_ref().map(ToString::to_string), "step": step, "approval_url": url,
                "plan": plan.as_deref().map(PlanResult::from),
            }),
        ),
        EventKind::Superseded { target, from, to, policy } => (
            "superseded",
            json!({"target": named(target), "from": from.to_string(), "to": to.to_string(), "policy": policy.as_str()}),
        ),
        EventKind::Retrying { target, error, next } => (
            "retrying",
            json!({"target": target.as_ref().and_then(named), "error": Line::new(error.to_string()), "next_ms": millis(*next)}),
        ),
        EventKind::Waiting { pending } => {
            let pending = pending.iter().map(|Pending { target, status, spent, pace, hold }| {
                let why = Some(hold).filter(|hold| hold.keeps_back()).map(|hold| Line::new(hold.to_string()));
                json!({
                    "target": named(target), "status": status.as_ref().map(Status::as_str), "spent_ms": millis(*spent),
                    "why": why, "elapsed_ms": pace.map(|pace| millis(pace.elapsed)),
                    "typical_ms": pace.map(|pace| millis(pace.typical)),
                    "expected_end": pace.map(|pace| expected_end(pace, at)),
                })
            });
            ("waiting", json!({"pending": pending.collect::<Vec<_>>()}))
        }
        EventKind::Warned { target, warning } => {
            let text = Line::new(words::warning(warning));
            ("warning", json!({"target": target.as_ref().and_then(named), "text": text}))
        }
        EventKind::Queued { target, workflow, place } => (
            "queued",
            json!({
                "target": target.as_ref().and_then(named), "workflow_id": workflow.to_string(), "position": place.position,
                "ahead": place.ahead,
            }),
        ),
        EventKind::Run(event) => run(event),
        EventKind::Ended { target, deploy, approval, verdict, cause } => {
            // As in the result, a pending target has no reason yet.
            let cause = cause.as_ref().filter(|_| !matches!(verdict, Verdict::Passed | Verdict::Pending));
            let reason = cause.map(|cause| Line::new(words::sentence(cause)));
            let known = Known { deploy: deploy.as_ref(), approval: approval.as_ref(), cancelled: None };
            let hint = cause.and_then(|cause| (words::words().hint)(cause, known)).map(Line::new);
            let target = target.as_ref().and_then(named);
            ("ended", json!({"target": target, "verdict": verdict.as_str(), "reason": reason, "hint": hint}))
        }
    })
}

fn run(event: &RunEvent) -> (&'static str, Value) {
    match event {
        RunEvent::Found { run, workflow, status, commit } => (
            "run_found",
            json!({"run_id": run.to_string(), "workflow_id": workflow.to_string(), "status": status, "commit": commit}),
        ),
        RunEvent::Changed { run, from, to } => {
            ("run_changed", json!({"run_id": run.to_string(), "from": from, "to": to}))
        }
        RunEvent::Group(GroupReport { name, status, total, done, failed }) => {
            ("group", json!({"group": name, "status": status, "total": total, "done": done, "failed": failed}))
        }
        RunEvent::Waiting(waiting) => ("install_waiting", json!(WaitingResult::from(waiting))),
        RunEvent::Superseded { group, install, by, policy } => (
            "install_superseded",
            json!({"group": group, "install": install, "by_run_id": by.to_string(), "policy": policy.as_str()}),
        ),
        RunEvent::ApprovalNeeded { run, workflow, step, url } => (
            "run_approval_needed",
            json!({"run_id": run.to_string(), "workflow_id": workflow.to_string(), "step": step, "approval_url": url}),
        ),
    }
}

fn target(target: &Target) -> Value {
    json!({"install": target.install.to_string(), "component": target.component.to_string()})
}
