//! `--map-exit`: other exit codes, for soft gates.

use std::str::FromStr;

use nuon_gate_core::{Line, Verdict};

use crate::exit;
use crate::lists::List;

/// The exit codes of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExitCodes(Vec<ExitMapping>);

impl ExitCodes {
    /// Takes what was typed.
    pub(crate) fn new(typed: Vec<ExitMappings>) -> Self {
        Self(typed.into_iter().flat_map(|mappings| mappings.0).collect())
    }

    /// Returns the exit code of a verdict.
    pub(crate) fn of(&self, verdict: Verdict) -> u8 {
        self.mapped(verdict.as_str()).unwrap_or_else(|| verdict.exit_code())
    }

    /// Reports a changed exit code of a verdict.
    pub(crate) fn words(&self, verdict: Verdict) -> Option<Line> {
        let (code, usual) = (self.of(verdict), verdict.exit_code());
        let words = || Line::new(format!("the exit code is {code} instead of {usual}, because of --map-exit"));
        (code != usual).then(words)
    }

    /// Returns the exit code that replaces a verdict's own.
    pub(crate) fn mapped(&self, verdict: &str) -> Option<u8> {
        // The last one counts.
        self.0.iter().rev().find(|mapping| mapping.name == verdict).map(|mapping| mapping.code)
    }
}

/// Another exit code for a verdict, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExitMapping {
    /// The verdict's name.
    name: String,
    /// The exit code.
    code: u8,
}

/// Other exit codes for some verdicts, as they are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExitMappings(Vec<ExitMapping>);

impl FromStr for ExitMappings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let List(mappings): List<ExitMapping> = text.parse()?;
        for (at, ExitMapping { name, code }) in mappings.iter().enumerate() {
            // Of a repeated flag the last wins. Two codes within one list are ambiguous.
            if let Some(other) = mappings[..at].iter().find(|other| other.name == *name && other.code != *code) {
                return Err(format!("`{name}` is given two codes, {} and {code}", other.code));
            }
        }
        Ok(Self(mappings))
    }
}

impl FromStr for ExitMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, code) = text.split_once('=').ok_or("it is written NAME=CODE, such as timed_out=0")?;
        let name = name.trim().to_owned();
        let names = exit::CODES.iter().map(|(_, name, _)| *name).filter(|name| *name != "usage");
        if !names.clone().any(|known| known == name) {
            return Err(format!("`{name}` is no verdict; there are {}", names.collect::<Vec<_>>().join(", ")));
        }
        let code = code.trim().parse().map_err(|_| "an exit code is a number from 0 to 255".to_owned())?;
        Ok(Self { name, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mapping_counts_and_one_list_contradicts_itself_never() {
        let typed = |texts: &[&str]| -> Result<ExitCodes, String> {
            texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(ExitCodes::new)
        };
        let codes = typed(&["failed=0, timed_out=0", "failed=9,failed=9"]).unwrap();
        assert_eq!(
            [Verdict::Failed, Verdict::TimedOut, Verdict::Cancelled].map(|verdict| codes.of(verdict)),
            [9, 0, 4]
        );
        assert_eq!((codes.of(Verdict::NotifyFailed), codes.words(Verdict::Cancelled)), (8, None));
        let words = codes.words(Verdict::TimedOut).unwrap();
        assert_eq!(words.plain(), "the exit code is 0 instead of 124, because of --map-exit");
        assert_eq!(typed(&["failed=0,failed=1"]).unwrap_err(), "`failed` is given two codes, 0 and 1");
    }
}
