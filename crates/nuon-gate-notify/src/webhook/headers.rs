//! Headers that the user adds to webhooks. Their values can be secrets.

use nuon_gate_core::redact::protect;
use nuon_gate_http::header::{HeaderMap, HeaderName};

use crate::mask::{is_secret, names_secret};
use crate::secret::Secret;

/// Headers that the delivery sets itself, or that would change what is sent.
const REFUSED: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "te",
    "transfer-encoding",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-hub-signature-256",
];

/// Extra headers.
#[derive(Debug, Default)]
pub(crate) struct Headers(Vec<(HeaderName, Secret)>);

impl Headers {
    /// Reads lines of `Name: value`.
    pub(crate) fn read(lines: &[String]) -> Result<Self, String> {
        let mut headers = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}", number + 1);
            let (name, value) = line.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
            let name: HeaderName = name.trim().parse().map_err(|_| wrong("no header has such a name"))?;
            if REFUSED.contains(&name.as_str()) {
                return Err(wrong(&format!("{name} is not for users to set")));
            }
            let value = kept(&name, value.trim());
            if value.header("").is_none() {
                return Err(wrong("a header cannot carry this value"));
            }
            headers.push((name, value));
        }
        Ok(Self(headers))
    }

    /// Returns the type of the body that the user asks for.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.expose())
    }

    /// Adds the headers to those of a request; they replace what is there.
    pub(crate) fn add_to(&self, map: &mut HeaderMap) {
        for (name, value) in &self.0 {
            if let Some(value) = value.header("") {
                map.insert(name.clone(), value);
            }
        }
    }
}

/// Keeps a header's value. It is a secret if its name or its form says so; of `Bearer …` the token is one too.
fn kept(name: &HeaderName, value: &str) -> Secret {
    let last = value.rsplit_once(' ').map_or(value, |(_, last)| last);
    if !names_secret(name.as_str()) && !is_secret(last) {
        return Secret::unprotected(value);
    }
    protect(last);
    Secret::new(value)
}
