//! A status of the commit: pending, then the end. See <https://docs.github.com/en/rest/commits/statuses>.

use nuon_gate_core::Verdict;
use nuon_gate_core::result::RunResult;
use serde::Serialize;

use super::{Github, LONGEST, description, page_in_nuon};
use crate::Occasion;
use crate::bounded::Bounded;
use crate::ci_run::WebPage;
use crate::deliver::{Fault, Http, Patience, Repeat};
use crate::message::{Context, Message, Tone, page};

/// The states of a commit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Pending,
    Success,
    Failure,
    /// Nobody knows how it ended: the gate stopped watching, or could not find out.
    Error,
}

impl State {
    fn new(occasion: Occasion, result: &RunResult) -> Self {
        match result.verdict {
            _ if occasion != Occasion::Ended => Self::Pending,
            // With --notify-required, when another sink's notification failed.
            Verdict::Passed | Verdict::NotifyFailed => Self::Success,
            Verdict::Failed | Verdict::Cancelled | Verdict::Superseded => Self::Failure,
            _ => Self::Error,
        }
    }
}

/// What is written of a run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct CommitStatus<'a> {
    state: State,
    context: &'a str,
    description: Bounded<LONGEST>,
    /// Where "Details" leads: to the deploy, or to the approval that is asked for, or else to the CI run.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<WebPage>,
    #[serde(skip)]
    is_asking: bool,
}

impl<'a> CommitStatus<'a> {
    pub(super) fn new(context: &'a str, occasion: Occasion, result: &RunResult) -> Self {
        let message = Message::new(occasion, result, &Context::default());
        Self {
            state: State::new(occasion, result),
            context,
            description: description(&message, occasion, result),
            target_url: page_in_nuon(result).or_else(|| result.ci_url.as_ref().and_then(page)),
            is_asking: message.tone == Tone::Asking,
        }
    }
}

/// What the commit shows. GitHub keeps every status that was ever written, up to a thousand, so only news is written.
#[derive(Debug, Default)]
pub(super) struct Written(Option<(State, bool)>);

impl Written {
    /// Writes a status. Returns whether there was anything to write.
    pub(super) async fn show(
        &mut self,
        github: &Github,
        (http, patience): (&Http, &mut Patience),
        status: &CommitStatus<'_>,
    ) -> Result<bool, Fault> {
        let news = Some((status.state, status.is_asking));
        if self.0 == news {
            return Ok(false);
        }
        let body = serde_json::to_vec(status).unwrap_or_default();
        let below = ["statuses", github.commit.as_str()];
        // The newest counts, so one that is written twice does no harm.
        patience.persist(Repeat::Always, || github.post(http, &below, &body)).await?;
        self.0 = news;
        Ok(true)
    }
}
