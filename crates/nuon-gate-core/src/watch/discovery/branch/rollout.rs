//! A run that is followed: in each poll its groups, the workflow of each install, and their deploys.

mod installs;
mod poll;
mod report;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::poll::{Placed, Reported, RunPoll};
use super::decide::{RunDecision, RunRules};
use super::search::is_it;
use crate::api::{ApiError, Fact, Page, Request, Runs};
use crate::model::{BranchRun, GroupRun, RunStatus};
use crate::pins::RunPin;
use crate::schedule::Observed;
use crate::watch::LAG;
use crate::watch::discovery::workflow::WorkflowTargets;
use crate::watch::discovery::{DiscoveryEnd, Failure, Joining};
use crate::watch::event::RunEvent;
use crate::watch::takeovers::Takeover;
use crate::watch::target::TargetWatch;
use crate::{BranchPlace, InstallId, Line, Moment, RemoteText, RunId, Target};

/// Longest name of a group that is shown, in characters.
const LONGEST_NAME: usize = 100;

/// A run that is followed.
#[derive(Debug)]
pub(super) struct Rollout {
    place: BranchPlace,
    rules: RunRules,
    /// How the run was pinned.
    pin: RunPin,
    run: Arc<BranchRun>,
    /// The workflows of installs, whichever poll has shown them.
    members: HashMap<InstallId, Vec<Member>>,
    /// The installs that any poll has named, with their names. One that is left out later is not forgotten.
    named: BTreeMap<InstallId, Line>,
    /// The later run that has taken an install, by any poll: an install is not given back.
    taken_by: BTreeMap<InstallId, RunId>,
    /// The runs whose groups have been read once.
    has_groups: BTreeSet<RunId>,
    poll: RunPoll,
    /// The deploys that become targets, whatever comes of the poll: no other finds them again.
    joining: Vec<Joining>,
    /// The poll before has seen that a human is asked.
    asked_before: bool,
    /// Since when a human is asked.
    asked_since: Option<Moment>,
    contradicted_since: Option<Moment>,
    /// Since when the run says that it failed.
    failed_since: Option<Moment>,
    /// What the last whole poll has led to.
    decided: Option<RunDecision>,
    /// The installs that a later run has taken, by the last whole poll, and when that began.
    takeovers: Option<(Moment, HashMap<InstallId, Takeover>)>,
    reported: Reported,
    events: Vec<RunEvent>,
    changed: Moment,
}

/// The workflow of an install in the run.
#[derive(Debug)]
struct Member {
    group: Line,
    targets: WorkflowTargets,
    /// It has succeeded, and all its deploys are targets: nothing more comes of it.
    is_done: bool,
    /// It is a later run's, and tears down what this run's was to apply.
    crossed: Option<Failure>,
}

/// What a rollout needs, or the outcome of a poll.
pub(super) enum RolloutNext {
    Read(Request),
    /// The poll is over.
    Over(Observed),
    End(DiscoveryEnd),
}

impl Rollout {
    pub(super) fn new(place: BranchPlace, run: Arc<BranchRun>, rules: RunRules, pin: RunPin, now: Moment) -> Self {
        let found = RunEvent::Found {
            run: run.id.clone(),
            workflow: run.workflow_id.clone(),
            status: Line::new(run.status.as_str()),
            commit: run.commit.as_ref().map(|commit| commit.line(40)),
        };
        Self {
            place,
            rules,
            pin,
            reported: Reported::new(run.status.clone()),
            events: vec![found],
            run,
            members: HashMap::new(),
            named: BTreeMap::new(),
            taken_by: BTreeMap::new(),
            has_groups: BTreeSet::new(),
            // It has just been read.
            poll: RunPoll { has_run: true, ..RunPoll::new(now) },
            joining: Vec::new(),
            asked_before: false,
            asked_since: None,
            contradicted_since: None,
            failed_since: None,
            decided: None,
            takeovers: None,
            changed: now,
        }
    }

    /// Takes the events since the last call.
    pub(super) fn take_events(&mut self) -> Vec<RunEvent> {
        std::mem::take(&mut self.events)
    }

    /// Takes the deploys that become targets.
    pub(super) fn take_joining(&mut self) -> Vec<Joining> {
        std::mem::take(&mut self.joining)
    }

    pub(super) fn take_takeovers(&mut self) -> Option<(Moment, HashMap<InstallId, Takeover>)> {
        self.takeovers.take()
    }

    pub(super) fn run(&self) -> &BranchRun {
        &self.run
    }

    pub(super) fn place(&self) -> &BranchPlace {
        &self.place
    }

    pub(super) fn last_change(&self) -> Moment {
        self.changed
    }

    pub(super) fn asked_since(&self) -> Option<Moment> {
        self.asked_since
    }

    pub(super) fn has_ended(&self) -> bool {
        has_ended(&self.run)
    }

    /// Begins a poll, or resumes one that has broken off: a fleet takes many requests, and one failure must not repeat all of
    /// them. The last poll, with which the watch `is_ending`, reads everything.
    pub(super) fn begin(&mut self, now: Moment, is_ending: bool) {
        if self.poll.is_over || is_ending || !self.poll.has_run || now >= self.poll.began + LAG {
            self.poll = RunPoll::new(now);
        }
    }

    /// Records the position of a new target.
    pub(super) fn note_target(&mut self, target: &Target, index: usize) {
        for member in self.members.get_mut(&target.install).into_iter().flatten() {
            member.targets.note_target(target, index);
        }
    }

    /// Handles a fact.
    ///
    /// # Errors
    ///
    /// If it does not answer the request, or cannot be used.
    pub(super) fn accept(&mut self, request: &Request, fact: Fact, now: Moment) -> Result<(), ApiError> {
        match (request, fact) {
            (Request::Run(_, later), Fact::Run(run)) if *later != self.run.id => {
                self.poll.later.insert(later.clone(), !has_ended(&run));
                Ok(())
            }
            (Request::Run(..), Fact::Run(run)) => self.accept_run(run, now),
            (Request::Runs(_, _, page), Fact::Runs(found)) => {
                let listed = self.poll.listed.get_or_insert_default();
                listed.accept(*page, found, "runs", |row| row.workflow.as_ref())?;
                let mut runs = listed.rows().iter().filter_map(|row| row.run.clone());
                match (runs.find(|run| is_it(run, &self.run.id)), listed.page()) {
                    (Some(run), _) => self.accept_run(run, now),
                    (None, Some(_)) => Ok(()),
                    (None, None) => Err(ApiError::Undecodable("the run is not in the list of its branch".to_owned())),
                }
            }
            (Request::GroupRuns(_, run, page), Fact::GroupRuns(found)) => {
                let groups = self.poll.groups.entry(run.clone()).or_default();
                groups.accept(*page, found, "groups", |group| group.id.as_ref())?;
                self.has_groups.insert(run.clone());
                Ok(())
            }
            (Request::Workflow(Some(install), id), Fact::Workflow(read)) => {
                self.poll.read.insert((install.clone(), id.clone()));
                if let Some(member) = self.current() {
                    let before = member.targets.last_change();
                    member.targets.accept(read, now);
                    if member.targets.last_change() != before {
                        self.changed = now;
                    }
                }
                Ok(())
            }
            (Request::InstallDeploys(_), Fact::InstallDeploys(rows)) => {
                if let Some(member) = self.current() {
                    member.targets.accept_owners(&rows);
                }
                Ok(())
            }
            (Request::Deploy(..), Fact::Deploy(deploy)) => match self.current() {
                Some(member) => member.targets.accept_owner(&deploy),
                None => Ok(()),
            },
            _ => Err(ApiError::unexpected()),
        }
    }

    fn accept_run(&mut self, run: Arc<BranchRun>, now: Moment) -> Result<(), ApiError> {
        if run.id != self.run.id {
            return Err(ApiError::Undecodable("the answer is about another run".to_owned()));
        }
        self.run = run;
        self.failed_since = self.has_failed().then(|| self.failed_since.unwrap_or(now));
        self.poll.has_run = true;
        Ok(())
    }

    /// Records that the run was not found by its id: some servers only have it in their list (`docs/nuon-api.md`, "Releases of a
    /// branch"). That holds for this poll, as others may only lag. Returns whether it means anything.
    pub(super) fn on_missing(&mut self, request: &Request) -> bool {
        let is_about_run = matches!(request, Request::Run(..));
        self.poll.by_list |= is_about_run;
        is_about_run
    }

    /// Records that something could not be read. Returns whether the poll goes on without it.
    pub(super) fn does_without(&mut self, request: &Request, is_missing: bool, once: bool) -> bool {
        match request {
            Request::InstallDeploys(_) => {
                self.current().is_some_and(|member| member.targets.does_without_list(is_missing, once))
            }
            Request::Run(_, later) if *later != self.run.id => {
                self.poll.later.insert(later.clone(), true);
                true
            }
            // The id is the server's own: there are none yet.
            Request::GroupRuns(_, run, page) if is_missing && *run != self.run.id && !self.has_groups.contains(run) => {
                let none = Page { rows: Vec::new(), more: Some(false) };
                let groups = self.poll.groups.entry(run.clone()).or_default();
                groups.accept(*page, none, "groups", |group| group.id.as_ref()).is_ok()
            }
            _ => false,
        }
    }

    /// Returns whether what a request is about has answered before, so that it exists.
    pub(super) fn has_answered(&self, request: &Request) -> bool {
        match request {
            Request::Workflow(Some(install), id) => {
                let members = self.members.get(install).into_iter().flatten();
                members.filter(|member| member.targets.id() == id).any(|member| member.targets.has_answered())
            }
            Request::GroupRuns(_, run, _) => self.has_groups.contains(run),
            Request::Deploy(..) => false,
            _ => true,
        }
    }

    /// Returns what to read next in this poll, or the outcome. `url`: the run's page, if the dashboard is known.
    pub(super) fn next(&mut self, targets: &[TargetWatch], now: Moment, once: bool, url: Option<Line>) -> RolloutNext {
        if let Some(request) = self.unread() {
            return RolloutNext::Read(request);
        }
        if let Some(request) = self.next_install(targets) {
            return RolloutNext::Read(request);
        }
        if let Some(request) = self.unread_later() {
            return RolloutNext::Read(request);
        }
        self.poll.is_over = true;
        self.takeovers = Some((self.poll.began, self.taken()));
        self.report_changes(url, now);
        let sight = self.sight(once);
        let decision = self.after_lag(sight.decide(self.rules), now, once);
        self.decided = Some(decision.clone());
        let is_new = self.changed == now || self.poll.has_joined;
        match decision {
            RunDecision::End(end) if !self.poll.has_joined => RolloutNext::End(end),
            _ => RolloutNext::Over(if is_new { Observed::Change } else { Observed::Nothing }),
        }
    }

    /// Gives a contradiction to the run's success as much time as an answer can lag.
    fn after_lag(&mut self, decision: RunDecision, now: Moment, once: bool) -> RunDecision {
        let RunDecision::Contradiction(failure) = decision else {
            self.contradicted_since = None;
            return decision;
        };
        let since = *self.contradicted_since.get_or_insert(now);
        match now >= since + LAG && !once {
            true => RunDecision::End(failure.into()),
            false => RunDecision::Contradiction(failure),
        }
    }

    /// Returns how the run has ended by the last poll, if it has, without waiting for more of it.
    pub(super) fn decided(&self) -> Option<DiscoveryEnd> {
        match &self.decided {
            Some(RunDecision::End(end)) => Some(end.clone()),
            // Whatever else could not be read.
            _ if self.has_failed() => Some(self.failure().into()),
            _ => None,
        }
    }

    /// Returns how the run has ended, now that a poll of it has broken off, if it is not worthwhile to read the rest: what has
    /// failed stays so.
    pub(super) fn broke_off(&self, now: Moment) -> Option<DiscoveryEnd> {
        let is_old = self.failed_since.is_some_and(|since| now >= since + LAG);
        self.decided().filter(|_| is_old)
    }

    fn has_failed(&self) -> bool {
        self.run.status.is_final() && self.run.status != RunStatus::Success
    }

    /// Returns the installs whose workflows have succeeded without deploying anything.
    pub(super) fn without_deploys(&self) -> Vec<Line> {
        let deploys_nothing = |member: &Member| member.is_done && !member.targets.has_deployed();
        let is_without = |install: &InstallId| {
            self.members.get(install).is_some_and(|own| !own.is_empty() && own.iter().all(deploys_nothing))
        };
        self.named.iter().filter(|(install, _)| is_without(install)).map(|(_, name)| name.clone()).collect()
    }

    /// Returns what has to be read of the run and its groups.
    fn unread(&mut self) -> Option<Request> {
        if !self.poll.has_run {
            return Some(match self.poll.by_list {
                false => Request::Run(self.place.clone(), self.run.id.clone()),
                true => {
                    let page = self.poll.listed.get_or_insert_default().page().unwrap_or(1);
                    Request::Runs(self.place.clone(), Runs::All, page)
                }
            });
        }
        if self.poll.installs.is_none() {
            match self.placed() {
                Ok(placed) => self.poll.installs = Some(placed),
                Err(request) => return Some(request),
            }
        }
        None
    }
}

fn has_ended(run: &BranchRun) -> bool {
    run.status.is_final() || run.workflow.end().is_some()
}

fn group_name(group: &GroupRun) -> Line {
    let name = group.install_group_name.as_ref().filter(|name| !name.is_blank()).map(|name| name.line(LONGEST_NAME));
    name.unwrap_or_else(|| Line::new(group.id.as_ref().map(ToString::to_string).unwrap_or_default()))
}

/// Returns whether the status of a group, or of an install in it, is a failure. Other statuses are not judged: the
/// install's own workflow counts.
fn is_failure(word: &RemoteText) -> bool {
    ["error", "failed", "cancelled"].iter().any(|own| word.is(own))
}
