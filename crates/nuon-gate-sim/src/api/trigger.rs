//! Requests that trigger a deploy or a teardown, and the rows and the workflow that follow.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bodies::{self, Detail, Implied, Owner};
use crate::ids::{id, name};
use crate::message::{Reply, Seen};
use crate::progress::DeployProgress;
use crate::script::{Deploy, Generation};
use crate::state::{State, Triggered};

/// How long after the request each row of a workflow with several rows appears.
const PACE: Duration = Duration::from_millis(300);

/// What is triggered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Apply,
    Teardown,
}

impl State {
    /// Creates a deploy's row at once, and its workflow.
    pub(crate) fn post_deploy(&mut self, install: &str, component: &str, now: Duration, request: &Seen) -> Reply {
        let Some(at) = self.position(install, component) else { return bodies::not_found("install component") };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let workflow = self.new_workflow();
        let mut deploy = self.new_deploy(at, What::Apply, &workflow);
        if let Some(build) = body["build_id"].as_str() {
            deploy.build = Some(build.to_owned());
        }
        deploy.plan_only = body["plan_only"] == true;
        deploy.after = Some(now);
        let position = self.push(at, deploy);
        let mut row = self.show((at, position), now, Detail::Latest, 0);
        // At first only its header names the workflow.
        if self.script.generation != Generation::New
            && let Some(row) = row.as_object_mut()
        {
            row.remove("workflow_id");
            row.remove("install_workflow_id");
        }
        self.accepted(&row, &workflow)
    }

    /// Starts a workflow that deploys every component of an install, or tears down one or all. Its rows appear later.
    pub(crate) fn post_workflow(
        &mut self,
        install: &str,
        component: Option<&str>,
        tears_down: bool,
        now: Duration,
    ) -> Reply {
        let what = if tears_down { What::Teardown } else { What::Apply };
        let is_wanted = |id: &str| component.is_none_or(|own| own == id);
        let components = self.script.components.iter().enumerate();
        let wanted = components.filter(|(_, own)| own.install == install && is_wanted(&own.id));
        let wanted: Vec<usize> = wanted.map(|(at, _)| at).collect();
        if wanted.is_empty() {
            return bodies::not_found("install");
        }
        let workflow = self.new_workflow();
        for (at, number) in wanted.into_iter().zip(1..) {
            let mut deploy = self.new_deploy(at, what, &workflow);
            deploy.after = Some(now + PACE * number);
            self.push(at, deploy);
        }
        let kind = match (what, component) {
            (What::Apply, _) => "deploy_components",
            (What::Teardown, None) => "teardown_components",
            (What::Teardown, Some(_)) => "teardown_component",
        };
        self.triggered.insert(workflow.clone(), Triggered { install: install.to_owned(), kind });
        match self.script.generation {
            Generation::New => self.accepted(&json!({"workflow_id": workflow}), &workflow),
            _ => self.accepted(&json!("ok"), &workflow),
        }
    }

    /// Returns the current state of a workflow with several rows.
    pub(super) fn triggered_workflow(&mut self, id: &str, now: Duration) -> Option<Value> {
        self.triggered.get(id)?;
        let places = self.places_of_workflow(id);
        let there: Vec<_> = places.iter().copied().filter(|place| self.is_there(*place, now)).collect();
        there.iter().for_each(|place| self.advance(*place, now, 0));
        let Triggered { install, kind } = self.triggered.get(id)?;
        let owner = Owner { id: install, kind: "installs", name: self.name_of_install(install) };
        let parts: Vec<Value> = there
            .iter()
            .map(|place| {
                let gate = self.gate(*place);
                bodies::implied_workflow(&Implied { row: self.row(*place), retried: Vec::new(), gate, owner })
            })
            .collect();
        let has_failed = |part: &Value| part["finished"] == true && part["status"]["status"] != "success";
        let failed = parts.iter().find(|part| has_failed(part));
        let have_ended = parts.iter().all(|part| part["finished"] == true);
        let (status, finished) = match failed {
            Some(part) if have_ended => (part["status"]["status"].clone(), true),
            None if have_ended && parts.len() == places.len() => (json!("success"), true),
            _ => (json!("in-progress"), false),
        };
        let mut body = json!({"id": id, "type": kind, "status": {"status": status}, "approval_option": "approve-all"});
        owner.sign(&mut body);
        if finished {
            body["finished"] = json!(true);
        }
        let steps = parts.iter().flat_map(|part| part["steps"].as_array().into_iter().flatten().cloned());
        let own = steps.filter(|step| step.get("step_target_id").is_some());
        let numbered = own.zip(1..).map(|(mut step, number)| {
            step["idx"] = json!(number);
            step["group_idx"] = json!(number);
            step
        });
        body["steps"] = numbered.collect();
        Some(body)
    }

    fn accepted(&self, body: &Value, workflow: &str) -> Reply {
        let reply = Reply::json(201, body);
        match self.script.generation {
            Generation::Old => reply,
            _ => reply.with("X-Nuon-Install-Workflow-ID", &workflow),
        }
    }

    /// Returns a new workflow id.
    fn new_workflow(&self) -> String {
        let count: usize = self.script.components.iter().map(|component| component.deploys.len()).sum();
        id("inw", &format!("triggered{count}"))
    }

    /// Creates the next deploy of a component: as scripted, or one that passes.
    fn new_deploy(&self, at: usize, what: What, workflow: &str) -> Deploy {
        let component = &self.script.components[at];
        let is_teardown = |deploy: &&Deploy| deploy.deploy_type.as_deref() == Some("teardown");
        let said = component.triggered.as_ref().filter(|said| is_teardown(said) == (what == What::Teardown));
        let count = component.deploys.len();
        let name = name(component);
        let usual = || match what {
            What::Apply => Deploy::going(None, &["queued", "planning", "executing", "active"]),
            What::Teardown => Deploy::going(Some("teardown"), &["queued", "executing", "inactive"]),
        };
        let mut deploy = said.cloned().unwrap_or_else(usual);
        let tail = format!("{count}{}{name}", at + 1);
        deploy.id.get_or_insert_with(|| id("dpl", &format!("t{tail}")));
        deploy.build.get_or_insert_with(|| id("bld", name));
        deploy.workflow = Some(workflow.to_owned());
        deploy
    }

    fn push(&mut self, at: usize, deploy: Deploy) -> usize {
        self.script.components[at].deploys.push(deploy);
        self.progress[at].deploys.push(DeployProgress::default());
        self.script.components[at].deploys.len() - 1
    }
}
