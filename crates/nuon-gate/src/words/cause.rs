//! Puts a cause into a sentence.

use nuon_gate_core::cause::{Cause, DeployFailure, Limit, Mismatch, Standing, Unmatched};
use nuon_gate_core::timeline::exact;
use nuon_gate_core::{Clock, MatchedBy};

use super::flags;

/// The longest text from the server, in characters.
const LONGEST: usize = 1000;

/// Says why something ended. The core's own sentence is used, unless a flag decided.
pub(crate) fn sentence(cause: &Cause) -> String {
    match cause {
        Cause::Deploy(failure @ DeployFailure { status, text, by_rule: true, .. })
            if text.is_none() || failure.is_of_success() =>
        {
            let said =
                text.as_ref().map(|text| format!(": {}", text.line_around_error(LONGEST).plain())).unwrap_or_default();
            format!("the deploy ended as `{status}`, which is a failure because of --fail-on{said}")
        }
        Cause::PinMismatch { deploy, pin: MatchedBy::After } => {
            format!("deploy {deploy} is not newer than what was there before (by --after, or before the command)")
        }
        Cause::PinMismatch { deploy, pin } => format!("deploy {deploy} does not match {}", flags::pin(*pin)),
        Cause::Limit(limit) => of_limit(limit),
        Cause::Denied(_)
        | Cause::NotFound(..)
        | Cause::NoSuchName(_)
        | Cause::Refused(_)
        | Cause::NotNuon(_)
        | Cause::Elsewhere(_)
        | Cause::Undeployable { .. }
        | Cause::PlanOnlyWorkflow(_)
        | Cause::PlanOnlyRun(_)
        | Cause::Run { .. }
        | Cause::InstallOfRun { .. }
        | Cause::GroupOfRun { .. }
        | Cause::NothingReleased(_)
        | Cause::InstallSuperseded { .. }
        | Cause::RunApproval { .. }
        | Cause::WorkflowApproval { .. }
        | Cause::WorkflowOfOther { .. }
        | Cause::NoInstall(_)
        | Cause::Deploy(_)
        | Cause::Step { .. }
        | Cause::Unhealthy { .. }
        | Cause::HealthUnknown(_)
        | Cause::Orphaned { .. }
        | Cause::NeverDeployed { .. }
        | Cause::Workflow { .. }
        | Cause::StepFailed(_)
        | Cause::NothingDeployed
        | Cause::TooFew { .. }
        | Cause::Crossed(_)
        | Cause::Unexpected { .. }
        | Cause::Superseded { .. }
        | Cause::ApprovalNeeded(_)
        | Cause::Stopped { .. }
        | Cause::NoAnswer(_)
        | Cause::NotBegun { .. } => cause.to_string(),
    }
}

/// Says which timeout expired, by its flag, and what was last seen.
fn of_limit(limit: &Limit) -> String {
    let Limit { clock, length, subject, standing, error, .. } = limit;
    let (flag, length) = (flags::clock(*clock), exact(*length));
    let error = error.as_ref().map(|error| format!("; the last error: {error}")).unwrap_or_default();
    let what = match (clock, standing) {
        (Clock::Start, Standing::NothingSinceTrigger) => {
            format!("no new deploy appeared within {length} after the command")
        }
        (Clock::Start, Standing::Unmatched(newest @ Unmatched { why: Mismatch::Pin { pin, .. }, .. })) => {
            format!("no deploy that matches appeared within {length} ({flag}): {newest} ({})", flags::pin(*pin))
        }
        (Clock::Start, Standing::Unmatched(newest)) => {
            format!("no new deploy appeared within {length} ({flag}): {newest}")
        }
        (Clock::Start, Standing::NoRun) => {
            format!("no run of {} appeared within {length} ({flag})", subject.line(300).plain())
        }
        (Clock::Start, Standing::Nothing) => format!("no deploy appeared within {length} ({flag})"),
        (Clock::Outage, _) => format!("no good answer from the API for {length} ({flag}): {standing}"),
        (Clock::Stall, _) => format!("{flag} {length} expired, nothing has changed: {standing}"),
        (Clock::Queue, _) => format!("{flag} {length} expired, the workflow still waits behind others: {standing}"),
        (Clock::Approval, _) => format!("{flag} {length} expired without an answer: {standing}"),
        (Clock::Total | Clock::Start, _) => format!("{flag} {length} expired: {standing}"),
    };
    what + &error
}
