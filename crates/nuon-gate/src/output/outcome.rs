//! How the outcome of a target is called and counted, wherever people read it.

use nuon_gate_core::result::{Named, TargetResult};
use nuon_gate_core::{Line, Verdict};

/// A name is cut to this many characters.
const LONGEST_NAME: usize = 160;

/// Returns the targets in the order in which somebody has to look at them.
pub(super) fn worst_first(targets: &[TargetResult]) -> Vec<&TargetResult> {
    let mut targets: Vec<&TargetResult> = targets.iter().collect();
    targets.sort_by_key(|target| gravity(target.verdict));
    targets
}

/// The order of severity that decides a run of several targets.
pub(super) fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Interrupted(_) => 0,
        Verdict::Rejected => 1,
        Verdict::Failed => 2,
        Verdict::Cancelled => 3,
        Verdict::Superseded => 4,
        Verdict::ApprovalNeeded => 5,
        Verdict::Inconclusive => 6,
        Verdict::TimedOut => 7,
        Verdict::Pending => 8,
        Verdict::NotifyFailed => 9,
        Verdict::Passed => 10,
    }
}

pub(super) fn component(target: &TargetResult) -> Line {
    name(&target.component)
}

pub(super) fn install(target: &TargetResult) -> Line {
    name(&target.install)
}

fn name(named: &Named) -> Line {
    named.known().map_or_else(|| Line::new("unknown"), |name| name.cut(LONGEST_NAME))
}

/// Returns the name under which a target is told of.
pub(super) fn label(target: &TargetResult) -> Line {
    Line::new(format!("{} in {}", component(target).plain(), install(target).plain()))
}

/// Returns a verdict as people write it.
pub(super) fn words(verdict: Verdict) -> String {
    verdict.as_str().replace('_', " ")
}
