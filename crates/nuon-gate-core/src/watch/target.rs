//! The watch over one target: its polls, its phase, and its story for the report.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::errors::{About, Handling, handle};
use super::event::EventKind;
use super::phase::{Basis, Closing, Decision, End, Follow, Note, Phase, Policy, Search, decide, decide_now};
use super::poller::Poller;
use super::shared::Shared;
use crate::api::{ErrorClass, Fact, Reply};
use crate::cause::{Standing, StoppedBy, Warning};
use crate::history::History;
use crate::model::{Deploy, Status};
use crate::report::TargetReport;
use crate::schedule::{Observed, Schedule};
use crate::timeline::{Stay, time_in_each_status, timeline};
use crate::{
    ApiError, ApprovalPlace, Cause, Clock, DeployId, Hold, Judgement, Kind, MatchedBy, Moment, Pins, Request, Target,
    Verdict,
};

/// What is beside the deploy (its workflow, what is newer) is read at every third poll while nothing depends on it.
const BESIDE: u32 = 3;

/// A poll that needs more requests than this is broken off: whatever a server says, it is not asked without pause.
const MOST_REQUESTS: u32 = 12;

#[derive(Debug)]
pub(super) struct TargetWatch {
    index: usize,
    target: Target,
    /// The ids that the user named, so that what is not found is their mistake.
    pins: Pins,
    poller: Poller,
    phase: Phase,
    story: Story,
}

/// What a report says besides the end.
#[derive(Debug)]
struct Story {
    began: Moment,
    deploy: Option<Arc<Deploy>>,
    matched_by: Option<MatchedBy>,
    seen: Vec<(Status, Moment)>,
    unrecognised: HashSet<Status>,
    replaced: Vec<DeployId>,
    superseded_by: Option<DeployId>,
    /// That there is none yet has been reported.
    told_not_started: bool,
    told_hold: Option<Hold>,
    approval: Option<ApprovalPlace>,
    warnings: Vec<Warning>,
    end: Option<(Moment, End)>,
    /// The end has not been counted yet.
    is_ending: bool,
}

impl TargetWatch {
    pub(super) fn new(index: usize, target: Target, pins: Pins, schedule: Schedule, now: Moment) -> Self {
        let phase = match pins.deploy.clone() {
            Some(id) => Phase::Following(Follow::named(id, pins.clone())),
            None => Phase::Searching(Search::new(pins.clone())),
        };
        Self::in_phase(index, target, pins, schedule, now, phase)
    }

    /// Follows this deploy from the beginning, although it was not pinned by its id.
    pub(super) fn following(
        index: usize,
        target: Target,
        pins: Pins,
        schedule: Schedule,
        now: Moment,
        deploy: DeployId,
    ) -> Self {
        let phase = Phase::Following(Follow::named(deploy, pins.clone()));
        Self::in_phase(index, target, pins, schedule, now, phase)
    }

    fn in_phase(index: usize, target: Target, pins: Pins, schedule: Schedule, now: Moment, phase: Phase) -> Self {
        let story = Story {
            began: now,
            deploy: None,
            matched_by: None,
            seen: Vec::new(),
            unrecognised: HashSet::new(),
            replaced: Vec::new(),
            superseded_by: None,
            told_not_started: false,
            told_hold: None,
            approval: None,
            warnings: Vec::new(),
            end: None,
            is_ending: false,
        };
        Self { index, target, pins, poller: Poller::new(schedule, now), phase, story }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn poller_mut(&mut self) -> &mut Poller {
        &mut self.poller
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.story.end.as_ref().map(|(_, end)| end.verdict())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.story.end.is_some()
    }

    /// Says once that the target has ended.
    pub(super) fn take_ending(&mut self) -> bool {
        std::mem::take(&mut self.story.is_ending)
    }

    /// Tells whether a deploy is, or was before it was replaced, the one that is followed.
    pub(super) fn has_followed(&self, deploy: &DeployId) -> bool {
        let is_followed = matches!(&self.phase, Phase::Following(follow) if follow.id() == deploy);
        let was_last = self.story.deploy.as_ref().is_some_and(|own| own.id.as_ref() == Some(deploy));
        is_followed || was_last || self.story.replaced.contains(deploy)
    }

    // Its clocks.

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self) -> bool {
        match &self.phase {
            Phase::Searching(search) => search.awaits_start(),
            _ => false,
        }
    }

    /// Returns when something last changed, for the stall clock.
    pub(super) fn last_change(&self) -> Moment {
        self.story.seen.last().map_or(self.story.began, |(_, at)| *at)
    }

    /// Returns since when a human is asked, for the approval clock.
    pub(super) fn asked_since(&self) -> Option<Moment> {
        match &self.phase {
            Phase::Following(follow) => follow.asked_since().map(|(since, _)| since),
            _ => None,
        }
    }

    // Its polls.

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self, now: Moment, shared: &mut Shared) {
        self.phase.begin_poll();
        match self.decide(now, shared, self.poller.polls() + 1) {
            Decision::Need(request) => self.poller.begin(request, now),
            // Whatever the phase, nothing has been read yet, so something is needed.
            Decision::Hold(_) => self.poller.over(now, Observed::Nothing),
            Decision::End(end) => self.conclude(end, now, shared),
        }
    }

    fn decide(&self, now: Moment, shared: &Shared, polls: u32) -> Decision {
        decide(&self.phase, &policy(&self.target, now, shared, polls))
    }

    /// Takes in what came of a request, and returns the error if it has to be sent again.
    pub(super) fn reply(
        &mut self,
        now: Moment,
        request: &Request,
        reply: Reply,
        shared: &mut Shared,
    ) -> Option<ApiError> {
        if self.has_ended() || self.poller.request() != Some(request) {
            return None;
        }
        let outcome = match reply {
            Ok(answer) => {
                self.poller.good(request);
                self.take(now, request, answer.fact, shared)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = outcome
            && !self.on_error(now, request, &error, shared)
        {
            return Some(error);
        }
        if !self.has_ended() {
            self.proceed(now, shared);
        }
        None
    }

    fn take(&mut self, now: Moment, request: &Request, fact: Fact, shared: &mut Shared) -> Result<(), ApiError> {
        if let Fact::Dashboard(dashboard) = fact {
            shared.dashboard_came(dashboard);
            return Ok(());
        }
        let policy = policy(&self.target, now, shared, self.poller.polls());
        let notes = self.phase.on_fact(request, fact, &policy)?;
        self.tell(notes, now, shared);
        Ok(())
    }

    /// Deals with an error, and tells whether the poll goes on all the same.
    fn on_error(&mut self, now: Moment, request: &Request, error: &ApiError, shared: &mut Shared) -> bool {
        let searching = matches!(self.phase, Phase::Searching(_));
        if !(searching && matches!(request, Request::Install(_))) && shared.side_missed(request) {
            return true;
        }
        let about = About {
            exists: self.phase.has_answered(request) || shared.answered_at(request).is_some(),
            is_own: self.phase.is_identified(request),
            named: match request {
                Request::Deploy(_, _, id) => self.pins.deploy.as_ref() == Some(id),
                Request::Workflow(_, id) => self.pins.workflow.as_ref() == Some(id),
                _ => false,
            },
            own_workflow: matches!(request, Request::Workflow(_, id) if self.pins.workflow.as_ref() != Some(id)),
        };
        // What deploys nothing supersedes nothing; but where that changes nothing, it need not be known.
        let polls = self.poller.polls();
        let of_rival = matches!(request, Request::Workflow(..));
        if of_rival && self.phase.does_without(request, &policy(&self.target, now, shared, polls)) {
            return true;
        }
        match handle(&mut self.poller, now, error, request, about, shared) {
            Handling::Retry => {
                let is_passing = matches!(error.class(), ErrorClass::Transient | ErrorClass::Foreign);
                let policy = policy(&self.target, now, shared, polls);
                let goes_on = is_passing && self.phase.does_without(request, &policy);
                if !goes_on {
                    self.poller.failed(now, error.clone());
                }
                return goes_on;
            }
            Handling::NoWorkflow => {
                if let (Phase::Following(follow), Request::Workflow(_, id)) = (&mut self.phase, request)
                    && follow.lose_workflow(id)
                {
                    self.warn(Warning::NoWorkflow(error.clone()), now, shared);
                }
            }
            Handling::Reject(cause) => self.conclude(End::Otherwise(Verdict::Rejected, cause), now, shared),
            Handling::Refuse(refusal) => self.conclude(End::Refused(refusal), now, shared),
        }
        true
    }

    /// Goes on with what follows from what has been read.
    fn proceed(&mut self, now: Moment, shared: &mut Shared) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        let (phase, notes) = phase.advance(&policy(&self.target, now, shared, self.poller.polls()));
        self.phase = phase;
        self.tell(notes, now, shared);
        match self.decide(now, shared, self.poller.polls()) {
            Decision::Need(request) if self.poller.requests() < MOST_REQUESTS => self.poller.need(request),
            Decision::Need(_) => self.poller.over(now, Observed::Nothing),
            Decision::Hold(hold) => self.hold(&hold, now, shared),
            Decision::End(end) => self.conclude(end, now, shared),
        }
    }

    fn hold(&mut self, hold: &Hold, now: Moment, shared: &mut Shared) {
        let before = self.phase.hold();
        self.phase.note_hold(hold.clone(), now);
        self.tell_hold(hold, now, shared);
        if let Hold::Settling(until) = *hold {
            return self.poller.over_until(now, until);
        }
        let changed = match &self.phase {
            Phase::Following(follow) => follow.has_changed(),
            _ => false,
        };
        // What may be over in a moment is polled again soon.
        let soon = matches!(hold, Hold::Approval(_) | Hold::Behind(_)) && !before.is_same(hold);
        let observed = if changed || soon { Observed::Change } else { Observed::Nothing };
        self.poller.over(now, observed);
    }

    // What is reported.

    fn tell_hold(&mut self, hold: &Hold, now: Moment, shared: &mut Shared) {
        let target = self.index;
        if matches!(hold, Hold::NotStarted) && !std::mem::replace(&mut self.story.told_not_started, true) {
            shared.emit(now, EventKind::NotStarted { target });
        }
        if *hold == Hold::Outdated {
            return;
        }
        let is_new = self.story.told_hold.as_ref().is_none_or(|told| !told.is_same(hold));
        self.story.told_hold = Some(hold.clone());
        if hold.keeps_back()
            && is_new
            && let Some(status) = self.status().cloned()
        {
            shared.emit(now, EventKind::Held { target, status, hold: hold.clone() });
        }
        self.tell_approval(now, shared);
    }

    /// Reports once that a human is asked, when it is certain.
    fn tell_approval(&mut self, now: Moment, shared: &mut Shared) {
        let place = match &self.phase {
            Phase::Following(follow) => follow.asked_since().map(|(_, place)| place.clone()),
            _ => None,
        };
        match place {
            Some(place) => self.tell_asked(&place, now, shared),
            None => self.story.approval = None,
        }
    }

    fn tell_asked(&mut self, place: &ApprovalPlace, now: Moment, shared: &mut Shared) {
        if self.story.approval.as_ref() == Some(place) {
            return;
        }
        let url = shared.dashboard().and_then(|dashboard| dashboard.approval(&self.target, place));
        let (workflow, step) = (place.workflow.clone(), place.step.clone());
        shared.emit(now, EventKind::ApprovalNeeded { target: self.index, workflow, step, url });
        self.story.approval = Some(place.clone());
    }

    fn tell(&mut self, notes: Vec<Note>, now: Moment, shared: &mut Shared) {
        for note in notes {
            match note {
                Note::Found { row, by, replaces } => self.tell_found(&row, by, replaces, now, shared),
                Note::Observed(row) => self.tell_change(row, now, shared),
                Note::Superseded { from, to, policy } => {
                    self.story.superseded_by = Some(to.clone());
                    shared.emit(now, EventKind::Superseded { target: self.index, from, to, policy });
                }
                Note::Replaced(id) => {
                    if !self.story.replaced.contains(&id) {
                        self.story.replaced.push(id);
                    }
                }
                Note::Lost => {
                    (self.story.deploy, self.story.matched_by) = (None, None);
                    self.story.seen.clear();
                }
                Note::InstallName(name) => shared.install_name_came(&self.target.install, name),
                Note::Warned(warning) => self.warn(warning, now, shared),
            }
        }
    }

    fn tell_found(
        &mut self,
        row: &Arc<Deploy>,
        by: MatchedBy,
        replaces: Option<DeployId>,
        now: Moment,
        shared: &mut Shared,
    ) {
        self.story.matched_by = Some(by);
        self.story.deploy = Some(row.clone());
        (self.story.told_hold, self.story.approval) = (None, None);
        let status = row.current_status().clone();
        self.story.seen.push((status.clone(), now));
        shared.note_change(now);
        if let Some(deploy) = row.id.clone() {
            let (build, commit) = (row.build_id.clone(), row.commit().map(|commit| commit.line(40)));
            let target = self.index;
            shared.emit(now, EventKind::Found { target, deploy, status, build, commit, matched_by: by, replaces });
        }
        self.warn_of_unknown(row, now, shared);
    }

    fn tell_change(&mut self, row: Arc<Deploy>, now: Moment, shared: &mut Shared) {
        let to = row.current_status().clone();
        let before = self.story.seen.last().cloned().filter(|(from, _)| *from != to);
        if let Some((from, since)) = before {
            self.story.seen.push((to.clone(), now));
            (self.story.told_hold, self.story.approval) = (None, None);
            shared.note_change(now);
            let description = row.description().map(|text| text.line(200)).filter(|text| text != to.as_str());
            if let Some(deploy) = row.id.clone() {
                let target = self.index;
                shared.emit(now, EventKind::Changed { target, deploy, from, to, spent: now - since, description });
            }
        }
        self.warn_of_unknown(&row, now, shared);
        self.story.deploy = Some(row);
    }

    fn warn_of_unknown(&mut self, row: &Deploy, now: Moment, shared: &mut Shared) {
        let status = row.current_status();
        if shared.settings().rules.is_unrecognised(status) && self.story.unrecognised.insert(status.clone()) {
            self.warn(Warning::UnknownStatus(status.clone()), now, shared);
        }
    }

    fn warn(&mut self, warning: Warning, now: Moment, shared: &mut Shared) {
        self.story.warnings.push(warning.clone());
        shared.emit(now, EventKind::Warned { target: Some(self.index), warning });
    }

    fn status(&self) -> Option<&Status> {
        self.story.deploy.as_deref().map(Deploy::current_status)
    }

    /// Returns the deploy's status and how long it was seen in it, for a heartbeat.
    pub(super) fn pulse(&self, now: Moment) -> (usize, Option<Status>, Duration) {
        (self.index, self.status().cloned(), now - self.last_change())
    }

    // How it ends.

    /// Ends the target, once.
    pub(super) fn conclude(&mut self, end: End, now: Moment, shared: &mut Shared) {
        if self.has_ended() {
            return;
        }
        if let End::Refused(refusal) = &end {
            shared.refuse(refusal.clone());
        } else {
            self.tell_last_approval(&end, now, shared);
            let (verdict, cause) = (end.verdict(), end.cause().cloned());
            shared.emit(now, EventKind::Ended { target: Some(self.index), verdict, cause });
        }
        self.poller.give_up();
        self.story.end = Some((now, end));
        self.story.is_ending = true;
    }

    /// A plan that waits for a human can be what ends the target.
    fn tell_last_approval(&mut self, end: &End, now: Moment, shared: &mut Shared) {
        match end {
            End::Otherwise(_, Cause::ApprovalNeeded(place)) => self.tell_asked(place, now, shared),
            End::Passed(proof) => {
                if let Basis::Approval(place) = proof.basis() {
                    self.tell_asked(place, now, shared);
                    self.warn(Warning::NotApproved, now, shared);
                }
            }
            End::Otherwise(..) | End::Refused(_) => {}
        }
    }

    /// Ends the target because there is no time left.
    pub(super) fn close(&mut self, closing: &Closing<'_>, now: Moment, shared: &mut Shared) {
        let standing = self.standing(now, shared);
        let policy = policy(&self.target, now, shared, self.poller.polls());
        let end = decide_now(&self.phase, &policy, closing, standing);
        self.conclude(end, now, shared);
    }

    /// Ends the target because a limit on time ran out.
    pub(super) fn ring(&mut self, clock: Clock, length: Duration, now: Moment, shared: &mut Shared) {
        let error = self.poller.last_error().cloned();
        let ever_answered = shared.health.ever_good();
        self.close(&Closing::Limit { clock, length, error: error.as_ref(), ever_answered }, now, shared);
    }

    /// Ends the target because the watch stops.
    pub(super) fn stop(&mut self, by: StoppedBy, now: Moment, shared: &mut Shared) {
        let error = self.poller.last_error().cloned();
        // A pending deploy is pending whatever else could not be read; how one has ended is not known then.
        let is_open = self
            .status()
            .is_some_and(|status| shared.settings().rules.judge(status, Kind::Apply) == Judgement::Pending);
        let unanswered = !is_open && (error.is_some() || self.story.deploy.is_none() && !self.story.told_not_started);
        let late = ApiError::Timeout(shared.settings().request_timeout);
        let error = (unanswered && shared.is_once()).then(|| error.unwrap_or(late));
        self.close(&Closing::Stopped(by, error.as_ref()), now, shared);
    }

    /// Says where the deploy stands and where its time went.
    fn standing(&self, now: Moment, shared: &Shared) -> Standing {
        let Some(status) = self.status().cloned() else {
            return match &self.phase {
                Phase::Searching(search) => search.unmatched().cloned().map_or(Standing::Nothing, Standing::Unmatched),
                _ => Standing::Nothing,
            };
        };
        let stays = self.timeline(now, shared);
        let spent = stays.last().and_then(|stay| stay.duration);
        let each = (stays.len() > 1).then(|| time_in_each_status(&stays));
        Standing::Deploy { status, spent, each, hold: self.phase.hold() }
    }

    fn timeline(&self, now: Moment, shared: &Shared) -> Vec<Stay> {
        let Some(deploy) = &self.story.deploy else { return Vec::new() };
        let seen: Vec<(Status, Timestamp)> =
            self.story.seen.iter().map(|(status, at)| (status.clone(), shared.wall(*at))).collect();
        let judgement = shared.settings().rules.judge_deploy(deploy);
        timeline(deploy, &seen, judgement.is_final(), shared.wall(now))
    }

    pub(super) fn report(&self, now: Moment, shared: &Shared) -> TargetReport {
        let end = self.story.end.as_ref();
        let matched_by = self.story.matched_by.filter(|_| self.story.deploy.is_some());
        let workflow = self.story.deploy.as_ref().and_then(|deploy| deploy.workflow().cloned());
        TargetReport {
            target: self.target.clone(),
            install_name: shared.install_name(&self.target.install).cloned(),
            verdict: end.map_or(Verdict::Pending, |(_, end)| end.verdict()),
            cause: end.and_then(|(_, end)| end.cause().cloned()),
            proof: end.and_then(|(_, end)| match end {
                End::Passed(proof) => Some(proof.clone()),
                _ => None,
            }),
            deploy: self.story.deploy.clone(),
            workflow: workflow.or_else(|| self.pins.workflow.clone()),
            matched_by,
            replaced: self.story.replaced.clone(),
            superseded_by: self.story.superseded_by.clone(),
            approval: self.story.approval.clone(),
            timeline: self.timeline(end.map_or(now, |(at, _)| *at), shared),
            history: History::default(),
            log_tail: Vec::new(),
            log_error: None,
            cancelled: None,
            warnings: self.story.warnings.clone(),
        }
    }
}

fn policy<'a>(target: &'a Target, now: Moment, shared: &'a Shared, polls: u32) -> Policy<'a> {
    Policy {
        settings: shared.settings(),
        target,
        now,
        started_at: shared.server_started_at(),
        beside: polls.is_multiple_of(BESIDE) || shared.is_once(),
        side: shared.side(target),
    }
}
