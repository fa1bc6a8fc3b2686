//! Whether the API can be reached. No credentials are sent, so that all of this can be found out before there are any.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use nuon_gate_core::api::{ApiError, ApiStats, ApiUrl, Client, ErrorClass, Proxy, Request};
use nuon_gate_core::{OrgId, Verdict};
use tokio::net::{TcpStream, lookup_host};

use super::check::{Check, Checks, Step};
use super::patience::Patience;
use crate::connection::{ConnectionParts, invalid_connection, untrusted, user_agent};
use crate::environment::Environment;
use crate::exit;
use crate::trouble::Trouble;

/// The checks of this part, in their order.
pub(super) const NAMES: [&str; 6] = ["url", "proxy", "dns", "connection", "tls", "version"];

/// More addresses than this help nobody.
const MOST_ADDRESSES: usize = 3;

const CHECK_ADDRESS: &str = "check --api-url (NUON_GATE_API_URL, NUON_API_URL)";
/// The variables that reqwest reads for https, the first that is set counts.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What the API says of itself to anyone.
pub(super) struct Reached {
    pub(super) seen: ApiStats,
    /// What time it was here when it answered.
    pub(super) at: Timestamp,
}

/// Who has to be connected to.
struct Peer {
    host: String,
    port: u16,
    is_proxy: bool,
}

/// Goes as far as possible on the way to the API. `None` if it gives no answer at all.
pub(super) async fn reach(
    checks: &mut Checks,
    parts: &ConnectionParts,
    environment: &Environment,
    patience: &Patience,
) -> Option<Reached> {
    let url = checks.step(url(parts))?;
    let proxy = Proxy::of(&url);
    checks.push(proxy_in_use(&url, proxy.as_ref(), environment));
    let peer = Peer::of(&url, proxy.as_ref());
    let addresses = checks.step(look_up(&peer, patience).await)?;
    checks.step(connect(&peer, &addresses, patience).await)?;

    let client = match client(&url, parts) {
        Ok(client) => client,
        Err(trouble) => {
            checks.push(Check::misconfigured("tls", trouble));
            return None;
        }
    };
    // It is told to anyone, whichever organisation is named.
    let org = parts.org.as_ref().ok().cloned().map_or_else(|| "any".parse(), Ok);
    let Ok(org): Result<OrgId, _> = org else { return None };
    let error = patience.ask(&client, Request::Dashboard(org)).await.err();
    #[expect(clippy::disallowed_methods, reason = "to be compared with the server's clock")]
    let at = Timestamp::now();
    checks.step(tls(&url, proxy.as_ref(), error.as_ref()))?;
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
fn proxy_in_use(url: &ApiUrl, proxy: Option<&Proxy>, environment: &Environment) -> Check {
    let set = PROXY_VARIABLES.into_iter().find(|name| environment.get(name).is_some());
    let excluding = ["NO_PROXY", "no_proxy"].into_iter().find(|name| environment.get(name).is_some());
    match (proxy, set, excluding) {
        (Some(proxy), Some(variable), _) => Check::ok("proxy", format!("{proxy}, from {variable}")),
        (Some(proxy), None, _) => Check::ok("proxy", format!("{proxy}, from the system's settings")),
        (None, None, _) => Check::ok("proxy", "none is set"),
        (None, Some(_), _) if url.is_plain() => Check::ok("proxy", "none: plain http never goes through one"),
        (None, Some(_), _) if url.is_loopback() => Check::ok("proxy", "none: this machine is reached without one"),
        (None, Some(variable), Some(excluding)) => {
            Check::ok("proxy", format!("none: {excluding} excludes {} from {variable}", url.host()))
        }
        (None, Some(variable), None) => {
            let detail = format!("none: {variable} is set, but not to the address of a proxy");
            Check::warning("proxy", detail, format!("correct {variable}: it is like http://proxy.example:3128"))
        }
    }
}

impl Peer {
    fn of(url: &ApiUrl, proxy: Option<&Proxy>) -> Self {
        match proxy {
            Some(Proxy { host, port }) => Self { host: host.clone(), port: *port, is_proxy: true },
            None => {
                let (host, port) = url.socket();
                Self { host, port, is_proxy: false }
            }
        }
    }

    fn name(&self) -> String {
        if self.is_proxy { format!("the proxy {}", self.host) } else { self.host.clone() }
    }

    fn failed(&self, check: &'static str, detail: String, otherwise: &str) -> Check {
        let hint = match self.is_proxy {
            true => "check HTTPS_PROXY (ALL_PROXY), or exclude the API's host with NO_PROXY".to_owned(),
            false => format!("{CHECK_ADDRESS}{otherwise}"),
        };
        Check::failed(check, exit::code(Verdict::Inconclusive), detail, hint)
    }
}

async fn look_up(peer: &Peer, patience: &Patience) -> Step<Vec<SocketAddr>> {
    let found = patience.attempt(async || Ok(lookup_host((peer.host.as_str(), peer.port)).await?.collect())).await;
    let found: Vec<SocketAddr> = found.map_err(|error| {
        let detail = format!("no address is found for {}: {error}", peer.name());
        peer.failed("dns", detail, ", and whether this machine can resolve names")
    })?;
    let shown: Vec<String> = found.iter().take(MOST_ADDRESSES).map(|address| address.ip().to_string()).collect();
    let detail = match peer.host.parse::<IpAddr>() {
        Ok(_) => format!("{} is an address, not a name", peer.name()),
        Err(_) => format!("{} is {}", peer.name(), shown.join(", ")),
    };
    Ok((found, Check::ok("dns", detail)))
}

async fn connect(peer: &Peer, addresses: &[SocketAddr], patience: &Patience) -> Step<()> {
    match patience.attempt(async || TcpStream::connect(addresses).await).await {
        Ok(_) => {
            Ok(((), Check::ok("connection", format!("{} can be connected to at port {}", peer.name(), peer.port))))
        }
        Err(error) => {
            let detail = format!("{} cannot be connected to at port {}: {error}", peer.name(), peer.port);
            Err(peer.failed("connection", detail, ", and whether a firewall wants a proxy (HTTPS_PROXY)"))
        }
    }
}

fn client(url: &ApiUrl, parts: &ConnectionParts) -> Result<Client, Trouble> {
    let certificates = parts.extra_certificates.as_ref().map_err(Clone::clone)?;
    Client::anonymous(url, certificates.as_deref(), &user_agent()).map_err(|error| invalid_connection(&error))
}

/// Who can be connected to, and then gives no connection, fails at the encryption, or at the proxy's way to the API.
fn tls(url: &ApiUrl, proxy: Option<&Proxy>, error: Option<&ApiError>) -> Step<()> {
    match error {
        _ if url.is_plain() => Ok(((), Check::skipped("tls", "plain http has none"))),
        Some(error @ ApiError::Certificate { .. }) => Err(Check::misconfigured("tls", untrusted(error))),
        Some(error @ ApiError::Connect { .. }) => {
            let hint = match proxy {
                Some(proxy) => format!("check whether the proxy {proxy} lets connections to {} through", url.host()),
                None => format!("{CHECK_ADDRESS}: https may not be what is spoken at this port"),
            };
            Err(Check::unanswered("tls", error, hint))
        }
        Some(_) | None => Ok(((), Check::ok("tls", "the certificate is trusted"))),
    }
}

/// Every server of Nuon's says its version, whatever else it says.
fn version(seen: &ApiStats, error: Option<&ApiError>) -> Check {
    match (&seen.version, error) {
        (_, Some(error @ ApiError::Redirect { .. })) => {
            Check::unanswered("version", error, format!("{CHECK_ADDRESS}: it has to be where the API itself is"))
        }
        (_, Some(error)) if error.class() == ErrorClass::Transient => {
            let hint =
                format!("try again in a while; if it stays so, {CHECK_ADDRESS}, and what is in front of the API");
            Check::unanswered("version", error, hint)
        }
        (Some(version), _) => Check::ok("version", version.plain()),
        (None, error) => {
            let what = error.map(|error| format!(" ({error})")).unwrap_or_default();
            let detail = format!("the answer has no X-Nuon-API-Version header{what}; is it Nuon's?");
            Check::warning("version", detail, CHECK_ADDRESS)
        }
    }
}
