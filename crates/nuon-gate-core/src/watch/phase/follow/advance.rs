//! What comes after the deploy that is followed: a newer deploy, its replacement, or another search.

use std::sync::Arc;

use crate::model::{Deploy, Status, StepState, WorkflowEnd, WorkflowStep};
use crate::watch::phase::{Decision, Held, Move, Note, Phase, Policy, Replaced, Superseded, wrong_kind};
use crate::watch::settings::{Mode, OnStale, OnSuperseded};
use crate::{DeployId, Hold, Judgement};

use super::{Follow, Own, Rivals};

impl Follow {
    /// Moves on to another deploy, or back to searching, if the answers require it.
    pub(in crate::watch::phase) fn advance(mut self, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        if self.own.is_missing(policy.now) {
            return self.search_on(false, notes);
        }
        let Some(row) = self.own.known.clone().filter(|_| self.reads.current) else {
            return Move::Stay(Phase::Following(Box::new(self)));
        };
        let only_plans = self.reads.workflow.as_ref().is_some_and(|workflow| workflow.is_plan_only());
        // The row that matched may have left out what its detail says.
        if (only_plans || row.kind().is_none()) && !self.own.search_pins.is_named() {
            self.rivals.read_rows.leave_out(self.own.id.clone());
            if let Some(workflow) = self.own.workflow_id.clone().filter(|_| only_plans) {
                self.rivals.read_rows.note_planning(workflow);
            }
            return self.search_on(policy.settings.mode == Mode::Once, notes);
        }
        let is_matched = !self.own.is_unmatched(&row, policy);
        if let Some(to) = self.rivals.superseding(&self.own).and_then(|row| row.id.clone())
            && !self.is_past_match(policy)
        {
            let action = self.on_superseded(policy);
            if self.rivals.superseded_by.as_ref() != Some(&to) {
                self.rivals.superseded_by = Some(to.clone());
                notes.push(Note::Superseded { from: self.own.id.clone(), to: to.clone(), policy: action });
            }
            let judgement = policy.judge(&row);
            if action == OnSuperseded::Follow && judgement != Judgement::Replaced && is_matched {
                return self.follow_newer(to, row, policy, notes);
            }
        }
        let may_go_on = self.own.identified && is_matched && self.own.mismatch(&row, policy).is_none();
        let is_replaced = policy.judge(&row) == Judgement::Replaced
            || self.was_tried_again(&row, policy) && self.rivals.has_replacement(&self.own, policy);
        if is_replaced
            && may_go_on
            && let Some(workflow) = self.own.workflow_id.clone()
        {
            notes.push(Note::Replaced(self.own.id.clone()));
            let mut ids = self.own.followed_before;
            if !ids.contains(&self.own.id) {
                ids.push(self.own.id);
            }
            let (pins, search_pins, past) = (self.own.pins, self.own.search_pins, self.past);
            let Rivals { read_rows, newest, reads, superseded_by, .. } = self.rivals;
            let replaced = Replaced { row, workflow, pins, search_pins, past, ids, read_rows, newest, superseded_by };
            let rows = reads.rows;
            return Move::Succeed { replaced, rows, is_list_spent: self.reads.is_list_spent };
        }
        let is_stale = self.on_stale(policy).is_some() && matches!(self.decide(policy), Decision::End(_));
        if let Some(past) = self.past.filter(|_| is_stale) {
            notes.extend(past.warning(&self.own.id, &row, policy));
            if past.on_stale(policy) == OnStale::Wait {
                notes.push(Note::Lost);
                let (Own { id, search_pins, .. }, Rivals { read_rows, newest, .. }) = (self.own, self.rivals);
                return search_pins.without_past((id, &row), read_rows, newest, policy);
            }
        }
        Move::Stay(Phase::Following(Box::new(self)))
    }

    /// Goes on searching: the deploy deploys nothing, or does not exist. If the server shows it again as the newest, it does, and no
    /// older one takes its place.
    fn search_on(self, at_once: bool, notes: &mut Vec<Note>) -> Move {
        notes.push(Note::Lost);
        let Rivals { read_rows, newest, .. } = self.rivals;
        let newest = newest.filter(|row| row.id.as_ref() != Some(&self.own.id));
        Move::SearchOn { search_pins: self.own.search_pins, read_rows, newest, at_once }
    }

    fn follow_newer(self, to: DeployId, row: Arc<Deploy>, policy: &Policy<'_>, notes: &mut Vec<Note>) -> Move {
        let newer = self.rivals.superseding(&self.own).cloned();
        // A newer deploy of the wrong kind is not followed: `decide` ends the wait.
        let is_followed = |newer: &Arc<Deploy>| wrong_kind(newer, row.kind(), policy.settings.expect).is_none();
        let Some(newer) = newer.filter(is_followed) else {
            return Move::Stay(Phase::Following(Box::new(self)));
        };
        let Own { id, pins, followed_before: mut ids, search_pins, .. } = self.own;
        ids.push(id);
        let is_read = self.rivals.reads.newest_read.as_ref() == Some(&to);
        let follow = Self::newer(to, newer, Superseded { row, pins, past: self.past, ids }, policy, notes);
        let mut follow = follow.continuing(search_pins, self.rivals.read_rows);
        if is_read {
            follow.rivals.note_none();
        } else {
            // An earlier poll has shown it. What it is now has to be read, and what is newer.
            (follow.reads.current, follow.reads.states) = (false, Vec::new());
        }
        Move::Follow(Box::new(follow))
    }

    /// Returns whether every try of the deploy was replaced, although it does not say so: some retries leave the row in the
    /// status that it had (`docs/nuon-api.md`, "Retries"). So do some whose last step has ended well in a workflow that has succeeded.
    pub(super) fn was_tried_again(&self, row: &Deploy, policy: &Policy<'_>) -> bool {
        let Some(workflow) = self.reads.workflow.as_deref().filter(|_| !policy.is_by_rule(row)) else { return false };
        let is_pending = policy.judge(row) == Judgement::Pending;
        let can_be_left = is_pending || can_be_tried_again(row);
        // The row may only lag, so that is not asked at once.
        let has_lasted = match policy.settings.mode {
            Mode::Wait => matches!(self.held, Some(Held { hold: Hold::Behind(_), .. })),
            Mode::Once => policy.has_stood_long(workflow),
        };
        let was_left = is_pending && has_lasted && workflow.end() == Some(WorkflowEnd::Succeeded);
        // A person can retry the step that failed alone.
        let is_done = |step: &WorkflowStep| workflow.state_of(step) == StepState::Succeeded;
        let is_over = |step| workflow.was_tried_again(step) || (was_left || !is_pending) && is_done(step);
        let (mut steps, mut others) = (workflow.steps_of(&self.own.id), workflow.steps_of(&self.own.id));
        can_be_left && steps.any(|step| was_left || workflow.was_tried_again(step)) && others.all(is_over)
    }
}

/// Returns whether a failed deploy's step can be tried again, whose row may not say so.
pub(super) fn can_be_tried_again(row: &Deploy) -> bool {
    matches!(row.current_status(), Status::Error | Status::Noop)
}
