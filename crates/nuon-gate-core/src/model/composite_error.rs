//! Errors and policy findings that recent servers attach to deploys and jobs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bounded::{first, text, texts};
use super::open::open_enum;
use crate::RemoteText;

open_enum! {
    /// The severity of an error.
    Severity {
        /// Worth knowing.
        Info = "info",
        /// Worth checking.
        Warning = "warning",
        /// A failure.
        Error = "error",
        /// A failure that ends everything.
        Fatal = "fatal",
    }
}

/// A complete failure.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CompositeError {
    /// A name for this kind of failure.
    #[serde(rename = "type", deserialize_with = "text")]
    pub error_type: Option<RemoteText>,
    /// The severity.
    pub severity: Option<Severity>,
    /// What happened.
    #[serde(deserialize_with = "text")]
    pub message: Option<RemoteText>,
    /// Hints, by topic.
    #[serde(deserialize_with = "texts")]
    pub hints: Option<BTreeMap<String, Option<RemoteText>>>,
    /// More, in parts.
    #[serde(deserialize_with = "first")]
    pub sections: Option<Vec<ErrorSection>>,
}

/// One part of a failure's long form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ErrorSection {
    /// Its title.
    #[serde(deserialize_with = "text")]
    pub heading: Option<RemoteText>,
    /// Its text.
    #[serde(deserialize_with = "text")]
    pub body: Option<RemoteText>,
}

/// What the organisation's policies found in a plan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PolicyReport {
    /// How many findings forbid the deploy.
    pub deny_count: Option<i64>,
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
