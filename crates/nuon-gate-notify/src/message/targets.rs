//! The lines of a message about several targets.

use nuon_gate_core::result::v1::{RunResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use super::{arrow, page, seen, target_name};
use crate::ci_run::WebPage;

/// The most targets that are listed.
const MOST_TARGETS: usize = 20;

/// A line about one of several targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetLine {
    pub(crate) sign: &'static str,
    pub(crate) name: Line,
    /// Its state, and why.
    pub(crate) state: Line,
    /// What to do about it, after an arrow.
    pub(crate) hint: Option<Line>,
    /// The page that its name links to.
    pub(crate) url: Option<WebPage>,
}

/// What the message already shows above the lines.
pub(super) struct Shown<'a> {
    pub(super) reason: Option<&'a Line>,
    pub(super) hint: Option<&'a Line>,
}

/// The state of a target whose plan waits for an answer.
const AWAITING: &str = "awaiting approval";

/// Returns a target's verdict in words.
fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Interrupted(_) => "interrupted",
        Verdict::Rejected => "refused by the API",
        Verdict::Failed => "failed",
        Verdict::Cancelled => "cancelled",
        Verdict::Superseded => "superseded",
        Verdict::ApprovalNeeded => AWAITING,
        Verdict::Inconclusive => "outcome unknown",
        Verdict::TimedOut => "timed out",
        Verdict::Pending => "in progress",
        Verdict::NotifyFailed | Verdict::Passed => "passed",
    }
}

/// Returns the lines of the targets that did not pass, and how many more there are. What is already above the lines is
/// not repeated: the only target, a reason, or a hint.
pub(super) fn lines(result: &RunResult, one: Option<&TargetResult>, above: &Shown<'_>) -> (Vec<TargetLine>, usize) {
    let open = |target: &&TargetResult| !matches!(shown(target), Verdict::Passed | Verdict::NotifyFailed);
    let mut targets: Vec<&TargetResult> = result.targets.iter().filter(open).collect();
    if let ([only], Some(one)) = (targets.as_slice(), one)
        && std::ptr::eq(*only, one)
    {
        return (Vec::new(), 0);
    }
    targets.sort_by_key(|target| shown(target));
    let more = targets.len().saturating_sub(MOST_TARGETS);
    (targets.into_iter().take(MOST_TARGETS).map(|target| TargetLine::new(target, above)).collect(), more)
}

impl TargetLine {
    fn new(target: &TargetResult, above: &Shown<'_>) -> Self {
        let status = target.deploy.as_ref().and_then(|deploy| seen(&deploy.status));
        let state = match (target.verdict, status) {
            _ if is_asked(target) => AWAITING,
            (Verdict::Pending, Some(status)) => status.plain(),
            (Verdict::Pending, None) => "not started",
            (verdict, _) => words(verdict),
        };
        let plan = target.plan.as_ref().filter(|_| shown(target) == Verdict::ApprovalNeeded);
        let reason = target.reason.as_ref().and_then(seen).filter(|reason| Some(*reason) != above.reason).cloned();
        let reason = plan.map(super::plan).or(reason);
        let reason = reason.map(|reason| format!(": {}", reason.plain())).unwrap_or_default();
        Self {
            sign: shown(target).sign(),
            name: Line::new(target_name(target)),
            state: Line::new(format!("{state}{reason}")),
            hint: own_hint(target).filter(|hint| Some(*hint) != above.hint).map(arrow),
            url: [&target.approval_url, &target.url].into_iter().flatten().find_map(page),
        }
    }

    /// Names the target, and describes its state.
    pub(crate) fn standing(&self) -> Line {
        Line::new(format!("{}: {}", self.name.plain(), self.state.plain()))
    }
}

/// Returns what to do about one of several targets, if that is about its deploy. How to wait again is said once for
/// all.
pub(super) fn own_hint(target: &TargetResult) -> Option<&Line> {
    match target.verdict {
        Verdict::Failed | Verdict::Rejected | Verdict::Cancelled => target.hint.as_ref().and_then(seen),
        Verdict::Superseded
        | Verdict::ApprovalNeeded
        | Verdict::Inconclusive
        | Verdict::TimedOut
        | Verdict::Interrupted(_)
        | Verdict::Pending
        | Verdict::NotifyFailed
        | Verdict::Passed => None,
    }
}

/// Returns the verdict to show for a target: one that waits for an answer is not simply pending, or passed.
fn shown(target: &TargetResult) -> Verdict {
    if is_asked(target) { Verdict::ApprovalNeeded } else { target.verdict }
}

/// Counts the targets by verdict, or by state.
pub(super) fn counts(result: &RunResult) -> String {
    let mut verdicts: Vec<Verdict> = result.targets.iter().map(shown).collect();
    verdicts.sort_unstable();
    let mut parts: Vec<(usize, &str)> = Vec::new();
    for words in verdicts.into_iter().map(words) {
        match parts.iter_mut().find(|(_, known)| *known == words) {
            Some((count, _)) => *count += 1,
            None => parts.push((1, words)),
        }
    }
    parts.iter().map(|(count, words)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
}

/// Returns whether a human is asked to approve, and the target's wait goes on, or has passed on the plan alone.
pub(super) fn is_asked(target: &TargetResult) -> bool {
    target.verdict == Verdict::Pending && target.approval_url.is_some() || is_planned(target)
}

/// Returns whether it passed on its plan (`--on-approval pass`): nothing is deployed until a human approves.
pub(crate) fn is_planned(target: &TargetResult) -> bool {
    target.verdict == Verdict::Passed && has_status(target, "pending-approval")
}

/// Returns whether a run has passed although a human is still asked: about a plan, or before a release goes on.
pub(crate) fn has_passed_unapproved(result: &RunResult) -> bool {
    let asks = || result.branch_run.as_ref().is_some_and(|run| run.awaiting_approval);
    matches!(result.verdict, Verdict::Passed | Verdict::NotifyFailed)
        && (result.targets.iter().any(is_planned) || asks())
}

pub(super) fn may_be_asked(target: &TargetResult) -> bool {
    target.verdict == Verdict::Pending && has_status(target, "pending-approval")
}

pub(super) fn has_status(target: &TargetResult, status: &str) -> bool {
    target.deploy.as_ref().is_some_and(|deploy| deploy.status == *status)
}

/// Returns whether nobody answered in time.
pub(super) fn has_expired(target: &TargetResult) -> bool {
    has_status(target, "approval-expired")
}

pub(super) fn has_ended(target: &TargetResult) -> bool {
    let by_itself =
        matches!(target.verdict, Verdict::Passed | Verdict::Failed | Verdict::Cancelled | Verdict::Rejected);
    by_itself || target.deploy.as_ref().is_some_and(|deploy| deploy.ended_at.is_some())
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Signal;

    use super::*;
    use crate::sample;

    #[test]
    fn targets_stand_in_the_order_in_which_they_decide_a_run() {
        let verdicts = [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::Rejected,
            Verdict::Failed,
            Verdict::Interrupted(Signal::Interrupt),
        ];
        let mut result = sample::result(Verdict::Interrupted(Signal::Interrupt));
        let one = result.targets[0].clone();
        result.targets = verdicts.map(|verdict| TargetResult { verdict, ..one.clone() }).to_vec();
        assert_eq!(counts(&result), "1 interrupted, 1 refused by the API, 2 failed, 1 passed");
        let (lines, _) = lines(&result, None, &Shown { reason: None, hint: None });
        let states: Vec<&str> = lines.iter().map(|line| line.state.plain().split(':').next().unwrap()).collect();
        assert_eq!(states, ["interrupted", "refused by the API", "failed", "failed"]);
    }
}
