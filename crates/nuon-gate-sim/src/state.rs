//! The state of the simulated API, and its answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::bodies;
use crate::ids;
use crate::message::{Reply, Seen};
use crate::oidc::{self, Tokens};
use crate::progress::{Cancelling, ComponentProgress, Progress};
use crate::route::Route;
use crate::row::Place;
use crate::script::{Answer, Component, Deploy, Endpoint, Fault, Generation, Script};
use crate::sinks::{Sink, Sinks};

/// A workflow whose rows appear one by one.
#[derive(Debug)]
pub(crate) struct Triggered {
    pub(crate) install: String,
    pub(crate) kind: &'static str,
}

/// Everything that changes while the simulator runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) script: Script,
    pub(crate) progress: Vec<ComponentProgress>,
    pub(crate) workflows: Vec<Progress>,
    /// By the run's id.
    pub(crate) runs: BTreeMap<String, Progress>,
    /// By the workflow's id.
    pub(crate) cancellings: BTreeMap<String, Cancelling>,
    /// Workflows that a request for several deploys started, by id.
    pub(crate) triggered: BTreeMap<String, Triggered>,
    /// The tokens that were issued.
    pub(crate) tokens: Tokens,
    pub(crate) sinks: Sinks,
    struck: Vec<u32>,
    pub(crate) seen: Vec<Seen>,
    /// Which state of the deploys the current answer shows.
    pub(crate) light: Option<Answer>,
    first_request: Option<(Instant, Timestamp)>,
}

/// The reaction to a request.
pub(crate) enum Answered {
    Given(Reply),
    Held(Held),
}

/// A request whose answer is held back.
pub(crate) struct Held {
    request: Seen,
    /// When it came.
    since: Duration,
}

/// When a request came, and when it is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) since: Duration,
    pub(crate) now: Duration,
}

impl Moment {
    /// Returns whether a request has been held for this long.
    pub(crate) fn is_over(self, limit: Duration) -> bool {
        self.now.saturating_sub(self.since) >= limit
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn new(mut script: Script) -> Self {
        ids::complete(&mut script);
        let progress = script.components.iter().map(ComponentProgress::new).collect();
        let workflows = script.workflows.iter().map(|_| Progress::default()).collect();
        let struck = script.faults.iter().map(|_| 0).collect();
        Self {
            progress,
            workflows,
            runs: BTreeMap::new(),
            cancellings: BTreeMap::new(),
            triggered: BTreeMap::new(),
            tokens: Tokens::default(),
            sinks: Sinks::default(),
            struck,
            script,
            seen: Vec::new(),
            light: None,
            first_request: None,
        }
    }

    /// Records a request and decides what to answer.
    pub(crate) fn answer(&mut self, request: Seen) -> (Answered, Option<Fault>) {
        self.seen.push(request.clone());
        let segments = request.segments();
        // Requests to notification services must not start the API's clock.
        if let Some(sink) = Sink::of(&segments) {
            let fault = self.strike(sink.endpoint(), None);
            let reply = match takes_effect(fault.as_ref()) {
                true => self.sinks.handle(sink, &request, &self.script),
                false => Reply::ok(&Value::Null),
            };
            return (Answered::Given(reply), fault);
        }
        let now = self.elapsed();
        let Some(route) = self.route(&request.method, &segments) else {
            return (Answered::Given(Reply::text(404, "404 page not found")), None);
        };
        let component = self.component_of(route).map(str::to_owned);
        let fault = self.strike(route.endpoint(), component.as_deref());
        self.light = fault.as_ref().map(|fault| fault.answer).filter(|answer| answer.is_whole());
        let fault = fault.filter(|fault| !fault.answer.is_whole());
        if !takes_effect(fault.as_ref()) {
            return (Answered::Given(Reply::ok(&Value::Null)), fault);
        }
        let reply = match self.authorise(route, &request) {
            Ok(()) => self.respond(route, &request, Moment { since: now, now }),
            Err(refusal) => Some(refusal),
        };
        (given_or_held(reply, Held { since: now, request }), fault)
    }

    /// Decides the answer to a held request.
    pub(crate) fn answer_held(&mut self, held: Held) -> Answered {
        let segments = held.request.segments();
        let moment = Moment { since: held.since, now: self.elapsed() };
        self.light = None;
        let route = self.route(&held.request.method, &segments);
        let reply = route.and_then(|route| self.respond(route, &held.request, moment));
        given_or_held(reply, held)
    }

    fn route<'a>(&self, method: &str, segments: &'a [String]) -> Option<Route<'a>> {
        Route::of(method, segments).filter(|route| self.script.generation == Generation::New || !route.is_new())
    }

    /// Returns the answer, or `None` to hold the request.
    fn respond(&mut self, route: Route<'_>, request: &Seen, moment: Moment) -> Option<Reply> {
        let now = moment.now;
        let reply = match route {
            Route::CliConfig => Reply::ok(&bodies::cli_config(&self.script)),
            Route::Exchange => self.tokens.exchange(&self.script, request, self.wall(now)),
            Route::Issuer => oidc::issue(&self.script, request),
            Route::Installs => self.list_installs(request),
            Route::Install(install) => self.install(install),
            Route::Components(install) => self.list_components(install, request),
            Route::Component(install, id) => self.component(install, id, now),
            Route::Resources(install) => self.resources(install, now, request),
            Route::Latest(install, id) => self.latest(install, id, now, request),
            Route::Deploys(install, id) => self.list_deploys(install, id, now, request),
            Route::InstallDeploys(install) => self.list_install_deploys(install, now, request),
            Route::Deploy(install, id) => self.deploy(install, id, now),
            Route::Trigger(install, id) => self.post_deploy(install, id, now, request),
            Route::DeployAll(install) => self.post_workflow(install, None, false, now),
            Route::TeardownAll(install) => self.post_workflow(install, None, true, now),
            Route::Teardown(install, id) => self.post_workflow(install, Some(id), true, now),
            Route::Workflow(id) => self.workflow(id, now),
            Route::Cancel(id) => self.cancel(id, now),
            Route::Await(id, step) => return self.await_step(id, step, moment),
            Route::ApprovalContents(id, approval) => self.approval_contents(id, approval, now),
            Route::Checks(install, id) => self.checks(install, id),
            Route::PushCheck(install, id, name) => self.push_check(install, id, name, request),
            Route::QueuePosition(id) => self.queue_position(id, now),
            Route::Logs(stream) => self.logs(stream, now, request),
            Route::Tail(stream) => return self.tail(stream, moment, request),
            Route::Apps => self.list_apps(request),
            Route::Branches(app) => self.list_branches(app, request),
            Route::Runs(app, branch) => self.list_runs((app, branch), now, request),
            Route::Run(app, branch, id) => self.run((app, branch), id, now),
            Route::RunGroups(app, branch, id) => self.run_groups((app, branch), id, now, request),
        };
        Some(reply)
    }

    #[expect(clippy::disallowed_methods, reason = "the simulated server has a clock of its own")]
    fn elapsed(&mut self) -> Duration {
        let (first, _) = self.first_request.get_or_insert_with(|| (Instant::now(), Timestamp::now()));
        first.elapsed() + self.script.began.unwrap_or_default()
    }

    /// Returns the time by the server's clock.
    #[expect(clippy::disallowed_methods, reason = "the simulated server has a clock of its own")]
    pub(crate) fn date(&self) -> Timestamp {
        self.by_own_clock(Timestamp::now())
    }

    fn by_own_clock(&self, time: Timestamp) -> Timestamp {
        time.saturating_add(self.script.clock).unwrap_or(time)
    }

    pub(crate) fn wall(&self, at: Duration) -> Timestamp {
        let first = self.first_request.map_or(Timestamp::UNIX_EPOCH, |(_, first)| self.by_own_clock(first));
        let start = first.saturating_sub(self.script.began.unwrap_or_default()).unwrap_or(first);
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
        if *authorization != format!("Bearer {}", self.script.token)
            && !self.tokens.accepts(&self.script, authorization)
        {
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
            Route::Component(_, id)
            | Route::Latest(_, id)
            | Route::Deploys(_, id)
            | Route::Trigger(_, id)
            | Route::Teardown(_, id) => return Some(id),
            Route::Deploy(_, id) => self.place(|_, deploy| deploy.id.as_deref() == Some(id)),
            Route::Logs(stream) | Route::Tail(stream) => self.place_of_logs(stream),
            _ => None,
        };
        place.map(|(at, _)| self.script.components[at].id.as_str())
    }

    /// Returns the place of the first matching deploy.
    pub(crate) fn place(&self, is: impl Fn(&Component, &Deploy) -> bool) -> Option<Place> {
        let components = self.script.components.iter().enumerate();
        let mut found = components
            .filter_map(|(at, component)| Some((at, component.deploys.iter().position(|own| is(component, own))?)));
        found.next()
    }

    /// Returns the place of the deploy with this log stream.
    pub(crate) fn place_of_logs(&self, stream: &str) -> Option<Place> {
        self.place(|_, deploy| bodies::log_stream_id(deploy) == stream)
    }

    pub(crate) fn deploy_at(&self, (at, position): Place) -> &Deploy {
        &self.script.components[at].deploys[position]
    }
}

fn given_or_held(reply: Option<Reply>, held: Held) -> Answered {
    reply.map_or(Answered::Held(held), Answered::Given)
}

fn takes_effect(fault: Option<&Fault>) -> bool {
    fault.is_none_or(|fault| fault.after_effect || fault.change.is_some())
}
