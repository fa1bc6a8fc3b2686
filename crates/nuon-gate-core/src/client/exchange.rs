//! One request over HTTP, and its one answer, whoever is asked.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::transport::Http;
use super::url::host_of;
use super::{ApiError, Expected, retry_after, transport};
use crate::model::ErrorBody;
use crate::{Line, RemoteText};

/// The largest body that is read, after which the answer counts as undecodable.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The largest error body that is read; a larger one says nothing.
const LARGEST_ERROR_BODY: usize = 64 * 1024;

/// How long a question may take, with everything that has to be asked before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLimit {
    whole: Duration,
    began: Instant,
}

impl TimeLimit {
    /// It begins now.
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, began: Instant::now() }
    }

    fn left(self) -> Duration {
        self.whole.saturating_sub(self.began.elapsed())
    }

    /// Waits for something, but not beyond the limit.
    pub(super) async fn wait<T>(self, future: impl Future<Output = T>) -> Result<T, ApiError> {
        tokio::time::timeout(self.left(), future).await.map_err(|_| ApiError::Timeout(self.whole))
    }
}

/// Sends a request and reads the answer: its headers, if any came, and its body, if it is a good one.
///
/// A server can say anything, and a deploy's log holds what the deploy printed; should it say the `secret` that the request
/// carries, that is left out.
pub(super) async fn exchange(
    http: &Http,
    mut request: Request,
    secret: &str,
    expected: Expected,
    limit: TimeLimit,
) -> (HeaderMap, Result<Vec<u8>, ApiError>) {
    let host = host_of(request.url());
    let failure = |error| transport::failure(error, &host, limit.whole);
    *request.timeout_mut() = Some(limit.left());
    tracing::debug!(path = request.url().path(), "{}", request.method());
    let mut response = match http.client.execute(request).await {
        Ok(response) => response,
        Err(error) => return (HeaderMap::new(), Err(failure(error))),
    };
    tracing::debug!(status = response.status().as_u16(), "answer");
    let headers = std::mem::take(response.headers_mut());
    let body = match refusal(http, &headers, &mut response, secret, expected).await {
        Some(refusal) => Err(refusal),
        None if expected == Expected::Success => Ok(Vec::new()),
        // It can wait for its turn, which the request's own limit knows nothing of.
        None => match limit.wait(http.read(&mut response, LARGEST_BODY)).await {
            Ok(Ok(body)) => Ok(without(secret, body)),
            Ok(Err(transport::ReadError::TooLarge)) => {
                Err(ApiError::Undecodable(format!("it is larger than {} MiB", LARGEST_BODY >> 20)))
            }
            Ok(Err(transport::ReadError::Transport(error))) => Err(failure(error)),
            Err(late) => Err(late),
        },
    };
    (headers, body)
}

/// Takes a secret out of a body.
fn without(secret: &str, body: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&body) {
        Ok(text) if !secret.is_empty() && text.contains(secret) => text.replace(secret, "…").into_bytes(),
        _ => body,
    }
}

/// Returns what is wrong with an answer, as far as its head tells.
async fn refusal(
    http: &Http,
    headers: &HeaderMap,
    response: &mut Response,
    secret: &str,
    expected: Expected,
) -> Option<ApiError> {
    let status: StatusCode = response.status();
    let text = |name| word(headers, name);
    #[expect(clippy::disallowed_methods, reason = "only for a date from a server that does not say its own time")]
    let now = Timestamp::now();
    let retry_after = text("retry-after").and_then(|value| retry_after::parse(value, text("date"), now));
    if status.is_redirection() {
        let to = text("location").and_then(|location| response.url().join(location).ok());
        let to = to.and_then(|to| to.host_str().map(|host| Line::new(host).cut(200).plain().to_owned()));
        let to = to.unwrap_or_else(|| "nowhere".to_owned());
        return Some(ApiError::Redirect { status: status.as_u16(), to, retry_after });
    }
    if !status.is_success() {
        let body = http.read(response, LARGEST_ERROR_BODY).await.unwrap_or_default();
        let body = without(secret, String::from_utf8_lossy(&body).into_owned().into_bytes());
        let message = ErrorBody::read(&body).message().map(|text| text.line(500));
        return Some(ApiError::Status { status: status.as_u16(), message, retry_after });
    }
    if expected == Expected::Success {
        return None;
    }
    let encoding = text("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))?;
    let encoding = RemoteText::new(encoding).line(20);
    Some(ApiError::Undecodable(format!("it is compressed ({}), which was not asked for", encoding.plain())))
}

/// Returns a header's value, if it is text.
pub(super) fn word<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
