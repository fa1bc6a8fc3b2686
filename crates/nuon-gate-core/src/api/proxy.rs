//! The proxy between here and the API.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;

use super::ApiUrl;

/// The proxy that requests to an API go through. Whatever it wants to know of its users is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its host.
    pub host: String,
    /// The port on which it listens.
    pub port: u16,
}

impl Proxy {
    /// Finds the proxy by the environment and the system's settings, as they are when this is asked.
    pub fn of(url: &ApiUrl) -> Option<Self> {
        if !url.site().may_use_proxy() {
            return None;
        }
        let intercept = Matcher::from_system().intercept(&url.to_string().parse().ok()?)?;
        let uri = intercept.uri();
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port: uri.port_u16().unwrap_or(usual) })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
