//! Requests outside the wait's own polls: they are repeated after an error that may pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{ApiError, ErrorClass};

/// The first pause; it doubles each time, up to the longest.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How many answers that are not Nuon's are awaited where it has not answered yet: then the address is wrong.
pub const MOST_FOREIGN: u32 = 3;

/// How many attempts are under way. Between two of them, it is worth waiting for the next; one that is not answered is not.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    /// Returns whether any attempt is under way.
    pub fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Makes an attempt.
    pub(crate) async fn during<T>(&self, attempt: impl Future<Output = T>) -> T {
        struct Counted<'a>(&'a AtomicUsize);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted(&self.0);
        attempt.await
    }
}

/// Repeats an attempt after transient errors, and after answers that are not Nuon's, until it succeeds or there is no time for
/// another. `most_foreign`: after so many answers that are not Nuon's, the next is no longer awaited.
///
/// # Errors
///
/// The last attempt's.
pub async fn repeat<T, F>(attempt: impl Fn() -> F, until: Instant, most_foreign: u32) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let (mut pause, mut foreign) = (PAUSE, 0);
    loop {
        let error = match attempt().await {
            Err(error) if matches!(error.class(), ErrorClass::Transient | ErrorClass::Foreign) => error,
            outcome => return outcome,
        };
        foreign += u32::from(error.class() == ErrorClass::Foreign);
        pause = error.retry_after().unwrap_or_default().max(pause);
        if foreign >= most_foreign || Instant::now() + pause >= until {
            return Err(error);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
