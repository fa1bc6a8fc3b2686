//! The secrets of the core. Each has its own type, so that none can be sent to the wrong host.

use std::fmt;

use nuon_gate_http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::input::trim;
use crate::redact::protect;

/// The API token. It has neither `Display` nor `Serialize`, and is wiped when dropped, except for the copy that
/// recognises it when a server repeats it ([`redact`](crate::redact)).
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// Proof of an identity, such as the JWT of a CI job, or the token that requests one. It is kept like [`ApiToken`].
#[derive(Clone)]
pub struct IdentityToken(SecretString);

/// Why a text cannot be a token. Never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// Nothing, or white space only.
    #[error("the token is empty")]
    Empty,
    /// Not printable ASCII, so it cannot stand in a header.
    #[error("the token holds {what} at character {at}, which a header cannot carry")]
    Unprintable {
        /// The kind of character.
        what: &'static str,
        /// Its position, starting at 1.
        at: usize,
    },
}

impl ApiToken {
    /// Takes a token. Removes white space around it, as files end in a line break, a byte order mark, and the word
    /// `Bearer` of the header that it was copied from.
    ///
    /// # Errors
    ///
    /// If nothing is left, or a character is not printable ASCII.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        printable(token).map(Self)
    }

    /// Returns the token itself, for the one header that carries it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the value of the header that carries it.
    pub(crate) fn header(&self) -> HeaderValue {
        header("Bearer", self.expose())
    }
}

impl IdentityToken {
    /// Takes a token. Removes white space around it, as files end in a line break, a byte order mark, and the word
    /// `Bearer` of the header that it was copied from.
    ///
    /// # Errors
    ///
    /// If nothing is left, or a character is not printable ASCII.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        printable(token).map(Self)
    }

    /// Returns the token itself, for the one request that carries it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the value of the header that carries it, as GitHub's documentation writes it.
    pub(crate) fn header(&self) -> HeaderValue {
        header("bearer", self.expose())
    }
}

/// Checks a token, and registers it for redaction.
fn printable(token: &str) -> Result<SecretString, InvalidToken> {
    let token = bare_token(token)?;
    protect(token);
    Ok(SecretString::from(token))
}

/// Returns a token as it was issued, without what a file or a header adds.
///
/// # Errors
///
/// If nothing is left, or a character is not printable ASCII.
pub fn bare_token(text: &str) -> Result<&str, InvalidToken> {
    let token = trim(text);
    let scheme = token.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let token = token[scheme.map_or(0, str::len)..].trim();
    if token.is_empty() {
        return Err(InvalidToken::Empty);
    }
    match token.chars().enumerate().find(|(_, c)| !c.is_ascii_graphic()) {
        None => Ok(token),
        Some((before, c)) => Err(InvalidToken::Unprintable { what: kind(c), at: before + 1 }),
    }
}

/// Names the kind of a character, without showing it.
fn kind(c: char) -> &'static str {
    match c {
        '\n' | '\r' => "a line break",
        ' ' | '\t' => "a blank",
        '\u{0}' => "a NUL, as UTF-16 does,",
        c if c.is_control() => "a control character",
        c if crate::text::is_hidden(c) => "an invisible character",
        _ => "a character that is not ASCII",
    }
}

fn header(scheme: &str, token: &str) -> HeaderValue {
    // Printable ASCII can always stand in a header; if it could not, nothing would be sent.
    let value = HeaderValue::from_str(&format!("{scheme} {token}"));
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_trimmed_checked_and_hidden() {
        let (token, identity) = (ApiToken::new(" s3cret\n").unwrap(), IdentityToken::new("\tid3ntity \r\n").unwrap());
        assert_eq!((token.expose(), identity.expose()), ("s3cret", "id3ntity"));
        assert_eq!(format!("{token:?} {identity:?}"), "ApiToken(…) IdentityToken(…)");
        for text in ["\u{feff}s3cret", "Bearer s3cret\n", " bearer  s3cret"] {
            assert_eq!(ApiToken::new(text).unwrap().expose(), "s3cret", "{text:?}");
        }
        let cases = [
            (" \n", "the token is empty"),
            ("\u{feff}\r\n", "the token is empty"),
            ("a\nb", "the token holds a line break at character 2"),
            ("ab c", "the token holds a blank at character 3"),
            ("a\u{200b}", "the token holds an invisible character at character 2"),
            ("hé", "the token holds a character that is not ASCII at character 2"),
            ("a\0b\0", "the token holds a NUL, as UTF-16 does, at character 2"),
        ];
        for (text, error) in cases {
            for refused in [ApiToken::new(text).unwrap_err(), IdentityToken::new(text).unwrap_err()] {
                assert!(refused.to_string().starts_with(error), "{text:?}: {refused}");
            }
        }
    }

    #[test]
    fn a_header_carries_the_token_and_does_not_show_it() {
        let header = ApiToken::new("s3cret").unwrap().header();
        assert_eq!(header, "Bearer s3cret");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(IdentityToken::new("id3ntity").unwrap().header(), "bearer id3ntity");
    }
}
