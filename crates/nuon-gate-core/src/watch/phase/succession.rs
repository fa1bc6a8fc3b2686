//! The deploy that matched was replaced: the search for its successor (`docs/nuon-api.md`, "Retries").

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Decision, End, Follow, LAG, Move, Note, Phase, Policy, Recurs, Replaced, Superseded, component_list_request,
    is_as_recent, latest_request, past, rows_of, workflow_request, wrong_kind,
};
use crate::api::{Depth, Fact, Request};
use crate::cause::Cause;
use crate::model::{Deploy, Workflow, WorkflowEnd, WorkflowStep};
use crate::watch::era::Era;
use crate::watch::freshness::is_earlier;
use crate::watch::settings::{Mode, OnStale, OnSuperseded};
use crate::{Hold, Judgement, Kind, Moment, Rules, Target, Verdict, WorkflowId};

/// The search for a successor.
#[derive(Debug)]
pub(in crate::watch) struct Succession {
    // What lasts.
    replaced: Replaced,
    /// Since when the workflow has ended, as it seems, and its end may not be the last word.
    end_doubted_since: Option<Moment>,
    /// The poll under way.
    reads: SuccessionReads,
}

/// What the poll under way has read.
#[derive(Debug, Default)]
struct SuccessionReads {
    lists: u32,
    /// The last list, if it is as recent as what was replaced. An older one shows nothing.
    rows: Option<Arc<Vec<Deploy>>>,
    workflow: Option<Arc<Workflow>>,
    found: Option<Arc<Deploy>>,
    /// The newest deploy of another workflow, if it is newer than what was replaced.
    newer: Option<Arc<Deploy>>,
    /// Its workflow does more than plan.
    is_deploying: bool,
    /// The newest deploy was read: the list may lag behind it.
    latest: bool,
    /// The list was already read in this poll. It is not read again before the next one, so that endless replacements
    /// do not cause requests without a pause.
    is_list_spent: bool,
}

impl Succession {
    pub(super) fn new(replaced: Replaced, is_list_spent: bool) -> Self {
        Self {
            replaced,
            end_doubted_since: None,
            reads: SuccessionReads { is_list_spent, ..SuccessionReads::default() },
        }
    }

    /// Records that this poll showed no successor: one that is found later has appeared since.
    pub(super) fn note_hold(&mut self, now: Moment) {
        if let Some(past) = self.replaced.past.as_mut().filter(|_| !self.reads.is_list_spent) {
            past.note_poll(now, false);
        }
    }

    pub(super) fn begin_poll(&mut self) {
        self.replaced.read_rows.forget_said();
        self.reads = SuccessionReads::default();
    }

    pub(super) fn on_fact(&mut self, request: &Request, fact: Fact, policy: &Policy<'_>) -> Vec<Note> {
        match fact {
            Fact::Deploys(rows) => self.accept_rows(rows, policy),
            Fact::Workflow(workflow) if self.is_of_newer(request) => self.accept_newer(&workflow),
            Fact::Workflow(workflow) => {
                let is_open = workflow.end().is_some() && self.may_go_on(&workflow, policy);
                self.end_doubted_since = is_open.then(|| self.end_doubted_since.unwrap_or(policy.now));
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
        let newer = rows.iter().enumerate().find(|(place, row)| self.is_newer(row, is_first(*place)));
        self.reads.newer = newer.map(|(_, row)| Arc::new(row.clone()));
        self.reads.is_deploying = self.reads.newer.as_ref().is_some_and(|row| self.workflow_of(row).is_none());
        let Replaced { row, ids, .. } = &self.replaced;
        let is_recent = ids.last().is_some_and(|last| is_as_recent(&rows, last, row.created_at));
        self.reads.rows = Some(rows).filter(|_| is_recent);
    }

    /// Returns whether a row can be the successor: a newer deploy of the same workflow that no pin contradicts. `is_first`: what
    /// is newer, if no time says so.
    fn is_successor(&self, row: &Deploy, is_first: bool, policy: &Policy<'_>) -> bool {
        let Replaced { row: before, workflow, pins, ids, read_rows, .. } = &self.replaced;
        let is_newer = row.order(before).map_or(is_first, |order| order != Ordering::Less);
        let is_asked_for = pins.contradicted_by(row, policy.server_started_at).is_none();
        is_newer && is_asked_for && read_rows.is_another_of(workflow, ids, row)
    }

    /// Returns whether a row is a newer deploy that is no successor.
    fn is_newer(&self, row: &Deploy, is_first: bool) -> bool {
        let Replaced { row: before, workflow, ids, read_rows, .. } = &self.replaced;
        let is_later = row.order(before).map_or(is_first, |order| order != Ordering::Less);
        let is_known = row.id.as_ref().is_none_or(|id| ids.contains(id));
        is_later && !is_known && self.workflow_of(row) != Some(workflow) && read_rows.is_deploy(row)
    }

    fn workflow_of<'a>(&'a self, row: &'a Deploy) -> Option<&'a WorkflowId> {
        self.replaced.read_rows.workflow_of(row)
    }

    fn is_of_newer(&self, request: &Request) -> bool {
        let own = self.reads.newer.as_ref().and_then(|row| self.workflow_of(row));
        matches!(request, Request::Workflow(_, id) if Some(id) == own)
    }

    /// Accepts the workflow of a newer deploy, which may only make plans.
    fn accept_newer(&mut self, workflow: &Workflow) {
        self.reads.is_deploying = !workflow.is_plan_only();
        if workflow.is_plan_only()
            && let Some(id) = self.reads.newer.take().and_then(|row| row.id.clone())
        {
            self.replaced.read_rows.leave_out(id);
        }
    }

    /// Returns whether the poll goes on without an answer: it does without that about a newer deploy, and the next poll asks again.
    pub(super) fn does_without(&mut self, request: &Request) -> bool {
        let is_of_newer = self.is_of_newer(request);
        self.reads.newer.take_if(|_| is_of_newer);
        is_of_newer
    }

    /// Returns the newer deploy, once it certainly supersedes, and what to do about it. What had ended before the wait began, and is
    /// not waited for, is not superseded.
    fn superseding(&self, policy: &Policy<'_>) -> Option<(&Arc<Deploy>, OnSuperseded)> {
        let newer = self.reads.newer.as_ref().filter(|_| self.reads.is_deploying && self.reads.workflow.is_some())?;
        let recurs = self.replaced.past.is_some_and(|past| past.recurs().is_some());
        let is_past = recurs && self.on_stale(policy).is_some();
        let action = if is_past { OnSuperseded::Ignore } else { self.replaced.search_pins.on_superseded(policy) };
        Some((newer, action))
    }

    /// Decides about a newer deploy, if there is one: it may take the place of what was replaced before any successor comes.
    fn decide_about_newer(&self, policy: &Policy<'_>) -> Option<Decision> {
        let Replaced { row, ids, search_pins, superseded_by, .. } = &self.replaced;
        let Some((newer, action)) = self.superseding(policy) else {
            let newer = self.reads.newer.as_ref()?;
            let matters = *superseded_by != newer.id || search_pins.on_superseded(policy) != OnSuperseded::Ignore;
            let id = self.workflow_of(newer).filter(|_| matters)?;
            return Some(Decision::Need(workflow_request(policy.target, id)));
        };
        let (from, to) = (ids.last()?.clone(), newer.id.clone()?);
        let end = match action {
            OnSuperseded::Ignore => None,
            OnSuperseded::Fail => Some(End::Otherwise(Verdict::Superseded, Cause::Superseded { from, to })),
            OnSuperseded::Follow => wrong_kind(newer, row.kind(), policy.settings.expect),
        };
        end.map(Decision::End)
    }

    /// Returns whether the row itself goes on: some servers repeat the sync of an image under the same row.
    fn has_returned(&self, row: &Deploy) -> bool {
        let Replaced { row: before, ids, .. } = &self.replaced;
        let is_same = ids.last().is_some_and(|last| row.id.as_ref() == Some(last));
        let is_later = row.updated_at.zip(before.updated_at).is_some_and(|(own, before)| own > before);
        is_same && is_later && Rules::default().judge_deploy(row) != Judgement::Replaced
    }

    pub(super) fn advance(mut self, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        if self.only_plans() && !self.replaced.search_pins.is_named() {
            let Replaced { search_pins, mut read_rows, newest, workflow, .. } = self.replaced;
            read_rows.note_planning(workflow);
            notes.push(Note::Lost);
            return Move::SearchOn { search_pins, read_rows, newest, at_once: policy.settings.mode == Mode::Once };
        }
        let found = self.reads.found.take().and_then(|row| Some((row.id.clone()?, row)));
        let Some((id, row)) = found else {
            let is_stale = self.on_stale(policy).is_some() && matches!(self.decide(policy), Decision::End(_));
            let Replaced { row, ids, past, .. } = &self.replaced;
            if let Some((past, id)) = past.filter(|_| is_stale).zip(ids.last().cloned()) {
                notes.extend(past.warning(&id, row, policy));
                if past.on_stale(policy) == OnStale::Wait {
                    notes.push(Note::Lost);
                    let Replaced { row, search_pins, read_rows, newest, .. } = self.replaced;
                    return search_pins.without_past((id, &row), read_rows, newest, policy);
                }
            }
            return self.make_way(policy, notes);
        };
        let Replaced { row: before, pins, search_pins, past, mut ids, read_rows, newest, .. } = self.replaced;
        ids.retain(|own| *own != id);
        let past = past.map(|past| past.of_next(&row, policy));
        notes.push(Note::Found { row: row.clone(), by: pins.matched_by(), replaces: ids.last().cloned() });
        let seen = newest.filter(|row| row.id.as_ref() == Some(&id));
        let follow = Follow::successor(id, row, pins, before.kind().unwrap_or(Kind::Apply), ids, past);
        let follow = follow.continuing(search_pins, read_rows).after_list(self.reads.rows);
        Move::Follow(Box::new(follow.not_older_than(seen.as_deref(), policy.now)))
    }

    /// Reports a newer deploy, and follows it if it takes the place of what was replaced.
    fn make_way(mut self, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        let superseding =
            self.superseding(policy).and_then(|(row, action)| Some((row.id.clone()?, row.clone(), action)));
        let Some(((to, newer, action), from)) = superseding.zip(self.replaced.ids.last().cloned()) else {
            return Move::Stay(Phase::Succession(self));
        };
        if self.replaced.superseded_by.as_ref() != Some(&to) {
            self.replaced.superseded_by = Some(to.clone());
            notes.push(Note::Superseded { from, to: to.clone(), policy: action });
        }
        let is_wrong = wrong_kind(&newer, self.replaced.row.kind(), policy.settings.expect).is_some();
        if action != OnSuperseded::Follow || is_wrong {
            return Move::Stay(Phase::Succession(self));
        }
        let Replaced { row, pins, search_pins, past, ids, read_rows, .. } = self.replaced;
        let follow = Follow::newer(to, newer, Superseded { row, pins, past, ids }, policy, notes);
        Move::Follow(Box::new(follow.continuing(search_pins, read_rows).after_list(self.reads.rows)))
    }

    /// Returns whether a workflow that has ended may go on. What was replaced promises another deploy, and a person's retry shows
    /// in the row first: so unless it is certain that the workflow has ended since, and long ago. It may also name another deploy,
    /// which the list of rows does not show yet, or have a step that repeats the deploy's.
    fn may_go_on(&self, workflow: &Workflow, policy: &Policy<'_>) -> bool {
        let names_another = workflow.deploys().iter().any(|id| !self.replaced.ids.contains(id));
        let times = self.replaced.row.status_since().zip(workflow.since());
        let own_steps = || self.replaced.ids.iter().flat_map(|id| workflow.steps_of(id));
        let is_repeated = workflow.end() == Some(WorkflowEnd::Parked) && own_steps().any(WorkflowStep::is_repeated);
        let is_over = times.is_some_and(|(replaced, ended)| replaced <= ended && policy.is_long_ago(ended));
        names_another || is_repeated || !is_over
    }

    /// Returns whether what was replaced were plans, as only their workflow shows.
    fn only_plans(&self) -> bool {
        self.reads.workflow.as_ref().is_some_and(|workflow| workflow.is_plan_only())
    }

    /// Returns what to do with a deploy that was replaced, and whose workflow ended without its successor, before the wait began.
    fn on_stale(&self, policy: &Policy<'_>) -> Option<OnStale> {
        let past = self.replaced.past?;
        let was_over = past.was_over(self.reads.workflow.as_deref(), policy) && !past.was_seen_otherwise();
        let is_left = past.recurs().is_none_or(|recurs| self.is_outrun(recurs, policy));
        (was_over && is_left).then_some(past.on_stale(policy))
    }

    /// Returns whether a newer deploy makes a pinned one that had ended before the wait began a past one. What was created since
    /// does not, where it was the latest.
    fn is_outrun(&self, recurs: Recurs, policy: &Policy<'_>) -> bool {
        let counts = |created: Option<Timestamp>| {
            recurs == Recurs::Below || Era::of(created, policy.server_clock()) == Era::Before
        };
        let newer = self.reads.newer.as_ref().filter(|_| self.reads.is_deploying);
        newer.is_some_and(|row| counts(row.created_at))
            || self.replaced.read_rows.has_newer_where(&self.replaced.row, |created| counts(Some(created)))
    }

    pub(super) fn decide(&self, policy: &Policy<'_>) -> Decision {
        if self.reads.is_list_spent {
            return Decision::Hold(Hold::NotReplaced);
        }
        if self.reads.lists == 0 {
            return Decision::Need(component_list_request(policy.target));
        }
        let Some(workflow) = &self.reads.workflow else {
            return Decision::Need(workflow_request(policy.target, &self.replaced.workflow));
        };
        if self.only_plans() {
            let cause =
                self.replaced.ids.last().map(|id| Cause::Undeployable { deploy: id.clone(), deploy_type: None });
            return cause.map_or(Decision::Hold(Hold::NotReplaced), |cause| Decision::End(End::rejected(cause)));
        }
        if let Some(decision) = self.decide_about_newer(policy) {
            return decision;
        }
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
        if self.reads.rows.is_none() || self.end_doubted_since.is_some_and(may_lag) {
            return Decision::Hold(Hold::NotReplaced);
        }
        if let (Some(OnStale::Fail), Some(id)) = (self.on_stale(policy), ids.last()) {
            return Decision::End(past::refuse(id, row, policy));
        }
        let (step, replaced) = (workflow.failed_step(), ids.last().cloned());
        Decision::End(End::Otherwise(end.verdict(), Cause::NeverDeployed { end, step, replaced }))
    }
}
