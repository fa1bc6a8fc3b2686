//! Which targets there are: found out by name at the start, or as the workflow that is waited for goes on.

use std::collections::{HashMap, HashSet};

use super::context::{Context, Refusal};
use super::ending::{self, End};
use super::inquiry::{Inquiry, Learned, Look};
use super::request::{Answer, Reply, Request};
use super::target::TargetWatch;
use crate::client::ErrorClass;
use crate::model::{Deploy, Workflow, WorkflowEnd, WorkflowStep};
use crate::resolve::{Resolution, Resolver, Unknown, Wanted};
use crate::schedule::{Found, Schedule};
use crate::{ApiError, DeployId, InstallId, Line, Moment, Target, Verdict, WorkflowId};

/// The search for targets.
#[derive(Debug)]
pub(super) struct Roll {
    pub(super) inquiry: Inquiry,
    source: Source,
    /// Deploys that have become targets since it was last asked.
    joined: Vec<(Target, DeployId)>,
    workflow_has_ended: bool,
    pub(super) end: Option<End>,
}

/// Where the targets come from.
#[derive(Debug)]
enum Source {
    Names(Resolver),
    Workflow(Followed),
}

/// A workflow of which every deploy is a target.
#[derive(Debug)]
struct Followed {
    id: WorkflowId,
    /// Whose it has to be; anybody's if there are none.
    installs: Vec<InstallId>,
    /// It has been seen running: deploys are only a matter of time.
    runs: bool,
    /// Whose each of its deploys is; `None` for a deploy that is nobody's to wait for.
    owners: HashMap<DeployId, Option<Target>>,
    /// The deploys that have become targets. What a target goes on to follow does not make another of them.
    joined: HashSet<DeployId>,
    /// Where it and its steps stood when they last changed.
    words: Vec<String>,
    changed: Moment,
}

/// What the search has come to.
pub(super) enum Rolled {
    /// These are the targets.
    Targets(Vec<Target>),
    /// One of the things that are wanted does not exist.
    Unknown(Unknown),
    /// The search is over, well or not.
    End(End),
}

impl Roll {
    pub(super) fn of_names(resolver: Resolver, schedule: Schedule) -> Self {
        Self::new(Source::Names(resolver), schedule)
    }

    pub(super) fn of_workflow(id: WorkflowId, installs: Vec<InstallId>, schedule: Schedule) -> Self {
        let followed = Followed {
            id,
            installs,
            runs: false,
            owners: HashMap::new(),
            joined: HashSet::new(),
            words: Vec::new(),
            changed: Moment::START,
        };
        Self::new(Source::Workflow(followed), schedule)
    }

    /// Returns when something last changed.
    pub(super) fn last_change(&self) -> Moment {
        match &self.source {
            Source::Names(_) => Moment::START,
            Source::Workflow(followed) => followed.changed,
        }
    }

    /// Returns the workflow that is waited for, unless it has ended.
    pub(super) fn open_workflow(&self) -> Option<&WorkflowId> {
        match &self.source {
            Source::Workflow(followed) if !self.has_passed() && !self.workflow_has_ended => Some(&followed.id),
            _ => None,
        }
    }

    /// A search that is over, as the targets are known.
    pub(super) fn over(schedule: Schedule) -> Self {
        let end = Some(End::new(Verdict::Passed, Moment::START));
        Self { end, ..Self::of_names(Resolver::new(Vec::new()), schedule) }
    }

    fn new(source: Source, schedule: Schedule) -> Self {
        Self { inquiry: Inquiry::new(schedule), source, joined: Vec::new(), workflow_has_ended: false, end: None }
    }

    /// Returns what is wanted by name; nothing if a workflow is.
    pub(super) fn wanted(&self) -> &[Wanted] {
        match &self.source {
            Source::Names(resolver) => resolver.wanted(),
            Source::Workflow(_) => &[],
        }
    }

    /// Tells whether nothing can be waited for any more.
    pub(super) fn is_lost(&self) -> bool {
        self.end.is_some() && !self.has_passed() && matches!(self.source, Source::Names(_))
    }

    pub(super) fn has_passed(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.verdict == Verdict::Passed)
    }

    /// Returns whether the start clock runs.
    pub(super) fn awaits_start(&self) -> bool {
        match &self.source {
            Source::Names(_) => true,
            Source::Workflow(followed) => !followed.runs,
        }
    }

    /// Says for what is waited.
    pub(super) fn subject(&self) -> String {
        match &self.source {
            Source::Names(resolver) => {
                let wanted: Vec<String> = resolver.wanted().iter().map(ToString::to_string).collect();
                wanted.join(", ")
            }
            Source::Workflow(followed) => format!("workflow {}", followed.id),
        }
    }

    /// Says how far it has come.
    pub(super) fn standing(&self, context: &Context) -> String {
        match &self.source {
            Source::Names(_) => "no deploy has been seen".to_owned(),
            Source::Workflow(followed) => match context.workflow(&followed.id) {
                Some(workflow) => {
                    // Servers say `success` between two steps as well.
                    let not_yet = if workflow.status_word() == "success" { ", but not finished" } else { "" };
                    format!("workflow {} is `{}`{not_yet}", followed.id, workflow.status_word())
                }
                None => format!("workflow {} has not been seen", followed.id),
            },
        }
    }

    /// Returns how the workflow has ended, if it has, without waiting for its deploys.
    pub(super) fn ended_by_now(&self, nothing: bool, now: Moment, context: &Context) -> Option<End> {
        let Source::Workflow(followed) = &self.source else { return None };
        let workflow = context.workflow(&followed.id)?;
        workflow.end().map(|end| ended(end, workflow, nothing, now))
    }

    pub(super) fn take_joined(&mut self) -> Vec<(Target, DeployId)> {
        std::mem::take(&mut self.joined)
    }

    /// Begins or continues a look: returns the question and its serial number.
    pub(super) fn ask(&mut self, now: Moment) -> (Request, u64) {
        let source = &mut self.source;
        self.inquiry.ask(now, || match source {
            Source::Workflow(followed) => Request::Workflow(followed.id.clone()),
            // A search that is not over has a question; what its answer is does not matter otherwise.
            Source::Names(resolver) => match resolver.resolve() {
                Resolution::Ask(request) => request,
                Resolution::Targets(_) | Resolution::Unknown(_) => Request::Installs(1),
            },
        })
    }

    /// Takes in what came of a question; returns the error if it has to be asked again, and what it has come to.
    pub(super) fn reply(
        &mut self,
        now: Moment,
        serial: u64,
        reply: Reply,
        targets: &[TargetWatch],
        context: &mut Context,
    ) -> (Option<ApiError>, Option<Rolled>) {
        let Some(look) = self.inquiry.take(serial).filter(|_| self.end.is_none()) else { return (None, None) };
        let learned = match reply {
            Ok(answer) => {
                self.inquiry.good(&look.request);
                self.learn(now, &look, answer, targets, context)
            }
            Err(error) => self.suffer(now, &look, error, context),
        };
        self.inquiry.carry_on(now, &look, learned)
    }

    fn learn(
        &mut self,
        now: Moment,
        look: &Look,
        answer: Answer,
        targets: &[TargetWatch],
        context: &mut Context,
    ) -> Learned<Rolled> {
        match (&mut self.source, answer) {
            (Source::Names(resolver), answer) => match resolver.learn(&look.request, answer) {
                Ok(()) => resolved(resolver),
                Err(error) => Learned::Failed(error),
            },
            (Source::Workflow(_), Answer::Workflow(workflow)) => {
                context.keep_workflow(look, *workflow, now);
                self.follow(now, targets, context)
            }
            (Source::Workflow(followed), Answer::Deploy(Some(deploy))) => {
                if let Err(error) = followed.learn_owner(&look.request, &deploy, context) {
                    return Learned::Failed(error);
                }
                self.follow(now, targets, context)
            }
            _ => Learned::Failed(ApiError::Undecodable("the answer is about something else".to_owned())),
        }
    }

    fn suffer(&mut self, now: Moment, look: &Look, error: ApiError, context: &mut Context) -> Learned<Rolled> {
        if error.class() == ErrorClass::Untrusted && !context.health.ever_good {
            context.refusal = Some(Refusal::Untrusted(error));
            return Learned::Over(Found::Nothing);
        }
        if let Source::Names(resolver) = &mut self.source
            && resolver.learn_error(&look.request, error.class() == ErrorClass::Missing)
        {
            return resolved(resolver);
        }
        match self.inquiry.is_final(&error, &look.request, true, context) {
            true => Learned::Ended(Rolled::End(ending::rejected(&error, &look.request, now))),
            false => Learned::Failed(error),
        }
    }

    /// Makes targets of the deploys that nobody follows yet, and ends with the workflow.
    fn follow(&mut self, now: Moment, targets: &[TargetWatch], context: &Context) -> Learned<Rolled> {
        let Source::Workflow(followed) = &mut self.source else { return Learned::Over(Found::Nothing) };
        let Some(workflow) = context.workflow(&followed.id) else { return Learned::Over(Found::Nothing) };
        self.workflow_has_ended = workflow.end().is_some();
        if let Some(end) = followed.of_another_install(workflow, now) {
            return Learned::Ended(Rolled::End(end));
        }
        followed.note_change(workflow, now);
        let mut all_followed = true;
        for id in workflow.deploys() {
            if followed.joined.contains(id) || targets.iter().any(|target| target.has_followed(id)) {
                continue;
            }
            let Some(owner) = followed.owners.get(id) else {
                return match &workflow.owner_id {
                    Some(install) => Learned::More(Request::Deploy(install.clone(), id.clone())),
                    None => Learned::Ended(Rolled::End(ownerless(&followed.id, now))),
                };
            };
            let Some(owner) = owner else { continue };
            all_followed = false;
            // A deploy that may take the place of another is for that one's target to follow.
            let expected = targets.iter().any(|target| target.end.is_none() && target.target == *owner);
            let joins = self.joined.iter().any(|(joining, _)| joining == owner);
            // A row that was replaced before it was seen is a part of its successor's story.
            let was_replaced = workflow.steps_of(id).all(WorkflowStep::is_retried);
            if !expected && !joins && !was_replaced {
                followed.joined.insert(id.clone());
                self.joined.push((owner.clone(), id.clone()));
            } else if was_replaced && !expected {
                followed.owners.insert(id.clone(), None);
            }
        }
        match workflow.end() {
            Some(end) if all_followed => Learned::Ended(Rolled::End(ended(end, workflow, targets.is_empty(), now))),
            Some(_) => Learned::Over(Found::Change),
            None => {
                followed.runs = true;
                Learned::Over(if self.joined.is_empty() { Found::Nothing } else { Found::Change })
            }
        }
    }
}

impl Followed {
    /// Refuses a workflow that works on none of the installs that were named.
    fn of_another_install(&self, workflow: &Workflow, now: Moment) -> Option<End> {
        let owner = workflow.owner_id.as_ref()?;
        let name = workflow.owner_name.as_ref().map(|name| name.line(255));
        let is_owner =
            |install: &InstallId| install == owner || name.as_ref().is_some_and(|name| *name == install.as_str());
        if self.installs.is_empty() || self.installs.iter().any(is_owner) {
            return None;
        }
        let named: Vec<&str> = self.installs.iter().map(InstallId::as_str).collect();
        let reason = format!("workflow {} works on install {owner}, not on {}", self.id, named.join(", "));
        let hint =
            "correct --workflow (NUON_GATE_WORKFLOW), or leave out --install (NUON_GATE_INSTALL, NUON_INSTALL_ID)";
        Some(End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), ..End::new(Verdict::Rejected, now) })
    }

    fn note_change(&mut self, workflow: &Workflow, now: Moment) {
        let words = [workflow.status_word()].into_iter().chain(workflow.steps().map(WorkflowStep::word));
        let words: Vec<String> = words.map(str::to_owned).collect();
        if words != self.words {
            self.words = words;
            self.changed = now;
        }
    }

    fn learn_owner(&mut self, request: &Request, deploy: &Deploy, context: &Context) -> Result<(), ApiError> {
        let Request::Deploy(install, id) = request else { return Ok(()) };
        if deploy.is_plan_only() {
            self.owners.insert(id.clone(), None);
            return Ok(());
        }
        let nobody = || ApiError::Undecodable("the deploy names no component".to_owned());
        let component = deploy.component_id.clone().ok_or_else(nobody)?;
        let install_name = context.workflow(&self.id).and_then(|workflow| workflow.owner_name.as_ref());
        let target = Target::new(install.clone(), component).named(install_name, deploy.component_name.as_ref());
        self.owners.insert(id.clone(), Some(target));
        Ok(())
    }
}

fn resolved(resolver: &mut Resolver) -> Learned<Rolled> {
    match resolver.resolve() {
        Resolution::Ask(request) => Learned::More(request),
        Resolution::Targets(targets) => Learned::Ended(Rolled::Targets(targets)),
        Resolution::Unknown(unknown) => Learned::Ended(Rolled::Unknown(unknown)),
    }
}

/// The workflow ended, and what it deployed has been followed.
fn ended(end: WorkflowEnd, workflow: &Workflow, nothing: bool, now: Moment) -> End {
    let step = workflow.failed_step().map(|step| format!(": {}", step.plain())).unwrap_or_default();
    let (verdict, reason) = match (end, nothing) {
        (WorkflowEnd::Succeeded, false) => return End::new(Verdict::Passed, now),
        (WorkflowEnd::Succeeded, true) => {
            (Verdict::Failed, "the workflow succeeded without deploying anything".to_owned())
        }
        (WorkflowEnd::Failed | WorkflowEnd::Parked, _) if workflow.was_denied(None) => {
            let denied = workflow.steps().find_map(crate::reason::denial).map(|text| format!("; {}", text.plain()));
            (Verdict::Cancelled, format!("the workflow {}{step}{}", end.as_str(), denied.unwrap_or_default()))
        }
        (WorkflowEnd::Cancelled, _) => (Verdict::Cancelled, format!("the workflow {}{step}", end.as_str())),
        (WorkflowEnd::Failed | WorkflowEnd::Parked, _) => {
            (Verdict::Failed, format!("the workflow {}{step}", end.as_str()))
        }
    };
    End { reason: Some(Line::new(reason)), ..End::new(verdict, now) }
}

fn ownerless(id: &WorkflowId, now: Moment) -> End {
    let reason = format!("workflow {id} works on no install, so it has no deploys that could be waited for");
    let hint = "name an install's workflow with --workflow (NUON_GATE_WORKFLOW), or give --install and --component";
    End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), ..End::new(Verdict::Rejected, now) }
}
