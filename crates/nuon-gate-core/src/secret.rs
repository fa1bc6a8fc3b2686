//! The one secret that the core holds.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The API token. It is wiped when dropped, and has neither `Display` nor `Serialize`.
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// Why a text cannot be a token. It never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// Nothing, or white space alone.
    #[error("the API token is empty")]
    Empty,
    /// Not printable ASCII, so it cannot stand in a header.
    #[error("the API token holds characters that a header cannot carry (a line break in the middle?)")]
    Unprintable,
}

impl ApiToken {
    /// Takes a token. White space around it is dropped, as files end in a line break.
    ///
    /// # Errors
    ///
    /// If nothing is left, or a character is not printable ASCII.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        let token = token.trim();
        if token.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidToken::Unprintable);
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Returns the token itself, for the one header that carries it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_trimmed_checked_and_hidden() {
        let token = ApiToken::new(" s3cret\n").unwrap();
        assert_eq!(token.expose(), "s3cret");
        assert_eq!(format!("{token:?}"), "ApiToken(…)");
        assert_eq!(ApiToken::new(" \n").unwrap_err(), InvalidToken::Empty);
        assert_eq!(ApiToken::new("a\nb").unwrap_err(), InvalidToken::Unprintable);
    }
}
