//! When notifications are sent.

use std::fmt;
use std::str::FromStr;

use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::RunResult;

use crate::message::is_planned;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The wait began.
    Started,
    /// A human is asked to approve.
    Approval,
    /// A deploy moved on.
    Changed,
    /// The run ended; the result is the final one.
    Ended,
    /// Nothing is waited for after all, because of a mistake of the user; the result says why. It only ends what is
    /// shown already.
    Refused,
    /// Nothing: a test of the settings. Sent whatever `--notify-on` lists.
    Test,
}

impl Occasion {
    /// Returns whether nothing follows.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Ended | Self::Refused)
    }
}

/// A word of `--notify-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// The wait began.
    Start,
    /// A human is asked to approve.
    Approval,
    /// It passed.
    Success,
    /// It ended badly, because of the deploy or of people.
    Failure,
    /// The gate stopped watching before the deploy ended.
    Timeout,
    /// It passed after deploys that had failed.
    Recovery,
    /// A deploy moved on.
    Change,
}

impl Trigger {
    /// Every word, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Approval, Self::Success, Self::Failure, Self::Timeout, Self::Recovery, Self::Change];

    /// Returns the word as it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Approval => "approval",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Recovery => "recovery",
            Self::Change => "change",
        }
    }

    /// Returns whether it is listed by default. A sink that can edit its message also shows the start.
    pub fn is_usual(self, can_edit: bool) -> bool {
        match self {
            Self::Start => can_edit,
            Self::Change => false,
            Self::Approval | Self::Success | Self::Failure | Self::Timeout | Self::Recovery => true,
        }
    }

    /// Returns the words that cover an occasion. A recovery is also a success: listing either sends it.
    pub fn of(occasion: Occasion, result: &RunResult) -> &'static [Self] {
        match occasion {
            Occasion::Started => &[Self::Start],
            Occasion::Approval => &[Self::Approval],
            Occasion::Changed => &[Self::Change],
            Occasion::Test => &Self::ALL,
            Occasion::Refused => &[],
            Occasion::Ended => match result.verdict {
                Verdict::Passed | Verdict::NotifyFailed if recovered_after(result).is_some() => {
                    &[Self::Success, Self::Recovery]
                }
                Verdict::Passed | Verdict::NotifyFailed => &[Self::Success],
                Verdict::TimedOut | Verdict::Inconclusive => &[Self::Timeout],
                // The person who has to answer may only be notified by this.
                Verdict::ApprovalNeeded => &[Self::Failure, Self::Approval],
                Verdict::Failed
                | Verdict::Rejected
                | Verdict::Cancelled
                | Verdict::Superseded
                | Verdict::Interrupted(_) => &[Self::Failure],
                // A pending result of a single poll is not an end.
                Verdict::Pending => &[],
            },
        }
    }
}

/// Returns after how many failed deploys the run's targets passed again, if they did. A plan alone mends nothing.
pub(crate) fn recovered_after(result: &RunResult) -> Option<u32> {
    let passed = result.targets.iter().filter(|target| target.verdict == Verdict::Passed && !is_planned(target));
    passed.filter_map(|target| target.recovered_after).max().filter(|failures| *failures > 0)
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim();
        Self::ALL.into_iter().find(|trigger| trigger.as_str() == word).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("it is one of {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_occasion_has_its_words() {
        use Verdict as V;
        let ends = [
            (V::Passed, None, &[Trigger::Success][..]),
            (V::Passed, Some(0), &[Trigger::Success]),
            (V::Passed, Some(3), &[Trigger::Success, Trigger::Recovery]),
            (V::NotifyFailed, None, &[Trigger::Success]),
            (V::Failed, Some(3), &[Trigger::Failure]),
            (V::Rejected, None, &[Trigger::Failure]),
            (V::Cancelled, None, &[Trigger::Failure]),
            (V::ApprovalNeeded, None, &[Trigger::Failure, Trigger::Approval]),
            (V::Superseded, None, &[Trigger::Failure]),
            (V::Interrupted(nuon_gate_core::Signal::Terminate), None, &[Trigger::Failure]),
            (V::TimedOut, None, &[Trigger::Timeout]),
            (V::Inconclusive, None, &[Trigger::Timeout]),
            (V::Pending, None, &[]),
        ];
        for (verdict, recovered, words) in ends {
            let mut result = sample::result(verdict);
            result.targets[0].recovered_after = recovered;
            assert_eq!(Trigger::of(Occasion::Ended, &result), words, "{verdict:?} {recovered:?}");
        }
        let mut planned = sample::result(V::Passed);
        planned.targets[0].recovered_after = Some(3);
        planned.targets[0].deploy.as_mut().unwrap().status = nuon_gate_core::Line::new("pending-approval");
        assert_eq!(Trigger::of(Occasion::Ended, &planned), [Trigger::Success]);
        let result = sample::result(V::Pending);
        let words = |occasion| Trigger::of(occasion, &result);
        assert_eq!(words(Occasion::Started), [Trigger::Start]);
        assert_eq!(words(Occasion::Approval), [Trigger::Approval]);
        assert_eq!(words(Occasion::Changed), [Trigger::Change]);
        assert_eq!(words(Occasion::Test), Trigger::ALL);
        assert_eq!(words(Occasion::Refused), []);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for trigger in Trigger::ALL {
            assert_eq!(trigger.to_string().parse(), Ok(trigger));
        }
        assert_eq!(
            "never".parse::<Trigger>().unwrap_err(),
            "it is one of start, approval, success, failure, timeout, recovery, change"
        );
        assert!(Trigger::Start.is_usual(true) && !Trigger::Start.is_usual(false) && !Trigger::Change.is_usual(true));
    }
}
