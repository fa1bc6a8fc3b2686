//! Why a request did not do what it was to do.

use std::fmt;
use std::time::Duration;

use nuon_gate_core::Line;

/// Why, and what is known of the consequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) nature: Nature,
    /// What the service calls it, if it says: `no_service`.
    pub(crate) word: Option<String>,
    /// What to tell people.
    pub(crate) words: String,
}

/// What is known of the consequences of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Certainly nothing happened, and it can be tried again: no connection, or too many requests.
    NotTaken {
        /// How long the service asks to be left alone.
        wait: Option<Duration>,
    },
    /// It may have been done or not: no answer in time, a connection that broke off, an error of the server's.
    Unclear {
        /// How long the service asks to be left alone.
        wait: Option<Duration>,
    },
    /// It was refused, and would be again.
    Refused {
        /// The status code.
        status: u16,
    },
}

impl Fault {
    pub(crate) fn new(nature: Nature, words: impl Into<String>) -> Self {
        Self { nature, word: None, words: words.into() }
    }

    /// Makes a fault of an error that has a name of the service's.
    pub(crate) fn named(nature: Nature, word: &str, hint: Option<&str>) -> Self {
        let word = harmless(word);
        let words = match hint {
            Some(hint) => format!("{word}: {hint}"),
            None => word.clone(),
        };
        Self { nature, word: Some(word), words }
    }

    pub(crate) fn is(&self, words: &[&str]) -> bool {
        self.word.as_deref().is_some_and(|word| words.contains(&word))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Makes one short line of what a service said.
pub(crate) fn harmless(text: &str) -> String {
    Line::new(text).cut(200).plain().to_owned()
}
