//! Time limits: of each check, and of all together.

use std::time::Duration;

use nuon_gate_core::api::{ApiError, Client, ErrorClass, Reply, Request};
use nuon_gate_http::ProxyTrouble;
use tokio::time::{Instant, sleep, timeout};

/// The time limit of all checks.
const WHOLE: Duration = Duration::from_secs(60);
/// The time limit of a DNS lookup and of a connection.
const NETWORK: Duration = Duration::from_secs(10);
/// The pause before a check is retried.
const MOMENT: Duration = Duration::from_millis(500);
/// The longest `Retry-After` that is waited for.
const LONGEST_MOMENT: Duration = Duration::from_secs(5);

/// The time that is left.
pub(super) struct Patience {
    deadline: Instant,
    request: Duration,
}

impl Patience {
    /// Starts now, with this limit for each request.
    pub(super) fn new(request: Duration) -> Self {
        Self { deadline: Instant::now() + WHOLE, request }
    }

    /// Sends a request, and retries it once if that may help. A timeout is not retried.
    pub(super) async fn ask(&self, client: &Client, request: Request) -> Reply {
        let reply = self.ask_once(client, request.clone()).await;
        let Err(error) = &reply else { return reply };
        let moment = error.retry_after().unwrap_or(MOMENT).max(MOMENT);
        let is_late = match error {
            ApiError::Proxy(failure) => failure.trouble == ProxyTrouble::Slow,
            error => matches!(error, ApiError::Timeout(_)),
        };
        let slow = is_late || moment > LONGEST_MOMENT;
        if slow || error.class() != ErrorClass::Transient {
            return reply;
        }
        sleep(self.left(moment)).await;
        self.ask_once(client, request).await
    }

    async fn ask_once(&self, client: &Client, request: Request) -> Reply {
        let left = self.left(self.request);
        if left.is_zero() {
            return Err(ApiError::Timeout(WHOLE));
        }
        client.within(left).request(&request).await
    }

    /// Runs a system call, and retries it once if it fails quickly.
    pub(super) async fn attempt<T>(&self, what: impl AsyncFn() -> std::io::Result<T>) -> Result<T, String> {
        let late = |_| "it took too long".to_owned();
        match timeout(self.left(NETWORK), what()).await.map_err(late)? {
            Ok(done) => Ok(done),
            Err(_) => {
                sleep(self.left(MOMENT)).await;
                let again = timeout(self.left(NETWORK), what()).await.map_err(late)?;
                again.map_err(|error| error.to_string())
            }
        }
    }

    fn left(&self, most: Duration) -> Duration {
        most.min(self.deadline.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::api::ApiUrl;

    use super::*;

    #[tokio::test]
    async fn who_has_no_time_left_asks_nothing() {
        let url = ApiUrl::new("http://127.0.0.1:9", false).unwrap();
        let client = Client::anonymous(&url, &nuon_gate_http::Setup::default()).unwrap();
        let patience = Patience { deadline: Instant::now(), request: Duration::from_secs(30) };
        let reply = patience.ask(&client, Request::Installs(1)).await;
        assert!(matches!(reply, Err(ApiError::Timeout(WHOLE))), "{reply:?}");
        assert_eq!(client.stats().requests, 0);
        let attempt = patience.attempt(std::future::pending::<std::io::Result<()>>).await;
        assert_eq!(attempt, Err("it took too long".to_owned()));
    }
}
