//! A workflow as one answer showed it, and what its steps prove about a deploy.

use serde_json::Value;

use super::text::{instant, status_word, text, truth};

/// Statuses of a step that has done its work, or had none. Every other status is no success (contract: an unknown
/// status).
const GOOD: [&str; 13] = [
    "",
    "success",
    "approved",
    "auto-skipped",
    "user-skipped",
    "warning",
    "active",
    "inactive",
    "finished",
    "noop",
    "no-drift",
    "drifted",
    "completed",
];

/// Statuses of a step that has not done its work and will not.
const BAD: [&str; 8] =
    ["error", "failed", "cancelled", "approval-denied", "approval-expired", "expired", "timed-out", "not-attempted"];

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) status: String,
    pub(super) finished: bool,
    pub(super) started: bool,
    /// When it ended, if the server says.
    pub(super) ended: Option<i64>,
    /// An earlier attempt, which another step repeats.
    pub(super) repeated: bool,
    pub(super) skipped: bool,
    pub(super) asks: bool,
    /// A human has denied it.
    pub(super) denied: bool,
    pub(super) target_type: String,
    pub(super) target: String,
    pub(super) group: i64,
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) finished: bool,
    pub(super) waits_for_retry: bool,
    pub(super) plan_only: bool,
    pub(super) owner: String,
    pub(super) approves_all: bool,
    pub(super) steps: Vec<Step>,
}

impl Flow {
    /// Reads a workflow, if the body has an id.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let id = text(value, "id");
        let marks = |own: &Value| own.get("metadata").is_some_and(|data| truth(data, "awaiting_retry"));
        (!id.is_empty()).then(|| Self {
            id,
            status: status_word(value, "status"),
            finished: truth(value, "finished") || instant(value, "finished_at").is_some(),
            waits_for_retry: marks(value) || value.get("status").is_some_and(marks),
            plan_only: truth(value, "plan_only"),
            owner: text(value, "owner_id"),
            approves_all: text(value, "approval_option") == "approve-all",
            steps: steps(value.get("steps")),
        })
    }

    /// Returns whether it has ended or parked (facts: workflow final).
    pub(super) fn ended(&self) -> bool {
        let word = matches!(self.status.as_str(), "cancelled" | "error" | "failed" | "failed-pending-retry");
        self.finished || self.waits_for_retry || word
    }

    /// Returns whether it has ended well.
    pub(super) fn succeeded(&self) -> bool {
        self.finished && !self.waits_for_retry && self.status == "success"
    }

    /// Returns the steps that work on a deploy (facts: verified deploys).
    ///
    /// The facts do not say which deploy a health step is for while it has no target and the other steps of its group
    /// have none either. `doubtful` says whether to count it as this deploy's.
    pub(super) fn works_on<'a>(
        &'a self,
        deploy: &'a str,
        install_component: &'a str,
        doubtful: bool,
    ) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| match step.target_type.as_str() {
            "install_deploys" => step.target == deploy,
            "install_components" if step.target.is_empty() => self.group_allows(step.group, deploy, doubtful),
            "install_components" => !install_component.is_empty() && step.target == install_component,
            _ => false,
        })
    }

    /// Returns the deploys' steps that name none, beside the deploy's own: a component's plan and apply share a group, and
    /// some servers name the deploy only once a step runs.
    pub(super) fn beside<'a>(&'a self, deploy: &'a str) -> impl Iterator<Item = &'a Step> {
        let is_own = move |group: i64| self.steps.iter().any(move |own| own.targets(deploy) && own.group == group);
        let unnamed = self.steps.iter().filter(|step| step.target_type == "install_deploys" && step.target.is_empty());
        unnamed.filter(move |step| is_own(step.group))
    }

    /// Returns whether a group holds anything but steps of other deploys.
    fn group_allows(&self, group: i64, deploy: &str, doubtful: bool) -> bool {
        let of_deploys = |step: &&Step| step.group == group && step.target_type == "install_deploys";
        let mut own: Vec<&Step> = self.steps.iter().filter(of_deploys).collect();
        if doubtful {
            own.retain(|step| !step.target.is_empty());
        }
        own.is_empty() || own.iter().any(|step| step.target == deploy)
    }

    /// Returns whether a step that targets the deploy has begun.
    pub(super) fn begun(&self, deploy: &str) -> bool {
        self.steps.iter().any(|step| step.targets(deploy) && step.begun())
    }

    /// Returns whether the last step of a kind that works on a deploy was repeated, and its repetition is missing.
    pub(super) fn awaits_repetition(&self, deploy: &str, install_component: &str) -> bool {
        let of_kind = |kind: &'static str| {
            let works = self.works_on(deploy, install_component, true).filter(move |step| step.target_type == kind);
            works.last().is_some_and(|step| step.repeated)
        };
        of_kind("install_deploys") || of_kind("install_components")
    }

    /// Returns whether a human is asked about the deploy (facts: needs a human).
    pub(super) fn asks_human(&self, deploy: &str) -> bool {
        !self.approves_all && self.steps.iter().any(|step| step.targets(deploy) && step.asks)
    }
}

impl Step {
    /// Reads a step.
    fn of(value: &Value) -> Self {
        let status = status_word(value, "status");
        let answer = value.get("approval").and_then(|own| own.get("response"));
        let answered = answer.is_some_and(|own| !text(own, "type").is_empty() || !text(own, "id").is_empty());
        Self {
            finished: truth(value, "finished") || instant(value, "finished_at").is_some(),
            started: instant(value, "started_at").is_some(),
            ended: instant(value, "finished_at"),
            repeated: truth(value, "retried") || matches!(&*status, "discarded" | "retried"),
            skipped: text(value, "execution_type") == "skipped",
            denied: answer.is_some_and(|own| text(own, "type").starts_with("deny")),
            asks: status == "approval-awaiting" && !answered,
            target_type: text(value, "step_target_type"),
            target: text(value, "step_target_id"),
            group: value.get("group_idx").and_then(Value::as_i64).unwrap_or_default(),
            status,
        }
    }

    /// Returns whether it targets the deploy itself.
    pub(super) fn targets(&self, deploy: &str) -> bool {
        self.target_type == "install_deploys" && self.target == deploy
    }

    /// Returns whether it has begun.
    pub(super) fn begun(&self) -> bool {
        let waits = matches!(self.status.as_str(), "" | "pending" | "queued" | "not-attempted");
        self.started || self.finished || !waits
    }

    /// Returns whether it failed and no other step repeats it.
    pub(super) fn failed(&self) -> bool {
        !self.repeated && BAD.contains(&self.status.as_str())
    }

    /// Returns whether it is neither unfinished nor failed. A repeated step no longer counts.
    pub(super) fn good(&self) -> bool {
        let says_nothing = self.status.is_empty() && !self.finished;
        self.repeated || self.skipped || GOOD.contains(&self.status.as_str()) && !says_nothing
    }

    /// Returns whether a word that is known says that it is neither unfinished nor failed.
    pub(super) fn surely_good(&self) -> bool {
        const WORDS: [&str; 5] = ["success", "approved", "auto-skipped", "user-skipped", "warning"];
        self.repeated || self.skipped && !self.begun() || WORDS.contains(&self.status.as_str())
    }

    /// Returns whether it certainly ended well.
    pub(super) fn plainly_good(&self) -> bool {
        self.finished && matches!(self.status.as_str(), "success" | "approved" | "auto-skipped")
    }
}

/// Reads a list of steps.
pub(super) fn steps(value: Option<&Value>) -> Vec<Step> {
    let all = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut steps: Vec<Step> = all.iter().map(Step::of).collect();
    for at in 0..steps.len() {
        let is_same = |other: &Value| {
            ["group_idx", "name", "step_target_type"].iter().all(|key| other.get(*key) == all[at].get(*key))
        };
        let (before, own) = (&steps[..at], &steps[at]);
        let auto_retried = [all[at].get("metadata"), all[at].get("status").and_then(|own| own.get("metadata"))];
        let auto_retried = auto_retried.into_iter().flatten().any(|own| truth(own, "auto_retried"));
        // An automatic retry leaves the step in `error`.
        let repeated = own.status == "error" && auto_retried && all[at + 1..].iter().any(is_same);
        // What is left of a group without a change is discarded.
        let needless = own.status == "discarded"
            && before.iter().any(|one| one.group == own.group && one.status == "auto-skipped");
        steps[at].repeated = (steps[at].repeated || repeated) && !needless;
        if needless {
            "auto-skipped".clone_into(&mut steps[at].status);
        }
    }
    steps
}
