//! A made-up run, for trying out templates, channels and renderings.

use nuon_gate_core::result::{
    ApiResult, DeployResult, LastGood, LogLine, Named, RunResult, StayResult, TargetResult, VerdictName,
};
use nuon_gate_core::{Clock, MatchedBy};

/// Returns a run with one target that ended in a way.
pub(crate) fn result(verdict: VerdictName) -> RunResult {
    let target = target(verdict, "acme", "api", 1);
    RunResult {
        schema: 1,
        verdict,
        exit_code: exit_code(verdict),
        reason: target.reason.clone(),
        started_at: "2026-08-03T14:02:11Z".to_owned(),
        finished_at: "2026-08-03T14:05:18Z".to_owned(),
        elapsed_ms: 187_000,
        targets: vec![target],
        api: ApiResult { version: Some("0.19.812".to_owned()), requests: 14, errors: 0 },
        ci_url: Some("https://github.com/acme/api/actions/runs/7".to_owned()),
        notifications: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Returns one target that ended in a way.
pub(crate) fn target(verdict: VerdictName, install: &str, component: &str, number: u32) -> TargetResult {
    let (status, reason) = words(verdict);
    let ended = matches!(verdict, VerdictName::Passed | VerdictName::Failed | VerdictName::Cancelled);
    let id = format!("dpl{number:023}");
    let page = |path: &str| Some(format!("https://app.nuon.co/org1/installs/inl1/{path}"));
    let asks = verdict == VerdictName::ApprovalNeeded;
    TargetResult {
        install: Named { id: "inl1".to_owned(), name: Some(install.to_owned()) },
        component: Named { id: "cmp1".to_owned(), name: Some(component.to_owned()) },
        verdict,
        reason: reason.map(str::to_owned),
        clock: (verdict == VerdictName::TimedOut).then_some(Clock::Total),
        url: page(&format!("components/cmp1/deploys/{id}")),
        deploy: Some(deploy(id, status, ended)),
        matched_by: Some(MatchedBy::Build),
        superseded_by: (verdict == VerdictName::Superseded).then(|| "dpl9".to_owned()),
        replaced: Vec::new(),
        typical_ms: Some(170_000),
        recovered_after: None,
        last_good: (verdict != VerdictName::Passed).then(|| LastGood {
            deploy_id: "dpl0".to_owned(),
            build_id: Some("bld0".to_owned()),
            commit: Some("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".to_owned()),
            at: Some("2026-08-02T09:00:00Z".to_owned()),
        }),
        timeline: timeline(status, ended),
        approval_url: asks.then(|| page("workflows/inw1")).flatten(),
        log_tail: if verdict == VerdictName::Failed { log_tail() } else { Vec::new() },
        warnings: Vec::new(),
    }
}

fn words(verdict: VerdictName) -> (&'static str, Option<&'static str>) {
    match verdict {
        VerdictName::Passed | VerdictName::NotifyFailed => ("active", None),
        VerdictName::Failed => ("error", Some("api: unable to deploy: quota exceeded for pods in namespace acme")),
        VerdictName::Rejected => ("executing", Some("the API said no: HTTP 403: not a member of this organisation")),
        VerdictName::Cancelled => ("cancelled", Some("the deploy was cancelled")),
        VerdictName::ApprovalNeeded => ("pending-approval", Some("the plan waits for an approval")),
        VerdictName::Superseded => ("executing", Some("a newer deploy took its place")),
        VerdictName::Inconclusive => ("executing", Some("no good answer from the API for 5m")),
        VerdictName::TimedOut => ("executing", Some("--timeout: not ended after 1h; executing for 58m")),
        VerdictName::Interrupted => ("executing", Some("SIGTERM ended the wait")),
        VerdictName::Pending => ("executing", None),
    }
}

fn exit_code(verdict: VerdictName) -> u8 {
    match verdict {
        VerdictName::Passed => 0,
        VerdictName::Failed => 1,
        VerdictName::Rejected => 3,
        VerdictName::Cancelled => 4,
        VerdictName::ApprovalNeeded => 5,
        VerdictName::Superseded => 6,
        VerdictName::Inconclusive => 7,
        VerdictName::NotifyFailed => 8,
        VerdictName::Pending => 10,
        VerdictName::TimedOut => 124,
        VerdictName::Interrupted => 143,
    }
}

fn deploy(id: String, status: &str, ended: bool) -> DeployResult {
    DeployResult {
        id: Some(id),
        deploy_type: Some("apply".to_owned()),
        status: status.to_owned(),
        status_description: (status == "executing").then(|| "applying the plan".to_owned()),
        build_id: Some("bld1".to_owned()),
        commit: Some("4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b".to_owned()),
        workflow_id: Some("inw1".to_owned()),
        created_by: Some("ada@acme.example".to_owned()),
        created_at: Some("2026-08-03T14:02:20Z".to_owned()),
        ended_at: ended.then(|| "2026-08-03T14:05:17Z".to_owned()),
    }
}

fn timeline(last: &str, ended: bool) -> Vec<StayResult> {
    let stay =
        |status: &str, at: &str, duration_ms| StayResult { status: status.to_owned(), at: at.to_owned(), duration_ms };
    vec![
        stay("queued", "2026-08-03T14:02:20Z", Some(9_000)),
        stay("executing", "2026-08-03T14:02:29Z", Some(168_000)),
        stay(last, "2026-08-03T14:05:17Z", (!ended).then_some(1_000)),
    ]
}

fn log_tail() -> Vec<LogLine> {
    let line = |severity: &str, text: &str| LogLine {
        at: Some("2026-08-03T14:05:16Z".to_owned()),
        severity: severity.to_owned(),
        text: text.to_owned(),
    };
    vec![
        line("info", "helm upgrade --install api ./chart"),
        line("error", "Error: UPGRADE FAILED: pods \"api-7d9f\" is forbidden: exceeded quota: acme, used: pods=20"),
    ]
}

/// Returns a run for a test message.
pub(crate) fn test(now: jiff::Timestamp) -> RunResult {
    let at = nuon_gate_core::result::rfc3339(now);
    RunResult { started_at: at.clone(), finished_at: at, elapsed_ms: 0, ci_url: None, ..result(VerdictName::Passed) }
}
