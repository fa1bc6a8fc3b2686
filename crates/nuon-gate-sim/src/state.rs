//! Where the simulated API stands, and what it answers to a request.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::bodies;
use crate::http::{Reply, Seen};
use crate::script::{Component, Deploy, Endpoint, Fault, NoDeploy, Script};

/// Everything that changes while the simulator runs.
#[derive(Debug)]
pub(crate) struct State {
    script: Script,
    progress: Vec<ComponentProgress>,
    workflows: Vec<Progress>,
    struck: Vec<u32>,
    pub(crate) seen: Vec<Seen>,
    first_request: Option<(Instant, Timestamp)>,
}

/// How far a component has come.
#[derive(Debug, Default)]
struct ComponentProgress {
    looks: u32,
    deploys: Vec<Progress>,
}

/// How far a deploy or a workflow has come: when it entered each status, and how often the current one was shown.
#[derive(Debug, Default)]
struct Progress {
    entered: Vec<Duration>,
    looks: u32,
}

/// How long a status lasts.
type Lasts = (Option<Duration>, Option<u32>);

/// A deploy as it stands at the moment of an answer.
pub(crate) struct Row<'a> {
    pub(crate) component: &'a Component,
    pub(crate) deploy: &'a Deploy,
    pub(crate) position: usize,
    /// When each status up to the current one was entered.
    pub(crate) entered: Vec<Timestamp>,
}

impl State {
    pub(crate) fn new(script: Script) -> Self {
        let progress = |component: &Component| ComponentProgress {
            looks: 0,
            deploys: component.deploys.iter().map(|_| Progress::default()).collect(),
        };
        let progress = script.components.iter().map(progress).collect();
        let workflows = script.workflows.iter().map(|_| Progress::default()).collect();
        let struck = script.faults.iter().map(|_| 0).collect();
        Self { progress, workflows, struck, script, seen: Vec::new(), first_request: None }
    }

    /// Takes note of a request and decides what to answer.
    pub(crate) fn answer(&mut self, request: Seen) -> (Reply, Option<Fault>) {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let authorised = self.authorise(&request);
        let hundred = request.target.contains("limit=100");
        self.seen.push(request);
        let now = self.elapsed();
        let (endpoint, component) = match segments.as_slice() {
            ["v1", "general", "cli-config"] => (Endpoint::CliConfig, None),
            ["v1", "installs", _] => (Endpoint::Install, None),
            ["v1", "installs", _, "components", component] => (Endpoint::Component, Some(*component)),
            ["v1", "installs", _, "components", component, "deploys", "latest"] => (Endpoint::Latest, Some(*component)),
            ["v1", "installs", _, "components", component, "deploys"] => (Endpoint::Deploys, Some(*component)),
            ["v1", "workflows", _] => (Endpoint::Workflow, None),
            ["v1", "installs", _, "deploys", deploy] => (Endpoint::Deploy, self.component_of(deploy)),
            _ => return (bodies::error(404, "not found", "not found"), None),
        };
        let component = component.map(str::to_owned);
        if let Some(fault) = self.strike(endpoint, component.as_deref()) {
            return (Reply::ok(&Value::Null), Some(fault));
        }
        if let (false, Err(refusal)) = (endpoint == Endpoint::CliConfig, authorised) {
            return (refusal, None);
        }
        let reply = match segments.as_slice() {
            ["v1", "general", "cli-config"] => Reply::ok(&bodies::cli_config(&self.script)),
            ["v1", "installs", install] => self.install(install),
            ["v1", "installs", install, "components", id] => self.component(install, id),
            ["v1", "installs", install, "components", id, "deploys", "latest"] => {
                self.latest(install, id, now, hundred)
            }
            ["v1", "installs", install, "components", id, "deploys"] => self.deploys(install, id, now),
            ["v1", "workflows", id] => self.workflow(id, now),
            ["v1", "installs", install, "deploys", deploy] => self.deploy(install, deploy, now),
            _ => bodies::error(404, "not found", "not found"),
        };
        (reply, None)
    }

    #[expect(clippy::disallowed_methods, reason = "the simulated server has a clock of its own")]
    fn elapsed(&mut self) -> Duration {
        self.first_request.get_or_insert_with(|| (Instant::now(), Timestamp::now())).0.elapsed()
    }

    fn wall(&self, at: Duration) -> Timestamp {
        let start = self.first_request.map_or(Timestamp::UNIX_EPOCH, |(_, start)| start);
        start.saturating_add(at).unwrap_or(start)
    }

    fn authorise(&self, request: &Seen) -> Result<(), Reply> {
        let Some(authorization) = &request.authorization else {
            let advice = "Please set the Authorization header to Bearer and your token";
            return Err(bodies::error(401, "no token was given", advice));
        };
        if *authorization != format!("Bearer {}", self.script.token) {
            return Err(bodies::error(401, "token was not found", "Please check the token"));
        }
        if request.org.as_deref() != Some(&self.script.org) {
            let org = request.org.as_deref().unwrap_or_default();
            return Err(bodies::error(403, &format!("org {org} was not found"), "Please check that you are a member"));
        }
        Ok(())
    }

    fn strike(&mut self, endpoint: Endpoint, component: Option<&str>) -> Option<Fault> {
        let faults = self.script.faults.iter().zip(&mut self.struck);
        let mut strikes = None;
        for (fault, count) in faults {
            let matches = (fault.on == Endpoint::Any || fault.on == endpoint)
                && fault.component.as_deref().is_none_or(|only| Some(only) == component);
            if !matches {
                continue;
            }
            *count += 1;
            if strikes.is_none() && (fault.nth.is_empty() || fault.nth.contains(count)) {
                strikes = Some(fault.clone());
            }
        }
        strikes
    }

    fn component_of(&self, deploy: &str) -> Option<&str> {
        let has =
            |component: &&Component| (0..component.deploys.len()).any(|at| bodies::deploy_id(component, at) == deploy);
        self.script.components.iter().find(has).map(|component| component.id.as_str())
    }

    fn install(&self, install: &str) -> Reply {
        let named =
            |component: &&Component| component.install == install || component.install_name.as_deref() == Some(install);
        match self.script.components.iter().find(named) {
            Some(component) => Reply::ok(&bodies::install(component, &self.script)),
            None => bodies::not_found("install"),
        }
    }

    fn component(&self, install: &str, id: &str) -> Reply {
        match self.position(install, id) {
            Some(at) => Reply::ok(&bodies::install_component(&self.script.components[at])),
            None => bodies::not_found("install component"),
        }
    }

    fn position(&self, install: &str, id: &str) -> Option<usize> {
        self.script.components.iter().position(|component| component.install == install && component.id == id)
    }

    fn latest(&mut self, install: &str, id: &str, now: Duration, hundred: bool) -> Reply {
        let Some(at) = self.position(install, id) else { return bodies::not_found("latest deploy") };
        let visible = self.visible(at, now);
        self.progress[at].looks += 1;
        let hidden = self.script.components[at].drift_scans && !hundred;
        match visible.last().filter(|_| !hidden) {
            Some(position) => Reply::ok(&self.show(at, *position, now, bodies::Detail::Short, 1)),
            None if self.script.components[at].no_deploy == NoDeploy::EmptyObject => Reply::ok(&bodies::no_deploy()),
            None => bodies::not_found("latest deploy"),
        }
    }

    /// Returns the positions of the rows that are there, oldest first.
    fn visible(&self, at: usize, now: Duration) -> Vec<usize> {
        let looks = self.progress[at].looks;
        let visible = |deploy: &Deploy| deploy.after.is_none_or(|after| now >= after) && looks >= deploy.after_looks;
        let deploys = self.script.components[at].deploys.iter().enumerate();
        deploys.filter(|(_, deploy)| visible(deploy)).map(|(position, _)| position).collect()
    }

    fn deploys(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let Some(at) = self.position(install, id) else { return Reply::ok(&Value::Array(Vec::new())) };
        let rows = self.visible(at, now).into_iter().rev();
        self.progress[at].looks += 1;
        // A list is no look at any of its rows.
        let rows = rows.map(|position| self.show(at, position, now, bodies::Detail::Short, 0)).collect();
        Reply::ok(&Value::Array(rows))
    }

    fn workflow(&mut self, id: &str, now: Duration) -> Reply {
        if let Some(at) = self.script.workflows.iter().position(|workflow| workflow.id == id) {
            let workflow = &self.script.workflows[at];
            let lasts: Vec<Lasts> = workflow.states.iter().map(|state| (state.duration, state.looks)).collect();
            let current = self.workflows[at].advance(&lasts, Duration::ZERO, now, 1);
            return Reply::ok(&bodies::workflow(workflow, current));
        }
        for at in 0..self.script.components.len() {
            // The newest row of a workflow says where it stands.
            for position in self.visible(at, now).into_iter().rev() {
                let body = self.show(at, position, now, bodies::Detail::Short, 0);
                if body["workflow_id"] == id {
                    return Reply::ok(&bodies::workflow_of(&self.script.components[at], &body));
                }
            }
        }
        bodies::not_found("workflow")
    }

    fn deploy(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let places = self.script.components.iter().enumerate().filter(|(_, component)| component.install == install);
        let found = places.into_iter().find_map(|(at, component)| {
            let position =
                (0..component.deploys.len()).find(|position| bodies::deploy_id(component, *position) == id)?;
            Some((at, position))
        });
        match found {
            Some((at, position)) => {
                self.progress[at].looks += 1;
                Reply::ok(&self.show(at, position, now, bodies::Detail::Full, 1))
            }
            None => bodies::not_found("deploy"),
        }
    }

    /// Returns a row as it stands, and counts so many looks at it.
    fn show(&mut self, at: usize, position: usize, now: Duration, detail: bodies::Detail, looks: u32) -> Value {
        let deploy = &self.script.components[at].deploys[position];
        let lasts: Vec<Lasts> = deploy.statuses.iter().map(|stay| (stay.duration, stay.looks)).collect();
        let progress = &mut self.progress[at].deploys[position];
        // A row that appears by looks is created when it is first seen.
        let by_looks = if deploy.after_looks > 0 { now } else { Duration::ZERO };
        progress.advance(&lasts, deploy.after.unwrap_or(by_looks), now, looks);
        let entered = progress.entered.clone();
        let entered = entered.into_iter().map(|at| self.wall(at)).collect();
        let component = &self.script.components[at];
        let row = Row { component, deploy: &component.deploys[position], position, entered };
        bodies::deploy(&row, self.script.generation, detail)
    }
}

impl Progress {
    /// Moves on to the status that an answer at `now` shows, counts that answer as so many looks, and returns the
    /// position of the status.
    fn advance(&mut self, lasts: &[Lasts], begins: Duration, now: Duration, looks: u32) -> usize {
        if self.entered.is_empty() {
            self.entered.push(begins);
        }
        while let [.., entered] = *self.entered.as_slice() {
            let left_at = match lasts[self.entered.len() - 1] {
                (Some(duration), _) if now >= entered + duration => entered + duration,
                (None, looks) if self.looks >= looks.unwrap_or(1) => now,
                _ => break,
            };
            if self.entered.len() == lasts.len() {
                break;
            }
            self.entered.push(left_at);
            self.looks = 0;
        }
        self.looks += looks;
        self.entered.len() - 1
    }
}
