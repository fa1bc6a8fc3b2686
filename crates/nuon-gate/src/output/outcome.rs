//! How the outcome of a target is called and counted, wherever people read it.

use nuon_gate_core::Line;
use nuon_gate_core::result::{Named, TargetResult, VerdictName};

/// A name is cut to this many characters.
const LONGEST_NAME: usize = 160;

/// Returns the targets in the order in which somebody has to look at them.
pub(super) fn worst_first(targets: &[TargetResult]) -> Vec<&TargetResult> {
    let mut targets: Vec<&TargetResult> = targets.iter().collect();
    targets.sort_by_key(|target| gravity(target.verdict));
    targets
}

/// The order of severity that decides a run of several targets.
pub(super) fn gravity(verdict: VerdictName) -> u8 {
    match verdict {
        VerdictName::Interrupted => 0,
        VerdictName::Rejected => 1,
        VerdictName::Failed => 2,
        VerdictName::Cancelled => 3,
        VerdictName::Superseded => 4,
        VerdictName::ApprovalNeeded => 5,
        VerdictName::Inconclusive => 6,
        VerdictName::TimedOut => 7,
        VerdictName::Pending => 8,
        VerdictName::NotifyFailed => 9,
        VerdictName::Passed => 10,
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
pub(super) fn words(verdict: VerdictName) -> String {
    verdict.as_str().replace('_', " ")
}
