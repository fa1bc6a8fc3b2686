//! One request over HTTP, and its one answer, whoever is asked.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Request, Url};
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

/// How long a request may take, with everything that has to be sent before it.
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
pub(super) async fn exchange(
    http: &Http,
    mut request: Request,
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
    let status = response.status();
    let error_body = match status.is_success() || status.is_redirection() {
        true => Vec::new(),
        false => {
            let body = http.read(&mut response, LARGEST_ERROR_BODY).await.unwrap_or_default();
            String::from_utf8_lossy(&body).into_owned().into_bytes()
        }
    };
    #[expect(clippy::disallowed_methods, reason = "only for a date from a server that does not say its own time")]
    let now = Timestamp::now();
    let body = match refusal(status.as_u16(), &headers, &error_body, Some(response.url()), now) {
        // What a body says on success means nothing then; even a compressed one is good.
        Some(ApiError::Undecodable(_)) | None if expected == Expected::Success => Ok(Vec::new()),
        Some(refusal) => Err(refusal),
        // It can wait for its turn, which the request's own limit knows nothing of.
        None => match limit.wait(http.read(&mut response, LARGEST_BODY)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(transport::ReadError::TooLarge)) => {
                Err(ApiError::Undecodable(format!("it is larger than {} MiB", LARGEST_BODY >> 20)))
            }
            Ok(Err(transport::ReadError::Transport(error))) => Err(failure(error)),
            Err(late) => Err(late),
        },
    };
    (headers, body)
}

/// Returns what is wrong with an answer, as far as its head tells, and its body if it is no success. A redirect is read
/// relative to `base`.
pub(super) fn refusal(
    status: u16,
    headers: &HeaderMap,
    error_body: &[u8],
    base: Option<&Url>,
    now: Timestamp,
) -> Option<ApiError> {
    let text = |name| word(headers, name);
    let retry_after = text("retry-after").and_then(|value| retry_after::parse(value, text("date"), now));
    if (300..400).contains(&status) {
        // Its host could be the first half of a secret.
        let to = text("location").map(Line::new).and_then(|location| {
            base.map_or_else(|| Url::parse(location.plain()).ok(), |base| base.join(location.plain()).ok())
        });
        let to = to.and_then(|to| to.host_str().map(|host| Line::new(host).cut(200).plain().to_owned()));
        let to = to.unwrap_or_else(|| "nowhere".to_owned());
        return Some(ApiError::Redirect { status, to, retry_after });
    }
    if !(200..300).contains(&status) {
        let body = ErrorBody::read(error_body);
        let message = body.message().map(|text| text.line(500));
        let from_nuon = body.is_nuons(headers.contains_key("x-nuon-api-version"));
        return Some(ApiError::Status { status, message, retry_after, from_nuon });
    }
    let encoding = text("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))?;
    let encoding = RemoteText::new(encoding).line(20);
    Some(ApiError::Undecodable(format!("it is compressed ({}), which was not asked for", encoding.plain())))
}

/// Returns a header's value, if it is text.
pub(super) fn word<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
