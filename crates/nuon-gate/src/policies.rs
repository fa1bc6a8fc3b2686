//! Policies as they are typed: the expected kind of deploy, and what to do in unexpected cases.

use std::str::FromStr;

use clap::ValueEnum;
use nuon_gate_core::Kind;
use nuon_gate_core::conclude::CancelOn;
use nuon_gate_core::watch::{Followed, OnApproval, OnStale, OnSuperseded};

/// A kind of deploy, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Expectation {
    /// Brings something to the install
    Apply,
    /// Removes the component
    Teardown,
}

impl From<Expectation> for Kind {
    fn from(kind: Expectation) -> Self {
        match kind {
            Expectation::Apply => Self::Apply,
            Expectation::Teardown => Self::Teardown,
        }
    }
}

/// What to do about a newer deploy, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SupersededPolicy {
    /// Wait for the newer one
    Follow,
    /// Go on, and report it
    Ignore,
    /// Stop
    Fail,
}

impl From<SupersededPolicy> for OnSuperseded {
    fn from(policy: SupersededPolicy) -> Self {
        match policy {
            SupersededPolicy::Follow => Self::Follow,
            SupersededPolicy::Ignore => Self::Ignore,
            SupersededPolicy::Fail => Self::Fail,
        }
    }
}

/// What to do about a latest deploy that had already ended, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StalePolicy {
    /// Judge it, with a warning
    Accept,
    /// Wait for a newer one
    Wait,
    /// Exit with 2
    Fail,
}

impl From<StalePolicy> for OnStale {
    fn from(policy: StalePolicy) -> Self {
        match policy {
            StalePolicy::Accept => Self::Accept,
            StalePolicy::Wait => Self::Wait,
            StalePolicy::Fail => Self::Fail,
        }
    }
}

/// Whether the end of a step is awaited by a long poll, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LongPoll {
    /// Where the server offers it
    Auto,
    /// Never
    Off,
}

/// Which lines of a deploy's log are shown while it runs, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FollowLogs {
    /// None
    Off,
    /// Those about an error
    Errors,
    /// All
    All,
}

impl From<FollowLogs> for Option<Followed> {
    fn from(which: FollowLogs) -> Self {
        match which {
            FollowLogs::Off => None,
            FollowLogs::Errors => Some(Followed::Errors),
            FollowLogs::All => Some(Followed::All),
        }
    }
}

/// What to do when a human is asked, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApprovalPolicy {
    /// Wait for the answer
    Wait,
    /// Stop, and fail
    Fail,
    /// Stop, and pass
    Pass,
}

impl From<ApprovalPolicy> for OnApproval {
    fn from(policy: ApprovalPolicy) -> Self {
        match policy {
            ApprovalPolicy::Wait => Self::Wait,
            ApprovalPolicy::Fail => Self::Fail,
            ApprovalPolicy::Pass => Self::Pass,
        }
    }
}

/// When to cancel deploys, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelCase {
    /// A timeout expired.
    Timeout,
    /// A signal came.
    Interrupt,
    /// Not enough targets can pass any more.
    FailFast,
}

impl CancelCase {
    /// Every case, by the word for it.
    pub(crate) const ALL: [(&str, Self); 3] =
        [("timeout", Self::Timeout), ("interrupt", Self::Interrupt), ("fail-fast", Self::FailFast)];
}

impl FromStr for CancelCase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|(word, _)| *word == text);
        known.map(|(_, case)| *case).ok_or("it is timeout, interrupt or fail-fast")
    }
}

impl FromIterator<CancelCase> for CancelOn {
    fn from_iter<T: IntoIterator<Item = CancelCase>>(cases: T) -> Self {
        cases.into_iter().fold(Self::default(), |on, case| match case {
            CancelCase::Timeout => Self { timeout: true, ..on },
            CancelCase::Interrupt => Self { interrupt: true, ..on },
            CancelCase::FailFast => Self { fail_fast: true, ..on },
        })
    }
}
