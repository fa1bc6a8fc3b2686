//! The API's objects, as far as the gate reads them, for servers of every version.
//!
//! Every field is optional and every enumeration is open. Parts that the gate does not use (outputs, contents, the
//! values in a plan, which can be megabytes) are not fields: they are skipped while reading and never stored. What is
//! stored is bounded, because a server can send endless lists and texts.

mod bounded;
mod branch;
mod branch_run;
mod composite_error;
mod deploy;
mod error_body;
mod health;
mod install;
mod job;
mod log_record;
mod log_stream;
mod open;
mod plan;
mod queue;
mod status;
mod step;
mod workflow;

pub(crate) use bounded::Rows;
pub use branch::{App, Branch, BranchRun, GroupInstall, GroupRun, RunRow};
pub use branch_run::{AppBranchRun, RunStatus};
pub use composite_error::{CompositeError, PolicyReport, PolicySeverity, PolicyViolation};
pub use deploy::{Account, Commit, ComponentBuild, Deploy, DeployType};
pub use error_body::ErrorBody;
pub(crate) use health::Trouble;
pub use health::{ComponentHealth, Health, HealthVerdict, Resource};
pub use install::{CliConfig, Component, Install, InstallComponent};
pub use job::{ExecutionResult, JobExecution, JobStatus, RunnerJob};
pub(crate) use log_record::is_error_word;
pub use log_record::{LogRecord, LogTail};
pub use log_stream::LogStream;
pub(crate) use open::Object;
pub use plan::Plan;
pub use queue::{QueuePlace, QueuePosition, SignalAhead};
pub use status::{CompositeStatus, EarlierStatus, Metadata, Status};
pub use step::{Approval, ApprovalResponse, StepStanding, StepState, WorkflowStep};
pub use workflow::{ApprovalOption, Workflow, WorkflowEnd};
