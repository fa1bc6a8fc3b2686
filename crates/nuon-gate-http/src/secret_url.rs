//! Addresses that are credentials.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::InvalidAddress;
use crate::address::{checked, host_of};

/// An address that is a secret: anyone who knows it can post there. Displayed as scheme and host only.
#[derive(Clone)]
pub struct SecretUrl {
    whole: SecretString,
    /// `https://hooks.slack.com/…`.
    shown: String,
}

impl SecretUrl {
    /// Reads an address: `https`, or `http` on loopback.
    ///
    /// # Errors
    ///
    /// Says what is wrong, without quoting anything.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            return Err("it holds a blank");
        }
        if holds_another(text) {
            return Err("it holds a second address");
        }
        let url = checked(text, false).map_err(|error| match error {
            InvalidAddress::Syntax(_) => "it is not a URL",
            InvalidAddress::NoScheme | InvalidAddress::Scheme(_) => "it does not begin with https://",
            InvalidAddress::PlainHttp(_) => "plain http would send it unencrypted: use https",
            InvalidAddress::Credentials => "it holds a user name or a password",
            InvalidAddress::Query => "it holds a query",
        })?;
        if url.fragment().is_some() {
            return Err("it holds a fragment (#…)");
        }
        let shown = format!("{}://{}/…", url.scheme(), host_of(&url));
        Ok(Self { whole: SecretString::from(url.as_str()), shown })
    }

    /// Returns the address with this appended to its path and its query.
    pub fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Option<Url> {
        let mut url = Url::parse(self.expose()).ok()?;
        if !segments.is_empty() {
            url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Some(url)
    }

    /// Returns the whole address.
    pub fn expose(&self) -> &str {
        self.whole.expose_secret()
    }
}

/// Returns whether the line break between two addresses is missing. The value of a parameter can be an address as well.
fn holds_another(text: &str) -> bool {
    let begins = |at: usize| ["https://", "http://"].iter().any(|scheme| text[at..].starts_with(scheme));
    let query = text.find('?').unwrap_or(text.len());
    text.match_indices("http")
        .skip(1)
        .any(|(at, _)| begins(at) && (at < query || text[..at].ends_with([',', ';', '|'])))
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{is_loopback, is_plain};

    #[test]
    fn addresses_are_checked_and_hidden() {
        let url = SecretUrl::new("https://hooks.slack.com/services/T0/B0/s3cr3ts3cr3t").unwrap();
        assert_eq!(url.to_string(), "https://hooks.slack.com/…");
        assert_eq!(format!("{url:?}"), "SecretUrl(https://hooks.slack.com/…)");
        let url = SecretUrl::new("https://a.example/x/?thread=1").unwrap();
        assert_eq!(
            url.url(&["m", "1"], &[("wait", "true")]).unwrap().as_str(),
            "https://a.example/x/m/1?thread=1&wait=true"
        );
        assert!(SecretUrl::new("https://http.example/x?next=https://b.example").is_ok());
        let refused = [
            ("hooks.slack.com/services", "it does not begin with https://"),
            ("https://a b.example", "it holds a blank"),
            ("https://a.example/x https://b.example/y", "it holds a blank"),
            ("https://a.example/x,https://b.example/y", "it holds a second address"),
            ("https://a.example/x?v=1;http://b.example/y", "it holds a second address"),
            ("https://", "it is not a URL"),
            ("ftp://a.example", "it does not begin with https://"),
            ("http://10.0.0.1/x", "plain http would send it unencrypted: use https"),
            ("http://localhost.evil.example/x", "plain http would send it unencrypted: use https"),
            ("https://u:p@a.example", "it holds a user name or a password"),
            ("https://a.example/#x", "it holds a fragment (#…)"),
        ];
        for (text, error) in refused {
            assert_eq!(SecretUrl::new(text).unwrap_err(), error, "{text}");
        }
        for text in ["http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost/x"] {
            let url = SecretUrl::new(text).unwrap().url(&[], &[]).unwrap();
            assert!(is_loopback(&url) && is_plain(&url), "{text}");
        }
    }
}
