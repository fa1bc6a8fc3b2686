//! The deploy that matched was replaced: the search for its successor (`docs/nuon-api.md`, "Retries").

use std::cmp::Ordering;
use std::sync::Arc;

use super::{
    Decision, End, Follow, LAG, Move, Note, Phase, Policy, Replaced, component_list_request, is_cut_off,
    latest_request, past, rows_of, workflow_request,
};
use crate::api::{Depth, Fact};
use crate::cause::Cause;
use crate::model::{Deploy, Workflow, WorkflowEnd, WorkflowStep};
use crate::watch::freshness::is_earlier;
use crate::watch::settings::{Mode, OnStale};
use crate::{Hold, Judgement, Kind, Moment, Rules, Target};

/// The search for a successor.
#[derive(Debug)]
pub(in crate::watch) struct Succession {
    // What lasts.
    replaced: Replaced,
    /// Since when the workflow has ended, as it seems, and its end may not be the last word.
    open_since: Option<Moment>,
    /// The poll under way.
    reads: SuccessionReads,
}

/// What the poll under way has read.
#[derive(Debug, Default)]
struct SuccessionReads {
    lists: u32,
    /// The last list, if it also shows a deploy that was replaced. One that lacks it shows nothing.
    rows: Option<Arc<Vec<Deploy>>>,
    workflow: Option<Arc<Workflow>>,
    found: Option<Arc<Deploy>>,
    /// The newest deploy was read: the list may lag behind it.
    latest: bool,
    /// The list was already read in this poll. It is not read again before the next one, so that endless replacements
    /// do not cause requests without a pause.
    exhausted: bool,
}

impl Succession {
    pub(super) fn new(replaced: Replaced, exhausted: bool) -> Self {
        Self { replaced, open_since: None, reads: SuccessionReads { exhausted, ..SuccessionReads::default() } }
    }

    /// Records that this poll showed no successor: one that is found later has appeared since.
    pub(super) fn note_hold(&mut self, now: Moment) {
        if let Some(past) = self.replaced.past.as_mut().filter(|_| !self.reads.exhausted) {
            past.note_poll(now, false);
        }
    }

    pub(super) fn begin_poll(&mut self) {
        self.reads = SuccessionReads::default();
    }

    pub(super) fn on_fact(&mut self, fact: Fact, policy: &Policy<'_>) -> Vec<Note> {
        match fact {
            Fact::Deploys(rows) => self.accept_rows(rows, policy),
            Fact::Workflow(workflow) => {
                let is_open = workflow.end().is_some() && self.may_go_on(&workflow);
                self.open_since = is_open.then(|| self.open_since.unwrap_or(policy.now));
                self.reads.workflow = Some(workflow);
            }
            Fact::Latest(row) => {
                self.reads.latest = true;
                // A replica that lags may show an earlier one.
                self.reads.found = row.filter(|row| self.is_successor(row, false, policy));
            }
            _ => {}
        }
        Vec::new()
    }

    /// Learns of a state of the successor.
    pub(super) fn overhear(&mut self, rows: &[Deploy], target: &Target) {
        let Replaced { workflow, ids, read_rows, newest, .. } = &mut self.replaced;
        if let Some(row) = rows_of(target, rows).find(|row| read_rows.is_another_of(workflow, ids, row)) {
            let before = newest.take().filter(|before| before.id == row.id && is_earlier(row, before));
            *newest = before.or_else(|| Some(Arc::new(row.clone())));
        }
    }

    pub(super) fn accept_rows(&mut self, rows: Arc<Vec<Deploy>>, policy: &Policy<'_>) {
        self.replaced.read_rows.note_rows(&*rows);
        self.reads.lists += 1;
        let is_replaced = |row: &Deploy| row.id.as_ref().is_some_and(|id| self.replaced.ids.contains(id));
        // The newest come first, so that a row without a time is newer than what comes after it.
        let is_first = |place: usize| rows[place..].iter().any(is_replaced);
        let is_next = |place: usize, row: &Deploy| self.is_successor(row, is_first(place), policy);
        let mut rows_by_place = rows.iter().enumerate();
        let found = rows_by_place.find(|(place, row)| is_next(*place, row) || self.has_returned(row));
        self.reads.found = found.map(|(_, row)| Arc::new(row.clone()));
        let is_whole = is_cut_off(&rows) || rows.iter().any(is_replaced);
        self.reads.rows = Some(rows).filter(|_| is_whole);
    }

    /// Returns whether a row can be the successor: a newer deploy of the same workflow that no pin contradicts. `is_first`: what
    /// is newer, if no time says so.
    fn is_successor(&self, row: &Deploy, is_first: bool, policy: &Policy<'_>) -> bool {
        let Replaced { row: before, workflow, pins, ids, read_rows, .. } = &self.replaced;
        let is_newer = row.order(before).map_or(is_first, |order| order != Ordering::Less);
        let is_asked_for = pins.contradicted_by(row, policy.server_started_at).is_none();
        is_newer && is_asked_for && read_rows.is_another_of(workflow, ids, row)
    }

    /// Returns whether the row itself goes on: some servers repeat the sync of an image under the same row.
    fn has_returned(&self, row: &Deploy) -> bool {
        let Replaced { row: before, ids, .. } = &self.replaced;
        let is_same = ids.last().is_some_and(|last| row.id.as_ref() == Some(last));
        let is_later = row.updated_at.zip(before.updated_at).is_some_and(|(own, before)| own > before);
        is_same && is_later && Rules::default().judge_deploy(row) != Judgement::Replaced
    }

    pub(super) fn advance(mut self, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        let found = self.reads.found.take().and_then(|row| Some((row.id.clone()?, row)));
        let Some((id, row)) = found else {
            let is_stale = self.on_stale(policy).is_some() && matches!(self.decide(policy), Decision::End(_));
            let Replaced { row, ids, past, .. } = &self.replaced;
            return match past.filter(|_| is_stale).zip(ids.last().cloned()) {
                Some((past, id)) if past::leave(past, &id, row, policy, notes) => {
                    let Replaced { row, search_pins, read_rows, newest, .. } = self.replaced;
                    search_pins.without_past((id, &row), read_rows, newest, policy)
                }
                _ => Move::Stay(Phase::Succession(self)),
            };
        };
        let Replaced { row: before, pins, search_pins, past, mut ids, read_rows, newest, .. } = self.replaced;
        ids.retain(|own| *own != id);
        let past = past.map(|past| past.of_next(&row, policy));
        notes.push(Note::Found { row: row.clone(), by: pins.matched_by(), replaces: ids.last().cloned() });
        let follow =
            Follow::successor(id, row, pins, before.kind().unwrap_or(Kind::Apply), ids, past).found_by(search_pins);
        let seen = newest.filter(|row| row.id.as_ref() == Some(follow.id()));
        let follow = follow.having_read(read_rows).after_list(self.reads.rows);
        Move::Follow(Box::new(follow.not_older_than(seen.as_deref(), policy.now)))
    }

    /// Returns whether a workflow that has ended may go on: it names another deploy, which the list of rows may not show yet, or a
    /// person has retried it since, as the time or a step that repeats the deploy's shows.
    fn may_go_on(&self, workflow: &Workflow) -> bool {
        let names_another = workflow.deploys().iter().any(|id| !self.replaced.ids.contains(id));
        let times = self.replaced.row.status_since().zip(workflow.since());
        let own_steps = || self.replaced.ids.iter().flat_map(|id| workflow.steps_of(id));
        let is_repeated = workflow.end() == Some(WorkflowEnd::Parked) && own_steps().any(WorkflowStep::is_repeated);
        names_another || is_repeated || times.is_some_and(|(replaced, ended)| replaced > ended)
    }

    /// Returns what to do with a deploy that was replaced, and whose workflow ended without its successor, before the wait began.
    fn on_stale(&self, policy: &Policy<'_>) -> Option<OnStale> {
        let past = self.replaced.past?;
        let was_over = past.was_over(self.reads.workflow.as_deref(), policy) && !past.was_seen_otherwise();
        was_over.then_some(past.on_stale(policy))
    }

    pub(super) fn decide(&self, policy: &Policy<'_>) -> Decision {
        if self.reads.exhausted {
            return Decision::Hold(Hold::NotReplaced);
        }
        if self.reads.lists == 0 {
            return Decision::Need(component_list_request(policy.target));
        }
        let Some(workflow) = &self.reads.workflow else {
            return Decision::Need(workflow_request(policy.target, &self.replaced.workflow));
        };
        let Some(end) = workflow.end() else { return Decision::Hold(Hold::NotReplaced) };
        // The successor may have appeared between the two reads.
        if self.reads.lists < 2 {
            return Decision::Need(component_list_request(policy.target));
        }
        if !self.reads.latest {
            return Decision::Need(latest_request(policy.target, Depth::Usual));
        }
        let Replaced { row, ids, .. } = &self.replaced;
        let may_lag = |since: Moment| match policy.settings.mode {
            Mode::Wait => policy.now < since + LAG,
            Mode::Once => [workflow.since(), row.status_since()].iter().flatten().any(|at| !policy.is_long_ago(*at)),
        };
        if self.reads.rows.is_none() || self.open_since.is_some_and(may_lag) {
            return Decision::Hold(Hold::NotReplaced);
        }
        if let (Some(OnStale::Fail), Some(id)) = (self.on_stale(policy), ids.last()) {
            return Decision::End(past::refuse(id, row, policy));
        }
        let (step, replaced) = (workflow.failed_step(), ids.last().cloned());
        Decision::End(End::Otherwise(end.verdict(), Cause::NeverDeployed { end, step, replaced }))
    }
}
