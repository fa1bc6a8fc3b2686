//! What each reply leads to: it is recorded for all, and handed to every poller that needs it.

use super::event::EventKind;
use super::flights::PollerId;
use super::{Ticket, Watch};
use crate::api::{Answer, ApiError, Fact, Reply, Request};
use crate::model::Deploy;
use crate::{InstallId, Moment, Target, WorkflowId};

impl Watch {
    /// Handles a reply, for all pollers that need it.
    pub fn reply(&mut self, now: Moment, ticket: Ticket, reply: &Reply) {
        if let Some(woken) = self.long_polls.accept(now, ticket.0, reply) {
            return self.on_long_poll_end(&woken, reply, now);
        }
        if self.shared.accept_log(now, ticket.0, reply) {
            return;
        }
        let contrary = match reply {
            Ok(Answer { fact: Fact::Workflow(workflow), .. }) => self.shared.contradiction(workflow).map(Err),
            _ => None,
        };
        let reply = contrary.as_ref().unwrap_or(reply);
        let (sent, is_optional) = self
            .flights
            .under_way(ticket.0)
            .map_or((None, false), |(request, sent)| (Some(sent), request.is_optional()));
        match reply {
            Ok(answer) => {
                self.shared.api_health_mut().good(now);
                self.shared.note_server_time(now, answer.server_time, self.pinning.shared.since.is_some());
            }
            Err(error) => {
                if !is_optional {
                    self.shared.api_health_mut().bad(now, sent.unwrap_or(now), error);
                }
                self.slow_down(now, error);
            }
        }
        let Some((request, pollers)) = self.flights.land(ticket.0, now) else { return };
        self.note_workflow(&request, reply, &pollers, now);
        self.shared.install_lists_mut().note(&request, reply, now);
        if let Ok(Answer { fact: Fact::Deploy(row), .. }) = reply
            && pollers.contains(&PollerId::Discovery)
        {
            self.tell(row, now);
        }
        for poller in pollers.iter().copied() {
            let error = match poller {
                PollerId::Discovery => self.reply_to_discovery(now, &request, reply.clone()),
                PollerId::Target(index) => {
                    self.reply_to_target(index, (sent.unwrap_or(now), now), &request, reply.clone())
                }
            };
            self.note_step(poller, reply);
            self.arm(poller, now);
            self.report_retry(poller, error, now);
        }
        if let Request::InstallDeploys(install) = &request
            && reply.is_ok()
        {
            self.serve(install, &request, reply, sent.unwrap_or(now), &pollers, now);
        }
    }

    /// Records what a reply says of a workflow, for every poller.
    fn note_workflow(&mut self, request: &Request, reply: &Reply, pollers: &[PollerId], now: Moment) {
        let Request::Workflow(install, id) = request else { return };
        match reply {
            Ok(Answer { fact: Fact::Workflow(workflow), .. }) => {
                self.shared.note_workflow(id, workflow, now);
                if let Some(install) = install.as_ref().or(workflow.owner_id.as_ref()) {
                    self.shared.note_owned(id, install, Ok(()));
                }
                if pollers.iter().any(|poller| self.workflow_of(*poller) == Some(id)) {
                    self.shared.report_steps(id, workflow, now);
                }
            }
            // The workflow exists even if it belongs to another install.
            Err(error @ ApiError::Elsewhere { .. }) => {
                self.shared.note_stranger(id, now);
                if let Some(install) = install {
                    self.shared.note_owned(id, install, Err(error.clone()));
                }
            }
            _ => {}
        }
    }

    /// Returns the workflow that is waited for, or that runs the deploy.
    fn workflow_of(&self, poller: PollerId) -> Option<&WorkflowId> {
        match poller {
            PollerId::Discovery => self.discovery.open_workflow(),
            PollerId::Target(index) => self.targets[index].workflow(),
        }
    }

    fn reply_to_target(
        &mut self,
        index: usize,
        (sent, now): (Moment, Moment),
        request: &Request,
        reply: Reply,
    ) -> Option<ApiError> {
        let error = self.targets[index].reply((sent, now), request, reply, &mut self.shared);
        self.count_end(index);
        self.note_log(index, now);
        error
    }

    /// Hands a deploy that discovery has read to the target that may follow it.
    fn tell(&mut self, row: &Deploy, now: Moment) {
        let Some(target) = row.install_id.clone().zip(row.component_id.clone()) else { return };
        let target = Target::new(target.0, target.1);
        for index in self.shared.install_lists().targets(&target.install).to_vec() {
            if *self.targets[index].target() == target && !self.targets[index].has_ended() {
                self.targets[index].overhear(std::slice::from_ref(row), now);
            }
        }
    }

    /// Hands the list that some of an install's targets requested to the others. Those for which it shows nothing new
    /// then wait for the next list.
    fn serve(
        &mut self,
        install: &InstallId,
        request: &Request,
        reply: &Reply,
        sent: Moment,
        asked: &[PollerId],
        now: Moment,
    ) {
        let pollers = asked.iter().copied().filter(|poller| *poller != PollerId::Discovery && !self.has_ended(*poller));
        let next = pollers.map(|poller| self.poller(poller).due()).min();
        for index in self.shared.install_lists().targets(install).to_vec() {
            if asked.contains(&PollerId::Target(index)) {
                continue;
            }
            let target = &mut self.targets[index];
            if !target.has_ended() && target.serve(sent, now, request, reply, &mut self.shared) {
                target.postpone(next);
                self.count_end(index);
                self.note_log(index, now);
                self.arm(PollerId::Target(index), now);
            }
        }
    }

    /// Records the step that a target waits for.
    fn note_step(&mut self, poller: PollerId, reply: &Reply) {
        let PollerId::Target(index) = poller else { return };
        let target = &self.targets[index];
        if let Ok(Answer { fact: Fact::Workflow(workflow), .. }) = reply
            && let Some(id) = workflow.id.as_ref().filter(|_| !target.has_ended())
        {
            self.long_polls.note(poller, id, target.step_at_work(workflow));
        }
    }

    /// Follows the log of the deploy that a target waits for now.
    fn note_log(&mut self, index: usize, now: Moment) {
        let target = &self.targets[index];
        self.shared.logs_mut().note(index, target.deploy().filter(|_| !target.has_ended()), now);
    }

    fn report_retry(&mut self, poller: PollerId, error: Option<ApiError>, now: Moment) {
        let Some(error) = error else { return };
        let next = self.due(poller, now) - now;
        let target = match poller {
            PollerId::Discovery => None,
            PollerId::Target(index) => Some(index),
        };
        // After the last poll there is no next one; the reason contains the error.
        if !next.is_zero() {
            self.shared.emit(now, EventKind::Retrying { target, error, next });
        }
    }

    /// Applies what an answer asks of all requests: a pause, or a lower rate.
    fn slow_down(&mut self, now: Moment, error: &ApiError) {
        if error.status() == Some(429) {
            self.budget.halve(now);
        }
        let deadline = self.shared.deadline();
        if self.shared.api_health_mut().pause(now, error, deadline) {
            self.arm_queued();
        }
    }

    /// A long poll has ended: the targets that wait for it poll at once. Its content decides nothing.
    fn on_long_poll_end(&mut self, woken: &[PollerId], reply: &Reply, now: Moment) {
        if let Err(error) = reply {
            self.slow_down(now, error);
        }
        for poller in woken {
            self.poller_mut(*poller).hurry(now);
            // A poll in flight goes on, and the next follows at once.
            if self.poller(*poller).polling_since().is_none() {
                self.arm(*poller, now);
            }
        }
    }
}
