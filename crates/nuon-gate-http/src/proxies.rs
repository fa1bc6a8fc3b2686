//! Which proxy is used for an address, decided once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroizing;

use crate::address::{host_of, is_host, is_loopback, is_plain, socket_of};
use crate::no_proxy::NoProxy;

/// The variables that may name a proxy: the first that is not empty counts.
pub const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that may exclude hosts, likewise.
const EXCLUDING: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Returns whether this variable is about proxies.
pub fn is_of_proxies(variable: &str) -> bool {
    PROXY_VARIABLES.contains(&variable) || EXCLUDING.contains(&variable)
}

/// Which proxy is used for which address. None by default.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    proxy: Option<Proxy>,
    excluded: Option<(&'static str, NoProxy)>,
}

/// A proxy. Displayed without its credentials.
#[derive(Clone)]
pub struct Proxy {
    /// The scheme, the host and the port: no credentials.
    url: Url,
    variable: &'static str,
    authorization: Option<HeaderValue>,
}

/// Why a variable names no usable proxy. Shows nothing of the value, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} does not name a proxy that can be used: {why}")]
pub struct InvalidProxy {
    /// The variable.
    pub variable: &'static str,
    why: &'static str,
}

/// How an address is reached.
#[derive(Debug, Clone, Copy)]
pub enum Route<'a> {
    /// Through a proxy.
    Through(&'a Proxy),
    /// Without one.
    Direct(Direct),
}

/// Why no proxy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    /// None is set.
    NoneSet,
    /// Plain `http`: a proxy would read it.
    Plain,
    /// It is this machine.
    Loopback,
    /// This variable excludes it.
    Excluded(&'static str),
}

impl Proxies {
    /// Reads the proxy from variables; an empty one is unset.
    ///
    /// # Errors
    ///
    /// If the first variable that is set names no usable proxy, even if this run might not need it: it should not
    /// surface only with the first address that does.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let first = |names: &[&'static str]| {
            let values = names.iter().filter_map(|name| Some((*name, Zeroizing::new(variable(name)?))));
            values.into_iter().find(|(_, value)| !value.trim().is_empty())
        };
        let proxy = first(&PROXY_VARIABLES)
            .map(|(variable, value)| Proxy::new(variable, &value).map_err(|why| InvalidProxy { variable, why }));
        let excluded = first(&EXCLUDING).map(|(variable, value)| (variable, NoProxy::new(&value)));
        Ok(Self { proxy: proxy.transpose()?, excluded })
    }

    /// Decides how an address is reached.
    pub fn route(&self, url: &Url) -> Route<'_> {
        let (host, port) = socket_of(url);
        Route::Direct(match (&self.proxy, &self.excluded) {
            (None, _) => Direct::NoneSet,
            _ if is_plain(url) => Direct::Plain,
            _ if is_loopback(url) => Direct::Loopback,
            (_, Some((variable, excluded))) if excluded.matches(host, port) => Direct::Excluded(variable),
            (Some(proxy), _) => return Route::Through(proxy),
        })
    }
}

impl Proxy {
    fn new(variable: &'static str, value: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = value.trim().split_once("://").unwrap_or(("http", value.trim()));
        if !["http", "https"].iter().any(|usable| scheme.eq_ignore_ascii_case(usable)) {
            return Err("its scheme is neither http nor https");
        }
        // If a password holds a character that ends a host, where the password ends would be a guess, so none is made.
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, _)) if credentials.contains(['/', '?', '#', '\\']) || !is_encoded(credentials) => {
                return Err("its user name or password holds signs that have to be percent-encoded");
            }
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, rest),
        };
        let url = place_of(scheme, place.strip_suffix('/').unwrap_or(place)).ok_or("it is not a host and a port")?;
        Ok(Self { url, variable, authorization: credentials.and_then(authorization) })
    }

    /// Returns the host, without brackets, and the port on which it listens.
    pub fn socket(&self) -> (&str, u16) {
        socket_of(&self.url)
    }

    /// Returns the variable that it comes from.
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Returns whether the proxy itself is reached over plain `http`.
    pub(crate) fn is_plain(&self) -> bool {
        is_plain(&self.url)
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns the proxy in the HTTP library's form. It decides nothing.
    pub(crate) fn for_library(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::https(self.url.clone())?;
        Ok(match &self.authorization {
            Some(authorization) => proxy.custom_http_auth(authorization.clone()),
            None => proxy,
        })
    }
}

/// Returns whether a text holds no blank, and after each percent sign two hexadecimal digits.
fn is_encoded(text: &str) -> bool {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    !text.contains(|c: char| c.is_whitespace() || c.is_control()) && text.split('%').skip(1).all(is_escape)
}

/// Parses exactly a host and a port.
fn place_of(scheme: &str, place: &str) -> Option<Url> {
    let end = place.rfind(']').map_or(0, |bracket| bracket + 1);
    if let Some((_, port)) = place[end..].split_once(':') {
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        port.parse::<u16>().ok().filter(|port| digits && *port != 0)?;
    }
    let is_of_host = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '/' | '?' | '#' | '\\' | '%');
    let url = Url::parse(&format!("{scheme}://{place}")).ok()?;
    (place.chars().all(is_of_host) && is_host(&url) && url.path() == "/").then_some(url)
}

/// Returns the basic authentication header (RFC 7617).
fn authorization(credentials: &str) -> Option<HeaderValue> {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decoded = |text: &str| Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
    let pair = Zeroizing::new([decoded(user).as_slice(), b":", decoded(password).as_slice()].concat());
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_slice())));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.url.port_or_known_default().unwrap_or_default();
        write!(f, "{}:{port}", self.url.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self}, from {})", self.variable)
    }
}

impl InvalidProxy {
    /// Says what can be done about it.
    pub fn hint(&self) -> String {
        let variable = self.variable;
        format!(
            "correct {variable}: it is like http://proxy.example:3128, or http://user:password@proxy.example:3128 with \
             signs such as @ and # percent-encoded"
        )
    }
}

impl Direct {
    /// Says why an address is reached without a proxy.
    pub fn words(self, url: &Url) -> String {
        match self {
            Self::NoneSet => "none is set".to_owned(),
            Self::Plain => "none (plain http never goes through one)".to_owned(),
            Self::Loopback => "none (this machine is reached without one)".to_owned(),
            Self::Excluded(variable) => format!("none ({variable} matches {})", host_of(url)),
        }
    }
}

#[cfg(test)]
mod tests;
