//! How to handle errors.

#[cfg(test)]
mod table;

use super::event::Refusal;
use super::shared::Shared;
use crate::Moment;
use crate::api::{ApiError, ErrorClass, Request};
use crate::cause::{Cause, Thing};
use crate::watch::LAG;

/// 401 and 403 are final only after this many in a row, once there was a good answer: the server also sends them when
/// its database or its identity provider has problems (`docs/nuon-api.md`, "Authentication").
const DENIALS: u32 = 5;
/// An id that is not found this many times in a row does not exist. A single miss may be a lagging replica.
pub(super) const MISSES: u32 = 3;
/// This many answers in a row from something other than the API, and the address counts as wrong.
const FOREIGN: u32 = 3;

/// The errors in a row, by kind.
#[derive(Debug, Default)]
pub(super) struct Streaks {
    denied: Streak,
    missing: Streak,
    /// From something other than the API.
    foreign: Streak,
}

impl Streaks {
    /// A good answer ends them all.
    pub(super) fn end(&mut self, request: &Request) {
        for streak in [&mut self.denied, &mut self.missing, &mut self.foreign] {
            streak.end(request);
        }
    }
}

/// How often in a row each request got an error of the same kind. Answers to other requests of the same poll do not
/// reset it: a missing permission for one of them does not come back.
#[derive(Debug, Default)]
struct Streak(Vec<(Request, Moment, u32)>);

impl Streak {
    /// Counts an error, and returns the length of the streak. The streak restarts if the request got a good answer
    /// since, for any poller.
    fn count(&mut self, request: &Request, now: Moment, answered_at: Option<Moment>) -> u32 {
        self.0.retain(|(own, since, _)| own != request || answered_at.is_none_or(|at| at < *since));
        if let Some((.., count)) = self.0.iter_mut().find(|(own, ..)| own == request) {
            *count += 1;
            return *count;
        }
        self.0.push((request.clone(), now, 1));
        1
    }

    /// Returns whether a streak has lasted for longer than a replica can lag.
    fn is_long(&self, request: &Request, now: Moment) -> bool {
        self.0.iter().any(|(own, since, _)| own == request && now >= *since + LAG)
    }

    fn end(&mut self, request: &Request) {
        self.0.retain(|(own, ..)| own != request);
    }
}

/// What is known about the object of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    /// It has answered before, so it exists.
    pub(super) exists: bool,
    /// It belonged to the target when it did.
    pub(super) is_own: bool,
    /// The user named it by its id.
    pub(super) named: bool,
    /// An answer names it, so it must exist, and the one about it may lag.
    pub(super) shown: bool,
    /// It is the workflow that a deploy names, not one that the user named.
    pub(super) is_unnamed_workflow: bool,
}

impl About {
    /// Returns whether a workflow or run that has answered, or what it deployed, is asked for.
    fn is_of_known_workflow(self, request: &Request) -> bool {
        let is_of_workflow = matches!(
            request,
            Request::Workflow(..) | Request::Run(..) | Request::GroupRuns(..) | Request::InstallDeploys(_)
        );
        self.is_unnamed_workflow || self.exists && is_of_workflow
    }
}

/// What to do.
#[derive(Debug)]
pub(super) enum Handling {
    /// Poll again.
    Retry,
    /// Request it again in the same poll: there is no other.
    Repeat,
    /// The deploy's workflow does not exist.
    NoWorkflow,
    /// The target ends.
    Reject(Cause),
    /// Nothing can be waited for.
    Refuse(Refusal),
}

/// Decides. A workflow, a deploy or an install that has answered once exists, whatever comes later. No 404 and
/// no other 4xx about a deploy's workflow is final, except 401 and 403: an ingress or a firewall may have sent it.
pub(super) fn handle(
    streaks: &mut Streaks,
    now: Moment,
    error: &ApiError,
    request: &Request,
    about: About,
    shared: &Shared,
) -> Handling {
    let class = error.class();
    if class != ErrorClass::Denied {
        streaks.denied.end(request);
    }
    if class != ErrorClass::Foreign {
        streaks.foreign.end(request);
    }
    let answered_at = shared.answered_at(request);
    match class {
        ErrorClass::Transient => Handling::Retry,
        ErrorClass::Untrusted if !shared.api_health().ever_good() => {
            Handling::Refuse(Refusal::Untrusted(error.clone()))
        }
        ErrorClass::Untrusted => Handling::Retry,
        ErrorClass::Denied => {
            match streaks.denied.count(request, now, answered_at) >= DENIALS || !shared.api_health().ever_good() {
                true => Handling::Reject(Cause::Denied(error.clone())),
                false => Handling::Retry,
            }
        }
        ErrorClass::Foreign => {
            match streaks.foreign.count(request, now, answered_at) >= FOREIGN && !shared.api_health().ever_nuon() {
                true => Handling::Reject(Cause::NotNuon(error.clone())),
                false => Handling::Retry,
            }
        }
        ErrorClass::Missing if !about.exists => {
            let often = streaks.missing.count(request, now, answered_at) >= MISSES;
            let often = often && (!about.shown || streaks.missing.is_long(request, now));
            match often || !request.is_by_id() || about.named && shared.is_once() {
                true if about.is_unnamed_workflow => Handling::NoWorkflow,
                true => Handling::Reject(missing(error, request)),
                false if about.is_unnamed_workflow && shared.is_once() => Handling::Repeat,
                false => Handling::Retry,
            }
        }
        ErrorClass::Refused if !about.is_of_known_workflow(request) => Handling::Reject(Cause::Refused(error.clone())),
        // The request names no id, so an answer about another object is only a bad answer.
        ErrorClass::Elsewhere if request.is_by_id() && !about.is_own && !about.is_unnamed_workflow => {
            Handling::Reject(Cause::Elsewhere(error.clone()))
        }
        ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere => Handling::Retry,
    }
}

fn missing(error: &ApiError, request: &Request) -> Cause {
    let thing = match request {
        Request::Install(install) | Request::InstallComponents(install, _) => Thing::Install(install.clone()),
        Request::InstallComponent(install, component) | Request::PushCheck(install, component, _) => {
            Thing::Component(install.clone(), component.clone())
        }
        Request::Deploy(install, _, deploy) => Thing::Deploy(install.clone(), deploy.clone()),
        Request::Workflow(_, workflow) | Request::Cancel(workflow) => Thing::Workflow(workflow.clone()),
        Request::GroupRuns(_, run, _) => Thing::GroupsOfRun(run.clone()),
        Request::LatestDeploy(..)
        | Request::Deploys(..)
        | Request::Earlier(..)
        | Request::InstallDeploys(_)
        | Request::Installs(_)
        | Request::NamedInstalls(..)
        | Request::LabelledInstalls(..)
        | Request::Health(..)
        | Request::Resources(..)
        | Request::QueuePosition(_)
        | Request::Apps(_)
        | Request::Branches(..)
        | Request::Runs(..)
        | Request::Run(..)
        | Request::Dashboard(_)
        | Request::Plan(..)
        | Request::Logs(..)
        | Request::LogsAfter(..)
        | Request::Tail(..)
        | Request::Await(..) => return Cause::Refused(error.clone()),
    };
    Cause::NotFound(thing, error.clone())
}
