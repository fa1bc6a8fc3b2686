//! A step of a workflow, and its approval (`docs/nuon-api.md`, "Steps and workflows").

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};

use super::bounded::{rows, text};
use super::open::{identifier, lenient, lenient_object, present};
use super::{CompositeStatus, Metadata};
use crate::{ApprovalId, Line, RemoteText, StepId, StepTargetId};

/// How much of a name is compared.
const LONGEST_NAME: usize = 200;

/// The combined meaning of a step's status, its flags and its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    NotBegun,
    /// Running, or in an unknown state: not known to have succeeded or failed.
    Running,
    /// It failed, and is being retried or will be.
    Retrying,
    /// It succeeded.
    Succeeded,
    /// Another step repeats it.
    Replaced,
    /// It failed, was cancelled, or was never attempted.
    Failed,
}

/// The state of a step, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepStanding {
    /// Its name.
    pub name: Line,
    /// Its state.
    pub state: StepState,
    /// Whether it asks a human to approve a plan.
    pub asks: bool,
}

/// A step of a workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowStep {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<StepId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// Its status.
    #[serde(deserialize_with = "lenient_object")]
    pub status: Option<CompositeStatus>,
    /// What runs it: `system`, `user`, `approval`, `skipped`, `hidden`.
    #[serde(deserialize_with = "text")]
    pub execution_type: Option<RemoteText>,
    /// The group of steps that it belongs to; `None` if no step of the workflow names one.
    #[serde(deserialize_with = "lenient")]
    pub group_idx: Option<i64>,
    /// The type of its target, such as `install_deploys`.
    #[serde(deserialize_with = "text")]
    pub step_target_type: Option<RemoteText>,
    /// Its target: a deploy, an install component, …
    #[serde(deserialize_with = "identifier")]
    pub step_target_id: Option<StepTargetId>,
    /// Whether another step repeats it.
    #[serde(deserialize_with = "lenient")]
    pub retried: Option<bool>,
    /// Whether it has ended.
    #[serde(deserialize_with = "lenient")]
    pub finished: Option<bool>,
    /// Whether the workflow goes on as if it had succeeded, if it fails.
    #[serde(deserialize_with = "lenient")]
    pub skip_on_failure: Option<bool>,
    /// Further members, besides those of its status.
    #[serde(deserialize_with = "lenient_object")]
    pub metadata: Option<Metadata>,
    /// The approval that it asks for.
    #[serde(deserialize_with = "lenient_object")]
    pub approval: Option<Approval>,
    /// What the steps around it say about it.
    #[serde(skip)]
    siblings: Siblings,
}

/// What the other steps of a workflow say about a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Siblings {
    /// A later step of its group has its name and type: it repeats this one if that was retried.
    is_repeated: bool,
    /// Such a step has its target as well, so that it repeats this one in any case.
    is_repeated_for_same: bool,
    /// An earlier step of its group found that there is nothing to do for its deploy.
    is_needless: bool,
}

/// Reads the steps of a workflow, and what they say about each other.
pub(super) fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<WorkflowStep>>, D::Error> {
    let mut steps: Option<Vec<WorkflowStep>> = rows(deserializer)?;
    if let Some(steps) = &mut steps {
        note_first_group(steps);
        note_needless(steps);
        note_repeated(steps);
    }
    Ok(steps)
}

/// The server leaves zeros out, so where steps have groups, one without a number is of the first.
fn note_first_group(steps: &mut [WorkflowStep]) {
    if steps.iter().any(|step| step.group_idx.is_some()) {
        for step in steps {
            step.group_idx.get_or_insert(0);
        }
    }
}

fn note_needless(steps: &mut [WorkflowStep]) {
    let mut skipped: Vec<(i64, Option<String>)> = Vec::new();
    for step in steps {
        let deploy = step.deploy();
        // A step without a deploy of its own serves those of its group.
        let is_its = |own: &Option<String>| deploy.is_none() || own.as_deref() == deploy;
        let in_its_group = |group: &i64| step.group_idx == Some(*group);
        let is_needless = skipped.iter().any(|(group, own)| in_its_group(group) && is_its(own));
        if step.word() == "auto-skipped" {
            skipped.extend(step.group_idx.map(|group| (group, deploy.map(str::to_owned))));
        }
        step.siblings.is_needless = is_needless;
    }
}

fn note_repeated(steps: &mut [WorkflowStep]) {
    let (mut later, mut for_same) = (HashSet::new(), HashSet::new());
    for step in steps.iter_mut().rev() {
        let (Some(group), Some(name)) = (step.group_idx, step.name.as_ref().map(first_name)) else { continue };
        let (own, kind) = (step.step_target_id.clone(), step.step_target_type.clone());
        step.siblings.is_repeated_for_same =
            own.is_some() && !for_same.insert((group, kind.clone(), name.clone(), own));
        step.siblings.is_repeated = !later.insert((group, kind, name));
    }
}

/// Returns the name without what some servers add to that of a repetition: "apply (retry 2)".
fn first_name(name: &RemoteText) -> String {
    let name = name.line(LONGEST_NAME).plain().to_owned();
    let counted = name.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (retry "));
    match counted {
        Some((first, count)) if count.parse::<u32>().is_ok() => first.to_owned(),
        _ => name,
    }
}

impl WorkflowStep {
    /// Returns the step's status, as a word.
    pub fn word(&self) -> &str {
        self.status.as_ref().and_then(|status| status.status.as_ref()).map_or("", |status| status.as_str())
    }

    /// Returns the deploy that is its target, if there is one.
    pub fn deploy(&self) -> Option<&str> {
        let is_deploy = self.step_target_type.as_ref().is_none_or(|kind| kind.is("install_deploys"));
        self.step_target_id.as_ref().filter(|_| is_deploy).map(StepTargetId::as_str)
    }

    /// Returns whether its target is a deploy, be it known or not.
    pub(super) fn is_of_deploys(&self) -> bool {
        self.step_target_type.as_ref().is_some_and(|kind| kind.is("install_deploys"))
    }

    /// Returns whether the step verifies the health of an install component.
    pub fn is_health(&self) -> bool {
        self.step_target_type.as_ref().is_some_and(|kind| kind.is("install_components"))
    }

    /// Returns the state of the step. Only the statuses listed here are a success. An automatic retry leaves the step in
    /// `error`, and what is left of a group without a change is discarded.
    pub fn state(&self) -> StepState {
        let finished = self.finished == Some(true);
        match self.word() {
            _ if self.retried == Some(true) => StepState::Replaced,
            // A check of health is repeated for the same component; a deploy is repeated under another row.
            "error" if self.siblings.is_repeated_for_same && self.is_health() => StepState::Replaced,
            "error" if self.siblings.is_repeated && self.was_retried_by_itself() => StepState::Replaced,
            "discarded" if self.siblings.is_needless => StepState::Succeeded,
            "error" | "failed" | "timed-out" | "expired" if self.may_fail() => StepState::Succeeded,
            "retried" | "discarded" => StepState::Replaced,
            "success" | "approved" | "auto-skipped" | "user-skipped" | "warning" => StepState::Succeeded,
            // As a word it is not documented: it counts for a step that is never run.
            "skipped" if self.is_skipped() => StepState::Succeeded,
            "retrying" | "approval-retry" => StepState::Retrying,
            "error" if self.has_tries_left() => StepState::Retrying,
            "error" | "failed" | "timed-out" | "cancelled" | "expired" | "not-attempted" => StepState::Failed,
            "approval-denied" | "approval-expired" => StepState::Failed,
            "" | "pending" | "queued" if !finished => StepState::NotBegun,
            _ => StepState::Running,
        }
    }

    /// Returns whether the step has been begun.
    pub fn has_begun(&self) -> bool {
        self.state() != StepState::NotBegun && self.word() != "not-attempted"
    }

    /// Returns whether the step says that it is running. A status that no running step has does not.
    pub fn is_in_progress(&self) -> bool {
        self.finished != Some(true) && self.word() == "in-progress"
    }

    /// Returns whether the step has failed and is not retried: it has finished, or the server has given it up.
    pub fn has_failed_for_good(&self) -> bool {
        let is_over =
            self.finished == Some(true) || self.metadata().any(|own| own.auto_retries_exhausted == Some(true));
        self.state() == StepState::Failed && is_over
    }

    /// Returns the further members of the step: of its status, and its own.
    fn metadata(&self) -> impl Iterator<Item = &Metadata> {
        let of_status = self.status.as_ref().and_then(|status| status.metadata.as_ref());
        [of_status, self.metadata.as_ref()].into_iter().flatten()
    }

    /// Returns whether the step plans a deploy, which another step then applies.
    pub(super) fn is_plan(&self) -> bool {
        let by_type = self.execution_type.as_ref().is_some_and(|kind| kind.is("approval"));
        by_type || self.approval.is_some() || self.word() == "approved"
    }

    /// The workflow goes on although it failed. No deploy is done without a step that works on it.
    fn may_fail(&self) -> bool {
        self.skip_on_failure == Some(true) && self.deploy().is_none() && !self.is_health()
    }

    /// The workflow has retried it, or will: because it failed, or because its plan is out of date.
    fn was_retried_by_itself(&self) -> bool {
        let was_auto_retried = self.metadata().any(|metadata| metadata.auto_retried == Some(true));
        was_auto_retried || self.is_directed("retry") || self.is_directed("retry-group")
    }

    fn is_directed(&self, directive: &str) -> bool {
        self.metadata().any(|metadata| metadata.directive.as_ref().is_some_and(|own| own.is(directive)))
    }

    /// Its retries are neither used up nor given up.
    fn has_tries_left(&self) -> bool {
        let has_more = |metadata: &Metadata| metadata.retry_idx.unwrap_or(0) < metadata.max_retries.unwrap_or(0);
        (self.was_retried_by_itself() || self.metadata().any(has_more))
            && self.metadata().all(|metadata| metadata.auto_retries_exhausted != Some(true))
    }

    /// Returns whether the step is not to be shown, or not to be run.
    pub fn is_hidden(&self) -> bool {
        self.execution_type.as_ref().is_some_and(|kind| kind.is("hidden") || kind.is("skipped"))
    }

    /// Returns whether the step is not to be run.
    pub fn is_skipped(&self) -> bool {
        self.execution_type.as_ref().is_some_and(|kind| kind.is("skipped"))
    }

    /// Returns whether the step was cancelled rather than having failed.
    pub fn was_called_off(&self) -> bool {
        matches!(self.word(), "cancelled" | "approval-denied" | "approval-expired")
    }

    /// Returns whether a later step of its group has its name and type, and so repeats it if it was retried.
    pub(crate) fn is_repeated(&self) -> bool {
        self.siblings.is_repeated
    }

    /// Returns whether its plan was denied, or nobody answered in time, and that was the last word.
    pub(crate) fn was_denied(&self) -> bool {
        matches!(self.word(), "approval-denied" | "approval-expired") && self.state() == StepState::Failed
    }

    /// Describes the progress of a step that verifies health: its window, and the checks that are not healthy.
    pub(super) fn health_seen(&self) -> Option<String> {
        let status = self.status.as_ref().filter(|_| self.is_health())?;
        let said = status.description.as_ref().map(|text| text.line(200)).filter(|line| !line.is_empty());
        let said = said.map(|line| line.plain().to_owned());
        let seen: Vec<String> = said.into_iter().chain(self.metadata().flat_map(Metadata::troubles)).collect();
        (!seen.is_empty()).then(|| seen.join("; "))
    }

    pub(super) fn words_for(&self, state: StepState) -> String {
        match (state, self.word()) {
            (_, "cancelled") => "was cancelled".to_owned(),
            (_, "approval-denied") => "was denied".to_owned(),
            (_, "approval-expired") => "was not answered in time".to_owned(),
            (_, "not-attempted") => "was not attempted".to_owned(),
            (StepState::Failed, "error" | "failed" | "") => "failed".to_owned(),
            (_, "") => "has not begun".to_owned(),
            (_, word) => format!("is `{word}`"),
        }
    }

    /// Returns the server's reason for a failure.
    pub fn reason(&self) -> Option<&RemoteText> {
        let Metadata { reason, err_message, .. } = self.status.as_ref()?.metadata.as_ref()?;
        [reason, err_message].into_iter().flatten().find(|text| !text.is_blank())
    }
}

/// An approval that a human is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// Its id.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<ApprovalId>,
    /// The answer, once there is one.
    #[serde(deserialize_with = "present")]
    pub response: Option<ApprovalResponse>,
}

/// A human's answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ApprovalResponse {
    /// `approve`, `deny`, …
    #[serde(rename = "type", deserialize_with = "text")]
    pub response_type: Option<RemoteText>,
    /// The human's note.
    #[serde(deserialize_with = "text")]
    pub note: Option<RemoteText>,
    /// The account that answered. The server never sends more about it.
    #[serde(deserialize_with = "text")]
    pub created_by_id: Option<RemoteText>,
}
