//! The outputs for later steps of a pipeline, as pairs of a name and a text.

use std::path::Path;

use nuon_gate_core::result::v1::{Delivery, PlanResult, TargetResult};
use nuon_gate_core::{Line, Verdict};

use super::Ending;
use crate::exit;

/// The facts, in the order of the documentation. They describe the deciding target. They are not escaped: a path can hold
/// any character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts([(&'static str, String); 17]);

const RESULT: &str = "result";

impl Facts {
    /// Takes the facts from a result.
    pub(super) fn new(ending: &Ending<'_>) -> Self {
        let result = ending.result;
        let deciding = result.deciding().or((result.targets.len() == 1).then_some(0));
        let target = deciding.and_then(|index| result.targets.get(index));
        let deploy = target.and_then(|target: &TargetResult| target.deploy.as_ref());
        let sent = result.notifications.iter().any(|sent| sent.result == Delivery::Sent);
        let run = result.branch_run.as_ref().filter(|run| run.awaiting_approval);
        let of_run = run.and_then(|run| run.url.as_ref());
        let known = |line: Option<&Line>| line.map(|line| line.plain().to_owned()).unwrap_or_default();
        let plan = target.and_then(|target| target.plan.as_ref());
        let count = |part: fn(&PlanResult) -> u64| plan.map(|plan| part(plan).to_string()).unwrap_or_default();
        Self([
            ("verdict", result.verdict.as_str().to_owned()),
            ("exit-code", result.exit_code.to_string()),
            ("status", known(deploy.map(|deploy| &deploy.status))),
            ("deploy-id", known(deploy.and_then(|deploy| deploy.id.as_ref()))),
            ("build-id", known(deploy.and_then(|deploy| deploy.build_id.as_ref()))),
            ("workflow-id", known(deploy.and_then(|deploy| deploy.workflow_id.as_ref()))),
            ("url", known(target.and_then(|target| target.url.as_ref()))),
            ("reason", known(result.reason.as_ref().filter(|_| result.verdict != Verdict::Passed))),
            ("elapsed-seconds", (result.elapsed_ms / 1000).to_string()),
            (RESULT, String::new()),
            ("notified", sent.to_string()),
            ("slack-thread", ending.slack_thread.cloned().unwrap_or_default()),
            ("hint", known(result.hint.as_ref())),
            ("approval-url", known(target.and_then(|target| target.approval_url.as_ref()).or(of_run))),
            ("plan-add", count(|plan| plan.add)),
            ("plan-change", count(|plan| plan.change)),
            ("plan-destroy", count(|plan| plan.destroy)),
        ])
    }

    /// The facts of a wait that did not begin.
    pub(super) fn not_started(code: u8, reason: &str, hint: &str) -> Self {
        Self([
            ("verdict", exit::name(code).to_owned()),
            ("exit-code", code.to_string()),
            ("status", String::new()),
            ("deploy-id", String::new()),
            ("build-id", String::new()),
            ("workflow-id", String::new()),
            ("url", String::new()),
            ("reason", reason.to_owned()),
            ("elapsed-seconds", "0".to_owned()),
            (RESULT, String::new()),
            ("notified", "false".to_owned()),
            ("slack-thread", String::new()),
            ("hint", hint.to_owned()),
            ("approval-url", String::new()),
            ("plan-add", String::new()),
            ("plan-change", String::new()),
            ("plan-destroy", String::new()),
        ])
    }

    /// Facts of any kind, in their order.
    #[cfg(test)]
    pub(super) fn of_any(values: &[String]) -> Self {
        let mut facts = Self::not_started(exit::USAGE, "", "");
        facts.0.iter_mut().zip(values).for_each(|((_, fact), value)| value.clone_into(fact));
        facts
    }

    /// Adds the path of the result.
    pub(super) fn with_result(mut self, path: &Path) -> Self {
        // Later steps may run in another folder. Without a current folder, the path stays relative.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for (_, value) in self.0.iter_mut().filter(|(name, _)| *name == RESULT) {
            *value = path.display().to_string();
        }
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}
