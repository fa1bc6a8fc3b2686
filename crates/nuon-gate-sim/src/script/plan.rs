//! Plans that wait for an approval.

use serde::Deserialize;

/// What a human is asked to approve: the names of what it touches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What is new.
    pub add: Vec<String>,
    /// What becomes different.
    pub change: Vec<String>,
    /// What goes.
    pub destroy: Vec<String>,
    /// What goes and comes anew.
    pub replace: Vec<String>,
    /// A value that stands everywhere in it, as secrets do.
    pub value: String,
    /// What the contents are instead, whatever that is.
    pub contents: Option<String>,
}

impl Default for Plan {
    fn default() -> Self {
        let value = "simulated-plan-value".to_owned();
        Self { add: Vec::new(), change: Vec::new(), destroy: Vec::new(), replace: Vec::new(), value, contents: None }
    }
}
