//! What is particular to the HTTP library.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{header, redirect, retry};
use tokio::sync::Semaphore;

use super::url::Site;
use super::{ApiError, InvalidConnection};

/// Load balancers close idle connections after 60 seconds; a connection closed at the moment of use costs an error.
const IDLE: Duration = Duration::from_secs(50);
const CONNECT: Duration = Duration::from_secs(10);
/// Larger bodies take turns, as many at a time: a server that sends such to every request shall not fill the memory.
const LARGE: usize = 1024 * 1024;
/// More than one, so that one that is stuck does not keep back all others.
const LARGE_AT_ONCE: usize = 2;

/// The connections to one host, and the turns that large bodies take. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    turns: Arc<Semaphore>,
}

/// Makes the connections to one host. They carry nothing of their own that says who asks.
pub(super) fn build(
    site: Site,
    extra_certificates: Option<&[u8]>,
    user_agent: &str,
) -> Result<Http, InvalidConnection> {
    // Fails if a provider is there already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let accept = (header::ACCEPT, header::HeaderValue::from_static("application/json"));
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .default_headers([accept].into_iter().collect())
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE);
    if !site.may_use_proxy() {
        builder = builder.no_proxy();
    }
    if site.is_plain {
        // No certificate is ever checked: do not spend time on loading the platform's.
        builder = builder.tls_certs_only([]);
    } else if let Some(pem) = extra_certificates {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| InvalidConnection::Certificates(innermost(&error)))?;
        if certificates.is_empty() {
            return Err(InvalidConnection::Certificates("the file holds none".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    let client = builder.build().map_err(|error| InvalidConnection::Setup(innermost(&error.without_url())))?;
    Ok(Http { client, turns: Arc::new(Semaphore::new(LARGE_AT_ONCE)) })
}

pub(super) enum ReadError {
    TooLarge,
    Transport(reqwest::Error),
}

impl Http {
    /// Reads a body up to a size. What is large of it waits for its turn.
    pub(super) async fn read(&self, response: &mut reqwest::Response, largest: usize) -> Result<Vec<u8>, ReadError> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > largest {
            return Err(ReadError::TooLarge);
        }
        let mut body = Vec::with_capacity(announced.min(LARGE));
        let mut turn = None;
        while let Some(chunk) = response.chunk().await.map_err(ReadError::Transport)? {
            let length = body.len() + chunk.len();
            if length > largest {
                return Err(ReadError::TooLarge);
            }
            if length > LARGE && turn.is_none() {
                // It fails only if turns are no longer given, which never happens.
                turn = self.turns.acquire().await.ok();
                body.reserve_exact(announced.saturating_sub(body.len()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Says what a failed exchange was, without the URL.
pub(super) fn failure(error: reqwest::Error, host: &str, timeout: Duration) -> ApiError {
    let error = error.without_url();
    let host = host.to_owned();
    if let Some(detail) = certificate_trouble(&error) {
        ApiError::Certificate { host, detail }
    } else if error.is_connect() {
        // A connection that takes too long is both; where it got stuck is the better news.
        let detail = if error.is_timeout() { "it took too long".to_owned() } else { innermost(&error) };
        ApiError::Connect { host, detail }
    } else if error.is_timeout() {
        ApiError::Timeout(timeout)
    } else {
        ApiError::Broken(innermost(&error))
    }
}

fn certificate_trouble(error: &(dyn Error + 'static)) -> Option<String> {
    chain(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(trouble)) => Some(certificate_words(trouble).to_owned()),
        _ => None,
    })
}

fn certificate_words(trouble: &rustls::CertificateError) -> &'static str {
    match trouble {
        rustls::CertificateError::UnknownIssuer => "its issuer is unknown",
        rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. } => "it has expired",
        rustls::CertificateError::NotValidYet | rustls::CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. } => {
            "it is for another host"
        }
        _ => "it cannot be verified (a self-signed certificate that is its own authority?)",
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last().map(ToString::to_string).unwrap_or_default();
    crate::Line::new(last).cut(200).plain().to_owned()
}

/// Walks down the causes. An `io::Error` that wraps another error does not name it as its source, so it is unwrapped
/// by hand: that is where the TLS library's errors are.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn cause<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), cause)
}
