//! One shard's result, as far as it can be trusted.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::Flaw;
use super::trouble::{Trouble, shard_words};
use crate::input::json_fault;
use crate::model::DeployType;
use crate::result::v1::{DeployResult, RunResult, ShardResult, TargetResult};
use crate::{DeployId, Line, Shard, Signal, Target, Verdict};

/// A valid result.
pub(super) struct Part {
    pub(super) shard: Shard,
    /// Its run; `None` if that never became known.
    run_id: Option<String>,
    run_name: Option<String>,
    pub(super) all_targets: Option<usize>,
    /// Its targets' verdicts are all that counts. Where the targets are the deploys of a workflow or run, they are only if
    /// that ended well.
    is_complete: bool,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    /// The targets' verdicts, in their order.
    verdicts: Vec<Verdict>,
    pub(super) result: RunResult,
}

/// What every version of the result has.
#[derive(Deserialize)]
struct AnyForm {
    schema: u64,
}

/// Returns whether a deploy has an id, and a type that deploys something. Any status can be a pass, if a flag said so.
fn can_pass(deploy: &DeployResult) -> bool {
    let has_id = deploy.id.as_ref().is_some_and(|id| id.plain().parse::<DeployId>().is_ok());
    has_id && deploy.deploy_type.as_ref().is_none_or(|named| DeployType::from(named.plain()).kind().is_some())
}

/// A target that did not pass says so, if its shard left out why.
fn explain(target: &mut TargetResult) {
    let passes = matches!(target.verdict, Verdict::Passed | Verdict::Pending);
    let unexplained = (!passes).then(|| Line::new("it did not pass"));
    target.reason = target.reason.take().filter(|reason| !reason.is_empty()).or(unexplained);
}

impl Part {
    /// Reads a result, and refuses one that contradicts itself.
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let broken = |error: serde_json::Error| Flaw::Broken(json_fault(&error));
        // Another version cannot be read further.
        let AnyForm { schema } = serde_json::from_str(text).map_err(broken)?;
        if schema != 1 {
            return Err(Flaw::Schema(schema));
        }
        let mut result: RunResult = serde_json::from_str(text).map_err(broken)?;
        result.reason = result.reason.filter(|reason| !reason.is_empty());
        result.targets.iter_mut().for_each(explain);
        let Some(ShardResult { index, count, run_id, run_name, all_targets, complete }) = &result.shard else {
            return Err(Flaw::NoShard);
        };
        let shard = Shard::new(*index, *count).map_err(Flaw::NoSuchShard)?;
        let text = |line: &Option<Line>| line.as_ref().map(|line| line.plain().to_owned());
        let time = |line: &Line| line.plain().parse().map_err(|_| Flaw::Time(line.cut(50).plain().to_owned()));
        let mut part = Self {
            shard,
            run_id: text(run_id),
            run_name: text(run_name),
            all_targets: *all_targets,
            is_complete: run_id.is_some() && (all_targets.is_some() || *complete),
            started: time(&result.started_at)?,
            finished: time(&result.finished_at)?,
            verdicts: Vec::new(),
            result,
        };
        part.verdicts = part.check_targets()?;
        Ok(part)
    }

    /// Checks each target: it must belong to the shard, and have a verdict that a target can have.
    fn check_targets(&self) -> Result<Vec<Verdict>, Flaw> {
        let mut known = HashSet::new();
        let verdict = |result: &TargetResult| {
            let target = target(result)?;
            let label = target.to_string();
            let verdict = result.verdict;
            if matches!(verdict, Verdict::Interrupted(_) | Verdict::NotifyFailed) {
                return Err(Flaw::NoVerdict { target: label, verdict });
            }
            let is_proven = || result.matched_by.is_some() && result.deploy.as_ref().is_some_and(can_pass);
            if verdict == Verdict::Passed && !is_proven() {
                return Err(Flaw::Unproven(label));
            }
            if !self.shard.has(&target) {
                return Err(Flaw::Foreign { target: label, shard: self.shard });
            }
            // A workflow can deploy a component twice, which makes two targets.
            if self.all_targets.is_some() && !known.insert(target) {
                return Err(Flaw::Twice(label));
            }
            Ok(verdict)
        };
        self.targets().iter().map(verdict).collect()
    }

    /// Checks that it belongs to the same run as the others, which may have a name, and is not among them.
    pub(super) fn belongs_to(&self, others: &[Self], run: Option<&str>) -> Result<(), Flaw> {
        let name = |name: Option<&str>| name.map(str::to_owned);
        let expected = run.or(others.first().and_then(|other| other.run_name.as_deref()));
        if (run.is_some() || !others.is_empty()) && self.run_name.as_deref() != expected {
            return Err(Flaw::OtherName { name: name(self.run_name.as_deref()), expected: name(expected) });
        }
        if let Some(other) = others.iter().find(|other| other.shard.count() != self.shard.count()) {
            return Err(Flaw::OtherCount { shard: self.shard, count: other.shard.count() });
        }
        if others.iter().any(|other| other.shard == self.shard) {
            return Err(Flaw::Repeated(self.shard));
        }
        // A shard whose wait did not begin does not know its run.
        let is_other = |other: &Self| {
            let known = self.run_id.is_some() && other.run_id.is_some();
            known && (self.run_id != other.run_id || self.all_targets != other.all_targets)
        };
        if others.iter().any(is_other) { Err(Flaw::OtherRun) } else { Ok(()) }
    }

    /// Returns its targets. A shard whose wait did not begin lists all targets that were typed, of all shards.
    pub(super) fn targets(&self) -> &[TargetResult] {
        if self.run_id.is_some() { &self.result.targets } else { &[] }
    }

    pub(super) fn into_targets(self) -> Vec<TargetResult> {
        if self.run_id.is_some() { self.result.targets } else { Vec::new() }
    }

    pub(super) fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.verdicts.iter().copied()
    }

    /// Returns the verdict that counts beside those of its targets.
    fn verdict_beside(&self) -> Option<Verdict> {
        match self.result.verdict {
            Verdict::Interrupted(_) => Some(Verdict::Interrupted(signal(self.result.exit_code))),
            Verdict::Passed | Verdict::Pending | Verdict::NotifyFailed => {
                (!self.is_complete).then_some(Verdict::Inconclusive)
            }
            verdict => Some(verdict).filter(|verdict| !self.is_complete || !self.verdicts.contains(verdict)),
        }
    }

    /// Returns what ended it badly beside its targets, in its own words.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let verdict = self.verdict_beside().filter(|_| self.incomplete().is_none())?;
        let RunResult { reason, hint, .. } = &self.result;
        let why = reason.as_ref().map_or("it did not begin", Line::plain);
        let reason = Line::new(format!("{}: {why}", shard_words(self.shard)));
        Some(Trouble { verdict, reason, hint: hint.clone() })
    }

    /// Returns its verdict if the workflow or run did not end well by it, and its words are none, or those of a target.
    pub(super) fn incomplete(&self) -> Option<Verdict> {
        let verdict = self.verdict_beside().filter(|_| self.run_id.is_some() && !self.is_complete)?;
        (self.result.reason.is_none() || self.verdicts.contains(&verdict)).then_some(verdict)
    }
}

/// Returns the signal of an exit code. A mapped code shows nothing.
fn signal(exit_code: u8) -> Signal {
    match exit_code {
        129 => Signal::HangUp,
        130 => Signal::Interrupt,
        _ => Signal::Terminate,
    }
}

fn target(result: &TargetResult) -> Result<Target, Flaw> {
    let install = result.install.id.plain().parse().map_err(Flaw::Id)?;
    let component = result.component.id.plain().parse().map_err(Flaw::Id)?;
    Ok(Target::new(install, component))
}
