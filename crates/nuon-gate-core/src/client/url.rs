//! The address of the API.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// Where the API is: `https`, or `http` on loopback; no credentials, no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// Why a text cannot be the API's address. It never quotes credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiUrl {
    /// Not a URL.
    #[error("not a URL: {0}")]
    Syntax(String),
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

impl ApiUrl {
    /// Reads an address. With `allow_http`, plain `http` is accepted for any host.
    ///
    /// # Errors
    ///
    /// If it is no URL, or one with which the token or the path would not be safe.
    ///
    /// ```
    /// use nuon_gate_core::ApiUrl;
    ///
    /// assert!(ApiUrl::new("https://api.nuon.co", false).is_ok());
    /// assert!(ApiUrl::new("http://127.0.0.1:8081", false).is_ok());
    /// assert!(ApiUrl::new("http://api.nuon.co", false).is_err());
    /// assert!(ApiUrl::new("https://user:secret@api.nuon.co", false).is_err());
    /// ```
    pub fn new(text: &str, allow_http: bool) -> Result<Self, InvalidApiUrl> {
        let url = Url::parse(text.trim()).map_err(|error| InvalidApiUrl::Syntax(error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidApiUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidApiUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidApiUrl::Query);
        }
        let url = Self(url);
        if url.is_plain() && !url.is_loopback() && !allow_http {
            return Err(InvalidApiUrl::PlainHttp(url.host().to_owned()));
        }
        Ok(url)
    }

    /// Returns the host, with its port if it is not the scheme's own.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns the host and the port to connect to.
    pub fn socket(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
        // Either scheme has a port of its own.
        (host.to_owned(), self.0.port_or_known_default().unwrap_or_default())
    }

    /// Tells whether this is `http`, not `https`.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Tells whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        }
    }

    /// Returns the address of something below this one. Each segment is percent-encoded, so that none of them can leave
    /// its place in the path.
    pub(super) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        let cases = [
            ("https://api.nuon.co", Ok(())),
            ("https://api.example/base/", Ok(())),
            ("http://localhost:1", Ok(())),
            ("http://[::1]:1", Ok(())),
            ("http://127.9.9.9", Ok(())),
            ("http://10.0.0.1", Err(InvalidApiUrl::PlainHttp("10.0.0.1".into()))),
            ("http://localhost.evil.example", Err(InvalidApiUrl::PlainHttp("localhost.evil.example".into()))),
            ("ftp://api.example", Err(InvalidApiUrl::Scheme("ftp".into()))),
            ("https://u@api.example", Err(InvalidApiUrl::Credentials)),
            ("https://:p@api.example", Err(InvalidApiUrl::Credentials)),
            ("https://api.example?token=x", Err(InvalidApiUrl::Query)),
            ("https://api.example#x", Err(InvalidApiUrl::Query)),
            ("api.nuon.co", Err(InvalidApiUrl::Syntax("relative URL without a base".into()))),
        ];
        for (text, expected) in cases {
            assert_eq!(ApiUrl::new(text, false).map(|_| ()), expected, "{text}");
        }
        assert!(ApiUrl::new("http://10.0.0.1", true).is_ok());
    }

    #[test]
    fn there_is_always_a_port_to_connect_to() {
        let cases = [
            ("https://api.example", "api.example", 443),
            ("https://api.example:8443/base", "api.example", 8443),
            ("http://localhost", "localhost", 80),
            ("http://[::1]:1", "::1", 1),
        ];
        for (text, host, port) in cases {
            assert_eq!(ApiUrl::new(text, false).unwrap().socket(), (host.to_owned(), port));
        }
    }

    #[test]
    fn segments_stay_in_their_place() {
        let base = ApiUrl::new("https://api.example/base/", false).unwrap();
        let url = base.join(&["v1", "installs", "a?b#c/d%2e", "x y"]);
        assert_eq!(url.as_str(), "https://api.example/base/v1/installs/a%3Fb%23c%2Fd%252e/x%20y");
    }
}
