//! Which of the targets are watched, where a run is done in several parts.

use super::settings::{OnApproval, OnStale, WatchSettings};
use crate::pins::Pinning;
use crate::{Kind, OrgId, Shard, ShardReport, ShardedRunId, Sharding, Target};

/// The part that is watched, and what is known of the others.
#[derive(Debug)]
pub(super) struct Parts {
    sharding: Option<Sharding>,
    /// How many targets belong to others.
    elsewhere: usize,
    /// Which run it is and how many targets that has, once all are known.
    whole: Option<(ShardedRunId, usize)>,
}

impl Parts {
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

    /// Tells whether a target is to be watched. Each that is not is counted.
    pub(super) fn take(&mut self, target: &Target) -> bool {
        let is_own = self.shard().is_none_or(|shard| shard.has(target));
        self.elsewhere += usize::from(!is_own);
        is_own
    }

    /// Takes note of all targets that there are, and returns those that are to be watched.
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
        all.iter().filter(|target| self.take(target)).cloned().collect()
    }

    /// Reports which part it is of which run. The targets of a workflow, or of a branch's run, are known only in the end, but
    /// `whole` names that.
    pub(super) fn report(
        &self,
        whole: Option<String>,
        settings: &WatchSettings,
        pinning: &Pinning,
    ) -> Option<ShardReport> {
        let sharding = self.sharding.clone()?;
        let named = |name: String| (run_id(&sharding, settings, vec![format!("{name} {:?}", pinning.shared)]), None);
        let known = self.whole.clone().map(|(run_id, count)| (run_id, Some(count)));
        let (run_id, all_targets) = known.or_else(|| whole.map(named)).unzip();
        Some(ShardReport { sharding, run_id, all_targets: all_targets.flatten() })
    }
}

/// Names a run by all that decides what its parts watch and how they judge: who started it, in how many parts, the rules, and
/// every target with its pins. How long is waited decides neither.
fn run_id(sharding: &Sharding, settings: &WatchSettings, facts: Vec<String>) -> ShardedRunId {
    let WatchSettings { rules, require, expect, on_superseded, on_approval, on_stale, org, .. } = settings;
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
    ];
    ShardedRunId::of(common.into_iter().chain(facts))
}
