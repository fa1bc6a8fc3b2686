//! What must never be shown: addresses that are credentials, tokens, signing keys.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
/// The address of a sink.
pub(crate) use nuon_gate_http::SecretUrl as SinkUrl;
use nuon_gate_http::header::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// A secret that is wiped when dropped. It has neither `Display` nor `Serialize`.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns it as a header's value that is marked as sensitive.
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

/// Returns what a log must not show: the address, the last part of its path and the values of its query, where they
/// are long enough to be secrets rather than words.
pub(crate) fn masks(sink: &SinkUrl) -> Vec<String> {
    /// Shorter parts are words like `notify`; to mask those would make logs unreadable.
    const SHORTEST: usize = 8;
    let Some(url) = sink.url(&[], &[]) else { return Vec::new() };
    let last = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let parts = last.map(str::to_owned).into_iter().chain(values).filter(|part| part.len() >= SHORTEST);
    let mut masks = vec![sink.expose().to_owned()];
    masks.extend(parts);
    masks
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
        Ok(Self(Secret::new(text)))
    }

    /// Returns the bytes of the key.
    pub(crate) fn key(&self) -> Zeroizing<Vec<u8>> {
        decode(self.0.expose()).unwrap_or_default()
    }

    /// Returns the secret as it is written, which receivers that know no base64 take for the key.
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
    use super::*;

    #[test]
    fn the_secret_parts_of_an_address_are_masked() {
        let hook = "https://hooks.slack.com/services/T0/B0/s3cr3ts3cr3t";
        assert_eq!(masks(&SinkUrl::new(hook).unwrap()), [hook, "s3cr3ts3cr3t"]);
        let teams = SinkUrl::new("https://x.logic.azure.com:443/a/invoke?v=1&sig=s3cr3ts3cr3t").unwrap();
        assert_eq!(masks(&teams)[1..], ["s3cr3ts3cr3t"]);
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
