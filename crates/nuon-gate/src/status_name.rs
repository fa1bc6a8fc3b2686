//! Statuses as they are typed.

use std::convert::Infallible;
use std::str::FromStr;

use nuon_gate_core::model::Status;

use crate::near_miss::nearest;

/// A status as it is typed: any word, since servers may have more statuses than this version knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusName(pub(crate) Status);

impl FromStr for StatusName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Status::from(text)))
    }
}

impl StatusName {
    /// Returns the closest known status for an unknown one.
    pub(crate) fn near_miss(&self) -> Option<&'static str> {
        let Status::Other(typed) = &self.0 else { return None };
        let likened = typed.to_lowercase().replace(['_', ' '], "-");
        nearest(&likened, Status::KNOWN.iter().map(Status::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_status_has_a_near_miss_and_another_word_has_none() {
        let rows = [
            ("eror", Some("error")),
            ("Error", Some("error")),
            ("canceled", Some("cancelled")),
            ("pending_approval", Some("pending-approval")),
            ("inactve", Some("inactive")),
            ("error", None),
            ("hibernating", None),
            ("drifted", None),
            ("failed", None),
        ];
        for (typed, meant) in rows {
            assert_eq!(StatusName(Status::from(typed)).near_miss(), meant, "{typed}");
        }
    }
}
