//! Which answers about a deploy are current. Some servers read from a replica that lags, so an answer can be older than
//! the one before it (`docs/nuon-api.md`, "Replicas and times").

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Deploy, EarlierStatus, Status};
use crate::{Judgement, Kind, Moment, Rules};

#[cfg(test)]
mod tests;

/// For how long, and in how many answers, a state has to seem older before it counts all the same: then it was written after a
/// clock was set back, or by a machine whose clock is behind.
const WRONG_CLOCK: Duration = Duration::from_secs(120);
const ANSWERS: u32 = 5;

/// The newest state of one deploy that was seen, in any endpoint.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    newest: Option<Version>,
    /// A state that has seemed older than that, since when, and how often.
    older: Option<Older>,
    /// The digests of the states before it, once a history has shown that the times do not tell the order.
    before: Vec<u64>,
}

/// A status that seems older than the newest one.
#[derive(Debug)]
struct Older {
    status: Status,
    since: Moment,
    answers: u32,
}

/// When a row was written, by the server's own times. All of it but the status may be absent.
#[derive(Debug)]
struct Version {
    status: Status,
    updated_at: Option<Timestamp>,
    /// Since when it has its status.
    since: Option<Timestamp>,
    /// How many statuses it had before.
    earlier: usize,
    /// The digest of those and its own, with their times. Without times, that of the state before it.
    digest: Option<u64>,
    /// Whether the transition to its status, or to the first that is left of its history, can erase what was before.
    may_be_wiped: bool,
    /// Whether it has ended or was replaced.
    has_left_pending: bool,
    /// It has no times of its own; these belong to an earlier status.
    is_later: bool,
}

/// The age of an answer, compared with the newest state that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// As new, or newer.
    New,
    /// The same state, with less detail.
    Same,
    /// Older by its times or by its history, but not by both.
    Unclear,
    /// Older.
    Old,
}

/// Returns whether a row shows an earlier state of a deploy than another: then a replica that lags has answered.
pub(super) fn is_earlier(row: &Deploy, than: &Deploy) -> bool {
    let mut freshness = Freshness::default();
    freshness.admit(Moment::START, than);
    !freshness.admit(Moment::START, row)
}

/// Returns whether a row's history goes on where another state of the deploy ends, by its words alone: then the other one is
/// older, whether or not a time says so.
pub(super) fn goes_on(row: &Deploy, from: &Deploy) -> bool {
    let (own, its) = (history(row), history(from));
    let begins_alike = || own.iter().zip(its).all(|(own, its)| own.status == its.status);
    own.get(its.len()).is_some_and(|next| next.status.as_ref() == Some(from.current_status())) && begins_alike()
}

impl Freshness {
    /// Records an answer, unless it is older than an earlier one. Returns whether it counts.
    ///
    /// A state whose history has the newest one in it is newer, whatever the clocks say. Otherwise, after a clock was set
    /// back, the last status can seem older for ever. So a state that seems older by its times or by its history alone
    /// counts after long enough, but never in place of a final status: an old `active` must not undo an `error`.
    pub(super) fn admit(&mut self, now: Moment, deploy: &Deploy) -> bool {
        let version = Version::of(deploy);
        if version.digest.is_some_and(|own| self.before.contains(&own)) {
            return false;
        }
        let continued = self.newest.as_ref().filter(|newest| newest.is_continued_by(deploy));
        let is_contrary = continued.is_some_and(|newest| version.compared_with(newest) != Age::New);
        if let Some(newest) = self.newest.as_ref().filter(|_| continued.is_none()) {
            let age = version.compared_with(newest);
            if age == Age::Same {
                self.older = None;
                return true;
            }
            if age != Age::New {
                let status = deploy.current_status();
                let before = self.older.take().filter(|older| older.status == *status);
                let older = before.unwrap_or_else(|| Older { status: status.clone(), since: now, answers: 0 });
                let older = Older { answers: older.answers + 1, ..older };
                let lasts = now >= older.since + WRONG_CLOCK && older.answers >= ANSWERS;
                self.older = Some(older);
                if age == Age::Old || newest.has_left_pending || !lasts {
                    return false;
                }
            }
        }
        if is_contrary || !self.before.is_empty() {
            self.keep_before(&version, deploy);
        }
        (self.newest, self.older) = (Some(version.after(self.newest.take())), None);
        true
    }

    /// Keeps which states were before this one, whose times do not tell.
    fn keep_before(&mut self, version: &Version, deploy: &Deploy) {
        let is_before = |newest: &&Version| match version.digest {
            Some(own) => newest.digest != Some(own),
            // The same state, without its time.
            None => newest.status != version.status,
        };
        let newest = self.newest.as_ref().filter(is_before).and_then(|newest| newest.digest);
        for digest in digests(history(deploy), None).chain(newest) {
            if !self.before.contains(&digest) {
                self.before.push(digest);
            }
        }
    }
}

impl Version {
    fn of(deploy: &Deploy) -> Self {
        let composite = deploy.status_v2.as_ref();
        let history = history(deploy);
        let since = composite.and_then(|status| status.since);
        let wiping = [
            Status::Cancelled,
            Status::AutoSkipped,
            Status::ApprovalDenied,
            Status::ApprovalExpired,
            // The flow that runs the steps also writes this status, and replaces the whole object.
            Status::Error,
        ];
        let replaced = [Status::Retried, Status::Discarded];
        let status = deploy.current_status();
        // What comes after one of these has it for its first.
        let wipes = |own: &Status| wiping.contains(own) || replaced.contains(own);
        Self {
            status: status.clone(),
            updated_at: deploy.updated_at,
            since,
            earlier: history.len(),
            digest: since.and_then(|_| digests(history, Some((Some(status), since))).last()),
            may_be_wiped: [status]
                .into_iter()
                .chain(history.first().and_then(|first| first.status.as_ref()))
                .any(wipes),
            has_left_pending: Rules::default().judge(status, Kind::Apply) != Judgement::Pending,
            is_later: false,
        }
    }

    /// A state without times came after what was seen before, so whatever is older than that is older than this.
    fn after(self, before: Option<Self>) -> Self {
        match before.filter(|_| self.is_timeless()) {
            Some(Self { status, updated_at, since, digest, is_later, .. }) => {
                Self { updated_at, since, digest, is_later: is_later || status != self.status, ..self }
            }
            None => self,
        }
    }

    fn is_timeless(&self) -> bool {
        self.updated_at.is_none() && self.since.is_none()
    }

    /// Returns whether it is one of the earlier statuses of a state, with all those before it. Where it has no times, the state
    /// before it has to be, and after that its status.
    fn is_continued_by(&self, deploy: &Deploy) -> bool {
        let history = history(deploy);
        let place = self.digest.and_then(|own| digests(history, None).position(|digest| digest == own));
        let mut since = history.iter().skip(place.map_or(history.len(), |place| place + 1));
        place.is_some() && (!self.is_later || since.any(|earlier| earlier.status.as_ref() == Some(&self.status)))
    }

    /// The row's own time shows which is older, or the status's time if the row's is equal or absent. So does the
    /// length of the history, which only grows, except where the server erases it. A missing history shows nothing,
    /// unless there are no times either. A state with neither is not older, nor is the same state without its history.
    fn compared_with(&self, newest: &Self) -> Age {
        let is_before_it = newest.is_later && self.status != newest.status;
        let by =
            |own: Option<Timestamp>, newest: Option<Timestamp>| own.zip(newest).map(|(own, newest)| own.cmp(&newest));
        let by_row = by(self.updated_at, newest.updated_at)
            .map(|order| if is_before_it { order.then(Ordering::Less) } else { order });
        let by_time =
            by_row.filter(|order| order.is_ne()).or_else(|| by(self.since, newest.since).filter(|order| order.is_ne()));
        let is_shorter = self.earlier < newest.earlier && !self.may_be_wiped;
        let by_history = is_shorter && self.earlier > 0;
        let is_same = self.updated_at.is_some() && self.updated_at == newest.updated_at && self.status == newest.status;
        match by_time {
            None if is_same && is_shorter && !by_history => Age::Same,
            None if is_shorter => Age::Old,
            // What has ended goes on only if a time says so.
            None if self.is_timeless()
                && !newest.is_timeless()
                && !self.has_left_pending
                && newest.has_left_pending =>
            {
                Age::Unclear
            }
            None => Age::New,
            Some(order) if order.is_lt() && by_history => Age::Old,
            Some(order) if order.is_lt() || by_history => Age::Unclear,
            Some(_) => Age::New,
        }
    }
}

fn history(deploy: &Deploy) -> &[EarlierStatus] {
    deploy.status_v2.as_ref().and_then(|status| status.history.as_deref()).unwrap_or_default()
}

/// Returns the digest of the first status with its time, of the first two, and so on. A wait can have thousands of targets,
/// and histories are long.
fn digests<'a>(
    history: &'a [EarlierStatus],
    last: Option<(Option<&'a Status>, Option<Timestamp>)>,
) -> impl Iterator<Item = u64> {
    let all = history.iter().map(|earlier| (earlier.status.as_ref(), earlier.since)).chain(last);
    all.scan(DefaultHasher::new(), |hasher, status| {
        status.hash(hasher);
        Some(hasher.finish())
    })
}
