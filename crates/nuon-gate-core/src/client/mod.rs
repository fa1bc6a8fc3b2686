//! The API over HTTP: one request in, one typed answer or one [`ApiError`] out. Nothing is retried here; asking again
//! is the watch's business.

mod endpoints;
mod error;
mod proxy;
mod retry_after;
mod transport;
mod url;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header;
use serde::de::DeserializeOwned;

pub use self::endpoints::{Depth, LogPage, Page};
pub use self::error::{ApiError, ErrorClass};
pub use self::proxy::Proxy;
pub use self::retry_after::parse as retry_after;
pub use self::url::{ApiUrl, InvalidApiUrl};
use crate::model::{CliConfig, Deploy, ErrorBody, Install, InstallComponent, LogRecord, Workflow};
use crate::{ApiToken, OrgId, RemoteText};

/// The largest body that is read, after which the answer counts as undecodable.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// How long a request may take, unless something else is said.
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest error body that is read; a larger one says nothing.
const LARGEST_ERROR_BODY: usize = 64 * 1024;

/// How the API is reached.
#[derive(Debug)]
pub struct Connection {
    /// Where it is.
    pub url: ApiUrl,
    /// On whose behalf.
    pub org: OrgId,
    /// With what right.
    pub token: ApiToken,
    /// Certificates in PEM form to trust besides the platform's.
    pub extra_certificates: Option<Vec<u8>>,
    /// How the program calls itself.
    pub user_agent: String,
}

/// Why no client can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConnection {
    /// The organisation's id cannot stand in a header.
    #[error("the org id `{0}` holds characters that a header cannot carry")]
    Org(OrgId),
    /// The extra certificates cannot be read.
    #[error("no certificates in PEM form: {0}")]
    Certificates(String),
    /// The platform's trust store or a proxy setting is unusable.
    #[error("the connection cannot be set up: {0}")]
    Setup(String),
}

/// What the client has seen of the API so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiStats {
    /// The server's version, as its answers say.
    pub version: Option<String>,
    /// The server's time, as its last answer said.
    pub server_time: Option<Timestamp>,
    /// How many requests were sent.
    pub requests: u64,
    /// How many got no good answer. A 404 that means "not yet" is a good one.
    pub errors: u64,
}

/// A client of the Nuon API. Clones share their connections and their statistics.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: ApiUrl,
    /// `None`: nobody's.
    org: Option<OrgId>,
    timeout: Duration,
    stats: Arc<Mutex<ApiStats>>,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    ///
    /// Installs rustls' `ring` provider for the process, unless one is there. For plain `http` the platform's trust
    /// store is not loaded, and no proxy is used.
    ///
    /// # Errors
    ///
    /// If a header cannot carry the org id, or certificates or proxy settings cannot be used.
    pub fn new(connection: &Connection) -> Result<Self, InvalidConnection> {
        let headers = transport::credentials(connection)?;
        let Connection { url, org, extra_certificates, user_agent, .. } = connection;
        let http = transport::build(url, extra_certificates.as_deref(), user_agent, headers)?;
        Ok(Self::over(http, url, Some(org.clone())))
    }

    /// Makes a client that acts on nobody's behalf and carries no credentials, for what the server tells anyone.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn anonymous(
        url: &ApiUrl,
        extra_certificates: Option<&[u8]>,
        user_agent: &str,
    ) -> Result<Self, InvalidConnection> {
        let http = transport::build(url, extra_certificates, user_agent, transport::headers())?;
        Ok(Self::over(http, url, None))
    }

    fn over(http: reqwest::Client, url: &ApiUrl, org: Option<OrgId>) -> Self {
        Self { http, url: url.clone(), org, timeout: USUAL_TIMEOUT, stats: Arc::default() }
    }

    /// Returns this client with another time limit for each request than the usual 30 seconds.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Returns what has been seen so far.
    pub fn stats(&self) -> ApiStats {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for something, and decodes it.
    async fn get<T: Wire>(&self, url: reqwest::Url, not_found: NotFound) -> Result<T, ApiError> {
        Ok(self.read(self.http.get(url), not_found).await?.0)
    }

    /// Sends a question, and decodes the answer.
    async fn read<T: Wire>(
        &self,
        request: reqwest::RequestBuilder,
        not_found: NotFound,
    ) -> Result<(T, header::HeaderMap), ApiError> {
        let whole = self.send(request, not_found).await?;
        let body = decode(&whole.body).map_err(|error| self.failed(error))?;
        Ok((body, whole.headers))
    }

    /// Sends a question, counts it, and reads the answer.
    async fn send(&self, request: reqwest::RequestBuilder, not_found: NotFound) -> Result<Whole, ApiError> {
        match self.exchange(request).await {
            Ok(whole) => Ok(whole),
            Err(error) if error.class() == ErrorClass::Missing && not_found == NotFound::IsAnAnswer => Err(error),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Whole, ApiError> {
        let (response, headers) = self.respond(request).await?;
        if let Some(encoding) = word(&headers, "content-encoding").filter(|word| !word.eq_ignore_ascii_case("identity"))
        {
            let encoding = RemoteText::new(encoding).line(20);
            return Err(ApiError::Undecodable(format!("it is compressed ({encoding}), which was not asked for")));
        }
        match transport::read(response, LARGEST_BODY).await {
            Ok(body) => Ok(Whole { headers, body }),
            Err(transport::ReadError::TooLarge) => {
                Err(ApiError::Undecodable(format!("it is larger than {} MiB", LARGEST_BODY >> 20)))
            }
            Err(transport::ReadError::Transport(error)) => {
                Err(transport::failure(error, &self.url.host(), self.timeout))
            }
        }
    }

    /// Sends a question, counts it, and returns an answer that is a success, with its body still to be read.
    async fn respond(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::Response, header::HeaderMap), ApiError> {
        self.record(|stats| stats.requests += 1);
        let host = self.url.host();
        let failure = |error| transport::failure(error, &host, self.timeout);
        let request = request.timeout(self.timeout).build().map_err(failure)?;
        tracing::debug!(path = request.url().path(), "{}", request.method());
        let mut response = self.http.execute(request).await.map_err(failure)?;
        let status = response.status();
        tracing::debug!(status = status.as_u16(), "answer");
        let headers = std::mem::take(response.headers_mut());
        let text = |name| word(&headers, name);
        if let Some(version) = text("x-nuon-api-version") {
            let version = RemoteText::new(version).line(100);
            self.record(|stats| stats.version = Some(version));
        }
        if let Some(time) = text("date").and_then(retry_after::timestamp) {
            self.record(|stats| stats.server_time = Some(time));
        }
        #[expect(clippy::disallowed_methods, reason = "only for a date from a server that does not say its own time")]
        let now = Timestamp::now();
        let retry_after = text("retry-after").and_then(|value| retry_after::parse(value, text("date"), now));
        if status.is_redirection() {
            let to = text("location").and_then(|location| self.url.join(&[]).join(location).ok());
            let to = to.and_then(|to| to.host_str().map(|host| RemoteText::new(host).line(200)));
            let to = to.unwrap_or_else(|| "nowhere".to_owned());
            return Err(ApiError::Redirect { status: status.as_u16(), to, retry_after });
        }
        if !status.is_success() {
            let body = transport::read(response, LARGEST_ERROR_BODY).await.unwrap_or_default();
            let message = ErrorBody::read(&body).message().map(|text| text.line(500));
            return Err(ApiError::Status { status: status.as_u16(), message, retry_after });
        }
        Ok((response, headers))
    }

    fn failed(&self, error: ApiError) -> ApiError {
        tracing::debug!(%error, "no good answer");
        self.record(|stats| stats.errors += 1);
        error
    }

    fn record(&self, change: impl FnOnce(&mut ApiStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A good answer, as it came.
struct Whole {
    headers: header::HeaderMap,
    body: Vec<u8>,
}

/// Returns a header's value, if it is text.
fn word<'a>(headers: &'a header::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What a body can be: an object, or a list of them.
pub trait Wire: DeserializeOwned {
    /// The first character of such a body.
    const OPENS: u8 = b'{';
}

impl Wire for Deploy {}
impl Wire for Workflow {}
impl Wire for Install {}
impl Wire for InstallComponent {}
impl Wire for CliConfig {}
impl Wire for LogRecord {}
impl<T: Wire> Wire for Vec<T> {
    const OPENS: u8 = b'[';
}

/// What a 404 means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NotFound {
    /// "Not yet."
    IsAnAnswer,
    IsAnError,
}

/// Decodes a body. Anything but an object where one is expected (`null`, `[]`, nothing) is undecodable; it must be refused
/// by hand, as an array would otherwise be read as an object whose fields are all absent.
///
/// # Errors
///
/// [`ApiError::Undecodable`], with the place of the trouble but none of the text, which may hold anything.
pub fn decode<T: Wire>(body: &[u8]) -> Result<T, ApiError> {
    let undecodable = |what: &str| Err(ApiError::Undecodable(what.to_owned()));
    match body.trim_ascii_start().first() {
        Some(first) if *first == T::OPENS => {}
        Some(b'<') => return undecodable("it is HTML, not JSON"),
        Some(_) if T::OPENS == b'[' => return undecodable("it is not a JSON list"),
        Some(_) => return undecodable("it is not a JSON object"),
        None => return undecodable("it is empty"),
    }
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Data => "a field has an unexpected form",
            _ => "it is not JSON",
        };
        ApiError::Undecodable(format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}
