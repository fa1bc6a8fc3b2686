//! The one place that names the `backoff` crate.
//!
//! It is no longer maintained (RUSTSEC-2025-0012), and three of its defaults would be wrong here: it gives up after 15
//! minutes, it draws random numbers from a generator that cannot be seeded, and it reads a clock. All three are turned
//! off, which leaves the series of growing delays. None of it is public, so thirty lines could replace it without a
//! visible change.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// Delays that grow by a factor from a minimum to a maximum, and then stay there.
#[derive(Debug)]
pub(super) struct Growth(ExponentialBackoff);

impl Growth {
    pub(super) fn new(min: Duration, max: Duration, factor: f64) -> Self {
        Self(ExponentialBackoff {
            current_interval: min,
            initial_interval: min,
            max_interval: max,
            multiplier: factor,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }

    /// Returns the next delay.
    pub(super) fn advance(&mut self) -> Duration {
        // Not what `next_backoff` returns: even without randomisation, that can be off by a nanosecond, at random.
        let delay = self.0.current_interval;
        // `None` means "gave up", which needs a `max_elapsed_time`.
        let _ = self.0.next_backoff();
        delay.min(self.0.max_interval)
    }

    pub(super) fn reset(&mut self) {
        self.0.reset();
    }
}
