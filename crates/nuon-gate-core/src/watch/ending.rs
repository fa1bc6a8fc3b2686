//! How a target ends, in words: what happened, why, and what the user can do.

use std::time::Duration;

use super::request::Request;
use crate::client::ErrorClass;
use crate::timeline::exact;
use crate::{ApiError, Clock, ComponentId, DeployId, Line, Moment, Target, Verdict};

/// How a target ended, or the search for targets.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) verdict: Verdict,
    pub(super) reason: Option<Line>,
    pub(super) hint: Option<Line>,
    pub(super) clock: Option<Clock>,
    /// Whether the reason is a generic sentence.
    pub(super) vague: bool,
    pub(super) at: Moment,
}

impl End {
    pub(super) fn new(verdict: Verdict, at: Moment) -> Self {
        Self { verdict, reason: None, hint: None, clock: None, vague: false, at }
    }
}

/// The API said no.
pub(super) fn rejected(error: &ApiError, request: &Request, now: Moment) -> End {
    if let ApiError::SignIn(error) = error {
        let (reason, hint) = (Some(Line::new(error.to_string())), Some(Line::new(error.hint())));
        return End { reason, hint, ..End::new(Verdict::Rejected, now) };
    }
    let (what, hint) = match (error.class(), error.status(), request) {
        (ErrorClass::Denied, Some(401), _) => (
            "the API does not accept the token".to_owned(),
            "check NUON_API_TOKEN or --token-file: it may have expired, or belong to another API URL",
        ),
        (ErrorClass::Denied, ..) => (
            "the API refuses access to the organisation".to_owned(),
            "check --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID), and that the token's account belongs to it",
        ),
        (ErrorClass::Missing, _, Request::Install(install)) => (
            format!("there is no install `{install}` in this organisation"),
            "check --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) and --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)",
        ),
        (ErrorClass::Missing, _, Request::InstallComponent(install, component)) => (
            format!("there is no component `{component}` in install `{install}`"),
            "check --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)",
        ),
        (ErrorClass::Missing, _, Request::Deploy(install, deploy)) => (
            format!("there is no deploy `{deploy}` in install `{install}`"),
            "check --deploy, --after and --install (NUON_GATE_INSTALL, NUON_INSTALL_ID)",
        ),
        (ErrorClass::Missing, _, Request::Workflow(workflow)) => (
            format!("there is no workflow `{workflow}`"),
            "check --workflow and --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)",
        ),
        _ => {
            ("the API refuses the request".to_owned(), "check the ids and the API's address (--api-url, NUON_API_URL)")
        }
    };
    let reason = Line::new(format!("{what}: {error}"));
    End { reason: Some(reason), hint: Some(Line::new(hint)), ..End::new(Verdict::Rejected, now) }
}

/// The deploy that was pinned by its id is not the target's.
pub(super) fn of_another_component(target: &Target, deploy: &DeployId, other: &ComponentId, now: Moment) -> End {
    let reason = format!("deploy {deploy} belongs to component {other}, not to {}", target.component);
    let hint = "check --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID) and --deploy (NUON_GATE_DEPLOY)";
    End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), ..End::new(Verdict::Rejected, now) }
}

/// The watch is over before anything was certain. `error` is what kept it from being so, if a single look was asked for.
pub(super) fn stopped(why: &str, standing: &str, error: Option<&ApiError>, now: Moment) -> End {
    let (verdict, reason) = match error {
        Some(error) => (Verdict::Inconclusive, format!("no good answer from the API: {error}")),
        None => (Verdict::Pending, format!("{why}{standing}")),
    };
    End { reason: Some(Line::new(reason)), ..End::new(verdict, now) }
}

/// The deploy that was named is not what another pin says.
pub(super) fn contradicted(deploy: &DeployId, flag: &str, now: Moment) -> End {
    let reason = format!("deploy {deploy} does not match {flag}");
    let hint = format!("leave out {flag}, or correct it: a deploy has to match every pin");
    End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), ..End::new(Verdict::Rejected, now) }
}

/// What is known when a clock rings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Whether the API ever gave a good answer.
    pub(super) ever_good: bool,
    /// Whether there was a deploy.
    pub(super) seen: bool,
    /// Whether there were deploys, but none that matches what was pinned.
    pub(super) unmatched: bool,
}

/// A clock rang. `standing` says where the deploy stood.
pub(super) fn clock_rang(
    clock: Clock,
    limit: Duration,
    subject: &str,
    standing: &str,
    known: Known,
    last_error: Option<&ApiError>,
    now: Moment,
) -> End {
    let verdict = match clock {
        Clock::Outage => Verdict::Inconclusive,
        Clock::Approval => Verdict::ApprovalNeeded,
        Clock::Total | Clock::Start | Clock::Stall => Verdict::TimedOut,
    };
    let error = last_error.map(|error| format!("; the last error: {error}")).unwrap_or_default();
    let flag = clock.flag();
    let limit = exact(limit);
    let (reason, hint) = match clock {
        Clock::Total => (
            format!("the total clock of {limit} ran out: {standing}{error}"),
            match known.seen {
                true => format!("the deploy may still be running: look at it before you raise {flag}"),
                false => format!("check that the pipeline triggered a deploy of this component, or raise {flag}"),
            },
        ),
        Clock::Start => (
            match known.unmatched {
                true => format!(
                    "the start clock of {limit} ran out: {standing}, and no other of {subject} has appeared{error}"
                ),
                false => format!("the start clock of {limit} ran out: no deploy of {subject} has appeared{error}"),
            },
            match known.unmatched {
                true => format!(
                    "check what was pinned (--deploy, --workflow, --build, --commit, --after, --since), or raise {flag}"
                ),
                false => format!("check that the pipeline triggered a deploy of this component, or raise {flag}"),
            },
        ),
        Clock::Stall => (
            format!("the stall clock of {limit} ran out, nothing has changed: {standing}{error}"),
            format!("look at the deploy and its runner, or raise {flag}"),
        ),
        Clock::Approval => (
            format!("the approval clock of {limit} ran out, nobody has answered: {standing}{error}"),
            format!("answer in the dashboard, then run the gate again; or raise {flag}"),
        ),
        Clock::Outage => (
            format!("no good answer from the API for {limit}: {standing}{error}"),
            format!("the deploy may still be running: check the API's address and state, or raise {flag}"),
        ),
    };
    let hint = match known.ever_good {
        true => hint,
        false => format!(
            "no good answer ever came: check --api-url (NUON_GATE_API_URL, NUON_API_URL) and the network, or raise {flag}"
        ),
    };
    End { reason: Some(Line::new(reason)), hint: Some(Line::new(hint)), clock: Some(clock), ..End::new(verdict, now) }
}
