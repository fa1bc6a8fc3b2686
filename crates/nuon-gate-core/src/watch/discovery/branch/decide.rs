//! The one decision about a branch's run, as a pure function of what has been read.
//!
//! The run passes only if it says so, and nothing in its own workflow, its groups, or the workflows of its installs
//! contradicts that. A contradiction is polled again for a while, as one of the two may lag behind, and then is a
//! failure.

use crate::cause::{Cause, InstallTrouble};
use crate::model::{RunStatus, WorkflowEnd};
use crate::watch::discovery::workflow::Left;
use crate::watch::discovery::{DiscoveryEnd, Failure};
use crate::watch::settings::{OnApproval, OnSuperseded};
use crate::{Kind, Line, Require, RunId, Verdict};

/// What one poll has read about a run.
#[derive(Debug, Clone)]
pub(super) struct RunSight {
    pub(super) run: RunId,
    pub(super) status: RunStatus,
    pub(super) is_plan_only: bool,
    /// How its own workflow has ended, if it has.
    pub(super) end: Option<WorkflowEnd>,
    /// How the run has ended, in words, if it has ended badly.
    pub(super) failure: Failure,
    /// A human is asked, and was in the poll before.
    pub(super) asks: Option<Cause>,
    /// What contradicts a success: the statuses of the groups, the installs that they name, and the run's own steps.
    pub(super) contradictions: Vec<Cause>,
    /// The run says that a human is asked, whatever its status.
    pub(super) is_asking: Option<Cause>,
    pub(super) installs: Vec<InstallSight>,
    /// Whether anything at all was deployed, be it to another shard's targets.
    pub(super) has_deployed: bool,
}

/// What one poll has read about an install in the run.
#[derive(Debug, Clone)]
pub(super) struct InstallSight {
    /// Its name.
    pub(super) install: Line,
    /// The later run that took its place, if this one has given it up.
    pub(super) superseded_by: Option<RunId>,
    /// The later run that is followed instead goes on, as far as is known.
    pub(super) is_awaited: bool,
    /// What its entry in the group says against its success.
    pub(super) said: Option<InstallTrouble>,
    pub(super) state: InstallState,
}

/// The state of an install's own workflow.
#[derive(Debug, Clone)]
pub(super) enum InstallState {
    /// There is none yet, or none with any step.
    Nothing,
    /// It is running.
    Open,
    /// It goes on, but the watch has stopped waiting for it.
    Left(Left),
    /// It succeeded, and each of its deploys is a target.
    Done,
    /// It has failed.
    Failed(Failure),
}

/// The decision.
#[derive(Debug, Clone)]
pub(super) enum RunDecision {
    /// It goes on.
    Wait,
    /// The run says that it succeeded, but this contradicts it: how it ends if neither changes.
    Contradiction(Failure),
    /// No more targets come.
    End(DiscoveryEnd),
}

/// The user's settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunRules {
    pub(super) on_superseded: OnSuperseded,
    pub(super) on_approval: OnApproval,
    pub(super) require: Require,
    pub(super) expect: Option<Kind>,
}

impl RunSight {
    pub(super) fn decide(&self, rules: RunRules) -> RunDecision {
        if self.is_plan_only {
            return RunDecision::End(DiscoveryEnd::Otherwise(Verdict::Rejected, Cause::PlanOnlyRun(self.run.clone())));
        }
        if rules.on_superseded == OnSuperseded::Fail
            && let Some((install, by)) = self.superseded().next()
        {
            let cause = Cause::InstallSuperseded { install: install.clone(), by: by.clone() };
            return RunDecision::End(DiscoveryEnd::Otherwise(Verdict::Superseded, cause));
        }
        if let Some(refused) = self.refused() {
            return RunDecision::End(refused.clone().into());
        }
        match (&self.status, self.end) {
            (RunStatus::Failed | RunStatus::Cancelled | RunStatus::NotAttempted, _) => {
                RunDecision::End(self.failure.clone().into())
            }
            (RunStatus::Success, Some(WorkflowEnd::Succeeded)) => self.succeeded(rules.on_superseded),
            (RunStatus::Success, None) => RunDecision::Wait,
            (RunStatus::Success, Some(_)) => RunDecision::Contradiction(self.failure.clone()),
            // The run's own status is unknown or out of date; its workflow has ended.
            (_, Some(WorkflowEnd::Failed | WorkflowEnd::Parked | WorkflowEnd::Cancelled)) => {
                RunDecision::End(self.failure.clone().into())
            }
            (_, Some(WorkflowEnd::Succeeded) | None) => self.going(rules.on_approval),
        }
    }

    fn superseded(&self) -> impl Iterator<Item = (&Line, &RunId)> {
        self.installs.iter().filter_map(|own| Some((&own.install, own.superseded_by.as_ref()?)))
    }

    /// Returns why the workflow of an install cannot be waited for, whatever the run does.
    fn refused(&self) -> Option<&Failure> {
        self.installs.iter().find_map(|own| match &own.state {
            InstallState::Failed(failure @ ((Verdict::Rejected, _) | (_, Cause::Crossed(_)))) => Some(failure),
            _ => None,
        })
    }

    fn going(&self, on_approval: OnApproval) -> RunDecision {
        let needed = |asks: &Cause| RunDecision::End(DiscoveryEnd::Otherwise(Verdict::ApprovalNeeded, asks.clone()));
        match (&self.asks, on_approval) {
            (Some(asks), OnApproval::Fail) => needed(asks),
            // Ending now would miss what an install still has to deploy.
            (_, OnApproval::Pass) if self.has(|state| matches!(state, InstallState::Open)) => RunDecision::Wait,
            (Some(asks), OnApproval::Pass) if !self.has_deployed => needed(asks),
            (Some(_), OnApproval::Pass) => RunDecision::End(self.installs_end()),
            (None, _) | (_, OnApproval::Wait) if self.is_left() => RunDecision::End(self.installs_end()),
            (None, _) | (_, OnApproval::Wait) => RunDecision::Wait,
        }
    }

    fn has(&self, is_it: impl Fn(&InstallState) -> bool) -> bool {
        self.installs.iter().any(|own| is_it(&own.state))
    }

    /// Returns whether the watch has stopped waiting for every part of the run, although the run goes on.
    fn is_left(&self) -> bool {
        let is_lost = self.has(|state| matches!(state, InstallState::Left(Left::Lost)));
        let is_passed = self.has(|state| matches!(state, InstallState::Left(Left::Passed)));
        // A pass needs every install to have deployed.
        let goes_on = |state: &InstallState| {
            matches!(state, InstallState::Open) || matches!(state, InstallState::Nothing) && !is_lost
        };
        (is_lost || is_passed) && !self.has(goes_on)
    }

    /// Returns how the installs have ended: all well, or as the first that failed.
    fn installs_end(&self) -> DiscoveryEnd {
        let failed = self.installs.iter().find_map(|own| match &own.state {
            InstallState::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        failed.map_or(DiscoveryEnd::Complete, DiscoveryEnd::from)
    }

    /// The run and its workflow say that they succeeded.
    fn succeeded(&self, on_superseded: OnSuperseded) -> RunDecision {
        let failed = |cause: &Cause| RunDecision::Contradiction((Verdict::Failed, cause.clone()));
        let trouble = |own: &InstallSight, trouble: InstallTrouble| {
            failed(&Cause::InstallOfRun { install: own.install.clone(), trouble })
        };
        if let Some(asks) = &self.is_asking {
            return RunDecision::Contradiction((Verdict::ApprovalNeeded, asks.clone()));
        }
        if let Some(cause) = self.contradictions.first() {
            return failed(cause);
        }
        for own in &self.installs {
            // An install that was given up for a later run does not belong to this one, if nothing was deployed to it.
            let is_ignored = on_superseded == OnSuperseded::Ignore && own.superseded_by.is_some();
            match &own.state {
                InstallState::Nothing if is_ignored => {}
                InstallState::Nothing if own.is_awaited => return RunDecision::Wait,
                InstallState::Nothing => return trouble(own, InstallTrouble::NeverDeployed),
                InstallState::Failed(failure) => return RunDecision::Contradiction(failure.clone()),
                InstallState::Done => {
                    if let Some(said) = own.said {
                        return trouble(own, said);
                    }
                }
                InstallState::Open | InstallState::Left(_) => return RunDecision::Wait,
            }
        }
        match self.has_deployed {
            true => RunDecision::End(DiscoveryEnd::Complete),
            false => failed(&Cause::NothingReleased(self.run.clone())),
        }
    }
}
