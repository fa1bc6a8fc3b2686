//! Where the simulated API stands, and what it answers to a request.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::bodies::{self, Detail};
use crate::cancel::{Cancelling, cancelled};
use crate::http::{Reply, Seen};
use crate::ids;
use crate::oidc::Tokens;
use crate::progress::{Lasts, Progress};
use crate::route::Route;
use crate::script::{Answer, Component, Deploy, Endpoint, Fault, Generation, NoDeploy, Script, Stay};
use crate::sinks::{Sink, Sinks};

/// So far behind is the clock of a machine whose clock is behind.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Everything that changes while the simulator runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) script: Script,
    pub(crate) progress: Vec<ComponentProgress>,
    pub(crate) workflows: Vec<Progress>,
    /// By the workflow's id.
    pub(crate) cancellings: BTreeMap<String, Cancelling>,
    /// What those have been given who signed in.
    pub(crate) tokens: Tokens,
    pub(crate) sinks: Sinks,
    struck: Vec<u32>,
    pub(crate) seen: Vec<Seen>,
    /// In which light the answer that is being made shows the deploys.
    light: Option<Answer>,
    first_request: Option<(Instant, Timestamp)>,
}

/// How far a component has come.
#[derive(Debug, Default)]
pub(crate) struct ComponentProgress {
    pub(crate) looks: u32,
    pub(crate) deploys: Vec<Progress>,
}

/// Where a deploy stands in the script: its component's position, and its own in that component.
pub(crate) type Place = (usize, usize);

/// A deploy as it stands at the moment of an answer.
pub(crate) struct Row<'a> {
    pub(crate) component: &'a Component,
    pub(crate) deploy: &'a Deploy,
    /// Each status up to the current one, and when it was entered.
    pub(crate) stays: Vec<(&'a Stay, Timestamp)>,
}

impl<'a> Row<'a> {
    /// Returns the current status, and when it was entered.
    pub(crate) fn current(&self) -> (&'a Stay, Timestamp) {
        self.stays[self.stays.len() - 1]
    }
}

impl State {
    pub(crate) fn new(mut script: Script) -> Self {
        ids::complete(&mut script);
        let progress = |component: &Component| ComponentProgress {
            looks: 0,
            deploys: component.deploys.iter().map(|_| Progress::default()).collect(),
        };
        let progress = script.components.iter().map(progress).collect();
        let workflows = script.workflows.iter().map(|_| Progress::default()).collect();
        let struck = script.faults.iter().map(|_| 0).collect();
        Self {
            progress,
            workflows,
            cancellings: BTreeMap::new(),
            tokens: Tokens::default(),
            sinks: Sinks::default(),
            struck,
            script,
            seen: Vec::new(),
            light: None,
            first_request: None,
        }
    }

    /// Takes note of a request and decides what to answer.
    pub(crate) fn answer(&mut self, request: Seen) -> (Reply, Option<Fault>) {
        let answer = self.decide(&request);
        self.seen.push(request);
        answer
    }

    fn decide(&mut self, request: &Seen) -> (Reply, Option<Fault>) {
        let segments = request.segments();
        // What is told to others must not start the API's clock.
        if let Some(sink) = Sink::of(&segments) {
            let fault = self.strike(sink.endpoint(), None);
            let reply = match takes_effect(fault.as_ref()) {
                true => self.sinks.tell(sink, request, &self.script),
                false => Reply::ok(&Value::Null),
            };
            return (reply, fault);
        }
        let now = self.elapsed();
        let Some(route) = Route::of(&request.method, &segments) else {
            return (bodies::error(404, "not found", "not found"), None);
        };
        let component = self.component_of(route).map(str::to_owned);
        let fault = self.strike(route.endpoint(), component.as_deref());
        self.light = fault.as_ref().map(|fault| fault.answer).filter(|answer| answer.is_whole());
        let fault = fault.filter(|fault| !fault.answer.is_whole());
        if !takes_effect(fault.as_ref()) {
            return (Reply::ok(&Value::Null), fault);
        }
        let reply = match self.authorise(route, request) {
            Ok(()) => self.respond(route, request, now),
            Err(refusal) => refusal,
        };
        (reply, fault)
    }

    fn respond(&mut self, route: Route<'_>, request: &Seen, now: Duration) -> Reply {
        match route {
            Route::CliConfig => Reply::ok(&bodies::cli_config(&self.script)),
            Route::Exchange => self.exchange(request, now),
            Route::Issuer => self.issue(request),
            Route::Installs => self.list_installs(request),
            Route::Install(install) => self.install(install),
            Route::Components(install) => self.list_components(install, request),
            Route::Component(install, id) => self.component(install, id),
            Route::Latest(install, id) => self.latest(install, id, now, request),
            Route::Deploys(install, id) => self.list_deploys(install, id, now, request),
            Route::Deploy(install, id) => self.deploy(install, id, now),
            Route::Workflow(id) => self.workflow(id, now),
            Route::Cancel(id) => self.cancel(id, now),
            Route::Logs(stream) => self.logs(stream, now, request),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the simulated server has a clock of its own")]
    fn elapsed(&mut self) -> Duration {
        self.first_request.get_or_insert_with(|| (Instant::now(), Timestamp::now())).0.elapsed()
    }

    pub(crate) fn wall(&self, at: Duration) -> Timestamp {
        let start = self.first_request.map_or(Timestamp::UNIX_EPOCH, |(_, start)| start);
        start.saturating_add(at).unwrap_or(start)
    }

    fn authorise(&mut self, route: Route<'_>, request: &Seen) -> Result<(), Reply> {
        if matches!(route, Route::CliConfig | Route::Exchange | Route::Issuer) {
            return Ok(());
        }
        let Some(authorization) = &request.authorization else {
            let advice = "Please set the Authorization header to Bearer and your token";
            return Err(bodies::error(401, "no token was given", advice));
        };
        if *authorization != format!("Bearer {}", self.script.token) && !self.accepts(authorization) {
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
            let matches =
                fault.on.includes(endpoint) && fault.component.as_deref().is_none_or(|only| Some(only) == component);
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

    /// Returns the id of the component that a request is about.
    fn component_of<'a>(&'a self, route: Route<'a>) -> Option<&'a str> {
        let place = match route {
            Route::Component(_, id) | Route::Latest(_, id) | Route::Deploys(_, id) => return Some(id),
            Route::Deploy(_, id) => self.place(|_, deploy| deploy.id.as_deref() == Some(id)),
            Route::Logs(stream) => self.place_of_logs(stream),
            _ => None,
        };
        place.map(|(at, _)| self.script.components[at].id.as_str())
    }

    /// Returns where the first such deploy is.
    pub(crate) fn place(&self, is: impl Fn(&Component, &Deploy) -> bool) -> Option<Place> {
        let components = self.script.components.iter().enumerate();
        let mut found = components
            .filter_map(|(at, component)| Some((at, component.deploys.iter().position(|own| is(component, own))?)));
        found.next()
    }

    pub(crate) fn deploy_at(&self, (at, position): Place) -> &Deploy {
        &self.script.components[at].deploys[position]
    }

    fn install(&self, install: &str) -> Reply {
        let named =
            |component: &&Component| component.install == install || component.install_name.as_deref() == Some(install);
        match self.installs().into_iter().find(named) {
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

    pub(crate) fn position(&self, install: &str, id: &str) -> Option<usize> {
        self.script.components.iter().position(|component| component.install == install && component.id == id)
    }

    fn latest(&mut self, install: &str, id: &str, now: Duration, request: &Seen) -> Reply {
        let Some(at) = self.position(install, id) else { return bodies::not_found("latest deploy") };
        let visible = self.visible(at, now);
        self.progress[at].looks += 1;
        let hidden = self.script.components[at].drift_scans && request.query("limit").as_deref() != Some("100");
        match visible.last().filter(|_| !hidden) {
            Some(position) => Reply::ok(&self.show((at, *position), now, Detail::Short, 1)),
            None if self.no_deploy(at) == NoDeploy::EmptyObject => Reply::ok(&bodies::no_deploy()),
            None => bodies::not_found("latest deploy"),
        }
    }

    fn no_deploy(&self, at: usize) -> NoDeploy {
        let usual = match self.script.generation {
            Generation::Mid1 => NoDeploy::EmptyObject,
            Generation::Old | Generation::Mid | Generation::New => NoDeploy::NotFound,
        };
        self.script.components[at].no_deploy.unwrap_or(usual)
    }

    /// Returns the positions of the rows that are there, oldest first.
    pub(crate) fn visible(&self, at: usize, now: Duration) -> Vec<usize> {
        let looks = self.progress[at].looks;
        let visible = |deploy: &Deploy| deploy.after.is_none_or(|after| now >= after) && looks >= deploy.after_looks;
        let deploys = self.script.components[at].deploys.iter().zip(&self.progress[at].deploys).enumerate();
        let there = deploys.filter(|(_, (deploy, progress))| visible(deploy) && !progress.is_called_off());
        there.map(|(position, _)| position).collect()
    }

    fn deploy(&mut self, install: &str, id: &str, now: Duration) -> Reply {
        let place = self.place(|component, deploy| component.install == install && deploy.id.as_deref() == Some(id));
        match place.filter(|place| self.is_there(*place, now)) {
            Some(place) => {
                self.progress[place.0].looks += 1;
                Reply::ok(&self.show(place, now, Detail::Full, 1))
            }
            None => bodies::not_found("deploy"),
        }
    }

    /// Returns a row as it stands, and counts so many looks at it.
    pub(crate) fn show(&mut self, (at, position): Place, now: Duration, detail: Detail, looks: u32) -> Value {
        if let Some(workflow) = self.deploy_at((at, position)).workflow.clone().filter(|_| looks > 0) {
            self.look_at_cancelling(&workflow, now);
        }
        let deploy = &self.script.components[at].deploys[position];
        let lasts: Vec<Lasts> = deploy.statuses.iter().map(|stay| (stay.duration, stay.looks)).collect();
        self.progress[at].deploys[position].advance(&lasts, begins(deploy, now), now, looks);
        bodies::deploy(&self.row((at, position)), self.script.generation, detail)
    }

    fn row(&self, (at, position): Place) -> Row<'_> {
        let component = &self.script.components[at];
        let (deploy, progress) = (&component.deploys[position], &self.progress[at].deploys[position]);
        let entered = progress.entered().iter().map(|at| self.wall(*at));
        let mut stays: Vec<_> = deploy.statuses.iter().zip(entered).collect();
        stays.extend(progress.cancelled().map(|at| (cancelled(), self.wall(at))));
        // What has only been created is the same in any light.
        if let [_, .., (_, last)] = stays.as_mut_slice() {
            match self.light {
                Some(Answer::Lagging) => drop(stays.pop()),
                Some(Answer::ClockBehind) => *last = last.saturating_sub(AN_HOUR).unwrap_or(*last),
                _ => {}
            }
        }
        Row { component, deploy, stays }
    }
}

fn takes_effect(fault: Option<&Fault>) -> bool {
    fault.is_none_or(|fault| fault.after_effect)
}

/// Returns when a deploy's row is created if it is first met now: one that appears by looks is when it is first seen.
pub(crate) fn begins(deploy: &Deploy, now: Duration) -> Duration {
    let by_looks = if deploy.after_looks > 0 { now } else { Duration::ZERO };
    deploy.after.unwrap_or(by_looks)
}
