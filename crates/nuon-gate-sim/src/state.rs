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
    struck: Vec<u32>,
    pub(crate) seen: Vec<Seen>,
    first_request: Option<(Instant, Timestamp)>,
}

/// How far a component has come.
#[derive(Debug, Default)]
struct ComponentProgress {
    looks: u32,
    deploys: Vec<DeployProgress>,
}

/// How far a deploy has come. `stays` has the instants at which each status was entered.
#[derive(Debug, Default)]
pub(crate) struct DeployProgress {
    entered: Vec<Duration>,
    looks: u32,
}

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
            deploys: component.deploys.iter().map(|_| DeployProgress::default()).collect(),
        };
        let progress = script.components.iter().map(progress).collect();
        let struck = script.faults.iter().map(|_| 0).collect();
        Self { progress, struck, script, seen: Vec::new(), first_request: None }
    }

    /// Takes note of a request and decides what to answer.
    pub(crate) fn answer(&mut self, request: Seen) -> (Reply, Option<Fault>) {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let authorised = self.authorise(&request);
        self.seen.push(request);
        let now = self.elapsed();
        let (endpoint, component) = match segments.as_slice() {
            ["v1", "general", "cli-config"] => (Endpoint::CliConfig, None),
            ["v1", "installs", _] => (Endpoint::Install, None),
            ["v1", "installs", _, "components", component] => (Endpoint::Component, Some(*component)),
            ["v1", "installs", _, "components", component, "deploys", "latest"] => (Endpoint::Latest, Some(*component)),
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
            ["v1", "installs", install, "components", id, "deploys", "latest"] => self.latest(install, id, now),
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

    fn latest(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let Some(at) = self.position(install, id) else { return bodies::not_found("latest deploy") };
        let component = &self.script.components[at];
        let looks = self.progress[at].looks;
        self.progress[at].looks += 1;
        let visible = |deploy: &Deploy| deploy.after.is_none_or(|after| now >= after) && looks >= deploy.after_looks;
        match component.deploys.iter().rposition(visible) {
            Some(position) => self.show(at, position, now, bodies::Detail::Short),
            None if component.no_deploy == NoDeploy::EmptyObject => Reply::ok(&bodies::no_deploy()),
            None => bodies::not_found("latest deploy"),
        }
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
                self.show(at, position, now, bodies::Detail::Full)
            }
            None => bodies::not_found("deploy"),
        }
    }

    fn show(&mut self, at: usize, position: usize, now: Duration, detail: bodies::Detail) -> Reply {
        let deploy = &self.script.components[at].deploys[position];
        let progress = &mut self.progress[at].deploys[position];
        progress.advance(deploy, now);
        let entered = progress.entered.clone();
        let entered = entered.into_iter().map(|at| self.wall(at)).collect();
        let component = &self.script.components[at];
        let row = Row { component, deploy: &component.deploys[position], position, entered };
        Reply::ok(&bodies::deploy(&row, self.script.generation, detail))
    }
}

impl DeployProgress {
    /// Moves on to the status that an answer at `now` shows, and counts that answer.
    fn advance(&mut self, deploy: &Deploy, now: Duration) {
        if self.entered.is_empty() {
            // A row that appears by looks is created when it is first seen.
            let by_looks = if deploy.after_looks > 0 { now } else { Duration::ZERO };
            self.entered.push(deploy.after.unwrap_or(by_looks));
        }
        while let [.., entered] = *self.entered.as_slice() {
            let stay = &deploy.statuses[self.entered.len() - 1];
            let left_at = match (stay.duration, stay.looks) {
                (Some(duration), _) if now >= entered + duration => entered + duration,
                (None, looks) if self.looks >= looks.unwrap_or(1) => now,
                _ => break,
            };
            if self.entered.len() == deploy.statuses.len() {
                break;
            }
            self.entered.push(left_at);
            self.looks = 0;
        }
        self.looks += 1;
    }
}
