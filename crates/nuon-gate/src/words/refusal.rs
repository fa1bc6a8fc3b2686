//! Why the gate does not wait, and how to correct it.

use nuon_gate_core::watch::{InvalidSettings, Refusal};
use nuon_gate_core::{ContradictoryRules, MatchedBy};

use super::advice;
use super::flags::{self, INSTALL};
use crate::connection::untrusted;
use crate::trouble::Trouble;

/// The error for a wait that was refused after it had begun.
pub(crate) fn refused(refusal: &Refusal) -> Trouble {
    match refusal {
        Refusal::Untrusted(error) => untrusted(error),
        Refusal::Invalid(error) => invalid(error),
        Refusal::Ambiguous(ambiguous) => Trouble::new(ambiguous).hint(advice::if_ambiguous(ambiguous)),
        Refusal::Unfit(unfit) => Trouble::new(unfit).hint(advice::if_unfit()),
        Refusal::Empty(empty) => Trouble::new(empty).hint(advice::if_empty()),
        Refusal::StaleRun(_) => Trouble::new(refusal).hint(
            "name the run with --branch-run APP/BRANCH/RUN; or let a newer one be waited for with --on-stale wait, or this one be \
             judged with --on-stale accept (NUON_GATE_ON_STALE)",
        ),
        Refusal::Stale { .. } => Trouble::new(refusal).hint(
            "pin the deploy with --deploy, --workflow, --build, --commit or --after; or let a newer one be waited for with \
             --on-stale wait, or this one be judged with --on-stale accept (NUON_GATE_ON_STALE)",
        ),
    }
}

/// The error for settings that leave nothing to wait for.
pub(crate) fn invalid(error: &InvalidSettings) -> Trouble {
    let trouble = match error {
        InvalidSettings::NotOfWorkflow(pin) => Trouble::new(format!(
            "{} is about one component, and a workflow without a component is about all it deploys",
            flags::pin(*pin)
        )),
        error => Trouble::new(error),
    };
    let hint = match error {
        InvalidSettings::TooManyRequired { .. } => "correct --require (NUON_GATE_REQUIRE) or the targets",
        InvalidSettings::NotMarked(_) => "mark the same targets that are waited for",
        InvalidSettings::NotOfWorkflow(_) => {
            "give the component with --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)"
        }
        InvalidSettings::DeployOfSeveral { pin: MatchedBy::After, .. } => {
            "give --after (NUON_GATE_AFTER) the file that `nuon-gate mark` wrote for these targets"
        }
        InvalidSettings::DeployOfSeveral { .. } => "correct --deploy (NUON_GATE_DEPLOY) or the targets",
        InvalidSettings::TooManyTargets { .. } => {
            "divide them: --targets-file, --target, --install and --component, or their variables"
        }
        _ => return trouble.hint(format!("correct {INSTALL} or the targets")),
    };
    trouble.hint(hint)
}

/// The error for a status with two meanings.
pub(crate) fn contradictory(error: &ContradictoryRules) -> Trouble {
    let (first, second) = (flags::judgement(error.first), flags::judgement(error.second));
    Trouble::new(format!("status `{}` is given to both {first} and {second}", error.status)).hint(
        "each status can stand in one of --pass-on, --fail-on and --wait-on (NUON_GATE_PASS_ON, NUON_GATE_FAIL_ON, \
         NUON_GATE_WAIT_ON)",
    )
}
