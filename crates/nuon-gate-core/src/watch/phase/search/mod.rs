//! The search for the deploy that is waited for: what is kept, `learn` (what an answer adds), and `decide`.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Follow, Held, Move, Note, Past, Phase, Policy, ReadRows, Recurs, SearchPins, rows_of};
use crate::api::Request;
use crate::cause::{Mismatch, Unmatched};
use crate::model::{Deploy, Workflow};
use crate::pins::Pins;
use crate::watch::freshness::is_earlier;
use crate::{DeployId, Hold, Moment, Target, WorkflowId};

mod decide;
mod learn;

/// The search for a row that matches.
#[derive(Debug)]
pub(in crate::watch) struct Search {
    // What lasts.
    search_pins: SearchPins,
    /// The install and the component exist.
    exists: bool,
    /// The pinned workflow has answered, so it exists.
    workflow_answered: bool,
    /// The pinned workflow has ended, by its last answer.
    has_workflow_ended: bool,
    /// A deploy of the pinned workflow was shown. Another pin does not match it.
    is_workflow_shown: bool,
    /// The newest was searched for among a hundred rows, without success.
    read_deep: bool,
    /// The newest row that does not match.
    unmatched: Option<Unmatched>,
    /// The newest deploy that any answer has shown, be it the match itself.
    newest: Option<Arc<Deploy>>,
    /// The newest row when the component's list was last read without success.
    unmatched_at_list: Option<DeployId>,
    /// The poll under way has found only what deploys nothing. It does not show that there is no match.
    goes_on: bool,
    /// When a poll last ended without a match, so that what matches later has appeared since.
    awaited: Option<Moment>,
    /// The install's list was full and showed none of the component: its newest is older than all of them.
    is_beyond_install_list: bool,
    read_rows: ReadRows,
    held: Option<Held>,
    /// The poll under way.
    reads: SearchReads,
}

/// What the poll under way has read.
#[derive(Debug, Default)]
struct SearchReads {
    latest: Latest,
    /// The newest was searched for among a hundred rows.
    deep: bool,
    install: bool,
    /// The install's list of deploys was read, or could not be.
    install_list: bool,
    component_list: bool,
    workflow: Option<Arc<Workflow>>,
    /// The component's list was read after the workflow.
    component_list_last: bool,
    /// The row that matches.
    found: Option<Found>,
    /// The newest row, which matches unless it retries the baseline.
    likely: Option<Arc<Deploy>>,
}

/// The row that matches.
#[derive(Debug)]
struct Found {
    row: Arc<Deploy>,
    place: Place,
}

/// Where a row that matches was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As the newest.
    Newest,
    /// In a list that shows no newer deploy.
    Listed,
    /// Below a newer deploy that does not match.
    Older,
}

/// The component's newest row.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Latest {
    #[default]
    Unread,
    /// It could not be read.
    Missed,
    None,
    Read,
}

impl Search {
    pub(in crate::watch) fn new(pins: Pins) -> Self {
        Self::of(SearchPins::by(pins))
    }

    fn of(search_pins: SearchPins) -> Self {
        Self {
            read_rows: ReadRows::by(search_pins.pins()),
            search_pins,
            exists: false,
            workflow_answered: false,
            has_workflow_ended: false,
            is_workflow_shown: false,
            read_deep: false,
            unmatched: None,
            newest: None,
            unmatched_at_list: None,
            goes_on: false,
            awaited: None,
            is_beyond_install_list: false,
            held: None,
            reads: SearchReads::default(),
        }
    }

    /// Goes on without a row that turned out to deploy nothing, and remembers the newest that was shown.
    /// Unless `at_once` is set, the search continues with the next poll, so that requests are not sent without a pause.
    pub(super) fn again(
        search_pins: SearchPins,
        read_rows: ReadRows,
        newest: Option<Arc<Deploy>>,
        at_once: bool,
    ) -> Self {
        let read_rows = read_rows.searching_on(search_pins.pins());
        let newest = newest.filter(|row| read_rows.is_deploy(row));
        let reads = SearchReads { latest: Latest::Read, component_list: !at_once, ..SearchReads::default() };
        Self { exists: true, read_deep: true, goes_on: true, newest, read_rows, reads, ..Self::of(search_pins) }
    }

    /// Waits for what is newer than a deploy that had ended.
    pub(super) fn after(id: DeployId, created: Timestamp) -> Self {
        let reads = SearchReads { latest: Latest::Read, component_list: true, ..SearchReads::default() };
        let search_pins = SearchPins::newer_than(id.clone(), created);
        let unmatched_at_list = Some(id.clone());
        let unmatched = Some(Unmatched { newest: id, why: Mismatch::HadEnded });
        Self { exists: true, read_deep: true, unmatched_at_list, unmatched, reads, ..Self::of(search_pins) }
    }

    pub(super) fn begin_poll(&mut self, goes_on: bool) {
        self.read_rows.begin_poll(goes_on);
        self.reads = SearchReads::default();
    }

    fn note_rows<'a>(&mut self, rows: impl IntoIterator<Item = &'a Deploy>) {
        for row in rows {
            self.read_rows.note_rows([row]);
            let pin = self.search_pins.pins().workflow.as_ref();
            let is_of_pin = pin.is_some() && self.read_rows.workflow_of(row) == pin;
            self.is_workflow_shown |= is_of_pin && self.read_rows.is_deploy(row);
        }
    }

    /// Learns whether there is a newer row, or a newer state of it.
    pub(super) fn overhear(&mut self, rows: &[Deploy], target: &Target) {
        if let Some(newest) = rows_of(target, rows).find(|row| self.read_rows.is_deploy(row)) {
            self.note_newest(Arc::new(newest.clone()));
        }
    }

    fn note_newest(&mut self, row: Arc<Deploy>) {
        let stays = |before: &Arc<Deploy>| match before.id == row.id {
            true => is_earlier(&row, before),
            false => before.created_at > row.created_at,
        };
        let before = self.newest.take().filter(stays).map(|before| self.read_rows.completed(before));
        self.newest = before.or_else(|| Some(row).filter(|row| self.read_rows.is_deploy(row)));
    }

    /// Returns whether the deploy may still take any time to appear. Once any poller has seen the pinned workflow
    /// running, or ended, it must appear soon, unless that has ended with what another pin does not match.
    pub(in crate::watch) fn awaits_start(&self, has_begun: impl FnOnce(&WorkflowId) -> bool) -> bool {
        let is_in_vain = self.has_workflow_ended && self.is_workflow_shown;
        is_in_vain || !self.search_pins.pins().workflow.as_ref().is_some_and(has_begun)
    }

    /// Returns the newest row that does not match.
    pub(in crate::watch) fn unmatched(&self) -> Option<&Unmatched> {
        self.unmatched.as_ref()
    }

    fn newest_unmatched(&self) -> Option<&DeployId> {
        self.unmatched.as_ref().map(|unmatched| &unmatched.newest)
    }

    pub(super) fn note_hold(&mut self, hold: Hold, now: Moment) {
        if !std::mem::take(&mut self.goes_on) {
            self.awaited = Some(now);
        }
        self.held = Some(Held::next(self.held.take(), hold, now));
    }

    pub(super) fn hold(&self) -> Hold {
        self.held.as_ref().map_or(Hold::NotStarted, |held| held.hold.clone())
    }

    pub(super) fn has_answered(&self, request: &Request) -> bool {
        match request {
            Request::Install(_) | Request::InstallComponent(..) => self.exists,
            Request::Workflow(..) => self.workflow_answered,
            _ => false,
        }
    }

    /// Moves on to following the row that matches.
    pub(super) fn advance(mut self, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        let found = self.reads.found.take();
        let found = found.and_then(|Found { row, place }| Some((row.id.clone()?, row, place)));
        let Some((id, row, place)) = found else { return Move::Stay(Phase::Searching(self)) };
        notes.push(Note::Found { row: row.clone(), by: self.search_pins.pins().matched_by(), replaces: None });
        // A lagging replica may show late what had ended before as well.
        let past = Past::of(&row, self.awaited, policy);
        let past = match self.search_pins.is_pinned() {
            true if !self.search_pins.pins().can_recur() => None,
            true if place == Place::Older => Some(past.of_pinned(Recurs::Below)),
            true => Some(past.of_pinned(Recurs::AsNewest)),
            false => Some(past),
        };
        let pins = self.search_pins.pins().clone();
        let seen = self.newest.clone().filter(|row| row.id.as_ref() == Some(&id));
        let follow = Follow::matched(id, row, pins, past, place == Place::Newest);
        let follow = follow.continuing(self.search_pins, self.read_rows).after_row(self.newest);
        Move::Follow(Box::new(follow.not_older_than(seen.as_deref(), policy.now)))
    }
}
