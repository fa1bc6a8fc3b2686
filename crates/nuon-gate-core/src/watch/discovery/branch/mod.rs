//! The targets of a branch's run: the deploys of each install's workflow in its groups.
//!
//! The branch is resolved ([`lookup`]), then one of its runs is found ([`search`]) and followed ([`rollout`]); each poll of it
//! leads to one decision ([`decide`]).

mod decide;
mod lookup;
mod rollout;
mod search;
#[cfg(test)]
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use self::decide::RunRules;
use self::lookup::{Lookup, LookupNext, Sought};
use self::rollout::{Rollout, RolloutNext};
use self::search::{RunSearch, SearchNext};
use super::{DiscoveryEnd, Joining};
use crate::api::{ApiError, Fact, Request};
use crate::cause::{Cause, Standing, Warning};
use crate::model::{BranchRun, Workflow};
use crate::pins::RunPin;
use crate::schedule::Observed;
use crate::watch::era::Era;
use crate::watch::event::{Refusal, RunEvent};
use crate::watch::settings::{OnStale, OnSuperseded};
use crate::watch::shared::Shared;
use crate::watch::takeovers::Takeover;
use crate::watch::target::TargetWatch;
use crate::{BranchRef, InstallId, Moment, RunReport, Target, Verdict, WorkflowId};

/// The targets of a branch's run.
#[derive(Debug)]
pub(super) struct BranchTargets {
    stage: Stage,
    /// What was asked for, in words.
    subject: String,
    /// Whether the run was named, rather than being the newest.
    is_pinned: bool,
    warnings: Vec<Warning>,
}

/// How far it has come.
#[derive(Debug)]
enum Stage {
    Lookup(Box<Lookup>),
    Search(Box<RunSearch>),
    Rollout(Box<Rollout>),
}

/// What is needed, or the outcome.
pub(super) enum BranchNext {
    Read(Request),
    /// The poll is over.
    Over(Observed),
    End(DiscoveryEnd),
    Refused(Refusal),
}

impl BranchTargets {
    /// Begins with what was typed.
    pub(super) fn named(typed: BranchRef) -> Self {
        let subject = typed.to_string();
        Self::new(Sought::Named(typed), subject)
    }

    /// Begins with a workflow that turned out to be that of a run.
    pub(super) fn of_workflow(id: WorkflowId, workflow: &Workflow) -> Option<Self> {
        let owner = workflow.owner_id.as_ref().filter(|_| workflow.is_of_branch())?.as_str().parse().ok()?;
        let subject = format!("workflow {id}");
        Some(Self { is_pinned: true, ..Self::new(Sought::OfWorkflow(id, owner), subject) })
    }

    fn new(sought: Sought, subject: String) -> Self {
        Self { stage: Stage::Lookup(Box::new(Lookup::new(sought))), subject, is_pinned: false, warnings: Vec::new() }
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    fn rollout(&self) -> Option<&Rollout> {
        match &self.stage {
            Stage::Rollout(rollout) => Some(rollout),
            Stage::Lookup(_) | Stage::Search(_) => None,
        }
    }

    fn rollout_mut(&mut self) -> Option<&mut Rollout> {
        match &mut self.stage {
            Stage::Rollout(rollout) => Some(rollout),
            Stage::Lookup(_) | Stage::Search(_) => None,
        }
    }

    pub(super) fn has_run(&self) -> bool {
        self.rollout().is_some()
    }

    /// Returns the state of the run, if it was found.
    pub(super) fn report(&self) -> Option<RunReport> {
        self.rollout().map(Rollout::report)
    }

    /// Returns whether the object of a request has answered before, so that it exists.
    pub(super) fn has_answered(&self, request: &Request) -> bool {
        self.rollout().is_some_and(|rollout| rollout.has_answered(request))
    }

    pub(super) fn standing(&self) -> Standing {
        self.rollout().map_or(Standing::NoRun, Rollout::standing)
    }

    pub(super) fn last_change(&self) -> Moment {
        self.rollout().map_or(Moment::START, Rollout::last_change)
    }

    /// Returns since when a human is asked.
    pub(super) fn asked_since(&self) -> Option<Moment> {
        self.rollout().and_then(Rollout::asked_since)
    }

    /// Returns the run's own workflow, unless it has ended.
    pub(super) fn open_workflow(&self) -> Option<&WorkflowId> {
        self.rollout().filter(|rollout| !rollout.has_ended()).map(|rollout| &rollout.run().workflow_id)
    }

    /// Returns how the run has ended by the last poll, if it has.
    pub(super) fn decided(&self) -> Option<DiscoveryEnd> {
        self.rollout().and_then(Rollout::decided)
    }

    /// As [`Rollout::broke_off`].
    pub(super) fn broke_off(&self, now: Moment) -> Option<DiscoveryEnd> {
        self.rollout().and_then(|rollout| rollout.broke_off(now))
    }

    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        if let Some(rollout) = self.rollout_mut() {
            rollout.note_target(target, index);
        }
    }

    pub(super) fn take_events(&mut self) -> Vec<RunEvent> {
        self.rollout_mut().map(Rollout::take_events).unwrap_or_default()
    }

    pub(super) fn take_takeovers(&mut self) -> Option<(Moment, HashMap<InstallId, Takeover>)> {
        self.rollout_mut().and_then(Rollout::take_takeovers)
    }

    /// Takes the deploys that become targets.
    pub(super) fn take_joining(&mut self) -> Vec<Joining> {
        self.rollout_mut().map(Rollout::take_joining).unwrap_or_default()
    }

    /// Takes the warnings about how the run was found.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Begins a poll.
    pub(super) fn begin(&mut self, now: Moment, is_ending: bool) {
        match &mut self.stage {
            Stage::Lookup(_) => {}
            Stage::Search(search) => search.begin(),
            Stage::Rollout(rollout) => rollout.begin(now, is_ending),
        }
    }

    /// Handles a fact.
    ///
    /// # Errors
    ///
    /// If it does not answer the request, or cannot be used.
    pub(super) fn accept(&mut self, request: &Request, fact: Fact, now: Moment) -> Result<(), ApiError> {
        match (&mut self.stage, request, fact) {
            (Stage::Lookup(lookup), request, fact) => lookup.accept(request, fact),
            (Stage::Search(search), Request::Runs(_, _, page), Fact::Runs(found)) => search.accept_listed(*page, found),
            (Stage::Search(search), _, Fact::Run(run)) => {
                search.accept_run(run);
                Ok(())
            }
            (Stage::Rollout(rollout), request, fact) => rollout.accept(request, fact, now),
            (Stage::Search(_), ..) => Err(ApiError::unexpected()),
        }
    }

    /// Records that something could not be read. Returns whether the poll goes on without it.
    pub(super) fn does_without(&mut self, request: &Request, is_missing: bool, once: bool) -> bool {
        self.rollout_mut().is_some_and(|rollout| rollout.does_without(request, is_missing, once))
    }

    /// Records that something was not found. Returns whether that means something.
    pub(super) fn on_missing(&mut self, request: &Request) -> bool {
        match (&mut self.stage, request) {
            (Stage::Search(search), Request::Run(..)) => {
                search.on_missing();
                true
            }
            (Stage::Rollout(rollout), request) => rollout.on_missing(request),
            _ => false,
        }
    }

    /// Returns what to read next in this poll, or the outcome.
    ///
    /// # Errors
    ///
    /// If what was read cannot be used after all.
    pub(super) fn next(
        &mut self,
        targets: &[TargetWatch],
        now: Moment,
        shared: &Shared,
    ) -> Result<BranchNext, ApiError> {
        let once = shared.is_once();
        loop {
            let stage = match &mut self.stage {
                Stage::Lookup(lookup) => match lookup.next() {
                    LookupNext::Read(request) => return Ok(BranchNext::Read(request)),
                    LookupNext::Unknown(name) => return Ok(rejected(Cause::NoSuchName(name))),
                    LookupNext::Ambiguous(ambiguous) => return Ok(BranchNext::Refused(Refusal::Ambiguous(ambiguous))),
                    LookupNext::Found(place, run) => {
                        self.is_pinned |= run.is_some();
                        Stage::Search(Box::new(RunSearch::new(place, run)))
                    }
                },
                Stage::Search(search) => match search.next(once)? {
                    SearchNext::Read(request) => return Ok(BranchNext::Read(request)),
                    SearchNext::Unknown(name) => return Ok(rejected(Cause::NoSuchName(name))),
                    SearchNext::NotYet => return Ok(not_yet()),
                    SearchNext::Found { run, at_once } => {
                        // A lagging list shows an old run late.
                        let had_been_there = match Era::of(run.created_at, shared.server_clock(now)) {
                            Era::Before => true,
                            Era::During => false,
                            Era::Unclear | Era::Ahead => at_once,
                        };
                        let is_stale = had_been_there && !search.is_pinned() && run.status.is_final();
                        match (is_stale, shared.settings().on_stale) {
                            (true, OnStale::Fail) => return Ok(BranchNext::Refused(Refusal::StaleRun(run.id.clone()))),
                            (true, OnStale::Wait) => {
                                search.wait_for_newer(run);
                                return Ok(not_yet());
                            }
                            (true, OnStale::Accept) if !once => {
                                self.warnings.push(Warning::RunHadEnded(run.id.clone()));
                            }
                            _ => {}
                        }
                        Stage::Rollout(Box::new(rollout(search, run, self.is_pinned, shared, now)))
                    }
                },
                Stage::Rollout(rollout) => {
                    let page =
                        |dashboard: &crate::Dashboard| dashboard.run(rollout.place(), &rollout.run().workflow_id);
                    let url = shared.dashboard().and_then(page);
                    if rollout.asks()
                        && let Some(request) = shared.dashboard_request()
                    {
                        return Ok(BranchNext::Read(request));
                    }
                    return Ok(match rollout.next(targets, now, once, url) {
                        RolloutNext::Read(request) => BranchNext::Read(request),
                        RolloutNext::Over(observed) => BranchNext::Over(observed),
                        RolloutNext::End(end) => {
                            let is_complete = matches!(end, DiscoveryEnd::Complete);
                            // With an approval outstanding, it is one that the user does not require.
                            if is_complete && rollout.asks() {
                                self.warnings.push(Warning::RunNotApproved(rollout.run().id.clone()));
                            }
                            let nothing = Warning::nothing_deployed(&rollout.without_deploys());
                            self.warnings.extend(nothing.filter(|_| is_complete));
                            BranchNext::End(end)
                        }
                    });
                }
            };
            self.stage = stage;
        }
    }
}

fn rollout(search: &RunSearch, run: Arc<BranchRun>, is_pinned: bool, shared: &Shared, now: Moment) -> Rollout {
    let settings = shared.settings();
    let (pin, usual) = match is_pinned {
        true => (RunPin::Named, OnSuperseded::Ignore),
        false => (RunPin::Newest, OnSuperseded::Follow),
    };
    let on_superseded = settings.on_superseded.unwrap_or(usual);
    let rules = RunRules {
        on_superseded,
        on_approval: settings.on_approval,
        require: settings.require,
        expect: settings.expect,
    };
    Rollout::new(search.place().clone(), run, rules, pin, now)
}

fn rejected(cause: Cause) -> BranchNext {
    BranchNext::End(DiscoveryEnd::Otherwise(Verdict::Rejected, cause))
}

fn not_yet() -> BranchNext {
    BranchNext::Over(Observed::Nothing)
}
