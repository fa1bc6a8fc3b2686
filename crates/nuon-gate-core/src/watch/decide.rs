//! What everything that is known of a deploy means together: its status, the workflow behind it, and what is newer.

use crate::judge::Judgement;
use crate::model::{Deploy, Status, Workflow, WorkflowEnd, WorkflowStep};
use crate::{DeployId, StepId, Verdict};

/// Everything that is known of a deploy at the end of a look.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// The deploy.
    pub(super) id: &'a DeployId,
    /// As it was read.
    pub(super) deploy: &'a Deploy,
    /// What its status means by itself.
    pub(super) judgement: Judgement,
    /// Whether a flag says so, rather than the table: then nothing is held.
    pub(super) by_flag: bool,
    /// The workflow behind it, if there is one that can be read.
    pub(super) workflow: Option<&'a Workflow>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Look again.
    Wait,
    /// Look again: the status alone would pass or fail, but a step of the workflow can still change it.
    Hold,
    /// A human is asked, in this step.
    Approval(Option<StepId>),
    /// The deploy did what it was to do.
    Pass,
    /// The deploy failed or was cancelled, and says so itself.
    Fail(Verdict),
    /// The deploy says that it passed, but a step that works on it failed: a health check, for instance.
    Broken,
    /// The workflow ended, but the deploy never did.
    Orphan(Verdict, WorkflowEnd),
    /// Another row takes its place.
    Replaced,
}

/// Decides.
///
/// - A pass is held while a step that works on this deploy is unfinished: a health check can still turn it to an error. If
///   one has failed and its workflow has ended or parked, it is none.
/// - `error` is held while the workflow can still retry it: until the workflow ends or parks, or every step of the deploy
///   is finished and none is being retried.
/// - A deploy that is pending in a workflow that has ended never ends by itself.
pub(super) fn decide(picture: &Picture<'_>) -> Decision {
    let Picture { id, deploy, judgement, by_flag, workflow } = picture;
    let end = workflow.and_then(Workflow::end);
    match judgement {
        Judgement::Replaced => Decision::Replaced,
        Judgement::Cancelled => Decision::Fail(Verdict::Cancelled),
        Judgement::Passed => match workflow {
            Some(workflow) if !by_flag => match (end, workflow.failed_step_of(id)) {
                (None, None) if !has_unfinished_step(workflow, id) => Decision::Pass,
                (None, _) => Decision::Hold,
                (Some(_), Some(_)) => Decision::Broken,
                (Some(_), None) => Decision::Pass,
            },
            _ => Decision::Pass,
        },
        Judgement::Failed => match workflow {
            Some(workflow) if !by_flag && *deploy.current_status() == Status::Error && end.is_none() => {
                if may_be_retried(workflow, id) {
                    Decision::Hold
                } else {
                    Decision::Fail(Verdict::Failed)
                }
            }
            _ => Decision::Fail(Verdict::Failed),
        },
        Judgement::Pending if *by_flag => Decision::Wait,
        Judgement::Pending => match (workflow, end) {
            (Some(_), Some(WorkflowEnd::Cancelled)) => Decision::Orphan(Verdict::Cancelled, WorkflowEnd::Cancelled),
            (Some(_), Some(end)) => Decision::Orphan(Verdict::Failed, end),
            (Some(workflow), None) if *deploy.current_status() == Status::PendingApproval => {
                workflow.asks_about(id).map_or(Decision::Wait, |step| Decision::Approval(step.id.clone()))
            }
            _ => Decision::Wait,
        },
    }
}

fn has_unfinished_step(workflow: &Workflow, id: &DeployId) -> bool {
    workflow.steps_of(id).any(|step| !step.is_finished())
}

/// A deploy in `error` may be retried as long as one of its steps has not come to an end, or is being retried. If one has
/// been, the deploy will say so itself: it was read before the workflow.
fn may_be_retried(workflow: &Workflow, id: &DeployId) -> bool {
    let mut steps = workflow.steps_of(id).peekable();
    let may_be =
        |step: &WorkflowStep| step.is_retrying() || step.is_retried() || (step.has_begun() && !step.is_finished());
    steps.peek().is_none() || steps.any(may_be)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::judge::{Kind, Rules};

    fn step(status: &str) -> Value {
        json!({"id": "iws1", "step_target_id": "dpl1", "status": {"status": status}})
    }

    fn done(status: &str) -> Value {
        json!({"id": "iws1", "step_target_id": "dpl1", "status": {"status": status}, "finished": true})
    }

    fn workflow(status: &str, finished: bool, steps: &[Value]) -> Option<Value> {
        let status = json!({"status": status});
        Some(json!({"status": status, "finished": finished, "approval_option": "prompt", "steps": steps}))
    }

    fn decided(status: &str, workflow: Option<Value>) -> Decision {
        let deploy: Deploy = serde_json::from_value(json!({"id": "dpl1", "status": status})).unwrap();
        let workflow: Option<Workflow> = workflow.map(|json| serde_json::from_str(&json.to_string()).unwrap());
        let judgement = Rules::default().judge(deploy.current_status(), Kind::Apply);
        let id = deploy.id.clone().unwrap();
        decide(&Picture { id: &id, deploy: &deploy, judgement, by_flag: false, workflow: workflow.as_ref() })
    }

    #[test]
    fn a_status_and_its_workflow_mean_this_together() {
        let failed = Decision::Fail(Verdict::Failed);
        let retrying = json!({
            "step_target_id": "dpl1", "finished": true,
            "status": {"status": "error", "metadata": {"retry_idx": 0, "max_retries": 2}},
        });
        let exhausted = json!({
            "step_target_id": "dpl1", "finished": true,
            "status": {"status": "error", "metadata": {"retry_idx": 0, "max_retries": 2, "auto_retries_exhausted": true}},
        });
        let cases = [
            ("active", None, Decision::Pass),
            ("active", workflow("in-progress", false, &[done("success")]), Decision::Pass),
            ("active", workflow("in-progress", false, &[done("success"), step("in-progress")]), Decision::Hold),
            ("active", workflow("success", true, &[step("in-progress")]), Decision::Pass),
            ("active", workflow("in-progress", false, &[done("success"), done("error")]), Decision::Hold),
            ("active", workflow("error", true, &[done("success"), done("error")]), Decision::Broken),
            ("active", workflow("failed-pending-retry", false, &[done("error")]), Decision::Broken),
            ("active", workflow("success", true, &[done("retried"), done("success")]), Decision::Pass),
            ("active", workflow("cancelled", true, &[done("cancelled")]), Decision::Pass),
            ("error", None, failed.clone()),
            ("error", workflow("in-progress", false, &[step("in-progress")]), Decision::Hold),
            ("error", workflow("in-progress", false, &[retrying]), Decision::Hold),
            ("error", workflow("in-progress", false, &[done("retried"), step("in-progress")]), Decision::Hold),
            ("error", workflow("in-progress", false, &[done("retried")]), Decision::Hold),
            ("error", workflow("error", true, &[done("retried")]), failed.clone()),
            ("error", workflow("in-progress", false, &[exhausted]), failed.clone()),
            ("error", workflow("in-progress", false, &[done("error"), step("pending")]), failed.clone()),
            ("error", workflow("failed-pending-retry", false, &[step("in-progress")]), failed.clone()),
            ("error", workflow("cancelled", false, &[step("in-progress")]), failed.clone()),
            ("noop", workflow("in-progress", false, &[step("in-progress")]), failed.clone()),
            ("queued", None, Decision::Wait),
            ("queued", workflow("success", false, &[]), Decision::Wait),
            ("queued", workflow("error", true, &[]), Decision::Orphan(Verdict::Failed, WorkflowEnd::Failed)),
            ("queued", workflow("success", true, &[]), Decision::Orphan(Verdict::Failed, WorkflowEnd::Succeeded)),
            ("queued", workflow("cancelled", false, &[]), Decision::Orphan(Verdict::Cancelled, WorkflowEnd::Cancelled)),
            ("pending-approval", workflow("in-progress", false, &[step("in-progress")]), Decision::Wait),
            (
                "pending-approval",
                workflow("in-progress", false, &[step("approval-awaiting")]),
                Decision::Approval("iws1".parse().ok()),
            ),
            ("cancelled", workflow("in-progress", false, &[step("in-progress")]), Decision::Fail(Verdict::Cancelled)),
            ("retried", workflow("in-progress", false, &[]), Decision::Replaced),
            ("thawing", workflow("in-progress", false, &[]), Decision::Wait),
        ];
        for (status, workflow, expected) in cases {
            assert_eq!(decided(status, workflow.clone()), expected, "{status} in {workflow:?}");
        }
    }
}
