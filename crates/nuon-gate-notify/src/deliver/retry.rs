//! Retries within a time limit.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fault::{Fault, Nature};

/// Intervals and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The least time between two edits of one message, and between two `change` events to a webhook.
    pub between_changes: Duration,
    /// The first delay before a request is repeated; later ones are up to fifteen times as long.
    pub first_retry: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            between_changes: Duration::from_secs(3),
            first_retry: Duration::from_secs(2),
            request_timeout: Duration::from_secs(15),
        }
    }
}

impl Pace {
    /// Returns the delays before the second to the fifth try: 2, 5, 15 and 30 seconds.
    fn delays(self) -> impl Iterator<Item = Duration> {
        [2, 5, 15, 30].into_iter().map(move |share| self.first_retry * share / 2)
    }
}

/// What may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Anything: the request is idempotent.
    Always,
    /// Only what was certainly not processed. A message that may have been posted is not posted again.
    IfNotTaken,
}

/// When everything has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) at: Instant,
    /// A signal set it, and not `--notify-timeout`.
    pub(crate) after_signal: bool,
}

impl Ending {
    /// Leaves this much time, unless less is left already.
    pub(crate) fn set(ending: &watch::Sender<Option<Self>>, left: Duration, after_signal: bool) {
        let at = Instant::now() + left;
        ending.send_if_modified(|ending| {
            let is_sooner = ending.is_none_or(|ending| at < ending.at);
            if is_sooner {
                *ending = Some(Self { at, after_signal });
            }
            is_sooner
        });
    }

    /// Awaits a future until the end, which may come closer meanwhile. Returns whether it was done in time, or how it
    /// ended.
    pub(crate) async fn in_time(
        ends: &mut watch::Receiver<Option<Self>>,
        future: impl Future + Unpin,
    ) -> Result<(), Self> {
        let mut future = future;
        loop {
            let ending = *ends.borrow_and_update();
            let over = async {
                match ending {
                    Some(ending) => sleep_until(ending.at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut future => return Ok(()),
                () = over => return ending.map_or(Ok(()), Err),
                Ok(()) = ends.changed() => {}
            }
        }
    }
}

/// How long a sink keeps trying: it depends on whether the run has ended, and on the time left then.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    pub(crate) pace: Pace,
    /// The deadline, once it is known.
    ending: watch::Receiver<Option<Ending>>,
    /// Whether this is the final notice.
    pub(crate) is_last: bool,
}

impl Patience {
    pub(crate) fn new(pace: Pace, ending: watch::Receiver<Option<Ending>>) -> Self {
        Self { pace, ending, is_last: false }
    }

    /// Tries until it succeeds, is refused, or is no longer worth it.
    pub(crate) async fn persist<T, F>(&mut self, repeat: Repeat, mut attempt: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut delays = self.pace.delays();
        loop {
            let fault = match attempt().await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            let asked = match (fault.nature, repeat) {
                (Nature::NotTaken { wait }, _) | (Nature::Unclear { wait }, Repeat::Always) => wait,
                (Nature::Unclear { .. }, Repeat::IfNotTaken) | (Nature::Refused { .. }, _) => return Err(fault),
            };
            let Some(delay) = delays.next() else { return Err(fault) };
            // Its text may repeat a secret; it is reported with the final outcome.
            tracing::debug!(nature = ?fault.nature, "not taken, trying again");
            let until = Instant::now().checked_add(asked.unwrap_or(delay));
            if !self.wait(until).await {
                return Err(fault);
            }
        }
    }

    /// Waits, unless that would take too long: past the deadline for the final notice; for any other, when the run
    /// ends and there is something newer to send.
    async fn wait(&mut self, until: Option<Instant>) -> bool {
        let Some(until) = until else { return false };
        if self.is_last {
            let is_too_late = |ending: &Option<Ending>| ending.is_some_and(|ending| ending.at <= until);
            tokio::select! {
                biased;
                _ = self.ending.wait_for(is_too_late) => return false,
                () = sleep_until(until) => return true,
            }
        }
        tokio::select! {
            biased;
            _ = self.ending.wait_for(Option::is_some) => false,
            () = sleep_until(until) => true,
        }
    }

    /// Awaits a future, up to a limit or the end of the run.
    pub(crate) async fn wait_for(&mut self, something: impl Future, limit: Duration) {
        tokio::select! {
            _ = something => {}
            _ = self.ending.wait_for(Option::is_some) => {}
            () = sleep(limit) => {}
        }
    }
}
