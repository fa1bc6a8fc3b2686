//! Which installs of a branch's run a later run has taken over.
//!
//! A run that takes an install cancels the earlier run's work there, and the deploy shows that before the run does. So
//! a cancelled deploy of a run only counts as cancelled after the run has been polled for a while.

use std::collections::HashMap;

use crate::{InstallId, Line, Moment, RunId};

/// What the last complete poll of a run has shown.
#[derive(Debug, Default)]
pub(super) struct Takeovers {
    /// When that poll began.
    polled: Option<Moment>,
    by: HashMap<InstallId, Takeover>,
    /// No other poll will follow.
    is_over: bool,
}

/// A later run has taken an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Takeover {
    /// The install's name.
    pub(super) install: Line,
    /// The later run.
    pub(super) by: RunId,
}

/// Whether a later run has taken an install.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<'a> {
    /// It has not been polled late enough.
    Unread,
    No,
    Yes(&'a Takeover),
}

impl Takeovers {
    /// Records what a complete poll has shown, and when it began.
    pub(super) fn note(&mut self, began: Moment, by: HashMap<InstallId, Takeover>) {
        (self.polled, self.by) = (Some(began), by);
    }

    /// Records that the run is no longer polled, so that nothing can come from the run that took an install.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }

    /// Returns the later run that has taken an install, whether or not anything still comes of it.
    pub(super) fn taker(&self, install: &InstallId) -> Option<&Takeover> {
        self.by.get(install)
    }

    /// Returns whether an install was taken; that it was not, only a poll that began at this moment or later shows.
    pub(super) fn of(&self, install: &InstallId, since: Moment) -> Taken<'_> {
        match self.by.get(install) {
            _ if self.is_over => Taken::No,
            Some(takeover) => Taken::Yes(takeover),
            None if self.polled.is_some_and(|polled| polled >= since) => Taken::No,
            None => Taken::Unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_a_later_poll_shows_that_an_install_was_not_taken() {
        let at = |second| Moment::after_start(Duration::from_secs(second));
        let (one, two): (InstallId, InstallId) = ("inlone".parse().unwrap(), "inltwo".parse().unwrap());
        let takeover = Takeover { install: Line::new("one"), by: "run2".parse().unwrap() };
        let mut takeovers = Takeovers::default();
        assert_eq!(takeovers.of(&one, at(0)), Taken::Unread);
        takeovers.note(at(5), [(one.clone(), takeover.clone())].into());
        assert_eq!(takeovers.of(&one, at(9)), Taken::Yes(&takeover), "it is not given back");
        assert_eq!(takeovers.of(&two, at(5)), Taken::No);
        assert_eq!(takeovers.of(&two, at(6)), Taken::Unread);
        takeovers.end();
        assert_eq!([takeovers.taker(&one), takeovers.taker(&two)], [Some(&takeover), None]);
        assert_eq!([takeovers.of(&one, at(9)), takeovers.of(&two, at(9))], [Taken::No, Taken::No]);
    }
}
