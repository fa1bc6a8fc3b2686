//! The bodies of workflows and their steps.

use super::story::{Age, Aim, Flow, Step, so_far};
use super::text::Json;
use super::view::View;

impl View<'_> {
    /// Writes a workflow.
    pub(super) fn flow(&self, json: &mut Json<'_>, number: usize) {
        let story = self.story;
        let flow = &story.flows[number];
        let seen = so_far(&flow.changes, self.flows_at);
        let updated = seen.last().map_or(flow.created, |change| change.at);
        let install = &story.installs[flow.install];
        let owner = if self.foreign { install.id.nth("inl", 700) } else { install.id };
        json.text("id", flow.id.as_str());
        self.made(json, flow.created, updated);
        json.text("owner_id", owner.as_str());
        json.text("owner_type", "installs");
        json.text("owner_name", install.name);
        json.text("type", flow.kind);
        self.metadata(json, number);
        self.status(json, "status", &flow.changes, self.flows_at, "");
        json.text("step_error_behavior", "abort");
        json.some_text("approval_option", flow.option);
        json.raw("plan_only", flow.plan_only);
        if let Some(began) = flow.began.filter(|began| *began <= self.flows_at) {
            self.time(json, "started_at", began);
        }
        if let Some(last) = seen.last().filter(|change| change.finished) {
            self.time(json, "finished_at", last.at);
            json.raw("finished", true);
            json.raw("execution_time", (last.at - flow.created) * 1_000_000 / story.clock.divide);
        }
        if self.steps {
            json.list("steps", |json| self.steps_of(json, flow, 0, usize::MAX));
        }
        json.text("name", "Deploying");
        json.raw("install_deploys", "[]");
        json.raw("links", "{}");
    }

    fn metadata(&self, json: &mut Json<'_>, number: usize) {
        let row = self.story.rows.iter().find(|row| row.flow == number);
        json.object("metadata", |json| {
            if let Some(row) = row.filter(|_| self.story.flows[number].kind == "manual_deploy") {
                json.text("install_deploy_id", row.id.as_str());
                json.text("deploy_dependents", "false");
            }
        });
    }

    /// Writes the visible steps of a workflow, by group, retry and place.
    pub(super) fn steps_of(&self, json: &mut Json<'_>, flow: &Flow, skip: usize, take: usize) {
        let mut order: Vec<(u32, u32, usize)> = (flow.steps.iter().enumerate())
            .filter(|(_, step)| step.appears <= self.flows_at)
            .map(|(place, step)| (step.group, step.group_retry, place))
            .collect();
        order.sort_unstable();
        for (_, _, place) in order.into_iter().skip(skip).take(take) {
            json.item(|json| self.step(json, flow, &flow.steps[place], place));
        }
    }

    /// Writes a step.
    pub(super) fn step(&self, json: &mut Json<'_>, flow: &Flow, step: &Step, place: usize) {
        let at = self.flows_at;
        let seen = so_far(&step.changes, at);
        let updated = seen.last().map_or(flow.created, |change| change.at);
        json.text("id", step.id.as_str());
        self.made(json, step.appears, updated);
        json.text("owner_id", self.story.installs[flow.install].id.as_str());
        json.text("owner_type", "installs");
        json.text("install_workflow_id", flow.id.as_str());
        let decided = seen.last().is_some_and(|change| !matches!(change.word, "pending" | "in-progress"));
        self.status(json, "status", &step.changes, at, if decided { step.metadata } else { "" });
        json.text("name", &step.name);
        json.raw("idx", place + 1);
        json.raw("group_idx", step.group);
        json.raw("group_retry_idx", step.group_retry);
        json.some_text("execution_type", step.execution);
        json.raw("metadata", "{}");
        self.target(json, step);
        if let Some(began) = step.began.filter(|began| *began <= at) {
            self.time(json, "started_at", began);
        }
        if let Some(last) = seen.last().filter(|change| change.finished) {
            self.time(json, "finished_at", last.at);
            json.raw("finished", true);
        }
        json.some_true("retryable", step.retryable);
        json.some_true("skip_on_failure", step.skips_failure);
        json.some_true("retried", step.retried.is_some_and(|retried| retried <= at));
        self.approval(json, step);
        json.text("workflow_id", flow.id.as_str());
    }

    fn target(&self, json: &mut Json<'_>, step: &Step) {
        let (kind, id) = match step.aim {
            Aim::Nothing => return,
            Aim::Action => ("install_action_workflow_runs", Some(step.id.kin("inr"))),
            Aim::Part(component) => {
                let known = step.part_from <= self.flows_at;
                ("install_components", known.then(|| self.story.components[component].part))
            }
            Aim::Deploy => {
                let row = step.row.filter(|(_, from)| *from <= self.flows_at).map(|(row, _)| self.story.rows[row].id);
                if row.is_none() && !self.story.habits.types_early {
                    return;
                }
                ("install_deploys", row)
            }
        };
        json.text("step_target_type", kind);
        if let Some(id) = id {
            json.text("step_target_id", id.as_str());
        }
    }

    fn approval(&self, json: &mut Json<'_>, step: &Step) {
        let Some(approval) = step.approval.filter(|approval| approval.at <= self.flows_at) else { return };
        json.object("approval", |json| {
            json.text("id", step.id.kin("waa").as_str());
            self.made(json, approval.at, approval.at);
            json.text("type", "terraform_plan");
            json.text("workflow_step_id", step.id.as_str());
            if let Some((at, answer)) = approval.answer.filter(|(at, _)| *at <= self.flows_at) {
                json.object("response", |json| {
                    json.text("id", step.id.nth("waa", 1).as_str());
                    self.time(json, "created_at", at);
                    json.text("type", answer);
                    json.text("note", "");
                });
            }
        });
        json.some_true("skippable", self.story.age != Age::Mid1);
    }
}
