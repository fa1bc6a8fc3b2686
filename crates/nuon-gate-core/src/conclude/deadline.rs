//! How much time is left after a signal.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use super::AFTER_SIGNAL;
use crate::Signal;

/// The end of everything, once a signal has come: a runner that sends one kills the process a few seconds later.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Takes note that a signal has come now. The first one counts.
    pub fn begin(&mut self) {
        self.end_in(AFTER_SIGNAL);
    }

    /// Takes note that a signal has come, and that so much time is left.
    pub(super) fn end_in(&mut self, left: Duration) {
        self.0.get_or_insert(Instant::now() + left);
    }

    /// Returns how long something may take that usually takes so long at most.
    pub fn limit(self, usual: Duration) -> Duration {
        self.0.map_or(usual, |end| end.saturating_duration_since(Instant::now()).min(usual))
    }

    /// Waits for something or for a signal, whichever comes first. After a signal it has `grace` left, within the deadline.
    /// Returns what came of it, if it ended, and the signal.
    pub async fn race<T>(
        &mut self,
        future: impl Future<Output = T>,
        signals: &mut UnboundedReceiver<Signal>,
        grace: Duration,
    ) -> (Option<T>, Option<Signal>) {
        let mut future = pin!(future);
        let signal = tokio::select! {
            outcome = &mut future => return (Some(outcome), None),
            Some(signal) = signals.recv() => signal,
        };
        self.begin();
        (timeout(self.limit(grace), future).await.ok(), Some(signal))
    }
}
