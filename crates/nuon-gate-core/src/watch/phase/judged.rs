//! What a deploy's status and its workflow mean together. A pure function; `table/` lists its cases.

use crate::ApprovalPlace;
use crate::hold::Behind;
use crate::judge::Judgement;
use crate::model::{Deploy, Status, StepState, Workflow, WorkflowEnd, WorkflowStep};
use crate::{DeployId, Hold, RemoteText, Verdict};

/// What they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// Every proof is there.
    Pass,
    /// The deploy failed or was cancelled, and says so itself.
    Fail(Verdict),
    /// Not yet.
    Hold(Hold),
    /// The workflow has ended, and the deploy never will.
    Orphan(WorkflowEnd),
}

/// A deploy and the workflow behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) id: &'a DeployId,
    pub(super) row: &'a Deploy,
    /// The install's component that it has named.
    pub(super) part: Option<&'a RemoteText>,
    /// What its status means by itself.
    pub(super) judgement: Judgement,
    /// Whether a flag says so, rather than the table: then no step is asked.
    pub(super) by_rule: bool,
    /// The workflow, if the deploy names one that exists.
    pub(super) workflow: Option<&'a Workflow>,
}

pub(super) fn judged(picture: Picture<'_>) -> Judged {
    let Picture { row, judgement, by_rule, workflow, .. } = picture;
    match (judgement, workflow) {
        (Judgement::Replaced, _) => Judged::Hold(Hold::NotReplaced),
        (Judgement::Cancelled, _) => Judged::Fail(Verdict::Cancelled),
        (Judgement::Passed, Some(workflow)) if !by_rule => passing(picture, workflow),
        (Judgement::Passed, _) => Judged::Pass,
        (Judgement::Failed, Some(workflow)) if !by_rule => match row.current_status() {
            Status::Error => failing(picture, workflow),
            Status::Noop => not_built(picture, workflow),
            _ => Judged::Fail(Verdict::Failed),
        },
        (Judgement::Failed, _) => Judged::Fail(Verdict::Failed),
        (Judgement::Pending, Some(workflow)) if !by_rule => pending(picture, workflow),
        (Judgement::Pending, _) => Judged::Hold(Hold::InProgress),
    }
}

/// The steps that work on a deploy: those that target it, and those that verify its health.
struct Steps<'a> {
    workflow: &'a Workflow,
    own: Vec<&'a WorkflowStep>,
    /// Steps that name it as a target of another type, or that have no target yet. They can hold it, and prove nothing.
    odd: Vec<&'a WorkflowStep>,
    health: Vec<&'a WorkflowStep>,
}

impl<'a> Steps<'a> {
    fn of(picture: Picture<'a>, workflow: &'a Workflow) -> Self {
        // Where there is nothing to do, nothing is to be applied; nor is it once the workflow has succeeded.
        let has_work = *picture.row.current_status() != Status::AutoSkipped;
        let is_coming = has_work && workflow.end() != Some(WorkflowEnd::Succeeded);
        let coming = workflow.coming_steps_of(picture.id).filter(|_| is_coming);
        let own: Vec<_> = workflow.steps_of(picture.id).collect();
        let mut health: Vec<_> = workflow.health_steps_of(picture.id, picture.part).collect();
        // Once it was verified and the workflow has succeeded, a check that never said what it is about was another component's,
        // unless it stands beside the deploy's own steps.
        let is_named = |step: &WorkflowStep| step.step_target_id.is_some();
        let is_beside = |step: &WorkflowStep| own.iter().any(|own| own.group_idx == step.group_idx);
        let last = health.iter().rfind(|step| is_named(step)).filter(|_| picture.part.is_some());
        let was_verified = last.is_some_and(|step| workflow.state_of(step) == StepState::Succeeded);
        if was_verified && workflow.end() == Some(WorkflowEnd::Succeeded) {
            health.retain(|step| is_named(step) || is_beside(step));
        }
        Self { workflow, own, odd: workflow.odd_steps_of(picture.id, picture.part).chain(coming).collect(), health }
    }

    fn all(&self) -> impl Iterator<Item = &'a WorkflowStep> {
        self.own.iter().chain(&self.odd).chain(&self.health).copied()
    }

    fn state(&self, step: &WorkflowStep) -> StepState {
        self.workflow.state_of(step)
    }

    fn any(&self, steps: &[&WorkflowStep], states: &[StepState]) -> bool {
        steps.iter().any(|step| states.contains(&self.state(step)))
    }

    /// Returns whether the health is being verified. The outcome counts even if another component has already failed or
    /// parked the workflow. In that case only a step that says so counts as running: no other ends the wait.
    fn is_verifying(&self) -> bool {
        self.health.iter().any(|step| self.is_being_verified(step))
    }

    fn is_being_verified(&self, step: &WorkflowStep) -> bool {
        match self.state(step) {
            StepState::Retrying => true,
            StepState::Running => self.workflow.end().is_none() || step.is_in_progress(),
            StepState::NotBegun | StepState::Succeeded | StepState::Replaced | StepState::Failed => false,
        }
    }

    /// Returns whether a health step goes on after the workflow's end. Unless that is a success, it may also be about to begin:
    /// another component failed, or was cancelled.
    fn outlasts(&self, step: &WorkflowStep, end: WorkflowEnd) -> bool {
        let may_begin = end != WorkflowEnd::Succeeded && self.is_unfinished(step);
        step.is_health() && (may_begin || self.is_being_verified(step))
    }

    /// Returns whether a step has not ended. A skipped step never runs, so it has.
    fn is_unfinished(&self, step: &WorkflowStep) -> bool {
        match self.state(step) {
            StepState::NotBegun => !step.is_skipped(),
            StepState::Running | StepState::Retrying => true,
            StepState::Succeeded | StepState::Replaced | StepState::Failed => false,
        }
    }

    /// Returns whether another row may have replaced this one, although this answer does not show it yet.
    fn was_retried(&self) -> bool {
        self.any(&self.own, &[StepState::Replaced]) && !self.any(&self.own, &[StepState::Failed])
    }

    /// Returns the last step if it was replaced. Its replacement is listed after it, so it is not there yet.
    fn replaced(&self, steps: &[&'a WorkflowStep]) -> Option<&'a WorkflowStep> {
        steps.last().copied().filter(|step| self.state(step) == StepState::Replaced)
    }

    fn describe(&self, step: &WorkflowStep) -> RemoteText {
        self.workflow.describe(step).unwrap_or_default()
    }

    /// The status passes, but this step did not succeed. If the deploy counts as cancelled, it says why.
    fn broken_by(&self, step: &WorkflowStep, verdict: Verdict) -> Judged {
        let step = match self.describe(step) {
            text if verdict == Verdict::Cancelled && !step.was_called_off() => and_ended(&text, WorkflowEnd::Cancelled),
            text => text,
        };
        Judged::Hold(Hold::Behind(Behind::StepFailed(verdict, step)))
    }

    /// Decides about a passing status that a step contradicts: it holds the deploy, unless the workflow has ended without it.
    fn waits_for(&self, step: &WorkflowStep) -> Judged {
        match self.workflow.end() {
            Some(end) if !self.outlasts(step, end) => self.broken_by(step, end.verdict()),
            _ => self.held_by(step),
        }
    }

    fn held_by(&self, step: &WorkflowStep) -> Judged {
        let step = self.describe(step);
        Judged::Hold(Hold::Step(match self.workflow.end() {
            Some(end) => and_ended(&step, end),
            None => step,
        }))
    }
}

fn and_ended(step: &RemoteText, end: WorkflowEnd) -> RemoteText {
    RemoteText::new(format!("{}, and the workflow {}", step.line(400).plain(), end.as_str()))
}

/// A passing status counts when a step that targets the deploy has begun and none that works on it is unfinished or
/// failed, whatever the workflow as a whole says. If the last one was replaced, its replacement is not there yet.
fn passing(picture: Picture<'_>, workflow: &Workflow) -> Judged {
    let steps = Steps::of(picture, workflow);
    let unfinished = steps.all().find(|step| steps.is_unfinished(step));
    let failed: Vec<_> = steps.all().filter(|step| steps.state(step) == StepState::Failed).collect();
    if let Some(first) = failed.first() {
        // Another attempt may still succeed.
        let goes_on = workflow.end().is_none() || steps.is_verifying();
        if let Some(step) = unfinished.filter(|_| goes_on) {
            return steps.held_by(step);
        }
        let is_cancelled = workflow.end() == Some(WorkflowEnd::Cancelled);
        let called_off =
            failed.iter().all(|step| step.was_called_off() || is_cancelled && step.word() == "not-attempted");
        let verdict = if called_off { Verdict::Cancelled } else { Verdict::Failed };
        return steps.broken_by(first, verdict);
    }
    match unfinished.or_else(|| steps.replaced(&steps.own)).or_else(|| steps.replaced(&steps.health)) {
        Some(step) => steps.waits_for(step),
        None if steps.own.iter().any(|step| step.has_begun()) => Judged::Pass,
        None => match workflow.end() {
            Some(end) => {
                let none = RemoteText::new("no step of its workflow has worked on it");
                Judged::Hold(Hold::Behind(Behind::StepFailed(end.verdict(), none)))
            }
            None => Judged::Hold(Hold::NotBegun),
        },
    }
}

/// `error` is no failure while it can still be retried: until the workflow ends or parks, or the deploy's steps have
/// ended and none is being retried.
fn failing(picture: Picture<'_>, workflow: &Workflow) -> Judged {
    use StepState::{Failed, NotBegun, Replaced, Retrying, Running, Succeeded};
    let steps = Steps::of(picture, workflow);
    let end = workflow.end();
    let fail = Judged::Fail(Verdict::Failed);
    if end == Some(WorkflowEnd::Cancelled) {
        return fail;
    }
    // A failed attempt of a health check writes `error`, and the next one may write `active` on the same row.
    if steps.is_verifying() {
        return Judged::Hold(Hold::Retry);
    }
    let (own, health) = (&steps.own, &steps.health);
    // A person retries it, or another component. The steps may not have noticed.
    if workflow.status_word() == "retrying" {
        let is_over = own.iter().any(|step| step.has_failed_for_good());
        return Judged::Hold(if is_over { Hold::Behind(Behind::Failure) } else { Hold::Retry });
    }
    let any = |of: &[&WorkflowStep], states: &[StepState]| steps.any(of, states);
    if let Some(end) = end {
        let retried = steps.was_retried();
        let unnoticed = end == WorkflowEnd::Succeeded && !any(own, &[Failed]);
        // Another component may have parked it between two tries.
        let between = health.iter().any(|step| step.state() == Retrying);
        return if retried || unnoticed || between { Judged::Hold(Hold::Behind(Behind::Failure)) } else { fail };
    }
    if any(own, &[Running, Retrying]) {
        return Judged::Hold(Hold::Retry);
    }
    if any(own, &[Failed]) {
        return if own.iter().any(|step| step.has_failed_for_good()) { fail } else { Judged::Hold(Hold::Retry) };
    }
    if any(health, &[Failed, Replaced]) {
        let another_try = any(health, &[NotBegun]) || !any(health, &[Failed]);
        return if another_try { Judged::Hold(Hold::Retry) } else { fail };
    }
    // While a step has not ended, or no step is listed yet, the workflow can retry the deploy.
    let has_ended = |step: &&WorkflowStep| steps.state(step) == Succeeded && step.finished == Some(true);
    match own.iter().all(has_ended) && !own.is_empty() {
        true => Judged::Hold(Hold::Behind(Behind::Failure)),
        false => Judged::Hold(Hold::Retry),
    }
}

/// `noop` is a failure, unless its step says that it is tried again, or has not noticed.
fn not_built(picture: Picture<'_>, workflow: &Workflow) -> Judged {
    let steps = Steps::of(picture, workflow);
    let is_going = |states: &[StepState]| workflow.end().is_none() && steps.any(&steps.own, states);
    if is_going(&[StepState::Retrying]) {
        Judged::Hold(Hold::Retry)
    } else if steps.was_retried() || is_going(&[StepState::Running]) {
        Judged::Hold(Hold::Behind(Behind::Failure))
    } else {
        Judged::Fail(Verdict::Failed)
    }
}

fn pending(picture: Picture<'_>, workflow: &Workflow) -> Judged {
    let Picture { id, row, .. } = picture;
    let Some(end) = workflow.end() else {
        let asks = (*row.current_status() == Status::PendingApproval).then(|| workflow.asks_about(id)).flatten();
        let place = asks.zip(workflow.id.clone());
        let place = place.map(|(step, workflow)| {
            let approval = step.approval.as_ref().and_then(|approval| approval.id.clone());
            ApprovalPlace { workflow, step: step.id.clone(), approval }
        });
        return Judged::Hold(place.map_or(Hold::InProgress, Hold::Approval));
    };
    // The steps may be ahead of the deploy's row: they may show that it succeeded, that it failed rather than being
    // cancelled, or that another row replaced it. A workflow without any step for it may be out of date as well.
    let has_seen_more = |step: &WorkflowStep| match workflow.state_of(step) {
        StepState::Succeeded | StepState::Replaced => true,
        StepState::Failed => end == WorkflowEnd::Cancelled && !step.was_called_off() && step.has_begun(),
        StepState::NotBegun | StepState::Running | StepState::Retrying => false,
    };
    // Another component may have parked it while this one's step goes on.
    let goes_on = end == WorkflowEnd::Parked && workflow.steps_of(id).any(WorkflowStep::is_in_progress);
    // A workflow that succeeded contradicts the row, whatever its steps say.
    if goes_on || end == WorkflowEnd::Succeeded || workflow.steps_of(id).all(has_seen_more) {
        return Judged::Hold(Hold::Behind(Behind::Orphan(end)));
    }
    Judged::Orphan(end)
}
