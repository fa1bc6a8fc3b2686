//! Whether the newest deploy had ended before the wait began, so that it is not the one that is waited for.
//!
//! That is the case unless something proves that it had not: the server's own account of when it ended, or, where that says
//! nothing, an answer that showed it in another state. Answers of a replica that lags prove nothing against the account, as
//! they show what was; and an account that lies ahead of the server's clock was written before that was put back.

use std::time::Duration;

use jiff::Timestamp;

use super::{LAG, Policy};
use crate::model::Deploy;
use crate::{Judgement, Moment, Rules};

/// How exact the server's time is.
const SECOND: Duration = Duration::from_secs(1);
/// How far apart the clocks of two of the server's machines that keep time may be.
const LEEWAY: Duration = Duration::from_secs(5);

/// What is known of whether a deploy that nobody pinned had ended before the wait began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    account: Account,
    /// When it was last known not to be as it is now: it had not ended, or was not there.
    otherwise_at: Option<Moment>,
}

/// When something happened, by what the server says. What ended in several parts ended with the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    Before,
    /// The server does not say, or not exactly enough.
    Unclear,
    /// Later than the clock showed when it was read: by one that has been put back since.
    Ahead,
    During,
}

impl Past {
    /// Begins with a row that was not known before, or was another one until then.
    pub(super) fn of(row: &Deploy, otherwise_at: Option<Moment>, policy: &Policy<'_>) -> Self {
        Self { account: Account::of(row.status_since(), policy), otherwise_at }
    }

    /// It has been known not to have ended, or not to be there, at this time.
    pub(super) fn was_otherwise(&mut self, at: Moment) {
        self.otherwise_at = self.otherwise_at.max(Some(at));
    }

    /// When that was last so.
    pub(super) fn otherwise_at(self) -> Option<Moment> {
        self.otherwise_at
    }

    /// Tells whether it had ended before. `others`: when all else ended that its end rests on, as far as the server says.
    pub(super) fn had_ended(self, row: &Deploy, others: impl Iterator<Item = Timestamp>, policy: &Policy<'_>) -> bool {
        if Rules::default().judge_deploy(row) == Judgement::Pending {
            return false;
        }
        let account = match self.account {
            Account::Before => others.map(|at| Account::of(Some(at), policy)).fold(Account::Before, Account::max),
            account => account,
        };
        match account {
            Account::Before => true,
            Account::During => false,
            Account::Ahead => self.otherwise_at.is_none_or(|at| at < Moment::START + LAG),
            Account::Unclear => self.otherwise_at.is_none(),
        }
    }
}

impl Account {
    /// Reads a time that the server has just said.
    fn of(at: Option<Timestamp>, policy: &Policy<'_>) -> Self {
        let Some(at) = at.filter(|_| policy.has_server_time) else { return Self::Unclear };
        let after_start = |length: Duration| policy.started_at.saturating_add(length).unwrap_or(Timestamp::MAX);
        let elapsed = policy.now.elapsed();
        if at < policy.started_at {
            Self::Before
        } else if at > after_start(elapsed + LEEWAY) {
            Self::Ahead
        } else if (after_start(2 * SECOND)..=after_start(elapsed + SECOND)).contains(&at) {
            Self::During
        } else {
            Self::Unclear
        }
    }
}
