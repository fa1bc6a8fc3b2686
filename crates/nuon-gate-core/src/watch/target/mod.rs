//! The watch over one target: its polls, and the handling of each answer.

mod answers;
mod asked_plan;
mod record;

use std::time::Duration;

use self::record::Record;
use super::event::Pending;
use super::phase::{Decision, End, Follow, Phase, Policy, Search, StopReason, decide, decide_at_stop};
use super::poller::Poller;
use super::shared::Shared;
use crate::api::{Answer, ApiError, Fact, Reply, Request};
use crate::cause::StoppedBy;
use crate::model::{Deploy, Workflow};
use crate::pins::Pins;
use crate::report::TargetReport;
use crate::schedule::{Observed, Schedule};
use crate::{Clock, DeployId, Hold, Judgement, Moment, StepId, Target, Verdict, WorkflowId};

/// Every third poll is a wide one.
const WIDE: u32 = 3;

/// A poll that needs more requests than this is aborted, so that no answers can make it request without pause. The pages
/// of a list have a bound of their own.
const MOST_REQUESTS: u32 = 12;

/// The watch over one target: the poller reads, the phase decides, the record reports.
#[derive(Debug)]
pub(super) struct TargetWatch {
    /// The ids that the user named: if one is not found, it is a mistake of the user.
    pins: Pins,
    poller: Poller,
    phase: Phase,
    record: Record,
    /// The last poll took too many requests, so the next goes on with it.
    goes_on: bool,
    /// When another poller last read that its deploy has changed.
    overheard_at: Moment,
    /// When a poll last began or ended while its component had to stay healthy, so that no change was expected: the stall clock
    /// counts from then.
    baking_seen_at: Moment,
}

impl TargetWatch {
    /// Watches for a deploy that matches the pins, or follows a deploy that has been seen from the start, although it
    /// was not pinned by its id.
    pub(super) fn new(
        index: usize,
        target: Target,
        pins: Pins,
        seen: Option<&Deploy>,
        schedule: Schedule,
        now: Moment,
    ) -> Self {
        let named = seen.and_then(|seen| seen.id.clone()).or_else(|| pins.deploy.clone());
        let phase = match named.map(|id| Follow::named(id, pins.clone())) {
            Some(follow) => Phase::Following(Box::new(follow.not_older_than(seen, now))),
            None => Phase::Searching(Search::new(pins.clone())),
        };
        let (poller, record) = (Poller::new(schedule, now), Record::new(index, target, now));
        Self { pins, poller, phase, record, goes_on: false, overheard_at: Moment::START, baking_seen_at: Moment::START }
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn poller_mut(&mut self) -> &mut Poller {
        &mut self.poller
    }

    pub(super) fn target(&self) -> &Target {
        self.record.target()
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.record.verdict()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.record.has_ended()
    }

    /// Returns whether it ended before its deploy did: a human is asked, or another deploy came.
    pub(super) fn ended_early(&self) -> bool {
        self.record.ended_early()
    }

    /// Returns the deploy that is followed, as last read.
    pub(super) fn deploy(&self) -> Option<&Deploy> {
        self.record.deploy()
    }

    /// Returns true once, when the target has ended.
    pub(super) fn take_ending(&mut self) -> bool {
        self.record.take_ending()
    }

    fn following(&self) -> Option<&Follow> {
        match &self.phase {
            Phase::Following(follow) => Some(follow),
            _ => None,
        }
    }

    /// Returns whether a deploy is, or was before it was replaced, the one that is followed.
    pub(super) fn has_followed(&self, deploy: &DeployId) -> bool {
        self.following().is_some_and(|follow| follow.id() == deploy) || self.record.has_followed(deploy)
    }

    // Its clocks.

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self, shared: &Shared) -> bool {
        match &self.phase {
            Phase::Searching(search) => search.awaits_start(|id| shared.queues().has_begun(id)),
            _ => false,
        }
    }

    /// Returns when something last changed, for the stall clock. While it baked, nothing was to change.
    pub(super) fn last_change(&self) -> Moment {
        self.record.last_change().max(self.overheard_at).max(self.baking_seen_at)
    }

    /// Returns whether no change is expected, because the component has to stay healthy.
    pub(super) fn is_baking(&self) -> bool {
        matches!(self.phase.hold(), Hold::Baking(_))
    }

    /// Returns since when a human is asked, for the approval clock. Somebody else may have read the answer already.
    pub(super) fn approval_since(&self, shared: &Shared) -> Option<Moment> {
        let follow = self.following()?;
        let (since, place) = follow.approval_since()?;
        shared.is_asked_about(&place.workflow, follow.id()).then_some(since)
    }

    // Its polls.

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self, now: Moment, shared: &mut Shared) {
        self.phase.begin_poll(std::mem::take(&mut self.goes_on));
        let wide = self.is_wide(self.poller.polls() + 1, shared);
        match self.decide(now, shared, wide) {
            Decision::Need(request) => self.poller.begin(request, now),
            // Whatever the phase, nothing has been read yet, so something is needed.
            Decision::Hold(_) => self.poller.over(now, Observed::Nothing),
            Decision::End(end) => self.conclude(end, now, shared),
        }
    }

    /// Begins a poll with an answer that another target requested, if it may poll and needs that answer first. Returns
    /// whether it did.
    pub(super) fn serve(
        &mut self,
        sent: Moment,
        now: Moment,
        request: &Request,
        reply: &Reply,
        shared: &mut Shared,
    ) -> bool {
        if self.poller.polling_since().is_none() && self.poller.may_poll(sent) {
            let goes_on = std::mem::take(&mut self.goes_on);
            self.phase.begin_poll(goes_on);
            let wide = self.is_wide(self.poller.polls() + 1, shared);
            if matches!(self.decide(now, shared, wide), Decision::Need(own) if own == *request) {
                self.poller.begin(request.clone(), sent);
                self.reply((sent, now), request, reply.clone(), shared);
                return true;
            }
            self.goes_on = goes_on;
        }
        // Neither its own poll, if there is one, nor the next passes a deploy that is superseded here.
        if let Ok(Answer { fact: Fact::InstallDeploys(rows), .. }) = reply {
            self.overhear(rows, now);
        }
        false
    }

    /// Learns from rows of its install that something else has read.
    pub(super) fn overhear(&mut self, rows: &[Deploy], now: Moment) {
        if self.phase.overhear(rows, self.record.target(), now) {
            self.overheard_at = now;
        }
    }

    /// Postpones the next poll until then, if the last one has shown nothing new.
    pub(super) fn postpone(&mut self, until: Option<Moment>) {
        let has_changed = self.following().is_some_and(Follow::has_changed);
        if let Some(until) = until.filter(|_| !has_changed) {
            self.poller.postpone(until);
        }
    }

    fn decide(&self, now: Moment, shared: &Shared, wide: bool) -> Decision {
        decide(&self.phase, &policy(&self.record, &self.poller, now, shared, wide))
    }

    /// Returns whether this poll reads everything, even if nothing depends on it.
    fn is_wide(&self, polls: u32, shared: &Shared) -> bool {
        polls.is_multiple_of(WIDE) || shared.is_once() || self.poller.is_hurried()
    }

    fn policy<'a>(&'a self, now: Moment, shared: &'a Shared) -> Policy<'a> {
        policy(&self.record, &self.poller, now, shared, self.is_wide(self.poller.polls(), shared))
    }

    /// Returns the step at work on the deploy that is followed, as its workflow says.
    pub(super) fn step_at_work(&self, workflow: &Workflow) -> Option<StepId> {
        self.following()?.step_at_work(workflow)
    }

    /// Continues with the decision about what has been read.
    fn proceed(&mut self, now: Moment, shared: &mut Shared) {
        let (phase, notes) = self.phase.take().advance(&self.policy(now, shared));
        self.phase = phase;
        self.record.report_notes(notes, now, shared);
        match self.decide(now, shared, self.is_wide(self.poller.polls(), shared)) {
            // A single poll has no other that could go on.
            Decision::Need(request)
                if self.poller.requests() < MOST_REQUESTS || request.is_next_page() || shared.is_once() =>
            {
                self.poller.need(request);
            }
            Decision::Need(_) => {
                self.goes_on = true;
                self.poller.over(now, Observed::Nothing);
            }
            Decision::Hold(hold) => match self.request_for_people(&hold, now, shared) {
                Some(request) => self.poller.need(request),
                None => self.hold(&hold, now, shared),
            },
            Decision::End(end) => self.conclude(end, now, shared),
        }
    }

    /// Returns an optional request, for people.
    fn request_for_people(&mut self, hold: &Hold, now: Moment, shared: &Shared) -> Option<Request> {
        // What still matters is read after the end.
        if shared.is_ending() {
            return None;
        }
        let plan = match hold {
            Hold::Approval(place) => self.record.plan_mut().request(place),
            _ => None,
        };
        let optional = plan.or_else(|| self.queue_request(now, shared));
        optional.or_else(|| self.history_request(hold, now, shared))
    }

    /// Returns the request for the workflow's place in its queue, if it is due: as soon as it is seen to wait, and then
    /// when everything is read.
    fn queue_request(&self, now: Moment, shared: &Shared) -> Option<Request> {
        let is_wide = self.is_wide(self.poller.polls(), shared);
        let workflow = self.workflow().filter(|workflow| is_wide || shared.queues().is_new(workflow))?;
        shared.queue_request(workflow, now)
    }

    /// Returns the request for the earlier deploys, once for each deploy that is followed and running. If one list
    /// serves the whole install, a request for each target would cost too much.
    fn history_request(&mut self, hold: &Hold, now: Moment, shared: &Shared) -> Option<Request> {
        let target = self.record.target();
        let is_worth_it =
            *hold == Hold::InProgress && shared.wants_history() && !shared.install_lists().serves(&target.install, now);
        let request = Request::Earlier(target.install.clone(), target.component.clone());
        (is_worth_it && self.record.begin_history()).then_some(request)
    }

    /// Returns the workflow that runs the deploy, or should.
    pub(super) fn workflow(&self) -> Option<&WorkflowId> {
        self.following().and_then(Follow::own_workflow).or(self.pins.workflow.as_ref())
    }

    /// Returns since when its workflow is known to wait behind others, for the queue clock.
    pub(super) fn queued_since(&self, shared: &Shared) -> Option<Moment> {
        self.workflow().and_then(|workflow| shared.queues().since(workflow))
    }

    /// Ends the poll without a decision: records why, and sets when the next one is due.
    fn hold(&mut self, hold: &Hold, now: Moment, shared: &mut Shared) {
        let before = self.phase.hold();
        if [&before, hold].iter().any(|own| matches!(own, Hold::Baking(_))) {
            self.baking_seen_at = now;
        }
        let wide = self.is_wide(self.poller.polls(), shared);
        self.phase.note_hold(hold.clone(), &policy(&self.record, &self.poller, now, shared, wide));
        let place = self.following().and_then(|follow| follow.approval_since()).map(|(_, place)| place.clone());
        self.record.report_hold(hold, place.as_ref(), now, shared);
        if let Hold::Settling(until) = *hold {
            return self.poller.over_until(now, until);
        }
        let changed = self.following().is_some_and(Follow::has_changed);
        // What may change soon is polled again soon.
        let soon = matches!(hold, Hold::Approval(_) | Hold::Behind(_) | Hold::NewerTry) && !before.is_same(hold);
        let observed = if changed || soon { Observed::Change } else { Observed::Nothing };
        self.poller.over(now, observed);
        if let Hold::Baking(bake) = hold
            && bake.until() > now
        {
            let shortest = shared.settings().intervals.min();
            return self.poller.expect(now, |longest| (bake.until() - now).clamp(shortest.min(longest), longest));
        }
        if let Some((forecast, worked)) = self.record.forecast(now, shared) {
            self.poller.expect(now, |longest| forecast.gap(worked, longest));
        }
    }

    /// Returns its state, for a heartbeat.
    pub(super) fn pending(&self, now: Moment, shared: &Shared) -> Pending {
        self.record.pending(self.phase.hold(), now, shared)
    }

    // How it ends.

    /// Ends the target, once.
    pub(super) fn conclude(&mut self, end: End, now: Moment, shared: &mut Shared) {
        if self.has_ended() {
            return;
        }
        self.poller.give_up();
        self.record.report_end(end, now, shared);
    }

    /// Ends the target because there is no time left.
    fn end_at_stop(&mut self, reason: &StopReason<'_>, now: Moment, shared: &mut Shared) {
        let unmatched = match &self.phase {
            Phase::Searching(search) => search.unmatched(),
            _ => None,
        };
        let standing = self.record.standing(self.phase.hold(), unmatched, now, shared);
        let policy = self.policy(now, shared);
        let end = decide_at_stop(&self.phase, &policy, reason, standing);
        self.record.note_stop(reason.stop());
        self.conclude(end, now, shared);
    }

    /// Ends the target because a limit on time expired.
    pub(super) fn on_limit(&mut self, clock: Clock, length: Duration, now: Moment, shared: &mut Shared) {
        let error = self.poller.last_error().cloned();
        let ever_answered = shared.api_health().ever_good();
        self.end_at_stop(&StopReason::Limit { clock, length, error: error.as_ref(), ever_answered }, now, shared);
    }

    /// Ends the target because the watch stops.
    pub(super) fn stop(&mut self, by: StoppedBy, now: Moment, shared: &mut Shared) {
        let error = self.poller.last_error().cloned();
        // A pending deploy is pending whatever else could not be read. How it has ended is not known otherwise.
        let is_pending = |row: &Deploy| shared.settings().rules.judge_deploy(row) == Judgement::Pending;
        let is_open = self.following().and_then(Follow::known).is_some_and(is_pending);
        let unanswered = !is_open && (error.is_some() || !self.poller.has_polled_since(Moment::START));
        let late = ApiError::Timeout(shared.settings().request_timeout);
        let error = (unanswered && shared.is_once()).then(|| error.unwrap_or(late));
        self.end_at_stop(&StopReason::Stopped(by, error.as_ref()), now, shared);
    }

    /// A refusal ends the whole run. A signal that came first ends the target instead.
    pub(super) fn unrefuse(&mut self, by: StoppedBy, now: Moment, shared: &mut Shared) {
        if self.record.take_refusal() {
            self.stop(by, now, shared);
        }
    }

    pub(super) fn report(&self, now: Moment, shared: &Shared) -> TargetReport {
        let report = self.record.report(self.pins.workflow.as_ref(), now, shared);
        let baked = self.following().zip(shared.settings().healthy_for);
        let health = baked.and_then(|(follow, length)| follow.health_report(length));
        TargetReport { health: health.map(|health| health.proven_by(report.proof.as_ref())), ..report }
    }
}

fn policy<'a>(record: &'a Record, poller: &Poller, now: Moment, shared: &'a Shared, wide: bool) -> Policy<'a> {
    let target = record.target();
    // Only its detail says where its log is. Where that could not be read, the log does not keep the deploy from being read.
    let needs_detail = shared.logs().wants_stream(record.index()) && poller.last_error().is_none();
    let is_served = shared.install_lists().serves(&target.install, now) && !needs_detail;
    Policy {
        settings: shared.settings(),
        target,
        now,
        sent: poller.sent().unwrap_or(now),
        server_started_at: shared.server_started_at(),
        has_server_time: shared.has_server_time(),
        by_install_list: !shared.is_once() && is_served,
        takeovers: shared.takeovers(),
        wide,
        dashboard: shared.dashboard_request(),
    }
}
