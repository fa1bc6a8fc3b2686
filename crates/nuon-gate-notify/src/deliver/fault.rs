//! Why a request failed.

use std::fmt;
use std::time::Duration;

use nuon_gate_core::Line;

/// The reason, and whether the request may have had an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) nature: Nature,
    /// The service's own code, if there is one: `no_service`.
    pub(crate) word: Option<String>,
    /// The text for people.
    pub(crate) words: String,
    /// What can be done about it, where that is not the service's own matter.
    pub(crate) hint: Option<String>,
}

/// Whether a failed request may have had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// It certainly had none, and can be retried: no connection, or too many requests.
    NotTaken {
        /// The pause that the service asks for.
        wait: Option<Duration>,
    },
    /// It may have: no answer in time, a broken connection, a server error.
    Unclear {
        /// The pause that the service asks for.
        wait: Option<Duration>,
    },
    /// It was refused, and would be refused again.
    Refused {
        /// The status code.
        status: u16,
    },
}

impl Fault {
    pub(crate) fn new(nature: Nature, words: impl Into<String>) -> Self {
        Self { nature, word: None, words: words.into(), hint: None }
    }

    /// Makes a fault of an error with the service's own code.
    pub(crate) fn named(nature: Nature, word: &str, hint: Option<&str>) -> Self {
        let word = harmless(word);
        let words = match hint {
            Some(hint) => format!("{word}: {hint}"),
            None => word.clone(),
        };
        Self { nature, word: Some(word), words, hint: None }
    }

    pub(crate) fn is(&self, words: &[&str]) -> bool {
        self.word.as_deref().is_some_and(|word| words.contains(&word))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; hint: {hint}"))
    }
}

/// Turns a service's text into one short line.
pub(crate) fn harmless(text: &str) -> String {
    Line::new(text).cut(200).plain().to_owned()
}
