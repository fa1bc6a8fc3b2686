//! The progress of the watch over one target, and the one decision about what it has read.
//!
//! Each phase owns its data: what lasts from poll to poll, by name, and what the current poll has read, which is
//! dropped when the next one begins. A fact changes the phase ([`Phase::on_fact`], then [`Phase::advance`]); [`decide`]
//! reads it and returns what to read next, why nothing can be decided yet, or how it ends. Errors, timeouts and
//! signals end a target too, and optional requests are chosen in [`target`](super::target).
//!
//! Read it in this order: `proof` (what a pass is), `policy` (what a decision depends on), `judged` (what a status and its
//! workflow mean together), `search_pins` and `search`, then `follow` in its own order, and `past` and `succession`. The words
//! that a hold or a judgement can have are in `hold.rs` and `judge.rs` of the crate, the states of steps in `model/step.rs`.

mod condition;
mod follow;
mod judged;
mod past;
mod policy;
mod proof;
mod read_rows;
mod search;
mod search_pins;
mod succession;
#[cfg(test)]
mod table;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::follow::Follow;
use self::past::{Past, Recurs};
pub(super) use self::policy::Policy;
pub use self::proof::{Basis, HealthProof, Proof};
use self::read_rows::ReadRows;
pub(super) use self::search::Search;
use self::search_pins::SearchPins;
pub(super) use self::succession::Succession;
use super::LAG;
use super::event::Refusal;
use super::settings::{Mode, OnSuperseded};
use crate::api::{ApiError, Depth, Fact, MOST_ROWS, Request};
use crate::cause::{Cause, Limit, Standing, StoppedBy, Warning};
use crate::model::{Deploy, Workflow};
use crate::pins::{Baseline, Pins};
use crate::report::Stop;
use crate::{Clock, DeployId, Hold, Kind, MatchedBy, Moment, RemoteText, Target, Verdict, WorkflowId};

/// The progress of the watch over a target.
#[derive(Debug)]
pub(super) enum Phase {
    /// No deploy matched yet.
    Searching(Search),
    /// One matched, and is followed by its id.
    Following(Box<Follow>),
    /// The one that matched was replaced; its successor is not there yet.
    Succession(Succession),
}

/// The next phase after an answer.
enum Move {
    /// The phase stays.
    Stay(Phase),
    /// A deploy that matched, or took the place of another, is followed.
    Follow(Box<Follow>),
    /// The followed deploy deploys nothing: the search continues without it, in this poll or the next.
    SearchOn { search_pins: SearchPins, read_rows: ReadRows, newest: Option<Arc<Deploy>>, at_once: bool },
    /// The followed deploy had ended before the wait began: a newer one is waited for.
    SearchNewer { than: DeployId, created: Timestamp },
    /// The followed deploy was replaced: its successor is searched for, in the next poll if this one has already read
    /// the list for it (`is_list_spent`). `rows`: the list, if this poll has read it for anything else.
    Succeed { replaced: Replaced, rows: Option<Arc<Vec<Deploy>>>, is_list_spent: bool },
}

/// A deploy that was replaced, and what identifies its successor.
#[derive(Debug)]
struct Replaced {
    row: Arc<Deploy>,
    /// The workflow that runs both it and its successor.
    workflow: WorkflowId,
    pins: Pins,
    /// What was searched for when it was found.
    search_pins: SearchPins,
    /// What is known of whether it had ended before the wait began; nothing where that does not matter.
    past: Option<Past>,
    /// All that were followed, this one last.
    ids: Vec<DeployId>,
    read_rows: ReadRows,
    /// The newest deploy that any answer has shown before, which may be the successor.
    newest: Option<Arc<Deploy>>,
    /// The newer deploy that replaces nothing, once it has been reported.
    superseded_by: Option<DeployId>,
}

/// A deploy that was followed, and that a newer one supersedes.
struct Superseded {
    row: Arc<Deploy>,
    pins: Pins,
    past: Option<Past>,
    /// All that were followed, this one last.
    ids: Vec<DeployId>,
}

/// A decision about what has been read.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    /// This has to be read.
    Need(Request),
    /// Nothing can be said yet.
    Hold(Hold),
    /// It ends.
    End(End),
}

/// How a target ends.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// It passed, and this proves it.
    Passed(Proof),
    /// It ended in any other way.
    Otherwise(Verdict, Cause),
    /// Nothing was waited for after all.
    Refused(Refusal),
}

impl End {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Passed(_) => Verdict::Passed,
            Self::Otherwise(verdict, _) => *verdict,
            Self::Refused(_) => Verdict::Rejected,
        }
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Otherwise(_, cause) => Some(cause),
            Self::Passed(_) | Self::Refused(_) => None,
        }
    }

    fn rejected(cause: Cause) -> Self {
        Self::Otherwise(Verdict::Rejected, cause)
    }

    fn failed(cause: Cause) -> Self {
        Self::Otherwise(Verdict::Failed, cause)
    }
}

/// Why a target is no longer polled, although nothing has been decided.
#[derive(Debug, Clone)]
pub(super) enum StopReason<'a> {
    /// A limit on time expired.
    Limit { clock: Clock, length: Duration, error: Option<&'a ApiError>, ever_answered: bool },
    /// The wait is stopped. With an error, if a single poll was asked for and had no good answer.
    Stopped(StoppedBy, Option<&'a ApiError>),
}

impl StopReason<'_> {
    pub(super) fn stop(&self) -> Stop {
        match self {
            Self::Limit { clock, .. } => Stop::Clock(*clock),
            Self::Stopped(by, _) => Stop::By(*by),
        }
    }
}

/// An event to report.
#[derive(Debug, Clone)]
pub(super) enum Note {
    /// A deploy matched.
    Found { row: Arc<Deploy>, by: MatchedBy, replaces: Option<DeployId> },
    /// Another state of the deploy that is followed was read.
    Observed(Arc<Deploy>),
    /// A newer deploy is no replacement.
    Superseded { from: DeployId, to: DeployId, policy: OnSuperseded },
    /// A deploy was replaced.
    Replaced(DeployId),
    /// What matched is not what is waited for.
    Lost,
    /// The install's name.
    InstallName(Option<RemoteText>),
    /// A warning.
    Warned(Warning),
}

/// Decides about what a phase has read.
pub(super) fn decide(phase: &Phase, policy: &Policy<'_>) -> Decision {
    match phase {
        Phase::Searching(search) => search.decide(policy),
        Phase::Following(follow) => follow.decide(policy),
        Phase::Succession(succession) => succession.decide(policy),
    }
}

/// Decides how a target ends that is no longer polled.
pub(super) fn decide_at_stop(phase: &Phase, policy: &Policy<'_>, reason: &StopReason<'_>, standing: Standing) -> End {
    let known = match phase {
        Phase::Following(follow) => follow.known_end(policy, reason),
        _ => None,
    };
    known.unwrap_or_else(|| match reason {
        StopReason::Limit { clock, length, error, ever_answered } => {
            let subject = RemoteText::new(policy.target.to_string());
            let (clock, length, ever_answered) = (*clock, *length, *ever_answered);
            let limit = Limit { clock, length, subject, standing, error: error.cloned(), ever_answered };
            End::Otherwise(clock.verdict(), Cause::Limit(Box::new(limit)))
        }
        StopReason::Stopped(_, Some(error)) => End::Otherwise(Verdict::Inconclusive, Cause::NoAnswer((*error).clone())),
        StopReason::Stopped(by, None) => End::Otherwise(Verdict::Pending, Cause::Stopped { by: *by, standing }),
    })
}

impl Phase {
    /// Takes the phase, so that it can move on to another.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Searching(Search::new(Pins::default())))
    }

    /// Drops what the earlier poll has read. `goes_on`: that took too many requests, and goes on in this one.
    pub(super) fn begin_poll(&mut self, goes_on: bool) {
        match self {
            Self::Searching(search) => search.begin_poll(goes_on),
            Self::Following(follow) => follow.begin_poll(goes_on),
            Self::Succession(succession) => succession.begin_poll(),
        }
    }

    /// Handles a fact.
    ///
    /// # Errors
    ///
    /// If it cannot be used, so that it is not a good answer.
    pub(super) fn on_fact(
        &mut self,
        request: &Request,
        fact: Fact,
        policy: &Policy<'_>,
    ) -> Result<Vec<Note>, ApiError> {
        match self {
            Self::Searching(search) => search.on_fact(request, fact, policy),
            Self::Following(follow) => follow.on_fact(request, fact, policy),
            Self::Succession(succession) => Ok(succession.on_fact(request, fact, policy)),
        }
    }

    /// Handles rows of the install that another poller has read. Returns whether the deploy that is followed has changed.
    pub(super) fn overhear(&mut self, rows: &[Deploy], target: &Target, now: Moment) -> bool {
        match self {
            Self::Following(follow) => return follow.overhear(rows, target, now),
            Self::Searching(search) => search.overhear(rows, target),
            Self::Succession(succession) => succession.overhear(rows, target),
        }
        false
    }

    /// Moves on to the next phase, as often as what has been read requires.
    pub(super) fn advance(self, policy: &Policy<'_>) -> (Self, Vec<Note>) {
        let (mut phase, mut notes) = (self, Vec::new());
        loop {
            let moved = match phase {
                Self::Searching(search) => search.advance(policy, &mut notes),
                Self::Following(follow) => follow.advance(policy, &mut notes),
                Self::Succession(succession) => succession.advance(policy, &mut notes),
            };
            phase = match moved {
                Move::Stay(phase) => return (phase, notes),
                Move::Follow(follow) => Self::Following(follow),
                Move::SearchOn { search_pins, read_rows, newest, at_once } => {
                    Self::Searching(Search::again(search_pins, read_rows, newest, at_once))
                }
                Move::SearchNewer { than, created } => Self::Searching(Search::after(than, created)),
                Move::Succeed { replaced, rows, is_list_spent } => {
                    let mut succession = Succession::new(replaced, is_list_spent);
                    if let Some(rows) = rows.filter(|_| !is_list_spent) {
                        succession.accept_rows(rows, policy);
                    }
                    Self::Succession(succession)
                }
            };
        }
    }

    /// Records that something could not be read. Returns whether the poll can do without it.
    pub(super) fn does_without(&mut self, request: &Request, policy: &Policy<'_>) -> bool {
        match self {
            Self::Searching(search) => search.does_without(request, policy),
            Self::Following(follow) => follow.does_without(request, policy),
            Self::Succession(succession) => succession.does_without(request),
        }
    }

    /// Returns whether the object of a request has answered before, so that it exists.
    pub(super) fn has_answered(&self, request: &Request) -> bool {
        match self {
            Self::Searching(search) => search.has_answered(request),
            Self::Following(follow) => follow.has_answered(request),
            Self::Succession(_) => true,
        }
    }

    /// Returns whether the object of a request is known to be the target's.
    pub(super) fn is_identified(&self, request: &Request) -> bool {
        match (self, request) {
            (Self::Following(follow), Request::Deploy(_, _, id)) => follow.is_identified(id),
            _ => self.has_answered(request),
        }
    }

    /// Records why the poll has ended without a decision, and since when.
    pub(super) fn note_hold(&mut self, hold: Hold, policy: &Policy<'_>) {
        if let Self::Following(follow) = self {
            follow.note_hold(hold, policy);
        } else if let Self::Searching(search) = self {
            search.note_hold(hold, policy.now);
        } else if let Self::Succession(succession) = self {
            succession.note_hold(policy.now);
        }
    }

    /// Returns why it is still waited for.
    pub(super) fn hold(&self) -> Hold {
        match self {
            Self::Searching(search) => search.hold(),
            Self::Following(follow) => follow.hold(),
            Self::Succession(_) => Hold::NotReplaced,
        }
    }
}

/// Since when, and in how many polls in a row, something is held for the same kind of reason.
#[derive(Debug, Clone)]
struct Held {
    hold: Hold,
    since: Moment,
    polls: u32,
}

impl Held {
    /// Continues with the same reason, or starts with another one.
    fn next(before: Option<Self>, hold: Hold, now: Moment) -> Self {
        match before.filter(|before| before.hold.is_same(&hold)) {
            Some(before) => Self { hold, since: before.since, polls: before.polls + 1 },
            None => Self { hold, since: now, polls: 1 },
        }
    }

    /// Returns whether the workflow and its deploy have contradicted each other for longer than a replica can lag. For a single poll
    /// there is no other, so the server's times decide.
    fn has_contradicted_for_long(held: Option<&Self>, workflow: Option<&Workflow>, policy: &Policy<'_>) -> bool {
        let since = held.filter(|held| matches!(held.hold, Hold::Behind(_))).map(|held| held.since);
        match policy.settings.mode {
            Mode::Wait => since.is_some_and(|since| policy.now >= since + LAG),
            Mode::Once => workflow.is_some_and(|own| policy.has_stood_long(own)),
        }
    }
}

fn latest_request(target: &Target, depth: Depth) -> Request {
    Request::LatestDeploy(target.install.clone(), target.component.clone(), depth)
}

fn component_list_request(target: &Target) -> Request {
    Request::Deploys(target.install.clone(), target.component.clone())
}

fn install_list_request(target: &Target) -> Request {
    Request::InstallDeploys(target.install.clone())
}

fn deploy_request(target: &Target, id: &DeployId) -> Request {
    Request::Deploy(target.install.clone(), Some(target.component.clone()), id.clone())
}

fn workflow_request(target: &Target, id: &WorkflowId) -> Request {
    Request::Workflow(Some(target.install.clone()), id.clone())
}

/// Returns those of an install's rows that name the target's component. Not every server names the install in them.
pub(crate) fn rows_of<'a>(target: &'a Target, rows: &'a [Deploy]) -> impl Iterator<Item = &'a Deploy> {
    rows.iter().filter(move |row| row.component_id.as_ref() == Some(&target.component))
}

/// Returns whether a list has the maximum number of rows, so that there may be older ones.
pub(crate) fn is_cut_off(rows: &[Deploy]) -> bool {
    rows.len() >= MOST_ROWS as usize
}

/// Returns whether a list is as recent as a deploy: it shows that deploy, or it is cut off and all that it shows is newer, as far as
/// times tell.
fn is_as_recent(rows: &[Deploy], id: &DeployId, created: Option<Timestamp>) -> bool {
    let is_newer = |row: &Deploy| row.created_at.zip(created).is_none_or(|(its, own)| its >= own);
    rows.iter().any(|row| row.id.as_ref() == Some(id)) || is_cut_off(rows) && rows.last().is_some_and(is_newer)
}

/// Returns the baseline with its time of creation. An answer without that time is no good answer.
fn known_baseline(deploy: &Deploy) -> Result<Baseline, ApiError> {
    let known = deploy.id.clone().zip(deploy.created_at).map(|(id, created)| Baseline::Known(id, created));
    known.ok_or_else(|| ApiError::Undecodable("the baseline deploy has no time of creation".to_owned()))
}

/// Returns why a deploy must not be followed, if so.
fn wrong_kind(row: &Deploy, before: Option<Kind>, expected: Option<Kind>) -> Option<End> {
    let (id, kind) = (row.id.clone()?, row.kind()?);
    if before == Some(Kind::Apply) && kind == Kind::Teardown {
        return Some(End::failed(Cause::Crossed(id)));
    }
    let expected = expected.filter(|expected| *expected != kind)?;
    Some(End::failed(Cause::Unexpected { deploy: id, kind, expected }))
}
