//! What can go wrong when asking the API, and what follows from it.

use std::time::Duration;

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
    #[error("HTTP {status}{}", .message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status {
        /// The status code.
        status: u16,
        /// What the server said, made safe.
        message: Option<String>,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A success whose body cannot be read.
    #[error("undecodable answer: {0}")]
    Undecodable(String),
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Just another poll: try again until the outage clock rings.
    Transient,
    /// 401 and 403: final at first, transient for a while after a success, since the server also answers so in trouble.
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
            _ => None,
        }
    }

    /// Returns the status code, if there was an answer.
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
