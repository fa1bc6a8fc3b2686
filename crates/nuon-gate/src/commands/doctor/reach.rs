//! Checks whether the API can be reached. Sends no credentials, so it works before there are any.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use nuon_gate_core::OrgId;
use nuon_gate_core::api::{ApiError, ApiStats, ApiUrl, Client, ErrorClass, Request};
use nuon_gate_http::{Failure, Proxies, Proxy, ProxyFailure, ProxyTrouble, Route, socket_of};
use tokio::net::{TcpStream, lookup_host};

use super::check::{Check, Checks, Step};
use super::patience::Patience;
use crate::connection::{ConnectionParts, invalid_connection, untrusted};
use crate::trouble::Trouble;
use crate::words::{ADDRESS, if_unanswered, is_of_the_way};

/// The checks of this part, in their order.
pub(super) const NAMES: [&str; 6] = ["url", "proxy", "dns", "connection", "tls", "version"];

/// How many addresses are listed at most.
const MOST_ADDRESSES: usize = 3;

/// What the API says without authentication.
pub(super) struct Reached {
    pub(super) seen: ApiStats,
    /// The local time of the answer.
    pub(super) at: Timestamp,
}

/// The host to connect to.
struct Peer<'a> {
    url: &'a ApiUrl,
    /// A proxy in front of the API.
    proxy: Option<&'a Proxy>,
    host: String,
    port: u16,
}

/// Checks hop by hop. `None` if the API gives no answer at all.
pub(super) async fn reach(checks: &mut Checks, parts: &ConnectionParts, patience: &Patience) -> Option<Reached> {
    let url = checks.step(url(parts))?;
    let proxies = checks.step(proxy_in_use(&url, parts))?;
    let peer = Peer::of(&url, &proxies);
    let addresses = checks.step(look_up(&peer, patience).await)?;
    checks.step(connect(&peer, &addresses, patience).await)?;

    let client = match client(&url, parts) {
        Ok(client) => client,
        Err(trouble) => {
            checks.push(Check::misconfigured("tls", trouble));
            return None;
        }
    };
    // It needs no authentication, whatever the organisation.
    let org = parts.org.as_ref().ok().cloned().map_or_else(|| "any".parse(), Ok);
    let Ok(org): Result<OrgId, _> = org else { return None };
    let error = patience.ask(&client, Request::Dashboard(org)).await.err();
    #[expect(clippy::disallowed_methods, reason = "to be compared with the server's clock")]
    let at = Timestamp::now();
    checks.step(tls(&url, error.as_ref()))?;
    let seen = client.stats();
    checks.push(version(&seen, error.as_ref()));
    let silent = matches!(error, Some(ApiError::Connect { .. } | ApiError::Timeout(_) | ApiError::Broken(_)));
    (!silent).then_some(Reached { seen, at })
}

fn url(parts: &ConnectionParts) -> Step<ApiUrl> {
    match &parts.url {
        Ok(url) => Ok((url.clone(), Check::ok("url", url.to_string()))),
        Err(trouble) => Err(Check::misconfigured("url", trouble.clone())),
    }
}

/// Says which proxy is used, or why none is although one is set.
fn proxy_in_use(url: &ApiUrl, parts: &ConnectionParts) -> Step<Proxies> {
    let proxies = parts.proxies.clone().map_err(|trouble| Check::misconfigured("proxy", trouble))?;
    let detail = match proxies.route(url.as_url()) {
        Route::Through(proxy) => format!("{proxy} ({})", proxy.variable()),
        Route::Direct(why) => why.words(url.as_url()),
    };
    Ok((proxies, Check::ok("proxy", detail)))
}

impl<'a> Peer<'a> {
    fn of(url: &'a ApiUrl, proxies: &'a Proxies) -> Self {
        let (proxy, (host, port)) = match proxies.route(url.as_url()) {
            Route::Through(proxy) => (Some(proxy), proxy.socket()),
            Route::Direct(_) => (None, socket_of(url.as_url())),
        };
        Self { url, proxy, host: host.to_owned(), port }
    }

    fn name(&self) -> String {
        if self.proxy.is_some() { format!("the proxy {}", self.host) } else { self.host.clone() }
    }

    /// Returns the error that a wait would report.
    fn failed(&self, check: &'static str, detail: String) -> Check {
        let host = self.url.host();
        let failure = match self.proxy {
            Some(proxy) => ProxyFailure::new(proxy, &host, ProxyTrouble::Unreachable(detail)).into(),
            None => Failure::Connect { host, detail },
        };
        let error = ApiError::from(failure);
        Check::unanswered(check, &error, if_unanswered(&error))
    }
}

async fn look_up(peer: &Peer<'_>, patience: &Patience) -> Step<Vec<SocketAddr>> {
    let found = patience.attempt(async || Ok(lookup_host((peer.host.as_str(), peer.port)).await?.collect())).await;
    let found: Vec<SocketAddr> = found.map_err(|error| peer.failed("dns", error))?;
    let shown: Vec<String> = found.iter().take(MOST_ADDRESSES).map(|address| address.ip().to_string()).collect();
    let detail = match peer.host.parse::<IpAddr>() {
        Ok(_) => format!("{} is an address, not a name", peer.name()),
        Err(_) => format!("{} is {}", peer.name(), shown.join(", ")),
    };
    Ok((found, Check::ok("dns", detail)))
}

async fn connect(peer: &Peer<'_>, addresses: &[SocketAddr], patience: &Patience) -> Step<()> {
    match patience.attempt(async || TcpStream::connect(addresses).await).await {
        Ok(_) => {
            Ok(((), Check::ok("connection", format!("{} can be connected to at port {}", peer.name(), peer.port))))
        }
        Err(error) => Err(peer.failed("connection", error)),
    }
}

fn client(url: &ApiUrl, parts: &ConnectionParts) -> Result<Client, Trouble> {
    Client::anonymous(url, &parts.setup()?).map_err(|error| invalid_connection(&error))
}

/// If the host accepts a connection and the request still has none, TLS failed, or the proxy's own connection did.
fn tls(url: &ApiUrl, error: Option<&ApiError>) -> Step<()> {
    match error {
        _ if url.is_plain() => Ok(((), Check::skipped("tls", "plain http has none"))),
        Some(error) if error.class() == ErrorClass::Untrusted => Err(Check::misconfigured("tls", untrusted(error))),
        Some(error @ ApiError::Proxy(_)) => Err(Check::unanswered("tls", error, if_unanswered(error))),
        Some(error @ ApiError::Connect { .. }) => {
            let hint = format!("check {ADDRESS}: https may not be what is spoken at this port");
            Err(Check::unanswered("tls", error, hint))
        }
        Some(_) | None => Ok(((), Check::ok("tls", "the certificate is trusted"))),
    }
}

/// Every Nuon server sends its version with every answer.
fn version(seen: &ApiStats, error: Option<&ApiError>) -> Check {
    match (&seen.version, error) {
        (None, Some(error)) if is_of_the_way(error) => Check::unanswered("version", error, if_unanswered(error)),
        (_, Some(error)) if error.class() == ErrorClass::Transient => {
            let hint =
                format!("try again in a while; if it stays so, check {ADDRESS}, and what is in front of the API");
            Check::unanswered("version", error, hint)
        }
        (Some(version), _) => Check::ok("version", version.plain()),
        (None, error) => {
            let what = error.map(|error| format!(" ({error})")).unwrap_or_default();
            let detail = format!("the answer has no X-Nuon-API-Version header{what}; is it Nuon's?");
            Check::warning("version", detail, format!("check {ADDRESS}"))
        }
    }
}
