//! One request, one answer.

use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_core::api::ApiError;
use nuon_gate_http::header::{self, HeaderMap, HeaderName};
use nuon_gate_http::{
    Failure, Method, ProxyTrouble, Setup, TimeLimit, certificate_hint, compression, read_some, retry_after, word,
};

use super::fault::{Fault, Nature, harmless};
use crate::secret::SinkUrl;

/// Upper bound for an answer; services need far less.
const LARGEST_ANSWER: usize = 64 * 1024;

/// How many requests are left, and when there are more, in seconds of the Unix epoch.
const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Why nothing can be sent at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetup {
    /// Nothing can be sent to anyone.
    #[error(transparent)]
    Http(#[from] nuon_gate_http::InvalidSetup),
    /// A bot without a place to post.
    #[error("NUON_GATE_SLACK_TOKEN is set, but NUON_GATE_SLACK_CHANNEL is not")]
    NoSlackChannel,
}

/// Connection pools, one for each way in which an address is reached.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    ways: Vec<nuon_gate_http::Http>,
    timeout: Duration,
}

/// A service's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// Makes the connections that some addresses need.
    pub(crate) fn new<'a>(
        urls: impl Iterator<Item = &'a SinkUrl>,
        setup: &Setup,
        timeout: Duration,
    ) -> Result<Self, InvalidSetup> {
        let mut ways: Vec<nuon_gate_http::Http> = Vec::new();
        for url in urls.filter_map(|url| url.url(&[], &[])) {
            if !ways.iter().any(|way| way.reaches(&url)) {
                ways.push(nuon_gate_http::Http::new(&url, setup)?);
            }
        }
        Ok(Self { ways, timeout })
    }

    /// Sends a request and reads a bounded answer. Anything but a 2xx is a fault.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Answer, Fault> {
        let answer = self.exchange(request).await?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(fault(&answer)),
        }
    }

    /// Sends a request and reads a bounded answer, whatever it is.
    pub(crate) async fn exchange(&self, request: Request<'_>) -> Result<Answer, Fault> {
        let Request { method, url, segments, query, headers, body, reads_answer } = request;
        let unusable = || Fault::new(Nature::Refused { status: 0 }, "the address cannot be used");
        let target = url.url(segments, query).ok_or_else(unusable)?;
        let way = self.ways.iter().find(|way| way.reaches(&target)).ok_or_else(unusable)?;
        let mut request = nuon_gate_http::Request::new(method, target);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        tracing::debug!(%url, "notify");
        let mut response = way.send(request, TimeLimit::new(self.timeout)).await.map_err(unreached)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        tracing::debug!(%url, status, "answer");
        // The status counts, even if the rest of the answer is lost or unreadable. Only a refusal says why.
        let is_read = reads_answer || !matches!(status, 200..=299);
        let body = match compression(&headers) {
            None if is_read => read_some(&mut response, LARGEST_ANSWER).await,
            _ => Vec::new(),
        };
        Ok(Answer { status, headers, body })
    }
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a SinkUrl,
    pub(crate) segments: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the answer to a success says something. If not, its end is not waited for.
    pub(crate) reads_answer: bool,
}

impl Answer {
    /// Returns a header's value as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        word(&self.headers, name.as_str())
    }

    /// Returns the pause that the service asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        #[expect(clippy::disallowed_methods, reason = "only for a date from a service that does not say its own time")]
        let now = Timestamp::now();
        let asked = self.header(&header::RETRY_AFTER);
        let by_date = || {
            let reset = self.header(&RATE_LIMIT_RESET)?.parse().ok()?;
            let left = Timestamp::from_second(reset).ok()?.duration_since(now);
            Some(Duration::try_from(left).unwrap_or_default())
        };
        match asked {
            Some(asked) => retry_after(asked, self.header(&header::DATE), now),
            None if self.is_used_up() => by_date(),
            None => None,
        }
    }

    /// Returns whether the service says that no request is left until a time that it names.
    fn is_used_up(&self) -> bool {
        self.header(&RATE_LIMIT_REMAINING) == Some("0")
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }
}

/// Makes a fault of a status other than success.
pub(crate) fn fault(answer: &Answer) -> Fault {
    let Answer { status, .. } = *answer;
    let wait = answer.retry_after();
    let nature = match status {
        // 408 and 425: the server has not processed it.
        408 | 425 | 429 => Nature::NotTaken { wait },
        // GitHub says so that there were too many requests.
        403 if wait.is_some() || answer.is_used_up() => Nature::NotTaken { wait },
        500.. => Nature::Unclear { wait },
        _ => Nature::Refused { status },
    };
    let said = harmless(&answer.text());
    let words = match status {
        300..=399 => format!("HTTP {status}: a redirect, which is never followed"),
        _ if said.is_empty() || said.starts_with('<') => format!("HTTP {status}"),
        _ => format!("HTTP {status}: {said}"),
    };
    Fault::new(nature, words)
}

/// Says why there is no answer, in the same words as for the API.
fn unreached(failure: Failure) -> Fault {
    let (nature, hint) = match &failure {
        Failure::Connect { .. } => (Nature::NotTaken { wait: None }, None),
        Failure::Proxy(failure) => {
            let is_trusted = !matches!(failure.trouble, ProxyTrouble::Untrusted(_));
            let nature = if is_trusted { Nature::NotTaken { wait: None } } else { Nature::Refused { status: 0 } };
            (nature, Some(failure.hint()))
        }
        Failure::Certificate { detail, .. } => {
            (Nature::Refused { status: 0 }, Some(certificate_hint(detail).to_owned()))
        }
        Failure::Timeout(_) | Failure::Broken(_) => (Nature::Unclear { wait: None }, None),
    };
    let words = ApiError::from(failure).to_string();
    Fault { hint, ..Fault::new(nature, words) }
}
