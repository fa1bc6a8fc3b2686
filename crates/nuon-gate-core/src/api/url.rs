//! The addresses that secrets are sent to: the API's, and the identity issuer's.

use std::fmt;

pub use nuon_gate_http::InvalidAddress as InvalidApiUrl;
use nuon_gate_http::{Url, checked, host_of, is_loopback, is_plain, socket_of};

/// The API's address: `https`, or `http` on loopback; no credentials, no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

impl ApiUrl {
    /// Parses an address. With `allow_http`, plain `http` is accepted for any host. Removes the API's version at the
    /// end of the path (`/v1`), because each request has it; the rest of the path stays.
    ///
    /// # Errors
    ///
    /// If it is not a URL, or not safe for the token or the path.
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
        let mut url = checked(text, allow_http)?;
        if let Some((path, version)) = url.path().trim_end_matches('/').rsplit_once('/')
            && version.eq_ignore_ascii_case("v1")
        {
            let path = path.to_owned();
            url.set_path(&path);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidApiUrl::Query);
        }
        Ok(Self(url))
    }

    /// Returns the host, with its port if it is not the scheme's own.
    pub fn host(&self) -> String {
        host_of(&self.0)
    }

    /// Returns the host and the port to connect to.
    pub fn socket(&self) -> (String, u16) {
        let (host, port) = socket_of(&self.0);
        (host.to_owned(), port)
    }

    /// Returns whether this is `http`, not `https`.
    pub fn is_plain(&self) -> bool {
        is_plain(&self.0)
    }

    /// Returns whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns it as a [`Url`].
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns an address below this one. Each segment is percent-encoded, so that none can change the path.
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

/// The address of an identity issuer: `https`, or `http` on loopback; no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl(Url);

impl IssuerUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// If it is not a URL, or not safe for the token that requests an identity.
    pub fn new(text: &str) -> Result<Self, InvalidApiUrl> {
        checked(text, false).map(Self)
    }

    /// Returns the address that issues a token for this audience. The query's other parameters are kept.
    pub(super) fn with_audience(&self, audience: &str) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair("audience", audience);
        url
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
            ("api.nuon.co", Err(InvalidApiUrl::NoScheme)),
            ("localhost:8081", Err(InvalidApiUrl::NoScheme)),
            ("https://b\u{fc}cher.example", Err(InvalidApiUrl::Syntax("invalid international domain name".into()))),
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
    fn an_issuer_is_safe_to_send_a_secret_to_and_keeps_its_query() {
        let issued =
            |text: &str| IssuerUrl::new(text).map(|url| url.with_audience("https://api.example/a&b").to_string());
        let audience = "audience=https%3A%2F%2Fapi.example%2Fa%26b";
        assert_eq!(
            issued("https://issuer.example/t?a=1%20x"),
            Ok(format!("https://issuer.example/t?a=1%20x&{audience}"))
        );
        assert_eq!(issued("http://127.0.0.1:1/t"), Ok(format!("http://127.0.0.1:1/t?{audience}")));
        assert_eq!(issued("http://issuer.example/t"), Err(InvalidApiUrl::PlainHttp("issuer.example".into())));
        assert_eq!(issued("https://u:p@issuer.example/t"), Err(InvalidApiUrl::Credentials));
        assert_eq!(issued("file:///t"), Err(InvalidApiUrl::Scheme("file".into())));
    }

    #[test]
    fn the_version_at_the_end_is_taken_off() {
        let cases = [
            ("https://api.example/v1", "https://api.example"),
            ("https://api.example/v1/", "https://api.example"),
            ("https://api.example/V1", "https://api.example"),
            ("https://api.example/base/V1//", "https://api.example/base"),
            ("https://api.example/base/v1", "https://api.example/base"),
            ("https://api.example/base/", "https://api.example/base"),
            ("https://api.example/v12", "https://api.example/v12"),
            ("https://api.example/nuonv1", "https://api.example/nuonv1"),
            ("https://api.example/v1/base", "https://api.example/v1/base"),
        ];
        for (text, expected) in cases {
            assert_eq!(ApiUrl::new(text, false).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn segments_stay_in_their_place() {
        let base = ApiUrl::new("https://api.example/base/", false).unwrap();
        let url = base.join(&["v1", "installs", "a?b#c/d%2e", "x y"]);
        assert_eq!(url.as_str(), "https://api.example/base/v1/installs/a%3Fb%23c%2Fd%252e/x%20y");
    }
}
