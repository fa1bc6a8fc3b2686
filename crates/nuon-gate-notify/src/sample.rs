//! A made-up run, for testing templates, channels and renderings.

use nuon_gate_core::result::v1::{
    ApiResult, DeployResult, LastGood, LogLine, Named, PlanResult, RunResult, StayResult, TargetResult,
};
use nuon_gate_core::{Clock, Line, MatchedBy, Verdict};

/// Returns a run with one target that has this verdict.
pub(crate) fn result(verdict: Verdict) -> RunResult {
    let target = target(verdict, "acme", "api", 1);
    RunResult {
        schema: 1,
        verdict,
        exit_code: verdict.exit_code(),
        reason: target.reason.clone(),
        hint: target.hint.clone(),
        started_at: Line::new("2026-08-03T14:02:11Z"),
        finished_at: Line::new("2026-08-03T14:05:18Z"),
        elapsed_ms: 187_000,
        targets: vec![target],
        branch_run: None,
        shard: None,
        api: ApiResult { version: Some(Line::new("0.19.812")), requests: 14, errors: 0 },
        ci_url: Some(Line::new("https://github.com/acme/api/actions/runs/7")),
        notifications: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Returns one target that has this verdict.
pub(crate) fn target(verdict: Verdict, install: &str, component: &str, number: u32) -> TargetResult {
    let (status, reason) = words(verdict);
    let ended = matches!(verdict, Verdict::Passed | Verdict::Failed | Verdict::Cancelled);
    let id = format!("dpl{number:023}");
    let page = |path: &str| Some(Line::new(format!("https://app.nuon.co/org1/installs/inl1/{path}")));
    let asks = verdict == Verdict::ApprovalNeeded;
    TargetResult {
        install: Named { id: Line::new("inl1"), name: Some(Line::new(install)) },
        component: Named { id: Line::new("cmp1"), name: Some(Line::new(component)) },
        verdict,
        reason: reason.map(Line::new),
        hint: reason.map(|_| Line::new("fix that, then deploy again")),
        clock: (verdict == Verdict::TimedOut).then_some(Clock::Total),
        url: page(&format!("components/cmp1/deploys/{id}")),
        deploy_verdict: ended.then_some(verdict),
        health: None,
        deploy: Some(deploy(id, status, ended)),
        matched_by: Some(MatchedBy::Build),
        group: None,
        queue: None,
        superseded_by: (verdict == Verdict::Superseded).then(|| Line::new("dpl9")),
        replaced: Vec::new(),
        typical_ms: Some(170_000),
        recovered_after: None,
        last_good: (verdict != Verdict::Passed).then(|| LastGood {
            deploy_id: Line::new("dpl0"),
            build_id: Some(Line::new("bld0")),
            commit: Some(Line::new("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567")),
            at: Some(Line::new("2026-08-02T09:00:00Z")),
        }),
        timeline: timeline(status, ended),
        approval_url: asks.then(|| page("workflows/inw1")).flatten(),
        plan: asks.then(plan),
        log_tail: if verdict == Verdict::Failed { log_tail() } else { Vec::new() },
        warnings: Vec::new(),
    }
}

fn plan() -> PlanResult {
    let destroyed = vec![Line::new("aws_db_instance.main"), Line::new("aws_s3_bucket.logs")];
    PlanResult { add: 3, change: 1, destroy: 2, destroyed }
}

fn words(verdict: Verdict) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Passed | Verdict::NotifyFailed => ("active", None),
        Verdict::Failed => ("error", Some("api: unable to deploy: quota exceeded for pods in namespace acme")),
        Verdict::Rejected => ("executing", Some("the API said no: HTTP 403: not a member of this organisation")),
        Verdict::Cancelled => ("cancelled", Some("the deploy was cancelled")),
        Verdict::ApprovalNeeded => ("pending-approval", Some("the plan waits for an approval")),
        Verdict::Superseded => ("executing", Some("a newer deploy took its place")),
        Verdict::Inconclusive => ("executing", Some("no good answer from the API for 5m")),
        Verdict::TimedOut => ("executing", Some("--timeout: not ended after 1h; executing for 58m")),
        Verdict::Interrupted(_) => ("executing", Some("SIGTERM ended the wait")),
        Verdict::Pending => ("executing", None),
    }
}

fn deploy(id: String, status: &str, ended: bool) -> DeployResult {
    DeployResult {
        id: Some(Line::new(id)),
        deploy_type: Some(Line::new("apply")),
        status: Line::new(status),
        status_description: (status == "executing").then(|| Line::new("applying the plan")),
        build_id: Some(Line::new("bld1")),
        commit: Some(Line::new("4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b")),
        workflow_id: Some(Line::new("inw1")),
        created_by: Some(Line::new("ada@acme.example")),
        created_at: Some(Line::new("2026-08-03T14:02:20Z")),
        ended_at: ended.then(|| Line::new("2026-08-03T14:05:17Z")),
    }
}

fn timeline(last: &str, ended: bool) -> Vec<StayResult> {
    let stay =
        |status: &str, at: &str, duration_ms| StayResult { status: Line::new(status), at: Line::new(at), duration_ms };
    vec![
        stay("queued", "2026-08-03T14:02:20Z", Some(9_000)),
        stay("executing", "2026-08-03T14:02:29Z", Some(168_000)),
        stay(last, "2026-08-03T14:05:17Z", (!ended).then_some(1_000)),
    ]
}

fn log_tail() -> Vec<LogLine> {
    let line = |severity: &str, text: &str| LogLine {
        at: Some(Line::new("2026-08-03T14:05:16Z")),
        severity: Line::new(severity),
        text: Line::new(text),
    };
    vec![
        line("info", "helm upgrade --install api ./chart"),
        line("error", "Error: UPGRADE FAILED: pods \"api-7d9f\" is forbidden: exceeded quota: acme, used: pods=20"),
    ]
}

/// Returns a run for a test message.
pub(crate) fn test(now: jiff::Timestamp) -> RunResult {
    let at = nuon_gate_core::result::v1::rfc3339(now);
    RunResult { started_at: at.clone(), finished_at: at, elapsed_ms: 0, ci_url: None, ..result(Verdict::Passed) }
}
