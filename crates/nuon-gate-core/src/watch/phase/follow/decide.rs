//! What has to be read before a deploy's status is believed, and the decision.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::advance::can_be_tried_again;
use super::bake::Healthy;
use super::end::step_failed;
use super::{Follow, Newest};
use crate::ApprovalPlace;
use crate::api::{Depth, Request};
use crate::cause::Cause;
use crate::hold::Behind;
use crate::model::{Deploy, Status, Workflow};
use crate::watch::era::Era;
use crate::watch::phase::LAG;
use crate::watch::phase::judged::{Judged, Picture, judged};
use crate::watch::phase::proof::{Basis, Proof};
use crate::watch::phase::{
    Decision, End, Held, Past, Policy, Recurs, StopReason, component_list_request, deploy_request,
    install_list_request, latest_request, past, workflow_request, wrong_kind,
};
use crate::watch::settings::{Mode, OnApproval, OnStale, OnSuperseded};
use crate::watch::takeovers::{Taken, Takeover};
use crate::{Hold, Judgement, Moment, Rules, Verdict};

impl Follow {
    pub(in crate::watch::phase) fn decide(&self, policy: &Policy<'_>) -> Decision {
        match self.decide_unless_stale(policy) {
            Decision::End(_) if !self.own.is_of(policy.target) => self.unidentified(policy),
            // It counts only if what is newer turns out to deploy nothing.
            Decision::End(_) if self.is_past_match(policy) && self.rivals.may_be_outrun(&self.own) => {
                match self.rivals.reads.rows {
                    None => Decision::Need(component_list_request(policy.target)),
                    Some(_) => Decision::Hold(Hold::Outdated),
                }
            }
            // No other poll shows which of the two answers is out of date.
            Decision::End(_) if policy.settings.mode == Mode::Once && self.is_disputed(policy) => {
                Decision::Hold(Hold::Outdated)
            }
            Decision::End(end) => match (self.on_stale(policy), &self.own.known) {
                (Some(OnStale::Fail), Some(row)) => Decision::End(past::refuse(&self.own.id, row, policy)),
                _ if end.verdict() == Verdict::Cancelled => self.unless_taken(end, policy),
                _ => Decision::End(end),
            },
            decision => decision,
        }
    }

    /// A cancelled deploy of a branch's run, whose install a later run took, is left to that run.
    fn unless_taken(&self, cancelled: End, policy: &Policy<'_>) -> Decision {
        let way = self.on_superseded(policy);
        if self.own.pins.branch_run.is_none() || way == OnSuperseded::Ignore {
            return Decision::End(cancelled);
        }
        // That ends the run as well, so that nothing else may be read of it.
        if let Some(Takeover { install, by }) = policy.takeovers.taker(&policy.target.install)
            && way == OnSuperseded::Fail
        {
            let cause = Cause::InstallSuperseded { install: install.clone(), by: by.clone() };
            return Decision::End(End::Otherwise(Verdict::Superseded, cause));
        }
        // The run may lag behind its deploys.
        let asked_until = match &self.held {
            // There is no other poll of the target or of the run.
            _ if policy.settings.mode == Mode::Once => Moment::START,
            Some(Held { hold: Hold::Taken(_), since, .. }) => *since + LAG,
            _ => policy.now + LAG,
        };
        match policy.takeovers.of(&policy.target.install, asked_until) {
            Taken::No => Decision::End(cancelled),
            Taken::Yes(Takeover { by, .. }) => Decision::Hold(Hold::Taken(Some(by.clone()))),
            Taken::Unread => Decision::Hold(Hold::Taken(None)),
        }
    }

    /// Returns what to do with a deploy that had ended before the wait began, if that matters.
    pub(super) fn on_stale(&self, policy: &Policy<'_>) -> Option<OnStale> {
        let past = self.past.filter(|past| self.had_ended(*past, policy))?;
        // Where nothing newer deploys anything, a pinned one is the latest.
        let is_left = self.is_past_match(policy) && self.rivals.superseding(&self.own).is_some();
        (past.recurs().is_none() || is_left).then(|| past.on_stale(policy))
    }

    fn had_ended(&self, past: Past, policy: &Policy<'_>) -> bool {
        self.own.known.as_ref().is_some_and(|row| match Rules::default().judge_deploy(row) {
            Judgement::Pending => past.was_over(self.reads.workflow.as_deref(), policy),
            _ => past.had_ended(self.ended_with(row), policy),
        })
    }

    /// Returns whether it brought what is pinned, and had ended before the wait began, perhaps with a newer deploy after it. What
    /// was created since does not make a past one of the latest.
    pub(super) fn is_past_match(&self, policy: &Policy<'_>) -> bool {
        let was_before = |created: Option<Timestamp>| Era::of(created, policy.server_clock()) == Era::Before;
        let was_shown =
            |row: &Arc<Deploy>| self.rivals.read_rows.has_newer_where(row, |created| was_before(Some(created)));
        let is_outrun = |recurs: Recurs| match recurs {
            Recurs::Below => true,
            Recurs::AsNewest => {
                self.rivals.superseding(&self.own).is_some_and(|row| was_before(row.created_at))
                    || self.own.known.as_ref().is_some_and(was_shown)
            }
        };
        let is_past = |past: &Past| past.recurs().is_some_and(is_outrun) && self.had_ended(*past, policy);
        self.past.as_ref().is_some_and(is_past)
    }

    /// Decides before `on_stale` is applied. A pass of a deploy that had ended before the wait began needs neither to settle
    /// nor to be healthy, because `advance` or `decide` then drops it.
    fn decide_unless_stale(&self, policy: &Policy<'_>) -> Decision {
        let Some(row) = self.own.known.as_ref().filter(|_| self.reads.current) else { return self.read_deploy(policy) };
        let judgement = policy.judge(row);
        let is_final = judgement.is_final();
        let was_tried_again = self.was_tried_again(row, policy);
        if (judgement != Judgement::Pending || was_tried_again) && !self.own.identified {
            return self.unidentified(policy);
        }
        // Only the workflow shows whether it is a plan, which is of no kind.
        if self.own.is_unexpected(row, policy)
            && let Some(request) = self.unread_workflow(policy)
        {
            return Decision::Need(request);
        }
        if row.kind().is_some() && self.reads.workflow.as_deref().is_some_and(Workflow::is_plan_only) {
            return Decision::End(End::rejected(Cause::Undeployable {
                deploy: self.own.id.clone(),
                deploy_type: None,
            }));
        }
        if let Some(end) = self.own.mismatch(row, policy) {
            return Decision::End(end);
        }
        if let Some(request) = self.missing(row, is_final, policy) {
            return Decision::Need(request);
        }
        if let Some(end) = self.superseded(row, policy) {
            return Decision::End(end);
        }
        if was_tried_again && self.rivals.reads.rows.is_none() {
            return Decision::Need(component_list_request(policy.target));
        }
        self.decide_by_steps(row, judgement, policy)
    }

    /// Decides about a deploy of which nothing yet says whose it is.
    fn unidentified(&self, policy: &Policy<'_>) -> Decision {
        match self.reads.details {
            0 => Decision::Need(deploy_request(policy.target, &self.own.id)),
            _ => Decision::Hold(Hold::Outdated),
        }
    }

    /// Decides once all is read that the deploy's status requires, by the steps that work on it.
    fn decide_by_steps(&self, row: &Deploy, judgement: Judgement, policy: &Policy<'_>) -> Decision {
        let workflow = self.reads.workflow.as_deref();
        let by_rule = policy.is_by_rule(row);
        let part = self.own.part_in(row);
        let is_cut_short = workflow.is_some_and(|own| own.steps().count() < self.own.most_steps);
        match judged(Picture { id: &self.own.id, row, part, judgement, by_rule, workflow }) {
            Judged::Pass | Judged::Orphan(..) if !by_rule && is_cut_short => Decision::Hold(Hold::Outdated),
            Judged::Hold(Hold::Behind(behind)) if is_cut_short => Decision::Hold(Hold::Behind(behind)),
            // A step that is missing may try it again.
            Judged::Fail(_) if !by_rule && is_cut_short && can_be_tried_again(row) => Decision::Hold(Hold::Outdated),
            // The workflow may lag behind another try that was shown.
            Judged::Fail(_) if !by_rule && can_be_tried_again(row) && self.rivals.has_newer_try(&self.own) => {
                Decision::Hold(Hold::NewerTry)
            }
            Judged::Pass => self.contradiction(policy).unwrap_or_else(|| self.settled(row, by_rule, policy)),
            // Only the detail has the reason.
            Judged::Fail(_) if !self.own.known_is_detail && self.reads.details == 0 => {
                Decision::Need(deploy_request(policy.target, &self.own.id))
            }
            // But a replica that hangs must not delay a failure for long.
            Judged::Fail(_) if !self.own.known_is_detail && !self.own.lacked_detail => Decision::Hold(Hold::Outdated),
            Judged::Fail(verdict) => Decision::End(self.failed(verdict, row, by_rule)),
            Judged::Hold(Hold::Behind(behind)) => self.behind(behind, row, policy),
            Judged::Hold(Hold::Approval(ApprovalPlace { approval: Some(asked), .. }))
                if self.own.answered.contains(&asked) =>
            {
                Decision::Hold(Hold::InProgress)
            }
            Judged::Hold(Hold::Approval(place)) => self.approval(place, row, policy),
            // Its replacement belongs to the same workflow, which the list may name.
            Judged::Hold(Hold::NotReplaced) if self.own.workflow_id.is_none() && self.rivals.reads.rows.is_none() => {
                Decision::Need(component_list_request(policy.target))
            }
            Judged::Hold(hold) => Decision::Hold(hold),
            // The deploy may have ended between the two reads.
            Judged::Orphan(..) if self.reads.details < 2 => Decision::Need(deploy_request(policy.target, &self.own.id)),
            Judged::Orphan(end) => Decision::End(self.orphaned(end, row)),
        }
    }

    /// Decides about a deploy of which this poll's answers say different things. It does not pass.
    fn contradiction(&self, policy: &Policy<'_>) -> Option<Decision> {
        if self.reads.contradicted || self.rivals.read_rows.is_contradicted(&self.own.id) {
            return Some(Decision::Hold(Hold::Contradicted));
        }
        // Where a flag makes `error` a pass, it stays one after a retry that leaves the row as it is.
        let by_rule = self.own.known.as_ref().is_some_and(|row| policy.is_by_rule(row));
        if !by_rule && self.rivals.has_newer_try(&self.own) {
            return Some(Decision::Hold(Hold::NewerTry));
        }
        self.is_disputed(policy).then(|| match self.reads.details {
            1 => Decision::Need(deploy_request(policy.target, &self.own.id)),
            _ => Decision::Hold(Hold::Outdated),
        })
    }

    /// Reads the deploy: in the install's list if that serves other targets too, otherwise its detail. If the answer is
    /// outdated, the newest row may be current.
    fn read_deploy(&self, policy: &Policy<'_>) -> Decision {
        match (self.reads.details, &self.rivals.reads.newest) {
            (0, _)
                if policy.by_install_list
                    && !self.reads.install_list
                    && !self.own.is_beyond_install_list
                    && self.own.certainly_exists() =>
            {
                Decision::Need(install_list_request(policy.target))
            }
            (0, _) => Decision::Need(deploy_request(policy.target, &self.own.id)),
            (_, Newest::Unread) => Decision::Need(latest_request(policy.target, Depth::Usual)),
            _ => Decision::Hold(Hold::Outdated),
        }
    }

    /// Returns what has to be read before anything can be decided.
    fn missing(&self, row: &Deploy, is_final: bool, policy: &Policy<'_>) -> Option<Request> {
        if let Some(id) = self.own.unread_baseline() {
            return Some(deploy_request(policy.target, id));
        }
        if let Some(request) = policy.dashboard.as_ref().filter(|_| policy.settings.links) {
            return Some(request.clone());
        }
        let may_pass =
            *row.current_status() == Status::PendingApproval && policy.settings.on_approval == OnApproval::Pass;
        match &self.rivals.reads.newest {
            Newest::Unread if is_final || may_pass || policy.wide => {
                return Some(latest_request(policy.target, Depth::Usual));
            }
            Newest::Hidden => return Some(component_list_request(policy.target)),
            _ => {}
        }
        if let Some(rival) = self.rivals.newer_than(&self.own) {
            // Its own row may lack the time that shows which of the two is newer, and what shows whether the other is of the
            // same component.
            if !self.own.identified && self.reads.details == 0 {
                return Some(deploy_request(policy.target, &self.own.id));
            }
            // A lagging replica may show an older row, and a row without a time does not show its age. A list may leave out
            // more than that.
            let is_whole = rival.created_at.is_some() && rival.says_what_it_does();
            if let Some(id) = rival.id.as_ref().filter(|_| !is_whole && self.rivals.reads.detail_read != rival.id) {
                return Some(deploy_request(policy.target, id));
            }
            let reads = &self.rivals.reads;
            if !self.rivals.has_order(&self.own, rival) && reads.rows.is_none() {
                return Some(component_list_request(policy.target));
            }
            if let Some(id) = self.rivals.read_rows.workflow_of(rival).filter(|_| reads.deploying != rival.id) {
                let has_none = reads.without_workflow == rival.id && !reads.latest;
                return Some(match has_none {
                    true => latest_request(policy.target, Depth::Usual),
                    false => workflow_request(policy.target, id),
                });
            }
        }
        let is_behind = matches!(self.held, Some(Held { hold: Hold::Behind(_), .. }));
        let depends = is_final || is_behind || *row.current_status() == Status::PendingApproval;
        // Only the workflow shows the running step, whose end a long poll may report.
        let moves = self.reads.changed && policy.settings.long_poll && policy.settings.mode == Mode::Wait;
        self.unread_workflow(policy).filter(|_| depends || policy.wide || moves)
    }

    /// Returns the request for its workflow, if this poll has not read that. One that did not exist may have been a replica's that
    /// lags, so each poll that depends on it asks again.
    fn unread_workflow(&self, policy: &Policy<'_>) -> Option<Request> {
        let id = self.own_workflow().filter(|_| !self.reads.has_no_workflow && self.reads.workflow.is_none())?;
        Some(workflow_request(policy.target, id))
    }

    fn superseded(&self, row: &Deploy, policy: &Policy<'_>) -> Option<End> {
        let newer = self.rivals.superseding(&self.own)?;
        let to = newer.id.clone()?;
        match self.on_superseded(policy) {
            OnSuperseded::Ignore => None,
            OnSuperseded::Fail => {
                Some(End::Otherwise(Verdict::Superseded, Cause::Superseded { from: self.own.id.clone(), to }))
            }
            OnSuperseded::Follow => wrong_kind(newer, row.kind(), policy.settings.expect),
        }
    }

    /// Decides about a deploy that passes by its status and its steps: whether that has lasted, and what the proof is based on.
    fn settled(&self, row: &Deploy, by_rule: bool, policy: &Policy<'_>) -> Decision {
        let settle = if self.is_past(policy) { Duration::ZERO } else { policy.settings.settle };
        let settled_at = match &self.held {
            Some(Held { hold: Hold::Settling(until), .. }) => *until,
            // Its health is read once it has settled.
            Some(Held { hold, since, .. }) if hold.is_of_health() => *since,
            _ => policy.now + settle,
        };
        // The status has to last, however long the rest of the poll takes.
        if settle > Duration::ZERO && self.reads.asked_at < settled_at {
            return Decision::Hold(Hold::Settling(settled_at));
        }
        let basis = match (self.own_workflow(), &self.reads.workflow) {
            _ if by_rule => Basis::Rule(row.current_status().clone()),
            (Some(id), Some(_)) => Basis::Steps(id.clone()),
            (Some(id), None) => Basis::WithoutWorkflow(id.clone()),
            (None, _) => Basis::Status,
        };
        self.proven(row, basis, policy)
    }

    /// Returns whether the deploy had ended before the wait began and is not to be judged. Then it need neither settle
    /// nor be healthy.
    fn is_past(&self, policy: &Policy<'_>) -> bool {
        matches!(self.on_stale(policy), Some(OnStale::Wait | OnStale::Fail))
    }

    /// Creates the [`Proof`], which nothing else does, once its identity is known and nothing newer takes its place.
    fn proven(&self, row: &Deploy, basis: Basis, policy: &Policy<'_>) -> Decision {
        if self.own.is_unmatched(row, policy) {
            return Decision::Hold(Hold::Unmatched);
        }
        // The gate has to know whether it is superseded. A list that lacks this deploy is too old to show that, and one of two
        // rows may lack the time that shows which is newer.
        let is_known = self.rivals.reads.shown
            && self.rivals.newer_than(&self.own).is_none()
            && !self.rivals.hides_another(&self.own, row);
        if !is_known && self.on_superseded(policy) != OnSuperseded::Ignore {
            return match self.rivals.reads.rows {
                None => Decision::Need(component_list_request(policy.target)),
                Some(_) => Decision::Hold(Hold::Outdated),
            };
        }
        let Some(kind) = row.kind().filter(|_| self.own.identified) else {
            return Decision::Need(deploy_request(policy.target, &self.own.id));
        };
        let health = match self.healthy(row, policy) {
            Healthy::Proven(health) => Some(health),
            Healthy::Unproven(decision) if !self.is_past(policy) => return decision,
            Healthy::Unproven(_) | Healthy::NotRequired => None,
        };
        Decision::End(End::Passed(Proof::new(self.own.id.clone(), kind, basis, health)))
    }

    /// Decides about a deploy and a workflow that contradict each other. It waits before it believes that they do.
    fn behind(&self, behind: Behind, row: &Deploy, policy: &Policy<'_>) -> Decision {
        if !Held::has_contradicted_for_long(self.held.as_ref(), self.reads.workflow.as_deref(), policy) {
            return Decision::Hold(Hold::Behind(behind));
        }
        Decision::End(match behind {
            Behind::Orphan(end) | Behind::NoRow(end) => self.orphaned(end, row),
            Behind::Failure => self.failed(Verdict::Failed, row, false),
            Behind::StepFailed(verdict, step) => step_failed(verdict, step, row),
        })
    }

    /// Decides about a plan that waits for an approval. A plan that the workflow approves itself waits for a moment as
    /// well, so only two polls in a row show that a human is asked.
    fn approval(&self, place: ApprovalPlace, row: &Deploy, policy: &Policy<'_>) -> Decision {
        let polls = match &self.held {
            Some(Held { hold: Hold::Approval(before), polls, .. }) if before.can_be(&place) => *polls,
            _ => 0,
        };
        let is_once = policy.settings.mode == Mode::Once;
        if is_once
            && self.reads.workflows < 2
            && let Some(id) = self.own_workflow()
        {
            // There is no other poll that could confirm it.
            return Decision::Need(workflow_request(policy.target, id));
        }
        if polls == 0 && !is_once {
            return Decision::Hold(Hold::Approval(place));
        }
        if (polls == 1 || is_once)
            && let Some(request) = &policy.dashboard
        {
            return Decision::Need(request.clone());
        }
        match policy.settings.on_approval {
            OnApproval::Wait => Decision::Hold(Hold::Approval(place)),
            // Nothing has been deployed whose health could be read.
            OnApproval::Pass if policy.settings.healthy_for.is_some() => Decision::Hold(Hold::Approval(place)),
            OnApproval::Fail => Decision::End(End::Otherwise(Verdict::ApprovalNeeded, Cause::ApprovalNeeded(place))),
            OnApproval::Pass => {
                self.contradiction(policy).unwrap_or_else(|| self.proven(row, Basis::Approval(place), policy))
            }
        }
    }

    /// Returns how the deploy has ended as far as is known, when there is no time for another poll. A deploy in `error`
    /// has failed, even if a retry was still possible. One with a passing or pending status has no known end, whatever
    /// its workflow says.
    pub(in crate::watch::phase) fn known_end(&self, policy: &Policy<'_>, reason: &StopReason<'_>) -> Option<End> {
        let row = self.own.overheard.as_ref().or(self.own.known.as_ref())?;
        if matches!(reason, StopReason::Stopped(..)) || self.own.unread_baseline().is_some() {
            return None;
        }
        let verdict = match policy.judge(row) {
            Judgement::Failed => Verdict::Failed,
            Judgement::Cancelled => Verdict::Cancelled,
            Judgement::Passed | Judgement::Pending | Judgement::Replaced => return None,
        };
        match self.on_stale(policy) {
            Some(OnStale::Fail) => Some(past::refuse(&self.own.id, row, policy)),
            Some(OnStale::Wait) => None,
            // The server has said that the install has no such deploy, or has not said whether a newer one is there.
            _ if self.own.missing_since.is_some() || self.is_past_match(policy) => None,
            Some(OnStale::Accept) | None => Some(self.failed(verdict, row, policy.is_by_rule(row))),
        }
    }
}
