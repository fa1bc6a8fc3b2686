//! Plans that wait for an approval.

use serde::Deserialize;

/// What a human is asked to approve: the names of the affected resources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Resources to create.
    pub add: Vec<String>,
    /// Resources to change.
    pub change: Vec<String>,
    /// Resources to destroy.
    pub destroy: Vec<String>,
    /// Resources to replace.
    pub replace: Vec<String>,
    /// A value that appears everywhere in it, as secrets do.
    pub value: String,
    /// Raw contents in place of a plan.
    pub contents: Option<String>,
}

impl Default for Plan {
    fn default() -> Self {
        let value = "simulated-plan-value".to_owned();
        Self { add: Vec::new(), change: Vec::new(), destroy: Vec::new(), replace: Vec::new(), value, contents: None }
    }
}
