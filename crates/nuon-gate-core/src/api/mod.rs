//! The API over HTTP: one request in, one typed answer or one [`ApiError`] out. Retrying is the watch's task, and
//! nothing is retried here, with one exception: a token that was exchanged for an identity expires during a long wait.
//! The watch knows nothing about tokens, so the client exchanges the identity again and repeats the request once.

mod contents;
mod error;
mod exchange;
mod fact;
mod repeat;
mod request;
mod sign_in;
mod stranger;
mod url;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use nuon_gate_http::{Http, InvalidSetup, Setup, TimeLimit, header, timestamp, word};
use serde::de::DeserializeOwned;

pub use self::error::{ApiError, ErrorClass, SignInError};
pub use self::exchange::LARGEST_BODY;
use self::exchange::exchange;
pub use self::fact::{Answer, Fact, LogPage, Page, Reply, TailPage, interpret};
pub use self::repeat::{MOST_FOREIGN, UnderWay, repeat};
pub(crate) use self::request::MOST_ROWS;
pub use self::request::{Depth, Request, Runs, TailCursor};
pub use self::sign_in::{Credentials, IdentitySource, LARGEST_IDENTITY};
use self::sign_in::{Pass, Session};
pub use self::url::{ApiUrl, InvalidApiUrl, IssuerUrl};
use crate::model::{
    App, Branch, CliConfig, ComponentHealth, Deploy, GroupRun, Install, InstallComponent, LogRecord, LogTail,
    QueuePosition, Resource, Rows, Workflow, WorkflowStep,
};
use crate::{ApiToken, Line, OrgId, RemoteText};

/// The default timeout of a request.
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How the API is reached.
#[derive(Debug)]
pub struct Connection {
    /// The API's address.
    pub url: ApiUrl,
    /// The organisation.
    pub org: OrgId,
    /// The credentials.
    pub credentials: Credentials,
    /// The proxy, the certificates and the User-Agent.
    pub setup: Setup,
}

impl Connection {
    /// Connects to the API with a token, without a proxy, and with the platform's certificates.
    pub fn new(url: ApiUrl, org: OrgId, token: ApiToken) -> Self {
        let user_agent = concat!("nuon-gate-core/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { url, org, credentials: Credentials::Token(token), setup: Setup { user_agent, ..Setup::default() } }
    }
}

/// Why no client can be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConnection {
    /// The organisation's id cannot stand in a header.
    #[error("the org id `{0}` holds characters that a header cannot carry")]
    Org(OrgId),
    /// No request can be sent.
    #[error(transparent)]
    Setup(#[from] InvalidSetup),
}

/// What the client knows about the API so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiStats {
    /// The server's version, from its answers.
    pub version: Option<Line>,
    /// The server's time, from its last answer.
    pub server_time: Option<Timestamp>,
    /// How many requests were sent.
    pub requests: u64,
    /// How many had no good answer. A 404 that means "not yet" is a good one.
    pub errors: u64,
}

/// The organisation and the credentials of requests.
#[derive(Debug, Clone)]
struct Right {
    org: OrgId,
    header: header::HeaderValue,
    session: Arc<Session>,
}

/// A client of the Nuon API. Clones share their connections, their credentials and their statistics.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    url: ApiUrl,
    /// `None`: requests carry no credentials.
    right: Option<Right>,
    timeout: Duration,
    /// That is less than a request may take, as the wait ends: that there was no answer by then is no error of the API's.
    is_cut_short: bool,
    stats: Arc<Mutex<ApiStats>>,
}

impl Client {
    /// Creates a client. Nothing is sent yet.
    ///
    /// Installs rustls' `ring` provider for the process, unless one is there. For plain `http`, the platform's trust
    /// store is not loaded, and no proxy is used.
    ///
    /// # Errors
    ///
    /// If a header cannot carry the org id, or no request can be sent.
    pub fn new(connection: &Connection) -> Result<Self, InvalidConnection> {
        let Connection { url, org, setup, .. } = connection;
        let header = header::HeaderValue::from_str(org.as_str()).map_err(|_| InvalidConnection::Org(org.clone()))?;
        let session = Arc::new(Session::new(connection)?);
        let http = Http::new(url.as_url(), setup)?;
        Ok(Self::over(http, url, Some(Right { org: org.clone(), header, session })))
    }

    /// Creates a client without credentials, for what the server gives to anyone.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn anonymous(url: &ApiUrl, setup: &Setup) -> Result<Self, InvalidConnection> {
        Ok(Self::over(Http::new(url.as_url(), setup)?, url, None))
    }

    fn over(http: Http, url: &ApiUrl, right: Option<Right>) -> Self {
        Self { http, url: url.clone(), right, timeout: USUAL_TIMEOUT, is_cut_short: false, stats: Arc::default() }
    }

    /// Returns this client with another timeout for each request than the default of 30 seconds.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Returns this client for a request that may only take so long.
    pub(crate) fn for_ask(&self, timeout: Duration) -> Self {
        Self { is_cut_short: timeout < self.timeout, ..self.within(timeout) }
    }

    /// Returns the statistics so far.
    pub fn stats(&self) -> ApiStats {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request, and reads the answer.
    ///
    /// # Errors
    ///
    /// If there is no good answer.
    pub async fn request(&self, request: &Request) -> Reply {
        let (path, query) = request.address();
        let mut url = self.url.join(&[&["v1"], path.as_slice()].concat());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let expected = Expected::of(request);
        let mut http = nuon_gate_http::Request::new(request.method(), url);
        if let Some(body) = request.body() {
            http.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            *http.body_mut() = Some(body.into());
        }
        if let Some(offset) = request.offset() {
            http.headers_mut().insert(header::HeaderName::from_static("x-nuon-api-offset"), offset.into());
        }
        let whole = match self.send(http, expected).await {
            Ok(whole) => whole,
            Err(error) => return fact::excuse(request, error).map(Answer::from),
        };
        let fact = fact::read(request, &whole.headers, &whole.body).map_err(|error| self.failed(error, expected))?;
        Ok(Answer { fact, server_time: server_time(&whole.headers) })
    }

    /// Sends a request with credentials, and reads the answer.
    async fn send(&self, mut request: nuon_gate_http::Request, expected: Expected) -> Result<Whole, ApiError> {
        let limit = TimeLimit::new(self.timeout);
        let Some(right) = &self.right else {
            return self.count(request, expected, limit).await.map_err(|error| self.failed(error, expected));
        };
        request.headers_mut().insert(header::HeaderName::from_static("x-nuon-org-id"), right.header.clone());
        let again = request.try_clone();
        let pass = self.pass(right, limit).await?;
        let answer = self.ask(request, &pass, expected, limit).await;
        if let (Err(ApiError::Status { status: 401, .. }), Some(request)) = (&answer, again)
            && let Some(pass) = self.another_pass(right, &pass, limit).await?
        {
            return self.ask(request, &pass, expected, limit).await;
        }
        answer
    }

    async fn ask(
        &self,
        mut request: nuon_gate_http::Request,
        pass: &Pass,
        expected: Expected,
        limit: TimeLimit,
    ) -> Result<Whole, ApiError> {
        request.headers_mut().insert(header::AUTHORIZATION, pass.token.header());
        let answer = self.count(request, expected, limit).await;
        match answer {
            Ok(whole) => {
                pass.accept();
                Ok(whole)
            }
            Err(error) if expected.may_be_none(&error) => {
                pass.accept();
                Err(error)
            }
            Err(error) => Err(self.failed(error, expected)),
        }
    }

    /// Sends a request to the API as it is, counts it, and updates the statistics from the answer.
    async fn count(
        &self,
        request: nuon_gate_http::Request,
        expected: Expected,
        limit: TimeLimit,
    ) -> Result<Whole, ApiError> {
        self.record(|stats| stats.requests += 1);
        let (headers, body) = exchange(&self.http, request, expected, limit).await;
        if let Some(version) = word(&headers, "x-nuon-api-version") {
            let version = RemoteText::new(version).line(100);
            self.record(|stats| stats.version = Some(version));
        }
        if let Some(time) = server_time(&headers) {
            self.record(|stats| stats.server_time = Some(time));
        }
        body.map(|body| Whole { headers, body })
    }

    fn failed(&self, error: ApiError, expected: Expected) -> ApiError {
        tracing::debug!(%error, "no good answer");
        let is_cut_short = self.is_cut_short && matches!(error, ApiError::Timeout(_));
        if !is_cut_short && !matches!(expected, Expected::Sign | Expected::Aside) {
            self.record(|stats| stats.errors += 1);
        }
        error
    }

    fn record(&self, change: impl FnOnce(&mut ApiStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn server_time(headers: &header::HeaderMap) -> Option<Timestamp> {
    word(headers, "date").and_then(timestamp)
}

/// A good answer, not parsed yet.
struct Whole {
    headers: header::HeaderMap,
    body: Vec<u8>,
}

/// A type of body: an object, or a list of objects.
pub trait Wire: DeserializeOwned {
    /// The first character of such a body.
    const OPENS: u8 = b'{';

    /// Reads a body that begins so.
    ///
    /// # Errors
    ///
    /// If it is not of that type.
    fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }
}

impl Wire for Deploy {}
impl Wire for Workflow {}
impl Wire for WorkflowStep {}
impl Wire for Install {}
impl Wire for InstallComponent {}
impl Wire for ComponentHealth {}
impl Wire for Resource {}
impl Wire for CliConfig {}
impl Wire for App {}
impl Wire for Branch {}
impl Wire for GroupRun {}
impl Wire for QueuePosition {}
impl Wire for LogRecord {}
impl Wire for LogTail {}
impl<T: Wire> Wire for Vec<T> {
    const OPENS: u8 = b'[';

    fn read(body: &[u8]) -> serde_json::Result<Self> {
        Ok(serde_json::from_slice::<Rows<T>>(body)?.0)
    }
}

/// The kind of a good answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Body,
    /// A body from the issuer of identities, which is not the API.
    Identity,
    /// A 404 is a good one as well: "not yet".
    BodyOrNone,
    /// The same, also where the server has no such endpoint.
    Extra,
    /// The same, and a body may be compressed.
    Contents,
    /// The body is ignored, so it is not read.
    Success,
    /// The same, and no answer to it counts as an error.
    Sign,
    /// A body that is optional, so that no answer to it counts as an error.
    Aside,
}

impl Expected {
    fn of(request: &Request) -> Self {
        match request {
            Request::Cancel(_) => Self::Success,
            Request::Await(..) => Self::Sign,
            Request::LatestDeploy(..) | Request::Deploys(..) | Request::Earlier(..) => Self::BodyOrNone,
            Request::QueuePosition(_) => Self::Extra,
            Request::Plan(..) => Self::Contents,
            Request::Tail(..) | Request::LogsAfter(..) => Self::Aside,
            _ => Self::Body,
        }
    }

    /// Returns whether this error says that there is none, and that is fine.
    fn may_be_none(self, error: &ApiError) -> bool {
        match self {
            Self::BodyOrNone => error.class() == ErrorClass::Missing,
            Self::Extra | Self::Contents => error.is_absence(),
            _ => false,
        }
    }

    fn ignores_body(self) -> bool {
        matches!(self, Self::Success | Self::Sign)
    }
}

/// Removes the byte order mark that some gateways put before a text.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Decodes a body. Anything but an object where one is expected (`null`, `[]`, nothing) is undecodable; it must be refused
/// by hand, as an array would otherwise be read as an object whose fields are all absent.
///
/// # Errors
///
/// [`ApiError::Undecodable`], with the place of the error but none of the text, which may be anything.
pub fn decode<T: Wire>(body: &[u8]) -> Result<T, ApiError> {
    let body = without_mark(body);
    let undecodable = |what: &str| Err(ApiError::Undecodable(what.to_owned()));
    match body.trim_ascii_start().first() {
        Some(first) if *first == T::OPENS => {}
        Some(b'<') => return undecodable("it is HTML, not JSON"),
        Some(_) if T::OPENS == b'[' => return undecodable("it is not a JSON list"),
        Some(_) => return undecodable("it is not a JSON object"),
        None => return undecodable("it is empty"),
    }
    T::read(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Data => "a field has an unexpected form",
            _ => "it is not JSON",
        };
        ApiError::Undecodable(format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}
