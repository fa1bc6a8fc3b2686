//! Reads the installs of a run one after the other: the workflow of each, and its deploys.

use super::poll::Placed;
use super::{LONGEST_NAME, Member, Rollout};
use crate::api::Request;
use crate::cause::{Cause, InstallTrouble};
use crate::model::{Deploy, GroupInstall};
use crate::watch::discovery::branch::decide::{InstallSight, InstallState};
use crate::watch::discovery::workflow::{WorkflowNext, WorkflowTargets};
use crate::watch::discovery::{DiscoveryEnd, Failure, Joining};
use crate::watch::target::TargetWatch;
use crate::{Kind, Line, Target, Verdict, WorkflowId};

/// What a group can say of an install that has succeeded. Nothing at all counts as well: not every server says it.
const SUCCEEDED: [&str; 9] =
    ["", "success", "succeeded", "completed", "finished", "active", "inactive", "auto-skipped", "warning"];
/// What it can say of one that has not.
const FAILED: [&str; 12] = [
    "error",
    "failed",
    "cancelled",
    "expired",
    "timed-out",
    "not-attempted",
    "approval-denied",
    "approval-expired",
    "health-failed",
    "user-skipped",
    "skipped",
    "discarded",
];

impl Rollout {
    /// Goes on from install to install; returns what has to be read for one.
    pub(super) fn next_install(&mut self, targets: &[TargetWatch]) -> Option<Request> {
        while let Some(placed) = self.poll.installs.as_ref().and_then(|all| all.get(self.poll.cursor)).cloned() {
            let state = match placed.row.workflow_id.clone() {
                None => InstallState::Nothing,
                Some(workflow) => match self.read_install(&placed, workflow, targets) {
                    Ok(state) => state,
                    Err(request) => return Some(request),
                },
            };
            let said = said(&placed.row).filter(|_| placed.superseded_by.is_none());
            let install = self.install_label(&placed);
            self.named.insert(placed.install.clone(), install.clone());
            let superseded_by = placed.superseded_by.clone();
            self.poll.sights.push(InstallSight { install, superseded_by, is_awaited: false, said, state });
            self.poll.cursor += 1;
        }
        None
    }

    fn read_install(
        &mut self,
        placed: &Placed,
        workflow: WorkflowId,
        targets: &[TargetWatch],
    ) -> Result<InstallState, Request> {
        let members = self.members.entry(placed.install.clone()).or_default();
        let at = members.iter().position(|member| *member.targets.id() == workflow).unwrap_or_else(|| {
            let mut own = WorkflowTargets::of_run(workflow.clone());
            if placed.superseded_by.is_some() {
                // A target from before the later run moves on to that run's deploy by itself.
                let taken = targets.iter().enumerate().filter(|(_, other)| other.target().install == placed.install);
                taken.for_each(|(index, other)| own.note_target(other.target(), index));
            }
            members.push(Member { group: placed.group.clone(), targets: own, is_done: false, crossed: None });
            members.len() - 1
        });
        let member = &mut members[at];
        if let Some(failure) = member.crossed.clone() {
            return Ok(InstallState::Failed(failure));
        }
        if member.is_done {
            return Ok(InstallState::Done);
        }
        if !self.poll.read.contains(&(placed.install.clone(), workflow.clone())) {
            return Err(Request::Workflow(Some(placed.install.clone()), workflow));
        }
        loop {
            match member.targets.next(targets) {
                WorkflowNext::Read(request) => return Err(request),
                WorkflowNext::Join(joining, _) if joining.is_empty() => {
                    return Ok(member
                        .targets
                        .left(targets, self.rules.require)
                        .map_or(InstallState::Open, InstallState::Left));
                }
                // The next step checks whether that was all.
                WorkflowNext::Join(joining, _) => {
                    let is_taken = placed.superseded_by.is_some() && self.rules.expect.is_none();
                    member.crossed = joining.iter().find_map(|(_, deploy)| crossed(deploy).filter(|_| is_taken));
                    if let Some(failure) = member.crossed.clone() {
                        return Ok(InstallState::Failed(failure));
                    }
                    let group = member.group.clone();
                    let pin = self.pin;
                    let joined = |(target, deploy): (Target, _)| Joining {
                        newest: member.targets.newest_of(&target),
                        target: target.in_group(Some(group.clone())),
                        deploy,
                        of_run: Some((pin, workflow.clone())),
                    };
                    self.poll.has_joined = true;
                    self.joining.extend(joining.into_iter().map(joined));
                }
                // A workflow without steps has proven nothing.
                WorkflowNext::End(DiscoveryEnd::Complete) if member.targets.is_empty() => {
                    return Ok(InstallState::Nothing);
                }
                WorkflowNext::End(DiscoveryEnd::Complete) => {
                    member.is_done = true;
                    return Ok(InstallState::Done);
                }
                WorkflowNext::End(DiscoveryEnd::Otherwise(verdict, cause)) => {
                    return Ok(InstallState::Failed((verdict, cause)));
                }
            }
        }
    }

    /// Returns the workflow that is being read.
    pub(super) fn current(&mut self) -> Option<&mut Member> {
        let placed = self.poll.installs.as_ref()?.get(self.poll.cursor)?;
        let workflow = placed.row.workflow_id.as_ref()?;
        self.members.get_mut(&placed.install)?.iter_mut().find(|member| member.targets.id() == workflow)
    }

    pub(super) fn install_label(&self, placed: &Placed) -> Line {
        let members = self.members.get(&placed.install).into_iter().flatten();
        let name = members.filter_map(|member| member.targets.owner_name()).next();
        name.map_or_else(|| Line::new(placed.install.to_string()), |name| name.line(LONGEST_NAME))
    }
}

/// Returns how an install has failed that a later run has taken, if this is that run's deploy: following never crosses from an
/// apply to a teardown.
fn crossed(deploy: &Deploy) -> Option<Failure> {
    let is_teardown = deploy.kind() == Some(Kind::Teardown);
    deploy.id.clone().filter(|_| is_teardown).map(|id| (Verdict::Failed, Cause::Crossed(id)))
}

/// Returns what a group's entry for an install says against its success. A word that is not known is none.
fn said(row: &GroupInstall) -> Option<InstallTrouble> {
    let is = |words: &[&str]| row.status.as_ref().is_none_or(|word| words.iter().any(|own| word.is(own)));
    let waits = row.waiting_on_run_id.is_some() && !row.status.as_ref().is_some_and(|word| word.is("success"));
    match is(&SUCCEEDED) {
        true => waits.then_some(InstallTrouble::SaidUnfinished),
        false if is(&FAILED) => Some(InstallTrouble::SaidFailed),
        false => Some(InstallTrouble::SaidUnfinished),
    }
}
