//! Why something ended, in a sentence.

use nuon_gate_core::MatchedBy;
use nuon_gate_core::cause::{Cause, DeployFailure};

use super::flags;

/// Says why something ended. The core's own sentence serves, unless it is a flag that decided.
pub(crate) fn sentence(cause: &Cause) -> String {
    match cause {
        Cause::Deploy(DeployFailure { status, text: None, by_rule: true, .. }) => {
            format!("the deploy ended as `{status}`, which is a failure because of --fail-on")
        }
        Cause::PinMismatch { deploy, pin: MatchedBy::After } => {
            format!("deploy {deploy} is not newer than what was there before (by --after, or before the command)")
        }
        Cause::PinMismatch { deploy, pin } => format!("deploy {deploy} does not match {}", flags::pin(*pin)),
        Cause::Denied(_)
        | Cause::NotFound(..)
        | Cause::NoSuchName(_)
        | Cause::Refused(_)
        | Cause::NotNuon(_)
        | Cause::Elsewhere(_)
        | Cause::Undeployable { .. }
        | Cause::PlanOnlyWorkflow(_)
        | Cause::WorkflowOfOther { .. }
        | Cause::NoInstall(_)
        | Cause::Deploy(_)
        | Cause::Step { .. }
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
        | Cause::Limit(_)
        | Cause::Stopped { .. }
        | Cause::NoAnswer(_)
        | Cause::NotBegun { .. } => cause.to_string(),
    }
}
