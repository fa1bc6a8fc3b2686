//! The runner jobs behind a deploy.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::CompositeError;
use super::bounded::{first, text, texts};
use super::open::{identifier, instant, lenient_object, open_enum};
use crate::{JobId, LogStreamId, RemoteText};

open_enum! {
    /// What a job is part of.
    JobGroup {
        /// Checks of the runner itself.
        HealthChecks = "health-checks",
        /// Copying artifacts.
        Sync = "sync",
        /// Building a component.
        Build = "build",
        /// Deploying a component.
        Deploy = "deploy",
        /// The install's sandbox.
        Sandbox = "sandbox",
        /// The runner's own infrastructure.
        Runner = "runner",
        /// Day-two operations.
        Operations = "operations",
        /// Jobs that a user requested.
        User = "user",
        /// Any group.
        Any = "any",
        /// No group.
        Unset = "",
    }
}

open_enum! {
    /// What a job does.
    JobOperation {
        /// Run something.
        Exec = "exec",
        /// Apply (old servers).
        Apply = "apply",
        /// Tear down (old servers).
        Destroy = "destroy",
        /// Plan and stop (old servers).
        PlanOnly = "plan-only",
        /// Build.
        Build = "build",
        /// Plan an apply.
        CreateApplyPlan = "create-apply-plan",
        /// Plan a teardown.
        CreateTeardownPlan = "create-teardown-plan",
        /// Apply a plan.
        ApplyPlan = "apply-plan",
        /// Not said.
        Unknown = "unknown",
    }
}

open_enum! {
    /// The status of a job.
    JobStatus {
        /// Not handed out yet.
        Queued = "queued",
        /// Offered to the runner.
        Available = "available",
        /// Taken by the runner.
        InProgress = "in-progress",
        /// Done.
        Finished = "finished",
        /// Failed.
        Failed = "failed",
        /// Not done in time.
        TimedOut = "timed-out",
        /// The runner was not able to take it.
        NotAttempted = "not-attempted",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Not known.
        Unknown = "unknown",
    }
}

impl JobStatus {
    /// Returns whether a job with this status did not do its work, and will not.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::NotAttempted | Self::Cancelled | Self::Unknown)
    }
}

open_enum! {
    /// The status of one execution of a job.
    ExecutionStatus {
        /// Not begun.
        Pending = "pending",
        /// The runner prepares.
        Initializing = "initializing",
        /// The runner works.
        InProgress = "in-progress",
        /// The runner tidies up.
        CleaningUp = "cleaning-up",
        /// Done.
        Finished = "finished",
        /// Failed.
        Failed = "failed",
        /// Not done in time.
        TimedOut = "timed-out",
        /// Never begun.
        NotAttempted = "not-attempted",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Not known.
        Unknown = "unknown",
    }
}

open_enum! {
    /// The tool a job runs.
    JobType {
        /// Check that the runner is alive.
        HealthCheck = "health-check",
        /// Build a container image.
        DockerBuild = "docker-build",
        /// Mirror a container image.
        ContainerImageBuild = "container-image-build",
        /// Package a Terraform module.
        TerraformModuleBuild = "terraform-module-build",
        /// Package a Helm chart.
        HelmChartBuild = "helm-chart-build",
        /// Build nothing.
        NoopBuild = "noop-build",
        /// Copy an artifact.
        OciSync = "oci-sync",
        /// Copy nothing.
        NoopSync = "noop-sync",
        /// Apply Terraform.
        TerraformDeploy = "terraform-deploy",
        /// Install a Helm chart.
        HelmChartDeploy = "helm-chart-deploy",
        /// Apply Kubernetes manifests.
        KubernetesManifestDeploy = "kubernetes-manifest-deploy",
        /// Run a job.
        JobDeploy = "job-deploy",
        /// Run a job (old servers).
        JobNoopDeploy = "job-noop-deploy",
        /// Run Pulumi.
        PulumiDeploy = "pulumi-deploy",
        /// Deploy nothing.
        NoopDeploy = "noop-deploy",
        /// The sandbox, with Terraform.
        SandboxTerraform = "sandbox-terraform",
        /// The sandbox's plan.
        SandboxTerraformPlan = "sandbox-terraform-plan",
        /// The runner, with Helm.
        RunnerHelm = "runner-helm",
        /// The runner, with Terraform.
        RunnerTerraform = "runner-terraform",
        /// The runner, locally.
        RunnerLocal = "runner-local",
        /// Stop the runner.
        ShutDown = "shut-down",
        /// Update the runner.
        UpdateVersion = "update-version",
        /// An action's workflow.
        ActionsWorkflow = "actions-workflow",
        /// Not known.
        Unknown = "unknown",
    }
}

/// A duration as Go writes it: integer nanoseconds. A day is 86,400,000,000,000 and does not fit 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Nanoseconds(pub i64);

/// A unit of work that the install's runner does for a deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunnerJob {
    /// The job's id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<JobId>,
    /// The tool it runs.
    #[serde(rename = "type")]
    pub job_type: Option<JobType>,
    /// What it is part of.
    pub group: Option<JobGroup>,
    /// What it does.
    pub operation: Option<JobOperation>,
    /// Its status.
    pub status: Option<JobStatus>,
    /// The server's description of it.
    #[serde(deserialize_with = "text")]
    pub status_description: Option<RemoteText>,
    /// The runner that does it.
    #[serde(deserialize_with = "text")]
    pub runner_id: Option<RemoteText>,
    /// Its log stream.
    #[serde(deserialize_with = "identifier")]
    pub log_stream_id: Option<LogStreamId>,
    /// Its owner.
    #[serde(deserialize_with = "text")]
    pub owner_id: Option<RemoteText>,
    /// The kind of its owner.
    #[serde(deserialize_with = "text")]
    pub owner_type: Option<RemoteText>,
    /// How often it was tried.
    pub execution_count: Option<i64>,
    /// How often it may be tried.
    pub max_executions: Option<i64>,
    /// How long it may wait in the queue.
    pub queue_timeout: Option<Nanoseconds>,
    /// How long the runner may take to pick it up.
    pub available_timeout: Option<Nanoseconds>,
    /// How long one execution may take.
    pub execution_timeout: Option<Nanoseconds>,
    /// How long it may take altogether.
    pub overall_timeout: Option<Nanoseconds>,
    /// How long it has run.
    pub execution_time: Option<Nanoseconds>,
    /// When it was created.
    #[serde(deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
    /// When the runner began.
    #[serde(deserialize_with = "instant")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(deserialize_with = "instant")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed, on recent servers.
    #[serde(deserialize_with = "lenient_object")]
    pub composite_error: Option<CompositeError>,
    /// Its executions; many servers leave them out.
    #[serde(deserialize_with = "first")]
    pub executions: Option<Vec<JobExecution>>,
}

/// One try of a job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobExecution {
    /// Its status.
    pub status: Option<ExecutionStatus>,
    /// Its result; some servers keep none for a failure.
    #[serde(deserialize_with = "lenient_object")]
    pub result: Option<ExecutionResult>,
}

/// How an execution ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExecutionResult {
    /// Whether it succeeded; absent also means no, as the server leaves out what is false.
    pub success: Option<bool>,
    /// The runner's error code.
    pub error_code: Option<i64>,
    /// What the runner noted; values may be null.
    #[serde(deserialize_with = "texts")]
    pub error_metadata: Option<BTreeMap<String, Option<RemoteText>>>,
    /// Why it failed, on recent servers.
    #[serde(deserialize_with = "lenient_object")]
    pub composite_error: Option<CompositeError>,
}
