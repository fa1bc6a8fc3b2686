//! Requests and answers: bounded in size and time, never redirected, never repeated.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Request, Response, Url, redirect, retry};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::address::{host_of, is_plain};
use crate::connecting::Connections;
use crate::failure::{Way, innermost};
use crate::proxies::{Proxies, Proxy, Route};
use crate::{Certificates, Failure, ProxyFailure, ProxyTrouble, tunnel};

/// Below the 60 seconds after which load balancers close idle connections: one closed at the moment of use costs an
/// error.
const IDLE: Duration = Duration::from_secs(50);
const CONNECT: Duration = Duration::from_secs(10);
/// Bodies above this size are read by a limited number at a time, so that a server that sends only large ones cannot
/// exhaust memory.
const LARGE: usize = 1024 * 1024;
/// More than one, so that a stuck one does not block all others.
const LARGE_AT_ONCE: usize = 2;

/// How to connect, whatever the endpoint. Holds no credentials.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The User-Agent.
    pub user_agent: String,
    /// Certificates to trust besides the platform's.
    pub certificates: Certificates,
    /// Which proxy to go through.
    pub proxies: Proxies,
}

/// Why no request can be sent at all: the platform has no trust store, or the User-Agent is not a valid header value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection cannot be set up: {0}")]
pub struct InvalidSetup(String);

/// What decides whether two addresses can share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Direct,
    Proxied,
}

/// A connection pool for addresses that are reached in the same way, and the semaphore for large bodies. Clones share
/// both.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    setup: Arc<Setup>,
    kind: Kind,
    connections: Connections,
    turns: Arc<Semaphore>,
}

/// How long a request may take, including all that has to be sent before it.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    whole: Duration,
    began: Instant,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is larger than the limit.
    #[error("it is too large")]
    TooLarge,
    /// It does not arrive.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl TimeLimit {
    /// Starts now.
    pub fn new(whole: Duration) -> Self {
        Self { whole, began: Instant::now() }
    }

    fn left(self) -> Duration {
        self.whole.saturating_sub(self.began.elapsed())
    }

    /// Awaits a future, up to the limit.
    ///
    /// # Errors
    ///
    /// If the limit is reached.
    pub async fn wait<T>(self, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.left(), future).await.map_err(|_| Failure::Timeout(self.whole))
    }
}

impl Kind {
    fn of(url: &Url, setup: &Setup) -> Self {
        match setup.proxies.route(url) {
            _ if is_plain(url) => Self::Plain,
            Route::Direct(_) => Self::Direct,
            Route::Through(_) => Self::Proxied,
        }
    }
}

impl Http {
    /// Makes a pool for an address and all that are reached in the same way. Sends nothing yet.
    ///
    /// Installs rustls' `ring` provider for the process, unless one is there. For plain `http` the platform's trust
    /// store is not loaded.
    ///
    /// # Errors
    ///
    /// If no request could ever be sent.
    pub fn new(url: &Url, setup: &Setup) -> Result<Self, InvalidSetup> {
        // Fails if there is a provider already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let invalid = |error: reqwest::Error| InvalidSetup(innermost(&error.without_url()));
        let identity = (ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut builder = reqwest::Client::builder()
            .user_agent(&setup.user_agent)
            .default_headers([identity].into_iter().collect())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            // The proxy is set below, if there is one: the library must not read the environment.
            .no_proxy();
        let connections = Connections::default();
        if let Route::Through(proxy) = setup.proxies.route(url) {
            builder = builder.proxy(proxy.for_library().map_err(invalid)?).connector_layer(connections.clone());
        }
        builder = match is_plain(url) {
            // No certificate will be checked, so do not load the platform's.
            true => builder.tls_certs_only([]),
            false => builder.tls_certs_merge(setup.certificates.usable().iter().cloned()),
        };
        let client = builder.build().map_err(invalid)?;
        let kind = Kind::of(url, setup);
        let (setup, turns) = (Arc::new(setup.clone()), Arc::new(Semaphore::new(LARGE_AT_ONCE)));
        Ok(Self { client, setup, kind, connections, turns })
    }

    /// Returns whether an address is reached in the same way as the one that these connections were made for.
    pub fn reaches(&self, url: &Url) -> bool {
        Kind::of(url, &self.setup) == self.kind
    }

    /// Sends a request, and returns its answer, of which the body has still to be read.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn send(&self, mut request: Request, limit: TimeLimit) -> Result<Response, Failure> {
        let url = request.url().clone();
        let before = self.connections.now();
        *request.timeout_mut() = Some(limit.left());
        let failure = match self.client.execute(request).await {
            Ok(response) => return Ok(response),
            Err(error) => self.failure(error, &url, limit),
        };
        match (failure, self.proxy(&url)) {
            (Failure::Proxy(mut failure), Some(proxy)) if failure.trouble == ProxyTrouble::Refused(None) => {
                let status = tunnel::status(proxy, &url, &self.setup.user_agent, limit.left()).await;
                failure.trouble = ProxyTrouble::Refused(status);
                Err(failure.into())
            }
            (Failure::Timeout(_), Some(proxy)) if self.connections.are_stuck_since(before) => {
                Err(ProxyFailure::new(proxy, &host_of(&url), ProxyTrouble::Slow).into())
            }
            (failure, _) => Err(failure),
        }
    }

    /// Reads a body up to a size. Beyond the small size it waits for its turn.
    ///
    /// # Errors
    ///
    /// If it is larger, or does not arrive whole and in time.
    pub async fn read(&self, response: &mut Response, largest: usize, limit: TimeLimit) -> Result<Vec<u8>, Unread> {
        // Waiting for its turn is not covered by the request's own limit.
        limit.wait(self.read_all(response, largest, limit)).await?
    }

    async fn read_all(&self, response: &mut Response, largest: usize, limit: TimeLimit) -> Result<Vec<u8>, Unread> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > largest {
            return Err(Unread::TooLarge);
        }
        let mut body = Vec::with_capacity(announced.min(LARGE));
        let mut turn = None;
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| self.failure(error, response.url(), limit))?;
            let Some(chunk) = chunk else { return Ok(body) };
            let length = body.len() + chunk.len();
            if length > largest {
                return Err(Unread::TooLarge);
            }
            if length > LARGE && turn.is_none() {
                // Fails only if the semaphore is closed, which never happens.
                turn = self.turns.acquire().await.ok();
                body.reserve_exact(announced.saturating_sub(body.len()));
            }
            body.extend_from_slice(&chunk);
        }
    }

    fn failure(&self, error: reqwest::Error, url: &Url, limit: TimeLimit) -> Failure {
        Way { host: &host_of(url), proxy: self.proxy(url), limit: limit.whole }.failure(error)
    }

    fn proxy(&self, url: &Url) -> Option<&Proxy> {
        match self.setup.proxies.route(url) {
            Route::Through(proxy) => Some(proxy),
            Route::Direct(_) => None,
        }
    }
}

/// Reads as much of a body as arrives, up to a size, for an answer whose status counts whatever happens to the rest.
pub async fn read_some(response: &mut Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == most {
            break;
        }
    }
    body
}

/// Returns how a body is compressed, although `identity` was asked for.
pub fn compression(headers: &HeaderMap) -> Option<&str> {
    word(headers, CONTENT_ENCODING.as_str()).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
}

/// Returns a header's value, if it is text.
pub fn word<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
