//! What is typed for the commands that wait for no deploy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nuon_gate_core::CheckName;
use nuon_gate_notify::Mention;

use super::{ConnectionArguments, Format, JudgingArguments, NotifyArguments, OutputArguments, TargetArguments};
use crate::exit_mapping::ExitMappings;
use crate::lists::List;
use crate::span::Span;
use crate::typed::{Requirement, TypedStatus};

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// What to do: push reports a check
    #[arg(value_name = "ACTION")]
    pub(crate) action: CheckAction,
    /// The name of the check, as the component's `required_checks` has it
    #[arg(value_name = "NAME")]
    pub(crate) name: CheckName,
    /// What the check says
    #[arg(long, value_name = "STATUS", required = true, help_heading = "Check")]
    pub(crate) status: TypedStatus,
    /// Why, in a few words
    #[arg(long, value_name = "TEXT", help_heading = "Check")]
    pub(crate) message: Option<String>,
    /// For how long the check holds; an hour at most
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Check")]
    pub(crate) stale_after: Option<Span>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
}

/// What `check` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckAction {
    /// Report a check
    Push,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// The results of the shards, as `wait --shard I/N --report json=PATH` wrote them
    #[arg(value_name = "RESULT", required = true)]
    pub(crate) results: Vec<PathBuf>,
    /// How many targets of all shards have to pass: all, any or a number
    #[arg(long, value_name = "COUNT", default_value = "all", help_heading = "Judging")]
    pub(crate) require: Requirement,
    /// Exit with another code for a verdict, such as timed_out=0; the verdict stays
    #[arg(long, value_name = "NAME=CODE[,…]", help_heading = "Judging")]
    pub(crate) map_exit: Vec<ExitMappings>,
    /// The name of the sharded run; results of another run are refused [default: the CI run's id]
    #[arg(long, value_name = "NAME", help_heading = "Judging")]
    pub(crate) run_name: Option<String>,
    /// Certificates in PEM form to trust besides the system's
    #[arg(long, value_name = "PATH", help_heading = "Connection")]
    pub(crate) ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) notify: NotifyArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) judging: JudgingArguments,
    /// The format of stdout: a table, or its rows as JSON (`ndjson`: one a line)
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// The format of stdout: a line for each check, or all of them as JSON (`ndjson`: one a line)
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Show a deploy that fails
    #[arg(long)]
    pub(crate) fail: bool,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The command; the whole program if left out
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SimArguments {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// The script to serve, in TOML [default: the demo's script]
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyCommandArguments {
    /// Print each sink's message for a saved result, or send a test message to all
    #[arg(value_name = "ACTION")]
    pub(crate) action: NotifyAction,
    /// The result to render, as written by `--report json=PATH` (- is stdin)
    #[arg(long, value_name = "PATH")]
    pub(crate) result: Option<PathBuf>,
    /// Certificates in PEM form to trust besides the system's
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The time limit for notifications
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true)]
    pub(crate) notify_timeout: Span,
    /// Whom Slack notifies of a failure, a timeout, a recovery and each approval: <!here>, <!channel>, <@USER_ID>,
    /// <!subteam^GROUP_ID>
    #[arg(long, value_name = "MENTION[,…]")]
    pub(crate) slack_mention_on_failure: Vec<List<Mention>>,
}

/// What `notify` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NotifyAction {
    /// Print what each sink would get for a saved result; send nothing
    Render,
    /// Send a test message to every sink
    Test,
}
