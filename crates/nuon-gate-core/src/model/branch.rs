//! Apps, their branches, and the branches' runs.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::bounded::{rows, text};
use super::open::{Object, identifier, lenient, object};
use super::{AppBranchRun, CompositeStatus, RunStatus, Workflow};
use crate::{AppId, BranchId, GroupRunId, InstallId, RemoteText, RunId, WorkflowId};

/// An app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct App {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<AppId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
}

/// A branch of an app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Branch {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<BranchId>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<RemoteText>,
    /// Its app.
    #[serde(deserialize_with = "identifier")]
    pub app_id: Option<AppId>,
}

/// A run of a branch, with its own workflow. It is only made from an answer that names the run.
#[derive(Debug, Clone)]
pub struct BranchRun {
    /// Its id.
    pub id: RunId,
    /// Its status.
    pub status: RunStatus,
    /// Whether a human is asked.
    pub awaiting_approval: bool,
    /// Why it failed.
    pub error: Option<RemoteText>,
    /// The commit that it releases.
    pub commit: Option<RemoteText>,
    /// Whether it only makes plans.
    pub is_plan_only: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The id of its own workflow.
    pub workflow_id: WorkflowId,
    /// Its own workflow, whose steps work on no deploy.
    pub workflow: Arc<Workflow>,
}

impl BranchRun {
    /// Returns the run of a workflow of this branch. With `wanted`, the run must have this id, or its workflow must.
    /// `None` if the answer does not name its run, or names another.
    pub(crate) fn of(workflow: &Arc<Workflow>, branch: &BranchId, wanted: Option<&RunId>) -> Option<Self> {
        let workflow_id = workflow.id.clone()?;
        let is_elsewhere =
            workflow.is_of_branch() && workflow.owner_id.as_ref().is_some_and(|id| id.as_str() != branch.as_str());
        let is_own = |run: &&AppBranchRun| {
            run.id.is_some()
                && run.workflow_id.as_ref().is_none_or(|id| *id == workflow_id)
                && run.app_branch_id.as_ref().is_none_or(|id| id == branch)
        };
        let named = |run: &&AppBranchRun| wanted.is_none_or(|wanted| run.id.as_ref() == Some(wanted));
        let is_by_workflow = wanted.is_some_and(|wanted| wanted.as_str() == workflow_id.as_str());
        let own = || workflow.app_branch_runs.iter().flatten().filter(is_own);
        let mut fitting = own().filter(named).chain(own().filter(|_| is_by_workflow));
        let run = match (fitting.next(), fitting.next()) {
            (Some(only), None) if !is_elsewhere => only,
            _ => return None,
        };
        let is_preview = run.run_type.as_ref().is_some_and(|kind| kind.is("git-preview-run"));
        let commit = run.vcs_connection_commit.as_ref().and_then(|commit| commit.sha.clone());
        Some(Self {
            id: run.id.clone()?,
            status: run.status.clone().unwrap_or_else(|| RunStatus::from("")),
            awaiting_approval: run.awaiting_approval == Some(true),
            error: run.error_message.clone().filter(|error| !error.is_blank()),
            commit: commit.or_else(|| run.commit_sha.clone()).filter(|commit| !commit.is_blank()),
            is_plan_only: run.plan_only == Some(true) || is_preview || run.preview.is_some() || workflow.is_plan_only(),
            created_at: run.created_at,
            workflow_id,
            workflow: workflow.clone(),
        })
    }
}

/// A row in the list of a branch's runs.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run's workflow.
    pub workflow: Option<WorkflowId>,
    /// The run, if the row names it.
    pub run: Option<Arc<BranchRun>>,
}

/// A group of installs in a run. It exists once the run has reached it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct GroupRun {
    /// Its id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<GroupRunId>,
    /// The run.
    #[serde(deserialize_with = "identifier")]
    pub app_branch_run_id: Option<RunId>,
    /// The group's name.
    #[serde(deserialize_with = "text")]
    pub install_group_name: Option<RemoteText>,
    /// Its status.
    #[serde(deserialize_with = "object")]
    pub status: Option<CompositeStatus>,
    /// How many installs it has.
    #[serde(deserialize_with = "lenient")]
    pub total_installs: Option<usize>,
    /// How many of them are done.
    #[serde(deserialize_with = "lenient")]
    pub completed_installs: Option<usize>,
    /// How many of them have failed.
    #[serde(deserialize_with = "lenient")]
    pub failed_installs: Option<usize>,
    /// Its installs.
    #[serde(deserialize_with = "rows")]
    pub installs: Option<Vec<GroupInstall>>,
}

impl GroupRun {
    /// Returns the group's status, as a word.
    pub fn word(&self) -> &str {
        self.status.as_ref().and_then(|status| status.status.as_ref()).map_or("", |status| status.as_str())
    }

    /// Returns the installs that it names.
    pub fn rows(&self) -> &[GroupInstall] {
        self.installs.as_deref().unwrap_or_default()
    }

    /// Returns the largest number of installs that it claims to have.
    pub fn size(&self) -> usize {
        let counted = [self.total_installs, self.completed_installs, self.failed_installs].into_iter().flatten();
        counted.fold(self.rows().len(), usize::max)
    }
}

/// Reads a status that is a word or, as a group's own, an object.
fn status_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RemoteText>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    Ok(match serde_json::from_str::<Object<CompositeStatus>>(raw.get()) {
        Ok(Object(status)) => status.status.map(|status| RemoteText::new(status.as_str())),
        Err(_) => text(&mut serde_json::Deserializer::from_str(raw.get())).ok().flatten(),
    })
}

/// An install in a group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct GroupInstall {
    /// The install.
    #[serde(deserialize_with = "identifier")]
    pub install_id: Option<InstallId>,
    /// Its status, in the group's words.
    #[serde(deserialize_with = "status_word")]
    pub status: Option<RemoteText>,
    /// The workflow that deploys to it.
    #[serde(deserialize_with = "identifier")]
    pub workflow_id: Option<WorkflowId>,
    /// The run that it waits for.
    #[serde(deserialize_with = "identifier")]
    pub waiting_on_run_id: Option<RunId>,
    /// The later run that took this one's place.
    #[serde(deserialize_with = "identifier")]
    pub superseded_by_run_id: Option<RunId>,
    /// Why the group no longer waits for it.
    #[serde(deserialize_with = "text")]
    pub release_reason: Option<RemoteText>,
}
