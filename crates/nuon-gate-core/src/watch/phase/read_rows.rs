//! What polls have read about rows. A later answer that omits something does not remove it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Deploy;
use crate::pins::{Baseline, Pins};
use crate::{DeployId, InstallId, Judgement, Kind, RemoteText, Rules, WorkflowId};

/// What earlier answers said about rows.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadRows {
    /// The rows that are not waited for: they deploy nothing, or had ended before the wait began.
    left_out: HashSet<DeployId>,
    /// The workflows that only make plans, and so do all their rows.
    planning: HashSet<WorkflowId>,
    /// The rows that count as such in this decision, because their workflow does not exist. That may be a replica that lags.
    without_workflow: HashSet<DeployId>,
    /// The rows that are not newer than the followed deploy, or than the baseline. A row whose later answer lacks the time is
    /// still not newer.
    older: HashSet<DeployId>,
    /// What rows have said that a later answer may leave out.
    known: HashMap<DeployId, Known>,
    /// The deploy that what is waited for has to be newer than.
    baseline: Option<DeployId>,
    /// The number of the poll under way, to which [`Said`] belongs.
    poll: u32,
    baseline_fate: BaselineFate,
}

/// Whether the baseline's workflow can retry it.
#[derive(Debug, Clone, Default)]
enum BaselineFate {
    /// No row has shown the baseline.
    #[default]
    Unread,
    /// It had passed, or names no workflow.
    Final,
    /// Its workflow can retry it.
    RetriedIn(WorkflowId),
}

/// What a row has said.
#[derive(Debug, Clone)]
struct Known {
    deploys: bool,
    workflow: Option<WorkflowId>,
    created: Option<Timestamp>,
    /// The install's component: an answer about the newest deploy may be about another's.
    part: Option<RemoteText>,
    said: Said,
}

/// What the answers of one poll say about whose deploy a row is, and what it does. Neither ever changes.
#[derive(Debug, Clone, Default)]
struct Said {
    poll: u32,
    deploys: Option<bool>,
    kind: Option<Kind>,
    workflow: Option<WorkflowId>,
    part: Option<RemoteText>,
    install: Option<InstallId>,
    is_contradicted: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self { deploys: true, workflow: None, created: None, part: None, said: Said::default() }
    }
}

impl Said {
    /// Adds another answer. A detail without a type is an apply's; a list may leave the type out.
    fn add(&mut self, row: &Deploy, is_detail: bool) {
        let says_its_type = row.install_deploy_type.is_some() || is_detail;
        let kind = row.kind().filter(|_| says_its_type);
        self.is_contradicted |= differs(&mut self.deploys, Some(row.kind().is_some()))
            | differs(&mut self.kind, kind)
            | differs(&mut self.workflow, row.workflow().cloned())
            | differs(&mut self.part, row.install_component_id.clone().filter(|part| !part.is_blank()))
            | differs(&mut self.install, row.install_id.clone());
    }
}

/// Keeps what is said first, and returns whether something else is said.
fn differs<T: PartialEq>(before: &mut Option<T>, now: Option<T>) -> bool {
    let Some(now) = now else { return false };
    match before {
        Some(before) => *before != now,
        None => {
            *before = Some(now);
            false
        }
    }
}

impl ReadRows {
    /// Starts with what the pins imply.
    pub(super) fn by(pins: &Pins) -> Self {
        let baseline = match &pins.after {
            Some(Baseline::Deploy(id) | Baseline::Known(id, _) | Baseline::Seen { deploy: id, .. }) => Some(id.clone()),
            Some(Baseline::NoneAt(_)) | None => None,
        };
        Self { older: baseline.clone().into_iter().collect(), baseline, ..Self::default() }
    }

    /// Keeps what still counts in a new search. Which rows are older does not: it depends on the deploy that was followed.
    pub(super) fn searching_on(self, pins: &Pins) -> Self {
        Self {
            left_out: self.left_out,
            planning: self.planning,
            without_workflow: self.without_workflow,
            known: self.known,
            baseline_fate: self.baseline_fate,
            poll: self.poll,
            ..Self::by(pins)
        }
    }

    /// Returns whether a row is a deploy, and is not known to deploy nothing.
    pub(super) fn is_deploy(&self, row: &Deploy) -> bool {
        deploys(row) && row.id.as_ref().is_some_and(|id| self.counts(id, self.workflow_of(row)))
    }

    /// Returns whether a row that says that it is a deploy counts as one.
    fn counts(&self, id: &DeployId, workflow: Option<&WorkflowId>) -> bool {
        let is_plan = workflow.is_some_and(|own| self.planning.contains(own));
        !is_plan && !self.left_out.contains(id) && !self.without_workflow.contains(id)
    }

    /// Returns whether a row retries the baseline: it is newer, but not what was triggered after that.
    pub(super) fn retries_baseline(&self, row: &Deploy) -> bool {
        matches!(&self.baseline_fate, BaselineFate::RetriedIn(workflow) if self.workflow_of(row) == Some(workflow))
    }

    /// Returns whether it is not known whether a row retries the baseline.
    pub(super) fn may_retry_baseline(&self, row: &Deploy) -> bool {
        let is_unread = matches!(self.baseline_fate, BaselineFate::Unread);
        self.baseline.is_some() && is_unread && self.workflow_of(row).is_some()
    }

    fn note_baseline(&mut self, row: &Deploy) {
        if row.id.is_some() && row.id == self.baseline {
            let has_passed = Rules::default().judge_deploy(row) == Judgement::Passed;
            let workflow = self.workflow_of(row).filter(|_| !has_passed).cloned();
            self.baseline_fate = workflow.map_or(BaselineFate::Final, BaselineFate::RetriedIn);
        }
    }

    /// Returns whether an answer has shown a newer deploy than a row, of another workflow.
    pub(super) fn has_newer_than(&self, row: &Deploy) -> bool {
        self.has_newer_where(row, |_| true)
    }

    /// Returns whether an answer has shown one whose time of creation fits.
    pub(super) fn has_newer_where(&self, row: &Deploy, fits: impl Fn(Timestamp) -> bool) -> bool {
        let (Some(created), workflow) = (self.created_of(row), self.workflow_of(row)) else { return false };
        let part = row.install_component_id.as_ref();
        self.known.iter().any(|(id, known)| {
            let is_other =
                row.id.as_ref() != Some(id) && (known.workflow.is_none() || known.workflow.as_ref() != workflow);
            let is_deploy = known.deploys && self.counts(id, known.workflow.as_ref());
            let is_stranger = known.part.as_ref().zip(part).is_some_and(|(its, own)| its != own);
            is_other && is_deploy && !is_stranger && known.created.is_some_and(|its| its > created && fits(its))
        })
    }

    /// Returns whether a row is known to be older.
    pub(super) fn is_older(&self, row: &Deploy) -> bool {
        row.id.as_ref().is_some_and(|id| self.older.contains(id))
    }

    /// Returns the workflow that a row names, or named before.
    pub(super) fn workflow_of<'a>(&'a self, row: &'a Deploy) -> Option<&'a WorkflowId> {
        row.workflow().or_else(|| self.known.get(row.id.as_ref()?)?.workflow.as_ref())
    }

    /// Returns when a row was created, as it says, or said before.
    pub(super) fn created_of(&self, row: &Deploy) -> Option<Timestamp> {
        row.created_at.or_else(|| self.known.get(row.id.as_ref()?)?.created)
    }

    /// Returns the row with what it has said before and leaves out now.
    pub(super) fn completed(&self, row: Arc<Deploy>) -> Arc<Deploy> {
        let (created, workflow) = (self.created_of(&row), self.workflow_of(&row).cloned());
        if created == row.created_at && workflow.as_ref() == row.workflow() {
            return row;
        }
        let workflow_id = row.workflow_id.clone().or(workflow);
        Arc::new(Deploy { created_at: created, workflow_id, ..(*row).clone() })
    }

    /// Returns whether a row is a deploy of a workflow, and none of these.
    pub(super) fn is_another_of(&self, workflow: &WorkflowId, these: &[DeployId], row: &Deploy) -> bool {
        let is_one = row.id.as_ref().is_none_or(|id| these.contains(id));
        !is_one && self.workflow_of(row) == Some(workflow) && self.is_deploy(row)
    }

    pub(super) fn leave_out(&mut self, id: DeployId) {
        self.left_out.insert(id);
    }

    pub(super) fn note_planning(&mut self, workflow: WorkflowId) {
        self.planning.insert(workflow);
    }

    pub(super) fn note_without_workflow(&mut self, id: DeployId) {
        self.without_workflow.insert(id);
    }

    /// Another poll begins, which may go on with one that took too many requests.
    pub(super) fn begin_poll(&mut self, goes_on: bool) {
        if !goes_on {
            self.without_workflow.clear();
            self.forget_said();
        }
    }

    /// Another poll begins, whose answers are compared with each other alone.
    pub(super) fn forget_said(&mut self) {
        self.poll += 1;
    }

    /// Returns whether the answers of this poll contradict each other about a deploy.
    pub(super) fn is_contradicted(&self, id: &DeployId) -> bool {
        self.known.get(id).is_some_and(|known| known.said.poll == self.poll && known.said.is_contradicted)
    }

    pub(super) fn note_older(&mut self, row: &Deploy) {
        self.older.extend(row.id.clone());
    }

    pub(super) fn note_rows<'a>(&mut self, rows: impl IntoIterator<Item = &'a Deploy>) {
        for row in rows {
            self.note(row, false);
        }
    }

    /// Records what a row says, be it its detail or not.
    pub(super) fn note(&mut self, row: &Deploy, is_detail: bool) {
        let Some(id) = &row.id else { return };
        let known = self.known.entry(id.clone()).or_default();
        known.deploys &= deploys(row);
        known.workflow = known.workflow.take().or_else(|| row.workflow().cloned());
        known.created = known.created.or(row.created_at);
        known.part = known.part.take().or_else(|| row.install_component_id.clone());
        if known.said.poll != self.poll {
            known.said = Said { poll: self.poll, ..Said::default() };
        }
        known.said.add(row, is_detail);
        self.note_baseline(row);
    }
}

/// Returns whether a row does more than plan, as far as it says itself: two statuses end plans alone (`docs/nuon-api.md`,
/// "Statuses").
fn deploys(row: &Deploy) -> bool {
    row.kind().is_some() && !matches!(row.current_status().as_str(), "drifted" | "no-drift")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_search_does_not_compare_answers_of_different_polls() {
        let row = |workflow: &str| -> Deploy {
            serde_json::from_str(&format!(r#"{{"id": "dpl1", "workflow_id": "{workflow}"}}"#)).unwrap()
        };
        let id = "dpl1".parse().unwrap();
        let mut rows = ReadRows::default();
        rows.begin_poll(false);
        rows.note_rows([&row("inw1")]);
        rows = rows.searching_on(&Pins::default());
        rows.begin_poll(false);
        rows.note_rows([&row("inw2")]);
        assert!(!rows.is_contradicted(&id));
        rows = rows.searching_on(&Pins::default());
        rows.note_rows([&row("inw3")]);
        assert!(rows.is_contradicted(&id), "the same poll goes on");
    }
}
