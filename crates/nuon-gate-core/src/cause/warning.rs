//! Warnings: they end nothing.

use std::fmt;
use std::time::Duration;

use crate::api::ApiError;
use crate::cancelled::Cancelled;
use crate::model::Status;
use crate::text::some_of;
use crate::timeline::human;
use crate::{DeployId, Line, RemoteText, RunId, Shard};

/// How many of several things are named.
const MOST_NAMED: usize = 3;

/// A warning, which ends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Nothing was pinned, and the newest deploy had ended before the wait began.
    AlreadyEnded {
        /// The deploy.
        deploy: DeployId,
        /// How long before, if the server says.
        ago: Option<Duration>,
    },
    /// A build or a commit was pinned, and a deploy of it had ended before the wait began; a newer one brought another. It is not
    /// waited for.
    OlderMatch {
        /// The deploy.
        deploy: DeployId,
        /// How long before, if the server says.
        ago: Option<Duration>,
    },
    /// No run was named, and the branch's newest had ended before the wait began.
    RunHadEnded(RunId),
    /// Passed, although a human still has to approve before the run goes on.
    RunNotApproved(RunId),
    /// A status that is not in the table counts as not ended.
    UnknownStatus(Status),
    /// A newer deploy is followed from now on.
    Superseded {
        /// The deploy that was followed.
        from: DeployId,
        /// The newer one.
        to: DeployId,
    },
    /// The deploy's workflow does not exist, so its status alone counts.
    NoWorkflow(ApiError),
    /// Passed, although a human still has to approve the plan.
    NotApproved,
    /// The request rate is too low for this many targets, so they are polled less often than the longest interval.
    Stretched {
        /// The requests per second.
        max_rps: u32,
        /// The longest interval.
        interval: Duration,
    },
    /// All targets belong to other shards.
    EmptyShard {
        /// The one that was to be watched.
        shard: Shard,
        /// How many targets the others have.
        elsewhere: usize,
    },
    /// This machine's clock and the server's differ.
    ClockSkew(Duration),
    /// The dashboard's address could not be read.
    NoLinks(Line),
    /// The log could not be read.
    NoLog(Line),
    /// Earlier deploys could not be read.
    NoHistory(Line),
    /// A run passed although nothing was deployed to these of its installs.
    NothingDeployed {
        /// How many.
        count: usize,
        /// The names of some.
        named: Vec<Line>,
    },
    /// Installs were left out, as the server does not say which labels they have.
    Unlabelled {
        /// How many.
        count: usize,
        /// The names of some.
        named: Vec<Line>,
    },
    /// The server does not list installs by name, so another may have this one.
    PerhapsAmbiguous(Line),
    /// Another target failed, so this one was to be cancelled as well.
    Cancelled(Cancelled),
    /// A signal came before the outcome of cancelling was known.
    CancelUnknown,
}

impl Warning {
    /// Warns that these installs were left out, if there are any.
    pub fn unlabelled(installs: &[RemoteText]) -> Option<Self> {
        let named = installs.iter().take(MOST_NAMED).map(|name| name.line(100)).collect();
        (!installs.is_empty()).then_some(Self::Unlabelled { count: installs.len(), named })
    }

    /// Warns that nothing was deployed to these installs, if there are any.
    pub fn nothing_deployed(installs: &[Line]) -> Option<Self> {
        let named = installs.iter().take(MOST_NAMED).cloned().collect();
        (!installs.is_empty()).then_some(Self::NothingDeployed { count: installs.len(), named })
    }
}

fn spelled(ago: Option<Duration>) -> String {
    ago.map(|ago| format!(" {}", human(ago))).unwrap_or_default()
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OlderMatch { deploy, ago } => {
                let ago = spelled(*ago);
                write!(
                    f,
                    "{deploy} is of what is pinned, but had already ended{ago} before the wait began, and a newer deploy \
                     is not: another is waited for"
                )
            }
            Self::AlreadyEnded { deploy, ago } => {
                let ago = spelled(*ago);
                write!(
                    f,
                    "the latest deploy, {deploy}, had already ended{ago} before the wait began: if you have just \
                     triggered one, this is not it"
                )
            }
            Self::RunHadEnded(run) => {
                write!(
                    f,
                    "the branch's newest run, {run}, had already ended: if you have just started one, this is not it"
                )
            }
            Self::RunNotApproved(run) => {
                write!(f, "passed, although a human still has to approve before run {run} goes on")
            }
            Self::UnknownStatus(status) => {
                write!(f, "status `{status}` is not known to this version and counts as not ended")
            }
            Self::Superseded { from, to } => {
                write!(f, "deploy {from} was superseded by {to}, which is followed from now on")
            }
            Self::NoWorkflow(error) => {
                write!(f, "the deploy's workflow cannot be read; unless that changes, its status alone counts: {error}")
            }
            Self::NotApproved => f.write_str("passed, although a human still has to approve the plan"),
            Self::Stretched { max_rps, interval } => {
                let interval = human(*interval);
                write!(f, "{max_rps} requests a second are too few to poll every target within {interval}")
            }
            Self::EmptyShard { shard, elsewhere } => match elsewhere {
                1 => write!(f, "the one target is not in shard {shard}, so nothing was waited for"),
                _ => write!(f, "none of the {elsewhere} targets is in shard {shard}, so nothing was waited for"),
            },
            Self::ClockSkew(skew) => {
                write!(f, "this machine's clock and the server's differ by {}", human(*skew))
            }
            Self::NoLinks(why) => {
                write!(f, "there are no links to Nuon, as the address of its pages could not be read: {}", why.plain())
            }
            Self::NoLog(why) => write!(f, "the log could not be read: {}", why.plain()),
            Self::NoHistory(why) => write!(f, "earlier deploys could not be read: {}", why.plain()),
            Self::NothingDeployed { count, named } => {
                let (installs, names) =
                    (if *count == 1 { "install" } else { "installs" }, some_of(*count as u64, named));
                write!(f, "the run succeeded without deploying anything to {count} {installs} ({names})")
            }
            Self::Unlabelled { count, named } => {
                let (installs, names) =
                    (if *count == 1 { "install is" } else { "installs are" }, some_of(*count as u64, named));
                write!(f, "{count} {installs} left out ({names}): the server does not say which labels they have")
            }
            Self::PerhapsAmbiguous(name) => {
                write!(
                    f,
                    "whether another install is named `{}` is not known: the server does not list them",
                    name.plain()
                )
            }
            Self::Cancelled(outcome) => write!(f, "another target failed, so this one was to be cancelled: {outcome}"),
            Self::CancelUnknown => f.write_str("the outcome of cancelling is not known, because of the signal"),
        }
    }
}
