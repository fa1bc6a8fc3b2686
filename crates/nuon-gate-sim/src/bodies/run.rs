//! The bodies of a branch's run and of its groups of installs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::workflow::Owner;
use crate::ids::id;
use crate::script::{GroupInstall, InstallGroup, Run, RunState};

/// A run at the moment of an answer.
pub(crate) struct RunView<'a> {
    pub(crate) run: &'a Run,
    pub(crate) state: &'a RunState,
    pub(crate) created_at: Timestamp,
    pub(crate) groups: Vec<GroupView<'a>>,
}

/// A group of installs in it.
pub(crate) struct GroupView<'a> {
    pub(crate) group: &'a InstallGroup,
    pub(crate) installs: Vec<InstallView<'a>>,
}

/// An install in a group.
pub(crate) struct InstallView<'a> {
    pub(crate) install: &'a GroupInstall,
    /// Its state, in the words of a run.
    pub(crate) status: String,
    /// Its workflow, if that exists.
    pub(crate) workflow: Option<&'a str>,
}

impl RunView<'_> {
    /// Returns the state of the run.
    pub(crate) fn status(&self) -> String {
        let follows = || {
            let groups: Vec<&str> = self.groups.iter().map(GroupView::run_word).collect();
            together(&groups).to_owned()
        };
        self.state.status.clone().unwrap_or_else(follows)
    }
}

impl GroupView<'_> {
    /// Returns the state of the group, in the words of a run.
    fn run_word(&self) -> &str {
        match self.group.status.as_deref() {
            Some("in-progress") => "running",
            Some("error") => "failed",
            Some(status) => status,
            None => together(&self.installs.iter().map(|install| install.status.as_str()).collect::<Vec<_>>()),
        }
    }

    /// Returns the state as a composite status.
    fn status(&self) -> &str {
        self.group.status.as_deref().unwrap_or_else(|| composite_word(self.run_word()))
    }

    fn count(&self, status: &str) -> usize {
        self.installs.iter().filter(|install| install.status == status).count()
    }
}

/// Returns the state of a whole from those of its parts.
fn together<'a>(parts: &[&'a str]) -> &'a str {
    let all = |status: &str| parts.iter().all(|part| *part == status);
    match parts.iter().find(|part| matches!(**part, "failed" | "cancelled")) {
        Some(status) => status,
        None if parts.is_empty() || all("pending") => "pending",
        None if all("success") => "success",
        None => "running",
    }
}

fn composite_word(run_word: &str) -> &str {
    match run_word {
        "running" => "in-progress",
        "failed" => "error",
        other => other,
    }
}

/// A run.
pub(crate) fn run(view: &RunView<'_>) -> Value {
    let RunView { run, state, .. } = view;
    let mut body = json!({
        "id": run.id, "status": view.status(), "workflow_id": run.workflow, "created_at": view.created_at.to_string(),
    });
    if let Some(commit) = &run.commit {
        body["commit_sha"] = json!(commit);
        body["vcs_connection_commit"] = json!({"sha": commit});
    }
    if state.awaiting_approval {
        body["awaiting_approval"] = json!(true);
    }
    if let Some(error) = &state.error {
        body["error_message"] = json!(error);
    }
    if run.plan_only {
        body["plan_only"] = json!(true);
    }
    body
}

/// A group of installs in a run.
pub(crate) fn group_run(view: &RunView<'_>, group: &GroupView<'_>) -> Value {
    let mut body = json!({
        "id": id("igr", &format!("{}{}", group.group.name, view.run.id)), "app_branch_run_id": view.run.id,
        "install_group_name": group.group.name, "status": {"status": group.status()},
        "total_installs": group.installs.len(), "installs": group.installs.iter().map(install).collect::<Vec<_>>(),
    });
    // Zeros are omitted.
    for (member, status) in [("completed_installs", "success"), ("failed_installs", "failed")] {
        match group.count(status) {
            0 => {}
            count => body[member] = json!(count),
        }
    }
    body
}

fn install(view: &InstallView<'_>) -> Value {
    let mut body = json!({"install_id": view.install.install, "status": view.status});
    let members = [
        ("workflow_id", view.workflow),
        ("phase", view.install.phase.as_deref()),
        ("waiting_on_run_id", view.install.waiting_on.as_deref()),
        ("superseded_by_run_id", view.install.superseded_by.as_deref()),
        ("release_reason", view.install.release_reason.as_deref()),
    ];
    for (member, value) in members {
        if let Some(value) = value {
            body[member] = json!(value);
        }
    }
    body
}

/// A run's own workflow, which follows from its groups. Its steps work on no deploy.
pub(crate) fn run_workflow(view: &RunView<'_>, owner: &Owner<'_>) -> Value {
    let run_status = view.status();
    let mut body = json!({
        "id": view.run.workflow, "type": "app_branches_manual_update", "approval_option": "approve-all",
        "created_at": view.created_at.to_string(), "status": {"status": composite_word(&run_status)},
    });
    owner.sign(&mut body);
    if view.run.plan_only {
        body["plan_only"] = json!(true);
    }
    if matches!(run_status.as_str(), "success" | "failed" | "cancelled") {
        body["finished"] = json!(true);
    }
    let steps = view.groups.iter().enumerate().flat_map(|(at, group)| {
        let (name, status) = (&group.group.name, group.status());
        let planned = if status == "pending" { "pending" } else { "success" };
        let plan = step(2 * at + 1, at + 1, &format!("plan install group: {name}"), planned);
        [plan, step(2 * at + 2, at + 1, &format!("deploy install group: {name}"), status)]
    });
    body["steps"] = steps.collect();
    body
}

fn step(idx: usize, group: usize, name: &str, status: &str) -> Value {
    let mut step = json!({
        "id": id("iws", &format!("{idx}{name}")), "name": name, "idx": idx, "group_idx": group,
        "execution_type": "system", "status": {"status": status},
    });
    if matches!(status, "success" | "error" | "cancelled") {
        step["finished"] = json!(true);
    }
    step
}
