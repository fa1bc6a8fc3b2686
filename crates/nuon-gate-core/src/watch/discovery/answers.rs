//! What an answer leads to: what is read next, the targets that are found, or the end of the search.

use std::time::Duration;

use super::branch::{BranchNext, BranchTargets};
use super::workflow::WorkflowNext;
use super::{Discovered, Discovery, DiscoveryEnd, Joining, Source};
use crate::api::{ApiError, ErrorClass, Fact, Reply, Request};
use crate::resolve::Resolution;
use crate::schedule::Observed;
use crate::watch::errors::{About, Handling, handle};
use crate::watch::event::Refusal;
use crate::watch::settings::{Mode, WatchSettings};
use crate::watch::shared::Shared;
use crate::watch::target::TargetWatch;
use crate::{Moment, Verdict};

impl Discovery {
    /// Handles a reply.
    pub(in crate::watch) fn reply(
        &mut self,
        now: Moment,
        request: &Request,
        reply: Reply,
        targets: &[TargetWatch],
        shared: &mut Shared,
    ) -> Discovered {
        if self.has_ended() || self.poller.request() != Some(request) {
            return Discovered::Nothing;
        }
        let outcome = match reply {
            Ok(answer) => {
                self.poller.good(request);
                self.accept(now, request, answer.fact, targets, shared)
            }
            Err(error) => Err(error),
        };
        let began = self.poller.polling_since().unwrap_or(now);
        let discovered = match outcome {
            Ok(discovered) => discovered,
            Err(error) => self.on_error(now, request, error, targets, shared),
        };
        self.must_last(discovered, began, now, shared.settings())
    }

    /// A success of the workflow or run has to last as long as that of a deploy, and is read once more after it.
    fn must_last(
        &mut self,
        discovered: Discovered,
        began: Moment,
        now: Moment,
        settings: &WatchSettings,
    ) -> Discovered {
        match discovered {
            Discovered::End(DiscoveryEnd::Complete)
                if settings.settle > Duration::ZERO && settings.mode == Mode::Wait =>
            {
                if began >= *self.settles_until.get_or_insert(now + settings.settle) {
                    return Discovered::End(DiscoveryEnd::Complete);
                }
                self.poller.over(now, Observed::Nothing);
                Discovered::Nothing
            }
            // The poll goes on, or nothing was read.
            Discovered::Nothing | Discovered::Retry(_) => discovered,
            discovered => {
                self.settles_until = None;
                discovered
            }
        }
    }

    fn accept(
        &mut self,
        now: Moment,
        request: &Request,
        fact: Fact,
        targets: &[TargetWatch],
        shared: &mut Shared,
    ) -> Result<Discovered, ApiError> {
        if let (Source::Workflow(workflow), Fact::Workflow(read)) = (&self.source, &fact)
            && workflow.can_be_of_branch()
            && let Some(branch) = BranchTargets::of_workflow(workflow.id().clone(), read)
        {
            self.source = Source::Branch(Box::new(branch));
            return self.poll_on(now, targets, shared);
        }
        match (&mut self.source, fact) {
            (Source::Branch(_), Fact::Dashboard(dashboard)) => {
                shared.accept_dashboard(dashboard);
                self.poll_on(now, targets, shared)
            }
            (Source::Branch(branch), fact) => {
                branch.accept(request, fact, now)?;
                self.poll_on(now, targets, shared)
            }
            (Source::Names(resolver), fact) => {
                resolver.accept(request, fact)?;
                Ok(self.resolved())
            }
            (Source::Workflow(workflow), Fact::Workflow(read)) => {
                workflow.accept(read, now);
                Ok(self.join(now, targets, shared))
            }
            (Source::Workflow(_), Fact::Dashboard(dashboard)) => {
                shared.accept_dashboard(dashboard);
                Ok(self.join(now, targets, shared))
            }
            (Source::Workflow(workflow), Fact::Queue(answer)) => {
                shared.accept_queue(workflow.id(), answer.as_ref(), None, now);
                Ok(self.join(now, targets, shared))
            }
            (Source::Workflow(workflow), Fact::Install(install)) => {
                workflow.accept_install(install);
                Ok(self.join(now, targets, shared))
            }
            (Source::Workflow(workflow), Fact::InstallDeploys(rows)) => {
                workflow.accept_owners(&rows);
                Ok(self.join(now, targets, shared))
            }
            (Source::Workflow(workflow), Fact::Deploy(deploy)) => {
                workflow.accept_owner(&deploy)?;
                Ok(self.join(now, targets, shared))
            }
            _ => Err(ApiError::unexpected()),
        }
    }

    fn resolved(&mut self) -> Discovered {
        let Source::Names(resolver) = &mut self.source else { return Discovered::Nothing };
        match resolver.resolve() {
            Resolution::Ask(request) => {
                self.poller.need(request);
                Discovered::Nothing
            }
            Resolution::Targets(targets) => Discovered::Targets(targets),
            Resolution::Unknown(wanted, unknown) => Discovered::Unknown(wanted, unknown),
            Resolution::Ambiguous(ambiguous) => Discovered::Refused(Refusal::Ambiguous(ambiguous)),
            Resolution::Unfit(unfit) => Discovered::Refused(Refusal::Unfit(unfit)),
            Resolution::Empty(empty) => Discovered::Refused(Refusal::Empty(empty)),
        }
    }

    /// Goes on with the poll of a branch's run.
    fn poll_on(&mut self, now: Moment, targets: &[TargetWatch], shared: &Shared) -> Result<Discovered, ApiError> {
        let Source::Branch(branch) = &mut self.source else { return Ok(Discovered::Nothing) };
        let next = branch.next(targets, now, shared);
        self.joining.append(&mut branch.take_joining());
        Ok(match next? {
            BranchNext::Read(request) => {
                self.poller.need(request);
                Discovered::Nothing
            }
            BranchNext::Over(observed) => {
                self.poller.over(now, observed);
                Discovered::Over
            }
            BranchNext::End(end) => Discovered::End(end),
            BranchNext::Refused(refusal) => Discovered::Refused(refusal),
        })
    }

    fn on_error(
        &mut self,
        now: Moment,
        request: &Request,
        error: ApiError,
        targets: &[TargetWatch],
        shared: &mut Shared,
    ) -> Discovered {
        if matches!(self.source, Source::Workflow(_)) && shared.optional_missed(request, now) {
            return self.join(now, targets, shared);
        }
        // An older server has neither the install's list nor a run by its id.
        let lacks = error.is_absence();
        if let (Source::Workflow(workflow), Request::InstallDeploys(_)) = (&mut self.source, request)
            && workflow.does_without_list(lacks, shared.is_once())
        {
            return self.join(now, targets, shared);
        }
        if let Source::Branch(branch) = &mut self.source
            && (branch.does_without(request, lacks, shared.is_once())
                || lacks && branch.on_missing(request)
                || shared.optional_missed(request, now))
        {
            return match self.poll_on(now, targets, shared) {
                Ok(discovered) => discovered,
                Err(error) => self.retry(now, error),
            };
        }
        if let Source::Names(resolver) = &mut self.source
            && (error.class() != ErrorClass::Untrusted || shared.api_health().ever_good())
            && resolver.on_error(request, &error)
        {
            return self.resolved();
        }
        let exists = match &self.source {
            Source::Workflow(workflow) => {
                workflow.has_answered() && matches!(request, Request::Workflow(..) | Request::InstallDeploys(_))
            }
            Source::Branch(branch) => branch.has_answered(request),
            Source::Names(_) | Source::Known => false,
        };
        // The workflow names its deploys.
        let shown = matches!(request, Request::Deploy(..));
        let about = About { exists, is_own: exists, named: !shown, shown, is_unnamed_workflow: false };
        match handle(self.poller.streaks(), now, &error, request, about, shared) {
            Handling::Retry | Handling::Repeat | Handling::NoWorkflow => self.retry(now, error),
            // A failed workflow is a better reason than one of its deploys that cannot be found.
            Handling::Reject(cause) => {
                let end = self.end_without_deploys(targets);
                let end = end.filter(|end| matches!(end, DiscoveryEnd::Otherwise(..)));
                Discovered::End(end.unwrap_or(DiscoveryEnd::Otherwise(Verdict::Rejected, cause)))
            }
            Handling::Refuse(refusal) => Discovered::Refused(refusal),
        }
    }

    fn retry(&mut self, now: Moment, error: ApiError) -> Discovered {
        self.poller.failed(now, error.clone());
        match &self.source {
            Source::Branch(branch) => branch.broke_off(now).map_or(Discovered::Retry(error), Discovered::End),
            _ => Discovered::Retry(error),
        }
    }

    /// Makes targets of deploys that no target follows yet, and ends with the workflow.
    fn join(&mut self, now: Moment, targets: &[TargetWatch], shared: &mut Shared) -> Discovered {
        let Source::Workflow(workflow) = &mut self.source else { return Discovered::Nothing };
        match workflow.next(targets) {
            WorkflowNext::Read(request) => {
                self.poller.need(request);
                Discovered::Nothing
            }
            WorkflowNext::Join(joining, _)
                if joining.is_empty() && workflow.left(targets, shared.settings().require).is_some() =>
            {
                Discovered::End(DiscoveryEnd::Complete)
            }
            WorkflowNext::Join(joining, _)
                if joining.is_empty() && shared.queue_request(workflow.id(), now).is_some() =>
            {
                self.poller.need(Request::QueuePosition(workflow.id().clone()));
                Discovered::Nothing
            }
            WorkflowNext::Join(joining, _)
                if joining.is_empty()
                    && let Some(request) = workflow.page_request(shared) =>
            {
                self.poller.need(request);
                Discovered::Nothing
            }
            WorkflowNext::Join(joining, observed) => {
                self.poller.over(now, observed);
                let joined = |(target, deploy)| {
                    let newest = workflow.newest_of(&target);
                    Joining { target, deploy, newest, of_run: None }
                };
                self.joining.extend(joining.into_iter().map(joined));
                workflow.note_question(now, shared).map_or(Discovered::Over, Discovered::End)
            }
            WorkflowNext::End(end) => Discovered::End(end),
        }
    }
}
