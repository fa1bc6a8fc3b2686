//! What must never be shown: addresses that are credentials, tokens, signing keys.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use nuon_gate_core::redact::{conceal, protect};
use nuon_gate_http::SecretUrl;
use nuon_gate_http::header::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::mask::{request_target, secret_parts};

/// A secret, wiped when dropped and redacted from all output. It has neither `Display` nor `Serialize`.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Registers a text for redaction.
    pub(crate) fn new(text: &str) -> Self {
        protect(text);
        Self::unprotected(text)
    }

    /// Keeps a text that need not be redacted.
    pub(crate) fn unprotected(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns it as a header value marked as sensitive.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("{prefix}{}", self.expose()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The address of a sink. Anyone who knows it can post there.
#[derive(Clone)]
pub(crate) struct SinkUrl(SecretUrl);

impl SinkUrl {
    /// Reads an address. The error says what is wrong without quoting anything. From now on, the address, its request
    /// target and its secret parts are redacted.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let address = Self::public(text)?;
        protect(text);
        protect(address.expose());
        if let Some(url) = address.url(&[], &[]) {
            secret_parts(&url).iter().for_each(|part| protect(part));
            request_target(&url).iter().for_each(|part| conceal(part));
        }
        Ok(address)
    }

    /// Reads the address of a service's API in the same way; it is not a secret.
    pub(crate) fn public(text: &str) -> Result<Self, &'static str> {
        SecretUrl::new(text).map(Self)
    }
}

impl Deref for SinkUrl {
    type Target = SecretUrl;

    fn deref(&self) -> &SecretUrl {
        &self.0
    }
}

impl fmt::Display for SinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SinkUrl({})", self.0)
    }
}

/// A signing secret of Standard Webhooks: `whsec_` and the key in base64.
#[derive(Debug, Clone)]
pub(crate) struct SigningKey(Secret);

impl SigningKey {
    /// The spec asks for keys from 24 bytes up; a shorter one can be guessed.
    const SHORTEST: usize = 24;

    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let key = decode(text).ok_or("it is not whsec_ and a key in base64")?;
        if key.len() < Self::SHORTEST {
            return Err("its key is shorter than 24 bytes");
        }
        // A receiver may repeat the key itself, if it is text.
        let as_text = std::str::from_utf8(&key).ok().filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()));
        [text.strip_prefix("whsec_"), as_text].into_iter().flatten().for_each(protect);
        Ok(Self(Secret::new(text)))
    }

    /// Returns the bytes of the key.
    pub(crate) fn key(&self) -> Zeroizing<Vec<u8>> {
        decode(self.0.expose()).unwrap_or_default()
    }

    /// Returns the secret as it is written; receivers that do not decode base64 use that as the key.
    pub(crate) fn written(&self) -> &str {
        self.0.expose()
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = text.strip_prefix("whsec_")?;
    STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::{Line, redact::protected};

    use super::*;

    #[test]
    fn the_secret_parts_of_an_address_are_masked() {
        let hook = "https://hooks.slack.com/services/T0/B0/s3cr3ts3cr3t";
        let url = SinkUrl::new(hook).unwrap();
        assert_eq!(url.to_string(), "https://hooks.slack.com/…");
        assert_eq!(format!("{url:?}"), "SinkUrl(https://hooks.slack.com/…)");
        let teams = "https://X.logic.azure.com:443/a/invoke?v=1&sig=s3cr3ts3cr3t";
        SinkUrl::new(teams).unwrap();
        let protected = protected(0);
        let written = [hook, teams, "https://x.logic.azure.com/a/invoke?v=1&sig=s3cr3ts3cr3t", "s3cr3ts3cr3t"];
        for secret in written {
            assert!(protected.contains(&secret.to_owned()), "{secret}");
        }
        SinkUrl::public("https://api.a.example/v1/").unwrap();
        assert!(!nuon_gate_core::redact::protected(0).iter().any(|secret| secret.contains("api.a.example")));
    }

    #[test]
    fn what_a_server_repeats_of_an_address_is_not_shown() {
        let rows = [
            ("/hooks/a19?token=SuperSecretToken", "Cannot POST [redacted]"),
            ("/hooks/b19?secret=openseesaws", "Cannot POST [redacted]"),
            ("/hooks/c19?code=hello-world-this-is-it", "Cannot POST [redacted]"),
            ("/hooks/d19/hookPathSecretXyZ987", "Cannot POST /[redacted]"),
            ("/hooks/e19/1234567890123456", "Cannot POST /[redacted]"),
            ("/abcdefghijklmnopqrstuvwxyz", "Cannot POST /[redacted]"),
            ("/notify", "Cannot POST /notify"),
        ];
        for (target, shown) in rows {
            SinkUrl::new(&format!("https://a.example{target}")).unwrap();
            assert_eq!(Line::new(format!("Cannot POST {target}")), shown);
        }
        for (text, shown) in [
            ("the token supersecrettoken is wrong", "the token [redacted] is wrong"),
            ("no such secret: openseesaws", "no such secret: [redacted]"),
            ("Cannot POST %2Fhooks%2Fd19%2FhookPathSecretXyZ987", "Cannot POST %2F[redacted]"),
        ] {
            assert_eq!(Line::new(text), shown);
        }
        assert!(!protected(0).iter().any(|secret| secret.starts_with("hook")), "paths are not masked by CI systems");
        assert!(protected(0).contains(&"openseesaws".to_owned()));
    }

    #[test]
    fn keys_are_checked_and_hidden() {
        let long = format!("whsec_{}", STANDARD.encode([7; 24]));
        let key = SigningKey::new(&long).unwrap();
        assert_eq!(*key.key(), [7; 24]);
        assert_eq!(format!("{key:?}"), "SigningKey(Secret(…))");
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        assert_eq!(SigningKey::new(&short).unwrap_err(), "its key is shorter than 24 bytes");
        for text in ["whsec_", "whsec_???", "abc", ""] {
            assert!(SigningKey::new(text).is_err(), "{text:?}");
        }
    }
}
