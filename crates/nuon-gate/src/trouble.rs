//! What the user has to put right before anything can be waited for.

use std::fmt;

use nuon_gate_core::Line;

/// No mistake takes more characters to tell.
const LONGEST: usize = 2000;

/// A mistake in flags, environment or files: what is wrong, and what can be done. Each is one harmless line, as what is
/// wrong can be a path or a piece of a file, and a CI runner obeys what looks like a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    message: Line,
    hint: Option<Line>,
}

impl Trouble {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: harmless(&message.to_string()), hint: None }
    }

    /// Adds what can be done about it.
    pub(crate) fn hint(self, hint: impl AsRef<str>) -> Self {
        Self { hint: Some(harmless(hint.as_ref())), ..self }
    }

    /// Returns what is wrong, and what can be done about it.
    pub(crate) fn into_parts(self) -> (Line, Option<Line>) {
        (self.message, self.hint)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message.plain())?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", hint.plain()),
            None => Ok(()),
        }
    }
}

fn harmless(text: &str) -> Line {
    Line::new(text).cut(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_harmless_line() {
        let trouble = Trouble::new("cannot read a\n::error::b\u{1b}[31m\u{202e}##[c]").hint("not\r##vso[d]");
        assert_eq!(trouble.to_string(), "error: cannot read a ::error::b#[c]\nhint: not #vso[d]");
    }
}
