//! What each answer adds to the knowledge about a deploy that is followed.

use std::sync::Arc;

use jiff::Timestamp;

use super::bake::KnownHealth;
use super::{Follow, ReadState, ShownBy};
use crate::api::{ApiError, Fact, Request};
use crate::model::{Deploy, Workflow};
use crate::watch::freshness::goes_on;
use crate::watch::phase::{Note, Policy, is_as_recent, is_cut_off, known_baseline, rows_of};
use crate::{Hold, Moment, Target};

impl Follow {
    /// Accepts a fact.
    ///
    /// # Errors
    ///
    /// If it is about another component, about the baseline without saying when that was created, or an unusable page of a
    /// list.
    pub(in crate::watch::phase) fn on_fact(
        &mut self,
        request: &Request,
        fact: Fact,
        policy: &Policy<'_>,
    ) -> Result<Vec<Note>, ApiError> {
        Ok(match fact {
            Fact::Deploy(row) if row.id.as_ref() != Some(&self.own.id) => {
                self.accept_other(&row, policy)?;
                Vec::new()
            }
            Fact::Deploy(row) => {
                self.identify(&row);
                self.reads.details += 1;
                self.observe(row, true, policy)
            }
            Fact::Latest(Some(row)) if row.id.as_ref() != Some(&self.own.id) && self.own.is_of_another(&row) => {
                return Err(ApiError::Undecodable("the answer is about another component".to_owned()));
            }
            Fact::Latest(row) => {
                self.rivals.accept_latest(&self.own, row.clone());
                let own = row.filter(|row| row.id.as_ref() == Some(&self.own.id));
                own.map_or_else(Vec::new, |own| self.observe(own, false, policy))
            }
            Fact::Deploys(rows) => {
                let own = rows.iter().find(|row| row.id.as_ref() == Some(&self.own.id));
                self.own.workflow_id = self.own.workflow_id.take().or_else(|| own?.workflow().cloned());
                let own = own.cloned().map(Arc::new);
                self.rivals.reads.shown |= is_as_recent(&rows, &self.own.id, self.own.created);
                self.rivals.accept_rows(&self.own, &rows);
                self.rivals.reads.rows = Some(rows);
                own.map_or_else(Vec::new, |own| self.observe(own, false, policy))
            }
            Fact::InstallDeploys(rows) => self.accept_install_list(&rows, policy),
            Fact::Workflow(workflow) => {
                self.accept_workflow(request, &workflow);
                Vec::new()
            }
            Fact::Health(_) | Fact::Resources(_) => {
                self.accept_health(request, fact, policy.now)?;
                Vec::new()
            }
            _ => Vec::new(),
        })
    }

    /// Accepts the detail of a newer row, or of the baseline.
    fn accept_other(&mut self, row: &Arc<Deploy>, policy: &Policy<'_>) -> Result<(), ApiError> {
        if row.id.as_ref().is_some_and(|id| self.rivals.is_rival(&self.own, id)) {
            self.rivals.reads.detail_read = row.id.clone();
            match row.kind() {
                Some(_) => self.rivals.accept_newest(&self.own, Some(row.clone()), ShownBy::default()),
                None => self.rivals.pass_over(&self.own, true),
            }
        }
        if row.id.as_ref() == self.own.unread_baseline() {
            self.own.pins.after = Some(known_baseline(row)?);
            self.own.matches =
                self.own.known.as_ref().is_some_and(|own| self.own.pins.match_deploy(own, policy.server_started_at));
        }
        Ok(())
    }

    /// Accepts the install's list: its newest deploys, of all components. The deploy's row proves as much as its detail
    /// if it says as much, and nothing else: the install, the type and the workflow. If it is missing, or has another type than
    /// is known, it proves nothing.
    fn accept_install_list(&mut self, rows: &[Deploy], policy: &Policy<'_>) -> Vec<Note> {
        self.reads.install_list = true;
        let Some(own) = rows_of(policy.target, rows).find(|row| row.id.as_ref() == Some(&self.own.id)) else {
            self.own.is_beyond_install_list = is_cut_off(rows);
            return Vec::new();
        };
        if self.own.known.as_ref().is_some_and(|known| known.install_deploy_type != own.install_deploy_type) {
            return Vec::new();
        }
        if own.install_id.is_some() && own.says_what_it_does() && !own.names_two_components() {
            self.identify(own);
        }
        self.rivals.reads.shown = true;
        let newest = rows_since(policy.target, rows, own.created_at);
        let own = Arc::new(own.clone());
        if newest.len() > 1 {
            self.accept_newer(newest);
        } else {
            self.rivals.accept_newest(&self.own, Some(own.clone()), ShownBy::default());
        }
        self.observe(own, false, policy)
    }

    fn accept_newer(&mut self, rows: Vec<Deploy>) {
        self.rivals.accept_rows(&self.own, &rows);
        self.rivals.reads.rows = Some(Arc::new(rows));
    }

    /// Learns whether there is a newer deploy, or a newer state of this one: an older answer no longer counts. The state
    /// itself is read by its own poll, because the answers that are still expected in this one may be older. Returns whether
    /// it has another status.
    pub(in crate::watch::phase) fn overhear(&mut self, rows: &[Deploy], target: &Target, now: Moment) -> bool {
        let shown = rows_of(target, rows).find(|row| row.id.as_ref() == Some(&self.own.id));
        let shown = shown.filter(|row| !self.own.is_contradicted_by(row));
        self.own.workflow_id = self.own.workflow_id.take().or_else(|| shown?.workflow().cloned());
        let newer = shown.filter(|row| self.own.freshness.admit(now, row));
        let differs =
            |row: &Deploy| self.own.known.as_ref().is_some_and(|own| row.current_status() != own.current_status());
        let changed = newer.filter(|row| differs(row));
        if newer.is_some() {
            self.reads.current &= changed.is_none();
            self.own.overheard = changed.cloned().map(Arc::new);
        }
        let newest = rows_since(target, rows, self.own.created);
        let first = newest.iter().find(|row| self.rivals.read_rows.is_deploy(row));
        if first.is_some_and(|row| row.id.as_ref() != Some(&self.own.id)) {
            self.accept_newer(newest);
        }
        changed.is_some()
    }

    /// Accepts a row that proves whose deploy it is. If it names another workflow than a row before it, what was read of
    /// that is of another deploy.
    fn identify(&mut self, row: &Deploy) {
        let before = self.own.workflow_id.clone();
        self.own.identify(row);
        self.rivals.drop_stranger(&self.own);
        if self.own.workflow_id != before {
            (self.reads.workflow, self.reads.workflows, self.own.most_steps) = (None, 0, 0);
            (self.own.workflow_answered, self.own.warned_of_workflow) = (false, false);
            self.reads.has_no_workflow = false;
        }
    }

    /// Records a state of the deploy, unless it is older than what is known.
    fn observe(&mut self, row: Arc<Deploy>, is_detail: bool, policy: &Policy<'_>) -> Vec<Note> {
        // Nothing would show that what was read before, or comes later, is newer.
        if self.own.known.is_some() && !row.says_its_status() && row.updated_at.is_none() {
            return Vec::new();
        }
        self.rivals.read_rows.note(&row, is_detail);
        let row = self.own.typed(row);
        let is_contradicted = self.own.is_contradicted_by(&row);
        self.reads.states.push(ReadState { row: row.clone(), is_detail });
        self.own.workflow_id = self.own.workflow_id.take().or_else(|| row.workflow().cloned());
        self.reads.contradicted |= is_contradicted;
        if is_contradicted || !self.own.freshness.admit(policy.now, &row) {
            return Vec::new();
        }
        self.own.overheard = None;
        self.own.created = self.own.created.or(row.created_at);
        // An answer that leaves the times out takes back nothing of the same status.
        let same = self.own.known.as_ref().filter(|known| known.current_status() == row.current_status());
        let dated = same.filter(|known| row.status_since().is_none() && known.status_since().is_some());
        let row = dated.map_or_else(|| row.clone(), |known| Arc::new(row.dated_by(known)));
        let is_first = self.own.known.is_none();
        let is_new = self.own.known.as_ref().is_none_or(|known| known.current_status() != row.current_status());
        self.reads.current = true;
        self.reads.asked_at = policy.sent;
        self.own.matches |= self.own.pins.match_deploy(&row, policy.server_started_at);
        // The status has whole seconds. A row without it says more exactly when it was written.
        let since = |row: &Deploy| row.status_since().map(Timestamp::as_second);
        let ended_anew = self.own.known.as_ref().and_then(|known| since(known)) < since(&row);
        if let Some(ended) = row.status_since().filter(|_| ended_anew) {
            self.known_health.end_anew(ended, policy);
            // It was something else in between.
            self.held.take_if(|held| matches!(held.hold, Hold::Settling(_)));
        }
        // A row without details only confirms the same state. It must not replace the detail, which has the reason.
        if !is_detail && !is_new {
            match &self.own.known {
                Some(known) if self.own.known_is_detail && ended_anew => {
                    self.own.known = Some(Arc::new(known.dated_by(&row)));
                }
                Some(_) if self.own.known_is_detail => {}
                _ => self.own.known = Some(row),
            }
            return Vec::new();
        }
        self.own.known = Some(row.clone());
        if is_new {
            (self.held, self.known_health) = (None, KnownHealth::default());
            (self.own.lacked_detail, self.rivals.unreplacing) = (false, None);
            self.past = self.past.map(|past| past.in_next_state(&row, policy));
            // The workflow was read before this, so it is read again.
            (self.reads.workflow, self.reads.workflows) = (None, 0);
            self.reads.changed = true;
        }
        self.own.known_is_detail = is_detail;
        if is_first {
            return vec![Note::Found { row, by: self.own.pins.matched_by(), replaces: None }];
        }
        vec![Note::Observed(row)]
    }

    /// Returns whether this poll has read another status as well, and no time shows that it is the older one. It counts if it
    /// was read after the last answer with the known status; in a detail, unless that was read again since; or if it is an
    /// end, or goes on from the known state.
    pub(super) fn is_disputed(&self, policy: &Policy<'_>) -> bool {
        let (Some(known), states) = (&self.own.known, &self.reads.states) else { return false };
        let is_same = |read: &ReadState| read.row.current_status() == known.current_status();
        let differs = |read: &ReadState| !is_same(read) && !is_later(known, &read.row);
        states.iter().rposition(is_same).is_some_and(|last| {
            let was_read_again = !states[last].is_detail;
            let is_next = |read: &ReadState| policy.judge(&read.row).is_final() || goes_on(&read.row, known);
            let speaks = |read: &ReadState| was_read_again && read.is_detail || is_next(read);
            states[last + 1..].iter().any(differs) || states.iter().any(|read| speaks(read) && differs(read))
        })
    }

    fn accept_workflow(&mut self, request: &Request, workflow: &Arc<Workflow>) {
        let Request::Workflow(_, id) = request else { return };
        if self.own_workflow() == Some(id) {
            self.own.workflow_answered = true;
            self.own.most_steps = self.own.most_steps.max(workflow.steps().count());
            self.own.note_answered(workflow);
            self.reads.workflows += 1;
            self.reads.workflow = Some(workflow.clone());
        }
        if self.rivals.is_of_rival(&self.own, id) {
            match workflow.is_plan_only() {
                true => self.rivals.pass_over(&self.own, true),
                false => self.rivals.note_deploying(&self.own),
            }
        }
    }
}

/// Returns a target's rows that may be newer than its own: older ones are of no use, and there may be many.
fn rows_since(target: &Target, rows: &[Deploy], created: Option<Timestamp>) -> Vec<Deploy> {
    let is_older = |row: &Deploy| row.created_at.zip(created).is_some_and(|(its, own)| its < own);
    rows_of(target, rows).filter(|row| !is_older(row)).cloned().collect()
}

/// Returns whether the server says that one state of a deploy was written after another.
fn is_later(row: &Deploy, before: &Deploy) -> bool {
    let by = |time: fn(&Deploy) -> Option<Timestamp>| time(row).zip(time(before)).is_some_and(|(own, its)| own > its);
    by(|row| row.updated_at) || by(|row| row.status_v2.as_ref()?.since)
}
