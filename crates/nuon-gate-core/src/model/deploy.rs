//! A deploy.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::{first, text};
use super::open::{identifier, identifier_if_text, instant, lenient_object, object, open_enum};
use super::{CompositeError, CompositeStatus, LogStream, PolicyReport, RunnerJob, Status};
use crate::{BuildId, ComponentId, DeployId, InstallId, Kind, LogStreamId, RemoteText, WorkflowId};

open_enum! {
    /// What a deploy does.
    DeployType {
        /// Bring a build to the install.
        Apply = "apply",
        /// Copy an image to the install's registry.
        SyncImage = "sync-image",
        /// Remove the component from the install.
        Teardown = "teardown",
        /// Bring a build to the install (old servers).
        Install = "install",
        /// Bring a release to the install (old servers).
        Release = "release",
        /// Make a plan and stop: never the deploy that is waited for.
        PlanOnly = "plan-only",
        /// Roll a Helm release back, or remove a stuck one: ends `active` with the same build, and deploys nothing.
        Recover = "recover",
    }
}

/// A component's build on its way to an install.
///
/// Every field may be absent: the server omits empty fields, and those that its version does not have.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Deploy {
    /// Its id. The answer for "none" is an object without one.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<DeployId>,
    /// The build it brings, as it was sent. Read it with [`Deploy::build`].
    #[serde(deserialize_with = "text")]
    pub build_id: Option<RemoteText>,
    /// The component; absent in the latest endpoint's answer.
    #[serde(deserialize_with = "identifier_if_text")]
    pub component_id: Option<ComponentId>,
    /// The component's name; absent there too.
    #[serde(deserialize_with = "text")]
    pub component_name: Option<RemoteText>,
    /// The component as part of the install.
    #[serde(deserialize_with = "text")]
    pub install_component_id: Option<RemoteText>,
    /// The install; empty in the latest endpoint's answer, so only the detail proves the owner.
    #[serde(deserialize_with = "identifier_if_text")]
    pub install_id: Option<InstallId>,
    /// What it does.
    pub install_deploy_type: Option<DeployType>,
    /// Its status, if there is no `status_v2`.
    pub status: Option<Status>,
    /// The server's description of it.
    #[serde(deserialize_with = "text")]
    pub status_description: Option<RemoteText>,
    /// Its status, on recent servers, with its history.
    #[serde(deserialize_with = "object")]
    pub status_v2: Option<CompositeStatus>,
    /// The workflow that runs it. Read it with [`Deploy::workflow`], as servers of 2025 give it another name.
    #[serde(deserialize_with = "identifier")]
    pub workflow_id: Option<WorkflowId>,
    /// The same, by its older name.
    #[serde(deserialize_with = "identifier")]
    pub install_workflow_id: Option<WorkflowId>,
    /// Whether it only makes a plan.
    pub plan_only: Option<bool>,
    /// The build, with its commit.
    #[serde(deserialize_with = "lenient_object")]
    pub component_build: Option<ComponentBuild>,
    /// Who triggered it.
    #[serde(deserialize_with = "text")]
    pub created_by_id: Option<RemoteText>,
    /// Who triggered it, with their address.
    #[serde(deserialize_with = "lenient_object")]
    pub created_by: Option<Account>,
    /// When it was created.
    #[serde(deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
    /// When it was applied, on recent servers.
    #[serde(deserialize_with = "instant")]
    pub applied_at: Option<Timestamp>,
    /// Its logs.
    #[serde(deserialize_with = "lenient_object")]
    pub log_stream: Option<LogStream>,
    /// Its job (old servers).
    #[serde(deserialize_with = "lenient_object")]
    pub runner_job: Option<RunnerJob>,
    /// Its jobs, newest first (recent servers).
    #[serde(deserialize_with = "first")]
    pub runner_jobs: Option<Vec<RunnerJob>>,
    /// Why it failed, on recent servers.
    #[serde(deserialize_with = "lenient_object")]
    pub composite_error: Option<CompositeError>,
    /// What the policies found, on recent servers.
    #[serde(deserialize_with = "first")]
    pub policy_reports: Option<Vec<PolicyReport>>,
}

impl DeployType {
    /// Returns what a deploy of this type does, if it can be waited for.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Apply | Self::SyncImage | Self::Install | Self::Release => Some(Kind::Apply),
            Self::Teardown => Some(Kind::Teardown),
            Self::Other(empty) if empty.is_empty() => Some(Kind::Apply),
            Self::PlanOnly | Self::Recover | Self::Other(_) => None,
        }
    }
}

impl Deploy {
    /// Returns whether this row was created before or after another; `None` if one of the times is not known.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        self.created_at.zip(other.created_at).map(|(own, other)| own.cmp(&other))
    }

    /// Returns the deploy's status: `status_v2` first, `status` for servers without it, else unknown.
    pub fn current_status(&self) -> &Status {
        static UNKNOWN: Status = Status::Unknown;
        let newest = self.status_v2.as_ref().and_then(|v2| v2.status.as_ref());
        [newest, self.status.as_ref()]
            .into_iter()
            .flatten()
            .find(|status| !status.as_str().is_empty())
            .unwrap_or(&UNKNOWN)
    }

    /// Returns the server's description of the status.
    pub fn description(&self) -> Option<&RemoteText> {
        let newest = self.status_v2.as_ref().and_then(|v2| v2.description.as_ref());
        newest.or(self.status_description.as_ref()).filter(|text| !text.is_blank())
    }

    /// Returns the row with the time of another that shows the same status.
    pub(crate) fn dated_by(&self, same: &Self) -> Self {
        let since = same.status_since();
        let status_v2 = self.status_v2.clone().map(|own| CompositeStatus { since, ..own });
        Self { updated_at: same.updated_at.or(since), status_v2, ..self.clone() }
    }

    /// Returns since when the deploy has its status, as far as the server says.
    pub fn status_since(&self) -> Option<Timestamp> {
        self.status_v2.as_ref().and_then(|v2| v2.since).or(self.updated_at)
    }

    /// Returns the workflow that runs it, if it names one.
    pub fn workflow(&self) -> Option<&WorkflowId> {
        self.workflow_id.as_ref().or(self.install_workflow_id.as_ref())
    }

    /// Returns what the deploy does, if it can be waited for. Rows of any other type (`recover`, plan-only, an unknown
    /// one) deploy nothing, whatever their final status. A missing type is an apply, as on old servers.
    pub fn kind(&self) -> Option<Kind> {
        match &self.install_deploy_type {
            _ if self.plan_only == Some(true) => None,
            None => Some(Kind::Apply),
            Some(named) => named.kind(),
        }
    }

    /// Returns whether it has a status, of either shape.
    pub(crate) fn says_its_status(&self) -> bool {
        self.status.is_some() || self.status_v2.as_ref().is_some_and(|status| status.status.is_some())
    }

    /// Returns whether it names its type and its workflow. A row of a list may leave out what its detail says.
    pub(crate) fn says_what_it_does(&self) -> bool {
        self.install_deploy_type.is_some() && self.workflow().is_some()
    }

    /// Returns whether it names one component, and its build another: a list may have mixed two deploys up.
    pub(crate) fn names_two_components(&self) -> bool {
        let of_build = self.component_build.as_ref().and_then(|build| build.component_id.as_ref());
        self.component_id.as_ref().zip(of_build).is_some_and(|(own, its)| own != its)
    }

    /// Returns the build it brings, if that can be an id.
    pub fn build(&self) -> Option<BuildId> {
        let text = self.said_build()?;
        text.line(usize::MAX).plain().parse().ok().filter(|id: &BuildId| text.is(id.as_str()))
    }

    /// Returns what it says of its build. What cannot be an id is not absent.
    pub(crate) fn said_build(&self) -> Option<&RemoteText> {
        self.build_id.as_ref().filter(|text| !text.is_blank())
    }

    /// Returns whether it names two builds, or two workflows: then it is not known what it is about.
    pub(crate) fn contradicts_itself(&self) -> bool {
        let build = self.component_build.as_ref().and_then(|build| build.id.as_ref()).filter(|text| !text.is_blank());
        self.said_build().zip(build).is_some_and(|(own, its)| own != its)
            || self.workflow_id.as_ref().zip(self.install_workflow_id.as_ref()).is_some_and(|(own, old)| own != old)
    }

    /// Returns the jobs of either shape, newest first.
    pub fn jobs(&self) -> impl Iterator<Item = &RunnerJob> {
        self.runner_jobs.iter().flatten().chain(self.runner_job.as_ref())
    }

    /// Conceals what its runner writes the log with, the more so if its log `is_read`.
    pub(crate) fn conceal_log_token(&self, is_read: bool) {
        self.log_stream.iter().for_each(|stream| stream.conceal_token(is_read));
    }

    /// Returns its log stream: its own, or else a job's.
    pub fn log_stream_id(&self) -> Option<&LogStreamId> {
        let own = self.log_stream.as_ref().and_then(|stream| stream.id.as_ref());
        own.or_else(|| self.jobs().find_map(|job| job.log_stream_id.as_ref()))
    }

    /// Returns the commit that was built.
    pub fn commit(&self) -> Option<&RemoteText> {
        self.component_build.as_ref()?.vcs_connection_commit.as_ref()?.sha.as_ref().filter(|sha| !sha.is_blank())
    }

    /// Returns who triggered the deploy: an address if the server gives one, else an account's id.
    pub fn author(&self) -> Option<&RemoteText> {
        let address = self.created_by.as_ref().and_then(|account| account.email.as_ref());
        [address, self.created_by_id.as_ref()].into_iter().flatten().find(|author| !author.is_blank())
    }
}

/// A build, as far as a deploy describes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ComponentBuild {
    /// Its id, as it was sent.
    #[serde(deserialize_with = "text")]
    pub id: Option<RemoteText>,
    /// Whose build it is. Some servers deploy a build under another component, too.
    #[serde(deserialize_with = "identifier")]
    pub component_id: Option<ComponentId>,
    /// The commit.
    pub vcs_connection_commit: Option<Commit>,
}

/// A commit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Its hash.
    #[serde(deserialize_with = "text")]
    pub sha: Option<RemoteText>,
}

/// A user or a service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Its address.
    #[serde(deserialize_with = "text")]
    pub email: Option<RemoteText>,
}
