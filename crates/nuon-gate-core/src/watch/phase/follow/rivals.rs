//! Newer deploys of the component: which is the newest, and whether it supersedes the one that is followed or replaces
//! it.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Follow, Newest, Own, RivalReads, Rivals, ShownBy};
use crate::model::Deploy;
use crate::watch::freshness::is_earlier;
use crate::watch::phase::{Policy, ReadRows};
use crate::watch::settings::OnSuperseded;
use crate::{DeployId, Judgement, Rules, WorkflowId};

impl Follow {
    /// Returns what to do about a newer deploy. What is not waited for is not superseded.
    pub(super) fn on_superseded(&self, policy: &Policy<'_>) -> OnSuperseded {
        if self.is_past_match(policy) {
            return OnSuperseded::Ignore;
        }
        self.own.search_pins.on_superseded(policy)
    }
}

impl Rivals {
    pub(super) fn new(read_rows: ReadRows) -> Self {
        let reads = RivalReads::default();
        Self { read_rows, newest: None, newest_by: ShownBy::default(), superseded_by: None, unreplacing: None, reads }
    }

    /// Records that this poll shows the followed deploy as the newest.
    pub(super) fn note_none(&mut self) {
        (self.reads.newest, self.reads.shown) = (Newest::None, true);
    }

    /// Returns the newest row if it supersedes: it is newer, and does not replace the one that is followed. A row without a
    /// time is not older than any other.
    pub(super) fn newer_than(&self, own: &Own) -> Option<&Arc<Deploy>> {
        let (Newest::Row(newest), Some(_)) = (&self.reads.newest, &own.known) else { return None };
        let replaces = self.is_another_try(own, newest) && self.unreplacing != newest.id;
        let was_followed = newest.id.as_ref().is_some_and(|id| own.followed_before.contains(id));
        let order = newest.created_at.zip(own.created).map(|(newest, own)| newest.cmp(&own));
        let supersedes = match order {
            Some(Ordering::Less) => false,
            // Also if it was followed before: the target moved on to a row without a time, and now a time shows that this one is
            // newer.
            Some(Ordering::Greater) => !replaces,
            Some(Ordering::Equal) => !replaces && !was_followed,
            None => !replaces && !was_followed && !self.read_rows.is_older(newest),
        };
        supersedes.then_some(newest)
    }

    fn is_another_try(&self, own: &Own, row: &Deploy) -> bool {
        own.workflow_id.as_ref().is_some_and(|workflow| self.read_rows.workflow_of(row) == Some(workflow))
    }

    /// Returns whether the newest row is of the same workflow and not an earlier try, so that the followed deploy will say that
    /// it was replaced.
    pub(super) fn has_newer_try(&self, own: &Own) -> bool {
        let Newest::Row(newest) = &self.reads.newest else { return false };
        let is_known = newest.id.as_ref().is_some_and(|id| own.followed_before.contains(id));
        let is_older = newest.created_at.zip(own.created).is_some_and(|(newest, own)| newest < own);
        // One that was replaced itself is an earlier try, whatever a clock that was put back says.
        let is_over = Rules::default().judge_deploy(newest) == Judgement::Replaced;
        let is_next = !is_known && !is_older && !is_over && !self.read_rows.is_older(newest);
        is_next && self.is_another_try(own, newest) && self.unreplacing != newest.id
    }

    /// Returns whether the newest row is such a try, and another workflow's deploy was shown that is newer than the followed one too.
    pub(super) fn hides_another(&self, own: &Own, row: &Deploy) -> bool {
        self.has_newer_try(own) && self.read_rows.has_newer_than(row)
    }

    /// Records that the newest row does not replace the followed deploy, although it is of the same workflow.
    pub(super) fn note_unreplacing(&mut self) {
        if let Newest::Row(newest) = &self.reads.newest {
            self.unreplacing = newest.id.clone();
        }
    }

    /// Returns the newest row if it certainly supersedes the followed deploy. Only that one's detail shows whether the row is of
    /// another component.
    pub(super) fn superseding(&self, own: &Own) -> Option<&Arc<Deploy>> {
        let deploys = |row: &&Arc<Deploy>| self.read_rows.workflow_of(row).is_none() || self.reads.deploying == row.id;
        self.newer_than(own).filter(|row| own.identified && self.has_order(own, row)).filter(deploys)
    }

    /// Returns whether any answer has shown a newer row that does not certainly supersede the followed deploy.
    pub(super) fn may_be_outrun(&self, own: &Own) -> bool {
        let was_shown = || own.known.as_ref().is_some_and(|row| self.read_rows.has_newer_than(row));
        self.superseding(own).is_none() && (self.newer_than(own).is_some() || was_shown())
    }

    /// Returns whether it is certain which of the two is newer: by both times or, where a server leaves one out, by a list that
    /// contains both. An answer with the newest alone may be a replica's that lags.
    pub(super) fn has_order(&self, own: &Own, newest: &Deploy) -> bool {
        own.created.is_some() && newest.created_at.is_some() || self.newest_by.with_own
    }

    /// Returns whether this is the newest row, and supersedes.
    pub(super) fn is_rival(&self, own: &Own, id: &DeployId) -> bool {
        self.newer_than(own).is_some_and(|row| row.id.as_ref() == Some(id))
    }

    /// Returns whether a workflow is that of the newest row. Another row may have become the newest since the request.
    pub(super) fn is_of_rival(&self, own: &Own, workflow: &WorkflowId) -> bool {
        self.newer_than(own).is_some_and(|row| self.read_rows.workflow_of(row) == Some(workflow))
    }

    /// Returns whether the component's list shows a newer row of the same workflow, which no pin contradicts.
    pub(super) fn has_replacement(&self, own: &Own, policy: &Policy<'_>) -> bool {
        let Some(workflow) = &own.workflow_id else { return false };
        let kind = own.known.as_ref().and_then(|known| known.kind());
        let rows = self.reads.rows.as_deref().map_or(&[][..], Vec::as_slice);
        // The newest come first.
        let is_first = |row: &Deploy| {
            let place = |id: Option<&DeployId>| rows.iter().position(|row| row.id.as_ref() == id);
            place(row.id.as_ref()).zip(place(Some(&own.id))).is_some_and(|(its, own)| its < own)
        };
        let is_next = |row: &Deploy| {
            let times = self.read_rows.created_of(row).zip(own.created);
            let is_newer = times.map_or_else(|| is_first(row), |(its, own)| its > own);
            let is_asked_for = own.pins.contradicted_by(row, policy.server_started_at).is_none();
            let is_same = row.kind() == kind && is_asked_for;
            is_newer && is_same && self.read_rows.is_another_of(workflow, &own.followed_before, row)
        };
        rows.iter().any(is_next)
    }

    /// Drops the newest row if it is of another component, as the deploy's detail has now shown. Which is the newest is then
    /// read again.
    pub(super) fn drop_stranger(&mut self, own: &Own) {
        if self.newest.take_if(|newest| own.is_of_another(newest)).is_some() {
            (self.newest_by, self.reads) = (ShownBy::default(), RivalReads::default());
        }
    }

    /// Records that the newest row deploys something, as far as can be known.
    pub(super) fn note_deploying(&mut self, own: &Own) {
        self.reads.deploying = self.newer_than(own).and_then(|row| row.id.clone());
    }

    /// Records that the workflow of the newer row does not exist.
    pub(super) fn lose_workflow(&mut self, own: &Own) {
        match (self.newest_by.latest, self.reads.latest) {
            (true, _) => self.note_deploying(own),
            (false, true) => self.pass_over(own, false),
            (false, false) => self.reads.without_workflow = self.newer_than(own).and_then(|row| row.id.clone()),
        }
    }

    /// Records that the newer row deploys nothing, or that its workflow does not exist, and takes the newest of the others.
    pub(super) fn pass_over(&mut self, own: &Own, only_plans: bool) {
        if let Some(rival) = self.newer_than(own).and_then(|row| row.id.clone()) {
            match only_plans {
                true => self.read_rows.leave_out(rival),
                false => self.read_rows.note_without_workflow(rival),
            }
            match self.reads.rows.clone() {
                Some(rows) => self.accept_rows(own, &rows),
                None => self.reads.newest = Newest::Hidden,
            }
        }
    }

    /// Accepts what the endpoint for the newest deploy shows. It may be a row that deploys nothing, or none at all; but
    /// there is at least the deploy that is followed.
    pub(super) fn accept_latest(&mut self, own: &Own, row: Option<Arc<Deploy>>) {
        self.reads.latest = true;
        match row {
            Some(row) if row.id.as_ref() == Some(&own.id) || self.read_rows.is_deploy(&row) => {
                self.accept_newest(own, Some(row), ShownBy::LATEST);
            }
            Some(_) | None => self.reads.newest = Newest::Hidden,
        }
    }

    /// Accepts rows, of which the first that deploys something is the newest.
    pub(super) fn accept_rows(&mut self, own: &Own, rows: &[Deploy]) {
        self.read_rows.note_rows(rows);
        let newest = rows.iter().find(|row| self.read_rows.is_deploy(row) && !own.is_of_another(row)).cloned();
        let place = rows.iter().position(|row| row.id.as_ref() == Some(&own.id));
        // The newest come first, so that what comes after the followed deploy is not newer, even without a time.
        for row in place.into_iter().flat_map(|place| &rows[place + 1..]).filter(|row| row.created_at.is_none()) {
            self.read_rows.note_older(row);
        }
        let with_own = place.is_some();
        self.accept_newest(own, newest.map(Arc::new), ShownBy { latest: false, with_own });
    }

    /// Accepts the row that an answer shows as the newest. Neither a lagging replica nor a row without a time revokes what
    /// the server has shown before.
    pub(super) fn accept_newest(&mut self, own: &Own, row: Option<Arc<Deploy>>, by: ShownBy) {
        let id = |row: &Option<Arc<Deploy>>| row.as_ref().and_then(|row| row.id.clone());
        self.read_rows.note_rows(row.as_deref());
        let row = row.filter(|row| !own.is_of_another(row)).map(|row| self.read_rows.completed(row));
        let (was, shown) = (id(&self.newest), id(&row));
        if let Some(row) =
            row.as_ref().filter(|row| row.created_at.zip(own.created).is_some_and(|(its, own)| its < own))
        {
            self.read_rows.note_older(row);
        }
        self.reads.shown |= shown.as_ref() == Some(&own.id);
        let before = self.newest.take().filter(|before| self.read_rows.is_deploy(before));
        let before = before.filter(|before| row.as_ref().is_none_or(|row| stays_newest(own, before, row)));
        let is_outdated = before.is_some() && was == shown;
        self.newest = before.map(|before| self.read_rows.completed(before)).or(row);
        let is = id(&self.newest);
        let if_same = |other: Option<DeployId>, by: ShownBy| if is == other { by } else { ShownBy::default() };
        self.newest_by = if_same(was, self.newest_by).or(if_same(shown.clone(), by));
        if is == shown && !is_outdated {
            self.reads.newest_read = shown;
        }
        let other = self.newest.clone().filter(|newest| newest.id.as_ref() != Some(&own.id));
        self.reads.newest = other.map_or(Newest::None, Newest::Row);
    }
}

/// Returns whether a row that was shown as the newest still is, after another was shown.
fn stays_newest(own: &Own, before: &Deploy, row: &Deploy) -> bool {
    if before.id == row.id {
        return is_earlier(row, before);
    }
    let is_own = |row: &Deploy| row.id.as_ref() == Some(&own.id);
    let created = |row: &Deploy| row.created_at.or(own.created.filter(|_| is_own(row)));
    match created(before).zip(created(row)) {
        Some((before, row)) => before > row,
        // The earlier row stays if it is newer than the followed deploy, or if that is shown again and no time says
        // that the row is older. If the followed deploy has no time, the row that was shown last counts.
        None => own.created.is_some() && (before.created_at > own.created || is_own(row)),
    }
}
