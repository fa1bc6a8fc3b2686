//! Why nothing is waited for.

use std::fmt;

use nuon_gate_core::{Line, Signal, Verdict};

use crate::exit;

/// Upper bound for the length of an error message.
const LONGEST: usize = 2000;

/// Why nothing is waited for, and what to do: a mistake in flags, environment or files, or a failed request or read.
/// Each is one harmless line, because it can quote a path or a part of a file, and a CI runner obeys what looks like a
/// command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    message: Line,
    hint: Option<Line>,
    /// `None`: a mistake that the user has to correct.
    verdict: Option<Verdict>,
}

impl Trouble {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: harmless(&message.to_string()), hint: None, verdict: None }
    }

    /// The error if a signal interrupted something.
    pub(crate) fn interrupted(signal: Signal, what: impl fmt::Display) -> Self {
        Self::new(what).judged(Some(Verdict::Interrupted(signal))).hint("run this again")
    }

    /// Leaves out the secrets that have become known since.
    pub(crate) fn redacted(self) -> Self {
        let hint = self.hint.map(|hint| harmless(hint.plain()));
        Self { message: harmless(self.message.plain()), hint, ..self }
    }

    /// Sets the verdict of the run, unless it is a mistake of the user.
    pub(crate) fn judged(self, verdict: Option<Verdict>) -> Self {
        Self { verdict, ..self }
    }

    /// Adds the consequence.
    pub(crate) fn so(self, consequence: &str) -> Self {
        Self { message: harmless(&format!("{}, so {consequence}", self.message.plain())), ..self }
    }

    /// Returns the verdict of the run. `None`: there is no run.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Returns the exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        self.verdict.map_or(exit::USAGE, Verdict::exit_code)
    }

    /// Adds a hint.
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

    /// Returns the hint.
    pub(crate) fn to_do(&self) -> Option<&Line> {
        self.hint.as_ref()
    }

    /// Splits it into the reason and the hint.
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
