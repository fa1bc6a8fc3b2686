//! The rules of merging, as tables.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Target;

use Verdict::{
    ApprovalNeeded, Cancelled, Failed, Inconclusive, Interrupted, NotifyFailed, Passed, Pending, Rejected, Superseded,
    TimedOut,
};

/// The form in which an interrupted result is read.
const TERMINATED: Verdict = Interrupted(Signal::Terminate);

const RUN: &str = "0123456789abcdef0123456789abcdef";

/// Returns the ids of the first component that belongs to a shard, after skipping some.
fn component_of(shard: Shard, skip: usize) -> String {
    let component = |number: usize| format!("cmp{number}");
    let is_own = |id: &String| shard.has(&Target::new("inl1".parse().unwrap(), id.parse().unwrap()));
    (0..).map(component).filter(is_own).nth(skip).unwrap()
}

fn target(component: &str, verdict: Verdict) -> Value {
    let reason = (!matches!(verdict, Passed | Pending)).then(|| format!("{component} ended so"));
    json!({
        "install": {"id": "inl1", "name": "acme"}, "component": {"id": component, "name": null},
        "verdict": verdict, "reason": reason, "hint": null, "clock": null,
        "deploy": {
            "id": format!("dpl-{component}"), "type": "apply", "status": "active", "status_description": null,
            "build_id": null, "commit": null, "workflow_id": null, "created_by": null, "created_at": null,
            "ended_at": null,
        },
        "matched_by": "latest", "superseded_by": null, "replaced": [], "typical_ms": null, "recovered_after": null,
        "last_good": null, "timeline": [], "url": null, "approval_url": null, "log_tail": [], "warnings": [],
    })
}

/// The result of a shard whose targets have these verdicts, of a run with this many targets.
fn part(index: u32, count: u32, all: impl Into<Option<usize>>, ends: &[Verdict]) -> Value {
    let shard = Shard::new(index, count).unwrap();
    let targets: Vec<Value> =
        ends.iter().enumerate().map(|(at, verdict)| target(&component_of(shard, at), *verdict)).collect();
    let worst = ends.iter().copied().find(|verdict| *verdict != Passed).unwrap_or(Passed);
    json!({
        "schema": 1, "verdict": worst, "exit_code": 0, "reason": null, "hint": null,
        "started_at": "2026-08-03T14:02:11Z", "finished_at": format!("2026-08-03T14:05:{:02}Z", index % 60),
        "elapsed_ms": 1000, "targets": targets,
        "shard": {"index": index, "count": count, "run_id": RUN, "run_name": null, "all_targets": all.into(), "complete": true},
        "api": {"version": "v1", "requests": 10, "errors": 1}, "ci_url": null, "notifications": [], "warnings": [],
    })
}

/// The result with one value replaced.
#[allow(clippy::needless_pass_by_value, reason = "tables read better so")]
fn with(mut part: Value, place: &str, value: Value) -> Value {
    *part.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value;
    part
}

fn merged(parts: &[Value], require: Require) -> Result<RunResult, Unmergeable> {
    let texts: Vec<String> = parts.iter().map(Value::to_string).collect();
    merge(&texts, &MergeOptions { require, run: None })
}

fn at_least(count: usize) -> Require {
    Require::AtLeast(count.try_into().unwrap())
}

/// The verdict of several shards, by the requirement for all of their targets.
#[test]
fn shards_are_judged_as_one_run() {
    use Require::{All, Any};
    let cases: &[(&[&[Verdict]], Require, Verdict)] = &[
        (&[&[Passed], &[Passed, Passed]], All, Passed),
        (&[&[Passed], &[]], All, Passed),
        (&[&[], &[Passed], &[]], Any, Passed),
        (&[&[Passed], &[Passed, Failed]], All, Failed),
        (&[&[Passed], &[Failed, Failed]], Any, Passed),
        (&[&[Failed], &[Failed]], Any, Failed),
        // No shard has as many as are required, but all together have.
        (&[&[Passed, Failed], &[Passed], &[Passed]], at_least(3), Passed),
        (&[&[Passed, Failed], &[Passed], &[TimedOut]], at_least(3), Failed),
        (&[&[Passed], &[Pending]], Any, Passed),
        (&[&[Passed], &[Pending]], All, Inconclusive),
        (&[&[TimedOut], &[Pending]], All, TimedOut),
        // The most severe decides, whichever shard has it.
        (&[&[TimedOut], &[Inconclusive]], All, Inconclusive),
        (&[&[Inconclusive], &[ApprovalNeeded]], All, ApprovalNeeded),
        (&[&[ApprovalNeeded], &[Superseded]], All, Superseded),
        (&[&[Superseded], &[Cancelled]], All, Cancelled),
        (&[&[Cancelled], &[Failed]], All, Failed),
        (&[&[Failed], &[Rejected]], All, Rejected),
    ];
    for (shards, require, expected) in cases {
        let (all, count) = (shards.iter().map(|ends| ends.len()).sum::<usize>(), u32::try_from(shards.len()).unwrap());
        // For a workflow, the number of targets is not known from the start.
        for all in [Some(all), None] {
            let parts: Vec<Value> = (1..).zip(*shards).map(|(index, ends)| part(index, count, all, ends)).collect();
            let result = merged(&parts, *require).unwrap();
            assert_eq!(result.verdict, *expected, "{shards:?} {require:?}");
            assert_eq!(result.reason.is_some(), !matches!(expected, Passed | Pending), "{shards:?}");
            assert_eq!(result.targets.len(), shards.iter().map(|ends| ends.len()).sum::<usize>());
        }
    }
}

/// A missing shard, or one that ended badly beside its targets, keeps the run from passing.
#[test]
fn what_lacks_or_went_wrong_is_never_a_pass() {
    let lost = |verdict: Verdict, exit_code: u8| {
        let part = with(part(2, 2, 1, &[]), "/verdict", json!(verdict));
        let part = with(with(part, "/exit_code", json!(exit_code)), "/reason", json!("no such install"));
        with(with(part, "/shard/run_id", Value::Null), "/shard/all_targets", Value::Null)
    };
    let known = |verdict: Verdict, exit_code: u8| {
        let part = with(part(2, 2, 2, &[Passed]), "/verdict", json!(verdict));
        with(with(part, "/exit_code", json!(exit_code)), "/reason", json!("the workflow failed"))
    };
    let first = |all: usize| part(1, 2, all, &[Passed]);
    let cases: [(Vec<Value>, Verdict, &str); 12] = [
        (vec![first(2)], Inconclusive, "there is no result of shard 2/2"),
        (vec![part(3, 4, 1, &[Passed])], Inconclusive, "there is no result of shards 1/4, 2/4, 4/4"),
        (vec![part(1, 2, 2, &[Failed])], Failed, " ended so"),
        (vec![first(1), lost(Rejected, 3)], Rejected, "shard 2/2: no such install"),
        (vec![first(1), lost(Passed, 0)], Inconclusive, "shard 2/2: no such install"),
        (vec![first(1), lost(Pending, 10)], Inconclusive, "shard 2/2: no such install"),
        (vec![first(2), known(Failed, 1)], Failed, "shard 2/2: the workflow failed"),
        (vec![first(2), known(TERMINATED, 130)], Interrupted(Signal::Interrupt), "shard 2/2: the workflow failed"),
        (vec![first(2), known(TERMINATED, 0)], TERMINATED, "shard 2/2: the workflow failed"),
        (vec![first(2), known(NotifyFailed, 8)], NotifyFailed, "shard 2/2: the workflow failed"),
        // A shard's claims about its targets are not trusted.
        (vec![first(2), known(Passed, 0)], Passed, ""),
        (vec![first(2), with(part(2, 2, 2, &[Failed]), "/verdict", json!("passed"))], Failed, "cmp"),
    ];
    for (parts, expected, reason) in cases {
        let result = merged(&parts, Require::All).unwrap();
        let shown = result.reason.as_ref().map_or("", Line::plain);
        assert_eq!(result.verdict, expected, "{shown}");
        assert!(shown.contains(reason), "{shown:?} has no {reason:?}");
        // Enough other passes are no excuse, except for failed targets.
        let beside = !matches!(expected, Passed | Failed | NotifyFailed) || reason.contains("workflow");
        let any = merged(&parts, Require::Any).unwrap().verdict;
        assert!(!beside || any != Passed, "{reason}: {any:?}");
    }
    let mut missing: Vec<Value> =
        (1..=20).filter(|index| index % 2 == 0).map(|index| part(index, 20, 10, &[Passed])).collect();
    missing.pop();
    let reason = merged(&missing, Require::All).unwrap().reason.unwrap();
    assert!(reason.plain().ends_with("17/20, 19/20, and 1 more"), "{reason:?}");
}

/// Where the targets are the deploys of a workflow or run, its own end counts as well.
#[test]
fn a_workflow_or_run_that_did_not_end_well_is_never_a_pass() {
    let open = |index: u32, ends: &[Verdict], verdict: Verdict, reason: Value| {
        let part = with(part(index, 2, None, ends), "/shard/complete", json!(false));
        with(with(part, "/verdict", json!(verdict)), "/reason", reason)
    };
    let one = || part(1, 2, None, &[Passed, Failed]);
    let unseen = "shard 2/2 did not see the workflow or run end well";
    let of_target = || json!("cmp ended so");
    let cases = [
        (open(2, &[Passed, Failed], Failed, of_target()), Failed, unseen),
        (open(2, &[Passed, TimedOut], Failed, json!("the workflow failed")), Failed, "shard 2/2: the workflow failed"),
        (open(2, &[Passed, TimedOut], TimedOut, of_target()), Failed, unseen),
        (open(2, &[Passed], Pending, Value::Null), Failed, unseen),
        (open(2, &[Passed], Passed, Value::Null), Failed, unseen),
        (open(2, &[Passed], NotifyFailed, json!("HTTP 404")), Failed, "shard 2/2: HTTP 404"),
        (open(2, &[], TERMINATED, json!("stopped")), TERMINATED, "shard 2/2: stopped"),
    ];
    for (two, expected, said) in cases {
        for require in [Require::All, Require::Any] {
            let result = merged(&[one(), two.clone()], require).unwrap();
            let lines = result.warnings.iter().chain(&result.reason);
            assert_eq!(result.verdict, expected, "{two}");
            assert!(lines.map(Line::plain).any(|line| line == said), "{result:?} lacks {said:?}");
        }
    }
    // Neither has seen it, which is said once.
    let both = [open(1, &[Passed], Passed, Value::Null), open(2, &[Passed], Pending, Value::Null)];
    let result = merged(&both, Require::All).unwrap();
    let reason = "shards 1/2, 2/2 did not see the workflow or run end well";
    assert_eq!((result.verdict, result.reason.as_ref().map(Line::plain)), (Inconclusive, Some(reason)));
    // A result that does not say so, as those of older versions.
    let mut old = part(1, 1, None, &[Passed]);
    old["shard"].as_object_mut().unwrap().remove("complete");
    assert_eq!(merged(&[old], Require::Any).unwrap().verdict, Inconclusive);
    // Targets that were named are all that counts.
    assert_eq!(
        merged(&[with(part(1, 1, 1, &[Passed]), "/shard/complete", json!(false))], Require::All).unwrap().verdict,
        Passed
    );
}

#[test]
fn a_target_whose_reason_cannot_be_seen_still_did_not_pass() {
    for blank in [json!(""), json!("\u{3164}"), Value::Null] {
        let result = merged(&[with(part(1, 1, 1, &[Failed]), "/targets/0/reason", blank)], Require::All).unwrap();
        let reasons = [&result.reason, &result.targets[0].reason].map(|reason| reason.as_ref().map(Line::plain));
        assert_eq!(reasons, [Some("it did not pass"); 2]);
    }
}

#[test]
fn what_cannot_be_believed_is_refused() {
    let one = || part(1, 2, 2, &[Passed]);
    let two = || part(2, 2, 2, &[Passed]);
    let foreign = component_of(Shard::new(1, 2).unwrap(), 0);
    let label = |index| format!("inl1/{}", component_of(Shard::new(index, 2).unwrap(), 0));
    let shard = |index| Shard::new(index, 2).unwrap();
    let other_name = |name: &str| with(two(), "/shard/run_name", json!(name));
    let twice = with(part(2, 2, 3, &[Passed]), "/targets", json!([two()["targets"][0], two()["targets"][0]]));
    let cases: [(Vec<Value>, Option<usize>, Flaw); 27] = [
        (vec![with(one(), "/schema", json!(2))], Some(0), Flaw::Schema(2)),
        (vec![json!({"schema": 7, "all": "new"})], Some(0), Flaw::Schema(7)),
        (vec![with(one(), "/shard", Value::Null)], Some(0), Flaw::NoShard),
        (
            vec![with(one(), "/shard/index", json!(3))],
            Some(0),
            Flaw::NoSuchShard(InvalidShard::Beyond { index: 3, count: 2 }),
        ),
        (vec![with(one(), "/shard/index", json!(0))], Some(0), Flaw::NoSuchShard(InvalidShard::Zero { count: 2 })),
        (vec![with(one(), "/shard/count", json!(0))], Some(0), Flaw::NoSuchShard(InvalidShard::Count)),
        (vec![with(one(), "/started_at", json!("soon"))], Some(0), Flaw::Time("soon".to_owned())),
        (vec![with(one(), "/finished_at", json!(""))], Some(0), Flaw::Time(String::new())),
        (vec![with(one(), "/targets/0/install/id", json!(""))], Some(0), Flaw::Id(InvalidId::Empty)),
        (vec![with(one(), "/targets/0/component/id", json!("a/b"))], Some(0), Flaw::Id(InvalidId::Character('/'))),
        (
            vec![with(one(), "/targets/0/verdict", json!("interrupted"))],
            Some(0),
            Flaw::NoVerdict { target: label(1), verdict: TERMINATED },
        ),
        (vec![with(one(), "/targets/0/deploy", Value::Null)], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/deploy/id", Value::Null)], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/deploy/id", json!(""))], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/deploy/id", json!("\u{3164}"))], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/deploy/type", json!("recover"))], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/deploy/type", json!("unheard-of"))], Some(0), Flaw::Unproven(label(1))),
        (vec![with(one(), "/targets/0/matched_by", Value::Null)], Some(0), Flaw::Unproven(label(1))),
        (
            vec![one(), with(two(), "/targets/0/component/id", json!(foreign))],
            Some(1),
            Flaw::Foreign { target: label(1), shard: shard(2) },
        ),
        (vec![one(), twice], Some(1), Flaw::Twice(label(2))),
        (vec![one(), part(2, 3, 2, &[])], Some(1), Flaw::OtherCount { shard: Shard::new(2, 3).unwrap(), count: 2 }),
        (vec![one(), one()], Some(1), Flaw::Repeated(shard(1))),
        (vec![one(), with(two(), "/shard/run_id", json!("f".repeat(32)))], Some(1), Flaw::OtherRun),
        (vec![one(), with(two(), "/shard/all_targets", json!(3))], Some(1), Flaw::OtherRun),
        (vec![one(), other_name("b")], Some(1), Flaw::OtherName { name: Some("b".to_owned()), expected: None }),
        // A target was removed, or all of them.
        (vec![one(), part(2, 2, 2, &[])], None, Flaw::OtherTargets { found: 1, all: 2 }),
        (vec![part(1, 2, None, &[]), part(2, 2, None, &[])], None, Flaw::NoTargets),
    ];
    for (parts, part, flaw) in cases {
        assert_eq!(merged(&parts, Require::All).map(|merged| merged.verdict), Err(Unmergeable { part, flaw }));
    }
    assert_eq!(merged(&[], Require::All), Err(Unmergeable { part: None, flaw: Flaw::NoTargets }));
    let too_many = Flaw::TooManyRequired { needed: 3, targets: 2 };
    assert_eq!(merged(&[one(), two()], at_least(3)), Err(Unmergeable { part: None, flaw: too_many }));
}

/// The name of the run, if the caller knows it.
#[test]
fn the_run_has_to_be_the_one_that_is_meant() {
    let named = |index: u32, name: Value| with(part(index, 2, 2, &[Passed]), "/shard/run_name", name).to_string();
    let run = |first: Value, second: Value, meant: Option<&str>| {
        let options = MergeOptions { require: Require::All, run: meant.map(str::to_owned) };
        merge(&[named(1, first), named(2, second)], &options).map_err(|error| error.part)
    };
    let cases = [
        (json!("ci-1"), json!("ci-1"), Some("ci-1"), None),
        (json!("ci-1"), json!("ci-1"), None, None),
        (Value::Null, Value::Null, None, None),
        // All belong to the same run, but that is yesterday's.
        (json!("ci-0"), json!("ci-0"), Some("ci-1"), Some(0)),
        (Value::Null, Value::Null, Some("ci-1"), Some(0)),
        (json!("ci-1"), json!("ci-0"), Some("ci-1"), Some(1)),
        (json!("ci-1"), json!("ci-0"), None, Some(1)),
        (json!("ci-1"), Value::Null, None, Some(1)),
    ];
    for (first, second, meant, refused) in cases {
        let shown = format!("{first} {second} {meant:?}");
        assert_eq!(run(first, second, meant).err(), refused.map(Some), "{shown}");
    }
}

#[test]
fn no_part_of_a_file_is_a_result() {
    let whole = part(1, 1, 1, &[Passed]).to_string();
    let options = MergeOptions { require: Require::All, run: None };
    assert_eq!(merge(std::slice::from_ref(&whole), &options).unwrap().verdict, Passed);
    for length in 0..whole.len() {
        let error = merge(&[whole[..length].to_owned()], &options).unwrap_err();
        assert!(matches!(error, Unmergeable { part: Some(0), flaw: Flaw::Broken(_) }), "{length}: {error:?}");
    }
    let names = [
        "null",
        "[]",
        "{}",
        "1",
        "\"passed\"",
        &format!("{whole}{whole}"),
        &whole.replacen("{", "{\"verdict\":\"passed\",", 1),
    ];
    for text in names {
        let error = merge(&[text.to_owned()], &options).unwrap_err();
        assert!(matches!(error.flaw, Flaw::Broken(_)), "{text}: {error:?}");
    }
}

#[test]
fn times_requests_and_warnings_are_put_together() {
    let warned = |part: Value, warnings: Value| with(part, "/warnings", warnings);
    let early = with(part(2, 2, 2, &[Passed]), "/started_at", json!("2026-08-03T14:00:00Z"));
    let parts = [warned(early, json!(["skew", "old"])), warned(part(1, 2, 2, &[Passed]), json!(["skew"]))];
    let result = merged(&parts, Require::All).unwrap();
    assert_eq!(
        (result.started_at.plain(), result.finished_at.plain()),
        ("2026-08-03T14:00:00Z", "2026-08-03T14:05:02Z")
    );
    assert_eq!((result.elapsed_ms, result.api.requests, result.api.errors), (302_000, 20, 2));
    assert_eq!(result.warnings.iter().map(Line::plain).collect::<Vec<_>>(), ["shard 1/2: skew", "shard 2/2: old"]);
    // Readers find them by shard, whatever the files' names.
    let shards: Vec<bool> = result
        .targets
        .iter()
        .map(|target| target.component.id == *component_of(Shard::new(1, 2).unwrap(), 0))
        .collect();
    assert_eq!(shards, [true, false]);
    let interrupted = interrupted(merged(&parts, Require::All).unwrap(), Signal::Terminate);
    assert_eq!((interrupted.verdict, interrupted.reason.unwrap().plain()), (TERMINATED, "interrupted by SIGTERM"));
}

#[test]
fn hostile_texts_are_lines() {
    let said = "a\n::error::b\u{1b}[31m\u{202e}##[c]";
    let mut part = part(1, 1, 1, &[Failed]);
    for place in ["/targets/0/reason", "/targets/0/component/name", "/targets/0/install/name", "/reason"] {
        part = with(part, place, json!(said));
    }
    let part = with(with(part, "/warnings", json!([said])), "/shard/run_name", json!(said));
    let result = merged(std::slice::from_ref(&part), Require::All).unwrap();
    for line in [result.reason.unwrap(), result.warnings[0].clone(), result.targets[0].component.name.clone().unwrap()]
    {
        assert!(line.plain().ends_with("a ::error::b#[c]"), "{line:?}");
    }
    let options = MergeOptions { require: Require::All, run: Some("mine".to_owned()) };
    let flaw = merge(&[part.to_string()], &options).unwrap_err().flaw.to_string();
    assert_eq!(flaw, "it belongs to another run: `a ::error::b#[c]` instead of `mine`");
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![
        Passed,
        Passed,
        Passed,
        Failed,
        Cancelled,
        Rejected,
        Superseded,
        ApprovalNeeded,
        Inconclusive,
        TimedOut,
        Pending,
    ])
}

proptest! {
    /// However the targets of a run are divided, and in whatever order the files come, the verdict is that of the
    /// whole.
    #[test]
    fn the_division_changes_nothing(
        ends in prop::collection::vec(any_verdict(), 1..20),
        count in 1..6u32,
        require in prop_oneof![Just(0_usize), Just(1), 2..20_usize],
        turn in 0..6_usize,
    ) {
        let all: Vec<(Target, Verdict)> = ends.iter().enumerate().map(|(at, verdict)| {
            (Target::new("inl1".parse().unwrap(), format!("cmp{at}").parse().unwrap()), *verdict)
        }).collect();
        let require = match require { 0 => Require::All, 1 => Require::Any, more => at_least(more) };
        let divided = |count: u32| {
            let mut parts: Vec<Value> = (1..=count).map(|index| {
                let shard = Shard::new(index, count).unwrap();
                let own: Vec<Value> = all.iter().filter(|(target, _)| shard.has(target))
                    .map(|(own, verdict)| target(own.component.as_str(), *verdict)).collect();
                with(part(index, count, all.len(), &[]), "/targets", json!(own))
            }).collect();
            parts.rotate_left(turn % count as usize);
            merged(&parts, require).map(|merged| merged.verdict).map_err(|error| error.flaw)
        };
        prop_assert_eq!(divided(count), divided(1));
        // By the rule itself: enough passed, or else the most severe.
        let passed = ends.iter().filter(|verdict| **verdict == Passed).count();
        match divided(1) {
            Ok(verdict) => prop_assert_eq!(verdict == Passed, passed >= require.count(ends.len())),
            Err(flaw) => prop_assert_eq!(flaw, Flaw::TooManyRequired { needed: require.count(ends.len()), targets: ends.len() }),
        }
    }

    /// Without one of its shards no run passes.
    #[test]
    fn every_shard_is_needed(count in 2..6u32, lost in 0..5u32, any in any::<bool>()) {
        let parts: Vec<Value> = (1..=count).filter(|index| index % count != lost % count)
            .map(|index| part(index, count, count as usize, &[Passed])).collect();
        let require = if any { Require::Any } else { Require::All };
        prop_assert_eq!(merged(&parts, require).unwrap().verdict, Inconclusive);
    }
}
