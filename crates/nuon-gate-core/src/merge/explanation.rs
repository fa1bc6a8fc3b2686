//! The reason, the hint and the warnings of a run that is merged from its shards.

use std::collections::HashSet;

use super::part::Part;
use super::trouble::{Trouble, shard_words};
use crate::result::v1::{RunResult, TargetResult};
use crate::{Line, Verdict};

/// The texts beside the verdict.
pub(super) struct Explanation {
    pub(super) reason: Option<Line>,
    pub(super) hint: Option<Line>,
    pub(super) warnings: Vec<Line>,
}

impl Explanation {
    /// Explains how a run ended: by its deciding target, or else by what went wrong beside the targets.
    pub(super) fn new(verdict: Verdict, troubles: &[Trouble], parts: &[Part]) -> Self {
        let targets: Vec<&TargetResult> = parts.iter().flat_map(Part::targets).collect();
        let is_reported = !matches!(verdict, Verdict::Passed | Verdict::Pending);
        let of_target = targets.iter().position(|target| is_reported && target.verdict == verdict);
        let of_trouble = troubles.iter().position(|trouble| is_reported && trouble.verdict == verdict);
        let of_trouble = of_trouble.filter(|_| of_target.is_none());
        let (reason, hint) = match (of_target, of_trouble) {
            (Some(at), _) => (Some(of_several(&targets, at)), targets[at].hint.clone()),
            (None, Some(at)) => (Some(troubles[at].reason.clone()), troubles[at].hint.clone()),
            (None, None) => (None, None),
        };
        let others = troubles.iter().enumerate().filter(|(at, _)| Some(*at) != of_trouble);
        let mut warnings: Vec<Line> = others.map(|(_, trouble)| trouble.reason.clone()).collect();
        warnings.extend(of_shards(parts));
        Self { reason, hint, warnings }
    }

    /// Reports that a run passed, but a notification of this shard failed.
    pub(super) fn of_shard(part: &Part, parts: &[Part]) -> Self {
        let RunResult { reason, hint, .. } = &part.result;
        let why = reason.as_ref().map_or("a notification failed", Line::plain);
        let reason = Some(Line::new(format!("{}: {why}", shard_words(part.shard))));
        Self { reason, hint: hint.clone(), warnings: of_shards(parts) }
    }
}

/// Returns a target's reason, preceded by what distinguishes the target, and followed by how many did not pass.
fn of_several(targets: &[&TargetResult], at: usize) -> Line {
    let target = targets[at];
    let why = target.reason.as_ref().map_or("", Line::plain);
    if targets.len() == 1 {
        return Line::new(why);
    }
    let one_install = targets.iter().all(|other| other.install.id == target.install.id);
    let component = target.component.label().plain();
    let label =
        if one_install { component.to_owned() } else { format!("{}/{component}", target.install.label().plain()) };
    let missed = targets.iter().filter(|target| target.verdict != Verdict::Passed).count();
    let count =
        if missed > 1 { format!(" ({missed} of {} targets did not pass)", targets.len()) } else { String::new() };
    Line::new(format!("{label}: {why}{count}"))
}

/// Returns the shards' warnings, each text once.
fn of_shards(parts: &[Part]) -> Vec<Line> {
    let mut seen: HashSet<&Line> = HashSet::new();
    let all = parts.iter().flat_map(|part| part.result.warnings.iter().map(move |warning| (part.shard, warning)));
    let new = all.filter(|(_, warning)| seen.insert(warning));
    new.map(|(shard, warning)| Line::new(format!("{}: {}", shard_words(shard), warning.plain()))).collect()
}
