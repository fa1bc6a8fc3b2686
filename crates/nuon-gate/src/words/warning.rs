//! Puts a warning into a sentence.

use nuon_gate_core::cause::Warning;

use super::flags;

/// Returns the warning and its hint.
pub(crate) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::AlreadyEnded { .. } => {
            let pins = "pin yours with --deploy, --workflow, --build, --commit or --after";
            format!("{warning}; {pins}, or wait for a newer one with --on-stale wait")
        }
        Warning::OlderMatch { deploy, .. } => {
            format!("{warning}; if it is the one you mean, pin it with --deploy {deploy}")
        }
        Warning::RunHadEnded(_) => {
            format!(
                "{warning}; name yours with --branch-run APP/BRANCH/RUN, or wait for a newer one with --on-stale wait"
            )
        }
        Warning::RunNotApproved(run) => {
            format!("passed because of --on-approval pass: a human still has to approve before run {run} goes on")
        }
        Warning::UnknownStatus(_) => {
            format!("{warning}; say what it means with --pass-on, --fail-on or --wait-on")
        }
        Warning::NotApproved => {
            "passed because of --on-approval pass: a human still has to approve the plan".to_owned()
        }
        Warning::NoLinks(_) => format!("{warning}; check {} if you miss them", flags::ADDRESS),
        Warning::Stretched { .. } => format!("{warning}; more are sent with --max-rps"),
        Warning::PerhapsAmbiguous(_) => format!("{warning}; give its id if there are several"),
        Warning::Superseded { .. }
        | Warning::NoWorkflow(_)
        | Warning::EmptyShard { .. }
        | Warning::ClockSkew(_)
        | Warning::NoLog(_)
        | Warning::NoHistory(_)
        | Warning::NothingDeployed { .. }
        | Warning::Unlabelled { .. }
        | Warning::Cancelled(_)
        | Warning::CancelUnknown => warning.to_string(),
    }
}
