//! What each answer adds to the knowledge about a deploy that is followed.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::bake::KnownHealth;
use super::{Existence, Follow, Newest, ReadState, ShownBy};
use crate::api::{ApiError, Fact, Request};
use crate::model::{Deploy, Workflow};
use crate::watch::phase::{Note, Policy, is_cut_off, known_baseline, rows_of};
use crate::{DeployId, Moment, Target};

impl Follow {
    /// Accepts a fact.
    ///
    /// # Errors
    ///
    /// If it is about the baseline, and does not say when that was created, or is an unusable page of a list.
    pub(in crate::watch::phase) fn on_fact(
        &mut self,
        request: &Request,
        fact: Fact,
        policy: &Policy<'_>,
    ) -> Result<Vec<Note>, ApiError> {
        self.read_rows.note_answered(policy.answered);
        Ok(match fact {
            Fact::Deploy(row) if row.id.as_ref() != Some(&self.id) => {
                self.accept_other(&row, policy)?;
                Vec::new()
            }
            Fact::Deploy(row) => {
                self.identified |= !self.is_contradicted_by(&row);
                self.reads.details += 1;
                self.observe(row, true, policy)
            }
            Fact::Latest(Some(row)) if row.id.as_ref() == Some(&self.id) => {
                self.reads.newest = self.newest_of(Some(row.clone()), ShownBy::LATEST);
                self.observe(row, false, policy)
            }
            Fact::Latest(row) => {
                self.reads.newest = match row {
                    Some(row) if self.read_rows.is_deploy(&row) => self.newest_of(Some(row), ShownBy::LATEST),
                    // There is at least the deploy that is followed.
                    Some(_) | None => Newest::Hidden,
                };
                Vec::new()
            }
            Fact::Deploys(rows) => {
                let own = rows.iter().find(|row| row.id.as_ref() == Some(&self.id));
                self.workflow_id = self.workflow_id.take().or_else(|| own?.workflow().cloned());
                let own = own.cloned().map(Arc::new);
                self.reads.shown |= own.is_some() || is_cut_off(&rows);
                self.reads.newest = self.newest_among(&rows);
                self.reads.rows = Some(rows);
                own.map_or_else(Vec::new, |own| self.observe(own, false, policy))
            }
            Fact::InstallDeploys(rows) => self.accept_install_list(&rows, policy),
            Fact::Workflow(workflow) => {
                self.accept_workflow(request, workflow);
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
        if row.id.as_ref().is_some_and(|id| self.is_rival(id)) {
            self.reads.rival_detailed = row.id.clone();
            self.reads.newest = self.newest_of(Some(row.clone()), ShownBy::default());
        }
        if row.id.as_ref() == self.unread_baseline() {
            self.pins.after = Some(known_baseline(row)?);
            self.matches = self.known.as_ref().is_some_and(|own| self.pins.match_deploy(own, policy.started_at));
        }
        Ok(())
    }

    /// Accepts the install's list: its newest deploys, of all components. The deploy's row proves as much as its detail
    /// if it names the install. If it is missing, or has another type than is known, it proves nothing.
    fn accept_install_list(&mut self, rows: &[Deploy], policy: &Policy<'_>) -> Vec<Note> {
        self.reads.install_list = true;
        let Some(own) = rows_of(policy.target, rows).find(|row| row.id.as_ref() == Some(&self.id)) else {
            self.is_beyond_install_list = is_cut_off(rows);
            return Vec::new();
        };
        if self.known.as_ref().is_some_and(|known| known.install_deploy_type != own.install_deploy_type) {
            return Vec::new();
        }
        self.identified |= own.install_id.is_some() && !self.is_contradicted_by(own);
        self.reads.shown = true;
        let newest = rows_since(policy.target, rows, own);
        let own = Arc::new(own.clone());
        if newest.len() > 1 {
            self.accept_newest(newest);
        } else {
            self.reads.newest = self.newest_of(Some(own.clone()), ShownBy::default());
        }
        self.observe(own, false, policy)
    }

    fn accept_newest(&mut self, rows: Vec<Deploy>) {
        self.reads.newest = self.newest_among(&rows);
        self.reads.rows = Some(Arc::new(rows));
    }

    /// Learns whether there is a newer deploy, or a newer state of this one: an older answer no longer counts. The state
    /// itself is read by its own poll, because the answers that are still expected in this one may be older.
    pub(in crate::watch::phase) fn overhear(&mut self, rows: &[Deploy], target: &Target, now: Moment) {
        let Some(own) = &self.known else { return };
        let shown = rows_of(target, rows).find(|row| row.id.as_ref() == Some(&self.id));
        if shown.is_some_and(|row| row.current_status() != own.current_status() && self.freshness.admit(now, row)) {
            self.reads.current = false;
        }
        let newest = rows_since(target, rows, own);
        let first = newest.iter().find(|row| self.read_rows.is_deploy(row));
        if first.is_some_and(|row| row.id.as_ref() != Some(&self.id)) {
            self.accept_newest(newest);
        }
    }

    /// Returns whether a row contradicts an earlier one: a deploy stays in its workflow, and never becomes a teardown.
    fn is_contradicted_by(&self, row: &Deploy) -> bool {
        let names_another_workflow = row.workflow().zip(self.workflow_id.as_ref()).is_some_and(|(its, own)| its != own);
        let typed = self.known.as_ref().filter(|known| known.install_deploy_type.is_some());
        let kinds = typed.and_then(|known| known.kind()).zip(row.kind());
        names_another_workflow || kinds.is_some_and(|(own, its)| own != its)
    }

    /// Records a state of the deploy, unless it is older than what is known.
    fn observe(&mut self, row: Arc<Deploy>, detailed: bool, policy: &Policy<'_>) -> Vec<Note> {
        let is_contradicted = self.is_contradicted_by(&row);
        self.reads.states.push(ReadState { row: row.clone(), detailed });
        self.workflow_id = self.workflow_id.take().or_else(|| row.workflow().cloned());
        if is_contradicted || !self.freshness.admit(policy.now, &row) {
            return Vec::new();
        }
        self.created = self.created.or(row.created_at);
        let is_first = self.known.is_none();
        let is_new = self.known.as_ref().is_none_or(|known| known.current_status() != row.current_status());
        self.reads.current = true;
        self.reads.read_at = policy.now;
        self.matches |= self.pins.match_deploy(&row, policy.started_at);
        // A row without details only confirms the same state. It must not replace the detail, which has the reason.
        if !detailed && !is_new {
            match &self.known {
                Some(known) if self.detailed && known.status_since().is_none() => {
                    self.known = Some(Arc::new(known.dated_by(&row)));
                }
                Some(_) if self.detailed => {}
                _ => self.known = Some(row),
            }
            return Vec::new();
        }
        let ended_anew = self.known.as_ref().and_then(|known| known.status_since()) < row.status_since();
        self.known = Some(row.clone());
        if ended_anew {
            self.known_health.begin_anew();
        }
        if is_new {
            (self.held, self.known_health) = (None, KnownHealth::default());
            self.past = self.past.map(|past| past.in_next_state(&row, policy));
            // The workflow was read before this, so it is read again.
            (self.reads.workflow, self.reads.workflows) = (None, 0);
            self.reads.changed = true;
        }
        self.detailed = detailed;
        if is_first {
            return vec![Note::Found { row, by: self.pins.matched_by(), replaces: None }];
        }
        vec![Note::Observed(row)]
    }

    /// Returns whether this poll has read another status, after the last answer with the known one or in a detail that
    /// was not read again since, and no time shows that it is the older one.
    pub(super) fn is_disputed(&self) -> bool {
        let (Some(known), states) = (&self.known, &self.reads.states) else { return false };
        let is_same = |read: &ReadState| read.row.current_status() == known.current_status();
        let differs = |read: &ReadState| !is_same(read) && !is_later(known, &read.row);
        states.iter().rposition(is_same).is_some_and(|last| {
            states[last + 1..].iter().any(differs)
                || !states[last].detailed && states.iter().any(|read| read.detailed && differs(read))
        })
    }

    /// Returns the newest row that the server has shown. Neither a lagging replica nor a row without a time revokes it.
    fn newest_of(&mut self, row: Option<Arc<Deploy>>, by: ShownBy) -> Newest {
        let id = |row: &Option<Arc<Deploy>>| row.as_ref().and_then(|row| row.id.clone());
        let (was, shown) = (id(&self.newest), id(&row));
        if let Some(row) =
            row.as_ref().filter(|row| row.created_at.zip(self.created).is_some_and(|(its, own)| its < own))
        {
            self.read_rows.note_older(row);
        }
        // If the followed deploy has no time, only an answer with its own row is known to be recent enough.
        let is_late = |row: &Deploy| row.id.as_ref() == Some(&self.id) || self.created.is_some();
        self.reads.shown |= row.as_ref().is_some_and(|row| is_late(row) && !self.read_rows.is_older(row));
        let before = self.newest.take().filter(|before| self.read_rows.is_deploy(before));
        let row = row.map(|row| match before.as_ref().filter(|before| before.id == row.id) {
            Some(before) => Arc::new(row.completed_by(before)),
            None => row,
        });
        let before = before.filter(|before| row.as_ref().is_none_or(|row| self.stays_newest(before, row)));
        self.newest = before.or(row);
        let is = id(&self.newest);
        let if_same = |other: Option<DeployId>, by: ShownBy| if is == other { by } else { ShownBy::default() };
        self.newest_by = if_same(was, self.newest_by).or(if_same(shown, by));
        let other = self.newest.clone().filter(|newest| newest.id.as_ref() != Some(&self.id));
        other.map_or(Newest::None, Newest::Row)
    }

    /// Returns whether a row that was shown as the newest still is, after another was shown.
    fn stays_newest(&self, before: &Deploy, row: &Deploy) -> bool {
        let is_own = |row: &Deploy| row.id.as_ref() == Some(&self.id);
        let created = |row: &Deploy| row.created_at.or(self.created.filter(|_| is_own(row)));
        match created(before).zip(created(row)) {
            Some((before, row)) => before > row,
            None if before.id == row.id => false,
            // The earlier row stays if it is newer than the followed deploy, or if that is shown again and no time says
            // that the row is older. If the followed deploy has no time, the row that was shown last counts.
            None => self.created.is_some() && (before.created_at > self.created || is_own(row)),
        }
    }

    pub(super) fn newest_among(&mut self, rows: &[Deploy]) -> Newest {
        self.read_rows.note_workflows(rows);
        let newest = rows.iter().find(|row| self.read_rows.is_deploy(row)).cloned();
        let beside = rows.iter().any(|row| row.id.as_ref() == Some(&self.id));
        self.newest_of(newest.map(Arc::new), ShownBy { latest: false, beside })
    }

    fn accept_workflow(&mut self, request: &Request, workflow: Arc<Workflow>) {
        let Request::Workflow(_, id) = request else { return };
        if self.own_workflow() == Some(id) {
            self.workflow_exists = Existence::Answered;
            self.most_steps = self.most_steps.max(workflow.steps().count());
            self.reads.workflows += 1;
            self.reads.workflow = Some(workflow);
        } else if self.is_of_rival(id) {
            match workflow.is_plan_only() {
                true => self.pass_over_rival(None),
                false => self.note_rival_deploys(),
            }
        }
    }
}

/// Returns a target's rows that may be newer than its own: older ones are of no use, and there may be many.
fn rows_since(target: &Target, rows: &[Deploy], own: &Deploy) -> Vec<Deploy> {
    rows_of(target, rows).filter(|row| row.order(own) != Some(Ordering::Less)).cloned().collect()
}

/// Returns whether the server says that one state of a deploy was written after another.
fn is_later(row: &Deploy, before: &Deploy) -> bool {
    let by = |time: fn(&Deploy) -> Option<Timestamp>| time(row).zip(time(before)).is_some_and(|(own, its)| own > its);
    by(|row| row.updated_at) || by(|row| row.status_v2.as_ref()?.since)
}
