//! One request, one answer.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_http::{is_loopback, is_plain, retry_after};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Certificate, Method, redirect, retry};

use super::fault::{Fault, Nature, harmless};
use crate::secret::SinkUrl;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// The most that is read of an answer; services say what they have to say in far less.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Why nothing can be sent at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetup {
    /// The extra certificates cannot be read.
    #[error("no certificates in PEM form: {0}")]
    Certificates(String),
    /// The platform's trust store or a proxy setting is unusable.
    #[error("notifications cannot be set up: {0}")]
    Http(String),
    /// A bot without a place to post.
    #[error("NUON_GATE_SLACK_TOKEN is set, but NUON_GATE_SLACK_CHANNEL is not")]
    NoSlackChannel,
}

/// The way out. A loopback address is never asked for through a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    outside: Option<reqwest::Client>,
    loopback: Option<reqwest::Client>,
    plain: Option<reqwest::Client>,
    timeout: Duration,
}

/// What a service said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// Makes the clients that some addresses need.
    pub(crate) fn new<'a>(
        urls: impl Iterator<Item = &'a SinkUrl>,
        user_agent: &str,
        certificates: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, InvalidSetup> {
        // Fails if a provider is there already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = Self { outside: None, loopback: None, plain: None, timeout };
        for url in urls {
            let Some(address) = url.url(&[], &[]) else { continue };
            let (slot, direct) = match (is_plain(&address), is_loopback(&address)) {
                (true, _) => (&mut http.plain, true),
                (false, true) => (&mut http.loopback, true),
                (false, false) => (&mut http.outside, false),
            };
            if slot.is_none() {
                let plain = is_plain(&address);
                *slot = Some(client(user_agent, certificates.filter(|_| !plain), direct, plain)?);
            }
        }
        Ok(http)
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
        let Request { method, url, segments, query, headers, body } = request;
        let unusable = || Fault::new(Nature::Refused { status: 0 }, "the address cannot be used");
        let target = url.url(segments, query).ok_or_else(unusable)?;
        let slot = match (is_plain(&target), is_loopback(&target)) {
            (true, _) => &self.plain,
            (false, true) => &self.loopback,
            (false, false) => &self.outside,
        };
        let client = slot.as_ref().ok_or_else(unusable)?;
        tracing::debug!(%url, "notify");
        let sent = client.request(method, target).headers(headers).body(body).timeout(self.timeout).send().await;
        let mut response = sent.map_err(|error| transport(error, self.timeout))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        tracing::debug!(%url, status, "answer");
        let mut body = Vec::new();
        // What the status says holds, even if the rest of the answer does not arrive.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = LARGEST_ANSWER - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == LARGEST_ANSWER {
                break;
            }
        }
        Ok(Answer { status, headers, body })
    }
}

/// What is sent where.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a SinkUrl,
    pub(crate) segments: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

fn client(
    user_agent: &str,
    certificates: Option<&[u8]>,
    direct: bool,
    plain: bool,
) -> Result<reqwest::Client, InvalidSetup> {
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(CONNECT);
    if direct {
        builder = builder.no_proxy();
    }
    if plain {
        // No certificate is ever looked at: do not spend time on loading the platform's.
        builder = builder.tls_certs_only([]);
    } else if let Some(pem) = certificates {
        let certificates =
            Certificate::from_pem_bundle(pem).map_err(|error| InvalidSetup::Certificates(innermost(&error)))?;
        if certificates.is_empty() {
            return Err(InvalidSetup::Certificates("the file holds none".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| InvalidSetup::Http(innermost(&error.without_url())))
}

impl Answer {
    /// Returns a header's value as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns how long the service asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        #[expect(clippy::disallowed_methods, reason = "only for a date from a service that does not say its own time")]
        let now = Timestamp::now();
        retry_after(self.header(&header::RETRY_AFTER)?, self.header(&header::DATE), now)
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }
}

/// Says what a status means that is no success.
pub(crate) fn fault(answer: &Answer) -> Fault {
    let Answer { status, .. } = *answer;
    let wait = answer.retry_after();
    let nature = match status {
        // 408 and 425: the server says that it has not begun.
        408 | 425 | 429 => Nature::NotTaken { wait },
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

fn transport(error: reqwest::Error, timeout: Duration) -> Fault {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        let detail = if error.is_timeout() { "it took too long".to_owned() } else { innermost(&error) };
        Fault::new(Nature::NotTaken { wait: None }, format!("could not connect: {detail}"))
    } else if error.is_timeout() {
        let words = format!("no answer within {}", nuon_gate_core::timeline::human(timeout));
        Fault::new(Nature::Unclear { wait: None }, words)
    } else {
        Fault::new(Nature::Unclear { wait: None }, format!("the connection broke off: {}", innermost(&error)))
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).last();
    harmless(&last.map(ToString::to_string).unwrap_or_default())
}
