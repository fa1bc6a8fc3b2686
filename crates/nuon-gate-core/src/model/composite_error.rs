//! Errors and policy findings that recent servers attach to deploys and jobs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bounded::{first, text, texts};
use super::open::open_enum;
use crate::RemoteText;

/// A complete failure.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CompositeError {
    /// What happened.
    #[serde(deserialize_with = "text")]
    pub message: Option<RemoteText>,
    /// Hints, by topic.
    #[serde(deserialize_with = "texts")]
    pub hints: Option<BTreeMap<String, Option<RemoteText>>>,
}

/// What the organisation's policies found in a plan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PolicyReport {
    /// The findings.
    #[serde(deserialize_with = "first")]
    pub violations: Option<Vec<PolicyViolation>>,
}

open_enum! {
    /// The effect of a finding.
    PolicySeverity {
        /// Forbids the deploy.
        Deny = "deny",
        /// Warns.
        Warn = "warn",
    }
}

/// One finding.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PolicyViolation {
    /// The policy's name.
    #[serde(deserialize_with = "text")]
    pub policy_name: Option<RemoteText>,
    /// Its effect.
    pub severity: Option<PolicySeverity>,
    /// What was found.
    #[serde(deserialize_with = "text")]
    pub message: Option<RemoteText>,
}
