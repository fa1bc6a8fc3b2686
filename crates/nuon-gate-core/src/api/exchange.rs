//! One HTTP request and its answer.

use jiff::Timestamp;
use nuon_gate_http::header::{ACCEPT, HeaderMap, HeaderValue};
use nuon_gate_http::{Http, Request, TimeLimit, Unread, Url, compression, read_some, retry_after, word};

use super::stranger::{description, is_strangers, is_versioned, words};
use super::{ApiError, Expected};
use crate::model::ErrorBody;
use crate::{Line, RemoteText};

/// The largest body that is read, after which the answer counts as undecodable.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The largest error body that is read; a larger one is ignored.
const LARGEST_ERROR_BODY: usize = 64 * 1024;

/// What the server's framework says of a path that it does not know.
const NO_ENDPOINT: &[u8] = b"404 page not found";

/// Sends a request and reads the answer: its headers, if any came, and its body, if it is a good one.
pub(super) async fn exchange(
    http: &Http,
    mut request: Request,
    expected: Expected,
    limit: TimeLimit,
) -> (HeaderMap, Result<Vec<u8>, ApiError>) {
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    tracing::debug!(path = request.url().path(), "{}", request.method());
    let mut response = match http.send(request, limit).await {
        Ok(response) => response,
        Err(error) => return (HeaderMap::new(), Err(error.into())),
    };
    tracing::debug!(status = response.status().as_u16(), "answer");
    let headers = std::mem::take(response.headers_mut());
    let status = response.status();
    let error_body = match status.is_success() || status.is_redirection() {
        true => Vec::new(),
        false => {
            let body = read_some(&mut response, LARGEST_ERROR_BODY).await;
            String::from_utf8_lossy(&body).into_owned().into_bytes()
        }
    };
    #[expect(clippy::disallowed_methods, reason = "only for a date from a server that does not say its own time")]
    let now = Timestamp::now();
    let body = match refusal(status.as_u16(), &headers, &error_body, expected, Some(response.url()), now) {
        // The body of such a success is ignored; even a compressed one is fine.
        Some(ApiError::Undecodable(_)) | None if expected.ignores_body() => Ok(Vec::new()),
        // Another service's answer only matters where the API would have answered differently.
        Some(refusal @ ApiError::Status { .. })
            if refusal.is_strangers() && expected != Expected::Identity && !is_versioned(&headers) =>
        {
            let ApiError::Status { status, message, retry_after, .. } = refusal else { return (headers, Err(refusal)) };
            let said = message.map(|said| format!(": {}", said.plain())).unwrap_or_default();
            let stranger = description(response.url(), &headers, &error_body);
            let message = Some(Line::new(format!("{}{said}", stranger.plain())));
            Err(ApiError::Status { status, message, retry_after, from_nuon: false })
        }
        Some(ApiError::Status { status, message: None, retry_after, from_nuon }) => {
            Err(ApiError::Status { status, message: words(status, &headers, &error_body), retry_after, from_nuon })
        }
        Some(refusal) => Err(refusal),
        None => match http.read(&mut response, LARGEST_BODY, limit).await {
            Ok(body) if expected != Expected::Identity && is_strangers(&headers, &body) => {
                Err(ApiError::Stranger(description(response.url(), &headers, &body)))
            }
            Ok(body) => Ok(body),
            Err(Unread::TooLarge) => {
                Err(ApiError::Undecodable(format!("it is larger than {} MiB", LARGEST_BODY >> 20)))
            }
            Err(Unread::Failure(failure)) => Err(failure.into()),
        },
    };
    (headers, body)
}

/// Returns what is wrong with an answer, as far as its head shows, and its body if it is not a success. A redirect is
/// resolved relative to `base`.
pub(super) fn refusal(
    status: u16,
    headers: &HeaderMap,
    error_body: &[u8],
    expected: Expected,
    base: Option<&Url>,
    now: Timestamp,
) -> Option<ApiError> {
    let text = |name| word(headers, name);
    let retry_after = text("retry-after").and_then(|value| retry_after(value, text("date"), now));
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
        if status == 404 && is_versioned(headers) && error_body.trim_ascii() == NO_ENDPOINT {
            return Some(ApiError::NoEndpoint);
        }
        let body = ErrorBody::read(error_body);
        let from_nuon = body.is_nuons(is_versioned(headers));
        let message = body.message().map(|text| text.line(500));
        return Some(ApiError::Status { status, message, retry_after, from_nuon });
    }
    let is_expected = |encoding: &&str| expected == Expected::Contents && encoding.eq_ignore_ascii_case("gzip");
    let encoding = compression(headers).filter(|encoding| !is_expected(encoding))?;
    let encoding = RemoteText::new(encoding).line(20);
    Some(ApiError::Undecodable(format!("it is compressed ({}), which was not asked for", encoding.plain())))
}
