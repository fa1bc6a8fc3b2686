//! Hints: what the user can do.

use nuon_gate_core::api::{ApiError, ErrorClass, SignInError};
use nuon_gate_core::cause::{Cause, Denial, DeployFailure, Limit, Mismatch, Standing, StoppedBy, Thing, Unmatched};
use nuon_gate_core::model::{Status, WorkflowEnd};
use nuon_gate_core::report::Known;
use nuon_gate_core::resolve::{Ambiguous, Named, UnknownName};
use nuon_gate_core::{Clock, Hold, Line, MatchedBy, Verdict, WorkflowId};
use nuon_gate_http::certificate_hint;

use super::flags::{self, ADDRESS, COMPONENT, INSTALL, ORG, TOKEN};

const NOT_NUON: &str = "check --api-url (NUON_GATE_API_URL, NUON_API_URL), and whether a \
    proxy (HTTPS_PROXY, NO_PROXY) or a firewall is in between";
const CHECK_WORKFLOW: &str = "check the workflow in Nuon, fix what failed, then deploy again";
const CHECK_LOG: &str = "check the deploy's log in Nuon, fix what failed, then deploy again";
const CANCELLED: &str = "deploy again, unless it was cancelled on purpose";

const AWAIT_ANSWER: &str = "have the gate wait for the answer with --on-approval wait (NUON_GATE_ON_APPROVAL)";

/// The hint for a denied plan.
const PLAN_DENIED: &str = "have the plan changed or approved, then deploy again";

/// The hint for a refusal by the API.
const DOCTOR: &str = "`nuon-gate doctor` says more";

/// Returns the hint for a run or a target. `None` if there is nothing to do.
pub(super) fn hint(cause: &Cause, known: Known<'_>) -> Option<String> {
    let hint = own(cause, known)?;
    Some(match cause {
        Cause::Denied(_) | Cause::NotFound(..) | Cause::NoSuchName(_) | Cause::Refused(_) | Cause::NotNuon(_) => {
            format!("{hint}; {DOCTOR}")
        }
        _ => hint,
    })
}

/// The hint for a deploy that has not ended.
fn wait_again(known: Known<'_>) -> String {
    match known.deploy {
        Some(deploy) => format!("wait again with --deploy {deploy}"),
        None => "wait again with --deploy and its id".to_owned(),
    }
}

/// The hint for a deploy whose plan waits for an approval.
fn answer_it(known: Known<'_>) -> String {
    format!("{}, then {}", answer("the plan", known), wait_again(known))
}

fn answer(what: &str, known: Known<'_>) -> String {
    match known.approval {
        Some(page) => format!("approve or deny {what}: {}", page.plain()),
        None => format!("approve or deny {what} in Nuon"),
    }
}

/// Says how a human can answer a step of a workflow.
pub(crate) fn answer_step(step: Option<&Line>, page: Option<&Line>) -> Line {
    let what = step.map_or_else(|| "it".to_owned(), |step| format!("it ({})", step.plain()));
    Line::new(answer(&what, Known { approval: page, ..Known::default() }))
}

/// The hint for a workflow that goes on once a human has answered.
fn answer_workflow(workflow: &WorkflowId, known: Known<'_>) -> String {
    format!("{}, then wait again with --workflow {workflow}", answer("it", known))
}

/// Returns the hint for a deploy that was to be cancelled. `None` if it goes on as if nothing had been cancelled, or if
/// it had ended before and says itself what to do.
fn if_cancelled(cause: &Cause, known: Known<'_>) -> Option<String> {
    let cancelled = known.cancelled.filter(|cancelled| !cancelled.was_refused() && !cause.is_of_health())?;
    let why = match cause {
        Cause::Deploy(_) => return None,
        Cause::Limit(_) => "find out why it took so long",
        _ => "fix what made the gate cancel it",
    };
    Some(match cancelled.end() {
        Some(Verdict::Cancelled) => format!("{why}, then deploy again"),
        Some(Verdict::Failed) => CHECK_LOG.to_owned(),
        _ => format!("check in Nuon how it ended, or {}", wait_again(known)),
    })
}

fn own(cause: &Cause, known: Known<'_>) -> Option<String> {
    let if_cancelled = if_cancelled(cause, known);
    if if_cancelled.is_some() {
        return if_cancelled;
    }
    Some(match cause {
        Cause::Denied(error) => if_denied(error),
        Cause::NotFound(thing, _) => if_missing(thing),
        Cause::NoSuchName(unknown) => if_unknown(unknown).to_owned(),
        Cause::Refused(_) => format!("check the ids and the API's address, {ADDRESS}"),
        Cause::NotNuon(_) => NOT_NUON.to_owned(),
        Cause::Elsewhere(_) => format!("check {INSTALL}, {COMPONENT} and the pins ({})", flags::PINS),
        Cause::Undeployable { .. } => {
            "name another deploy with --deploy (NUON_GATE_DEPLOY), or leave it out".to_owned()
        }
        Cause::PlanOnlyWorkflow(_) => "name another workflow with --workflow (NUON_GATE_WORKFLOW)".to_owned(),
        Cause::PlanOnlyRun(_) => "name another run with --branch-run (NUON_GATE_BRANCH_RUN)".to_owned(),
        Cause::Run { .. } | Cause::InstallOfRun { .. } | Cause::GroupOfRun { .. } => {
            "check the run in Nuon, fix what failed, then release again".to_owned()
        }
        Cause::NothingReleased(_) => "check that installs belong to the groups of the branch".to_owned(),
        Cause::InstallSuperseded { by, .. } => format!(
            "wait for the later run, {by}, or have it followed with --on-superseded follow (NUON_GATE_ON_SUPERSEDED)"
        ),
        Cause::RunApproval { .. } => {
            format!("approve or reject it in Nuon, then wait again for the run by its id; or {AWAIT_ANSWER}")
        }
        Cause::WorkflowApproval { place, .. } => {
            format!("{}; or {AWAIT_ANSWER}", answer_workflow(&place.workflow, known))
        }
        Cause::PinMismatch { pin: MatchedBy::After, .. } => {
            "check that the pipeline triggered a deploy, and that it is the one that is pinned".to_owned()
        }
        Cause::PinMismatch { pin, .. } => {
            format!("leave out {}, or correct it: a deploy has to match every pin", flags::pin(*pin))
        }
        Cause::WorkflowOfOther { .. } => {
            format!("check {INSTALL}, --workflow (NUON_GATE_WORKFLOW) and --trigger-response")
        }
        Cause::NoInstall(_) => "name a workflow of an install with --workflow (NUON_GATE_WORKFLOW)".to_owned(),
        Cause::Deploy(failure) => if_failed(failure),
        Cause::Orphaned { denial: Some(denial), .. } | Cause::Workflow { denial: Some(denial), .. } => {
            if_denied_by(denial)
        }
        Cause::Orphaned { end: WorkflowEnd::Cancelled, status: Some(Status::PendingApproval), .. } => {
            PLAN_DENIED.to_owned()
        }
        Cause::Orphaned { end: WorkflowEnd::Cancelled, .. }
        | Cause::NeverDeployed { end: WorkflowEnd::Cancelled, .. }
        | Cause::Workflow { end: WorkflowEnd::Cancelled, .. } => CANCELLED.to_owned(),
        Cause::Unhealthy { .. } => {
            "check the install's resources in Nuon, fix what is unhealthy, then deploy again".to_owned()
        }
        Cause::HealthUnknown(_) => {
            "check that component health is turned on for the organisation, that the runner is online, \
            and that Nuon can observe the component: it may need a probe or a check; or leave out --require-healthy \
            (NUON_GATE_REQUIRE_HEALTHY)"
                .to_owned()
        }
        Cause::Step { .. }
        | Cause::Orphaned { .. }
        | Cause::NeverDeployed { .. }
        | Cause::Workflow { .. }
        | Cause::StepFailed(_) => CHECK_WORKFLOW.to_owned(),
        Cause::NothingDeployed => {
            "check that the workflow is the one that deploys: --workflow (NUON_GATE_WORKFLOW)".to_owned()
        }
        Cause::TooFew { .. } => "correct --require (NUON_GATE_REQUIRE), or what the workflow deploys".to_owned(),
        Cause::Crossed(_) => "find out who tore the component down; --expect teardown waits for a teardown".to_owned(),
        Cause::Unexpected { .. } => "correct --expect (NUON_GATE_EXPECT), or what the pipeline triggers".to_owned(),
        Cause::Superseded { to, .. } => {
            format!(
                "wait for the newer one with --deploy {to}, or always with --on-superseded follow (NUON_GATE_ON_SUPERSEDED)"
            )
        }
        Cause::ApprovalNeeded(_) => {
            format!("{}; or {AWAIT_ANSWER}", answer_it(known))
        }
        Cause::Limit(limit) => if_late(limit, known),
        Cause::Stopped { by: StoppedBy::Signal(_), standing: Standing::Deploy { .. } } => {
            format!("still running: {}", wait_again(known))
        }
        Cause::Stopped { by: StoppedBy::Signal(_), .. } => {
            "a deploy may still follow: run this again, with --deploy and its id if there is one".to_owned()
        }
        Cause::Stopped { by: StoppedBy::Decided | StoppedBy::Once, .. } => return None,
        Cause::NoAnswer(error) => if_unanswered(error),
        Cause::NotBegun { hint, .. } => return hint.as_ref().map(|hint| hint.plain().to_owned()),
    })
}

/// The hint for a token, an identity or an organisation that is refused.
fn if_denied(error: &ApiError) -> String {
    match error {
        ApiError::SignIn(error) => if_not_signed_in(error).to_owned(),
        error if error.status() == Some(401) => {
            format!("check {TOKEN}: it may have expired, or belong to another API URL")
        }
        _ => format!("check {ORG}, and that the token's account belongs to it"),
    }
}

/// The hint for an identity that was not exchanged for a token.
pub(crate) fn if_not_signed_in(error: &SignInError) -> &'static str {
    match error {
        SignInError::File(_) => "check the file of NUON_OIDC_TOKEN_FILE, or set NUON_API_TOKEN",
        SignInError::Issuer { .. } => "check that the job has `permissions: id-token: write`, or set NUON_API_TOKEN",
        SignInError::Unsupported(_) => {
            "set NUON_API_TOKEN: the server is too old for OIDC federation, has it turned off, or is not the API"
        }
        _ => {
            "set up a trust policy in Nuon for this repository, in the organisation of --org-id (NUON_ORG_ID), with the \
             audience that the identity has: the API's address, or NUON_OIDC_AUDIENCE; the job needs \
             `permissions: id-token: write`, and a token in NUON_OIDC_TOKEN must not have expired; or set NUON_API_TOKEN"
        }
    }
}

/// The hint for an unknown name.
pub(crate) fn if_unknown(unknown: &UnknownName) -> &'static str {
    match unknown.kind {
        Named::Install => {
            "check --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) and --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)"
        }
        Named::Component => "check --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)",
        Named::App | Named::Branch | Named::Run => "check --branch-run (NUON_GATE_BRANCH_RUN)",
    }
}

/// The hint for an ambiguous name.
pub(crate) fn if_ambiguous(ambiguous: &Ambiguous) -> &'static str {
    match ambiguous.kind {
        Named::App | Named::Branch | Named::Run => {
            "use the right one of these ids in --branch-run (NUON_GATE_BRANCH_RUN)"
        }
        Named::Install => "use the right one of these ids with --install (NUON_GATE_INSTALL, NUON_INSTALL_ID)",
        Named::Component => "use the right one of these ids with --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)",
    }
}

/// The hint for labels that match no install.
pub(crate) fn if_unfit() -> &'static str {
    "correct --install-label (NUON_GATE_INSTALL_LABEL), or name the installs with --install; servers from before 2026 \
     may not support labels"
}

/// The hint for an install without components.
pub(crate) fn if_empty() -> String {
    format!("wait until it has one, or leave it out of {INSTALL} or --install-label (NUON_GATE_INSTALL_LABEL)")
}

fn if_missing(thing: &Thing) -> String {
    match thing {
        Thing::Install(_) => format!("check {INSTALL} and {ORG}"),
        Thing::Component(..) => format!("check {COMPONENT}"),
        Thing::Deploy(..) => format!("check --deploy, --trigger-response, --after and {INSTALL}"),
        Thing::Workflow(_) => format!("check --workflow, --trigger-response and {ORG}"),
        Thing::GroupsOfRun(_) => "check the run in Nuon; servers from before 2026 may not support groups".to_owned(),
    }
}

fn if_failed(failure: &DeployFailure) -> String {
    match (&failure.status, &failure.denial) {
        _ if failure.by_rule => {
            "if this status is not a failure, remove it from --fail-on (NUON_GATE_FAIL_ON)".to_owned()
        }
        (_, Some(denial)) => if_denied_by(denial),
        (Status::ApprovalDenied, None) => PLAN_DENIED.to_owned(),
        (Status::ApprovalExpired, None) => "deploy again, and answer the new approval in time".to_owned(),
        (Status::Inactive, None) => "find out what tore the component down, then deploy again".to_owned(),
        (Status::Cancelled, None) => CANCELLED.to_owned(),
        _ => CHECK_LOG.to_owned(),
    }
}

/// Returns the hint for a denied plan. No approval helps against a policy.
fn if_denied_by(denial: &Denial) -> String {
    const MOST_NAMES: usize = 3;
    let Denial::Policies { names, .. } = denial else { return PLAN_DENIED.to_owned() };
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("`{}`", name.line(60).plain())).collect();
    let who = match (names.len(), names.len().saturating_sub(MOST_NAMES)) {
        (0, _) => "a policy".to_owned(),
        (1, _) => format!("the policy {}", shown.join("")),
        (_, 0) => format!("each of the policies {}", shown.join(", ")),
        (_, more) => format!("each of the policies {} and {more} more", shown.join(", ")),
    };
    format!("change what {who} forbids, or have the policy itself changed, then deploy again")
}

/// The hint for an API that gives no good answer.
pub(crate) fn if_unanswered(error: &ApiError) -> String {
    match (error, error.class()) {
        (ApiError::Redirect { .. }, _) => format!(
            "check that {ADDRESS} is the address of the API itself, and whether a proxy (HTTPS_PROXY, NO_PROXY) or a \
             network that requires a login is in between"
        ),
        (ApiError::Proxy(failure), _) => failure.hint(),
        (ApiError::SignIn(SignInError::Issuer { host, cause }), ErrorClass::Transient | ErrorClass::Untrusted) => {
            match &**cause {
                ApiError::Proxy(failure) => failure.hint(),
                ApiError::Certificate { detail, .. } => certificate_hint(detail).to_owned(),
                _ => format!("check that {host}, which issues identities, can be reached; or set NUON_API_TOKEN"),
            }
        }
        (ApiError::SignIn(SignInError::Exchange(cause)), ErrorClass::Transient | ErrorClass::Untrusted) => {
            if_unanswered(cause)
        }
        (ApiError::Connect { .. }, _) => format!(
            "check {ADDRESS}, whether this machine can resolve names, and whether a firewall requires a proxy \
             (HTTPS_PROXY)"
        ),
        _ if error.is_strangers() => NOT_NUON.to_owned(),
        (ApiError::Certificate { detail, .. }, _) => format!("{}; else check {ADDRESS}", certificate_hint(detail)),
        (_, ErrorClass::Untrusted) => format!("check {ADDRESS}"),
        (_, ErrorClass::Denied) => if_denied(error),
        (_, ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere) => {
            format!("check the ids and the API's address, {ADDRESS}")
        }
        (_, ErrorClass::Foreign | ErrorClass::Transient) => {
            format!("the deploy may be fine: check the API's state and {ADDRESS}, then run this again")
        }
    }
}

/// Returns whether the cause is between here and the API, or with the issuer of identities.
pub(crate) fn is_of_the_way(error: &ApiError) -> bool {
    let named = matches!(
        error,
        ApiError::Redirect { .. }
            | ApiError::Proxy(_)
            | ApiError::Certificate { .. }
            | ApiError::SignIn(SignInError::Issuer { .. })
    );
    named || error.is_strangers()
}

fn if_late(limit: &Limit, known: Known<'_>) -> String {
    let Limit { clock, standing, error, ever_answered, .. } = limit;
    let flag = flags::clock_flag(*clock);
    match error {
        Some(error) if is_of_the_way(error) => return if_unanswered(error),
        Some(error @ ApiError::Connect { .. }) if !ever_answered => {
            return format!("{}; or raise {flag}", if_unanswered(error));
        }
        Some(error) if !ever_answered && error.class() == ErrorClass::Missing => {
            let pins = flags::PINS;
            return format!(
                "Nuon does not find it: check {INSTALL}, {COMPONENT} and the pins ({pins}), or raise {flag}"
            );
        }
        Some(error) if error.status() == Some(429) => {
            let rate = flags::with_variable("--max-rps");
            return format!("the API wants fewer requests: lower {rate}, or raise {flag}");
        }
        _ if !ever_answered => {
            return format!("no good answer ever came: check {ADDRESS} and the network, or raise {flag}");
        }
        _ => {}
    }
    match (clock, standing) {
        (Clock::Outage, _) => format!("the deploy may be fine: check the API's state and {ADDRESS}, or raise {flag}"),
        (Clock::Queue, _) => format!("check what is ahead of it in the install's workflows, or raise {flag}"),
        (Clock::Approval, Standing::Workflow { id, .. }) => {
            format!("{}; or raise {flag}", answer_workflow(id, known))
        }
        (Clock::Approval, Standing::Run { id, .. }) => {
            format!("approve or reject it in Nuon, then wait again for run {id}; or raise {flag}")
        }
        (Clock::Approval, _) | (_, Standing::Deploy { hold: Hold::Approval(_), .. }) => {
            format!("{}; or raise {flag}", answer_it(known))
        }
        (_, Standing::Unmatched(Unmatched { why: Mismatch::Pin { pin, .. }, .. })) => {
            let pin = flags::pin_flag(*pin);
            format!("correct {pin}, or check that the pipeline triggered that deploy, or raise {flag}")
        }
        (_, Standing::NothingSinceTrigger) => {
            format!("check that the command triggers a deploy of this component, or raise {flag}")
        }
        (_, Standing::NoRun) => format!("check that the pipeline started a run of this branch, or raise {flag}"),
        (_, Standing::Run { id, .. }) => {
            format!("still running: check the run, then wait again for run {id}, or raise {flag}")
        }
        (_, Standing::Nothing | Standing::Unmatched(_)) => {
            format!("check that the pipeline triggered a deploy of this component, or raise {flag}")
        }
        (_, Standing::Workflow { id, has_ended: true, .. }) => {
            format!("check the workflow's deploys, then wait again with --workflow {id}, or raise {flag}")
        }
        (_, Standing::Workflow { id, .. }) => {
            format!("still running: check the workflow, then wait again with --workflow {id}, or raise {flag}")
        }
        (_, Standing::Deploy { hold, .. }) if hold.is_of_health() => {
            format!(
                "the deploy itself passed: look at the install's resources in Nuon, then {}, or raise {flag}",
                wait_again(known)
            )
        }
        (_, Standing::Deploy { hold, .. }) if hold.keeps_back() => {
            format!("check the deploy and its workflow, then {}, or raise {flag}", wait_again(known))
        }
        (Clock::Stall, Standing::Deploy { .. }) => {
            format!("check the deploy and its runner, then {}, or raise {flag}", wait_again(known))
        }
        (Clock::Total | Clock::Start, Standing::Deploy { .. }) => {
            format!("still running: {}, or raise {flag}", wait_again(known))
        }
    }
}
