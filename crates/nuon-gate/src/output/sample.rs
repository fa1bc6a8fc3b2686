//! A made-up run for tests.

use nuon_gate_core::result::v1::{BranchRunResult, GroupResult, RunResult, TargetResult, WaitingResult};
use nuon_gate_core::{Line, Verdict};
use serde_json::json;

/// A run with these targets, each a component with its verdict. The first one's verdict is the run's.
pub(super) fn result(targets: &[(Verdict, &str)]) -> RunResult {
    let verdict = targets.first().map_or(Verdict::Rejected, |(verdict, _)| *verdict);
    let targets: Vec<TargetResult> = targets.iter().map(|(verdict, component)| target(*verdict, component)).collect();
    let result = json!({
        "schema": 1, "verdict": verdict, "exit_code": u8::from(verdict != Verdict::Passed),
        "reason": targets.first().and_then(|target| target.reason.as_ref()),
        "started_at": "2026-08-03T14:02:11Z", "finished_at": "2026-08-03T14:05:18Z", "elapsed_ms": 187_400,
        "targets": targets, "api": {"version": "0.19.812", "requests": 14, "errors": 0},
        "ci_url": "https://github.com/acme/api/actions/runs/7",
        "notifications": [{"sink": "slack", "result": "failed", "reason": "no_service"}],
        "warnings": ["the clock was set"],
    });
    serde_json::from_value(result).unwrap()
}

/// A target that ended in a way.
pub(super) fn target(verdict: Verdict, component: &str) -> TargetResult {
    let passed = verdict == Verdict::Passed;
    let status = if passed { "active" } else { "error" };
    let log: Vec<_> = (0..if passed { 0 } else { 2 })
        .map(|number| json!({"at": null, "severity": "error", "text": format!("line {number}: pods are full")}))
        .collect();
    let target = json!({
        "install": {"id": "inl1", "name": "acme"}, "component": {"id": "cmp1", "name": component},
        "verdict": verdict, "reason": (!passed).then_some("quota exceeded for pods"), "clock": null,
        "deploy": {
            "id": "dpl1", "type": "apply", "status": status, "status_description": "it is so", "build_id": "bld1",
            "commit": "4be1c7d09f5a2e63", "workflow_id": "inw1", "created_by": "ci@vendor.example",
            "created_at": "2026-08-03T14:02:11Z", "ended_at": "2026-08-03T14:05:18Z",
        },
        "matched_by": "build", "superseded_by": null, "replaced": [], "typical_ms": 170_000, "recovered_after": null,
        "last_good": {"deploy_id": "dpl0", "build_id": "bld0", "commit": "0a1b2c3d", "at": "2026-08-02T09:00:00Z"},
        "timeline": [
            {"status": "queued", "at": "2026-08-03T14:02:11Z", "duration_ms": 9_000},
            {"status": "executing", "at": "2026-08-03T14:02:20Z", "duration_ms": 178_000},
            {"status": status, "at": "2026-08-03T14:05:18Z", "duration_ms": null},
        ],
        "url": "https://app.nuon.example/deploys/dpl1", "approval_url": null, "log_tail": log, "warnings": [],
    });
    serde_json::from_value(target).unwrap()
}

/// Replaces every text of a run that a server or a customer wrote.
pub(super) fn saying(result: &RunResult, text: &str) -> RunResult {
    let text = &Line::new(text);
    let mut result = result.clone();
    result.reason = Some(text.clone());
    result.warnings = vec![text.clone()];
    for notification in &mut result.notifications {
        (notification.sink, notification.reason) = (text.clone(), Some(text.clone()));
    }
    let group = GroupResult { name: text.clone(), status: text.clone(), total: 3, done: 1, failed: 1 };
    let (install, behind_run_id) = (text.clone(), text.clone());
    let waiting = WaitingResult { group: text.clone(), install, behind_run_id, why: Some(text.clone()) };
    result.branch_run = Some(BranchRunResult {
        id: text.clone(),
        status: text.clone(),
        commit: Some(text.clone()),
        awaiting_approval: true,
        url: Some(text.clone()),
        groups: vec![group],
        waiting: vec![waiting],
    });
    for target in &mut result.targets {
        target.group = Some(text.clone());
        for named in [&mut target.install, &mut target.component] {
            (named.id, named.name) = (text.clone(), Some(text.clone()));
        }
        let said = || Some(text.clone());
        (target.reason, target.superseded_by, target.replaced) = (said(), said(), vec![text.clone()]);
        (target.url, target.approval_url) = (said(), said());
        target.warnings = vec![text.clone()];
        if let Some(deploy) = &mut target.deploy {
            deploy.status.clone_from(text);
            (deploy.id, deploy.deploy_type, deploy.status_description) = (said(), said(), said());
            (deploy.build_id, deploy.commit, deploy.created_by) = (said(), said(), said());
        }
        if let Some(good) = &mut target.last_good {
            good.deploy_id.clone_from(text);
            (good.commit, good.at) = (said(), said());
        }
        target.timeline.iter_mut().for_each(|stay| stay.status.clone_from(text));
        target.log_tail.iter_mut().for_each(|line| line.text.clone_from(text));
    }
    result
}
