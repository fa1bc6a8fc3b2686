//! Following a deploy: what else has to be read before its status can be believed, and what follows from it all.

use super::decide::{Decision, Picture, decide};
use super::ending::{self, End};
use super::inquiry::{Learned, Look};
use super::request::Request;
use super::settings::{OnApproval, OnSuperseded};
use super::target::{Stage, TargetWatch, kind};
use super::{Context, EventKind};
use crate::client::Depth;
use crate::model::{Deploy, Status, Workflow, WorkflowEnd};
use crate::report::ApprovalPlace;
use crate::schedule::Found;
use crate::{ApiError, DeployId, Judgement, Line, Moment, Pins, StepId, Verdict, WorkflowId};

/// What is beside the deploy (its workflow, what is newer) is read at every third look while nothing depends on it.
const BESIDE: u32 = 3;

/// A human is asked to approve the plan.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) workflow: WorkflowId,
    pub(super) step: Option<StepId>,
    pub(super) since: Moment,
    /// In how many looks in a row it was seen. Plans that approve themselves are also seen waiting for a moment, so only
    /// the second look makes it certain (facts, section 6).
    looks: u32,
}

impl Asked {
    pub(super) fn is_certain(&self) -> bool {
        self.looks >= 2
    }

    /// Returns where it can be answered.
    pub(super) fn place(&self) -> ApprovalPlace {
        ApprovalPlace { workflow: self.workflow.clone(), step: self.step.clone() }
    }
}

impl TargetWatch {
    /// Takes in the deploy that is followed.
    pub(super) fn learn_deploy(
        &mut self,
        now: Moment,
        look: &Look,
        id: &DeployId,
        found: Option<Box<Deploy>>,
        context: &mut Context,
    ) -> Learned<End> {
        let Some(deploy) = found.filter(|deploy| deploy.id.as_ref() == Some(id)) else {
            return Learned::Failed(ApiError::Undecodable("the answer is about another deploy".to_owned()));
        };
        // The endpoint finds a deploy by its id alone: that it is the target's has to be seen here.
        if let Some(other) = deploy.component_id.as_ref().filter(|own| **own != self.target.component) {
            return Learned::Ended(ending::of_another_component(&self.target, id, other, now));
        }
        if deploy.is_plan_only() {
            let reason = "the deploy only makes a plan, so there is nothing to wait for";
            return Learned::Ended(End { reason: Some(Line::new(reason)), ..End::new(Verdict::Rejected, now) });
        }
        // The first look at a deploy that was pinned by its id.
        if self.deploy.is_none() && self.seen.is_empty() {
            return self.lock(now, look, deploy, context);
        }
        if !self.freshness.admit(now, &deploy) {
            return self.pass_over(now, look, context);
        }
        self.reads.outdated = false;
        self.note_change(now, id, &deploy, context);
        let status = deploy.current_status().clone();
        if context.settings.rules.is_unrecognised(&status) && self.unrecognised.insert(status.clone()) {
            let text = format!("status `{status}` is not known to this version; it is taken for not ended");
            self.warn(now, text, context);
        }
        self.detailed = matches!(look.request, Request::Deploy(..));
        self.deploy = Some(deploy);
        self.follow(now, look, context)
    }

    /// Passes over an answer that is older than one seen before, as from a lagging replica. What was seen stands, and what
    /// else the look reads may confirm it; unless something does, the look decides nothing.
    fn pass_over(&mut self, now: Moment, look: &Look, context: &mut Context) -> Learned<End> {
        if let Some(verdict) = self.failing.filter(|_| !self.reads.details) {
            // The details were asked for in the look before as well. A replica that hangs must not keep back a failure.
            self.warn(now, "the deploy's details could not be read: the answers are outdated", context);
            return Learned::Ended(self.failed(verdict, now, context));
        }
        self.reads.outdated = true;
        self.follow(now, look, context)
    }

    /// Takes in the component's newest deploy. If it is the one that is followed, it says anew where that stands.
    pub(super) fn learn_newest(
        &mut self,
        now: Moment,
        look: &Look,
        id: &DeployId,
        found: Option<Box<Deploy>>,
        context: &mut Context,
    ) -> Learned<End> {
        self.reads.newest = true;
        let standing = |deploy: &Deploy| (deploy.current_status().clone(), kind(deploy), deploy.is_plan_only());
        if let (Some(known), Some(newest)) = (self.deploy.as_deref(), found.as_deref())
            && newest.id.as_ref() == Some(id)
            && self.freshness.admit(now, newest)
        {
            if standing(newest) != standing(known) {
                return self.learn_deploy(now, look, id, found, context);
            }
            self.reads.outdated = false;
        }
        self.reads.newest_deploy = found.filter(|deploy| !deploy.is_plan_only());
        self.follow(now, look, context)
    }

    /// Takes note of the deploy's status if it is a new one.
    fn note_change(&mut self, now: Moment, id: &DeployId, deploy: &Deploy, context: &mut Context) {
        let to = deploy.current_status().clone();
        let Some((from, since)) = self.seen.last().cloned().filter(|(from, _)| *from != to) else { return };
        self.seen.push((to.clone(), now));
        self.reads.changed = true;
        self.forget_standing();
        let description = deploy.description().map(|text| text.line(200)).filter(|text| text != to.as_str());
        let (target, deploy) = (self.index, id.clone());
        context.emit(now, EventKind::Changed { target, deploy, from, to, spent: now - since, description });
    }

    /// Reads what is missing, then decides.
    pub(super) fn follow(&mut self, now: Moment, look: &Look, context: &mut Context) -> Learned<End> {
        if context.settings.links && !std::mem::replace(&mut context.asked_for_dashboard, true) {
            return Learned::More(Request::Dashboard);
        }
        if context.settings.links && self.target.install_name().is_none() && self.install_name.is_none() {
            let install = &self.target.install;
            match context.install_names.get(install) {
                Some(name) => self.install_name.clone_from(name),
                None => {
                    context.install_names.insert(install.clone(), None);
                    return Learned::More(Request::Install(install.clone()));
                }
            }
        }
        if let Some(request) = self.missing(look, context) {
            return Learned::More(request);
        }
        if let Some(learned) = self.meet_newer(now, look, context) {
            return learned;
        }
        let Some(deploy) = self.deploy.as_deref() else { return Learned::Over(Found::Nothing) };
        let Stage::Locked(id) = &self.stage else { return Learned::Over(Found::Nothing) };
        let Some(judgement) = self.judgement(context) else { return Learned::Over(Found::Nothing) };
        if self.reads.outdated {
            return Learned::Over(self.found());
        }
        let workflow = self.workflow_id().and_then(|workflow| context.workflow(workflow));
        let by_flag = context.settings.rules.override_of(deploy.current_status()).is_some();
        let decision = decide(&Picture { id, deploy, judgement, by_flag, workflow });
        let id = id.clone();
        if !by_flag && let Some(learned) = self.doubt(now, &id, &decision, context) {
            return learned;
        }
        self.act(now, id, decision, context)
    }

    /// Returns what has to be read before anything can be decided.
    fn missing(&self, look: &Look, context: &Context) -> Option<Request> {
        let deploy = self.deploy.as_deref()?;
        let judgement = self.judgement(context)?;
        let beside = self.looks.is_multiple_of(BESIDE) || context.is_glance();
        let final_status = !matches!(judgement, Judgement::Pending | Judgement::Replaced);
        if !self.reads.newest && (beside || final_status) {
            return Some(self.ask_latest(Depth::Usual));
        }
        let depends = final_status || *deploy.current_status() == Status::PendingApproval;
        let id = self.workflow_id().filter(|_| !self.reads.workflow && judgement != Judgement::Replaced)?;
        // What another target has read will do, unless something depends on its being newer than the deploy.
        let fresh = !depends && context.has_workflow_since(id, look.began);
        (!fresh && (beside || depends)).then(|| Request::Workflow(id.clone()))
    }

    pub(super) fn workflow_id(&self) -> Option<&WorkflowId> {
        self.deploy.as_deref()?.workflow_id.as_ref().filter(|_| !self.without_workflow)
    }

    /// Deals with a newer deploy that does not replace the one that is followed.
    fn meet_newer(&mut self, now: Moment, look: &Look, context: &mut Context) -> Option<Learned<End>> {
        let deploy = self.deploy.as_deref()?;
        let newest = self.reads.newest_deploy.as_deref()?;
        let (Some(from), Some(to)) = (deploy.id.clone(), newest.id.clone()) else { return None };
        let is_newer = from != to && newest.created_at > deploy.created_at;
        let replaces = newest.workflow_id.is_some() && newest.workflow_id == deploy.workflow_id;
        if !is_newer || replaces || self.judgement(context) == Some(Judgement::Replaced) {
            return None;
        }
        let policy = context.settings.on_superseded.unwrap_or(match self.pins.is_pinned() {
            true => OnSuperseded::Ignore,
            false => OnSuperseded::Follow,
        });
        if self.superseded_by.as_ref() != Some(&to) {
            self.superseded_by = Some(to.clone());
            let (target, to) = (self.index, to.clone());
            context.emit(now, EventKind::Superseded { target, from: from.clone(), to, policy });
        }
        match policy {
            OnSuperseded::Ignore => None,
            OnSuperseded::Follow => {
                let newest = self.reads.newest_deploy.take()?;
                self.warn(now, format!("deploy {from} was superseded by {to}, which is followed from now on"), context);
                // What is followed now is not what was pinned, but what is newest.
                self.pins = Pins::default();
                Some(self.lock(now, look, newest, context))
            }
            OnSuperseded::Fail => {
                let reason = format!("the deploy {from} was superseded by {to}");
                Some(Learned::Ended(End { reason: Some(Line::new(reason)), ..End::new(Verdict::Superseded, now) }))
            }
        }
    }

    fn act(&mut self, now: Moment, id: DeployId, decision: Decision, context: &mut Context) -> Learned<End> {
        if !matches!(decision, Decision::Approval(_)) {
            self.approval = None;
        }
        if !matches!(decision, Decision::Hold) {
            self.held = None;
        }
        if decision != Decision::Pass {
            self.settling = None;
        }
        match decision {
            Decision::Wait => Learned::Over(self.found()),
            Decision::Hold => self.hold(now, context),
            Decision::Approval(step) => self.await_approval(now, step, context),
            Decision::Pass => self.pass(now, context),
            // The short form lacks what a reason is made of.
            Decision::Fail(verdict) if !self.detailed => {
                self.failing = Some(verdict);
                self.reads.details = true;
                Learned::More(self.ask_deploy(id))
            }
            Decision::Fail(verdict) => Learned::Ended(self.failed(verdict, now, context)),
            Decision::Broken => {
                // The deploy may have turned to an error between the two reads.
                if std::mem::replace(&mut self.reads.again, true) {
                    Learned::Ended(self.broken(&id, now, context))
                } else {
                    Learned::More(self.ask_deploy(id))
                }
            }
            Decision::Orphan(verdict, end) => {
                // The deploy may have ended between the two reads.
                if std::mem::replace(&mut self.reads.again, true) {
                    Learned::Ended(self.orphaned(verdict, end, now, context))
                } else {
                    Learned::More(self.ask_deploy(id))
                }
            }
            Decision::Replaced => {
                let workflow = self.deploy.as_deref().and_then(|deploy| deploy.workflow_id.clone());
                if !self.replaced.contains(&id) {
                    self.replaced.push(id);
                }
                self.stage = Stage::Succession(workflow);
                // Once a look: a server that replaces without end must not be asked without pause.
                match std::mem::replace(&mut self.reads.succession, true) {
                    false => Learned::More(self.ask_list()),
                    true => Learned::Over(Found::Change),
                }
            }
        }
    }

    fn found(&self) -> Found {
        if self.reads.changed { Found::Change } else { Found::Nothing }
    }

    fn hold(&mut self, now: Moment, context: &mut Context) -> Learned<End> {
        let status = self.deploy.as_deref().map(|deploy| deploy.current_status().clone());
        if self.held != status {
            let target = self.index;
            self.held.clone_from(&status);
            if let Some(status) = status {
                context.emit(now, EventKind::Held { target, status });
            }
        }
        Learned::Over(self.found())
    }

    fn await_approval(&mut self, now: Moment, step: Option<StepId>, context: &mut Context) -> Learned<End> {
        let Some(workflow) = self.workflow_id().cloned() else { return Learned::Over(self.found()) };
        let certain_now = self.approval.as_ref().is_some_and(|asked| asked.looks == 1);
        if certain_now && !std::mem::replace(&mut context.asked_for_dashboard, true) {
            return Learned::More(Request::Dashboard);
        }
        let before = self.approval.take();
        let before = before.map_or((0, now), |asked| (asked.looks, asked.since));
        let asked = Asked { workflow: workflow.clone(), step: step.clone(), since: before.1, looks: before.0 + 1 };
        let just_certain = asked.looks == 2;
        let url = context.dashboard.as_ref().and_then(|dashboard| dashboard.approval(&self.target, &asked.place()));
        self.approval = Some(asked);
        if just_certain {
            context.emit(now, EventKind::ApprovalNeeded { target: self.index, workflow, step, url });
        }
        if !self.approval.as_ref().is_some_and(Asked::is_certain) && context.is_glance() {
            // There is no other look in which it could be seen again.
            self.reads.workflow = false;
            return match self.deploy.as_deref().and_then(|deploy| deploy.id.clone()) {
                Some(id) => Learned::More(self.ask_deploy(id)),
                None => Learned::Over(self.found()),
            };
        }
        if !self.approval.as_ref().is_some_and(Asked::is_certain) {
            // The second look, which makes it certain, should come soon.
            return Learned::Over(Found::Change);
        }
        match context.settings.on_approval {
            OnApproval::Wait => Learned::Over(self.found()),
            OnApproval::Fail => {
                let reason = "a human is asked to approve the plan";
                let hint =
                    "answer it in the dashboard, then run the gate again; or let it wait with --on-approval wait";
                let end = End::new(Verdict::ApprovalNeeded, now);
                Learned::Ended(End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), ..end })
            }
            OnApproval::Pass => {
                let text = "passed because of --on-approval pass: a human still has to approve the plan";
                self.warn(now, text, context);
                Learned::Ended(End::new(Verdict::Passed, now))
            }
        }
    }

    fn pass(&mut self, now: Moment, context: &mut Context) -> Learned<End> {
        let settled = self.settling.get_or_insert(now + context.settings.settle);
        if now >= *settled {
            return Learned::Ended(End::new(Verdict::Passed, now));
        }
        Learned::Later(*settled)
    }

    /// The deploy says that it passed, but a step of it failed.
    fn broken(&self, id: &DeployId, now: Moment, context: &Context) -> End {
        let workflow = self.workflow_id().and_then(|id| context.workflow(id));
        let step = workflow.and_then(|workflow| workflow.failed_step_of(id)).unwrap_or_default();
        let status = self.deploy.as_deref().map(Deploy::current_status).cloned().unwrap_or(Status::Unknown);
        let reason = format!("{}, although the deploy says `{status}`", step.plain());
        End { reason: Some(Line::new(reason)), ..End::new(Verdict::Failed, now) }
    }

    /// The workflow ended but the deploy never did.
    pub(super) fn orphaned(&self, verdict: Verdict, end: WorkflowEnd, now: Moment, context: &Context) -> End {
        let workflow = self.workflow_id().and_then(|id| context.workflow(id));
        let id = self.deploy.as_deref().and_then(|deploy| deploy.id.as_ref());
        let step =
            workflow.and_then(Workflow::failed_step).map(|step| format!(": {}", step.plain())).unwrap_or_default();
        let own_failed = id.and_then(|id| workflow.and_then(|workflow| workflow.failed_step_of(id))).is_some();
        let status = self.deploy.as_deref().map(Deploy::current_status).cloned().unwrap_or(Status::Unknown);
        // A plan that was denied ends the workflow, whatever its deploy says.
        let answered = self.answered(context);
        let was_denied = workflow.is_some_and(|workflow| workflow.was_denied(id));
        let verdict = if answered.is_some() || was_denied { Verdict::Cancelled } else { verdict };
        let denied = answered.or_else(|| self.deploy.as_deref().and_then(crate::reason::denials));
        let denied = denied.map(|text| format!("; {}", text.plain())).unwrap_or_default();
        let never = match status {
            Status::Queued | Status::Pending if !own_failed => {
                format!("{} was never attempted", self.target.component_label())
            }
            status => format!("the deploy never did and stays `{status}`"),
        };
        let reason = format!("the workflow {}{step}, and {never}{denied}", end.as_str());
        End { reason: Some(Line::new(reason)), ..End::new(verdict, now) }
    }
}
