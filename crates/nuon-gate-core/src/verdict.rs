//! How a wait ends.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// The API refused: not authorised, or not found.
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
    /// A timeout expired.
    TimedOut,
    /// Not ended.
    Pending,
    /// The deploy succeeded.
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

/// A verdict's published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictName {
    /// Every required target passed.
    Passed,
    /// A deploy failed.
    Failed,
    /// The API said no.
    Rejected,
    /// A deploy was cancelled, or its approval denied or expired.
    Cancelled,
    /// A human has to approve.
    ApprovalNeeded,
    /// A newer deploy took its place.
    Superseded,
    /// No good answer from the API.
    Inconclusive,
    /// A timeout expired.
    TimedOut,
    /// Not ended yet.
    Pending,
    /// A signal ended the run.
    Interrupted,
    /// Passed, but a notification that was required did not arrive.
    NotifyFailed,
}

impl VerdictName {
    /// Returns the name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::ApprovalNeeded => "approval_needed",
            Self::Superseded => "superseded",
            Self::Inconclusive => "inconclusive",
            Self::TimedOut => "timed_out",
            Self::Pending => "pending",
            Self::Interrupted => "interrupted",
            Self::NotifyFailed => "notify_failed",
        }
    }

    /// Returns the sign that stands for it wherever people read.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✅",
            Self::Failed | Self::Rejected => "❌",
            Self::Cancelled | Self::Superseded => "🚫",
            Self::ApprovalNeeded => "✋",
            Self::TimedOut => "⏰",
            Self::Pending => "⏳",
            Self::Inconclusive | Self::Interrupted | Self::NotifyFailed => "⚠️",
        }
    }
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Interrupted(_) => Self::Interrupted,
            Verdict::Rejected => Self::Rejected,
            Verdict::Failed => Self::Failed,
            Verdict::Cancelled => Self::Cancelled,
            Verdict::Superseded => Self::Superseded,
            Verdict::ApprovalNeeded => Self::ApprovalNeeded,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::Pending => Self::Pending,
            Verdict::Passed => Self::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let names = [
            (VerdictName::Passed, "passed"),
            (VerdictName::Failed, "failed"),
            (VerdictName::Rejected, "rejected"),
            (VerdictName::Cancelled, "cancelled"),
            (VerdictName::ApprovalNeeded, "approval_needed"),
            (VerdictName::Superseded, "superseded"),
            (VerdictName::Inconclusive, "inconclusive"),
            (VerdictName::TimedOut, "timed_out"),
            (VerdictName::Pending, "pending"),
            (VerdictName::Interrupted, "interrupted"),
            (VerdictName::NotifyFailed, "notify_failed"),
        ];
        for (name, text) in names {
            assert_eq!((name.as_str(), serde_json::to_value(name).unwrap()), (text, text.into()));
            assert_eq!(serde_json::from_value::<VerdictName>(text.into()).unwrap(), name);
        }
    }
}
