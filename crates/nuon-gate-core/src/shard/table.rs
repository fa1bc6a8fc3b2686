//! The rules of shards, as tables.

use proptest::prelude::*;

use super::*;

fn target(install: &str, component: &str) -> Target {
    Target::new(install.parse().unwrap(), component.parse().unwrap())
}

#[test]
fn a_shard_is_one_of_so_many() {
    let cases = [
        ("1/1", Ok((1, 1))),
        ("4/4", Ok((4, 4))),
        (" 2 / 3 ", Ok((2, 3))),
        ("0003/10000", Ok((3, 10_000))),
        ("", Err(InvalidShard::Form)),
        ("1", Err(InvalidShard::Form)),
        ("/4", Err(InvalidShard::Form)),
        ("1/", Err(InvalidShard::Form)),
        ("1/4/4", Err(InvalidShard::Form)),
        ("-1/4", Err(InvalidShard::Form)),
        ("+1/4", Err(InvalidShard::Form)),
        ("1.5/4", Err(InvalidShard::Form)),
        ("1 of 4", Err(InvalidShard::Form)),
        ("١/٤", Err(InvalidShard::Form)),
        ("0/4", Err(InvalidShard::Zero { count: 4 })),
        ("5/4", Err(InvalidShard::Beyond { index: 5, count: 4 })),
        ("99999999999999999999/4", Err(InvalidShard::Beyond { index: u32::MAX, count: 4 })),
        ("1/0", Err(InvalidShard::Count)),
        ("0/0", Err(InvalidShard::Count)),
        ("1/10001", Err(InvalidShard::Count)),
        ("1/99999999999999999999", Err(InvalidShard::Count)),
    ];
    for (text, expected) in cases {
        let read = text.parse::<Shard>();
        assert_eq!(read.clone().map(|shard| (shard.index(), shard.count())), expected, "{text:?}");
        if let Ok(shard) = read {
            assert_eq!(shard.to_string().parse(), Ok(shard));
        }
    }
}

/// These never change: a new version must not redistribute the targets between the jobs of one run. Each was computed
/// with `printf inl…/cmp… | sha256sum`.
#[test]
fn the_owner_of_a_target_never_changes() {
    let cases = [
        ("inlacme0000000000000000000", "cmpapi00000000000000000000", [(1, 1), (2, 2), (3, 3), (4, 4), (120, 256)]),
        ("inlacme0000000000000000000", "cmpworker00000000000000000", [(1, 1), (1, 2), (2, 3), (1, 4), (85, 256)]),
        ("inlglobex00000000000000000", "cmpapi00000000000000000000", [(1, 1), (2, 2), (3, 3), (2, 4), (42, 256)]),
        ("inl-ä", "c", [(1, 1), (1, 2), (1, 3), (3, 4), (243, 256)]),
    ];
    for (install, component, shards) in cases {
        let target = target(install, component);
        let own = shards.map(|(_, count)| (1..=count).find(|index| Shard::new(*index, count).unwrap().has(&target)));
        assert_eq!(own, shards.map(|(index, _)| Some(index)), "{install}/{component}");
    }
}

#[test]
fn a_run_is_known_by_all_of_its_facts() {
    let id = |facts: &[&str]| ShardedRunId::of(facts.iter().map(|fact| (*fact).to_owned()));
    assert_eq!(id(&["a", "b"]).as_str().len(), 32);
    assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
    for other in [&["b", "a"][..], &["ab"], &["a"], &["a", "b", ""], &["a\nb"], &["a1:b"], &["a", "c"]] {
        assert_ne!(id(other), id(&["a", "b"]), "{other:?}");
    }
}

fn some_targets() -> impl Strategy<Value = Vec<Target>> {
    prop::collection::vec(("[a-z0-9]{1,4}", "[a-z0-9]{1,3}"), 0..60)
        .prop_map(|names| names.iter().map(|(install, component)| target(install, component)).collect())
}

fn part(targets: &[Target], index: u32, count: u32) -> Vec<Target> {
    let shard = Shard::new(index, count).unwrap();
    targets.iter().filter(|target| shard.has(target)).cloned().collect()
}

proptest! {
    /// Of every set of targets, each belongs to exactly one shard, whatever else is in the set.
    #[test]
    fn shards_are_disjoint_and_complete(targets in some_targets(), count in 1..40u32) {
        let parts: Vec<Vec<Target>> = (1..=count).map(|index| part(&targets, index, count)).collect();
        prop_assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), targets.len());
        for target in &targets {
            prop_assert_eq!(parts.iter().filter(|part| part.contains(target)).count(), 1);
        }
    }

    /// Neither the order of the targets nor repetitions change their shards.
    #[test]
    fn shards_are_stable(targets in some_targets().prop_shuffle(), more in some_targets(), count in 1..40u32) {
        let mut turned = targets.clone();
        turned.reverse();
        let grown: Vec<Target> = more.iter().chain(&turned).chain(&targets).cloned().collect();
        for index in 1..=count {
            let own = part(&targets, index, count);
            let of_grown = part(&grown, index, count);
            prop_assert!(targets.iter().all(|target| own.contains(target) == of_grown.contains(target)));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    /// No shard of many targets is much larger than the others.
    #[test]
    fn shards_are_even(seed in 0..1_000_000u32, count in 2..20u32) {
        let each = 200;
        let all: Vec<Target> =
            (0..each * count).map(|at| target(&format!("inl{seed}n{at}"), "cmpapi00000000000000000000")).collect();
        for index in 1..=count {
            let own = part(&all, index, count).len();
            prop_assert!((100..300).contains(&own), "{} of {} in shard {}/{}", own, all.len(), index, count);
        }
    }
}
