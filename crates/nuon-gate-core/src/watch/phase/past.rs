//! Whether the newest deploy had ended before the wait began, so that it is not the one to wait for.
//!
//! That is assumed unless there is proof to the contrary: the server's own time of its creation or end or, without one,
//! an answer that showed the deploy in another state, or did not show it. The server's times outweigh such an answer
//! for as long as a replica can lag, because that shows earlier states, and may omit a row that already exists. An answer that
//! shows another state after that outweighs the times: the clock that wrote them was behind the one that answers. A time that is
//! ahead of the server's clock was written before that clock was set back.

use std::time::Duration;

use jiff::Timestamp;

use super::{End, LAG, Note, Policy};
use crate::cause::Warning;
use crate::model::{Deploy, Workflow};
use crate::timeline::span;
use crate::watch::era::Era;
use crate::watch::event::Refusal;
use crate::watch::settings::{Mode, OnStale};
use crate::{DeployId, Moment};

/// What is known of whether a deploy had ended before the wait began, if that matters: nobody pinned it, or only its build or commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// Its build or commit is pinned, which may have been deployed before.
    recurs: Option<Recurs>,
    created: Era,
    changed: Era,
    /// When it was last known to be in another state: not ended, or not there yet.
    otherwise_at: Option<Moment>,
    /// When it was first shown.
    shown_at: Moment,
    /// When an earlier poll last showed this row, or none. A row that replaces it later was not there yet.
    polled_at: Option<Moment>,
    /// A poll showed that it and its workflow had ended before. What is written to it later does not change that.
    is_certain: bool,
}

/// How a deploy of a pinned build or commit was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recurs {
    /// As the newest.
    AsNewest,
    /// Below a newer deploy that does not match.
    Below,
}

impl Past {
    /// Starts with a row that was not shown before. `polled_at`: when a poll last ended without it.
    pub(super) fn of(row: &Deploy, polled_at: Option<Moment>, policy: &Policy<'_>) -> Self {
        let created = Era::of(row.created_at, policy.server_clock());
        let otherwise_at = polled_at.filter(|_| created != Era::Before);
        let changed = Era::of(row.status_since(), policy.server_clock());
        let (recurs, is_certain) = (None, false);
        Self { recurs, created, changed, otherwise_at, shown_at: policy.now, polled_at, is_certain }
    }

    /// Records that its build or commit is pinned.
    pub(super) fn of_pinned(self, recurs: Recurs) -> Self {
        Self { recurs: Some(recurs), ..self }
    }

    pub(super) fn recurs(self) -> Option<Recurs> {
        self.recurs
    }

    /// Returns what to do with the deploy if it had ended before. That an older one brought the same build does not show that
    /// this is the one that was triggered.
    pub(super) fn on_stale(self, policy: &Policy<'_>) -> OnStale {
        if self.recurs.is_some() { OnStale::Wait } else { policy.settings.on_stale }
    }

    /// Continues with another row, which is shown instead of this one.
    pub(super) fn of_next(self, row: &Deploy, policy: &Policy<'_>) -> Self {
        Self { recurs: self.recurs, ..Self::of(row, self.polled_at, policy) }
    }

    /// Continues with the same row in a new state.
    pub(super) fn in_next_state(self, row: &Deploy, policy: &Policy<'_>) -> Self {
        let changed = Era::of(row.status_since(), policy.server_clock());
        Self { changed, otherwise_at: Some(policy.now), ..self }
    }

    /// Prepares for another poll.
    pub(super) fn begin_poll(&mut self) {
        self.polled_at = self.polled_at.max(Some(self.shown_at));
    }

    /// Records that a poll has ended. `at_work`: the row was still pending.
    pub(super) fn note_poll(&mut self, at: Moment, at_work: bool) {
        self.polled_at = Some(at);
        if at_work {
            self.otherwise_at = Some(at);
        }
    }

    /// Records that it and its workflow have ended. If that was before, then whatever is written to it later.
    pub(super) fn note_ended(&mut self, others: impl Iterator<Item = Timestamp>, policy: &Policy<'_>) {
        self.is_certain |= self.ended_in(others, policy) == Era::Before;
    }

    /// Returns whether its workflow had ended before, and left it pending, or replaced by nothing.
    pub(super) fn was_over(self, workflow: Option<&Workflow>, policy: &Policy<'_>) -> bool {
        let ended_at = workflow.filter(|own| own.end().is_some()).and_then(Workflow::since);
        self.changed == Era::Before && Era::of(ended_at, policy.server_clock()) == Era::Before
    }

    /// Returns whether it had ended before. `others`: when everything else ended that its verdict depends on, as far as
    /// the server says.
    pub(super) fn had_ended(self, others: impl Iterator<Item = Timestamp>, policy: &Policy<'_>) -> bool {
        if self.created == Era::During {
            return false;
        }
        if self.is_certain {
            return true;
        }
        match self.ended_in(others, policy) {
            Era::During => false,
            Era::Before | Era::Ahead => !self.was_seen_otherwise(),
            Era::Unclear => self.otherwise_at.is_none(),
        }
    }

    /// Returns whether it was in another state for longer than a replica can lag: then it changed later, whatever its times say.
    pub(super) fn was_seen_otherwise(self) -> bool {
        self.otherwise_at.is_some_and(|at| at >= Moment::START + LAG)
    }

    /// Returns the warning that it had ended. A single poll reports the state as it is, which needs none.
    pub(super) fn warning(self, id: &DeployId, row: &Deploy, policy: &Policy<'_>) -> Option<Note> {
        let (deploy, ago) = (id.clone(), ago(row, policy));
        let is_judged = self.on_stale(policy) == OnStale::Accept && policy.settings.mode == Mode::Wait;
        match self.recurs {
            Some(_) => Some(Note::Warned(Warning::OlderMatch { deploy, ago })),
            None => is_judged.then_some(Note::Warned(Warning::AlreadyEnded { deploy, ago })),
        }
    }

    /// Returns when it and all the others ended, by the server's times.
    fn ended_in(self, others: impl Iterator<Item = Timestamp>, policy: &Policy<'_>) -> Era {
        match self.changed {
            Era::Before => others.map(|at| Era::of(Some(at), policy.server_clock())).fold(Era::Before, Era::max),
            account => account,
        }
    }
}

/// Refuses to judge a deploy that had ended before the wait began.
pub(super) fn refuse(id: &DeployId, row: &Deploy, policy: &Policy<'_>) -> End {
    End::Refused(Refusal::Stale { deploy: id.clone(), ago: ago(row, policy) })
}

/// Returns how long before the wait began a deploy ended, if the server says.
fn ago(row: &Deploy, policy: &Policy<'_>) -> Option<Duration> {
    row.status_since().map(|ended| span(ended, policy.server_started_at)).filter(|ago| !ago.is_zero())
}
