//! The time that is left after a signal.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use super::AFTER_SIGNAL;
use crate::Signal;

/// The deadline that a signal sets: a runner that sends one kills the process a few seconds later.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Records a signal that arrives now. Only the first counts.
    pub fn begin(&mut self) {
        self.end_in(AFTER_SIGNAL);
    }

    /// Records a signal that has left this much time.
    pub(super) fn end_in(&mut self, left: Duration) {
        self.0.get_or_insert(Instant::now() + left);
    }

    /// Returns how long a step may take: its usual limit, or what is left.
    pub fn limit(self, usual: Duration) -> Duration {
        self.left().map_or(usual, |left| left.min(usual))
    }

    /// Returns the time that is left, if a signal has come.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Awaits a future or a signal. After a signal the future has `grace` left, within the deadline. Returns its
    /// output, if it finished, and the signal.
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
