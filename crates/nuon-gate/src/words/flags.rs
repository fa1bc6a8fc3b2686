//! The names of flags and their variables.

use nuon_gate_core::{Clock, Judgement, MatchedBy};

use crate::environment::variable_of;

pub(crate) const ADDRESS: &str = "--api-url (NUON_GATE_API_URL, NUON_API_URL)";
pub(super) const ORG: &str = "--org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)";
pub(super) const INSTALL: &str = "--install (NUON_GATE_INSTALL, NUON_INSTALL_ID)";
pub(super) const COMPONENT: &str = "--component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID)";
pub(super) const TOKEN: &str = "NUON_API_TOKEN or --token-file (NUON_GATE_TOKEN_FILE)";
/// All pins.
pub(super) const PINS: &str = "--deploy, --workflow, --build, --commit, --after or --since";

/// Adds its variable to a flag.
pub(super) fn with_variable(flag: &str) -> String {
    format!("{flag} ({})", variable_of(flag.trim_start_matches('-')))
}

/// Returns the flag that sets a limit on time, with its variable.
pub(crate) fn clock_flag(of: Clock) -> String {
    with_variable(clock(of))
}

/// Returns the flag that sets a limit on time.
pub(super) fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Total => "--timeout",
        Clock::Start => "--start-timeout",
        Clock::Stall => "--stall-timeout",
        Clock::Approval => "--approval-timeout",
        Clock::Queue => "--queue-timeout",
        Clock::Outage => "--api-outage",
    }
}

/// Returns the flag of a pin, with its variable.
pub(super) fn pin_flag(of: MatchedBy) -> String {
    with_variable(pin(of))
}

/// Returns the flag of a pin.
pub(super) fn pin(pin: MatchedBy) -> &'static str {
    match pin {
        MatchedBy::Deploy => "--deploy",
        MatchedBy::Workflow => "--workflow",
        MatchedBy::BranchRun => "--branch-run",
        MatchedBy::Build => "--build",
        MatchedBy::Commit => "--commit",
        MatchedBy::After => "--after",
        MatchedBy::Since => "--since",
        // Not a pin, but the lack of one.
        MatchedBy::Latest => PINS,
    }
}

/// Returns the flag for the list of statuses with this judgement.
pub(super) fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Passed => "--pass-on",
        Judgement::Pending => "--wait-on",
        Judgement::Failed | Judgement::Cancelled | Judgement::Replaced => "--fail-on",
    }
}
