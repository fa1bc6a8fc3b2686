//! What the user has to put right before anything can be waited for.

use std::fmt;

/// A mistake in flags, environment or files: what is wrong, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    message: String,
    hint: Option<String>,
}

impl Trouble {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hint: None }
    }

    /// Adds what can be done about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns what is wrong, and what can be done about it.
    pub(crate) fn into_parts(self) -> (String, Option<String>) {
        (self.message, self.hint)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
