//! What an answer leads to: the phase learns from it, or an error is handled; then the poll goes on.

use super::{TargetWatch, policy};
use crate::api::{ApiError, ErrorClass, Fact, Reply, Request};
use crate::cause::Warning;
use crate::pins::Baseline;
use crate::watch::errors::{About, Handling, handle};
use crate::watch::phase::{End, Phase};
use crate::watch::shared::Shared;
use crate::{Moment, Verdict};

impl TargetWatch {
    /// Handles a reply to a request that was sent at one moment and answered at another, and returns the error if the request has to be sent again.
    pub(in crate::watch) fn reply(
        &mut self,
        (sent, now): (Moment, Moment),
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
                self.poller.note_sent(sent);
                self.accept(now, request, answer.fact, shared)
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

    fn accept(&mut self, now: Moment, request: &Request, fact: Fact, shared: &mut Shared) -> Result<(), ApiError> {
        let fact = match (fact, request) {
            (Fact::Dashboard(dashboard), _) => {
                shared.accept_dashboard(dashboard);
                return Ok(());
            }
            (Fact::Queue(answer), Request::QueuePosition(id)) => {
                shared.accept_queue(id, answer.as_ref(), Some(self.record.index()), now);
                return Ok(());
            }
            (Fact::Plan(plan), _) => {
                plan.into_iter().for_each(|plan| self.record.plan_mut().accept(plan));
                return Ok(());
            }
            (fact, _) => fact,
        };
        match (request, &fact) {
            (Request::Earlier(..), Fact::Deploys(rows)) => self.record.accept_history(rows, now, shared),
            (_, Fact::InstallDeploys(rows)) if shared.wants_history() => self.record.glean_history(rows, now, shared),
            _ => {}
        }
        let wide = self.is_wide(self.poller.polls(), shared);
        let policy = policy(&self.record, &self.poller, now, shared, wide);
        let notes = self.phase.on_fact(request, fact, &policy)?;
        self.record.report_notes(notes, now, shared);
        Ok(())
    }

    /// Handles an error. Returns whether the poll continues.
    fn on_error(&mut self, now: Moment, request: &Request, error: &ApiError, shared: &mut Shared) -> bool {
        if shared.optional_missed(request, now) {
            return true;
        }
        if let Phase::Following(follow) = &mut self.phase
            && request.is_of_health()
        {
            follow.miss_health(error);
            return true;
        }
        if let Phase::Following(follow) = &mut self.phase
            && error.class() == ErrorClass::Missing
            && follow.lose_deploy(request, now)
        {
            return true;
        }
        let about = About {
            exists: self.phase.has_answered(request) || shared.answered_at(request).is_some(),
            is_own: self.phase.is_identified(request),
            named: match request {
                Request::Deploy(_, _, id) => {
                    let baseline = matches!(&self.pins.after, Some(Baseline::Deploy(own)) if own == id);
                    baseline || self.pins.deploy.as_ref() == Some(id)
                }
                Request::Workflow(_, id) => self.pins.workflow.as_ref() == Some(id),
                _ => false,
            },
            shown: false,
            is_unnamed_workflow: matches!(request, Request::Workflow(_, id) if self.pins.workflow.as_ref() != Some(id)),
        };
        let wide = self.is_wide(self.poller.polls(), shared);
        // What a newer deploy and its workflow say decides whether that one supersedes. Where a newer deploy changes
        // nothing, it need not be read. What the install's list says can also be read for the target alone.
        let may_go_on = matches!(request, Request::Workflow(..) | Request::Deploy(..) | Request::InstallDeploys(_));
        if may_go_on && self.phase.does_without(request, &policy(&self.record, &self.poller, now, shared, wide)) {
            return true;
        }
        match handle(self.poller.streaks(), now, error, request, about, shared) {
            Handling::Retry => {
                let is_passing =
                    matches!(error.class(), ErrorClass::Transient | ErrorClass::Foreign | ErrorClass::Elsewhere);
                let policy = policy(&self.record, &self.poller, now, shared, wide);
                let goes_on = is_passing && self.phase.does_without(request, &policy);
                if !goes_on {
                    self.poller.failed(now, error.clone());
                }
                return goes_on;
            }
            Handling::Repeat => {}
            Handling::NoWorkflow => {
                if let (Phase::Following(follow), Request::Workflow(_, id)) = (&mut self.phase, request)
                    && follow.lose_workflow(id)
                {
                    self.record.warn(Warning::NoWorkflow(error.clone()), now, shared);
                }
            }
            Handling::Reject(cause) => self.conclude(End::Otherwise(Verdict::Rejected, cause), now, shared),
            Handling::Refuse(refusal) => self.conclude(End::Refused(refusal), now, shared),
        }
        true
    }
}
