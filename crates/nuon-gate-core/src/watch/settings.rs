//! What a watch is told before it begins.

use std::time::Duration;

use crate::schedule::Intervals;
use crate::{Pin, Require, Rules, Targets};

/// How long is waited, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Altogether.
    pub total: Duration,
    /// Until a matching deploy exists.
    pub start: Option<Duration>,
    /// Without one good answer from the API.
    pub outage: Option<Duration>,
}

/// How long is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Until everything has ended.
    Wait,
    /// Once.
    Glance,
}

/// Everything the watch goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchSettings {
    /// What statuses mean.
    pub rules: Rules,
    /// How far apart looks are.
    pub intervals: Intervals,
    /// How long is waited.
    pub clocks: Clocks,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How many targets have to pass.
    pub require: Require,
    /// Whether to stop as soon as too many have not.
    pub fail_fast: bool,
    /// Whether to wait at all.
    pub mode: Mode,
    /// Where the jitter comes from.
    pub seed: u64,
}

/// Why a watch cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// More targets are required to pass than there are.
    #[error("{needed} targets are required to pass, but there are only {targets}")]
    TooManyRequired {
        /// As many should pass.
        needed: usize,
        /// As many there are.
        targets: usize,
    },
    /// A deploy belongs to one target.
    #[error("one deploy's id cannot pin {targets} targets")]
    DeployOfSeveral {
        /// As many there are.
        targets: usize,
    },
}

impl WatchSettings {
    pub(super) fn check(&self, targets: &Targets, pin: &Pin) -> Result<(), InvalidSettings> {
        let count = targets.as_slice().len();
        let needed = self.require.count(targets);
        if needed > count {
            return Err(InvalidSettings::TooManyRequired { needed, targets: count });
        }
        if matches!(pin, Pin::Deploy(_)) && count > 1 {
            return Err(InvalidSettings::DeployOfSeveral { targets: count });
        }
        Ok(())
    }
}
