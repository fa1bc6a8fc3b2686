//! The search for the deploy that is waited for.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Decision, End, Follow, Held, LAG, Move, Note, Past, Phase, Policy, ReadRows, Recurs, SearchPins,
    component_list_request, deploy_request, install_list_request, is_cut_off, known_baseline, latest_request, rows_of,
    workflow_request,
};
use crate::api::{ApiError, Depth, Fact, Request};
use crate::cause::{Cause, Mismatch, Unmatched};
use crate::hold::Behind;
use crate::model::{Deploy, Workflow, WorkflowEnd};
use crate::pins::{Baseline, Pins};
use crate::watch::freshness::is_earlier;
use crate::watch::settings::Mode;
use crate::{DeployId, Hold, Moment, Target, WorkflowId};

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

    pub(super) fn has_answered(&self, request: &Request) -> bool {
        match request {
            Request::Install(_) | Request::InstallComponent(..) => self.exists,
            Request::Workflow(..) => self.workflow_answered,
            _ => false,
        }
    }

    pub(super) fn on_fact(
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
    pub(super) fn does_without(&mut self, request: &Request, policy: &Policy<'_>) -> bool {
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
        let follow = Follow::matched(id, row, pins, past, place == Place::Newest).found_by(self.search_pins);
        let seen = self.newest.clone().filter(|row| row.id.as_ref() == Some(follow.id()));
        let follow = follow.having_read(self.read_rows).after_row(self.newest);
        Move::Follow(Box::new(follow.not_older_than(seen.as_deref(), policy.now)))
    }

    pub(super) fn decide(&self, policy: &Policy<'_>) -> Decision {
        match self.missing(policy) {
            Some(request) => Decision::Need(request),
            None => self.not_found(policy),
        }
    }

    /// Returns what has to be read before it is certain that nothing matches.
    fn missing(&self, policy: &Policy<'_>) -> Option<Request> {
        let target = policy.target;
        if let Some(Baseline::Deploy(id)) = &self.search_pins.pins().after {
            return Some(deploy_request(target, id));
        }
        match self.reads.latest {
            Latest::Unread if policy.by_install_list && !self.reads.install_list && !self.is_beyond_install_list => {
                return Some(install_list_request(target));
            }
            Latest::Unread => return Some(latest_request(target, Depth::Usual)),
            Latest::Read if self.reads.likely.is_some() => return Some(component_list_request(target)),
            Latest::None if !self.exists && !self.reads.install => {
                return Some(Request::Install(target.install.clone()));
            }
            Latest::None if !self.exists => {
                return Some(Request::InstallComponent(target.install.clone(), target.component.clone()));
            }
            // That nothing is there a lagging replica may say as well, so it is asked again, but not in every poll.
            Latest::None if !self.reads.deep && (policy.wide || !self.read_deep) => {
                return Some(latest_request(target, Depth::Page));
            }
            // A row that matches may be older than one that does not. The list can lag, so it is read again, but not in
            // every poll.
            Latest::Read
                if !self.reads.component_list
                    && (policy.wide || self.unmatched_at_list.as_ref() != self.newest_unmatched()) =>
            {
                return Some(component_list_request(target));
            }
            Latest::Missed if !self.reads.component_list => return Some(component_list_request(target)),
            Latest::Missed | Latest::None | Latest::Read => {}
        }
        let source = self.search_pins.pins().workflow.as_ref()?;
        match &self.reads.workflow {
            None => Some(workflow_request(target, source)),
            // The deploy may have appeared between the two reads.
            Some(workflow) if workflow.end().is_some() && !self.reads.component_list_last => {
                Some(component_list_request(target))
            }
            Some(_) => None,
        }
    }

    fn not_found(&self, policy: &Policy<'_>) -> Decision {
        let (Some(workflow), Some(id)) = (&self.reads.workflow, &self.search_pins.pins().workflow) else {
            return Decision::Hold(Hold::NotStarted);
        };
        if workflow.is_plan_only() {
            return Decision::End(End::rejected(Cause::PlanOnlyWorkflow(id.clone())));
        }
        let Some(end) = workflow.end().filter(|_| !self.is_workflow_shown) else {
            return Decision::Hold(Hold::NotStarted);
        };
        let since = Held::behind_since(self.held.as_ref(), policy.now);
        let has_lasted = match policy.settings.mode {
            Mode::Wait => policy.now >= since + LAG,
            Mode::Once => policy.has_stood_long(workflow),
        };
        // If the workflow has deployed something, the list of rows may just be out of date.
        let may_be_ahead = !workflow.deploys().is_empty() || end == WorkflowEnd::Succeeded;
        if may_be_ahead && !has_lasted {
            return Decision::Hold(Hold::Behind(Behind::NoRow(end)));
        }
        let step = workflow.failed_step();
        Decision::End(End::Otherwise(end.verdict(), Cause::NeverDeployed { end, step, replaced: None }))
    }
}
