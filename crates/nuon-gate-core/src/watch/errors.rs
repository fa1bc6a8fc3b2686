//! What follows from an answer that is no good one.

use super::event::Refusal;
use super::shared::Shared;
use crate::Moment;
use crate::api::{ApiError, ErrorClass, Request};
use crate::cause::{Cause, Thing};

/// 401 and 403 are final only when this many come in a row, once there was a good answer: the server also says so when its
/// database or its identity provider is in trouble (`docs/nuon-api.md`, "Authentication").
const DENIALS: u32 = 5;
/// An id that is not found this many times in a row does not exist. Once may be a lagging replica.
const MISSES: u32 = 3;
/// So often in a row something else than the API answers before the address is taken to be wrong.
const FOREIGN: u32 = 3;

/// The bad answers in a row, by their kinds.
#[derive(Debug, Default)]
pub(super) struct Streaks {
    denied: Streak,
    missing: Streak,
    /// Of something else than the API.
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

/// How often one request has had an answer of the same bad kind in a row. Good answers to other requests of the same poll do
/// not count: a right that is missing for one of them will not come back by itself.
#[derive(Debug, Default)]
struct Streak(Option<(Request, Moment, u32)>);

impl Streak {
    /// Counts an answer, and returns how many there are now since the streak began. It begins anew if the request has
    /// been answered well since, to whomever.
    fn count(&mut self, request: &Request, now: Moment, answered_at: Option<Moment>) -> u32 {
        let goes_on = |since: Moment| answered_at.is_none_or(|at| at < since);
        let before = self.0.take().filter(|(own, since, _)| own == request && goes_on(*since));
        let (since, count) = before.map_or((now, 1), |(_, since, count)| (since, count + 1));
        self.0 = Some((request.clone(), since, count));
        count
    }

    fn end(&mut self, request: &Request) {
        self.0.take_if(|(own, ..)| own == request);
    }
}

/// What is known of what a request is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    /// It has answered before, so it exists.
    pub(super) exists: bool,
    /// It was the target's when it did.
    pub(super) is_own: bool,
    /// The user named it by its id.
    pub(super) named: bool,
    /// It is the workflow that a deploy names, which nobody else has named.
    pub(super) own_workflow: bool,
}

impl About {
    fn is_known_workflow(self, request: &Request) -> bool {
        self.own_workflow
            || self.exists && matches!(request, Request::Workflow(..) | Request::Run(..) | Request::GroupRuns(..))
    }
}

/// What to do.
#[derive(Debug)]
pub(super) enum Handling {
    /// Poll again.
    Retry,
    /// The deploy's workflow does not exist.
    NoWorkflow,
    /// It is the end.
    Reject(Cause),
    /// Nothing can be waited for.
    Refuse(Refusal),
}

/// Decides. A workflow, a deploy or an install that has answered once exists, whatever is said of it later; and what is said
/// of a deploy's workflow is never the end, as an ingress or a firewall may say it.
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
        ErrorClass::Untrusted if !shared.health().ever_good() => Handling::Refuse(Refusal::Untrusted(error.clone())),
        ErrorClass::Untrusted => Handling::Retry,
        ErrorClass::Denied => {
            match streaks.denied.count(request, now, answered_at) >= DENIALS || !shared.health().ever_good() {
                true => Handling::Reject(Cause::Denied(error.clone())),
                false => Handling::Retry,
            }
        }
        ErrorClass::Foreign => {
            match streaks.foreign.count(request, now, answered_at) >= FOREIGN && !shared.health().ever_nuon() {
                true => Handling::Reject(Cause::NotNuon(error.clone())),
                false => Handling::Retry,
            }
        }
        ErrorClass::Missing if !about.exists => {
            let often = streaks.missing.count(request, now, answered_at) >= MISSES;
            match often || !request.may_lag() || about.named && shared.is_once() {
                true if about.own_workflow => Handling::NoWorkflow,
                true => Handling::Reject(missing(error, request)),
                false => Handling::Retry,
            }
        }
        ErrorClass::Refused if !about.is_known_workflow(request) => Handling::Reject(Cause::Refused(error.clone())),
        ErrorClass::Elsewhere if !about.is_own && !about.own_workflow => {
            Handling::Reject(Cause::Elsewhere(error.clone()))
        }
        ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere => Handling::Retry,
    }
}

fn missing(error: &ApiError, request: &Request) -> Cause {
    let thing = match request {
        Request::Install(install) | Request::InstallComponents(install, _) => Thing::Install(install.clone()),
        Request::InstallComponent(install, component) => Thing::Component(install.clone(), component.clone()),
        Request::Deploy(install, _, deploy) => Thing::Deploy(install.clone(), deploy.clone()),
        Request::Workflow(_, workflow) | Request::Cancel(workflow) => Thing::Workflow(workflow.clone()),
        Request::GroupRuns(_, run, _) => Thing::GroupsOfRun(run.clone()),
        Request::LatestDeploy(..)
        | Request::Deploys(..)
        | Request::Earlier(..)
        | Request::InstallDeploys(_)
        | Request::Installs(_)
        | Request::LabelledInstalls(..)
        | Request::QueuePosition(_)
        | Request::Apps(_)
        | Request::Branches(..)
        | Request::Runs(..)
        | Request::Run(..)
        | Request::Dashboard(_)
        | Request::Plan(..)
        | Request::Logs(..)
        | Request::Await(..) => return Cause::Refused(error.clone()),
    };
    Cause::NotFound(thing, error.clone())
}
