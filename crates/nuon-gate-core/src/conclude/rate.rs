//! The rate of the requests after the wait: they take their tokens from the bucket of the wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Moment;
use crate::api::Reply;
use crate::watch::Budget;

/// The bucket, as the wait left it.
#[derive(Debug, Clone)]
pub(super) struct RequestRate {
    budget: Arc<Mutex<Budget>>,
    began: Instant,
    waited: Duration,
}

impl RequestRate {
    /// Continues after a wait of this length.
    pub(super) fn new(budget: Budget, waited: Duration) -> Self {
        Self { budget: Arc::new(Mutex::new(budget)), began: Instant::now(), waited }
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.waited + self.began.elapsed())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Budget) -> T) -> T {
        act(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the next request may be sent.
    pub(super) async fn turn(&self) {
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
    pub(super) fn note(&self, reply: &Reply) {
        if reply.as_ref().is_err_and(|error| error.status() == Some(429)) {
            let now = self.now();
            self.with(|budget| budget.halve(now));
        }
    }
}
