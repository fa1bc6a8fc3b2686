//! Apps, their branches, and the branches' runs.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::page::Page;
use crate::bodies::{self, GroupView, InstallView, Owner, RunView};
use crate::message::{Reply, Seen};
use crate::progress::Lasts;
use crate::script::{App, Branch, GroupInstall, Run};
use crate::state::State;

/// The ids of an app and of its branch.
type BranchId<'a> = (&'a str, &'a str);

impl State {
    /// Answers with the apps.
    pub(crate) fn list_apps(&self, request: &Seen) -> Reply {
        let usual = bodies::usual_app();
        let apps = if self.script.apps.is_empty() { vec![&usual] } else { self.script.apps.iter().collect() };
        Page::reply(self.page(request), apps, |app| bodies::app(app, &self.script))
    }

    /// Answers with the branches of an app.
    pub(crate) fn list_branches(&self, app: &str, request: &Seen) -> Reply {
        let Some(app) = self.script.apps.iter().find(|own| own.id == app) else { return bodies::not_found("app") };
        Page::reply(self.page(request), app.branches.iter().collect(), |branch| bodies::branch(app, branch))
    }

    /// Answers with the workflows of a branch's runs, newest first. This does not count as a poll of any of them.
    pub(crate) fn list_runs(&mut self, branch: BranchId<'_>, now: Duration, request: &Seen) -> Reply {
        let Some((_, branch)) = self.branch(branch) else { return bodies::not_found("app branch") };
        let ids: Vec<String> = branch.runs.iter().rev().map(|run| run.workflow.clone()).collect();
        let mut rows: Vec<Value> = ids.iter().filter_map(|workflow| self.show_run(workflow, now, 0)).collect();
        let since = request.query("created_at_gte").and_then(|text| text.parse::<Timestamp>().ok());
        let status = request.query("status").filter(|status| !status.is_empty());
        let plans = request.query("planonly").as_deref() != Some("false");
        rows.retain(|row| {
            let run = &row["app_branch_runs"][0];
            let created_at = run["created_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            (plans || run["plan_only"] != true)
                && status.as_ref().is_none_or(|status| run["status"] == **status)
                && since.is_none_or(|since| created_at.is_some_and(|created_at| created_at >= since))
        });
        Page::reply(self.page(request), rows, |row| row)
    }

    /// Answers with the workflow of a run, by the id of either.
    pub(crate) fn run(&mut self, branch: BranchId<'_>, id: &str, now: Duration) -> Reply {
        let workflow = self.find_run(branch, id, now).map(|run| run.workflow.clone());
        let Some(workflow) = workflow else { return bodies::not_found("app branch run") };
        self.show_run(&workflow, now, 1).map_or_else(|| bodies::not_found("app branch run"), |body| Reply::ok(&body))
    }

    /// Answers with the groups of installs in a run.
    pub(crate) fn run_groups(&mut self, branch: BranchId<'_>, id: &str, now: Duration, request: &Seen) -> Reply {
        let run = self.find_run(branch, id, now).filter(|run| run.id == id).map(|run| run.workflow.clone());
        let Some(workflow) = run else { return bodies::not_found("app branch run") };
        self.advance_run(&workflow, now, 1);
        let workflows = self.words_of_workflows(&workflow, now);
        let page = self.page(request);
        match self.view_run(&workflow, &workflows, now) {
            Some(view) => Page::reply(page, view.groups.iter().collect(), |group| bodies::group_run(&view, group)),
            None => bodies::not_found("app branch run"),
        }
    }

    /// Returns a run's own workflow, unless it is fully scripted.
    pub(super) fn run_workflow(&mut self, id: &str, now: Duration) -> Option<Value> {
        self.advance_run(id, now, 0)?;
        let workflows = self.words_of_workflows(id, now);
        self.run_workflow_of(&self.view_run(id, &workflows, now)?)
    }

    fn run_workflow_of(&self, view: &RunView<'_>) -> Option<Value> {
        Some(bodies::run_workflow(view, &self.owner_of_run(&view.run.workflow)?))
    }

    /// Returns the owner of this workflow, if it belongs to a run.
    pub(super) fn owner_of_run(&self, id: &str) -> Option<Owner<'_>> {
        let (branch, _) = self.run_of(id)?;
        Some(Owner { id: &branch.id, kind: "app_branches", name: &branch.name })
    }

    fn branch(&self, (app, branch): BranchId<'_>) -> Option<(&App, &Branch)> {
        self.script.branches().find(|(of, own)| of.id == app && own.id == branch)
    }

    fn find_run(&self, branch: BranchId<'_>, id: &str, now: Duration) -> Option<&Run> {
        let (_, branch) = self.branch(branch)?;
        branch.runs.iter().find(|run| (run.id == id || run.workflow == id) && is_there(run, now))
    }

    fn run_of(&self, workflow: &str) -> Option<(&Branch, &Run)> {
        let mut runs = self.script.branches().flat_map(|(_, branch)| branch.runs.iter().map(move |run| (branch, run)));
        runs.find(|(_, run)| run.workflow == workflow)
    }

    /// Advances the run of a workflow, and counts this many polls of it; `None` if it does not exist yet.
    fn advance_run(&mut self, workflow: &str, now: Duration, polls: u32) -> Option<usize> {
        let (_, run) = self.run_of(workflow).filter(|(_, run)| is_there(run, now))?;
        let (id, begins) = (run.id.clone(), run.after.unwrap_or_default());
        let lasts: Vec<Lasts> = run.states.iter().map(|state| (state.duration, state.polls)).collect();
        Some(self.runs.entry(id).or_default().advance(&lasts, begins, now, polls))
    }

    /// Returns the workflow of a run, with the run in it, and counts this many polls of the run.
    fn show_run(&mut self, workflow: &str, now: Duration, polls: u32) -> Option<Value> {
        self.advance_run(workflow, now, polls)?;
        let workflows = self.words_of_workflows(workflow, now);
        let scripted = self.show_scripted_workflow(workflow, now);
        let view = self.view_run(workflow, &workflows, now)?;
        // Its run must not advance between the two parts of an answer.
        let mut body = scripted.or_else(|| self.run_workflow_of(&view))?;
        body["app_branch_runs"] = json!([bodies::run(&view)]);
        self.show_cancelling(workflow, &mut body);
        Some(body)
    }

    /// Returns the states of the workflows of a run's installs, in the words of a run; `None` for those that do not
    /// exist yet.
    fn words_of_workflows(&mut self, workflow: &str, now: Duration) -> Vec<(String, Option<&'static str>)> {
        let installs = self.run_of(workflow).into_iter().flat_map(|(_, run)| &run.states);
        let installs = installs.flat_map(|state| &state.groups).flat_map(|group| &group.installs);
        let mut ids: Vec<String> = installs.filter_map(|install| install.workflow.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let show = |id: String| {
            let word = self.show_workflow(&id, now, 0).map(|workflow| run_word(&workflow));
            (id, word)
        };
        ids.into_iter().map(show).collect()
    }

    fn view_run<'a>(
        &'a self,
        workflow: &str,
        workflows: &[(String, Option<&'static str>)],
        now: Duration,
    ) -> Option<RunView<'a>> {
        let (_, run) = self.run_of(workflow).filter(|(_, run)| is_there(run, now))?;
        let progress = self.runs.get(&run.id)?;
        let state = &run.states[progress.entered().len().saturating_sub(1)];
        let view = |install: &'a GroupInstall| {
            let named = workflows.iter().find(|(id, _)| Some(id) == install.workflow.as_ref());
            let word = named.and_then(|(_, word)| *word);
            InstallView {
                install,
                status: install.status.clone().unwrap_or_else(|| word.unwrap_or("pending").to_owned()),
                // An install with a scripted status shows its workflow, even if that does not exist yet.
                workflow: install.workflow.as_deref().filter(|_| word.is_some() || install.status.is_some()),
            }
        };
        let groups =
            state.groups.iter().map(|group| GroupView { group, installs: group.installs.iter().map(view).collect() });
        let created_at = self.wall(run.after.unwrap_or_default());
        Some(RunView { run, state, created_at, groups: groups.collect() })
    }
}

fn is_there(run: &Run, now: Duration) -> bool {
    run.after.is_none_or(|after| now >= after)
}

/// Returns the state of a workflow, in the words of a run.
fn run_word(workflow: &Value) -> &'static str {
    let finished = workflow["finished"] == true;
    match workflow["status"]["status"].as_str().unwrap_or_default() {
        "pending" | "queued" => "pending",
        "cancelled" => "cancelled",
        "error" => "failed",
        "success" if finished => "success",
        _ => "running",
    }
}
