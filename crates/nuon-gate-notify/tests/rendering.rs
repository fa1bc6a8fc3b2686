//! Compares what people see of every message, for every verdict and for one, three and forty targets, with files. After
//! an intended change, rewrite them with `BLESS=1 cargo test -p nuon-gate-notify --test rendering`, and read the
//! difference as a person who has five seconds to decide what to do.

#![cfg(test)]

mod page;
mod support;

use std::fmt::Write as _;
use std::path::Path;

use nuon_gate_core::result::v1::{BranchRunResult, GroupResult, PlanResult, RunResult, WaitingResult};
use nuon_gate_core::{Clock, Line, MatchedBy, Signal, Verdict};
use nuon_gate_notify::render;
use serde_json::Value;
use support::{all_sinks, fleet, result};

/// The number of targets, and how many of them have the verdict.
const COUNTS: [(usize, usize); 3] = [(1, 1), (3, 1), (40, 3)];

/// Returns each sink's message: as people see it, or as it is sent.
fn messages(result: &RunResult, show: fn(&str, &Value) -> String) -> String {
    let mut text = String::new();
    for rendered in render(&all_sinks(), result, &["<!here>".parse().unwrap()]) {
        let (head, body) = rendered.text.split_once("\n\n").unwrap_or(("", &rendered.text));
        let body: Value = serde_json::from_str(body).unwrap();
        let head = if head.is_empty() { String::new() } else { format!("{head}\n\n") };
        writeln!(text, "== {} ==\n{head}{}\n", rendered.sink, show(&rendered.sink, &body)).unwrap();
    }
    assert!(!text.contains("secret"), "{text}");
    text
}

#[expect(clippy::disallowed_methods, reason = "whether to write the files is for whoever runs the tests to say")]
fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (number, (line, expected)) in text.lines().zip(kept.lines()).enumerate() {
        assert_eq!(line, expected, "{name}.txt, line {}", number + 1);
    }
    assert_eq!(text.lines().count(), kept.lines().count(), "{name}.txt");
}

/// Compares what people see of runs with one, three and forty targets.
fn compare_seen(name: &str, verdict: Verdict, change: impl Fn(&mut RunResult)) {
    let mut text = String::new();
    for (count, decided) in COUNTS {
        let mut run = if count == 1 { result(verdict) } else { fleet(verdict, count, decided) };
        change(&mut run);
        writeln!(text, "######## {decided} of {count}\n\n{}", messages(&run, page::seen)).unwrap();
    }
    compare(name, &text);
}

/// Changes the targets that decide a run.
fn each(run: &mut RunResult, change: impl Fn(&mut nuon_gate_core::result::v1::TargetResult)) {
    run.targets.iter_mut().filter(|target| target.verdict != Verdict::Passed).for_each(change);
}

#[test]
fn every_verdict_has_its_message() {
    use Verdict as V;
    let verdicts = [
        V::Failed,
        V::Rejected,
        V::Cancelled,
        V::ApprovalNeeded,
        V::Superseded,
        V::Inconclusive,
        V::TimedOut,
        V::Interrupted(Signal::Terminate),
        V::NotifyFailed,
    ];
    for verdict in verdicts {
        compare_seen(verdict.as_str(), verdict, |_| ());
    }
    let mut text = String::new();
    for (count, _) in COUNTS {
        let run = if count == 1 { result(V::Passed) } else { fleet(V::Passed, count, 1) };
        writeln!(text, "######## {count} of {count}\n\n{}", messages(&run, page::seen)).unwrap();
    }
    compare("passed", &text);
}

#[test]
fn every_state_on_the_way_has_its_message() {
    compare_seen("going_on", Verdict::Pending, |_| ());
    compare_seen("nothing_yet", Verdict::Pending, |run| each(run, |target| target.deploy = None));
    compare_seen("asking", Verdict::Pending, |run| {
        each(run, |target| {
            let deploy = target.deploy.as_mut().unwrap();
            deploy.status = Line::new("pending-approval");
            deploy.status_description = Some(Line::new("pending-approval"));
            target.approval_url = Some(Line::new("https://app.nuon.co/org1/installs/inl1/workflows/inw1?panel=inst1"));
            let destroyed = ["aws_db_instance.main", "aws_s3_bucket.logs"].map(Line::new).to_vec();
            target.plan = Some(PlanResult { add: 3, change: 1, destroy: 2, destroyed });
        });
    });
}

#[test]
fn the_run_of_a_branch_is_reported_by_its_groups() {
    let released = |run: &mut RunResult, awaiting_approval| {
        let group = |name: &str, status: &str, [total, done, failed]: [usize; 3]| GroupResult {
            name: Line::new(name),
            status: Line::new(status),
            total,
            done,
            failed,
        };
        let waiting = WaitingResult {
            group: Line::new("customers"),
            install: Line::new("acme-9"),
            behind_run_id: Line::new("run0"),
            why: Some(Line::new("queued_behind_customer")),
        };
        run.branch_run = Some(BranchRunResult {
            id: Line::new("run1"),
            status: Line::new("running"),
            commit: Some(Line::new("4be1c7d2a9f05b6e8c3d1f0a7b4e6c2d9a8f1e3b")),
            awaiting_approval,
            url: Some(Line::new("https://app.nuon.co/org1/apps/app1/branches/abr1/runs/inw9")),
            groups: vec![group("canary", "success", [3, 3, 0]), group("customers", "in-progress", [9, 1, 1])],
            waiting: vec![waiting],
        });
    };
    compare_seen("release_failed", Verdict::Failed, |run| released(run, false));
    compare_seen("release_asking", Verdict::Pending, |run| released(run, true));
}

#[test]
fn kinds_of_an_end_are_distinguished() {
    let recovered = |run: &mut RunResult| run.targets[0].recovered_after = Some(3);
    compare_seen("recovered", Verdict::Passed, recovered);
    compare_seen("never_started", Verdict::TimedOut, |run| {
        let reason = Some(Line::new("no new deploy appeared within 5m after the command"));
        run.reason.clone_from(&reason);
        each(run, |target| {
            (target.deploy, target.last_good) = (None, None);
            target.reason.clone_from(&reason);
            target.hint = Some(Line::new("check that the command triggers a deploy of this component"));
        });
    });
    compare_seen("denied", Verdict::Cancelled, |run| {
        each(run, |target| {
            target.deploy.as_mut().unwrap().status = Line::new("approval-denied");
            target.reason = Some(Line::new("the plan was denied by ada@acme.example: not before the release"));
            target.hint = Some(Line::new("have the plan changed or approved, then deploy again"));
        });
        run.reason.clone_from(&run.targets.iter().find_map(|target| target.reason.clone()));
    });
    compare_seen("expired", Verdict::Cancelled, |run| {
        each(run, |target| {
            target.deploy.as_mut().unwrap().status = Line::new("approval-expired");
            target.reason = Some(Line::new("the deploy ended as `approval-expired`; the server gives no reason"));
            target.hint = Some(Line::new("deploy again, and answer the new approval in time"));
        });
        run.reason.clone_from(&run.targets.iter().find_map(|target| target.reason.clone()));
    });
    compare_seen("skipped", Verdict::Passed, |run| {
        run.targets.iter_mut().for_each(|target| target.deploy.as_mut().unwrap().status = Line::new("auto-skipped"));
    });
    let old = |run: &mut RunResult| {
        for target in &mut run.targets {
            target.matched_by = Some(MatchedBy::Latest);
            target.deploy.as_mut().unwrap().ended_at = Some(Line::new("2026-08-03T12:39:00Z"));
        }
    };
    compare_seen("passed_before", Verdict::Passed, old);
    compare_seen("failed_before", Verdict::Failed, old);
    compare_seen("ended_before", Verdict::Pending, old);
    compare_seen("timed_out_cancelled", Verdict::TimedOut, |run| {
        each(run, |target| {
            target.deploy_verdict = Some(Verdict::Cancelled);
            target.deploy.as_mut().unwrap().status = Line::new("cancelled");
            target.reason =
                Some(Line::new("--timeout 1h ran out: the last status is `executing` for 58m 3s; it was cancelled"));
            target.hint = Some(Line::new("find out why it took so long, then deploy again"));
        });
        run.reason.clone_from(&run.targets.iter().find_map(|target| target.reason.clone()));
    });
    compare_seen("still_queued", Verdict::TimedOut, |run| {
        each(run, |target| {
            target.clock = Some(Clock::Queue);
            target.deploy.as_mut().unwrap().status = Line::new("queued");
        });
    });
    compare_seen("unexpected", Verdict::Failed, |run| {
        each(run, |target| {
            let deploy = target.deploy.as_mut().unwrap();
            (deploy.deploy_type, deploy.status) = (Some(Line::new("teardown")), Line::new("executing"));
            deploy.ended_at = None;
            target.reason = Some(Line::new("the deploy dpl1 is a teardown, but an apply was expected"));
            target.hint = Some(Line::new("correct --expect (NUON_GATE_EXPECT), or what the pipeline triggers"));
        });
        run.reason.clone_from(&run.targets.iter().find_map(|target| target.reason.clone()));
    });
    compare_seen("unhealthy", Verdict::Failed, |run| {
        each(run, |target| {
            (target.deploy_verdict, target.reason) =
                (Some(Verdict::Passed), Some(Line::new("the deploy passed, but the component is degraded")));
            target.deploy.as_mut().unwrap().status = Line::new("active");
        });
        run.reason.clone_from(&run.targets.iter().find_map(|target| target.reason.clone()));
    });
    compare_seen("teardown_failed", Verdict::Failed, |run| {
        run.targets.iter_mut().for_each(|target| {
            target.deploy.as_mut().unwrap().deploy_type = Some(Line::new("teardown"));
        });
    });
    compare_seen("several_reasons", Verdict::Failed, |run| {
        run.reason = Some(Line::new("reason number 0"));
        for (number, target) in run.targets.iter_mut().filter(|target| target.reason.is_some()).enumerate() {
            target.reason = Some(Line::new(format!("reason number {number}")));
            target.hint = Some(Line::new(format!("hint number {number}")));
        }
    });
    compare_seen("long_reason", Verdict::Failed, |run| {
        let reason = "Error: creating EKS Node Group (acme:default): InvalidParameterException: Subnets are not tagged with \
                      the required tag kubernetes.io/cluster/acme, and the cluster has no other subnet in this zone";
        each(run, |target| target.reason = Some(Line::new(reason)));
        if run.targets.len() == 1 {
            run.reason = Some(Line::new(reason));
        }
    });
}

#[test]
fn what_is_sent_is_the_same_as_ever() {
    compare("sent", &messages(&result(Verdict::Failed), |_, body| format!("{body:#}")));
}
