//! Targets, requirements and what a check says, as they are typed.

use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::ValueEnum;
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::{BranchRef, CheckStatus, InvalidBranchRef, InvalidId, InvalidLabel, Label, Require};
use nuon_gate_notify::is_placeholder;

use crate::lists::filled_in;

/// How many targets have to pass, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Requirement(pub(crate) Require);

impl FromStr for Requirement {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "all" => Ok(Self(Require::All)),
            "any" => Ok(Self(Require::Any)),
            number => {
                let count: Result<NonZeroUsize, _> = number.parse();
                count.map(|count| Self(Require::AtLeast(count))).map_err(|_| "it is all, any or a number from 1 up")
            }
        }
    }
}

/// A run of a branch as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedRun(pub(crate) BranchRef);

impl FromStr for TypedRun {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let run: BranchRef = text.parse().map_err(|error: InvalidBranchRef| error.to_string())?;
        let unfilled = run.parts().find(|part| is_placeholder(part));
        let refused = unfilled.map(|part| format!("`{part}` is a placeholder that was not filled in"));
        refused.map_or(Ok(Self(run)), Err)
    }
}

/// A label as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedLabel(pub(crate) Label);

impl FromStr for TypedLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let label: Label = text.parse().map_err(|error: InvalidLabel| error.to_string())?;
        match is_placeholder(label.value()) {
            true => Err(format!("`{}` is a placeholder that was not filled in", label.value())),
            false => Ok(Self(label)),
        }
    }
}

/// A target as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetPair(pub(crate) Wanted);

impl FromStr for TargetPair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (install, component) = text.split_once('/').ok_or("a target is written INSTALL/COMPONENT")?;
        // In a list, a comma separates two targets.
        if text.contains(',') {
            return Err("it is several targets, or a name with a comma".to_owned());
        }
        let install = filled_in(install)?.parse().map_err(|error: InvalidId| error.to_string())?;
        let component = filled_in(component)?.parse().map_err(|error: InvalidId| error.to_string())?;
        Ok(Self(Wanted::Component(install, component)))
    }
}

/// What a check says, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypedStatus {
    /// All is well
    Healthy,
    /// Something is not, and the component works
    Degraded,
    /// It does not
    Unhealthy,
}

impl From<TypedStatus> for CheckStatus {
    fn from(status: TypedStatus) -> Self {
        match status {
            TypedStatus::Healthy => Self::Healthy,
            TypedStatus::Degraded => Self::Degraded,
            TypedStatus::Unhealthy => Self::Unhealthy,
        }
    }
}
