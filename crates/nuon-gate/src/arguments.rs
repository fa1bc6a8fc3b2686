//! What was typed, or set in the environment: clap's structs, and nothing that interprets them.

mod commands;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use nuon_gate_core::pins::CommitPrefix;
use nuon_gate_core::{BuildId, ComponentId, DeployId, InstallId, Shard, WorkflowId};
use nuon_gate_notify::{Mention, SlackThread, Trigger};

pub(crate) use self::commands::{
    CheckArguments, CompletionsArguments, DemoArguments, DoctorArguments, ExplainArguments, ManArguments,
    MergeArguments, NotifyAction, NotifyCommandArguments, SimArguments,
};
use crate::exit_mapping::ExitMappings;
use crate::help::STYLES;
use crate::lists::{Lines, List, One};
use crate::marks::After;
use crate::policies::{ApprovalPolicy, CancelCase, Expectation, FollowLogs, LongPoll, StalePolicy, SupersededPolicy};
use crate::report_path::ReportPath;
use crate::span::{OptionalSpan, Since, Span, SpanOrZero};
use crate::status_name::StatusName;
use crate::typed::{Requirement, TargetPair, TypedLabel, TypedRun};

/// Waits until a Nuon deploy ends, then passes or fails the pipeline it runs in
#[derive(Debug, Parser)]
#[command(name = "nuon-gate", version, max_term_width = 100, styles = STYLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
}

/// The verbosity of stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Verbosity {
    /// Print only what matters at the end
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print more: each request and its outcome
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Wait until the deploy ends, and exit with its verdict
    Wait(Box<WaitArguments>),
    /// Poll once, and say what `wait` would decide now
    Status(Box<StatusArguments>),
    /// Note the targets' newest deploys before triggering new ones, for `wait --after FILE`
    Mark(Box<MarkArguments>),
    /// Report a check of the targets' health, such as a smoke test's (`check push NAME`), which can gate a rollout
    Check(Box<CheckArguments>),
    /// Check the address, the connection, the token, the organisation and the targets, with a hint for each problem
    Doctor(DoctorArguments),
    /// Print how each status is judged under the given flags; sends nothing
    Explain(ExplainArguments),
    /// Show the messages of a saved result (`notify render`), or send a test message (`notify test`)
    Notify(NotifyCommandArguments),
    /// Make one verdict, summary and message of the results of all shards
    Merge(MergeArguments),
    /// Run a real wait against an embedded simulated API; needs no account
    Demo(DemoArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// Print the man page of the program, or of a command
    Man(ManArguments),
    /// Serve the simulated API, to rehearse a pipeline's failure paths
    Sim(SimArguments),
}

#[derive(Debug, Args)]
pub(crate) struct WaitArguments {
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    #[command(flatten)]
    pub(crate) shard: ShardArguments,
    #[command(flatten)]
    pub(crate) pins: PinArguments,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) waiting: WaitingArguments,
    #[command(flatten)]
    pub(crate) notify: NotifyArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// Mark, run this command, and wait for the deploys that come after; if it fails, exit 1 without waiting
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    #[command(flatten)]
    pub(crate) shard: ShardArguments,
    #[command(flatten)]
    pub(crate) pins: PinArguments,
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct MarkArguments {
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// Where to write the marks, instead of stdout (- is stdout)
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArguments {
    /// The API's URL [or: NUON_API_URL, `api_url` in the Nuon CLI's file] [default: https://api.nuon.co]
    #[arg(long, value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// The organisation [or: NUON_ORG_ID, `org_id` in the Nuon CLI's file]
    #[arg(long, value_name = "ID")]
    pub(crate) org_id: Option<String>,
    /// A file with the API token [or: the token itself in NUON_API_TOKEN, `api_token` in the Nuon CLI's file]
    #[arg(long, value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
    /// The Nuon CLI's file [or: NUON_CONFIG_FILE] [default: ~/.nuon, if there is one]
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Certificates in PEM form to trust besides the system's
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Accept plain http for hosts other than this machine
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// The timeout of one request
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true)]
    pub(crate) request_timeout: Span,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Targets")]
pub(crate) struct TargetArguments {
    /// Targets by themselves
    #[arg(value_name = "INSTALL/COMPONENT")]
    pub(crate) targets: Vec<TargetPair>,
    /// An install, by id or name; each --component of it is a target; repeatable [or: NUON_INSTALL_ID]
    #[arg(long, short, value_name = "ID|NAME")]
    pub(crate) install: Vec<List<InstallId>>,
    /// The installs that have every one of these labels
    #[arg(long, value_name = "KEY=VALUE[,…]")]
    pub(crate) install_label: Vec<List<TypedLabel>>,
    /// A component, by id or name; in each --install it is a target; repeatable [or: NUON_COMPONENT_ID]
    #[arg(long, short, value_name = "ID|NAME")]
    pub(crate) component: Vec<List<ComponentId>>,
    /// Every component of each install is a target
    #[arg(long)]
    pub(crate) all_components: bool,
    /// One target; repeatable
    #[arg(long, value_name = "INSTALL/COMPONENT")]
    pub(crate) target: Vec<List<TargetPair>>,
    /// A file with one target a line (- is stdin); # starts a comment
    #[arg(long, value_name = "PATH")]
    pub(crate) targets_file: Option<PathBuf>,
}

/// Which part of the targets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Targets")]
pub(crate) struct ShardArguments {
    /// Watch only the I-th of N parts of the targets; `merge` makes one result of all parts
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// The name of the sharded run [default: the CI run's id]
    #[arg(long, value_name = "NAME")]
    pub(crate) run_name: Option<String>,
}

/// Which deploy. Without any, the component's latest.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which deploy (without any of these, the component's latest)")]
pub(crate) struct PinArguments {
    /// The deploy with this id
    #[arg(long, value_name = "ID")]
    pub(crate) deploy: Option<One<DeployId>>,
    /// The deploy of this workflow; without a component, every deploy of it, and of the installs of a branch's run
    #[arg(long, short, value_name = "ID")]
    pub(crate) workflow: Option<One<WorkflowId>>,
    /// Every deploy of a branch's run, for each install in its groups; the newest run if none is named
    #[arg(long, value_name = "APP/BRANCH[/RUN]")]
    pub(crate) branch_run: Option<TypedRun>,
    /// The deploy or workflow that the API's answer to a trigger names (- is stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) trigger_response: Option<PathBuf>,
    /// The deploy of this build
    #[arg(long, value_name = "ID")]
    pub(crate) build: Option<One<BuildId>>,
    /// The deploy of this commit; a prefix will do
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<One<CommitPrefix>>,
    /// A deploy newer than this one, or than those in a file that `mark` wrote
    #[arg(long, value_name = "DEPLOY_ID|FILE")]
    pub(crate) after: Option<After>,
    /// A deploy created since then: a time (RFC 3339), or a duration ago
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<Since>,
    /// The expected kind of deploy: apply or teardown; the other one fails
    #[arg(long, value_name = "KIND")]
    pub(crate) expect: Option<Expectation>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Judging")]
pub(crate) struct JudgingArguments {
    /// Statuses that pass, overriding the table
    #[arg(long, value_name = "STATUS[,…]")]
    pub(crate) pass_on: Vec<List<StatusName>>,
    /// Statuses that fail, overriding the table
    #[arg(long, value_name = "STATUS[,…]")]
    pub(crate) fail_on: Vec<List<StatusName>>,
    /// Statuses that are pending, overriding the table
    #[arg(long, value_name = "STATUS[,…]")]
    pub(crate) wait_on: Vec<List<StatusName>>,
    /// What to do about a newer deploy [default: follow; ignore if a deploy is pinned]
    #[arg(long, value_name = "POLICY")]
    pub(crate) on_superseded: Option<SupersededPolicy>,
    /// What to do if the latest deploy had already ended when the gate started, and none is pinned
    #[arg(long, value_name = "POLICY", default_value = "accept")]
    pub(crate) on_stale: StalePolicy,
    /// What to do when a human is asked to approve
    #[arg(long, value_name = "POLICY", default_value = "wait")]
    pub(crate) on_approval: ApprovalPolicy,
    /// After a pass, wait until the server finds the component healthy; degraded or unhealthy fails, unknown is inconclusive
    #[arg(long)]
    pub(crate) require_healthy: bool,
    /// For how long the component has to stay healthy, with --require-healthy
    #[arg(long, value_name = "DURATION", default_value = "0", allow_hyphen_values = true)]
    pub(crate) bake: SpanOrZero,
    /// How many targets have to pass: all, any or a number
    #[arg(long, value_name = "COUNT", default_value = "all")]
    pub(crate) require: Requirement,
    /// Exit with another code for a verdict, such as timed_out=0; the verdict stays
    #[arg(long, value_name = "NAME=CODE[,…]")]
    pub(crate) map_exit: Vec<ExitMappings>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct WaitingArguments {
    /// The timeout of the whole wait
    #[arg(long, value_name = "DURATION", default_value = "60m", allow_hyphen_values = true)]
    pub(crate) timeout: Span,
    /// How long a matching deploy may take to appear, or off
    #[arg(long, value_name = "DURATION", default_value = "5m", allow_hyphen_values = true)]
    pub(crate) start_timeout: OptionalSpan,
    /// How long to wait without any change, or off
    #[arg(long, value_name = "DURATION", default_value = "off", allow_hyphen_values = true)]
    pub(crate) stall_timeout: OptionalSpan,
    /// How long to wait for a human's approval, or off
    #[arg(long, value_name = "DURATION", default_value = "off", allow_hyphen_values = true)]
    pub(crate) approval_timeout: OptionalSpan,
    /// How long the workflow may wait behind others in its queue, or off
    #[arg(long, value_name = "DURATION", default_value = "off", allow_hyphen_values = true)]
    pub(crate) queue_timeout: OptionalSpan,
    /// Poll again this long after a pass before reporting it
    #[arg(long, value_name = "DURATION", default_value = "0", allow_hyphen_values = true)]
    pub(crate) settle: SpanOrZero,
    /// How long to retry while the API gives no good answer, or off
    #[arg(long, value_name = "DURATION", default_value = "5m", allow_hyphen_values = true)]
    pub(crate) api_outage: OptionalSpan,
    /// The time between polls after a change [default: 2s]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) min_interval: Option<Span>,
    /// The longest time between polls, after backing off [default: 10s]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) max_interval: Option<Span>,
    /// Keep a request open until a running step ends, where the server offers it, to poll at once then
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub(crate) long_poll: LongPoll,
    /// Show the deploy's log while it runs, of eight deploys at once; it decides nothing
    #[arg(long, value_name = "LINES", default_value = "off")]
    pub(crate) follow_logs: FollowLogs,
    /// The most requests per second, for all targets together
    #[arg(long, value_name = "N", default_value = "20", value_parser = value_parser!(u32).range(1..=1000))]
    pub(crate) max_rps: u32,
    /// Stop as soon as not enough targets can pass
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Cancel the workflows of deploys that have not ended, after: timeout, interrupt, fail-fast
    #[arg(long, value_name = "CASE[,…]")]
    pub(crate) cancel_on: Vec<List<CancelCase>>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications (destinations are set by variables: docs/notifications.md)")]
pub(crate) struct NotifyArguments {
    /// The events to notify: start, approval, success, failure, timeout, recovery, change [default: approval, success,
    /// failure, timeout, recovery; in Slack (bot) and Discord also start]
    #[arg(long, value_name = "CASE[,…]")]
    pub(crate) notify_on: Vec<List<Trigger>>,
    /// Exit with 8 if it passed but a notification failed
    #[arg(long)]
    pub(crate) notify_required: bool,
    /// The time limit for notifications after the verdict
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true)]
    pub(crate) notify_timeout: Span,
    /// Whom Slack notifies of a failure, a timeout, a recovery and each approval: <!here>, <!channel>, <@USER_ID>,
    /// <!subteam^GROUP_ID>
    #[arg(long, value_name = "MENTION[,…]")]
    pub(crate) slack_mention_on_failure: Vec<List<Mention>>,
    /// Continue an earlier job's message, named by its output `slack-thread`
    #[arg(long, value_name = "CHANNEL:TS")]
    pub(crate) slack_thread: Option<SlackThread>,
    /// Show the run as a GitHub Deployment to this environment; GITHUB_TOKEN needs `deployments: write`
    #[arg(long, value_name = "ENVIRONMENT")]
    pub(crate) github_deployment: Option<String>,
    /// Show the run as a status of the commit, by this name; GITHUB_TOKEN needs `statuses: write`
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) github_status: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// The format of stdout: the verdict in a line, the result, or events as they happen
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Format,
    /// Write the outcome to a file: json=PATH (the result), junit=PATH, markdown=PATH or dotenv=PATH; repeatable
    #[arg(long, value_name = "KIND=PATH")]
    pub(crate) report: Vec<Lines<ReportPath>>,
    /// How many lines of a failed deploy's log to show, around its errors
    #[arg(long, value_name = "COUNT", default_value_t = 25)]
    pub(crate) log_lines: u16,
}

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line for people
    Text,
    /// The result
    Json,
    /// Events, then the result
    Ndjson,
}
