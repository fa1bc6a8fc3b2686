//! How a wait ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::result::VerdictName;

/// A signal that ends the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// How a target or a whole run ended.
///
/// The order is that of severity, the most severe first: of several verdicts the least one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A signal ended the run.
    Interrupted(Signal),
    /// The API said no: not authorised, or no such thing.
    Rejected,
    /// The deploy failed.
    Failed,
    /// The deploy was cancelled, or its approval denied or expired.
    Cancelled,
    /// A newer deploy took the place of the one that was waited for.
    Superseded,
    /// A human has to approve the plan.
    ApprovalNeeded,
    /// No good answer from the API for too long.
    Inconclusive,
    /// A limit on time ran out.
    TimedOut,
    /// Not ended.
    Pending,
    /// The deploy did what it was to do.
    Passed,
}

impl Verdict {
    /// Returns its published name.
    pub fn as_str(self) -> &'static str {
        VerdictName::from(self).as_str()
    }
}

/// A limit on time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The whole wait.
    Total,
    /// Until a matching deploy exists.
    Start,
    /// Without any change.
    Stall,
    /// For a human's answer.
    Approval,
    /// For other workflows that are ahead in a queue.
    Queue,
    /// Without one good answer from the API.
    Outage,
}

impl Clock {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Start => "start",
            Self::Stall => "stall",
            Self::Approval => "approval",
            Self::Queue => "queue",
            Self::Outage => "outage",
        }
    }
}
