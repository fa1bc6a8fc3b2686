//! Why nothing is waited for.

use std::fmt;

use nuon_gate_core::{Line, Signal, Verdict};

use crate::exit;

/// No mistake takes more characters to tell.
const LONGEST: usize = 2000;

/// Why nothing is waited for, and what can be done: a mistake in flags, environment or files, or else what came of asking and
/// reading. Each is one harmless line, as what is wrong can be a path or a piece of a file, and a CI runner obeys what looks
/// like a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    message: Line,
    hint: Option<Line>,
    /// `None`: the user has to put something right.
    verdict: Option<Verdict>,
}

impl Trouble {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: harmless(&message.to_string()), hint: None, verdict: None }
    }

    /// Says that a signal ended what was being done.
    pub(crate) fn interrupted(signal: Signal, what: impl fmt::Display) -> Self {
        Self::new(what).judged(Some(Verdict::Interrupted(signal)))
    }

    /// Says what it makes of a run, unless it is a mistake of the user's.
    pub(crate) fn judged(self, verdict: Option<Verdict>) -> Self {
        Self { verdict, ..self }
    }

    /// Adds what does not happen because of it.
    pub(crate) fn so(self, consequence: &str) -> Self {
        Self { message: harmless(&format!("{}, so {consequence}", self.message.plain())), ..self }
    }

    /// Returns what it makes of a run. `None`: there is no run.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Returns what to exit with.
    pub(crate) fn exit_code(&self) -> u8 {
        self.verdict.map_or(exit::USAGE, exit::code)
    }

    /// Adds what can be done about it.
    pub(crate) fn hint(self, hint: impl AsRef<str>) -> Self {
        Self { hint: Some(harmless(hint.as_ref())), ..self }
    }

    /// Says what is wrong, and what interrupted it if a signal did.
    pub(crate) fn reason(&self) -> Line {
        match self.verdict {
            Some(Verdict::Interrupted(signal)) => {
                harmless(&format!("interrupted by {signal}; {}", self.message.plain()))
            }
            _ => self.message.clone(),
        }
    }

    /// Returns what can be done about it.
    pub(crate) fn to_do(&self) -> Option<&Line> {
        self.hint.as_ref()
    }

    /// Takes it apart: what is wrong, and what can be done about it.
    pub(crate) fn into_parts(self) -> (Line, Option<Line>) {
        (self.message, self.hint)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.reason().plain())?;
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
