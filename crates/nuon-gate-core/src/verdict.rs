//! How a wait ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal that ends the wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM, which also stands for every signal in a result that was read from a file.
    #[default]
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
/// The order is that of severity, the most severe first: of several verdicts, the smallest one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A signal ended the run. The published name does not say which one.
    Interrupted(#[serde(skip)] Signal),
    /// The API refused: not authorised, or not found.
    Rejected,
    /// The deploy failed.
    Failed,
    /// The deploy was cancelled, or its approval denied or expired.
    Cancelled,
    /// A newer deploy superseded the one that was waited for.
    Superseded,
    /// A human has to approve the plan.
    ApprovalNeeded,
    /// The API gave no good answer for too long.
    Inconclusive,
    /// A timeout expired.
    TimedOut,
    /// Not ended.
    Pending,
    /// Passed, but a notification that was required did not arrive. Only a whole run ends like this.
    NotifyFailed,
    /// The deploy succeeded.
    Passed,
}

impl Verdict {
    /// Returns its published name.
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
            Self::Interrupted(_) => "interrupted",
            Self::NotifyFailed => "notify_failed",
        }
    }

    /// Returns its exit code in a result, unless the user has mapped it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Rejected => 3,
            Self::Cancelled => 4,
            Self::ApprovalNeeded => 5,
            Self::Superseded => 6,
            Self::Inconclusive => 7,
            Self::NotifyFailed => 8,
            Self::Pending => 10,
            Self::TimedOut => 124,
            Self::Interrupted(Signal::HangUp) => 129,
            Self::Interrupted(Signal::Interrupt) => 130,
            Self::Interrupted(Signal::Terminate) => 143,
        }
    }

    /// Returns the position of the target that decided a run that ended like this, of the verdicts of all its targets.
    pub(crate) fn decided_by(self, mut targets: impl Iterator<Item = Self>) -> Option<usize> {
        targets.position(|target| match self {
            Self::Interrupted(_) => target != Self::Passed,
            Self::NotifyFailed => target == Self::Passed,

            verdict => target == verdict,
        })
    }

    /// Returns its symbol, for people.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✅",
            Self::Failed | Self::Rejected => "❌",
            Self::Cancelled | Self::Superseded => "🚫",
            Self::ApprovalNeeded => "✋",
            Self::TimedOut => "⏰",
            Self::Pending => "⏳",
            Self::Inconclusive | Self::Interrupted(_) | Self::NotifyFailed => "⚠️",
        }
    }
}

/// A limit on time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The whole wait.
    Total,
    /// Until a matching deploy appears.
    Start,
    /// Without any change.
    Stall,
    /// For a human's answer.
    Approval,
    /// For workflows that are ahead in a queue.
    Queue,
    /// Without a good answer from the API.
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

    /// Returns how the wait ends when it expires, unless the deploy is known to have ended.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Outage => Verdict::Inconclusive,
            Self::Approval => Verdict::ApprovalNeeded,
            Self::Total | Self::Start | Self::Stall | Self::Queue => Verdict::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_target_decides_by_the_order_of_severity() {
        let interrupted = Verdict::Interrupted(Signal::HangUp);
        let order = [
            interrupted,
            Verdict::Rejected,
            Verdict::Failed,
            Verdict::Cancelled,
            Verdict::Superseded,
            Verdict::ApprovalNeeded,
            Verdict::Inconclusive,
            Verdict::TimedOut,
            Verdict::Pending,
            Verdict::NotifyFailed,
            Verdict::Passed,
        ];
        assert!(order.is_sorted());
        for (run, targets, decided) in [
            (Verdict::Failed, [Verdict::Passed, Verdict::Failed], Some(1)),
            (Verdict::Failed, [Verdict::Passed, Verdict::Pending], None),
            (interrupted, [Verdict::Passed, Verdict::Pending], Some(1)),
            (interrupted, [Verdict::Passed, Verdict::Passed], None),
            (Verdict::NotifyFailed, [Verdict::Failed, Verdict::Passed], Some(1)),
        ] {
            assert_eq!(run.decided_by(targets.into_iter()), decided, "{run:?} {targets:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let names = [
            (Verdict::Passed, "passed"),
            (Verdict::Failed, "failed"),
            (Verdict::Rejected, "rejected"),
            (Verdict::Cancelled, "cancelled"),
            (Verdict::ApprovalNeeded, "approval_needed"),
            (Verdict::Superseded, "superseded"),
            (Verdict::Inconclusive, "inconclusive"),
            (Verdict::TimedOut, "timed_out"),
            (Verdict::Pending, "pending"),
            (Verdict::Interrupted(Signal::Terminate), "interrupted"),
            (Verdict::NotifyFailed, "notify_failed"),
        ];
        for (name, text) in names {
            assert_eq!((name.as_str(), serde_json::to_value(name).unwrap()), (text, text.into()));
            assert_eq!(serde_json::from_value::<Verdict>(text.into()).unwrap(), name);
        }
    }
}
