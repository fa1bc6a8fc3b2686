//! A shard of the targets, in virtual time, and that the shards together make the whole.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::ApiStats;
use nuon_gate_core::api::Request;
use nuon_gate_core::merge::{MergeOptions, merge};
use nuon_gate_core::pins::{Pinning, Pins};
use nuon_gate_core::report::Words;
use nuon_gate_core::result::v1::RunResult;
use nuon_gate_core::watch::{Clocks, InvalidSettings, Mode, OnApproval, Refusal, Scope, Watch, WatchSettings};
use nuon_gate_core::{Require, Shard, Sharding, Target, Targets, Verdict};
use proptest::prelude::*;
use serde_json::json;

use super::discovery::{flowing, of_workflow};
use crate::virtual_time::{
    Body, Run, STARTED_AT, Scripted, at_least, component, deploy, none, row, run, s, settings, soon, status, step,
    targets, with,
};

/// The settings of one shard of a run.
fn sharded(settings: WatchSettings, index: u32, count: u32) -> WatchSettings {
    let shard = Shard::new(index, count).unwrap();
    WatchSettings { sharding: Some(Sharding { shard, run: Some("ci-7".to_owned()) }), ..settings }
}

fn over(settings: WatchSettings, scope: Scope, pinning: impl Into<Pinning>) -> Watch {
    Watch::new(settings, scope, pinning, Timestamp::from_second(STARTED_AT).unwrap()).unwrap()
}

/// Follows targets that end after this many seconds in the given status; 0 is never.
fn follow(settings: WatchSettings, targets: Targets, ends: &[(u64, &'static str)]) -> Run {
    let clocks = Clocks { total: s(300), ..settings.clocks };
    let settings = WatchSettings { clocks, ..settings };
    run(over(settings, Scope::Targets(targets), Pins::default()), |now, request| {
        let index = component(request).unwrap();
        let (at, end) = ends[index];
        soon(deploy(&row(&format!("dpl{index}"), if at > 0 && now >= s(at) { end } else { "executing" })))
    })
}

fn result(run: &Run) -> RunResult {
    RunResult::new(&run.report, &Words::default(), 0, ApiStats::default())
}

fn ids(run: &Run) -> Vec<String> {
    run.report.targets.iter().map(|target| target.target.component.as_str().to_owned()).collect()
}

/// Of `cmp0` to `cmp4` in `inl-acme`.
fn own(index: u32, count: u32) -> Vec<String> {
    own_of(&targets(5), index, count)
}

/// Which of these belong to a shard.
fn own_of(all: &Targets, index: u32, count: u32) -> Vec<String> {
    let shard = Shard::new(index, count).unwrap();
    let own: Vec<&Target> = all.as_slice().iter().filter(|target| shard.has(target)).collect();
    own.iter().map(|target| target.component.as_str().to_owned()).collect()
}

#[test]
fn only_the_own_shard_is_watched() {
    let ends = [(10, "active"); 5];
    for index in 1..=2 {
        let run = follow(sharded(settings(), index, 2), targets(5), &ends);
        assert_eq!((run.report.verdict, ids(&run)), (Verdict::Passed, own(index, 2)));
        let asked = run.asked.iter().filter_map(|asked| component(&asked.request));
        assert!(asked.clone().count() > 0 && asked.map(|at| format!("cmp{at}")).all(|id| own(index, 2).contains(&id)));
        let shard = run.report.shard.unwrap();
        assert_eq!((shard.all_targets, shard.sharding.shard.to_string()), (Some(5), format!("{index}/2")));
    }
    assert_eq!(own(1, 2).len() + own(2, 2).len(), 5);
    assert!(!own(1, 2).is_empty() && !own(2, 2).is_empty());
}

#[test]
fn an_empty_shard_passes_and_says_so() {
    let empty = (1..=50).find(|index| own(*index, 50).is_empty()).unwrap();
    let ended = follow(sharded(settings(), empty, 50), targets(5), &[(0, ""); 5]);
    assert_eq!((ended.report.verdict, ended.report.elapsed, ended.asked.len()), (Verdict::Passed, s(0), 0));
    let words = format!("none of the 5 targets is in shard {empty}/50, so nothing was waited for");
    assert_eq!(ended.warnings(), [words]);
    // A single poll reads no more.
    let once = WatchSettings { mode: Mode::Once, ..settings() };
    assert_eq!(follow(sharded(once, empty, 50), targets(5), &[(0, ""); 5]).report.verdict, Verdict::Passed);
    // An empty list of targets is an error in every shard.
    let all = Scope::Wanted(vec![nuon_gate_core::resolve::Wanted::Install("acme".parse().unwrap())]);
    let nothing = run(over(sharded(settings(), 1, 2), all, Pins::default()), |_, request| {
        soon(match request {
            Request::Install(_) => Body::Exactly(json!({"id": "inl1", "name": "acme"})),
            _ => Body::Exactly(json!([])),
        })
    });
    assert!(matches!(nothing.refusal, Some(Refusal::Empty(_))));
}

/// A shard alone can neither meet nor lose what is required of all targets.
#[test]
fn a_shard_meets_only_its_own_part_of_a_requirement() {
    let mine = own(1, 2).len();
    let ends = |of_own: &'static str, of_others: &'static str| {
        let is_own = |at: usize| own(1, 2).contains(&format!("cmp{at}"));
        (0..5).map(|at| (10, if is_own(at) { of_own } else { of_others })).collect::<Vec<_>>()
    };
    let shard = |require, fail_fast, ends: &[(u64, &'static str)]| {
        let run = follow(sharded(WatchSettings { require, fail_fast, ..settings() }, 1, 2), targets(5), ends);
        (run.report.verdict, run.report.elapsed)
    };
    assert!((2..5).contains(&mine));
    assert_eq!(shard(at_least(5), false, &ends("active", "error")).0, Verdict::Passed);
    assert_eq!(shard(at_least(5), false, &ends("error", "active")).0, Verdict::Failed);
    // One of its own fails early. Others may still meet the requirement, so it goes on unless all have to pass.
    let mut early = vec![(60, "active"); 5];
    early[own(1, 2)[0].strip_prefix("cmp").unwrap().parse::<usize>().unwrap()] = (10, "error");
    let (verdict, elapsed) = shard(at_least(mine), true, &early);
    assert!(verdict == Verdict::Failed && elapsed >= s(60), "{verdict:?} {elapsed:?}");
    let (verdict, elapsed) = shard(Require::All, true, &early);
    assert!(verdict == Verdict::Failed && elapsed < s(25), "{verdict:?} {elapsed:?}");
    // A shard needs no more than the whole run does.
    let mut one = vec![(0, ""); 5];
    one[own(1, 2)[0].strip_prefix("cmp").unwrap().parse::<usize>().unwrap()] = (10, "active");
    assert_eq!(shard(Require::Any, false, &one).0, Verdict::Passed);
    // A run that requires more targets than all shards have can never pass.
    let settings = sharded(WatchSettings { require: at_least(6), ..settings() }, 1, 2);
    let at = Timestamp::from_second(STARTED_AT).unwrap();
    let refused = Watch::new(settings, Scope::Targets(targets(5)), Pins::default(), at).map(|_| ());
    assert_eq!(refused, Err(InvalidSettings::TooManyRequired { needed: 6, targets: 5 }));
}

/// Every shard knows the run by the same name, and no other run has that name.
#[test]
fn the_shards_of_a_run_share_its_name() {
    let known = |settings: WatchSettings, count: usize, pins: Pins| {
        let watch = over(settings, Scope::Targets(targets(count)), pins);
        watch.report(nuon_gate_core::Moment::START).shard.unwrap().run_id.unwrap().as_str().to_owned()
    };
    let plain = |index, count| sharded(settings(), index, count);
    let first = known(plain(1, 3), 5, Pins::default());
    assert_eq!([2, 3].map(|index| known(plain(index, 3), 5, Pins::default())), [first.clone(), first.clone()]);
    // The order in which targets were given does not matter.
    let turned = Targets::new(targets(5).as_slice().iter().rev().cloned()).unwrap();
    let watch = over(plain(1, 3), Scope::Targets(turned), Pins::default());
    assert_eq!(watch.report(nuon_gate_core::Moment::START).shard.unwrap().run_id.unwrap().as_str(), first);
    // Timeouts do not matter.
    let patient = WatchSettings { clocks: Clocks { total: s(9), ..settings().clocks }, fail_fast: true, ..settings() };
    assert_eq!(known(sharded(patient, 1, 3), 5, Pins::default()), first);
    let build = |build: &str| Pins { build: Some(build.parse().unwrap()), ..Pins::default() };
    let called = |run: Option<&str>| {
        let sharding = Sharding { shard: Shard::new(1, 3).unwrap(), run: run.map(str::to_owned) };
        WatchSettings { sharding: Some(sharding), ..settings() }
    };
    let others = [
        known(plain(1, 3), 4, Pins::default()),
        known(plain(1, 4), 5, Pins::default()),
        known(plain(1, 3), 5, build("bld1")),
        known(plain(1, 3), 5, build("bld2")),
        known(sharded(WatchSettings { require: Require::Any, ..settings() }, 1, 3), 5, Pins::default()),
        known(sharded(WatchSettings { on_approval: OnApproval::Pass, ..settings() }, 1, 3), 5, Pins::default()),
        known(sharded(WatchSettings { org: Some("org2".parse().unwrap()), ..settings() }, 1, 3), 5, Pins::default()),
        known(sharded(WatchSettings { healthy_for: Some(s(0)), ..settings() }, 1, 3), 5, Pins::default()),
        known(sharded(WatchSettings { healthy_for: Some(s(60)), ..settings() }, 1, 3), 5, Pins::default()),
        known(sharded(WatchSettings { settle: s(5), ..settings() }, 1, 3), 5, Pins::default()),
        known(called(None), 5, Pins::default()),
        known(called(Some("ci-8")), 5, Pins::default()),
    ];
    let all: std::collections::BTreeSet<&String> = others.iter().chain([&first]).collect();
    assert_eq!(all.len(), others.len() + 1);
}

/// A workflow's deploys are assigned to shards as they appear, and every shard follows the workflow to its end.
#[test]
fn a_workflows_deploys_are_sharded_too() {
    let flow = |fails: bool| {
        move |now: Duration, request: &Request| {
            let done = now >= s(60);
            let steps: Vec<_> = (0..5)
                .filter(|at| now >= s(at * 5))
                .map(|at| step(&format!("s{at}"), if done { "success" } else { "in-progress" }, &format!("dpl{at}")))
                .map(|step| with(step, json!({"finished": done})))
                .collect();
            let word = if !done {
                "in-progress"
            } else if fails {
                "error"
            } else {
                "success"
            };
            soon(match request {
                Request::Workflow(..) => Body::Json(json!({
                    "id": "inw1", "owner_id": "inl-acme", "owner_name": "acme", "status": {"status": word},
                    "finished": done, "steps": steps,
                })),
                Request::Deploy(_, _, id) => {
                    let of = id.as_str().replace("dpl", "cmp");
                    let more = json!({"component_id": of, "workflow_id": "inw1"});
                    deploy(&with(row(id.as_str(), if done { "active" } else { "executing" }), more))
                }
                Request::LatestDeploy(..) => none(),
                _ => status(404),
            })
        }
    };
    let shard = |index, count, fails| run(of_workflow(sharded(settings(), index, count)), flow(fails));
    let whole = |count: u32, fails: bool| {
        let parts: Vec<Run> = (1..=count).map(|index| shard(index, count, fails)).collect();
        for (part, index) in parts.iter().zip(1..) {
            let mut found = ids(part);
            found.sort();
            let all = (0..5).map(|at| Target::new("inl-acme".parse().unwrap(), format!("cmp{at}").parse().unwrap()));
            assert_eq!(found, own_of(&Targets::new(all).unwrap(), index, count), "{index}/{count}");
            assert_eq!(part.warnings().iter().any(|text| text.contains("none of the 5")), found.is_empty() && !fails);
        }
        let texts: Vec<String> = parts.iter().map(|part| serde_json::to_string(&result(part)).unwrap()).collect();
        merge(&texts, &MergeOptions { require: Require::All, run: Some("ci-7".to_owned()) }).unwrap()
    };
    for count in [1, 2, 9] {
        assert_eq!((whole(count, false).verdict, whole(count, false).targets.len()), (Verdict::Passed, 5));
        assert_eq!(whole(count, true).verdict, Verdict::Failed);
    }
}

/// Waits for a workflow as a whole and in two shards: the verdicts of the whole, and of the shards' results when merged with
/// this requirement.
fn divided<S: FnMut(Duration, &Request) -> Scripted>(
    settings: &WatchSettings,
    require: Require,
    server: impl Fn() -> S,
) -> (Verdict, Verdict) {
    let whole = run(of_workflow(WatchSettings { require, ..settings.clone() }), server());
    let parts = (1..=2).map(|index| run(of_workflow(sharded(settings.clone(), index, 2)), server()));
    let texts: Vec<String> = parts.map(|part| serde_json::to_string(&result(&part)).unwrap()).collect();
    let merged = merge(&texts, &MergeOptions { require, run: Some("ci-7".to_owned()) }).unwrap();
    (whole.report.verdict, merged.verdict)
}

/// Every shard has targets that passed and targets that failed, but the workflow has an end of its own.
#[test]
fn a_workflow_that_did_not_end_well_is_no_pass_by_the_targets_alone() {
    let flow = |status: &'static str, ended: bool| {
        let word = |at: usize| if at.is_multiple_of(2) { "success" } else { "error" };
        let steps: Vec<_> = (0..6).map(|at| step(&format!("s{at}"), word(at), &format!("dpl{at}"))).collect();
        move |_: Duration| (status, ended, steps.clone())
    };
    let word = |_: Duration, id: &str| if matches!(id, "dpl0" | "dpl2" | "dpl4") { "active" } else { "error" };
    for (status, ended) in [("in-progress", false), ("error", true), ("cancelled", true)] {
        for (waited, require) in
            [(Require::Any, Require::Any), (at_least(3), at_least(3)), (Require::All, Require::Any)]
        {
            let settings = WatchSettings { require: waited, ..settings() };
            let verdicts = divided(&settings, require, || flowing(flow(status, ended), word));
            assert_eq!(verdicts, (Verdict::Failed, Verdict::Failed), "{status} {require:?}");
        }
    }
}

/// One shard has a target that passed, the other has none.
#[test]
fn a_poll_of_a_workflow_that_goes_on_is_no_pass() {
    let flow = |_: Duration| ("in-progress", false, vec![step("a", "success", "dplA"), step("b", "pending", "")]);
    let once = WatchSettings { mode: Mode::Once, ..settings() };
    for require in [Require::All, Require::Any] {
        let verdicts = divided(&once, require, || flowing(flow, |_, _| "active"));
        assert_eq!(verdicts, (Verdict::Pending, Verdict::Inconclusive), "{require:?}");
    }
}

/// A deploy, of those that [`flowing`] serves, that belongs to a shard of two: the first, or one after it.
fn deploy_of(index: u32, after: usize) -> String {
    let target = |at: &usize| Target::new("inl1".parse().unwrap(), format!("cmp{at}").parse().unwrap());
    let at = (0..).filter(|at| Shard::new(index, 2).unwrap().has(&target(at))).nth(after).unwrap();
    format!("dpl{at}")
}

/// Both shards stop waiting because a human is asked about one of their targets, and then fewer targets have to pass.
#[test]
fn a_workflow_that_was_left_is_no_pass_with_a_lower_requirement() {
    let asked = [deploy_of(1, 0), deploy_of(2, 0)];
    let flow = |now: Duration| {
        let steps = (0..6).map(|at| format!("dpl{at}")).map(|id| match asked.contains(&id) {
            true => with(step(&id, "approval-awaiting", &id), json!({"approval": {"id": id}})),
            false => step(&id, "success", &id),
        });
        let (word, ended) = if now < s(300) { ("in-progress", false) } else { ("error", true) };
        (word, ended, steps.collect())
    };
    let word = |_: Duration, id: &str| if asked.iter().any(|own| own == id) { "pending-approval" } else { "active" };
    let settings = WatchSettings { on_approval: OnApproval::Fail, ..settings() };
    let verdicts = divided(&settings, Require::Any, || flowing(flow, word));
    assert_eq!(verdicts, (Verdict::Failed, Verdict::ApprovalNeeded));
}

/// A human is asked about a deploy of the second shard only. The first waits for as long as the second does.
#[test]
fn a_shard_leaves_a_workflow_that_asks_about_a_deploy_of_another() {
    let (own, other) = (deploy_of(1, 0), deploy_of(2, 0));
    let flow = |_: Duration| {
        let asks = with(step("b", "approval-awaiting", &other), json!({"approval": {"id": "waa1"}}));
        ("in-progress", false, vec![step("a", "success", &own), asks])
    };
    let word = |_: Duration, id: &str| if id == other { "pending-approval" } else { "active" };
    for (on_approval, verdict) in [(OnApproval::Pass, Verdict::Passed), (OnApproval::Wait, Verdict::TimedOut)] {
        let settings = WatchSettings { on_approval, ..settings() };
        for settings in [settings.clone(), sharded(settings.clone(), 1, 2), sharded(settings, 2, 2)] {
            let ended = run(of_workflow(settings), flowing(flow, word)).report;
            assert_eq!(ended.verdict, verdict, "{:?}", ended.shard);
            assert!(verdict != Verdict::Passed || ended.elapsed < s(30), "{:?}", ended.elapsed);
        }
    }
}

/// What a deploy of the second shard is followed by belongs to the first, which has nothing else to wait for.
#[test]
fn a_shard_waits_for_what_comes_after_a_deploy_of_another() {
    let [asked, other, later] = [deploy_of(1, 0), deploy_of(2, 0), deploy_of(1, 1)];
    let flow = |now: Duration| {
        let asks = with(step("a", "approval-awaiting", &asked), json!({"approval": {"id": "waa1"}}));
        let steps = if now < s(60) {
            vec![asks, step("b", "in-progress", &other)]
        } else {
            vec![asks, step("b", "success", &other), step("c", "success", &later)]
        };
        ("in-progress", false, steps)
    };
    let word = |now: Duration, id: &str| match id {
        _ if id == asked => "pending-approval",
        _ if now < s(60) => "executing",
        _ => "active",
    };
    let settings = WatchSettings { on_approval: OnApproval::Pass, ..settings() };
    let part = run(of_workflow(sharded(settings, 1, 2)), flowing(flow, word));
    assert_eq!(
        (part.report.verdict, ids(&part)),
        (Verdict::Passed, [asked, later].map(|id| id.replace("dpl", "cmp")).to_vec())
    );
}

/// A component that is retried is one target, of other shards as well.
#[test]
fn a_retried_deploy_of_another_shard_counts_once() {
    let other = deploy_of(2, 0);
    let again = format!("{other}New");
    let flow = |now: Duration| match now.as_secs() {
        0..20 => ("in-progress", false, vec![step("a", "in-progress", &other)]),
        20..40 => ("in-progress", false, vec![step("a", "retried", &other), step("b", "in-progress", &again)]),
        _ => ("success", true, vec![step("a", "retried", &other), step("b", "success", &again)]),
    };
    let word = |now: Duration, id: &str| match now.as_secs() {
        0..20 => "executing",
        _ if id == other => "retried",
        20..40 => "executing",
        _ => "active",
    };
    let watch = |settings| run(of_workflow(settings), flowing(flow, word));
    let empty = watch(sharded(settings(), 1, 2));
    let words = "the one target is not in shard 1/2, so nothing was waited for".to_owned();
    assert_eq!((empty.report.verdict, empty.warnings()), (Verdict::Passed, vec![words]));
    // More are required than there are.
    let two = watch(sharded(WatchSettings { require: at_least(2), ..settings() }, 1, 2));
    assert_eq!(two.report.verdict, Verdict::Failed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the deploys end in, the shards of a run come to the verdict of an undivided run.
    #[test]
    fn shards_merge_to_the_verdict_of_the_whole_run(
        ends in prop::collection::vec(prop::sample::select(vec![
            (10, "active"), (40, "active"), (20, "active"), (15, "error"), (50, "error"), (30, "cancelled"), (0, ""),
        ]), 1..9),
        count in 1..5u32,
        require in 0..9_usize,
        fail_fast in any::<bool>(),
    ) {
        let require = match require { 0 => Require::All, 1 => Require::Any, more => at_least(more.min(ends.len())) };
        let settings = WatchSettings { require, fail_fast, ..settings() };
        let whole = follow(settings.clone(), targets(ends.len()), &ends);
        let texts: Vec<String> = (1..=count).map(|index| {
            let part = follow(sharded(settings.clone(), index, count), targets(ends.len()), &ends);
            serde_json::to_string(&result(&part)).unwrap()
        }).collect();
        let merged = merge(&texts, &MergeOptions { require, run: Some("ci-7".to_owned()) }).unwrap();
        // With `fail_fast`, a run names what made it fail, and may not have seen anything more severe.
        let is_lost = fail_fast && whole.report.verdict != Verdict::Passed;
        prop_assert_eq!(merged.verdict == Verdict::Passed, whole.report.verdict == Verdict::Passed);
        prop_assert!(is_lost || merged.verdict == whole.report.verdict, "{:?} {:?}", merged.verdict, whole.report.verdict);
        prop_assert_eq!(merged.targets.len(), ends.len());
    }
}
