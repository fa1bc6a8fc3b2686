//! A status of the commit: pending, then the end. See <https://docs.github.com/en/rest/commits/statuses>.

use serde::Serialize;

use super::{LONGEST, State, Summary};
use crate::bounded::Bounded;
use crate::ci_run::WebPage;

/// The status that is written.
#[derive(Debug, Serialize)]
pub(super) struct CommitStatus<'a> {
    state: &'static str,
    context: &'a str,
    description: Bounded<LONGEST>,
    /// The link of "Details": the deploy, the requested approval, or else the CI run.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<WebPage>,
}

impl<'a> CommitStatus<'a> {
    pub(super) fn new(context: &'a str, summary: Summary) -> Self {
        let state = match summary.state {
            State::InProgress | State::Asking => "pending",
            // A required status would block the commit for ever, although the gate has passed.
            State::Passed | State::Planned | State::TornDown => "success",
            State::Failed => "failure",
            State::Unknown => "error",
        };
        Self { state, context, description: summary.description, target_url: summary.page.or(summary.ci_run) }
    }
}
