//! Following a deploy by its id: what is known about it, and what each answer adds.
//!
//! Read it in this order: this file (what is kept, and what a poll reads), `begin`, `learn` (what an answer adds), `own` and
//! `rivals` (what is known of the deploy, and of newer ones), `decide`, with `bake` for the health and `end` for the words, and
//! `advance`, which runs before each decision and moves on to another deploy.

use std::sync::Arc;

use jiff::Timestamp;

use self::bake::{HealthReads, KnownHealth};
use super::{Held, LAG, Past, Policy, ReadRows, SearchPins};
use crate::ApprovalPlace;
use crate::api::Request;
use crate::hold::Behind;
use crate::model::{Deploy, StepState, Workflow};
use crate::pins::Pins;
use crate::watch::freshness::Freshness;
use crate::watch::settings::OnSuperseded;
use crate::{ApprovalId, DeployId, Hold, Kind, Moment, RemoteText, StepId, WorkflowId};

mod advance;
mod bake;
mod begin;
mod decide;
mod end;
mod learn;
mod own;
mod rivals;

/// The deploy that is followed.
#[derive(Debug)]
pub(in crate::watch) struct Follow {
    own: Own,
    rivals: Rivals,
    /// What is known of whether it had ended before the wait began; nothing where that does not matter.
    past: Option<Past>,
    held: Option<Held>,
    known_health: KnownHealth,
    /// The poll under way.
    reads: FollowReads,
}

/// What is known about the deploy itself, from poll to poll.
#[derive(Debug)]
struct Own {
    id: DeployId,
    /// What it has to match.
    pins: Pins,
    /// What was searched for when it was found, and is again if it deploys nothing.
    search_pins: SearchPins,
    origin: Origin,
    /// The newest state that was read.
    known: Option<Arc<Deploy>>,
    /// A newer one, in a list that was read for another target. It counts if no poll can confirm it any more.
    overheard: Option<Arc<Deploy>>,
    freshness: Freshness,
    /// Another poller has read it, so it exists.
    was_seen: bool,
    /// An answer about it has matched every pin.
    matches: bool,
    /// When it was created. A later row without the time does not remove it.
    created: Option<Timestamp>,
    /// Its own detail, or a row that names the install, has shown that it belongs to the target.
    identified: bool,
    /// The install's component that its detail has named. A later row that names another is another deploy's.
    part: Option<RemoteText>,
    /// Since when the server says that the install has no such deploy, although an answer about its newest showed it.
    missing_since: Option<Moment>,
    /// What it does, by its detail. A deploy keeps its type.
    kind: Option<Kind>,
    /// The known state includes the detail.
    known_is_detail: bool,
    /// A poll has ended without the detail since the deploy has had its status.
    lacked_detail: bool,
    /// The workflow that the deploy has named. A later row without one does not remove it.
    workflow_id: Option<WorkflowId>,
    /// The workflow has answered, so it exists.
    workflow_answered: bool,
    /// It has been said that the workflow does not exist.
    warned_of_workflow: bool,
    /// The approvals that a human has answered. A later answer without a response does not revoke that.
    answered: Vec<ApprovalId>,
    /// How many steps it has had at most. An answer with fewer is an older one, or cut short.
    most_steps: usize,
    /// A full list of the install's deploys did not contain it, because there are too many newer ones.
    is_beyond_install_list: bool,
    /// All deploys that were followed before it: replaced or superseded.
    followed_before: Vec<DeployId>,
}

/// What is known about the component's newer deploys, from poll to poll.
#[derive(Debug)]
struct Rivals {
    read_rows: ReadRows,
    /// The newest row that the server has shown.
    newest: Option<Arc<Deploy>>,
    newest_by: ShownBy,
    superseded_by: Option<DeployId>,
    /// A newer deploy of the same workflow that has not replaced the followed one for longer than a replica can lag.
    unreplacing: Option<DeployId>,
    /// The poll under way.
    reads: RivalReads,
}

/// What the poll under way has read about newer deploys.
#[derive(Debug, Default)]
struct RivalReads {
    newest: Newest,
    /// The newest row that the server has shown, if an answer of this poll has shown it.
    newest_read: Option<DeployId>,
    /// An answer about newer deploys is recent enough: it shows the followed deploy, or is cut off before it.
    shown: bool,
    /// The newest rows, if they were read.
    rows: Option<Arc<Vec<Deploy>>>,
    /// The newest row whose detail was read. The detail may have a creation time that the row lacks.
    detail_read: Option<DeployId>,
    /// The newest row whose workflow was read and does more than plan.
    deploying: Option<DeployId>,
    /// The endpoint that hides plans was read.
    latest: bool,
    /// The newest row whose workflow does not exist. Only that endpoint shows whether it just plans.
    without_workflow: Option<DeployId>,
}

/// How the deploy came to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Its id was given.
    Named,
    /// It matched.
    Matched,
    /// It took the place of another, or supersedes it.
    Successor(Kind),
}

/// Which answers have shown a row as the newest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct ShownBy {
    /// The endpoint that hides plans, not only a list.
    latest: bool,
    /// A list that also contains the followed deploy, so it is recent enough.
    with_own: bool,
}

impl ShownBy {
    const LATEST: Self = Self { latest: true, with_own: false };

    fn or(self, other: Self) -> Self {
        Self { latest: self.latest || other.latest, with_own: self.with_own || other.with_own }
    }
}

/// What the poll under way has read.
#[derive(Debug, Default)]
struct FollowReads {
    /// This poll has read, or confirmed, the known state of the deploy.
    current: bool,
    /// When that was asked.
    asked_at: Moment,
    /// The install's list of deploys was read, or could not be.
    install_list: bool,
    /// How often the detail was read.
    details: u32,
    /// What each answer said of the deploy.
    states: Vec<ReadState>,
    /// An answer contradicted what is known of the deploy.
    contradicted: bool,
    workflow: Option<Arc<Workflow>>,
    /// The server says again that the workflow does not exist.
    has_no_workflow: bool,
    /// How often this poll has read the workflow since it has read the deploy's status.
    workflows: u32,
    /// The deploy showed another status than before.
    changed: bool,
    /// This poll has read the component's list for a successor: another one is searched for in the next.
    is_list_spent: bool,
    /// What this poll has read about the component's health.
    health: HealthReads,
}

/// A state of the deploy, as one answer showed it.
#[derive(Debug)]
struct ReadState {
    row: Arc<Deploy>,
    is_detail: bool,
}

/// The component's newest deploy.
#[derive(Debug, Default)]
enum Newest {
    #[default]
    Unread,
    /// The endpoint returned a row that deploys nothing, so the newest deploy has to be found in the list.
    Hidden,
    /// No deploy other than the followed one.
    None,
    Row(Arc<Deploy>),
}

impl Follow {
    pub(super) fn begin_poll(&mut self, goes_on: bool) {
        self.rivals.read_rows.begin_poll(goes_on);
        (self.reads, self.rivals.reads) = (FollowReads::default(), RivalReads::default());
        if let Some(past) = &mut self.past {
            past.begin_poll();
        }
    }

    /// Returns whether the deploy has changed in this poll.
    pub(in crate::watch) fn has_changed(&self) -> bool {
        self.reads.changed
    }

    pub(in crate::watch) fn id(&self) -> &DeployId {
        &self.own.id
    }

    /// Returns the newest state that was read.
    pub(in crate::watch) fn known(&self) -> Option<&Deploy> {
        self.own.known.as_deref()
    }

    /// Returns since when a human is asked, once that is certain, unless another poller has read that the deploy goes on.
    pub(in crate::watch) fn approval_since(&self) -> Option<(Moment, &ApprovalPlace)> {
        match self.held.as_ref()? {
            Held { hold: Hold::Approval(place), since, polls: 2.. } if self.own.overheard.is_none() => {
                Some((*since, place))
            }
            _ => None,
        }
    }

    pub(super) fn hold(&self) -> Hold {
        self.held.as_ref().map_or(Hold::InProgress, |held| held.hold.clone())
    }

    pub(super) fn note_hold(&mut self, hold: Hold, policy: &Policy<'_>) {
        let now = policy.now;
        if let Some(mut past) = self.past {
            past.note_poll(now, hold.is_at_work());
            if let (Hold::Behind(Behind::Failure | Behind::StepFailed(..)), Some(row)) = (&hold, &self.own.known)
                && self.reads.workflow.as_ref().is_some_and(|own| own.end().is_some())
            {
                past.note_ended(self.ended_with(row), policy);
            }
            self.past = Some(past);
        }
        self.own.lacked_detail |= !self.own.known_is_detail;
        // They are of no use between polls, and there may be thousands of targets.
        self.reads.states = Vec::new();
        // An outdated answer does not change the earlier hold.
        if hold == Hold::Outdated && self.held.as_ref().is_some_and(|held| held.hold != Hold::Outdated) {
            return;
        }
        self.note_health(&hold, now);
        // While the deploy runs, no timeout needs these answers, and workflows are large.
        if hold == Hold::InProgress {
            (self.reads.workflow, self.rivals.reads.rows) = (None, None);
        }
        let mut held = Held::next(self.held.take(), hold, now);
        if self.reads.workflows > 1 {
            // Two answers of one poll count as two polls.
            held.polls = held.polls.max(2);
        }
        if held.hold == Hold::NewerTry && now >= held.since + LAG {
            self.rivals.note_unreplacing();
        }
        self.held = Some(held);
    }

    pub(super) fn has_answered(&self, request: &Request) -> bool {
        match request {
            Request::Deploy(_, _, id) if *id == self.own.id => self.own.known.is_some() || self.own.was_seen,
            Request::Deploy(_, _, id) => self.rivals.is_rival(&self.own, id),
            Request::Workflow(_, id) if self.own_workflow() == Some(id) => self.own.workflow_answered,
            Request::Workflow(..) => false,
            _ => true,
        }
    }

    /// Returns whether a deploy is known to be the target's, so that a contrary answer about it is wrong. A newer row is the
    /// target's; a baseline may belong to any target.
    pub(super) fn is_identified(&self, id: &DeployId) -> bool {
        if *id == self.own.id { self.own.identified } else { self.rivals.is_rival(&self.own, id) }
    }

    /// Returns whether the poll goes on without the answer to a request that failed. Newer rows are not needed if nothing suggests
    /// that they change the verdict: then API errors must not delay the verdict of a deploy that has ended.
    pub(super) fn does_without(&mut self, request: &Request, policy: &Policy<'_>) -> bool {
        if matches!(request, Request::InstallDeploys(_)) {
            // The deploy's own detail says the same.
            self.reads.install_list = true;
            return true;
        }
        let is_about_newer = match request {
            Request::LatestDeploy(..) | Request::Deploys(..) => true,
            Request::Deploy(_, _, id) => self.rivals.is_rival(&self.own, id),
            Request::Workflow(_, id) => self.rivals.is_of_rival(&self.own, id),
            _ => false,
        };
        let is_needed = self.is_past_match(policy)
            || self.on_superseded(policy) != OnSuperseded::Ignore
            || self.hold() == Hold::NewerTry
            || self.own.known.as_ref().is_some_and(|row| self.was_tried_again(row, policy));
        let goes_without = is_about_newer && !is_needed;
        if goes_without {
            self.rivals.reads.newest = Newest::None;
            if matches!(request, Request::Deploys(..)) {
                // Nothing else that needs the list may request it again in this poll.
                self.rivals.reads.rows.get_or_insert_default();
            }
        }
        goes_without
    }

    /// Records that a workflow does not exist, and returns whether it is the deploy's own, and news. Only the workflow shows
    /// whether a newer row just plans. Without it, a row that a list shows, and the endpoint that hides plans does not, counts as
    /// a plan.
    pub(in crate::watch) fn lose_workflow(&mut self, id: &WorkflowId) -> bool {
        if self.rivals.is_of_rival(&self.own, id) {
            self.rivals.lose_workflow(&self.own);
        }
        if self.own_workflow() == Some(id) {
            self.reads.has_no_workflow = true;
            return !std::mem::replace(&mut self.own.warned_of_workflow, true);
        }
        false
    }

    /// Records that the deploy's detail does not exist, and returns whether it is the target's at all. An answer about the
    /// newest deploy does not say whose it is; but the detail may only be read from a replica that lags.
    pub(in crate::watch) fn lose_deploy(&mut self, request: &Request, now: Moment) -> bool {
        let is_own = matches!(request, Request::Deploy(_, _, id) if *id == self.own.id);
        let is_certain = self.own.identified || self.own.was_seen || self.own.origin != Origin::Matched;
        if !is_own || is_certain {
            return false;
        }
        self.own.missing_since.get_or_insert(now);
        self.own.is_missing(now)
    }

    /// Returns the step at work on the deploy, if this is its workflow.
    pub(in crate::watch) fn step_at_work(&self, workflow: &Workflow) -> Option<StepId> {
        let own = workflow.id.as_ref().filter(|id| self.own_workflow() == Some(id)).and(self.own.known.as_ref())?;
        self.own.steps(workflow, own).find(|step| step.state() == StepState::Running)?.id.clone()
    }

    /// Returns the workflow that runs the deploy.
    pub(in crate::watch) fn own_workflow(&self) -> Option<&WorkflowId> {
        self.own.workflow_id.as_ref()
    }
}
