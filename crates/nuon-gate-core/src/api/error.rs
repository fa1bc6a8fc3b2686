//! Errors of the API and their classes: retried or final (`docs/nuon-api.md`, "Errors and what answers them").

use std::time::Duration;

use nuon_gate_http::{Failure, ProxyFailure, ProxyTrouble};

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
    /// The proxy gives no way to the server.
    #[error(transparent)]
    Proxy(ProxyFailure),
    /// No whole answer in time.
    #[error("no answer {}", within(*.0))]
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
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// A status code that is no success.
    #[error("HTTP {status}{}", .message.as_ref().map(|text| format!(": {}", text.plain())).unwrap_or_default())]
    Status {
        /// The status code.
        status: u16,
        /// What the server said.
        message: Option<Line>,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
        /// Whether it is the server's own word, and not that of an ingress, a firewall or a proxy before it.
        from_nuon: bool,
    },
    /// What was asked for exists, and is another's.
    #[error("{what} belongs to {owner}, not to {expected}")]
    Elsewhere {
        /// What was asked for.
        what: String,
        /// Whose it is.
        owner: String,
        /// Whose it should be.
        expected: String,
    },
    /// A success whose body cannot be read, or is about something else.
    #[error("undecodable answer: {0}")]
    Undecodable(String),
    /// A success that somebody else says: a login page, a captive portal, another service.
    #[error("{}", .0.plain())]
    Stranger(Line),
    /// Signing in failed, so the request was not sent.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

/// So short a limit is none that somebody has set: the last request before a deadline has what is left of it.
fn within(limit: Duration) -> String {
    match limit < Duration::from_millis(10) {
        true => "before the time was up".to_owned(),
        false => format!("within {}", crate::timeline::human(limit)),
    }
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
    #[error("this server does not support signing in with an identity: {0}")]
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
    /// Returns what follows. Whatever is said, an identity that is refused is refused as a token is.
    fn class(&self) -> ErrorClass {
        match self {
            // Whoever issues identities is not the API, and refuses in its own words.
            Self::Issuer { cause, .. } if cause.refuses() => ErrorClass::Denied,
            Self::Issuer { cause, .. } | Self::Exchange(cause) => match cause.class() {
                class @ (ErrorClass::Transient | ErrorClass::Untrusted | ErrorClass::Foreign) => class,
                ErrorClass::Denied | ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Elsewhere => {
                    ErrorClass::Denied
                }
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
    /// Just another poll: try again until the outage limit runs out.
    Transient,
    /// 401 and 403, and an identity that is refused: final at first, transient for a while after a success, since the
    /// server also answers so in trouble.
    Denied,
    /// 404.
    Missing,
    /// Any other 4xx of the server's: asking again would not help.
    Refused,
    /// A 401, 403 or 404 that is not the server's word. As long as the server itself has never answered, the address may be
    /// wrong; later it is trouble like any other.
    Foreign,
    /// It is another's.
    Elsewhere,
    /// A certificate that is not trusted: final at first, transient after a success.
    Untrusted,
}

/// What a failure is to whoever asked the API. Whatever the system says becomes a line.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let line = |text: String| Line::new(text).cut(200).plain().to_owned();
        match failure {
            Failure::Connect { host, detail } => Self::Connect { host, detail: line(detail) },
            Failure::Certificate { host, detail } => Self::Certificate { host, detail: line(detail) },
            Failure::Proxy(failure) => Self::Proxy(failure),
            Failure::Timeout(limit) => Self::Timeout(limit),
            Failure::Broken(detail) => Self::Broken(line(detail)),
        }
    }
}

impl ApiError {
    /// An answer that is no fact about what was asked.
    pub fn unexpected() -> Self {
        Self::Undecodable("the answer is about something else".to_owned())
    }

    /// Returns what follows from this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::SignIn(error) => error.class(),
            Self::Certificate { .. } | Self::Proxy(ProxyFailure { trouble: ProxyTrouble::Untrusted(_), .. }) => {
                ErrorClass::Untrusted
            }
            Self::Elsewhere { .. } => ErrorClass::Elsewhere,
            Self::Status { status: 401 | 403 | 404, from_nuon: false, .. } => ErrorClass::Foreign,
            Self::Status { status: 401 | 403, .. } => ErrorClass::Denied,
            Self::Status { status: 404, .. } => ErrorClass::Missing,
            Self::Status { status: 408 | 409 | 425 | 429, .. } => ErrorClass::Transient,
            Self::Status { status: 400..=499, from_nuon: true, .. } => ErrorClass::Refused,
            Self::Status { .. }
            | Self::Connect { .. }
            | Self::Proxy(_)
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::Redirect { .. }
            | Self::Stranger(_)
            | Self::Undecodable(_) => ErrorClass::Transient,
        }
    }

    /// Returns whether someone else seems to answer at the API's address: another service, a login page, a firewall.
    pub fn is_strangers(&self) -> bool {
        match self {
            // These a proxy or a server in trouble says as well, of the API.
            Self::Status { status: 408 | 409 | 425 | 429, .. } => false,
            Self::Status { status: 400..=499, from_nuon: false, .. } | Self::Status { status: 511, .. } => true,
            error => error.class() == ErrorClass::Foreign || matches!(error, Self::Stranger(_)),
        }
    }

    /// Returns whether a server, whichever it is, refuses what it was asked.
    fn refuses(&self) -> bool {
        matches!(self, Self::Status { status: 400..=499, .. }) && !matches!(self.status(), Some(408 | 409 | 425 | 429))
    }

    /// Returns whether this is the API's own word, as its mark says.
    pub(crate) fn is_from_nuon(&self) -> bool {
        matches!(self, Self::Status { from_nuon: true, .. } | Self::Elsewhere { .. })
    }

    /// Returns the pause that the server asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Redirect { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            Self::SignIn(SignInError::Exchange(cause) | SignInError::Issuer { cause, .. }) => cause.retry_after(),
            _ => None,
        }
    }

    /// Returns the status code, if there was an answer to the request itself.
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
    fn a_limit_that_nobody_has_set_is_not_named() {
        let cases = [(0, "before the time was up"), (9, "before the time was up"), (700, "within 700ms")];
        for (millis, words) in cases {
            assert_eq!(ApiError::Timeout(Duration::from_millis(millis)).to_string(), format!("no answer {words}"));
        }
    }

    #[test]
    fn every_status_code_has_its_class() {
        for (status, from_nuon) in (100..=599).flat_map(|status| [(status, true), (status, false)]) {
            let class = ApiError::Status { status, message: None, retry_after: None, from_nuon }.class();
            let expected = match status {
                401 | 403 | 404 if !from_nuon => ErrorClass::Foreign,
                401 | 403 => ErrorClass::Denied,
                404 => ErrorClass::Missing,
                408 | 409 | 425 | 429 => ErrorClass::Transient,
                400..=499 if from_nuon => ErrorClass::Refused,
                _ => ErrorClass::Transient,
            };
            assert_eq!(class, expected, "{status}");
            let is_foreign = !from_nuon && (400..500).contains(&status) && !matches!(status, 408 | 409 | 425 | 429);
            let error = ApiError::Status { status, message: None, retry_after: None, from_nuon };
            assert_eq!(error.is_strangers(), is_foreign || status == 511, "{status}");
        }
    }
}
