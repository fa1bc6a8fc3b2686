//! Checks of addresses to which secrets are sent.

use std::net::IpAddr;

use reqwest::Url;

/// Why an address is not safe for secrets. The message never quotes credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// Not a URL.
    #[error("not a URL: {0}")]
    Syntax(String),
    /// No scheme before the host.
    #[error("it does not begin with https://")]
    NoScheme,
    /// Neither `https` nor `http`.
    #[error("the scheme is `{0}`, not https")]
    Scheme(String),
    /// Plain `http` to a host that is not this machine.
    #[error("plain http would send the token unencrypted to {0}")]
    PlainHttp(String),
    /// A user name or a password.
    #[error("it holds a user name or a password")]
    Credentials,
    /// A query or a fragment.
    #[error("it holds a query or a fragment")]
    Query,
}

/// Reads an address: `https`, or `http` on loopback; without credentials. With `allow_http`, plain `http` is accepted for
/// any host.
///
/// # Errors
///
/// If the address is not of that form.
pub fn checked(text: &str, allow_http: bool) -> Result<Url, InvalidAddress> {
    // `localhost:8080` would be of the scheme `localhost`.
    if !text.contains("://") {
        return Err(InvalidAddress::NoScheme);
    }
    let url = Url::parse(text.trim()).map_err(|error| InvalidAddress::Syntax(error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(InvalidAddress::Scheme(url.scheme().to_owned()));
    }
    if !is_host(&url) {
        return Err(InvalidAddress::Syntax("its host holds a sign that no host has".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidAddress::Credentials);
    }
    if is_plain(&url) && !is_loopback(&url) && !allow_http {
        return Err(InvalidAddress::PlainHttp(host_of(&url)));
    }
    Ok(url)
}

/// Returns whether a host name is plausible. The URL standard accepts `$HOST`, which a shell failed to replace.
pub(crate) fn is_host(url: &Url) -> bool {
    socket_of(url).0.chars().all(|c| c.is_alphanumeric() || "-_.:".contains(c))
}

/// Returns the host, with its port unless that is the scheme's default.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns the host without brackets, and the port to connect to.
pub fn socket_of(url: &Url) -> (&str, u16) {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    // Both schemes have a default port.
    (host, url.port_or_known_default().unwrap_or_default())
}

/// Returns whether this is `http`, not `https`.
pub fn is_plain(url: &Url) -> bool {
    url.scheme() == "http"
}

/// Returns whether the host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    let (host, _) = socket_of(url);
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}
