//! Which targets are watched, in a sharded run.

use super::settings::{OnApproval, OnStale, WatchSettings};
use crate::pins::Pinning;
use crate::{Kind, OrgId, Shard, ShardReport, ShardedRunId, Sharding, Target};

/// The watched shard, and what is known about the others.
#[derive(Debug)]
pub(super) struct OwnShard {
    sharding: Option<Sharding>,
    /// How many targets belong to others.
    elsewhere: usize,
    /// The run's id and its number of targets, once all are known.
    whole: Option<(ShardedRunId, usize)>,
}

impl OwnShard {
    pub(super) fn new(sharding: Option<Sharding>) -> Self {
        Self { sharding, elsewhere: 0, whole: None }
    }

    pub(super) fn shard(&self) -> Option<Shard> {
        self.sharding.as_ref().map(|sharding| sharding.shard)
    }

    /// Returns how many targets belong to others.
    pub(super) fn elsewhere(&self) -> usize {
        self.elsewhere
    }

    /// Returns whether a target belongs to this shard, and counts those that do not.
    pub(super) fn claim(&mut self, target: &Target) -> bool {
        let is_own = self.shard().is_none_or(|shard| shard.has(target));
        self.elsewhere += usize::from(!is_own);
        is_own
    }

    /// Records all targets, and returns those of this shard.
    pub(super) fn split(&mut self, all: &[Target], settings: &WatchSettings, pinning: &Pinning) -> Vec<Target> {
        if let Some(sharding) = &self.sharding {
            let fact = |target: &Target| {
                let pins = pinning.of(target).unwrap_or_default();
                format!("target {}/{} {pins:?}", target.install.as_str(), target.component.as_str())
            };
            let mut facts: Vec<String> = all.iter().map(fact).collect();
            facts.sort();
            self.whole = Some((run_id(sharding, settings, facts), all.len()));
        }
        all.iter().filter(|target| self.claim(target)).cloned().collect()
    }

    /// Reports the shard and its run. The targets of a workflow or of a branch's run are known only at the end, so
    /// `whole` identifies it; `is_complete`: it ended well.
    pub(super) fn report(
        &self,
        whole: Option<String>,
        is_complete: bool,
        settings: &WatchSettings,
        pinning: &Pinning,
    ) -> Option<ShardReport> {
        let sharding = self.sharding.clone()?;
        let named = |name: String| (run_id(&sharding, settings, vec![format!("{name} {:?}", pinning.shared)]), None);
        let known = self.whole.clone().map(|(run_id, count)| (run_id, Some(count)));
        let (run_id, all_targets) = known.or_else(|| whole.map(named)).unzip();
        Some(ShardReport { sharding, run_id, all_targets: all_targets.flatten(), is_complete })
    }
}

/// Derives the id of a run from everything that decides what its shards watch and how they judge: the run's name, the
/// number of shards, the rules, and every target with its pins. Timeouts do not matter.
fn run_id(sharding: &Sharding, settings: &WatchSettings, facts: Vec<String>) -> ShardedRunId {
    // Every field is named, so that a new one is not forgotten.
    let WatchSettings {
        rules,
        require,
        expect,
        on_superseded,
        on_approval,
        on_stale,
        settle,
        healthy_for,
        org,
        intervals: _,
        clocks: _,
        request_timeout: _,
        sharding: _,
        fail_fast: _,
        links: _,
        steps: _,
        logs: _,
        long_poll: _,
        history: _,
        is_triggered: _,
        max_rps: _,
        mode: _,
        seed: _,
    } = settings;
    let approval = match on_approval {
        OnApproval::Wait => "wait",
        OnApproval::Fail => "fail",
        OnApproval::Pass => "pass",
    };
    let stale = match on_stale {
        OnStale::Accept => "accept",
        OnStale::Wait => "wait",
        OnStale::Fail => "fail",
    };
    let common = [
        format!("run {:?}", sharding.run),
        format!("shards {}", sharding.shard.count()),
        format!("organisation {:?}", org.as_ref().map(OrgId::as_str)),
        format!("require {require:?}"),
        format!("expect {:?}", expect.map(Kind::words)),
        format!("on superseded {:?}", on_superseded.map(super::OnSuperseded::as_str)),
        format!("on approval {approval}, on stale {stale}"),
        format!("rules {:?}", rules.overrides()),
        format!("settle {}, healthy for {:?}", settle.as_millis(), healthy_for.map(|bake| bake.as_millis())),
    ];
    ShardedRunId::of(common.into_iter().chain(facts))
}
