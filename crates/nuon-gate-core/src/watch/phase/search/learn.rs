//! What each answer adds to the search.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Found, Latest, Place, Search};
use crate::api::{ApiError, Depth, Fact, Request};
use crate::cause::{Mismatch, Unmatched};
use crate::model::Deploy;
use crate::watch::phase::{Note, Policy, is_cut_off, known_baseline, rows_of};

impl Search {
    pub(in crate::watch::phase) fn on_fact(
        &mut self,
        request: &Request,
        fact: Fact,
        policy: &Policy<'_>,
    ) -> Result<Vec<Note>, ApiError> {
        match fact {
            Fact::Deploy(baseline) => {
                self.note_rows([&*baseline]);
                self.search_pins.note_baseline(known_baseline(&baseline)?);
                self.exists |= baseline.component_id.as_ref() == Some(&policy.target.component);
            }
            Fact::Latest(row) => self.accept_latest(request, row, policy),
            Fact::InstallDeploys(rows) => self.accept_install_list(&rows, policy),
            Fact::Deploys(rows) => {
                self.note_rows(&*rows);
                (self.reads.component_list, self.reads.component_list_last) = (true, true);
                self.reads.found = self.find(rows.iter(), policy);
                if let Some(newest) = rows.iter().find(|row| self.read_rows.is_deploy(row)) {
                    self.note_newest(Arc::new(newest.clone()));
                }
                self.take_likely(policy);
                if self.reads.found.is_none() {
                    self.unmatched_at_list = self.newest_unmatched().cloned();
                }
            }
            Fact::Workflow(workflow) => {
                (self.workflow_answered, self.has_workflow_ended) = (true, workflow.end().is_some());
                self.reads.workflow = Some(workflow);
                self.reads.component_list_last = false;
            }
            Fact::Install(install) => {
                self.reads.install = true;
                return Ok(vec![Note::InstallName(install.name)]);
            }
            Fact::InstallComponent(_) => self.exists = true,
            _ => {}
        }
        Ok(Vec::new())
    }

    /// Accepts the install's list: its newest deploys, of all components. If none is the component's, or the newest leaves out
    /// what it does or what a pin asks for, the component's own newest is read.
    fn accept_install_list(&mut self, rows: &[Deploy], policy: &Policy<'_>) {
        self.reads.install_list = true;
        self.note_rows(rows_of(policy.target, rows));
        let Some(newest) = rows_of(policy.target, rows).next() else {
            self.is_beyond_install_list = is_cut_off(rows);
            return;
        };
        let is_whole = newest.id.is_some() && newest.install_deploy_type.is_some();
        let newest = Arc::new(newest.clone());
        if !is_whole || self.search_pins.pins().are_unsaid_by(&newest, policy.server_started_at) {
            return self.note_newest(newest);
        }
        self.accept_newest(newest, policy);
        // If the list is cut off, the component's own list goes further back.
        if self.reads.found.is_none() && !is_cut_off(rows) {
            self.reads.component_list = true;
            self.reads.found = self.find(rows_of(policy.target, rows), policy);
            self.take_likely(policy);
        }
    }

    /// Returns the first row of a list that matches.
    fn find<'a>(&self, mut rows: impl Iterator<Item = &'a Deploy>, policy: &Policy<'_>) -> Option<Found> {
        let mut is_below = false;
        let row = rows.find(|row| {
            let matches = self.matches(row, policy);
            is_below |= !matches && self.read_rows.is_deploy(row);
            matches
        })?;
        let is_after = |newest: &Arc<Deploy>| newest.id != row.id && newest.order(row) != Some(Ordering::Less);
        let is_older = is_below || self.newest.as_ref().is_some_and(is_after);
        let place = if is_older { Place::Older } else { Place::Listed };
        Some(Found { row: Arc::new(row.clone()), place })
    }

    /// If the install's list cannot be read, the component's newest deploy is read instead. If the component's own cannot, only
    /// what was read before shows whether that retries the baseline. Servers of 2025 fail to show the newest deploy as long as one
    /// of them names no workflow; a pinned workflow's is in the list as well.
    pub(in crate::watch::phase) fn does_without(&mut self, request: &Request, policy: &Policy<'_>) -> bool {
        match request {
            Request::InstallDeploys(_) => self.reads.install_list = true,
            Request::Deploys(..) => return self.take_likely(policy),
            Request::LatestDeploy(..) if self.search_pins.pins().workflow.is_some() => {
                self.reads.latest = Latest::Missed;
            }
            _ => return false,
        }
        true
    }

    /// Takes the newest row, if it still matches now that the list was read.
    fn take_likely(&mut self, policy: &Policy<'_>) -> bool {
        let likely = self.reads.likely.take();
        let was_likely = likely.is_some();
        match likely {
            Some(row) if self.matches(&row, policy) => {
                self.reads.found = Some(Found { row, place: Place::Newest });
            }
            Some(row) => self.note_unmatched(row, policy),
            None => {}
        }
        was_likely
    }

    fn accept_latest(&mut self, request: &Request, row: Option<Arc<Deploy>>, policy: &Policy<'_>) {
        self.reads.deep |= matches!(request, Request::LatestDeploy(_, _, Depth::Page));
        self.read_deep |= self.reads.deep;
        match row {
            Some(row) => self.accept_newest(row, policy),
            None => self.reads.latest = Latest::None,
        }
    }

    fn accept_newest(&mut self, row: Arc<Deploy>, policy: &Policy<'_>) {
        self.reads.latest = Latest::Read;
        self.exists = true;
        self.note_rows([&*row]);
        if !self.matches(&row, policy) {
            self.note_unmatched(row, policy);
        } else if !self.search_pins.is_implicit()
            && !self.reads.component_list
            && self.read_rows.may_retry_baseline(&row)
        {
            self.reads.likely = Some(row);
        } else {
            // A replica that lags shows what has been outrun as the newest.
            let place = if self.read_rows.has_newer_than(&row) { Place::Older } else { Place::Newest };
            self.reads.found = Some(Found { row, place });
        }
    }

    fn note_unmatched(&mut self, row: Arc<Deploy>, policy: &Policy<'_>) {
        let why = self.mismatch(&row, policy);
        self.unmatched = row.id.clone().map(|newest| Unmatched { newest, why });
        self.note_newest(row);
    }

    /// Returns why a row does not match. If the pins are not the user's, the reason is that the row had ended before.
    fn mismatch(&self, row: &Deploy, policy: &Policy<'_>) -> Mismatch {
        let missed = self.search_pins.pins().missed_by(row, policy.server_started_at);
        match missed.filter(|_| self.read_rows.is_deploy(row)) {
            Some(_) if self.search_pins.is_implicit() => Mismatch::HadEnded,
            Some(missed) => missed,
            None if self.read_rows.is_deploy(row) => Mismatch::Retry,
            None => Mismatch::Undeployable,
        }
    }

    fn matches(&self, row: &Deploy, policy: &Policy<'_>) -> bool {
        let is_retry = !self.search_pins.is_implicit() && self.read_rows.retries_baseline(row);
        self.read_rows.is_deploy(row)
            && !is_retry
            && self.search_pins.pins().match_deploy(row, policy.server_started_at)
    }
}
