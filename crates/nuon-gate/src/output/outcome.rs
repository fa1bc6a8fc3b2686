//! Names and numbers of outcomes, as people read them.

use nuon_gate_core::result::v1::{Named, TargetResult};
use nuon_gate_core::{Line, Verdict};

/// Maximum length of a name, in characters.
const LONGEST_NAME: usize = 160;

/// Returns the targets in the order of their urgency.
pub(super) fn worst_first(targets: &[TargetResult]) -> Vec<&TargetResult> {
    let mut targets: Vec<&TargetResult> = targets.iter().collect();
    targets.sort_by_key(|target| target.verdict);
    targets
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

/// Returns the label of a target.
pub(super) fn label(target: &TargetResult) -> Line {
    Line::new(format!("{} in {}", component(target).plain(), install(target).plain()))
}

/// Returns a verdict in words.
pub(super) fn words(verdict: Verdict) -> String {
    verdict.as_str().replace('_', " ")
}
