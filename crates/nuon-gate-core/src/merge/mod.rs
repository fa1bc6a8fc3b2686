//! Merges the results of all shards into one, as if the run had not been divided.
//!
//! A file's claims are checked again: its run, its targets' shard, and the verdict that follows from theirs. Unusable
//! files are refused, and a missing shard keeps the run from passing.

mod explanation;
mod part;
mod trouble;

use std::collections::HashSet;

use self::explanation::Explanation;
use self::part::Part;
use self::trouble::Trouble;
use crate::result::v1::{ApiResult, RunResult, TargetResult, millis, rfc3339};
use crate::timeline::span;
use crate::{InvalidId, InvalidShard, Line, Require, Shard, Signal, Verdict};

/// The requirements for merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeOptions {
    /// How many of all targets have to pass.
    pub require: Require,
    /// The name of the run, if known. Its shards must have the same name.
    pub run: Option<String>,
}

/// Why results cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not a result, or one that was cut short.
    #[error("{0}")]
    Broken(String),
    /// A result of another version.
    #[error("its schema version is {0}, but only 1 is supported")]
    Schema(u64),
    /// The result of an undivided run.
    #[error("it is the result of a wait without --shard, so there is nothing to merge it with")]
    NoShard,
    /// There is no such shard.
    #[error(transparent)]
    NoSuchShard(InvalidShard),
    /// An invalid time.
    #[error("`{0}` is not a time")]
    Time(String),
    /// An invalid id.
    #[error("it has a target without an id: {0}")]
    Id(InvalidId),
    /// A verdict that no target can have.
    #[error("{target} cannot be {}", .verdict.as_str())]
    NoVerdict {
        /// The target.
        target: String,
        /// The verdict.
        verdict: Verdict,
    },
    /// A pass without a proof.
    #[error("{0} is reported as passed, but without a deploy that passed")]
    Unproven(String),
    /// A target of another shard.
    #[error("{target} does not belong to shard {shard}")]
    Foreign {
        /// The target.
        target: String,
        /// The shard that has it.
        shard: Shard,
    },
    /// One target twice.
    #[error("{0} is in it twice")]
    Twice(String),
    /// The run has another number of shards.
    #[error("it is shard {shard}, and others are of {count}")]
    OtherCount {
        /// The shard.
        shard: Shard,
        /// The number of shards that the others have.
        count: u32,
    },
    /// Of another run.
    #[error("it belongs to another run: its targets, pins or policies differ")]
    OtherRun,
    /// Of a run with another name.
    #[error("it belongs to another run: {} instead of {}", named(.name.as_deref()), named(.expected.as_deref()))]
    OtherName {
        /// Its run's name.
        name: Option<String>,
        /// The expected name.
        expected: Option<String>,
    },
    /// The same shard twice.
    #[error("shard {0} is given more than once")]
    Repeated(Shard),
    /// The shards do not have as many targets as the run.
    #[error("the shards have {found} targets, and the run has {all}")]
    OtherTargets {
        /// How many the shards have.
        found: usize,
        /// How many the run has.
        all: usize,
    },
    /// More targets are required to pass than there are.
    #[error("{needed} targets are required to pass, but there are only {targets}")]
    TooManyRequired {
        /// How many are required.
        needed: usize,
        /// How many there are.
        targets: usize,
    },
    /// No shard has any.
    #[error("there are no targets in any of the results")]
    NoTargets,
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(|| "an unnamed run".to_owned(), |name| format!("`{}`", Line::new(name).plain()))
}

/// Why results cannot be merged, and the offending one, if it is a single one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmergeable {
    /// Its position.
    pub part: Option<usize>,
    /// Why.
    pub flaw: Flaw,
}

/// Returns a merged result for a program that a signal ends before the result is reported.
#[must_use]
pub fn interrupted(result: RunResult, signal: Signal) -> RunResult {
    let before = result.reason.as_ref().map(|reason| format!("; {}", reason.plain())).unwrap_or_default();
    let reason = Some(Line::new(format!("interrupted by {signal}{before}")));
    RunResult { verdict: Verdict::Interrupted(signal), reason, ..result }
}

/// Merges the texts of several results. The outcome has no exit code yet.
///
/// # Errors
///
/// If one of them does not belong to the same run as the others, or if they cannot be the whole run.
pub fn merge(texts: &[String], options: &MergeOptions) -> Result<RunResult, Unmergeable> {
    let of = |part: usize| move |flaw: Flaw| Unmergeable { part: Some(part), flaw };
    let whole = |flaw: Flaw| Unmergeable { part: None, flaw };
    let mut parts: Vec<Part> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let part = Part::read(text).map_err(of(at))?;
        part.belongs_to(&parts, options.run.as_deref()).map_err(of(at))?;
        parts.push(part);
    }
    parts.sort_by_key(|part| part.shard);
    let first = parts.first().ok_or_else(|| whole(Flaw::NoTargets))?;
    let present: HashSet<u32> = parts.iter().map(|part| part.shard.index()).collect();
    let count = first.shard.count();
    let missing: Vec<u32> = (1..=count).filter(|index| !present.contains(index)).collect();
    let incomplete = parts.iter().filter_map(|part| Some((part.shard.index(), part.incomplete()?)));
    let incomplete: Vec<(u32, Verdict)> = incomplete.collect();
    let troubles = parts.iter().filter_map(Part::trouble).chain(Trouble::missing(&missing, count));
    let mut troubles: Vec<Trouble> = troubles.chain(Trouble::incomplete(&incomplete, count)).collect();
    check_targets(&parts, options.require, troubles.is_empty()).map_err(whole)?;
    let verdicts: Vec<Verdict> = parts.iter().flat_map(Part::verdicts).collect();
    if decide(&verdicts, &troubles, options.require) == Verdict::Pending {
        let unended = verdicts.iter().filter(|verdict| **verdict == Verdict::Pending).count();
        troubles.push(Trouble::unended(unended, verdicts.len()));
    }
    Ok(merged(parts, &troubles, decide(&verdicts, &troubles, options.require)))
}

/// Checks that the run has exactly the targets that its shards name, and enough for the requirement. If a shard's wait
/// did not begin, its targets are not known.
fn check_targets(parts: &[Part], require: Require, are_complete: bool) -> Result<(), Flaw> {
    let found = parts.iter().map(|part| part.targets().len()).fold(0, usize::saturating_add);
    let all = parts.iter().find_map(|part| part.all_targets);
    match all {
        Some(all) if found > all || are_complete && found < all => return Err(Flaw::OtherTargets { found, all }),
        _ if found == 0 && are_complete => return Err(Flaw::NoTargets),
        _ => {}
    }
    let (needed, targets) = (require.count(found), all.unwrap_or(found));
    if needed > targets && (all.is_some() || are_complete) {
        return Err(Flaw::TooManyRequired { needed, targets });
    }
    Ok(())
}

/// Builds the result of a run that ended so.
fn merged(parts: Vec<Part>, troubles: &[Trouble], verdict: Verdict) -> RunResult {
    // A shard's notification failed, which only counts if nothing worse happened.
    let unreported = parts.iter().find(|part| part.result.verdict == Verdict::NotifyFailed);
    let started = parts.iter().map(|part| part.started).min().unwrap_or_default();
    let finished = parts.iter().map(|part| part.finished).max().unwrap_or_default();
    let api = parts.iter().fold(ApiResult { version: None, requests: 0, errors: 0 }, |sum, part| {
        let ApiResult { version, requests, errors } = &part.result.api;
        ApiResult {
            version: sum.version.or_else(|| version.clone()),
            requests: sum.requests.saturating_add(*requests),
            errors: sum.errors.saturating_add(*errors),
        }
    });
    let (verdict, Explanation { reason, hint, warnings }) = match unreported.filter(|_| verdict == Verdict::Passed) {
        Some(part) => (Verdict::NotifyFailed, Explanation::of_shard(part, &parts)),
        None => (verdict, Explanation::new(verdict, troubles, &parts)),
    };
    // Each shard has watched the whole run of a branch, and the last one to end has seen most of it.
    let branch_run = parts.iter().max_by_key(|part| part.finished).and_then(|part| part.result.branch_run.clone());
    let targets: Vec<TargetResult> = parts.into_iter().flat_map(Part::into_targets).collect();
    RunResult {
        schema: 1,
        verdict,
        exit_code: 0,
        reason,
        hint,
        started_at: rfc3339(started),
        finished_at: rfc3339(finished.max(started)),
        elapsed_ms: millis(span(started, finished)),
        targets,
        branch_run,
        shard: None,
        api,
        ci_url: None,
        notifications: Vec::new(),
        warnings,
    }
}

/// Returns the verdict of a run with these targets: a pass if enough have passed and nothing went wrong beside them,
/// otherwise the most severe. A signal that ended a shard ends the run.
fn decide(verdicts: &[Verdict], troubles: &[Trouble], require: Require) -> Verdict {
    let worst = troubles.iter().map(|trouble| trouble.verdict).min();
    if let Some(interrupted @ Verdict::Interrupted(_)) = worst {
        return interrupted;
    }
    let passed = verdicts.iter().filter(|verdict| **verdict == Verdict::Passed).count();
    if worst.is_none() && !verdicts.is_empty() && passed >= require.count(verdicts.len()) {
        return Verdict::Passed;
    }
    let bad = verdicts.iter().copied().filter(|verdict| *verdict != Verdict::Passed);
    bad.chain(worst).min().unwrap_or(Verdict::Pending)
}

#[cfg(test)]
mod table;
