//! What can go wrong when asking the API, and what follows from it.

use std::time::Duration;

use crate::{InvalidToken, Line};

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// No connection: the name does not resolve, nobody listens, or the handshake broke off.
    #[error("could not connect to {host}: {detail}")]
    Connect {
        /// The API's host.
        host: String,
        /// What the system said.
        detail: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {detail}")]
    Certificate {
        /// The API's host.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No whole answer in time.
    #[error("no answer within {}", crate::human(*.0))]
    Timeout(Duration),
    /// The connection ended in the middle of an answer.
    #[error("the connection broke off: {0}")]
    Broken(String),
    /// A redirect, which is never followed: the token is for the configured host alone.
    #[error("HTTP {status}: redirected to {to}, which is not followed")]
    Redirect {
        /// The status code.
        status: u16,
        /// The host it points to.
        to: String,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A status code that is no success.
    #[error("HTTP {status}{}", .message.as_ref().map(|text| format!(": {}", text.plain())).unwrap_or_default())]
    Status {
        /// The status code.
        status: u16,
        /// What the server said.
        message: Option<Line>,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A success whose body cannot be read.
    #[error("undecodable answer: {0}")]
    Undecodable(String),
    /// There was no signing in, so the question was not asked.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

/// Why an identity has not led to a token of the API's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The file with the identity token cannot be used.
    #[error("no identity token can be read from the file: {0}")]
    File(String),
    /// Whoever issues identity tokens gives none.
    #[error("no identity token from {host}: {cause}")]
    Issuer {
        /// The issuer's host.
        host: String,
        /// What came instead.
        cause: Box<ApiError>,
    },
    /// The API gives no token for the identity.
    #[error("signing in failed: {0}")]
    Exchange(Box<ApiError>),
    /// The API does not know of signing in.
    #[error("this server signs nobody in by identity: {0}")]
    Unsupported(Box<ApiError>),
    /// The API says that it does not know the identity.
    #[error("signing in failed: the API does not authenticate this identity")]
    NotAuthenticated,
    /// The API gives a token for another organisation.
    #[error("signing in failed: the token is for another organisation")]
    OtherOrganisation,
    /// What the API gives is no token.
    #[error("signing in failed: {0}")]
    Token(InvalidToken),
}

impl SignInError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File(_) => "check the file of NUON_OIDC_TOKEN_FILE, or set NUON_API_TOKEN",
            Self::Issuer { .. } => "check that the job has `permissions: id-token: write`, or set NUON_API_TOKEN",
            Self::Unsupported(_) => {
                "set NUON_API_TOKEN: the server is too old for OIDC federation, has it turned off, or is not the API"
            }
            _ => {
                "set up a trust policy in Nuon for this repository, in the organisation of --org-id (NUON_ORG_ID), with the \
                 audience that the identity has: the API's address, or NUON_OIDC_AUDIENCE; the job needs \
                 `permissions: id-token: write`, and a token in NUON_OIDC_TOKEN must not have expired; or set NUON_API_TOKEN"
            }
        }
    }

    /// Returns what follows. Whatever is said, an identity that is refused is refused as a token is.
    fn class(&self) -> ErrorClass {
        match self {
            Self::Issuer { cause, .. } | Self::Exchange(cause) => match cause.class() {
                class @ (ErrorClass::Transient | ErrorClass::Untrusted) => class,
                ErrorClass::Denied | ErrorClass::Missing | ErrorClass::Refused => ErrorClass::Denied,
            },
            Self::File(_)
            | Self::Unsupported(_)
            | Self::NotAuthenticated
            | Self::OtherOrganisation
            | Self::Token(_) => ErrorClass::Denied,
        }
    }
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Just another poll: try again until the outage clock rings.
    Transient,
    /// 401 and 403, and an identity that is refused: final at first, transient for a while after a success, since the
    /// server also answers so in trouble.
    Denied,
    /// 404.
    Missing,
    /// Any other 4xx: asking again would not help.
    Refused,
    /// A certificate that is not trusted: final at first, transient after a success.
    Untrusted,
}

impl ApiError {
    /// Returns what follows from this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::SignIn(error) => error.class(),
            Self::Certificate { .. } => ErrorClass::Untrusted,
            Self::Status { status: 401 | 403, .. } => ErrorClass::Denied,
            Self::Status { status: 404, .. } => ErrorClass::Missing,
            Self::Status { status: 408 | 409 | 425 | 429, .. } => ErrorClass::Transient,
            Self::Status { status: 400..=499, .. } => ErrorClass::Refused,
            Self::Status { .. }
            | Self::Connect { .. }
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::Redirect { .. }
            | Self::Undecodable(_) => ErrorClass::Transient,
        }
    }

    /// Returns how long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Redirect { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            Self::SignIn(SignInError::Exchange(cause) | SignInError::Issuer { cause, .. }) => cause.retry_after(),
            _ => None,
        }
    }

    /// Returns the status code, if there was an answer to the question itself.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Redirect { status, .. } | Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_code_has_its_class() {
        for status in 100..=599 {
            let class = ApiError::Status { status, message: None, retry_after: None }.class();
            let expected = match status {
                401 | 403 => ErrorClass::Denied,
                404 => ErrorClass::Missing,
                408 | 409 | 425 | 429 => ErrorClass::Transient,
                400..=499 => ErrorClass::Refused,
                _ => ErrorClass::Transient,
            };
            assert_eq!(class, expected, "{status}");
        }
    }
}
