//! The rate of the requests beside and after the wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Moment;
use crate::api::Reply;
use crate::watch::Budget;

/// A bucket of tokens.
#[derive(Debug, Clone)]
pub(crate) struct RequestRate {
    budget: Arc<Mutex<Budget>>,
    began: Instant,
    waited: Duration,
    stopped: Arc<AtomicBool>,
}

impl RequestRate {
    /// Continues with the bucket of a wait of this length.
    pub(crate) fn after(budget: Budget, waited: Duration) -> Self {
        let budget = Arc::new(Mutex::new(budget));
        Self { budget, began: Instant::now(), waited, stopped: Arc::default() }
    }

    /// Takes half of the rate at first, beside a wait that takes its own tokens.
    pub(crate) fn beside(max_rps: u32) -> Self {
        let mut budget = Budget::new(max_rps);
        budget.halve(Moment::START);
        Self::after(budget, Duration::ZERO)
    }

    /// Returns whether the API has asked for fewer requests.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.waited + self.began.elapsed())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Budget) -> T) -> T {
        act(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the next request may be sent.
    pub(crate) async fn turn(&self) {
        loop {
            let now = self.now();
            let until = self.with(|budget| {
                let until = budget.empty_until(now);
                if until.is_none() {
                    budget.take(now);
                }
                until
            });
            match until {
                None => return,
                Some(until) => sleep(until - now).await,
            }
        }
    }

    /// Slows down after a 429.
    pub(crate) fn note(&self, reply: &Reply) {
        let Err(error) = reply else { return };
        let too_many = error.status() == Some(429);
        self.stopped.fetch_or(too_many || error.retry_after().is_some(), Ordering::Relaxed);
        if too_many {
            let now = self.now();
            self.with(|budget| budget.halve(now));
        }
    }
}
