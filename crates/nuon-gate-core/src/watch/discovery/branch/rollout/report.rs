//! The state of a run after each poll: for the decision, and for people.

use std::collections::HashSet;

use super::{LONGEST_NAME, Rollout, group_name, is_failure};
use crate::cause::{Cause, GroupTrouble, InstallTrouble, Standing};
use crate::model::{GroupRun, RunStatus, StepState, WorkflowEnd, WorkflowStep};
use crate::paging::Paged;
use crate::watch::discovery::Failure;
use crate::watch::discovery::branch::decide::{RunDecision, RunSight};
use crate::watch::discovery::workflow::is_open;
use crate::watch::event::RunEvent;
use crate::{GroupReport, InstallId, Line, Moment, RemoteText, RunReport, Verdict, WaitingInstall};

impl Rollout {
    pub(in crate::watch::discovery::branch) fn standing(&self) -> Standing {
        let open = self.reported.groups.iter().find(|(_, group)| group.status.plain() != "success");
        let group = open.map(|(_, group)| group.to_string());
        let waiting = self.reported.waiting.first().map(ToString::to_string);
        let contradiction = match &self.decided {
            Some(RunDecision::Contradiction((_, cause))) => {
                Some(cause.contradiction().unwrap_or_else(|| cause.to_string()))
            }
            _ => None,
        };
        let parts: Vec<String> = match contradiction {
            Some(contradiction) => vec![contradiction],
            None => group.into_iter().chain(waiting).collect(),
        };
        let word = RemoteText::new(self.run.status.as_str());
        Standing::Run {
            id: self.run.id.clone(),
            word,
            group: (!parts.is_empty()).then(|| RemoteText::new(parts.join(", "))),
        }
    }

    /// Returns the state of the run, by the last complete poll.
    pub(in crate::watch::discovery::branch) fn report(&self) -> RunReport {
        let run = &self.run;
        RunReport {
            place: self.place.clone(),
            run: run.id.clone(),
            workflow: run.workflow_id.clone(),
            status: Line::new(run.status.as_str()),
            commit: run.commit.as_ref().map(|commit| commit.line(40)),
            awaits_approval: self.asks(),
            groups: self.reported.groups.iter().map(|(_, group)| group.clone()).collect(),
            waiting: self.reported.waiting.clone(),
        }
    }

    /// Puts together what the poll has shown.
    pub(super) fn sight(&mut self, once: bool) -> RunSight {
        let run = self.run.clone();
        let asks = self.asks().then(|| self.approval());
        let mut installs = std::mem::take(&mut self.poll.sights);
        for (placed, own) in self.poll.installs.iter().flatten().zip(&mut installs) {
            own.is_awaited = self.is_awaited(placed);
        }
        let seen_twice = std::mem::replace(&mut self.asked_before, asks.is_some());
        RunSight {
            run: run.id.clone(),
            status: run.status.clone(),
            is_plan_only: run.is_plan_only,
            end: run.workflow.end(),
            failure: self.failure(),
            asks: asks.filter(|_| seen_twice || once),
            contradictions: self
                .own_groups()
                .iter()
                .filter_map(odd)
                .chain(self.lost())
                .chain(self.odd_step())
                .collect(),
            is_asking: run.awaiting_approval.then(|| self.approval()),
            installs,
            has_deployed: self.members.values().flatten().any(|member| member.targets.has_deployed()),
        }
    }

    /// Returns the first install that the run has named before, but no longer does.
    fn lost(&self) -> Option<Cause> {
        let placed: HashSet<&InstallId> = self.poll.installs.iter().flatten().map(|placed| &placed.install).collect();
        let (_, install) = self.named.iter().find(|(install, _)| !placed.contains(install))?;
        Some(Cause::InstallOfRun { install: install.clone(), trouble: InstallTrouble::NoLongerNamed })
    }

    /// Returns the first step of the run's own workflow that has failed or not ended. Where a later run has taken an install, the step
    /// of its group need not have succeeded.
    fn odd_step(&self) -> Option<Cause> {
        let workflow = self.run.workflow.as_ref();
        let is_odd = |step: &&WorkflowStep| {
            workflow.state_of(step) == StepState::Failed || is_open(workflow, step) && !step.is_skipped()
        };
        let step = workflow.steps().find(is_odd).filter(|_| self.taken_by.is_empty())?;
        workflow.describe(step).map(Cause::StepFailed)
    }

    fn own_groups(&self) -> &[GroupRun] {
        self.poll.groups.get(&self.run.id).map(Paged::rows).unwrap_or_default()
    }

    /// Describes how the run has ended, in case it has ended badly.
    pub(super) fn failure(&self) -> Failure {
        let run = &self.run;
        let is_cancelled = run.status == RunStatus::Cancelled
            || run.workflow.end() == Some(WorkflowEnd::Cancelled)
            || run.workflow.was_denied(None);
        let verdict = if is_cancelled { Verdict::Cancelled } else { Verdict::Failed };
        // The run may say that it succeeded; its workflow then says otherwise.
        let word = match &run.status {
            RunStatus::Success => run.workflow.status_word(),
            status => status.as_str(),
        };
        let groups = self.own_groups().iter().filter(|group| is_failure(&RemoteText::new(group.word())));
        let groups: Vec<String> = groups.map(|group| group_name(group).plain().to_owned()).collect();
        let cause = Cause::Run {
            run: run.id.clone(),
            word: RemoteText::new(word),
            error: run.error.clone(),
            step: run.workflow.failed_step(),
            groups: (!groups.is_empty()).then(|| RemoteText::new(groups.join(", "))),
        };
        (verdict, cause)
    }

    /// Returns whether a human is asked before the run goes on: the run, a step of its workflow, or a group says so.
    pub(in crate::watch::discovery::branch) fn asks(&self) -> bool {
        let says_so = self.run.awaiting_approval
            || self.run.workflow.asking_steps().next().is_some()
            || self.own_groups().iter().any(|group| group.word() == "approval-awaiting");
        says_so && !self.run.status.is_final()
    }

    fn approval(&self) -> Cause {
        let step = self.run.workflow.asking_steps().next().and_then(|step| step.name.clone());
        Cause::RunApproval { run: self.run.id.clone(), workflow: self.run.workflow_id.clone(), step }
    }

    /// Reports changes.
    pub(super) fn report_changes(&mut self, url: Option<Line>, now: Moment) {
        let run = self.run.clone();
        let from = std::mem::replace(&mut self.reported.run, run.status.clone());
        if from != run.status {
            let (from, to) = (Line::new(from.as_str()), Line::new(run.status.as_str()));
            self.events.push(RunEvent::Changed { run: run.id.clone(), from, to });
            self.changed = now;
        }
        self.report_groups(now);
        self.report_installs(now);
        let asks = self.asks();
        if asks && self.asked_before && !std::mem::replace(&mut self.reported.asks, true) {
            let step = match self.approval() {
                Cause::RunApproval { step, .. } => step.map(|step| step.line(LONGEST_NAME)),
                _ => None,
            };
            let (run, workflow) = (run.id.clone(), run.workflow_id.clone());
            self.events.push(RunEvent::ApprovalNeeded { run, workflow, step, url });
            self.asked_since = Some(now);
        } else if !asks {
            (self.reported.asks, self.asked_since) = (false, None);
        }
    }

    fn report_groups(&mut self, now: Moment) {
        for group in self.own_groups().to_vec() {
            let Some(id) = group.id.clone() else { continue };
            let words = || group.rows().iter().filter_map(|row| row.status.as_ref());
            let report = GroupReport {
                name: group_name(&group),
                status: RemoteText::new(group.word()).line(LONGEST_NAME),
                total: group.size(),
                done: words().filter(|word| word.is("success")).count(),
                failed: words().filter(|word| is_failure(word)).count(),
            };
            match self.reported.groups.iter_mut().find(|(own, _)| *own == id) {
                Some((_, before)) if *before == report => continue,
                Some((_, before)) => *before = report.clone(),
                None => self.reported.groups.push((id, report.clone())),
            }
            self.events.push(RunEvent::Group(report));
            self.changed = now;
        }
    }

    fn report_installs(&mut self, now: Moment) {
        let policy = self.rules.on_superseded;
        let before = std::mem::take(&mut self.reported.waiting);
        for placed in self.poll.installs.clone().unwrap_or_default() {
            let install = self.install_label(&placed);
            let group = placed.group.clone();
            let is_done = placed.row.status.as_ref().is_some_and(|word| word.is("success"));
            if let Some(behind) = placed.row.waiting_on_run_id.clone().filter(|_| !is_done) {
                let why = placed.row.release_reason.as_ref().map(|reason| reason.line(LONGEST_NAME));
                let waiting = WaitingInstall { group: group.clone(), install: install.clone(), behind, why };
                if !before.contains(&waiting) {
                    self.events.push(RunEvent::Waiting(waiting.clone()));
                    self.changed = now;
                }
                self.reported.waiting.push(waiting);
            }
            if let Some(by) = placed.superseded_by
                && self.reported.superseded.insert((placed.install, by.clone()))
            {
                self.events.push(RunEvent::Superseded { group, install, by, policy });
                self.changed = now;
            }
        }
    }
}

/// Returns what keeps a group from being part of a success.
fn odd(group: &GroupRun) -> Option<Cause> {
    let (total, named) = (group.size(), group.rows().len());
    let word = RemoteText::new(group.word());
    // A later run may have kept a group from succeeding. Then its installs count.
    let is_taken = group.rows().iter().any(|row| row.superseded_by_run_id.is_some());
    let trouble = match group.failed_installs {
        _ if total > named => GroupTrouble::Incomplete { total, named },
        _ if is_taken => return None,
        Some(count) if count > 0 => GroupTrouble::Failures(count),
        _ if group.completed_installs.is_some_and(|done| done < total) => {
            GroupTrouble::Uncompleted { total, done: group.completed_installs.unwrap_or_default() }
        }
        _ if !word.is("success") => GroupTrouble::Says(word),
        _ => return None,
    };
    Some(Cause::GroupOfRun { group: group_name(group), trouble })
}
