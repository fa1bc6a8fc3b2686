//! Finding the deploy that is waited for. Until one matches, the target has not started, whatever the latest says.

use std::cmp::Ordering;

use super::ending::{self, End};
use super::freshness::Freshness;
use super::inquiry::{Learned, Look};
use super::request::Request;
use super::target::{Stage, TargetWatch, kind};
use super::{Context, EventKind};
use crate::client::Depth;
use crate::model::{Deploy, Workflow, WorkflowEnd};
use crate::pins::Baseline;
use crate::schedule::Found;
use crate::timeline::{human, span};
use crate::{ApiError, DeployId, Judgement, Kind, Line, Moment, Verdict, WorkflowId};

impl TargetWatch {
    /// Returns the first question of a look while nothing is found: the age of the baseline, if it is not known yet.
    pub(super) fn ask_first(&self) -> Request {
        match &self.pins.after {
            Some(Baseline::Deploy(id)) => self.ask_deploy(id.clone()),
            _ => self.ask_latest(Depth::Usual),
        }
    }

    /// Takes in the newest deploy, or the age of the baseline.
    pub(super) fn learn_latest(
        &mut self,
        now: Moment,
        look: &Look,
        found: Option<Box<Deploy>>,
        context: &mut Context,
    ) -> Learned<End> {
        if let (Request::Deploy(_, asked), Some(Baseline::Deploy(_))) = (&look.request, &self.pins.after) {
            let Some(created) = found.as_ref().and_then(|deploy| deploy.created_at) else {
                return Learned::Failed(ApiError::Undecodable(
                    "the baseline deploy has no time of creation".to_owned(),
                ));
            };
            self.pins.after = Some(Baseline::Known(asked.clone(), created));
            return Learned::More(self.ask_latest(Depth::Usual));
        }
        let Some(deploy) = found.filter(|deploy| !deploy.is_plan_only()) else { return self.none_yet(now, context) };
        self.search.preflight_done = true;
        if self.pins.match_deploy(&deploy) {
            self.reads.newest = true;
            return self.lock(now, look, deploy, context);
        }
        // The one that matches may be hidden behind a newer one that does not.
        if deploy.id.is_some() && self.search.listed != deploy.id {
            self.search.newest = deploy.id;
            return Learned::More(self.ask_list());
        }
        self.nothing_found(now, context)
    }

    fn none_yet(&mut self, now: Moment, context: &mut Context) -> Learned<End> {
        if !self.search.preflight_done {
            return Learned::More(Request::Install(self.target.install.clone()));
        }
        self.nothing_found(now, context)
    }

    /// Takes in a list of deploys, newest first.
    pub(super) fn learn_list(
        &mut self,
        now: Moment,
        look: &Look,
        deploys: Vec<Deploy>,
        context: &mut Context,
    ) -> Learned<End> {
        self.search.listed.clone_from(&self.search.newest);
        let mut rows = deploys.into_iter().filter(|deploy| deploy.id.is_some() && !deploy.is_plan_only());
        let found = match &self.stage {
            Stage::Succession(workflow) => rows.find(|row| self.is_successor(workflow.as_ref(), row)),
            Stage::Searching | Stage::Locked(_) => rows.find(|row| self.pins.match_deploy(row)),
        };
        match found {
            Some(deploy) => self.lock(now, look, Box::new(deploy), context),
            None => self.nothing_found(now, context),
        }
    }

    /// Tells whether a deploy can have taken the place of the one that was replaced: a newer row of the same workflow. If
    /// the workflow is not known, it has to be certain that the row is newer, as a lagging replica may give an old one.
    fn is_successor(&self, workflow: Option<&WorkflowId>, row: &Deploy) -> bool {
        let before = self.deploy.as_ref().and_then(|deploy| deploy.created_at);
        let age = before.zip(row.created_at).map(|(before, own)| own.cmp(&before));
        let is_newer = match workflow {
            Some(_) => age != Some(Ordering::Less),
            None => age == Some(Ordering::Greater),
        };
        is_newer
            && workflow == row.workflow_id.as_ref()
            && !row.id.as_ref().is_some_and(|id| self.replaced.contains(id))
    }

    /// Ends a look that has found nothing, unless there is more to be read: once a hundred rows, and the workflow from
    /// which the deploy should come.
    pub(super) fn nothing_found(&mut self, now: Moment, context: &mut Context) -> Learned<End> {
        let searching = self.stage == Stage::Searching;
        if searching && !std::mem::replace(&mut self.search.looked_deep, true) {
            return Learned::More(self.ask_latest(Depth::Page));
        }
        let source = match &self.stage {
            Stage::Succession(workflow) => workflow.clone().filter(|_| !self.without_workflow),
            Stage::Searching | Stage::Locked(_) => self.pins.workflow.clone(),
        };
        if let Some(id) = source {
            if !self.reads.workflow {
                return Learned::More(Request::Workflow(id));
            }
            if let Some(end) = context.workflow(&id).and_then(|workflow| self.never_deployed(workflow, now)) {
                // The deploy may have come between the two reads.
                return match std::mem::replace(&mut self.reads.again, true) {
                    false => Learned::More(self.ask_list()),
                    true => Learned::Ended(end),
                };
            }
            self.search.workflow_runs = true;
        }
        if searching && !std::mem::replace(&mut self.search.told, true) {
            context.emit(now, EventKind::NotStarted { target: self.index });
        }
        Learned::Over(Found::Nothing)
    }

    /// The workflow ended without the deploy that should have come from it.
    fn never_deployed(&self, workflow: &Workflow, now: Moment) -> Option<End> {
        let end = workflow.end()?;
        let step = workflow.failed_step().map(|step| format!(": {}", step.plain())).unwrap_or_default();
        let missing = match self.replaced.last() {
            Some(replaced) => format!("nothing took the place of {replaced}"),
            None => format!("{} was never attempted", self.target.component_label()),
        };
        let reason = format!("the workflow {}{step}, and {missing}", end.as_str());
        let verdict = if end == WorkflowEnd::Cancelled { Verdict::Cancelled } else { Verdict::Failed };
        Some(End { reason: Some(Line::new(reason)), ..End::new(verdict, now) })
    }

    /// Follows a deploy from now on, unless it does the opposite of what is waited for.
    pub(super) fn lock(
        &mut self,
        now: Moment,
        look: &Look,
        deploy: Box<Deploy>,
        context: &mut Context,
    ) -> Learned<End> {
        // The client gives no deploy without an id; if another transport does, it is as good as none.
        let Some(id) = deploy.id.clone() else { return self.nothing_found(now, context) };
        if let Some(reason) = self.refusal(&id, &deploy, context) {
            return Learned::Ended(End { reason: Some(Line::new(reason)), ..End::new(Verdict::Failed, now) });
        }
        let first = self.deploy.is_none();
        // What is named by its id, or by its workflow, was not searched for by the other pins.
        if let Some(flag) = self.pins.contradicted_by(&deploy).filter(|_| first) {
            return Learned::Ended(ending::contradicted(&id, flag, now));
        }
        self.stage = Stage::Locked(id.clone());
        self.search.preflight_done = true;
        self.forget_standing();
        self.freshness = Freshness::default();
        let status = deploy.current_status().clone();
        self.seen.push((status.clone(), now));
        self.reads.changed = true;
        // What was read in this look was the workflow of the deploy before, or was read before this one was there.
        self.reads.workflow = false;
        let (build, commit) = (deploy.build_id.clone(), deploy.commit().map(|commit| commit.line(40)));
        let (target, matched_by) = (self.index, self.pins.matched_by());
        let replaces = self.replaced.last().cloned();
        context.emit(now, EventKind::Found { target, deploy: id.clone(), status, build, commit, matched_by, replaces });
        let judgement = context.settings.rules.judge(deploy.current_status(), kind(&deploy));
        // A deploy that appeared while the gate waited cannot have ended before.
        let at_once = first && !self.search.told && !context.is_glance();
        if at_once && judgement != Judgement::Pending && !self.pins.is_pinned() {
            self.warn_ended_before(now, &id, &deploy, context);
        }
        self.learn_deploy(now, look, &id, Some(deploy), context)
    }

    /// Says why a deploy must not be followed.
    fn refusal(&self, id: &DeployId, deploy: &Deploy, context: &Context) -> Option<String> {
        let to = kind(deploy);
        let crossing = self.deploy.as_deref().is_some_and(|before| kind(before) == Kind::Apply && to == Kind::Teardown);
        let expected = context.settings.expect.filter(|expected| *expected != to);
        match expected {
            _ if crossing => Some(format!("the deploy was replaced by a teardown ({id})")),
            Some(expected) => Some(format!("the deploy {id} is {}, but {} was expected", to.words(), expected.words())),
            None => None,
        }
    }

    fn warn_ended_before(&mut self, now: Moment, id: &DeployId, deploy: &Deploy, context: &mut Context) {
        // Whether it had ended was seen; only how long ago is a question of the two machines' clocks.
        let age = deploy.status_since().map(|ended| span(ended, context.started_at)).filter(|age| !age.is_zero());
        let age = age.map(|age| format!(" {} ago", human(age))).unwrap_or_default();
        let text = format!(
            "the latest deploy, {id}, had already ended{age}, before the gate began: if you have just triggered one, this \
             is not it; pin yours with --deploy, --workflow, --build, --commit or --after"
        );
        self.warn(now, text, context);
    }
}
