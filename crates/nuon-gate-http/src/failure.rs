//! Why a request failed, and which hop is to blame.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::Proxy;

/// What is wrong with a certificate that no further trust would help.
pub const OF_AUTHORITY: &str =
    "it is an authority's own, with which no server may answer; have one issued for the server";

const OF_ANOTHER: &str = "it is for another host";
const EXPIRED: &str = "it has expired";
const TOO_EARLY: &str = "it is not valid yet";
const REVOKED: &str = "it has been revoked";

/// Says what can be done about a certificate, by what is wrong with it ([`Failure::Certificate`]), whoever presented it.
pub fn certificate_hint(detail: &str) -> &'static str {
    match detail {
        OF_AUTHORITY => {
            "have a certificate issued for the server by that authority, whose own --ca-file (NUON_GATE_CA_FILE) names"
        }
        OF_ANOTHER => "use a host that the certificate names, or have one issued for this host",
        EXPIRED | TOO_EARLY => "have the server's certificate renewed, unless this machine's clock is wrong",
        REVOKED => "have the server's certificate replaced",
        _ => "if it has a private issuer, name that one's certificate with --ca-file (NUON_GATE_CA_FILE)",
    }
}

/// Why there is no complete answer. Holds no credential, and of an address only the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection: the name does not resolve, nobody listens, or the handshake broke off.
    #[error("could not connect to {host}: {detail}")]
    Connect {
        /// The host that was to be reached.
        host: String,
        /// The system's error text.
        detail: String,
    },
    /// A certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {detail}")]
    Certificate {
        /// The host that presented it.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The proxy does not let the request through.
    #[error(transparent)]
    Proxy(#[from] ProxyFailure),
    /// No complete answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection ended in the middle of an answer.
    #[error("the connection broke off: {0}")]
    Broken(String),
}

/// A proxy that does not let a request through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proxy {proxy} (from {variable}) {trouble}")]
pub struct ProxyFailure {
    /// Its host and port.
    pub proxy: String,
    /// The variable that names it.
    pub variable: &'static str,
    /// The host that was to be reached through it.
    pub target: String,
    /// What went wrong.
    pub trouble: ProxyTrouble,
}

/// How a proxy fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyTrouble {
    /// It cannot be connected to.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// Its own certificate is not trusted.
    #[error("presents a certificate that is not trusted: {0}")]
    Untrusted(String),
    /// It refuses, with this status code if that is known.
    #[error("refused the tunnel{}", .0.map(|status| format!(": HTTP {status}")).unwrap_or_default())]
    Refused(Option<u16>),
    /// Its answer is malformed, or it hangs up.
    #[error("opened no tunnel: {0}")]
    Silent(String),
    /// It opens a tunnel, but no connection can be made through it.
    #[error("opened a tunnel that leads nowhere: {0}")]
    DeadEnd(String),
    /// A timeout; it is not known at which hop.
    #[error("gave no connection in time")]
    Slow,
}

impl ProxyFailure {
    /// Names the proxy, without its credentials.
    pub fn new(proxy: &Proxy, target: &str, trouble: ProxyTrouble) -> Self {
        Self { proxy: proxy.to_string(), variable: proxy.variable(), target: target.to_owned(), trouble }
    }

    /// Says what can be done about it.
    pub fn hint(&self) -> String {
        let Self { proxy, variable, target, trouble } = self;
        match trouble {
            ProxyTrouble::Refused(Some(407)) => {
                format!(
                    "the proxy wants to know who asks: put the right user name and password into {variable}, as in \
                     http://user:password@{proxy}, percent-encoded"
                )
            }
            ProxyTrouble::Refused(Some(403)) => {
                format!("the proxy does not allow {target}: have it allowed there, or reach it directly with NO_PROXY")
            }
            ProxyTrouble::Untrusted(detail) => {
                let hint = certificate_hint(detail);
                format!("{hint}; else check {variable}, or reach {target} directly with NO_PROXY")
            }
            _ => format!("check {variable} and the proxy, or reach {target} directly with NO_PROXY"),
        }
    }
}

/// The endpoint, and the proxy on the way to it.
pub(crate) struct Way<'a> {
    pub(crate) host: &'a str,
    pub(crate) proxy: Option<&'a Proxy>,
    pub(crate) limit: Duration,
}

impl Way<'_> {
    /// Classifies a failed exchange, without quoting the address.
    pub(crate) fn failure(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        if let Some((proxy, cause)) = self.proxy.zip(chain(&error).find(|cause| tunnel_words(*cause).is_some())) {
            return self.of_tunnel(proxy, cause);
        }
        if let Some(detail) = certificate_trouble(&error) {
            return Failure::Certificate { host: self.there(), detail };
        }
        let of_proxy = |proxy, trouble| ProxyFailure::new(proxy, self.host, trouble).into();
        let unconnected = |detail| Failure::Connect { host: self.host.to_owned(), detail };
        match (error.is_connect(), error.is_timeout(), self.proxy) {
            (true, true, Some(proxy)) => of_proxy(proxy, ProxyTrouble::Slow),
            // A connection timeout is both a timeout and a failed connection; the latter says more.
            (true, true, None) => unconnected("it took too long".to_owned()),
            (true, false, Some(proxy)) => of_proxy(proxy, ProxyTrouble::DeadEnd(handshake_trouble(&error))),
            (true, false, None) => unconnected(handshake_trouble(&error)),
            (false, true, _) => Failure::Timeout(self.limit),
            (false, false, _) => Failure::Broken(innermost(&error)),
        }
    }

    /// Names the far end: an intercepting proxy can present a certificate of its own.
    fn there(&self) -> String {
        match self.proxy {
            Some(proxy) => format!("{} (through the proxy {proxy})", self.host),
            None => self.host.to_owned(),
        }
    }

    fn of_tunnel(&self, proxy: &Proxy, cause: &(dyn Error + 'static)) -> Failure {
        let trouble = match tunnel_words(cause).as_deref() {
            Some("proxy authorization required") => ProxyTrouble::Refused(Some(407)),
            Some("unsuccessful") => ProxyTrouble::Refused(None),
            Some("failed to create underlying connection") => match certificate_trouble(cause) {
                Some(detail) => ProxyTrouble::Untrusted(detail),
                None => ProxyTrouble::Unreachable(innermost(cause)),
            },
            Some("unexpected end of file") => ProxyTrouble::Silent("it hung up".to_owned()),
            _ => ProxyTrouble::Silent(innermost(cause)),
        };
        ProxyFailure::new(proxy, self.host, trouble).into()
    }
}

/// Returns hyper-util's text about a tunnel. Its error type is private, and this text is all that it keeps of the
/// proxy's answer.
fn tunnel_words(error: &(dyn Error + 'static)) -> Option<String> {
    error.to_string().strip_prefix("tunnel error: ").map(str::to_owned)
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
        rustls::CertificateError::Revoked => REVOKED,
        rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. } => EXPIRED,
        rustls::CertificateError::NotValidYet | rustls::CertificateError::NotValidYetContext { .. } => TOO_EARLY,
        rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. } => {
            OF_ANOTHER
        }
        // The verifier's own error type, which is private.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => OF_AUTHORITY,
        _ => "it cannot be verified",
    }
}

/// Says why there is no connection. A server that does not speak TLS shows up as an invalid TLS message.
fn handshake_trouble(error: &reqwest::Error) -> String {
    let is_no_tls = |cause: &(dyn Error + 'static)| {
        matches!(cause.downcast_ref(), Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)))
    };
    match chain(error).any(is_no_tls) {
        true => "what answers at this port does not speak TLS, which https needs".to_owned(),
        false => innermost(error),
    }
}

pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// Walks down the causes. An `io::Error` does not return the error that it wraps as its source, so it is unwrapped
/// here: that is where TLS errors are.
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
