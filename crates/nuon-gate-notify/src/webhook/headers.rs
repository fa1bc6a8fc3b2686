//! Headers that the user adds to webhooks. Their values can be secrets.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use nuon_gate_core::redact::protect;
use nuon_gate_http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use secrecy::zeroize::Zeroizing;

use crate::mask::is_secret_value;
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
        self.0.iter().find(|(name, _)| *name == CONTENT_TYPE).map(|(_, value)| value.expose())
    }

    /// Adds the headers to a request, all lines of a name. Content-Type is the format's, which has it from here.
    pub(crate) fn add_to(&self, map: &mut HeaderMap) {
        for (name, value) in self.0.iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            if let Some(value) = value.header("") {
                map.append(name.clone(), value);
            }
        }
    }
}

/// Keeps a header's value. It is a secret if its name or its form says so; of `Bearer …` the token is one too, and of
/// `Basic …` the password, which a receiver knows in clear.
fn kept(name: &HeaderName, value: &str) -> Secret {
    let (scheme, last) = value.rsplit_once(' ').unwrap_or(("", value));
    let pair = if scheme.trim().eq_ignore_ascii_case("basic") { decoded(last) } else { None };
    if pair.is_none() && !is_secret_value(name.as_str(), last) {
        return Secret::unprotected(value);
    }
    protect(last);
    if let Some(pair) = pair {
        protect(&pair);
        pair.split_once(':').into_iter().for_each(|(_, password)| protect(password));
    }
    Secret::new(value)
}

/// Returns the user and the password that `Basic` encodes.
fn decoded(encoded: &str) -> Option<Zeroizing<String>> {
    let pair = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
    String::from_utf8(pair).ok().map(Zeroizing::new)
}
